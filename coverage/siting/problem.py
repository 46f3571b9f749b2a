"""The covering problem and what makes it smaller without changing its answer.

All covering models of this folder are one problem: rows are demand, columns candidates. A row
brings its ``first`` weight when one open site covers it and its ``second`` (not larger) when two
do. Reductions are exact: rows already covered or out of reach are dropped, rows with the same
candidates are merged (their weights add up), candidates whose rows all belong to another one are
dropped.
"""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from itertools import combinations
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from scipy import sparse
from scipy.sparse import csgraph
from scipy.spatial import cKDTree

from geoguichet.coverage.errors import SitingError
from geoguichet.coverage.routers.impedance import CostMatrix, Positions


@dataclass(frozen=True, slots=True, eq=False)
class SiteRules:
    """Rules on the sites themselves, whatever they cover. Sites are named by their position in the
    candidates.

    ``existing`` sites are open already: they cost nothing, are not counted among the sites to open,
    and count towards every rule. ``one_per`` and ``floor_of`` give one label per candidate (an
    EPCI, a département; the empty text stands for none): at most one site may be open per label of
    the first, at least ``floors[label]`` per label of the second. ``apart`` lists pairs of
    candidates too near each other to be both open (see :func:`too_near`).
    """

    existing: tuple[int, ...] = ()
    required: tuple[int, ...] = ()
    forbidden: tuple[int, ...] = ()
    one_per: Sequence[str] | None = None
    apart: Sequence[tuple[int, int]] | Positions = ()
    floor_of: Sequence[str] | None = None
    floors: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, eq=False)
class Admissible:
    """The rules, applied to ``count`` candidates: who may open, who must, and what cannot stand
    together.
    """

    #: Original position of each candidate that may be opened.
    column: Positions
    #: Positions in ``column`` that must be opened.
    required: Positions
    #: One row per set of candidates of which at most one may be opened.
    packs: sparse.csr_array
    #: For each candidate the row of ``floor`` that it counts for, -1 for none.
    floor_of: Positions
    #: How many more sites must be opened for each floor.
    floor: Positions


def too_near(points: npt.ArrayLike, spacing_m: float) -> Positions:
    """Return the pairs of candidates less than ``spacing_m`` apart; ``points`` are metres in a
    projected CRS.
    """
    place = np.asarray(points, dtype=np.float64)
    pairs = cKDTree(place).query_pairs(spacing_m, output_type="ndarray")
    near: Positions = pairs[
        np.hypot(*(place[pairs[:, 0]] - place[pairs[:, 1]]).T) < spacing_m
    ].astype(np.int64)
    return near[np.lexsort((near[:, 1], near[:, 0]))]


def apply(rules: SiteRules, count: int) -> Admissible:
    """Apply rules to ``count`` candidates.

    Raises
    ------
    SitingError
        Two rules contradict each other, or no candidate is left.
    """
    _check_positions(rules, count)
    sets = _exclusive_sets(rules, count)
    existing = np.isin(np.arange(count), rules.existing)
    allowed = ~existing & ~np.isin(np.arange(count), rules.forbidden)
    taken = sets @ existing.astype(np.int64) > 0
    allowed[np.unique(sets[taken].indices)] = False
    _check_required(rules, allowed, sets)
    column = np.flatnonzero(allowed)
    if not len(column) and not rules.existing:
        raise SitingError(
            "aucun lieu d'accueil possible : élargissez les candidats ou réduisez les exclusions."
        )
    left = sparse.csr_array(sets[~taken][:, column])
    floor_of, floor = _floors(rules, column, existing)
    return Admissible(
        column=column,
        required=np.flatnonzero(np.isin(column, rules.required)),
        packs=sparse.csr_array(left[np.diff(left.indptr) > 1]),
        floor_of=floor_of,
        floor=floor,
    )


def _check_positions(rules: SiteRules, count: int) -> None:
    wrong = [
        int(position)
        for position in (
            *rules.existing,
            *rules.required,
            *rules.forbidden,
            *np.asarray(rules.apart, dtype=np.int64).ravel(),
        )
        if not 0 <= position < count
    ]
    if wrong:
        raise SitingError(
            f"le lieu n° {wrong[0]} n'existe pas : les positions vont de 0 à {count - 1}."
        )
    for labels in (rules.one_per, rules.floor_of):
        if labels is not None and len(labels) != count:
            raise SitingError(
                f"{len(labels)} étiquettes pour {count} lieux : donnez une étiquette par lieu."
            )
    both = sorted(set(rules.required) & set(rules.forbidden))
    if both:
        raise SitingError(
            f"le lieu n° {both[0]} est à la fois imposé et exclu : retirez-le de l'une des deux "
            "listes."
        )


