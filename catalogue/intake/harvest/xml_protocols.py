"""The protocols whose envelopes are XML: CSW and OAI-PMH."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import product
from typing import NamedTuple

from owslib.ows import Constraint, OperationsMetadata

from geoguichet.catalogue.errors import FormatError
from geoguichet.catalogue.formats.registry import elements_of
from geoguichet.catalogue.formats.xml import (
    Element,
    alone,
    child,
    children,
    content,
    down,
    every,
    inner,
    name,
    parse,
)
from geoguichet.catalogue.intake.harvest.source import (
    Deleted,
    Fetched,
    Item,
    PageOf,
    Partial,
    Refused,
    Source,
    paged,
)
from geoguichet.floor.http import AnswerError, same_place, with_query, without_query
from geoguichet.floor.words import Message

# CSW 2.0.2: GetRecords page by page, sorted by identifier, ISO 19139 if the server has it, else
# Dublin Core.


GMD = "http://www.isotc211.org/2005/gmd"
OWS = "http://www.opengis.net/ows"
CSW = "http://www.opengis.net/cat/csw/2.0.2"

_REQUEST = """<?xml version="1.0" encoding="UTF-8"?>
<csw:GetRecords xmlns:csw="http://www.opengis.net/cat/csw/2.0.2" xmlns:ogc="http://www.opengis.net/ogc"{declared}
  service="CSW" version="2.0.2" resultType="results" outputFormat="application/xml" outputSchema="{schema}"
  startPosition="{start}" maxRecords="{size}">
  <csw:Query typeNames="{typename}"><csw:ElementSetName>full</csw:ElementSetName>{constraint}{sort}</csw:Query>
