"""The names that others write against: reachable, documented, typed, and imported only when asked
for.
"""

import ast
import doctest
import re
import subprocess
import sys
from importlib import import_module
from inspect import isclass
from pathlib import Path

import pytest

import geoguichet

ROOT = Path(__file__).parents[1]
#: Those whose docstring shows a call and what it gives.
EXEMPLARY = (
    "white_zones",
    "site_kiosks",
    "nearest",
    "reach",
    "isochrones",
    "catchments",
    "compare",
    "read_study",
    "parse_study",
    "run",
    "find_white_zones",
    "sensitivity",
    "map_picture",
    "gain_curve",
    "write",
    "publish",
    "replay",
)


def told_to_type_checkers() -> dict[str, str]:
    """Name -> module, as the imports under TYPE_CHECKING say it."""
    (block,) = (
        node
        for node in ast.parse((ROOT / "__init__.py").read_text(encoding="utf-8")).body
        if isinstance(node, ast.If)
    )
    return {
        alias.name: node.module
        for node in block.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
        if alias.asname == alias.name
    }


@pytest.mark.parametrize("name", geoguichet.__all__)
def test_a_public_name_is_there_documented_and_defined_where_it_is_said(name: str) -> None:
    found = getattr(geoguichet, name)
    assert found.__doc__
    assert found.__module__ == told_to_type_checkers()[name]
    assert getattr(import_module(found.__module__), name) is found
    assert name in dir(geoguichet)


@pytest.fixture(scope="module")
def told() -> dict[str, object]:
    """What examples name without making it: the study that ``parse_study`` shows, and its answer."""
    study = geoguichet.parse_study(
        {
            "study": {"id": "ariege", "title": "Un guichet de l'État à 25 km"},
            "territory": {"name": "Ariège", "departements": ["09"]},
            "services": {"etat": {"types": ["prefecture", "sous_prefecture"], "within": "25 km"}},
            "rule": {"all": ["etat"]},
            "kiosks": {"count": 3, "candidates": ["town_hall"], "reach": "8 km"},
        }
    )
    return {"study": study, "result": geoguichet.run(study)}


@pytest.mark.parametrize("name", EXEMPLARY)
def test_the_example_of_a_public_name_gives_what_it_says(
    name: str, told: dict[str, object]
) -> None:
    found = getattr(geoguichet, name)
    (example,) = doctest.DocTestFinder(recurse=False).find(found, name, globs={})
    assert example.examples, f"{name} has no example"
    example.globs = told | {name: found}
    assert doctest.DocTestRunner().run(example).failed == 0


@pytest.mark.parametrize(
    "name", [name for name in geoguichet.__all__ if not isclass(getattr(geoguichet, name))]
)
def test_a_public_function_says_what_it_gives_and_what_it_refuses(name: str) -> None:
    said = getattr(geoguichet, name).__doc__
    assert re.search(r"\breturn|^ *Returns$", said, re.IGNORECASE | re.MULTILINE)
    assert re.search(
        r"^ *Raises$|[Nn]ever\s+(?:raises|refused)|[Ss]ame errors as", said, re.MULTILINE
    )


def test_type_checkers_are_told_the_same_names() -> None:
    assert sorted(told_to_type_checkers()) == sorted(geoguichet.__all__)
    assert (ROOT / "py.typed").exists()


def test_an_unknown_name_is_refused_as_python_does() -> None:
    with pytest.raises(AttributeError, match="no attribute 'black_zones'"):
        geoguichet.black_zones  # noqa: B018
    with pytest.raises(ImportError):
        import_module("geoguichet.black_zones")


def test_importing_it_imports_nothing_else() -> None:
    code = (
        "import sys; before = {*sys.modules}; import geoguichet; "
        "print(*({name.split('.')[0] for name in {*sys.modules} - before} "
        "- sys.stdlib_module_names))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT.parent
    )
    assert done.stdout.split() == ["geoguichet"]