# One row per label of ``one_per``, and per set of candidates all ``apart``: such sets say more of a
# part of a site, in fewer rows, than their pairs do.
def _exclusive_sets(rules: SiteRules, count: int) -> sparse.csr_array:
    labels = np.asarray(rules.one_per if rules.one_per is not None else [""] * count, dtype=np.str_)
    member = np.flatnonzero(labels != "")
    _, code = np.unique(labels[member], return_inverse=True)
    groups = int(code.max()) + 1 if len(code) else 0
    sets = cliques(np.asarray(rules.apart, dtype=np.int64).reshape(-1, 2))
    row_of = np.repeat(np.arange(len(sets)), [len(members) for members in sets]) + groups
    held = (np.append(code, row_of), np.concatenate([member, *sets]).astype(np.int64))
    ones = np.ones(len(held[0]), dtype=np.int64)
    return sparse.csr_array((ones, held), shape=(groups + len(sets), count))


def cliques(pairs: Positions) -> list[list[int]]:
    """Gather pairs into sets of which every pair is one, each grown from a pair not yet held."""
    near: dict[int, set[int]] = defaultdict(set)
    for one, other in pairs.tolist():
        near[one].add(other)
        near[other].add(one)
    held, sets = set[tuple[int, int]](), list[list[int]]()
    for one, other in np.sort(pairs, axis=1).tolist():
        if one == other or (one, other) in held:
            continue
        members, left = [one, other], near[one] & near[other]
        while left:
            members.append(min(left))
            left = left & near[members[-1]]
        sets.append(sorted(members))
        held.update(combinations(sets[-1], 2))
    return sets


def _check_required(
    rules: SiteRules, allowed: npt.NDArray[np.bool_], sets: sparse.csr_array
) -> None:
    wanted = np.isin(np.arange(len(allowed)), rules.required) & ~np.isin(
        np.arange(len(allowed)), rules.existing
    )
    if (sets @ wanted.astype(np.int64) > 1).any() or (wanted & ~allowed).any():
        raise SitingError(
            "des lieux imposés sont incompatibles (même groupe ou trop proches, entre eux ou d'un "
            "lieu existant) : "
            "retirez l'un d'eux ou réduisez l'espacement."
        )


def _floors(
    rules: SiteRules, column: Positions, existing: npt.NDArray[np.bool_]
) -> tuple[Positions, Positions]:
    names = sorted(rules.floors)
    if names and rules.floor_of is None:
        raise SitingError(
            "un minimum par groupe est demandé sans dire à quel groupe appartient chaque lieu."
        )
    labels = np.asarray(
        rules.floor_of if rules.floor_of is not None else [""] * len(existing), dtype=np.str_
    )
    open_now = np.array([int((labels[existing] == name).sum()) for name in names], dtype=np.int64)
    floor = np.maximum(
        0, np.array([rules.floors[name] for name in names], dtype=np.int64) - open_now
    )
    floor_of = np.full(len(column), -1, dtype=np.int64)
    for code, name in enumerate(names):
        inside = labels[column] == name
        floor_of[inside] = code
        if inside.sum() < floor[code]:
            raise SitingError(
                f"le groupe {name!r} demande {floor[code]} lieux et n'a que {inside.sum()} "
                "candidats : "
                "réduisez le minimum ou élargissez les candidats."
            )
    return floor_of, floor


type Floats = npt.NDArray[np.float64]
type Mask = npt.NDArray[np.bool_]

#: Beyond so many meetings of rows or of columns, dominance costs more than it brings.
_PAIRS_AT_MOST = 400_000_000


