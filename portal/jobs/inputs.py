"""What each process takes: told to machines by the declared model of a study, checked before a job is
kept.
"""

import json
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from jsonschema import Draft202012Validator

from geoguichet.floor.viewer import Viewer
from geoguichet.floor.words import Message, _, language, speaking
from geoguichet.portal.errors import ParameterError
from geoguichet.portal.jobs.grounds import Ground, files_of, study_of
from geoguichet.portal.usual import SERVICES, THRESHOLDS

if TYPE_CHECKING:
    from geoguichet.coverage.study.study import Study

type Inputs = Mapping[str, Any]
#: Checks inputs of the right shape for who asks, and returns the files that they name.
type Check = Callable[[Inputs, Ground, Viewer], Mapping[str, str]]

MOST_SERVICES = 12
#: What isochrones are asked of at most: places, thresholds; and scenarios of a sensitivity on an axis.
MOST_PLACES, MOST_WITHIN, MOST_FACTORS = 50, 5, 10
#: Bytes of a document of records sent to be imported.
MOST_IMPORTED = 5_000_000
#: The types of JSON in the words of who reads a refusal.
_TYPES = {
    "string": Message("texte"),
    "number": Message("nombre"),
    "integer": Message("nombre entier"),
    "boolean": Message("vrai ou faux"),
    "array": Message("liste"),
    "object": Message("table"),
}


def described(
    title: Message | str, about: Message | str, schema: Mapping[str, Any], *, least: int = 0
) -> dict[str, Any]:
    """Return the description of an input, which may be left out unless it is asked ``least`` once."""
    return {
        "title": str(title),
        "description": str(about),
        "schema": dict(schema),
        "minOccurs": least,
        "maxOccurs": 1,
    }


def check_shape(inputs: Inputs, asked: Mapping[str, Any]) -> None:
    """Refuse (ParameterError) an input that is not ``asked`` (as `described`), one that is missing, one
    that its schema does not fit; the tables of a study are for its own reader, who says more.
    """
    for name in [*inputs, *(name for name, one in asked.items() if one["minOccurs"])]:
        if name not in asked:
            known = ", ".join(f"{each} ({_in_words(one['schema'])})" for each, one in asked.items())
            told = _("{name} : entrée inconnue ; attendu {known}.", name=name[:60], known=known)
            raise ParameterError(told)
        if name not in inputs:
            raise ParameterError(_("{name} : cette entrée est attendue et manque.", name=name))
        schema = asked[name]["schema"]
        if name in _tables(language()) or Draft202012Validator(schema).is_valid(inputs[name]):
            continue
        told = _(
            "{name} : {given} ne convient pas ; attendu : {kind} (JSON Schema {schema}).",
            name=name,
            kind=_in_words(schema),
            given=json.dumps(inputs[name], ensure_ascii=False)[:60],
            schema=json.dumps(schema, ensure_ascii=False),
        )
        raise ParameterError(told)


# Return what a schema asks for, in words: its types, or those of its choices.
def _in_words(schema: Mapping[str, Any]) -> str:
    choices = (schema, *schema.get("oneOf", ()), *schema.get("anyOf", ()))
    kinds = {one["type"] for one in choices if isinstance(one.get("type"), str)}
    return _(" ou ").join(sorted(str(_TYPES[kind]) for kind in kinds)) or _("valeur")


# --- the tables of a study -----------------------------------------------------------------------


def study_inputs(*required: str) -> dict[str, Any]:
    """Return the tables of a study's file, each an input."""
    tables = _tables(language())
    return {
        name: described(name, told.get("description", ""), told, least=int(name in required))
        for name, told in tables.items()
    }


@lru_cache(maxsize=8)
def _tables(spoken: str) -> Mapping[str, dict[str, Any]]:
    from geoguichet.coverage.study.schema import study_schema

    with speaking(spoken):
        schema = study_schema()
    return {name: _flattened(one, schema["$defs"]) for name, one in schema["properties"].items()}


# Put what a schema refers to in its place.
def _flattened(told: Any, definitions: Mapping[str, Any]) -> Any:
    if isinstance(told, list):
        return [_flattened(one, definitions) for one in told]
    if not isinstance(told, Mapping):
        return told
    own = {key: _flattened(value, definitions) for key, value in told.items() if key != "$ref"}
    if "$ref" not in told:
        return own
    return {**_flattened(definitions[told["$ref"].rpartition("/")[2]], definitions), **own}


def study_asked(inputs: Inputs, ground: Ground, viewer: Viewer, *more: str) -> "Study":
    """Return the study that inputs ask, those named ``more`` apart."""
    document = {name: table for name, table in inputs.items() if name not in more}
    heading = {"study": {"id": "api", "title": "API"}}
    return study_of({**heading, **document}, ground, viewer=viewer)


def check_study(inputs: Inputs, ground: Ground, viewer: Viewer) -> Mapping[str, str]:
    """Check a study that is to be kept, by whom it may be."""
    study = study_asked(inputs, ground, viewer)
    if viewer.may("contributor") and not viewer.may("editor") and study.visibility != "draft":
        raise ParameterError(
            _("study.visibility : un contributeur garde un brouillon ; attendu draft.")
        )
    return files_of(study)


def sensitivity_inputs() -> dict[str, Any]:
    """Return the tables of a study, and what multiplies its thresholds and its times."""
    factor = {"type": "number", "minimum": 0.1, "maximum": 10}
    factors = {"type": "array", "items": factor, "minItems": 1, "maxItems": MOST_FACTORS}
    told = {
        "thresholds": Message("ce qui multiplie tous les seuils (0.8,0.9,1,1.1,1.2)"),
        "congestion": Message("ce qui multiplie les temps de voiture (0.9,1,1.15,1.3)"),
    }
    return study_inputs("services", "rule") | {
        name: described(name, about, factors) for name, about in told.items()
    }


