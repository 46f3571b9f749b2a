"""From the columns of a file to the rows of a schema, once it is known what each column is: by the
table of a published format (`formats/*.toml`), or by what the generic reader understood.
"""

import codecs
import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import isnan
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pandas as pd
import shapely

from geoguichet.floor.errors import LayerError
from geoguichet.floor.findings import Finding
from geoguichet.floor.words import Figure, Message
from geoguichet.referentials.directory.french_hours import read_week
from geoguichet.referentials.directory.hours import WEEKDAYS_FR, Week
from geoguichet.referentials.directory.placing import Axes, numbers
from geoguichet.referentials.directory.schema import (
    Columns,
    Heard,
    Reading,
    blank,
    french_weeks,
    hours_as_published,
    make_reading,
    unread_hours,
)
from geoguichet.referentials.directory.services import OTHER, SERVICE_TYPES, service_name
from geoguichet.referentials.layers import LONLAT, check_columns
from geoguichet.referentials.readers.column_names import (
    FileMapping,
    folded,
    match_columns,
    type_of_label,
)
from geoguichet.referentials.readers.conversions import (
    CONVERSIONS,
    Expression,
    Journal,
    columns_in,
    value_of,
)
from geoguichet.referentials.readers.coordinates import (
    axes_of,
    coordinates,
    crs_findings,
    departements_of,
)
from geoguichet.referentials.readers.open_table import (
    GEOMETRY_X,
    GEOMETRY_Y,
    geojson_table,
    open_table,
)
from geoguichet.referentials.readers.service_words import (
    ANY_OTHER,
    VOCABULARIES,
    tell_unknown,
    translated,
    without_nulls,
)
from geoguichet.referentials.readers.spreadsheet_cells import (
    mended_date,
    mended_phone,
    with_right_cells,
    with_right_codes,
)
from geoguichet.referentials.readers.tables_by_code import CodedColumns, make_table
from geoguichet.referentials.readers.text_tables import (
    OpenedTable,
    csv_chunks,
    detect_separator,
    json_document,
    json_table,
    read_bytes,
)
from geoguichet.referentials.territories.code_history import departement_of

SERVICES = "services"


@dataclass(frozen=True, slots=True, eq=False)
class ColumnTable:
    """What each column of a file is, and how the file is written; ``formats/*.toml`` says more of
    each.
    """

    #: What findings, and the rows, call the file.
    source: str
    #: Our column -> what it is made of.
    columns: Mapping[str, Expression]
    kind: str = SERVICES
    #: Word of the column ``type``, or else ``category`` -> key of the taxonomy.
    types: Mapping[str, str] = field(default_factory=dict)
    #: Whether the labels and categories of the taxonomy are such words too.
    labels: bool = False
    #: Whether codes that lost a zero and services without a name are completed, and told.
    completed: bool = False
    #: Our column -> word of theirs -> ours.
    words: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    #: Our column -> what it is where the file says nothing.
    defaults: Mapping[str, Expression] = field(default_factory=dict)
    #: Number that a table by code carries along -> its column.
    figures: Mapping[str, str] = field(default_factory=dict)
    #: Whether every row of a table by code should have a geometry.
    outlined: bool = False
    #: CRS of x and y, or the column that names it row by row.
    crs: str = LONLAT
    #: CRS of x and y in a département where it is another.
    systems: Mapping[str, str] = field(default_factory=dict)
    #: Whether the columns called x and y hold y and x.
    swapped: bool = False
    # how the file of a published format is written
    container: str = "csv"
    encoding: str = "utf-8"
    separator: str = ","
    header: Sequence[str] = ()
    quoting: bool = True
    wrapped: bool = False
    needs: Sequence[str] = ()
    optional: Sequence[str] = ()
    convert: Sequence[Mapping[str, Any]] = ()
    notes: tuple[str, ...] = ()

    def required(self) -> list[str]:
        """Return the columns that must be there."""
        named = [column for said in self.columns.values() for column in columns_in(said)]
        named += [*self.needs, *self.figures.values()]
        for step in self.convert:
            named += [step[key] for key in ("column", "kind", "stops") if step.get(key)]
            named += step.get("columns", ())
        made_or_optional = {*self.optional, *self.header}
        return [
            name
            for name in dict.fromkeys(named)
            if not name.startswith("=") and name not in made_or_optional
        ]

    def published(self) -> list[str]:
        """Return the required columns that are written in the file: a layer's points are not."""
        made = {GEOMETRY_X, GEOMETRY_Y}
        if self.container in {"layer", "geojson"}:
            made |= {str(self.columns.get(axis)) for axis in "xy"}
        return [name for name in self.required() if name not in made]


