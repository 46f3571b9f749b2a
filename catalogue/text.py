"""How words, places and moments are compared: French words without accents, without elided
articles, by their stem; boxes by the cells they lie in; dates by their first and last moment.

Accents are folded *before* stemming, on both sides: stemming first loses « rivière » or « sécurité
» when the reader types them without accents. Adjectives and plurals that the stemmer leaves apart
from their noun (communal, emplois) take the stem of the noun (commune, emploi).
"""

import math
import re
import unicodedata
from calendar import monthrange
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime
from functools import lru_cache
from hashlib import blake2b
from threading import Lock

import Stemmer

from geoguichet.catalogue.errors import RecordError
from geoguichet.floor.words import unheaped

#: Version of the folding and stemming; a store indexed with another one indexes itself anew.
ANALYSIS = f"3+snowball-{Stemmer.version()}"

_LIGATURES = str.maketrans({"œ": "oe", "æ": "ae", "ß": "ss", "ø": "o", "ł": "l", "đ": "d"})
#: The accents of Latin letters, as characters of their own.
_ACCENTS = re.compile("[\u0300-\u034e\u0350-\u036f]+")
_OTHER = re.compile("[^\x00-\x7f]+")
_ELISION = re.compile(r"\b(?:[cdjlmnst]|qu|jusqu|lorsqu|puisqu|quoiqu)['’ʼ`´′]")
_APOSTROPHE = re.compile("['’ʼ`´′]")
_WORD = re.compile(r"[^\W_]+")
#: Texts whose words can be told apart before they are folded, so that each word is folded once.
_FRENCH = re.compile(r"[\x00-\x7fÀ-ÖØ-öø-ÿŒœ‘’“”«»–—…°€]*")
#: An accented word before an apostrophe. Each word is walked once, from its start: a search that
#: starts again at each letter takes the square of the time of a long word.
_ODD_ELISION = re.compile(r"\b[^\WÀ-ÿŒœ]*+[À-ÿŒœ]\w*+['’`´]")
_stemmer_lock = Lock()

_LITTLE = (
    "a au aux avec ce ces cette dans de des du en et la le les leur leurs ou par pour sa "
    "ses son sur un une"
)
#: Words that say nothing of what is looked for, folded: ``qualité eau`` finds ``qualité de l'eau``.
_PASSED_OVER = frozenset(_LITTLE.split())

#: Nouns, and the words that a search finds with them.
DERIVED = {
    "agriculture": "agricole agricoles",
    "cadastre": "cadastral cadastrale cadastrales cadastraux",
    "canton": "cantonal cantonale cantonales cantonaux",
    "cartographie": "cartographique",
    "climat": "climatique",
    "commune": "communal communale communales communaux",
    "démographie": "démographique",
    "département": "départemental départementale départementales départementaux",
    "écologie": "écologique",
    "énergie": "énergétique",
    "forêt": "forestier forestière forestières",
    "géologie": "géologique",
    "hôpital": "hospitalier hospitalière",
    "hydrographie": "hydrographique",
    "intercommunalité": "intercommunal intercommunale intercommunales intercommunaux",
    "lieu": "lieux",
    "littoral": "littoraux",
    "préfecture": "préfectoral préfectorale préfectoraux",
    "région": "régional régionale régionales régionaux",
    "route": "routier routière routières",
    "territoire": "territorial territoriale territoriales territoriaux",
    "tourisme": "touristique",
}


def fold(text: str) -> str:
    """Return the text in lower case, without accents and ligatures.

    >>> fold("Forêts de l’ŒUVRE")
    'forets de l’oeuvre'
    """
    if text.isascii():
        return text.lower()
    plain = unicodedata.normalize("NFKD", unheaped(text)).casefold()
    letters = _ACCENTS.sub("", unicodedata.normalize("NFKD", plain))
    if letters.isascii():
        return letters
    return _OTHER.sub(_uncombined, letters).translate(_LIGATURES)


def _uncombined(letters: re.Match[str]) -> str:
    return "".join(letter for letter in letters[0] if not unicodedata.combining(letter))


