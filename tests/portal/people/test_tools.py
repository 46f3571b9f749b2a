"""The tools of regional officers, on what is shared with partners: by a personal token they read it,
and without one, or with a wrong one, there is nothing.
"""

import json
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from geoguichet.portal.people import tokens

SYSTEM_PYTHON = "/usr/bin/python3"

QGIS = """
import json, os, sys
from qgis.core import QgsApplication, QgsVectorLayer

application = QgsApplication([], False)
application.initQgis()
told = []
for password in sys.argv[2:]:
    how = f" username='qgis' password='{password}'" if password else ""
    layer = QgsVectorLayer(f"url='{sys.argv[1]}' typename='kiosks' pageSize='5'{how}", "x", "OAPIF")
    told.append(len(list(layer.getFeatures())) if layer.isValid() else None)
print(json.dumps(told), flush=True)
os._exit(0)
"""


@pytest.fixture(scope="module")
def shared(
    tmp_path_factory: pytest.TempPathFactory,
    portal,
    write_study: Callable[..., Path],
    serve: Callable[..., AbstractContextManager[str]],
) -> Iterator[tuple[str, str]]:
    """Where kiosks are for partners, and the token of one."""
    folder = tmp_path_factory.mktemp("shared")
    write_study(folder, "essai")
    (folder / "region.toml").write_text('[visibility]\ncollections.kiosks = "partners"\n', "utf-8")
    people = type(portal).with_accounts(folder)
    with serve(folder) as url:
        person = type(portal)(folder, url, people).opened("qgis@essai.example", "partner")
        with people.write() as base:
            made = tokens.make(base, person, "outils", "read", 30)
        yield url, made


@pytest.mark.skipif(
    shutil.which("ogrinfo") is None, reason="ogrinfo (Debian: gdal-bin) is not installed"
)
def test_gdal_reads_by_a_token_as_password_or_as_bearer(shared: tuple[str, str]) -> None:
    url, token = shared

    def asked(*options: str) -> str:
        command = ["ogrinfo", "-so", *options, f"OAPIF:{url}", "kiosks"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        return done.stdout + done.stderr

    for option in (
        ("--config", "GDAL_HTTP_USERPWD", f"qgis:{token}"),
        ("--config", "GDAL_HTTP_HEADERS", f"Authorization: Bearer {token}"),
    ):
        assert "Feature Count: 12" in asked(*option)
    assert "Feature Count" not in asked()
    assert "Feature Count" not in asked("--config", "GDAL_HTTP_USERPWD", f"qgis:{token}x")


def _no_qgis() -> bool:
    if not Path(SYSTEM_PYTHON).exists():
        return True
    tried = subprocess.run(
        [SYSTEM_PYTHON, "-c", "import qgis.core"], capture_output=True, check=False, timeout=60
    )
    return tried.returncode != 0


def test_qgis_reads_by_a_token_as_password(shared: tuple[str, str], tmp_path: Path) -> None:
    if _no_qgis():
        pytest.skip("qgis.core (Debian: python3-qgis) is not installed")
    url, token = shared
    script = tmp_path / "ask.py"
    script.write_text(QGIS)
    tmp_path.chmod(0o700)
    environment = {
        "QT_QPA_PLATFORM": "offscreen",
        "HOME": str(tmp_path),
        "XDG_RUNTIME_DIR": str(tmp_path),
    }
    done = subprocess.run(
        [SYSTEM_PYTHON, str(script), url, token, "", f"{token}x"],
        capture_output=True, text=True, check=False, timeout=120, env=environment,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == [12, None, None]
