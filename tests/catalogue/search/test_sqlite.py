"""What SQLite alone can get wrong: its files, its logs, its 32-bit boxes, its older versions."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
import shapely

from geoguichet.catalogue import text
from geoguichet.catalogue.errors import StoreError
from geoguichet.catalogue.record import Extent, Record
from geoguichet.catalogue.search import tables, upgrade
from geoguichet.catalogue.search.query import RecordQuery, select
from geoguichet.catalogue.search.store import SQLiteStore
from geoguichet.floor.viewer import MACHINE


def found(store: SQLiteStore, **parameters: str) -> list[str]:
    return [
        json.loads(item)["id"]
        for item in store.search(RecordQuery.from_parameters(parameters), viewer=MACHINE).items
    ]


@pytest.fixture
def filled(tmp_path: Path, forests: Record, counters: Record, study: Record):
    with SQLiteStore(tmp_path / "catalogue.sqlite") as store:
        store.bulk_upsert([forests, counters, study])
        yield store


def remove(path: Path) -> None:
    """Remove a store with its log: one left beside a new file would be replayed into it."""
    for file in path.parent.glob(f"{path.name}*"):
        file.unlink()


def test_a_replaced_file_is_noticed(filled: SQLiteStore, tmp_path: Path) -> None:
    assert len(found(filled)) == 3
    with SQLiteStore(tmp_path / "other.sqlite") as other:
        other.upsert(Record(id="neuf"))
    filled.close()
    remove(filled.path)
    (tmp_path / "other.sqlite").replace(filled.path)
    assert found(filled) == ["neuf"]


def test_a_backup_put_in_place_takes_the_arrays_back_in_time(
    filled: SQLiteStore, tmp_path: Path
) -> None:
    with (
        sqlite3.connect(filled.path) as database,
        sqlite3.connect(tmp_path / "backup.sqlite") as backup,
    ):
        database.backup(backup)
    database.close()
    backup.close()
    filled.upsert(Record(id="neuf", type="dataset", geometry=Extent(1, 43, 2, 44).as_geometry()))
    assert "neuf" in found(filled, bbox="0,42,3,45") and "neuf" in found(filled, type="dataset")
    filled.close()
    remove(filled.path)
    (tmp_path / "backup.sqlite").replace(filled.path)
    assert sorted(found(filled, bbox="0,42,3,45")) == ["forets", "guichets"]
    assert sorted(found(filled, type="dataset")) == ["forets", "guichets"]


def test_a_log_left_beside_a_removed_file_is_not_replayed(
    filled: SQLiteStore, tmp_path: Path
) -> None:
    assert len(found(filled)) == 3  # an idle reader keeps the log alive
    wal = Path(f"{filled.path}-wal")
    log = wal.read_bytes() if wal.exists() else b""
    filled.close()
    remove(filled.path)
    assert not wal.exists()
    wal.write_bytes(log)
    filled.upsert(Record(id="seul"))
    assert found(filled) == ["seul"]


@pytest.mark.parametrize("content", [b"", b"pas une base" * 200])
def test_a_file_that_is_no_store_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "catalogue.sqlite"
    path.write_bytes(content)
    with SQLiteStore(path) as store:
        if content:
            with pytest.raises(StoreError, match="catalogue"):
                store.search(RecordQuery(), viewer=MACHINE)
        else:
            assert store.search(RecordQuery(), viewer=MACHINE).number_matched == 0


def test_a_database_of_others_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "catalogue.sqlite"
    with sqlite3.connect(path) as database:
        database.execute("CREATE TABLE autre (a)")
    database.close()
    with SQLiteStore(path) as store:
        for act in (
            lambda: store.search(RecordQuery(), viewer=MACHINE),
            lambda: store.upsert(Record(id="a")),
        ):
            with pytest.raises(StoreError, match="pas un catalogue"):
                act()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="a child that can be killed is made by fork")
def test_a_file_whose_maker_was_killed_is_an_empty_catalogue(tmp_path: Path) -> None:
    with sqlite3.connect(
        tmp_path / "0.sqlite"
    ) as begun:  # where it stands longest: the log is on, the tables to come
        begun.execute("PRAGMA journal_mode = WAL")
    begun.close()
    assert (tmp_path / "0.sqlite").stat().st_size
    start = time.perf_counter()
    SQLiteStore(tmp_path / "whole.sqlite").upsert(Record(id="a"))
    lasts_s, rounds = time.perf_counter() - start, 12
    for turn in range(rounds):
        path = tmp_path / f"{turn}.sqlite"
        if turn:
            child = os.fork()
            if child == 0:
                SQLiteStore(path).upsert(Record(id="a"))
                os._exit(0)
            time.sleep(lasts_s * turn / rounds)
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
        with SQLiteStore(path) as store:
            assert store.search(RecordQuery(), viewer=MACHINE).number_matched in (
                (0, 1) if turn else (0,)
            ), turn
            assert store.generation(viewer=MACHINE) >= 0
            store.upsert(Record(id="b"))
            assert "b" in found(store)


def test_a_store_of_another_version_is_refused(filled: SQLiteStore) -> None:
    filled.close()
    with sqlite3.connect(filled.path) as database:
        database.execute("PRAGMA user_version = 99")
    database.close()
    with pytest.raises(StoreError, match="99"):
        filled.search(RecordQuery(), viewer=MACHINE)
    with pytest.raises(StoreError, match="99"):
        filled.upsert(Record(id="x"))


def test_the_32_bit_edges_of_the_r_tree_are_refined(tmp_path: Path) -> None:
    store = SQLiteStore(tmp_path / "edges.sqlite")
    edge = 0.1 + 2e-9  # nearer to 0.1 than a 32-bit number can tell
    store.upsert(Record(id="a", geometry=Extent(edge, 43.0, 1.0, 44.0).as_geometry()))
    assert found(store, bbox=f"0,43,{0.1 + 1e-9!r},44") == []
    assert found(store, bbox=f"0,43,{edge!r},44") == ["a"]
    store.upsert(Record(id="b", title="bord", geometry=Extent(edge, 43.0, 1.0, 44.0).as_geometry()))
    assert found(store, q="bord", bbox=f"0,43,{0.1 + 1e-9!r},44") == []
    assert found(store, q="bord", bbox=f"0,43,{edge!r},44") == ["b"]
    store.close()


def test_another_analysis_indexes_the_store_anew(
    filled: SQLiteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(text, "ANALYSIS", "autre")
    monkeypatch.setattr(text, "stems", text.words)
    filled.upsert(Record(id="x", title="Rien"))
    assert found(filled, q="forêts") == ["forets"]
    assert found(filled, q="forêt") == ["forets", "etude"]


def test_an_index_of_other_properties_is_made_anew_and_an_old_one_is_kept(
    filled: SQLiteStore,
) -> None:
    """``meta.terms`` names what is indexed; a file of before it did has the first six."""

    def opened_with(change: str) -> bool:
        filled.close()
        with closing(sqlite3.connect(filled.path)) as database, database:
            before = tables.meta(database, "numbering")
            database.execute(change)
        assert set(found(filled, type="dataset")) == {"forets", "guichets"}
        with closing(sqlite3.connect(filled.path)) as database:
            return tables.meta(database, "numbering") == before

    assert opened_with("DELETE FROM meta WHERE key = 'terms'")
    assert not opened_with("INSERT OR REPLACE INTO meta VALUES ('terms', 'keywords')")
    assert opened_with("SELECT 1")


def test_the_indexes_agree_with_the_records(filled: SQLiteStore, forests: Record) -> None:
    for title in ("Un", "Deux", "Trois"):
        filled.upsert(
            replace(forests, title=title, geometry=Extent(170, 0, -170, 10).as_geometry())
        )
    filled.delete("guichets")
    database = sqlite3.connect(filled.path)
    assert database.execute("SELECT rtreecheck('extent')").fetchone() == ("ok",)
    assert database.execute("SELECT count(*) FROM extent").fetchone() == (2,)
    assert database.execute("SELECT count(*) FROM words WHERE words MATCH 'deux'").fetchone() == (
        0,
    )
    database.execute("INSERT INTO words (words) VALUES ('integrity-check')")
    database.close()


def test_an_unwritable_place_is_one_sentence(tmp_path: Path) -> None:
    folder = tmp_path / "catalogue.sqlite"
    folder.mkdir()
    with SQLiteStore(folder) as store, pytest.raises(StoreError):
        store.upsert(Record(id="x"))


def test_a_file_of_the_first_version_is_brought_up_to_this_one(
    filled: SQLiteStore, forests: Record
) -> None:
    filled.upsert(replace(forests, title="Bois"), by="anne")
    filled.close()
    with sqlite3.connect(filled.path) as database:
        for table in ("term", "tagged", "shape"):
            database.execute(f"DROP TABLE {table}")
        for column in (
            "stamp",
            "created_last",
            "updated_last",
            "name",
            "license",
            "language",
            "title_words",
            "terms",
        ):
            database.execute("DROP INDEX IF EXISTS record_stamp")
            database.execute(f"ALTER TABLE record DROP COLUMN {column}")
        database.execute("PRAGMA user_version = 1")
    database.close()
    assert found(filled, q="bois", keywords="forêt") == ["forets"]
    assert [(v.number, v.by, v.change) for v in filled.history("forets", viewer=MACHINE)] == [
        (1, "", "created"),
        (2, "anne", "updated"),
    ]


def test_the_plans_walk_indexes(filled: SQLiteStore) -> None:
    """Sorting and paging must not sort the table, nor run a subquery for each row beside MATCH."""
    with filled._read() as database:
        for order in ("title ASC NULLS LAST, id ASC", "updated DESC NULLS LAST, id DESC"):
            plan = database.execute(
                f"EXPLAIN QUERY PLAN SELECT n, {order.split()[0]}, id FROM record ORDER BY "
                f"{order} LIMIT 10"
            ).fetchall()
            assert not any("TEMP B-TREE" in row[3] for row in plan), plan


@pytest.mark.parametrize(
    "condition", ["", "S_INTERSECTS(geometry,POINT(1 43))", "type = 'dataset'"]
)
def test_no_subquery_stands_beside_match(condition: str) -> None:
    """FTS5 would run it for every row that matches (3.6 s where the tokens take 3 ms)."""
    told = {
        "q": "forêt",
        "bbox": "0,42,1,43",
        "type": "dataset",
        "keywords": "forêt",
        "datetime": "2020/..",
    }
    selection = select(RecordQuery.from_parameters({**told, "filter": condition}), (0, 2))
    assert selection is not None and selection.match
    assert not any("n IN (SELECT" in part.replace("record.", "") for part in selection.conditions)


WRITER = """
import sys
from pathlib import Path
from geoguichet.catalogue.record import Record
from geoguichet.catalogue.search.store import SQLiteStore
store = SQLiteStore(Path(sys.argv[1]))
for number in range(10_000):
    store.upsert(Record(id=f"w{sys.argv[2]}-{number}", title="écrit"))
    print(number, flush=True)
    if number % 5 == 4:
        store.bulk_upsert(Record(id=f"c{sys.argv[2]}-{number}-{n}", title="chargé") for n in range(20))
        print(f"load {number}", flush=True)
