"""What our pages need beside the data: numbers and dates as they are written, links sorted by what
they are for.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from datetime import date
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from markupsafe import Markup

from geoguichet.catalogue.formats.codes import theme_label
from geoguichet.catalogue.search.queryables import QUERYABLES
from geoguichet.portal.api.encodings import ENCODINGS

_FILES = ("item", "items", "enclosure", "data", "download")
_RELATED = (
    "related",
    "derived-from",
    "derivedfrom",
    "wasderivedfrom",
    "source",
    "lineage",
    "predecessor-version",
    "successor-version",
    "via",
)
_MACHINERY = ("license", "self", "root", "collection", "next", "prev", "canonical", "profile")
_JSON = ("application/json", "application/geo+json", "application/schema+json")
_MONTHS = {
    "fr": [
        "janvier",
        "février",
        "mars",
        "avril",
        "mai",
        "juin",
        "juillet",
        "août",
        "septembre",
        "octobre",
        "novembre",
        "décembre",
    ],
    "en": [
        "January",
        "February",
        "March",
        "April",
        "May",
        "June",
        "July",
        "August",
        "September",
        "October",
        "November",
        "December",
    ],
}
LANGUAGES = {"fr": "Français", "en": "English"}


def language(locale: object) -> str:
    """Return ``fr`` or ``en``."""
    return "en" if str(locale).startswith("en") else "fr"


def number(value: object, locale: object) -> str:
    """Return a number as it is written in the language (``12 345,6`` or ``12,345.6``); other values
    as they are.
    """
    if isinstance(value, bool) or not isinstance(value, int | float):
        return str(value)
    if isinstance(value, float) and abs(value) >= 100:
        value = round(value)
    text = f"{value:,}" if isinstance(value, int) else f"{value:,.3f}".rstrip("0").rstrip(".")
    if language(locale) == "fr":
        text = text.replace(",", "\u202f").replace(".", ",")
    return text


def day(text: object, locale: object) -> str:
    """Return an ISO date or timestamp as a day in words; anything else as it is."""
    try:
        moment = date.fromisoformat(str(text)[:10])
    except ValueError:
        return str(text)
    month = _MONTHS[language(locale)][moment.month - 1]
    first = "1er" if moment.day == 1 and language(locale) == "fr" else str(moment.day)
    return f"{first} {month} {moment.year}"


def period(time: Mapping[str, Any] | None, locale: object) -> str:
    """Return the ``time`` of a record in words; empty when there is none."""
    if not time:
        return ""
    start, end = (time.get("interval") or [time.get("date") or time.get("timestamp")] * 2)[:2]
    if start == end:
        return day(start, locale) if start else ""
    years = {
        "fr": ("depuis {0}", "jusqu'à {1}", "de {0} à {1}"),
        "en": ("since {0}", "until {1}", "{0} to {1}"),
    }
    days = {"fr": ("depuis le {0}", "jusqu'au {1}", "du {0} au {1}"), "en": years["en"]}
    is_day = max(len(str(end)), len(str(start))) > len("2024")
    since, until, both = (days if is_day else years)[language(locale)]
    words = since if end in ("..", "") else until if start in ("..", "") else both
    return words.format(day(start, locale), day(end, locale))


def followable(href: str) -> bool:
    """Say whether a link may be followed: a web or mail address, or one relative to us; never a
    script.
    """
    scheme, colon, _ = href.strip().partition(":")
    return not colon or "/" in scheme or scheme.lower() in {"http", "https", "mailto", "ftp"}


def by_role(links: Iterable[Mapping[str, Any]]) -> dict[str, list[Mapping[str, Any]]]:
    """Return the links of a record as files, related records and web pages; those of the API itself
    left out.
    """
    roles: dict[str, list[Mapping[str, Any]]] = {"files": [], "related": [], "pages": []}
    for link in links:
        rel = str(link.get("rel", "")).lower().rpartition("/")[2].rpartition("#")[2]
        is_page = str(link.get("type", "")).startswith("text/html")
        if rel in _MACHINERY or (rel == "alternate" and "f=" in link["href"].partition("?")[2]):
            continue
        if rel in _RELATED:
            roles["related"].append(link)
        elif rel in _FILES and not is_page:
            roles["files"].append(link)
        else:
            roles["pages"].append(link)
    return roles


def api_links(links: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """Return the addresses of the API's own links by relation, a page's other formats under
    ``json``.
    """
    found: dict[str, str] = {}
    for link in links:
        rel = str(link.get("rel", ""))
        kind = str(link.get("type", ""))
        if (
            rel in ("alternate", "self")
            and kind in ("application/json", "application/geo+json")
            and "f=json" in link["href"]
        ):
            found.setdefault("json", link["href"])
        elif rel not in found:
            found[rel] = link["href"]
    return found


def parameters(address: str) -> dict[str, str]:
    """Return the parameters of an address."""
    return dict(parse_qsl(urlsplit(address).query))


def asked(links: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """Return the parameters a page was asked with, read from its own address; format and language
    left out.
    """
    own = next((link["href"] for link in links if link.get("rel") == "self"), "")
    return {name: value for name, value in parameters(own).items() if name not in ("f", "lang")}


def query(values: Mapping[str, object], **changes: object) -> str:
    """Return ``?name=value...`` with some values changed; those that are empty are left out."""
    kept = {name: value for name, value in {**values, **changes}.items() if value not in ("", None)}
    return f"?{urlencode(kept)}" if kept else "?"


def size(length: object, locale: object) -> str:
    """Return a number of bytes as it is read."""
    if not isinstance(length, int) or length <= 0:
        return ""
    units = {"fr": ("octets", "ko", "Mo", "Go"), "en": ("bytes", "kB", "MB", "GB")}[
        language(locale)
    ]
    amount, unit = float(length), 0
    while amount >= 1000 and unit < len(units) - 1:
        amount, unit = amount / 1000, unit + 1
    return f"{number(round(amount, 1) if unit else length, locale)} {units[unit]}"


def pretty(value: object) -> str:
    """Return a value as JSON to be read by people."""
    return json.dumps(value, ensure_ascii=False, indent=2)


def property_title(name: str, locale: object) -> str:
    """Return the name of a property of a record for readers."""
    queryable = QUERYABLES[name]
    return queryable.en if language(locale) == "en" else queryable.fr


_THREE_LETTERS = {
    "fre": "fr",
    "fra": "fr",
    "eng": "en",
    "ger": "de",
    "deu": "de",
    "spa": "es",
    "ita": "it",
    "dut": "nl",
}


def spoken(properties: Mapping[str, Any], locale: object) -> Markup:
    """Return the ``lang`` attribute of a record's own text where its language is not that of the
    page.

    A record that says nothing of its language is taken to speak French, as the catalogue does.
    """
    told = properties.get("language")
    return foreign(str((told.get("code") if isinstance(told, Mapping) else told) or "fr"), locale)


def translated(properties: Mapping[str, Any], locale: object) -> Mapping[str, Any]:
    """Return the properties with title and description in the page's language, where the record has
    them in it.
    """
    others, code = properties.get("translations"), language(locale)
    texts = others.get(code) if isinstance(others, Mapping) else None
    found = (
        {name: texts[name] for name in ("title", "description") if texts.get(name)}
        if isinstance(texts, Mapping)
        else {}
    )
    return {**properties, **found, "language": {"code": code}} if found else properties


def foreign(spoken_in: str, locale: object) -> Markup:
    """Return the ``lang`` attribute of a text in a language where that is not the page's."""
    code = spoken_in.lower().partition("-")[0]
    code = _THREE_LETTERS.get(code, code)
    if code == language(locale) or not (code.isascii() and code.isalpha() and len(code) in (2, 3)):
        return Markup("")
    return Markup(' lang="{}"').format(code)


def worst_first(rows: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Return totals of quality with the lowest scores first: where there is most to mend."""
    return sorted(rows, key=lambda row: (row["score"], -row["records"], row["group"]))


FILTERS: Mapping[str, Callable[..., Any]] = {
    "number": number,
    "day": day,
    "period": period,
    "by_role": by_role,
    "api_links": api_links,
    "asked": asked,
    "query": query,
    "bytes": size,
    "pretty": pretty,
    "followable": followable,
    "language": language,
    "property_title": property_title,
    "spoken": spoken,
    "translated": translated,
    "foreign": foreign,
    "theme_label": theme_label,
    "worst_first": worst_first,
}
"""The filters our templates may use, beside those of jinja and pygeoapi."""

GLOBALS: Mapping[str, Any] = {"LANGUAGES": LANGUAGES, "ENCODINGS": ENCODINGS}
