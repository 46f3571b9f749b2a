"""The quality of a dataset as measures: which element of ISO 19157 each rule of the referentials
counts.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

from geoguichet.catalogue.formats.mapping import Measure


class Counted(NamedTuple):
    """What counting a rule measures."""

    #: Element of ISO 19157, by its name in ISO 19139 (``DQ_CompletenessOmission`` ...).
    element: str
    name_fr: str


_OMISSION, _COMMISSION = "DQ_CompletenessOmission", "DQ_CompletenessCommission"
_POSITION, _DOMAIN, _FORMAT = (
    "DQ_AbsoluteExternalPositionalAccuracy",
    "DQ_DomainConsistency",
    "DQ_FormatConsistency",
)
_TOPOLOGY, _CONCEPT, _CLASS = (
    "DQ_TopologicalConsistency",
    "DQ_ConceptualConsistency",
    "DQ_ThematicClassificationCorrectness",
)
_TEXT, _TIME = "DQ_NonQuantitativeAttributeAccuracy", "DQ_TemporalValidity"

#: Rule -> measure; a rule that is not here is a matter of format.
MEASURES: Mapping[str, Counted] = MappingProxyType(
    {
        "no-point": Counted(_OMISSION, "lignes sans coordonnées"),
        "no-coordinates": Counted(_OMISSION, "source sans coordonnées"),
        "no-geometry": Counted(_OMISSION, "territoires sans contour"),
        "no-population": Counted(_OMISSION, "communes sans population"),
        "no-name": Counted(_OMISSION, "services sans nom"),
        "no-code": Counted(_OMISSION, "lignes sans code"),
        "no-id": Counted(_OMISSION, "lignes sans identifiant"),
        "no-premises": Counted(_OMISSION, "communes sans local compté"),
        "refused-row": Counted(_OMISSION, "lignes de la source laissées de côté"),
        "absent-commune": Counted(_OMISSION, "départements où des communes manquent"),
        "duplicate": Counted(_COMMISSION, "services dits deux fois"),
        "duplicate-id": Counted(_COMMISSION, "identifiants répétés"),
        "foreign-row": Counted(_COMMISSION, "lignes étrangères"),
        "unreadable-coordinates": Counted(_FORMAT, "coordonnées illisibles"),
        "swapped-axes": Counted(_POSITION, "longitude et latitude échangées"),
        "lost-decimal-point": Counted(_POSITION, "virgules décimales perdues"),
        "wrong-crs": Counted(_POSITION, "mètres pris pour des degrés"),
        "impossible-point": Counted(_POSITION, "positions impossibles"),
        "outside-france": Counted(_POSITION, "points hors de France"),
        "outside-projection": Counted(_POSITION, "points hors de leur projection"),
        "outside-territory": Counted(_POSITION, "points hors du territoire"),
        "outside-commune": Counted(_POSITION, "points hors de leur commune"),
        "shared-point": Counted(_POSITION, "services sur un même point"),
        "nominal-point": Counted(_POSITION, "points nominaux"),
        "polygon-as-point": Counted(_POSITION, "surfaces prises pour des points"),
        "wrong-geocoding": Counted(_POSITION, "géocodages faux"),
        "displaced-outline": Counted(_POSITION, "contours déplacés"),
        "invalid-geometry": Counted(_TOPOLOGY, "géométries invalides"),
        "damaged-encoding": Counted(_TEXT, "textes abîmés"),
        "unknown-type": Counted(_CLASS, "catégories sans type"),
        "no-type": Counted(_CLASS, "services sans type"),
        "unknown-commune": Counted(_DOMAIN, "codes de commune inconnus"),
        "code-against-postcode": Counted(_DOMAIN, "codes de commune que le code postal contredit"),
        "outdated-commune": Counted(_TIME, "codes de commune périmés"),
        "lost-zero": Counted(_FORMAT, "codes sans leur zéro"),
        "missing-zero": Counted(_FORMAT, "codes postaux sans leur zéro"),
        "unreadable-hours": Counted(_FORMAT, "horaires illisibles"),
        "unreadable-number": Counted(_FORMAT, "nombres illisibles"),
        "empty-span": Counted(_DOMAIN, "plages horaires sans durée"),
        "ragged-row": Counted(_FORMAT, "lignes de longueur inégale"),
        "sum-mismatch": Counted(_CONCEPT, "totaux qui ne tombent pas juste"),
        "above-total": Counted(_CONCEPT, "parts au-delà du tout"),
    }
)


#: Element of ISO 19157 -> its name of before, where it changed.
NAMES_2003: Mapping[str, str] = MappingProxyType(
    {"DQ_NonQuantitativeAttributeCorrectness": "DQ_NonQuantitativeAttributeAccuracy"}
)
#: Elements of ISO 19157, by their names in ISO 19139: those that a report can be.
ELEMENTS = frozenset(
    {
        *(measure.element for measure in MEASURES.values()),
        "DQ_GriddedDataPositionalAccuracy",
        "DQ_RelativeInternalPositionalAccuracy",
        "DQ_AccuracyOfATimeMeasurement",
        "DQ_TemporalConsistency",
        "DQ_QuantitativeAttributeAccuracy",
    }
)
_DESCRIBED = re.compile(r"(?P<rule>[a-z0-9-]+) ; part des lignes : (?P<rate>[0-9.e-]+)")


def number(text: str) -> int | float | str:
    """Return a number as it is written, or the text when it would be written otherwise."""
    for kind in (int, float):
        try:
            if str(kind(text)) == text:
                return kind(text)
        except ValueError:
            continue
    return text


def description(measure: Measure) -> str:
    """Return what a document says of a measure: its rule and its rate, or its own words."""
    if measure.get("rule"):
        return f"{measure['rule']} ; part des lignes : {measure.get('rate', '')}"
    return str(measure.get("description", ""))


def described(text: str) -> Measure:
    """Return the members that `description` told: the inverse."""
    if found := _DESCRIBED.fullmatch(text):
        return {"rule": found["rule"], "rate": number(found["rate"])}
    return {"description": text} if text else {}


def measures(rules: Mapping[str, int], rows: int) -> list[Measure]:
    """Return the counts by rule as measures, the most counted first; repairs (``fixed-...``) are
    not defects.

    Each has ``element``, ``rule``, ``name``, ``value`` (a count of rows or findings), and ``rate``
    over `rows`.
    """
    counted = sorted(
        (rule for rule in rules if not rule.startswith("fixed-")),
        key=lambda rule: (-rules[rule], rule),
    )
    return [
        {
            "element": MEASURES.get(rule, Counted(_FORMAT, rule)).element,
            "rule": rule,
            "name": MEASURES.get(rule, Counted(_FORMAT, rule)).name_fr,
            "value": rules[rule],
            "rate": round(rules[rule] / rows, 6) if rows else 0.0,
        }
        for rule in counted
    ]
