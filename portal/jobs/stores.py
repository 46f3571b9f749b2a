"""Where jobs are kept: in the workspace, or in a database of which the environment tells the address."""

import os
from pathlib import Path

from geoguichet.floor.words import _
from geoguichet.portal.jobs.contract import JobError, JobStore
from geoguichet.portal.jobs.embedded import EmbeddedJobs

#: The address of a PostgreSQL database: ``postgresql://…``.
DATABASE = "GEOGUICHET_DATABASE"


def jobs_of(workspace: Path) -> JobStore:
    """Return the jobs of a workspace. JobError when the address of their database is none, or what reads
    it is not installed.
    """
    if not (address := os.environ.get(DATABASE, "").strip()):
        return EmbeddedJobs(workspace)
    try:
        from geoguichet.portal.jobs.postgres import PostgresJobs
    except ImportError as error:
        told = _(
            "{name} demande procrastinate : pip install 'geoguichet[postgres]'.", name=DATABASE
        )
        raise JobError(told) from error
    return PostgresJobs(address)


def told_of_jobs() -> str:
    """Say that jobs are in a database, whose backup is its own; nothing when they are in the workspace."""
    is_there = bool(os.environ.get(DATABASE, "").strip())
    told = _(
        "Les calculs sont dans PostgreSQL ({name}) : pg_dump les sauvegarde, « geoguichet backup » non.",
        name=DATABASE,
    )
    return told if is_there else ""
