"""Where to go from here: the nearest right counters, open when asked, the kiosks of a study among
them.

Hours that no source gives are said to be unknown: such a counter is neither promised nor hidden.
"""

import difflib
import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from geoguichet.coverage import manifest
from geoguichet.coverage.access import inputs
from geoguichet.coverage.access.demand import demand_points
from geoguichet.coverage.access.supply import meets
from geoguichet.coverage.errors import OrientationError
from geoguichet.coverage.routers.impedance import Router, StraightLine
from geoguichet.coverage.study.choices import open_router
from geoguichet.coverage.study.study import Study, read_study
from geoguichet.referentials.directory.hours import Moment, is_open, next_opening
from geoguichet.referentials.directory.services import NEEDS, SERVICE_TYPES
from geoguichet.referentials.layers import LONLAT, read_layer
from geoguichet.referentials.territories.territory import (
    Territory,
    find_communes,
    plain,
    resembling,
)

# What someone comes for, in their own words: a need of the study, a type of counter, or a
# citizen's errand.

#: Words that do not tell one errand from another.
_IDLE = frozenset(
    [
        "a",
        "au",
        "aux",
        "d",
        "de",
        "des",
        "du",
        "en",
        "et",
        "l",
        "la",
        "le",
        "les",
        "ma",
        "mes",
        "mon",
        "nos",
        "notre",
        "ou",
        "par",
        "pour",
        "sa",
        "ses",
        "son",
        "sur",
        "un",
        "une",
        "faire",
        "refaire",
        "demander",
        "aller",
        "the",
        "an",
        "my",
        "for",
        "to",
        "of",
        "or",
        "get",
    ]
)


@dataclass(frozen=True, slots=True)
class Errand:
    """What is asked for, and what answers it: the study's needs of these keys, counters of these
    types.
    """

    label: str
    types: tuple[str, ...]
    #: Needs of the study that it is, or that the same types meet: what a kiosk must open.
    needs: tuple[str, ...]
    #: The need of the study itself, with its least hours; empty for a type or a citizen's errand.
    need: str = ""
    note: str = ""

    def met_by(self, services: gpd.GeoDataFrame, study: Study) -> pd.Series:
        """Return True for the services that answer, whatever the moment the study asks the need
        for.
        """
        if self.need:
            return meets(services, replace(study.need(self.need), open_at=None))
        met: pd.Series = services["type"].isin(self.types)
        return met


def find_errand(study: Study, what: str) -> Errand:
    """Return what the words mean: a need's key, a type's key, else words of a need, of a type or of
    an errand.

    Raises
    ------
    OrientationError
        Nothing is called so, or several things are; the message lists them.
    """
    needs = {need.key: need for need in study.needs}
    if what in needs:
        need = needs[what]
        return Errand(need.label, need.types, (what,), need=what)
    names = _named(study)
    matches = [what] if what in names else _matching(names, what)
    if len(matches) != 1:
        close = matches or difflib.get_close_matches(what, [*needs, *names], n=3, cutoff=0.5)
        remedy = ", ".join(dict.fromkeys((*needs, *close)))
        more = (
            "peut désigner plusieurs choses"
            if matches
            else "n'est ni un besoin de l'étude, ni un type, ni une démarche"
        )
        raise OrientationError(f"{what!r} {more} ; essayez : {remedy}.")
    key = matches[0]
    if key in needs:
        return find_errand(study, key)
    citizen = NEEDS.get(key)
    types = (key,) if key in SERVICE_TYPES else citizen.types if citizen is not None else ()
    return Errand(
        names[key][0],
        types,
        tuple(need.key for need in study.needs if set(need.types) & set(types)),
        note=citizen.note_fr if citizen and key not in SERVICE_TYPES else "",
    )


# Return the names of all that can be asked for, by key; of one key the study's come first, then the
# types'.
def _named(study: Study) -> dict[str, tuple[str, ...]]:
    errands = {key: (need.label_fr, need.label_en) for key, need in NEEDS.items()}
    kinds = {
        key: (kind.label_fr, kind.plural_fr, kind.label_en, kind.plural_en)
        for key, kind in SERVICE_TYPES.items()
    }
    return {**errands, **kinds, **{need.key: (need.label,) for need in study.needs}}


