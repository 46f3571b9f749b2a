"""To be used how: where the data comes from, under which licence, from whom, at which address, in
which format.
"""

import re
from collections.abc import Iterator

from geoguichet.catalogue.formats import codes
from geoguichet.catalogue.formats.mapping import beyond, said
from geoguichet.catalogue.quality.rules.rule import (
    DATA,
    Context,
    Fault,
    Rule,
    Told,
    asked,
    needs,
)
from geoguichet.catalogue.record import Contact, Record
from geoguichet.floor.words import Message


def _access(record: Record, _: Context) -> Iterator[Message]:
    if (
        not any(
            item.get("access") or item.get("other") for item in said(record, "constraints") or ()
        )
        and not record.rights
    ):
        yield Message(
            "les restrictions d'accès public ne sont pas dites (« pas de restriction » se dit "
            "aussi)."
        )


def _licence(record: Record, _: Context) -> Iterator[Message]:
    named = record.license
    if not named and not record.rights:
        yield Message("aucune licence ni condition d'utilisation.")
    elif not named or not codes.licence(named):
        told = (named if named not in ("", "other") else record.rights)[:60]
        yield (
            Message(
                "la licence n'est pas reconnue (ni SPDX, ni Licence Ouverte) : « {told} ».",
                told=told,
            )
            if told
            else Message("la licence n'est pas reconnue (ni SPDX, ni Licence Ouverte).")
        )


def _responsible(record: Record, _: Context) -> Iterator[Message | Fault]:
    yield from _reachable(
        [(at, item) for at, item in enumerate(record.contacts) if not item.extra.get("about")],
        Message("responsable de la ressource"),
    )


def _metadata_contact(record: Record, _: Context) -> Iterator[Message | Fault]:
    contacts = [
        (at, item)
        for at, item in enumerate(record.contacts)
        if item.extra.get("about") == "metadata"
    ]
    yield from _reachable(contacts, Message("contact pour la fiche"))


def _reachable(contacts: list[tuple[int, Contact]], what: Message) -> Iterator[Message | Fault]:
    if not contacts:
        yield Message("aucun {what}.", what=what)
    elif not any(contact.organization and contact.emails for _, contact in contacts):
        yield Message(
            "aucun {what} n'a à la fois un organisme et une adresse électronique.", what=what
        )
    for at, contact in contacts:
        for number, point in enumerate(contact.emails):
            if not re.fullmatch(r"[^@\s]+@[^@\s]+\.[^@\s]+", point.value):
                wrong = Message(
                    "« {address} » n'est pas une adresse électronique.", address=point.value[:60]
                )
                yield Fault(f"properties.contacts[{at}].emails[{number}].value", wrong)


def _located(record: Record, _: Context) -> Iterator[Message]:
    if not any(
        link.rel not in ("preview", "icon", "self", "alternate", "license") for link in record.links
    ):
        yield Message("aucun lien vers la ressource.")


_DATE = Message("une date AAAA-MM-JJ est attendue")
#: Member -> what was expected there; in French the reader of the format says it.
_EXPECTED = {
    "geometry": Message("des degrés (WGS 84) sont attendus : ouest, sud, est, nord"),
    **dict.fromkeys(("time", "dates", "updated", "created"), _DATE),
}
_UNCLEAR = Message("cela n'a pas pu être compris")


def _unreadable(record: Record, _: Context) -> Iterator[Fault]:
    for part in beyond(record).get("unreadable", ()):
        member, place = str(part.get("member", "")), str(part.get("path", ""))
        told = {
            "place": place,
            "text": str(part.get("text", ""))[:60],
            "reason": Told(str(part.get("reason", "")), _EXPECTED.get(member, _UNCLEAR)),
        }
        yield Fault(
            member if member in ("geometry", "time") else f"properties.{member}",
            Message(
                "ligne {line} : {place} dit « {text} » : {reason}.", line=str(part["line"]), **told
            )
            if part.get("line")
            else Message("{place} dit « {text} » : {reason}.", **told),
            place,
        )


RULES: tuple[Rule, ...] = (
    Rule(
        "lineage",
        Message("la généalogie"),
        "lineage",
        5,
        "error",
        needs("lineage", Message("la généalogie n'est pas dite.")),
        asked("1.10", Message("On ne se fie qu'à une donnée dont on sait l'origine")),
        Message("Dire les sources et les traitements."),
        DATA,
    ),
    Rule(
        "conformity",
        Message("la conformité"),
        "conformity",
        3,
        "warning",
        needs("conformity", Message("la conformité n'est pas dite.")),
        asked("1.11", Message("Même « non évaluée » se dit")),
        Message("Citer le règlement 1089/2010 et le résultat."),
        DATA,
    ),
    Rule(
        "access",
        Message("les restrictions d'accès"),
        "constraints",
        4,
        "warning",
        _access,
        asked("C.17"),
        Message("Dire les restrictions, ou qu'il n'y en a pas."),
    ),
    Rule(
        "licence",
        Message("la licence"),
        "license",
        6,
        "warning",
        _licence,
        Message("Sans licence claire, la donnée ne peut pas être réutilisée."),
        Message(
            "Choisir une licence connue : Licence Ouverte 2.0 (etalab-2.0), ODbL-1.0, CC-BY-4.0."
        ),
    ),
    Rule(
        "responsible",
        Message("le responsable et son courriel"),
        "contacts",
        6,
        "error",
        _responsible,
        asked("C.10", Message("Il faut savoir à qui s'adresser")),
        Message("Donner organisme, courriel et rôle."),
    ),
    Rule(
        "metadata-contact",
        Message("le contact pour la fiche"),
        "contacts.metadata",
        2,
        "warning",
        _metadata_contact,
        asked("C.6", Message("Une erreur dans la fiche se signale à quelqu'un")),
        Message("Donner l'organisme et le courriel de qui tient la fiche."),
    ),
    Rule(
        "metadata-date",
        Message("la date de la fiche"),
        "updated",
        2,
        "warning",
        needs("updated", Message("la date de la fiche n'est pas dite.")),
        asked("C.7"),
        Message("Dater la fiche."),
    ),
    Rule(
        "metadata-language",
        Message("la langue de la fiche"),
        "language",
        1,
        "warning",
        needs("language", Message("la langue de la fiche n'est pas dite.")),
        asked("C.5"),
        Message("Donner la langue de la fiche, par exemple fr."),
    ),
    Rule(
        "format",
        Message("le format"),
        "formats",
        2,
        "info",
        needs("formats", Message("le format de distribution n'est pas dit.")),
        asked("2.3"),
        Message("Donner le format et sa version."),
        DATA,
    ),
    Rule(
        "location",
        Message("un lien vers la ressource"),
        "links",
        5,
        "warning",
        _located,
        Message("Une fiche sans lien ne mène à rien."),
        Message("Ajouter l'adresse du téléchargement ou du service."),
    ),
    Rule(
        "service-type",
        Message("le type de service"),
        "serviceType",
        4,
        "error",
        needs("serviceType", Message("le type de service n'est pas dit.")),
        asked("3.4"),
        Message("Choisir view, download, discovery ou transformation."),
        ("service",),
    ),
    Rule(
        "unreadable",
        Message("ce qui n'a pu être lu"),
        "unreadable",
        5,
        "error",
        _unreadable,
        Message("Ce que la source dit là n'a pas pu être compris ; la fiche ne le dit donc pas."),
        Message("Corriger le document d'origine."),
    ),
)
