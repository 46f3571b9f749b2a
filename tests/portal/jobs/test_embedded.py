"""The file of jobs: made by the first question, refused when it is another."""

import subprocess
import sys
from pathlib import Path

import pytest

from geoguichet.floor.viewer import MACHINE, PUBLIC
from geoguichet.portal.jobs import embedded
from geoguichet.portal.jobs.contract import Budget, JobError, Question
from geoguichet.portal.jobs.embedded import EmbeddedJobs


def test_a_workspace_without_jobs_has_no_file(tmp_path: Path) -> None:
    store = EmbeddedJobs(tmp_path)
    assert store.jobs(viewer=MACHINE) == ([], 0) and store.lease("w") is None
    assert store.waiting() == 0 and store.sweep() is None and store.calls() == []
    assert not (tmp_path / embedded.FILE).exists()


def test_a_worker_that_waits_for_the_first_question_is_there(tmp_path: Path) -> None:
    EmbeddedJobs(tmp_path).present("w")
    assert EmbeddedJobs(tmp_path).is_worked(), "a server starts none beside it"


def test_who_leaves_last_elsewhere_takes_no_journal_from_who_asked(tmp_path: Path) -> None:
    """Else a server whose workers all end reads for ever what the jobs were before."""
    store = EmbeddedJobs(tmp_path)
    for n in range(2):  # the second finds the file
        store.submit(Question("nearest", {"n": n}, PUBLIC), Budget(1, 1), viewer=PUBLIC)
    told = "import sqlite3, sys; base = sqlite3.connect(sys.argv[1]); "
    told += "base.execute(sys.argv[2]); base.commit(); base.close()"
    for asked in ("SELECT count(*) FROM job", "UPDATE job SET message = 'autre'"):
        subprocess.run([sys.executable, "-c", told, tmp_path / embedded.FILE, asked], check=True)
        assert (tmp_path / f"{embedded.FILE}-wal").exists()
    assert {job.message for job in store.jobs(viewer=MACHINE)[0]} == {"autre"}


def test_a_file_of_another_form_is_refused(tmp_path: Path) -> None:
    (tmp_path / embedded.FILE).write_bytes(b"not a database, whatever it is" * 100)
    with pytest.raises(JobError, match=r"jobs\.sqlite"):
        EmbeddedJobs(tmp_path).submit(Question("nearest", {}, PUBLIC), Budget(1, 1), viewer=PUBLIC)
