"""QMD: the metadata that QGIS keeps beside a layer (``.qmd``), read."""

from geoguichet.catalogue.formats import conversions as to
from geoguichet.catalogue.formats.mapping import Format, Mapped, Part
from geoguichet.catalogue.formats.xml import child, name


# Read the boxes; QGIS writes zeros or the greatest numbers for an extent that is not known.
def _known_extent(part: Part, path: str) -> object:
    found = to.box("@minx", "@miny", "@maxx", "@maxy", crs="@crs")(part, path)
    part.refused.clear()
    return None if found == {"type": "Point", "coordinates": [0, 0]} else found


_CONTACTS = to.contacts(
    organization="organization",
    name="name",
    position="position",
    roles="role",
    emails="email",
    phones="voice",
)
_LINKS = to.links(
    href="@url",
    type="@mimeType",
    title="@name",
    protocol="@type",
    description="@description",
)

MAPPING = (
    Mapped("id", "identifier", "in"),
    Mapped("parent", "parentidentifier", "in"),
    Mapped("language", "language", "in", read=to.language),
    Mapped("type", "type", "in"),
    Mapped("type", "", "in", "else dataset", to.always("dataset")),
    Mapped("title", "title", "in"),
    Mapped("description", "abstract", "in"),
    Mapped("keywords", "keywords[@vocabulary!=gmd:topicCategory]/keyword", "in", read=to.words()),
    Mapped(
        "themes.topicCategory",
        "keywords[@vocabulary=gmd:topicCategory]/keyword",
        "in",
        read=to.topics,
    ),
    Mapped("contacts", "contact", "in", read=_CONTACTS),
    Mapped("links", "links/link", "in", read=_LINKS),
    Mapped("lineage", "history", "in", "every line of it", to.lines),
    Mapped("license", "license", "in", read=to.licence),
    Mapped("rights", "license + rights + fees + constraints", "in", read=to.lines),
    Mapped("crs", "crs/spatialrefsys/authid", "in", read=to.systems),
    Mapped(
        "geometry",
        "extent/spatial[@crs=EPSG:4326 OGC:CRS84 EPSG:4258], extent/spatial",
        "in",
        "in degrees when one is",
        _known_extent,
    ),
    Mapped("time", "extent/temporal/period", "in", read=to.periods("start", "end")),
)

FORMAT = Format(
    "qmd",
    "QMD (QGIS)",
    MAPPING,
    "xml",
    # QGIS's styles of a layer have the same root, and no title.
    claims=lambda root: name(root) == "qgis" and child(root, "title") is not None,
)
