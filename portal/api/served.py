"""Stored records as the API serves them, and back: what it adds for a reader is never stored."""

import json
import re
from calendar import monthrange
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote

from geoguichet.catalogue.formats.links import absolute
from geoguichet.portal import answers
from geoguichet.portal.site import COLLECTION

RECORD_PROFILE = "http://www.opengis.net/def/profile/OGC/0/ogc-record"
#: Relations of which the portal says its own, not those of the catalogue that a record came from.
_HIDDEN = ("self", "collection", "profile")


def spliced(body: bytes, links: bytes, base_url: str) -> bytes:
    """Return the stored bytes of a record with links of the API added.

    A stored document ends with its links (`Record.to_bytes`). It is read and written anew when its
    links are relative or of the API that another catalogue served it by, or when its time is a year
    or a month.
    """
    if _TO_REWRITE.search(body):
        document = json.loads(body)
        own = [kept for kept in document.pop("links", []) if kept.get("rel") not in _HIDDEN]
        own = [_absolute(kept, base_url) for kept in own]
        if document.get("time"):
            document["time"] = whole_dates(document["time"])
        body = answers.to_json({**document, "links": own})
    if body.endswith(b"]}"):
        return body[:-2] + (b"" if body.endswith(b'"links":[]}') else b",") + links + b"]}"
    return body[:-1] + b',"links":[' + links + b"]}"


_SHORT = rb"\d{4}(?:-\d\d)?"
_TO_REWRITE = re.compile(
    rb'"href":"(?![a-zA-Z][a-zA-Z0-9+.-]*:)|"rel":"(?:self|collection|profile)"'
    rb'|"time":\{"(?:date":"%b"|interval":\["(?:%b"|[^"]*","%b"))' % (_SHORT, _SHORT, _SHORT)
)


def whole_dates(time: Mapping[str, Any]) -> dict[str, Any]:
    """Return the time of a record with whole days, as the standard asks: sources say years and
    months.

    ``2009`` is the interval from its first day to its last, with the ``resolution`` that was told
    (ISO 8601).
    """
    told = dict(time)
    given = told.get("interval") or (
        [told.get("date"), told.get("date")] if told.get("date") else []
    )
    short = [moment for moment in given if len(str(moment)) in (4, 7)]
    if not short:
        return told
    told.pop("date", None)
    told["interval"] = [_day(str(moment), last=place == 1) for place, moment in enumerate(given)]
    told.setdefault(
        "resolution", "P1M" if all(len(str(moment)) == 7 for moment in short) else "P1Y"
    )
    return told


# Return the first or the last day of a year or a month; anything else as it is.
def _day(moment: str, *, last: bool) -> str:
    if len(moment) == 4:
        return f"{moment}-12-31" if last else f"{moment}-01-01"
    if len(moment) == 7:
        year, month = (int(part) for part in moment.split("-"))
        return f"{moment}-{monthrange(year, month)[1] if last else 1:02d}"
    return moment


# Return a link with its address in full; a relative one is the portal's.
def _absolute(link: Mapping[str, Any], base_url: str) -> dict[str, Any]:
    return {**link, "href": absolute(base_url, link["href"])}


def unserved(document: Any, before: bytes, base_url: str) -> Any:
    """Return the document of a record that a client brings back as it is to be stored.

    Links of the API are left out, those of the portal relative again, and what is as ``before`` (the
    stored document, ``{}`` for none) was served stays as it was: to write what was read changes
    nothing.
    """
    if not isinstance(document, dict):
        return document
    stored, made = json.loads(before), dict(document)
    if made.get("time") and stored.get("time") and made["time"] == whole_dates(stored["time"]):
        made["time"] = stored["time"]
    if isinstance(made.get("links"), list):
        made["links"] = _own_links(made, stored.get("links", []), base_url)
        if not made["links"] and "links" not in stored:
            del made["links"]
    return made


def _own_links(
    document: Mapping[str, Any], stored: list[dict[str, Any]], base_url: str
) -> list[Any]:
    identifier = document.get("id")
    kept = [one for one in document["links"] if not _is_made(one, identifier)]
    told = [(_absolute(one, base_url), one) for one in stored]
    own = [
        next((known for served, known in told if one in (served, known)), None)
        or _relative(one, base_url)
        for one in kept
    ]
    hidden = [one for one in stored if one.get("rel") in _HIDDEN and not _is_made(one, identifier)]
    if own == [one for one in stored if one not in hidden]:
        return stored
    return [*(one for one in hidden if one not in own), *own]


# Say whether a link is one that a portal makes of a record, at whatever address it is served.
def _is_made(link: Any, identifier: object) -> bool:
    if not isinstance(link, dict) or not isinstance(link.get("href"), str):
        return False
    rel, href = link.get("rel"), link["href"]
    path, _, query = href.partition("?")
    if rel in ("self", "alternate"):
        item = f"/collections/{COLLECTION}/items/{identifier}"
        return query.startswith("f=") and unquote(path).endswith(item)
    if rel == "collection":
        return path.endswith(f"/collections/{COLLECTION}")
    return rel == "profile" and href == RECORD_PROFILE


# Return a link with an address of the portal told from its root, so that it may move.
def _relative(link: Any, base_url: str) -> Any:
    if not isinstance(link, dict) or not isinstance(link.get("href"), str):
        return link
    rest = link["href"].removeprefix(f"{base_url}/")
    is_same = rest and rest != link["href"] == absolute(base_url, rest)
    return {**link, "href": rest} if is_same else link