# Return the keys of which a name is the text; else of which a name holds the text's words, even
# half written.
def _matching(names: dict[str, tuple[str, ...]], what: str) -> list[str]:
    asked = plain(what)
    words = [word for word in asked.split() if word not in _IDLE]
    exact = [key for key, told in names.items() if asked in map(plain, told)]
    if exact or not words:
        return exact
    held = [
        key
        for key, told in names.items()
        if any(_holds(plain(name).split(), words) for name in told)
    ]
    errands = [key for key in held if key in NEEDS and key not in SERVICE_TYPES]
    return errands if len(errands) == 1 and len(words) > 1 else held


def _holds(name: Iterable[str], words: Iterable[str]) -> bool:
    parts = list(name)
    return all(any(part.startswith(word) for part in parts) for word in words)


type State = Literal["open", "closed", "unknown", "proposed", ""]

#: What stands in ``type`` for a visioguichet.
KIOSK = "kiosk"
_FIRST_LIMIT = {"m": 20_000.0, "s": 1_200.0}
_LAST_LIMIT = 2_000_000.0
_SHOWN = 12


@dataclass(frozen=True, slots=True)
class Place:
    """Where someone starts from."""

    name: str
    point: shapely.Point
    #: INSEE code, when the place is a commune.
    code: str = ""


@dataclass(frozen=True, slots=True)
class Directory:
    """What can be found around a territory: its counters, and the kiosks that a result of the study
    proposes.
    """

    study: Study
    territory: Territory
    services: gpd.GeoDataFrame
    kiosks: gpd.GeoDataFrame | None


def open_directory(study: Study, result: Path | None = None) -> Directory:
    """Read the counters of a study, and the kiosks of its result where that folder is there."""
    told = None
    if result is not None and (result / "result.gpkg").is_file():
        told = manifest.read(result)
    # what the result was made of was judged then
    judged = {layer["sha256"] for layer in told["inputs"]} if told else set()
    data = inputs.read(study, judged=judged)
    kiosks = None
    if result is not None and told is not None and told["plan"] is not None:
        kiosks = read_layer(
            result / "result.gpkg", layer="kiosks", columns=("id", "name", "host", "hours")
        )
    return Directory(
        study, data.territory, data.services, None if kiosks is None else kiosks.set_index("id")
    )


def find_place(directory: Directory, text: str) -> Place:
    """Return the place a text means: ``LON,LAT`` in degrees, or a commune's name, beginning of name
    or INSEE code.

    A commune stands where the study supposes its people: at its town hall, else inside its outline.

    Raises
    ------
    OrientationError
        No commune is called so, or several are: the message lists them.
    """
    match = re.fullmatch(r"\s*(-?\d+(?:\.\d+)?)(?:\s*+[,;]\s*+|\s++)(-?\d+(?:\.\d+)?)\s*", text)
    if match is not None:
        return _at(directory, shapely.Point(float(match[1]), float(match[2])), text.strip())
    found = find_communes(directory.territory.communes, text)
    if len(found) != 1:
        raise _no_single(found, directory.territory.communes, text)
    row = found.iloc[0]
    demand, _ = demand_points(directory.territory, directory.services, directory.study)
    point = demand.geometry[row["code"]]
    if point is None or point.is_empty:
        raise OrientationError(
            f"{row['name']} n'a ni mairie localisée ni contour ; donnez LON,LAT en degrés."
        )
    return Place(f"{row['name']} ({row['departement']})", point, str(row["code"]))


# Return the place of coordinates, refused where the study knows no counter.
def _at(directory: Directory, point: shapely.Point, name: str) -> Place:
    territory = directory.territory
    here, ground = gpd.GeoSeries([point, territory.boundary], crs=LONLAT).to_crs(territory.metric)
    buffer_m = directory.study.territory.buffer_m
    if not here.distance(ground) <= buffer_m:
        raise OrientationError(
            f"le point {name} est à plus de {buffer_m / 1000:g} km du territoire "
            f"{territory.name}, dont on "
            "connaît les guichets ; essayez : longitude puis latitude en degrés, comme "
            "1.605,42.966."
        )
    return Place(name, point)


