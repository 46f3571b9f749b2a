from pathlib import Path
from urllib.parse import urlsplit

import pytest
import requests
from pygeoapi.provider.base import ProviderInvalidQueryError, ProviderItemNotFoundError

from geoguichet.portal.providers.records import RecordProvider


@pytest.fixture
def ask(url: str, http: requests.Session):
    def asked(status: int = 200, **parameters: str) -> dict:
        answer = http.get(f"{url}/collections/catalogue/items", params=parameters)
        assert answer.status_code == status, answer.text
        return answer.json()

    return asked


def ids(answer: dict) -> list[str]:
    return [record["id"] for record in answer["features"]]


def test_the_parameters_of_the_standard_are_honoured(ask) -> None:
    assert ask()["numberMatched"] == 15
    assert ids(ask(q="foret")) == ["forets"]
    assert ids(ask(q="zone blanche,forets", sortby="title")) == ["forets", "etude"]
    assert ids(ask(bbox="1,42.6,1.2,43", type="study,service")) == ["etude"]
    assert ids(ask(datetime="2020-05-01T00:00:00Z")) == ["forets"]
    assert ids(ask(ids="etude,jeu-03", sortby="-id")) == ["jeu-03", "etude"]
    assert ask(externalIds="rien")["numberMatched"] == 0
    assert ids(ask(offset="10", limit="2", sortby="id")) == ["jeu-08", "jeu-09"]
    assert ask(resulttype="hits")["numberReturned"] == 0
    chosen = ask(ids="forets", properties="title", skipGeometry="true")["features"][0]
    assert list(chosen["properties"]) == ["title"] and chosen["geometry"] is None


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("couleur", "rouge"),
        ("datetime", "bogus"),
        ("datetime", "2021/2020"),
        ("bbox", "1,2,3"),
        ("bbox", "0,0,574000,6279000"),
        ("bbox", "nan,0,1,1"),
        ("sortby", "couleur"),
        ("sortby", "keywords"),
        ("limit", "dix"),
        ("offset", "-1"),
        ("filter", "couleur='x'"),
        ("filter-lang", "ecql"),
        ("filter-crs", "EPSG:9"),
        ("facets", "couleur"),
        ("cursor", "x"),
        ("profile", "autre"),
        ("skipGeometry", "oui"),
        ("f", "xls"),
        ("properties", "couleur"),
    ],
)
def test_a_wrong_parameter_is_a_400(ask, name: str, value: str) -> None:
    assert ask(400, **{name: value})["description"]


@pytest.mark.parametrize("q", ["(", '"', "*", "a\x00b", "NEAR(", "', --", "é" * 3000, ","])
def test_no_text_breaks_the_search(ask, q: str) -> None:
    assert ask(q=q)["numberMatched"] == 0


def test_a_record_is_served_as_stored_with_absolute_links(url: str, http: requests.Session) -> None:
    answer = http.get(f"{url}/collections/catalogue/items/forets").json()
    links = {link.get("title"): link["href"] for link in answer["links"]}
    assert links["Le fichier"] == f"{url}/studies/essai/result.gpkg"
    assert links["L'étude"] == f"{url}/collections/catalogue/items/etude"
    assert links["Le site"] == "https://example.org/forets"
    assert http.get(links["Le fichier"]).content[:15] == b"SQLite format 3"
    assert http.get(f"{url}/collections/catalogue/items/inconnue").status_code == 404


def test_the_catalogue_of_a_new_workspace_is_empty(tmp_path, serve, http: requests.Session) -> None:
    with serve(tmp_path / "nouveau") as url:
        assert http.get(f"{url}/collections/catalogue/items").json()["numberMatched"] == 0
        page = http.get(f"{url}/collections/catalogue/items", headers={"Accept": "text/html"})
        assert page.status_code == 200 and "encore vide" in page.text


def test_a_provider_is_made_for_every_request_and_holds_nothing(tmp_path: Path) -> None:
    """pygeoapi makes one each time: the store is kept beside it, and making one opens nothing."""
    definition = {"name": "x", "type": "record", "data": str(tmp_path), "id_field": "id"}
    first, second = RecordProvider(dict(definition)), RecordProvider(dict(definition))
    assert first.store is second.store
    assert not list(tmp_path.iterdir())
    first.fields["title"]["type"] = "spoilt"
    assert second.fields["title"]["type"] == "string"


def test_the_provider_alone_answers_as_pygeoapi_asks_it(workspace: Path) -> None:
    provider = RecordProvider(
        {
            "name": "x", "type": "record", "data": str(workspace), "id_field": "id",
            "options": {"base_url": "https://region.example/portail"},
        }
    )  # fmt: skip
    found = provider.query(
        q="foret", bbox=[1, 42, 2, 44], sortby=[{"property": "title", "order": "-"}],
        properties=[("type", "dataset")], select_properties=["title"], skip_geometry=True,
    )  # fmt: skip
    (record,) = found["features"]
    assert (found["numberMatched"], found["numberReturned"]) == (1, 1)
    assert (record["id"], record["geometry"]) == ("forets", None)
    assert list(record["properties"]) == ["title"]
    assert provider.query(resulttype="hits")["features"] == []
    whole = provider.get("etude")
    assert all(urlsplit(link["href"]).scheme for link in whole["links"])
    for asked in ({"properties": [("couleur", "rouge")]}, {"filterq": "type = 'study'"},
                  {"bbox": [1, 2, 3]}):  # fmt: skip
        with pytest.raises(ProviderInvalidQueryError):
            provider.query(**asked)
    with pytest.raises(ProviderItemNotFoundError):
        provider.get("absent")
