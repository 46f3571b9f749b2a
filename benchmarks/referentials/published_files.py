"""What is read of a folder of published files, as the two tables of docs/referentials.md: a row a format,
then a row a file.

python benchmarks/referentials/published_files.py FOLDER
"""

import sys
from pathlib import Path

from geoguichet.floor.errors import GeoguichetError
from geoguichet.floor.findings import MAX_UNKNOWN, count_by_rule
from geoguichet.referentials.directory.schema import REFUSED, Reading, join_readings
from geoguichet.referentials.directory.services import OTHER
from geoguichet.referentials.readers.registry import FORMATS, choose_reader
from geoguichet.referentials.versions.proved import understood

#: Parts of a shapefile, words and what is no list.
LEFT = {
    ".dbf",
    ".shx",
    ".prj",
    ".cpg",
    ".qpj",
    ".md",
    ".py",
    ".sbn",
    ".sbx",
    ".tfw",
    ".xml",
}
PARTS = ("services", "cog", "admin", "population")
#: Endings of the files whose first bytes say nothing of their format -> the reader that is asked for.
NAMED = {".tif": "filosofi", ".yaml": "chefs-lieux", ".yaml.gz": "chefs-lieux"}


def figures(reading: Reading) -> list[int]:
    """Rows in, out, placed, with hours, of another type, far from their code, of unknown words."""
    rows, rules = reading.rows, count_by_rule(reading.findings)
    words = reading.heard.unread if reading.heard else []
    return [
        reading.rows_in,
        len(rows),
        int(rows.geometry.notna().sum()),
        int(rows["hours"].notna().sum()),
        int((rows["type"] == OTHER).sum()),
        rules.get("point-against-code", 0),
        sum(each.rows for each in words),
    ]


def main(folder: Path) -> None:
    """Print the tables."""
    by_format, by_file = [], []
    files = [each for part in PARTS for each in sorted((folder / part).rglob("*"))]
    for file in files:
        if not file.is_file() or file.suffix.lower() in LEFT:
            continue
        name = file.relative_to(folder).as_posix()
        try:
            key = next((key for end, key in NAMED.items() if name.endswith(end)), None)
            kind = "territories" if name.startswith("admin/") else None
            reader = choose_reader(file, key=key, kind=kind)
            reading = join_readings(understood(reader.read(), MAX_UNKNOWN, where=name))
        except GeoguichetError as refusal:
            by_file.append(f"| `{name}` | refused: {str(refusal)[:90]} | | | | |")
            continue
        if reading.kind == "services" and reader.key in FORMATS:
            said = " | ".join(f"{each:,}" for each in figures(reading))
            by_format.append(f"| `{reader.key}` | {FORMATS[reader.key].vintage} | {said} |")
        refused = count_by_rule(reading.findings).get(REFUSED, 0)
        assert reading.rows_in == len(reading.rows) + refused + reading.gathered
        counts = (
            reading.rows_in,
            len(reading.rows),
            refused,
            reading.gathered,
            len(reading.findings),
        )
        by_file.append(f"| `{name}` | `{reader.key}` | {' | '.join(f'{n:,}' for n in counts)} |")
    print("| format | edition | rows | out | placed | hours | other type | far | unknown words |")
    print(
        *sorted(by_format),
        "",
        "| file | format | in | out | refused | gathered | findings |",
        sep="\n",
    )
    print(*by_file, sep="\n")


main(Path(sys.argv[1]))
