"""What can go wrong, as sentences a person can act on: expected, came, try.

GeoguichetError            everything we refuse on purpose; the command prints it and exits 1
└── UsageError             the words of a command or a study file are off; exits 2
"""


class GeoguichetError(Exception):
    """An input or a situation we refuse, said in one sentence: what was expected, what came, what to
    try. Every error of these functions (raised as ``StudyError``, ``FrameError`` ...) is one.

    Examples
    --------
    >>> from geoguichet import read_study
    >>> try:
    ...     read_study("absente.toml")
    ... except GeoguichetError as refusal:
    ...     print(refusal)
    absente.toml : ce fichier d'étude n'existe pas ; « geoguichet coverage init absente.toml » en crée un à compléter.
    """


class UsageError(GeoguichetError):
    """The request itself is wrong (an option, a study file): mend it and run again."""


class LayerError(GeoguichetError):
    """A layer is missing, unreadable or not what its contract says."""


class ChoiceError(LayerError):
    """A choice of communes names what is not there, or nothing: which of its parts, what is wrong,
    what to try.
    """

    def __init__(self, key: str, what: str, remedy: str) -> None:
        super().__init__(f"{what} ; {remedy}.")
        self.key, self.what, self.remedy = key, what, remedy


class FileError(GeoguichetError):
    """A file cannot be written; what was there is there still."""


class StoreError(GeoguichetError):
    """A version of a referential cannot be written, or is not there."""


class FetchError(GeoguichetError):
    """A source cannot be fetched, or is not what was announced."""
