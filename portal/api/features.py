"""OGC API Features over the layers: what stands before pygeoapi for every collection of features.

Rows are found by the database and written in bulk; a page is read and nothing else. Whole layers go
out in the forms of `downloads`.
"""

import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from typing import Any, NamedTuple
from urllib.parse import quote, urlencode

import numpy as np
from pygeoapi.api import itemtypes
from pygeoapi.crs import transform_bbox
from pygeoapi.plugin import load_plugin
from pygeoapi.provider.base import ProviderGenericError
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from geoguichet.catalogue.search.query import filter_of, parse_bbox
from geoguichet.floor.viewer import Viewer
from geoguichet.floor.words import SOURCE, Message, _, language
from geoguichet.portal import answers
from geoguichet.portal.answers import GEOJSON, HTML, JSON, JSON_LD, Refusal, answer, link
from geoguichet.portal.api.downloads import FORMS, Selected, download
from geoguichet.portal.drawn import Drawing, crowd
from geoguichet.portal.filters import label
from geoguichet.portal.providers.features import (
    FeatureQuery,
    LayerProvider,
    Page,
    Shape,
    check_datetime,
    moving,
    no_feature,
)
from geoguichet.portal.providers.geopackage import Box
from geoguichet.portal.site import Site
from geoguichet.portal.viewing import viewer_of

CRS84 = "http://www.opengis.net/def/crs/OGC/1.3/CRS84"
#: Parameters of a page of features, beside the properties themselves.
PARAMETERS = (
    "bbox", "bbox-crs", "crs", "datetime", "q", "filter", "filter-lang", "filter-crs", "sortby",
    "limit", "offset", "cursor", "properties", "skipGeometry", "resulttype",
)  # fmt: skip
_PAGES = ("json", "html", "jsonld")
#: Columns that a page filters by where they have a few values: so many values, so many columns.
FILTERS = (
    "study",
    "type",
    "standing",
    "departement",
    "region",
    "served",
    "undecided",
    "inside",
    "wheelchair",
)
_MOST_CHOICES, _FILTERS = 120, 5
_KINDS = {
    "queryables": Message("Propriétés interrogeables"),
    "schema": Message("Propriétés des objets"),
}
_SELF, _PAGE = Message("Ce document"), Message("Cette page")
_FORMATS = {"POINT": "geometry-point", "MULTIPOLYGON": "geometry-multipolygon"}


class Collection(NamedTuple):
    """One collection of features, as one request is answered about it."""

    name: str
    resource: Mapping[str, Any]
    provider: LayerProvider
    home: str
    viewer: Viewer

    @property
    def crss(self) -> list[str]:
        """The reference systems its features are told in; the first by default."""
        return [*self.resource["providers"][0].get("crs", [CRS84])]


class Asked(NamedTuple):
    """What a request asks of a collection."""

    query: FeatureQuery
    shape: Shape
    crs: str
    is_hits: bool
    #: The parameters as they were given.
    given: Mapping[str, str]


