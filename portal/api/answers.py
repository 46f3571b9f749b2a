"""How an answer of ours is made: its language and form, its errors in one sentence, its
validators.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from email.utils import format_datetime
from functools import lru_cache
from hashlib import blake2b
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from geoguichet.catalogue.errors import QueryError

GEOJSON = "application/geo+json"
CATALOG = "application/ogc-catalog+json"
SCHEMA = "application/schema+json"
FACETS = "application/facets+json"
MERGE_PATCH = "application/merge-patch+json"
OPENAPI = "application/vnd.oai.openapi+json;version=3.0"

COMMON_PARAMETERS = ("f", "lang")
"""Parameters that every resource takes: the form of the answer and its language."""

MAXIMUM_BODY = 5_000_000


class Refusal(Exception):  # noqa: N818 (it is an answer, told by its status)
    """A request that is refused: the status of the answer, and why, in both languages.

    ``code`` is OGC's word for it, where it is not that of the status.
    """

    def __init__(
        self,
        status: int,
        french: str,
        english: str = "",
        *,
        headers: Mapping[str, str] | None = None,
        code: str = "",
    ) -> None:
        super().__init__(french)
        self.status = status
        self.english = english or french
        self.headers = headers or {}
        self.code = code or _CODES.get(status, "NotApplicableCode")


_CODES = {400: "InvalidParameterValue", 404: "NotFound", 405: "MethodNotAllowed"}


def language(request: Request) -> str:
    """Return ``fr`` or ``en``, as the ``lang`` parameter asks, else the header; French when neither
    does.
    """
    if asked := request.query_params.get("lang"):
        return "en" if asked.lower().startswith("en") else "fr"
    best, weight = "fr", 0.0
    for part in request.headers.get("Accept-Language", "").split(","):
        tag, _, quality = part.strip().lower().partition(";q=")
        if tag[:2] in ("fr", "en") and _quality(quality) > weight:
            best, weight = tag[:2], _quality(quality)
    return best


def wanted_form(request: Request, known: Collection[str] = ("json", "html")) -> str:
    """Return ``json``, ``html`` or another known form, as ``f`` asks, else the header; JSON when
    neither does.
    """
    if asked := request.query_params.get("f"):
        if asked not in known:
            told = ", ".join(known)
            raise Refusal(400, f"f : « {asked[:40]} » n'est pas servi ; attendu {told}.",
                          f"f: “{asked[:40]}” is not served; expected {told}.")  # fmt: skip
        return asked
    weights = {"json": 0.0, **dict.fromkeys(known, 0.0)}
    for part in request.headers.get("Accept", "").split(","):
        kind, _, rest = part.strip().lower().partition(";")
        form = _FORMS.get(kind)
        if form in weights:
            quality = next(
                (p.strip()[2:] for p in rest.split(";") if p.strip().startswith("q=")), ""
            )
            weights[form] = max(weights[form], _quality(quality))
    return max(weights, key=lambda form: weights[form])


_FORMS = {
    "text/html": "html", "application/xhtml+xml": "html", "application/ld+json": "jsonld",
    "application/json": "json",
    "text/turtle": "dcat-ttl", "application/rdf+xml": "dcat-rdf", "text/csv": "csv",
    "application/vnd.iso.19139+xml": "iso19139",
    GEOJSON: "json", CATALOG: "json", SCHEMA: "json", FACETS: "json",
    "application/vnd.oai.openapi+json": "json",
}  # fmt: skip


def _quality(text: str) -> float:
    try:
        return float(text) if text else 1.0
    except ValueError:
        return 0.0


def parameters(request: Request, *known: str) -> dict[str, str]:
    """Return the parameters of an address, those common to all left out; one unknown or given twice
    is refused.
    """
    given: dict[str, str] = {}
    for name, value in request.query_params.multi_items():
        if name in COMMON_PARAMETERS:
            continue
        if name not in known:
            told = ", ".join((*known, *COMMON_PARAMETERS))
            raise Refusal(400, f"{name[:60]} : paramètre inconnu ; attendu {told}.",
                          f"{name[:60]}: unknown parameter; expected {told}.")  # fmt: skip
        if name in given:
            raise Refusal(
                400,
                f"{name} : ce paramètre est donné deux fois.",
                f"{name}: this parameter is given twice.",
            )
        given[name] = value
    return given


def to_json(document: object) -> bytes:
    """Return a document as compact UTF-8 JSON, every character as it is."""
    return json.dumps(document, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()


def answer(
    body: bytes,
    media_type: str,
    lang: str,
    *,
    status: int = 200,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """Return an answer that other sites' pages may read."""
    made = {"Access-Control-Allow-Origin": "*", "Content-Language": lang, **(headers or {})}
    return Response(body, status_code=status, media_type=media_type, headers=made)


