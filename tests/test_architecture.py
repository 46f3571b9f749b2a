"""The arrows between the rooms and between their families, read from the code itself."""

import ast
import re
import subprocess
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
ROOMS = ["floor", "referentials", "catalogue", "coverage", "portal", "commands", "cli"]
FORBIDDEN_NAMES = {"utils.py", "helpers.py", "common.py", "misc.py"}


@cache
def modules() -> dict[str, Path]:
    files = [
        ROOT / "cli.py",
        *(file for room in ROOMS[:-1] for file in (ROOT / room).rglob("*.py")),
    ]
    return {
        ".".join(["geoguichet", *file.relative_to(ROOT).with_suffix("").parts]).removesuffix(
            ".__init__"
        ): file
        for file in files
    }


@cache
def imports(file: Path, *, at_import_only: bool = False) -> frozenset[str]:
    """Names that a module imports; with ``at_import_only``, those outside functions and
    TYPE_CHECKING.
    """
    found: set[str] = set()

    def visit(node: ast.AST) -> None:
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file}: relative import; the project imports by full name"
            found.update(
                {node.module or "", *(f"{node.module}.{alias.name}" for alias in node.names)}
            )
        skip = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        skip |= isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
        if not (at_import_only and skip):
            for child in ast.iter_child_nodes(node):
                visit(child)

    visit(ast.parse(file.read_text(encoding="utf-8")))
    return frozenset(found)


def ours(names: frozenset[str]) -> set[str]:
    return {name for name in names if name in modules()}


def room(module: str) -> str:
    return module.split(".")[1]


@pytest.mark.parametrize("module", sorted(modules()))
def test_a_room_imports_only_rooms_to_its_left(module: str) -> None:
    for name in imports(modules()[module]):
        if name.startswith("geoguichet.") and room(name) in ROOMS:
            assert ROOMS.index(room(name)) <= ROOMS.index(room(module)), f"{module} imports {name}"


def test_there_are_no_rings() -> None:
    graph = {module: ours(imports(file)) - {module} for module, file in modules().items()}
    try:
        list(TopologicalSorter(graph).static_order())
    except CycleError as error:
        pytest.fail(f"ring: {' -> '.join(error.args[1])}")


def family(module: str) -> str:
    """``catalogue.search`` for what stands in that family; a module outside families is its own."""
    return ".".join(module.split(".")[1:3])


def test_arrows_between_families_run_one_way() -> None:
    graph: dict[str, set[str]] = {}
    for module, file in modules().items():
        named = {name for name in ours(imports(file)) if modules()[name].name != "__init__.py"}
        graph.setdefault(family(module), set()).update(
            {family(name) for name in named} - {family(module)}
        )
    try:
        list(TopologicalSorter(graph).static_order())
    except CycleError as error:
        pytest.fail(f"ring of families: {' -> '.join(error.args[1])}")


def test_every_module_is_reached_from_a_command_or_a_public_name() -> None:
    """By imports; or named in what a command loads: a format's reader, a plugin, the Makefile."""
    named = {
        f"geoguichet.referentials.readers.{reader}"
        for file in (ROOT / "referentials").rglob("*.toml")
        for reader in re.findall(r'^reader = "(\w+)\.\w+"', file.read_text(encoding="utf-8"), re.M)
    }
    places = [ROOT / "Makefile", ROOT / "pygeoapi-config.yml", *modules().values()]
    texts = [file.read_text(encoding="utf-8") for file in places]
    named |= {module for module in modules() for text in texts if f"{module}." in text}
    files = {module: file.relative_to(ROOT).as_posix() for module, file in modules().items()}
    named |= {module for module, file in files.items() if file in texts[0]}
    reached, waiting = set[str](), ["geoguichet.cli", *named, *imports(ROOT / "__init__.py")]
    while waiting:
        module = waiting.pop()
        if module in modules() and module not in reached:
            reached.add(module)
            waiting += [module.rpartition(".")[0], *imports(modules()[module])]
    assert sorted(set(modules()) - reached) == []


def test_the_floor_imports_nothing_of_ours() -> None:
    for module, file in modules().items():
        if room(module) == "floor":
            assert {room(name) for name in ours(imports(file))} <= {"floor"}, module


def test_no_room_is_a_crowd() -> None:
    for name in ROOMS[:-1]:
        assert len(list((ROOT / name).glob("*.py"))) <= 17, name  # sixteen and the __init__


def test_only_publish_knows_the_catalogue() -> None:
    knowing = {
        module
        for module, file in modules().items()
        if room(module) == "coverage"
        and any(name.startswith("geoguichet.catalogue") for name in imports(file))
    }
    assert knowing == {"geoguichet.coverage.publish"}


def test_nothing_else_in_the_catalogue_knows_a_formats_xml() -> None:
    """Only the formats, and the protocols whose envelopes are XML, speak XML or RDF."""
    languages = {"lxml", "xml", "rdflib", "defusedxml"}
    speaking = re.compile(r"geoguichet\.catalogue\.(formats\..*|intake\.harvest\.xml_protocols)")
    xml = "geoguichet.catalogue.formats.xml"
    for module, file in modules().items():
        names = imports(file)
        if room(module) == "catalogue" and (
            {name.split(".")[0] for name in names} & languages or xml in names
        ):
            assert speaking.fullmatch(module), module
    others = {module for module, file in modules().items() if xml in imports(file)}
    assert {room(module) for module in others} == {"catalogue"}


def test_only_the_portal_knows_pygeoapi_and_http() -> None:
    web = ("pygeoapi", "starlette", "uvicorn")
    knowing = {
        room(module)
        for module, file in modules().items()
        if any(name.split(".")[0] in web for name in imports(file))
    }
    assert knowing <= {"portal"}


def test_the_command_starts_without_the_heavy_libraries() -> None:
    heavy = {"numpy", "pandas", "geopandas", "shapely", "pyproj", "rich", "folium", "pygeoapi"}
    reached, waiting = set[str](), ["geoguichet.cli"]
    while waiting:
        names = imports(modules()[waiting.pop()], at_import_only=True)
        assert not {name.split(".")[0] for name in names} & heavy
        waiting += [name for name in ours(names) if name not in reached]
        reached |= ours(names)


def test_no_drawer_and_no_stray_module_at_the_root() -> None:
    assert not [file for file in modules().values() if file.name in FORBIDDEN_NAMES]
    assert sorted(file.name for file in ROOT.glob("*.py")) == ["__init__.py", "cli.py"]


def tracked() -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if listed.returncode:
        pytest.skip("not a git checkout: the list of the project's files comes from git")
    return [ROOT / name for name in listed.stdout.split("\0") if name]


def test_no_index_address_and_no_machine_path() -> None:
    needles = [
        "--index" + "-url",
        "--extra-index" + "-url",
        "find" + "-links",
        "/ro" + "ot/",
        "/wo" + "rk/",
        "py" + "pi.org",
        "registry.npm" + "js",
    ]
    for file in tracked():
        if file.suffix in {".gpkg", ".mo", ".png"} or not file.is_file():
            continue
        text = file.read_text(encoding="utf-8")
        assert not [needle for needle in needles if needle in text], file
