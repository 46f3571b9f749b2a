"""Contacts, links, operations of services and distribution of ISO 19115 written."""

from __future__ import annotations

from collections.abc import Mapping

from lxml import etree

from geoguichet.catalogue import codes
from geoguichet.catalogue.iso_making import (
    Maker,
    Property,
    Value,
    missing,
    told,
)
from geoguichet.catalogue.record import Contact, Link, Record
from geoguichet.catalogue.xml import HREF, Element


def distribution_of(make: Maker, record: Record) -> Element | None:
    """Make the distribution; None when there is nothing to say."""
    formats = [make.dialect.format(make, item) for item in told(record, "formats")]
    distributors = [
        make.object("MD_Distributor", ("distributorContact", party_of(make, contact)))
        for contact in answering(record, "distribution")
    ]
    online = [_online(make, link) for link in record.links if distributed(link)]
    transfer = make.object("MD_DigitalTransferOptions", ("onLine", online)) if online else None
    if not formats and not distributors and transfer is None:
        return None
    return make.object(
        "MD_Distribution", ("distributionFormat", formats), ("distributor", distributors), ("transferOptions", transfer)
    )


def distributed(link: Link) -> bool:
    """Say whether a link is about getting the content; previews and operations of services stand elsewhere."""
    return link.rel != "preview" and "operation" not in link.extra and "operatesOn" not in link.extra


_FUNCTIONS = {"enclosure": "download", "item": "download", "about": "information", "describedby": "information"}


def _online(make: Maker, link: Link) -> Element:
    """Make a ``CI_OnlineResource``."""
    url = make.leaf("gmd", "URL", _as_uri(link.href)) if "gmd" in make.dialect.namespaces else link.href
    named: Value = link.title
    if link.type:
        named = make.leaf(make.dialect.anchor, "MimeFileType", link.title or link.type, type=codes.writable(link.type))
    return make.object(
        "CI_OnlineResource",
        ("linkage", url),
        ("protocol", make.text(link.extra.get("protocol", ""), link.extra.get("protocolAddress", ""))),
        ("applicationProfile", link.extra.get("applicationProfile", "")),
        ("name", named),
        ("description", link.extra.get("description", "")),
        ("function", make.code("CI_OnLineFunctionCode", _function(link))),
    )


def _as_uri(address: str) -> str:
    """Return an address with its brackets escaped unless they enclose an IPv6 host: ``xs:anyURI`` refuses them."""
    scheme, mark, rest = address.partition("//")
    host, slash, path = rest.partition("/")
    if not mark or not slash or not ("[" in path or "]" in path):
        return address
    return f"{scheme}{mark}{host}{slash}{path.replace('[', '%5B').replace(']', '%5D')}"


def _function(link: Link) -> str:
    """Return the ISO function of a link; one that its protocol already tells is not added."""
    if "function" in link.extra or codes.relation(link.extra) == link.rel:
        return str(link.extra.get("function", ""))
    return _FUNCTIONS.get(link.rel, "")


def preview_of(make: Maker, link: Link) -> Element:
    """Make a ``MD_BrowseGraphic``."""
    kind = link.extra.get("fileType", "")
    return make.object("MD_BrowseGraphic", ("fileName", link.href), ("fileDescription", link.title), ("fileType", kind))


def _operation(make: Maker, link: Link) -> Element:
    platform = "DCP" if "gmd" in make.dialect.namespaces else "distributedComputingPlatform"
    return make.object(
        "SV_OperationMetadata",
        ("operationName", link.extra.get("operation", "") or missing()),
        (platform, make.code("DCPList", "WebServices")),
        ("connectPoint", _online(make, link)),
    )


def _reference(attributes: Mapping[str, str]) -> Element:
    return etree.Element("reference", {name: codes.writable(text) for name, text in attributes.items() if text})


def service_of(make: Maker, record: Record) -> list[Property]:
    """Return what only the identification of a service has."""
    kind = make.leaf(
        "gco",
        "LocalName" if "gmd" in make.dialect.namespaces else "ScopedName",
        told(record, "serviceType") or "other",
    )
    operations = [link for link in record.links if "operation" in link.extra]
    coupled = [link for link in record.links if "operatesOn" in link.extra]
    return [
        ("serviceType", kind),
        ("couplingType", make.code("SV_CouplingType", "tight" if coupled else "loose")),
        ("containsOperations", [_operation(make, link) for link in operations] or [missing()]),
        ("operatesOn", [_reference({HREF: link.href, "uuidref": link.extra["operatesOn"]}) for link in coupled]),
    ]


def answering(record: Record, what: str) -> list[Contact]:
    """Return who answers for the metadata, the citation or the distribution; with nothing named, for the resource."""
    return [contact for contact in record.contacts if contact.extra.get("about", "") == what]


def party_of(make: Maker, contact: Contact) -> Element:
    """Make who answers for something."""
    addresses = contact.extra.get("addresses") or [{}]
    postal = addresses[0]
    emails = [point.value for point in contact.emails]
    older = "gmd" in make.dialect.namespaces  # a contact has one page there
    address = None
    if postal or emails:
        lines = ("city", "administrativeArea", "postalCode", "country")
        address = make.object(
            "CI_Address",
            ("deliveryPoint", postal.get("deliveryPoint", [])),
            *((name, postal.get(name, "")) for name in lines),
            ("electronicMailAddress", emails),
        )
    details: list[Property] = [
        ("address", address),
        ("onlineResource", [_online(make, link) for link in (contact.links[:1] if older else contact.links)]),
        ("hoursOfService", contact.extra.get("hoursOfService", "")),
        ("contactInstructions", contact.extra.get("contactInstructions", "")),
    ]
    return make.dialect.party(make, contact, details)
