"""What the tests of the referentials share: the folder of published files, where it is present."""

import os
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

from geoguichet.referentials.directory import Reading
from geoguichet.referentials.readers.formats import read_published


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real published files (GEOGUICHET_SHARED, else ../shared/data); skips where it is absent."""
    folder = Path(os.environ.get("GEOGUICHET_SHARED") or Path(__file__).parents[2].parent / "shared" / "data")
    if not folder.is_dir():
        pytest.skip(f"the shared data folder is not here ({folder.name}); set GEOGUICHET_SHARED to run this test")
    return folder


@pytest.fixture(scope="session")
def published(shared_data: Path) -> Callable[[str, str], Reading]:
    """Read a published file of the shared folder by format and name, once for all the tests."""

    @cache
    def read(key: str, file: str) -> Reading:
        return read_published(shared_data / "services" / file, key=key)

    return read
