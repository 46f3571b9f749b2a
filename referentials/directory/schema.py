"""The regional directory of services: one schema, whatever the published format the rows came
from.
"""

import hashlib
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from geoguichet.floor.errors import LayerError
from geoguichet.floor.findings import Finding, Severity, Unread, named_words
from geoguichet.floor.words import Message
from geoguichet.referentials.directory.french_hours import DayHours, french_day, week_of_cells
from geoguichet.referentials.directory.ground import points_against_codes
from geoguichet.referentials.directory.hours import WEEKDAYS_FR, Week
from geoguichet.referentials.directory.placing import place_points
from geoguichet.referentials.directory.services import OTHER, SERVICE_TYPES, check_services
from geoguichet.referentials.layers import LONLAT, check_columns

# Text that an encoding mishap has damaged: recognised, mended where nothing is lost, said in any
# case.

_CP1252 = (
    "\u0152\u0153\u0160\u0161\u0178\u017d\u017e\u0192\u02c6\u02dc"
    "\u2013-\u2022\u2026\u2030\u2039\u203a\u20ac\u2122"
)
#: A UTF-8 lead byte of a French letter read as Latin-1, followed by a continuation byte read the
#: same way.
_DOUBLE = f"[\u00c2\u00c3\u00c5][\u0080-\u00bf?{_CP1252}]"
_TAG = r"<[0-9a-f]{2}>"
_ESCAPE = r"\\x[0-9A-F]{2}"
_CONTROL = "[\u0080-\u009f]"
_LOST = "\ufffd"
_ANY = re.compile("|".join((_DOUBLE, _TAG, _ESCAPE, _CONTROL, _LOST)))
#: What every damaged text has, as RE2 writes it.
_SUSPECT = r"[\x{80}-\x{9f}\x{c2}\x{c3}\x{c5}\x{fffd}]|<[0-9a-f]{2}>|\\x"
_WORDS = {
    "double": Message("lettres accentuées codées deux fois (« Ã© » pour « é »)"),
    "tag": Message("codes entre chevrons à la place d'accents (« <e9> » pour « é »)"),
    "escape": Message("codes d'échappement à la place de caractères (« \\x20 » pour l'espace)"),
    "control": Message("lettres de Windows-1252 lues comme des caractères de commande"),
    "lost": Message("caractères perdus"),
}


def mended(text: str) -> str | None:
    """Return `text` as it was before the mishap, or None when that cannot be known for sure.

    >>> mended("CrÃ¨vecoeur"), mended("Ren<e9>"), mended("le\\\\x20bus"), mended("Crèvecœur")
    ('Crèvecoeur', 'René', 'le bus', 'Crèvecœur')
    """
    if re.search(_ESCAPE, text):
        text = re.sub(_ESCAPE, lambda match: chr(int(match[0][2:], 16)), text)
    if re.search(_TAG, text):
        text = re.sub(_TAG, lambda match: bytes([int(match[0][1:3], 16)]).decode("latin-1"), text)
    if re.search(_DOUBLE, text):
        text = _undoubled(text) or text
    if re.search(_CONTROL, text):
        text = _from_cp1252(text) or text
    return None if _ANY.search(text) else text


# Return a text that was UTF-8 read as Latin-1 or Windows-1252, read rightly.
def _undoubled(text: str) -> str | None:
    for encoding in ("latin-1", "cp1252"):
        try:
            return text.encode(encoding).decode("utf-8")
        except (UnicodeEncodeError, UnicodeDecodeError):
            continue
    return None


# Return a text whose control characters are the letters Windows-1252 has at their place (« œ » at
# 9C).
def _from_cp1252(text: str) -> str | None:
    try:
        return re.sub(_CONTROL, lambda match: match[0].encode("latin-1").decode("cp1252"), text)
    except UnicodeDecodeError:
        return None


def damaged(series: pd.Series) -> pd.Series:
    """Return which texts are damaged; a missing one is not."""
    suspect = pc.fill_null(
        pc.match_substring_regex(pa.array(series, type=pa.string(), from_pandas=True), _SUSPECT),
        fill_value=False,
    ).to_numpy(zero_copy_only=False)
    suspect[suspect] = [bool(_ANY.search(text)) for text in series[suspect]]
    return pd.Series(suspect, index=series.index)