def compare_inputs() -> dict[str, Any]:
    """Return the two sides of a comparison."""
    schema = {"oneOf": [{"type": "string", "maxLength": 63}, {"type": "object"}]}
    about = Message(
        "Le nom d'une étude du portail, ou une étude entière : les tables de son fichier."
    )
    titles = {"before": Message("Avant"), "after": Message("Après")}
    return {name: described(title, about, schema, least=1) for name, title in titles.items()}


def check_compared(inputs: Inputs, ground: Ground, viewer: Viewer) -> Mapping[str, str]:
    """Check the two sides of a comparison."""
    files: dict[str, str] = {}
    for name in ("before", "after"):
        if isinstance(side := inputs[name], Mapping):
            study = study_asked(side, ground, viewer)
            files |= {f"{name}.{key}": file for key, file in files_of(study).items()}
        else:
            ground.study(viewer, side)
    return files


# --- isochrones ----------------------------------------------------------------------------------


def isochrone_inputs() -> dict[str, Any]:
    """Return what isochrones are asked."""
    axes = [{"type": "number", "minimum": -most, "maximum": most} for most in (180, 90)]
    degrees = {"type": "array", "prefixItems": axes, "minItems": 2, "maxItems": 2}
    texts = {"type": "array", "items": {"type": "string"}, "minItems": 1, "maxItems": MOST_WITHIN}
    places = {"type": "array", "items": degrees, "minItems": 1, "maxItems": MOST_PLACES}
    router, step = _tables(language())["router"], {"type": "string", "default": "500 m"}
    where = Message("En degrés : [[longitude, latitude], …].")
    far = Message('Des distances ou des temps : ["10 min", "20 min"].')
    return {
        "points": described(Message("Lieux"), where, places, least=1),
        "within": described(Message("Seuils"), far, texts, least=1),
        "router": described(Message("Chemins"), router["description"], router),
        "cell": described(Message("Pas"), Message("Le pas de la grille (« 500 m »)."), step),
    }


def router_study(inputs: Inputs, ground: Ground, viewer: Viewer) -> "Study":
    """Return a study that is asked by the router of some inputs, which a study's checks hold for."""
    router = inputs.get("router", {})
    kind = router.get("kind", "") if isinstance(router, Mapping) else ""
    within = "8 km" if kind in ("", "straight_line") else inputs["within"][0]
    document = {
        "router": router,
        "services": {"x": {"types": ["town_hall"], "within": within}},
        "rule": {"all": ["x"]},
        "territory": {"name": "API", "departements": ["09"]},
    }
    return study_asked(document, ground, viewer)


# --- white zones ---------------------------------------------------------------------------------


def white_zone_inputs() -> dict[str, Any]:
    """Return what white zones are asked: services, thresholds and a rule, as a study declares them."""
    tables = _tables(language())
    return {
        "services": described("Services", Message(
            "Les besoins, par clé : les types de service qui y répondent et, au choix, les "
            "heures d'ouverture par semaine exigées."
        ), {"type": "object", "maxProperties": MOST_SERVICES, "default": SERVICES}),
        "thresholds": described(Message("Seuils"), Message(
            "La distance acceptée pour chaque besoin, avec son unité (« 8 km »)."
        ), {"type": "object", "default": THRESHOLDS}),
        "rule": described(Message("Règle"), Message(
            "Comment les besoins se combinent : all (tous), any (un seul suffit) ou at_least "
            "(un nombre)."
        ), {**tables["rule"], "default": {"all": list(SERVICES)}}),
    }  # fmt: skip


def study_document(inputs: Inputs) -> dict[str, Any]:
    """Return the inputs of ``white-zones`` as a study document (what a study file holds);
    ParameterError names a wrong input.
    """
    services = {
        key: _mapping(f"services.{key}", item)
        for key, item in _mapping("services", inputs.get("services", SERVICES)).items()
    }
    if len(services) > MOST_SERVICES:
        raise ParameterError(
            _(
                "services : au plus {most} besoins sont attendus, {given} sont donnés.",
                most=MOST_SERVICES,
                given=len(services),
            )
        )
    thresholds = _mapping("thresholds", inputs.get("thresholds", THRESHOLDS))
    for key in thresholds:
        if key not in services and "thresholds" in inputs:
            raise ParameterError(
                _(
                    "thresholds.{key} : aucun service de ce nom ; attendu {known}.",
                    key=key,
                    known=", ".join(services),
                )
            )
    return {
        "study": {"id": "api", "title": "Zones blanches"},
        "services": {
            key: dict(service) | ({"within": thresholds[key]} if key in thresholds else {})
            for key, service in services.items()
        },
        "rule": dict(_mapping("rule", inputs.get("rule", {"all": list(services)}))),
    }


def _mapping(name: str, value: object) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        given = json.dumps(value)[:60]
        raise ParameterError(
            _("{name} : un objet est attendu, reçu {given}.", name=name, given=given)
        )
    return value


# --- texts: a place, records ---------------------------------------------------------------------


def texts_of(told: Mapping[str, tuple[Message, Message, int]], most: int = 100) -> dict[str, Any]:
    """Return inputs that are texts: by name a title, what it means, and 1 where it is expected."""
    schema = {"type": "string", "maxLength": most}
    return {
        name: described(title, about, schema, least=least)
        for name, (title, about, least) in told.items()
    }
