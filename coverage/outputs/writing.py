"""One verb for whatever a study answers: its documents, in a folder."""

from pathlib import Path

from geoguichet.coverage.compare import Comparison
from geoguichet.coverage.manifest import CoverageResult
from geoguichet.coverage.outputs import comparison, sensitivity
from geoguichet.coverage.outputs.folder import write_all
from geoguichet.coverage.sensitivity import Sensitivity


def write(answer: CoverageResult | Comparison | Sensitivity, folder: Path) -> tuple[Path, ...]:
    """Write the documents of a result, a comparison or a sensitivity; return their paths.

    They take their places together once all are whole: until then the previous ones stand.

    Raises
    ------
    OutputError
        Something could not be written.
    """
    match answer:
        case Comparison():
            return comparison.write(answer, folder)
        case Sensitivity():
            return sensitivity.write(answer, folder)
        case _:
            return write_all(answer, folder)
