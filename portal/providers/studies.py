"""The studies of a workspace, each shown to whom its manifest says (``visibility`` in its file)."""

import json
from functools import lru_cache
from pathlib import Path

from geoguichet.floor.viewer import Viewer, VisibilityError, audience


def sees_study(viewer: Viewer, folder: Path) -> bool:
    """Say whether a viewer may see what a study wrote in its folder.

    One without a manifest, as older versions left some, is public.
    """
    manifest = folder / "manifest.json"
    try:
        status = manifest.stat()
    except (OSError, ValueError):  # it is not there, or can be nowhere
        return True
    return viewer.sees(_audience(manifest, status.st_ino, status.st_mtime_ns, status.st_size))


def seen_first(workspace: Path, chosen: str | None, viewer: Viewer) -> list[Path]:
    """Return the folders of the studies that a viewer may see, the newest first; only the one that a
    region puts first where it chose one.
    """
    found = (workspace / "studies").glob(f"{chosen or '*'}/manifest.json")
    seen = [path for path in found if sees_study(viewer, path.parent)]
    return [path.parent for path in sorted(seen, key=lambda one: -one.stat().st_mtime)]


# Return who sees a study; one whose manifest cannot be read is shown to nobody but this machine.
@lru_cache(maxsize=1024)
def _audience(manifest: Path, *_state: int) -> str:
    try:
        told = json.loads(manifest.read_text(encoding="utf-8"))["study"]
        return audience(told.get("visibility", "public"))
    except (OSError, ValueError, LookupError, TypeError, AttributeError, VisibilityError):
        return audience("draft")
