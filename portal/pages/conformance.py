"""The conformance classes that the portal declares."""

from typing import Any

from geoguichet.floor.words import Message
from geoguichet.portal.site import Page, Site, classes


def _document(site: Site) -> dict[str, Any]:
    return {"conformsTo": classes(editable=site.editable)}


PAGE = Page(
    path="/conformance",
    title=Message("Conformité"),
    summary="The conformance classes",
    template="conformance.html",
    document=_document,
    menu="foot",
    schema="Conformance",
)
