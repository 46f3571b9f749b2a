"""``/administration``: people, organisations, invitations, the journal.

The administrators of the organisation whose portal this is look after everyone; those of another,
after what is its own: its people's roles, its invitations. Nobody gets hold, by a link or a
suspension, of a person who has a role elsewhere too.
"""

import sqlite3
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from geoguichet.floor.words import Message, _
from geoguichet.portal.answers import Refusal
from geoguichet.portal.people import account, accounts, forms, journal, links
from geoguichet.portal.people.accounts import Organisation, Person
from geoguichet.portal.people.presence import presence_of
from geoguichet.portal.people.signing_in import SigningIn
from geoguichet.portal.people.store import SECURITY_LOG, PeopleError, instant


@dataclass(frozen=True, slots=True)
class _Asked:
    """What an administrator asks by a form, and what it looks after: everything, or some
    organisations.
    """

    by: Person
    organisations: Mapping[str, Organisation]
    everything: bool
    base: sqlite3.Connection
    fields: Mapping[str, str]

    def told(self, name: str) -> str:
        return self.fields.get(name, "")

    def has(self, siren: str) -> bool:
        return siren in self.organisations

    def has_whole(self, person: Person) -> bool:
        """Whether all that a person has is looked after here."""
        return self.everything or (
            bool(person.roles) and all(self.has(siren) for siren, _role in person.roles)
        )

    @property
    def siren(self) -> str:
        """The organisation that is named, which is looked after."""
        return self._mine(self.told("siren"), is_it=self.has(self.told("siren")))

    @property
    def whole(self) -> Person:
        """The person who is named, all of whom is looked after."""
        person = accounts.of_pseudonym(self.base, self.told("person"))
        return self._mine(person, is_it=person is not None and self.has_whole(person))

    @property
    def near(self) -> Person:
        """The person who is named, something of whom is looked after."""
        person = accounts.of_pseudonym(self.base, self.told("person"))
        held = person.roles if person else ()
        is_near = person and (self.everything or any(self.has(siren) for siren, _role in held))
        return self._mine(person, is_it=bool(is_near))

    def _mine[Thing](self, thing: Thing | None, *, is_it: bool) -> Thing:
        if thing is None or not is_it:
            told = _("Personne, organisme ou droit : ceci n'est pas de votre ressort.")
            raise PeopleError(told)
        return thing


# Add an organisation, which is for the administrators of everything.
def _add(asked: _Asked) -> None:
    if not asked.everything:
        raise PeopleError(_("Personne, organisme ou droit : ceci n'est pas de votre ressort."))
    told = [asked.told(name) for name in ("siren", "name", "kind", "territory")]
    accounts.add_organisation(asked.base, *told, by=asked.by.pseudonym)


def _withdraw(asked: _Asked) -> None:
    for link in links.invitations(asked.base):
        if link.number == account.number(asked.fields) and asked.has(link.siren):
            links.withdraw(asked.base, link, by=asked.by.pseudonym)


def _erase(asked: _Asked) -> None:
    person = asked.whole
    if not asked.told("sure"):
        raise PeopleError(_("Cochez la case : un compte effacé ne revient pas."))
    accounts.erase(asked.base, person, by=asked.by.pseudonym)


#: What is done, and what is said then: what makes a link returns it, and for whom.
_ACTIONS: Mapping[str, tuple[Callable[[_Asked], tuple[str, str] | None], Message]] = {
    "organisation": (_add, Message("Organisme ajouté.")),
    "withdraw": (_withdraw, Message("Invitation retirée.")),
    "erase": (_erase, Message("Compte effacé.")),
    "invite": (
        lambda asked: (
            links.invite(
                asked.base, asked.told("email"), asked.siren, asked.told("role"),
                by=asked.by.pseudonym,
            ),
            accounts.email_key(asked.told("email")),
        ),
        Message("Invitation faite."),
    ),
    "reset": (
        lambda asked: (
            links.reset(asked.base, asked.whole, by=asked.by.pseudonym), asked.whole.email
        ),
        Message("Mot de passe à choisir de nouveau."),
    ),
    "role": (
        lambda asked: accounts.give(
            asked.base, asked.near, asked.siren, asked.told("role"), by=asked.by.pseudonym
        ),
        Message("Rôle changé."),
    ),
    "suspend": (
        lambda asked: accounts.suspend(asked.base, asked.whole, by=asked.by.pseudonym),
        Message("Compte suspendu."),
    ),
    "restore": (
        lambda asked: accounts.restore(asked.base, asked.whole, by=asked.by.pseudonym),
        Message("Compte rétabli."),
    ),
}  # fmt: skip


