"""The territory a portal is of: where its data are, which of its layers are shown and how, and the
outlines that are drawn beneath every map.
"""

import json
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import geopandas as gpd
import shapely

from geoguichet.floor.errors import LayerError, UsageError
from geoguichet.floor.region import FILE, Region, Shown
from geoguichet.floor.words import Message
from geoguichet.referentials.layers import metric_of, read_layer, sample_path
from geoguichet.referentials.territories import sample

CRS84 = "http://www.opengis.net/def/crs/OGC/1.3/CRS84"
#: Box of a portal that has no territory of its own to show: the métropole.
FRANCE = (-5.6, 41.2, 9.8, 51.3)
_FEATURES = "geoguichet.portal.providers.features.GeoPackageProvider"


@dataclass(frozen=True, slots=True)
class Territory:
    """Whose data are shown: a name, and the GeoPackage they are in (None where there is none).

    ``is_sample`` where nothing is declared: the configuration at the root describes the embedded
    sample.
    """

    name: str
    data: Path | None
    is_sample: bool = False

    def boxes(self) -> dict[str, tuple[float, ...]]:
        """Return the layers of the data, each with its box in degrees.

        Raises
        ------
        UsageError
            The file is missing or is no GeoPackage.
        """
        if self.data is None:
            return {}
        asked = "SELECT table_name, min_x, min_y, max_x, max_y FROM gpkg_contents"
        try:
            address = f"{self.data.absolute().as_uri()}?mode=ro"
            with closing(sqlite3.connect(address, uri=True, timeout=5)) as database:
                rows = database.execute(asked).fetchall()
        except sqlite3.Error as error:
            raise UsageError(
                Message(
                    "{region}, clé « territory.data » : {file} n'est pas un GeoPackage lisible "
                    "({error}) ; essayez : celui que « geoguichet init » écrit.",
                    region=FILE,
                    file=self.data,
                    error=error,
                )
            ) from error
        return {name: tuple(box) for name, *box in rows if None not in box}

    def box(self) -> tuple[float, ...]:
        """Return the box of the territory itself, without its surroundings, to a hundredth."""
        return _box(self)


@lru_cache(maxsize=8)
def _box(territory: Territory) -> tuple[float, ...]:
    boxes = territory.boxes()
    for name in ("departements", "communes", *boxes):
        if name in boxes:
            return tuple(round(value, 2) for value in boxes[name])
    return FRANCE


def territory_of(workspace: Path, region: Region) -> Territory:
    """Return the territory of a workspace: what ``region.toml`` says, or the embedded sample where it
    names no region; a region that has a name shows nothing of the sample's.
    """
    ground, name = region.territory, region.region.name
    if ground is not None:
        return Territory(ground.name or name or "", (workspace / ground.data).resolve())
    if name is not None:
        return Territory(name, None)
    return Territory(sample.NAME, sample_path(), is_sample=True)


# Return pygeoapi's resources for the layers of a territory that are shown.
def _layers(territory: Territory, shown: Mapping[str, Shown]) -> dict[str, Any]:
    boxes, made = territory.boxes(), {}
    for name, one in shown.items():
        layer = one.layer or name
        if layer not in boxes:
            raise UsageError(
                Message(
                    "{region}, clé « collections.{name}.layer » : aucune couche {layer} dans "
                    "{file} ; essayez : l'une de {known}.",
                    region=FILE,
                    name=name,
                    layer=layer,
                    file=territory.data or "",
                    known=", ".join(boxes),
                )
            )
        spoken = {"fr": f"{layer} · {territory.name}"}
        made[name] = {
            "type": "collection",
            "title": spoken,
            "description": spoken,
            "keywords": {"fr": [layer, territory.name]},
            "links": [],
            "extents": _extent(boxes[layer]),
            "providers": [
                {
                    "type": "feature",
                    "name": _FEATURES,
                    "data": str(territory.data),
                    "table": layer,
                    "id_field": one.id or "id",
                    "title_field": one.label or "name",
                    "crs": [],
                    "storage_crs": CRS84,
                }
            ],
        }
    return made


