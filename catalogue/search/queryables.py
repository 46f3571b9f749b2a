"""What a record can be asked about: a row for each property, that says all there is to know of it.

A filter, a sort, a facet, an exact value, the index and the pages read these rows: a property is
added here and nowhere else.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from geoguichet.catalogue.record import Record
from geoguichet.floor.words import Message

#: The kinds of value of CQL2; an array holds texts.
type Kind = Literal["text", "number", "boolean", "instant", "interval", "geometry", "array"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Queryable:
    """One property: its kind, its name for readers, where it is found, what it is good for."""

    kind: Kind
    title: Message
    #: Its value as SQL on the row ``record``: for an array, the query of its values; for an instant
    #: or an interval, the key of its start. By default its terms, for an array, else the member of
    #: the document's properties.
    sql: str = ""
    #: The key of its end, for an instant or an interval.
    sql_end: str = ""
    #: What a search is sorted by, as SQL; empty when none can be. An index makes it quick.
    sort: str = ""
    #: The values that a record is indexed by, one by one: what a facet counts, what a parameter of
    #: the property's name compares exactly. The store indexes itself anew when a property gains
    #: them.
    terms: Callable[[Record], Iterable[str]] | None = None
    #: How its values are counted: one by one, or by year.
    facet: Literal["", "term", "histogram"] = ""
    #: On the catalogue's page, the place of its facet and how many values are shown.
    page: tuple[int, int] | None = None
    #: Which list names its values for readers, where they are codes: ``type``, ``license`` ...
    labels: str = ""
    #: Whether records hold it under its name, rather than it being worked out of others.
    is_member: bool = True


def _texts(record: Record, member: str) -> Iterator[str]:
    """Yield the texts of an added member: itself, those of its list, or the names in it."""
    held = record.extra_properties.get(member)
    for item in held if isinstance(held, list) else [held]:
        told = item.get("name") if isinstance(item, dict) else item
        if isinstance(told, str):
            yield told


def _side(name: str, title: Message) -> Queryable:
    """Return the row of a side of the extent."""
    return Queryable(kind="number", title=title, sql=f"record.{name}", is_member=False)


#: ``themes`` are the identifiers of the concepts, ``organization`` the organisations of the
#: contacts.
QUERYABLES: Mapping[str, Queryable] = MappingProxyType(
    {
        "id": Queryable(
            kind="text", title=Message("Identifiant"), sql="record.id", sort="record.id"
        ),
        "type": Queryable(
            kind="text",
            title=Message("Type"),
            sql="record.type",
            sort="record.type",
            terms=lambda record: (record.type,),
            facet="term",
            page=(1, 10),
            labels="type",
        ),
        "title": Queryable(
            kind="text", title=Message("Titre"), sql="record.name", sort="record.title"
        ),
        "description": Queryable(kind="text", title=Message("Résumé")),
        "keywords": Queryable(
            kind="array",
            title=Message("Mots-clés"),
            terms=lambda record: record.keywords,
            facet="term",
            page=(3, 12),
        ),
        "themes": Queryable(
            kind="array",
            title=Message("Thèmes"),
            terms=lambda record: (item.id for theme in record.themes for item in theme.concepts),
            facet="term",
            page=(4, 8),
            labels="theme",
        ),
        "organization": Queryable(
            kind="array",
            title=Message("Organismes"),
            terms=lambda record: (contact.organization for contact in record.contacts),
            facet="term",
            page=(2, 8),
            is_member=False,
        ),
        "format": Queryable(
            kind="array",
            title=Message("Formats"),
            terms=lambda record: _texts(record, "formats"),
            facet="term",
            is_member=False,
        ),
        "license": Queryable(
            kind="text",
            title=Message("Licence"),
            sql="record.license",
            terms=lambda record: (record.license,),
            facet="term",
            page=(5, 8),
            labels="license",
        ),
        "rights": Queryable(kind="text", title=Message("Droits")),
        "language": Queryable(
            kind="text", title=Message("Langue"), sql="record.language", is_member=False
        ),
        "externalIds": Queryable(
            kind="array",
            title=Message("Autres identifiants"),
            sql="SELECT e.value FROM external_id AS e WHERE e.n = record.n",
        ),
        "created": Queryable(
            kind="instant",
            title=Message("Création de la fiche"),
            sql="record.created",
            sql_end="record.created_last",
            sort="record.created",
        ),
        "updated": Queryable(
            kind="instant",
            title=Message("Mise à jour de la fiche"),
            sql="record.updated",
            sql_end="record.updated_last",
            sort="record.updated",
            facet="histogram",
        ),
        "time": Queryable(
            kind="interval",
            title=Message("Période"),
            sql="record.first",
            sql_end="record.last",
        ),
        "geometry": Queryable(
            kind="geometry",
            title=Message("Géométrie"),
            sql="(SELECT wkb FROM shape WHERE shape.n = record.n)",
        ),
        "west": _side("west", Message("Longitude ouest (degrés)")),
        "south": _side("south", Message("Latitude sud (degrés)")),
        "east": _side("east", Message("Longitude est (degrés)")),
        "north": _side("north", Message("Latitude nord (degrés)")),
    }
)

#: Properties a search can be sorted by.
SORTABLES = tuple(name for name, queryable in QUERYABLES.items() if queryable.sort)

#: Properties whose values are indexed one by one, and what gives those of a record.
TERMS = {name: queryable.terms for name, queryable in QUERYABLES.items() if queryable.terms}

#: Properties whose values are counted.
FACETS = tuple(name for name, queryable in QUERYABLES.items() if queryable.facet)

#: Properties that a parameter of their name compares with one exact value (``type`` takes several).
EXACT = tuple(name for name in TERMS if name != "type")

_SHOWN = sorted((row.page, name) for name, row in QUERYABLES.items() if row.page)
#: The facets that the page of the catalogue shows, as its parameter ``facets`` asks for them.
PAGE_FACETS = ",".join(f"{name}:{most}" for (_, most), name in _SHOWN)


def sql_of(name: str) -> str:
    """Return the value of a property as SQL (see `Queryable.sql`)."""
    queryable = QUERYABLES[name]
    if queryable.sql:
        return queryable.sql
    if queryable.kind == "array":
        return (
            "SELECT term.value FROM tagged JOIN term USING (t) "
            f"WHERE tagged.n = record.n AND term.field = '{name}'"
        )
    return (
        f"(SELECT json_extract(CAST(body AS TEXT), '$.properties.{name}') "
        "FROM document WHERE document.n = record.n)"
    )
