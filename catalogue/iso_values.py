"""What the properties of ISO 19115 hold in XML: texts, codes, addresses, dates, read by local names."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from geoguichet.catalogue import codes
from geoguichet.catalogue.xml import (
    HREF,
    LOCAL,
    Element,
    Holder,
    children,
    content,
    every,
    inner,
    line_of,
    path_of,
)

type Members = dict[str, Any]
_HOLDERS = frozenset({"CharacterString", "Anchor", "MimeFileType", "FileName", "URL", "LanguageCode", "Country"})


@dataclass(slots=True)
class Reading:
    """One metadata element being read: its parts, its other languages, and what in it could not be understood."""

    root: dict[str, list[Element]]
    locales: Mapping[str, str] = field(default_factory=dict)
    unreadable: list[dict[str, Any]] = field(default_factory=list)

    def refuse(self, member: str, element: Element, text: str, reason: str) -> None:
        """Note a part that says nothing readable; the rest of the record is read all the same."""
        self.unreadable.append(
            {
                "member": member,
                "path": path_of(element),
                "line": line_of(element),
                "text": text[:200],
                "reason": reason,
            }
        )

    def moment(self, member: str, element: Element | None) -> str:
        """Return the date that a property holds; one that is none is noted."""
        text = value(element)
        written = codes.moment(text) if text else ""
        if text and not written and element is not None:
            self.refuse(member, element, text, "ce n'est pas une date AAAA-MM-JJ")
        return written


def value(holder: Element | None) -> str:
    """Return the text that a property holds: a string, an anchor, a date, a number or a code."""
    if holder is None:
        return ""
    translated = ""
    for node in holder:
        kind = LOCAL[node.tag]
        if not kind:
            continue
        if kind in ("PT_FreeText", "PT_FreeURL"):
            translated = translated or next((text for _, text in localised(node)), "")
            continue
        text = node.text.strip() if node.text else ""
        if not text or kind not in _HOLDERS:
            text = node.get("codeListValue", "").strip() or text
        if text:
            return text
    return translated or content(holder)


def code_of(holder: Element | None) -> str:
    """Return the code that a property holds: of a codelist, else its text."""
    node = inner(holder)
    return content(holder) if node is None else (node.get("codeListValue") or node.text or "").strip()


def href_of(holder: Element | None) -> str:
    """Return the address that the object of a property gives."""
    node = inner(holder)
    return "" if node is None else node.get(HREF, "").strip()


def values(parent: Holder, name: str) -> list[str]:
    """Return the texts of the properties of that name."""
    return [text for text in map(value, children(parent, name)) if text]


def uuidref(holder: Element | None) -> str:
    """Return the identifier of what a property refers to."""
    return "" if holder is None else holder.get("uuidref", "").strip()


def localised(free_text: Element) -> Iterator[tuple[str, str]]:
    """Yield the language and the text of each translation."""
    for group in ("textGroup", "URLGroup"):
        for node in every(free_text, group, "*"):
            if text := content(node):
                yield node.get("locale", "").removeprefix("#"), text