def damage_findings(rows: pd.DataFrame, columns: Iterable[str], *, layer: str) -> Iterator[Finding]:
    """Report the damaged texts of `columns`, one finding a cell, with what it should be where that
    is sure.

    `rows` has ``id`` and ``source_row``. Rule: ``damaged-encoding``.
    """
    for column in columns:
        bad = rows[damaged(rows[column])]
        for text, item, number in zip(bad[column], bad["id"], bad["source_row"], strict=True):
            right = mended(text)
            yield Finding(
                "damaged-encoding",
                layer,
                item,
                Message("« {text} » : {what}.", text=_short(text), what=_WORDS[_kind(text)]),
                "warning",
                int(number),
                column,
                Message("Remplacez par « {right} ».", right=_short(right))
                if right
                else Message("Des caractères sont perdus : reprenez le fichier d'origine."),
            )


def _kind(text: str) -> str:
    return next(
        kind
        for kind, pattern in (
            ("tag", _TAG),
            ("escape", _ESCAPE),
            ("double", _DOUBLE),
            ("control", _CONTROL),
            ("lost", _LOST),
        )
        if re.search(pattern, text)
    )


def _short(text: str) -> str:
    return text if len(text) <= 60 else text[:57] + "..."


TEXT_COLUMNS = (
    "id",
    "type",
    "name",
    "category",
    "operator",
    "address",
    "postcode",
    "commune",
    "commune_name",
    "departement",
    "point_precision",
    "point_raw",
    "hours",
    "week_minutes",
    "hours_raw",
    "stops",
    "wheelchair",
    "telephone",
    "email",
    "site",
    "valid_from",
    "valid_to",
    "source",
)
#: The columns of the directory, in the order of the file; see `check_directory`.
DIRECTORY_COLUMNS = (
    *TEXT_COLUMNS,
    "hours_per_week",
    "itinerant",
    "inside",
    "source_row",
    "geometry",
)

#: How well a point is known: at the building or number, in the street, in the hamlet or block,
#: somewhere in the commune (its centre), at the town hall for want of better, in a polygon, not
#: said.
PRECISIONS = ("address", "street", "place", "commune", "town_hall", "area", "unknown")

#: The rule of the only findings that stand for a row left out.
REFUSED = "refused-row"


@dataclass(frozen=True, slots=True, eq=False)
class Heard:
    """What the columns that place or close say: type, code, coordinates, whether it moves."""

    source: str
    #: Field and column -> rows that say something.
    said: Counter[tuple[str, str]] = field(default_factory=Counter)
    #: Field, column and word -> the word that is not known.
    words: dict[tuple[str, str, str], Unread] = field(default_factory=dict)

    @property
    def unread(self) -> list[Unread]:
        """The words that are not known, each of all the rows of its column."""
        return [
            replace(each, of=self.said[each.field, each.column]) for each in self.words.values()
        ]

    def add(self, other: "Heard") -> None:
        """Add what other rows of the same file say."""
        self.said.update(other.said)
        for key, each in other.words.items():
            known = self.words.get(key, replace(each, where=self.source, rows=0))
            self.words[key] = replace(known, rows=known.rows + each.rows)

    def hear(
        self, field: str, column: str, words: pd.Series, unknown: pd.Series | np.ndarray
    ) -> list[Unread]:
        """Count the rows of a column (missing where nothing is said) and its words that are not
        known, and return these, the most frequent first.
        """
        self.said[field, column] = of = int(words.notna().sum())
        bad = words[unknown].dropna()
        first = bad.drop_duplicates()
        lines = dict(zip(first, first.index.tolist(), strict=True))
        found = [
            Unread(self.source, field, column, str(word), int(rows), lines[word], of)
            for word, rows in bad.value_counts().items()
        ]
        self.words.update({(field, column, each.word): each for each in found})
        return found


