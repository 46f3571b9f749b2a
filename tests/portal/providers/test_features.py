import logging
import shutil
from pathlib import Path

import geopandas as gpd
import pytest
import requests
from pygeoapi.provider.base import ProviderInvalidQueryError, ProviderItemNotFoundError

from geoguichet.portal.providers.features import GeoPackageProvider, StudyLayerProvider


def communes() -> GeoPackageProvider:
    return GeoPackageProvider(
        {"name": "x", "type": "feature", "data": "sample", "table": "communes", "id_field": "code"}
    )


def zones(workspace: Path, table: str = "white_zones") -> StudyLayerProvider:
    return StudyLayerProvider(
        {"name": "x", "type": "feature", "data": str(workspace), "table": table, "id_field": "id"}
    )


def ids(answer: dict) -> list:
    return [feature["id"] for feature in answer["features"]]


def test_a_layer_is_paged_sorted_and_counted() -> None:
    answer = communes().query(limit=2, sortby=[{"property": "population", "order": "-"}])
    assert answer["numberMatched"] == 2944
    assert answer["features"][0]["properties"]["name"] == "Toulouse"
    following = communes().query(
        offset=1, limit=1, sortby=[{"property": "population", "order": "-"}]
    )
    assert ids(following) == ids(answer)[1:]
    assert communes().query(resulttype="hits") == {
        "type": "FeatureCollection", "features": [], "numberMatched": 2944, "numberReturned": 0,
    }  # fmt: skip


def test_a_layer_is_filtered() -> None:
    ariege = communes().query(properties=[("departement", "09")], limit=1)
    assert ariege["numberMatched"] == 325
    assert (
        communes().query(properties=[("departement", "09"), ("code", "31555")])["numberMatched"]
        == 0
    )
    one = communes().query(
        properties=[("code", "31555")], select_properties=["name"], skip_geometry=True
    )
    assert one["features"][0]["properties"] == {"name": "Toulouse"}
    assert one["features"][0]["geometry"] is None


def test_a_feature_is_found_by_its_identifier() -> None:
    toulouse = communes().get("31555")
    assert (toulouse["id"], toulouse["properties"]["name"]) == ("31555", "Toulouse")
    with pytest.raises(ProviderItemNotFoundError):
        communes().get("99999")


@pytest.mark.parametrize(
    "asked",
    [
        {"properties": [("couleur", "rouge")]},
        {"properties": [("population", "beaucoup")]},
        {"datetime_": "hier"},
        {"q": "eau"},
        {"bbox": [float("nan"), 1, 2, 3]},
        {"bbox": [0, 0, 574000, 6279000]},
        {"filterq": object()},
    ],
)
def test_a_wrong_parameter_is_refused(asked: dict) -> None:
    with pytest.raises(ProviderInvalidQueryError):
        communes().query(**asked)


def test_the_studies_of_a_workspace_are_one_collection(tmp_path: Path, write_study) -> None:
    provider = zones(tmp_path)
    assert provider.query()["numberMatched"] == 0
    write_study(tmp_path, "a", zones=3)
    assert ids(provider.query()) == ["a.zb-001", "a.zb-002", "a.zb-003"]
    write_study(tmp_path, "b-2", zones=2)
    assert zones(tmp_path).query()["numberMatched"] == 5
    assert ids(zones(tmp_path).query(properties=[("study", "b-2")])) == ["b-2.zb-001", "b-2.zb-002"]
    assert ids(zones(tmp_path).query(offset=2, limit=2)) == ["a.zb-003", "b-2.zb-001"]
    assert ids(zones(tmp_path).query(bbox=[0, 42, 1.2, 44])) == ["a.zb-001", "b-2.zb-001"]
    biggest = zones(tmp_path).query(sortby=[{"property": "people", "order": "-"}], limit=2)
    assert (
        ids(biggest) == ["a.zb-001", "a.zb-002"]
        and biggest["features"][0]["properties"]["study"] == "a"
    )
    assert zones(tmp_path).get("b-2.zb-002")["properties"]["people"] == 1000
    for wrong in ("b-2.zb-009", "zb-001", "c.zb-001", "", "."):
        with pytest.raises(ProviderItemNotFoundError):
            zones(tmp_path).get(wrong)


def test_a_layer_declares_the_measures_that_its_studies_have(tmp_path: Path, write_study) -> None:
    assert not {"worst_m", "worst_s"} & zones(tmp_path).fields.keys()
    result = write_study(tmp_path, "temps")
    frame = gpd.read_file(result, layer="white_zones").assign(worst_s=600.0)
    frame.to_file(result, layer="white_zones", engine="pyogrio")
    assert zones(tmp_path).fields["worst_s"] == {"type": "number"}
    assert "worst_m" not in zones(tmp_path).fields


def test_values_that_are_missing_come_last_both_ways(tmp_path: Path, write_study) -> None:
    write_study(tmp_path, "a", kiosks=3)
    for order in "+-":
        answer = zones(tmp_path, "kiosks").query(
            sortby=[{"property": "share_cumulated", "order": order}]
        )
        assert answer["features"][-1]["id"] == "a.k-001"


def test_a_bad_study_is_left_aside(
    tmp_path: Path, write_study, caplog: pytest.LogCaptureFixture
) -> None:
    good = write_study(tmp_path, "bonne")
    studies = tmp_path / "studies"
    shutil.copytree(good.parent, studies / ".moitie.tmp")
    (studies / "vide").mkdir()
    (studies / "coupee").mkdir()
    (studies / "coupee" / "result.gpkg").write_bytes(good.read_bytes()[:30000])
    (studies / "texte").mkdir()
    (studies / "texte" / "result.gpkg").write_text("ceci n'est pas un GeoPackage")
    (studies / "fichier").write_text("")
    with caplog.at_level(logging.WARNING):
        assert zones(tmp_path).query()["numberMatched"] == 3
    assert "coupee" in caplog.text and "texte" in caplog.text


def test_a_study_is_served_with_no_restart(
    tmp_path: Path, serve, write_study, http: requests.Session
) -> None:
    with serve(tmp_path) as url:
        items = f"{url}/collections/kiosks/items"
        assert http.get(items).json()["numberMatched"] == 0
        write_study(tmp_path, "nouvelle", kiosks=7)
        assert http.get(items, params={"study": "nouvelle"}).json()["numberMatched"] == 7
        shutil.rmtree(tmp_path / "studies" / "nouvelle")
        assert http.get(items).json()["numberMatched"] == 0


def test_features_are_given_in_another_crs(url: str, http: requests.Session) -> None:
    asked = {"crs": "http://www.opengis.net/def/crs/EPSG/0/2154"}
    answer = http.get(f"{url}/collections/kiosks/items/essai.k-001", params=asked)
    x, y = answer.json()["geometry"]["coordinates"]
    assert 400_000 < x < 700_000 and 6_000_000 < y < 6_400_000
    assert "2154" in answer.headers["Content-Crs"]
