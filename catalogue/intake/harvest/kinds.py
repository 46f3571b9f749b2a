"""Every kind of source, by the name that a person types. A new kind is a file here, and a line."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pkgutil import resolve_name
from types import MappingProxyType
from typing import TYPE_CHECKING

from geoguichet.catalogue.errors import HarvestError
from geoguichet.floor.words import Message

if TYPE_CHECKING:
    from geoguichet.catalogue.intake.harvest.source import Source


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of source: what it is, and the class that reads it, imported when it is opened."""

    title: Message
    #: The name of its class, a `Source`.
    reader: str
    #: What the class is told of the kind, where it reads several.
    options: Mapping[str, str] = field(default_factory=dict)
    #: Whether its address is a path, rather than that of a server.
    is_local: bool = False


KINDS: Mapping[str, Kind] = MappingProxyType(
    {
        "csw": Kind(Message("catalogue CSW 2.0.2"), "geoguichet.catalogue.intake.harvest.csw.Csw"),
        "ogc-records": Kind(
            Message("collection d'OGC API Records"),
            "geoguichet.catalogue.intake.harvest.json_api.OgcRecords",
        ),
        "ogc-features": Kind(
            Message("collections d'OGC API Features"),
            "geoguichet.catalogue.intake.harvest.json_api.OgcFeatures",
        ),
        "ckan": Kind(Message("portail CKAN"), "geoguichet.catalogue.intake.harvest.json_api.Ckan"),
        "udata": Kind(
            Message("portail udata (data.gouv.fr)"),
            "geoguichet.catalogue.intake.harvest.json_api.Udata",
        ),
        "wms": Kind(
            Message("service WMS et ses couches"),
            "geoguichet.catalogue.intake.harvest.documents.Capabilities",
            {"service": "wms"},
        ),
        "wfs": Kind(
            Message("service WFS et ses couches"),
            "geoguichet.catalogue.intake.harvest.documents.Capabilities",
            {"service": "wfs"},
        ),
        "wmts": Kind(
            Message("service WMTS et ses couches"),
            "geoguichet.catalogue.intake.harvest.documents.Capabilities",
            {"service": "wmts"},
        ),
        "dcat": Kind(
            Message("catalogue DCAT"), "geoguichet.catalogue.intake.harvest.documents.DcatCatalogue"
        ),
        "oai-pmh": Kind(
            Message("entrepôt OAI-PMH"), "geoguichet.catalogue.intake.harvest.oai_pmh.OaiPmh"
        ),
        "folder": Kind(
            Message("dossier de fiches"),
            "geoguichet.catalogue.intake.harvest.documents.Folder",
            is_local=True,
        ),
    }
)


def open_source(kind: str, address: str, name: str) -> Source:
    """Return the source of a kind at an address.

    The environment holds the credentials of a source under its name, such as
    ``GEOGUICHET_HARVEST_VOISIN_AUTHORIZATION``.
    """
    if kind not in KINDS:
        raise HarvestError(
            f"« {kind} » n'est pas une sorte de source ; attendu {', '.join(KINDS)}."
        )
    from geoguichet.floor.http import Client

    key = re.sub(r"[^A-Z0-9]+", "_", name.upper())
    client = Client(authorization=os.environ.get(f"GEOGUICHET_HARVEST_{key}_AUTHORIZATION", ""))
    reader = resolve_name(KINDS[kind].reader)
    source: Source = reader(address, client, **KINDS[kind].options)
    return source
