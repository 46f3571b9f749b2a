"""Which router a study asks for: its ``[router]`` table, checked, and the router itself."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from geoguichet.coverage.routers.friction import Relief, read_relief
from geoguichet.coverage.routers.impedance import Router
from geoguichet.coverage.routers.network import Network
from geoguichet.coverage.routers.remote import OsrmRouter, ValhallaRouter
from geoguichet.coverage.routers.road import MAX_ACCESS_M, WALK_KMH, RoadRouter
from geoguichet.coverage.routers.straight_line import Detour, StraightLine
from geoguichet.coverage.study.table import StudyTable
from geoguichet.floor.units import Unit


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
    def of_kind(self) -> RouterKind:
        """What its kind stands for."""
        return KINDS[self.kind]

    @property
    def unit(self) -> Unit:
        """The unit of the study's thresholds."""
        by_length = self.of_kind.by_length and self.metric == "length"
        return Unit.METRES if by_length else self.of_kind.unit

    @property
    def by_car(self) -> bool:
        """Whether it measures minutes by car."""
        return self.of_kind.by_car and self.unit is Unit.SECONDS and self.mode == "car"

    @property
    def file(self) -> str:
        """The file it reads, relative to the study's folder; empty when it reads none."""
        return self.network if self.of_kind.file_read is not None else ""


@dataclass(frozen=True, slots=True)
class RouterKind:
    """What a study may write as ``router.kind``, and what that stands for."""

    open: Callable[[RouterChoice, Path], Router]
    """Returns the router of a choice; the path is that of its file."""
    example: str = ""
    """What ``network`` may be, as written in a study; empty when the kind has none."""
    unit: Unit = Unit.SECONDS
    file_read: Callable[[Path], tuple[int, str]] | None = None
    """Returns the rows and the licences of its file, for the lineage; None when it reads none."""
    by_car: bool = False
    """Whether it may measure minutes by car."""
    by_length: bool = False
    """Whether it may measure metres instead (``metric = "length"``)."""
    congested: bool = False
    """Whether ``congestion`` slows its cars down."""
    distant: bool = False
    """Whether each question is a request to a server: a surface asks too many."""


def read_choice(table: StudyTable) -> RouterChoice:
    """Return the ``[router]`` table, checked; an empty one is the straight line.

    Raises
    ------
    StudyError
        A key is unknown, missing, or out of range.
    """
    kind = table.one_of("kind", tuple(KINDS), default="straight_line")
    network = table.text("network", default="")
    if KINDS[kind].example and not network:
        raise table.error(
            "network", "cette clé est attendue et manque", f"network = {KINDS[kind].example}"
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
    return choice.of_kind.open(choice, (beside or Path()) / choice.network)


def _straight_line(choice: RouterChoice, _: Path) -> Router:
    factor = choice.detour
    return StraightLine(detour=None if factor is None else Detour(factor, factor, factor, 0))


def _road(choice: RouterChoice, path: Path) -> Router:
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


def _server(router: type[OsrmRouter] | type[ValhallaRouter]) -> RouterKind:
    """Return the kind of a server's router."""
    return RouterKind(
        lambda choice, _: router(
            choice.network, mode=choice.mode, max_access_m=choice.max_access_m
        ),
        example='"http://localhost:5000"',
        by_car=True,
        distant=True,
    )


def _roads_read(path: Path) -> tuple[int, str]:
    network = Network.open(path)
    licences = {source["licence"] for source in network.manifest["sources"]} - {""}
    return network.edges, ", ".join(sorted(licences))


KINDS: dict[str, RouterKind] = {
    "straight_line": RouterKind(_straight_line, unit=Unit.METRES),
    "road": RouterKind(
        _road,
        example='"midi-pyrenees.roads"',
        file_read=_roads_read,
        by_car=True,
        by_length=True,
        congested=True,
    ),
    "relief": RouterKind(
        lambda _, path: Relief(read_relief(path)),
        example='"mnt.tif"',
        file_read=lambda _: (0, ""),
    ),
    "osrm": _server(OsrmRouter),
    "valhalla": _server(ValhallaRouter),
}
"""The routers that a study may ask for: another is a file of its own and a line here."""


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