# -- files of a published format


def read_published(how: ColumnTable, path: Path) -> Iterator[Reading]:
    """Yield the rows of a file of a published format by chunks.

    Raises
    ------
    LayerError
        When the file is missing, damaged or is not of that format.
    """
    opened = _opened(path, how)
    how = replace(how, crs=opened.crs or how.crs)
    journal = Journal(how.source, how.columns.get("id", ""))
    for table in opened.chunks:
        table, absent = _completed(table, how, path)
        if absent:
            left = f"Colonnes absentes de ce millésime : {', '.join(absent)}."
            how = replace(how, notes=(*dict.fromkeys([*how.notes, left]),))
        rows_in = len(table)
        journal.findings = [replace(each, layer=how.source) for each in opened.findings]
        for step in how.convert:
            table = CONVERSIONS[step["do"]](
                table, journal, **{name: value for name, value in step.items() if name != "do"}
            )
        yield read_chunk(table, how, journal.findings, how.notes, rows_in=rows_in)


#: Share of the columns of a format that one of its years may do without.
MOST_ABSENT = 0.6


# Return a chunk with the columns that the format asks for, under its names, and those that the file
# does without; the names of a file are compared folded.
def _completed(table: pd.DataFrame, how: ColumnTable, path: Path) -> tuple[pd.DataFrame, list[str]]:
    wanted = [*how.required(), *how.optional]
    theirs = {folded(name): name for name in table.columns}
    named = {
        theirs[folded(name)]: name
        for name in wanted
        if name not in table.columns and folded(name) in theirs
    }
    table = table.rename(columns=named)
    absent = [name for name in how.required() if name not in table.columns]
    if len(absent) > MOST_ABSENT * len(how.required()):
        check_columns(table, absent, where=str(path))
    blanks = {name: "" for name in wanted if name not in table.columns}
    return table.assign(**blanks), absent


def _opened(path: Path, how: ColumnTable) -> OpenedTable:
    if how.container == "layer":
        return open_table(path, FileMapping(encoding=how.encoding))
    head = read_bytes(path, 65_536)
    is_json = how.wrapped or head.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] in {b"{", b"["}
    if head.startswith(b"PK\x03\x04") or is_json != (how.container != "csv"):
        return open_table(path, FileMapping())
    if how.container == "csv":
        encoding, separator = _written(head, how)
        return OpenedTable(
            csv_chunks(
                path,
                separator=separator,
                encoding=encoding,
                header=how.header,
                quoting=how.quoting,
            )
        )
    document = json_document(path, wrapped=how.wrapped)
    if how.container == "geojson":
        return OpenedTable(iter([geojson_table(document, path=path)]))
    return OpenedTable(
        iter([json_table(document if isinstance(document, list) else [], path=path)])
    )


# Return the encoding and separator of a text of a format, another year of which may be written
# otherwise.
def _written(head: bytes, how: ColumnTable) -> tuple[str, str]:
    try:
        text = codecs.getincrementaldecoder("utf-8")().decode(head)
        encoding = how.encoding if head.isascii() else "utf-8"
    except UnicodeDecodeError:
        encoding = "cp1252" if how.encoding == "utf-8" else how.encoding
        text = head.decode("latin-1")
    first = {folded(name) for name in text.partition("\n")[0].split(how.separator)}
    as_said = how.header or len(first & {folded(name.strip('"')) for name in how.required()}) > 1
    return encoding, how.separator if as_said else detect_separator(text)


