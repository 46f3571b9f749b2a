"""The stores of earlier versions, as their own programs wrote them, go on in this one.

`stores/made_by.py` wrote them: 409f0ea and 70fcf9c have the first two forms of a catalogue, 457aa99 is
of version 0.1, 3a38662 of the morning of version 0.2, 60c28f0 the first that had accounts, whose links
did not say who handed them out.
"""

import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from geoguichet.catalogue.errors import StoreError
from geoguichet.catalogue.intake import crawl, exchange
from geoguichet.catalogue.intake.exchange import Originals, originals_path
from geoguichet.catalogue.intake.harvest import journal
from geoguichet.catalogue.intake.harvest.journal import Journal, journal_path
from geoguichet.catalogue.search import upgrade
from geoguichet.catalogue.search.query import RecordQuery
from geoguichet.catalogue.search.store import Catalogue
from geoguichet.cli import main
from geoguichet.floor.files import Schema, state
from geoguichet.floor.viewer import MACHINE, PUBLIC
from geoguichet.portal.errors import PortalError
from geoguichet.portal.jobs import embedded
from geoguichet.portal.jobs.contract import Result
from geoguichet.portal.jobs.embedded import EmbeddedJobs
from geoguichet.portal.people import store as people
from geoguichet.portal.people.store import People, PeopleError

STORES = Path(__file__).parent / "stores"
COMMITS = ("409f0ea", "70fcf9c", "457aa99", "3a38662", "60c28f0")
#: Every store that is kept; what is derived (`nearest.sqlite`) is made anew instead.
SCHEMAS: dict[str, Schema] = {
    "catalogue": upgrade.SCHEMA,
    "crawl": crawl.SCHEMA,
    "harvest": journal.SCHEMA,
    "jobs": embedded.SCHEMA,
    "originals": exchange.SCHEMA,
    "people": people.SCHEMA,
}


def workspace_of(commit: str, folder: Path) -> Path:
    for written in STORES.glob(f"{commit}.*.sql"):
        store = folder / f"{written.name.split('.')[1]}.sqlite"
        with closing(sqlite3.connect(store, isolation_level=None)) as base:
            base.executescript(written.read_text(encoding="utf-8"))
    return folder


@pytest.mark.parametrize("commit", COMMITS)
def test_a_catalogue_of_then_is_read_written_and_found(commit: str, tmp_path: Path) -> None:
    with Catalogue(workspace_of(commit, tmp_path)) as store:
        query = RecordQuery.from_parameters({"q": "ariège", "keywords": "forêt"})
        page = store.search(query, viewer=PUBLIC)
        assert {record.id for record in page.records} == {"forets", "routes"}
        told = [(v.number, v.by, v.change) for v in store.history("mairies", viewer=MACHINE)]
        assert told == [(1, "anne", "created"), (2, "anne", "updated")]
        with closing(sqlite3.connect(store.path)) as base:
            assert base.execute("SELECT id, change FROM previous WHERE id = 'partie'").fetchall()
            assert base.execute("PRAGMA integrity_check").fetchone() == ("ok",)
            assert base.execute("SELECT rtreecheck('extent')").fetchone() == ("ok",)
        assert store.restore("mairies", 1, viewer=MACHINE).title == "Mairies d'Ariège"
        assert store.search(RecordQuery(q="mairies"), viewer=PUBLIC).number_matched == 1


@pytest.mark.parametrize("commit", COMMITS[1:])
def test_documents_harvests_and_crawls_of_then_go_on(commit: str, tmp_path: Path) -> None:
    folder = workspace_of(commit, tmp_path)
    with Catalogue(folder) as store:
        original = Originals(originals_path(folder)).document(store.get("forets"))
    assert b'"id": "forets"' in original
    ((name, kind, _address, runs),) = Journal(journal_path(folder)).sources()
    assert (name, kind, runs[-1].status) == ("moisson", "folder", "complete")
    assert len(crawl.described_files(folder)) == 1
    (folder / "fiche.json").write_bytes(original)
    assert (
        main(["catalogue", "import", str(folder / "fiche.json"), "--workspace", str(folder)]) == 0
    )
    with closing(sqlite3.connect(originals_path(folder))) as base:
        assert state(base)[0] == exchange.SCHEMA.version


