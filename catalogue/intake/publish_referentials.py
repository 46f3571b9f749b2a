"""Every version of a referential becomes a catalogue record: what it is, where it comes from, how
good it is.
"""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from importlib.metadata import version as installed
from pathlib import Path
from urllib.parse import quote

from geoguichet.catalogue.errors import RecordNotFoundError
from geoguichet.catalogue.formats.codes import FRENCH, INSPIRE_THEMES, NOT_EVALUATED, OPEN_ACCESS
from geoguichet.catalogue.formats.iso.values import measures
from geoguichet.catalogue.formats.mapping import INSPIRE_THEME, TOPIC_CATEGORY
from geoguichet.catalogue.record import Concept, Contact, Extent, ExternalId, Link, Record, Theme
from geoguichet.catalogue.search.audiences import Shown
from geoguichet.catalogue.search.store import SQLiteStore, store_path, with_edits
from geoguichet.floor.region import read_region
from geoguichet.floor.viewer import MACHINE, audience
from geoguichet.referentials.directory.schema import REFUSED
from geoguichet.referentials.sources.fetch import OfficialSource, source_of
from geoguichet.referentials.versions.store import FEEDS, SERVICES, Version, Versions, collection_id

LICENCES = {"Licence Ouverte 2.0": "etalab-2.0", "ODbL": "ODbL-1.0"}
KINDS = {
    SERVICES: "services publics",
    "territories": "territoires",
    "populations": "population",
    "broadband": "accès à internet",
    "equipment": "équipements",
}
#: Kind of referential -> its topic category (ISO 19115) and INSPIRE theme.
_THEMES = {
    SERVICES: ("society", "us"),
    "territories": ("boundaries", "au"),
    "populations": ("society", "pd"),
    "broadband": ("utilitiesCommunication", "us"),
    "equipment": ("society", "us"),
}
_JSON = "application/geo+json"


def publish_referential(store: Versions, name: str, workspace: Path) -> tuple[str, ...]:
    """Write the records of all the versions of a referential to the workspace's catalogue, shown to
    whom ``[visibility]`` of its ``region.toml`` says; return their ids.

    The newest has the links to its features and feeds; each of the others says which one comes
    after it.

    Raises
    ------
    StoreError
        The catalogue cannot be written.
    """
    records = referential_records(store.versions(name))
    told = read_region(workspace).visibility.referentials.get(name)
    shown = None if told is None else Shown(audience(told))
    with SQLiteStore(store_path(workspace)) as catalogue:
        edited = [with_edits(record, catalogue, by="geoguichet") for record in records]
        catalogue.bulk_upsert(edited, by="geoguichet", shown=shown)
    return tuple(record.id for record in records)


def share_referentials(store: Versions, workspace: Path) -> None:
    """Show the records of the versions of referentials to whom ``[visibility]`` says by now, where
    it names them.
    """
    for name, told in read_region(workspace).visibility.referentials.items():
        shown = Shown(audience(told))
        with SQLiteStore(store_path(workspace)) as catalogue:
            for version in store.versions(name):
                with suppress(RecordNotFoundError):
                    now = catalogue.stored(record_id(version), viewer=MACHINE)
                    if now.shown != shown:
                        record = catalogue.get(record_id(version), viewer=MACHINE)
                        catalogue.upsert(record, by="geoguichet", shown=shown)


def withdraw(versions: Sequence[Version], workspace: Path) -> None:
    """Remove the records of versions that are no longer there."""
    with SQLiteStore(store_path(workspace)) as catalogue:
        for version in versions:
            with suppress(RecordNotFoundError):
                catalogue.delete(record_id(version), by="geoguichet")


def record_id(version: Version) -> str:
    """Return the identifier of the record of a version."""
    return f"referentiel-{version.name}-{version.short}"


def referential_records(versions: Sequence[Version]) -> tuple[Record, ...]:
    """Return the records of the versions of one referential, given the oldest first."""
    records = []
    for position, version in enumerate(versions):
        before = versions[position - 1] if position else None
        after = versions[position + 1] if position + 1 < len(versions) else None
        links = [*_neighbours(before, after, versions[-1], version)]
        if after is None:
            links += _services_links(version)
        record = _record(version, source_of(version.reader, version.source))
        records.append(
            replace(record, links=(*links, *record.links), updated=_instant(after or version))
        )
    return tuple(records)


