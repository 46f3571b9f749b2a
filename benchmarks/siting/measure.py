"""Clock, CPU (children included) and peak memory, and the machine they were measured on."""

from __future__ import annotations

import platform
import resource
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Measured[T]:
    answer: T
    clock_s: float
    cpu_s: float


def measured[T](work: Callable[[], T]) -> Measured[T]:
    started, before = time.monotonic(), _cpu()
    answer = work()
    return Measured(answer, time.monotonic() - started, _cpu() - before)


def peak_mb() -> float:
    """Peak resident memory of this process or of its largest child."""
    return (
        max(
            resource.getrusage(who).ru_maxrss
            for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
        )
        / 1024
    )


def machine() -> str:
    import highspy
    import numpy as np
    import scipy

    model = next(
        line.split(":")[1].strip()
        for line in Path("/proc/cpuinfo").read_text().splitlines()
        if "model name" in line
    )
    load = Path("/proc/loadavg").read_text().split()[0]
    return (
        f"{model}, Python {platform.python_version()}, numpy {np.__version__}, scipy "
        f"{scipy.__version__}, "
        f"HiGHS {highspy.Highs().version()}, load {load}"
    )


def _cpu() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in used)
