"""``geoguichet demo`` and ``geoguichet coverage``: studies run, compared, replayed, and who should
go where.
"""

from __future__ import annotations

import argparse
import gc
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from geoguichet.commands.arguments import (
    DEFAULT_WORKSPACE,
    FILE,
    FOLDER,
    JSON,
    QUIET,
    argument,
    command,
    factors,
    path_argument,
    positive,
    workspace_of,
)
from geoguichet.commands.printing import as_json, print_blocks, print_json, progress
from geoguichet.floor.errors import UsageError
from geoguichet.floor.words import Message, _, ngettext

if TYPE_CHECKING:
    from geoguichet.coverage.nearest import Answer
    from geoguichet.coverage.replay import Replay
    from geoguichet.coverage.study.study import Study
    from geoguichet.referentials.directory.hours import Moment


STUDY = path_argument("study", Message("ETUDE.toml"), Message("le fichier d'étude"))
RESULT = path_argument("folder", FOLDER, Message("le dossier d'un résultat"))
OUT = path_argument("--out", FOLDER, Message("écrire ici plutôt que dans l'espace de travail"))

#: What may be changed in the second study: counters closed or opened, hours, thresholds.
CHANGES = [
    argument(option, action="append", default=[], metavar=metavar, help=told)
    for option, metavar, told in (
        ("--close", "ID", Message("fermer ce guichet (répétable)")),
        (
            "--open",
            Message("TYPE,LON,LAT[,HORAIRES]"),
            Message("ouvrir un guichet : town_hall,1.605,42.966,Mo-Fr 09:00-17:00 (répétable)"),
        ),
        (
            "--hours",
            Message("ID=HORAIRES"),
            Message("changer les horaires d'un guichet (répétable)"),
        ),
        (
            "--within",
            Message("BESOIN=SEUIL"),
            Message(
                "changer un seuil : mairie=10 km (mairie=20 min dans une étude en minutes) "
                "(répétable)"
            ),
        ),
    )
]


@command(
    "demo",
    Message("lancer l'étude des 80 visioguichets sur l'échantillon livré"),
    JSON,
    QUIET,
)
def _demo(arguments: argparse.Namespace) -> None:
    from importlib.resources import as_file, files

    with as_file(files("geoguichet.data")) as data:
        _study(data / "studies" / "visioguichets.toml", arguments, out=None)
        records = _describe(data, arguments)
    if not arguments.json:
        workspace = workspace_of(arguments)
        serve = "make serve" if Path("Makefile").exists() else "geoguichet serve"
        if workspace != Path(DEFAULT_WORKSPACE):
            serve = f"geoguichet serve --workspace {workspace}"
        told = _(
            "Pour parcourir le catalogue ({records} fiches) et les résultats : {command}",
            records=records,
            command=serve,
        )
        print(f"\n{told}")


# Make records of the data files too; return how many records the catalogue holds now.
def _describe(data: Path, arguments: argparse.Namespace) -> int:
    from geoguichet.catalogue.intake.crawl import crawl
    from geoguichet.catalogue.search.query import RecordQuery
    from geoguichet.catalogue.search.store import SQLiteStore, store_path
    from geoguichet.floor.viewer import MACHINE

    workspace = workspace_of(arguments)
    with progress(quiet=arguments.quiet) as on_step:
        on_step(_("description des fichiers de données"))
        crawl(data, workspace)
    with SQLiteStore(store_path(workspace)) as store:
        return store.search(RecordQuery(limit=1), viewer=MACHINE).number_matched


@command(
    "coverage run",
    Message("calculer une étude et écrire ses résultats"),
    STUDY,
    path_argument(
        "--out",
        FOLDER,
        Message("écrire ici plutôt que dans l'espace de travail, sans publier au catalogue"),
    ),
    argument(
        "--pdf",
        action="store_true",
        help=Message("imprimer aussi le rapport (report.pdf ; demande chromium)"),
    ),
    JSON,
    QUIET,
)
def _run(arguments: argparse.Namespace) -> None:
    _study(arguments.study, arguments, out=arguments.out)


