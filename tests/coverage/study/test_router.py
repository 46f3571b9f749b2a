"""The ``[router]`` table of a study: read, refused in one sentence, and a whole study by road."""

import tomllib
from importlib.resources import files
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pytest

from geoguichet.coverage.errors import RoutingError, StudyError
from geoguichet.coverage.outputs.folder import write_all
from geoguichet.coverage.routers.impedance import StraightLine
from geoguichet.coverage.routers.network import Network
from geoguichet.coverage.routers.road import Closure, RoadRouter, closed_edges
from geoguichet.coverage.run import run
from geoguichet.coverage.study.choices import RouterChoice, open_router
from geoguichet.coverage.study.study import Study, parse_study, read_study
from geoguichet.floor.errors import LayerError
from geoguichet.floor.words import Cost, Unit
from geoguichet.referentials.roads.network_file import read_network, write_network


def question(
    router: dict[str, Any] | None, within: str = "20 min", **kiosks: Any
) -> dict[str, Any]:
    document = tomllib.loads(
        (files("geoguichet.data") / "studies" / "visioguichets.toml").read_text(encoding="utf-8")
    )
    del document["kiosks"]
    if kiosks:
        document["kiosks"] = {"count": 5, "time_limit": "5 s", "gap": 0.05, **kiosks}
    for need in document["services"].values():
        need["within"] = within
    return document if router is None else document | {"router": router}


def test_no_table_is_the_straight_line() -> None:
    study = parse_study(question(None, "8 km"))
    assert study.router == RouterChoice() and study.unit == "m"
    assert isinstance(open_router(study.router), StraightLine)
    winding = open_router(parse_study(question({"detour": 1.3}, "8 km")).router)
    pair = [gpd.GeoSeries.from_xy([x], [44.0], crs="EPSG:4326") for x in (1.0, 1.1)]
    straight = StraightLine().nearest(*pair).cost[0]
    assert winding.nearest(*pair).cost[0] == pytest.approx(1.3 * straight) and winding.unit == "m"


def test_times_are_asked_in_minutes_and_distances_in_kilometres() -> None:
    by_time = parse_study(question({"kind": "road", "network": "r.roads"}))
    assert by_time.unit == "s" and by_time.need("mairie").within == Cost(1200.0, Unit.SECONDS)
    assert by_time.need("mairie").within != Cost(1200.0, Unit.METRES)
    by_length = parse_study(
        question({"kind": "road", "network": "r.roads", "metric": "length"}, "8 km")
    )
    assert by_length.unit == "m" and by_length.need("mairie").within == 8000.0
    with pytest.raises(StudyError, match='"20 min"'):
        parse_study(question({"kind": "road", "network": "r.roads"}, "8 km"))
    with pytest.raises(StudyError, match='"8 km"'):
        parse_study(question(None, "20 min"))


def test_the_shipped_road_study_says_how_to_get_roads() -> None:
    shipped = Path(str(files("geoguichet.data") / "studies" / "par-la-route.toml"))
    study = read_study(shipped)
    assert (
        study.unit == "s"
        and study.need("etat").within == Cost(1800.0, Unit.SECONDS)
        and study.kiosks is not None
    )
    assert study.router == RouterChoice("road", "region.roads") and study.kiosks.reach == Cost(
        900.0, Unit.SECONDS
    )
    with pytest.raises(
        LayerError, match="ce réseau n'existe pas ; « geoguichet referentials roads » le prépare"
    ):
        run(study)
    assert "geoguichet referentials roads" in shipped.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ({"kind": "roads"}, 'essayez : "road"'),
        ({"kind": "road"}, "router.network"),
        ({"kind": "road", "network": "x", "mode": "mule"}, "car, bicycle, foot"),
        ({"kind": "road", "network": "x", "congestion": 0}, "router.congestion"),
        ({"kind": "road", "network": "x", "closed": [12]}, "router.closed"),
        ({"kind": "road", "network": "x", "closed": [{"at": [1.0]}]}, "router.closed"),
        ({"kind": "road", "network": "x", "speed": 50}, "inconnue"),
    ],
)
def test_a_wrong_key_is_named(table: dict[str, Any], said: str) -> None:
    with pytest.raises(StudyError) as refused:
        parse_study(question(table))
    assert said in str(refused.value)


def test_a_network_that_is_not_there_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(LayerError, match="geoguichet referentials roads"):
        open_router(RouterChoice("road", "absent.roads"), beside=tmp_path)
    (tmp_path / "text.roads").write_text("bonjour", encoding="utf-8")
    with pytest.raises(LayerError, match="pas un réseau routier"):
        open_router(RouterChoice("road", "text.roads"), beside=tmp_path)


