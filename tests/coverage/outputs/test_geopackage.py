import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from xml.etree import ElementTree

import geopandas as gpd
import pyogrio
import pytest

from geoguichet.coverage.errors import OutputError
from geoguichet.coverage.outputs import folder
from geoguichet.floor.files import sha256


def _rows(path: Path, question: str) -> list[tuple]:
    with closing(sqlite3.connect(path)) as database:
        return database.execute(question).fetchall()


def test_layers_come_back_as_they_were(result, tmp_path):
    path = tmp_path / "result.gpkg"
    folder.write_geopackage(result, path)
    spatial = {name: kind for name, kind in pyogrio.list_layers(path) if kind}
    assert spatial == {
        "demand": "Point",
        "services": "Point",
        "white_zones": "MultiPolygon",
        "kiosks": "Point",
    }
    for name in folder.LAYERS:
        table = gpd.read_file(path, layer=name)
        source = getattr(result, name)
        assert list(table.columns) == ["study", "id", *source.columns]
        assert table.crs.to_epsg() == 4326
        assert list(table["id"]) == list(source.index)
        assert set(table["study"]) == {"autour-de-cahors"}


def test_what_is_missing_is_null(result, tmp_path):
    path = tmp_path / "result.gpkg"
    folder.write_geopackage(result, path)
    assert _rows(path, "SELECT id FROM demand WHERE geom IS NULL") == [("46999",)]
    assert _rows(path, "SELECT id FROM demand WHERE town_hall_m IS NULL") == [("46999",)]
    assert _rows(path, "SELECT id FROM services WHERE hours_per_week IS NULL") == [
        ("prefecture-46",)
    ]


def test_every_layer_has_its_index_and_its_style(result, tmp_path):
    path = tmp_path / "result.gpkg"
    folder.write_geopackage(result, path)
    indexed = {
        name
        for (name,) in _rows(
            path, "SELECT table_name FROM gpkg_extensions WHERE extension_name = 'gpkg_rtree_index'"
        )
    }
    assert indexed == set(folder.LAYERS)
    assert _rows(path, "SELECT count(*) FROM rtree_demand_geom") == [(7,)]
    styles = _rows(
        path, "SELECT f_table_name, f_geometry_column, useAsDefault, styleQML FROM layer_styles"
    )
    columns = dict(_rows(path, "SELECT table_name, column_name FROM gpkg_geometry_columns"))
    assert {name: column for name, column, _, _ in styles} == columns
    assert all(default == 1 for _, _, default, _ in styles)
    for name, _, _, qml in styles:
        renderer = ElementTree.fromstring(qml).find("renderer-v2")
        symbols = {symbol.get("name") for symbol in renderer.find("symbols")}
        used = {item.get("symbol") for item in renderer.iter() if item.tag in ("category", "range")}
        assert used <= symbols, name
        assert symbols, name
    assert (
        ElementTree.fromstring({row[0]: row[3] for row in styles}["kiosks"]).find("labeling")
        is not None
    )


def test_equal_results_give_equal_bytes(result, tmp_path):
    digests = set()
    for name in ("a.gpkg", "b.gpkg"):
        folder.write_geopackage(result, tmp_path / name)
        digests.add(sha256(tmp_path / name))
    assert len(digests) == 1
    assert pyogrio.get_gdal_config_option("OGR_CURRENT_DATE") is None


def test_no_zone_and_no_kiosk_are_empty_layers(bare, tmp_path):
    path = tmp_path / "result.gpkg"
    folder.write_geopackage(bare, path)
    for name in ("white_zones", "kiosks"):
        table = gpd.read_file(path, layer=name)
        assert len(table) == 0
        assert list(table.columns)[:2] == ["study", "id"]
        assert table.crs.to_epsg() == 4326
    folder.write_geoparquet(bare, tmp_path / "zones.parquet")
    assert len(gpd.read_parquet(tmp_path / "zones.parquet")) == 0


def test_zones_as_geoparquet(result, tmp_path):
    path = tmp_path / "zones.parquet"
    folder.write_geoparquet(result, path)
    zones = gpd.read_parquet(path)
    assert list(zones.columns) == ["study", "id", *result.white_zones.columns]
    assert zones.crs.to_epsg() == 4326
    west_only = gpd.read_parquet(path, bbox=(1.1, 44.2, 1.3, 44.4))
    assert list(west_only["id"]) == ["zb-001"]
    again = tmp_path / "again.parquet"
    folder.write_geoparquet(result, again)
    assert sha256(path) == sha256(again)


def test_a_missing_row_is_noticed(result, tmp_path, monkeypatch):
    write = pyogrio.write_dataframe

    def lose_one(table, path, *, layer, **options):
        write(table.iloc[:-1] if layer == "kiosks" else table, path, layer=layer, **options)

    monkeypatch.setattr(pyogrio, "write_dataframe", lose_one)
    with pytest.raises(OutputError, match="1 lignes écrites sur 2 dans la couche kiosks"):
        folder.write_geopackage(result, tmp_path / "result.gpkg")


def test_gdal_opens_it(result, tmp_path):
    if not shutil.which("ogrinfo"):
        pytest.skip("ogrinfo is not here (Debian: apt install gdal-bin)")
    path = tmp_path / "result.gpkg"
    folder.write_geopackage(result, path)
    told = subprocess.run(
        ["ogrinfo", "-so", str(path), "kiosks"], capture_output=True, text=True, check=True
    )
    assert "Feature Count: 2" in told.stdout
    assert "Warning" not in told.stderr, told.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="file size limits are POSIX")
def test_a_full_disk_is_one_sentence(tmp_path):
    """A limit on the size of files stands for the full disk, in a process of its own."""
    script = f"""
import resource, sys
sys.path.insert(0, {str(Path(__file__).parent)!r})
import conftest
from pathlib import Path
from geoguichet.coverage.errors import OutputError
from geoguichet.coverage.outputs.folder import write_all
result = conftest.result._get_wrapped_function()()
folder = Path({str(tmp_path / "study")!r})
write_all(result, folder)
before = sorted((p.name, p.stat().st_mtime_ns) for p in folder.iterdir())
resource.setrlimit(resource.RLIMIT_FSIZE, (60_000, 60_000))
try:
    write_all(result, folder)
except OutputError as error:
    print(error)
assert before == sorted((p.name, p.stat().st_mtime_ns) for p in folder.iterdir())
assert [p.name for p in folder.parent.iterdir()] == ["study"], list(folder.parent.iterdir())
"""
    told = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False
    )
    assert told.returncode == 0, told.stderr
    assert "le résultat n'a pas été écrit" in told.stdout
    assert "ce qui s'y trouvait est intact" in told.stdout
    assert len(told.stdout.strip().splitlines()) == 1
