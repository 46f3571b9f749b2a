"""The home page: one question, one search, and the study that the region puts first."""

import json
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd
import shapely

from geoguichet.catalogue.search.query import RecordQuery
from geoguichet.coverage.access.supplements import Network, unknown_networks
from geoguichet.floor.errors import LayerError
from geoguichet.floor.viewer import Viewer
from geoguichet.floor.words import Unit, _, cost
from geoguichet.portal.drawn import Drawing, drawn
from geoguichet.portal.providers.studies import manifest_of, seen_first
from geoguichet.portal.site import Asked, Site
from geoguichet.portal.territory import Territory
from geoguichet.referentials.layers import read_layer

#: Of each need, the column of its distance in a result, and how far it may be.
type Needs = tuple[tuple[str, float], ...]

#: What is read of the places of people, where a result has it.
_PEOPLE = ("id", "departement", "people", "served", "served_after", "undecided")
#: The share of people's places that are communes, under which they are something else.
COMMUNES = 0.9
#: What lacks, drawn in these classes: the first need, the second, both; who is not decided.
CLASSES = ("c-etat", "c-mairie", "c-deux", "c-nt")


class Flagship(NamedTuple):
    """The study that the home page shows, as its manifest tells it."""

    id: str
    title: str
    #: People, those far from a service, and those of whom it is not known.
    people: int
    unserved: int
    undecided: int
    #: What they lack: the class of the map, how many people by needs (in words).
    lacking: Sequence[tuple[str, str, int]]
    #: Networks that are not in its data.
    missing: Sequence[str]


def flagship(site: Site, viewer: Viewer) -> tuple[Flagship, Mapping[str, Any], Path] | None:
    """Return the study that ``region.toml`` puts first, else the newest that is seen; its manifest and
    its folder. None where there is none that can be read.
    """
    for folder in seen_first(site.workspace, site.region.portal.flagship, viewer):
        try:
            told = manifest_of(folder)
            return told_of(told), told, folder
        except (OSError, ValueError, KeyError, TypeError, IndexError):
            continue  # not a study of this version: the next one is shown
    return None


def told_of(manifest: Mapping[str, Any]) -> Flagship:
    """Return a study as its manifest tells it; LookupError, TypeError or ValueError where that is of
    another version.
    """
    study, counters, beside = manifest["study"], manifest["counters"], manifest["beside"]
    needs = {need["key"]: need for need in study["needs"]}
    rows = [row for row in beside["lacking"] if row["level"] == "territory"]
    people = dict.fromkeys(CLASSES, 0)
    labels = dict.fromkeys(CLASSES, "")
    for row in rows:
        keys = row["lacking"].split(",")
        kind = kind_of(keys, list(needs))
        people[kind] += row["people"]
        labels[kind] = _lacked(keys, needs)
    people["c-nt"] = counters["people_undecided"]
    labels["c-nt"] = str(_("Non tranché (horaires inconnus)"))
    lacking = [
        (kind, labels[kind], people[kind]) for kind in CLASSES if people[kind] or kind == "c-nt"
    ]
    return Flagship(
        study["id"],
        study["title"],
        counters["people"],
        sum(row["people"] for row in rows),
        counters["people_undecided"],
        lacking,
        [str(network.label) for network in _unknown(beside["baseline"])],
    )


# A study of before stops were counted knew none.
def _unknown(baseline: Mapping[str, Any]) -> list[Network]:
    knows_stops = bool(baseline.get("stops_known"))
    return unknown_networks(baseline["missing"], knows_stops=knows_stops)


def kind_of(lacked: Sequence[str], needs: Sequence[str]) -> str:
    """Return the class of who lacks some of the needs of a study: by need where there are two at
    most, else one or several.
    """
    if len(lacked) > 1:
        return "c-deux"
    return "c-mairie" if len(needs) == 2 and lacked[0] == needs[1] else "c-etat"


def _lacked(keys: Sequence[str], needs: Mapping[str, Mapping[str, Any]]) -> str:
    if len(keys) > 1:
        return str(_("Les deux") if len(needs) == 2 else _("Plusieurs besoins"))
    if len(needs) > 2:
        return str(_("Un seul besoin"))
    need = needs[keys[0]]
    within = next(
        cost(need[unit.column("within")], unit)
        for unit in Unit
        if need.get(unit.column("within")) is not None
    )
    return str(_("{need} à plus de {within}", need=need["label"], within=within))


