"""A harvest from a real pycsw, twice: it loads ISO documents into pycsw, serves them and reads them
by CSW 2.0.2.

    python -m venv pycsw && pycsw/bin/pip install pycsw 'SQLAlchemy<2' setuptools
    python benchmarks/catalogue/pycsw_source.py pycsw/bin/python ../shared/data/metadata/iso19139

pycsw runs in its own environment, with a database in a folder that is removed. Told: what pycsw
took and counts, what the first and the second harvest read and wrote, and any identifier that one
has and the other has not.
"""

import argparse
import json
import os
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from geoguichet.catalogue.intake.exchange import every_record
from geoguichet.catalogue.intake.harvest.run import harvest
from geoguichet.catalogue.intake.harvest.xml_protocols import Csw
from geoguichet.catalogue.search.store import SQLiteStore, store_path
from geoguichet.floor.viewer import MACHINE

CONFIGURATION = """[server]
home=.
url=http://127.0.0.1:{port}/
mimetype=application/xml; charset=UTF-8
encoding=UTF-8
language=fr-FR
maxrecords=50
profiles=apiso
[manager]
transactions=false
[metadata:main]
identification_title=pycsw
identification_abstract=pycsw
identification_keywords=catalogue
identification_keywords_type=theme
identification_fees=None
identification_accessconstraints=None
provider_name=pycsw
provider_url=http://127.0.0.1:{port}/
contact_name=pycsw
contact_position=-
contact_address=-
contact_city=-
contact_stateorprovince=-
contact_postalcode=-
contact_country=-
contact_phone=-
contact_fax=-
contact_email=csw@example.org
contact_url=http://127.0.0.1:{port}/
contact_hours=-
contact_instructions=-
contact_role=pointOfContact
[repository]
database=sqlite:///{database}
table=records
[metadata:inspire]
enabled=false
"""
LOAD = """
import sys, json
from pycsw.core import admin, config
from pycsw.core.repository import Repository
database, folder, home = sys.argv[1:]
admin.setup_db(database, "records", home)
context = config.StaticContext()
admin.load_records(context, database, "records", folder, recursive=True)
found = Repository(database, context, table="records")
print(json.dumps(sorted(row.identifier for row in found.session.query(found.dataset))))
"""
SERVE = """
import sys
from wsgiref.simple_server import WSGIRequestHandler, make_server
from pycsw.wsgi import application
WSGIRequestHandler.log_message = lambda *_: None
make_server("127.0.0.1", int(sys.argv[1]), application).serve_forever()
"""


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@contextmanager
def served(python: str, records: Path, folder: Path) -> Iterator[tuple[str, list[str]]]:
    """Serve a folder of documents by pycsw; yield its address and the identifiers that it took."""
    port, database = free_port(), folder / "pycsw.db"
    written = folder / "pycsw.cfg"
    written.write_text(CONFIGURATION.format(port=port, database=database), encoding="utf-8")
    load = [
        python,
        "-W",
        "ignore",
        "-c",
        LOAD,
        f"sqlite:///{database}",
        str(records.absolute()),
        str(folder),
    ]
    loaded = subprocess.run(
        load, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, cwd=folder
    )
    taken = json.loads(loaded.stdout.splitlines()[-1])
    server = subprocess.Popen(
        [python, "-W", "ignore", "-c", SERVE, str(port)],
        env={**os.environ, "PYCSW_CONFIG": str(written)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd=folder,
    )
    try:
        for _ in range(100):
            with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
                break
            time.sleep(0.1)
        yield f"http://127.0.0.1:{port}/", taken
    finally:
        server.terminate()
        server.wait()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("python", help="the Python of the environment where pycsw is installed")
    parser.add_argument("records", type=Path, help="a folder of ISO 19139 documents")
    asked = parser.parse_args()
    with (
        tempfile.TemporaryDirectory() as folder,
        served(asked.python, asked.records, Path(folder)) as (url, taken),
    ):
        print(
            f"pycsw took {len(taken)} records of {sum(1 for _ in asked.records.rglob('*.xml'))} "
            "files"
        )
        workspace = Path(folder) / "workspace"
        for _ in range(2):
            began = time.process_time()
            done = harvest(Csw(url), workspace, name="pycsw", kind="csw")
            print(f"{done.status}: {done.counts}, {time.process_time() - began:.1f} s CPU")
            for finding in done.findings:
                print(f"  {finding.rule} {finding.item}: {finding.message}")
        with SQLiteStore(store_path(workspace)) as store:
            held = {record.id for record in every_record(store, viewer=MACHINE)}
        print(
            "in pycsw alone:", sorted(set(taken) - held), "; here alone:", sorted(held - set(taken))
        )


if __name__ == "__main__":
    main()
