"""A checked filter as a condition of SQLite: parameterised, with the three values of SQL's logic.

It speaks of the row ``record`` of the tables of `catalogue.store`, or of the SQL that its
properties bring. What SQLite does not compute
(case, accents, remainders, geometries) are functions of ours, given to a connection by `register`.
"""

import math
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import shapely
from shapely.geometry.base import BaseGeometry

from geoguichet.catalogue.search.cql2 import (
    ARITHMETIC,
    ARRAY,
    COMPARISONS,
    SPATIAL,
    TEMPORAL,
    Call,
    Constant,
    Filter,
    Node,
    Property,
    accenti,
    casei,
)
from geoguichet.catalogue.search.tables import QUERYABLES, TERMS, sql_of

type Box = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class Sql:
    """A piece of SQL and the values of its question marks, in order."""

    text: str
    values: tuple[object, ...] = ()


@dataclass(frozen=True, slots=True)
class Condition:
    """A filter in SQL.

    ``where`` decides. Every record that passes also touches each of ``boxes`` and has, for each of
    ``terms`` (a property, its values), one of the values: an index can narrow the search before
    ``where`` is computed.
    """

    where: Sql
    boxes: tuple[Box, ...]
    terms: tuple[tuple[str, tuple[str, ...]], ...]


def translate(asked: Filter) -> Condition:
    """Translate a filter."""
    parts = tuple(_conjuncts(asked.condition))
    return Condition(
        _sql(asked.condition),
        tuple(box for part in parts for box in _needed_box(part)),
        tuple(term for part in parts for term in _needed_terms(part)),
    )


def register(database: sqlite3.Connection) -> None:
    """Give a connection the functions that translated filters call."""
    for name, count, function in (
        ("cql_casei", 1, _null_in_null_out(casei)),
        ("cql_accenti", 1, _null_in_null_out(accenti)),
        ("cql_remainder", 2, _arithmetic(math.fmod)),
        ("cql_quotient", 2, _arithmetic(lambda a, b: float(math.trunc(a / b)))),
        ("cql_power", 2, _arithmetic(math.pow)),
        ("cql_spatial", 3, _spatial),
    ):
        database.create_function(name, count, function, deterministic=True)


# --- expressions ----------------------------------------------------------------------------------


# Translate a condition, a text, a number or a geometry.
def _sql(node: Node) -> Sql:
    if isinstance(node, Property):
        return Sql(node.sql or sql_of(node.name))
    if isinstance(node, Constant):
        return Sql("?", (node.value.wkb if node.kind == "geometry" else node.value,))
    for names, translation in _TRANSLATIONS:
        if node.name in names:
            return translation(node)
    raise AssertionError(node.name)  # `parse_filter` knows the same names


def _like(node: Call) -> Sql:
    value, pattern = node.arguments
    return _call("({} GLOB ?)", _sql(value), after=(glob(str(getattr(pattern, "value", ""))),))


def glob(pattern: str) -> str:
    r"""Return a LIKE pattern (``%``, ``_``, ``\`` before either) as GLOB, which minds the case.

    >>> glob(r"100\% *_%")
    '100% [*]?*'
    """
    special = {"%": "*", "_": "?"}
    quoted = {"*": "[*]", "?": "[?]", "[": "[[]"}
    made, characters = [], iter(pattern)
    for character in characters:
        if character == "\\":
            following = next(characters, "\\")
            made.append(quoted.get(following, following))
        else:
            made.append(special.get(character) or quoted.get(character, character))
    return "".join(made)


def _is_null(node: Call) -> Sql:
    argument = node.arguments[0]
    if argument.kind == "array":
        values = _values(argument)
        return Sql(f"(NOT EXISTS ({values.text}))", values.values)
    if argument.kind in ("instant", "interval"):
        first, last = _span(argument)
        return _call("({} IS NULL OR {} IS NULL)", first, last)
    return _call("({} IS NULL)", _sql(argument))


def _between(node: Call) -> Sql:
    value, low, high = node.arguments
    return (
        _call("({} AND {})", _compared(">=", value, low), _compared("<=", value, high))
        if value.kind == "instant"
        else _call("({} BETWEEN {} AND {})", *map(_sql, node.arguments))
    )


def _comparison(node: Call) -> Sql:
    left, right = node.arguments
    return (
        _compared(node.name, left, right)
        if left.kind == "instant"
        else _call(f"({{}} {node.name} {{}})", _sql(left), _sql(right))
    )


