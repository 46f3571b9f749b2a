"""``/connexion/ailleurs``: sign-in by OpenID Connect (ProConnect, Keycloak), declared in
``[sign_in]`` of ``region.toml``.

The authorization code, with PKCE, state and nonce, all three of one secret that the browser keeps in
a cookie of its own. Who comes back is matched to an account by the subject that it was bound to, else
by a verified address. An account is opened by an invitation alone: of that address, or one whose link
was opened on the way.
"""

import base64
import hmac
import os
import sqlite3
import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlencode

from authlib.oauth2.rfc6749.parameters import prepare_grant_uri
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from geoguichet.floor.http import Client, HttpError
from geoguichet.floor.words import _
from geoguichet.portal.answers import Refusal
from geoguichet.portal.people import accounts, forms, links, slowing
from geoguichet.portal.people.accounts import Person
from geoguichet.portal.people.presence import cookie_name, slow_down
from geoguichet.portal.people.signing_in import SigningIn
from geoguichet.portal.people.store import SECURITY_LOG, PeopleError, note, secret

#: What signs tokens: public keys alone, so that no key of ours can be taken for one.
_ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "EdDSA"]
_COOKIE = "-elsewhere"
_KEPT_S = 3600
_CLIENT = Client(timeout_s=10, total_s=20, largest=1_000_000, tries=1)
#: What a provider that is away, or says what it should not, makes of a sign-in.
_WRONG = (HttpError, JoseError, LookupError, PeopleError, TypeError, ValueError)


class SingleSignOn:
    """The way to where people of the region sign in already, and back."""

    def __init__(self, door: SigningIn) -> None:
        self.door, self.site, self.people = door, door.site, door.people
        declared = self.site.region.sign_in
        self.issuer, self.client = declared.issuer or "", declared.client_id or ""
        self._secret = os.environ.get("GEOGUICHET_OIDC_SECRET", "").strip()
        self._found: tuple[float, dict[str, Any], KeySet] | None = None

    def routes(self) -> list[Route]:
        """Return their addresses."""
        return [
            Route("/connexion/ailleurs", self.leave),
            Route("/acces/{key}/ailleurs", self.leave),
            Route("/connexion/retour", self.come_back),
        ]

    async def leave(self, request: Request) -> Response:
        """Send to the provider; the browser keeps by what it is known when it comes back."""
        self.door.there()
        held = secret()
        try:
            provider, _keys = await run_in_threadpool(self._provider)
        except _WRONG as error:
            return await self._failed(request, error)
        address = prepare_grant_uri(
            provider["authorization_endpoint"],
            self.client,
            "code",
            redirect_uri=self._back,
            scope="openid email profile",
            state=_of(held, "state"),
            nonce=_of(held, "nonce"),
            code_challenge=create_s256_code_challenge(_of(held, "verifier")),
            code_challenge_method="S256",
        )
        answer = Response(
            status_code=303, headers={**forms.private(self.site), "Location": address}
        )
        key = quote(
            request.path_params.get("key", ""), safe=""
        )  # as it is, where it is one of ours
        forms.keep(answer, self.site, f"{held}.{key}", of=_COOKIE)
        return answer

    async def come_back(self, request: Request) -> Response:
        """Open the session of who the provider says it is, if it has an account."""
        self.door.there()
        kept = request.cookies.get(cookie_name(self.site, _COOKIE), "")
        held, _dot, key = kept.partition(".")
        given = request.query_params
        state = given.get("state", "").encode("utf-8", "replace")
        is_ours = held and hmac.compare_digest(_of(held, "state").encode(), state)
        if not is_ours or "code" not in given or given.get("iss", self.issuer) != self.issuer:
            return await self._failed(request, PeopleError("state"))
        try:
            person = await run_in_threadpool(self._known, request, held, key)
        except (Refusal, *_WRONG) as error:
            return await self._failed(request, error)
        answer = await self.door.opened(request, person)
        forms.keep(answer, self.site, "", of=_COOKIE)
        return answer

    def _known(self, request: Request, held: str, key: str) -> Person:
        tried = ("address", slowing.address_of(request))
        with self.people.write() as base:
            wait_s = slowing.wait_s(base, tried)
        if wait_s:
            raise slow_down(wait_s)
        claims = self._claims(held, request.query_params["code"])
        with self.people.write() as base:
            person = _matched(base, self.issuer, claims, key)
            if person is None or person.state != "active":
                raise _NoAccountError
            slowing.forgive(base, tried)
        return person

    # --- what the provider says ------------------------------------------------------------------

    @property
    def _back(self) -> str:
        return f"{self.site.url}/connexion/retour"

    def _provider(self) -> tuple[dict[str, Any], KeySet]:
        """Return what the provider declares of itself, and its keys, kept for an hour."""
        if self._found is None or self._found[0] < time.monotonic():
            well_known = f"{self.issuer.rstrip('/')}/.well-known/openid-configuration"
            told = _CLIENT.get(well_known).json()
            if told["issuer"] != self.issuer:
                raise ValueError("issuer")
            keys = KeySet.import_key_set(_CLIENT.get(told["jwks_uri"]).json())
            self._found = (time.monotonic() + _KEPT_S, told, keys)
        return self._found[1], self._found[2]

    def _claims(self, held: str, code: str) -> Mapping[str, Any]:
        """Return what is said, and signed, of who came back; what the token lacks is asked for."""
        provider, keys = self._provider()
        asked = {
            "grant_type": "authorization_code", "code": code, "redirect_uri": self._back,
            "code_verifier": _of(held, "verifier"),
        }  # fmt: skip
        client = _CLIENT
        if self._secret:
            pair = f"{quote(self.client, safe='')}:{quote(self._secret, safe='')}"
            told = base64.b64encode(pair.encode()).decode()
            client = Client(authorization=f"Basic {told}", timeout_s=10, total_s=20, tries=1)
        else:
            asked["client_id"] = self.client
        kind = "application/x-www-form-urlencoded"
        body = urlencode(asked).encode()
        given = client.post(provider["token_endpoint"], body, content_type=kind).json()
        token = jwt.decode(given["id_token"], keys, algorithms=_ALGORITHMS)
        claims = CodeIDToken(
            token.claims,
            token.header,
            {"iss": {"essential": True, "value": self.issuer}, "aud": {"value": self.client}},
            {"nonce": _of(held, "nonce"), "client_id": self.client},
        )
        claims.validate(leeway=60)
        if "email" in claims or "userinfo_endpoint" not in provider:
            return dict(claims)
        bearer = Client(authorization=f"Bearer {given['access_token']}", timeout_s=10, tries=1)
        answer = bearer.get(provider["userinfo_endpoint"])
        signed = answer.media_type == "application/jwt"
        more = (
            jwt.decode(answer.body, keys, algorithms=_ALGORITHMS).claims
            if signed
            else answer.json()
        )
        if more["sub"] != claims["sub"]:
            raise ValueError("sub")
        return {**more, **claims}

    # --- what is answered ------------------------------------------------------------------------

    async def _failed(self, request: Request, error: Exception) -> Response:
        SECURITY_LOG.warning(
            "single sign-on refused: address=%s reason=%s",
            slowing.address_of(request), type(error).__name__,
        )  # fmt: skip
        if isinstance(error, Refusal):
            told, status, headers = str(error), error.status, error.headers
        else:
            name, status, headers = self.site.region.sign_in.name, 403, {}
            told = (
                _("Aucun compte n'est ouvert pour cette identité : demandez une invitation.")
                if isinstance(error, _NoAccountError)
                else _("La connexion avec {name} n'a pas abouti : recommencez.", name=name)
            )
        answer = await self.door.form(request, {"refused": told}, status=status, headers=headers)
        forms.keep(answer, self.site, "", of=_COOKIE)
        return answer


