"""A road network in memory: its arrays, who may drive what at what cost, and the points people
enter it at.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import shapely
import shapely.ops
from pyproj import Geod, Transformer
from scipy import sparse
from scipy.sparse import csgraph

from geoguichet.coverage.errors import RoutingError
from geoguichet.coverage.routers.impedance import Bools, Floats, Positions, Reasons, located_points
from geoguichet.referentials.layers import metric_of
from geoguichet.referentials.roads.network_file import (
    DEGREE,
    MODES,
    QUANTUM,
    ROAD_CLASSES,
    quantised,
    read_network,
)

type Metric = Literal["time", "length"]

#: Classes that nobody enters from a field: points do not snap to them.
_FERRY = ROAD_CLASSES.index("ferry")
_NO_ENTRY = (
    *(rank for rank, name in enumerate(ROAD_CLASSES) if name.startswith("motorway")),
    _FERRY,
)

#: A piece of the network leads nowhere when its roads are shorter than this, and than this share of
#: the longest piece's: an aisle, a lane behind a gate. An island of its own roads is none.
_NOWHERE_KM, _NOWHERE_SHARE = 50.0, 0.1


#: Free places after a graph's arcs: enough for 65,536 services at once, 1.5 MB.
_ROOM = 1 << 17


@dataclass(frozen=True, slots=True)
class Graph:
    """Arcs by node in CSR: those of node ``v`` are ``start[v]:start[v + 1]``, to ``node`` at
    ``cost``.
    """

    start: npt.NDArray[np.int32]
    node: npt.NDArray[np.int32]
    cost: Floats
    #: The arrays that ``node`` and ``cost`` begin, with free places after them: a search takes
    #: them, and gives them back, to add arcs without copying the graph. Empty while a search has
    #: them.
    room: list[tuple[npt.NDArray[np.int32], Floats]] = field(
        default_factory=list, compare=False, repr=False
    )

    def __len__(self) -> int:
        return len(self.start) - 1

    @property
    def nbytes(self) -> int:
        """Bytes of the three arrays."""
        return self.start.nbytes + self.node.nbytes + self.cost.nbytes


@dataclass(frozen=True, slots=True)
class Snapped:
    """Where points enter the network. ``edge`` is -1 where they do not, and ``reason`` then says
    why.

    ``fraction`` is the share of the edge's length from its drawn start; ``access_m`` the geodesic
    metres from the point to there; ``moved`` says that a nearer edge leads nowhere.
    """

    edge: Positions
    fraction: Floats
    access_m: Floats
    reason: Reasons
    moved: Bools


@dataclass(frozen=True, slots=True)
class Halls:
    """Copies of the nodes of ways that are open only where a journey begins or ends, so that no
    search can cross them.

    A journey begins on the first copies, goes out to the nodes themselves and ends on the last
    copies: arcs without cost lead from each to the next, and the held ways are arcs of the first
    and of the last alone. A node that only held ways touch is its own first copy.
    """

    #: The edges where a journey begins on the first copies and ends on the last.
    held: Bools
    #: Those that all may follow, and that are of the copies besides: public roads that lead somewhere
    #: by held ways alone, and the turns at split junctions, which are of the roads they join.
    shared: Bools
    #: The copies of each node where a journey begins, and where it ends: the node itself if no held
    #: way touches it.
    first: npt.NDArray[np.int32]
    last: npt.NDArray[np.int32]
    #: The node of the network that each node of the graph is.
    node: npt.NDArray[np.int64]

    @classmethod
    def of(cls, held: Bools, used: Bools, shared: Bools, ends: Positions) -> Halls:
        """Return the copies that the held ones need of the edges that are used; ``ends`` are the four
        nodes of every edge.
        """
        nodes = int(ends.max()) + 1
        inside, outside = (
            np.bincount(ends[:, which].ravel(), minlength=nodes) > 0
            for which in (held & used, (~held | shared) & used)
        )
        doors, touched = np.flatnonzero(inside & outside), np.flatnonzero(inside)
        first, last = np.arange(nodes), np.arange(nodes)
        first[doors] = nodes + np.arange(len(doors))
        last[touched] = nodes + len(doors) + np.arange(len(touched))
        node = np.concatenate([np.arange(nodes), doors, touched])
        return cls(held, shared, first.astype(np.int32), last.astype(np.int32), node)

    def arcs(
        self, tail: Positions, head: Positions, cost: Floats, edge: Positions
    ) -> tuple[Positions, Positions, Floats]:
        """Return the arcs of the network as those between copies."""
        copied = self.last != np.arange(len(self.last))
        free = ~self.held[edge] | self.shared[edge]
        own = self.held[edge] | (self.shared[edge] & copied[tail] & copied[head])
        touched = np.flatnonzero(copied)
        doors = touched[self.first[touched] != touched]
        tail, head = (
            np.concatenate([end[free], self.first[end[own]], self.last[end[own]], *link])
            for end, link in (
                (tail, (self.first[doors], touched)),
                (head, (doors, self.last[touched])),
            )
        )
        links = np.zeros(len(doors) + len(touched))
        return tail, head, np.concatenate([cost[free], cost[own], cost[own], links])


#: The tables of a search from many places are cut in blocks of about this size.
BLOCK_BYTES = 64 * 2**20

#: One for all edges, two for each of the modes that a process asks about.
_TREES_KEPT = 5


@dataclass(frozen=True)
class Network:
    """A network file, mapped into memory (columns:
    :data:`geoguichet.referentials.roads.network_file.COLUMNS`).
    """

    arrays: dict[str, np.ndarray]
    names: tuple[str, ...]
    manifest: dict[str, Any]

    @classmethod
    def open(cls, path: Path) -> Network:
        """Open a network file.

        Raises
        ------
        LayerError
            The file is missing or is no network file.
        """
        arrays, names, manifest = read_network(path)
        return cls(arrays, tuple(names), manifest)

    @property
    def nodes(self) -> int:
        """Number of nodes."""
        return len(self.arrays["node_key"])

    @property
    def edges(self) -> int:
        """Number of edges; a two-way road is one edge."""
        return len(self.arrays["edge_from"])

    @property
    def ends(self) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """The nodes that each edge leaves and reaches as drawn, then against the drawing."""
        nodes = self.arrays
        return nodes["edge_from"], nodes["edge_to"], nodes["edge_back_from"], nodes["edge_back_to"]

    @property
    def turns(self) -> Bools:
        """Which edges have no length: turns at split junctions."""
        return np.asarray(self.arrays["edge_length_m"] <= QUANTUM)

    def node_points(self) -> gpd.GeoSeries:
        """Return the nodes as points in EPSG:4326."""
        lon, lat = self.arrays["node_lon"] / DEGREE, self.arrays["node_lat"] / DEGREE
        return gpd.GeoSeries(shapely.points(lon, lat), crs="EPSG:4326")

    def piece(self, edge: int, begin: float, stop: float) -> npt.NDArray[np.float64]:
        """Return the vertices of an edge from a share of it to another (against the drawing if
        ``stop < begin``).
        """
        x, y = shapely.get_coordinates(
            shapely.ops.substring(self._lines[edge], begin, stop, normalized=True)
        ).T
        return np.column_stack(self._to_metres.transform(x, y, direction="INVERSE"))

    def points_along(self, step_m: float) -> gpd.GeoSeries:
        """Return points in EPSG:4326 along every edge: in the middle of each of its equal parts of
        at most a step.
        """
        lines = self._lines
        parts = np.maximum(np.ceil(shapely.length(lines) / step_m), 1).astype(np.int64)
        edge = np.repeat(np.arange(len(lines)), parts)
        place = np.arange(len(edge)) - np.repeat(np.cumsum(parts) - parts, parts)
        at = shapely.line_interpolate_point(
            lines[edge], (place + 0.5) / parts[edge], normalized=True
        )
        return gpd.GeoSeries(
            shapely.points(
                *self._to_metres.transform(
                    shapely.get_x(at), shapely.get_y(at), direction="INVERSE"
                )
            ),
            crs="EPSG:4326",
        )

    # --- costs

    def costs(self, mode: str, metric: Metric, *, congestion: float = 1.0) -> Floats:
        """Return the cost of each edge, in seconds or metres, in whole quanta (exact sums in any
        order).

        Raises
        ------
        RoutingError
            The mode is unknown.
        """
        if mode not in MODES:
            raise RoutingError(f"mode {mode!r} inconnu ; essayez : {', '.join(MODES)}.")
        length = self.arrays["edge_length_m"]
        if metric == "length":
            return np.asarray(length)
        seconds = self.arrays["edge_car_s"]
        if mode != "car":
            own = length * 3.6 / self.manifest["speeds"][f"{mode}_kmh"]
            return quantised(np.where(self.arrays["edge_class"] == _FERRY, seconds, own))
        return np.asarray(seconds) if congestion == 1.0 else quantised(seconds * congestion)

    def allowed(self, mode: str, *, closed: Positions | None = None) -> tuple[Bools, Bools]:
        """Return which edges the mode may follow as drawn, and against, where a journey begins or
        ends at least.
        """
        access = self.arrays["edge_access"] | self.arrays["edge_ends"]
        ahead = (access >> MODES[mode] & 1).astype(bool)
        back = (access >> (MODES[mode] + 3) & 1).astype(bool)
        if closed is not None:
            ahead[closed] = back[closed] = False
        return ahead, back

    def halls(self, mode: str, allowed: tuple[Bools, Bools], leading: Bools) -> Halls | None:
        """Return what keeps a mode from crossing the ways that are open only where a journey begins
        or ends, None where there is none. Roads that lead somewhere by them alone are held too, but
        stay what they are to who passes: a public one-way whose way back is private.
        """
        ends = self.arrays["edge_ends"]
        held = ((ends >> MODES[mode] | ends >> (MODES[mode] + 3)) & 1).astype(bool)
        if not held.any():
            return None
        free = allowed[0] & ~held, allowed[1] & ~held
        behind = leading & ~held & ~self.leading(free, self.pieces(free)) & ~self.turns
        shared = behind | (self.turns & ~held)
        return Halls.of(held | behind, np.logical_or(*allowed), shared, np.stack(self.ends))

    def graph(
        self,
        cost: Floats,
        allowed: tuple[Bools, Bools],
        *,
        reverse: bool,
        halls: Halls | None = None,
    ) -> Graph:
        """Return the arcs that are allowed, by the node they leave, or reversed: by the node they
        reach; between copies of nodes where there are ``halls``.
        """
        side = "reverse" if reverse else "forward"
        arc, start = self.arrays[f"{side}_arc"], self.arrays[f"{side}_start"]
        edge, against = arc >> 1, (arc & 1).astype(bool)
        keep = np.where(against, allowed[1][edge], allowed[0][edge])
        if not keep.all():
            start = np.append(0, np.cumsum(keep, dtype=np.int32))[start].astype(np.int32)
            edge, against = edge[keep], against[keep]
        if halls:
            ahead_of, reached, back_from, back_to = (nodes[edge] for nodes in self.ends)
            tail, head = np.where(against, (back_from, back_to), (ahead_of, reached))
            tail, head, along = halls.arcs(tail, head, cost[edge], edge)
            return _by_row(*((head, tail) if reverse else (tail, head)), along, len(halls.node))
        node, costs = np.empty(len(edge) + _ROOM, dtype=np.int32), np.empty(len(edge) + _ROOM)
        ahead_to, back_to = (self.ends[side][edge] for side in ((0, 2) if reverse else (1, 3)))
        node[: len(edge)] = np.where(against, back_to, ahead_to)
        np.take(cost, edge, out=costs[: len(edge)])
        return Graph(np.asarray(start), node[: len(edge)], costs[: len(edge)], [(node, costs)])

    def pieces(self, allowed: tuple[Bools, Bools]) -> npt.NDArray[np.int32]:
        """Return the strongly connected piece of each node: each of its nodes can reach each and
        come back.
        """
        return np.asarray(
            csgraph.connected_components(
                as_matrix(self.graph(np.ones(self.edges), allowed, reverse=False)),
                connection="strong",
            )[1]
        )

    def leading(self, allowed: tuple[Bools, Bools], piece: npt.NDArray[np.int32]) -> Bools:
        """Return the edges of the pieces that lead somewhere: a point there can leave and be
        reached.
        """
        start, stop, back_start, back_stop = (piece[nodes] for nodes in self.ends)
        ahead = (start == stop) & allowed[0]
        within = ahead | ((back_start == back_stop) & allowed[1])
        start = np.where(ahead, start, back_stop)
        metres = np.bincount(start[within], self.arrays["edge_length_m"][within], piece.max() + 1)
        enough = min(_NOWHERE_KM * 1000, _NOWHERE_SHARE * float(metres.max(initial=0.0)))
        return np.asarray(within & (metres >= enough)[start])

    # --- choosing edges

    def edges_named(self, road: str) -> Positions:
        """Return the edges of a road, by its number or name: ``d 918`` is ``D918``, and
        ``D29;D918`` is both.

        Raises
        ------
        RoutingError
            No edge has that name.
        """
        wanted = _plain(road)
        known = [
            i for i, name in enumerate(self.names) if wanted in map(_plain, re.split("[;,|]", name))
        ]
        if not known:
            raise RoutingError(
                f"aucune route {road!r} dans ce réseau ; essayez un numéro comme "
                f"{next(filter(None, self.names), 'D918')!r}."
            )
        return np.flatnonzero(np.isin(self.arrays["edge_name"], known))

    def edges_near(self, lon: float, lat: float, *, within_m: float) -> Positions:
        """Return the edges that pass within ``within_m`` metres of a point."""
        x, y = self._to_metres.transform(lon, lat)
        return np.sort(
            np.asarray(
                self._tree_of(np.arange(self.edges)).query(
                    shapely.Point(x, y), predicate="dwithin", distance=within_m
                ),
                dtype=np.int64,
            )
        )

    # --- snapping

    def snap(
        self, points: gpd.GeoSeries, usable: Bools, somewhere: Bools, *, max_access_m: float
    ) -> Snapped:
        """Return where each point meets the nearest edge that is usable and leads somewhere, no
        farther than ``max_access_m``; if there is none, the nearest that leads nowhere.

        Points in EPSG:4326; a missing point is ``not_located``, one too far from every road
        ``not_snapped``: neither is moved or dropped. Of two edges at the same distance the first
        counts.

        Parameters
        ----------
        points
            The points.
        usable
            The edges that the mode may follow, in a direction at least.
        somewhere
            Those that lead somewhere (:meth:`leading`).
        max_access_m
            Geodesic metres.

        Raises
        ------
        RoutingError
            The points have another CRS.
        """
        located = located_points(points)
        edge = np.full(len(points), -1, dtype=np.int64)
        fraction, access = np.full(len(points), np.nan), np.full(len(points), np.nan)
        reason = np.full(len(points), "not_located", dtype="U16")
        reason[located] = "not_snapped"
        moved = np.zeros(len(points), dtype=bool)
        lon, lat = (get(points.to_numpy()[located]) for get in (shapely.get_x, shapely.get_y))
        either = usable & ~np.isin(self.arrays["edge_class"], _NO_ENTRY)
        either &= ~self.turns
        asked, candidates = np.arange(len(located)), either
        while len(asked):  # once of all edges; again, of those that lead somewhere
            which, *found = self._nearest_edges(
                lon[asked], lat[asked], np.flatnonzero(candidates), max_access_m
            )
            rows = located[asked[which]]
            moved[rows] = found[2] > np.nan_to_num(access[rows], nan=np.inf)
            edge[rows], fraction[rows], access[rows] = found
            reason[rows] = ""
            asked = asked[which[~somewhere[found[0]]]]
            candidates = either & somewhere
        return Snapped(edge, fraction, access, reason, moved)

    # Return the points that have an edge in reach, that edge, the share along it and the metres to
    # there.
    def _nearest_edges(
        self, lon: Floats, lat: Floats, candidates: Positions, max_access_m: float
    ) -> tuple[Positions, Positions, Floats, Floats]:
        tree = self._tree_of(candidates)
        points = shapely.points(*self._to_metres.transform(lon, lat))
        near = tree.query_nearest(points, max_distance=max_access_m * 1.01 + 1.0)
        chosen = candidates[near[1]]
        order = np.lexsort((chosen, near[0]))
        which, first = np.unique(near[0][order], return_index=True)
        chosen = chosen[order][first]
        share = _snug(self._lines[chosen], points[which])
        at = shapely.line_interpolate_point(self._lines[chosen], share, normalized=True)
        foot = self._to_metres.transform(shapely.get_x(at), shapely.get_y(at), direction="INVERSE")
        metres = np.round(Geod(ellps="WGS84").inv(lon[which], lat[which], *foot)[2], 6)
        kept = metres <= max_access_m
        return which[kept], chosen[kept], share[kept], metres[kept]

    @cached_property
    def _to_metres(self) -> Transformer:
        lon, lat = self.arrays["node_lon"] / DEGREE, self.arrays["node_lat"] / DEGREE
        ground = lon.min(), lat.min(), lon.max(), lat.max()
        return Transformer.from_crs("EPSG:4326", metric_of(ground), always_xy=True)

    @cached_property
    def _lines(self) -> npt.NDArray[np.object_]:
        x, y = self._to_metres.transform(
            self.arrays["shape_lon"] / DEGREE, self.arrays["shape_lat"] / DEGREE
        )
        return np.asarray(
            shapely.linestrings(
                np.column_stack([x, y]),
                indices=np.repeat(np.arange(self.edges), np.diff(self.arrays["shape_start"])),
            )
        )

    # Return the index of some edges, built once for those that a mode may use.
    def _tree_of(self, edges: Positions) -> shapely.STRtree:
        key = hashlib.sha256(edges.tobytes()).hexdigest()
        if key not in self._trees:
            while len(self._trees) >= _TREES_KEPT:
                self._trees.pop(next(iter(self._trees)))
            self._trees[key] = shapely.STRtree(self._lines[edges])
        return self._trees[key]

    @cached_property
    def _trees(self) -> dict[str, shapely.STRtree]:
        return {}


def as_matrix(graph: Graph) -> sparse.csr_array:
    """Return a graph as the sparse matrix that scipy's searches take; nothing is copied."""
    return sparse.csr_array((graph.cost, graph.node, graph.start), shape=(len(graph), len(graph)))


