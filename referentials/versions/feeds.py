"""What changed in a directory since a day, as Atom, JSON Feed or CSV, for the sites that re-use
it.
"""

import csv
import io
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pandas as pd
from lxml import etree

from geoguichet.floor.errors import StoreError, UsageError
from geoguichet.floor.files import refused
from geoguichet.referentials.directory.services import SERVICE_TYPES
from geoguichet.referentials.versions.differences import compare_directories
from geoguichet.referentials.versions.store import FEEDS, SERVICES, ReferentialStore, Version

#: Kind of entry -> how its title begins; ``listed`` is a service of a feed asked for since no day.
KINDS: Mapping[str, str] = {
    "listed": "Au répertoire",
    "opened": "Ouvert",
    "closed": "Fermé",
    "moved": "Déplacé",
    "changed": "Changé de type",
    "corrected": "Position corrigée",
    "edited": "Modifié",
}
#: Columns whose change is told, and their name in a sentence.
EDITED: Mapping[str, str] = {
    "name": "nom",
    "address": "adresse",
    "hours": "horaires",
    "telephone": "téléphone",
    "email": "courriel",
    "site": "site",
    "wheelchair": "accessibilité",
    "stops": "arrêts",
}
TOLD = ("id", "type", "name", "address", "postcode", "commune", "commune_name", "departement",
"hours", "telephone",
        "email", "site", "wheelchair")  # fmt: skip
#: Suffix -> media type.
FORMATS: Mapping[str, str] = {suffix: media for suffix, media, _ in FEEDS}
ATOM, GEORSS = "http://www.w3.org/2005/Atom", "http://www.georss.org/georss"
#: Entries of a page of a feed.
LIMIT = 500


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing to tell of one service."""

    #: A key of `KINDS`.
    kind: str
    #: When the version that tells it was imported: ``2026-03-09T10:00:00Z``.
    instant: str
    #: Columns of `TOLD` that are known.
    service: Mapping[str, str]
    longitude: float | None
    latitude: float | None
    #: A French sentence; empty when the kind says it all.
    details: str

    @property
    def title(self) -> str:
        """``Ouvert : France services de Foix (Foix)``."""
        place = self.service.get("commune_name", "")
        name = self.service.get("name", "")
        return f"{KINDS[self.kind]} : {name}" + (
            f" ({place})" if place and place not in name else ""
        )

    @property
    def summary(self) -> str:
        """Type, address, hours and what changed, in French."""
        told = self.service
        where = " ".join(filter(None, [told.get("postcode"), told.get("commune_name")]))
        parts = [
            SERVICE_TYPES[told["type"]].label_fr.capitalize(),
            ", ".join(filter(None, [told.get("address"), where])),
            f"Horaires : {told['hours']}" if told.get("hours") else "",
            self.details,
        ]
        return ". ".join(part for part in parts if part).rstrip(".") + "."


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked of a feed."""

    #: A day, ``2026-01-31``; empty for the whole directory of today.
    since: str = ""
    departements: tuple[str, ...] = ()
    communes: tuple[str, ...] = ()
    types: tuple[str, ...] = ()
    limit: int = LIMIT
    offset: int = 0

    def __post_init__(self) -> None:
        with refused(
            ValueError,
            say=lambda error: f"« {self.since} » n'est pas un jour ; AAAA-MM-JJ est attendu.",
            kind=UsageError,
        ):
            if self.since:
                date.fromisoformat(self.since)
        unknown = [kind for kind in self.types if kind not in SERVICE_TYPES]
        if unknown:
            raise UsageError(
                f"type de service inconnu : {unknown[0]} ; types connus : "
                f"{', '.join(SERVICE_TYPES)}."
            )


@dataclass(frozen=True, slots=True)
class Feed:
    """A page of what is told of a directory, the newest first."""

    name: str
    asked: Asked
    #: When the newest version was imported.
    updated: str
    entries: tuple[Entry, ...]
    total: int
    #: Entries of services whose département is not known, when some départements are asked for.
    placeless: int = 0


