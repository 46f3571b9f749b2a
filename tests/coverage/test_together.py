"""What was built apart, asked at once: cells, roads, smooth zones, moments, rules of law, models,
comparisons.
"""

import json
import re
import shutil
import tomllib
from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
import pytest
import shapely
from scipy.spatial import Delaunay

from geoguichet.coverage.access.rules import white as white_of
from geoguichet.coverage.compare import compare_sides, read_side, side_of
from geoguichet.coverage.errors import GeoguichetError, StudyError
from geoguichet.coverage.manifest import CoverageResult
from geoguichet.coverage.outputs import report, web_map
from geoguichet.coverage.outputs.folder import write_all
from geoguichet.coverage.replay import replay
from geoguichet.coverage.run import run
from geoguichet.coverage.study.choices import RouterChoice, open_router
from geoguichet.coverage.study.study import parse_study
from geoguichet.referentials.directory.hours import is_open
from geoguichet.referentials.roads.sources import make_network

type Ask = Callable[..., CoverageResult]
SIDE_M = 2_000.0


@pytest.fixture(scope="module")
def folder(small_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Ariège with roads between neighbouring town halls, and its people by squares of 2 km."""
    folder = tmp_path_factory.mktemp("ensemble")
    (folder / "ariege.gpkg").symlink_to(small_path.parent / "ariege.gpkg")
    halls = pyogrio.read_dataframe(folder / "ariege.gpkg", layer="services")
    halls = halls[(halls["type"] == "town_hall") & ~halls.geometry.is_empty].to_crs(2154)
    places = np.unique(halls.get_coordinates().to_numpy(), axis=0)
    corners = Delaunay(places).simplices
    pairs = np.unique(
        np.sort(np.concatenate([corners[:, [0, 1]], corners[:, [1, 2]], corners[:, [0, 2]]])),
        axis=0,
    )
    pairs = pairs[np.hypot(*(places[pairs[:, 0]] - places[pairs[:, 1]]).T) < 12_000]
    lines = gpd.GeoDataFrame(
        {"class": "communale"},
        geometry=shapely.linestrings(places[pairs]),
        crs=2154,
        index=range(len(pairs)),
    )
    lines.to_crs(4326).to_file(folder / "routes.gpkg", layer="routes")
    make_network(
        [folder / "routes.gpkg"],
        folder / "ariege.roads",
        mapping={"class": "class"},
        layer="routes",
    )
    squares = pd.DataFrame(
        np.unique((places // SIDE_M).astype(int), axis=0) * SIDE_M + SIDE_M / 2, columns=["x", "y"]
    )
    squares["population"] = 50 + np.arange(len(squares)) * 37 % 400
    squares["pop_65_plus"] = squares["population"] // 4
    squares.to_csv(folder / "people.csv", index=False)
    return folder


CELLS = {"file": "people.csv", "crs": "EPSG:2154", "side": "2 km"}


@pytest.fixture(scope="module")
def ask(small_path: Path, folder: Path) -> Ask:
    """Run the small study by cells and by road, some of its tables changed; what was asked once is
    kept.
    """
    usual = tomllib.loads(small_path.read_text(encoding="utf-8"))
    usual["router"] = {
        "kind": "road",
        "network": "ariege.roads",
        "access_speed_kmh": 20,
        "max_access": "3 km",
    }
    usual["demand"]["cells"] = CELLS
    usual["services"]["etat"]["within"] = "30 min"
    usual["services"]["mairie"]["within"] = "10 min"
    usual["kiosks"] |= {"reach": "10 min", "time_limit": "10 s"}
    kept: dict[str, CoverageResult] = {}

    def answer(**tables: dict[str, Any]) -> CoverageResult:
        key = json.dumps(tables, sort_keys=True)
        if key not in kept:
            document = deepcopy(usual)
            for name, table in tables.items():
                document[name] = (
                    table if name == "kiosks" else _merged(document.get(name, {}), table)
                )
            kept[key] = run(parse_study(document, path=folder / "etude.toml"))
        return kept[key]

    return answer


def _merged(one: dict[str, Any], more: dict[str, Any]) -> dict[str, Any]:
    both = {
        key: _merged(one[key], more[key])
        for key in one.keys() & more.keys()
        if isinstance(more[key], dict)
    }
    return one | more | both


KIOSKS = {"reach": "10 min", "time_limit": "10 s", "hours_count": False}


@pytest.mark.parametrize(
    "keys",
    [
        {"count": 3, "weight": "pop_65_plus"},
        {"count": 3, "model": "p_median", "farthest": "20 min"},
        {"count": 3, "model": "backup"},
        {"count": 20, "model": "p_center", "farthest": "60 min"},
        {"share": "80 %"},
        {"model": "set_covering"},
    ],
    ids=lambda keys: keys.get("model", "weight" if "weight" in keys else "share"),
)
def test_every_model_places_kiosks_for_cells_by_road(
    ask: Ask, keys: dict[str, Any], tmp_path: Path
) -> None:
    answer = ask(kiosks=KIOSKS | keys)
    assert answer.plan is not None and (answer.plan.status == "optimal" or answer.plan.gap < 0.01)
    demand = answer.demand
    gained = demand.loc[~demand["served"] & demand["served_after"], "people"].sum()
    assert answer.kiosks["people_added"].sum() == gained > 0
    assert demand.loc[demand["served_after"] & ~demand["served"], "kiosk_s"].le(600).all(), (
        "within reach, by road"
    )
    assert answer.kiosks["km_saved_per_year"].ge(0).all() and answer.white_zones[
        "people_after"
    ].sum() == (demand.loc[white_of(demand) & ~demand["served_after"], "people"].sum())
    if keys.get("model") == "p_median":
        names = {path.name for path in write_all(answer, tmp_path / "out")}
        assert {"map.html", "report.html", "result.gpkg", "manifest.json"} <= names


def test_the_share_is_of_the_people_of_the_cells(ask: Ask) -> None:
    answer = ask(kiosks=KIOSKS | {"share": "80 %"})
    people = answer.demand["people"]
    assert people[answer.demand["served_after"]].sum() >= 0.8 * people.sum()


def test_a_group_the_cells_lack_is_one_sentence(ask: Ask, folder: Path) -> None:
    table = pd.read_csv(folder / "people.csv").drop(columns="pop_65_plus")
    table.to_csv(folder / "sans.csv", index=False)
    with pytest.raises(
        StudyError, match=r"demand.groups.*sans\.csv n'a pas de colonne 'pop_65_plus'"
    ):
        ask(
            demand={"cells": {"file": "sans.csv"}},
            kiosks=KIOSKS | {"count": 3, "weight": "pop_65_plus"},
        )


def test_smooth_zones_of_cells_by_road_say_what_the_cells_say(ask: Ask) -> None:
    """The people of the zones are those of the unserved cells, and the ground is right at each
    cell's point.
    """
    answer = ask(zones={"kind": "smooth", "cell": "1 km"})
    white = answer.demand[white_of(answer.demand)]
    assert (
        answer.white_zones["people"].sum()
        == white["people"].sum()
        == ask().white_zones["people"].sum()
    )
    ground = shapely.union_all(answer.white_zones.geometry.dropna().to_crs(2154).to_numpy())
    points = answer.demand.geometry.to_crs(2154)
    wrong = points.within(ground) != white_of(answer.demand)
    assert (points[wrong].distance(ground.boundary) < 1_000).all()
    assert answer.surface is not None and answer.surface.unit == "s"


SATURDAY = {"mairie": {"open_at": "samedi 10h", "unknown_hours": "closed"}}


def test_a_host_shut_on_saturday_opens_no_saturday_need(ask: Ask) -> None:
    need = deepcopy(SATURDAY)
    blind = ask(services=need, kiosks=KIOSKS | {"count": 5})
    strict = ask(services=need, kiosks=KIOSKS | {"count": 5, "hours_count": True})
    at = strict.study.need("mairie").open_at
    assert at is not None
    for _, kiosk in strict.kiosks.iterrows():
        open_then = is_open(kiosk["hours"], at) is True and kiosk["hours_per_week"] >= 28
        assert ("mairie" in kiosk["needs"].split(",")) == open_then
    after = [one.demand["served_after"].sum() for one in (strict, blind)]
    assert after[0] <= after[1], "a kiosk that opens less serves no more"
    assert set(blind.kiosks["needs"]) == {"etat,mairie"}


LOOSE = {"services": {"mairie": {"min_hours_per_week": 20}}}


def test_the_kiosk_named_is_one_that_serves(ask: Ask, folder: Path, tmp_path: Path) -> None:
    """A nearer kiosk that does not open what a cell lacks neither serves it nor shortens its
    way.
    """
    keys = KIOSKS | {"count": 8, "hours_count": True, "reach": "20 min"}
    first = ask(kiosks=keys, **LOOSE)
    full = first.demand["kiosk"].map(first.kiosks["needs"]) == "etat,mairie"
    cells = first.demand[
        full & ~first.demand["served"] & ~first.demand["commune"].isin(first.kiosks["commune"])
    ]
    here = cells.loc[~(cells["mairie_s"] <= 600), "commune"].iloc[0]
    required = [*first.kiosks["commune"], here]
    answer = ask(kiosks=keys | {"required": required, "count": len(required)}, **LOOSE)
    demand, opens = answer.demand, answer.kiosks["needs"]
    assert opens.nunique() > 1, "some hosts open less than others"
    gained = demand[~demand["served"] & demand["served_after"]]
    nearest = open_router(answer.study.router, beside=folder).nearest(
        gained.geometry, answer.kiosks.geometry
    )
    assert (nearest.cost < gained["kiosk_s"]).any(), "some are served by another than the nearest"
    lacks_hall = ~(gained["mairie_s"] <= 600)
    assert len(gained) and gained.loc[lacks_hall, "kiosk"].map(opens).str.contains("mairie").all()
    assert (gained["kiosk_s"] <= 1_200).all() and gained["kiosk_m"].notna().all()
    for kiosk in gained["kiosk"].unique()[:3]:
        rows = gained[gained["kiosk"] == kiosk]
        router = open_router(answer.study.router, beside=folder)
        alone = router.nearest(rows.geometry, answer.kiosks.geometry.loc[[kiosk]])
        assert np.array_equal(alone.cost, rows["kiosk_s"]), "the way is the way to that kiosk"
    side = side_of(answer, kiosks=True)
    shut = demand["kiosk"].map(opens).fillna("").eq("etat")
    assert side.cost("mairie")[shut].equals(demand.loc[shut, "mairie_s"])
    write_all(answer, tmp_path / "out")
    read = read_side(tmp_path / "out", kiosks=True)
    assert (
        read.cost("mairie").round(3).equals(side.cost("mairie").reindex(read.demand.index).round(3))
    )


def test_a_rule_of_law_is_decided_for_cells_by_road(ask: Ask, tmp_path: Path) -> None:
    answer = ask(legal={"france_services_30": "etat", "la_poste": "mairie"})
    table = answer.beside.legal
    assert table is not None and set(table["verdict"]) <= {"pass", "fail", "undecided"}
    people = answer.demand["people"].sum()
    assert (table["people"] == people).all(), "people are those of the cells"
    far = answer.demand["etat_s"] > 1_800
    beyond = table.loc[(table["rule"] == "france_services_30") & (table["code"] == "09"), "beyond"]
    assert beyond.item() >= answer.demand.loc[far, "people"].sum()


def test_two_models_compare_in_minutes(ask: Ask, tmp_path: Path) -> None:
    most = ask(kiosks=KIOSKS | {"count": 3, "weight": "pop_65_plus"})
    median = ask(kiosks=KIOSKS | {"count": 3, "model": "p_median", "farthest": "20 min"})
    told = compare_sides(side_of(most, kiosks=True), side_of(median, kiosks=True))
    moved = told.communes
    gained = moved.loc[~moved["served_before"] & moved["served_after"], "people"].sum()
    lost = moved.loc[moved["served_before"] & ~moved["served_after"], "people"].sum()
    assert gained - lost == (
        median.demand.loc[median.demand["served_after"], "people"].sum()
        - most.demand.loc[most.demand["served_after"], "people"].sum()
    )
    write_all(most, tmp_path / "most")
    again = compare_sides(read_side(tmp_path / "most", kiosks=False), side_of(most, kiosks=False))
    assert (again.communes["served_before"] == again.communes["served_after"]).all()
    with pytest.raises(GeoguichetError, match="minutes"):
        compare_sides(side_of(most, kiosks=False), _in_kilometres(most))


def _in_kilometres(result: CoverageResult) -> Any:
    side = side_of(result, kiosks=False)
    return replace(side, study=replace(side.study, router=RouterChoice()))


def test_its_pages_stand_in_english(ask: Ask, tmp_path: Path) -> None:
    """Map and report of a study that asks for everything at once, in a real browser."""
    sync_api = pytest.importorskip(
        "playwright.sync_api", reason="playwright is not installed (make install)"
    )
    chromium = (
        shutil.which("chromium")
        or shutil.which("chromium-browser")
        or shutil.which("google-chrome")
    )
    if chromium is None:
        pytest.skip("chromium is not here (Debian: apt install chromium)")
    answer = ask(
        study={"language": "en"},
        zones={"kind": "smooth", "cell": "1 km"},
        services=SATURDAY,
        legal={"france_services_30": "etat"},
        measures={"kinds": ["2sfca"]},
        kiosks=KIOSKS
        | {"count": 3, "model": "p_median", "farthest": "20 min", "weight": "pop_65_plus"},
    )
    wrong: list[str] = []
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium, args=["--no-sandbox", "--disable-gpu"]
        )
        page = browser.new_page(viewport={"width": 390, "height": 800})
        page.on(
            "console",
            lambda message: (
                wrong.append(message.text) if message.type in ("error", "warning") else None
            ),
        )
        page.on("pageerror", lambda error: wrong.append(str(error)))
        for module, name in ((web_map, "map"), (report, "report")):
            written = tmp_path / f"{name}.html"
            written.write_text(module.render(answer), encoding="utf-8")
            page.goto(written.as_uri())
            assert page.evaluate("document.documentElement.scrollWidth") <= 390, name
            page.evaluate(
                "document.querySelectorAll('section[aria-labelledby=findings]').forEach(it => "
                "it.remove())"
            )
            text = page.locator("body").inner_text()
            assert "{" not in text and not re.search(r"\b(nan|None)\b", text), name
            for french in ("habitants", "carreau", "visioguichet", "samedi", "à moins"):
                assert not re.search(rf"\b{french}", text.lower()), (name, french)
        browser.close()
    assert wrong == []


def test_a_study_by_road_and_cells_is_replayed_from_where_its_files_are(
    ask: Ask, folder: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    write_all(ask(kiosks=KIOSKS | {"count": 3, "model": "backup"}), out)
    read = {
        layer["name"]: layer["file"]
        for layer in json.loads((out / "manifest.json").read_text())["inputs"]
    }
    assert read["network"] == "ariege.roads" and read["cells"] == "people.csv"
    with pytest.raises(StudyError, match=r"lit ariege\.roads.*--beside"):
        replay(out, source=folder / "ariege.gpkg")
    told = replay(out, beside=folder)
    assert told.same and told.differences == ()
