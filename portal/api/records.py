"""OGC API Records over the record store: what stands before pygeoapi for the collection of records.

JSON is joined from the bytes the store keeps; pages are our templates. Everything a client can send
is an answer or a refusal in one sentence.
"""

from __future__ import annotations

import json
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp, Receive, Scope, Send

from geoguichet.catalogue.errors import QueryError, RecordNotFoundError, StoreError
from geoguichet.catalogue.quality.judging import checked
from geoguichet.catalogue.record import Record
from geoguichet.catalogue.search.query import PARAMETERS, RecordQuery
from geoguichet.catalogue.search.queryables import FACETS as FACET_NAMES
from geoguichet.catalogue.search.queryables import QUERYABLES, SORTABLES
from geoguichet.catalogue.search.store import Page, RecordStore, search_as_people_do
from geoguichet.floor.language import speaking
from geoguichet.portal.api import answers, declared
from geoguichet.portal.api.answers import CATALOG, GEOJSON, SCHEMA, Refusal, answer
from geoguichet.portal.api.editing import Editing, utf8
from geoguichet.portal.api.encodings import ENCODINGS, TOGETHER, Encodings
from geoguichet.portal.api.record_links import spliced
from geoguichet.portal.api.record_provider import store_of
from geoguichet.portal.api.refusals import Render, told

COLLECTION = "catalogue"
RECORD_PROFILE = "http://www.opengis.net/def/profile/OGC/0/ogc-record"
CATALOG_PROFILE = "http://www.opengis.net/def/profile/OGC/0/ogc-catalog"
_REL = "http://www.opengis.net/def/rel/ogc/1.0"
ITEMS_PARAMETERS = (*PARAMETERS, "profile", "properties", "skipGeometry", "resulttype")
PAGE_FACETS = "type,organization:8,keywords:12,themes:8,license:8"
"""The facets that the page of the catalogue shows."""

_ITEM_METHODS = ("GET", "PUT", "PATCH", "DELETE", "OPTIONS")

_LISTED = ("json", "html", "jsonld", *TOGETHER)
_ITEM = ("json", "html", "jsonld", *ENCODINGS)
"""What ``f`` may ask of the records, and of one."""

type Handler = Callable[[Request], Awaitable[Response]]


