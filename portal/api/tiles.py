"""OGC API Tiles: every collection of features as vector tiles, with TileJSON and a style to draw
them with.

A tile is cut when it is asked for (`providers.tiles`) and kept while its data stand; what is asked
of items may be asked of tiles (values of properties, `q`, `filter`).
"""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from pygeoapi.provider.base import ProviderGenericError
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from geoguichet.catalogue.search.query import filter_of
from geoguichet.floor.words import Message, _
from geoguichet.portal import answers
from geoguichet.portal.answers import JSON, Refusal, answer, link
from geoguichet.portal.api.features import Collection, FeaturesApi, names_of, told_by
from geoguichet.portal.providers.features import FeatureQuery
from geoguichet.portal.providers.geopackage import Box
from geoguichet.portal.providers.tiles import COUNT, DEEPEST, HALF, Address, Drawn, at, cut
from geoguichet.portal.theme import colour

MVT = "application/vnd.mapbox-vector-tile"
STYLE = "application/vnd.mapbox.style+json"
MATRIX = "WebMercatorQuad"
_MATRIX_URI = f"http://www.opengis.net/def/tilematrixset/OGC/1.0/{MATRIX}"
_CRS = "http://www.opengis.net/def/crs/EPSG/0/3857"
REL = "http://www.opengis.net/def/rel/ogc/1.0"
#: The deepest level that documents tell of: past it, clients draw its tiles larger.
DETAILED = 14
#: What may be asked of a tile, beside the values of properties.
PARAMETERS = ("q", "filter", "filter-lang", "filter-crs", "properties")
#: Columns of a tile at most, where none are asked for.
_COLUMNS = 8
_TILES, _TITLE = Message("Tuiles vectorielles"), Message("Grille de tuiles WebMercatorQuad")


