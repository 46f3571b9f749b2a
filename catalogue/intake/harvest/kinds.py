"""Every kind of source, by the name that a person types. A new kind is a class, and a line here."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from pkgutil import resolve_name
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from geoguichet.catalogue.errors import HarvestError
from geoguichet.floor.files import read_toml
from geoguichet.floor.words import Message, _

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
        "csw": Kind(
            Message("catalogue CSW 2.0.2"), "geoguichet.catalogue.intake.harvest.xml_protocols.Csw"
        ),
        "ogc-records": Kind(
            Message("collection d'OGC API Records"),
            "geoguichet.catalogue.intake.harvest.source.OgcRecords",
        ),
        "ogc-features": Kind(
            Message("collections d'OGC API Features"),
            "geoguichet.catalogue.intake.harvest.source.OgcFeatures",
        ),
        "ckan": Kind(Message("portail CKAN"), "geoguichet.catalogue.intake.harvest.source.Ckan"),
        "udata": Kind(
            Message("portail udata (data.gouv.fr)"),
            "geoguichet.catalogue.intake.harvest.source.Udata",
        ),
        "wms": Kind(
            Message("service WMS et ses couches"),
            "geoguichet.catalogue.intake.harvest.source.Capabilities",
            {"service": "wms"},
        ),
        "wfs": Kind(
            Message("service WFS et ses couches"),
            "geoguichet.catalogue.intake.harvest.source.Capabilities",
            {"service": "wfs"},
        ),
        "wmts": Kind(
            Message("service WMTS et ses couches"),
            "geoguichet.catalogue.intake.harvest.source.Capabilities",
            {"service": "wmts"},
        ),
        "dcat": Kind(
            Message("catalogue DCAT"), "geoguichet.catalogue.intake.harvest.source.DcatCatalogue"
        ),
        "oai-pmh": Kind(
            Message("entrepôt OAI-PMH"), "geoguichet.catalogue.intake.harvest.xml_protocols.OaiPmh"
        ),
        "folder": Kind(
            Message("dossier de fiches"),
            "geoguichet.catalogue.intake.harvest.source.Folder",
            is_local=True,
        ),
    }
)


def open_source(kind: str, address: str, name: str) -> Source:
    """Return the source of a ``kind`` (``csw``, ``ogc``, ``ckan``, ``folder`` ...) at an ``address``
    (a URL, or a folder).

    The environment holds the credentials of a source under its ``name``, such as
    ``GEOGUICHET_HARVEST_VOISIN_AUTHORIZATION``.

    Raises
    ------
    HarvestError
        There is no such kind of source.

    Examples
    --------
    >>> source = open_source("folder", "iso", name="voisin")
    >>> type(source).__name__, source.address.rpartition("/")[2]
    ('Folder', 'iso')
    """
    if kind not in KINDS:
        told = _(
            "« {kind} » n'est pas une sorte de source ; attendu {known}.",
            kind=kind,
            known=", ".join(KINDS),
        )
        raise HarvestError(told)
    from geoguichet.floor.http import Client

    key = re.sub(r"[^A-Z0-9]+", "_", name.upper())
    client = Client(authorization=os.environ.get(f"GEOGUICHET_HARVEST_{key}_AUTHORIZATION", ""))
    source: Source = resolve_name(KINDS[kind].reader)(address, client, **KINDS[kind].options)
    return source


# `harvest.toml`: the sources that one command harvests, as a timer of the system would ask it.


#: What `--init` writes; its kinds are filled in by `template`.
TEMPLATE = """\
# Les sources que « geoguichet catalogue harvest --all » moissonne, dans cet ordre.
#
# name    le nom de la source, une fois pour toutes : l'histoire des moissons est tenue sous ce nom
# kind    {kinds}
# url     son adresse ; pour la sorte folder, un dossier (relatif à ce fichier)
# active  false la met de côté sans l'oublier
# max_shrink  la part de ses fiches qu'elle peut perdre d'une moisson à l'autre (0.2) ; au-delà,
#         aucune n'est supprimée
#
# Un mot de passe ne s'écrit pas ici : il se donne par l'environnement, sous le nom de la source.
#   GEOGUICHET_HARVEST_VOISIN_AUTHORIZATION="Basic ..."

[[source]]
name = "dossier"
kind = "folder"
url = "fiches"

[[source]]
name = "voisin"
kind = "csw"
url = "https://catalogue.exemple.fr/csw"
active = false