class FeaturesApi:
    """The features of every collection of a site, their queryables and their schema."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self._loaded: dict[str, tuple[int, LayerProvider]] = {}
        self._drawings: answers.Recent[Drawing] = answers.Recent(16)
        self._values: dict[str, tuple[str, dict[str, list[tuple[Any, int]]]]] = {}

    def routes(self) -> list[BaseRoute]:
        """Return what to put before pygeoapi's own routes."""
        home = "/collections/{collection}"
        return [
            Route(f"{home}/items", self.site.remembering(self.items)),
            Route(f"{home}/items/{{identifier:path}}", self.site.remembering(self.item)),
            *(Route(f"{home}/{kind}", self._properties(kind)) for kind in _KINDS),
        ]

    def collection(self, request: Request) -> Collection:
        """Return the collection that a request is about; a Refusal when there is none."""
        name, viewer = request.path_params["collection"], viewer_of(request)
        resource = self.site.collections_of(viewer).get(name, {})
        first = (resource.get("providers") or [{}])[0]
        if first.get("type") != "feature":
            raise Refusal(404, _("Aucune collection de ce nom."))
        renewals, provider = self._loaded.get(name, (-1, None))
        if provider is None or renewals != self.site.renewals:
            provider = load_plugin("provider", self.site.config["resources"][name]["providers"][0])
            self._loaded[name] = self.site.renewals, provider
        home = f"{self.site.url}/collections/{quote(name)}"
        return Collection(name, resource, provider, home, viewer)

    # --- many ------------------------------------------------------------------------------------

    async def items(self, request: Request) -> Response:
        """Answer a page of features."""
        form = answers.wanted_form(request, (*_PAGES, *FORMS))
        collection = self.collection(request)
        headers = _validators(request, collection, form)
        try:
            if form in FORMS:
                asked = await run_in_threadpool(self.asked, request, collection, is_whole=True)
                name, provider, viewer = collection.name, collection.provider, collection.viewer
                taken = Selected(name, provider, asked.query, asked.shape, viewer)
                return await download(form, taken, headers)
            if form == "html":
                return await run_in_threadpool(self._page, request, collection, headers)
            page, asked, text = await run_in_threadpool(self._found, request, collection)
        except ProviderGenericError as error:
            raise told_by(error) from error
        if form == "jsonld":
            return answer(_linked_data(collection, text), JSON_LD, headers=headers)
        head = self._head(collection, page, asked)
        headers["Content-Crs"] = f"<{asked.crs}>"
        body = b'%b,"features":[%b]}' % (answers.to_json(head)[:-1], text.encode())
        return answer(body, GEOJSON, headers=headers)

    # Its map is of tiles, and of what `_drawn` has drawn: geometries are not read.
    def _page(
        self, request: Request, collection: Collection, headers: Mapping[str, str]
    ) -> Response:
        page, asked, text = self._found(request, collection, bare=True)
        data = {
            **self._head(collection, page, asked),
            "features": json.loads(f"[{text}]"),
            "collection": collection.name,
            "offset": asked.query.offset,
            **self._form(collection),
        }
        if page.matched:
            data["drawn"] = self._drawn(collection, asked)
        return self.site.filled("features.html", data, headers=headers)

    # Return what the form of a page offers: the values of its filters with their rows, remembered while
    # the data stand.
    def _form(self, collection: Collection) -> dict[str, Any]:
        state = collection.provider.state(viewer=collection.viewer)[0]
        if (known := self._values.get(collection.name)) is None or known[0] != state:
            told = collection.provider.values(FILTERS, _MOST_CHOICES, viewer=collection.viewer)
            known = self._values[collection.name] = state, dict(list(told.items())[:_FILTERS])
        return {"filters": known[1]}

    # Return all that a question selects as a drawing, remembered while the data stand.
    def _drawn(self, collection: Collection, asked: Asked) -> Drawing:
        state = collection.provider.state(viewer=collection.viewer)[0]
        told = asked.query
        key = repr((state, told.boxes, told.equal, told.q, asked.given.get("filter")))
        if (drawing := self._drawings.get(key)) is None:
            rows = collection.provider.envelopes(told, viewer=collection.viewer)
            boxes = [part[:, 1:] for _part, part in rows] or [np.empty((0, 4))]
            drawing = crowd(self.site.territory, np.vstack(boxes))
            self._drawings.keep(key, drawing)
        return drawing

    def _found(
        self, request: Request, collection: Collection, *, bare: bool = False
    ) -> tuple[Page, Asked, str]:
        asked = self.asked(request, collection)
        page = collection.provider.ask(asked.query, viewer=collection.viewer)
        shape = replace(asked.shape, has_geometry=asked.shape.has_geometry and not bare)
        return page, asked, ",".join(collection.provider.written(page.matches, shape))

    def asked(self, request: Request, collection: Collection, *, is_whole: bool = False) -> Asked:
        """Read what a request asks; a Refusal or a QueryError names the parameter that is wrong.

        What ``is_whole`` is every row, if the request does not say how many.
        """
        columns = collection.provider.columns(viewer=collection.viewer)
        given = answers.parameters(request, *PARAMETERS, *columns)
        check_datetime(given.get("datetime"))
        limits = self.site.config["server"]["limits"] | collection.resource.get("limits", {})
        default, most = limits["default_items"], limits["max_items"]
        if is_whole:
            default = most = 2**53
        limit = min(_whole(given, "limit", default, least=1), most)
        is_hits = answers.choice(given, "resulttype", ("results", "hits")) == "hits"
        properties = collection.provider.queryables(viewer=collection.viewer)
        query = FeatureQuery(
            boxes=_boxes(given, collection.crss),
            # an empty field of a form asks nothing
            equal={name: told for name, told in given.items() if name in columns and told},
            q=given.get("q", ""),
            filter=filter_of(given, properties) if _FILTER & given.keys() else None,
            sortby=_order(given.get("sortby", ""), columns),
            limit=0 if is_hits else limit,
            offset=min(_whole(given, "offset", 0, least=0), 2**53),
            cursor=given.get("cursor", ""),
        )
        crs = _served("crs", given.get("crs", CRS84), collection.crss)
        if is_whole and crs != CRS84:
            told = _(
                "crs : un fichier à emporter est en longitudes et latitudes ; essayez : f=json."
            )
            raise Refusal(400, told)
        shape = Shape(
            names_of(given.get("properties", ""), columns),
            given.get("skipGeometry", "").lower() not in ("true", "1", "yes"),
            None if crs == CRS84 else moving(CRS84, crs),
        )
        return Asked(query, shape, crs, is_hits, given)

    def _head(self, collection: Collection, page: Page, asked: Asked) -> dict[str, Any]:
        return {
            "type": "FeatureCollection",
            "numberMatched": page.matched,
            "numberReturned": len(page.matches),
            "links": _links(collection, page, asked),
            "timeStamp": answers.now(),
        }

    # --- one -------------------------------------------------------------------------------------

    async def item(self, request: Request) -> Response:
        """Answer one feature."""
        form = answers.wanted_form(request, _PAGES)
        collection, identifier = self.collection(request), request.path_params["identifier"]
        given = answers.parameters(request, "crs")
        crs = _served("crs", given.get("crs", CRS84), collection.crss)
        headers = _validators(request, collection, form)
        if form == "jsonld":
            one = itemtypes.get_collection_item
            named = request.path_params["collection"], identifier
            return answer((await self.site.engine.ask(request, form, one, *named))[2], JSON_LD)
        try:
            text = await run_in_threadpool(_one, collection, identifier, crs)
        except ProviderGenericError as error:
            raise told_by(error) from error
        here = f"{collection.home}/items/{quote(identifier, safe='')}?{_kept({})}f="
        links = [
            link("self", f"{here}json", GEOJSON, str(_SELF)),
            link("alternate", f"{here}html", HTML, str(_PAGE)),
            link("alternate", f"{here}jsonld", JSON_LD),
            link("collection", collection.home, JSON, str(collection.resource["title"])),
        ]
        body = text.encode()[:-1] + b',"links":' + answers.to_json(links) + b"}"
        if form == "html":
            data = json.loads(body) | {"collection": collection.name, "identifier": identifier}
            return await self.site.page("feature.html", data, headers=headers)
        headers["Content-Crs"] = f"<{crs}>"
        return answer(body, GEOJSON, headers=headers)

    # --- what they are made of -------------------------------------------------------------------

    def _properties(self, kind: str) -> Callable[[Request], Awaitable[Response]]:
        async def answered(request: Request) -> Response:
            form = answers.wanted_form(request)
            collection = self.collection(request)
            answers.parameters(request)
            told = await run_in_threadpool(_described, collection)
            title = collection.resource["title"]
            return await self.site.properties(form, collection.name, kind, title, told)

        return answered