class TilesApi:
    """The tiles of the collections of a site."""

    def __init__(self, features: FeaturesApi) -> None:
        self.features = features
        self.url = features.site.url
        self._kept: answers.Recent[Drawn] = answers.Recent(5_000, 64_000_000)

    def routes(self) -> list[BaseRoute]:
        """Return what to put before pygeoapi's own routes."""
        home = "/collections/{collection}/tiles"
        return [
            Route(home, self.tilesets),
            Route(f"{home}/{MATRIX}", self.tileset),
            Route(f"{home}/{MATRIX}/{{z}}/{{y}}/{{x}}", self.tile),
            Route("/tileMatrixSets", self.matrices),
            Route(f"/tileMatrixSets/{MATRIX}", self.matrix),
        ]

    # --- tiles -----------------------------------------------------------------------------------

    async def tile(self, request: Request) -> Response:
        """Answer one tile; 204 where nothing is."""
        answers.wanted_form(request, ("json", "mvt"))
        collection = self.features.collection(request)
        tile = _address(request.path_params)
        try:
            state, changed = collection.provider.state(viewer=collection.viewer)
            headers = answers.state_validators(request, state, changed, "mvt")
            tag = headers["ETag"]
            if (drawn := self._kept.get(tag)) is None:
                drawn = await run_in_threadpool(self._cut, request, collection, tile)
                self._kept.keep(tag, drawn, len(drawn.body))
        except ProviderGenericError as error:
            raise told_by(error) from error
        headers["OGC-NumberMatched"], headers["OGC-NumberReturned"] = (
            str(drawn.matched),
            str(drawn.told),
        )
        if not drawn.body:
            return answer(b"", MVT, status=204, headers=headers)
        return answer(drawn.body, MVT, headers=headers)

    def _cut(self, request: Request, collection: Collection, tile: Address) -> Drawn:
        every = collection.provider.columns(viewer=collection.viewer)
        given = answers.parameters(request, *PARAMETERS, *every)
        known = collection.provider.queryables(viewer=collection.viewer)
        query = FeatureQuery(
            equal={name: given[name] for name in given if name in every},
            q=given.get("q", ""),
            filter=filter_of(given, known),
        )
        names = names_of(given.get("properties", ""), every)
        columns = {name: every[name] for name in names if name != "id"} or columns_of(collection)
        return cut(
            collection.provider, query, tile,
            name=collection.name, columns=columns, viewer=collection.viewer,
        )  # fmt: skip

    # --- what they are ---------------------------------------------------------------------------

    async def tilesets(self, request: Request) -> Response:
        """List the tile sets of a collection: one."""
        answers.wanted_form(request, ("json",))
        collection = self.features.collection(request)
        answers.parameters(request)
        here = f"{collection.home}/tiles"
        listed = {**_summary(collection), "links": self._set_links(collection, {})}
        document = {
            "links": [link("self", f"{here}?f=json", JSON)],
            "tilesets": [listed],
        }
        return answer(answers.to_json(document), JSON)

    async def tileset(self, request: Request) -> Response:
        """Describe the tile set, as OGC does, as TileJSON or as a style that draws it."""
        form = answers.wanted_form(request, ("json", "tilejson", "style"))
        collection = self.features.collection(request)
        columns = collection.provider.columns(viewer=collection.viewer)
        given = answers.parameters(request, *PARAMETERS, *columns)
        if form == "style":
            return answer(answers.to_json(self._style(collection, given)), STYLE)
        if form == "tilejson":
            return answer(answers.to_json(self._tilejson(collection, given)), JSON)
        box = _box(collection)
        corners = [(z, *at(box, z)) for z in range(DETAILED + 1)]
        document = {
            **_summary(collection),
            "boundingBox": {"lowerLeft": box[:2], "upperRight": box[2:], "crs": _CRS84},
            "tileMatrixSetLimits": [
                {"tileMatrix": str(z), "minTileRow": first.y, "maxTileRow": last.y,
                 "minTileCol": first.x, "maxTileCol": last.x}
                for z, first, last in corners
            ],
            "layers": [
                {"id": collection.name, "title": collection.resource["title"],
                 "dataType": "vector", "geometryDimension": _dimension(collection),
                 "propertiesSchema": {"type": "object", "properties": {
                     name: {"type": kind} for name, kind in self._columns(collection).items()}}}
            ],
            "links": self._set_links(collection, given),
        }  # fmt: skip
        return answer(answers.to_json(document), JSON)

    def _columns(self, collection: Collection) -> dict[str, str]:
        return {"id": "string", **columns_of(collection), COUNT: "integer"}

    def _set_links(self, collection: Collection, given: Mapping[str, str]) -> list[dict[str, Any]]:
        asked = {name: text for name, text in given.items() if name != "f"}
        here = f"{collection.home}/tiles/{MATRIX}?{urlencode({**asked, 'f': ''})}"
        template = self._template(collection, given, "{tileMatrix}/{tileRow}/{tileCol}")
        return [
            link("self", f"{here}json", JSON, str(_TILES)),
            link("describedby", f"{here}tilejson", JSON, "TileJSON"),
            link("stylesheet", f"{here}style", STYLE, _("Style MapLibre")),
            link(f"{REL}/tiling-scheme", f"{self.url}/tileMatrixSets/{MATRIX}", JSON, str(_TITLE)),
            link(f"{REL}/geodata", collection.home, JSON),
            {**link("item", template, MVT, str(_TILES)), "templated": True},
        ]

    def _template(self, collection: Collection, given: Mapping[str, str], place: str) -> str:
        asked = f"?{urlencode(given)}" if given else ""
        return f"{collection.home}/tiles/{MATRIX}/{place}{asked}"

    def _tilejson(self, collection: Collection, given: Mapping[str, str]) -> dict[str, Any]:
        box = _box(collection)
        return {
            "tilejson": "3.0.0",
            "name": collection.resource["title"],
            "description": str(_about()),
            "attribution": self.features.site.told["metadata"]["provider"]["name"],
            "scheme": "xyz",
            "tiles": [self._template(collection, given, "{z}/{y}/{x}")],
            "minzoom": 0,
            "maxzoom": DETAILED,
            "bounds": box,
            "center": [(box[0] + box[2]) / 2, (box[1] + box[3]) / 2, at_once(box)],
            "vector_layers": [
                {"id": collection.name, "description": collection.resource["title"],
                 "fields": {name: _FIELDS[kind]
                            for name, kind in self._columns(collection).items()}}
            ],
        }  # fmt: skip

    def _style(self, collection: Collection, given: Mapping[str, str]) -> dict[str, Any]:
        asked = urlencode({**given, "f": "tilejson"})
        box = _box(collection)
        layer = {"source": collection.name, "source-layer": collection.name}
        shapes = {
            "fill": ({"fill-color": colour("c-mairie"), "fill-opacity": 0.45}, ["Polygon"]),
            "line": ({"line-color": colour("c-mairie-t"), "line-width": 1}, ["Polygon", "LineString"]),
            "circle": (
                {
                    "circle-color": colour("c-mairie-t"),
                    "circle-stroke-color": colour("c-halo"),
                    "circle-stroke-width": 1,
                    "circle-radius": [
                        "interpolate", ["linear"], ["coalesce", ["get", COUNT], 1], 1, 4, 100, 12,
                    ],
                },
                ["Point"],
            ),
        }  # fmt: skip
        return {
            "version": 8,
            "name": collection.resource["title"],
            "center": [(box[0] + box[2]) / 2, (box[1] + box[3]) / 2],
            "zoom": at_once(box),
            "sources": {
                "territory": {"type": "geojson", "data": f"{self.url}/background.geojson"},
                collection.name: {
                    "type": "vector",
                    "url": f"{collection.home}/tiles/{MATRIX}?{asked}",
                },
            },
            "layers": [
                {"id": "ground", "type": "background",
                 "paint": {"background-color": colour("c-hors")}},
                {"id": "territory", "type": "fill", "source": "territory",
                 "paint": {"fill-color": colour("c-sol"), "fill-outline-color": colour("c-dep")}},
                *(
                    {"id": f"{collection.name}-{kind}", "type": kind, **layer, "paint": paint,
                     "filter": ["match", ["geometry-type"],
                                [*names, *(f"Multi{name}" for name in names)], True, False]}
                    for kind, (paint, names) in shapes.items()
                ),
            ],
        }  # fmt: skip

    async def matrices(self, request: Request) -> Response:
        """List the tile matrix sets: one."""
        answers.wanted_form(request, ("json",))
        answers.parameters(request)
        here = link("self", f"{self.url}/tileMatrixSets/{MATRIX}", JSON, str(_TITLE))
        one = {"id": MATRIX, "title": str(_TITLE), "uri": _MATRIX_URI, "links": [here]}
        return answer(answers.to_json({"tileMatrixSets": [one]}), JSON)

    async def matrix(self, request: Request) -> Response:
        """Define the tile matrix set (OGC Two Dimensional Tile Matrix Set 2.0)."""
        answers.wanted_form(request, ("json",))
        answers.parameters(request)
        size = 2 * HALF / 256
        document = {
            "id": MATRIX,
            "title": str(_TITLE),
            "uri": _MATRIX_URI,
            "crs": _CRS,
            "wellKnownScaleSet": "http://www.opengis.net/def/wkss/OGC/1.0/GoogleMapsCompatible",
            "tileMatrices": [
                {"id": str(z), "scaleDenominator": size / 2**z / 0.00028, "cellSize": size / 2**z,
                 "cornerOfOrigin": "topLeft", "pointOfOrigin": [-HALF, HALF], "tileWidth": 256,
                 "tileHeight": 256, "matrixWidth": 2**z, "matrixHeight": 2**z}
                for z in range(DEEPEST + 1)
            ],
        }  # fmt: skip
        return answer(answers.to_json(document), JSON)


