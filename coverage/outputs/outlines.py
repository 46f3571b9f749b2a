"""The outlines of the départements, which stand behind every map."""

from __future__ import annotations

import geopandas as gpd

from geoguichet.coverage.result import CoverageResult


def departement_outlines(result: CoverageResult) -> gpd.GeoDataFrame:
    """Return one row per département of the territory, by code: column name, geometry in EPSG:4326."""
    return result.territory.departements.set_index("code")[["name", "geometry"]].sort_index()
