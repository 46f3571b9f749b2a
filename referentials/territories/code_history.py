"""Commune codes through time: which communes merged, split or changed code, and where their figures
land today.
"""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import pandas as pd

from geoguichet.floor.findings import Finding

type Kind = Literal["split", "transfer", "merger", "renumbering"]
type Status = Literal["current", "outdated", "unknown"]

#: Movements of one day are followed in this order.
_ORDER: Mapping[str, int] = {"split": 0, "transfer": 1, "merger": 2, "renumbering": 3}


@dataclass(frozen=True, slots=True)
class Movement:
    """From a day on, what was counted under a code is counted under others."""

    #: First day of the new state, ``2016-01-01``.
    date: str
    code: str
    #: The codes that share it; `code` itself among them when it goes on.
    into: tuple[str, ...]
    kind: Kind


@dataclass(frozen=True, slots=True, eq=False)
class Landing:
    """Figures by commune brought from one date to another; their sum is kept."""

    #: By code in force at the arrival date; float.
    values: pd.Series
    #: Figures of codes that never existed: left out of `values`, and told.
    unplaced: pd.Series
    #: code, into, share: one row a code of departure and code of arrival; the shares of a code add
    #: up to 1.
    shares: pd.DataFrame
    findings: tuple[Finding, ...]
    #: Codes of departure that land on several codes in equal parts, for want of weights.
    guessed: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, eq=False)
