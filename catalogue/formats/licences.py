"""Which licence a text names, as evidence: what the lists hold (SPDX, the EU's vocabulary,
data.gouv.fr's) asserts, prose only proposes and is to be confirmed.
"""

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import NamedTuple

from geoguichet.catalogue.formats.mapping import TO_CONFIRM
from geoguichet.catalogue.record import Record
from geoguichet.catalogue.text import fold


class _Listed(NamedTuple):
    """A licence as the lists name it; the first address is where it is read."""

    title: str
    addresses: tuple[str, ...]
    names: tuple[str, ...] = ()


#: By SPDX's identifier (the Italian and German ones as their publishers write them). Titles and
#: first addresses are data.gouv.fr's, where it has them: its consumers know them by these.
_LISTED = {
    "etalab-2.0": _Listed(
        "Licence Ouverte / Open Licence version 2.0",
        (
            "https://www.etalab.gouv.fr/licence-ouverte-open-licence",
            "etalab.gouv.fr/wp-content/uploads/2017/04/etalab-licence-ouverte-v2.0.pdf",
            "etalab.gouv.fr/wp-content/uploads/2017/04/etalab-open-licence-v2.0.pdf",
            "github.com/etalab/licence-ouverte/blob/master/lo.md",
            "raw.githubusercontent.com/etalab/licence-ouverte/master/lo.md",
        ),
        ("lov2", "licence ouverte 2.0", "licence ouverte v2.0", "licence ouverte version 2.0"),
    ),
    "etalab-1.0": _Listed(
        "Licence Ouverte / Open Licence",
        (
            "https://www.etalab.gouv.fr/wp-content/uploads/2014/05/Licence_Ouverte.pdf",
            "etalab.gouv.fr/wp-content/uploads/2014/05/open_licence.pdf",
            "ddata.over-blog.com/xxxyyy/4/37/99/26/licence/licence-ouverte-open-licence.pdf",
        ),
        ("fr-lo", "licence ouverte 1.0", "licence ouverte v1.0", "licence ouverte version 1.0"),
    ),
    "ODbL-1.0": _Listed(
        "Open Data Commons Open Database License (ODbL)",
        (
            "http://opendatacommons.org/licenses/odbl/summary/",
            "opendatacommons.org/licenses/odbl",
            "opendatacommons.org/licenses/odbl/1-0",
            "opendatacommons.org/licenses/odbl/1.0",
            "opendefinition.org/licenses/odc-odbl",
            "vvlibri.org/fr/licence/odbl/10/fr",
        ),
        ("odbl", "odc-odbl", "odc bl", "open database license", "open database licence"),
    ),
    "ODC-By-1.0": _Listed(
        "Open Data Commons Attribution License",
        (
            "http://opendatacommons.org/licenses/by/summary/",
            "opendatacommons.org/licenses/by",
            "opendatacommons.org/licenses/by/1-0",
            "opendatacommons.org/licenses/by/1.0",
        ),
        ("odc-by",),
    ),
    "PDDL-1.0": _Listed(
        "Open Data Commons Public Domain Dedication and Licence (PDDL)",
        (
            "http://opendatacommons.org/licenses/pddl/summary/",
            "opendatacommons.org/licenses/pddl",
            "opendatacommons.org/licenses/pddl/1-0",
            "opendatacommons.org/licenses/pddl/1.0",
        ),
        ("pddl", "odc-pddl"),
    ),
    "CC0-1.0": _Listed(
        "Creative Commons CCZero",
        (
            "http://creativecommons.org/publicdomain/zero/1.0/",
            "opendefinition.org/licenses/cc-zero",
        ),
        ("cc0", "cc-zero", "cc zero 1.0", "creative commons zero"),
    ),
    "OGL-UK-3.0": _Listed(
        "Open Government Licence v3.0",
        ("http://www.nationalarchives.gov.uk/doc/open-government-licence/version/3/",),
        ("ogl 3.0", "uk-ogl 3.0", "open government licence 3.0"),
    ),
    "OGL-UK-2.0": _Listed(
        "Open Government Licence v2.0",
        ("http://www.nationalarchives.gov.uk/doc/open-government-licence/version/2/",),
        ("ogl 2.0",),
    ),
    "IODL-2.0": _Listed(
        "Italian Open Data License 2.0", ("https://www.dati.gov.it/iodl/2.0/",), ("iodl 2.0",)
    ),
    "dl-de-by-2.0": _Listed(
        "Datenlizenz Deutschland Namensnennung 2.0",
        ("https://www.govdata.de/dl-de/by-2-0",),
        ("dl-de/by-2-0",),
    ),
    "dl-de-zero-2.0": _Listed(
        "Datenlizenz Deutschland Zero 2.0",
        ("https://www.govdata.de/dl-de/zero-2-0",),
        ("dl-de/zero-2-0",),
    ),
    "EUPL-1.2": _Listed(
        "European Union Public Licence 1.2",
        ("https://eupl.eu/1.2/en/", "joinup.ec.europa.eu/collection/eupl/eupl-text-eupl-12"),
    ),
    "NLOD-2.0": _Listed(
        "Norwegian Licence for Open Government Data 2.0", ("https://data.norge.no/nlod/en/2.0",)
    ),
    "MIT": _Listed("MIT License", ("https://opensource.org/licenses/MIT",)),
    "Apache-2.0": _Listed(
        "Apache License 2.0", ("https://www.apache.org/licenses/LICENSE-2.0",), ("apache 2.0",)
    ),
}

