"""Keywords, thesauri and constraints of ISO 19115 written."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from geoguichet.catalogue import codes, iso
from geoguichet.catalogue.iso_making import (
    Maker,
    Property,
    Value,
    dated,
    identifier,
    missing,
    told,
)
from geoguichet.catalogue.mapping import INSPIRE_THEME, TOPIC_CATEGORY
from geoguichet.catalogue.record import Concept, Record, Theme
from geoguichet.catalogue.xml import Element


def topics_of(record: Record) -> list[str]:
    """Return the topic categories of ISO 19115 among the themes."""
    return [concept.id for theme in record.themes if theme.scheme == TOPIC_CATEGORY for concept in theme.concepts]


def keyword_groups(make: Maker, record: Record) -> Iterator[Element]:
    """Yield a group per type of free keywords, then one per thesaurus."""
    types = dict(told(record, "keywordTypes"))
    for kind in dict.fromkeys(types.get(word, "") for word in record.keywords):
        concepts = [Concept(word, word) for word in record.keywords if types.get(word, "") == kind]
        yield make.object(
            "MD_Keywords", ("keyword", _words(make, concepts)), ("type", make.code("MD_KeywordTypeCode", kind))
        )
    for theme in (*record.themes, *_other_topics(make, record)):
        if theme.scheme != TOPIC_CATEGORY or theme.extra:
            kind = make.code("MD_KeywordTypeCode", theme.extra.get("type", ""))
            yield make.object(
                "MD_Keywords",
                ("keyword", _words(make, theme.concepts)),
                ("type", kind),
                ("thesaurusName", _thesaurus(make, theme)),
            )


def _other_topics(make: Maker, record: Record) -> list[Theme]:
    """Return, as a thesaurus of its own, the topic categories of a profile that the schema does not list."""
    concepts = tuple(Concept(code) for code in topics_of(record) if code not in known_topics(make))
    return [Theme(concepts, TOPIC_CATEGORY, {"title": "MD_TopicCategoryCode"})] if concepts else []


def _words(make: Maker, concepts: Iterable[Concept]) -> list[Value]:
    return [
        make.text(item.title or item.id, item.id if item.id != item.title and item.title else "") for item in concepts
    ]


def _thesaurus(make: Maker, theme: Theme) -> Element:
    inspire = theme.scheme == INSPIRE_THEME
    title = theme.extra.get("title") or (
        "GEMET - INSPIRE themes, version 1.0" if inspire else theme.scheme or "thesaurus"
    )
    address = theme.extra.get("address", "") if inspire else theme.scheme
    date = theme.extra.get("date", "2008-06-01" if inspire and "date" not in theme.extra else "")
    kind = theme.extra.get("dateType", "") or ("publication" if date else "")
    return make.object(
        "CI_Citation",
        ("title", title),
        ("date", dated(make, date, kind) if date else missing()),
        ("identifier", identifier(make, address) if address else None),
    )


def constraints_of(record: Record) -> list[Mapping[str, Any]]:
    """Return the constraints, with what the licence and the rights say that they do not say yet."""
    constraints: list[Mapping[str, Any]] = list(told(record, "constraints"))
    if record.license and iso.licence_of(constraints) != record.license:
        name = {"text": record.license, "href": codes.licence_address(record.license)}
        other = {"other": [name]} if record.license != "other" else {}
        constraints.insert(0, {"kind": "legal", "use": ["license"], **other})
    known = iso.rights_of(constraints).split("\n")
    more = [line for line in record.rights.split("\n") if line.strip() and line not in known]
    if more:
        constraints.append({"kind": "use", "limitations": [{"text": line} for line in more]})
    return constraints


def constraint(make: Maker, said_there: Mapping[str, Any]) -> Element:
    """Make the constraints of one kind."""
    texts = {
        name: [make.text(item["text"], item.get("href", "")) for item in said_there.get(name, ())]
        for name in ("limitations", "other")
    }
    limits: list[Property] = [("useLimitation", texts["limitations"])]
    if said_there.get("kind") == "security":
        code = make.required("MD_ClassificationCode", said_there.get("classification", ""))
        return make.object("MD_SecurityConstraints", *limits, ("classification", code))
    restrictions: list[Property] = [
        (f"{name}Constraints", [make.code("MD_RestrictionCode", text) for text in said_there.get(name, ())])
        for name in ("access", "use")
    ]
    if said_there.get("kind") == "legal" or texts["other"] or any(values for _, values in restrictions):
        return make.object("MD_LegalConstraints", *limits, *restrictions, ("otherConstraints", texts["other"]))
    return make.object("MD_Constraints", *limits)


def known_topics(make: Maker) -> frozenset[str]:
    """Return the topic categories that the schema of an encoding lists; the others are written as keywords."""
    added = {"extraTerrestrial", "disaster"} if "gmd" in make.dialect.namespaces else set()
    return frozenset(codes.TOPIC_CATEGORIES) - added
