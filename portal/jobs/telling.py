"""A job as OGC API Processes tells it."""

import json
from datetime import UTC, datetime
from typing import Any

from geoguichet.portal.jobs.contract import Job, Result


def moment(seconds: float) -> str:
    """Return a moment as documents tell it (RFC 3339, UTC)."""
    told = datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")
    return told.replace("+00:00", "Z")


def status_of(job: Job) -> dict[str, Any]:
    """Return the ``statusInfo`` of a job, without its links."""
    moments = {
        "created": job.created,
        "started": job.started,
        "finished": job.finished,
        "updated": job.updated,
    }
    return {
        "jobID": job.id,
        "processID": job.process,
        "type": "process",
        "status": job.state,
        "message": job.message,
        "progress": job.progress,
        **{name: moment(at) for name, at in moments.items() if at is not None},
    }


def answer_of(job: Job, result: Result) -> Result:
    """Return an answer as it was wanted: by itself, or in a document under its name."""
    if job.response == "raw":
        return result
    name = json.dumps(job.process).encode()
    return Result("application/json", b"{" + name + b":" + result.body + b"}")
