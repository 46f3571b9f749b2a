"""Layers served as OGC API Features: those of one GeoPackage, and those of every study of the
workspace.
"""

import json
import logging
import re
from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import shapely
from pygeoapi.crs import CrsTransformSpec
from pygeoapi.plugin import load_plugin
from pygeoapi.provider.base import (
    BaseProvider,
    ProviderConnectionError,
    ProviderInvalidQueryError,
    ProviderItemNotFoundError,
)
from pyproj import Transformer

from geoguichet.catalogue.errors import QueryError
from geoguichet.catalogue.search.query import parse_bbox, parse_datetime
from geoguichet.floor.errors import LayerError
from geoguichet.floor.words import _
from geoguichet.portal.errors import ParameterError, in_words
from geoguichet.portal.providers.geopackage import Box, Schema, layer_schema, open_layer, typed
from geoguichet.portal.providers.studies import sees_study
from geoguichet.portal.viewing import viewer_across
from geoguichet.referentials.layers import sample_path

logger = logging.getLogger(__name__)

#: Value of ``data`` in the configuration that stands for the embedded sample.
SAMPLE = "sample"

#: What the layers of every study hold (see ``coverage.outputs``): it describes the API before any
#: study exists.
#:
#: How far the white zones are is in metres or in seconds (``worst_m``, ``worst_s``), as the studies
#: that are there tell.
STUDY_COLUMNS: Mapping[str, Mapping[str, str]] = {
    "white_zones": {
        "id": "string",
        "people": "integer",
        "communes": "integer",
        "commune_names": "string",
        "departements": "string",
        "people_after": "integer",
    },
    "kiosks": {
        "id": "string",
        "rank": "integer",
        "standing": "string",
        "commune": "string",
        "name": "string",
        "departement": "string",
        "host": "string",
        "host_id": "string",
        "type": "string",
        "needs": "string",
        "hours": "string",
        "hours_per_week": "number",
        "zones": "string",
        "people_added": "integer",
        "people_cumulated": "integer",
        "share_cumulated": "number",
        "gain": "number",
        "cost_eur": "number",
        "model": "string",
        "status": "string",
        "value": "number",
        "bound": "number",
        "gap": "number",
        "uses_per_year": "number",
        "km_saved_per_year": "number",
        "co2_saved_kg_per_year": "number",
    },
}

_STUDY_ID = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")


# One file that a collection is made of; ``study`` is empty for a plain layer.
class _Part(NamedTuple):
    study: str
    path: Path


# One row that matches: where it is, and its values to sort by.
class _Match(NamedTuple):
    part: _Part
    key: int
    values: tuple[Any, ...]


# What the rows of an answer must meet.
class _Conditions(NamedTuple):
    boxes: tuple[Box, ...]
    equal: Mapping[str, str]


