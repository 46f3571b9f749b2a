import pytest
import requests

from geoguichet.portal.errors import ParameterError
from geoguichet.portal.jobs.inputs import study_document


def test_the_process_answers_white_zones(url: str, http: requests.Session) -> None:
    described = http.get(f"{url}/processes/white-zones", headers={"Accept-Language": "en"}).json()
    assert described["title"] == "Compute the white zones"
    asked = described["example"]
    answer = http.post(f"{url}/processes/white-zones/execution", json=asked)
    assert answer.status_code == 200, answer.text
    assert answer.headers["Content-Type"] == "application/geo+json"
    zones = answer.json()["features"]
    assert zones and all(zone["properties"]["people"] > 0 for zone in zones)


@pytest.mark.parametrize(
    ("inputs", "named"),
    [
        ({"couleur": 1}, "couleur"),
        ({"services": ["mairie"]}, "services"),
        (
            {"services": {"mairie": {"types": ["bowling"]}}, "thresholds": {"mairie": "8 km"}},
            "bowling",
        ),
        ({"thresholds": {"poste": "8 km"}}, "poste"),
        ({"thresholds": {"etat": "0 km", "mairie": "8 km"}}, "etat"),
        ({"rule": {"all": ["poste"]}}, "poste"),
        ({"services": {"mairie": {"types": ["town_hall"]}}}, ""),
    ],
)
def test_refused_inputs_are_a_400_that_names_them(
    url: str, http: requests.Session, inputs: dict, named: str
) -> None:
    answer = http.post(f"{url}/processes/white-zones/execution", json={"inputs": inputs})
    if named:
        assert answer.status_code == 400, answer.text
        assert named in answer.json()["description"]
    else:
        assert answer.status_code == 200


def test_inputs_become_a_study() -> None:
    document = study_document(
        {"services": {"m": {"types": ["town_hall"]}}, "thresholds": {"m": "5 km"}}
    )
    assert document["services"] == {"m": {"types": ["town_hall"], "within": "5 km"}}
    assert document["rule"] == {"all": ["m"]}
    with pytest.raises(ParameterError, match="rule"):
        study_document({"rule": "tous"})
