"""What a source of records is, and how a paged one is read whatever its server does."""

import hashlib
import json
import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode, urljoin, urlsplit

from geoguichet.catalogue.errors import FormatError, HarvestError
from geoguichet.catalogue.formats.dcat.document import page_of
from geoguichet.catalogue.intake.exchange import LARGEST_FILE, metadata_files
from geoguichet.floor.http import (
    AnswerError,
    Client,
    HttpError,
    Response,
    same_place,
    with_query,
)
from geoguichet.floor.words import Message

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

    reason: str | Message
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


#: What a page says of what follows it, where it says that nothing does.
LAST = -1


@dataclass(frozen=True, slots=True)
class PageOf:
    """One page of an answer: the documents in it, and how many records there are in all (-1 when it
    is not said).
    """

    documents: tuple[bytes, ...]
    total: int = -1
    #: The record (from 0) that the server says to go on from, `LAST`, or None when it says nothing.
    following: int | None = None
    #: The address of the next page, where the server links it.
    link: str = ""


#: Asks for a page: its first record (from 0), how many records, and the link that leads to it.
type Fetch = Callable[[int, int, str], PageOf]

#: Answers that asking for less will not change.
_HOPELESS = frozenset({401, 403, 404, 405, 410, 415, 501})
#: How many times its own count a source may give: beyond, it makes records without end.
_MOST_BEYOND = 10


def paged(fetch: Fetch, address: str, *, cursor: str = "", size: int = PAGE_SIZE) -> Iterator[Item]:
    """Read a source page after page, from where the cursor says, to an end that is proved.

    The server says where to go on (a number, a link); where it does not, its count does, and
    neither alone is the end: an empty page is passed, a count that is reached is gone beyond. A
    page that fails is asked again by half, down to the record that breaks it, which is left aside.
    The reading ends as partial when a page repeats an earlier one, when fewer or more records came
    than the source counts (one that came twice is counted once), and when the count changes on the
    way, for records may then have passed from one page to another unseen.
    """
    yield from _Reading(fetch, address, cursor, size).items()


