"""What all arguments share: a parser that refuses in one French sentence, types of values, the
workspace.
"""

from __future__ import annotations

import argparse
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

from geoguichet.floor.errors import UsageError

DEFAULT_WORKSPACE = "workspace"


def group(commands: Any, name: str, help_: str) -> Any:
    """Add a command that holds commands and return where they are added."""
    return commands.add_parser(name, help=help_).add_subparsers(
        title="commandes", metavar="COMMANDE", required=True, parser_class=Parser
    )


class Parser(argparse.ArgumentParser):
    """A parser that helps in French, and whose refusals are one French sentence."""

    _FRENCH = (
        (r"the following arguments are required: (.+)", r"il manque : \1"),
        (r"unrecognized arguments: (.+)", r"argument inconnu : \1"),
        (
            r"argument (.+): invalid choice: (\S+) \(choose from (.+)\)",
            r"\1 : \2 est inconnu ; essayez l'une de ces valeurs : \3",
        ),
        (r"argument (.+): expected (?:one|at least one) argument", r"\1 attend une valeur"),
        (r"argument (.+): invalid \S+ value: (.+)", r"\1 : valeur refusée, \2"),
        (
            r"argument (.+): ignored explicit argument (.+)",
            r"\1 n'attend pas de valeur, \2 est donné",
        ),
        (r"argument (\S+): (.+)", r"\1 : \2"),
    )

    def __init__(self, **options: Any) -> None:
        super().__init__(**options, add_help=False)
        self._positionals.title, self._optionals.title = "arguments", "options"
        self.add_argument("-h", "--help", action="help", help="montrer cette aide et sortir")
        self._negative_number_matcher = re.compile(
            r"-\d"
        )  # so that --bbox -0.3,42,3,45 is a value, not an option

    def format_usage(self) -> str:
        """Return the line of usage."""
        return super().format_usage().replace("usage:", "usage :", 1)

    def format_help(self) -> str:
        """Return the help."""
        return super().format_help().replace("usage:", "usage :", 1)

    def error(self, message: str) -> NoReturn:
        """Raise the refusal as a ``UsageError`` in French."""
        for pattern, french in self._FRENCH:
            message = re.sub(pattern, french, message)
        raise UsageError(f"{message} ; « {self.prog} --help » montre ce qui est attendu.")


def command(
    group: Any, name: str, run: Callable[[argparse.Namespace], None], help_: str
) -> argparse.ArgumentParser:
    """Add one command to a group, done by ``run``; every command but ``init`` takes
    ``--workspace``.
    """
    parser: argparse.ArgumentParser = group.add_parser(
        name, help=help_, description=help_[0].upper() + help_[1:] + "."
    )
    parser.set_defaults(run=run)
    if name != "init":
        parser.add_argument(
            "--workspace",
            type=Path,
            metavar="DOSSIER",
            help="l'espace de travail (sinon GEOGUICHET_WORKSPACE, sinon ./workspace)",
        )
    return parser


def add_output(parser: argparse.ArgumentParser) -> None:
    """Add ``--json`` and ``--quiet``."""
    parser.add_argument("--json", action="store_true", help="répondre en JSON")
    parser.add_argument("--quiet", action="store_true", help="ne pas montrer l'avancement")


def bbox(text: str) -> tuple[float, float, float, float]:
    """Read ``west,south,east,north`` in degrees."""
    try:
        west, south, east, north = (float(part) for part in text.split(","))
    except ValueError as error:
        raise argparse.ArgumentTypeError(
            f"quatre nombres ouest,sud,est,nord sont attendus, {text!r} est donné"
        ) from error
    if not (-180 <= west <= 180 and -180 <= east <= 180 and -90 <= south <= north <= 90):
        raise argparse.ArgumentTypeError(
            f"{text!r} n'est pas une emprise en degrés (ouest,sud,est,nord)"
        )
    return west, south, east, north


def positive(text: str) -> int:
    """Read an integer of at least 1."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"un entier d'au moins 1 est attendu, {text!r} est donné")
    return int(text)


def factors(text: str) -> tuple[float, ...]:
    """Read numbers separated by commas."""
    try:
        return tuple(float(part) for part in text.split(","))
    except ValueError as error:
        what = f"des nombres séparés par des virgules sont attendus (0.9,1,1.2), {text!r} est donné"
        raise argparse.ArgumentTypeError(what) from error


def port(text: str) -> int:
    """Read a port from 1 to 65535."""
    if not text.isdecimal() or not 1 <= int(text) <= 65535:
        raise argparse.ArgumentTypeError(f"un port de 1 à 65535 est attendu, {text!r} est donné")
    return int(text)


def codes(text: str) -> tuple[str, ...]:
    """Read codes between commas."""
    return tuple(part.strip() for part in text.split(",") if part.strip())


def workspace_of(arguments: argparse.Namespace) -> Path:
    """Return the workspace asked for, there or not."""
    return arguments.workspace or Path(os.environ.get("GEOGUICHET_WORKSPACE") or DEFAULT_WORKSPACE)


def known_workspace(arguments: argparse.Namespace) -> Path:
    """Return the workspace asked for, refused when it is not there."""
    workspace = workspace_of(arguments)
    if not workspace.is_dir():
        raise UsageError(
            f"{workspace} : cet espace de travail n'existe pas ; « geoguichet demo » en crée un."
        )
    return workspace
