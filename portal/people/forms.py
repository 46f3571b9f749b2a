"""Forms of the pages of people: read within limits, and from a page of ours alone.

Each form carries a token made of the secret of a cookie: that of the session, or one of its own for
who is not signed in. A page of another site can neither read it nor set it.
"""

import hmac
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl, quote, urlsplit

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from geoguichet.floor.words import SOURCE, _, language
from geoguichet.portal import answers
from geoguichet.portal.answers import HTML, JSON, Refusal
from geoguichet.portal.people.presence import cookie_name, is_from_here, other_site
from geoguichet.portal.people.store import secret
from geoguichet.portal.site import Site

_MOST = 20_000
#: What an address may hold as it is; the rest is escaped.
_TOLD = "%/:?#[]@!$&'()*+,;=~"
_FORM = "application/x-www-form-urlencoded"


def private(site: Site) -> dict[str, str]:
    """Return the headers of what is of one person: kept nowhere, told to no other site."""
    here = urlsplit(site.url)
    return {
        "Cache-Control": "private, no-store",
        "Referrer-Policy": "no-referrer",
        "Access-Control-Allow-Origin": f"{here.scheme}://{here.netloc}",
    }


async def read(request: Request, site: Site) -> dict[str, str]:
    """Return the fields of a form that a page of ours sent; Refusal for any other."""
    body = await answers.bytes_of(request, (_FORM,), most=_MOST)
    try:
        pairs = parse_qsl(
            body.decode("ascii"), keep_blank_values=True, max_num_fields=20, errors="strict"
        )
    except ValueError as error:
        raise Refusal(400, _("Ce formulaire ne se lit pas.")) from error
    fields = dict(pairs)
    told = "sec-fetch-site" in request.headers or "origin" in request.headers
    held = _secret(request, site)
    given = fields.pop("form", "")
    known = _token(held, given.partition(".")[0] or "-")
    is_ours = held and hmac.compare_digest(known.encode(), given.encode())
    if (
        len(fields) + 1 != len(pairs)
        or not is_ours
        or (told and not is_from_here(request, site.url))
    ):
        raise other_site()
    return fields


async def page(
    request: Request, site: Site, template: str, document: Mapping[str, Any], *,
    choices: Mapping[str, Any] | None = None, status: int = 200,
    headers: Mapping[str, str] | None = None,
) -> Response:  # fmt: skip
    """Return a page of people, or its JSON: what it shows, without the choices of its forms."""
    form = answers.wanted_form(request)
    sent = {**private(site), "Content-Language": language(), **(headers or {})}
    if form == "json":
        return Response(answers.to_json(document), status, sent, JSON)
    held = _secret(request, site)
    made = "" if held else secret()
    links = [answers.link("self", f"{site.url}{request.url.path}?f=html", HTML)]
    data = {"links": links, **(choices or {}), **document, "form": _token(held or made)}
    body = await run_in_threadpool(site.render, template, data)
    shown = Response(body, status, sent, HTML)
    if made:
        keep(shown, site, made, of="-form")
    return shown


def keep(response: Response, site: Site, value: str, *, of: str = "") -> None:
    """Have the browser keep a secret, of which no script is told; empty, forget it."""
    secure = site.url.startswith("https:")
    response.set_cookie(
        cookie_name(site, of),
        value,
        max_age=None if value else 0,
        path="/",
        secure=secure,
        httponly=True,
        samesite="lax",
    )


def onward(site: Site, path: str) -> Response:
    """Return the answer to a form that was done: another page, in the language of this one."""
    other = f"{'&' if '?' in path else '?'}lang={language()}" if language() != SOURCE else ""
    told = quote(f"{path}{other}", safe=_TOLD)
    headers = {**private(site), "Location": f"{urlsplit(site.url).path}{told}"}
    return Response(status_code=303, headers=headers)


def within(path: str) -> str:
    """Return where to go on: an address of this portal as it is, any other as ``/compte``."""
    is_ours = path.startswith("/") and not path.startswith(("//", "/\\")) and path.isprintable()
    return path if is_ours and len(path) < 2000 and "\\" not in path else "/compte"


def _secret(request: Request, site: Site) -> str:
    names = (cookie_name(site), cookie_name(site, "-form"))
    return next((request.cookies[name] for name in names if request.cookies.get(name)), "")


# Return the token of a form, another each time: what is compressed with what was typed must not be
# guessed letter by letter (BREACH).
def _token(held: str, salt: str = "") -> str:
    salt = salt or secret()
    return f"{salt}.{hmac.new(held.encode(), salt.encode(), 'sha256').hexdigest()}"
