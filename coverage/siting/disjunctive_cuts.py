"""Disjunctive cuts: what holds both when none of some candidates is opened and when one of them is.

Let S be the candidates that two demand points share. Either no site is opened in S or at least one
is; a fractional solution that opens half a site there may obey every row and yet be no mixture of
two solutions, one of each kind. A small linear program over the rows that meet S tells (Bonami
2012), and its prices give a cut that both kinds obey and the solution does not (Balas, Ceria &
Cornuéjols 1993), strengthened because sites come whole (Balas & Jeroslow 1980). The choice is that
by which Ryan & Foster (1981) branch: both sides feel it, where that of one candidate is felt on
one.

Imports NumPy and HiGHS only: the solver's process uses it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import highspy
import numpy as np
import numpy.typing as npt

from geoguichet.coverage.siting.zero_half_cuts import Cut, Floats, Ints, Numbers, Rows

_ZERO = 1e-9
_TIGHT = 1e-7
#: How far from one half of a site a set may hold.
_HALF = 0.15
#: Sets tried a round: about as long as relaxing the largest programs again takes.
_A_ROUND = 150
#: Pairs of rows drawn for each set tried; most are passed over because earlier ones have used their
#: candidates.
_DRAWN = 40
#: A candidate serves in sets of a round about so many times: cuts from the same place say the same
#: again.
_OFTEN = 1.0
#: Tight rows among which pairs are looked for, at most.
_ROWS = 1_500
#: Rows that meet the set, at most, in one small program.
_WINDOW = 500
#: A fractional variable below that is not held below 1 in the small program: it would seldom
#: matter.
_LARGE = 0.3
_DEEP = 1e-3
#: Cuts that the solution violates by less, in distance or as the small program measures it, are not
#: worth their row.
_VIOLATED = 1e-4
#: Coefficients below the first are rounded away, to the safe side; the second makes up for the
#: rounding of sums.
_SMALL, _SAFE = 1e-7, 1e-9


def cuts(
    rows: Rows,
    held: list[Cut],
    x: Floats,
    integers: int,
    *,
    solver: highspy.Highs,
    random: np.random.Generator,
    off: Callable[[], bool],
) -> list[Cut]:
    """Return cuts that ``x`` violates; ``held`` are those in force, which are built upon as rows
    are.

    Variables are between 0 and 1, the first ``integers`` of them whole. Stops early when ``off``.
    """
    tight = _tight(rows, x, integers)
    known = _with(tight, held)
    found = []
    for chosen in _sets(tight, x[:integers], random):
        if off():
            break
        cut = _Window.around(known, chosen, x, integers).cut(solver)
        if cut is not None:
            found.append(cut)
    return found


# Return the rows that hold ``x``, without those that limit the sites (count, exclusive sets).
def _tight(rows: Rows, x: Floats, integers: int) -> Rows:
    limiting = (
        np.bincount(
            rows.number,
            weights=(rows.indices < integers) & (rows.data > 0),
            minlength=len(rows.limit),
        )
        > 0
    )
    return _taken(rows, np.flatnonzero((rows.slack(x) < _TIGHT) & ~limiting))


def _taken(rows: Rows, which: Ints) -> Rows:
    lengths = np.diff(rows.indptr)[which]
    ends = np.cumsum(lengths)
    entries = np.repeat(rows.indptr[which] - ends + lengths, lengths) + np.arange(lengths.sum())
    return Rows(np.append(0, ends), rows.indices[entries], rows.data[entries], rows.limit[which])


def _with(rows: Rows, held: list[Cut]) -> Rows:
    ends = rows.indptr[-1] + np.cumsum([len(cut.indices) for cut in held], dtype=np.int64)
    return Rows(
        np.concatenate([rows.indptr, ends]),
        np.concatenate([rows.indices, *(cut.indices for cut in held)]),
        np.concatenate([rows.data, *(cut.data for cut in held)]).astype(np.float64),
        np.concatenate([rows.limit, [float(cut.limit) for cut in held]]),
    )


# Yield sets of candidates that two rows share and that hold about half a site, spread over the
# candidates.
def _sets(rows: Rows, y: Floats, random: np.random.Generator) -> Iterator[Ints]:
    if len(rows.limit) > _ROWS:
        rows = _taken(rows, np.sort(random.permutation(len(rows.limit))[:_ROWS]))
    candidate = rows.indices < len(y)
    number, column = rows.number[candidate], rows.indices[candidate]
    opened = np.flatnonzero(y > _ZERO)
    place = np.full(len(y), -1)
    place[opened] = np.arange(len(opened))
    inside = place[column] >= 0
    member = np.zeros((len(rows.limit), len(opened)), dtype=np.float32)
    member[number[inside], place[column[inside]]] = 1
    shared = (member * y[opened].astype(np.float32)) @ member.T
    pairs = np.argwhere(np.triu(np.abs(shared - 0.5) < _HALF, 1))
    used, tried = np.zeros(len(opened)), 0
    for one, other in pairs[random.permutation(len(pairs))[: _DRAWN * _A_ROUND]]:
        both = member[one] * member[other]
        if tried == _A_ROUND or both @ (used * y[opened]) > _OFTEN * shared[one, other]:
            continue
        used += both
        tried += 1
        yield np.intersect1d(column[number == one], column[number == other])


@dataclass(frozen=True, slots=True, eq=False)
class _Window:
    """The rows that meet a set of candidates, with numbers of their own for the variables that are
    in them.
    """

    #: Rows on the variables of the window.
    rows: Rows
    #: What they are in the program.
    variable: Ints
    x: Floats
    #: The set.
    chosen: Ints
    #: Which of the variables are whole.
    candidate: npt.NDArray[np.bool_]

    # Take the rows that have most in common with the set.
    @classmethod
    def around(cls, rows: Rows, chosen: Ints, x: Floats, integers: int) -> _Window:
        held = np.zeros(len(x))
        held[chosen] = x[chosen]
        common = np.bincount(
            rows.number, weights=np.abs(rows.data) * held[rows.indices], minlength=len(rows.limit)
        )
        nearest = np.argsort(-common, kind="stable")[:_WINDOW]
        taken = _taken(rows, np.sort(nearest[common[nearest] > _TIGHT]))
        variable, place = np.unique(np.concatenate([chosen, taken.indices]), return_inverse=True)
        return cls(
            Rows(taken.indptr, place[len(chosen) :], taken.data, taken.limit),
            variable,
            x[variable],
            place[: len(chosen)],
            variable < integers,
        )

    # Return the cut that the set gives, if ``x`` violates it.
    def cut(self, solver: highspy.Highs) -> Cut | None:
        none, some = self._prices(solver)
        if none is None or some is None:
            return None
        # An inequality that both kinds obey has, where x is at 0, no more than the lesser of the two
        # coefficients, and where x is at 1 no less than the greater; the limit makes up for those.
        x, whole = self.x, self.x >= 1 - _ZERO
        coefficient = np.where(
            whole, np.maximum(none.paid, some.paid), np.minimum(none.paid, some.paid)
        )
        # Sites come whole, so that a multiple of "one opened or none" may be moved from one kind to
        # the other (Balas & Jeroslow 1980): the best whole multiples are beside the even one.
        step = none.choice + some.choice
        if step > _ZERO:
            turned = self.candidate & ~whole
            even = (some.paid - none.paid)[turned] / step
            for times in (np.floor(even), np.ceil(even)):
                coefficient[turned] = np.maximum(
                    coefficient[turned],
                    np.minimum(
                        none.paid[turned] + none.choice * times,
                        some.paid[turned] - some.choice * times,
                    ),
                )
        limit = max(
            each.limit + float((coefficient - each.paid)[whole].sum()) for each in (none, some)
        )
        scale = float(np.abs(coefficient).max(initial=0.0))
        if scale < _ZERO:
            return None
        coefficient, limit = coefficient / scale, limit / scale
        kept = np.abs(coefficient) >= _SMALL
        limit += _SAFE - float(np.minimum(coefficient[~kept], 0.0).sum())
        efficacy = float(
            (coefficient[kept] @ x[kept] - limit)
            / max(_ZERO, np.sqrt((coefficient[kept & (x > _ZERO)] ** 2).sum()))
        )
        return (
            Cut(self.variable[kept], coefficient[kept], limit, efficacy, ())
            if efficacy > _DEEP
            else None
        )

    def _prices(self, solver: highspy.Highs) -> tuple[_Kind, _Kind] | tuple[None, None]:
        """Return the prices at which the rows tell ``x`` from a mixture of the two kinds of
        solutions.

        The program splits ``x`` in a part x1 with a share s of the first kind, nothing being opened
        in the set, and the rest of the second; t is by how much some row must be overstepped:

            minimise  t    subject to  a x1 - b s <= t,   a (x - x1) - b (1 - s) <= t   for each row
            a x <= b,
            x1(S) <= t,   (x - x1)(S) >= 1 - s - t,   0 <= x1 <= x,   and for large variables x1 <=
            s, x - x1 <= 1 - s.
        """
        x, count = self.x, len(self.rows.limit)
        free = np.flatnonzero((x > _ZERO) & (x < 1 - _ZERO))
        large = np.flatnonzero(x[free] > _LARGE)
        limit = [
            np.zeros(count),
            np.maximum(self.rows.slack(x), 0.0),
            np.array([0.0, x[self.chosen].sum() - 1.0]),
            np.zeros(len(large)),
            1.0 - x[free[large]],
        ]
        price = _least_overstep(
            solver,
            self._entries(free, large),
            np.concatenate(limit),
            np.append(x[free], [1.0, np.inf]),
        )
        if price is None:
            return None, None
        first, second, (closed, opened), below, above = np.split(
            price, np.cumsum([len(part) for part in limit])[:-1]
        )
        return (
            self._kind(first, closed, 0.0, free[large], below),
            self._kind(second, -opened, -opened, free[large], above),
        )

    # Return the program's entries (row, column, number): the parts of the ``free`` variables, s and
    # t.
    def _entries(self, free: Ints, large: Ints) -> list[tuple[Ints, Ints, Numbers]]:
        rows, x = self.rows, self.x
        count, share, over = len(rows.limit), len(free), len(free) + 1
        place = np.full(len(x), -1)
        place[free] = np.arange(len(free))
        entry, whole = place[rows.indices] >= 0, x[rows.indices] >= 1 - _ZERO
        base = (
            np.bincount(rows.number[whole], weights=rows.data[whole], minlength=count) - rows.limit
        )
        number, column, data = rows.number[entry], place[rows.indices[entry]], rows.data[entry]
        inside = place[self.chosen]
        inside = inside[inside >= 0]
        each, one = np.arange(count), np.ones(len(large))
        below = 2 * count + 2 + np.arange(len(large))
        return [
            (number, column, data),
            (number + count, column, -data),
            (each, np.full(count, share), base),
            (each + count, np.full(count, share), -base),
            (np.arange(2 * count + 2), np.full(2 * count + 2, over), np.full(2 * count + 2, -1.0)),
            (np.full(len(inside), 2 * count), inside, np.ones(len(inside))),
            (np.full(len(inside), 2 * count + 1), inside, np.ones(len(inside))),
            (np.array([2 * count + 1]), np.array([share]), np.array([-1.0])),
            (below, large, one),
            (below, np.full(len(large), share), -one),
            (below + len(large), large, -one),
            (below + len(large), np.full(len(large), share), one),
        ]

    # Add the rows up at these prices, with the choice and the upper bounds of some variables.
    def _kind(self, price: Floats, choice: float, due: float, bounded: Ints, held: Floats) -> _Kind:
        rows = self.rows
        paid = np.bincount(
            rows.indices, weights=rows.data * price[rows.number], minlength=len(self.x)
        )
        paid[self.chosen] += choice
        paid[bounded] += held
        return _Kind(paid, float(rows.limit @ price + held.sum()) + due, abs(choice))


@dataclass(frozen=True, slots=True, eq=False)
class _Kind:
    """``paid`` times the variables <= ``limit`` for the solutions of one kind, ``choice`` being the
    price of that.
    """

    paid: Floats
    limit: float
    choice: float


# Minimise the last variable subject to rows <= ``limit``; return each row's price if it must be
# positive.
def _least_overstep(
    solver: highspy.Highs,
    blocks: Sequence[tuple[Ints, Ints, Numbers]],
    limit: Floats,
    upper: Floats,
) -> Floats | None:
    row, column, data = (np.concatenate(parts) for parts in zip(*blocks, strict=True))
    order = np.argsort(column, kind="stable")
    lp = highspy.HighsLp()
    lp.num_col_, lp.num_row_ = len(upper), len(limit)
    lp.col_cost_ = np.append(np.zeros(len(upper) - 1), 1.0)
    lp.col_lower_, lp.col_upper_ = np.zeros(len(upper)), upper
    lp.row_lower_, lp.row_upper_ = np.full(len(limit), -np.inf), limit
    lp.a_matrix_.format_ = highspy.MatrixFormat.kColwise
    lp.a_matrix_.start_ = np.append(0, np.cumsum(np.bincount(column, minlength=len(upper)))).astype(
        np.int32
    )
    lp.a_matrix_.index_, lp.a_matrix_.value_ = row[order].astype(np.int32), data[order]
    solver.passModel(lp)
    solver.run()
    if (
        solver.getModelStatus() != highspy.HighsModelStatus.kOptimal
        or solver.getObjectiveValue() < _VIOLATED
    ):
        return None
    return np.maximum(0.0, -np.asarray(solver.getSolution().row_dual))
