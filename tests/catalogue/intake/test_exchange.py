"""Files in and out through the command: byte for byte when nothing changed, without loss when
something did.
"""

import json
import signal
import sqlite3
import subprocess
import sys
import tomllib
from contextlib import closing
from dataclasses import replace
from importlib import resources
from pathlib import Path

import pytest

from geoguichet.catalogue.formats import registry
from geoguichet.catalogue.formats.iso import iso19115_3, iso19139
from geoguichet.catalogue.formats.mapping import with_members
from geoguichet.catalogue.intake.exchange import (
    REGIONS,
    Originals,
    _folded,
    every_record,
    export_all,
    import_files,
    originals_path,
    prepared,
)
from geoguichet.catalogue.intake.harvest.kinds import open_source
from geoguichet.catalogue.intake.harvest.run import harvest
from geoguichet.catalogue.record import Contact, Extent, Link, Record
from geoguichet.catalogue.search.store import SQLiteStore, store_path
from geoguichet.catalogue.text import words
from geoguichet.cli import main
from geoguichet.floor.region import Limits
from geoguichet.floor.viewer import MACHINE


@pytest.fixture
def workspace(tmp_path: Path, full_record: Record) -> Path:
    """A workspace where two records were imported, one per ISO format."""
    folder = tmp_path / "fiches"
    folder.mkdir()
    (folder / "a.xml").write_bytes(
        b"<!-- un commentaire -->\n" + iso19139.write(full_record).partition(b"?>\n")[2]
    )
    (folder / "b.xml").write_bytes(iso19115_3.write(Record(id="b", title="Autre", description="x")))
    (folder / "c.xml").write_bytes(b"<a>")
    assert main(["catalogue", "import", str(folder), "--workspace", str(tmp_path / "w")]) == 0
    return tmp_path / "w"


