"""A cost carries its unit wherever it goes."""

import copy
import json
import pickle

import numpy as np

from geoguichet.floor.units import Cost, Unit

EIGHT_KM, TWENTY_MIN = Cost(8000, Unit.METRES), Cost(1200, Unit.SECONDS)


def test_a_cost_is_a_number_among_numbers() -> None:
    assert EIGHT_KM == 8000 and EIGHT_KM / 1000 == 8.0 and hash(EIGHT_KM) == hash(8000.0)
    assert (np.array([7999.0, 8000.0, 8001.0]) <= EIGHT_KM).tolist() == [True, True, False]
    assert json.dumps(EIGHT_KM) == "8000.0"


def test_two_costs_are_equal_when_their_units_are_too() -> None:
    assert Cost(1200, Unit.SECONDS) == TWENTY_MIN != Cost(1200, Unit.METRES)
    assert Cost(1200, Unit.METRES) in {EIGHT_KM, Cost(1200, Unit.METRES)}


def test_a_copy_keeps_the_unit() -> None:
    for twin in (copy.deepcopy(TWENTY_MIN), pickle.loads(pickle.dumps(TWENTY_MIN))):
        assert twin == TWENTY_MIN and twin.unit is Unit.SECONDS


def test_the_unit_names_the_columns_and_the_words() -> None:
    assert [unit.column("slack") for unit in Unit] == ["slack_m", "slack_s"]
    assert (EIGHT_KM.told, TWENTY_MIN.told) == ("8 km", "20 min")


def test_a_time_leads_as_far_as_the_speed_allows() -> None:
    assert EIGHT_KM.metres_at(25.0) == 8000.0 and TWENTY_MIN.metres_at(25.0) == 30_000.0
