"""The protocols whose envelopes are XML: CSW and OAI-PMH."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from owslib.ows import OperationsMetadata

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
from geoguichet.floor.http import AnswerError, with_query

# CSW 2.0.2: GetRecords page by page, sorted by identifier, ISO 19139 if the server has it, else
# Dublin Core.


GMD = "http://www.isotc211.org/2005/gmd"
OWS = "http://www.opengis.net/ows"
CSW = "http://www.opengis.net/cat/csw/2.0.2"

_REQUEST = """<?xml version="1.0" encoding="UTF-8"?>
<csw:GetRecords xmlns:csw="http://www.opengis.net/cat/csw/2.0.2" xmlns:ogc="http://www.opengis.net/ogc"
  service="CSW" version="2.0.2" resultType="results" outputFormat="application/xml" outputSchema="{schema}"
  startPosition="{start}" maxRecords="{size}">
  <csw:Query typeNames="csw:Record"><csw:ElementSetName>full</csw:ElementSetName>{sort}</csw:Query>
</csw:GetRecords>"""
_SORT = (
    "<ogc:SortBy><ogc:SortProperty><ogc:PropertyName>dc:identifier</ogc:PropertyName>"
    "</ogc:SortProperty></ogc:SortBy>"
)


@dataclass(slots=True)
class Csw(Source):
    """A catalogue service.

    Its capabilities say in which schemas it answers; what they leave out (whether it sorts, or all
    of it where there are none to read) is found out with the first page.
    """

    _ways: tuple[tuple[str, str], ...] = ((GMD, _SORT), (GMD, ""), (CSW, _SORT), (CSW, ""))

    def records(self, *, cursor: str = "") -> Iterator[Item]:
        """Yield every record of the service."""
        schemas = self._schemas()
        self._ways = tuple(way for way in self._ways if way[0] in schemas) or self._ways
        yield from paged(self._page, self.address, cursor=cursor, size=self.size)

    # Return the schemas that the service says it answers GetRecords in.
    def _schemas(self) -> list[str]:
        asked = with_query(self.address, service="CSW", version="2.0.2", request="GetCapabilities")
        try:
            root = parse(replace(self.client, tries=1).get(asked).body)
        except (AnswerError, FormatError):
            return []
        for element in every(root, "OperationsMetadata", "Operation"):
            operation = OperationsMetadata(element, OWS)
            if operation.name == "GetRecords":
                return operation.parameters.get("outputSchema", {}).get("values", [])
        return []

    # Ask for a page the first way that the server accepts, and keep to it.
    def _page(self, start: int, size: int) -> PageOf:
        for way in self._ways:
            schema, sort = way
            page = self._read(_REQUEST.format(schema=schema, sort=sort, start=start + 1, size=size))
            if page is not None:
                self._ways = (way,)
                return page
        raise AnswerError(self.address, "le service refuse GetRecords.")

    def _read(self, request: str) -> PageOf | None:
        root = parse(
            self.client.post(self.address, request.encode(), content_type="application/xml").body
        )
        if name(root) == "ExceptionReport":
            if len(self._ways) > 1:
                return None
            said = " ".join(content(node) for node in every(root, "Exception", "ExceptionText"))
            raise AnswerError(self.address, f"{said[:200] or 'le service signale une erreur'}.")
        results = next(every(root, "SearchResults"), None)
        if results is None:
            raise AnswerError(
                self.address, f"une réponse GetRecords est attendue, reçu <{name(root)}>."
            )
        matched = results.get("numberOfRecordsMatched", "")
        documents = tuple(alone(node) for node in elements_of(results))
        return PageOf(documents, int(matched) if matched.isdigit() else -1)


# OAI-PMH 2.0: ListRecords with resumption tokens; deletions that the repository tells are
# deletions here.


_PREFERRED = ("iso19115-3.2018", "iso19115-3", "iso19139", "gmd", "dcat", "oai_dc")


class OaiPmh(Source):
    """An OAI-PMH repository, in the richest format it offers."""

    def records(self, *, cursor: str = "") -> Iterator[Item]:
        """Yield every record and every deletion."""
        asked = with_query(self.address, verb="ListRecords", metadataPrefix=self._prefix())
        token, met = cursor, set[str]()
        while True:
            here = (
                with_query(self.address, verb="ListRecords", resumptionToken=token)
                if token
                else asked
            )
            try:
                answer = self._ask(here)
            except FormatError as error:
                yield Refused(here, str(error), token)
                yield Partial(f"{here} : la suite de la liste est inconnue.", token)
                return
            listed = child(answer, "ListRecords")
            following = content(child(listed, "resumptionToken"))
            if following and following in met:
                yield Partial(f"{here} : le jeton de reprise se répète.", token)
                return
            met.add(following)
            for node in children(listed, "record"):
                yield self._item(node, here, token)
            if not following:
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
