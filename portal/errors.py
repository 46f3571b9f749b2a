"""What the portal refuses, each in one sentence."""

from geoguichet.floor.errors import GeoguichetError, UsageError


class PortalError(GeoguichetError):
    """The portal cannot start or cannot serve."""


class PortInUseError(PortalError, UsageError):
    """Something else already listens on this port."""


class ParameterError(PortalError):
    """A parameter of a request is unknown or malformed; the message names it, in French and in
    English.
    """

    def __init__(self, french: str, english: str) -> None:
        super().__init__(french)
        self.english = english
