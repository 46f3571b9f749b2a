"""The colours and classes that the map, the report and the QGIS styles share, told apart by colour-blind readers too."""

from __future__ import annotations

from itertools import pairwise
from typing import Literal

type Standing = Literal["served", "kiosk", "unserved"]
"""Where a demand point stands: served already, served once the kiosks are open, or not even then."""

STANDING_COLOURS: dict[Standing, str] = {"served": "#9fb0b8", "kiosk": "#1f78b4", "unserved": "#b2182b"}
SERVICE_COLOURS: dict[str, str] = {
    "prefecture": "#5b3a8c",
    "sous_prefecture": "#8f6bbd",
    "town_hall": "#4d7c5a",
    "town_hall_annex": "#7ea88a",
}
OTHER_SERVICE = "#6b6b6b"
KIOSK = "#12355b"
LAND = "#fbfaf7"
BORDER = "#8b949b"
INK = "#1d2a33"

ZONE_BREAKS: tuple[int, ...] = (500, 2_000, 5_000, 20_000)
"""Inhabitants of a white zone at which its colour changes; fixed, so that two studies compare at a glance."""
ZONE_COLOURS: tuple[str, ...] = ("#fdf0c4", "#fbd98a", "#f4b25a", "#e08a3c", "#b8622a")


def zone_colour(people: float) -> str:
    """Return the colour of a white zone of that many inhabitants."""
    return ZONE_COLOURS[sum(people >= limit for limit in ZONE_BREAKS)]


def zone_classes() -> list[tuple[int, int | None, str]]:
    """Return the classes of white zones as (from, up to, colour); the last has no upper limit."""
    limits: list[int | None] = [0, *ZONE_BREAKS, None]
    return [
        (low or 0, high, colour) for (low, high), colour in zip(pairwise(limits), ZONE_COLOURS, strict=True)
    ]


def standing(*, served: bool, served_after: bool) -> Standing:
    """Return where a demand point stands."""
    if served:
        return "served"
    return "kiosk" if served_after else "unserved"
