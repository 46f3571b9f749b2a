"""A filter of OGC CQL2 (21-065r2), text or JSON: read, checked, and ready for a store to translate.

The ``cql2`` package reads both encodings; what it hands over is checked here, once: every property
is known, every function gets the kinds of values it takes, every date and geometry is one.
QueryError names ``filter`` and says what is wrong, so a translation never fails.
"""

import json
import math
import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

import cql2
import pyproj
import shapely
from shapely.geometry.base import BaseGeometry

from geoguichet.catalogue.errors import QueryError, RecordError
from geoguichet.catalogue.record import Extent
from geoguichet.catalogue.search.tables import QUERYABLES, Kind
from geoguichet.catalogue.text import EARLIEST, LATEST, instant_keys
from geoguichet.floor.words import unheaped

#: A checked expression.
type Node = Property | Constant | Call

CRS84 = "http://www.opengis.net/def/crs/OGC/1.3/CRS84"
#: Reference systems whose coordinates a filter may hold: the parameter ``filter-crs``.
CRSS = (
    CRS84,
    *(f"http://www.opengis.net/def/crs/EPSG/0/{code}" for code in (4326, 4258, 2154, 3857)),
)

LANGUAGES = ("cql2-text", "cql2-json")

COMPARISONS = ("=", "<>", "<", "<=", ">", ">=")
ARITHMETIC = ("+", "-", "*", "/", "%", "div", "^")
SPATIAL = (
    "s_intersects", "s_equals", "s_disjoint", "s_touches", "s_within", "s_overlaps", "s_crosses",
    "s_contains",
)  # fmt: skip
TEMPORAL = (
    "t_after", "t_before", "t_contains", "t_disjoint", "t_during", "t_equals", "t_finishedby",
    "t_finishes",
    "t_intersects", "t_meets", "t_metby", "t_overlappedby", "t_overlaps", "t_startedby", "t_starts",
)  # fmt: skip
ARRAY = ("a_contains", "a_containedby", "a_equals", "a_overlaps")

MAXIMUM_LENGTH = 8000
MAXIMUM_DEPTH = 50


@dataclass(frozen=True, slots=True)
class Property:
    """The value of a property, of a record or of a feature."""

    name: str
    kind: Kind
    #: Its value as SQL, and that of its end where it is an instant or an interval (see
    #: `tables.Queryable`); a property of the record needs neither.
    sql: str = ""
    sql_end: str = ""
    #: That a geometry stands apart from a box (east, west, north, south), as SQL an index answers.
    apart: str = ""


@dataclass(frozen=True, slots=True)
class Constant:
    """A value: str, float, bool, a pair of keys (instants and intervals), a geometry in CRS84, a
    tuple of texts.
    """

    value: Any
    kind: Kind


@dataclass(frozen=True, slots=True)
class Call:
    """An operator or a function (in lower case) of other expressions."""

    name: str
    arguments: tuple[Node, ...]
    kind: Kind


@dataclass(frozen=True, slots=True)
class Filter:
    """A checked filter: the text it came as, and its condition (a boolean expression)."""

    text: str
    condition: Node

    def asked_of(self, properties: Mapping[str, Property]) -> Self:
        """Return the filter with the properties that one table has."""
        return replace(self, condition=_of_table(self.condition, properties))


def _of_table(node: Node, properties: Mapping[str, Property]) -> Node:
    if isinstance(node, Property):  # what a table has not, or otherwise, is missing in its rows
        own = properties.get(node.name)
        if own is None or own.kind != node.kind:
            return replace(node, sql="NULL", sql_end="NULL")
        return own
    if isinstance(node, Call):
        return replace(node, arguments=tuple(_of_table(one, properties) for one in node.arguments))
    return node


#: What may be asked about a record.
RECORD: Mapping[str, Property] = {
    name: Property(name, row.kind) for name, row in QUERYABLES.items()
}


