"""A stored directory is judged on its ground: a table of rules, a layer for QGIS, safe repairs; and
two of its versions are compared there.
"""

from pathlib import Path

import pyogrio
import pytest

from geoguichet.floor.errors import UsageError
from geoguichet.referentials.readers.registry import choose_reader
from geoguichet.referentials.versions.differences import difference_of, write_difference
from geoguichet.referentials.versions.quality_report import check_version
from geoguichet.referentials.versions.store import ReferentialStore, Version

DILA_2020 = "services/service-public-annuaire-local-2020-11.csv.bz2"
DILA_2013 = "services/service-public-co-marquage-2013-06.tsv.bz2"


def stored(store: ReferentialStore, path: Path, *, kind: str | None = None) -> Version:
    chosen = choose_reader(path, kind=kind)
    return store.put(chosen.name, chosen.read(), origin=path, reader=chosen.key)


@pytest.fixture
def store(tmp_path: Path) -> ReferentialStore:
    return ReferentialStore(tmp_path / "referentials")


def test_the_gravest_rules_come_first_and_each_finding_is_on_the_map(
    store: ReferentialStore, small_data: Path, tmp_path: Path
) -> None:
    stored(store, small_data / DILA_2020)
    history = small_data / "cog" / "histo-communes-insee.yaml.gz"
    report = check_version(store, "dila-2020", territory="sample", history=history)
    assert len(report.rows) == 10
    table = list(report.table())
    rules = {rule: (severity, count) for rule, severity, count, _ in table}
    assert rules["outside-territory"] == ("error", 2)
    assert rules["swapped-axes"] == ("error", 1)
    assert rules["no-point"] == ("warning", 1)
    assert rules["unknown-commune"] == ("error", 1)  # Saint-Girons, which this history leaves out
    gravities = [severity for _, severity, _, _ in table]
    assert gravities == sorted(gravities, key=["error", "warning", "info"].index)
    report.write(tmp_path / "constats.gpkg")
    layer = pyogrio.read_dataframe(tmp_path / "constats.gpkg", layer="findings")
    assert len(layer) == len(report.findings)
    lost = layer[layer["rule"] == "no-point"].iloc[0]
    assert (lost["item"], lost.geometry) == ("caf-09122-01", None)
    assert layer.loc[layer["rule"] == "duplicate"].geometry.notna().all()


def test_safe_repairs_are_a_version_of_their_own(store: ReferentialStore, small_data: Path) -> None:
    first = stored(store, small_data / DILA_2013)
    report = check_version(store, "dila-2013", territory="sample", fix=True)
    assert [(each.rule, each.item, each.after) for each in report.repairs] == [
        ("damaged-encoding", "mairie-09225-01", "Mairie - Modèle")
    ]
    assert report.fixed is not None and report.fixed.derived_from == first.digest
    assert report.fixed.rules == {
        **{rule: count for rule, count in first.rules.items() if rule != "damaged-encoding"},
        "fixed-damaged-encoding": 1,
    }
    assert "Mairie - Modèle" in set(store.rows(report.fixed)["name"])


def test_a_table_by_code_is_judged_by_the_history_of_codes(
    store: ReferentialStore, small_data: Path
) -> None:
    outlines = small_data / "admin" / "region73-avant-2016" / "communes.geojson"
    stored(store, outlines, kind="territories")
    history = small_data / "cog" / "histo-communes-insee.yaml.gz"
    report = check_version(store, "communes", territory="sample", history=history)
    assert {rule for rule, *_ in report.table()} == {"outdated-commune"}
    stored(store, small_data / "cog" / "epci.json.gz")
    with pytest.raises(UsageError, match="--fix ne répare que des services, pas des territoires"):
        check_version(store, "epci-etalab", territory="sample", fix=True)


def test_two_directories_are_compared_on_a_ground(
    store: ReferentialStore, small_data: Path, tmp_path: Path
) -> None:
    for file in (DILA_2013, DILA_2020):
        stored(store, small_data / file)
    difference, title, outlines = difference_of(store, "dila-2013", "dila-2020", territory="sample")
    assert title == "Midi-Pyrénées : de dila-2013 à dila-2020"
    kinds = difference.changes["kind"].value_counts().to_dict()
    assert kinds == {"closed": 2, "corrected": 1, "moved": 1, "opened": 6}
    data, page = write_difference(difference, tmp_path, title=title, outlines=outlines)
    assert len(pyogrio.read_dataframe(data, layer="changes")) == 10
    assert len(pyogrio.read_dataframe(data, layer="moves")) == 1
    text = page.read_text(encoding="utf-8")
    assert "6 ouverts" in text and "changement(s) sans position" in text
