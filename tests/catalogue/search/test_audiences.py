"""What a viewer may not see does not exist in any answer of the store."""

import doctest
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geoguichet.catalogue.errors import RecordNotFoundError, StaleRecordError
from geoguichet.catalogue.record import Contact, Extent, Record
from geoguichet.catalogue.search import audiences
from geoguichet.catalogue.search.audiences import EVERYONE, Shown
from geoguichet.catalogue.search.query import RecordQuery
from geoguichet.catalogue.search.store import SQLiteStore
from geoguichet.floor.viewer import MACHINE, PUBLIC, Viewer, audience

REGION, CITY = "200053791", "213101234"
PARTNERS = Shown(audience("partners"), REGION)
DRAFT = Shown(audience("draft", organisation=REGION, person="p1"), REGION)
LISTED = Shown(audience([CITY]), CITY)

AUTHOR = Viewer("p1", frozenset({(REGION, "contributor")}))
EDITOR = Viewer("p2", frozenset({(REGION, "editor")}))
NEIGHBOUR = Viewer("p3", frozenset({(CITY, "administrator")}))
VIEWERS = (PUBLIC, AUTHOR, EDITOR, NEIGHBOUR, MACHINE)


def record(identifier: str, title: str = "Bois", day: str = "2020-01-01") -> Record:
    return Record(
        id=identifier,
        type="dataset",
        title=title,
        updated=f"{day}T00:00:00Z",
        keywords=(f"mot {title}", "commun"),
        contacts=(Contact(organization=f"Service {title}"),),
        geometry=Extent(1, 43, 2, 44).as_geometry(),
    )


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SQLiteStore]:
    with SQLiteStore(tmp_path / "catalogue.sqlite") as opened:
        yield opened


def test_docstrings_are_true() -> None:
    assert doctest.testmod(audiences).failed == 0


QUESTIONS = [
    {},
    {"sortby": "title"},
    {"sortby": "-updated", "limit": "2"},
    {"q": "bois"},
    {"bbox": "1,43,1.5,43.5"},
    {"type": "dataset"},
    {"keywords": "commun", "sortby": "id"},
    {"ids": "r1,r2,r3"},
    {"datetime": "../2030-01-01"},
    {"filter": "title LIKE 'B%'"},
    {"q": "bois", "filter": "type = 'dataset'"},
    {"limit": "0"},
]
FACETS = "type,keywords,organization,updated"

RECORDS = st.lists(
    st.tuples(
        st.sampled_from([EVERYONE, PARTNERS, DRAFT, LISTED]),
        st.sampled_from(["Bois", "Forêt", "Bois et forêts", "Eau"]),
        st.sampled_from(["2019-01-01", "2020-01-01", "2021-06-01"]),
    ),
    max_size=12,
)


@settings(max_examples=4, deadline=None)
@given(RECORDS)
def test_it_is_as_if_the_catalogue_held_nothing_else(
    tmp_path_factory: pytest.TempPathFactory, told: list[tuple[Shown, str, str]]
) -> None:
    """Counts, facets, pages, cursors: those of a catalogue of what the viewer sees."""
    folder = tmp_path_factory.mktemp("twins")
    made = [(record(f"r{n}", title, day), shown) for n, (shown, title, day) in enumerate(told)]
    with SQLiteStore(folder / "whole.sqlite") as whole:
        for one, shown in made:
            whole.upsert(one, shown=shown)
        for number, viewer in enumerate((PUBLIC, AUTHOR, NEIGHBOUR)):
            with SQLiteStore(folder / f"{number}.sqlite") as twin:
                for one, shown in made:
                    if viewer.sees(shown.audience):
                        twin.upsert(one, shown=shown)
                for question in QUESTIONS:
                    query = RecordQuery.from_parameters({**question, "facets": FACETS})
                    found = whole.search(query, viewer=viewer)
                    expected = twin.search(query, viewer=MACHINE)
                    assert found.number_matched == expected.number_matched
                    assert found.facets == expected.facets
                    assert found.next == expected.next
                    ranks = "q" in question
                    assert sorted(found.items) == sorted(expected.items)
                    assert ranks or found.items == expected.items


