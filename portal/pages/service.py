"""The pages that a public site owes its readers, and its developers."""

from collections.abc import Mapping
from functools import partial
from typing import Any

from geoguichet.floor.viewer import Viewer
from geoguichet.floor.words import SOURCE, Message, language
from geoguichet.portal.site import Page, Site

#: How a layer of the portal is opened, by tool; {address} is that of its collection, {name} its name
#: and {root} the portal's. The tests run each as the page shows it.
EXAMPLES: Mapping[str, tuple[str, str]] = {
    "leaflet": ("Leaflet", """\
const map = L.map("map").setView([46.5, 2.5], 6);
fetch("{address}/items?f=geojson")
  .then((answer) => answer.json())
  .then((layer) => map.fitBounds(L.geoJSON(layer).addTo(map).getBounds()));
"""),
    "leaflet-tiles": ("Leaflet, Leaflet.VectorGrid", """\
const map = L.map("map").setView([46.5, 2.5], 6);
const url = "{address}/tiles/WebMercatorQuad/{z}/{y}/{x}";
L.vectorGrid.protobuf(url, { maxNativeZoom: 14 }).addTo(map);
"""),
    "openlayers": ("OpenLayers", """\
const source = new ol.source.Vector({
  format: new ol.format.GeoJSON(),
  url: "{address}/items?f=geojson",
});
const map = new ol.Map({
  target: "map",
  layers: [new ol.layer.Vector({ source })],
  view: new ol.View({ center: ol.proj.fromLonLat([2.5, 46.5]), zoom: 6 }),
});
"""),
    "openlayers-tiles": ("OpenLayers, MVT", """\
const source = new ol.source.OGCVectorTile({
  format: new ol.format.MVT(),
  url: "{address}/tiles/WebMercatorQuad",
});
const map = new ol.Map({
  target: "map",
  layers: [new ol.layer.VectorTile({ source })],
  view: new ol.View({ center: ol.proj.fromLonLat([2.5, 46.5]), zoom: 6 }),
});
"""),
    "maplibre": ("MapLibre GL", """\
import { Map } from "maplibre-gl";

const map = new Map({
  container: "map",
  style: "{address}/tiles/WebMercatorQuad?f=style",
});
"""),
    "qgis": ("QGIS", """\
layer = QgsVectorLayer("url='{root}' typename='{name}'", "{name}", "OAPIF")
url = "{address}/tiles/WebMercatorQuad/{z}/{y}/{x}"
tiles = QgsVectorTileLayer(f"type=xyz&url={url}&zmin=0&zmax=14", "{name}")
QgsProject.instance().addMapLayers([layer, tiles])
"""),
    "geopandas": ("Python (geopandas)", """\
import geopandas

layer = geopandas.read_file("OAPIF:{root}", layer="{name}")
"""),
    "gdal": ("GDAL", """\
ogr2ogr -f GPKG {name}.gpkg OAPIF:{root} {name}
"""),
}  # fmt: skip


def examples(site: Site, name: str = "") -> list[dict[str, str]]:
    """Return the examples for a collection, that of the communes where none is named."""
    chosen = name or site.layer("communes") or "white-zones"
    told = {"root": site.url, "address": f"{site.url}/collections/{chosen}", "name": chosen}
    return [
        {"id": key, "title": title, "code": _filled(code, told)}
        for key, (title, code) in EXAMPLES.items()
    ]


def _filled(code: str, told: Mapping[str, str]) -> str:
    for key, value in told.items():
        code = code.replace(f"{{{key}}}", value)
    return code


def _legal(site: Site, _viewer: Viewer) -> dict[str, Any]:
    legal, notice = site.region.legal, site.region.legal.notice or {}
    told = {key: getattr(legal, key) for key in ("publisher", "director", "host", "accessibility")}
    return {**told, "notice": notice.get(language(), notice.get(SOURCE, ""))}


def _developers(site: Site, _viewer: Viewer) -> dict[str, Any]:
    return {"examples": examples(site)}


_OBJECT = {"type": "object"}
_page = partial(Page, document=_legal, menu="foot", schema="LegalNotice")
PAGES = (
    _page(path="/mentions-legales", title=Message("Mentions légales"), template="legal.html",
          summary="The legal notice", schemas={"LegalNotice": _OBJECT}),
    _page(path="/accessibilite", title=Message("Accessibilité"), template="accessibility.html",
          summary="The statement of accessibility"),
    _page(path="/donnees-personnelles", title=Message("Données personnelles"),
          template="privacy.html", summary="What is kept of readers"),
    Page(path="/developpeurs", title=Message("Développeurs"), template="developers.html",
         summary="Examples for developers", document=_developers, menu="tools",
         schema="Examples", schemas={"Examples": _OBJECT}),
)  # fmt: skip
