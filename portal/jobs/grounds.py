"""What a process answers from: the data of a workspace, and which of its files who asks may name."""

import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from geoguichet.floor.region import Region, read_region
from geoguichet.floor.viewer import Viewer, audience
from geoguichet.floor.words import _
from geoguichet.portal.errors import ParameterError
from geoguichet.portal.providers.studies import STUDY_ID, sees_study
from geoguichet.portal.territory import Territory, territory_of
from geoguichet.portal.usual import tables_of

if TYPE_CHECKING:
    from geoguichet.coverage.study.study import Study

#: What of a workspace is no data, whatever its name ends in.
_CLOSED = ("jobs", "cache", "guichet")
_DATA = (".gpkg", ".parquet", ".csv", ".tif", ".tiff", ".geojson", ".shp", ".npz", ".roads", ".zip")


@dataclass(frozen=True, slots=True)
class Ground:
    """A workspace, whose it is and the territory it is of."""

    workspace: Path
    region: Region
    territory: Territory

    @classmethod
    def of(cls, workspace: Path) -> "Ground":
        """Return that of a workspace as it is now."""
        workspace, region = workspace.absolute(), read_region(workspace)
        return cls(workspace, region, territory_of(workspace, region))

    @property
    def source(self) -> str:
        """The data of the territory as a study of this workspace names them; empty: the sample's."""
        data = self.territory.data
        return "" if self.territory.is_sample or data is None else self.told(data)

    def told(self, path: Path) -> str:
        """Return a path as it is told: from the workspace."""
        return Path(os.path.relpath(path, self.workspace)).as_posix()

    def bare(self, sentence: str) -> str:
        """Return a sentence without the path of the machine."""
        return sentence.replace(f"{self.workspace}/", "").replace(str(self.workspace), "")

    def state(self, files: Mapping[str, str], *, studies: bool = False) -> str:
        """Return what changes when an answer may: this version, the data and the files it is from."""
        named = [self.territory.data, *(self.workspace / name for name in files.values())]
        named += [self.workspace / name for name in ("region.toml", "types.toml")]
        folders = ["referentials", *(["studies"] if studies else [])]
        for folder in folders:
            named += sorted((self.workspace / folder).glob("*"))
        told = [f"{path}:{_stamp(path)}" for path in named if path is not None]
        return " ".join([version("geoguichet"), *told])

    def study(self, viewer: Viewer, name: object) -> Path:
        """Return the folder of a result that a viewer may see; ParameterError for another."""
        folder = self.workspace / "studies" / str(name)
        if (
            isinstance(name, str)
            and STUDY_ID.fullmatch(name)
            and (folder / "manifest.json").is_file()
            and sees_study(viewer, folder)
        ):
            return folder
        raise ParameterError(_("{study} : aucune étude de ce nom.", study=str(name)[:60]))


def _stamp(path: Path) -> str:
    try:
        status = path.stat()
    except OSError:
        return "-"
    return f"{status.st_size if path.is_file() else status.st_ino}-{status.st_mtime_ns}"


def study_of(document: Mapping[str, Any], ground: Ground, *, viewer: Viewer) -> "Study":
    """Return the study that a document asks, as a file of that content in the workspace would.

    Without ``territory`` and ``data`` it is about the territory of the portal. ParameterError for
    a file that a viewer may not name, and for a server of routes: what a stranger asks reaches no other
    machine; GeoguichetError for what the declaration refuses.
    """
    from geoguichet.coverage.study.choices import KINDS
    from geoguichet.coverage.study.study import parse_study

    study = parse_study(completed(document, ground))
    if KINDS[study.router.kind].distant:
        raise ParameterError(
            _("router.kind : un serveur d'itinéraires ne se demande pas d'ici ; attendu un réseau.")
        )
    for key, name in files_of(study).items():
        _check_file(key, name, ground, viewer)
    return replace(study, path=ground.workspace / f"{study.id}.toml")


def completed(document: Mapping[str, Any], ground: Ground) -> dict[str, Any]:
    """Return the document of a study with the territory of the portal where it names none."""
    own = tables_of(ground.territory, ground.source) if "territory" not in document else {}
    if "data" not in document and ground.source:
        own |= {"data": {"source": ground.source, "services": "services"}}
    return {**own, **document}


def files_of(study: "Study") -> dict[str, str]:
    """Return the files that a study names, by the key that names them."""
    cells, area = study.demand.cells, study.territory.polygon
    named = {
        "data.source": "" if study.source == "sample" else study.source,
        "router.network": study.router.file,
        "demand.cells.file": cells.file if cells else "",
        "territory.polygon": area,
    }
    return {key: name for key, name in named.items() if name}


# Refuse a file that is not data of the workspace, or that who asks may not see; all in one sentence,
# which does not tell what is there.
def _check_file(key: str, name: str, ground: Ground, viewer: Viewer) -> None:
    with suppress(OSError, ValueError):  # no file has such a name
        path, home = (Path(os.path.realpath(ground.workspace / one)) for one in (name, ""))
        if ground.territory.data is not None and path == Path(
            os.path.realpath(ground.territory.data)
        ):
            return
        parts = path.relative_to(home).parts if path.is_relative_to(home) else ()
        is_data = path.suffix.lower() in _DATA and path.is_file()
        if parts and is_data and _is_open(parts) and _may_read(parts, ground, viewer):
            return
    raise ParameterError(
        _("{key} : {name} n'est pas un fichier de données de ce portail.", key=key, name=name[:120])
    )


def _is_open(parts: tuple[str, ...]) -> bool:
    return parts[0] not in _CLOSED and not any(part.startswith(".") for part in parts)


def _may_read(parts: tuple[str, ...], ground: Ground, viewer: Viewer) -> bool:
    if parts[0] == "studies":
        return sees_study(viewer, ground.workspace / "studies" / parts[1])
    if parts[0] != "referentials":
        return True
    shown = ground.region.visibility.referentials.get(parts[1], "public")
    return viewer.sees(audience(shown))
