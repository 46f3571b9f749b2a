"""The abstract tests of OGC API Features Part 3 (19-079r2: queryables, filter, features filter) and
those of OGC API Tiles Part 1 (20-057) that tiles of collections meet, for any server.

The tests of Features bear the names of the standard; those of Tiles, of the requirements they test.
Each is put to every collection of features.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, cast

import geoguichet.portal.conformance.client as ask
from geoguichet.portal.conformance.client import REL, Json, Server, applicable, expect

_FILTERING = "http://www.opengis.net/spec/ogcapi-features-3/1.0/conf"
_TILES = "http://www.opengis.net/spec/ogcapi-tiles-1/1.0/conf"
_SCHEMAS = (
    "http://json-schema.org/draft-07/schema#",
    "https://json-schema.org/draft/2019-09/schema",
    "https://json-schema.org/draft/2020-12/schema",
)
_MVT = "application/vnd.mapbox-vector-tile"

type OfCollection = Callable[[Server, Json], None]


# Return a test of every collection of features.
def _each(check: OfCollection) -> ask.Test:
    def test(server: Server) -> None:
        listed = server.found("/collections", f="json").json()["collections"]
        found = [one for one in listed if one.get("itemType", "feature") == "feature"]
        applicable(found, "no collection of features")
        for one in found:
            check(server, one)

    return test


def _home(collection: Json) -> str:
    return f"/collections/{collection['id']}"


def _queryables(server: Server, collection: Json) -> Json:
    found = server.found(f"{_home(collection)}/queryables", accept=ask.SCHEMA)
    expect(found.media_type == ask.SCHEMA, f"media type {found.media_type}")
    document = cast("Json", found.json())
    expect(document.get("$schema") in _SCHEMAS, f"$schema: {document.get('$schema')}")
    expect(document["$id"].endswith(f"{_home(collection)}/queryables"), f"$id: {document['$id']}")
    expect(document.get("type") == "object", "type: object is expected")
    expect(document.get("properties"), "no property")
    return cast("Json", document["properties"])


def _queryables_are_told(server: Server, collection: Json) -> None:
    _queryables(server, collection)


def _queryables_are_linked(server: Server, collection: Json) -> None:
    found = ask.links(server.found(_home(collection), f="json").json(), f"{REL}/queryables")
    hrefs = [one["href"].partition("?")[0] for one in found]
    expect(any(one.endswith(f"{_home(collection)}/queryables") for one in hrefs), f"{hrefs}")


# Return a queryable, and the one that is a geometry (empty when none is).
def _sample(server: Server, collection: Json) -> tuple[str, str]:
    known = _queryables(server, collection)
    drawn = [name for name, one in known.items() if str(one.get("format", "")).startswith("geom")]
    return next(name for name in known if name not in drawn), drawn[0] if drawn else ""


def _matched(server: Server, collection: Json, **asked: str) -> int:
    page = server.found(f"{_home(collection)}/items", accept=ask.GEOJSON, **asked)
    expect(page.media_type == ask.GEOJSON, f"media type {page.media_type}")
    return int(page.json()["numberMatched"])


def _is_refused(server: Server, collection: Json, **asked: str) -> None:
    status = server.get(f"{_home(collection)}/items", accept=ask.GEOJSON, **asked).status
    expect(status == 400, f"{asked}: status {status}, 400 expected")


def _filters(server: Server, collection: Json, **lang: str) -> None:
    name, _drawn = _sample(server, collection)
    every = _matched(server, collection)
    told = _matched(server, collection, filter=f"{name} IS NOT NULL", **lang)
    lacking = server.found(
        f"{_home(collection)}/items", accept=ask.GEOJSON, filter=f"{name} IS NULL", **lang
    ).json()
    expect(told + lacking["numberMatched"] == every, f"{name}: told and lacking are not all")
    values = [one["properties"].get(name) for one in lacking["features"]]
    expect(values == [None] * len(values), f"{name} IS NULL: {values}")
    _is_refused(server, collection, filter="THIS IS NOT A FILTER", **lang)


def _refuses_what_is_no_queryable(server: Server, collection: Json) -> None:
    _is_refused(server, collection, filter="this_is_not_a_queryable IS NULL")


def _queryables_are_parameters(server: Server, collection: Json) -> None:
    name, _drawn = _sample(server, collection)
    page = server.found(f"{_home(collection)}/items", accept=ask.GEOJSON).json()
    values = [one["properties"].get(name) for one in page["features"]]
    given = [value for value in values if value not in (None, "")]
    if given:
        told = str(given[0]).lower() if isinstance(given[0], bool) else str(given[0])
        expect(_matched(server, collection, **{name: told}), f"{name}={told}: no feature")
    _is_refused(server, collection, this_is_not_a_queryable="1")


# Return the box of a collection as CQL2 text, in a CRS by whose authority latitude comes first.
def _box(collection: Json, *, is_reversed: bool = False) -> tuple[list[float], str]:
    box = collection["extent"]["spatial"]["bbox"][0]
    west, south, east, north = box[0], box[1], box[len(box) // 2], box[len(box) // 2 + 1]
    order = (south, west, north, east) if is_reversed else (west, south, east, north)
    return [west, south, east, north], f"BBOX({','.join(map(str, order))})"


# Return a test of a filter by the box of the collection, as it is written.
def _spatial(check: Callable[[Server, Json, str, list[float], str], None]) -> ask.Test:
    def test(server: Server, collection: Json) -> None:
        _name, drawn = _sample(server, collection)
        applicable(drawn and collection.get("extent"), "no geometry, or no extent")
        check(server, collection, drawn, *_box(collection))

    return _each(test)


def _box_is_wgs84(server: Server, one: Json, drawn: str, box: list[float], told: str) -> None:
    within = _matched(server, one, bbox=",".join(map(str, box)))
    found = _matched(server, one, filter=f"S_INTERSECTS({drawn},{told})")
    expect(found == within, f"{found} features by the filter, {within} by bbox")
    outside = "BBOX(1000000,1000000,2000000,2000000)"
    _is_refused(server, one, filter=f"S_INTERSECTS({drawn},{outside})")


def _box_is_in_its_crs(server: Server, one: Json, drawn: str, _box84: Any, told: str) -> None:
    crs, (_same, turned) = "http://www.opengis.net/def/crs/EPSG/0/4326", _box(one, is_reversed=True)
    found = _matched(server, one, filter=f"S_INTERSECTS({drawn},{turned})", filter_crs=crs)
    expected = _matched(server, one, filter=f"S_INTERSECTS({drawn},{told})")
    expect(found == expected, f"{found} features in EPSG:4326, {expected} in CRS84")
    unknown = "http://www.opengis.net/def/crs/OGC/0/does_not_exist"
    _is_refused(server, one, filter=f"S_INTERSECTS({drawn},{told})", filter_crs=unknown)


def _filter_and_box_are_both_asked(
    server: Server, one: Json, drawn: str, box: list[float], told: str
) -> None:
    asked, within = f"S_INTERSECTS({drawn},{told})", ",".join(map(str, box))
    found = _matched(server, one, filter=asked, bbox=within)
    expect(found == _matched(server, one, bbox=within), f"{found} features in both")
    elsewhere = "-170,-60,-169,-59" if box[0] > -160 else "160,-60,161,-59"
    expect(_matched(server, one, filter=asked, bbox=elsewhere) == 0, "features out of the box")


def _declared(*classes: str) -> ask.Test:
    return ask.declares(*classes)


FEATURES: dict[str, ask.Test] = {
    "/conf/queryables/get-conformance": _declared(f"{_FILTERING}/queryables"),
    "/conf/queryables/get-queryables": _each(_queryables_are_told),
    "/conf/queryables/get-collection": _each(_queryables_are_linked),
    "/conf/queryables-query-parameters/get-conformance": _declared(
        f"{_FILTERING}/queryables-query-parameters"
    ),
    "/conf/queryables-query-parameters/parameters": _each(_queryables_are_parameters),
    "/conf/filter/get-conformance": _declared(f"{_FILTERING}/filter"),
    "/conf/filter/filter-param": _each(lambda s, c: _filters(s, c, filter_lang="cql2-text")),
    "/conf/filter/filter-lang-default": _each(_filters),
    "/conf/filter/expression-construction": _each(_refuses_what_is_no_queryable),
    "/conf/filter/filter-crs-wgs84": _spatial(_box_is_wgs84),
    "/conf/filter/filter-crs-param": _spatial(_box_is_in_its_crs),
    "/conf/filter/mixing-expression": _spatial(_filter_and_box_are_both_asked),
    "/conf/features-filter/get-conformance": _declared(f"{_FILTERING}/features-filter"),
}


# --- tiles ----------------------------------------------------------------------------------------


def _tilesets(server: Server, collection: Json) -> Sequence[Json]:
    whole = server.found(_home(collection), f="json").json()
    found = ask.links(whole, f"{REL}/tilesets-vector")
    expect(found, "no link of rel tilesets-vector")
    listed = server.found(found[0]["href"]).json()["tilesets"]
    expect(listed, "no tile set")
    return cast("Sequence[Json]", listed)


def _tilesets_are_listed(server: Server, collection: Json) -> None:
    for one in _tilesets(server, collection):
        expect(one.get("dataType") == "vector", f"dataType: {one.get('dataType')}")
        expect(one.get("crs") and ask.links(one, "self"), "crs and a self link are expected")
        expect(ask.links(one, f"{REL}/tiling-scheme") or one.get("tileMatrixSetURI"), "no scheme")


def _tileset(server: Server, collection: Json) -> Json:
    (self, *_) = ask.links(_tilesets(server, collection)[0], "self")
    return cast("Json", server.found(self["href"]).json())


def _tileset_is_described(server: Server, collection: Json) -> None:
    told = _tileset(server, collection)
    for name in ("dataType", "crs", "tileMatrixSetURI", "links", "layers"):
        expect(told.get(name), f"no {name}")
    expect(ask.links(told, f"{REL}/geodata"), "no link of rel geodata")
    (scheme, *_) = ask.links(told, f"{REL}/tiling-scheme")
    matrices = server.found(scheme["href"]).json()["tileMatrices"]
    limits = {one["tileMatrix"] for one in told.get("tileMatrixSetLimits", ())}
    expect(limits <= {one["id"] for one in matrices}, "limits of a level that is not there")


def _address(told: Json, level: Json, **other: int) -> str:
    (item, *_) = [one for one in told["links"] if one["rel"] == "item" and one.get("templated")]
    row, column = other.get("row", level["minTileRow"]), other.get("column", level["minTileCol"])
    place = {"tileMatrix": level["tileMatrix"], "tileRow": row, "tileCol": column}
    address = str(item["href"])
    for name, value in place.items():
        address = address.replace("{" + name + "}", str(value))
    return address


def _tiles_are_given(server: Server, collection: Json) -> None:
    told = _tileset(server, collection)
    for level in told["tileMatrixSetLimits"]:
        answer = server.get(_address(told, level), accept=_MVT)
        expect(answer.status in (200, 204), f"{answer.status} for a tile within the limits")
        if answer.status == 200:
            expect(answer.media_type == _MVT and answer.body, f"media type {answer.media_type}")


def _tiles_elsewhere_are_refused(server: Server, collection: Json) -> None:
    told = _tileset(server, collection)
    level = told["tileMatrixSetLimits"][-1]
    for wrong in (
        _address(told, level, row=10**8),
        _address(told, level, column=10**8),
        _address(told, {**level, "tileMatrix": "none"}),
    ):
        status = server.get(wrong, accept=_MVT).status
        expect(status in (400, 404), f"{wrong}: status {status}, 400 or 404 expected")


# Yield the fields of a message of Protocol Buffers: their numbers, what they hold.
def _fields(body: bytes) -> Iterator[tuple[int, int | bytes]]:
    place = 0

    def varint() -> int:
        nonlocal place
        first = place
        while body[place] > 127:
            place += 1
        place += 1
        return sum((one & 127) << 7 * n for n, one in enumerate(body[first:place]))

    while place < len(body):
        number, kind = divmod(varint(), 8)
        size = {1: 8, 5: 4}.get(kind) or (varint() if kind == 2 else 0)
        value = varint() if kind == 0 else body[place : place + size]
        place += size
        yield number, value


def _tiles_are_mvt(server: Server, collection: Json) -> None:
    told = _tileset(server, collection)
    found = (server.get(_address(told, one), accept=_MVT) for one in told["tileMatrixSetLimits"])
    body = next((one.body for one in found if one.status == 200), b"")
    applicable(body, "no tile has anything")
    for number, layer in _fields(body):
        known = dict(_fields(cast("bytes", layer)))
        expect(number == 3 and known.get(15) == 2, "a layer of version 2 is expected")
        expect(known.get(1) and known.get(2) and known.get(5), "no name, no feature or no extent")


def _tiles_are_documented(server: Server, collection: Json) -> None:
    told = _tileset(server, collection)
    address = _address(told, told["tileMatrixSetLimits"][-1])
    asked = ask.parameters(server, address.removeprefix(server.url).partition("?")[0])
    paths = [one for one in asked.values() if one.get("in") == "path"]
    expect(len(paths) >= 3, f"{len(paths)} parameters of the path of a tile, 3 expected")


def _scheme_is_defined(server: Server, collection: Json) -> None:
    (scheme, *_) = ask.links(_tileset(server, collection), f"{REL}/tiling-scheme")
    told = server.found(scheme["href"]).json()
    expect(told.get("crs") and told.get("tileMatrices"), "no crs, or no level")
    for one in told["tileMatrices"]:
        expect(one.keys() >= _MATRIX, f"level {one.get('id')}: no {_MATRIX - one.keys()}")
        ratio = one["cellSize"] / one["scaleDenominator"] / 0.00028
        expect(abs(ratio - 1) < 1e-6, f"level {one['id']}: its scale is not that of its cells")


#: What a level of a tile matrix set has (OGC 17-083r4, tile matrix).
_MATRIX = frozenset(
    ("id", "scaleDenominator", "cellSize", "pointOfOrigin", "tileWidth", "tileHeight",
     "matrixWidth", "matrixHeight")
)  # fmt: skip


TILES: dict[str, ask.Test] = {
    "/req/core/conformance-success": _declared(f"{_TILES}/core", f"{_TILES}/mvt"),
    "/req/core/tc-success": _each(_tiles_are_given),
    "/req/core/tc-error": _each(_tiles_elsewhere_are_refused),
    "/req/tileset/ts-success": _each(_tileset_is_described),
    "/req/tilesets-list/tsl-success": _each(_tilesets_are_listed),
    "/req/geodata-tilesets/conformance": _declared(f"{_TILES}/geodata-tilesets"),
    "/req/mvt/content": _each(_tiles_are_mvt),
    "/req/oas30/oas-definition-1": _each(_tiles_are_documented),
    "/req/json-tilematrixset/content": _each(_scheme_is_defined),
}
