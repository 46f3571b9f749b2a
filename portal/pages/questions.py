"""The question of a study as a form asks it: its fields, and the study file that they write.

The fields of all steps stand in the address, so that each state of the form has its own. What a
form does not ask (the use supposed, rules of law) stays as the study it starts from says it.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

from geoguichet.coverage.access.supplements import NETWORKS
from geoguichet.coverage.errors import StudyError
from geoguichet.coverage.holdings import Holdings
from geoguichet.coverage.study.study import SAMPLE, Study, parse_study
from geoguichet.floor.declaration import amount, wrong_at
from geoguichet.floor.words import _, language
from geoguichet.portal.filters import capital
from geoguichet.referentials.directory.services import service_name

type Fields = dict[str, list[str]]
type Document = dict[str, Any]

#: Needs of a form, and characters of a field.
MOST_NEEDS, LONGEST = 12, 300
#: The fields of each step, those of the needs by the end of their names.
STEPS: Sequence[Sequence[str]] = (
    ("dep", "voisins", "reseau", "carreaux"),
    (".cle", ".nom", ".types", ".seuil", ".heures", ".inconnus", "regle", "k"),
    ("kiosques", "nombre", "hotes", "offres", "portee", "ouverts", "cout", "budget", "duree"),
    ("titre", "visibilite"),
)
#: The field that each key of a study comes from, by the form of its place.
_FIELDS = {
    r"territory\.departements": "dep",
    r"territory\.buffer": "voisins",
    r"router.*": "reseau",
    r"demand\.cells.*": "carreaux",
    r"services": "ajouter",
    r"services\.([a-z0-9_-]+)\.types": "{}.types",
    r"services\.([a-z0-9_-]+)\.within": "{}.seuil",
    r"services\.([a-z0-9_-]+)\.min_hours_per_week": "{}.heures",
    r"services\.([a-z0-9_-]+)": "{}.nom",
    r"rule.*": "regle",
    r"kiosks\.count": "nombre",
    r"kiosks\.candidates": "hotes",
    r"kiosks\.offers": "offres",
    r"kiosks\.reach": "portee",
    r"kiosks\.min_hours_per_week": "ouverts",
    r"kiosks\.user_side_cost": "cout",
    r"kiosks\.budget": "budget",
    r"kiosks\.time_limit": "duree",
    r"study\.(title|id)": "titre",
    r"study\.visibility": "visibilite",
}


@dataclass(slots=True)
class Question:
    """What a form asks: its fields as they were typed, the study file they write, what is wrong."""

    fields: Fields
    document: Document
    #: A sentence a field; that of no field stands under the empty name.
    errors: dict[str, str] = field(default_factory=dict)
    study: Study | None = None
    #: What went with a need that was taken away.
    dropped: list[str] = field(default_factory=list)

    def one(self, name: str) -> str:
        """Return the only value of a field; empty when it has none."""
        return (self.fields.get(name) or [""])[0].strip()

    def some(self, name: str, lacking: str) -> list[str]:
        """Return the values of a field; what is ``lacking`` where it has none is wrong with it."""
        if not self.fields.get(name):
            self.errors[name] = lacking
        return self.fields.get(name, [])

    @property
    def wrong_step(self) -> int:
        """The first step that has a field that is wrong, from 1; 0 when none is."""
        return next((step_of(name) for name in sorted(self.errors, key=step_of)), 0)


def step_of(name: str) -> int:
    """Return the step of a field, from 1; the last for what is of none."""
    end = f".{name.rpartition('.')[2]}" if re.match(r"b\d+\.", name) else name
    end = {"ajouter": "regle"}.get(end, end)
    return next((at for at, names in enumerate(STEPS, 1) if end in names), len(STEPS))


def needs_of(fields: Fields) -> list[str]:
    """Return the names before the dot of the fields of each need, in order."""
    found = {match[1] for name in fields if (match := re.match(r"(b\d{1,3})\.", name))}
    return sorted(found, key=lambda name: int(name[1:]))


# --- from a study file to the fields -------------------------------------------------------------


def first_question(held: Holdings) -> Document:
    """Return the question that is proposed first: the State's counters and the town halls, where
    there are some, else the services there are most of.
    """
    state = [kind for kind in ("prefecture", "sous_prefecture") if kind in held.present]
    services: Document = {}
    if state:
        label = _("Guichet de l'État")
        services["etat"] = {"label": label, "types": state, "within": "25 km"}
    if "town_hall" in held.present:
        services["mairie"] = {
            "label": capital(service_name("town_hall")), "types": ["town_hall"], "within": "8 km",
            "min_hours_per_week": 28.0,
        }  # fmt: skip
    if not services:
        most = max(held.services, key=lambda one: one.count).type
        services[most] = {
            "label": capital(service_name(most)),
            "types": [most],
            "within": "8 km",
        }
    return {
        "study": {},
        "territory": {
            "name": held.name,
            "departements": [area.code for area in held.areas],
            "buffer": "40 km",
        },
        "services": services,
        "rule": {"all": list(services)},
        "kiosks": {
            "count": 20, "candidates": [*held.hosts[:1]], "offers": [next(iter(services))],
            "reach": "8 km", "min_hours_per_week": 14.0, "time_limit": "40 s",
        },
    }  # fmt: skip


def relocated(document: Document, held: Holdings) -> Document:
    """Return a study file whose data, roads and cells are those of the same name of the workspace: a
    study that was run elsewhere tells them from the folder of its own file.
    """
    document.setdefault("data", {}).setdefault("source", SAMPLE)
    known = {_file(name): name for name in (held.source, *held.networks, *held.cells)}
    for table, key in (
        (document["data"], "source"),
        (document.get("router", {}), "network"),
        (document.get("demand", {}).get("cells", {}), "file"),
    ):
        if key in table:
            table[key] = known.get(_file(table[key]), table[key])
    return document


def _file(path: str) -> str:
    return path.rpartition("/")[2]


def fields_of(document: Document) -> Fields:
    """Return the fields that a study file fills."""
    ground, router = document["territory"], document.get("router", {})
    fields: Fields = {
        "dep": list(ground.get("departements", ())),
        "voisins": [_told(ground.get("buffer", "0 m"), 1000.0)],
        "reseau": [router.get("network", "")],
        "carreaux": [document.get("demand", {}).get("cells", {}).get("file", "")],
    }
    size = 60.0 if is_timed(document) else 1000.0
    for at, (key, need) in enumerate(document["services"].items(), 1):
        fields |= {
            f"b{at}.cle": [key],
            f"b{at}.nom": [need.get("label", key)],
            f"b{at}.types": list(need["types"]),
            f"b{at}.seuil": [_told(need["within"], size)],
            f"b{at}.heures": [_figure(need.get("min_hours_per_week"))],
            f"b{at}.inconnus": [need.get("unknown_hours", "undecided")],
        }
    rule, kiosks = document["rule"], document.get("kiosks")
    seen = document["study"].get("visibility", "")
    every = "base" if {"all", "at_least"} <= {*rule} else next(iter({*rule} - {"of"}))
    fields |= {"regle": [every], "k": [str(rule.get("at_least", 2))]}
    asked: Document = kiosks or {"count": 20, "min_hours_per_week": 14.0}
    fields |= {
        "kiosques": ["non" if kiosks is None else "oui"],
        "nombre": [_figure(asked.get("count"))],
        "hotes": [*(asked.get("candidates") or ("town_hall",))],
        "offres": [*(asked.get("offers") or document["services"])],
        "portee": [_told(asked["reach"], size) if "reach" in asked else ""],
        "ouverts": [_figure(asked.get("min_hours_per_week"))],
        "cout": [_told(asked["user_side_cost"], 1.0) if "user_side_cost" in asked else ""],
        "budget": [_told(asked["budget"], 1.0) if "budget" in asked else ""],
        "duree": [_told(asked.get("time_limit", "60 s"), 1.0)],
        "titre": [document["study"].get("title", "")],
        "visibilite": [seen if isinstance(seen, str) else " ".join(seen)],
    }
    return fields


# Return a number with its unit as a field holds it: in kilometres, minutes, euros, seconds.
def _told(written: str, size: float) -> str:
    kind = next(kind for kind, units in _KINDS.items() if written.endswith(units))
    return _figure(amount(written, kind, zero=True) / size)


_KINDS = {"money": ("EUR",), "length": (" m", " km"), "minutes": ("s", "min", "h")}


def _figure(value: float | None) -> str:
    return "" if value is None else f"{value:.6f}".rstrip("0").rstrip(".")


def is_timed(document: Document) -> bool:
    """Say whether the thresholds of a study file are times, else lengths."""
    router = document.get("router", {})
    return (
        router.get("kind", "straight_line") != "straight_line" and router.get("metric") != "length"
    )


# --- from the fields to a study file -------------------------------------------------------------


def asked_in(fields: Fields, base: Document, held: Holdings) -> Question:
    """Return the question of a form, which starts from a study file; what is wrong is told, and what
    was typed is kept.
    """
    asked = Question(fields, deepcopy(base))
    document = asked.document
    _ground(asked, held)
    unit = "min" if is_timed(document) else "km"
    keys = _needs(asked, base, unit)
    _kiosks(asked, base, keys, unit)
    _drop_needs(asked)
    told, title = document["study"], asked.one("titre") or _title(document)
    told.setdefault("language", language() if language() == "en" else "fr")
    if seen := asked.one("visibilite").split():
        told["visibility"] = seen if seen[0].isdigit() else seen[0]
    document["study"] = {"id": "", "title": "", **told} | {"id": slug(title), "title": title}
    if not asked.errors:
        try:
            asked.study = parse_study(document)
        except StudyError as error:
            place, why = wrong_at(error)
            asked.errors[_field_of(place, {key: name for name, key in keys.items()})] = why
    return asked


def _field_of(place: str, by_key: Mapping[str, str]) -> str:
    for form, name in _FIELDS.items():
        if match := re.fullmatch(form, place):
            return name.format(by_key.get(match[1], "b1")) if "{}" in name else name
    return ""


def _ground(asked: Question, held: Holdings) -> None:
    document = asked.document
    ground, chosen = document["territory"], asked.fields.get("dep", [])
    known = {area.code: area.name for area in held.areas}
    for code in chosen:
        if code not in {*known, *ground.get("departements", ())}:
            asked.errors["dep"] = _(
                "« {code} » n'est pas un département de ces données ; attendu : {known}.",
                code=code[:20], known=", ".join(known),
            )  # fmt: skip
    if chosen or not {"epci", "arrondissements", "polygon"} & {*ground}:
        ground["departements"] = asked.some("dep", _("Choisissez au moins un département."))
    names = [known[code] for code in known if code in chosen]
    if {*ground} <= {"name", "departements", "buffer"} and names:
        whole = {*known} == {*chosen}
        ground["name"] = held.name if whole else ", ".join(names)
    ground["buffer"] = f"{_number(asked, 'voisins', 'km', zero=True)} km"
    document.setdefault("data", {"source": held.source})
    router, demand = document.get("router", {}), dict(document.get("demand", {}))
    network = _file_of(asked, "reseau", router.get("network", ""), held.networks)
    if network and router.get("network") != network:
        document["router"] = {"kind": "road", "network": network}
    elif not network and "network" in router:
        del document["router"]
    before = demand.get("cells", {}).get("file", "")
    cells = _file_of(asked, "carreaux", before, held.cells)
    if before != cells:
        demand.pop("cells", None)
        document["demand"] = demand | ({"cells": {"file": cells}} if cells else {})


# Return the file that a field names: the one that the study of origin reads (``before``), or one that
# the workspace holds.
def _file_of(asked: Question, name: str, before: str, held: Sequence[str]) -> str:
    file = asked.one(name)
    if file not in ("", before, *held):
        known = ", ".join(held) or _("aucun")
        asked.errors[name] = _(
            "« {given} » n'est pas un fichier de l'espace de travail que cette question puisse "
            "lire ; attendu : {known}.",
            given=file[:80],
            known=known,
        )
    return file


# Write the needs and the rule; return the key of each name of the form.
def _needs(asked: Question, base: Document, unit: str) -> dict[str, str]:
    services: Document = {}
    keys: dict[str, str] = {}
    for name in needs_of(asked.fields)[:MOST_NEEDS]:
        label = asked.one(f"{name}.nom")
        key = asked.one(f"{name}.cle") or slug(label or "besoin", dash="_")
        while key in services or key in ("kiosk", "slack", "unserved"):
            key = f"{key[:50]}_{len(services) + 1}"
        keys[name] = key
        need = dict(base["services"].get(key, {}))
        need |= {
            "label": label or key,
            "types": asked.some(f"{name}.types", _("Cochez au moins un service.")),
            "within": f"{_number(asked, f'{name}.seuil', unit)} {unit}",
            "unknown_hours": asked.one(f"{name}.inconnus") or "undecided",
        }
        need.pop("min_hours_per_week", None)
        if asked.one(f"{name}.heures"):
            need["min_hours_per_week"] = float(_number(asked, f"{name}.heures", ""))
        services[key] = {k: v for k, v in need.items() if (k, v) != ("unknown_hours", "undecided")}
    if not keys:
        asked.errors["ajouter"] = _("Ajoutez au moins un besoin.")
    kind = asked.one("regle") or "all"
    if kind == "at_least":
        asked.document["rule"] = {"at_least": _count(asked, "k"), "of": [*services]}
    elif kind != "base":
        asked.document["rule"] = {"any" if kind == "any" else "all": [*services]}
    asked.document["services"] = services
    return keys


def _kiosks(asked: Question, base: Document, keys: Mapping[str, str], unit: str) -> None:
    if asked.one("kiosques") != "oui":
        asked.document.pop("kiosks", None)
        return
    kiosks: Document = {
        **base.get("kiosks", {}),
        "candidates": asked.some("hotes", _("Cochez au moins un type de lieu.")),
        "offers": [key for key in asked.fields.get("offres", []) if key in keys.values()],
        "reach": f"{_number(asked, 'portee', unit)} {unit}",
    }
    if not kiosks["offers"]:
        asked.errors["offres"] = _("Cochez au moins un besoin.")
    if "count" in kiosks or not base.get("kiosks"):
        kiosks["count"] = _count(asked, "nombre")
    for name, key, end in (
        ("ouverts", "min_hours_per_week", ""),
        ("cout", "user_side_cost", " EUR"),
        ("budget", "budget", " EUR"),
        ("duree", "time_limit", " s"),
    ):
        kiosks.pop(key, None)
        if asked.one(name):
            told = _number(asked, name, end.strip(), zero=True)
            kiosks[key] = f"{told}{end}" if end else float(told)
    asked.document["kiosks"] = kiosks


# Leave out what speaks of a need that is no more, and say so.
def _drop_needs(asked: Question) -> None:
    document, keys = asked.document, {*asked.document["services"], ""}
    legal = document.get("legal", {})
    kept = {rule: need for rule, need in legal.items() if need in keys}
    if len(kept) < len(legal):
        document["legal"] = kept
        asked.dropped.append(_("les règles de droit dont parlait ce besoin"))
    if not kept:
        document.pop("legal", None)
    if document.get("extensions", {}).get("need", "") not in keys:
        del document["extensions"]
        asked.dropped.append(_("les guichets à ouvrir plus longtemps"))


# Return the number of a field as a file writes it; what is wrong with it is told.
def _number(asked: Question, name: str, unit: str, *, zero: bool = False) -> str:
    written = (
        asked.one(name).replace("\N{NO-BREAK SPACE}", "").replace("\N{NARROW NO-BREAK SPACE}", "")
    )
    plain = written.replace(" ", "").replace(",", ".")
    if re.fullmatch(r"\d{1,9}(\.\d{1,6})?", plain) and (zero or float(plain) > 0):
        return _figure(float(plain))
    example = {"km": "8 km", "min": "20 min", "EUR": "10000 EUR", "s": "40 s"}.get(unit, "20")
    asked.errors[name] = (
        _("Un nombre est attendu, par exemple {example}.", example=example)
        if not written
        else _("« {given} » : un nombre est attendu, par exemple {example}.",
               given=written[:40], example=example)
    )  # fmt: skip
    return "1"


# Return how many a field asks; what is no whole number is left for the study to refuse.
def _count(asked: Question, name: str) -> float:
    told = float(_number(asked, name, ""))
    return int(told) if told.is_integer() else told


def _title(document: Document) -> str:
    needs = ", ".join(
        f"{need['label']} ({need['within']})" for need in document["services"].values()
    )
    return _("{ground} : {needs}", ground=document["territory"]["name"], needs=needs)[:200]


def slug(text: str, *, dash: str = "-") -> str:
    """Return a text as an identifier."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", dash, plain).strip(dash)[:50].strip(dash) or "etude"


def networks_beyond(types: Iterable[str]) -> list[str]:
    """Return the national networks that have none of some types of services."""
    return [str(net.label) for net in NETWORKS if {*net.types}.isdisjoint(types)]
