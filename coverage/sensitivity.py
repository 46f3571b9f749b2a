"""How sure a white zone and the sites of a plan are: the same study under other thresholds, speeds and
data, and the whole curve behind them.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd

from geoguichet.coverage.access.demand import people_of_cells
from geoguichet.coverage.access.rules import is_served, slack_under, undecided_under, white
from geoguichet.coverage.errors import SensitivityError
from geoguichet.coverage.manifest import CoverageResult
from geoguichet.coverage.robustness import Robustness, robustness
from geoguichet.coverage.routers.impedance import Floats
from geoguichet.coverage.run import find_white_zones
from geoguichet.coverage.shown import Shown
from geoguichet.coverage.study.study import Study, ZoneChoice, a_study
from geoguichet.coverage.zones.drawing import partition
from geoguichet.floor.words import Message, _

type Sureness = Literal["certain", "likely", "possible", "never"]

#: Unserved in every scenario; in half of them or more; in some; in none.
SURENESS: tuple[Sureness, ...] = ("certain", "likely", "possible", "never")
THRESHOLDS = (0.8, 0.9, 1.0, 1.1, 1.2)
CONGESTION = (0.9, 1.0, 1.15, 1.3)
_STEP = {"m": 1_000.0, "s": 60.0}
_MOST_STEPS = 240


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Sensitivity(Shown):
    """What other assumptions would say of a ``result``.

    ``demand``: that of the study, with ``share`` (share of the scenarios in which the row is
    unserved, 0..1) and ``sureness`` (one of :data:`SURENESS`).

    ``scenarios``: one row each; columns thresholds (factor), congestion (factor of car times; NaN
    where speeds do not apply), people, communes (rows unserved), share (of the people).

    ``classes``: one row per sureness; columns sureness, communes, people, share and the groups.

    ``curve``: columns curve (``rule`` or the key of a need), congestion, x (seconds or metres),
    people, share. For a need: people farther than x from it. For the rule: people still unserved if
    every threshold were x longer (shorter, for a negative x). Exact at every x.
    """

    result: CoverageResult
    demand: gpd.GeoDataFrame
    scenarios: pd.DataFrame
    classes: pd.DataFrame
    curve: pd.DataFrame
    #: What is drawn of each row of the demand: its commune or its cell, without overlaps.
    ground: gpd.GeoSeries
    #: How sure the sites are, where the study asks for a plan.
    plan: Robustness | None = None

    @property
    def layers(self) -> Mapping[str, gpd.GeoDataFrame]:
        """The ground of each class of sureness that some people are in, and the people."""
        ground = self.demand.set_geometry(self.ground)[self.demand["share"] > 0]
        return {"white_zones": ground, "demand": self.demand}

    @property
    def table(self) -> pd.DataFrame:
        """The ``classes``."""
        return self.classes

    @property
    def headline(self) -> str:
        """Between which numbers the people in white zones lie."""
        people = self.scenarios["people"]
        return _(
            "Selon {scenarios} scénarios, de {low} à {high} habitants vivent en "
            "zone blanche ; l’étude en compte {base}.",
            scenarios=len(people),
            low=int(people.min()),
            high=int(people.max()),
            base=int(self.demand.loc[white(self.demand), "people"].sum()),
        )

    @property
    def study(self) -> Study:
        """The study as it is asked, without its kiosks."""
        return self.result.study

    def as_dict(self) -> dict[str, Any]:
        """Return plain values, ready for JSON."""
        rows = pd.DataFrame(
            self.demand[self.demand["share"] > 0][
                ["name", "departement", "people", "share", "sureness"]
            ]
        ).reset_index(names="id")
        return {
            "study": self.study.id,
            "unit": self.study.unit,
            **{
                name: [
                    {str(key): None if value != value else value for key, value in row.items()}
                    for row in table.to_dict("records")
                ]
                for name, table in (
                    ("scenarios", self.scenarios),
                    ("classes", self.classes),
                    ("curve", self.curve),
                    ("demand", rows),
                    *(() if self.plan is None else self.plan.tables.items()),
                )
            },
        }


def sensitivity(
    study: Study,
    *,
    thresholds: Sequence[float] = THRESHOLDS,
    congestion: Sequence[float] = CONGESTION,
    vintages: Sequence[str | Path] = (),
    on_step: Callable[[str], None] = lambda _: None,
) -> Sensitivity:
    """Ask a study again with all its thresholds multiplied, and with car times multiplied where
    roads are driven.

    A full factorial design (Fisher 1935): every threshold meets every congestion, 1 is always among
    them. Zones are those of the counters
    alone; where the study asks for kiosks, its plan is asked again in each scenario.

    Parameters
    ----------
    study
        Of :func:`~geoguichet.read_study` or :func:`~geoguichet.parse_study`.
    thresholds
        Factors of all its thresholds, from 0.1 to 10.
    congestion
        Factors of its car times: they multiply its own congestion, in studies by road, by car, in
        minutes; elsewhere only the thresholds vary (a slower walk is a smaller threshold).
    vintages
        Other data for its plan: files, or columns of people
        (:func:`~geoguichet.coverage.robustness.robustness`).
    on_step
        Called with the name of each step as it starts.

    Returns
    -------
    Sensitivity
        Its ``scenarios``, its ``classes`` (certain, likely, possible) and the ``curve`` of all
        thresholds.

    Raises
    ------
    SensitivityError
        A factor is not between 0.1 and 10, or other data are given to a study without a plan.

    Examples
    --------
    After the example of :func:`~geoguichet.parse_study`:

    >>> answer = sensitivity(study, thresholds=[0.9, 1.0])
    >>> answer.classes[["sureness", "people"]].values.tolist()[:2]
    [['certain', 11287], ['likely', 4478]]
    >>> answer
    <Sensitivity : Selon 2 scénarios, de 11 287 à 15 765 habitants vivent en zone blanche ; l’étude en compte 11 287.>
    """
    driven = a_study(study).router.by_car and study.router.of_kind.congested
    slower = _factors("congestion", congestion) if driven else [1.0]
    factors = _factors("thresholds", thresholds)
    if vintages and study.kiosks is None:
        raise SensitivityError(
            Message(
                "--data : d'autres données disent si les lieux d'un plan tiennent, et l'étude n'en "
                "demande pas ; ajoutez-lui [kiosks], ou comparez avec « coverage compare »."
            )
        )
    asked = replace(study, kiosks=None, zones=ZoneChoice())
    results: dict[float, CoverageResult] = {}
    for factor in slower:
        on_step(_("temps de voiture × {factor}", factor=f"{factor:g}") if driven else _("étude"))
        router = replace(asked.router, congestion=asked.router.congestion * factor)
        results[factor] = find_white_zones(replace(asked, router=router))
    on_step(_("scénarios"))
    base = replace(results[1.0], study=asked)
    white = {
        (factor, slow): ~is_served(slack_under(asked.rule, margins(result.demand, asked, factor)))
        & ~undecided_under(
            result.demand, asked, margins(result.demand, asked, factor), factor=factor
        )
        for slow, result in results.items()
        for factor in factors
    }
    share = np.mean(list(white.values()), axis=0)
    demand = base.demand.assign(share=share, sureness=sureness_of(share))
    people = demand["people"].to_numpy(float)
    scenarios = pd.DataFrame(
        [
            {
                "thresholds": factor,
                "congestion": slow if driven else np.nan,
                "people": int(people[unserved].sum()),
                "communes": int(unserved.sum()),
                "share": float(people[unserved].sum() / max(people.sum(), 1)),
            }
            for (factor, slow), unserved in sorted(white.items())
        ]
    )
    curves = [
        _curves(result.demand, asked, slow if driven else np.nan)
        for slow, result in sorted(results.items())
    ]
    fine = people_of_cells(asked, base.territory)
    return Sensitivity(
        base,
        demand,
        scenarios,
        _classes(demand, asked),
        pd.concat(curves, ignore_index=True),
        partition(base.territory.polygons if fine is None else fine.shapes).reindex(demand.index),
        None
        if study.kiosks is None
        else robustness(
            study, study.kiosks, results, factors, vintages=[*map(Path, vintages)], on_step=on_step
        ),
    )


def margins(demand: gpd.GeoDataFrame, study: Study, factor: float = 1.0) -> dict[str, Floats]:
    """Return for each need its threshold times a factor, minus the cost (NaN where there is
    none).
    """
    return {
        need.key: need.within * factor - demand[study.unit.column(need.key)].to_numpy(float)
        for need in study.needs
    }


def sureness_of(share: Floats) -> npt.NDArray[np.object_]:
    """Return how sure it is that each row is unserved, from the share of the scenarios in which it
    is.
    """
    return np.select(
        [share >= 1, share >= 0.5, share > 0], list(SURENESS[:3]), default=SURENESS[3]
    ).astype(object)


def _factors(name: str, values: Sequence[float]) -> list[float]:
    wrong = [value for value in values if not 0.1 <= value <= 10]
    if wrong:
        raise SensitivityError(
            f"--{name} : des facteurs de 0,1 à 10 sont attendus, {wrong[0]:g} est donné ; essayez "
            ": 0.9,1,1.2."
        )
    return sorted({1.0, *values})


def _classes(demand: gpd.GeoDataFrame, study: Study) -> pd.DataFrame:
    counted = ["people", *study.demand.groups]
    whole = max(float(demand["people"].sum()), 1.0)
    rows = []
    for kind in SURENESS:
        members = demand[demand["sureness"] == kind]
        people = int(members["people"].sum())
        rows.append(
            {
                "sureness": kind,
                "communes": len(members),
                "people": people,
                "share": people / whole,
                **{name: round(float(members[name].sum())) for name in counted[1:]},
            }
        )
    return pd.DataFrame(rows)


# Return the people behind every threshold, for each need and for the rule.
def _curves(demand: gpd.GeoDataFrame, study: Study, congestion: float) -> pd.DataFrame:
    unit, people = study.unit, demand["people"].to_numpy(float)
    lacks = -slack_under(study.rule, margins(demand, study))
    tables = [_curve("rule", lacks, people, -min(need.within for need in study.needs), unit)]
    tables += [
        _curve(need.key, demand[unit.column(need.key)].to_numpy(float), people, 0.0, unit)
        for need in study.needs
    ]
    return pd.concat(tables, ignore_index=True).assign(congestion=congestion)[
        ["curve", "congestion", "x", "people", "share"]
    ]


# Return how many people have a cost above each step, those who have none always.
def _curve(name: str, cost: Floats, people: Floats, low: float, unit: str) -> pd.DataFrame:
    known = ~np.isnan(cost)
    step, top = _STEP[unit], cost[known].max(initial=0.0)
    first, last = np.ceil(low / step), min(np.ceil(top / step), np.ceil(low / step) + _MOST_STEPS)
    x = np.arange(first, max(last, first) + 1) * step
    order = np.argsort(cost[known], kind="stable")
    within = np.append(0.0, np.cumsum(people[known][order]))
    above = people.sum() - within[np.searchsorted(cost[known][order], x, side="right")]
    return pd.DataFrame(
        {
            "curve": name,
            "x": x,
            "people": above.round().astype(np.int64),
            "share": above / max(people.sum(), 1.0),
        }
    )