@dataclass(frozen=True, slots=True, eq=False)
class Reading:
    """What was read of a file: the directory's rows, what was noticed, and the count that proves
    nothing is lost.
    """

    #: Contract: `check_directory`.
    rows: gpd.GeoDataFrame = field(repr=False)
    findings: tuple[Finding, ...]
    #: Rows of the file; equal to the rows out, plus the ``refused-row`` findings, plus those
    #: `gathered`.
    rows_in: int
    #: What was understood of the file (encoding, separator, CRS ...), in French sentences.
    notes: tuple[str, ...] = ()
    #: What the rows are: ``services``, or a key of ``tables_by_code.TABLES`` whose contract they
    #: keep.
    kind: str = "services"
    #: Rows of the file that were summed into one that came out before them.
    gathered: int = 0
    #: What its columns that place or close say; None for what is told by code.
    heard: Heard | None = None

    def __post_init__(self) -> None:
        refused = sum(finding.rule == REFUSED for finding in self.findings)
        if self.rows_in != len(self.rows) + refused + self.gathered:
            raise LayerError(
                f"lecture incohérente : {self.rows_in} lignes lues, {len(self.rows)} rendues, "
                f"{refused} refusées et {self.gathered} réunies ; rien n'est gardé, signalez ce "
                "fichier."
            )


def join_readings(readings: Iterable[Reading]) -> Reading:
    """Return one reading of several, rows in order; notes said once."""
    parts = list(readings)
    if len(parts) == 1:
        return parts[0]
    filled = [part.rows for part in parts if len(part.rows)] or [parts[0].rows]
    heard = [part.heard for part in parts if part.heard]
    whole = Heard(heard[0].source if heard else "")
    for each in heard:
        whole.add(each)
    return Reading(
        rows=gpd.GeoDataFrame(pd.concat(filled, ignore_index=True), crs=LONLAT),
        findings=tuple(finding for part in parts for finding in part.findings),
        rows_in=sum(part.rows_in for part in parts),
        notes=tuple(dict.fromkeys(note for part in parts for note in part.notes)),
        kind=parts[0].kind,
        gathered=sum(part.gathered for part in parts),
        heard=whole if heard else None,
    )


def row_findings(
    rule: str,
    source: str,
    concerned: pd.Series,
    items: pd.Series,
    say: Callable[[Any], str | Message],
    severity: Severity = "warning",
    column: str = "",
    remedy: str | Message = "",
) -> list[Finding]:
    """Return a finding for each row where `concerned` is true.

    Parameters
    ----------
    concerned
        Its index, as that of `items` (identifiers), is the row number.
    say
        Makes the sentence of a row number.
    """
    return [
        Finding(rule, source, str(items[row]), say(row), severity, row, column, remedy)
        for row in concerned.index[concerned].tolist()
    ]


def check_directory(rows: gpd.GeoDataFrame, *, where: str = "annuaire") -> None:
    """Raise LayerError, with the offending rows, unless `rows` keeps the directory's contract.

    To the contract of ``services.check_services`` the directory adds, all text unless said:

    ``category``         the source's own name for the kind of counter
    ``operator``         who runs it
    ``address``, ``postcode``, ``commune_name``, ``departement``   as far as the source tells
    ``point_precision``  one of ``PRECISIONS``
    ``point_raw``        coordinates as published, ``x y``; missing when there are none
    ``week_minutes``     spans open, in minutes since Monday 00:00: ``540-720 840-1020``
    ``hours_raw``        hours as published
    ``stops``            itinerant stops as published, one a line
    ``itinerant``        boolean: it moves, its point is nominal
    ``wheelchair``       ``yes``, ``no``, ``limited`` or ``unknown``
    ``telephone``, ``email``, ``site``
    ``valid_from``, ``valid_to``   dates ``2024-08-01``; missing when unknown
    ``source``           key of the reader; ``source_row`` (integer) the row, the first being 1
    """
    check_columns(rows, DIRECTORY_COLUMNS, where=where)
    check_services(rows, where=where)
    wrong = ~rows["point_precision"].isin(PRECISIONS)
    if wrong.any():
        first = rows.loc[wrong, "point_precision"].iloc[0]
        raise LayerError(
            f"{where} : précision inconnue « {first} » ; attendu : {', '.join(PRECISIONS)}."
        )


