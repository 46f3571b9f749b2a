"""What a source of records is, and how a paged one is read whatever its server does."""

import hashlib
import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

from geoguichet.catalogue.errors import FormatError
from geoguichet.catalogue.formats.dcat.document import next_page
from geoguichet.catalogue.intake.exchange import LARGEST_FILE, metadata_files
from geoguichet.floor.http import AnswerError, Client, Response, same_place, with_query

PAGE_SIZE = 100
#: Records in a row that a server may fail to give before it is taken to be down.
MAXIMUM_LOST = 20


@dataclass(frozen=True, slots=True)
class Fetched:
    """A document of records as the source gave it; ``cursor`` is where to go on once it is
    stored.
    """

    address: str
    body: bytes
    cursor: str = ""
    #: Its number in the source (from 1), and how many the source says it has; (0, 0) when that is
    #: not known.
    place: tuple[int, int] = (0, 0)


@dataclass(frozen=True, slots=True)
class Refused:
    """Something the source could not give, and why; the rest goes on."""

    address: str
    reason: str
    cursor: str = ""


@dataclass(frozen=True, slots=True)
class Deleted:
    """A record that the source itself says is deleted."""

    identifier: str
    cursor: str = ""


@dataclass(frozen=True, slots=True)
class Unchanged:
    """An address whose documents have not changed since the last harvest (the server says so)."""

    address: str
    cursor: str = ""


@dataclass(frozen=True, slots=True)
class Partial:
    """The end of a source that did not give all it promised: nothing may be taken for gone."""

    reason: str
    cursor: str = ""


type Item = Fetched | Refused | Deleted | Unchanged | Partial


@dataclass(slots=True)
class Source(ABC):
    """A place that records come from, and how its server is asked."""

    address: str
    client: Client = field(default_factory=Client)
    #: Records asked for at once, where its server gives pages.
    size: int = PAGE_SIZE
    #: What lets the server say that nothing changed: as it told last time, then as it tells now.
    validators: Mapping[str, str] = field(default_factory=dict, kw_only=True)

    @abstractmethod
    def records(self, *, cursor: str = "") -> Iterator[Item]:
        """Yield documents in a stable order, from the start or from a cursor; HttpError when
        nothing can be had.
        """


@dataclass(frozen=True, slots=True)
class PageOf:
    """One page of an answer: the documents in it, and how many records there are in all (-1 when it
    is not said).
    """

    documents: tuple[bytes, ...]
    total: int = -1


def paged(
    fetch: Callable[[int, int], PageOf], address: str, *, cursor: str = "", size: int = PAGE_SIZE
) -> Iterator[Item]:
    """Read a source page after page, from the record that the cursor numbers (from 0).

    A page that fails is asked again by half, down to the record that breaks it, which is left
    aside. A page that repeats the one before, or a source that ends before its own count, ends the
    reading as partial; so does a count that is no longer the one first told, for records may then
    have passed from one page to another unseen. The cursor is the number of records read, and that
    count.
    """
    come, _, told = cursor.partition("/")
    at, span, first = int(come) if come.isdigit() else 0, size, int(told) if told.isdigit() else -1
    total, lost, before = -1, 0, ""

    def here() -> str:
        return str(at) if first < 0 else f"{at}/{first}"

    while total < 0 or at != total:
        try:
            page = fetch(at, span)
        except (AnswerError, FormatError) as error:
            if span > 1:
                span = (span + 1) // 2
                continue
            lost += 1
            if lost > MAXIMUM_LOST:
                raise
            at += 1
            yield Refused(f"{address} (n° {at})", str(error), here())
            continue
        digest = _digest(page.documents)
        if page.documents and digest == before:
            yield Partial(
                f"{address} : la page à partir du n° {at + 1} répète la précédente.", here()
            )
            return
        lost, total, before = 0, page.total, digest
        first = total if first < 0 else first
        for document in page.documents:
            at += 1
            yield Fetched(address, document, here(), (at, max(total, 0)))
        if not page.documents:
            break
        span = min(size, 2 * span)
    if at < total:
        yield Partial(f"{address} : {total} fiches annoncées, {at} données.", here())
    elif total != first:
        yield Partial(
            f"{address} : {first} fiches annoncées d'abord, {total} ensuite ; la source change.",
            here(),
        )


def _digest(documents: Sequence[bytes]) -> str:
    return hashlib.sha256(b"\0".join(documents)).hexdigest()


