"""One search over places, counters, needs, records and studies: as lines while one types, and as a
page.
"""

import json
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import islice
from typing import Any, NamedTuple
from urllib.parse import quote, urlencode

from geoguichet.catalogue.search.query import RecordQuery
from geoguichet.catalogue.search.store import search_as_people_do
from geoguichet.floor.viewer import Viewer
from geoguichet.floor.words import SOURCE, Message, _, language
from geoguichet.portal.site import COLLECTION, Asked, Page, Site, an_object
from geoguichet.portal.territory import Territory, rows_of
from geoguichet.referentials.directory.services import NEEDS, CitizenNeed, service_name

#: The longest question that is looked at; what is longer is cut.
LONGEST = 100
#: Lines of each group while one types: eight in all.
_QUICK = {"places": 3, "counters": 2, "needs": 1, "records": 2}
_WHOLE = dict.fromkeys(_QUICK, 20)


#: How the names of communes are shortened.
_SHORT = {"st": "saint", "ste": "sainte"}


class Place(NamedTuple):
    """What can be found by name: a commune, or a counter; its words, each after a space."""

    folded: str
    name: str
    detail: str
    code: str
    people: float


@lru_cache(maxsize=4096)
def folded(text: str) -> str:
    """Return a text without accents, case, hyphens nor apostrophes, as it is typed in a hurry."""
    plain = unicodedata.normalize("NFKD", text).replace("’", " ").replace("'", " ")
    return "".join(c for c in plain if not unicodedata.combining(c)).replace("-", " ").lower()


@lru_cache(maxsize=4)
def communes(territory: Territory) -> tuple[Place, ...]:
    """Return the communes of a territory (`ranked`), with the name of their département."""
    found = rows_of(territory, "communes")
    names = {row["code"]: row["name"] for row in rows_of(territory, "departements")}
    return ranked(
        Place(
            f" {folded(row['name'])}",
            row["name"],
            str(names.get(row.get("departement"), "")),
            row["code"],
            row.get("population") or 0,
        )
        for row in found
    )


@lru_cache(maxsize=4)
def counters(territory: Territory) -> tuple[Place, ...]:
    """Return the counters of a territory (`ranked`), without those of its surroundings, each with the
    people of its commune.
    """
    people = {place.code: place.people for place in communes(territory)}
    return ranked(
        Place(
            f" {folded(f'{row["name"]} {row.get("commune_name") or ""}')}",
            row["name"],
            str(row.get("commune_name") or ""),
            str(row["id"]),
            people.get(str(row.get("commune")), 0),
        )
        for row in rows_of(territory, "services")
        if row.get("inside", True)
    )


def ranked(places: Iterable[Place]) -> tuple[Place, ...]:
    """Return places with the most peopled first, then the shortest names."""
    return tuple(sorted(places, key=lambda one: (-one.people, len(one.name), one.name)))


def matching(places: Iterable[Place], asked: str, most: int) -> list[Place]:
    """Return the places whose name has a word that begins as each word asked for: those that begin so
    first, in the order in which they come.
    """
    parts = [f" {_SHORT.get(part, part)}" for part in folded(asked).split()]
    found = [*places]
    for part in parts:
        found = [place for place in found if part in place.folded]
    start = "".join(parts)
    first = [place for place in found if place.folded.startswith(start)]
    others = (place for place in found if not place.folded.startswith(start))
    return [*first[:most], *islice(others, max(most - len(first), 0))]


def found(
    site: Site, asked: str, viewer: Viewer, most: Mapping[str, int]
) -> Iterator[dict[str, str]]:
    """Yield what answers to some words, group by group: each with its title, its detail and where it
    leads.
    """
    asked = asked.strip()[:LONGEST]
    if not asked:
        return
    kept = f"?lang={language()}" if language() != SOURCE else ""
    for group, layer, places, many in (
        (_("Communes"), "communes", communes, most["places"]),
        (_("Guichets"), "services", counters, most["counters"]),
    ):
        home = site.layer(layer)
        if home in site.collections_of(viewer):
            door = site.door(f"/{layer}", f"/collections/{home}/items")
            for one in matching(places(site.territory), asked, many):
                yield _line(group, one.name, one.detail, f"{door}/{quote(one.code)}{kept}")
    if site.layer("services") in site.collections_of(viewer):
        yield from _needs(site, asked, most["needs"])
    yield from _records(site, asked, viewer, most["records"], kept)


# Yield the needs of a citizen that the words name, with what answers them.
def _needs(site: Site, asked: str, most: int) -> Iterator[dict[str, str]]:
    home, parts = site.layer("services"), folded(asked).split()
    needs = [
        need
        for need in NEEDS.values()
        if all(f" {part}" in f" {folded(_said(need))}" for part in parts)
    ]
    for need in needs[:most]:
        kinds = {"type": need.types[0]}
        told = {"quoi": need.key} if site.door("/guichet", "") != site.url else kinds
        told |= {"lang": language()} if language() != SOURCE else {}
        door = site.door("/guichet", f"/collections/{home}/items")
        detail = service_name(need.types[0], many=True)
        yield _line(_("Démarches"), _said(need), detail, f"{door}?{urlencode(told)}")


def _said(need: CitizenNeed) -> str:
    told = need.label_en if language() == "en" else need.label_fr
    return f"{told[:1].upper()}{told[1:]}"


def _records(
    site: Site, asked: str, viewer: Viewer, most: int, kept: str
) -> Iterator[dict[str, str]]:
    query = RecordQuery.from_parameters({"q": asked, "limit": str(most)})
    page, _query = search_as_people_do(site.store, query, viewer=viewer)
    for item in page.items:
        record = json.loads(item)
        about = record["properties"]
        owner: Mapping[str, Any] = next(iter(about.get("contacts") or ()), {})
        yield _line(
            _("Études") if about.get("type") == "study" else _("Données"),
            about.get("title") or record["id"],
            owner.get("organization") or "",
            f"{site.url}/collections/{COLLECTION}/items/{quote(record['id'], safe='')}{kept}",
        )


def _line(group: str, title: str, detail: str, href: str) -> dict[str, str]:
    return {"group": group, "title": title, "detail": detail, "href": href}


def _asked(most: Mapping[str, int]) -> Any:
    def answered(site: Site, asked: Asked) -> dict[str, Any]:
        words = asked.given.get("q", "")
        lines = sorted(found(site, words, asked.viewer, most), key=_rank)
        return {"q": words[:LONGEST], "suggestions": lines}

    return answered


# Groups stay in the order in which they come, each whole.
def _rank(line: Mapping[str, str]) -> int:
    order = [_("Communes"), _("Guichets"), _("Démarches"), _("Données"), _("Études")]
    return order.index(line["group"])


def _page(path: str, summary: str, most: Mapping[str, int], schemas: Mapping[str, Any]) -> Page:
    return Page(
        path=path,
        title=Message("Recherche"),
        summary=summary,
        template="search.html",
        document=lambda _site, _viewer: {},
        parameters=("q",),
        more=_asked(most),
        schema="Suggestions",
        schemas=schemas,
    )


_TEXT = {"type": "string"}
_LINE = an_object(
    dict.fromkeys(("group", "title", "detail", "href"), _TEXT), "group", "title", "href"
)
_LINES = {"q": _TEXT, "suggestions": {"type": "array", "items": _LINE}}
PAGES: Sequence[Page] = (
    _page("/recherche", "What answers to some words", _WHOLE,
          {"Suggestions": an_object(_LINES, "q", "suggestions")}),
    _page("/suggestions", "The first eight, as one types", _QUICK, {}),
)  # fmt: skip