def read_chunk(
    table: pd.DataFrame,
    how: ColumnTable,
    findings: Sequence[Finding] = (),
    notes: tuple[str, ...] = (),
    *,
    rows_in: int | None = None,
) -> Reading:
    """Return the rows of a chunk of text, in its order, with what was noticed.

    `rows_in` is the number of rows of the chunk before a conversion refused some.
    """
    if how.kind == SERVICES:
        return _services(table, how, list(findings), notes, rows_in)
    values = _values(table, how)
    if "commune" in values:
        values.setdefault("departement", departement_of(values["commune"]))
    x, y = coordinates(table, how.columns)
    points = None
    if x is not None and y is not None:
        points = [
            None if isnan(x + y) else shapely.Point(x, y)
            for x, y in zip(numbers(x).tolist(), numbers(y).tolist(), strict=True)
        ]
    return make_table(
        CodedColumns(
            how.kind,
            how.source,
            values,
            points,
            {name: table[column] for name, column in how.figures.items()},
            findings,
            notes,
            outlined=how.outlined,
        )
    )


#: What a column table names that is no column of the directory by itself.
_NOT_VALUES = frozenset({"x", "y", "xy", "wkt", *WEEKDAYS_FR})


def _values(table: pd.DataFrame, how: ColumnTable) -> dict[str, pd.Series]:
    values = {
        name: value_of(table, said) for name, said in how.columns.items() if name not in _NOT_VALUES
    }
    for name, said in how.defaults.items():
        given = values.get(name, blank(table.index))
        values[name] = given.where(
            given.str.strip() != "", said if columns_in(said) == [said] else value_of(table, said)
        )
    return values


# -- services


# Return directory rows; beside what `directory.schema.make_reading` notices: ``lost-zero``,
# ``no-type``, ``no-name``, ``unreadable-hours``, ``empty-span``.
def _services(
    table: pd.DataFrame,
    how: ColumnTable,
    findings: list[Finding],
    notes: tuple[str, ...],
    rows_in: int | None,
) -> Reading:
    index = table.index
    journal = Journal(how.source, "id", findings)
    table = without_nulls(table, journal)
    values = _values(table, how)
    ids = values.get("id", blank(index)).str.strip()
    shown = ids.where(ids != "", "ligne " + pd.Series(index.astype(str), index=index))
    if how.completed:
        _put_right(values, how, shown, findings)
    commune, postcode = (values.get(code, blank(index)) for code in ("commune", "postcode"))
    if "departement" not in values:
        values["departement"] = departement_of(commune.where(commune != "", postcode))
    values["type"] = _types(values, how, findings, index)
    if how.completed:
        values["name"] = _names(values, how, findings, index)
    weeks = _weeks(table, how, values, shown, findings)
    heard = Heard(how.source)
    for column, vocabulary in {**VOCABULARIES, **how.words}.items():
        if column in values:
            if column not in how.words:
                name = str(how.columns.get(column, column))
                counted = heard if column == "itinerant" else None
                tell_unknown(values[column], vocabulary, journal, name, counted)
            values[column] = translated(values[column], vocabulary)
    if "itinerant" in values:
        values["itinerant"] = values["itinerant"] == "yes"
    x, y = coordinates(table, how.columns)
    x_name, y_name = (str(how.columns.get(axis) or how.columns.get("xy") or axis) for axis in "xy")
    if how.swapped:
        x, y, x_name, y_name = y, x, y_name, x_name
    return make_reading(
        Columns(
            source=how.source,
            table=table,
            values=values,
            x=x,
            y=y,
            crs=_systems(table, values, how),
            point_columns=(x_name, y_name),
            weeks=weeks,
            findings=findings,
            notes=notes,
            rows_in=rows_in,
            names=how.columns,
            heard=heard,
        )
    )


# Return the CRS of the coordinates, one for all rows or one a row.
def _systems(
    table: pd.DataFrame, values: Mapping[str, pd.Series], how: ColumnTable
) -> str | pd.Series:
    if how.systems:
        return values["departement"].map(dict(how.systems)).fillna(how.crs)
    return table[how.crs] if how.crs in table.columns else how.crs


# Put right in `values` the codes, dates and telephones that a spreadsheet changed, and tell it.
def _put_right(
    values: dict[str, pd.Series], how: ColumnTable, shown: pd.Series, findings: list[Finding]
) -> None:
    journal = Journal(how.source, "id", findings)
    for name in ("commune", "postcode"):
        if name in values:
            column = str(how.columns.get(name, name))
            values[name] = with_right_codes(values[name], journal, shown, column)
    for name, mended in _MENDED.items():
        if name in values:
            column = str(how.columns.get(name, name))
            values[name] = with_right_cells(values[name], mended, journal, shown, column)