def parse_filter(
    text: str, *, lang: str = "", crs: str = "", properties: Mapping[str, Property] = RECORD
) -> Filter:
    """Read a filter. Without ``lang`` a text that starts with a brace is CQL2 JSON.

    ``crs`` is the reference system of its coordinates, one of `CRSS`; without it, longitude and
    latitude. ``properties`` is what may be asked about: by default, what a record says.

    >>> parse_filter("title LIKE 'For%' AND NOT type = 'study'").condition.name
    'and'
    """
    if lang not in ("", *LANGUAGES):
        raise QueryError(
            f"filter-lang : « {lang[:40]} » est inconnu ; attendu {' ou '.join(LANGUAGES)}.",
            f"filter-lang: “{lang[:40]}” is unknown; expected {' or '.join(LANGUAGES)}.",
        )
    if crs not in ("", *CRSS):
        raise QueryError(
            f"filter-crs : « {crs[:80]} » n'est pas servi ; attendu {', '.join(CRSS)}.",
            f"filter-crs: “{crs[:80]}” is not served; expected {', '.join(CRSS)}.",
        )
    is_json = lang == "cql2-json" or (not lang and text.lstrip().startswith("{"))
    condition = _Reader(_to_crs84(crs), properties).read(_parsed(text, is_json=is_json))
    if condition.kind != "boolean":
        raise refused(
            "une condition (vraie ou fausse) est attendue.",
            "a condition (true or false) is expected.",
        )
    return Filter(text, condition)


def casei(text: str) -> str:
    """Return the text as CASEI compares it: without case."""
    return unicodedata.normalize("NFC", unheaped(text).casefold())


def accenti(text: str) -> str:
    """Return the text as ACCENTI compares it: without accents and ligatures.

    >>> accenti("Cœur de forêt")
    'Coeur de foret'
    """
    plain = unicodedata.normalize("NFD", unheaped(text))
    letters = "".join(c for c in plain if not unicodedata.combining(c))
    return unicodedata.normalize("NFC", letters.translate(_LIGATURES))


_LIGATURES = str.maketrans({"œ": "oe", "Œ": "OE", "æ": "ae", "Æ": "AE"})


# --- reading --------------------------------------------------------------------------------------


# Return the JSON form of a filter, by the ``cql2`` package.
def _parsed(text: str, *, is_json: bool) -> Any:
    if len(text) > MAXIMUM_LENGTH:
        raise refused(
            f"au plus {MAXIMUM_LENGTH} caractères sont attendus, reçu {len(text)}.",
            f"at most {MAXIMUM_LENGTH} characters are expected, received {len(text)}.",
        )
    if "\x00" in text or _too_nested(text):
        raise _too_deep()
    try:
        return (cql2.parse_json(text) if is_json else _parsed_text(text)).to_json()
    except (cql2.ParseError, ValueError) as error:
        where = re.search(r"--> \d+:(\d+)", str(error))
        place, here = (
            (f" (au caractère {where[1]})", f" (at character {where[1]})") if where else ("", "")
        )
        raise refused(
            f"l'expression n'est pas du CQL2 {'JSON' if is_json else 'texte'}{place}.",
            f"the expression is not CQL2 {'JSON' if is_json else 'text'}{here}.",
        ) from error


# Parse CQL2 text. The package reads ``''`` as an apostrophe; the standard also allows a backslash
# before it.
def _parsed_text(text: str) -> cql2.Expr:
    try:
        return cql2.parse_text(text)
    except cql2.ParseError:
        if "\\'" not in text:
            raise
        return cql2.parse_text(text.replace("\\'", "''"))


# Say whether the parser (a recursive one, in Rust: it would end the process) had better not see the
# text.
def _too_nested(text: str) -> bool:
    depth = deepest = 0
    for character in text:
        depth += (character in "([{") - (character in ")]}")
        deepest = max(deepest, depth)
    return (
        deepest > MAXIMUM_DEPTH * 2
        or _CHAIN.search(text) is not None
        or text.count("^") > MAXIMUM_DEPTH
    )


