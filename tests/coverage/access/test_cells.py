"""People by cells: where each stands, in which commune, what is lost, what counting by commune
would have hidden.
"""

import json
from dataclasses import replace
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
import pyproj
import pytest
import rasterio
import shapely

from geoguichet.coverage import manifest
from geoguichet.coverage.access import demand
from geoguichet.coverage.access.demand import fine_demand, people_of_cells
from geoguichet.coverage.access.rules import white as white_of
from geoguichet.coverage.errors import FrameError, StudyError
from geoguichet.coverage.manifest import CoverageResult
from geoguichet.coverage.outputs import folder, report, web_map
from geoguichet.coverage.outputs.report import sections
from geoguichet.coverage.publish import study_record
from geoguichet.coverage.run import run
from geoguichet.coverage.study.study import CellsChoice, Study, parse_study, read_study
from geoguichet.floor.errors import LayerError
from geoguichet.floor.words import speaking
from geoguichet.referentials.territories.territory import Territory

SIDE = 2000
WEST, NORTH = 3_564_000, 2_274_000
"""Upper left corner in EPSG:3035, north-west of the Ariège."""


@pytest.fixture(scope="module")
def raster(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """People by squares of 2 km over the Ariège and around it: halves, an empty cell, one with
    fewer than nobody.
    """
    people = np.random.default_rng(7).integers(1, 200, (44, 60)) / 2
    people[20, 30:32] = 0.0, -5.0
    people[::3, ::2] = np.nan
    path = tmp_path_factory.mktemp("grille") / "grille.tif"
    transform = rasterio.Affine(SIDE, 0, WEST, 0, -SIDE, NORTH)
    profile = {
        "driver": "GTiff",
        "height": 44,
        "width": 60,
        "count": 1,
        "dtype": "float32",
        "nodata": np.nan,
    }
    with rasterio.open(path, "w", crs="EPSG:3035", transform=transform, **profile) as out:
        out.write(people.astype("float32"), 1)
    return path


def by_cells(small_path: Path, file: Path, **choice: object) -> Study:
    study = read_study(small_path)
    return replace(
        study, demand=replace(study.demand, groups=(), cells=CellsChoice(str(file), **choice))
    )  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def fine(small_path: Path, raster: Path) -> CoverageResult:
    return run(by_cells(small_path, raster))


def test_centres_and_corners_are_those_of_the_grid(raster: Path) -> None:
    read = demand.read(raster, CellsChoice(raster.name))
    name = read.table.index[500]
    south, west = (int(part) for part in name.removeprefix("CRS3035RES2000mN").split("E"))
    assert (south - NORTH) % SIDE == (west - WEST) % SIDE == 0
    to = pyproj.Transformer.from_crs("EPSG:3035", "EPSG:4326", always_xy=True)
    assert read.table.geometry[name].coords[0] == to.transform(west + SIDE / 2, south + SIDE / 2), (
        "transformed once"
    )
    corners = {to.transform(west + a, south + b) for a in (0, SIDE) for b in (0, SIDE)}
    assert set(read.shapes[name].exterior.coords) == corners
    east = f"CRS3035RES2000mN{south}E{west + SIDE}"
    if east in read.shapes.index:
        assert len(set(read.shapes[east].exterior.coords) & corners) == 2, (
            "neighbours share corners to the last bit"
        )


def test_each_cell_is_in_the_commune_that_holds_its_centre(
    fine: CoverageResult, raster: Path
) -> None:
    outlines = fine.territory.polygons
    for _, row in fine.demand.iloc[::40].iterrows():
        assert outlines[row["commune"]].contains(row.geometry) and row["name"] == _name(
            fine, row["commune"]
        )
    raw = demand.read(raster, CellsChoice(raster.name)).table
    alive = raw[raw["people"] > 0]
    inside = alive.geometry.within(shapely.union_all(outlines.dropna().to_numpy()))
    assert set(fine.demand.index) == set(alive.index[inside])
    sums = alive.loc[fine.demand.index, "people"].groupby(fine.demand["commune"]).sum()
    assert (fine.demand.groupby("commune")["people"].sum() - sums).abs().max() <= 0.5, (
        "halves are not lost"
    )
    assert fine.counters["people_outside_communes"] == round(
        float(alive.loc[~inside, "people"].sum())
    )


def _name(result: CoverageResult, code: str) -> str:
    return str(result.territory.communes.set_index("code").at[code, "name"])


def test_departements_and_zones_add_up(fine: CoverageResult) -> None:
    assert (
        fine.summary.iloc[0]["people"]
        == fine.summary.iloc[-1]["people"]
        == fine.demand["people"].sum()
    )
    white = fine.demand[white_of(fine.demand)]
    assert (
        fine.white_zones["people"].sum()
        == white["people"].sum()
        == fine.summary.iloc[-1]["white_before"]
    )
    of_zone = white.groupby("zone")
    assert (of_zone["commune"].nunique() == fine.white_zones["communes"]).all()
    first = fine.white_zones.iloc[0]
    assert (
        first["commune_names"].split(", ")[0]
        == white[white["zone"] == first.name].groupby("name")["people"].sum().idxmax()
    )


def test_white_zones_are_the_unserved_cells(fine: CoverageResult, raster: Path) -> None:
    shapes = demand.read(raster, CellsChoice(raster.name)).shapes
    white = shapes.loc[fine.demand.index[white_of(fine.demand)]].intersection(
        fine.territory.boundary
    )
    assert fine.white_zones.geometry.is_valid.all()
    ground, zones = shapely.area(white.to_numpy()).sum(), fine.white_zones.geometry.to_numpy()
    assert shapely.area(zones).sum() == pytest.approx(ground, rel=1e-9)
    assert shapely.union_all(zones).area == pytest.approx(ground, rel=1e-9)
    points = fine.demand.geometry
    for zone, shape in fine.white_zones.geometry.items():
        assert (points.within(shape) == (fine.demand["zone"] == zone)).all()


def test_the_error_of_communes_is_its_naive_twin(
    fine: CoverageResult, small: CoverageResult
) -> None:
    error = fine.beside.aggregation
    assert error is not None
    hidden = alarmed = 0

    def in_zone(row: pd.Series) -> bool:
        return not (row["served"] or row["undecided"])

    apart: list[float] = []
    for _, cell in fine.demand.iterrows():
        commune = small.demand.loc[cell["commune"]]
        hidden += cell["people"] * (not in_zone(commune) and in_zone(cell))
        alarmed += cell["people"] * (not in_zone(cell) and in_zone(commune))
        apart += [abs(commune["etat_m"] - cell["etat_m"])] * int(cell["people"])
    assert (error.hidden, error.alarmed, error.differently) == (hidden, alarmed, hidden + alarmed)
    assert error.by_need.set_index("need").at["etat", "mean_absolute"] == pytest.approx(
        np.mean(apart), rel=1e-9
    )
    with_cells = small.demand.index.isin(fine.demand["commune"])
    assert error.people_of_communes == small.demand.loc[with_cells, "people"].sum()


def test_it_is_told_everywhere(fine: CoverageResult, tmp_path: Path) -> None:
    page, drawn = report.render(fine), web_map.render(fine)
    assert "Ce que compter par commune aurait caché" in page and "carreaux de population" in page
    assert (
        "Une point représente" not in page
        and "Carreau non desservi" in drawn
        and "Commune non desservie" not in drawn
    )
    with speaking("en"):
        titles = [section.title for section in sections(fine)]
    assert "What counting by commune would have hidden" in titles
    folder.write_geopackage(fine, tmp_path / "result.gpkg")
    assert "commune" in pyogrio.read_dataframe(tmp_path / "result.gpkg", layer="demand").columns
    told = manifest.document(fine, [])
    assert told["beside"]["aggregation"]["cells"] == len(fine.demand) and json.dumps(
        told, allow_nan=False
    )
    assert manifest.study_of(told["study"]) == fine.study
    assert ("cells", "grille.tif") in {(layer.name, layer.file) for layer in fine.inputs}
    assert study_record(fine).id == "study-petite"
    assert (
        fine.ranking is not None
        and fine.ranking.unserved["communes"].sum() <= fine.counters["communes"]
    )


# -------------------------------------------------------------------------------------------------
# odd rows


@pytest.fixture(scope="module")
def territory(small: CoverageResult) -> Territory:
    return small.territory


def table(path: Path, rows: list[tuple[object, ...]]) -> Path:
    pd.DataFrame(rows, columns=["x", "y", "hab", "vieux"]).to_csv(path, index=False, sep=";")
    return path


FOIX = (1.6053, 42.9655)
ODD: list[tuple[object, ...]] = [
    (*FOIX, "12,5", 3),
    (1.15, 42.98, 7, 1),
    (1.15, 42.98, "beaucoup", 1),
    (1.15, 42.98, -4, 1),
    (1.15, 42.98, 0, 0),
    ("", 42.98, 9, 1),
    (9.0, 42.98, 30, 1),
]


def test_rows_that_count_for_nothing_are_said(small_path: Path, tmp_path: Path) -> None:
    file = table(tmp_path / "gens.csv", ODD)
    study = by_cells(small_path, file, weight="hab", crs="EPSG:4326")
    study = replace(study, demand=replace(study.demand, groups=("vieux",)))
    result = run(replace(study, kiosks=None))
    assert result.demand["people"].tolist() == [12, 7] and result.demand["vieux"].tolist() == [
        3.0,
        1.0,
    ]
    assert set(result.demand["commune"]) == {"09122", "09261"}
    told = {
        (f.rule, f.item) for f in result.findings if f.layer == "gens.csv" and f.rule != "no-cell"
    }
    assert told == {
        ("unreadable-weight", "c-000003"),
        ("negative-weight", "c-000004"),
        ("no-demand-point", "c-000006"),
        ("empty-cell", ""),
    }
    assert result.counters["people_outside_communes"] == 30
    assert result.counters["communes_without_cells"] > 300, (
        "communes that no row falls in are counted, not forgotten"
    )
    grounds = people_of_cells(study, result.territory)
    assert grounds is not None
    ground = shapely.area(grounds.shapes.to_numpy()).sum()
    assert ground == pytest.approx(result.territory.boundary.area, rel=1e-6)


def test_squares_points_and_polygons_give_the_same_people(
    small_path: Path, tmp_path: Path, territory: Territory
) -> None:
    centres = gpd.GeoDataFrame(
        {"population": [10.0, 20.0]},
        geometry=gpd.points_from_xy([FOIX[0], 1.15], [FOIX[1], 42.98]),
        crs="EPSG:4326",
    ).to_crs("EPSG:3035")
    squares = centres.set_geometry(centres.buffer(500, cap_style="square"))
    csv = tmp_path / "carres.csv"
    pd.DataFrame({"x": centres.geometry.x, "y": centres.geometry.y, "population": [10, 20]}).to_csv(
        csv, index=False
    )
    centres.to_file(tmp_path / "points.gpkg")
    squares.to_file(tmp_path / "polygones.gpkg")
    answers = [
        people_of_cells(by_cells(small_path, tmp_path / name, **choice), territory)
        for name, choice in (
            ("carres.csv", {"crs": "EPSG:3035", "side_m": 1000.0}),
            ("points.gpkg", {}),
            ("polygones.gpkg", {}),
        )
    ]
    for answer in answers:
        assert answer is not None and sorted(answer.demand["people"]) == [10, 20]
    areas = [
        sorted(answer.shapes.to_crs("EPSG:3035").area) for answer in answers if answer is not None
    ]
    assert areas[0] == pytest.approx([1e6, 1e6], rel=1e-6) == areas[2] and min(areas[1]) > 1e8


@pytest.mark.parametrize(
    ("file", "choice", "error", "said"),
    [
        ("absent.tif", {}, StudyError, r"demand\.cells\.file.*absent\.tif"),
        (
            "gens.csv",
            {"weight": "habitants", "crs": "EPSG:4326"},
            LayerError,
            "colonne absente : habitants",
        ),
        ("gens.csv", {"weight": "hab", "crs": "EPSG:9"}, LayerError, "EPSG:3035"),
        ("gens.csv", {"weight": "hab", "crs": "EPSG:2154"}, FrameError, "aucun carreau habité"),
        ("grille.tif", {"band": 3}, LayerError, "bande 3"),
        ("faux.tif", {}, LayerError, "GeoTIFF"),
    ],
)
def test_what_cannot_be_read_is_said(
    small_path: Path,
    raster: Path,
    territory: Territory,
    tmp_path: Path,
    file: str,
    choice: dict,
    error: type,
    said: str,
) -> None:
    table(tmp_path / "gens.csv", ODD)
    (tmp_path / "faux.tif").write_text("rien")
    path = raster if file == "grille.tif" else tmp_path / file
    with pytest.raises(error, match=said):
        people_of_cells(by_cells(small_path, path, **choice), territory)


def test_groups_are_those_of_the_cells(
    small_path: Path, raster: Path, territory: Territory
) -> None:
    study = by_cells(small_path, raster)
    asking = replace(study, demand=replace(study.demand, groups=("pop_65_plus",)))
    with pytest.raises(StudyError, match=r"demand\.groups.*grille\.tif.*groups = \[\]"):
        people_of_cells(asking, territory)


def test_a_csv_says_its_system(small_path: Path) -> None:
    import tomllib

    document = tomllib.loads(small_path.read_text(encoding="utf-8"))
    document["demand"]["cells"] = {"file": "gens.csv"}
    with pytest.raises(StudyError, match=r"demand\.cells\.crs.*EPSG:3035"):
        parse_study(document)


def test_the_order_of_the_rows_changes_nothing(
    small_path: Path, raster: Path, territory: Territory
) -> None:
    study = by_cells(small_path, raster)
    read = demand.read(raster, CellsChoice(raster.name))
    order = np.random.default_rng(1).permutation(len(read.table))
    mixed = demand.Cells(read.table.iloc[order], read.shapes.iloc[order])
    one, two = (fine_demand(some, territory, study, raster) for some in (read, mixed))
    assert one.demand.to_csv() == two.demand.to_csv() and one.shapes.to_wkt().equals(
        two.shapes.to_wkt()
    )


def test_the_published_grid_of_the_lot(small_path: Path, made_or_real: str, ground: Path) -> None:
    """Filosofi's 1 km grid, as it is: every cell whose centre is in the Lot, in the sample's
    communes.
    """
    study = replace(read_study(small_path), source="sample", kiosks=None)
    file = ground / "population" / "filosofi2015-1km-lot50km.tif"
    lot = replace(study.territory, name="Lot", departements=("46",))
    choice = replace(study.demand, groups=(), cells=CellsChoice(str(file)))
    result = run(replace(study, territory=lot, demand=choice))
    with rasterio.open(file) as squares:
        people = squares.read(1)
        x, y = rasterio.transform.xy(squares.transform, *np.nonzero(people > 0))
    centres = gpd.GeoSeries.from_xy(x, y, crs=3035).to_crs(4326)
    inside = centres.within(result.territory.boundary).to_numpy()
    # The outlines are simplified: one square in two hundred is on the other side.
    assert len(result.demand) == pytest.approx(inside.sum(), rel=0.01)
    assert result.demand["people"].sum() == pytest.approx(
        people[people > 0][inside].sum(), rel=0.01
    )
    if made_or_real == "real":
        assert (len(result.demand), int(result.demand["people"].sum())) == (4325, 166_521)
    error = result.beside.aggregation
    assert error is not None and 0.02 < error.differently / error.people < 0.2
    assert 300 < error.by_need["mean_absolute"].min() < error.by_need["mean_absolute"].max() < 2000
