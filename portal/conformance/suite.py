"""The 95 abstract tests of OGC API Records Part 1 (20-004r1, annex A), by their identifier, in the
standard's order; and those of layers and of processes, by standard.
"""
# ruff: noqa: I001  (tests are registered as they are imported: this is the order of the standard)

from geoguichet.portal.conformance.client import TESTS
from geoguichet.portal.conformance import computing, layers, searching, representations

#: What every suite tests, each put to a server apart.
SUITES = {
    "OGC API Records Part 1 (20-004r1)": TESTS,
    "OGC API Features Part 3 (19-079r2)": layers.FEATURES,
    "OGC API Tiles Part 1 (20-057)": layers.TILES,
    "OGC API Processes Part 1 (18-062r2)": computing.PROCESSES,
}

__all__ = ["SUITES", "TESTS", "representations", "searching"]
