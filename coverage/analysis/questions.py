"""The questions: who lacks a counter, which are nearest, which are in reach, where kiosks help most.

Each takes GeoDataFrames of any system of coordinates and any column names, makes of them what a
study reads in its files, and asks the very functions that a study does.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any, cast, overload

import geopandas as gpd
import numpy as np
import pandas as pd

from geoguichet.coverage import orientation
from geoguichet.coverage.access.rules import measure, white
from geoguichet.coverage.access.supply import meeting
from geoguichet.coverage.analysis.answers import Reach, SitedKiosks, WhiteZones
from geoguichet.coverage.analysis.frames import (
    Given,
    counters_of,
    given,
    ground_under,
    people_of,
)
from geoguichet.coverage.errors import FrameError, StudyError
from geoguichet.coverage.kiosks.prospects import eligible, site_rules
from geoguichet.coverage.kiosks.ranking import Ranking, site
from geoguichet.coverage.routers.impedance import CostMatrix, Router, StraightLine
from geoguichet.coverage.siting.problem import KioskPlan
from geoguichet.coverage.study.choices import Asked, KioskChoice, RouterChoice, open_router
from geoguichet.coverage.study.siting_models import AnyModel
from geoguichet.coverage.study.study import (
    RESERVED,
    Need,
    Rule,
    Study,
    TerritoryChoice,
    threshold_of,
)
from geoguichet.coverage.zones.drawing import draw_zones
from geoguichet.floor import declaration
from geoguichet.floor.declaration import BadKeyError, Table, amount, number
from geoguichet.floor.words import Cost, Message, Unit, _
from geoguichet.referentials.directory.hours import Moment
from geoguichet.referentials.layers import LONLAT

#: What a threshold may be: one for every counter, or one a type of counter.
type Within = str | Cost | Mapping[str, str | Cost]
#: A router, the path of a network of roads, or the ``[router]`` table of a study.
type Routing = Router | str | Path | Mapping[str, Any] | None

#: The need when there is one threshold.
COUNTER = "counter"
_HOST = "host"
_FIRST_LIMIT = {Unit.METRES: 20_000.0, Unit.SECONDS: 1_200.0}
_LAST_LIMIT = 2_000_000.0


def router_of(router: Routing) -> Router:
    """Return a router: itself, that of a network file (by car), that of a ``[router]`` table, or the
    straight line where none is given.

    Raises
    ------
    GeoguichetError
        The table is wrong, or the network is missing or unreadable.
    """
    if router is None:
        return StraightLine()
    if isinstance(router, str | Path):
        router = {"kind": "road", "network": str(router)}
    if isinstance(router, Mapping):
        asked = Asked(router=str(router.get("kind", "straight_line")))
        return open_router(
            declaration.read(RouterChoice, router, asked, "router", refused=StudyError)
        )
    if not hasattr(router, "nearest"):
        raise StudyError(
            Message(
                "router : un routeur, un chemin ou une table est attendu, {came} est donné ; essayez "
                'router="region.roads" ou router={table}.',
                came=repr(router),
                table='{"kind": "road", "network": "region.roads"}',
            )
        )
    return router


def white_zones(
    people: gpd.GeoDataFrame,
    counters: gpd.GeoDataFrame,
    *,
    within: Within,
    router: Routing = None,
    rule: str | int = "all",
    weight: str | None = None,
    name: str | None = None,
    type: str | None = None,
    hours: str | None = None,
    open_at: str = "",
    min_hours_per_week: float | None = None,
    area: gpd.GeoDataFrame | gpd.GeoSeries | None = None,
) -> WhiteZones:
    """Tell who has no counter near enough, and draw the zones of those who have none.

    The rule of Toregas et al. (1971), distances along the ellipsoid (Karney 2013) unless a router
    is given. Whoever is exactly at the threshold is served; whoever cannot be decided upon (no
    place, cut off from the roads, hours unknown) is ``undecided``, in no zone and in no total but
    their own.

    Parameters
    ----------
    people
        Points, or surfaces with a point inside each; any CRS; labels that do not repeat.
    counters
        Points, of any CRS.
    within
        A distance (``"8 km"``) or, with a router of times, a time (``"20 min"``); or one for each
        value of the column ``type``: ``{"poste": "6 km", "mairie": "8 km"}``.
    router
        A router, the path of a network of roads (then by car), or the ``[router]`` table of a study.
    rule
        ``"all"`` types are needed, ``"any"`` of them is enough, or how many of them at least.
    weight, name, type, hours
        Columns: people and their name; the counters' type and opening hours (OpenStreetMap's form).
        Left out, the one column with a known name is taken, and ``told`` says so.
    open_at, min_hours_per_week
        Count only the counters open then (``"samedi 10h"``), or so many hours a week.
    area
        The ground that points share, for the drawing; left out, their hull.

    Returns
    -------
    WhiteZones
        In the CRS and under the labels of ``people``.

    Raises
    ------
    FrameError
        A frame is mistaken: the sentence names the frame, the rows and what to try.
    StudyError
        A threshold, a rule or a moment is.

    Examples
    --------
    >>> import geopandas as gpd
    >>> villages = gpd.GeoDataFrame(
    ...     {"nom": ["Foix", "Ax"], "population": [9_500, 1_200]},
    ...     geometry=gpd.points_from_xy([1.605, 1.838], [42.966, 42.719]), crs="EPSG:4326")
    >>> halls = villages.iloc[[0]].to_crs("EPSG:2154")
    >>> found = white_zones(villages, halls, within="20 km")
    >>> found
    <WhiteZones : 1 200 habitants sur 10 700 en zone blanche (11,2 %), 0 non tranchés ; 1 zone>
    >>> found.people[["nom", "served"]].values.tolist()
    [['Foix', True], ['Ax', False]]
    """
    measuring = router_of(router)
    study = _study(within, measuring, rule, open_at, min_hours_per_week)
    kinds = tuple(map(str, within)) if isinstance(within, Mapping) else ()
    asks_hours = any(need.asks_hours for need in study.needs)
    them = people_of(people, weight=weight, name=name)
    theirs = counters_of(counters, type=type, kinds=kinds, hours=hours, asks_hours=asks_hours)
    services = meeting(theirs.table, study)
    _refuse_unmet(services, study)
    territory = ground_under(them, area)
    demand = measure(them.table, services, study, measuring)
    drawn = draw_zones(
        study,
        territory,
        demand.assign(served=~white(demand)),
        lambda _: np.empty(0),
        measuring,
    )
    demand["zone"] = drawn.zone_of
    named = [column for column in demand.columns if column.endswith("_service")]
    own = demand.assign(**{column: theirs.labels(demand[column]) for column in named})
    added = [column for column in demand.columns if column not in them.table.columns]
    zones = drawn.zones.rename(columns={"communes": "places", "commune_names": "place_names"})
    needs = theirs.with_columns(services.reindex(columns=["needs"]), "needs")
    return WhiteZones(
        people=them.with_columns(own, *added),
        counters=needs.fillna({"needs": ""}).to_crs(them.frame.crs),
        zones=zones.drop(columns=["departements", "minor"]).to_crs(them.frame.crs),
        told=(*them.told, *theirs.told),
        study=study,
        router=measuring,
        territory=territory,
        given=them,
        demand=demand,
        services=services,
    )


@overload
def nearest(
    people: Study, counters: str, what: str, *, at: str = "", k: int = 3, result: Path | None = None
) -> gpd.GeoDataFrame: ...


@overload
def nearest(
    people: gpd.GeoDataFrame,
    counters: gpd.GeoDataFrame,
    *,
    k: int = 1,
    within: str | Cost | None = None,
    router: Routing = None,
) -> gpd.GeoDataFrame: ...


def nearest(people: Any, counters: Any, what: str = "", **asked: Any) -> gpd.GeoDataFrame:
    """Return the ``k`` nearest counters of each row, the nearest first; or, of a study, those of a
    place as people write it (:func:`geoguichet.coverage.orientation.nearest`): both forms take what
    is ``asked`` by name.

    Parameters
    ----------
    people, counters
        Frames as :func:`white_zones` takes them; neither needs any column. Or a study and a place
        (a commune, half of its name, its INSEE code, or ``LON,LAT``).
    what
        Of a study: the need, the type or the errand; then ``at`` is a moment (``"mardi 10h30"``) and
        ``result`` the folder of its kiosks.
    k
        How many, 1 unless it is said (3 of a study).
    within
        Not beyond this distance or time.
    router
        As for :func:`white_zones`.

    Returns
    -------
    GeoDataFrame
        The rows of ``people``, each as many times as it has counters and at least once: their own
        columns, then rank (1 is the nearest), counter (its label, missing when there is none),
        cost_m or cost_s, reason (empty, or why there is none:
        :data:`~geoguichet.coverage.routers.impedance.REASONS`).

    Raises
    ------
    FrameError, RoutingError, StudyError
        A frame, a point or a threshold is mistaken.

    Examples
    --------
    >>> import geopandas as gpd
    >>> towns = gpd.GeoDataFrame(
    ...     {"nom": ["Foix", "Pamiers", "Ax"]}, index=["f", "p", "a"],
    ...     geometry=gpd.points_from_xy([1.605, 1.611, 1.838], [42.966, 43.116, 42.719]),
    ...     crs="EPSG:4326")
    >>> nearest(towns.loc[["a"]], towns, k=2)[["rank", "counter", "cost_m"]].round().values.tolist()
    [[1, 'a', 0.0], [2, 'f', 33402.0]]
    """
    if isinstance(people, Study):
        return orientation.nearest(people, counters, what, **asked)
    if what:
        raise StudyError(
            Message(
                "nearest : {what} n'a de sens que d'une étude ; entre deux tableaux, filtrez les "
                "guichets, comme counters[counters.type == {what}].",
                what=repr(what),
            )
        )
    return _nearest(people, counters, **asked)


def _nearest(
    people: gpd.GeoDataFrame,
    counters: gpd.GeoDataFrame,
    *,
    k: int = 1,
    within: str | Cost | None = None,
    router: Routing = None,
) -> gpd.GeoDataFrame:
    if not isinstance(k, int | np.integer) or k < 1:
        raise StudyError(
            Message("nearest : k vaut au moins 1, un entier est attendu, {k} est donné.", k=repr(k))
        )
    measuring = router_of(router)
    them, theirs = given(people, "people", surfaces=True), given(counters, "counters")
    origins, places = them.table.geometry, theirs.table.geometry
    limit = np.inf if within is None else threshold("nearest", "within", within, measuring.unit)
    first = measuring.nearest(origins, places)
    reachable = first.destination >= 0
    usual = np.where(them.located, "no_path", "not_located")
    reason = usual if first.reason is None else first.reason
    pairs = pd.DataFrame(
        {
            "origin": np.flatnonzero(reachable),
            "place": first.destination[reachable],
            "cost": first.cost[reachable],
        }
    )
    if k > 1:
        matrix = _nearest_pairs(measuring, them, theirs, int(reachable.sum()), k, limit)
        pairs = pd.DataFrame(
            {"origin": matrix.origin, "place": matrix.destination, "cost": matrix.cost}
        ).sort_values(["origin", "cost", "place"], ignore_index=True)
        pairs = pairs[pairs.groupby("origin").cumcount() < k]
    pairs = pairs[pairs["cost"] <= limit]
    alone = np.setdiff1d(np.arange(len(them.frame)), pairs["origin"])
    pairs = pd.concat([pairs, pd.DataFrame({"origin": alone, "place": -1})])
    pairs = pairs.sort_values(["origin", "cost"], kind="stable")
    of, place = pairs["origin"].to_numpy(), pairs["place"].to_numpy()
    found = place >= 0
    label = pd.Series(pd.NA, index=range(len(pairs)), dtype=object)
    label[found] = theirs.frame.index.to_numpy()[place[found]]
    return them.frame.iloc[of].assign(
        rank=pairs.groupby("origin").cumcount().to_numpy() + 1,
        counter=label.convert_dtypes().to_numpy(),
        **{measuring.unit.column("cost"): pairs["cost"].to_numpy()},
        reason=np.where(found, "", np.where(reachable[of], "beyond_limit", np.asarray(reason)[of])),
    )


# Return the ways up to a limit that grows until each row that reaches anything has ``k`` of them.
def _nearest_pairs(
    router: Router, people: Given, counters: Given, reachable: int, k: int, limit: float
) -> CostMatrix:
    reach, places = min(_FIRST_LIMIT[router.unit], limit), counters.table.geometry
    wanted = min(k, int(counters.located.sum()))
    while True:
        matrix = router.costs(people.table.geometry, places, limit=reach)
        full = int((np.bincount(matrix.origin, minlength=1) >= wanted).sum())
        if full >= reachable or reach >= limit or reach > _LAST_LIMIT:
            return matrix
        reach = min(reach * 3, limit)


def reach(
    people: gpd.GeoDataFrame,
    counters: gpd.GeoDataFrame,
    *,
    within: str | Cost,
    router: Routing = None,
    weight: str | None = None,
) -> Reach:
    """Return every way from a row to a counter that is not beyond a distance or a time.

    What is counted is cumulative opportunities (Hansen 1959, with a cut-off).

    Parameters
    ----------
    people, counters
        Frames as :func:`white_zones` takes them.
    within, router
        As for :func:`white_zones`; one threshold.
    weight
        The column of people, to tell how many reach each counter; one a row when left out.

    Returns
    -------
    Reach
        Its ``pairs`` are the travel-time table, which ``to_parquet`` writes.

    Raises
    ------
    FrameError, RoutingError, StudyError
        A frame, a point or the threshold is mistaken.

    Examples
    --------
    >>> import geopandas as gpd
    >>> towns = gpd.GeoDataFrame(
    ...     {"nom": ["Foix", "Pamiers", "Ax"]},
    ...     geometry=gpd.points_from_xy([1.605, 1.611, 1.838], [42.966, 43.116, 42.719]),
    ...     crs="EPSG:4326")
    >>> ways = reach(towns, towns.iloc[[0]], within="20 km")
    >>> ways.pairs.round().values.tolist()
    [[0.0, 0.0, 0.0], [1.0, 0.0, 16671.0]]
    """
    measuring = router_of(router)
    limit = threshold("reach", "within", within, measuring.unit)
    them = (
        given(people, "people", surfaces=True)
        if weight is None
        else people_of(people, weight=weight)
    )
    theirs = given(counters, "counters")
    matrix = measuring.costs(them.table.geometry, theirs.table.geometry, limit=limit)
    people_each = np.ones(len(them.frame)) if weight is None else them.table["people"].to_numpy()
    rows, columns = matrix.shape
    reaching = np.bincount(matrix.destination, people_each[matrix.origin], minlength=columns)
    pairs = pd.DataFrame(
        {
            "origin": them.frame.index.to_numpy()[matrix.origin],
            "destination": theirs.frame.index.to_numpy()[matrix.destination],
            measuring.unit.column("cost"): matrix.cost,
        }
    )
    return Reach(
        people=them.frame.assign(reached=np.bincount(matrix.origin, minlength=rows)),
        counters=theirs.frame.assign(
            places_reaching=np.bincount(matrix.destination, minlength=columns),
            people_reaching=reaching,
        ),
        pairs=pairs,
        within=limit,
    )


@dataclass(frozen=True, kw_only=True)
class _Kiosks(Table):
    kiosks: Annotated[KioskChoice | None, AnyModel()] = None


def site_kiosks(
    zones: WhiteZones,
    hosts: gpd.GeoDataFrame,
    *,
    reach: str,
    name: str | None = None,
    hours: str | None = None,
    **keys: Any,
) -> SitedKiosks:
    """Choose the hosts of kiosks that serve most of those in white zones, with the proof of it.

    By the models of the field (maximal covering: Church & ReVelle 1974; p-median: Hakimi 1964;
    p-center, set covering, backup, a budget), solved to a proven bound.

    Parameters
    ----------
    zones
        The answer of :func:`white_zones`.
    hosts
        Points of any CRS: where a kiosk may stand.
    reach
        How far a kiosk serves: a distance or a time, as the thresholds are.
    name, hours
        Columns of the hosts: their names, and opening hours when needs ask for some.
    keys
        Any key of a study's ``[kiosks]`` (docs/planning.md): ``count=80``, ``share="90 %"``,
        ``model="p_median"``, ``min_hours_per_week=14``, ``budget="800000 EUR"``, ``spacing="5 km"``;
        ``required``, ``excluded`` and ``existing`` are labels of hosts.

    Returns
    -------
    SitedKiosks
        In the CRS of the white zones' people.

    Raises
    ------
    FrameError
        The hosts are mistaken, or lack the column that a key reads.
    StudyError
        A key is unknown, or not what it takes.
    SitingError
        The rules contradict each other, or no host is left.

    Examples
    --------
    >>> import geopandas as gpd
    >>> from geoguichet import white_zones
    >>> villages = gpd.GeoDataFrame(
    ...     {"nom": ["Foix", "Ax", "Luzenac"], "population": [9_500, 1_200, 500]},
    ...     geometry=gpd.points_from_xy([1.605, 1.838, 1.763], [42.966, 42.719, 42.763]),
    ...     crs="EPSG:4326")
    >>> lacking = white_zones(villages, villages.iloc[[0]], within="10 km")
    >>> plan = site_kiosks(lacking, villages, reach="10 km", count=1)
    >>> plan.kiosks[["host", "people_added"]].values.tolist(), plan.plan.status
    ([[1, 1700]], 'optimal')
    """
    if not isinstance(zones, WhiteZones):
        raise StudyError(
            Message(
                "site_kiosks : la réponse de white_zones est attendue, un {came} est donné.",
                came=type(zones).__name__,
            )
        )
    open_enough = any(need.asks_hours for need in zones.study.needs) and keys.get(
        "hours_count", True
    )
    asks_hours = bool(open_enough or {"min_hours_per_week", "capacity"} & {*keys})
    theirs = counters_of(hosts, "hosts", name=name, hours=hours, asks_hours=asks_hours)
    study = replace(zones.study, kiosks=_kiosk_choice(zones.study, theirs, reach, keys))
    choice = cast("KioskChoice", study.kiosks)
    for places in (choice.required, choice.excluded, choice.existing):
        for label in places:
            if label not in theirs.table.index and label not in set(theirs.table["commune"]):
                raise FrameError(
                    Message(
                        "hosts : aucun lieu ne s'appelle {label} ; donnez une valeur de leur index.",
                        label=label,
                    )
                )
    table = theirs.table.assign(type=_HOST)
    found = eligible(table[theirs.located], choice, study)
    communes = table.drop_duplicates("commune").set_index("commune")[["epci"]]
    codes = sorted(set(table["departement"]))
    ground = zones.territory.departements
    territory = replace(
        zones.territory,
        departements=gpd.GeoDataFrame(
            {"code": codes, "name": codes},
            geometry=[ground.geometry.iloc[0]] * len(codes),
            crs=LONLAT,
        ),
    )
    rules = site_rules(found.eligible, communes, territory, study)
    sited = site(study, choice, zones.demand, found, rules, zones.router)
    added = ["kiosk", study.unit.column("kiosk"), "served_after", "unserved_reason"]
    gained = sited.demand.reindex(zones.given.table.index)
    columns = {column: gained[column].to_numpy() for column in added}
    kiosks = sited.kiosks.assign(host=theirs.labels(sited.kiosks["host_id"])).drop(
        columns=_OF_COMMUNES
    )
    left = gained[white(gained) & ~gained["served_after"]].groupby("zone")["people"].sum()
    return SitedKiosks(
        people=zones.people.assign(**columns),
        kiosks=kiosks.to_crs(zones.people.crs),
        zones=zones.zones.assign(people_after=left.reindex(zones.zones.index, fill_value=0)),
        plan=cast("KioskPlan", sited.plan),
        curve=cast("Ranking", sited.ranking).curve,
        white=replace(zones, study=study),
        sited=sited,
    )


#: Of the table of kiosks, what says nothing of hosts that are no communes', and what the plan says.
_OF_COMMUNES = [
    "host_id",
    "commune",
    "departement",
    "type",
    "model",
    "status",
    "value",
    "bound",
    "gap",
]


# Read the keys of [kiosks], the hosts being all that are given.
def _kiosk_choice(study: Study, hosts: Given, reach: str, keys: dict[str, Any]) -> KioskChoice:
    for key, column in (
        ("one_per", str(keys.get("one_per", ""))),
        ("floor", "departement"),
        ("floor_per_departement", "departement"),
        ("floor_per_epci", "epci"),
    ):
        if keys.get(key) and column in hosts.table and (hosts.table[column] == "").all():
            raise FrameError(
                Message(
                    "hosts : {key} demande une colonne {column} ; ajoutez-la, ou retirez {key}.",
                    key=key,
                    column=column,
                )
            )
    if "candidates" in keys:
        raise StudyError(
            Message(
                "site_kiosks : les lieux donnés sont tous candidats ; retirez candidates et filtrez "
                "hosts."
            )
        )
    labels = {
        key: [str(label) for label in keys[key]]
        for key in ("required", "excluded", "existing")
        if pd.api.types.is_list_like(keys.get(key))
    }
    asked = Asked(study.unit, study.router.kind, tuple(need.key for need in study.needs))
    read = declaration.read(
        _Kiosks,
        {"kiosks": {**keys, **labels, "reach": reach}},
        asked,
        "site_kiosks",
        refused=StudyError,
    )
    return cast("KioskChoice", read.kiosks).asked_with(candidates=(_HOST,))


# Return the question as a study that has no file and no département.
def _study(
    within: Within, router: Router, rule: str | int, open_at: str, least: float | None
) -> Study:
    unit = router.unit
    limits = within if isinstance(within, Mapping) else {COUNTER: within}
    if not limits:
        raise StudyError(Message('white_zones : within est vide ; essayez within="8 km".'))
    place = ("within", None) if isinstance(within, Mapping) else ("white_zones", "within")
    moment = Moment.parse(open_at) if open_at else None
    try:
        least = None if least is None else number(0.0, 168.0).read(least, None)
    except BadKeyError as wrong:
        raise StudyError(wrong.at("white_zones", "min_hours_per_week")) from wrong
    needs = []
    for value, limit in limits.items():
        kind = str(value)
        key = kind.replace(",", " ")
        if key in RESERVED:
            raise StudyError(
                Message(
                    "within : le nom de type {key} est réservé ; renommez-le, comme {other}.",
                    key=repr(key),
                    other=repr(f"{key}_public"),
                )
            )
        cost = threshold(place[0], place[1] or kind, limit, unit)
        needs.append(
            Need(
                key=key,
                label=kind,
                types=(kind if isinstance(within, Mapping) else "",),
                within=cost,
                min_hours_per_week=least,
                open_at=moment,
            )
        )
    keys = tuple(need.key for need in needs)
    return Study(
        id="analyse",
        title="analyse",
        territory=TerritoryChoice(name=_("ensemble")),
        router=RouterChoice() if unit is Unit.METRES else RouterChoice(kind="road", network="-"),
        needs=tuple(needs),
        rule=_rule(rule, keys),
    )


def _rule(rule: str | int, keys: tuple[str, ...]) -> Rule:
    if rule in ("all", "any"):
        return Rule("all", len(keys), keys) if rule == "all" else Rule("any", 1, keys)
    if isinstance(rule, bool) or not isinstance(rule, int) or not 1 <= rule <= len(keys):
        raise StudyError(
            Message(
                'white_zones : rule est "all", "any" ou un nombre de 1 à {n}, {rule} est donné.',
                n=len(keys),
                rule=repr(rule),
            )
        )
    return Rule("at_least", rule, keys)


def threshold(where: str, key: str, given_: str | Cost, unit: Unit) -> Cost:
    """Return a threshold in the unit of a router.

    Raises
    ------
    StudyError
        It has no unit, or not that of the router: a time asked of a router of distances is told what
        it lacks.
    """
    if isinstance(given_, Cost) and given_.unit is unit:
        return given_
    text = given_.told if isinstance(given_, Cost) else given_
    other = {Unit.METRES: "minutes", Unit.SECONDS: "length"}[unit]
    try:
        amount(text, other)
    except BadKeyError:
        return threshold_of(key, text, where, unit=unit)
    asked = {
        Unit.METRES: Message(
            'router="region.roads" (« geoguichet referentials roads » en fait un)'
        ),
        Unit.SECONDS: Message('{key} = "20 min"', key=key),
    }[unit]
    raise StudyError(
        Message(
            "{where} : {text} n'est pas ce que compte le routeur ({unit}) ; essayez {remedy}.",
            where=where,
            text=text,
            unit={Unit.METRES: "m, km", Unit.SECONDS: "s, min, h"}[unit],
            remedy=asked,
        )
    )


# Refuse a need that no counter meets, nor may meet: nobody could be served.
def _refuse_unmet(services: gpd.GeoDataFrame, study: Study) -> None:
    met = ",".join([*services["needs"], *services["needs_perhaps"]]).split(",")
    for need in study.needs:
        if need.key not in met:
            raise FrameError(
                Message(
                    "counters : aucun guichet n'est assez ouvert pour {need} ; vérifiez les "
                    "horaires, ou open_at et min_hours_per_week.",
                    need=repr(need.key),
                )
            )
