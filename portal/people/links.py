"""Links that let someone in once: an invitation to an organisation, or a new password.

There is no mail to send them by: who makes one is shown it, this once, and hands it on; it ends
with the power of who made it. An
invitation for an address that has an account gives nothing but to who is signed in by it: else who
invites would set the password of anyone.
"""

import sqlite3
from dataclasses import dataclass

from geoguichet.floor.viewer import ROLES, Role
from geoguichet.floor.words import _
from geoguichet.portal.people import accounts, passwords
from geoguichet.portal.people.accounts import Person
from geoguichet.portal.people.store import PeopleError, digest, note, now, secret

INVITATION_S, RESET_S = 7 * 86_400, 86_400


@dataclass(frozen=True, slots=True)
class Link:
    """One that waits: an invitation of an address, or the reset of a person's password."""

    number: int
    email: str
    siren: str
    role: Role
    person: int | None
    expires: int


def invite(base: sqlite3.Connection, email: str, siren: str, role: str, *, by: str) -> str:
    """Return the secret of an invitation; one before it for the same place serves no more."""
    if role not in ROLES:
        raise PeopleError(_("Rôle : {known} est attendu.", known=", ".join(ROLES)))
    if not accounts.find_organisation(base, siren):
        raise PeopleError(_("Aucun organisme n'a ce SIREN."))
    address = accounts.email_key(email)
    base.execute("DELETE FROM link WHERE (email, siren) = (?, ?)", (address, siren))
    note(base, by, "invited", siren=siren, about=role)
    return _made(base, INVITATION_S, by, email=address, siren=siren, role=role)


def reset(base: sqlite3.Connection, person: Person, *, by: str) -> str:
    """Return the secret by which a person chooses a new password; all that it held is closed."""
    accounts.disarm(base, person)
    note(base, by, "reset", whom=person.pseudonym)
    return _made(base, RESET_S, by, person=person.number)


def find(base: sqlite3.Connection, given: str) -> Link | None:
    """Return the link of a secret, unless it was used or has ended."""
    return next(iter(_waiting(base, "AND digest = ?", digest(given))), None)


def invitations(base: sqlite3.Connection) -> list[Link]:
    """Return the invitations that wait, the last made first."""
    return _waiting(base, "AND person IS NULL ORDER BY number DESC")


def for_email(base: sqlite3.Connection, email: str) -> list[Link]:
    """Return the invitations that wait for an address."""
    return _waiting(base, "AND email = ?", accounts.email_key(email))


def withdraw(base: sqlite3.Connection, link: Link, *, by: str) -> None:
    """Take back an invitation."""
    base.execute("DELETE FROM link WHERE number = ?", (link.number,))
    note(base, by, "invitation withdrawn", siren=link.siren)


def accept(base: sqlite3.Connection, link: Link, person: Person) -> None:
    """Give who has an account already the role it is invited to; the link serves no more."""
    base.execute("DELETE FROM link WHERE number = ?", (link.number,))
    held = dict(person.roles).get(link.siren)
    if held is None or ROLES.index(held) < ROLES.index(link.role):
        accounts.give(base, person, link.siren, link.role, by=person.pseudonym)


def enter(base: sqlite3.Connection, link: Link, name: str, password: str) -> Person:
    """Make the account of who is invited, or give a person the new password (its hash)."""
    base.execute("DELETE FROM link WHERE number = ?", (link.number,))
    if link.person is None:
        return accounts.add(base, link.email, name, password, siren=link.siren, role=link.role)
    person = accounts.find(base, link.person)
    if person is None:
        raise PeopleError(_("Ce lien ne sert plus."))
    renew(base, person, password)
    return person


def renew(base: sqlite3.Connection, person: Person, password: str) -> None:
    """Give a person another password (its hash)."""
    base.execute("UPDATE person SET password = ? WHERE number = ?", (password, person.number))
    note(base, person.pseudonym, "password")


def checked(password: str, *names: str) -> str:
    """Return the hash of a password that may be taken; PeopleError for one that may not."""
    passwords.check(password, *names)
    return passwords.hashed(password)


def _made(base: sqlite3.Connection, lasts_s: int, by: str, **held: object) -> str:
    base.execute("DELETE FROM link WHERE expires < ?", (now(),))
    made = secret()
    row = {**held, "digest": digest(made), "made": now(), "expires": now() + lasts_s, "maker": by}
    names = ", ".join(row)
    marks = ", ".join(f":{name}" for name in row)
    base.execute(f"INSERT INTO link ({names}) VALUES ({marks})", row)
    return made


def _waiting(base: sqlite3.Connection, where: str, *given: object) -> list[Link]:
    rows = base.execute(f"SELECT * FROM link WHERE expires > ? {where}", (now(), *given))
    return [
        Link(
            row["number"], row["email"] or "", row["siren"] or "", row["role"] or "partner",
            row["person"], row["expires"],
        )
        for row in rows
    ]  # fmt: skip
