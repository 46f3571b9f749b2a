"""Itinerant services: a bus counts where and when it stops, and nowhere else."""

import difflib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import compress
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from geoguichet.coverage.errors import FrameError
from geoguichet.coverage.routers.impedance import Bools
from geoguichet.coverage.study.study import Need, Opening, Study
from geoguichet.floor.findings import Finding
from geoguichet.floor.words import Message
from geoguichet.referentials.directory.hours import (
    DAY_MINUTES,
    WEEKDAYS_FR,
    Moment,
    Week,
    is_open,
    osm_week,
    weekly_hours,
)
from geoguichet.referentials.directory.quality import distance_to_commune_m
from geoguichet.referentials.directory.services import SERVICE_TYPES
from geoguichet.referentials.layers import (
    LONLAT,
    check_columns,
    check_text,
    list_layers,
    read_layer,
)
from geoguichet.referentials.territories.standing import standing_in
from geoguichet.referentials.territories.territory import Territory

# Opening hours in the rules: which counters count, at a moment of the week and for long enough,
# hours unknown told.


@dataclass(frozen=True, slots=True)
class HoursTold:
    """What a need that asks for hours found among the counters of its types, and how many people
    hang on the rest.
    """

    need: str
    #: Counters that meet the need.
    counted: int
    #: Counters known not to: closed then, or not open long enough.
    closed: int
    #: Counters whose hours nobody gives, taken for what the study says (``unknown_hours``).
    unknown: int
    #: People whose answer would be another if all unknown hours of the study were taken the other
    #: way.
    people: int


def open_enough(services: gpd.GeoDataFrame, need: Need) -> pd.Series:
    """Return True for the services whose hours are enough for a need.

    Open at its moment, and at least its hours a week; what nobody knows is what the need takes it
    for, and is not enough where that is left undecided.
    """
    taken = need.unknown_hours == "open"
    states = [taken if enough is None else enough for enough in _enough(services, need)]
    return pd.Series(states, services.index, dtype=bool)


def hours_known(services: gpd.GeoDataFrame, need: Need) -> pd.Series:
    """Return True for the services whose hours tell whether they are enough for a need: surely so,
    or surely short of one of its conditions.
    """
    states = [enough is not None for enough in _enough(services, need)]
    return pd.Series(states, services.index, dtype=bool)


# Return whether the hours of each service are enough for a need; None where that is not known.
def _enough(services: gpd.GeoDataFrame, need: Need) -> list[bool | None]:
    conditions = []
    if need.min_hours_per_week is not None:
        conditions.append(_long_enough(services, need.min_hours_per_week))
    if need.open_at is not None:
        conditions.append(_states(services, need.open_at))
    rows = zip(*conditions, strict=True) if conditions else ([()] * len(services))
    return [False if False in row else None if None in row else True for row in rows]


# Return whether each service is open so many hours a week; None where it may be, in hours that are
# unsure.
def _long_enough(services: gpd.GeoDataFrame, least: float) -> list[bool | None]:
    weekly = services["hours_per_week"].to_numpy(float)
    states = (weekly >= least).astype(object)
    short = np.flatnonzero(~(weekly >= least))
    texts = services["hours"].to_numpy(object)[short]
    unsure = np.array([_unsure_hours(text) for text in texts], dtype=float)
    unknown = np.isnan(weekly[short])
    perhaps = np.where(unknown, ~((unsure > 0) & (unsure < least)), weekly[short] + unsure >= least)
    states[short[perhaps]] = None
    return list(states.tolist())


# Return how many hours a week a text says that a counter may be open; a study asks of each four times.
@lru_cache(maxsize=1 << 16)
def _unsure_hours(text: str | None) -> float:
    week = osm_week(text)
    return sum(closes - opens for opens, closes in week.unsure) / 60 if week else 0.0


