"""A few records a regional officer would recognise, and a store to put them in."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from geoguichet.catalogue.record import (
    Concept,
    Contact,
    ContactPoint,
    Extent,
    ExternalId,
    Link,
    Record,
    Theme,
    Time,
)
from geoguichet.catalogue.store import RecordStore, SQLiteStore

ENGINES: dict[str, Callable[[Path], RecordStore]] = {"sqlite": lambda folder: SQLiteStore(folder / "catalogue.sqlite")}
"""The engines that the contract is held to: a name, and what opens an empty store in a folder of its own."""


@pytest.fixture(params=sorted(ENGINES))
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[RecordStore]:
    opened = ENGINES[request.param](tmp_path)
    yield opened
    opened.close()


@pytest.fixture
def forests() -> Record:
    return Record(
        id="forets",
        type="dataset",
        title="Forêts publiques de l'Ariège",
        description="Parcelles des forêts domaniales et communales, relevées à l’échelle du 1:25 000.",
        keywords=("forêt", "environnement"),
        themes=(Theme((Concept("biota", "Biologie"),), "https://example.org/themes"),),
        geometry=Extent(0.8, 42.5, 2.2, 43.3).as_geometry(),
        time=Time(interval=("2019-01-01", "..")),
        updated="2024-03-01T08:00:00Z",
        contacts=(Contact(organization="DREAL", roles=("publisher",), emails=(ContactPoint("sig@example.org"),)),),
        license="etalab-2.0",
        external_ids=(ExternalId("fr-123", "siren"),),
        links=(Link("https://example.org/f.gpkg", "item", "application/geopackage+sqlite3", "Le fichier"),),
    )


@pytest.fixture
def counters() -> Record:
    return Record(
        id="guichets",
        type="dataset",
        title="Guichets de l'État",
        description="Préfectures et sous-préfectures ; l'accueil du public et la sécurité routière.",
        keywords=("service public",),
        geometry=Extent(-0.4, 42.5, 3.5, 45.1).as_geometry(),
        time=Time(date="2021-06-01"),
        updated="2025-01-01T00:00:00Z",
    )


@pytest.fixture
def study() -> Record:
    return Record(
        id="etude",
        type="study",
        title="Zones blanches des services publics",
        description="Habitants à plus de 25 km d'un guichet, forêt comprise.",
        updated="2025-06-01T00:00:00Z",
    )
