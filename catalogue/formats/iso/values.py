"""Values of ISO 19115 read: texts, codes, contacts with their roles, measures of quality by their
names.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, NamedTuple

from geoguichet.catalogue.formats import codes
from geoguichet.catalogue.formats.mapping import Distributed, Measure, Members, Unreadable, filled
from geoguichet.catalogue.formats.xml import (
    HREF,
    LOCAL,
    Element,
    Holder,
    child,
    children,
    content,
    down,
    every,
    grouped,
    inner,
    line_of,
    named,
    path_of,
)
from geoguichet.catalogue.record import Contact, ContactPoint, Link

# What the properties of ISO 19115 hold in XML: texts, codes, addresses, dates, read by local
# names.

_HOLDERS = frozenset(
    {"CharacterString", "Anchor", "MimeFileType", "FileName", "URL", "LanguageCode", "Country"}
)


@dataclass(slots=True)
class Reading:
    """One metadata element being read: its parts, its other languages, and what in it could not be
    understood.
    """

    root: dict[str, list[Element]]
    locales: Mapping[str, str] = field(default_factory=dict)
    unreadable: list[Unreadable] = field(default_factory=list)

    def refuse(self, member: str, element: Element, text: str, reason: str) -> None:
        """Note a part that says nothing readable; the rest of the record is read all the same."""
        self.unreadable.append(
            {
                "member": member,
                "path": path_of(element),
                "line": line_of(element),
                "text": text[:200],
                "reason": reason,
            }
        )

    def moment(self, member: str, element: Element | None) -> str:
        """Return the date that a property holds; one that is none is noted."""
        text = value(element)
        written = codes.moment(text) if text else ""
        if text and not written and element is not None:
            self.refuse(member, element, text, "ce n'est pas une date AAAA-MM-JJ")
        return written


def value(holder: Element | None) -> str:
    """Return the text that a property holds: a string, an anchor, a date, a number or a code."""
    if holder is None:
        return ""
    translated = ""
    for node in holder:
        kind = LOCAL[node.tag]
        text = (node.text or "").strip() if kind else ""
        if text and kind in _HOLDERS:
            return text
        if kind in ("PT_FreeText", "PT_FreeURL"):
            translated = translated or next((text for _, text in localised(node)), "")
        elif kind and (text := node.get("codeListValue", "").strip() or text):
            return text
    return translated or content(holder)


def code_of(holder: Element | None) -> str:
    """Return the code that a property holds: of a codelist, else its text."""
    node = inner(holder)
    return (
        content(holder) if node is None else (node.get("codeListValue") or node.text or "").strip()
    )


def href_of(holder: Element | None) -> str:
    """Return the address that the object of a property gives."""
    node = inner(holder)
    return "" if node is None else node.get(HREF, "").strip()


def codes_of(parent: Holder, name: str) -> list[str]:
    """Return the codes of the properties of that name."""
    return [text for text in map(code_of, children(parent, name)) if text]


def found_in[Shape](
    read: Callable[[Element | None], Shape | None], parent: Holder, name: str
) -> list[Shape]:
    """Return what is read in the objects of the properties of that name, but what is blank."""
    return [found for node in children(parent, name) if (found := read(inner(node)))]


def each_once[Item](items: list[Item]) -> list[Item]:
    """Return the items without those that an item before equals."""
    return [item for at, item in enumerate(items) if item not in items[:at]]


def values(parent: Holder, name: str) -> list[str]:
    """Return the texts of the properties of that name."""
    return [text for text in map(value, children(parent, name)) if text]


def uuidref(holder: Element | None) -> str:
    """Return the identifier of what a property refers to."""
    return "" if holder is None else holder.get("uuidref", "").strip()


def localised(free_text: Element) -> Iterator[tuple[str, str]]:
    """Yield the language and the text of each translation."""
    for group in ("textGroup", "URLGroup"):
        for node in every(free_text, group, "*"):
            if text := content(node):
                yield node.get("locale", "").removeprefix("#"), text


# Links and formats of ISO 19115 read: distribution, operations of services, previews.


def distribution(root: Holder, identification: Holder) -> Members:
    """Return the links and formats of the distribution, with the operations of a service and the
    previews.
    """
    links: list[Link] = []
    formats: list[Distributed] = []
    for distribution in map(inner, children(root, "distributionInfo")):
        for source in (distribution, *every(distribution, "distributor", "*")):
            formats += found_in(_format, source, "distributionFormat")
            formats += found_in(_format, source, "distributorFormat")
            for name in ("transferOptions", "distributorTransferOptions"):
                links += filter(None, map(online_resource, every(source, name, "*", "onLine", "*")))
    formats += found_in(_format, identification, "resourceFormat")
    links += _operations(identification)
    links += found_in(_preview, identification, "graphicOverview")
    return {"links": tuple(links), "formats": each_once(formats)}


def _format(element: Element | None) -> Distributed:
    citation = inner(child(element, "formatSpecificationCitation"))
    name = value(child(element, "name")) or value(child(citation, "title"))
    version = value(child(element, "version")) or value(child(citation, "edition"))
    return filled(Distributed(name=name, version=version)) if name else {}


_MEDIA_TYPE = re.compile(
    r"(?:application|audio|font|image|model|multipart|text|video)/[\w.+-]+(?: ?;[ -~]*)?"
)


def online_resource(resource: Element | None, rel: str = "") -> Link | None:
    """Read a ``CI_OnlineResource``; the relation, where none is given, follows from its function
    and protocol.
    """
    parts = named(resource)
    href = value(parts.get("linkage"))
    if not href:
        return None
    extra = filled(
        {
            "protocol": value(parts.get("protocol")),
            "protocolAddress": href_of(parts.get("protocol")),
            "function": code_of(parts.get("function")),
            "description": value(parts.get("description")),
            "applicationProfile": value(parts.get("applicationProfile")),
        }
    )
    label = parts.get("name")
    mime = inner(label)
    kind = mime.get("type", "") if mime is not None and LOCAL[mime.tag] == "MimeFileType" else ""
    if not kind and _MEDIA_TYPE.fullmatch(extra.get("applicationProfile", "")):
        kind = extra.pop("applicationProfile")
    return Link(
        href,
        rel or codes.relation(extra),
        kind or ("text/html" if rel else ""),
        value(label),
        extra=extra,
    )


def _operations(identification: Holder) -> Iterator[Link]:
    for operation in every(identification, "containsOperations", "*"):
        named = value(child(operation, "operationName"))
        for node in every(operation, "connectPoint", "*"):
            if link := online_resource(node):
                yield Link(
                    link.href,
                    "service",
                    link.type,
                    link.title,
                    extra={**link.extra, "operation": named},
                )
    for holder in children(identification, "operatesOn"):
        href, uuid = holder.get(HREF, "").strip(), uuidref(holder)
        if href or uuid:
            yield Link(href or f"urn:uuid:{uuid}", "related", extra={"operatesOn": uuid})


def _preview(graphic: Element | None) -> Link | None:
    href = value(child(graphic, "fileName")) or value(down(graphic, "linkage", "*", "linkage"))
    title = value(child(graphic, "fileDescription"))
    extra = filled({"fileType": value(child(graphic, "fileType"))})
    return Link(href, "preview", "", title, extra=extra) if href else None


def contacts(root: Holder, identification: Holder, citation: Holder) -> Iterator[Contact]:
    """Yield the contacts of the resource, of its citation, of its distribution and of the metadata,
    in that order.
    """
    distribution = down(root, "distributionInfo", "*")
    for about, holders in (
        ("", children(identification, "pointOfContact")),
        ("citation", children(citation, "citedResponsibleParty")),
        ("distribution", every(distribution, "distributor", "*", "distributorContact")),
        ("metadata", children(root, "contact")),
    ):
        for holder in holders:
            if found := contact(inner(holder), about):
                yield found


def contact(party: Element | None, about: str) -> Contact | None:
    """Read a ``CI_ResponsibleParty`` (ISO 19139) or a ``CI_Responsibility`` (ISO 19115-3)."""
    if party is None:
        return None
    if (plain := _plain_contact(party, about)) is not None:
        return plain
    parts = named(party)
    body = inner(parts.get("party"))
    if body is None:
        body, held = party, parts
        organization, position = (
            value(parts.get("organisationName")),
            value(parts.get("positionName")),
        )
        name = value(parts.get("individualName")) or _split_name(parts)
        identified = _identified(
            href_of(parts.get("individualName")), href_of(parts.get("organisationName"))
        )
    else:
        held = named(body)
        individual = (
            held if LOCAL[body.tag] == "CI_Individual" else named(inner(held.get("individual")))
        )
        organization = "" if individual is held else value(held.get("name"))
        name = value(individual.get("name"))
        position = value(individual.get("positionName")) or value(held.get("positionName"))
        of_organization = "" if individual is held else _party_identifier(held)
        identified = _identified(_party_identifier(individual), of_organization)
        held = individual | held
    role = code_of(parts.get("role"))
    said = _contact_details(inner(held.get("contactInfo")))
    extra = said.pop("extra") | identified | ({"about": about} if about else {})
    found = Contact(
        organization=organization,
        name=name,
        position=position,
        roles=(role,) if role else (),
        extra=extra,
        **said,
    )
    return (
        found
        if organization or name or position or said["emails"] or said["links"] or said["phones"]
        else None
    )


# Read a ``CI_ResponsibleParty`` in one pass over its texts, whose names say enough; None when they
# do not. Contacts are a third of the reading of a record; translated ones and those of ISO 19115-3
# take the longer way.
def _plain_contact(party: Element, about: str) -> Contact | None:
    if not LOCAL[party.tag].endswith("CI_ResponsibleParty"):
        return None
    said: dict[str, list[str]] = {}
    identifiers: dict[str, str] = {}
    holder = role = ""
    for node in party.iter():
        kind = LOCAL[node.tag]
        if kind in _CONTACT_TEXTS:
            if (text := node.text) and (text := text.strip()):
                said.setdefault(holder, []).append(text)
            if kind == "Anchor":
                identifiers[holder] = node.get(HREF, "").strip()
        elif holder == "role":
            role, holder = role or (node.get("codeListValue") or node.text or "").strip(), kind
        elif kind:
            holder = kind
    if "textGroup" in said or "URLGroup" in said or "individualLastName" in said:
        return None
    organization, name = (
        said.get("organisationName", _NONE)[0],
        said.get("individualName", _NONE)[0],
    )
    if not organization and not name:
        return None
    online = party.iter("{*}CI_OnlineResource") if "linkage" in said else ()
    extra = _plain_details(said) if len(said) > 1 else {}
    if identifiers:
        extra |= _identified(
            identifiers.get("individualName", ""), identifiers.get("organisationName", "")
        )
    role = role or said.get("role", _NONE)[0]
    return Contact(
        organization=organization,
        name=name,
        position=said.get("positionName", _NONE)[0],
        roles=(role,) if role else (),
        emails=tuple(map(ContactPoint, said.get("electronicMailAddress", ()))),
        phones=(
            *map(ContactPoint, said.get("voice", ())),
            *(ContactPoint(text, ("fax",)) for text in said.get("facsimile", ())),
        ),
        links=tuple(filter(None, (online_resource(node, "about") for node in online))),
        extra=extra | ({"about": about} if about else {}),
    )


# Return the identifier of a contact: of the person, else of the organization; both when there are
# both.
def _identified(person: str, organization: str) -> dict[str, Any]:
    return filled(
        {
            "identifier": person or organization,
            "organizationIdentifier": organization if person else "",
        }
    )


def _party_identifier(party: Mapping[str, Element]) -> str:
    return href_of(party.get("name")) or value(down(inner(party.get("partyIdentifier")), "code"))


def _plain_details(said: Mapping[str, list[str]]) -> dict[str, Any]:
    postal: dict[str, Any] = {
        name: said[name] if name == "deliveryPoint" else said[name][0]
        for name in POSTAL
        if name in said
    }
    extra: dict[str, Any] = {"addresses": [postal]} if postal else {}
    return extra | {
        name: said[name][0] for name in ("hoursOfService", "contactInstructions") if name in said
    }


_CONTACT_TEXTS = frozenset(
    {
        "CharacterString", "Anchor", "URL", "Country", "FileName", "MimeFileType",
        "LocalisedCharacterString",
        "LocalisedURL",
    }
)  # fmt: skip
_NONE = ("",)
#: The lines of a postal address.
POSTAL = ("deliveryPoint", "city", "administrativeArea", "postalCode", "country")


def _split_name(party: Mapping[str, Element]) -> str:
    parts = ("individualFirstName", "individualLastName")
    return " ".join(filter(None, (value(party.get(part)) for part in parts)))


def _contact_details(contact: Element | None) -> dict[str, Any]:
    parts = grouped(contact)
    lines = grouped(inner(child(parts, "address")))
    postal: dict[str, Any] = {
        name: values(lines, name) if name == "deliveryPoint" else value(child(lines, name))
        for name in POSTAL
    }
    return {
        "emails": tuple(ContactPoint(text) for text in values(lines, "electronicMailAddress")),
        "phones": tuple(_phones(parts)),
        "links": tuple(found_in(online_resource, parts, "onlineResource")),
        "extra": filled(
            {
                "addresses": [filled(postal)] if any(postal.values()) else [],
                "hoursOfService": value(child(parts, "hoursOfService")),
                "contactInstructions": value(child(parts, "contactInstructions")),
            }
        ),
    }


def _phones(contact: Holder) -> Iterator[ContactPoint]:
    for holder in children(contact, "phone"):
        telephone = grouped(inner(holder))
        for text in values(telephone, "voice"):
            yield ContactPoint(text)
        for text in values(telephone, "facsimile"):
            yield ContactPoint(text, ("fax",))
        kind = code_of(child(telephone, "numberType"))
        for text in values(telephone, "number"):
            yield ContactPoint(text, ("fax",) if kind in ("facsimile", "fax") else ())


# The quality of a dataset as measures: which element of ISO 19157 each rule of the referentials
# counts.


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
