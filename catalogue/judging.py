"""A whole catalogue judged: what `catalogue check` does, with totals by organisation and by source."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from geoguichet.catalogue.crawl import described_files
from geoguichet.catalogue.csv_table import harmless
from geoguichet.catalogue.exchange import every_record
from geoguichet.catalogue.harvest.journal import Journal, journal_path
from geoguichet.catalogue.links import dead_links
from geoguichet.catalogue.record import Extent
from geoguichet.catalogue.store import SQLiteStore, store_path
from geoguichet.catalogue.text import words
from geoguichet.catalogue.validate import Checked, Context, check, organisation_of, totals
from geoguichet.referentials.sample import sample_path

CRAWLED = "fichiers"
"""The source of the records that a crawl made of data files."""


@dataclass(frozen=True, slots=True)
class Judged:
    """A record's check, who answers for the record, and the source that it came from (blank when a person made it)."""

    organisation: str
    source: str
    checked: Checked


def judge(workspace: Path, identifiers: Iterable[str] = (), *, links: bool = False) -> Iterator[Judged]:
    """Check the records asked for, or all of them; with ``links``, each link is tried too."""
    origins = dict.fromkeys(described_files(workspace), CRAWLED) | Journal(journal_path(workspace)).origins()
    context = Context(places=known_places())
    with SQLiteStore(store_path(workspace)) as store:
        for record in every_record(store, identifiers):
            checked = check(record, context=context, more=dead_links(record) if links else ())
            yield Judged(organisation_of(record), origins.get(record.id, ""), checked)


def known_places() -> Mapping[str, Extent]:
    """Return the boxes of the sample's communes and départements by folded name; a name borne twice is left out."""
    import pyogrio

    found: dict[str, Extent | None] = {}
    for layer in ("communes", "departements"):
        places = pyogrio.read_dataframe(sample_path(), layer=layer, columns=["name"])
        places = places[places.geometry.notna()]
        for name, bounds in zip(places["name"], places.geometry.bounds.itertuples(index=False), strict=True):
            folded = " ".join(words(name))
            found[folded] = None if folded in found else Extent(*map(float, bounds))
    return {name: box for name, box in found.items() if box is not None}


def summaries(judged: Sequence[Judged]) -> dict[str, list[dict[str, Any]]]:
    """Return the totals (see `validate.totals`) by organisation and by source."""
    return {
        "organisation": totals((item.organisation, item.checked) for item in judged),
        "source": totals((item.source, item.checked) for item in judged),
    }


def as_csv(judged: Sequence[Judged]) -> bytes:
    """Return the totals as a table for a spreadsheet: one row per organisation, then one per source."""
    table = io.StringIO()
    writer = csv.writer(table, delimiter=";", lineterminator="\r\n")
    writer.writerow(("par", "groupe", "fiches", "note", "erreurs", "avertissements"))
    for by, rows in summaries(judged).items():
        for row in rows:
            numbers = (row[name] for name in ("records", "score", "errors", "warnings"))
            writer.writerow((by, harmless(row["group"]), *numbers))
    return table.getvalue().encode("utf-8-sig")
