"""Shortest paths on a graph (Dijkstra 1959, in scipy): to the nearest of many places at once, or place by place.

Costs are whole quanta, so their sums are exact: the answer depends neither on the order of the rows nor on the heap.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.sparse import csgraph

from geoguichet.coverage.impedance import Floats, Positions
from geoguichet.coverage.network import Graph, as_matrix


@dataclass(frozen=True, slots=True)
class Doors:
    """How each place touches the graph: two nodes and the cost to each (infinite where that way is barred)."""

    node: npt.NDArray[np.int32]
    cost: Floats

    def __len__(self) -> int:
        return len(self.node)

    def take(self, which: Positions) -> Doors:
        """Return some of the places."""
        return Doors(self.node[which], self.cost[which])


def nearest_place(graph: Graph, places: Doors) -> tuple[Floats, Positions]:
    """Return for every node the cost from its nearest place along the graph, and which place; infinite, -1 if none.

    One search from all the places at once. At equal costs the place that comes first is the nearest.
    """
    if not len(places):
        return np.full(len(graph), np.inf), np.full(len(graph), -1, dtype=np.int64)
    kept = _distinct(places)
    with _extended(graph, places.take(kept)) as whole:
        rows = np.arange(len(graph), len(whole))
        cost, _, place = csgraph.dijkstra(as_matrix(whole), indices=rows, min_only=True, return_predecessors=True)
        place -= len(graph)  # scipy names the row; nodes out of reach have a negative one
        _give_ties_to_the_first(whole, len(graph), cost, place)
    place[place < 0] = -1
    return cost[: len(graph)], np.append(kept, -1)[place[: len(graph)]]


def nearest_length(graph: Graph, places: Doors, arc_length: Floats, door_length: Floats) -> tuple[Floats, Floats]:
    """Return for every node the cost from its nearest place, and the length of the way that costs it (else infinite).

    ``arc_length`` is the length of each arc of the graph, ``door_length`` that of each of the places' doors. The way is
    one branch of the tree of the search: of several arcs that are as quick, the shortest.
    """
    if not len(places):
        return np.full(len(graph), np.inf), np.full(len(graph), np.inf)
    with _extended(graph, places) as whole:
        rows = np.arange(len(graph), len(whole))
        cost, before, _ = csgraph.dijkstra(as_matrix(whole), indices=rows, min_only=True, return_predecessors=True)
        lengths = np.concatenate([arc_length, door_length[np.isfinite(places.cost)]])
        step = np.full(len(whole), np.inf)
        for block in _blocks(len(whole)):
            arcs = _tight(whole, cost, block)
            tail, head = np.searchsorted(whole.start, arcs, side="right") - 1, whole.node[arcs]
            own = before[head] == tail
            np.minimum.at(step, head[own], lengths[arcs[own]])
    step[len(graph) :] = 0.0
    parent = np.where(before < 0, np.arange(len(step)), before)
    while (parent != (above := parent[parent])).any():  # each round doubles the length of way that is added up
        step, parent = step + step[parent], above
    return cost[: len(graph)], (step + step[parent])[: len(graph)]


def from_each(graph: Graph, places: Doors, *, limit: float = np.inf) -> Floats:
    """Return the cost from each place (rows) to every node (columns), infinite beyond the limit."""
    with _extended(graph, places) as whole:
        rows = np.arange(len(graph), len(whole))
        return np.asarray(csgraph.dijkstra(as_matrix(whole), indices=rows, limit=limit))[:, : len(graph)]


def tree_from(graph: Graph, place: Doors) -> tuple[Floats, Positions]:
    """Return for one place the cost to every node and each node's predecessor (negative at the place itself)."""
    with _extended(graph, place) as whole:
        cost, before = csgraph.dijkstra(as_matrix(whole), indices=len(graph), return_predecessors=True)
    before = np.where(before == len(graph), -1, before)
    return cost[: len(graph)], before[: len(graph)].astype(np.int64)


def _distinct(places: Doors) -> Positions:
    """Return the places that differ, in order; of equal places the first."""
    _, first = np.unique(np.column_stack([places.node, places.cost]), axis=0, return_index=True)
    return np.sort(first)


@contextmanager
def _extended(graph: Graph, places: Doors) -> Iterator[Graph]:
    """Add the places as rows after the nodes, with an arc to each node they touch; nothing leads back to them.

    The arcs go to the graph's own room where there is enough and no other search has it, else to a copy.
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


def _give_ties_to_the_first(graph: Graph, nodes: int, cost: Floats, place: npt.NDArray[np.int32]) -> None:
    """Where several places are equally near, write the first one into ``place``.

    An arc is tight when its end is exactly its cost farther than its start. Every node reached has one tight arc, those
    with a tie have more; then the first place spreads along the tight arcs.
    """
    if sum(len(_tight(graph, cost, rows)) for rows in _blocks(len(graph))) == np.count_nonzero(cost[:nodes] < np.inf):
        return
    arcs = np.concatenate([_tight(graph, cost, rows) for rows in _blocks(len(graph))])
    tail, head = np.searchsorted(graph.start, arcs, side="right") - 1, graph.node[arcs]
    waiting = np.arange(len(tail))
    while len(waiting := waiting[place[tail[waiting]] < place[head[waiting]]]):
        np.minimum.at(place, head[waiting], place[tail[waiting]])
        changed = np.zeros(len(graph), dtype=bool)
        changed[head[waiting]] = True
        waiting = np.flatnonzero(changed[tail])


def _tight(graph: Graph, cost: Floats, rows: slice) -> Positions:
    """Return the tight arcs of some rows."""
    first, last = int(graph.start[rows.start]), int(graph.start[rows.stop])
    through = np.repeat(cost[rows], np.diff(graph.start[rows.start : rows.stop + 1]))
    through += graph.cost[first:last]
    return np.flatnonzero((through == cost[graph.node[first:last]]) & (through < np.inf)) + first


def _blocks(rows: int, size: int = 1 << 15) -> list[slice]:
    """Cut the rows so that a block's arcs stay in the processor's cache."""
    return [slice(begin, min(begin + size, rows)) for begin in range(0, rows, size)]
