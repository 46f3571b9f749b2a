"""What an import adds to what a reader read: the commune and the département that the point of a row
proves, the rows that nothing places, and the refusal of a list that is not understood.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from functools import partial

import geopandas as gpd
import pandas as pd

from geoguichet.floor.findings import Finding, refuse_unread
from geoguichet.floor.words import Message
from geoguichet.referentials.directory.schema import Heard, Reading
from geoguichet.referentials.layers import read_layer, sample_path
from geoguichet.referentials.territories.standing import plain_place, standing_in
from geoguichet.referentials.versions.store import SERVICES, ReferentialStore

#: A point outside every outline proves nothing; this near one, it is in it but for a rounding.
WITHIN_M = 1.0


def imported(
    readings: Iterable[Reading], store: ReferentialStore, max_unknown: float, *, where: str
) -> Iterator[Reading]:
    """Yield readings as every import keeps them: `understood`, and completed by what is `proved`."""
    return proved(understood(readings, max_unknown, where=where), partial(known_communes, store))


def known_communes(store: ReferentialStore) -> pd.DataFrame:
    """Return the communes whose outlines are at hand: those of the newest territories of a workspace,
    then those of the embedded sample.

    Returns
    -------
    Index code; name, departement, geometry (EPSG:4326).
    """
    newest = [store.versions(name)[-1] for name in store.names()]
    layers = [store.rows(version) for version in newest if version.kind == "territories"]
    layers = [rows[(rows["level"] == "commune") & rows.geometry.notna()] for rows in layers]
    layers = [rows[rows.geom_type.str.endswith("Polygon")] for rows in layers]
    columns = ["code", "name", "departement", "geometry"]
    layers.append(read_layer(sample_path(), layer="communes"))
    every = pd.concat([rows[columns] for rows in layers if len(rows)], ignore_index=True)
    return every.drop_duplicates("code").set_index("code")


def proved(readings: Iterable[Reading], communes: Callable[[], pd.DataFrame]) -> Iterator[Reading]:
    """Yield readings of services with the commune and the département of the rows that do not say
    them and whose point stands in a commune; `communes` (`known_communes`) is called once, if need
    be.

    A row that names another commune keeps its name, and gets the département only; one that says
    another département gets nothing. Rows in are rows out.

    Rules: ``proved-by-point``; ``not-placed`` (neither a point nor a commune, by code or name).
    """
    ground: pd.DataFrame | None = None
    for reading in readings:
        rows = reading.rows
        if reading.kind != SERVICES:
            yield reading
            continue
        silent = rows["commune"].isna() | rows["departement"].isna()
        asked = rows[silent & rows.geometry.notna() & ~rows["itinerant"]]
        findings = _unplaced(rows)
        if len(asked):
            ground = communes() if ground is None else ground
            rows, told = _filled(rows, asked, ground)
            findings += told
        yield replace(reading, rows=rows, findings=(*reading.findings, *findings))


# Return rows with what the points of some prove, and a finding for each that is completed.
def _filled(
    rows: gpd.GeoDataFrame, asked: gpd.GeoDataFrame, ground: pd.DataFrame
) -> tuple[gpd.GeoDataFrame, list[Finding]]:
    outlines = gpd.GeoSeries(ground["geometry"], crs=rows.crs)
    code = standing_in(asked.geometry, outlines, within_m=WITHIN_M).dropna()
    departement = code.map(ground["departement"])
    said = asked["departement"].reindex(code.index)
    code, departement = (each[said.isna() | (said == departement)] for each in (code, departement))
    named = asked["commune_name"].reindex(code.index).fillna("").map(plain_place)
    same = (named == "") | (named == code.map(ground["name"]).map(plain_place))
    new = {
        "commune": code[same & asked["commune"].reindex(code.index).isna()],
        "departement": departement[said.reindex(code.index).isna()],
    }
    findings = [
        Finding(
            "proved-by-point",
            str(rows["source"].iat[0]),
            str(rows.at[row, "id"]),
            Message("La ligne ne le dit pas : {value}, où est son point.", value=value),
            "info",
            int(rows.at[row, "source_row"]),
            column,
        )
        for column, values in new.items()
        for row, value in values.items()
    ]
    filled = {name: rows[name].fillna(values.reindex(rows.index)) for name, values in new.items()}
    return rows.assign(
        **{name: values.where(values.notna(), None) for name, values in filled.items()}
    ), findings


def _unplaced(rows: gpd.GeoDataFrame) -> list[Finding]:
    nowhere = rows.geometry.isna() & rows["commune"].isna() & rows["commune_name"].isna()
    return [
        Finding(
            "not-placed",
            str(row.source),
            str(row.id),
            Message("Ni point, ni code, ni nom de commune : rien ne dit où est ce service."),
            "warning",
            int(row.source_row),
            remedy=Message("Complétez son code de commune, ou ses coordonnées."),
        )
        for row in rows[nowhere].itertuples()
    ]


# -- what is not understood


def understood(readings: Iterable[Reading], max_unknown: float, *, where: str) -> Iterator[Reading]:
    """Yield readings as they come; after the last, refuse the file of which a column that places or
    closes holds too many words that we do not know.

    Raises
    ------
    LayerError
        More than `max_unknown` (a share of 1) of the rows that say something.
    """
    heard = Heard(where)
    for reading in readings:
        heard.add(reading.heard or Heard(""))
        yield reading
    refuse_unread(heard.unread, max_unknown, expected=lambda field: str(_EXPECTED[field]))


#: What a column that places or closes should hold.
_EXPECTED = {
    "type": Message(
        "un type de service (mairie, bureau de poste ...), ou ce qu'il est dans [types] de --mapping"
    ),
    "commune": Message("un code INSEE de commune, cinq caractères"),
    "coordinates": Message("deux nombres décimaux, une position sur la Terre"),
    "itinerant": Message("oui ou non"),
}
