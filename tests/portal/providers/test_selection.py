"""What the database finds is what a naive reading of the same rows finds: filters, boxes, order and
pages, over random layers.
"""

import itertools
import sqlite3
import tempfile
from contextlib import closing
from datetime import date
from pathlib import Path
from typing import Any

import geopandas as gpd
import pytest
import shapely
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from geoguichet.catalogue.errors import QueryError
from geoguichet.catalogue.search.cql2 import parse_filter
from geoguichet.catalogue.search.cql2_sql import Sql
from geoguichet.floor.viewer import PUBLIC
from geoguichet.portal.providers.features import (
    FeatureQuery,
    GeoPackageProvider,
    LayerProvider,
    StudyLayerProvider,
)
from geoguichet.portal.providers.geopackage import Chosen, Key, open_layer

#: Each example writes files: a failure is told as it was found.
NO_SHRINK = (Phase.explicit, Phase.reuse, Phase.generate)
NAMES = ["Foix", "Pamiers", "Saint-Girons", "Pamiers", "l'Hospitalet", "Ax", "é", None]
ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "name": st.sampled_from(NAMES),
            "people": st.none() | st.integers(-3, 3),
            "share": st.none() | st.sampled_from([-1.5, 0.0, 0.25, 7.0]),
            "open": st.sampled_from([True, False]),
            "shape": st.sampled_from(
                [None, *(shapely.Point(x, y) for x in range(4) for y in range(3)),
                 shapely.box(0.5, 0.5, 2.5, 1.5), shapely.box(2, 2, 3, 3)]
            ),
        }
    ),
    min_size=1,
    max_size=14,
)  # fmt: skip


def written(rows: list[dict[str, Any]], path: Path, layer: str = "places") -> None:
    frame = gpd.GeoDataFrame(
        {
            "id": [f"r{n}" for n in range(len(rows))],
            **{name: [row[name] for row in rows] for name in ("name", "open")},
        },
        geometry=[row["shape"] for row in rows],
        crs="EPSG:4326",
    )
    frame["share"] = gpd.pd.array([row["share"] for row in rows], dtype="Float64")
    frame["people"] = gpd.pd.array([row["people"] for row in rows], dtype="Int64")
    path.parent.mkdir(parents=True, exist_ok=True)
    frame.to_file(path, layer=layer, engine="pyogrio")


def plain(path: Path) -> GeoPackageProvider:
    return GeoPackageProvider(
        {"name": "x", "type": "feature", "data": str(path), "table": "places", "id_field": "id"}
    )


def numbers(provider: LayerProvider, query: FeatureQuery) -> tuple[list[str], int, str]:
    page = provider.ask(query, viewer=PUBLIC)
    ids = [own for each, _blobs, _told in provider.told(page.matches) for own in each]
    return ids, page.matched, page.cursor


#: A filter as it is asked, and as a row is asked about it (None: unknown).
FILTERS = {
    "people > 0": lambda r: None if r["people"] is None else r["people"] > 0,
    "people IN (1, 2) OR open": lambda r: r["open"] or r["people"] in (1, 2),
    "NOT (share = 0.25)": lambda r: None if r["share"] is None else r["share"] != 0.25,
    "name LIKE 'Pam%' AND open = FALSE": lambda r: (r["name"] or "")[:3] == "Pam" and not r["open"],
    "name IS NULL": lambda r: r["name"] is None,
    "CASEI(name) = CASEI('FOIX')": lambda r: r["name"] == "Foix",
    "ACCENTI(name) = ACCENTI('e')": lambda r: r["name"] == "é",
    "people BETWEEN -1 AND 1": lambda r: None if r["people"] is None else -1 <= r["people"] <= 1,
    "people * 2 = share + people": lambda r: (
        None if r["people"] is None or r["share"] is None else r["people"] == r["share"]
    ),
    "S_INTERSECTS(geometry, BBOX(0.5, 0.5, 2, 2))": lambda r: meets(r, 0.5, 0.5, 2, 2),
    "S_WITHIN(geometry, POLYGON((0 0, 3 0, 3 3, 0 0)))": lambda r: (
        r["shape"] and shapely.within(r["shape"], shapely.Polygon([(0, 0), (3, 0), (3, 3)]))
    ),
    "NOT S_DISJOINT(geometry, BBOX(0.5, 0.5, 2, 2))": lambda r: meets(r, 0.5, 0.5, 2, 2),
}


