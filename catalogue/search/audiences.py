"""Which records are shown to whom: an audience is a small number in the rows of a catalogue file.

Its keys (see `floor.viewer.audience`) stand once in a table, with the organisation that answers for
the records and the generation of their last change. A question is narrowed only where something is
there that who asks may not see.
"""

import sqlite3
from dataclasses import replace
from typing import NamedTuple

from geoguichet.catalogue.record import Record
from geoguichet.floor.viewer import Viewer, Visibility


class Shown(NamedTuple):
    """Who sees a record (the keys of `floor.viewer.audience`), and the organisation that answers
    for it (SIREN), empty when none does.
    """

    audience: str
    owner: str = ""


#: The audience of what everyone sees and no organisation answers for, and its number.
EVERYONE, EVERYONE_NUMBER = Shown("public"), 0

TABLE = """
CREATE TABLE audience (a INTEGER PRIMARY KEY, keys TEXT NOT NULL, owner TEXT NOT NULL, stamp INTEGER NOT NULL,
  UNIQUE (keys, owner));
"""
# stamp is the generation of the last change of a record of this audience

#: The property of a record that says who sees it; what everyone sees has none.
MEMBER = "visibility"


def number_of(database: sqlite3.Connection, shown: Shown) -> int:
    """Return the number of an audience, given now if it is new."""
    database.execute("INSERT OR IGNORE INTO audience (keys, owner, stamp) VALUES (?, ?, 0)", shown)
    (number,) = database.execute(
        "SELECT a FROM audience WHERE keys = ? AND owner = ?", shown
    ).fetchone()
    return int(number)


def seen_by(database: sqlite3.Connection, viewer: Viewer) -> tuple[int, ...] | None:
    """Return the numbers of the audiences that a viewer is of; None when it is of all there are."""
    rows = database.execute("SELECT a, keys FROM audience").fetchall()
    seen = tuple(number for number, keys in rows if viewer.sees(keys))
    return None if len(seen) == len(rows) else seen


def last_change(database: sqlite3.Connection, viewer: Viewer) -> int:
    """Return the generation of the last change of what a viewer may see."""
    rows = database.execute("SELECT keys, stamp FROM audience")
    return max((int(stamp) for keys, stamp in rows if viewer.sees(keys)), default=0)


def labelled(database: sqlite3.Connection, record: Record, number: int) -> Record:
    """Return a record that says who sees it, as its audience has it."""
    (keys,) = database.execute("SELECT keys FROM audience WHERE a = ?", (number,)).fetchone()
    told = dict(record.extra_properties)
    told.pop(MEMBER, None)
    if (visibility := visibility_of(keys)) != "public":
        told[MEMBER] = visibility
    return replace(record, extra_properties=told)


def visibility_of(audience: str) -> Visibility:
    """Return the visibility that made an audience.

    >>> visibility_of("draft:200053791 person:p7"), visibility_of("130025265 200053791")
    ('draft', ['130025265', '200053791'])
    """
    if audience in ("public", "partners"):
        return "public" if audience == "public" else "partners"
    keys = audience.split()
    return "draft" if not keys or ":" in keys[0] else keys
