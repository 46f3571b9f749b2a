"""A table of records, one line each, for a spreadsheet (CSV, semicolons, UTF-8 with a mark that
Excel understands).
"""

import csv
import io
from collections.abc import Callable, Iterable, Mapping

from geoguichet.catalogue.formats.mapping import INSPIRE_THEME, Format, Mapped, Written, said
from geoguichet.catalogue.record import Record

_COLUMNS: Mapping[str, tuple[str, Callable[[Record], str]]] = {
    "identifiant": ("id", lambda record: record.id),
    "type": ("type", lambda record: record.type),
    "titre": ("title", lambda record: record.title),
    "description": ("description", lambda record: record.description),
    "organisations": (
        "contacts",
        lambda record: _joined(contact.organization or contact.name for contact in record.contacts),
    ),
    "mots_cles": ("keywords", lambda record: _joined(record.keywords)),
    "themes_inspire": (
        "themes",
        lambda record: _joined(
            item.title or item.id
            for theme in record.themes
            if theme.scheme == INSPIRE_THEME
            for item in theme.concepts
        ),
    ),
    "ouest": ("geometry", lambda record: _side(record, "west")),
    "sud": ("geometry", lambda record: _side(record, "south")),
    "est": ("geometry", lambda record: _side(record, "east")),
    "nord": ("geometry", lambda record: _side(record, "north")),
    "debut": ("time", lambda record: record.time.ends[0] if record.time else ""),
    "fin": ("time", lambda record: record.time.ends[1] if record.time else ""),
    "licence": ("license", lambda record: record.license),
    "projections": ("crs", lambda record: _joined(said(record, "crs") or ())),
    "genealogie": ("lineage", lambda record: said(record, "lineage") or ""),
    "mise_a_jour": (
        "maintenance",
        lambda record: (said(record, "maintenance") or {}).get("frequency", ""),
    ),
    "liens": ("links", lambda record: _joined(link.href for link in record.links)),
    "cree": ("created", lambda record: record.created),
    "modifie": ("updated", lambda record: record.updated),
}

MAPPING = tuple(Mapped(member, column, "out") for column, (member, _) in _COLUMNS.items())


def write(records: Iterable[Record]) -> bytes:
    """Return the table of records."""
    return spreadsheet(
        _COLUMNS, ([cell(record) for _, cell in _COLUMNS.values()] for record in records)
    )


def spreadsheet(header: Iterable[str], rows: Iterable[Iterable[str]]) -> bytes:
    """Return a table; a text that a spreadsheet would take for a formula is preceded by an
    apostrophe.
    """
    table = io.StringIO()
    writer = csv.writer(table, delimiter=";", lineterminator="\r\n")
    writer.writerow(header)
    writer.writerows(map(harmless, row) for row in rows)
    return table.getvalue().encode("utf-8-sig")


def harmless(text: str) -> str:
    """Return a text that no spreadsheet takes for a formula."""
    number = text.lstrip("+-").replace(" ", "").replace(".", "", 1).isdigit()  # a telephone too
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r")) and not number else text


def _joined(texts: Iterable[str]) -> str:
    return " | ".join(dict.fromkeys(text for text in texts if text))


def _side(record: Record, side: str) -> str:
    return repr(getattr(record.extent, side)) if record.extent else ""


FORMAT = Format(
    "csv",
    "CSV",
    MAPPING,
    written=(
        Written(
            "csv",
            "CSV",
            "text/csv",
            "csv",
            lambda record, **_: write([record]),
            lambda records, **_: write(records),
        ),
    ),
)
