"""What the planner may not, or must, do: sites that exist, are required or forbidden, too close, too few."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
from scipy import sparse
from scipy.spatial import cKDTree

from geoguichet.coverage.errors import SitingError

type Positions = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class SiteRules:
    """Rules on the sites themselves, whatever they cover. Sites are named by their position in the candidates.

    ``existing`` sites are open already: they cost nothing, are not counted among the sites to open, and count towards
    every rule. ``one_per`` and ``floor_of`` give one label per candidate (an EPCI, a département; the empty text
    stands for none): at most one site may be open per label of the first, at least ``floors[label]`` per label of the
    second. ``apart`` lists pairs of candidates too near each other to be both open (see :func:`too_near`).
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
    """The rules, applied to ``count`` candidates: who may open, who must, and what cannot stand together."""

    column: Positions
    """Original position of each candidate that may be opened."""
    required: Positions
    """Positions in ``column`` that must be opened."""
    packs: sparse.csr_array
    """One row per set of candidates of which at most one may be opened."""
    floor_of: Positions
    """For each candidate the row of ``floor`` that it counts for, -1 for none."""
    floor: Positions
    """How many more sites must be opened for each floor."""


def too_near(points: npt.ArrayLike, spacing_m: float) -> Positions:
    """Return the pairs of candidates less than ``spacing_m`` apart; ``points`` are metres in a projected CRS."""
    place = np.asarray(points, dtype=np.float64)
    pairs = cKDTree(place).query_pairs(spacing_m, output_type="ndarray")
    metres = np.hypot(*(place[pairs[:, 0]] - place[pairs[:, 1]]).T)
    near: Positions = pairs[metres < spacing_m].astype(np.int64)
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
        raise SitingError("aucun lieu d'accueil possible : élargissez les candidats ou réduisez les exclusions.")
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
    named = [*rules.existing, *rules.required, *rules.forbidden, *np.asarray(rules.apart, dtype=np.int64).ravel()]
    wrong = [int(position) for position in named if not 0 <= position < count]
    if wrong:
        raise SitingError(f"le lieu n° {wrong[0]} n'existe pas : les positions vont de 0 à {count - 1}.")
    for labels in (rules.one_per, rules.floor_of):
        if labels is not None and len(labels) != count:
            raise SitingError(f"{len(labels)} étiquettes pour {count} lieux : donnez une étiquette par lieu.")
    both = sorted(set(rules.required) & set(rules.forbidden))
    if both:
        raise SitingError(f"le lieu n° {both[0]} est à la fois imposé et exclu : retirez-le de l'une des deux listes.")


def _exclusive_sets(rules: SiteRules, count: int) -> sparse.csr_array:
    """One row per label of ``one_per`` and per pair of ``apart``."""
    pairs = np.asarray(rules.apart, dtype=np.int64).reshape(-1, 2)
    labels = np.asarray(rules.one_per if rules.one_per is not None else [""] * count, dtype=np.str_)
    member = np.flatnonzero(labels != "")
    _, code = np.unique(labels[member], return_inverse=True)
    groups = int(code.max()) + 1 if len(code) else 0
    rows = np.concatenate([code, groups + np.repeat(np.arange(len(pairs)), 2)])
    columns = np.concatenate([member, pairs.ravel()])
    shape = (groups + len(pairs), count)
    return sparse.csr_array((np.ones(len(rows), dtype=np.int64), (rows, columns)), shape=shape)


def _check_required(rules: SiteRules, allowed: npt.NDArray[np.bool_], sets: sparse.csr_array) -> None:
    wanted = np.isin(np.arange(len(allowed)), rules.required) & ~np.isin(np.arange(len(allowed)), rules.existing)
    if (sets @ wanted.astype(np.int64) > 1).any() or (wanted & ~allowed).any():
        raise SitingError(
            "des lieux imposés sont incompatibles (même groupe ou trop proches, entre eux ou d'un lieu existant) : "
            "retirez l'un d'eux ou réduisez l'espacement."
        )


def _floors(rules: SiteRules, column: Positions, existing: npt.NDArray[np.bool_]) -> tuple[Positions, Positions]:
    names = sorted(rules.floors)
    if names and rules.floor_of is None:
        raise SitingError("un minimum par groupe est demandé sans dire à quel groupe appartient chaque lieu.")
    labels = np.asarray(rules.floor_of if rules.floor_of is not None else [""] * len(existing), dtype=np.str_)
    open_now = np.array([int((labels[existing] == name).sum()) for name in names], dtype=np.int64)
    floor = np.maximum(0, np.array([rules.floors[name] for name in names], dtype=np.int64) - open_now)
    floor_of = np.full(len(column), -1, dtype=np.int64)
    for code, name in enumerate(names):
        inside = labels[column] == name
        floor_of[inside] = code
        if inside.sum() < floor[code]:
            raise SitingError(
                f"le groupe {name!r} demande {floor[code]} lieux et n'a que {inside.sum()} candidats : "
                "réduisez le minimum ou élargissez les candidats."
            )
    return floor_of, floor
