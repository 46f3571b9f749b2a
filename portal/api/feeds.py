"""The feeds of the directories over HTTP: what changed since a day, for communes' own sites."""

from __future__ import annotations

from hashlib import blake2b
from pathlib import Path
from urllib.parse import quote, urlencode

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from geoguichet.floor.errors import StoreError, UsageError
from geoguichet.portal.api import answers
from geoguichet.portal.api.answers import Refusal
from geoguichet.portal.api.records import RecordsApi
from geoguichet.referentials.versions.store import collection_id

PARAMETERS = ("since", "departement", "commune", "type", "limit", "offset")
MAXIMUM_LIMIT = 5_000


class Feeds:
    """``/feeds/NAME.atom``, ``.json`` and ``.csv``."""

    def __init__(self, workspace: Path, url: str, records: RecordsApi) -> None:
        self.folder = workspace.absolute() / "referentials"
        self.url = url
        self.records = records

    def routes(self) -> list[BaseRoute]:
        """Return what to put before pygeoapi's own routes."""
        return [Route("/feeds/{name}.{form}", self.records.door(self.feed))]

    async def feed(self, request: Request) -> Response:
        """Tell what changed in a directory."""
        name, form = request.path_params["name"], request.path_params["form"]
        given = answers.parameters(request, *PARAMETERS)
        if "f" in request.query_params:
            raise Refusal(400, ("f : la forme d'un fil est la fin de son adresse (.atom, .json, "
                               ".csv)."),
                          "f: the form of a feed is the end of its address (.atom, .json, "
                          ".csv).")  # fmt: skip
        return await run_in_threadpool(self._feed, request, name, form, given)

    def _feed(self, request: Request, name: str, form: str, given: dict[str, str]) -> Response:
        from geoguichet.referentials.versions.feeds import (
            FORMATS,
            LIMIT,
            Asked,
            make_feed,
            write_feed,
        )
        from geoguichet.referentials.versions.store import ReferentialStore

        if form not in FORMATS:
            raise Refusal(404, f"Les fils sont en {', '.join(FORMATS)}, pas en « {form[:20]} ».",
                          f"Feeds are in {', '.join(FORMATS)}, not in “{form[:20]}”.")  # fmt: skip
        offset = _integer(given, "offset", 0, 0, 10_000_000)
        limit = _integer(given, "limit", LIMIT, 1, MAXIMUM_LIMIT)
        store = ReferentialStore(self.folder)
        try:
            newest = store.find(name)
            tag = blake2b(
                f"{newest.digest} {request.url}".encode("utf-8", "replace"), digest_size=12
            ).hexdigest()
            headers = {"ETag": f'W/"{tag}"', "Cache-Control": "public, max-age=0, must-revalidate"}
            if answers.is_unchanged(request, headers):
                return Response(status_code=304, headers=headers)
            lists = {
                key: tuple(filter(None, given.get(key, "").split(",")))
                for key in ("departement", "commune", "type")
            }
            asked = Asked(
                given.get("since", ""),
                lists["departement"],
                lists["commune"],
                lists["type"],
                limit,
                offset,
            )
            found = make_feed(store, name, asked)
        except UsageError as error:
            raise Refusal(400, str(error)) from error
        except StoreError as error:
            raise Refusal(404, str(error)) from error
        here = f"{self.url}/feeds/{quote(name)}.{form}"
        following = (
            {**given, "offset": str(offset + limit)} if offset + limit < found.total else None
        )
        body = write_feed(
            found,
            form,
            url=f"{here}?{urlencode(given)}" if given else here,
            next_url=f"{here}?{urlencode(following)}" if following else "",
            home=f"{self.url}/collections/{collection_id(found.name)}",
        )
        return answers.answer(body, FORMATS[form], "fr", headers=headers)


def _integer(given: dict[str, str], name: str, default: int, least: int, most: int) -> int:
    text = given.get(name, str(default))
    if (
        not text.isascii()
        or not text.isdecimal()
        or len(text) > 9
        or not least <= int(text) <= most
    ):
        raise Refusal(400, (f"{name} : un entier de {least} à {most} est attendu, reçu « "
                           f"{text[:20]} »."),
                      f"{name}: an integer from {least} to {most} is expected, got "
                      f"“{text[:20]}”.")  # fmt: skip
    return int(text)
