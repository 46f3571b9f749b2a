"""Who a region is and how its portal speaks for it: ``region.toml`` in the workspace, declared.

Every key has something that reads it; a new one is a field here. Without the file, or a name in it,
the portal is that of the embedded sample (``pygeoapi-config.yml``); a region that has a name shows
the territory it says it has, and nothing of the sample's.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

from geoguichet.floor.declaration import (
    BadKeyError,
    Listed,
    Table,
    Taken,
    Written,
    flag,
    known,
    one_of,
    read,
    seen_by,
    shortened,
    slug,
    text,
    texts,
    whole,
)
from geoguichet.floor.errors import UsageError
from geoguichet.floor.files import REGION_FILE, read_toml
from geoguichet.floor.words import SOURCE, Message, languages

FILE = REGION_FILE


# Take what ``taken`` does, for every reader, or a table of it by language, French at least.
def _spoken(taken: Taken) -> Taken:
    def by_language(value: Any, asked: object) -> dict[str, Any]:
        told = value if isinstance(value, Mapping) else {SOURCE: value}
        if SOURCE not in told:
            raise BadKeyError("le français est attendu et manque", '{key} = { fr = "…", en = "…" }')
        return {known(code, languages()): taken.read(one, asked) for code, one in told.items()}

    by_code = {"type": "object", "properties": dict.fromkeys(languages(), taken.schema)}
    return Taken(by_language, {"anyOf": [taken.schema, {**by_code, "required": [SOURCE]}]})


# Take a text of a form, ``wanted`` as a sentence names it.
def _like(form: str, wanted: Message, example: str) -> Taken:
    def fitting(value: Any, asked: object) -> str:
        if not re.fullmatch(form, text().read(value, asked)):
            raise BadKeyError(
                "{wanted} est attendue, {value} est donné",
                f'{{key}} = "{example}"',
                wanted=wanted,
                value=shortened(value),
            )
        return str(value)

    return Taken(fitting, {"type": "string", "pattern": f"^{form}$"})


#: A text by language.
type Spoken = Annotated[dict[str, str], _spoken(text())]
type Email = Annotated[
    str, _like(r"[^@\s]+@[^@\s]+", Message("une adresse électronique"), "sig@region.example")
]
type Address = Annotated[
    str, _like(r"https?://\S+", Message("une adresse web"), "https://www.region.example")
]
type Colour = Annotated[str, _like(r"#[0-9A-Fa-f]{6}", Message("une couleur #RRVVBB"), "#1D5C54")]


#: Who sees something.
type Visible = Annotated[str | tuple[str, ...], seen_by()]


@dataclass(frozen=True, kw_only=True)
class Contact(Table):
    """``[region.contact]``: who answers for the catalogue, whole: nothing of the sample's is left."""

    name: Spoken
    position: Spoken | None = None
    email: Email | None = None
    telephone: Annotated[str, text()] | None = None
    url: Address | None = None


@dataclass(frozen=True, kw_only=True)
class Identity(Table):
    """``[region]``: who publishes."""

    name: Annotated[str, text()] | None = None
    contact: Contact | None = None


@dataclass(frozen=True, kw_only=True)
class Portal(Table):
    """``[portal]``: what its pages and its API say of themselves."""

    title: Spoken | None = None
    description: Spoken | None = None
    keywords: Annotated[dict[str, tuple[str, ...]], _spoken(texts())] | None = None
    #: The languages of its pages, the first being that of who asks for none.
    languages: Annotated[tuple[str, ...], texts(lambda _: languages(), empty=False)] | None = None
    #: The study that the home page shows: its identifier.
    flagship: Annotated[str, slug()] | None = None


@dataclass(frozen=True, kw_only=True)
class Ground(Table):
    """``[territory]``: the data of the region, as ``geoguichet init`` writes them."""

    name: Annotated[str, text()] | None = None
    #: A GeoPackage, told from the folder of this file.
    data: Annotated[str, text()]


@dataclass(frozen=True, kw_only=True)
class Shown(Table):
    """``[collections.NAME]``: a layer of the territory, or one of the portal's own, and how it is
    shown.
    """

    shown: Annotated[bool, flag()] = True
    #: The layer of the territory's data; without it, the one of this name.
    layer: Annotated[str, text()] | None = None
    title: Spoken | None = None
    description: Spoken | None = None
    #: The columns that tell a row from another, and what a row is called.
    id: Annotated[str, text()] | None = None
    label: Annotated[str, text()] | None = None
    #: The columns shown first, each with its name for readers.
    columns: Annotated[
        dict[str, dict[str, str]], Written(dict[str, Spoken], lambda table, _: table)
    ] = field(default_factory=dict)
    colour: Colour | None = None


#: What the law lets a site say of its accessibility (loi 2005-102, article 47).
ACCESSIBILITY = ("totalement conforme", "partiellement conforme", "non conforme")
#: The grounds a page may have, from the warmest.
GROUNDS = ("chaud", "neutre", "froid")


@dataclass(frozen=True, kw_only=True)
class Theme(Table):
    """``[theme]``: what a region may change of the look; maps and states keep their colours."""

    principale: Colour = "#1D5C54"
    accent: Colour = "#A4452C"
    fond: Annotated[str, one_of(GROUNDS)] = "chaud"
    #: The radius of corners, in pixels.
    arrondi: Annotated[int, whole(0, 12)] = 8
    #: An SVG or PNG file, told from the folder of this file.
    logo: Annotated[str, text()] | None = None


