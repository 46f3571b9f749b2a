"""Measures of access beside who is served: what each place reaches, its fair share of it, and how
unequal that is.
"""

from collections.abc import Iterator, Sequence

import geopandas as gpd
import numpy as np
import pandas as pd
from scipy import sparse

from geoguichet.coverage.access.rules import able_services
from geoguichet.coverage.errors import FrameError
from geoguichet.coverage.routers.impedance import CostMatrix, Floats, Router
from geoguichet.coverage.study.study import MeasuresChoice, Need, Study
from geoguichet.referentials.territories.territory import Territory

# How much each place can reach: opportunities within a limit, and services shared among those who
# compete for them.
#
# Every measure takes a :class:`CostMatrix` and gives one number per origin. Where nothing is in
# reach it is 0, never missing: a white zone has no access, and it counts as such in every mean.

#: Upper limits of cost, increasing, each with the weight of what lies within it (and beyond the one
#: before).
type Bands = Sequence[tuple[float, float]]

#: Luo & Qi (2009): 10, 20 and 30 minutes, slow decay.
LUO_QI_S: Bands = ((600.0, 1.0), (1_200.0, 0.68), (1_800.0, 0.22))


def cumulative(matrix: CostMatrix, opportunities: Floats, *, limit: float) -> Floats:
    """Return what each origin reaches at a cost ``<= limit``: the sum of the opportunities (Hansen
    1959, cut-off).
    """
    _check("opportunités", opportunities, matrix.shape[1])
    return np.asarray(_weights(matrix, ((limit, 1.0),)) @ opportunities)


def two_step(matrix: CostMatrix, people: Floats, supply: Floats, *, bands: Bands) -> Floats:
    """Return the supply per person within reach, by the two-step floating catchment area.

    One band of weight 1 is the 2SFCA (Luo & Wang 2003), several are the E2SFCA (Luo & Qi 2009).
    First each service divides its supply by the weighted people who reach it, then each origin adds
    the weighted ratios it reaches.

    The sum over origins of people times access is the supply of the services that anybody reaches:
    nothing is lost.

    Raises
    ------
    FrameError People or supply are missing, negative, or not as many as the matrix has; bands do
        not increase.
    """
    _check("habitants", people, matrix.shape[0])
    _check("offre", supply, matrix.shape[1])
    weight = _weights(matrix, bands)
    demanded = weight.T @ people
    ratio = np.divide(supply, demanded, out=np.zeros(len(supply)), where=demanded > 0)
    return np.asarray(weight @ ratio)


# Return the weight of each pair, 0 beyond the last band.
def _weights(matrix: CostMatrix, bands: Bands) -> sparse.csr_array:
    limits = np.array([limit for limit, _ in bands])
    if not len(limits) or (np.diff(limits) <= 0).any():
        raise FrameError(f"des limites croissantes sont attendues, {limits.tolist()} est donné.")
    band = np.searchsorted(limits, matrix.cost, side="left")  # a cost equal to a limit is within it
    value = np.append([weight for _, weight in bands], 0.0)[band]
    return sparse.csr_array((value, (matrix.origin, matrix.destination)), shape=matrix.shape)


def _check(what: str, values: Floats, length: int) -> None:
    if len(values) != length or not np.isfinite(values).all() or (values < 0).any():
        raise FrameError(f"{what} : {length} nombres finis et positifs ou nuls sont attendus.")


# How unequally access is shared among people: Gini, Palma, and the poverty of access.


def gini(access: Floats, people: Floats) -> float:
    """Return the Gini index (1912), each place weighted by its people: 0 all equal, near 1 one
    place has all.

    Half the mean absolute difference between two people, over the mean. 0 when nobody has any
    access.
    """
    access, people = _checked(access, people)
    order = np.argsort(access, kind="stable")
    held, share = (access * people)[order], people[order] / people.sum()
    total = held.sum()
    if total == 0:
        return 0.0
    before = np.append(0.0, np.cumsum(held)[:-1]) / total
    return float(1.0 - np.sum(share * (2 * before + held / total)))


def palma(access: Floats, people: Floats) -> float:
    """Return what the tenth of people with most access has, over what the four tenths with least
    have (Palma 2011).

    People of a place at a border are divided. Infinite when the four tenths have nothing and the
    tenth something; 1 when nobody has anything.
    """
    access, people = _checked(access, people)
    order = np.argsort(access, kind="stable")
    counted = np.append(0.0, np.cumsum(people[order])) / people.sum()
    held = np.append(0.0, np.cumsum((access * people)[order]))
    low = float(np.interp(0.4, counted, held))
    high = float(held[-1] - np.interp(0.9, counted, held))
    return high / low if low > 0 else (1.0 if high == 0 else np.inf)


