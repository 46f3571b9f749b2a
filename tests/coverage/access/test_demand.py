"""People as they are counted: no fraction is lost, and a file's own scale and fillers are heard."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import rasterio

from geoguichet.coverage.access import demand
from geoguichet.coverage.study.study import CellsChoice


@pytest.mark.parametrize(
    ("people", "areas"),
    [
        ([0.4] * 100, ["31"] * 100),
        ([0.5] * 7, ["09", "31"] * 3 + ["09"]),
        ([1.6, 0.0, 2.7, 3.9], ["a", "b", "a", "b"]),
        ([12.0, 7.0, 0.0], ["a", "a", "b"]),
    ],
)
def test_rounding_keeps_the_sum_of_each_area(people: list[float], areas: list[str]) -> None:
    rounded = demand._whole(pd.Series(people), pd.Series(areas))
    apart = rounded.groupby(areas).sum() - pd.Series(people).groupby(areas).sum()
    assert (apart.abs() <= 0.5).all() and (abs(rounded - np.array(people)) < 1).all()


def grid(path: Path, values: np.ndarray, **tags: float) -> Path:
    scale, offset = tags.pop("scale", 1.0), tags.pop("offset", 0.0)
    height, width = values.shape
    with rasterio.open(
        path,
        "w",
        driver="GTiff",
        height=height,
        width=width,
        count=1,
        dtype=values.dtype,
        crs="EPSG:2154",
        transform=rasterio.Affine(200, 0, 560_000, 0, -200, 6_280_000),
        **tags,
    ) as out:
        out.write(values, 1)
        out.scales, out.offsets = (scale,), (offset,)
    return path


@pytest.mark.parametrize(
    ("values", "tags", "people"),
    [
        (np.array([[100, 25]], dtype="uint16"), {"scale": 0.1}, [10, 2.5]),
        (np.array([[100, 25]], dtype="int16"), {"scale": 2.0, "offset": -50.0}, [150, 0]),
        (np.array([[7, 9]], dtype="uint8"), {"offset": 1.0}, [8, 10]),
        (np.array([[7, 255]], dtype="uint8"), {}, [7, 255]),
        (np.array([[7, 65_535]], dtype="uint16"), {}, [7, np.nan]),
        (np.array([[7, 4_294_967_295]], dtype="uint32"), {"scale": 0.5}, [3.5, np.nan]),
        (np.array([[7, 3]], dtype="uint16"), {"nodata": 3}, [7]),
        (np.array([[7, np.nan, 2]], dtype="float32"), {}, [7, 2]),
    ],
)
def test_the_scale_the_offset_and_the_fillers_of_a_raster_are_heard(
    values: np.ndarray, tags: dict[str, float], people: list[float], tmp_path: Path
) -> None:
    read = demand.read(grid(tmp_path / "gens.tif", values, **tags), CellsChoice("gens.tif"))
    assert read.table["people"].tolist() == pytest.approx(people, nan_ok=True)
