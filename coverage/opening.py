"""Opening hours in the rules: which counters count, at a moment of the week and for long enough, hours unknown told."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import geopandas as gpd
import pandas as pd

from geoguichet.coverage.study import Need, Study
from geoguichet.referentials.moments import Moment, is_open


@dataclass(frozen=True, slots=True)
class HoursTold:
    """What a need that asks for hours found among the counters of its types, and how many people hang on the rest."""

    need: str
    counted: int
    """Counters that meet the need."""
    closed: int
    """Counters known not to: closed then, or not open long enough."""
    unknown: int
    """Counters whose hours nobody gives, taken for what the study says (``unknown_hours``)."""
    people: int
    """People whose answer would be another if all unknown hours of the study were taken the other way."""


def open_enough(services: gpd.GeoDataFrame, need: Need) -> pd.Series:
    """Return True for the services whose hours are enough for a need.

    Open at its moment, and at least its hours a week; what nobody knows is what the need takes it for.
    """
    enough = pd.Series(True, index=services.index)
    unknown = need.unknown_hours == "open"
    if need.min_hours_per_week is not None:
        weekly = services["hours_per_week"]
        enough &= (weekly >= need.min_hours_per_week) | (weekly.isna() & unknown)
    if need.open_at is not None:
        states = _states(services["hours"], need.open_at)
        enough &= pd.Series([unknown if state is None else state for state in states], index=services.index)
    return enough


def hours_known(services: gpd.GeoDataFrame, need: Need) -> pd.Series:
    """Return True for the services that say all that a need asks of hours."""
    known = pd.Series(True, index=services.index)
    if need.min_hours_per_week is not None:
        known &= services["hours_per_week"].notna()
    if need.open_at is not None:
        states = _states(services["hours"], need.open_at)
        known &= pd.Series([state is not None for state in states], index=services.index)
    return known


def told(
    services: gpd.GeoDataFrame, study: Study, demand: gpd.GeoDataFrame, served: Callable[[Study], pd.Series]
) -> tuple[HoursTold, ...]:
    """Count the counters of each need that asks to be open at a moment, and the people unknown hours decide for.

    ``services`` are all those near enough; ``demand`` is measured, and ``served`` says who is under another study.
    """
    asking = [need for need in study.needs if need.open_at is not None]
    people = 0
    if _any_unknown(services, asking):
        people = int(demand.loc[demand["served"] != served(other_way(study)), "people"].sum())
    rows = []
    for need in asking:
        of_type = services[services["type"].isin(need.types)]
        known, enough = hours_known(of_type, need), open_enough(of_type, need)
        rows.append(HoursTold(need.key, int(enough.sum()), int((known & ~enough).sum()), int((~known).sum()), people))
    return tuple(rows)


def other_way(study: Study) -> Study:
    """Return the study that takes unknown hours the other way, for the needs that ask to be open at a moment."""
    other = {"open": "closed", "closed": "open"}
    needs = tuple(
        need if need.open_at is None else replace(need, unknown_hours=other[need.unknown_hours]) for need in study.needs
    )
    return replace(study, needs=needs)


def _any_unknown(services: gpd.GeoDataFrame, needs: Sequence[Need]) -> bool:
    return any(not hours_known(services[services["type"].isin(need.types)], need).all() for need in needs)


def _states(hours: pd.Series, at: Moment) -> list[bool | None]:
    """Return whether each text of hours is open at a moment; None where that is not known."""
    texts = _texts(hours)
    states = {text: is_open(text, at) for text in set(texts)}
    return [states[text] for text in texts]


def _texts(hours: pd.Series) -> list[str | None]:
    """Return the hours as text, None where there is none (pandas writes NaN)."""
    return [text if isinstance(text, str) and text.strip() else None for text in hours]
