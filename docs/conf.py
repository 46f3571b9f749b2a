"""How Sphinx builds the pages (make docs)."""

import tomllib
from pathlib import Path

from pygments.lexers.special import TextLexer
from sphinx.application import Sphinx

PYPROJECT = Path(__file__).parents[1] / "pyproject.toml"

project = "Géoguichet"
release = tomllib.loads(PYPROJECT.read_text(encoding="utf-8"))["project"]["version"]
html_title = f"Géoguichet {release}"
html_theme = "furo"
html_copy_source = False
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
exclude_patterns = ["_build"]
myst_heading_anchors = 3
autodoc_preserve_defaults = True
autodoc_default_options = {"members": True, "member-order": "bysource"}
python_use_unqualified_type_names = True
python_maximum_signature_line_length = 88


def setup(app: Sphinx) -> None:
    """Show diagrams as the text they are: no script is fetched to draw them."""
    app.add_lexer("mermaid", TextLexer)
    app.connect("autodoc-process-signature", plain_signature)


def plain_signature(
    app: Sphinx, what: str, name: str, obj: object, options: object, signature: str, returned: str
) -> tuple[str, str] | None:
    """Leave out the signature of a declared model: its fields stand in the table of the guide."""
    if "Annotated[" in (signature or ""):
        return "", returned
    return (signature.replace("<factory>", "..."), returned) if signature else None
