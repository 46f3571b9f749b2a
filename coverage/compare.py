"""Two answers side by side: who gains, who loses, by how many metres or seconds, and where.

A side is the answer to a study, computed now or read from its folder. The two are joined by
commune; everything is counted from the communes, so that comparing B with A gives what comparing A
with B gives, signs turned.
"""

import difflib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal, Protocol, runtime_checkable

import geopandas as gpd
import numpy as np
import pandas as pd

from geoguichet.coverage import manifest
from geoguichet.coverage.access import inputs
from geoguichet.coverage.access.inputs import InputLayer
from geoguichet.coverage.errors import ComparisonError, StudyError
from geoguichet.coverage.manifest import CoverageResult, a_result
from geoguichet.coverage.run import run
from geoguichet.coverage.shown import Shown
from geoguichet.coverage.study.study import Changes, Opening, Study, read_study, threshold_of
from geoguichet.floor.errors import GeoguichetError
from geoguichet.floor.words import Cost, Unit, _
from geoguichet.referentials.directory.services import SERVICE_TYPES
from geoguichet.referentials.layers import list_layers, read_layer
from geoguichet.referentials.territories.territory import Territory, group_label

type Change = Literal["gained", "lost", "nearer", "farther", "undecided", "same"]
type Level = Literal["territory", "departement", "epci", "zone_before", "zone_after"]