_CHAIN = re.compile(rf"(?i)(?:not[\s(]*){{{MAXIMUM_DEPTH}}}|(?:-\s*){{{MAXIMUM_DEPTH}}}")


# Return what takes a geometry of the reference system to longitude and latitude.
def _to_crs84(crs: str) -> Callable[[BaseGeometry], BaseGeometry]:
    if crs in ("", CRS84):
        return lambda geometry: geometry
    transformer = pyproj.Transformer.from_crs(crs, "OGC:CRS84")
    if (
        crs in CRSS[1:3]
    ):  # degrees too: only the order of the axes changes, edges stay what they are
        return lambda geometry: shapely.transform(geometry, lambda xy: xy[:, ::-1])

    def moved(geometry: BaseGeometry) -> BaseGeometry:
        size = shapely.box(*geometry.bounds).length
        dense = shapely.segmentize(geometry, size / 64) if size else geometry
        return shapely.transform(dense, transformer.transform, interleaved=False)

    return moved


class _Reader:
    """Makes checked expressions of the JSON form of CQL2."""

    def __init__(
        self,
        to_crs84: Callable[[BaseGeometry], BaseGeometry],
        properties: Mapping[str, Property],
    ) -> None:
        self.to_crs84 = to_crs84
        self.properties = properties

    def read(self, node: Any, depth: int = 0) -> Node:
        if depth > MAXIMUM_DEPTH:
            raise _too_deep()
        if isinstance(node, list):
            return self._array(node, depth)
        if not isinstance(node, Mapping):
            return _scalar(node)
        if "op" in node:
            return self._call(str(node["op"]).lower(), node.get("args") or [], depth + 1)
        if "property" in node:
            return self._property(node["property"])
        if "date" in node or "timestamp" in node:
            return _instant(node.get("date") or node.get("timestamp"))
        if "interval" in node:
            return self._interval(node["interval"], depth)
        return self._geometry(node)

    def _call(self, name: str, arguments: Sequence[Any], depth: int) -> Node:
        if name == "in":
            return self._membership(arguments, depth)
        read = tuple(self.read(argument, depth) for argument in arguments)
        if name in COMPARISONS or name == "between":
            read = _alike(read)
        _check(name, read)
        if name in ("casei", "accenti") and isinstance(read[0], Constant):
            return Constant((casei if name == "casei" else accenti)(read[0].value), "text")
        return Call(name, read, _GIVES.get(name, "boolean"))

    # ``x IN (a, b)`` is ``x = a OR x = b``.
    def _membership(self, arguments: Sequence[Any], depth: int) -> Node:
        if len(arguments) != 2 or not isinstance(arguments[1], list) or not arguments[1]:
            raise refused(
                "IN attend une valeur et une liste non vide.",
                "IN takes a value and a list that is not empty.",
            )
        value = self.read(arguments[0], depth)
        equals = []
        for item in arguments[1]:
            pair = _alike((value, self.read(item, depth)))
            _check("=", pair)
            equals.append(Call("=", pair, "boolean"))
        return Call("or", tuple(equals), "boolean") if len(equals) > 1 else equals[0]

    def _property(self, name: Any) -> Property:
        if not isinstance(name, str) or name not in self.properties:
            known = ", ".join(self.properties)
            raise refused(
                f"propriété « {name} » inconnue ; attendu {known}.",
                f"property “{name}” is unknown; expected {known}.",
            )
        return self.properties[name]

    def _array(self, items: list[Any], depth: int) -> Constant:
        read = [self.read(item, depth + 1) for item in items]
        if not all(isinstance(item, Constant) and item.kind == "text" for item in read):
            raise refused(
                "une liste de textes est attendue, par exemple ('eau', 'forêt').",
                "a list of texts is expected, such as ('water', 'forest').",
            )
        return Constant(tuple(item.value for item in read if isinstance(item, Constant)), "array")

    def _interval(self, ends: Any, depth: int) -> Node:
        if not isinstance(ends, list) or len(ends) != 2:
            raise refused(
                "INTERVAL attend deux bornes, « .. » si l'une est ouverte.",
                "INTERVAL takes two ends, “..” if one is open.",
            )
        start, end = (self._end(value, depth) for value in ends)
        if isinstance(start, Constant) and isinstance(end, Constant):
            if start.value[0] > end.value[1]:
                raise refused(
                    "le début d'un INTERVAL est après sa fin.",
                    "the start of an INTERVAL is after its end.",
                )
            return Constant((start.value[0], end.value[1]), "interval")
        return Call("interval", (start, end), "interval")

    def _end(self, value: Any, depth: int) -> Node:
        if value == "..":
            return Constant((EARLIEST, LATEST), "instant")
        end = _instant(value) if isinstance(value, str) else self.read(value, depth + 1)
        if end.kind != "instant":
            raise refused(
                "une borne d'INTERVAL est une date, une propriété datée ou « .. ».",
                "an end of an INTERVAL is a date, a property that is one, or “..”.",
            )
        return end

    def _geometry(self, node: Mapping[str, Any]) -> Constant:
        try:
            geometry = (
                shapely.from_geojson(json.dumps(_box(node["bbox"])))
                if "bbox" in node
                else shapely.force_2d(shapely.from_geojson(json.dumps(node)))
            )
            geometry = self.to_crs84(geometry)
        except (shapely.errors.GEOSException, RecordError, TypeError, ValueError) as error:
            told = json.dumps(node)[:60]
            raise refused(
                f"une géométrie est mal formée ({told}).", f"a geometry is malformed ({told})."
            ) from error
        if geometry is None or geometry.is_empty or not _is_on_earth(geometry.bounds):
            raise refused(
                "une géométrie non vide, aux coordonnées finies et possibles, est attendue.",
                "a geometry that is not empty, with finite and possible coordinates, is expected.",
            )
        return Constant(geometry if geometry.is_valid else shapely.make_valid(geometry), "geometry")