def refused(error: Refusal | QueryError, lang: str) -> Response:
    """Return an error as OGC API tells it (RFC 7807 members beside its own)."""
    status, code = (error.status, error.code) if isinstance(error, Refusal) else (400, _CODES[400])
    told = error.english if lang == "en" else str(error)
    document = {
        "code": code,
        "description": told,
        "status": status,
        "title": _TITLES[lang],
        "detail": told,
    }
    body = json.dumps(
        document
    ).encode()  # ASCII: what is told may repeat a broken character of the request
    headers = error.headers if isinstance(error, Refusal) else None
    return answer(body, "application/json", lang, status=status, headers=headers)


_TITLES = {"fr": "Demande refusée", "en": "Request refused"}


def validators(generation: int, request: Request, form: str, lang: str) -> dict[str, str]:
    """Return the headers by which a client asks again only for what changed.

    The tag is of the state of the store and of what was asked, so it is known before anything is
    searched.
    """
    asked = f"{generation} {request.url.path} {request.url.query} {form} {lang}"
    return _validators(
        blake2b(asked.encode("utf-8", "replace"), digest_size=12).hexdigest(), generation
    )


def record_validators(body: bytes, generation: int, form: str, lang: str) -> dict[str, str]:
    """Return the headers of one record: its tag changes when it does, whatever else is edited."""
    return _validators(f"{record_tag(body)}-{form}-{lang}", generation)


def _validators(tag: str, generation: int) -> dict[str, str]:
    return {"ETag": f'W/"{tag}"', "Last-Modified": _moment(generation // 1000),
            "Cache-Control": "public, max-age=0, must-revalidate"}  # fmt: skip


@lru_cache(maxsize=64)
def _moment(seconds: int) -> str:
    return format_datetime(datetime.fromtimestamp(seconds, UTC), usegmt=True)


def record_tag(body: bytes) -> str:
    """Return what stands for one state of a record in the tags of its forms and languages."""
    return blake2b(body, digest_size=12).hexdigest()


def untagged(tag: str) -> str:
    """Return what a tag of ``If-Match`` says of a record: its state, in whatever form and language
    it was read.
    """
    return tag.strip().removeprefix("W/").strip('"').partition("-")[0]


def is_unchanged(request: Request, headers: Mapping[str, str]) -> bool:
    """Say whether the client already has this answer."""
    known = request.headers.get("If-None-Match", "")
    return known == "*" or headers["ETag"] in (tag.strip() for tag in known.split(","))


async def body_of(request: Request, kinds: Collection[str] = ("application/json", GEOJSON)) -> Any:
    """Return the JSON document that a request brings, of one of some media types."""
    kind = request.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    if kind not in kinds:
        raise Refusal(
            415, f"Content-Type : {GEOJSON} est attendu.", f"Content-Type: {GEOJSON} is expected."
        )
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAXIMUM_BODY:
            raise Refusal(413, f"Au plus {MAXIMUM_BODY} octets sont attendus.",
                          f"At most {MAXIMUM_BODY} bytes are expected.")  # fmt: skip
    try:
        document = json.loads(body.decode(), parse_constant=_no_constant)
        json.dumps(document, ensure_ascii=False).encode()
    except (ValueError, RecursionError) as error:
        raise Refusal(400, "Le corps de la demande n'est pas du JSON en UTF-8.",
                      "The body of the request is not JSON in UTF-8.") from error  # fmt: skip
    return document


def _no_constant(name: str) -> object:
    raise ValueError(name)
