"""The first lines of an answer: who is concerned, and the three questions that a plan is first asked."""

import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from geoguichet.coverage.manifest import CoverageResult
from geoguichet.coverage.outputs.first_lines import (
    cost_sentences,
    first_sentences,
    headline,
    open_sentences,
)
from geoguichet.coverage.outputs.pdf import BROWSERS
from geoguichet.coverage.outputs.pdf import write as print_pdf
from geoguichet.coverage.outputs.report import render
from geoguichet.floor.words import money, number, speaking


def test_the_headline_says_who_is_far_and_who_would_remain(result: CoverageResult) -> None:
    demand = result.demand
    white = demand[~demand["served"] & ~demand["undecided"]]
    left = white[~white["served_after"]]
    with speaking("fr"):
        told = headline(result)
        for people in (demand, white, left):
            assert number(int(people["people"].sum())) in told
    assert "80 visioguichets" in told
    bare = headline(replace(result, kiosks=result.kiosks[:0]))
    assert bare in told and "visioguichet" not in bare


def test_hours_are_those_of_the_hosts_and_the_unknown_are_counted(result: CoverageResult) -> None:
    hours = result.kiosks["hours_per_week"]
    (told,) = open_sentences(result)
    for figure in (hours.median(), hours.min(), hours.max()):
        assert number(figure, 1).removesuffix(",0") in told
    silent = result.kiosks.copy()
    silent.loc[silent.index[:3], "hours_per_week"] = None
    (told,) = open_sentences(replace(result, kiosks=silent))
    assert "3 lieux" in told
    assert open_sentences(replace(result, kiosks=result.kiosks[:0])) == []


def test_the_cost_of_a_use_is_a_supposition_with_two_ends(result: CoverageResult) -> None:
    uses = result.kiosks["people_added"].sum() * 0.03
    (told,) = cost_sentences(result)
    assert told.startswith("Hypothèse")
    for spent in (80 * 10_000 + 17 * 7_000, 2_400_000):
        for share in (0.03, 0.005, 0.043):
            assert money(spent / 4 / (uses * share / 0.03)) in told
    assert told in first_sentences(result)
    assert cost_sentences(replace(result, kiosks=result.kiosks[:0])) == []


@pytest.mark.parametrize("language", ["fr", "en"])
def test_the_first_lines_are_said_in_the_language_asked(
    result: CoverageResult, language: str
) -> None:
    with speaking(language):
        told = " ".join([headline(result), *first_sentences(result)])
    assert ("kiosk" in told) == (language == "en")


@pytest.mark.skipif(
    not (any(map(shutil.which, BROWSERS)) and shutil.which("pdftotext")),
    reason="chromium or pdftotext is not here (Debian: apt install chromium poppler-utils)",
)
def test_the_first_printed_page_holds_the_question_and_three_hostile_answers(
    result: CoverageResult, tmp_path: Path
) -> None:
    page, printed = tmp_path / "report.html", tmp_path / "report.pdf"
    page.write_text(render(result), encoding="utf-8")
    print_pdf(page, printed)
    told = subprocess.run(
        ["pdftotext", "-l", "1", str(printed), "-"], capture_output=True, text=True, check=True
    ).stdout
    said = " ".join(told.split())
    for words in ("h par semaine en médiane", "France services", "par recours", "vol d’oiseau"):
        assert words in said
    assert "Lieux d’accueil possibles" in said  # the last words of the question
