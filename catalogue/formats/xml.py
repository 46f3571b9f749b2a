"""XML read safely and walked by local names: no DTD is loaded and no address opened; no entity is
expanded but those that a document of RDF declares itself, within the bounds of libxml2.
"""

from collections.abc import Iterable
from functools import lru_cache
from typing import Any

from lxml import etree

from geoguichet.catalogue.errors import FormatError
from geoguichet.catalogue.formats.mapping import Part

type Element = etree._Element
#: An element, or its children as `grouped` gives them.
type Holder = Element | dict[str, list[Element]] | None

XLINK = "http://www.w3.org/1999/xlink"
HREF = f"{{{XLINK}}}href"


class _LocalNames(dict[object, str]):
    """Local name of each tag met (empty for a comment), remembered: a document repeats few tags
    many times.
    """

    def __missing__(self, tag: object) -> str:
        name = tag.rpartition("}")[2] if isinstance(tag, str) else ""
        if len(self) < 20_000:
            self[tag] = name
        return name


LOCAL = _LocalNames()


def parse(document: bytes, *, blanks: bool = True, entities: bool = False) -> Element:
    """Read a document; FormatError says where it stops being XML.

    Without ``blanks`` the white space between elements is left out: a quarter less work, for who
    only reads. With ``entities`` those that the document declares itself are put in (``&xsd;``).
    """
    try:
        return etree.fromstring(document.lstrip(), _parser(blanks, entities))
    except etree.XMLSyntaxError as error:
        line = error.lineno or 0
        raise FormatError(
            f"XML mal formé, ligne {line} : {_reason(document, error)}.", line=line
        ) from error


@lru_cache(maxsize=4)
def _parser(blanks: bool, entities: bool) -> etree.XMLParser:
    resolved: Any = "internal" if entities else False
    return etree.XMLParser(
        resolve_entities=resolved,
        no_network=True,
        load_dtd=False,
        dtd_validation=False,
        huge_tree=False,
        remove_blank_text=not blanks,
    )


def _reason(document: bytes, error: etree.XMLSyntaxError) -> str:
    head = document[:400].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if not head:
        return "le document est vide"
    if head.startswith((b"<!doctype html", b"<html")):
        return "une page HTML est reçue à la place"
    if not head.startswith(b"<"):
        return "le document ne commence pas par une balise"
    return str(error.msg).rpartition(", line ")[0] or str(error.msg)


def alone(node: Element) -> bytes:
    """Write an element of a document as a document of its own."""
    return etree.tostring(node, encoding="UTF-8", with_tail=False)


def serialize(root: Element, *, whole: bool = False) -> bytes:
    """Return the element as UTF-8 bytes, with the declaration; ``whole`` adds what stands around
    the root.
    """
    return etree.tostring(
        root.getroottree() if whole else root, encoding="UTF-8", xml_declaration=True
    )


def name(element: Element) -> str:
    """Return the local name of an element; empty for a comment."""
    return LOCAL[element.tag]


def children(holder: Holder, wanted: str) -> list[Element]:
    """Return the child elements of that local name."""
    if isinstance(holder, dict):
        return holder.get(wanted, [])
    return [] if holder is None else [child for child in holder if LOCAL[child.tag] == wanted]


def child(holder: Holder, wanted: str) -> Element | None:
    """Return the first child element of that local name."""
    if isinstance(holder, dict):
        found = holder.get(wanted)
        return found[0] if found else None
    if holder is not None:
        for node in holder:
            if LOCAL[node.tag] == wanted:
                return node
    return None


def grouped(element: Element | None) -> dict[str, list[Element]]:
    """Return the child elements by local name: one pass, for an element that is asked many
    names.
    """
    groups: dict[str, list[Element]] = {}
    for node in () if element is None else element:
        groups.setdefault(LOCAL[node.tag], []).append(node)
    return groups


def named(element: Element | None) -> dict[str, Element]:
    """Return the first child element of each local name: one pass, for those that are asked many
    names.
    """
    return {} if element is None else {LOCAL[node.tag]: node for node in reversed(element)}


def inner(element: Element | None) -> Element | None:
    """Return the first child element, whatever its name: the object that a property holds."""
    if element is not None:
        for node in element:
            if isinstance(node.tag, str):
                return node
    return None


def down(holder: Holder, first: str, *steps: str) -> Element | None:
    """Follow local names from an element; ``*`` is the first child, whatever its name."""
    element = child(holder, first) if first != "*" or isinstance(holder, dict) else inner(holder)
    for step in steps:
        element = inner(element) if step == "*" else child(element, step)
        if element is None:
            return None
    return element


def every(holder: Holder, first: str, *steps: str) -> list[Element]:
    """Return every element that the local names lead to, in order; ``*`` is any child."""
    if first != "*":
        nodes = children(holder, first)
    else:
        met = () if holder is None or isinstance(holder, dict) else holder
        nodes = [node for node in met if LOCAL[node.tag]]
    for step in steps:
        if not nodes:
            break
        nodes = [
            node
            for parent in nodes
            for node in parent
            if (name := LOCAL[node.tag]) == step or (step == "*" and name)
        ]
    return nodes


def content(element: Element | None) -> str:
    """Return the text of an element itself, trimmed."""
    return "" if element is None or element.text is None else element.text.strip()


def path_of(element: Element) -> str:
    """Return where an element stands, as local names with positions among equals."""
    steps: list[str] = []
    node: Element | None = element
    while node is not None:
        before = sum(1 for sibling in node.itersiblings(preceding=True) if sibling.tag == node.tag)
        steps.append(f"{LOCAL[node.tag]}[{before + 1}]" if before else LOCAL[node.tag])
        node = node.getparent()
    return "/" + "/".join(reversed(steps))


def line_of(element: Element) -> int:
    """Return the line of the document where an element stands; 0 for one that was made."""
    line: Any = element.sourceline
    return line or 0


class XmlPart(Part):
    """An element, or the text of an attribute."""

    __slots__ = ()
    separator = "/"

    def _to(self, node: Any, name: str) -> Iterable[Any]:
        if name.startswith("@"):
            return [text for key, text in node.attrib.items() if LOCAL[key] == name[1:] and text]
        return [
            held
            for held in (node if name == "*" else children(node, name))
            if LOCAL[held.tag] and (content(held) or len(held) or held.attrib)
        ]

    def _said(self, node: Any) -> str:
        return node.strip() if isinstance(node, str) else content(node)

    def _place(self, node: Any, path: str) -> str:
        return self.where if isinstance(node, str) else LOCAL[node.tag]