def test_pages_go_on_over_what_is_hidden(store: SQLiteStore) -> None:
    for number in range(9):
        store.upsert(record(f"r{number}"), shown=DRAFT if number % 3 else EVERYONE)
    seen, cursor = [], ""
    while True:
        asked = {"sortby": "id", "limit": "1"} | ({"cursor": cursor} if cursor else {})
        page = store.search(RecordQuery.from_parameters(asked), viewer=PUBLIC)
        seen += [one.id for one in page.records]
        if not (cursor := page.next):
            break
    assert seen == ["r0", "r3", "r6"]


def test_a_hidden_record_is_not_there(store: SQLiteStore) -> None:
    store.upsert(record("r1"), shown=DRAFT)
    with pytest.raises(RecordNotFoundError) as absent:
        store.stored("r2", viewer=PUBLIC)
    for ask in (store.get, store.document, store.stored):
        with pytest.raises(RecordNotFoundError) as hidden:
            ask("r1", viewer=PUBLIC)
        assert str(hidden.value).replace("r1", "r2") == str(absent.value)
        assert ask("r1", viewer=AUTHOR) and ask("r1", viewer=EDITOR)
        with pytest.raises(RecordNotFoundError):
            ask("r1", viewer=NEIGHBOUR)
    for ask_history in (store.history, lambda name, viewer: store.restore(name, 1, viewer=viewer)):
        with pytest.raises(RecordNotFoundError):
            ask_history("r1", viewer=PUBLIC)


def test_a_record_says_who_sees_it_where_not_everyone_does(store: SQLiteStore) -> None:
    told = record("r1").to_geojson()
    told["properties"]["visibility"] = "draft"
    store.upsert(Record.from_geojson(told))  # as the command line imports it
    assert store.stored("r1", viewer=PUBLIC).shown == EVERYONE
    assert "visibility" not in store.get("r1", viewer=PUBLIC).extra_properties
    for shown, said in ((PARTNERS, "partners"), (DRAFT, "draft"), (LISTED, [CITY])):
        store.upsert(record("r1"), shown=shown)
        assert store.get("r1", viewer=MACHINE).extra_properties["visibility"] == said
    store.upsert(record("r1"), shown=Shown("public", REGION))
    assert store.get("r1", viewer=PUBLIC) == record("r1")


def test_what_describes_a_record_anew_leaves_who_sees_it_as_it_was(store: SQLiteStore) -> None:
    store.upsert(record("r1"), shown=PARTNERS)
    assert store.upsert(record("r1")) == "unchanged"
    assert store.bulk_upsert([record("r1", "Eau"), record("r2")]).updated == 1
    assert store.stored("r1", viewer=MACHINE).shown == PARTNERS
    assert store.search(RecordQuery(), viewer=PUBLIC).number_matched == 1


def test_versions_that_were_drafts_stay_drafts(store: SQLiteStore) -> None:
    store.upsert(record("r1", "Secret"), shown=DRAFT, by="p1")
    store.upsert(record("r1", "Encore"), shown=DRAFT, by="p1")
    store.upsert(record("r1", "Bois"), shown=Shown("public", REGION), by="p2")
    store.upsert(record("r1", "Bosquet"), by="p2")
    assert [version.number for version in store.history("r1", viewer=PUBLIC)] == [3, 4]
    assert store.history("r1", viewer=PUBLIC)[0].members == ()
    assert len(store.history("r1", viewer=EDITOR)) == 4
    with pytest.raises(RecordNotFoundError):
        store.restore("r1", 1, viewer=PUBLIC)
    store.upsert(record("r1", "Retiré"), shown=DRAFT)
    with pytest.raises(RecordNotFoundError):  # withdrawn: its past goes with it
        store.history("r1", viewer=PUBLIC)
    store.delete("r1")
    with pytest.raises(RecordNotFoundError):
        store.history("r1", viewer=PUBLIC)
    assert store.restore("r1", 1, viewer=MACHINE).title == "Secret"
    assert store.stored("r1", viewer=MACHINE).shown == DRAFT


