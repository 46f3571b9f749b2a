"""How an answer of ours is made: its form, its validators, its refusals in one sentence.

Its language is the one spoken while the request is answered (`floor.words`, set by `app`).
"""

import json
import math
from collections import OrderedDict
from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime
from functools import lru_cache, partial
from hashlib import blake2b
from threading import Lock
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from geoguichet.floor.viewer import PUBLIC
from geoguichet.floor.words import Message, _, language
from geoguichet.portal.viewing import viewer_of

JSON = "application/json"
GEOJSON = "application/geo+json"
CATALOG = "application/ogc-catalog+json"
SCHEMA = "application/schema+json"
FACETS = "application/facets+json"
MERGE_PATCH = "application/merge-patch+json"
OPENAPI = "application/vnd.oai.openapi+json;version=3.0"
JSON_LD = "application/ld+json"
HTML = "text/html"

#: Parameters that every resource takes: the form of the answer and its language.
COMMON_PARAMETERS = ("f", "lang")

MAXIMUM_BODY = 5_000_000


class Refusal(Exception):  # noqa: N818 (it is an answer, told by its status)
    """A request that is refused: the status of the answer, and why, in the reader's language.

    ``code`` is OGC's word for it, where it is not that of the status; ``kind`` its address of the
    kind of error, where a standard names one.
    """

    def __init__(
        self,
        status: int,
        why: object,
        *,
        headers: Mapping[str, str] | None = None,
        code: str = "",
        kind: str = "",
    ) -> None:
        super().__init__(why)
        self.status = status
        self.headers = headers or {}
        self.code = code or _CODES.get(status, "NotApplicableCode")
        self.kind = kind

    def document(self) -> dict[str, Any]:
        """Return it as OGC API tells an error (RFC 7807 members beside its own)."""
        return {
            **({"type": self.kind} if self.kind else {}),
            "code": self.code,
            "description": str(self),
            "status": self.status,
            "title": _("Demande refusée"),
            "detail": str(self),
        }


_CODES = {400: "InvalidParameterValue", 404: "NotFound", 405: "MethodNotAllowed"}
#: What cannot be done now, and may be soon.
busy = partial(Refusal, 503, headers={"Retry-After": "10"}, code="ServerBusy")

#: What is told of a refusal that says nothing of its own.
BY_STATUS: Mapping[int, Message] = {
    400: Message("Cette demande n'est pas servie."),
    404: Message("Rien à cette adresse."),
    405: Message("Cette méthode n'est pas servie ici."),
    408: Message("La demande n'est pas arrivée entière à temps."),
    500: Message("Le portail n'a pas su répondre."),
    503: Message("Le catalogue ne se lit pas en ce moment."),
}


def wanted_language(request: Request, known: Sequence[str]) -> str:
    """Return the language that the ``lang`` parameter asks for, else the header.

    It is the first of those known when neither asks for one of them.
    """
    query = request.scope.get("query_string", b"")
    # A question is not taken apart for a name that it cannot hold.
    if (b"lang" in query or b"%" in query) and (asked := request.query_params.get("lang")):
        return asked[:2].lower() if asked[:2].lower() in known else known[0]
    return _preferred_language(request.headers.get("Accept-Language", ""), tuple(known))


@lru_cache(maxsize=256)
def _preferred_language(header: str, known: tuple[str, ...]) -> str:
    weights = dict.fromkeys(known, 0.0)
    for tag, quality in _preferences(header):
        if tag[:2] in weights:
            weights[tag[:2]] = max(weights[tag[:2]], quality)
    return max(weights, key=lambda code: weights[code])


def wanted_form(request: Request, known: Collection[str] = ("json", "html")) -> str:
    """Return ``json``, ``html`` or another known form, as ``f`` asks, else the header; JSON when
    neither does.
    """
    if asked := request.query_params.get("f"):
        if asked not in known:
            raise Refusal(
                400,
                _(
                    "f : « {form} » n'est pas servi ; attendu {known}.",
                    form=asked[:40],
                    known=", ".join(known),
                ),
            )
        return asked
    weights = {"json": 0.0, **dict.fromkeys(known, 0.0)}
    for kind, quality in _preferences(request.headers.get("Accept", "")):
        form = _FORMS.get(kind)
        if form in weights:
            weights[form] = max(weights[form], quality)
    return max(weights, key=lambda form: weights[form])


