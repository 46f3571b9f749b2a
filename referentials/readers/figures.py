"""Inhabitants by commune (any table with a code and numbers) and by grid cell (INSEE's Filosofi, a
table of cell centres or a raster), in the populations schema.
"""

import itertools
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd

from geoguichet.floor.errors import LayerError
from geoguichet.floor.files import refused
from geoguichet.floor.findings import Finding
from geoguichet.floor.words import Message, _
from geoguichet.referentials.directory.placing import numbers
from geoguichet.referentials.directory.schema import REFUSED, Reading, blank, row_findings
from geoguichet.referentials.directory.services import SERVICE_TYPES, TYPE_OF_BPE
from geoguichet.referentials.layers import LONLAT, check_columns
from geoguichet.referentials.readers.column_names import FileMapping, find_column, folded
from geoguichet.referentials.readers.open_table import open_table
from geoguichet.referentials.readers.tables_by_code import (
    CodedColumns,
    is_numeric,
    make_table,
    read_figure,
)
from geoguichet.referentials.readers.text_tables import EXTRA, csv_chunks
from geoguichet.referentials.territories.code_history import departement_of
from geoguichet.referentials.territories.standing import counted_twice

CODE = (
    "code",
    "codgeo",
    "code insee",
    "insee com",
    "insee",
    "depcom",
    "com",
    "code commune",
    "commune",
    "citycode",
    "cominsee",
    "codinsee",
    "codeinsee",
    "codecommune",
    "com insee",
    "code insee commune",
    "insee commune",
    "cog",
)
POPULATION = (
    "population",
    "pmun",
    "population municipale",
    "ptot",
    "population totale",
    "pop",
    "habitants",
)
#: Our column -> its published names, folded.
NAMES: Mapping[str, tuple[str, ...]] = {
    "code": CODE,
    "name": ("nom", "libgeo", "libelle", "nom commune", "nom com", "lib com", "name"),
    "population": POPULATION,
    "year": ("annee", "millesime", "year", "an"),
}


def read_table(path: Path, *, mapping: FileMapping | None = None) -> Iterator[Reading]:
    """Yield figures by commune: CSV, workbook or JSON with a commune code; every number column is
    kept.

    Rules, beside those of ``tables_by_code.make_table``: ``lost-zero``, ``unreadable-number``,
    ``negative-number``.

    Raises
    ------
    LayerError
        When there is no row, no column of commune codes or no number.
    """
    opened = open_table(path, mapping or FileMapping())
    first = next(opened.chunks, None)
    if first is None:
        raise LayerError(
            f"{path} : aucune ligne ; une colonne de codes de communes et des nombres sont "
            "attendus."
        )
    chosen = dict(mapping.columns) if mapping else {}
    check_columns(first, list(chosen.values()), where=str(path))
    found = {
        field: chosen.get(field) or find_column(first, names) for field, names in NAMES.items()
    }
    code = found["code"]
    if (
        not code
        or not first[code].str.strip().str.upper().str.fullmatch(r"\d?[\dAB]?\d{3,4}").mean() > 0.8
    ):
        raise LayerError(
            f"{path} : aucune colonne de codes de communes ; colonnes présentes : "
            f"{', '.join(map(str, first.columns))} ; nommez-la : code, dans [columns] de --mapping."
        )
    others = [
        str(name)
        for name in first.columns
        if name not in {*found.values(), EXTRA} and is_numeric(first[name])
    ]
    if not others and not found["population"]:
        raise LayerError(f"{path} : aucune colonne de nombres à côté du code des communes.")
    notes: tuple[str, ...] = (
        *opened.notes,
        f"Code = « {code} », population = « {found['population'] or 'absente'} » ; autres "
        f"nombres : {', '.join(others) or 'aucun'}.",
    )
    for chunk in itertools.chain([first], opened.chunks):
        yield _reading(path.name, chunk, found, others, [*opened.findings], notes)
        opened.findings.clear()
        notes = ()


