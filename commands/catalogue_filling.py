"""``geoguichet catalogue``: records taken in and given away: files, data, sources."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from geoguichet.commands.arguments import add_output, command, workspace_of
from geoguichet.commands.printing import counting, print_findings
from geoguichet.floor.errors import UsageError

if TYPE_CHECKING:
    from geoguichet.catalogue.intake.harvest.configuration import Configured
    from geoguichet.catalogue.intake.harvest.run import Summary
    from geoguichet.floor.findings import Finding


MOST = 20
"""Findings of one rule that are printed; a first harvest may have thousands."""


def add(catalogue: Any) -> None:
    """Add these commands to ``geoguichet catalogue``."""
    take = command(catalogue, "import", _import, "lire un fichier ou un dossier de fiches")
    take.add_argument(
        "path",
        type=Path,
        metavar="FICHIER",
        help="une fiche ou un dossier (ISO, DCAT, CKAN, MCF, ...)",
    )
    add_output(take)
    give = command(catalogue, "export", _export, "écrire une fiche, ou toutes, dans un format")
    give.add_argument("id", nargs="?", default="", metavar="ID", help="l'identifiant de la fiche")
    give.add_argument("--all", action="store_true", help="toutes les fiches")
    give.add_argument(
        "--format",
        default="iso19139",
        metavar="FORMAT",
        help=(
            "iso19139 (par défaut), dcat-ttl, csv, ... ; original : le document d'origine, octet "
            "pour octet"
        ),
    )
    give.add_argument("--out", type=Path, metavar="DOSSIER", help="où écrire (--all : ./export)")
    crawl = command(
        catalogue, "crawl", _crawl, "faire une fiche de chaque fichier de données d'un dossier"
    )
    crawl.add_argument("path", type=Path, metavar="DOSSIER", help="le dossier à parcourir")
    crawl.add_argument(
        "--url",
        default="",
        metavar="ADRESSE",
        help="où ce dossier est servi : chaque fiche y renvoie",
    )
    add_output(crawl)
    reap = command(
        catalogue, "harvest", _harvest, "moissonner une source, ou toutes celles d'un fichier"
    )
    reap.add_argument(
        "kind",
        nargs="?",
        metavar="SORTE",
        help="csw, ogc-records, ogc-features, wms, wfs, wmts, dcat, ckan, udata, oai-pmh ou folder",
    )
    reap.add_argument(
        "url", nargs="?", metavar="ADRESSE", help="l'adresse de la source (un dossier pour folder)"
    )
    reap.add_argument(
        "--name", default="", metavar="NOM", help="le nom de la source (sinon, son hôte)"
    )
    reap.add_argument("--all", action="store_true", help="toutes les sources du fichier de sources")
    reap.add_argument(
        "--config", type=Path, metavar="FICHIER", help="le fichier de sources (./harvest.toml)"
    )
    reap.add_argument(
        "--init",
        type=Path,
        metavar="FICHIER",
        help="créer un fichier de sources commenté, à compléter",
    )
    reap.add_argument("--moved", action="store_true", help="la source de ce nom a changé d'adresse")
    reap.add_argument(
        "--dry-run", action="store_true", help="dire ce qui serait fait, sans rien écrire"
    )
    add_output(reap)
    told = command(
        catalogue, "sources", _sources, "montrer les sources et l'histoire de leurs moissons"
    )
    told.add_argument("--json", action="store_true", help="répondre en JSON")


def _import(arguments: argparse.Namespace) -> None:
    from geoguichet.catalogue.intake.exchange import import_files

    with counting("fiches", quiet=arguments.quiet or arguments.json) as on_progress:
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
    told = f"{said.created} nouvelle(s), {said.updated} changée(s), {said.unchanged} inchangée(s)"
    print(f"{said.total} fiche(s) lue(s) : {told}.")


def _export(arguments: argparse.Namespace) -> None:
    from geoguichet.catalogue.intake.exchange import export_all, export_one

    if bool(arguments.id) == arguments.all:
        raise UsageError("export : un identifiant ou --all est attendu.")
    if arguments.all:
        for file in export_all(
            workspace_of(arguments), arguments.format, arguments.out or Path("export")
        ):
            print(file)
        return
    sys.stdout.buffer.write(export_one(arguments.id, workspace_of(arguments), arguments.format))


def _crawl(arguments: argparse.Namespace) -> None:
    from geoguichet.catalogue.intake.crawl import crawl
    from geoguichet.catalogue.quality.judging import left_to_people

    with counting("données", quiet=arguments.quiet or arguments.json) as on_progress:
        done = crawl(
            arguments.path, workspace_of(arguments), url=arguments.url, on_progress=on_progress
        )
    if arguments.json:
        _print_json(done.counts(), done.findings)
        return
    print_findings(done.findings, most=MOST)
    print(
        f"{done.read} jeu(x) de données : {done.created} nouvelle(s) fiche(s), {done.updated} "
        "changée(s), "
        f"{done.unchanged} inchangée(s), {done.moved} déplacée(s)"
        + (
            f" ; {done.published} avai(en)t déjà une fiche publiée, complétée."
            if done.published
            else "."
        )
    )
    lacking = left_to_people(workspace_of(arguments))
    if lacking and not arguments.quiet:
        print(
            "Reste à dire par une personne : "
            + ", ".join(f"{what} ({count})" for what, count in lacking)
            + "."
        )
        print(
            "Fiche par fiche : geoguichet catalogue check ID ; en une table : check --all "
            "--findings constats.csv"
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
        print(json.dumps(told, ensure_ascii=False, indent=2))
    if failed:
        raise HarvestError(f"moisson échouée : {', '.join(failed)}.")


def _asked_sources(arguments: argparse.Namespace) -> tuple[Configured, ...]:
    """Return the source that the arguments name, or those of the file that they name."""
    from urllib.parse import urlsplit

    from geoguichet.catalogue.intake.harvest.configuration import Configured, read_sources

    if arguments.all or arguments.config:
        if arguments.kind or arguments.name:
            raise UsageError(
                "harvest : une source (SORTE ADRESSE) ou --all est attendu, pas les deux."
            )
        return read_sources(arguments.config or Path("harvest.toml"))
    if not arguments.kind or not arguments.url:
        raise UsageError(
            "harvest : SORTE et ADRESSE sont attendues, ou --all pour celles de harvest.toml."
        )
    name = arguments.name or urlsplit(arguments.url).hostname or Path(arguments.url).name
    return (Configured(name, arguments.kind, arguments.url),)


def _harvest_one(source: Configured, arguments: argparse.Namespace) -> Summary:
    from geoguichet.catalogue.intake.harvest.run import harvest, open_source

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
                f"{done.name} : moisson {_ENDS.get(done.status, done.status)} ; fiches "
                f"{_counted(done.counts)}."
            )
    return done


def _print_json(counts: Mapping[str, int], findings: Sequence[Finding]) -> None:
    told = {"counts": counts, "findings": [finding.as_dict() for finding in findings]}
    print(json.dumps(told, ensure_ascii=False, indent=2))


_LABELS = {"read": "lues", "new": "nouvelles", "changed": "changées", "unchanged": "inchangées",
"refused": "refusées",
           "gone": "disparues", "duplicates": "en double"}  # fmt: skip


def _counted(counts: Mapping[str, int], *, every: bool = True) -> str:
    told = [
        f"{counts.get(name, 0)} {label}"
        for name, label in _LABELS.items()
        if every or counts.get(name)
    ]
    return ", ".join(told)


def _write_sources(path: Path) -> None:
    from geoguichet.catalogue.errors import HarvestError
    from geoguichet.catalogue.intake.harvest.configuration import template

    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(template())
    except FileExistsError as error:
        raise HarvestError(f"{path} existe déjà ; il n'est pas remplacé.") from error
    except OSError as error:
        raise HarvestError(f"{path} ne peut pas être écrit ({error.strerror}).") from error
    print(
        f"{path} est créé ; complétez-le, puis : geoguichet catalogue harvest --all --config {path}"
    )


_ENDS = {
    "complete": "complète", "partial": "partielle", "failed": "échouée", "dry-run": "à blanc",
    "interrupted": "interrompue", "running": "en cours, ou coupée net",
    "abandoned": "laissée en l'état",
}  # fmt: skip


def _sources(arguments: argparse.Namespace) -> None:
    from geoguichet.catalogue.intake.harvest.journal import Journal, journal_path

    sources = Journal(journal_path(workspace_of(arguments))).sources()
    if arguments.json:
        told = [
            {
                "source": name,
                "kind": kind,
                "address": address,
                "runs": [run.as_dict() for run in runs],
            }
            for name, kind, address, runs in sources
        ]
        print(json.dumps(told, ensure_ascii=False, indent=2))
        return
    if not sources:
        print(
            "Aucune source n'a encore été moissonnée ; « geoguichet catalogue harvest --help » "
            "dit comment faire."
        )
    for name, kind, address, runs in sources:
        print(f"{name}  ({kind}, {address})")
        for run in runs[:10]:
            print(
                f"  {run.started}  {_ENDS.get(run.status, run.status):<12}  "
                f"{_counted(run.counts, every=False)}"
            )