def _no_single(found: pd.DataFrame, communes: pd.DataFrame, text: str) -> OrientationError:
    if found.empty:
        close = (
            " ou ".join(resembling(communes, text))
            or "un nom de commune, son code INSEE, ou LON,LAT"
        )
        return OrientationError(
            f"aucune commune du territoire ne s'appelle {text!r} ; essayez : {close}."
        )
    told = [
        f"{row['name']} ({row['departement']}, {row['code']})"
        for row in found.head(_SHOWN).to_dict("records")
    ]
    more = f" et {len(found) - _SHOWN} autres" if len(found) > _SHOWN else ""
    return OrientationError(
        f"{text!r} peut désigner {len(found)} communes : {', '.join(told)}{more} ; "
        "essayez avec un nom plus complet ou le code INSEE."
    )


def nearest(
    study: Study,
    place: str,
    what: str,
    *,
    at: str = "",
    k: int = 3,
    result: Path | None = None,
) -> gpd.GeoDataFrame:
    """Return the ``k`` nearest counters from a place as people write it, at a moment if one is
    given.

    The same as :func:`nearest_counters`, by the study's own router, with the kiosks of ``result``
    (the folder of the study's documents) when there are any.

    Parameters
    ----------
    place
        A commune, half of its name or its INSEE code, or ``LON,LAT``.
    at
        A moment of the week, such as ``mardi 10h30``.
    """
    directory = open_directory(study, result)
    router = open_router(study.router, beside=study.path.parent if study.path else None)
    moment = Moment.parse(at) if at else None
    return nearest_counters(
        directory, find_place(directory, place), what, at=moment, k=k, router=router
    )


def nearest_counters(
    directory: Directory,
    place: Place,
    what: str,
    *,
    at: Moment | None = None,
    k: int = 3,
    router: Router | None = None,
) -> gpd.GeoDataFrame:
    """Return the ``k`` nearest counters that meet a need or are of a type, the nearest first.

    A need that asks to be open at a moment (``open_at``) is asked at that one unless another is
    given.

    With a moment, only those known to be open then count towards ``k`` and those closed are left
    out; up to ``k`` whose hours are unknown, or that are only proposed, are told too when they are
    nearer than the last.

    Parameters
    ----------
    what A need of the study (``[services.KEY]``: its types and least hours), a type of service, or
        what a citizen comes for (« carte d'identité »; see
        :mod:`~geoguichet.coverage.orientation`).
    router Measures the cost; straight line by default, in metres. The study's own counts as the
        study does.

    Returns
    -------
    GeoDataFrame Index ``id``; columns type (``kiosk`` for a visioguichet), name, commune_name,
        departement, hours, hours_per_week, opening (``open``, ``closed``, ``unknown``,
        ``proposed``; empty when no moment is asked), reopens (text), cost (in the router's unit).

    Raises
    ------
    OrientationError
        ``what`` is neither a need, a type nor an errand, or no counter of the data answers it.
    RoutingError
        The place is where the router cannot measure.
    """
    at = moment_asked(directory, what, at)
    counters = _counters(directory, what)
    told = [
        (hours, at, code if isinstance(code, str) else "")
        for hours, code in zip(counters["hours"], counters["departement"], strict=True)
        if at is not None
    ]
    counters["opening"] = [_OPENING[is_open(*each)] for each in told] or ""
    counters["reopens"] = [str(next_opening(*each) or "") for each in told] or ""
    # what is only proposed is open to nobody yet
    counters.loc[_planned(directory, counters) & (counters["opening"] == "open"), "opening"] = (
        "proposed"
    )
    open_, unknown = counters["opening"].isin(["open", ""]), counters["opening"].isin(_UNSURE)
    costs = _costs(place, counters, router or StraightLine(), groups=(open_, unknown), k=k)
    table = counters.assign(cost=costs)[costs.notna()].sort_values("cost", kind="stable")
    sure, unsure = (
        table[table["opening"].isin(["open", ""])][:k],
        table[table["opening"].isin(_UNSURE)][:k],
    )
    farthest = sure["cost"].max() if len(sure) == k else np.inf
    kept = table.index.isin([*sure.index, *unsure.index[unsure["cost"] <= farthest]])
    return table[kept]


