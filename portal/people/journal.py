"""The journal as it is read: the last lines of a person, or of organisations. `store.note` writes."""

import sqlite3
from collections.abc import Collection
from typing import Any

from geoguichet.floor.words import Message
from geoguichet.portal.people.accounts import Person
from geoguichet.portal.people.store import instant

#: How many lines a page shows: of a person's own, of what an administrator looks after.
_OWN, _LINES = 10, 100

#: What the journal tells, in words.
DID = {
    "organisation": Message("organisme ajouté"),
    "account": Message("compte ouvert"),
    "role": Message("rôle donné"),
    "invited": Message("invitation faite"),
    "invitation withdrawn": Message("invitation retirée"),
    "signed in": Message("connexion"),
    "signed out": Message("déconnexion"),
    "password": Message("mot de passe changé"),
    "reset": Message("mot de passe à choisir de nouveau"),
    "token": Message("jeton créé"),
    "token revoked": Message("jeton révoqué"),
    "suspended": Message("compte suspendu"),
    "restored": Message("compte rétabli"),
    "erased": Message("compte effacé"),
    "subject": Message("identité d'ailleurs reliée"),
}


def of_person(base: sqlite3.Connection, person: Person) -> list[dict[str, Any]]:
    """Return the last lines of what a person did and of what was done to its account: by which it
    is told of a password or a token that is not its own doing.
    """
    return _lines(base, "who = ?1 OR whom = ?1", _OWN, person.pseudonym)


def of_organisations(
    base: sqlite3.Connection, sirens: Collection[str] | None
) -> list[dict[str, Any]]:
    """Return the last lines about some organisations (None: about everything)."""
    marks = ", ".join("?" * len(sirens or ()))
    where = "1" if sirens is None else f"siren IN ({marks})"
    return _lines(base, where, _LINES, *(sirens or ()))


def _lines(base: sqlite3.Connection, where: str, most: int, *given: str) -> list[dict[str, Any]]:
    rows = base.execute(
        "SELECT at, who, did, whom, siren, about FROM journal "
        f"WHERE {where} ORDER BY number DESC LIMIT {most}",
        given,
    )
    return [{**dict(row), "at": instant(row["at"])} for row in rows]
