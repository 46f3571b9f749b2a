"""A harvest from end to end: read the source, store what is new or changed, notice what is gone,
tell all of it.

Documents go to the store first and to the journal after, batch by batch; a harvest killed anywhere
is gone on with and ends with the store of one that was never interrupted. A document whose digest
is known is neither read nor written.
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import batched
from pathlib import Path

from geoguichet.catalogue.errors import HarvestError, RecordNotFoundError
from geoguichet.catalogue.formats import registry
from geoguichet.catalogue.formats.registry import Described
from geoguichet.catalogue.intake.exchange import (
    Originals,
    originals_path,
    prepared,
)
from geoguichet.catalogue.intake.harvest.journal import (
    Journal,
    Kept,
    Mark,
    Neighbours,
    journal_path,
)
from geoguichet.catalogue.intake.harvest.source import (
    Deleted,
    Fetched,
    Item,
    Partial,
    Refused,
    Source,
    Unchanged,
)
from geoguichet.catalogue.record import Record
from geoguichet.catalogue.search.store import SQLiteStore, store_path
from geoguichet.catalogue.text import words
from geoguichet.floor.findings import Finding
from geoguichet.floor.http import HttpError
from geoguichet.floor.viewer import MACHINE
from geoguichet.floor.words import Message

#: Called with how many documents are read, of how many (0 when the source does not say), and the
#: counts so far.
type OnProgress = Callable[[int, int, Mapping[str, int]], None]

#: Documents stored together: what an interruption may have to read again.
BATCH = 200
#: The share of its records that a source may lose from one harvest to the next: beyond, it is more
#: likely to be broken than emptied, and nothing is deleted.
MAX_SHRINK = 0.2


@dataclass(frozen=True, slots=True)
class Summary:
    """What a harvest did: counts of records, whether all of the source was seen, and what was
    noticed.
    """

    name: str
    status: str
    counts: Mapping[str, int]
    findings: tuple[Finding, ...]
    #: How many records the source said it has; 0 when it did not say.
    expected: int = 0
    #: Whether all of the source was seen, and was something.
    whole: bool = True


@dataclass(slots=True)
class _Tally:
    """Counts and findings of one run, as it goes."""

    source: str
    counts: dict[str, int] = field(
        default_factory=lambda: dict.fromkeys(
            ("read", "new", "changed", "unchanged", "refused", "gone", "duplicates"), 0
        )
    )
    findings: list[Finding] = field(default_factory=list)
    clean: bool = True
    seen: set[str] = field(default_factory=set)
    expected: int = 0

    def note(self, rule: str, item: str, message: str | Message, *, refused: bool = False) -> None:
        self.findings.append(
            Finding(rule, self.source, item, message, "error" if refused else "warning")
        )
        if refused:
            self.counts["refused"] += 1
            self.clean = False

    def refuse(self, findings: Iterable[Finding]) -> None:
        for finding in findings:
            self.findings.append(finding)
            self.counts["refused"] += 1
            self.clean = False


def harvest(
    source: Source,
    workspace: str | Path,
    *,
    name: str,
    kind: str,
    dry_run: bool = False,
    moved: bool = False,
    max_shrink: float = MAX_SHRINK,
    on_progress: OnProgress = lambda _done, _total, _counts: None,
) -> Summary:
    """Harvest a source into a workspace; one that was interrupted goes on where it was.

    Parameters
    ----------
    source, workspace
        Of :func:`~geoguichet.open_source`; the folder of the catalogue.
    name, kind
        A name stands for one source: another kind or address under it is refused, unless ``moved``.
    dry_run
        Tell what would change, and write nothing.
    max_shrink
        The share (0 to 1) of the records that it gave before which may be gone: they are deleted
        when all of the source was seen, and no more than these are.
    on_progress
        Called before each record with how many are done, of how many, and the counts.

    Returns
    -------
    Summary
        Its status, how many records are new, changed, unchanged and gone, and the findings.

    Raises
    ------
    HarvestError
        The source cannot be reached or is not of its kind, or another one has its name.

    Examples
    --------
    After the example of :func:`~geoguichet.export_all`:

    >>> from geoguichet import open_source
    >>> source = open_source("folder", "iso", name="voisin")
    >>> told = harvest(source, "ailleurs", name="voisin", kind="folder")
    >>> told.status, told.counts["new"], told.whole
    ('complete', 1, True)
    """
    if not 0 <= max_shrink <= 1:
        message = Message("max_shrink : une part de 0 à 1 est attendue, {given} est donné.")
        raise HarvestError(message.given(given=max_shrink))
    if dry_run:
        return _rehearse(source, Path(workspace), name, on_progress)
    journal = Journal(journal_path(workspace))
    opened = journal.open_run(name, kind, source.address, moved=moved)
    run, cursor = opened.number, opened.cursor
    tally = _Tally(name, clean=opened.clean)
    tally.counts |= opened.counts
    status = "failed"
    tally.seen = journal.seen(run, name) if cursor else set()
    if not cursor:
        source.validators = journal.validators(name)
    try:
        with SQLiteStore(store_path(workspace)) as store:
            for batch in batched(
                _watched(source.records(cursor=cursor), tally, on_progress), BATCH
            ):
                _store_batch(
                    batch, run, journal, store, Originals(originals_path(workspace)), tally
                )
            status = _finish(run, journal, store, tally, max_shrink)
        if status == "complete" and not tally.counts["duplicates"]:
            journal.keep_validators(name, source.validators)
    except KeyboardInterrupt:
        status = "interrupted"
        raise
    except HttpError as error:
        tally.note("source", "", str(error))
    finally:
        journal.close_run(run, name, status, tally.counts if status != "interrupted" else None)
    whole = status == "complete"
    return Summary(name, status, tally.counts, tuple(tally.findings), tally.expected, whole)


# Yield items, telling after each how far the reading is; a source lost on the way ends what it gave
# as partial.
def _watched(items: Iterable[Item], tally: _Tally, on_progress: OnProgress) -> Iterator[Item]:
    cursor = None
    try:
        for item in items:
            yield item
            cursor = item.cursor
            if isinstance(item, Fetched):
                tally.expected = max(tally.expected, item.place[1])
                on_progress(*item.place, tally.counts)
    except HttpError as error:
        if cursor is None:
            raise
        yield Partial(str(error), cursor)


# Store a batch of documents, then note it in the journal.
def _store_batch(
    batch: tuple[Item, ...],
    run: int,
    journal: Journal,
    store: SQLiteStore,
    originals: Originals,
    tally: _Tally,
) -> None:
    fetched = {_digest(item.body): item for item in batch if isinstance(item, Fetched)}
    known = journal.known(tally.source, fetched) if fetched else {}
    seen = list(known)
    for ids in known.values():
        tally.counts["read"] += len(ids)
        tally.counts["unchanged"] += len(ids)
        tally.seen.update(ids)
    for item in batch:
        seen += _other(item, journal, store, tally)
    taken: dict[str, list[Described]] = {}
    answers = {
        digest: registry.read_document(item.body, address=item.address)
        for digest, item in fetched.items()
        if digest not in known
    }
    marks = {
        one.record.id: _mark(one.record) for answer in answers.values() for one in answer.described
    }
    neighbours = journal.neighbours(tally.source, marks.values()) if marks else {}
    for digest, answer in answers.items():
        taken[digest] = list(_taken(answer, fetched[digest].address, neighbours, store, tally))
    read = [
        prepared(one, fetched[digest].address, store.limits)
        for digest in taken
        for one in taken[digest]
    ]
    refused = {one.kept.id for one in read if not one.ready}
    if read:
        done = store.load((one.ready for one in read if one.ready), by=tally.source)
        for counted, number in (
            ("new", done.created),
            ("changed", done.updated),
            ("unchanged", done.unchanged),
        ):
            tally.counts[counted] += number
        originals.keep(one.kept for one in read if one.ready)
    tally.refuse(finding for one in read if not one.ready for finding in one.findings)
    tally.findings += (finding for one in read if one.ready for finding in one.findings)
    kept = []
    for digest, ones in taken.items():
        stored = [marks[one.record.id] for one in ones if one.record.id not in refused]
        answer = answers[digest]
        whole = len(stored) == len(answer.described) and not any(
            finding.severity == "error" for finding in answer.findings
        )
        kept.append(Kept(digest, fetched[digest].address, tuple(stored), whole))
    journal.keep(
        run, tally.source, kept, seen, batch[-1].cursor, clean=tally.clean, counts=tally.counts
    )


# Take what is not a document; return the digests of the documents that the server says unchanged.
def _other(item: Item, journal: Journal, store: SQLiteStore, tally: _Tally) -> list[str]:
    if isinstance(item, Refused):
        message = Message("refusée : {reason}", reason=item.reason)
        tally.note("refused", item.address, message, refused=True)
    elif isinstance(item, Partial):
        tally.clean = False
        message = Message("moisson partielle, aucune fiche n'est supprimée : {reason}")
        tally.note("partial", "", message.given(reason=item.reason))
    elif isinstance(item, Unchanged):
        digests = journal.digests_at(tally.source, item.address)
        for ids in journal.known(tally.source, digests).values():
            tally.counts["read"] += len(ids)
            tally.counts["unchanged"] += len(ids)
        return digests
    elif isinstance(item, Deleted) and journal.gave(
        tally.source, item.identifier
    ):  # never another's, nor a person's
        _delete(store, item.identifier, tally)
        journal.forget(tally.source, [item.identifier])
    return []


_TWICE = Message(
    "donné deux fois par la source, la seconde à {address} ; la première fiche est gardée."
)
_HELD = Message("fiche déjà donnée par la source « {source} », qui la garde.")
_MADE = Message("fiche déjà au catalogue, de la main de « {hand} », et gardée.")
_NAMESAKE = Message("même identifiant de ressource que « {id} » (source « {source} »).")
_LOOKALIKE = Message("mêmes titre et emprise que « {id} » (source « {source} »).")


# Yield the records of a document that are to be stored, telling the others.
def _taken(
    answer: registry.Answer,
    address: str,
    neighbours: Mapping[str, Neighbours],
    store: SQLiteStore,
    tally: _Tally,
) -> Iterator[Described]:
    tally.refuse(finding for finding in answer.findings if finding.severity == "error")
    for one in answer.described:
        tally.counts["read"] += 1
        identifier = one.record.id
        twice, near = identifier in tally.seen, neighbours[identifier]
        tally.seen.add(identifier)
        told: tuple[str, Message] | None = None
        if twice:
            told = "duplicate-id", _TWICE.given(address=address)
        elif near.holder:
            told = "duplicate", _HELD.given(source=near.holder)
        elif not near.known and (hand := _other_hand(identifier, store, tally.source)):
            told = "duplicate", _MADE.given(hand=hand)
        elif near.namesake[0]:
            told = "namesake", _NAMESAKE.given(id=near.namesake[0], source=near.namesake[1])
        elif near.lookalike[0] and one.record.title:
            told = "lookalike", _LOOKALIKE.given(id=near.lookalike[0], source=near.lookalike[1])
        if told:
            tally.note(told[0], identifier, told[1])
        if told and told[0].startswith("duplicate"):
            tally.counts["duplicates"] += 1
        else:
            yield one


# Return who made a record that the source did not; blank when there is none, or when an import
# brought it.
def _other_hand(identifier: str, store: SQLiteStore, source: str) -> str:
    try:
        store.document(identifier, viewer=MACHINE)
        hands = [version.by for version in store.history(identifier, viewer=MACHINE)]
    except RecordNotFoundError:
        return ""
    return "" if {source, "import", ""} & set(hands) else hands[0]


# Delete what is gone, if all of the source was seen, something was, and what is gone is a small
# part of it; return the status of the run.
def _finish(
    run: int, journal: Journal, store: SQLiteStore, tally: _Tally, max_shrink: float
) -> str:
    if not tally.clean:
        return "partial"
    gone = journal.gone(run, tally.source)
    before = max(journal.size(tally.source) - tally.counts["new"], len(gone))
    told = None
    if not tally.counts["read"] and gone:
        told = "empty", Message("la source ne donne plus rien ; ses {gone} fiches sont gardées.")
    elif not tally.counts["read"]:
        told = "empty", Message("la source ne donne aucune fiche ; une au moins est attendue.")
    elif len(gone) > max_shrink * before:
        told = (
            "shrink",
            Message(
                "{gone} fiches sur {before} ont disparu de la source, plus que la part permise "
                "({most}) : aucune n'est supprimée ; --max-shrink {share} (ou max_shrink dans le "
                "fichier de sources) l'accepte.",
            ),
        )
    if told is not None:
        share = -(-100 * len(gone) // max(before, 1)) / 100
        values = {"gone": len(gone), "before": before, "most": max_shrink, "share": str(share)}
        tally.note(told[0], "", told[1].given(**values))
        return "partial"
    for identifier in gone:
        _delete(store, identifier, tally)
    journal.forget(tally.source, gone)
    return "complete"


def _delete(store: SQLiteStore, identifier: str, tally: _Tally) -> None:
    try:
        store.delete(identifier, by=tally.source)
        tally.counts["gone"] += 1
    except RecordNotFoundError:
        return


# Tell what a harvest would do.
def _rehearse(source: Source, workspace: Path, name: str, on_progress: OnProgress) -> Summary:
    tally = _Tally(name)
    with SQLiteStore(store_path(workspace)) as store:
        try:
            for item in _watched(source.records(), tally, on_progress):
                if isinstance(item, Refused | Partial):
                    tally.clean = False
                    tally.note(
                        "refused",
                        getattr(item, "address", ""),
                        item.reason,
                        refused=isinstance(item, Refused),
                    )
                elif isinstance(item, Fetched):
                    answer = registry.read_document(item.body, address=item.address)
                    tally.findings += [
                        finding for finding in answer.findings if finding.severity == "error"
                    ]
                    tally.counts["refused"] += sum(
                        finding.severity == "error" for finding in answer.findings
                    )
                    for record in answer.records:
                        tally.counts["read"] += 1
                        tally.counts[_would(store, record)] += 1
        except HttpError as error:
            tally.clean = False
            tally.note("source", "", str(error))
    whole = tally.clean and tally.counts["read"] > 0 and not tally.counts["refused"]
    return Summary(name, "dry-run", tally.counts, tuple(tally.findings), tally.expected, whole)


def _would(store: SQLiteStore, record: Record) -> str:
    try:
        return (
            "unchanged"
            if store.get(record.id, viewer=MACHINE).digest() == record.digest()
            else "changed"
        )
    except RecordNotFoundError:
        return "new"


def _digest(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()


def _mark(record: Record) -> Mark:
    return Mark(record.id, _print(record), tuple(item.value for item in record.external_ids))


# Return what two records about the same thing share: the words of the title, and the extent to a
# hundredth.
def _print(record: Record) -> str:
    box = record.extent
    sides = (
        ""
        if box is None
        else " ".join(f"{side:.2f}" for side in (box.west, box.south, box.east, box.north))
    )
    return hashlib.sha256(f"{' '.join(words(record.title))}|{sides}".encode()).hexdigest()[:24]
