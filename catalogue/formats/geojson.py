"""GeoJSON of OGC API Records: the record itself."""

import json
from collections.abc import Mapping
from typing import Any

from geoguichet.catalogue.formats.mapping import Format, Written
from geoguichet.catalogue.record import Record

_TYPES = ("Feature", "FeatureCollection")


# Say whether a document is a feature or features; those of STAC say so.
def _claims(document: Any) -> bool:
    if not isinstance(document, Mapping) or document.get("type") not in _TYPES:
        return False
    features = document.get("features")
    parts = [document, *(features[:1] if isinstance(features, list) else ())]
    return not any(isinstance(part, Mapping) and "stac_version" in part for part in parts)


def _features(document: Mapping[str, Any]) -> list[Any]:
    is_one = document["type"] == "Feature"
    return [document] if is_one else list(document.get("features", []))


FORMAT = Format(
    "geojson",
    "OGC API Records (GeoJSON)",
    syntax="json",
    claims=_claims,
    read=Record.from_geojson,
    parts=_features,
    written=(
        Written(
            "geojson",
            "GeoJSON",
            "application/geo+json",
            "json",
            lambda record, **_: json.dumps(
                record.to_geojson(), ensure_ascii=False, indent=2
            ).encode(),
        ),
    ),
)