"""


def test_a_writer_killed_at_any_moment_loses_nothing_it_acknowledged(tmp_path: Path) -> None:
    path = tmp_path / "catalogue.sqlite"
    rounds = int(os.environ.get("GEOGUICHET_KILLS", "3"))
    for turn in range(rounds):
        writer = subprocess.Popen(
            [sys.executable, "-c", WRITER, str(path), str(turn)], stdout=subprocess.PIPE, text=True
        )
        assert writer.stdout is not None
        first = writer.stdout.readline()
        time.sleep(0.02 + 0.013 * turn)
        writer.send_signal(signal.SIGKILL)
        told = (first + writer.stdout.read()).splitlines()
        writer.wait()
        writer.stdout.close()
        acknowledged = {line for line in told if line.isdigit()}
        with SQLiteStore(path) as store:
            assert all(store.get(f"w{turn}-{number}", viewer=MACHINE) for number in acknowledged)
            loaded = [line.split()[1] for line in told if line.startswith("load")]
            for number in loaded:
                assert all(store.get(f"c{turn}-{number}-{n}", viewer=MACHINE) for n in range(20))
            count = store.search(RecordQuery(q="chargé"), viewer=MACHINE).number_matched
            assert count % 20 == 0  # a load is there whole or not at all
    database = sqlite3.connect(path)
    assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    assert database.execute("SELECT rtreecheck('extent')").fetchone() == ("ok",)
    database.close()


def test_a_catalogue_of_the_next_version_is_left_alone(filled: SQLiteStore) -> None:
    filled.close()
    with sqlite3.connect(filled.path) as database:
        database.execute(f"PRAGMA user_version = {upgrade.SCHEMA.version + 1}")
    database.close()
    with pytest.raises(StoreError, match="plus récente"):
        filled.search(RecordQuery(), viewer=MACHINE)


READER = """
import json, sys, time
from pathlib import Path
from geoguichet.catalogue.search.query import RecordQuery
from geoguichet.catalogue.search.store import SQLiteStore
from geoguichet.floor.viewer import MACHINE
store = SQLiteStore(Path(sys.argv[1]))
pair = RecordQuery(q="paire", limit=10)
groups = RecordQuery.from_parameters({"q": "groupe", "facets": "type,keywords", "limit": "1"})
everything = RecordQuery.from_parameters({"facets": "type", "limit": "1", "sortby": "title"})
reads, states, end = 0, set(), time.monotonic() + float(sys.argv[2])
while time.monotonic() < end:
    found = store.search(pair, viewer=MACHINE).records
    assert len(found) == 2 and found[0].rights == found[1].rights, [record.rights for record in found]
    page = store.search(groups, viewer=MACHINE)
    counts = {facet.name: sum(bucket.count for bucket in facet.buckets) for facet in page.facets}
    assert page.number_matched % 20 == 0, page.number_matched
    assert counts == {"type": page.number_matched, "keywords": page.number_matched}, (counts, page.number_matched)
    page = store.search(everything, viewer=MACHINE)
    assert page.number_matched % 20 == 2 and page.facets[0].buckets[0].count == page.number_matched, page
    assert store.get("p1", viewer=MACHINE).title == "Une paire"
    states.add(found[0].rights)
    reads += 4
