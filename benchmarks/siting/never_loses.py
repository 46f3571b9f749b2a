"""Sixty-six real questions: is our CPU at most 1.2 times the best of the plain model, ours and spopt?

python benchmarks/siting/never_loses.py PEERS_PYTHON [first] [last]

An engine is stopped at four times our CPU and five seconds more: it has lost. Values that two
engines prove must be equal. CPU under five hundredths of a second is that of the clock.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import tempfile
from itertools import islice
from pathlib import Path

import numpy as np
from measure import machine
from one_run import cpu_s, spopt_states
from real import QUESTIONS, instances

HERE = Path(__file__).parent
LIMIT_S, AT_MOST, NOISE_S = 300, 1.2, 0.05


def run(python: str, engine: str, path: Path, limit_s: float) -> dict[str, float] | None:
    """Run an engine for so much CPU; None when that was too little."""

    def limited() -> None:
        resource.setrlimit(resource.RLIMIT_CPU, (int(limit_s) + 1, int(limit_s) + 2))

    before = cpu_s()
    done = subprocess.run(
        [python, str(HERE / "one_run.py"), engine, str(path)],
        capture_output=True,
        check=False,
        preexec_fn=limited,
        cwd=path.parent,
    )
    if done.returncode > 0 and cpu_s() - before < 0.9 * limit_s:
        raise SystemExit(f"{engine} did not fail for lack of time: {done.stderr.decode()}")
    if done.returncode:
        return None
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def main(peers: str, first: int, last: int) -> None:
    print(machine(), end="\n\n")
    print("| | question | pairs | value | ours, s CPU | plain HiGHS | spopt | ours / best |")
    print("| ---: | --- |" + " ---: |" * 6)
    lost = 0
    with tempfile.TemporaryDirectory() as folder:
        for number, (name, data) in islice(enumerate(instances(), 1), first - 1, last):
            path = Path(folder) / "instance.npz"
            np.savez(path, **data)
            own = run(sys.executable, "geoguichet", path, LIMIT_S)
            own_s = own["cpu_s"] if own is not None else LIMIT_S
            limit_s = 4 * own_s + 5
            others = [run(sys.executable, "plain", path, limit_s)]
            others += [run(peers, "spopt-cbc", path, limit_s)] if spopt_states(data) else []
            proved = [found for found in (own, *others) if found is not None]
            for found in proved[1:]:
                assert np.isclose(found["value"], proved[0]["value"], rtol=1e-6), (name, proved)
            best = min((found["cpu_s"] for found in proved), default=np.inf)
            ratio = max(own_s, NOISE_S) / max(best, NOISE_S)
            lost += ratio > AT_MOST
            told = [f"{found['cpu_s']:.2f}" if found else f"> {limit_s:.0f}" for found in others]
            print(
                f"| {number} | {name} | {len(data['row']):,} | "
                f"{proved[0]['value'] if proved else np.nan:,.0f} | "
                f"{own_s:.2f} | {' | '.join((*told, '')[:2])} | {ratio:.2f} |",
                flush=True,
            )
    print(f"\n{lost} of {min(last, len(QUESTIONS)) - first + 1} above {AT_MOST}")
    if lost:
        raise SystemExit(1)


if __name__ == "__main__":
    main(sys.argv[1], *(int(each) for each in (*sys.argv[2:], 1, 99)[:2]))
