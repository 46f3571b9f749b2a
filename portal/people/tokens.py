"""Personal tokens, for programs (QGIS, GDAL, scripts): shown once, kept as a digest, with a scope
and an end.
"""

import sqlite3
from typing import Any

from geoguichet.floor.words import Message, _
from geoguichet.portal.people import accounts
from geoguichet.portal.people.accounts import Person
from geoguichet.portal.people.store import PeopleError, digest, instant, note, now, secret

#: By which one that lies about is recognised.
PREFIX = "geoguichet_"
SCOPES = {"read": Message("lire"), "write": Message("lire et écrire")}
DAYS = (30, 90, 365)
_DAY_S, _MOST = 86_400, 20


def make(base: sqlite3.Connection, person: Person, name: str, scope: str, days: int) -> str:
    """Make a token and return it: it is said this once."""
    if scope not in SCOPES or days not in DAYS:
        raise PeopleError(_("Jeton : une portée et une durée de la liste sont attendues."))
    if len(of_person(base, person)) >= _MOST:
        raise PeopleError(
            _("Au plus {most} jetons sont gardés : révoquez-en d'abord un.", most=_MOST)
        )
    made, named = PREFIX + secret(), accounts.text(name, _("Nom"), most=60)
    base.execute(
        "INSERT INTO token (digest, person, name, scope, made, expires) VALUES (?, ?, ?, ?, ?, ?)",
        (digest(made), person.number, named, scope, now(), now() + days * _DAY_S),
    )
    note(base, person.pseudonym, "token", about=scope)
    return made


def known(base: sqlite3.Connection, given: str) -> tuple[Person, sqlite3.Row] | None:
    """Return whose token this is, and it (its ``number``, its ``scope``, when it was last
    ``used``), unless it ended or its person may not come in.
    """
    row = base.execute(
        "SELECT * FROM token WHERE digest = ? AND expires > ?", (digest(given), now())
    ).fetchone()
    person = accounts.find(base, row["person"]) if row else None
    return (person, row) if person else None


def mark(base: sqlite3.Connection, number: int) -> None:
    """Say that a token was used."""
    base.execute("UPDATE token SET used = ? WHERE number = ?", (now(), number))


def of_person(base: sqlite3.Connection, person: Person) -> list[dict[str, Any]]:
    """Return the tokens of a person, those that ended too, without what opens."""
    rows = base.execute("SELECT * FROM token WHERE person = ? ORDER BY number", (person.number,))
    return [
        {
            "number": row["number"], "name": row["name"], "scope": row["scope"],
            "made": instant(row["made"]), "expires": instant(row["expires"]),
            "used": instant(row["used"]) if row["used"] else None, "ended": row["expires"] <= now(),
        }
        for row in rows
    ]  # fmt: skip


def revoke(base: sqlite3.Connection, person: Person, number: int) -> None:
    """Take a token of a person away."""
    base.execute("DELETE FROM token WHERE (person, number) = (?, ?)", (person.number, number))
    note(base, person.pseudonym, "token revoked")
