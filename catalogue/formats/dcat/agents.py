"""Who answers for a resource, in DCAT: by vCard where a contact is, by FOAF elsewhere."""

from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import quote

from rdflib import URIRef
from rdflib.namespace import DCTERMS, FOAF, RDF

from geoguichet.catalogue.formats.dcat.rdf import (
    LOCN,
    LOCN_ADDRESS,
    NOTHING,
    VCARD,
    VCARD_ADDRESS,
    Thing,
    term,
)
from geoguichet.catalogue.record import Contact


class Terms(NamedTuple):
    """How a vocabulary says who somebody is."""

    person: URIRef
    organization: URIRef
    kind: URIRef
    name: URIRef
    email: URIRef
    phone: URIRef
    page: URIRef
    address: URIRef
    postal: URIRef
    lines: Mapping[str, str]


IN_VCARD = Terms(
    *(VCARD.Individual, VCARD.Organization, VCARD.Kind, VCARD.fn),
    *(VCARD.hasEmail, VCARD.hasTelephone, VCARD.hasURL),
    *(VCARD.hasAddress, VCARD.Address, VCARD_ADDRESS),
)
_IN_FOAF = Terms(
    *(FOAF.Person, FOAF.Organization, FOAF.Agent, FOAF.name, FOAF.mbox, FOAF.phone, FOAF.homepage),
    *(LOCN.address, LOCN.Address, LOCN_ADDRESS),
)


def agent(contact: Contact, terms: Terms = _IN_FOAF) -> Thing:
    """Make an agent."""
    return Thing(
        terms.person if contact.name else terms.organization,
        {
            RDF.type: terms.kind,
            terms.name: contact.name or contact.organization or NOTHING,
            VCARD["organization-name"]: contact.organization if contact.name else "",
            VCARD.role: contact.position,
            DCTERMS.identifier: contact.extra.get("identifier"),
            terms.email: [address_of(f"mailto:{point.value}") for point in contact.emails],
            terms.phone: [address_of(f"tel:{point.value}") for point in contact.phones],
            terms.page: [address_of(link.href) for link in contact.links],
            terms.address: [
                Thing(
                    terms.postal,
                    {term(to): _line(postal.get(name)) for name, to in terms.lines.items()},
                )
                for postal in contact.extra.get("addresses") or ()
            ],
        },
    )


def _line(told: str | list[str] | None) -> str:
    return told if isinstance(told, str) else ", ".join(told or ())


_UNSAFE = ' <>"{}|\\^`\n\r\t'


def address_of(text: str) -> URIRef:
    """Return an address that RDF may hold: what it may not is percent-encoded."""
    return URIRef(
        "".join(quote(letter) if letter in _UNSAFE else letter for letter in text.strip())
    )
