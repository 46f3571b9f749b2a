"""What changed in a directory is told in three formats that others read: RFC 4287, JSON Feed 1.1,
CSV.
"""

import csv
import io
import json
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from lxml import etree

from geoguichet.floor.errors import StoreError, UsageError
from geoguichet.referentials.directory.schema import Columns, Reading, make_reading
from geoguichet.referentials.versions.feeds import ATOM, Asked, make_feed, write_feed
from geoguichet.referentials.versions.store import ReferentialStore

COLUMNS = ("id", "type", "name", "commune", "telephone", "x", "y")
BEFORE = [
    ("1", "town_hall", "Mairie de Foix", "09122", "05", "1.60", "42.96"),
    ("2", "post_office", "Poste & relais", "09122", "", "1.60", "42.96"),
    ("3", "town_hall", "Mairie d'Auch", "32013", "05", "0.58", "43.64"),
]
AFTER = [
    ("1", "town_hall", "Mairie de Foix", "09122", "06", "1.60", "42.96"),
    ("3", "town_hall", "Mairie d'Auch", "32013", "05", "0.60", "43.65"),
    ("4", "msap", "MSAP <\x02Foix>", "09122", "", "", ""),
]


def reading(rows: list[tuple[str, ...]]) -> Reading:
    table = pd.DataFrame(rows, columns=COLUMNS, index=range(1, len(rows) + 1), dtype=object)
    values = {name: table[name] for name in COLUMNS[:-2]} | {
        "departement": table["commune"].str[:2]
    }
    return make_reading(
        Columns(source="essai", table=table, values=values, x=table["x"], y=table["y"])
    )


@pytest.fixture
def store(tmp_path: Path) -> ReferentialStore:
    store = ReferentialStore(tmp_path / "store")
    for name, rows in (("before", BEFORE), ("after", AFTER)):
        (tmp_path / name).write_text(name, encoding="utf-8")
        store.put("annuaire", [reading(rows)], origin=tmp_path / name, reader="essai")
    first = store.path(store.versions("annuaire")[0]).with_name("manifest.json")
    said = json.loads(first.read_text(encoding="utf-8"))
    first.write_text(
        json.dumps({**said, "imported": "2024-03-01T08:00:00.000000+00:00"}), encoding="utf-8"
    )
    return store


def kinds(store: ReferentialStore, asked: Asked) -> dict[str, str]:
    return {
        entry.service["id"]: entry.kind for entry in make_feed(store, "annuaire", asked).entries
    }


def test_changes_since_a_day_are_told(store: ReferentialStore) -> None:
    assert kinds(store, Asked("2025-01-01")) == {
        "4": "opened",
        "2": "closed",
        "3": "moved",
        "1": "edited",
    }
    assert kinds(store, Asked()) == {"1": "listed", "3": "listed", "4": "listed"}
    assert kinds(store, Asked("2099-01-01")) == {}
    assert kinds(store, Asked("2025-01-01", communes=("32013",))) == {"3": "moved"}
    assert kinds(store, Asked("2025-01-01", departements=("09",), types=("town_hall",))) == {
        "1": "edited"
    }
    older = make_feed(store, "annuaire", Asked("2024-01-01"))
    assert older.total == 4 + 3  # the changes, then all that the first version opened
    assert older.entries[-1].instant == "2024-03-01T08:00:00Z"
    edited = next(entry for entry in older.entries if entry.kind == "edited")
    assert edited.details == "Modifié : téléphone"


def test_the_atom_feed_has_what_the_rfc_asks(store: ReferentialStore) -> None:
    feed = make_feed(store, "annuaire", Asked("2025-01-01"))
    content = write_feed(
        feed, "atom", url="http://x/feeds/annuaire.atom", next_url="http://x/next", home="http://x/"
    )
    root = etree.fromstring(content)
    assert root.tag == f"{{{ATOM}}}feed"

    def texts(node: etree._Element, name: str) -> list[str | None]:
        return [found.text for found in node.findall(f"{{{ATOM}}}{name}")]

    for name in ("id", "title", "updated"):
        assert len(texts(root, name)) == 1
        assert all(texts(root, name))
    assert root.find(f"{{{ATOM}}}author/{{{ATOM}}}name") is not None
    assert {link.get("rel") for link in root.findall(f"{{{ATOM}}}link")} == {
        "self",
        "next",
        "alternate",
    }
    entries = root.findall(f"{{{ATOM}}}entry")
    assert len(entries) == 4
    for entry in entries:
        for name in ("id", "title", "updated"):
            assert len(texts(entry, name)) == 1
            assert all(texts(entry, name))
        assert (
            len(entry.findall(f"{{{ATOM}}}content")) == 1
        )  # without it a link rel=alternate would be due
    ids = [texts(entry, "id")[0] for entry in entries]
    assert len(set(ids)) == 4
    assert "Ouvert : MSAP <Foix>" in [texts(entry, "title")[0] for entry in entries]
    assert [str(node.text) for node in root.iter("{http://www.georss.org/georss}point")][
        -1
    ].startswith("42.96")


def test_the_json_feed_has_the_members_of_version_1_1(store: ReferentialStore) -> None:
    feed = make_feed(store, "annuaire", Asked("2025-01-01"))
    document = json.loads(write_feed(feed, "json", url="http://x/f.json"))
    assert document["version"] == "https://jsonfeed.org/version/1.1"
    assert isinstance(document["title"], str)
    assert len({item["id"] for item in document["items"]}) == 4
    assert all(isinstance(item["id"], str) and item["content_text"] for item in document["items"])
    moved = next(item for item in document["items"] if "moved" in item["tags"])
    assert moved["_service"]["longitude"] == 0.6


def test_the_csv_has_one_line_an_entry(store: ReferentialStore) -> None:
    text = write_feed(make_feed(store, "annuaire", Asked("2025-01-01")), "csv", url="").decode()
    rows = list(csv.DictReader(io.StringIO(text)))
    assert {row["id"]: row["change"] for row in rows} == {
        "4": "opened",
        "2": "closed",
        "3": "moved",
        "1": "edited",
    }
    assert next(row for row in rows if row["id"] == "4")["longitude"] == ""


def test_pages_follow_each_other(store: ReferentialStore) -> None:
    asked = Asked("2025-01-01", limit=3)
    first, second = (
        make_feed(store, "annuaire", replace(asked, offset=offset)) for offset in (0, 3)
    )
    assert (len(first.entries), len(second.entries), first.total) == (3, 1, 4)
    assert not {e.service["id"] for e in first.entries} & {e.service["id"] for e in second.entries}


def test_what_cannot_be_asked_is_refused(store: ReferentialStore) -> None:
    with pytest.raises(UsageError, match="AAAA-MM-JJ"):
        Asked("hier")
    with pytest.raises(UsageError, match="type de service inconnu"):
        Asked(types=("boulangerie",))
    with pytest.raises(StoreError, match="introuvable"):
        make_feed(store, "autre", Asked())
