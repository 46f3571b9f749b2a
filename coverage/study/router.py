"""Which router a study asks for: its ``[router]`` table, checked, and the router itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from pydantic import Field
from pydantic_core import core_schema

from geoguichet.coverage.routers.friction import Relief, read_relief
from geoguichet.coverage.routers.impedance import Router
from geoguichet.coverage.routers.network import Network
from geoguichet.coverage.routers.remote import OsrmRouter, ValhallaRouter
from geoguichet.coverage.routers.road import MAX_ACCESS_M, WALK_KMH, RoadRouter
from geoguichet.coverage.routers.straight_line import Detour, StraightLine
from geoguichet.floor.declaration import (
    About,
    BadKeyError,
    Json,
    Table,
    Taken,
    amount,
    measured,
    number,
    one_of,
    quantity,
    text,
)
from geoguichet.floor.units import Cost, Unit


@dataclass(frozen=True, slots=True)
class Asked:
    """What a key may depend on elsewhere in the file."""

    #: What the router counts in.
    unit: Unit = Unit.METRES
    #: Its kind.
    router: str = "straight_line"
    needs: tuple[str, ...] = ()
    #: Columns of the demand that count groups of people.
    groups: tuple[str, ...] = ()


def threshold() -> Taken:
    """Take a distance or a time, in the unit of the study's router: ``"8 km"``, ``"20 min"``."""
    kinds = {Unit.METRES: "length", Unit.SECONDS: "minutes"}
    return Taken(
        lambda value, asked: Cost(amount(value, kinds[asked.unit]), asked.unit),
        measured(*kinds.values()),
        kept=core_schema.nullable_schema(core_schema.is_instance_schema(Cost)),
    )


@dataclass(frozen=True, slots=True)
class Closure:
    """Roads closed for the study: a road by its number, or those near a place, or that road near
    that place.
    """

    road: str
    #: Longitude, latitude.
    at: tuple[float, float] | None = None
    within_m: float = 1_000.0


def _closures(value: Any, asked: Asked) -> tuple[Closure, ...]:
    entries = value if isinstance(value, list | tuple) else [value]
    return tuple(_closure(entry) for entry in entries)


def _closure(entry: Any) -> Closure:
    table: Any = {"road": entry} if isinstance(entry, str) and entry.strip() else entry
    if isinstance(table, Mapping) and {"road", "at"} & {*table}:
        at, within = table.get("at"), table.get("within_m", 1_000.0)
        numbers = [*at, within] if isinstance(at, list | tuple) and at else [within]
        if (
            {*table} <= {"road", "at", "within_m"}
            and all(isinstance(one, int | float) for one in numbers)
            and len(numbers) == (1 if at is None else 3)
            and within > 0
        ):
            return Closure(str(table.get("road", "")), tuple(at) if at else None, float(within))
    raise BadKeyError(
        "une route fermée est attendue, {value} est donné",
        '["D918"] ou [{ road = "D918", at = [0.145, 42.908], within_m = 1500 }]',
        value=repr(entry),
    )


_CLOSURES: Json = {
    "type": "array",
    "items": {
        "anyOf": [
            {"type": "string"},
            {
                "type": "object",
                "properties": {
                    "road": {"type": "string"},
                    "at": {"type": "array", "items": {"type": "number"}},
                    "within_m": {"type": "number", "exclusiveMinimum": 0},
                },
                "additionalProperties": False,
            },
        ]
    },
    "examples": [["D918"], [{"road": "D918", "at": [0.145, 42.908], "within_m": 1500}]],
}


@dataclass(frozen=True, slots=True)
class RouterKind:
    """What a study may write as ``router.kind``, and what that stands for."""

    #: Returns the router of a choice; the path is that of its file.
    open: Callable[[RouterChoice, Path], Router]
    #: What ``network`` may be, as written in a study; empty when the kind has none.
    example: str = ""
    unit: Unit = Unit.SECONDS
    #: Returns the rows and the licences of its file, for the lineage; None when it reads none.
    file_read: Callable[[Path], tuple[int, str]] | None = None
    #: Whether it may measure minutes by car.
    by_car: bool = False
    #: Whether it may measure metres instead (``metric = "length"``).
    by_length: bool = False
    #: Whether ``congestion`` slows its cars down.
    congested: bool = False
    #: Whether each question is a request to a server: a surface asks too many.
    distant: bool = False


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


#: The routers that a study may ask for: another is a file of its own and a line here.
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


@dataclass(frozen=True, slots=True)
class RouterChoice(Table):
    """How costs are measured. Only the keys of its kind are used."""

    kind: Annotated[
        str,
        one_of(KINDS),
        About("vol d'oiseau, réseau routier, marche sur le relief, ou un serveur"),
    ] = "straight_line"
    network: Annotated[
        str,
        text(blank=True),
        About("fichier du réseau (road) ou du relief, près de ce fichier ; adresse du serveur"),
    ] = ""
    mode: Annotated[
        str, one_of(("car", "bicycle", "foot")), About("en voiture, à vélo ou à pied")
    ] = "car"
    metric: Annotated[
        str, one_of(("time", "length")), About("temps ou longueur du chemin, par la route")
    ] = "time"
    congestion: Annotated[
        float, number(0.1, 10.0), About("ce qui multiplie les temps de voiture")
    ] = 1.0
    access_kmh: Annotated[
        float,
        number(0.1, 130.0),
        Field(alias="access_speed_kmh"),
        About("vitesse, en km/h, d'un point jusqu'à la route"),
    ] = WALK_KMH
    max_access_m: Annotated[
        float, quantity("length"), About("plus loin de toute route, un point n'a pas de chemin")
    ] = MAX_ACCESS_M
    detour: Annotated[
        float | None, number(1.0, 5.0), About("longueur des chemins sur celle du vol d'oiseau")
    ] = None
    closed: Annotated[
        tuple[Closure, ...],
        Taken(_closures, _CLOSURES),
        About("routes fermées, par leur numéro ou autour d'un lieu"),
    ] = ()

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

    def check(self, asked: Asked) -> None:
        """Refuse a router without what it reads."""
        if self.of_kind.example and not self.network:
            example = f"network = {self.of_kind.example}"
            raise BadKeyError("cette clé est attendue et manque", example, key="network")


def open_router(choice: RouterChoice, *, beside: Path | None = None) -> Router:
    """Return the router of a choice; its files are relative to ``beside``, the study's folder.

    Raises
    ------
    GeoguichetError
        The network is missing or unreadable, or a closed road is not in it.
    """
    return choice.of_kind.open(choice, (beside or Path()) / choice.network)


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
