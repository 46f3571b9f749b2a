"""The feeds of the directories over HTTP: what changed since a day, for communes' own sites."""

import re
from urllib.parse import quote, urlencode

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from geoguichet.floor.errors import StoreError, UsageError
from geoguichet.floor.words import SOURCE, _, speaking
from geoguichet.portal import answers
from geoguichet.portal.answers import Refusal
from geoguichet.portal.providers.referentials import SeenVersions
from geoguichet.portal.site import Site
from geoguichet.portal.viewing import viewer_of
from geoguichet.referentials.versions.store import collection_id

PARAMETERS = ("since", "departement", "commune", "type", "limit", "offset")
MAXIMUM_LIMIT = 5_000


def route(site: Site) -> Route:
    """Return ``/feeds/NAME.atom``, ``.json`` and ``.csv``."""

    async def answered(request: Request) -> Response:
        given = answers.parameters(request, *PARAMETERS)
        if "f" in request.query_params:
            raise Refusal(
                400, _("f : la forme d'un fil est la fin de son adresse (.atom, .json, .csv).")
            )
        return await run_in_threadpool(_feed, site, request, given)

    return Route("/feeds/{name}.{form}", answered)


# Tell what changed in a directory.
def _feed(site: Site, request: Request, given: dict[str, str]) -> Response:
    from geoguichet.referentials.versions.feeds import (
        FORMATS,
        LIMIT,
        Asked,
        make_feed,
        write_feed,
    )

    name, form = request.path_params["name"], request.path_params["form"]
    if form not in FORMATS:
        raise Refusal(
            404,
            _(
                "Les fils sont en {known}, pas en « {form} ».",
                known=", ".join(FORMATS),
                form=form[:20],
            ),
        )
    offset = _integer(given, "offset", 0, 0, 10_000_000)
    limit = _integer(given, "limit", LIMIT, 1, MAXIMUM_LIMIT)
    seen = site.collections_of(viewer_of(request))
    store = SeenVersions(site.workspace / "referentials", seen)
    departements, communes, types = (
        tuple(filter(None, given.get(key, "").split(",")))
        for key in ("departement", "commune", "type")
    )
    try:
        state = f"{store.find(name).digest} {request.url}".encode("utf-8", "replace")
        headers = answers.tagged(request, answers.digest(state))
        asked = Asked(given.get("since", ""), departements, communes, types, limit, offset)
        found = make_feed(store, name, asked)
    except (UsageError, StoreError) as error:
        raise Refusal(400 if isinstance(error, UsageError) else 404, error) from error
    here = f"{site.url}/feeds/{quote(name)}.{form}"
    further = {**given, "offset": str(offset + limit)} if offset + limit < found.total else None
    body = write_feed(
        found,
        form,
        url=f"{here}?{urlencode(given)}" if given else here,
        next_url=f"{here}?{urlencode(further)}" if further else "",
        home=f"{site.url}/collections/{collection_id(found.name)}",
    )
    with speaking(SOURCE):
        return answers.answer(body, FORMATS[form], headers=headers)


def _integer(given: dict[str, str], name: str, default: int, least: int, most: int) -> int:
    text = given.get(name, str(default))
    if re.fullmatch(r"[0-9]{1,9}", text) and least <= int(text) <= most:
        return int(text)
    raise Refusal(
        400,
        _(
            "{name} : un entier de {least} à {most} est attendu, reçu « {text} ».",
            name=name,
            least=least,
            most=most,
            text=text[:20],
        ),
    )
