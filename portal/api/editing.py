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
from geoguichet.portal.site import Site

RECORD_PROFILE = "http://www.opengis.net/def/profile/OGC/0/ogc-record"

#: Headers by which a proxy betrays that the request is not from this machine.
_FORWARDING = ("Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Real-IP", "Via")


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
            "Access-Control-Allow-Headers": "Authorization, Content-Type, If-Match, If-None-Match",
        }
        return answer(b"", "text/plain", status=204, headers=headers)

    async def create(self, request: Request) -> Response:
        """Store a new record; its identifier is made here if it brings none."""
        self._admit(request)
        document = await answers.body_of(request, most=self.most)
        if isinstance(document, dict) and not document.get("id"):
            document = {**document, "id": str(uuid.uuid4())}
        record = checked_record(self._as_stored(document))
        if await run_in_threadpool(self._exists, record.id):
            raise Refusal(
                409, _("La fiche « {record} » existe déjà ; PUT la remplace.", record=record.id)
            )
        await run_in_threadpool(lambda: self.store.upsert(record, by="api"))
        location = f"{self.site.home}/items/{quote(record.id, safe='')}"
        return answer(b"", GEOJSON, status=201, headers={"Location": location})

    async def replace(self, request: Request, identifier: str) -> Response:
        """Put a record in the place of another of the same identifier."""
        self._admit(request)
        document = await answers.body_of(request, most=self.most)
        record = self._of(identifier, checked_record(self._as_stored(document)))
        before = self._before(request, identifier)
        await self._write(lambda: self.store.upsert(record, by="api", instead_of=before))
        return answer(b"", GEOJSON, status=204)

    async def change(self, request: Request, identifier: str) -> Response:
        """Change some members of a record (JSON Merge Patch, RFC 7396: null takes a member
        away).
        """
        self._admit(request)
        kinds = (MERGE_PATCH, "application/json", GEOJSON)
        patch = await answers.body_of(request, kinds, most=self.most)
        before = self._before(request, identifier)
        current = self.store.document(identifier) if before is None else before
        document = self._as_stored(merged(json.loads(current), patch))
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
        """Return the document that ``If-Match`` asks to be current; None when it asks nothing.

        RecordNotFoundError when there is no such record; 412 when it is another state of it.
        """
        current = self.store.document(identifier)
        if "If-Match" not in request.headers:
            return None
        asked = [answers.untagged(tag) for tag in request.headers["If-Match"].split(",")]
        if "*" not in asked and answers.digest(current) not in asked:
            raise _stale()
        return current

    def _as_stored(self, document: Any) -> Any:
        """Return a record that is brought without what was added to it when it was served: the
        links of the API, and the address of the portal before those of its files.
        """
        if not (isinstance(document, dict) and isinstance(document.get("links"), list)):
            return document
        item = f"{self.site.home}/items/{quote(str(document.get('id', '')), safe='')}?"
        kept = []
        for link in document["links"]:
            href = str(link.get("href", "")) if isinstance(link, dict) else ""
            rel = link.get("rel") if isinstance(link, dict) else ""
            if (rel in ("self", "alternate") and href.startswith(item)) or (
                (rel, href) in (("collection", self.site.home), ("profile", RECORD_PROFILE))
            ):
                continue
            if href.startswith(f"{self.site.url}/"):
                link = {**link, "href": href.removeprefix(f"{self.site.url}/")}
            kept.append(link)
        return {**document, "links": kept}

    async def _write(self, write: Callable[[], object]) -> None:
        try:
            await run_in_threadpool(write)
        except StaleRecordError as error:
            raise _stale() from error

    def _exists(self, identifier: str) -> bool:
        try:
            self.store.document(identifier)
        except RecordNotFoundError:
            return False
        return True

    def _of(self, identifier: str, record: Record) -> Record:
        if record.id != identifier:
            raise Refusal(
                400, _("id : « {record} » est attendu, comme dans l'adresse.", record=identifier)
            )
        return record


def _stale() -> Refusal:
    return Refusal(412, _("If-Match : la fiche a changé depuis ; relisez-la, puis recommencez."))


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
    if "/" in record.id:
        raise Refusal(400, _("properties : un id sans « / » attendu."))
    return record


def utf8(identifier: str) -> str:
    """Return the identifier of an address; one that no record can have is not found."""
    if any("\ud800" <= character <= "\udfff" for character in identifier):
        raise RecordNotFoundError(_("Aucune fiche de cet identifiant dans le catalogue."))
    return identifier
