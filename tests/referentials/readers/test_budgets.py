"""A hostile file is refused in one sentence before it fills the machine."""

import bz2
import gzip
import io
import json
import sqlite3
import tarfile
import tracemalloc
import zipfile
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import geopandas as gpd
import openpyxl
import pytest
import shapely

from geoguichet.coverage.access import demand
from geoguichet.coverage.study.study import CellsChoice
from geoguichet.floor import files
from geoguichet.floor.errors import LayerError
from geoguichet.referentials import layers
from geoguichet.referentials.directory.schema import Reading, join_readings
from geoguichet.referentials.readers import dila, text_tables
from geoguichet.referentials.readers.registry import choose_reader, head_names
from geoguichet.referentials.roads.sources import make_network

MOST_MEMORY = 200 << 20
SMALL = files.Budget(
    unpacked=1 << 20, packed_free=64 << 10, document=1 << 20, member=4096, line=4096, columns=50,
    cells=5_000,
)  # fmt: skip
HEAD = "nom,type,code insee,longitude,latitude\n"
ROW = "Mairie d'Auch,mairie,32013,0.5860,43.6460\n"


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> files.Budget:
    """The budget, a thousand times smaller."""
    for module in (files, text_tables, dila, layers):
        monkeypatch.setattr(module, "BUDGET", SMALL)
    return SMALL


def read(path: Path) -> Reading:
    return join_readings(choose_reader(path).read())


def refusal(path: Path, reading: Callable[[Path], object] = read) -> str:
    """The sentence by which a file is refused, in bounded memory."""
    tracemalloc.start()
    try:
        with pytest.raises(LayerError) as told:
            reading(path)
        assert tracemalloc.get_traced_memory()[1] < MOST_MEMORY
    finally:
        tracemalloc.stop()
    assert "\n" not in str(told.value) and path.name in str(told.value)
    return str(told.value)


def written(folder: Path, name: str, content: bytes) -> Path:
    path = folder / name
    path.write_bytes(content)
    return path


def zipped(folder: Path, name: str, members: dict[str, bytes | str]) -> Path:
    path = folder / name
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for member, content in members.items():
            archive.writestr(member, content)
    return path


def workbook(folder: Path, sheet: str) -> Path:
    """A workbook whose only sheet is that XML."""
    whole = io.BytesIO()
    openpyxl.Workbook().save(whole)
    with zipfile.ZipFile(whole) as archive:
        parts: dict[str, bytes | str] = {name: archive.read(name) for name in archive.namelist()}
    parts["xl/worksheets/sheet1.xml"] = (
        '<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">'
        + sheet
        + "</worksheet>"
    )
    return zipped(folder, "liste.xlsx", parts)


def cell(place: str, text: str) -> str:
    return f'<c r="{place}" t="inlineStr"><is><t>{text}</t></is></c>'


# -- decompressed size


@pytest.mark.parametrize(
    "name", ["bombe.csv.gz", "bombe.csv.bz2", "bombe.zip", "bombe.json.gz", "bombe.xlsx"]
)
def test_kilobytes_that_would_be_megabytes_are_refused(
    name: str, small: files.Budget, tmp_path: Path
) -> None:
    many = (HEAD + ROW * 40_000).encode()
    content = {
        "bombe.csv.gz": gzip.compress(many),
        "bombe.csv.bz2": bz2.compress(many),
        "bombe.json.gz": gzip.compress(b"[" + b'{"nom": "a"},' * 100_000 + b"{}]"),
    }
    path = (
        written(tmp_path, name, content[name])
        if name in content
        else zipped(
            tmp_path,
            name,
            {"liste.csv": many}
            if name.endswith(".zip")
            else {"[Content_Types].xml": "", "xl/sharedStrings.xml": b" " * (2 << 20)},
        )
    )
    assert path.stat().st_size < 20_000
    assert "compressés donnent plus de" in refusal(path)


