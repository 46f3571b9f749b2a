"""What someone comes for, in their own words: a need of the study, a type of counter, or a citizen's errand."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass, replace

import geopandas as gpd
import pandas as pd

from geoguichet.coverage.errors import OrientationError
from geoguichet.coverage.study import Study
from geoguichet.coverage.supply import meets
from geoguichet.referentials.gazetteer import plain
from geoguichet.referentials.services import SERVICE_TYPES
from geoguichet.referentials.taxonomy import NEEDS

_IDLE = frozenset(
    [
        "a",
        "au",
        "aux",
        "d",
        "de",
        "des",
        "du",
        "en",
        "et",
        "l",
        "la",
        "le",
        "les",
        "ma",
        "mes",
        "mon",
        "nos",
        "notre",
        "ou",
        "par",
        "pour",
        "sa",
        "ses",
        "son",
        "sur",
        "un",
        "une",
        "faire",
        "refaire",
        "demander",
        "aller",
        "the",
        "an",
        "my",
        "for",
        "to",
        "of",
        "or",
        "get",
    ]
)
"""Words that do not tell one errand from another."""


@dataclass(frozen=True, slots=True)
class Errand:
    """What is asked for, and what answers it: the study's needs of these keys, counters of these types."""

    label: str
    types: tuple[str, ...]
    needs: tuple[str, ...]
    """Needs of the study that it is, or that the same types meet: what a kiosk must open."""
    need: str = ""
    """The need of the study itself, with its least hours; empty for a type or a citizen's errand."""
    note: str = ""

    def met_by(self, services: gpd.GeoDataFrame, study: Study) -> pd.Series:
        """Return True for the services that answer, whatever the moment the study asks the need for."""
        if self.need:
            return meets(services, replace(study.need(self.need), open_at=None))
        met: pd.Series = services["type"].isin(self.types)
        return met


def find_errand(study: Study, what: str) -> Errand:
    """Return what the words mean: a need's key, a type's key, else words of a need, of a type or of an errand.

    Raises
    ------
    OrientationError
        Nothing is called so, or several things are; the message lists them.
    """
    needs = {need.key: need for need in study.needs}
    if what in needs:
        need = needs[what]
        return Errand(need.label, need.types, (what,), need=what)
    names = _named(study)
    matches = [what] if what in names else _matching(names, what)
    if len(matches) != 1:
        close = matches or difflib.get_close_matches(what, [*needs, *names], n=3, cutoff=0.5)
        remedy = ", ".join(dict.fromkeys((*needs, *close)))
        more = (
            "peut désigner plusieurs choses"
            if matches
            else "n'est ni un besoin de l'étude, ni un type, ni une démarche"
        )
        raise OrientationError(f"{what!r} {more} ; essayez : {remedy}.")
    key = matches[0]
    if key in needs:
        return find_errand(study, key)
    citizen = NEEDS.get(key)
    types = (key,) if key in SERVICE_TYPES else citizen.types if citizen is not None else ()
    offered = tuple(need.key for need in study.needs if set(need.types) & set(types))
    return Errand(names[key][0], types, offered, note=citizen.note_fr if citizen and key not in SERVICE_TYPES else "")


def _named(study: Study) -> dict[str, tuple[str, ...]]:
    """Return the names of all that can be asked for, by key; of one key the study's come first, then the types'."""
    errands = {key: (need.label_fr, need.label_en) for key, need in NEEDS.items()}
    kinds = {key: (kind.label_fr, kind.plural_fr, kind.label_en, kind.plural_en) for key, kind in SERVICE_TYPES.items()}
    return {**errands, **kinds, **{need.key: (need.label,) for need in study.needs}}


def _matching(names: dict[str, tuple[str, ...]], what: str) -> list[str]:
    """Return the keys of which a name is the text; else of which a name holds the text's words, even half written."""
    asked = plain(what)
    words = [word for word in asked.split() if word not in _IDLE]
    exact = [key for key, told in names.items() if asked in map(plain, told)]
    if exact or not words:
        return exact
    held = [key for key, told in names.items() if any(_holds(plain(name).split(), words) for name in told)]
    errands = [key for key in held if key in NEEDS and key not in SERVICE_TYPES]
    return errands if len(errands) == 1 and len(words) > 1 else held


def _holds(name: Iterable[str], words: Iterable[str]) -> bool:
    parts = list(name)
    return all(any(part.startswith(word) for part in parts) for word in words)
