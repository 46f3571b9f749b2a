"""What is wrong with communes, services, directories and tables by code: findings, and nothing is
changed.

Of the layers of a study (`commune_findings`, `service_findings`), of a stored directory
(`directory_findings`) and of a table by code (`table_findings`).
"""

import json
from collections.abc import Callable, Iterator, Mapping
from itertools import pairwise
from typing import Any

import geopandas as gpd
import pandas as pd
import shapely

from geoguichet.floor.findings import Finding, Severity
from geoguichet.floor.words import Figure, Message, distance, number, speaking
from geoguichet.referentials.directory.ground import within_territory
from geoguichet.referentials.directory.hours import WEEKDAYS_FR
from geoguichet.referentials.directory.services import plural_name, weekly_hours
from geoguichet.referentials.layers import LONLAT, MENDED, squares_of
from geoguichet.referentials.territories import code_history
from geoguichet.referentials.territories.code_history import CommuneHistory
from geoguichet.referentials.territories.territory import (
    Territory,
    ground_findings,
    outlines_in_metres,
    united,
)

#: Outlines are simplified: a point this near its commune is worth a word, not a warning.
OUTLINE_TOLERANCE_M = 200


def _of_rows(
    rows: gpd.GeoDataFrame,
    rule: str,
    layer: str,
    say: Callable[[Any], str | Message],
    severity: Severity | Callable[[Any], Severity] = "warning",
    column: str = "",
    remedy: str | Callable[[Any], str] = "",
    *,
    item: str = "id",
    numbered: bool = True,
) -> list[Finding]:
    """Return a finding for each row of a frame; `say` makes its sentence.

    `item` is the column of the identifiers; `numbered` rows know their row of the file
    (``source_row``).
    """
    return [
        Finding(
            rule,
            layer,
            getattr(row, item),
            say(row),
            severity(row) if callable(severity) else severity,
            row.source_row if numbered else 0,
            column,
            remedy(row) if callable(remedy) else remedy,
        )
        for row in rows.itertuples()
    ]


# -- communes of a study

CENSUS_COLUMNS = ("population_2021", "pop_65_plus", "pop_under_20", "dwellings", "second_homes")
#: Ground that no commune covers is reported from one hectare up; less is the rounding of outlines.
GAP_M2 = 10_000
SHIFT_RATIO = 0.25
#: A population is called outdated when it moved by more than both of these.
SHIFT_PEOPLE = 100


def commune_findings(territory: Territory, *, layer: str = "communes") -> list[Finding]:
    """Return what is wrong with a territory's communes: outline, census, population, ground left
    over.

    Rules: ``no-geometry``, ``no-census``, ``population-shift``, ``mended-outline``,
    ``uncovered-ground``.
    """
    communes = territory.communes
    census = [column for column in CENSUS_COLUMNS if column in communes.columns]
    coded: Mapping[str, Any] = {"item": "code", "numbered": False}
    return [
        *_of_rows(
            communes[_is_missing(communes)],
            "no-geometry",
            layer,
            lambda row: Message(
                "{name} n'a pas de contour : elle est comptée, mais ne peut pas être dessinée.",
                name=row.name,
            ),
            **coded,
        ),
        *_of_rows(
            communes[communes[census].isna().any(axis="columns")],
            "no-census",
            layer,
            lambda row: Message(
                "{name} : les codes du recensement de 2021 ne correspondent plus à cette commune ; "
                "ses groupes d'âge et ses logements restent inconnus.",
                name=row.name,
            ),
            **coded,
        ),
        *_of_rows(
            _with_outdated_population(communes),
            "population-shift",
            layer,
            lambda row: Message(
                "{name} compte {now} habitants en 2023, contre {then} dans la population employée "
                ": celle-ci est dépassée.",
                name=row.name,
                now=round(row.population_2023),
                then=round(row.population),
            ),
            "info",
            **coded,
        ),
        *_mended(communes, layer),
        *_mended(territory.departements, "departements"),
        *_uncovered_ground(territory, layer),
    ]


# Tell the outlines that crossed themselves and were made valid as they were read.
def _mended(areas: gpd.GeoDataFrame, layer: str) -> list[Finding]:
    return [
        Finding(
            "mended-outline",
            layer,
            row.code,
            Message(
                "{name} ({code}) : son contour se croise lui-même ; il est réparé à la lecture, "
                "vérifiez-le à la source.",
                name=row.name,
                code=row.code,
            ),
            column="geometry",
        )
        for row in (areas[areas[MENDED]] if MENDED in areas else areas.iloc[:0]).itertuples()
    ]


