"""Phrases that the map, the report, the styles and the terminal share."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

from geoguichet.coverage.study.study import Study
from geoguichet.floor.units import Unit
from geoguichet.floor.words import Message, _, cost, duration, measure, ngettext, weekdays
from geoguichet.referentials.directory.hours import DAY_MINUTES, DAYS, Moment

_CELL_STANDINGS = {
    "served": Message("Carreau desservi"),
    "kiosk": Message("Carreau desservi par un visioguichet"),
    "unserved": Message("Carreau non desservi"),
}
COMMUNE_STANDINGS = {
    "served": Message("Commune desservie"),
    "kiosk": Message("Commune desservie par un visioguichet"),
    "unserved": Message("Commune non desservie"),
}
_UNREACHED = {
    "no_service": Message("aucun à portée"),
    "not_snapped": Message("aucune route assez proche"),
    "closed": Message("la route est fermée"),
    "no_path": Message("aucun trajet n’y mène"),
    "beyond_limit": Message("au-delà de la limite de calcul"),
}
_UNSERVED = {
    "not_chosen": Message(
        "un lieu d’accueil est à portée, mais il n’est pas parmi les plus utiles"
    ),
    "no_candidate": Message("aucun lieu d’accueil à portée"),
    "excluded": Message("seul un lieu exclu par l’étude est à portée"),
    "need_not_offered": Message("il y manque un service que les visioguichets n’offrent pas"),
    "host_closed": Message("les lieux d’accueil à portée ne sont pas assez ouverts"),
    "host_refused": Message(
        "les lieux d’accueil à portée sont écartés par les conditions de l’étude (heures, débit "
        "ou coût)"
    ),
}


def standings(study: Study) -> dict[str, Message]:
    """Return what a demand point is called, by where it stands: served, by a kiosk, or not."""
    return COMMUNE_STANDINGS if study.demand.cells is None else _CELL_STANDINGS


def why_unreached(reason: str, study: Study) -> str:
    """Say why a need is not met, by the reason that the routers give."""
    return str(_UNREACHED[reason]) if reason in _UNREACHED else _not_located(study)


def why_unserved(reason: str, study: Study) -> str:
    """Say why a point stays unserved once the kiosks are open."""
    return str(_UNSERVED[reason]) if reason in _UNSERVED else _not_located(study)


def _not_located(study: Study) -> str:
    if study.demand.cells is None:
        return _("commune non localisée")
    return _("carreau non localisé")


def how_measured(study: Study) -> str:
    """Say from where and along what the map measures."""
    cells, straight = study.demand.cells is not None, study.router.kind == "straight_line"
    if straight and cells:
        return _(
            "Distances à vol d’oiseau, depuis le centre de chaque carreau de population ; le "
            "trajet par la route est plus long."
        )
    if straight:
        return _(
            "Distances à vol d’oiseau, depuis le point qui représente chaque commune ; le trajet "
            "par la route est plus long."
        )
    if cells:
        return _(
            "Trajets sur le réseau de l’étude, depuis le centre de chaque carreau de population."
        )
    return _("Trajets sur le réseau de l’étude, depuis le point qui représente chaque commune.")


def n_people(n: int) -> str:
    """Say how many people: ``1 234 habitants``."""
    return ngettext("{n} habitant", "{n} habitants", n)


def n_kiosks(n: int) -> str:
    """Say how many kiosks."""
    return ngettext("{n} visioguichet", "{n} visioguichets", n)


def n_communes(n: int) -> str:
    """Say how many communes."""
    return ngettext("{n} commune", "{n} communes", n)


def first_of(
    names: Iterable[str], shown: int = 5, whole: Callable[[list[str]], str] = ", ".join
) -> str:
    """Return the first of names and how many more there are.

    Where one more would be all of them, all are named, as ``whole`` lists them.
    """
    every = list(names)
    if len(every) <= shown + 1:
        return whole(every)
    some = ", ".join(every[:shown])
    return ngettext("{names} et {n} autre", "{names} et {n} autres", len(every) - shown, names=some)


def cost_in_table(value: float, unit: Unit) -> str:
    """Write a cost for the columns of a table: minutes, or kilometres to one decimal."""
    return duration(value) if unit is Unit.SECONDS else measure(value / 1000, "km", 1)


def zone_class(low: int, high: int | None, unit: Unit) -> str:
    """Write a class of costs beyond the thresholds: under, from to, and over."""
    if high is None:
        return _("{low} et plus", low=cost(low, unit))
    if low == 0:
        return _("moins de {high}", high=cost(high, unit))
    return _("de {low} à {high}", low=cost(low, unit), high=cost(high, unit))


def joined(parts: Iterable[str]) -> str:
    """Write parts of a sentence one after the other, as semicolons part them."""
    return _(" ; ").join(parts)


def moment(at: Moment) -> str:
    """Write a moment of the week: ``samedi 10 h``, ``Saturday 10:00``."""
    day, (hour, minute) = weekdays()[at.day], divmod(at.minute % DAY_MINUTES, 60)
    if not minute:
        return _("{day} {hour} h", day=day, hour=hour)
    return _("{day} {hour} h {minute}", day=day, hour=hour, minute=f"{minute:02d}")


def opening_hours(text: str) -> str:
    """Write opening hours given in OpenStreetMap's form: ``lun.-ven. 8 h 30-12 h``."""
    names = dict(zip(DAYS, weekdays(short=True), strict=True))
    names |= {"PH": _("jours fériés"), "off": _("fermé")}
    told = re.sub(rf"\b({'|'.join(names)})\b", lambda found: names[found[1]], text)
    told = re.sub(r"\b(\d\d?):(\d\d)\b", _clock, told)
    return re.sub(r",(?=\S)", ", ", re.sub(r"; ?", _(" ; "), told))


def _clock(found: re.Match[str]) -> str:
    hour, minute = int(found[1]), found[2]
    if minute == "00":
        return _("{hour}\u202fh", hour=hour)
    return _("{hour}\u202fh\u202f{minute}", hour=hour, minute=minute)
