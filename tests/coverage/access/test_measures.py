"""Measures of access in a study: each department's figures are those of its own places."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyogrio
import pytest

from geoguichet.cli import main
from geoguichet.coverage.access.rules import PER_PEOPLE, bands, gini, poverty, two_step
from geoguichet.coverage.manifest import CoverageResult
from geoguichet.coverage.outputs import folder, report
from geoguichet.coverage.routers.impedance import StraightLine
from geoguichet.coverage.run import run
from geoguichet.coverage.study.study import MeasuresChoice, Need, read_study
from geoguichet.floor.words import Cost, Unit


@pytest.fixture(scope="module")
def measured(small_path: Path) -> CoverageResult:
    return run(replace(read_study(small_path), kiosks=None, measures=MeasuresChoice()))


def test_within_reach_is_zero_exactly_for_those_who_lack_the_need(measured: CoverageResult) -> None:
    for need in measured.study.needs:
        lacking = ~(measured.demand[f"{need.key}_m"] <= need.within)
        assert (lacking == (measured.demand[f"{need.key}_cumulative"] == 0)).all()
        assert (
            measured.demand[[f"{need.key}_{kind}" for kind in ("2sfca", "e2sfca")]]
            .notna()
            .all()
            .all()
        )


def test_the_table_is_made_of_the_columns(measured: CoverageResult) -> None:
    table = measured.beside.measures
    assert table is not None and len(table) == 2 * 3 * 2
    people = measured.demand["people"].to_numpy(float)
    for row in table.to_dict("records"):
        access = measured.demand[f"{row['need']}_{row['kind']}"].to_numpy()
        assert row["mean"] == pytest.approx(np.average(access, weights=people))
        assert row["gini"] == pytest.approx(gini(access, people))
        assert row["nothing"] == people[access == 0].sum()
        line = 0.5 * np.average(access, weights=people)
        assert row["poverty"] == pytest.approx(poverty(access, people, line=line))


def test_shares_add_up_to_the_counters_in_reach(measured: CoverageResult) -> None:
    need = measured.study.needs[1]
    able = measured.services[measured.services["needs"].str.contains(need.key)]
    matrix = StraightLine().costs(measured.demand.geometry, able.geometry, limit=need.within)
    people = measured.demand["people"].to_numpy(float)
    access = two_step(matrix, people, np.ones(len(able)), bands=bands(need, "2sfca"))
    assert np.allclose(access * PER_PEOPLE, measured.demand["mairie_2sfca"])
    assert (access * people).sum() == pytest.approx(len(np.unique(matrix.destination)))


def test_thirds_of_half_an_hour_are_luo_and_qi() -> None:
    assert bands(
        Need(key="a", label="A", types=("town_hall",), within=Cost(1800.0, Unit.SECONDS)), "e2sfca"
    ) == (
        (600.0, 1.0),
        (1200.0, 0.68),
        (1800.0, 0.22),
    )


def test_hours_as_supply(small_path: Path, measured: CoverageResult) -> None:
    choice = MeasuresChoice(kinds=("cumulative",), supply="hours_per_week")
    result = run(replace(read_study(small_path), kiosks=None, measures=choice))
    assert (result.demand["etat_cumulative"] == 0).all(), "no source gives the hours of prefectures"
    assert (result.demand["mairie_cumulative"] >= 28 * measured.demand["mairie_cumulative"]).all()
    assert "heures par semaine" in report.render(result)


def test_the_study_the_layers_and_the_command(
    small_path: Path, measured: CoverageResult, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    study = tmp_path / "etude.toml"
    text = small_path.read_text(encoding="utf-8").replace(
        '"ariege.gpkg"', f'"{small_path.parent / "ariege.gpkg"}"'
    )
    study.write_text(text + '\n[measures]\nkinds = ["e2sfca"]\n', encoding="utf-8")
    assert read_study(study).measures == MeasuresChoice(kinds=("e2sfca",))
    assert main(["coverage", "measures", str(study), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert {row["kind"] for row in told} == {"e2sfca"} and len(told) == 4
    assert main(["coverage", "measures", str(study), "--quiet"]) == 0
    assert "Gini" in capsys.readouterr().out
    folder.write_geopackage(measured, tmp_path / "result.gpkg")
    assert len(pyogrio.read_dataframe(tmp_path / "result.gpkg", layer="measures")) == 12
    assert (
        "mairie_e2sfca" in pyogrio.read_dataframe(tmp_path / "result.gpkg", layer="demand").columns
    )
