"""CPU of a server that is asked what is public, here and at an earlier commit, by turns.

    git worktree add ../then 3a38662
    python benchmarks/portal/reading.py ../then WORKSPACE [--rounds 40] [--requests 40]

Both servers serve copies of one workspace (one that the earlier commit made by ``geoguichet demo``,
with 2,000 records more), at once; each kind of request is put to one and then to the other, and what
counts is the CPU of the server's process (user and system, on its own clock). Prints, for each kind, the
ratio of the best of each, which is the figure to keep, and the median ratio of the pairs: the
machine cancels out of both.
"""

import argparse
import http.client
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

HERE = Path(__file__).resolve().parents[2]
ITEMS = "/collections/catalogue/items"
KINDS = {
    "item": f"{ITEMS}/jeu-7?f=json",
    "page": f"{ITEMS}?f=json&limit=10",
    "q": f"{ITEMS}?f=json&q=jeu",
    "facets": f"{ITEMS}?f=json&facets=type,keywords&limit=0&q=jeu",
    "features": "/collections/kiosks/items?f=json&limit=10",
    "study file": "/studies/STUDY/manifest.json",
}
_FILL = """
import sys
from geoguichet.catalogue.record import Record
from geoguichet.catalogue.search.store import Catalogue
from pathlib import Path
with Catalogue(Path(sys.argv[1])) as store:
    store.bulk_upsert(
        Record(id=f"jeu-{n}", type="dataset", title=f"Jeu {n}", keywords=(f"mot {n % 40}",),
               description="Un jeu de données.", updated=f"20{n % 25:02}-01-01T00:00:00Z")
        for n in range(2000)
    )
"""


def environment(tree: Path, folder: Path) -> dict[str, str]:
    """Return the environment in which a tree of the project is the one that runs."""
    folder.mkdir(exist_ok=True)
    link = folder / "geoguichet"
    if not link.exists():
        link.symlink_to(tree.resolve())
    return os.environ | {"PYTHONPATH": str(folder)}


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


class Server:
    """One tree that serves a copy of a workspace."""

    def __init__(self, tree: Path, workspace: Path, scratch: Path) -> None:
        home = scratch / "workspace"
        shutil.copytree(workspace, home)
        given = environment(tree, scratch / "path")
        subprocess.run([sys.executable, "-c", _FILL, str(home)], env=given, check=True)
        words = ("serve", "--workspace", str(home), "--port", str(free_port()))
        self.process = subprocess.Popen(
            [sys.executable, "-m", "geoguichet.cli", *words],
            env=given, stdout=subprocess.PIPE, text=True, cwd=scratch,
        )  # fmt: skip
        assert self.process.stdout is not None
        said = self.process.stdout.readline()
        self.port = int(said.partition("127.0.0.1:")[2].split()[0])
        self.connection = http.client.HTTPConnection("127.0.0.1", self.port)

    def cpu(self) -> float:
        """Seconds of CPU so far, of all its threads, those that ended too.

        The clock of another process, as Linux numbers it (clock_getcpuclockid, POSIX).
        """
        return time.clock_gettime((~self.process.pid << 3) | 2)

    def ask(self, address: str, times: int) -> float:
        """Put a request so many times; return the CPU that one takes, in seconds."""
        before = self.cpu()
        for _time in range(times):
            self.connection.request("GET", address)
            answer = self.connection.getresponse()
            answer.read()
            assert answer.status == 200, (address, answer.status)
        return (self.cpu() - before) / times


@contextmanager
def both(then: Path, workspace: Path) -> Iterator[list[Server]]:
    """Serve copies of a workspace here and at the earlier commit, at once, in this order."""
    with tempfile.TemporaryDirectory() as scratch:
        servers = []
        try:
            for name, tree in (("now", HERE), ("then", then)):
                place = Path(scratch, name)
                place.mkdir()
                servers.append(Server(tree, workspace, place))
            yield servers
        finally:
            for server in servers:
                server.process.terminate()
                server.process.wait()


def checkout(text: str) -> Path:
    """Return the folder of a commit, which must be one: where nothing is, today's code would be found."""
    if not Path(text, "cli.py").is_file():
        raise argparse.ArgumentTypeError(f"{text} is no checkout of geoguichet: it has no cli.py")
    return Path(text)


def made_workspace(text: str) -> Path:
    """Return a workspace with a study."""
    if not any(Path(text).glob("studies/*/manifest.json")):
        raise argparse.ArgumentTypeError(
            f"{text} is no workspace that geoguichet demo made: no study"
        )
    return Path(text)


def arguments(about: str | None, *, rounds: int, requests: int) -> argparse.Namespace:
    """Read what a measure is asked: the two places, how often; and the name of a study (``study``)."""
    parser = argparse.ArgumentParser(description=(about or "").partition("\n")[0])
    parser.add_argument("then", type=checkout, help="the earlier commit, checked out")
    parser.add_argument("workspace", type=made_workspace, help="made by geoguichet demo, then")
    parser.add_argument("--rounds", type=int, default=rounds)
    parser.add_argument("--requests", type=int, default=requests)
    given = parser.parse_args()
    given.study = next(given.workspace.glob("studies/*/manifest.json")).parent.name
    return given


def main() -> None:
    given = arguments(__doc__, rounds=40, requests=40)
    with both(given.then, given.workspace) as servers:
        for kind, address in KINDS.items():
            here = address.replace("STUDY", given.study)
            spent: dict[Server, list[float]] = {server: [] for server in servers}
            for number in range(given.rounds + 1):
                pair = servers if number % 2 else servers[::-1]
                took = {server: server.ask(here, given.requests) for server in pair}
                if number:  # the first fills what is kept
                    for server in servers:
                        spent[server].append(took[server])
            now, then = (spent[server] for server in servers)
            ratio = statistics.median(one / other for one, other in zip(now, then, strict=True))
            print(
                f"{kind:<11} {min(now) * 1000:6.3f} ms of CPU now, {min(now) / min(then):.2f} "
                f"times then's; median of the pairs {ratio:.2f}",
                flush=True,
            )


if __name__ == "__main__":
    main()
