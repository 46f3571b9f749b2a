"""The studies of a workspace, each shown to whom its manifest says (``visibility`` in its file), and
their layers, a collection each.
"""

import json
import os
import re
import sqlite3
import time
from collections.abc import Mapping
from contextlib import closing, suppress
from functools import lru_cache
from pathlib import Path
from typing import Any

from geoguichet.floor.files import DRAFTS
from geoguichet.floor.viewer import Viewer, VisibilityError, audience
from geoguichet.floor.words import Message
from geoguichet.referentials.layers import metric_of

STUDY_ID = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")
#: The member of a resource that names the study whose layer it is.
STUDY = "study"
#: The layers of a result: the end of the name of its collection, its title field, its title.
LAYERS: Mapping[str, tuple[str, str, Message]] = {
    "white_zones": ("white-zones", "commune_names", Message("Zones blanches : {title}")),
    "kiosks": ("kiosks", "name", Message("Visioguichets proposés : {title}")),
    "demand": ("demand", "name", Message("Habitants et distances : {title}")),
    "services": ("services", "name", Message("Guichets comptés : {title}")),
}


def sees_study(viewer: Viewer, folder: Path) -> bool:
    """Say whether a viewer may see what a study wrote in its folder.

    One without a manifest, as older versions left some, is public.
    """
    try:
        return viewer.sees(audience_of_study(folder))
    except (OSError, ValueError):  # it is not there, or can be nowhere
        return True


def folder_of(workspace: Path, name: str, viewer: Viewer) -> Path | None:
    """Return the folder of a study of a name; None where there is none that the viewer may see."""
    folder = workspace / "studies" / name
    is_there = STUDY_ID.fullmatch(name) and (folder / "manifest.json").is_file()
    return folder if is_there and sees_study(viewer, folder) else None


def seen_first(workspace: Path, chosen: str | None, viewer: Viewer) -> list[Path]:
    """Return the folders of the studies that a viewer may see, the newest first; only the one that a
    region puts first where it chose one.
    """
    there = sorted(state_of(workspace), key=lambda one: -one[2])
    folders = (
        workspace / "studies" / name for name, *_state in there if not chosen or name == chosen
    )
    return [folder for folder in folders if sees_study(viewer, folder)]


def manifest_of(folder: Path) -> Any:
    """Return the manifest of a study; OSError or ValueError where it does not read."""
    file = folder / "manifest.json"
    status = file.stat()
    return _manifest(file, status.st_ino, status.st_mtime_ns, status.st_size)


@lru_cache(maxsize=16)
def _manifest(file: Path, *_state: int) -> Any:
    return json.loads(file.read_bytes())


type Dates = tuple[tuple[str, int, int], ...]


def state_of(workspace: Path) -> Dates:
    """Return what changes when a study comes, goes, is run again, or is shown to others."""
    return dates_in(f"{workspace}/studies", "/manifest.json")


def dates_in(folder: str, within: str) -> Dates:
    """Return the names in a folder, each with the inode and the date (nanoseconds) of what stands
    ``within`` it, those that have it.
    """
    found = []
    # It is asked at every request: making a path costs more than looking there.
    try:
        changed_ns = os.stat(folder).st_mtime_ns  # noqa: PTH116
        # The clock of files goes by steps: what changed just now may change again at the same time.
        is_settled = time.time_ns() - changed_ns > _SETTLED_NS
        names = (_names if is_settled else _names.__wrapped__)(folder, changed_ns)
    except OSError:
        return ()
    for name in names:
        with suppress(OSError):
            status = os.stat(f"{folder}/{name}{within}")  # noqa: PTH116
            found.append((name, status.st_ino, status.st_mtime_ns))
    return tuple(found)


_SETTLED_NS = 2_000_000_000


@lru_cache(maxsize=8)
def _names(folder: str, _changed_ns: int) -> list[str]:
    with os.scandir(folder) as entries:
        return sorted(entry.name for entry in entries)