@pytest.mark.parametrize("whole", ["roads", "cells"])
@pytest.mark.parametrize(
    ("content", "said"),
    [
        (gzip.compress(b"x;y;hab\n" + b"1;2;3\n" * 200_000, mtime=0), "compressés donnent plus de"),
        (b"x;y;hab\n" + b"1;2;3\n" * 2_000, "lignes de 3 colonnes"),
        (b";".join([b"x"] * 60) + b"\n", "60 colonnes, 50 au plus"),
        (b"x;y;hab\n" + b"1" * 5_000, "d'un seul tenant"),
        (
            gzip.compress(b"x;y;hab\n" + b"1;2;3\n" * 200, mtime=0)[:40],
            "un CSV en UTF-8 est attendu",
        ),
    ],
)
def test_a_table_of_roads_or_of_cells_is_within_the_same_budget(
    whole: str, content: bytes, said: str, small: files.Budget, tmp_path: Path
) -> None:
    def cells(path: Path) -> object:
        return demand.read(path, CellsChoice(file=path.name, crs="EPSG:2154", weight="hab"))

    def roads(path: Path) -> object:
        return make_network([path], tmp_path / "out.roads", mapping={"from": "x", "to": "y"})

    path = written(tmp_path, "table.csv.gz", content)
    assert said in refusal(path, {"roads": roads, "cells": cells}[whole])


def test_what_is_packed_as_texts_are_is_read(tmp_path: Path) -> None:
    rows = "".join(ROW.replace("Auch", f"Auch {n}") for n in range(20_000))
    path = written(tmp_path, "liste.csv.gz", gzip.compress((HEAD + rows).encode()))
    assert len(read(path).rows) == 20_000


def test_a_member_of_a_tar_that_says_more_than_it_has_is_refused(tmp_path: Path) -> None:
    plain = io.BytesIO()
    with tarfile.open(fileobj=plain, mode="w") as archive:
        member = tarfile.TarInfo("annuaire.json")
        member.size = 512
        archive.addfile(member, io.BytesIO(b" " * 512))
    block = bytearray(plain.getvalue())
    block[156:157] = b"S"  # GNU's sparse member: one extent of 512 bytes, a real size of 60 GB
    block[386:482] = b"%011o\0%011o\0" % (0, 512) + bytes(72)
    block[483:495] = b"%011o\0" % (60 << 30 if 60 << 30 < 8**11 else 8**11 - 1)
    block[148:156] = b" " * 8
    block[148:156] = b"%06o\0 " % sum(block[:512])
    assert "d'un seul tenant" in refusal(written(tmp_path, "annuaire.tar", bytes(block)))


# -- cells of a sheet


@pytest.mark.parametrize(
    "sheet",
    [
        f'<dimension ref="A1:XFD1048576"/><sheetData><row r="1">{cell("A1", "nom")}</row>'
        f'<row r="1048576">{cell("XFD1048576", "x")}</row></sheetData>',
        f'<sheetData><row r="1">{cell("A1", "nom")}</row><row r="99999999">'
        f"{cell('A99999999', 'x')}</row></sheetData>",
        f'<sheetData><row r="1">{cell("ZZZ1", "nom")}</row></sheetData>',
    ],
)
def test_a_sheet_of_too_many_cells_is_refused(
    sheet: str, small: files.Budget, tmp_path: Path
) -> None:
    assert "au plus" in refusal(workbook(tmp_path, sheet))


def test_a_sheet_is_as_large_as_what_it_holds(tmp_path: Path) -> None:
    titles = "".join(
        cell(f"{letter}1", text)
        for letter, text in zip("ABC", ("nom", "type", "insee"), strict=True)
    )
    row = "".join(
        cell(f"{letter}2", text)
        for letter, text in zip("ABC", ("Mairie", "mairie", "32013"), strict=True)
    )
    path = workbook(
        tmp_path,
        '<dimension ref="A1:XFD1048576"/><sheetData>'
        f'<row r="1">{titles}</row><row r="2">{row}<c r="XFD2" s="0"/></row></sheetData>',
    )
    reading = read(path)
    assert reading.rows["commune"].tolist() == ["32013"]
    assert not [each for each in reading.findings if each.rule == "ragged-row"]


# -- tables and documents that become larger than they are written


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("large.csv", ",".join(f"c{n}" for n in range(200)) + "\n" + "1\n" * 50),
        ("cles.json", json.dumps([{f"c{n}": 1} for n in range(300)])),
        ("valeurs.json", json.dumps([[{}] * 100] * 100)),
        ("cles.geojson", json.dumps({"type": "FeatureCollection", "features": [
            {"type": "Feature", "geometry": None, "properties": {f"c{n}": n}} for n in range(300)
        ]})),
    ],
)  # fmt: skip
def test_a_text_that_makes_a_table_larger_than_itself_is_refused(
    name: str, content: str, small: files.Budget, tmp_path: Path
) -> None:
    assert "au plus" in refusal(written(tmp_path, name, content.encode()))


