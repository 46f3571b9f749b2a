"""What the tests of the referentials share: the folder of published files, where it is present."""

from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

from geoguichet.referentials.directory.schema import Reading
from geoguichet.referentials.readers.registry import read_published


@pytest.fixture(scope="session")
def published(shared_data: Path) -> Callable[[str, str], Reading]:
    """Read a published file of the shared folder by format and name, once for all the tests."""

    @cache
    def read(key: str, file: str) -> Reading:
        return read_published(shared_data / "services" / file, key=key)

    return read


@pytest.fixture(scope="session")
def equipment_2013(shared_data: Path) -> Reading:
    """The workbook of the BPE of 2013, read once."""
    return read_published(shared_data / "services" / "bpe2013.xlsx", key="bpe-2013")
