"""The ISO profile of CSW (OGC 07-045): a document of ISO 19139 with what harvesters need."""

import re
from collections.abc import Iterator
from dataclasses import replace
from hashlib import blake2b
from urllib.parse import quote

from lxml import etree

from geoguichet.catalogue.formats import codes, licences
from geoguichet.catalogue.formats.iso import values, writing
from geoguichet.catalogue.formats.iso.iso19139 import DIALECT, write
from geoguichet.catalogue.formats.iso.making import Maker, found
from geoguichet.catalogue.formats.links import (
    SERVICES,
    asking,
    function_of,
    leads_anyone,
    service_of,
    told_in_iso,
)
from geoguichet.catalogue.formats.mapping import beyond, shaped
from geoguichet.catalogue.formats.xml import (
    HREF,
    Element,
    child,
    children,
    content,
    down,
    inner,
    parse,
    serialize,
)
from geoguichet.catalogue.record import Link, Record

_OF_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(?:-[A-Za-z0-9]{2,8})*")
_OF_DATE = re.compile(r"\d{4}(?:-(?!00)\d\d(?:-(?!00)\d\d(?:T\d\d:\d\d\S*)?)?)?")
#: The functions of links that ISO 19115:2003 lists.
_FUNCTIONS = ("download", "information", "offlineAccess", "order", "search")
#: An address whose host has a domain: that of a template (``http://xxxx/``) is no endpoint.
_OF_DOMAIN = re.compile(r"\s*\w+://[^/?#:]+\.[^/?#:]")
_ZONE = re.compile(r"(?<=^\d{4}-\d\d-\d\d)(?:Z|[+-]\d\d:\d\d)$")
_CITATION = "identificationInfo/*/citation/*/"
_LANGUAGES = ("language", "identificationInfo/*/language")
_ONLINE = (
    "distributionInfo/*/transferOptions/*/onLine/CI_OnlineResource",
    "distributionInfo/*/distributor/*/distributorTransferOptions/*/onLine/CI_OnlineResource",
)
_DATES = ("dateStamp", f"{_CITATION}date/*/date")
#: The members, beyond the standard's, that what lacks is written of.
_ASKED = (
    *("language", "resourceLanguages", "dates", "translations"),
    *("serviceType", "representation", "resolution"),  # which say whether it is a service
)


def profiled(document: bytes, record: Record) -> bytes:
    """Return a document of a record as the ISO profile of CSW has it: as it is when it says all that
    harvesters need, else with what it lacks written by us; one of another class (a profile of ISO
    19139) is written anew. What makes DCAT of ISO (SEMIC's stylesheet, data.gouv.fr) drops a record
    of another root, without an identifier, a title or a level that it knows, whose language or dates
    are none, whose person has two names, whose locale or resource has the name of that of another
    record, or that offers an address that leads nobody there; and a link without a function. It
    knows a service by the request in its address alone. A level that nobody tells is that of ISO
    19115, dataset.
    """
    root, record = parse(document), shaped(record)
    if root.tag != f"{{{DIALECT.namespaces['gmd']}}}MD_Metadata":
        document = write(record)
        root = parse(document)
    told = (
        _tell_endpoint(root, record)
        | _tell_links(root, record)
        | _tell_licence(root, record)
        | _tell_identifier(root, record)
    )
    told |= _tell_names(root) | _tell_locales(root, record) | _tell_days(root)
    if paths := [path for path in _lacking(root) if record.title or not path.endswith("/title")]:
        fresh = writing.build(_as_profiled(record), DIALECT)
        for path in paths:
            writing.graft(root, fresh, path, DIALECT)
    told |= _tell_texts(root)
    return serialize(root, whole=True) if told or paths else document


# Yield the paths of what a document does not say as a harvester reads it.
def _lacking(root: Element) -> Iterator[str]:
    if values.code_of(child(root, "hierarchyLevel")) not in codes.SCOPES_2003:
        yield "hierarchyLevel"
    languages = (values.code_of(one) for path in _LANGUAGES for one in found(root, path))
    if not all(map(_OF_LANGUAGE.fullmatch, filter(None, languages))):
        yield from _LANGUAGES
    dates = (content(inner(one)) for path in _DATES for one in found(root, path))
    if not all(map(_OF_DATE.fullmatch, filter(None, dates))):
        yield from ("dateStamp", f"{_CITATION}date")
    for path in (f"{_CITATION}title", f"{_CITATION}identifier/*/code"):
        if not any(content(inner(one)) for one in found(root, path)):
            yield path.removesuffix("/*/code")


