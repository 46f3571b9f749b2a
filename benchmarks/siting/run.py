"""Everything, one after the other: ``python benchmarks/siting/run.py [PEERS_PYTHON] [--few]``
prints all tables.

Under a quarter of an hour on a quiet machine of two cores. Without the peers' Python that
comparison is left out. ``--few`` keeps the first problem of each table, to try that everything
runs.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent


def main(peers: str | None, few: bool) -> None:
    only = ["1"] if few else []
    runs = [["region.py", which, "60", *only] for which in ("departements", "communes", "cells")]
    runs += [["peers.py", peers, *only]] if peers else []
    runs += [["published.py", *only]]
    for script, *arguments in runs:
        print(f"\n### {script} {' '.join(arguments)}\n", flush=True)
        subprocess.run([sys.executable, str(HERE / script), *arguments], check=False)


if __name__ == "__main__":
    named = [argument for argument in sys.argv[1:] if argument != "--few"]
    main(named[0] if named else None, "--few" in sys.argv)
