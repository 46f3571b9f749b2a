"""Records in the formats of other catalogues: one record, or a page of many as DCAT (with Hydra) or
as a table.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from urllib.parse import urljoin, urlsplit

from geoguichet.catalogue.formats.registry import WRITERS
from geoguichet.catalogue.intake.originals import Originals, originals_path
from geoguichet.catalogue.record import Record

_ELSEWHERE = ("geojson", "schema-org")
"""What ``f`` calls json and jsonld: the record itself, and what stands in its page."""

ENCODINGS: Mapping[str, tuple[str, str]] = {
    name: (written.media, written.label)
    for name, written in WRITERS.items()
    if name not in _ELSEWHERE
}
"""What ``f`` may ask of a record beside JSON and a page: the media type, and the format's name."""

TOGETHER: Mapping[str, Callable[..., bytes]] = {
    name: together for name in ENCODINGS if (together := WRITERS[name].together)
}
"""Those that hold many records in one document."""


class Encodings:
    """Writes the records of a workspace; ``url`` is the address of the portal, ``home`` that of the
    collection.
    """

    def __init__(self, workspace: Path, url: str, home: str) -> None:
        self.originals = Originals(originals_path(workspace))
        self.url = url
        self.home = home

    def one(self, record: Record, form: str) -> bytes:
        """Return one record: its own document when it came in this format and was not edited
        since.
        """
        return self.originals.export(self._absolute(record), form, base=f"{self.home}/items/")

    def many(
        self, records: Sequence[Record], form: str, *, title: str, page: int, pages: int,
        total: int,
        address: Callable[[int], str],
    ) -> bytes:  # fmt: skip
        """Return a page of records in one document; ``address`` is that of each page, for Hydra to
        link to.
        """
        return TOGETHER[form](
            map(self._absolute, records), title=title, publisher="Géoguichet",
            base=f"{self.home}/items/",
            address=self.home, page=page, pages=pages, total=total, page_address=address,
        )  # fmt: skip

    def _absolute(self, record: Record) -> Record:
        """Return the record with the addresses of its links in full: a document is read far from
        the portal.
        """
        if all(urlsplit(link.href).scheme for link in record.links):
            return record
        links = (replace(link, href=urljoin(f"{self.url}/", link.href)) for link in record.links)
        return replace(record, links=tuple(links))
