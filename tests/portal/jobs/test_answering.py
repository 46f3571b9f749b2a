"""Answers that are begun again after whoever made them was killed."""

import json
from pathlib import Path

import pytest

from geoguichet.floor.viewer import Viewer
from geoguichet.portal.jobs import answering
from geoguichet.portal.jobs.answering import answer
from geoguichet.portal.jobs.contract import Question, Result
from geoguichet.portal.jobs.grounds import Ground
from geoguichet.portal.providers.studies import owner_of_study

SIREN = "200053791"
STUDY = {
    "study": {"id": "mairies", "title": "Mairies", "visibility": "draft"},
    "territory": {"name": "CC", "epci": ["200066231"], "buffer": "10 km"},
    "services": {"mairie": {"types": ["town_hall"], "within": "4 km"}},
    "rule": {"all": ["mairie"]},
}


class Killed(BaseException):
    """It is: nothing more is done."""


def killed(*_told: object) -> None:
    raise Killed


def test_a_study_killed_between_its_files_and_its_record_is_its_authors_still(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    question = Question("study", STUDY, Viewer("p1", frozenset({(SIREN, "editor")})))

    def made() -> Result:
        return answer(question, Ground.of(tmp_path), lambda _progress, _said: None)

    with monkeypatch.context() as patched, pytest.raises(Killed):
        patched.setattr(answering, "_publish", killed)
        made()
    folder = tmp_path / "studies" / "mairies"
    assert owner_of_study(folder) == {"person": "p1", "organisation": SIREN}
    assert json.loads(made().body)["kept"]
    assert owner_of_study(folder) == {"person": "p1", "organisation": SIREN}
