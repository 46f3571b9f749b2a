"""``geoguichet catalogue``: records searched, judged, taken back; what fills it is in
`catalogue_filling`.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from geoguichet.commands import catalogue_filling
from geoguichet.commands.arguments import (
    add_output,
    bbox,
    command,
    group,
    known_workspace,
    positive,
    workspace_of,
)
from geoguichet.commands.printing import columns, counting, shorten
from geoguichet.floor.errors import UsageError

if TYPE_CHECKING:
    from geoguichet.catalogue.quality.judging import Judged
    from geoguichet.catalogue.record import Record


def add(commands: Any) -> None:
    """Add the ``catalogue`` commands."""
    catalogue = group(commands, "catalogue", "chercher dans le catalogue, le remplir, le juger")
    _add_questions(catalogue)
    catalogue_filling.add(catalogue)


def _add_questions(catalogue: Any) -> None:
    search = command(catalogue, "search", _search, "chercher des fiches")
    search.add_argument(
        "text",
        nargs="?",
        default=None,
        metavar="TEXTE",
        help="des mots ; la virgule veut dire « ou »",
    )
    search.add_argument(
        "--bbox", type=bbox, metavar="O,S,E,N", help="en degrés : ouest,sud,est,nord"
    )
    search.add_argument(
        "--limit", type=positive, default=20, metavar="N", help="nombre de fiches au plus (20)"
    )
    search.add_argument(
        "--json", action="store_true", help="répondre en JSON (GeoJSON d'OGC API Records)"
    )
    show = command(catalogue, "show", _show, "montrer une fiche")
    show.add_argument("id", metavar="ID", help="l'identifiant de la fiche")
    show.add_argument("--json", action="store_true", help="répondre en JSON")
    history = command(catalogue, "history", _history, "montrer les versions d'une fiche")
    history.add_argument("id", metavar="ID", help="l'identifiant de la fiche")
    history.add_argument("--json", action="store_true", help="répondre en JSON")
    restore = command(catalogue, "restore", _restore, "rétablir une version antérieure d'une fiche")
    restore.add_argument("id", metavar="ID", help="l'identifiant de la fiche")
    restore.add_argument(
        "version", type=positive, metavar="VERSION", help="le numéro de la version"
    )
    judge = command(
        catalogue, "check", _check, "dire ce qui manque ou cloche dans une fiche, ou dans toutes"
    )
    judge.add_argument("id", nargs="?", default="", metavar="ID", help="l'identifiant de la fiche")
    judge.add_argument(
        "--all", action="store_true", help="toutes les fiches, par organisme et par source"
    )
    judge.add_argument(
        "--csv",
        type=Path,
        metavar="FICHIER",
        help="écrire aussi les totaux de --all dans une table",
    )
    judge.add_argument(
        "--findings",
        type=Path,
        metavar="FICHIER",
        help="écrire aussi chaque constat dans une table",
    )
    judge.add_argument("--links", action="store_true", help="essayer aussi chaque lien")
    judge.add_argument(
        "--lang",
        choices=("fr", "en"),
        default="fr",
        help="dire les constats en français ou en anglais",
    )
    add_output(judge)
    conformance = command(
        catalogue, "conformance", _conformance, "éprouver un serveur OGC API Records"
    )
    conformance.add_argument("url", metavar="URL", help="l'adresse de sa page d'accueil")
    conformance.add_argument("--json", action="store_true", help="répondre en JSON")


def _search(arguments: argparse.Namespace) -> None:
    from geoguichet.catalogue.record import Extent
    from geoguichet.catalogue.search.query import RecordQuery
    from geoguichet.catalogue.search.store import SQLiteStore, search_as_people_do, store_path

    bbox = Extent(*arguments.bbox) if arguments.bbox else None
    with SQLiteStore(store_path(known_workspace(arguments))) as store:
        asked = RecordQuery(q=arguments.text or "", bbox=bbox, limit=arguments.limit)
        page, answered = search_as_people_do(store, asked)
    if arguments.json:
        features = [json.loads(item) for item in page.items]
        answer = {
            "type": "FeatureCollection",
            "numberMatched": page.number_matched,
            "features": features,
        }
        print(json.dumps(answer, ensure_ascii=False, indent=2))
        return
    for record in page.records:
        print(f"{record.id:<32}  {record.title}")
    apart = "" if answered is asked else " (aucune n'a ces mots côte à côte)"
    print(f"{page.number_matched} fiche(s) trouvée(s), {len(page.items)} montrée(s){apart}.")


def _show(arguments: argparse.Namespace) -> None:
    from geoguichet.catalogue.search.store import SQLiteStore, store_path

    with SQLiteStore(store_path(known_workspace(arguments))) as store:
        record = store.get(arguments.id)
    if arguments.json:
        print(json.dumps(record.to_geojson(), ensure_ascii=False, indent=2))
    else:
        _print_record(record)


def _check(arguments: argparse.Namespace) -> None:
    from geoguichet.catalogue.quality.judging import as_csv, findings_as_csv, judge, summaries
    from geoguichet.floor.files import write_whole

    if bool(arguments.id) == arguments.all:
        raise UsageError("check : un identifiant ou --all est attendu.")
    if arguments.csv and not arguments.all:
        raise UsageError("check : --csv va avec --all.")
    wanted = [arguments.id] if arguments.id else []
    with counting("fiches", quiet=arguments.quiet or arguments.json) as on_progress:
        found = judge(
            workspace_of(arguments),
            wanted,
            links=arguments.links,
            language=arguments.lang,
            on_progress=on_progress,
        )
        judged = list(found)
    if arguments.csv:
        write_whole(arguments.csv, as_csv(summaries(judged), language=arguments.lang))
    if arguments.findings:
        write_whole(arguments.findings, findings_as_csv(judged))
    if arguments.json:
        told = [
            item.checked.as_dict() | {"organisation": item.organisation, "source": item.source}
            for item in judged
        ]
        print(json.dumps(told, ensure_ascii=False, indent=2))
    elif arguments.all:
        _print_totals(judged)
    else:
        for item in judged:
            print(item.checked.as_text())


def _print_totals(judged: Sequence[Judged]) -> None:
    from geoguichet.catalogue.quality.judging import summaries

    titles = {
        "organisation": ("Organisme", "(sans organisme)"),
        "source": ("Source", "(saisies ou importées)"),
    }
    for by, rows in summaries(judged).items():
        title, nobody = titles[by]
        lines = [
            (
                shorten(row["group"], 60) or nobody,
                *(str(row[name]) for name in ("records", "score", "errors", "warnings")),
            )
            for row in rows
        ]
        print(columns((title, "Fiches", "Note /100", "Erreurs", "Avertissements"), lines) + "\n")
    print("Le détail d'une fiche : geoguichet catalogue check ID")


def _history(arguments: argparse.Namespace) -> None:
    from geoguichet.catalogue.search.store import SQLiteStore, store_path

    with SQLiteStore(store_path(workspace_of(arguments))) as store:
        versions = store.history(arguments.id)
    if arguments.json:
        told = [
            {"version": v.number, "at": v.at, "by": v.by, "change": v.change, "members": v.members}
            for v in versions
        ]
        print(json.dumps(told, ensure_ascii=False, indent=2))
        return
    words = {"created": "créée", "updated": "modifiée", "deleted": "supprimée"}
    for version in versions:
        by = f" par {version.by}" if version.by else ""
        changed = f" : {', '.join(version.members)}" if version.members else ""
        print(f"{version.number:>4}  {version.at}  {words[version.change]}{by}{changed}")


def _restore(arguments: argparse.Namespace) -> None:
    import getpass

    from geoguichet.catalogue.search.store import SQLiteStore, store_path

    with SQLiteStore(store_path(workspace_of(arguments))) as store:
        record = store.restore(arguments.id, arguments.version, by=getpass.getuser())
    print(
        f"La version {arguments.version} de « {record.id} » ({record.title}) est de nouveau la "
        "fiche en cours."
    )


def _conformance(arguments: argparse.Namespace) -> None:
    from dataclasses import asdict

    from geoguichet.portal.conformance.client import check, report
    from geoguichet.portal.conformance.suite import TESTS

    results = check(arguments.url, TESTS)
    if arguments.json:
        print(json.dumps([asdict(result) for result in results], ensure_ascii=False, indent=2))
    else:
        print(report(results, arguments.url))


def _print_record(record: Record) -> None:
    extent = record.extent
    organizations = (contact.organization for contact in record.contacts)
    lines = (
        ("Fiche", record.id),
        ("Titre", record.title),
        ("Type", record.type),
        ("Résumé", record.description),
        ("Mots-clés", ", ".join(record.keywords)),
        ("Contact", ", ".join(filter(None, organizations))),
        ("Licence", record.license),
        (
            "Emprise",
            f"{extent.west:.4f},{extent.south:.4f},{extent.east:.4f},{extent.north:.4f}"
            if extent
            else "",
        ),
        ("Mise à jour", record.updated),
        ("Généalogie", record.extra_properties.get("lineage", "")),
        *((link.rel, f"{link.title} : {link.href}") for link in record.links),
    )
    for label, value in lines:
        if value:
            print(f"{label:<12} {value}")
