"""A region is built from the official files of the cache, those of the shared folder standing in
for today's.
"""

import json
from pathlib import Path
from typing import Any

import pytest

from geoguichet.floor.errors import LayerError
from geoguichet.referentials.directory.services import check_services
from geoguichet.referentials.regions.official_files import (
    NEEDED,
    fetched_files,
    find_region,
    find_regions,
    layers_of_files,
)
from geoguichet.referentials.territories.territory import check_communes

FILES = {
    "communes": "cog/communes.json.gz",
    "contours-communes": "admin/region73-avant-2016/communes.geojson",
    "contours-departements": "admin/region73-avant-2016/departements.geojson",
    "regions": "cog/regions.json",
    "dila": "services/service-public-annuaire-local-2020-11.csv.bz2",
}


@pytest.fixture
def cache(data: Any, tmp_path: Path) -> Path:
    folder = tmp_path / "cache"
    for name, file in FILES.items():
        home = folder / name / ("a" * 12)
        home.mkdir(parents=True)
        (home / Path(file).name).symlink_to((data.folder / file).resolve())
        said = {
            "name": name,
            "digest": "a" * 64,
            "file": Path(file).name,
            "bytes": 1,
            "fetched": "2026-01-01",
        }
        (home / "fetched.json").write_text(json.dumps(said), encoding="utf-8")
    return folder


def test_the_ariege_is_built_with_its_surroundings(data: Any, cache: Path) -> None:
    layers = layers_of_files(fetched_files(cache), ["09"])
    communes, services, ring = layers["communes"], layers["services"], layers["ring"]
    check_communes(communes)
    check_services(services)
    # the real outlines of 2014 know all of them; those made by hand, the two that are drawn
    known, drawn, with_hall = {"small": (6, 2, 2), "shared": (325, 325, 321)}[data.edition]
    assert len(communes) == layers["departements"]["communes"].item() == known
    assert communes.geometry.notna().sum() == drawn
    assert layers["departements"]["name"].item() == "Ariège"
    assert layers["departements"]["prefecture"].item() == "09122"
    assert set(ring["departement"]) == {"31", "32", "81", "65"} & set(
        ring["departement"]
    )  # the outlines know no other
    assert ring["distance_m"].between(0, 40_000).all()
    halls = services[(services["type"] == "town_hall") & services["inside"]]
    assert set(halls["commune"]) <= set(communes["code"])
    assert len(halls) >= with_hall


def test_regions_of_today_and_before_are_found(cache: Path) -> None:
    files = fetched_files(cache)
    assert find_region(files, "73").departements == ("09", "12", "31", "32", "46", "65", "81", "82")
    today = find_region(files, "53")
    assert (today.name, today.departements) == ("Bretagne", ("22", "29", "35", "56"))
    with pytest.raises(LayerError, match="région inconnue"):
        find_region(files, "00")
    assert find_region(files, "04").departements == ("974",)
    with pytest.raises(LayerError, match="même système"):
        find_regions(files, ["04", "53"])


def test_what_was_not_fetched_is_named(tmp_path: Path) -> None:
    with pytest.raises(LayerError, match=r"communes .*contours-communes .*dila .*--wheel"):
        fetched_files(tmp_path)
    assert set(NEEDED) < set(FILES)