def make_feed(store: ReferentialStore, name: str, asked: Asked) -> Feed:
    """Return what changed in a directory from the version of a day to the newest, version after
    version.

    Without a day every service of the newest version is told; a service of the first version counts
    as opened when the day asked is before it.

    Raises
    ------
    StoreError
        There is no such referential, or it is no directory of services.
    """
    newest = store.find(name)
    if newest.kind != SERVICES:
        raise StoreError(
            f"le référentiel « {name} » n'est pas un annuaire de services : il n'a pas de fil."
        )
    every = list(_told(store, newest, asked.since))
    entries = [entry for entry in every if _wanted(entry, asked)]
    return Feed(
        newest.name,
        asked,
        _instant(newest),
        tuple(entries[asked.offset : asked.offset + asked.limit]),
        len(entries),
        sum("departement" not in entry.service for entry in every) if asked.departements else 0,
    )


def _told(store: ReferentialStore, newest: Version, since: str) -> Iterator[Entry]:
    if not since:
        yield from _listed(store, newest, "listed")
        return
    versions = store.versions(newest.name)
    later = [
        position for position, version in enumerate(versions) if version.imported[:10] >= since
    ]
    for position in reversed(later):
        if position == 0:
            yield from _listed(store, versions[0], "opened")
        else:
            yield from _changes(
                str(store.folder),
                newest.name,
                versions[position - 1].digest,
                versions[position].digest,
            )


def _listed(store: ReferentialStore, version: Version, kind: str) -> Iterator[Entry]:
    rows = store.rows(version)
    yield from _entries(rows, kind, _instant(version), [""] * len(rows))


# Return what changed between two versions; they never change themselves, so that it is worked out
# once.
@lru_cache(maxsize=16)
def _changes(folder: str, name: str, before: str, after: str) -> tuple[Entry, ...]:
    store = ReferentialStore(Path(folder))
    old, new = (store.find(f"{name}@{digest}") for digest in (before, after))
    first, second = store.rows(old), store.rows(new)
    changes = compare_directories(first, second).changes
    instant, found = _instant(new), []
    sources = {"closed": first.set_index("id", drop=False)}
    now = second.set_index("id", drop=False)
    for kind in ("opened", "closed", "moved", "changed", "corrected"):
        told = changes[changes["kind"] == kind]
        found += _entries(
            sources.get(kind, now).loc[told["id"]],
            kind,
            instant,
            [_details(row) for row in told.itertuples()],
        )
    edited, sentences = _edits(first.set_index("id"), now, set(changes["id"]))
    found += _entries(edited, "edited", instant, sentences)
    return tuple(found)


def _details(row: Any) -> str:
    if row.kind == "changed":
        return f"Auparavant : {SERVICE_TYPES[row.type_before].label_fr}"
    away = row.kind in {"moved", "corrected"}
    return f"À {row.distance_m:.0f} m de son ancien point" if away else ""


# Return the services told otherwise in columns of `EDITED`, and what is told otherwise of each.
def _edits(
    before: pd.DataFrame, after: pd.DataFrame, but: set[str]
) -> tuple[pd.DataFrame, list[str]]:
    common = [
        identifier for identifier in after.index.intersection(before.index) if identifier not in but
    ]
    old, new = (rows.loc[common, list(EDITED)].fillna("").astype(str) for rows in (before, after))
    differ = (old != new) & (new != "")
    rows = differ.index[differ.any(axis=1)]
    sentences = [
        "Modifié : "
        + ", ".join(label for column, label in EDITED.items() if differ.at[row, column])
        for row in rows
    ]
    return after.loc[rows], sentences


def _entries(rows: pd.DataFrame, kind: str, instant: str, details: Sequence[str]) -> list[Entry]:
    points = [
        (None, None) if point is None or point.is_empty else (point.x, point.y)
        for point in rows["geometry"]
    ]
    return [
        Entry(
            kind,
            instant,
            {str(key): str(value) for key, value in told.items() if pd.notna(value)},
            x,
            y,
            sentence,
        )
        for told, (x, y), sentence in zip(
            rows[list(TOLD)].to_dict("records"), points, details, strict=True
        )
    ]


def _wanted(entry: Entry, asked: Asked) -> bool:
    return all(
        not values or entry.service.get(column) in values
        for values, column in (
            (asked.departements, "departement"),
            (asked.communes, "commune"),
            (asked.types, "type"),
        )
    )


def _instant(version: Version) -> str:
    return version.imported[:19] + "Z"


# -- three formats


