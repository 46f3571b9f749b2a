"""How fast one travels on each class of road when the source does not say: named, versioned French
tables.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

type Floats = npt.NDArray[np.float64]

#: The classes of the network file, in the words of OpenStreetMap's ``highway`` key; a class is
#: stored as its rank.
ROAD_CLASSES = (
    "motorway",
    "motorway_link",
    "trunk",
    "trunk_link",
    "primary",
    "primary_link",
    "secondary",
    "secondary_link",
    "tertiary",
    "tertiary_link",
    "unclassified",
    "residential",
    "living_street",
    "service",
    "track",
    "pedestrian",
    "cycleway",
    "footway",
    "path",
    "steps",
)

#: Who may use a class: bit 0 car, bit 1 bicycle, bit 2 foot.
ROAD, CYCLE, WALK = 0b111, 0b110, 0b100

#: Modes of the classes that are not open to all three.
CLASS_MODES = {
    "motorway": 0b001,
    "motorway_link": 0b001,
    "trunk": ROAD,
    "pedestrian": CYCLE,
    "cycleway": CYCLE,
    "footway": WALK,
    "path": CYCLE,
    "steps": WALK,
}

#: Words of other sources (ROUTE 500, BD TOPO ``nature``, route lists) for our classes.
SYNONYMS = {
    "autoroute": "motorway",
    "nationale": "primary",
    "departementale": "secondary",
    "metropolitaine": "secondary",
    "communale": "unclassified",
    "roundabout": "tertiary",
    "q": "unclassified",
    "road": "unclassified",
    "bridleway": "path",
    "Type autoroutier": "motorway",
    "Autoroute": "motorway",
    "Quasi-autoroute": "trunk",
    "Route à 2 chaussées": "primary",
    "Route à 1 chaussée": "secondary",
    "Bretelle": "primary_link",
    "Rond-point": "tertiary",
    "Route empierrée": "track",
    "Chemin": "track",
    "Sentier": "path",
    "Escalier": "steps",
    "Piste cyclable": "cycleway",
}


@dataclass(frozen=True, slots=True)
class SpeedTable:
    """Average speeds in km/h by road class, and the share of a posted limit that is driven on
    average.
    """

    name: str
    version: str
    car_kmh: dict[str, float]
    limit_share: float
    foot_kmh: float
    bicycle_kmh: float

    def car_speeds(self) -> Floats:
        """Return the car's speed of each class of :data:`ROAD_CLASSES`, in km/h."""
        return np.array([self.car_kmh[name] for name in ROAD_CLASSES])


#: Ours: legal limits (Code de la route R413-2, R413-3: 130, 110, 80, 50 km/h) lowered to what is
#: driven outside towns.
#:
#: Walking at 4 km/h is IGN's rule for its own isochrones (IGNF/route-graph-generator,
#: costs_calculation.json). The car's speeds are set by hand, not fitted to measured journeys: a
#: source's own speeds always come first.
FRANCE = SpeedTable(
    name="geoguichet-france",
    version="1",
    car_kmh={
        "motorway": 110.0,
        "motorway_link": 55.0,
        "trunk": 90.0,
        "trunk_link": 50.0,
        "primary": 70.0,
        "primary_link": 45.0,
        "secondary": 60.0,
        "secondary_link": 40.0,
        "tertiary": 50.0,
        "tertiary_link": 35.0,
        "unclassified": 40.0,
        "residential": 25.0,
        "living_street": 10.0,
        "service": 15.0,
        "track": 12.0,
        "pedestrian": 5.0,
        "cycleway": 5.0,
        "footway": 5.0,
        "path": 5.0,
        "steps": 5.0,
    },
    limit_share=0.9,
    foot_kmh=4.0,
    bicycle_kmh=15.0,
)

TABLES = {table.name: table for table in (FRANCE,)}
