"""Organisations, people and their roles; people suspended, and erased (RGPD): the pseudonym stays,
what it stood for does not.
"""

import re
import sqlite3
import unicodedata
from dataclasses import dataclass

from geoguichet.floor.viewer import ROLES, Role, Viewer
from geoguichet.floor.words import Message, _
from geoguichet.portal.people.store import PeopleError, note, now

#: What an organisation is, and how it is called.
KINDS = {
    "region": Message("Région"),
    "departement": Message("Département"),
    "epci": Message("Intercommunalité"),
    "commune": Message("Commune"),
    "state": Message("Service de l'État"),
    "other": Message("Autre organisme"),
}
#: A role as it is chosen, and as it is told with its organisation.
ROLE_WORDS: dict[Role, tuple[Message, Message]] = {
    "partner": (Message("Partenaire"), Message("Partenaire de {organisation}")),
    "contributor": (Message("Contributeur"), Message("Contributeur pour {organisation}")),
    "editor": (Message("Éditeur"), Message("Éditeur pour {organisation}")),
    "administrator": (Message("Administrateur"), Message("Administrateur de {organisation}")),
}


@dataclass(frozen=True, slots=True)
class Organisation:
    """One, by its SIREN; the ``host`` is the one whose portal this is."""

    siren: str
    name: str
    kind: str
    territory: str
    host: bool


@dataclass(frozen=True, slots=True)
class Person:
    """Who has an account: ``password`` is the hash, empty for who signs in elsewhere."""

    number: int
    state: str
    name: str
    email: str
    password: str
    roles: frozenset[tuple[str, Role]]

    @property
    def pseudonym(self) -> str:
        """What journals and histories keep."""
        return f"p{self.number}"

    @property
    def viewer(self) -> Viewer:
        """Who it is to the stores."""
        return Viewer(self.pseudonym, self.roles)


def add_organisation(
    base: sqlite3.Connection, siren: str, name: str, kind: str, territory: str, *, by: str
) -> str:
    """Add an organisation and return its SIREN, as it is kept; the first is the host."""
    siren = re.sub(r"\s", "", siren)
    if not is_siren(siren):
        told = _("SIREN : 9 chiffres sont attendus, dont le dernier vérifie les autres.")
        raise PeopleError(told)
    if kind not in KINDS:
        told = _("Nature de l'organisme : {known} est attendu.", known=", ".join(KINDS))
        raise PeopleError(told)
    if find_organisation(base, siren):
        raise PeopleError(_("Un organisme a déjà le SIREN {siren}.", siren=siren))
    named, where = text(name, _("Nom")), text(territory, _("Territoire"), blank=True)
    ((others,),) = base.execute("SELECT count(*) FROM organisation")
    row = (siren, named, kind, where, int(not others))
    base.execute("INSERT INTO organisation VALUES (?, ?, ?, ?, ?)", row)
    note(base, by, "organisation", siren=siren)
    return siren


def is_siren(siren: str) -> bool:
    """Say whether a SIREN is one: nine figures, the last of which checks the others (Luhn).

    >>> is_siren("200053791"), is_siren("200053792")
    (True, False)
    """
    if not re.fullmatch(r"[0-9]{9}", siren):
        return False
    doubled = (int(figure) * (1 + place % 2) for place, figure in enumerate(reversed(siren)))
    return sum(value - 9 * (value > 9) for value in doubled) % 10 == 0


def organisations(base: sqlite3.Connection) -> dict[str, Organisation]:
    """Return the organisations by SIREN, in the order of their names."""
    rows = base.execute("SELECT * FROM organisation ORDER BY name")
    return {row["siren"]: Organisation(**{**dict(row), "host": bool(row["host"])}) for row in rows}


def find_organisation(base: sqlite3.Connection, siren: str) -> Organisation | None:
    """Return the organisation of a SIREN."""
    return organisations(base).get(siren)


# --- people --------------------------------------------------------------------------------------


def people(
    base: sqlite3.Connection, where: str = "state <> 'erased'", *given: object
) -> list[Person]:
    """Return people, in the order of their names."""
    roles: dict[int, set[tuple[str, Role]]] = {}
    rows = base.execute(f"SELECT * FROM person WHERE {where} ORDER BY name", given).fetchall()
    among = "" if len(rows) > 1 else f" WHERE person = {rows[0]['number']}" if rows else " WHERE 0"
    for row in base.execute(f"SELECT person, siren, role FROM membership{among}"):
        roles.setdefault(row["person"], set()).add((row["siren"], row["role"]))
    return [
        Person(
            row["number"],
            row["state"],
            row["name"],
            row["email"] or "",
            row["password"],
            frozenset(roles.get(row["number"], ())),
        )
        for row in rows
    ]


def find(base: sqlite3.Connection, number: int) -> Person | None:
    """Return a person of a number who may sign in: neither suspended nor erased."""
    return next(iter(people(base, "number = ? AND state = 'active'", number)), None)


def of_email(base: sqlite3.Connection, email: str) -> Person | None:
    """Return the person of an address, whatever its state."""
    return next(iter(people(base, "email = ?", email_key(email))), None)


def of_pseudonym(base: sqlite3.Connection, pseudonym: str) -> Person | None:
    """Return the person of a pseudonym, unless it was erased."""
    number = pseudonym.removeprefix("p")
    is_one = number.isdecimal() and len(number) < 10
    found = people(base, "number = ? AND state <> 'erased'", int(number)) if is_one else []
    return next(iter(found), None)