def shown(site: Site, asked: Asked) -> dict[str, Any]:
    """Return what the page shows beside the landing document of the API."""
    if asked.form != "html":
        return {}
    found = flagship(site, asked.viewer)
    recent = site.store.search(
        RecordQuery.from_parameters({"limit": "3", "sortby": "-updated"}), viewer=asked.viewer
    )
    data: dict[str, Any] = {
        "recent": [json.loads(item) for item in recent.items],
        "records": recent.number_matched,
        "flagship": None,
    }
    if found is None:
        return data | {"drawn": drawn(site.territory, {})}
    study, manifest, folder = found
    file = folder / "result.gpkg"
    state = file.stat().st_mtime_ns if file.exists() else 0
    needs = needs_of(manifest)
    return data | {"flagship": study, "drawn": _map(site.territory, file, needs, state)}


def needs_of(manifest: Mapping[str, Any]) -> Needs:
    """Return the needs of a study as its result tells them."""
    return tuple(
        (unit.column(need["key"]), need[unit.column("within")])
        for need in manifest["study"]["needs"]
        for unit in Unit
        if need.get(unit.column("within")) is not None
    )


@lru_cache(maxsize=8)
def _map(territory: Territory, file: Path, needs: Needs, state: int) -> Drawing:
    return drawn(territory, zones_by_need(territory, file, needs, state))


@lru_cache(maxsize=2)
def people_of(file: Path, needs: Needs, _state: int) -> pd.DataFrame | None:
    """Return where the people of a result are and what they are far from, a row a place; None where that
    does not read. What pages ask of it alone is read: a study may have 300,000 places.
    """
    asked = {*_PEOPLE, *(column for column, _within in needs)}
    try:
        read = read_layer(file, layer="demand", only=lambda known: [*asked.intersection(known)])
    except LayerError:
        return None
    return pd.DataFrame(read.drop(columns="geometry"))


def zones_by_need(
    territory: Territory, file: Path, needs: Needs, state: int, chosen: str = ""
) -> dict[str, list[shapely.Geometry]]:
    """Return who lacks what in the result of a study, as surfaces by class of the map: the communes of
    its people; its white zones, in one class, where its people are not those of communes. Of one need
    that is ``chosen``, by its column: who lacks it alone, and who lacks another too.
    """
    demand = people_of(file, needs, state)
    try:
        communes = read_layer(territory.data or file, layer="communes").set_index("code")
    except LayerError:
        return {}
    if demand is None:
        return {}
    demand = demand.set_index("id")
    outlines = communes.geometry.reindex(demand.index)
    if outlines.notna().mean() < COMMUNES:
        return {"c-etat": list(read_layer(file, layer="white_zones", empty=True).geometry)}
    return {
        kind: [shapely.union_all(outlines[which & outlines.notna()].array)]
        for kind, which in lacking(demand, needs, chosen).items()
        if which.any()
    }


#: What `zones_by_need` is asked: of which territory, result and needs, in which state.
type ZonesOf = tuple[Territory, Path, Needs, int]


@lru_cache(maxsize=4)
def zone_parts(*asked: Any) -> dict[str, shapely.STRtree]:
    """Return who lacks what (`ZonesOf`) for a map of some communes: by class of the map, by place."""
    return {
        kind: shapely.STRtree(shapely.get_parts(shapely.simplify(some, 0.0005)))
        for kind, some in zones_by_need(*asked).items()
    }


def lacking(demand: pd.DataFrame, needs: Needs, chosen: str = "") -> dict[str, pd.Series]:
    """Return which of the people of a result lack what, by class of the map (`CLASSES`)."""
    far = {column: ~(demand[column] <= within) for column, within in needs}
    lacked = sum(one.astype(int) for one in far.values())
    undecided = demand["undecided"].astype(bool)
    white = ~demand["served"].astype(bool) & ~undecided
    if chosen:
        white &= far[chosen]
    second = [*far.values()][1] if len(needs) == 2 and not chosen else white & False
    return {
        "c-etat": white & (lacked <= 1) & ~second,
        "c-mairie": white & (lacked == 1) & second,
        "c-deux": white & (lacked > 1),
        "c-nt": undecided,
    }