# Compare instants as the time they last: one is before another that starts after its end, else they
# are equal.
def _compared(name: str, left: Node, right: Node) -> Sql:
    (first, last), (other_first, other_last) = _span(left), _span(right)
    before, after = _call("({} < {})", last, other_first), _call("({} > {})", first, other_last)
    if name in ("<", ">"):
        return before if name == "<" else after
    if name in ("<=", ">="):
        return _call("(NOT {})", after if name == "<=" else before)
    return _call("({} OR {})" if name == "<>" else "(NOT ({} OR {}))", before, after)


def _calculation(node: Call) -> Sql:
    functions = {
        "%": "cql_remainder({}, {})",
        "div": "cql_quotient({}, {})",
        "^": "cql_power({}, {})",
    }
    return _call(functions.get(node.name, f"({{}} {node.name} {{}})"), *map(_sql, node.arguments))


# Fill the braces of a form with pieces, in order; the form's own values stand before or after
# theirs.
def _call(
    form: str, *pieces: Sql, before: tuple[object, ...] = (), after: tuple[object, ...] = ()
) -> Sql:
    text = form.format(*(piece.text for piece in pieces))
    return Sql(text, before + tuple(value for piece in pieces for value in piece.values) + after)


# --- time -----------------------------------------------------------------------------------------

#: How period a (from a1 to a2) stands to period b.
_STANDS = {
    "t_after": "a1 > b2",
    "t_before": "a2 < b1",
    "t_contains": "a1 < b1 AND a2 > b2",
    "t_disjoint": "a1 > b2 OR a2 < b1",
    "t_during": "a1 > b1 AND a2 < b2",
    "t_equals": "a1 = b1 AND a2 = b2",
    "t_finishedby": "a1 < b1 AND a2 = b2",
    "t_finishes": "a1 > b1 AND a2 = b2",
    "t_intersects": "a1 <= b2 AND a2 >= b1",
    "t_meets": "b1 <= a2 AND b1 >= {day_of_a2}",
    "t_metby": "a1 <= b2 AND a1 >= {day_of_b2}",
    "t_overlappedby": "a1 > b1 AND a1 < b2 AND a2 > b2",
    "t_overlaps": "a1 < b1 AND a2 > b1 AND a2 < b2",
    "t_startedby": "a1 = b1 AND a2 > b2",
    "t_starts": "a1 = b1 AND a2 < b2",
}

#: When the end of a period begins: an end told as a day lasts that day, so that periods of days can
#: meet.
_DAY = (
    "CASE WHEN {0} LIKE '%T23:59:59.999999Z' THEN substr({0}, 1, 10) || 'T00:00:00.000000Z' "
    "ELSE {0} END"
)


# Return the first and the last key of an instant or an interval.
def _span(node: Node) -> tuple[Sql, Sql]:
    if isinstance(node, Constant):
        return Sql("?", (node.value[0],)), Sql("?", (node.value[1],))
    if isinstance(node, Property):
        return _sql(node), Sql(node.sql_end or QUERYABLES[node.name].sql_end)
    return _span(node.arguments[0])[0], _span(node.arguments[1])[1]


# Compare two periods; unknown when one of their ends is.
def _temporal(node: Call) -> Sql:
    stands = _STANDS[node.name].format(day_of_a2=_DAY.format("a2"), day_of_b2=_DAY.format("b2"))
    return _call(
        f"(SELECT CASE WHEN a1 || a2 || b1 || b2 IS NOT NULL THEN {stands} END "
        "FROM (SELECT {} AS a1, {} AS a2, {} AS b1, {} AS b2))",
        *_span(node.arguments[0]),
        *_span(node.arguments[1]),
    )


# --- arrays ---------------------------------------------------------------------------------------


# Return the query of the values of an array.
def _values(node: Node) -> Sql:
    return (
        Sql("VALUES " + ", ".join(["(?)"] * len(node.value)), node.value)
        if isinstance(node, Constant)
        else Sql(sql_of(getattr(node, "name", "")))
    )


# Compare two arrays as sets; unknown when one has no value.
def _array(node: Call) -> Sql:
    left, right = map(_values, node.arguments)
    holds = _call("NOT EXISTS (SELECT * FROM ({}) EXCEPT SELECT * FROM ({}))", right, left)
    held = _call("NOT EXISTS (SELECT * FROM ({}) EXCEPT SELECT * FROM ({}))", left, right)
    meets = _call("EXISTS (SELECT * FROM ({}) INTERSECT SELECT * FROM ({}))", left, right)
    both = _call("({} AND {})", holds, held)
    stands = {"a_contains": holds, "a_containedby": held, "a_overlaps": meets, "a_equals": both}[
        node.name
    ]
    return _call("(CASE WHEN EXISTS ({}) AND EXISTS ({}) THEN {} END)", left, right, stands)


