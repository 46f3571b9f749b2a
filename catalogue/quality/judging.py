"""One record judged by every rule, its links tried, and a whole catalogue judged: what
`catalogue check` does, with totals by organisation and by source.
"""

from __future__ import annotations

import ipaddress
import socket
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from geoguichet.catalogue.formats.csv_table import spreadsheet
from geoguichet.catalogue.formats.iso import iso19139
from geoguichet.catalogue.formats.mapping import shaped
from geoguichet.catalogue.intake.crawl import described_files
from geoguichet.catalogue.intake.drafts.dataset import ONLY_A_PERSON
from geoguichet.catalogue.intake.exchange import every_record
from geoguichet.catalogue.intake.harvest.journal import Journal, journal_path
from geoguichet.catalogue.quality.rules import description, use
from geoguichet.catalogue.quality.rules.description import Context, Fault, Rule, Told
from geoguichet.catalogue.record import Extent, Link, Record
from geoguichet.catalogue.search.query import RecordQuery
from geoguichet.catalogue.search.store import SQLiteStore, store_path
from geoguichet.catalogue.text import words
from geoguichet.floor.findings import Finding, Severity
from geoguichet.floor.http import Client, HttpError
from geoguichet.floor.region import read_region
from geoguichet.floor.viewer import MACHINE, Viewer
from geoguichet.floor.words import Message, _, ngettext, pgettext
from geoguichet.referentials.layers import list_layers, read_layer, sample_path

# What is missing, wrong or doubtful in a record: ISO 19115, INSPIRE (technical guidance 2.0), OGC
# Records, and sense. Every rule says what it found, where, why it matters and how to mend it; the
# score is the share of the weights of the rules that apply to the record and find nothing.


@dataclass(frozen=True, slots=True, order=True)
class RecordFinding(Finding):
    """A finding in a record: where in its JSON and in ISO 19139, why it matters, how to mend it."""

    where: str = ""
    xpath: str = ""
    why: str | Message = ""
    #: Points that its rule takes from the score, once; 0 when it is told beside the score.
    weight: int = 0


@dataclass(frozen=True, slots=True)
class Score:
    """How complete and sound a record is: 0 to 100, with what each rule gave of what it could
    give.
    """

    value: int
    #: Rule, points given, points possible.
    parts: tuple[tuple[str, int, int], ...] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Checked:
    """A record's findings, the heaviest first, and its score; told in the reader's language."""

    id: str
    findings: tuple[RecordFinding, ...] = field(repr=False)
    score: Score

    def as_dict(self) -> dict[str, Any]:
        """Return it ready for JSON."""
        parts = [
            {"rule": rule, "points": points, "possible": possible}
            for rule, points, possible in self.score.parts
        ]
        findings = [finding.as_dict() for finding in self.findings]
        return {"id": self.id, "score": self.score.value, "parts": parts, "findings": findings}

    def as_text(self) -> str:
        """Return it in words: the score, then each finding with where, why and how to mend it."""
        lines = [
            _(
                "{id} : {score}/100 ({given} points sur {possible})",
                id=self.id,
                score=self.score.value,
                given=sum(points for _rule, points, _possible in self.score.parts),
                possible=sum(possible for _rule, _points, possible in self.score.parts),
            )
        ]
        for finding in self.findings:
            weight = finding.weight
            cost = ngettext(", {n} point", ", {n} points", weight) if weight else ""
            lines.append(f"  [{SEVERITIES[finding.severity]}{cost}] {finding.message}")
            place = finding.where + (f" ({finding.xpath})" if finding.xpath else "")
            lines += [
                "      " + _("où : {place}", place=place),
                "      " + _("pourquoi : {why}", why=finding.why),
                "      " + _("remède : {remedy}", remedy=finding.remedy),
            ]
        return "\n".join(lines)


SEVERITIES: Mapping[Severity, Message] = {
    "error": Message("erreur"),
    "warning": Message("avertissement"),
    "info": Message("à savoir"),
}


def check(
    record: Record,
    *,
    context: Context | None = None,
    more: Iterable[RecordFinding] = (),
) -> Checked:
    """Check a ``record`` against every rule that applies to its type (ISO 19115-1:2014, INSPIRE's
    technical guidance 2.0), and return its findings, the gravest first, and its score (0 to 100).

    ``context`` is what its catalogue knows of the other records and of places; ``more`` are findings
    made elsewhere (its links). A record is never refused.

    Examples
    --------
    After the example of :func:`~geoguichet.Record`:

    >>> checked = check(record)
    >>> checked.score.value, len(checked.findings), checked.findings[0].rule
    (49, 19, 'abstract')
    """
    context, plain = context or Context(), shaped(record)
    findings: list[RecordFinding] = []
    parts: list[tuple[str, int, int]] = []
    for rule in RULES:
        if rule.types and (record.type or "dataset") not in rule.types:
            continue
        messages = list(rule.check(record if rule in use.SERVED else plain, context))
        findings += [_finding(record, rule, message) for message in messages]
        parts.append((rule.name, 0 if messages else rule.weight, rule.weight))
    findings += more
    _names, given, total = zip(*parts, strict=True)
    findings.sort(
        key=lambda finding: (("error", "warning", "info").index(finding.severity), -finding.weight)
    )
    return Checked(
        record.id, tuple(findings), Score(round(100 * sum(given) / sum(total)), tuple(parts))
    )


