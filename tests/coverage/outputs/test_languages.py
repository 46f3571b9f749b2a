"""An English study says no French but names and its author's own words; files never follow LANG."""

import re
from collections.abc import Iterator
from dataclasses import replace
from html import unescape
from pathlib import Path

import pytest

from geoguichet.cli import main
from geoguichet.coverage.compare import altered, compare_sides, side_of
from geoguichet.coverage.manifest import CoverageResult
from geoguichet.coverage.outputs import comparison, report, sensitivity, style, web_map
from geoguichet.coverage.run import run
from geoguichet.coverage.sensitivity import sensitivity as sensitivity_of
from geoguichet.coverage.study.study import Changes, MeasuresChoice, Opening
from geoguichet.floor.words import NARROW, NO_BREAK, Unit, speaking

FRENCH = re.compile(
    r"\b(le|la|les|des|du|une|est|sont|aux|avec|pour|dans|sur|par|qui|que|aucun|aucune|chaque|ou|et|"
    r"plus|moins|déjà|habitants?|communes? (?:non )?desservies?|zones? blanches?|visioguichets?|"
    r"guichets?|seuils?|horaires|fermée?s?|ouverte?s?|lieu|lieux|rang|près|loin|jusqu|étude|écart)\b",
    re.IGNORECASE,
)


def names(result: CoverageResult) -> Iterator[str]:
    """The names that data hold, and what the author of the study wrote."""
    study = result.study
    yield from (study.title, study.abstract, study.territory.name, study.contact.organization)
    yield from (need.label for need in study.needs)
    for layer in result.inputs:
        yield from (layer.name, layer.vintage, layer.licence)
    tables = (
        result.demand, result.services, result.kiosks, result.white_zones, result.summary,
        result.territory.departements, result.territory.communes,
    )  # fmt: skip
    for table in tables:
        for column in set(table.columns) & {
            "name",
            "host",
            "commune_name",
            "commune_names",
            "hours",
        }:
            for told in table[column].dropna():
                yield from (str(told), *str(told).split(", "))
    if result.ranking is not None:
        if result.ranking.reference is not None:
            yield result.ranking.reference.reference.label
        yield from result.ranking.unserved["names"]


def french(text: str, results: tuple[CoverageResult, ...], own: tuple[str, ...] = ()) -> list[str]:
    """The French words of a document, names and what the author wrote taken away."""
    for library in (style.leaflet_js(), style.leaflet_css()):
        text = text.replace(library, "")
    text = re.sub(r"<style.*?</style>|/\*.*?\*/", " ", text, flags=re.DOTALL)
    text = re.sub(r"^\s*//.*$", " ", text, flags=re.MULTILINE)
    text = unescape(text.replace("\\u003c", "<")).replace(NARROW, " ").replace(NO_BREAK, " ")
    told = {name for result in results for name in names(result)} | set(own)
    for name in sorted(told, key=len, reverse=True):
        if len(name) > 3:
            text = text.replace(name, "·")
    around = [text[max(0, one.start() - 40) : one.end() + 40] for one in FRENCH.finditer(text)]
    return [one.replace("\n", " ") for one in around]


@pytest.fixture(scope="module")
def english(small: CoverageResult) -> CoverageResult:
    """The Ariège in English, with more to say than the question."""
    assert small.study.kiosks is not None
    kiosks = replace(small.study.kiosks, existing=("09225",), weight="pop_65_plus")
    return run(replace(small.study, language="en", measures=MeasuresChoice(), kiosks=kiosks))


def test_the_scan_finds_french(small: CoverageResult) -> None:
    assert len(french(report.render(small), (small,))) > 100
    assert len(french(web_map.render(small), (small,))) > 100


def test_an_english_study_writes_no_french(english: CoverageResult, result: CoverageResult) -> None:
    ours = replace(result, study=replace(result.study, language="en"), findings=())
    for answer in (english, ours):
        assert french(report.render(answer), (answer,)) == []
        assert french(web_map.render(answer), (answer,)) == []
    for unit in Unit:
        assert french("".join(style.layer_styles("en", unit).values()), ()) == []


def test_an_english_comparison_writes_no_french(english: CoverageResult) -> None:
    changes = Changes(
        open=(Opening("town_hall", 1.2, 43.02, "Mo-Fr 08:00-18:00", "Mairie neuve"),),
        close=("sous-prefecture-092",),
    )
    other = run(altered(english.study, changes))
    between = compare_sides(side_of(english, kiosks=True), side_of(other, kiosks=True))
    assert french(comparison.render(between), (english, other), ("Mairie neuve",)) == []


def test_an_english_sensitivity_writes_no_french(english: CoverageResult) -> None:
    told = sensitivity_of(english.study, thresholds=(0.8, 1.2))
    assert french(sensitivity.render(told), (english, told.result)) == []


def test_the_files_of_a_study_never_follow_the_terminal(small: CoverageResult) -> None:
    for render in (report.render, web_map.render):
        with speaking("en"):
            there = render(small)
        assert there == render(small)


def test_the_terminal_speaks_english_when_asked(
    small: CoverageResult,
    small_path: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("LANG", "en_GB.UTF-8")
    assert main(["coverage", "run", str(small_path), "--out", str(tmp_path / "out")]) == 0
    told = capsys.readouterr().out
    assert "Territory" in told and "more served; proved optimal" in told
    assert "findings about the data" in told and "Computed in" in told
    assert french(told, (small,), (str(tmp_path),)) == []
    assert 'lang="fr"' in (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert main(["coverage", "run", "absent.toml", "--lang", "fr"]) == 2
    assert "geoguichet : " in capsys.readouterr().err
    assert main(["coverage", "run"]) == 2
    assert "the following arguments are required: STUDY.toml" in capsys.readouterr().err
