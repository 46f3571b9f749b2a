"""Inhabitants by commune (any table with a code and numbers) and by grid cell (INSEE's Filosofi, a
table of cell centres or a raster), in the populations schema.
"""

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd

from geoguichet.floor.errors import LayerError
from geoguichet.floor.findings import Finding
from geoguichet.referentials.directory.schema import (
    REFUSED,
    Reading,
    blank,
    departement_of,
    row_findings,
)
from geoguichet.referentials.layers import LONLAT
from geoguichet.referentials.readers.column_names import FileMapping, find_column
from geoguichet.referentials.readers.open_table import open_table
from geoguichet.referentials.readers.tables_by_code import (
    CodedColumns,
    is_numeric,
    make_table,
    read_figure,
)
from geoguichet.referentials.readers.text_tables import EXTRA, csv_chunks

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
    found = {field: find_column(first, names) for field, names in NAMES.items()}
    code = found["code"]
    if not code or not first[code].str.strip().str.fullmatch(r"\d?[\dAB]?\d{3,4}").mean() > 0.8:
        raise LayerError(
            f"{path} : aucune colonne de codes de communes ; colonnes présentes : "
            f"{', '.join(map(str, first.columns))}."
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
    published = table[found["code"]].str.strip()
    short = published.str.fullmatch(r"\d{4}")
    code = published.where(~short, "0" + published)
    items = "commune-" + code
    findings += row_findings(
        "lost-zero",
        layer,
        short,
        items,
        lambda row: f"Code « {published[row]} » sans son zéro : lu « {code[row]} ».",
        "info",
        found["code"],
    )
    values = {
        "code": code,
        "level": pd.Series("commune", index=table.index),
        "departement": departement_of(code),
    }
    values |= {field: table[found[field]] for field in ("name", "year") if found[field]}
    figures: dict[str, pd.Series] = {}
    for name in [*others, *filter(None, [found["population"]])]:
        figures[name] = read_figure(table[name], name, items, layer, findings)
    if found["population"]:
        values["population"] = figures.pop(found["population"])
        findings += row_findings(
            "negative-number",
            layer,
            values["population"] < 0,
            items,
            lambda row: "Population négative.",
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
                (
                    f"{fractions} carreau(x) ont une fraction d'habitant : valeurs imputées par "
                    "l'INSEE, gardées telles quelles."
                ),
                "info",
            )
        )
    values = {
        "code": cells["id"],
        "level": pd.Series("cell", index=cells.index),
        "population": cells["inhabitants"],
    }
    yield make_table(
        CodedColumns(
            "populations",
            "filosofi",
            values,
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
    import rasterio
    import rasterio.errors

    try:
        with rasterio.open(path) as raster:
            people, transform, crs = raster.read(1, masked=True), raster.transform, raster.crs
    except rasterio.errors.RasterioIOError as error:
        raise LayerError(
            f"{path} : raster illisible ({error}) ; un GeoTIFF est attendu."
        ) from error
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


def _grid(x: pd.Series, y: pd.Series, people: pd.Series, size_m: int, layer: str) -> Grid:
    right = x.notna() & y.notna() & people.notna() & (people >= 0)
    findings = row_findings(
        REFUSED,
        layer,
        ~right,
        blank(right.index),
        lambda row: "Carreau sans position ou sans population.",
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
