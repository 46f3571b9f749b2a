"""Those who harvest us read of our records all that they have a place for: the table of
`docs/formats.md` is what their own code tells.
"""

import importlib.util
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import pyshacl
import pytest
import rdflib

from geoguichet.catalogue.formats.dcat import document as dcat

HERE = Path(__file__).parent


@pytest.fixture(scope="module")
def consumers() -> ModuleType:
    spec = importlib.util.spec_from_file_location("consumers", HERE / "consumers.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules["consumers"] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def url(
    consumers: ModuleType,
    tmp_path_factory: pytest.TempPathFactory,
    serve: Callable[..., AbstractContextManager[str]],
) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("consumers")
    consumers.stored(consumers.RECORDS, folder)
    with serve(folder) as address:
        yield address


def _row(consumers: ModuleType, name: str) -> str:
    told: str = consumers.PAGE.read_text("utf-8")
    return next(line for line in told.splitlines() if line.startswith(f"| {name} |"))


def test_owslib_reads_what_the_page_says(consumers: ModuleType, url: str) -> None:
    count = consumers.count_owslib(list(consumers.RECORDS), url)
    name = "OWSLib, CSW in ISO 19139"
    assert count.row(name) == _row(consumers, name), count.lost


@pytest.mark.skipif(
    shutil.which("ogr2ogr") is None, reason="ogr2ogr (Debian: gdal-bin) is not installed"
)
def test_gdal_reads_what_the_page_says(consumers: ModuleType, url: str) -> None:
    count = consumers.count_gdal(list(consumers.RECORDS), url)
    name = "GDAL, CSW in Dublin Core"
    assert count.row(name) == _row(consumers, name), count.lost


UDATA = pytest.mark.skipif(
    not (HERE.parents[1] / ".consumers").exists(), reason="udata is not installed (make consumers)"
)


@pytest.fixture(scope="module")
def jobs(consumers: ModuleType, url: str) -> dict[str, dict[str, object]]:
    told: dict[str, dict[str, object]] = consumers.read_by_udata(url)
    return told


@UDATA
@pytest.mark.parametrize("route", ["dcat", "csw-iso-19139"])
def test_the_harvesters_of_data_gouv_fr_read_what_the_page_says(
    route: str, consumers: ModuleType, jobs: dict[str, dict[str, object]]
) -> None:
    records = list(consumers.RECORDS)
    count = consumers.count_udata(records, jobs[route], route=route)
    name = f"udata 17, {route}"
    assert count.row(name) == _row(consumers, name), count.lost
    if route == "dcat":
        assert count.read == count.held


@UDATA
@pytest.mark.parametrize("route", ["dcat", "csw-iso-19139"])
def test_no_record_is_dropped_and_no_dataset_loses_a_resource(
    route: str, consumers: ModuleType, jobs: dict[str, dict[str, object]]
) -> None:
    assert jobs[route]["status"] == "done"
    items = consumers.items_of(jobs[route])
    assert {item["status"] for item in items} == {"done"}
    came = {
        told["title"]: told for item in items if (told := item["dataset"] or item["dataservice"])
    }
    assert set(came) == {record.title for record in consumers.RECORDS}
    for record in consumers.RECORDS:
        if record.type != "service":
            told = {one["url"] for one in came[record.title]["resources"]}
            held = consumers.distributed(record)
            assert told == {consumers.address_in(link, route) for link in held}, record.id


@UDATA
def test_what_no_distribution_is_stays_out_of_the_resources(
    consumers: ModuleType, jobs: dict[str, dict[str, object]]
) -> None:
    """Pages, maps, sources and licences; a high-value dataset is told, and no description is made
    up.
    """
    [tiles] = [
        item["dataset"]
        for item in consumers.items_of(jobs["dcat"])
        if item["id"] == "fr-120066022-jdd-carreaux"
    ]
    assert {"hvd", "statistiques"} <= set(tiles["tags"])
    assert tiles["schema"] == "https://schema.data.gouv.fr/schemas/essai/carreaux"
    assert len(tiles["resources"]) == 3


#: What DCAT-AP HVD 3.0 asks of a high-value dataset, restated: no package of a registry holds its shapes.
HVD_SHAPES = """
@prefix sh: <http://www.w3.org/ns/shacl#> . @prefix dcat: <http://www.w3.org/ns/dcat#> .
@prefix dcatap: <http://data.europa.eu/r5r/> . @prefix dct: <http://purl.org/dc/terms/> .
@prefix eli: <http://data.europa.eu/eli/ontology#> . @prefix skos: <http://www.w3.org/2004/02/skos/core#> .
@prefix : <urn:shape:> .
:legislated sh:property [ sh:path dcatap:applicableLegislation ; sh:class eli:LegalResource ;
  sh:hasValue <http://data.europa.eu/eli/reg_impl/2023/138/oj> ] .
:dataset sh:targetSubjectsOf dcatap:hvdCategory ; sh:node :legislated ; sh:class dcat:Resource ;
  sh:property [ sh:path dcatap:hvdCategory ; sh:class skos:Concept ],
    [ sh:path dcat:contactPoint ; sh:minCount 1 ],
    [ sh:path dcat:distribution ; sh:minCount 1 ; sh:node :distribution ] .
:distribution sh:node :legislated ; sh:property [ sh:path dcat:accessURL ; sh:minCount 1 ],
  [ sh:path dct:license ; sh:minCount 1 ; sh:maxCount 1 ] .
"""


def test_what_the_regulation_on_high_value_datasets_asks_is_told(consumers: ModuleType) -> None:
    page = dcat.write_catalogue(consumers.RECORDS, title="Catalogue", publisher="Région")
    graph = rdflib.Graph().parse(data=page, format="turtle")
    assert len(list(graph.subjects(rdflib.URIRef("http://data.europa.eu/r5r/hvdCategory")))) == 1
    shapes = rdflib.Graph().parse(data=HVD_SHAPES, format="turtle")
    conforms, _, text = pyshacl.validate(graph, shacl_graph=shapes)
    assert conforms, text
    told = dcat.write_catalogue(
        [replace(record, themes=()) for record in consumers.RECORDS], title="C", publisher="P"
    )
    assert b"applicableLegislation" not in told