# Tell of links what a harvester looks for: their function as the record understands them, the request
# that makes a service known, an address without spaces; what leads nobody there is no download. Say
# whether there was something to tell.
def _tell_links(root: Element, record: Record) -> bool:
    asked = {
        (link.href, link.extra.get("protocol", "")): link
        for held in record.links
        if writing.distributed(held)
        for link in (held, told_in_iso(held))
    }
    functions = {link.href: function for link in asked.values() if (function := function_of(link))}
    told = False
    for online in (online for path in _ONLINE for online in found(root, path)):
        address = down(online, "linkage", "*")
        href, said_there = content(address), values.code_of(child(online, "function"))
        function = said_there if said_there in _FUNCTIONS else functions.get(href, "")
        if function != "search" and not leads_anyone(Link(href)):
            function = "information"
        if function and function != said_there:
            _replace_function(online, function)
            told = True
        link = asked.get((href, content(down(online, "protocol", "*"))))
        whole = re.sub(r"\s", lambda space: quote(space[0]), asking(link) if link else href)
        if address is not None and whole != href:
            address.text = whole
            told = True
    return told


def _replace_function(online: Element, function: str) -> None:
    for other in children(online, "function"):
        online.remove(other)
    code = Maker(DIALECT).code("CI_OnLineFunctionCode", function)
    online.append(Maker(DIALECT).object("CI_OnlineResource", ("function", code))[0])


# Begin the links of a service by the one where it is asked, which may stand among its operations alone:
# SEMIC's stylesheet looks for it among what is distributed, and the first is its endpoint there. Say
# whether another was first.
def _tell_endpoint(root: Element, record: Record) -> bool:
    known = (one for one in record.links if (kind := service_of(one)) and kind.name in SERVICES)
    reached = (one for one in known if leads_anyone(one) and _OF_DOMAIN.match(one.href))
    ways = list(reached) if record.type == "service" else []
    held = [(content(down(one, "*", "linkage", "*")), one) for one in root.iter("{*}onLine")]
    starts = [start for one in ways for start in (one.href, asking(one))]
    if not ways or (held and held[0][0] in starts):
        return False
    make = Maker(DIALECT)
    told = min(ways, key=lambda one: one.extra.get("operation", "") not in ("", "GetCapabilities"))
    online = next((one for href, one in held if href == told.href), None)
    if online is None:
        online = make.object("MD_DigitalTransferOptions", ("onLine", _distributed(told)))[0]
    if held:
        held[0][1].addprevious(online)
        return True
    way = make.object("MD_DigitalTransferOptions", ("onLine", inner(online)))
    options = make.object("MD_Distribution", ("transferOptions", way))
    for place in found(root, "distributionInfo/MD_Distribution")[:1]:
        place.insert(writing.rank(place, "transferOptions", DIALECT), options[0])
        return True
    for empty in children(root, "distributionInfo"):
        root.remove(empty)
    whole = make.object("MD_Metadata", ("distributionInfo", options))[0]
    root.insert(writing.rank(root, "distributionInfo", DIALECT), whole)
    return True


# Return the link to a service as what is distributed has it: without its operation.
def _distributed(link: Link) -> Element:
    extra = {name: text for name, text in link.extra.items() if name != "operation"}
    plain = told_in_iso(replace(link, href=asking(link), extra=extra))
    return writing.online_of(Maker(DIALECT), plain)


# Put the identifier of a record first among those of its resource, which stay: a harvester knows a
# record by the first, and takes one record alone of each (copies of a template have one between them,
# and the dataset that two catalogues describe). Say whether it was not there.
def _tell_identifier(root: Element, record: Record) -> bool:
    for citation in found(root, "identificationInfo/*/citation/*")[:1]:
        held = children(citation, "identifier")
        if held and content(down(held[0], "*", "code", "*")) == record.id:
            return False
        make = Maker(DIALECT)
        own = make.object("MD_Identifier", ("code", record.id))
        at = citation.index(held[0]) if held else writing.rank(citation, "identifier", DIALECT)
        citation.insert(at, make.object("CI_Citation", ("identifier", own))[0])
        return True
    return False


