"""The catalogue by CSW 2.0.2, read by OWSLib and by our own harvester; what is refused is an
``ExceptionReport`` that says why.
"""

from pathlib import Path
from urllib.parse import urlencode

import pytest
import requests
from owslib import fes
from owslib.catalogue.csw2 import CatalogueServiceWeb

from geoguichet.catalogue.formats.dublin_core import CSW, OWS
from geoguichet.catalogue.formats.iso import iso19139
from geoguichet.catalogue.formats.xml import content, every, name, parse
from geoguichet.catalogue.intake.exchange import every_record, import_files
from geoguichet.catalogue.intake.harvest.run import harvest
from geoguichet.catalogue.intake.harvest.xml_protocols import Csw
from geoguichet.catalogue.record import Record
from geoguichet.catalogue.search.store import SQLiteStore, store_path
from geoguichet.floor.viewer import MACHINE

GMD = "http://www.isotc211.org/2005/gmd"


@pytest.fixture(scope="module")
def service(url: str) -> CatalogueServiceWeb:
    return CatalogueServiceWeb(f"{url}/csw")


def test_owslib_reads_who_serves_what(service: CatalogueServiceWeb, url: str) -> None:
    assert service.identification.title and service.identification.type == "CSW"
    assert [one.name for one in service.operations] == [
        "GetCapabilities", "DescribeRecord", "GetRecords", "GetRecordById", "GetDomain"]  # fmt: skip
    asked = service.get_operation_by_name("GetRecords")
    assert {method["url"] for method in asked.methods} == {f"{url}/csw"}
    assert asked.parameters["outputSchema"]["values"] == [GMD, CSW]
    assert service.constraints["IsoProfiles"].values == [GMD]


@pytest.mark.parametrize("schema", [GMD, CSW])
@pytest.mark.parametrize("part", ["brief", "summary", "full"])
def test_owslib_pages_through_all_records(
    schema: str, part: str, service: CatalogueServiceWeb
) -> None:
    met: list[str] = []
    following = 1
    while following:
        service.getrecords2(startposition=following, maxrecords=4, outputschema=schema, esn=part)
        assert service.results["matches"] == 15
        met += service.records
        following = service.results["nextrecord"]
    assert met == sorted(met) and len(met) == 15


def test_owslib_reads_a_record_in_both_schemas(service: CatalogueServiceWeb) -> None:
    service.getrecordbyid(["forets", "absent"], outputschema=GMD)
    [found] = service.records.values()
    assert found.identifier == "forets" and found.identification[0].keywords
    service.getrecordbyid(["forets"], esn="full")
    [found] = service.records.values()
    assert (found.title, found.type) == ("Forêts publiques de l'Ariège <1:25 000>", "dataset")
    assert found.bbox is not None and float(found.bbox.miny) == 42.5
    assert service.exceptionreport is None


def test_the_service_is_found_from_the_landing_page(url: str, http: requests.Session) -> None:
    [found] = [one for one in http.get(f"{url}/?f=json").json()["links"] if one["rel"] == "service"]
    answer = http.get(found["href"])
    assert answer.headers["Content-Type"].startswith(found["type"])
    assert b"<csw:Capabilities" in answer.content
    page = http.get(url, headers={"Accept": "text/html"}).text
    assert f'href="{found["href"]}"'.replace("&", "&amp;") in page
    described = http.get(f"{url}/openapi?f=json").json()["paths"]["/csw"]["get"]
    assert all(one["required"] for one in described["parameters"])
    for operation in described["parameters"][1]["schema"]["enum"]:
        told = http.get(f"{url}/csw", params={"service": "CSW", "request": operation})
        assert str(told.status_code) in described["responses"], operation
        assert b"OperationNotSupported" not in told.content, operation


ANY = "csw:AnyText"


