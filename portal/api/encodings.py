"""Records in the formats of other catalogues: one record, or a page of many as DCAT (with Hydra) or
as a table.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from urllib.parse import urljoin, urlsplit

from geoguichet.catalogue.formats import csv_table
from geoguichet.catalogue.formats.dcat import document
from geoguichet.catalogue.formats.dcat.rdf import Form
from geoguichet.catalogue.intake.originals import Originals, originals_path
from geoguichet.catalogue.record import Record

ENCODINGS: Mapping[str, tuple[str, str]] = {
    "iso19139": ("application/vnd.iso.19139+xml", "ISO 19139"),
    "iso19115-3": ("application/vnd.iso.19115-3+xml", "ISO 19115-3"),
    "dcat-ttl": ("text/turtle", "DCAT-AP (Turtle)"),
    "dcat-rdf": ("application/rdf+xml", "DCAT-AP (RDF/XML)"),
    "dcat-jsonld": ("application/ld+json", "DCAT-AP (JSON-LD)"),
    "dublin-core": ("application/xml", "Dublin Core"),
    "mcf": ("application/yaml", "MCF (pygeometa)"),
    "csv": ("text/csv", "CSV"),
}
"""What ``f`` may ask of a record beside JSON and a page: the media type, and the format's name."""

_GRAPHS: Mapping[str, Form] = {"dcat-ttl": "turtle", "dcat-rdf": "xml", "dcat-jsonld": "json-ld"}

TOGETHER = (*_GRAPHS, "csv")
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
        if form in _GRAPHS:
            return document.write(
                self._absolute(record), form=_GRAPHS[form], base=f"{self.home}/items/"
            )
        return self.originals.export(self._absolute(record), form)

    def many(
        self, records: Sequence[Record], form: str, *, title: str, page: int, pages: int,
        total: int,
        address: Callable[[int], str],
    ) -> bytes:  # fmt: skip
        """Return a page of records in one document; ``address`` is that of each page, for Hydra to
        link to.
        """
        whole = [self._absolute(record) for record in records]
        if form == "csv":
            return csv_table.write(whole)
        return document.write_catalogue(
            whole, title=title, publisher="Géoguichet", form=_GRAPHS[form],
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
