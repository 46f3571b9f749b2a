"""Two answers side by side, counted again commune by commune with nothing but loops."""

import json
from dataclasses import replace
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from geoguichet.coverage.compare import (
    CHANGES,
    LEVELS,
    Comparison,
    Side,
    altered,
    compare_sides,
    read_side,
    side_of,
)
from geoguichet.coverage.errors import ComparisonError, ManifestError, StudyError
from geoguichet.coverage.manifest import CoverageResult
from geoguichet.coverage.outputs.comparison import lead
from geoguichet.coverage.outputs.folder import write_all
from geoguichet.coverage.run import find_white_zones
from geoguichet.coverage.study.choices import RouterChoice
from geoguichet.coverage.study.study import Changes, Opening, Study, parse_study
from geoguichet.floor.words import Cost, Unit

TWO = parse_study(
    {
        "study": {"id": "deux", "title": "Deux"},
        "territory": {"name": "Ici", "departements": ["46"]},
        "demand": {"groups": ["pop_65_plus"]},
        "services": {key: {"types": ["town_hall"], "within": "8 km"} for key in ("a", "b")},
        "rule": {"all": ["a", "b"]},
        "kiosks": {"count": 1, "reach": "8 km", "offers": ["a"]},
    }
)


@st.composite
def demands(draw: st.DrawFn, size: int) -> gpd.GeoDataFrame:
    """Made-up answers: who is served and how far, drawn freely."""
    metres = st.one_of(st.just(np.nan), st.integers(0, 20_000).map(float))

    def column(values: st.SearchStrategy) -> list:
        return draw(st.lists(values, min_size=size, max_size=size))

    served = column(st.booleans())
    table = {
        "a_m": column(metres),
        "b_m": column(metres),
        "kiosk_m": column(metres),
        "served": served,
        "served_after": [
            one or other for one, other in zip(served, column(st.booleans()), strict=True)
        ],
        "zone": ["" if one else f"zb-{draw(st.integers(1, 3)):03d}" for one in served],
    }
    return gpd.GeoDataFrame(table, geometry=shapely.points(np.arange(size), 44.0), crs="EPSG:4326")


@st.composite
def pairs(draw: st.DrawFn) -> tuple[Side, Side]:
    size = draw(st.integers(1, 8))
    people = pd.DataFrame(
        {
            "name": [f"C{n}" for n in range(size)],
            "departement": [draw(st.sampled_from(["46", "82"])) for _ in range(size)],
            "epci": [draw(st.sampled_from(["e1", "e2"])) for _ in range(size)],
            "people": [draw(st.integers(0, 500)) for _ in range(size)],
            "pop_65_plus": [
                draw(st.one_of(st.just(np.nan), st.integers(0, 50).map(float))) for _ in range(size)
            ],
        }
    )
    index = pd.Index([f"46{n:03d}" for n in range(size)], name="id")
    sides = []
    for _ in range(2):
        demand = draw(demands(size)).join(people).set_index(index)
        sides.append(
            Side(TWO, demand, demand.iloc[:0], draw(st.booleans()), None, {"e1": "Premier"})
        )
    return sides[0], sides[1]


def naive(before: Side, after: Side, group: str) -> dict[str, float]:
    """Everything, one commune at a time."""
    count = dict.fromkeys(("people", "white_before", "white_after", *CHANGES[:4]), 0.0)
    for code, was in before.demand.iterrows():
        now = after.demand.loc[code]
        weight = 0.0 if np.isnan(was[group]) else was[group]
        column = {True: "served_after", False: "served"}
        one, two = was[column[before.kiosks]], now[column[after.kiosks]]
        moved = 0.0
        for need in ("a", "b"):
            metres = []
            for side, row in ((before, was), (after, now)):
                known = [row[f"{need}_m"]] + [row["kiosk_m"]] * (side.kiosks and need == "a")
                metres.append(min((one for one in known if not np.isnan(one)), default=np.nan))
            if not np.isnan(metres).any():
                moved += metres[1] - metres[0]
        count["people"] += weight
        count["white_before"] += weight * (not one)
        count["white_after"] += weight * (not two)
        if one != two:
            count["gained" if two else "lost"] += weight
        elif abs(moved) >= 1:
            count["nearer" if moved < 0 else "farther"] += weight
    return count


