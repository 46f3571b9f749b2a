"""The referentials of a workspace served as OGC API Features: a collection each, its newest
version.
"""

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

from pygeoapi.provider.base import ProviderConnectionError

from geoguichet.catalogue.intake.publish_referentials import record_id
from geoguichet.floor.errors import StoreError
from geoguichet.floor.viewer import Viewer
from geoguichet.floor.words import Message
from geoguichet.portal.providers.features import GeoPackageProvider
from geoguichet.referentials.versions.store import (
    FEEDS,
    SERVICES,
    ReferentialStore,
    Version,
    Versions,
    collection_id,
)

_CRS = "http://www.opengis.net/def/crs"
_LABELS = {
    SERVICES: Message("services"),
    "territories": Message("territoires"),
    "populations": Message("populations"),
    "broadband": Message("accès à internet"),
}
#: Box shown for a referential without geometry, or of before boxes were kept.
FRANCE = (-5.6, 41.2, 9.8, 51.3)


def versions_of(workspace: Path) -> Versions:
    """Return the referentials of a workspace."""
    return Versions(workspace / "referentials")


class SeenVersions(ReferentialStore):
    """The referentials whose collection is among some: to who asks, the others are not there."""

    def __init__(self, folder: Path, seen: Collection[str]) -> None:
        super().__init__(folder)
        self.seen = seen

    def versions(self, name: str) -> list[Version]:
        """Return the versions of a referential, the oldest import first."""
        return super().versions(name) if collection_id(name) in self.seen else []


def collections(workspace: Path, url: str) -> dict[str, Any]:
    """Return pygeoapi's resources for the referentials there are now (``renewal`` asks again when
    they change).
    """
    store = versions_of(workspace)
    return {
        collection_id(name): _resource(workspace, url, store.find(name)) for name in store.names()
    }


def _resource(workspace: Path, url: str, version: Version) -> dict[str, Any]:
    kind = _LABELS[version.kind]
    words, kinds = Message("référentiel").by_language(), kind.by_language()
    about = Message(
        "Les {kind} du référentiel « {name} », dans sa version la plus récente.",
        kind=kind,
        name=version.name,
    )
    return {
        "type": "collection",
        "title": Message("Référentiel {name}", name=version.name).by_language(),
        "description": about.by_language(),
        "keywords": {code: [words[code], kinds[code]] for code in words},
        "links": [
            _described(url, version),
            *(_feeds(url, version) if version.kind == SERVICES else []),
        ],
        "extents": {
            "spatial": {"bbox": list(version.bbox or FRANCE), "crs": f"{_CRS}/OGC/1.3/CRS84"}
        },
        "providers": [
            {
                "type": "feature",
                "name": "geoguichet.portal.providers.referentials.ReferentialProvider",
                "data": str(workspace.absolute()),
                "table": version.kind,
                "referential": version.name,
                "id_field": "id",
                "title_field": "name",
                "crs": [f"{_CRS}/OGC/1.3/CRS84", f"{_CRS}/EPSG/0/4326", f"{_CRS}/EPSG/0/2154"],
                "storage_crs": f"{_CRS}/OGC/1.3/CRS84",
            }
        ],
    }


# Return the link to the record of the version that is served: its origin and its quality.
def _described(url: str, version: Version) -> dict[str, Any]:
    title = Message(
        "Fiche de cette version ({version}, importée le {day}) : son origine, sa qualité",
        version=version.short,
        day=version.imported[:10],
    ).by_language()
    return {"type": "text/html", "rel": "describedby", "title": title,
            "href": f"{url}/collections/catalogue/items/{quote(record_id(version))}"}  # fmt: skip


# Return the links to the feeds of changes of a directory.
def _feeds(url: str, version: Version) -> list[dict[str, Any]]:
    return [
        {"type": media, "rel": "alternate", "hreflang": "fr",
         "title": Message("Changements ({form})", form=label).by_language(),
         "href": f"{url}/feeds/{quote(version.name)}.{suffix}"}
        for suffix, media, label in FEEDS
    ]  # fmt: skip


class ReferentialProvider(GeoPackageProvider):
    """The newest version of a referential: ``data`` is the workspace, ``referential`` its name,
    ``table`` its kind.
    """

    def __init__(self, provider_def: dict[str, Any]) -> None:
        super().__init__(provider_def)
        self.referential = str(provider_def["referential"])

    def file(self) -> Path:
        """Return the GeoPackage of the version that is the newest at this moment."""
        store = versions_of(Path(self.data))
        try:
            return store.path(store.find(self.referential))
        except StoreError as error:
            raise ProviderConnectionError(user_msg=str(error)) from error

    def columns(self, *, viewer: Viewer) -> Mapping[str, str]:
        """Return the JSON type of each property; none when the referential was taken away while it
        is served.
        """
        try:
            return super().columns(viewer=viewer)
        except ProviderConnectionError:
            return {}