def _reading(
    layer: str,
    table: pd.DataFrame,
    found: Mapping[str, str],
    others: list[str],
    findings: list[Finding],
    notes: tuple[str, ...],
) -> Reading:
    published = table[found["code"]].str.strip().str.upper()
    short = published.str.fullmatch(r"\d{4}")
    code = published.where(~short, "0" + published)
    items = "commune-" + code
    findings += counted_twice(code, layer=layer)
    findings += row_findings(
        "lost-zero",
        layer,
        short,
        items,
        lambda row: Message(
            "Code « {code} » sans son zéro : lu « {right} ».", code=published[row], right=code[row]
        ),
        "info",
        found["code"],
    )
    values = {
        "code": code,
        "level": pd.Series("commune", index=table.index),
        "departement": departement_of(code),
    }
    values |= {field: table[found[field]] for field in ("name", "year") if found[field]}
    figures = {
        name: read_figure(table[name], name, items, layer, findings)
        for name in [*others, *filter(None, [found["population"]])]
    }
    if found["population"]:
        values["population"] = figures.pop(found["population"])
        findings += row_findings(
            "negative-number",
            layer,
            values["population"] < 0,
            items,
            lambda row: Message("Population négative."),
            "error",
            "population",
        )
    return make_table(
        CodedColumns("populations", layer, values, others=figures, findings=findings, notes=notes)
    )


# -- Filosofi

#: ETRS89-LAEA, in which the cells are squares.
EUROPE = "EPSG:3035"


@dataclass(frozen=True, slots=True, eq=False)
class Grid:
    """Inhabited cells."""

    #: id (INSPIRE name ``CRS3035RES1000mN2383000E3630000``), inhabitants (float), geometry: centre
    #: in EPSG:4326.
    cells: gpd.GeoDataFrame
    size_m: int
    findings: tuple[Finding, ...]
    #: Rows, or raster cells with a value; equal to the cells plus the ``refused-row`` findings.
    rows_in: int


def read_grid(path: Path) -> Iterator[Reading]:
    """Yield the inhabited cells of a Filosofi grid, a table of centres or a raster.

    Rules: ``refused-row`` (a cell without a position or a number), ``fractional-population``
    (fractions of inhabitants, an imputation of the publisher).
    """
    grid = grid_of_raster(path) if path.suffix.lower() in {".tif", ".tiff"} else grid_of_table(path)
    cells = grid.cells.set_axis(range(1, len(grid.cells) + 1))
    findings = []
    if fractions := int((cells["inhabitants"] % 1 != 0).sum()):
        findings.append(
            Finding(
                "fractional-population",
                "filosofi",
                "",
                Message(
                    "{n} carreau(x) ont une fraction d'habitant : valeurs imputées par l'INSEE, "
                    "gardées telles quelles.",
                    n=fractions,
                ),
                "info",
            )
        )
    yield make_table(
        CodedColumns(
            "populations",
            "filosofi",
            {
                "code": cells["id"],
                "level": pd.Series("cell", index=cells.index),
                "population": cells["inhabitants"],
            },
            cells.geometry,
            findings=[*findings, *grid.findings],
            notes=(f"Carreaux de {grid.size_m} m, EPSG:3035.",),
            rows_in=grid.rows_in,
        )
    )


def grid_of_table(path: Path, *, size_m: int = 1000) -> Grid:
    """Read cell centres (``x``, ``y`` in EPSG:3035, ``Ind`` inhabitants; CSV ``,``).

    Raises
    ------
    LayerError
        When the file is missing or is not that table.
    """
    table = pd.concat(list(csv_chunks(path, columns=("x", "y", "Ind"))))[["x", "y", "Ind"]].apply(
        pd.to_numeric, errors="coerce"
    )
    return _grid(table["x"], table["y"], table["Ind"], size_m, path.name)


def grid_of_raster(path: Path) -> Grid:
    """Read a GeoTIFF of inhabitants a cell; cells without a value are empty ground, and left out.

    Raises
    ------
    LayerError
        When the file is missing or is no raster in metres.
    """
    import rasterio.errors

    with (
        refused(
            rasterio.errors.RasterioIOError,
            say=lambda error: f"{path} : raster illisible ({error}) ; un GeoTIFF est attendu.",
        ),
        rasterio.open(path) as raster,
    ):
        people, transform, crs = raster.read(1, masked=True), raster.transform, raster.crs
    if crs is None or crs.to_epsg() != 3035:
        raise LayerError(f"{path} : un raster en EPSG:3035 est attendu, celui-ci est en {crs}.")
    known = np.isfinite(np.ma.filled(people.astype(float), np.nan))
    lines, columns = np.nonzero(known)
    index = pd.RangeIndex(1, len(lines) + 1)
    return _grid(
        pd.Series(transform.c + (columns + 0.5) * transform.a, index),
        pd.Series(transform.f + (lines + 0.5) * transform.e, index),
        pd.Series(np.asarray(people)[known].astype(float), index),
        round(transform.a),
        path.name,
    )


#: Metres and people that no cell has.
_BEYOND = 1e9


