"""Do a study again from its manifest, and say whether the same bytes come out, or exactly what
differs.
"""

import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any, Literal

import pandas as pd
import pyogrio

from geoguichet.coverage import manifest
from geoguichet.coverage.access import inputs
from geoguichet.coverage.errors import StudyError
from geoguichet.coverage.outputs.folder import write_all
from geoguichet.coverage.run import run
from geoguichet.coverage.study.choices import MODELS
from geoguichet.coverage.study.study import Study
from geoguichet.floor.files import sha256
from geoguichet.floor.words import Unit

type Kind = Literal["file", "parameter", "input", "version", "answer", "output"]

#: A file altered since; a key read otherwise; other data; other libraries; another answer; other
#: bytes.
KINDS: tuple[Kind, ...] = ("file", "parameter", "input", "version", "answer", "output")


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that is not as the manifest says."""

    kind: Kind
    name: str
    expected: str
    found: str


@dataclass(frozen=True, slots=True)
class Replay:
    """What came of doing a ``study`` again."""

    study: Study
    #: Files whose digest is the manifest's.
    outputs: tuple[str, ...]
    differences: tuple[Difference, ...]

    @property
    def same(self) -> bool:
        """Whether every file came out with the same bytes (other versions may still give them)."""
        return not any(difference.kind in ("answer", "output") for difference in self.differences)


def replay(
    path: str | Path,
    *,
    source: str | Path | None = None,
    beside: str | Path | None = None,
    workspace: str | Path | None = None,
    on_step: Callable[[str], None] = lambda _: None,
) -> Replay:
    """Run the study of a manifest again, in a folder that is thrown away, and compare everything
    but the timings.

    Parameters
    ----------
    path
        The manifest, or the folder of a study.
    source
        The GeoPackage of the study, when it is neither the sample nor beside the manifest.
    beside
        The folder that the study's own files (network, cells, GeoPackage) are relative to: where
        its ``.toml`` was. Without it, the manifest's folder.
    workspace
        Where the referentials of existing networks are, as for :func:`~geoguichet.coverage.run.run`.
    on_step
        Called with the name of each step as it starts.

    Returns
    -------
    Replay
        Whether the files are the same, and what differs.

    Raises
    ------
    ManifestError
        The manifest cannot be read.
    StudyError
        Its source, its network or its cells are not found.

    Examples
    --------
    After the example of :func:`~geoguichet.write`:

    >>> replay("ariege").same
    True
    """
    expected = manifest.read(path)
    folder = Path(path) if Path(path).is_dir() else Path(path).parent
    study = manifest.study_of(expected["study"], path=Path(beside or folder, "manifest.json"))
    if source is not None:
        study = replace(study, source=str(Path(source).resolve()))
    _check_file_there(study)
    _check_own_files(study, Path(beside or folder))
    result = run(study, workspace=workspace, on_step=on_step)
    with tempfile.TemporaryDirectory() as scratch:
        fresh = Path(scratch) / study.id
        write_all(result, fresh, on_step=on_step)
        found = manifest.read(fresh)
        found["study"]["source"] = expected["study"].get("source")
        _forget_other_models(expected["study"], found["study"])
        differences = tuple(_differences(expected, found, folder, fresh))
    same = tuple(
        name for name, told in expected["outputs"].items() if found["outputs"].get(name) == told
    )
    return Replay(study, same, differences)


# Leave aside the keys of other siting models, which manifests held until version 0.1.
def _forget_other_models(expected: dict[str, Any], found: Mapping[str, Any]) -> None:
    kiosks, own = expected.get("kiosks") or {}, found.get("kiosks") or {}
    for name in {one.name for model in MODELS for one in fields(model)} - {*own}:
        for key in (name, *(unit.column(name) for unit in Unit)):
            if key not in own:
                kiosks.pop(key, None)


def _check_file_there(study: Study) -> None:
    try:
        inputs.source_path(study)
    except StudyError as error:
        raise StudyError(
            f"{study.where} : la source de l'étude, {study.source}, n'est pas ici ; "
            f"essayez : --source CHEMIN/{Path(study.source).name}."
        ) from error


# Refuse to begin when the study's network or cells are not where they are looked for.
def _check_own_files(study: Study, folder: Path) -> None:
    cells = study.demand.cells.file if study.demand.cells is not None else ""
    for name in (study.router.file, cells):
        if name and not (folder / name).is_file():
            raise StudyError(
                f"{folder / 'manifest.json'} : l'étude lit {name}, qui n'est pas dans {folder} ; "
                "essayez : --beside et le dossier où était le fichier de l'étude."
            )


def _differences(
    expected: Mapping[str, Any], found: Mapping[str, Any], folder: Path, fresh: Path
) -> Iterator[Difference]:
    yield from _altered_files(expected["outputs"], folder)
    yield from _unlike("parameter", expected["study"], found["study"])
    yield from _unlike("input", _by_layer(expected["inputs"]), _by_layer(found["inputs"]))
    yield from _unlike("version", expected["versions"], found["versions"])
    for key in ("counters", "findings", "plan"):
        yield from _unlike("answer", {key: expected.get(key)}, {key: found.get(key)})
    was, is_now = (
        {name: told["sha256"] for name, told in one["outputs"].items()} for one in (expected, found)
    )
    for difference in _unlike("output", was, is_now):
        detail = _layers_unlike(
            folder / difference.name, fresh / difference.name, difference.expected
        )
        yield replace(difference, found=f"{difference.found}{detail}")


# Say which files beside the manifest are no longer those it describes; a manifest alone has none.
def _altered_files(outputs: Mapping[str, Any], folder: Path) -> Iterator[Difference]:
    for name, told in outputs.items():
        path = folder / name
        if path.is_file() and sha256(path) != told["sha256"]:
            yield Difference("file", name, told["sha256"], sha256(path))


# Compare two JSON values key by key, at any depth, and name what differs by its path.
def _unlike(kind: Kind, expected: Any, found: Any, name: str = "") -> Iterator[Difference]:
    if isinstance(expected, Mapping) and isinstance(found, Mapping):
        for key in sorted({*expected, *found}):
            yield from _unlike(
                kind,
                expected.get(key, _ABSENT),
                found.get(key, _ABSENT),
                f"{name}.{key}" if name else str(key),
            )
    elif isinstance(expected, list) and isinstance(found, list) and len(expected) == len(found):
        for number, (one, other) in enumerate(zip(expected, found, strict=True)):
            yield from _unlike(kind, one, other, f"{name}[{number}]")
    elif expected != found:
        yield Difference(kind, name, _told(expected), _told(found))


_ABSENT = "absent"


def _told(value: Any) -> str:
    return "aucun" if value is None else str(value)


def _by_layer(layers: list[Mapping[str, Any]]) -> dict[str, Mapping[str, Any]]:
    return {layer["name"]: layer for layer in layers}


# Say which layers and columns of two GeoPackages differ, when the file of the manifest is still
# there.
def _layers_unlike(old: Path, new: Path, digest: str) -> str:
    if old.suffix != ".gpkg" or not old.is_file() or not new.is_file() or sha256(old) != digest:
        return ""
    told = [
        f"{layer} : {', '.join(columns)}"
        for layer in ("demand", "services", "white_zones", "kiosks")
        if (columns := _columns_unlike(old, new, layer))
    ]
    return f" ({' ; '.join(told)})" if told else ""


def _columns_unlike(old: Path, new: Path, layer: str) -> list[str]:
    one, other = (pd.DataFrame(pyogrio.read_dataframe(path, layer=layer)) for path in (old, new))
    if len(one) != len(other):
        return [f"{len(one)} puis {len(other)} lignes"]
    return [
        name
        for name in dict.fromkeys((*one.columns, *other.columns))
        if name not in one or name not in other or not one[name].equals(other[name])
    ]
