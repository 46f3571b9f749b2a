"""Everything, one after the other: ``python benchmarks/siting/run.py [PEERS_PYTHON]`` prints all tables.

Under a quarter of an hour on a quiet machine of two cores. Without the peers' Python that comparison is left out.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent


def main(peers: str | None) -> None:
    runs = [["region.py", "departements"], ["region.py", "communes"], ["region.py", "cells"]]
    runs += [["peers.py", peers]] if peers else []
    runs += [["published.py"]]
    for script, *arguments in runs:
        print(f"\n### {script} {' '.join(arguments)}\n", flush=True)
        subprocess.run([sys.executable, str(HERE / script), *arguments], check=False)


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else None)