</csw:GetRecords>"""
_SORT = (
    "<ogc:SortBy><ogc:SortProperty><ogc:PropertyName>dc:identifier</ogc:PropertyName>"
    "</ogc:SortProperty></ogc:SortBy>"
)
#: A condition that all records meet: some services give nothing without one.
_ALL = (
    '<csw:Constraint version="1.1.0"><ogc:Filter><ogc:PropertyIsLike wildCard="%" singleChar="_" '
    'escapeChar="\\"><ogc:PropertyName>csw:AnyText</ogc:PropertyName><ogc:Literal>%</ogc:Literal>'
    "</ogc:PropertyIsLike></ogc:Filter></csw:Constraint>"
)


class _RefusalError(AnswerError):
    """The service understood the request and refused it: another may do."""


class _Way(NamedTuple):
    """One way of asking for records: by which method and at which address, and for what."""

    method: str
    address: str
    schema: str
    typename: str
    constrained: bool
    sorted: bool


@dataclass(slots=True)
class Csw(Source):
    """A catalogue service, asked for records in each way that may do, until one gives a page that
    agrees with its own count: the schemas, types and methods of its capabilities, then others; with
    a sort and without, without a condition and with one that all records meet.
    """

    _ways: tuple[_Way, ...] = ()

    def records(self, *, cursor: str = "") -> Iterator[Item]:
        """Yield every record of the service."""
        self._ways = tuple(self._possible())
        yield from paged(self._page, self.address, cursor=cursor, size=self.size)

    def _possible(self) -> Iterator[_Way]:
        own = without_query(self.address, "service", "version", "request", "acceptversions")
        told = self._operation()
        parameters = {} if told is None else told.parameters
        values = {name.lower(): entry["values"] for name, entry in parameters.items()}
        places = dict.fromkeys(
            (method["type"].upper(), method["url"])
            for method in (() if told is None else told.methods)
            if same_place(own, method["url"]) and not _is_soap(method["constraints"])
        )
        known = {method for method, _ in places}
        methods = sorted(("POST", "GET"), key=lambda method: bool(known) and method not in known)
        schemas = [one for one in (GMD, CSW) if one in values.get("outputschema", ())]
        types = values.get("typenames") or ("csw:Record",)
        for method, address in dict.fromkeys([*((one, own) for one in methods), *places]):
            for schema, constrained in product(schemas or (GMD, CSW), (False, True)):
                names = ("csw:Record", "gmd:MD_Metadata") if schema == GMD else ("csw:Record",)
                for typename in sorted(names, key=lambda name: name not in types):
                    for is_sorted in (True, False):
                        yield _Way(method, address, schema, typename, constrained, is_sorted)

    # Return what the capabilities say of GetRecords; None where there is nothing to read.
    def _operation(self) -> OperationsMetadata | None:
        asked = with_query(self.address, service="CSW", version="2.0.2", request="GetCapabilities")
        try:
            root = parse(replace(self.client, tries=1).get(asked).body)
            for element in every(root, "OperationsMetadata", "Operation"):
                if element.get("name") == "GetRecords":
                    return OperationsMetadata(element, OWS)
        except (AnswerError, FormatError, KeyError):  # of owslib: a parameter without a name
            return None
        return None

    # Ask for a page the first way that gives one that agrees with the count, else the one that
    # gives most; and keep to it.
    def _page(self, start: int, size: int, _link: str = "") -> PageOf:
        found: list[tuple[PageOf, _Way]] = []
        mute, failure = set[tuple[str, str]](), None
        for way in self._ways:
            if (way.method, way.address) in mute:
                continue
            try:
                page = self._read(way, start, size)
            except (AnswerError, FormatError) as error:
                failure = failure or error
                if not (isinstance(error, _RefusalError) or getattr(error, "status", 0) == 400):
                    mute.add((way.method, way.address))
                continue
            found.append((page, way))
            if _agrees(page, start):
                break
        if not found:
            raise failure or AnswerError(self.address, "le service refuse GetRecords.")
        page, way = max(found, key=lambda one: (_agrees(one[0], start), len(one[0].documents)))
        self._ways = (way,)
        return page

    def _read(self, way: _Way, start: int, size: int) -> PageOf:
        root = parse(self._ask(way, start + 1, size))
        if name(root) in ("ExceptionReport", "ServiceExceptionReport"):
            said = " ".join(content(node) for node in every(root, "Exception", "ExceptionText"))
            raise _RefusalError(self.address, f"{said[:200] or 'le service signale une erreur'}.")
        results = next(iter(every(root, "SearchResults")), None)
        if results is None:
            raise AnswerError(
                self.address, f"une réponse GetRecords est attendue, reçu <{name(root)}>."
            )
        matched, following = (
            int(told) if (told := results.get(attribute, "")).isdigit() else -1
            for attribute in ("numberOfRecordsMatched", "nextRecord")
        )
        documents = tuple(alone(node) for node in elements_of(results))
        return PageOf(documents, matched, None if following < 0 else following - 1)

    def _ask(self, way: _Way, start: int, size: int) -> bytes:
        prefix = way.typename.partition(":")[0]
        uri = {"csw": CSW, "gmd": GMD}[prefix]
        if way.method == "POST":
            body = _REQUEST.format(
                declared=f' xmlns:{prefix}="{uri}"' if uri != CSW else "",
                schema=way.schema,
                typename=way.typename,
                constraint=_ALL if way.constrained else "",
                sort=_SORT if way.sorted else "",
                start=start,
                size=size,
            )
            return self.client.post(way.address, body.encode(), content_type="application/xml").body
        asked = {
            "service": "CSW", "version": "2.0.2", "request": "GetRecords", "resultType": "results",
            "outputFormat": "application/xml", "outputSchema": way.schema, "elementSetName": "full",
            "typeNames": way.typename, "namespace": f"xmlns({prefix}={uri})",
            "startPosition": start, "maxRecords": size,
        }  # fmt: skip
        if way.constrained:
            asked |= {"constraintLanguage": "CQL_TEXT", "constraint_language_version": "1.1.0"}
            asked |= {"constraint": "csw:AnyText like '%'"}
        if way.sorted:
            asked |= {"sortBy": "dc:identifier:A"}
        return self.client.get(with_query(way.address, **asked)).body


# Say whether a page holds something, and goes on from the record after its last.
def _agrees(page: PageOf, start: int) -> bool:
    end = start + len(page.documents)
    is_last = page.total < 0 or end >= page.total
    return bool(page.documents) and (is_last or page.following in (None, end))


def _is_soap(constraints: Iterable[Constraint]) -> bool:
    return any("SOAP" in one.values and "XML" not in one.values for one in constraints)


# OAI-PMH 2.0: ListRecords with resumption tokens; deletions that the repository tells are
# deletions here.


_PREFERRED = ("iso19115-3.2018", "iso19115-3", "iso19139", "gmd", "dcat", "oai_dc")


class OaiPmh(Source):
    """An OAI-PMH repository, in the richest format it offers."""

    def records(self, *, cursor: str = "") -> Iterator[Item]:
        """Yield every record and every deletion."""
        asked = with_query(self.address, verb="ListRecords", metadataPrefix=self._prefix())
        # With a token nothing else is asked: what chose the list (``set``, ``from``) is in it.
        bare = without_query(self.address, "set", "from", "until", "metadataprefix")
        told, _, token = cursor.rpartition("|")
        given, met = int(told or 0), set[str]()
        while True:
            here = with_query(bare, verb="ListRecords", resumptionToken=token) if token else asked
            cursor = f"{given}|{token}" if token else ""
            try:
                answer = self._ask(here)
            except FormatError as error:
                yield Refused(here, str(error), cursor)
                yield Partial(f"{here} : la suite de la liste est inconnue.", cursor)
                return
            listed = child(answer, "ListRecords")
            ahead = child(listed, "resumptionToken")
            following = content(ahead)
            if following and following in met:
                yield Partial(f"{here} : le jeton de reprise se répète.", cursor)
                return
            met.add(following)
            for node in children(listed, "record"):
                yield self._item(node, here, cursor)
                given += 1
            if not following:
                size = "" if ahead is None else ahead.get("completeListSize", "")
                if size.isdigit() and int(size) != given:
                    message = Message("{place} : {total} fiches annoncées, {given} données.")
                    yield Partial(message.given(place=here, total=int(size), given=given), cursor)
                return
            token = following

    def _item(self, record: Element, here: str, token: str) -> Item:
        header = child(record, "header")
        identifier = content(child(header, "identifier"))
        if header is not None and header.get("status") == "deleted":
            return Deleted(identifier, token)
        held = inner(child(record, "metadata"))
        return (
            Refused(f"{here} ({identifier})", "la fiche est vide", token)
            if held is None
            else Fetched(here, alone(held), token)
        )

    def _prefix(self) -> str:
        answer = self._ask(with_query(self.address, verb="ListMetadataFormats"))
        offered = [
            content(node)
            for node in every(answer, "ListMetadataFormats", "metadataFormat", "metadataPrefix")
        ]
        return next((prefix for prefix in _PREFERRED if prefix in offered), "oai_dc")

    def _ask(self, address: str) -> Element:
        root = parse(self.client.get(address, accept="text/xml, application/xml").body)
        if name(root) != "OAI-PMH":
            raise AnswerError(address, f"une réponse OAI-PMH est attendue, reçu <{name(root)}>.")
        error = down(root, "error")
        if error is not None and error.get("code") != "noRecordsMatch":
            raise AnswerError(address, f"{content(error)[:200]} ({error.get('code', '')}).")
        return root
