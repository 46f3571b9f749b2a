"""The shipped study and a small one of the Ariège, each run once for all the tests that look at its
answer.
"""

from importlib.resources import files
from pathlib import Path

import pytest

from geoguichet.coverage.result import CoverageResult
from geoguichet.coverage.run import run
from geoguichet.coverage.study.study import Study, read_study


@pytest.fixture(scope="session")
def study() -> Study:
    return read_study(Path(str(files("geoguichet.data") / "studies" / "visioguichets.toml")))


@pytest.fixture(scope="session")
def result(study: Study) -> CoverageResult:
    return run(study)


@pytest.fixture(scope="session")
def small(small_path: Path) -> CoverageResult:
    return run(read_study(small_path))