def test_an_import_tells_what_it_read(workspace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    again = str(workspace.parent / "w2")
    assert (
        main(["catalogue", "import", str(workspace.parent / "fiches"), "--workspace", again]) == 0
    )
    said = capsys.readouterr()
    assert (
        "2 fiche(s) lue(s) : 2 nouvelle(s)" in said.out
        and "c.xml" in said.err
        and "ligne 1" in said.err
    )
    assert (
        main(
            ["catalogue", "import", str(workspace.parent / "fiches"), "--workspace", str(workspace)]
        )
        == 0
    )
    assert "2 inchangée(s)" in capsys.readouterr().out


def test_a_record_beyond_the_bounds_is_told_and_the_others_go_on(tmp_path: Path) -> None:
    """By import and by harvest; the bounds are those of region.toml."""
    features = [
        Record(id="a", title="bonne").to_geojson(),
        Record(id="b", title="x" * 200).to_geojson(),
        Record(id="c", title="\x0b").to_geojson(),
        Record(id="d", title="bonne aussi").to_geojson(),
    ]
    (tmp_path / "fiches").mkdir()
    document = {"type": "FeatureCollection", "features": features}
    (tmp_path / "fiches" / "a.json").write_text(json.dumps(document), encoding="utf-8")
    for door in ("import", "harvest"):
        workspace = tmp_path / door
        workspace.mkdir()
        (workspace / "region.toml").write_text("[limits]\ntext_length = 100\n", encoding="utf-8")
        if door == "import":
            findings = import_files(tmp_path / "fiches", workspace).findings
        else:
            source = open_source("folder", str(tmp_path / "fiches"), "dossier")
            done = harvest(source, workspace, name="dossier", kind="folder")
            findings = done.findings
            assert done.status == "partial" and done.counts["refused"] == 2
        told = {finding.item: finding for finding in findings}
        assert {name: one.rule for name, one in told.items()} == {
            "b": "too-large",
            "c": "unwritable",
        }
        assert "properties.title" in str(told["b"].message) and told["b"].severity == "error"
        with SQLiteStore(store_path(workspace)) as store:
            assert [record.id for record in every_record(store, viewer=MACHINE)] == ["a", "d"]
        assert Originals(originals_path(workspace)).get("b") is None
        assert len(export_all(workspace, "iso19139", tmp_path / f"{door}-iso")) == 2


def test_a_record_far_from_the_region_it_names_is_told_at_import(tmp_path: Path) -> None:
    """By its keywords, its organisations or its places, in the names since 2016 or before."""
    ariege = Extent(0.8, 42.5, 2.2, 43.3).as_geometry()
    here = Record(id="ici", title="Midi", geometry=ariege)
    records = [
        replace(here, keywords=("Région Occitanie",)),
        replace(here, id="mot", keywords=("données", "Région Bretagne")),
        replace(here, id="deux", keywords=("Bretagne", "Midi-Pyrénées")),
        replace(
            here, id="org", contacts=(Contact(organization="DREAL Provence-Alpes-Côte d'Azur"),)
        ),
        replace(here, id="lieu", extra_properties={"places": [{"code": "Pays de la Loire"}, 3]}),
        replace(here, id="sans", keywords=("bretagnes",)),
        replace(here, id="nulle-part", keywords=("Bretagne",), geometry=None),
    ]
    (tmp_path / "a.json").write_text(
        json.dumps(
            {"type": "FeatureCollection", "features": [one.to_geojson() for one in records]}
        ),
        encoding="utf-8",
    )
    (tmp_path / "w").mkdir()
    done = import_files(tmp_path / "a.json", tmp_path / "w")
    told = {one.item: str(one.message) for one in done.findings if one.rule == "elsewhere"}
    assert done.summary.created == 7 and told.keys() == {"mot", "org", "lieu"}
    assert "« bretagne »" in told["mot"] and "0.8, 42.5, 2.2, 43.3" in told["mot"]
    source = open_source("folder", str(tmp_path), "dossier")
    harvested = harvest(source, tmp_path / "h", name="dossier", kind="folder")
    assert {one.item for one in harvested.findings if one.rule == "elsewhere"} == told.keys()
    assert harvested.status == "complete"


# Imports a folder in a process that has one thread, two cores and few files at a time; says which
# processes read beside it, what it did, and at the tenth file does what it is told.
IMPORT = """
import multiprocessing, os, signal, sys
from pathlib import Path
from geoguichet.catalogue.errors import CatalogueError
from geoguichet.catalogue.intake import exchange

folder, workspace, many, then = sys.argv[1:]
os.sched_getaffinity, os.getloadavg = lambda _: {0, 1}, lambda: (0.4, 9, 9)
exchange._MANY, exchange._AT_A_TIME = int(many), 2
beside = set()

def on_progress(done, total):
    readers = multiprocessing.active_children()
    beside.update(reader.pid for reader in readers)
    if done == 10:
        print(*beside, flush=True)
        if then == "interrupted":
            os.killpg(0, signal.SIGINT)
        if then == "killed":
            for reader in readers:
                reader.kill()
        if then == "all killed":
            os.kill(os.getpid(), signal.SIGKILL)

try:
    done = exchange.import_files(Path(folder), Path(workspace), on_progress=on_progress)
except CatalogueError as error:
    sys.exit(str(error))
print(done.summary)
print(*done.findings, sep="\\n")
"""
LINUX = pytest.mark.skipif(
    not Path("/proc/self/task").exists(),
    reason="the threads of a process are listed by Linux alone",
)


def imported(folder: Path, workspace: Path, many: int, then: str = "") -> tuple[int, str, str]:
    run = subprocess.run(
        [sys.executable, "-c", IMPORT, str(folder), str(workspace), str(many), then],
        capture_output=True,
        text=True,
        start_new_session=True,
        check=False,
        timeout=60,
    )
    return run.returncode, run.stdout, run.stderr


@pytest.fixture
def many_files(tmp_path: Path, full_record: Record) -> Path:
    """Forty files: records of two formats, one twice, one too long, one read elsewhere, one of none."""
    folder = tmp_path / "many"
    folder.mkdir()
    for number in range(40):
        record = replace(full_record, id=f"r{number % 38}", title=f"Titre {number}", links=())
        if number % 10 == 3:
            record = replace(record, keywords=("Bretagne",), description="x" * 500 * (number % 20))
        write = iso19139.write if number % 2 else iso19115_3.write
        (folder / f"{number:02}.xml").write_bytes(write(record) if number != 17 else b"<a>")
    return folder


def test_what_is_prepared_has_the_digest_of_its_record(full_record: Record) -> None:
    good, other, bad = full_record, replace(full_record, id="b"), Record(id="c", title="\x01")
    made = [
        prepared(registry.Described(one, "geojson", b""), "a.json", Limits())
        for one in (good, other, bad)
    ]
    digests = {one.kept.id: one.kept.digest for one in made if one.ready}
    assert digests == {one.id: one.digest() for one in (good, other)}
    assert made[2].ready is None and made[2].findings[0].item == bad.id


@LINUX
def test_many_files_are_read_by_processes_to_the_same_bytes(
    many_files: Path, tmp_path: Path
) -> None:
    told = {}
    for many in (4, 1000):
        workspace = tmp_path / f"w{many}"
        workspace.mkdir()
        (workspace / "region.toml").write_text("[limits]\ntext_length = 2000\n", encoding="utf-8")
        code, out, error = imported(many_files, workspace, many)
        assert (code, error) == (0, ""), error
        readers, *said = out.splitlines()
        assert len(readers.split()) == (2 if many == 4 else 0)
        with closing(sqlite3.connect(workspace / "catalogue.sqlite")) as database:
            held = [
                database.execute(f"SELECT * FROM {table} ORDER BY 1, 2").fetchall()
                for table in ("document", "term", "tagged", "shape", "words_data", "external_id")
            ]
        with closing(sqlite3.connect(originals_path(workspace))) as database:
            held.append(database.execute("SELECT * FROM original ORDER BY id").fetchall())
        told[many] = said, held
    assert told[4] == told[1000]
    rules = [line.partition("'")[2].partition("'")[0] for line in told[4][0][1:]]
    assert sorted(rules) == [
        *("duplicate-id", "duplicate-id", "elsewhere", "elsewhere"),
        *("too-large", "too-large", "unreadable"),
    ]


@LINUX
def test_an_interrupted_import_leaves_no_process_and_no_word_of_theirs(
    many_files: Path, tmp_path: Path
) -> None:
    code, out, error = imported(many_files, tmp_path, 4, "interrupted")
    assert code and error.count("Traceback") == 1 and "KeyboardInterrupt" in error
    assert not any(Path("/proc", reader).exists() for reader in out.split())


@LINUX
def test_a_reader_that_is_killed_is_told_in_one_sentence(many_files: Path, tmp_path: Path) -> None:
    code, _, error = imported(many_files, tmp_path, 4, "killed")
    assert code == 1 and error.count("\n") == 1 and "importez-les en plusieurs fois" in error


@LINUX
def test_readers_end_when_the_import_is_killed(many_files: Path, tmp_path: Path) -> None:
    code, out, _ = imported(many_files, tmp_path, 4, "all killed")  # waits for who has its output
    assert code == -signal.SIGKILL and len(out.split()) == 2


def test_the_boxes_of_regions_are_those_of_their_departements() -> None:
    codes = {"bretagne": "22 29 35 56", "alsace": "67 68", "corse": "2A 2B", "mayotte": "976"}
    file = resources.files("geoguichet.referentials.directory") / "departements.toml"
    told = tomllib.loads(file.read_text(encoding="utf-8"))
    boxes = told["boxes"]
    for region, listed in codes.items():
        sides = [*zip(*(boxes[code] for code in listed.split()), strict=True)]
        assert REGIONS[region] == (min(sides[0]), min(sides[1]), max(sides[2]), max(sides[3]))
    assert all(region == " ".join(words(region)) for region in REGIONS)
    for name, held in [*told["regions"].items(), *told["former_regions"].values()]:
        west, south, east, north = REGIONS[" ".join(words(name))]
        for code in held:
            box = boxes[code]
            assert west <= box[0] and south <= box[1] and box[2] <= east and box[3] <= north


def test_each_departement_is_in_one_region_of_today_and_former_ones_are_whole_in_theirs() -> None:
    file = resources.files("geoguichet.referentials.directory") / "departements.toml"
    told = tomllib.loads(file.read_text(encoding="utf-8"))
    today = [code for held in told["regions"].values() for code in held]
    assert sorted([*today, "975"]) == sorted(told["boxes"])  # Saint-Pierre-et-Miquelon is in none
    for name, held in told["former_regions"].values():
        assert any(set(held) < set(codes) for codes in told["regions"].values()), name


def test_an_unedited_record_is_given_back_byte_for_byte(
    workspace: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    assert main(["catalogue", "export", "forets", "--workspace", str(workspace)]) == 0
    assert capfdbinary.readouterr().out == (workspace.parent / "fiches" / "a.xml").read_bytes()


def test_an_edited_record_keeps_what_is_unknown(
    workspace: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    with SQLiteStore(store_path(workspace)) as store:
        store.upsert(with_members(store.get("forets", viewer=MACHINE), title="Bois"))
    assert main(["catalogue", "export", "forets", "--workspace", str(workspace)]) == 0
    written = capfdbinary.readouterr().out
    [edited] = registry.read_document(written).records
    assert b"un commentaire" in written and edited.title == "Bois"


@pytest.mark.parametrize(
    "form", ["iso19139", "iso19115-3", "dublin-core", "mcf", "schema-org", "geojson"]
)
def test_all_records_are_written_one_a_file(form: str, workspace: Path, tmp_path: Path) -> None:
    out = tmp_path / "sortie"
    assert (
        main(
            [
                "catalogue",
                "export",
                "--all",
                "--format",
                form,
                "--out",
                str(out),
                "--workspace",
                str(workspace),
            ]
        )
        == 0
    )
    assert {file.stem for file in out.iterdir()} == {"forets", "b"}


#: Identifiers that share what a careless file name keeps of them.
ALIKE = (
    "..", ".", "cache", ".cache", "a b", "a€", "a ac", "a%20ac", "é" * 120 + "1",
    "é" * 120 + "2", "Cache", "e\u0301té", "été", "http://a.fr/" + "p/" * 90 + "1",
    "http://a.fr/" + "p/" * 90 + "2", "a/../b", "a%2fb", "a/b",
)  # fmt: skip


def test_each_identifier_has_a_file_of_its_own(tmp_path: Path) -> None:
    """Also where the file system takes capitals and small letters, or two ways to write an accent,
    for the same.
    """
    with SQLiteStore(store_path(tmp_path)) as store:
        store.bulk_upsert([Record(id=one, type="dataset", title="Titre") for one in ALIKE])
    targets = export_all(tmp_path, "geojson", tmp_path / "sortie")
    assert len({_folded(file.name) for file in (tmp_path / "sortie").iterdir()}) == len(set(ALIKE))
    assert {json.loads(file.read_bytes())["id"] for file in targets} == set(ALIKE)


def records_of(workspace: Path) -> dict[str, str]:
    with SQLiteStore(store_path(workspace)) as store:
        return {record.id: record.title for record in every_record(store, viewer=MACHINE)}


def test_two_documents_of_one_identifier_are_not_one_in_silence(tmp_path: Path) -> None:
    """In one file or in two, in one form or in two: the first stays, the second is told."""
    folder = tmp_path / "fiches"
    folder.mkdir()
    one, other = (Record(id="x", type="dataset", title=title) for title in ("Un", "Deux"))
    (folder / "1.xml").write_bytes(iso19139.write(one))
    (folder / "2.json").write_bytes(other.to_bytes())
    (folder / "3.json").write_bytes(other.to_bytes())  # the same as the second: told too
    (folder / "4.xml").write_bytes(iso19139.write(one))  # the same as the first: nothing to tell
    done = import_files(folder, tmp_path / "w")
    told = [finding for finding in done.findings if finding.rule == "duplicate-id"]
    assert [Path(finding.layer).name for finding in told] == ["2.json", "3.json"]
    assert "« x »" in str(told[0].message) and "1.xml" in str(told[0].message)
    assert "« Deux »" in str(told[0].message)
    assert records_of(tmp_path / "w") == {"x": "Un"} and done.summary.total == 1


def test_a_record_read_elsewhere_is_not_replaced_in_silence(tmp_path: Path) -> None:
    """The same file read again changes its record; another file that does is told."""
    first, second = tmp_path / "a.json", tmp_path / "b.json"
    first.write_bytes(Record(id="x", type="dataset", title="Un").to_bytes())
    import_files(first, tmp_path / "w")
    second.write_bytes(first.read_bytes())
    assert import_files(second, tmp_path / "w").findings == ()  # says the same
    second.write_bytes(Record(id="x", type="dataset", title="Deux").to_bytes())
    assert import_files(second, tmp_path / "w").findings == ()  # the file has changed, no other
    first.write_bytes(Record(id="x", type="dataset", title="Trois").to_bytes())
    [told] = import_files(first, tmp_path / "w").findings
    assert (told.rule, told.item) == ("replaced", "x") and "b.json" in str(told.message)


def test_all_records_are_one_catalogue_or_one_table(workspace: Path, tmp_path: Path) -> None:
    for form in ("dcat-ttl", "csv"):
        assert (
            main(
                [
                    "catalogue",
                    "export",
                    "--all",
                    "--format",
                    form,
                    "--out",
                    str(tmp_path / "x"),
                    "--workspace",
                    str(workspace),
                ]
            )
            == 0
        )
    told = registry.read_document((tmp_path / "x" / "catalogue.ttl").read_bytes())
    assert len(told.records) == 2
    assert len((tmp_path / "x" / "catalogue.csv").read_text(encoding="utf-8-sig").splitlines()) == 3


def test_a_check_is_told_in_words_and_json(
    workspace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    capsys.readouterr()
    assert main(["catalogue", "check", "b", "--workspace", str(workspace)]) == 0
    said = capsys.readouterr().out
    assert "/100" in said and "remède" in said and "MD_Metadata" in said
    assert main(["catalogue", "check", "--all", "--json", "--workspace", str(workspace)]) == 0
    assert {item["id"] for item in json.loads(capsys.readouterr().out)} == {"forets", "b"}
    assert main(["catalogue", "check", "--all", "--workspace", str(workspace)]) == 0
    assert "DREAL" in capsys.readouterr().out


def test_a_folder_is_harvested_and_its_history_shown(
    workspace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = str(workspace.parent / "fiches")
    assert (
        main(
            [
                "catalogue",
                "harvest",
                "folder",
                folder,
                "--name",
                "essai",
                "--workspace",
                str(workspace),
            ]
        )
        == 1  # a partial run is no success: one of its three files is damaged
    )
    said = capsys.readouterr()
    assert "partielle" in said.out and "essai (2 fiches lues, 3 annoncées)" in said.err
    assert main(["catalogue", "sources", "--workspace", str(workspace)]) == 0
    assert "essai" in capsys.readouterr().out


@pytest.mark.parametrize("words", [["import"], ["harvest", "folder"]])
def test_a_folder_without_records_is_refused_not_read_as_empty(
    words: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """An archive left closed, or a share that is not mounted, would read as a source that gave up
    all its records.
    """
    (tmp_path / "fiches").mkdir()
    (tmp_path / "fiches" / "lot.tar.gz").write_bytes(b"...")
    main(["catalogue", *words, str(tmp_path / "fiches"), "--workspace", str(tmp_path / "w")])
    assert "aucun fichier de fiche" in capsys.readouterr().err


@pytest.mark.parametrize(
    "words",
    [
        ["export"],
        ["export", "a", "--all"],
        ["check"],
        ["import", "nulle-part"],
        ["export", "absent"],
        ["export", "--all", "--format", "pdf"],
        ["export", "--all", "--out", "/dev/null/sortie"],
        ["harvest", "gopher", "http://a"],
        ["crawl", "nulle-part"],
    ],
)
def test_a_wrong_request_is_one_sentence(
    words: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["catalogue", *words, "--workspace", str(tmp_path)]) in (1, 2)
    assert capsys.readouterr().err.startswith("geoguichet : ")


def test_an_export_for_others_has_whole_addresses(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    links = (Link("studies/a/result.gpkg", "enclosure"), Link("https://b.fr/x.csv", "enclosure"))
    with SQLiteStore(store_path(tmp_path)) as store:
        store.upsert(Record(id="a", type="dataset", title="A", links=links))
    asked = [
        "catalogue",
        "export",
        "--workspace",
        str(tmp_path),
        "--url",
        "https://geo.fr/portail/",
    ]
    for form in ("iso19139", "dcat-ttl", "csv"):
        assert main([*asked, "a", "--format", form]) == 0
        told = capfd.readouterr().out
        assert "https://geo.fr/portail/studies/a/result.gpkg" in told and "b.fr/x.csv" in told
        assert main([*asked, "--all", "--format", form, "--out", str(tmp_path / form)]) == 0
        [written] = [Path(line) for line in capfd.readouterr().out.splitlines()]
        assert "https://geo.fr/portail/studies/a/result.gpkg" in written.read_text("utf-8-sig")
    assert main([*asked[:-1], "geo.fr", "a"]) == 2
    assert "http" in capfd.readouterr().err
