"""Layers served as OGC API Features: those of one GeoPackage, and those of every study of the
workspace.
"""

import json
import logging
from abc import abstractmethod
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache, partial
from hashlib import blake2b
from itertools import groupby, repeat
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
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
from geoguichet.catalogue.search.cql2 import Filter, Property
from geoguichet.catalogue.search.cql2_sql import Sql, translate
from geoguichet.catalogue.search.query import (
    parse_bbox,
    parse_datetime,
    read_cursor,
    write_cursor,
)
from geoguichet.floor.errors import LayerError
from geoguichet.floor.viewer import Viewer
from geoguichet.floor.words import _
from geoguichet.portal.errors import ParameterError, in_words
from geoguichet.portal.providers.geopackage import (
    KINDS,
    Box,
    Chosen,
    Key,
    Layer,
    Move,
    Schema,
    geojson_texts,
    layer_schema,
    open_layer,
    quoted,
    stamp_of,
    typed,
    words_asked,
)
from geoguichet.portal.providers.studies import STUDY_ID, sees_study
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


class Part(NamedTuple):
    """One file that a collection is made of; ``study`` is empty for a plain layer."""

    study: str
    path: Path


class Match(NamedTuple):
    """One row that matches: where it is, and its values to sort by."""

    part: Part
    key: int
    values: tuple[Any, ...] = ()


@dataclass(frozen=True, slots=True)
class FeatureQuery:
    """A question to a collection: what its rows must meet, in which order, and which of them."""

    boxes: tuple[Box, ...] = ()
    equal: Mapping[str, str] = field(default_factory=dict)
    #: A text looked for, its alternatives separated by commas.
    q: str = ""
    filter: Filter | None = None
    #: Names, each with whether the greatest comes first.
    sortby: tuple[tuple[str, bool], ...] = ()
    limit: int = 10
    offset: int = 0
    cursor: str = ""


class Page(NamedTuple):
    """Rows of an answer, how many match in all, and where to go on from (empty at the end)."""

    matches: list[Match]
    matched: int
    cursor: str


@dataclass(frozen=True, slots=True)
class Shape:
    """What is told of a feature: some properties (by default all), its geometry, moved."""

    names: tuple[str, ...] = ()
    has_geometry: bool = True
    move: Move | None = None


WHOLE = Shape()
#: Values that one statement may carry.
_MOST_VALUES = 900
_encoded = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
#: No text has a zero byte once it is JSON.
_encoded_apart = json.JSONEncoder(ensure_ascii=False, separators=("\0", ":")).encode
#: How a column of truths is written where it is not true.
_FLAGS = {"null": "null", "0": "false", "0.0": "false"}


