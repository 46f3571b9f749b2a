"""``/connexion``, ``/deconnexion`` and the links that let someone in once (``/acces``).

Whatever is wrong is said in one sentence, after the same work: nobody learns which addresses have an
account, nor which are suspended.
"""

import asyncio
import sqlite3
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any
from urllib.parse import quote

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from geoguichet.floor.words import _
from geoguichet.portal import answers
from geoguichet.portal.answers import Refusal
from geoguichet.portal.people import accounts, forms, links, passwords, sessions, slowing
from geoguichet.portal.people.accounts import Person
from geoguichet.portal.people.presence import (
    Presence,
    cookie_name,
    presence_of,
    slow_down,
)
from geoguichet.portal.people.store import SECURITY_LOG, People, PeopleError, digest, note
from geoguichet.portal.site import Site

#: Passwords looked at together: each takes 64 MiB.
_AT_ONCE = 2


class SigningIn:
    """The pages by which one comes in and goes out."""

    def __init__(self, site: Site, people: People) -> None:
        self.site, self.people = site, people
        self._turns = asyncio.Semaphore(_AT_ONCE)

    @property
    def elsewhere(self) -> str:
        """The name of where people of the region sign in already; empty, nowhere."""
        declared = self.site.region.sign_in
        return declared.name if declared.issuer else ""

    def routes(self) -> list[Route]:
        """Return their addresses."""
        return [
            Route("/connexion", self.come_in, methods=["GET", "POST"]),
            Route("/deconnexion", self.go_out, methods=["GET", "POST"]),
            Route("/acces/{key}", self.enter, methods=["GET", "POST"]),
        ]

    async def come_in(self, request: Request) -> Response:
        """Show the form, or sign in."""
        self.there()
        if request.method != "POST":
            return await self.form(request, {"next": request.query_params.get("suite", "")})
        fields = await forms.read(request, self.site)
        given = {"email": fields.get("email", ""), "next": fields.get("next", "")}
        address = slowing.address_of(request)
        try:
            person = await self.costly(
                proved, self.people, given["email"], fields.get("password", ""), address
            )
        except Refusal as refusal:
            told = {**given, "refused": str(refusal)}
            return await self.form(request, told, status=refusal.status, headers=refusal.headers)
        except PeopleError as refused:
            return await self.form(request, {**given, "refused": str(refused)}, status=403)
        return await self.opened(request, person, given["next"])

    async def costly(self, work: Callable[..., Any], *given: object) -> Any:
        """Do what looks at a password, a few at once, in a thread."""
        async with self._turns:
            return await run_in_threadpool(work, *given)

    async def opened(self, request: Request, person: Person, path: str = "") -> Response:
        """Return the answer that opens a session, in the place of the browser's, and goes on."""
        before = request.cookies.get(cookie_name(self.site), "")
        client = request.headers.get("user-agent", "")
        made = await run_in_threadpool(self._session, person, client, before)
        answer = forms.onward(self.site, forms.within(path))
        forms.keep(answer, self.site, made)
        forms.keep(answer, self.site, "", of="-form")
        return answer

    async def go_out(self, request: Request) -> Response:
        """Ask whether to go out, or do: the session is closed, and its cookie forgotten."""
        self.there()
        if request.method != "POST":
            return await forms.page(request, self.site, "sign-out.html", {})
        await forms.read(request, self.site)
        await run_in_threadpool(self._closed, presence_of(request))
        answer = forms.onward(self.site, "/connexion")
        forms.keep(answer, self.site, "")
        answer.headers["Clear-Site-Data"] = '"cache"'
        return answer

    def _session(self, person: Person, client: str, before: str) -> str:
        with self.people.write() as base:
            note(base, person.pseudonym, "signed in")
            return sessions.open_one(base, person, client=client, instead_of=before)

    def _closed(self, there: Presence) -> None:
        if there.person:
            with self.people.write() as base:
                sessions.close_number(base, there.person, there.session)
                note(base, there.person.pseudonym, "signed out")

    async def enter(self, request: Request) -> Response:
        """Show what a link is for, or take the password that is chosen by it."""
        self.there()
        key = request.path_params["key"]
        there = presence_of(request).person
        shown = await run_in_threadpool(self._link, key, there)
        choices = {"elsewhere": self.elsewhere, "key": key}
        show = partial(forms.page, request, self.site, "link.html", choices=choices)
        if request.method != "POST":
            return await show(shown)
        fields = await forms.read(request, self.site)
        try:
            person = await self.costly(self._entered, key, there, fields)
        except PeopleError as refused:
            told = {**shown, "name": fields.get("name", ""), "refused": str(refused)}
            return await show(told, status=400)
        return await self.opened(request, person)

    def _link(self, key: str, there: Person | None) -> dict[str, Any]:
        with self.people.read() as base:
            link = links.find(base, key)
            if link is None:
                raise _no_link()
            person = accounts.find(base, link.person) if link.person else None
            known = person or (accounts.of_email(base, link.email) if link.email else None)
            told = {"email": known.email if known else link.email, "name": ""}
            if link.person is not None:
                return {**told, "kind": "reset", "name": known.name if known else ""}
            organisation = accounts.organisations(base)[link.siren].name
            role = str(accounts.ROLE_WORDS[link.role][1].given(organisation=organisation))
            kind = "invitation" if known is None else "known"
            is_theirs = known is not None and there is not None and there.number == known.number
            return {**told, "kind": kind, "role": role, "theirs": is_theirs}

    def _entered(self, key: str, there: Person | None, fields: Mapping[str, str]) -> Person:
        shown = self._link(key, there)
        if shown["kind"] == "known":
            if there is None or not shown["theirs"]:
                raise PeopleError(_("Connectez-vous d'abord avec l'adresse invitée."))
            with self.people.write() as base:
                links.accept(base, _still(base, key), there)
            return there
        name = fields.get("name", "") if shown["kind"] == "invitation" else shown["name"]
        password = fields.get("password", "")
        hashed = links.checked(password, shown["email"], name, self._title())
        with self.people.write() as base:
            person = links.enter(base, _still(base, key), name, hashed)
            slowing.forgive(base, ("account", _which(person.email)))
        return person

    async def form(self, request: Request, told: Mapping[str, Any], **given: Any) -> Response:
        """Show the form by which one signs in."""
        shown = {"email": "", "next": "", "refused": "", **told, "elsewhere": self.elsewhere}
        return await forms.page(request, self.site, "sign-in.html", shown, **given)

    def first(self, request: Request) -> Response:
        """Return the answer to who is not signed in where one must be: a page goes there first."""
        self.there()
        if request.method == "GET" and answers.wanted_form(request) == "html":
            return forms.onward(self.site, f"/connexion?suite={quote(request.url.path)}")
        asked = {"WWW-Authenticate": "Bearer"}
        raise Refusal(401, _("Connectez-vous pour voir cette page."), headers=asked)

    def _title(self) -> str:
        return str(self.site.told["metadata"]["identification"]["title"])

    def there(self) -> None:
        """Refuse, as what is not there, the pages of a workspace without accounts."""
        if not self.people.exist:
            raise Refusal(404, _("Rien à cette adresse."))


