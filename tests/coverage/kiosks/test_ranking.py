"""The list around the plan: bounds against every choice, savings against a loop, reasons against
plain distances.
"""

from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyproj import Geod
from scipy import sparse

from geoguichet.coverage.access.rules import white
from geoguichet.coverage.manifest import CoverageResult
from geoguichet.coverage.run import run
from geoguichet.coverage.siting.bounds import coverage_bounds
from geoguichet.coverage.study.choices import KioskChoice
from geoguichet.coverage.study.hypotheses import Reference, Use
from geoguichet.coverage.study.study import Study
from geoguichet.floor.words import Cost, Unit

GEOD = Geod(ellps="WGS84")


def changed(study: Study, **keys: object) -> Study:
    assert study.kiosks is not None
    return replace(study, kiosks=replace(study.kiosks, **keys))


def choice(result: CoverageResult) -> KioskChoice:
    assert result.study.kiosks is not None
    return result.study.kiosks


def near(result: CoverageResult, code: str, point) -> bool:
    here = result.demand.geometry[code]
    return GEOD.inv(here.x, here.y, point.x, point.y)[2] <= choice(result).reach


@st.composite
def problems(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray]:
    rows, columns = draw(st.integers(1, 9)), draw(st.integers(1, 6))
    cells = st.lists(st.booleans(), min_size=columns, max_size=columns)
    weight = st.lists(st.integers(0, 30), min_size=rows, max_size=rows)
    return np.array(draw(st.lists(cells, min_size=rows, max_size=rows))), np.array(
        draw(weight), dtype=float
    )


@settings(max_examples=40, deadline=None)
@given(problems())
def test_no_choice_of_sites_exceeds_its_bound(problem: tuple[np.ndarray, np.ndarray]) -> None:
    cover, weight = problem
    best = [
        max(
            weight[cover[:, list(sites)].any(axis=1)].sum()
            for sites in combinations(range(cover.shape[1]), k)
        )
        for k in range(1, cover.shape[1] + 1)
    ]
    bounds = coverage_bounds(sparse.csr_array(cover), weight, np.zeros(len(best)))
    assert (bounds >= np.array(best) - 1e-9).all()
    assert (np.diff(bounds) >= 0).all() and bounds[-1] <= weight[cover.any(axis=1)].sum()


def test_the_curve_ends_at_the_plan_and_stays_under_its_bound(best: CoverageResult) -> None:
    assert best.ranking is not None and best.plan is not None
    curve = best.ranking.curve
    assert list(curve["kiosks"]) == list(range(1, 81))
    assert np.allclose(curve["people"], np.cumsum(best.plan.gains))
    assert (curve["people"] <= curve["best_known"]).all() and (
        curve["best_known"] <= curve["bound"]
    ).all()
    last = curve.iloc[-1]
    assert last["people"] == last["bound"] == best.plan.bound and last["gap"] == 0
    assert curve["gap"].iloc[9:].max() < 0.06


def test_hours_of_access_are_people_times_the_hours_of_their_host(result: CoverageResult) -> None:
    gained = result.kiosks["people_added"] * result.kiosks["hours_per_week"]
    assert gained.tolist() == result.kiosks["access_hours_per_week"].tolist()
    assert result.access_hours == {"all": gained.sum(), "etat": gained.sum()}


def test_savings_equal_a_loop_over_the_communes(result: CoverageResult) -> None:
    use, expected = choice(result).use, np.zeros((len(result.kiosks), 2))
    seen: list[set[str]] = [set() for _ in range(len(result.kiosks))]
    points = list(result.kiosks.geometry)
    for code, row in result.demand[
        ~result.demand["served"] & result.demand["served_after"]
    ].iterrows():
        place = next(number for number, point in enumerate(points) if near(result, code, point))
        lacked = [
            row[f"{need.key}_m"] - row["kiosk_m"]
            for need in result.study.needs
            if not row[f"{need.key}_m"] <= need.within
        ]
        uses = row["people"] * use.uses_per_person
        expected[place] += uses, uses * 2 * max(np.mean(np.maximum(lacked, 0)), 0) / 1000
        seen[place].add(row["zone"])
    assert np.allclose(result.kiosks["uses_per_year"], expected[:, 0])
    assert np.allclose(result.kiosks["km_saved_per_year"], expected[:, 1])
    assert np.allclose(result.kiosks["co2_saved_kg_per_year"], expected[:, 1] * 0.192)
    assert [set(zones.split(",")) for zones in result.kiosks["zones"]] == seen


