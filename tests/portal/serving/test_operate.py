"""What docs/operate.md gives to copy is read by what it is for."""

import re
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
import requests

PAGE = Path(__file__).parents[3] / "docs" / "operate.md"
NGINX = shutil.which("nginx") or shutil.which("/usr/sbin/nginx")


def blocks(kind: str) -> list[str]:
    return re.findall(rf"^```{kind}\n(.*?)^```", PAGE.read_text("utf-8"), re.M | re.S)


def configuration(folder: Path, block: str) -> Path:
    written = folder / "nginx.conf"
    (folder / "logs").mkdir()
    places = "".join(
        f"{kind}_temp_path {folder}/{kind};\n"
        for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    head = f"pid {folder}/pid;\nerror_log {folder}/error.log;\nevents {{}}\n"
    written.write_text(f"{head}http {{\naccess_log off;\n{places}{block}}}\n", encoding="utf-8")
    return written


def test_nginx_reads_its_configuration(tmp_path: Path) -> None:
    if NGINX is None:
        pytest.skip("nginx is not installed")
    (block,) = blocks("nginx")
    written = configuration(tmp_path, block)
    ended = subprocess.run(
        [NGINX, "-t", "-c", written, "-p", tmp_path], capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stderr


def test_the_portal_is_read_through_nginx(url: str, tmp_path: Path) -> None:
    if NGINX is None:
        pytest.skip("nginx is not installed")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    (block,) = blocks("nginx")
    block = block.replace("127.0.0.1:5000", url.removeprefix("http://"))
    written = configuration(tmp_path, block.replace("listen 8080", f"listen 127.0.0.1:{port}"))
    front = subprocess.Popen([NGINX, "-c", written, "-p", tmp_path, "-g", "daemon off;"])
    asked = f"http://127.0.0.1:{port}"
    try:
        end = time.monotonic() + 20
        while time.monotonic() < end:
            try:
                answer = requests.get(f"{asked}/health", timeout=20)
                break
            except requests.ConnectionError:
                time.sleep(0.05)
        assert answer.json() == {"status": "pass"}
        items = "/collections/catalogue/items"
        read = requests.get(f"{asked}{items}?f=json&limit=3", timeout=20)
        assert read.json()["numberReturned"] == 3 and read.headers["Server"].startswith("nginx")
        wrong = requests.get(f"{asked}{items}?f=odd", timeout=20)
        assert wrong.status_code == 400
        large = requests.post(f"{asked}{items}", data=b"a" * 12_000_000, timeout=20)
        assert large.status_code == 413
    finally:
        front.terminate()
        front.wait(20)


def test_systemd_reads_the_units(tmp_path: Path) -> None:
    analyze = shutil.which("systemd-analyze")
    if analyze is None:
        pytest.skip("systemd-analyze (Debian: systemd) is not installed")
    units = blocks("ini")
    assert len(units) == 2
    for unit in units:
        name = re.search(r"^# /etc/systemd/system/(\S+\.service)", unit, re.M)[1]
        program = re.sub("^ExecStart=\\S+", f"ExecStart={sys.executable}", unit, flags=re.M)
        written = tmp_path / name.replace("@", "@1")
        written.write_text(program, encoding="utf-8")
        ended = subprocess.run(
            [analyze, "verify", "--man=no", written], capture_output=True, text=True, check=False
        )
        told = [line for line in ended.stderr.splitlines() if "geoguichet" in line]
        assert told == [], told


def test_the_units_name_what_is_read() -> None:
    served, worker = blocks("ini")
    assert "GEOGUICHET_WORKSPACE=" in served and "GEOGUICHET_ACCESS_LOG=-" in served
    assert "GEOGUICHET_WORKSPACE=" in worker
    for unit in (served, worker):
        stop = re.search(r"^TimeoutStopSec=(\d+)$", unit, re.M)
        assert stop is not None and int(stop[1]) > 5
