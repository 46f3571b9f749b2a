"""Cuts: inequalities that whole solutions obey and the fractional one at hand does not.

Zero-half cuts, then disjunctive ones. The first: add up some rows and bounds of a program, halve
the sum and round down: if every coefficient is even and the right-hand side odd, every whole
solution obeys the result and the fractional one at hand may not (Caprara & Fischetti 1996). Which
rows to add is looked for by elimination modulo 2 (Koster, Zymolka & Kutschka 2009): rows and
variables at a bound cost nothing, the others what they are away from it, and a sum that costs less
than 1 with an odd right-hand side is a cut.

Imports NumPy and HiGHS only: the solver's process uses it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import highspy
import numpy as np
import numpy.typing as npt

type Floats = npt.NDArray[np.float64]
type Ints = npt.NDArray[np.int64]
type Numbers = npt.NDArray[np.int64] | npt.NDArray[np.float64]
type Words = npt.NDArray[np.uint64]

_ZERO = 1e-6
#: Rows farther than this from being tight are left out: with anything else added they would seldom
#: stay below 1.
_CHEAP = 0.7
_BELOW_ONE = 0.95
#: How often an elimination is looked through for cuts.
_LOOKS = 12
_CUTS_A_ROUND = 60
#: Cuts of one round that may use the same row: more would say the same again.
_SHARED = 8
#: Rows that a cut may be made of: longer ones cut little for what they cost the relaxation.
_TERMS = 30
#: Eliminations a round, each in another order.
_TRIALS = 3


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """Rows ``sum_k data_k x_k <= limit`` on variables between 0 and 1, stored by row."""

    indptr: Ints
    indices: Ints
    data: Numbers
    limit: Numbers

    @property
    def number(self) -> Ints:
        """The row of each entry."""
        return np.repeat(np.arange(len(self.limit)), np.diff(self.indptr))

    def slack(self, x: Floats) -> Floats:
        """Return what each row leaves."""
        return self.limit - np.bincount(
            self.number, weights=self.data * x[self.indices], minlength=len(self.limit)
        )


@dataclass(frozen=True, slots=True, eq=False)
class Cut:
    """``sum_k data_k x_k <= limit``."""

    indices: Ints
    data: Numbers
    limit: float
    #: How far the solution at hand is from obeying, as a distance.
    efficacy: float
    #: The rows that a zero-half cut was made of.
    of: tuple[int, ...]


def whole_rows(model: Mapping[str, np.ndarray]) -> Rows:
    """Return the rows of a program whose numbers are whole, each as one or two ``<=``."""
    count = len(model["row_lower"])
    column = np.repeat(np.arange(len(model["cost"])), np.diff(model["indptr"]))
    order = np.argsort(model["indices"], kind="stable")
    row, indices, data = model["indices"][order], column[order], model["data"][order]
    fractions = np.bincount(row, weights=data % 1 != 0, minlength=count) > 0
    blocks = []
    for sign, limit in ((1, model["row_upper"]), (-1, -model["row_lower"])):
        usable = np.isfinite(limit) & ~fractions
        usable[usable] = limit[usable] % 1 == 0
        kept = usable[row]
        lengths = np.bincount(row[kept], minlength=count)[usable]
        blocks.append(
            (
                lengths,
                indices[kept],
                (sign * data[kept]).astype(np.int64),
                limit[usable].astype(np.int64),
            )
        )
    lengths, indices, data, limits = (np.concatenate(parts) for parts in zip(*blocks, strict=True))
    return Rows(np.concatenate([[0], np.cumsum(lengths)]), indices, data, limits)


def zero_half_cuts(rows: Rows, x: Floats, random: np.random.Generator) -> list[Cut]:
    """Return cuts that ``x`` violates, the deepest first, few of them made of the same rows."""
    system = _System.at(rows, x)
    found: dict[tuple[bytes, bytes], Cut] = {}
    for chosen in system.combinations(random):
        cut = _cut(rows, chosen, x)
        if cut is not None:
            found.setdefault((cut.indices.tobytes(), cut.data.tobytes()), cut)
    used = np.zeros(len(rows.limit), dtype=np.int64)
    kept: list[Cut] = []
    for cut in sorted(found.values(), key=lambda cut: -cut.efficacy):
        if used[list(cut.of)].max() < _SHARED and len(kept) < _CUTS_A_ROUND:
            used[list(cut.of)] += 1
            kept.append(cut)
    return kept


@dataclass(frozen=True, slots=True, eq=False)
class _System:
    """Rows modulo 2 on the fractional variables; the last column of ``odd`` is the right-hand
    side.
    """

    odd: npt.NDArray[np.bool_]
    #: What using a row costs.
    weight: Floats
    #: The fractional variables.
    value: Floats
    row: Ints

    # Keep the rows that are nearly tight at ``x``; a variable that is in one of them only is part
    # of its cost.
    @classmethod
    def at(cls, rows: Rows, x: Floats) -> _System:
        near = rows.slack(x) < _CHEAP
        entry = near[rows.number] & (rows.data % 2 != 0)
        number, column = rows.number[entry], rows.indices[entry]
        away = np.minimum(x, 1 - x)
        alone = np.bincount(column, minlength=len(x)) == 1
        weight = np.maximum(rows.slack(x), 0.0)
        np.add.at(weight, number[alone[column]], away[column[alone[column]]])
        parity = rows.limit + np.bincount(
            number,
            weights=(x[column] > 0.5) & ((away < _ZERO) | alone)[column],
            minlength=len(near),
        ).astype(np.int64)
        fractional = np.flatnonzero((away >= _ZERO) & ~alone)
        place = np.full(len(x), -1)
        place[fractional] = np.arange(len(fractional))
        kept = np.flatnonzero(near & (weight < _CHEAP))
        where = np.full(len(near), -1)
        where[kept] = np.arange(len(kept))
        inside = (where[number] >= 0) & (place[column] >= 0)
        odd = np.zeros((len(kept), len(fractional) + 1), dtype=bool)
        odd[where[number[inside]], place[column[inside]]] = True
        odd[:, -1] = parity[kept] % 2 == 1
        order = np.argsort(weight[kept], kind="stable")
        _, first = np.unique(np.packbits(odd[order], axis=1), axis=0, return_index=True)
        keep = order[np.sort(first)]
        keep = keep[odd[keep].any(axis=1)]
        return cls(odd[keep], weight[kept[keep]], x[fractional], kept[keep])

    # Return sets of rows that add up to a cut, the cheapest first.
    def combinations(self, random: np.random.Generator) -> list[Ints]:
        away = np.minimum(self.value, 1 - self.value)
        found: dict[bytes, tuple[float, Ints]] = {}
        for trial in range(_TRIALS):
            dearest = away if trial == 0 else away * random.uniform(0.2, 1.0, len(away))
            for cost, chosen in _Elimination(self).run(np.argsort(-dearest, kind="stable")):
                found.setdefault(chosen.tobytes(), (cost, chosen))
        return [
            self.row[chosen]
            for _, chosen in sorted(found.values(), key=lambda item: item[0])[: 6 * _CUTS_A_ROUND]
        ]


class _Elimination:
    """Rows added to each other modulo 2, so that fewer and fewer variables are left in them."""

    def __init__(self, system: _System) -> None:
        self._system = system
        self._odd = _packed(system.odd)
        self._made_of = _packed(np.eye(len(system.row), dtype=bool))
        self._terms = np.ones(len(system.row), dtype=np.int64)
        self._live = np.ones(len(system.row), dtype=bool)

    # Eliminate one variable after the other with rows that cost nothing; look for cuts now and
    # then.
    def run(self, order: Ints) -> Iterator[tuple[float, Ints]]:
        free = self._system.weight < _ZERO
        often = max(1, len(order) // _LOOKS)
        for number, column in enumerate(order):
            if number % often == 0:
                yield from self._cheap()
            has = (self._odd[:, column >> 6] >> np.uint64(column & 63)) & np.uint64(1) == 1
            pivots = np.flatnonzero(has & free & self._live)
            if len(pivots):
                self._eliminate(pivots[self._terms[pivots].argmin()], has)
        yield from self._cheap()

    def _eliminate(self, pivot: np.int64, has: npt.NDArray[np.bool_]) -> None:
        self._live[pivot] = False
        others = np.flatnonzero(has & self._live)
        self._odd[others] ^= self._odd[pivot]
        self._made_of[others] ^= self._made_of[pivot]
        self._terms[others] += self._terms[pivot]

    # Yield the sums that cost less than 1, each odd variable rounded to its nearer bound, with
    # their rows.
    def _cheap(self) -> Iterator[tuple[float, Ints]]:
        value, at = self._system.value, np.flatnonzero(self._live & (self._terms <= _TERMS))
        odd = _unpacked(self._odd[at], len(value) + 1)
        left = odd[:, :-1]
        cost = self._system.weight[at] + left @ np.minimum(
            value, 1 - value
        )  # the rows added cost nothing
        even = (odd[:, -1] + left @ (value > 0.5)) % 2 == 0
        cost[even] += np.where(left[even], np.abs(1 - 2 * value), np.inf).min(
            axis=1, initial=np.inf
        )
        for position in np.flatnonzero(cost < _BELOW_ONE):
            yield (
                float(cost[position]),
                np.flatnonzero(_unpacked(self._made_of[at[position]][None], len(self._live))[0]),
            )


# Add the rows up, make every coefficient even with the bounds, and the right-hand side odd; halve;
# round down.
def _cut(rows: Rows, chosen: Ints, x: Floats) -> Cut | None:
    entries = np.concatenate([np.arange(rows.indptr[row], rows.indptr[row + 1]) for row in chosen])
    variable, place = np.unique(rows.indices[entries], return_inverse=True)
    total = np.bincount(place, weights=rows.data[entries]).astype(np.int64)
    limit = int(rows.limit[chosen].sum())
    value = x[variable]
    odd = total % 2 != 0
    up = odd & (value > 0.5)
    if (limit + up.sum()) % 2 == 0:
        if not odd.any():
            return None
        turned = np.flatnonzero(odd)[np.abs(1 - 2 * value[odd]).argmin()]
        up[turned] = ~up[turned]
    half = np.where(up, total + 1, total - odd) // 2
    limit = (limit + int(up.sum()) - 1) // 2
    kept = half != 0
    violation = half @ value - limit
    moving = half[kept & (value > _ZERO)]
    if violation < 0.02 or not len(moving):
        return None
    return Cut(
        variable[kept],
        half[kept],
        limit,
        float(violation / np.sqrt((moving**2).sum())),
        tuple(int(row) for row in chosen),
    )


# Return rows of bits as words of 64, bit b of word w being column 64 w + b.
def _packed(bits: npt.NDArray[np.bool_]) -> Words:
    wide = np.zeros((bits.shape[0], 64 * (-(-bits.shape[1] // 64))), dtype=bool)
    wide[:, : bits.shape[1]] = bits
    return np.packbits(wide, axis=1, bitorder="little").view(np.uint64)


def _unpacked(words: Words, columns: int) -> npt.NDArray[np.bool_]:
    return np.unpackbits(words.view(np.uint8), axis=1, bitorder="little")[:, :columns].astype(bool)


# Disjunctive cuts: what holds both when none of some candidates is opened and when one of them
# is. Let S be the candidates that two demand points share. Either no site is opened in S or at
# least one is; a fractional solution that opens half a site there may obey every row and yet be
# no mixture of two solutions, one of each kind. A small linear program over the rows that meet S
# tells (Bonami 2012), and its prices give a cut that both kinds obey and the solution does not
# (Balas, Ceria & Cornuéjols 1993), strengthened because sites come whole (Balas & Jeroslow 1980).
# The choice is that by which Ryan & Foster (1981) branch: both sides feel it, where that of one
# candidate is felt on one.


_NOTHING = 1e-9
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


def disjunctive_cuts(
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
    opened = np.flatnonzero(y > _NOTHING)
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
        x, whole = self.x, self.x >= 1 - _NOTHING
        coefficient = np.where(
            whole, np.maximum(none.paid, some.paid), np.minimum(none.paid, some.paid)
        )
        # Sites come whole, so that a multiple of "one opened or none" may be moved from one kind to
        # the other (Balas & Jeroslow 1980): the best whole multiples are beside the even one.
        step = none.choice + some.choice
        if step > _NOTHING:
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
        if scale < _NOTHING:
            return None
        coefficient, limit = coefficient / scale, limit / scale
        kept = np.abs(coefficient) >= _SMALL
        limit += _SAFE - float(np.minimum(coefficient[~kept], 0.0).sum())
        efficacy = float(
            (coefficient[kept] @ x[kept] - limit)
            / max(_NOTHING, np.sqrt((coefficient[kept & (x > _NOTHING)] ** 2).sum()))
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
        free = np.flatnonzero((x > _NOTHING) & (x < 1 - _NOTHING))
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
        entry, whole = place[rows.indices] >= 0, x[rows.indices] >= 1 - _NOTHING
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
