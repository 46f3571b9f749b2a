"""What is missing, wrong or doubtful in a record: ISO 19115, INSPIRE (technical guidance 2.0), OGC
Records, and sense.

Every rule says what it found, where, why it matters and how to mend it; the score is the share of
the weights of the rules that apply to the record and find nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from geoguichet.catalogue.formats.iso import iso19139
from geoguichet.catalogue.quality.rules import identification, place_and_time, record_schema, use
from geoguichet.catalogue.quality.rules.rule import Context, Fault, Rule
from geoguichet.catalogue.record import Record
from geoguichet.floor.findings import Finding, Severity
from geoguichet.floor.words import Message, _, ngettext


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
    parts: tuple[tuple[str, int, int], ...]


@dataclass(frozen=True, slots=True)
class Checked:
    """A record's findings, the heaviest first, and its score; told in the reader's language."""

    id: str
    findings: tuple[RecordFinding, ...]
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
            lines.append("      " + _("où : {place}", place=place))
            lines.append("      " + _("pourquoi : {why}", why=finding.why))
            lines.append("      " + _("remède : {remedy}", remedy=finding.remedy))
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
    """Check a record against every rule that applies to its type; ``more`` are findings made
    elsewhere (its links).
    """
    context = context or Context()
    findings: list[RecordFinding] = []
    parts: list[tuple[str, int, int]] = []
    for rule in RULES:
        if rule.types and (record.type or "dataset") not in rule.types:
            continue
        messages = list(rule.check(record, context))
        findings += [_finding(record, rule, message) for message in messages]
        parts.append((rule.name, 0 if messages else rule.weight, rule.weight))
    findings += more
    total = sum(weight for _, _, weight in parts)
    given = sum(points for _, points, _ in parts)
    findings.sort(
        key=lambda finding: (("error", "warning", "info").index(finding.severity), -finding.weight)
    )
    return Checked(record.id, tuple(findings), Score(round(100 * given / total), tuple(parts)))


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
    *identification.RULES,
    *place_and_time.RULES,
    *use.RULES,
    *record_schema.RULES,
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
