"""Time or distance by road, each way in its own direction, walk to the road and from it
included.
"""

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import shapely

from geoguichet.coverage.routers.impedance import (
    Bools,
    CostMatrix,
    Floats,
    Nearest,
    Positions,
    Reasons,
    Router,
    Stray,
)
from geoguichet.coverage.routers.network import (
    BLOCK_BYTES,
    Doors,
    Graph,
    Halls,
    Metric,
    Network,
    Snapped,
    check_closed,
    from_each,
    nearest_length,
    nearest_place,
    shares_of,
    tree_from,
)
from geoguichet.floor.declaration import BadKeyError, Json
from geoguichet.floor.findings import Finding
from geoguichet.floor.words import Message, Unit
from geoguichet.referentials.roads.network_file import QUANTUM
from geoguichet.referentials.roads.words import not_understood

#: Speed from a point to its road and back (IGN's rule for isochrones).
WALK_KMH = 4.0

#: Beyond, a point is not on the network: 99 % of the town halls of Midi-Pyrénées are nearer to an
#: A, N or D road.
MAX_ACCESS_M = 1_500.0


@dataclass(frozen=True, slots=True)
class Path:
    """One way from a point to another: its cost, metres along roads, roads followed and line
    (EPSG:4326).
    """

    cost: float
    length_m: float
    roads: tuple[str, ...]
    geometry: shapely.LineString


@dataclass(frozen=True, slots=True)
class Ends:
    """Points on edges: which edge, how far along it, and the doors they leave and arrive by (see
    :class:`Doors`).
    """

    snapped: Snapped
    #: Cost from the drawn start of the edge to the point.
    before: Floats
    access: Floats
    ahead: Bools
    back: Bools
    leave: Doors
    arrive: Doors