@settings(max_examples=15, deadline=None)
@given(pairs())
def test_counts_equal_a_loop_and_add_up_by_area(sides: tuple[Side, Side]) -> None:
    found = compare_sides(*sides)
    for group in ("people", "pop_65_plus"):
        expected = naive(*sides, group)
        row = found.of("territory", group=group).iloc[0]
        assert {key: row[key] for key in expected} == pytest.approx(expected)
        assert row["white_after"] - row["white_before"] == row["lost"] - row["gained"]
        for level in ("departement", "epci"):
            areas = found.of(level, group=group)
            assert all(areas[key].sum() == row[key] for key in expected)
        assert found.of("zone_before", group=group)["gained"].sum() == row["gained"]
        assert found.of("zone_after", group=group)["lost"].sum() == row["lost"]


def test_the_undecided_are_neither_white_nor_gained() -> None:
    people = pd.DataFrame(
        {"name": [*"abcd"], "departement": "46", "epci": "e1", "people": [1, 20, 300, 4000]},
        index=pd.Index([*"abcd"], name="id"),
    ).assign(pop_65_plus=0.0, a_m=1.0, b_m=1.0, zone="")
    points = shapely.points(np.arange(4), 44.0)

    def side(served: list[bool], undecided: list[bool]) -> Side:
        told = people.assign(served=served, served_after=served, undecided=undecided)
        demand = gpd.GeoDataFrame(told, geometry=points, crs="EPSG:4326")
        return Side(TWO, demand, demand.iloc[:0], False, None, {})

    yes, no = True, False
    before = side([no, no, no, yes], [yes, yes, no, no])
    found = compare_sides(before, side([yes, no, no, yes], [no, yes, yes, no]))
    assert list(found.communes["change"]) == ["undecided", "same", "undecided", "same"]
    row = found.total
    assert (row["white_before"], row["white_after"]) == (300, 0)
    assert (row["undecided_before"], row["undecided_after"]) == (21, 320)
    assert (row["gained"], row["lost"], row["undecided"]) == (0, 0, 301)
    assert "faute de savoir : 21 avant, 320 après" in lead(found)


@settings(max_examples=15, deadline=None)
@given(pairs())
def test_the_other_way_round_turns_the_signs(sides: tuple[Side, Side]) -> None:
    there, back = compare_sides(*sides), compare_sides(*sides[::-1])
    mirror = {
        "gained": "lost",
        "lost": "gained",
        "nearer": "farther",
        "farther": "nearer",
        "same": "same",
    }
    assert (there.communes["change"].map(mirror) == back.communes["change"]).all()
    assert np.allclose(there.communes["a_change_m"], -back.communes["a_change_m"], equal_nan=True)
    assert there.total["gained"] == back.total["lost"]
    assert list(there.communes["zone_before"]) == list(back.communes["zone_after"])


@settings(max_examples=5, deadline=None)
@given(pairs())
def test_nothing_changes_against_itself(sides: tuple[Side, Side]) -> None:
    found = compare_sides(sides[0], sides[0])
    assert (found.communes["change"] == "same").all()
    assert all(found.of(level, changed_only=True).empty for level in LEVELS)


@pytest.fixture(scope="module")
def counters(small: CoverageResult) -> Side:
    return side_of(small, kiosks=False)


def test_open_then_close_is_no_change(small: CoverageResult, counters: Side) -> None:
    opening = Opening("town_hall", 1.605, 42.966, "Mo-Fr 08:00-18:00")
    both = altered(small.study, Changes(open=(opening,), close=("nouveau-1",)))
    found = compare_sides(counters, side_of(find_white_zones(both), kiosks=False))
    assert (found.communes["change"] == "same").all() and found.total["gained"] == found.total[
        "lost"
    ] == 0


def test_a_closed_counter_only_loses(small: CoverageResult, counters: Side) -> None:
    study = altered(small.study, Changes(close=("sous-prefecture-092",)))
    found = compare_sides(counters, side_of(find_white_zones(study), kiosks=False))
    assert (
        found.total["gained"] == 0 and found.total["lost"] > 0 and found.total["etat_change_m"] > 0
    )
    assert found.total["mairie_change_m"] == 0
    assert set(found.communes["change"]) == {"lost", "farther", "same"}
    assert found.communes.geom_type.isin(["Polygon", "MultiPolygon"]).all()


