"""Records created, replaced, changed and deleted over HTTP (OGC API Features Part 4): who may, and
what is checked. Nobody does without an account or a token (`sharing`).
"""

import json
import uuid
from collections.abc import Callable
from functools import partial
from typing import Any
from urllib.parse import quote

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from geoguichet.catalogue.errors import (
    BoundError,
    RecordError,
    RecordNotFoundError,
    StaleRecordError,
)
from geoguichet.catalogue.record import Record
from geoguichet.catalogue.search.contract import Stored
from geoguichet.catalogue.text import instant_keys
from geoguichet.floor.viewer import Viewer
from geoguichet.floor.words import _, language, listed
from geoguichet.portal import answers
from geoguichet.portal.answers import GEOJSON, MERGE_PATCH, Refusal, answer
from geoguichet.portal.api import sharing
from geoguichet.portal.api.served import unserved
from geoguichet.portal.site import Site
from geoguichet.portal.viewing import viewer_of

#: Headers that pages of other sites may send with an edit.
_SENT = (
    "Authorization, Content-Type, If-Match, If-None-Match, If-Modified-Since, If-Unmodified-Since"
)


class Editing:
    """The edits of one collection of records, at an address; a catalogue that is not ``editable``
    refuses them all.
    """

    def __init__(self, site: Site) -> None:
        self.site = site
        self.store = site.store
        self.most = site.region.limits.record_bytes

    def options(self, *methods: str) -> Response:
        """Tell the methods of one record or of the list, these among them where it may be
        edited.
        """
        told = ", ".join(("GET", "HEAD", *(methods if self.site.editable else ()), "OPTIONS"))
        headers = {
            "Allow": told,
            "Access-Control-Allow-Methods": told,
            "Access-Control-Allow-Headers": _SENT,
        }
        return answer(b"", "text/plain", status=204, headers=headers)

    async def create(self, request: Request) -> Response:
        """Store a new record; its identifier is made here if it brings none."""
        viewer = sharing.admitted(request, self.site)
        organisation = answers.parameters(request, "organisation").get("organisation", "")
        document = await answers.body_of(request, most=self.most)
        shown = sharing.shown_first(viewer, sharing.told_visibility(document), organisation)
        if isinstance(document, dict) and not document.get("id"):
            document = {**document, "id": str(uuid.uuid4())}
        elif isinstance(document, dict):
            sharing.check_chosen(viewer, str(document["id"]), shown.owner)
        record = checked_record(unserved(document, b"{}", self.site.url))
        if not await _written(partial(self.store.upsert, record, shown=shown), viewer, b""):
            told = _("La fiche « {record} » existe déjà ; PUT la remplace.", record=record.id)
            raise Refusal(409, told)
        location = f"{self.site.home}/items/{quote(record.id, safe='')}"
        return answer(b"", GEOJSON, status=201, headers={"Location": location})

    async def replace(self, request: Request, identifier: str) -> Response:
        """Put a record in the place of another of the same identifier."""
        self._admit(request)
        document = await answers.body_of(request, most=self.most)
        _check_identifier(document, identifier)
        return await self._put(request, identifier, lambda _: document)

    async def change(self, request: Request, identifier: str) -> Response:
        """Change some members of a record (JSON Merge Patch, RFC 7396: null takes a member
        away).
        """
        self._admit(request)
        kinds = (MERGE_PATCH, "application/json", GEOJSON)
        patch = await answers.body_of(request, kinds, most=self.most)
        return await self._put(request, identifier, lambda now: merged(json.loads(now), patch))

    async def _put(
        self, request: Request, identifier: str, make: Callable[[bytes], Any]
    ) -> Response:
        """Write what is made of the current document in its place.

        Without a precondition whatever is there meanwhile is overwritten: its history keeps it, and
        the answer names that version.
        """
        viewer = viewer_of(request)
        for _try in range(_TRIES):
            asked, now = self._before(request, utf8(identifier))
            document = unserved(make(now.document), now.document, self.site.url)
            _check_identifier(document, identifier)
            record = checked_record(document, now.document)
            shown = sharing.shown_now(viewer, sharing.told_visibility(document), now.shown)
            write = partial(self.store.upsert, record, shown=shown)
            change = await _written(write, viewer, now.document)
            if change and (asked or change == "unchanged"):
                return answer(b"", GEOJSON, status=204)
            if change:
                told = {"Previous-Version": str(now.version), "Previous-ETag": _tag(now.document)}
                return answer(b"", GEOJSON, status=204, headers=told)
            if asked:
                break
        raise stale("If-Match")

    async def delete(self, request: Request, identifier: str) -> Response:
        """Delete a record; its history stays."""
        self._admit(request)
        viewer = viewer_of(request)
        asked, now = self._before(request, utf8(identifier))
        sharing.shown_now(viewer, None, now.shown)
        before = now.document if asked else None
        if not await _written(partial(self._delete, utf8(identifier)), viewer, before):
            raise stale("If-Match")
        return answer(b"", GEOJSON, status=204)

    def _delete(self, identifier: str, **given: Any) -> str:
        self.store.delete(identifier, **given)
        return "deleted"

    def _admit(self, request: Request) -> None:
        sharing.admitted(request, self.site)
        answers.parameters(request)

    def _before(self, request: Request, identifier: str) -> tuple[bool, Stored]:
        """Say whether preconditions (RFC 9110, 13.1) ask for the current state, and return it.

        RecordNotFoundError when there is no such record; 412 when it is another state of it.
        """
        now = self.store.stored(identifier, viewer=viewer_of(request))
        tags, known = request.headers.get("If-Match"), request.headers.get("If-None-Match")
        since = answers.moment(request.headers.get("If-Unmodified-Since", ""))
        state = answers.digest(now.document)
        if tags is not None and not answers.has_tag(tags, state):
            raise stale("If-Match")
        if tags is None and since is not None and now.written_s > since:
            raise stale("If-Unmodified-Since")
        if known is not None and answers.has_tag(known, state):
            raise Refusal(412, _("If-None-Match : la fiche existe déjà dans cet état."))
        return tags is not None or since is not None, now