def _grid(x: pd.Series, y: pd.Series, people: pd.Series, size_m: int, layer: str) -> Grid:
    right = (x.abs() < _BEYOND) & (y.abs() < _BEYOND) & people.between(0, _BEYOND)
    findings = row_findings(
        REFUSED,
        layer,
        ~right,
        blank(right.index),
        lambda row: Message("Carreau sans position ou sans population."),
        "error",
    )
    x, y, people = x[right], y[right], people[right]
    cells = gpd.GeoDataFrame(
        {
            "id": f"CRS3035RES{size_m}mN"
            + (y - size_m / 2).round().astype(int).astype(str)
            + "E"
            + (x - size_m / 2).round().astype(int).astype(str),
            "inhabitants": people,
        },
        geometry=gpd.points_from_xy(x, y, crs=EUROPE),
    ).to_crs(LONLAT)
    return Grid(cells.reset_index(drop=True), size_m, tuple(findings), len(right))


# ARCEP's "Ma connexion internet": premises each technology or speed can reach, by commune.


ARCEP = "arcep"
#: Share -> published count of premises: ``commune_techno.csv`` has the first,
#: ``commune_debit*.csv`` the others.
COUNTS: Mapping[str, tuple[str, ...]] = {
    "fibre_share": ("elig ftth", "ftth", "fibre"),
    "mbps_8_share": ("elig bhd8", "elig bhd", "bhd8"),
    "mbps_30_share": ("elig thd30", "thd30"),
    "mbps_100_share": ("elig thd100", "thd100"),
    "gbps_1_share": ("elig thd1g", "thd1g"),
    "ineligible_share": ("inel hd", "ineligible"),
}
PREMISES = ("nbr", "locaux", "nb locaux", "nombre de locaux")
ARCEP_CODE = ("code insee", "insee", "codgeo", "code commune", "insee com")


def read_broadband(path: Path) -> Iterator[Reading]:
    """Yield the communes of one of ARCEP's tables (CSV ``;``: code_insee, nom_com, nbr, elig_...).

    A count over the premises becomes a share from 0 to 1; a column that already is a share or a
    percentage (``taux_...``) is taken as it is. The speeds count satellite unless the file is the
    wired (``filaire``) or land (``terrestre``) one: `basis` keeps which.

    Rules, beside those of ``tables_by_code.make_table``: ``above-total`` (more premises reached
    than there are), ``no-premises``, ``other-count`` (a ``type`` that is not ``all``).

    Raises
    ------
    LayerError
        When there is no code, no count of premises, or no column of coverage.
    """
    opened = open_table(path, FileMapping())
    basis = "wired" if "filaire" in path.name else "land" if "terrestre" in path.name else "all"
    for table in opened.chunks:
        code, premises = find_column(table, ARCEP_CODE), find_column(table, PREMISES)
        counts = {share: find_column(table, names) for share, names in COUNTS.items()}
        counts = {share: column for share, column in counts.items() if column}
        if not code or not premises or not counts:
            raise LayerError(
                f"{path} : « code_insee », « nbr » et une colonne « elig_... » sont attendues ; "
                f"colonnes présentes : {', '.join(map(str, table.columns))}."
            )
        notes = (*opened.notes, f"Parts des locaux : {', '.join(counts)} ; base : {basis}.")
        codes = table[code].str.strip()
        codes = codes.where(codes.str.len() != 4, "0" + codes)
        yield _shares(table, codes, numbers(table[premises]), counts, basis, notes)


def _shares(
    table: pd.DataFrame,
    code: pd.Series,
    premises: pd.Series,
    counts: Mapping[str, str],
    basis: str,
    notes: tuple[str, ...],
) -> Reading:
    kinds = _column(table, "type", "all").str.strip()
    other = ~kinds.isin(["all", ""])
    empty = ~(premises > 0)
    findings = [
        *row_findings(
            "no-premises",
            ARCEP,
            empty,
            code,
            lambda row: Message("Aucun local compté : parts inconnues."),
            "info",
            "nbr",
        ),
        *row_findings(
            "other-count",
            ARCEP,
            other,
            code,
            lambda row: Message(
                "Comptage « {kind} », non « all » : gardé sous un autre identifiant.",
                kind=kinds[row],
            ),
            "info",
            "type",
        ),
    ]
    shares: dict[str, pd.Series] = {}
    for share, column in counts.items():
        part = numbers(table[column]) / premises.where(~empty, np.nan)
        findings += _above_total(share, part, code, column)
        shares[share] = part.clip(0, 1)
    return make_table(
        CodedColumns(
            "broadband",
            ARCEP,
            {
                "id": code + ("-" + kinds).where(other, ""),
                "code": code,
                "name": _column(table, "nom com"),
                "departement": departement_of(code).where(
                    _column(table, "code dep") == "", _column(table, "code dep")
                ),
                "basis": pd.Series(basis, index=code.index),
                "date": _column(table, "date"),
                "premises": premises,
                **shares,
            },
            findings=findings,
            notes=notes,
        )
    )