# Return arcs in CSR, with room for more.
def _by_row(row: Positions, column: Positions, cost: Floats, rows: int) -> Graph:
    order = np.argsort(row, kind="stable")
    start = np.append(0, np.cumsum(np.bincount(row, minlength=rows))).astype(np.int32)
    node, costs = np.empty(len(row) + _ROOM, dtype=np.int32), np.empty(len(row) + _ROOM)
    node[: len(row)], costs[: len(row)] = column[order], cost[order]
    return Graph(start, node[: len(row)], costs[: len(row)], [(node, costs)])


# Return the share along each line that is nearest to its point; within a micrometre of an end it is
# the end.
def _snug(lines: npt.NDArray[np.object_], points: npt.NDArray[np.object_]) -> Floats:
    length, along = shapely.length(lines), shapely.line_locate_point(lines, points)
    share = np.divide(along, length, out=np.zeros_like(along), where=length > 0)
    share[along < 1e-6] = 0.0
    share[length - along < 1e-6] = 1.0
    return np.asarray(share)


def shares_of(cost: Floats, fraction: Floats) -> tuple[Floats, Floats]:
    """Cut costs in two at a fraction: whole quanta, so that the two parts add up to the cost
    exactly.
    """
    before = np.round(cost * fraction / QUANTUM) * QUANTUM
    return before, cost - before