@pytest.mark.parametrize(
    "content",
    [
        HEAD + "x" * 9000,
        HEAD + ROW + ";" * 9000 + "\n" + ROW,
        (HEAD + ROW).replace("\n", " ") * 100,
        "id;type_equipement;code_insee;latitude;longitude;" + "0" * 9000,
    ],
)
def test_an_endless_line_is_refused(content: str, small: files.Budget, tmp_path: Path) -> None:
    assert "d'un seul tenant" in refusal(written(tmp_path, "ligne.csv", content.encode()))
    packed = written(tmp_path, "ligne.csv.gz", gzip.compress(content.encode()))
    assert "d'un seul tenant" in refusal(packed)


@pytest.mark.parametrize(
    "content",
    [
        b'{"service": [{"id": "' + b"x" * (3 << 20),
        b'[{"id": [' + b"1," * (2 << 20),
        b'{"service": [' + b"[" * (3 << 20),
    ],
)
def test_an_endless_object_of_a_directory_is_refused(
    content: bytes, small: files.Budget, tmp_path: Path
) -> None:
    path = written(tmp_path, "annuaire.json", content)
    refusal(path, lambda file: list(dila.read(file)))


@pytest.mark.parametrize(
    "content", ["a = " + "[" * 5000, "a = " + "1" * 5000, "a = 1\n" * 2_000_000, "\udcff"]
)
def test_a_mapping_that_no_one_can_read_is_refused(content: str, tmp_path: Path) -> None:
    path = written(tmp_path, "m.toml", content.encode("utf-8", "surrogateescape"))
    with pytest.raises(LayerError):
        files.read_toml(path, kind=LayerError)


@pytest.mark.parametrize("content", ["[" * 200_000, "[" + "9" * 6000 + "]", "[1" + ",[1" * 90_000])
def test_a_json_that_no_one_can_read_is_refused(content: str, tmp_path: Path) -> None:
    assert "JSON" in refusal(written(tmp_path, "liste.json", content.encode()))


# -- files that compute, or lead elsewhere


def layer(folder: Path, *statements: str) -> Path:
    path = folder / "lieux.gpkg"
    frame = gpd.GeoDataFrame({"nom": ["a"]}, geometry=[shapely.Point(1, 43)], crs=4326)
    frame.to_file(path, layer="lieux")
    with closing(sqlite3.connect(path)) as base:
        for statement in statements:
            base.execute(statement)
        base.commit()
    return path


REGISTERED = "INSERT INTO gpkg_contents (table_name, data_type, identifier) VALUES ('vue', 'attributes', 'v')"


@pytest.mark.parametrize(
    "made",
    [
        "CREATE VIEW vue AS WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT x FROM n",
        "CREATE VIEW vue AS SELECT zeroblob(1000000000) AS x",
        "CREATE VIEW vue AS SELECT hex(randomblob(100000000)) AS x",
    ],
)
def test_a_view_without_end_is_refused_before_the_layer_is_opened(
    made: str, tmp_path: Path
) -> None:
    path = layer(tmp_path, made, REGISTERED)
    assert "calculé à la lecture" in refusal(path)
    assert "calculé à la lecture" in refusal(
        path, lambda file: layers.read_layer(file, layer="lieux")
    )


@pytest.mark.parametrize(
    "made",
    [
        "CREATE VIEW vue AS SELECT a.* FROM lieux a, lieux b, lieux c",
        "CREATE TABLE vue (x INTEGER, y TEXT GENERATED ALWAYS AS (hex(x) || hex(x)))",
        "CREATE VIRTUAL TABLE vue USING fts4(x)",
    ],
)
def test_a_layer_that_is_computed_is_refused_and_the_others_are_read(
    made: str, tmp_path: Path
) -> None:
    path = layer(tmp_path, made, REGISTERED)
    with pytest.raises(LayerError, match="calculé à la lecture"):
        layers.check_stored(path, "vue")
    assert len(read(path).rows) == 1


