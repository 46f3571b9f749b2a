"""The service points of a study: what their layer must hold, checked once."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

import geopandas as gpd
import numpy as np
import pandas as pd

from geoguichet.floor.errors import LayerError
from geoguichet.floor.words import _, language
from geoguichet.referentials.directory.hours import weekly_hours as weekly_hours
from geoguichet.referentials.directory.taxonomy import SERVICE_TYPES as SERVICE_TYPES
from geoguichet.referentials.directory.taxonomy import ServiceType as ServiceType
from geoguichet.referentials.layers import check_columns, check_text, read_layer


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
    absent = {key: value for key, value in DEFAULTS.items() if key not in services.columns}
    services = services.assign(**absent)
    if "hours_per_week" not in services.columns:
        services = services.assign(
            hours_per_week=[weekly_hours(text) for text in services["hours"]]
        )
    try:
        services = services.assign(hours_per_week=pd.to_numeric(services["hours_per_week"]))
    except (TypeError, ValueError) as error:
        raise LayerError(
            f"{path}, couche « {layer} » : la colonne « hours_per_week » attend des nombres "
            f"d'heures ({error})."
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
    check_columns(
        services, (*SERVICE_COLUMNS, *DEFAULTS, "hours_per_week", "geometry"), where=where
    )
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
    _refuse(
        hours.notna() & ~hours.between(0, 168), ids, "hours_per_week hors de 0 à 168", where=where
    )
    kinds = services.geom_type
    _refuse(
        kinds.notna() & (kinds != "Point"), ids, "géométrie qui n'est pas un point", where=where
    )


def _refuse(wrong: pd.Series, shown: pd.Series, problem: str, *, where: str) -> None:
    """Raise LayerError with the line and value of the first `wrong` rows, if there are any."""
    positions = np.flatnonzero(wrong.to_numpy())
    if len(positions):
        rows = [f"ligne {position + 1} ({shown.iloc[position]})" for position in positions[:5]]
        more = ", ..." if len(positions) > 5 else ""
        raise LayerError(
            f"{where} : {problem} : {', '.join(rows)}{more} ; {len(positions)} ligne(s) en tout."
        )
