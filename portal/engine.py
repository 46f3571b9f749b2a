"""pygeoapi as a library: what answers for features, collections and processes.

Everything we ask of its inside is in this file, so that a new version of it is checked in one
place. Its functions are given its own request and answer in JSON (the pages are filled by us), its
refusals come out as ours, and two costly things are taken away (the pyproj look-up of every bbox, the
look-up of languages).
"""

from __future__ import annotations

import json
import logging
import re
import sys
from collections.abc import Callable, Mapping
from copy import copy, deepcopy
from functools import lru_cache
from pathlib import Path
from typing import Any, NoReturn, cast
from urllib.parse import urlencode

import pygeoapi.api
import yaml
from babel import localedata
from pygeoapi.api import APIRequest, itemtypes
from pygeoapi.crs import transform_bbox
from pygeoapi.error import GenericError
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.types import Message as Event

from geoguichet.floor.declaration import refusal
from geoguichet.floor.errors import UsageError
from geoguichet.floor.region import FILE, Region, Shares, read_region
from geoguichet.floor.viewer import PUBLIC, Viewer, audience
from geoguichet.floor.words import Message, _, language
from geoguichet.portal.answers import BY_STATUS, Refusal
from geoguichet.portal.errors import PortalError
from geoguichet.portal.providers import referentials, studies
from geoguichet.portal.territory import Territory, overlaid, territory_of
from geoguichet.portal.viewing import across, viewer_of
from geoguichet.referentials.versions.store import COLLECTION_PREFIX

#: One of pygeoapi's: (api, request, identifiers...) -> headers, status, content.
type Function = Callable[..., tuple[dict[str, str], int, Any]]


class Engine(pygeoapi.api.API):  # type: ignore[misc]
    """pygeoapi's API for one configuration, whose resources can be replaced while it serves."""

    config: dict[str, Any]

    def __init__(self, config: Mapping[str, Any]) -> None:
        itemtypes.transform_bbox = bbox_between
        # It asks of every word of a process whether it is a language.
        localedata.normalize_locale = _normalized
        # It logs every refused request with its traceback, and every request without an offset.
        logging.getLogger("pygeoapi").setLevel(logging.CRITICAL)
        super().__init__(deepcopy(dict(config)), openapi={})

    def replace_resources(self, resources: Mapping[str, Any]) -> None:
        """Serve these from now on; a request under way keeps those it began with."""
        self.config = {**self.config, "resources": deepcopy(dict(resources))}

    def get_exception(
        self, status: int, headers: object, format_: object, code: str, description: str
    ) -> NoReturn:
        """Refuse as we do; what one of our providers said is told as it is."""
        cause = sys.exception()
        is_ours = isinstance(cause, GenericError) and cause.user_msg
        raise Refusal(int(status), description if is_ours else said(description, status), code=code)

    async def ask(
        self, request: Request, form: str, function: Function, *names: str, body: bytes = b""
    ) -> tuple[dict[str, str], int, Any]:
        """Return what a function of pygeoapi answers to a request, in a form other than a page.

        The form and the language are those we chose: they are told in the place of its headers.
        """
        asked = await APIRequest.from_starlette(_told(request, form, body), self.locales)
        viewer = viewer_of(request)
        with across(viewer):
            return await run_in_threadpool(function, self.seen_by(viewer), asked, *names)

    def seen_by(self, viewer: Viewer) -> Engine:
        """Return what answers a viewer: to it, a collection that it may not see is not there."""
        resources = self.config["resources"]
        seen = shown_to(viewer, resources)
        if len(seen) == len(resources):
            return self
        narrowed = copy(self)
        narrowed.config = {**self.config, "resources": seen}
        return narrowed

    def collections(self) -> list[dict[str, Any]]:
        """Return the descriptions of all collections, in the language of the moment."""
        scope = {"type": "http", "method": "GET", "path": "/collections", "headers": []}
        asked = APIRequest(_told(Request({**scope, "query_string": b""}), "json"), self.locales)
        answered = pygeoapi.api.describe_collections(self, asked)
        return cast("list[dict[str, Any]]", json.loads(answered[2])["collections"])


def _told(request: Request, form: str, body: bytes = b"") -> Request:
    """Return the request as pygeoapi is to read it, its body being this.

    ``f`` is added only where it has to be: it would come back in the links of JSON.
    """
    given = request.query_params.multi_items()
    query = request.scope["query_string"]
    if request.query_params.get("f", "json") != form:
        query = urlencode([*((n, v) for n, v in given if n != "f"), ("f", form)]).encode()
    headers = [
        (name, value)
        for name, value in request.scope["headers"]
        if name not in (b"accept", b"accept-language")
    ]
    spoken = (b"accept-language", language().encode())

    async def receive() -> Event:
        return {"type": "http.request", "body": body, "more_body": False}

    return Request({**request.scope, "query_string": query, "headers": [*headers, spoken]}, receive)


