"""The white zones as GeoParquet, for analysis and for other tools."""

from __future__ import annotations

from pathlib import Path

from geoguichet.coverage.result import CoverageResult


def write(result: CoverageResult, path: Path) -> None:
    """Write the white zones to a GeoParquet 1.1 file: columns study, id, those of the result,
    geometry, bbox.
    """
    zones = result.white_zones.reset_index(names="id")
    zones.insert(0, "study", result.study.id)
    zones.to_parquet(
        path, index=False, compression="zstd", schema_version="1.1.0", write_covering_bbox=True
    )
