"""A file of geographic data read as records: where, what, how much, in which system; one record per
layer.

A draft record says all that the data itself can tell. What only a person knows (`ONLY_A_PERSON`:
the licence, the lineage, who answers for it ...) is left to `judging.check` to ask for. A metadata
file beside the data (``.xml``, ``.qmd``) is merged in.
"""

from __future__ import annotations

import codecs
import csv
import math
import warnings
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple
from zipfile import BadZipFile

import numpy as np

from geoguichet.catalogue.errors import DatasetError
from geoguichet.catalogue.formats import registry
from geoguichet.catalogue.formats.mapping import with_members
from geoguichet.catalogue.intake.drafts.draft import (
    SAMPLE_ROWS,
    crs_of,
    draft,
    extent_of,
    of_frame,
    picture,
)
from geoguichet.catalogue.record import Link, Record
from geoguichet.floor.errors import GeoguichetError
from geoguichet.floor.files import check_archive, sidecars_of
from geoguichet.floor.findings import Finding
from geoguichet.floor.words import _

if TYPE_CHECKING:
    import geopandas as gpd
    import pandas as pd


#: Rules of the check that a draft may not keep: what no file of data says of itself.
ONLY_A_PERSON = frozenset(
    {
        "abstract", "access", "freshness", "inspire-theme", "keywords", "licence", "lineage",
        "location",
        "metadata-contact", "resolution", "resource-language", "responsible", "title-readable",
        "topic-category",
    }
)  # fmt: skip


def read_datasets(file: Path) -> list[Record]:
    """Describe every layer of a file that has a place; DatasetError says why a file cannot be
    read.
    """
    readers = (RASTERS, read_raster), (TABLES, read_table), (PARQUET, read_parquet)
    suffix = file.suffix.lower()
    read = next((read for endings, read in readers if suffix in endings), read_vector)
    try:
        check_archive(file)
        drafts = list(read(file))
    except OSError as error:
        why = str(error.strerror or error)
        told = _("{file} : fichier illisible ({why}).", file=file.name, why=why)
        raise DatasetError(told) from error
    except DatasetError:
        raise
    except GeoguichetError as error:
        raise DatasetError(f"{file.name} : {error}") from error
    except _foreign() as error:  # one file never stops the rest
        why = f"{type(error).__name__} : {str(error)[:200]}"
        raise DatasetError(_("{file} : illisible ({why}).", file=file.name, why=why)) from error
    return [_merged(file, record, alone=len(drafts) == 1) for record in drafts]


# Return what the libraries that read data raise of a broken file, beside what they tell.
def _foreign() -> tuple[type[Exception], ...]:
    from pyarrow import ArrowException
    from rasterio.errors import RasterioError
    from shapely.errors import ShapelyError

    theirs = (RasterioError, ShapelyError, ArrowException, BadZipFile, EOFError, SyntaxError)
    return (
        *theirs,
        ValueError,
        LookupError,
        TypeError,
        AttributeError,
        ArithmeticError,
        RuntimeError,
    )


def media_type(file: Path) -> str:
    """Return the media type of a file that may hold geographic data."""
    return (VECTORS | PARQUET | RASTERS | TABLES)[file.suffix.lower()][1]


def sidecar_findings(file: Path) -> list[Finding]:
    """Return what cannot be read in the metadata files beside a dataset."""
    found: list[Finding] = []
    for sidecar in sidecars_of(file):
        if sidecar.is_file():
            answer = registry.read_document(sidecar.read_bytes(), address=str(sidecar))
            found += [finding for finding in answer.findings if finding.severity == "error"]
    return found


# Fill a draft with what a metadata file beside it says; what the data itself tells is kept from the
# data.
def _merged(file: Path, draft: Record, *, alone: bool) -> Record:
    for sidecar in sidecars_of(file):
        if not sidecar.is_file():
            continue
        found = registry.read_document(sidecar.read_bytes(), address=str(sidecar)).records
        if found:
            return _filled(draft, found[0], alone=alone)
    return draft