# Sources that are documents: capabilities of a service, DCAT catalogues in pages, a folder of
# files.


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
                following = next_page(response.body)
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


# Catalogues that answer in JSON pages: OGC API Records, CKAN, udata; and the collections of OGC
# API Features.


def ask_json(client: Client, address: str) -> Any:
    """Ask for an address and read its JSON."""
    accept = "application/geo+json, application/json;q=0.9, */*;q=0.1"
    return client.get(address, accept=accept).json()


def _object(answer: Any, address: str) -> Mapping[str, Any]:
    if not isinstance(answer, Mapping):
        raise AnswerError(address, "un objet JSON est attendu.")
    return answer


def _page(listed: Any, total: Any, address: str) -> PageOf:
    if not isinstance(listed, list):
        raise AnswerError(address, "la liste des fiches manque dans la réponse.")
    return PageOf(
        tuple(json.dumps(item, ensure_ascii=False, sort_keys=True).encode() for item in listed),
        total if isinstance(total, int) else -1,
    )


class OgcRecords(Source):
    """A collection of OGC API Records, named by its address or by that of its items."""

    def records(self, *, cursor: str = "") -> Iterator[Item]:
        """Yield every record of the collection."""
        items = self.address.partition("?")[0].rstrip("/")
        items = items if items.endswith("/items") else f"{items}/items"

        def fetch(start: int, size: int) -> PageOf:
            asked = (
                with_query(items, f="json", limit=size, offset=start, sortby="id")
                if start or size != 1
                else with_query(items, limit=1)
            )
            answer = _object(self._ask(asked, items, start, size), items)
            return _page(answer.get("features"), answer.get("numberMatched"), items)

        yield from paged(fetch, items, cursor=cursor, size=self.size)

    # Ask for a sorted page; a server that cannot sort is asked without.
    def _ask(self, asked: str, items: str, start: int, size: int) -> Any:
        try:
            return ask_json(self.client, asked)
        except AnswerError:
            return ask_json(self.client, with_query(items, f="json", limit=size, offset=start))


class OgcFeatures(Source):
    """The collections of an OGC API Features: each becomes a record."""

    def records(self, *, cursor: str = "") -> Iterator[Item]:
        """Yield every collection."""
        root = self.address.partition("?")[0].rstrip("/").removesuffix("/collections")
        listed = _object(
            ask_json(self.client, with_query(f"{root}/collections", f="json")), root
        ).get("collections")
        if not isinstance(listed, list):
            raise AnswerError(
                f"{root}/collections", "la liste des collections manque dans la réponse."
            )
        for at, collection in enumerate(listed[int(cursor or 0) :], start=int(cursor or 0)):
            document = json.dumps(collection, ensure_ascii=False, sort_keys=True).encode()
            yield Fetched(f"{root}/collections", document, str(at + 1), (at + 1, len(listed)))


class Ckan(Source):
    """A CKAN portal, through ``package_search``."""

    def records(self, *, cursor: str = "") -> Iterator[Item]:
        """Yield every package."""
        root = (
            self.address.partition("?")[0].rstrip("/").removesuffix("/api/3/action/package_search")
        )
        search = f"{root}/api/3/action/package_search"

        def fetch(start: int, size: int) -> PageOf:
            answer = _object(
                ask_json(self.client, with_query(search, rows=size, start=start, sort="id asc")),
                search,
            )
            result = _object(answer.get("result"), search)
            return _page(result.get("results"), result.get("count"), search)

        yield from paged(fetch, search, cursor=cursor, size=self.size)


class Udata(Source):
    """A udata portal, or one of its organisations when the address is that of a filtered list."""

    def records(self, *, cursor: str = "") -> Iterator[Item]:
        """Yield every dataset; udata counts pages, so a page is asked in the halves that fall on
        whole pages.
        """
        listed = (
            self.address
            if "/api/1/datasets" in self.address
            else f"{self.address.rstrip('/')}/api/1/datasets/"
        )

        def fetch(start: int, size: int) -> PageOf:
            while start % size:
                size -= 1
            asked = with_query(listed, page=start // size + 1, page_size=size, sort="created")
            answer = _object(ask_json(self.client, asked), listed)
            return _page(answer.get("data"), answer.get("total"), listed)

        yield from paged(fetch, listed, cursor=cursor, size=self.size)
