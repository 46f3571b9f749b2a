"""What tests of every room share."""

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of published data kept beside the checkout; GEOGUICHET_SHARED names another place."""
    beside = Path(__file__).parents[1].parent / "shared" / "data"
    folder = Path(os.environ.get("GEOGUICHET_SHARED", beside))
    if not folder.is_dir():
        pytest.skip(f"the shared data are not in {folder} (set GEOGUICHET_SHARED to where they are)")
    return folder