@dataclass(frozen=True, slots=True, eq=False)
class Problem:
    """Rows to cover, columns to open, and what limits the choice."""

    cover: sparse.csc_array
    first: Floats
    second: Floats
    cost: Floats
    #: How many columns may be opened.
    count: int
    #: What they may cost together (infinite for no budget).
    budget: float
    rules: Admissible

    @property
    def columns(self) -> int:
        """How many candidates there are."""
        return int(self.cover.shape[1])

    @property
    def everything(self) -> float:
        """What covering every row as often as counts would bring."""
        return float(self.first.sum() + self.second.sum())

    @property
    def whole(self) -> bool:
        """Whether weights come whole, as people do: so does then the best possible plan."""
        return bool(np.all(self.first % 1 == 0) and np.all(self.second % 1 == 0))

    @property
    def size(self) -> str:
        """Rows x columns, in words."""
        return f"{self.cover.shape[0]} x {self.cover.shape[1]}"

    def rows(self, column: int) -> npt.NDArray[np.int32]:
        """Return the rows that a column covers."""
        start, stop = self.cover.indptr[column : column + 2]
        return self.cover.indices[start:stop]

    def value(self, columns: npt.ArrayLike) -> float:
        """Return what opening these columns brings."""
        times = np.diff(sparse.csr_array(self.cover[:, np.asarray(columns, dtype=np.int64)]).indptr)
        return float(self.first[times >= 1].sum() + self.second[times >= 2].sum())


@dataclass(frozen=True, slots=True, eq=False)
class Stated:
    """A problem as the planner stated it, and what the existing sites bring to it."""

    problem: Problem
    already: float
    uncoverable: Positions


def state(
    cover: sparse.sparray,
    first: Floats,
    *,
    second: Floats | None = None,
    cost: Floats | None = None,
    count: int | None = None,
    budget: float = np.inf,
    rules: SiteRules,
) -> Stated:
    """Apply the rules and the existing sites to a covering problem: what they cover is no longer to
    be covered.
    """
    matrix = sparse.csc_array(cover, dtype=bool)
    matrix.sum_duplicates()
    admissible = apply(rules, matrix.shape[1])
    second = np.zeros(len(first)) if second is None else second
    times = np.diff(sparse.csr_array(matrix[:, sorted(set(rules.existing))]).indptr)
    already = float(first[times >= 1].sum() + second[times >= 2].sum())
    small = sparse.csc_array(matrix[:, admissible.column])
    problem = Problem(
        cover=small,
        first=np.select([times == 0, times == 1], [first, second], 0.0),
        second=np.where(times == 0, second, 0.0),
        cost=np.ones(small.shape[1])
        if cost is None
        else np.asarray(cost, dtype=np.float64)[admissible.column],
        count=small.shape[1] if count is None else min(count, small.shape[1]),
        budget=budget,
        rules=admissible,
    )
    reached_by = np.diff(sparse.csr_array(small).indptr)
    return Stated(problem, already, np.flatnonzero((reached_by == 0) & (times == 0)))


def weights(given: npt.ArrayLike, rows: int) -> Floats:
    """Return the weight of each demand point; one that is missing, infinite or negative is
    refused.
    """
    return amounts(
        given,
        rows,
        f"un poids fini et non négatif est attendu pour chacun des {rows} points de demande.",
    )


def amounts(given: npt.ArrayLike, count: int, refusal: str) -> Floats:
    """Return ``count`` numbers; one that is missing, infinite or negative is refused so."""
    numbers = np.asarray(given, dtype=np.float64)
    if numbers.shape != (count,) or not np.isfinite(numbers).all() or (numbers < 0).any():
        raise SitingError(refusal)
    return numbers


def reduced(problem: Problem) -> Problem:
    """Return the same problem with fewer rows and columns. Exact."""
    merged = merge_rows(problem)
    return keep_columns(merged, ~dominated_columns(merged))


def merge_rows(problem: Problem) -> Problem:
    """Drop rows that weigh nothing or are out of reach; merge rows that the same candidates
    cover.
    """
    rows = sparse.csr_array(problem.cover)
    rows.sort_indices()
    useful = np.flatnonzero((np.diff(rows.indptr) > 0) & (problem.first + problem.second > 0))
    seen: dict[bytes, int] = {}
    group = np.empty(len(useful), dtype=np.int64)
    for position, row in enumerate(useful):
        group[position] = seen.setdefault(
            rows.indices[rows.indptr[row] : rows.indptr[row + 1]].tobytes(), len(seen)
        )
    kept = useful[np.unique(group, return_index=True)[1]] if len(useful) else useful
    return replace(
        problem,
        cover=sparse.csc_array(rows[kept]),
        first=np.bincount(group, weights=problem.first[useful], minlength=len(seen)),
        second=np.bincount(group, weights=problem.second[useful], minlength=len(seen)),
    )


