"""What the records that we write ourselves say in the same words: access, conformity, languages."""

from __future__ import annotations

from typing import Any

OPEN_ACCESS: dict[str, Any] = {"kind": "legal", "other": [{"text": "Pas de restriction d'accès public"}]}
"""A constraint: everybody may have it, as INSPIRE asks to be said (limitations on public access)."""

NOT_EVALUATED: dict[str, Any] = {
    "title": "Règlement (UE) n° 1089/2010 de la Commission",
    "date": "2010-12-08",
    "dateType": "publication",
    "explanation": "Non évaluée.",
}
"""Conformity to the regulation on the interoperability of data, which nobody has evaluated."""

FRENCH = [{"code": "fre"}]
"""The languages of data in French."""
