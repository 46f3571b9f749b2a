"""Isogeo resources in JSON, as its API exports them."""

from collections.abc import Mapping

from geoguichet.catalogue.formats import codes
from geoguichet.catalogue.formats import conversions as to
from geoguichet.catalogue.formats.mapping import INSPIRE_THEME, Conformity, Format, Mapped, Part
from geoguichet.catalogue.record import Concept, Theme


def _inspire_themes(part: Part, path: str) -> tuple[Theme, ...]:
    concepts = tuple(
        Concept(f"{INSPIRE_THEME}/{codes.inspire_theme(code) or code}", code)
        for code in part.texts(path)
    )
    return (Theme(concepts, INSPIRE_THEME),) if concepts else ()


def _conformity(part: Part, path: str) -> list[Conformity]:
    found: list[Conformity] = []
    for item in part.at(path):
        if title := item.text("specification.name"):
            date = codes.moment(item.text("specification.published"))
            dated: Conformity = {"date": date, "dateType": "publication"} if date else {}
            found.append({"title": title, **dated, "pass": item.node.get("conformant")})
    return found


_CONTACTS = to.contacts(
    "pointOfContact",
    organization="contact.organization",
    name="contact.name",
    roles="role",
    emails="contact.email",
)
_LINKS = to.links(
    lambda link: "enclosure" if "download" in link.texts("actions") else "related",
    href="url",
    title="title",
    protocol="kind",
)

MAPPING = (
    Mapped("id", "_id", "in"),
    Mapped("type", "type", "in", "service", to.coded(service="service")),
    Mapped("type", "series", "in", "series, when it has some", to.when("series")),
    Mapped("type", "", "in", "else dataset", to.always("dataset")),
    Mapped("title", "title", "in"),
    Mapped("alternateTitles", "name", "in", read=to.texts),
    Mapped("description", "abstract", "in"),
    Mapped("keywords", "keywords[_tag^=keyword:isogeo].text", "in", read=to.words()),
    Mapped("themes", "keywords[_tag^=keyword:inspire-theme].code", "in", read=_inspire_themes),
    Mapped("contacts", "contacts", "in", read=_CONTACTS),
    Mapped("dates", "created", "in", "creation", to.dates("creation")),
    Mapped("dates", "published", "in", "publication", to.dates("publication")),
    Mapped("dates", "modified", "in", "revision", to.dates("revision")),
    Mapped("time", "validFrom", "in", "and validTo", to.whole(to.periods("validFrom", "validTo"))),
    Mapped(
        "crs",
        "coordinate-system.code",
        "in",
        read=lambda part, path: [f"EPSG:{code}" for code in part.texts(path)],
    ),
    Mapped("resolution", "scale", "in", read=to.scales),
    Mapped("resolution", "distance", "in", read=to.distances()),
    Mapped("links", "links", "in", read=_LINKS),
    Mapped("formats", "format", "in", read=to.formats),
    Mapped("lineage", "collectionMethod", "in"),
    Mapped("conformity", "specifications", "in", read=_conformity),
    Mapped("license", "conditions.license.name", "in", read=to.licence),
    Mapped("rights", "conditions.license.name", "in", read=to.lines),
    Mapped("language", "language", "in", read=to.language),
    Mapped("fields", "feature-attributes", "in", read=to.objects(name="name", type="dataType")),
    Mapped("created", "_created", "in", read=to.stamp),
    Mapped("updated", "_modified", "in", read=to.stamp),
    Mapped("geometry", "envelope", "in", "its bbox", to.box(listed="bbox")),
)

FORMAT = Format(
    "isogeo",
    "Isogeo",
    MAPPING,
    "json",
    claims=lambda document: (
        isinstance(document, Mapping) and {"_id", "_creator", "title"} <= document.keys()
    ),
)
