"""What a study answers: the tables, the plan, where they came from."""

from __future__ import annotations

from dataclasses import dataclass, field

import geopandas as gpd
import pandas as pd

from geoguichet.coverage.access.inputs import InputLayer
from geoguichet.coverage.access.supplements import Beside
from geoguichet.coverage.kiosks.ranking import Ranking
from geoguichet.coverage.siting.plan import KioskPlan
from geoguichet.coverage.study.study import Study
from geoguichet.coverage.zones.surface import Surface
from geoguichet.floor.findings import Finding
from geoguichet.referentials.territories.territory import Territory


@dataclass(frozen=True, slots=True)
class CoverageResult:
    """The answer to a study. All layers are in EPSG:4326.

    ``demand``: points (missing when the commune could not be located), index ``id`` (commune code,
    or that of a cell, which then has the name of its ``commune``); columns name, departement, epci,
    people, one column per group of the study, point_source (``demand.at`` of the study,
    ``representative_point``, ``none``); for each need ``K``: ``K_m`` (metres to the nearest
    service, NaN when there is none), ``K_service`` (its id), ``K_reason`` (empty, or one of
    :data:`~geoguichet.coverage.routers.impedance.REASONS`); slack_m (metres to spare under the
    rule, negative when unserved, NaN when unreachable), served (bool), zone (white-zone id or
    empty), kiosk (id of the nearest kiosk that reaches it, or serves it if one does, or empty),
    kiosk_m, served_after (bool), unserved_reason (one of ``ranking.REASONS`` for those still
    unserved once the kiosks are open; else, or without kiosks, empty). In a study of times every
    ``_m`` of this result is an ``_s``, in seconds; by road ``K_m`` and ``kiosk_m`` are there too:
    the metres of the fastest way.

    ``services``: points of the services that count, index ``id``; columns type, name, commune,
    commune_name, departement, hours, hours_per_week, inside (bool), needs (comma-separated keys of
    the needs it meets).

    ``white_zones``: polygons, index ``id`` (``zb-001`` ..., most people first); columns people, one
    per group of the study (people), communes (number of demand points), commune_names
    (comma-separated), departements (comma-separated codes), worst_m and mean_m (excess metres
    beyond the thresholds: worst, and mean weighted by people; over the ground where nobody is
    counted), area_km2, minor (bool: under the study's least area or people, or smaller than a cell;
    not shown on map and report), hosts, host_names and host_costs (comma-separated: candidate hosts
    that reach most of its people, nearest first; mean cost in whole metres), people_after (still
    unserved once the kiosks are open).

    ``kiosks``: points, index ``id`` (``k-001`` ..., ``e-001`` ... for those that exist already,
    which come first); columns rank (0 for those), standing (``existing``, ``required``,
    ``proposed``), commune, name (of the commune), departement, host (name of the town hall ...),
    host_id, type (of the host), needs (those it opens, comma-separated), hours, hours_per_week (of
    the host), zones (white zones it serves, comma-separated, most people first), people_added
    (unserved people whom it is the first of the list to serve), people_cumulated, share_cumulated
    (of the people in white zones, 0..1), gain (what it adds in the model's own measure, NaN when it
    has none), cost_eur, those of the plan as a whole (model, status, value, bound, gap), and under
    the use the study supposes: uses_per_year, km_saved_per_year, co2_saved_kg_per_year.

    ``ranking``: the curve of people gained and its proven bounds, who stays unserved and why, where
    to stop, the plan really carried out; None without kiosks.

    ``summary``: one row per département then one for the territory; columns code, name, people,
    white_before, white_before_share, white_after, white_after_share, zones, kiosks. ``zones``
    counts a zone in each département it touches, once in the territory's row.
    """

    study: Study
    territory: Territory
    demand: gpd.GeoDataFrame
    services: gpd.GeoDataFrame
    white_zones: gpd.GeoDataFrame
    kiosks: gpd.GeoDataFrame
    summary: pd.DataFrame
    plan: KioskPlan | None
    inputs: tuple[InputLayer, ...]
    findings: tuple[Finding, ...]
    counters: dict[str, int]
    timings: dict[str, float]
    ranking: Ranking | None = None
    beside: Beside = field(default_factory=Beside)
    #: The slack over the ground, when the study asks for it.
    surface: Surface | None = None