_CRS84 = "http://www.opengis.net/def/crs/OGC/1.3/CRS84"
_FIELDS = {"boolean": "Boolean", "integer": "Number", "number": "Number", "string": "String"}


def columns_of(collection: Collection) -> dict[str, str]:
    """Return what a tile tells of a feature beside its identifier: how it is called, of what kind
    it is, and its numbers.
    """
    every = collection.provider.columns(viewer=collection.viewer)
    first = collection.resource["providers"][0].get("title_field")
    named = [first, "study", "type", "standing", "departement"]
    told = [name for name in named if name in every and name != "id"]
    told += [name for name, kind in every.items() if kind != "string" and name not in told]
    return {name: every[name] for name in told[:_COLUMNS]}


def at_once(box: Box) -> int:
    """Return the deepest level at which a box in degrees is in four tiles at most."""
    for z in range(DETAILED, 0, -1):
        first, last = at(box, z)
        if last.x - first.x <= 1 and last.y - first.y <= 1:
            return z
    return 0


def _about() -> Message:
    return Message(
        "Une tuile trop pleine ne montre qu'un objet par carré ; « {count} » dit pour combien.",
        count=COUNT,
    )


def _summary(collection: Collection) -> dict[str, Any]:
    return {
        "title": collection.resource["title"],
        "description": str(_about()),
        "dataType": "vector",
        "crs": _CRS,
        "tileMatrixSetURI": _MATRIX_URI,
        "tileMatrixSetId": MATRIX,
    }


# Return 0 for points, 1 for lines, 2 for areas; areas where they are mixed.
def _dimension(collection: Collection) -> int:
    kind = collection.provider.geometry_type(viewer=collection.viewer)
    return 0 if "POINT" in kind else 1 if "LINE" in kind else 2


def _box(collection: Collection) -> Box:
    told = collection.resource["extents"]["spatial"]["bbox"]
    numbers = told[0] if isinstance(told[0], list | tuple) else told
    west, south, east, north = map(float, numbers)
    return west, south, east, north


def _address(names: Mapping[str, str]) -> Address:
    texts = [names[name] for name in ("z", "y", "x")]
    if all(text.isascii() and text.isdigit() and len(text) < 9 for text in texts):
        tile = Address(*map(int, texts))
        if tile.z <= DEEPEST and max(tile.x, tile.y) < 2**tile.z:
            return tile
    told = _("Aucune tuile à cette adresse : niveau (0 à {most}), ligne, colonne.", most=DEEPEST)
    raise Refusal(404, told)
