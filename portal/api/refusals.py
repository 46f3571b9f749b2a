"""How a refusal is told: in the reader's language and form, whoever refuses, our own resources or
pygeoapi.

pygeoapi tells its own refusals in English whatever the language asked, and what our providers
refuse passes through it as one text. So theirs go through it with both languages in that text, and
its own are translated here.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from geoguichet.catalogue.errors import QueryError
from geoguichet.portal.api import answers
from geoguichet.portal.api.answers import Refusal

type Render = Callable[[str, Mapping[str, Any], str], str]
"""Fills a template: its name, its data, the language."""

_BETWEEN = "\x1f"
"""The unit separator of ASCII: no sentence has one."""


async def told(error: Refusal | QueryError, request: Request, render: Render) -> Response:
    """Return a refusal as a page to who asks for pages, else as JSON."""
    lang = answers.language(request)
    made = answers.refused(error, lang)
    try:
        is_page = answers.wanted_form(request, ("json", "html", "jsonld")) == "html"
    except Refusal:
        is_page = False
    if not is_page:
        return made
    page = await run_in_threadpool(render, "exception.html", json.loads(bytes(made.body)), lang)
    return answers.answer(
        page.encode("utf-8", "replace"), "text/html", lang, status=made.status_code
    )


def through(french: str, english: str) -> str:
    """Return one text that holds both, to pass through pygeoapi."""
    return f"{french}{_BETWEEN}{english}"


def of_pygeoapi(status: int, body: bytes) -> Refusal:
    """Return what pygeoapi says in an answer that refuses, in both languages."""
    try:
        document = json.loads(body)
        text, code = str(document["description"]), str(document["code"])
    except (ValueError, KeyError, TypeError):
        return Refusal(status, *BY_STATUS.get(status, _FAILED))
    french, between, english = text.partition(_BETWEEN)
    return Refusal(status, *((french, english) if between else translated(text)), code=code)


def translated(text: str) -> tuple[str, str]:
    """Return a sentence of pygeoapi in French and in English; one that it does not have is ours, in
    French.
    """
    for pattern, french, english in _SENTENCES:
        if found := pattern.fullmatch(text):
            return found.expand(french), found.expand(english)
    return text, text


BY_STATUS: Mapping[int, tuple[str, str]] = {
    404: ("Rien à cette adresse.", "Nothing at this address."),
    405: ("Cette méthode n'est pas servie ici.", "This method is not served here."),
}
_FAILED = ("Le portail n'a pas su répondre.", "The portal could not answer.")

_SENTENCES = [
    (re.compile(pattern, re.IGNORECASE | re.DOTALL), french, english)
    for pattern, french, english in (
        (r"invalid format requested", "f : cette forme n'est pas servie ici.", ("f: this form is "
                                                                               "not served here.")),
        (r"collection not found", "Aucune collection de ce nom.", "No collection has this name."),
        (r"identifier not found|no data found", ("Rien ne porte cet "
                                                "identifiant."), ("Nothing has this "
                                                                                  "identifier.")),
        (r"bbox should be .*", ("bbox : 4 nombres (ouest,sud,est,nord) ou 6 (avec les hauteurs) "
                               "sont attendus."),
         "bbox: 4 numbers (west,south,east,north) or 6 (with heights) are expected."),
        (r"bbox values must be numbers", "bbox : des nombres sont attendus.", ("bbox: numbers are "
                                                                              "expected.")),
        (r"miny should be less than maxy", "bbox : le sud doit être inférieur au nord.",
         "bbox: south must be less than north."),
        (r"minx is greater than maxx .*", "bbox : l'ouest est supérieur à l'est.", ("bbox: west is "
                                                                                   "greater than east.")),
        (r"minz should be less than maxz", ("bbox : la hauteur basse doit être inférieure à la "
                                           "haute."),
         "bbox: the lower height must be less than the higher."),
        (r"datetime parameter out of range", "datetime : hors de la période de la collection.",
         "datetime: outside the period of the collection."),
        (r"(limit|offset) value should be an integer", r"\1 : un nombre entier est attendu.",
         r"\1: a whole number is expected."),
        (r"limit value should be strictly positive", "limit : un nombre supérieur à 0 est attendu.",
         "limit: a number above 0 is expected."),
        (r"limit of (\d+) exceeded", r"limit : \1 au plus est attendu.",
        r"limit: \1 at most is expected."),
        (r"offset value should be positive or zero", "offset : 0 ou plus est attendu.",
         "offset: 0 or more is expected."),
        (r"bbox-crs specified .*", "bbox-crs : attendu avec bbox, et non vide.",
         "bbox-crs: expected with bbox, and not empty."),
        (r"bbox-crs (.*) not supported for this collection",
        r"bbox-crs : « \1 » n'est pas servi par cette collection.",
         r"bbox-crs: “\1” is not served by this collection."),
        (r"CRS (.*) not supported for this collection\. List of supported CRSs: (.*)",
         r"crs : \1 n'est pas servi par cette collection ; attendu \2.",
         r"crs: \1 is not served by this collection; expected \2."),
        (r"bad sortby property", ("sortby : cette propriété n'est pas de celles de la collection "
                                 "(voir queryables)."),
         "sortby: the collection has no such property (see queryables)."),
        (r"unknown properties specified", ("properties : une propriété n'est pas de celles de la "
                                          "collection."),
         "properties: the collection has no such property."),
        (r"bad CQL (?:text|JSON)", "filter : ce filtre ne se lit pas.", ("filter: this filter "
                                                                        "cannot be read.")),
        (r"invalid filter language", "filter-lang : cql2-text ou cql2-json est attendu.",
         "filter-lang: cql2-text or cql2-json is expected."),
        (r"invalid format: subset .*", ('subset : axe("de":"à") est '
                                       'attendu.'), ('subset: axis("from":"to") '
                                                                              'is expected.')),
        (r"collection is not editable", "Cette collection ne se modifie pas.", ("This collection "
                                                                               "cannot be edited.")),
        (r"queryables not available for this collection|invalid provider type",
         "Cette ressource n'est pas servie pour cette collection.", ("This collection does not "
                                                                    "serve this resource.")),
        (r"missing request data|invalid request data|invalid data|invalid json data",
         "Le corps de la demande manque ou ne se lit pas.", ("The body of the request is missing "
                                                            "or cannot be read.")),
        (r"missing (?:identifier|core geojson) .*",
         "Un objet GeoJSON est attendu : identifiant, géométrie, propriétés.",
         "A GeoJSON feature is expected: identifier, geometry and properties."),
        (r"record already exists", "Un objet porte déjà cet identifiant.", ("This identifier is "
                                                                           "already used.")),
        (r"asyncapi not supported/configured", ("AsyncAPI n'est pas "
                                               "servi."), "AsyncAPI is not served."),
        (r"job .*|could not publish message .*|error serializing output|(?:generic|connection|query) error.*",
         *_FAILED),
    )
]  # fmt: skip
"""What pygeoapi 0.24 says when it refuses (tests/portal/api/test_refusals.py reads its sources),
and how we say it.
"""
