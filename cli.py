"""The ``geoguichet`` command: parse, call one function, print. Heavy imports stand inside the
commands.
"""

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import NoReturn

from geoguichet.commands import (
    admin,
    catalogue,
    coverage,
    init,
    keeping,
    referentials,
    referentials_in_time,
)
from geoguichet.commands.arguments import (
    Parser,
    add_commands,
    argparse_speaks,
    argument,
    command,
    known_workspace,
    language_asked,
    whole,
    workspace_of,
)
from geoguichet.floor.errors import GeoguichetError, UsageError
from geoguichet.floor.words import Message, _, one_line, speaking

#: What runs a command line, and the files whose commands are known once they are imported.
__all__ = [
    "admin",
    "catalogue",
    "coverage",
    "init",
    "keeping",
    "main",
    "referentials",
    "referentials_in_time",
]

REFUSED, MISUSED, INTERRUPTED = 1, 2, 130

#: Commands and groups of them, in the order of the help, and what each group is of.
GROUPS = {
    "demo": None,
    "coverage": Message("études de couverture"),
    "catalogue": Message("chercher dans le catalogue, le remplir, le juger"),
    "init": None,
    "referentials": Message("annuaires de services et sources officielles"),
    "serve": None,
    "worker": None,
    "backup": None,
    "verify": None,
    "restore": None,
    "admin": Message("comptes de ceux qui éditent et administrent"),
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code: 0 done, 1 refused input, 2 usage, 130
    interrupted.
    """
    words = sys.argv[1:] if argv is None else argv
    with speaking(language_asked(words, os.environ)):
        try:
            with argparse_speaks():
                arguments = _parser().parse_args(words)
            run: Callable[[argparse.Namespace], None] = arguments.run
            _own_types(arguments)
            run(arguments)
        except UsageError as error:
            return _say(error, MISUSED)
        except GeoguichetError as error:
            return _say(error, REFUSED)
        except KeyboardInterrupt:
            return _say(_("interrompu ; aucun résultat n'est écrit à moitié."), INTERRUPTED)
        except BrokenPipeError:
            # The reader of our output (head, less) has seen enough; point stdout elsewhere so that
            # closing it stays silent.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


# Add the types of service of the workspace to ours, before anything reads them.
def _own_types(arguments: argparse.Namespace) -> None:
    declared = workspace_of(arguments) / "types.toml" if hasattr(arguments, "workspace") else None
    if declared is not None and declared.is_file():
        from geoguichet.referentials.directory.services import add_types

        add_types(declared)


def _say(message: object, code: int) -> int:
    sentence = _("geoguichet : {message}", message=message)
    print(one_line(sentence), file=sys.stderr)
    return code


def _parser() -> argparse.ArgumentParser:
    description = _(
        "Le catalogue géographique d'une région, ses zones blanches de services, ses visioguichets."
    )
    parser = Parser(prog="geoguichet", description=description)
    parser.add_argument("--version", action=_Version, help=_("dire la version et sortir"))
    add_commands(parser, GROUPS)
    return parser


class _Version(argparse.Action):
    def __init__(self, option_strings: Sequence[str], dest: str, help: str | None = None) -> None:
        super().__init__(option_strings, dest, nargs=0, default=argparse.SUPPRESS, help=help)

    def __call__(self, parser: argparse.ArgumentParser, *_unused: object) -> NoReturn:
        from importlib.metadata import version

        print(f"geoguichet {version('geoguichet')}")
        parser.exit()


@command(
    "serve",
    Message("ouvrir l'API OGC et ses pages"),
    argument(
        "--host",
        default="127.0.0.1",
        metavar=Message("ADRESSE"),
        help=Message("adresse d'écoute (127.0.0.1)"),
    ),
    argument(
        "--url",
        metavar="URL",
        help=Message("l'adresse publique, quand ce n'est pas http://ADRESSE:PORT"),
    ),
    argument(
        "--port",
        type=whole(Message("un port de 1 à 65535 est attendu, {given} est donné"), most=65535),
        default=5000,
        metavar="PORT",
        help=Message("port d'écoute (5000)"),
    ),
    argument(
        "--workers",
        type=whole(
            Message("un nombre de processus de 1 à 64 est attendu, {given} est donné"), most=64
        ),
        default=1,
        metavar="N",
        help=Message("combien de processus répondent, sur le même port (1)"),
    ),
    argument(
        "--editable",
        action="store_true",
        help=Message(
            "laisser modifier les fiches par HTTP : à qui a un compte qui contribue, ou "
            "porte le jeton de GEOGUICHET_TOKEN"
        ),
    ),
    argument(
        "--print-config",
        action="store_true",
        help=Message("montrer la configuration de pygeoapi pour cette région, sans rien servir"),
    ),
)
def _serve(arguments: argparse.Namespace) -> None:
    from geoguichet.floor.region import read_region
    from geoguichet.portal import theme
    from geoguichet.portal.app import serve
    from geoguichet.portal.jobs.stores import told_of_jobs
    from geoguichet.portal.people.store import People

    if arguments.host in ("", "0.0.0.0", "::") and not arguments.url:  # noqa: S104 (refused, not bound)
        raise UsageError(
            Message(
                "--host {host} écoute sur toutes les adresses ; donnez avec --url celle que les "
                "lecteurs emploieront, par exemple --url http://sig.region.example:5000.",
                host=arguments.host or Message("(vide)"),
            )
        )
    if arguments.print_config:
        from geoguichet.portal.engine import printed

        address = arguments.url or f"http://{arguments.host}:{arguments.port}"
        print(printed(workspace_of(arguments), url=address.rstrip("/")), end="")
        return
    token = os.environ.get("GEOGUICHET_TOKEN", "").strip()

    def say(address: str) -> None:
        print(
            _("Géoguichet écoute sur {address} (Ctrl-C pour arrêter).", address=address), flush=True
        )
        if arguments.editable:
            print(_by_whom(token), flush=True)
        if told := told_of_jobs():
            print(told, flush=True)
        if People(workspace_of(arguments)).in_the_clear(address):
            told = _(
                "{address} n'est pas en https : les mots de passe y passent en clair ; donnez avec "
                "--url l'adresse en https d'un serveur qui transmet.",
                address=address,
            )
            print(told, file=sys.stderr)

    for told in theme.told(read_region(workspace_of(arguments)).theme):
        print(told, file=sys.stderr)
    with suppress(KeyboardInterrupt):  # Ctrl-C is how a server is meant to stop
        serve(
            workspace_of(arguments),
            host=arguments.host,
            port=arguments.port,
            url=arguments.url,
            on_ready=say,
            editable=arguments.editable,
            token=token,
            workers=arguments.workers,
        )


@command("worker", Message("faire les calculs que l'on demande au portail, jusqu'à Ctrl-C"))
def _worker(arguments: argparse.Namespace) -> None:
    from geoguichet.portal.jobs.stores import told_of_jobs
    from geoguichet.portal.jobs.worker import work

    if told := told_of_jobs():
        print(told, flush=True)
    work(known_workspace(arguments))


# Say who may edit records by HTTP.
def _by_whom(token: str) -> str:
    return (
        _("Les fiches se modifient par HTTP, par qui porte le jeton ou a un compte qui contribue.")
        if token
        else _(
            "Les fiches se modifient par HTTP, par qui a un compte qui contribue (GEOGUICHET_TOKEN "
            "n'est pas donné)."
        )
    )


if __name__ == "__main__":
    sys.exit(main())