_APART = re.compile(r"[\W_]+")


def _plain(text: str) -> str:
    return _APART.sub(" ", fold(text)).strip()


# Return an address without what changes nothing of where it leads.
def _at(address: str) -> str:
    place = re.sub(r"^[a-z]+://", "", fold(address.strip().rstrip(".,;)")))
    place = place.partition("#")[0].removeprefix("www.").rstrip("/").removesuffix(".html")
    return re.sub(r"/(?:legalcode|deed)(?:\.[a-z-]+)?$", "", place)


_NAMES = {
    _plain(name): spdx
    for spdx, listed in _LISTED.items()
    for name in (spdx, listed.title, *listed.names)
}
_ADDRESSES = {_at(place): spdx for spdx, listed in _LISTED.items() for place in listed.addresses}

_CC_ADDRESS = re.compile(r"creativecommons\.org/licenses/(by[a-z-]*)/(\d)\.(\d)(?:/.*)?")
_CC_TERMS = r"((?: ?(?:nc|nd|sa|non ?commercial|share ?alike|no ?deriv(?:s|atives?)?))*)"
_CC_NAME = re.compile(
    rf"(?:cc ?by|(?:licence )?creative commons (?:attribution|by)|attribution){_CC_TERMS}"
    r" v? ?(\d)(?: (\d))?(?: (?:international|france|unported|generic|[a-z]{2,3}))?"
    r"(?: cc by[a-z ]*(?: \d){0,2})?"
)
_SPDX_ADDRESS = re.compile(r"https?://spdx\.org/licenses/([\w.+-]+?)(?:\.html|\.json)?/?")
_EU = "publications.europa.eu/resource/authority/licence/"


@lru_cache(maxsize=4096)
def exact(text: str) -> str:
    """Return the SPDX identifier of the licence that a text or an address is; empty when it is the
    name of none that the lists hold.

    >>> exact("http://publications.europa.eu/resource/authority/licence/CC_BYNC_4_0")
    'CC-BY-NC-4.0'
    >>> exact("CC BY 2.0 FR"), exact("sous licence ouverte")
    ('CC-BY-2.0', '')
    """
    text = text.strip()
    if match := _SPDX_ADDRESS.fullmatch(text):
        return match[1]
    place = _at(text)
    if place.startswith(_EU):
        text = place.removeprefix(_EU)
    elif match := _CC_ADDRESS.fullmatch(place):
        return f"CC-{match[1].upper()}-{match[2]}.{match[3]}"
    elif place in _ADDRESSES:
        return _ADDRESSES[place]
    name = _plain(text)
    if match := _CC_NAME.fullmatch(name):
        return f"CC-BY{_terms(match[1])}-{match[2]}.{match[3] or 0}"
    return _NAMES.get(name, "")


# Return the terms of a licence of Creative Commons, in their order.
def _terms(words: str) -> str:
    said = {"NC": r"nc|non ?c", "ND": "nd|no ?d", "SA": "sa|share"}
    return "".join(f"-{term}" for term, pattern in said.items() if re.search(pattern, words))


