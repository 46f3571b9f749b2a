"""The 95 abstract tests of OGC API Records Part 1 (20-004r1, annex A), by their identifier, in the
standard's order.
"""
# ruff: noqa: I001  (tests are registered as they are imported: this is the order of the standard)

from geoguichet.portal.conformance.client import TESTS
from geoguichet.portal.conformance import searching, representations

__all__ = ["TESTS", "representations", "searching"]
