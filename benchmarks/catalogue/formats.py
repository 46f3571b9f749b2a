"""Parsing ISO 19139: our reader against OWSLib's, the same real records, interleaved in one run;
then importing them.

    python benchmarks/catalogue/formats.py ../shared/data/metadata [--bulk FOLDER]

Prints records per second per core, and the ratio, which is the figure to keep: the machine cancels
out of it. The import reads the files, indexes the records into an empty catalogue and keeps their
documents, as the command does.
"""

import argparse
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from lxml import etree
from owslib.iso import MD_Metadata

from geoguichet.catalogue import text
from geoguichet.catalogue.formats import registry
from geoguichet.catalogue.formats.iso.reading import read_element
from geoguichet.catalogue.formats.xml import parse
from geoguichet.catalogue.intake.exchange import import_files, metadata_files
from geoguichet.catalogue.record import Record
from geoguichet.catalogue.search.store import SQLiteStore


def owslib(document: bytes) -> object:
    return MD_Metadata(etree.fromstring(document))


def ours(document: bytes) -> Record:
    return read_element(parse(document, blanks=False))


def seconds(read: Callable[[bytes], object], documents: Sequence[bytes]) -> float:
    start = time.process_time()
    for document in documents:
        read(document)
    return time.process_time() - start


def readable(document: bytes) -> bool:
    """Say whether OWSLib reads a document; those that it does not are left out."""
    try:
        owslib(document)
    except Exception:  # noqa: BLE001 (OWSLib raises anything)
        return False
    return True


def compare(documents: Sequence[bytes], *, rounds: int = 7) -> tuple[float, float]:
    """Return the best seconds of each reader over interleaved rounds."""
    mine, theirs = [], []
    for _ in range(rounds):
        mine.append(seconds(ours, documents))
        theirs.append(seconds(owslib, documents))
    return min(mine), min(theirs)


def import_seconds(folder: Path, *, rounds: int = 3) -> dict[str, tuple[int, float]]:
    """Return the records and the best seconds of CPU of reading a folder, of indexing it too, of
    all an import does.

    Stems are forgotten before each round: a first import pays for every new word.
    """

    def records() -> Iterator[Record]:
        for file in metadata_files(folder):
            yield from registry.read_document(file.read_bytes()).records

    def indexed(workspace: Path) -> int:
        with SQLiteStore(workspace / "catalogue.sqlite") as store:
            return store.bulk_upsert(records()).total

    steps: dict[str, Callable[[Path], int]] = {
        "files read": lambda _: sum(1 for _ in records()),
        "read and indexed": indexed,
        "imported, documents kept": lambda workspace: import_files(folder, workspace).summary.total,
    }
    best: dict[str, tuple[int, float]] = {}
    for _ in range(rounds):
        for step, run in steps.items():
            for remembered in (text._stem.cache_clear, text._stems_met_again.cache_clear):
                remembered()
            text._STEMS.clear()
            with tempfile.TemporaryDirectory() as workspace:
                start = time.process_time()
                count = run(Path(workspace))
                spent = time.process_time() - start
            best[step] = min(best.get(step, (count, spent)), (count, spent))
    return best


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("metadata", type=Path)
    parser.add_argument("--bulk", type=Path)
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    folders = {"real set (iso19139)": arguments.metadata / "iso19139"}
    if arguments.bulk:
        folders["bulk"] = arguments.bulk
    for name, folder in folders.items():
        files = sorted(folder.rglob("*.xml"))[:600]
        documents = [document for file in files if readable(document := file.read_bytes())]
        size = sum(map(len, documents)) / len(documents) / 1024
        ours, theirs = compare(documents)
        count = len(documents)
        rates = f"{count / ours:.0f} rec/s (OWSLib {count / theirs:.0f})"
        print(f"{name}: {count} records of {size:.1f} KB, {rates}, ratio {theirs / ours:.2f}")
        weight = sum(file.stat().st_size for file in folder.rglob("*.xml")) / 1e6
        for step, (records, spent) in import_seconds(folder).items():
            print(
                f"  {step}: {records} in {spent:.2f} s CPU, {records / spent:.0f} rec/s, "
                f"{weight / spent:.0f} MB/s"
            )


if __name__ == "__main__":
    main()
