"""Links and formats of ISO 19115 read: distribution, operations of services, previews."""

from __future__ import annotations

from collections.abc import Iterator

from geoguichet.catalogue import codes
from geoguichet.catalogue.iso_values import Members, code_of, href_of, uuidref, value
from geoguichet.catalogue.record import Link
from geoguichet.catalogue.xml import (
    HREF,
    LOCAL,
    Element,
    Holder,
    child,
    children,
    down,
    every,
    inner,
    named,
)


def distribution(root: Holder, identification: Holder) -> Members:
    """Return the links and formats of the distribution, with the operations of a service and the previews."""
    links: list[Link] = []
    formats: list[dict[str, str]] = []
    for holder in children(root, "distributionInfo"):
        distribution = inner(holder)
        sources = [distribution, *every(distribution, "distributor", "*")]
        for source in sources:
            for name in ("distributionFormat", "distributorFormat"):
                formats += [found for node in children(source, name) if (found := _format(inner(node)))]
            for name in ("transferOptions", "distributorTransferOptions"):
                online = every(source, name, "*", "onLine", "*")
                links += [link for node in online if (link := online_resource(node)) is not None]
    formats += [found for node in children(identification, "resourceFormat") if (found := _format(inner(node)))]
    links += _operations(identification)
    links += [
        link for node in children(identification, "graphicOverview") if (link := _preview(inner(node))) is not None
    ]
    unique = [found for at, found in enumerate(formats) if found not in formats[:at]]
    return {"links": tuple(links), "formats": unique}


def _format(element: Element | None) -> dict[str, str]:
    citation = inner(child(element, "formatSpecificationCitation"))
    said = {
        "name": value(child(element, "name")) or value(child(citation, "title")),
        "version": value(child(element, "version")) or value(child(citation, "edition")),
    }
    return {name: text for name, text in said.items() if text} if said["name"] else {}


def online_resource(resource: Element | None, rel: str = "") -> Link | None:
    """Read a ``CI_OnlineResource``; the relation, where none is given, follows from its function and protocol."""
    parts = named(resource)
    href = value(parts.get("linkage"))
    if not href:
        return None
    texts = (
        ("protocol", value(parts.get("protocol"))),
        ("protocolAddress", href_of(parts.get("protocol"))),
        ("function", code_of(parts.get("function"))),
        ("description", value(parts.get("description"))),
        ("applicationProfile", value(parts.get("applicationProfile"))),
    )
    extra = {name: text for name, text in texts if text}
    label = parts.get("name")
    mime = inner(label)
    kind = mime.get("type", "") if mime is not None and LOCAL[mime.tag] == "MimeFileType" else ""
    return Link(href, rel or codes.relation(extra), kind or ("text/html" if rel else ""), value(label), extra=extra)


def _operations(identification: Holder) -> Iterator[Link]:
    for operation in every(identification, "containsOperations", "*"):
        named = value(child(operation, "operationName"))
        for node in every(operation, "connectPoint", "*"):
            if link := online_resource(node):
                yield Link(link.href, "service", link.type, link.title, extra={**link.extra, "operation": named})
    for holder in children(identification, "operatesOn"):
        href, uuid = holder.get(HREF, "").strip(), uuidref(holder)
        if href or uuid:
            yield Link(href or f"urn:uuid:{uuid}", "related", extra={"operatesOn": uuid})


def _preview(graphic: Element | None) -> Link | None:
    href = value(child(graphic, "fileName")) or value(down(graphic, "linkage", "*", "linkage"))
    if not href:
        return None
    kind = value(child(graphic, "fileType"))
    extra = {"fileType": kind} if kind else {}
    return Link(href, "preview", "", value(child(graphic, "fileDescription")), extra=extra)
