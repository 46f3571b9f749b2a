"""What a study answers, and its manifest: what was asked, of which data, with which versions, and
the digest of every file written.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd
import pyogrio
import pyproj
import shapely

from geoguichet.coverage.access.inputs import InputLayer
from geoguichet.coverage.access.supplements import Beside
from geoguichet.coverage.errors import ManifestError
from geoguichet.coverage.kiosks.ranking import Ranking
from geoguichet.coverage.shown import Shown
from geoguichet.coverage.siting.problem import KioskPlan
from geoguichet.coverage.study.study import Study, of_kind
from geoguichet.coverage.zones.surface import Surface
from geoguichet.floor.declaration import as_plain, read_plain
from geoguichet.floor.files import sha256
from geoguichet.floor.findings import Finding, count_by_rule
from geoguichet.floor.words import Message, _, ngettext, percent
from geoguichet.referentials.territories.territory import Territory

# What a study answers: the tables, the plan, where they came from.


@dataclass(frozen=True, slots=True, repr=False)
class CoverageResult(Shown):
    """The answer to a ``study`` on its ``territory``, as :func:`~geoguichet.run` gives it (its
    errors are there). All layers are in EPSG:4326.

    ``demand``: points (missing when the commune could not be located), index ``id`` (commune code,
    or that of a cell, which then has the name of its ``commune``); columns name, departement, epci,
    people, one column per group of the study, point_source (``demand.at`` of the study,
    ``representative_point``, ``none``); for each need ``K``: ``K_m`` (metres to the nearest
    service, NaN when there is none), ``K_service`` (its id), ``K_reason`` (empty, or one of
    :data:`~geoguichet.coverage.routers.impedance.REASONS`); slack_m (metres to spare under the
    rule, negative when unserved, NaN when unreachable), served (bool), undecided (bool: not served
    by what is known, and would be if what is not known, ``rules.UNKNOWN`` in ``K_reason``, went
    its way; ``K_perhaps_m`` is then the way to the nearest counter of unknown hours), zone
    (white-zone id or empty; the undecided are in none), kiosk (id of the nearest kiosk that
    reaches it, or serves it if one does, or empty),
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
    unserved once the kiosks are open). Those of communes without outline have no polygon and no area;
    files hold them in a table of their own, ``without_outline``.

    ``kiosks``: points, index ``id`` (``k-001`` ..., ``e-001`` ... for those that exist already,
    which come first); columns rank (0 for those), standing (``existing``, ``required``,
    ``proposed``), commune, name (of the commune), departement, host (name of the town hall ...),
    host_id, type (of the host), needs (those it opens, comma-separated), hours, hours_per_week (of
    the host), zones (white zones it serves, comma-separated, most people first), people_added
    (unserved people whom it is the first of the list to serve), people_cumulated, share_cumulated
    (of the people in white zones, 0..1), access_hours_per_week (people_added times the hours of the
    host, 0 where nobody knows them), gain (what it adds in the model's own measure, NaN when it
    has none), cost_eur, those of the plan as a whole (model, status, value, bound, gap), and under
    the use the study supposes: uses_per_year, km_saved_per_year, co2_saved_kg_per_year; phase (the
    name of the one it opens in, empty for those that exist) where the study has a programme.

    ``ranking``: the curve of people gained and its proven bounds, who stays unserved and why, where
    to stop, the plan really carried out; None without kiosks.

    ``summary``: one row per département then one for the territory; columns code, name, people,
    white_before, white_before_share, white_after, white_after_share, undecided, zones, kiosks. ``zones``
    counts a zone in each département it touches, once in the territory's row.

    ``plan`` is the choice of sites with its value, bound, gap and status (None without kiosks);
    ``surface`` the slack on a grid, where asked; ``beside`` what is told beside the answer (existing
    networks, measures, rules of law, longer hours). ``inputs`` are the layers read, with the digest
    of each; ``findings`` what was noticed in them; ``counters`` how many of what, ``timings`` the
    seconds each step took.

    Examples
    --------
    After the example of :func:`~geoguichet.run`:

    >>> print(result.headline.partition(" : ")[2])  # its repr, and a notebook's first line
    11 287 habitants sur 153 153 en zone blanche (7,4 %), 0 non tranchés ; 3 visioguichets : 9 181 de moins
    >>> result.kiosks[["name", "people_added"]].values.tolist()[0]
    ['Savignac-les-Ormeaux', 3395]
    >>> result.table.columns.tolist()[:3], [*result.layers]
    (['code', 'name', 'people'], ['white_zones', 'demand', 'services', 'kiosks'])
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

    @property
    def layers(self) -> Mapping[str, gpd.GeoDataFrame]:
        """The layers of ``result.gpkg``, in the order they are drawn."""
        zones = self.drawn_zones
        named = {"white_zones": zones, "demand": self.demand, "services": self.services}
        return named | {"kiosks": self.kiosks}

    @property
    def table(self) -> pd.DataFrame:
        """The ``summary``."""
        return self.summary

    @property
    def headline(self) -> str:
        """Who is in a white zone, who is not decided upon, and what the kiosks gain."""
        row = self.summary.to_dict("records")[-1]
        told = _(
            "{title} : {white} habitants sur {people} en zone blanche ({share}), {undecided} non "
            "tranchés",
            title=self.study.title,
            white=int(row["white_before"]),
            people=int(row["people"]),
            share=percent(row["white_before_share"], 1),
            undecided=int(row["undecided"]),
        )
        if self.plan is None:
            return told
        kiosks = ngettext("{n} visioguichet", "{n} visioguichets", len(self.kiosks))
        gained = int(row["white_before"] - row["white_after"])
        return _("{told} ; {kiosks} : {gained} de moins", told=told, kiosks=kiosks, gained=gained)

    @property
    def access_hours(self) -> dict[str, float]:
        """Weekly hours of access that new kiosks bring, in hours times people: in all, and for each
        need by the kiosks that open it.
        """
        new = self.kiosks[self.kiosks["rank"] > 0]
        hours = new["people_added"].astype(float) * new["hours_per_week"].astype(float).fillna(0)
        offers = self.study.kiosks.offers if self.study.kiosks is not None else ()
        needs = new["needs"].map(lambda told: str(told).split(","))
        opening = {key: needs.map(lambda keys, key=key: key in keys) for key in offers}
        return {"all": float(hours.sum())} | {
            key: float(hours[there.astype(bool)].sum()) for key, there in opening.items()
        }

    @property
    def drawn_zones(self) -> gpd.GeoDataFrame:
        """The white zones that have a polygon: those of the layer."""
        return self.white_zones[self.white_zones.geometry.notna()]

    @property
    def without_outline(self) -> pd.DataFrame:
        """The white zones of communes that have no outline: people, and no ground to speak of."""
        bare = self.white_zones[self.white_zones.geometry.isna()]
        return pd.DataFrame(bare.drop(columns=["geometry", "area_km2", "minor"]))


