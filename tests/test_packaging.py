"""The wheel holds every room with its files, and nothing else of the checkout; what it needs is
declared.
"""

import ast
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """Names in the wheel of this checkout, built from a copy so that nothing is left behind."""
    copy = tmp_path_factory.mktemp("wheel") / "geoguichet"
    ignored = shutil.ignore_patterns(
        ".venv",
        ".git",
        ".ide",
        "node_modules",
        "_build",
        ".coverage*",
        ".hypothesis",
        "workspace",
        "build",
        "*.egg-info",
        "__pycache__",
        ".*_cache",
    )
    shutil.copytree(ROOT, copy, ignore=ignored)
    (copy / "stray.gpkg").write_bytes(b"")
    command = [
        sys.executable,
        "-m",
        "pip",
        "wheel",
        "--quiet",
        "--no-deps",
        "--no-build-isolation",
        "--no-index",
        ".",
    ]
    done = subprocess.run(command, cwd=copy, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    (built,) = copy.glob("*.whl")
    return set(zipfile.ZipFile(built).namelist())


def test_every_module_and_file_of_the_rooms_is_there(wheel: set[str]) -> None:
    rooms = ("catalogue", "commands", "coverage", "floor", "portal", "referentials")
    wanted = [
        ROOT / "__init__.py",
        ROOT / "cli.py",
        ROOT / "pygeoapi-config.yml",
        ROOT / "data" / "midi-pyrenees.gpkg",
    ]
    wanted += (ROOT / "data" / "studies").glob("*.toml")
    for room in rooms:
        wanted += [
            file
            for file in (ROOT / room).rglob("*")
            if file.is_file() and "__pycache__" not in file.parts
        ]
    missing = [
        file for file in wanted if f"geoguichet/{file.relative_to(ROOT).as_posix()}" not in wheel
    ]
    assert [file for file in missing if file.suffix != ".po"] == []


def test_nothing_else_is(wheel: set[str]) -> None:
    tops = {name.split("/")[1] for name in wheel if name.startswith("geoguichet/")}
    assert tops == {
        "__init__.py",
        "catalogue",
        "cli.py",
        "commands",
        "coverage",
        "data",
        "floor",
        "portal",
        "py.typed",
        "pygeoapi-config.yml",
        "referentials",
    }
    assert {name.split("/")[0] for name in wheel} == {
        "geoguichet",
        next(n.split("/")[0] for n in wheel if "dist-info" in n),
    }


def declared() -> dict[str, list[str]]:
    """Extra, "" for what is always installed -> names of distributions."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = {"": project["dependencies"], **project["optional-dependencies"]}
    return {
        extra: [re.split(r"[<>=\[ ;]", line)[0].lower() for line in lines]
        for extra, lines in wanted.items()
    }


def imported() -> dict[str, Path]:
    """Name of a package that the product imports, inside functions too -> a file that does."""
    rooms = ("catalogue", "commands", "coverage", "data", "floor", "portal", "referentials")
    files = [*ROOT.glob("*.py"), *(file for room in rooms for file in (ROOT / room).rglob("*.py"))]
    found = {}
    for file in files:
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                found |= {alias.name.split(".")[0]: file for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                found[node.module.split(".")[0]] = file
    return {
        name: file
        for name, file in found.items()
        if name not in sys.stdlib_module_names and name != "geoguichet"
    }


def test_what_is_imported_is_declared_and_what_is_declared_is_imported() -> None:
    extras = declared()
    extra = ("", "osrm", "valhalla", "oidc", "postgres")
    at_run_time = {name for each in extra for name in extras[each]}
    engines = {"osrm": "osrm-bindings", "valhalla": "pyvalhalla"}  # may not be installed here
    homes = packages_distributions()
    needed = {
        engines[name] if name in engines else homes[name][0].lower().replace("_", "-"): file
        for name, file in imported().items()
    }
    assert {name: file for name, file in needed.items() if name not in at_run_time} == {}
    assert at_run_time - set(needed) == set()


def test_the_changelog_opens_on_the_version_that_is_declared() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    heads = re.findall(
        r"^## (.+)$", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE
    )
    assert heads[0] == "Unreleased"
    assert [head.split(" ")[0] for head in heads[1:]] == [project["version"], "0.1.0"]
    assert all(re.fullmatch(r"[\d.]+ \(\d{4}-\d\d-\d\d\)", head) for head in heads[1:])
    cited = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert heads[1] == f"{cited['version']} ({cited['date-released']})"


def test_the_workflow_asks_for_nothing_but_targets_of_make() -> None:
    workflow = yaml.safe_load((ROOT / ".github" / "workflows" / "ci.yml").read_text("utf-8"))
    steps = [
        step["run"] for job in workflow["jobs"].values() for step in job["steps"] if "run" in step
    ]
    targets = re.findall(
        r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE
    )
    asked = [step.removeprefix("make ") for step in steps if step != "pip install uv"]
    assert set(asked) <= set(targets)
    assert {"check", "coverage", "docs", "lowest", "test"} <= set(asked)
