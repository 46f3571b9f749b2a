"""``geoguichet referentials``: what changes with time: feeds, old versions, codes of another
year.
"""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from geoguichet.commands.arguments import codes, command, positive, workspace_of
from geoguichet.commands.printing import number
from geoguichet.floor.errors import FileError, UsageError

if TYPE_CHECKING:
    from geoguichet.referentials.versions.store import ReferentialStore


def add(referentials: Any) -> None:
    """Add these commands to ``geoguichet referentials``."""
    feed = command(
        referentials, "feed", _feed, "dire ce qui a changé dans un annuaire depuis un jour"
    )
    feed.add_argument("name", metavar="NOM")
    feed.add_argument(
        "--since", default="", metavar="AAAA-MM-JJ", help="sinon tous les services d'aujourd'hui"
    )
    feed.add_argument(
        "--format", choices=("atom", "json", "csv"), default="atom", help="atom, json ou csv"
    )
    feed.add_argument(
        "--departements", type=codes, default=(), metavar="CODES", help="seulement ceux-là"
    )
    feed.add_argument(
        "--communes", type=codes, default=(), metavar="CODES", help="seulement celles-là"
    )
    feed.add_argument(
        "--types", type=codes, default=(), metavar="TYPES", help="seulement ces types"
    )
    feed.add_argument("--out", type=Path, required=True, metavar="FICHIER")
    prune = command(referentials, "prune", _prune, "retirer d'anciennes versions d'un référentiel")
    prune.add_argument("name", metavar="NOM")
    prune.add_argument(
        "--keep",
        type=positive,
        required=True,
        metavar="N",
        help="combien des plus récentes restent",
    )
    prune.add_argument(
        "--yes",
        action="store_true",
        help="retirer vraiment ; sinon, dire seulement ce qui le serait",
    )
    recode = command(
        referentials,
        "recode",
        _recode,
        "porter des chiffres par commune sur les communes d'une autre année",
    )
    recode.add_argument(
        "file", type=Path, metavar="FICHIER", help="une table avec le code des communes"
    )
    recode.add_argument(
        "--vintage", required=True, metavar="ANNÉE", help="l'année des codes du fichier, ou un jour"
    )
    recode.add_argument(
        "--to", default="", metavar="ANNÉE", help="l'année voulue ; sinon la dernière connue"
    )
    recode.add_argument(
        "--history",
        type=Path,
        required=True,
        metavar="FICHIER",
        help="l'histoire des codes (INSEE)",
    )
    recode.add_argument(
        "--current",
        type=Path,
        metavar="FICHIER",
        help="la liste des communes d'aujourd'hui (Etalab)",
    )
    recode.add_argument(
        "--columns", type=codes, default=(), metavar="COLONNES", help="seulement celles-là"
    )
    recode.add_argument(
        "--weights",
        type=Path,
        metavar="FICHIER",
        help=(
            "la population des nouvelles communes, que suivent les parts d'une scission (sinon : "
            "parts égales)"
        ),
    )
    recode.add_argument("--out", type=Path, required=True, metavar="FICHIER.csv")


def store_of(arguments: argparse.Namespace) -> ReferentialStore:
    """Return the referentials of the workspace asked for."""
    from geoguichet.referentials.versions.store import ReferentialStore

    return ReferentialStore(workspace_of(arguments) / "referentials")


def _feed(arguments: argparse.Namespace) -> None:
    from geoguichet.referentials.versions.feeds import Asked, make_feed, write_feed

    asked = Asked(
        arguments.since,
        arguments.departements,
        arguments.communes,
        arguments.types,
        limit=sys.maxsize,
    )
    found = make_feed(store_of(arguments), arguments.name, asked)
    content = write_feed(found, arguments.format, url="")
    _write(arguments.out, content)
    print(f"{number(found.total)} entrées.\n{arguments.out}")


def _write(path: Path, content: bytes) -> None:
    from geoguichet.floor.files import write_whole

    try:
        write_whole(path, content)
    except FileError as error:
        raise UsageError(f"{str(error)[:-1]} ; choisissez un autre dossier.") from error


def _prune(arguments: argparse.Namespace) -> None:
    from geoguichet.catalogue.intake.publish_referentials import publish_referential, withdraw
    from geoguichet.referentials.versions.store import plan_pruning, prune

    workspace, store = workspace_of(arguments), store_of(arguments)
    plan = plan_pruning(store, arguments.name, keep=arguments.keep, studies=workspace / "studies")
    for version, why in plan.kept:
        print(f"reste    {version.name}@{version.short}  {version.imported[:10]}  {why}")
    for version in plan.removed:
        print(
            f"{'retirée' if arguments.yes else 'partirait':<8} {version.name}@{version.short}  "
            f"{version.imported[:10]}"
        )
    if not plan.removed:
        print("Rien à retirer.")
    elif arguments.yes:
        prune(store, plan)
        withdraw(plan.removed, workspace)
        publish_referential(store, arguments.name, workspace)
    else:
        print("Rien n'est retiré sans --yes.")


def _recode(arguments: argparse.Namespace) -> None:
    from geoguichet.floor.findings import count_by_rule
    from geoguichet.referentials.readers.cog import read_any_history, read_current
    from geoguichet.referentials.versions.recoding import read_weights, recode_file

    since, until = _day(arguments.vintage), _day(arguments.to)
    history = read_any_history(arguments.history)
    if arguments.current:
        history = history.updated(read_current(arguments.current), date=until or history.valid)
    weights = read_weights(arguments.weights) if arguments.weights else None
    recoded = recode_file(
        arguments.file,
        history,
        since=since,
        until=until,
        columns=arguments.columns,
        weights=weights,
    )
    _write(arguments.out, recoded.table.to_csv(index_label="code").encode())
    print(
        f"{number(recoded.merged)} codes ont changé entre le {since} et le "
        f"{until or history.valid}."
    )
    by_weight, equally = recoded.split
    if by_weight:
        print(
            f"Communes scindées, partagées selon les habitants de {arguments.weights} : "
            f"{number(by_weight)}."
        )
    if equally:
        why = (
            "leurs nouvelles communes n'y sont pas toutes"
            if arguments.weights
            else "--weights suit les habitants"
        )
        print(f"Communes scindées, partagées à parts égales ({why}) : {number(equally)}.")
    for name, row in recoded.sums.iterrows():
        lost = f", {number(row['unplaced'])} sans commune" if row["unplaced"] else ""
        print(f"{name} : {number(row['before'])} avant, {number(row['after'])} après{lost}.")
    for rule, count in count_by_rule(recoded.findings).items():
        print(f"  {number(count):>8}  {rule}")
    print(arguments.out)


def _day(text: str) -> str:
    """Read a year, as its first day, or a day."""
    if re.fullmatch(r"\d{4}", text):
        return f"{text}-01-01"
    if text and not re.fullmatch(r"\d{4}-\d{2}-\d{2}", text):
        raise UsageError(
            f"« {text} » n'est ni une année ni un jour ; 2012 ou 2012-01-01 est attendu."
        )
    return text