def told(
    services: gpd.GeoDataFrame,
    study: Study,
    demand: gpd.GeoDataFrame,
    served: Callable[[Study], pd.Series],
) -> tuple[HoursTold, ...]:
    """Count the counters of each need that asks for hours, and the people unknown hours decide for.

    ``services`` are all those near enough; ``demand`` is measured, and ``served`` says who is under
    another study.
    """
    rows = []
    for need in study.needs:
        if need.asks_hours:
            of_type = services[services["type"].isin(need.types)]
            known, enough = hours_known(of_type, need), open_enough(of_type, need)
            short, unknown = int((known & ~enough).sum()), int((~known).sum())
            rows.append(HoursTold(need.key, int(enough.sum()), short, unknown, 0))
    if not any(row.unknown for row in rows):
        return tuple(rows)
    people = int(demand.loc[demand["served"] != served(other_way(study)), "people"].sum())
    return tuple(replace(row, people=people) for row in rows)


def other_way(study: Study) -> Study:
    """Return the study that takes unknown hours the other way, for the needs that ask for hours."""
    other = {"open": "closed", "closed": "open", "undecided": "open"}
    needs = tuple(
        replace(need, unknown_hours=other[need.unknown_hours]) if need.asks_hours else need
        for need in study.needs
    )
    return replace(study, needs=needs)


# Return whether each service is open at a moment, by the holidays of its département; None where
# that is not known (pandas writes NaN where there is none).
def _states(services: gpd.GeoDataFrame, at: Moment) -> list[bool | None]:
    texts = [text if isinstance(text, str) and text.strip() else None for text in services["hours"]]
    nowhere = pd.Series("", services.index, dtype=object)
    communes = services.get("commune", nowhere) if at.on else nowhere
    of_commune = communes.str.extract("^(97.|..)", expand=False)
    places = services.get("departement", of_commune) if at.on else nowhere
    asked = [
        (text, code if isinstance(code, str) else "")
        for text, code in zip(texts, places.fillna(of_commune), strict=True)
    ]
    states = {(text, code): is_open(text, at, code) for text, code in set(asked)}
    return [states[one] for one in asked]


#: What a layer of stops must have; ``name`` and ``commune`` (INSEE code) are read where they are.
#: In place of ``hours`` it may have ``days`` (French weekdays): the stop is then open in the hours
#: of its service on those days.
COLUMNS = ("service", "hours")


def with_stops(
    services: gpd.GeoDataFrame, study: Study, path: Path, territory: Territory
) -> tuple[gpd.GeoDataFrame, int, list[Finding]]:
    """Return the services (indexed by id), each itinerant one replaced by its stops, the stops
    read, what was noticed.

    A stop is a counter of its service's type, open on its own days (``hours``, in OpenStreetMap's
    form), at its own point, else at the town hall of its commune. The point that a directory gives
    to the service itself (a garage, a seat) then serves nobody.

    Raises
    ------
    StudyError
        The layer of stops is not in the file.
    LayerError
        It lacks a column.
    """
    if not study.stops_layer:
        return services, 0, []
    present = list_layers(path)
    if study.stops_layer not in present:
        what = f"la couche {study.stops_layer!r} n'existe pas dans {path.name}"
        raise study.refusal("data.stops", what, ", ".join(present))
    where = f"{path}, couche « {study.stops_layer} »"
    stops = read_layer(path, layer=study.stops_layer, columns=COLUMNS[:1])
    if "hours" not in stops.columns and "days" in stops.columns:
        check_text(stops, ("service", "days"), where=where)
        stops = stops.assign(hours=_hours_on(stops, services["hours"]))
    check_columns(stops, COLUMNS, where=where)
    check_text(stops, COLUMNS, where=where)
    known = stops["service"].isin(services.index)
    findings = [
        Finding(
            "stop-without-service",
            study.stops_layer,
            str(service),
            Message("{service} : aucun service de ce nom.", service=service),
        )
        for service in dict.fromkeys(stops.loc[~known, "service"])
    ]
    read, stops = len(stops), stops[known].reset_index(drop=True)
    if stops.empty:
        return services, read, findings
    rows = _as_services(_placed(stops, services, territory), services, territory)
    findings += _remarks(rows, study.stops_layer)
    table = gpd.GeoDataFrame(
        pd.concat([services[~services.index.isin(stops["service"])], rows]),
        geometry="geometry",
        crs=LONLAT,
    )
    return (
        table.astype({name: kind for name, kind in services.dtypes.items() if name != "geometry"})
        .sort_index()
        .rename_axis(services.index.name),
        read,
        findings,
    )


