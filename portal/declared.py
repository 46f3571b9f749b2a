"""What the interface declares: conformance classes, each held by `portal.conformance` or by a
client in the tests; and how its JSON schemas are written.
"""

from __future__ import annotations

from typing import Any

_OGC = "http://www.opengis.net/spec"
_RECORDS = f"{_OGC}/ogcapi-records-1/1.0/conf"
_FEATURES = f"{_OGC}/ogcapi-features"

#: OGC API Records Part 1. The standard spells some of its classes in two ways; both are given.
RECORDS = tuple(
    f"{_RECORDS}/{name}"
    for name in (
        "record-core", "record-collection", "record-core-query-parameters", "query-param-profile",
        "records-api",
        "sorting", "cql-filter", "json", "html", "oas30", "autodiscovery",
        "crawlable-catalog",
        "searchable-catalog", "searchable-catalog-filtering", "searchable-catalog-sorting",
        "searchable-catalog/filtering", "searchable-catalog/sorting",
        "local-resources-catalog", "local-resources-catalog-query-parameters",
        "local-resources-catalog-filtering",
        "local-resources-catalog-sorting", "local-resources-catalog/sorting",
        "local-resource-catalog/query-parameters",
    )
)  # fmt: skip

#: The draft of OGC API Records Part 2.
FACETS = tuple(f"{_OGC}/ogcapi-records-2/1.0/conf/{name}" for name in ("simple", "advanced"))

#: Declared only where records may be edited.
EDITING = tuple(f"{_FEATURES}-4/1.0/conf/{name}" for name in ("create-replace-delete", "update"))

OTHERS = (
    *(f"{_OGC}/ogcapi-common-1/1.0/conf/{name}" for name in ("core", "landing-page", "json", "html",
    "oas30")),
    f"{_OGC}/ogcapi-common-2/1.0/conf/collections",
    *(f"{_FEATURES}-1/1.0/conf/{name}" for name in ("core", "geojson", "html", "oas30")),
    f"{_FEATURES}-2/1.0/conf/crs",
    *(
        f"{_FEATURES}-3/1.0/conf/{name}"
        for name in ("queryables", "queryables-query-parameters", "filter")
    ),
    *(
        f"{_OGC}/cql2/1.0/conf/{name}"
        for name in (
            "cql2-text", "cql2-json", "basic-cql2", "advanced-comparison-operators",
            "case-insensitive-comparison",
            "accent-insensitive-comparison", "basic-spatial-functions",
            "basic-spatial-functions-plus",
            "spatial-functions", "temporal-functions", "array-functions", "property-property",
            "arithmetic",
        )
    ),
    *(f"{_OGC}/ogcapi-processes-1/1.0/conf/{name}" for name in ("core", "json",
    "ogc-process-description")),
)  # fmt: skip


def classes(*, editable: bool = False) -> list[str]:
    """Return what the portal declares."""
    return sorted({*RECORDS, *FACETS, *OTHERS, *(EDITING if editable else ())})


def ref(kind: str, name: str) -> dict[str, Any]:
    """Return a reference to a component of the OpenAPI document."""
    return {"$ref": f"#/components/{kind}/{name}"}


def an_object(properties: dict[str, Any], *required: str) -> dict[str, Any]:
    """Return the schema of an object."""
    return {"type": "object", "required": list(required), "properties": properties}