_PACKAGES = (
    "geoguichet",
    "geopandas",
    "highspy",
    "numpy",
    "pandas",
    "pyarrow",
    "pyogrio",
    "pyproj",
    "scipy",
    "shapely",
)


#: What is kept of a plan.
_PLAN = ("model", "value", "bound", "gap", "status", "method", "sense")


def write(result: CoverageResult, path: Path, outputs: Iterable[Path]) -> None:
    """Write the manifest of the files ``outputs``, which stand beside it.

    Two equal results differ in nothing but ``timings`` (seconds).
    """
    text = json.dumps(
        document(result, outputs), ensure_ascii=False, indent=2, sort_keys=True, allow_nan=False
    )
    path.write_text(text + "\n", encoding="utf-8", newline="\n")


def document(result: CoverageResult, outputs: Iterable[Path]) -> dict[str, Any]:
    """Return the manifest as a dictionary ready for JSON."""
    timings = {name: round(seconds, 3) for name, seconds in result.timings.items()}
    inhabited = int((result.white_zones["communes"] > 0).sum())
    if result.plan is not None:
        timings["plan_seconds"] = round(result.plan.seconds, 3)
    return {
        "study": study_parameters(result.study),
        "inputs": [asdict(layer) for layer in result.inputs],
        "versions": versions(),
        "counters": {**result.counters, "kiosks": len(result.kiosks), "white_zones": inhabited},
        "findings": count_by_rule(result.findings),
        "plan": None
        if result.plan is None
        else {name: getattr(result.plan, name) for name in _PLAN}
        | {"sites": len(result.plan.sites)}
        | {"hosts": None if result.plan.hosts is None else result.plan.hosts.as_dict()},
        "access_hours": None if result.plan is None else result.access_hours,
        "ranking": None if result.ranking is None else result.ranking.as_dict(),
        "beside": result.beside.as_dict(),
        "seed": None,
        "outputs": {
            path.name: {"bytes": path.stat().st_size, "sha256": sha256(path)}
            for path in sorted(outputs)
        },
        "timings": timings,
    }