def _with_outdated_population(communes: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    if "population_2023" not in communes.columns:
        return communes.iloc[:0]
    change = (communes["population_2023"] - communes["population"]).abs()
    return communes[(change > SHIFT_PEOPLE) & (change > SHIFT_RATIO * communes["population"])]


# Report the parts of the territory that no commune's outline covers, largest first.
def _uncovered_ground(territory: Territory, layer: str) -> Iterator[Finding]:
    bare = shapely.get_parts(territory.boundary.difference(united(territory)))
    gaps = gpd.GeoSeries(bare, crs=territory.communes.crs)
    area_m2 = gaps.to_crs(territory.metric).area
    for position in area_m2[area_m2 >= GAP_M2].sort_values(ascending=False).index:
        yield Finding(
            "uncovered-ground",
            layer,
            "",
            Message(
                "Aucun contour de commune ne couvre {hectares} ha autour de {place} : le contour "
                "d'une commune manque, ou date d'avant une fusion.",
                hectares=round(area_m2[position] / 10_000),
                place=_lonlat(gaps[position].representative_point()),
            ),
        )


# -- services of a study

#: Types whose hours no source gives; that one lacks them is no news.
HOURLESS_TYPES = frozenset({"prefecture", "sous_prefecture"})


def service_findings(
    services: gpd.GeoDataFrame, territory: Territory, *, buffer_m: float, layer: str = "services"
) -> list[Finding]:
    """Return what is wrong with service points: position, hours.

    Parameters
    ----------
    services
        Frame of ``services.check_services``. The sample's columns ``hours_raw`` (the source's
        week, in JSON) and ``point_source`` are examined too where they are.
    territory
        Where they should be; a service is compared with the outline of its own commune when it is
        known.
    buffer_m
        How far beyond the border services are expected, in metres.

    Rules: ``no-point``, ``outside-territory``, ``beyond-buffer``, ``outside-commune``,
    ``shared-point``, ``approximate-point``, ``no-hours``, ``unreadable-hours``, ``blank-weekday``,
    ``overlapping-hours``.
    """
    missing = _is_missing(services)
    located = services[~missing]
    places = located.groupby([located["type"], located.geometry.to_wkb()])
    return [
        *_of_rows(
            services[missing],
            "no-point",
            layer,
            lambda row: Message(
                "{name} : pas de coordonnées ; ce service ne dessert personne.", name=row.name
            ),
            numbered=False,
        ),
        *_services_outside_territory(services, territory, buffer_m, layer),
        *_of_rows(
            _outside_commune(services, territory),
            "outside-commune",
            layer,
            lambda row: Message(
                "{name} : point situé à {distance} du contour (simplifié) de sa commune.",
                name=row.name,
                distance=Figure(distance, row.away_m),
            ),
            _severity_outside,
            numbered=False,
        ),
        *_of_rows(
            located[places["commune"].transform("nunique") > 1],
            "shared-point",
            layer,
            lambda row: Message(
                "{name} : mêmes coordonnées que le service d'une autre commune ({place}).",
                name=row.name,
                place=_lonlat(row.geometry),
            ),
            numbered=False,
        ),
        *_approximate_points(services, layer),
        *_services_without_hours(services, layer),
        *_odd_source_weeks(services, layer),
    ]


def distance_to_commune_m(services: gpd.GeoDataFrame, territory: Territory) -> pd.Series:
    """Return how far each service is from the outline of its own commune, in metres.

    0 inside; NaN when the service has no point, or its commune no outline in the territory.
    """
    return services.geometry.to_crs(territory.metric).distance(
        outlines_in_metres(territory).reindex(services["commune"]).set_axis(services.index),
        align=False,
    )


# Return the rows whose point is outside the outline of their commune, and how far (``away_m``).
def _outside_commune(rows: gpd.GeoDataFrame, territory: Territory) -> gpd.GeoDataFrame:
    away_m = distance_to_commune_m(rows, territory)
    return rows.assign(away_m=away_m)[away_m > 0]


def _severity_outside(row: Any) -> Severity:
    return "warning" if row.away_m > OUTLINE_TOLERANCE_M else "info"


def _distance_to_territory_m(rows: gpd.GeoDataFrame, territory: Territory) -> pd.Series:
    return rows.geometry.to_crs(territory.metric).distance(
        gpd.GeoSeries([territory.boundary], crs=LONLAT).to_crs(territory.metric).iloc[0]
    )


def _services_outside_territory(
    services: gpd.GeoDataFrame, territory: Territory, buffer_m: float, layer: str
) -> list[Finding]:
    beyond = ~_is_missing(services) & ~territory.near(services.geometry, buffer_m)
    strayed = beyond & territory.has(services["commune"])
    far = services[strayed]
    findings = _of_rows(
        far.assign(away_m=_distance_to_territory_m(far, territory)),
        "outside-territory",
        layer,
        lambda row: Message(
            "{name} : point situé en {place}, à {distance} du territoire ; au-delà de {buffer}, ce "
            "service n'est pas compté.",
            name=row.name,
            place=_lonlat(row.geometry),
            distance=Figure(distance, row.away_m),
            buffer=Figure(distance, buffer_m),
        ),
        "error",
        numbered=False,
    )
    if others := int((beyond & ~strayed).sum()):
        findings.append(
            Finding(
                "beyond-buffer",
                layer,
                "",
                Message(
                    "Services d'autres territoires situés à plus de {buffer} : {n} ; ils ne sont "
                    "pas comptés.",
                    buffer=Figure(distance, buffer_m),
                    n=others,
                ),
                "info",
            )
        )
    return findings


# Report once per type how many services stand at a town hall, for want of their own address.
def _approximate_points(services: gpd.GeoDataFrame, layer: str) -> Iterator[Finding]:
    if "point_source" not in services.columns:
        return
    for key, rows in services[services["point_source"] == "town_hall"].groupby("type"):
        yield Finding(
            "approximate-point",
            layer,
            "",
            Message(
                "{n} {kinds} sont placées à la mairie de leur commune, faute d'adresse.",
                n=len(rows),
                kinds=Figure(plural_name, key),
            ),
            "info",
        )


def _services_without_hours(services: gpd.GeoDataFrame, layer: str) -> Iterator[Finding]:
    unknown = services["hours_per_week"].isna() & ~services["type"].isin(HOURLESS_TYPES)
    for row in services[unknown].itertuples():
        written = next(
            (
                text
                for text in (row.hours, getattr(row, "hours_raw", None))
                if isinstance(text, str) and text.strip()
            ),
            None,
        )
        if written is None:
            yield Finding(
                "no-hours",
                layer,
                row.id,
                Message(
                    "{name} : horaires inconnus ; ce service n'est pas compté parmi les ouverts.",
                    name=row.name,
                ),
            )
        elif weekly_hours(written) is None:
            yield Finding(
                "unreadable-hours",
                layer,
                row.id,
                Message(
                    "{name} : horaires illisibles (« {hours} »), tenus pour inconnus.",
                    name=row.name,
                    hours=written,
                ),
            )


# Report what is odd in the source's own weeks, before their conversion.
def _odd_source_weeks(services: gpd.GeoDataFrame, layer: str) -> Iterator[Finding]:
    if "hours_raw" not in services.columns:
        return
    told = services["hours_raw"].notna()
    for row in services.loc[told, ["id", "name", "hours_raw"]].itertuples():
        week = _source_week(row.hours_raw)
        if any(not first or not last for first, last, _ in week):
            yield Finding(
                "blank-weekday",
                layer,
                row.id,
                Message(
                    "{name} : un jour de la semaine est vide dans la source ; horaires non "
                    "convertis.",
                    name=row.name,
                ),
            )
        if _overlaps(week):
            yield Finding(
                "overlapping-hours",
                layer,
                row.id,
                Message(
                    "{name} : des plages horaires se chevauchent dans la source ; elles sont "
                    "réunies.",
                    name=row.name,
                ),
                "info",
            )


type _Week = list[tuple[str, str, list[tuple[str, str]]]]


# Return the source's week: rows of first day, last day, spans; empty when it is written otherwise.
def _source_week(text: str) -> _Week:
    try:
        return [
            (first, last, [(opens, closes) for opens, closes in spans])
            for first, last, spans in json.loads(text)
        ]
    except (TypeError, ValueError):
        return []


# Return whether a weekday of the source's week has two spans that overlap.
def _overlaps(week: _Week) -> bool:
    days: dict[int, list[tuple[str, str]]] = {}
    for first, last, spans in week:
        if first in WEEKDAYS_FR and last in WEEKDAYS_FR:
            for day in range(WEEKDAYS_FR.index(first), WEEKDAYS_FR.index(last) + 1):
                days.setdefault(day, []).extend(spans)
    return any(
        later[0] < earlier[1]
        for spans in days.values()
        for earlier, later in pairwise(sorted(spans))
    )


# -- a stored directory

#: Two services of one type and name this near each other are one service told twice.
SAME_PLACE_M = 50


@speaking("fr")
def directory_findings(
    rows: gpd.GeoDataFrame,
    *,
    territory: Territory | None = None,
    history: CommuneHistory | None = None,
    layer: str,
) -> list[Finding]:
    """Return what is wrong with the rows of a directory, beyond what its reader noticed. Rows
    that keep their contract are never refused.

    Parameters
    ----------
    rows
        Points in EPSG:4326 (:func:`~geoguichet.read_published`); contract: ``schema.check_directory``.
    layer
        What findings call the directory.
    territory
        Where they should be: only the rows that say they are there are compared with it.
    history
        Commune codes; without it codes are not judged.

    Notes
    -----
    Rules: ``shared-point``, ``duplicate``, ``code-against-postcode``; with a territory
    ``outside-territory``, ``outside-commune``; with a history ``outdated-commune``,
    ``unknown-commune``.

    Examples
    --------
    After the example of :func:`~geoguichet.read_published`:

    >>> twice = reading.rows.loc[[0, 0]].assign(id=["a", "b"]).reset_index(drop=True)
    >>> [(found.rule, found.item) for found in directory_findings(twice, layer="fs")]
    [('shared-point', 'a'), ('shared-point', 'b'), ('duplicate', 'b')]
    """
    findings = [
        *_shared_points(rows, layer),
        *_duplicates(rows, layer),
        *_against_postcodes(rows, layer),
    ]
    if territory is not None:
        findings += _misplaced(rows[within_territory(rows, territory)], territory, layer)
    if history is not None:
        findings += _commune_codes(rows, history, layer)
    return findings


# Report the services that stand at the very same coordinates as a service of another address.
def _shared_points(rows: gpd.GeoDataFrame, layer: str) -> list[Finding]:
    located = rows[rows.geometry.notna()]
    places = pd.Series(located.geometry.to_wkb(), index=located.index)
    address = located["address"].fillna(located["id"]) + "|" + located["commune"].fillna("")
    others = places.groupby(places).transform("size") - 1
    differ = address.groupby(places).transform("nunique") > 1
    return _of_rows(
        located.assign(others=others)[(others > 0) & differ],
        "shared-point",
        layer,
        lambda row: (
            f"{row.name} : mêmes coordonnées que {row.others} autre(s) service(s), pas tous à son "
            "adresse."
        ),
        column="geometry",
        remedy=(
            "Géocodez son adresse : ce point est sans doute celui de la commune, ou un point par "
            "défaut."
        ),
    )


# Report the services told twice: same type, name and commune, at the same place.
def _duplicates(rows: gpd.GeoDataFrame, layer: str) -> list[Finding]:
    located = rows[rows.geometry.notna()]
    keys = [
        located["type"],
        located["name"].str.lower(),
        located["commune"].fillna(""),
        squares_of(located.geometry, SAME_PLACE_M),
    ]
    return _of_rows(
        located[located.groupby(keys).cumcount() > 0],
        "duplicate",
        layer,
        lambda row: f"{row.name} : même type, même nom et même lieu qu'une ligne précédente.",
        remedy="Gardez une seule ligne.",
    )


def _against_postcodes(rows: gpd.GeoDataFrame, layer: str) -> list[Finding]:
    """Report the services whose commune and postal code are not of one département: one of them is
    a namesake's.

    A few communes near a border are served by the next département's post; the remedy says so.
    Islands and Monaco, whose postal codes follow no département, are not judged.
    """
    code, postcode = rows["commune"].fillna("").astype(str), rows["postcode"].fillna("").astype(str)
    judged = (
        postcode.str.fullmatch(r"\d{5}")
        & ~code.str.match(r"$|9[89]|97[578]")
        & ~postcode.str.startswith("98")
    )
    said, posted = code_history.departement_of(code), code_history.departement_of(postcode)
    return _of_rows(
        rows.assign(said=said, posted=posted)[judged & (said != posted)],
        "code-against-postcode",
        layer,
        lambda row: (
            f"{row.name} : le code de commune {row.commune} est du département {row.said}, le "
            f"code postal {row.postcode} du {row.posted}."
        ),
        column="commune",
        remedy=(
            "L'un des deux est sans doute celui d'un homonyme ; seules quelques communes "
            "limitrophes sont ainsi."
        ),
    )


# Report the points of a territory's services that are beyond it, or outside their commune.
def _misplaced(rows: gpd.GeoDataFrame, territory: Territory, layer: str) -> list[Finding]:
    correct = "Corrigez les coordonnées ou le code de la commune."
    away = rows[rows.geometry.notna() & ~rows.geometry.intersects(territory.boundary)]
    return [
        *_of_rows(
            away.assign(away_m=_distance_to_territory_m(away, territory)),
            "outside-territory",
            layer,
            lambda row: (
                f"{row.name} : déclaré dans le territoire, mais son point est à "
                f"{distance(row.away_m)} au-delà de la limite."
            ),
            "error",
            "geometry",
            correct,
        ),
        *_of_rows(
            _outside_commune(rows, territory),
            "outside-commune",
            layer,
            lambda row: (
                f"{row.name} : point à {distance(row.away_m)} du contour (simplifié) de sa "
                f"commune, {row.commune}."
            ),
            _severity_outside,
            "geometry",
            lambda row: correct if _severity_outside(row) == "warning" else "",
        ),
    ]


def _commune_codes(
    rows: gpd.GeoDataFrame, history: CommuneHistory, layer: str
) -> Iterator[Finding]:
    status = {code: history.status(code) for code in rows["commune"].dropna().unique()}
    for row in rows[rows["commune"].map(status).isin(["outdated", "unknown"])].itertuples():
        if status[row.commune] == "outdated":
            now = ", ".join(history.successors(row.commune))
            yield Finding(
                "outdated-commune",
                layer,
                row.id,
                (
                    f"{row.name} : le code de commune {row.commune} n'a plus cours ; aujourd'hui "
                    f"{now}."
                ),
                "warning",
                row.source_row,
                "commune",
                f"Écrivez {now}.",
            )
        else:
            yield Finding(
                "unknown-commune",
                layer,
                row.id,
                f"{row.name} : le code {row.commune} n'a jamais été celui d'une commune.",
                "error",
                row.source_row,
                "commune",
                "Corrigez-le.",
            )


# -- a table by code


def table_findings(
    rows: gpd.GeoDataFrame, *, history: CommuneHistory | None = None, date: str = "", layer: str
) -> list[Finding]:
    """Return what is wrong with a table by code (``tables_by_code``), beyond what its reader
    noticed.

    Parameters
    ----------
    history
        Commune codes; without it codes are not judged.
    date
        The day the table is of: the communes in force that day are expected; not judged when empty.

    Rules: ``outdated-commune``, ``unknown-commune``, ``absent-commune``, ``sum-mismatch`` (communes
    against the intercommunality or département of the same table, within 1 %).
    """
    level = rows["level"] if "level" in rows.columns else pd.Series("commune", index=rows.index)
    communes = gpd.GeoDataFrame(rows[level == "commune"])
    findings: list[Finding] = []
    if "population" in rows.columns:
        for parent in (name for name in ("epci", "departement") if name in rows.columns):
            findings += ground_findings(communes, rows[level == parent], parent, layer=layer)
    if history is None or communes.empty:
        return findings
    communes = communes.assign(commune=communes["code"])
    findings += _commune_codes(communes, history, layer)
    if date:
        findings += absent_communes(communes["code"], history, date=date, layer=layer)
    return findings


def absent_communes(
    codes: pd.Series, history: CommuneHistory, *, date: str, layer: str
) -> list[Finding]:
    """Return one finding a département with communes in force on `date` that a table leaves out
    (``absent-commune``).

    Only the départements the table speaks of are judged.
    """
    present = set(codes)
    spoken = {code_history.departement_of_code(code) for code in present}
    expected = {
        code
        for code in history.lives
        if history.in_force(code, date) and code_history.departement_of_code(code) in spoken
    }
    missing = pd.Series(sorted(expected - present), dtype=object)
    findings = []
    for departement, rows in missing.groupby(missing.map(code_history.departement_of_code)):
        shown = ", ".join(rows.iloc[:5]) + (" ..." if len(rows) > 5 else "")
        findings.append(
            Finding(
                "absent-commune",
                layer,
                str(departement),
                (
                    f"Département {departement} : {len(rows)} commune(s) en vigueur au {date} "
                    f"absentes ({shown})."
                ),
                "info",
                remedy=(
                    "Tenez-les pour nulles si la source ne cite que les communes pourvues, sinon "
                    "complétez la table."
                ),
            )
        )
    return findings


# -- words


# Return which rows have no geometry, or an empty one.
def _is_missing(frame: gpd.GeoDataFrame) -> pd.Series:
    return frame.geometry.isna() | frame.geometry.is_empty


# Return a point as ``48,3762 N ; 0,2990 E``.
def _lonlat(point: shapely.Point) -> Message:
    east, west = Message("{lat} {hemisphere} ; {lon} E"), Message("{lat} {hemisphere} ; {lon} O")
    return (east if point.x >= 0 else west).given(
        lat=Figure(number, abs(point.y), (4,)),
        hemisphere="N" if point.y >= 0 else "S",
        lon=Figure(number, abs(point.x), (4,)),
    )