_FROM_DATA = frozenset(
    {"crs", "fields", "features", "geometryType", "representation", "size", "emptyGeometries"}
)


def _filled(draft: Record, written: Record, *, alone: bool) -> Record:
    measured: Mapping[str, Any] = {
        name: value for name, value in draft.extra_properties.items() if name in _FROM_DATA
    }
    merged = replace(
        written,
        id=written.id
        if alone
        else draft.id,  # one document beside several layers identifies none of them
        geometry=draft.geometry or written.geometry,
        links=(*draft.links, *written.links),
        external_ids=(*written.external_ids, *draft.external_ids),
        updated=written.updated or draft.updated,
        title=(written.title if alone else "") or draft.title,
        type=written.type or "dataset",
        extra_properties={**draft.extra_properties, **written.extra_properties, **measured},
    )
    return with_members(merged, unreadable=written.extra_properties.get("unreadable"))


# Rasters as drafts: bands, size, resolution, and a picture in shades.


RASTERS = {
    ".tif": ("GeoTIFF", "image/tiff; application=geotiff"),
    ".tiff": ("GeoTIFF", "image/tiff; application=geotiff"),
    ".nc": ("NetCDF", "application/x-netcdf"),
}


def read_raster(file: Path) -> Iterator[Record]:
    """Yield the draft of a raster, or one for each variable of a file that holds several
    (NetCDF).
    """
    import rasterio
    from rasterio.errors import NotGeoreferencedWarning, RasterioError

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", NotGeoreferencedWarning)
            with rasterio.open(file) as raster:
                inside = raster.subdatasets if not raster.count else []
                if not inside:
                    yield _of_raster(file, "", raster)
            for address in inside:
                with rasterio.open(address) as raster:
                    if (
                        raster.width > 1 and raster.height > 1
                    ):  # the others are bounds of axes, not maps
                        yield _of_raster(file, address.rpartition(":")[2], raster)
    except RasterioError as error:
        raise DatasetError(
            f"{file.name} : GDAL ne peut pas le lire ({str(error)[:200]})."
        ) from error


def _of_raster(file: Path, layer: str, raster: Any) -> Record:
    from pyproj import CRS

    crs = CRS.from_user_input(raster.crs.to_wkt()) if raster.crs else None
    bands = [
        {
            "name": raster.descriptions[at] or f"bande {at + 1}",
            "type": str(kind),
            "noData": _plain_number(raster.nodatavals[at]),
        }
        for at, kind in enumerate(raster.dtypes)
    ]
    cloud = bool(raster.count and raster.block_shapes[0][1] < raster.width and raster.overviews(1))
    return draft(
        file,
        layer,
        (
            "GeoTIFF (COG)" if cloud else RASTERS[file.suffix.lower()][0],
            RASTERS[file.suffix.lower()][1],
        ),
        geometry=None
        if crs is None and raster.transform.is_identity
        else extent_of(tuple(raster.bounds), crs),
        crs=crs_of(crs),
        representation=["grid"],
        fields=bands,
        size={"columns": raster.width, "rows": raster.height, "bands": raster.count},
        resolution=_resolution(raster.transform.a, crs),
        links=_raster_thumbnail(raster),
    )


# Return the size of a pixel: in metres whatever the unit of a projection, in degrees without one.
def _resolution(step: float, crs: Any) -> list[dict[str, Any]]:
    if crs is None or not step:
        return []
    if crs.is_projected:
        return [
            {"distance": round(abs(step) * crs.axis_info[0].unit_conversion_factor, 4), "unit": "m"}
        ]
    return [{"distance": round(abs(step), 10), "unit": "deg"}] if crs.is_geographic else []


def _plain_number(value: Any) -> float | None:
    return None if value is None or not math.isfinite(value) else float(value)


