"""``/compte``: who one is, which roles one has, one's tokens and sessions, one's password."""

from collections.abc import Callable, Mapping
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from geoguichet.floor.words import _
from geoguichet.portal.answers import Refusal
from geoguichet.portal.people import (
    accounts,
    forms,
    journal,
    links,
    sessions,
    signing_in,
    slowing,
    tokens,
)
from geoguichet.portal.people.accounts import Person
from geoguichet.portal.people.presence import Presence, presence_of
from geoguichet.portal.people.signing_in import SigningIn
from geoguichet.portal.people.store import PeopleError

#: What the page says once something was done.
type Told = Mapping[str, str]


class Account:
    """The page of who is signed in; what it does is asked by a session, never by a token."""

    def __init__(self, door: SigningIn) -> None:
        self.door, self.site, self.people = door, door.site, door.people
        self._actions: dict[str, Callable[[Request, Presence, Mapping[str, str]], Told]] = {
            "token": self._token,
            "revoke": self._revoke,
            "close": self._close,
            "password": self._password,
        }

    def routes(self) -> list[Route]:
        """Return its address."""
        return [Route("/compte", self.show, methods=["GET", "POST"])]

    async def show(self, request: Request) -> Response:
        """Show the account, or change something of it."""
        there = presence_of(request)
        if there.person is None:
            return self.door.first(request)
        if request.method != "POST":
            return await self._page(request, there.person, {})
        if not there.session:
            raise by_session_only()
        fields = await forms.read(request, self.site)
        action = self._actions.get(fields.get("action", ""))
        if action is None:
            raise Refusal(400, _("Ce formulaire ne se lit pas."))
        try:
            told = await self.door.costly(action, request, there, fields)
        except PeopleError as refused:
            return await self._page(request, there.person, {"refused": str(refused)}, status=400)
        if fields["action"] == "password":
            return await self.door.opened(request, there.person)
        return await self._page(request, there.person, told)

    async def _page(
        self, request: Request, person: Person, told: Told, *, status: int = 200
    ) -> Response:
        document = await run_in_threadpool(self._document, person, presence_of(request).session)
        choices = {"scopes": tokens.SCOPES, "days": tokens.DAYS, "did": journal.DID}
        return await forms.page(
            request, self.site, "account.html", {**document, **told}, choices=choices, status=status
        )

    def _document(self, person: Person, here: int) -> dict[str, Any]:
        with self.people.read() as base:
            organisations = accounts.organisations(base)
            held, opened = tokens.of_person(base, person), sessions.of_person(base, person, here)
            lines = journal.of_person(base, person)
        return {
            "person": person.pseudonym,
            "name": person.name,
            "email": person.email,
            "hasPassword": bool(person.password),
            "roles": [
                {"siren": siren, "role": role, "told": said(role, organisations[siren].name)}
                for siren, role in sorted(person.roles)
            ],
            "tokens": held,
            "journal": lines,
            "sessions": opened,
        }

    # --- what is done ----------------------------------------------------------------------------

    def _token(self, _request: Request, there: Presence, fields: Mapping[str, str]) -> Told:
        days = fields.get("days", "")
        lasts = int(days) if days.isdecimal() and len(days) < 5 else 0
        with self.people.write() as base:
            made = tokens.make(
                base, _person(there), fields.get("name", ""), fields.get("scope", ""), lasts
            )
        return {"secret": made}

    def _revoke(self, _request: Request, there: Presence, fields: Mapping[str, str]) -> Told:
        with self.people.write() as base:
            tokens.revoke(base, _person(there), number(fields))
        return {"done": _("Jeton révoqué.")}

    def _close(self, _request: Request, there: Presence, fields: Mapping[str, str]) -> Told:
        with self.people.write() as base:
            if fields.get("number"):
                sessions.close_number(base, _person(there), number(fields))
            else:
                sessions.close_all(base, _person(there), but=there.session)
        return {"done": _("Session fermée.")}

    def _password(self, request: Request, there: Presence, fields: Mapping[str, str]) -> Told:
        person, address = _person(there), slowing.address_of(request)
        signing_in.proved(self.people, person.email, fields.get("current", ""), address)
        hashed = links.checked(fields.get("password", ""), person.email, person.name)
        with self.people.write() as base:
            links.renew(base, person, hashed)
            sessions.close_all(base, person)
        return {}


def said(role: str, organisation: str) -> str:
    """Return a role in words, with its organisation."""
    told = {name: words for name, (_alone, words) in accounts.ROLE_WORDS.items()}
    return str(told[role].given(organisation=organisation))  # type: ignore[index]


def number(fields: Mapping[str, str]) -> int:
    """Return the number that a form names; 0, which nothing has, for none."""
    given = fields.get("number", "")
    return int(given) if given.isascii() and given.isdecimal() and len(given) < 16 else 0


def by_session_only() -> Refusal:
    """Return the refusal of what a token may not do, whatever its scope."""
    return Refusal(403, _("Un jeton ne change rien à un compte : connectez-vous."))


def _person(there: Presence) -> Person:
    if there.person is None:
        raise by_session_only()
    return there.person
