"""``geoguichet catalogue``: records searched, judged, taken back; what fills it is in
`catalogue_filling`.
"""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from geoguichet.commands.arguments import (
    JSON,
    QUIET,
    argument,
    bbox,
    command,
    known_workspace,
    positive,
    workspace_of,
)
from geoguichet.commands.printing import columns, counting, print_json, shorten
from geoguichet.floor.errors import UsageError
from geoguichet.floor.words import Message, _

if TYPE_CHECKING:
    from geoguichet.catalogue.quality.judging import Judged
    from geoguichet.catalogue.record import Record


@command(
    "catalogue search",
    Message("chercher des fiches"),
    argument(
        "text",
        nargs="?",
        default=None,
        metavar=Message("TEXTE"),
        help=Message("des mots ; la virgule veut dire « ou »"),
    ),
    argument(
        "--bbox",
        type=bbox,
        metavar=Message("O,S,E,N"),
        help=Message("en degrés : ouest,sud,est,nord"),
    ),
    argument(
        "--limit",
        type=positive,
        default=20,
        metavar="N",
        help=Message("nombre de fiches au plus (20)"),
    ),
    argument(
        "--json", action="store_true", help=Message("répondre en JSON (GeoJSON d'OGC API Records)")
    ),
)
def _search(arguments: argparse.Namespace) -> None:
    # A thread for each core takes longer to start than this search does, and is not used by it.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    from geoguichet.catalogue.record import Extent
    from geoguichet.catalogue.search.query import RecordQuery
    from geoguichet.catalogue.search.store import SQLiteStore, search_as_people_do, store_path

    bbox = Extent(*arguments.bbox) if arguments.bbox else None
    with SQLiteStore(store_path(known_workspace(arguments))) as store:
        asked = RecordQuery(q=arguments.text or "", bbox=bbox, limit=arguments.limit)
        page, answered = search_as_people_do(store, asked)
    if arguments.json:
        features = [json.loads(item) for item in page.items]
        counted = {"type": "FeatureCollection", "numberMatched": page.number_matched}
        print_json(counted | {"features": features})
        return
    for record in page.records:
        print(f"{record.id:<32}  {record.title}")
    found = (
        Message("{found} fiche(s) trouvée(s), {shown} montrée(s).")
        if answered is asked
        else Message(
            "{found} fiche(s) trouvée(s), {shown} montrée(s) (aucune n'a ces mots côte à côte)."
        )
    )
    print(found.format(found=page.number_matched, shown=len(page.items)))


@command(
    "catalogue show",
    Message("montrer une fiche"),
    argument("id", metavar="ID", help=Message("l'identifiant de la fiche")),
    JSON,
)
def _show(arguments: argparse.Namespace) -> None:
    from geoguichet.catalogue.search.store import SQLiteStore, store_path

    with SQLiteStore(store_path(known_workspace(arguments))) as store:
        record = store.get(arguments.id)
    if arguments.json:
        print_json(record.to_geojson())
    else:
        _print_record(record)


@command(
    "catalogue history",
    Message("montrer les versions d'une fiche"),
    argument("id", metavar="ID", help=Message("l'identifiant de la fiche")),
    JSON,
)
def _history(arguments: argparse.Namespace) -> None:
    from geoguichet.catalogue.search.store import SQLiteStore, store_path

    with SQLiteStore(store_path(workspace_of(arguments))) as store:
        versions = store.history(arguments.id)
    if arguments.json:
        print_json(
            [
                {
                    "version": v.number,
                    "at": v.at,
                    "by": v.by,
                    "change": v.change,
                    "members": v.members,
                }
                for v in versions
            ]
        )
        return
    words = {"created": _("créée"), "updated": _("modifiée"), "deleted": _("supprimée")}
    for version in versions:
        told = words[version.change]
        if version.by:
            told = _("{change} par {who}", change=told, who=version.by)
        if version.members:
            told = _("{change} : {what}", change=told, what=", ".join(version.members))
        print(f"{version.number:>4}  {version.at}  {told}")


@command(
    "catalogue restore",
    Message("rétablir une version antérieure d'une fiche"),
    argument("id", metavar="ID", help=Message("l'identifiant de la fiche")),
    argument("version", type=positive, metavar="VERSION", help=Message("le numéro de la version")),
)
def _restore(arguments: argparse.Namespace) -> None:
    import getpass

    from geoguichet.catalogue.search.store import SQLiteStore, store_path

    with SQLiteStore(store_path(workspace_of(arguments))) as store:
        record = store.restore(arguments.id, arguments.version, by=getpass.getuser())
    print(
        _(
            "La version {version} de « {id} » ({title}) est de nouveau la fiche en cours.",
            version=arguments.version,
            id=record.id,
            title=record.title,
        )
    )


