"""Every record that can be stored: read and put back it is what it was, and every form is written of
it.
"""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
import requests

from geoguichet.catalogue.formats.registry import WRITERS
from geoguichet.catalogue.intake.exchange import every_record, export_all, import_files
from geoguichet.catalogue.search.store import Catalogue
from geoguichet.floor.viewer import MACHINE
from geoguichet.portal.api import csw
from geoguichet.portal.api.records import ENCODINGS, TOGETHER

KINDS = ("application/geo+json", "application/json")


@pytest.fixture(scope="module")
def imported(metadata: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("imported")
    assert import_files(metadata, folder).summary.created
    return folder


@pytest.fixture(scope="module")
def http(editor: requests.Session) -> requests.Session:
    """Who edits, and reads by the same token."""
    return editor


def test_what_is_read_and_put_back_is_what_it_was(
    imported: Path, made_or_real: str, serve: Callable[..., Any], http: requests.Session
) -> None:
    """Alone or among others, in each language, as each media type that is taken."""
    step = 1 if made_or_real == "made" or "GEOGUICHET_RECORDS" in os.environ else 16
    with Catalogue(imported) as store, serve(imported, editable=True) as url:
        items = f"{url}/collections/catalogue/items"
        every = [record.id for record in every_record(store, viewer=MACHINE)][::step]
        assert len(every) > 10
        for at, identifier in enumerate(every):
            address, before = (
                f"{items}/{quote(identifier, safe='')}",
                store.document(identifier, viewer=MACHINE),
            )
            alone = http.get(address, params={"lang": ("fr", "en")[at % 2]})
            among = http.get(items, params={"filter": f"id='{identifier}'", "lang": "en"})
            for document in (alone.json(), *among.json().get("features", ())):
                kind = {"Content-Type": KINDS[at // 2 % 2]}
                put = http.put(address, json=document, headers=kind)
                assert put.status_code == 204, (identifier, put.text)
                assert store.document(identifier, viewer=MACHINE) == before, identifier
                assert "Previous-Version" not in put.headers
            assert [version.number for version in store.history(identifier, viewer=MACHINE)] == [1]


@pytest.fixture
def odd(
    imported: Path, odd_records: Callable[[list[dict[str, Any]]], Iterator[dict[str, Any]]]
) -> Iterator[dict[str, Any]]:
    with Catalogue(imported) as store:
        return odd_records([record.to_geojson() for record in every_record(store, viewer=MACHINE)])


def test_an_odd_record_is_refused_or_written_in_every_form(
    odd: Iterator[dict[str, Any]],
    tmp_path: Path,
    serve: Callable[..., Any],
    http: requests.Session,
) -> None:
    """Never a server that fails, never an export that stops; see GEOGUICHET_RECORDS."""
    stored = set()
    with serve(tmp_path, editable=True) as url:
        items = f"{url}/collections/catalogue/items"
        for number, document in enumerate(odd):
            document["id"] = f"{document.get('id')}-{number}"
            made = http.post(items, json=document)
            assert made.status_code in (201, 400, 413), made.text
            if made.status_code != 201:
                assert made.json()["description"]
                continue
            stored.add(document["id"])
            for form in ("json", "html", *ENCODINGS):
                read = http.get(made.headers["Location"], params={"f": form})
                assert read.status_code == 200, (number, form, document)
            for schema in csw.SCHEMAS:
                asked = {"request": "GetRecordById", "id": document["id"], "outputSchema": schema}
                read = http.get(f"{url}/csw", params={"service": "CSW", **asked})
                assert read.status_code == 200, (number, schema, document)
        for form in ("json", "html", *TOGETHER):
            assert http.get(items, params={"f": form, "limit": "2000"}).status_code == 200, form
    assert stored
    for form in WRITERS:
        assert export_all(tmp_path, form, tmp_path / form)
