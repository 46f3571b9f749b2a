"""The page of a layer: a form that filters, French words for codes, every row drawn and offered."""

from collections import Counter

import lxml.html
import numpy as np
import pytest
import requests
from pyogrio import read_dataframe

from geoguichet.coverage.outputs.style import UNSERVED
from geoguichet.portal.drawn import crowd
from geoguichet.portal.filters import in_words, key_columns, label
from geoguichet.portal.territory import Territory
from geoguichet.referentials.layers import sample_path
from geoguichet.referentials.territories import sample

HOME = "collections/services/items"


def page(http: requests.Session, address: str) -> lxml.html.HtmlElement:
    answered = http.get(address, headers={"Accept": "text/html"})
    assert answered.status_code == 200
    return lxml.html.fromstring(answered.text)


def test_each_value_of_a_filter_carries_its_rows(url: str, http: requests.Session) -> None:
    services = read_dataframe(sample_path(), layer="services", read_geometry=False)
    shown = page(http, f"{url}/{HOME}")
    offered = {
        option.get("value"): option.text_content()
        for option in shown.xpath("//select[@name='type']/option")[1:]
    }
    counts = Counter(services["type"])
    assert offered.keys() == counts.keys()
    assert offered["prefecture"] == f"Préfecture ({counts['prefecture']})"
    assert "Ariège (" in shown.xpath("string(//select[@name='departement'])")


def test_the_form_filters_and_each_filter_is_dropped_by_a_link(
    url: str, http: requests.Session
) -> None:
    shown = page(http, f"{url}/{HOME}?type=town_hall&q=foix&departement=09")
    names = [cell.text_content() for cell in shown.xpath("//tbody//th")]
    assert names and all("Mairie" in name for name in names)
    chips = shown.xpath("//a[@class='puce']")
    assert len(chips) == 3 and "Type : Mairie" in shown.xpath("string(//p[@class='puces'])")
    assert shown.xpath("//option[@selected]/@value") == ["town_hall", "09"]
    for chip in chips:
        assert len(page(http, chip.get("href")).xpath("//a[@class='puce']")) == 2
    for link in shown.xpath("//details[@class='tel-menu']//a/@href"):
        assert "q=foix" in link and "type=town_hall" in link


def test_no_code_reaches_who_reads(url: str, http: requests.Session) -> None:
    shown = page(http, f"{url}/{HOME}?limit=50")
    text = shown.xpath("string(//main//table)")
    assert "Mairie" in text and "lun." in text and "Ariège" in text
    for code in ("town_hall", "Mo ", "Mo-", "Fr 0", "09001"):
        assert code not in text
    kiosks = page(http, f"{url}/collections/kiosks/items")
    assert "essai" not in kiosks.xpath("string(//main//tbody/tr[1]/th)")
    columns = page(http, shown.xpath("//a[contains(., 'Toutes les colonnes')]/@href")[0])
    assert len(columns.xpath("//thead//th")) > len(shown.xpath("//thead//th"))


def test_filters_that_nothing_meets_say_which_to_drop(url: str, http: requests.Session) -> None:
    shown = page(http, f"{url}/{HOME}?q=zzzz&type=prefecture")
    notice = shown.xpath("//div[@class='notice']")[0]
    assert "Aucun objet" in notice.text_content() and len(notice.xpath(".//a")) == 2
    assert not shown.xpath("//details[@class='tel-menu']")


def test_every_row_of_the_layer_is_drawn() -> None:
    ground = Territory(sample.NAME, sample_path())
    west, south, east, north = ground.box()
    middle, far = [(west + east) / 2, (south + north) / 2] * 2, [-60.0, 0.0, -60.0, 0.0]
    corner = [west, south, west, south]
    drawing = crowd(ground, np.array([middle, middle, corner, far]))
    assert drawing.paths[-1][0] == "c-pt" and drawing.paths[-1][1].count("M") == 2
    assert crowd(ground, np.empty((0, 4))).paths[-1][1] == ""
    many = np.column_stack([np.linspace(west, east, 2000), np.full(2000, south)] * 2)
    assert crowd(ground, many).paths[-1][0] == "c-pt c-petit"


@pytest.mark.parametrize(
    ("value", "column", "told"),
    [
        ("town_hall", "type", "Mairie"),
        ("proposed", "standing", "Proposé"),
        (True, "served", "oui"),
        ("optimal", "status", "optimum prouvé"),
        ("Foix", "name", "Foix"),
        (1234.5, "people", "1 234"),
        ("hours_unknown", "mairie_reason", "un guichet à portée, dont les horaires sont inconnus"),
        ("host_refused", "unserved_reason", str(UNSERVED["host_refused"])),
        ("CA", "kind", "Communauté d'agglomération"),
        ("", "hours", ""),
        ("09,31,2A", "departements", "Ariège, Haute-Garonne, 2A"),
        ("polygon", "point_source", "point de la commune"),
    ],
)
def test_codes_are_told_in_words(value: object, column: str, told: str) -> None:
    assert in_words(value, column, {"09": "Ariège", "31": "Haute-Garonne"}) == told


def test_the_columns_of_a_need_have_a_name() -> None:
    assert label("etat_m") == "etat : distance (m)"
    assert label("mairie_perhaps_s").startswith("mairie : durée si")
    assert label("poste_reason") == "poste : pourquoi il est hors de portée"
    assert (label("worst_m"), label("_x")) == ("pire dépassement (m)", "_x")


def test_no_page_of_a_layer_shows_what_a_source_wrote_raw(url: str, http: requests.Session) -> None:
    one = page(http, f"{url}/collections/services/items/mairie-09122").text_content()
    every = page(http, f"{url}/{HOME}").xpath("//a[contains(., 'Toutes les colonnes')]/@href")[0]
    for told in (one, page(http, every).xpath("//table")[0].text_content()):
        assert '[["' not in told and "town_hall" not in told and "Ariège" in told


def test_the_name_comes_first_and_few_columns_follow() -> None:
    known = ("id", "source_row", "people", "type", "name", *"abcdefg")
    assert key_columns(known, "name") == ["name", "type", "people"]
    assert key_columns(("id", "a", "b"), None) == ["a", "b"]
