"""What the portal refuses, each in one sentence."""

from geoguichet.catalogue.errors import CatalogueError, QueryError, RecordNotFoundError
from geoguichet.floor.errors import GeoguichetError, UsageError
from geoguichet.floor.words import SOURCE, _, language


class PortalError(GeoguichetError):
    """The portal cannot start or cannot serve."""


class PortInUseError(PortalError, UsageError):
    """Something else already listens on this port."""


class ParameterError(PortalError):
    """A parameter of a request is unknown or malformed; the message names it."""


def in_words(error: CatalogueError) -> str:
    """Return what the catalogue refuses in the language of the moment."""
    if language() != SOURCE and isinstance(error, QueryError):
        return error.english
    if language() != SOURCE and isinstance(error, RecordNotFoundError):
        return _("Aucune fiche de cet identifiant dans le catalogue.")
    return str(error)