def _plain(road: str) -> str:
    return "".join(road.split()).casefold()


def check_closed(closed: Sequence[int], network: Network) -> Positions:
    """Return the closed edges, sorted and once each.

    Raises
    ------
    RoutingError
        One is not an edge of the network.
    """
    edges = np.unique(np.asarray(closed, dtype=np.int64))
    if len(edges) and not 0 <= edges[0] <= edges[-1] < network.edges:
        raise RoutingError(
            f"arête fermée {int(edges[-1])} inconnue : ce réseau en a {network.edges}."
        )
    return edges


# Shortest paths on a graph (Dijkstra 1959, in scipy): to the nearest of many places at once, or
# place by place.
#
# Costs are whole quanta, so their sums are exact: the answer depends neither on the order of the
# rows nor on the heap.


@dataclass(frozen=True, slots=True)
class Doors:
    """How each place touches the graph: two nodes and the cost to each (infinite where that way is
    barred).
    """

    node: npt.NDArray[np.int32]
    cost: Floats

    def __len__(self) -> int:
        return len(self.node)

    def take(self, which: Positions) -> Doors:
        """Return some of the places."""
        return Doors(self.node[which], self.cost[which])


def nearest_place(graph: Graph, places: Doors) -> tuple[Floats, Positions]:
    """Return for every node the cost from its nearest place along the graph, and which place;
    infinite, -1 if none.

    One search from all the places at once. At equal costs the place that comes first is the
    nearest.
    """
    if not len(places):
        return np.full(len(graph), np.inf), np.full(len(graph), -1, dtype=np.int64)
    kept = _distinct(places)
    with _extended(graph, places.take(kept)) as whole:
        cost, _, place = csgraph.dijkstra(
            as_matrix(whole),
            indices=np.arange(len(graph), len(whole)),
            min_only=True,
            return_predecessors=True,
        )
        place -= len(graph)  # scipy names the row; nodes out of reach have a negative one
        _give_ties_to_the_first(whole, len(graph), cost, place)
    place[place < 0] = -1
    return cost[: len(graph)], np.append(kept, -1)[place[: len(graph)]]