def _study(path: Path, arguments: argparse.Namespace, *, out: Path | None) -> None:
    with _importing("geoguichet.coverage.study.study"):
        from geoguichet.coverage.study.study import read_study

    study = read_study(path)
    with progress(quiet=arguments.quiet) as on_step:
        with _importing("geoguichet.coverage.run"):
            from geoguichet.coverage.outputs.folder import write_all
            from geoguichet.coverage.outputs.style import NO_LEAFLET, leaflet_present
            from geoguichet.coverage.outputs.summary import of_study
            from geoguichet.coverage.publish import publish
            from geoguichet.coverage.run import run

        workspace = workspace_of(arguments)
        folder = out or workspace / "studies" / study.id
        result = run(study, workspace=workspace, on_step=on_step)
        files = write_all(result, folder, on_step=on_step)
        if getattr(arguments, "pdf", False):
            files = (*files, _printed(folder))
        if out is None:
            on_step(_("publication au catalogue"))
            publish(result, workspace)
    if not leaflet_present():
        print(_("geoguichet : {message}", message=NO_LEAFLET), file=sys.stderr)
    if arguments.json:
        print_json(as_json(result, files))
    else:
        print_blocks(of_study(result), files)


# Import a module, and those that it needs, without the collector of garbage: what is imported stays, and
# no collection need look at it again. Nothing is done the second time.
@contextmanager
def _importing(name: str) -> Iterator[None]:
    if name in sys.modules or not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
        gc.freeze()
    finally:
        gc.enable()


def _printed(folder: Path) -> Path:
    from geoguichet.coverage.outputs import pdf

    pdf.write(folder / "report.html", folder / "report.pdf")
    return folder / "report.pdf"


@command(
    "coverage pdf",
    Message("imprimer en PDF le rapport d'un résultat"),
    RESULT,
)
def _pdf(arguments: argparse.Namespace) -> None:
    print(_printed(arguments.folder))