class LayerProvider(BaseProvider):  # type: ignore[misc]
    """What both providers share: a question asked of each part, the answers put together.

    Our own routes ask it (`ask`, `find`, `written`); `query` and `get` are what pygeoapi calls.
    """

    def __init__(self, provider_def: dict[str, Any]) -> None:
        super().__init__({**provider_def, "include_extra_query_parameters": True})
        self.table = str(provider_def["table"])

    @abstractmethod
    def parts(self, *, viewer: Viewer) -> Iterator[Part]:
        """Yield the files that the collection is made of now."""

    @abstractmethod
    def columns(self, *, viewer: Viewer) -> Mapping[str, str]:
        """Return the JSON type of each property."""

    @property
    def fields(self) -> dict[str, dict[str, str]]:
        """The properties in pygeoapi's form."""
        columns = self.columns(viewer=viewer_across())
        return {name: {"type": kind} for name, kind in columns.items()}

    def get_fields(self) -> dict[str, dict[str, str]]:
        """Return the properties in pygeoapi's form."""
        return self.fields

    def state(self, *, viewer: Viewer) -> tuple[str, int]:
        """Return what stands for the rows there are, and when they changed last (seconds)."""
        stamps, changed = [], 0
        for part in self.parts(viewer=viewer):
            try:
                stamps.append(stamp_of(part.path, self.table))
            except LayerError as error:
                self._unreadable(part, error)
                continue
            home = part.path.parent.parent  # a file that came or went tells its time there
            changed = max(changed, stamps[-1][2], home.stat().st_mtime_ns)
        return blake2b(repr(stamps).encode(), digest_size=12).hexdigest(), changed // 10**9

    def queryables(self, *, viewer: Viewer) -> dict[str, Property]:
        """Return what a filter may ask about."""
        found: dict[str, Property] = {}
        for part in self.parts(viewer=viewer):
            if schema := self._schema(part):
                found = schema.properties() | found
        for name, kind in self.columns(viewer=viewer).items():
            found.setdefault(name, Property(name, KINDS[kind]))
        found.setdefault("geometry", Property("geometry", "geometry"))
        return found

    def geometry_type(self, *, viewer: Viewer) -> str:
        """Return what all geometries are, as GeoPackage says it: ``POINT``, ``MULTIPOLYGON``..."""
        schemas = [self._schema(part) for part in self.parts(viewer=viewer)]
        kinds = {schema.geometry_type for schema in schemas if schema}
        return kinds.pop() if len(kinds) == 1 else "GEOMETRY"

    # --- asking ----------------------------------------------------------------------------------

    def ask(self, query: FeatureQuery, *, viewer: Viewer) -> Page:
        """Return a page of rows; the count is exact.

        ProviderInvalidQueryError says which parameter is wrong.
        """
        columns = self.columns(viewer=viewer)
        for name in (*query.equal, *(name for name, _descending in query.sortby)):
            if name not in columns:
                known = ", ".join(columns)
                told = _("{name} : paramètre inconnu ; attendu {known}.", name=name, known=known)
                raise ProviderInvalidQueryError(user_msg=told)
        asked = [
            (part, chosen)
            for part in self.parts(viewer=viewer)
            if (chosen := self._chosen(part, query)) is not None
        ]
        counts = [
            self._read(part, partial(Layer.count, chosen=chosen)) or 0 for part, chosen in asked
        ]
        found = self._found(asked, counts, query) if query.limit else []
        page, further = found[: query.limit], len(found) > query.limit
        cursor = ""
        if further and page:
            last = page[-1]
            cursor = write_cursor(_keys(query), (*last.values, last.part.study, last.key))
        return Page(page, sum(counts), cursor)

    def values(
        self, names: Sequence[str], most: int, *, viewer: Viewer
    ) -> dict[str, list[tuple[Any, int]]]:
        """Return the values of columns that a viewer may see, each with how many rows have it, the most
        frequent first; a column of more than ``most`` values, or of one alone, is left out.
        """
        columns, counted = self.columns(viewer=viewer), {}
        for name in (one for one in names if one in columns):
            found: Counter[Any] = Counter()
            for part in self.parts(viewer=viewer):
                schema = self._schema(part)
                if schema is not None and name in schema.columns:
                    asked = partial(Layer.values, name=name, most=most)
                    found.update(dict(self._read(part, asked) or ()))
            if 1 < len(found) <= most:
                flags = columns[name] == "boolean"
                told = ((bool(v) if flags else v, n) for v, n in found.most_common())
                counted[name] = list(told)
        return counted

    def envelopes(
        self, query: FeatureQuery, *, viewer: Viewer
    ) -> list[tuple[Part, np.ndarray[Any, Any]]]:
        """Return the rows of each file that a question selects: key, west, south, east, north."""
        return [
            (part, rows)
            for part in self.parts(viewer=viewer)
            if (chosen := self._chosen(part, query)) is not None
            and (rows := self._read(part, partial(Layer.envelopes, chosen=chosen))) is not None
        ]

    # Return the rows of a page and, where there is one, the row that follows.
    def _found(
        self, asked: Sequence[tuple[Part, Chosen]], counts: Sequence[int], query: FeatureQuery
    ) -> list[Match]:
        started = read_cursor(query.cursor, _keys(query)) if query.cursor else None
        if query.sortby and len(asked) > 1:
            most = query.offset + query.limit + 1
            found = [
                match
                for part, chosen in asked
                for match in self._rows(part, chosen, query, started, limit=most, offset=0)
            ]
            for position in reversed(range(len(query.sortby))):
                _sort(found, position, descending=query.sortby[position][1])
            return found[query.offset : most]
        found, offset = [], query.offset
        for (part, chosen), count in zip(asked, counts, strict=True):
            if started is None and offset >= count:
                offset -= count
                continue
            if started is not None and not query.sortby and part.study < str(started[0]):
                continue
            left = query.limit + 1 - len(found)
            found += self._rows(part, chosen, query, started, limit=left, offset=offset)
            offset = 0
            if len(found) > query.limit:
                break
        return found

    def _rows(
        self,
        part: Part,
        chosen: Chosen,
        query: FeatureQuery,
        started: Sequence[Any] | None,
        *,
        limit: int,
        offset: int,
    ) -> list[Match]:
        def read(layer: Layer) -> list[tuple[Any, ...]]:
            properties = self._properties(part, layer.schema)
            order = [
                Key(f"{name}.", properties[name].sql, descending)
                for name, descending in query.sortby
            ]
            after: tuple[Sequence[Key], Sequence[object]] | None = None
            if started is not None:
                *values, study, key = started
                study = str(study)
                if part.study == study:
                    down = bool(order) and order[-1].descending
                    after = [*order, layer.last_key._replace(descending=down)], (*values, key)
                elif order:  # equals of a study before are told, those of one after are not
                    after = [*order, Key("id", str(int(part.study > study)))], (*values, 0)
            return layer.keys(chosen, order, after=after, limit=limit, offset=offset)

        return [Match(part, key, tuple(values)) for key, *values in self._read(part, read) or []]

    # Read the layer of a part; a study that cannot be read gives None.
    def _read[T](self, part: Part, ask: Callable[[Layer], T]) -> T | None:
        try:
            with open_layer(part.path, self.table) as layer:
                return ask(layer)
        except LayerError as error:
            self._unreadable(part, error)
            return None

    # Return what the rows of a part must meet; None when none can.
    def _chosen(self, part: Part, query: FeatureQuery) -> Chosen | None:
        schema = self._schema(part)
        if schema is None or query.equal.get("study", part.study) != part.study != "":
            return None
        own = {n: text for n, text in query.equal.items() if not (part.study and n == "study")}
        if not own.keys() <= schema.columns.keys():
            return None
        try:
            where = [
                Sql(f"t.{quoted(name)} IS ?", (typed(name, text, schema.columns[name]),))
                for name, text in own.items()
            ]
        except ParameterError as error:
            raise ProviderInvalidQueryError(user_msg=str(error)) from error
        near: tuple[Box, ...] = ()
        if query.filter:
            condition = translate(query.filter.asked_of(self._properties(part, schema)))
            where.append(condition.where)
            near = condition.boxes
        if sum(len(each.values) for each in where) > _MOST_VALUES:
            told = _("filter : moins de {most} valeurs sont attendues.", most=_MOST_VALUES)
            raise ProviderInvalidQueryError(user_msg=told)
        words = words_asked(query.q)
        return None if query.q and not words else Chosen(query.boxes, near, tuple(where), words)

    # Return what a filter may ask about, as it is asked of one part.
    def _properties(self, part: Part, schema: Schema) -> Mapping[str, Property]:
        own = schema.properties()
        if part.study:
            own["study"] = Property("study", "text", f"'{part.study}'")
        return _Lacking(own)

    def find(self, identifier: str, *, viewer: Viewer) -> Match | None:
        """Return one row by the identifier of its feature; None when there is none."""
        for part, own in self._candidates(identifier, viewer):

            def read(layer: Layer, own: str = own) -> list[tuple[Any, ...]]:
                name = self._id_column(layer.schema)
                kind = layer.schema.columns[name] if name else "integer"
                column = f"t.{quoted(name)}" if name else layer.last_key.sql
                try:
                    sought = typed(str(name), own, kind)
                except ParameterError:
                    return []
                return layer.keys(Chosen(where=(Sql(f"{column} IS ?", (sought,)),)), limit=1)

            for row in self._read(part, read) or []:
                return Match(part, row[0])
        return None

    # Yield the parts an identifier may be found in, with the identifier it has there.
    def _candidates(self, identifier: str, viewer: Viewer) -> Iterator[tuple[Part, str]]:
        for part in self.parts(viewer=viewer):
            if not part.study:
                yield part, identifier
            elif identifier.startswith(f"{part.study}."):
                yield part, identifier.removeprefix(f"{part.study}.")

    # --- telling ---------------------------------------------------------------------------------

    def told(
        self, matches: Iterable[Match], shape: Shape = WHOLE
    ) -> Iterator[tuple[list[Any], list[bytes | None], list[dict[str, Any]]]]:
        """Yield identifiers, geometries (GeoPackage blobs) and properties of rows, those of one
        file at a time.
        """
        for part, run in groupby(matches, key=lambda match: match.part):
            keys = [match.key for match in run]
            yield self._read(part, partial(self._told, part, keys, shape)) or ([], [], [])

    def _told(
        self, part: Part, keys: Sequence[int], shape: Shape, layer: Layer
    ) -> tuple[list[Any], list[bytes | None], list[dict[str, Any]]]:
        columns, own = layer.schema.columns, self._id_column(layer.schema)
        names = [name for name in shape.names or columns if name in columns]
        read = names if own is None or own in names else [*names, own]
        rows = layer.rows(keys, read, geometry=shape.has_geometry)
        told = list(layer.properties(rows, read))
        ids = [row[0] if own is None else one[own] for row, one in zip(rows, told, strict=True)]
        if part.study:
            ids = [f"{part.study}.{each}" for each in ids]
            told = [one | {"study": part.study} for one in told]
        if shape.names:
            told = [{name: one.get(name) for name in shape.names} for one in told]
        return ids, [row[1] for row in rows], told

    def written(self, matches: Iterable[Match], shape: Shape = WHOLE) -> Iterator[str]:
        """Yield rows as the JSON of GeoJSON features, those of one file at a time, joined by
        commas: values are encoded all at once, and fill one model of a feature.
        """
        for part, run in groupby(matches, key=lambda match: match.part):
            keys = [match.key for match in run]
            if told := self._read(part, partial(self._written, part, keys, shape)):
                yield ",".join(told)

    def _written(self, part: Part, keys: Sequence[int], shape: Shape, layer: Layer) -> list[str]:
        columns, own = layer.schema.columns, self._id_column(layer.schema)
        names = shape.names or (*columns, *(["study"] if part.study else []))
        read = [name for name in dict.fromkeys((*names, own)) if name in columns]
        rows = layer.rows(keys, [str(name) for name in read], geometry=shape.has_geometry)
        ids = [row[2 + read.index(own)] for row in rows] if own else [row[0] for row in rows]
        texts = _apart([value for row in rows for value in row[2:]])
        values: dict[str | None, Iterable[str]] = {
            name: texts[place :: len(read)] for place, name in enumerate(read)
        }
        for name in read:
            if columns[str(name)] == "boolean":
                values[name] = [_FLAGS.get(text, "true") for text in values[name]]
        if part.study:
            ids = [f"{part.study}.{one}" for one in ids]
            values["study"] = repeat(_encoded(part.study))
        model = ",".join(_encoded(name).replace("%", "%%") + ":%s" for name in names)
        model = f'{{"type":"Feature","id":%s,"geometry":%s,"properties":{{{model}}}}}'
        drawn = geojson_texts([row[1] for row in rows], shape.move)
        told = [values.get(name, repeat("null")) for name in names]
        return [model % one for one in zip(_apart(ids), drawn, *told, strict=False)]

    # --- for pygeoapi ----------------------------------------------------------------------------

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
        """Answer an items request; ``numberMatched`` is exact."""
        if q or filterq is not None:  # pygeoapi has read the filter its own way
            told = _(
                "{name} : ce paramètre n'est pas servi par cette collection.",
                name="q" if q else "filter",
            )
            raise ProviderInvalidQueryError(user_msg=told)
        try:
            check_datetime(datetime_)
            boxes = parse_bbox(",".join(map(repr, bbox))).boxes() if bbox else ()
        except QueryError as error:
            raise ProviderInvalidQueryError(user_msg=in_words(error)) from error
        asked = FeatureQuery(
            boxes=boxes,
            equal=dict(properties),
            sortby=tuple((key["property"], key["order"] == "-") for key in sortby),
            limit=0 if resulttype == "hits" else limit,
            offset=offset,
        )
        page = self.ask(asked, viewer=viewer_across())
        shape = Shape(tuple(select_properties), not skip_geometry, _moved(crs_transform_spec))
        features = json.loads(f"[{','.join(self.written(page.matches, shape))}]")
        return {
            "type": "FeatureCollection",
            "features": features,
            "numberMatched": page.matched,
            "numberReturned": len(features),
        }

    def get(
        self, identifier: str, crs_transform_spec: CrsTransformSpec | None = None, **_more: object
    ) -> dict[str, Any]:
        """Return one feature."""
        found = self.find(str(identifier), viewer=viewer_across())
        for text in self.written([found] if found else [], Shape(move=_moved(crs_transform_spec))):
            made: dict[str, Any] = json.loads(text)
            return made
        raise no_feature(str(identifier))

    # --- files -----------------------------------------------------------------------------------

    def _id_column(self, schema: Schema) -> str | None:
        return self.id_field if self.id_field in schema.columns else None

    def _schema(self, part: Part) -> Schema | None:
        try:
            return layer_schema(part.path, self.table)
        except LayerError as error:
            self._unreadable(part, error)
            return None

    # Say what cannot be read: a bad study is skipped, a missing layer is a failure.
    def _unreadable(self, part: Part, error: LayerError) -> None:
        if not part.study:
            raise ProviderConnectionError(user_msg=str(error)) from error
        logger.warning("Étude « %s » laissée de côté : %s", part.study, error)