_MENDED = MappingProxyType(
    {"valid_from": mended_date, "valid_to": mended_date, "telephone": mended_phone}
)


# Return keys of the taxonomy; blank where the words say nothing to us: a default is for the rows that
# say nothing.
def _types(
    values: Mapping[str, pd.Series], how: ColumnTable, findings: list[Finding], index: pd.Index
) -> pd.Series:
    if not {"category", "type"} & values.keys():
        findings.append(
            Finding(
                "no-type",
                how.source,
                "",
                Message(
                    "Aucune colonne ne dit le type des services : gardés comme « {other} ».",
                    other=Figure(service_name, OTHER),
                ),
                remedy=Message(
                    'Ajoutez une colonne « type », ou type = "..." dans [defaults] de --mapping.'
                ),
            )
        )
        return pd.Series(OTHER, index=index)
    said = values["type"] if "type" in how.columns else values.get("category", blank(index))
    ours = {folded(word): kind for word, kind in how.types.items()}
    default = how.defaults.get("type", "")
    other = how.types.get(ANY_OTHER) or ("" if how.labels else default)
    known = {
        word: ours.get(folded(word))
        or (type_of_label(word) if how.labels else None)
        or (other if word.strip() else other or default)
        for word in said.unique()
    }
    return said.map(known)


# Return names: the type and commune stand in for a missing one, and it is told once.
def _names(
    values: Mapping[str, pd.Series], how: ColumnTable, findings: list[Finding], index: pd.Index
) -> pd.Series:
    name = values.get("name", blank(index)).str.strip()
    missing = name == ""
    if not missing.any():
        return name
    labels = {key: kind.label_fr.capitalize() for key, kind in SERVICE_TYPES.items()}
    place = values.get("commune_name", values.get("commune", blank(index))).str.strip()
    instead = values["type"].map(labels).fillna("Service") + " - " + place
    findings.append(
        Finding(
            "no-name",
            how.source,
            "",
            Message(
                "{n} service(s) sans nom : nommés d'après leur type et leur commune.",
                n=int(missing.sum()),
            ),
            "info",
        )
    )
    return name.where(~missing, instead.str.removesuffix(" - "))


# Return the weeks of seven day columns, or of one column of hours; what is not understood is told.
# Keeps in `values` the hours as published.
def _weeks(
    table: pd.DataFrame,
    how: ColumnTable,
    values: dict[str, pd.Series],
    shown: pd.Series,
    findings: list[Finding],
) -> list[Week | None] | None:
    if len(how.columns.keys() & set(WEEKDAYS_FR)) >= 5:
        named = {day: str(how.columns.get(day, day)) for day in WEEKDAYS_FR}
        cells = pd.DataFrame({name: table.get(name, blank(table.index)) for name in named.values()})
        values.setdefault("hours_raw", hours_as_published(cells))
        weeks, odd = french_weeks(cells, layer=how.source, items=shown)
        findings += odd
        return weeks
    if "hours" not in values:
        return None
    hours = values["hours_raw"] = values["hours"]
    read = [read_week(text) for text in hours]
    unread = hours.str.strip().ne("") & pd.Series(
        [each.week is None or bool(each.unsure) for each in read], hours.index
    )
    weeks = [each.week for each in read]
    by_row = dict(zip(hours.index, read, strict=True))
    Journal(how.source, "id", findings).tell(
        pd.DataFrame({"id": shown}),
        unread,
        "unreadable-hours",
        lambda row: unread_hours(
            " ; ".join(by_row[row].unsure) if by_row[row].week else hours.loc[row], by_row[row].week
        ),
        "warning",
        str(how.columns.get("hours", "hours")),
        Message("Écrivez « Mo-Fr 09:00-12:00,14:00-17:00 », ou une colonne par jour."),
    )
    return weeks


# The generic reader: whatever list of services a commune sends, with what was understood of it
# told.