def keep_columns(problem: Problem, kept: Mask) -> Problem:
    """Return the problem without the other columns."""
    where = np.flatnonzero(kept)
    rules = problem.rules
    packs = sparse.csr_array(rules.packs[:, where])
    return replace(
        problem,
        cover=sparse.csc_array(problem.cover[:, where]),
        cost=problem.cost[where],
        count=min(problem.count, len(where)),
        rules=replace(
            rules,
            column=rules.column[where],
            required=np.flatnonzero(np.isin(where, rules.required)),
            packs=sparse.csr_array(packs[np.diff(packs.indptr) > 1]),
            floor_of=rules.floor_of[where],
        ),
    )


def dominated_columns(problem: Problem) -> Mask:
    """Mark candidates that another can always stand for: it covers as much, costs no more, excludes
    no more.

    Of equal ones the first is kept. Required candidates, those that count for a floor and those of
    which a neighbour could exclude their stand-in are never marked. With second weights a stand-in
    may be open already: none is marked.
    """
    size = np.diff(problem.cover.indptr)
    marked: Mask = size == 0
    free = problem.rules.floor_of < 0
    free[problem.rules.required] = False
    j, k, both = (
        meetings(problem.cover) if not problem.second.any() else (size[:0], size[:0], size[:0])
    )
    inside = (
        (j != k)
        & (both == size[j])
        & ((size[k] > size[j]) | (problem.cost[k] < problem.cost[j]) | (k < j))
        & (problem.cost[k] <= problem.cost[j])
        & excludes_no_more(problem.rules.packs, j, k)
    )
    marked[j[inside]] = True
    return marked & free


def excludes_no_more(packs: sparse.csr_array, j: Positions, k: Positions) -> Mask:
    """Return whether every exclusive set of ``k`` is also one of ``j``."""
    member = sparse.csc_array(packs)
    sets = np.diff(member.indptr)
    if not sets.any():
        return np.ones(len(j), dtype=bool)
    shared = sparse.csr_array(member.T @ member)
    ours = np.asarray(shared[j, k]).ravel() if len(j) else np.zeros(0)
    return np.asarray((sets[k] == 0) | (ours >= sets[k]))


def dominated_rows(cover: sparse.csc_array) -> Mask:
    """Mark rows that are covered whenever another row is (set covering only); of equal ones the
    first is kept.
    """
    turned = sparse.csc_array(cover.T)
    size = np.diff(turned.indptr)
    i, k, both = meetings(turned)
    inside = (i != k) & (both == size[k]) & ((size[i] > size[k]) | (k < i))
    marked = np.zeros(turned.shape[1], dtype=bool)
    marked[i[inside]] = True
    return marked


def components(problem: Problem) -> list[tuple[Positions, Problem]]:
    """Split a problem of which every row must be covered into parts that share no row, with where
    their columns are.

    Rules between candidates, a count or a budget hold the parts together: it is then left whole.
    """
    together = (
        problem.rules.packs.shape[0] or len(problem.rules.floor) or problem.count < problem.columns
    )
    everywhere = np.arange(problem.columns)
    if together or np.isfinite(problem.budget) or not problem.columns:
        return [(everywhere, problem)]
    rows = sparse.csr_array(problem.cover)
    number, label = csgraph.connected_components(
        rows.T.astype(np.int32) @ rows.astype(np.int32), directed=False
    )
    if number == 1:
        return [(everywhere, problem)]
    return [
        (np.flatnonzero(label == part), merge_rows(keep_columns(problem, label == part)))
        for part in range(number)
    ]


def meetings(cover: sparse.csc_array) -> tuple[Positions, Positions, Positions]:
    """Return pairs of columns and how many rows they share; nothing when that would take too
    long.
    """
    met = np.diff(sparse.csr_array(cover).indptr).astype(np.int64)
    if int((met * met).sum()) > _PAIRS_AT_MOST:
        return (np.zeros(0, dtype=np.int64),) * 3
    shared = sparse.coo_array(cover.T.astype(np.int32) @ cover.astype(np.int32))
    return shared.row.astype(np.int64), shared.col.astype(np.int64), shared.data.astype(np.int64)


