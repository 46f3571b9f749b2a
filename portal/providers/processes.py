"""The process ``white-zones``: put a question to the coverage room over HTTP, receive the white
zones as GeoJSON.
"""

import json
import uuid
from collections.abc import Mapping
from http import HTTPStatus
from pathlib import Path
from threading import BoundedSemaphore
from typing import Any

from pygeoapi.process.base import BaseProcessor, ProcessorExecuteError
from pygeoapi.process.manager.dummy import DummyManager
from pygeoapi.util import JobStatus

from geoguichet.floor.errors import GeoguichetError
from geoguichet.floor.words import Message, _
from geoguichet.portal.errors import ParameterError
from geoguichet.referentials.territories import sample

SERVICES: Mapping[str, Mapping[str, Any]] = {
    "etat": {"label": "Guichet de l'État", "types": ["prefecture", "sous_prefecture"]},
    "mairie": {
        "label": "Mairie ouverte au moins 28 h par semaine",
        "types": ["town_hall"],
        "min_hours_per_week": 28,
    },
}
THRESHOLDS: Mapping[str, str] = {"etat": "25 km", "mairie": "8 km"}
MOST_SERVICES = 12
BUFFER = f"{sample.RING_M // 1000} km"


# Return the description of an input that may be left out.
def _asked(title: dict[str, str] | str, description: Message, default: object) -> dict[str, Any]:
    return {
        "title": title,
        "description": description.by_language(),
        "schema": {"type": "object", "default": default},
        "minOccurs": 0,
        "maxOccurs": 1,
    }


METADATA: dict[str, Any] = {
    "version": "0.1.0",
    "id": "white-zones",
    "title": Message("Calculer les zones blanches").by_language(),
    "description": Message(
        "Où sont les habitants de la région qui ne trouvent pas les services demandés à la "
        "distance demandée (à vol d'oiseau, sur l'ellipsoïde WGS 84)."
    ).by_language(),
    "jobControlOptions": ["sync-execute"],
    "keywords": {
        "fr": ["accessibilité", "services publics", "zones blanches"],
        "en": ["accessibility", "public services", "white zones"],
    },
    "links": [],
    "inputs": {
        "services": _asked(
            "Services",
            Message(
                "Les besoins, par clé : les types de service qui y répondent et, au choix, les "
                "heures d'ouverture par semaine exigées."
            ),
            SERVICES,
        ),
        "thresholds": _asked(
            Message("Seuils").by_language(),
            Message("La distance acceptée pour chaque besoin, avec son unité (« 8 km »)."),
            THRESHOLDS,
        ),
        "rule": _asked(
            Message("Règle").by_language(),
            Message(
                "Comment les besoins se combinent : all (tous), any (un seul suffit) ou at_least "
                "(un nombre)."
            ),
            {"all": list(SERVICES)},
        ),
    },
    "outputs": {
        "white-zones": {
            "title": Message("Zones blanches").by_language(),
            "description": Message(
                "Une FeatureCollection GeoJSON : un polygone par zone, avec ses habitants et ses "
                "communes."
            ).by_language(),
            "schema": {"type": "object", "contentMediaType": "application/geo+json"},
        }
    },
    "example": {
        "inputs": {
            "services": {"mairie": {"types": ["town_hall"], "min_hours_per_week": 20}},
            "thresholds": {"mairie": "10 km"},
            "rule": {"all": ["mairie"]},
        }
    },
}


class WhiteZonesProcessor(BaseProcessor):  # type: ignore[misc]
    """pygeoapi's door to `coverage.run.find_white_zones`, on the data of the region: ``data`` is
    their GeoPackage and ``territory`` its name; without them, the embedded sample.
    """

    def __init__(self, processor_def: dict[str, Any]) -> None:
        super().__init__(processor_def, METADATA)
        self.ground = (processor_def.get("territory", sample.NAME), processor_def.get("data", ""))

    def execute(
        self, data: Mapping[str, Any], outputs: object = None
    ) -> tuple[str, dict[str, Any]]:
        """Answer one question. Refused inputs are an error 400 that says which and why."""
        from geoguichet.coverage.run import find_white_zones
        from geoguichet.coverage.study.study import parse_study

        if not isinstance(data, Mapping):
            raise InputsRefusedError(user_msg=_("inputs : un objet est attendu."))
        if not _running.acquire(blocking=False):
            raise BusyError(
                user_msg=_("Trop de calculs sont en cours ; réessayez dans quelques secondes.")
            )
        try:
            result = find_white_zones(parse_study(study_document(data, *self.ground)))
        except GeoguichetError as error:
            raise InputsRefusedError(user_msg=str(error)) from error
        finally:
            _running.release()
        return "application/geo+json", json.loads(result.drawn_zones.to_json())