CHANGES: tuple[Change, ...] = ("gained", "lost", "nearer", "farther", "undecided", "same")
LEVELS: tuple[Level, ...] = ("territory", "departement", "epci", "zone_before", "zone_after")
#: The group that holds everyone.
PEOPLE = "people"
#: What is kept of a kiosk beside its place.
_PLACED = ("name", "departement", "host", "host_id")
#: A distance (in metres) or a time (in seconds) that changed by less did not change.
_NOTICED = 1.0


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two answers.

    ``demand`` and ``services`` are those of :class:`~geoguichet.coverage.manifest.CoverageResult`.
    ``kiosks`` says whether the kiosks of the study count as open. Without ``territory`` (a folder
    whose source is not here) communes stay points.
    """

    study: Study
    demand: gpd.GeoDataFrame
    services: gpd.GeoDataFrame
    kiosks: bool
    territory: Territory | None
    epci_names: dict[str, str]
    #: Hosts of the kiosks its plan opens, when they count.
    plan_hosts: tuple[str, ...] = ()
    #: Needs (comma-separated) that each kiosk opens, by its id; one that is not there opens all the
    #: study offers.
    opens: dict[str, str] = field(default_factory=dict)
    #: The kiosks that count, as points with their name, host and host_id.
    placed: gpd.GeoDataFrame | None = None
    inputs: tuple[InputLayer, ...] = ()

    @property
    def served(self) -> pd.Series:
        """Who is served on this side, kiosks counted or not."""
        served: pd.Series = self.demand["served_after" if self.kiosks else "served"].astype(bool)
        return served

    @property
    def undecided(self) -> pd.Series:
        """Who is neither served nor in a white zone on this side; nobody in an answer of before the
        undecided stood apart, which has no such column.
        """
        if "undecided" not in self.demand.columns:
            return ~self.served & False
        undecided: pd.Series = self.demand["undecided"].astype(bool) & ~self.served
        return undecided

    def cost(self, need: str) -> pd.Series:
        """Return the way to what meets a need (m or s): the nearest counter, or a kiosk that offers
        it if nearer.
        """
        unit = self.study.unit
        counter: pd.Series = self.demand[unit.column(need)].astype(float)
        choice = self.study.kiosks
        if not self.kiosks or choice is None or need not in choice.offers:
            return counter
        way = self.demand[unit.column("kiosk")].astype(float)
        other = [kiosk for kiosk, needs in self.opens.items() if need not in needs.split(",")]
        if other:
            way = way.mask(self.demand["kiosk"].isin(other))
        nearest: pd.Series = np.fmin(counter, way)
        return nearest


@runtime_checkable
class Answer(Protocol):
    """What makes a side of a comparison by itself."""

    def side(self, *, kiosks: bool) -> Side:
        """Return the side, its kiosks open or not."""


#: What can be compared: a study, its file, the folder of a result, an answer.
type Comparable = str | Path | Study | CoverageResult | Answer


@dataclass(frozen=True, slots=True, repr=False)
class Comparison(Shown):
    """What changes from one side to the other.

    ``communes``: one row per commune of both sides, index ``id``; polygons where they are known,
    else points; columns name, departement, epci, people, the groups, served_before, served_after,
    undecided_before, undecided_after, change (one of :data:`CHANGES`; ``undecided``: on one side
    only, so that nobody knows whether it gains or loses), zone_before, zone_after, and for each
    need ``K`` of both studies K_before_m, K_after_m, K_change_m (negative: nearer; NaN when unreachable on a side),
    moved_m (their sum). Between two studies of times every ``_m`` is an ``_s``, in seconds.

    ``areas``: one row per level, area and group; columns level (one of :data:`LEVELS`), code, name,
    group (``people`` or a column of the study), people, white_before, white_after, gained, lost,
    nearer, farther, undecided, undecided_before, undecided_after (people), and for each need
    K_change_m (mean weighted by the group). Areas where nothing changes are there too.
    """

    before: Side
    after: Side
    communes: gpd.GeoDataFrame
    areas: pd.DataFrame
    needs: tuple[str, ...]
    groups: tuple[str, ...]

    @property
    def layers(self) -> Mapping[str, gpd.GeoDataFrame]:
        """The communes, or what stands for them, in EPSG:4326."""
        return {"communes": self.communes}

    @property
    def table(self) -> pd.DataFrame:
        """The rows of :meth:`of` for the whole and each département."""
        return pd.concat([self.of("departement"), self.of("territory")], ignore_index=True)

    @property
    def headline(self) -> str:
        """Who gains and who loses."""
        total = self.total
        return _(
            "{gained} habitants desservis de plus, {lost} de moins ; {white} en zone blanche au lieu "
            "de {before}",
            gained=int(total["gained"]),
            lost=int(total["lost"]),
            white=int(total["white_after"]),
            before=int(total["white_before"]),
        )

    @property
    def unit(self) -> Unit:
        """What both studies count in."""
        return self.before.study.unit

    @property
    def total(self) -> pd.Series:
        """The territory's row for everyone."""
        return self.of("territory").iloc[0]

    def of(self, level: Level, *, group: str = PEOPLE, changed_only: bool = False) -> pd.DataFrame:
        """Return the rows of a level for a group, those where most people change first."""
        rows = self.areas[(self.areas["level"] == level) & (self.areas["group"] == group)]
        if changed_only:
            rows = rows[(rows[list(CHANGES[:-1])] > 0).any(axis=1)]
        return rows.loc[
            (rows["gained"] + rows["lost"]).sort_values(ascending=False, kind="stable").index
        ]

    def by_group(self) -> pd.DataFrame:
        """Return the territory's rows, one a group, called by the group's name."""
        rows = self.areas[self.areas["level"] == "territory"]
        return rows.assign(
            code="",
            name=rows["group"]
            .map(lambda group: group_label("population" if group == PEOPLE else group))
            .str.capitalize(),
        )

    def as_dict(self) -> dict[str, Any]:
        """Return the comparison as plain values ready for JSON: both sides, every area, the
        communes that change.
        """
        changing = self.communes[self.communes["change"] != "same"]
        communes = pd.DataFrame(changing.drop(columns=changing.geometry.name)).reset_index(
            names="id"
        )
        return {
            "before": {
                "study": self.before.study.id,
                "title": self.before.study.title,
                "kiosks": self.before.kiosks,
            },
            "after": {
                "study": self.after.study.id,
                "title": self.after.study.title,
                "kiosks": self.after.kiosks,
            },
            "needs": list(self.needs),
            "unit": self.unit,
            "groups": [PEOPLE, *self.groups],
            "areas": _plain(self.areas),
            "communes": _plain(communes),
        }


# Return the rows as plain values; what is missing is None.
def _plain(table: pd.DataFrame) -> list[dict[str, Any]]:
    return [
        {str(key): value for key, value in row.items()}
        for row in table.astype(object).where(table.notna(), None).to_dict("records")
    ]


