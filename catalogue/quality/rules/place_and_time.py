"""Where and when: extent, reference system, resolution, dates and how fresh the data is."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import lru_cache

from geoguichet.catalogue.errors import RecordError
from geoguichet.catalogue.formats import codes
from geoguichet.catalogue.formats.mapping import said
from geoguichet.catalogue.quality.rules.rule import DATA, Context, Fault, Rule, Words, asked, needs
from geoguichet.catalogue.record import Extent, Record, instant_keys
from geoguichet.catalogue.text import words as words_of


def _extent(record: Record, _: Context) -> Iterator[Words]:
    box = record.extent
    if box is None:
        return
    if (
        box.west == box.east
        and box.south == box.north
        and record.geometry
        and record.geometry["type"] != "Point"
    ):
        yield Words("l'emprise est réduite à un point.", "the extent is no more than a point.")
    if (box.west, box.south, box.east, box.north) == (-180, -90, 180, 90):
        yield Words("l'emprise est le monde entier.", "the extent is the whole world.")
    if box.west == box.south == box.east == box.north == 0:
        yield Words(
            "l'emprise est le point zéro (0° N, 0° E).",
            "the extent is the zero point (0° N, 0° E).",
        )


_CAPITALISED = re.compile(r"(?<!\w)[A-ZÀ-ÖØ-Þ]\w*")


def _named_place(record: Record, context: Context) -> Iterator[Words]:
    """Compare the extent with the place that the title names, the longest name first."""
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
                    yield Words(
                        f"l'emprise ne touche pas « {place} », que le titre nomme.",
                        f"the extent does not touch “{place}”, which the title names.",
                    )
                elif _dwarfs(box, there):
                    yield Words(
                        f"l'emprise déborde largement de « {place} », que le titre nomme.",
                        f"the extent goes far beyond “{place}”, which the title names.",
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
    "creation": Words("création", "creation"),
    "publication": Words("publication", "publication"),
    "revision": Words("révision", "revision"),
}


def _dated(record: Record, _: Context) -> Iterator[Words]:
    kinds = {item.get("type") for item in said(record, "dates") or ()}
    if not kinds & _KINDS.keys():
        yield Words(
            "aucune date de création, de publication ou de révision de la ressource.",
            "no date of creation, publication or revision of the resource.",
        )


def _dates_in_order(record: Record, context: Context) -> Iterator[Words | Fault]:
    listed = said(record, "dates") or ()
    dates = {item.get("type"): item["date"] for item in listed}
    for before, after in (
        ("creation", "publication"),
        ("creation", "revision"),
        ("publication", "revision"),
    ):
        if before in dates and after in dates and first(dates[before]) > _last(dates[after]):
            one, other = _KINDS[before], _KINDS[after]
            yield Words(
                f"la date de {one.fr} ({dates[before]}) suit celle de {other.fr} ({dates[after]}).",
                f"the date of {one.en} ({dates[before]}) comes after that of {other.en} "
                f"({dates[after]}).",
            )
    for at, item in enumerate(listed):
        if first(item["date"])[:10] > context.today:
            kind = _KINDS.get(
                str(item.get("type")), Words(str(item.get("type")), str(item.get("type")))
            )
            words = Words(
                f"la date de {kind.fr} ({item['date']}) est à venir.",
                f"the date of {kind.en} ({item['date']}) is still to come.",
            )
            yield Fault(f"properties.dates[{at}].date", words)
    if record.time is not None and record.time.extra.get("reversed"):
        yield Fault(
            "time.interval",
            Words(
                "la période couverte finit avant de commencer.",
                "the period covered ends before it begins.",
            ),
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


def _crs(record: Record, _: Context) -> Iterator[Words | Fault]:
    systems = said(record, "crs") or ()
    if not systems:
        yield Words("aucun système de coordonnées.", "no coordinate reference system.")
    for at, system in enumerate(systems):
        if not system.startswith("EPSG:") or not _known_crs(system):
            words = Words(
                f"« {system[:60]} » n'est pas un système de coordonnées connu.",
                f"“{system[:60]}” is no known coordinate reference system.",
            )
            yield Fault(f"properties.crs[{at}]", words)


@lru_cache(maxsize=1024)
def _known_crs(code: str) -> bool:
    from pyproj import CRS
    from pyproj.exceptions import CRSError

    try:
        CRS.from_user_input(code)
    except CRSError:
        return False
    return True


def _fresh(record: Record, context: Context) -> Iterator[Words]:
    frequency = (said(record, "maintenance") or {}).get("frequency", "")
    if not frequency:
        yield Words(
            "la fréquence de mise à jour n'est pas dite.", "the update frequency is not given."
        )
        return
    days = codes.FREQUENCIES.get(frequency, ("", 0))[1]
    dates = [
        first(item["date"]) for item in said(record, "dates") or () if item.get("type") in _KINDS
    ]
    if days and dates and max(dates):
        limit = datetime.fromisoformat(context.today) - timedelta(days=2 * days)
        if max(dates)[:10] < limit.strftime("%Y-%m-%d"):
            told = _FREQUENCIES.get(frequency, Words(frequency, frequency))
            yield Words(
                f"mise à jour annoncée {told.fr}, mais la dernière date est {max(dates)[:10]}.",
                f"said to be updated {told.en}, but its last date is {max(dates)[:10]}.",
            )


_FREQUENCIES = {
    "continual": Words("en continu", "continually"),
    "daily": Words("chaque jour", "daily"),
    "weekly": Words("chaque semaine", "weekly"),
    "fortnightly": Words("tous les quinze jours", "every fortnight"),
    "monthly": Words("chaque mois", "monthly"),
    "quarterly": Words("chaque trimestre", "quarterly"),
    "biannually": Words("deux fois par an", "twice a year"),
    "annually": Words("chaque année", "yearly"),
    "biennially": Words("tous les deux ans", "every other year"),
}


RULES: tuple[Rule, ...] = (
    Rule(
        "extent",
        Words("l'emprise", "the extent"),
        "geometry",
        8,
        "error",
        needs("geometry", "aucune emprise géographique.", "no geographic extent."),
        asked(
            "1.7",
            "Sans emprise, la fiche n'est pas trouvée sur la carte",
            "Without an extent no map finds the record",
        ),
        Words("Donner le rectangle englobant, en degrés.", "Give the bounding box, in degrees."),
        DATA,
    ),
    Rule(
        "extent-plausible",
        Words("une emprise plausible", "a plausible extent"),
        "geometry",
        4,
        "warning",
        _extent,
        Words(
            "Une emprise fausse fait trouver la fiche là où elle n'est pas.",
            "A wrong extent makes the record found where it is not.",
        ),
        Words("Corriger le rectangle englobant.", "Correct the bounding box."),
    ),
    Rule(
        "extent-place",
        Words("l'emprise et le lieu du titre", "the extent and the title's place"),
        "geometry",
        3,
        "warning",
        _named_place,
        Words(
            "Le titre et l'emprise se contredisent.",
            "The title and the extent contradict each other.",
        ),
        Words("Corriger l'emprise ou le titre.", "Correct the extent or the title."),
    ),
    Rule(
        "date",
        Words("une date", "a date"),
        "dates",
        4,
        "error",
        _dated,
        asked("C.14"),
        Words(
            "Donner au moins une date de la ressource.", "Give at least one date of the resource."
        ),
    ),
    Rule(
        "dates-order",
        Words("des dates dans l'ordre", "dates in order"),
        "dates",
        3,
        "warning",
        _dates_in_order,
        Words(
            "Des dates en désordre font douter de toutes.",
            "Dates out of order cast doubt on all of them.",
        ),
        Words("Corriger les dates.", "Correct the dates."),
    ),
    Rule(
        "crs",
        Words("le système de coordonnées", "the coordinate reference system"),
        "crs",
        3,
        "warning",
        _crs,
        asked(
            "2.1",
            "Sans système connu, la donnée ne se superpose pas à d'autres",
            "Without a known system, the data cannot be laid over others",
        ),
        Words(
            "Donner un code EPSG, par exemple EPSG:2154.",
            "Give an EPSG code, for instance EPSG:2154.",
        ),
        DATA,
    ),
    Rule(
        "resolution",
        Words("la résolution ou l'échelle", "the resolution or scale"),
        "resolution",
        2,
        "info",
        needs(
            "resolution",
            "la résolution spatiale n'est pas dite.",
            "the spatial resolution is not given.",
        ),
        asked("1.9"),
        Words("Donner une échelle ou une distance.", "Give a scale or a distance."),
        DATA,
    ),
    Rule(
        "freshness",
        Words("la fréquence de mise à jour", "the update frequency"),
        "maintenance",
        3,
        "info",
        _fresh,
        Words(
            "Une donnée annoncée à jour et qui ne l'est pas trompe.",
            "Data said to be up to date that is not misleads.",
        ),
        Words(
            "Dire la fréquence de mise à jour, et la tenir ou la corriger.",
            "Give the update frequency, and keep to it or correct it.",
        ),
    ),
)
