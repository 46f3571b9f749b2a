"""``geoguichet catalogue``: records taken in and given away: files, data, sources."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from geoguichet.catalogue.intake.harvest.kinds import KINDS, open_source
from geoguichet.commands.arguments import JSON, QUIET, argument, command, workspace_of
from geoguichet.commands.printing import counting, print_findings, print_json
from geoguichet.floor.errors import UsageError
from geoguichet.floor.words import Figure, Message, _

if TYPE_CHECKING:
    from geoguichet.catalogue.intake.harvest.kinds import Configured, Kind
    from geoguichet.catalogue.intake.harvest.run import Summary
    from geoguichet.floor.findings import Finding


# Say the kinds of sources that are harvested.
def _kinds(kinds: Mapping[str, Kind]) -> str:
    return ", ".join(f"{name} ({kind.title})" for name, kind in kinds.items())


#: Findings of one rule that are printed; a first harvest may have thousands.
MOST = 20


@command(
    "catalogue import",
    Message("lire un fichier ou un dossier de fiches"),
    argument(
        "path",
        type=Path,
        metavar=Message("FICHIER"),
        help=Message("une fiche ou un dossier (ISO, DCAT, CKAN, MCF, ...)"),
    ),
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
    argument("id", nargs="?", default="", metavar="ID", help=Message("l'identifiant de la fiche")),
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
    argument(
        "--out", type=Path, metavar=Message("DOSSIER"), help=Message("où écrire (--all : ./export)")
    ),
)
def _export(arguments: argparse.Namespace) -> None:
    from geoguichet.catalogue.intake.exchange import export_all, export_one

    if bool(arguments.id) == arguments.all:
        raise UsageError(Message("export : un identifiant ou --all est attendu."))
    if arguments.all:
        for file in export_all(
            workspace_of(arguments), arguments.format, arguments.out or Path("export")
        ):
            print(file)
        return
    sys.stdout.buffer.write(export_one(arguments.id, workspace_of(arguments), arguments.format))


@command(
    "catalogue crawl",
    Message("faire une fiche de chaque fichier de données d'un dossier"),
    argument("path", type=Path, metavar=Message("DOSSIER"), help=Message("le dossier à parcourir")),
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
        metavar=Message("NOM"),
        help=Message("le nom de la source (sinon, son hôte)"),
    ),
    argument(
        "--all", action="store_true", help=Message("toutes les sources du fichier de sources")
    ),
    argument(
        "--config",
        type=Path,
        metavar=Message("FICHIER"),
        help=Message("le fichier de sources (./harvest.toml)"),
    ),
    argument(
        "--init",
        type=Path,
        metavar=Message("FICHIER"),
        help=Message("créer un fichier de sources commenté, à compléter"),
    ),
    argument(
        "--moved", action="store_true", help=Message("la source de ce nom a changé d'adresse")
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
    sources, failed = _asked_sources(arguments), []
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
        failed += [source.name] if done.status == "failed" else []
        told.append(
            {"source": done.name, "status": done.status, "counts": dict(done.counts)}
            | {"findings": [finding.as_dict() for finding in done.findings]}
        )
    if arguments.json:
        print_json(told)
    if failed:
        raise HarvestError(Message("moisson échouée : {names}.", names=", ".join(failed)))


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
    from geoguichet.catalogue.intake.harvest.run import harvest

    opened = open_source(source.kind, source.url, source.name)
    with counting(source.name, quiet=arguments.quiet or arguments.json) as on_progress:
        done = harvest(
            opened,
            workspace_of(arguments),
            name=source.name,
            kind=source.kind,
            dry_run=arguments.dry_run,
            moved=arguments.moved,
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
    from geoguichet.catalogue.errors import HarvestError
    from geoguichet.catalogue.intake.harvest.kinds import template

    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(template())
    except FileExistsError as error:
        raise HarvestError(
            Message("{file} existe déjà ; il n'est pas remplacé.", file=path)
        ) from error
    except OSError as error:
        raise HarvestError(
            Message("{file} ne peut pas être écrit ({why}).", file=path, why=error.strerror)
        ) from error
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