def side_of(result: CoverageResult, *, kiosks: bool) -> Side:
    """Return the side a result makes; ``kiosks`` counts those of its plan as open."""
    return Side(
        study=result.study,
        demand=result.demand,
        services=result.services,
        kiosks=kiosks and result.study.kiosks is not None,
        territory=result.territory,
        epci_names=inputs.epci_names(inputs.source_path(result.study)),
        plan_hosts=tuple(result.kiosks.loc[result.kiosks["rank"] > 0, "host_id"]) if kiosks else (),
        opens=result.kiosks["needs"].to_dict() if kiosks else {},
        placed=result.kiosks[[*_PLACED, "geometry"]] if kiosks and len(result.kiosks) else None,
        inputs=result.inputs,
    )


def read_side(folder: Path, *, kiosks: bool) -> Side:
    """Return the side that a study's folder (or its manifest) makes, without computing it again.

    Raises
    ------
    ManifestError
        The manifest is missing or cannot be read.
    LayerError
        ``result.gpkg`` is missing or is not that of a study.
    """
    found = manifest.read(folder)
    folder = folder if folder.is_dir() else folder.parent
    study = manifest.study_of(found["study"], path=folder / "manifest.json")
    demand = read_layer(
        folder / "result.gpkg",
        layer="demand",
        columns=("id", "people", "served", *[study.unit.column(need.key) for need in study.needs]),
    )
    demand = demand.set_index("id")
    demand["zone"] = demand["zone"].fillna("")
    services = read_layer(
        folder / "result.gpkg", layer="services", columns=("id", "name")
    ).set_index("id")
    try:
        source = inputs.source_path(replace(study, path=None))
        territory = inputs.territory_of(study, source)
        names = inputs.epci_names(source)
    except GeoguichetError:  # the source is elsewhere: points will do
        territory, names = None, {}
    opens, placed = {}, None
    if kiosks and study.kiosks is not None and "kiosks" in list_layers(folder / "result.gpkg"):
        placed = read_layer(
            folder / "result.gpkg", layer="kiosks", columns=("id", "needs", *_PLACED)
        ).set_index("id")
        opens = placed["needs"].to_dict()
    return Side(
        study,
        demand,
        services,
        kiosks and study.kiosks is not None,
        territory,
        names,
        opens=opens,
        placed=placed,
        inputs=tuple(InputLayer(**layer) for layer in found["inputs"]),
    )


def altered(study: Study, changes: Changes, *, within: dict[str, Cost] | None = None) -> Study:
    """Return the study with more changes in its services, and other thresholds for some of its
    needs.

    Raises
    ------
    StudyError
        A threshold names a need the study does not have.
    """
    thresholds = within or {}
    unknown = [key for key in thresholds if key not in {need.key for need in study.needs}]
    if unknown:
        raise study.refusal(
            f"services.{unknown[0]}",
            f"le besoin {unknown[0]!r} est inconnu",
            ", ".join(need.key for need in study.needs),
        )
    needs = tuple(
        replace(need, within=thresholds.get(need.key, need.within)) for need in study.needs
    )
    return replace(study, needs=needs, changes=study.changes.then(changes))


def compare_sides(before: Side, after: Side) -> Comparison:
    """Set two sides against each other, commune by commune.

    Raises
    ------
    ComparisonError They have no commune or no need in common, do not count the same people, or one
        counts in minutes and the other in kilometres.
    """
    needs = tuple(
        need.key for need in before.study.needs if need.key in {n.key for n in after.study.needs}
    )
    groups = tuple(g for g in before.study.demand.groups if g in after.study.demand.groups)
    shared = before.demand.index.intersection(after.demand.index).sort_values()
    _check(before, after, shared, needs)
    communes = _communes(before, after, shared, needs, groups)
    return Comparison(
        before,
        after,
        communes,
        _areas(communes, before, needs, groups, after.epci_names | before.epci_names),
        needs,
        groups,
    )


