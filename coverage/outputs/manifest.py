"""The manifest: what was asked, of which data, with which versions, and the digest of every file written."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pyogrio
import pyproj
import shapely

from geoguichet.coverage.result import CoverageResult
from geoguichet.coverage.siting.plan import KioskPlan
from geoguichet.coverage.study import Study
from geoguichet.referentials.quality import count_by_rule

_PACKAGES = (
    "geoguichet",
    "geopandas",
    "highspy",
    "numpy",
    "pandas",
    "pyarrow",
    "pyogrio",
    "pyproj",
    "scipy",
    "shapely",
)


def write(result: CoverageResult, path: Path, outputs: Iterable[Path]) -> None:
    """Write the manifest of the files ``outputs``, which stand beside it.

    Two equal results differ in nothing but ``timings`` (seconds).
    """
    text = json.dumps(document(result, outputs), ensure_ascii=False, indent=2, sort_keys=True, allow_nan=False)
    path.write_text(text + "\n", encoding="utf-8", newline="\n")


def document(result: CoverageResult, outputs: Iterable[Path]) -> dict[str, Any]:
    """Return the manifest as a dictionary ready for JSON."""
    timings = {name: round(seconds, 3) for name, seconds in result.timings.items()}
    if result.plan is not None:
        timings["plan_seconds"] = round(result.plan.seconds, 3)
    return {
        "study": study_parameters(result.study),
        "inputs": [asdict(layer) for layer in result.inputs],
        "versions": versions(),
        "counters": {**result.counters, "kiosks": len(result.kiosks), "white_zones": len(result.white_zones)},
        "findings": count_by_rule(result.findings),
        "plan": None if result.plan is None else _plan(result.plan),
        "seed": None,
        "outputs": {path.name: {"bytes": path.stat().st_size, "sha256": sha256(path)} for path in sorted(outputs)},
        "timings": timings,
    }


def study_parameters(study: Study) -> dict[str, Any]:
    """Return the study as plain values, without the place of its file: the same question is the same everywhere."""
    parameters = asdict(study)
    del parameters["path"]
    return parameters


def versions() -> dict[str, str]:
    """Return the versions of the packages and libraries that can change a result."""
    return {
        **{name: version(name) for name in _PACKAGES},
        "GDAL": pyogrio.__gdal_version_string__,
        "GEOS": shapely.geos_version_string,
        "PROJ": pyproj.proj_version_str,
    }


def sha256(path: Path) -> str:
    """Return the SHA-256 digest of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _plan(plan: KioskPlan) -> dict[str, Any]:
    return {
        "model": plan.model,
        "value": plan.value,
        "bound": plan.bound,
        "gap": plan.gap,
        "status": plan.status,
        "method": plan.method,
        "sites": len(plan.sites),
    }
