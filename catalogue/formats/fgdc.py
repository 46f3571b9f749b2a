"""FGDC CSDGM and DIF in XML, read so that older American catalogues are not refused."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from geoguichet.catalogue.errors import RecordError
from geoguichet.catalogue.formats import codes, geometries
from geoguichet.catalogue.formats.mapping import Mapped, describe, made_identifier, time_of
from geoguichet.catalogue.formats.xml import (
    Element,
    child,
    children,
    content,
    down,
    every,
    name,
    parse,
)
from geoguichet.catalogue.record import Concept, Contact, ContactPoint, Extent, Link, Record, Theme

MAPPING = (
    Mapped("id", "idinfo/datsetid", "in", "DIF: Entry_ID"),
    Mapped("title", "idinfo/citation/citeinfo/title", "in", "DIF: Entry_Title"),
    Mapped("description", "idinfo/descript/abstract", "in", "DIF: Summary"),
    Mapped("purpose", "idinfo/descript/purpose", "in"),
    Mapped("dates", "idinfo/citation/citeinfo/pubdate", "in"),
    Mapped("contacts", "idinfo/citation/citeinfo/origin", "in", "author"),
    Mapped("contacts", "idinfo/ptcontac/cntinfo", "in", "DIF: Personnel"),
    Mapped("links", "idinfo/citation/citeinfo/onlink", "in", "DIF: Related_URL"),
    Mapped("keywords", "idinfo/keywords/theme", "in", "groups without a thesaurus; DIF: Keyword"),
    Mapped("themes", "idinfo/keywords/theme", "in", "groups with a thesaurus; DIF: Parameters"),
    Mapped("geometry", "idinfo/spdom/bounding", "in", "DIF: Spatial_Coverage"),
    Mapped("time", "idinfo/timeperd/timeinfo", "in", "DIF: Temporal_Coverage"),
    Mapped("rights", "idinfo/useconst", "in", "and accconst"),
    Mapped("lineage", "dataqual/lineage/procstep/procdesc", "in"),
    Mapped("updated", "metainfo/metd", "in"),
)


def claims(root: Element) -> bool:
    """Say whether an element is a record of FGDC or DIF."""
    return name(root) == "DIF" or (name(root) == "metadata" and child(root, "idinfo") is not None)


def read(document: bytes) -> Record:
    """Read one record; FormatError when it is not XML."""
    return read_element(parse(document))


def read_element(root: Element) -> Record:
    """Read one record element."""
    members = _dif(root) if name(root) == "DIF" else _fgdc(root)
    return describe(members | {"id": members["id"] or made_identifier(members)})


def _text(root: Element | None, *steps: str) -> str:
    return " ".join(content(down(root, *steps)).split())


def _fgdc(root: Element) -> dict[str, Any]:
    info = child(root, "idinfo")
    citation = down(info, "citation", "citeinfo")
    free, themes = _keywords(info)
    rights = [text for tag in ("accconst", "useconst") if (text := _text(info, tag))]
    date = codes.moment(_text(citation, "pubdate"))
    bounding = down(info, "spdom", "bounding")
    sides = [_text(bounding, tag) for tag in ("westbc", "southbc", "eastbc", "northbc")]
    return {
        "id": _text(info, "datsetid"),
        "type": "dataset",
        "title": _text(citation, "title"),
        "description": content(down(info, "descript", "abstract")),
        "purpose": content(down(info, "descript", "purpose")),
        "dates": [{"date": date, "type": "publication"}] if date else [],
        "contacts": tuple(_contacts(info, citation)),
        "links": tuple(
            Link(href, "related")
            for node in children(citation, "onlink")
            if (href := content(node))
        ),
        "keywords": tuple(free),
        "themes": tuple(themes),
        "time": time_of(list(_periods(down(info, "timeperd", "timeinfo")))),
        "rights": "\n".join(rights),
        "license": next((spdx for text in rights if (spdx := codes.licence(text))), ""),
        "lineage": "\n".join(
            content(node) for node in every(root, "dataqual", "lineage", "procstep", "procdesc")
        ),
        "updated": codes.timestamp(_text(root, "metainfo", "metd")),
        **_box(sides),
    }


def _keywords(info: Element | None) -> tuple[list[str], list[Theme]]:
    free: list[str] = []
    themes: list[Theme] = []
    for kind in ("theme", "place", "stratum", "temporal"):
        for group in every(info, "keywords", kind):
            words = [text for node in children(group, f"{kind}key") if (text := content(node))]
            thesaurus = _text(group, f"{kind}kt")
            if thesaurus and thesaurus.lower() not in ("none", "none.", "n/a") and words:
                extra = {"title": thesaurus, "type": kind}
                themes.append(Theme(tuple(Concept(word, word) for word in words), "", extra))
            else:
                free += words
    return list(dict.fromkeys(free)), themes


def _contacts(info: Element | None, citation: Element | None) -> Iterator[Contact]:
    for node in children(citation, "origin"):
        if text := " ".join(content(node).split()):
            yield Contact(organization=text, roles=("author",))
    for details in every(info, "ptcontac", "cntinfo"):
        organization = _text(details, "cntorgp", "cntorg") or _text(details, "cntperp", "cntorg")
        person = _text(details, "cntperp", "cntper") or _text(details, "cntorgp", "cntper")
        emails = tuple(
            ContactPoint(text) for node in children(details, "cntemail") if (text := content(node))
        )
        phones = tuple(
            ContactPoint(text) for node in children(details, "cntvoice") if (text := content(node))
        )
        if organization or person or emails:
            yield Contact(
                organization=organization,
                name=person,
                roles=("pointOfContact",),
                emails=emails,
                phones=phones,
            )


def _periods(timeinfo: Element | None) -> Iterator[tuple[str, str]]:
    for node in every(timeinfo, "sngdate", "caldate"):
        if date := codes.moment(content(node)):
            yield date, date
    for node in every(timeinfo, "mdattim", "sngdate", "caldate"):
        if date := codes.moment(content(node)):
            yield date, date
    for node in every(timeinfo, "rngdates"):
        yield (
            codes.moment(_text(node, "begdate")) or "..",
            codes.moment(_text(node, "enddate")) or "..",
        )


def _box(sides: list[str]) -> dict[str, Any]:
    numbers = [codes.number(side) for side in sides]
    west, south, east, north = numbers
    if west is None or south is None or east is None or north is None:
        return {}
    try:
        return {
            "geometry": geometries.gathered(
                list(
                    geometries.as_pieces(
                        Extent(float(west), float(south), float(east), float(north))
                    )
                )
            )
        }
    except RecordError as error:
        return {
            "unreadable": [
                {
                    "member": "geometry",
                    "path": "bounding",
                    "text": " ".join(sides),
                    "reason": str(error),
                }
            ]
        }


def _dif(root: Element) -> dict[str, Any]:
    coverage = child(root, "Temporal_Coverage")
    box = child(root, "Spatial_Coverage")
    sides = [
        _text(box, f"{side}_Longitude" if side[0] in "WE" else f"{side}_Latitude")
        for side in ("Westernmost", "Southernmost", "Easternmost", "Northernmost")
    ]
    parameters = [
        " > ".join(content(part) for part in node if content(part))
        for node in children(root, "Parameters")
    ]
    concepts = tuple(Concept(text, text) for text in parameters if text)
    return {
        "id": _text(root, "Entry_ID"),
        "type": "dataset",
        "title": _text(root, "Entry_Title"),
        "description": content(down(root, "Summary", "Abstract"))
        or content(child(root, "Summary")),
        "contacts": tuple(_people(root)),
        "links": tuple(_related(root)),
        "keywords": tuple(
            dict.fromkeys(text for node in children(root, "Keyword") if (text := content(node)))
        ),
        "themes": (Theme(concepts, "", {"title": "GCMD"}),) if concepts else (),
        "time": time_of(
            [
                (
                    codes.moment(_text(coverage, "Start_Date")) or "..",
                    codes.moment(_text(coverage, "Stop_Date")) or "..",
                )
            ]
        ),
        "rights": content(child(root, "Use_Constraints")),
        "updated": codes.timestamp(_text(root, "Last_DIF_Revision_Date")),
        **_box(sides),
    }


def _people(root: Element) -> Iterator[Contact]:
    for node in children(root, "Personnel"):
        person = " ".join(text for tag in ("First_Name", "Last_Name") if (text := _text(node, tag)))
        email = _text(node, "Email")
        if person or email:
            yield Contact(
                name=person,
                roles=("pointOfContact",),
                emails=(ContactPoint(email),) if email else (),
            )
    for node in children(root, "Data_Center"):
        if title := _text(node, "Data_Center_Name", "Long_Name") or _text(
            node, "Data_Center_Name", "Short_Name"
        ):
            yield Contact(organization=title, roles=("distributor",))


def _related(root: Element) -> Iterator[Link]:
    for node in children(root, "Related_URL"):
        for href in (content(part) for part in children(node, "URL")):
            if href:
                yield Link(href, "related", title=_text(node, "Description"))
