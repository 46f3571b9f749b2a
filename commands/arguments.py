"""What all arguments share: a parser that refuses in one sentence of the reader's language, types
of values, the workspace.
"""

import argparse
import gettext
import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any, NoReturn

from geoguichet.floor.errors import UsageError
from geoguichet.floor.words import LOCALE, Message, _, language, languages, of_environment

DEFAULT_WORKSPACE = "workspace"

#: What ``add_argument`` takes: names, then options.
type Argument = tuple[tuple[str, ...], dict[str, Any]]


def argument(*names: str, **options: Any) -> Argument:
    """Describe an argument of a command, as ``add_argument`` takes it."""
    return names, options


def language_asked(words: Sequence[str], environment: Mapping[str, str]) -> str:
    """Return the language that ``--lang`` asks for, else that of the terminal.

    It is known before the parser is made: the help is written in it.
    """
    given = [value for option, value in pairwise(words) if option == "--lang"]
    given += [word.removeprefix("--lang=") for word in words if word.startswith("--lang=")]
    known = (value for value in given if value in languages())
    return next(known, of_environment(environment))


@contextmanager
def argparse_speaks() -> Iterator[None]:
    """Have argparse say its own sentences in the language of the moment.

    It asks gettext for them in the domain and the language that the process has: lend it ours.
    """
    before, asked = gettext.textdomain(), os.environ.pop("LANGUAGE", None)
    gettext.bindtextdomain("argparse", str(LOCALE))
    gettext.textdomain("argparse")
    os.environ["LANGUAGE"] = language()
    try:
        yield
    finally:
        gettext.textdomain(before)
        del os.environ["LANGUAGE"]
        os.environ |= {} if asked is None else {"LANGUAGE": asked}


class Parser(argparse.ArgumentParser):
    """A parser whose refusals are one sentence, that takes ``--lang`` and negative coordinates."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        known = ", ".join(languages())
        told = _("la langue de ce qui est dit ({known}) ; sinon celle du terminal", known=known)
        self.add_argument("--lang", choices=languages(), help=told)
        # So that --bbox -0.3,42,3,45 is a value, not an option.
        self._negative_number_matcher = re.compile(r"-\d")

    def error(self, message: str) -> NoReturn:
        """Raise the refusal as a ``UsageError``."""
        raise UsageError(
            _(
                "{what} ; « {command} --help » montre ce qui est attendu.",
                what=message,
                command=self.prog,
            )
        )


def group(commands: Any, name: str, told: str) -> Any:
    """Add a command that holds commands and return where they are added."""
    return subcommands(commands.add_parser(name, help=told))


def subcommands(parser: argparse.ArgumentParser) -> Any:
    """Return where the commands of a parser are added."""
    return parser.add_subparsers(
        title=_("commandes"), metavar=_("COMMANDE"), required=True, parser_class=Parser
    )


def command(
    group: Any,
    name: str,
    run: Callable[[argparse.Namespace], None],
    told: str,
    *arguments: Argument,
) -> None:
    """Add one command to a group, done by ``run``; every command but ``init`` takes
    ``--workspace``.
    """
    parser = group.add_parser(name, help=told, description=f"{told[0].upper()}{told[1:]}.")
    parser.set_defaults(run=run)
    workspace = argument(
        "--workspace",
        type=Path,
        metavar=_("DOSSIER"),
        help=_("l'espace de travail (sinon GEOGUICHET_WORKSPACE, sinon ./workspace)"),
    )
    for names, options in (*([workspace] if name != "init" else ()), *arguments):
        parser.add_argument(*names, **options)


def output() -> tuple[Argument, ...]:
    """Describe ``--json`` and ``--quiet``."""
    return (
        argument("--json", action="store_true", help=_("répondre en JSON")),
        argument("--quiet", action="store_true", help=_("ne pas montrer l'avancement")),
    )


def bbox(text: str) -> tuple[float, float, float, float]:
    """Read ``west,south,east,north`` in degrees."""
    try:
        west, south, east, north = (float(part) for part in text.split(","))
    except ValueError as error:
        raise _refused(
            Message("quatre nombres ouest,sud,est,nord sont attendus, {given} est donné"), text
        ) from error
    if not (-180 <= west <= 180 and -180 <= east <= 180 and -90 <= south <= north <= 90):
        raise _refused(
            Message("{given} n'est pas une emprise en degrés (ouest,sud,est,nord)"), text
        )
    return west, south, east, north


def positive(text: str) -> int:
    """Read an integer of at least 1."""
    if not text.isdecimal() or int(text) < 1:
        raise _refused(Message("un entier d'au moins 1 est attendu, {given} est donné"), text)
    return int(text)


def factors(text: str) -> tuple[float, ...]:
    """Read numbers separated by commas."""
    try:
        return tuple(float(part) for part in text.split(","))
    except ValueError as error:
        expected = Message(
            "des nombres séparés par des virgules sont attendus (0.9,1,1.2), {given} est donné"
        )
        raise _refused(expected, text) from error


def port(text: str) -> int:
    """Read a port from 1 to 65535."""
    if not text.isdecimal() or not 1 <= int(text) <= 65535:
        raise _refused(Message("un port de 1 à 65535 est attendu, {given} est donné"), text)
    return int(text)


def _refused(expected: Message, text: str) -> argparse.ArgumentTypeError:
    return argparse.ArgumentTypeError(expected.format(given=repr(text)))


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
            Message(
                "{folder} : cet espace de travail n'existe pas ; « geoguichet demo » en crée un.",
                folder=workspace,
            )
        )
    return workspace
