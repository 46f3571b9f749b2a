"""Records in the formats of other catalogues: one record, or a page of many as DCAT (with Hydra) or
as a table.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any
from urllib.parse import quote, urljoin, urlsplit

from geoguichet.catalogue.formats import schema_org
from geoguichet.catalogue.formats.registry import WRITERS
from geoguichet.catalogue.intake.originals import Originals, originals_path
from geoguichet.catalogue.record import Record
from geoguichet.portal.site import Site

#: What is written in each form: ``f`` calls the record itself json, and its schema.org jsonld.
_WRITTEN = {"jsonld": WRITERS["schema-org"]} | {
    name: written for name, written in WRITERS.items() if name not in ("geojson", "schema-org")
}

#: What ``f`` may ask of a record beside JSON and a page: the media type, and the format's name.
ENCODINGS: Mapping[str, tuple[str, str]] = {
    form: (written.media, written.label) for form, written in _WRITTEN.items()
}

#: Those that hold many records in one document.
TOGETHER: Mapping[str, Callable[..., bytes]] = {
    form: written.together for form, written in _WRITTEN.items() if written.together
}


class Encodings:
    """Writes the records of a site."""

    def __init__(self, site: Site) -> None:
        self.originals = Originals(originals_path(site.workspace))
        self.url = site.url
        self.home = site.home
        self.publisher = site.config["metadata"]["provider"]["name"]
        self.base = f"{site.home}/items/"

    def one(self, record: Record, form: str) -> bytes:
        """Return one record: its own document when it came in this format and was not edited
        since.
        """
        return self.originals.export(self._absolute(record), _WRITTEN[form].name, base=self.base)

    def schema_org(self, record: Record) -> dict[str, Any]:
        """Return a record as search engines read it on its page."""
        address = f"{self.base}{quote(record.id, safe='')}"
        return schema_org.build(self._absolute(record), address=address)

    def many(
        self, records: Sequence[Record], form: str, *, title: str, page: int, pages: int,
        total: int,
        address: Callable[[int], str],
    ) -> bytes:  # fmt: skip
        """Return a page of records in one document; ``address`` is that of each page, for Hydra to
        link to.
        """
        return TOGETHER[form](
            map(self._absolute, records), title=title, publisher=self.publisher,
            base=self.base,
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
