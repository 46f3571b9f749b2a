"""A file of geographic data read as records: where, what, how much, in which system; one record per
layer.

A draft record says all that the data itself can tell. What only a person knows (`ONLY_A_PERSON`:
the licence, the lineage, who answers for it ...) is left to `validate.check` to ask for. A metadata
file beside the data (``.xml``, ``.qmd``) is merged in.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from geoguichet.catalogue.errors import DatasetError, RecordError
from geoguichet.catalogue.formats import registry
from geoguichet.catalogue.formats.mapping import with_members
from geoguichet.catalogue.intake.drafts.draft import sidecars_of
from geoguichet.catalogue.intake.drafts.rasters import RASTERS, read_raster
from geoguichet.catalogue.intake.drafts.tables import TABLES, read_table
from geoguichet.catalogue.intake.drafts.vectors import PARQUET, VECTORS, read_parquet, read_vector
from geoguichet.catalogue.record import Record
from geoguichet.floor.findings import Finding

#: Endings of the files that may hold geographic data.
SUFFIXES = frozenset({*VECTORS, *PARQUET, *RASTERS, *TABLES})

#: Rules of the check that a draft may not keep: what no file of data says of itself.
ONLY_A_PERSON = frozenset(
    {
        "abstract", "access", "freshness", "inspire-theme", "keywords", "licence", "lineage",
        "location",
        "metadata-contact", "resolution", "resource-language", "responsible", "title-readable",
        "topic-category",
    }
)  # fmt: skip


def read_datasets(file: Path) -> list[Record]:
    """Describe every layer of a file that has a place; DatasetError says why a file cannot be
    read.
    """
    suffix = file.suffix.lower()
    try:
        if suffix in RASTERS:
            drafts = list(read_raster(file))
        elif suffix in TABLES:
            drafts = list(read_table(file))
        elif suffix in PARQUET:
            drafts = [read_parquet(file)]
        else:
            drafts = list(read_vector(file))
    except OSError as error:
        raise DatasetError(
            f"{file.name} : fichier illisible ({error.strerror or error})."
        ) from error
    except RecordError as error:
        raise DatasetError(f"{file.name} : {error}") from error
    except DatasetError:
        raise
    except (
        Exception
    ) as error:  # a library may fail in ways it does not tell; one file never stops the rest
        raise DatasetError(
            f"{file.name} : illisible ({type(error).__name__} : {str(error)[:200]})."
        ) from error
    return [_merged(file, record, alone=len(drafts) == 1) for record in drafts]


def media_type(file: Path) -> str:
    """Return the media type of a file that may hold geographic data."""
    return (VECTORS | PARQUET | RASTERS | TABLES)[file.suffix.lower()][1]


def sidecar_findings(file: Path) -> list[Finding]:
    """Return what cannot be read in the metadata files beside a dataset."""
    found: list[Finding] = []
    for sidecar in sidecars_of(file):
        if sidecar.is_file():
            answer = registry.read_document(sidecar.read_bytes(), address=str(sidecar))
            found += [finding for finding in answer.findings if finding.severity == "error"]
    return found


def _merged(file: Path, draft: Record, *, alone: bool) -> Record:
    """Fill a draft with what a metadata file beside it says; what the data itself tells is kept
    from the data.
    """
    for sidecar in sidecars_of(file):
        if not sidecar.is_file():
            continue
        found = registry.read_document(sidecar.read_bytes(), address=str(sidecar)).records
        if found:
            return _filled(draft, found[0], alone=alone)
    return draft


_FROM_DATA = frozenset(
    {"crs", "fields", "features", "geometryType", "representation", "size", "emptyGeometries"}
)


def _filled(draft: Record, written: Record, *, alone: bool) -> Record:
    measured: Mapping[str, Any] = {
        name: value for name, value in draft.extra_properties.items() if name in _FROM_DATA
    }
    both = {**draft.extra_properties, **written.extra_properties, **measured}
    merged = replace(
        written,
        id=written.id
        if alone
        else draft.id,  # one document beside several layers identifies none of them
        geometry=draft.geometry or written.geometry,
        links=(*draft.links, *written.links),
        external_ids=(*written.external_ids, *draft.external_ids),
        updated=written.updated or draft.updated,
        title=(written.title if alone else "") or draft.title,
        type=written.type or "dataset",
        extra_properties=both,
    )
    return with_members(merged, unreadable=written.extra_properties.get("unreadable"))
