"""The edge effect, found again by asking the question with and without the neighbours."""

from dataclasses import replace
from pathlib import Path

import pytest

from geoguichet.coverage.access.supplements import NEIGHBOURS_M
from geoguichet.coverage.manifest import CoverageResult
from geoguichet.coverage.outputs import report
from geoguichet.coverage.run import run
from geoguichet.coverage.study.study import Study, read_study


@pytest.fixture(scope="module")
def ariege(small_path: Path) -> Study:
    """The Ariège with the whole sample's services: its neighbours are known."""
    return replace(read_study(small_path), source="sample", kiosks=None)


def bordered(study: Study, buffer_m: float) -> CoverageResult:
    return run(replace(study, territory=replace(study.territory, buffer_m=buffer_m)))


@pytest.fixture(scope="module")
def buffered(ariege: Study) -> CoverageResult:
    return bordered(ariege, NEIGHBOURS_M)


@pytest.fixture(scope="module")
def alone(ariege: Study) -> CoverageResult:
    return bordered(ariege, 0.0)


def test_people_whose_nearest_service_is_abroad(buffered: CoverageResult) -> None:
    edge = buffered.beside.edge
    assert (
        edge is not None and edge.counted and edge.known == (~buffered.services["inside"]).sum() > 0
    )
    outside = set(buffered.services.index[~buffered.services["inside"]])
    for row in edge.by_need.to_dict("records"):
        there = buffered.demand[f"{row['need']}_service"].isin(outside)
        assert row["people_outside"] == buffered.demand.loc[there, "people"].sum() > 0


def test_the_buffer_and_its_absence_tell_the_same_people(
    buffered: CoverageResult, alone: CoverageResult
) -> None:
    """Those whom the buffer serves are those whom its absence does not."""
    gained = buffered.demand["served"] & ~alone.demand["served"]
    assert not (alone.demand["served"] & ~buffered.demand["served"]).any()
    people = buffered.demand.loc[gained, "people"].sum()
    with_, without = buffered.beside.edge, alone.beside.edge
    assert with_ is not None and without is not None
    assert with_.people == without.people == people > 0 and not without.counted
    assert with_.by_need.equals(without.by_need)


def test_no_buffer_is_a_warning_with_its_number(
    buffered: CoverageResult, alone: CoverageResult
) -> None:
    assert not {"no-buffer", "short-buffer"} & {finding.rule for finding in buffered.findings}
    (told,) = (finding for finding in alone.findings if finding.rule == "no-buffer")
    assert alone.beside.edge is not None
    people = f"{alone.beside.edge.people:,}".replace(",", " ")
    assert f"{people} habitants de plus" in str(told.message) and 'buffer = "40 km"' in str(
        told.message
    )
    assert "Aucun service n’est compté hors du territoire" in report.render(alone)
    assert "ne sont desservis que grâce à un service situé hors du territoire" in report.render(
        buffered
    )


def test_a_short_buffer_says_whom_it_may_forget(ariege: Study) -> None:
    short = bordered(ariege, 3_000.0)
    (told,) = (finding for finding in short.findings if finding.rule == "short-buffer")
    assert (
        short.beside.edge is not None
        and short.beside.edge.exposed > 0
        and "3 km" in str(told.message)
    )
    long = bordered(ariege, 25_000.0)
    assert long.beside.edge is not None and long.beside.edge.exposed == 0, (
        "no threshold reaches farther than 25 km"
    )


def test_data_without_neighbours_say_who_lives_near_the_border(small_path: Path) -> None:
    study = replace(read_study(small_path), kiosks=None)
    result = bordered(study, 0.0)
    edge = result.beside.edge
    assert edge is not None and not edge.known and edge.people == 0 and edge.exposed > 0
    (told,) = (finding for finding in result.findings if finding.rule == "no-buffer")
    assert "les données n'en ont pas" in str(told.message)
