"""Whole layers to take away: every row that a filter selects, never cut, in bounded memory.

Text forms go out as they are written; the others are written whole to a scratch file first, so that
what fails is refused and not half sent. How many are made at once is `serving.admission`'s affair.
"""

import atexit
import csv
import io
import json
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import shapely
from anyio import CapacityLimiter
from anyio.to_thread import run_sync
from pyarrow import parquet
from starlette.background import BackgroundTask
from starlette.concurrency import run_in_threadpool
from starlette.responses import FileResponse, Response, StreamingResponse

from geoguichet.catalogue.formats.csv_table import harmless
from geoguichet.floor.viewer import Viewer
from geoguichet.portal.answers import GEOJSON
from geoguichet.portal.api import by_gdal
from geoguichet.portal.providers.features import FeatureQuery, LayerProvider, Match, Shape
from geoguichet.portal.providers.geopackage import geometries

#: Rows read at once.
CHUNK = 1_000
#: Text is made for one download at a time: Python computes one thing at once, and what is light would
#: wait for all of them.
_TURNS = CapacityLimiter(1)
#: How long GDAL may write a file, in seconds.
_LONGEST_S = 300.0


class Selected(NamedTuple):
    """The rows that are taken away, and what is told of each."""

    name: str
    provider: LayerProvider
    query: FeatureQuery
    shape: Shape
    viewer: Viewer

    def chunks(self) -> Iterator[list[Match]]:
        """Yield the rows, many at a time."""
        query = self.query
        while query.limit > 0:
            some = replace(query, limit=min(query.limit, CHUNK))
            page = self.provider.ask(some, viewer=self.viewer)
            yield page.matches
            if not page.cursor:
                return
            left = query.limit - len(page.matches)
            query = replace(query, limit=left, offset=0, cursor=page.cursor)

    @property
    def columns(self) -> dict[str, str]:
        """The JSON type of each column."""
        columns = self.provider.columns(viewer=self.viewer)
        return {name: columns[name] for name in self.shape.names or columns}

    @property
    def geometry_type(self) -> str:
        """What all geometries are, as GeoPackage says it."""
        return self.provider.geometry_type(viewer=self.viewer)

    def frames(self) -> Iterator[tuple[list[dict[str, Any]], np.ndarray[Any, Any]]]:
        """Yield attributes by name and geometries, many rows at a time."""
        for matches in self.chunks():
            for _ids, blobs, told in self.provider.told(matches, self.shape):
                yield told, geometries(blobs)


class Form(NamedTuple):
    """One form of a whole layer: its media type, the end of its name, what it is called."""

    media: str
    suffix: str
    label: str
    #: What yields its text, or what writes it to a file.
    texts: Callable[[Selected], Iterator[str]] | None = None
    write: Callable[[Selected, Path], None] | None = None


async def download(form: str, selected: Selected, headers: Mapping[str, str]) -> Response:
    """Answer a whole layer, as a file to keep."""
    one = FORMS[form]
    named = {"Content-Disposition": f'attachment; filename="{selected.name}.{one.suffix}"'}
    told = {**headers, **named}
    if one.texts:
        texts = _by_turns(one.texts(selected))
        return StreamingResponse(texts, media_type=one.media, headers=told)
    scratch = Path(tempfile.mkdtemp(prefix="geoguichet-download-"))
    try:
        made = scratch / f"{selected.name}.{one.suffix}"
        await run_in_threadpool(one.write or _never, selected, made)
    except BaseException:
        shutil.rmtree(scratch, ignore_errors=True)
        raise
    swept = BackgroundTask(shutil.rmtree, scratch, ignore_errors=True)
    return FileResponse(made, media_type=one.media, headers=told, background=swept)


# What is sent is made a piece at a time, each in its turn: how fast it is read is not the others' affair.
async def _by_turns(texts: Iterator[str]) -> AsyncIterator[str]:
    while (text := await run_sync(next, texts, None, limiter=_TURNS)) is not None:
        yield text


def _never(_selected: Selected, _made: Path) -> None:
    raise AssertionError


# --- text -----------------------------------------------------------------------------------------


def _geojson(selected: Selected) -> Iterator[str]:
    yield '{"type":"FeatureCollection","features":['
    joint = ""
    for matches in selected.chunks():
        if texts := ",\n".join(selected.provider.written(matches, selected.shape)):
            yield joint + texts
            joint = ",\n"
    yield "]}"


def _csv(selected: Selected) -> Iterator[str]:
    columns = list(selected.columns)
    where = _places(selected)
    yield _lines([[*columns, *where]])
    for told, drawn in selected.frames():
        beside = _coordinates(drawn, where)
        yield _lines(
            [*(_cell(one.get(name)) for name in columns), *place]
            for one, place in zip(told, beside, strict=True)
        )


def _lines(rows: Iterable[Iterable[object]]) -> str:
    table = io.StringIO()
    csv.writer(table, lineterminator="\r\n").writerows(rows)
    return table.getvalue()


def _cell(value: object) -> object:
    if isinstance(value, bool):
        return "true" if value else "false"
    return harmless(value) if isinstance(value, str) else value


