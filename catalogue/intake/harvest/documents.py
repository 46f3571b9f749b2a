"""Sources that are documents: capabilities of a service, DCAT catalogues in pages, a folder of
files.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urljoin

from geoguichet.catalogue.errors import FormatError
from geoguichet.catalogue.formats.dcat import document
from geoguichet.catalogue.intake.exchange import LARGEST_FILE, metadata_files
from geoguichet.catalogue.intake.harvest.source import (
    Fetched,
    Item,
    Partial,
    Refused,
    Source,
    Unchanged,
)
from geoguichet.floor.http import AnswerError, Response, same_place, with_query

_SERVICES = {"wms": "1.3.0", "wfs": "2.0.0", "wmts": "1.0.0"}


@dataclass(slots=True)
class Capabilities(Source):
    """The capabilities of a WMS, WFS or WMTS."""

    service: str = field(kw_only=True)

    def records(self, *, cursor: str = "") -> Iterator[Item]:
        """Yield the capabilities, one document that makes a record for the service and one per
        layer.
        """
        if cursor:
            return
        asked = with_query(
            self.address,
            service=self.service.upper(),
            request="GetCapabilities",
            version=_SERVICES[self.service],
        )
        response = self.client.get(asked, validators=self.validators)
        if response.status == 304:
            yield Unchanged(asked, "1")
            return
        self.validators = _validators(response)
        yield Fetched(asked, response.body, "1")


def _validators(response: Response) -> dict[str, str]:
    return {
        name: response.headers[name]
        for name in ("etag", "last-modified")
        if name in response.headers
    }


class DcatCatalogue(Source):
    """A DCAT catalogue, page after page as Hydra says."""

    def records(self, *, cursor: str = "") -> Iterator[Item]:
        """Yield every page."""
        here, met = cursor or self.address, set[str]()
        accept = "text/turtle, application/rdf+xml;q=0.9, application/ld+json;q=0.8"
        while here:
            if here in met:
                yield Partial(f"{here} : la page suivante a déjà été lue.", here)
                return
            met.add(here)
            alone = here == self.address
            response = self.client.get(
                here, accept=accept, validators=self.validators if alone else None
            )
            if response.status == 304:
                yield Unchanged(here, here)
                return
            try:
                following = document.next_page(response.body)
            except FormatError as error:
                yield Refused(here, str(error), here)
                yield Partial(f"{here} : la page suivante est inconnue.", here)
                return
            if alone:
                self.validators = {} if following else _validators(response)
            there = urljoin(here, following) if following else ""
            if there and not same_place(self.address, there):
                raise AnswerError(
                    here, f"la page suivante est sur un autre hôte ({there[:120]}), refusée."
                )
            yield Fetched(here, response.body, there or here)
            here = there


@dataclass(slots=True)
class Folder(Source):
    """A folder of metadata files."""

    def __post_init__(self) -> None:
        """Know the folder by its whole path: a journal is read from other folders too."""
        self.address = str(Path(self.address).absolute())

    def records(self, *, cursor: str = "") -> Iterator[Item]:
        """Yield every file, in the order of their names."""
        root = Path(self.address)
        files = metadata_files(root)
        for number, file in enumerate(files, start=1):
            name = file.relative_to(root).as_posix() if file != root else file.name
            if cursor and name <= cursor:
                continue
            try:
                if file.stat().st_size > LARGEST_FILE:
                    yield Refused(str(file), f"plus de {LARGEST_FILE // 1024**2} Mo", name)
                    continue
                yield Fetched(str(file), file.read_bytes(), name, (number, len(files)))
            except OSError as error:
                yield Refused(str(file), f"fichier illisible ({error.strerror})", name)
