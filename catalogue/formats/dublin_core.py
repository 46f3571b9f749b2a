"""Dublin Core in XML: the records of CSW 2.0.2 and 3.0, and ``oai_dc``."""

from collections.abc import Callable
from typing import Any

from lxml import etree

from geoguichet.catalogue.errors import RecordError
from geoguichet.catalogue.formats import codes, coordinates, licences
from geoguichet.catalogue.formats import conversions as to
from geoguichet.catalogue.formats.links import told_in_iso
from geoguichet.catalogue.formats.mapping import (
    Dated,
    Format,
    Mapped,
    Part,
    Reader,
    Written,
    beyond,
)
from geoguichet.catalogue.formats.xml import name, serialize
from geoguichet.catalogue.record import Extent, Record, Time

CSW = "http://www.opengis.net/cat/csw/2.0.2"
DC = "http://purl.org/dc/elements/1.1/"
DCT = "http://purl.org/dc/terms/"
OWS = "http://www.opengis.net/ows"

_ROOTS = frozenset({"Record", "SummaryRecord", "BriefRecord", "dc", "simpledc"})


# Make a reader of dates of one type; what is none is noted.
def _dates(kind: str) -> Reader:
    def read(part: Part, path: str) -> list[Dated]:
        for item in part.at(path):
            if not codes.moment(item.said()):
                item.refuse(item.said(), "ce n'est pas une date AAAA-MM-JJ")
        return to.dates(kind)(part, path)

    return read


def _time(part: Part, path: str) -> Time | None:
    for item in part.at(path):
        start, slash, end = item.said().partition("/")
        first, last = to.period(item, start, end if slash else start)
        try:
            if (first, last) == ("..", ".."):
                continue
            if slash:
                return Time(interval=(first, last))
            return Time(timestamp=first) if "T" in first else Time(date=first)
        except RecordError as error:
            item.refuse(item.said(), str(error))
    return None


# Read the boxes, in any system: of those in degrees the latitude is first, but in WGS84BoundingBox.
def _geometry(part: Part, path: str) -> dict[str, Any] | None:
    boxes: dict[Extent, None] = {}
    for item in part.at(path):
        told = [item.text(corner).split()[:2] for corner in ("LowerCorner", "UpperCorner")]
        try:
            lower, upper = [[float(number) for number in corner] for corner in told]
            named = item.where == "BoundingBox" and item.text("@crs")
            box = _box(lower, upper, named or "")
            boxes[box] = None
        except (ValueError, RecordError) as error:
            item.refuse(item.said(), str(error))
    return codes.gathered([piece for box in boxes for piece in codes.as_pieces(box)])


# Return the box between two corners. GeoNetwork writes degrees, longitude first and the eastern
# corner below, whatever system it names: a box that its system cannot hold is one of those.
def _box(lower: list[float], upper: list[float], system: str) -> Extent:
    (west, south), (east, north) = lower, upper
    in_degrees = max(abs(west), abs(east)) <= 180 and max(abs(south), abs(north)) <= 90
    try:
        if system:
            return coordinates.between(lower, upper, system)
    except ValueError:
        if not in_degrees:
            raise
    if 0 < west - east < 180:  # across the antimeridian it would be more than half the world
        west, east = east, west
    return Extent(west, min(south, north), east, max(south, north))


def _systems(part: Part, path: str) -> list[str]:
    systems = (codes.crs(item.text("@crs")) for item in part.at(path))
    return [code for code in systems if code.startswith("EPSG:") and code != "EPSG:4326"]


# Make a writer of the names of the contacts whose role is one of these, or none of them.
def _people(*roles: str, others: bool = False) -> Callable[[Record], list[str]]:
    def write(record: Record) -> list[str]:
        return list(
            dict.fromkeys(
                contact.organization or contact.name
                for contact in record.contacts
                if ("".join(contact.roles[:1]) in roles) != others
            )
        )

    return write


def _subjects(record: Record) -> list[str]:
    concepts = [item.title or item.id for theme in record.themes for item in theme.concepts]
    return list(dict.fromkeys([*record.keywords, *concepts]))


def _period(record: Record) -> str:
    if record.time is None:
        return ""
    return "/".join(end.removeprefix("..") for end in record.time.interval) or record.time.ends[0]


# Return the rights, and the title of the licence, for those who know no ``dct:license``.
def _rights(record: Record) -> list[str]:
    licence = licences.asserted(record)
    told = licences.title_of(licence) if licence != "other" else ""
    return list(dict.fromkeys([*record.rights.split("\n"), told]))