# What both providers share: a question asked to each part, the answers put together.
class _LayerProvider(BaseProvider):  # type: ignore[misc]
    def __init__(self, provider_def: dict[str, Any]) -> None:
        super().__init__({**provider_def, "include_extra_query_parameters": True})
        self.table = str(provider_def["table"])

    @abstractmethod
    def parts(self) -> Iterator[_Part]:
        """Yield the files that the collection is made of now."""

    @abstractmethod
    def columns(self) -> Mapping[str, str]:
        """Return the JSON type of each property."""

    # The properties in pygeoapi's form.
    @property
    def fields(self) -> dict[str, dict[str, str]]:
        return {name: {"type": kind} for name, kind in self.columns().items()}

    # Return the properties in pygeoapi's form.
    def get_fields(self) -> dict[str, dict[str, str]]:
        return self.fields

    # Answer an items request; ``numberMatched`` is exact.
    def query(
        self,
        offset: int = 0,
        limit: int = 10,
        resulttype: str = "results",
        bbox: Sequence[float] = (),
        datetime_: str | None = None,
        properties: Sequence[tuple[str, str]] = (),
        sortby: Sequence[Mapping[str, str]] = (),
        select_properties: Sequence[str] = (),
        skip_geometry: bool = False,
        q: str | None = None,
        filterq: object | None = None,
        crs_transform_spec: CrsTransformSpec | None = None,
        **_more: object,
    ) -> dict[str, Any]:
        conditions = self._conditions(bbox, datetime_, properties, q, filterq)
        names = [key["property"] for key in sortby]
        found = [
            match for part in self.parts() for match in self._part_matches(part, conditions, names)
        ]
        for position in reversed(range(len(sortby))):
            _sort(found, position, descending=sortby[position]["order"] == "-")
        page = [] if resulttype == "hits" else found[offset : offset + limit]
        features = [
            _shortened(feature, select_properties, skip_geometry)
            for feature in self._features(page)
        ]
        _project(features, crs_transform_spec)
        return {
            "type": "FeatureCollection",
            "features": features,
            "numberMatched": len(found),
            "numberReturned": len(features),
        }

    # Return one feature.
    def get(
        self, identifier: str, crs_transform_spec: CrsTransformSpec | None = None, **_more: object
    ) -> dict[str, Any]:
        for part, own in self._candidates(str(identifier)):
            schema = self._schema(part)
            name = schema and self._id_column(schema)
            if schema and name:
                try:
                    sought = {name: typed(name, own, schema.columns[name])}
                except ParameterError:
                    continue
                matches = self._rows(part, _Conditions((), {}), (), equal=sought)
            else:
                matches = [
                    m for m in self._rows(part, _Conditions((), {}), ()) if str(m.key) == own
                ]
            for feature in self._features(matches[:1]):
                _project([feature], crs_transform_spec)
                return feature
        raise ProviderItemNotFoundError(
            user_msg=_("Aucun objet « {identifier} » dans cette collection.", identifier=identifier)
        )

    # Yield the parts an identifier may be found in, with the identifier it has there.
    def _candidates(self, identifier: str) -> Iterator[tuple[_Part, str]]:
        for part in self.parts():
            if not part.study:
                yield part, identifier
            elif identifier.startswith(f"{part.study}."):
                yield part, identifier.removeprefix(f"{part.study}.")

    # Check the parameters; these layers have no time: a well-formed ``datetime`` matches all of
    # them.
    def _conditions(
        self,
        bbox: Sequence[float],
        datetime_: str | None,
        properties: Sequence[tuple[str, str]],
        q: str | None,
        filterq: object | None,
    ) -> _Conditions:
        if q or filterq is not None:
            told = _(
                "{name} : ce paramètre n'est pas servi par cette collection.",
                name="q" if q else "filter",
            )
            raise ProviderInvalidQueryError(user_msg=told)
        columns = self.columns()
        unknown = next((name for name, _value in properties if name not in columns), None)
        if unknown:
            known = ", ".join(columns)
            told = _("{name} : paramètre inconnu ; attendu {known}.", name=unknown, known=known)
            raise ProviderInvalidQueryError(user_msg=told)
        try:
            if datetime_:
                parse_datetime(datetime_)
            boxes = parse_bbox(",".join(map(repr, bbox))).boxes() if bbox else ()
        except QueryError as error:
            raise ProviderInvalidQueryError(user_msg=in_words(error)) from error
        return _Conditions(boxes, dict(properties))

    # Return the matching rows of one part; a value that cannot be of its column's type is refused.
    def _part_matches(
        self, part: _Part, conditions: _Conditions, names: Sequence[str]
    ) -> list[_Match]:
        if conditions.equal.get("study", part.study) != part.study and part.study:
            return []
        schema = self._schema(part)
        if schema is None:
            return []
        own = {n: text for n, text in conditions.equal.items() if not (part.study and n == "study")}
        if not own.keys() <= schema.columns.keys():
            return []
        try:
            equal = {name: typed(name, text, schema.columns[name]) for name, text in own.items()}
        except ParameterError as error:
            raise ProviderInvalidQueryError(user_msg=str(error)) from error
        return self._rows(part, conditions, names, equal=equal)

    def _rows(
        self,
        part: _Part,
        conditions: _Conditions,
        names: Sequence[str],
        *,
        equal: Mapping[str, object] | None = None,
    ) -> list[_Match]:
        try:
            with open_layer(part.path, self.table) as layer:
                known = [name for name in names if name in layer.schema.columns]
                rows = layer.matches(boxes=conditions.boxes, equal=equal, values=known)
        except LayerError as error:
            self._unreadable(part, error)
            return []
        found = []
        for key, *values in rows:
            by_name = dict(zip(known, values, strict=True)) | (
                {"study": part.study} if part.study else {}
            )
            found.append(_Match(part, key, tuple(by_name.get(name) for name in names)))
        return found

    # Yield the features of these rows, reading each file once for each run of its rows.
    def _features(self, matches: Sequence[_Match]) -> Iterator[dict[str, Any]]:
        start = 0
        while start < len(matches):
            part = matches[start].part
            stop = start
            while stop < len(matches) and matches[stop].part == part:
                stop += 1
            try:
                with open_layer(part.path, self.table) as layer:
                    features = layer.features(match.key for match in matches[start:stop])
                    name = self._id_column(layer.schema)
            except LayerError as error:
                self._unreadable(part, error)
                features = []
            for match, feature in zip(matches[start:stop], features, strict=False):
                own = feature["properties"][name] if name else match.key
                if part.study:
                    feature["properties"]["study"] = part.study
                feature["id"] = f"{part.study}.{own}" if part.study else own
                yield feature
            start = stop

    def _id_column(self, schema: Schema) -> str | None:
        return self.id_field if self.id_field in schema.columns else None

    def _schema(self, part: _Part) -> Schema | None:
        try:
            return layer_schema(part.path, self.table)
        except LayerError as error:
            self._unreadable(part, error)
            return None

    # Say what cannot be read: a bad study is skipped, a missing layer is a failure.
    def _unreadable(self, part: _Part, error: LayerError) -> None:
        if not part.study:
            raise ProviderConnectionError(user_msg=str(error)) from error
        logger.warning("Étude « %s » laissée de côté : %s", part.study, error)