def _above_total(share: str, part: pd.Series, code: pd.Series, column: str) -> list[Finding]:
    return row_findings(
        "above-total",
        ARCEP,
        part > 1,
        code,
        lambda row: Message(
            "{share} : plus de locaux desservis que de locaux ({part}) ; ramené à 1.",
            share=share,
            part=f"{part[row]:.3f}",
        ),
        column=column,
    )


def _column(table: pd.DataFrame, name: str, default: str = "") -> pd.Series:
    column = find_column(table, (name,))
    return table[column] if column else blank(table.index).replace("", default)


# INSEE's BPE: how many pieces of equipment of each kind a commune has, whatever the shape it was
# published in: a row a kind (``TYPEQU``, ``NB_EQUIP``), or a column a kind (``NB_D201``, or
# labels).


BPE = "bpe"
#: Columns that repeat the sum of the others.
TOTALS = frozenset({"total", "total de nb equip"})
#: Type of the labels of the cross table of 2013, which has no codes.
TYPE_OF_LABEL_2013: Mapping[str, str] = {
    "Agence de proximité pôle emploi": "employment_agency",
    "Relais de proximité pôle emploi": "employment_agency",
    "Permanence pôle emploi": "employment_agency",
    "Agence spécialisée": "employment_agency",
    "Bureau de poste": "post_office",
    "Agence postale communale": "post_agency",
    "Relais poste commerçant": "post_relay",
    "Relais poste": "post_relay",
    "Gendarmerie": "gendarmerie",
    "Police": "police_station",
    "Maternité": "maternity",
    "Urgences": "emergency",
    "Médecin omnipraticien": "general_practitioner",
    "Pharmacie": "pharmacy",
    "Collège": "college",
}


#: Code of the years before -> that of the same equipment later. The relation of public services and
#: codes of the BPE (March 2020) says those of Pôle emploi (2013, then 2018) and of post offices (2009,
#: then 2013); INSEE's modalities those of elementary schools (2018, then 2024) and of general
#: practitioners (D201 in the lists of 2017, then 2024). Others have surely changed: no label that we
#: hold shows into what.
CHANGED_CODES: Mapping[str, str] = {
    "A110": "A122",
    "A111": "A122",
    "A112": "A122",
    "A201": "A206",
    "C104": "C109",
    "D201": "D265",
}
#: Kinds that are named where there are more.
_NAMED = 12


def type_of_equipment(kind: str) -> str | None:
    """Return the service type that a code or a label of the BPE names; None when it is none of
    ours.
    """
    return TYPE_OF_BPE.get(kind) or TYPE_OF_LABEL_2013.get(kind)


def read_equipment(path: Path) -> Iterator[Reading]:
    """Yield the equipment of the communes: a row a commune, a number a kind of equipment.

    The rows of a commune (one an IRIS, one a kind) are summed: they are counted as gathered.

    Rules, beside those of ``tables_by_code.make_table``: ``unreadable-number``, ``refused-row`` (a
    row without a commune or a readable count).

    Raises
    ------
    LayerError
        When there is no row, no commune code or no count of equipment.
    """
    opened = open_table(path, FileMapping())
    parts: list[pd.DataFrame] = []
    places: list[pd.DataFrame] = []
    findings: list[Finding] = []
    rows_in = gathered = 0
    for table in opened.chunks:
        code = find_column(table, (*CODE, "cominsee", "geo"))
        if not code:
            raise LayerError(
                f"{path} : aucune colonne de codes de communes ; colonnes présentes : "
                f"{', '.join(map(str, table.columns))}."
            )
        codes = table[code].str.strip()
        counts = _counts(path, table.drop(columns=[code, EXTRA], errors="ignore"), codes, findings)
        level = find_column(table, ("geo object",))
        communes = table[level].isin(["COM", "ARM"]) if level else codes != ""
        readable = counts.notna().any(axis=1) & communes & (codes != "")
        findings += row_findings(
            REFUSED,
            BPE,
            ~readable,
            codes,
            lambda row: Message(
                "Ligne sans commune ou sans aucun équipement lisible : pas gardée."
            ),
            "error",
        )
        rows_in, gathered = rows_in + len(table), gathered + int(readable.sum())
        parts.append(counts[readable].groupby(codes[readable]).sum(min_count=1))
        places.append(_places(table, codes)[readable])
    if not parts:
        raise LayerError(f"{path} : aucune ligne ; des équipements par commune sont attendus.")
    counts = pd.concat(parts).groupby(level=0).sum(min_count=1)
    gathered -= len(counts)
    yield _equipment(
        counts, pd.concat(places), findings, tuple(opened.notes), rows_in=rows_in, gathered=gathered
    )


