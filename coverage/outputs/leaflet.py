"""Leaflet as text that needs no other file, for pages that open with no network."""

from __future__ import annotations

import base64
import re
from functools import cache
from importlib import resources

_ASSETS = resources.files("geoguichet.coverage.outputs") / "assets"


@cache
def leaflet_js() -> str:
    """Return Leaflet's script, without the line that points at its source map."""
    text = (_ASSETS / "leaflet.js").read_text(encoding="utf-8")
    return text.rsplit("//# sourceMappingURL=", 1)[0].rstrip()


@cache
def leaflet_css() -> str:
    """Return Leaflet's style sheet with its images inside."""

    def inline(match: re.Match[str]) -> str:
        image = (_ASSETS / match[1]).read_bytes()
        return f"url(data:image/png;base64,{base64.b64encode(image).decode('ascii')})"

    text = (_ASSETS / "leaflet.css").read_text(encoding="utf-8").replace("\r\n", "\n")
    return re.sub(r"url\(images/([\w-]+\.png)\)", inline, text)
