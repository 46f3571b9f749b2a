"""The program that writes rows by GDAL: ``python -m geoguichet.portal.api.by_gdal``.

pyogrio keeps Python to itself as long as GDAL writes: a server whose thread did would answer nobody.
It reads on its standard input, a line each, files of Arrow batches (``rows``), what to ``make`` of them
and the arguments of `pyogrio.write_arrow`; answers each by what went wrong, or an empty line; and ends
when its input does.
"""

import json
import os
import sys

import pyarrow as pa
import pyogrio


def main() -> None:
    """Write files until none is asked, after whoever answers now."""
    os.nice(5)
    for line in sys.stdin:
        asked = json.loads(line)
        said = ""
        try:
            with pa.memory_map(asked.pop("rows")) as source, pa.ipc.open_stream(source) as batches:
                pyogrio.write_arrow(batches, asked.pop("make"), **asked)
        except (OSError, ValueError, RuntimeError) as error:  # those of Arrow and of pyogrio
            said = " ".join(f"{type(error).__name__}: {error}".split())
        print(said, flush=True)


if __name__ == "__main__":
    main()