# Refuse the document of another record than the one of the address.
def _check_identifier(document: Any, identifier: str) -> None:
    if isinstance(document, dict) and document.get("id") != identifier:
        raise Refusal(
            400, _("id : « {record} » est attendu, comme dans l'adresse.", record=identifier)
        )


#: How often a write without a precondition begins anew when others write meanwhile.
_TRIES = 20


# Write in the place of a document, by the store's ``write``; say what was done, nothing when that
# document is no longer the current one.
async def _written(write: Callable[..., str], by: Viewer, instead_of: bytes | None) -> str:
    who = by.person or sharing.NO_PERSON
    try:
        return await run_in_threadpool(partial(write, by=who, instead_of=instead_of))
    except StaleRecordError:
        return ""
    except RecordError as error:
        raise Refusal(413 if isinstance(error, BoundError) else 400, error) from error


# Return the tag that a document was read with, as JSON in the language of the moment.
def _tag(document: bytes) -> str:
    return f'W/"{answers.digest(document)}-json-{language()}"'


def stale(header: str) -> Refusal:
    """Return the refusal of a write in the place of another state than the one there is."""
    told = _("{header} : la fiche a changé depuis ; relisez-la, puis recommencez.", header=header)
    return Refusal(412, told)


def merged(target: Any, patch: Any) -> Any:
    """Return a document changed by a JSON Merge Patch (RFC 7396).

    >>> merged({"a": 1, "b": {"c": 2}}, {"a": None, "b": {"d": 3}})
    {'b': {'c': 2, 'd': 3}}
    """
    if not isinstance(patch, dict):
        return patch
    made = dict(target) if isinstance(target, dict) else {}
    for name, value in patch.items():
        if value is None:
            made.pop(name, None)
        else:
            made[name] = merged(made.get(name), value)
    return made


def checked_record(document: Any, before: bytes = b"") -> Record:
    """Read a record that a client brings; Refusal says what is missing or wrong.

    What was so in the record that it takes the place of (its document, empty for none) may stay so:
    other catalogues give records without a title, and those are mended member by member.
    """
    try:
        record = Record.from_geojson(document)
        known = Record.from_geojson(json.loads(before)) if before else None
        for name in ("created", "updated"):
            told = getattr(record, name)
            if told and not (known and getattr(known, name) == told):
                instant_keys(told)
    except (RecordError, RecursionError) as error:
        raise Refusal(400, error) from error
    missing = [
        name
        for name in ("type", "title")
        if not getattr(record, name) and (known is None or getattr(known, name))
    ]
    if missing:
        raise Refusal(400, _("properties : {names} attendu.", names=listed(missing)))
    return record


def utf8(identifier: str) -> str:
    """Return the identifier of an address; one that no record can have is not found."""
    if any("\ud800" <= character <= "\udfff" for character in identifier):
        raise RecordNotFoundError(_("Aucune fiche de cet identifiant dans le catalogue."))
    return identifier