@command(
    "catalogue check",
    Message("dire ce qui manque ou cloche dans une fiche, ou dans toutes"),
    argument("id", nargs="?", default="", metavar="ID", help=Message("l'identifiant de la fiche")),
    argument(
        "--all", action="store_true", help=Message("toutes les fiches, par organisme et par source")
    ),
    argument(
        "--csv",
        type=Path,
        metavar=Message("FICHIER"),
        help=Message("écrire aussi les totaux de --all dans une table"),
    ),
    argument(
        "--findings",
        type=Path,
        metavar=Message("FICHIER"),
        help=Message("écrire aussi chaque constat dans une table"),
    ),
    argument("--links", action="store_true", help=Message("essayer aussi chaque lien")),
    JSON,
    QUIET,
)
def _check(arguments: argparse.Namespace) -> None:
    from geoguichet.catalogue.quality.judging import as_csv, findings_as_csv, judge, summaries
    from geoguichet.floor.files import write_whole

    if bool(arguments.id) == arguments.all:
        raise UsageError(Message("check : un identifiant ou --all est attendu."))
    if arguments.csv and not arguments.all:
        raise UsageError(Message("check : --csv va avec --all."))
    wanted = [arguments.id] if arguments.id else []
    with counting(_("fiches"), quiet=arguments.quiet or arguments.json) as on_progress:
        found = judge(
            workspace_of(arguments),
            wanted,
            links=arguments.links,
            on_progress=on_progress,
        )
        judged = list(found)
    if arguments.csv:
        write_whole(arguments.csv, as_csv(summaries(judged)))
    if arguments.findings:
        write_whole(arguments.findings, findings_as_csv(judged))
    if arguments.json:
        print_json(
            [
                item.checked.as_dict() | {"organisation": item.organisation, "source": item.source}
                for item in judged
            ]
        )
    elif arguments.all:
        _print_totals(judged)
    else:
        for item in judged:
            print(item.checked.as_text())


def _print_totals(judged: Sequence[Judged]) -> None:
    from geoguichet.catalogue.quality.judging import summaries

    titles = {
        "organisation": (_("Organisme"), _("(sans organisme)")),
        "source": (_("Source"), _("(saisies ou importées)")),
    }
    header = (_("Fiches"), _("Note /100"), _("Erreurs"), _("Avertissements"))
    for by, rows in summaries(judged).items():
        title, nobody = titles[by]
        lines = [
            (
                shorten(row["group"], 60) or nobody,
                *(str(row[name]) for name in ("records", "score", "errors", "warnings")),
            )
            for row in rows
        ]
        print(columns((title, *header), lines) + "\n")
    print(_("Le détail d'une fiche : geoguichet catalogue check ID"))


@command(
    "catalogue conformance",
    Message("éprouver un serveur OGC API Records"),
    argument("url", metavar="URL", help=Message("l'adresse de sa page d'accueil")),
    JSON,
)
def _conformance(arguments: argparse.Namespace) -> None:
    from dataclasses import asdict

    from geoguichet.portal.conformance.client import check, report
    from geoguichet.portal.conformance.suite import TESTS

    results = check(arguments.url, TESTS)
    if arguments.json:
        print_json([asdict(result) for result in results])
    else:
        print(report(results, arguments.url))


def _print_record(record: Record) -> None:
    extent = record.extent
    organizations = (contact.organization for contact in record.contacts)
    lines = (
        (_("Fiche"), record.id),
        (_("Titre"), record.title),
        (_("Type"), record.type),
        (_("Résumé"), record.description),
        (_("Mots-clés"), ", ".join(record.keywords)),
        (_("Contact"), ", ".join(filter(None, organizations))),
        (_("Licence"), record.license),
        (
            _("Emprise"),
            f"{extent.west:.4f},{extent.south:.4f},{extent.east:.4f},{extent.north:.4f}"
            if extent
            else "",
        ),
        (_("Mise à jour"), record.updated),
        (_("Généalogie"), record.extra_properties.get("lineage", "")),
        *((link.rel, f"{link.title} : {link.href}") for link in record.links),
    )
    for label, value in lines:
        if value:
            print(f"{label:<12} {value}")
