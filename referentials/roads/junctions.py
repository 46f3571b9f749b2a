"""What cars lose where roads meet, by the angle at which they turn.

A search by junctions knows no turns. So a junction is seen as streets: the two roads of which each
goes on into the other. Who follows a street loses half of what its bend costs at either road's end;
who comes or goes by a side road, what its least turn costs, at that road's end; who changes from
one street to another, what those turns cost on average, on a line without length between the two.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import expit

from geoguichet.referentials.roads.network_file import DEGREE, Floats, Ints, RoadLines, SpeedTable

type Bools = npt.NDArray[np.bool_]

#: Where a road goes is seen this far from the junction, as OSRM looks (10 m where lanes are unknown).
_SIGHT_M = 10.0
_METRES = 111_195.0  # of a degree of latitude, on the sphere of 6,371 km

#: OSRM's car (26.10): how much less a right turn costs than a left one, what crossing the oncoming
#: traffic costs at most, and turning back.
_BIAS, _ONCOMING_S, _BACK_S = 1.075, 2.0, 20.0

#: The turns that are reckoned at once.
_BLOCK = 1 << 20


def turn_seconds(come: Floats, go: Floats, most: float) -> Floats:
    """Return the seconds lost from one road into another, where cars drive on the right.

    The function of OSRM's car profile (Project OSRM 2026, version 26.10: a sigmoid of the angle
    "fitted to turn penalty samples from real driving", more to the left than to the right, and the
    wait for oncoming traffic), in 64ths of a second.

    Parameters
    ----------
    come, go
        The bearings in degrees, clockwise, of both roads as they leave the junction.
    most
        Seconds of the sharpest turn, the oncoming traffic aside.
    """
    turn = (go - come) % 360.0 - 180.0
    right, angle = turn >= 0, np.abs(turn) / 180.0
    bias = np.where(right, 1.0 / _BIAS, _BIAS)
    lost = most * expit(13.0 * bias * angle - 6.5 / bias)
    lost += np.where(right, 0.0, _ONCOMING_S * expit(13.0 * angle - 3.25))
    return np.asarray(np.round(lost * 64.0) / 64.0)


@dataclass(frozen=True, slots=True)
class Junctions:
    """The ends of lines, starts first and then stops, where three roads or more meet that cars
    drive through.
    """

    #: Degrees, clockwise, at which the line of each end leaves it.
    bearing: Floats
    #: Ends where that many roads meet.
    meeting: Bools
    #: Seconds lost at each end.
    wait_s: Floats
    #: The end that stands for the street of each end, where two streets cross: -1 elsewhere.
    street: Ints
    #: The ends on the first street of a junction where two cross.
    main: Bools
    #: The ends that stand for two streets that cross, and the seconds from one into the other.
    crossings: tuple[Ints, Ints, Floats]
    most: float

    def turn_s(self, come: int, go: int) -> float:
        """Return the seconds from one end of a line into another at the same place."""
        if not self.meeting[come]:
            return 0.0
        if come == go:
            return self.most + _BACK_S
        return float(turn_seconds(self.bearing[come], self.bearing[go], self.most))


def junctions_of(lines: RoadLines, order: Ints, apart: Bools, speeds: SpeedTable) -> Junctions:
    """Return what is lost at the junctions of some lines.

    Parameters
    ----------
    lines
        The lines.
    order
        Their ends in the order in which they are looked at: of two streets that are equal the first
        counts.
    apart
        The ends at junctions of which every turn is known for itself: nothing is lost at them here.
    """
    keys, free = np.concatenate([lines.from_key, lines.to_key]), lines.access & ~lines.ends
    ahead, back = free & 0b001 > 0, free & 0b001000 > 0
    leave, arrive = np.concatenate([ahead, back]), np.concatenate([back, ahead])
    _, node = np.unique(keys, return_inverse=True)
    roads = np.bincount(node, leave | arrive)
    bearing = _bearings(lines)
    wait, street, first = np.zeros(len(keys)), np.full(len(keys), -1), np.full(len(roads), -1)
    crossings = [(np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0))]
    order = order[(leave | arrive)[order] & ~apart[order] & (roads[node[order]] >= 3)]
    order = order[np.argsort(node[order], kind="stable")]
    for at in _by_number(order, node):
        cost = turn_seconds(bearing[at][:, :, None], bearing[at][:, None, :], speeds.junction_s)
        can = arrive[at][:, :, None] & leave[at][:, None, :] & ~np.eye(at.shape[1], dtype=bool)
        wait[at], ends, both = _streets(np.where(can, cost, 0.0), can)
        rows = np.arange(len(at))[:, None]
        street[at] = np.where((ends != ends[:, :1]).any(axis=1)[:, None], at[rows, ends], -1)
        first[node[at[:, 0]]] = street[at[:, 0]]  # of a road that cars do not follow
        crossings += [(at[row, i], at[row, j], seconds) for row, i, j, seconds in both]
    street = np.where(street < 0, first[node], street)
    return Junctions(
        bearing,
        roads[node] >= 3,
        wait,
        street,
        (street >= 0) & (street == first[node]),
        tuple(map(np.concatenate, zip(*crossings, strict=True))),  # type: ignore[arg-type]
        speeds.junction_s,
    )


# Return where each end's line goes: to its first vertex out of sight of the junction, or its last.
def _bearings(lines: RoadLines) -> Floats:
    lon, lat = lines.lon / DEGREE, lines.lat / DEGREE
    first, last = lines.start[:-1], lines.start[1:] - 1
    line, vertex = np.repeat(np.arange(len(lines)), np.diff(lines.start)), np.arange(len(lon))

    def degrees(at: Ints, to: Ints) -> tuple[Floats, Floats]:
        return (lon[to] - lon[at]) * np.cos(np.radians(lat[at])), lat[to] - lat[at]

    bearings = []
    for at, end, nearest, none in (
        (first, last, np.minimum, len(lon)),
        (last, first, np.maximum, -1),
    ):
        far = np.hypot(*degrees(at[line], vertex)) * _METRES >= _SIGHT_M
        far[end] = True
        to = nearest.reduceat(np.where(far, vertex, none), first)
        bearings.append(np.degrees(np.arctan2(*degrees(at, to))))
    return np.concatenate(bearings)


# Yield tables of the ends that meet, one junction a row, of junctions where equally many meet.
def _by_number(order: Ints, node: Ints) -> Iterator[Ints]:
    _, first, number = np.unique(node[order], return_index=True, return_counts=True)
    for roads in np.unique(number).tolist():
        begin = first[number == roads]
        step = max(_BLOCK // roads**2, 1)
        for block in range(0, len(begin), step):
            yield order[begin[block : block + step, None] + np.arange(roads)]


# Return, for junctions where cars can turn from road to road at a cost: the seconds lost at each road,
# the road that stands for its street, and the rows of what is lost between two streets.
def _streets(cost: Floats, can: Bools) -> tuple[Floats, Ints, list[tuple[Ints, int, int, Floats]]]:
    roads = cost.shape[1]
    ways = can + can.transpose(0, 2, 1).astype(np.int64)
    total = cost + cost.transpose(0, 2, 1)
    pair = np.where(ways > 0, total / np.maximum(ways, 1), np.inf)
    least, best = pair.min(axis=2), pair.argmin(axis=2)
    mutual = (np.take_along_axis(best, best, 1) == np.arange(roads)) & np.isfinite(least)
    half = np.where(mutual, least / 2, 0.0)
    side = np.maximum(least - np.take_along_axis(half, best, 1), 0.0)
    wait = np.where(mutual, half, np.where(np.isfinite(side), side, 0.0))
    main = np.where(mutual, np.minimum(np.arange(roads), best), roads)
    first = main.min(axis=1)  # the street of who has none of his own
    of_best = np.take_along_axis(main, best, 1)
    street = np.where(mutual, main, np.where(of_best < roads, of_best, first[:, None]))
    street = np.where(street < roads, street, 0)
    both = []
    for i in range(roads):
        for j in range(i + 1, roads):
            row = np.flatnonzero(
                (main[:, i] == i) & (main[:, j] == j) & mutual[:, i] & mutual[:, j]
            )
            if len(row):
                here, there = main[row] == i, main[row] == j
                turns = here[:, :, None] & there[:, None, :]
                sums = ((table[row] * turns).sum(axis=(1, 2)) for table in (total, ways))
                both.append((row, i, j, np.round(np.divide(*sums) * 64.0) / 64.0))
    return wait, street, both
