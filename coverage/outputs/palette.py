"""The colours and classes that the map, the report and the QGIS styles share, safe for colour-blind readers."""

from __future__ import annotations

import math
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
CHANGE_COLOURS: dict[str, str] = {
    "gained": "#5a9bd0",
    "nearer": "#c3ddee",
    "lost": "#cf5662",
    "farther": "#f6c8ae",
    "same": "#eceeec",
}
"""A commune's people between two answers; blue and red stay apart for colour-blind readers."""
MOVED_COLOURS: dict[str, str] = CHANGE_COLOURS | {"gained": "#0c3f73", "lost": "#7d0f1d"}
"""The same for the circles that stand on them."""
SURENESS_COLOURS: dict[str, str] = {
    "certain": "#b3404a",
    "likely": "#e08a5b",
    "possible": "#f5d491",
    "never": "#eceeec",
}
"""How sure a white zone is: darker is surer."""
OTHER_SERVICE = "#6b6b6b"
KIOSK = "#12355b"
LAND = "#fbfaf7"
BORDER = "#8b949b"
INK = "#1d2a33"

ZONE_BREAKS_M: tuple[int, ...] = (1_000, 2_500, 5_000)
"""Mean excess beyond the thresholds at which a white zone changes colour; fixed, so that two studies compare."""
ZONE_COLOURS: tuple[str, ...] = ("#fdf0c8", "#fbd993", "#f2b566", "#dc8a45")
ZONE_EDGE = "#8a4b1c"


ZONE_BREAKS_S: tuple[int, ...] = (300, 600, 1_200)
"""The same for a study of times: 5, 10 and 20 minutes."""


def zone_colour(mean: float, unit: str = "m") -> str:
    """Return the colour of a white zone that far beyond the thresholds on average (NaN: nothing reachable)."""
    breaks = ZONE_BREAKS_S if unit == "s" else ZONE_BREAKS_M
    return ZONE_COLOURS[-1] if math.isnan(mean) else ZONE_COLOURS[sum(mean >= limit for limit in breaks)]


def zone_classes(unit: str = "m") -> list[tuple[int, int | None, str]]:
    """Return the classes of white zones as (from, up to, colour), in metres or seconds; the last has no upper limit."""
    breaks = ZONE_BREAKS_S if unit == "s" else ZONE_BREAKS_M
    lows, highs = (0, *breaks), (*breaks, None)
    return list(zip(lows, highs, ZONE_COLOURS, strict=True))


def standing(*, served: bool, served_after: bool) -> Standing:
    """Return where a demand point stands."""
    if served:
        return "served"
    return "kiosk" if served_after else "unserved"
