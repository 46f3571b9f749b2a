"""The processes for pygeoapi where it serves by itself: it answers at once, without jobs."""

import json
from collections.abc import Mapping
from http import HTTPStatus
from pathlib import Path
from threading import BoundedSemaphore
from typing import Any

from pygeoapi.process.base import BaseProcessor, ProcessorExecuteError
from pygeoapi.process.manager.dummy import DummyManager
from pygeoapi.util import JobStatus

from geoguichet.floor.errors import GeoguichetError
from geoguichet.floor.viewer import PUBLIC
from geoguichet.floor.words import _
from geoguichet.portal.jobs.answering import answer
from geoguichet.portal.jobs.contract import Question
from geoguichet.portal.jobs.grounds import Ground
from geoguichet.portal.jobs.kinds import KINDS


class Processor(BaseProcessor):  # type: ignore[misc]
    """One of `kinds.KINDS`, by its ``id``, on the data of a ``workspace``."""

    def __init__(self, processor_def: dict[str, Any]) -> None:
        self.kind = KINDS[processor_def["id"]]
        self.workspace = Path(processor_def["workspace"])
        told = {
            "title": self.kind.title.by_language(),
            "description": self.kind.about.by_language(),
        }
        more = {"jobControlOptions": ["sync-execute"], "keywords": {"fr": []}, "links": []}
        super().__init__(processor_def, {**self.kind.description(), **told, **more})

    def execute(
        self, data: Mapping[str, Any], outputs: object = None
    ) -> tuple[str, dict[str, Any]]:
        """Answer one question. Refused inputs are an error 400 that says which and why."""
        if not isinstance(data, Mapping):
            raise InputsRefusedError(user_msg=_("inputs : un objet est attendu."))
        if not _running.acquire(blocking=False):
            raise BusyError(
                user_msg=_("Trop de calculs sont en cours ; réessayez dans quelques secondes.")
            )
        ground = Ground.of(self.workspace)
        try:
            self.kind.files(data, ground, PUBLIC)
            question = Question(self.kind.name, data, PUBLIC)
            result = answer(question, ground, lambda _progress, _said: None)
        except GeoguichetError as error:
            raise InputsRefusedError(user_msg=ground.bare(str(error))) from error
        finally:
            _running.release()
        return result.media, json.loads(result.body)


#: At most so many computations at once: the pages stay quick for everybody else.
_running = BoundedSemaphore(2)


class ProcessManager(DummyManager):  # type: ignore[misc]
    """Runs a process at once and answers with its result.

    The identifier of a process is ``processor.id``, since a collection may bear the same name in
    the configuration. Nobody is called back at an address a request gives.
    """

    def __init__(self, manager_def: dict[str, Any]) -> None:
        super().__init__(manager_def)
        configured = manager_def.get("processes", {}).items()
        self.processes = {
            conf["processor"].get("id", name): dict(conf) for name, conf in configured
        }

    def execute_process(
        self,
        process_id: str,
        data_dict: dict[str, Any],
        execution_mode: object = None,
        requested_outputs: dict[str, Any] | None = None,
        subscriber: object = None,
        requested_response: str | None = "raw",
    ) -> tuple[str, str, object, JobStatus, dict[str, str]]:
        """Run it: (job id, media type, result, status, headers)."""
        media_type, result = self.get_processor(process_id).execute(data_dict)
        document = {process_id: result} if requested_response == "document" else result
        headers = {} if execution_mode is None else {"Preference-Applied": "wait"}
        return process_id, media_type, document, JobStatus.successful, headers


class InputsRefusedError(ProcessorExecuteError):  # type: ignore[misc]
    """The inputs of the process are off: an error 400, not a failure of the server."""

    ogc_exception_code = "InvalidParameterValue"
    http_status_code = HTTPStatus.BAD_REQUEST


class BusyError(ProcessorExecuteError):  # type: ignore[misc]
    """Too many computations at once: come back in a moment."""

    ogc_exception_code = "ServerBusy"
    http_status_code = HTTPStatus.SERVICE_UNAVAILABLE
