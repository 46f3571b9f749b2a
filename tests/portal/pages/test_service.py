"""The pages a public site owes its readers, the examples, and what a record shows of its data."""

import shutil
import subprocess
import sys
from pathlib import Path

import geopandas as gpd
import lxml.html
import pytest
import requests

from geoguichet.catalogue.record import Link, Record
from geoguichet.catalogue.search.store import SQLiteStore
from geoguichet.portal.pages.service import EXAMPLES

REGION = """
[region]
name = "Région"
[region.contact]
name = "SIG"
email = "sig@region.example"
telephone = "05 61 00 00 00"
[portal]
languages = ["en"]
[legal]
publisher = "Région, Toulouse"
host = "Hébergeur"
notice = { fr = "À lire.", en = "To read." }
accessibility = "partiellement conforme"
[licence]
name = "ODbL 1.0"
url = "https://opendatacommons.org/licenses/odbl/1-0/"
[[sources]]
name = "IGN"
url = "https://www.ign.fr"
[theme]
logo = "logo.png"
"""


def test_what_the_region_says_is_on_its_pages(
    tmp_path: Path, serve, http: requests.Session
) -> None:
    (tmp_path / "region.toml").write_text(REGION, encoding="utf-8")
    (tmp_path / "logo.png").write_bytes(b"\x89PNG\r\n")
    with serve(tmp_path) as url:
        page = lxml.html.fromstring(http.get(f"{url}/mentions-legales?f=html").text)
        text = page.text_content()
        assert page.get("lang") == "en" and "French" not in text and "Français" not in text
        for told in ("Région, Toulouse", "Hébergeur", "To read.", "ODbL 1.0", "IGN", "SIG"):
            assert told in text
        assert page.xpath("//footer//a[@href='tel:0561000000']")
        assert "partly compliant" in http.get(f"{url}/accessibilite?f=html").text
        assert http.get(f"{url}/donnees-personnelles?f=html").status_code == 200
        logo = http.get(f"{url}/logo")
        assert logo.headers["Content-Type"] == "image/png" and logo.content.startswith(b"\x89PNG")
        assert f'<img src="{url}/logo" alt="">' in http.get(f"{url}/?f=html").text
        (tmp_path / "logo.png").unlink()
        assert http.get(f"{url}/logo").status_code == 404


def test_the_law_is_told_as_data_too(url: str, http: requests.Session) -> None:
    told = http.get(f"{url}/mentions-legales?f=json").json()
    assert told["accessibility"] == "non conforme" and told["director"] is None
    assert "non renseigné" in http.get(f"{url}/mentions-legales?f=html").text


def test_every_example_is_on_the_page_with_the_address_of_the_portal(
    url: str, http: requests.Session
) -> None:
    page = lxml.html.fromstring(http.get(f"{url}/developpeurs?f=html").text)
    for key in EXAMPLES:
        (code,) = page.xpath(f"//pre[@id='{key}']")
        assert url in code.text_content() and "{" + "root}" not in code.text_content()


def test_the_example_of_python_reads_the_layer(url: str, http: requests.Session) -> None:
    (example,) = (
        one["code"]
        for one in http.get(f"{url}/developpeurs?f=json").json()["examples"]
        if one["id"] == "geopandas"
    )
    asked = example.replace('"communes"', '"white-zones"') + "print(len(layer))"
    run = subprocess.run(  # GDAL holds the interpreter that also serves
        [sys.executable, "-c", asked], capture_output=True, text=True, timeout=60, check=True
    )
    assert run.stdout == "3\n"


@pytest.mark.skipif(shutil.which("ogr2ogr") is None, reason="ogr2ogr (gdal-bin) is not installed")
def test_the_example_of_gdal_copies_the_layer(
    url: str, http: requests.Session, tmp_path: Path
) -> None:
    examples = http.get(f"{url}/developpeurs?f=json").json()["examples"]
    (example,) = (one["code"] for one in examples if one["id"] == "gdal")
    asked = example.replace("communes", "kiosks").split()
    subprocess.run(asked, cwd=tmp_path, check=True, capture_output=True, timeout=60)
    assert len(gpd.read_file(tmp_path / "kiosks.gpkg")) == 12


def test_a_record_shows_the_data_it_leads_to(tmp_path: Path, serve, http: requests.Session) -> None:
    told = '[collections.communes]\ncolour = "#0A7B3C"\n[collections.communes.columns]\n'
    told += 'name = "Nom"\npopulation = { fr = "Gens", en = "Folk" }\n'
    (tmp_path / "region.toml").write_text(told, encoding="utf-8")
    links = (Link("collections/communes/items", rel="items", type="application/geo+json"),)
    nowhere = (Link("collections/rien/items", rel="items"), Link("https://a.example/", "about"))
    with SQLiteStore(tmp_path / "catalogue.sqlite") as store:
        store.upsert(Record(id="a", type="dataset", title="A", links=links))
        store.upsert(Record(id="b", type="dataset", title="B", links=nowhere))
    with serve(tmp_path) as url:
        home = f"{url}/collections/catalogue/items"
        page = lxml.html.fromstring(http.get(f"{home}/a?f=html").text)
        assert len(page.xpath("//section[@aria-labelledby='preview']//tbody/tr")) == 8
        path = page.xpath("string(//path[@class='c-pt c-petit']/@d)")
        assert path.count("M") == 2943, "one commune has no outline"
        bars = page.xpath("//ul[@class='barres']/li/span[last()]/text()")
        assert len(bars) == 5 and sum(int(bar.replace("\u202f", "")) for bar in bars) == 2944
        assert page.xpath("//section[@aria-labelledby='preview']//svg/@color") == ["#0A7B3C"]
        heads = page.xpath("//section[@aria-labelledby='preview']//thead//th/text()")
        assert heads == ["Nom", "Gens"]
        items = http.get(f"{url}/collections/communes/items?f=html&lang=en").text
        assert 'data-colour="#0A7B3C"' in items and ">Folk</th>" in items
        (first, *_) = page.xpath("//section[@aria-labelledby='preview']//tbody//a/@href")
        assert http.get(first).status_code == 200
        plain = http.get(f"{home}/b?f=html").text
        assert "Aperçu des données" not in plain
