"""A record described anew, and what people wrote in it since: both are kept, member by member
(decision 033).
"""

from __future__ import annotations

from typing import Any

from geoguichet.catalogue.errors import RecordNotFoundError
from geoguichet.catalogue.record import Record
from geoguichet.catalogue.search.store import RecordStore


def with_edits(fresh: Record, store: RecordStore, *, by: str) -> Record:
    """Return a record with the members that others than ``by`` ever changed, as they stand in the
    store.

    A member is one of the document or of its properties, whole; ``updated`` is the later of the
    two. A record that is not in the store comes back as it is.
    """
    try:
        current = store.get(fresh.id)
        edits = [
            version
            for version in store.history(fresh.id)
            if version.by != by and version.change == "updated"
        ]
    except RecordNotFoundError:
        return fresh
    if not edits:
        return fresh
    now, new = current.to_geojson(), fresh.to_geojson()
    for name in {name for version in edits for name in version.members}:
        holder, _, member = name.rpartition(".")
        _take(member, now[holder] if holder else now, new[holder] if holder else new)
    if updated := max(current.updated, fresh.updated):
        new["properties"]["updated"] = updated
    return Record.from_geojson(new)


def _take(member: str, now: dict[str, Any], new: dict[str, Any]) -> None:
    """Give ``new`` the member as ``now`` has it, or take it away when ``now`` has none."""
    if member in now:
        new[member] = now[member]
    else:
        new.pop(member, None)
