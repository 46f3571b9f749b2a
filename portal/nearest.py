"""The process ``nearest``: which counters are near, as « Trouver un guichet » tells it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pygeoapi.process.base import BaseProcessor

from geoguichet.floor.errors import GeoguichetError
from geoguichet.floor.region import read_region
from geoguichet.floor.words import Message, _
from geoguichet.portal.counters import answered
from geoguichet.portal.kept import index_of
from geoguichet.portal.providers.processes import InputsRefusedError
from geoguichet.portal.territory import territory_of
from geoguichet.portal.viewing import viewer_across

NEAREST: dict[str, Any] = {
    "version": "1.0.0",
    "id": "nearest",
    "title": Message("Trouver un guichet").by_language(),
    "description": Message(
        "Les guichets les plus proches d'un lieu pour un besoin, à un moment : ceux qui sont sûrement "
        "ouverts, ceux dont nul ne sait, les fermés. Un visioguichet proposé n'en est jamais un."
    ).by_language(),
    "jobControlOptions": ["sync-execute"],
    "keywords": {"fr": ["guichet", "horaires"], "en": ["counter", "opening hours"]},
    "links": [],
    "inputs": {
        name: {
            "title": title.by_language(),
            "description": told.by_language(),
            "schema": {"type": "string", "maxLength": 100},
            "minOccurs": least,
            "maxOccurs": 1,
        }
        for name, title, told, least in (
            ("ou", Message("Lieu"), Message("Une commune, son code, une adresse du répertoire, ou LON,LAT."), 1),
            ("quoi", Message("Besoin"), Message("Un besoin en mots, ou sa clé (« mairie »)."), 0),
            ("quand", Message("Moment"), Message("« sam-10:30 » ; maintenant sans cette entrée."), 0),
        )
    },
    "outputs": {
        "nearest": {
            "title": Message("Guichets").by_language(),
            "description": Message("Ce que dit la page, en JSON.").by_language(),
            "schema": {"type": "object", "contentMediaType": "application/json"},
        }
    },
    "example": {"inputs": {"ou": "2.35,48.85", "quoi": "mairie", "quand": "sam-10:30"}},
}  # fmt: skip


class NearestProcessor(BaseProcessor):  # type: ignore[misc]
    """pygeoapi's door to `portal.counters.answered`, for a ``workspace``."""

    def __init__(self, processor_def: dict[str, Any]) -> None:
        super().__init__(processor_def, NEAREST)
        self.workspace = Path(processor_def["workspace"])

    def execute(
        self, data: Mapping[str, Any], outputs: object = None
    ) -> tuple[str, dict[str, Any]]:
        """Answer one question. Refused inputs are an error 400 that says which and why."""
        known = ", ".join(NEAREST["inputs"])
        for name, value in data.items() if isinstance(data, Mapping) else [("inputs", data)]:
            if name not in NEAREST["inputs"] or not isinstance(value, str):
                told = _("{name} : un texte est attendu, sous {known}.", name=name, known=known)
                raise InputsRefusedError(user_msg=told)
        try:
            region = read_region(self.workspace)
            ground = territory_of(self.workspace, region)
            index = index_of(self.workspace, region, ground, viewer=viewer_across())
            return "application/json", answered(index, data)
        except GeoguichetError as error:
            raise InputsRefusedError(user_msg=str(error)) from error
