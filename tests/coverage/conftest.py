"""The shipped study and a small one of the Ariège, each run once for all the tests that look at its answer."""

from importlib.resources import files
from pathlib import Path

import pyogrio
import pytest

from geoguichet.coverage.result import CoverageResult
from geoguichet.coverage.run import run
from geoguichet.coverage.study import Study, read_study
from geoguichet.referentials.sample import sample_path


@pytest.fixture(scope="session")
def study() -> Study:
    return read_study(Path(str(files("geoguichet.data") / "studies" / "visioguichets.toml")))


@pytest.fixture(scope="session")
def result(study: Study) -> CoverageResult:
    return run(study)


SMALL = """
[study]
id = "petite"
title = "Petite étude de l'Ariège"
[territory]
name = "Ariège"
departements = ["09"]
buffer = "40 km"
[data]
source = "ariege.gpkg"
[demand]
groups = ["pop_65_plus"]
[services.etat]
label = "Guichet de l'État"
types = ["prefecture", "sous_prefecture"]
within = "25 km"
[services.mairie]
label = "Mairie ouverte"
types = ["town_hall"]
min_hours_per_week = 28
within = "8 km"
[rule]
all = ["etat", "mairie"]
[kiosks]
count = 3
reach = "8 km"
"""


@pytest.fixture(scope="session")
def small_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A study of the Ariège alone, beside its GeoPackage, as a planner would bring."""
    folder = tmp_path_factory.mktemp("ariege")
    for layer in ("communes", "departements", "services"):
        frame = pyogrio.read_dataframe(sample_path(), layer=layer)
        kept = frame["code"] == "09" if layer == "departements" else frame["departement"] == "09"
        kind = "Point" if layer == "services" else None
        pyogrio.write_dataframe(frame[kept], folder / "ariege.gpkg", layer=layer, geometry_type=kind)
    path = folder / "etude.toml"
    path.write_text(SMALL, encoding="utf-8")
    return path


@pytest.fixture(scope="session")
def small(small_path: Path) -> CoverageResult:
    return run(read_study(small_path))