def write_feed(feed: Feed, form: str, *, url: str, next_url: str = "", home: str = "") -> bytes:
    """Return a feed in a format of `FORMATS`.

    Parameters
    ----------
    url, next_url, home Addresses of the feed, of its next page and of the page it is about; a feed
        written to a file has none but a ``tag:`` identifier.
    """
    if form == "csv":
        return _csv(feed)
    return _atom(feed, url, next_url, home) if form == "atom" else _json(feed, url, next_url, home)


def _title(feed: Feed) -> str:
    since = f" depuis le {feed.asked.since}" if feed.asked.since else ""
    return f"Annuaire {feed.name}{' : changements' if since else ''}{since}"


# Return an identifier that is the same each time (RFC 4151).
def _tag(feed: Feed, entry: Entry | None = None) -> str:
    own = "" if entry is None else f":{entry.kind}:{entry.instant}:{quote(entry.service['id'])}"
    return f"tag:geoguichet,2026:{quote(feed.name)}{own}"


# RFC 4287, with GeoRSS points.
def _atom(feed: Feed, url: str, next_url: str, home: str) -> bytes:
    root = etree.Element(f"{{{ATOM}}}feed", nsmap={None: ATOM, "georss": GEORSS})  # type: ignore[dict-item]
    root.set("{http://www.w3.org/XML/1998/namespace}lang", "fr")

    def add(parent: Any, name: str, text: str = "", **attributes: str) -> Any:
        element = etree.SubElement(parent, f"{{{ATOM}}}{name}", attributes)
        element.text = _plain(text) or None
        return element

    add(root, "id", _tag(feed))
    add(root, "title", _title(feed))
    add(root, "updated", feed.updated)
    add(add(root, "author"), "name", "Géoguichet")
    for rel, address, media in (
        ("self", url, FORMATS["atom"]),
        ("next", next_url, FORMATS["atom"]),
        ("alternate", home, "text/html"),
    ):
        if address:
            add(root, "link", rel=rel, href=address, type=media)
    for told in feed.entries:
        entry = add(root, "entry")
        add(entry, "id", _tag(feed, told))
        add(entry, "title", told.title)
        add(entry, "updated", told.instant)
        add(entry, "category", term=told.kind, label=KINDS[told.kind])
        add(
            entry,
            "category",
            term=told.service["type"],
            label=SERVICE_TYPES[told.service["type"]].label_fr,
        )
        add(entry, "content", told.summary, type="text")
        site = told.service.get("site", "")
        if re.fullmatch(r"https?://[^\s<>\"]+", site):
            add(entry, "link", rel="related", href=site)
        if told.longitude is not None:
            point = etree.SubElement(entry, f"{{{GEORSS}}}point")
            point.text = f"{told.latitude:.6f} {told.longitude:.6f}"
    return etree.tostring(root, xml_declaration=True, encoding="utf-8")


# Return a text without the characters that XML forbids.
def _plain(text: str) -> str:
    return re.sub(r"[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]", "", text)


# JSON Feed 1.1; ``_service`` holds the columns of the directory.
def _json(feed: Feed, url: str, next_url: str, home: str) -> bytes:
    addresses = {"home_page_url": home, "feed_url": url, "next_url": next_url}
    document = {
        "version": "https://jsonfeed.org/version/1.1",
        "title": _title(feed),
        **{name: address for name, address in addresses.items() if address},
        "language": "fr",
        "authors": [{"name": "Géoguichet"}],
        "items": [
            {
                "id": _tag(feed, entry),
                **({"external_url": entry.service["site"]} if "site" in entry.service else {}),
                "title": entry.title,
                "content_text": entry.summary,
                "date_modified": entry.instant,
                "tags": [entry.kind, entry.service["type"]],
                "_service": {
                    **entry.service,
                    "longitude": entry.longitude,
                    "latitude": entry.latitude,
                },
            }
            for entry in feed.entries
        ],
    }
    return json.dumps(document, ensure_ascii=False).encode()


def _csv(feed: Feed) -> bytes:
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["change", "instant", *TOLD, "longitude", "latitude", "details"])
    writer.writerows(
        [
            entry.kind,
            entry.instant,
            *(entry.service.get(name, "") for name in TOLD),
            entry.longitude,
            entry.latitude,
            entry.details,
        ]
        for entry in feed.entries
    )
    return text.getvalue().encode()
