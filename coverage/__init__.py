"""Who is served, who is not, and where a visioguichet helps most."""

# This folder is `geoguichet.coverage`. When the repository's root stands first on sys.path (`python
# cli.py`,
# `python -m pytest --cov`, an IDE), the bare name `coverage` would find it and hide coverage.py,
# which numba and
# pytest-cov import. So a bare import is handed on: to coverage.py where it is installed, else to
# the ordinary
# ModuleNotFoundError. docs/decisions/001-layout.md tells the whole story; tests/test_layout.py
# proves it.
if __name__ == "coverage":
    import importlib
    import sys
    from pathlib import Path

    _here = Path(__file__).resolve().parent.parent
    sys.path[:] = [entry for entry in sys.path if Path(entry or ".").resolve() != _here]
    del sys.modules["coverage"]
    sys.modules["coverage"] = importlib.import_module("coverage")
