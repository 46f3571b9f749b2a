"""Rights are evidence: lists assert a licence, prose only proposes one."""

import time

import pytest

from geoguichet.catalogue.formats import licences, registry
from geoguichet.catalogue.formats.mapping import describe, with_members
from geoguichet.catalogue.record import Record

EU = "http://publications.europa.eu/resource/authority/licence/"


@pytest.mark.parametrize(
    ("text", "right"),
    [
        ("CC-BY-NC-4.0", "CC-BY-NC-4.0"),
        ("cc by-nc-sa 3.0", "CC-BY-NC-SA-3.0"),
        ("CC BY 2.0 FR", "CC-BY-2.0"),
        ("Creative Commons Attribution Non-Commercial 4.0", "CC-BY-NC-4.0"),
        ("Attribution 4.0 International (CC BY 4.0)", "CC-BY-4.0"),
        (EU + "CC_BYNC_4_0", "CC-BY-NC-4.0"),
        (EU + "CC_BYNCND_3_0", "CC-BY-NC-ND-3.0"),
        (EU + "CC_BYSA_4_0", "CC-BY-SA-4.0"),
        (EU + "CC0", "CC0-1.0"),
        (EU + "ODC_BL", "ODbL-1.0"),
        (EU + "OP_DATPRO", ""),
        ("https://creativecommons.org/licenses/by-nd/3.0/deed.fr", "CC-BY-ND-3.0"),
        ("http://creativecommons.org/licenses/by/2.0/fr/", "CC-BY-2.0"),
        ("https://spdx.org/licenses/LiLiQ-P-1.1.html", "LiLiQ-P-1.1"),
        ("http://creativecommons.org/publicdomain/zero/1.0/legalcode", "CC0-1.0"),
        ("fr-lo", "etalab-1.0"),
        ("lov2", "etalab-2.0"),
        ("Licence Ouverte / Open Licence version 2.0", "etalab-2.0"),
        ("https://www.etalab.gouv.fr/licence-ouverte-open-licence/", "etalab-2.0"),
        ("http://www.opendatacommons.org/licenses/odbl/1-0/", "ODbL-1.0"),
        ("notspecified", ""),
        ("cc-by", ""),
        ("sous licence ouverte", ""),
    ],
)
def test_what_a_list_holds_is_that_licence_and_nothing_else_is(text: str, right: str) -> None:
    assert licences.exact(text) == right


@pytest.mark.parametrize(
    ("text", "right"),
    [
        ("Données sous licence ouverte Etalab", "etalab-2.0"),
        ("diffusé sous Licence Ouverte version 1.0 d'Etalab", "etalab-1.0"),
        ("Publié en CC-BY-SA 2.0", "CC-BY-SA-2.0"),
        ("cc-by", "CC-BY-4.0"),
        ("Ces données ne sont pas sous licence ouverte", ""),
        ("Not under an open licence", ""),
        ("Sans licence ouverte à ce jour", ""),
        ("CC BY, usage non commercial", ""),
        ("Licence ouverte, mais pas pour un usage commercial", ""),
        ("CC-BY-NC, usage non commercial", "CC-BY-NC-4.0"),
        ("Pas de restriction d'accès public. Licence ouverte", "etalab-2.0"),
        ("Usage libre", ""),
        ("Open Government Licence - Canada", ""),
    ],
)
def test_prose_only_proposes_and_a_denial_proposes_nothing(text: str, right: str) -> None:
    assert licences.proposed(text) == right
    assert licences.licence_of([text]) == (right and f"{right} (à confirmer)")


def test_an_address_in_prose_is_evidence_unless_the_prose_denies_it() -> None:
    address = "https://www.etalab.gouv.fr/licence-ouverte-open-licence"
    assert licences.licence_of([f"Licence ouverte : {address}."]) == "etalab-2.0"
    assert licences.licence_of([f"Ce n'est pas la licence {address}"]) == ""


def test_of_several_licences_none_is_asserted() -> None:
    assert licences.licence_of(["ODbL-1.0", "odc-odbl"]) == "ODbL-1.0"
    assert licences.licence_of(["ODbL-1.0", "etalab-2.0"]) == "ODbL-1.0 (à confirmer)"
    assert (
        licences.licence_of(["etalab-2.0", "compatible avec CC BY 2.0 et au-delà"]) == "etalab-2.0"
    )


def test_a_licence_to_confirm_is_marked_until_somebody_says_it() -> None:
    record = describe({"id": "a", "license": "etalab-2.0 (à confirmer)"})
    assert (record.license, record.extra_properties) == (
        "etalab-2.0",
        {"licenseStatus": "à confirmer"},
    )
    assert licences.asserted(record) == ""
    said = with_members(record, license="etalab-2.0")
    assert (licences.asserted(said), dict(said.extra_properties)) == ("etalab-2.0", {})


def dcat(rights: str) -> Record:
    prefixes = (
        "@prefix dcat: <http://www.w3.org/ns/dcat#> . @prefix dct: <http://purl.org/dc/terms/> ."
        " @prefix rdfs: <http://www.w3.org/2000/01/rdf-schema#> . "
    )
    graph = f'{prefixes}<urn:a> a dcat:Dataset ; dct:title "A" ; {rights} .'
    [record] = registry.read_document(graph.encode()).records
    return record


def test_every_licence_of_a_dataset_is_kept() -> None:
    record = dcat(
        f"dcat:distribution [ dct:license <{EU}CC_BY_4_0> ], [ dct:license <{EU}ODC_BL> ]"
    )
    assert set(record.rights.split("\n")) == {f"{EU}CC_BY_4_0", f"{EU}ODC_BL"}
    assert record.extra_properties["licenseStatus"] == "à confirmer"


def test_what_is_only_proposed_is_written_as_words_and_not_as_a_licence() -> None:
    record = dcat('dct:rights [ rdfs:label "Données sous licence ouverte" ]')
    assert (record.license, record.extra_properties["licenseStatus"]) == (
        "etalab-2.0",
        "à confirmer",
    )
    for form in ("dcat-ttl", "schema-org", "dublin-core"):
        if form in registry.WRITERS:
            told = registry.rewrite(record, form, b"").decode()
            assert licences.address_of("etalab-2.0") not in told
    [back] = registry.read_document(registry.rewrite(record, "dcat-ttl", b"")).records
    assert (back.license, back.rights) == (record.license, record.rights)
    iso = registry.rewrite(record, "iso19139", b"")
    [again] = registry.read_document(iso).records
    assert again.extra_properties["licenseStatus"] == "à confirmer"


def test_a_licence_is_written_with_the_title_that_data_gouv_fr_knows() -> None:
    told = registry.rewrite(Record(id="a", title="A", license="ODbL-1.0"), "dcat-ttl", b"").decode()
    assert "Open Data Commons Open Database License (ODbL)" in told
    [back] = registry.read_document(told.encode()).records
    assert back.license == "ODbL-1.0" and back.rights == ""


@pytest.mark.parametrize(
    "piece", ["noderiv", "nc", "pas commercia", "cc by ", "licence ouverte", "http://"]
)
def test_a_text_of_any_length_is_judged_at_once(piece: str) -> None:
    for text in ("cc by " + piece * 40_000, piece * 40_000 + " 4 0 x"):
        start = time.process_time()
        licences.licence_of([text])
        assert time.process_time() - start < 2
