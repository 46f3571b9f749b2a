"""What the people of the white zones lack, need by need, and what networks that exist already
(France services, La Poste) bring or would bring them.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio

from geoguichet.coverage.access.inputs import InputLayer
from geoguichet.coverage.access.rules import margins_of, met_with, white
from geoguichet.coverage.routers.impedance import Router
from geoguichet.coverage.study.study import Need, Study
from geoguichet.floor.words import Message
from geoguichet.referentials.territories.territory import Territory
from geoguichet.referentials.versions.store import SERVICES, ReferentialStore

#: Columns of the table of :func:`lacking_table`. ``level``: ``territory``, ``departement``,
#: ``epci``; ``lacking``: the needs that these people lack, they and no other, comma-separated.
COLUMNS = ("level", "code", "name", "lacking", "people")


def lacking_table(
    demand: gpd.GeoDataFrame, territory: Territory, study: Study, epci: Mapping[str, str]
) -> pd.DataFrame:
    """Return the people of the white zones by what they lack: one row per place and combination of
    needs.

    ``demand`` is measured; ``epci`` names the intercommunalities by code. Each person of a white
    zone is counted once a level, so that the rows of a place add up to its white zones; people of
    no known intercommunality are under the code "".
    """
    here = demand[white(demand)]
    short = {key: ~(margin >= 0) for key, margin in margins_of(here, study).items()}
    labels = [
        ",".join(key for key, lacks in short.items() if lacks[place]) for place in range(len(here))
    ]
    names = dict(zip(territory.departements["code"], territory.departements["name"], strict=True))
    places = {
        "territory": (pd.Series("", index=here.index), {"": territory.name}),
        "departement": (here["departement"], names),
        "epci": (here["epci"].fillna(""), epci),
    }
    rows = [
        (level, str(code), str(known.get(code, code)), lacking, int(people))
        for level, (codes, known) in places.items()
        for (code, lacking), people in here["people"]
        .groupby([codes.to_numpy(), np.array(labels, dtype=object)])
        .sum()
        .items()
    ]
    return pd.DataFrame(rows, columns=list(COLUMNS))


@dataclass(frozen=True, slots=True)
class Network:
    """Counters that exist in every region, which a study may not have counted."""

    key: str
    label: Message
    types: tuple[str, ...]
    #: The source that ``geoguichet referentials fetch`` knows.
    source: str


NETWORKS = (
    Network("france_services", Message("France services"), ("france_services",), "france-services"),
    Network(
        "la_poste",
        Message("La Poste"),
        ("post_office", "post_agency", "post_relay"),
        "laposte",
    ),
)


@dataclass(frozen=True, slots=True, eq=False)
class Baseline:
    """What existing networks cover, before any kiosk.

    ``table``: one row per network that the data hold and that answers no need of the study, and per
    need; columns network, counters (within the buffer), source (``study`` or the referential),
    need, lacking (people of white zones who lack the need), near (those of them who have one of its
    counters within the need's threshold), white (people in white zones if its counters met the need
    too, whatever their hours), white_before.
    """

    table: pd.DataFrame
    #: Networks that a need of the study counts already, and those that nobody holds here.
    counted: tuple[str, ...]
    missing: tuple[str, ...]
    inputs: tuple[InputLayer, ...] = ()


def baseline(
    demand: gpd.GeoDataFrame,
    services: gpd.GeoDataFrame,
    territory: Territory,
    study: Study,
    router: Router,
    workspace: Path | None = None,
) -> Baseline:
    """Measure what the networks that exist already would change.

    ``demand`` is measured and ``services`` are all those of the study's layer; a network that is
    not among them is looked for in the referentials of the ``workspace``.
    """
    asked = {kind for need in study.needs for kind in need.types}
    rows: list[dict[str, object]] = []
    counted, missing, inputs = list[str](), list[str](), list[InputLayer]()
    for network in NETWORKS:
        if asked & {*network.types}:
            counted.append(network.key)
            continue
        found, source = services[services["type"].isin(network.types)].geometry, "study"
        if found.empty and workspace is not None:
            for held, one in _held(network, workspace):
                found, source, inputs = held, one.name, [*inputs, one]
        found = found[found.notna() & ~found.is_empty]
        found = found[found.within(territory.buffer(study.territory.buffer_m))]
        if found.empty:
            missing.append(network.key)
            continue
        cost = router.nearest(demand.geometry, found).cost
        rows += [
            {"network": network.key, "counters": len(found), "source": source}
            | _with_network(demand, study, need, cost)
            for need in study.needs
        ]
    return Baseline(pd.DataFrame(rows), tuple(counted), tuple(missing), tuple(inputs))


# Yield the counters of a network in the newest referential that has some, with what was read.
def _held(network: Network, workspace: Path) -> Iterator[tuple[gpd.GeoSeries, InputLayer]]:
    store = ReferentialStore(workspace / "referentials")
    versions = [store.find(name) for name in store.names()]
    kinds = ", ".join(f"'{kind}'" for kind in network.types)
    for version in sorted(versions, key=lambda version: version.imported, reverse=True):
        if version.kind != SERVICES:
            continue
        path = store.path(version)
        rows = pyogrio.read_dataframe(
            path, layer=SERVICES, columns=["type"], where=f"type IN ({kinds})"
        )
        if rows.geometry.notna().any():
            yield (
                rows.geometry,
                InputLayer(
                    version.name, path.name, SERVICES, len(rows), version.digest, version.short, ""
                ),
            )
            return


def _with_network(
    demand: gpd.GeoDataFrame, study: Study, need: Need, cost: np.ndarray
) -> dict[str, object]:
    people, unserved = demand["people"].to_numpy(), white(demand).to_numpy()
    margins = margins_of(demand, study)
    lacks, near = unserved & ~(margins[need.key] >= 0), cost <= need.within
    helped = unserved & near & met_with(study.rule, margins, frozenset((need.key,)))
    return {
        "need": need.key,
        "lacking": int(people[lacks].sum()),
        "near": int(people[lacks & near].sum()),
        "white": int(people[unserved & ~helped].sum()),
        "white_before": int(people[unserved].sum()),
    }
