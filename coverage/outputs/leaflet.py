"""Leaflet as text that needs no other file, for pages that open with no network.

Its files are those of the npm package, taken at set-up (``make front-end``) and kept out of git.
"""

import base64
import re
from functools import cache
from importlib import resources
from pathlib import Path

from geoguichet.coverage.errors import OutputError
from geoguichet.floor.words import Message

FOLDER = Path(str(resources.files("geoguichet.coverage.outputs") / "vendor" / "leaflet"))
MISSING = Message(
    "les cartes d'un seul fichier ne sont pas écrites : Leaflet n'est pas installé ; "
    "essayez : make front-end, là où npm atteint son registre, puis recommencez."
)


def present() -> bool:
    """Whether Leaflet was taken, so that maps can be written."""
    return (FOLDER / "leaflet.js").is_file()


@cache
def leaflet_js() -> str:
    """Return Leaflet's script, without the line that points at its source map."""
    return _text("leaflet.js").rsplit("//# sourceMappingURL=", 1)[0].rstrip()


@cache
def leaflet_css() -> str:
    """Return Leaflet's style sheet with its images inside."""

    def inline(match: re.Match[str]) -> str:
        image = (FOLDER / match[1]).read_bytes()
        return f"url(data:image/png;base64,{base64.b64encode(image).decode('ascii')})"

    return re.sub(
        r"url\((images/[\w-]+\.png)\)", inline, _text("leaflet.css").replace("\r\n", "\n")
    )


def _text(name: str) -> str:
    try:
        return (FOLDER / name).read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise OutputError(MISSING) from error