def nearest_length(
    graph: Graph, places: Doors, arc_length: Floats, door_length: Floats
) -> tuple[Floats, Floats]:
    """Return for every node the cost from its nearest place, and the length of the way that costs
    it (else infinite).

    ``arc_length`` is the length of each arc of the graph, ``door_length`` that of each of the
    places' doors. The way is one branch of the tree of the search: of several arcs that are as
    quick, the shortest.
    """
    if not len(places):
        return np.full(len(graph), np.inf), np.full(len(graph), np.inf)
    with _extended(graph, places) as whole:
        cost, before, _ = csgraph.dijkstra(
            as_matrix(whole),
            indices=np.arange(len(graph), len(whole)),
            min_only=True,
            return_predecessors=True,
        )
        lengths = np.concatenate([arc_length, door_length[np.isfinite(places.cost)]])
        step = np.full(len(whole), np.inf)
        for block in _blocks(len(whole)):
            arcs = _tight(whole, cost, block)
            tail, head = np.searchsorted(whole.start, arcs, side="right") - 1, whole.node[arcs]
            own = before[head] == tail
            np.minimum.at(step, head[own], lengths[arcs[own]])
    step[len(graph) :] = 0.0
    parent = np.where(before < 0, np.arange(len(step)), before)
    while (
        parent != (above := parent[parent])
    ).any():  # each round doubles the length of way that is added up
        step, parent = step + step[parent], above
    return cost[: len(graph)], (step + step[parent])[: len(graph)]