# Return the hours of the service of each stop on the days of the stop; None when either is not
# known.
def _hours_on(stops: gpd.GeoDataFrame, hours: pd.Series) -> list[str | None]:
    told: list[str | None] = []
    for service, days in zip(stops["service"], stops["days"], strict=True):
        week = osm_week(hours.get(service))
        chosen = [
            number for number, day in enumerate(WEEKDAYS_FR) if day in str(days or "").split()
        ]
        if week is None or not chosen:
            told.append(None)
            continue
        kept = Week(tuple(span for span in week.spans if span[0] // DAY_MINUTES in chosen))
        told.append(kept.osm or "off")
    return told


# Give each stop its commune and its point: its own, else that of the town hall of its commune.
def _placed(
    stops: gpd.GeoDataFrame, services: gpd.GeoDataFrame, territory: Territory
) -> gpd.GeoDataFrame:
    commune = (
        stops["commune"]
        if "commune" in stops.columns
        else pd.Series(None, index=stops.index, dtype=object)
    )
    located = stops.geometry.notna() & ~stops.geometry.is_empty
    standing = standing_in(stops.geometry, territory.polygons)
    commune = commune.where(commune.notna(), standing).fillna("")
    halls = services[(services["type"] == "town_hall") & services.geometry.notna()].drop_duplicates(
        "commune"
    )
    hall = gpd.GeoSeries(halls.set_index("commune").geometry.reindex(commune), crs=LONLAT).set_axis(
        stops.index
    )
    return stops.assign(commune=commune).set_geometry(stops.geometry.where(located, hall))


# Return the stops as services: those of their service, but for what is their own.
def _as_services(
    stops: gpd.GeoDataFrame, services: gpd.GeoDataFrame, territory: Territory
) -> gpd.GeoDataFrame:
    number = stops.groupby("service").cumcount() + 1
    names = territory.communes.set_index("code")
    parents = services.loc[stops["service"]].reset_index(drop=True)
    place = names["name"].reindex(stops["commune"]).reset_index(drop=True)
    own = (
        stops["name"].notna() & (stops["name"] != parents["name"])
        if "name" in stops.columns
        else None
    )
    told = place if own is None else stops["name"].where(own, place)
    rows = parents.assign(
        name=parents["name"]
        + told.map(lambda at: f", arrêt {at}" if isinstance(at, str) and at else ", arrêt"),
        commune=stops["commune"],
        commune_name=place.fillna(""),
        departement=names["departement"].reindex(stops["commune"]).fillna("").to_numpy(),
        hours=stops["hours"],
        hours_per_week=pd.to_numeric(pd.Series([weekly_hours(text) for text in stops["hours"]])),
        inside=stops["commune"].isin(names.index),
    )
    return gpd.GeoDataFrame(rows, geometry=stops.geometry.to_numpy(), crs=LONLAT).set_axis(
        pd.Index(stops["service"] + "@" + number.astype(str), name=services.index.name)
    )


def _remarks(rows: gpd.GeoDataFrame, layer: str) -> list[Finding]:
    return [
        Finding(rule, layer, str(item), remark.given(name=rows.at[item, "name"]))
        for rule, which, remark in (
            (
                "stop-without-point",
                rows.geometry.isna(),
                Message("{name} : ni point, ni mairie localisée."),
            ),
            (
                "unreadable-hours",
                rows["hours_per_week"].isna(),
                Message("{name} : horaires d'arrêt non compris."),
            ),
        )
        for item in rows.index[which]
    ]


# What a study changes in the services before it asks its question: counters opened, hours set,
# counters closed.

#: Identifier of the n-th counter that the changes open.
NEW_ID = "nouveau-{n}"


def changed(services: gpd.GeoDataFrame, study: Study, territory: Territory) -> gpd.GeoDataFrame:
    """Return the services (indexed by id) with the study's changes made: opened, then hours set,
    then closed.

    A counter opened then closed leaves the table as it was.

    Raises
    ------
    StudyError A change names a service that is not there, stands too far from the territory, or has
        hours nobody can read.
    """
    changes = study.changes
    opened = [
        _opened(one, NEW_ID.format(n=n), study, territory, services)
        for n, one in enumerate(changes.open, start=1)
    ]
    table = _joined(services, opened)
    for service, hours in changes.hours:
        table = _with_hours(table, service, hours, study)
    for service in changes.close:
        _require(table, service, "changes.close", study)
    return table.drop(index=list(dict.fromkeys(changes.close))).sort_index()


# Return both, columns of the kind they were.
def _joined(services: gpd.GeoDataFrame, opened: list[gpd.GeoDataFrame]) -> gpd.GeoDataFrame:
    if not opened:
        return services
    return gpd.GeoDataFrame(pd.concat([services, *opened]), geometry="geometry", crs=LONLAT).astype(
        {name: kind for name, kind in services.dtypes.items() if name != "geometry"}
    )


# Return the one-row table of a counter that opens, in the commune it stands in.
def _opened(
    opening: Opening, name: str, study: Study, territory: Territory, services: gpd.GeoDataFrame
) -> gpd.GeoDataFrame:
    point = shapely.Point(opening.lon, opening.lat)
    buffer_m = study.territory.buffer_m
    here, ground = gpd.GeoSeries([point, territory.boundary], crs=LONLAT).to_crs(territory.metric)
    if not here.distance(ground) <= buffer_m:  # an impossible point is at no distance at all
        what = (
            f"le point {opening.lon:g},{opening.lat:g} est à plus de {buffer_m / 1000:g} km du "
            "territoire"
        )
        raise study.refusal(
            "changes.open", what, "longitude puis latitude en degrés, comme 1.605,42.966"
        )
    outlines = territory.polygons
    inside = outlines.index[outlines.notna() & outlines.contains(point)]
    commune = str(inside[0]) if len(inside) else ""
    row = territory.communes.set_index("code").loc[commune] if commune else None
    place = "" if row is None else str(row["name"])
    label = opening.name or (
        f"{SERVICE_TYPES[opening.type].label_fr.capitalize()} ouverte, {place or 'hors territoire'}"
    )
    values = {
        "type": opening.type,
        "name": label,
        "commune": commune,
        "commune_name": place,
        "departement": "" if row is None else str(row["departement"]),
        "hours": opening.hours or None,
        "hours_per_week": _readable(opening.hours, "changes.open", study)
        if opening.hours
        else None,
        "inside": bool(commune),
        "geometry": point,
    }
    frame = gpd.GeoDataFrame(
        [dict.fromkeys(services.columns) | values],
        index=pd.Index([name], name=services.index.name),
        geometry="geometry",
        crs=LONLAT,
    )
    return frame[list(services.columns)].astype({"hours_per_week": float, "inside": bool})


def _with_hours(
    table: gpd.GeoDataFrame, service: str, hours: str, study: Study
) -> gpd.GeoDataFrame:
    _require(table, service, "changes.hours", study)
    at = table.index == service
    return table.assign(
        hours=table["hours"].astype(object).mask(at, hours),
        hours_per_week=table["hours_per_week"].mask(at, _readable(hours, "changes.hours", study)),
    )


def _readable(hours: str, key: str, study: Study) -> float:
    weekly = 0.0 if hours.strip() == "off" else weekly_hours(hours)
    if weekly is None:
        raise study.refusal(
            key, f"les horaires {hours!r} ne se lisent pas", '"Mo-Fr 09:00-12:00,14:00-17:00"'
        )
    return weekly


def _require(table: gpd.GeoDataFrame, service: str, key: str, study: Study) -> None:
    if service not in table.index:
        remedy = (
            ", ".join(_resembling(service, table))
            or "un identifiant donné par « geoguichet coverage nearest »"
        )
        raise study.refusal(key, f"aucun service n'a l'identifiant {service!r}", remedy)


# Return up to three identifiers close to the text, or whose service's name holds it.
def _resembling(text: str, table: gpd.GeoDataFrame) -> Iterable[str]:
    named = table.index[table["name"].str.contains(text, case=False, regex=False, na=False)]
    return list(named[:3]) or difflib.get_close_matches(text, list(table.index), n=3)


# The services that count: of the right type, located, near enough to the territory, open enough.


def supply_points(
    territory: Territory, services: gpd.GeoDataFrame, study: Study
) -> tuple[gpd.GeoDataFrame, dict[str, int], list[Finding]]:
    """Return the services that meet at least one need, with a column ``needs`` (comma-separated
    keys).

    The counters say how many could not be counted (see :func:`near_services`).

    Raises
    ------
    FrameError
        No service at all is left for a need.
    """
    wanted = services[services["type"].isin({kind for need in study.needs for kind in need.types})]
    near, strayed = near_services(territory, wanted, study)
    findings = [
        Finding(
            "implausible-point",
            study.services_layer,
            item,
            Message("{name} : situé loin de sa commune, il n'est pas compté.", name=name),
        )
        for item, name in strayed["name"].items()
    ]
    counters = {
        "services_without_point": int((wanted.geometry.isna() | wanted.geometry.is_empty).sum()),
        "services_not_believed": len(strayed),
        "services_hours_unknown": int(near["hours_per_week"].isna().sum()),
    }
    met = meeting(near, study)
    answered = {key for keys in met["needs"] for key in keys.split(",")}
    for need in study.needs:
        if need.key not in answered:
            raise _unmet(need, study)
    return met, counters, findings


def near_services(
    territory: Territory, services: gpd.GeoDataFrame, study: Study
) -> tuple[gpd.GeoDataFrame, gpd.GeoDataFrame]:
    """Return the services that can be counted, and those inside the territory that are not
    believed.

    A service without a point, or farther than the study's buffer beyond the border, cannot be
    counted; one whose own point lies farther than ``demand.tolerance`` from its commune is not
    believed.
    """
    located = services[services.geometry.notna() & ~services.geometry.is_empty]
    believed = ~(distance_to_commune_m(located, territory) > study.demand.tolerance_m)
    counted = territory.near(located.geometry, study.territory.buffer_m) & believed
    return located[counted], located[located["inside"] & ~counted]


def meeting(services: gpd.GeoDataFrame, study: Study) -> gpd.GeoDataFrame:
    """Return the services that meet at least one need of a study, by id, with a column ``needs``;
    and those that may, their hours unknown and left undecided (column ``needs_perhaps``).
    """
    sure, unsure = {}, {}
    for need in study.needs:
        enough, unknown = _answering(services, need)
        sure[need.key] = enough | unknown & (need.unknown_hours == "open")
        unsure[need.key] = unknown & (need.unknown_hours == "undecided")
    services = services.assign(
        needs=pd.Series(_keys(sure), services.index, dtype=object),
        needs_perhaps=pd.Series(_keys(unsure), services.index, dtype=object),
    )
    return services[(services["needs"] != "") | (services["needs_perhaps"] != "")].sort_index()


# Refuse a need that no service at all meets: nobody could be served, and the question is likely
# mistyped.
def _unmet(need: Need, study: Study) -> FrameError:
    least = need.min_hours_per_week
    hours = f" ouvert au moins {least:g} h par semaine" if least else ""
    hours += f" ouvert {need.open_at}" if need.open_at is not None else ""
    return FrameError(
        f"{study.where}, service « {need.key} » : aucun service {', '.join(need.types)}{hours} "
        "dans la couche "
        f"{study.services_layer} à moins de {study.territory.buffer_m / 1000:g} km du territoire ; "
        "vérifiez la couche ou le seuil."
    )


# Return which services are of a need's types and open enough, and of which that is not known.
def _answering(services: gpd.GeoDataFrame, need: Need) -> tuple[Bools, Bools]:
    of_type = services["type"].isin(need.types).to_numpy()
    states = iter(_enough(services[of_type], need))
    every = [next(states) if one else False for one in of_type.tolist()]
    sure, unknown = ([one is told for one in every] for told in (True, None))
    return np.array(sure, dtype=bool), np.array(unknown, dtype=bool)


def needs_met(services: gpd.GeoDataFrame, needs: tuple[Need, ...]) -> list[str]:
    """Return, for each service, the keys of the needs it meets, comma-separated: those of its type
    whose hours are enough (see :func:`open_enough`).
    """
    masks = {}
    for need in needs:
        sure, unknown = _answering(services, need)
        masks[need.key] = sure | unknown & (need.unknown_hours == "open")
    return _keys(masks)


# Return, row by row, the keys whose masks hold, comma-separated.
def _keys(masks: Mapping[str, Bools]) -> list[str]:
    rows = zip(*(mask.tolist() for mask in masks.values()), strict=True)
    return [",".join(compress(masks, row)) for row in rows]