class CommuneHistory:
    """Every commune code and what happened to it."""

    #: By date, then in the order in which the movements of a day are followed.
    movements: tuple[Movement, ...]
    #: For each code, the periods (first day, day after the last; ``9999`` when it goes on) when it
    #: was a commune.
    lives: Mapping[str, tuple[tuple[str, str], ...]]
    #: The day up to which it is known.
    valid: str

    def in_force(self, code: str, date: str) -> bool:
        """Return whether `code` was a commune on that day."""
        return any(first <= date < last for first, last in self.lives.get(code, ()))

    def status(self, code: str, date: str | None = None) -> Status:
        """Return whether a code is a commune's on that day (today's state by default), was once, or
        never was.
        """
        if self.in_force(code, date or self.valid):
            return "current"
        return "outdated" if code in self.lives else "unknown"

    def successors(self, code: str, date: str | None = None) -> tuple[str, ...]:
        """Return the codes that hold today what a code held last; itself when it is in force, none
        when unknown.
        """
        goal = date or self.valid
        if self.in_force(code, goal) or code not in self.lives:
            return (code,) if code in self.lives else ()
        born = self.lives[code][0][0] if self.lives[code] else "0000"
        held: dict[str, dict[str, float]] = {code: {code: 1.0}}
        for day in _days(move for move in self.movements if born < move.date <= goal):
            _follow(day, held, {code: born}, None)
        return tuple(sorted(held))

    def land(
        self,
        values: pd.Series,
        *,
        since: str,
        until: str | None = None,
        weights: pd.Series | None = None,
    ) -> Landing:
        """Bring figures by commune from the codes of one day to those of another, conserving their
        sum.

        A split is shared in proportion to `weights` (figures by code at the arrival, such as
        populations) where they are known for every part, else in equal parts; both are told.

        Parameters
        ----------
        values
            Numbers indexed by code, as of the day `since`.
        until
            The day of arrival; the last day known by default.

        Rules: ``outdated-commune`` (a code not in force on `since`), ``unknown-commune``,
        ``split-share``.
        """
        known = values[[code in self.lives for code in values.index]]
        findings = [*self._unplaced(values, known), *self._not_in_force(known, since)]
        starts = {
            code: since if self.in_force(code, since) else self._last_day(code, since)
            for code in known.index
        }
        held: dict[str, dict[str, float]] = {code: {code: 1.0} for code in known.index}
        guessed: set[str] = set()
        early = min([since, *starts.values()])
        for day in _days(
            move for move in self.movements if early < move.date <= (until or self.valid)
        ):
            guessed |= _follow(day, held, starts, weights)
        shares = pd.DataFrame(
            [
                (code, into, share)
                for into, sources in held.items()
                for code, share in sources.items()
            ],
            columns=["code", "into", "share"],
        ).sort_values(["code", "into"], ignore_index=True)
        findings += _split_findings(shares, guessed)
        return Landing(
            (shares["share"] * shares["code"].map(known)).groupby(shares["into"]).sum(),
            values.drop(known.index),
            shares,
            tuple(findings),
            frozenset(guessed & set(shares.loc[shares["code"].duplicated(), "code"])),
        )

    def updated(self, current: Iterable[Mapping[str, Any]], *, date: str) -> CommuneHistory:
        """Return the history carried on to a list of current communes (``code``, ``type``,
        ``anciensCodes``).

        Codes in force that are among the former codes of another commune merge into it; a current
        code that was not in force splits from the commune that had taken it in. The day of each is
        unknown: `date` stands for it.
        """
        rows = [
            row
            for row in current
            if row.get("type") in {None, "commune-actuelle", "arrondissement-municipal"}
        ]
        codes = {str(row["code"]) for row in rows}
        new: list[Movement] = []
        for row in rows:
            into = str(row["code"])
            for old in map(str, row.get("anciensCodes", ())):
                if old != into and old not in codes and self.in_force(old, self.valid):
                    new += [Movement(date, old, (into,), "merger")]
        parents: dict[str, list[str]] = defaultdict(list)
        for code in sorted(codes):
            holders = [] if self.in_force(code, self.valid) else self.successors(code)
            if len(holders) == 1 and holders[0] != code:
                parents[holders[0]].append(code)
        new += [
            Movement(date, parent, (*([parent] if parent in codes else []), *children), "split")
            for parent, children in parents.items()
        ]
        ended = {move.code for move in new if move.code not in move.into}
        lives = {
            code: tuple((first, min(last, date)) for first, last in periods)
            if code in ended
            else periods
            for code, periods in self.lives.items()
        }
        for code in codes:
            if not self.in_force(code, self.valid):
                lives[code] = (*lives.get(code, ()), (date, "9999"))
        return CommuneHistory(in_order([*self.movements, *new]), lives, date)

    # Return the last day before `since` when a code was in force, or the first day of its life
    # after it.
    def _last_day(self, code: str, since: str) -> str:
        before = [first for first, _ in self.lives[code] if first <= since]
        return max(before) if before else self.lives[code][0][0]

    def _not_in_force(self, known: pd.Series, since: str) -> Iterable[Finding]:
        for code in known.index:
            if not self.in_force(code, since):
                now = ", ".join(self.successors(code))
                yield Finding(
                    "outdated-commune",
                    "communes",
                    str(code),
                    (
                        f"Le code {code} n'est pas celui d'une commune au {since} : suivi "
                        f"jusqu'à {now}."
                    ),
                    "warning",
                    remedy="" if now == code else f"Écrivez {now}.",
                )

    def _unplaced(self, values: pd.Series, known: pd.Series) -> Iterable[Finding]:
        for code in values.index.difference(known.index):
            yield Finding(
                "unknown-commune",
                "communes",
                str(code),
                (
                    f"Le code {code} n'a jamais été celui d'une commune : sa valeur "
                    f"({values[code]:g}) n'est pas placée."
                ),
                "error",
                remedy="Corrigez le code.",
            )


def in_order(movements: Iterable[Movement]) -> tuple[Movement, ...]:
    """Return movements by date, then in the order in which those of a day are followed."""
    return tuple(sorted(movements, key=lambda move: (move.date, _ORDER[move.kind], move.code)))


# Yield movements day by day; they are in order of date.
def _days(movements: Iterable[Movement]) -> Iterator[list[Movement]]:
    for _, day in itertools.groupby(movements, key=lambda move: move.date):
        yield list(day)


