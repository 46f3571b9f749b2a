"""Stored records as the API serves them: their bytes with the API's links added, parsed only if
need be.
"""

from __future__ import annotations

import json
import re
from calendar import monthrange
from collections.abc import Mapping
from typing import Any
from urllib.parse import urljoin, urlsplit

from geoguichet.portal import answers


def spliced(body: bytes, links: bytes, base_url: str) -> bytes:
    """Return the stored bytes of a record with links of the API added.

    A stored document ends with its links (`Record.to_bytes`). It is read and written anew when its
    links are relative or of the API that another catalogue served it by, or when its time is a year
    or a month.
    """
    if _TO_REWRITE.search(body):
        document = json.loads(body)
        own = [
            kept
            for kept in document.pop("links", [])
            if kept.get("rel") not in ("self", "collection", "profile")
        ]
        for kept in own:
            if not urlsplit(kept["href"]).scheme:
                kept["href"] = urljoin(f"{base_url}/", kept["href"])
        if document.get("time"):
            document["time"] = whole_dates(document["time"])
        body = answers.to_json({**document, "links": own})
    if body.endswith(b"]}"):
        joint = b"" if body.endswith(b'"links":[]}') else b","
        return body[:-2] + joint + links + b"]}"
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


def _day(moment: str, *, last: bool) -> str:
    """Return the first or the last day of a year or a month; anything else as it is."""
    if len(moment) == 4:
        return f"{moment}-12-31" if last else f"{moment}-01-01"
    if len(moment) == 7:
        year, month = (int(part) for part in moment.split("-"))
        return f"{moment}-{monthrange(year, month)[1] if last else 1:02d}"
    return moment