_FILTER = {"filter", "filter-lang", "filter-crs"}


def told_by(error: ProviderGenericError) -> Refusal:
    """Return the refusal of what a provider of ours refuses."""
    return Refusal(int(error.http_status_code), error.message, code=error.ogc_exception_code)


def _validators(request: Request, collection: Collection, form: str) -> dict[str, str]:
    try:
        state, changed = collection.provider.state(viewer=collection.viewer)
    except ProviderGenericError as error:
        raise told_by(error) from error
    return answers.state_validators(request, state, changed, form)


def _one(collection: Collection, identifier: str, crs: str) -> str:
    found = collection.provider.find(identifier, viewer=collection.viewer)
    shape = Shape(move=None if crs == CRS84 else moving(CRS84, crs))
    for text in collection.provider.written([found] if found else [], shape):
        return text
    raise no_feature(identifier)


# Return the JSON schema of each property.
def _described(collection: Collection) -> dict[str, Any]:
    provider, viewer = collection.provider, collection.viewer
    kind = _FORMATS.get(provider.geometry_type(viewer=viewer), "geometry-any")
    made: dict[str, Any] = {"geometry": {"format": kind, "x-ogc-role": "primary-geometry"}}
    for name, told in provider.columns(viewer=viewer).items():
        role = {"x-ogc-role": "id"} if name == provider.id_field else {}
        made[name] = {"title": label(name), "type": told, **role}
    return made


