"""What a job is, and what keeps it: a question put to a process, answered once, whoever dies meanwhile.

A store keeps jobs for those who ask (`submit`, `job`, `jobs`, `dismiss`...) and for workers, who borrow
one for a few seconds at a time (`lease`, `keep`) and end it. Each lease has a number of its own: who held
an earlier one, and was thought dead, can say nothing more of the job. `embedded` (SQLite) and `postgres`
keep this contract, by what is common to both (`stored`).
"""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from math import inf
from typing import Any, Literal, Protocol, get_args

from geoguichet.floor.viewer import Viewer
from geoguichet.portal.errors import PortalError

#: Those of OGC API Processes. The last three are ends.
type State = Literal["accepted", "running", "successful", "failed", "dismissed"]
STATES: tuple[State, ...] = get_args(State.__value__)
ENDS = STATES[2:]

#: How long a job is lent to a worker that says nothing more, in seconds.
LEASE_S = 10.0
#: A job whose worker, or whose child, was killed is not at fault; one that always loses it may be (it
#: takes all the memory of the machine): it waits behind the others, then fails.
PATIENCE, MOST_ATTEMPTS = 3, 24
#: Jobs that wait at most: those of one person, and those of all whom nobody knows.
MOST_WAITING, MOST_ANONYMOUS = 1_000, 40
#: How long an ended job and its answer are kept.
KEPT_S = 7 * 86_400.0


class JobError(PortalError):
    """The jobs cannot be read or written."""


class JobNotFoundError(JobError):
    """No job of this identifier, for who asks."""


class TooManyJobsError(JobError):
    """So many wait already that another is refused."""


@dataclass(frozen=True, slots=True)
class Budget:
    """What a job may take: seconds from its start, bytes of memory."""

    seconds: float
    memory: int


@dataclass(frozen=True)
class Question:
    """What is asked of a process, by whom (who sees what decides of the answer), in which language.

    ``ground`` tells apart the states of what the answer is made from.
    """

    process: str
    inputs: Mapping[str, Any]
    viewer: Viewer
    language: str = "fr"
    ground: str = ""

    @cached_property
    def digest(self) -> str:
        """What equal questions have in common: their answers are equal too."""
        keys = [*sorted(self.viewer.keys), self.viewer.sees_all]
        told = [self.process, self.inputs, keys, self.language, self.ground]
        written = json.dumps(told, sort_keys=True, ensure_ascii=False)
        return hashlib.sha256(written.encode("utf-8", "surrogatepass")).hexdigest()

    def to_json(self) -> str:
        """Write it whole."""
        return json.dumps(
            {**asdict(self), "viewer": {**asdict(self.viewer), "roles": sorted(self.viewer.roles)}}
        )

    @classmethod
    def from_json(cls, written: str) -> "Question":
        """Read what `to_json` wrote."""
        told = json.loads(written)
        who = told.pop("viewer")
        roles = frozenset((at, role) for at, role in who["roles"])
        return cls(**told, viewer=Viewer(who["person"], roles, who["sees_all"]))


@dataclass(frozen=True, slots=True)
class Job:
    """A question that was put: where it stands. Moments are seconds since 1970."""

    id: str
    process: str
    digest: str
    #: The pseudonym of who asked; empty for nobody known, whose job is known by its address alone.
    owner: str
    #: ``raw`` or ``document``: how the answer is wanted.
    response: str
    state: State
    #: Of 100.
    progress: int
    message: str
    created: float
    updated: float
    started: float | None
    finished: float | None
    attempts: int

    @property
    def has_ended(self) -> bool:
        """Whether nothing more will happen to it."""
        return self.state in ENDS

    def status(self) -> dict[str, Any]:
        """Return it as OGC API Processes tells it (``statusInfo``), without its links."""
        moments = {
            "created": self.created,
            "started": self.started,
            "finished": self.finished,
            "updated": self.updated,
        }
        return {
            "jobID": self.id,
            "processID": self.process,
            "type": "process",
            "status": self.state,
            "message": self.message,
            "progress": self.progress,
            **{name: _moment(at) for name, at in moments.items() if at is not None},
        }


# Write a moment as documents tell it (RFC 3339, UTC).
def _moment(seconds: float) -> str:
    told = datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")
    return told.replace("+00:00", "Z")


@dataclass(frozen=True, slots=True)
class Result:
    """An answer: bytes of a media type."""

    media: str
    body: bytes

    def wanted(self, response: str, process: str) -> "Result":
        """Return it as it was wanted: by itself (``raw``), or in a document under a process's name."""
        if response == "raw":
            return self
        name = json.dumps(process).encode()
        return Result("application/json", b"{" + name + b":" + self.body + b"}")


