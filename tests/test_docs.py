"""The documentation holds all that it lists; ``make docs`` builds it and takes a warning for an
error.
"""

import re
import runpy
from pathlib import Path

import pytest

import geoguichet

DOCS = Path(__file__).parents[1] / "docs"


def test_the_index_of_decisions_has_each_with_its_title_status_and_date() -> None:
    made = runpy.run_path(str(DOCS / "index_of_decisions.py"))
    index = (DOCS / "decisions" / "index.md").read_text(encoding="utf-8")
    assert index == made["index"](), "make docs writes the index of decisions anew"
    pages = {file.stem for file in (DOCS / "decisions").glob("*.md")} - {"index"}
    assert {name for name, *_ in made["decisions"]()} == pages
    numbers = [number for _, number, *_ in made["decisions"]()]
    assert len(numbers) == len(set(numbers)), "two decisions have one number"
    superseding = {status[-3:] for *_, status, _ in made["decisions"]() if status != "accepted"}
    assert superseding <= set(numbers)


def test_the_reference_has_each_public_name_once() -> None:
    listed = re.findall(
        r"^\.\. auto(?:class|function):: geoguichet\.(\w+)$",
        (DOCS / "reference.rst").read_text(encoding="utf-8"),
        re.MULTILINE,
    )
    assert sorted(listed) == sorted(geoguichet.__all__)


def test_every_public_name_is_called_in_an_example_that_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = (DOCS / "library.md").read_text(encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    blocks = re.findall(r"^```python\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    for block in blocks:
        exec(compile(block, "docs/library.md", "exec"), names)
    called = set(re.findall(r"\bgg\.(\w+)", "".join(blocks)))
    assert sorted(called) == sorted(geoguichet.__all__)


def test_each_page_is_reached_from_the_front_page() -> None:
    front = (DOCS / "index.md").read_text(encoding="utf-8")
    pages = {file.stem for file in [*DOCS.glob("*.md"), *DOCS.glob("*.rst")]} - {"index"}
    assert {page for page in pages if f"\n{page}\n" not in front} == set()
