"""The folder called `coverage` must break neither coverage.py nor numba (decision 001)."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def python(code: str, *, cwd: Path, **environment: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=cwd,
        capture_output=True,
        text=True,
        env={"PATH": "/usr/bin:/bin", **environment},
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("at_root", [True, False])
def test_coverage_py_still_answers_to_its_name(at_root: bool, tmp_path: Path) -> None:
    where = (
        ROOT if at_root else tmp_path
    )  # `python -c` puts its working directory first on sys.path
    out = python(
        "import coverage; print(coverage.Coverage.__name__, 'site-packages' in coverage.__file__)",
        cwd=where,
    )
    assert out.split() == ["Coverage", "True"]


def test_root_on_pythonpath_as_ides_do(tmp_path: Path) -> None:
    out = python(
        "import coverage, geoguichet.coverage.study.study as s; print(coverage.__version__[0], "
        "s.SAMPLE)",
        cwd=tmp_path,
        PYTHONPATH=str(ROOT),
    )
    assert out.split() == ["7", "sample"]


def test_numba_finds_the_attribute_it_looks_for() -> None:
    # What numba does at import: `import coverage`, then reads coverage.types; any other thing of
    # that name breaks it.
    assert (
        python("import coverage; import coverage.types; print(coverage.types.__name__)", cwd=ROOT)
        == "coverage.types\n"
    )


def test_without_coverage_py_the_bare_name_is_plainly_absent() -> None:
    code = (
        "import sys, importlib.abc\n"
        "class Hide(importlib.abc.MetaPathFinder):\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name == 'coverage' and sys.path[0] != '': raise ModuleNotFoundError(name)\n"
        "sys.meta_path.insert(0, Hide())\n"
        "try:\n    import coverage\n"
        "except ModuleNotFoundError as error: print('absent', error)\n"
    )
    assert python(code, cwd=ROOT).startswith("absent")


def test_cli_runs_as_a_file() -> None:
    done = subprocess.run(
        [sys.executable, "cli.py", "--version"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0 and done.stdout.startswith("geoguichet ")


def test_pytest_cov_runs_from_the_root(tmp_path: Path) -> None:
    test = tmp_path / "test_nothing.py"
    test.write_text("def test_nothing():\n    import geoguichet.coverage.study.study\n")
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "--cov=geoguichet.coverage",
        "--cov-report=term",
        str(test),
        "-p",
        "no:cacheprovider",
    ]
    done = subprocess.run(
        command,
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        env={"PATH": "/usr/bin:/bin", "COVERAGE_FILE": str(tmp_path / "data")},
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "coverage/study/study.py" in done.stdout
