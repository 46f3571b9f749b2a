"""The pages of the portal: what each shows, its template, and a line here."""

from typing import Any

from geoguichet.floor.viewer import Viewer
from geoguichet.floor.words import Message
from geoguichet.portal import answers
from geoguichet.portal.answers import CATALOG, HTML, JSON, JSON_LD, OPENAPI, link
from geoguichet.portal.pages import communes, counters, finding, home, quality, service, studies
from geoguichet.portal.site import COLLECTION, Page, Site, classes

_CSW = "/csw?service=CSW&request=GetCapabilities"
_REL = "http://www.opengis.net/def/rel/ogc/1.0"


def _landing(site: Site, _viewer: Viewer) -> dict[str, Any]:
    about, url = site.told["metadata"]["identification"], site.url
    catalog = f"{_REL}/ogc-catalog"
    return {
        "title": about["title"],
        "description": about["description"],
        "links": [
            link("self", f"{url}/?f=json", JSON),
            link("alternate", f"{url}/?f=html", HTML),
            link("service-desc", f"{url}/openapi?f=json", OPENAPI),
            link("service-doc", f"{url}/openapi?f=html", HTML),
            *(
                link(rel, f"{url}/conformance?f=json", JSON)
                for rel in ("conformance", f"{_REL}/conformance")
            ),
            link("data", f"{url}/collections?f=json", JSON),
            link(catalog, f"{url}/collections/{COLLECTION}?f=json", CATALOG, "Catalogue"),
            link(catalog, f"{url}/collections?f=json", JSON, "Collections"),
            link("service", f"{url}{_CSW}", "application/xml", "CSW 2.0.2"),
            link(f"{_REL}/processes", f"{url}/processes?f=json", JSON),
            link(f"{_REL}/job-list", f"{url}/jobs?f=json", JSON),
        ],
    }


_LANDING = Page(
    path="/",
    title=Message("Accueil"),
    summary="The landing page",
    template="landing.html",
    document=_landing,
    tables={"jsonld": (JSON_LD, lambda site, _: answers.to_json(site.data_catalog()))},
    schema="LandingPage",
    more=home.shown,
)


def _classes(site: Site, _viewer: Viewer) -> dict[str, Any]:
    return {"conformsTo": classes(editable=site.editable)}


_CONFORMANCE = Page(
    path="/conformance",
    title=Message("Conformité"),
    summary="The conformance classes",
    template="conformance.html",
    document=_classes,
    menu="tools",
    schema="Conformance",
)

PAGES = (
    _LANDING,
    *counters.PAGES,
    *communes.PAGES,
    *studies.PAGES,
    *finding.PAGES,
    *service.PAGES,
    _CONFORMANCE,
    quality.PAGE,
)
