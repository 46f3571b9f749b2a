"""What all arguments share: a parser that refuses in one sentence of the reader's language, types
of values, the workspace.
"""

from __future__ import annotations

import argparse
import gettext
import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import pairwise
from math import inf
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn

from geoguichet.floor.errors import UsageError
from geoguichet.floor.words import LOCALE, Message, _, language, languages, of_environment

if TYPE_CHECKING:
    from geoguichet.referentials.versions.store import ReferentialStore

DEFAULT_WORKSPACE = "workspace"

#: What ``add_argument`` takes: names, then options.
type Argument = tuple[tuple[str, ...], dict[str, Any]]


def argument(*names: str, **options: Any) -> Argument:
    """Describe an argument of a command, as ``add_argument`` takes it."""
    return names, options


def path_argument(
    name: str, metavar: Message | str, told: Message | str = "", **options: Any
) -> Argument:
    """Describe an argument that is the path of a file or of a folder."""
    options |= {"help": told} if told else {}
    return argument(name, type=Path, metavar=metavar, **options)


def codes_argument(name: str, metavar: Message | str, told: Message | str) -> Argument:
    """Describe an option that is codes, or names, between commas; none unless it is given."""
    return argument(name, type=codes, default=(), metavar=metavar, help=told)


def language_asked(words: Sequence[str], environment: Mapping[str, str]) -> str:
    """Return the language that ``--lang`` asks for, else that of the terminal.

    It is known before the parser is made: the help is written in it.
    """
    given = [value for option, value in pairwise(words) if option == "--lang"]
    given += [word.removeprefix("--lang=") for word in words if word.startswith("--lang=")]
    return next((value for value in given if value in languages()), of_environment(environment))


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
        self.add_argument(
            "--lang",
            choices=languages(),
            help=_("la langue de ce qui est dit ({known}) ; sinon celle du terminal", known=known),
        )
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


class Command(NamedTuple):
    """What does a command, what that is, in one sentence, and what it takes."""

    run: Callable[[argparse.Namespace], None]
    told: Message
    arguments: tuple[Argument, ...]


#: Every command by its whole name (``catalogue search``), in the order they are written.
COMMANDS: dict[str, Command] = {}


def command[Run: Callable[[argparse.Namespace], None]](
    name: str, told: Message, *arguments: Argument
) -> Callable[[Run], Run]:
    """Make a function a command; every command but ``init`` takes ``--workspace``."""

    def named(run: Run) -> Run:
        given = arguments if name == "init" else (_WORKSPACE, *arguments)
        COMMANDS[name] = Command(run, told, given)
        return run

    return named


def add_commands(parser: argparse.ArgumentParser, groups: Mapping[str, Message | None]) -> None:
    """Add every command to a parser: those of no group, and groups with what they are of."""
    top = _subcommands(parser)
    for first, told in groups.items():
        held = top if told is None else _subcommands(top.add_parser(first, help=str(told)))
        for name, made in COMMANDS.items():
            if name.split()[0] == first:
                _add(held, name.split()[-1], made)


def _subcommands(parser: argparse.ArgumentParser) -> Any:
    return parser.add_subparsers(
        title=_("commandes"), metavar=_("COMMANDE"), required=True, parser_class=Parser
    )


# Add a command where it goes; what it says is said now, in the language of the moment.
def _add(held: Any, name: str, made: Command) -> None:
    told = str(made.told)
    parser = held.add_parser(name, help=told, description=f"{told[0].upper()}{told[1:]}.")
    parser.set_defaults(run=made.run)
    for names, options in made.arguments:
        said = {key: str(options[key]) for key in ("help", "metavar") if key in options}
        parser.add_argument(*names, **options | said)


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


def whole(expected: Message, *, most: float = inf) -> Callable[[str], int]:
    """Return what reads an integer from 1 to ``most``, or says what is expected."""

    def read(text: str) -> int:
        if not text.isdecimal() or not 1 <= int(text) <= most:
            raise _refused(expected, text)
        return int(text)

    return read


positive = whole(Message("un entier d'au moins 1 est attendu, {given} est donné"))


def share(text: str) -> float:
    """Read a share, from 0 to 1."""
    expected = Message("une part de 0 à 1 est attendue, {given} est donné")
    try:
        read = float(text)
    except ValueError as error:
        raise _refused(expected, text) from error
    if not 0 <= read <= 1:
        raise _refused(expected, text)
    return read


def factors(text: str) -> tuple[float, ...]:
    """Read numbers separated by commas."""
    try:
        return tuple(float(part) for part in text.split(","))
    except ValueError as error:
        raise _refused(
            Message(
                "des nombres séparés par des virgules sont attendus (0.9,1,1.2), {given} est donné"
            ),
            text,
        ) from error


def _refused(expected: Message, text: str) -> argparse.ArgumentTypeError:
    return argparse.ArgumentTypeError(expected.format(given=repr(text)))


def codes(text: str) -> tuple[str, ...]:
    """Read codes between commas."""
    return tuple(part.strip() for part in text.split(",") if part.strip())


#: What stands for a value in the help.
FILE, FOLDER, NAME = Message("FICHIER"), Message("DOSSIER"), Message("NOM")
GEOPACKAGE = Message("FICHIER.gpkg")

# What several commands take.
_WORKSPACE = path_argument(
    "--workspace",
    FOLDER,
    Message("l'espace de travail (sinon GEOGUICHET_WORKSPACE, sinon ./workspace)"),
)
JSON = argument("--json", action="store_true", help=Message("répondre en JSON"))
QUIET = argument("--quiet", action="store_true", help=Message("ne pas montrer l'avancement"))
REFERENTIAL = argument("name", metavar=NAME)
REFERENTIALS = argument("names", nargs="+", metavar=NAME)
TYPES = codes_argument("--types", "TYPES", Message("seulement ces types"))


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


def store_of(arguments: argparse.Namespace) -> ReferentialStore:
    """Return the referentials of the workspace asked for."""
    from geoguichet.referentials.versions.store import ReferentialStore

    return ReferentialStore(workspace_of(arguments) / "referentials")