def _check(before: Side, after: Side, shared: pd.Index, needs: tuple[str, ...]) -> None:
    titles = f"« {before.study.title} » et « {after.study.title} »"
    if before.study.unit != after.study.unit:
        raise ComparisonError(
            f"{titles} ne se comparent pas : l'une compte en minutes et l'autre en kilomètres ; "
            "donnez aux deux la même clé « router.kind »."
        )
    if not len(shared):
        raise ComparisonError(
            f"{titles} n'ont aucune commune en commun ; comparez deux études d'un même territoire."
        )
    if not needs:
        raise ComparisonError(
            f"{titles} n'ont aucun besoin de même nom ; donnez le même nom à leurs tables "
            "[services.NOM]."
        )
    if not before.demand.loc[shared, PEOPLE].equals(after.demand.loc[shared, PEOPLE]):
        raise ComparisonError(
            f"{titles} ne comptent pas les mêmes habitants ; donnez-leur la même clé « "
            "demand.weight » "
            "et la même source."
        )


def _communes(
    before: Side, after: Side, shared: pd.Index, needs: tuple[str, ...], groups: tuple[str, ...]
) -> gpd.GeoDataFrame:
    left = before.demand.loc[shared]
    table = gpd.GeoDataFrame(
        left[["name", "departement", "epci", PEOPLE, *groups]],
        geometry=_shapes(before, after, shared),
        crs=left.crs,
    )
    moved, unit = np.zeros(len(shared)), before.study.unit
    for need in needs:
        was, is_now = (side.cost(need).loc[shared] for side in (before, after))
        table[unit.column(f"{need}_before")], table[unit.column(f"{need}_after")] = was, is_now
        table[unit.column(f"{need}_change")] = is_now - was
        moved += np.nan_to_num((is_now - was).to_numpy())
    for name, side in (("before", before), ("after", after)):
        table[f"served_{name}"] = side.served.loc[shared]
        table[f"undecided_{name}"] = side.undecided.loc[shared]
    table[unit.column("moved")] = moved
    table["change"] = _change(table, moved)
    for name, side in (("zone_before", before), ("zone_after", after)):
        table[name] = side.demand.loc[shared, "zone"].where(~side.served.loc[shared], "")
    return table


# Return the outline of each commune where a side knows it, else its point.
def _shapes(before: Side, after: Side, shared: pd.Index) -> np.ndarray:
    points = before.demand.geometry.loc[shared]
    territory = before.territory or after.territory
    if territory is None:
        return np.asarray(points.to_numpy())
    outlines = territory.polygons.reindex(shared)
    return np.asarray(outlines.where(outlines.notna(), points).to_numpy())


def _change(table: pd.DataFrame, moved: np.ndarray) -> np.ndarray:
    was, is_now = table["served_before"], table["served_after"]
    conditions: dict[Change, Any] = {
        "undecided": table["undecided_before"] != table["undecided_after"],
        "gained": ~was & is_now,
        "lost": was & ~is_now,
        "nearer": moved <= -_NOTICED,
        "farther": moved >= _NOTICED,
    }
    return np.select(list(conditions.values()), list(conditions), default="same")


def _areas(
    communes: gpd.GeoDataFrame,
    before: Side,
    needs: tuple[str, ...],
    groups: tuple[str, ...],
    epci_names: dict[str, str],
) -> pd.DataFrame:
    names: dict[str, dict[str, str]] = {
        "departement": before.territory.departements.set_index("code")["name"].to_dict()
        if before.territory
        else {},
        "epci": epci_names,
    }
    keys = pd.DataFrame(communes[list(LEVELS[1:])]).assign(territory=before.study.territory.name)
    changes = {need: before.study.unit.column(f"{need}_change") for need in needs}
    counted = {group: _counted(communes, group, changes) for group in (PEOPLE, *groups)}
    tables = [
        _summed(table, keys[level], level, group, names.get(level, {}), changes)
        for level in LEVELS
        for group, table in counted.items()
    ]
    return pd.concat(tables, ignore_index=True)


# Return what each commune adds to the sums of a group; people whose group is unknown (NaN) count
# for none.
def _counted(communes: gpd.GeoDataFrame, group: str, changes: dict[str, str]) -> pd.DataFrame:
    weight = communes[group].fillna(0).astype(float)
    columns: dict[str, pd.Series] = {
        "people": weight,
        **{kind: weight.where(communes["change"] == kind, 0.0) for kind in CHANGES[:-1]},
    }
    for side in ("before", "after"):
        undecided = communes[f"undecided_{side}"]
        columns[f"undecided_{side}"] = weight.where(undecided, 0.0)
        columns[f"white_{side}"] = weight.where(~communes[f"served_{side}"] & ~undecided, 0.0)
    for need, column in changes.items():
        change = communes[column]
        columns[column] = (change * weight).fillna(0.0)
        columns[f"{need}_known"] = weight.where(change.notna(), 0.0)
    return pd.DataFrame(columns)


