"""What a study tells beside who is served: the edge effect, rules of law, measures, hours, the
error of communes.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import geopandas as gpd
import pandas as pd

from geoguichet.coverage.access import supply
from geoguichet.coverage.access.edge import (
    AggregationError,
    Edge,
    aggregation_error,
    edge_effect,
    edge_findings,
)
from geoguichet.coverage.access.legal import legal_table
from geoguichet.coverage.access.measures import measure_access
from geoguichet.coverage.access.rules import measure
from geoguichet.coverage.access.supply import HoursTold, meeting, near_services
from geoguichet.coverage.routers.impedance import Router
from geoguichet.coverage.study.study import Study
from geoguichet.floor.findings import Finding
from geoguichet.referentials.territories.territory import Territory


@dataclass(frozen=True, slots=True, eq=False)
class Beside:
    """What is told beside the answer; what the study does not ask for is missing or empty."""

    edge: Edge | None = None
    hours: tuple[HoursTold, ...] = ()
    #: See :func:`~geoguichet.coverage.access.legal.legal_table`.
    legal: pd.DataFrame | None = None
    #: See :func:`~geoguichet.coverage.access.measures.measure_access`.
    measures: pd.DataFrame | None = None
    #: Present when people are counted by cells.
    aggregation: AggregationError | None = None
    #: What was noticed at the edge and on the ways.
    findings: tuple[Finding, ...] = ()
    counters: dict[str, int] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """Return plain values, ready for JSON: what is missing is null."""
        told: dict[str, Any] = {}
        if self.edge is not None:
            told["edge"] = {
                "by_need": _records(self.edge.by_need),
                "people": self.edge.people,
                "counted": self.edge.counted,
                "services_outside": self.edge.known,
                "people_exposed": self.edge.exposed,
            }
        if self.hours:
            told["hours"] = [
                {
                    "need": one.need,
                    "open": one.counted,
                    "closed": one.closed,
                    "unknown": one.unknown,
                }
                | {"people_decided_by_unknown": one.people}
                for one in self.hours
            ]
        if self.legal is not None:
            told["legal"] = _records(self.legal)
        if self.measures is not None:
            told["measures"] = _records(self.measures)
        if self.aggregation is not None:
            names = ("people", "cells", "people_of_communes", "differently", "hidden", "alarmed")
            told["aggregation"] = {
                **{
                    name: getattr(self.aggregation, name)
                    for name in (*names, "white_by_cells", "white_by_communes")
                },
                "by_need": _records(self.aggregation.by_need),
            }
        return told


def beside(
    demand: gpd.GeoDataFrame,
    services: gpd.GeoDataFrame,
    every: gpd.GeoDataFrame,
    communes: gpd.GeoDataFrame | None,
    territory: Territory,
    study: Study,
    router: Router,
) -> tuple[gpd.GeoDataFrame, Beside]:
    """Return the measured demand with the columns of the measures asked for, and what is told
    beside the answer.

    ``services`` are those that count, ``every`` all of the layer; ``communes`` are the communes
    measured like the demand, when that is finer.
    """
    near = (
        near_services(territory, every, study)[0]
        if study.legal or _asks_moment(study)
        else services
    )
    bare = demand.drop(columns=[study.unit.column("slack"), "served"])

    def served(other: Study) -> pd.Series:
        answer: pd.Series = measure(bare, meeting(near, other), other, router)["served"]
        return answer

    measures = None
    if study.measures is not None:
        columns, measures = measure_access(demand, services, territory, study, router)
        demand = demand.join(columns)
    edge = edge_effect(demand, services, every, territory, study, router)
    strayed, counters = _strays(demand, services, router)
    told = Beside(
        edge=edge,
        hours=supply.told(near, study, demand, served) if _asks_moment(study) else (),
        legal=legal_table(demand, near, territory, study, router) if study.legal else None,
        measures=measures,
        aggregation=None if communes is None else aggregation_error(demand, communes, study),
        findings=(*strayed, *edge_findings(edge, study)),
        counters=counters,
    )
    return demand, told


def _strays(
    demand: gpd.GeoDataFrame, services: gpd.GeoDataFrame, router: Router
) -> tuple[list[Finding], dict[str, int]]:
    """Name one by one the points and the services that the router measures badly, and count the
    people and the services.
    """
    findings, counters = [], {}
    for layer, who, frame in (("communes", "people", demand), ("services", "services", services)):
        for stray in router.strays(frame.geometry):
            strayed = frame[stray.which]
            count = strayed["people"].sum() if frame is demand else len(strayed)
            counters[f"{who}_{stray.counted}"] = int(count)
            findings += [
                Finding(stray.rule, layer, str(item), stray.why.given(name=name))
                for item, name in strayed["name"].items()
            ]
    return findings, counters


def _asks_moment(study: Study) -> bool:
    return any(need.open_at is not None for need in study.needs)


def _records(table: pd.DataFrame) -> list[dict[str, Any]]:
    """Return the rows as plain values, missing numbers null."""
    plain = table.astype(object).where(table.notna(), None)
    return [
        {str(key): _plain(value) for key, value in row.items()} for row in plain.to_dict("records")
    ]


def _plain(value: Any) -> Any:
    return value.item() if hasattr(value, "item") else value
