"""Data files turned into records: right extent, system and fields; only what changed is read
again.
"""

import random
import shutil
from contextlib import suppress
from pathlib import Path

import geopandas as gpd
import numpy as np
import openpyxl
import pandas as pd
import pyogrio
import pytest
import rasterio
from rasterio.transform import from_origin
from scipy.io import netcdf_file
from shapely.geometry import Point, box

from geoguichet.catalogue.errors import DatasetError
from geoguichet.catalogue.formats.iso import iso19139
from geoguichet.catalogue.formats.mapping import said, with_members
from geoguichet.catalogue.intake.crawl import crawl, described_files
from geoguichet.catalogue.intake.drafts import dataset
from geoguichet.catalogue.intake.drafts.dataset import ONLY_A_PERSON, read_datasets
from geoguichet.catalogue.intake.exchange import every_record
from geoguichet.catalogue.quality.judging import check
from geoguichet.catalogue.record import Extent, Record, content_id
from geoguichet.catalogue.search.store import SQLiteStore, store_path, with_edits
from geoguichet.floor.files import digest_of
from geoguichet.floor.viewer import MACHINE
from geoguichet.floor.words import speaking


@pytest.fixture(scope="module")
def frame() -> gpd.GeoDataFrame:
    squares = [box(570_000 + 1000 * n, 6_270_000, 570_900 + 1000 * n, 6_270_900) for n in range(5)]
    columns = {"nom": ["Blagnac", "Colomiers", None, "Muret", "Auch"], "habitants": [1, 2, 3, 4, 5]}
    return gpd.GeoDataFrame(columns, geometry=squares, crs=2154)


@pytest.fixture(scope="module")
def folder(frame: gpd.GeoDataFrame, tmp_path_factory: pytest.TempPathFactory) -> Path:
    data = tmp_path_factory.mktemp("data")
    frame.to_file(data / "communes.gpkg", layer="communes")
    frame.set_geometry(frame.centroid).to_file(data / "communes.gpkg", layer="centres", mode="a")
    frame.to_file(data / "bati_commune.shp")
    frame.to_crs(4326).to_file(data / "emprises.geojson")
    frame.to_file(data / "contours.fgb")
    frame.to_parquet(data / "zones.parquet")
    with rasterio.open(
        data / "altitude.tif",
        "w",
        driver="GTiff",
        width=40,
        height=30,
        count=1,
        dtype="float32",
        crs="EPSG:2154",
        transform=from_origin(570_000, 6_273_000, 100, 100),
        nodata=-9999,
    ) as raster:
        raster.write(np.arange(1200, dtype="float32").reshape(30, 40), 1)
    (data / "points.csv").write_text(
        "nom;lon;lat\nAuch;0,58;43,64\nMuret;1,32;43,46\n", encoding="cp1252"
    )
    pd.DataFrame(
        {"nom": ["a", "b"], "x": [570_000, 571_000], "y": [6_270_000, 6_271_000]}
    ).to_excel(data / "points.xlsx", index=False)
    (data / "prix.csv").write_text("produit;prix\npain;1\n", encoding="utf-8")
    (data / "abime.gpkg").write_bytes(b"SQLite format 3\0" + b"x" * 100)
    (data / "abime.tif").write_bytes(b"II*\0abcd")
    (data / "abime.parquet").write_bytes(b"PAR1")
    (data / "abime.xlsx").write_bytes(b"PK\x03\x04")
    return data


def records(workspace: Path) -> dict[str, Record]:
    with SQLiteStore(store_path(workspace)) as store:
        return {record.title: record for record in every_record(store, viewer=MACHINE)}