def test_use_scales_what_is_saved(small: CoverageResult) -> None:
    twice = run(
        changed(
            small.study,
            use=Use(uses_per_person=0.06, trips_avoided=0.5, detour=1.3, co2_g_per_km=100),
        )
    )
    assert np.allclose(twice.kiosks["km_saved_per_year"], 1.3 * small.kiosks["km_saved_per_year"])
    assert np.allclose(
        twice.kiosks["co2_saved_kg_per_year"], 0.1 * twice.kiosks["km_saved_per_year"]
    )
    assert (
        twice.plan is not None and small.plan is not None and twice.plan.sites == small.plan.sites
    )


def test_reasons_equal_plain_distances(result: CoverageResult) -> None:
    left = result.demand[white(result.demand) & ~result.demand["served_after"]]
    assert set(left["unserved_reason"]) <= {"not_chosen", "no_candidate", "need_not_offered"}
    lacking = left["unserved_reason"] == "need_not_offered"
    assert (lacking == (left["mairie_m"] > 8_000)).all() and lacking.any()
    assert (result.demand.loc[result.demand["served_after"], "unserved_reason"] == "").all()
    assert result.ranking is not None
    table = result.ranking.unserved.set_index("reason")
    assert table["people"].sum() == left["people"].sum() == result.summary.iloc[-1]["white_after"]
    for reason, row in table.iterrows():
        assert row["communes"] == (left["unserved_reason"] == reason).sum()


def test_every_reason_is_found(small: CoverageResult) -> None:
    only_hall = run(changed(small.study, offers=("mairie",)))
    lacking = only_hall.demand[only_hall.demand["unserved_reason"] == "need_not_offered"]
    assert len(lacking) and (lacking["etat_m"] > 25_000).all()
    short = run(changed(small.study, reach=Cost(100.0, Unit.METRES), count=1))
    assert "not_chosen" in set(
        short.demand["unserved_reason"]
    )  # a town hall is within reach of its own commune
    chosen = tuple(code for code in small.kiosks["commune"] if not small.demand.at[code, "served"])
    barred = run(changed(small.study, excluded=chosen, reach=Cost(50.0, Unit.METRES), count=1))
    reasons = barred.demand["unserved_reason"]
    assert (reasons[list(chosen)] == "excluded").all()


def test_where_to_stop_is_the_first_tranche_below(small: CoverageResult) -> None:
    assert small.plan is not None
    gains = small.plan.gains
    for below, stop in ((gains[1] + 1, 1), (gains[0] + 1, 0), (gains[-1], None)):
        told = run(changed(small.study, stop_below=below, user_side_cost_eur=10_000.0)).ranking
        assert told is not None and told.stop_at == stop
    halved = run(changed(small.study, stop_below=gains[0], user_side_cost_eur=20_000.0)).ranking
    assert halved is not None and halved.stop_at == 0


def test_a_plan_carried_out_is_counted_where_it_stood(small: CoverageResult) -> None:
    where = tuple(small.kiosks["commune"].iloc[:2])
    told = run(changed(small.study, reference=Reference("Fait", 2, 60_000.0, where))).ranking
    assert told is not None and told.reference is not None
    assert told.reference.people == sum(small.plan.gains[:2]) if small.plan else False
    assert told.reference.enough == 2 and told.reference.most_populated <= told.reference.bound


@pytest.mark.parametrize("reference", [None, Reference("Fait", 500, 1.0)])
def test_more_than_the_plan_or_nothing(small: CoverageResult, reference: Reference | None) -> None:
    told = run(changed(small.study, reference=reference)).ranking
    assert told is not None and (told.reference is None) == (reference is None)
    if told.reference:
        assert told.reference.bound >= told.reference.most_populated >= told.reference.best
        everyone = run(
            replace(
                small.study,
                kiosks=choice(small).asked_with(model="set_covering", reference=reference),
            )
        )
        assert told.reference.bound == everyone.kiosks["people_added"].sum(), (
            "those no host can serve do not count"
        )
