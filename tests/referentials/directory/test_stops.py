"""The stops of buses are read in the sentences that tell them."""

from collections.abc import Callable

import pytest

from geoguichet.referentials.directory.schema import Reading
from geoguichet.referentials.directory.services import read_stops, stops_of
from geoguichet.referentials.layers import read_layer, sample_path

NAMES = {
    "monthois": "1",
    "machault": "2",
    "buzancy": "3",
    "grandpre": "4",
    "saint lizier": "5",
    "lizier": "6",
}


@pytest.mark.parametrize(
    ("text", "stops"),
    [
        (("lundis à la mairie de Monthois, mardis à la mairie de Machault, les jeudis à Grandpré "
         "salle des Berceaux"),
         {"1": ("lundi",), "2": ("mardi",), "4": ("jeudi",)}),
        ("Monthois et Machault le mardi", {"1": (), "2": ("mardi",)}),
        ("lundi et vendredi : Buzancy", {"3": ("lundi", "vendredi")}),
        ("Mercredi à St-Lizier", {"5": ("mercredi",)}),
        ("Sur rendez-vous le mardi", {}),
        ("du lundi au mercredi à Buzancy", {"3": ("lundi", "mardi", "mercredi")}),
        ("lundi Monthois ; jeudi Monthois", {"1": ("lundi", "jeudi")}),
    ],
)  # fmt: skip
def test_communes_and_days_are_read(text: str, stops: dict[str, tuple[str, ...]]) -> None:
    assert {stop.commune: stop.days for stop in read_stops(text, NAMES)} == stops


def test_the_itinerant_counters_of_the_region_have_stops(
    published: Callable[[str, str], Reading],
) -> None:
    rows = published("france-services-2024", "liste-fs-20240801.csv").rows
    communes = read_layer(sample_path(), layer="communes")
    halls = read_layer(sample_path(), layer="services")
    points = (
        halls[halls["type"] == "town_hall"].drop_duplicates("commune").set_index("commune").geometry
    )
    stops = stops_of(rows, communes, points)
    assert stops["id"].is_unique
    assert len(stops) >= 5
    assert stops.geometry.notna().mean() > 0.9
    assert set(stops["service"]) <= set(rows.loc[rows["itinerant"], "id"])