def _follow(
    day: Sequence[Movement],
    held: dict[str, dict[str, float]],
    starts: Mapping[str, str],
    weights: pd.Series | None,
) -> set[str]:
    """Move in `held` (code -> share of each code of departure) what the movements of a day move, in
    place.

    A commune may change code and merge on one day: what leaves its code for good is followed until
    nothing is left to follow. Returns the codes of departure shared in equal parts for want of
    weights.
    """
    guessed: set[str] = set()
    for turn in range(len(day)):
        followed = [
            _move(move, held, starts, weights, guessed)
            for move in day
            if turn == 0 or move.code not in move.into
        ]
        if not any(followed):
            break
    return guessed


def _move(
    move: Movement,
    held: dict[str, dict[str, float]],
    starts: Mapping[str, str],
    weights: pd.Series | None,
    guessed: set[str],
) -> bool:
    """Follow one movement in `held`; return whether it moved anything.

    When a merged commune is restored, the figures that had come in under its own code go back to it
    whole.
    """
    sources = held.get(move.code, {})
    moving = {code: share for code, share in sources.items() if starts[code] < move.date}
    if not moving:
        return False
    parts, known = _parts(move, weights)
    staying = {code: share for code, share in sources.items() if code not in moving}
    del held[move.code]
    if staying:
        held[move.code] = staying
    back = set(moving) & set(move.into)
    home = back if back - {move.code} else set()
    for code, share in moving.items():
        for into, part in ({code: 1.0} if code in home else parts).items():
            target = held.setdefault(into, {})
            target[code] = target.get(code, 0.0) + share * part
    guessed.update(() if known else set(moving) - home)
    return True


# Return the share of each code a movement leads to, and whether they are known rather than equal
# parts.
def _parts(move: Movement, weights: pd.Series | None) -> tuple[dict[str, float], bool]:
    if len(move.into) == 1:
        return {move.into[0]: 1.0}, True
    if weights is not None:
        known = weights.reindex(list(move.into))
        if known.notna().all() and known.sum() > 0:
            return dict(zip(move.into, (known / known.sum()).tolist(), strict=True)), True
    return dict.fromkeys(move.into, 1 / len(move.into)), False


# Tell each code of departure that lands on several codes, and how its shares were found.
def _split_findings(shares: pd.DataFrame, guessed: set[str]) -> Iterator[Finding]:
    for code, rows in shares[shares["code"].duplicated(keep=False)].groupby("code"):
        said = ", ".join(
            f"{into} {share:.1%}" for into, share in zip(rows["into"], rows["share"], strict=True)
        )
        how = "à parts égales, faute de poids" if code in guessed else "au prorata des poids donnés"
        yield Finding(
            "split-share",
            "communes",
            str(code),
            f"La valeur de la commune {code} est partagée {how} : {said.replace('.', ',')}.",
            "info",
        )


def movements_of(events: Iterable[tuple[str, str, Kind, Sequence[str]]]) -> tuple[Movement, ...]:
    """Return the movements of events (date, code, kind, codes it goes into), those of a split
    gathered.
    """
    gathered: dict[tuple[str, str, Kind], dict[str, None]] = {}
    for date, code, kind, into in events:
        gathered.setdefault((date, code, kind), {}).update(dict.fromkeys(into))
    return in_order(
        Movement(date, code, tuple(into), kind)
        for (date, code, kind), into in gathered.items()
        if tuple(into) != (code,)
    )


def departement_of(commune: pd.Series) -> pd.Series:
    """Return the département of each INSEE code or postal code: two characters, three overseas."""
    found = [
        departement_of_code(code) if isinstance(code, str) else None for code in commune.tolist()
    ]
    return pd.Series(found, index=commune.index, dtype=object)


def departement_of_code(commune: str) -> str:
    """Return the département of one INSEE code or postal code.

    There is no département 20 since 1976: a postal code of Corsica says which of the two.

    >>> departement_of_code("2a041"), departement_of_code("20200"), departement_of_code("97411")
    ('2A', '2B', '974')
    """
    if commune.startswith("20") and len(commune) == 5:
        return "2A" if commune[2] in "0157" else "2B"
    return commune[:3] if commune.startswith(("97", "98")) else commune[:2].upper()
