"""The abstract test suite of OGC API Records Part 1 (20-004r1) put to a server, ours or another's.

Each of its 95 tests answers pass, fail with a reason, or not applicable with one. No certification:
OGC gives none for this standard yet.
"""

import json
import re
import urllib.parse
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal, cast
from urllib.parse import quote

from jsonschema import Draft202012Validator
from jsonschema.exceptions import best_match

from geoguichet.floor.http import Client, HttpError, Response
from geoguichet.portal.errors import PortalError

ANY_JSON = (
    "application/geo+json, application/ogc-catalog+json, application/schema+json, "
    "application/json;q=0.9"
)
_CLIENT = Client(tries=1, elsewhere=True, any_status=True)

type Outcome = Literal["pass", "fail", "not applicable"]


@dataclass(frozen=True, slots=True)
class Result:
    """What one abstract test found."""

    test: str
    outcome: Outcome
    reason: str = ""


class FailedError(Exception):
    """A test failed; the message says why."""


class NotApplicableError(Exception):
    """A test has nothing to test on this server; the message says why."""


class Server:
    """A server under test. It is asked the same thing once."""

    def __init__(self, url: str) -> None:
        if urllib.parse.urlsplit(url).scheme not in ("http", "https"):
            raise PortalError(f"« {url} » : une adresse http ou https est attendue.")
        self.url = url.rstrip("/")
        self._kept: dict[tuple[str, str], Response] = {}

    def get(self, address: str, *, accept: str = ANY_JSON, **parameters: str) -> Response:
        """Ask for a path of the server, or a whole address, with query parameters."""
        address = address if "://" in address else f"{self.url}{address}"
        if parameters:
            joint = "&" if "?" in address else "?"
            address += joint + urllib.parse.urlencode(
                {name.replace("_", "-"): v for name, v in parameters.items()}
            )
        key = (address, accept)
        if key not in self._kept:
            self._kept[key] = _asked(address, lambda: _CLIENT.get(address, accept=accept))
        return self._kept[key]

    def put(self, path: str, document: object, *, prefer: str = "") -> Response:
        """Send a JSON document to a path of the server."""
        body, kind, address = json.dumps(document).encode(), "application/json", self.url + path
        post = partial(_CLIENT.post, address, body, content_type=kind, prefer=prefer)
        return _asked(address, post)

    def again(self, address: str, *, end: bool = False) -> Response:
        """Ask for a whole address however often it was asked; or for an ``end`` to what is there."""
        get = partial(_CLIENT.get, address, accept=ANY_JSON)
        return _asked(address, partial(_CLIENT.delete, address) if end else get)

    def found(self, address: str, *, accept: str = ANY_JSON, **parameters: str) -> Response:
        """Ask, and fail unless the status is 200."""
        answer = self.get(address, accept=accept, **parameters)
        expect(
            answer.status == 200,
            f"{address} {parameters or ''}: status {answer.status}, 200 expected",
        )
        return answer


def _asked(address: str, ask: Callable[[], Response]) -> Response:
    try:
        return ask()
    except HttpError as error:
        raise FailedError(f"{address}: no answer ({error.english})") from error


def expect(condition: object, reason: str) -> None:
    """Fail with this reason unless the condition holds."""
    if not condition:
        raise FailedError(reason)


def check(url: str, tests: Mapping[str, Callable[[Server], None]]) -> list[Result]:
    """Put tests to a server; PortalError when nothing answers there."""
    server = Server(url)
    try:
        server.get("/")
    except FailedError as error:
        raise PortalError(
            f"{url} ne répond pas ({error}) ; démarrez le serveur ou corrigez l'adresse."
        ) from error
    return [run(server, name, test) for name, test in tests.items()]


def run(server: Server, name: str, test: Callable[[Server], None]) -> Result:
    """Run one test."""
    try:
        test(server)
    except NotApplicableError as error:
        return Result(name, "not applicable", str(error))
    except FailedError as error:
        return Result(name, "fail", str(error))
    except HttpError as error:  # a body that is not the JSON that was asked
        return Result(name, "fail", error.english)
    except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
        return Result(
            name, "fail", f"a document of an unexpected form ({type(error).__name__}: {error})"
        )
    return Result(name, "pass")


