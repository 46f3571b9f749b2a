"""Maintainers: write the stores of a small workspace as a checkout of the project makes them, in SQL.

    python tests/stores/made_by.py CHECKOUT NAME

CHECKOUT is a work tree of an earlier commit (``git worktree add``); the files are written beside this
script, ``NAME.catalogue.sql`` and so on. The same records, crawl, harvest and accounts each time.
"""

import os
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

HERE = Path(__file__).parent
RECORD = """{"id": "%s", "type": "Feature", "geometry": null, "conformsTo": [], "links": [],
"properties": {"type": "dataset", "title": "%s", "description": "Ce que dit la fiche.",
"keywords": ["forêt"], "license": "etalab-2.0", "updated": "2024-03-01T08:00:00Z"}}"""
EDITS = """
import sys
from dataclasses import replace
from pathlib import Path
from geoguichet.catalogue.SEARCHstore import SQLiteStore
from geoguichet.catalogue.record import Record
with SQLiteStore(Path(sys.argv[1]) / "catalogue.sqlite") as store:
    told = Record(id="mairies", type="dataset", title="Mairies d'Ariège")
    store.upsert(told, by="anne")
    store.upsert(replace(told, title="Mairies de l'Ariège"), by="anne")
    store.upsert(Record(id="partie", title="Une fiche de trop"))
    store.delete("partie", by="anne")
"""
# Before there were harvests.
RECORDS = """
import sys
from pathlib import Path
from geoguichet.catalogue.store import SQLiteStore
from geoguichet.catalogue.record import Record
Path(sys.argv[1]).mkdir()
with SQLiteStore(Path(sys.argv[1]) / "catalogue.sqlite") as store:
    for name in ("forets", "routes"):
        title = f"Les {name} d'Ariège"
        store.upsert(Record(id=name, type="dataset", title=title, keywords=("forêt",)))
"""
ACCOUNTS = """
import sys
from pathlib import Path
from geoguichet.portal.people import accounts, links
from geoguichet.portal.people.store import People
people = People(Path(sys.argv[1]))
people.create()
with people.write() as base:
    accounts.add_organisation(base, "200053791", "Région Essai", "region", "73", by="machine")
    accounts.add(base, "anne@essai.example", "Anne Essai", "-", siren="200053791",
                 role="administrator", by="machine")
    links.invite(base, "paul@essai.example", "200053791", "editor", by="p1")
"""
JOBS = """
import sys
from pathlib import Path
from geoguichet.floor.viewer import PUBLIC
from geoguichet.portal.jobs.contract import Budget, Question, Result
from geoguichet.portal.jobs.embedded import EmbeddedJobs
store = EmbeddedJobs(Path(sys.argv[1]))
for place in ("Foix", "Pamiers", "Lavelanet"):
    store.submit(Question("nearest", {"ou": place}, PUBLIC), Budget(60, 1 << 30), viewer=PUBLIC)
store.end(store.lease("w"), "successful", result=Result("application/json", b"{}"))
store.lease("w")
"""


def dumped(base: sqlite3.Connection) -> Iterator[str]:
    """Yield the statements that make a database again, the tables behind virtual ones as they are."""
    made = dict(base.execute("SELECT name, sql FROM sqlite_schema WHERE type = 'table'"))
    kinds = {row[1]: row[2] for row in base.execute("PRAGMA table_list") if row[1] in made}
    yield "BEGIN"
    for name in sorted(made, key=lambda name: kinds[name] == "shadow"):
        if kinds[name] == "shadow" or name.startswith("sqlite_"):
            yield f'DELETE FROM "{name}"'
        else:
            yield made[name]
        if kinds[name] != "virtual":
            columns = [row[1] for row in base.execute(f"PRAGMA table_info ('{name}')")]
            quoted = " || ', ' || ".join(f'quote("{column}")' for column in columns)
            for (row,) in base.execute(f'SELECT {quoted} FROM "{name}"').fetchall():
                yield f'INSERT INTO "{name}" VALUES ({row})'
    for (sql,) in base.execute("SELECT sql FROM sqlite_schema WHERE type != 'table' AND sql != ''"):
        yield sql
    for name in ("user_version", "application_id"):
        yield f"PRAGMA {name} = {base.execute(f'PRAGMA {name}').fetchone()[0]}"
    yield "COMMIT"


def main(checkout: Path, name: str) -> None:
    with tempfile.TemporaryDirectory() as scratch:
        folder, workspace = Path(scratch), Path(scratch, "workspace")
        (folder / "path").mkdir()
        (folder / "path" / "geoguichet").symlink_to(checkout.resolve())
        environment = os.environ | {"PYTHONPATH": str(folder / "path")}

        def run(*words: str) -> None:
            subprocess.run([sys.executable, *words], env=environment, cwd=folder, check=True)

        for place, told in (("fiches", "forets"), ("moisson", "routes")):
            (folder / place).mkdir()
            (folder / place / "a.json").write_text(RECORD % (told, f"Les {told} d'Ariège"), "utf-8")
        (folder / "donnees").mkdir()
        (folder / "donnees" / "ponts.csv").write_text("nom,lon,lat\nPont,1.6,42.9\n", "utf-8")
        at = ("--workspace", str(workspace))
        if not any(checkout.glob("catalogue/**/harvest")):
            run("-c", RECORDS, str(workspace))
        else:
            for words in (
                ("import", "fiches"),
                ("harvest", "folder", "moisson"),
                ("crawl", "donnees"),
            ):
                run("-m", "geoguichet.cli", "catalogue", *words, *at)
        search = "search." if (checkout / "catalogue" / "search").is_dir() else ""
        run("-c", EDITS.replace("SEARCH", search), str(workspace))
        if (checkout / "portal" / "people").is_dir():
            run("-c", ACCOUNTS, str(workspace))
        if (checkout / "portal" / "jobs").is_dir():
            run("-c", JOBS, str(workspace))
        for store in sorted(workspace.glob("*.sqlite")):
            with closing(sqlite3.connect(store)) as base:
                told = "".join(f"{line};\n" for line in dumped(base))
            written = HERE / f"{name}.{store.stem}.sql"
            written.write_text(told.replace(str(folder), "/essai"), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