def bbox_between(
    bbox: list[float], from_crs: str, to_crs: str, always_xy: bool = False
) -> list[float]:
    """Return the box in another CRS; in the same one it is what it was, and pyproj is not asked (10
    ms).
    """
    moved = bbox if from_crs == to_crs else transform_bbox(bbox, from_crs, to_crs, always_xy)
    return list(moved)


_normalized = lru_cache(maxsize=1024)(localedata.normalize_locale)


def said(sentence: str, status: int = 400) -> str:
    """Return a sentence of pygeoapi in the reader's language; one we do not know, by its status."""
    for pattern, message in _SENTENCES:
        if found := pattern.fullmatch(sentence):
            return _(message.text, **found.groupdict())
    return str(BY_STATUS.get(status, BY_STATUS[500]))


#: What pygeoapi 0.24 says when it refuses a request that reaches it, and how we say it.
_SENTENCES = [
    (re.compile(pattern, re.IGNORECASE | re.DOTALL), message)
    for pattern, message in (
        ("invalid format requested", Message("f : cette forme n'est pas servie ici.")),
        ("collection not found", Message("Aucune collection de ce nom.")),
        ("identifier not found|no data found", Message("Rien ne porte cet identifiant.")),
        ("bbox should be .*", Message("bbox : 4 nombres (ouest,sud,est,nord) ou 6 (avec les "
                                      "hauteurs) sont attendus.")),
        ("bbox values must be numbers", Message("bbox : des nombres sont attendus.")),
        ("miny should be less than maxy", Message("bbox : le sud doit être inférieur au nord.")),
        ("minz should be less than maxz", Message("bbox : la hauteur basse doit être inférieure à "
                                                  "la haute.")),
        ("datetime parameter out of range", Message("datetime : hors de la période de la "
                                                    "collection.")),
        ("(?P<name>limit|offset) value should be an integer",
         Message("{name} : un nombre entier est attendu.")),
        ("limit value should be strictly positive",
         Message("limit : un nombre supérieur à 0 est attendu.")),
        (r"limit of (?P<most>\d+) exceeded", Message("limit : {most} au plus est attendu.")),
        ("offset value should be positive or zero", Message("offset : 0 ou plus est attendu.")),
        ("bbox-crs specified .*", Message("bbox-crs : attendu avec bbox, et non vide.")),
        ("bbox-crs (?P<crs>.*) not supported for this collection",
         Message("bbox-crs : « {crs} » n'est pas servi par cette collection.")),
        (r"CRS (?P<crs>.*) not supported for this collection\. "
         r"List of supported CRSs: (?P<known>.*)",
         Message("crs : {crs} n'est pas servi par cette collection ; attendu {known}.")),
        ("bad sortby property", Message("sortby : cette propriété n'est pas de celles de la "
                                        "collection (voir queryables).")),
        ("unknown properties specified", Message("properties : une propriété n'est pas de celles "
                                                 "de la collection.")),
        ("bad CQL (?:text|JSON)", Message("filter : ce filtre ne se lit pas.")),
        ("invalid filter language", Message("filter-lang : cql2-text ou cql2-json est attendu.")),
    )
]  # fmt: skip


# pygeoapi's configuration for a workspace: the file at the root, and the referentials there are.
# Nothing is written on disk, nor in the environment: stock pygeoapi serves the same file by
# itself.


#: In a checkout and in an installed package alike, the configuration stands beside the rooms.
CONFIGURATION = Path(__file__).resolve().parents[1] / "pygeoapi-config.yml"


def configuration(workspace: Path, region: Region, *, url: str) -> dict[str, Any]:
    """Return the configuration of a workspace, and of whose it is, served at an address (without a
    slash at its end).
    """
    filled = {"GEOGUICHET_WORKSPACE": str(workspace.absolute()), "GEOGUICHET_URL": url}
    try:
        text = CONFIGURATION.read_text(encoding="utf-8")
        # A JSON string is a YAML string too, whatever characters the path has.
        text = re.sub(r"\$\{(\w+):-[^}]*\}", lambda found: json.dumps(filled[found[1]]), text)
        config: dict[str, Any] = yaml.safe_load(text)
    except (OSError, yaml.YAMLError) as error:
        raise PortalError(
            _("{file} : configuration illisible ({error}).", file=CONFIGURATION, error=error)
        ) from error
    territory = territory_of(workspace, region)
    _say_who(config["metadata"], region, territory)
    if region.portal.languages:
        config["server"]["languages"] = list(region.portal.languages)
    config["resources"] = overlaid(config["resources"], territory, region.collections)
    config["resources"] = resources(config, workspace, region.visibility, url=url)
    _check_names(region.visibility, config["resources"], workspace / FILE)
    return config


