"""``geoguichet catalogue``: records searched, filled, judged, given away and taken back."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from geoguichet.commands.arguments import add_output, bbox, command, group, known_workspace, positive, workspace_of
from geoguichet.commands.printing import columns, counting, print_findings
from geoguichet.referentials.errors import UsageError

if TYPE_CHECKING:
    from geoguichet.catalogue.harvest.configuration import Configured
    from geoguichet.catalogue.harvest.run import Summary
    from geoguichet.catalogue.judging import Judged
    from geoguichet.catalogue.record import Record


def add(commands: Any) -> None:
    """Add the ``catalogue`` commands."""
    catalogue = group(commands, "catalogue", "chercher dans le catalogue, le remplir, le juger")
    _add_questions(catalogue)
    _add_filling(catalogue)


def _add_questions(catalogue: Any) -> None:
    search = command(catalogue, "search", _search, "chercher des fiches")
    search.add_argument("text", nargs="?", default=None, metavar="TEXTE", help="des mots ; la virgule veut dire « ou »")
    search.add_argument("--bbox", type=bbox, metavar="O,S,E,N", help="en degrés : ouest,sud,est,nord")
    search.add_argument("--limit", type=positive, default=20, metavar="N", help="nombre de fiches au plus (20)")
    search.add_argument("--json", action="store_true", help="répondre en JSON (GeoJSON d'OGC API Records)")
    show = command(catalogue, "show", _show, "montrer une fiche")
    show.add_argument("id", metavar="ID", help="l'identifiant de la fiche")
    show.add_argument("--json", action="store_true", help="répondre en JSON")
    history = command(catalogue, "history", _history, "montrer les versions d'une fiche")
    history.add_argument("id", metavar="ID", help="l'identifiant de la fiche")
    history.add_argument("--json", action="store_true", help="répondre en JSON")
    restore = command(catalogue, "restore", _restore, "rétablir une version antérieure d'une fiche")
    restore.add_argument("id", metavar="ID", help="l'identifiant de la fiche")
    restore.add_argument("version", type=positive, metavar="VERSION", help="le numéro de la version")
    conformance = command(catalogue, "conformance", _conformance, "éprouver un serveur OGC API Records")
    conformance.add_argument("url", metavar="URL", help="l'adresse de sa page d'accueil")
    conformance.add_argument("--json", action="store_true", help="répondre en JSON")


def _add_filling(catalogue: Any) -> None:
    take = command(catalogue, "import", _import, "lire un fichier ou un dossier de fiches")
    take.add_argument("path", type=Path, metavar="FICHIER", help="une fiche ou un dossier (ISO, DCAT, CKAN, MCF, ...)")
    give = command(catalogue, "export", _export, "écrire une fiche, ou toutes, dans un format")
    give.add_argument("id", nargs="?", default="", metavar="ID", help="l'identifiant de la fiche")
    give.add_argument("--all", action="store_true", help="toutes les fiches")
    give.add_argument(
        "--format",
        default="iso19139",
        metavar="FORMAT",
        help="iso19139 (par défaut), dcat-ttl, csv, ... ; original : le document d'origine, octet pour octet",
    )
    give.add_argument("--out", type=Path, metavar="DOSSIER", help="où écrire (--all : ./export)")
    judge = command(catalogue, "check", _check, "dire ce qui manque ou cloche dans une fiche, ou dans toutes")
    judge.add_argument("id", nargs="?", default="", metavar="ID", help="l'identifiant de la fiche")
    judge.add_argument("--all", action="store_true", help="toutes les fiches, par organisme et par source")
    judge.add_argument("--csv", type=Path, metavar="FICHIER", help="écrire aussi les totaux de --all dans une table")
    judge.add_argument("--links", action="store_true", help="essayer aussi chaque lien")
    judge.add_argument("--json", action="store_true", help="répondre en JSON")
    crawl = command(catalogue, "crawl", _crawl, "faire une fiche de chaque fichier de données d'un dossier")
    crawl.add_argument("path", type=Path, metavar="DOSSIER", help="le dossier à parcourir")
    crawl.add_argument("--url", default="", metavar="ADRESSE", help="où ce dossier est servi : chaque fiche y renvoie")
    reap = command(catalogue, "harvest", _harvest, "moissonner une source, ou toutes celles d'un fichier")
    reap.add_argument(
        "kind",
        nargs="?",
        metavar="SORTE",
        help="csw, ogc-records, ogc-features, wms, wfs, wmts, dcat, ckan, udata, ...",
    )
    reap.add_argument("url", nargs="?", metavar="ADRESSE", help="l'adresse de la source (un dossier pour folder)")
    reap.add_argument("--name", default="", metavar="NOM", help="le nom de la source (sinon, son hôte)")
    reap.add_argument("--all", action="store_true", help="toutes les sources du fichier de sources")
    reap.add_argument("--config", type=Path, metavar="FICHIER", help="le fichier de sources (./harvest.toml)")
    reap.add_argument("--init", type=Path, metavar="FICHIER", help="créer un fichier de sources commenté, à compléter")
    reap.add_argument("--dry-run", action="store_true", help="dire ce qui serait fait, sans rien écrire")
    add_output(reap)
    command(catalogue, "sources", _sources, "montrer les sources et l'histoire de leurs moissons")


def _search(arguments: argparse.Namespace) -> None:
    from geoguichet.catalogue.query import RecordQuery
    from geoguichet.catalogue.record import Extent
    from geoguichet.catalogue.store import SQLiteStore, search_as_people_do, store_path

    bbox = Extent(*arguments.bbox) if arguments.bbox else None
    with SQLiteStore(store_path(known_workspace(arguments))) as store:
        asked = RecordQuery(q=arguments.text or "", bbox=bbox, limit=arguments.limit)
        page, answered = search_as_people_do(store, asked)
    if arguments.json:
        features = [json.loads(item) for item in page.items]
        answer = {"type": "FeatureCollection", "numberMatched": page.number_matched, "features": features}
        print(json.dumps(answer, ensure_ascii=False, indent=2))
        return
    for record in page.records:
        print(f"{record.id:<32}  {record.title}")
    apart = "" if answered is asked else " (aucune n'a ces mots côte à côte)"
    print(f"{page.number_matched} fiche(s) trouvée(s), {len(page.items)} montrée(s){apart}.")


def _show(arguments: argparse.Namespace) -> None:
    from geoguichet.catalogue.store import SQLiteStore, store_path

    with SQLiteStore(store_path(known_workspace(arguments))) as store:
        record = store.get(arguments.id)
    if arguments.json:
        print(json.dumps(record.to_geojson(), ensure_ascii=False, indent=2))
    else:
        _print_record(record)


def _import(arguments: argparse.Namespace) -> None:
    from geoguichet.catalogue.exchange import import_files

    done = import_files(arguments.path, workspace_of(arguments))
    print_findings(done.findings)
    said = done.summary
    told = f"{said.created} nouvelle(s), {said.updated} changée(s), {said.unchanged} inchangée(s)"
    print(f"{said.total} fiche(s) lue(s) : {told}.")


def _export(arguments: argparse.Namespace) -> None:
    from geoguichet.catalogue.exchange import export_all, export_one

    if bool(arguments.id) == arguments.all:
        raise UsageError("export : un identifiant ou --all est attendu.")
    if arguments.all:
        for file in export_all(workspace_of(arguments), arguments.format, arguments.out or Path("export")):
            print(file)
        return
    sys.stdout.buffer.write(export_one(arguments.id, workspace_of(arguments), arguments.format))


def _check(arguments: argparse.Namespace) -> None:
    from geoguichet.catalogue.judging import as_csv, judge

    if bool(arguments.id) == arguments.all:
        raise UsageError("check : un identifiant ou --all est attendu.")
    if arguments.csv and not arguments.all:
        raise UsageError("check : --csv va avec --all.")
    wanted = [arguments.id] if arguments.id else []
    judged = list(judge(workspace_of(arguments), wanted, links=arguments.links))
    if arguments.csv:
        _write(arguments.csv, as_csv(judged))
    if arguments.json:
        told = [item.checked.as_dict() | {"organisation": item.organisation, "source": item.source} for item in judged]
        print(json.dumps(told, ensure_ascii=False, indent=2))
    elif arguments.all:
        _print_totals(judged)
    else:
        for item in judged:
            print(item.checked.as_text())


def _print_totals(judged: Sequence[Judged]) -> None:
    from geoguichet.catalogue.judging import summaries

    titles = {"organisation": ("Organisme", "(sans organisme)"), "source": ("Source", "(saisies ou importées)")}
    for by, rows in summaries(judged).items():
        title, nobody = titles[by]
        lines = [
            (row["group"] or nobody, *(str(row[name]) for name in ("records", "score", "errors", "warnings")))
            for row in rows
        ]
        print(columns((title, "Fiches", "Note /100", "Erreurs", "Avertissements"), lines) + "\n")
    print("Le détail d'une fiche : geoguichet catalogue check ID")


def _write(path: Path, content: bytes) -> None:
    """Write a file whole or not at all."""
    from geoguichet.catalogue.errors import CatalogueError

    beside = path.with_name(f".{path.name}.new")
    try:
        beside.write_bytes(content)
        beside.replace(path)
    except OSError as error:
        raise CatalogueError(f"{path} ne peut pas être écrit ({error.strerror}).") from error


def _crawl(arguments: argparse.Namespace) -> None:
    from geoguichet.catalogue.crawl import crawl

    done = crawl(arguments.path, workspace_of(arguments), url=arguments.url)
    print_findings(done.findings)
    print(
        f"{done.read} jeu(x) de données : {done.created} nouvelle(s) fiche(s), {done.updated} changée(s), "
        f"{done.unchanged} inchangée(s), {done.moved} déplacée(s)"
        + (f" ; {done.published} avai(en)t déjà une fiche publiée, complétée." if done.published else ".")
    )


def _harvest(arguments: argparse.Namespace) -> None:
    from geoguichet.catalogue.errors import CatalogueError, HarvestError

    if arguments.init is not None:
        _write_sources(arguments.init)
        return
    sources, failed = _asked_sources(arguments), []
    told: list[dict[str, Any]] = []
    for source in sources:
        try:
            done = _harvest_one(source, arguments)
        except CatalogueError as error:  # the other sources of the file are harvested all the same
            if not arguments.all and not arguments.config:
                raise
            print(f"{source.name} : {error}", file=sys.stderr)
            failed.append(source.name)
            told.append({"source": source.name, "status": "failed", "counts": {}, "findings": [], "error": str(error)})
            continue
        failed += [source.name] if done.status == "failed" else []
        told.append(
            {"source": done.name, "status": done.status, "counts": dict(done.counts)}
            | {"findings": [finding.as_dict() for finding in done.findings]}
        )
    if arguments.json:
        print(json.dumps(told, ensure_ascii=False, indent=2))
    if failed:
        raise HarvestError(f"moisson échouée : {', '.join(failed)}.")


def _asked_sources(arguments: argparse.Namespace) -> tuple[Configured, ...]:
    """Return the source that the arguments name, or those of the file that they name."""
    from urllib.parse import urlsplit

    from geoguichet.catalogue.harvest.configuration import Configured, read_sources

    if arguments.all or arguments.config:
        if arguments.kind or arguments.name:
            raise UsageError("harvest : une source (SORTE ADRESSE) ou --all est attendu, pas les deux.")
        return read_sources(arguments.config or Path("harvest.toml"))
    if not arguments.kind or not arguments.url:
        raise UsageError("harvest : SORTE et ADRESSE sont attendues, ou --all pour celles de harvest.toml.")
    name = arguments.name or urlsplit(arguments.url).hostname or Path(arguments.url).name
    return (Configured(name, arguments.kind, arguments.url),)


def _harvest_one(source: Configured, arguments: argparse.Namespace) -> Summary:
    from geoguichet.catalogue.harvest.run import harvest, open_source

    opened = open_source(source.kind, source.url, source.name)
    with counting(source.name, quiet=arguments.quiet or arguments.json) as on_progress:
        done = harvest(
            opened,
            workspace_of(arguments),
            name=source.name,
            kind=source.kind,
            dry_run=arguments.dry_run,
            on_progress=lambda counts: on_progress(_counted(counts)),
        )
    if not arguments.json:
        print_findings(done.findings)
        ends = {"complete": "complète", "partial": "partielle", "failed": "échouée", "dry-run": "à blanc"}
        if not arguments.quiet:
            print(f"{done.name} : moisson {ends.get(done.status, done.status)} ; fiches {_counted(done.counts)}.")
    return done


def _counted(counts: Mapping[str, int]) -> str:
    labels = ("lues", "nouvelles", "changées", "inchangées", "refusées", "disparues", "en double")
    return ", ".join(f"{number} {label}" for label, number in zip(labels, counts.values(), strict=True))


def _write_sources(path: Path) -> None:
    from geoguichet.catalogue.errors import HarvestError
    from geoguichet.catalogue.harvest.configuration import template

    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(template())
    except FileExistsError as error:
        raise HarvestError(f"{path} existe déjà ; il n'est pas remplacé.") from error
    except OSError as error:
        raise HarvestError(f"{path} ne peut pas être écrit ({error.strerror}).") from error
    print(f"{path} est créé ; complétez-le, puis : geoguichet catalogue harvest --all --config {path}")


def _sources(arguments: argparse.Namespace) -> None:
    from geoguichet.catalogue.harvest.journal import Journal, journal_path

    for name, kind, address, runs in Journal(journal_path(workspace_of(arguments))).sources():
        print(f"{name}  ({kind}, {address})")
        for run in runs[:10]:
            told = ", ".join(f"{label} {number}" for label, number in run.counts.items() if number)
            print(f"  {run.started}  {run.status:<12} {told}")


def _history(arguments: argparse.Namespace) -> None:
    from geoguichet.catalogue.store import SQLiteStore, store_path

    with SQLiteStore(store_path(workspace_of(arguments))) as store:
        versions = store.history(arguments.id)
    if arguments.json:
        told = [
            {"version": v.number, "at": v.at, "by": v.by, "change": v.change, "members": v.members} for v in versions
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

    from geoguichet.catalogue.store import SQLiteStore, store_path

    with SQLiteStore(store_path(workspace_of(arguments))) as store:
        record = store.restore(arguments.id, arguments.version, by=getpass.getuser())
    print(f"La version {arguments.version} de « {record.id} » ({record.title}) est de nouveau la fiche en cours.")


def _conformance(arguments: argparse.Namespace) -> None:
    from dataclasses import asdict

    from geoguichet.portal.abstract_tests.suite import TESTS
    from geoguichet.portal.conformance import check, report

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
        ("Emprise", f"{extent.west:.4f},{extent.south:.4f},{extent.east:.4f},{extent.north:.4f}" if extent else ""),
        ("Mise à jour", record.updated),
        ("Généalogie", record.extra_properties.get("lineage", "")),
        *((link.rel, f"{link.title} : {link.href}") for link in record.links),
    )
    for label, value in lines:
        if value:
            print(f"{label:<12} {value}")
