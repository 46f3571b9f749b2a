"""A whole catalogue judged: what `catalogue check` does, with totals by organisation and by
source.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from geoguichet.catalogue.formats.csv_table import spreadsheet
from geoguichet.catalogue.intake.crawl import described_files
from geoguichet.catalogue.intake.dataset import ONLY_A_PERSON
from geoguichet.catalogue.intake.exchange import every_record
from geoguichet.catalogue.intake.harvest.journal import Journal, journal_path
from geoguichet.catalogue.quality.links import Reason, Target, dead_links
from geoguichet.catalogue.quality.rules.rule import Context
from geoguichet.catalogue.quality.validate import RULES, Checked, check, organisation_of, totals
from geoguichet.catalogue.record import Extent, Record
from geoguichet.catalogue.search.query import RecordQuery
from geoguichet.catalogue.search.store import SQLiteStore, store_path
from geoguichet.catalogue.text import words
from geoguichet.floor.words import _, pgettext
from geoguichet.referentials.territories.sample import sample_path

#: The source of the records that a crawl made of data files.
CRAWLED = "fichiers"


@dataclass(frozen=True, slots=True)
class Judged:
    """A record's check, who answers for the record, and the source that it came from (blank when a
    person made it).
    """

    organisation: str
    source: str
    checked: Checked


def judge(
    workspace: Path,
    identifiers: Iterable[str] = (),
    *,
    links: bool = False,
    on_progress: Callable[[int, int, str], None] = lambda _done, _total, _id: None,
) -> Iterator[Judged]:
    """Check the records asked for, or all of them; with ``links``, each link is tried too.

    ``on_progress`` is called before each with how many are done, of how many, and its identifier.
    """
    wanted = list(identifiers)
    origins = (
        dict.fromkeys(described_files(workspace), CRAWLED)
        | Journal(journal_path(workspace)).origins()
    )
    context, tried = Context(places=known_places()), dict[Target, Reason | None]()
    with SQLiteStore(store_path(workspace)) as store:
        total = len(wanted) or store.search(RecordQuery(limit=1)).number_matched
        for done, record in enumerate(every_record(store, wanted)):
            on_progress(done, total, record.id)
            dead = dead_links(record, tried=tried) if links else ()
            checked = check(record, context=context, more=dead)
            yield Judged(organisation_of(record), origins.get(record.id, ""), checked)


def checked(record: Record) -> Checked:
    """Check one record as it stands, whatever is in the store; no link is tried."""
    return check(record, context=Context(places=known_places()))


@cache
def known_places() -> Mapping[str, Extent]:
    """Return the boxes of the sample's communes and départements by folded name; a name borne twice
    is left out.
    """
    import pyogrio

    found: dict[str, Extent | None] = {}
    for layer in ("communes", "departements"):
        places = pyogrio.read_dataframe(sample_path(), layer=layer, columns=["name"])
        places = places[places.geometry.notna()]
        for name, bounds in zip(
            places["name"], places.geometry.bounds.itertuples(index=False), strict=True
        ):
            folded = " ".join(words(name))
            found[folded] = None if folded in found else Extent(*map(float, bounds))
    return {name: box for name, box in found.items() if box is not None}


def summaries(judged: Sequence[Judged]) -> dict[str, list[dict[str, Any]]]:
    """Return the totals (see `validate.totals`) by organisation and by source."""
    return {
        "organisation": totals((item.organisation, item.checked) for item in judged),
        "source": totals((item.source, item.checked) for item in judged),
    }


def by_rule(judged: Iterable[Judged]) -> dict[str, int]:
    """Return, per rule that finds something, in how many records."""
    return dict(
        Counter(
            rule for item in judged for rule in {finding.rule for finding in item.checked.findings}
        )
    )


def left_to_people(workspace: Path) -> list[tuple[str, int]]:
    """Return what the records that crawls made still lack that only a person knows, and in how many
    of them each.
    """
    kept = set(described_files(workspace))
    if not kept:
        return []
    context = Context()
    with SQLiteStore(store_path(workspace)) as store:
        records = [record for record in every_record(store) if record.id in kept]
    found = by_rule(Judged("", CRAWLED, check(record, context=context)) for record in records)
    told = [(rule, found.get(rule.name, 0)) for rule in RULES if rule.name in ONLY_A_PERSON]
    return [
        (str(rule.label), count)
        for rule, count in sorted(told, key=lambda pair: -pair[0].weight)
        if count
    ]


def mending(found: Mapping[str, int]) -> list[dict[str, Any]]:
    """Return the rules of `by_rule` with why each matters and how to mend it; those that cost the
    most come first.
    """
    listed = [
        {
            "rule": rule.name,
            "label": str(rule.label),
            "member": rule.member,
            "severity": rule.severity,
            "weight": rule.weight,
            "records": found[rule.name],
            "why": str(rule.why),
            "remedy": str(rule.remedy),
        }
        for rule in RULES
        if found.get(rule.name)
    ]
    return sorted(listed, key=lambda row: -row["records"] * row["weight"])


def as_csv(found: Mapping[str, Sequence[Mapping[str, Any]]]) -> bytes:
    """Return `summaries` as a table for a spreadsheet: one row per organisation, then one per
    source.
    """
    columns = {
        "group": _("groupe"),
        "records": _("fiches"),
        "score": _("note"),
        "errors": _("erreurs"),
        "warnings": _("avertissements"),
    }
    rows = (
        [by, *(str(row[name]) for name in columns)]
        for by, listed in found.items()
        for row in listed
    )
    return spreadsheet([pgettext("summary", "par"), *columns.values()], rows)


def findings_as_csv(judged: Iterable[Judged]) -> bytes:
    """Return every finding as a row, for the officer who shares them out between those who will
    mend them.
    """
    header = ("fiche", "organisme", "source", "note", "gravité", "points", "règle", "constat", "où",
    "xpath",
              "pourquoi", "remède")  # fmt: skip
    return spreadsheet(header, (row for item in judged for row in _finding_rows(item)))


def _finding_rows(item: Judged) -> Iterator[tuple[str, ...]]:
    of = (item.checked.id, item.organisation, item.source, str(item.checked.score.value))
    for found in item.checked.findings:
        told = (
            found.severity,
            str(found.weight),
            found.rule,
            str(found.message),
            found.where,
            found.xpath,
            str(found.why),
        )
        yield (*of, *told, str(found.remedy))
