"""Every regular expression of the project takes the time of the length of a text, whatever the text.

Patterns are found in the source: compiled ones by their names, with the ways they are used, and
those that stand in a call. Texts are made of each: a part of it that repeats is repeated, after what
stands before it or alone, and the end does not match. The time is compared with that of a text four
times shorter, never with a clock.
"""

import ast
import importlib
import re
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from re import _constants, _parser  # type: ignore[attr-defined]  # the grammar of a pattern
from typing import Any, NamedTuple

import pytest

ROOT = Path(__file__).parents[1]
ROOMS = ("floor", "referentials", "catalogue", "coverage", "portal", "commands")
WAYS = frozenset({"match", "fullmatch", "search", "sub", "subn", "split", "findall", "finditer"})
REPEATS = (_constants.MAX_REPEAT, _constants.MIN_REPEAT, _constants.POSSESSIVE_REPEAT)
CATEGORIES = {
    _constants.CATEGORY_DIGIT: ("0", r"\d"),
    _constants.CATEGORY_NOT_DIGIT: ("a", r"\D"),
    _constants.CATEGORY_SPACE: (" ", r"\s"),
    _constants.CATEGORY_NOT_SPACE: ("a", r"\S"),
    _constants.CATEGORY_WORD: ("a", r"\w"),
    _constants.CATEGORY_NOT_WORD: ("!", r"\W"),
}
NOTICED_S = 0.008
"""Less than this is no time to compare: 4,000 letters take twice as long by their square."""
GROWTH = 9
"""Times as long for four times the text: 4 is linear, 16 is the square."""


class Pattern(NamedTuple):
    """An expression, where it stands, and how it is used."""

    compiled: re.Pattern[Any]
    where: str
    ways: frozenset[str]


def held(value: Any, depth: int = 0) -> Iterator[re.Pattern[Any]]:
    """The patterns that a value is or holds."""
    if isinstance(value, re.Pattern):
        yield value
    elif depth < 3 and isinstance(value, Mapping):
        yield from (one for pair in value.items() for one in held(pair, depth + 1))
    elif depth < 3 and isinstance(value, list | tuple | set | frozenset):
        yield from (one for item in value for one in held(item, depth + 1))


def patterns_of(file: Path) -> Iterator[Pattern]:
    place = file.relative_to(ROOT)
    source = file.read_text(encoding="utf-8")
    ways: dict[str, set[str]] = {}
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and getattr(node.func, "attr", "") in WAYS:
            holder, way = node.func.value, node.func.attr  # type: ignore[attr-defined]
            name = getattr(holder, "id", getattr(holder, "attr", ""))
            first = node.args[0] if node.args else None
            if name not in ("re", "str"):
                ways.setdefault(name, set()).add(way)
            elif isinstance(first, ast.Constant) and isinstance(first.value, str | bytes):
                yield Pattern(re.compile(first.value), f"{place}:{node.lineno}", frozenset({way}))
    if "re." in source:
        module = importlib.import_module(
            ".".join(("geoguichet", *place.with_suffix("").parts)).removesuffix(".__init__")
        )
        for name, value in vars(module).items():
            used = frozenset(ways.get(name, {"search"}))
            yield from (Pattern(one, f"{place}:{name}", used) for one in held(value))


def letters(items: list[Any]) -> list[str]:
    """Some of the letters that a set takes."""
    told = [
        chr(value if name is _constants.LITERAL else value[0])
        for name, value in items
        if name in (_constants.LITERAL, _constants.RANGE)
    ]
    told += [CATEGORIES[value][0] for name, value in items if name is _constants.CATEGORY]
    if items[0][0] is not _constants.NEGATE:
        return told
    left = (letter for letter in "a0 .,-/é'\n<" if not any(takes(one, letter) for one in items[1:]))
    return [*left] or ["\u4e00"]


def takes(item: tuple[Any, Any], letter: str) -> bool:
    name, value = item
    if name is _constants.CATEGORY:
        return re.match(CATEGORIES[value][1], letter) is not None
    low, high = value if name is _constants.RANGE else (value, value)
    return bool(low <= ord(letter) <= high)


