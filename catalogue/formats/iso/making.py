"""Elements of ISO 19115 made: a `Dialect` is one encoding of the model, a `Maker` makes the objects
of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from hashlib import blake2b
from typing import Any

from lxml import etree

from geoguichet.catalogue.formats import codes
from geoguichet.catalogue.formats.mapping import Distributed, Place, Source, Step, beyond
from geoguichet.catalogue.formats.xml import HREF, LOCAL, Element
from geoguichet.catalogue.record import Contact, Extent, Record

type Value = str | Element | None
type Property = tuple[str, Value | Iterable[Value]]
GML = "http://www.opengis.net/gml/3.2"
_CODES = "http://standards.iso.org/iso/19139/resources/gmxCodelists.xml#"


@dataclass(frozen=True, slots=True)
class Dialect:
    """How one encoding writes the model: its namespaces, the order of properties, the parts of its
    own shape.
    """

    namespaces: Mapping[str, str]
    #: Prefix of a class, from its name.
    prefix_of: Callable[[str], str]
    #: Prefix of the properties that do not share the one of their class.
    exceptions: Mapping[tuple[str, str], str]
    #: Properties of a class in the order of its schema.
    order: Mapping[str, tuple[str, ...]]
    anchor: str
    #: Properties of the root that only this encoding has.
    metadata: Callable[[Maker, Record], list[Property]]
    party: Callable[[Maker, Contact, list[Property]], Element]
    format: Callable[[Maker, Distributed], Element]


@dataclass(frozen=True, slots=True)
class Maker:
    """Makes elements of one dialect."""

    dialect: Dialect

    @property
    def older(self) -> bool:
        """Whether it makes ISO 19139, the encoding of the model of 2003."""
        return "gmd" in self.dialect.namespaces

    def tag(self, prefix: str, name: str) -> str:
        """Return the qualified name."""
        return f"{{{self.dialect.namespaces[prefix]}}}{name}"

    def object(self, kind: str, *properties: Property, **attributes: str) -> Element:
        """Make an object of a class with those of its properties that say something, in the order
        of the schema.
        """
        prefix = self.dialect.prefix_of(kind)
        element = etree.Element(
            self.tag(prefix, kind), attributes, nsmap=dict(self.dialect.namespaces)
        )
        order = self.dialect.order.get(kind, ())
        for name, values in sorted(
            properties, key=lambda item: order.index(item[0]) if item[0] in order else len(order)
        ):
            for value in (
                [values] if isinstance(values, str | etree._Element) or values is None else values
            ):
                if value is not None and not (isinstance(value, str) and not value):
                    element.append(self._property(kind, prefix, name, value))
        return element

    def _property(self, kind: str, prefix: str, name: str, value: str | Element) -> Element:
        holder = etree.Element(self.tag(self.dialect.exceptions.get((kind, name), prefix), name))
        if isinstance(value, str):
            holder.append(self.leaf("gco", "CharacterString", value))
        elif value.tag == "missing":
            holder.set(self.tag("gco", "nilReason"), value.get("reason", "missing"))
        elif value.tag == "reference":
            for attribute, text in value.items():
                holder.set(attribute, text)
        else:
            holder.append(value)
        return holder

    def leaf(self, prefix: str, name: str, text: str, **attributes: str) -> Element:
        """Make an element that only holds text."""
        element = etree.Element(self.tag(prefix, name), attributes)
        element.text = codes.writable(text)
        return element

    def code(self, kind: str, text: str, codelist: str = "") -> Element | None:
        """Make a value of a codelist, by default that of its class; None for an empty one."""
        told = {"codeList": codelist or _CODES + kind, "codeListValue": codes.writable(text)}
        return self.leaf(self.dialect.prefix_of(kind), kind, text, **told) if text else None

    def required(self, kind: str, text: str) -> Element:
        """Make a codelist value, or what stands for it when the record does not say it."""
        code = self.code(kind, text)
        return missing() if code is None else code

    def language(self, code: str) -> Element | None:
        """Make a language code of ISO 639-2/B."""
        codelist = "http://www.loc.gov/standards/iso639-2/"
        return self.code("LanguageCode", codes.language_iso(code), codelist)

    def text(self, text: str, href: str = "") -> Value:
        """Make a text, as an anchor when it has an address."""
        address = {HREF: codes.writable(href)}
        return self.leaf(self.dialect.anchor, "Anchor", text or href, **address) if href else text

    def date(self, text: str) -> Element:
        """Make a ``gco:Date`` or a ``gco:DateTime``."""
        return self.leaf("gco", "DateTime" if "T" in text else "Date", text)


def says(properties: Iterable[Property]) -> bool:
    """Say whether one of the properties has a value."""
    return any(
        value is not None and (isinstance(value, etree._Element) or bool(value))
        for _, value in properties
    )


def missing(reason: str = "missing") -> Element:
    """Return what stands for a mandatory property that the record does not say."""
    return etree.Element("missing", reason=reason)


def reference(attributes: Mapping[str, str]) -> Element:
    """Return what stands for a property that only has attributes."""
    return etree.Element(
        "reference", {name: codes.writable(text) for name, text in attributes.items() if text}
    )


def lineage_of(make: Maker, record: Record) -> Element | None:
    """Make the lineage: its statement, its steps, its sources; None when the record says none of
    them.
    """
    properties: list[Property] = [
        ("statement", beyond(record).get("lineage", "")),
        ("processStep", [_step(make, item) for item in beyond(record).get("processSteps", ())]),
        ("source", [_source(make, item) for item in beyond(record).get("sources", ())]),
    ]
    return make.object("LI_Lineage", *properties) if says(properties) else None


def _step(make: Maker, item: Step) -> Element:
    date = item.get("date", "") if make.older else ""  # an object of GML in ISO 19115-3
    moment = date if "T" in date else f"{date}T00:00:00"
    return make.object(
        "LI_ProcessStep",
        ("description", item.get("description", "") or missing()),
        ("rationale", item.get("rationale", "")),
        ("dateTime", make.leaf("gco", "DateTime", moment) if len(date) >= 10 else None),
    )


def _source(make: Maker, item: Source) -> Element:
    title: Property = ("title", item.get("title", ""))
    return make.object(
        "LI_Source",
        ("description", item.get("description", "")),
        (
            "sourceCitation",
            make.object("CI_Citation", title, ("date", missing())) if says([title]) else None,
        ),
    )


def names_of(make: Maker, contact: Contact) -> tuple[Value, Value]:
    """Return the names of the person and of the organization that a contact is, with the
    identifiers they have.
    """
    first, second = (
        str(contact.extra.get(member, "")) for member in ("identifier", "organizationIdentifier")
    )
    person, organization = (first, second) if contact.name else ("", first)
    return make.text(contact.name, person), make.text(
        contact.organization, organization if contact.organization else ""
    )


def role_of(make: Maker, contact: Contact) -> Element:
    """Return the role of a contact, its first; mandatory in both encodings."""
    return make.required("CI_RoleCode", contact.roles[0] if contact.roles else "")


def identifier(make: Maker, code: str, scheme: str = "", href: str = "") -> Element:
    """Make an identifier, with its code space when it has one."""
    kind = "RS_Identifier" if scheme and make.older else "MD_Identifier"
    return make.object(kind, ("code", make.text(code, href)), ("codeSpace", scheme))


def dated(make: Maker, text: str, kind: str) -> Element:
    """Make a ``CI_Date``."""
    return make.object(
        "CI_Date", ("date", make.date(text)), ("dateType", make.required("CI_DateTypeCode", kind))
    )


def locale(make: Maker, code: str, **attributes: str) -> Element:
    """Make a ``PT_Locale``."""
    return make.object(
        "PT_Locale",
        ("languageCode" if make.older else "language", make.language(code)),
        ("characterEncoding", make.code("MD_CharacterSetCode", "utf8")),
        **attributes,
    )


def found(root: Element, path: str) -> list[Element]:
    """Return the elements that a path of a mapping leads to; ``x[Y]`` is an x that holds a Y
    somewhere.
    """
    level = [root]
    for step in path.split("/"):
        wanted, _, held = step.rstrip("]").partition("[")
        level = [
            node
            for parent in level
            for node in parent
            if LOCAL[node.tag] and wanted in ("*", LOCAL[node.tag])
            if not held or any(LOCAL[inside.tag] == held for inside in node.iter())
        ]
    return level


# Extents of ISO 19115 written: boxes, polygons, named places, periods.


def extent_of(make: Maker, record: Record) -> Element | None:
    """Make the extent; None when there is nothing to say and nothing is asked."""
    told = beyond(record)
    properties: list[Property] = [
        ("description", told.get("extentDescription")),
        (
            "geographicElement",
            [*_geographic(make, record), *(_place(make, item) for item in told.get("places", ()))],
        ),
        (
            "temporalElement",
            [make.object("EX_TemporalExtent", ("extent", period)) for period in _periods(record)],
        ),
    ]
    if says(properties):
        return make.object("EX_Extent", *properties)
    return missing() if make.older else None  # readers of ISO 19139 stumble where there is none


def _place(make: Maker, place: Place) -> Element:
    return make.object(
        "EX_GeographicDescription",
        (
            "geographicIdentifier",
            identifier(make, place["code"], place.get("scheme", ""), place.get("href", "")),
        ),
    )


# Yield a box per rectangle, and for other shapes their box and their polygon. Several parts come
# after the box around all of them: most readers take the first box for the whole extent.
def _geographic(make: Maker, record: Record) -> Iterator[Element]:
    parts = codes.boxes_and_shapes(record.geometry)
    if len(parts) > 1 and record.extent is not None:
        yield _box(make, record.extent)
    for part in parts:
        extent = part if isinstance(part, Extent) else Extent.from_geometry(part)
        if extent is None:  # a part without a position
            continue
        yield _box(make, extent)
        if not isinstance(part, Extent) and part["type"] == "Polygon":
            yield make.object(
                "EX_BoundingPolygon", ("polygon", _polygon(part["coordinates"], record.id))
            )


def _box(make: Maker, box: Extent) -> Element:
    return make.object(
        "EX_GeographicBoundingBox",
        ("westBoundLongitude", make.leaf("gco", "Decimal", _decimal(box.west))),
        ("eastBoundLongitude", make.leaf("gco", "Decimal", _decimal(box.east))),
        ("southBoundLatitude", make.leaf("gco", "Decimal", _decimal(box.south))),
        ("northBoundLatitude", make.leaf("gco", "Decimal", _decimal(box.north))),
    )


# Return the shortest text without exponent that reads back as the same number.
def _decimal(number: float) -> str:
    return format(Decimal(repr(float(number))), "f").removesuffix(".0")


# Make an object of GML, whose identifier is the same for the same things said.
def _gml(kind: str, *said: str) -> Element:
    name = "g" + blake2b("|".join(said).encode(), digest_size=8).hexdigest()
    return etree.Element(f"{{{GML}}}{kind}", {f"{{{GML}}}id": name}, nsmap={"gml": GML})


# Put elements of GML one in the other, and return the innermost.
def _inside(holder: Element, *path: str) -> Element:
    for name in path:
        holder = etree.SubElement(holder, f"{{{GML}}}{name}")
    return holder


def _polygon(rings: list[Any], name: str) -> Element:
    polygon = _gml("Polygon", name, repr(rings[0][:3]))
    polygon.set("srsName", "urn:ogc:def:crs:OGC:1.3:CRS84")
    for at, ring in enumerate(rings):
        side = "interior" if at else "exterior"
        positions = " ".join(f"{_decimal(x)} {_decimal(y)}" for x, y, *_ in ring)
        _inside(polygon, side, "LinearRing", "posList").text = positions
    return polygon


def _periods(record: Record) -> Iterator[Element]:
    time = record.time
    for start, end in time.periods() if time else ():
        first, last = (end, start) if time and time.extra.get("reversed") else (start, end)
        if start == end:
            made = _gml("TimeInstant", record.id, start)
            bounds = {"timePosition": start}
        else:
            made = _gml("TimePeriod", record.id, first, last)
            bounds = {"beginPosition": first, "endPosition": last}
        for name, text in bounds.items():
            position = _inside(made, name)
            if text == "..":
                position.set("indeterminatePosition", "unknown")
            else:
                position.text = text
        yield made