def meets(row: dict[str, Any], *box: float) -> bool:
    return row["shape"] is not None and row["shape"].intersects(shapely.box(*box))


def ordered(rows: list[dict[str, Any]], sortby: tuple[tuple[str, bool], ...]) -> list[int]:
    """Missing values last, both ways; equals by their place, backwards when the last key is."""
    found = list(range(len(rows)))
    if sortby and sortby[-1][1]:
        found.reverse()
    for name, down in reversed(sortby):
        told = [n for n in found if rows[n][name] is not None]
        missing = [n for n in found if rows[n][name] is None]
        found = sorted(told, key=lambda n: rows[n][name], reverse=down) + missing
    return found


SORTS = st.lists(st.sampled_from(["people", "share", "name"]), max_size=2, unique=True).flatmap(
    lambda names: st.tuples(*(st.tuples(st.just(n), st.booleans()) for n in names))
)


@settings(max_examples=30, deadline=None, phases=NO_SHRINK)
@given(ROWS, SORTS, st.integers(1, 5), st.integers(0, 6), st.booleans())
def test_pages_of_a_layer_are_those_of_its_rows_in_order(
    rows: list[dict[str, Any]], sortby: tuple, limit: int, offset: int, indexed: bool
) -> None:
    rows = [row | {"name": row["name"] or ""} for row in rows] if not indexed else rows
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "x.gpkg"
        written(rows, path)
        provider = plain(path)
        expected = [f"r{n}" for n in ordered(rows, sortby)]
        first = numbers(provider, FeatureQuery(sortby=sortby, limit=limit, offset=offset))
        assert first[:2] == (expected[offset : offset + limit], len(rows))
        walked, cursor = [], ""
        for _step in range(len(rows) + 1):
            ids, _matched, cursor = numbers(
                provider, FeatureQuery(sortby=sortby, limit=limit, cursor=cursor)
            )
            walked += ids
            if not cursor:
                break
        assert walked == expected


@settings(max_examples=25, deadline=None, phases=NO_SHRINK)
@given(ROWS, st.sampled_from(sorted(FILTERS)), st.integers(0, 3), st.integers(0, 2))
def test_a_filter_and_a_box_keep_the_rows_that_meet_them(
    rows: list[dict[str, Any]], asked: str, west: int, south: int
) -> None:
    box = (west - 0.5, south, west + 1, south + 1.5)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "x.gpkg"
        written(rows, path)
        provider = plain(path)
        checked = parse_filter(asked, properties=provider.queryables(viewer=PUBLIC))
        passing = [n for n, row in enumerate(rows) if FILTERS[asked](row)]
        within = [n for n, row in enumerate(rows) if meets(row, *box)]
        for query, expected in (
            (FeatureQuery(filter=checked, limit=50), passing),
            (FeatureQuery(boxes=(box,), limit=50), within),
            (FeatureQuery(boxes=(box,), filter=checked, limit=50), {*passing} & {*within}),
            (FeatureQuery(equal={"open": "true"}, boxes=(box,), limit=50),
             [n for n in within if rows[n]["open"]]),
        ):  # fmt: skip
            ids, matched, _cursor = numbers(provider, query)
            assert ids == [f"r{n}" for n in sorted(expected)] and matched == len(ids)


