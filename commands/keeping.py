"""``geoguichet backup``, ``verify``, ``restore``: what a workspace holds, kept elsewhere."""

import argparse

from geoguichet.commands.arguments import (
    FOLDER,
    command,
    known_workspace,
    path_argument,
    workspace_of,
)
from geoguichet.floor.words import Message, _

_BACKUP = path_argument("backup", FOLDER, Message("le dossier de la sauvegarde"))


@command(
    "backup", Message("copier tout l'espace de travail, pendant qu'il sert s'il le faut"), _BACKUP
)
def _back_up(arguments: argparse.Namespace) -> None:
    from geoguichet.portal.serving.backup import back_up

    made = back_up(known_workspace(arguments), arguments.backup)
    told = _("{folder} : {n} fichiers sauvegardés.", folder=arguments.backup, n=len(made["files"]))
    _say(told)


@command(
    "verify",
    Message("dire si une sauvegarde, ou l'espace de travail, est intacte"),
    path_argument(
        "backup", FOLDER, Message("une sauvegarde (sinon l'espace de travail)"), nargs="?"
    ),
)
def _verify(arguments: argparse.Namespace) -> None:
    from geoguichet.portal.serving.backup import verify

    folder = arguments.backup or known_workspace(arguments)
    _say(_("{folder} : {n} fichiers vérifiés, tous entiers.", folder=folder, n=verify(folder)))


@command(
    "restore", Message("refaire d'une sauvegarde un espace de travail qui n'est pas là"), _BACKUP
)
def _restore(arguments: argparse.Namespace) -> None:
    from geoguichet.portal.serving.backup import restore

    workspace = workspace_of(arguments)
    told = _(
        "{folder} : {n} fichiers remis.", folder=workspace, n=restore(arguments.backup, workspace)
    )
    _say(told)


# Say what was done, and what is kept elsewhere.
def _say(told: str) -> None:
    from geoguichet.portal.jobs.stores import told_of_jobs

    print("\n".join(filter(None, (told, told_of_jobs()))))