def report(
    results: list[Result], url: str, title: str = "OGC API Records Part 1 (20-004r1)"
) -> str:
    """Return a report to read: the counts, then a line for each test."""
    counts: Mapping[str, int] = {
        kind: sum(result.outcome == kind for result in results)
        for kind in ("pass", "fail", "not applicable")
    }
    told = ", ".join(f"{count} {kind}" for kind, count in counts.items())
    lines = [
        f"{result.outcome:<14}  {result.test}{'  ' + result.reason if result.reason else ''}"
        for result in results
    ]
    return "\n".join([f"{title}, {url}: {told}", "", *lines])


# What the abstract tests share: their register, what they ask of a server, what documents look
# like.


type Test = Callable[[Server], None]

#: Every test by its identifier.
TESTS: dict[str, Test] = {}

RECORDS = "http://www.opengis.net/spec/ogcapi-records-1/1.0/conf"
FEATURES = "http://www.opengis.net/spec/ogcapi-features-1/1.0/conf"
REL = "http://www.opengis.net/def/rel/ogc/1.0"
PROFILES = "http://www.opengis.net/def/profile/OGC/0"
CATALOG, GEOJSON, SCHEMA = (f"application/{kind}+json" for kind in ("ogc-catalog", "geo", "schema"))

type Json = dict[str, Any]


def register(tests: Mapping[str, Test]) -> None:
    """Add tests, each under its identifier, which a traceback tells too."""
    for name, test in tests.items():
        if "<locals>" in test.__qualname__:
            test.__qualname__ = test.__name__ = name
        TESTS[name] = test


# --- tests of one shape ---------------------------------------------------------------------------


def every(found: Callable[[Server], Sequence[Json]], *checks: Callable[[Json], None]) -> Test:
    """Return a test that puts checks to each document found."""

    def test(server: Server) -> None:
        for document in found(server):
            for check in checks:
                check(document)

    return test


def depends(*on: str) -> Test:
    """Return a test that asks others to pass, those beneath them too; what is not applicable
    passes.
    """

    def test(server: Server) -> None:
        for name, other in TESTS.items():
            if other is not test and any(f"{name}/".startswith(f"{one}/") for one in on):
                with suppress(NotApplicableError):
                    other(server)

    return test


def declares(*classes: str) -> Test:
    """Return a test that the server declares these conformance classes."""

    def test(server: Server) -> None:
        declared = server.found("/conformance", f="json").json()["conformsTo"]
        missing = [name for name in classes if name not in declared]
        expect(not missing, f"not declared: {', '.join(missing)}")

    return test


def declares_records(*names: str) -> Test:
    """Return a test that the server declares classes of OGC API Records."""
    return declares(*(f"{RECORDS}/{name}" for name in names))


def lists_texts(name: str, value: str = "any") -> Test:
    """Return a test that a parameter is described as a list of texts, and takes a value."""

    def test(server: Server) -> None:
        given = parameters(server, items_path(server))
        expect(name in given, f"the parameter {name} is not in the API document")
        schema = given[name].get("schema", {})
        texts = schema.get("type") == "array" and schema.get("items", {}).get("type") == "string"
        expect(
            texts and given[name].get("explode") is False,
            f"{name}: a list of texts, not exploded, is expected",
        )
        items(server, **{name: value})

    return test


def follows(rel: str, check: Callable[[Json], None]) -> Test:
    """Return a test of the documents that the catalogue links to by a relation."""

    def test(server: Server) -> None:
        found = links(catalog(server), rel)
        applicable(found, f"the catalogue has no link of rel {rel}")
        for item in found:
            if "html" not in item.get("type", ""):
                check(server.found(item["href"]).json())

    return test


def applicable(condition: object, reason: str) -> None:
    """Say that the test has nothing to test unless the condition holds."""
    if not condition:
        raise NotApplicableError(reason)


