"""Catalogues that answer in JSON pages: OGC API Records, CKAN, udata; and the collections of OGC
API Features.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from geoguichet.catalogue.intake.harvest.source import (
    PAGE_SIZE,
    Fetched,
    Item,
    PageOf,
    Source,
    paged,
)
from geoguichet.floor.http import AnswerError, Client, with_query


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


@dataclass(slots=True)
class OgcRecords(Source):
    """A collection of OGC API Records, named by its address or by that of its items."""

    size: int = PAGE_SIZE

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


@dataclass(slots=True)
class Ckan(Source):
    """A CKAN portal, through ``package_search``."""

    size: int = PAGE_SIZE

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


@dataclass(slots=True)
class Udata(Source):
    """A udata portal, or one of its organisations when the address is that of a filtered list."""

    size: int = PAGE_SIZE

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