# Chaque nuit à 2 h 30, par cron (crontab -e) :
#
#   30 2 * * *  cd /srv/geoguichet && .venv/bin/geoguichet catalogue harvest --all --config harvest.toml --quiet
#
# ou par systemd, deux fichiers de /etc/systemd/system/ puis « systemctl enable --now geoguichet-harvest.timer » :
#
#   # geoguichet-harvest.service
#   [Unit]
#   Description=Moisson du catalogue géographique
#   Wants=network-online.target
#   After=network-online.target
#   [Service]
#   Type=oneshot
#   User=geoguichet
#   WorkingDirectory=/srv/geoguichet
#   EnvironmentFile=-/etc/geoguichet/harvest.env
#   ExecStart=/srv/geoguichet/.venv/bin/geoguichet catalogue harvest --all --config harvest.toml --quiet
#
#   # geoguichet-harvest.timer
#   [Unit]
#   Description=Moisson du catalogue géographique, chaque nuit
#   [Timer]
#   OnCalendar=*-*-* 02:30:00
#   RandomizedDelaySec=15min
#   Persistent=true
#   [Install]
#   WantedBy=timers.target
#
# Interrompue (Ctrl-C, coupure), une moisson reprend où elle en était.
# Le code de sortie est 1 quand une source n'a pas tout donné ; les autres sont moissonnées quand même.
"""


@dataclass(frozen=True, slots=True)
class Configured:
    """One source of the file: its name, its kind (see `kinds.KINDS`), its address, the share of its
    records that it may lose (None: the usual one).
    """

    name: str
    kind: str
    url: str
    max_shrink: float | None = None


def template() -> str:
    """Return a commented file to fill in, with a cron line and the units of a systemd timer."""
    return TEMPLATE.format(kinds=", ".join(KINDS))


def read_sources(path: Path) -> tuple[Configured, ...]:
    """Return the active sources of a file, in its order; HarvestError names what is wrong in it."""
    try:
        document = read_toml(path, kind=HarvestError)
    except FileNotFoundError as error:
        told = _(
            "{path} n'existe pas ; un fichier de sources est attendu, "
            "« geoguichet catalogue harvest --init {path} » en crée un.",
            path=path,
        )
        raise HarvestError(told) from error
    tables = document.get("source")
    if not isinstance(tables, list) or not tables or document.keys() != {"source"}:
        told = _("{path} : des tables [[source]] sont attendues, et rien d'autre.", path=path)
        raise HarvestError(told)
    sources = [
        _source(table, f"{path}, source {at}", path.parent) for at, table in enumerate(tables, 1)
    ]
    names = [source.name for source, _ in sources]
    if twice := next((name for name in names if names.count(name) > 1), ""):
        told = _("{path} : le nom « {name} » est donné à deux sources.", path=path, name=twice)
        raise HarvestError(told)
    return tuple(source for source, active in sources if active)


def _source(table: Mapping[str, Any], where: str, folder: Path) -> tuple[Configured, bool]:
    expected = ("name", "kind", "url", "active", "max_shrink")
    if odd := sorted(set(table) - {*expected}):
        told = _(
            "{where} : « {key} » est inconnu ; attendu {known}.",
            where=where,
            key=odd[0],
            known=", ".join(expected),
        )
        raise HarvestError(told)
    for name in ("name", "kind", "url"):
        if not isinstance(table.get(name), str) or not table[name].strip():
            raise HarvestError(_("{where} : {key} est attendu, un texte.", where=where, key=name))
    active = table.get("active", True)
    if not isinstance(active, bool):
        told = _(
            "{where} : active est true ou false, {given} est donné.",
            where=where,
            given=repr(active),
        )
        raise HarvestError(told)
    shrink = table.get("max_shrink")
    if not (shrink is None or (type(shrink) in (int, float) and 0 <= shrink <= 1)):
        told = _(
            "{where} : max_shrink est une part de 0 à 1, {given} est donné.",
            where=where,
            given=repr(shrink),
        )
        raise HarvestError(told)
    if table["kind"] not in KINDS:
        told = _(
            "{where} : kind « {kind} » est inconnu ; attendu {known}.",
            where=where,
            kind=table["kind"],
            known=", ".join(KINDS),
        )
        raise HarvestError(told)
    url = table["url"].strip()
    if re.match(r"https?://[^/@]*@", url):
        told = _(
            "{where} : un mot de passe se donne par l'environnement, pas dans l'adresse.",
            where=where,
        )
        raise HarvestError(told)
    local = str(folder / url) if KINDS[table["kind"]].is_local else url
    return Configured(table["name"].strip(), table["kind"], local, shrink), active