@dataclass(frozen=True, slots=True)
class Lease:
    """A job lent to a worker: ``number`` is the job's in its queue, ``job.attempts`` that of this loan."""

    job: Job
    question: Question
    budget: Budget
    number: int
    worker: str


@dataclass(frozen=True, slots=True)
class Call:
    """Somebody to be told that a job began or ended: an address, and what to post there."""

    job: Job
    kind: str
    address: str


@dataclass(frozen=True, slots=True)
class Asked:
    """How an answer is wanted, and who is called back (``successUri``, ``inProgressUri``,
    ``failedUri``).
    """

    response: str = "raw"
    callbacks: Mapping[str, str] = field(default_factory=dict)


#: What is asked when nothing is said of it.
IN_ANY_WAY = Asked()

#: Whom the command line's own work belongs to.
MACHINE_OWNER = "machine"


def owner_of(viewer: Viewer) -> str:
    """Return whose the jobs of a viewer are."""
    return MACHINE_OWNER if viewer.sees_all else viewer.person


def sees(viewer: Viewer, owner: str) -> bool:
    """Say whether a viewer may see a job whose identifier it knows."""
    return viewer.sees_all or owner in ("", viewer.person)


class JobStore(Protocol):
    """What keeps jobs. Every method may raise JobError: the store cannot be read or written."""

    # --- who asks --------------------------------------------------------------------------------

    def submit(
        self,
        question: Question,
        budget: Budget,
        asked: Asked = IN_ANY_WAY,
        *,
        viewer: Viewer,
        holds: Callable[[Result], bool] = ...,
    ) -> Job:
        """Keep a question and return its job, ended when an equal question was answered and its answer
        still ``holds``. TooManyJobsError.
        """

    def job(self, name: str, *, viewer: Viewer) -> Job:
        """Return a job. JobNotFoundError where the viewer knows none of this identifier."""

    def jobs(
        self,
        *,
        viewer: Viewer,
        states: Sequence[str] = (),
        processes: Sequence[str] = (),
        created: tuple[float | None, float | None] = (None, None),
        lasted: tuple[float, float] = (0, inf),
        limit: int = 100,
        offset: int = 0,
    ) -> tuple[list[Job], int]:
        """Return jobs that are the viewer's, the newest first, and how many there are in all: made
        between two moments, that ``lasted`` from so many seconds to so many.
        """

    def question(self, name: str, *, viewer: Viewer) -> Question:
        """Return what a job asks. JobNotFoundError."""

    def log(self, name: str, *, viewer: Viewer) -> list[tuple[float, str]]:
        """Return what was said of a job: moments and sentences. JobNotFoundError."""

    def result(self, name: str, *, viewer: Viewer) -> Result | None:
        """Return the answer of a job, None when it has none (yet). JobNotFoundError."""

    def dismiss(self, name: str, *, viewer: Viewer) -> Job:
        """End a job that goes on; forget one that has ended. JobNotFoundError."""

    # --- who works -------------------------------------------------------------------------------

    def lease(self, worker: str) -> Lease | None:
        """Lend a worker the job that waits for the longest, those of people first and those that were
        interrupted again and again last; None when none waits.
        """

    def keep(self, lease: Lease) -> bool:
        """Keep a job for some seconds more; False when it is not the worker's any longer."""

    def tell(self, lease: Lease, progress: int, message: str) -> bool:
        """Say how far a job is; False when it is not the worker's any longer."""

    def end(
        self, lease: Lease, state: State, message: str = "", result: Result | None = None
    ) -> bool:
        """End a job; False, and nothing is changed, when it is not the worker's any longer."""

    def give_back(self, lease: Lease) -> None:
        """Let it be done again: the worker stops, or what computed was killed."""

    def kept(self, digest: str) -> Result | None:
        """Return the answer to an equal question."""

    def calls(self) -> list[Call]:
        """Return who is to be called back now, to one worker at a time: each is returned again a minute
        later, until it `was_called`.
        """

    def was_called(self, call: Call) -> None:
        """Call somebody back no more."""

    def present(self, worker: str) -> None:
        """Say that a worker is there."""

    def is_worked(self) -> bool:
        """Say whether a worker was there a moment ago."""

    def waiting(self) -> int:
        """Return how many jobs have not ended."""

    def sweep(self) -> None:
        """Forget jobs and answers that ended long ago."""