# Return a column of numbers a kind of equipment; NaN where nothing is said.
def _counts(
    path: Path, table: pd.DataFrame, codes: pd.Series, findings: list[Finding]
) -> pd.DataFrame:
    kind = find_column(table, ("typequ", "facility type"))
    count = find_column(table, ("nb equip", "obs value"))
    if kind and count:
        numbers = read_figure(table[count], count, codes, BPE, findings)
        kinds = table[kind].str.strip().str.upper()
        kinds = kinds.where(kinds != "")
        return pd.get_dummies(kinds, dtype=float).replace(0, float("nan")).mul(numbers, axis=0)
    coded = [name for name in table.columns if re.fullmatch(r"NB_[A-G]\d{3}", str(name))]
    if not coded and not any(type_of_equipment(str(name)) for name in table.columns):
        raise LayerError(
            f"{path} : aucun compte d'équipements : « TYPEQU » et « NB_EQUIP », des colonnes "
            "« NB_<code> » ou les noms des équipements sont attendus ; colonnes présentes : "
            f"{', '.join(map(str, table.columns[:12]))}."
        )
    kept = coded or [
        name for name in table.columns if folded(name) not in TOTALS and is_numeric(table[name])
    ]
    return pd.DataFrame(
        {
            str(name).removeprefix("NB_"): read_figure(table[name], str(name), codes, BPE, findings)
            for name in kept
        }
    )


def _places(table: pd.DataFrame, codes: pd.Series) -> pd.DataFrame:
    name = find_column(table, ("nom com", "libgeo", "nom commune"))
    year = find_column(table, ("an", "annee", "time period"))
    return pd.DataFrame(
        {
            "code": codes,
            "name": table[name] if name else blank(table.index),
            "year": table[year] if year else blank(table.index),
        }
    )


# Say the kinds of equipment that are of no type of ours, and the codes that are of another year, each
# with how many pieces.
def _said_of_codes(counts: pd.DataFrame) -> Iterator[str]:
    pieces = counts.sum().sort_values(ascending=False)
    unmapped = [kind for kind in pieces.index if type_of_equipment(str(kind)) is None]
    changed = [kind for kind in pieces.index if kind in CHANGED_CODES]
    if unmapped:
        named = ", ".join(f"{kind} ({int(pieces[kind])})" for kind in unmapped[:_NAMED])
        more = ", …" if len(unmapped) > _NAMED else ""
        yield _("D'aucun de nos types ({n}) : {kinds}.", n=len(unmapped), kinds=named + more)
    if changed:
        named = ", ".join(
            f"{kind} → {CHANGED_CODES[kind]} ({int(pieces[kind])})" for kind in changed
        )
        yield _("Codes qui ont changé depuis ({n}) : {kinds}.", n=len(changed), kinds=named)


def _equipment(
    counts: pd.DataFrame,
    places: pd.DataFrame,
    findings: list[Finding],
    notes: tuple[str, ...],
    *,
    rows_in: int,
    gathered: int,
) -> Reading:
    first = places[~places["code"].duplicated()]
    counts = counts.reindex(first["code"]).set_axis(first.index)
    ours = [
        f"{kind} = {SERVICE_TYPES[key].label_fr}"
        for kind in counts.columns
        if (key := type_of_equipment(str(kind))) is not None
    ]
    notes = (
        *notes,
        f"{len(counts.columns)} sortes d'équipements par commune ; de nos types : "
        f"{', '.join(ours) or 'aucune'}.",
        *_said_of_codes(counts),
    )
    return make_table(
        CodedColumns(
            "equipment",
            BPE,
            {
                "code": first["code"],
                "name": first["name"],
                "departement": departement_of(first["code"]),
                "year": first["year"],
                "equipment_total": counts.sum(axis=1),
            },
            others={str(kind): counts[kind] for kind in counts},
            findings=findings,
            notes=notes,
            rows_in=rows_in,
            gathered=gathered,
        )
    )
