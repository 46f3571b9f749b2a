"""The names that others write against: reachable, documented, typed, and imported only when asked
for.
"""

import ast
import doctest
import inspect
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import chdir
from functools import cache
from importlib import import_module
from inspect import isclass
from pathlib import Path

import geopandas as gpd
import pytest
from shapely import Point

import geoguichet

ROOT = Path(__file__).parents[1]
POINTS = gpd.GeoDataFrame({"nom": ["Foix"]}, geometry=[Point(1.6, 43.0)], crs="EPSG:4326")
#: How an example says that it goes on from another.
AFTER = re.compile(r"After the example of :(?:func|class):`~geoguichet\.(\w+)`:")


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
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """An empty folder, where the examples write."""
    with chdir(tmp_path_factory.mktemp("examples")):
        yield


@cache
def shown(name: str) -> tuple[doctest.TestResults, dict[str, object]]:
    """What the example of a public name gives, after the one that it goes on from, and its names."""
    found = getattr(geoguichet, name)
    (example,) = doctest.DocTestFinder(recurse=False).find(found, name, globs={})
    for earlier in AFTER.findall(example.docstring):
        example.globs |= shown(earlier)[1]
    example.globs[name] = found
    done = doctest.DocTestRunner().run(example, clear_globs=False)
    return done, {key: value for key, value in example.globs.items() if key[0] != "_"}


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize("name", geoguichet.__all__)
def test_the_example_of_a_public_name_gives_what_it_says(name: str) -> None:
    done, _names = shown(name)
    assert done.attempted, f"{name} has no example"
    assert done.failed == 0


@pytest.mark.parametrize("name", geoguichet.__all__)
def test_a_public_name_says_what_each_of_its_parts_is(name: str) -> None:
    found = getattr(geoguichet, name)
    parts = () if found is geoguichet.GeoguichetError else inspect.signature(found).parameters
    said = {*re.findall(r"\w+", found.__doc__)}
    assert [part for part in parts if part not in said] == []


@pytest.mark.parametrize("name", geoguichet.__all__)
def test_a_public_name_says_what_it_gives_and_what_it_refuses(name: str) -> None:
    found = getattr(geoguichet, name)
    if not isclass(found):
        assert re.search(r"\b[Rr]eturn|^ *Returns$", found.__doc__, re.MULTILINE)
    assert re.search(
        r"^ *Raises$|[Nn]ever\s+(?:raises|refused)|[Ss]ame errors as|\b[Ii]ts\s+errors\s+are"
        r"|Every\s+error",
        found.__doc__,
        re.MULTILINE,
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


@pytest.mark.parametrize(
    ("mistake", "said"),
    [
        (lambda: geoguichet.run({"study": {"id": "a"}}), "Study.read"),
        (lambda: geoguichet.find_white_zones("a.toml"), "Study.read"),
        (lambda: geoguichet.sensitivity("a.toml"), "Study.read"),
        (lambda: geoguichet.compare("absent.toml", "absent.toml"), "absent.toml"),
        (lambda: geoguichet.compare({"study": {"id": "a"}}, close="a"), r"dict est donné.*run\("),
        (lambda: geoguichet.write("a.toml", "a"), "str est donné"),
        (lambda: geoguichet.publish("a.toml", "a"), "str est donné"),
        (lambda: geoguichet.map_picture("a.toml"), "str est donné"),
        (lambda: geoguichet.gain_curve("a.toml"), "str est donné"),
        (lambda: geoguichet.make_network("absent.csv", "x.roads"), "absent.csv"),
        (lambda: geoguichet.Record(id="a", geometry=Point(1, 2)), "geometry"),
        (lambda: geoguichet.write_study_data(POINTS, "x.gpkg"), "colonne absente : id"),
    ],
)
def test_what_is_of_another_kind_is_refused_in_one_sentence(
    mistake: Callable[[], object], said: str
) -> None:
    with pytest.raises(geoguichet.GeoguichetError, match=said):
        mistake()


@pytest.mark.usefixtures("folder")
def test_a_study_is_compared_as_its_answer_is() -> None:
    names = shown("run")[1]
    one, other = (
        geoguichet.compare(names[key], close="sous-prefecture-092") for key in ("study", "result")
    )
    assert one.headline == other.headline and "0 de moins" not in one.headline