# Yield what a record needs to pass ``A_CONTAINS(property, ...)``, ``A_OVERLAPS`` or ``A_EQUALS``.
def _needed_terms(node: Node) -> Iterator[tuple[str, tuple[str, ...]]]:
    if isinstance(node, Call) and node.name in ("a_contains", "a_overlaps", "a_equals"):
        held, wanted = node.arguments
        if isinstance(held, Property) and isinstance(wanted, Constant) and held.name in TERMS:
            yield held.name, wanted.value[:1] if node.name == "a_contains" else wanted.value


# --- space ----------------------------------------------------------------------------------------


# Compare two geometries; boxes that stand apart are told apart without reading the geometry.
def _spatial_call(node: Call) -> Sql:
    left, right = node.arguments
    exact = _call(f"cql_spatial('{node.name}', {{}}, {{}})", _sql(left), _sql(right))
    box = _box(left) or _box(right)
    held = next((one for one in node.arguments if isinstance(one, Property)), None)
    if box is None or held is None:
        return exact
    apart = held.apart or _RECORD_APART
    west, south, east, north = box
    answer = int(node.name == "s_disjoint")
    return _call(
        f"(CASE WHEN {apart} THEN {answer} ELSE {{}} END)", exact, before=(east, west, north, south)
    )


_RECORD_APART = (
    "record.west <= record.east AND (record.west > ? OR record.east < ? OR record.south > "
    "? OR record.north < ?)"
)


# Yield the box that a record touches if it passes this spatial condition.
def _needed_box(node: Node) -> Iterator[Box]:
    if isinstance(node, Call) and node.name in SPATIAL and node.name != "s_disjoint":
        boxes = [box for argument in node.arguments if (box := _box(argument))]
        if len(boxes) == 1:
            yield boxes[0]


def _box(node: Node) -> Box | None:
    return node.value.bounds if isinstance(node, Constant) and node.kind == "geometry" else None


# Yield the conditions that must all hold.
def _conjuncts(node: Node) -> Iterator[Node]:
    if isinstance(node, Call) and node.name == "and":
        for argument in node.arguments:
            yield from _conjuncts(argument)
    else:
        yield node


# --- functions ------------------------------------------------------------------------------------


def _null_in_null_out(function: Callable[[str], str]) -> Callable[[str | None], str | None]:
    return lambda text: None if text is None else function(str(text))


# Return a function that answers nothing where there is no number to answer.
def _arithmetic(
    function: Callable[[float, float], float],
) -> Callable[[float | None, float | None], float | None]:
    def answer(left: float | None, right: float | None) -> float | None:
        if left is None or right is None:
            return None
        try:
            number = function(left, right)
        except (ArithmeticError, ValueError):
            return None
        return number if math.isfinite(number) else None

    return answer


# Compare two geometries in WKB; nothing when one is missing.
def _spatial(name: str, left: bytes | None, right: bytes | None) -> bool | None:
    return (
        None if left is None or right is None else relate(name, _geometry(left), _geometry(right))
    )


def relate(name: str, left: BaseGeometry, right: BaseGeometry) -> bool | None:
    """Say whether two geometries stand as a spatial function of CQL2 says; nothing when GEOS cannot
    tell.
    """
    try:
        return bool(_PREDICATES[name](left, right))
    except shapely.errors.GEOSException:
        return None


_PREDICATES: Mapping[str, Callable[[Any, Any], Any]] = {
    "s_intersects": shapely.intersects,
    "s_equals": shapely.equals,
    "s_disjoint": shapely.disjoint,
    "s_touches": shapely.touches,
    "s_within": shapely.within,
    "s_overlaps": shapely.overlaps,
    "s_crosses": shapely.crosses,
    "s_contains": shapely.contains,
}


@lru_cache(maxsize=256)
def _geometry(wkb: bytes) -> BaseGeometry:
    geometry: BaseGeometry = shapely.from_wkb(wkb)
    shapely.prepare(geometry)
    return geometry


_TRANSLATIONS: tuple[tuple[tuple[str, ...], Callable[[Call], Sql]], ...] = (
    (
        ("and", "or"),
        lambda node: _call(
            "(" + f" {node.name.upper()} ".join("{}" for _ in node.arguments) + ")",
            *map(_sql, node.arguments),
        ),
    ),
    (("not",), lambda node: _call("(NOT {})", _sql(node.arguments[0]))),
    (COMPARISONS, _comparison),
    (("like",), _like),
    (("between",), _between),
    (("isnull",), _is_null),
    (
        ("casei", "accenti"),
        lambda node: _call(f"cql_{node.name}({{}})", _sql(node.arguments[0])),
    ),
    (ARITHMETIC, _calculation),
    (SPATIAL, _spatial_call),
    (TEMPORAL, _temporal),
    (ARRAY, _array),
)