def from_each(graph: Graph, places: Doors, *, limit: float = np.inf) -> Floats:
    """Return the cost from each place (rows) to every node (columns), infinite beyond the limit."""
    with _extended(graph, places) as whole:
        return np.asarray(
            csgraph.dijkstra(
                as_matrix(whole), indices=np.arange(len(graph), len(whole)), limit=limit
            )
        )[:, : len(graph)]


def tree_from(graph: Graph, place: Doors) -> tuple[Floats, Positions]:
    """Return for one place the cost to every node and each node's predecessor (negative at the
    place itself).
    """
    with _extended(graph, place) as whole:
        cost, before = csgraph.dijkstra(
            as_matrix(whole), indices=len(graph), return_predecessors=True
        )
    before = np.where(before == len(graph), -1, before)
    return cost[: len(graph)], before[: len(graph)].astype(np.int64)


# Return the places that differ, in order; of equal places the first.
def _distinct(places: Doors) -> Positions:
    _, first = np.unique(np.column_stack([places.node, places.cost]), axis=0, return_index=True)
    return np.sort(first)


@contextmanager
def _extended(graph: Graph, places: Doors) -> Iterator[Graph]:
    """Add the places as rows after the nodes, with an arc to each node they touch; nothing leads
    back to them.

    The arcs go to the graph's own room where there is enough and no other search has it, else to a
    copy.
    """
    open_ = np.isfinite(places.cost)
    arcs, more = len(graph.node), int(open_.sum())
    start = np.append(graph.start, graph.start[-1] + np.cumsum(open_.sum(axis=1), dtype=np.int32))
    try:
        room = graph.room.pop()
    except IndexError:
        room = graph.node, graph.cost
    node, cost = room
    if len(node) < arcs + more:
        node, cost = np.empty(arcs + more, dtype=np.int32), np.empty(arcs + more)
        node[:arcs], cost[:arcs] = graph.node, graph.cost
    node[arcs : arcs + more], cost[arcs : arcs + more] = places.node[open_], places.cost[open_]
    try:
        yield Graph(start, node[: arcs + more], cost[: arcs + more])
    finally:
        if len(room[0]) > arcs:
            graph.room.append(room)


