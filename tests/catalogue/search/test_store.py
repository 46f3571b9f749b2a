"""The contract of `RecordStore`: another engine passes the same tests behind another ``store``
fixture (see ``conftest.ENGINES``). What is SQLite's alone stands in ``test_sqlite.py``."""

import json
import threading
from collections.abc import Sequence
from dataclasses import replace
from functools import partial

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from geoguichet.catalogue import text
from geoguichet.catalogue.errors import QueryError, RecordNotFoundError
from geoguichet.catalogue.record import Extent, ExternalId, Record, Time
from geoguichet.catalogue.search.contract import RecordStore
from geoguichet.catalogue.search.query import FacetRequest, RecordQuery, SortKey
from geoguichet.catalogue.search.store import SQLiteStore
from geoguichet.catalogue.search.tables import QUERYABLES, LoadSummary
from geoguichet.floor.viewer import MACHINE
from geoguichet.floor.words import speaking


def found(store: RecordStore, **parameters: str) -> list[str]:
    page = store.search(RecordQuery.from_parameters(parameters), viewer=MACHINE)
    assert page.number_matched >= len(page.items)
    return [json.loads(item)["id"] for item in page.items]


@pytest.fixture
def filled(store: RecordStore, forests: Record, counters: Record, study: Record) -> RecordStore:
    assert store.bulk_upsert([forests, counters, study]) == LoadSummary(created=3)
    return store


def test_a_store_that_does_not_exist_yet_is_empty(store: RecordStore) -> None:
    assert store.search(RecordQuery(), viewer=MACHINE).number_matched == 0
    assert store.generation(viewer=MACHINE) == 0
    with pytest.raises(RecordNotFoundError):
        store.get("x", viewer=MACHINE)
    with pytest.raises(RecordNotFoundError):
        store.history("x", viewer=MACHINE)


def test_what_is_stored_is_found_again(filled: RecordStore, forests: Record) -> None:
    assert filled.get("forets", viewer=MACHINE) == forests
    assert filled.document("forets", viewer=MACHINE) == forests.to_bytes()
    assert filled.search(RecordQuery(ids=("forets",)), viewer=MACHINE).records == (forests,)


@pytest.mark.parametrize(
    ("parameters", "expected"),
    [
        ({}, ["etude", "guichets", "forets"]),
        ({"q": "foret"}, ["forets", "etude"]),
        ({"q": "FORÊTS"}, ["forets", "etude"]),
        ({"q": "eau"}, []),
        ({"q": "etat"}, ["guichets"]),
        ({"q": "services publics"}, ["etude", "guichets"]),
        ({"q": "publics services"}, []),
        ({"q": "publics services", "q-words": "anywhere"}, ["etude", "guichets"]),
        ({"q": "foret biologie,routière", "q-words": "anywhere"}, ["forets", "guichets"]),
        ({"q": "foret guichet", "q-words": "together"}, []),
        ({"q": "foret guichet", "q-words": "anywhere"}, ["etude"]),
        ({"q": "prefecture,biologie"}, ["forets", "guichets"]),
        ({"q": "dreal"}, ["forets"]),
        ({"q": "!!"}, []),
        ({"q": ' "OR" NEAR( * '}, []),
        ({"q": "foret", "type": "study"}, ["etude"]),
        ({"q": "foret", "bbox": "0.9,42.6,1,43"}, ["forets"]),
        ({"q": "foret", "ids": "etude,guichets"}, ["etude"]),
        ({"type": "dataset"}, ["guichets", "forets"]),
        ({"type": "dataset,study"}, ["etude", "guichets", "forets"]),
        ({"type": "service"}, []),
        ({"bbox": "0.9,42.6,1,43"}, ["guichets", "forets"]),
        ({"bbox": "3,44,10,50"}, ["guichets"]),
        ({"bbox": "170,42,0,44"}, ["guichets"]),
        ({"datetime": "2021-06-01T12:00:00Z"}, ["guichets", "forets"]),
        ({"datetime": "../2018-12-31"}, []),
        ({"datetime": "2022/.."}, ["forets"]),
        ({"ids": "etude,inconnu"}, ["etude"]),
        ({"externalIds": "fr-123"}, ["forets"]),
        ({"externalIds": "siren"}, ["forets"]),
        ({"externalIds": "siren:fr-123"}, ["forets"]),
        ({"externalIds": "siren:autre"}, []),
        ({"sortby": "title"}, ["forets", "guichets", "etude"]),
        ({"sortby": "-title"}, ["etude", "guichets", "forets"]),
        ({"sortby": "type,-updated"}, ["guichets", "forets", "etude"]),
        ({"limit": "1", "offset": "1"}, ["guichets"]),
        ({"limit": "0"}, []),
    ],
)
def test_a_search_answers(
    filled: RecordStore, parameters: dict[str, str], expected: list[str]
) -> None:
    assert found(filled, **parameters) == expected