def test_every_kind_of_file_becomes_a_record(
    folder: Path, frame: gpd.GeoDataFrame, tmp_path: Path
) -> None:
    done = crawl(folder, tmp_path)
    assert {Path(finding.layer).name for finding in done.findings} == {
        "abime.gpkg",
        "abime.tif",
        "abime.parquet",
        "abime.xlsx",
        "prix.csv",
    }
    found = records(tmp_path)
    assert len(found) == done.created == 9
    expected = frame.to_crs(4326).total_bounds
    for title in ("Communes", "Bati commune", "Emprises", "Contours", "Zones"):
        extent = found[title].extent
        assert extent is not None and np.allclose(
            [extent.west, extent.south, extent.east, extent.north], expected, atol=1e-3
        )
    communes = found["Communes"]
    assert said(communes, "crs") == ["EPSG:2154"] and said(communes, "features") == 5
    assert (
        said(communes, "geometryType") == "surface"
        and said(found["Communes : centres"], "geometryType") == "point"
    )
    [name, people] = said(communes, "fields")
    assert (name["name"], name["type"], name["nullRate"], name["examples"][0]) == (
        "nom",
        "string",
        0.2,
        "Blagnac",
    )
    assert (people["type"], people["nullRate"]) == ("integer", 0.0)
    assert said(found["Altitude"], "resolution") == [{"distance": 100, "unit": "m"}]
    assert said(found["Altitude"], "size") == {"columns": 40, "rows": 30, "bands": 1}
    assert said(found["Points"], "crs") == ["EPSG:4326"] and said(
        found["Points : Sheet1"], "crs"
    ) == ["EPSG:2154"]
    for record in found.values():
        assert [link.rel for link in record.links][:1] == ["preview"], record.title
        told = record.to_bytes().decode()
        assert (
            "file:" not in told
            and str(tmp_path.parent) not in told
            and str(folder.parent) not in told
        )
    assert said(found["Altitude"], "file")["path"] == "altitude.tif"


def test_a_second_crawl_reads_only_what_changed(
    folder: Path, frame: gpd.GeoDataFrame, tmp_path: Path
) -> None:
    data, workspace = tmp_path / "data", tmp_path / "workspace"
    shutil.copytree(folder, data)
    crawl(data, workspace)
    with SQLiteStore(store_path(workspace)) as store:
        before = store.generation(viewer=MACHINE)
        assert crawl(data, workspace).unchanged == 9 and store.generation(viewer=MACHINE) == before
    known = records(workspace)
    (data / "sous").mkdir()
    (data / "zones.parquet").rename(data / "sous" / "secteurs.parquet")
    frame.iloc[:2].to_file(data / "emprises.geojson")
    (data / "points.csv").touch()
    done = crawl(data, workspace)
    assert (done.moved, done.updated, done.created) == (1, 1, 0)
    after = records(workspace)
    assert after["Secteurs"].id == known["Zones"].id
    assert {record.id for record in after.values()} == {record.id for record in known.values()}
    assert said(after["Emprises"], "features") == 2 and after["Emprises"].id == known["Emprises"].id


def test_a_layer_added_or_taken_away_leaves_the_records_of_the_others(
    folder: Path, frame: gpd.GeoDataFrame, tmp_path: Path
) -> None:
    data, workspace = tmp_path / "data", tmp_path / "w"
    data.mkdir()
    shutil.copy(folder / "communes.gpkg", data)
    crawl(data, workspace)
    before = {title: record.id for title, record in records(workspace).items()}
    frame.iloc[:1].to_file(data / "communes.gpkg", layer="mairies", mode="a")
    assert crawl(data, workspace).created == 1
    after = {title: record.id for title, record in records(workspace).items()}
    assert after.items() > before.items() and len(after) == 3
    (data / "communes.gpkg").unlink()
    frame.to_file(data / "communes.gpkg", layer="communes")
    done = crawl(data, workspace)
    assert (done.read, done.created) == (1, 0)
    assert {(found.rule, found.item) for found in done.findings} == {
        ("gone", after["Communes : centres"]), ("gone", after["Communes : mairies"])}  # fmt: skip
    assert len(records(workspace)) == 3  # what is gone keeps its record, and is told