# Draw the first band in shades, read small.
def _raster_thumbnail(raster: Any) -> tuple[Link, ...]:
    from rasterio.errors import RasterioError
    from rasterio.io import MemoryFile

    scale = max(raster.width, raster.height) / 160
    shape = (
        (max(1, round(raster.height / scale)), max(1, round(raster.width / scale)))
        if scale > 1
        else (raster.height, raster.width)
    )
    try:
        band = raster.read(1, out_shape=shape, masked=True).astype("float64").filled(np.nan)
    except RasterioError as error:
        raise DatasetError(
            f"{Path(raster.name).name} : les pixels sont illisibles ({str(error)[:120]})."
        ) from error
    known = band[np.isfinite(band)]
    if not known.size:
        return ()
    low, high = np.percentile(known, [2, 98])
    shades = np.nan_to_num(np.clip((band - low) / ((high - low) or 1), 0, 1) * 255).astype("uint8")
    with MemoryFile() as memory:
        with memory.open(
            driver="PNG", width=shape[1], height=shape[0], count=1, dtype="uint8"
        ) as drawn:
            drawn.write(shades, 1)
        return (picture("image/png", memory.read()),)


# Tables as drafts, when columns of theirs hold coordinates: CSV and the sheets of a workbook.


TABLES = {
    ".csv": ("CSV", "text/csv"),
    ".xlsx": ("Excel", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
    ".ods": ("OpenDocument", "application/vnd.oasis.opendocument.spreadsheet"),
}

#: Names that coordinates have, first and second, in lower case.
_PAIRS = (
    ("longitude", "latitude"), ("lon", "lat"), ("lng", "lat"), ("long", "lat"), ("x", "y"),
    ("x_wgs84", "y_wgs84"),
    ("longitude_wgs84", "latitude_wgs84"), ("coord_x", "coord_y"), ("x_l93", "y_l93"),
    ("coordonnee_x", "coordonnee_y"), ("lambert_x", "lambert_y"),
)  # fmt: skip

#: Names of one column with both, the latitude first, as Opendatasoft writes them.
_TOGETHER = (
    "geo_point_2d",
    "geo point",
    "geo_point",
    "geopoint",
    "latlong",
    "lat_long",
    "coordonnees_geo",
)


class _Place(NamedTuple):
    """The columns that hold coordinates: two, or one with both."""

    columns: tuple[str, ...]

    # Return the first and second coordinates as numbers, missing where a row has none.
    def numbers(self, frame: pd.DataFrame) -> tuple[pd.Series, pd.Series]:
        import pandas as pd

        if len(self.columns) == 1:
            parts = (
                frame[self.columns[0]]
                .astype(str)
                .str.split(",", n=1, expand=True)
                .reindex(columns=[1, 0])
            )
            first, second = (parts[name] for name in (1, 0))
        else:
            first, second = (frame[name].astype(str).str.replace(",", ".") for name in self.columns)
        xs, ys = pd.to_numeric(first, errors="coerce"), pd.to_numeric(second, errors="coerce")
        placed = xs.notna() & ys.notna()
        return xs.where(placed), ys.where(placed)


@dataclass(slots=True)
class _Measured:
    """What is measured of a whole table, part after part: rows, box, and in which systems its
    numbers may be.
    """

    rows: int = 0
    bounds: tuple[float, float, float, float] | None = None

    # Take a part into account.
    def add(self, rows: int, xs: pd.Series, ys: pd.Series) -> None:
        self.rows += rows
        if xs.notna().any():
            here = (float(xs.min()), float(ys.min()), float(xs.max()), float(ys.max()))
            west, south, east, north = self.bounds or here
            self.bounds = (
                min(west, here[0]),
                min(south, here[1]),
                max(east, here[2]),
                max(north, here[3]),
            )

    # Degrees when all are in range; Lambert-93 when all fall in its rectangle over France; else
    # unknown.
    @property
    def crs(self) -> str | None:
        west, south, east, north = self.bounds or (0, 0, 0, 0)
        if west >= -180 and east <= 180 and south >= -90 and north <= 90:
            return "EPSG:4326"
        return (
            "EPSG:2154"
            if west >= 0 and east <= 1_300_000 and south >= 6_000_000 and north <= 7_200_000
            else None
        )


def read_table(file: Path) -> Iterator[Record]:
    """Yield a draft for each sheet that has coordinates; a table without is no geographic data."""
    import pandas as pd

    try:
        read = {".csv": _csv, ".xlsx": _xlsx, ".ods": _ods}[file.suffix.lower()]
        for sheet, frame, more in read(file):
            place = _place(frame.columns)
            if place is None:
                continue
            numbers, measured = place.numbers(frame), _Measured()
            measured.add(len(frame), *numbers)
            for part in more(place):
                measured.add(len(part), *place.numbers(part))
            if measured.bounds is not None:
                yield of_frame(
                    file,
                    sheet,
                    _as_points(frame, numbers, measured.crs),
                    TABLES[file.suffix.lower()],
                    count=measured.rows,
                    bounds=measured.bounds,
                    alone=not sheet,
                )
    except (
        ValueError,
        KeyError,
        BadZipFile,
        pd.errors.ParserError,
        pd.errors.EmptyDataError,
    ) as error:
        raise DatasetError(f"{file.name} : table illisible ({str(error)[:200]}).") from error


def _as_points(
    frame: pd.DataFrame, numbers: tuple[pd.Series, pd.Series], crs: str | None
) -> gpd.GeoDataFrame:
    import geopandas as gpd

    points = gpd.points_from_xy(*numbers, crs=crs)
    points[numbers[0].isna().to_numpy()] = None
    return gpd.GeoDataFrame(
        frame.astype(object).where(frame.notna(), None).infer_objects(), geometry=points
    )


#: The name of a sheet, its first rows, and what yields the coordinates of the rows after them.
type _Sheets = Iterator[tuple[str, pd.DataFrame, Any]]


def _csv(file: Path) -> _Sheets:
    import pandas as pd

    encoding = _encoding(file)
    with file.open(encoding=encoding, errors="replace", newline="") as stream:
        start = stream.read(20_000)
    how: dict[str, Any] = {"sep": _separator(start), "encoding": encoding,
    "encoding_errors": "replace",
                           "low_memory": False}  # fmt: skip
    frame = pd.read_csv(file, nrows=SAMPLE_ROWS, **how)

    def more(place: _Place) -> Iterator[pd.DataFrame]:
        if len(frame) == SAMPLE_ROWS:
            skipped = range(1, SAMPLE_ROWS + 1)
            with pd.read_csv(
                file, usecols=place.columns, skiprows=skipped, chunksize=SAMPLE_ROWS, **how
            ) as parts:
                yield from parts

    yield "", frame, more


def _xlsx(file: Path) -> _Sheets:
    import pandas as pd

    from geoguichet.referentials.readers.text_tables import read_sheets

    read_sheets(file)  # refuses what would fill the memory, which pandas would not
    for name, frame in pd.read_excel(file, sheet_name=None).items():
        yield str(name), frame, lambda _: ()


def _ods(file: Path) -> _Sheets:
    import pyogrio
    from pyogrio.errors import DataLayerError, DataSourceError

    from geoguichet.floor.files import check_archive
    from geoguichet.referentials.layers import check_stored

    check_archive(file)
    check_stored(file)
    try:
        for name, _ in pyogrio.list_layers(file):
            yield (
                str(name),
                pyogrio.read_dataframe(file, layer=name, read_geometry=False),
                lambda _: (),
            )
    except (DataLayerError, DataSourceError) as error:
        raise DatasetError(
            f"{file.name} : GDAL ne peut pas le lire ({str(error)[:200]})."
        ) from error


# Return UTF-8 when the whole file is, else the code page of Windows.
def _encoding(file: Path) -> str:
    decoder = codecs.getincrementaldecoder("utf-8")()
    with file.open("rb") as stream:
        try:
            while block := stream.read(1 << 20):
                decoder.decode(block)
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            return "cp1252"
    return "utf-8-sig"


def _separator(text: str) -> str:
    try:
        return csv.Sniffer().sniff(text, delimiters=";,\t|").delimiter
    except csv.Error:
        return ","


def _place(columns: Iterable[Any]) -> _Place | None:
    names = {str(name).strip().casefold(): name for name in columns}
    for pair in _PAIRS:
        if pair[0] in names and pair[1] in names:
            return _Place((names[pair[0]], names[pair[1]]))
    return next((_Place((names[name],)) for name in _TOGETHER if name in names), None)


# Vector data as drafts: what GDAL reads, and GeoParquet; one per layer.


VECTORS = {
    ".gpkg": ("GeoPackage", "application/geopackage+sqlite3"),
    ".shp": ("ESRI Shapefile", "application/vnd.shp"),
    ".geojson": ("GeoJSON", "application/geo+json"),
    ".fgb": ("FlatGeobuf", "application/vnd.flatgeobuf"),
    ".gml": ("GML", "application/gml+xml"),
    ".kml": ("KML", "application/vnd.google-earth.kml+xml"),
}
PARQUET = {
    ".parquet": ("GeoParquet", "application/vnd.apache.parquet"),
    ".geoparquet": ("GeoParquet", "application/vnd.apache.parquet"),
}

#: Endings of the files that may hold geographic data.
SUFFIXES = frozenset({*VECTORS, *PARQUET, *RASTERS, *TABLES})


def read_vector(file: Path) -> Iterator[Record]:
    """Yield a draft for each layer that has a geometry."""
    from pyogrio.errors import DataLayerError, DataSourceError

    try:
        with warnings.catch_warnings():
            warnings.simplefilter(
                "ignore", RuntimeWarning
            )  # GDAL's remarks on a file that it reads all the same
            yield from _layers(file)
    except (DataSourceError, DataLayerError, ValueError) as error:
        raise DatasetError(
            f"{file.name} : GDAL ne peut pas le lire ({str(error)[:200]})."
        ) from error


def _layers(file: Path) -> Iterator[Record]:
    import pyogrio

    from geoguichet.referentials.layers import check_stored

    check_stored(file)
    for name, kind in pyogrio.list_layers(file):
        if kind is None:
            continue
        check_stored(file, str(name), whole=False)
        told = pyogrio.read_info(
            file, layer=name, force_feature_count=True, force_total_bounds=True
        )
        frame = pyogrio.read_dataframe(file, layer=name, max_features=SAMPLE_ROWS)
        form, alone = VECTORS[file.suffix.lower()], str(name).casefold() == file.stem.casefold()
        bounds, count = told["total_bounds"], int(told["features"])
        words = (told.get("layer_metadata") or {}).get(
            "DESCRIPTION", ""
        )  # a GeoPackage may describe its layers
        yield of_frame(
            file,
            str(name),
            frame,
            form,
            count=count,
            bounds=bounds,
            alone=alone,
            description=words,
            declared=str(kind),
        )


def read_parquet(file: Path) -> Iterator[Record]:
    """Yield the draft of a GeoParquet file."""
    import geopandas as gpd
    import pyarrow as pa

    try:
        frame = gpd.read_parquet(file)
    except (ValueError, KeyError, pa.ArrowException) as error:
        raise DatasetError(
            f"{file.name} : ce Parquet n'est pas géographique ou est abîmé ({str(error)[:200]})."
        ) from error
    yield of_frame(
        file,
        file.stem,
        frame,
        PARQUET[file.suffix.lower()],
        count=len(frame),
        bounds=frame.total_bounds,
        alone=True,
    )
