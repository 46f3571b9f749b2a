"""Where and when: extent, reference system, resolution, dates and how fresh the data is."""

import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import lru_cache

from geoguichet.catalogue.errors import RecordError
from geoguichet.catalogue.formats import codes
from geoguichet.catalogue.formats.mapping import said
from geoguichet.catalogue.quality.rules.rule import DATA, Context, Fault, Rule, asked, needs
from geoguichet.catalogue.record import Extent, Record, instant_keys
from geoguichet.catalogue.text import words as words_of
from geoguichet.floor.words import Message


def _extent(record: Record, _: Context) -> Iterator[Message]:
    box = record.extent
    if box is None:
        return
    if (
        box.west == box.east
        and box.south == box.north
        and record.geometry
        and record.geometry["type"] != "Point"
    ):
        yield Message("l'emprise est réduite à un point.")
    if (box.west, box.south, box.east, box.north) == (-180, -90, 180, 90):
        yield Message("l'emprise est le monde entier.")
    if box.west == box.south == box.east == box.north == 0:
        yield Message("l'emprise est le point zéro (0° N, 0° E).")


_CAPITALISED = re.compile(r"(?<!\w)[A-ZÀ-ÖØ-Þ]\w*")


# Compare the extent with the place that the title names, the longest name first.
def _named_place(record: Record, context: Context) -> Iterator[Message]:
    box = record.extent
    if box is None or not context.places:
        return
    title = words_of(record.title)
    names = {
        word for text in _CAPITALISED.findall(record.title) for word in words_of(text)
    }  # « issus » is no commune
    for length in range(min(6, len(title)), 0, -1):
        for start in range(len(title) - length + 1):
            place = " ".join(title[start : start + length])
            if place in context.places and len(place) > 3 and title[start] in names:
                there = context.places[place]
                if not box.intersects(there):
                    yield Message(
                        "l'emprise ne touche pas « {place} », que le titre nomme.", place=place
                    )
                elif _dwarfs(box, there):
                    yield Message(
                        "l'emprise déborde largement de « {place} », que le titre nomme.",
                        place=place,
                    )
                return


def _dwarfs(box: Extent, place: Extent) -> bool:
    """Say whether a box is so much larger than a place that it cannot be that of something in it.

    Four times as wide or high, and 0.2 degrees: boxes are drawn generously, and neighbours are
    often shown too.
    """
    sides = (
        (box.east - box.west, place.east - place.west),
        (box.north - box.south, place.north - place.south),
    )
    return any(mine > 4 * theirs + 0.2 for mine, theirs in sides)


_KINDS = {
    "creation": Message("création"),
    "publication": Message("publication"),
    "revision": Message("révision"),
}


def _dated(record: Record, _: Context) -> Iterator[Message]:
    if not {item.get("type") for item in said(record, "dates") or ()} & _KINDS.keys():
        yield Message("aucune date de création, de publication ou de révision de la ressource.")


def _dates_in_order(record: Record, context: Context) -> Iterator[Message | Fault]:
    listed = said(record, "dates") or ()
    dates = {item.get("type"): item["date"] for item in listed}
    for before, after in (
        ("creation", "publication"),
        ("creation", "revision"),
        ("publication", "revision"),
    ):
        if before in dates and after in dates and first(dates[before]) > _last(dates[after]):
            yield Message(
                "la date de {one} ({first}) suit celle de {other} ({second}).",
                one=_KINDS[before],
                first=dates[before],
                other=_KINDS[after],
                second=dates[after],
            )
    for at, item in enumerate(listed):
        if first(item["date"])[:10] > context.today:
            kind = str(item.get("type"))
            coming = Message(
                "la date de {kind} ({date}) est à venir.",
                kind=_KINDS.get(kind, kind),
                date=item["date"],
            )
            yield Fault(f"properties.dates[{at}].date", coming)
    if record.time is not None and record.time.extra.get("reversed"):
        yield Fault(
            "time.interval",
            Message("la période couverte finit avant de commencer."),
        )


def first(date: str) -> str:
    """Return the first instant of a date or moment; empty when it is none."""
    try:
        return instant_keys(date)[0]
    except RecordError:
        return ""


def _last(date: str) -> str:
    try:
        return instant_keys(date)[1]
    except RecordError:
        return "~"