def read_chunks(path: Path, *, mapping: FileMapping | None = None) -> Iterator[Reading]:
    """Yield the services of a CSV, workbook, GeoPackage, shapefile or GeoJSON file, a chunk of rows
    at a time.

    Every row comes out, or has a ``refused-row`` finding. What was understood is in the first
    reading's notes.

    Rules, beside those of ``column_tables``: ``ragged-row``, ``assumed-crs``,
    ``wrong-crs-declared``, ``polygon-as-point``, ``unread-layer``, ``invalid-geometry``,
    ``gdal-warning``.

    Raises
    ------
    LayerError
        When the file is missing, damaged, of another kind, or has no row or no column that names
        or places a service.
    """
    mapping = mapping or FileMapping()
    opened = open_table(path, mapping)
    first = next(opened.chunks, None)
    if first is None:
        raise LayerError(
            f"{path} : aucune ligne de données ; une ligne de noms de colonnes puis des lignes "
            "sont attendues."
        )
    how = understand(path, first, opened, mapping)
    notes = how.notes
    for chunk in itertools.chain([first], opened.chunks):
        findings = [*opened.findings]
        opened.findings.clear()
        yield read_chunk(chunk, how, findings, notes)
        notes = ()


def understand(
    path: Path, table: pd.DataFrame, opened: OpenedTable, mapping: FileMapping
) -> ColumnTable:
    """Return what each column is, and what the coordinates are, from the first chunk.

    Raises
    ------
    LayerError
        When the mapping names a column the file does not have, or nothing in the file names or
        places a service.
    """
    given = [column for said in mapping.columns.values() for column in columns_in(said)]
    check_columns(table, given, where=str(path))
    free = [name for name in table.columns if name not in given]
    columns = _codes_told_from_names(table, {**match_columns(free), **mapping.columns})
    if opened.is_layer:
        columns |= {"x": GEOMETRY_X, "y": GEOMETRY_Y}
    if not columns and "type" not in mapping.defaults:
        raise LayerError(
            f"{path} : aucune colonne reconnue parmi {', '.join(map(str, table.columns[:12]))} ; "
            "nommez-les dans un fichier --mapping, ou partez du modèle (« geoguichet referentials "
            "template »)."
        )
    x, y = coordinates(table, columns)
    axes, systems = axes_of(x, y, departements_of(table, columns), opened.crs, mapping)
    opened.findings.extend(crs_findings(path, opened, mapping, axes, systems, placed=x is not None))
    return ColumnTable(
        path.name,
        columns,
        types=mapping.types,
        labels=True,
        completed=True,
        defaults=mapping.defaults,
        crs=axes.crs,
        systems=systems,
        swapped=axes.swapped,
        notes=_notes(table, opened, columns, axes, x),
    )


# Take a column called ``commune`` for the INSEE code when that is what it holds.
def _codes_told_from_names(table: pd.DataFrame, columns: dict[str, str]) -> dict[str, str]:
    named = columns.get("commune_name")
    if named is None or "commune" in columns:
        return columns
    text = table[named].str.strip()
    filled = text[text != ""]
    if len(filled) and filled.str.fullmatch(r"\d[\dAB]\d{3}").mean() > 0.8:
        return {key: value for key, value in columns.items() if key != "commune_name"} | {
            "commune": named
        }
    return columns


def _notes(
    table: pd.DataFrame,
    opened: OpenedTable,
    columns: dict[str, str],
    axes: Axes,
    x: pd.Series | None,
) -> tuple[str, ...]:
    said = ", ".join(f"{name} = « {column} »" for name, column in columns.items())
    used = {column for expression in columns.values() for column in columns_in(expression)}
    unused = [str(name) for name in table.columns if name not in used]
    notes = [*opened.notes, f"Colonnes : {said}."]
    if unused:
        notes.append(f"Colonnes laissées de côté : {', '.join(unused)}.")
    if x is None:
        notes.append("Aucune coordonnée : les services seront placés à la mairie de leur commune.")
    elif not axes.sure:
        notes.append(
            f"Coordonnées lues en {axes.label_fr}, sans certitude : peu de points tombent en "
            "France."
        )
    else:
        order = "latitude d'abord" if axes.swapped else "longitude (x) d'abord"
        notes.append(
            f"Coordonnées en {axes.label_fr}, {order} ; {axes.share:.0%} des points en France."
        )
    if x is not None and x.astype(str).str.contains(r"\d,\d", regex=True).any():
        notes.append("Virgule décimale.")
    return tuple(notes)