def _give_ties_to_the_first(
    graph: Graph, nodes: int, cost: Floats, place: npt.NDArray[np.int32]
) -> None:
    """Where several places are equally near, write the first one into ``place``.

    An arc is tight when its end is exactly its cost farther than its start. Every node reached has
    one tight arc, those with a tie have more; then the first place spreads along the tight arcs.
    """
    if sum(len(_tight(graph, cost, rows)) for rows in _blocks(len(graph))) == np.count_nonzero(
        cost[:nodes] < np.inf
    ):
        return
    arcs = np.concatenate([_tight(graph, cost, rows) for rows in _blocks(len(graph))])
    tail, head = np.searchsorted(graph.start, arcs, side="right") - 1, graph.node[arcs]
    waiting = np.arange(len(tail))
    while len(waiting := waiting[place[tail[waiting]] < place[head[waiting]]]):
        np.minimum.at(place, head[waiting], place[tail[waiting]])
        changed = np.zeros(len(graph), dtype=bool)
        changed[head[waiting]] = True
        waiting = np.flatnonzero(changed[tail])


# Return the tight arcs of some rows.
def _tight(graph: Graph, cost: Floats, rows: slice) -> Positions:
    first, last = int(graph.start[rows.start]), int(graph.start[rows.stop])
    through = np.repeat(cost[rows], np.diff(graph.start[rows.start : rows.stop + 1]))
    through += graph.cost[first:last]
    return np.flatnonzero((through == cost[graph.node[first:last]]) & (through < np.inf)) + first


# Cut the rows so that a block's arcs stay in the processor's cache.
def _blocks(rows: int, size: int = 1 << 15) -> list[slice]:
    return [slice(begin, min(begin + size, rows)) for begin in range(0, rows, size)]
