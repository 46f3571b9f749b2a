"""Parsing ISO 19139: our reader against OWSLib's, the same real records, interleaved in one run.

    python benchmarks/catalogue/formats.py ../shared/data/metadata [--bulk FOLDER]

Prints records per second per core, and the ratio, which is the figure to keep: the machine cancels out of it.
"""

import argparse
import time
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path

from lxml import etree
from owslib.iso import MD_Metadata

from geoguichet.catalogue import iso19139


def owslib(document: bytes) -> object:
    return MD_Metadata(etree.fromstring(document))


def seconds(read: Callable[[bytes], object], documents: Sequence[bytes]) -> float:
    start = time.process_time()
    for document in documents:
        read(document)
    return time.process_time() - start


def readable(document: bytes) -> bool:
    """Both must read a document for it to count."""
    try:
        owslib(document)
        iso19139.read(document)
    except Exception:  # noqa: BLE001 (OWSLib raises anything)
        return False
    return True


def compare(documents: Sequence[bytes], *, rounds: int = 7) -> tuple[float, float]:
    """Return the best seconds of each reader over interleaved rounds."""
    ours, theirs = [], []
    for _ in range(rounds):
        ours.append(seconds(iso19139.read, documents))
        theirs.append(seconds(owslib, documents))
    return min(ours), min(theirs)


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


if __name__ == "__main__":
    main()
