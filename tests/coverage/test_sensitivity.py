"""Other thresholds, other speeds: every scenario is a study of its own, and the curve counts heads
one by one.
"""

import json
from dataclasses import replace
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest

from geoguichet.cli import main
from geoguichet.coverage.access.rules import white as white_of
from geoguichet.coverage.compare import altered
from geoguichet.coverage.errors import SensitivityError
from geoguichet.coverage.manifest import CoverageResult
from geoguichet.coverage.outputs.sensitivity import curve_table, render, write
from geoguichet.coverage.run import find_white_zones
from geoguichet.coverage.sensitivity import Sensitivity, sensitivity, sureness_of
from geoguichet.coverage.study.study import Changes, read_study
from geoguichet.floor.words import Cost, Unit


@pytest.fixture(scope="module")
def told(small_path: Path) -> Sensitivity:
    return sensitivity(read_study(small_path), thresholds=(0.8, 1.1, 1.3))


def test_every_scenario_is_a_study_of_its_own(told: Sensitivity, small: CoverageResult) -> None:
    assert (
        told.scenarios["thresholds"].tolist() == [0.8, 1.0, 1.1, 1.3]
        and told.scenarios["congestion"].isna().all()
    )
    white = []
    for row in told.scenarios.to_dict("records"):
        wider = {
            need.key: Cost(need.within * row["thresholds"], Unit.METRES)
            for need in small.study.needs
        }
        alone = find_white_zones(altered(small.study, Changes(), within=wider)).demand
        assert row["people"] == alone.loc[white_of(alone), "people"].sum()
        assert row["communes"] == white_of(alone).sum()
        white.append(white_of(alone))
    assert np.allclose(told.demand["share"], pd.concat(white, axis=1).mean(axis=1))


def test_the_classes_are_those_of_the_shares(told: Sensitivity) -> None:
    assert sureness_of(np.array([1.0, 0.5, 0.25, 0.0])).tolist() == [
        "certain",
        "likely",
        "possible",
        "never",
    ]
    assert told.classes["people"].sum() == told.demand["people"].sum()
    certain = told.demand[told.demand["sureness"] == "certain"]
    assert certain["people"].sum() == told.scenarios["people"].min(), (
        "thresholds are nested: the loosest decides"
    )
    row = told.classes.set_index("sureness").loc["certain"]
    assert row["communes"] == len(certain) and row["pop_65_plus"] == round(
        certain["pop_65_plus"].sum()
    )


def test_the_curve_counts_heads(told: Sensitivity) -> None:
    demand, study = told.demand, told.study
    slack = np.minimum(*(need.within - demand[f"{need.key}_m"] for need in study.needs))
    for row in told.curve.to_dict("records"):
        lacking = (
            ~(demand[f"{row['curve']}_m"] <= row["x"])
            if row["curve"] != "rule"
            else ~(slack + row["x"] >= 0)
        )
        assert row["people"] == demand.loc[lacking, "people"].sum(), row
    assert (told.curve.groupby("curve")["people"].diff().dropna() <= 0).all(), (
        "a longer threshold leaves fewer out"
    )
    rule = told.curve[(told.curve["curve"] == "rule") & (told.curve["x"] == 0)]
    assert rule["people"].item() == demand.loc[~demand["served"], "people"].sum()


def test_slower_roads_leave_more_people_out(
    told: Sensitivity, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By road the speeds vary: each is one run of the study with its congestion multiplied."""
    asked = []

    def run(study: object, **_: object) -> CoverageResult:
        factor = study.router.congestion  # type: ignore[attr-defined]
        asked.append(factor)
        demand = told.result.demand.rename(
            columns=lambda name: name.replace("_m", "_s") if name[-2:] == "_m" else name
        )
        demand[["etat_s", "mairie_s"]] *= factor
        return replace(told.result, demand=demand)

    monkeypatch.setattr("geoguichet.coverage.sensitivity.find_white_zones", run)
    needs = tuple(
        replace(need, within=Cost(need.within, Unit.SECONDS)) for need in told.study.needs
    )
    study = replace(
        told.study, needs=needs, router=replace(told.study.router, kind="road", congestion=1.1)
    )
    found = sensitivity(study, thresholds=(1.0,), congestion=(0.9, 1.3))
    assert np.allclose(asked, [0.99, 1.1, 1.43])
    assert found.scenarios["congestion"].tolist() == [0.9, 1.0, 1.3]
    assert found.scenarios["people"].is_monotonic_increasing and found.scenarios["people"].is_unique
    assert "x_min" in curve_table(found) and "la plus lente" in render(found)


def test_it_is_written_and_told(
    small_path: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["coverage", "sensitivity", str(small_path), "--out", str(tmp_path), "--quiet"]
    assert main(command) == 0
    printed = capsys.readouterr().out
    assert "Zone blanche certaine" in printed and "à 80 %" in printed and "0.8" not in printed
    assert "Personnes de 65 ans et plus" in printed and "pop_65_plus" not in printed
    names = {"sensitivity.html", "sensitivity.gpkg", "curve.csv"}
    assert {path.name for path in tmp_path.iterdir()} == names
    areas = gpd.read_file(tmp_path / "sensitivity.gpkg", layer="areas")
    assert (
        set(areas["sureness"]) <= {"certain", "likely", "possible"}
        and areas.geometry.is_valid.all()
    )
    curve = pd.read_csv(tmp_path / "curve.csv")
    assert list(curve.columns) == ["curve", "label", "congestion", "x_km", "people", "share"]
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert main([*command, "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert {row["sureness"] for row in answer["demand"]} <= {"certain", "likely", "possible"}
    assert answer["scenarios"][0]["congestion"] is None and answer["unit"] == "m"
    assert before == {path.name: path.read_bytes() for path in tmp_path.iterdir()}, (
        "the same answer, the same bytes"
    )


def test_what_makes_no_sense_is_refused(
    small_path: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SensitivityError, match="facteurs de 0,1 à 10"):
        sensitivity(read_study(small_path), thresholds=(0.0,))
    assert main(["coverage", "sensitivity", str(small_path), "--thresholds", "vite"]) == 2
    assert "séparés par des virgules" in capsys.readouterr().err


def test_a_file_in_the_way_is_one_sentence(told: Sensitivity, tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("", encoding="utf-8")
    with pytest.raises(Exception, match="choisissez un autre dossier"):
        write(told, tmp_path / "taken")
