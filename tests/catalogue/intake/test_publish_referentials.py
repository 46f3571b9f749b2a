"""Every version of a referential is a record with its lineage, its quality and its neighbours."""

from dataclasses import replace
from pathlib import Path
from types import ModuleType

import pytest
from lxml import etree

from geoguichet.catalogue.formats import registry
from geoguichet.catalogue.formats.iso import iso19115_3, iso19139
from geoguichet.catalogue.formats.iso.iso19139 import write
from geoguichet.catalogue.formats.iso.values import measures
from geoguichet.catalogue.intake.publish_referentials import (
    publish_referential,
    record_id,
    referential_records,
    share_referentials,
)
from geoguichet.catalogue.record import Record
from geoguichet.catalogue.search.query import RecordQuery
from geoguichet.catalogue.search.store import SQLiteStore, store_path
from geoguichet.floor.viewer import MACHINE, PUBLIC, Viewer
from geoguichet.referentials.readers.registry import FORMATS
from geoguichet.referentials.versions.quality_report import check_version
from geoguichet.referentials.versions.store import ReferentialStore

HEADER = (
    "id,category,name,email,phone,wheelchair_access,latitude,longitude,geoloc_precision,address\n"
)
ROW = '"mairie-{code}-01","mairie","Mairie","","","",{lat},{lon},"8","1 rue du Pont, 09000, Foix"\n'


@pytest.fixture
def store(tmp_path: Path) -> ReferentialStore:
    """A referential with two versions: as read, then with its lost decimal point put back."""
    path = tmp_path / "annuaire.csv"
    places = [
        ("09122", "42.96", "1.6"),
        ("09123", "42.97", "1.61"),
        ("09124", "429701", "1.62"),
        ("09125", "", ""),
    ]
    path.write_text(
        HEADER + "".join(ROW.format(code=code, lat=lat, lon=lon) for code, lat, lon in places),
        "utf-8",
    )
    store = ReferentialStore(tmp_path / "ws" / "referentials")
    store.put("annuaire", FORMATS["dila-2020"].read(path), origin=path, reader="dila-2020")
    assert check_version(store, "annuaire", territory="sample", fix=True).fixed is not None
    return store


def test_versions_become_records_that_know_each_other(
    store: ReferentialStore, tmp_path: Path
) -> None:
    ids = publish_referential(store, "annuaire", tmp_path / "ws")
    read, fixed = store.versions("annuaire")
    assert ids == (record_id(read), record_id(fixed))
    with SQLiteStore(store_path(tmp_path / "ws")) as catalogue:
        first, second = (catalogue.get(each, viewer=MACHINE) for each in ids)
        assert (
            publish_referential(store, "annuaire", tmp_path / "ws") == ids
        )  # again, nothing changes
        assert catalogue.get(ids[0], viewer=MACHINE).digest() == first.digest()
    links = {link.rel: link.href for link in first.links}
    assert links["successor-version"].endswith(ids[1])
    assert "items" not in links
    links = {link.rel: link.href for link in second.links}
    assert links["predecessor-version"].endswith(ids[0])
    assert links["items"] == "collections/referentiel-annuaire/items"
    assert {link.href for link in second.links if link.rel == "alternate"} == {
        f"feeds/annuaire.{suffix}" for suffix in ("atom", "json", "csv")
    }
    assert read.file_digest in first.extra_properties["lineage"]
    assert f"Tiré de la version {read.short}" in second.extra_properties["lineage"]
    assert "lost-decimal-point 1" in second.extra_properties["lineage"]
    assert (first.license, first.contacts[0].organization) == ("etalab-2.0", "DILA")


def test_quality_is_measured_and_what_is_repaired_no_longer_counts(store: ReferentialStore) -> None:
    first, second = referential_records(store.versions("annuaire"))
    before, after = (
        {each["rule"]: each for each in record.extra_properties["quality"]}
        for record in (first, second)
    )
    assert before.keys() == {"lost-decimal-point", "no-point"}
    assert after.keys() == {"no-point"}
    assert before["no-point"] == {
        "element": "DQ_CompletenessOmission", "rule": "no-point", "name": "lignes sans coordonnées",
        "value": 1, "rate": 0.25,
    }  # fmt: skip