# -- from columns to the schema


@dataclass(frozen=True, slots=True, eq=False)
class Columns:
    """What a reader found in a chunk of its format, ready to become directory rows; every series
    has its index.
    """

    #: Key of the reader.
    source: str
    #: The chunk as published: text, blank where the source has nothing; its index is the row
    #: number, from 1.
    table: pd.DataFrame
    #: Directory columns (text), blank where unknown; ``id``, ``name`` and ``type`` at least.
    values: dict[str, pd.Series]
    #: Longitude or easting, as published (text).
    x: pd.Series | None = None
    y: pd.Series | None = None
    #: CRS of x and y, one for all rows or one a row.
    crs: str | pd.Series = LONLAT
    #: Published names of x and y, for findings.
    point_columns: tuple[str, str] = ("longitude", "latitude")
    weeks: Sequence[Week | None] | None = None
    findings: Sequence[Finding] = ()
    notes: tuple[str, ...] = ()
    #: Rows of the chunk when `table` has fewer: each of the others has its ``refused-row``.
    rows_in: int | None = None
    #: Directory column -> its published name, where that is known.
    names: Mapping[str, object] = field(default_factory=dict)
    heard: Heard | None = None


#: Directory columns whose spelling is examined.
TEXT_CHECKED = ("name", "address", "commune_name", "category", "hours_raw", "stops")


def make_reading(columns: Columns) -> Reading:
    """Return the directory rows of a chunk, in its order, with what was noticed about points, types
    and spelling.

    Rules: those of ``placing.place_points``, ``ground.points_against_codes`` and `damage_findings`,
    ``unknown-type``, ``duplicate-id``.
    """
    index = columns.table.index
    values = {name: _clean(columns.values.get(name), index) for name in TEXT_COLUMNS}
    values["source"] = pd.Series(columns.source, index=index, dtype=object)
    heard = columns.heard or Heard(columns.source)
    values["type"], type_findings = _known_types(values, columns, heard)
    values["commune"], code_findings = _known_codes(values["commune"], columns, heard)
    values["id"], id_findings = _unique_ids(values["id"], columns.source)
    placed = place_points(
        columns.x,
        columns.y,
        columns.crs,
        items=values["id"],
        layer=columns.source,
        columns=columns.point_columns,
    )
    values["point_raw"] = placed.raw
    if columns.x is not None and columns.y is not None:
        column = " ".join(dict.fromkeys(columns.point_columns))
        half = columns.x.fillna("").eq("") | columns.y.fillna("").eq("")
        heard.hear("coordinates", column, placed.raw.where(~half, None), placed.points.isna())
    values["point_precision"] = values["point_precision"].where(
        values["point_precision"].isin(PRECISIONS), "unknown"
    )
    values["wheelchair"] = values["wheelchair"].fillna("unknown")
    if columns.weeks is not None:
        # One week may be that of many rows: written once.
        written = {
            key: _written(week) for key, week in {id(one): one for one in columns.weeks}.items()
        }
        told = [written[id(week)] for week in columns.weeks]
        values["hours"] = pd.Series([hours for hours, _, _ in told], index, dtype=object)
        values["week_minutes"] = pd.Series([minutes for _, minutes, _ in told], index, dtype=object)
        per_week = pd.Series([sure for _, _, sure in told], index, dtype=float)
    else:
        per_week = pd.Series(np.nan, index=index)
    rows = gpd.GeoDataFrame(
        {
            **values,
            "hours_per_week": per_week,
            "itinerant": columns.values.get("itinerant", pd.Series(False, index=index)).astype(
                bool
            ),
            "inside": True,
            "source_row": index.to_numpy(dtype=np.int64),
        },
        geometry=placed.points,
        crs=LONLAT,
    )[list(DIRECTORY_COLUMNS)]
    return Reading(
        rows=rows.reset_index(drop=True),
        findings=(
            *columns.findings,
            *type_findings,
            *code_findings,
            *id_findings,
            *placed.findings,
            *points_against_codes(
                placed.points, values["departement"], values["id"], layer=columns.source
            ),
            *damage_findings(rows, TEXT_CHECKED, layer=columns.source),
        ),
        rows_in=len(columns.table) if columns.rows_in is None else columns.rows_in,
        notes=columns.notes,
        heard=heard,
    )


