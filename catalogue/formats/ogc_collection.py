"""A collection of OGC API Features (or Records, Coverages ...) read as the record of a dataset."""

from collections.abc import Mapping

from geoguichet.catalogue.formats import conversions as to
from geoguichet.catalogue.formats.mapping import Format, Mapped

MAPPING = (
    Mapped(
        "id",
        "links[rel=self].href",
        "in",
        "its own page",
        read=lambda part, path: part.text(path).partition("?")[0],
    ),
    Mapped("id", "id", "in", "else its name"),
    Mapped("type", "", "in", "dataset", to.always("dataset")),
    Mapped("title", "title, id", "in"),
    Mapped("description", "description", "in"),
    Mapped("keywords", "keywords", "in", read=to.words()),
    Mapped("license", "license + links[rel=license].href", "in", read=to.licence),
    Mapped("rights", "attribution", "in"),
    Mapped("geometry", "extent.spatial.bbox", "in", read=to.box()),
    Mapped("time", "extent.temporal.interval", "in", read=to.intervals),
    Mapped("crs", "storageCrs, crs", "in", read=to.systems),
    Mapped("links", "links[rel!=self root parent]", "in", read=to.OGC_LINKS),
)

FORMAT = Format(
    "ogc-collection",
    "Collection of an OGC API",
    MAPPING,
    "json",
    claims=lambda document: (
        isinstance(document, Mapping)
        and "id" in document
        and isinstance(document.get("links"), list)
        and bool(document.keys() & {"itemType", "extent", "crs"})
        and document.get("type") not in ("Feature", "FeatureCollection")
    ),
)