class _Reading:
    """Where the reading of a paged source has come to. Its cursor: the records passed, the count
    first told, those of them that were not given, the link of the page.
    """

    def __init__(self, fetch: Fetch, address: str, cursor: str, size: int) -> None:
        numbers, _, self.link = cursor.partition(" ")
        told = [int(number) for number in numbers.split("/") if number]
        self.at, self.first, self.missing = (*told, *(0, -1, 0)[len(told) :])
        self.fetch, self.address, self.size, self.span = fetch, address, size, size
        self.total, self.announced, self.ended = -1, 0, False
        self.lost, self.empty, self.given = 0, 0, bool(cursor)
        self.seen: set[bytes] = set()
        self.held: list[Item] = []

    @property
    def cursor(self) -> str:
        return f"{self.at}/{self.first}/{self.missing} {self.link}".strip()

    def items(self) -> Iterator[Item]:
        goes_on = True
        while goes_on:
            size = min(self.span, self.announced - self.at) if self.announced else self.span
            try:
                page = self.fetch(self.at, size, self.link)
            except (AnswerError, FormatError) as error:
                goes_on = self._goes_on_after(error, size)
                yield from self._told() if self.given else ()
                continue
            self.total, self.ended = page.total, page.following == LAST
            self.first = self.total if self.first < 0 else self.first
            digests = [hashlib.blake2b(one, digest_size=16).digest() for one in page.documents]
            new = dict(zip(digests, page.documents, strict=True))
            new = {digest: one for digest, one in new.items() if digest not in self.seen}
            if new:
                yield from self._told()
                yield from self._taken(page, new)
                goes_on = self._goes_on_after_page(page)
            elif page.documents and not self._is_counted() and not self.announced:
                message = Message("{place} : la page à partir du n° {n} en répète une autre.")
                yield Partial(message.given(place=self.address, n=self.at + 1), self.cursor)
                return
            else:
                goes_on = self._goes_on_after_nothing(page, size)
        yield from self._told()
        if doubt := self._doubt():
            yield Partial(doubt, self.cursor)

    # Give what was left aside, once something else than that is known to be given.
    def _told(self) -> Iterator[Item]:
        yield from self.held
        self.held.clear()

    def _taken(self, page: PageOf, new: Mapping[bytes, bytes]) -> Iterator[Item]:
        self.given, self.lost, self.empty = True, 0, 0
        start, linked, repeated = self.cursor, bool(self.link or page.link), len(page.documents)
        for document in new.values():
            self.at += 1
            cursor = start if linked else self.cursor  # a linked page is read again whole
            yield Fetched(self.address, document, cursor, (self.at, max(self.total, 0)))
        repeated -= len(new)
        self.at += repeated
        self.missing += repeated
        self.seen.update(new)

    def _goes_on_after_page(self, page: PageOf) -> bool:
        following = page.following or 0
        # Less came than the server says it passed: asked for once, it may be a smaller page.
        told = self.at < following and (self.total < 0 or following <= self.total)
        self.announced = following if told else self.announced if self.at < self.announced else 0
        self.link, self.span = page.link, min(self.size, 2 * self.span)
        if self.total >= 0 and self.at > _MOST_BEYOND * (self.total + self.size):
            return False
        return bool(page.link) or not self.ended or self.at < self.total

    # An empty page, or one that gives again what is known.
    def _goes_on_after_nothing(self, page: PageOf, size: int) -> bool:
        following, announced = page.following or 0, self.announced
        self.empty, self.announced = self.empty + 1, 0
        if announced > self.at:
            following = announced
        elif self._is_counted() or self.ended or self.empty > MAXIMUM_LOST:
            return False
        elif page.link:
            self.link = page.link
            return True
        elif self.total < 0 and following <= self.at:
            return False
        elif 0 <= self.total < following or following <= self.at:
            following = min(self.at + size, self.total)
        self.missing += following - self.at
        self.at = following
        return True

    def _goes_on_after(self, error: AnswerError | FormatError, size: int) -> bool:
        if self.ended or self._is_counted():  # nothing stands beyond the last
            return False
        if not self.given and isinstance(error, HttpError) and error.status in _HOPELESS:
            raise error
        if size > 1:
            self.span = (size + 1) // 2
            return True
        self.lost += 1
        if self.lost > MAXIMUM_LOST:
            raise error if isinstance(error, HttpError) else AnswerError(self.address, str(error))
        self.at, self.link = self.at + 1, ""
        self.held.append(Refused(f"{self.address} (n° {self.at})", str(error), self.cursor))
        return True

    # Say whether as many records were passed as the source counts.
    def _is_counted(self) -> bool:
        return 0 <= self.total <= self.at

    # Return why what was read may not be all of the source; None when nothing says so.
    def _doubt(self) -> Message | None:
        given = self.at - self.missing
        if 0 <= self.total != given:
            message = Message("{place} : {total} fiches annoncées, {given} données.")
        elif self.missing:
            message = Message("{place} : {missing} fiches passées ou données deux fois.")
        elif self.empty > MAXIMUM_LOST:
            message = Message("{place} : plus de pages vides de suite que n'en a une source.")
        elif self.total != self.first:
            message = Message(
                "{place} : {first} fiches annoncées d'abord, {total} ensuite ; la source change."
            )
        else:
            return None
        return message.given(
            place=self.address,
            total=self.total,
            given=given,
            missing=self.missing,
            first=self.first,
        )


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
        told, _, here = cursor.rpartition(" ")
        here, given, met = here or self.address, int(told or 0), set[str]()
        accept = "text/turtle, application/rdf+xml;q=0.9, application/ld+json;q=0.8"
        while here:
            cursor = f"{given} {here}"
            if here in met:
                yield Partial(f"{here} : la page suivante a déjà été lue.", cursor)
                return
            met.add(here)
            alone = here == self.address
            response = self.client.get(
                here, accept=accept, validators=self.validators if alone else None
            )
            if response.status == 304:
                yield Unchanged(here, cursor)
                return
            try:
                following, held, total = page_of(response.body, here)
            except FormatError as error:
                yield Refused(here, str(error), cursor)
                yield Partial(f"{here} : la page suivante est inconnue.", cursor)
                return
            if alone:
                self.validators = {} if following else _validators(response)
            there = urljoin(here, following) if following else ""
            if there and not same_place(self.address, there):
                raise AnswerError(
                    here, f"la page suivante est sur un autre hôte ({there[:120]}), refusée."
                )
            given += held
            cursor = f"{given} {there}" if there else f"{given - held} {here}"
            yield Fetched(here, response.body, cursor)
            if not there and given < total:
                message = Message("{place} : {total} fiches annoncées, {given} données.")
                message = message.given(place=self.address, total=total, given=given)
                yield Partial(message, cursor)
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


