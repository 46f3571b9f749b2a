"""ISO 19110 feature catalogues in XML: what the fields of a dataset mean."""

from typing import Any

from geoguichet.catalogue.formats import conversions as to
from geoguichet.catalogue.formats.iso import values
from geoguichet.catalogue.formats.mapping import Format, Mapped, Part, read_by
from geoguichet.catalogue.formats.xml import XmlPart, name
from geoguichet.catalogue.record import Contact


class _IsoPart(XmlPart):
    """An element whose text is in the object that it holds."""

    __slots__ = ()

    def _said(self, node: Any) -> str:
        return super()._said(node) if isinstance(node, str) else values.value(node)


def _producer(part: Part, path: str) -> tuple[Contact, ...]:
    return tuple(filter(None, (values.contact(item.node, "") for item in part.at(path))))


MAPPING = (
    Mapped("id", "@uuid", "in"),
    Mapped("type", "", "in", "featureCatalogue", to.always("featureCatalogue")),
    Mapped("title", "name", "in"),
    Mapped("description", "scope", "in", read=to.lines),
    Mapped("dates", "versionDate", "in", "revision", to.dates("revision")),
    Mapped("contacts", "producer/*", "in", read=_producer),
    Mapped(
        "featureCatalogue",
        "featureType/*/typeName",
        "in",
        read=lambda part, path: [{"title": part.text("name"), "featureTypes": part.texts(path)}],
    ),
    Mapped(
        "fields",
        "featureType/*/carrierOfCharacteristics/*",
        "in",
        read=to.objects(name="memberName", type="valueType/*/aName", definition="definition"),
    ),
)

FORMAT = Format(
    "iso19110",
    "ISO 19110",
    MAPPING,
    "xml",
    claims=lambda root: name(root) == "FC_FeatureCatalogue",
    read=lambda root: read_by(MAPPING, _IsoPart(root)),
)