def moment_asked(directory: Directory, what: str, at: Moment | None) -> Moment | None:
    """Return the moment counters must be open at: the one given, else that of the need, else
    none.
    """
    asked = {need.key: need.open_at for need in directory.study.needs}
    return at if at is not None else asked.get(find_errand(directory.study, what).need)


_OPENING: dict[bool | None, State] = {True: "open", False: "closed", None: "unknown"}
_UNSURE = ("unknown", "proposed")
_COLUMNS = ["type", "name", "commune_name", "departement", "hours", "hours_per_week", "geometry"]


# Mark the kiosks that a plan proposes and that do not exist yet.
def _planned(directory: Directory, counters: gpd.GeoDataFrame) -> pd.Series:
    kiosks = directory.kiosks
    names = [] if kiosks is None else kiosks.index[_standing(kiosks) != "existing"]
    planned: pd.Series = (counters["type"] == KIOSK) & counters.index.isin(names)
    return planned


def _standing(kiosks: gpd.GeoDataFrame) -> pd.Series:
    if "standing" in kiosks.columns:
        return kiosks["standing"]
    return pd.Series("proposed", index=kiosks.index)


# Return what meets the need or is of the type, the study's kiosks among them when they offer it.
def _counters(directory: Directory, what: str) -> gpd.GeoDataFrame:
    errand = find_errand(directory.study, what)
    services = directory.services[directory.services.geometry.notna()]
    found, hosted = services[errand.met_by(services, directory.study)], _offering(directory, errand)
    if found.empty and hosted is None:
        kinds = ", ".join(SERVICE_TYPES[kind].plural_fr for kind in errand.types)
        raise OrientationError(
            f"aucun guichet pour « {errand.label} » dans les données de l'étude ({kinds}) ; "
            "essayez une étude dont la "
            "couche de services en a (« geoguichet referentials »)."
        )
    return (
        found[_COLUMNS].copy()
        if hosted is None
        else gpd.GeoDataFrame(
            pd.concat([found[_COLUMNS], hosted[_COLUMNS]]), crs=LONLAT
        ).rename_axis("id")
    )


# Return the study's kiosks that offer what is asked for; None without any.
def _offering(directory: Directory, errand: Errand) -> gpd.GeoDataFrame | None:
    choice, kiosks = directory.study.kiosks, directory.kiosks
    offered = set(errand.needs) & set(choice.offers) if choice is not None else set()
    if kiosks is None or not offered:
        return None
    if "needs" in kiosks.columns:
        kiosks = kiosks[
            kiosks["needs"].fillna("").str.split(",").map(lambda keys: bool(offered & set(keys)))
        ]
    named = kiosks.assign(
        type=KIOSK,
        commune_name=kiosks["name"],
        name=np.where(
            _standing(kiosks) == "existing", "Visioguichet existant, ", "Visioguichet proposé, "
        )
        + kiosks["host"],
        hours_per_week=kiosks["hours_per_week"] if "hours_per_week" in kiosks.columns else np.nan,
    )
    return None if named.empty else named


# Return the cost of reaching each counter, NaN beyond a limit that grows until ``k`` of each group
# are reached.
def _costs(
    place: Place,
    counters: gpd.GeoDataFrame,
    router: Router,
    *,
    groups: tuple[pd.Series, ...],
    k: int,
) -> pd.Series:
    origin = gpd.GeoSeries([place.point], crs=LONLAT)
    limit = _FIRST_LIMIT[router.unit]
    while True:
        reach = router.costs(origin, counters.geometry, limit=limit)
        reached = np.full(len(counters), np.nan)
        reached[reach.destination] = reach.cost
        costs = pd.Series(reached, index=counters.index)
        short = [group for group in groups if (group & costs.notna()).sum() < min(k, group.sum())]
        if not short or limit > _LAST_LIMIT:
            return costs
        limit *= 3


def study_and_result(path: Path, workspace: Path) -> tuple[Study, Path]:
    """Return the study of a file or of a result's folder, and the folder where its result is, if it
    is anywhere.
    """
    if path.is_dir():
        return manifest.study_of(manifest.read(path)["study"], path=path / "manifest.json"), path
    study = read_study(path)
    return study, workspace / "studies" / study.id
