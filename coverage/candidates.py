"""Where a visioguichet may stand: the hosts of the study's types inside the territory."""

from __future__ import annotations

import geopandas as gpd

from geoguichet.coverage.errors import SitingError
from geoguichet.coverage.study import KioskChoice, Study
from geoguichet.referentials.territories import Territory


def candidate_hosts(
    territory: Territory, services: gpd.GeoDataFrame, demand: gpd.GeoDataFrame, study: Study, kiosks: KioskChoice
) -> gpd.GeoDataFrame:
    """Return the candidate hosts, at most one per commune, indexed by service id.

    A host is a located service of one of the study's candidate types, in a commune of the territory, whose point lies
    within the tolerance of its commune (the same points that stand for the demand).

    Raises
    ------
    SitingError
        No host is left.
    StudyError
        ``kiosks.required`` or ``kiosks.excluded`` names a commune that is not in the territory or has no host.
    """
    hosts = services[services["type"].isin(kiosks.candidates) & services["inside"] & services.geometry.notna()]
    believed = (
        demand.index[demand["point_source"] == study.demand.at]
        if study.demand.at in kiosks.candidates
        else demand.index
    )
    hosts = hosts[hosts["commune"].isin(believed)].sort_index().drop_duplicates("commune")
    if hosts.empty:
        kinds = ", ".join(kiosks.candidates)
        raise SitingError(
            f"{study.where}, clé « kiosks.candidates » : aucun lieu {kinds} localisé dans le territoire ; "
            "essayez un autre type de lieu."
        )
    _check_named(territory, hosts, kiosks, study)
    return hosts


def positions(hosts: gpd.GeoDataFrame, communes: tuple[str, ...]) -> tuple[int, ...]:
    """Return the positions of the hosts of these communes."""
    return tuple(int(position) for position in hosts["commune"].isin(communes).to_numpy().nonzero()[0])


def _check_named(territory: Territory, hosts: gpd.GeoDataFrame, kiosks: KioskChoice, study: Study) -> None:
    known = territory.polygons.index
    for key, codes in (("required", kiosks.required), ("excluded", kiosks.excluded)):
        for code in codes:
            if code not in known:
                what = f"la commune {code!r} est inconnue dans {territory.name}"
                raise study.refusal(f"kiosks.{key}", what, f'un code INSEE du territoire, comme "{known[0]}"')
            if key == "required" and code not in set(hosts["commune"]):
                what = f"la commune {code} n'a pas de lieu d'accueil localisé"
                raise study.refusal("kiosks.required", what, "retirez-la de la liste")