MAPPING = (
    Mapped("id", "identifier", note="the first"),
    Mapped(
        "externalIds",
        "identifier",
        note="the others",
        read=lambda part, path: to.identifiers()(part, path)[1:],
        write=lambda record: [item.value for item in record.external_ids],
    ),
    Mapped("title", "title"),
    Mapped("alternateTitles", "alternative", read=to.texts),
    Mapped("alternateTitles", "title", "in", "the others", lambda part, path: part.texts(path)[1:]),
    Mapped("type", "type", read=lambda part, path: part.text(path).rpartition("/")[2].lower()),
    Mapped(
        "keywords",
        "subject",
        note="themes and topic categories are written as words too",
        read=to.words(),
        write=_subjects,
    ),
    Mapped(
        "formats",
        "format",
        read=to.formats,
        write=lambda record: [item["name"] for item in beyond(record).get("formats", ())],
    ),
    Mapped(
        "contacts",
        "creator",
        note="author",
        read=to.contacts("author", organization=""),
        write=_people("author", "owner"),
    ),
    Mapped(
        "contacts",
        "publisher",
        read=to.contacts("publisher", organization=""),
        write=_people("publisher"),
    ),
    Mapped(
        "contacts",
        "contributor",
        read=to.contacts("contributor", organization=""),
        write=_people("author", "owner", "publisher", others=True),
    ),
    Mapped(
        "resourceLanguages",
        "language",
        read=to.languages(),
        write=lambda record: [
            codes.language_iso(item["code"]) for item in beyond(record).get("resourceLanguages", ())
        ],
    ),
    Mapped("rights", "rights", "out", "then the title of the licence", write=_rights),
    Mapped("rights", "rights + accessRights + license", "in", read=to.lines),
    Mapped(
        "license",
        "rights + accessRights + license",
        "in",
        "that of the lists (SPDX, EU, data.gouv.fr); of prose to confirm",
        to.licence,
    ),
    Mapped(
        "license",
        "license",
        "out",
        write=lambda record: licences.address_of(licences.asserted(record)),
    ),
    Mapped("lineage", "source", read=to.paragraphs),
    Mapped(
        "dates",
        "date",
        note="creation, when nothing tells",
        read=_dates("creation"),
        write=lambda record: [item["date"] for item in beyond(record).get("dates", ())][:1],
    ),
    Mapped("dates", "created", "in", "creation", _dates("creation")),
    Mapped("dates", "issued", "in", "publication", _dates("publication")),
    Mapped("dates", "dateSubmitted", "in", "publication", _dates("publication")),
    Mapped("parent", "isPartOf"),
    Mapped("updated", "modified", read=to.stamp),
    Mapped("description", "abstract", "out"),
    Mapped("description", "abstract, description", "in", read=to.paragraphs),
    Mapped(
        "places",
        "spatial",
        read=lambda part, path: [{"code": text} for text in part.texts(path) if "=" not in text],
        write=lambda record: [item["code"] for item in beyond(record).get("places", ())],
    ),
    Mapped("time", "temporal", read=_time, write=_period),
    Mapped("geometry", "BoundingBox + WGS84BoundingBox", "in", read=_geometry),
    Mapped("geometry", "BoundingBox", "out", "one box per polygon"),
    Mapped(
        "crs",
        "BoundingBox + WGS84BoundingBox",
        "in",
        "the system the box is in, when it is not degrees",
        _systems,
    ),
    Mapped(
        "links",
        "URI",
        read=to.links(title="@name", protocol="@protocol", description="@description"),
    ),
    Mapped("links", "references", "in", read=to.links(protocol="@scheme")),
)

#: Elements that are of the terms of Dublin Core, not of its fifteen first elements.
_TERMS = frozenset(
    {"alternative", "license", "isPartOf", "modified", "abstract", "spatial", "temporal"}
)


def write(record: Record) -> bytes:
    """Return the record as a ``csw:Record``."""
    root = etree.Element(f"{{{CSW}}}Record", nsmap={"csw": CSW, "dc": DC, "dct": DCT, "ows": OWS})
    for row in MAPPING:
        if row.ways != "in" and row.member not in ("links", "geometry"):
            told = row.written(record) or ()
            for text in [told] if isinstance(told, str) else told:
                if text:
                    tag = f"{{{DCT if row.path in _TERMS else DC}}}{row.path}"
                    etree.SubElement(root, tag).text = codes.writable(text)
    for link in map(told_in_iso, record.links):  # a client knows a service by its protocol
        attributes = {
            "protocol": link.extra.get("protocol", ""),
            "name": link.title,
            "description": link.extra.get("description", ""),
        }
        told = {key: codes.writable(text) for key, text in attributes.items() if text}
        etree.SubElement(root, f"{{{DC}}}URI", told).text = codes.writable(link.href)
    for part in codes.simple(record.geometry) if record.geometry else ():
        if box := Extent.from_geometry(part):
            node = etree.SubElement(root, f"{{{OWS}}}BoundingBox", crs="urn:ogc:def:crs:EPSG::4326")
            etree.SubElement(node, f"{{{OWS}}}LowerCorner").text = f"{box.south!r} {box.west!r}"
            etree.SubElement(node, f"{{{OWS}}}UpperCorner").text = f"{box.north!r} {box.east!r}"
    return serialize(root)


FORMAT = Format(
    "dublin-core",
    "Dublin Core (CSW record)",
    MAPPING,
    "xml",
    claims=lambda root: (
        name(root) in _ROOTS
        and ("/cat/csw/" in str(root.tag) or any("purl.org/dc/" in str(node.tag) for node in root))
    ),
    written=(
        Written(
            "dublin-core",
            "Dublin Core",
            "application/xml",
            "xml",
            lambda record, **_: write(record),
        ),
    ),
)
