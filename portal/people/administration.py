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

from geoguichet.floor.words import _
from geoguichet.portal.answers import Refusal
from geoguichet.portal.people import account, accounts, forms, journal, links
from geoguichet.portal.people.accounts import Organisation, Person
from geoguichet.portal.people.presence import presence_of
from geoguichet.portal.people.signing_in import SigningIn
from geoguichet.portal.people.store import SECURITY_LOG, PeopleError, instant


@dataclass(frozen=True, slots=True)
class _Reach:
    """What an administrator looks after: everything, or some organisations."""

    by: Person
    organisations: Mapping[str, Organisation]
    everything: bool

    def has(self, siren: str) -> bool:
        return siren in self.organisations

    def whole(self, person: Person) -> bool:
        """Whether all that a person has is looked after here."""
        return self.everything or (
            bool(person.roles) and all(self.has(siren) for siren, _role in person.roles)
        )


class Administration:
    """The page of administrators; what it does is asked by a session, never by a token."""

    def __init__(self, door: SigningIn) -> None:
        self.door, self.site, self.people = door, door.site, door.people
        self._actions: dict[
            str, Callable[[sqlite3.Connection, _Reach, Mapping[str, str]], Mapping[str, str]]
        ] = {
            "organisation": self._organisation,
            "invite": self._invite,
            "withdraw": self._withdraw,
            "role": self._role,
            "suspend": self._suspend,
            "restore": self._restore,
            "reset": self._reset,
            "erase": self._erase,
        }

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
        action = self._actions.get(fields.get("action", ""))
        if action is None:
            raise Refusal(400, _("Ce formulaire ne se lit pas."))
        try:
            told = await run_in_threadpool(self._done, action, there.person, fields)
        except PeopleError as refused:
            return await self._page(request, there.person, {"refused": str(refused)}, status=400)
        return await self._page(request, there.person, told)

    def _done(
        self, action: Callable[..., Mapping[str, str]], by: Person, fields: Mapping[str, str]
    ) -> Mapping[str, str]:
        with self.people.write() as base:
            told = action(base, _reach(base, by), fields)
        if fields["action"] == "erase":
            self.people.forget()
        return told

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
            reach, everybody = _reach(base, by), accounts.people(base)
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
                    "state": one.state, "whole": reach.whole(one),
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

    # --- what is done ----------------------------------------------------------------------------

    def _organisation(
        self, base: sqlite3.Connection, reach: _Reach, fields: Mapping[str, str]
    ) -> Mapping[str, str]:
        if not reach.everything:
            raise _beyond()
        told = [fields.get(name, "") for name in ("siren", "name", "kind", "territory")]
        accounts.add_organisation(base, *told, by=reach.by.pseudonym)
        return {"done": _("Organisme ajouté.")}

    def _invite(
        self, base: sqlite3.Connection, reach: _Reach, fields: Mapping[str, str]
    ) -> Mapping[str, str]:
        siren, email = fields.get("siren", ""), fields.get("email", "")
        if not reach.has(siren):
            raise _beyond()
        made = links.invite(base, email, siren, fields.get("role", ""), by=reach.by.pseudonym)
        return {"link": f"{self.site.url}/acces/{made}", "linkFor": accounts.email_key(email)}

    def _withdraw(
        self, base: sqlite3.Connection, reach: _Reach, fields: Mapping[str, str]
    ) -> Mapping[str, str]:
        number = account.number(fields)
        for link in links.invitations(base):
            if link.number == number and reach.has(link.siren):
                links.withdraw(base, link, by=reach.by.pseudonym)
        return {"done": _("Invitation retirée.")}

    def _role(
        self, base: sqlite3.Connection, reach: _Reach, fields: Mapping[str, str]
    ) -> Mapping[str, str]:
        person, siren = _person(base, fields), fields.get("siren", "")
        is_near = reach.everything or any(reach.has(held) for held, _role in person.roles)
        if not reach.has(siren) or not is_near:
            raise _beyond()
        accounts.give(base, person, siren, fields.get("role", ""), by=reach.by.pseudonym)
        return {"done": _("Rôle changé.")}

    def _suspend(
        self, base: sqlite3.Connection, reach: _Reach, fields: Mapping[str, str]
    ) -> Mapping[str, str]:
        accounts.suspend(base, _whole(base, reach, fields), by=reach.by.pseudonym)
        return {"done": _("Compte suspendu.")}

    def _restore(
        self, base: sqlite3.Connection, reach: _Reach, fields: Mapping[str, str]
    ) -> Mapping[str, str]:
        accounts.restore(base, _whole(base, reach, fields), by=reach.by.pseudonym)
        return {"done": _("Compte rétabli.")}

    def _reset(
        self, base: sqlite3.Connection, reach: _Reach, fields: Mapping[str, str]
    ) -> Mapping[str, str]:
        person = _whole(base, reach, fields)
        made = links.reset(base, person, by=reach.by.pseudonym)
        return {"link": f"{self.site.url}/acces/{made}", "linkFor": person.email}

    def _erase(
        self, base: sqlite3.Connection, reach: _Reach, fields: Mapping[str, str]
    ) -> Mapping[str, str]:
        person = _whole(base, reach, fields)
        if not fields.get("sure"):
            raise PeopleError(_("Cochez la case : un compte effacé ne revient pas."))
        accounts.erase(base, person, by=reach.by.pseudonym)
        return {"done": _("Compte effacé.")}


def _reach(base: sqlite3.Connection, by: Person) -> _Reach:
    every = accounts.organisations(base)
    own = {siren for siren, role in by.roles if role == "administrator"}
    everything = any(every[siren].host for siren in own)
    held = {siren: one for siren, one in every.items() if everything or siren in own}
    return _Reach(by, held, everything)


def _person(base: sqlite3.Connection, fields: Mapping[str, str]) -> Person:
    person = accounts.of_pseudonym(base, fields.get("person", ""))
    if person is None:
        raise _beyond()
    return person


# Return the person that a form names, of whom nothing is beyond the reach of who asks.
def _whole(base: sqlite3.Connection, reach: _Reach, fields: Mapping[str, str]) -> Person:
    person = _person(base, fields)
    if not reach.whole(person):
        raise _beyond()
    return person


def _beyond() -> PeopleError:
    return PeopleError(_("Personne, organisme ou droit : ceci n'est pas de votre ressort."))
