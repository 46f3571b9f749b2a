"""What is told by code rather than by counter: territories, populations, broadband; their schemas,
from columns.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from geoguichet.floor.errors import LayerError
from geoguichet.floor.findings import Finding
from geoguichet.floor.words import Message
from geoguichet.referentials.directory.placing import numbers
from geoguichet.referentials.directory.schema import (
    REFUSED,
    Reading,
    blank,
    damage_findings,
    row_findings,
)
from geoguichet.referentials.layers import LONLAT, check_columns
from geoguichet.referentials.readers.column_names import folded

#: What a code names, and its French plural.
LEVELS: Mapping[str, str] = MappingProxyType(
    {
        "commune": "communes",
        "delegated_commune": "communes déléguées",
        "associated_commune": "communes associées",
        "municipal_arrondissement": "arrondissements municipaux",
        "iris": "IRIS",
        "canton": "cantons",
        "arrondissement": "arrondissements",
        "epci": "intercommunalités",
        "departement": "départements",
        "region": "régions",
        "postcode": "codes postaux",
        "zoning": "zonages",
        "seat": "chefs-lieux",
        "cell": "carreaux",
    }
)


@dataclass(frozen=True, slots=True)
class TableKind:
    """A schema: what its rows are."""

    key: str
    #: Plural, in a sentence: ``12 territoires``.
    label_fr: str
    #: Text columns; ``id`` first, unique; missing where unknown.
    text: tuple[str, ...]
    #: Number columns; NaN where unknown.
    numbers: tuple[str, ...]

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that must be there, in the order of the file; a source's own numbers come
        after.
        """
        return (*self.text, *self.numbers, "source", "source_row", "geometry")


#: The schemas by key.
#:
#: ``territories``   what a code names: `level` (a key of `LEVELS`), `category` in the source's own
#: words, the codes it belongs to, `seat` its chief commune, `former_codes` separated by spaces,
#: inhabitants where told ``populations``   people by commune or grid cell; the source's other
#: numbers are carried along under their own names ``broadband``     share (0 to 1) of the premises
#: of a commune that each technology or speed can reach; `basis` says what is counted: ``all``
#: (satellite too), ``land`` (no satellite) or ``wired`` ``equipment``     pieces of equipment of a
#: commune, in all and by kind, each kind under its published code or name
TABLES: Mapping[str, TableKind] = MappingProxyType(
    {
        kind.key: kind
        for kind in (
            TableKind(
                "territories",
                "territoires",
                (
                    "id",
                    "level",
                    "code",
                    "name",
                    "category",
                    "commune",
                    "departement",
                    "region",
                    "epci",
                    "arrondissement",
                    "seat",
                    "postcode",
                    "former_codes",
                ),
                ("population",),
            ),
            TableKind(
                "populations",
                "lignes de population",
                ("id", "level", "code", "name", "departement", "year"),
                ("population",),
            ),
            TableKind(
                "broadband",
                "communes",
                ("id", "code", "name", "departement", "basis", "date"),
                (
                    "premises",
                    "fibre_share",
                    "mbps_8_share",
                    "mbps_30_share",
                    "mbps_100_share",
                    "gbps_1_share",
                    "ineligible_share",
                ),
            ),
            TableKind(
                "equipment",
                "communes",
                ("id", "code", "name", "departement", "year"),
                ("equipment_total",),
            ),
        )
    }
)


def check_table(rows: gpd.GeoDataFrame, kind: str, *, where: str = "table") -> None:
    """Raise LayerError, with the offending rows, unless `rows` keeps the contract of a schema of
    `TABLES`.
    """
    check_columns(rows, TABLES[kind].columns, where=where)
    ids = rows["id"]
    wrong = rows.index[ids.isna() | ids.duplicated()]
    if len(wrong):
        raise LayerError(
            f"{where} : identifiant absent ou répété pour {len(wrong)} ligne(s) : "
            f"{ids[wrong[0]]!r}."
        )
    if "level" in rows.columns and not rows["level"].isin(list(LEVELS)).all():
        odd = rows.loc[~rows["level"].isin(list(LEVELS)), "level"].iloc[0]
        raise LayerError(f"{where} : niveau inconnu « {odd} » ; attendu : {', '.join(LEVELS)}.")


@dataclass(frozen=True, slots=True, eq=False)
class CodedColumns:
    """What a reader found in a chunk of its format, ready to become the rows of a schema."""

    kind: str
    #: Key of the reader.
    source: str
    #: Columns of the schema, ``code`` at least; their index is the row number, from 1.
    values: Mapping[str, pd.Series]
    #: In EPSG:4326.
    geometry: Sequence[shapely.Geometry | None] | gpd.GeoSeries | None = None
    #: The source's own numbers, under the names they will have.
    others: Mapping[str, pd.Series] = field(default_factory=dict)
    findings: Sequence[Finding] = ()
    notes: tuple[str, ...] = ()
    #: Every row should have a geometry: one without is told.
    outlined: bool = False
    #: Rows of the file when there are fewer here: `gathered`, or refused each with its finding.
    rows_in: int | None = None
    #: Rows of the file that were summed into others.
    gathered: int = 0


