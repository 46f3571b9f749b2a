"""What the catalogue refuses, each in one sentence."""

from geoguichet.floor.errors import GeoguichetError


class CatalogueError(GeoguichetError):
    """The base of everything the catalogue refuses."""


class RecordError(CatalogueError):
    """A document is not a record of OGC API Records; the message names the member."""


class BoundError(RecordError):
    """A record holds more than the region takes (``[limits]`` of region.toml); the message names
    the member.
    """


class QueryError(CatalogueError):
    """A query parameter is unknown or malformed; the message names it, in French and in English."""

    def __init__(self, french: str, english: str = "") -> None:
        super().__init__(french)
        self.english = english or french


class RecordNotFoundError(CatalogueError):
    """No record has this identifier (or it was deleted)."""


class StaleRecordError(CatalogueError):
    """The record that was to be changed is no longer what it was read as."""


class StoreError(CatalogueError):
    """The file of the store cannot be opened, read or written."""


class FormatError(CatalogueError):
    """A document is not well-formed, or not what its format says; ``line`` is where, 0 when it has
    no lines.
    """

    def __init__(self, message: str, *, line: int = 0) -> None:
        super().__init__(message)
        self.line = line


class HarvestError(CatalogueError):
    """What is to be harvested is not said as it should be, or a harvest failed."""


class DatasetError(CatalogueError):
    """A file of data cannot be read; the message names the file."""