class _NoAccountError(PeopleError):
    pass


# Return the account of who a provider says it is: the one that its subject is bound to, or that is
# bound to it now: of its verified address, or of an invitation.
def _matched(
    base: sqlite3.Connection, issuer: str, claims: Mapping[str, Any], key: str
) -> Person | None:
    subject = str(claims["sub"])
    row = base.execute(
        "SELECT person FROM subject WHERE (issuer, subject) = (?, ?)", (issuer, subject)
    ).fetchone()
    if row:
        return accounts.find(base, row["person"])
    email = str(claims.get("email", "")) if claims.get("email_verified") is True else ""
    person = accounts.of_email(base, email) if email else None
    if person is not None:
        # Whoever opened the account may not have been who the address is of: now it is known.
        accounts.disarm(base, person)
    else:
        invitations = links.for_email(base, email) if email else []
        opened = links.find(base, key) if key else None
        person = _entered(base, [*([opened] if opened else ()), *invitations], claims)
    if person is not None and person.state == "active":
        base.execute("INSERT INTO subject VALUES (?, ?, ?)", (issuer, subject, person.number))
        note(base, person.pseudonym, "subject")
    return person


# Open the account that an invitation is for, without a password; what else its address is invited to
# waits for who is signed in.
def _entered(
    base: sqlite3.Connection, waiting: list[links.Link], claims: Mapping[str, Any]
) -> Person | None:
    for link in waiting:
        if link.person is None and accounts.of_email(base, link.email) is None:
            name = " ".join(str(claims.get("name") or link.email).split())[:200]
            return links.enter(base, link, name, "")
    return None


def _of(held: str, what: str) -> str:
    return hmac.new(held.encode(), what.encode(), "sha256").hexdigest()