@settings(max_examples=15, deadline=None, phases=NO_SHRINK)
@given(st.lists(ROWS, min_size=2, max_size=3), SORTS, st.integers(1, 6))
def test_several_studies_are_one_order(
    studies: list[list[dict[str, Any]]], sortby: tuple, limit: int
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        for name, rows in zip("abc", studies, strict=False):
            written(rows, Path(folder) / "studies" / name / "result.gpkg", "kiosks")
        provider = StudyLayerProvider(
            {"name": "x", "type": "feature", "data": folder, "table": "kiosks", "id_field": "id"}
        )
        every = [
            (name, n, row)
            for name, rows in zip("abc", studies, strict=False)
            for n, row in enumerate(rows)
        ]
        down = bool(sortby) and sortby[-1][1]
        every.sort(key=lambda each: (each[0], -each[1] if down else each[1]))
        for key, backwards in reversed(sortby):
            told = [each for each in every if each[2][key] is not None]
            missing = [each for each in every if each[2][key] is None]
            every = sorted(told, key=lambda each: each[2][key], reverse=backwards) + missing
        expected = [f"{name}.r{n}" for name, n, _row in every]
        assert numbers(provider, FeatureQuery(sortby=sortby, limit=99))[0] == expected
        walked, cursor = [], ""
        for _step in range(len(every) + 1):
            ids, matched, cursor = numbers(
                provider, FeatureQuery(sortby=sortby, limit=limit, cursor=cursor)
            )
            walked += ids
            if not cursor:
                break
        assert walked == expected and matched == len(every)
        one = numbers(provider, FeatureQuery(equal={"study": "b"}, limit=99))[0]
        assert one == [f"b.r{n}" for n in range(len(studies[1]))]


def test_words_are_found_whatever_their_accents_and_where_they_stand(tmp_path: Path) -> None:
    rows = [{"name": name, "people": 1, "share": None, "open": True, "shape": None}
            for name in ("Mairie de Foix", "Préfecture, Foix", "Mairie de Pamiers", "'")]  # fmt: skip
    written(rows, tmp_path / "x.gpkg")
    provider = plain(tmp_path / "x.gpkg")

    def found(q: str) -> list[str]:
        return numbers(provider, FeatureQuery(q=q))[0]

    assert found("foix mairie") == ["r0"]
    assert found("prefecture") == ["r1"] and found("PRÉF") == ["r1"]
    assert found("prefecture,pamiers") == ["r1", "r2"]
    assert found('" OR *') == [] and found("'") == [] and found("NEAR(") == []
    written(rows[1:], tmp_path / "x.gpkg")  # another state of the file
    assert found("mairie") == ["r1"]


def test_dates_are_compared_as_the_time_they_last(tmp_path: Path) -> None:
    frame = gpd.GeoDataFrame(
        {"id": ["a", "b", "c"], "on": gpd.pd.array([date(2024, 1, 1), date(2024, 6, 1), None], "date32[pyarrow]"),
         "at": gpd.pd.to_datetime(["2024-01-01T10:00", None, "2025-01-01T00:00"])},
        geometry=[shapely.Point(0, 0)] * 3, crs="EPSG:4326",
    )  # fmt: skip
    frame.to_file(tmp_path / "x.gpkg", layer="places", engine="pyogrio", use_arrow=True)
    provider = plain(tmp_path / "x.gpkg")
    known = provider.queryables(viewer=PUBLIC)

    def found(text: str) -> list[str]:
        return numbers(provider, FeatureQuery(filter=parse_filter(text, properties=known)))[0]

    assert found("on > DATE('2024-01-31')") == ["b"]
    assert found("T_DURING(on, INTERVAL('2023-12-31', '2024-02-01'))") == ["a"]
    assert found("at >= TIMESTAMP('2024-01-01T10:00:00Z')") == ["a", "c"]
    assert found("at IS NULL") == ["b"]


def test_what_a_study_has_not_is_missing_in_its_rows(tmp_path: Path) -> None:
    rows = [{"name": "x", "people": 1, "share": None, "open": True, "shape": None}]
    for study in "ab":
        written(rows, tmp_path / "studies" / study / "result.gpkg", "kiosks")
    frame = gpd.read_file(tmp_path / "studies" / "b" / "result.gpkg", layer="kiosks")
    frame["on"] = gpd.pd.array([date(2024, 1, 1)], "date32[pyarrow]")
    frame.to_file(
        tmp_path / "studies" / "b" / "result.gpkg", layer="kiosks", engine="pyogrio", use_arrow=True
    )
    provider = StudyLayerProvider(
        {"name": "x", "type": "feature", "data": str(tmp_path), "table": "kiosks", "id_field": "id"}
    )
    known = provider.queryables(viewer=PUBLIC)
    for text, expected in (
        ("on < DATE('2025-01-01')", ["b.r0"]),
        ("on IS NULL", ["a.r0"]),
        ("T_BEFORE(on, DATE('2025-01-01')) OR people = 1", ["a.r0", "b.r0"]),
    ):
        asked = FeatureQuery(filter=parse_filter(text, properties=known))
        assert numbers(provider, asked)[0] == expected
    for sortby in ((("on", False),), (("on", True),)):
        assert numbers(provider, FeatureQuery(sortby=sortby))[0] == ["b.r0", "a.r0"]


def test_a_cursor_of_another_order_is_refused(tmp_path: Path) -> None:
    rows = [{"name": "x", "people": n, "share": None, "open": True, "shape": None}
            for n in range(3)]  # fmt: skip
    written(rows, tmp_path / "x.gpkg")
    provider = plain(tmp_path / "x.gpkg")
    cursor = numbers(provider, FeatureQuery(limit=1))[2]
    for query in (
        FeatureQuery(cursor=cursor, sortby=(("people", False),)),
        FeatureQuery(cursor="zut"),
        FeatureQuery(cursor="WyJzdHVkeSxpZCIsIiIsMWU5OTld"),
    ):
        with pytest.raises(QueryError, match="cursor"):
            provider.ask(query, viewer=PUBLIC)


def test_a_wide_question_is_answered_as_a_narrow_one(tmp_path: Path) -> None:
    """Past a share of the rows the database is asked in another way: the answer is the same."""
    rows = [{"name": "n", "people": n % 7, "share": None, "open": n % 2 == 0,
             "shape": shapely.Point(n % 10, n % 3)} for n in range(120)]  # fmt: skip
    written(rows, tmp_path / "x.gpkg")
    provider = plain(tmp_path / "x.gpkg")
    for width, offset in itertools.product((0.2, 4.2, 9.2), (0, 3)):
        query = FeatureQuery(boxes=((-0.1, -0.1, width, 1.1),), limit=7, offset=offset)
        expected = [f"r{n}" for n, row in enumerate(rows) if meets(row, -0.1, -0.1, width, 1.1)]
        ids, matched, _cursor = numbers(provider, query)
        assert (ids, matched) == (expected[offset : offset + 7], len(expected))


@pytest.mark.parametrize("descending", [False, True])
def test_a_value_of_most_rows_is_read_in_order_from_an_index_of_both(
    tmp_path: Path, descending: bool
) -> None:
    """The answer is that of a layer without it, and no row is passed over that has another value."""
    rows = [{"name": "ab"[n % 2], "people": None if n % 9 == 0 else n * 7 % 31, "share": None,
             "open": True, "shape": None} for n in range(60)]  # fmt: skip
    written(rows, tmp_path / "x.gpkg")
    written(rows, tmp_path / "indexed.gpkg")
    with closing(sqlite3.connect(tmp_path / "indexed.gpkg")) as database:
        database.execute("CREATE INDEX both ON places (name, people)")
        database.commit()
    query = FeatureQuery(equal={"name": "b"}, sortby=(("people", descending),), limit=40)
    found = [numbers(plain(tmp_path / name), query) for name in ("x.gpkg", "indexed.gpkg")]
    assert found[0] == found[1] and found[0][1] == 30
    plans: list[str] = []
    with open_layer(tmp_path / "indexed.gpkg", "places") as layer:
        assert ("name", "people") in layer.schema.pairs
        layer._database.set_trace_callback(plans.append)
        chosen = Chosen(where=(Sql('t."name" IS ?', ("b",)),))
        assert len(layer.keys(chosen, [Key("people.", 't."people"', descending)])) == 30
        layer._database.set_trace_callback(None)
        (plan,) = layer._database.execute(f"EXPLAIN QUERY PLAN {plans[-1]}").fetchall()
    assert "(name=?)" in plan[3] and "both" in plan[3]


def test_a_connection_is_kept_for_one_state_of_a_file(tmp_path: Path) -> None:
    rows = [{"name": "x", "people": 1, "share": None, "open": True, "shape": None}]
    for many in (1, 3):
        written(rows * many, tmp_path / "x.gpkg")
        for _again in range(2):
            with open_layer(tmp_path / "x.gpkg", "places") as layer:
                assert layer.count() == many