def test_a_change_is_told_by_the_generation_to_who_sees_it_alone(store: SQLiteStore) -> None:
    store.upsert(record("r1"))
    first = [store.generation(viewer=viewer) for viewer in VIEWERS]
    assert len(set(first)) == 1 and first[0] > 0
    store.upsert(record("r2"), shown=DRAFT)
    grown = [store.generation(viewer=viewer) > first[0] for viewer in VIEWERS]
    assert grown == [False, True, True, False, True]
    before = store.generation(viewer=PUBLIC)
    store.upsert(record("r2"), shown=EVERYONE)
    assert store.generation(viewer=PUBLIC) > before
    before = store.generation(viewer=PUBLIC)
    store.delete("r2")
    assert store.generation(viewer=PUBLIC) > before
    assert store.sight(viewer=MACHINE) is None
    assert store.sight(viewer=PUBLIC) != store.sight(viewer=AUTHOR)


def test_steps_are_versions_with_who_took_them(store: SQLiteStore) -> None:
    store.upsert(record("r1"), shown=DRAFT, by="p1")
    body = store.document("r1", viewer=AUTHOR)
    store.take_step("r1", "submitted", by="p1", instead_of=body)
    assert store.waiting(viewer=EDITOR, most=10) == (body,)
    assert store.waiting(viewer=NEIGHBOUR, most=10) == ()
    store.take_step("r1", "commented", by="p2", note="Le titre ?", instead_of=body)
    assert len(store.waiting(viewer=MACHINE, most=10)) == 1
    store.upsert(record("r1", "Mieux"), by="p1")
    assert len(store.waiting(viewer=MACHINE, most=10)) == 1
    with pytest.raises(StaleRecordError):
        store.take_step("r1", "published", by="p2", instead_of=body, shown=EVERYONE)
    body = store.document("r1", viewer=AUTHOR)
    public = Shown("public", REGION)
    store.take_step("r1", "published", by="p2", instead_of=body, shown=public)
    assert store.waiting(viewer=MACHINE, most=10) == ()
    assert store.get("r1", viewer=PUBLIC) == record("r1", "Mieux")
    assert store.search(RecordQuery(q="mieux"), viewer=PUBLIC).number_matched == 1
    told = [(one.change, one.by, one.note) for one in store.history("r1", viewer=EDITOR)]
    assert told == [
        ("created", "p1", ""),
        ("submitted", "p1", ""),
        ("commented", "p2", "Le titre ?"),
        ("updated", "p1", ""),
        ("published", "p2", ""),
    ]
    assert [one.change for one in store.history("r1", viewer=PUBLIC)] == ["published"]


def test_a_file_of_before_audiences_is_public(store: SQLiteStore) -> None:
    for number in range(3):
        store.upsert(record(f"r{number}"), by="anne")
    store.upsert(record("r0", "Forêt"), by="anne")
    before = store.generation(viewer=MACHINE)
    store.close()
    with sqlite3.connect(store.path) as database:
        database.execute("DROP TABLE audience")
        database.execute("DROP INDEX record_waiting")
        for table, columns in (
            ("record", ("audience", "note", "waiting")),
            ("previous", ("audience", "note")),
        ):
            for column in columns:
                database.execute(f"ALTER TABLE {table} DROP COLUMN {column}")
        database.execute("PRAGMA user_version = 3")
    database.close()
    assert store.search(RecordQuery(), viewer=PUBLIC).number_matched == 3
    assert [version.by for version in store.history("r0", viewer=PUBLIC)] == ["anne", "anne"]
    assert store.generation(viewer=PUBLIC) == before
    store.upsert(record("r3"), shown=DRAFT)
    assert store.search(RecordQuery(), viewer=PUBLIC).number_matched == 3