def test_accounts_of_the_first_days_are_kept_and_their_links_have_ended(tmp_path: Path) -> None:
    folder = workspace_of("60c28f0", tmp_path)
    (folder / "people.sqlite").chmod(0o600)
    accounts = People(folder)
    with accounts.read() as base:
        assert [tuple(row) for row in base.execute("SELECT name, email FROM person")] == [
            ("Anne Essai", "anne@essai.example")
        ]
        assert base.execute("SELECT count(*) FROM link").fetchone()[0] == 0
        assert base.execute("SELECT count(*) FROM journal").fetchone()[0] == 4
    with pytest.raises(PeopleError, match="only added to"), accounts.write() as base:
        base.execute("INSERT OR REPLACE INTO journal VALUES (1, 2, '', '', '', '', '')")
    copy = folder / "people.sqlite.v1"
    assert copy.stat().st_mode & 0o777 == 0o600
    accounts.forget()  # who is erased is in no copy either
    assert not copy.exists()


def test_jobs_of_then_go_on(tmp_path: Path) -> None:
    store = EmbeddedJobs(workspace_of("64d14ce", tmp_path))
    jobs, count = store.jobs(viewer=MACHINE)
    assert count == 3
    assert [job.state for job in jobs] == ["accepted", "running", "successful"]
    assert store.kept(jobs[2].digest) == Result("application/json", b"{}")
    lent = [lease for lease in (store.lease("w"), store.lease("w"), store.lease("w")) if lease]
    assert {(lease.job.id, lease.job.attempts) for lease in lent} == {
        (jobs[0].id, 1),
        (jobs[1].id, 2),
    }
    assert all(store.end(lease, "failed") for lease in lent) and store.waiting() == 0
    assert (tmp_path / "jobs.sqlite.v1").is_file()


@pytest.mark.parametrize("name", SCHEMAS)
def test_a_store_of_a_later_version_is_refused_in_a_sentence(name: str, tmp_path: Path) -> None:
    folder = workspace_of("60c28f0", tmp_path)
    version = SCHEMAS[name].version
    with closing(sqlite3.connect(folder / f"{name}.sqlite")) as base:
        SCHEMAS[name].prepare(base, folder / f"{name}.sqlite")
        base.execute(f"PRAGMA user_version = {version + 1}")
    opened = {
        "catalogue": lambda: Catalogue(folder).search(RecordQuery()),
        "crawl": lambda: crawl.described_files(folder),
        "harvest": lambda: Journal(journal_path(folder)).sources(),
        "jobs": lambda: EmbeddedJobs(folder).jobs(viewer=MACHINE),
        "originals": lambda: Originals(originals_path(folder)).get("forets"),
        "people": lambda: People(folder).read().__enter__(),
    }
    refused = rf"{name}\.sqlite vient d'une version plus récente.*{version + 1}, {version} au"
    with pytest.raises((StoreError, PortalError), match=refused):
        opened[name]()


def test_every_store_that_is_backed_up_is_one_of_these() -> None:
    told = {one.name.split(".")[1] for one in STORES.glob("*.sql")}
    assert told == SCHEMAS.keys()


KILLED = """
import os, sys
from pathlib import Path
from geoguichet.catalogue.search import upgrade
from geoguichet.catalogue.search.store import Catalogue
step = upgrade.SCHEMA.steps[3]
def killed(database):
    step(database)
    os.kill(os.getpid(), 9)
upgrade.SCHEMA.steps[3] = killed
Catalogue(Path(sys.argv[1])).get("forets")
"""


def test_an_upgrade_that_is_killed_is_made_again(tmp_path: Path) -> None:
    folder = workspace_of("457aa99", tmp_path)
    ended = subprocess.run([sys.executable, "-c", KILLED, folder], check=False)
    assert ended.returncode == -9
    with closing(sqlite3.connect(folder / "catalogue.sqlite")) as base:
        assert state(base)[0] == 3
    with Catalogue(folder) as store:
        assert store.get("forets").title == "Les forets d'Ariège"
    with closing(sqlite3.connect(folder / "catalogue.sqlite.v3")) as base:
        assert state(base)[0] == 3
