"""What the tests of the referentials share: the folder of published files, where it is present."""

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real published files (GEOGUICHET_SHARED, else ../shared/data); skips where it is absent."""
    folder = Path(os.environ.get("GEOGUICHET_SHARED") or Path(__file__).parents[2].parent / "shared" / "data")
    if not folder.is_dir():
        pytest.skip(f"the shared data folder is not here ({folder.name}); set GEOGUICHET_SHARED to run this test")
    return folder
