"""A page for every commune: its counters, the nearest of each need and how far, white zone or not and
why, as the leading study tells it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

import pandas as pd

from geoguichet.catalogue.search.query import RecordQuery
from geoguichet.floor.errors import LayerError
from geoguichet.floor.viewer import Viewer
from geoguichet.floor.words import SOURCE, Message, Unit, _, cost, language, listed, pgettext
from geoguichet.portal.answers import Refusal
from geoguichet.portal.counters import counter_told, today
from geoguichet.portal.kept import Index
from geoguichet.portal.pages.counters import around, index_for, spot
from geoguichet.portal.pages.home import ZonesOf, flagship, needs_of
from geoguichet.portal.site import Asked, Page, Site, an_object
from geoguichet.portal.territory import Territory, rows_of
from geoguichet.referentials.layers import read_layer
from geoguichet.referentials.sources.fetch import cached
from geoguichet.referentials.territories.code_history import CommuneHistory
from geoguichet.referentials.territories.gazetteer import Commune, find_communes

#: The figures of a commune that are shown, where the layer has them.
_FIGURES = {
    "pop_65_plus": Message("65 ans et plus"),
    "pop_under_20": Message("Moins de 20 ans"),
    "dwellings": Message("Logements"),
    "second_homes": Message("dont résidences secondaires"),
}
_RECORDS = 5
#: The source of the history of codes, and what a code is.
_HISTORY, _CODE = "cog", re.compile(r"\d[\dAB]\d{3}", re.ASCII)


@lru_cache(maxsize=4)
def _rows(territory: Territory, layer: str) -> Mapping[str, Mapping[str, Any]]:
    return {str(row["code"]): row for row in rows_of(territory, layer)}


# The whole list.


def _listed(site: Site, asked: Asked) -> dict[str, Any]:
    index = index_for(site, asked.viewer)
    words, chosen = asked.given.get("q", "")[:100], asked.given.get("departement", "")
    names = _rows(site.territory, "departements")
    groups = {
        code: str(names.get(code, {}).get("name", code))
        for code in sorted({one.departement for one in index.communes})
    }
    known = sorted(index.communes, key=lambda one: (one.departement, one.plain))
    told = [
        {
            "code": one.code,
            "name": one.name,
            "departement": one.departement,
            "departement_name": groups[one.departement],
            "href": f"{site.url}/communes/{one.code}",
        }
        for one in (find_communes(known, words) if words else known)
        if chosen in ("", one.departement)
    ]
    return {"q": words, "departement": chosen, "departements": groups, "communes": told}


# One of them.


def _commune(site: Site, index: Index, text: str, ending: str) -> Commune:
    """Return the commune of a code, or of a name that is one's alone. Refusal (404) else; (301) to the
    commune that holds what an older one did.
    """
    found = index.named(text[:100])
    if not found and (heir := _heir(site.workspace, index, text)):
        told = _("{code} fait aujourd'hui partie de {name} ({heir}).", code=text, name=heir.name,
                 heir=heir.code)  # fmt: skip
        kept = f"?lang={language()}" if language() != SOURCE else ""
        address = f"{site.url}/communes/{heir.code}{ending}{kept}"
        raise Refusal(301, told, headers={"Location": address})
    if len(found) == 1:
        return found[0]
    if found:
        told = listed([f"{one.name} ({one.departement}, {one.code})" for one in found[:8]])
        raise Refusal(
            404, _("« {text} » est le nom de plusieurs communes : {told}.", text=text, told=told)
        )
    raise Refusal(
        404,
        _(
            "Aucune commune de ce portail n'a le code ou le nom « {text} » ; si elle a fusionné, "
            "cherchez celle qui l'a remplacée.",
            text=text[:100],
        ),
    )


# Return the one commune that holds today what a code held, as the official history tells it, where the
# workspace fetched it.
def _heir(workspace: Path, index: Index, code: str) -> Commune | None:
    fetched = cached(workspace / "cache").get(_HISTORY)
    if not fetched or not _CODE.fullmatch(code):
        return None
    last = fetched[-1]
    heirs = _history(workspace / "cache" / last.name / last.digest[:12] / last.file).successors(
        code
    )
    found = [one for one in index.communes if one.code in heirs]
    return found[0] if len(heirs) == len(found) == 1 else None


@lru_cache(maxsize=1)
def _history(file: Path) -> CommuneHistory:
    from geoguichet.referentials.readers.territories import read_any_history

    try:
        return read_any_history(file)
    except LayerError:  # what was fetched is no history
        return CommuneHistory((), {}, "")


def _told(site: Site, asked: Asked, *, ending: str = "") -> dict[str, Any]:
    index = index_for(site, asked.viewer)
    commune = _commune(site, index, asked.given["code"], ending)
    row = _rows(site.territory, "communes").get(commune.code, {})
    at = today(commune.departement)
    counters = [counter_told(one, at) for one in index.by_commune.get(commune.code, ())]
    document: dict[str, Any] = {
        "code": commune.code,
        "name": commune.name,
        "departement": commune.departement,
        "departement_name": _name(site, "departements", commune.departement),
        "epci_name": _name(site, "epci", row.get("epci")),
        "population": row.get("population"),
        "figures": {
            str(label): row[key] for key, label in _FIGURES.items() if row.get(key) is not None
        },
        "day": at.day,
        "counters": counters,
        "access": _access(site, asked.viewer, commune.code),
        "records": _records(site, commune.name, asked.viewer),
    }
    if asked.form != "html":
        return document
    here = index.communes[commune]
    numbered = tuple((str(n), *spot(one)) for n, one in enumerate(counters, 1))
    zones, start = _zones(site, asked.viewer), None if counters else here
    drawable = counters or here is not None
    drawn = around(site.territory, commune.code, start, numbered, zones=zones) if drawable else None
    return document | {"drawn": drawn, "pages": frozenset({commune.code})}


def _name(site: Site, layer: str, code: object) -> str:
    return str(_rows(site.territory, layer).get(str(code), {}).get("name") or "")


def _records(site: Site, name: str, viewer: Viewer) -> list[dict[str, str]]:
    asked = RecordQuery.from_parameters({"q": f'"{name}"', "limit": str(_RECORDS)})
    page = site.store.search(asked, viewer=viewer)
    records = [json.loads(item) for item in page.items]
    return [
        {
            "title": one["properties"].get("title") or one["id"],
            "href": f"{site.home}/items/{one['id']}",
        }
        for one in records
    ]


@lru_cache(maxsize=8)
def _result(
    file: Path, _state: int
) -> tuple[pd.DataFrame, Mapping[str, str], list[dict[str, Any]]]:
    demand, services, kiosks = (
        read_layer(file, layer=layer, empty=layer == "kiosks").drop(columns="geometry")
        for layer in ("demand", "services", "kiosks")
    )
    names = dict(zip(services["id"], services["name"], strict=True))
    there = kiosks.to_dict("records") if "commune" in kiosks else []
    return demand.set_index("id"), names, [{str(k): v for k, v in row.items()} for row in there]


# Return what the leading study says of a commune; nothing where there is none that tells of it.
def _access(site: Site, viewer: Viewer, code: str) -> dict[str, Any] | None:
    found = flagship(site, viewer)
    if found is None:
        return None
    study, manifest, folder = found
    file = folder / "result.gpkg"
    try:
        demand, names, kiosks = _result(file, file.stat().st_mtime_ns)
    except (LayerError, OSError):  # a result of another version
        return None
    if code not in demand.index:
        return None
    row: Any = demand.loc[code]
    state = "undecided" if row["undecided"] else "served" if row["served"] else "unserved"
    needs = [_need(need, row, names) for need in manifest["study"]["needs"]]
    return {
        "study": study.id,
        "title": study.title,
        "date": str(manifest["study"].get("date") or ""),
        "href": f"{site.url}/studies/{study.id}/report.html",
        "missing": list(study.missing),
        "state": state,
        "state_told": _state_told(state),
        "people": int(row["people"]),
        "rule": manifest["study"]["rule"]["kind"],
        "needs": needs,
        "kiosks": [
            {
                "open": row.get("standing") == "existing",
                "host": row["host"],
                "rank": int(row["rank"]),
                "people_added": int(row["people_added"]),
            }
            for row in kiosks
            if row["commune"] == code
        ],
    }


def _state_told(state: str) -> str:
    if state == "unserved":
        return pgettext("commune", "En zone blanche")
    return _("Desservie") if state == "served" else _("Non tranché")


_NEEDS = {
    "served": Message("À portée"),
    "unserved": Message("Trop loin"),
    "undecided": Message("Non tranché : horaires inconnus"),
}


# Say the nearest counter of a need, how far it is, and whether that is near enough.
def _need(need: Mapping[str, Any], row: Any, names: Mapping[str, str]) -> dict[str, Any]:
    unit = next(unit for unit in Unit if need.get(unit.column("within")) is not None)
    key, within = need["key"], need[unit.column("within")]
    far = float(row[unit.column(key)])
    perhaps = float(row.get(unit.column(f"{key}_perhaps"), float("nan")))
    state = "served" if far <= within else "undecided" if perhaps <= within else "unserved"
    known = far == far
    return {
        "key": key,
        "label": need["label"],
        "nearest": names.get(row[f"{key}_service"], "") if known else "",
        unit.column("cost"): far if known else None,
        "far": cost(far, unit) if known else "",
        unit.column("within"): within,
        "within": cost(within, unit),
        "state": state,
        "state_told": str(_NEEDS[state]),
    }


# Return what tells who lacks what in the leading study (`home.zone_parts`).
def _zones(site: Site, viewer: Viewer) -> ZonesOf | None:
    found = flagship(site, viewer)
    if found is None:
        return None
    _study, manifest, folder = found
    file = folder / "result.gpkg"
    state = file.stat().st_mtime_ns if file.exists() else 0
    return site.territory, file, needs_of(manifest), state


_TEXT = {"type": "string"}
_LIST = {"type": "array", "items": {"type": "object"}}
_SCHEMAS = {
    "Communes": an_object({"communes": _LIST, "departements": {"type": "object"}}, "communes"),
    "Commune": an_object(
        {"code": _TEXT, "name": _TEXT, "counters": _LIST, "access": {"type": "object", "nullable": True},
         "records": _LIST},
        "code", "name", "counters", "access", "records",
    ),
}  # fmt: skip
_page = partial(Page, title=Message("Communes"), document=lambda _site, _viewer: {})
PAGES = (
    _page(path="/communes", summary="The communes", template="communes.html", more=_listed,
          parameters=("q", "departement"), schema="Communes", schemas=_SCHEMAS, menu="foot"),
    _page(path="/communes/{code}", summary="A commune", template="commune.html", more=_told,
          schema="Commune"),
    _page(path="/communes/{code}/widget", summary="The same, to be framed by another site",
          template="commune-widget.html", more=partial(_told, ending="/widget"), schema="Commune"),
)  # fmt: skip
