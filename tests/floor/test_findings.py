"""A finding is one sentence about one row."""

from geoguichet.floor.findings import Finding, count_by_rule


def test_findings_are_counted_by_rule() -> None:
    found = [Finding(rule, "services", "a", "...") for rule in ("no-point", "no-hours", "no-point")]
    assert count_by_rule(found) == {"no-hours": 1, "no-point": 2}


def test_a_finding_is_plain_data() -> None:
    finding = Finding("no-point", "services", "mairie-12054", "Pas de coordonnées.")
    assert finding.as_dict() == {
        "rule": "no-point",
        "layer": "services",
        "item": "mairie-12054",
        "message": "Pas de coordonnées.",
        "severity": "warning",
    }


def test_a_finding_of_a_row_says_which_and_what_to_do() -> None:
    finding = Finding(
        "no-point", "services", "a", "...", row=7, column="latitude", remedy="Complétez."
    )
    assert {
        "row": 7,
        "column": "latitude",
        "remedy": "Complétez.",
    }.items() <= finding.as_dict().items()