# Refuse to say who sees a collection that is not there: a slip would show it to everyone.
def _check_names(shares: Shares, resources: Mapping[str, Any], file: Path) -> None:
    # a study is shown to whom its own file says
    other = ("processor", studies.STUDY)
    known = [name for name, one in resources.items() if not any(key in one for key in other)]
    known.remove(RECORDS)
    for name in shares.collections:
        if name not in known:
            key, what = f"visibility.collections.{name}", _("aucune collection n'a ce nom")
            remedy = _("l'une de {known}", known=", ".join(known))
            raise UsageError(refusal(str(file), key, what, remedy))


def printed(workspace: Path, *, url: str) -> str:
    """Return the configuration of a workspace as a file that pygeoapi starts with by itself."""
    made = configuration(workspace, read_region(workspace), url=url)
    made["resources"] = shown_to(PUBLIC, made["resources"])  # pygeoapi itself knows nobody
    return str(yaml.safe_dump(made, allow_unicode=True, sort_keys=False))


# Put what the region says in the place of what the file at the root says.
def _say_who(metadata: dict[str, Any], region: Region, territory: Territory) -> None:
    name, contact, about = region.region.name, region.region.contact, metadata["identification"]
    if not territory.is_sample:  # the last of its keywords is the name of the sample
        spoken = about["keywords"].items()
        about["keywords"] = {code: [*words[:-1], territory.name] for code, words in spoken}
    for key in ("title", "description", "keywords"):
        if (told := getattr(region.portal, key)) is not None:
            about[key] = {
                code: text if key != "keywords" else [*text] for code, text in told.items()
            }
    if region.licence is not None:
        about["terms_of_service"] = region.licence.url
        metadata["license"] = dict(vars(region.licence))
    if name is not None:
        metadata["provider"]["name"] = name
    if contact is not None:
        metadata["contact"] = {key: told for key, told in vars(contact).items() if told is not None}


def resources(
    config: Mapping[str, Any], workspace: Path, shares: Shares, *, url: str
) -> dict[str, Any]:
    """Return the resources of a configuration with the referentials and the layers of studies there are
    now, each with its audience. A name that is taken stays what it was.
    """
    fixed = {
        name: one
        for name, one in config["resources"].items()
        if not name.startswith(COLLECTION_PREFIX) and studies.STUDY not in one
    }
    of_studies = studies.collections(workspace)
    added = {name: one for name, one in of_studies.items() if name not in fixed}
    found = {**fixed, **added, **referentials.collections(workspace, url)}
    for name, resource in found.items():
        told = shares.collections.get(name, "public")
        if name not in fixed and studies.STUDY not in resource:
            told = shares.referentials.get(resource["providers"][0]["referential"], told)
        if studies.STUDY not in resource:
            resource[AUDIENCE] = audience(told)
        for provider in resource.get("providers", ()):
            provider.setdefault("options", {})["base_url"] = url
    return found


#: The member of a resource that says who sees it (the keys of `floor.viewer.audience`).
AUDIENCE = "audience"
#: The collection of records, each of which says who sees it.
RECORDS = "catalogue"


def shown_to(viewer: Viewer, resources: Mapping[str, Any]) -> dict[str, Any]:
    """Return those of the resources that a viewer may see."""
    return {name: one for name, one in resources.items() if viewer.sees(one[AUDIENCE])}


def in_language(told: Any, language: str, other: str) -> Any:
    """Return a configuration with each text told in several languages in one of them.

    ``other`` is the language of texts that are not told in the one asked for.
    """
    if isinstance(told, Mapping):
        if other in told and all(isinstance(text, str | list | tuple) for text in told.values()):
            return told.get(language, told[other])
        return {name: in_language(part, language, other) for name, part in told.items()}
    listed = isinstance(told, list)
    return [in_language(part, language, other) for part in told] if listed else told


# Referentials and studies that come, go or grow while the portal serves: their collections are there at the
# next request.


type State = tuple[studies.Dates, studies.Dates]


class Renewal:
    """An application before another: before each request it looks whether a referential or a study
    changed, and if so renews.

    A look is one reading of a folder and one date a referential or a study; a version is put in place
    by a rename in the folder of its name, whose date tells it.
    """

    def __init__(self, app: ASGIApp, workspace: Path, renew: Callable[[], None]) -> None:
        self.app = app
        self.workspace = workspace.absolute()
        self.renew = renew
        self.seen = self._state()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] == "http" and (state := self._state()) != self.seen:
            self.seen = state
            await run_in_threadpool(self.renew)
        await self.app(scope, receive, send)

    def _state(self) -> State:
        of_versions = studies.dates_in(f"{self.workspace}/referentials", "/")  # folders alone
        return of_versions, studies.state_of(self.workspace)