@command(
    "coverage compare",
    Message("mettre deux réponses côte à côte : qui gagne, qui perd"),
    path_argument(
        "before", Message("AVANT"), Message("une étude (.toml) ou le dossier d'un résultat")
    ),
    path_argument("after", Message("APRES"), Message("l'autre ; sinon AVANT, changée"), nargs="?"),
    *CHANGES,
    argument(
        "--kiosks",
        choices=("none", "both", "after"),
        help=Message("de quel côté les visioguichets comptent comme ouverts"),
    ),
    OUT,
    JSON,
    QUIET,
)
def _compare(arguments: argparse.Namespace) -> None:
    from geoguichet.coverage.compare import compare
    from geoguichet.coverage.outputs.summary import of_comparison, write

    with progress(quiet=arguments.quiet or arguments.json) as on_step:
        comparison = compare(
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
        files = write(comparison, arguments.out or workspace_of(arguments) / "comparisons" / names)
    if arguments.json:
        print_json(comparison.as_dict() | {"files": [str(file) for file in files]})
    else:
        print_blocks(of_comparison(comparison), files)


@command(
    "coverage measures",
    Message("mesurer l'accès : à portée, partagé (2SFCA), et ses inégalités"),
    STUDY,
    JSON,
    QUIET,
)
def _measures(arguments: argparse.Namespace) -> None:
    from dataclasses import replace

    from geoguichet.coverage.study.study import read_study

    study = read_study(arguments.study)
    with progress(quiet=arguments.quiet or arguments.json) as on_step:
        from geoguichet.coverage.outputs.summary import beside
        from geoguichet.coverage.run import run
        from geoguichet.coverage.study.study import MeasuresChoice

        result = run(
            replace(study, kiosks=None, measures=study.measures or MeasuresChoice()),
            on_step=on_step,
        )
    if arguments.json:
        print_json(result.beside.as_dict()["measures"])
    else:
        print_blocks([study.title, *beside(result, only=("measures",))])


@command(
    "coverage sensitivity",
    Message("dire si les zones blanches tiennent quand seuils et vitesses changent"),
    STUDY,
    argument(
        "--thresholds",
        type=factors,
        metavar="X,Y",
        help=Message("ce qui multiplie tous les seuils (0.8,0.9,1,1.1,1.2)"),
    ),
    argument(
        "--congestion",
        type=factors,
        metavar="X,Y",
        help=Message("ce qui multiplie les temps de voiture (0.9,1,1.15,1.3)"),
    ),
    path_argument(
        "--data",
        Message("FICHIER"),
        Message(
            "d'autres données (GeoPackage), ou une autre colonne de la population "
            "(population_2021), sous lesquelles refaire le plan ; répétable"
        ),
        action="append",
    ),
    OUT,
    JSON,
    QUIET,
)
def _sensitivity(arguments: argparse.Namespace) -> None:
    from geoguichet.coverage.outputs.summary import of_sensitivity, write
    from geoguichet.coverage.sensitivity import CONGESTION, THRESHOLDS, sensitivity
    from geoguichet.coverage.study.study import read_study

    study = read_study(arguments.study)
    with progress(quiet=arguments.quiet or arguments.json) as on_step:
        told = sensitivity(
            study,
            thresholds=arguments.thresholds or THRESHOLDS,
            congestion=arguments.congestion or CONGESTION,
            vintages=arguments.data or (),
            on_step=on_step,
        )
        files = write(told, arguments.out or workspace_of(arguments) / "sensitivity" / study.id)
    if arguments.json:
        print_json(told.as_dict() | {"files": [str(file) for file in files]})
    else:
        print_blocks(of_sensitivity(told), files)


@command(
    "coverage nearest",
    Message("dire où aller : les guichets les plus proches d'un lieu"),
    argument(
        "place",
        metavar=Message("LIEU"),
        help=Message("commune (même à demi écrite), code INSEE, ou LON,LAT"),
    ),
    argument(
        "what",
        metavar=Message("QUOI"),
        help=Message(
            "un besoin de l'étude (mairie), un type (sous_prefecture) ou une démarche"
            ' ("carte d\'identité")'
        ),
    ),
    argument("--at", metavar="MOMENT", help=Message('ouverts à ce moment : "mardi 10h30"')),
    argument("-k", type=positive, default=3, metavar="N", help=Message("combien (3)")),
    path_argument("--study", Message("ETUDE"), Message("étude (.toml) ou dossier d'un résultat")),
    path_argument(
        "--beside", FOLDER, Message("où est le réseau de l'étude, quand --study est un résultat")
    ),
    argument("--json", action="store_true", help=Message("répondre en JSON (GeoJSON)")),
)
def _nearest(arguments: argparse.Namespace) -> None:
    from importlib.resources import as_file, files

    from geoguichet.commands.printing import counters_told
    from geoguichet.coverage import nearest
    from geoguichet.referentials.directory.hours import Moment, moment_told

    at = Moment.parse(arguments.at) if arguments.at else None
    with as_file(files("geoguichet.data") / "studies" / "visioguichets.toml") as shipped:
        asked, workspace = arguments.study or shipped, workspace_of(arguments)
        place, what = arguments.place, arguments.what
        told = nearest.answer(asked, workspace, place, what, at=at, k=arguments.k)
        answer = told or _nearest_by_study(asked, arguments, at)
    if arguments.json:
        print_json({"type": "FeatureCollection", "features": answer.features})
        return
    names = {"what": answer.errand.label, "place": answer.place}
    title = (
        _("{what} depuis {place}, {moment}", **names, moment=moment_told(answer.at))
        if answer.at
        else _("{what} depuis {place}", **names)
    )
    without_kiosks = _(
        "Sans visioguichets : l'étude n'a pas encore de résultat (« geoguichet coverage run »)."
    )
    notes = [answer.errand.note, "" if answer.with_kiosks else without_kiosks]
    print_blocks(
        [title, counters_told(answer.features, answer.unit, answer.at), *filter(None, notes)]
    )


# Ask the study itself, and keep beside its result what will answer the next time.
def _nearest_by_study(asked: Path, arguments: argparse.Namespace, at: Moment | None) -> Answer:
    from geoguichet.coverage import orientation
    from geoguichet.coverage.nearest import Answer
    from geoguichet.coverage.study.choices import open_router

    workspace, what = workspace_of(arguments), arguments.what
    study, result = orientation.study_and_result(asked, workspace)
    directory = orientation.open_directory(study, result)
    place = orientation.find_place(directory, arguments.place)
    errand = orientation.find_errand(study, what)
    router = open_router(study.router, beside=_network_folder(study, arguments.beside))
    found = orientation.nearest_counters(
        directory, place, what, at=at, k=arguments.k, router=router
    )
    orientation.keep_index(directory, asked, workspace, result)
    told, with_kiosks = orientation.features(found, study.unit), directory.kiosks is not None
    at = at if at is not None else errand.open_at
    return Answer(errand, place.name, at, study.unit, told, with_kiosks)


def _network_folder(study: Study, beside: Path | None) -> Path | None:
    """Return the folder of the study's network; a result holds none: it must then be told.

    Raises
    ------
    UsageError
        The network is a file and stands neither beside the study nor in the folder told.
    """
    folder = beside or (study.path.parent if study.path else None)
    of_file = study.router.kind in ("road", "relief")
    if of_file and folder is not None and not (folder / study.router.network).is_file():
        raise UsageError(
            Message(
                "l'étude lit {network}, qui n'est pas dans {folder} ; essayez : --beside et le "
                "dossier où est ce fichier.",
                network=study.router.network,
                folder=folder,
            )
        )
    return folder


@command(
    "coverage verify",
    Message("recompter les chiffres d'un résultat par une autre voie, et dire ce qui diffère"),
    RESULT,
    path_argument(
        "--source", FILE, Message("le GeoPackage de l'étude, si ce n'est pas l'échantillon")
    ),
    JSON,
)
def _verify(arguments: argparse.Namespace) -> None:
    from geoguichet.coverage.errors import ReplayError
    from geoguichet.coverage.verify import verify

    told = verify(arguments.folder, source=arguments.source)
    if arguments.json:
        rows = [asdict(one) for one in told.disagreements]
        print_json({"figures": told.figures, "differ": rows, "unverified": told.unverified})
    else:
        print(
            ngettext(
                "{figures} chiffres recomptés, {n} diffère.",
                "{figures} chiffres recomptés, {n} diffèrent.",
                len(told.disagreements),
                figures=told.figures,
            )
        )
        for one in told.disagreements:
            print(
                _(
                    "{layer}, {row}, {figure} : {expected} recompté, {found} écrit",
                    **asdict(one),
                )
            )
        for key in told.unverified:
            print(_("Non recompté : {what}", what=_UNVERIFIED[key]))
    if told.disagreements:
        raise ReplayError(
            _(
                "{n} chiffres de {folder} ne sont pas ceux que ses données donnent",
                n=len(told.disagreements),
                folder=arguments.folder,
            )
        )


_UNVERIFIED = {
    "times": Message("les temps de trajet, et qui chaque visioguichet sert"),
    "moments": Message("les besoins de chaque guichet à une heure dite"),
    "hours": Message("les besoins de guichets dont des heures incertaines décident"),
    "source": Message("les habitants de chaque commune (--source FICHIER)"),
}


@command(
    "coverage replay",
    Message("refaire une étude d'après son manifeste et comparer"),
    path_argument(
        "manifest", Message("MANIFESTE"), Message("manifest.json, ou le dossier d'un résultat")
    ),
    path_argument("--source", FILE, Message("le GeoPackage de l'étude, s'il est ailleurs")),
    path_argument(
        "--beside", FOLDER, Message("le dossier de l'étude : réseau, carreaux, GeoPackage")
    ),
    JSON,
    QUIET,
)
def _replay(arguments: argparse.Namespace) -> None:
    from geoguichet.coverage.errors import ReplayError
    from geoguichet.coverage.replay import replay

    with progress(quiet=arguments.quiet or arguments.json) as on_step:
        told = replay(
            arguments.manifest,
            source=arguments.source,
            beside=arguments.beside,
            workspace=workspace_of(arguments),
            on_step=on_step,
        )
    if arguments.json:
        differences = [asdict(difference) for difference in told.differences]
        print_json({"same": told.same, "outputs": told.outputs, "differences": differences})
    else:
        for name in told.outputs:
            print(f"{_('identique'):<11} {name}")
        for one in told.differences:
            values = _(
                "{name} : {expected} attendu, {found} obtenu",
                name=one.name,
                expected=str(one.expected),
                found=str(one.found),
            )
            print(f"{_DIFFERENCES[one.kind]!s:<11} {values}")
    if not told.same:
        raise ReplayError(
            Message("{manifest} : {why}", manifest=arguments.manifest, why=_why(told))
        )


_DIFFERENCES = {
    "file": Message("modifié"),
    "parameter": Message("paramètre"),
    "input": Message("donnée"),
    "version": Message("version"),
    "answer": Message("réponse"),
    "output": Message("fichier"),
}


# Say in one sentence what kinds of things changed, where the cause of other bytes is to be looked
# for.
def _why(told: Replay) -> Message:
    from geoguichet.floor.words import listed

    causes = {
        "parameter": _("un paramètre"),
        "input": _("les données lues"),
        "version": _("une version"),
    }
    changed = {one.kind for one in told.differences}
    cause = listed(name for kind, name in causes.items() if kind in changed)
    files = sum(one.kind == "output" for one in told.differences)
    if cause:
        return Message(
            "la réponse refaite n'est pas la même ({files} fichier(s) diffèrent) ; ont changé : "
            "{cause}.",
            files=files,
            cause=cause,
        )
    return Message(
        "la réponse refaite n'est pas la même ({files} fichier(s) diffèrent) ; ni données, ni "
        "paramètres, ni versions n'ont changé.",
        files=files,
    )


@command(
    "coverage schema",
    Message("écrire le schéma JSON d'une étude : de quoi la compléter dans un éditeur"),
    argument(
        "--markdown",
        action="store_true",
        help=Message("écrire la table des clés, en Markdown, au lieu du schéma"),
    ),
)
def _schema(arguments: argparse.Namespace) -> None:
    from geoguichet.coverage.study.schema import key_table, study_schema

    if arguments.markdown:
        print(key_table())
    else:
        print_json(study_schema())


@command(
    "coverage init",
    Message("créer un fichier d'étude commenté, à compléter"),
    path_argument("file", FILE, Message("le fichier à créer")),
)
def _init(arguments: argparse.Namespace) -> None:
    from importlib.resources import files

    from geoguichet.catalogue.text import fold
    from geoguichet.floor.files import write_new

    # A name of its own, from the file's: under the demonstration's, running it would replace the
    # demonstration.
    name = re.sub("[^a-z0-9]+", "-", fold(arguments.file.stem)).strip("-")[:60] or "mon-etude"
    template = (files("geoguichet.data") / "studies" / "visioguichets.toml").read_text(
        encoding="utf-8"
    )
    template = re.sub('^id = "visioguichets"', f'id = "{name}"', template, flags=re.MULTILINE)
    template = re.sub(
        r"^date = \S+", f"date = {date.today().isoformat()}", template, flags=re.MULTILINE
    )
    write_new(arguments.file, template)
    print(
        _(
            "{file} est prêt à être modifié ; ensuite : geoguichet coverage run {file}",
            file=arguments.file,
        )
    )