_FORMS = {
    HTML: "html", "application/xhtml+xml": "html", JSON_LD: "jsonld", JSON: "json",
    "text/turtle": "dcat-ttl", "application/rdf+xml": "dcat-rdf", "text/csv": "csv",
    "application/vnd.iso.19139+xml": "iso19139",
    GEOJSON: "json", CATALOG: "json", SCHEMA: "json", FACETS: "json",
    "application/vnd.oai.openapi+json": "json",
}  # fmt: skip


# Return what an ``Accept`` header lists, in lower case, each with its weight.
def _preferences(header: str) -> list[tuple[str, float]]:
    found = []
    for part in header.lower().split(","):
        name, *rest = (piece.strip() for piece in part.split(";"))
        told = next((piece[2:] for piece in rest if piece.startswith("q=")), "1")
        try:
            found.append((name, float(told)))
        except ValueError:
            found.append((name, 0.0))
    return found


def parameters(request: Request, *known: str) -> dict[str, str]:
    """Return the parameters of an address, those common to all left out; one unknown or given twice
    is refused.
    """
    given: dict[str, str] = {}
    for name, value in request.query_params.multi_items():
        if name in COMMON_PARAMETERS:
            continue
        if name not in known:
            raise unknown_parameter(name, (*known, *COMMON_PARAMETERS))
        if name in given:
            raise Refusal(400, _("{name} : ce paramètre est donné deux fois.", name=name))
        given[name] = value
    return given


def choice(given: Mapping[str, str], name: str, values: tuple[str, str]) -> str:
    """Return one of two values of a parameter, the first when it is not given; else a Refusal."""
    value, (one, other) = given.get(name, values[0]), values
    if value not in values:
        raise Refusal(
            400, _("{name} : {one} ou {other} est attendu.", name=name, one=one, other=other)
        )
    return value


def unknown_parameter(name: str, known: Collection[str]) -> Refusal:
    """Return the refusal of a parameter that a resource does not take."""
    return Refusal(
        400,
        _("{name} : paramètre inconnu ; attendu {known}.", name=name[:60], known=", ".join(known)),
    )


def to_json(document: object) -> bytes:
    """Return a document as compact UTF-8 JSON, every character as it is."""
    return json.dumps(document, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()


#: Pages of other sites may read the answer, and the headers by which they edit and go on: `app` says
#: so of every answer.
TO_ANYONE = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Expose-Headers": "ETag, Last-Modified, Link, Location, Allow, "
    "WWW-Authenticate, Previous-Version, Previous-ETag, Accept-Ranges, Content-Range, "
    "Content-Crs, Content-Disposition, OGC-NumberMatched, OGC-NumberReturned, Preference-Applied, Retry-After",
}


def answer(
    body: bytes, media_type: str, *, status: int = 200, headers: Mapping[str, str] | None = None
) -> Response:
    """Return an answer in the language of the moment."""
    made = {"Content-Language": language(), **(headers or {})}
    return Response(body, status_code=status, media_type=media_type, headers=made)


def link(rel: str, href: str, kind: str = "", title: str = "") -> dict[str, str]:
    """Return a link as JSON."""
    made = {"rel": rel, "href": href}
    return made | ({"type": kind} if kind else {}) | ({"title": title} if title else {})


# --- validators: by which a client asks again only for what changed ------------------------------