def _crs(record: Record, _: Context) -> Iterator[Message | Fault]:
    systems = said(record, "crs") or ()
    if not systems:
        yield Message("aucun système de coordonnées.")
    for at, system in enumerate(systems):
        if not system.startswith("EPSG:") or not _known_crs(system):
            unknown = Message(
                "« {system} » n'est pas un système de coordonnées connu.", system=system[:60]
            )
            yield Fault(f"properties.crs[{at}]", unknown)


@lru_cache(maxsize=1024)
def _known_crs(code: str) -> bool:
    from pyproj import CRS
    from pyproj.exceptions import CRSError

    try:
        CRS.from_user_input(code)
    except CRSError:
        return False
    return True


def _fresh(record: Record, context: Context) -> Iterator[Message]:
    frequency = (said(record, "maintenance") or {}).get("frequency", "")
    if not frequency:
        yield Message("la fréquence de mise à jour n'est pas dite.")
        return
    days = codes.FREQUENCIES.get(frequency, ("", 0))[1]
    dates = [
        first(item["date"]) for item in said(record, "dates") or () if item.get("type") in _KINDS
    ]
    if days and dates and max(dates):
        limit = datetime.fromisoformat(context.today) - timedelta(days=2 * days)
        if max(dates)[:10] < limit.strftime("%Y-%m-%d"):
            yield Message(
                "mise à jour annoncée {often}, mais la dernière date est {date}.",
                often=_FREQUENCIES.get(frequency, frequency),
                date=max(dates)[:10],
            )


_FREQUENCIES = {
    "continual": Message("en continu"),
    "daily": Message("chaque jour"),
    "weekly": Message("chaque semaine"),
    "fortnightly": Message("tous les quinze jours"),
    "monthly": Message("chaque mois"),
    "quarterly": Message("chaque trimestre"),
    "biannually": Message("deux fois par an"),
    "annually": Message("chaque année"),
    "biennially": Message("tous les deux ans"),
}


RULES: tuple[Rule, ...] = (
    Rule(
        "extent",
        Message("l'emprise"),
        "geometry",
        8,
        "error",
        needs("geometry", Message("aucune emprise géographique.")),
        asked("1.7", Message("Sans emprise, la fiche n'est pas trouvée sur la carte")),
        Message("Donner le rectangle englobant, en degrés."),
        DATA,
    ),
    Rule(
        "extent-plausible",
        Message("une emprise plausible"),
        "geometry",
        4,
        "warning",
        _extent,
        Message("Une emprise fausse fait trouver la fiche là où elle n'est pas."),
        Message("Corriger le rectangle englobant."),
    ),
    Rule(
        "extent-place",
        Message("l'emprise et le lieu du titre"),
        "geometry",
        3,
        "warning",
        _named_place,
        Message("Le titre et l'emprise se contredisent."),
        Message("Corriger l'emprise ou le titre."),
    ),
    Rule(
        "date",
        Message("une date"),
        "dates",
        4,
        "error",
        _dated,
        asked("C.14"),
        Message("Donner au moins une date de la ressource."),
    ),
    Rule(
        "dates-order",
        Message("des dates dans l'ordre"),
        "dates",
        3,
        "warning",
        _dates_in_order,
        Message("Des dates en désordre font douter de toutes."),
        Message("Corriger les dates."),
    ),
    Rule(
        "crs",
        Message("le système de coordonnées"),
        "crs",
        3,
        "warning",
        _crs,
        asked("2.1", Message("Sans système connu, la donnée ne se superpose pas à d'autres")),
        Message("Donner un code EPSG, par exemple EPSG:2154."),
        DATA,
    ),
    Rule(
        "resolution",
        Message("la résolution ou l'échelle"),
        "resolution",
        2,
        "info",
        needs("resolution", Message("la résolution spatiale n'est pas dite.")),
        asked("1.9"),
        Message("Donner une échelle ou une distance."),
        DATA,
    ),
    Rule(
        "freshness",
        Message("la fréquence de mise à jour"),
        "maintenance",
        3,
        "info",
        _fresh,
        Message("Une donnée annoncée à jour et qui ne l'est pas trompe."),
        Message("Dire la fréquence de mise à jour, et la tenir ou la corriger."),
    ),
)