class Administration:
    """The page of administrators; what it does is asked by a session, never by a token."""

    def __init__(self, door: SigningIn) -> None:
        self.door, self.site, self.people = door, door.site, door.people

    def routes(self) -> list[Route]:
        """Return its address."""
        return [Route("/administration", self.show, methods=["GET", "POST"])]

    async def show(self, request: Request) -> Response:
        """Show who may do what, or change it."""
        there = presence_of(request)
        if there.person is None:
            return self.door.first(request)
        if not there.viewer.may("administrator") or not there.session:
            SECURITY_LOG.warning("administration refused: person=%s", there.person.pseudonym)
            raise Refusal(404, _("Rien à cette adresse."))
        if request.method != "POST":
            return await self._page(request, there.person, {})
        fields = await forms.read(request, self.site)
        action = _ACTIONS.get(fields.get("action", ""))
        if action is None:
            raise Refusal(400, _("Ce formulaire ne se lit pas."))
        try:
            told = await run_in_threadpool(self._done, *action, there.person, fields)
        except PeopleError as refused:
            return await self._page(request, there.person, {"refused": str(refused)}, status=400)
        return await self._page(request, there.person, told)

    def _done(
        self,
        act: Callable[[_Asked], tuple[str, str] | None],
        told: Message,
        by: Person,
        fields: Mapping[str, str],
    ) -> dict[str, str]:
        with self.people.write() as base:
            made = act(_asked(base, by, fields))
        if fields["action"] == "erase":
            self.people.forget()
        link = {"link": f"{self.site.url}/acces/{made[0]}", "linkFor": made[1]} if made else {}
        return {**link, "done": str(told)}

    async def _page(
        self, request: Request, by: Person, told: Mapping[str, str], *, status: int = 200
    ) -> Response:
        document = await run_in_threadpool(self._document, by)
        choices = {"kinds": accounts.KINDS, "words": accounts.ROLE_WORDS, "did": journal.DID}
        document = {**document, **told}
        return await forms.page(
            request, self.site, "administration.html", document, choices=choices, status=status
        )

    def _document(self, by: Person) -> dict[str, Any]:
        with self.people.read() as base:
            reach, everybody = _asked(base, by, {}), accounts.people(base)
            waiting, named = links.invitations(base), accounts.names(base)
            lines = journal.of_organisations(
                base, None if reach.everything else reach.organisations
            )
        return {
            "everything": reach.everything,
            "organisations": [
                {
                    "siren": one.siren, "name": one.name, "kind": one.kind,
                    "territory": one.territory, "host": one.host,
                }
                for one in reach.organisations.values()
            ],
            "people": [
                {
                    "person": one.pseudonym, "name": one.name, "email": one.email,
                    "state": one.state, "whole": reach.has_whole(one),
                    "roles": [
                        {"siren": siren, "role": role, "told": account.said(role, reach.organisations[siren].name)}
                        for siren, role in sorted(one.roles) if reach.has(siren)
                    ],
                }
                for one in everybody
                if reach.everything or any(reach.has(siren) for siren, _role in one.roles)
            ],
            "invitations": [
                {
                    "number": one.number, "email": one.email, "expires": instant(one.expires),
                    "told": account.said(one.role, reach.organisations[one.siren].name),
                }
                for one in waiting if reach.has(one.siren)
            ],
            "journal": [
                {
                    **line, "whoName": named.get(line["who"], ""),
                    "whomName": named.get(line["whom"], ""),
                }
                for line in lines
            ],
        }  # fmt: skip


def _asked(base: sqlite3.Connection, by: Person, fields: Mapping[str, str]) -> _Asked:
    every = accounts.organisations(base)
    own = {siren for siren, role in by.roles if role == "administrator"}
    everything = any(every[siren].host for siren in own)
    held = {siren: one for siren, one in every.items() if everything or siren in own}
    return _Asked(by, held, everything, base, fields)
