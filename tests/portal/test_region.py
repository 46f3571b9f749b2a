"""A portal speaks as the ``region.toml`` of its workspace says, on its pages and in its API."""

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
import yaml

from geoguichet.cli import main
from geoguichet.floor.errors import UsageError
from geoguichet.floor.region import read_region
from geoguichet.portal.engine import configuration, printed

REGION = """
[region]
name = "Région Bretagne"
[region.contact]
name = { fr = "Pôle données", en = "Data team" }
email = "sig@region.example"
url = "https://www.region.example/sig"
[portal]
title = { fr = "Géo<b>zh", en = "Geobrittany" }
description = { fr = "Les données de Bretagne.", en = "The data of Brittany." }
keywords = ["mer", "services"]
[limits]
record_bytes = 1_000
text_length = 100
"""
RECORD = {
    "type": "Feature",
    "id": "iles",
    "geometry": None,
    "properties": {"type": "dataset", "title": "Îles"},
}
CONTACT = {
    "name": "Pôle données",
    "email": "sig@region.example",
    "url": "https://www.region.example/sig",
}


@pytest.fixture(scope="module")
def bretagne(tmp_path_factory: pytest.TempPathFactory, serve) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("bretagne")
    (folder / "region.toml").write_text(REGION, encoding="utf-8")
    with serve(folder, editable=True) as url:
        yield url


def test_the_api_says_whose_it_is(bretagne: str, http: requests.Session) -> None:
    french, english = (
        http.get(bretagne, params={"f": "json", "lang": lang}).json() for lang in ("fr", "en")
    )
    assert (french["title"], french["description"]) == ("Géo<b>zh", "Les données de Bretagne.")
    assert (english["title"], english["description"]) == ("Geobrittany", "The data of Brittany.")
    about = http.get(f"{bretagne}/openapi?f=json").json()["info"]
    assert (about["title"], about["contact"]) == ("Géo<b>zh", CONTACT)
    catalog = http.get(f"{bretagne}/?f=jsonld").json()
    assert (catalog["name"], catalog["keywords"]) == ("Géo<b>zh", ["mer", "services"])
    assert catalog["publisher"] == {"@type": "Organization", **CONTACT}
    assert (
        http.get(f"{bretagne}/collections?f=json").json()["description"]
        == "Les données de Bretagne."
    )
    records = http.get(f"{bretagne}/collections/catalogue/items?f=dcat-ttl")
    assert "Région Bretagne" in records.text and "Géoguichet" not in records.text


def test_the_pages_say_whose_they_are(bretagne: str, http: requests.Session) -> None:
    page = http.get(f"{bretagne}/collections?f=html").text
    assert "· Géo&lt;b&gt;zh</title>" in page and "<b>Géo&lt;b&gt;zh</b>" in page
    page = http.get(f"{bretagne}/?f=html").text
    assert "<h2>Pôle données</h2>" in page and "Administration du catalogue" not in page
    assert 'href="mailto:sig@region.example"' in page and f'href="{CONTACT["url"]}"' in page


def test_a_record_over_the_limit_of_the_region_is_refused(
    bretagne: str, editor: requests.Session
) -> None:
    items = f"{bretagne}/collections/catalogue/items"
    assert editor.post(items, json=RECORD).status_code == 201
    long = {**RECORD, "properties": {**RECORD["properties"], "description": "a" * 1000}}
    for refused in (editor.post(items, json=long), editor.put(f"{items}/iles", json=long)):
        assert refused.status_code == 413 and "Au plus 1" in refused.text
    wordy = {**RECORD, "properties": {**RECORD["properties"], "description": "a" * 101}}
    odd = {**RECORD, "properties": {**RECORD["properties"], "description": "a\x00"}}
    patch = {"properties": {"keywords": ["a" * 101]}}
    for refused, status, told in (
        (editor.put(f"{items}/iles", json=wordy), 413, "properties.description : texte de 101"),
        (editor.patch(f"{items}/iles", json=patch), 413, "properties.keywords[0] : texte de 101"),
        (editor.post(items, json={**odd, "id": "b"}), 400, "U+0000"),
        (editor.put(f"{items}/iles", json=odd), 400, "properties.description : le caractère"),
    ):
        assert refused.status_code == status and told in refused.json()["description"]
    assert editor.get(f"{items}/iles").json()["properties"] == RECORD["properties"]


def test_a_wrong_region_is_one_sentence_and_nothing_is_served(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "region.toml").write_text('[portal]\nlogo = "a.svg"\n', encoding="utf-8")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = str(free.getsockname()[1])
    assert main(["serve", "--port", port, "--workspace", str(tmp_path)]) == 2
    said = capsys.readouterr()
    assert said.out == "" and said.err.count("\n") == 1
    assert "clé « portal.logo » : cette clé est inconnue" in said.err


def test_who_sees_a_collection_that_is_not_there_is_refused(tmp_path: Path) -> None:
    """A slip in its name would show it to everyone."""
    (tmp_path / "region.toml").write_text("[visibility]\ncollections.kiosk = 'partners'\n", "utf-8")
    with pytest.raises(UsageError, match=r"visibility\.collections\.kiosk.*l'une de .*kiosks"):
        configuration(tmp_path, read_region(tmp_path), url="http://x")


def test_what_pygeoapi_starts_with_by_itself_holds_what_everyone_sees(tmp_path: Path) -> None:
    (tmp_path / "region.toml").write_text(
        "[visibility]\ncollections.kiosks = 'partners'\n", "utf-8"
    )
    told = yaml.safe_load(printed(tmp_path, url="http://x"))["resources"]
    assert "white-zones" in told and "kiosks" not in told
