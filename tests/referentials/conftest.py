"""What the tests of the referentials share: published files, small ones made by hand (`small.py`)
and, where they are present, the real ones kept beside the checkout.
"""

import importlib.util
import os
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest

from geoguichet.referentials.directory.schema import Reading
from geoguichet.referentials.readers.registry import read_published

BESIDE = Path(__file__).parents[2].parent / "shared" / "data"
SHARED = Path(os.environ.get("GEOGUICHET_SHARED", BESIDE))
EDITIONS = ("small", "shared") if SHARED.is_dir() else ("small",)


class Data(NamedTuple):
    """A folder of published files, laid out as the shared one is."""

    edition: str
    """``small`` or ``shared``."""
    folder: Path


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Try on each edition of the data; each row of a module's table ``CASES`` on its own files."""
    if "case" in metafunc.fixturenames:
        cases = metafunc.module.CASES
        rows = [(edition, row) for edition in EDITIONS for row in cases[edition]]
        ids = [f"{edition}-{row[0]}" for edition, row in rows]
        metafunc.parametrize(("data", "case"), rows, indirect=["data"], ids=ids)
    elif "data" in metafunc.fixturenames:
        metafunc.parametrize("data", EDITIONS, indirect=True)


@pytest.fixture(scope="session")
def small_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The small files, written once."""
    spec = importlib.util.spec_from_file_location("small", Path(__file__).with_name("small.py"))
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    folder: Path = module.write(tmp_path_factory.mktemp("published"))
    return folder


@pytest.fixture
def data(request: pytest.FixtureRequest, small_data: Path) -> Data:
    """Published files: the small ones, then the real ones where they are present."""
    return Data(request.param, small_data if request.param == "small" else SHARED)


@cache
def _read(path: Path, key: str) -> Reading:
    return read_published(path, key=key)


@pytest.fixture
def published(data: Data) -> Callable[[str, str], Reading]:
    """Read a published file by format and name, once for all the tests."""
    return lambda key, file: _read(data.folder / "services" / file, key)


@pytest.fixture
def equipment_2013(data: Data) -> Reading:
    """The workbook of the BPE of 2013, read once."""
    return _read(data.folder / "services" / "bpe2013.xlsx", "bpe-2013")