# Return what is kept of a week: its hours as OpenStreetMap writes them, its minutes, how many hours.
def _written(week: Week | None) -> tuple[str | None, str | None, float]:
    if week is None:
        return None, None, np.nan
    return week.osm or "off", str(week), np.nan if week.hours is None else week.hours


def blank(index: pd.Index) -> pd.Series:
    """Return a text series with nothing in it."""
    return pd.Series("", index=index, dtype=object)


def address_of(*parts: pd.Series) -> pd.Series:
    """Return the non-blank parts of an address, comma-separated, row by row."""
    joined = parts[0].astype(object).str.strip()
    for part in parts[1:]:
        text = part.astype(object).str.strip()
        joined = joined + np.where((joined != "") & (text != ""), ", ", "") + text
    return joined


def hours_as_published(days: pd.DataFrame) -> pd.Series:
    """Return the hours of a table with a column a weekday, Monday first: ``lundi 09:00 - 12:00;
    mardi ...``; the days that say nothing are left out.
    """
    return pd.Series(
        [
            "; ".join(
                f"{day} {text.strip()}"
                for day, text in zip(WEEKDAYS_FR, cells, strict=False)
                if text.strip()
            )
            for cells in days.itertuples(index=False, name=None)
        ],
        index=days.index,
        dtype=object,
    )


def french_weeks(
    days: pd.DataFrame, *, layer: str, items: pd.Series
) -> tuple[list[Week | None], list[Finding]]:
    """Return the weeks of a table with a column a weekday (Monday first, at most seven), and what
    was odd.

    A row all blank is unknown; in a row with a cell not understood, that day is unsure but for the
    hours read in it, and told: the other days are as read. Rules: ``unreadable-hours``,
    ``empty-span``.
    """
    known: dict[str, DayHours | None] = {
        text: french_day(text) for text in pd.unique(days.to_numpy().ravel())
    }
    weeks: list[Week | None] = []
    findings: list[Finding] = []
    for number, cells in zip(days.index, days.itertuples(index=False, name=None), strict=True):
        read = [known[cell] for cell in cells]
        hollow = next((place for place, day in enumerate(read) if day and day.empty_spans), None)
        if not any(cell.strip() for cell in cells):
            weeks.append(None)
            continue
        if hollow is not None:
            findings.append(
                Finding(
                    "empty-span",
                    layer,
                    items[number],
                    (
                        f"Plage horaire sans durée (« {cells[hollow].strip()} ») : elle est "
                        "laissée de côté."
                    ),
                    "info",
                    number,
                    str(days.columns[hollow]),
                )
            )
        if None not in read:
            weeks.append(Week.of_days([day.spans if day else () for day in read]))
            continue
        week, odd = week_of_cells(cells, read)
        weeks.append(week)
        if odd:
            findings.append(
                Finding(
                    "unreadable-hours",
                    layer,
                    items[number],
                    unread_hours(cells[odd[0]].strip(), week),
                    "warning",
                    number,
                    str(days.columns[odd[0]]),
                    "Écrivez « 09:00 - 12:00 / 14:00 - 17:00 », ou rien les jours fermés.",
                )
            )
    return weeks, findings


def unread_hours(text: str, week: Week | None) -> Message:
    """Return what is said of hours of which nothing (`week` is None), or a part, is understood."""
    if week is None:
        return Message(
            "Horaires illisibles (« {text} »), tenus pour inconnus ; le texte est gardé.",
            text=text[:60],
        )
    return Message(
        "Horaires lus en partie : « {text} » ne dit pas d'heure sûre et reste inconnu ; le reste "
        "est gardé.",
        text=text[:60],
    )