def _page(listed: Any, total: Any, address: str, **following: Any) -> PageOf:
    if not isinstance(listed, list):
        raise AnswerError(address, "la liste des fiches manque dans la réponse.")
    return PageOf(
        tuple(json.dumps(item, ensure_ascii=False, sort_keys=True).encode() for item in listed),
        total if isinstance(total, int) else -1,
        **following,
    )


# Return an address with more of a path, its query as it is: a filter that a person put there stays.
def _under(address: str, part: str) -> str:
    parts = urlsplit(address)
    path = parts.path.rstrip("/").removesuffix(part)
    return parts._replace(path=path + part).geturl()


@dataclass(slots=True)
class OgcRecords(Source):
    """A collection of OGC API Records, named by its address or by that of its items.

    The ``next`` link leads from page to page (``offset`` is no parameter of the standard); without
    one, ``offset`` is tried as long as records are missing.
    """

    _ways: tuple[Mapping[str, str], ...] = ({"f": "json", "sortby": "id"}, {"f": "json"}, {})
    _met: set[str] = field(default_factory=set)

    def records(self, *, cursor: str = "") -> Iterator[Item]:
        """Yield every record of the collection."""
        items = _under(self.address, "/items")
        yield from paged(
            lambda start, size, link: self._page(items, start, size, link),
            items,
            cursor=cursor,
            size=self.size,
        )

    def _page(self, items: str, start: int, size: int, link: str) -> PageOf:
        if link:
            answer = ask_json(
                self.client, link if size == self.size else with_query(link, limit=size)
            )
        else:
            answer = self._ask(items, {"limit": size} | ({"offset": start} if start else {}))
        answer = _object(answer, items)
        following = _next_link(answer, link or items)
        if following in self._met:  # a circle: what it leads to was read
            following = ""
        self._met.add(following)
        is_last = isinstance(answer.get("links"), list) and not following
        return _page(
            answer.get("features"),
            answer.get("numberMatched"),
            items,
            link=following,
            following=LAST if is_last else None,
        )

    # Ask for a sorted page; a server that refuses a parameter is asked without, from then on.
    def _ask(self, items: str, wanted: Mapping[str, int]) -> Any:
        for way in self._ways:
            try:
                answer = ask_json(self.client, with_query(items, **way, **wanted))
            except AnswerError as error:
                if way == self._ways[-1]:
                    raise
                refusal = error
                continue
            self._ways = (way,)
            return answer
        raise refusal


# Return the address of the page after this one; empty when none is linked. A link to another host
# (one that only the server itself can reach, as a rule) is followed on this one.
def _next_link(answer: Mapping[str, Any], here: str) -> str:
    for link in answer.get("links") or ():
        if isinstance(link, Mapping) and link.get("rel") == "next" and link.get("href"):
            there = urljoin(here, str(link["href"]))
            if same_place(here, there):
                return there
            return urlsplit(here)._replace(query=urlsplit(there).query).geturl()
    return ""