#: What prose may mean; the version is kept where it says one.
_PROSE: tuple[tuple[str, re.Pattern[str]], ...] = tuple(
    (spdx, re.compile(pattern))
    for spdx, pattern in (
        ("etalab-1.0", r"licence[ _]ouverte[^.;]{0,30}(?:1\.0|v1\b)"),
        ("etalab-2.0", r"licence[ _]ouverte|open[- ]licence|etalab-2|etalab\.gouv\.fr/licence"),
        ("ODbL-1.0", r"odbl|open database licen[sc]e"),
        ("ODC-By-1.0", r"odc-by|open data commons attribution"),
        ("PDDL-1.0", r"\bpddl\b"),
        ("CC0-1.0", r"\bcc[- ]?(?:0|zero)\b"),
        ("OGL-UK-3.0", r"open government licence[^.]{0,12}3"),
        ("IODL-2.0", r"\biodl\b.{0,8}2|italian open data license"),
        ("dl-de-by-2.0", r"dl-de[/-]by|datenlizenz deutschland[^.]{0,20}namensnennung"),
        ("dl-de-zero-2.0", r"dl-de[/-]zero"),
        ("EUPL-1.2", r"\beupl\b"),
    )
)
_CC_PROSE = re.compile(
    r"(?:\bcc[- _]?by\b|creative commons[ -]attribution)((?:[-_ ](?:nc|nd|sa))*)"
    r"(?:[-_ ]v?(\d)(?:\.(\d))?)?"
)
_DENIED = re.compile(r"\b(?:pas|non|ni|sans|aucune?|hors|sauf|jamais|not?|never|without|except)\b")
_COMMERCIAL = re.compile(r"non[- ]?commercia|(?:pas|not|without|sans|no) [^.;]{0,30}commercia")
_ADDRESS = re.compile(r"https?://[^\s<>\"']+")
_SENTENCE = re.compile(r"[;\n]|\.(?:\s|$)")


@lru_cache(maxsize=4096)
def proposed(text: str) -> str:
    """Return the SPDX identifier of the licence that prose seems to name; empty when it names none,
    denies it, or keeps commerce out of one that lets it in.
    """
    for sentence in _SENTENCE.split(fold(text)):
        found = [
            (match.start(), spdx) for spdx, words in _PROSE if (match := words.search(sentence))
        ]
        if match := _CC_PROSE.search(sentence):
            version = f"{match[2] or 4}.{match[3] or 0}"
            found.append((match.start(), f"CC-BY{_terms(match[1])}-{version}"))
        for at, spdx in sorted(found, key=lambda pair: pair[0]):
            shut = "-NC" not in spdx and _COMMERCIAL.search(fold(text))
            if not shut and not _DENIED.search(sentence[:at]):
                return spdx
    return ""


# Return the licences whose addresses stand in prose that denies nothing.
def _addressed(text: str) -> list[str]:
    if "://" not in text or _DENIED.search(fold(_ADDRESS.sub(" ", text))):
        return []
    return list(filter(None, map(exact, _ADDRESS.findall(text))))


def licence_of(texts: Iterable[str]) -> str:
    """Return the SPDX identifier of the one licence that texts assert; of what they only propose,
    or of several that they assert, the first `TO_CONFIRM`; empty when they name none.
    """
    told = list(texts)
    sure = list(filter(None, map(exact, told))) or [
        one for text in told for one in _addressed(text)
    ]
    if len(set(sure)) == 1:
        return sure[0]
    named = sure or list(filter(None, map(proposed, told)))
    return named[0] + TO_CONFIRM if named else ""


def title_of(spdx: str) -> str:
    """Return the title of a licence, data.gouv.fr's where it has one."""
    return _LISTED[spdx].title if spdx in _LISTED else spdx


def address_of(spdx: str) -> str:
    """Return the address where a licence is read; empty for one that is not known."""
    if spdx in _LISTED:
        return _LISTED[spdx].addresses[0]
    if spdx.startswith("CC-"):
        terms, _, version = spdx[3:].lower().rpartition("-")
        return f"http://creativecommons.org/licenses/{terms}/{version}/"
    return f"https://spdx.org/licenses/{spdx}" if spdx not in ("", "other") else ""


def asserted(record: Record) -> str:
    """Return the licence of a record as others may be told it: empty while it is to be
    confirmed.
    """
    return "" if record.extra_properties.get("licenseStatus") else record.license