# Tell plainly a text that stands in locales alone, in the first of them: SEMIC's stylesheet looks for
# the locale of one in the whole answer, and two of one language stop it. Say whether there were some.
def _tell_texts(root: Element) -> bool:
    bare = [one for one in root.iter("{*}PT_FreeText") if inner(one.getparent()) is one]
    for one in bare:
        texts = (content(text) for text in one.iter("{*}LocalisedCharacterString"))
        plain = Maker(DIALECT).leaf("gco", "CharacterString", next(filter(None, texts), ""))
        one.addprevious(plain)
    return bool(bare)


# Leave a day of a period its date alone: SEMIC's stylesheet takes one with a zone for an instant, and
# udata refuses that. Say whether there were some.
def _tell_days(root: Element) -> bool:
    ends = [*root.iter("{*}beginPosition", "{*}endPosition", "{*}timePosition")]
    zoned = [one for one in ends if _ZONE.search(content(one))]
    for one in zoned:
        one.text = _ZONE.sub("", content(one))
    return bool(zoned)


# Tell the licence of a record by its address where the document tells it in other words; say whether
# it did.
def _tell_licence(root: Element, record: Record) -> bool:
    licence = licences.asserted(record)
    address = licences.address_of(licence)
    told = found(root, "identificationInfo/*/resourceConstraints/*/otherConstraints/Anchor")
    if not address or address in [one.get(HREF, "").strip() for one in told]:
        return False
    holder = etree.Element(Maker(DIALECT).tag("gmd", "resourceConstraints"))
    holder.append(writing.constraint(Maker(DIALECT), writing.licensing(licence)))
    for about in found(root, "identificationInfo/*")[:1]:
        about.insert(writing.rank(about, "resourceConstraints", DIALECT), holder)
    return True


# Leave a person one name, where it stands in several languages; say whether there were some.
def _tell_names(root: Element) -> bool:
    names = [one for one in root.iter("{*}individualName") if len(one) > 1 and content(one[0])]
    for one in names:
        del one[1:]
    return bool(names)


# Give the locales of a document names that no other document has: an answer of CSW holds many, and
# SEMIC's stylesheet, which looks for a locale in all of it, found two of a name and lost the record.
def _tell_locales(root: Element, record: Record) -> bool:
    own = f"-{blake2b(record.id.encode(), digest_size=4).hexdigest()}"
    locales = (one for one in root.iter("{*}PT_Locale") if not one.get("id", own).endswith(own))
    named = {f"#{one.get('id')}": one for one in locales}
    for name, one in named.items():
        one.set("id", f"{name[1:]}{own}")
    for node in root.iter(etree.Element) if named else ():
        for attribute in ("locale", HREF):
            if (name := node.get(attribute, "")) in named:
                node.set(attribute, f"{name}{own}")
    return bool(named)


# Return what a record says that a harvester asks for, with the level, the languages and the dates
# that it takes: a tenth of what there is to write of most.
def _as_profiled(record: Record) -> Record:
    told = {name: held for name, held in record.extra_properties.items() if name in _ASKED}
    asked = shaped(Record(
        id=record.id, title=record.title, updated=record.updated,
        external_ids=record.external_ids, extra_properties=told,
    ))  # fmt: skip
    told = {**beyond(asked)}
    if not _OF_LANGUAGE.fullmatch(told.get("language", {}).get("code", "")):
        told.pop("language", None)
    spoken = told.get("resourceLanguages", ())
    told["resourceLanguages"] = [one for one in spoken if _OF_LANGUAGE.fullmatch(one["code"])]
    days = ({**one, "date": _ZONE.sub("", one["date"])} for one in told.get("dates", ()))
    told["dates"] = [one for one in days if _OF_DATE.fullmatch(one["date"])]
    return replace(asked, type=codes.scope_2003(record.type), extra_properties=told)
