"""What the abstract tests share: their register, what they ask of a server, what documents look
like.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import lxml.html

from geoguichet.portal.conformance.client import NotApplicableError, Server, expect

#: Every test by its identifier.
TESTS: dict[str, Callable[[Server], None]] = {}

RECORDS = "http://www.opengis.net/spec/ogcapi-records-1/1.0/conf"
FEATURES = "http://www.opengis.net/spec/ogcapi-features-1/1.0/conf"
REL = "http://www.opengis.net/def/rel/ogc/1.0"
PROFILES = "http://www.opengis.net/def/profile/OGC/0"
CATALOG, GEOJSON = "application/ogc-catalog+json", "application/geo+json"

type Json = dict[str, Any]


def abstract_test(name: str) -> Callable[[Callable[[Server], None]], Callable[[Server], None]]:
    """Register a test under its identifier."""

    def register(function: Callable[[Server], None]) -> Callable[[Server], None]:
        TESTS[name] = function
        return function

    return register


def depends(name: str, *on: str) -> None:
    """Register a test that asks others to pass."""

    def test(server: Server) -> None:
        for other in on:
            for known, function in list(TESTS.items()):
                if (known == other or known.startswith(f"{other}/")) and known != name:
                    try:
                        function(server)
                    except NotApplicableError:
                        continue

    TESTS[name] = test


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
    document: Json = answer.json()
    return document


def records(server: Server) -> list[Json]:
    """Return some records, each from its own address."""
    home = f"/collections/{catalog(server)['id']}/items"
    listed = items(server, limit="20")["features"]
    if not listed:
        raise NotApplicableError("the catalogue is empty")
    return [server.found(address(home, item)).json() for item in listed]


def _declared(server: Server) -> set[str]:
    return set(server.found("/conformance", f="json").json()["conformsTo"])


def declares(server: Server, *classes: str) -> None:
    """Fail unless the server declares these conformance classes."""
    missing = [name for name in classes if name not in _declared(server)]
    expect(not missing, f"not declared: {', '.join(missing)}")


def links(document: Json, rel: str) -> list[Json]:
    """Return the links of a document that have this relation."""
    return [item for item in document.get("links", []) if item.get("rel") == rel]


def openapi(server: Server) -> Json:
    """Return the API document."""
    landing = server.found("/", f="json").json()
    described = links(landing, "service-desc")
    expect(described, "no service-desc link on the landing page")
    document: Json = server.found(described[0]["href"], accept="*/*").json()
    return document


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


def _template(path: str) -> re.Pattern[str]:
    """Return what matches the paths that a path with ``{names}`` stands for."""
    parts = re.split(r"\{[^/}]*\}", path)
    return re.compile("[^/]+".join(map(re.escape, parts)))


def resolved(document: Json, item: Json) -> Json:
    """Return a part of the API document, its reference followed."""
    reference = item.get("$ref", "")
    if not reference.startswith("#/"):
        return {"name": reference.rpartition("/")[2], "schema": {}, **item} if reference else item
    node: Any = document
    for part in reference[2:].split("/"):
        node = node[part.replace("~1", "/").replace("~0", "~")]
    return dict(node)


def items_path(server: Server) -> str:
    """Return the path of the records."""
    return f"/collections/{catalog(server)['id']}/items"


def is_list_of_texts(server: Server, name: str) -> None:
    """Fail unless the API document describes the parameter as a list of texts."""
    given = parameters(server, items_path(server))
    expect(name in given, f"the parameter {name} is not in the API document")
    schema = given[name].get("schema", {})
    texts = schema.get("type") == "array" and schema.get("items", {}).get("type") == "string"
    expect(
        texts and given[name].get("explode") is False,
        f"{name}: a list of texts, not exploded, is expected",
    )


def same_ids(documents: list[Json], ids: set[str], what: str) -> None:
    """Fail unless the documents are these."""
    found = {item["id"] for item in documents}
    expect(found == ids, f"{what}: {sorted(found ^ ids)[:5]} should not differ")


# --- what documents look like ---------------------------------------------------------------------


def is_record(document: Json) -> None:
    """Check a record against recordGeoJSON.yaml."""
    for name in ("id", "type", "geometry", "properties"):
        expect(name in document, f"a record without {name}")
    expect(document["type"] == "Feature", "a record whose type is not Feature")
    expect(
        isinstance(document["id"], str | int) and str(document["id"]), "a record whose id is empty"
    )
    expect(isinstance(document["geometry"], dict | None), "geometry: an object or null")
    expect(isinstance(document.get("time"), dict | None), "time: an object or null")
    properties = document["properties"] or {}
    expect(isinstance(properties, dict), "properties: an object or null")
    for name in ("type", "title", "description", "license", "rights"):
        expect(isinstance(properties.get(name, ""), str), f"properties.{name}: a text")
    keywords = properties.get("keywords", [])
    expect(
        isinstance(keywords, list) and all(isinstance(k, str) for k in keywords),
        "keywords: a list of texts",
    )
    for theme in properties.get("themes", []):
        expect(all("id" in concept for concept in theme["concepts"]), "a concept without id")
    for contact in properties.get("contacts", []):
        expect(
            contact.get("name") or contact.get("organization"),
            "a contact without name or organization",
        )
    _have_href(document)


def _have_href(document: Json) -> None:
    for item in document.get("links", []):
        expect(isinstance(item.get("href"), str), f"a link without href: {item}")


def is_catalog(document: Json) -> None:
    """Check a catalogue against catalog.yaml."""
    expect(isinstance(document.get("id"), str) and document["id"], "a catalogue without id")
    expect(
        document.get("type") == "Collection",
        f"type: Collection is expected, not {document.get('type')}",
    )
    expect(isinstance(document.get("links"), list), "a catalogue without links")
    expect("itemType" not in document or document["itemType"], "an empty itemType")
    extent = document.get("extent", {})
    for box in extent.get("spatial", {}).get("bbox", []):
        expect(len(box) in (4, 6), "extent: a bbox of 4 or 6 numbers")
    _have_href(document)


def is_page(body: bytes) -> None:
    """Fail unless the body is an HTML 5 page."""
    expect(body.lstrip()[:15].lower() == b"<!doctype html>", "not an HTML 5 document")
    page = lxml.html.document_fromstring(body)
    expect(page.findtext(".//title") and page.get("lang"), "a page without title or language")


def contacts_are_sound(contacts: list[Json]) -> None:
    """Fail unless contacts have a name, and links as the standard asks."""
    for contact in contacts:
        if logo := contact.get("logo"):
            sound = logo.get("rel") == "icon" and str(logo.get("type", "")).startswith("image/")
            expect(sound, "contacts.logo: rel icon and an image are expected")
        for item in contact.get("links", []):
            expect(
                item.get("rel") == "about" and item.get("type"),
                "contacts.links: rel about and a type are expected",
            )


def license_is_sound(license_: object, document: Json) -> None:
    """Fail unless a licence is known, or linked to."""
    if not license_:
        raise NotApplicableError("no license member")
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