def make_table(columns: CodedColumns) -> Reading:
    """Return the rows of a schema, in the order of the chunk, with what was noticed.

    A row without a code or a name to be told by is refused (``refused-row``).

    Rules: ``no-code``, ``duplicate-id``, ``no-geometry``, ``invalid-geometry`` (mended),
    ``damaged-encoding``.
    """
    kind, index = TABLES[columns.kind], columns.values["code"].index
    values: dict[str, pd.Series] = {
        name: _clean(columns.values.get(name), index) for name in kind.text
    }
    values |= {name: _number(columns.values.get(name), index) for name in kind.numbers}
    values |= {name: _number(series, index) for name, series in columns.others.items()}
    geometry = gpd.GeoSeries(
        [None] * len(index) if columns.geometry is None else list(columns.geometry),
        index=index,
        crs=LONLAT,
    )
    nameless = values["code"].isna() & (values["name"].isna() if "name" in values else True)
    refused = row_findings(
        REFUSED,
        columns.source,
        nameless,
        blank(index),
        lambda row: Message("Ligne sans code ni nom : elle n'est pas gardée."),
        "error",
    )
    values["id"], told = _ids(values, columns)
    rows = gpd.GeoDataFrame(
        {**values, "source": columns.source, "source_row": index.to_numpy(dtype=np.int64)},
        geometry=geometry,
        crs=LONLAT,
    )[[*kind.columns[:-1], *columns.others, "geometry"]]
    rows, shape_findings = _mended(rows, columns)
    spelling = damage_findings(
        rows, [name for name in ("name", "category") if name in kind.text], layer=columns.source
    )
    return Reading(
        rows=rows[~nameless.to_numpy()].reset_index(drop=True),
        findings=(*columns.findings, *refused, *told, *shape_findings, *spelling),
        rows_in=len(index) if columns.rows_in is None else columns.rows_in,
        notes=columns.notes,
        gathered=columns.gathered,
        kind=columns.kind,
    )


def _clean(series: pd.Series | None, index: pd.Index) -> pd.Series:
    if series is None:
        return pd.Series(None, index=index, dtype=object)
    text = series.astype(object).where(series.notna(), "").astype(str).str.strip()
    return text.where(text != "", None)


def _number(series: pd.Series | None, index: pd.Index) -> pd.Series:
    known = pd.Series(np.nan, index=index) if series is None else series
    return pd.to_numeric(known, errors="coerce").astype(float)


# Return identifiers made of level and code (or name), completed with the row where one is already
# taken.
def _ids(values: Mapping[str, pd.Series], columns: CodedColumns) -> tuple[pd.Series, list[Finding]]:
    codes = values["code"].fillna(
        values["name"].map(folded, na_action="ignore") if "name" in values else ""
    )
    given = values["id"]
    ids = given.where(given.notna(), values["level"] + "-" + codes if "level" in values else codes)
    ids = ids.fillna(columns.source)
    taken = ids.duplicated()
    own = ids.where(~taken, ids + "#" + pd.Series(ids.index.astype(str), index=ids.index))
    findings = row_findings(
        "duplicate-id",
        columns.source,
        taken,
        own,
        lambda row: Message(
            "Le code « {old} » est déjà pris : cette ligne devient « {new} ».",
            old=ids[row],
            new=own[row],
        ),
    )
    absent = values["code"].isna()
    if absent.any():
        findings.append(
            Finding(
                "no-code",
                columns.source,
                "",
                Message("{n} ligne(s) sans code : désignées par leur nom.", n=int(absent.sum())),
                "info",
                column="code",
            )
        )
    return own, findings


# Return the rows with invalid surfaces made valid, and what was wrong with their geometry.
def _mended(
    rows: gpd.GeoDataFrame, columns: CodedColumns
) -> tuple[gpd.GeoDataFrame, list[Finding]]:
    shapes, findings = rows.geometry, list[Finding]()
    if columns.outlined:
        findings += row_findings(
            "no-geometry",
            columns.source,
            shapes.isna() | shapes.is_empty,
            rows["id"],
            lambda row: Message("Pas de géométrie : ce territoire ne peut pas être dessiné."),
            column="geometry",
            remedy=Message("Prenez son contour dans une autre livraison."),
        )
    broken = shapes.notna() & ~shapes.is_valid
    findings += row_findings(
        "invalid-geometry",
        columns.source,
        broken,
        rows["id"],
        lambda row: Message(
            "Géométrie invalide ({reason}) : réparée.",
            reason=shapely.is_valid_reason(shapes[row]).split("[")[0],
        ),
        column="geometry",
    )
    if broken.any():
        mended = shapes.copy()
        mended[broken] = gpd.GeoSeries(
            shapely.make_valid(shapes[broken].array), index=broken.index[broken], crs=LONLAT
        )
        rows = rows.set_geometry(mended)
    return rows, findings


# -- numbers


def is_numeric(text: pd.Series) -> bool:
    """Return whether most of the filled cells of a column are numbers."""
    read, filled = _numbers(text)
    return bool(filled.any()) and bool(read[filled].notna().mean() > 0.8)


def read_figure(
    text: pd.Series, column: str, items: pd.Series, source: str, findings: list[Finding]
) -> pd.Series:
    """Return a column of numbers; what is no number is unknown, and told
    (``unreadable-number``).
    """
    read, filled = _numbers(text)
    findings += row_findings(
        "unreadable-number",
        source,
        read.isna() & filled,
        items,
        lambda row: Message("« {text} » n'est pas un nombre : tenu pour inconnu.", text=text[row]),
        column=column,
    )
    return read


# Return a column as numbers, and which of its cells are filled; counts are few words said many
# times, so that each is read once.
def _numbers(text: pd.Series) -> tuple[pd.Series, pd.Series]:
    rank, words = pd.factorize(text)
    word = pd.Series(words, dtype=object).str.strip()
    read, filled = numbers(word.where(word != "", None)), word != ""
    return pd.Series(read.to_numpy()[rank], text.index), pd.Series(
        filled.to_numpy()[rank], text.index
    )