def collections(workspace: Path) -> dict[str, Any]:
    """Return pygeoapi's resources for the layers of the studies there are now, each with whom it is
    shown to; a result that does not read has none.
    """
    found: dict[str, Any] = {}
    for name, *_state in state_of(workspace):
        folder = workspace / "studies" / name
        if STUDY_ID.fullmatch(name) and (folder / "result.gpkg").is_file():
            found |= _layers(folder)
    return found


def _layers(folder: Path) -> dict[str, Any]:
    manifest, result = folder / "manifest.json", folder / "result.gpkg"
    try:
        told = json.loads(manifest.read_bytes())["study"]
        title = str(told.get("title") or folder.name)
        with closing(sqlite3.connect(f"{result.absolute().as_uri()}?mode=ro", uri=True)) as base:
            asked = "SELECT table_name, min_x, min_y, max_x, max_y FROM gpkg_contents"
            boxes = {name: box for name, *box in base.execute(asked) if None not in box}
        seen = audience_of_study(folder)
    except (OSError, ValueError, LookupError, TypeError, AttributeError, sqlite3.Error):
        return {}
    return {
        f"{folder.name}-{suffix}": _resource(result, layer, boxes[layer], title)
        | {"audience": seen, STUDY: folder.name}
        for layer, (suffix, _named, _told) in LAYERS.items()
        if layer in boxes
    }


def _resource(result: Path, layer: str, box: list[float], title: str) -> dict[str, Any]:
    _suffix, named, told = LAYERS[layer]
    crs = "http://www.opengis.net/def/crs"
    words = Message("étude").by_language()
    about = Message("Une couche de l'étude « {title} », telle que sa dernière version la donne.")
    metres = metric_of(tuple(box)).rpartition(":")[2]
    return {
        "type": "collection",
        "title": told.given(title=title).by_language(),
        "description": about.given(title=title).by_language(),
        "keywords": {code: [word] for code, word in words.items()},
        "links": [],
        "extents": {"spatial": {"bbox": box, "crs": f"{crs}/OGC/1.3/CRS84"}},
        "providers": [
            {
                "type": "feature",
                "name": "geoguichet.portal.providers.features.GeoPackageProvider",
                "data": str(result.absolute()),
                "table": layer,
                "id_field": "id",
                "title_field": named,
                "crs": [f"{crs}/OGC/1.3/CRS84", *(f"{crs}/EPSG/0/{c}" for c in ("4326", metres))],
                "storage_crs": f"{crs}/OGC/1.3/CRS84",
            }
        ],
    }


# Return who sees a study; one whose manifest cannot be read is shown to nobody but this machine.
@lru_cache(maxsize=1024)
def _audience(manifest: Path, *_state: int) -> str:
    try:
        told = json.loads(manifest.read_text(encoding="utf-8"))["study"]
        return audience(told.get("visibility", "public"), **owner_of_study(manifest.parent))
    except (OSError, ValueError, LookupError, TypeError, AttributeError, VisibilityError):
        return audience("draft")


# A study that somebody asked of the portal is its own: a draft is seen by them, and by the editors of
# their organisation. One that the command line ran is nobody's.

_OWNER = f"{DRAFTS}owner.json"


def owner_of_study(folder: Path) -> dict[str, str]:
    """Return whose a study is: a ``person`` (a pseudonym) and an ``organisation`` (SIREN); nothing for
    nobody's.
    """
    try:
        told = json.loads((folder / _OWNER).read_bytes())
    except OSError:
        return {}
    return {"person": str(told["person"]), "organisation": str(told["organisation"])}


def owned_by(viewer: Viewer) -> dict[str, bytes]:
    """Return the file, by its name, that says in a study's folder that it is a viewer's; none for nobody
    known.
    """
    held = sorted(at for at, role in viewer.roles if role != "partner")
    told = {"person": viewer.person, "organisation": held[0] if held else ""}
    return {_OWNER: json.dumps(told).encode()} if viewer.person else {}


def audience_of_study(folder: Path) -> str:
    """Return who sees a study (see `floor.viewer.audience`)."""
    manifest = folder / "manifest.json"
    status = manifest.stat()
    return _audience(manifest, status.st_ino, status.st_mtime_ns, status.st_size)