# --- what a server is asked -----------------------------------------------------------------------


def catalogs(server: Server) -> list[Json]:
    """Return the collections of records."""
    listed = server.found("/collections", f="json").json()["collections"]
    catalogs = [item for item in listed if item.get("itemType") == "record"]
    expect(catalogs, "no collection whose itemType is record")
    return [server.found(f"/collections/{item['id']}").json() for item in catalogs]


def catalog(server: Server) -> Json:
    """Return the first collection of records."""
    return catalogs(server)[0]


def items(server: Server, **parameters: str) -> Json:
    """Search the records."""
    answer = server.found(f"/collections/{catalog(server)['id']}/items", **parameters)
    return cast("Json", answer.json())


def records(server: Server) -> list[Json]:
    """Return some records, each from its own address."""
    home = f"/collections/{catalog(server)['id']}/items"
    listed = items(server, limit="20")["features"]
    applicable(listed, "the catalogue is empty")
    return [server.found(address(home, item)).json() for item in listed]


def records_as_answered(server: Server, **asked: str) -> Iterator[Json]:
    """Yield some records, each from its own address, all answered as GeoJSON."""
    home = items_path(server)
    for listed in records(server):
        answer = server.found(address(home, listed), **asked)
        expect(answer.media_type == GEOJSON, f"media type {answer.media_type}, {GEOJSON} expected")
        yield answer.json()


def gives_what_it_announces(server: Server, item: Json) -> None:
    """Fail unless a link leads to what it says."""
    given = server.found(item["href"], accept=item["type"]).media_type
    announced = item["type"].partition(";")[0]
    expect(given == announced, f"{item['href']}: {given}, {announced} announced")


def links(document: Json, rel: str) -> list[Json]:
    """Return the links of a document that have this relation."""
    return [item for item in document.get("links", []) if item.get("rel") == rel]


def openapi(server: Server) -> Json:
    """Return the API document."""
    described = links(server.found("/", f="json").json(), "service-desc")
    expect(described, "no service-desc link on the landing page")
    return cast("Json", server.found(described[0]["href"], accept="*/*").json())


def parameters(server: Server, path: str) -> dict[str, Json]:
    """Return the parameters of the GET of a path in the API document, by name, references
    followed.
    """
    document = openapi(server)
    described = [known for known in document["paths"] if _template(known).fullmatch(path)]
    expect(described, f"{path} is not in the API document")
    operation = document["paths"][path if path in described else described[0]]["get"]
    found = [resolved(document, item) for item in operation.get("parameters", [])]
    return {item["name"]: item for item in found if "name" in item}


# Return what matches the paths that a path with ``{names}`` stands for.
def _template(path: str) -> re.Pattern[str]:
    return re.compile("[^/]+".join(map(re.escape, re.split(r"\{[^/}]*\}", path))))


def resolved(document: Json, item: Json) -> Json:
    """Return a part of the API document, its reference followed."""
    reference = item.get("$ref", "")
    if not reference.startswith("#/"):
        return {"name": reference.rpartition("/")[2], "schema": {}, **item} if reference else item
    node: Any = document
    for part in reference[2:].split("/"):
        node = node[part.replace("~1", "/").replace("~0", "~")]
    return dict(node)


def has_parameter(server: Server, name: str, path: str = "") -> None:
    """Fail unless the GET of a path, that of the records by default, takes a parameter."""
    path = path or items_path(server)
    expect(name in parameters(server, path), f"{name} is not in the API document of {path}")


def refuses(server: Server, **parameters: str) -> None:
    """Fail unless a search is refused."""
    status = server.get(items_path(server), **parameters).status
    expect(status == 400, f"{parameters}: status {status}, 400 expected")


def items_path(server: Server) -> str:
    """Return the path of the records."""
    return f"/collections/{catalog(server)['id']}/items"


def same_ids(documents: list[Json], ids: set[str], what: str) -> None:
    """Fail unless the documents are these."""
    found = {item["id"] for item in documents}
    expect(found == ids, f"{what}: {sorted(found ^ ids)[:5]} should not differ")


