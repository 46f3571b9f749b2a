"""A workspace with one small study and a few records, and the portal that serves it on a free
port.
"""

import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path

import geopandas as gpd
import pytest
import requests
from shapely.geometry import Point, box

from geoguichet.catalogue.record import Contact, ContactPoint, Extent, Link, Record, Time
from geoguichet.catalogue.search.store import SQLiteStore
from geoguichet.coverage.outputs.folder import write_all
from geoguichet.coverage.run import run
from geoguichet.coverage.study.study import read_study
from geoguichet.floor.viewer import Role
from geoguichet.floor.words import Cost, Unit
from geoguichet.portal.people import accounts, tokens
from geoguichet.portal.people.store import People
from geoguichet.referentials.readers.registry import FORMATS
from geoguichet.referentials.versions.store import ReferentialStore

STUDY = "essai"


def written_study(workspace: Path, study: str, *, zones: int = 3, kiosks: int = 12) -> Path:
    """Write a result as a study writes it: squares of growing size, kiosks along a line."""
    folder = workspace / "studies" / study
    folder.mkdir(parents=True)
    result = folder / "result.gpkg"
    squares = gpd.GeoDataFrame(
        {
            "study": study,
            "id": [f"zb-{n:03d}" for n in range(1, zones + 1)],
            "people": [1000 * (zones - n) for n in range(zones)],
            "communes": [n + 1 for n in range(zones)],
            "commune_names": [f"Commune {n}" for n in range(zones)],
        },
        geometry=[box(1 + n, 43, 1.5 + n, 43.5) for n in range(zones)],
        crs="EPSG:4326",
    )
    points = gpd.GeoDataFrame(
        {
            "study": study,
            "id": [f"k-{n:03d}" for n in range(1, kiosks + 1)],
            "rank": range(1, kiosks + 1),
            "name": [f"L'Hôtel n°{n}" for n in range(kiosks)],
            "people_added": [100 - n for n in range(kiosks)],
            "share_cumulated": [None if n == 0 else n / kiosks for n in range(kiosks)],
        },
        geometry=[Point(1 + n / 10, 43 + n / 10) for n in range(kiosks)],
        crs="EPSG:4326",
    )
    squares.to_file(result, layer="white_zones", engine="pyogrio")
    points.to_file(result, layer="kiosks", engine="pyogrio", mode="a")
    return result


def sample_records() -> list[Record]:
    forests = Record(
        id="forets",
        type="dataset",
        title="Forêts publiques de l'Ariège <1:25 000>",
        description="Parcelles des forêts domaniales et communales.",
        keywords=("forêt", "environnement"),
        geometry=Extent(0.8, 42.5, 2.2, 43.3).as_geometry(),
        time=Time(interval=("2019-01-01", "..")),
        updated="2024-03-01T08:00:00Z",
        license="etalab-2.0",
        contacts=(Contact(organization="DREAL", emails=(ContactPoint("sig@example.org"),)),),
        links=(
            Link(
                "studies/essai/result.gpkg",
                "enclosure",
                "application/geopackage+sqlite3",
                "Le fichier",
            ),
            Link("collections/catalogue/items/etude", "related", "application/geo+json", "L'étude"),
            Link("https://example.org/forets", "about", "text/html", "Le site"),
        ),
    )
    study = Record(
        id="etude",
        type="study",
        title="Zones blanches d'essai",
        updated="2025-06-01T00:00:00Z",
        geometry=Extent(-0.3, 42.6, 3.4, 45.0).as_geometry(),
    )
    others = [
        Record(
            id=f"jeu-{n:02d}", type="dataset", title=f"Jeu n° {n}", updated="2020-01-01T00:00:00Z"
        )
        for n in range(13)
    ]
    return [forests, study, *others]


_HEADER = (
    "id,category,name,email,phone,wheelchair_access,latitude,longitude,geoloc_precision,address\n"
)
_ROW = '"mairie-{0}-01","mairie","Mairie {0}","","","",{1},1.6,"8","1 rue du Pont, 09000, Foix"\n'


def put_services(workspace: Path, *places: tuple[str, float], name: str = "annuaire") -> None:
    """Import a directory of town halls: commune and latitude of each."""
    path = workspace / f"annuaire-{len(places)}.csv"
    path.write_text(_HEADER + "".join(_ROW.format(*place) for place in places), encoding="utf-8")
    store = ReferentialStore(workspace / "referentials")
    store.put(name, FORMATS["dila-2020"].read(path), origin=path, reader="dila-2020")


