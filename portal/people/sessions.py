"""Sessions: who signed in keeps a secret in a cookie; the accounts keep its digest.

One ends when it is idle too long, or after so long in any case, when its person closes it, changes
password or is suspended. Each sign-in makes a new one and ends the one that the browser had.
"""

import sqlite3
from typing import Any

from geoguichet.portal.people import accounts
from geoguichet.portal.people.accounts import Person
from geoguichet.portal.people.store import digest, instant, now, secret

IDLE_S, LONGEST_S = 2 * 3600, 12 * 3600
#: When a session was seen last is written no oftener than this.
_SEEN_S = 60
_MOST = 20


def open_one(base: sqlite3.Connection, person: Person, *, client: str, instead_of: str = "") -> str:
    """Open a session for a person and return its secret; ``instead_of`` another, by its secret."""
    close(base, instead_of)
    base.execute("DELETE FROM session WHERE expires < ? OR seen < ?", (now(), now() - IDLE_S))
    base.execute(
        "DELETE FROM session WHERE person = ? AND number NOT IN "
        "(SELECT number FROM session WHERE person = ? ORDER BY seen DESC LIMIT ?)",
        (person.number, person.number, _MOST - 1),
    )
    made, moment = secret(), now()
    base.execute(
        "INSERT INTO session (digest, person, made, seen, expires, client) VALUES (?, ?, ?, ?, ?, ?)",
        (digest(made), person.number, moment, moment, moment + LONGEST_S, _shown(client)),
    )
    return made


def known(base: sqlite3.Connection, given: str) -> tuple[Person, int, bool] | None:
    """Return whose session a secret is, its number, and whether it is to be marked as seen."""
    row = base.execute(
        "SELECT person, number, seen FROM session WHERE digest = ? AND expires > ? AND seen > ?",
        (digest(given), now(), now() - IDLE_S),
    ).fetchone()
    person = accounts.find(base, row["person"]) if row else None
    return (person, row["number"], now() - row["seen"] >= _SEEN_S) if person else None


def mark(base: sqlite3.Connection, number: int) -> None:
    """Say that a session is in use."""
    base.execute("UPDATE session SET seen = ? WHERE number = ?", (now(), number))


def of_person(base: sqlite3.Connection, person: Person, here: int) -> list[dict[str, Any]]:
    """Return the open sessions of a person, the last seen first: since when, seen when, from which
    browser, and whether it is the one ``here``.
    """
    rows = base.execute(
        "SELECT number, made, seen, client FROM session "
        "WHERE person = ? AND expires > ? AND seen > ? ORDER BY seen DESC",
        (person.number, now(), now() - IDLE_S),
    )
    told = [{**dict(row), "here": row["number"] == here} for row in rows]
    return [{**one, "made": instant(one["made"]), "seen": instant(one["seen"])} for one in told]


def close(base: sqlite3.Connection, given: str) -> None:
    """Close the session of a secret."""
    base.execute("DELETE FROM session WHERE digest = ?", (digest(given),))


def close_number(base: sqlite3.Connection, person: Person, number: int) -> None:
    """Close a session of a person."""
    base.execute("DELETE FROM session WHERE (person, number) = (?, ?)", (person.number, number))


def close_all(base: sqlite3.Connection, person: Person, *, but: int = 0) -> None:
    """Close the sessions of a person, all but one."""
    base.execute("DELETE FROM session WHERE person = ? AND number <> ?", (person.number, but))


# Return what is kept of how a browser names itself: printable, and short.
def _shown(client: str) -> str:
    return "".join(character for character in client if character.isprintable())[:150]
