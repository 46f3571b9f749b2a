"""The outlines of the départements, which stand behind every map."""

from __future__ import annotations

import geopandas as gpd
import shapely

from geoguichet.coverage.result import CoverageResult


def departement_outlines(result: CoverageResult) -> gpd.GeoDataFrame:
    """Return one row per département of the territory, by code: columns name, geometry in EPSG:4326."""
    return result.territory.departements.set_index("code")[["name", "geometry"]].sort_index()


def name_places(outlines: gpd.GeoDataFrame) -> gpd.GeoSeries:
    """Return where to write each name: the centre of the widest circle that the outline holds."""
    rounds = outlines.geometry.maximum_inscribed_circle(tolerance=0.02)
    return gpd.GeoSeries([shapely.Point(line.coords[0]) for line in rounds], index=outlines.index, crs=outlines.crs)