def a_result(given: CoverageResult) -> CoverageResult:
    """Return what is given, the answer to a study; StudyError when it is the study, its file ..."""
    expected = Message("la réponse à une étude est attendue, {came} est donné ; essayez run(…).")
    return of_kind(given, CoverageResult, expected)


def study_parameters(study: Study) -> dict[str, Any]:
    """Return the study as plain values, without the place of its file: the same question is the
    same everywhere.
    """
    parameters: dict[str, Any] = as_plain(study)
    del parameters["path"]
    return parameters


def read(path: str | Path) -> dict[str, Any]:
    """Return the manifest of a file, or of the folder of a study.

    Raises
    ------
    ManifestError
        The file is missing, is not JSON, or is not the manifest of a study.
    """
    path = Path(path, "manifest.json") if Path(path).is_dir() else Path(path)
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise ManifestError(
            f"{path} : ce manifeste n'existe pas ; donnez le dossier que « geoguichet coverage "
            "run » a écrit."
        ) from error
    except (OSError, ValueError) as error:
        raise ManifestError(
            f"{path} : un manifeste JSON est attendu, ce fichier est illisible ({error})."
        ) from error
    missing = [
        key
        for key in ("study", "inputs", "versions", "outputs")
        if not isinstance(found, dict) or key not in found
    ]
    if missing:
        raise ManifestError(
            f"{path} : ce n'est pas le manifeste d'une étude (« {missing[0]} » y manque) ; "
            "donnez celui que « geoguichet coverage run » a écrit."
        )
    return dict(found)


def study_of(parameters: Mapping[str, Any], *, path: Path | None = None) -> Study:
    """Return the study a manifest describes: the inverse of :func:`study_parameters`.

    Keys that this version does not know are left aside, those it has gained take their default
    value (``replay`` tells them).

    Raises
    ------
    ManifestError
        A key is missing and has no default, or a value is of the wrong kind.
    """
    try:
        study = read_plain(Study, parameters)
    except ValueError as error:
        raise ManifestError(
            f"{path or 'manifeste'} : les paramètres de l'étude ne se lisent pas ({error}) ; "
            "il vient d'une autre version, relancez l'étude avec son fichier TOML."
        ) from error
    return replace(study, path=path)


def versions() -> dict[str, str]:
    """Return the versions of the packages and libraries that can change a result."""
    return {
        **{name: version(name) for name in _PACKAGES},
        "GDAL": pyogrio.__gdal_version_string__,
        "GEOS": shapely.geos_version_string,
        "PROJ": pyproj.proj_version_str,
    }
