"""The manifest: what was asked, of which data, with which versions, and the digest of every file
written.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pyogrio
import pyproj
import shapely

from geoguichet.coverage.errors import ManifestError
from geoguichet.coverage.result import CoverageResult
from geoguichet.coverage.siting.plan import KioskPlan
from geoguichet.coverage.study.study import Study
from geoguichet.floor.declaration import as_plain, read_plain
from geoguichet.floor.files import sha256
from geoguichet.floor.findings import count_by_rule

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
    text = json.dumps(
        document(result, outputs), ensure_ascii=False, indent=2, sort_keys=True, allow_nan=False
    )
    path.write_text(text + "\n", encoding="utf-8", newline="\n")


def document(result: CoverageResult, outputs: Iterable[Path]) -> dict[str, Any]:
    """Return the manifest as a dictionary ready for JSON."""
    timings = {name: round(seconds, 3) for name, seconds in result.timings.items()}
    inhabited = int((result.white_zones["communes"] > 0).sum())
    if result.plan is not None:
        timings["plan_seconds"] = round(result.plan.seconds, 3)
    return {
        "study": study_parameters(result.study),
        "inputs": [asdict(layer) for layer in result.inputs],
        "versions": versions(),
        "counters": {**result.counters, "kiosks": len(result.kiosks), "white_zones": inhabited},
        "findings": count_by_rule(result.findings),
        "plan": None if result.plan is None else _plan(result.plan),
        "ranking": None if result.ranking is None else result.ranking.as_dict(),
        "beside": result.beside.as_dict(),
        "seed": None,
        "outputs": {
            path.name: {"bytes": path.stat().st_size, "sha256": sha256(path)}
            for path in sorted(outputs)
        },
        "timings": timings,
    }


def study_parameters(study: Study) -> dict[str, Any]:
    """Return the study as plain values, without the place of its file: the same question is the
    same everywhere.
    """
    parameters: dict[str, Any] = as_plain(study)
    del parameters["path"]
    return parameters


def read(path: Path) -> dict[str, Any]:
    """Return the manifest of a file, or of the folder of a study.

    Raises
    ------
    ManifestError
        The file is missing, is not JSON, or is not the manifest of a study.
    """
    path = path / "manifest.json" if path.is_dir() else path
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise ManifestError(
            f"{path} : ce manifeste n'existe pas ; donnez le dossier que « geoguichet coverage "
            "run » a écrit."
        ) from error
    except (OSError, ValueError) as error:
        raise ManifestError(
            f"{path} : un manifeste JSON est attendu, ce fichier est illisible ({error})."
        ) from error
    wanted = ("study", "inputs", "versions", "outputs")
    missing = [key for key in wanted if not isinstance(found, dict) or key not in found]
    if missing:
        raise ManifestError(
            f"{path} : ce n'est pas le manifeste d'une étude (« {missing[0]} » y manque) ; "
            "donnez celui que « geoguichet coverage run » a écrit."
        )
    return dict(found)


def study_of(parameters: Mapping[str, Any], *, path: Path | None = None) -> Study:
    """Return the study a manifest describes: the inverse of :func:`study_parameters`.

    Keys that this version does not know are left aside, those it has gained take their default
    value (``replay`` tells them).

    Raises
    ------
    ManifestError
        A key is missing and has no default, or a value is of the wrong kind.
    """
    try:
        study = read_plain(Study, parameters)
    except ValueError as error:
        raise ManifestError(
            f"{path or 'manifeste'} : les paramètres de l'étude ne se lisent pas ({error}) ; "
            "il vient d'une autre version, relancez l'étude avec son fichier TOML."
        ) from error
    return replace(study, path=path)


def versions() -> dict[str, str]:
    """Return the versions of the packages and libraries that can change a result."""
    return {
        **{name: version(name) for name in _PACKAGES},
        "GDAL": pyogrio.__gdal_version_string__,
        "GEOS": shapely.geos_version_string,
        "PROJ": pyproj.proj_version_str,
    }


def _plan(plan: KioskPlan) -> dict[str, Any]:
    return {
        "model": plan.model,
        "value": plan.value,
        "bound": plan.bound,
        "gap": plan.gap,
        "status": plan.status,
        "method": plan.method,
        "sites": len(plan.sites),
        "sense": plan.sense,
    }