def poverty(access: Floats, people: Floats, *, line: float, alpha: float = 0.0) -> float:
    """Return the poverty of access (Foster, Greer & Thorbecke 1984) under a line.

    ``alpha`` 0: the share of people whose access is below the line; 1: how far below on average, as
    a share of the line (0 for those above); 2: the same squared, so that the worst off count most.

    Raises
    ------
    FrameError
        The line is not positive.
    """
    access, people = _checked(access, people)
    if not line > 0:
        raise FrameError(f"un seuil positif est attendu, {line} est donné.")
    short = access < line
    gap = np.where(short, (line - access) / line, 0.0)
    return float(np.sum(people * np.where(short, gap**alpha, 0.0)) / people.sum())


def _checked(access: Floats, people: Floats) -> tuple[Floats, Floats]:
    access, people = np.asarray(access, dtype=np.float64), np.asarray(people, dtype=np.float64)
    if len(access) != len(people) or not (np.isfinite(access).all() and np.isfinite(people).all()):
        raise FrameError(
            "un accès fini par lieu est attendu ; un lieu sans accès vaut 0, pas une valeur "
            "manquante."
        )
    if (access < 0).any() or (people < 0).any() or not people.sum() > 0:
        raise FrameError(
            "des accès et des habitants positifs ou nuls sont attendus, et au moins un habitant."
        )
    return access, people


#: The catchment measures are told for as many people.
PER_PEOPLE = 10_000

#: Of the table of :func:`measure_access`: ``mean`` weighted by people; ``nothing``: people who
#: reach nothing at all; ``palma`` missing when the four tenths of people with least reach nothing;
#: ``poverty`` and ``poverty_depth``: share of people under the poverty line, and how far under on
#: average (Foster, Greer & Thorbecke 1984, orders 0 and 1).
COLUMNS = (
    "need",
    "kind",
    "code",
    "name",
    "people",
    "mean",
    "nothing",
    "gini",
    "palma",
    "poverty",
    "poverty_depth",
)


def measure_access(
    demand: gpd.GeoDataFrame,
    services: gpd.GeoDataFrame,
    territory: Territory,
    study: Study,
    router: Router,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return a column of access per need and kind at each demand point, and the table by
    département and in all.

    The catchment of a need is its threshold. ``cumulative`` counts what is within it; ``2sfca``
    shares each service among those within it (Luo & Wang 2003), ``e2sfca`` with the weights 1,
    0.68, 0.22 for its thirds (Luo & Qi 2009), both for :data:`PER_PEOPLE` people. The poverty line
    is a share of the territory's mean, the same everywhere.
    """
    choice = study.measures or MeasuresChoice()
    people = demand["people"].to_numpy(float)
    columns: dict[str, Floats] = {}
    rows: list[dict[str, object]] = []
    for need in study.needs:
        able = able_services(services, need.key)
        supply = _supply(able, choice)
        matrix = router.costs(demand.geometry, able.geometry, limit=need.within)
        for kind in choice.kinds:
            if kind == "cumulative":
                access = cumulative(matrix, supply, limit=need.within)
            else:
                access = two_step(matrix, people, supply, bands=bands(need, kind)) * PER_PEOPLE
            columns[f"{need.key}_{kind}"] = access
            rows += _rows(need.key, kind, access, demand, territory, choice)
    return pd.DataFrame(columns, index=demand.index), pd.DataFrame(rows, columns=list(COLUMNS))


def bands(need: Need, kind: str) -> Bands:
    """Return the bands of a floating catchment: the whole threshold, or its thirds with Luo & Qi's
    weights.
    """
    if kind == "2sfca":
        return ((need.within, 1.0),)
    whole = LUO_QI_S[-1][0]
    return tuple((need.within * limit / whole, weight) for limit, weight in LUO_QI_S)


def _supply(services: gpd.GeoDataFrame, choice: MeasuresChoice) -> Floats:
    return (
        np.ones(len(services))
        if choice.supply == "count"
        else services["hours_per_week"].fillna(0.0).to_numpy(float)
    )


def _rows(
    need: str,
    kind: str,
    access: Floats,
    demand: gpd.GeoDataFrame,
    territory: Territory,
    choice: MeasuresChoice,
) -> Iterator[dict[str, object]]:
    people = demand["people"].to_numpy(float)
    if not people.sum() > 0:
        return
    line = choice.poverty_line * float(np.average(access, weights=people))
    places = [
        *territory.departements[["code", "name"]].itertuples(index=False),
        ("", territory.name),
    ]
    for code, name in places:
        here = (
            (demand["departement"] == code).to_numpy() if code else np.ones(len(demand), dtype=bool)
        )
        held, weight = access[here], people[here]
        if not weight.sum() > 0:
            continue
        share = palma(held, weight)
        yield {
            "need": need,
            "kind": kind,
            "code": str(code),
            "name": str(name),
            "people": int(weight.sum()),
            "mean": float(np.average(held, weights=weight)),
            "nothing": int(weight[held == 0].sum()),
            "gini": gini(held, weight),
            "palma": share if np.isfinite(share) else np.nan,
            "poverty": poverty(held, weight, line=line) if line > 0 else np.nan,
            "poverty_depth": poverty(held, weight, line=line, alpha=1.0) if line > 0 else np.nan,
        }