class RoadRouter(Router):
    """Shortest paths on a :class:`Network`; costs are seconds, or metres when ``metric`` is
    ``length``.

    Parameters
    ----------
    network
        The roads.
    mode
        ``car``, ``bicycle`` or ``foot``.
    metric
        What is the least: ``time`` or ``length``.
    congestion
        What car seconds are multiplied by (1.2 in a slow hour); the walk to the road is not slowed.
    closed Edges that nobody may follow (:meth:`Network.edges_named`). A point on one is still at
        its ends, if it is there.
    access_kmh
        Speed from a point to its road; raise it where the network lacks the small roads.
    max_access_m
        Beyond this a point is not snapped.
    """

    def __init__(
        self,
        network: Network,
        *,
        mode: str = "car",
        metric: Metric = "time",
        congestion: float = 1.0,
        closed: Positions | tuple[int, ...] = (),
        access_kmh: float = WALK_KMH,
        max_access_m: float = MAX_ACCESS_M,
    ) -> None:
        self.network, self.mode, self.metric = network, mode, metric
        self.unit = Unit.SECONDS if metric == "time" else Unit.METRES
        self.closed = check_closed(tuple(closed), network)
        self.max_access_m = max_access_m
        self._cost = network.costs(mode, metric, congestion=congestion)
        self._allowed = network.allowed(mode, closed=self.closed)
        self._access_per_m = 3.6 / access_kmh if metric == "time" else 1.0
        # a metre farther from a road, or along a slow one: 0.12 s at 30 km/h
        self.steepness = self._access_per_m + (0.12 if metric == "time" else 1.0)
        self._snapped: dict[str, Snapped] = {}

    # --- what is asked

    def nearest(
        self, origins: gpd.GeoSeries, destinations: gpd.GeoSeries, *, limit: float = np.inf
    ) -> Nearest:
        """Return the destination that is nearest from every origin (not to it: one-way roads
        count), and why if none.

        Points in EPSG:4326. One search from all destinations on the reversed graph, whatever the
        number of origins.

        Raises
        ------
        RoutingError
            A series has another CRS.
        """
        start, end = self._ends(origins, self._allowed), self._ends(destinations, self._allowed)
        cost, destination = _nearest(start, end, self._reverse)
        reason = start.snapped.reason.copy()
        lost = np.isinf(cost) & (reason == "")
        if lost.any():
            reason[lost] = self._why(origins, destinations)[lost]
        return Nearest.found(destination, cost, reason, limit)

    def costs(
        self, origins: gpd.GeoSeries, destinations: gpd.GeoSeries, *, limit: float
    ) -> CostMatrix:
        """Return every pair whose cost is ``<= limit``; searched in blocks of bounded size, from
        the fewer of the two.

        Same input and errors as :meth:`nearest`.
        """
        start, end = self._ends(origins, self._allowed), self._ends(destinations, self._allowed)
        if len(destinations) <= len(origins):
            found = [
                (i, j, cost) for j, i, cost in _pairs(self._reverse, end.arrive, start.leave, limit)
            ]
        else:
            found = list(_pairs(self._forward, start.leave, end.arrive, limit))
        # two points of one edge may meet along it, without passing by its ends
        return CostMatrix.of([_along(start, end), *found], (len(origins), len(destinations))).up_to(
            limit
        )

    def node_costs(self, destinations: gpd.GeoSeries) -> tuple[Floats, Positions]:
        """Return for every node of the network the cost to its nearest destination, and which; NaN,
        -1 if none.
        """
        cost, place = nearest_place(self._reverse, self._ends(destinations, self._allowed).arrive)
        cost[np.isinf(cost)] = np.nan
        if self._halls:
            cost, place = cost[self._halls.first], place[self._halls.first]
        return cost, place

    def metres(self, origins: gpd.GeoSeries, destinations: gpd.GeoSeries) -> Floats:
        """Return the metres of the way from every origin to its nearest destination, walks
        included; NaN if none.

        By time it is the fastest way, not the shortest: what a car drives that goes where
        :meth:`nearest` says.
        """
        start, end = self._ends(origins, self._allowed), self._ends(destinations, self._allowed)
        length = self.network.costs(self.mode, "length")
        in_metres = self.network.graph(length, self._allowed, reverse=True, halls=self._halls).cost
        here, there = (self._door_metres(ends, length) for ends in (start, end))
        node_cost, node_metres = nearest_length(self._reverse, end.arrive, in_metres, there)
        by_door = start.leave.cost + node_cost[start.leave.node]
        door, row = by_door.argmin(axis=1), np.arange(len(origins))
        cost, metres = (
            by_door[row, door],
            here[row, door] + node_metres[start.leave.node[row, door]],
        )
        i, j, direct = _least_along(start, end)
        along = (
            np.abs(start.snapped.fraction[i] - end.snapped.fraction[j])
            * length[start.snapped.edge[i]]
        )
        straight = start.snapped.access_m[i] + along + end.snapped.access_m[j]
        metres[i] = np.where(direct < cost[i], straight, metres[i])
        cost[i] = np.minimum(direct, cost[i])
        return np.where(np.isinf(cost), np.nan, metres)

    def path(self, origin: shapely.Point, destination: shapely.Point) -> Path | None:
        """Return the way from a point to another, None if there is none."""
        start, end = (
            self._ends(gpd.GeoSeries([point], crs="EPSG:4326"), self._allowed)
            for point in (origin, destination)
        )
        steps, cost = self._steps(start, end)
        if not np.isfinite(cost):
            return None
        lines, length = [self.network.piece(*step) for step in steps], 0.0
        for edge, begin, stop in steps:
            length += abs(stop - begin) * float(self.network.arrays["edge_length_m"][edge])
        names = [self.network.names[self.network.arrays["edge_name"][edge]] for edge, _, _ in steps]
        return Path(
            cost,
            length,
            tuple(
                name
                for name, before in zip(names, ["", *names], strict=False)
                if name and name != before
            ),
            shapely.LineString(
                np.concatenate([[(origin.x, origin.y)], *lines, [(destination.x, destination.y)]])
            ),
        )

    def snap(self, points: gpd.GeoSeries) -> Snapped:
        """Return where the points enter the network (kept for the next questions about the same
        points).

        Closed roads count as roads here: closing one moves nobody.
        """
        geometry = points.to_numpy()
        key = hashlib.sha256(
            shapely.get_x(geometry).tobytes() + shapely.get_y(geometry).tobytes()
        ).hexdigest()
        if key not in self._snapped:
            while len(self._snapped) >= _KEPT:
                self._snapped.pop(next(iter(self._snapped)))
            self._snapped[key] = self.network.snap(
                points,
                np.logical_or(*self._open),
                self._leading,
                max_access_m=self.max_access_m,
            )
        return self._snapped[key]

    def along_ways(self, step_m: float) -> gpd.GeoSeries:
        """Return points along every road, at most a step apart."""
        return self.network.points_along(step_m)

    def findings(self) -> list[Finding]:
        """Return the words of the roads' sources that are not understood, and what they count as."""
        return [
            Finding(
                "unknown-road-word",
                unread["where"],
                str(unread["line"]),
                not_understood(unread),
                column=unread["column"],
            )
            for unread in self.network.manifest.get("unknown_words", ())
        ]

    def strays(self, points: gpd.GeoSeries) -> list[Stray]:
        """Return the points that are too far from any road, those on roads that lead nowhere else,
        and those that join another road than the nearest.
        """
        return [
            Stray(
                self.snap(points).reason == "not_snapped",
                "far-from-roads",
                "far_from_roads",
                Message("{name} n'a pas de route assez proche : aucun trajet n'y est calculé."),
            ),
            Stray(
                self.on_island(points),
                "road-island",
                "on_road_islands",
                Message("{name} est sur des routes coupées du reste du réseau."),
            ),
            Stray(
                self.snap(points).moved,
                "road-leads-nowhere",
                "moved_to_other_roads",
                Message("{name} rejoint une route plus loin : la plus proche ne mène nulle part."),
            ),
        ]

    def on_island(self, points: gpd.GeoSeries) -> Bools:
        """Return the points whose road cannot reach the main network and come back; they are routed
        all the same.
        """
        edge = self.snap(points).edge
        on_main = np.any([self._main[nodes[edge]] for nodes in self.network.ends], axis=0)
        return np.asarray((edge >= 0) & ~on_main)

    # --- how it is answered

    @cached_property
    def _reverse(self) -> Graph:
        return self.network.graph(self._cost, self._allowed, reverse=True, halls=self._halls)

    @cached_property
    def _forward(self) -> Graph:
        return self.network.graph(self._cost, self._allowed, reverse=False, halls=self._halls)

    # What the mode may follow, closed roads too.
    @cached_property
    def _open(self) -> tuple[Bools, Bools]:
        return self.network.allowed(self.mode)

    @cached_property
    def _piece(self) -> npt.NDArray[np.int32]:
        return self.network.pieces(self._open)

    @cached_property
    def _leading(self) -> Bools:
        return self.network.leading(self._open, self._piece)

    @cached_property
    def _halls(self) -> Halls | None:
        return self.network.halls(self.mode, self._open, self._leading)

    @cached_property
    def _main(self) -> Bools:
        return np.asarray(self._piece == np.bincount(self._piece).argmax())

    # Return how points touch the graph: the copies of its nodes, where it has ``halls``.
    def _ends(
        self, points: gpd.GeoSeries, allowed: tuple[Bools, Bools], *, halls: bool = True
    ) -> Ends:
        snapped = self.snap(points)
        edge, on = snapped.edge, snapped.edge >= 0
        before, after = shares_of(self._cost[edge], np.where(on, snapped.fraction, 0.0))
        access = np.where(
            on, np.round(snapped.access_m * self._access_per_m / QUANTUM) * QUANTUM, np.inf
        )
        ahead, back = allowed[0][edge], allowed[1][edge]
        at_start, at_end = (
            before == 0,
            after == 0,
        )  # a point at a node may turn into any of its roads
        leave = np.column_stack(
            [np.where(back | at_start, before, np.inf), np.where(ahead | at_end, after, np.inf)]
        )
        arrive = np.column_stack(
            [np.where(ahead | at_start, before, np.inf), np.where(back | at_end, after, np.inf)]
        )
        start, stop, back_start, back_stop = (nodes[edge] for nodes in self.network.ends)
        out, node = np.column_stack([back_stop, stop]), np.column_stack([start, back_start])
        if halls and self._halls:
            held = self._halls.held[edge][:, None]
            out = np.where(held, self._halls.first[out], out)
            node = np.where(held, self._halls.last[node], node)
        return Ends(
            snapped,
            before,
            access,
            ahead,
            back,
            Doors(out, leave + access[:, None]),
            Doors(node, arrive + access[:, None]),
        )

    # Return the metres from each point to the two ends of its edge, the walk to the edge included.
    @staticmethod
    def _door_metres(ends: Ends, length: Floats) -> Floats:
        snapped = ends.snapped
        along = np.nan_to_num(snapped.fraction) * length[snapped.edge]
        return (
            np.column_stack([along, length[snapped.edge] - along])
            + np.nan_to_num(snapped.access_m)[:, None]
        )

    # Say of origins that reach nothing whether a closed road is the cause, or a private way that would
    # have to be crossed, or that the data have no road that leads out of there: none in reach of the
    # point is of a piece that leads somewhere.
    def _why(self, origins: gpd.GeoSeries, destinations: gpd.GeoSeries) -> Reasons:
        allowed = self._open
        start, end = self._ends(origins, allowed), self._ends(destinations, allowed)
        known = (end.snapped.edge >= 0).any()
        if not known:
            return np.full(len(origins), "no_service", dtype="U16")
        joined = self._leading[end.snapped.edge[end.snapped.edge >= 0]].any()
        out = self._leading[start.snapped.edge] & joined
        reason = np.where(out, "no_path", "cut_off").astype("U16")
        if self._halls:
            here, there = (
                self._ends(at, self._allowed, halls=False) for at in (origins, destinations)
            )
            graph = self.network.graph(self._cost, self._allowed, reverse=True)
            crossed = np.isfinite(_nearest(here, there, graph)[0])
            reason[crossed & (reason == "no_path")] = "private_way"
        if not len(self.closed):
            return reason
        graph = self.network.graph(self._cost, allowed, reverse=True, halls=self._halls)
        cost, _ = _nearest(start, end, graph)
        return np.where(np.isinf(cost), reason, "closed")

    # Return the edges of the best way with the shares where it begins and stops on each, and its
    # cost.
    def _steps(self, start: Ends, end: Ends) -> tuple[list[tuple[int, float, float]], float]:
        node_cost, after = tree_from(self._reverse, end.arrive)
        first, last = (int(ends.snapped.edge[0]) for ends in (start, end))
        left, reached = (float(ends.snapped.fraction[0]) for ends in (start, end))
        by_door = start.leave.cost[0] + node_cost[start.leave.node[0]]
        door = int(np.argmin(by_door))
        direct = _along(start, end)[2]
        if len(direct) and direct[0] <= by_door[door]:
            return [(first, left, reached)], float(direct[0])
        if not np.isfinite(by_door[door]):
            return [], np.inf
        steps, node = [(first, left, float(door))], int(start.leave.node[0, door])
        while (ahead := int(after[node])) >= 0:
            here, there = (int(n if self._halls is None else self._halls.node[n])
                           for n in (node, ahead))  # fmt: skip
            if here != there:
                steps.append(self._arc(here, there, node_cost[node] - node_cost[ahead]))
            node = ahead
        at_door = (end.arrive.node[0] == node) & (end.arrive.cost[0] == node_cost[node])
        steps.append((last, float(at_door.argmax()), reached))
        return [step for step in steps if step[1] != step[2]], float(by_door[door])

    # Return the edge that leads from a node to the next at exactly that cost, as a step.
    def _arc(self, node: int, ahead: int, cost: float) -> tuple[int, float, float]:
        arrays = self.network.arrays
        for arc in arrays["forward_arc"][
            arrays["forward_start"][node] : arrays["forward_start"][node + 1]
        ]:
            edge, against = int(arc) >> 1, int(arc) & 1
            if (
                arrays["edge_back_to" if against else "edge_to"][edge] == ahead
                and self._cost[edge] == cost
                and self._allowed[against][edge]
            ):
                return edge, float(against), float(1 - against)
        raise AssertionError("the search used an arc that the network does not have")