@pytest.mark.parametrize(
    ("constraints", "count"),
    [
        ([fes.PropertyIsEqualTo("dc:type", "study")], 1),
        ([fes.PropertyIsNotEqualTo("dc:type", "study")], 14),
        ([fes.PropertyIsLike(ANY, "%")], 15),
        ([fes.PropertyIsLike(ANY, "%forêts%")], 1),
        ([fes.PropertyIsLike(ANY, "%domaniales publiques%")], 1),  # words of two members
        ([fes.PropertyIsLike("dc:title", "jeu%")], 13),
        ([fes.PropertyIsLike("apiso:Title", "%zones blanches%")], 1),
        ([fes.PropertyIsLike("dc:title", "jeu n° 1_", wildCard="%", singleChar="_")], 3),
        ([fes.PropertyIsLike("dc:title", "100\\%")], 0),
        ([fes.PropertyIsEqualTo("dc:subject", "forêt")], 1),
        ([fes.PropertyIsGreaterThan("dct:modified", "2024-06-01")], 1),
        ([fes.PropertyIsBetween("apiso:Modified", "2024-01-01", "2024-12-31")], 1),
        ([fes.PropertyIsNull("dct:abstract")], 14),
        ([fes.BBox([0.9, 42.6, 1.0, 42.7])], 2),
        ([fes.BBox([42.6, 0.9, 42.7, 1.0], crs="urn:ogc:def:crs:EPSG::4326")], 2),
        ([[fes.PropertyIsLike(ANY, "%forêts%"), fes.PropertyIsEqualTo("dc:type", "dataset")]], 1),
        ([fes.PropertyIsLike(ANY, "%forêts%"), fes.PropertyIsEqualTo("dc:type", "study")], 2),
        ([fes.Not([fes.PropertyIsLike(ANY, "%jeu%")])], 2),
    ],
)  # fmt: skip
def test_owslib_filters(
    constraints: list[object], count: int, service: CatalogueServiceWeb
) -> None:
    """A list of lists is AND, a list OR, as OWSLib writes them."""
    service.getrecords2(constraints=constraints, resulttype="hits")
    assert service.results["matches"] == count, service.response


def test_owslib_sorts(service: CatalogueServiceWeb) -> None:
    order = fes.SortBy([fes.SortProperty("dct:modified", "DESC")])
    service.getrecords2(sortby=order, maxrecords=2)
    assert list(service.records) == ["etude", "forets"]


def test_owslib_is_told_the_values_of_a_property(service: CatalogueServiceWeb) -> None:
    service.getdomain("dc:type", "property")
    assert service.results["values"] == ["dataset", "study"]
    service.getdomain("GetRecords.resultType")
    assert service.results["values"] == ["hits", "results"]
    service.describerecord()
    assert b"record.xsd" in service.response and b"gmd.xsd" in service.response


@pytest.mark.parametrize(
    ("constraint", "count"),
    [
        ("csw:AnyText like '%forêts%'", 1),
        ("AnyText LIKE '%%'", 15),
        ("dc:type = 'study' AND csw:AnyText like '%zones%'", 1),
        ("dc:title LIKE 'Jeu%' OR dc:type = 'study'", 14),
        ("BBOX(ows:BoundingBox, 0.9, 42.6, 1.0, 42.7)", 2),
        ("dc:title = 'dc:type'", 0),
    ],
)
def test_a_text_of_cql_is_a_filter_too(
    constraint: str, count: int, url: str, http: requests.Session
) -> None:
    asked = {"service": "CSW", "version": "2.0.2", "request": "GetRecords", "typeNames": "csw:Record",
             "resultType": "results", "constraintLanguage": "CQL_TEXT", "constraint": constraint,
             "maxRecords": 50, "sortBy": "dc:title:D"}  # fmt: skip
    root = parse(http.get(f"{url}/csw?{urlencode(asked)}").content)
    [results] = every(root, "SearchResults")
    assert results.get("numberOfRecordsMatched") == results.get("numberOfRecordsReturned")
    assert int(results.get("numberOfRecordsMatched", "")) == count == len(results)


@pytest.mark.parametrize(
    ("asked", "code", "said"),
    [
        ("", "MissingParameterValue", "service"),
        ("service=WMS&request=GetCapabilities", "InvalidParameterValue", "WMS"),
        ("service=CSW&request=Transaction", "OperationNotSupported", "GetRecords"),
        ("service=CSW&request=GetRecords&version=3.0.0", "VersionNegotiationFailed", "2.0.2"),
        ("service=CSW&request=GetRecords&outputSchema=x", "InvalidParameterValue", "outputSchema"),
        ("service=CSW&request=GetRecords&maxRecords=x", "InvalidParameterValue", "maxRecords"),
        ("service=CSW&request=GetRecords&resultType=validate", "InvalidParameterValue", "hits"),
        ("service=CSW&request=GetRecords&startPosition=0", "InvalidParameterValue", "startPosition"),
        ("service=CSW&request=GetRecords&typeNames=gml:Thing", "InvalidParameterValue", "gml:Thing"),
        ("service=CSW&request=GetRecords&sortBy=dc:rights:A", "InvalidParameterValue", "dc:rights"),
        ("service=CSW&request=GetRecords&constraint=dc:nothing%3D1", "InvalidParameterValue", "nothing"),
        ("service=CSW&request=GetRecords&constraint=((", "InvalidParameterValue", "filter"),
        ("service=CSW&request=GetRecords&constraintLanguage=FILTER&constraint=%3Ca",
         "NoApplicableCode", "XML"),
        ("service=CSW&request=GetRecordById", "MissingParameterValue", "id"),
        ("service=CSW&request=GetDomain", "MissingParameterValue", "PropertyName"),
    ],
)  # fmt: skip
def test_what_is_not_served_is_refused_in_a_report(
    asked: str, code: str, said: str, url: str, http: requests.Session
) -> None:
    answer = http.get(f"{url}/csw?{asked}")
    root = parse(answer.content)
    [exception] = every(root, "Exception")
    assert (answer.status_code, name(root)) == (400, "ExceptionReport")
    assert root.tag == f"{{{OWS}}}ExceptionReport" and exception.get("exceptionCode") == code
    assert said in content(exception[0]) + str(exception.get("locator"))


