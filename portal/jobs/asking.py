"""A question put by who looks at the portal: checked, given its budget, kept as a job."""

import uuid
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any, Protocol

from geoguichet.floor.errors import GeoguichetError
from geoguichet.floor.region import Region
from geoguichet.floor.viewer import Viewer
from geoguichet.floor.words import _, language
from geoguichet.portal.errors import ParameterError
from geoguichet.portal.jobs.answering import check_free, holds
from geoguichet.portal.jobs.contract import IN_ANY_WAY, Asked, Job, JobStore, Question
from geoguichet.portal.jobs.grounds import Ground
from geoguichet.portal.jobs.kinds import KINDS
from geoguichet.portal.jobs.worker import Tender
from geoguichet.portal.territory import Territory


class Desk(Protocol):
    """Where questions are put: a portal."""

    workspace: Path
    region: Region
    territory: Territory
    jobs: JobStore
    tender: Tender


def ask(
    desk: Desk,
    process: str,
    inputs: Mapping[str, Any],
    *,
    viewer: Viewer,
    asked: Asked = IN_ANY_WAY,
) -> Job:
    """Put a question to a process that a viewer may ask (`kinds.kinds_for`) and return its job, which an
    equal question may have ended already.

    Raises
    ------
    ParameterError
        An input is off, or a callback is not allowed.
    TooManyJobsError
        Too many wait.
    """
    question = question_of(desk, process, inputs, viewer=viewer)
    ground = Ground(desk.workspace, desk.region, desk.territory)
    _check_callbacks(asked.callbacks, desk.region)
    job = desk.jobs.submit(
        question,
        KINDS[process].budget_of(viewer),
        asked,
        viewer=viewer,
        holds=partial(holds, question, ground),
    )
    if not job.has_ended:
        desk.tender.look()
    return job


def question_of(desk: Desk, process: str, inputs: Mapping[str, Any], *, viewer: Viewer) -> Question:
    """Return a question whose inputs are as they should be. ParameterError."""
    kind, ground = KINDS[process], Ground(desk.workspace, desk.region, desk.territory)
    try:
        files = kind.files(inputs, ground, viewer)
    except GeoguichetError as error:
        raise ParameterError(ground.bare(str(error))) from error
    state = ground.state(files, studies=kind.of_studies) if kind.repeats else str(uuid.uuid4())
    question = Question(process, inputs, viewer, language(), state)
    if process == "study":
        check_free(question, ground)
    return question


def _check_callbacks(callbacks: Mapping[str, str], region: Region) -> None:
    for kind, address in callbacks.items():
        if not any(address.startswith(one) for one in region.processes.callbacks):
            told = _("subscriber.{kind} : cette adresse n'est pas de celles que ce portail rappelle.",
                     kind=kind)  # fmt: skip
            raise ParameterError(told)
