"""What we lean on in pygeoapi: these fail first when its pin moves."""

import inspect
from pathlib import Path

import pygeoapi
import pygeoapi.api
import pytest
import requests
from pygeoapi.api import itemtypes, processes
from pygeoapi.provider.base import ProviderInvalidQueryError

from geoguichet.floor.region import Region
from geoguichet.portal import engine
from geoguichet.portal.answers import Refusal
from geoguichet.portal.providers.records import RecordProvider
from geoguichet.portal.site import Site


def test_the_pin_is_the_one_we_read() -> None:
    assert pygeoapi.__version__.startswith("0.24.")


def test_pygeoapi_still_does_what_we_replace() -> None:
    assert "bbox = transform_bbox(bbox, bbox_crs, storage_crs)" in inspect.getsource(itemtypes)


@pytest.mark.parametrize(
    "path", ["/collections/communes/items", "/collections/kiosks", "/processes", "/zut", "/"]
)
def test_no_page_is_filled_by_pygeoapi(
    url: str, http: requests.Session, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    """It makes its templates anew for every page, and keeps configurations it translated."""
    for module in (pygeoapi.api, itemtypes, processes):
        monkeypatch.delattr(module, "render_j2_template")
    page = http.get(url + path, headers={"Accept": "text/html"})
    assert page.status_code in (200, 404) and "<html" in page.text
    assert pygeoapi.l10n._cfg_cache == {}


def test_a_configuration_is_for_one_workspace(tmp_path: Path) -> None:
    config = engine.configuration(tmp_path, Region(), url="http://carte.example.org/geo")
    resources = config["resources"]
    assert config["server"]["url"] == "http://carte.example.org/geo"
    assert resources["catalogue"]["providers"][0]["data"] == str(tmp_path)
    assert [name for name, resource in resources.items() if resource["type"] == "collection"] == [
        "catalogue", "white-zones", "kiosks", "communes", "services",
    ]  # fmt: skip
    assert not config["server"].get("admin")


def test_a_path_of_any_characters_is_a_workspace(tmp_path: Path) -> None:
    odd = tmp_path / """a b: "c" 'd' #é\\{}"""
    providers = engine.configuration(odd, Region(), url="http://x")["resources"]["catalogue"][
        "providers"
    ]
    assert providers[0]["data"] == str(odd)


def test_a_refusal_of_pygeoapi_is_one_of_ours(tmp_path: Path) -> None:
    api = Site(tmp_path, url="http://x").engine
    with pytest.raises(Refusal, match="Aucune collection de ce nom") as refused:
        api.get_exception(404, {}, "json", "NotFound", "Collection not found")
    assert (refused.value.status, refused.value.code) == (404, "NotFound")
    definition = {"name": "x", "type": "record", "data": str(tmp_path), "id_field": "id"}
    with pytest.raises(
        Refusal, match="rien : paramètre inconnu"
    ):  # what a provider of ours said, as it said it
        try:
            RecordProvider(definition).query(properties=[("rien", "1")])
        except ProviderInvalidQueryError as error:
            api.get_exception(400, {}, "html", "InvalidQuery", error.message)


def test_the_box_is_left_alone_in_its_own_crs() -> None:
    crs84, lambert = (
        "http://www.opengis.net/def/crs/OGC/1.3/CRS84",
        "http://www.opengis.net/def/crs/EPSG/0/2154",
    )
    assert engine.bbox_between([1, 43, 2, 44], crs84, crs84) == [1, 43, 2, 44]
    assert engine.bbox_between([5e5, 6.2e6, 6e5, 6.3e6], lambert, crs84)[0] < 2
