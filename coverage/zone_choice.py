"""How white zones are drawn: the ``[zones]`` table of a study."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal, cast

from geoguichet.coverage.study_table import StudyTable

type ZoneKind = Literal["exact", "smooth"]

KINDS: tuple[ZoneKind, ...] = ("exact", "smooth")
_AREA = re.compile(r"([0-9]+(?:[.,][0-9]+)?) ?(ha|km2|km²)")
_M2 = {"ha": 1e4, "km2": 1e6, "km²": 1e6}


@dataclass(frozen=True, slots=True)
class ZoneChoice:
    """How the white zones are drawn. It never changes who is served: people are counted from the demand points."""

    kind: str = "exact"
    """``exact``: the unserved communes (or cells) themselves; ``smooth``: the line where the ground has no slack."""
    cell_m: float = 500.0
    """Step of the grid of a smooth zone and of the surface."""
    surface: bool = False
    """Write the slack on that grid (``surface.tif``); smooth zones always do."""
    simplify_m: float = 0.0
    """How much the map may straighten the borders, all of them at once; the layers keep them as they are."""
    min_area_m2: float = 0.0
    min_people: int = 0
    """A zone under one of these is minor: kept in the layers and the counts, left out of the map and the report."""

    @property
    def with_surface(self) -> bool:
        """Whether the slack is computed on the grid."""
        return self.surface or self.kind == "smooth"


def read_zones(table: StudyTable, *, router: str) -> ZoneChoice:
    """Return the ``[zones]`` table, checked; an empty one draws exact zones. ``router`` is the kind of the router.

    Raises
    ------
    StudyError
        A key is unknown or out of range, or a surface is asked of a distant server.
    """
    usual = ZoneChoice()
    choice = ZoneChoice(
        kind=table.one_of("kind", cast(tuple[str, ...], KINDS), default=usual.kind),
        cell_m=table.quantity("cell", "length", default=usual.cell_m),
        surface=table.flag("surface", default=usual.surface),
        simplify_m=table.quantity("simplify", "length", default=usual.simplify_m, zero=True),
        min_area_m2=_area(table),
        min_people=table.integer("min_people", low=0, high=10_000_000, default=usual.min_people),
    )
    if not _CELLS_M[0] <= choice.cell_m <= _CELLS_M[1]:
        low, high = (f"{limit:g} m" for limit in _CELLS_M)
        raise table.error("cell", f"un pas de {low} à {high} est attendu", 'cell = "500 m"')
    if choice.with_surface and router in ("osrm", "valhalla"):
        what = f"une surface demande des centaines de milliers de trajets, trop pour un serveur {router}"
        raise table.error("kind", what, 'kind = "exact", ou un routeur "road", "relief" ou "straight_line"')
    table.refuse_unknown()
    return choice


_CELLS_M = (20.0, 20_000.0)


def _area(table: StudyTable) -> float:
    text = table.text("min_area", default="0 ha")
    match = _AREA.fullmatch(text.strip()) if len(text) < 40 else None
    if match is None:
        raise table.error("min_area", f"une surface en ha ou km2 est attendue, {text!r} est donné", '"5 km2"')
    return float(match[1].replace(",", ".")) * _M2[match[2]]
