"""Which router a study asks for: its ``[router]`` table, checked, and the router itself."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np

from geoguichet.coverage.routers.friction import Relief, read_relief
from geoguichet.coverage.routers.impedance import Router
from geoguichet.coverage.routers.network import Network
from geoguichet.coverage.routers.remote import OsrmRouter, ValhallaRouter
from geoguichet.coverage.routers.road import MAX_ACCESS_M, WALK_KMH, RoadRouter
from geoguichet.coverage.routers.straight_line import Detour, StraightLine
from geoguichet.coverage.study.table import StudyTable
from geoguichet.floor.findings import Finding
from geoguichet.floor.units import Unit

KINDS = ("straight_line", "road", "relief", "osrm", "valhalla")


@dataclass(frozen=True, slots=True)
class Closure:
    """Roads closed for the study: a road by its number, or those near a place, or that road near
    that place.
    """

    road: str
    at: tuple[float, float] | None = None
    """Longitude, latitude."""
    within_m: float = 1_000.0


@dataclass(frozen=True, slots=True)
class RouterChoice:
    """How costs are measured. Only the keys of its kind are used."""

    kind: str = "straight_line"
    network: str = ""
    """Road network file (road), elevation raster (relief), or address of a server (osrm, valhalla).
    """
    mode: str = "car"
    metric: str = "time"
    congestion: float = 1.0
    access_kmh: float = WALK_KMH
    max_access_m: float = MAX_ACCESS_M
    detour: float | None = None
    closed: tuple[Closure, ...] = ()

    @property
    def unit(self) -> Unit:
        """The unit of the study's thresholds."""
        by_length = self.kind == "straight_line" or (
            self.kind == "road" and self.metric == "length"
        )
        return Unit.METRES if by_length else Unit.SECONDS


_FILE = {"road": '"midi-pyrenees.roads"', "relief": '"mnt.tif"', "osrm": '"http://localhost:5000"'}


def read_choice(table: StudyTable) -> RouterChoice:
    """Return the ``[router]`` table, checked; an empty one is the straight line.

    Raises
    ------
    StudyError
        A key is unknown, missing, or out of range.
    """
    kind = table.one_of("kind", KINDS, default="straight_line")
    network = table.text("network", default="")
    if kind != "straight_line" and not network:
        raise table.error(
            "network",
            "cette clé est attendue et manque",
            f"network = {_FILE.get(kind, _FILE['osrm'])}",
        )
    choice = RouterChoice(
        kind=kind,
        network=network,
        mode=table.one_of("mode", ("car", "bicycle", "foot"), default="car"),
        metric=table.one_of("metric", ("time", "length"), default="time"),
        congestion=table.number("congestion", low=0.1, high=10.0, default=1.0) or 1.0,
        access_kmh=table.number("access_speed_kmh", low=0.1, high=130.0, default=WALK_KMH)
        or WALK_KMH,
        max_access_m=table.quantity("max_access", "length", default=MAX_ACCESS_M),
        detour=table.number("detour", low=1.0, high=5.0, default=None),
        closed=tuple(_closure(table, entry) for entry in table.get("closed", ())),
    )
    table.refuse_unknown()
    return choice


def _closure(table: StudyTable, entry: Any) -> Closure:
    """Return a closure written ``"D918"`` or ``{ road = "D918", at = [0.145, 42.908], within_m =
    1500 }``.
    """
    if isinstance(entry, str) and entry.strip():
        return Closure(entry)
    if (
        isinstance(entry, dict)
        and set(entry) <= {"road", "at", "within_m"}
        and ("road" in entry or "at" in entry)
    ):
        at = entry.get("at")
        numbers = [*(at or ()), entry.get("within_m", 1_000.0)]
        if (
            all(isinstance(n, int | float) for n in numbers)
            and len(numbers) in (1, 3)
            and numbers[-1] > 0
        ):
            return Closure(
                str(entry.get("road", "")), tuple(at) if at else None, float(numbers[-1])
            )
    what = f"une route fermée est attendue, {entry!r} est donné"
    raise table.error(
        "closed", what, '["D918"] ou [{ road = "D918", at = [0.145, 42.908], within_m = 1500 }]'
    )


def open_router(choice: RouterChoice, *, beside: Path | None = None) -> Router:
    """Return the router of a choice; its files are relative to ``beside``, the study's folder.

    Raises
    ------
    GeoguichetError
        The network is missing or unreadable, or a closed road is not in it.
    """
    path = (beside or Path()) / choice.network
    if choice.kind == "road":
        network = Network.open(path)
        return RoadRouter(
            network,
            mode=choice.mode,
            metric="length" if choice.metric == "length" else "time",
            congestion=choice.congestion,
            closed=closed_edges(choice.closed, network),
            access_kmh=choice.access_kmh,
            max_access_m=choice.max_access_m,
        )
    if choice.kind == "relief":
        return Relief(read_relief(path))
    if choice.kind == "osrm":
        return OsrmRouter(choice.network, mode=choice.mode, max_access_m=choice.max_access_m)
    if choice.kind == "valhalla":
        return ValhallaRouter(choice.network, mode=choice.mode, max_access_m=choice.max_access_m)
    factor = choice.detour
    return StraightLine(detour=None if factor is None else Detour(factor, factor, factor, 0))


def travel_counters(
    router: Router, demand: gpd.GeoDataFrame, services: gpd.GeoDataFrame
) -> dict[str, int]:
    """Count the people and services that are too far from any road, and those on roads that lead
    nowhere else.
    """
    if not isinstance(router, RoadRouter):
        return {}
    far = router.snap(demand.geometry).reason == "not_snapped"
    apart = router.on_island(demand.geometry)
    return {
        "people_far_from_roads": int(demand.loc[far, "people"].sum()),
        "people_on_road_islands": int(demand.loc[apart, "people"].sum()),
        "services_far_from_roads": int(
            (router.snap(services.geometry).reason == "not_snapped").sum()
        ),
        "services_on_road_islands": int(router.on_island(services.geometry).sum()),
    }


def travel_findings(
    router: Router, demand: gpd.GeoDataFrame, services: gpd.GeoDataFrame
) -> list[Finding]:
    """List one by one what :func:`travel_counters` counts."""
    if not isinstance(router, RoadRouter):
        return []
    found = []
    for layer, frame in (("communes", demand), ("services", services)):
        far = router.snap(frame.geometry).reason == "not_snapped"
        for rule, which, why in (
            ("far-from-roads", far, "n'a pas de route assez proche : aucun trajet n'y est calculé"),
            (
                "road-island",
                router.on_island(frame.geometry),
                "est sur des routes coupées du reste du réseau",
            ),
        ):
            found += [
                Finding(rule, layer, str(i), f"{name} {why}.")
                for i, name in frame.loc[which, "name"].items()
            ]
    return found


def closed_edges(closures: tuple[Closure, ...], network: Network) -> np.ndarray:
    """Return the edges that the closures name.

    Raises
    ------
    RoutingError
        A road is not in the network.
    """
    closed = [np.empty(0, dtype=np.int64)]
    for closure in closures:
        edges = network.edges_named(closure.road) if closure.road else np.arange(network.edges)
        if closure.at is not None:
            edges = np.intersect1d(
                edges, network.edges_near(*closure.at, within_m=closure.within_m)
            )
        closed.append(edges)
    return np.unique(np.concatenate(closed))