def proved(people: People, email: str, password: str, address: str) -> Person:
    """Return whose address and password these are.

    PeopleError, in one sentence whatever is wrong; Refusal (429) for who tried too often, before
    anything is looked at.
    """
    try:
        known = accounts.email_key(email)
    except PeopleError:
        known = ""
    tried = (("account", _which(known)), ("address", address))
    with people.write() as base:
        wait_s = slowing.wait_s(base, *tried)
        person = accounts.of_email(base, known) if known else None
    if wait_s:
        SECURITY_LOG.warning("sign-in slowed: address=%s wait=%d", address, wait_s)
        raise slow_down(wait_s)
    is_so = passwords.verified(person.password if person else "", password)
    if person is None or not is_so or person.state != "active":
        who = person.pseudonym if person else "-"
        SECURITY_LOG.warning("sign-in refused: person=%s address=%s", who, address)
        raise PeopleError(_("Adresse ou mot de passe incorrect."))
    with people.write() as base:
        slowing.forgive(base, *tried)
        if passwords.is_dated(person.password):
            renewed = (passwords.hashed(password), person.number)
            base.execute("UPDATE person SET password = ? WHERE number = ?", renewed)
    return person


# Return by what an account's tries are counted, whether there is such an account or not.
def _which(email: str) -> str:
    return digest(email).hex()


def _no_link() -> Refusal:
    return Refusal(404, _("Ce lien ne sert plus : demandez-en un autre à qui vous l'a donné."))


def _still(base: sqlite3.Connection, key: str) -> links.Link:
    link = links.find(base, key)
    if link is None:
        raise _no_link()
    return link