class RecordsApi:
    """The resources of one collection of records.

    ``config`` is the portal's configuration, ``pygeoapi`` the application that serves what is not
    ours (other forms of the same resources), ``render`` fills one of our templates.
    """

    def __init__(
        self,
        config: Mapping[str, Any],
        workspace: Path,
        pygeoapi: ASGIApp,
        render: Render,
        *,
        editable: bool = False,
        token: str = "",
    ) -> None:
        self.url = str(config["server"]["url"])
        self.resource: Mapping[str, Any] = config["resources"][COLLECTION]
        self.store: RecordStore = store_of(workspace.absolute())
        self.pygeoapi = pygeoapi
        self.render = render
        self.editable = editable
        self.home = f"{self.url}/collections/{COLLECTION}"
        self.encodings = Encodings(workspace.absolute(), self.url, self.home)
        self._links_of_an_item = {lang: self._made_item_links(lang) for lang in _WORDS}
        self.editing = Editing(self.store, self.url, self.home, editable=editable, token=token)
        edits = {
            "PUT": self.editing.replace,
            "PATCH": self.editing.change,
            "DELETE": self.editing.delete,
        }
        self._edits: Mapping[str, Callable[[Request, str], Awaitable[Response]]] = edits

    def routes(self) -> list[BaseRoute]:
        """Return what to put before pygeoapi's own routes."""
        home = f"/collections/{COLLECTION}"
        return [
            Route(home, self.door(self.collection)),
            Route(f"{home}/items", self.door(self.items), methods=["GET", "POST", "OPTIONS"]),
            Route(f"{home}/items/{{identifier:path}}", self.door(self.item), methods=_ITEM_METHODS),
            Route(f"{home}/queryables", self.door(self.queryables)),
            Route(f"{home}/sortables", self.door(self.sortables)),
            Route(f"{home}/facets", self.door(self.facets)),
            Route(f"{home}/schema", self.door(self.schema)),
        ]  # fmt: skip

    def door(self, handler: Handler) -> Handler:
        """Return the handler with its refusals told; what is not ours goes on to pygeoapi."""

        async def answered(request: Request) -> Response:
            try:
                return await handler(request)
            except (Refusal, QueryError) as error:
                return await told(error, request, self.render)
            except RecordNotFoundError as error:
                missing = Refusal(404, str(error), "No such record in the catalogue.")
                return await told(missing, request, self.render)
            except StoreError as error:
                return await told(
                    Refusal(503, str(error), "The catalogue cannot be read now."),
                    request,
                    self.render,
                )

        return answered

    def or_pygeoapi(self, request: Request, form: str) -> Response | None:
        """Return the answer of pygeoapi for a form that is not ours."""
        return None if form == "json" else _Forwarded(self.pygeoapi, request)

    # --- the collection ---------------------------------------------------------------------------

    async def collection(self, request: Request) -> Response:
        """Describe the collection: a catalogue of OGC API Records."""
        form, lang = (
            answers.wanted_form(request, ("json", "html", "jsonld")),
            answers.language(request),
        )
        answers.parameters(request, "profile")
        if other := self.or_pygeoapi(request, form):
            return other
        _check_profile(request, CATALOG_PROFILE)
        headers = answers.validators(self.store.generation(), request, form, lang)
        if answers.is_unchanged(request, headers):
            return answer(b"", CATALOG, lang, status=304, headers=headers)
        headers["Link"] = f'<{CATALOG_PROFILE}>; rel="profile"'
        return answer(answers.to_json(self.description(lang)), CATALOG, lang, headers=headers)

    def description(self, lang: str) -> dict[str, Any]:
        """Return the description of the collection."""
        resource = self.resource
        spatial = resource["extents"]["spatial"]
        return {
            "id": COLLECTION,
            "type": "Collection",
            "itemType": "record",
            "conformsTo": [*declared.RECORDS[:2],
            f"{declared.RECORDS[0].rpartition('/')[0]}/crawlable-catalog"],
            "title": resource["title"][lang],
            "description": resource["description"][lang],
            "keywords": resource["keywords"][lang],
            "language": {"code": lang},
            "license": "etalab-2.0",
            "extent": {"spatial": {"bbox": [spatial["bbox"]], "crs": spatial["crs"]}},
            "crs": ["http://www.opengis.net/def/crs/OGC/1.3/CRS84"],
            "defaultSortOrder": ["-updated", "-id"],
            "links": self._collection_links(lang),
        }  # fmt: skip

    def _collection_links(self, lang: str) -> list[dict[str, str]]:
        told = _WORDS[lang]
        return [
            link("self", f"{self.home}?f=json", CATALOG, told["self"]),
            link("alternate", f"{self.home}?f=html", "text/html", told["html"]),
            link("profile", CATALOG_PROFILE),
            link("root", f"{self.url}/?f=json", "application/json"),
            link("items", f"{self.home}/items?f=json", GEOJSON, told["items"]),
            link("items", f"{self.home}/items?f=html", "text/html", told["items"]),
            link(
                f"{_REL}/queryables", f"{self.home}/queryables?f=json", SCHEMA, told["queryables"]
            ),
            link(f"{_REL}/sortables", f"{self.home}/sortables?f=json", SCHEMA, told["sortables"]),
            link(f"{_REL}/schema", f"{self.home}/schema?f=json", SCHEMA, told["schema"]),
            link("facets", f"{self.home}/facets?f=json", answers.FACETS, told["facets"]),
            link("related", f"{self.url}/quality?f=html", "text/html", told["quality"]),
            link("license", "https://www.etalab.gouv.fr/licence-ouverte-open-licence", "text/html"),
        ]

    async def queryables(self, request: Request) -> Response:
        """Tell what a filter can ask about."""
        return await self._schema_of(request, "queryables", tuple(QUERYABLES))

    async def sortables(self, request: Request) -> Response:
        """Tell what an answer can be sorted by."""
        return await self._schema_of(request, "sortables", SORTABLES)

    async def schema(self, request: Request) -> Response:
        """Tell the properties of a record."""
        return await self._schema_of(
            request, "schema", tuple(name for name in QUERYABLES if name not in _COMPUTED)
        )

    async def _schema_of(self, request: Request, kind: str, names: Sequence[str]) -> Response:
        form, lang = answers.wanted_form(request), answers.language(request)
        answers.parameters(request)
        document = {
            "$schema": "https://json-schema.org/draft/2019-09/schema",
            "$id": f"{self.home}/{kind}",
            "type": "object",
            "title": _WORDS[lang][kind],
            "properties": {name: _schema(name, lang) for name in names},
            "additionalProperties": False,
        }
        if form == "html":
            page = await run_in_threadpool(self._schema_page, document, kind, lang)
            return answer(page, "text/html", lang)
        return answer(answers.to_json(document), SCHEMA, lang)

    def _schema_page(self, document: Mapping[str, Any], kind: str, lang: str) -> bytes:
        data = {
            **document,
            "collection": self.resource["title"][lang],
            "collections_path": f"{self.url}/collections",
            "dataset_path": self.home,
            "links": [link("self", f"{self.home}/{kind}?f=html", "text/html"),
                      link("alternate", f"{self.home}/{kind}?f=json", "application/json")],
        }  # fmt: skip
        return self.render("collections/queryables.html", data, lang).encode()

    async def facets(self, request: Request) -> Response:
        """Tell what can be counted (draft of OGC API Records Part 2)."""
        answers.wanted_form(request, ("json",))
        lang = answers.language(request)
        answers.parameters(request)
        told = {
            name: {"type": "term", "property": name, "sortedBy": "count", "minOccurs": 1}
            if QUERYABLES[name].facet == "term"
            else {
                "type": "histogram",
                "property": name,
                "sortedBy": "value",
                "bucketType": "fixedInterval",
            }
            for name in FACET_NAMES
        }
        title = self.resource["title"][lang]
        document = {"id": COLLECTION, "title": title, "facets": told, "defaultBucketCount": 10}
        return answer(answers.to_json(document), answers.FACETS, lang)

    # --- records ----------------------------------------------------------------------------------

    async def items(self, request: Request) -> Response:
        """Search, or create a record."""
        if request.method == "OPTIONS":
            return self.editing.options(one=False)
        if request.method == "POST":
            return await self.editing.create(request)
        form, lang = answers.wanted_form(request, _LISTED), answers.language(request)
        given = answers.parameters(request, *ITEMS_PARAMETERS)
        _check_profile(request, RECORD_PROFILE)
        headers = answers.validators(self.store.generation(), request, form, lang)
        shaping = _Shaping.read(given)
        asked = {name: value for name, value in given.items() if name in PARAMETERS}
        if "limit" in asked and re.fullmatch(r"[0-9]{1,30}", asked["limit"]):
            asked["limit"] = str(min(int(asked["limit"]), 10_000))
        if shaping.hits:
            asked["limit"] = "0"
        if form == "html":
            asked = {"facets": PAGE_FACETS, **asked}
        query = RecordQuery.from_parameters(asked)
        if answers.is_unchanged(request, headers):
            return answer(b"", GEOJSON, lang, status=304, headers=headers)
        if form == "html":
            page, query = await run_in_threadpool(search_as_people_do, self.store, query)
            if query.anywhere:
                given["q-words"] = "anywhere"
            made = await run_in_threadpool(self._items_page, page, query, given, lang)
            return answer(made, "text/html", lang, headers=headers)
        page = await run_in_threadpool(self.store.search, query)
        if form in TOGETHER:
            made = await run_in_threadpool(self._encoded_page, page, query, given, form, lang)
            return answer(made, ENCODINGS[form][0], lang, headers=headers)
        headers["Link"] = f'<{RECORD_PROFILE}>; rel="profile"'
        return answer(
            self._items_json(page, query, given, shaping, lang), GEOJSON, lang, headers=headers
        )

    def _items_json(
        self, page: Page, query: RecordQuery, given: Mapping[str, str], shaping: _Shaping, lang: str
    ) -> bytes:
        own = answers.to_json(link("collection", self.home, CATALOG))
        records = [shaping.shape(spliced(item, own, self.url)) for item in page.items]
        head: dict[str, Any] = {
            "type": "FeatureCollection",
            "numberMatched": page.number_matched,
            "numberReturned": len(records),
        }
        if query.facets:
            head["facets"] = facets_json(page)
        head["links"] = self._items_links(page, query, given, lang)
        return answers.to_json(head)[:-1] + b',"features":[' + b",".join(records) + b"]}"

    def _items_links(
        self, page: Page, query: RecordQuery, given: Mapping[str, str], lang: str
    ) -> list[dict[str, str]]:
        kept = {**given, **({"lang": "en"} if lang == "en" else {})}
        links = [
            link("self", self._items_url({**kept, "f": "json"}), GEOJSON, _WORDS[lang]["self"]),
            link(
                "alternate",
                self._items_url({**kept, "f": "html"}),
                "text/html",
                _WORDS[lang]["html"],
            ),
            link("collection", self.home, CATALOG),
            link("profile", RECORD_PROFILE),
        ]
        plain = {name: value for name, value in kept.items() if name not in ("cursor", "offset")}
        if page.next:
            links.append(
                link("next", self._items_url({**plain, "cursor": page.next, "f": "json"}), GEOJSON)
            )
        elif (
            page.items and not query.cursor and query.offset + len(page.items) < page.number_matched
        ):
            further = {**plain, "offset": str(query.offset + len(page.items)), "f": "json"}
            links.append(link("next", self._items_url(further), GEOJSON))
        if query.offset and not query.cursor:
            before = {
                **plain,
                "offset": str(max(0, query.offset - max(query.limit, 1))),
                "f": "json",
            }
            links.append(link("prev", self._items_url(before), GEOJSON))
        return links

    def _encoded_page(
        self, page: Page, query: RecordQuery, given: Mapping[str, str], form: str, lang: str
    ) -> bytes:
        plain = {name: value for name, value in given.items() if name not in ("cursor", "offset")}
        size = max(query.limit, 1)

        def address(number: int) -> str:
            return self._items_url({**plain, "offset": str((number - 1) * size), "f": form})

        return self.encodings.many(
            page.records, form, title=self.resource["title"][lang], page=query.offset // size + 1,
            pages=-(-page.number_matched // size), total=page.number_matched, address=address,
        )  # fmt: skip

    def _items_url(self, given: Mapping[str, str]) -> str:
        return f"{self.home}/items?{urlencode(given)}"

    def _items_page(
        self, page: Page, query: RecordQuery, given: Mapping[str, str], lang: str
    ) -> bytes:
        data = {
            "itemtype": "record",
            "items_path": f"{self.home}/items",
            "dataset_path": self.home,
            "collections_path": f"{self.url}/collections",
            "links": [
                link("self", self._items_url({**given, "f": "html"}), "text/html"),
                link("alternate", self._items_url({**given, "f": "json"}), GEOJSON),
                link("collection", self.home, "text/html", self.resource["title"][lang]),
            ],
            "features": [json.loads(item) for item in page.items],
            "facets": page.facets,
            "numberMatched": page.number_matched,
            "numberReturned": len(page.items),
            "offset": query.offset,
            "title_field": "title",
        }
        return self.render("collections/items/index.html", data, lang).encode("utf-8", "replace")

    async def item(self, request: Request) -> Response:
        """Serve, replace, change or delete one record."""
        identifier = request.path_params["identifier"]
        if request.method == "OPTIONS":
            return self.editing.options(one=True)
        if edit := self._edits.get(request.method):
            return await edit(request, identifier)
        form, lang = answers.wanted_form(request, _ITEM), answers.language(request)
        answers.parameters(request, "profile")
        _check_profile(request, RECORD_PROFILE)
        generation = self.store.generation()  # both take less than handing them to a thread would
        body = self.store.document(utf8(identifier))
        if form == "jsonld" and (other := self.or_pygeoapi(request, form)):
            return other
        headers = answers.record_validators(body, generation, form, lang)
        if answers.is_unchanged(request, headers):
            return answer(b"", GEOJSON, lang, status=304, headers=headers)
        if form == "html":
            made = await run_in_threadpool(self._item_page, identifier, body, lang)
            return answer(made, "text/html", lang, headers=headers)
        if form in ENCODINGS:
            record = Record.from_geojson(json.loads(body))
            made = await run_in_threadpool(self.encodings.one, record, form)
            return answer(made, ENCODINGS[form][0], lang, headers=headers)
        headers["Link"] = f'<{RECORD_PROFILE}>; rel="profile"'
        return answer(
            spliced(body, self._item_links(identifier, lang), self.url),
            GEOJSON,
            lang,
            headers=headers,
        )

    def _item_page(self, identifier: str, body: bytes, lang: str) -> bytes:
        """Return the page of a record, with what the check finds in it."""
        data = {
            **json.loads(spliced(body, self._item_links(identifier, lang), self.url)),
            "collections_path": f"{self.url}/collections",
        }
        with speaking(lang):
            data["checked"] = checked(Record.from_geojson(json.loads(body))).as_dict()
        return self.render("collections/items/item.html", data, lang).encode("utf-8", "replace")

    def _item_links(self, identifier: str, lang: str) -> bytes:
        href = f"{self.home}/items/{quote(identifier, safe='')}"
        return self._links_of_an_item[lang].replace(b"{href}", href.encode())

    def _made_item_links(self, lang: str) -> bytes:
        """Return the links of any record, its address to be put in: they are made once, not at each
        request.
        """
        href = "{href}"
        links = [
            link("self", f"{href}?f=json", GEOJSON, _WORDS[lang]["self"]),
            link("alternate", f"{href}?f=html", "text/html", _WORDS[lang]["html"]),
            link("alternate", f"{href}?f=jsonld", "application/ld+json", "schema.org"),
            *(
                link("alternate", f"{href}?f={form}", kind, title)
                for form, (kind, title) in ENCODINGS.items()
            ),
            link("collection", self.home, CATALOG, self.resource["title"][lang]),
            link("profile", RECORD_PROFILE),
        ]
        return b",".join(map(answers.to_json, links))


class _Forwarded(Response):
    """The answer of pygeoapi to the same request."""

    def __init__(self, app: ASGIApp, request: Request) -> None:
        super().__init__()
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.app({**scope, "path_params": {}}, receive, send)


def facets_json(page: Page) -> dict[str, Any]:
    """Return the facets of an answer as the draft of OGC API Records Part 2 writes them."""
    told: dict[str, Any] = {}
    for facet in page.facets:
        is_term = QUERYABLES[facet.name].facet == "term"
        told[facet.name] = {
            "type": "term" if is_term else "histogram",
            "property": facet.name,
            "buckets": [
                {"value": bucket.value, "count": bucket.count}
                if is_term
                else {
                    "min": f"{bucket.value}-01-01",
                    "max": f"{bucket.value}-12-31",
                    "count": bucket.count,
                }
                for bucket in facet.buckets
            ],
            "more": facet.more,
        }
    return told


class _Shaping:
    """What part of each record is wanted: some properties, no geometry, nothing but the count."""

    def __init__(self, names: tuple[str, ...], *, bare: bool, hits: bool) -> None:
        self.names = names
        self.bare = bare
        self.hits = hits

    @classmethod
    def read(cls, given: Mapping[str, str]) -> _Shaping:
        names = tuple(filter(None, given.get("properties", "").split(",")))
        for name in names:
            if name not in QUERYABLES:
                known = ", ".join(QUERYABLES)
                raise Refusal(400, f"properties : « {name[:60]} » est inconnu ; attendu {known}.",
                              f"properties: “{name[:60]}” is unknown; expected "
                              f"{known}.")  # fmt: skip
        bare = _choice(given, "skipGeometry", ("false", "true")) == "true"
        return cls(
            names, bare=bare, hits=_choice(given, "resulttype", ("results", "hits")) == "hits"
        )

    def shape(self, body: bytes) -> bytes:
        if not self.names and not self.bare:
            return body
        document = json.loads(body)
        if self.names:
            properties = document["properties"]
            document["properties"] = {
                name: properties[name] for name in properties if name in self.names
            }
        if self.bare:
            document["geometry"] = None
        return answers.to_json(document)


def _choice(given: Mapping[str, str], name: str, values: tuple[str, ...]) -> str:
    value = given.get(name, values[0])
    if value not in values:
        raise Refusal(
            400,
            f"{name} : {' ou '.join(values)} est attendu.",
            f"{name}: {' or '.join(values)} is expected.",
        )
    return value


def _check_profile(request: Request, served: str) -> None:
    """Refuse a profile that is not served; its short name will do."""
    given = request.query_params.get("profile", "")
    known = (RECORD_PROFILE, CATALOG_PROFILE, "ogc-record", "ogc-catalog")
    for asked in filter(None, given.split(",")):
        if asked.strip("[]<> ") not in known:
            raise Refusal(400, f"profile : « {asked[:80]} » n'est pas servi ; attendu {served}.",
                          f"profile: “{asked[:80]}” is not served; expected {served}.")  # fmt: skip


def link(rel: str, href: str, kind: str = "", title: str = "") -> dict[str, str]:
    """Return a link as JSON."""
    made = {"rel": rel, "href": href}
    return made | ({"type": kind} if kind else {}) | ({"title": title} if title else {})


_COMPUTED = ("west", "south", "east", "north", "organization", "format", "language")


def _schema(name: str, lang: str) -> dict[str, Any]:
    queryable = QUERYABLES[name]
    shapes: Mapping[str, dict[str, Any]] = {
        "text": {"type": "string"},
        "number": {"type": "number"},
        "boolean": {"type": "boolean"},
        "instant": {"type": "string", "format": "date-time"},
        "interval": {
            "type": "array",
            "items": {"type": "string", "format": "date-time"},
            "minItems": 2,
            "maxItems": 2,
        },
        "geometry": {"format": "geometry-any"},
        "array": {"type": "array", "items": {"type": "string"}},
    }
    title = queryable.en if lang == "en" else queryable.fr
    return {
        "title": title,
        **shapes[queryable.kind],
        **({"facet": True} if queryable.facet else {}),
    }


_WORDS = {
    "fr": {
        "self": "Ce document", "html": "Cette page", "items": "Les fiches",
        "queryables": "Propriétés interrogeables",
        "sortables": "Propriétés de tri", "schema": "Propriétés d'une fiche", "facets": "Facettes",
        "quality": "Qualité des fiches",
    },
    "en": {
        "self": "This document", "html": "This page", "items": "The records",
        "queryables": "Queryable properties",
        "sortables": "Sortable properties", "schema": "Properties of a record", "facets": "Facets",
        "quality": "Quality of the records",
    },
}  # fmt: skip
