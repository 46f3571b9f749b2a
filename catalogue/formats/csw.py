"""CSW 2.0.2 (OGC 07-006r1): what a request asks, whether by an address or a body, as a question to the
catalogue; a record as it stands in an answer. A filter is written as CQL2 and read by its reader.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from lxml import etree

from geoguichet.catalogue.errors import CatalogueError, FormatError, QueryError
from geoguichet.catalogue.formats import codes
from geoguichet.catalogue.formats.dublin_core import CSW
from geoguichet.catalogue.formats.xml import (
    Element,
    alone,
    child,
    children,
    content,
    down,
    every,
    name,
    parse,
)
from geoguichet.catalogue.search.cql2 import MAXIMUM_LENGTH, parse_filter
from geoguichet.catalogue.search.query import RecordQuery, SortKey
from geoguichet.catalogue.search.tables import QUERYABLES, SORTABLES
from geoguichet.floor.words import Message

#: What the elements of Dublin Core and the queryables of the ISO profile are for a search, by their
#: names in small letters without a prefix.
PROPERTIES: Mapping[str, str] = {
    "identifier": "id", "resourceidentifier": "externalIds", "title": "title", "type": "type",
    "abstract": "description", "description": "description", "subject": "keywords",
    "topiccategory": "themes", "modified": "updated", "date": "updated", "revisiondate": "updated",
    "creationdate": "created", "format": "format", "language": "language", "rights": "rights",
    "creator": "organization", "publisher": "organization", "contributor": "organization",
    "organisationname": "organization", "organizationname": "organization",
    "boundingbox": "geometry", "coverage": "geometry",
}  # fmt: skip
_ANY = "anytext"

COMPARISONS: Mapping[str, str] = {
    "PropertyIsEqualTo": "=",
    "PropertyIsNotEqualTo": "<>",
    "PropertyIsLessThan": "<",
    "PropertyIsLessThanOrEqualTo": "<=",
    "PropertyIsGreaterThan": ">",
    "PropertyIsGreaterThanOrEqualTo": ">=",
}
SPATIAL: Mapping[str, str] = {
    "BBOX": "s_intersects", "Intersects": "s_intersects", "Within": "s_within",
    "Contains": "s_contains", "Disjoint": "s_disjoint", "Overlaps": "s_overlaps",
    "Touches": "s_touches", "Crosses": "s_crosses", "Equals": "s_equals",
}  # fmt: skip


class CswError(CatalogueError):
    """A request that is refused, as an ``ows:Exception`` tells it."""

    def __init__(self, why: object, locator: str, code: str = "InvalidParameterValue") -> None:
        super().__init__(str(why))
        self.locator, self.code = locator, code


@dataclass(frozen=True)
class Asked:
    """A request, whether of the address or of a body: its operation, its parameters by their names
    in small letters, its filter.
    """

    operation: str
    given: Mapping[str, str]
    condition: Element | None = None
    sort: Sequence[SortKey] = field(default_factory=tuple)

    def choice(self, name: str, known: Sequence[str], default: str) -> str:
        """Return the value of a parameter, one of those that are known, whatever its case."""
        told = self.given.get(name.lower(), "") or default
        found = next((one for one in known if one.lower() == told.lower()), None)
        if found is None:
            expected = ", ".join(known)
            message = Message("{name} : « {given} » n'est pas servi ; attendu {expected}.")
            raise CswError(message.given(name=name, given=told, expected=expected), name)
        return found

    def names(self, name: str, most: int) -> list[str]:
        """Return the names that a parameter lists, each once, ``most`` of them at most."""
        told = [*dict.fromkeys(filter(None, self.given.get(name.lower(), "").split(",")))]
        if len(told) > most:
            message = Message("{name} : au plus {most} valeurs sont attendues, reçu {count}.")
            raise CswError(message.given(name=name, most=most, count=len(told)), name)
        return told

    def number(self, name: str, default: int, least: int) -> int:
        """Return a parameter that is a whole number."""
        told = self.given.get(name.lower(), "") or str(default)
        if not re.fullmatch(r"[0-9]{1,12}", told) or int(told) < least:
            message = Message(
                "{name} : un entier d'au moins {least} est attendu, reçu « {given} »."
            )
            raise CswError(message.given(name=name, least=least, given=told[:40]), name)
        return int(told)


# Requests.


def of_address(parameters: Mapping[str, str]) -> Asked:
    """Read the parameters of an address (KVP); CswError when they ask nothing."""
    given = {key.lower(): value for key, value in parameters.items()}
    for key in ("service", "request"):
        if not given.get(key):
            message = Message("{name} est attendu : service=CSW&request=GetCapabilities.", name=key)
            raise CswError(message, key, "MissingParameterValue")
    condition = None
    language = given.get("constraintlanguage", "CQL_TEXT").upper()
    if given.get("constraint") and language == "FILTER":
        condition = _parsed(given["constraint"].encode())
    elif given.get("constraint"):
        given["cql"] = given["constraint"]
    sort = [one.rpartition(":") for one in given.get("sortby", "").split(",") if one]
    keys = tuple(
        _sort_key(named, order.upper() == "D") if order.upper() in ("A", "D")
        else _sort_key(f"{named}{colon}{order}", False)
        for named, colon, order in sort
    )  # fmt: skip
    return Asked(given["request"], given, condition, keys)


def of_body(body: bytes) -> Asked:
    """Read a document that asks; CswError when it is none."""
    root = _parsed(body)
    given = {str(key).lower(): str(value) for key, value in root.attrib.items()}
    query = child(root, "Query")
    if query is not None:
        given["typenames"] = query.get("typeNames", "")
        given["elementsetname"] = content(child(query, "ElementSetName"))
    else:
        given["elementsetname"] = content(child(root, "ElementSetName"))
    for key, element in (("id", "Id"), ("propertyname", "PropertyName"),
                         ("parametername", "ParameterName"), ("typename", "TypeName")):  # fmt: skip
        given[key] = ",".join(content(node) for node in children(root, element))
    given["acceptversions"] = ",".join(map(content, every(root, "AcceptVersions", "Version")))
    given["cql"] = content(down(query, "Constraint", "CqlText"))
    keys = tuple(
        _sort_key(content(child(one, "PropertyName")), content(child(one, "SortOrder")) == "DESC")
        for one in every(root, "Query", "SortBy", "SortProperty")
    )
    return Asked(name(root), given, down(query, "Constraint", "Filter"), keys)


def _parsed(document: bytes) -> Element:
    try:
        return parse(document)
    except FormatError as error:
        raise CswError(error, "request", "NoApplicableCode") from error


def bare(qualified: str) -> str:
    """Return a name without its prefix, in small letters."""
    return re.split(r"[:/]", qualified.strip())[-1].lower()


def property_of(qualified: str) -> str:
    """Return the property of our records that a name of CSW stands for; CswError when none does."""
    found = PROPERTIES.get(bare(qualified))
    if found is None:
        message = Message(
            "« {name} » n'est pas une propriété interrogeable ; attendu {expected}.",
            name=qualified[:60],
            expected=", ".join(["AnyText", *PROPERTIES]),
        )
        raise CswError(message, "constraint")
    return found


def _sort_key(qualified: str, descending: bool) -> SortKey:
    found = property_of(qualified)
    if found not in SORTABLES:
        message = Message("« {name} » n'est pas une propriété de tri.", name=qualified[:60])
        raise CswError(message, "SortBy")
    return SortKey(found, descending)


# Filter Encoding 1.1 as CQL2, whose reader checks kinds and dates.


def _condition(node: Element) -> Any:
    operator = name(node)
    inside = [one for one in node if isinstance(one.tag, str)]
    if operator == "Filter" and len(inside) == 1:
        return _condition(inside[0])
    if operator in ("And", "Or") and inside:
        held = [_condition(one) for one in inside]
        return {"op": operator.lower(), "args": held} if len(held) > 1 else held[0]
    if operator == "Not" and len(inside) == 1:
        return {"op": "not", "args": [_condition(inside[0])]}
    told = child(node, "PropertyName")
    if operator in SPATIAL:
        shape = next((_box(one) for one in inside if name(one) in ("Envelope", "Box")), None)
        if shape is None:
            message = Message("<{name}> se compare à une emprise (gml:Envelope).", name=operator)
            raise CswError(message, "constraint")
        return {"op": SPATIAL[operator], "args": [{"property": "geometry"}, shape]}
    if told is None or operator not in (*COMPARISONS, *LIKE_THINGS):
        pass
    elif operator == "PropertyIsLike":
        return _like(content(told), _pattern(node))
    elif bare(content(told)) == _ANY:
        if operator == "PropertyIsEqualTo":
            return _like(content(told), f"%{_literal(node)}%")
    else:
        return _compared(operator, property_of(content(told)), node)
    message = Message("le filtre <{name}> n'est pas servi sous cette forme.", name=operator)
    raise CswError(message, "constraint")


#: What ISO 19139 has no level for is a dataset there, and what tells none: all but these.
_OTHER_LEVELS = sorted(codes.SCOPES_2003 - {"dataset"})
LIKE_THINGS = ("PropertyIsLike", "PropertyIsBetween", "PropertyIsNull")


def _compared(operator: str, found: str, node: Element) -> Any:
    left = {"property": found}
    if operator == "PropertyIsNull":
        return {"op": "isNull", "args": [left]}
    if operator == "PropertyIsBetween":
        ends = [content(down(node, side, "Literal")) or content(child(node, side))
                for side in ("LowerBoundary", "UpperBoundary")]  # fmt: skip
        return {"op": "between", "args": [left, *(_value(found, end) for end in ends)]}
    literal = _literal(node)
    if (found, literal) == ("type", "dataset") and COMPARISONS[operator] in ("=", "<>"):
        other = {"op": "in", "args": [left, _OTHER_LEVELS]}
        if operator == "PropertyIsNotEqualTo":
            return other
        none = {"op": "isNull", "args": [left]}
        return {"op": "or", "args": [none, {"op": "not", "args": [other]}]}
    if QUERYABLES[found].kind == "array":
        holds = {"op": "a_contains", "args": [left, [literal]]}
        if operator in ("PropertyIsEqualTo", "PropertyIsNotEqualTo"):
            return holds if operator == "PropertyIsEqualTo" else {"op": "not", "args": [holds]}
    return {"op": COMPARISONS[operator], "args": [left, _value(found, literal)]}


def _literal(node: Element) -> str:
    return content(child(node, "Literal"))


def _value(found: str, literal: str) -> Any:
    if QUERYABLES[found].kind == "instant":
        return {"timestamp" if "T" in literal else "date": literal}
    return literal


# Return a pattern with the signs of CQL2: ``%``, ``_``, and a backslash before those that stand for
# themselves.
def _pattern(node: Element) -> str:
    many, one = node.get("wildCard") or "*", node.get("singleChar") or "?"
    away = node.get("escapeChar") or node.get("escape") or "\\"
    told, made, at = _literal(node), "", 0
    while at < len(told):
        if told.startswith(away, at) and at + 1 < len(told):
            at += len(away)
            made += f"\\{told[at]}" if told[at] in "%_\\" else told[at]
        elif told.startswith(many, at) or told.startswith(one, at):
            made += "%" if told.startswith(many, at) else "_"
        else:
            made += f"\\{told[at]}" if told[at] in "%_\\" else told[at]
        at += 1
    return made


class _Words(dict[str, Any]):
    """A search of words anywhere in a record: as the index takes it, and as a condition on title
    and abstract, for where it is one of several alternatives.
    """

    def __init__(self, words: str, condition: Mapping[str, Any]) -> None:
        super().__init__(condition)
        self.words = words


def _like(qualified: str, pattern: str) -> Any:
    if not pattern.strip("%"):
        return True
    if bare(qualified) == _ANY:
        described = {"op": "not", "args": [{"op": "isNull", "args": [{"property": "description"}]}]}
        abstract = {"op": "and", "args": [described, _like("abstract", pattern)]}
        parts = [_like("title", pattern), abstract]  # false, rather than unknown, without abstract
        return _Words(re.sub(r"[%_\\,]+", " ", pattern).strip(), {"op": "or", "args": parts})
    found = property_of(qualified)
    if QUERYABLES[found].kind == "array":
        if "%" not in pattern.replace("\\%", "") and "_" not in pattern.replace("\\_", ""):
            return {"op": "a_contains", "args": [{"property": found}, [pattern]]}
        message = Message(
            "« {name} » se compare à une valeur entière, sans joker ; AnyText cherche des mots.",
            name=qualified[:60],
        )
        raise CswError(message, "constraint")
    sides = [{"property": found}, pattern]
    loose = [{"op": "casei", "args": [{"op": "accenti", "args": [side]}]} for side in sides]
    return {"op": "like", "args": loose}


# Return an envelope as CQL2 writes a box: longitude first, as EPSG's names in urn do not.
def _box(node: Element) -> Any:
    told = " ".join(
        content(child(node, part)) for part in ("lowerCorner", "upperCorner", "coordinates")
    )
    system, numbers = node.get("srsName", ""), re.findall(r"[-+]?[\d.]+(?:[eE][-+]?\d+)?", told)
    code = re.split(r"[:#/]", system)[-1]
    if len(numbers) != 4 or code not in ("", "4326", "4258", "CRS84", "84"):
        message = Message("une emprise de 4 nombres, en degrés, est attendue.")
        raise CswError(message, "constraint")
    west, south, east, north = map(float, numbers)
    if system.startswith(("urn:", "http://www.opengis.net/def")) and code in ("4326", "4258"):
        west, south, east, north = south, west, north, east
    return {"bbox": [west, south, east, north]}


#: What a text of CQL says in another way than CQL2; in what it quotes nothing is changed.
_CQL = re.compile(
    r"""(?ix)
    \"?\b(?:\w++:)?anytext\"?\s*+(?:i?like|=)\s*+'(?P<sought>(?:[^']|'')*+)'
    | \"?\b(?:\w++:)?type\"?\s*+(?P<dataset>=|<>)\s*+(?-i:'dataset'(?!'))
    | '(?:[^']|'')*+'
    | \bbbox\s*+\(\s*+[\w:\"]++\s*+,(?P<box>[^()]*+)\)
    | \"?\b(?:csw|dc|dct|apiso|ows|gmd):(?P<name>\w+)\"?
    | \b(?P<other>or|not)\b""",
    re.ASCII,
)


# Return the words and the condition of a text of CQL: names without prefixes, boxes as CQL2 has
# them.
def _of_cql(told: str) -> tuple[str, str]:
    met = [*_CQL.finditer(told)]
    sought = [re.sub(r"[%,]", " ", one["sought"] or "").strip() for one in met]
    words = [one for one in sought if one]
    if len(words) > 1 or (words and any(one["other"] for one in met)):
        message = Message("AnyText ne se combine que par AND, une fois, dans un texte CQL.")
        raise CswError(message, "constraint")
    return (words or [""])[0], _CQL.sub(_in_cql2, told)


def _in_cql2(met: re.Match[str]) -> str:
    if met["sought"] is not None:
        return "TRUE"
    if met["dataset"]:
        levels = ",".join(f"'{level}'" for level in _OTHER_LEVELS)
        other = f"type IN ({levels})"
        return other if met["dataset"] == "<>" else f"(type IS NULL OR NOT {other})"
    if met["box"] is not None:
        return f"S_INTERSECTS(geometry,BBOX({met['box']}))"
    return property_of(met["name"]) if met["name"] else met[0]


def query_of(asked: Asked, limit: int, offset: int) -> RecordQuery:
    """Return the question to the catalogue; CswError says what of the filter is not served."""
    sought, condition = "", None
    try:
        if asked.given.get("cql"):
            sought, told = _of_cql(asked.given["cql"])
            condition = parse_filter(told, lang="cql2-text")
        elif asked.condition is not None:
            tree = _condition(asked.condition)
            held = tree["args"] if isinstance(tree, dict) and tree["op"] == "and" else [tree]
            anywhere = next((one for one in held if isinstance(one, _Words)), None)
            sought = anywhere.words if anywhere else ""
            left = [one for one in held if one is not anywhere and one is not True]
            whole = {"op": "and", "args": left} if len(left) > 1 else (left or [True])[0]
            condition = parse_filter(json.dumps(whole), lang="cql2-json") if left else None
        if len(sought) > MAXIMUM_LENGTH:
            message = Message("AnyText : au plus {most} caractères sont attendus.")
            raise CswError(message.given(most=MAXIMUM_LENGTH), "constraint")
        sort = tuple(asked.sort) or (SortKey("id"),)
        return RecordQuery(
            q=sought, anywhere=True, filter=condition, sortby=sort, limit=limit, offset=offset
        )
    except QueryError as error:
        raise CswError(error, "constraint") from error


# Records in answers.


#: The declaration of a document that can stand in another as it is.
_DECLARATION = re.compile(
    rb"(?:<\?xml version=['\"]1.0['\"](?: encoding=['\"](?i:utf-8)['\"])?\?>)?\s*(?=<[^?!])"
)


def embedded(document: bytes) -> bytes:
    """Return a document as it can stand in another: as it is, but for its declaration."""
    declared = _DECLARATION.match(document)
    if declared is None or b"<!DOCTYPE" in document[:4096]:
        return alone(parse(document))
    return document[declared.end() :]


#: What a brief and a summary record hold, of Dublin Core, in the order of their schema.
_KEPT: Mapping[str, Sequence[str]] = {
    "brief": ("identifier", "title", "type", "BoundingBox"),
    "summary": ("identifier", "title", "type", "subject", "format", "relation", "modified",
                "abstract", "spatial", "BoundingBox"),
}  # fmt: skip


def shortened(document: bytes, part: str) -> bytes:
    """Return a record of Dublin Core as one of brief, summary or full."""
    record = parse(document)
    if part == "full":
        return alone(record)
    spaces = {prefix: space for prefix, space in record.nsmap.items() if prefix}
    made = etree.Element(f"{{{CSW}}}{part.capitalize()}Record", nsmap=spaces)
    for kept in _KEPT[part]:
        made.extend(children(record, kept))
    return alone(made)