def test_metres_are_never_compared_with_seconds() -> None:
    with pytest.raises(StudyError, match="même unité"):
        run(
            parse_study(question({"kind": "osrm", "network": "http://localhost:5000"})),
            router=StraightLine(),
        )


# --- the region by road
# ----------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def roads(region_roads: Path) -> Path:
    return region_roads


def asked(roads: Path, **more: Any) -> Study:
    table = {
        "kind": "road",
        "network": str(roads),
        "access_speed_kmh": 20,
        "max_access": "3 km",
        **more,
    }
    return parse_study(question(table, "25 min", reach="15 min"))


def test_a_whole_study_by_road(roads: Path, tmp_path: Path) -> None:
    arrays, names, manifest = read_network(roads)
    unknown = {"where": "a.csv", "field": "class", "column": "nature", "word": "voie lactée",
               "rows": 3, "line": 12, "of": 900}  # fmt: skip
    write_network(tmp_path / "n.roads", arrays, names, manifest | {"unknown_words": [unknown]})
    study = asked(tmp_path / "n.roads")
    result = run(study)
    (word,) = [finding for finding in result.findings if finding.rule == "unknown-road-word"]
    assert (word.layer, word.item, word.column) == ("a.csv", "12", "nature")
    assert "« voie lactée »" in str(word.message) and "unclassified" in str(word.message)
    demand = result.demand
    assert {"etat_s", "mairie_s", "slack_s", "kiosk_s"} <= set(
        demand.columns
    ) and "slack_m" not in demand.columns
    assert (
        (demand["served"] == (demand["slack_s"] >= 0)).all()
        and demand["served"].any()
        and not demand["served"].all()
    )
    lost = demand[demand["etat_s"].isna()]
    assert (
        set(lost["etat_reason"]) <= {"not_located", "not_snapped", "no_path", "cut_off"}
        and (lost["etat_reason"] != "").all()
    )
    assert not lost["served"].any(), "unreachable is never a number, and never served"
    assert (
        result.counters["people_far_from_roads"]
        == demand.loc[demand["etat_reason"] == "not_snapped", "people"].sum()
    )
    far = [
        finding
        for finding in result.findings
        if finding.rule == "far-from-roads" and finding.layer == "communes"
    ]
    assert len(far) == (demand["etat_reason"] == "not_snapped").sum()
    assert demand["served_after"].sum() > demand["served"].sum()
    assert ((demand["etat_m"] > 0) == (demand["etat_s"] > 0)).all(), "the metres behind the minutes"
    assert (demand["etat_m"] / demand["etat_s"]).dropna().between(2, 40).all()
    assert (result.kiosks["km_saved_per_year"] >= 0).all() and result.kiosks[
        "co2_saved_kg_per_year"
    ].sum() > 0
    paths = write_all(result, tmp_path / "out")
    assert all(path.stat().st_size for path in paths)
    report = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert "25\u202fmin" in report and "vol d’oiseau" not in report
    zones = gpd.read_file(tmp_path / "out" / "result.gpkg", layer="white_zones")
    assert {"worst_s", "mean_s"} <= set(zones.columns)


def test_a_closed_pass_is_a_closed_pass(roads: Path) -> None:
    """All roads of the upper Aure valley shut: its people are told that a road is closed, and
    nobody else moves.
    """
    open_, shut = asked(roads), asked(roads, closed=[{"at": [0.36, 42.86], "within_m": 4000}])
    routers = [open_router(study.router) for study in (open_, shut)]
    assert isinstance(routers[0], RoadRouter) and isinstance(routers[1], RoadRouter)
    assert len(routers[1].closed) > 0 == len(routers[0].closed)
    nodes = routers[0].network.node_points()
    tarbes = gpd.GeoSeries.from_xy([0.078], [43.232], crs="EPSG:4326")
    before, after = (router.nearest(nodes, tarbes) for router in routers)
    held = ~np.isnan(after.cost)
    assert (after.cost[held] >= before.cost[held]).all() and after.reason is not None
    cut = after.reason == "closed"
    assert cut.any() and not np.isnan(before.cost[cut]).any() and np.isnan(after.cost[cut]).all()


def test_closures_are_named_or_placed(roads: Path) -> None:
    network = Network.open(roads)
    whole = closed_edges((Closure("D918-65"),), network)
    part = closed_edges((Closure("d918-65", (0.145, 42.908), 3000.0),), network)
    assert 0 < len(part) < len(whole) and set(part) <= set(whole)
    with pytest.raises(RoutingError, match="aucune route"):
        closed_edges((Closure("D99999"),), network)
