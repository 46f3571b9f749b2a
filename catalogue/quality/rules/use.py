"""To be used how: where the data comes from, under which licence, from whom, at which address, in
which format.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from geoguichet.catalogue.formats import codes
from geoguichet.catalogue.formats.mapping import said
from geoguichet.catalogue.quality.rules.rule import DATA, Context, Fault, Rule, Words, asked, needs
from geoguichet.catalogue.record import Contact, Record


def _access(record: Record, _: Context) -> Iterator[Words]:
    constraints = said(record, "constraints") or ()
    if (
        not any(item.get("access") or item.get("other") for item in constraints)
        and not record.rights
    ):
        yield Words(
            "les restrictions d'accès public ne sont pas dites (« pas de restriction » se dit "
            "aussi).",
            "limitations on public access are not given (“no limitation” is to be said too).",
        )


def _licence(record: Record, _: Context) -> Iterator[Words]:
    named = record.license
    if not named and not record.rights:
        yield Words(
            "aucune licence ni condition d'utilisation.", "no licence, nor conditions of use."
        )
    elif not named or not codes.licence(named):
        told = (named if named not in ("", "other") else record.rights)[:60]
        french, english = (f" : « {told} »", f": “{told}”") if told else ("", "")
        yield Words(
            f"la licence n'est pas reconnue (ni SPDX, ni Licence Ouverte){french}.",
            f"the licence is not recognised (neither SPDX nor Licence Ouverte){english}.",
        )


def _responsible(record: Record, _: Context) -> Iterator[Words | Fault]:
    contacts = [
        (at, item) for at, item in enumerate(record.contacts) if not item.extra.get("about")
    ]
    yield from _reachable(
        contacts, Words("responsable de la ressource", "party responsible for the resource")
    )


def _metadata_contact(record: Record, _: Context) -> Iterator[Words | Fault]:
    contacts = [
        (at, item)
        for at, item in enumerate(record.contacts)
        if item.extra.get("about") == "metadata"
    ]
    yield from _reachable(contacts, Words("contact pour la fiche", "contact for the record"))


def _reachable(contacts: list[tuple[int, Contact]], what: Words) -> Iterator[Words | Fault]:
    if not contacts:
        yield Words(f"aucun {what.fr}.", f"no {what.en}.")
    elif not any(contact.organization and contact.emails for _, contact in contacts):
        yield Words(
            f"aucun {what.fr} n'a à la fois un organisme et une adresse électronique.",
            f"no {what.en} has both an organisation and an e-mail address.",
        )
    for at, contact in contacts:
        for number, point in enumerate(contact.emails):
            if not re.fullmatch(r"[^@\s]+@[^@\s]+\.[^@\s]+", point.value):
                words = Words(
                    f"« {point.value[:60]} » n'est pas une adresse électronique.",
                    f"“{point.value[:60]}” is no e-mail address.",
                )
                yield Fault(f"properties.contacts[{at}].emails[{number}].value", words)


def _located(record: Record, _: Context) -> Iterator[Words]:
    if not any(
        link.rel not in ("preview", "icon", "self", "alternate", "license") for link in record.links
    ):
        yield Words("aucun lien vers la ressource.", "no link to the resource.")


def _unreadable(record: Record, _: Context) -> Iterator[Fault]:
    for part in said(record, "unreadable") or ():
        text, member = str(part.get("text", ""))[:60], str(part.get("member", ""))
        line = (
            (f"ligne {part['line']} : ", f"line {part['line']}: ") if part.get("line") else ("", "")
        )
        place = str(part.get("path", ""))
        words = Words(
            f"{line[0]}{place} dit « {text} » : {part.get('reason', '')}.",
            f"{line[1]}{place} says “{text}”: "
            f"{_EXPECTED.get(member, 'this could not be understood')}.",
        )
        yield Fault(
            member if member in ("geometry", "time") else f"properties.{member}", words, place
        )


_EXPECTED = {
    "geometry": "degrees (WGS 84) are expected, west then south then east then north",
    **dict.fromkeys(("time", "dates", "updated", "created"), "a date YYYY-MM-DD is expected"),
}
"""Member -> what was expected there, in English; in French the reader of the format says it."""


RULES: tuple[Rule, ...] = (
    Rule(
        "lineage",
        Words("la généalogie", "the lineage"),
        "lineage",
        5,
        "error",
        needs("lineage", "la généalogie n'est pas dite.", "the lineage is not given."),
        asked(
            "1.10",
            "On ne se fie qu'à une donnée dont on sait l'origine",
            "Only data whose origin is known is trusted",
        ),
        Words(
            "Dire les sources et les traitements.", "Tell the sources and what was done with them."
        ),
        DATA,
    ),
    Rule(
        "conformity",
        Words("la conformité", "conformity"),
        "conformity",
        3,
        "warning",
        needs("conformity", "la conformité n'est pas dite.", "conformity is not given."),
        asked("1.11", "Même « non évaluée » se dit", "Even “not evaluated” is to be said"),
        Words(
            "Citer le règlement 1089/2010 et le résultat.",
            "Cite the regulation 1089/2010 and the result.",
        ),
        DATA,
    ),
    Rule(
        "access",
        Words("les restrictions d'accès", "limitations on access"),
        "constraints",
        4,
        "warning",
        _access,
        asked("C.17"),
        Words(
            "Dire les restrictions, ou qu'il n'y en a pas.",
            "Tell the limitations, or that there are none.",
        ),
    ),
    Rule(
        "licence",
        Words("la licence", "the licence"),
        "license",
        6,
        "warning",
        _licence,
        Words(
            "Sans licence claire, la donnée ne peut pas être réutilisée.",
            "Without a clear licence, the data cannot be used again.",
        ),
        Words(
            "Choisir une licence connue : Licence Ouverte 2.0 (etalab-2.0), ODbL-1.0, CC-BY-4.0.",
            "Choose a known licence: Licence Ouverte 2.0 (etalab-2.0), ODbL-1.0, CC-BY-4.0.",
        ),
    ),
    Rule(
        "responsible",
        Words("le responsable et son courriel", "the responsible party and its e-mail"),
        "contacts",
        6,
        "error",
        _responsible,
        asked("C.10", "Il faut savoir à qui s'adresser", "One must know whom to ask"),
        Words(
            "Donner organisme, courriel et rôle.",
            "Give an organisation, an e-mail address and a role.",
        ),
    ),
    Rule(
        "metadata-contact",
        Words("le contact pour la fiche", "the contact for the record"),
        "contacts.metadata",
        2,
        "warning",
        _metadata_contact,
        asked(
            "C.6",
            "Une erreur dans la fiche se signale à quelqu'un",
            "A mistake in the record is reported to someone",
        ),
        Words(
            "Donner l'organisme et le courriel de qui tient la fiche.",
            "Give the organisation and e-mail address of who keeps the record.",
        ),
    ),
    Rule(
        "metadata-date",
        Words("la date de la fiche", "the date of the record"),
        "updated",
        2,
        "warning",
        needs(
            "updated", "la date de la fiche n'est pas dite.", "the date of the record is not given."
        ),
        asked("C.7"),
        Words("Dater la fiche.", "Date the record."),
    ),
    Rule(
        "metadata-language",
        Words("la langue de la fiche", "the language of the record"),
        "language",
        1,
        "warning",
        needs(
            "language",
            "la langue de la fiche n'est pas dite.",
            "the language of the record is not given.",
        ),
        asked("C.5"),
        Words(
            "Donner la langue de la fiche, par exemple fr.",
            "Give the language of the record, for instance fr.",
        ),
    ),
    Rule(
        "format",
        Words("le format", "the format"),
        "formats",
        2,
        "info",
        needs(
            "formats",
            "le format de distribution n'est pas dit.",
            "the distribution format is not given.",
        ),
        asked("2.3"),
        Words("Donner le format et sa version.", "Give the format and its version."),
        DATA,
    ),
    Rule(
        "location",
        Words("un lien vers la ressource", "a link to the resource"),
        "links",
        5,
        "warning",
        _located,
        Words("Une fiche sans lien ne mène à rien.", "A record without a link leads nowhere."),
        Words(
            "Ajouter l'adresse du téléchargement ou du service.",
            "Add the address of the download or of the service.",
        ),
    ),
    Rule(
        "service-type",
        Words("le type de service", "the type of service"),
        "serviceType",
        4,
        "error",
        needs(
            "serviceType", "le type de service n'est pas dit.", "the type of service is not given."
        ),
        asked("3.4"),
        Words(
            "Choisir view, download, discovery ou transformation.",
            "Choose view, download, discovery or transformation.",
        ),
        ("service",),
    ),
    Rule(
        "unreadable",
        Words("ce qui n'a pu être lu", "what could not be read"),
        "unreadable",
        5,
        "error",
        _unreadable,
        Words(
            "Ce que la source dit là n'a pas pu être compris ; la fiche ne le dit donc pas.",
            "What the source says there could not be understood; the record is therefore silent "
            "about it.",
        ),
        Words("Corriger le document d'origine.", "Correct the source document."),
    ),
)
