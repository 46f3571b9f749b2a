"""What the portal asks where nothing else is said: two needs, of the territory that it shows."""

from collections.abc import Mapping
from typing import Any

from geoguichet.floor.words import _
from geoguichet.portal.errors import ParameterError
from geoguichet.portal.territory import Territory
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
BUFFER = f"{sample.RING_M // 1000} km"


def usual_study(territory: Territory, source: str) -> dict[str, Any]:
    """Return the usual question as a study document (what a study file holds)."""
    services = {key: {**one, "within": THRESHOLDS[key]} for key, one in SERVICES.items()}
    heading = {"id": "api", "title": "Zones blanches"}
    tables = tables_of(territory, source)
    return {"study": heading, **tables, "services": services, "rule": {"all": list(services)}}


def tables_of(territory: Territory, source: str) -> dict[str, Any]:
    """Return the tables of a study that name a territory and its data, a GeoPackage at ``source`` (from
    the study's own folder; empty: the sample's). ParameterError where there is no territory.
    """
    told = {"name": territory.name, "departements": _departements(territory), "buffer": BUFFER}
    return {
        "territory": told,
        **({"data": {"source": source, "services": "services"}} if source else {}),
    }


def _departements(territory: Territory) -> list[str]:
    if territory.is_sample:
        return list(sample.DEPARTEMENTS)
    from geoguichet.referentials.layers import read_layer

    if territory.data is None:
        raise ParameterError(_("territory : ce portail n'a pas de territoire ; nommez-en un."))
    found = read_layer(territory.data, layer="departements", columns=("code",))
    return sorted(found["code"])
