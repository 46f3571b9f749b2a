"""« Trouver un guichet »: the nearest right counters from a place, for a need, at a moment.

One function, `answered`, stands behind the page, its JSON, the widget and the process.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from geoguichet.coverage.errors import OrientationError
from geoguichet.coverage.nearest import answer_of, degrees
from geoguichet.floor.errors import UsageError
from geoguichet.floor.words import Unit, _, by_voice, cost, distance, ngettext, weekdays
from geoguichet.portal.kept import Index, is_kiosk
from geoguichet.referentials.directory.hours import (
    DAY_MINUTES,
    WEEK,
    WEEKDAYS_FR,
    Moment,
    clock_told,
    of_day,
    osm_week,
)
from geoguichet.referentials.directory.services import service_name
from geoguichet.referentials.directory.status import Status, status, status_told, when_told
from geoguichet.referentials.territories.gazetteer import plain, resembling

#: The longest text that is looked at; what is longer is cut.
LONGEST = 100
#: Counters told of each sort, and communes or addresses to choose from.
COUNTERS = 3
_CHOICES = 12
#: Closed counters looked at, for the first to open again.
_CLOSED = 20
#: Open counters looked at as the crow flies, for the first by road.
_BY_ROAD = 9
#: Metres past which an open counter is looked for only while nothing at all was found.
_WITHIN = 60_000.0
#: Hours of the day where it is not Paris's.
_ZONES = {
    "971": "America/Guadeloupe", "972": "America/Martinique", "973": "America/Cayenne",
    "974": "Indian/Reunion", "976": "Indian/Mayotte",
}  # fmt: skip
_PARIS = "Europe/Paris"
#: What a distance is rounded up to in a title, in metres.
_STEPS = (100, 1_000, 5_000)


def now_in(departement: str) -> datetime:
    """Return the moment it is in a département."""
    return datetime.now(ZoneInfo(_ZONES.get(departement, _PARIS)))


@dataclass(frozen=True, slots=True)
class When:
    """The moment that is asked about."""

    at: Moment
    #: Whether it is the present one, and whether that hour is past today: next week's is meant.
    now: bool = False
    next_week: bool = False

    @property
    def code(self) -> str:
        """How it is written in an address: ``sam-10:30``; empty for now."""
        hour, minute = divmod(self.at.minute % DAY_MINUTES, 60)
        return "" if self.now else f"{WEEKDAYS_FR[self.at.day][:3]}-{hour:02d}:{minute:02d}"

    @property
    def told(self) -> str:
        """How it is said."""
        if self.now:
            return _("maintenant")
        return when_told(self.at, Moment((self.at.minute - DAY_MINUTES) % WEEK))


def when_asked(text: str, clock: datetime) -> When:
    """Read a moment: empty for now, ``sam-10:30``, ``samedi 10h30``; a weekday is the next one.

    Raises
    ------
    UsageError
        It is none.
    """
    today, minute = clock.date(), clock.hour * 60 + clock.minute
    if not text.strip() or text.strip() == "maintenant":
        return When(Moment(today.weekday() * DAY_MINUTES + minute, today), now=True)
    at = Moment.parse(text if text[:1].isdigit() else text.replace("-", " ", 1))
    if at.on is not None:
        return When(at)
    ahead = (at.day - today.weekday()) % 7
    past = ahead == 0 and at.minute % DAY_MINUTES < minute
    return When(Moment(at.minute, today + timedelta(days=7 if past else ahead)), next_week=past)


class Place(NamedTuple):
    """Where someone starts from: what is asked of the index, and how it is said."""

    asked: str
    name: str
    commune: str = ""
    departement: str = ""


def places(index: Index, text: str) -> list[Place]:
    """Return the places a text may mean: degrees, communes, else addresses of the directory."""
    text = text.strip()[:LONGEST]
    if not text:
        return []
    if degrees(text) is not None:
        return [Place(text, _("votre position"))]
    communes = [
        Place(one.code, f"{one.name} ({one.departement})", one.code, one.departement)
        for one in index.named(text)
    ]
    if communes:
        return communes[:_CHOICES]
    words = plain(text).split()
    found = [
        one
        for told, one in index.addresses
        if words and all(f" {word}" in f" {told}" for word in words)
    ]
    return [_at_counter(one) for one in found[:_CHOICES]]


def _at_counter(feature: Mapping[str, Any]) -> Place:
    told, (lon, lat) = feature["properties"], feature["geometry"]["coordinates"]
    name = ", ".join(filter(None, [told["name"], told.get("address"), told["commune_name"]]))
    return Place(f"{lon:.5f},{lat:.5f}", name, told.get("commune") or "", told["departement"] or "")


def answered(
    index: Index,
    given: Mapping[str, str],
    *,
    clock: Callable[[str], datetime] = now_in,
) -> dict[str, Any]:
    """Return the answer to a question as people put it: ``ou`` (a commune, an address, degrees),
    ``quoi`` (a need) and ``quand`` (a moment, or ``jour`` and ``heure``), each cut to `LONGEST`.

    Returns
    -------
    dict ``question`` (place, need, moment, each with how it is said), ``message`` where there is
        something to say first, ``choices`` where the place may be several, ``open``, ``uncertain``
        and ``closed`` counters, the nearest first; all of them empty without a place.
    """
    asked = {name: text.strip()[:LONGEST] for name, text in given.items()}
    needs = index.needs()
    document: dict[str, Any] = {
        "question": {"ou": asked.get("ou", ""), "quoi": asked.get("quoi", "") or next(iter(needs))},
        "needs": [{"key": key, "label": label} for key, label in needs.items()],
        "title": "", "message": "", "choices": [], "open": [], "uncertain": [], "closed": [],
    }  # fmt: skip
    question = document["question"]
    try:
        question["quoi"] = index.vocabulary.named(question["quoi"]).key
    except OrientationError:
        told = _("« {what} » : ce besoin n'est pas connu ; choisissez-en un dans la liste.",
                 what=question["quoi"])  # fmt: skip
        return document | {"message": told}
    found = places(index, question["ou"])
    place = found[0] if len(found) == 1 else None
    text = asked.get("quand", "")
    if asked.get("jour"):
        text = f"{asked['jour']}-{asked.get('heure') or '10:00'}"
    try:
        when = when_asked(text, clock(place.departement if place else ""))
    except UsageError:
        told = _("« {when} » : un jour et une heure sont attendus, comme sam-10:30.", when=text)
        return document | {"message": told}
    question |= {"quand": when.code, "when": when.told, "need": index.label(question["quoi"])}
    if place is None:
        return document | _which(index, question["ou"], found)
    question |= {"place": place.name, "commune": place.commune, "ou": place.asked}
    return document | _around(index, place, question, when)


# Say which places a text may mean, or which names look like it.
def _which(index: Index, text: str, found: Sequence[Place]) -> dict[str, Any]:
    if not text:
        return {}
    if found:
        told = _("« {text} » peut désigner plusieurs lieux : choisissez le vôtre.", text=text)
        return {"message": told, "choices": [{"ou": one.asked, "name": one.name} for one in found]}
    close = resembling(list(index.communes), text)
    told = _("Aucune commune ni adresse du répertoire ne s'appelle « {text} ».", text=text)
    return {"message": told, "choices": [{"ou": name, "name": name} for name in close]}


def _around(index: Index, place: Place, question: Mapping[str, str], when: When) -> dict[str, Any]:
    try:
        own = index.codes.get(place.asked)
        communes = index.communes if own is None else {own: index.communes[own]}
        told = answer_of(
            index.base, place.asked, question["quoi"], at=when.at, closed=_CLOSED, within=_WITHIN,
            k=COUNTERS if index.roads is None else _BY_ROAD,
            kept=index.kept, communes=communes, counters=index.counters,
        )  # fmt: skip
    except OrientationError:  # a commune without a point
        told = None
    if told is None:
        where = _("Aucun guichet n'est connu autour de {place} pour ce besoin.", place=place.name)
        return {"message": where}
    sorts: dict[str, list[Mapping[str, Any]]] = {"open": [], "unknown": [], "closed": []}
    by_road = index.by_road(place.asked, told.features)
    features = by_road or told.features
    for each in features:
        sorts.get(each["properties"]["opening"], sorts["unknown"]).append(each)
    opened, unsure, shut = (
        [counter_told(each, when.at) for each in some[: _CLOSED if not sorts["open"] else COUNTERS]]
        for some in sorts.values()
    )
    return {
        "title": _title(opened[:COUNTERS]),
        "message": _message(question, opened, unsure, shut),
        "next_week": when.next_week,
        "note": told.errand.note,
        "nearest": counter_told(features[0], when.at),
        "by_road": bool(by_road),
        "open": opened[:COUNTERS],
        "uncertain": unsure[:COUNTERS],
        "closed": shut[:COUNTERS],
    }


def _title(opened: Sequence[Mapping[str, Any]]) -> str:
    if not opened:
        return ""
    farthest = max(one["distance_m"] for one in opened)
    if all("minutes" in one for one in opened):
        far = cost((max(one["minutes"] for one in opened) // 5 + 1) * 300, Unit.SECONDS)
        return _within(len(opened), far)
    step = next(step for step in _STEPS if farthest < 10 * step or step == _STEPS[-1])
    return _within(len(opened), distance((farthest // step + 1) * step))


def _within(many: int, far: str) -> str:
    return ngettext(
        "{n} guichet ouvert à moins de {far}",
        "{n} guichets ouverts à moins de {far}",
        many,
        far=far,
    )


# Say first what the list does not: nothing surely open, all closed; or what the nearest one does.
def _message(
    question: Mapping[str, str],
    opened: Sequence[Mapping[str, Any]],
    unsure: Sequence[Mapping[str, Any]],
    shut: Sequence[Mapping[str, Any]],
) -> str:
    if opened:
        return ""
    known = [one for one in shut if one["opens"]]
    farthest = max([_WITHIN, *(one["distance_m"] for one in shut)])
    asked = {"when": question["when"], "far": distance(farthest)}
    if unsure and (not known or unsure[0]["distance_m"] <= shut[0]["distance_m"]):
        return _(
            "Aucun guichet dont l'ouverture soit certaine {when}. Pour les plus proches, les horaires "
            "manquent ou sont incertains : téléphonez avant de partir.",
            **asked,
        )
    if unsure:
        told = _("Aucun guichet n'est sûrement ouvert {when} à moins de {far}.", **asked)
    else:
        told = _("Aucun guichet n'est ouvert {when} à moins de {far}.", **asked)
    if not known:
        return told
    first = min(known, key=lambda one: (one["opens"], one["distance_m"]))
    name, opens = first["name"], first["opens_told"]
    return f"{told} {_('Le premier à rouvrir : {name}, {opens}.', name=name, opens=opens)}"


def counter_told(feature: Mapping[str, Any], at: Moment) -> dict[str, Any]:
    """Return a counter as it is shown: its name and place, what it is at a moment, its hours that day
    and each day of the week, how to reach it; ``distance_m`` where it was measured.
    """
    told = feature["properties"]
    found = status(told["hours"], at, told["departement"] or "")
    lon, lat = feature["geometry"]["coordinates"]
    city = " ".join(str(told.get(name) or "") for name in ("postcode", "commune_name")).strip()
    distance_m, seconds = told.get("cost_m"), told.get("cost_s")
    return {
        "id": told["id"],
        "name": told["name"],
        "type": _("Visioguichet") if is_kiosk(feature) else service_name(told["type"]),
        "commune": told.get("commune") or "",
        "commune_name": told["commune_name"] or "",
        "status": found.state,
        "status_told": status_told(found, at),
        "open": found.is_open,
        "opens": _iso(found) if found.state == "closed" else "",
        "opens_told": when_told(found.then, at) if found.then else "",
        "day": weekdays()[at.day],
        "hours": hours_on(told["hours"], at.day),
        "week": week_told(told["hours"]),
        "hours_per_week": told["hours_per_week"],
        "address": ", ".join(filter(None, [told.get("address"), city])),
        "telephone": told.get("telephone") or "",
        "wheelchair": told.get("wheelchair") or "unknown",
        "lon": lon,
        "lat": lat,
        **({} if distance_m is None else _far(distance_m)),
        **(
            {}
            if seconds is None
            else {"minutes": round(seconds / 60), "duration": cost(seconds, Unit.SECONDS)}
        ),
    }


def _far(metres: float) -> dict[str, Any]:
    return {"distance_m": round(metres), "distance": distance(metres)}


def _iso(found: Status) -> str:
    then = found.then
    if then is None or then.on is None:
        return ""
    hour, minute = divmod(then.minute % DAY_MINUTES, 60)
    return f"{then.on.isoformat()}T{hour:02d}:{minute:02d}"


@by_voice(4096)
def hours_on(hours: str | None, day: int) -> str:
    """Say when a counter is open on a day of the ordinary week: « de 9 h à 12 h »; « fermé » when it is
    not, empty when nobody knows.
    """
    week = osm_week(hours)
    if week is None or of_day(week.unsure, day):
        return ""
    spans = [
        _("de {start} à {end}", start=clock_told(start), end=clock_told(end))
        for start, end in of_day(week.spans, day)
    ]
    return _(" et ").join(spans) if spans else _("fermé")


def week_told(hours: str | None) -> list[dict[str, str]]:
    """Return the hours of each day of the ordinary week; nothing when nobody knows them."""
    if osm_week(hours) is None:
        return []
    names = weekdays()
    return [
        {"day": name, "hours": hours_on(hours, day) or _("incertain")}
        for day, name in enumerate(names)
    ]


def today(departement: str) -> Moment:
    """Return the present moment in a département."""
    clock = now_in(departement)
    day: date = clock.date()
    return Moment(day.weekday() * DAY_MINUTES + clock.hour * 60 + clock.minute, day)
