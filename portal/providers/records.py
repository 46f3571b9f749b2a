"""The catalogue as OGC API Records: pygeoapi's questions put to the record store."""

import json
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from pygeoapi.provider.base import (
    BaseProvider,
    ProviderConnectionError,
    ProviderInvalidQueryError,
    ProviderItemNotFoundError,
)

from geoguichet.catalogue.errors import QueryError, RecordNotFoundError, StoreError
from geoguichet.catalogue.formats.links import absolute
from geoguichet.catalogue.search.query import PARAMETERS, RecordQuery
from geoguichet.catalogue.search.store import SQLiteStore, store_path
from geoguichet.floor.words import _
from geoguichet.portal.errors import in_words
from geoguichet.portal.viewing import viewer_across

#: The properties of a record that can be asked for with ``properties``.
FIELDS: Mapping[str, Mapping[str, str]] = {
    **{
        name: {"type": "string"}
        for name in ("id", "type", "title", "description", "license", "rights")
    },
    **{name: {"type": "array"} for name in ("keywords", "themes", "contacts", "externalIds")},
    **{name: {"type": "string", "format": "date-time"} for name in ("created", "updated")},
}


@cache
def store_of(workspace: Path) -> SQLiteStore:
    """Return the record store of a workspace, the same one for the whole process."""
    return SQLiteStore(store_path(workspace))


class RecordProvider(BaseProvider):  # type: ignore[misc]
    """pygeoapi makes one for every request: it holds nothing, the store is kept beside it.

    ``data`` is the workspace; ``options.base_url`` the address that relative links are resolved
    against.
    """

    def __init__(self, provider_def: dict[str, Any]) -> None:
        super().__init__({**provider_def, "include_extra_query_parameters": True})
        self.store = store_of(Path(self.data).absolute())
        self.base_url = str((self.options or {}).get("base_url", ""))

    @property
    def fields(self) -> dict[str, dict[str, str]]:
        """The properties in pygeoapi's form."""
        return {name: dict(field) for name, field in FIELDS.items()}

    def get_fields(self) -> dict[str, dict[str, str]]:
        """Return the properties in pygeoapi's form."""
        return self.fields

    def query(
        self,
        offset: int = 0,
        limit: int = 10,
        resulttype: str = "results",
        bbox: Sequence[float] = (),
        datetime_: str | None = None,
        properties: Sequence[tuple[str, str]] = (),
        sortby: Sequence[Mapping[str, str]] = (),
        select_properties: Sequence[str] = (),
        skip_geometry: bool = False,
        q: str | None = None,
        filterq: object | None = None,
        **_more: object,
    ) -> dict[str, Any]:
        """Answer a search; an unknown or malformed parameter is refused by name."""
        if filterq is not None:
            raise ProviderInvalidQueryError(
                user_msg=_(
                    "filter : ce paramètre est servi par « geoguichet serve », pas par pygeoapi "
                    "seul."
                )
            )
        try:
            asked = RecordQuery.from_parameters(
                {
                    **_extra_parameters(properties),
                    "q": q or "",
                    "bbox": ",".join(map(repr, bbox)),
                    "datetime": datetime_ or "",
                    "sortby": ",".join(key["order"].strip("+") + key["property"] for key in sortby),
                    "limit": "0" if resulttype == "hits" else str(limit),
                    "offset": str(offset),
                }
            )
            page = self.store.search(asked, viewer=viewer_across())
        except QueryError as error:
            raise ProviderInvalidQueryError(user_msg=in_words(error)) from error
        except StoreError as error:
            raise ProviderConnectionError(user_msg=str(error)) from error
        documents = (self._served(item) for item in page.items)
        features = [
            _shortened(document, select_properties, skip_geometry) for document in documents
        ]
        return {
            "type": "FeatureCollection",
            "features": features,
            "numberMatched": page.number_matched,
            "numberReturned": len(features),
        }

    def get(self, identifier: str, **_more: object) -> dict[str, Any]:
        """Return one record."""
        try:
            return self._served(self.store.document(identifier, viewer=viewer_across()))
        except RecordNotFoundError as error:
            raise ProviderItemNotFoundError(user_msg=in_words(error)) from error
        except StoreError as error:
            raise ProviderConnectionError(user_msg=str(error)) from error

    # Read a document anew (pygeoapi appends links to it) and make its relative links absolute.
    def _served(self, item: bytes) -> dict[str, Any]:
        document: dict[str, Any] = json.loads(item)
        for link in document.setdefault("links", []):
            link["href"] = absolute(self.base_url, link["href"])
        return document


# Return the parameters that pygeoapi leaves to us; one that nobody knows is refused by name.
def _extra_parameters(properties: Sequence[tuple[str, str]]) -> dict[str, str]:
    own = {"type", "ids", "externalIds"}
    unknown = next((name for name, _value in properties if name not in own), None)
    if unknown:
        known = ", ".join(PARAMETERS)
        raise ProviderInvalidQueryError(
            user_msg=_("{name} : paramètre inconnu ; attendu {known}.", name=unknown, known=known)
        )
    return dict(properties)


# Return the document with only the properties asked for, and without geometry when asked.
def _shortened(
    document: dict[str, Any], names: Sequence[str], skip_geometry: bool
) -> dict[str, Any]:
    if names:
        document["properties"] = {n: v for n, v in document["properties"].items() if n in names}
    if skip_geometry:
        document["geometry"] = None
    return document
