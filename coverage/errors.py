"""Errors of a study: in its file (usage, exit 2) or in the data it was given (refused, exit 1)."""

from geoguichet.floor.errors import GeoguichetError, UsageError


class StudyError(UsageError):
    """The study file asks for something that is not there or cannot be: file, key, expected, came,
    try.
    """


class FrameError(GeoguichetError):
    """A table breaks its contract; the message names the first offending rows."""


class RoutingError(GeoguichetError):
    """Points that the router cannot measure, such as coordinates outside its area."""


class SitingError(GeoguichetError):
    """A siting problem that has no meaning, such as no candidate at all."""


class OutputError(GeoguichetError):
    """The result could not be written; whatever stood there before is intact."""


class OutputFolderError(OutputError, UsageError):
    """The folder asked for holds something that is not a study's result, and is not touched."""


class ManifestError(GeoguichetError):
    """A manifest that cannot be read, or that tells of another version's study."""


class ComparisonError(GeoguichetError):
    """Two answers that cannot be set side by side: other people, no commune or no need in
    common.
    """


class OrientationError(UsageError):
    """A place or a need that cannot be told from the words given; the message lists what they may
    mean.
    """


class ReplayError(GeoguichetError):
    """A study done again did not give the same answer."""


class ZoneError(GeoguichetError):
    """White zones that cannot be drawn as asked."""


class SensitivityError(UsageError):
    """Assumptions that cannot be varied as asked."""
