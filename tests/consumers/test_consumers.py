"""Those who harvest us read of our records all that they have a place for: the table of
`docs/formats.md` is what their own code tells.
"""

import importlib.util
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

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
def url(consumers: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with consumers.served(consumers.RECORDS, tmp_path_factory.mktemp("consumers")) as address:
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
            assert told == {link.href for link in consumers.distributed(record)}, record.id


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