def test_any_file_of_a_dataset_changes_it(
    folder: Path, frame: gpd.GeoDataFrame, tmp_path: Path
) -> None:
    """The table of a shapefile, or the metadata beside it: the file of geometries itself stays as
    it was.
    """
    data, workspace = tmp_path / "data", tmp_path / "w"
    data.mkdir()
    for part in folder.glob("bati_commune.*"):
        shutil.copy2(part, data)
    crawl(data, workspace)
    other = frame.assign(nom=["A", "B", "C", "D", "E"])
    other.to_file(tmp_path / "autre.shp")
    shutil.copy(tmp_path / "autre.dbf", data / "bati_commune.dbf")
    assert crawl(data, workspace).updated == 1
    assert said(records(workspace)["Bati commune"], "fields")[0]["examples"] == ["A", "B", "C"]
    (data / "bati_commune.qmd").write_text(QMD, encoding="utf-8")
    assert crawl(data, workspace).updated == 1 and "Contours des communes" in records(workspace)


def test_a_layer_that_is_published_gets_no_second_record(folder: Path, tmp_path: Path) -> None:
    data, workspace = tmp_path / "data", tmp_path / "w"
    data.mkdir()
    shutil.copy(folder / "communes.gpkg", data / "publie.gpkg")
    digest = digest_of(data / "publie.gpkg")
    ours = Record(
        id="notre", type="dataset", title="Communes", external_ids=(content_id(digest, "communes"),)
    )
    with SQLiteStore(store_path(workspace)) as store:
        store.upsert(ours, by="geoguichet")
        done = crawl(data, workspace)
        assert (done.published, done.created, done.updated) == (1, 1, 1)
        filled = store.get("notre", viewer=MACHINE)
        assert (filled.title, said(filled, "features"), said(filled, "crs")) == (
            "Communes",
            5,
            ["EPSG:2154"],
        )
        assert filled.links == () and said(filled, "file")["path"] == "publie.gpkg"
        assert (
            len(list(every_record(store, viewer=MACHINE))) == 2
            and crawl(data, workspace).unchanged == 2
        )
        assert with_edits(ours, store, by="geoguichet").extra_properties == filled.extra_properties
    assert described_files(workspace) and "notre" not in described_files(workspace)


def test_records_link_to_their_files_where_the_folder_is_served(
    folder: Path, tmp_path: Path
) -> None:
    data = tmp_path / "données"
    (data / "à voir").mkdir(parents=True)
    shutil.copy(folder / "contours.fgb", data / "à voir" / "contours.fgb")
    crawl(data, tmp_path / "w")
    assert crawl(data, tmp_path / "w", url="https://sig.example.org/data/").updated == 1
    link = records(tmp_path / "w")["Contours"].links[0]
    assert (link.href, link.rel) == (
        "https://sig.example.org/data/%C3%A0%20voir/contours.fgb",
        "enclosure",
    )


