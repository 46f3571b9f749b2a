"""The directory of service points: what kinds there are, where they stand and when they open."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import geopandas as gpd
import numpy as np
import pandas as pd

from geoguichet.referentials.errors import LayerError
from geoguichet.referentials.layers import check_columns, check_text, read_layer


@dataclass(frozen=True, slots=True)
class ServiceType:
    """A kind of public counter."""

    key: str
    """What it is called in studies and layers."""
    label_fr: str
    plural_fr: str
    label_en: str
    plural_en: str


SERVICE_TYPES: Mapping[str, ServiceType] = MappingProxyType(
    {
        kind.key: kind
        for kind in (
            ServiceType("town_hall", "mairie", "mairies", "town hall", "town halls"),
            ServiceType(
                "town_hall_annex",
                "mairie déléguée",
                "mairies déléguées",
                "delegated town hall",
                "delegated town halls",
            ),
            ServiceType("prefecture", "préfecture", "préfectures", "prefecture", "prefectures"),
            ServiceType("sous_prefecture", "sous-préfecture", "sous-préfectures", "sub-prefecture", "sub-prefectures"),
        )
    }
)
"""The taxonomy, by key. A commune has one ``town_hall``; former communes may keep a ``town_hall_annex``."""

SERVICE_COLUMNS = ("id", "type", "name")
"""What a layer of services must have; other columns are carried along."""

DEFAULTS: Mapping[str, object] = MappingProxyType({"commune": None, "inside": True, "hours": None})
"""What stands in a column of the contract that the layer does not have."""


def read_services(path: Path, *, layer: str = "services") -> gpd.GeoDataFrame:
    """Read the service points, in EPSG:4326, in the order of the file.

    Where the file lacks them, columns are added: ``commune`` (missing), ``inside`` (true), ``hours``
    (missing) and ``hours_per_week`` (worked out from ``hours``).

    Raises
    ------
    LayerError
        When the layer cannot be read or does not keep the contract of `check_services`.
    """
    services = read_layer(path, layer=layer, columns=SERVICE_COLUMNS)
    absent = {key: value for key, value in DEFAULTS.items() if key not in services.columns}
    services = services.assign(**absent)
    if "hours_per_week" not in services.columns:
        services = services.assign(hours_per_week=[weekly_hours(text) for text in services["hours"]])
    try:
        services = services.assign(hours_per_week=pd.to_numeric(services["hours_per_week"]))
    except (TypeError, ValueError) as error:
        raise LayerError(
            f"{path}, couche « {layer} » : la colonne « hours_per_week » attend des nombres d'heures ({error})."
        ) from error
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
    check_columns(services, (*SERVICE_COLUMNS, *DEFAULTS, "hours_per_week", "geometry"), where=where)
    check_text(services, ("type", "name", "commune"), where=where)
    ids = services["id"]
    _refuse(ids.isna() | ids.duplicated(), ids, "identifiant absent ou répété", where=where)
    known = ", ".join(SERVICE_TYPES)
    _refuse(
        ~services["type"].isin(list(SERVICE_TYPES)),
        services["type"],
        f"type inconnu (connus : {known})",
        where=where,
    )
    hours = services["hours_per_week"]
    _refuse(hours.notna() & ~hours.between(0, 168), ids, "hours_per_week hors de 0 à 168", where=where)
    kinds = services.geom_type
    _refuse(kinds.notna() & (kinds != "Point"), ids, "géométrie qui n'est pas un point", where=where)


def _refuse(wrong: pd.Series, shown: pd.Series, problem: str, *, where: str) -> None:
    """Raise LayerError with the line and value of the first `wrong` rows, if there are any."""
    positions = np.flatnonzero(wrong.to_numpy())
    if len(positions):
        rows = [f"ligne {position + 1} ({shown.iloc[position]})" for position in positions[:5]]
        more = ", ..." if len(positions) > 5 else ""
        raise LayerError(f"{where} : {problem} : {', '.join(rows)}{more} ; {len(positions)} ligne(s) en tout.")


# --------------------------------------------------------------------------------------------- opening hours

DAYS = ("Mo", "Tu", "We", "Th", "Fr", "Sa", "Su")
_SPAN = re.compile(r"(\d{1,2}):(\d{2})\s*-\s*(\d{1,2}):(\d{2})")
_RULE = re.compile(r"(?P<days>[A-Za-z]{2}(?:\s*[-,]\s*[A-Za-z]{2})*)?\s*(?P<times>.*)", re.DOTALL)


def weekly_hours(text: str | None) -> float | None:
    """Return how many hours a week a text in OpenStreetMap's ``opening_hours`` form is open.

    Understood: weekdays, ranges of weekdays, several spans a day, spans past midnight, ``off`` and ``24/7``;
    a later rule replaces an earlier one for its days, overlapping spans count once, holidays are left aside.
    Anything else (months, weeks, dates, sunset ...) is not guessed.

    Returns
    -------
    float or None
        Hours, or None when the text is missing, blank or not understood.

    >>> weekly_hours("Mo-Th 09:00-12:00,14:00-17:00; Fr 09:00-12:00")
    27.0
    """
    if not isinstance(text, str) or not text.strip():
        return None
    if text.strip() == "24/7":
        return 168.0
    minutes = dict.fromkeys(DAYS, 0)
    for rule in filter(None, (part.strip() for part in text.split(";"))):
        if rule.startswith(("PH", "SH")):
            continue
        match = _RULE.fullmatch(rule)
        days = _days(match["days"]) if match else None
        open_minutes = _open_minutes(match["times"]) if match else None
        if days is None or open_minutes is None:
            return None
        minutes.update(dict.fromkeys(days, open_minutes))
    return sum(minutes.values()) / 60


def _days(text: str | None) -> list[str] | None:
    """Return the weekdays of ``Mo-We,Fr`` (all of them when nothing is said); None when one is unknown."""
    if not text:
        return list(DAYS)
    chosen: list[str] = []
    for part in text.replace(" ", "").split(","):
        first, _, last = part.partition("-")
        if first not in DAYS or (last or first) not in DAYS:
            return None
        start, end = DAYS.index(first), DAYS.index(last or first)
        chosen.extend(DAYS[start : end + 1] if start <= end else DAYS[start:] + DAYS[: end + 1])
    return chosen


def _open_minutes(text: str) -> int | None:
    """Return the minutes covered by ``09:00-12:00,14:00-17:00`` or ``off``; None when not understood."""
    if text.strip() in {"off", "closed"}:
        return 0
    covered = np.zeros(48 * 60, dtype=bool)  # two days, for the spans past midnight
    for part in text.split(","):
        match = _SPAN.fullmatch(part.strip())
        if match is None:
            return None
        opens = int(match[1]) * 60 + int(match[2])
        closes = int(match[3]) * 60 + int(match[4])
        if max(int(match[2]), int(match[4])) > 59 or opens >= 24 * 60 or closes > 26 * 60 or opens == closes:
            return None
        covered[opens : closes if closes > opens else closes + 24 * 60] = True
    return int(covered.sum())