_KEPT = 16


# Return every start's cost to its nearest end, and which (the first of equals); infinite and -1 if
# none.
def _nearest(start: Ends, end: Ends, reverse: Graph) -> tuple[Floats, Positions]:
    node_cost, node_place = nearest_place(reverse, end.arrive)
    by_door = start.leave.cost + node_cost[start.leave.node]
    place = node_place[start.leave.node]
    second = (by_door[:, 1] < by_door[:, 0]) | (
        (by_door[:, 1] == by_door[:, 0]) & (place[:, 1] < place[:, 0])
    )
    cost = np.where(second, by_door[:, 1], by_door[:, 0])
    chosen = np.where(second, place[:, 1], place[:, 0])
    i, j, direct = _least_along(start, end)
    better = (direct < cost[i]) | ((direct == cost[i]) & (j < chosen[i]))
    cost[i[better]], chosen[i[better]] = direct[better], j[better]
    return cost, np.where(np.isinf(cost), -1, chosen)


# Return the pairs on one edge that its direction allows, and the cost of going straight along it.
def _along(start: Ends, end: Ends) -> tuple[Positions, Positions, Floats]:
    there = np.flatnonzero(end.snapped.edge >= 0)
    there = there[np.argsort(end.snapped.edge[there], kind="stable")]
    edges = end.snapped.edge[there]
    here = np.flatnonzero(start.snapped.edge >= 0)
    low = np.searchsorted(edges, start.snapped.edge[here], side="left")
    count = np.searchsorted(edges, start.snapped.edge[here], side="right") - low
    i = np.repeat(here, count)
    j = there[np.repeat(low - np.append(0, np.cumsum(count)[:-1]), count) + np.arange(len(i))]
    along = end.before[j] - start.before[i]
    able = (along == 0) | np.where(along > 0, start.ahead[i], start.back[i])
    cost = start.access[i] + np.abs(along) + end.access[j]
    return i[able], j[able], cost[able]


