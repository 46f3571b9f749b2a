"""OAI-PMH 2.0: ListRecords with resumption tokens; deletions that the repository tells are
deletions here.
"""

from collections.abc import Iterator

from geoguichet.catalogue.errors import FormatError
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
    Partial,
    Refused,
    Source,
)
from geoguichet.floor.http import AnswerError, with_query

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