_COUNTED = (
    "people",
    "white_before",
    "white_after",
    *CHANGES[:-1],
    "undecided_before",
    "undecided_after",
)


# Return one row per value of the key: people summed, distances or times averaged over those who
# have one.
def _summed(
    counted: pd.DataFrame,
    key: pd.Series,
    level: Level,
    group: str,
    names: dict[str, str],
    changes: dict[str, str],
) -> pd.DataFrame:
    known = key.fillna("") != ""
    sums = counted[known].groupby(key[known]).sum()
    people = sums[list(_COUNTED)].round().astype(np.int64)
    codes = sums.index.astype(str)
    told: dict[str, Any] = {
        "level": level,
        "code": "" if level == "territory" else codes,
        "name": [names.get(code, code) for code in codes],
        "group": group,
    }
    means = {
        column: sums[column] / sums[f"{need}_known"].where(sums[f"{need}_known"] > 0)
        for need, column in changes.items()
    }
    return people.assign(**means, **told)[[*told, *list(people.columns), *means]].reset_index(
        drop=True
    )


# What the reader of two answers may give: a study file, a result's folder, or one study and what
# changes in it.

type Kiosks = Literal["none", "both", "after"]


def compare(
    before: Comparable,
    after: Comparable | None = None,
    *,
    close: str | Sequence[str] = (),
    open_: str | Sequence[str] = (),
    hours: str | Sequence[str] = (),
    within: str | Sequence[str] = (),
    kiosks: Kiosks | None = None,
    on_step: Callable[[str], None] = lambda _: None,
) -> Comparison:
    """Compare two answers, or two studies or results given by their paths; the second may be the
    first with changes.

    Parameters
    ----------
    before, after
        A study or its file (it is computed), the folder or manifest of a result (it is read), or an
        answer: of ``run``, ``white_zones`` or ``site_kiosks``. Without ``after``, it is the first one,
        changed. People are joined by their label, and are the same on both sides.
    close, open_, hours, within
        What changes on the second side, as written on the command line: ``ID``,
        ``TYPE,LON,LAT[,HOURS]``, ``ID=HOURS``, ``NEED=LENGTH`` (``NEED=TIME`` in a study of times).
    kiosks
        The sides whose kiosks count as open: by default both when two are given, none when one is
        changed. Changing one study with ``both`` keeps the kiosks of the first side where they are.
    on_step
        Called with the name of each step as it starts.

    Returns
    -------
    Comparison
        Who gains and who loses, row by row and by area.

    Raises
    ------
    GeoguichetError
        A path, a change or the two sides together are refused.

    Examples
    --------
    >>> import geopandas as gpd
    >>> from geoguichet import white_zones
    >>> towns = gpd.GeoDataFrame(
    ...     {"nom": ["Foix", "Ax"], "population": [9_500, 1_200]},
    ...     geometry=gpd.points_from_xy([1.605, 1.838], [42.966, 42.719]), crs="EPSG:4326")
    >>> one, both = (white_zones(towns, towns.iloc[:n], within="8 km") for n in (1, 2))
    >>> compare(one, both)
    <Comparison : 1 200 habitants desservis de plus, 0 de moins ; 0 en zone blanche au lieu de 1 200>
    """
    close, open_, hours, within = (
        [one] if isinstance(one, str) else one for one in (close, open_, hours, within)
    )
    changes = Changes(
        open=tuple(opening(text) for text in open_),
        hours=tuple(_pair(text, "--hours", "mairie-09122=Mo-Fr 09:00-12:00") for text in hours),
        close=tuple(close),
    )
    limits = dict(_pair(text, "--within", "mairie=10 km") for text in within)
    changing = changes != Changes() or bool(limits)
    if after is None and not changing and kiosks != "after":
        raise StudyError(
            f"{before} : il n'y a rien à quoi comparer ; donnez une seconde étude, ou --close, "
            "--open, --hours, "
            "--within, ou --kiosks after pour voir ce que le plan change."
        )
    counted: Kiosks = kiosks or ("none" if after is None else "both")
    first = _side(before, kiosks=counted == "both", on_step=on_step)
    if after is not None and not changing:
        return compare_sides(first, _side(after, kiosks=counted != "none", on_step=on_step))
    study = (
        _study_of(after)
        if after is not None
        else _kept(first)
        if counted == "both"
        else _study_of(before)
    )
    thresholds = {
        need: threshold_of(need, text, "--within", unit=study.unit) for need, text in limits.items()
    }
    second = run(
        _asked(altered(study, changes, within=thresholds), kiosks=counted != "none"),
        on_step=on_step,
    )
    return compare_sides(first, side_of(second, kiosks=counted != "none"))