# What a layer is asked about: what it has not is missing in each of its rows.
class _Lacking(dict[str, Property]):
    def __missing__(self, name: str) -> Property:
        return Property(name, "text", "NULL", "NULL")


# Encode values, each apart.
def _apart(values: Sequence[object]) -> list[str]:
    return _encoded_apart(values)[1:-1].split("\0") if values else []


# Return what a page of an answer goes on by.
def _keys(query: FeatureQuery) -> list[Key]:
    return [*(Key(name, "", down) for name, down in query.sortby), Key("study", ""), Key("id", "")]


def no_feature(identifier: str) -> ProviderItemNotFoundError:
    """Return the refusal of an identifier that no feature has."""
    return ProviderItemNotFoundError(
        user_msg=_("Aucun objet « {identifier} » dans cette collection.", identifier=identifier)
    )


def check_datetime(text: str | None) -> None:
    """Check a ``datetime``: these layers have no time, and a well-formed one matches all of them.

    QueryError otherwise.
    """
    if text:
        parse_datetime(text)


class GeoPackageProvider(LayerProvider):
    """A layer of one GeoPackage: ``data`` is its path or ``sample``, ``table`` the layer."""

    def parts(self, *, viewer: Viewer) -> Iterator[Part]:
        """Yield the one file."""
        yield Part("", self.file())

    def file(self) -> Path:
        """Return the GeoPackage."""
        return sample_path() if self.data == SAMPLE else Path(self.data)

    def columns(self, *, viewer: Viewer) -> Mapping[str, str]:
        """Return the JSON type of each property."""
        schema = self._schema(next(self.parts(viewer=viewer)))
        return schema.columns if schema else {}


