"""What the words and numbers of a source of roads mean, by ``words.toml``; what is not in it is
counted and named.
"""

import re
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from geoguichet.floor.files import read_toml
from geoguichet.floor.findings import Unread, refuse_unread
from geoguichet.floor.words import Message, _, bare
from geoguichet.referentials.roads.network_file import ROAD_CLASSES, Floats, RoadLines

#: What a word means when nothing is said, and when we do not know it.
UNSAID, UNKNOWN = "", "?"

#: What a row has whose word of a field we do not know; of the measures, the speed of its class.
DEFAULTS = {
    "class": Message("une route sans classe (unclassified)"),
    "importance": Message("la classe que dit sa nature"),
    "road": Message("laissée hors du réseau"),
    "oneway": Message("à double sens"),
    "access": Message("ouverte"),
    "state": Message("en service"),
    "barrier": Message("laisse passer"),
    "urban": Message("hors agglomération"),
}
_BY_CLASS = Message("parcourue à la vitesse de sa classe")

_WORDS = read_toml(Path(__file__).with_name("words.toml"))

#: The columns of published layers, by the name of the layer.
MAPPINGS: dict[str, dict[str, str]] = _WORDS["columns"]

#: What stands in OpenStreetMap's key for roads and is none.
NO_ROAD = frozenset(_WORDS["no_road"]["words"])

_THOUSANDS = re.compile(r"(?<=\d)[\s\u00a0\u202f]+(?=\d{3})")
_NUMBER = re.compile(r"([+-]?\d+(?:\.\d+)?)\s*(.*)")


def folded(word: object) -> str:
    """Return a word as it is compared.

    >>> folded(" Départementale "), folded("motorway_link"), folded(1.0)
    ('departementale', 'motorway link', '1')
    """
    told = " ".join(bare(str(word).replace("_", " ")).replace("’", "'").split())
    return re.sub(r"^([+-]?\d+)\.0+$", r"\1", told)


@cache
def vocabulary(field: str) -> Mapping[str, str]:
    """Return what each folded word of a field means."""
    known = dict.fromkeys(_WORDS["unsaid"], UNSAID)
    if field == "class":
        known |= {folded(name): name for name in ROAD_CLASSES}
    return known | {word: sense for sense, words in _WORDS[field].items() for word in words}


class Reading:
    """The columns of a source read so far, and what of them was not understood.

    ``lines`` is the line of the file that each row stands on; ``of`` how many rows a column has,
    where it is not said on each.
    """

    def __init__(self, where: str, lines: npt.ArrayLike, *, of: int | None = None) -> None:
        self.where, self.lines, self.of = where, np.asarray(lines), of
        self.unread: list[Unread] = []
        self.unsaid: dict[str, int] = {}

    def words(self, field: str, column: str, values: Iterable[Any]) -> npt.NDArray[np.object_]:
        """Return what each word means in :data:`vocabulary`; a list joined by ``;`` is open if one
        is.
        """
        said, rank = _distinct(values)
        plain = [folded(word) for word in said]
        known = dict(vocabulary(field))
        for letters in _WORDS["letters"] if field == "oneway" else ():
            if set(letters["seen"]) & set(plain):
                senses = ((sense, words) for sense, words in letters.items() if sense != "seen")
                known |= {word: sense for sense, words in senses for word in words}
        sense = np.array([_of_list(word, known) for word in plain], dtype=object)
        self._count(field, column, said, rank, sense == UNKNOWN, sense == UNSAID)
        return sense[rank]

    def numbers(self, field: str, column: str, values: Iterable[Any]) -> Floats:
        """Return numbers in our unit, NaN where nothing is said or understood: ``1 000,5``,
        ``90 km/h``.
        """
        said, rank = _distinct(values)
        read = quantities(said, field)
        unsaid = np.array([folded(word) in _WORDS["unsaid"] for word in said], dtype=bool)
        if field == "speed_kmh" and folded(column) in _WORDS["zero_unsaid"]:
            unsaid |= read == 0
        read[unsaid | (read < 0)] = np.nan
        self._count(field, column, said, rank, np.isnan(read) & ~unsaid, unsaid)
        return read[rank]

    def names(self, values: Iterable[Any]) -> npt.NDArray[np.object_]:
        """Return names as they are written, empty where there is none."""
        said, rank = _distinct(values)
        unsaid = np.array([folded(word) in _WORDS["unsaid"] for word in said], dtype=bool)
        return np.asarray(np.where(unsaid, "", said)[rank], dtype=object)

    # Name the words that are not understood, with how many rows have them and the first.
    def _count(
        self,
        field: str,
        column: str,
        said: npt.NDArray[np.object_],
        rank: npt.NDArray[np.intp],
        unknown: npt.NDArray[np.bool_],
        unsaid: npt.NDArray[np.bool_],
    ) -> None:
        _, first, rows = np.unique(rank, return_index=True, return_counts=True)
        self.unsaid[field] = self.unsaid.get(field, 0) + int(rows[unsaid].sum())
        self.unread += [
            Unread(
                self.where, field, column, str(said[word]), int(rows[word]),
                int(self.lines[first[word]]), self.of or len(rank),
            )
            for word in np.flatnonzero(unknown)
        ]  # fmt: skip