class GeoPackageProvider(_LayerProvider):
    """A layer of one GeoPackage: ``data`` is its path or ``sample``, ``table`` the layer."""

    def parts(self) -> Iterator[_Part]:
        """Yield the one file."""
        yield _Part("", self.file())

    def file(self) -> Path:
        """Return the GeoPackage."""
        return sample_path() if self.data == SAMPLE else Path(self.data)

    def columns(self) -> Mapping[str, str]:
        """Return the JSON type of each property."""
        schema = self._schema(next(self.parts()))
        return schema.columns if schema else {}


class StudyLayerProvider(_LayerProvider):
    """One layer of the results of all studies: ``data`` is the workspace, ``table`` the layer.

    Studies are looked for at each request, so a new one is served with no restart; a folder whose
    result is missing or unreadable is left aside.
    """

    def parts(self) -> Iterator[_Part]:
        """Yield the result of each study that who asks may see, in the order of their
        identifiers.
        """
        try:
            folders = sorted((Path(self.data) / "studies").iterdir())
        except OSError:
            return
        for folder in folders:
            result = folder / "result.gpkg"
            is_study = _STUDY_ID.fullmatch(folder.name) and result.is_file()
            if is_study and sees_study(viewer_across(), folder):
                yield _Part(folder.name, result)

    def columns(self) -> Mapping[str, str]:
        """Return the JSON type of each property: the agreed ones, and whatever else a study has."""
        columns = {"study": "string", **STUDY_COLUMNS.get(self.table, {})}
        for part in self.parts():
            schema = self._schema(part)
            columns |= {} if schema is None else schema.columns
        return columns


# Sort in place by one value, keeping the order of equals; rows without it come last, both ways.
def _sort(matches: list[_Match], position: int, *, descending: bool) -> None:
    matches.sort(key=lambda match: _comparable(match.values[position]), reverse=descending)
    matches.sort(key=lambda match: match.values[position] is None)


def _comparable(value: object) -> tuple[int, float, str]:
    if isinstance(value, int | float):
        return 0, float(value), ""
    return 1, 0.0, "" if value is None else str(value)


# Return the feature with only the properties asked for, and without geometry when asked.
def _shortened(
    feature: dict[str, Any], names: Sequence[str], skip_geometry: bool
) -> dict[str, Any]:
    if names:
        feature["properties"] = {name: feature["properties"].get(name) for name in names}
    if skip_geometry:
        feature["geometry"] = None
    return feature


# Put the geometries in the CRS asked for, axes in the order of its authority (OGC API Features,
# part 2).
def _project(features: Sequence[dict[str, Any]], wanted: CrsTransformSpec | None) -> None:
    if wanted is None:
        return
    transform = Transformer.from_crs(wanted.source_crs_wkt, wanted.target_crs_wkt).transform
    for feature in features:
        if feature["geometry"] is not None:
            drawn = shapely.from_geojson(json.dumps(feature["geometry"]))
            moved = shapely.transform(drawn, transform, interleaved=False)
            feature["geometry"] = json.loads(shapely.to_geojson(moved))


def layer_fields(provider_def: Mapping[str, Any]) -> dict[str, dict[str, str]]:
    """Return the columns of a layer of the configuration, in JSON schema's words."""
    provider: _LayerProvider = load_plugin("provider", dict(provider_def))
    return provider.get_fields()