print(reads, len(states))
"""
SECONDS = os.environ.get("GEOGUICHET_SECONDS", "3")
"""How long four readers read beside a writer; `make check-api` asks for 60."""


def test_four_readers_beside_a_writer_never_see_a_half_state(tmp_path: Path) -> None:
    path = tmp_path / "catalogue.sqlite"
    with SQLiteStore(path) as store:

        def write(turn: int) -> None:
            store.bulk_upsert(
                Record(id=f"p{n}", title="Une paire", type="dataset", rights=str(turn))
                for n in range(2)
            )
            group = [Record(id=f"g{turn % 40}-{n}", title="Un groupe", type="dataset",
            keywords=(f"tour {turn % 7}",))
                     for n in range(20)]  # fmt: skip
            store.bulk_upsert(group)
            if turn % 5 == 4:
                store.upsert(replace(group[0], rights=str(turn)))

        write(0)
        command = [sys.executable, "-c", READER, str(path), SECONDS]
        readers = [
            subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
            for _ in range(4)
        ]
        turn = 0
        while any(reader.poll() is None for reader in readers):
            write(turn := turn + 1)
    for reader in readers:
        told, error = reader.communicate()
        assert reader.returncode == 0, error
        reads, states = map(int, told.split())
        assert reads > 20 and states > 2
    assert turn > 5


@pytest.mark.parametrize(
    "sides",
    [
        *((1, 2, 3, 4), (1, 2, 1, 2), (1, 2, 3, 2), (1, 2, 1, 4)),
        *((170, 2, -170, 4), (170, 2, -170, 2), (180, 2, -170, 4), (170, 2, -180, 4)),
    ],
)
def test_a_box_is_stored_as_shapely_makes_it_valid(
    tmp_path: Path, forests: Record, sides: tuple[float, float, float, float]
) -> None:
    geometry = Extent(*map(float, sides)).as_geometry()
    with SQLiteStore(tmp_path / "catalogue.sqlite") as store:
        store.upsert(replace(forests, geometry=geometry))
    with closing(sqlite3.connect(tmp_path / "catalogue.sqlite")) as database:
        (stored,) = database.execute("SELECT wkb FROM shape").fetchone()
    valid = shapely.make_valid(shapely.from_geojson(json.dumps(geometry)))
    assert stored == shapely.to_wkb(valid)