def test_a_wider_threshold_moves_nobody_but_serves_more(
    small: CoverageResult, counters: Side
) -> None:
    found = compare_sides(
        counters,
        side_of(
            find_white_zones(
                altered(small.study, Changes(), within={"mairie": Cost(12_000, Unit.METRES)})
            ),
            kiosks=False,
        ),
    )
    assert (
        found.total["gained"] > 0
        and found.total["lost"] == 0
        and found.total["mairie_change_m"] == 0
    )


def test_a_folder_says_what_the_result_says(
    small: CoverageResult, counters: Side, tmp_path: Path
) -> None:
    write_all(small, tmp_path / "petite")
    read = read_side(tmp_path / "petite", kiosks=True)
    assert read.study == small.study
    told, found = (
        compare_sides(counters, side_of(small, kiosks=True)),
        compare_sides(counters, read),
    )
    pd.testing.assert_frame_equal(told.areas, found.areas)
    assert found.total["gained"] == small.plan.value if small.plan else False
    assert read_side(tmp_path / "petite" / "manifest.json", kiosks=False).served.equals(
        counters.served
    )


@pytest.mark.parametrize(
    ("change", "error", "said"),
    [
        (
            lambda side: replace(side, demand=side.demand.iloc[:0]),
            ComparisonError,
            "aucune commune en commun",
        ),
        (
            lambda side: replace(side, study=_renamed(side.study)),
            ComparisonError,
            "aucun besoin de même nom",
        ),
        (
            lambda side: replace(side, demand=side.demand.assign(people=1)),
            ComparisonError,
            "pas les mêmes habitants.*demand.weight",
        ),
    ],
)
def test_sides_that_do_not_compare(
    counters: Side, change, error: type[Exception], said: str
) -> None:
    with pytest.raises(error, match=said):
        compare_sides(counters, change(counters))


def _renamed(study: Study) -> Study:
    return replace(study, needs=tuple(replace(need, key="x" + need.key) for need in study.needs))


def test_a_threshold_for_no_need(small: CoverageResult) -> None:
    with pytest.raises(StudyError, match=r"services.poste.*inconnu.*etat, mairie"):
        altered(small.study, Changes(), within={"poste": Cost(1.0, Unit.METRES)})


def test_a_folder_without_result(tmp_path: Path) -> None:
    with pytest.raises(ManifestError, match="n'existe pas"):
        read_side(tmp_path, kiosks=False)
    (tmp_path / "manifest.json").write_text('{"study": {}}', encoding="utf-8")
    with pytest.raises(ManifestError, match="« inputs » y manque"):
        read_side(tmp_path, kiosks=False)
    (tmp_path / "manifest.json").write_text(
        '{"study": {"id": "x"}, "inputs": [], "versions": {}, "outputs": {}}', encoding="utf-8"
    )
    with pytest.raises(ManifestError, match="ne se lisent pas"):
        read_side(tmp_path, kiosks=False)


def test_as_dict_is_plain(counters: Side, small: CoverageResult) -> None:
    found: Comparison = compare_sides(counters, side_of(small, kiosks=True))
    told = json.loads(json.dumps(found.as_dict(), allow_nan=False))
    assert (
        sum(row["people"] for row in told["communes"] if row["change"] == "gained")
        == found.total["gained"]
    )


def in_minutes(side: Side) -> Side:
    """The same side as if its metres were seconds."""
    study = side.study
    needs = tuple(replace(need, within=Cost(need.within, Unit.SECONDS)) for need in study.needs)
    kiosks = (
        None
        if study.kiosks is None
        else replace(study.kiosks, reach=Cost(study.kiosks.reach, Unit.SECONDS))
    )
    router = RouterChoice("road", "x.roads")
    demand = side.demand.rename(
        columns=lambda name: f"{name[:-2]}_s" if name.endswith("_m") else name
    )
    return replace(
        side, study=replace(study, needs=needs, kiosks=kiosks, router=router), demand=demand
    )


@settings(deadline=None, max_examples=15)
@given(pairs())
def test_minutes_are_compared_as_metres_are(sides: tuple[Side, Side]) -> None:
    plain, timed = compare_sides(*sides), compare_sides(*map(in_minutes, sides))
    assert timed.unit == "s" and plain.unit == "m"
    assert timed.areas.rename(columns=lambda name: name.replace("_change_s", "_change_m")).equals(
        plain.areas
    )
    assert timed.communes["change"].equals(plain.communes["change"])
    with pytest.raises(ComparisonError, match="minutes et l'autre en kilomètres"):
        compare_sides(sides[0], in_minutes(sides[1]))
