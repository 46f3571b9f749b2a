"""The file of jobs: made by the first question, refused when it is another."""

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


def test_a_file_of_another_form_is_refused(tmp_path: Path) -> None:
    (tmp_path / embedded.FILE).write_bytes(b"not a database, whatever it is" * 100)
    with pytest.raises(JobError, match=r"jobs\.sqlite"):
        EmbeddedJobs(tmp_path).submit(Question("nearest", {}, PUBLIC), Budget(1, 1), viewer=PUBLIC)
