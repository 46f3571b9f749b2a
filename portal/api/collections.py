"""The collections: those pygeoapi serves, and their list, searchable as a catalogue.

The list is a local resources catalogue of OGC API Records: its entries are kept as records in a
small store of their own, so that the same parameters find them as find the records of the
catalogue.
"""

import json
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from threading import Lock
from typing import Any, NamedTuple
from urllib.parse import quote, urlencode
from weakref import finalize

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from geoguichet.catalogue.formats import schema_org
from geoguichet.catalogue.record import Extent, Record, Time
from geoguichet.catalogue.search.audiences import Shown
from geoguichet.catalogue.search.query import RecordQuery
from geoguichet.catalogue.search.store import SQLiteStore
from geoguichet.floor.words import _, language
from geoguichet.portal import answers, site
from geoguichet.portal.answers import HTML, JSON, JSON_LD, SCHEMA, Refusal, answer, link
from geoguichet.portal.api.records import RecordsApi
from geoguichet.portal.engine import AUDIENCE
from geoguichet.portal.site import COLLECTION, Site
from geoguichet.portal.viewing import viewer_of

_REL = "http://www.opengis.net/def/rel/ogc/1.0"
#: Parameters of the list of collections.
PARAMETERS = (
    "q", "bbox", "datetime", "type", "ids", "externalIds", "filter", "filter-lang", "filter-crs",
    "sortby", "limit", "offset", "profile",
)  # fmt: skip
_FORMS = ("json", "html", "jsonld")


# The descriptions of the collections in one language, by name, and the store that finds them.
class _Described(NamedTuple):
    renewals: int
    documents: dict[str, dict[str, Any]]
    store: SQLiteStore


class Collections:
    """The list of the collections of a site, and each of them."""

    def __init__(self, site: Site, records: RecordsApi) -> None:
        self.site = site
        self.url = site.url
        self.records = records
        self._described: dict[str, _Described] = {}
        self._lock = Lock()
        self._folder = Path(tempfile.mkdtemp(prefix="geoguichet-"))
        #: Closes and removes its stores, once: a server told to end does not come to its exit.
        self.close = finalize(self, _discard, self._folder, self._described)

    def routes(self) -> list[BaseRoute]:
        """Return what to put before pygeoapi's own routes."""
        return [
            Route("/collections", self.collections),
            Route("/collections/{identifier}", self.collection),
        ]

    async def collections(self, request: Request) -> Response:
        """List the collections, or those that match."""
        form = answers.wanted_form(request, _FORMS)
        given = answers.parameters(request, *PARAMETERS)
        asked = {name: text for name, text in given.items() if name != "profile"}
        query = RecordQuery.from_parameters({"limit": "1000", "sortby": "id", **asked})
        described = await run_in_threadpool(self._now)
        page = await run_in_threadpool(described.store.search, query, viewer=viewer_of(request))
        found = [described.documents[json.loads(item)["id"]] for item in page.items]
        if form == "jsonld":
            datasets = list(map(self._dataset, found))
            return answer(answers.to_json(self.site.data_catalog(datasets)), JSON_LD)
        document = self._catalogue(found, page.number_matched, given)
        if form == "html":
            return await self.site.page("collections.html", document)
        return answer(answers.to_json(document), JSON)

    def _catalogue(
        self, found: list[dict[str, Any]], matched: int, given: Mapping[str, str]
    ) -> dict[str, Any]:
        home, asked = f"{self.url}/collections", urlencode({**given, "f": "json"})
        return {
            "id": "collections",
            "type": "Collection",
            "title": "Collections",
            "description": self.site.told["metadata"]["identification"]["description"],
            "conformsTo": list(site.RECORDS[:2]),
            "recordsArrayName": "collections",
            "defaultSortOrder": ["id"],
            "links": [
                link("self", f"{home}?{asked}", JSON),
                link("alternate", f"{home}?f=html", HTML),
                link("root", f"{self.url}/?f=json", JSON),
                *(
                    link(f"{_REL}/{kind}", f"{home}/{COLLECTION}/{kind}?f=json", SCHEMA)
                    for kind in ("queryables", "sortables")
                ),
            ],
            "numberMatched": matched,
            "numberReturned": len(found),
            "collections": found,
        }

    async def collection(self, request: Request) -> Response:
        """Describe one collection."""
        form = answers.wanted_form(request, _FORMS)
        identifier = request.path_params["identifier"]
        is_records = identifier == COLLECTION
        answers.parameters(request, *(("profile",) if is_records else ()))
        if is_records and form == "json":
            return await self.records.collection(request)
        described = (await run_in_threadpool(self._now)).documents
        seen = self.site.collections_of(viewer_of(request))
        documents = {name: one for name, one in described.items() if name in seen}
        if identifier not in documents:
            raise Refusal(
                404,
                _(
                    "Aucune collection « {name} » ; il y a {known}.",
                    name=identifier[:60],
                    known=", ".join(documents),
                ),
            )
        document = documents[identifier]
        if form == "html":
            return await self.site.page("collection.html", document)
        if form == "jsonld":
            datasets = [self._dataset(document)]
            return answer(answers.to_json(self.site.data_catalog(datasets)), JSON_LD)
        return answer(answers.to_json(document), JSON)

    # Return a collection as schema.org describes a dataset.
    def _dataset(self, document: Mapping[str, Any]) -> dict[str, Any]:
        address = f"{self.url}/collections/{quote(document['id'])}"
        return {
            name: value
            for name, value in schema_org.build(as_record(document), address=address).items()
            if name != "@context"
        }

    # Return the descriptions in the language of the moment, made anew when collections came or
    # went.
    def _now(self) -> _Described:
        with self._lock:
            spoken, renewals = language(), self.site.renewals
            known = self._described.get(spoken)
            if known and known.renewals == renewals:
                return known
            documents = {
                item["id"]: {**item, "type": "Collection"}
                for item in self.site.engine.collections()
            }
            for name, one in documents.items():
                tiles = link(f"{_REL}/tilesets-vector", f"{self.url}/collections/{name}/tiles")
                one["links"] = [*one["links"], {**tiles, "type": JSON}]
            documents[COLLECTION] = self.records.description()
            store = known.store if known else SQLiteStore(self._folder / f"{spoken}.sqlite")
            for gone in known.documents.keys() - documents.keys() if known else ():
                store.delete(gone)
            resources = self.site.told["resources"]
            for seen in {one[AUDIENCE] for one in resources.values()}:
                listed = [
                    one for name, one in documents.items() if resources[name][AUDIENCE] == seen
                ]
                store.bulk_upsert(map(as_record, listed), shown=Shown(seen))
            self._described[spoken] = _Described(renewals, documents, store)
            return self._described[spoken]


def _discard(folder: Path, described: Mapping[str, _Described]) -> None:
    for one in described.values():
        one.store.close()
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
