"""An edited record written into the document it came from: only what changed, in the order of the
schema.
"""

import re
from collections.abc import Iterable
from copy import deepcopy

from lxml import etree

from geoguichet.catalogue.formats.iso import reading
from geoguichet.catalogue.formats.iso.making import Dialect, Maker, found
from geoguichet.catalogue.formats.iso.writing import aspect, build, translate
from geoguichet.catalogue.formats.mapping import Mapped, describe
from geoguichet.catalogue.formats.xml import LOCAL, Element, parse, serialize
from geoguichet.catalogue.record import Record


def write(record: Record, dialect: Dialect, mapping: Iterable[Mapped], source: bytes) -> bytes:
    """Return the record's document: the source itself when nothing changed, else with the changed
    parts replaced.
    """
    make = Maker(dialect)
    fresh = build(record, dialect)
    translate(make, record, fresh)
    if not source:
        return serialize(fresh)
    root = parse(source)
    known = reading.members(root)
    before = describe(known | {"id": known.get("id") or record.id})
    rows = [row for row in mapping if row.ways != "in"]
    changed = {
        row.member for row in rows if aspect(before, row.member) != aspect(record, row.member)
    }
    if not changed:
        return source
    if "contacts.distribution" in changed:
        changed |= {"links", "formats"}
    for row in rows:
        if row.member in changed:
            _graft(root, fresh, row.path, dialect)
    return serialize(root, whole=True)


# Replace what a path means in the source by what it means in the fresh document.
def _graft(root: Element, fresh: Element, path: str, dialect: Dialect) -> None:
    old, new = found(root, path), found(fresh, path)
    place = _place_of(old[0]) if old else None
    for element in old:
        parent = element.getparent()
        if parent is not None:
            parent.remove(element)
    if not new:
        return
    parent, at = place or _home(root, fresh, new[0], path, dialect)
    for element in reversed(new):
        parent.insert(at, deepcopy(element))


def _place_of(element: Element) -> tuple[Element, int]:
    parent = element.getparent()
    if parent is None:
        raise ValueError("the root of a document is nobody's property")
    return parent, parent.index(element)


# Return where an element goes in the source, making the objects that should hold it.
def _home(
    root: Element, fresh: Element, new: Element, path: str, dialect: Dialect
) -> tuple[Element, int]:
    chain = [node for node in new.iterancestors() if node is not fresh][::-1]
    parent = root
    for node in chain:
        same = [child for child in parent if LOCAL[child.tag] == LOCAL[node.tag]]
        if not same and _is_property(parent) and len(parent):
            same = [child for child in parent if isinstance(child.tag, str)]
        if not same:
            made = etree.Element(node.tag, {str(name): str(text) for name, text in node.items()})
            parent.insert(_rank(parent, LOCAL[node.tag], dialect), made)
            parent.attrib.pop(f"{{{dialect.namespaces['gco']}}}nilReason", "")
            same = [made]
        parent = same[0]
    return parent, _rank(parent, LOCAL[new.tag], dialect)


def _is_property(element: Element) -> bool:
    return LOCAL[element.tag][:1].islower()


# Return the position of a property among its siblings, in the order of the schema.
def _rank(parent: Element, name: str, dialect: Dialect) -> int:
    kind = re.sub(r"^(?:CHE|MI|LE|QE)_(?:MD_|CI_)?", "MD_", LOCAL[parent.tag])
    order = dialect.order.get(LOCAL[parent.tag]) or dialect.order.get(kind) or ()
    if name not in order:
        return len(parent)
    before = set(order[: order.index(name) + 1])
    positions = [at for at, child in enumerate(parent) if LOCAL[child.tag] in before]
    return positions[-1] + 1 if positions else 0