def rings(
    row: Positions, column: Positions, cost: Floats, alone: Floats, columns: int
) -> tuple[sparse.csr_array, Floats, float]:
    """Write ways as covering: a row costs the most it can, less what is saved by being near
    (Cornuejols 1980).

    A row pays what it costs ``alone`` (its dearest pair where that is infinite) unless a column is
    open nearer: one covering row per row and distinct cost, covered by the columns at that cost or
    less, weighing the step to the next cost. Returns those rows, what each weighs, and what all
    rows cost at most.
    """
    order = np.lexsort((cost, row))
    row, cost, column = row[order], cost[order], column[order]
    last_of_row = np.append(row[1:] != row[:-1], True) if len(row) else np.zeros(0, dtype=bool)
    dearest = np.where(np.isfinite(alone[row]), alone[row], cost)
    step = np.where(last_of_row, dearest, np.append(cost[1:], 0.0)) - cost
    ends = np.flatnonzero(step > 0)
    starts = np.flatnonzero(np.append(True, last_of_row[:-1]))[
        np.cumsum(np.append(True, last_of_row[:-1])) - 1
    ]
    lengths = ends - starts[ends] + 1
    inside = np.repeat(ends - np.cumsum(lengths) + 1, lengths) + np.arange(lengths.sum())
    covered = sparse.csr_array(
        (
            np.ones(len(inside), dtype=bool),
            column[inside],
            np.concatenate([[0], np.cumsum(lengths)]),
        ),
        shape=(len(ends), columns),
    )
    others = np.setdiff1d(np.arange(len(alone)), np.unique(row))
    return covered, step[ends], float(dearest[last_of_row].sum() + alone[others].sum())


def admissible(problem: Problem, columns: list[int]) -> bool:
    """Whether a choice of columns obeys the count, the budget and every rule."""
    chosen = np.zeros(problem.columns, dtype=np.int64)
    chosen[columns] = 1
    rules = problem.rules
    floors = np.bincount(rules.floor_of[columns] + 1, minlength=len(rules.floor) + 1)[1:]
    return bool(
        len(columns) <= problem.count
        and problem.cost[columns].sum() <= problem.budget + 1e-6
        and chosen[rules.required].all()
        and (rules.packs @ chosen <= 1).all()
        and (floors >= rules.floor).all()
    )


def nearest_open(costs: CostMatrix, opened: npt.ArrayLike) -> tuple[Positions, Floats]:
    """Return the open site nearest to each row and its cost: -1 and infinite for none; of equal
    ones the first.
    """
    pairs = np.flatnonzero(np.isin(costs.destination, opened))
    order = pairs[np.lexsort((costs.destination[pairs], costs.cost[pairs], costs.origin[pairs]))]
    rows, first = np.unique(costs.origin[order], return_index=True)
    site, cost = np.full(costs.shape[0], -1), np.full(costs.shape[0], np.inf)
    site[rows], cost[rows] = costs.destination[order[first]], costs.cost[order[first]]
    return site, cost


@dataclass(frozen=True, slots=True, eq=False)
class Capacity:
    """What each demand point asks, what each site can take, and all sites together, in one unit."""

    load: Floats
    room: Floats
    #: Of the desk behind all sites; infinite for no limit.
    together: float = np.inf


class Watch:
    """A stopwatch with a limit, and the event by which the caller calls everything off."""

    def __init__(self, time_limit_s: float, *cancel: threading.Event | None) -> None:
        self._started = time.monotonic()
        self.limit_s = time_limit_s
        self._cancel = tuple(event for event in cancel if event is not None)

    @property
    def seconds(self) -> float:
        """Seconds since the start."""
        return time.monotonic() - self._started

    @property
    def left_s(self) -> float:
        """Seconds left before the limit, 0 when it is past."""
        return max(0.0, self.limit_s - self.seconds)

    @property
    def cancelled(self) -> bool:
        """Whether the caller has called it off."""
        return any(event.is_set() for event in self._cancel)

    @property
    def over(self) -> bool:
        """Whether the work must stop now."""
        return self.cancelled or self.left_s <= 0

    def slice(self, share: float) -> Watch:
        """Return a watch for a share of the time that is left."""
        return Watch(share * self.left_s, *self._cancel)

    def until(self, event: threading.Event) -> Watch:
        """Return a watch for all the time that is left, called off by this event too."""
        return Watch(self.left_s, *self._cancel, event)


#: How the search ended.
#:
#: ``optimal``: proved. ``gap_reached``: proved within the gap asked for, or within what may be given
#: up for better hosts. ``time_limit``: the clock decided, so that another run may answer otherwise.
#: ``work_limit``: every step did its fixed amount of work and the gap is still open.
#: ``interrupted``: the caller called it off. ``solver_lost``: the solver's process died. In every
#: case the bound is proved, and the plan the best one known unless ``hosts`` says otherwise.
type Status = Literal[
    "optimal", "gap_reached", "time_limit", "work_limit", "interrupted", "solver_lost"
]

