"""What people do about a record beside writing it: submitted, commented, sent back, published,
withdrawn. Each step is a version of its own in the history, with who took it and what was said.
"""

import json
import sqlite3
from collections.abc import Mapping

from geoguichet.catalogue.record import Record
from geoguichet.catalogue.search import audiences
from geoguichet.catalogue.search.audiences import Shown
from geoguichet.catalogue.search.tables import Change, Step, Writer, archive, now
from geoguichet.floor.words import Message

#: How a history tells what was done.
CHANGES: Mapping[Change, Message] = {
    "created": Message("créée"),
    "updated": Message("modifiée"),
    "deleted": Message("supprimée"),
    "submitted": Message("soumise"),
    "commented": Message("commentée"),
    "sent_back": Message("renvoyée"),
    "published": Message("publiée"),
    "withdrawn": Message("retirée"),
}


def take(writer: Writer, identifier: str, step: Step, note: str, shown: Shown | None) -> None:
    """Note a step of a record that is there; it is ``shown`` to others from now on where given."""
    database, before = writer.database, writer.known([identifier])[0][identifier]
    archive(database, identifier)
    seen, body = before.audience, before.document
    if shown is not None:
        seen = audiences.number_of(database, shown)
        body = audiences.labelled(database, Record.from_geojson(json.loads(body)), seen).to_bytes()
    waiting = before.waiting if step == "commented" else step == "submitted"
    database.execute(
        "UPDATE record SET version = version + 1, at = ?, by = ?, change = ?, stamp = ?, "
        "audience = ?, note = ?, waiting = ? WHERE n = ?",
        (now(), writer.by, step, writer.stamp, seen, note, waiting, before.number),
    )
    database.execute("UPDATE document SET body = ? WHERE n = ?", (body, before.number))
    writer.changed |= {seen, before.audience}


def waiting(database: sqlite3.Connection, seen: tuple[int, ...] | None, most: int) -> list[int]:
    """Return the numbers of the records that wait to be reviewed, the longest first."""
    among = "" if seen is None else f"AND audience IN ({', '.join(map(str, seen))})"
    asked = f"SELECT n FROM record WHERE waiting {among} ORDER BY stamp LIMIT ?"
    return [number for (number,) in database.execute(asked, (most,))]