@pytest.fixture(scope="session")
def put_directory() -> Callable[..., None]:
    return put_services


@pytest.fixture(scope="session")
def write_study() -> Callable[..., Path]:
    return written_study


@pytest.fixture(scope="session")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace that the tests only read."""
    folder = tmp_path_factory.mktemp("workspace")
    written_study(folder, STUDY)
    with SQLiteStore(folder / "catalogue.sqlite") as store:
        store.bulk_upsert(sample_records())
    return folder


@pytest.fixture(scope="session")
def records_of_the_tests() -> Callable[[Path], None]:
    """What puts the records of the tests into a workspace."""

    def fill(folder: Path) -> None:
        with SQLiteStore(folder / "catalogue.sqlite") as store:
            store.bulk_upsert(sample_records())

    return fill


@pytest.fixture(scope="session")
def studied(small_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace that the tests only read: records, and three studies of the Ariège (one, the same with
    a nearer threshold and no kiosk, a draft).
    """
    workspace = tmp_path_factory.mktemp("studied")
    first = read_study(small_path)
    nearer = replace(first.needs[0], within=Cost(12_000, Unit.METRES))
    second = replace(first, id="plus-pres", needs=(nearer, *first.needs[1:]), kiosks=None)
    for study in (replace(first, id="ariege"), second, replace(second, id="brouillon")):
        write_all(run(study), workspace / "studies" / study.id)
    manifest = workspace / "studies" / "brouillon" / "manifest.json"
    told = json.loads(manifest.read_text(encoding="utf-8"))
    told["study"] |= {"visibility": "draft", "title": "Encore secrète"}
    manifest.write_text(json.dumps(told), encoding="utf-8")
    with SQLiteStore(workspace / "catalogue.sqlite") as store:
        store.bulk_upsert(sample_records())
    return workspace


@pytest.fixture(scope="session")
def studies(studied: Path, serve: Callable[..., AbstractContextManager[str]]) -> Iterator[str]:
    """The portal of the three studies."""
    with serve(studied) as address:
        yield address


@pytest.fixture(scope="session")
def url(workspace: Path, serve: Callable[..., AbstractContextManager[str]]) -> Iterator[str]:
    with serve(workspace) as address:
        yield address


@pytest.fixture(scope="module")
def browser() -> Iterator:
    """A headless Chromium, which draws WebGL without a graphics card."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        pytest.skip("chromium (Debian: chromium) is not installed")
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    with playwright.sync_playwright() as engine:
        arguments = ["--no-sandbox", "--disable-dev-shm-usage", "--use-angle=swiftshader"]
        arguments += ["--enable-unsafe-swiftshader"]
        opened = engine.chromium.launch(executable_path=chromium, args=arguments)
        yield opened
        opened.close()


@pytest.fixture(scope="session")
def http() -> Iterator[requests.Session]:
    with requests.Session() as session:
        yield session


HOST, OTHER = "200053791", "130025265"
#: Who looks at a portal, each with its role and its organisation.
MEMBERS: dict[str, tuple[Role, str]] = {
    "partner": ("partner", HOST),
    "contributor": ("contributor", HOST),
    "editor": ("editor", HOST),
    "administrator": ("administrator", HOST),
    "neighbour": ("administrator", OTHER),
}


def with_members(workspace: Path) -> dict[str, requests.Session]:
    """Open accounts of every role; return a session of each that bears a personal token."""
    people, sessions = People(workspace), {}
    people.create()
    with people.write() as base:
        for siren, name in ((HOST, "Région Essai"), (OTHER, "CC de l'Essai")):
            accounts.add_organisation(base, siren, name, "region", "73", by="machine")
        for name, (role, siren) in MEMBERS.items():
            email = f"{name}@essai.example"
            person = accounts.add(base, email, f"Anne {name}", "-", siren=siren, role=role)
            sessions[name] = requests.Session()
            made = tokens.make(base, person, "essai", "write", 30)
            sessions[name].headers["Authorization"] = f"Bearer {made}"
    return sessions


@pytest.fixture(scope="session")
def open_accounts() -> Callable[[Path], dict[str, requests.Session]]:
    return with_members
