"""The pages of the portal: a module, its template, and a line here."""

from geoguichet.portal.pages import conformance, landing, quality

PAGES = (
    landing.PAGE,
    conformance.PAGE,
    quality.PAGE,
)