# Return, of the pairs on one edge, the least costly of each start; of equal ones the first.
def _least_along(start: Ends, end: Ends) -> tuple[Positions, Positions, Floats]:
    i, j, cost = _along(start, end)
    order = np.lexsort((j, cost, i))
    i, first = np.unique(i[order], return_index=True)
    return i, j[order][first], cost[order][first]


# Yield the pairs (place, other) within the limit, block by block: no table is larger than a block.
def _pairs(
    graph: Graph, places: Doors, others: Doors, limit: float
) -> Iterator[tuple[Positions, Positions, Floats]]:
    able = np.flatnonzero(np.isfinite(places.cost).any(axis=1))
    size = max(1, BLOCK_BYTES // (8 * (len(graph) + 4 * len(others.node))))
    for begin in range(0, len(able), size):
        block = able[begin : begin + size]
        table = from_each(graph, places.take(block), limit=limit)
        cost = np.minimum(
            table[:, others.node[:, 0]] + others.cost[:, 0],
            table[:, others.node[:, 1]] + others.cost[:, 1],
        )
        row, other = np.nonzero(np.isfinite(cost) & (cost <= limit))
        yield block[row], other, cost[row, other]


@dataclass(frozen=True, slots=True)
class Closure:
    """Roads closed for the study: a road by its number, or those near a place, or that road near
    that place.
    """

    road: str
    #: Longitude, latitude.
    at: tuple[float, float] | None = None
    within_m: float = 1_000.0


def closures(value: Any) -> tuple[Closure, ...]:
    """Read the roads that a study closes."""
    entries = value if isinstance(value, list | tuple) else [value]
    return tuple(_closure(entry) for entry in entries)


def closures_written(closed: Iterable[Closure]) -> list[Any]:
    """Write roads closed as a study does: the inverse of :func:`closures`."""
    return [
        one.road
        if one.at is None
        else {"road": one.road, "at": list(one.at), "within_m": one.within_m}
        for one in closed
    ]


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


#: What a study may write, for machines.
CLOSURES: Json = {
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


def closed_edges(closures: tuple[Closure, ...], network: Network) -> Positions:
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