def _distinct(values: Iterable[Any]) -> tuple[npt.NDArray[np.object_], npt.NDArray[np.intp]]:
    column = pd.Series(values, dtype=object)
    first, cells = pd.factorize(column.where(column.notna(), ""))
    # half a letter, which a damaged file may hold, is none
    texts = [str(cell).strip().encode("utf-8", "replace").decode() for cell in cells]
    again, said = pd.factorize(np.array(texts, dtype=object))
    return np.asarray(said, dtype=object), again[first]


def _of_list(word: str, known: Mapping[str, str]) -> str:
    senses = {known.get(part.strip(), UNKNOWN) for part in word.split(";")}
    if word in known or len(senses) == 1:
        return known.get(word, min(senses))
    return next((sense for sense in ("open", UNKNOWN, "closed") if sense in senses), UNKNOWN)


def at_ends(said: Iterable[str]) -> npt.NDArray[np.bool_]:
    """Return which texts of access let pass only where a journey begins or ends (``[ends]``).

    >>> at_ends(["private", "no;destination", "yes;private", "yes", ""]).tolist()
    [True, True, False, False, False]
    """
    held, known = set(_WORDS["ends"]["held"]), vocabulary("access")
    texts, rank = _distinct(said)
    parts = [{part.strip() for part in folded(text).split(";")} for text in texts]
    free = [any(known.get(part) == "open" for part in several - held) for several in parts]
    only = [bool(several & held) for several in parts]
    return np.asarray(np.array(only, dtype=bool) & ~np.array(free, dtype=bool))[rank]


def quantities(said: Iterable[str], field: str) -> Floats:
    """Return texts as numbers in the unit of a field (``speed_kmh``, ``length_m``, ``seconds``),
    NaN where they are none; a comma is decimal.

    >>> quantities(["1 000,5", "30 mph", "FR:urban", "vite"], "speed_kmh").tolist()
    [1000.5, 48.28032, 50.0, nan]
    """
    texts, units = pd.Series(list(said), dtype=object), _WORDS["units"].get(field, {})
    read = pd.to_numeric(texts, errors="coerce").to_numpy(dtype=np.float64, copy=True)
    for odd in np.flatnonzero(~np.isfinite(read)):
        read[odd] = _quantity(str(texts[odd]).split(";")[0], units)
        if np.isnan(read[odd]) and field == "speed_kmh":
            word = folded(texts[odd])
            read[odd] = _WORDS["limits"].get(word.partition(":")[2] or word, np.nan)
    return np.where(np.isfinite(read), read, np.nan)


def _quantity(text: str, units: Mapping[str, float]) -> float:
    plain = _THOUSANDS.sub("", text.strip())
    if "," in plain:
        plain = plain.replace(".", "").replace(",", ".", 1)
    found = _NUMBER.fullmatch(plain)
    if found is None:
        return np.nan
    unit = folded(found[2])
    return float(found[1]) * (units.get(unit, np.nan) if unit else 1.0)


def not_understood(unread: Mapping[str, Any]) -> Message:
    """Return what is said of a word that a network's manifest names (``unknown_words``), and what its
    rows have instead.
    """
    return Message(
        "{where}, colonne « {column} » : « {word} » n'est pas compris ({rows} lignes, dont la {line}) ; "
        "chacune est alors : {default}.",
        **{key: unread[key] for key in ("where", "column", "word", "rows", "line")},
        default=DEFAULTS.get(unread["field"], _BY_CLASS),
    )


def check_understood(parts: Iterable[RoadLines], max_unknown: float) -> None:
    """Refuse sources of which a column holds too many words that we do not know.

    Raises
    ------
    LayerError
        More than ``max_unknown`` of a column's rows.
    """
    unread = (unread for part in parts for unread in part.unread)
    refuse_unread(unread, max_unknown, expected=_expected)


def _expected(field: str) -> str:
    if field in _WORDS["units"]:
        units = ", ".join(_WORDS["units"][field])
        return _("un nombre, seul ou suivi de {units}", units=units)
    known = _WORDS["class" if field == "road" else field]
    words = [ROAD_CLASSES[0]] if known is _WORDS["class"] else []
    words += [several[0] for several in known.values() if several]
    return _("un mot comme {words}", words=", ".join(words[:12]))