def words(text: str) -> tuple[str, ...]:
    """Return the folded words in order, elided articles (``l'``, ``d'``, ``qu'``) left out.

    >>> words("Qualité de l'eau d’Auch")
    ('qualite', 'de', 'eau', 'auch')
    """
    return tuple(_WORD.findall(_ELISION.sub(" ", fold(text))))


def stems(text: str) -> tuple[str, ...]:
    """Return the stems of the words in order, articles and prepositions left out: what is indexed
    and asked for.

    >>> stems("la qualité des Eaux") == stems("QUALITE DE L'EAU")
    True
    """
    return _stems_met_again(text) if len(text) < _SHORT else _stems(text)


#: Texts shorter than this are keywords, titles and names: many records share them, so their stems
#: are remembered.
_SHORT = 80


def _stems(text: str) -> tuple[str, ...]:
    plain = text.isascii()
    if not plain and (not _FRENCH.fullmatch(text) or _ODD_ELISION.search(text)):
        return tuple(filter(None, map(_stem, words(text))))
    told = text.lower()
    if _APOSTROPHE.search(told):
        told = _ELISION.sub(" ", told)
    return tuple(filter(None, map(_STEMS.__getitem__, _WORD.findall(told))))


_stems_met_again = lru_cache(maxsize=1 << 14)(_stems)


def token(kind: str, value: str) -> str:
    """Return the index word that stands for one exact value of a kind, such as a type or a
    keyword.
    """
    return kind + blake2b(value.encode(), digest_size=8).hexdigest()


class _Stems(dict[str, str]):
    """The stem of each word met, as it is written; a table is asked four times faster than a cache
    that knows what it saw last.
    """

    def __missing__(self, word: str) -> str:
        stem = _stem(fold(word))
        if len(self) < 1 << 17:
            self[word] = stem
        return stem


_STEMS = _Stems()


# Return the stem of one folded word, or of the noun it derives from; empty for a word passed over.
@lru_cache(maxsize=1 << 17)
def _stem(word: str) -> str:
    if word in _PASSED_OVER:
        return ""
    stem = _snowball(word)
    return _derived().get(stem, stem)


# Stem one folded word. The stemmer holds state while it works, hence the lock.
def _snowball(word: str) -> str:
    if word.endswith("s") and _PLURAL.fullmatch(word) and word not in _NO_PLURALS:
        word = word[:-1]
    with _stemmer_lock:
        return str(_stemmer().stemWord(word))


#: Plurals that Snowball leaves apart from their singular (``vélos``, ``emplois``): both sides lose
#: their ``s``.
_PLURAL = re.compile("[a-z]{2,}[aiou]s")
#: Words that would become another one: ``plus`` is no PLU.
_NO_PLURALS = frozenset({"plus"})


@lru_cache(maxsize=1)
def _derived() -> dict[str, str]:
    return {
        _snowball(fold(word)): _snowball(fold(noun))
        for noun, derived in DERIVED.items()
        for word in derived.split()
    }


@lru_cache(maxsize=1)
def _stemmer() -> Stemmer.Stemmer:
    return Stemmer.Stemmer("french", 0)  # which remembers no word: `_stem` does


# Places as words of the full-text index: cells of a quadtree of the globe. One index answers
# words and place.

#: West, south, east, north, in degrees; west is not beyond east.
type _Box = tuple[float, float, float, float]

#: Level 10 has 1024 x 1024 cells, 0.35 by 0.18 degrees.
_DEEPEST = 10


def tokens_of(boxes: Iterable[_Box]) -> list[str]:
    """Return the tokens of a record's place: the few cells that cover it, and the cells those lie
    in.
    """
    cells, around = _cells(boxes, 4)
    return _cell_tokens("c", cells) + _cell_tokens("i", around)


def tokens_touching(boxes: Iterable[_Box]) -> list[str]:
    """Return the tokens of which a record has at least one if it touches the boxes (and of some that
    do not).
    """
    cells, around = _cells(boxes, 12)
    return _cell_tokens("c", cells | around) + _cell_tokens("i", cells)


#: Level, column from the west, row from the south.
type _Cell = tuple[int, int, int]


