"""Tables as drafts, when columns of theirs hold coordinates: CSV and the sheets of a workbook."""

from __future__ import annotations

import codecs
import csv
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple
from zipfile import BadZipFile

from geoguichet.catalogue.errors import DatasetError
from geoguichet.catalogue.intake.drafts.draft import SAMPLE_ROWS, of_frame
from geoguichet.catalogue.record import Record

if TYPE_CHECKING:
    import geopandas as gpd
    import pandas as pd

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

    def numbers(self, frame: pd.DataFrame) -> tuple[pd.Series, pd.Series]:
        """Return the first and second coordinates as numbers, missing where a row has none."""
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

    def add(self, rows: int, xs: pd.Series, ys: pd.Series) -> None:
        """Take a part into account."""
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

    @property
    def crs(self) -> str | None:
        """Degrees when all are in range; Lambert-93 when all fall in its rectangle over France;
        else unknown.
        """
        west, south, east, north = self.bounds or (0, 0, 0, 0)
        if west >= -180 and east <= 180 and south >= -90 and north <= 90:
            return "EPSG:4326"
        if west >= 0 and east <= 1_300_000 and south >= 6_000_000 and north <= 7_200_000:
            return "EPSG:2154"
        return None


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

    for name, frame in pd.read_excel(file, sheet_name=None).items():
        yield str(name), frame, lambda _: ()


def _ods(file: Path) -> _Sheets:
    import pyogrio
    from pyogrio.errors import DataLayerError, DataSourceError

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


def _encoding(file: Path) -> str:
    """Return UTF-8 when the whole file is, else the code page of Windows."""
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
