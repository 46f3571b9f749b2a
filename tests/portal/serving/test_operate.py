"""What docs/operate.md gives to copy is read by what it is for."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[3] / "docs" / "operate.md"


def block(kind: str) -> str:
    (found,) = re.findall(rf"^```{kind}\n(.*?)^```", PAGE.read_text("utf-8"), re.M | re.S)
    return found


def test_nginx_reads_its_configuration(tmp_path: Path) -> None:
    nginx = shutil.which("nginx") or shutil.which("/usr/sbin/nginx")
    if nginx is None:
        pytest.skip("nginx is not installed")
    written = tmp_path / "nginx.conf"
    (tmp_path / "logs").mkdir()
    places = "".join(
        f"{kind}_temp_path {tmp_path}/{kind};\n"
        for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    head = f"pid {tmp_path}/pid;\nerror_log {tmp_path}/error.log;\nevents {{}}\n"
    written.write_text(
        f"{head}http {{\naccess_log off;\n{places}{block('nginx')}}}\n", encoding="utf-8"
    )
    ended = subprocess.run(
        [nginx, "-t", "-c", written, "-p", tmp_path], capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stderr


def test_the_unit_names_what_serve_reads() -> None:
    unit = block("ini")
    assert "GEOGUICHET_WORKSPACE=" in unit and "GEOGUICHET_ACCESS_LOG=-" in unit
    stop = re.search(r"^TimeoutStopSec=(\d+)$", unit, re.M)
    assert stop is not None and int(stop[1]) > 5
