"""What stands at the root: the landing page, the declared classes, and the collections, searchable
as a catalogue.

The list of collections is a local resources catalogue of OGC API Records: its entries are kept as
records in a small store of their own, so that the same parameters find them as find the records of
the catalogue.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from threading import Lock
from typing import Any
from urllib.parse import urlencode
from weakref import finalize

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp, Message

from geoguichet.catalogue.record import Extent, Record, Time
from geoguichet.catalogue.search.query import RecordQuery
from geoguichet.catalogue.search.store import SQLiteStore
from geoguichet.portal.api import answers, declared, openapi
from geoguichet.portal.api.answers import CATALOG, OPENAPI, SCHEMA, Refusal, answer
from geoguichet.portal.api.records import COLLECTION, RecordsApi, link

_REL = "http://www.opengis.net/def/rel/ogc/1.0"
OGC_CATALOG = f"{_REL}/ogc-catalog"
PARAMETERS = ("q", "bbox", "datetime", "type", "ids", "externalIds", "filter", "filter-lang",
"filter-crs", "sortby",
              "limit", "offset", "profile")  # fmt: skip
"""Parameters of the list of collections."""


class Resources:
    """The resources at the root of the portal."""

    def __init__(self, config: Mapping[str, Any], pygeoapi: ASGIApp, records: RecordsApi) -> None:
        self.config = config
        self.url = str(config["server"]["url"])
        self.pygeoapi = pygeoapi
        self.records = records
        self._stores: dict[str, tuple[SQLiteStore, dict[str, dict[str, Any]]]] = {}
        self._lock = Lock()
        self._stale: set[str] = set()
        self._folder = Path(tempfile.mkdtemp(prefix="geoguichet-"))
        finalize(self, _discard, self._folder, self._stores)

    def forget(self) -> None:
        """Ask for the descriptions of the collections anew, for they changed."""
        with self._lock:
            self._stale.update(self._stores)

    def routes(self) -> list[BaseRoute]:
        """Return what to put before pygeoapi's own routes."""
        door = self.records.door
        return [
            Route("/", door(self.landing)),
            Route("/conformance", door(self.conformance)),
            Route("/openapi", door(self.openapi)),
            Route("/collections", door(self.collections)),
            Route("/collections/{identifier}", door(self.collection)),
        ]

    async def landing(self, request: Request) -> Response:
        """Say what is here; the page is pygeoapi's."""
        form, lang = (
            answers.wanted_form(request, ("json", "html", "jsonld")),
            answers.language(request),
        )
        answers.parameters(request)
        if other := self.records.or_pygeoapi(request, form):
            return other
        about = self.config["metadata"]["identification"]
        document = {
            "title": about["title"][lang],
            "description": about["description"][lang],
            "links": [
                link("self", f"{self.url}/?f=json", "application/json"),
                link("alternate", f"{self.url}/?f=html", "text/html"),
                link("service-desc", f"{self.url}/openapi?f=json", OPENAPI),
                link("service-doc", f"{self.url}/openapi?f=html", "text/html"),
                link("conformance", f"{self.url}/conformance?f=json", "application/json"),
                link("data", f"{self.url}/collections?f=json", "application/json"),
                link(OGC_CATALOG, f"{self.url}/collections/{COLLECTION}?f=json", CATALOG,
                "Catalogue"),
                link(OGC_CATALOG, f"{self.url}/collections?f=json", "application/json",
                "Collections"),
                link(f"{_REL}/processes", f"{self.url}/processes?f=json", "application/json"),
                link(f"{_REL}/job-list", f"{self.url}/jobs?f=json", "application/json"),
            ],
        }  # fmt: skip
        return answer(answers.to_json(document), "application/json", lang)

    async def conformance(self, request: Request) -> Response:
        """Tell the conformance classes."""
        form, lang = answers.wanted_form(request), answers.language(request)
        answers.parameters(request)
        links = [link("self", f"{self.url}/conformance?f=html", "text/html"),
                 link("alternate", f"{self.url}/conformance?f=json",
                 "application/json")]  # fmt: skip
        document = {"conformsTo": declared.classes(editable=self.records.editable)}
        if form == "html":
            page = await run_in_threadpool(
                self.records.render, "conformance.html", {**document, "links": links}, lang
            )
            return answer(page.encode(), "text/html", lang)
        return answer(answers.to_json(document), "application/json", lang)

    async def openapi(self, request: Request) -> Response:
        """Describe the interface, in one document that needs no other."""
        form, lang = answers.wanted_form(request), answers.language(request)
        answers.parameters(request, "ui")
        if other := self.records.or_pygeoapi(request, form):
            return other
        document = openapi.document(self.config, editable=self.records.editable, lang=lang)
        return answer(answers.to_json(document), OPENAPI, lang)

    # --- collections ------------------------------------------------------------------------------

    async def collections(self, request: Request) -> Response:
        """List the collections, or those that match."""
        form, lang = (
            answers.wanted_form(request, ("json", "html", "jsonld")),
            answers.language(request),
        )
        given = answers.parameters(request, *PARAMETERS)
        asked = {name: text for name, text in given.items() if name != "profile"}
        query = RecordQuery.from_parameters({"limit": "1000", "sortby": "id", **asked})
        if other := self.records.or_pygeoapi(request, form):
            return other
        store, documents = await self._described(lang)
        page = await run_in_threadpool(store.search, query)
        found = [documents[json.loads(item)["id"]] for item in page.items]
        return answer(
            answers.to_json(self._catalogue(found, page.number_matched, given, lang)),
            "application/json",
            lang,
        )

    def _catalogue(
        self, found: list[dict[str, Any]], matched: int, given: Mapping[str, str], lang: str
    ) -> dict[str, Any]:
        home, asked = f"{self.url}/collections", urlencode({**given, "f": "json"})
        return {
            "id": "collections",
            "type": "Collection",
            "title": "Collections",
            "description": self.config["metadata"]["identification"]["description"][lang],
            "conformsTo": list(declared.RECORDS[:2]),
            "recordsArrayName": "collections",
            "defaultSortOrder": ["id"],
            "links": [
                link("self", f"{home}?{asked}", "application/json"),
                link("alternate", f"{home}?f=html", "text/html"),
                link("root", f"{self.url}/?f=json", "application/json"),
                *(link(f"{_REL}/{kind}", f"{home}/{COLLECTION}/{kind}?f=json", SCHEMA)
                  for kind in ("queryables", "sortables")),
            ],
            "numberMatched": matched,
            "numberReturned": len(found),
            "collections": found,
        }  # fmt: skip

    async def collection(self, request: Request) -> Response:
        """Describe one collection, that of the catalogue excepted."""
        form, lang = (
            answers.wanted_form(request, ("json", "html", "jsonld")),
            answers.language(request),
        )
        answers.parameters(request)
        identifier = request.path_params["identifier"]
        _, documents = await self._described(lang)
        if identifier not in documents:
            known = ", ".join(documents)
            raise Refusal(404, f"Aucune collection « {identifier[:60]} » ; il y a {known}.",
                          f"No collection “{identifier[:60]}”; there are {known}.")  # fmt: skip
        if other := self.records.or_pygeoapi(request, form):
            return other
        return answer(answers.to_json(documents[identifier]), "application/json", lang)

    async def _described(self, lang: str) -> tuple[SQLiteStore, dict[str, dict[str, Any]]]:
        """Return the descriptions of the collections, and the store that finds them."""
        if lang not in self._stores or lang in self._stale:
            listed = await _fetched(self.pygeoapi, "/collections", f"f=json&lang={lang}")
            documents = {
                item["id"]: {**item, "type": "Collection"} for item in listed["collections"]
            }
            documents[COLLECTION] = self.records.description(lang)
            await run_in_threadpool(self._remember, lang, documents)
        return self._stores[lang]

    def _remember(self, lang: str, documents: dict[str, dict[str, Any]]) -> None:
        with self._lock:
            known = self._stores.get(lang)
            store = SQLiteStore(self._folder / f"{lang}.sqlite") if known is None else known[0]
            for gone in () if known is None else known[1].keys() - documents.keys():
                store.delete(gone)
            store.bulk_upsert(map(as_record, documents.values()))
            self._stores[lang] = store, documents
            self._stale.discard(lang)


