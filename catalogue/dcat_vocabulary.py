"""The vocabularies of DCAT-AP 3 and GeoDCAT-AP, and the addresses that stand for what RDF cannot say."""

from __future__ import annotations

from urllib.parse import unquote

from rdflib import Namespace
from rdflib.namespace import DCTERMS

ADMS = Namespace("http://www.w3.org/ns/adms#")
DCAT = Namespace("http://www.w3.org/ns/dcat#")
DQV = Namespace("http://www.w3.org/ns/dqv#")
GEODCAT = Namespace("http://data.europa.eu/930/")
GSP = Namespace("http://www.opengis.net/ont/geosparql#")
HYDRA = Namespace("http://www.w3.org/ns/hydra/core#")
LOCN = Namespace("http://www.w3.org/ns/locn#")
ORG = Namespace("http://www.w3.org/ns/org#")
SCHEMA = Namespace("http://schema.org/")
VCARD = Namespace("http://www.w3.org/2006/vcard/ns#")
BASE = "urn:x-geoguichet:record:"
RELATIVE = "urn:x-geoguichet:link:"
NOTHING = "—"
"""What stands for a mandatory text that the record does not say; it is not read back."""
INSPIRE = "http://inspire.ec.europa.eu/metadata-codelist/"
ROLE = f"{INSPIRE}ResponsiblePartyRole/"
FREQUENCY = "http://publications.europa.eu/resource/authority/frequency/"
LANGUAGE = "http://publications.europa.eu/resource/authority/language/"
MEDIA = "http://www.iana.org/assignments/media-types/"
DATES = {"publication": DCTERMS.issued, "revision": DCTERMS.modified, "creation": DCTERMS.created}
AGENTS = {"publisher": DCTERMS.publisher, "author": DCTERMS.creator, "owner": DCTERMS.rightsHolder}
CLASSES = {"series": DCAT.DatasetSeries, "service": DCAT.DataService}

VCARD_ADDRESS = {
    "deliveryPoint": VCARD["street-address"],
    "city": VCARD.locality,
    "administrativeArea": VCARD.region,
    "postalCode": VCARD["postal-code"],
    "country": VCARD["country-name"],
}
LOCN_ADDRESS = {
    "deliveryPoint": LOCN.thoroughfare,
    "city": LOCN.postName,
    "administrativeArea": LOCN.adminUnitL2,
    "postalCode": LOCN.postCode,
    "country": LOCN.adminUnitL1,
}
"""Parts of a postal address, by the names that contacts have for them."""


def tail(address: str) -> str:
    """Return the last part of an address: what names a concept that has no other name."""
    return unquote(address.rstrip("/").rpartition("/")[2])
