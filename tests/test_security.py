"""The page of security: every requirement of ASVS level 1 is on it, every test it names is one."""

import ast
import re
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")

#: How many requirements of level 1 each section of ASVS 4.0.3 has.
LEVEL_1 = {
    "2.1": 12, "2.2": 3, "2.3": 1, "2.5": 6, "2.7": 4, "2.8": 1, "3.1": 1, "3.2": 3, "3.3": 2, "3.4": 5,
    "3.7": 1, "4.1": 4, "4.2": 2, "4.3": 2, "5.1": 5, "5.2": 8, "5.3": 10, "5.5": 4, "6.2": 1, "7.1": 2,
    "7.4": 1, "8.2": 3, "8.3": 4, "9.1": 3, "10.3": 3, "11.1": 5, "12.1": 1, "12.3": 5, "12.4": 2,
    "12.5": 2, "12.6": 1, "13.1": 2, "13.2": 3, "13.3": 1, "14.2": 3, "14.3": 2, "14.4": 7, "14.5": 3,
}  # fmt: skip


def test_every_requirement_has_its_line() -> None:
    numbers = re.findall(r"^\| (\d+\.\d+\.\d+) \| \S.* \| \S.* \|$", PAGE, re.MULTILINE)
    assert len(numbers) == len(set(numbers)) == 128
    assert Counter(number.rpartition(".")[0] for number in numbers) == LEVEL_1


def test_every_test_that_is_named_is_one() -> None:
    named = {*re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", PAGE)}
    assert len(named) > 50
    for file, name in named:
        tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
        functions = {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
        assert name in functions, f"{file}::{name}"


def test_the_pages_lead_to_each_other() -> None:
    assert "docs/security.md" in (ROOT / "SECURITY.md").read_text(encoding="utf-8")
    assert "\nsecurity\n" in (ROOT / "docs" / "index.md").read_text(encoding="utf-8")
