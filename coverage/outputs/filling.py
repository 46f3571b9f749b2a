"""The templates of the pages, filled: one way for reports and for the panels of maps."""

from __future__ import annotations

from importlib import resources
from typing import Any

from jinja2 import Environment, FunctionLoader, StrictUndefined

TEMPLATES = resources.files("geoguichet.coverage.outputs") / "templates"


def template_text(name: str) -> str:
    """Return a template as it stands."""
    return (TEMPLATES / name).read_text(encoding="utf-8")


def filled(name: str, **content: Any) -> str:
    """Return a template with its fields filled; what is told is escaped, and a field that is not given is an error."""
    environment = Environment(
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        loader=FunctionLoader(template_text),
    )
    return environment.get_template(name).render(**content)
