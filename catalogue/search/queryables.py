"""What a record can be asked about: the properties of a filter, of a sort and of a facet, named
once.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

type Kind = Literal["text", "number", "boolean", "instant", "interval", "geometry", "array"]
"""The kinds of value of CQL2; an array holds texts."""


@dataclass(frozen=True, slots=True)
class Queryable:
    """One property: its kind, its names for readers, and what else it is good for."""

    kind: Kind
    fr: str
    en: str
    sortable: bool = False
    facet: Literal["", "term", "histogram"] = ""


QUERYABLES: Mapping[str, Queryable] = MappingProxyType(
    {
        "id": Queryable("text", "Identifiant", "Identifier", sortable=True),
        "type": Queryable("text", "Type", "Type", sortable=True, facet="term"),
        "title": Queryable("text", "Titre", "Title", sortable=True),
        "description": Queryable("text", "Résumé", "Description"),
        "keywords": Queryable("array", "Mots-clés", "Keywords", facet="term"),
        "themes": Queryable("array", "Thèmes", "Themes", facet="term"),
        "organization": Queryable("array", "Organismes", "Organisations", facet="term"),
        "format": Queryable("array", "Formats", "Formats", facet="term"),
        "license": Queryable("text", "Licence", "Licence", facet="term"),
        "rights": Queryable("text", "Droits", "Rights"),
        "language": Queryable("text", "Langue", "Language"),
        "externalIds": Queryable("array", "Autres identifiants", "External identifiers"),
        "created": Queryable("instant", "Création de la fiche", "Record created", sortable=True),
        "updated": Queryable(
            "instant", "Mise à jour de la fiche", "Record updated", sortable=True, facet="histogram"
        ),
        "time": Queryable("interval", "Période", "Period"),
        "geometry": Queryable("geometry", "Géométrie", "Geometry"),
        "west": Queryable("number", "Longitude ouest (degrés)", "West longitude (degrees)"),
        "south": Queryable("number", "Latitude sud (degrés)", "South latitude (degrees)"),
        "east": Queryable("number", "Longitude est (degrés)", "East longitude (degrees)"),
        "north": Queryable("number", "Latitude nord (degrés)", "North latitude (degrees)"),
    }
)
"""``themes`` are the identifiers of the concepts, ``organization`` the organisations of the
contacts.
"""

SORTABLES = tuple(name for name, queryable in QUERYABLES.items() if queryable.sortable)
"""Properties a search can be sorted by."""

TERM_FACETS = tuple(name for name, queryable in QUERYABLES.items() if queryable.facet == "term")
FACETS = tuple(name for name, queryable in QUERYABLES.items() if queryable.facet)
"""Properties whose values are counted: those of `TERM_FACETS` one by one, ``updated`` by year."""
