"""Import the directory of 2020, as published and repeated up to a size, each in its own process:
CPU seconds and peak.

python benchmarks/referentials/large_file.py service-public-annuaire-local-2020-11.csv.bz2
--gigabytes 2
"""

from __future__ import annotations

import argparse
import bz2
import csv
import os
import subprocess
import sys
import tempfile
from pathlib import Path

PADDING = "Permanence sur rendez-vous, se renseigner auprès du service. " * 4


def repeat(source: Path, target: Path, size: float) -> int:
    """Write the rows of the directory again and again, identifiers made distinct and a wide column
    added.
    """
    with bz2.open(source, "rt", encoding="utf-8") as file:
        header, *rows = csv.reader(file)
    turn = 0
    with target.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow([*header, "informations"])
        while file.tell() < size:
            writer.writerows([[f"{row[0]}{turn:03d}", *row[1:], PADDING] for row in rows])
            turn += 1
    return turn * len(rows)


def measure(command: list[str]) -> tuple[float, float]:
    """Return the CPU seconds of a command and the most memory it held, in megabytes."""
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as running:
        _, status, usage = os.wait4(running.pid, 0)
        running.returncode = os.waitstatus_to_exitcode(status)
    if running.returncode:
        raise SystemExit(f"{' '.join(command)}: exit {running.returncode}")
    return usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def main() -> None:
    """Measure and print one line a file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("directory", type=Path)
    parser.add_argument("--gigabytes", type=float, nargs="*", default=[0.5, 2.0])
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        cases = [(arguments.directory, 61_507)]
        for size in arguments.gigabytes:
            path = Path(folder) / f"{size:g}.csv"
            cases.append((path, repeat(arguments.directory, path, size * 1e9)))
        for path, rows in cases:
            command = [sys.executable, "-m", "geoguichet.cli", "referentials", "import", str(path)]
            options = [
                "--reader",
                "dila-2020",
                "--name",
                path.name.split(".csv")[0],
                "--workspace",
                folder,
            ]
            seconds, megabytes = measure([*command, *options])
            print(
                f"{path.name}: {rows:,} rows, {seconds:.1f} s CPU, peak {megabytes:.0f} MB",
                flush=True,
            )


if __name__ == "__main__":
    main()