def test_the_title_weighs_more_than_keywords_and_they_more_than_the_abstract(
    store: RecordStore,
) -> None:
    filler = "un texte sans rapport avec le mot que l'on cherche"
    store.upsert(Record(id="a", title=filler, description="littoral"))
    store.upsert(Record(id="b", title=filler, keywords=("littoral",)))
    store.upsert(Record(id="c", title="littoral"))
    assert found(store, q="littoral") == ["c", "b", "a"]


def test_a_phrase_does_not_run_from_one_keyword_into_the_next(store: RecordStore) -> None:
    store.upsert(Record(id="a", keywords=("qualité de l'eau", "air")))
    assert found(store, q="qualité de l'eau") == ["a"]
    assert found(store, q="eau air") == []


def test_the_same_content_again_writes_nothing(filled: RecordStore, forests: Record) -> None:
    before = filled.generation(viewer=MACHINE)
    assert filled.upsert(forests) == "unchanged"
    assert filled.bulk_upsert([forests]) == LoadSummary(unchanged=1)
    assert filled.generation(viewer=MACHINE) == before
    assert len(filled.history("forets", viewer=MACHINE)) == 1


def test_every_edit_keeps_the_previous_version(filled: RecordStore, forests: Record) -> None:
    renamed = replace(forests, title="Bois")
    assert filled.upsert(renamed, by="anne") == "updated"
    filled.delete("forets", by="paul")
    assert filled.upsert(forests, by="anne") == "created"
    history = filled.history("forets", viewer=MACHINE)
    assert [(v.number, v.by, v.change, v.record) for v in history] == [
        (1, "", "created", forests),
        (2, "anne", "updated", renamed),
        (3, "paul", "deleted", None),
        (4, "anne", "created", forests),
    ]
    assert found(filled, q="bois") == []
    assert found(filled, q="forets") == ["forets", "etude"]


def test_a_deleted_record_is_gone_everywhere(filled: RecordStore) -> None:
    filled.delete("forets")
    assert found(filled, q="foret") == ["etude"]
    assert found(filled, bbox="0.9,42.6,1,43") == ["guichets"]
    assert found(filled, externalIds="siren") == []
    for attempt in (partial(filled.get, viewer=MACHINE), filled.delete):
        with pytest.raises(RecordNotFoundError):
            attempt("forets")
    assert filled.history("forets", viewer=MACHINE)[-1].change == "deleted"


def test_an_earlier_version_is_made_current_again(filled: RecordStore, forests: Record) -> None:
    filled.upsert(replace(forests, title="Bois", rights="tous"), by="anne")
    assert filled.history("forets", viewer=MACHINE)[-1].members == (
        "properties.rights",
        "properties.title",
    )
    assert filled.restore("forets", 1, by="paul", viewer=MACHINE) == forests
    assert filled.get("forets", viewer=MACHINE) == forests
    assert [(v.number, v.by) for v in filled.history("forets", viewer=MACHINE)] == [
        (1, ""),
        (2, "anne"),
        (3, "paul"),
    ]
    filled.delete("forets")
    assert filled.restore("forets", 2, viewer=MACHINE).title == "Bois"
    for number in (4, 99):
        with pytest.raises(RecordNotFoundError, match="forets"):
            filled.restore("forets", number, viewer=MACHINE)


