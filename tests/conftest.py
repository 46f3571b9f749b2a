"""What tests of every room share."""

import json
import os
import random
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from copy import deepcopy
from functools import reduce
from itertools import cycle, islice
from operator import getitem
from pathlib import Path
from typing import Any

import pyogrio
import pytest
import requests
from hypothesis import HealthCheck, settings

from geoguichet.referentials.layers import sample_path

# Tests that do not say how many examples they need take 50; GEOGUICHET_EXAMPLES asks for more.
# A machine busy with other tests is slow to draw; what a test says does not depend on it.
settings.register_profile(
    "suite",
    max_examples=int(os.environ.get("GEOGUICHET_EXAMPLES", "50")),
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("suite")

# What a terminal reads is French, whatever the language of the terminal that runs the tests.
for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
    os.environ.pop(name, None)


SHARED = Path(
    os.environ.get("GEOGUICHET_SHARED", Path(__file__).parents[1].parent / "shared" / "data")
)
"""Published data kept beside the checkout, an extra: each test that reads them has a twin on files
made by hand, in the same formats and with the same defects. GEOGUICHET_SHARED names another place.
"""

MADE_OR_REAL = ["made", "real"] if SHARED.is_dir() else ["made"]


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out, rather than skip, what reads the published data where they are not."""
    if not SHARED.is_dir():
        extra = [item for item in items if "shared_data" in getattr(item, "fixturenames", ())]
        config.hook.pytest_deselected(items=extra)
        items[:] = [item for item in items if item not in extra]


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of published data; what asks for it is not collected where it is not."""
    return SHARED


@pytest.fixture(scope="session", params=MADE_OR_REAL)
def made_or_real(request: pytest.FixtureRequest) -> str:
    """Which data a test looks at: made by hand, then the published ones where they are."""
    return request.param


SAMPLES = Path(__file__).parent / "catalogue" / "formats" / "samples"
FOLDER_OF = {
    "lignage": "iso19139", "service": "iso19139", "bilingue": "iso19139.che",
    "acquisition": "iso19115-2", "csw-reponse": "csw-responses", "capabilities": "ogc-capabilities",
}  # fmt: skip
"""The folder of the published data that holds documents like this one of ours."""


@pytest.fixture(scope="session")
def metadata(
    made_or_real: str, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """A folder of metadata by format: the published ones, or those that we wrote by hand."""
    if made_or_real == "real":
        return request.getfixturevalue("shared_data") / "metadata"
    folder = tmp_path_factory.mktemp("metadata")
    for file in [*SAMPLES.glob("*.*"), *(SAMPLES / "iso").glob("*.xml")]:
        if file.name != "expected.json":
            home = folder / FOLDER_OF.get(file.stem, file.stem)
            home.mkdir(exist_ok=True)
            shutil.copy(file, home)
    return folder


ODD_VALUES: tuple[Any, ...] = (
    *(None, True, False, 0, -1, 3.5, 10**400, 1e308, -0.0, 5e-324, "", " ", "x", "é" * 300),
    *(
        "\x00",
        "a\x0bb",
        "\ufffe",
        "\ud800",
        "\u2028",
        "]]>",
        "<!--",
        "&amp;&#0;",
        "<script>",
        "=1+1",
    ),
    *(
        "http://[",
        'http://exa mple/<>"{}|\\^`',
        "javascript:alert(1)",
        "data:,",
        "urn:x:y z",
        "//",
        "?",
    ),
    *(
        "#",
        "mailto:a@b",
        "../..",
        "EPSG:2154",
        "EPSG:-1",
        "http://www.opengis.net/def/crs/EPSG/0/0",
    ),
    *(
        "2020",
        "2020-13-45",
        "0000",
        "-2020",
        "P1Y",
        "1e999",
        "..",
        "9999-12-31T23:59:60Z",
        "en",
        "fr-FR",
    ),
    *([], [[]], [None], [""], ["x"], [1], [{}], [{"a": 1}], ["2020", "2019"], {}, {"": ""}),
    *({"a": {"b": [{"c": None}]}}, {"fr": "x", "en": 3}, {"code": 3}, {"periods": 3}),
    {"type": "Point", "coordinates": []},
    {"type": "GeometryCollection", "geometries": []},
    {"type": "Polygon", "coordinates": [[[1, 2]]]},
    {"type": "LineString", "coordinates": [[1, 2]]},
    {"type": "MultiPolygon", "coordinates": []},
    {"type": "Point", "coordinates": [1e-320, 2, 3, 4]},
    {"interval": ["..", ".."]},
    {"interval": ["", "2020"]},
)
ODD_NAMES = (
    *("title", "description", "alternateTitles", "translations", "contacts", "places", "time"),
    *("dates", "keywords", "keywordTypes", "themes", "license", "licenseStatus", "rights"),
    *("constraints", "links", "formats", "lineage", "processSteps", "sources", "resolution", "crs"),
    *("conformity", "quality", "maintenance", "parent", "language", "resourceLanguages", "fields"),
    *("featureCatalogue", "legislation", "serviceType", "purpose", "status", "representation"),
    *("created", "updated", "externalIds", "unreadable", "extentDescription", "protocol", "about"),
    *("function", "addresses", "operation", "operatesOn", "periods", "@id", "a b", "<x>", "\x01"),
)


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Where the values inside a value are."""
    inside = value.items() if isinstance(value, dict) else enumerate(value)
    for name, held in inside:
        yield (*path, name)
        if isinstance(held, dict | list):
            yield from places(held, (*path, name))


def made_odd(document: dict[str, Any], chance: random.Random) -> dict[str, Any]:
    """A record with some members put out of joint: replaced, added, repeated, lengthened, gone."""
    made = json.loads(json.dumps(document))
    for _ in range(chance.choice((1, 1, 2, 3, 6))):
        odd = json.loads(json.dumps(chance.choice(ODD_VALUES)))
        *steps, last = chance.choice([*places(made)])
        holder = made
        for step in steps:
            holder = holder[step]
        held, way = holder[last], chance.randrange(6)
        if way == 0 and isinstance(held, dict):
            held[chance.choice(ODD_NAMES)] = odd
        elif way == 1 and isinstance(held, list):
            held.append(chance.choice(held) if held and chance.random() < 0.5 else odd)
        elif way == 2 and isinstance(holder, dict):
            del holder[last]
        elif way == 3 and isinstance(made.get("properties"), dict):
            made["properties"][chance.choice(ODD_NAMES)] = odd
        elif way == 4 and isinstance(held, str):
            holder[last] = held + str(odd)
        else:
            holder[last] = odd
        made = json.loads(json.dumps(made))
    return made


@pytest.fixture(scope="session")
def odd_records() -> Callable[[list[dict[str, Any]]], Iterator[dict[str, Any]]]:
    """What makes odd records of good ones, the same each time; GEOGUICHET_RECORDS says how many."""

    def make(documents: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
        chance = random.Random(20_004)
        for _ in range(int(os.environ.get("GEOGUICHET_RECORDS", "40"))):
            yield made_odd(chance.choice(documents), chance)

    return make


#: What the nouns inside a record are asked for beside.
NOUN_NAMES = (
    *ODD_NAMES,
    *("href", "rel", "type", "hreflang", "length", "value", "roles", "name", "position"),
    *("organization", "emails", "phones", "id", "concepts", "scheme", "date", "timestamp"),
    *("interval", "coordinates", "geometries", "identifier", "format", "dateType", "address"),
    *("reversed", "hoursOfService", "code", "text", "applicationProfile", "protocolAddress"),
)


@pytest.fixture(scope="session")
def odd_nouns() -> Callable[[list[dict[str, Any]]], Iterator[tuple[int, dict[str, Any]]]]:
    """What gives each kind of noun inside records, in turn, a member out of joint, and says in which
    record; once, or GEOGUICHET_RECORDS times in all.
    """

    def make(documents: list[dict[str, Any]]) -> Iterator[tuple[int, dict[str, Any]]]:
        chance = random.Random(19_115)
        held: dict[tuple[Any, ...], list[tuple[int, tuple[Any, ...]]]] = {}
        for at, document in enumerate(documents):
            for path in ((), *places(document)):
                if isinstance(reduce(getitem, path, document), dict):
                    kind = tuple("*" if isinstance(step, int) else step for step in path)
                    held.setdefault(kind, []).append((at, path))
        for kind in islice(cycle(held), int(os.environ.get("GEOGUICHET_RECORDS", len(held)))):
            at, path = chance.choice(held[kind])
            made = deepcopy(documents[at])
            noun: Any = reduce(getitem, path, made)
            noun[chance.choice((*noun, *NOUN_NAMES))] = deepcopy(chance.choice(ODD_VALUES))
            yield at, made

    return make


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
hours_count = false
"""


@pytest.fixture(scope="session")
def small_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A study of the Ariège alone, beside its GeoPackage, as a planner would bring."""
    folder = tmp_path_factory.mktemp("ariege")
    for layer in ("communes", "departements", "services"):
        frame = pyogrio.read_dataframe(sample_path(), layer=layer)
        kept = frame["code"] == "09" if layer == "departements" else frame["departement"] == "09"
        kind = "Point" if layer == "services" else None
        pyogrio.write_dataframe(
            frame[kept], folder / "ariege.gpkg", layer=layer, geometry_type=kind
        )
    path = folder / "etude.toml"
    path.write_text(SMALL, encoding="utf-8")
    return path


@pytest.fixture(scope="session")
def editor() -> Iterator[requests.Session]:
    """Who bears that token."""
    with requests.Session() as session:
        session.headers["Authorization"] = f"Bearer {TOKEN}"
        yield session


@pytest.fixture(scope="session")
def serve() -> Callable[..., AbstractContextManager[str]]:
    """What serves a workspace on a free port, while its context lasts; it yields its address."""
    return _served


TOKEN = "jeton-des-essais"
"""What edits on a portal that a test serves without saying by which token."""


@contextmanager
def _served(workspace: Path, *, editable: bool = False, token: str | None = None) -> Iterator[str]:
    import uvicorn  # with the portal, a second that other rooms need not wait for

    from geoguichet.portal.app import create_app, listen

    with listen("127.0.0.1", 0) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        given = token if token is not None else TOKEN if editable else ""
        app = create_app(workspace, url=url, editable=editable, token=given)
        server = uvicorn.Server(uvicorn.Config(app, log_level="warning", access_log=False))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        while not server.started and thread.is_alive():
            time.sleep(0.01)
        try:
            yield url
        finally:
            server.should_exit = True
            thread.join()
