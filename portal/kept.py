"""What the portal keeps to say which counters are near: the index of `coverage.nearest`, made of the
territory's counters and of the kiosks that are open, again when one of their files changes.

Kiosks that are only proposed are not in it: they are nowhere to go.
"""

from __future__ import annotations

import json
import logging
import sqlite3
import weakref
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any

import shapely
from geopandas import GeoSeries

from geoguichet.coverage.nearest import KEPT, KIOSK, Kept, Vocabulary, communes_of, degrees, fresh
from geoguichet.floor.errors import GeoguichetError, LayerError
from geoguichet.floor.region import Region, Shown
from geoguichet.floor.viewer import PUBLIC, Viewer, audience
from geoguichet.floor.words import _, language
from geoguichet.portal.errors import PortalError
from geoguichet.portal.providers.studies import seen_first
from geoguichet.portal.territory import Territory
from geoguichet.portal.usual import usual_study
from geoguichet.referentials.directory.services import NEEDS, TAXONOMY, service_name
from geoguichet.referentials.territories.gazetteer import Commune, find_communes, plain

if TYPE_CHECKING:
    from geoguichet.coverage.orientation import Directory
    from geoguichet.coverage.routers.impedance import Router
    from geoguichet.coverage.study.study import Study

#: What a page tells of a counter beside what `nearest` does, where the layer has it.
_MORE = ("commune", "address", "postcode", "telephone", "wheelchair")
_LAYER = "services"
_DEGREES = "EPSG:4326"
#: Seconds by road past which a counter is not looked for.
_FARTHEST_S = 2_700.0
_making = Lock()
logger = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class Index:
    """The index of a workspace, and what of it is kept in memory."""

    path: Path
    #: What measures minutes by car, as the leading study does, where its roads are here.
    roads: Router | None = None

    @cached_property
    def base(self) -> sqlite3.Connection:
        """The index, open to be read by all threads (SQLite puts one before the other)."""
        address = f"{self.path.resolve().as_uri()}?mode=ro"
        opened = sqlite3.connect(address, uri=True, check_same_thread=False)
        weakref.finalize(self, opened.close)
        return opened

    @cached_property
    def communes(self) -> Mapping[Commune, tuple[float, float] | None]:
        """The communes, each with the point where its people are supposed."""
        return communes_of(self.base)

    @cached_property
    def kept(self) -> Kept:
        """What it says of the study that it is made of."""
        return Kept.of(*self.base.execute("SELECT told FROM told").fetchone())

    @property
    def vocabulary(self) -> Vocabulary:
        """All that can be asked for."""
        return self.kept.vocabulary

    @cached_property
    def codes(self) -> Mapping[str, Commune]:
        """The communes by their codes."""
        return {one.code: one for one in self.communes}

    @cached_property
    def kinds(self) -> frozenset[str]:
        """The types of counters there are."""
        kinds = self.base.execute("SELECT DISTINCT kind FROM counters")
        return frozenset(kind for (kind,) in kinds)

    @cached_property
    def counters(self) -> Sequence[dict[str, Any]]:
        """The counters and the open kiosks, as features."""
        rows = self.base.execute("SELECT told FROM counters ORDER BY number")
        return [json.loads(told) for (told,) in rows]

    @cached_property
    def by_commune(self) -> Mapping[str, Sequence[dict[str, Any]]]:
        """The counters and the open kiosks of each commune, as features."""
        found: dict[str, list[dict[str, Any]]] = {}
        for one in self.counters:
            found.setdefault(one["properties"].get("commune") or "", []).append(one)
        return found

    @cached_property
    def addresses(self) -> Sequence[tuple[str, dict[str, Any]]]:
        """The counters by their name and address, as words are compared."""
        names = ("name", "address", "postcode", "commune_name")
        return [
            (plain(" ".join(str(one["properties"].get(name) or "") for name in names)), one)
            for one in self.counters
        ]

    def named(self, text: str) -> list[Commune]:
        """Return the communes that a text may mean (`find_communes`): a code means one."""
        coded = self.codes.get(text.strip().upper())
        return [coded] if coded else find_communes(self.communes, text)

    def place(self, asked: str) -> tuple[float, float] | None:
        """Return the point of a place: degrees, or a commune's by its code; None where nobody knows."""
        given = degrees(asked)
        known = self.codes.get(asked)
        return given if given is not None or known is None else self.communes[known]

    def by_road(self, asked: str, features: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        """Return counters found around a place with their seconds by road (``cost_s``), the nearest
        first; none where there are no roads, or none that leads from there to one of them.
        """
        here = self.place(asked)
        if self.roads is None or here is None:
            return []
        ends = shapely.points([one["geometry"]["coordinates"] for one in features])
        start, goals = (GeoSeries(some, crs=_DEGREES) for some in ([shapely.Point(here)], ends))
        found = self.roads.costs(start, goals, limit=_FARTHEST_S)
        seconds = dict(zip(found.destination.tolist(), found.cost.tolist(), strict=True))
        order = sorted(seconds, key=lambda number: seconds[number])
        order += [number for number in range(len(features)) if number not in seconds]
        return [
            {**features[n], "properties": features[n]["properties"] | {"cost_s": seconds.get(n)}}
            for n in (order if seconds else ())
        ]

    def needs(self) -> dict[str, str]:
        """Return what can be asked for in a citizen's words, by key: the needs of the study, then
        those that some counter meets.
        """
        errands = {each.key: each.errand for each in self.vocabulary.known}
        own = sorted(self.vocabulary.needs, key=lambda key: "town_hall" not in errands[key].types)
        told = {key: _types_told(errands[key].types) for key in own}
        for key, need in NEEDS.items():
            if key in errands and not self.kinds.isdisjoint(need.types):
                words = need.label_en if language() == "en" else need.label_fr
                told.setdefault(key, f"{words[:1].upper()}{words[1:]}")
        return told

    def label(self, key: str) -> str:
        """Return what a key of the vocabulary is called."""
        return self.needs().get(key) or service_name(key)


def _types_told(types: Sequence[str]) -> str:
    first, *others = [service_name(kind) for kind in types]
    return _(" ou ").join([f"{first[:1].upper()}{first[1:]}", *others])


def index_of(workspace: Path, region: Region, territory: Territory, *, viewer: Viewer) -> Index:
    """Return the index of a workspace, made when it is first asked for or when what it is made of
    changed; of its kiosks it has those of a study that everybody may see.

    Raises
    ------
    PortalError
        The portal shows no counter to this viewer, or the index cannot be written.
    """
    if territory.data is None or not _shows_counters(region, viewer):
        raise PortalError(_("Ce portail ne montre aucun guichet."))
    results = seen_first(workspace, region.portal.flagship, PUBLIC)[:1]
    watched = (workspace / "types.toml", TAXONOMY, territory.data)
    made_of = (*watched, *(folder / name for folder in results for name in _OF_RESULT))
    try:
        with _making:
            return _kept(workspace, territory, made_of, tuple(map(_state, made_of)))
    except LayerError as error:  # data of another make, which the other pages do without
        logger.warning("Aucun index des guichets : %s", error)
        raise PortalError(_("Ce portail ne montre aucun guichet.")) from error


# Say whether a viewer sees the layer of counters, under the name by which the region shows it.
def _shows_counters(region: Region, viewer: Viewer) -> bool:
    names = [name for name, one in region.collections.items() if one.layer == _LAYER] or [_LAYER]
    return any(
        region.collections.get(name, Shown()).shown
        and viewer.sees(audience(region.visibility.collections.get(name, "public")))
        for name in names
    )


_OF_RESULT = ("manifest.json", "result.gpkg")


def _state(file: Path) -> tuple[int, int]:
    return (file.stat().st_mtime_ns, file.stat().st_size) if file.is_file() else (0, 0)


@lru_cache(maxsize=4)
def _kept(
    workspace: Path, territory: Territory, files: tuple[Path, ...], _states: tuple[Any, ...]
) -> Index:
    from geoguichet.coverage.orientation import keep_counters

    folder = workspace / "guichet"
    result = files[-1].parent if files[-1].name in _OF_RESULT else None
    known = fresh(folder / KEPT, files)
    if known is None:
        folder.mkdir(exist_ok=True)
        directory = _directory(territory, result)
        more = [name for name in _MORE if name in directory.services]
        keep_counters(directory, folder, files, more)
        known = fresh(folder / KEPT, files)
    if known is None:
        raise PortalError(
            _("L'index des guichets ne peut pas être écrit dans {folder}.", folder=folder)
        )
    known.close()
    return Index(folder / KEPT, None if result is None else _roads(workspace, result))


# Return what measures minutes by car in the folder of a result, where its study does; its roads are
# there, in the workspace, or beside it.
def _roads(workspace: Path, result: Path) -> Router | None:
    from geoguichet.coverage.orientation import study_and_result
    from geoguichet.coverage.study.choices import open_router

    try:
        choice = study_and_result(result, result)[0].router
        homes = (result, workspace, workspace.parent)
        home = next((one for one in homes if (one / choice.network).is_file()), None)
        if home is None or not choice.by_car or choice.of_kind.distant:
            return None
        return open_router(choice, beside=home)
    except (
        GeoguichetError,
        KeyError,
        OSError,
        ValueError,
    ) as error:  # no result, or of another version
        logger.warning("Aucune route pour les guichets : %s", error)
        return None


# Return the counters of a territory and the kiosks that are open in the result of a study.
def _directory(territory: Territory, result: Path | None) -> Directory:
    from geoguichet.coverage.orientation import open_directory, study_and_result
    from geoguichet.coverage.study.study import parse_study
    from geoguichet.referentials.layers import read_layer

    source = "" if territory.is_sample else str(territory.data)
    study = parse_study(usual_study(territory, source))
    directory = open_directory(_at_ease(study))
    if result is None:
        return directory
    try:
        asked, _folder = study_and_result(result, result)
        kiosks = read_layer(
            result / "result.gpkg", layer="kiosks", columns=("id", "name", "host", "hours"),
            empty=True,
        )  # fmt: skip
    except (GeoguichetError, KeyError, OSError, ValueError):  # a result of another version
        return directory
    if asked.kiosks is None or "standing" not in kiosks:
        return directory
    standing = kiosks[kiosks["standing"] == "existing"].set_index("id")
    both = replace(study, needs=asked.needs, kiosks=asked.kiosks)
    return replace(directory, study=_at_ease(both), kiosks=standing)


# Return a study that asks of its needs no more than the type of the counter: who looks for a town hall
# looks for any.
def _at_ease(study: Study) -> Study:
    needs = [replace(need, min_hours_per_week=None, open_at=None) for need in study.needs]
    return replace(study, needs=tuple(needs))


def is_kiosk(feature: Mapping[str, Any]) -> bool:
    """Say whether a counter is a visioguichet."""
    return bool(feature["properties"]["type"] == KIOSK)
