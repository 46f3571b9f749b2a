"""The quality of a dataset as measures: which element of ISO 19157 each rule of the referentials counts."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple


class Measure(NamedTuple):
    """What counting a rule measures."""

    element: str
    """Element of ISO 19157, by its name in ISO 19139 (``DQ_CompletenessOmission`` ...)."""
    name_fr: str


_OMISSION, _COMMISSION = "DQ_CompletenessOmission", "DQ_CompletenessCommission"
_POSITION, _DOMAIN, _FORMAT = "DQ_AbsoluteExternalPositionalAccuracy", "DQ_DomainConsistency", "DQ_FormatConsistency"
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


def measures(rules: Mapping[str, int], rows: int) -> list[dict[str, Any]]:
    """Return the counts by rule as measures, the most counted first; repairs (``fixed-...``) are not defects.

    Each has ``element``, ``rule``, ``name``, ``value`` (a count of rows or findings), and ``rate`` over `rows`.
    """
    counted = sorted((rule for rule in rules if not rule.startswith("fixed-")), key=lambda rule: (-rules[rule], rule))
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
