"""The program that writes rows by GDAL: ``python -m geoguichet.portal.api.by_gdal ROWS MADE``.

pyogrio keeps Python to itself as long as GDAL writes: a server whose thread did would answer nobody.
ROWS is a file of Arrow batches; the arguments of `pyogrio.write_arrow` are JSON on the standard input.
"""

import json
import os
import sys

import pyarrow as pa
import pyogrio


def main(rows: str, made: str) -> None:
    """Write the rows, after whoever answers now."""
    os.nice(5)
    with pa.memory_map(rows) as source, pa.ipc.open_stream(source) as batches:
        pyogrio.write_arrow(batches, made, **json.load(sys.stdin))


if __name__ == "__main__":
    main(*sys.argv[1:])