class StudyLayerProvider(LayerProvider):
    """One layer of the results of all studies: ``data`` is the workspace, ``table`` the layer.

    Studies are looked for at each request, so a new one is served with no restart; a folder whose
    result is missing or unreadable is left aside.
    """

    def parts(self, *, viewer: Viewer) -> Iterator[Part]:
        """Yield the result of each study that a viewer may see, in the order of their
        identifiers.
        """
        try:
            folders = sorted((Path(self.data) / "studies").iterdir())
        except OSError:
            return
        for folder in folders:
            result = folder / "result.gpkg"
            is_study = STUDY_ID.fullmatch(folder.name) and result.is_file()
            if is_study and sees_study(viewer, folder):
                yield Part(folder.name, result)

    def columns(self, *, viewer: Viewer) -> Mapping[str, str]:
        """Return the JSON type of each property: the agreed ones, and whatever else a study has."""
        columns = {"study": "string", **STUDY_COLUMNS.get(self.table, {})}
        for part in self.parts(viewer=viewer):
            schema = self._schema(part)
            columns |= {} if schema is None else schema.columns
        return columns


# Sort in place by one value, keeping the order of equals; rows without it come last, both ways.
def _sort(matches: list[Match], position: int, *, descending: bool) -> None:
    matches.sort(key=lambda match: _comparable(match.values[position]), reverse=descending)
    matches.sort(key=lambda match: match.values[position] is None)


def _comparable(value: object) -> tuple[int, float, str]:
    if isinstance(value, int | float):
        return 0, float(value), ""
    return 1, 0.0, "" if value is None else str(value)


# Return what puts geometries in the CRS asked for, axes in the order of its authority (OGC API
# Features, part 2).
def _moved(wanted: CrsTransformSpec | None) -> Move | None:
    return None if wanted is None else moving(wanted.source_crs_wkt, wanted.target_crs_wkt)


@lru_cache(maxsize=32)
def moving(source: str, target: str) -> Move:
    """Return what takes geometries from a CRS to another."""
    transform = Transformer.from_crs(source, target).transform
    return lambda made: np.asarray(shapely.transform(made, transform, interleaved=False))


def layer_fields(provider_def: Mapping[str, Any]) -> dict[str, dict[str, str]]:
    """Return the columns of a layer of the configuration, in JSON schema's words."""
    provider: LayerProvider = load_plugin("provider", dict(provider_def))
    return provider.get_fields()
