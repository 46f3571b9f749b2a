"""The quality of a dataset as measures: which element of ISO 19157 each rule of the referentials
counts.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple


class Measure(NamedTuple):
    """What counting a rule measures."""

    element: str
    """Element of ISO 19157, by its name in ISO 19139 (``DQ_CompletenessOmission`` ...)."""
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

MEASURES: Mapping[str, Measure] = MappingProxyType(
    {
        "no-point": Measure(_OMISSION, "lignes sans coordonnées"),
        "no-coordinates": Measure(_OMISSION, "source sans coordonnées"),
        "no-geometry": Measure(_OMISSION, "territoires sans contour"),
        "no-population": Measure(_OMISSION, "communes sans population"),
        "no-name": Measure(_OMISSION, "services sans nom"),
        "no-code": Measure(_OMISSION, "lignes sans code"),
        "no-id": Measure(_OMISSION, "lignes sans identifiant"),
        "no-premises": Measure(_OMISSION, "communes sans local compté"),
        "refused-row": Measure(_OMISSION, "lignes de la source laissées de côté"),
        "absent-commune": Measure(_OMISSION, "départements où des communes manquent"),
        "duplicate": Measure(_COMMISSION, "services dits deux fois"),
        "duplicate-id": Measure(_COMMISSION, "identifiants répétés"),
        "foreign-row": Measure(_COMMISSION, "lignes étrangères"),
        "unreadable-coordinates": Measure(_FORMAT, "coordonnées illisibles"),
        "swapped-axes": Measure(_POSITION, "longitude et latitude échangées"),
        "lost-decimal-point": Measure(_POSITION, "virgules décimales perdues"),
        "wrong-crs": Measure(_POSITION, "mètres pris pour des degrés"),
        "impossible-point": Measure(_POSITION, "positions impossibles"),
        "outside-france": Measure(_POSITION, "points hors de France"),
        "outside-projection": Measure(_POSITION, "points hors de leur projection"),
        "outside-territory": Measure(_POSITION, "points hors du territoire"),
        "outside-commune": Measure(_POSITION, "points hors de leur commune"),
        "shared-point": Measure(_POSITION, "services sur un même point"),
        "nominal-point": Measure(_POSITION, "points nominaux"),
        "polygon-as-point": Measure(_POSITION, "surfaces prises pour des points"),
        "wrong-geocoding": Measure(_POSITION, "géocodages faux"),
        "displaced-outline": Measure(_POSITION, "contours déplacés"),
        "invalid-geometry": Measure(_TOPOLOGY, "géométries invalides"),
        "damaged-encoding": Measure(_TEXT, "textes abîmés"),
        "unknown-type": Measure(_CLASS, "catégories sans type"),
        "no-type": Measure(_CLASS, "services sans type"),
        "unknown-commune": Measure(_DOMAIN, "codes de commune inconnus"),
        "code-against-postcode": Measure(_DOMAIN, "codes de commune que le code postal contredit"),
        "outdated-commune": Measure(_TIME, "codes de commune périmés"),
        "lost-zero": Measure(_FORMAT, "codes sans leur zéro"),
        "missing-zero": Measure(_FORMAT, "codes postaux sans leur zéro"),
        "unreadable-hours": Measure(_FORMAT, "horaires illisibles"),
        "unreadable-number": Measure(_FORMAT, "nombres illisibles"),
        "empty-span": Measure(_DOMAIN, "plages horaires sans durée"),
        "ragged-row": Measure(_FORMAT, "lignes de longueur inégale"),
        "sum-mismatch": Measure(_CONCEPT, "totaux qui ne tombent pas juste"),
        "above-total": Measure(_CONCEPT, "parts au-delà du tout"),
    }
)
"""Rule -> measure; a rule that is not here is a matter of format."""


NAMES_2003: Mapping[str, str] = MappingProxyType(
    {"DQ_NonQuantitativeAttributeCorrectness": "DQ_NonQuantitativeAttributeAccuracy"}
)
"""Element of ISO 19157 -> its name of before, where it changed."""
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
"""Elements of ISO 19157, by their names in ISO 19139: those that a report can be."""
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


def description(measure: Mapping[str, Any]) -> str:
    """Return what a document says of a measure: its rule and its rate, or its own words."""
    if measure.get("rule"):
        return f"{measure['rule']} ; part des lignes : {measure.get('rate', '')}"
    return str(measure.get("description", ""))


def described(text: str) -> dict[str, Any]:
    """Return the members that `description` told: the inverse."""
    found = _DESCRIBED.fullmatch(text)
    return (
        {"rule": found["rule"], "rate": number(found["rate"])} if found else {"description": text}
    )


def measures(rules: Mapping[str, int], rows: int) -> list[dict[str, Any]]:
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
            "element": MEASURES.get(rule, Measure(_FORMAT, rule)).element,
            "rule": rule,
            "name": MEASURES.get(rule, Measure(_FORMAT, rule)).name_fr,
            "value": rules[rule],
            "rate": round(rules[rule] / rows, 6) if rows else 0.0,
        }
        for rule in counted
    ]