# Return the columns that say where a row is in a table: of a point its coordinates, else WKT.
def _places(selected: Selected) -> list[str]:
    if not selected.shape.has_geometry:
        return []
    return ["longitude", "latitude"] if selected.geometry_type == "POINT" else ["WKT"]


def _coordinates(drawn: np.ndarray[Any, Any], where: list[str]) -> list[tuple[object, ...]]:
    if where == ["WKT"]:
        return [(text,) for text in shapely.to_wkt(drawn, rounding_precision=-1)]
    if not where:
        return [()] * len(drawn)
    x, y = shapely.get_x(drawn).tolist(), shapely.get_y(drawn).tolist()
    return [(None, None) if a != a else (a, b) for a, b in zip(x, y, strict=True)]


# --- files ----------------------------------------------------------------------------------------

#: The type of a column in Arrow, by its JSON type.
_ARROW = {
    "boolean": pa.bool_(),
    "integer": pa.int64(),
    "number": pa.float64(),
    "string": pa.string(),
}
_OGR = {"POINT": "Point", "MULTIPOLYGON": "MultiPolygon", "POLYGON": "Polygon"}


def _schema(selected: Selected, beside: Mapping[str, Any]) -> pa.Schema:
    columns = {name: _ARROW[kind] for name, kind in selected.columns.items()}
    return pa.schema(list({**columns, **beside}.items()))


# Yield the rows as batches of a schema, their geometry as WKB in a column of its own.
def _batches(selected: Selected, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    where = [name for name in ("longitude", "latitude", "WKT") if name in schema.names]
    for told, drawn in selected.frames():
        places = _coordinates(drawn, where)
        made: dict[str, Any] = {name: [one.get(name) for one in told] for name in selected.columns}
        made |= {name: [place[n] for place in places] for n, name in enumerate(where)}
        if "geometry" in schema.names:
            made["geometry"] = shapely.to_wkb(drawn)
        yield pa.record_batch([pa.array(made[f.name], f.type) for f in schema], schema=schema)


def _by_gdal(driver: str, selected: Selected, made: Path, **options: str) -> None:
    is_table = driver == "XLSX"
    where = _places(selected)
    kinds = {name: pa.string() if name == "WKT" else pa.float64() for name in where}
    schema = _schema(selected, kinds if is_table else {"geometry": pa.binary()})
    rows = made.with_suffix(".arrow")
    with pa.ipc.new_stream(rows, schema) as stream:
        for batch in _batches(selected, schema):
            stream.write_batch(batch)
    told = {"layer": selected.name[:31], "driver": driver, **options}
    if not is_table:
        kind = _OGR.get(selected.geometry_type, "Unknown")
        told |= {"geometry_name": "geometry", "geometry_type": kind, "crs": "EPSG:4326"}
    _GDAL.write(rows=str(rows), make=str(made), **told)


class Writer:
    """The child that writes by GDAL, one file after the other; the first that is asked for begins it."""

    def __init__(self) -> None:
        self.turn = threading.Lock()
        self.child: subprocess.Popen[str] | None = None

    def write(self, **asked: str) -> None:
        """Have a file made; OSError says what went wrong."""
        with self.turn:
            child = self.child
            if child is None or child.poll() is not None:
                program = [sys.executable, "-m", by_gdal.__name__]
                pipe = subprocess.PIPE
                child = subprocess.Popen(program, stdin=pipe, stdout=pipe, text=True)  # noqa: S603 - ours
                atexit.register(child.__exit__, None, None, None)
                self.child = child
            late = threading.Timer(_LONGEST_S, child.kill)
            late.start()
            try:
                print(json.dumps(asked), file=child.stdin, flush=True)
                said = child.stdout.readline() if child.stdout else ""
            finally:
                late.cancel()
        if said != "\n":
            raise OSError(said.strip() or f"{by_gdal.__name__} ended")


_GDAL = Writer()


def _geoparquet(selected: Selected, made: Path) -> None:
    column = {"encoding": "WKB", "geometry_types": []}
    geo = {"version": "1.1.0", "primary_column": "geometry", "columns": {"geometry": column}}
    schema = _schema(selected, {"geometry": pa.binary()})
    schema = schema.with_metadata({"geo": json.dumps(geo)})
    with parquet.ParquetWriter(made, schema, compression="zstd") as writer:
        for batch in _batches(selected, schema):
            writer.write_batch(batch)


FORMS: Mapping[str, Form] = {
    "csv": Form("text/csv; charset=utf-8", "csv", "CSV", texts=_csv),
    "xlsx": Form(
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        "xlsx",
        "XLSX",
        write=partial(_by_gdal, "XLSX"),
    ),
    "geojson": Form(GEOJSON, "geojson", "GeoJSON", texts=_geojson),
    "gpkg": Form(
        "application/geopackage+sqlite3", "gpkg", "GeoPackage", write=partial(_by_gdal, "GPKG")
    ),
    "fgb": Form(
        "application/flatgeobuf",
        "fgb",
        "FlatGeobuf",
        write=partial(_by_gdal, "FlatGeobuf", SPATIAL_INDEX="NO"),
    ),
    "parquet": Form("application/vnd.apache.parquet", "parquet", "GeoParquet", write=_geoparquet),
}
