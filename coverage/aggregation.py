"""What counting people by commune instead of by cell gets wrong (Hillsman & Rhoda 1978; Current & Schilling 1990)."""

from __future__ import annotations

from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import pandas as pd

from geoguichet.coverage.study import Study


@dataclass(frozen=True, slots=True, eq=False)
class AggregationError:
    """The answer by communes against the answer by cells, for the people of the cells.

    ``by_need``: one row per need; columns need, mean_absolute (of the difference of cost between a person's cell and
    the point of the commune, weighted by people), mean (commune minus cell: negative when communes flatter), people
    (of whom both are known); in the unit of the study.
    """

    people: int
    cells: int
    people_of_communes: int
    """What the communes count, those that have a cell."""
    differently: int
    """People served by one answer and not by the other."""
    hidden: int
    """People of those whom the communes call served, and their cell unserved."""
    alarmed: int
    """People of those whom the communes call unserved, and their cell served."""
    white_by_cells: int
    white_by_communes: int
    by_need: pd.DataFrame


def aggregation_error(cells: gpd.GeoDataFrame, communes: gpd.GeoDataFrame, study: Study) -> AggregationError:
    """Compare the cells (with their ``commune``) to the communes, both measured against the same services."""
    people = cells["people"].to_numpy(float)
    of = communes.reindex(cells["commune"])
    coarse, fine = of["served"].to_numpy(bool), cells["served"].to_numpy(bool)
    rows = []
    for need in study.needs:
        column = f"{need.key}_{study.unit}"
        apart = of[column].to_numpy(float) - cells[column].to_numpy(float)
        known = np.isfinite(apart) & (people > 0)
        weight = people[known]
        both = (np.abs(apart[known]), apart[known])
        means = [float(np.average(value, weights=weight)) if weight.sum() else np.nan for value in both]
        rows.append((need.key, *means, int(weight.sum())))
    return AggregationError(
        people=int(people.sum()),
        cells=len(cells),
        people_of_communes=int(communes.loc[cells["commune"].unique(), "people"].sum()),
        differently=int(people[coarse != fine].sum()),
        hidden=int(people[coarse & ~fine].sum()),
        alarmed=int(people[~coarse & fine].sum()),
        white_by_cells=int(people[~fine].sum()),
        white_by_communes=int(people[~coarse].sum()),
        by_need=pd.DataFrame(rows, columns=["need", "mean_absolute", "mean", "people"]),
    )