def _links(collection: Collection, page: Page, asked: Asked) -> list[dict[str, str]]:
    query, items = asked.query, f"{collection.home}/items"
    plain = {n: text for n, text in asked.given.items() if n not in ("offset", "cursor")}
    every = {n: text for n, text in plain.items() if n not in ("limit", "crs", "resulttype")}
    whole = f"{items}?{_kept(every)}f="
    here, first = f"{items}?{_kept(asked.given)}f=", f"{items}?{_kept(plain)}f="
    links = [
        link("self", f"{here}json", GEOJSON, str(_SELF)),
        link("alternate", f"{here}html", HTML, str(_PAGE)),
        link("alternate", f"{here}jsonld", JSON_LD),
        *(link("enclosure", f"{whole}{form}", one.media, one.label) for form, one in FORMS.items()),
    ]
    if query.offset and not query.cursor:
        before = max(0, query.offset - query.limit)
        told = _("Page précédente")
        links.append(link("prev", f"{first}json&offset={before}", GEOJSON, told))
    if page.cursor:
        told = _("Page suivante")
        links.append(link("next", f"{first}json&cursor={page.cursor}", GEOJSON, told))
    title = str(collection.resource["title"])
    return [*links, link("collection", collection.home, JSON, title)]


# Return parameters as the beginning of an address's, in the language of the moment.
def _kept(given: Mapping[str, str]) -> str:
    spoken = {"lang": language()} if language() != SOURCE else {}
    kept = urlencode({**given, **spoken}, safe=",")
    return f"{kept}&" if kept else ""


# Return features as RDF: where each is.
def _linked_data(collection: Collection, text: str) -> bytes:
    names = (feature["id"] for feature in json.loads(f"[{text}]"))
    document = {
        "@context": [
            {
                "schema": "https://schema.org/",
                "type": "@type",
                "features": "schema:itemListElement",
                "FeatureCollection": "schema:itemList",
            }
        ],
        "type": "FeatureCollection",
        "@id": collection.home,
        "features": [
            {"@type": "Feature", "@id": f"{collection.home}/items/{quote(str(name), safe='')}"}
            for name in names
        ],
    }
    return answers.to_json(document)


# --- parameters -----------------------------------------------------------------------------------


def _whole(given: Mapping[str, str], name: str, default: int, *, least: int) -> int:
    try:
        number = int(given[name][:30]) if name in given else default
    except ValueError as error:
        raise Refusal(400, _("{name} : un nombre entier est attendu.", name=name)) from error
    if number < least:
        raise Refusal(
            400,
            _("limit : un nombre supérieur à 0 est attendu.")
            if least
            else _("offset : 0 ou plus est attendu."),
        )
    return number


def _boxes(given: Mapping[str, str], crss: list[str]) -> tuple[Box, ...]:
    crs = given.get("bbox-crs", CRS84)
    if "bbox" not in given:
        if "bbox-crs" in given:
            raise Refusal(400, _("bbox-crs : attendu avec bbox, et non vide."))
        return ()
    if crs not in crss:
        told = _("bbox-crs : « {crs} » n'est pas servi par cette collection.", crs=crs[:80])
        raise Refusal(400, told)
    text = given["bbox"]
    if text.count(",") not in (3, 5):
        raise Refusal(
            400,
            _("bbox : 4 nombres (ouest,sud,est,nord) ou 6 (avec les hauteurs) sont attendus."),
        )
    if crs != CRS84:
        try:
            numbers = [float(number) for number in text.split(",")]
            half = len(numbers) // 2
            corners = [numbers[0], numbers[1], numbers[half], numbers[half + 1]]
            text = ",".join(map(repr, transform_bbox(corners, crs, CRS84)))
        except ValueError as error:
            raise Refusal(400, _("bbox : des nombres sont attendus.")) from error
    return parse_bbox(text).boxes()


def _served(name: str, crs: str, crss: list[str]) -> str:
    if crs not in crss:
        told = _(
            "crs : {crs} n'est pas servi par cette collection ; attendu {known}.",
            crs=repr(crs[:80]),
            known=", ".join(crss),
        )
        raise Refusal(400, told)
    return crs


def _order(text: str, columns: Mapping[str, str]) -> tuple[tuple[str, bool], ...]:
    keys = tuple((key.lstrip("+-"), key.startswith("-")) for key in text.split(",") if key)
    if any(name not in columns for name, _down in keys):
        raise Refusal(
            400,
            _("sortby : cette propriété n'est pas de celles de la collection (voir queryables)."),
        )
    if len(dict(keys)) < len(keys):
        raise Refusal(400, _("sortby : une propriété est nommée deux fois."))
    return keys


def names_of(text: str, columns: Mapping[str, str]) -> tuple[str, ...]:
    """Return the properties that are asked for; a Refusal when one is not of the collection."""
    names = tuple(dict.fromkeys(name for name in text.split(",") if name))
    if any(name not in columns for name in names):
        raise Refusal(400, _("properties : une propriété n'est pas de celles de la collection."))
    return names