def _discard(folder: Path, stores: Mapping[str, tuple[SQLiteStore, object]]) -> None:
    for store, _ in stores.values():
        store.close()
    shutil.rmtree(folder, ignore_errors=True)


def as_record(document: Mapping[str, Any]) -> Record:
    """Return the description of a collection as a record, to be found by."""
    extent = document.get("extent") or {}
    boxes = extent.get("spatial", {}).get("bbox") or []
    interval = (extent.get("temporal", {}).get("interval") or [[None, None]])[0]
    return Record(
        id=document["id"],
        type="catalog" if document.get("itemType") == "record" else "collection",
        title=document.get("title", ""),
        description=document.get("description", ""),
        keywords=tuple(document.get("keywords", ())),
        geometry=Extent(*boxes[0]).as_geometry() if boxes else None,
        time=Time(interval=tuple(end or ".." for end in interval)) if any(interval) else None,
    )


async def _fetched(app: ASGIApp, path: str, query: str) -> Any:
    """Return the JSON that an application answers to a GET."""
    body = bytearray()
    scope = {
        "type": "http", "method": "GET", "path": path, "raw_path": path.encode(),
        "query_string": query.encode(),
        "headers": [(b"accept", b"application/json"), (b"host", b"localhost")], "scheme": "http",
        "root_path": "",
        "http_version": "1.1", "server": ("localhost", 80), "client": None,
        "asgi": {"version": "3.0"},
    }  # fmt: skip

    async def receive() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Message) -> None:
        body.extend(message.get("body", b""))

    await app(scope, receive, send)
    return json.loads(body)