# Return the cells of the deepest level at which no more than ``most`` are needed to cover a box.
def _cover(box: _Box, most: int) -> list[_Cell]:
    for level in range(_DEEPEST, 0, -1):
        west, south, east, north = _grid(box, level)
        if (east - west + 1) * (north - south + 1) <= most:
            return [(level, x, y) for x in range(west, east + 1) for y in range(south, north + 1)]
    return [(0, 0, 0)]


# Return the cells of the corners of a box, west, south, east and north.
def _grid(box: _Box, level: int) -> tuple[int, int, int, int]:
    side = 1 << level
    west, east = ((longitude + 180.0) / 360.0 * side for longitude in (box[0], box[2]))
    south, north = ((latitude + 90.0) / 180.0 * side for latitude in (box[1], box[3]))
    # a corner on a line between cells belongs to both, so that boxes that only touch meet in a cell
    low = (max(0, math.ceil(edge) - 1) for edge in (west, south))
    high = (min(side - 1, math.floor(edge)) for edge in (east, north))
    (first, second), (third, fourth) = low, high
    return first, second, third, fourth


# Return the cells that cover boxes, at most so many a box, and those that they lie in.
def _cells(boxes: Iterable[_Box], most: int) -> tuple[set[_Cell], set[_Cell]]:
    cells = {cell for box in boxes for cell in _cover(box, most)}
    return cells, {above for cell in cells for above in _ancestors(cell)}


def _ancestors(cell: _Cell) -> Iterator[_Cell]:
    level, x, y = cell
    while level:
        level, x, y = level - 1, x >> 1, y >> 1
        yield level, x, y


def _cell_tokens(kind: str, cells: set[_Cell]) -> list[str]:
    return [f"q{kind}{level}x{x}x{y}" for level, x, y in sorted(cells)]


# Moments: a date, whatever its precision, by the keys of its first and last instant.

#: Sort keys of an open start and an open end: before and after every instant's key.
EARLIEST, LATEST = "", "~"


@lru_cache(maxsize=1 << 14)
def instant_keys(text: str) -> tuple[str, str]:
    """Return the sort keys of the first and last moment of a year, month, day or RFC 3339
    timestamp.

    >>> instant_keys("2021-02")
    ('2021-02-01T00:00:00.000000Z', '2021-02-28T23:59:59.999999Z')
    """
    if match := _PARTIAL_DATE.fullmatch(text):
        return _day_keys(text, *(None if part is None else int(part) for part in match.groups()))
    if not _TIMESTAMP.fullmatch(text):
        raise RecordError(_NOT_A_DATE.format(text))
    try:
        moment = datetime.fromisoformat(text.upper()).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise RecordError(_NOT_A_DATE.format(text)) from error
    key = f"{moment.replace(tzinfo=None).isoformat(timespec='microseconds')}Z"
    return key, key


def interval_keys(start: str, end: str) -> tuple[str, str]:
    """Return the sort keys of an interval whose ends are instants, or ``..`` or empty when open."""
    first = EARLIEST if start in ("", "..") else instant_keys(start)[0]
    last = LATEST if end in ("", "..") else instant_keys(end)[1]
    if first > last:
        raise RecordError(f"intervalle « {start}/{end} » : le début est après la fin.")
    return first, last


_PARTIAL_DATE = re.compile(r"([0-9]{4})(?:-([0-9]{2})(?:-([0-9]{2}))?)?")
_TIMESTAMP = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt][0-9]{2}:[0-9]{2}(:[0-9]{2}([.,][0-9]+)?)?([Zz]|[+-][0-9]{2}:[0-9]{2})"
)
_NOT_A_DATE = "date « {} » : attendu AAAA, AAAA-MM, AAAA-MM-JJ ou AAAA-MM-JJThh:mm:ssZ."


def _day_keys(text: str, year: int | None, month: int | None, day: int | None) -> tuple[str, str]:
    try:
        first = date(year or 0, 1 if month is None else month, 1 if day is None else day)
    except ValueError as error:
        raise RecordError(f"date « {text} » : ce jour n'existe pas.") from error
    if day is None:
        month = month or 12
        last = date(first.year, month, monthrange(first.year, month)[1])
    else:
        last = first
    return f"{first.isoformat()}T00:00:00.000000Z", f"{last.isoformat()}T23:59:59.999999Z"
