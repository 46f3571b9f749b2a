"""``geoguichet catalogue``: records searched, judged and taken back, files, data and sources
taken in and given away.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from geoguichet.catalogue.intake.harvest.kinds import KINDS, open_source
from geoguichet.commands.arguments import (
    FILE,
    FOLDER,
    JSON,
    NAME,
    QUIET,
    argument,
    bbox,
    command,
    known_workspace,
    path_argument,
    positive,
    share,
    workspace_of,
)
from geoguichet.commands.printing import columns, counting, print_findings, print_json, shorten
from geoguichet.floor.errors import UsageError
from geoguichet.floor.viewer import MACHINE
from geoguichet.floor.words import Figure, Message, _

if TYPE_CHECKING:
    from geoguichet.catalogue.intake.harvest.kinds import Configured, Kind
    from geoguichet.catalogue.intake.harvest.run import Summary
    from geoguichet.catalogue.quality.judging import Judged
    from geoguichet.catalogue.record import Record
    from geoguichet.floor.findings import Finding


RECORD = argument("id", metavar="ID", help=Message("l'identifiant de la fiche"))
RECORD_OR_ALL = argument("id", **RECORD[1], nargs="?", default="")


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
        page, answered = search_as_people_do(store, asked, viewer=MACHINE)
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
    RECORD,
    JSON,
)
def _show(arguments: argparse.Namespace) -> None:
    from geoguichet.catalogue.search.store import SQLiteStore, store_path

    with SQLiteStore(store_path(known_workspace(arguments))) as store:
        record = store.get(arguments.id, viewer=MACHINE)
    if arguments.json:
        print_json(record.to_geojson())
    else:
        _print_record(record)


@command(
    "catalogue history",
    Message("montrer les versions d'une fiche"),
    RECORD,
    JSON,
)
def _history(arguments: argparse.Namespace) -> None:
    from geoguichet.catalogue.search.reviews import CHANGES
    from geoguichet.catalogue.search.store import SQLiteStore, store_path

    with SQLiteStore(store_path(workspace_of(arguments))) as store:
        versions = store.history(arguments.id, viewer=MACHINE)
    if arguments.json:
        print_json(
            [
                {
                    "version": v.number,
                    "at": v.at,
                    "by": v.by,
                    "change": v.change,
                    "members": v.members,
                    **({"comment": v.note} if v.note else {}),
                }
                for v in versions
            ]
        )
        return
    for version in versions:
        told = str(CHANGES[version.change])
        if version.by:
            told = _("{change} par {who}", change=told, who=version.by)
        if version.members:
            told = _("{change} : {what}", change=told, what=", ".join(version.members))
        if version.note:
            told = _("{change} : {what}", change=told, what=shorten(version.note, 100))
        print(f"{version.number:>4}  {version.at}  {told}")


@command(
    "catalogue restore",
    Message("rétablir une version antérieure d'une fiche"),
    RECORD,
    argument("version", type=positive, metavar="VERSION", help=Message("le numéro de la version")),
)
def _restore(arguments: argparse.Namespace) -> None:
    import getpass

    from geoguichet.catalogue.search.store import SQLiteStore, store_path

    with SQLiteStore(store_path(workspace_of(arguments))) as store:
        record = store.restore(
            arguments.id, arguments.version, viewer=MACHINE, by=getpass.getuser()
        )
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
    RECORD_OR_ALL,
    argument(
        "--all", action="store_true", help=Message("toutes les fiches, par organisme et par source")
    ),
    path_argument("--csv", FILE, Message("écrire aussi les totaux de --all dans une table")),
    path_argument("--findings", FILE, Message("écrire aussi chaque constat dans une table")),
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
            viewer=MACHINE,
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
    Message("éprouver un serveur OGC API Records, Features, Tiles et Processes"),
    argument("url", metavar="URL", help=Message("l'adresse de sa page d'accueil")),
    JSON,
)
def _conformance(arguments: argparse.Namespace) -> None:
    from dataclasses import asdict

    from geoguichet.portal.conformance.client import check, report
    from geoguichet.portal.conformance.suite import SUITES

    found = {title: check(arguments.url, tests) for title, tests in SUITES.items()}
    if arguments.json:
        print_json([asdict(result) for results in found.values() for result in results])
    else:
        reports = (report(results, arguments.url, title) for title, results in found.items())
        print("\n\n".join(reports))


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


# ``geoguichet catalogue``: records taken in and given away: files, data, sources.


# Say the kinds of sources that are harvested.
def _kinds(kinds: Mapping[str, Kind]) -> str:
    return ", ".join(f"{name} ({kind.title})" for name, kind in kinds.items())


#: Findings of one rule that are printed; a first harvest may have thousands.
MOST = 20


@command(
    "catalogue import",
    Message("lire un fichier ou un dossier de fiches"),
    path_argument("path", FILE, Message("une fiche ou un dossier (ISO, DCAT, CKAN, MCF, ...)")),
    JSON,
    QUIET,
)
def _import(arguments: argparse.Namespace) -> None:
    from geoguichet.catalogue.intake.exchange import import_files

    with counting(_("fiches"), quiet=arguments.quiet or arguments.json) as on_progress:
        done = import_files(
            arguments.path,
            workspace_of(arguments),
            on_progress=lambda read, files: on_progress(read, files, ""),
        )
    said = done.summary
    if arguments.json:
        counts = {
            "read": said.total,
            "new": said.created,
            "changed": said.updated,
            "unchanged": said.unchanged,
        }
        _print_json(counts, done.findings)
        return
    print_findings(done.findings, most=MOST)
    told = Message(
        "{read} fiche(s) lue(s) : {new} nouvelle(s), {changed} changée(s), {same} inchangée(s)."
    )
    print(told.format(read=said.total, new=said.created, changed=said.updated, same=said.unchanged))


@command(
    "catalogue export",
    Message("écrire une fiche, ou toutes, dans un format"),
    RECORD_OR_ALL,
    argument("--all", action="store_true", help=Message("toutes les fiches")),
    argument(
        "--format",
        default="iso19139",
        metavar="FORMAT",
        help=Message(
            "iso19139 (par défaut), dcat-ttl, csv, ... ; original : le document "
            "d'origine, octet pour octet"
        ),
    ),
    path_argument("--out", FOLDER, Message("où écrire (--all : ./export)")),
    argument(
        "--url",
        default="",
        metavar=Message("ADRESSE"),
        help=Message("où le portail est servi : les liens relatifs y mènent"),
    ),
)
def _export(arguments: argparse.Namespace) -> None:
    from geoguichet.catalogue.intake.exchange import export_all, export_one

    if bool(arguments.id) == arguments.all:
        raise UsageError(Message("export : un identifiant ou --all est attendu."))
    url, workspace = arguments.url.rstrip("/"), workspace_of(arguments)
    if url and not url.startswith(("http://", "https://")):
        message = Message("export : --url attend une adresse http ou https, reçu « {url} ».")
        raise UsageError(message.given(url=url[:80]))
    if arguments.all:
        folder = arguments.out or Path("export")
        for file in export_all(workspace, arguments.format, folder, url=url):
            print(file)
        return
    sys.stdout.buffer.write(export_one(arguments.id, workspace, arguments.format, url=url))


@command(
    "catalogue crawl",
    Message("faire une fiche de chaque fichier de données d'un dossier"),
    path_argument("path", FOLDER, Message("le dossier à parcourir")),
    argument(
        "--url",
        default="",
        metavar=Message("ADRESSE"),
        help=Message("où ce dossier est servi : chaque fiche y renvoie"),
    ),
    JSON,
    QUIET,
)
def _crawl(arguments: argparse.Namespace) -> None:
    from geoguichet.catalogue.intake.crawl import crawl
    from geoguichet.catalogue.quality.judging import left_to_people

    with counting(_("données"), quiet=arguments.quiet or arguments.json) as on_progress:
        done = crawl(
            arguments.path, workspace_of(arguments), url=arguments.url, on_progress=on_progress
        )
    if arguments.json:
        _print_json(done.counts(), done.findings)
        return
    print_findings(done.findings, most=MOST)
    told = (
        Message(
            "{read} jeu(x) de données : {new} nouvelle(s) fiche(s), {changed} changée(s), {same} "
            "inchangée(s), {moved} déplacée(s) ; {published} avai(en)t déjà une fiche publiée, "
            "complétée."
        )
        if done.published
        else Message(
            "{read} jeu(x) de données : {new} nouvelle(s) fiche(s), {changed} changée(s), {same} "
            "inchangée(s), {moved} déplacée(s)."
        )
    )
    print(
        told.format(
            read=done.read,
            new=done.created,
            changed=done.updated,
            same=done.unchanged,
            moved=done.moved,
            published=done.published,
        )
    )
    lacking = left_to_people(workspace_of(arguments))
    if lacking and not arguments.quiet:
        what = ", ".join(f"{what} ({count})" for what, count in lacking)
        print(_("Reste à dire par une personne : {what}.", what=what))
        print(
            _(
                "Fiche par fiche : geoguichet catalogue check ID ; en une table : check --all "
                "--findings constats.csv"
            )
        )


@command(
    "catalogue harvest",
    Message("moissonner une source, ou toutes celles d'un fichier"),
    argument(
        "kind",
        nargs="?",
        metavar=Message("SORTE"),
        help=Figure(_kinds, KINDS),
    ),
    argument(
        "url",
        nargs="?",
        metavar=Message("ADRESSE"),
        help=Message("l'adresse de la source (un dossier pour folder)"),
    ),
    argument(
        "--name",
        default="",
        metavar=NAME,
        help=Message("le nom de la source (sinon, son hôte)"),
    ),
    argument(
        "--all", action="store_true", help=Message("toutes les sources du fichier de sources")
    ),
    path_argument("--config", FILE, Message("le fichier de sources (./harvest.toml)")),
    path_argument("--init", FILE, Message("créer un fichier de sources commenté, à compléter")),
    argument(
        "--moved", action="store_true", help=Message("la source de ce nom a changé d'adresse")
    ),
    argument(
        "--max-shrink",
        type=share,
        metavar=Message("PART"),
        help=Message(
            "la part de ses fiches qu'une source peut perdre (0.2) ; au-delà, aucune n'est "
            "supprimée"
        ),
    ),
    argument(
        "--dry-run", action="store_true", help=Message("dire ce qui serait fait, sans rien écrire")
    ),
    JSON,
    QUIET,
)
def _harvest(arguments: argparse.Namespace) -> None:
    from geoguichet.catalogue.errors import CatalogueError, HarvestError

    if arguments.init is not None:
        _write_sources(arguments.init)
        return
    sources, failed, partial = _asked_sources(arguments), list[str](), list[str]()
    told: list[dict[str, Any]] = []
    for source in sources:
        try:
            done = _harvest_one(source, arguments)
        except CatalogueError as error:  # the other sources of the file are harvested all the same
            if not arguments.all and not arguments.config:
                raise
            print(_("{place} : {what}", place=source.name, what=error), file=sys.stderr)
            failed.append(source.name)
            told.append(
                {
                    "source": source.name,
                    "status": "failed",
                    "counts": {},
                    "findings": [],
                    "error": str(error),
                }
            )
            continue
        if done.status == "failed":
            failed.append(source.name)
        elif not done.whole:
            said = Message("{name} ({read} fiches lues, {expected} annoncées)")
            told_of = {"read": done.counts["read"], "expected": done.expected or "?"}
            partial.append(said.format(name=source.name, **told_of))
        told.append(
            {"source": done.name, "status": done.status, "counts": dict(done.counts)}
            | {"findings": [finding.as_dict() for finding in done.findings]}
        )
    if arguments.json:
        print_json(told)
    ends = [(failed, Message("moisson échouée : {names}."))]
    ends += [(partial, Message("moisson incomplète : {names}."))]
    if said_of := [end.format(names=", ".join(names)) for names, end in ends if names]:
        raise HarvestError(" ".join(said_of))


# Return the source that the arguments name, or those of the file that they name.
def _asked_sources(arguments: argparse.Namespace) -> tuple[Configured, ...]:
    from urllib.parse import urlsplit

    from geoguichet.catalogue.intake.harvest.kinds import Configured, read_sources

    if arguments.all or arguments.config:
        if arguments.kind or arguments.name:
            raise UsageError(
                Message("harvest : une source (SORTE ADRESSE) ou --all est attendu, pas les deux.")
            )
        return read_sources(arguments.config or Path("harvest.toml"))
    if not arguments.kind or not arguments.url:
        raise UsageError(
            Message(
                "harvest : SORTE et ADRESSE sont attendues, ou --all pour celles de harvest.toml."
            )
        )
    name = arguments.name or urlsplit(arguments.url).hostname or Path(arguments.url).name
    return (Configured(name, arguments.kind, arguments.url),)


def _harvest_one(source: Configured, arguments: argparse.Namespace) -> Summary:
    from geoguichet.catalogue.intake.harvest.run import MAX_SHRINK, harvest

    given = (arguments.max_shrink, source.max_shrink)
    max_shrink = next((one for one in given if one is not None), MAX_SHRINK)
    opened = open_source(source.kind, source.url, source.name)
    with counting(source.name, quiet=arguments.quiet or arguments.json) as on_progress:
        done = harvest(
            opened,
            workspace_of(arguments),
            name=source.name,
            kind=source.kind,
            dry_run=arguments.dry_run,
            moved=arguments.moved,
            max_shrink=max_shrink,
            on_progress=lambda done, total, counts: on_progress(
                done, total, _counted(counts, every=False)
            ),
        )
    if not arguments.json:
        print_findings(done.findings, most=MOST)
        if not arguments.quiet:
            print(
                _(
                    "{source} : moisson {ended} ; fiches {counts}.",
                    source=done.name,
                    ended=_ENDS.get(done.status, done.status),
                    counts=_counted(done.counts),
                )
            )
    return done


def _print_json(counts: Mapping[str, int], findings: Sequence[Finding]) -> None:
    print_json({"counts": counts, "findings": [finding.as_dict() for finding in findings]})


_COUNTS = {
    "read": Message("{n} lues"),
    "new": Message("{n} nouvelles"),
    "changed": Message("{n} changées"),
    "unchanged": Message("{n} inchangées"),
    "refused": Message("{n} refusées"),
    "gone": Message("{n} disparues"),
    "duplicates": Message("{n} en double"),
}


def _counted(counts: Mapping[str, int], *, every: bool = True) -> str:
    return ", ".join(
        message.format(n=counts.get(name, 0))
        for name, message in _COUNTS.items()
        if every or counts.get(name)
    )


def _write_sources(path: Path) -> None:
    from geoguichet.catalogue.intake.harvest.kinds import template
    from geoguichet.floor.files import write_new

    write_new(path, template())
    print(
        _(
            "{file} est créé ; complétez-le, puis : geoguichet catalogue harvest --all --config "
            "{file}",
            file=path,
        )
    )


_ENDS = {
    "complete": Message("complète"),
    "partial": Message("partielle"),
    "failed": Message("échouée"),
    "dry-run": Message("à blanc"),
    "interrupted": Message("interrompue"),
    "running": Message("en cours, ou coupée net"),
    "abandoned": Message("laissée en l'état"),
}


@command(
    "catalogue sources",
    Message("montrer les sources et l'histoire de leurs moissons"),
    JSON,
)
def _sources(arguments: argparse.Namespace) -> None:
    from geoguichet.catalogue.intake.harvest.journal import Journal, journal_path

    sources = Journal(journal_path(workspace_of(arguments))).sources()
    if arguments.json:
        print_json(
            [
                {
                    "source": name,
                    "kind": kind,
                    "address": address,
                    "runs": [run.as_dict() for run in runs],
                }
                for name, kind, address, runs in sources
            ]
        )
        return
    if not sources:
        print(
            _(
                "Aucune source n'a encore été moissonnée ; « geoguichet catalogue harvest --help » "
                "dit comment faire."
            )
        )
    for name, kind, address, runs in sources:
        print(f"{name}  ({kind}, {address})")
        for run in runs[:10]:
            ended = str(_ENDS.get(run.status, run.status))
            print(f"  {run.started}  {ended:<12}  {_counted(run.counts, every=False)}")
