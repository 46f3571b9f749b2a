"""udata datasets in JSON (data.gouv.fr), as ``/api/1/datasets/`` answers them."""

from collections.abc import Mapping
from typing import Any

from geoguichet.catalogue.formats import conversions as to
from geoguichet.catalogue.formats.mapping import Format, Mapped, Part
from geoguichet.catalogue.record import ExternalId


# Return the datasets of a document: one, a list, or a page.
def _datasets(document: Any) -> list[Mapping[str, Any]]:
    listed = document.get("data", [document]) if isinstance(document, Mapping) else document
    return (
        [item for item in listed if isinstance(item, Mapping)] if isinstance(listed, list) else []
    )


def _elsewhere(part: Part, path: str) -> tuple[ExternalId, ...]:
    domain = part.text("harvest.domain")
    return tuple(ExternalId(text, domain) for text in part.texts(path))


_LINKS = to.links(
    to.by_format,
    href="url",
    type="mime",
    title="title",
    length="filesize",
    description="description",
)

MAPPING = (
    Mapped("id", "id, slug", "in"),
    Mapped("type", "", "in", "dataset", to.always("dataset")),
    Mapped("title", "title", "in"),
    Mapped("alternateTitles", "acronym", "in", read=to.texts),
    Mapped("description", "description", "in"),
    Mapped("keywords", "tags", "in", read=to.words()),
    Mapped(
        "contacts",
        "organization",
        "in",
        "publisher",
        to.contacts("publisher", organization="name", links="page"),
    ),
    Mapped("contacts", "owner", "in", read=to.contacts("owner", name="first_name + last_name")),
    Mapped(
        "contacts",
        "contact_points",
        "in",
        read=to.contacts("pointOfContact", organization="name", emails="email"),
    ),
    Mapped("license", "license", "in", read=to.licence),
    Mapped("links", "resources", "in", read=_LINKS),
    Mapped("links.about", "page", "in", read=to.links("about")),
    Mapped("formats", "resources.format", "in", read=to.formats),
    Mapped("geometry", "spatial.geom", "in", read=to.geojson),
    Mapped("places", "spatial.zones", "in", read=to.places("id, name")),
    Mapped("time", "temporal_coverage", "in", read=to.periods("start", "end")),
    Mapped("created", "created_at", "in", read=to.stamp),
    Mapped("updated", "last_modified, last_update", "in", read=to.stamp),
    Mapped("externalIds", "slug", "in", read=to.identifiers("https://www.data.gouv.fr/datasets")),
    Mapped("externalIds", "harvest.remote_id + harvest.dct_identifier", "in", read=_elsewhere),
    Mapped("maintenance", "frequency", "in", read=to.frequency),
)

FORMAT = Format(
    "udata",
    "udata",
    MAPPING,
    "json",
    claims=lambda document: any(
        {"resources", "slug", "tags"} <= item.keys() for item in _datasets(document)
    ),
    parts=_datasets,
)