def example(tree: Any) -> str:
    """A text that a part of a pattern takes, or nearly."""
    text = ""
    for name, value in tree:
        if name is _constants.LITERAL:
            text += chr(value)
        elif name in (_constants.NOT_LITERAL, _constants.ANY):
            text += "b" if value == ord("a") else "a"
        elif name is _constants.IN:
            text += letters(value)[0]
        elif name in REPEATS:
            text += example(value[2]) * max(value[0], min(value[1], 1))
        elif name is _constants.BRANCH:
            text += example(value[1][0])
        else:
            text += "".join(example(part) for part in parts(name, value))
    return text


def parts(name: Any, value: Any) -> list[Any]:
    """The parts inside a part of a pattern that takes text."""
    if name in REPEATS:
        return [value[2]]
    if name is _constants.BRANCH:
        return list(value[1])
    if name is _constants.SUBPATTERN:
        return [value[3]]
    return [value] if name is _constants.ATOMIC_GROUP else []


def repeated(tree: Any, before: str = "") -> Iterator[tuple[str, str]]:
    """What each part that may be repeated without end takes, and a text that leads to it."""
    for item in tree:
        name, value = item
        if name in REPEATS and value[1] > 100:
            yield before, example(value[2])
            if len(value[2]) == 1 and value[2][0][0] is _constants.IN:
                yield from ((before, letter) for letter in letters(value[2][0][1]))
        for part in parts(name, value):
            yield from repeated(part, before)
        before += example([item])


def taken_s(one: Pattern, way: str, text: str) -> float:
    said: Any = text if isinstance(one.compiled.pattern, str) else text.encode("latin-1", "replace")
    given = (said[:0], said) if way in ("sub", "subn") else (said,)
    began = time.process_time()
    found = getattr(one.compiled, way)(*given)
    if way == "finditer":
        list(found)
    return time.process_time() - began


def grows(one: Pattern, way: str, before: str, unit: str, end: str) -> bool:
    """Whether a text four times as long takes much more than four times as long."""

    def took(length: int) -> float:
        times = length if length < 100 else max(1, length // len(unit))
        text = before + unit * times + end
        first = taken_s(one, way, text)
        return first if first < NOTICED_S else min(first, taken_s(one, way, text))

    if any(took(length) > 10 * NOTICED_S for length in (12, 16, 20, 24, 28, 36, 250, 1_000)):
        return True
    shorter = took(4_000)
    return shorter > NOTICED_S and took(16_000) > GROWTH * shorter


def slow(one: Pattern) -> list[tuple[str, str, str]]:
    expression = one.compiled.pattern
    told = expression if isinstance(expression, str) else expression.decode("latin-1")
    tree = _parser.parse(told, one.compiled.flags)
    units = {*repeated(tree), ("", example(tree))}
    texts = {(before, unit) for pair in units for before, unit in (pair, ("", pair[1])) if unit}
    return [
        (way, before, unit)
        for way in one.ways
        for before, unit in sorted(texts)
        if any(grows(one, way, before, unit, end) for end in ("", "\x00", "!"))
    ]


@pytest.mark.parametrize("room", ROOMS)
def test_a_pattern_takes_the_time_of_the_length_of_a_text(room: str) -> None:
    found = {
        (one.compiled.pattern, one.compiled.flags, one.ways): one
        for file in sorted((ROOT / room).rglob("*.py"))
        for one in patterns_of(file)
    }
    assert found
    told = {one.where: texts[:2] for one in found.values() if (texts := slow(one))}
    assert not told


@pytest.mark.parametrize(
    ("expression", "way"),
    [
        (r"\s+x$", "search"),
        (r"(a+)+b", "match"),
        (r"\s*[,;\s]\s*x", "fullmatch"),
    ],
)
def test_a_pattern_that_takes_longer_is_seen(expression: str, way: str) -> None:
    assert slow(Pattern(re.compile(expression), "ici", frozenset({way})))