def names(base: sqlite3.Connection) -> dict[str, str]:
    """Return the name of each pseudonym, those of erased people left out."""
    rows = base.execute("SELECT number, name FROM person WHERE state <> 'erased'")
    return {f"p{row['number']}": row["name"] for row in rows}


def add(
    base: sqlite3.Connection,
    email: str,
    name: str,
    password: str,
    *,
    siren: str,
    role: Role,
    by: str = "",
) -> Person:
    """Add a person with a first role; ``password`` is the hash. ``by`` none, it did so itself."""
    address = email_key(email)
    if of_email(base, address):
        raise PeopleError(_("Un compte a déjà cette adresse."))
    made = base.execute(
        "INSERT INTO person (state, name, email, password, made) VALUES ('active', ?, ?, ?, ?)",
        (text(name, _("Nom")), address, password, now()),
    ).lastrowid
    person = people(base, "number = ?", made)[0]
    note(base, by or person.pseudonym, "account", whom=person.pseudonym)
    give(base, person, siren, role, by=by or person.pseudonym)
    return people(base, "number = ?", made)[0]


def give(base: sqlite3.Connection, person: Person, siren: str, role: str, *, by: str) -> None:
    """Give a person a role in an organisation, in the place of the one it had; empty, none."""
    if role and role not in ROLES:
        raise PeopleError(_("Rôle : {known} est attendu.", known=", ".join(ROLES)))
    if not find_organisation(base, siren):
        raise PeopleError(_("Aucun organisme n'a ce SIREN."))
    if role != "administrator":
        _spare_last(base, person, siren)
        if (siren, "administrator") in person.roles:
            _take_back(base, person)
    base.execute("DELETE FROM membership WHERE (person, siren) = (?, ?)", (person.number, siren))
    if role:
        base.execute("INSERT INTO membership VALUES (?, ?, ?)", (person.number, siren, role))
    note(base, by, "role", whom=person.pseudonym, siren=siren, about=role)


def suspend(base: sqlite3.Connection, person: Person, *, by: str) -> None:
    """Let a person in no more: sessions are closed; tokens serve nothing while it lasts."""
    for siren, _role in person.roles:
        _spare_last(base, person, siren)
    base.execute("UPDATE person SET state = 'suspended' WHERE number = ?", (person.number,))
    base.execute("DELETE FROM session WHERE person = ?", (person.number,))
    _take_back(base, person)
    note(base, by, "suspended", whom=person.pseudonym)


def restore(base: sqlite3.Connection, person: Person, *, by: str) -> None:
    """Let in again who was suspended."""
    base.execute("UPDATE person SET state = 'active' WHERE number = ?", (person.number,))
    note(base, by, "restored", whom=person.pseudonym)


def disarm(base: sqlite3.Connection, person: Person) -> None:
    """Close all by which a person comes in: password, sessions, tokens, links."""
    for table in ("session", "token", "link"):
        base.execute(f"DELETE FROM {table} WHERE person = ?", (person.number,))
    base.execute("UPDATE person SET password = '' WHERE number = ?", (person.number,))


def erase(base: sqlite3.Connection, person: Person, *, by: str) -> None:
    """Leave of a person its pseudonym alone (RGPD, article 17): what it did stays, told of nobody."""
    for siren, _role in person.roles:
        _spare_last(base, person, siren)
    disarm(base, person)
    _take_back(base, person)
    for table in ("membership", "subject"):
        base.execute(f"DELETE FROM {table} WHERE person = ?", (person.number,))
    base.execute("DELETE FROM link WHERE email = ?", (person.email,))
    erased = "UPDATE person SET state = 'erased', name = '', email = NULL"
    base.execute(f"{erased} WHERE number = ?", (person.number,))
    note(base, by, "erased", whom=person.pseudonym)


# Have the links that a person handed out serve no more: it may have kept what they are.
def _take_back(base: sqlite3.Connection, person: Person) -> None:
    base.execute("DELETE FROM link WHERE maker = ?", (person.pseudonym,))


# Refuse to take the last administrator from the organisation whose portal this is.
def _spare_last(base: sqlite3.Connection, person: Person, siren: str) -> None:
    held = base.execute(
        "SELECT person FROM membership JOIN organisation USING (siren) JOIN person ON person = number "
        "WHERE host AND siren = ? AND role = 'administrator' AND state = 'active'",
        (siren,),
    ).fetchall()
    if [row["person"] for row in held] == [person.number]:
        raise PeopleError(_("Le portail garde un administrateur : nommez-en d'abord un autre."))


# --- what is typed -------------------------------------------------------------------------------


def email_key(email: str) -> str:
    """Return an address as accounts are found by it; PeopleError when it is none."""
    address = unicodedata.normalize("NFKC", email).strip().casefold()
    if len(address) > 254 or not re.fullmatch(r"[^@\s\x00-\x1f]+@[^@\s\x00-\x1f]+", address):
        raise PeopleError(
            _("Une adresse électronique est attendue, par exemple sig@region.example.")
        )
    return address


def text(given: str, what: str, *, blank: bool = False, most: int = 200) -> str:
    """Return what was typed in a field of one line; PeopleError when it is too long, or empty."""
    told = unicodedata.normalize("NFC", " ".join(given.split()))
    if len(told) > most or not (told or blank) or not told.isprintable():
        raise PeopleError(
            _("{what} : de 1 à {most} caractères sont attendus.", what=what, most=most)
        )
    return told
