"""Refuse a product file of which the tests run less than 80 % of the lines (``make coverage``).

coverage.py's own threshold is one for the whole: a file that nobody tests hides behind the others.
"""

import json
import sys
from pathlib import Path

LEAST = 80.0


def short_files(report: Path) -> dict[str, tuple[float, list[int]]]:
    """File under the threshold -> its share of lines run, and the lines not run."""
    files = json.loads(report.read_text(encoding="utf-8"))["files"]
    return {
        name: (figures["summary"]["percent_covered"], figures["missing_lines"])
        for name, figures in sorted(files.items())
        if figures["summary"]["percent_covered"] < LEAST
    }


def main(report: Path) -> int:
    """Say each file under the threshold; return 1 when there is one."""
    short = short_files(report)
    for name, (share, missing) in short.items():
        print(f"{name}: {share:.0f} % of its lines are run, {LEAST:.0f} % are wanted: {missing}")
    return 1 if short else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