def totals(records: Iterable[tuple[str, Checked]]) -> list[dict[str, Any]]:
    """Return, per group (an organisation, a source), how many records, their mean score, errors and
    warnings.
    """
    groups: dict[str, list[Checked]] = {}
    for group, checked in records:
        groups.setdefault(group, []).append(checked)
    return [
        {
            "group": group,
            "records": len(listed),
            "score": round(sum(item.score.value for item in listed) / len(listed)),
            "errors": sum(
                finding.severity == "error" for item in listed for finding in item.findings
            ),
            "warnings": sum(
                finding.severity == "warning" for item in listed for finding in item.findings
            ),
        }
        for group, listed in sorted(groups.items())
    ]


def organisation_of(record: Record) -> str:
    """Return who answers for a record: its publisher, else its point of contact, else nobody."""
    named = [
        contact
        for contact in record.contacts
        if contact.organization and not contact.extra.get("about")
    ]
    published = [contact.organization for contact in named if "publisher" in contact.roles]
    return next(iter([*published, *(contact.organization for contact in named)]), "")


#: Every rule, by family.
RULES: tuple[Rule, ...] = (
    *description.WHAT,
    *description.WHERE_AND_WHEN,
    *use.USE,
    *use.SERVED,
)

_PROPERTIES = frozenset({"id", "geometry", "time", "links"})
_XPATHS = {row.member: f"/MD_Metadata/{row.path}" for row in reversed(iso19139.MAPPING)}


def _finding(record: Record, rule: Rule, found: Message | Fault) -> RecordFinding:
    member = rule.member.partition(".")[0]
    where, xpath = member if member in _PROPERTIES else f"properties.{member}", ""
    if isinstance(found, Fault):
        where, found, xpath = found
    return RecordFinding(
        rule.name,
        "catalogue",
        record.id,
        found,
        rule.severity,
        where=where,
        xpath=xpath or _XPATHS.get(rule.member) or _XPATHS.get(member, ""),
        why=rule.why,
        remedy=rule.remedy,
        weight=rule.weight,
    )


# The links of a record, tried: which ones are dead, and why.


#: How long and how much a link is worth: enough to know that something is there.
PATIENCE = Client(timeout_s=10, total_s=20, tries=1, enough=64 * 1024)


def dead_links(
    record: Record,
    *,
    client: Client = PATIENCE,
    inner: bool = False,
    tried: dict[Target, Reason | None] | None = None,
) -> tuple[RecordFinding, ...]:
    """Try every web link of a record; a finding says why one does not lead where it should.

    With ``tried``, a link that is in it is not tried again, and what is found is put there.

    Addresses inside the organisation's network are left alone unless ``inner`` says otherwise: a
    record is written by others, and must not make us ask our own machines.
    """
    links = [
        (at, link)
        for at, link in enumerate(record.links)
        if link.href.startswith(("http://", "https://"))
    ]
    known = {} if tried is None else tried
    untried = dict.fromkeys(_target(link) for _, link in links if _target(link) not in known)
    with ThreadPoolExecutor(4) as four:  # an interruption waits for those being tried, at most
        reasons = four.map(lambda target: _reason(target, client, inner=inner), untried)
        known |= dict(zip(untried, reasons, strict=True))
    return tuple(_found(record, links, known))


class Target(NamedTuple):
    """What of a link decides whether it leads where it should."""

    href: str
    rel: str
    type: str


class Reason(NamedTuple):
    """The rule that a link breaks, and how."""

    rule: str
    said: Message | Told


def _target(link: Link) -> Target:
    return Target(link.href, link.rel, link.type)


def _found(
    record: Record,
    links: list[tuple[int, Link]],
    reasons: Mapping[Target, Reason | None],
) -> Iterator[RecordFinding]:
    for at, link in links:
        reason = reasons[_target(link)]
        if reason is not None:
            yield RecordFinding(
                reason.rule,
                "catalogue",
                record.id,
                Message("{href} : {reason}", href=link.href[:120], reason=reason.said),
                "info" if reason.rule in _ALIVE else "warning",
                where=f"links[{at}].href",
                why=_WHY_ALIVE if reason.rule in _ALIVE else _WHY,
                remedy=_REMEDIES.get(reason.rule, _REMEDY),
            )


