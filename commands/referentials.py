"""``geoguichet referentials``: reference data read, kept by version, checked and given back."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from geoguichet.commands.arguments import (
    FILE,
    FOLDER,
    GEOPACKAGE,
    NAME,
    REFERENTIAL,
    REFERENTIALS,
    TYPES,
    argument,
    command,
    path_argument,
    share,
    store_of,
    workspace_of,
)
from geoguichet.commands.printing import print_findings, print_rules
from geoguichet.floor.errors import UsageError
from geoguichet.floor.findings import MAX_UNKNOWN
from geoguichet.floor.words import Message, _

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from geoguichet.floor.findings import Finding
    from geoguichet.referentials.sources.fetch import OfficialSource, Progress
    from geoguichet.referentials.versions.store import ReferentialStore


_MAX_UNKNOWN = argument(
    "--max-unknown",
    type=share,
    default=MAX_UNKNOWN,
    metavar=Message("PART"),
    help=Message("part admise de lignes dont un mot n'est pas compris"),
)
KINDS = ("services", "territories", "populations", "broadband", "equipment")


@command(
    "referentials roads",
    Message("préparer un réseau routier pour les études"),
    path_argument("files", FILE, Message("OpenStreetMap, couche de lignes ou CSV"), nargs="+"),
    path_argument("--out", Message("RESEAU"), Message("le réseau à écrire"), required=True),
    argument(
        "--columns",
        default="",
        metavar=Message("CHAMPS"),
        help=Message("champ=colonne,... ou bdtopo"),
    ),
    _MAX_UNKNOWN,
    path_argument("--nodes", "CSV", Message("les nœuds d'une table d'arêtes")),
    argument(
        "--layer",
        metavar=Message("COUCHE"),
        help=Message("la couche d'un fichier qui en a plusieurs"),
    ),
)
def _roads(arguments: argparse.Namespace) -> None:
    from geoguichet.referentials.roads.sources import make_network, parse_mapping
    from geoguichet.referentials.roads.words import not_understood

    mapping = parse_mapping(arguments.columns)
    manifest = make_network(
        arguments.files,
        arguments.out,
        mapping=mapping,
        nodes=arguments.nodes,
        layer=arguments.layer,
        max_unknown=arguments.max_unknown,
    )
    counts = manifest["counts"]
    apart = counts["nodes"] - counts["nodes_in_largest_component"]
    print(
        _(
            "{file} : {edges} routes, {km} km, {nodes} carrefours dont {apart} hors du réseau "
            "principal.",
            file=arguments.out,
            edges=counts["edges"] - manifest["turns"],
            km=round(counts["length_km"]),
            nodes=counts["nodes"],
            apart=apart,
        )
    )
    if closed := manifest["closed_to_cars"]:
        print(_("{closed} routes sont fermées aux voitures par leur source.", closed=closed))
    if lanes := manifest["only_at_ends"]:
        print(
            _(
                "{lanes} routes ne servent aux voitures qu'aux deux bouts d'un trajet : voies privées, "
                "chemins dont rien n'est dit.",
                lanes=lanes,
            )
        )
    for field, rows in manifest["unsaid"].items():
        print(_("{field} : rien n'est dit de {rows} lignes.", field=field, rows=rows))
    for unread in manifest["unknown_words"]:
        print(not_understood(unread))


@command(
    "referentials import",
    Message("lire un fichier de services et le garder, version par version"),
    path_argument("file", FILE),
    argument(
        "--as",
        dest="kind",
        choices=KINDS,
        help=Message("ce que c'est (sinon reconnu, sinon des services)"),
    ),
    argument(
        "--reader",
        metavar="FORMAT",
        help=Message("format publié ; sinon reconnu, sinon lecteur général"),
    ),
    path_argument("--mapping", Message("FICHIER.toml"), Message("ce que sont les colonnes")),
    argument(
        "--name",
        metavar=NAME,
        help=Message("le nom du référentiel (sinon le format ou le fichier)"),
    ),
    argument(
        "--dry-run",
        action="store_true",
        help=Message("montrer ce qui est compris sans rien garder"),
    ),
    _MAX_UNKNOWN,
)
def _import(arguments: argparse.Namespace) -> None:
    from geoguichet.referentials.readers.registry import choose_reader
    from geoguichet.referentials.versions.proved import imported

    reader = choose_reader(
        arguments.file, key=arguments.reader, mapping=arguments.mapping, kind=arguments.kind
    )
    store = store_of(arguments)
    readings = imported(reader.read(), store, arguments.max_unknown, where=str(arguments.file))
    if arguments.dry_run:
        from geoguichet.floor.findings import count_by_rule
        from geoguichet.referentials.directory.schema import join_readings

        reading = join_readings(readings)
        rows, rules = len(reading.rows), count_by_rule(reading.findings)
        rows_in, notes = reading.rows_in, reading.notes
    else:
        name = arguments.name or reader.name
        version = store.put(
            name, readings, origin=arguments.file, reader=reader.key, mapping=reader.mapping
        )
        _publish(store, name, arguments)
        rows, rows_in, notes, rules = version.rows, version.rows_in, version.notes, version.rules
    print(
        _(
            "{reader} : {read} lignes lues, {rows} {kind}.",
            reader=reader.title,
            read=rows_in,
            rows=rows,
            kind=_plural(reader.kind),
        )
    )
    for note in notes:
        print(f"  {note}")
    print_rules(rules)
    if not arguments.dry_run:
        print(f"{version.name}@{version.digest[:12]}\n{store.path(version)}")


# Describe every version of a referential in the catalogue of the workspace.
def _publish(store: ReferentialStore, name: str, arguments: argparse.Namespace) -> None:
    from geoguichet.catalogue.intake.publish_referentials import publish_referential

    publish_referential(store, name, workspace_of(arguments))


def _plural(kind: str) -> str:
    from geoguichet.referentials.readers.tables_by_code import TABLES

    return "services" if kind == "services" else TABLES[kind].label_fr


@command(
    "referentials template",
    Message("écrire le classeur à faire remplir"),
    path_argument("file", Message("FICHIER.xlsx")),
)
def _template(arguments: argparse.Namespace) -> None:
    from geoguichet.referentials.readers.column_names import write_template

    write_template(arguments.file)
    print(arguments.file)


@command("referentials list", Message("montrer les sources officielles"))
def _list(arguments: argparse.Namespace) -> None:
    from geoguichet.referentials.sources.fetch import official_sources

    for source in official_sources().values():
        how = _("à télécharger à la main") if source.format == "page" else source.format
        print(
            f"{source.name:<20} {source.title} ({source.publisher}, {source.licence}, "
            f"{source.frequency} ; {how})"
        )


#: Another list of sources than ours.
SOURCES = path_argument("--sources", Message("FICHIER.toml"), Message("une autre liste de sources"))


@command("referentials fetch", Message("télécharger des sources"), REFERENTIALS, SOURCES)
def _fetch(arguments: argparse.Namespace) -> None:
    from geoguichet.referentials.sources.fetch import fetch

    for source in named_sources(arguments.names, arguments.sources):
        for progress in fetch(source, workspace_of(arguments) / "cache"):
            tell_progress(progress)


def named_sources(names: Iterable[str], file: Path | None) -> list[OfficialSource]:
    """Return official sources by name, out of our list or of a file in the same form."""
    from geoguichet.referentials.sources.fetch import official_sources

    sources = official_sources(file)
    unknown = [name for name in names if name not in sources]
    if unknown:
        raise UsageError(
            Message(
                "source inconnue : {names} ; connues : {known}.",
                names=", ".join(unknown),
                known=", ".join(sources),
            )
        )
    return [sources[name] for name in names]


def tell_progress(progress: Progress) -> None:
    """Say how far a download is, to a terminal; at the end, the file."""
    read = _("{name} : {received} octets", name=progress.name, received=progress.received)
    if progress.file is not None:
        said = _("nouvelle version") if progress.changed else _("inchangé")
        print(f"{read}, {said}\n{progress.file}")
    elif sys.stderr.isatty():
        print(f"\r{read}", end="", file=sys.stderr)


@command("referentials status", Message("montrer les versions présentes"))
def _status(arguments: argparse.Namespace) -> None:
    from geoguichet.floor.words import number
    from geoguichet.referentials.sources.fetch import cached

    store = store_of(arguments)
    for name in store.names():
        for version in store.versions(name):
            what = f"{number(version.rows)} {_plural(version.kind)}, {version.origin}"
            print(f"{name}@{version.digest[:12]}  {version.imported[:19]}  {what}")
    for name, files in cached(workspace_of(arguments) / "cache").items():
        for file in files:
            what = _("{size} octets, {file} (téléchargé)", size=file.bytes, file=file.file)
            print(f"{name}  {file.fetched[:19]}  {what}")


@command(
    "referentials check",
    Message("contrôler un référentiel"),
    argument("name", metavar=NAME, help=Message("NOM ou NOM@EMPREINTE")),
    argument(
        "--territory",
        metavar=GEOPACKAGE,
        default="sample",
        help=Message("où les services doivent être"),
    ),
    path_argument("--history", FILE, Message("l'histoire des codes de communes (INSEE)")),
    path_argument("--out", GEOPACKAGE, Message("écrire les constats pour QGIS")),
    argument(
        "--fix",
        action="store_true",
        help=Message("faire les réparations sûres, dans une nouvelle version"),
    ),
)
def _check(arguments: argparse.Namespace) -> None:
    from geoguichet.floor.words import number
    from geoguichet.referentials.versions.quality_report import check_version

    store = store_of(arguments)
    report = check_version(
        store,
        arguments.name,
        territory=arguments.territory,
        history=arguments.history,
        fix=arguments.fix,
    )
    version = report.version
    print(
        _(
            "{version} : {rows} {kind}.",
            version=f"{version.name}@{version.short}",
            rows=len(report.rows),
            kind=_plural(version.kind),
        )
    )
    for rule, severity, count, example in report.table():
        print(f"  {number(count):>8}  {rule:<24} {severity:<8} {example}")
    for change in report.repairs[:20]:
        print(
            _(
                "  réparé  {item} {column} : {before} -> {after}",
                item=change.item,
                column=change.column,
                before=str(change.before),
                after=str(change.after),
            )
        )
    if report.fixed is not None:
        _publish(store, report.fixed.name, arguments)
        fixed = f"{report.fixed.name}@{report.fixed.digest[:12]}"
        print(_("{n} réparations : {version}", n=len(report.repairs), version=fixed))
    if arguments.out:
        report.write(arguments.out)
        print(arguments.out)


@command(
    "referentials export",
    Message("donner des référentiels, ou les joindre à une étude"),
    REFERENTIALS,
    path_argument("--out", FILE, ".gpkg .fgb .geojson .parquet .csv", required=True),
    argument(
        "--base",
        metavar=GEOPACKAGE,
        help=Message("le territoire à compléter (ou « sample »)"),
    ),
    argument(
        "--figures",
        default="",
        metavar=NAME,
        help=Message("avec --base : une table par commune à joindre (débit, population)"),
    ),
    TYPES,
)
def _export(arguments: argparse.Namespace) -> None:
    import pandas as pd

    if arguments.figures and not arguments.base:
        raise UsageError(Message("--figures complète un territoire : donnez aussi --base."))
    from geoguichet.floor.words import number
    from geoguichet.referentials.versions import exports

    store = store_of(arguments)
    directories = [store.rows(store.find(name)) for name in arguments.names]
    if arguments.base:
        figures = [arguments.figures] if arguments.figures else []
        left_out: list[Finding] = []
        layers, names = exports.write_study_data(
            directories,
            arguments.out,
            base=arguments.base,
            types=arguments.types,
            figures=store.rows(store.find(arguments.figures)) if figures else None,
            told=left_out,
        )
        print_findings(left_out)
        if names:
            print(_("Joints aux communes et aux services : {names}", names=", ".join(names)))
        store.remember_export(
            arguments.out, [store.find(name) for name in (*arguments.names, *figures)]
        )
        counts = layers["services"]["type"].value_counts()
        print(", ".join(f"{kind} {number(count)}" for kind, count in counts.items()))
        print(arguments.out)
        return
    rows = pd.concat(directories, ignore_index=True)
    kept = rows[rows["type"].isin(arguments.types)] if arguments.types else rows
    kinds = {store.find(name).kind for name in arguments.names}
    layer = "" if "services" in kinds else arguments.names[0].partition("@")[0]
    for file in exports.write_rows(kept, arguments.out, layer=layer):
        print(file)


@command(
    "referentials stops",
    Message("situer les arrêts des services itinérants d'après leur texte"),
    REFERENTIAL,
    argument(
        "--base",
        default="sample",
        metavar=GEOPACKAGE,
        help=Message("le territoire (ou « sample »)"),
    ),
    path_argument("--out", GEOPACKAGE, required=True),
)
def _stops(arguments: argparse.Namespace) -> None:
    from geoguichet.referentials.directory.services import stops_of
    from geoguichet.referentials.layers import path_of
    from geoguichet.referentials.regions import region

    store = store_of(arguments)
    layers = region.read_layers(path_of(arguments.base))
    halls = layers["services"][layers["services"]["type"] == "town_hall"].drop_duplicates("commune")
    services = store.rows(store.find(arguments.name))
    stops = stops_of(services, layers["communes"], halls.set_index("commune").geometry)
    if stops.empty:
        raise UsageError(
            Message(
                "{name} : aucun arrêt lisible pour les communes de {base}.",
                name=arguments.name,
                base=arguments.base,
            )
        )
    region.write_layers(
        {"stops": stops}, arguments.out, titles={"stops": _("Arrêts des services itinérants")}
    )
    told = _(
        "{stops} arrêts de {services} services itinérants.",
        stops=len(stops),
        services=stops["service"].nunique(),
    )
    print(f"{told}\n{arguments.out}")


@command(
    "referentials diff",
    Message("comparer deux versions"),
    argument("before", metavar=Message("AVANT")),
    argument("after", metavar=Message("APRÈS")),
    argument(
        "--territory",
        metavar=GEOPACKAGE,
        default="sample",
        help=Message("le fond et les limites de la carte"),
    ),
    path_argument("--out", FOLDER, Message("écrire la carte et les couches")),
)
def _diff(arguments: argparse.Namespace) -> None:
    from geoguichet.referentials.versions.differences import difference_of, write_difference

    difference, title, outlines = difference_of(
        store_of(arguments), arguments.before, arguments.after, territory=arguments.territory
    )
    print(title)
    print(difference.counts().to_string())
    print(_("{n} services inchangés.", n=difference.same))
    if arguments.out:
        for file in write_difference(difference, arguments.out, title=title, outlines=outlines):
            print(file)