@dataclass(frozen=True, kw_only=True)
class Licence(Table):
    """``[licence]``: under which the data may be used."""

    name: Annotated[str, text()]
    url: Address


@dataclass(frozen=True, kw_only=True)
class Legal(Table):
    """``[legal]``: what the law asks a site to tell (loi 2004-575, article 1-1)."""

    publisher: Annotated[str, text()] | None = None
    director: Annotated[str, text()] | None = None
    host: Annotated[str, text()] | None = None
    notice: Spoken | None = None
    accessibility: Annotated[str, one_of(ACCESSIBILITY)] = "non conforme"


@dataclass(frozen=True, kw_only=True)
class Source(Table):
    """``[[sources]]``: whom the data and the outlines come from, told under maps."""

    name: Annotated[str, text()]
    url: Address | None = None


@dataclass(frozen=True, kw_only=True)
class Limits(Table):
    """``[limits]``: what a record may hold, by whatever door it comes."""

    #: The document of a record, as it is stored or sent over HTTP.
    record_bytes: Annotated[int, whole(1_000, 1_000_000_000)] = 5_000_000
    #: One text of a record, in characters.
    text_length: Annotated[int, whole(100, 1_000_000_000)] = 1_000_000
    #: Its keywords, its links, or what any other list but coordinates has.
    items: Annotated[int, whole(10, 1_000_000)] = 10_000
    #: Lists and objects inside each other.
    depth: Annotated[int, whole(10, 200)] = 50


@dataclass(frozen=True, kw_only=True)
class Shares(Table):
    """``[visibility]``: what is shown to whom, where it is not to everyone: ``draft``, ``partners``,
    ``public``, or a list of SIRENs.
    """

    #: Collections of features, by name.
    collections: dict[str, Visible] = field(default_factory=dict)
    #: Referentials, by name: their collection, their feeds, the records of their versions.
    referentials: dict[str, Visible] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class SignIn(Table):
    """``[sign_in]``: where people of the region sign in already (OpenID Connect: ProConnect,
    Keycloak). The client's secret is no key: the environment names it (GEOGUICHET_OIDC_SECRET).
    """

    issuer: Address | None = None
    client_id: Annotated[str, text()] | None = None
    #: What the button says.
    name: Annotated[str, text()] = "OpenID Connect"

    def check(self, asked: Any) -> None:
        """Refuse half a declaration, and a provider that is asked in the clear."""
        if (self.issuer is None) != (self.client_id is None):
            raise BadKeyError(
                "issuer et client_id sont attendus tous deux",
                'issuer = "https://connexion.region.example", client_id = "geoguichet"',
                key="issuer",
            )
        here = re.match(r"http://(localhost|127\.0\.0\.1)(:|/|$)", self.issuer or "")
        if self.issuer is not None and not (self.issuer.startswith("https:") or here):
            raise BadKeyError(
                "une adresse en https est attendue, {value} est donné",
                'issuer = "https://connexion.region.example"',
                key="issuer",
                value=shortened(self.issuer),
            )


@dataclass(frozen=True, kw_only=True)
class Processes(Table):
    """``[processes]``: what the portal does when it is asked to compute."""

    #: Who asks may have these addresses called back, and those that begin with them; no other.
    callbacks: Annotated[tuple[str, ...], texts()] = ()

    def check(self, asked: Any) -> None:
        """Refuse what is not a whole host: another could begin as it does."""
        for one in self.callbacks:
            if not re.fullmatch(r"https?://[^/\s@]+/\S*", one):
                raise BadKeyError(
                    "l'adresse d'un serveur est attendue, « / » à la fin, {value} est donné",
                    'callbacks = ["https://sig.region.example/"]',
                    key="callbacks",
                    value=shortened(one),
                )


@dataclass(frozen=True, kw_only=True)
class Region(Table):
    """The whole file."""

    region: Identity = field(default_factory=Identity)
    portal: Portal = field(default_factory=Portal)
    territory: Ground | None = None
    collections: Annotated[
        dict[str, Shown], Written(dict[Annotated[str, slug()], Shown], lambda table, _: table)
    ] = field(default_factory=dict)
    theme: Theme = field(default_factory=Theme)
    licence: Licence | None = None
    legal: Legal = field(default_factory=Legal)
    sources: Annotated[tuple[Source, ...], Listed()] = ()
    limits: Limits = field(default_factory=Limits)
    visibility: Shares = field(default_factory=Shares)
    sign_in: SignIn = field(default_factory=SignIn)
    processes: Processes = field(default_factory=Processes)


def read_region(workspace: Path) -> Region:
    """Return what a workspace says of its region; nothing where it has no ``region.toml``.

    Raises
    ------
    UsageError
        The file cannot be read, is not TOML, or a key is unknown or of the wrong kind: in one
        sentence.
    """
    path = workspace / FILE
    try:
        document = read_toml(path, kind=UsageError)
    except FileNotFoundError:
        return Region()
    # No key depends on another: there is nothing to hand them.
    return read(Region, document, (), str(path), refused=UsageError)