# Say whether a box may be degrees; a longitude may have gone round once.
def _is_on_earth(box: Sequence[float]) -> bool:
    west, south, east, north = box
    return -360 <= west <= east <= 360 and -90 <= south <= north <= 90


# Return ``BBOX(west, south, east, north)``, or six numbers, as GeoJSON; any reference system's
# numbers will do.
def _box(numbers: Sequence[float]) -> Mapping[str, Any]:
    half = len(numbers) // 2
    if len(numbers) not in (4, 6):
        raise ValueError("4 ou 6 nombres")
    west, south, east, north = numbers[0], numbers[1], numbers[half], numbers[half + 1]
    if west > east and abs(west) <= 180 and abs(east) <= 180:
        return Extent(west, south, east, north).as_geometry()
    ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    return {"type": "Polygon", "coordinates": [ring]}


def _scalar(value: Any) -> Constant:
    if isinstance(value, bool):
        return Constant(value, "boolean")
    if isinstance(value, int | float) and math.isfinite(value):
        return Constant(float(value), "number")
    if isinstance(value, str) and "\x00" not in value:
        return Constant(value, "text")
    raise refused(
        f"un texte, un nombre fini, vrai ou faux est attendu, reçu {value!r}.",
        f"a text, a finite number, true or false is expected, received {value!r}.",
    )


def _instant(value: Any) -> Constant:
    try:
        return Constant(instant_keys(str(value)), "instant")
    except RecordError as error:
        raise refused(
            str(error),
            f"date “{str(value)[:40]}”: YYYY, YYYY-MM, YYYY-MM-DD or YYYY-MM-DDThh:mm:ssZ, a day "
            "that is, is expected.",
        ) from error


def refused(french: str, english: str) -> QueryError:
    """Return the refusal of a filter."""
    return QueryError(f"filter : {french}", f"filter: {english}")


def _too_deep() -> QueryError:
    return refused(
        f"expression trop imbriquée ou illisible (au plus {MAXIMUM_DEPTH} niveaux).",
        f"the expression is nested too deep or cannot be read (at most {MAXIMUM_DEPTH} levels).",
    )


# --- checking -------------------------------------------------------------------------------------