# --- what documents look like ---------------------------------------------------------------------


def _schema(properties: Json, *required: str) -> Json:
    return {"required": list(required), "properties": properties}


_TEXT = {"type": "string"}
_LINKS = {"type": "array", "items": _schema({"href": _TEXT}, "href")}
_NAMED = {"anyOf": [_schema({name: {"minLength": 1}}, name) for name in ("name", "organization")]}
_CONCEPTS = {"items": {"required": ["id"]}}
_RECORD = _schema(
    {
        "id": {"type": ["string", "integer"], "minLength": 1},
        "type": {"const": "Feature"},
        "geometry": {"type": ["object", "null"]},
        "time": {"type": ["object", "null"]},
        "properties": {
            "type": ["object", "null"],
            "properties": {
                **dict.fromkeys(("type", "title", "description", "license", "rights"), _TEXT),
                "keywords": {"type": "array", "items": _TEXT},
                "themes": {"items": _schema({"concepts": _CONCEPTS}, "concepts")},
                "contacts": {"items": _NAMED},
            },
        },
        "links": _LINKS,
    },
    "id", "type", "geometry", "properties",
)  # fmt: skip
_BOX = {"anyOf": [{"minItems": count, "maxItems": count} for count in (4, 6)]}
_CATALOG = _schema(
    {
        "id": {"type": "string", "minLength": 1},
        "type": {"const": "Collection"},
        "itemType": {"minLength": 1},
        "links": _LINKS,
        "extent": _schema({"spatial": _schema({"bbox": {"items": _BOX}})}),
    },
    "id", "type", "links",
)  # fmt: skip
_CONTACTS = {
    "items": _schema(
        {
            "logo": _schema(
                {"rel": {"const": "icon"}, "type": {"pattern": "^image/"}}, "rel", "type"
            ),
            "links": {
                "items": _schema(
                    {"rel": {"const": "about"}, "type": {"minLength": 1}}, "rel", "type"
                )
            },
        }
    )
}


def _keeps(document: object, schema: Json) -> None:
    fault = best_match(Draft202012Validator(schema).iter_errors(document))
    expect(fault is None, f"{fault.json_path}: {fault.message[:200]}" if fault else "")


def is_record(document: Json) -> None:
    """Check a record against recordGeoJSON.yaml."""
    _keeps(document, _RECORD)


def is_catalog(document: Json) -> None:
    """Check a catalogue against catalog.yaml."""
    _keeps(document, _CATALOG)


def contacts_are_sound(contacts: list[Json]) -> None:
    """Fail unless the logos and links of contacts are as the standard asks."""
    _keeps(contacts, _CONTACTS)


def license_is_sound(license_: object, document: Json) -> None:
    """Fail unless a licence is known, or linked to."""
    applicable(license_, "no license member")
    expect(
        re.fullmatch(r"[A-Za-z0-9.+-]+", str(license_)),
        f"license: “{license_}” is no SPDX identifier",
    )
    if license_ == "other":
        expect(links(document, "license"), "license other without a link of rel license")


def has_profile(document: Json, name: str) -> None:
    """Fail unless the document links to this profile of OGC."""
    profiles = [item["href"] for item in links(document, "profile")]
    expect(f"{PROFILES}/{name}" in profiles, f"no profile link to {name}")


def are_records(page: Json) -> None:
    """Fail unless the page is a collection of records."""
    expect(page.get("type") == "FeatureCollection", "not a FeatureCollection")
    for record in page["features"]:
        is_record(record)


def check_catalog_type(server: Server) -> None:
    """Fail unless catalogues have the media type of a catalogue."""
    for catalog in catalogs(server):
        kind = server.found(f"/collections/{catalog['id']}").media_type
        expect(kind == CATALOG, f"media type {kind}, {CATALOG} expected")


def address(home: str, record: Json) -> str:
    """Return the path of a record: an identifier may be an address itself."""
    return f"{home}/{quote(str(record['id']), safe='')}"