def test_a_copy_has_its_own_record(folder: Path, tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    for name in ("a.fgb", "b.fgb"):
        shutil.copy(folder / "contours.fgb", data / name)
    assert crawl(data, tmp_path / "w").created == 2


def test_a_sidecar_says_what_the_data_cannot(folder: Path, tmp_path: Path) -> None:
    shutil.copy(folder / "contours.fgb", tmp_path / "contours.fgb")
    written = Record(
        id="fr-1",
        type="dataset",
        title="Emprises des bâtiments",
        description="Un vrai résumé, long et utile.",
    )
    (tmp_path / "contours.xml").write_bytes(iso19139.write(written))
    [record] = read_datasets(tmp_path / "contours.fgb")
    assert (record.id, record.title) == ("fr-1", "Emprises des bâtiments")
    assert said(record, "features") == 5 and record.extent is not None


def test_a_draft_lacks_only_what_a_person_knows(folder: Path) -> None:
    [record] = read_datasets(folder / "contours.fgb")
    rules = {finding.rule for finding in check(record).findings if finding.severity == "error"}
    assert rules == {"abstract", "topic-category", "lineage", "responsible"}
    for file in folder.iterdir():
        with suppress(DatasetError):
            for draft in read_datasets(file):
                assert {finding.rule for finding in check(draft).findings} <= ONLY_A_PERSON, (
                    file.name
                )


def test_points_without_a_place_are_told(tmp_path: Path) -> None:
    gpd.GeoDataFrame({"a": [1, 2]}, geometry=[Point(1, 43), None], crs=4326).to_file(
        tmp_path / "p.gpkg", layer="p"
    )
    [record] = read_datasets(tmp_path / "p.gpkg")
    assert said(record, "emptyGeometries") == 1 and record.geometry == {
        "type": "Point",
        "coordinates": [1, 43],
    }


def test_kinds_of_geometry_that_differ_are_complex(tmp_path: Path) -> None:
    mixed = gpd.GeoDataFrame(geometry=[Point(1, 43), box(1, 43, 2, 44), None], crs=4326)
    mixed.to_file(tmp_path / "m.geojson")
    gpd.GeoDataFrame(geometry=[box(1, 43, 2, 44)], crs=4326).iloc[:0].to_file(
        tmp_path / "vide.gpkg", layer="vide", geometry_type="Polygon"
    )
    [record] = read_datasets(tmp_path / "m.geojson")
    [empty] = read_datasets(tmp_path / "vide.gpkg")
    assert (said(record, "geometryType"), said(empty, "geometryType")) == ("complex", "surface")


def test_a_table_is_measured_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Fields come from the first rows of a long table; how many rows, where and in which system,
    from all of them.
    """
    monkeypatch.setattr(dataset, "SAMPLE_ROWS", 3)
    rows = "".join(f"{n};{570_000 + n};6270000,5\n" for n in range(10))
    (tmp_path / "longue.csv").write_text(f"n;x_l93;y_l93\n{rows}", encoding="utf-8")
    [record] = read_datasets(tmp_path / "longue.csv")
    assert (said(record, "features"), said(record, "crs")) == (10, ["EPSG:2154"])
    assert said(record, "fields")[0]["sampled"] is True
    assert record.extent is not None and record.extent.east > record.extent.west


def test_coordinates_in_one_column_and_workbooks_of_libreoffice(tmp_path: Path) -> None:
    (tmp_path / "od.csv").write_text(
        'nom,geo_point_2d\nAuch,"43.64, 0.58"\nFoix,\nMuret,"43.46,1.32"\n', "utf-8"
    )
    [record] = read_datasets(tmp_path / "od.csv")
    assert record.extent == Extent(0.58, 43.46, 1.32, 43.64)
    assert (said(record, "features"), said(record, "emptyGeometries")) == (3, 1)
    sheet = pd.DataFrame({"nom": ["Auch", "Muret"], "lon": [0.58, 1.32], "lat": [43.64, 43.46]})
    pyogrio.write_dataframe(sheet, tmp_path / "lieux.ods", driver="ODS", layer="mairies")
    [record] = read_datasets(tmp_path / "lieux.ods")
    assert (record.title, record.extent) == ("Lieux : mairies", Extent(0.58, 43.46, 1.32, 43.64))


@pytest.mark.parametrize("name", ["x.geojson", "x.gpkg", "x.shp", "x.ods"])
def test_a_file_that_leads_to_another_is_not_followed(
    name: str, folder: Path, tmp_path: Path
) -> None:
    source = f"<SrcDataSource>{folder / 'communes.gpkg'}</SrcDataSource>"
    layer = f'<OGRVRTLayer name="communes">{source}</OGRVRTLayer>'
    (tmp_path / name).write_text(f"<OGRVRTDataSource>{layer}</OGRVRTDataSource>", "utf-8")
    with pytest.raises(DatasetError, match=r"en décrit un autre|pas un shapefile"):
        list(read_datasets(tmp_path / name))


def test_a_sidecar_that_is_no_metadata_is_told_and_one_beside_two_layers_names_none(
    folder: Path, tmp_path: Path
) -> None:
    data = tmp_path / "data"
    data.mkdir()
    shutil.copy(folder / "contours.fgb", data)
    (data / "contours.xml").write_text("<a", encoding="utf-8")
    shutil.copy(folder / "communes.gpkg", data)
    (data / "communes.qmd").write_text(QMD, encoding="utf-8")
    done = crawl(data, tmp_path / "w")
    assert done.created == 3 and [Path(found.layer).name for found in done.findings] == [
        "contours.xml"
    ]
    assert {record.license for record in records(tmp_path / "w").values()} == {"etalab-2.0", ""}


def test_no_damage_stops_a_crawl(folder: Path, tmp_path: Path) -> None:
    """Files cut or with bytes changed anywhere are read, or refused in one sentence that names
    them.
    """
    chance, refused = random.Random(4), 0
    for file in sorted(folder.iterdir()):
        content = file.read_bytes()
        for trial in range(6):
            spoiled = bytearray(content[: chance.randrange(len(content))] if trial % 2 else content)
            for _ in range(min(8, len(spoiled))):
                spoiled[chance.randrange(len(spoiled))] = chance.randrange(256)
            (tmp_path / file.name).write_bytes(spoiled)
            try:
                read_datasets(tmp_path / file.name)
            except DatasetError as error:
                refused += 1
                assert str(error).startswith(file.name) and "\n" not in str(error)
    assert refused > 20


@pytest.mark.parametrize("name", ["abime.gpkg", "abime.tif", "abime.parquet", "abime.xlsx"])
def test_a_corrupt_file_is_one_sentence(name: str, folder: Path) -> None:
    with pytest.raises(DatasetError, match=name):
        read_datasets(folder / name)


def test_what_a_person_wrote_survives_the_next_crawl(
    frame: gpd.GeoDataFrame, tmp_path: Path
) -> None:
    data, workspace = tmp_path / "data", tmp_path / "w"
    data.mkdir()
    frame.to_file(data / "communes.geojson")
    crawl(data, workspace)
    with SQLiteStore(store_path(workspace)) as store:
        [draft] = every_record(store, viewer=MACHINE)
        mended = with_members(
            draft, title="Communes toulousaines", license="etalab-2.0", lineage="Extraites du COG."
        )
        store.upsert(mended, by="anne")
    frame.iloc[:3].to_file(data / "communes.geojson")
    assert crawl(data, workspace).updated == 1
    with SQLiteStore(store_path(workspace)) as store:
        after = store.get(draft.id, viewer=MACHINE)
        assert (after.title, after.license, said(after, "lineage")) == (
            mended.title,
            "etalab-2.0",
            "Extraites du COG.",
        )
        assert (
            said(after, "features") == 3 and after.extent != draft.extent
        )  # what the file says is refreshed
        store.upsert(with_members(after, license="ODbL-1.0"), by="anne")
    frame.iloc[:2].to_file(data / "communes.geojson")
    crawl(data, workspace)
    with SQLiteStore(store_path(workspace)) as store:
        again = store.get(draft.id, viewer=MACHINE)
    assert (again.license, again.title, said(again, "features")) == ("ODbL-1.0", mended.title, 2)


@pytest.mark.filterwarnings("ignore")  # of GDAL, about axes that the file does not name
def test_netcdf_is_described_where_gdal_reads_it(tmp_path: Path) -> None:
    drivers = rasterio.drivers.raster_driver_extensions()
    if "nc" not in drivers:
        pytest.skip("this GDAL does not read NetCDF")
    with netcdf_file(str(tmp_path / "pluie.nc"), "w") as file:
        for name, values in (
            ("lat", np.linspace(42.5, 44.5, 5)),
            ("lon", np.linspace(0.0, 3.0, 7)),
        ):
            file.createDimension(name, len(values))
            axis = file.createVariable(name, "d", (name,))
            axis[:] = values
            axis.units = "degrees_north" if name == "lat" else "degrees_east"
        rain = file.createVariable("pluie", "f", ("lat", "lon"))
        rain[:] = np.arange(35, dtype="float32").reshape(5, 7)
    [record] = read_datasets(tmp_path / "pluie.nc")
    assert said(record, "formats") == [{"name": "NetCDF", "mediaType": "application/x-netcdf"}]
    assert record.extent == Extent(-0.25, 42.25, 3.25, 44.75)
    assert said(record, "size") == {"columns": 7, "rows": 5, "bands": 1}
    assert [link.type for link in record.links if link.rel == "preview"] == ["image/png"]


@pytest.mark.filterwarnings("ignore")  # of GDAL, about axes that the file does not name
def test_each_variable_of_a_netcdf_has_its_record(tmp_path: Path) -> None:
    if "nc" not in rasterio.drivers.raster_driver_extensions():
        pytest.skip("this GDAL does not read NetCDF")
    with netcdf_file(str(tmp_path / "climat.nc"), "w") as file:
        for name, values in (
            ("lat", np.linspace(42.5, 44.5, 5)),
            ("lon", np.linspace(0.0, 3.0, 7)),
        ):
            file.createDimension(name, len(values))
            axis = file.createVariable(name, "d", (name,))
            axis[:] = values
            axis.units = "degrees_north" if name == "lat" else "degrees_east"
        for name in ("pluie", "vent"):
            variable = file.createVariable(name, "f", ("lat", "lon"))
            variable[:] = np.arange(35, dtype="float32").reshape(5, 7)
    found = read_datasets(tmp_path / "climat.nc")
    assert [record.title for record in found] == ["Climat : pluie", "Climat : vent"]
    assert len({record.id for record in found}) == 2 and all(record.extent for record in found)


@pytest.mark.parametrize(
    ("crs", "expected"),
    [("EPSG:2154", {"distance": 100.0, "unit": "m"}), ("EPSG:2264", {"distance": 30.4801,
    "unit": "m"}),
     ("EPSG:4326", {"distance": 100.0, "unit": "deg"})],
)  # fmt: skip
def test_a_pixel_is_told_in_metres_or_degrees(
    crs: str, expected: dict[str, object], tmp_path: Path
) -> None:
    """EPSG:2264 counts in feet."""
    form = {"driver": "GTiff", "width": 4, "height": 3, "count": 1, "dtype": "uint8", "crs": crs}
    with rasterio.open(
        tmp_path / "r.tif", "w", transform=from_origin(0, 0, 100, 100), **form
    ) as raster:
        raster.write(np.ones((3, 4), dtype="uint8"), 1)
    assert said(read_datasets(tmp_path / "r.tif")[0], "resolution") == [expected]


def test_a_sidecar_does_not_take_the_record_that_a_source_gave(
    frame: gpd.GeoDataFrame, tmp_path: Path
) -> None:
    data, workspace = tmp_path / "data", tmp_path / "w"
    data.mkdir()
    frame.to_file(data / "contours.fgb")
    (data / "contours.qmd").write_text(QMD, encoding="utf-8")
    theirs = Record(id="contours-31", type="dataset", title="Les contours, dit le catalogue voisin")
    with SQLiteStore(store_path(workspace)) as store:
        store.upsert(theirs, by="voisin")
        assert crawl(data, workspace).published == 1
        after = store.get("contours-31", viewer=MACHINE)
    assert (after.title, said(after, "features")) == (theirs.title, 5)


QMD = """<!DOCTYPE qgis PUBLIC 'http://mrcc.com/qgis.dtd' 'SYSTEM'>
<qgis version="3.34">
  <identifier>contours-31</identifier><language>FRE</language><type>dataset</type>
  <title>Contours des communes</title><abstract>Relevés sur le cadastre.</abstract>
  <keywords vocabulary="gmd:topicCategory"><keyword>boundaries</keyword></keywords>
  <keywords vocabulary=""><keyword>commune</keyword></keywords>
  <contact><name>Anne Puig</name><organization>SIG du 31</organization><role>pointOfContact</role>
    <email>sig@exemple.fr</email></contact>
  <links><link name="Le site" type="WWW:LINK" url="https://exemple.fr/contours" mimeType="text/html"/></links>
  <history>Numérisés en 2019.</history><history>Revus en 2021.</history><license>Licence Ouverte 2.0</license>
  <crs><spatialrefsys><authid>EPSG:2154</authid></spatialrefsys></crs>
  <extent><spatial dimensions="2" crs="EPSG:4326" minx="1" miny="43" maxx="2" maxy="44" minz="0" maxz="0"/>
    <temporal><period><start>2019-01-01</start><end>2021-01-01</end></period></temporal></extent>
</qgis>"""


def test_what_qgis_keeps_beside_a_layer_is_merged(frame: gpd.GeoDataFrame, tmp_path: Path) -> None:
    frame.to_file(tmp_path / "contours.fgb")
    (tmp_path / "contours.qmd").write_text(QMD, encoding="utf-8")
    [record] = read_datasets(tmp_path / "contours.fgb")
    assert (record.id, record.title, record.license) == (
        "contours-31",
        "Contours des communes",
        "etalab-2.0",
    )
    assert said(record, "lineage") == "Numérisés en 2019.\nRevus en 2021."
    assert [contact.organization for contact in record.contacts] == ["SIG du 31"]
    assert record.keywords == ("commune",) and record.themes[0].concepts[0].id == "boundaries"
    assert [link.rel for link in record.links] == ["preview", "related"]
    assert (
        said(record, "features") == 5 and record.time is not None
    )  # what the data itself tells is the data's


def test_what_a_crawl_does_not_read_is_named(folder: Path, tmp_path: Path) -> None:
    data = tmp_path / "livraison"
    shutil.copytree(folder, data)
    before = {finding.rule for finding in crawl(data, tmp_path / "one").findings}
    assert "passed-over" not in before
    for name in (
        "points.geojson.gz",
        "vieux.mdb",
        "tables.7z",
        "LISEZMOI.txt",
        "plan.qgz",
        ".cache",
    ):
        (data / name).write_bytes(b"x")
    told = [each for each in crawl(data, tmp_path / "two").findings if each.rule == "passed-over"]
    assert [Path(each.layer).name for each in told] == [
        "points.geojson.gz",
        "tables.7z",
        "vieux.mdb",
    ]
    assert "décompressez" in str(told[0].message)
    with speaking("en"):
        assert [str(each.message) for each in told[1:]] == [
            "tables.7z is not read (.7z): decompress it beside it.",
            "vieux.mdb is not read (.mdb): no record is made of it.",
        ]


@pytest.mark.parametrize("ending", [".csv", ".gpkg", ".geojson"])
def test_a_link_that_leads_out_of_the_folder_is_told_and_not_read(
    ending: str, frame: gpd.GeoDataFrame, tmp_path: Path
) -> None:
    outside, inside = tmp_path / "ailleurs", tmp_path / "donnees"
    for folder in (outside, inside):
        folder.mkdir()
    file = outside / f"secret{ending}"
    if ending == ".csv":
        file.write_text("nom,lon,lat\na,1,43\n", encoding="utf-8")
    else:
        frame.to_file(file)
    (inside / file.name).symlink_to(file)
    (inside / "dossier").symlink_to(outside)
    (inside / "boucle.csv").symlink_to(inside / "boucle.csv")
    (inside / "vrai.csv").write_text("nom,lon,lat\nb,1,43\n", encoding="utf-8")
    (inside / "lien.csv").symlink_to(inside / "vrai.csv")
    done = crawl(inside, tmp_path / "workspace")
    told = {Path(each.layer).name for each in done.findings if "un lien" in str(each.message)}
    assert told == {file.name, "dossier"}
    assert done.read == 2 and done.created + done.unchanged + done.published == 2


def test_a_workbook_whose_cells_would_fill_the_memory_is_one_finding(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    book.active["XFD1048576"] = 1
    book.save(tmp_path / "vide.xlsx")
    done = crawl(tmp_path, tmp_path / "workspace")
    assert ["cellules au plus" in str(each.message) for each in done.findings] == [True]
