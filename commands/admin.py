"""``geoguichet admin``: the accounts of a workspace, from the machine that holds it."""

from __future__ import annotations

import argparse
import getpass
import sys
from typing import TYPE_CHECKING

from geoguichet.commands.arguments import JSON, NAME, argument, command, workspace_of
from geoguichet.commands.printing import print_json
from geoguichet.floor.errors import UsageError
from geoguichet.floor.words import Message, _

if TYPE_CHECKING:
    import sqlite3

    from geoguichet.portal.people.accounts import Person
    from geoguichet.portal.people.store import People

#: Who does what the command line does, in the journal.
_MACHINE = "machine"
_EMAIL = argument("email", metavar=Message("ADRESSE"), help=Message("son adresse électronique"))


@command(
    "admin create",
    Message("ouvrir le compte d'un administrateur, le premier ou un autre"),
    _EMAIL,
    argument("--name", required=True, metavar=NAME, help=Message("son nom")),
    argument(
        "--siren",
        required=True,
        metavar="SIREN",
        help=Message("le SIREN de son organisme ; celui du premier tient le portail"),
    ),
    argument(
        "--organisation", metavar=NAME, help=Message("le nom de l'organisme, s'il est nouveau")
    ),
    argument(
        "--kind",
        default="region",
        choices=("region", "departement", "epci", "commune", "state", "other"),
        help=Message("ce qu'est l'organisme (region)"),
    ),
    argument(
        "--territory", default="", metavar="CODES", help=Message("le territoire de l'organisme")
    ),
    argument(
        "--password-stdin",
        action="store_true",
        help=Message("lire le mot de passe sur l'entrée, sans le demander"),
    ),
)
def _create(arguments: argparse.Namespace) -> None:
    from geoguichet.portal.people import accounts, links

    people = _people(arguments)
    email = accounts.email_key(arguments.email)
    siren = "".join(arguments.siren.split())
    names = (email, arguments.name)
    hashed = links.checked(_password(from_input=arguments.password_stdin), *names)
    if not people.exist and not (arguments.organisation and accounts.is_siren(siren)):
        # Nothing is made of what would be refused in a moment.
        raise UsageError(
            Message("--organisation et --siren (9 chiffres, dont le dernier vérifie les autres) "
                    "sont attendus pour le premier administrateur.")
        )  # fmt: skip
    people.create()
    with people.write() as base:
        if accounts.find_organisation(base, siren) is None:
            told = (arguments.organisation or "", arguments.kind, arguments.territory)
            accounts.add_organisation(base, siren, *told, by=_MACHINE)
        made = accounts.add(
            base, email, arguments.name, hashed, siren=siren, role="administrator", by=_MACHINE
        )
    print(_("{person} : compte ouvert pour {email}.", person=made.pseudonym, email=email))


@command("admin list", Message("dire qui a un compte, et avec quels rôles"), JSON)
def _list(arguments: argparse.Namespace) -> None:
    from geoguichet.portal.people import accounts

    people = _people(arguments)
    with people.read() as base:
        found, places = accounts.people(base), accounts.organisations(base)
    if arguments.json:
        print_json(
            [
                {
                    "person": one.pseudonym, "name": one.name, "email": one.email,
                    "state": one.state, "roles": dict(sorted(one.roles)),
                }
                for one in found
            ]
        )  # fmt: skip
        return
    states = {"active": _("actif"), "suspended": _("suspendu")}
    for one in found:
        words = accounts.ROLE_WORDS
        roles = [
            words[role][1].given(organisation=places[siren].name)
            for siren, role in sorted(one.roles)
        ]
        told = " · ".join(map(str, (one.name, one.email, states[one.state], *roles)))
        print(f"{one.pseudonym:5} {told}")


@command("admin suspend", Message("ne plus laisser entrer une personne"), _EMAIL)
def _suspend(arguments: argparse.Namespace) -> None:
    from geoguichet.portal.people import accounts

    with _existing(arguments).write() as base:
        accounts.suspend(base, _found(base, arguments), by=_MACHINE)
    print(_("{email} : compte suspendu, sessions fermées.", email=arguments.email))


@command(
    "admin reset",
    Message(
        "donner le lien par lequel une personne, suspendue ou non, choisit un nouveau mot de passe"
    ),
    _EMAIL,
    argument(
        "--url",
        default="http://127.0.0.1:5000",
        metavar="URL",
        help=Message("l'adresse publique du portail (http://127.0.0.1:5000)"),
    ),
)
def _reset(arguments: argparse.Namespace) -> None:
    from geoguichet.portal.people import accounts, links

    with _existing(arguments).write() as base:
        person = _found(base, arguments)
        if person.state == "suspended":
            accounts.restore(base, person, by=_MACHINE)
        made = links.reset(base, person, by=_MACHINE)
    print(_("Ce lien sert une fois, pendant un jour :"))
    print(f"{arguments.url.rstrip('/')}/acces/{made}")


@command(
    "admin erase",
    Message("effacer le nom et l'adresse d'une personne ; le journal garde son pseudonyme"),
    _EMAIL,
)
def _erase(arguments: argparse.Namespace) -> None:
    from geoguichet.portal.people import accounts

    people = _existing(arguments)
    with people.write() as base:
        person = _found(base, arguments)
        accounts.erase(base, person, by=_MACHINE)
    people.forget()
    print(_("{person} : nom et adresse effacés.", person=person.pseudonym))


def _people(arguments: argparse.Namespace) -> People:
    from geoguichet.portal.people.store import People

    return People(workspace_of(arguments))


def _existing(arguments: argparse.Namespace) -> People:
    people = _people(arguments)
    if not people.exist:
        raise UsageError(
            Message("{folder} n'a pas de compte ; « geoguichet admin create » ouvre le premier.",
                    folder=workspace_of(arguments))
        )  # fmt: skip
    return people


def _found(base: sqlite3.Connection, arguments: argparse.Namespace) -> Person:
    from geoguichet.portal.people import accounts

    person = accounts.of_email(base, arguments.email)
    if person is None:
        raise UsageError(
            Message("{email} : aucun compte n'a cette adresse.", email=arguments.email)
        )
    return person


# Return the password that is typed twice unseen, or the first line of the input; no argument is one:
# it would stand in the history of the shell.
def _password(*, from_input: bool) -> str:
    if from_input:
        return sys.stdin.readline().rstrip("\r\n")
    first = getpass.getpass(_("Mot de passe : "))
    if getpass.getpass(_("Encore une fois : ")) != first:
        raise UsageError(Message("les deux mots de passe diffèrent ; rien n'est fait."))
    return first
