"""Whole layers, read back by the tools that people read them with."""

import io
import tempfile
from functools import partial
from pathlib import Path

import geopandas as gpd
import openpyxl
import pandas as pd
import pyogrio
import pytest
import requests

from geoguichet.portal.api import downloads

KIOSKS = "/collections/kiosks/items"


def read(form: str, content: bytes, folder: Path) -> pd.DataFrame:
    if form == "csv":
        return pd.read_csv(io.BytesIO(content))
    if form == "parquet":
        return gpd.read_parquet(io.BytesIO(content))
    path = folder / f"x.{form}"
    path.write_bytes(content)
    if form == "xlsx":
        head, *rows = openpyxl.load_workbook(path).active.iter_rows(values_only=True)
        return pd.DataFrame(rows, columns=head)
    return pyogrio.read_dataframe(path)


@pytest.mark.parametrize("form", list(downloads.FORMS))
def test_every_row_is_there_with_its_place(
    url: str, http: requests.Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, form: str
) -> None:
    monkeypatch.setattr(downloads, "CHUNK", 5)
    answer = http.get(url + KIOSKS, params={"f": form, "sortby": "-rank"})
    assert answer.status_code == 200
    assert answer.headers["Content-Disposition"] == (
        f'attachment; filename="kiosks.{downloads.FORMS[form].suffix}"'
    )
    rows = read(form, answer.content, tmp_path)
    assert rows["rank"].tolist() == list(range(12, 0, -1))
    assert rows["share_cumulated"].isna().sum() == 1 and set(rows["study"]) == {"essai"}
    places = (
        [*zip(rows.longitude, rows.latitude, strict=True)]
        if "longitude" in rows
        else [(point.x, point.y) for point in rows.geometry]
    )
    assert places[0] == pytest.approx((2.1, 44.1)) and places[-1] == pytest.approx((1, 43))


def test_a_filter_and_a_choice_of_properties_hold_for_a_download(
    url: str, http: requests.Session
) -> None:
    asked = {"f": "csv", "filter": "rank > 10", "properties": "name,rank", "limit": "1"}
    lines = http.get(url + KIOSKS, params=asked).text.splitlines()
    assert lines == ["name,rank,longitude,latitude", "L'Hôtel n°10,11,2.0,44.0"]
    areas = http.get(f"{url}/collections/white-zones/items", params={"f": "csv"}).text
    assert areas.splitlines()[0].endswith(",WKT") and "POLYGON ((" in areas
    assert http.get(url + KIOSKS, params={"f": "csv", "filter": "x = 1"}).status_code == 400


@pytest.mark.parametrize("form", list(downloads.FORMS))
def test_a_file_in_other_coordinates_is_refused_and_not_given_in_degrees(
    url: str, http: requests.Session, form: str
) -> None:
    metres = "http://www.opengis.net/def/crs/EPSG/0/2154"
    refused = http.get(url + KIOSKS, params={"f": form, "crs": metres})
    assert refused.status_code == 400 and refused.json()["description"].startswith("crs : ")


def test_the_page_leads_to_every_form_of_what_it_shows(url: str, http: requests.Session) -> None:
    asked = {"filter": "rank > 10", "limit": "1"}
    links = http.get(url + KIOSKS, params=asked).json()["links"]
    taken = {one["title"]: one["href"] for one in links if one["rel"] == "enclosure"}
    assert list(taken) == ["CSV", "XLSX", "GeoJSON", "GeoPackage", "FlatGeobuf", "GeoParquet"]
    assert len(http.get(taken["GeoJSON"]).json()["features"]) == 2
    page = http.get(url + KIOSKS, params={**asked, "f": "html"}).text
    assert all(href.replace("&", "&amp;") in page for href in taken.values())


def test_a_text_that_looks_like_a_formula_stays_a_text(
    tmp_path: Path, serve, write_study, http: requests.Session
) -> None:
    result = write_study(tmp_path, "a", kiosks=2)
    frame = gpd.read_file(result, layer="kiosks").assign(name=["=1+1", "+33 5 61 00 00 00"])
    frame.to_file(result, layer="kiosks", engine="pyogrio")
    with serve(tmp_path) as url:
        rows = pd.read_csv(io.BytesIO(http.get(f"{url}{KIOSKS}?f=csv").content))
        assert rows["name"].tolist() == ["'=1+1", "+33 5 61 00 00 00"]


def test_what_gdal_cannot_write_is_refused_and_leaves_nothing(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    form = downloads.FORMS["gpkg"]
    odd = form._replace(write=partial(downloads._by_gdal, "GPKG", COLOUR="red"))
    monkeypatch.setitem(downloads.FORMS, "gpkg", odd)
    assert requests.get(f"{url}{KIOSKS}?f=gpkg", timeout=30).status_code == 500
    assert not list(tmp_path.iterdir())


def test_gdal_begins_again_after_it_was_killed(
    url: str, http: requests.Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer = downloads.Writer()
    monkeypatch.setattr(downloads, "_GDAL", writer)
    for _time in range(2):
        assert http.get(f"{url}{KIOSKS}?f=gpkg").status_code == 200
        writer.child.kill()
        writer.child.wait()
        writer.child.stdin.close()
        writer.child.stdout.close()