def _side(given: Comparable, *, kiosks: bool, on_step: Callable[[str], None]) -> Side:
    match given:
        case str() | Path() if _is_of_a_result(given):
            return read_side(Path(given), kiosks=kiosks)
        case str() | Path() | Study():
            study = _asked(_study_of(given), kiosks=kiosks)
            return side_of(run(study, on_step=on_step), kiosks=kiosks)
        case Answer():
            return given.side(kiosks=kiosks)
    return side_of(a_result(given), kiosks=kiosks)


# Leave the siting out when its kiosks do not count.
def _asked(study: Study, *, kiosks: bool) -> Study:
    return study if kiosks else replace(study, kiosks=None)


def _study_of(given: Comparable) -> Study:
    match given:
        case Study():
            return given
        case CoverageResult():
            return given.study
        case str() | Path() if not _is_of_a_result(given):
            return read_study(given)
    raise StudyError(
        f"{given} : un résultat est déjà calculé et ne se change pas ; donnez le fichier .toml "
        "de l'étude."
    )


# Whether it is the folder or the manifest of a result, and not the file of a study.
def _is_of_a_result(given: str | Path) -> bool:
    return Path(given).is_dir() or Path(given).suffix == ".json"


# Return the study of a side with its kiosks required where its plan put them, whatever model chose
# them.
def _kept(side: Side) -> Study:
    choice = side.study.kiosks
    if choice is None or not side.plan_hosts:
        return side.study
    kept = choice.asked_with(
        model="maximal_covering",
        required=side.plan_hosts,
        excluded=(),
        count=len(side.plan_hosts),
        weight="",
        budget_eur=None,
        one_per="",
        spacing_m=None,
        floor=(),
        floor_per_departement=0,
        share=None,
        site_cost=(),
        site_cost_column="",
    )
    return replace(side.study, kiosks=kept)


def opening(text: str) -> Opening:
    """Read ``TYPE,LON,LAT[,HOURS]``; the hours may hold commas.

    >>> opening("town_hall,1.605,42.966,Mo 09:00-12:00,14:00-17:00").hours
    'Mo 09:00-12:00,14:00-17:00'
    """
    kind, *rest = text.split(",", 3)
    if kind not in SERVICE_TYPES:
        close = difflib.get_close_matches(kind, list(SERVICE_TYPES), n=3, cutoff=0.4) or [
            "town_hall",
            "prefecture",
        ]
        raise StudyError(
            f"--open : le type de service {kind!r} est inconnu ; essayez : {', '.join(close)}."
        )
    try:
        lon, lat = float(rest[0]), float(rest[1])
    except (IndexError, ValueError) as error:
        raise StudyError(
            f"--open : TYPE,LON,LAT[,HORAIRES] est attendu, {text!r} est donné ; "
            "essayez : town_hall,1.605,42.966,Mo-Fr 09:00-17:00."
        ) from error
    return Opening(kind, lon, lat, rest[2].strip() if len(rest) > 2 else "")


def _pair(text: str, option: str, example: str) -> tuple[str, str]:
    name, _sign, value = (part.strip() for part in text.partition("="))
    if not name or not value:
        raise StudyError(
            f"{option} : NOM=VALEUR est attendu, {text!r} est donné ; essayez : {option} "
            f'"{example}".'
        )
    return name, value
