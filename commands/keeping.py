"""``geoguichet backup``, ``verify``, ``restore``: what a workspace holds, kept elsewhere."""

import argparse

from geoguichet.commands.arguments import (
    FOLDER,
    command,
    known_workspace,
    path_argument,
    workspace_of,
)
from geoguichet.floor.words import Message, ngettext

_BACKUP = path_argument("backup", FOLDER, Message("le dossier de la sauvegarde"))


@command(
    "backup", Message("copier tout l'espace de travail, pendant qu'il sert s'il le faut"), _BACKUP
)
def _back_up(arguments: argparse.Namespace) -> None:
    from geoguichet.portal.serving.backup import back_up

    count = len(back_up(known_workspace(arguments), arguments.backup)["files"])
    _say(
        ngettext(
            "{folder} : {n} fichier sauvegardé.", "{folder} : {n} fichiers sauvegardés.", count,
            folder=arguments.backup,
        )
    )  # fmt: skip


@command(
    "verify",
    Message("dire si une sauvegarde, ou l'espace de travail, est intacte"),
    path_argument(
        "backup", FOLDER, Message("une sauvegarde (sinon l'espace de travail)"), nargs="?"
    ),
)
def _verify(arguments: argparse.Namespace) -> None:
    from geoguichet.portal.serving.backup import check_backup, verify

    if arguments.backup:
        check_backup(arguments.backup)
    folder = arguments.backup or known_workspace(arguments)
    _say(
        ngettext(
            "{folder} : {n} fichier vérifié, entier.", "{folder} : {n} fichiers vérifiés, tous entiers.",
            verify(folder), folder=folder,
        )
    )  # fmt: skip


@command(
    "restore", Message("refaire d'une sauvegarde un espace de travail qui n'est pas là"), _BACKUP
)
def _restore(arguments: argparse.Namespace) -> None:
    from geoguichet.portal.serving.backup import restore

    workspace = workspace_of(arguments)
    _say(
        ngettext(
            "{folder} : {n} fichier remis.", "{folder} : {n} fichiers remis.",
            restore(arguments.backup, workspace), folder=workspace,
        )
    )  # fmt: skip


# Say what was done, and what is kept elsewhere.
def _say(told: str) -> None:
    from geoguichet.portal.jobs.stores import told_of_jobs

    print("\n".join(filter(None, (told, told_of_jobs()))))
