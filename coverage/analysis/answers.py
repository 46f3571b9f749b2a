"""What the questions answer, in the analyst's own labels and system of coordinates."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd

from geoguichet.coverage.access.rules import UNKNOWN, white
from geoguichet.coverage.analysis.frames import Given
from geoguichet.coverage.compare import Side
from geoguichet.coverage.kiosks.ranking import Sited
from geoguichet.coverage.routers.impedance import Router
from geoguichet.coverage.shown import Shown, written
from geoguichet.coverage.siting.problem import KioskPlan
from geoguichet.coverage.study.study import Study
from geoguichet.floor.words import Cost, _, ngettext, percent
from geoguichet.referentials.territories.territory import Territory


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class WhiteZones(Shown):
    """Who is served, who is not, and the zones of those who are not, as
    :func:`~geoguichet.white_zones` gives them (its errors are there).

    ``people``: the analyst's frame, with for each need ``K`` (``counter`` when there is one
    threshold, else the type): ``K_m`` or ``K_s`` (metres or seconds to the nearest counter, missing
    when there is none), ``K_service`` (its label), ``K_reason`` (empty, or why it is missing:
    :data:`~geoguichet.coverage.routers.impedance.REASONS`); ``slack_m`` or ``slack_s`` (to spare
    under the rule, negative when unserved), ``served`` (bool), ``undecided`` (bool: not served by
    what is known, and would be if what is not known went their way), ``zone`` (label of the zone or
    empty).

    ``zones``: polygons, most people first; columns people, places (rows), place_names, worst_m and
    mean_m (beyond the thresholds; ``_s`` in seconds), area_km2.

    ``counters``: the analyst's frame, with ``needs`` (those it meets, comma-separated).

    ``told``: what was recognised without being said, in sentences.

    For who goes on from it: the ``study`` that the question makes, the ``router`` that measured,
    the ``territory``, what was ``given``, and ``demand`` and ``services``, the engine's own people
    and counters (EPSG:4326).

    Examples
    --------
    After the example of :func:`~geoguichet.white_zones`:

    >>> found.table[["within", "people", "served", "white"]].values.tolist()
    [['20 km', 10700.0, 9500.0, 1200.0], ['', 10700.0, 9500.0, 1200.0]]
    >>> found.zones[["people", "place_names"]].values.tolist(), found.told
    ([[1200, 'Ax']], ("habitants : colonne 'population'",))
    >>> found.to_file("zones.gpkg").name, found.plot("zones", "counters")[:4]
    ('zones.gpkg', '<svg')
    """

    people: gpd.GeoDataFrame
    counters: gpd.GeoDataFrame
    zones: gpd.GeoDataFrame
    told: tuple[str, ...]
    study: Study
    router: Router
    territory: Territory
    given: Given
    #: As the engine has them: in EPSG:4326, by the text of their labels.
    demand: gpd.GeoDataFrame
    services: gpd.GeoDataFrame

    @property
    def layers(self) -> Mapping[str, gpd.GeoDataFrame]:
        """The zones, the people, the counters."""
        return {"zones": self.zones, "people": self.people, "counters": self.counters}

    @property
    def table(self) -> pd.DataFrame:
        """One row per need, then the rule: within, people, served, white, undecided (people), and
        the share of people in white zones, the undecided counted as served (``white_share``) and
        as white (``white_share_most``).
        """
        demand, rows = self.demand, {}
        for need in self.study.needs:
            met = demand[self.study.unit.column(need.key)] <= need.within
            unsure = demand[f"{need.key}_reason"].isin(UNKNOWN) & ~met
            rows[need.key] = _row(need.within.told, demand["people"], met, unsure)
        rows["rule"] = _row("", demand["people"], demand["served"], demand["undecided"])
        return pd.DataFrame.from_dict(rows, orient="index").rename_axis("need")

    @property
    def headline(self) -> str:
        """Who is in a white zone, at both ends when some are undecided."""
        row = self.table.to_dict("index")["rule"]
        return _(
            "{white} habitants sur {people} en zone blanche ({share}), {undecided} non tranchés ; "
            "{zones}",
            white=int(row["white"]),
            people=int(row["people"]),
            share=percent(row["white_share"], 1),
            undecided=int(row["undecided"]),
            zones=ngettext("{n} zone", "{n} zones", len(self.zones)),
        )

    def side(self, *, kiosks: bool) -> Side:
        """Return the side that it makes in a comparison."""
        return Side(self.study, self.demand, self.services, False, self.territory, {})


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class SitedKiosks(Shown):
    """Where kiosks help most, with the proof of it, as :func:`~geoguichet.site_kiosks` gives it (its
    errors are there).

    ``people``: that of the white zones, with ``kiosk`` (label of the nearest one within reach),
    ``kiosk_m`` or ``kiosk_s``, ``served_after`` (bool), ``unserved_reason`` (one of
    :data:`~geoguichet.coverage.kiosks.ranking.REASONS`, or empty).

    ``kiosks``: points, in the order they add most; columns host (the host's label) and those of
    :class:`~geoguichet.CoverageResult`, but for what is of communes: rank, name, needs, hours,
    zones, people_added, people_cumulated, share_cumulated, gain, cost_eur ...

    ``plan``: its value, the bound that no other plan passes, the gap and the status. ``curve``: what
    the first of the list gain and what as many could at best. ``zones``: those of ``white``, the
    answer they were sited on, with people_after (still unserved). ``sited``: the engine's own tables.

    Examples
    --------
    After the example of :func:`~geoguichet.site_kiosks`:

    >>> plan
    <SitedKiosks : 1 visioguichet : 1 700 habitants desservis de plus sur 1 700 ; prouvé optimal>
    >>> plan.table[["white_before", "gained", "white_after", "value", "bound"]].values.tolist()
    [[1700.0, 1700.0, 0.0, 1700.0, 1700.0]]
    """

    people: gpd.GeoDataFrame
    kiosks: gpd.GeoDataFrame
    zones: gpd.GeoDataFrame
    plan: KioskPlan
    curve: pd.DataFrame
    white: WhiteZones
    sited: Sited

    @property
    def layers(self) -> Mapping[str, gpd.GeoDataFrame]:
        """The zones, the people, the kiosks."""
        return {"zones": self.zones, "people": self.people, "kiosks": self.kiosks}

    @property
    def table(self) -> pd.DataFrame:
        """One row: kiosks, white_before, gained, white_after, undecided (people), and of the plan
        model, status, value, bound, gap.
        """
        demand = self.sited.demand
        before, after = white(demand), white(demand) & ~demand["served_after"]
        told = {
            "kiosks": len(self.kiosks),
            "white_before": demand.loc[before, "people"].sum(),
            "gained": demand.loc[before & ~after, "people"].sum(),
            "white_after": demand.loc[after, "people"].sum(),
            "undecided": demand.loc[demand["undecided"], "people"].sum(),
        }
        plan = {
            key: getattr(self.plan, key) for key in ("model", "status", "value", "bound", "gap")
        }
        return pd.DataFrame([told | plan])

    @property
    def headline(self) -> str:
        """What the kiosks gain, and how sure it is that none gain more."""
        row = self.table.to_dict("records")[0]
        proof = (
            _("prouvé optimal")
            if self.plan.status == "optimal"
            else _("à {gap} au plus du meilleur", gap=percent(self.plan.gap, 1))
        )
        return _(
            "{kiosks} : {gained} habitants desservis de plus sur {white} ; {proof}",
            kiosks=ngettext("{n} visioguichet", "{n} visioguichets", len(self.kiosks)),
            gained=int(row["gained"]),
            white=int(row["white_before"]),
            proof=proof,
        )

    def side(self, *, kiosks: bool) -> Side:
        """Return the side that it makes in a comparison, its kiosks open or not."""
        told = self.sited.kiosks
        return Side(
            self.white.study,
            self.sited.demand,
            self.white.services,
            kiosks,
            self.white.territory,
            {},
            opens=told["needs"].to_dict() if kiosks else {},
        )


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Reach(Shown):
    """Which counters each place reaches, and at what cost, as :func:`~geoguichet.reach` gives it
    (its errors are there): the table of ways no longer than ``within``.

    ``pairs``: one row a way; columns origin, destination (labels), cost_m or cost_s. ``people``: the
    analyst's frame, with ``reached`` (how many counters). ``counters``: theirs, with ``people_reaching``
    (sum of the weights, one a row without any) and ``places_reaching`` (rows).

    Examples
    --------
    After the example of :func:`~geoguichet.reach`:

    >>> ways
    <Reach : 2 trajets d'au plus 20 km ; 1 lieux sur 3 n'en ont aucun>
    >>> ways.table.values.tolist(), ways.people["reached"].tolist()
    ([[0, 1], [1, 2]], [1, 1, 0])
    >>> ways.to_parquet("ways.parquet").name
    'ways.parquet'
    """

    people: gpd.GeoDataFrame
    counters: gpd.GeoDataFrame
    pairs: pd.DataFrame
    within: Cost

    @property
    def layers(self) -> Mapping[str, gpd.GeoDataFrame]:
        """The people and the counters."""
        return {"people": self.people, "counters": self.counters}

    @property
    def table(self) -> pd.DataFrame:
        """How many places reach no counter, one, two ... up to ten and more."""
        counted = self.people["reached"].clip(upper=10).value_counts().sort_index()
        return counted.rename_axis("reached").rename("places").reset_index()

    @property
    def headline(self) -> str:
        """How many ways there are, and who has none."""
        return _(
            "{pairs} trajets d'au plus {within} ; {none} lieux sur {places} n'en ont aucun",
            pairs=len(self.pairs),
            within=self.within.told,
            none=int((self.people["reached"] == 0).sum()),
            places=len(self.people),
        )

    def to_parquet(self, path: str | Path) -> Path:
        """Write the pairs to a Parquet file (columns origin, destination, cost_m or cost_s), and
        return its path.

        Raises
        ------
        OutputError
            The file could not be written; what was there is there still.
        """
        path = Path(path)
        with written(path) as draft:
            self.pairs.to_parquet(draft, index=False, compression="zstd")
        return path


def _row(
    within: str, people: pd.Series, served: pd.Series, undecided: pd.Series
) -> dict[str, object]:
    total, left = float(people.sum()), ~served & ~undecided
    lacking, unsure = float(people[left].sum()), float(people[undecided].sum())
    return {
        "within": within,
        "people": total,
        "served": float(people[served].sum()),
        "white": lacking,
        "undecided": unsure,
        "white_share": lacking / total if total else np.nan,
        "white_share_most": (lacking + unsure) / total if total else np.nan,
    }