def test_a_layer_of_too_many_cells_is_refused(small: files.Budget, tmp_path: Path) -> None:
    columns = {f"c{n}": [n] * 200 for n in range(30)}
    frame = gpd.GeoDataFrame(columns, geometry=[shapely.Point(1, 43)] * 200, crs=4326)
    frame.to_file(tmp_path / "grand.gpkg")
    assert "au plus" in refusal(tmp_path / "grand.gpkg")


@pytest.mark.parametrize("packed", [False, True])
def test_what_is_called_a_shapefile_opens_nothing_else(packed: bool, tmp_path: Path) -> None:
    elsewhere = tmp_path / "ailleurs.geojson"
    gpd.GeoDataFrame({"nom": ["a"]}, geometry=[shapely.Point(1, 43)], crs=4326).to_file(elsewhere)
    text = (
        f'<OGRVRTDataSource><OGRVRTLayer name="ailleurs"><SrcDataSource>{elsewhere}'
        "</SrcDataSource></OGRVRTLayer></OGRVRTDataSource>"
    )
    path = (
        zipped(tmp_path, "x.zip", {"x.shp": text}) if packed
        else written(tmp_path, "x.shp", text.encode())
    )  # fmt: skip
    assert "pas un shapefile" in refusal(path)
    assert packed or not head_names(path, b"")  # nor is it opened to be recognised
    other = written(tmp_path, "x.geojson", text.encode())
    assert "en décrit un autre" in refusal(other, layers.read_layer)


@pytest.mark.parametrize("ending", [".shp", ".dbf", ".prj"])
def test_a_folder_whose_shapefile_is_a_link_to_elsewhere_is_refused(
    ending: str, tmp_path: Path
) -> None:
    home, given = tmp_path / "ailleurs", tmp_path / "donne"
    home.mkdir()
    frame = gpd.GeoDataFrame({"nom": ["a"]}, geometry=[shapely.Point(1, 43)], crs=4326)
    frame.to_file(home / "x.shp")
    given.mkdir()
    for part in home.iterdir():
        (given / part.name).write_bytes(part.read_bytes())
    (given / f"x{ending}").unlink()
    (given / f"x{ending}").symlink_to(home / f"x{ending}")
    with pytest.raises(LayerError, match="un lien"):
        read(given)
    (given / f"x{ending}").unlink()
    (home / f"x{ending}").rename(given / f"x{ending}")
    assert len(read(given).rows) == 1


# -- zips of texts


def test_the_largest_text_of_a_zip_is_read_and_the_others_are_told(tmp_path: Path) -> None:
    members: dict[str, bytes | str] = {
        "varmod.csv": "a;b\n",
        "liste.csv": HEAD + ROW * 3,
        "lisez.pdf": b"%PDF",
    }
    reading = read(zipped(tmp_path, "liste.zip", members))
    assert reading.rows_in == len(reading.rows) == 3
    assert [str(each.message) for each in reading.findings if each.rule == "unread-layer"] == [
        "« varmod.csv » n'est pas lu : le plus grand fichier du zip l'est."
    ]


@pytest.mark.parametrize("name", ["liste.geojson", "dossier/liste.json", "LISTE.TXT"])
def test_a_zip_of_one_text_is_read_as_that_text(name: str, tmp_path: Path) -> None:
    rows = [{"nom": "Mairie", "type": "mairie", "code insee": "32013"}]
    features = [{"type": "Feature", "geometry": None, "properties": row} for row in rows]
    content = (
        HEAD + ROW if name.endswith("TXT")
        else json.dumps(rows) if name.endswith(".json")
        else json.dumps({"type": "FeatureCollection", "features": features})
    )  # fmt: skip
    assert read(zipped(tmp_path, "liste.zip", {name: content})).rows["commune"].tolist() == [
        "32013"
    ]


@pytest.mark.parametrize("members", [{"a.pdf": "x"}, {"b/c.png": "x", "d.gpkg": "y"}])
def test_a_zip_of_nothing_that_is_read_says_what_it_holds(
    members: dict[str, bytes | str], tmp_path: Path
) -> None:
    assert next(iter(members)) in refusal(zipped(tmp_path, "x.zip", members))