def validators(request: Request, generation: int, form: str) -> dict[str, str]:
    """Return the headers that tell this state of the answer; a client that has it is told so (304).

    The tag is of the state of the store, of what was asked and of who looks, so it is known before
    anything is searched.
    """
    return state_validators(request, str(generation), generation // 1000, form)


def state_validators(request: Request, state: str, changed: int, form: str) -> dict[str, str]:
    """Return the headers of an answer about what stands in a state, and changed last then
    (seconds).
    """
    looks = viewer_of(request)
    who = "" if looks == PUBLIC else f" {looks.sees_all} {' '.join(sorted(looks.keys))}"
    asked = f"{state} {request.scope['path']} {form} {language()}{who} "
    tag = digest(asked.encode("utf-8", "replace") + request.scope["query_string"])
    # A time tells nothing of who looked then: who is known is known again by a tag alone.
    return _validated(request, tag, changed, by_time=looks == PUBLIC)


def record_validators(request: Request, body: bytes, written_s: int, form: str) -> dict[str, str]:
    """Return the headers of one record: its tag and time change when it does, whatever else is
    edited.
    """
    return _validated(request, f"{digest(body)}-{form}-{language()}", written_s)


def _validated(request: Request, tag: str, changed: int, *, by_time: bool = True) -> dict[str, str]:
    headers = tagged(request, tag) | {"Last-Modified": _moment(changed)}
    told = request.headers.get("If-Modified-Since")
    since = moment(told) if told else None
    fresh = by_time and since is not None and changed <= since
    if fresh and "If-None-Match" not in request.headers:
        raise HTTPException(304, headers=headers)
    return headers


def tagged(request: Request, tag: str) -> dict[str, str]:
    """Return the headers of an answer known by a tag; 304 to a client that already has it.

    Tags are compared weakly: on the way a server may have made one strong, or told its coding.
    """
    kept = "public" if viewer_of(request) == PUBLIC else "private"
    headers = {"ETag": f'W/"{tag}"', "Cache-Control": f"{kept}, max-age=0, must-revalidate"}
    known = [_bare(one) for one in request.headers.get("If-None-Match", "").split(",")]
    if "*" in known or tag in known:
        raise HTTPException(304, headers=headers)
    return headers


# Return a tag without what a server on the way does to it: W/, and Apache's coding at its end.
def _bare(tag: str) -> str:
    bare = tag.strip().removeprefix("W/").strip('"')
    return bare.removesuffix("-gzip").removesuffix(";gzip")


def moment(text: str) -> int | None:
    """Return the seconds since 1970 of an HTTP date; None for what is none, which asks nothing."""
    try:
        return int(parsedate_to_datetime(text).timestamp())
    except (ValueError, OverflowError):
        return None


def now() -> str:
    """Return this moment (RFC 3339)."""
    return datetime.now(UTC).isoformat().replace("+00:00", "Z")


@lru_cache(maxsize=64)
def _moment(seconds: int) -> str:
    return format_datetime(datetime.fromtimestamp(seconds, UTC), usegmt=True)


def digest(body: bytes) -> str:
    """Return what stands for one state of a document in the tags of its forms and languages."""
    return blake2b(body, digest_size=12).hexdigest()


class Recent[Made]:
    """The last answers that were made, by what was asked of what state (a digest): so many at most, of
    so many bytes together. Threads share it.
    """

    def __init__(self, most: int, most_bytes: float = math.inf) -> None:
        self.most, self.most_bytes = most, most_bytes
        self._held = 0
        self._lock = Lock()
        self._made: OrderedDict[str, tuple[Made, int]] = OrderedDict()

    def get(self, key: str) -> Made | None:
        """Return one, which is the last to go from now on; None where it is not kept."""
        with self._lock:
            if (known := self._made.get(key)) is None:
                return None
            self._made.move_to_end(key)
        return known[0]

    def keep(self, key: str, made: Made, size: int = 0) -> None:
        """Keep one of so many bytes, in the place of those that were asked for least lately."""
        with self._lock:
            _before, held = self._made.pop(key, (None, 0))
            self._made[key] = made, size
            self._held += size - held
            while len(self._made) > self.most or self._held > self.most_bytes:
                self._held -= self._made.popitem(last=False)[1][1]


def has_tag(told: str, state: str) -> bool:
    """Say whether the tags of a header name a state of a record, in whatever form and language it
    was read; ``*`` names any.
    """
    return not {"*", state}.isdisjoint(_bare(tag).partition("-")[0] for tag in told.split(","))


# --- bodies --------------------------------------------------------------------------------------


async def bytes_of(request: Request, kinds: Sequence[str], *, most: int) -> bytes:
    """Return what a request brings, of one of some media types (the last is the one to say) and of
    so many bytes at most.
    """
    kind = request.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    if kind not in kinds:
        raise Refusal(415, _("Content-Type : {kind} est attendu.", kind=kinds[-1]))
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > most:
            raise Refusal(413, _("Au plus {most} octets sont attendus.", most=most))
    return body


async def body_of(
    request: Request, kinds: Sequence[str] = (JSON, GEOJSON), *, most: int = MAXIMUM_BODY
) -> Any:
    """Return the JSON document that a request brings, of one of some media types and of so many
    bytes at most.
    """
    body = await bytes_of(request, kinds, most=most)
    try:
        document = json.loads(body.decode(), parse_constant=_no_constant)
        json.dumps(document, ensure_ascii=False).encode()
    except (ValueError, RecursionError) as error:
        raise Refusal(400, _("Le corps de la demande n'est pas du JSON en UTF-8.")) from error
    return document


def _no_constant(name: str) -> object:
    raise ValueError(name)