class OgcFeatures(Source):
    """The collections of an OGC API Features: each becomes a record."""

    def records(self, *, cursor: str = "") -> Iterator[Item]:
        """Yield every collection."""
        collections = _under(self.address, "/collections")
        here, met, at, total = with_query(collections, f="json"), set[str](), 0, 0
        while here:
            met.add(here)
            answer = _object(ask_json(self.client, here), collections)
            page = _page(answer.get("collections"), answer.get("numberMatched"), collections)
            total = max(page.total, at + len(page.documents))
            for document in page.documents:
                at += 1
                if at > int(cursor or 0):
                    yield Fetched(collections, document, str(at), (at, total))
            here = _next_link(answer, here)
            if here in met:
                break
        if here or at < total:
            message = Message("{place} : {total} fiches annoncées, {given} données.")
            yield Partial(message.given(place=collections, total=total, given=at), str(at))


#: What ``package_search`` takes of what may stand in an address, and what its pages call otherwise.
_CKAN_PARAMETERS = frozenset({"q", "fq", "fq_list", "include_private", "include_drafts"})
_CKAN_FACETS = frozenset({"organization", "groups", "tags", "res_format", "license_id"})


@dataclass(slots=True)
class Ckan(Source):
    """A CKAN portal, through ``package_search``; the filters of its address are kept, whether those
    of the API (``fq``) or of its pages (``organization``).
    """

    def records(self, *, cursor: str = "") -> Iterator[Item]:
        """Yield every package."""
        parts = urlsplit(self.address)
        path = re.sub(r"(/api/3/action/package_search|/dataset)?/?$", "", parts.path, count=1)
        search = parts._replace(
            path=f"{path}/api/3/action/package_search", query=self._filters(parts.query)
        ).geturl()

        def fetch(start: int, size: int, _link: str) -> PageOf:
            answer = _object(
                ask_json(self.client, with_query(search, rows=size, start=start, sort="id asc")),
                search,
            )
            result = _object(answer.get("result"), search)
            return _page(result.get("results"), result.get("count"), search)

        yield from paged(fetch, search, cursor=cursor, size=self.size)

    # Return the filters of an address as the API takes them; what it would leave out in silence is
    # refused.
    def _filters(self, query: str) -> str:
        kept: list[tuple[str, str]] = []
        filters: list[str] = []
        for name, value in parse_qsl(query):
            if name in _CKAN_FACETS:
                filters.append(f'{name}:"{value}"')
            elif name == "fq":
                filters.append(value)
            elif name in _CKAN_PARAMETERS:
                kept.append((name, value))
            elif name not in ("rows", "start", "sort", "page"):
                message = Message(
                    "{address} : le filtre « {name} » n'est pas de CKAN ; attendu {names}.",
                    address=self.address,
                    name=name,
                    names=", ".join(sorted(_CKAN_PARAMETERS | _CKAN_FACETS)),
                )
                raise HarvestError(message)
        return urlencode(kept + ([("fq", " ".join(filters))] if filters else []))


class Udata(Source):
    """A udata portal, or one of its organisations when the address is that of a filtered list."""

    def records(self, *, cursor: str = "") -> Iterator[Item]:
        """Yield every dataset; udata counts pages, so a page is asked in the halves that fall on
        whole pages.
        """
        parts = urlsplit(self.address)
        path = re.sub(r"(/api/1)?(/\w\w)?(/datasets)?/?$", "", parts.path, count=1)
        listed = parts._replace(path=f"{path}/api/1/datasets/").geturl()

        def fetch(start: int, size: int, _link: str) -> PageOf:
            while start % size:
                size -= 1
            asked = with_query(listed, page=start // size + 1, page_size=size, sort="created")
            answer = _object(ask_json(self.client, asked), listed)
            is_last = "next_page" in answer and not answer["next_page"]
            following = LAST if is_last else None
            return _page(answer.get("data"), answer.get("total"), listed, following=following)

        yield from paged(fetch, listed, cursor=cursor, size=self.size)
