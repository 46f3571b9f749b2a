"""The slack over the ground as a Cloud Optimized GeoTIFF: tiled, with overviews, readable from a
distance.
"""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import rasterio
from rasterio.errors import RasterioError
from rasterio.io import MemoryFile
from rasterio.shutil import copy

from geoguichet.coverage.errors import OutputError
from geoguichet.coverage.result import CoverageResult
from geoguichet.floor.words import Message, _, speaking
from geoguichet.referentials.layers import METRIC

NODATA = -999_999.0


def write(result: CoverageResult, path: Path) -> None:
    """Write ``surface.tif`` (EPSG:2154, float32): band 1 the slack in seconds or metres, band 2 who
    is served.

    Band 1 has no data outside the territory and where the rule cannot be met at any threshold; band
    2 is 1 where the rule is met, 0 where it is not, with no data outside: a place out of reach of
    everything is unserved, not unknown.

    Raises
    ------
    OutputError
        The file could not be written.
    """
    surface = result.surface
    if surface is None:
        raise OutputError(
            Message(
                "{file} : l'étude n'a pas de surface ; demandez-la par zones.surface = true",
                file=path.name,
            )
        )
    known = surface.inside & np.isfinite(surface.slack)
    slack = np.where(known, surface.slack, NODATA)
    served = np.where(surface.inside, (surface.slack >= 0).astype(np.float32), NODATA)
    profile = {
        "driver": "GTiff",
        "height": slack.shape[0],
        "width": slack.shape[1],
        "count": 2,
        "dtype": "float32",
        "crs": METRIC,
        "transform": surface.transform,
        "nodata": NODATA,
    }
    with speaking(result.study.language, typeset=True):
        bands = _("marge sous la règle, négative où elle manque"), _("règle tenue (1) ou non (0)")
        legend = _(
            "négatif : zone blanche ; 0 : au seuil, desservi ; positif : desservi ; sans valeur : "
            "hors du territoire ou hors d’atteinte (voir la bande 2)"
        )
    try:
        with MemoryFile() as memory:
            with memory.open(**profile) as plain:
                plain.write(np.stack([slack, served]).astype(np.float32))
                plain.descriptions = bands
                plain.units = (surface.unit, "")
                plain.update_tags(
                    study=result.study.id, title=result.study.title, unit=surface.unit
                )
                plain.update_tags(1, legend=legend)
            with memory.open() as plain, warnings.catch_warnings():
                warnings.simplefilter("ignore", rasterio.errors.NotGeoreferencedWarning)
                copy(
                    plain,
                    path,
                    driver="COG",
                    BLOCKSIZE=256,
                    COMPRESS="DEFLATE",
                    PREDICTOR="YES",
                    OVERVIEWS="IGNORE_EXISTING",
                    RESAMPLING="NEAREST",
                    NUM_THREADS=1,
                )
    except RasterioError as error:
        raise OutputError(
            Message("{file} : la surface n'a pas pu être écrite ({why})", file=path.name, why=error)
        ) from error