#: At most so many computations at once: the pages stay quick for everybody else.
_running = BoundedSemaphore(2)


class ProcessManager(DummyManager):  # type: ignore[misc]
    """Runs a process at once and answers with its result.

    The identifier of a process is ``processor.id``, since a collection may bear the same name in
    the configuration. A refused input is an error 400 in its own words; nobody is called back at an
    address a request gives.
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
        media_type, result = self.get_processor(process_id).execute(
            data_dict, outputs=requested_outputs
        )
        document = {"outputs": [result]} if requested_response == "document" else result
        headers = {} if execution_mode is None else {"Preference-Applied": "wait"}
        return str(uuid.uuid1()), media_type, document, JobStatus.successful, headers


class InputsRefusedError(ProcessorExecuteError):  # type: ignore[misc]
    """The inputs of the process are off: an error 400, not a failure of the server."""

    ogc_exception_code = "InvalidParameterValue"
    http_status_code = HTTPStatus.BAD_REQUEST


class BusyError(ProcessorExecuteError):  # type: ignore[misc]
    """Too many computations at once: come back in a moment."""

    ogc_exception_code = "ServerBusy"
    http_status_code = HTTPStatus.SERVICE_UNAVAILABLE


def study_document(
    inputs: Mapping[str, Any], territory: str = sample.NAME, source: str = ""
) -> dict[str, Any]:
    """Return the inputs as a study document (what a study file holds) of a territory whose data are
    in a GeoPackage, or of the sample; ParameterError names a wrong input.
    """
    known = METADATA["inputs"]
    for name in inputs:
        if name not in known:
            raise ParameterError(
                _("{name} : entrée inconnue ; attendu {known}.", name=name, known=", ".join(known))
            )
    services = _objects("services", inputs.get("services", SERVICES))
    if len(services) > MOST_SERVICES:
        raise ParameterError(
            _(
                "services : au plus {most} besoins sont attendus, {given} sont donnés.",
                most=MOST_SERVICES,
                given=len(services),
            )
        )
    thresholds = _mapping("thresholds", inputs.get("thresholds", THRESHOLDS))
    for key in thresholds:
        if key not in services and "thresholds" in inputs:
            raise ParameterError(
                _(
                    "thresholds.{key} : aucun service de ce nom ; attendu {known}.",
                    key=key,
                    known=", ".join(services),
                )
            )
    return {
        "study": {"id": "api", "title": "Zones blanches"},
        "territory": {
            "name": territory,
            "departements": _departements(source),
            "buffer": BUFFER,
        },
        **({"data": {"source": source, "services": "services"}} if source else {}),
        "services": {
            key: dict(service) | ({"within": thresholds[key]} if key in thresholds else {})
            for key, service in services.items()
        },
        "rule": dict(_mapping("rule", inputs.get("rule", {"all": list(services)}))),
    }


# Return the départements of the data of a territory.
def _departements(source: str) -> list[str]:
    if not source:
        return list(sample.DEPARTEMENTS)
    from geoguichet.referentials.layers import read_layer

    found = read_layer(Path(source), layer="departements", columns=("code",))
    return sorted(found["code"])


def _objects(name: str, value: object) -> Mapping[str, Mapping[str, Any]]:
    return {key: _mapping(f"{name}.{key}", item) for key, item in _mapping(name, value).items()}


def _mapping(name: str, value: object) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        given = json.dumps(value)[:60]
        raise ParameterError(
            _("{name} : un objet est attendu, reçu {given}.", name=name, given=given)
        )
    return value