# Return why a link fails; None when it does not.
def _reason(link: Target, client: Client, *, inner: bool) -> Reason | None:
    try:
        if not inner and _is_inner(link.href):
            return Reason("link-inner", Message("adresse d'un réseau interne, non essayée."))
        response = client.get(link.href)
    except HttpError as error:
        return Reason(f"link-{error.kind or 'dead'}", Told(error.french, error.english))
    kind = response.media_type
    if link.rel in ("enclosure", "service") and kind == "text/html" and link.type != "text/html":
        return Reason("link-content", Message("une page HTML est reçue à la place de la donnée."))
    if link.rel == "service" and "access-control-allow-origin" not in response.headers:
        return Reason(
            "link-cors",
            Message(
                "le serveur n'autorise pas les pages d'autres sites (CORS) : une carte en ligne "
                "ne l'affichera pas."
            ),
        )
    return None


#: What is told of a link that may well be alive.
_ALIVE = frozenset({"link-cors", "link-inner", "link-moved"})

_WHY = Message("Un lien mort ou trompeur fait perdre l'usager.")
_WHY_ALIVE = Message("Le lien peut être bon, mais il ne servira pas à tous.")
_REMEDY = Message("Corriger l'adresse, ou retirer le lien.")
_REMEDIES = {
    "link-cors": Message(
        "Demander au gestionnaire du service d'envoyer l'en-tête Access-Control-Allow-Origin."
    ),
    "link-moved": Message("Écrire l'adresse d'arrivée dans la fiche."),
    "link-inner": Message("Donner une adresse que tous peuvent atteindre, ou retirer le lien."),
    "link-timeout": Message(
        "Essayer plus tard ; si le serveur reste muet, corriger l'adresse ou retirer le lien."
    ),
    "link-content": Message("Donner l'adresse de la donnée elle-même."),
}


# Say whether an address leads to a private, local or reserved place.
def _is_inner(address: str) -> bool:
    try:
        found = {item[4][0] for item in socket.getaddrinfo(urlsplit(address).hostname or "", None)}
    except (OSError, ValueError):
        return False  # the client will say that the name does not exist, or that this is no address
    return any(not ipaddress.ip_address(str(item).partition("%")[0]).is_global for item in found)


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
    viewer: Viewer,
    links: bool = False,
    on_progress: Callable[[int, int, str], None] = lambda _done, _total, _id: None,
) -> Iterator[Judged]:
    """Check the records asked for, or all that the viewer sees; with ``links``, each link is tried too.

    ``on_progress`` is called before each with how many are done, of how many, and its identifier.
    """
    wanted = list(identifiers)
    origins = (
        dict.fromkeys(described_files(workspace), CRAWLED)
        | Journal(journal_path(workspace)).origins()
    )
    context, tried = Context(places=places_of(workspace)), dict[Target, Reason | None]()
    with SQLiteStore(store_path(workspace)) as store:
        total = len(wanted) or store.search(RecordQuery(limit=1), viewer=viewer).number_matched
        for done, record in enumerate(every_record(store, wanted, viewer=viewer)):
            on_progress(done, total, record.id)
            checked = check(
                record, context=context, more=dead_links(record, tried=tried) if links else ()
            )
            yield Judged(organisation_of(record), origins.get(record.id, ""), checked)


def checked(record: Record, places: Mapping[str, Extent] | None = None) -> Checked:
    """Check one record as it stands, whatever is in the store, against the `places_of` a workspace
    (without them, the sample's); no link is tried.
    """
    return check(record, context=Context(places=known_places() if places is None else places))


def places_of(workspace: Path) -> Mapping[str, Extent]:
    """Return the places of the region of a workspace; none where it has a name and no data."""
    told = read_region(workspace)
    if told.territory is not None:
        return known_places((workspace / told.territory.data).resolve())
    return known_places() if told.region.name is None else {}


@cache
def known_places(data: Path | None = None) -> Mapping[str, Extent]:
    """Return the boxes of the communes and départements that a territory's data have (without data,
    the sample's) by folded name; a name borne twice is left out.
    """
    found: dict[str, Extent | None] = {}
    path = data or sample_path()
    for layer in sorted({"communes", "departements"}.intersection(list_layers(path))):
        places = read_layer(path, layer=layer)
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
        records = [record for record in every_record(store, viewer=MACHINE) if record.id in kept]
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
    return sorted(
        [
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
        ],
        key=lambda row: -row["records"] * row["weight"],
    )


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
