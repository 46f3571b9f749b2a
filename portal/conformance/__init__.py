"""The abstract tests of OGC API Records Part 1, as code; :mod:`.suite` has them all."""
