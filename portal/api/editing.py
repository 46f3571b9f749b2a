"""Records created, replaced, changed and deleted over HTTP (OGC API Features Part 4): who may, and
what is checked.

With a token, who bears it may; without, who sits at this machine: a request from a loopback address
that came through no proxy and from no page of another site.
"""

import hmac
import ipaddress
import json
import uuid
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from geoguichet.catalogue.errors import RecordError, RecordNotFoundError, StaleRecordError
from geoguichet.catalogue.record import Record, instant_keys
from geoguichet.floor.words import _, listed
from geoguichet.portal import answers
from geoguichet.portal.answers import GEOJSON, MERGE_PATCH, Refusal, answer
from geoguichet.portal.api.served import unserved
from geoguichet.portal.site import Site

#: Headers by which a proxy betrays that the request is not from this machine.
_FORWARDING = ("Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Real-IP", "Via")

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
        self._admit(request)
        document = await answers.body_of(request, most=self.most)
        if isinstance(document, dict) and not document.get("id"):
            document = {**document, "id": str(uuid.uuid4())}
        record = checked_record(unserved(document, b"{}", self.site.url))
        try:
            await run_in_threadpool(lambda: self.store.upsert(record, by="api", instead_of=b""))
        except StaleRecordError as error:
            raise Refusal(
                409, _("La fiche « {record} » existe déjà ; PUT la remplace.", record=record.id)
            ) from error
        location = f"{self.site.home}/items/{quote(record.id, safe='')}"
        return answer(b"", GEOJSON, status=201, headers={"Location": location})

    async def replace(self, request: Request, identifier: str) -> Response:
        """Put a record in the place of another of the same identifier."""
        self._admit(request)
        document = await answers.body_of(request, most=self.most)
        self._of(identifier, checked_record(document))
        before = self._before(request, utf8(identifier))
        current = self.store.document(identifier) if before is None else before
        record = checked_record(unserved(document, current, self.site.url))
        await self._write(lambda: self.store.upsert(record, by="api", instead_of=before))
        return answer(b"", GEOJSON, status=204)

    async def change(self, request: Request, identifier: str) -> Response:
        """Change some members of a record (JSON Merge Patch, RFC 7396: null takes a member
        away).
        """
        self._admit(request)
        kinds = (MERGE_PATCH, "application/json", GEOJSON)
        patch = await answers.body_of(request, kinds, most=self.most)
        before = self._before(request, utf8(identifier))
        current = self.store.document(identifier) if before is None else before
        document = unserved(merged(json.loads(current), patch), current, self.site.url)
        record = self._of(identifier, checked_record(document))
        await self._write(lambda: self.store.upsert(record, by="api", instead_of=current))
        return answer(b"", GEOJSON, status=204)

    async def delete(self, request: Request, identifier: str) -> Response:
        """Delete a record; its history stays."""
        self._admit(request)
        before = self._before(request, utf8(identifier))
        await self._write(lambda: self.store.delete(utf8(identifier), by="api", instead_of=before))
        return answer(b"", GEOJSON, status=204)

    # --- who, and on what ------------------------------------------------------------------------

    def _admit(self, request: Request) -> None:
        answers.parameters(request)
        if not self.site.editable:
            raise Refusal(405, _("Ce catalogue est en lecture seule."))
        if self.site.token:
            kind, _space, given = request.headers.get("Authorization", "").partition(" ")
            if kind.lower() != "bearer" or not hmac.compare_digest(
                given.strip().encode(), self.site.token.encode()
            ):
                told = _(
                    "Modifier une fiche demande « Authorization: Bearer » et le jeton du catalogue."
                )
                raise Refusal(401, told, headers={"WWW-Authenticate": "Bearer"})
        elif not _is_here(request, self.site.url):
            told = _("Sans jeton (GEOGUICHET_TOKEN), seule cette machine peut modifier des fiches.")
            raise Refusal(403, told)

    def _before(self, request: Request, identifier: str) -> bytes | None:
        """Return the document that the preconditions ask to be current (RFC 9110, 13.1); None when
        they ask nothing.

        RecordNotFoundError when there is no such record; 412 when it is another state of it.
        ``If-Unmodified-Since`` is of what ``Last-Modified`` says: the last change of any record.
        """
        generation, current = self.store.generation(), self.store.document(identifier)
        tags, known = request.headers.get("If-Match"), request.headers.get("If-None-Match")
        since = answers.moment(request.headers.get("If-Unmodified-Since", ""))
        state = answers.digest(current)
        if tags is not None and not answers.has_tag(tags, state):
            raise _stale("If-Match")
        if tags is None and since is not None and generation // 1000 > since:
            raise _stale("If-Unmodified-Since")
        if known is not None and answers.has_tag(known, state):
            raise Refusal(412, _("If-None-Match : la fiche existe déjà dans cet état."))
        return None if tags is None and since is None else current

    async def _write(self, write: Callable[[], object]) -> None:
        try:
            await run_in_threadpool(write)
        except StaleRecordError as error:
            raise _stale("If-Match") from error

    def _of(self, identifier: str, record: Record) -> Record:
        if record.id != identifier:
            raise Refusal(
                400, _("id : « {record} » est attendu, comme dans l'adresse.", record=identifier)
            )
        return record


def _stale(header: str) -> Refusal:
    told = _("{header} : la fiche a changé depuis ; relisez-la, puis recommencez.", header=header)
    return Refusal(412, told)


# Say whether a request comes from a program of this machine, or from a page of ours.
def _is_here(request: Request, url: str) -> bool:
    if (
        any(name in request.headers for name in _FORWARDING)
        or request.headers.get("Origin", url) != url
    ):
        return False
    try:
        return request.client is not None and ipaddress.ip_address(request.client.host).is_loopback
    except ValueError:
        return False


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


def checked_record(document: Any) -> Record:
    """Read a record that a client brings; Refusal says what is missing or wrong."""
    try:
        record = Record.from_geojson(document)
        for name in ("created", "updated"):
            if told := getattr(record, name):
                instant_keys(told)
    except (RecordError, RecursionError) as error:
        raise Refusal(400, error) from error
    missing = [name for name in ("type", "title") if not getattr(record, name)]
    if missing:
        raise Refusal(400, _("properties : {names} attendu.", names=listed(missing)))
    return record


def utf8(identifier: str) -> str:
    """Return the identifier of an address; one that no record can have is not found."""
    if any("\ud800" <= character <= "\udfff" for character in identifier):
        raise RecordNotFoundError(_("Aucune fiche de cet identifiant dans le catalogue."))
    return identifier
