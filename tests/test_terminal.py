"""What a person sees at a terminal: a bar that moves and goes, silence when nobody watches, and
Ctrl-C.
"""

import os
import struct
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from geoguichet.catalogue.formats.iso import iso19139
from geoguichet.catalogue.intake.harvest.journal import Journal, journal_path
from geoguichet.catalogue.record import Record
from geoguichet.catalogue.search.store import SQLiteStore, store_path
from geoguichet.cli import main
from geoguichet.floor.viewer import MACHINE

fcntl = pytest.importorskip("fcntl", reason="a pseudo-terminal is a thing of Unix")
pty = pytest.importorskip("pty")
termios = pytest.importorskip("termios")

BAR, SHOWN = "━", "\x1b[?25h"
"""What a bar is drawn with, and what shows the cursor again at its end."""

SHIM = (
    "import fcntl, os, sys, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); "
    "os.execv(sys.argv[1], sys.argv[1:])"
)
"""Take the pseudo-terminal as one's own, so that Ctrl-C typed in it is a signal, then become the
command.
"""


@contextmanager
def terminal(columns: int = 90) -> Iterator[tuple[int, int]]:
    """A pseudo-terminal of a size: the end that a person watches and types in, the end that a
    program writes to.
    """
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    try:
        yield ours, theirs
    finally:
        for end in (ours, theirs):
            with suppress(OSError):
                os.close(end)


def watched(ours: int, on_text: Callable[[str], None] = lambda _: None) -> str:
    """Read until nothing writes to the terminal any more."""
    seen = b""
    with suppress(OSError):  # the end of a pseudo-terminal is an error
        while piece := os.read(ours, 65536):
            seen += piece
            on_text(seen.decode(errors="ignore"))
    return seen.decode()


def told(arguments: list[str], monkeypatch: pytest.MonkeyPatch) -> str:
    """What a command writes on stderr when that is a terminal."""
    with terminal() as (ours, theirs), monkeypatch.context() as patched:
        patched.setenv("TERM", "xterm-256color")
        seen: list[str] = []
        reader = threading.Thread(target=lambda: seen.append(watched(ours)))
        with open(theirs, "w", encoding="utf-8", closefd=False) as stream:
            patched.setattr(sys, "stderr", stream)
            reader.start()
            assert main(arguments) == 0
        os.close(theirs)
        reader.join(10)
        return seen[0]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Metadata of three records, and data of one."""
    (tmp_path / "fiches").mkdir()
    for number in range(3):
        record = Record(id=f"jeu-{number}", type="dataset", title=f"Jeu {number}")
        (tmp_path / "fiches" / f"{number}.xml").write_bytes(iso19139.write(record))
    (tmp_path / "fiches" / "points.csv").write_text(
        "nom,lon,lat\nAuch,0.58,43.64\n", encoding="utf-8"
    )
    return tmp_path / "fiches"


@pytest.mark.parametrize(
    "words", [["import", "."], ["crawl", "."], ["harvest", "folder", "."], ["check", "--all"]]
)
def test_a_bar_moves_at_a_terminal_and_nowhere_else(
    words: list[str],
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(folder)
    arguments = ["catalogue", *words, "--workspace", str(folder.parent / "w")]
    main(["catalogue", "import", ".", "--workspace", str(folder.parent / "w")])
    seen = told(arguments, monkeypatch)
    assert BAR in seen and " sur " in seen and BAR not in seen[seen.rindex(SHOWN) :]
    assert BAR not in told([*arguments, "--quiet"], monkeypatch)
    capsys.readouterr()
    assert main(arguments) == 0
    assert BAR not in capsys.readouterr().err


def test_progress_is_told_in_the_language_of_the_terminal(
    small_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LANG", "en_GB.UTF-8")
    seen = told(["coverage", "run", str(small_path), "--out", str(tmp_path / "out")], monkeypatch)
    assert "reading the layers" in seen and "white zones" in seen and "lecture" not in seen


@contextmanager
def catalogue(count: int, stuck: threading.Event) -> Iterator[tuple[str, list[int]]]:
    """An OGC API Records of some records whose third page waits for an event; yields its address
    and what was asked.
    """
    asked: list[int] = []
    usually = (("offset", "0"), ("limit", "10"))

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            from json import dumps
            from urllib.parse import parse_qs, urlsplit

            query = parse_qs(urlsplit(self.path).query)
            start, size = (int(query.get(name, [usual])[0]) for name, usual in usually)
            asked.append(start)
            if start >= 200:
                stuck.wait(30)
            span = range(start, min(start + size, count))
            listed = [
                Record(id=f"jeu-{n:03}", type="dataset", title=f"Jeu {n}").to_geojson()
                for n in span
            ]
            body = dumps(
                {"type": "FeatureCollection", "features": listed, "numberMatched": count}
            ).encode()
            with suppress(ConnectionError):
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Stay silent."""

    httpd = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=httpd.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{httpd.server_port}/collections/c", asked
    finally:
        stuck.set()
        httpd.shutdown()
        httpd.server_close()
        thread.join()


def test_ctrl_c_in_the_middle_is_one_sentence_and_is_taken_up(tmp_path: Path) -> None:
    stuck, workspace = threading.Event(), tmp_path / "w"
    with catalogue(250, stuck) as (address, asked), terminal() as (ours, theirs):
        arguments = [
            "catalogue",
            "harvest",
            "ogc-records",
            address,
            "--name",
            "voisin",
            "--workspace",
            str(workspace),
        ]
        command = [sys.executable, "-c", SHIM, sys.executable, "-m", "geoguichet.cli", *arguments]
        environment = os.environ | {"TERM": "xterm-256color", "PYTHONWARNINGS": "ignore"}
        child = subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs,
        start_new_session=True,
                                 env=environment)  # fmt: skip
        os.close(theirs)
        typed = threading.Event()

        def interrupt(seen: str) -> None:
            if "200 sur 250 ; 200 lues" in seen and not typed.is_set():
                typed.set()
                os.write(ours, b"\x03")

        seen = watched(ours, interrupt)
        assert child.wait(30) == 130
        assert typed.is_set() and "geoguichet : interrompu" in seen and "Traceback" not in seen
        assert seen.rindex(SHOWN) < seen.index("geoguichet : interrompu")
        [(_, _, _, runs)] = Journal(journal_path(workspace)).sources()
        with SQLiteStore(store_path(workspace)) as store:
            assert (
                runs[0].status == "interrupted"
                and store.get("jeu-199", viewer=MACHINE).title == "Jeu 199"
            )
        stuck.set()
        asked.clear()
        assert main([*arguments, "--quiet"]) == 0
        assert asked == [200, 250]  # the page past the end, which proves that it is
    [(_, _, _, runs)] = Journal(journal_path(workspace)).sources()
    assert [run.status for run in runs] == ["complete"] and runs[0].counts["new"] == 250