type Sense = Literal["max", "min"]


@dataclass(frozen=True, slots=True, eq=False)
class Quality:
    """What makes one plan better than another that serves as well, by candidate: the hours that
    hosts open and the people of their commune; then how near they are.
    """

    #: Share of the best value that may be given up.
    within: float
    hours: Floats
    size: Floats
    #: Demand x candidates: the ways, of those that would serve.
    costs: CostMatrix
    weight: Floats
    #: Candidates that are open already.
    existing: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Criterion:
    """What a criterion of hosts was worth in the best plan, is worth in the one chosen, and cannot
    exceed in any that is good enough.
    """

    #: ``hours`` and ``size``: sums over the sites; ``nearness``: the ways that are saved, beside
    #: the longest for everyone.
    name: Literal["hours", "size", "nearness"]
    before: float
    after: float
    bound: float

    @property
    def proved(self) -> bool:
        """Whether no plan that is good enough has better."""
        return self.bound <= self.after


@dataclass(frozen=True, slots=True)
class HostChoice:
    """How hosts were chosen among the plans that are good enough: the value of the best plan, and
    each criterion in turn, up to the first that the time did not prove.
    """

    within: float
    best: float
    sites: int
    criteria: tuple[Criterion, ...]

    @property
    def proved(self) -> bool:
        """Whether all three criteria are."""
        return len(self.criteria) == 3 and all(one.proved for one in self.criteria)

    def as_dict(self) -> dict[str, Any]:
        """Return plain values, ready for JSON."""
        return asdict(self) | {"criteria": [asdict(one) for one in self.criteria]}


@dataclass(frozen=True, slots=True)
class KioskPlan:
    """Which candidates to open, in the order in which each adds most, and how good that is.

    ``sites`` are positions in the candidates; ``gains[i]`` is the weight that ``sites[i]`` adds
    after the ones before it. When the model maximises, the gains sum to ``value`` and no plan under
    the same rules exceeds ``bound``; when it minimises (``sense`` is ``min``: fewest sites, least
    distance), none falls below ``bound``.
    """

    model: str
    sites: tuple[int, ...]
    gains: tuple[float, ...]
    value: float
    bound: float
    status: Status
    #: How the answer was obtained, in words: ``greedy, HiGHS 1.15 ...``.
    method: str
    seconds: float
    sense: Sense = "max"
    #: What the sites cost together, in the unit of the costs given (the number of sites when none
    #: were).
    cost: float = 0.0
    #: Weight that the existing sites cover before any is opened; not counted in ``value``.
    already: float = 0.0
    #: Demand that no existing or admissible site covers.
    uncoverable: tuple[int, ...] = ()
    #: For each demand point, the candidate that serves it (median, center, capacities), -1 for none.
    assigned: tuple[int, ...] = ()
    #: How its hosts were chosen, when that was asked; ``value`` is then that of the plan chosen.
    hosts: HostChoice | None = None

    @property
    def gap(self) -> float:
        """Proven relative gap: what a perfect plan could still better, as a share (0 when proved
        optimal).
        """
        large, small = (self.bound, self.value) if self.sense == "max" else (self.value, self.bound)
        return 0.0 if large <= 0 else max(0.0, (large - small) / large)

    @property
    def given_up(self) -> bool:
        """Whether the best plan is known and proved, and this one preferred for its hosts."""
        if self.hosts is None or self.status != "gap_reached":
            return False
        return abs(self.hosts.best - self.bound) <= 1e-6 * max(1.0, abs(self.bound))


def just_under(value: float, problem: Problem) -> float:
    """Leave the solver its tolerance: what comes whole misses by one at least."""
    return float(np.ceil(value - 1e-6) - 0.5 if problem.whole else value - 1e-7 * max(1.0, value))


def with_hosts(plan: KioskPlan, hosts: HostChoice, **changes: Any) -> KioskPlan:
    """Return the plan with its hosts chosen: what was proved the best is then within a gap."""
    chosen: KioskPlan = replace(plan, hosts=hosts, **changes)
    worse = plan.status == "optimal" and abs(chosen.value - hosts.best) > 1e-6 * abs(hosts.best)
    return replace(chosen, status="gap_reached") if worse else chosen
