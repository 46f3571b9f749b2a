"""Where the rows of a département should be: its box, its legal coordinate system, and what a file
is written in, guessed against the codes of the same rows; and which rows a territory has.
"""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType

import geopandas as gpd
import numpy as np
import pandas as pd

from geoguichet.floor.files import read_toml
from geoguichet.floor.findings import Finding
from geoguichet.floor.words import Message
from geoguichet.referentials.directory.placing import Axes, detect_axes, in_france
from geoguichet.referentials.layers import LONLAT
from geoguichet.referentials.territories.territory import Territory

#: Legal projection of each overseas département, and its name.
OVERSEAS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "971": ("EPSG:5490", "Guadeloupe"),
        "972": ("EPSG:5490", "Martinique"),
        "973": ("EPSG:2972", "Guyane"),
        "974": ("EPSG:2975", "La Réunion"),
        "975": ("EPSG:4467", "Saint-Pierre-et-Miquelon"),
        "976": ("EPSG:4471", "Mayotte"),
    }
)
#: Degrees around the box of a département that its own points may be in, and beyond which a point
#: is surely another's.
MARGIN, FAR = 0.1, 1.0


@cache
def _boxes() -> Mapping[str, tuple[float, ...]]:
    boxes = read_toml(Path(__file__).with_name("departements.toml"))["boxes"]
    return {code: tuple(box) for code, box in boxes.items()}


def boxes_of(departements: pd.Series) -> np.ndarray:
    """Return the box of each département: west, south, east, north in degrees (rows by 4), NaN
    where it is not known.
    """
    ranks, codes = pd.factorize(departements)
    unknown = (np.nan,) * 4
    boxes = np.array([*(_boxes().get(code, unknown) for code in codes), unknown], dtype=float)
    return boxes[ranks]


def beyond_boxes(points: gpd.GeoSeries, departements: pd.Series) -> pd.Series:
    """Return how far each point is from the box of its département, in degrees: 0 inside, NaN where
    one of them is not known.
    """
    boxes = boxes_of(departements)
    x, y = points.x.to_numpy(), points.y.to_numpy()
    aside = np.maximum(boxes[:, 0] - x, x - boxes[:, 2])
    above = np.maximum(boxes[:, 1] - y, y - boxes[:, 3])
    return pd.Series(np.maximum(np.maximum(aside, above), 0), index=points.index)


def points_against_codes(
    points: gpd.GeoSeries, departements: pd.Series, items: pd.Series, *, layer: str
) -> list[Finding]:
    """Return the points of France that are nowhere near the département that their row says
    (``point-against-code``).
    """
    away = beyond_boxes(points, departements).where(
        in_france(points.x.to_numpy(), points.y.to_numpy())
    )
    return [
        Finding(
            "point-against-code",
            layer,
            str(items[row]),
            Message(
                "Le point ({x} ; {y}) est loin du département {departement} que dit sa ligne.",
                x=f"{points[row].x:.4f}",
                y=f"{points[row].y:.4f}",
                departement=departements[row],
            ),
            "error" if away[row] > FAR else "warning",
            row,
            "geometry",
            Message(
                "Corrigez le code, ou dites le système de coordonnées (crs, dans [file] de "
                "--mapping)."
            ),
        )
        for row in away.index[away > MARGIN].tolist()
    ]


def axes_by_ground(
    x: np.ndarray, y: np.ndarray, departements: pd.Series, *, declared: str = ""
) -> tuple[Axes, dict[str, str]]:
    """Return what the coordinates of a file are, and the coordinate system of each overseas
    département whose rows are in another.

    A system is enough when it puts most rows in their own département: one that only puts them in
    France is kept when none does.
    """
    overseas = departements.where(departements.isin(list(OVERSEAS)), "")
    common = (
        overseas.value_counts().index[0] if len(overseas) and not (overseas == "").any() else ""
    )
    boxes = boxes_of(departements)
    main = (overseas == common).to_numpy()
    legal = OVERSEAS[common][0] if common else ""
    axes = detect_axes(x[main], y[main], declared=declared, boxes=boxes[main], likely=(legal,))
    if not axes.sure:
        axes = detect_axes(x[main], y[main], declared=declared)
    systems = {}
    for code in sorted(set(overseas) - {"", common}):
        own = (overseas == code).to_numpy()
        found = detect_axes(
            x[own],
            y[own],
            declared=declared or axes.crs,
            boxes=boxes[own],
            likely=(LONLAT, OVERSEAS[code][0]),
        )
        if found.sure and found.swapped == axes.swapped and found.crs != axes.crs:
            systems[code] = found.crs
    return axes, systems


def within_territory(rows: gpd.GeoDataFrame, territory: Territory) -> pd.Series:
    """Return which rows say they are in the territory, by their commune or département, wherever
    their point is.

    A row that says neither is judged by its point.
    """
    said = rows["commune"].isin(territory.communes["code"])
    said |= rows["departement"].isin(list(territory.departements["code"]))
    silent = rows["commune"].isna() & rows["departement"].isna()
    return said | (silent & rows.geometry.intersects(territory.boundary))
