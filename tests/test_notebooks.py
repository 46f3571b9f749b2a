"""Every notebook runs from top to bottom; notebooks hold prose, calls and maps, and define
nothing.
"""

import ast
import warnings
from pathlib import Path

import nbformat
import pytest

import geoguichet

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # jupyter_client's own deprecations, at import
    from nbclient import NotebookClient

NOTEBOOKS = sorted((Path(__file__).parents[1] / "notebooks").glob("*.ipynb"))


def code(path: Path) -> list[str]:
    return [
        cell.source for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"
    ]


@pytest.fixture(scope="module")
def said() -> dict[str, list[str]]:
    """What each notebook complains of. One kernel runs them all, and forgets each before the next: it
    takes half the CPU of six.
    """
    whole, begins = nbformat.v4.new_notebook(), []
    for path in NOTEBOOKS:
        begins.append(len(whole.cells))
        forgets = nbformat.v4.new_code_cell("%reset -f")
        whole.cells += [forgets, *nbformat.read(path, as_version=4).cells]
    NotebookClient(
        whole,
        timeout=120,
        kernel_name="python3",
        allow_errors=True,
        resources={"metadata": {"path": str(NOTEBOOKS[0].parent)}},
    ).execute()
    told = dict[str, list[str]]()
    for path, first, end in zip(NOTEBOOKS, begins, [*begins[1:], None], strict=True):
        outputs = [one for cell in whole.cells[first:end] for one in cell.get("outputs", [])]
        told[path.stem] = [one.text for one in outputs if one.get("name") == "stderr"]
        told[path.stem] += [one.evalue for one in outputs if one.output_type == "error"]
    return told


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
@pytest.mark.filterwarnings(
    "ignore"
)  # the kernel's machinery; the notebook's own warnings are checked below
def test_runs_without_a_warning(path: Path, said: dict[str, list[str]]) -> None:
    assert said[path.stem] == []


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_defines_nothing_and_keeps_no_output(path: Path) -> None:
    for source in code(path):
        assert not [
            node
            for node in ast.walk(ast.parse(source))
            if isinstance(node, ast.FunctionDef | ast.ClassDef)
        ]
    assert not [cell for cell in nbformat.read(path, as_version=4).cells if cell.get("outputs")]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_uses_public_names_only(path: Path) -> None:
    for node in ast.walk(ast.parse("\n".join(code(path)))):
        names = [alias.name for alias in getattr(node, "names", []) if isinstance(node, ast.Import)]
        names += [node.module] if isinstance(node, ast.ImportFrom) else []
        assert not [name for name in names if name.startswith("geoguichet.")]
        if isinstance(node, ast.ImportFrom) and node.module == "geoguichet":
            assert {alias.name for alias in node.names} <= {*geoguichet.__all__}


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_imports_stand_in_three_lines_at_most(path: Path) -> None:
    found = ast.walk(ast.parse("\n".join(code(path))))
    assert len([node for node in found if isinstance(node, ast.Import | ast.ImportFrom)]) <= 3


def test_the_first_notebook_is_ten_calls() -> None:
    assert len(code(NOTEBOOKS[0])) <= 10


def test_the_sixth_notebook_is_ten_lines() -> None:
    lines = [line for source in code(NOTEBOOKS[5]) for line in source.splitlines()]
    assert len([line for line in lines if line.strip()]) <= 10