FILTERS = {
    "an operator of another standard": "<Beyond><PropertyName>dc:title</PropertyName></Beyond>",
    "a triangle": "<BBOX><PropertyName>x</PropertyName><Polygon/></BBOX>",
    "metres": '<BBOX><Envelope srsName="EPSG:2154"><lowerCorner>1 2</lowerCorner><upperCorner>3 4'
              "</upperCorner></Envelope></BBOX>",
    "a pattern of keywords": '<PropertyIsLike wildCard="%"><PropertyName>dc:subject</PropertyName>'
                             "<Literal>%eau%</Literal></PropertyIsLike>",
    "a date that is none": "<PropertyIsEqualTo><PropertyName>dct:modified</PropertyName><Literal>"
                           "hier</Literal></PropertyIsEqualTo>",
    "a deep one": "<Not>" * 100 + "<PropertyIsNull><PropertyName>dc:title</PropertyName>"
                  "</PropertyIsNull>" + "</Not>" * 100,
    "nothing": "",
}  # fmt: skip


@pytest.mark.parametrize("wrong", FILTERS)
def test_a_filter_that_is_not_served_is_refused(
    wrong: str, url: str, http: requests.Session
) -> None:
    body = f"<GetRecords service='CSW' version='2.0.2'><Query><Constraint><Filter>{FILTERS[wrong]}"
    answer = http.post(f"{url}/csw", f"{body}</Filter></Constraint></Query></GetRecords>".encode())
    assert answer.status_code == 400 and b"exceptionCode" in answer.content


def test_our_own_harvest_reads_it_whole_and_once(workspace: Path, url: str, tmp_path: Path) -> None:
    """Every record, by its identifier; harvested again, nothing is written."""
    first = harvest(Csw(f"{url}/csw", size=4), tmp_path, name="s", kind="csw")
    assert (first.status, first.counts["new"], first.findings) == ("complete", 15, ())
    again = harvest(Csw(f"{url}/csw", size=6), tmp_path, name="s", kind="csw")
    assert (again.status, again.counts["unchanged"]) == ("complete", 15)
    with SQLiteStore(store_path(workspace)) as here, SQLiteStore(store_path(tmp_path)) as there:
        ours = {
            record.id: (record.title, record.keywords)
            for record in every_record(here, viewer=MACHINE)
        }
        assert {
            one.id: (one.title, one.keywords) for one in every_record(there, viewer=MACHINE)
        } == ours


def test_a_document_in_another_encoding_or_with_a_dtd_stands_in_an_answer(
    tmp_path: Path,
    serve,
    http: requests.Session,  # type: ignore[no-untyped-def]
) -> None:
    written = iso19139.write(Record(id="a", type="dataset", title="Forêt")).partition(b"?>")[2]
    folder = tmp_path / "fiches"
    folder.mkdir()
    latin = '<?xml version="1.0" encoding="ISO-8859-1"?>' + written.decode()
    (folder / "a.xml").write_bytes(latin.encode("latin-1"))
    other = written.replace(b">a<", b">b,c<")
    (folder / "b.xml").write_bytes(b'<?xml version="1.0"?><!DOCTYPE gmd:MD_Metadata>' + other)
    import_files(folder, tmp_path / "w")
    with serve(tmp_path / "w") as url:
        service = CatalogueServiceWeb(f"{url}/csw")
        service.getrecords2(outputschema=GMD, esn="full")
        assert [one.identification[0].title for one in service.records.values()] == ["Forêt"] * 2
        asked = {"service": "CSW", "request": "GetRecordById", "id": "b,c", "outputSchema": GMD}
        found = parse(http.get(f"{url}/csw?{urlencode(asked)}").content)
        assert len(found) == 1 and name(found[0]) == "MD_Metadata"