_NAMES: Mapping[Kind, str] = {
    "text": "un texte", "number": "un nombre", "boolean": "une condition", "instant": "une date",
    "interval": "une période", "geometry": "une géométrie", "array": "une liste",
}  # fmt: skip
_ENGLISH: Mapping[Kind, str] = {
    "text": "a text", "number": "a number", "boolean": "a condition", "instant": "a date",
    "interval": "a period", "geometry": "a geometry", "array": "a list",
}  # fmt: skip

#: The kinds that each argument of an operator may have; AND and OR take two conditions or more.
_TAKES: Mapping[str, tuple[tuple[Kind, ...], ...]] = {
    "not": (("boolean",),),
    "like": (("text",), ("text",)),
    "casei": (("text",),),
    "accenti": (("text",),),
    "isnull": (("text", "number", "boolean", "instant", "interval", "geometry", "array"),),
    "between": (("number", "instant", "text"),) * 3,
    **dict.fromkeys(ARITHMETIC, (("number",),) * 2),
    **dict.fromkeys(COMPARISONS, (("text", "number", "boolean", "instant"),) * 2),
    **dict.fromkeys(SPATIAL, (("geometry",),) * 2),
    **dict.fromkeys(TEMPORAL, (("instant", "interval"),) * 2),
    **dict.fromkeys(ARRAY, (("array",),) * 2),
}


#: The kind of what an operator gives, where it is no condition.
_GIVES: Mapping[str, Kind] = {
    **dict.fromkeys(("casei", "accenti"), "text"),
    **dict.fromkeys(ARITHMETIC, "number"),
}


# Check that an operator exists and takes these arguments.
def _check(name: str, arguments: tuple[Node, ...]) -> None:
    takes = (
        (("boolean",),) * len(arguments)
        if name in ("and", "or") and len(arguments) > 1
        else _TAKES.get(name)
    )
    if takes is None:
        raise refused(
            f"fonction ou opérateur « {name[:40]} » inconnu (ou sans ses arguments).",
            f"function or operator “{name[:40]}” is unknown (or without its arguments).",
        )
    if len(arguments) != len(takes):
        raise refused(
            f"{name.upper()} attend {len(takes)} argument(s), reçu {len(arguments)}.",
            f"{name.upper()} takes {len(takes)} argument(s), received {len(arguments)}.",
        )
    for argument, kinds in zip(arguments, takes, strict=True):
        if argument.kind not in kinds:
            wanted, english = (joint.join(names[kind] for kind in kinds)
                               for names, joint in ((_NAMES, " ou "), (_ENGLISH,
                               " or ")))  # fmt: skip
            raise refused(
                f"{name.upper()} attend {wanted}, reçu {_NAMES[argument.kind]}.",
                f"{name.upper()} takes {english}, received {_ENGLISH[argument.kind]}.",
            )
    if name in COMPARISONS or name == "between":
        _check_alike(name, arguments)
    if name == "like" and not isinstance(arguments[1], Constant):
        raise refused(
            "LIKE attend un modèle écrit entre apostrophes.",
            "LIKE takes a pattern written between apostrophes.",
        )


def _check_alike(name: str, arguments: tuple[Node, ...]) -> None:
    kinds = {argument.kind for argument in arguments}
    if len(kinds) > 1:
        told, english = (joint.join(sorted(names[kind] for kind in kinds))
                         for names, joint in ((_NAMES, " et "), (_ENGLISH, " and ")))  # fmt: skip
        raise refused(
            f"{name.upper()} compare des valeurs de même nature, reçu {told}.",
            f"{name.upper()} compares values of one kind, received {english}.",
        )


# Read as dates the texts that are compared with dates.
def _alike(arguments: tuple[Node, ...]) -> tuple[Node, ...]:
    if not any(argument.kind == "instant" for argument in arguments):
        return arguments
    return tuple(
        _instant(argument.value)
        if isinstance(argument, Constant) and argument.kind == "text"
        else argument
        for argument in arguments
    )
