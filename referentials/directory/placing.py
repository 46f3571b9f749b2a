"""From published coordinates to points, or to the reason why there is none."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj
import shapely

from geoguichet.floor.findings import Finding, Severity
from geoguichet.floor.words import Message
from geoguichet.referentials.layers import LONLAT

#: Name and box (west, south, east, north, in degrees) of each part of France.
FRANCE: Sequence[tuple[str, tuple[float, float, float, float]]] = (
    ("métropole", (-5.6, 41.2, 9.8, 51.3)),
    ("Guadeloupe, Martinique, Saint-Martin", (-63.3, 14.3, -60.7, 18.2)),
    ("Guyane", (-54.7, 2.0, -51.5, 5.9)),
    ("La Réunion", (55.1, -21.5, 55.9, -20.8)),
    ("Mayotte", (44.9, -13.1, 45.4, -12.5)),
    ("Saint-Pierre-et-Miquelon", (-56.6, 46.7, -56.0, 47.2)),
    ("Nouvelle-Calédonie", (163.0, -23.0, 168.5, -19.0)),
    ("Polynésie française", (-155.0, -28.0, -134.0, -7.5)),
    ("Wallis-et-Futuna", (-178.6, -14.7, -175.9, -12.9)),
    ("Terres australes", (39.0, -50.5, 78.0, -11.0)),
)

#: Where metropolitan France is in EPSG:2154, in metres.
LAMBERT_93_BOX = (50_000.0, 6_000_000.0, 1_300_000.0, 7_200_000.0)


#: Characters beyond which a text is no coordinate, whatever its digits.
LONGEST_NUMBER = 40


@dataclass(frozen=True, slots=True, eq=False)
class Placed:
    """Points in EPSG:4326 with the published coordinates beside them; index of what was given."""

    points: gpd.GeoSeries
    #: ``x y`` as published; missing where there is nothing.
    raw: pd.Series
    findings: tuple[Finding, ...]


def numbers(text: pd.Series) -> pd.Series:
    """Return published numbers as floats: decimal comma or point, spaces left aside; NaN when not a
    number.
    """
    short = [len(str(one)) <= LONGEST_NUMBER for one in text.tolist()]
    text = text if all(short) else text.where(pd.Series(short, text.index), None)
    plain = pd.to_numeric(text, errors="coerce")
    odd = plain.isna() & text.notna()
    if odd.any():
        mended = (
            text[odd]
            .astype(str)
            .str.replace(r"[\s\u00a0\u202f]", "", regex=True)
            .str.replace(",", ".", regex=False)
        )
        plain = plain.astype(float).copy()
        plain[odd] = pd.to_numeric(mended, errors="coerce")
    read = plain.to_numpy(dtype=float)
    return pd.Series(np.where(np.isfinite(read), read, np.nan), index=text.index)


def in_france(longitude: np.ndarray, latitude: np.ndarray) -> np.ndarray:
    """Return which positions (degrees) are in the box of a part of France."""
    inside = np.zeros(len(longitude), dtype=bool)
    for _, (west, south, east, north) in FRANCE:
        inside |= (
            (longitude >= west) & (longitude <= east) & (latitude >= south) & (latitude <= north)
        )
    return inside


def place_points(
    x: pd.Series | None,
    y: pd.Series | None,
    crs: str | pd.Series,
    *,
    items: pd.Series,
    layer: str,
    columns: tuple[str, str] = ("longitude", "latitude"),
) -> Placed:
    """Return a point a row, in EPSG:4326, and what is wrong with those that have none or stand out
    of France.

    A position that cannot be one gives no point; nothing is repaired here, the remedy is told.

    Parameters
    ----------
    x, y Published text (easting or longitude; northing or latitude); None when the format has no
        coordinates.
    crs
        Their CRS; one a row when a series.
    items
        Identifiers, for findings; its index is the row number.

    Rules: ``no-point``, ``unreadable-coordinates``, ``swapped-axes``, ``lost-decimal-point``,
    ``wrong-crs``, ``impossible-point``, ``outside-france``.
    """
    index = items.index
    if x is None or y is None:
        return Placed(
            gpd.GeoSeries([None] * len(index), index=index, crs=LONLAT),
            pd.Series(None, index=index, dtype=object),
            (),
        )
    x_text, y_text = _stripped(x), _stripped(y)
    raw = (x_text + " " + y_text).where((x_text != "") | (y_text != ""), None)
    easting, northing = (
        numbers(x_text.where(x_text != "", None)),
        numbers(y_text.where(y_text != "", None)),
    )
    longitude, latitude = _to_degrees(easting.to_numpy(float), northing.to_numpy(float), crs, index)
    possible = (np.abs(longitude) <= 180) & (np.abs(latitude) <= 90)
    geometry = np.full(len(index), None, dtype=object)
    geometry[possible] = shapely.points(longitude[possible], latitude[possible])
    points = gpd.GeoSeries(geometry, index=index, crs=LONLAT)
    odd = np.flatnonzero(~possible | ~in_france(longitude, latitude))
    findings = tuple(
        _odd_place(
            int(index[position]),
            (x_text.iloc[position], y_text.iloc[position]),
            (float(longitude[position]), float(latitude[position])),
            possible=bool(possible[position]),
            item=str(items.iloc[position]),
            layer=layer,
            columns=columns,
        )
        for position in odd.tolist()
    )
    return Placed(points, raw, findings)


def _stripped(texts: pd.Series) -> pd.Series:
    plain = [str(text).strip() for text in texts.fillna("").tolist()]
    return pd.Series(plain, index=texts.index, dtype=object)


# Return longitudes and latitudes; NaN or infinite where the CRS cannot hold the coordinates.
def _to_degrees(
    x: np.ndarray, y: np.ndarray, crs: str | pd.Series, index: pd.Index
) -> tuple[np.ndarray, np.ndarray]:
    systems = pd.Series(crs, index=index) if isinstance(crs, str) else crs
    longitude, latitude = x.copy(), y.copy()
    for system in pd.unique(systems):
        chosen = (systems == system).to_numpy()
        if system != LONLAT:
            try:
                transformer = pyproj.Transformer.from_crs(system, LONLAT, always_xy=True)
            except pyproj.exceptions.CRSError:
                longitude[chosen] = latitude[chosen] = np.nan
                continue
            longitude[chosen], latitude[chosen] = transformer.transform(x[chosen], y[chosen])
    return longitude, latitude


# Return the finding that says what is wrong with one row's position.
def _odd_place(
    row: int,
    text: tuple[str, str],
    lonlat: tuple[float, float],
    *,
    possible: bool,
    item: str,
    layer: str,
    columns: tuple[str, str],
) -> Finding:
    def finding(
        rule: str, message: Message, remedy: Message, severity: Severity = "error", column: str = ""
    ) -> Finding:
        return Finding(
            rule, layer, item, message, severity, row, column or " ".join(columns), remedy
        )

    said = f"« {text[0]} » ; « {text[1]} »"
    if not text[0] or not text[1]:
        return finding(
            "no-point",
            Message("Pas de coordonnées : ce service ne dessert personne."),
            Message("Complétez la longitude et la latitude, ou l'adresse."),
            "warning",
        )
    if not (np.isfinite(lonlat[0]) and np.isfinite(lonlat[1])):
        return finding(
            "unreadable-coordinates",
            Message("Coordonnées illisibles ({said}).", said=said),
            Message("Écrivez deux nombres décimaux."),
        )
    if in_france(np.array([lonlat[1]]), np.array([lonlat[0]]))[0]:
        return finding(
            "swapped-axes",
            Message("Longitude et latitude sont échangées ({said}).", said=said),
            Message("Lisez longitude {x}, latitude {y}.", x=text[1], y=text[0]),
        )
    west, south, east, north = LAMBERT_93_BOX
    if west <= lonlat[0] <= east and south <= lonlat[1] <= north:
        return finding(
            "wrong-crs",
            Message("Des mètres (Lambert-93) passent pour des degrés ({said}).", said=said),
            Message("Déclarez EPSG:2154."),
        )
    right = with_decimal_points(*lonlat)
    if not possible and right is not None:
        return finding(
            "lost-decimal-point",
            Message("La virgule décimale est perdue ({said}).", said=said),
            Message("Lisez {x} ; {y}.", x=f"{right[0]:.7g}", y=f"{right[1]:.8g}"),
            column=columns[0] if right[0] != lonlat[0] else columns[1],
        )
    if not possible:
        return finding(
            "impossible-point",
            Message("Ce n'est pas une position sur la Terre ({said}).", said=said),
            Message("Corrigez à la source."),
        )
    return finding(
        "outside-france",
        Message("Point situé hors de France ({said}).", said=said),
        Message("Corrigez la position, ou retirez la ligne si elle est étrangère."),
        "warning",
    )


def with_decimal_points(longitude: float, latitude: float) -> tuple[float, float] | None:
    """Return the position with the decimal point put back where it was lost: the first that is in
    France, else None.

    Only a whole number beyond any degree is taken for one that lost its point.

    >>> with_decimal_points(-744648, 45.196099)
    (-0.744648, 45.196099)
    """
    west, south, east, north = FRANCE[0][1]
    return next(
        (
            (moved_lon, moved_lat)
            for moved_lon in _shifts(longitude, 180)
            for moved_lat in _shifts(latitude, 90)
            if west <= moved_lon <= east and south <= moved_lat <= north
        ),
        None,
    )


# Yield `value` as it is when it is possible; else divided by ten until it is one digit, largest
# first.
def _shifts(value: float, limit: float) -> Iterator[float]:
    if abs(value) <= limit:
        yield value
    elif abs(value) < 1e12 and value == int(value):
        shifted = (value / 10**digits for digits in range(1, 13))
        yield from (each for each in shifted if 0.1 <= abs(each) <= limit)


# -- the coordinate system of a file that does not say it

#: Coordinate systems met in France and their French names, in the order they are tried.
CANDIDATES: Mapping[str, str] = MappingProxyType(
    {
        LONLAT: "degrés (WGS 84)",
        "EPSG:2154": "Lambert-93",
        "EPSG:27572": "Lambert II étendu",
        **{f"EPSG:{3900 + zone}": f"conique conforme zone {zone}" for zone in range(42, 51)},
        "EPSG:3857": "Web Mercator",
        "EPSG:32631": "UTM 31 Nord",
        "EPSG:32630": "UTM 30 Nord",
        "EPSG:32632": "UTM 32 Nord",
        "EPSG:2975": "RGR92 / UTM 40 Sud (La Réunion)",
        "EPSG:5490": "RGAF09 / UTM 20 Nord (Antilles)",
        "EPSG:2972": "RGFG95 / UTM 22 Nord (Guyane)",
        "EPSG:4471": "RGM04 / UTM 38 Sud (Mayotte)",
    }
)
ENOUGH = 0.5


@dataclass(frozen=True, slots=True)
class Axes:
    """What the coordinates of a file are."""

    crs: str
    label_fr: str
    #: True when the columns called x and y hold y and x.
    swapped: bool = False
    #: Part of the rows that this reading puts in France.
    share: float = 0.0

    @property
    def sure(self) -> bool:
        """Whether most rows fall in France that way."""
        return self.share >= ENOUGH


def detect_axes(
    x: np.ndarray,
    y: np.ndarray,
    *,
    declared: str = "",
    boxes: np.ndarray | None = None,
    likely: Sequence[str] = (),
) -> Axes:
    """Return the coordinate system and axis order that put the most rows in France; the first that
    is enough wins.

    A declared system is tried first. When none is enough the declared one (or degrees) is kept, and
    `Axes.sure` is false.

    Parameters
    ----------
    boxes
        Where each row should be, within 0.1 degree: west, south, east, north in degrees (rows by
        4); anywhere in France where NaN.
    likely
        Systems to try before the others.
    """
    finite = np.isfinite(x) & np.isfinite(y)
    x, y = x[finite][:5000], y[finite][:5000]
    boxes = np.full((len(x), 4), np.nan) if boxes is None else boxes[finite][:5000]
    declared = declared or LONLAT
    tried = dict.fromkeys(filter(None, [declared, *likely, *CANDIDATES])) if len(x) else {}
    for crs in tried:
        for swapped in (False, True):
            share = _share_in_place(*((y, x) if swapped else (x, y)), crs, boxes)
            if share >= ENOUGH:
                return Axes(crs, CANDIDATES.get(crs, crs), swapped, share)
    return Axes(declared, CANDIDATES.get(declared, declared))


def _share_in_place(x: np.ndarray, y: np.ndarray, crs: str, boxes: np.ndarray) -> float:
    if crs != LONLAT:
        try:
            transformer = pyproj.Transformer.from_crs(crs, LONLAT, always_xy=True)
        except pyproj.exceptions.CRSError:
            return 0.0
        x, y = map(np.asarray, transformer.transform(x, y))
    west, south, east, north = boxes.T
    own = (west - 0.1 <= x) & (x <= east + 0.1) & (south - 0.1 <= y) & (y <= north + 0.1)
    return float(np.where(np.isnan(west), in_france(x, y), own).mean())