def overlaid(
    resources: dict[str, Any], territory: Territory, shown: Mapping[str, Shown]
) -> dict[str, Any]:
    """Return the resources of the portal's own (records, studies, processes) with the layers of a
    territory in the place of the sample's, each told as ``region.toml`` tells it.

    Raises
    ------
    UsageError
        The data cannot be read, or have no layer of a name that ``region.toml`` shows.
    """
    box, own = territory.box(), resources
    if not territory.is_sample:
        own = {name: one for name, one in resources.items() if not _of_sample(one)}
        for one in own.values():
            if "extents" in one:
                one["extents"] = _extent(box)
        _measure(own, box)
    added = {name: one for name, one in shown.items() if name not in own and one.shown}
    layers = _layers(territory, added)
    _measure(layers, box)
    resources = own | layers
    found = {name: one for name, one in resources.items() if shown.get(name, Shown()).shown}
    for name, one in shown.items():
        if name in found:
            _tell(found[name], one)
    if territory.data is None:
        found = {name: one for name, one in found.items() if "processor" not in one}
    return found


# Serve every layer in the legal metres of the ground too.
def _measure(resources: Mapping[str, Any], box: tuple[float, ...]) -> None:
    metres = metric_of(box).rpartition(":")[2]
    systems = [f"http://www.opengis.net/def/crs/EPSG/0/{code}" for code in ("4326", metres)]
    for one in resources.values():
        for provider in one.get("providers", ()):
            if "crs" in provider:
                provider["crs"] = [CRS84, *systems]


def _of_sample(resource: Mapping[str, Any]) -> bool:
    return any(provider.get("data") == "sample" for provider in resource.get("providers", ()))


def _extent(box: tuple[float, ...]) -> dict[str, Any]:
    return {"spatial": {"bbox": [round(value, 2) for value in box], "crs": CRS84}}


# Put what is said of a collection in the place of what was; how it is shown stands beside.
def _tell(resource: dict[str, Any], shown: Shown) -> None:
    told = {"title": shown.title, "description": shown.description, "colour": shown.colour}
    resource |= {key: value for key, value in told.items() if value is not None}
    if shown.columns:
        resource["columns"] = dict(shown.columns)


def layer_of(territory: Territory, layer: str) -> gpd.GeoDataFrame | None:
    """Return a layer of a territory; None where it has no data, or data of another make, which maps and
    lists do without.
    """
    try:
        return territory.data and read_layer(territory.data, layer=layer, empty=True)
    except LayerError:
        return None


@lru_cache(maxsize=8)
def rows_of(territory: Territory, layer: str) -> list[dict[str, Any]]:
    """Return the rows of a layer of a territory, without their geometry; None for what is missing."""
    found = layer_of(territory, layer)
    if found is None:
        return []
    table = found.drop(columns="geometry").astype(object)
    return [dict(row) for row in table.where(table.notna(), None).to_dict("records")]


@lru_cache(maxsize=4)
def outlines(territory: Territory) -> tuple[tuple[str, str, shapely.Geometry], ...]:
    """Return the départements of a territory, simplified for a map of it: code, name, surface."""
    found = layer_of(territory, "departements")
    if found is None:
        return ()
    found = found[found.geometry.notna()]
    drawn = shapely.set_precision(found.geometry.simplify(0.003).array, 0.0001)
    return tuple(zip(found["code"], found["name"], drawn, strict=True))


def background(territory: Territory) -> bytes:
    """Return the outlines as GeoJSON: what interactive maps show beneath the data."""
    features = [
        {
            "type": "Feature",
            "properties": {"code": code, "name": name},
            "geometry": json.loads(shapely.to_geojson(drawn)),
        }
        for code, name, drawn in outlines(territory)
    ]
    told = {"type": "FeatureCollection", "features": features}
    return json.dumps(told, ensure_ascii=False).encode()
