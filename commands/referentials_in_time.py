"""``geoguichet referentials``: what changes with time: feeds, old versions, codes of another
year.
"""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path

from geoguichet.commands.arguments import (
    FILE,
    REFERENTIAL,
    TYPES,
    argument,
    codes_argument,
    command,
    path_argument,
    positive,
    store_of,
    workspace_of,
)
from geoguichet.commands.printing import print_findings, print_rules
from geoguichet.floor.errors import FileError, UsageError
from geoguichet.floor.words import Message, _


@command(
    "referentials feed",
    Message("dire ce qui a changé dans un annuaire depuis un jour"),
    REFERENTIAL,
    argument(
        "--since",
        default="",
        metavar=Message("AAAA-MM-JJ"),
        help=Message("sinon tous les services d'aujourd'hui"),
    ),
    argument(
        "--format",
        choices=("atom", "json", "csv"),
        default="atom",
        help=Message("atom, json ou csv"),
    ),
    codes_argument("--departements", "CODES", Message("seulement ceux-là")),
    codes_argument("--communes", "CODES", Message("seulement celles-là")),
    TYPES,
    path_argument("--out", FILE, required=True),
)
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
    _write(arguments.out, write_feed(found, arguments.format, url=""))
    print(_("{n} entrées.", n=found.total))
    if found.placeless:
        print(
            _(
                "{n} entrées de services sans département (ni code, ni code postal) : rien ne dit "
                "s'ils en sont.",
                n=found.placeless,
            )
        )
    print(arguments.out)


def _write(path: Path, content: bytes) -> None:
    from geoguichet.floor.files import write_whole

    try:
        write_whole(path, content)
    except FileError as error:
        raise UsageError(
            Message("{what} ; choisissez un autre dossier.", what=str(error)[:-1])
        ) from error


@command(
    "referentials prune",
    Message("retirer d'anciennes versions d'un référentiel"),
    REFERENTIAL,
    argument(
        "--keep",
        type=positive,
        required=True,
        metavar="N",
        help=Message("combien des plus récentes restent"),
    ),
    argument(
        "--yes",
        action="store_true",
        help=Message("retirer vraiment ; sinon, dire seulement ce qui le serait"),
    ),
)
def _prune(arguments: argparse.Namespace) -> None:
    from geoguichet.catalogue.intake.publish_referentials import publish_referential, withdraw
    from geoguichet.referentials.versions.store import plan_pruning, prune

    workspace, store = workspace_of(arguments), store_of(arguments)
    plan = plan_pruning(store, arguments.name, keep=arguments.keep, studies=workspace / "studies")
    for version, why in plan.kept:
        print(f"{_('reste'):<8} {version.name}@{version.short}  {version.imported[:10]}  {why}")
    gone = _("retirée") if arguments.yes else _("partirait")
    for version in plan.removed:
        print(f"{gone:<8} {version.name}@{version.short}  {version.imported[:10]}")
    if not plan.removed:
        print(_("Rien à retirer."))
    elif arguments.yes:
        prune(store, plan)
        withdraw(plan.removed, workspace)
        publish_referential(store, arguments.name, workspace)
    else:
        print(_("Rien n'est retiré sans --yes."))


@command(
    "referentials recode",
    Message("porter des chiffres par commune sur les communes d'une autre année"),
    path_argument("file", FILE, Message("une table avec le code des communes")),
    argument(
        "--vintage",
        required=True,
        metavar=Message("ANNÉE"),
        help=Message("l'année des codes du fichier, ou un jour"),
    ),
    argument(
        "--to",
        default="",
        metavar=Message("ANNÉE"),
        help=Message("l'année voulue ; sinon la dernière connue"),
    ),
    path_argument("--history", FILE, Message("l'histoire des codes (INSEE)"), required=True),
    path_argument("--current", FILE, Message("la liste des communes d'aujourd'hui (Etalab)")),
    codes_argument("--columns", Message("COLONNES"), Message("seulement celles-là")),
    path_argument(
        "--weights",
        FILE,
        Message(
            "la population des nouvelles communes, que suivent les parts d'une "
            "scission (sinon : parts égales)"
        ),
    ),
    path_argument("--out", Message("FICHIER.csv"), required=True),
)
def _recode(arguments: argparse.Namespace) -> None:
    from geoguichet.floor.findings import count_by_rule
    from geoguichet.referentials.readers.territories import read_any_history, read_current
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
    changed = Message("{n} codes ont changé entre le {since} et le {until}.")
    print(changed.format(n=recoded.merged, since=since, until=until or history.valid))
    by_weight, equally = recoded.split
    if by_weight:
        print(
            _(
                "Communes scindées, partagées selon les habitants de {file} : {n}.",
                file=arguments.weights,
                n=by_weight,
            )
        )
    if equally:
        why = (
            _("leurs nouvelles communes n'y sont pas toutes")
            if arguments.weights
            else _("--weights suit les habitants")
        )
        print(_("Communes scindées, partagées à parts égales ({why}) : {n}.", why=why, n=equally))
    for name, row in recoded.sums.iterrows():
        said = (
            Message("{name} : {before} avant, {after} après, {lost} sans commune.")
            if row["unplaced"]
            else Message("{name} : {before} avant, {after} après.")
        )
        before, after, lost = (round(row[key]) for key in ("before", "after", "unplaced"))
        print(said.format(name=name, before=before, after=after, lost=lost))
    print_rules(count_by_rule(recoded.findings))
    print_findings([each for each in recoded.findings if each.rule == "part-and-whole"])
    print(arguments.out)


# Read a year, as its first day, or a day.
def _day(text: str) -> str:
    if re.fullmatch(r"\d{4}", text):
        return f"{text}-01-01"
    if text and not re.fullmatch(r"\d{4}-\d{2}-\d{2}", text):
        raise UsageError(
            Message(
                "« {text} » n'est ni une année ni un jour ; 2012 ou 2012-01-01 est attendu.",
                text=text,
            )
        )
    return text