def test_facets_count_the_matches(filled: RecordStore) -> None:
    def counts(facets: str, **parameters: str) -> dict[str, dict[str, int]]:
        page = filled.search(
            RecordQuery.from_parameters({"facets": facets, **parameters}), viewer=MACHINE
        )
        return {
            facet.name: {bucket.value: bucket.count for bucket in facet.buckets}
            for facet in page.facets
        }

    assert counts("type,keywords") == {
        "type": {"dataset": 2, "study": 1},
        "keywords": {"environnement": 1, "forêt": 1, "service public": 1},
    }
    assert counts("type,updated", q="foret") == {
        "type": {"dataset": 1, "study": 1},
        "updated": {"2024": 1, "2025": 1},
    }
    assert counts("themes,organization,license", bbox="0.9,42.6,1,43") == {
        "themes": {"biota": 1}, "organization": {"DREAL": 1}, "license": {"etalab-2.0": 1},
    }  # fmt: skip
    assert counts("keywords", q="rien") == counts("keywords", q="!!") == {"keywords": {}}
    assert list(counts("keywords::value_desc")["keywords"]) == [
        "service public",
        "forêt",
        "environnement",
    ]
    page = filled.search(RecordQuery.from_parameters({"facets": "keywords:2,type"}), viewer=MACHINE)
    assert [(facet.name, len(facet.buckets), facet.more) for facet in page.facets] == [
        ("keywords", 2, True), ("type", 2, False),
    ]  # fmt: skip
    filled.delete("forets")
    assert counts("keywords,type") == {
        "keywords": {"service public": 1},
        "type": {"dataset": 1, "study": 1},
    }


@pytest.mark.parametrize("name", QUERYABLES)
def test_a_row_is_all_that_a_property_needs(filled: RecordStore, name: str) -> None:
    """What the row of a property says it is good for, it is: filtered, sorted, counted, equal."""
    said = found(filled, filter=f"{name} IS NOT NULL")
    assert sorted(said + found(filled, filter=f"{name} IS NULL")) == sorted(found(filled))
    row = QUERYABLES[name]
    if row.sort:
        assert set(found(filled, sortby=name)[: len(said)]) == set(said)
    if row.facet:
        [counted] = filled.search(
            RecordQuery.from_parameters({"facets": f"{name}:100"}), viewer=MACHINE
        ).facets
        assert bool(counted.buckets) == bool(said)
        if row.terms:
            for bucket in counted.buckets:
                assert len(found(filled, **{name: bucket.value})) == bucket.count


@pytest.mark.parametrize(
    ("parameters", "expected"),
    [
        ({"keywords": "forêt"}, ["forets"]),
        ({"keywords": "foret"}, []),
        ({"organization": "DREAL", "q": "foret"}, ["forets"]),
        ({"license": "etalab-2.0", "bbox": "0,42,1,43"}, ["forets"]),
        ({"themes": "biota", "filter": "type = 'dataset'"}, ["forets"]),
    ],
)
def test_an_exact_value(
    filled: RecordStore, parameters: dict[str, str], expected: list[str]
) -> None:
    assert found(filled, **parameters) == expected


@pytest.mark.parametrize(
    "sortby", ["", "title", "-title", "type,-updated", "-type,title", "updated,-id", "created"]
)
def test_pages_follow_each_other_without_hole_or_repeat(store: RecordStore, sortby: str) -> None:
    kinds, days = ("", "dataset", "study"), ("", "2020-01-01", "2021-01-01", "2021-06-01T00:00:00Z")
    store.bulk_upsert(
        Record(
            id=f"r{n:02d}",
            title=kinds[n % 3] and f"t{n % 5}",
            type=kinds[n % 3],
            updated=days[n % 4],
        )
        for n in range(23)
    )
    everything = found(store, sortby=sortby, limit="100")
    pages, cursor = [], ""
    while True:
        page = store.search(
            RecordQuery.from_parameters({"sortby": sortby, "limit": "4", "cursor": cursor}),
            viewer=MACHINE,
        )
        assert page.number_matched == 23
        pages += [record.id for record in page.records]
        cursor = page.next
        if not cursor:
            break
    assert pages == everything and len(set(pages)) == 23


def test_a_cursor_is_for_its_own_order(store: RecordStore) -> None:
    store.bulk_upsert(Record(id=str(n), title="t") for n in range(5))
    cursor = store.search(RecordQuery(limit=2), viewer=MACHINE).next
    for wrong in ("x", "é", cursor[:-2], cursor + "A" * 400, "W10", "bnVsbA"):
        with pytest.raises(QueryError, match="cursor"):
            store.search(RecordQuery(cursor=wrong, limit=2), viewer=MACHINE)
    with pytest.raises(QueryError, match="cursor"):
        store.search(RecordQuery(cursor=cursor, sortby=(SortKey("title"),)), viewer=MACHINE)


