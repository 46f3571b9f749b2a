"""Refusals, findings and what is printed whose sentence stands outside the one mechanism for words:
the number of each room may only fall.

A room's sentences are put through ``floor.words`` when the room is next touched (decision 110); then
lower its number here.
"""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
MECHANISM = {"_", "ngettext", "pgettext", "Message", "BadKeyError", "format", "given"}
TELLING = {"Finding", "print"}
OUTSIDE = {
    "floor": 8,
    "referentials": 106,
    "catalogue": 109,
    "coverage": 90,
    "coverage/outputs": 0,
    "portal": 5,
    "commands": 0,
    "cli.py": 0,
}


def name(call: ast.Call) -> str:
    return getattr(call.func, "id", getattr(call.func, "attr", ""))


def words(node: ast.AST) -> Iterator[str]:
    """The texts of an expression that hold words, those said through the mechanism left out."""
    if isinstance(node, ast.Call) and name(node) in MECHANISM:
        return
    if isinstance(node, ast.Constant) and isinstance(node.value, str) and " " in node.value.strip():
        yield node.value
    for child in ast.iter_child_nodes(node):
        yield from words(child)


def outside(file: Path) -> list[int]:
    """The lines of a file that refuse, find or print a sentence outside the mechanism."""
    found = []
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        told = node.exc if isinstance(node, ast.Raise) else node
        tells = isinstance(told, ast.Call) and (
            isinstance(node, ast.Raise) or name(told) in TELLING
        )
        if tells and any(words(told)):
            found.append(node.lineno)
    return found


def files(place: str) -> list[Path]:
    every = [ROOT / place] if place.endswith(".py") else sorted((ROOT / place).rglob("*.py"))
    deeper = [other for other in OUTSIDE if other.startswith(f"{place}/")]
    return [
        file for file in every if not any(file.is_relative_to(ROOT / other) for other in deeper)
    ]


@pytest.mark.parametrize("place", OUTSIDE)
def test_sentences_outside_the_mechanism_only_fall(place: str) -> None:
    found = {file.relative_to(ROOT).as_posix(): outside(file) for file in files(place)}
    count = sum(map(len, found.values()))
    told = {file: lines for file, lines in found.items() if lines}
    assert count <= OUTSIDE[place], f"{count} sentences, {OUTSIDE[place]} allowed: {told}"
