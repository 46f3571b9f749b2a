"""Zero-half cuts: inequalities that whole numbers obey and fractions do not.

Add up some rows and bounds of a program, halve the sum and round down: if every coefficient is even
and the right-hand side odd, every whole solution obeys the result and the fractional one at hand
may not (Caprara & Fischetti 1996). Which rows to add is looked for by elimination modulo 2 (Koster,
Zymolka & Kutschka 2009): rows and variables at a bound cost nothing, the others what they are away
from it, and a sum that costs less than 1 with an odd right-hand side is a cut.

Imports NumPy only: the solver's process uses it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

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


def cuts(rows: Rows, x: Floats, random: np.random.Generator) -> list[Cut]:
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