def test_a_rule_without_a_measure_is_a_matter_of_format() -> None:
    assert measures({"fixed-no-point": 3, "new-rule": 2}, 10) == [
        {
            "element": "DQ_FormatConsistency",
            "rule": "new-rule",
            "name": "new-rule",
            "value": 2,
            "rate": 0.2,
        }
    ]


def test_the_iso_document_has_lineage_and_measures(store: ReferentialStore) -> None:
    record = referential_records(store.versions("annuaire"))[0]
    text = write(Record.from_geojson(record.to_geojson())).decode()
    assert "LI_Lineage" in text
    assert record.extra_properties["lineage"] in text
    assert "<gmd:DQ_CompletenessOmission>" in text
    assert "lignes sans coordonnées" in text
    assert "<gmd:DQ_QuantitativeResult>" in text


def read(document: bytes) -> Record:
    [record] = registry.read_document(document).records
    return record


@pytest.mark.parametrize("iso", [iso19139, iso19115_3], ids=["19139", "19115-3"])
def test_quality_comes_back_from_both_encodings(store: ReferentialStore, iso: ModuleType) -> None:
    told = referential_records(store.versions("annuaire"))[0]
    texts = {"rule": "damaged-encoding", "name": "textes abîmés", "value": 2, "rate": 1e-06}
    told.extra_properties["quality"].append(
        {"element": "DQ_NonQuantitativeAttributeAccuracy", **texts}
    )
    record = Record.from_geojson(told.to_geojson())
    document = iso.write(record)
    assert read(document).extra_properties["quality"] == record.extra_properties["quality"]
    fewer = replace(record, extra_properties=record.extra_properties | {"quality": [{
        "element": "DQ_TopologicalConsistency", "name": "Trous",
        "description": "Entre deux communes", "value": "3.50 %"
    }]})  # fmt: skip
    edited = iso.write(fewer, source=document)
    assert read(edited).extra_properties["quality"] == fewer.extra_properties["quality"]
    assert iso.write(fewer, source=edited) == edited


def test_19115_3_says_quality_in_the_schema_of_19157(store: ReferentialStore) -> None:
    root = etree.fromstring(iso19115_3.write(referential_records(store.versions("annuaire"))[0]))
    mdq = {"mdq": "http://standards.iso.org/iso/19157/-2/mdq/1.0"}
    names = root.findall(
        ".//mdq:DQ_CompletenessOmission/mdq:measure/mdq:DQ_MeasureReference/mdq:nameOfMeasure", mdq
    )
    assert ["".join(name.itertext()) for name in names] == ["lignes sans coordonnées"]
    assert root.find(".//mdq:DQ_QuantitativeResult/mdq:valueUnit", mdq) is None


def test_records_of_versions_are_shown_to_whom_the_region_says(
    store: ReferentialStore, tmp_path: Path
) -> None:
    """When they are written, and once it says otherwise; what it does not name stays as it was."""
    workspace = tmp_path / "ws"
    share_referentials(store, workspace)  # nothing is there yet
    ids = publish_referential(store, "annuaire", workspace)

    def seen(told: str) -> list[int]:
        (workspace / "region.toml").write_text(told, "utf-8")
        share_referentials(store, workspace)
        with SQLiteStore(store_path(workspace)) as catalogue:
            return [
                catalogue.search(RecordQuery(ids=ids), viewer=viewer).number_matched
                for viewer in (PUBLIC, Viewer("p", frozenset({("200053791", "partner")})), MACHINE)
            ]

    assert seen("") == [2, 2, 2]
    assert seen("[visibility]\nreferentials.annuaire = 'partners'\n") == [0, 2, 2]
    publish_referential(store, "annuaire", workspace)
    assert seen("") == [0, 2, 2]
    assert seen("[visibility]\nreferentials.annuaire = 'draft'\n") == [0, 0, 2]
    assert seen("[visibility]\nreferentials.annuaire = 'public'\n") == [2, 2, 2]
