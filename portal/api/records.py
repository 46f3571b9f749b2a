"""OGC API Records over the record store: what stands before pygeoapi for the collection of records.

JSON is joined from the bytes the store keeps; pages are our templates. Everything a client can send
is an answer or a refusal in one sentence.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from functools import cached_property
from typing import Any, NamedTuple, cast
from urllib.parse import quote, urlencode

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from geoguichet.catalogue.formats import schema_org
from geoguichet.catalogue.formats.iso import profile
from geoguichet.catalogue.formats.links import with_whole_links
from geoguichet.catalogue.formats.mapping import shaped
from geoguichet.catalogue.formats.registry import WRITERS
from geoguichet.catalogue.intake.exchange import Originals, originals_path
from geoguichet.catalogue.quality.judging import checked, places_of
from geoguichet.catalogue.record import Extent, Record
from geoguichet.catalogue.search.contract import Page
from geoguichet.catalogue.search.query import PARAMETERS, RecordQuery
from geoguichet.catalogue.search.store import search_as_people_do
from geoguichet.catalogue.search.tables import FACETS as FACET_NAMES
from geoguichet.catalogue.search.tables import PAGE_FACETS, QUERYABLES, SORTABLES
from geoguichet.floor.errors import LayerError
from geoguichet.floor.viewer import Viewer
from geoguichet.floor.words import SOURCE, Message, _, language, languages, speaking
from geoguichet.portal import answers, site
from geoguichet.portal.answers import CATALOG, GEOJSON, HTML, JSON, SCHEMA, Refusal, answer, link
from geoguichet.portal.api.downloads import FORMS
from geoguichet.portal.api.editing import Editing, utf8
from geoguichet.portal.api.served import RECORD_PROFILE, spliced
from geoguichet.portal.drawn import footprints
from geoguichet.portal.pages.preview import preview
from geoguichet.portal.site import COLLECTION, Site
from geoguichet.portal.viewing import viewer_of

# Records in the formats of other catalogues: one record, or a page of many as DCAT (with Hydra)
# or as a table.


#: What is written in each form: ``f`` calls the record itself json, and its schema.org jsonld.
_WRITTEN = {"jsonld": WRITERS["schema-org"]} | {
    name: written for name, written in WRITERS.items() if name not in ("geojson", "schema-org")
}

#: What ``f`` may ask of a record beside JSON and a page: the media type, and the format's name.
ENCODINGS: Mapping[str, tuple[str, str]] = {
    form: (written.media, written.label) for form, written in _WRITTEN.items()
}

#: Those that hold many records in one document.
TOGETHER: Mapping[str, Callable[..., bytes]] = {
    form: written.together for form, written in _WRITTEN.items() if written.together
}


class Encodings:
    """Writes the records of a site."""

    def __init__(self, site: Site) -> None:
        self.originals = Originals(originals_path(site.workspace))
        self.url = site.url
        self.home = site.home
        self.publisher = site.config["metadata"]["provider"]["name"]
        self.base = f"{site.home}/items/"

    def one(self, record: Record, form: str) -> bytes:
        """Return one record: its own document when it came in this format and was not edited
        since.
        """
        return self.originals.export(self._absolute(record), _WRITTEN[form].name, base=self.base)

    def profiled(self, record: Record) -> bytes:
        """Return one record as the ISO profile of CSW has it."""
        return profile.profiled(self.one(record, "iso19139"), self._absolute(record))

    def schema_org(self, record: Record) -> dict[str, Any]:
        """Return a record as writers take it, as search engines read it on its page."""
        address = f"{self.base}{quote(record.id, safe='')}"
        return schema_org.build(self._absolute(record), address=address)

    def many(
        self, records: Iterable[Record], form: str, *, title: str, page: int, pages: int,
        total: int,
        address: Callable[[int], str],
    ) -> bytes:  # fmt: skip
        """Return a page of records in one document; ``address`` is that of each page, for Hydra to
        link to.
        """
        return TOGETHER[form](
            map(self._absolute, records), title=title, publisher=self.publisher,
            base=self.base,
            address=self.home, page=page, pages=pages, total=total, page_address=address,
        )  # fmt: skip

    def _absolute(self, record: Record) -> Record:
        return with_whole_links(record, self.url)


CATALOG_PROFILE = "http://www.opengis.net/def/profile/OGC/0/ogc-catalog"
_REL = "http://www.opengis.net/def/rel/ogc/1.0"
ITEMS_PARAMETERS = (*PARAMETERS, "profile", "properties", "skipGeometry", "resulttype")

_SELF, _PAGE, _ITEMS = Message("Ce document"), Message("Cette page"), Message("Les fiches")
_TITLES: Mapping[str, Message] = {
    "queryables": Message("Propriétés interrogeables"),
    "sortables": Message("Propriétés de tri"),
    "schema": Message("Propriétés d'une fiche"),
    "facets": Message("Facettes"),
}
#: What a filter can ask about, what an answer can be sorted by, what a record is made of.
_PROPERTIES: Mapping[str, Sequence[str]] = {
    "queryables": tuple(QUERYABLES),
    "sortables": SORTABLES,
    "schema": tuple(name for name, row in QUERYABLES.items() if row.is_member),
}


class RecordsApi:
    """The resources of the collection of records of a site."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.url = site.url
        self.home = site.home
        self.store = site.store
        self.encodings = Encodings(site)
        self.editing = Editing(site)
        self._alone = asyncio.Lock()
        #: What the pages of records tell of their documents, by document and language.
        self._told: answers.Recent[Mapping[str, Any]] = answers.Recent(500, 4_000_000)
        self._kept: answers.Recent[bytes] = answers.Recent(16, 32_000_000)
        self._edits: Mapping[str, Callable[[Request, str], Awaitable[Response]]] = {
            "PUT": self.editing.replace,
            "PATCH": self.editing.change,
            "DELETE": self.editing.delete,
        }

    def routes(self) -> list[BaseRoute]:
        """Return what to put before pygeoapi's own routes."""
        home = f"/collections/{COLLECTION}"
        item = f"{home}/items/{{identifier:path}}"
        return [
            Route(
                f"{home}/items",
                self.site.remembering(self.items),
                methods=["GET", "POST", "OPTIONS"],
            ),
            Route(item, self.site.remembering(self.item), methods=["GET", *self._edits, "OPTIONS"]),
            Route(f"{home}/facets", self.facets),
            *(Route(f"{home}/{kind}", self.properties(kind)) for kind in _PROPERTIES),
        ]

    @property
    def resource(self) -> Mapping[str, Any]:
        """The collection in the configuration, in the language of the moment."""
        return cast("Mapping[str, Any]", self.site.told["resources"][COLLECTION])

    # --- the collection --------------------------------------------------------------------------

    async def collection(self, request: Request) -> Response:
        """Describe the collection: a catalogue of OGC API Records."""
        check_profile(request, CATALOG_PROFILE)
        state = self.store.generation(viewer=viewer_of(request))
        headers = answers.validators(request, state, "json")
        headers["Link"] = f'<{CATALOG_PROFILE}>; rel="profile"'
        return answer(answers.to_json(self.description()), CATALOG, headers=headers)

    def description(self) -> dict[str, Any]:
        """Return the description of the collection."""
        resource = self.resource
        spatial = resource["extents"]["spatial"]
        crawlable = f"{site.RECORDS[0].rpartition('/')[0]}/crawlable-catalog"
        return {
            "id": COLLECTION,
            "type": "Collection",
            "itemType": "record",
            "conformsTo": [*site.RECORDS[:2], crawlable],
            "title": resource["title"],
            "description": resource["description"],
            "keywords": resource["keywords"],
            "language": {"code": language()},
            "license": "etalab-2.0",
            "extent": {"spatial": {"bbox": [spatial["bbox"]], "crs": spatial["crs"]}},
            "crs": ["http://www.opengis.net/def/crs/OGC/1.3/CRS84"],
            "defaultSortOrder": ["-updated", "-id"],
            "links": self._collection_links(),
        }

    def _collection_links(self) -> list[dict[str, str]]:
        schemas = [
            link(f"{_REL}/{kind}", f"{self.home}/{kind}?f=json", SCHEMA, str(_TITLES[kind]))
            for kind in _PROPERTIES
        ]
        facets = str(_TITLES["facets"])
        return [
            link("self", f"{self.home}?f=json", CATALOG, str(_SELF)),
            link("alternate", f"{self.home}?f=html", HTML, str(_PAGE)),
            link("profile", CATALOG_PROFILE),
            link("root", f"{self.url}/?f=json", JSON),
            link("items", f"{self.home}/items?f=json", GEOJSON, str(_ITEMS)),
            link("items", f"{self.home}/items?f=html", HTML, str(_ITEMS)),
            *schemas,
            link("facets", f"{self.home}/facets?f=json", answers.FACETS, facets),
            link("related", f"{self.url}/quality?f=html", HTML, _("Qualité des fiches")),
            link("license", "https://www.etalab.gouv.fr/licence-ouverte-open-licence", HTML),
        ]

    def properties(self, kind: str) -> Callable[[Request], Awaitable[Response]]:
        """Return what tells the properties of one kind (see `_PROPERTIES`)."""

        async def answered(request: Request) -> Response:
            form = answers.wanted_form(request)
            answers.parameters(request)
            told = {name: _schema(name) for name in _PROPERTIES[kind]}
            return await self.site.properties(form, COLLECTION, kind, str(_TITLES[kind]), told)

        return answered

    async def facets(self, request: Request) -> Response:
        """Tell what can be counted (draft of OGC API Records Part 2)."""
        answers.wanted_form(request, ("json",))
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
        title = self.resource["title"]
        document = {"id": COLLECTION, "title": title, "facets": told, "defaultBucketCount": 10}
        return answer(answers.to_json(document), answers.FACETS)

    # --- records ---------------------------------------------------------------------------------

    async def items(self, request: Request) -> Response:
        """Search, or create a record."""
        if request.method == "OPTIONS":
            return self.editing.options("POST")
        if request.method == "POST":
            return await self.editing.create(request)
        form = answers.wanted_form(request, ("json", "html", *TOGETHER))
        given = answers.parameters(request, *ITEMS_PARAMETERS)
        check_profile(request, RECORD_PROFILE)
        shaping = _Shaping.read(given)
        query = _query(given, form, hits=shaping.hits)
        viewer = viewer_of(request)
        headers = answers.validators(request, self.store.generation(viewer=viewer), form)
        if form == "html":
            return await run_in_threadpool(self._page_of_items, query, given, viewer, headers)
        page = await run_in_threadpool(self.store.search, query, viewer=viewer)
        if form in TOGETHER:
            made = await self._heavy(headers["ETag"], self._encoded_page, page, query, given, form)
            steps = self._steps(page, query, given, form, ENCODINGS[form][0])
            if told := [f'<{one["href"]}>; rel="{one["rel"]}"' for one in steps]:
                headers["Link"] = ", ".join(told)
            return answer(made, ENCODINGS[form][0], headers=headers)
        headers["Link"] = f'<{RECORD_PROFILE}>; rel="profile"'
        return answer(self._items_json(page, query, given, shaping), GEOJSON, headers=headers)

    # Make a heavy answer in a thread, one at a time; the last ones are kept under their tags, which
    # are of the state of the store and of all that was asked.
    async def _heavy(self, tag: str, make: Callable[..., bytes], *given: Any) -> bytes:
        async with self._alone:
            if (made := self._kept.get(tag)) is None:
                made = await run_in_threadpool(make, *given)
                self._kept.keep(tag, made, len(made))
        return made

    def _items_json(
        self, page: Page, query: RecordQuery, given: Mapping[str, str], shaping: _Shaping
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
        head["links"] = self._items_links(page, query, given)
        return answers.to_json(head)[:-1] + b',"features":[' + b",".join(records) + b"]}"

    def _items_links(
        self, page: Page, query: RecordQuery, given: Mapping[str, str]
    ) -> list[dict[str, str]]:
        kept = {**given, **_spoken()}
        return [
            link("self", self._items_url({**kept, "f": "json"}), GEOJSON, str(_SELF)),
            link("alternate", self._items_url({**kept, "f": "html"}), HTML, str(_PAGE)),
            link("collection", self.home, CATALOG),
            link("profile", RECORD_PROFILE),
            *self._steps(page, query, given, "json", GEOJSON),
        ]

    # Return the links to the following and the preceding page of an answer, in its form.
    def _steps(
        self, page: Page, query: RecordQuery, given: Mapping[str, str], form: str, media: str
    ) -> list[dict[str, str]]:
        kept = {**given, **_spoken()}
        plain = {name: value for name, value in kept.items() if name not in ("cursor", "offset")}
        further = query.offset + len(page.items)
        steps: dict[str, Mapping[str, str]] = {}
        if page.next:
            steps["next"] = {"cursor": page.next}
        elif page.items and not query.cursor and further < page.number_matched:
            steps["next"] = {"offset": str(further)}
        if query.offset and not query.cursor:
            steps["prev"] = {"offset": str(max(0, query.offset - max(query.limit, 1)))}
        return [
            link(rel, self._items_url({**plain, **step, "f": form}), media)
            for rel, step in steps.items()
        ]

    def _encoded_page(
        self, page: Page, query: RecordQuery, given: Mapping[str, str], form: str
    ) -> bytes:
        plain = {name: value for name, value in given.items() if name not in ("cursor", "offset")}
        size = max(query.limit, 1)
        here, further = query.offset // size + 1, query.offset + len(page.items)

        # The next page begins where this one ends, though it be shorter than was asked for.
        def address(number: int) -> str:
            first = further if number == here + 1 else (number - 1) * size
            return self._items_url({**plain, "offset": str(first), "f": form})

        return self.encodings.many(
            page.each(), form, title=self.resource["title"], page=here,
            pages=here + -(-max(page.number_matched - further, 0) // size),
            total=page.number_matched, address=address,
        )  # fmt: skip

    def _items_url(self, given: Mapping[str, str]) -> str:
        return f"{self.home}/items?{urlencode(given)}"

    def _page_of_items(
        self, query: RecordQuery, given: dict[str, str], viewer: Viewer, headers: Mapping[str, str]
    ) -> Response:
        page, query = search_as_people_do(self.store, query, viewer=viewer)
        if query.anywhere:
            given["q-words"] = "anywhere"
        features = [json.loads(item) for item in page.items]
        ground = self.site.territory
        data = {
            "links": [
                link("self", self._items_url({**given, "f": "html"}), HTML),
                link("alternate", self._items_url({**given, "f": "json"}), GEOJSON),
            ],
            "features": features,
            "drawn": footprints(ground, features, query.offset + 1),
            "around": ",".join(f"{value:g}" for value in ground.box()),
            "facets": page.facets,
            "numberMatched": page.number_matched,
            "offset": query.offset,
        }
        return self.site.filled("records.html", data, headers=headers)

    async def item(self, request: Request) -> Response:
        """Serve, replace, change or delete one record."""
        identifier = request.path_params["identifier"]
        if request.method == "OPTIONS":
            return self.editing.options(*self._edits)
        if edit := self._edits.get(request.method):
            return await edit(request, identifier)
        form = answers.wanted_form(request, ("json", "html", *ENCODINGS))
        answers.parameters(request, "profile")
        check_profile(request, RECORD_PROFILE)
        # it takes less than handing it to a thread would
        found = self.store.stored(utf8(identifier), viewer=viewer_of(request))
        body, written_s = found.document, found.written_s
        headers = answers.record_validators(request, body, written_s, form)
        if form == "html":
            viewer = viewer_of(request)
            return await run_in_threadpool(self._page_of_item, identifier, body, viewer, headers)
        if form in ENCODINGS:
            record = Record.from_geojson(json.loads(body))
            made = await run_in_threadpool(self.encodings.one, record, form)
            return answer(made, ENCODINGS[form][0], headers=headers)
        headers["Link"] = f'<{RECORD_PROFILE}>; rel="profile"'
        made = spliced(body, self._item_links(identifier), self.url)
        return answer(made, GEOJSON, headers=headers)

    # Return what the page of a record shows, with what the check finds in it.
    def _page_of_item(
        self, identifier: str, body: bytes, viewer: Viewer, headers: Mapping[str, str]
    ) -> Response:
        # A check tells what is past.
        key = answers.digest(body + f"{language()} {answers.now()[:10]}".encode())
        if (told := self._told.get(key)) is None:
            record = Record.from_geojson(json.loads(body))
            plain = shaped(record)
            told = {
                "properties": plain.to_geojson()["properties"],
                "checked": checked(record, self._places).as_dict(),
                "schema_org": self.encodings.schema_org(plain),
                "state": key,
            }
            self._told.keep(key, told, len(body))
        served = json.loads(spliced(body, self._item_links(identifier), self.url))
        seen = self.store.history(identifier, viewer=viewer)
        # Counted among those that are seen: their own numbers would tell of drafts before them.
        states = [{"number": number, "at": one.at} for number, one in enumerate(seen, 1)]
        shown = preview(self.site, served["links"], viewer)
        data = {
            **served,
            "preview": shown,
            "forms": {form: one.label for form, one in FORMS.items()},
            "history": states[:-6:-1],
            "drawn": footprints(self.site.territory, [served], 1) if shown is None else None,
            "formats": ENCODINGS,
            **told,
        }
        return self.site.filled("record.html", data, headers=headers)

    @cached_property
    def _places(self) -> Mapping[str, Extent]:
        try:
            return places_of(self.site.workspace)
        except LayerError:  # data of another make: no place is known
            return {}

    def _item_links(self, identifier: str) -> bytes:
        href = f"{self.home}/items/{quote(identifier, safe='')}"
        return self._links_of_an_item[language()].replace(b"{href}", href.encode())

    # The links of any record in each language, its address to be put in: they are made once, not at
    # each request.
    @cached_property
    def _links_of_an_item(self) -> dict[str, bytes]:
        made, href = {}, "{href}"
        for code in languages():
            with speaking(code):
                links = [
                    link("self", f"{href}?f=json", GEOJSON, str(_SELF)),
                    link("alternate", f"{href}?f=html", HTML, str(_PAGE)),
                    *(
                        link("alternate", f"{href}?f={form}", kind, title)
                        for form, (kind, title) in ENCODINGS.items()
                    ),
                    link("collection", self.home, CATALOG, self.resource["title"]),
                    link("profile", RECORD_PROFILE),
                ]
                made[code] = b",".join(map(answers.to_json, links))
        return made


# Return the parameter of the language of the moment, where it is not that of our sentences.
def _spoken() -> dict[str, str]:
    return {"lang": language()} if language() != SOURCE else {}


#: Records in a page at most, and in a table that is not asked to be shorter: who downloads one
#: wants all of it.
_MOST = 10_000
#: Records in a page of RDF at most: 15 times the work of a table, some 10 times the memory.
_MOST_OF_RDF = 500


# Return the search that parameters ask for; a page counts its facets by itself.
def _query(given: Mapping[str, str], form: str, *, hits: bool) -> RecordQuery:
    asked = {name: value for name, value in given.items() if name in PARAMETERS}
    if "limit" in asked and re.fullmatch(r"[0-9]{1,30}", asked["limit"]):
        most = _MOST_OF_RDF if form.startswith("dcat") else _MOST
        asked["limit"] = str(min(int(asked["limit"]), most))
    if hits:
        asked["limit"] = "0"
    if form == "csv":
        asked = {"limit": str(_MOST), **asked}
    if form == "html":
        asked = {"facets": PAGE_FACETS, **asked}
    return RecordQuery.from_parameters(asked)


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


# What part of each record is wanted: some properties, no geometry, nothing but the count.
class _Shaping(NamedTuple):
    names: tuple[str, ...]
    bare: bool
    hits: bool

    @classmethod
    def read(cls, given: Mapping[str, str]) -> _Shaping:
        names = tuple(filter(None, given.get("properties", "").split(",")))
        unknown = next((name for name in names if name not in QUERYABLES), None)
        if unknown:
            raise Refusal(
                400,
                _(
                    "properties : « {name} » est inconnu ; attendu {known}.",
                    name=unknown[:60],
                    known=", ".join(QUERYABLES),
                ),
            )
        bare = answers.choice(given, "skipGeometry", ("false", "true")) == "true"
        return cls(names, bare, answers.choice(given, "resulttype", ("results", "hits")) == "hits")

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


def check_profile(request: Request, served: str) -> None:
    """Refuse a profile that is not served; its short name will do."""
    known = (RECORD_PROFILE, CATALOG_PROFILE, "ogc-record", "ogc-catalog")
    for asked in filter(None, request.query_params.get("profile", "").split(",")):
        if asked.strip("[]<> ") not in known:
            raise Refusal(
                400,
                _(
                    "profile : « {profile} » n'est pas servi ; attendu {known}.",
                    profile=asked[:80],
                    known=served,
                ),
            )


#: The JSON schema of each kind of property.
_SHAPES: Mapping[str, dict[str, Any]] = {
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


def _schema(name: str) -> dict[str, Any]:
    queryable = QUERYABLES[name]
    facet = {"facet": True} if queryable.facet else {}
    return {"title": str(queryable.title), **_SHAPES[queryable.kind], **facet}
