"""Fetching survives a server that cuts, lies, loops, dawdles or changes its mind."""

import hashlib
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from geoguichet.floor.errors import FetchError, UsageError
from geoguichet.referentials.sources.fetch import (
    OfficialSource,
    Progress,
    cached,
    fetch,
    official_sources,
)

BODY = bytes(range(256)) * 1000


class Faulty(BaseHTTPRequestHandler):
    """What it does is told by the path; ``seen`` counts the requests."""

    seen: list[str]
    body = BODY

    def log_message(self, *_: Any) -> None:
        pass

    def do_GET(self) -> None:
        type(self).seen.append(self.headers.get("Range", ""))
        kind = self.path.split("/")[1]
        first = len(type(self).seen) == 1
        if kind == "loop":
            self.send_response(302)
            self.send_header("Location", self.path)
            self.end_headers()
            return
        if kind == "gone" or (kind == "busy" and first):
            self.send_error(404 if kind == "gone" else 503)
            return
        body = b"<!DOCTYPE html><p>Erreur" if kind == "page" else self.body
        start = int(self.headers["Range"][6:-1]) if "Range" in self.headers else 0
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(body) - start + (5 if kind == "short" else 0)))
        self.send_header("ETag", '"a"')
        self.end_headers()
        if kind == "slow" and first:
            time.sleep(0.6)
        cut = 100_000 if kind == "cut" and first else None
        try:
            self.wfile.write(body[start:cut])
        except OSError:
            return
        if cut or kind == "short":
            self.close_connection = True


@pytest.fixture
def server() -> Iterator[str]:
    Faulty.seen, Faulty.body = [], BODY
    running = ThreadingHTTPServer(("127.0.0.1", 0), Faulty)
    thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{running.server_port}"
    running.shutdown()
    running.server_close()
    thread.join()


def source(address: str, **changes: str) -> OfficialSource:
    said = {
        "title": "",
        "publisher": "",
        "licence": "",
        "vintage": "",
        "frequency": "",
        "format": "CSV",
        "reader": "",
    }
    return OfficialSource(name="essai", address=address, **{**said, **changes})


def run(what: OfficialSource, cache: Path, **options: Any) -> Progress:
    *_, last = fetch(what, cache, wait_s=0.01, **{"timeout_s": 5.0, **options})
    return last


@pytest.mark.parametrize("kind", ["good", "cut", "busy", "slow"])
def test_the_file_comes_whole(kind: str, server: str, tmp_path: Path) -> None:
    timeout_s = 0.2 if kind == "slow" else 5.0
    last = run(source(f"{server}/{kind}/liste.csv"), tmp_path, timeout_s=timeout_s)
    assert last.file is not None
    assert last.file.read_bytes() == BODY
    assert last.changed
    assert [entry.digest for entry in cached(tmp_path)["essai"]] == [
        hashlib.sha256(BODY).hexdigest()
    ]
    if kind == "cut":
        assert Faulty.seen[1].startswith("bytes=")  # resumed, not begun again
    assert not list(tmp_path.glob("*/download.part"))


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("page", "page web"),
        ("gone", "répond 404"),
        ("loop", "renvoie sans fin"),
        ("short", "interrompu 4 fois"),
    ],
)
def test_what_is_not_the_file_is_refused_and_the_cache_kept(
    kind: str, said: str, server: str, tmp_path: Path
) -> None:
    run(source(f"{server}/good/liste.csv"), tmp_path)
    with pytest.raises(FetchError, match=said):
        run(source(f"{server}/{kind}/liste.csv"), tmp_path)
    assert len(cached(tmp_path)["essai"]) == 1


def test_a_changed_file_is_a_new_version_and_the_same_one_is_not(
    server: str, tmp_path: Path
) -> None:
    address = f"{server}/good/liste.csv"
    assert run(source(address), tmp_path).changed
    assert not run(source(address), tmp_path).changed
    Faulty.body = BODY[:-1]
    assert run(source(address), tmp_path).changed
    assert len(cached(tmp_path)["essai"]) == 2


def test_a_known_digest_is_verified(server: str, tmp_path: Path) -> None:
    address = f"{server}/good/liste.csv"
    assert run(source(address, digest=hashlib.sha256(BODY).hexdigest()), tmp_path).changed
    with pytest.raises(FetchError, match="empreinte"):
        run(source(address, digest="0" * 64), tmp_path)


def test_offline_is_said_plainly(tmp_path: Path) -> None:
    with pytest.raises(FetchError, match=r"pas de réseau jusqu'à absent\.invalid"):
        run(source("http://absent.invalid/liste.csv"), tmp_path)
    with pytest.raises(FetchError, match="une page où choisir"):
        run(source("https://exemple.fr/", format="page"), tmp_path)


def test_every_source_is_described(tmp_path: Path) -> None:
    for entry in official_sources().values():
        assert all((entry.title, entry.publisher, entry.licence, entry.frequency, entry.format))
        assert entry.address.startswith("https://")
    broken = tmp_path / "sources.toml"
    broken.write_text('[a]\ntitle = "A"\n', encoding="utf-8")
    with pytest.raises(UsageError, match="clés attendues : title, publisher"):
        official_sources(broken)
    for text, said in (("a = 3", "clés attendues"), ("[a", "TOML valide")):
        broken.write_text(text, encoding="utf-8")
        with pytest.raises(UsageError, match=said):
            official_sources(broken)
    with pytest.raises(UsageError, match="n'existe pas"):
        official_sources(tmp_path / "absent.toml")


@pytest.mark.parametrize(
    ("limits", "said", "kept"),
    [({"largest": 100_000}, "de plus de 0 Mo", 0), ({"longest_s": 0.0}, "trop lente", 65_536)],
)
def test_a_download_is_bounded_in_size_and_time(
    limits: dict[str, Any], said: str, kept: int, server: str, tmp_path: Path
) -> None:
    with pytest.raises(FetchError, match=said):
        run(source(f"{server}/good/liste.csv"), tmp_path, **limits)
    part = tmp_path / "essai" / "download.part"
    assert (part.stat().st_size if part.exists() else 0) <= kept
    assert not cached(tmp_path)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("address = 3", "clé « address » : un texte est attendu, 3 est donné"),
        ('earlier = "msap"', "clé « earlier » : une liste de textes est attendue, 'msap'"),
        ("earlier = [1]", r"clé « earlier » : une liste de textes est attendue, \[1\]"),
        ("digest = true", "clé « digest » : un texte est attendu, True"),
    ],
)
def test_a_source_s_values_are_of_the_kinds_of_its_keys(
    line: str, said: str, tmp_path: Path
) -> None:
    file = tmp_path / "sources.toml"
    file.write_text(f"[mairies]\n{line}\n", encoding="utf-8")
    with pytest.raises(UsageError, match=f"source « mairies », {said}"):
        official_sources(file)
    file.write_text('["../ailleurs"]\n', encoding="utf-8")
    with pytest.raises(UsageError, match="lettres, de chiffres et de tirets"):
        official_sources(file)