def _record(version: Version, source: OfficialSource | None) -> Record:
    day = version.imported[:10]
    links = (
        [Link(source.address, rel="via", title=f"Source : {source.title}", hreflang="fr")]
        if source
        else []
    )
    title = source.title if source else f"Référentiel {version.name}"
    topic, inspire = _THEMES[version.kind]
    licence = LICENCES.get(source.licence, "other") if source else ""
    return Record(
        id=record_id(version),
        type="dataset",
        title=f"{title} ({version.name}, version du {day})",
        description=_abstract(version),
        keywords=("référentiel", KINDS[version.kind], version.name),
        themes=(
            Theme((Concept(topic),), TOPIC_CATEGORY),
            Theme(
                (Concept(f"{INSPIRE_THEME}/{inspire}", INSPIRE_THEMES[inspire][0]),), INSPIRE_THEME
            ),
        ),
        geometry=Extent(*version.bbox).as_geometry() if version.bbox else None,
        created=_instant(version),
        contacts=(Contact(organization=source.publisher, roles=("publisher",)),) if source else (),
        license=licence,
        links=tuple(links),
        external_ids=(ExternalId(f"{version.name}@{version.digest}", "geoguichet"),),
        extra_properties={
            "lineage": _lineage(version, source),
            "quality": measures(version.rules, version.rows_in),
            "rows": version.rows,
            "version": version.short,
            "language": {"code": "fr"},
            "resourceLanguages": FRENCH,
            "dates": [{"date": day, "type": "creation"}],
            "formats": [{"name": "GeoPackage", "mediaType": "application/geopackage+sqlite3"}],
            "maintenance": {
                "frequency": "asNeeded",
                "note": "Une version par fichier importé ; elle ne change plus.",
            },
            "conformity": [NOT_EVALUATED],
            **({"crs": ["EPSG:4326"]} if version.bbox else {}),
            **({"constraints": [OPEN_ACCESS]} if licence in LICENCES.values() else {}),
        },
    )


def _abstract(version: Version) -> str:
    refused = version.rules.get(REFUSED, 0)
    origin = f"la version {version.derived_from[:12]}" if version.derived_from else version.origin
    told = f"{_number(version.rows)} lignes sur les {_number(version.rows_in)} de {origin}"
    left = f" ({_number(refused)} laissées de côté, chacune avec sa raison)" if refused else ""
    noticed = sum(count for rule, count in version.rules.items() if not rule.startswith("fixed-"))
    return (
        f"{told}{left}. {_number(noticed)} constats de qualité. {' '.join(version.notes)}".strip()
    )


# Return where a version comes from, in French sentences: file, publisher, reader, digest, repairs.
def _lineage(version: Version, source: OfficialSource | None) -> str:
    where = f" publié par {source.publisher}" if source else ""
    digest = f", SHA-256 {version.file_digest}" if version.file_digest else ""
    program = f"geoguichet {installed('geoguichet')}"
    if version.derived_from:
        made = f"par {program} (réparations sûres), le {version.imported[:10]}"
        said = [f"Tiré de la version {version.derived_from[:12]} {made}."]
    else:
        read = f"lu par {program} (lecteur « {version.reader} ») le {version.imported[:10]}"
        said = [f"Fichier {version.origin}{where}{digest}, {read}."]
    fixed = {
        rule.removeprefix("fixed-"): count
        for rule, count in version.rules.items()
        if rule.startswith("fixed-")
    }
    if fixed:
        said.append(
            "Réparations : "
            + ", ".join(f"{rule} {count}" for rule, count in sorted(fixed.items()))
            + "."
        )
    return " ".join(said)


def _neighbours(
    before: Version | None, after: Version | None, newest: Version, version: Version
) -> list[Link]:
    found = [
        ("predecessor-version", before, "Version précédente"),
        ("successor-version", after, "Version suivante"),
        ("latest-version", newest if newest is not version else None, "Version la plus récente"),
    ]
    return [
        Link(f"collections/catalogue/items/{record_id(other)}", rel=rel, type=_JSON, title=title)
        for rel, other, title in found
        if other is not None
    ]


# Return where the newest version is served: its features and, for services, its feeds of changes.
def _services_links(version: Version) -> list[Link]:
    home = f"collections/{collection_id(version.name)}"
    links = [Link(f"{home}/items", rel="items", type=_JSON, title=f"Référentiel {version.name}")]
    if version.kind == SERVICES:
        links += [
            Link(
                f"feeds/{quote(version.name)}.{suffix}",
                rel="alternate",
                type=media,
                title=f"Changements ({label})",
            )
            for suffix, media, label in FEEDS
        ]
    return links


def _instant(version: Version) -> str:
    return version.imported[:19] + "Z"


def _number(number: int) -> str:
    return f"{number:,}".replace(",", " ")
