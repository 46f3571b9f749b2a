"""Seconds of an import of real records, by the clock and of CPU, here and at an earlier commit, by
turns.

    git worktree add ../then 457aa99
    python benchmarks/catalogue/imports.py ../then FOLDER [--rounds 5]

Each import is a process of its own, into an empty catalogue, the documents kept; what it costs to
start the interpreter and to open the catalogue's modules is left out, what an import itself opens
is counted, and so are the processes that it starts. Prints each pair, with the share of the machine
that others took meanwhile, and the ratios of the best of each, which are the figures to keep: the
machine cancels out of them. With --quiet, pairs where others took more than that share are not kept.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

HERE = Path(__file__).resolve().parents[2]

# Where `import_files` stands has changed since.
_IMPORT = """
import os, sys, tempfile, time, warnings
from pathlib import Path
warnings.simplefilter("ignore")
try:
    from geoguichet.catalogue.intake.exchange import import_files
    from geoguichet.catalogue.formats import registry
except ImportError:
    from geoguichet.catalogue.exchange import import_files
def spent():
    return sum(os.times()[:4])

with tempfile.TemporaryDirectory() as workspace:
    cpu, clock = spent(), time.perf_counter()
    done = import_files(Path(sys.argv[1]), Path(workspace))
    print(done.summary.total, time.perf_counter() - clock, spent() - cpu)
"""


class Spent(NamedTuple):
    """Seconds of an import."""

    clock: float
    cpu: float


def imported(tree: Path, folder: Path) -> tuple[int, Spent]:
    """Return the records that a tree of the project imports, and the seconds it takes."""
    with tempfile.TemporaryDirectory() as path:
        Path(path, "geoguichet").symlink_to(tree.resolve())
        told = subprocess.run(
            [sys.executable, "-c", _IMPORT, str(folder)],
            env=os.environ | {"PYTHONPATH": path, "PYTHONHASHSEED": "0"},
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        )
    count, *spent = told.stdout.split()
    return int(count), Spent(*map(float, spent))


def machine() -> tuple[float, float]:
    """Return the seconds that the cores of the machine worked, and those that we did."""
    user, nice, system = map(float, Path("/proc/stat").read_text().split()[1:4])
    return (user + nice + system) / os.sysconf("SC_CLK_TCK"), sum(os.times()[:4])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("then", type=Path, help="the earlier commit, checked out")
    parser.add_argument("folder", type=Path, help="the records")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--quiet", type=float, default=1.0, metavar="SHARE")
    given = parser.parse_args()
    best: dict[Path, Spent] = {}
    kept = 0
    while kept < given.rounds:
        pair: list[Spent] = []
        (all_before, ours_before), start = machine(), time.perf_counter()
        for tree in (given.then, HERE):
            count, spent = imported(tree, given.folder)
            pair.append(spent)
        (all_after, ours_after), passed = machine(), time.perf_counter() - start
        others = (
            (all_after - all_before - ours_after + ours_before) / passed / (os.cpu_count() or 1)
        )
        if others > given.quiet:
            time.sleep(5)
            continue
        kept += 1
        for tree, spent in zip((given.then, HERE), pair, strict=True):
            best[tree] = Spent(*map(min, spent, best.get(tree, spent)))
        rates = ", ".join(f"{count / one.clock:.0f} ({count / one.cpu:.0f})" for one in pair)
        ratios = " and ".join(f"{then / now:.2f}" for then, now in zip(*pair, strict=True))
        print(
            f"then and now {rates} records a second (of CPU): {ratios} times; others {others:.0%}",
            flush=True,
        )
    clock, cpu = (then / now for then, now in zip(best[given.then], best[HERE], strict=True))
    print(f"best of {kept}: {clock:.2f} times by the clock, {cpu:.2f} of CPU")


if __name__ == "__main__":
    main()
