"""A few records a regional officer would recognise, and a store to put them in."""

from collections.abc import Callable, Iterator
from dataclasses import replace
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
from geoguichet.catalogue.search.contract import RecordStore
from geoguichet.catalogue.search.store import SQLiteStore

ENGINES: dict[str, Callable[[Path], RecordStore]] = {
    "sqlite": lambda folder: SQLiteStore(folder / "catalogue.sqlite")
}
"""The engines that the contract is held to: a name, and what opens an empty store in a folder of
its own.
"""


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
        description=(
            "Parcelles des forêts domaniales et communales, relevées à l’échelle du 1:25 000."
        ),
        keywords=("forêt", "environnement"),
        themes=(Theme((Concept("biota", "Biologie"),), "https://example.org/themes"),),
        geometry=Extent(0.8, 42.5, 2.2, 43.3).as_geometry(),
        time=Time(interval=("2019-01-01", "..")),
        updated="2024-03-01T08:00:00Z",
        contacts=(
            Contact(
                organization="DREAL",
                roles=("publisher",),
                emails=(ContactPoint("sig@example.org"),),
            ),
        ),
        license="etalab-2.0",
        external_ids=(ExternalId("fr-123", "siren"),),
        links=(
            Link(
                "https://example.org/f.gpkg", "item", "application/geopackage+sqlite3", "Le fichier"
            ),
        ),
    )


@pytest.fixture
def counters() -> Record:
    return Record(
        id="guichets",
        type="dataset",
        title="Guichets de l'État",
        description=(
            "Préfectures et sous-préfectures ; l'accueil du public et la sécurité routière."
        ),
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


@pytest.fixture
def full_record(forests: Record) -> Record:
    """A record with what DCAT-AP asks for, and more."""
    publisher = Contact(
        organization="DREAL", roles=("publisher",), emails=(ContactPoint("sig@example.org"),)
    )
    point = Contact(name="Anne Puig", organization="DREAL", roles=("pointOfContact",))
    about = Contact(organization="DREAL", roles=("pointOfContact",), extra={"about": "metadata"})
    more = {
        "language": {"code": "fr"},
        "resourceLanguages": [{"code": "fr"}],
        "dates": [
            {"date": "2020-02-01", "type": "creation"},
            {"date": "2021-02-01", "type": "revision"},
        ],
        "maintenance": {"frequency": "annually"},
        "lineage": "Relevé de terrain.",
        "crs": ["EPSG:2154"],
        "resolution": [{"distance": 5, "unit": "m"}, {"scale": 25000}],
        "conformity": [{"title": "Règlement 1089/2010", "date": "2010-12-08", "pass": True}],
    }
    links = (
        Link(
            "https://example.org/f.gpkg",
            "enclosure",
            "application/geopackage+sqlite3",
            "Le fichier",
        ),
        Link(
            "https://example.org/wfs", "service", title="Le service", extra={"protocol": "OGC:WFS"}
        ),
        Link("https://example.org/page", "about", title="La page"),
    )
    return replace(forests, contacts=(publisher, point, about), links=links, extra_properties=more)