# Return a text column, stripped, missing where blank.
def _clean(series: pd.Series | None, index: pd.Index) -> pd.Series:
    if series is None:
        return pd.Series(None, index=index, dtype=object)
    texts = [(isinstance(text, str) and text.strip()) or None for text in series.tolist()]
    return pd.Series(texts, index=series.index, dtype=object)


#: Form of the codes of the BPE and of communes; what has it and is not ours is understood.
_EQUIPMENT, _COMMUNE = r"[A-G]\d{3}", r"\d[\dAB]\d{3}"


# Return the types, ``other_service`` where the taxonomy has none, and one finding a category left
# over.
def _known_types(
    values: dict[str, pd.Series], columns: Columns, heard: Heard
) -> tuple[pd.Series, list[Finding]]:
    kinds, category = values["type"], values["category"]
    known = kinds.isin(list(SERVICE_TYPES))
    column = str(columns.names.get("category", "category"))
    strange = category[~known].dropna()
    strange = strange[~strange.str.fullmatch(_EQUIPMENT)]
    heard.hear("type", column, category, category.index.isin(strange.index))
    left = category.fillna("(sans catégorie)")[~known]
    first = left.drop_duplicates()
    lines = dict(zip(first, first.index.tolist(), strict=True))
    return kinds.where(known, OTHER), [
        Finding(
            "unknown-type",
            columns.source,
            "",
            Message(
                "{count} ligne(s) de la catégorie « {category} » ne sont d'aucun type connu, dont "
                "la ligne {line} : gardées comme « {other} ».",
                count=count,
                category=category,
                line=str(lines[category]),
                other=OTHER,
            ),
            "info",
            lines[category],
            "category",
            Message("Associez cette catégorie à un type dans la table [types] de --mapping."),
        )
        for category, count in left.value_counts(sort=False).items()
    ]


# Return the codes of communes, missing where what is written cannot be one, and what was not known.
def _known_codes(
    codes: pd.Series, columns: Columns, heard: Heard
) -> tuple[pd.Series, list[Finding]]:
    unknown = codes.notna() & ~codes.fillna("").str.fullmatch(_COMMUNE)
    column = str(columns.names.get("commune", "commune"))
    found = heard.hear("commune", column, codes, unknown)
    if not found:
        return codes, []
    told = Finding(
        "unknown-word",
        columns.source,
        "",
        Message(
            "{count} ligne(s) d'un code qui n'est pas celui d'une commune : {words} ; tenus pour "
            "inconnus.",
            count=int(unknown.sum()),
            words=named_words(found),
        ),
        "warning",
        found[0].line,
        column,
        Message("Écrivez le code INSEE, cinq caractères."),
    )
    return codes.where(~unknown, None), [told]


# Return identifiers that are there and unique: a missing or repeated one is completed with its row,
# and told.
def _unique_ids(ids: pd.Series, source: str) -> tuple[pd.Series, list[Finding]]:
    absent, repeated = ids.isna(), ids.notna() & ids.duplicated(keep="first")
    if not (absent | repeated).any():
        return ids, []
    completed = ids.where(~absent, f"{source}-")
    completed = completed.where(
        ~(absent | repeated), completed + "#" + pd.Series(ids.index.astype(str), index=ids.index)
    )
    findings = row_findings(
        "duplicate-id",
        source,
        repeated,
        completed,
        lambda row: Message(
            "L'identifiant « {old} » est déjà pris : cette ligne devient « {new} ».",
            old=ids[row],
            new=completed[row],
        ),
        remedy=Message(
            "Donnez à chaque service un identifiant qui ne change pas d'une livraison à l'autre."
        ),
    )
    if absent.any():
        findings.append(
            Finding(
                "no-id",
                source,
                "",
                Message(
                    "{n} ligne(s) sans identifiant : numérotées par leur rang, qui peut changer.",
                    n=int(absent.sum()),
                ),
                "info",
                remedy=Message("Ajoutez une colonne « id »."),
            )
        )
    return completed, findings


def stable_id(*parts: str) -> str:
    """Return a short identifier that depends on `parts` only."""
    return hashlib.sha256("\x1f".join(parts).encode()).hexdigest()[:12]