def test_the_box_asked_for_then_freshness_rank(store: RecordStore) -> None:
    store.bulk_upsert(
        [
            Record(
                id="monde",
                title="forêt",
                geometry=Extent(-180, -90, 180, 90).as_geometry(),
                updated="2025-01-01",
            ),
            Record(
                id="ici",
                title="forêt",
                geometry=Extent(1, 43, 2, 44).as_geometry(),
                updated="2010-01-01",
            ),
            Record(id="vieux", title="forêt", updated="2001-01-01"),
        ]
    )
    assert found(store, q="foret", bbox="1,43,2,44") == ["ici", "monde"]
    assert found(store, q="foret") == ["monde", "ici", "vieux"]
    assert found(store, q="foret", limit="1", offset="1") == ["ici"]


def test_records_in_another_language_than_the_readers_come_after(store: RecordStore) -> None:
    told = {"fr": "fr", "fre": "fre", "eng": {"code": "eng"}, "es": "es", "muet": None}
    store.bulk_upsert(
        Record(id=name, title="urban atlas", extra_properties={"language": code} if code else {})
        for name, code in told.items()
    )
    assert set(found(store, q="urban")[:3]) == {"fr", "fre", "muet"}
    with speaking("en"):
        assert set(found(store, q="urban")[:2]) == {"eng", "muet"}
        store.upsert(Record(id="fr", title="urban", extra_properties={"language": "en"}))
        assert set(found(store, q="urban")[:3]) == {"eng", "muet", "fr"}


def test_a_load_that_fails_leaves_nothing(filled: RecordStore, counters: Record) -> None:
    def broken() -> Sequence[Record]:
        yield replace(counters, title="Autre")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        filled.bulk_upsert(broken())
    assert filled.get("guichets", viewer=MACHINE) == counters


def test_readers_see_all_of_a_load_or_none(store: RecordStore) -> None:
    store.upsert(Record(id="0"))
    seen: set[int] = set()

    def loading():
        for number in range(1, 200):
            yield Record(id=str(number), title=f"fiche {number}")
            if number % 50 == 0:
                seen.add(store.search(RecordQuery(), viewer=MACHINE).number_matched)

    store.bulk_upsert(loading())
    assert seen == {1}
    assert store.search(RecordQuery(), viewer=MACHINE).number_matched == 200


def test_a_store_serves_many_threads(filled: RecordStore, forests: Record) -> None:
    wrong: list[object] = []

    def read() -> None:
        wrong.extend("read" for _ in range(30) if len(found(filled, q="foret")) != 2)

    threads = [threading.Thread(target=read) for _ in range(4)]
    for thread in threads:
        thread.start()
    for number in range(20):
        filled.upsert(replace(forests, rights=str(number)))
    for thread in threads:
        thread.join()
    assert wrong == []


# --- against a naive twin -------------------------------------------------------------------------

WORDS = ("forêt", "forêts", "eau", "l'eau", "qualité", "de", "commune", "Rivières")
degrees = st.sampled_from([-180.0, -170.5, -1.0, 0.0, 0.1, 1.0, 2.0, 179.0, 180.0])
heights = st.sampled_from([-90.0, 0.0, 43.0, 43.5, 90.0])
boxes = st.builds(
    lambda w, e, s: Extent(w, min(s), e, max(s)), degrees, degrees, st.tuples(heights, heights)
)
sentences = st.lists(st.sampled_from(WORDS), max_size=4).map(" ".join)
moments = st.sampled_from(
    [None, Time(date="2020-01-01"), Time(interval=("2019", "..")), Time(interval=("..", "2021"))]
)
records = st.fixed_dictionaries(
    {
        "title": sentences,
        "description": sentences,
        "keywords": st.lists(sentences, max_size=2).map(tuple),
        "geometry": st.none() | boxes.map(Extent.as_geometry),
        "time": moments,
        "type": st.sampled_from(["", "dataset", "study"]),
        "external_ids": st.sampled_from([(), (ExternalId("1", "siren"),), (ExternalId("siren"),)]),
    }
)
queries = st.builds(
    lambda q, anywhere, bbox, datetime, kind, ids, external, sort: RecordQuery(
        q=q,
        anywhere=anywhere,
        bbox=bbox,
        datetime=datetime,
        type=kind,
        ids=ids,
        external_ids=external,
        sortby=sort,
        limit=100,
    ),
    st.lists(
        st.lists(st.sampled_from(WORDS), min_size=1, max_size=2).map(" ".join), max_size=2
    ).map(",".join),
    st.booleans(),
    st.none() | boxes,
    st.none()
    | st.sampled_from([("2020-01-01T00:00:00.000000Z", "~"), ("", "2018-12-31T23:59:59.999999Z")]),
    st.sampled_from([(), ("dataset",), ("dataset", "study")]),
    st.sampled_from([(), ("r0", "r2", "r9")]),
    st.sampled_from([(), ("siren",), ("siren:1",), ("1",)]),
    st.sampled_from([(), (SortKey("title"),), (SortKey("type", True), SortKey("title"))]),
)


