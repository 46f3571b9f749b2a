"""The service points of a study: their types (the taxonomy), what their layer must hold, checked
once, and the stops of itinerant services.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from geoguichet.floor.errors import LayerError, UsageError
from geoguichet.floor.files import read_toml, refused
from geoguichet.floor.words import Message, _, language
from geoguichet.referentials.directory.hours import WEEKDAYS_FR
from geoguichet.referentials.directory.hours import weekly_hours as weekly_hours
from geoguichet.referentials.layers import LONLAT, check_columns, check_text, read_layer
from geoguichet.referentials.territories.gazetteer import plain

# What kinds of public counters there are, what each source calls them, and which one answers a
# citizen's need: the tables of ``taxonomy.toml``.


@dataclass(frozen=True, slots=True)
class ServiceType:
    """A kind of public counter."""

    #: What it is called in studies and layers.
    key: str
    label_fr: str
    plural_fr: str
    label_en: str
    plural_en: str
    #: Categories of the DILA directory (2013, 2020 or today's) that are this type.
    directory: tuple[str, ...]
    #: Equipment codes (TYPEQU) of INSEE's BPE, all years, that are this type.
    bpe: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CitizenNeed:
    """Something a citizen comes for, in the words they would use, and the counters where it is
    done.
    """

    key: str
    label_fr: str
    label_en: str
    #: Keys of ``SERVICE_TYPES`` where it can be done, the most direct first.
    types: tuple[str, ...]
    #: What the type alone does not say.
    note_fr: str


#: The type of a row whose category is in no list: kept, and said.
OTHER = "other_service"

#: The taxonomy we ship.
TAXONOMY = Path(__file__).with_name("taxonomy.toml")
_DECLARED = read_toml(TAXONOMY)

#: The taxonomy, by key. A commune has one ``town_hall``; former communes may keep a
#: ``town_hall_annex``.
SERVICE_TYPES: Mapping[str, ServiceType]
#: The type of each category of the DILA directory; the rest are ``other_service``.
TYPE_OF_CATEGORY: Mapping[str, str]
#: The type of each BPE equipment code; the rest are not services of ours.
TYPE_OF_BPE: Mapping[str, str]

# What the three above are views of: `add_types` may add to them.
_types: dict[str, ServiceType] = {}
_categories: dict[str, str] = {}
_equipment: dict[str, str] = {}
SERVICE_TYPES = MappingProxyType(_types)
TYPE_OF_CATEGORY = MappingProxyType(_categories)
TYPE_OF_BPE = MappingProxyType(_equipment)


def _add(declared: Mapping[str, Any]) -> None:
    for key, table in declared.items():
        (one_fr, many_fr), (one_en, many_en) = table["fr"], table.get("en", table["fr"])
        kind = ServiceType(
            key,
            one_fr,
            many_fr,
            one_en,
            many_en,
            directory=tuple(table.get("directory", ())),
            bpe=tuple(table.get("bpe", ())),
        )
        _types[key] = kind
        _categories.update(dict.fromkeys(kind.directory, key))
        _equipment.update(dict.fromkeys(kind.bpe, key))


_add(_DECLARED["types"])


def add_types(path: Path) -> None:
    """Add the types of service that a workspace declares (``types.toml``) to the taxonomy, for the
    life of the process: before a study or a list is read.

    Raises
    ------
    UsageError
        The file is not TOML, holds anything but types, a type has not the form of those of
        ``taxonomy.toml``, or is one of ours, or takes a category or a code of another.
    """
    document = read_toml(path, kind=UsageError)
    declared = document.get("types", {})
    if set(document) - {"types"} or not isinstance(declared, dict):
        raise UsageError(
            Message(
                "{file} : des tables [types.…] sont attendues, et rien d'autre ; essayez : "
                "[types.cyber_base].",
                file=path,
            )
        )
    taken_by = {"directory": dict(_categories), "bpe": dict(_equipment)}
    for key, table in declared.items():
        if not (re.fullmatch(r"[a-z][a-z0-9_]*", key) and _is_type(table)):
            raise UsageError(
                Message(
                    "{file} : [types.{key}] attend une clé en minuscules sans accent et fr = "
                    '["singulier", "pluriel"] (en de même, directory et bpe des listes de mots), '
                    "rien d'autre.",
                    file=path,
                    key=key,
                )
            )
        taken = [
            word
            for name, owners in taken_by.items()
            for word in table.get(name, ())
            if owners.setdefault(word, key) != key
        ]
        if key in _DECLARED["types"] or taken:
            raise UsageError(
                Message(
                    "{file} : [types.{key}] reprend {what}, qui est déjà pris ; donnez-lui une "
                    "autre clé, d'autres catégories et d'autres codes.",
                    file=path,
                    key=key,
                    what=taken[0] if taken else key,
                )
            )
    _add(declared)


# Say whether a value describes a type: a singular and a plural, and the words it is known by.
def _is_type(table: object) -> bool:
    if not isinstance(table, dict) or not {"fr"} <= set(table) <= {"fr", "en", "directory", "bpe"}:
        return False
    are_texts = all(
        isinstance(value, list) and all(isinstance(word, str) and word for word in value)
        for value in table.values()
    )
    return are_texts and all(len(table[name]) == 2 for name in ("fr", "en") if name in table)


#: What citizens come for, by key: a need leads to the types of counters where it is met.
NEEDS: Mapping[str, CitizenNeed] = MappingProxyType(
    {
        key: CitizenNeed(key, need["fr"], need["en"], tuple(need["types"]), need.get("note", ""))
        for key, need in _DECLARED["needs"].items()
    }
)


def service_name(key: str, *, many: bool = False) -> str:
    """Return what a type of service is called in the language of the moment."""
    kind = SERVICE_TYPES.get(key)
    if kind is None:
        return _("Autre service")
    if language() == "en":
        return kind.plural_en if many else kind.label_en
    return kind.plural_fr if many else kind.label_fr


def plural_name(key: str) -> str:
    """Return what services of a type are called together."""
    return service_name(key, many=True)


#: What a layer of services must have; other columns are carried along.
SERVICE_COLUMNS = ("id", "type", "name")

#: What stands in a column of the contract that the layer does not have.
DEFAULTS: Mapping[str, object] = MappingProxyType({"commune": None, "inside": True, "hours": None})


def read_services(path: Path, *, layer: str = "services") -> gpd.GeoDataFrame:
    """Read the service points, in EPSG:4326, in the order of the file.

    Where the file lacks them, columns are added: ``commune`` (missing), ``inside`` (true),
    ``hours`` (missing) and ``hours_per_week`` (worked out from ``hours``).

    Raises
    ------
    LayerError
        When the layer cannot be read or does not keep the contract of `check_services`.
    """
    services = read_layer(path, layer=layer, columns=SERVICE_COLUMNS)
    services = services.assign(
        **{key: value for key, value in DEFAULTS.items() if key not in services.columns}
    )
    if "hours_per_week" not in services.columns:
        services = services.assign(
            hours_per_week=[weekly_hours(text) for text in services["hours"]]
        )
    with refused(
        TypeError,
        ValueError,
        say=lambda error: (
            f"{path}, couche « {layer} » : la colonne « hours_per_week » attend des nombres "
            f"d'heures ({error})."
        ),
    ):
        services = services.assign(hours_per_week=pd.to_numeric(services["hours_per_week"]))
    check_services(services, where=f"{path}, couche « {layer} »")
    return services


def check_services(services: gpd.GeoDataFrame, *, where: str = "services") -> None:
    """Raise LayerError, with the offending rows, unless `services` keeps its contract.

    ``id``              text, unique
    ``type``            a key of ``SERVICE_TYPES``
    ``name``            text
    ``commune``         INSEE code of its commune; missing when unknown
    ``inside``          true when its commune belongs to the territory, false around it
    ``hours``           opening hours in OpenStreetMap's form; missing when unknown
    ``hours_per_week``  hours from 0 to 168; NaN when unknown
    ``geometry``        point in EPSG:4326; may be missing (a finding, not a refusal)

    Take the column as ``services["type"]``: ``services.type`` is geopandas' geometry type.
    """
    check_columns(
        services, (*SERVICE_COLUMNS, *DEFAULTS, "hours_per_week", "geometry"), where=where
    )
    check_text(services, ("type", "name", "commune"), where=where)
    ids = services["id"]
    _refuse(ids.isna() | ids.duplicated(), ids, "identifiant absent ou répété", where=where)
    _refuse(
        ~services["type"].isin(list(SERVICE_TYPES)),
        services["type"],
        f"type inconnu (connus : {', '.join(SERVICE_TYPES)})",
        where=where,
    )
    hours = services["hours_per_week"]
    _refuse(
        hours.notna() & ~hours.between(0, 168), ids, "hours_per_week hors de 0 à 168", where=where
    )
    kinds = services.geom_type
    _refuse(
        kinds.notna() & (kinds != "Point"), ids, "géométrie qui n'est pas un point", where=where
    )


# Raise LayerError with the line and value of the first `wrong` rows, if there are any.
def _refuse(wrong: pd.Series, shown: pd.Series, problem: str, *, where: str) -> None:
    positions = np.flatnonzero(wrong.to_numpy())
    if len(positions):
        rows = [f"ligne {position + 1} ({shown.iloc[position]})" for position in positions[:5]]
        more = ", ..." if len(positions) > 5 else ""
        raise LayerError(
            f"{where} : {problem} : {', '.join(rows)}{more} ; {len(positions)} ligne(s) en tout."
        )


# The stops of itinerant counters, read in what is published of them: which commune, which days.


#: Letters below which a commune's name is a word of the language first (Us, Oust but not Y).
SHORTEST = 4
_CLAUSE = re.compile(r"[,;\n/.]|\bet\b")
_DAY = rf"\b({'|'.join(WEEKDAYS_FR)})s?\b"
_DAYS, _RANGE = re.compile(_DAY), re.compile(rf"{_DAY}\s*(?:au|à|-)\s*{_DAY}")
_TWO_DAYS = re.compile(rf"{_DAY}\s*(?:,|et)\s*(?:les? )?(?={_DAY})")
COLUMNS = ("id", "service", "name", "commune", "commune_name", "days", "text", "geometry")


@dataclass(frozen=True, slots=True)
class Stop:
    """One commune where an itinerant counter says it stops."""

    commune: str
    #: French weekdays; empty when the text tells none for it.
    days: tuple[str, ...]
    #: The words it was read in.
    text: str


def read_stops(text: str, names: Mapping[str, str]) -> list[Stop]:
    """Return the stops told in a text: each commune named, with the days of its clause or, failing
    that, of the last.

    Parameters
    ----------
    names Plain name (``gazetteer.plain``) -> code, of the communes it may mean: those of the
        département.

    >>> [(stop.commune, stop.days) for stop in read_stops("lundis à Oust", {"oust": "09223"})]
    [('09223', ('lundi',))]
    """
    found: dict[str, Stop] = {}
    days: tuple[str, ...] = ()
    for clause in filter(
        None, map(str.strip, _CLAUSE.split(_TWO_DAYS.sub(r"\1 ", text.casefold())))
    ):
        days = _days(clause) or days
        for code in _communes(plain(clause), names):
            known = found.get(code)
            found[code] = Stop(
                code,
                tuple(day for day in WEEKDAYS_FR if day in {*(known.days if known else ()), *days}),
                clause if known is None else f"{known.text} ; {clause}",
            )
    return list(found.values())


# Return the weekdays of a clause, ``du lundi au mercredi`` being three.
def _days(clause: str) -> tuple[str, ...]:
    told = set(_DAYS.findall(clause))
    for first, last in _RANGE.findall(clause):
        told |= set(WEEKDAYS_FR[WEEKDAYS_FR.index(first) : WEEKDAYS_FR.index(last) + 1])
    return tuple(day for day in WEEKDAYS_FR if day in told)


# Yield the codes of the names in a clause, the longest names first, none inside another.
def _communes(words: str, names: Mapping[str, str]) -> Iterator[str]:
    left = f" {words} "
    for name in sorted((each for each in names if f" {each} " in left), key=len, reverse=True):
        if len(name) >= SHORTEST and f" {name} " in left:
            left = left.replace(f" {name} ", "  ")
            yield names[name]


def stops_of(
    services: gpd.GeoDataFrame, communes: gpd.GeoDataFrame, points: gpd.GeoSeries
) -> gpd.GeoDataFrame:
    """Return a row a stop of the itinerant rows of a directory, at the point of its commune.

    Parameters
    ----------
    communes
        code, name, departement.
    points
        Where each commune's stop is put, by code, in EPSG:4326: its town hall.
    """
    by_departement = {
        departement: dict(zip(rows["name"].map(plain), rows["code"], strict=True))
        for departement, rows in communes.groupby("departement")
    }
    labels = communes.set_index("code")["name"]
    rows = [
        (f"{service.id}/{stop.commune}", service.id, service.name, stop.commune,
        labels[stop.commune],
         " ".join(stop.days), stop.text, points.get(stop.commune))
        for service in services[services["itinerant"] & services["stops"].notna()].itertuples()
        for stop in read_stops(service.stops, by_departement.get(service.departement, {}))
    ]  # fmt: skip
    frame = pd.DataFrame(rows, columns=list(COLUMNS))
    return gpd.GeoDataFrame(
        frame.drop(columns="geometry"),
        geometry=[
            point if isinstance(point, shapely.Point) else None for point in frame["geometry"]
        ],
        crs=LONLAT,
    )
