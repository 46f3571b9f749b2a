"""The ``geoguichet`` command: parse, call one function, print. Heavy imports stand inside the commands."""

from __future__ import annotations

import argparse
import json
import os
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from geoguichet.referentials.errors import GeoguichetError, UsageError

if TYPE_CHECKING:
    from geoguichet.catalogue.record import Record
    from geoguichet.coverage.result import CoverageResult
    from geoguichet.coverage.siting.plan import KioskPlan

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
    _add_output(run)
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
        if out is None:
            on_step("publication au catalogue")
            publish(result, workspace)
    if arguments.json:
        print(json.dumps(_as_json(result, files), ensure_ascii=False, indent=2))
    else:
        _print_result(result, files)


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
    if result.plan is not None:
        print(_proof(result.plan))
    print(f"{len(result.findings)} constats sur les données ; le rapport les détaille.\n")
    for file in files:
        print(file)


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
    widths = [max(map(len, column)) for column in zip(header, *lines, strict=True)]
    rule = "  ".join("-" * width for width in widths)
    first, *rest = widths
    told = [
        "  ".join([line[0].ljust(first), *(cell.rjust(width) for cell, width in zip(line[1:], rest, strict=True))])
        for line in (header, *lines)
    ]
    return "\n".join([told[0], rule, *told[1:-1], rule, told[-1]])


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
        "counters": result.counters,
        "findings": [finding.as_dict() for finding in result.findings],
        "files": [str(file) for file in files],
    }


def _number(value: float) -> str:
    return f"{value:,.0f}".replace(",", " ")


def _percent(share: float, decimals: int = 1) -> str:
    return f"{share * 100:.{decimals}f}".replace(".", ",")


if __name__ == "__main__":
    sys.exit(main())