def naive(record: Record, query: RecordQuery) -> bool:
    """The same conditions, read one after the other on the record itself."""
    texts = [record.title, record.description, *record.keywords]
    if query.q and not any(
        has_words(text.stems(term), texts, apart=query.anywhere) for term in query.terms
    ):
        return False
    if query.bbox and not (record.extent and record.extent.intersects(query.bbox)):
        return False
    bounds = record.time.bounds() if record.time else None
    if query.datetime and not (
        bounds and bounds[0] <= query.datetime[1] and bounds[1] >= query.datetime[0]
    ):
        return False
    external = {
        name for e in record.external_ids for name in (e.value, e.scheme, f"{e.scheme}:{e.value}")
    }
    return (
        (not query.type or record.type in query.type)
        and (not query.ids or record.id in query.ids)
        and (not query.external_ids or bool(external & set(query.external_ids)))
    )


def has_words(words: Sequence[str], texts: Sequence[str], *, apart: bool) -> bool:
    if apart:
        return bool(words) and set(words) <= {stem for told in texts for stem in text.stems(told)}
    return bool(words) and any(has_phrase(words, text.stems(told)) for told in texts)


def has_phrase(phrase: Sequence[str], words: Sequence[str]) -> bool:
    return any(
        tuple(words[i : i + len(phrase)]) == tuple(phrase)
        for i in range(len(words) - len(phrase) + 1)
    )


@pytest.fixture(scope="module")
def scratch(tmp_path_factory: pytest.TempPathFactory) -> SQLiteStore:
    return SQLiteStore(tmp_path_factory.mktemp("twin") / "catalogue.sqlite")


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    st.lists(records, min_size=1, max_size=12),
    st.lists(queries, min_size=5, max_size=15),
    st.booleans(),
)
def test_a_search_finds_what_reading_every_record_finds(
    scratch: SQLiteStore, described: list[dict], asked: list[RecordQuery], edited: bool
) -> None:
    for file in scratch.path.parent.glob(f"{scratch.path.name}*"):
        file.unlink()
    everything = [Record(id=f"r{n}", **members) for n, members in enumerate(described)]
    with scratch as store:
        store.bulk_upsert(everything)
        if edited:  # once arrays of the first state are in memory
            store.search(RecordQuery(facets=(FacetRequest("type"),)), viewer=MACHINE)
            store.delete("r0")
            moved = replace(everything[-1], id="r1")
            store.upsert(moved)
            everything = [moved, *everything[2:]]
        for query in asked:
            expected = {record.id for record in everything if naive(record, query)}
            page = store.search(query, viewer=MACHINE)
            answer = [record.id for record in page.records]
            assert set(answer) == expected, query
            assert page.number_matched == len(answer) == len(expected)
            if query.sortby == (SortKey("title"),):
                titles = [text.fold(record.title) for record in page.records]
                assert titles == sorted(titles, key=lambda title: (not title, title))


def test_a_load_tells_what_it_refused_and_stores_the_rest(
    store: RecordStore, forests: Record, counters: Record
) -> None:
    refused: list[str] = []
    bad = replace(counters, id="mauvaise", title="\x01")
    store.bulk_upsert([forests, counters, bad], refused=lambda record, _: refused.append(record.id))
    assert store.get(forests.id, viewer=MACHINE).digest() == forests.digest()
    assert store.get(counters.id, viewer=MACHINE).digest() == counters.digest()
    assert refused == [bad.id]
