"""The clients of regional officers, on our layers and records: QGIS, and GDAL in two builds
(OWSLib: `test_app`).
"""

import json
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path

import pyogrio
import pytest

SYSTEM_PYTHON = "/usr/bin/python3"

QGIS = """
import json, os, sys
from qgis.core import QgsApplication, QgsFeatureRequest, QgsRectangle, QgsVectorLayer

application = QgsApplication([], False)
application.initQgis()
told = {}
for name in sys.argv[2:]:
    layer = QgsVectorLayer(f"url='{sys.argv[1]}' typename='{name}' pageSize='5'", name, "OAPIF")
    assert layer.isValid(), layer.error().summary()
    features = list(layer.getFeatures())
    box = QgsFeatureRequest(QgsRectangle(0.9, 42.9, 1.25, 43.25))
    told[name] = {
        "crs": layer.crs().authid(),
        "fields": [field.name() for field in layer.fields()],
        "features": len(features),
        "geometries": sum(feature.hasGeometry() for feature in features),
        "in box": len(list(layer.getFeatures(box))),
    }
print(json.dumps(told), flush=True)
os._exit(0)  # PyQGIS takes itself down in an order of its own, sometimes through a null pointer
"""


PYOGRIO = """
import json, sys, pyogrio
layers = {str(name) for name, _ in pyogrio.list_layers(sys.argv[1])}
found = pyogrio.read_dataframe(sys.argv[1], layer="kiosks", bbox=(0.9, 42.9, 1.25, 43.25))
zones = pyogrio.read_dataframe(sys.argv[1], layer="white-zones")
print(json.dumps({"in box": len(found), "zones": len(zones), "layers": {"catalogue", "kiosks"} <= layers}))
"""


@cache
def _qgis() -> str:
    """Return why QGIS cannot be asked, or nothing."""
    if not Path(SYSTEM_PYTHON).exists():
        return f"no {SYSTEM_PYTHON}"
    tried = subprocess.run(
        [SYSTEM_PYTHON, "-c", "import qgis.core"], capture_output=True, check=False, timeout=60
    )
    return (
        ""
        if tried.returncode == 0
        else f"{SYSTEM_PYTHON} has no qgis.core (Debian: apt install python3-qgis)"
    )


@pytest.mark.skipif(bool(_qgis()), reason=_qgis())
def test_qgis_opens_results_and_records(url: str, tmp_path: Path) -> None:
    script = tmp_path / "ask.py"
    script.write_text(QGIS)
    command = [SYSTEM_PYTHON, str(script), url, "kiosks", "white-zones", "catalogue"]
    environment = {
        "QT_QPA_PLATFORM": "offscreen",
        "HOME": str(tmp_path),
        "XDG_RUNTIME_DIR": str(tmp_path),
    }
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, timeout=120, env=environment
    )
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert {name: layer["features"] for name, layer in told.items()} == {
        "kiosks": 12, "white-zones": 3, "catalogue": 15,
    }  # fmt: skip
    assert (told["kiosks"]["geometries"], told["white-zones"]["geometries"]) == (12, 3)
    assert told["kiosks"]["in box"] == 3
    assert told["kiosks"]["crs"] in ("OGC:CRS84", "EPSG:4326")
    assert {"rank", "people_added"} <= set(told["kiosks"]["fields"]) and "title" in told[
        "catalogue"
    ]["fields"]


@pytest.mark.skipif(
    shutil.which("ogr2ogr") is None, reason="ogr2ogr (Debian: gdal-bin) is not installed"
)
@pytest.mark.parametrize(("name", "rows"), [("catalogue", 15), ("kiosks", 12)])
def test_ogr2ogr_copies_the_records(url: str, tmp_path: Path, name: str, rows: int) -> None:
    target = tmp_path / "records.geojson"
    command = [
        "ogr2ogr",
        "-f",
        "GeoJSON",
        str(target),
        f"OAPIF:{url}",
        name,
        "-oo",
        "PAGE_SIZE=4",
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert len(json.loads(target.read_text("utf-8"))["features"]) == rows


@pytest.mark.skipif(
    "OAPIF" not in pyogrio.list_drivers(), reason="this pyogrio has no OAPIF driver"
)
def test_the_driver_inside_pyogrio_reads_the_results(url: str) -> None:
    command = [
        sys.executable,
        "-c",
        PYOGRIO,
        f"OAPIF:{url}",
    ]  # GDAL holds the lock that our server would answer under
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {"in box": 3, "zones": 3, "layers": True}
