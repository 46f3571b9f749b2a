"""The wheel holds every room with its files, and nothing else of the checkout."""

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

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
