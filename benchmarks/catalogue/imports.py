"""CPU seconds of an import of real records, here and at an earlier commit, by turns.

    git worktree add ../then 457aa99
    python benchmarks/catalogue/imports.py ../then FOLDER [--rounds 5]

Each import is a process of its own, into an empty catalogue, the documents kept; what it costs to
start the interpreter and to open the catalogue's modules is left out, what an import itself opens
is counted. Prints each pair and the ratio of the best of each, which is the figure to keep: the
machine cancels out of it.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parents[2]

# Where `import_files` stands has changed since.
_IMPORT = """
import sys, tempfile, time, warnings
from pathlib import Path
warnings.simplefilter("ignore")
try:
    from geoguichet.catalogue.intake.exchange import import_files
    from geoguichet.catalogue.formats import registry
except ImportError:
    from geoguichet.catalogue.exchange import import_files
with tempfile.TemporaryDirectory() as workspace:
    start = time.process_time()
    done = import_files(Path(sys.argv[1]), Path(workspace))
    print(done.summary.total, time.process_time() - start)
"""


def imported(tree: Path, folder: Path) -> tuple[int, float]:
    """Return the records that a tree of the project imports, and the seconds of CPU it takes."""
    with tempfile.TemporaryDirectory() as path:
        Path(path, "geoguichet").symlink_to(tree.resolve())
        told = subprocess.run(
            [sys.executable, "-c", _IMPORT, str(folder)],
            env=os.environ | {"PYTHONPATH": path, "PYTHONHASHSEED": "0"},
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        )
    count, spent = told.stdout.split()
    return int(count), float(spent)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("then", type=Path, help="the earlier commit, checked out")
    parser.add_argument("folder", type=Path, help="the records")
    parser.add_argument("--rounds", type=int, default=5)
    given = parser.parse_args()
    best: dict[Path, float] = {}
    for _ in range(given.rounds):
        pair = []
        for tree in (given.then, HERE):
            count, spent = imported(tree, given.folder)
            best[tree] = min(spent, best.get(tree, spent))
            pair.append(spent)
        print(
            f"then {count / pair[0]:.0f}, now {count / pair[1]:.0f} records a second of CPU: "
            f"{pair[0] / pair[1]:.2f} times",
            flush=True,
        )
    print(f"best of {given.rounds}: {best[given.then] / best[HERE]:.2f} times")


if __name__ == "__main__":
    main()
