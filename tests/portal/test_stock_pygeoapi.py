"""The configuration at the root serves by itself: pygeoapi as it is, in a process of its own."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests
import yaml

from geoguichet.portal.engine import printed
from geoguichet.referentials.layers import sample_path

ROOT = Path(__file__).parents[2]
CONFIGURATION = ROOT / "pygeoapi-config.yml"
PROGRAM = Path(sys.executable).parent / "pygeoapi"
COLLECTIONS = [
    name
    for name, resource in yaml.safe_load(CONFIGURATION.read_text("utf-8"))["resources"].items()
    if resource["type"] == "collection"
]


@pytest.fixture(scope="module")
def stock(workspace: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The file at the root, in pygeoapi as it is."""
    with started(CONFIGURATION, tmp_path_factory.mktemp("stock"), workspace) as url:
        yield url


@contextmanager
def started(configuration: Path, folder: Path, workspace: Path) -> Iterator[str]:
    """Start pygeoapi's own Starlette application; it warns of nothing."""
    # Held until the last moment: another test would be given the port meanwhile.
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        url = f"http://127.0.0.1:{port}"
        environment = os.environ | {
            "PYGEOAPI_CONFIG": str(configuration),
            "PYGEOAPI_OPENAPI": str(folder / "openapi.yml"),
            "GEOGUICHET_WORKSPACE": str(workspace),
            "GEOGUICHET_URL": url,
        }
        generating = [
            PROGRAM, "openapi", "generate", configuration, "--output-file", folder / "openapi.yml",
        ]  # fmt: skip
        subprocess.run(generating, env=environment, check=True, capture_output=True, timeout=120)
    serving = [
        sys.executable, "-m", "uvicorn", "pygeoapi.starlette_app:APP", "--host", "127.0.0.1",
        "--port", port, "--log-level", "warning",
    ]  # fmt: skip
    said = folder / "said.txt"
    with said.open("wb") as output:
        server = subprocess.Popen(serving, env=environment, stdout=output, stderr=output)
        try:
            _wait_for(url, server)
            yield url
        finally:
            server.terminate()
            server.wait(30)
    assert "WARN" not in said.read_text("utf-8").upper()


def _wait_for(url: str, server: subprocess.Popen) -> None:
    for _attempt in range(300):
        assert server.poll() is None
        try:
            requests.get(f"{url}/conformance", timeout=5)
        except requests.ConnectionError:
            time.sleep(0.2)
        else:
            return
    pytest.fail("pygeoapi does not answer")


@pytest.mark.parametrize("name", COLLECTIONS)
def test_each_collection_is_served(stock: str, http: requests.Session, name: str) -> None:
    home = f"{stock}/collections/{name}"
    assert http.get(home).json()["id"] == name
    page = http.get(f"{home}/items", params={"limit": "2"}).json()
    assert page["type"] == "FeatureCollection" and len(page["features"]) == 2
    one = page["features"][0]
    assert http.get(f"{home}/items/{one['id']}").json()["id"] == one["id"]
    assert http.get(f"{home}/queryables").json()["properties"]
    for path in (home, f"{home}/items", f"{home}/items/{one['id']}"):
        shown = http.get(path, params={"f": "html"})
        assert shown.status_code == 200 and "<html" in shown.text


def test_the_records_are_searched(stock: str, http: requests.Session) -> None:
    items = f"{stock}/collections/catalogue/items"
    assert [r["id"] for r in http.get(items, params={"q": "foret"}).json()["features"]] == [
        "forets"
    ]
    refused = http.get(items, params={"couleur": "rouge"})
    assert refused.status_code == 400
    assert refused.json()["description"].startswith("couleur : paramètre inconnu")


def test_the_process_is_described(stock: str, http: requests.Session) -> None:
    listed = http.get(f"{stock}/processes").json()["processes"]
    processes = {process["id"]: process for process in listed}
    assert set(processes) == {"white-zones", "nearest"}
    assert processes["white-zones"]["title"] == "Calculer les zones blanches"


REGION = f"""
[region]
name = "Ailleurs"
[territory]
data = "{sample_path()}"
[collections.places]
layer = "departements"
title = {{ fr = "Départements", en = "Départements" }}
id = "code"
columns = {{ name = "Nom" }}
"""


def test_what_serve_prints_of_a_region_is_served_by_it(
    tmp_path: Path, http: requests.Session
) -> None:
    (tmp_path / "region.toml").write_text(REGION, encoding="utf-8")
    file = tmp_path / "printed.yml"
    file.write_text(printed(tmp_path, url="http://127.0.0.1"), encoding="utf-8")
    with started(file, tmp_path, tmp_path) as url:
        found = http.get(f"{url}/collections/places/items", params={"limit": "1"}).json()
        assert [one["id"] for one in found["features"]] == ["09"]
        told = http.get(f"{url}/collections/places", params={"f": "json"}).json()
        assert told["title"] == "Départements" and told["keywords"] == ["departements", "Ailleurs"]
