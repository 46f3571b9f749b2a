"""What search engines look for at the root: the pages of all records, and which to leave alone.

A sitemap holds the pages of so many records; with more, it is an index of its parts (sitemaps.org).
"""

import json
from functools import partial
from html import escape
from urllib.parse import quote, urlsplit

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from geoguichet.catalogue.search.contract import Page
from geoguichet.catalogue.search.query import RecordQuery
from geoguichet.floor.viewer import Viewer
from geoguichet.floor.words import _
from geoguichet.portal import answers
from geoguichet.portal.answers import Refusal
from geoguichet.portal.pages.finding import communes
from geoguichet.portal.site import Site
from geoguichet.portal.viewing import viewer_of

#: Records in one part; the protocol allows 50,000 addresses.
PART = 10_000
#: Where the pages of communes are told.
COMMUNES = "/sitemap-communes.xml"
_HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n<{0} xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">'


def routes(site: Site) -> list[BaseRoute]:
    """Return ``/robots.txt``, ``/sitemap.xml`` (``?part=`` of a large catalogue) and that of communes."""

    async def sitemap(request: Request) -> Response:
        part = answers.parameters(request, "part").get("part", "")
        if part and not (part.isascii() and part.isdigit() and 0 < int(part[:9]) <= 100_000):
            raise Refusal(400, _("part : un numéro de partie est attendu, à partir de 1."))
        viewer = viewer_of(request)
        headers = answers.validators(request, site.store.generation(viewer=viewer), "xml")
        made = await run_in_threadpool(_sitemap, site, int(part[:9]) if part else 0, viewer)
        return answers.answer(made, "application/xml", headers=headers)

    async def of_communes(request: Request) -> Response:
        answers.parameters(request)
        made = await run_in_threadpool(_communes, site, viewer_of(request))
        return answers.answer(made, "application/xml")

    async def robots(request: Request) -> Response:
        answers.parameters(request)
        path = urlsplit(site.url).path
        lines = ("User-agent: *", f"Disallow: {path}/jobs", f"Disallow: {path}/*?*f=")
        maps = (f"Sitemap: {site.url}{path}" for path in ("/sitemap.xml", COMMUNES))
        told = "\n".join((*lines, *maps, ""))
        return answers.answer(told.encode(), "text/plain")

    return [
        Route("/sitemap.xml", sitemap),
        Route(COMMUNES, of_communes),
        Route("/robots.txt", robots),
    ]


def _sitemap(site: Site, part: int, viewer: Viewer) -> bytes:
    first = max(part - 1, 0) * PART
    page = _page(site, first, viewer)
    if not part and page.number_matched > PART:
        parts = range(1, -(-page.number_matched // PART) + 1)
        told = [
            f"<sitemap><loc>{escape(site.url)}/sitemap.xml?part={n}</loc></sitemap>" for n in parts
        ]
        return "\n".join((_HEAD.format("sitemapindex"), *told, "</sitemapindex>")).encode()
    rows: list[str] = []
    while page.items and len(rows) < PART:
        rows += map(partial(_row, site), page.items)
        page = _page(site, first + len(rows), viewer)
    return "\n".join((_HEAD.format("urlset"), *rows[:PART], "</urlset>")).encode()


# Return the pages of the communes, in one part: France has 35,000.
def _communes(site: Site, viewer: Viewer) -> bytes:
    shown = site.layer("services") in site.collections_of(viewer)
    home = f"{escape(site.url)}/communes/"
    found = communes(site.territory) if shown else ()
    rows = [f"<url><loc>{home}{quote(one.code)}</loc></url>" for one in found]
    return "\n".join((_HEAD.format("urlset"), *rows, "</urlset>")).encode()


def _page(site: Site, offset: int, viewer: Viewer) -> Page:
    asked = {"limit": "1000", "sortby": "id", "offset": str(offset)}
    return site.store.search(RecordQuery.from_parameters(asked), viewer=viewer)


def _row(site: Site, item: bytes) -> str:
    record = json.loads(item)
    address = escape(f"{site.home}/items/{quote(record['id'], safe='')}")
    day = str(record["properties"].get("updated", ""))
    told = (
        f"<lastmod>{escape(day)}</lastmod>" if len(day) in (4, 7, 10) or day[10:11] == "T" else ""
    )
    return f"<url><loc>{address}</loc>{told}</url>"
