"""The studies: an index, a page for each with its map, and what changes from one to another."""

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

import geopandas as gpd
import pandas as pd
import shapely

from geoguichet.catalogue.search.query import RecordQuery
from geoguichet.coverage.access.supplements import NETWORKS
from geoguichet.floor.errors import GeoguichetError, LayerError
from geoguichet.floor.viewer import Viewer
from geoguichet.floor.words import Message, _, by_voice
from geoguichet.portal.answers import BY_STATUS, HTML, JSON, Refusal, link
from geoguichet.portal.drawn import Drawing, drawn
from geoguichet.portal.pages.home import (
    CLASSES,
    COMMUNES,
    Flagship,
    Needs,
    lacking,
    needs_of,
    people_of,
    told_of,
    zones_by_need,
)
from geoguichet.portal.providers.studies import STUDY, folder_of, manifest_of, seen_first
from geoguichet.portal.site import Asked, Page, Site, an_object
from geoguichet.portal.territory import Territory, layer_of, outlines
from geoguichet.referentials.layers import list_layers, read_layer

#: Rows of a table before the others are folded.
FIRST = 8
#: Hours a week under which a host is said to be little open.
_LITTLE = 8
#: What a study writes, in the order in which it is offered: what each is for, and its form.
FILES: Mapping[str, tuple[Message, str]] = {
    "report.pdf": (Message("Rapport"), "PDF"),
    "report.html": (Message("Rapport à lire en ligne"), "HTML"),
    "map.html": (Message("Carte à ouvrir sans réseau"), "HTML"),
    "result.gpkg": (Message("Zones, lieux et communes"), "GeoPackage"),
    "zones.parquet": (Message("Zones blanches"), "GeoParquet"),
    "surface.tif": (Message("Marge en tout point"), "GeoTIFF"),
    "manifest.json": (Message("Paramètres, sources et empreintes, pour rejouer l'étude"), "JSON"),
}
#: What becomes of a commune from one study to the other: the class of the map, and the words.
_MOVES = {
    "gained": ("c-gagne", Message("Gagnent l'accès")),
    "lost": ("c-perdu", Message("Perdent l'accès")),
    "undecided": ("c-nt", Message("Non tranché d'un côté")),
}


class Study(NamedTuple):
    """A study that a viewer may see: its figures, its manifest, its folder."""

    told: Flagship
    manifest: Mapping[str, Any]
    folder: Path

    @property
    def version(self) -> str:
        """What tells this answer from any other: the digest of its layers."""
        return str(self.manifest["outputs"]["result.gpkg"]["sha256"])[:12]


def _opened(folder: Path) -> Study | None:
    try:
        manifest = manifest_of(folder)
        study = Study(told_of(manifest), manifest, folder)
        return study if study.version and manifest["study"]["id"] == folder.name else None
    except (OSError, ValueError, KeyError, TypeError, IndexError):
        return None  # not a study of this version


def asked_for(site: Site, viewer: Viewer, name: str) -> Study:
    """Return the study of an address; Refusal for one that may not be seen, or of another version."""
    if (folder := folder_of(site.workspace, name, viewer)) is None:
        raise Refusal(404, BY_STATUS[404])
    if (study := _opened(folder)) is None:
        raise of_another_version(name)
    return study


def of_another_version(name: str) -> Refusal:
    """Return the refusal of a study whose result does not read."""
    told = _("L'étude {study} vient d'une autre version de Géoguichet : relancez-la.", study=name)
    return Refusal(404, told)


# --- the index -----------------------------------------------------------------------------------


def _index(site: Site, viewer: Viewer) -> dict[str, Any]:
    found = (_opened(folder) for folder in seen_first(site.workspace, None, viewer))
    return {"studies": [_summed(site, study) for study in found if study is not None]}


# Return what is told of a study in a line.
def _summed(site: Site, study: Study) -> dict[str, Any]:
    told, about = study.told, study.manifest["study"]
    address = f"{site.url}/etudes/{told.id}"
    return {
        "id": told.id,
        "title": told.title,
        "abstract": about.get("abstract") or "",
        "date": about.get("date") or "",
        "visibility": about.get("visibility", "public"),
        "version": study.version,
        "people": told.people,
        "unserved": told.unserved,
        "undecided": told.undecided,
        "kiosks": study.manifest["counters"]["kiosks"],
        "links": [
            link("self", f"{address}?f=json", JSON),
            link("alternate", f"{address}?f=html", HTML),
            link("permalink", f"{address}?version={study.version}", HTML),
        ],
    }


# --- one study -----------------------------------------------------------------------------------


def _study(site: Site, asked: Asked) -> dict[str, Any]:
    study = asked_for(site, asked.viewer, asked.given["study"])
    version = asked.given.get("version", study.version)
    if version != study.version:
        told = _(
            "La version {asked} de cette étude n'est plus servie : la version {version} l'a "
            "remplacée.",
            asked=version[:20],
            version=study.version,
        )
        raise Refusal(404, told)
    labels = {need["key"]: need["label"] for need in study.manifest["study"]["needs"]}
    chosen = asked.given.get("besoin", "")
    if chosen and chosen not in labels:
        known = ", ".join(labels)
        raise Refusal(400, _("besoin : l'un de {known} est attendu.", known=known))
    needs = needs_of(study.manifest)
    names = {code: name for code, name, _shape in outlines(site.territory)}
    file, state = study.folder / "result.gpkg", _state(study.folder)
    document = {
        **_summed(site, study),
        "needs": [{"key": key, "label": label} for key, label in labels.items()],
        "lacking": [dict(zip(("kind", "label", "people"), row, strict=True))
                    for row in study.told.lacking],
        "networks": {"missing": study.told.missing, "counted": _networks(study, "counted")},
        **_tables(file, needs, tuple(names.items()), state),
        "plan": study.manifest["plan"],
        "files": _files(site, study),
        "layers": [
            {"href": f"{site.url}/collections/{name}/items", "title": one["title"]}
            for name, one in site.collections_of(asked.viewer).items()
            if one.get(STUDY) == study.told.id
        ],
    }  # fmt: skip
    if asked.form != "html":
        return document
    column = next((name for name, _far in needs if name[:-2] == chosen), "")
    return document | {
        "chosen": chosen,
        "drawn": _map(site.territory, file, needs, column, state),
        "communes": _communes(site.territory, file, needs, column, state),
        "rule": _rule(study),
        "uses": _cost(study),
        "hours": _hours(document["kiosk_rows"]),
        "may_share": asked.viewer.may("editor"),
        "record": site.store.search(
            RecordQuery(ids=(f"study-{study.told.id}",)), viewer=asked.viewer
        ).number_matched,
        "others": [one for one in _index(site, asked.viewer)["studies"] if one["id"] != study.told.id],
        "classes": CLASSES,
        "first": FIRST,
        "little": _LITTLE,
    }  # fmt: skip


def _state(folder: Path) -> int:
    file = folder / "result.gpkg"
    return file.stat().st_mtime_ns if file.exists() else 0


def _networks(study: Study, which: str) -> list[str]:
    keys = study.manifest["beside"]["baseline"][which]
    return [str(net.label) for net in NETWORKS if net.key in keys]


# Return the rule as its report says it: a sentence, then each need.
def _rule(study: Study) -> list[str]:
    return _rule_of(study.folder, (study.folder / "manifest.json").stat().st_mtime_ns)


@by_voice(64)
def _rule_of(folder: Path, _changed: int) -> list[str]:
    from geoguichet.coverage.manifest import study_of
    from geoguichet.coverage.outputs.report import need_sentences, rule_sentence

    try:
        asked = study_of(manifest_of(folder)["study"])
    except GeoguichetError:
        return []
    return [rule_sentence(asked), *need_sentences(asked)]


# Return what a use would cost under the use that is supposed: euros a use, uses a person and a year,
# years. None where there is no kiosk.
def _cost(study: Study) -> tuple[float, float, int] | None:
    from geoguichet.coverage.outputs.first_lines import YEARS

    choice = study.manifest["study"].get("kiosks")
    cost, uses = _cost_and_uses(study.folder / "result.gpkg", _state(study.folder))
    if not choice or not uses:
        return None
    whole = cost + choice["experts"] * choice["expert_side_cost_eur"]
    # Where no cost is told, a use does not cost nothing.
    return (whole / YEARS / uses, choice["use"]["uses_per_person"], YEARS) if whole else None


@lru_cache(maxsize=32)
def _cost_and_uses(file: Path, _changed: int) -> tuple[float, float]:
    kiosks = _layer(file, "kiosks")
    if kiosks is None or not kiosks.get("uses_per_year", pd.Series()).sum():
        return 0.0, 0.0
    return float(kiosks["cost_eur"].sum()), float(kiosks["uses_per_year"].sum())


# Return of the kiosks of the plan: the median of their hours, how many are little open, how many
# unknown.
def _hours(kiosks: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    told = [one["hours_per_week"] for one in kiosks if one["rank"] > 0]
    known = sorted(hours for hours in told if hours is not None)
    return {
        "kiosks": len(told),
        "median": float(median(known)) if known else None,
        "little": sum(hours < _LITTLE for hours in known),
        "unknown": len(told) - len(known),
    }


def _files(site: Site, study: Study) -> list[dict[str, Any]]:
    home, sizes = f"{site.url}/studies/{study.told.id}", study.manifest["outputs"]
    return [
        {
            "href": f"{home}/{name}",
            "title": str(title),
            "form": form,
            "length": (study.folder / name).stat().st_size,
        }
        for name, (title, form) in FILES.items()
        if (name in sizes or name == "manifest.json") and (study.folder / name).is_file()
    ]


def _layer(file: Path, name: str) -> gpd.GeoDataFrame | None:
    try:
        if name not in list_layers(file):
            return None
        return read_layer(file, layer=name, empty=True)
    except LayerError:
        return None


# Return the tables of a study: by département, its kiosks, its white zones.
@lru_cache(maxsize=32)
def _tables(
    file: Path, needs: Needs, names: tuple[tuple[str, str], ...], changed: int
) -> dict[str, Any]:
    known = dict(names)
    kiosks, zones = (_layer(file, name) for name in ("kiosks", "white_zones"))
    demand = people_of(file, needs, changed)
    by_area = [] if demand is None else _by_area(demand, needs, known)
    return {
        "departements": by_area[:-1],
        "total": by_area[-1] if by_area else None,
        "kiosk_rows": _rows(
            kiosks,
            ("id", "rank", "standing", "name", "departement", "host", "hours_per_week", "people_added"),
            {"departement": lambda code: known.get(code, code)},
        ),
        "zone_rows": _rows(
            zones,
            ("id", "people", "communes", "commune_names", "departements", "people_after"),
            {"departements": lambda codes: [known.get(c, c) for c in str(codes or "").split(",")]},
        ),
    }  # fmt: skip


def _rows(
    table: pd.DataFrame | None, columns: Sequence[str], told: Mapping[str, Callable[[Any], Any]]
) -> list[dict[str, Any]]:
    if table is None:
        return []
    kept = table.reindex(columns=[*columns]).astype(object)
    kept = kept.where(kept.notna(), None)
    for name, say in told.items():
        kept[name] = kept[name].map(say)
    return [{str(key): value for key, value in row.items()} for row in kept.to_dict("records")]


# Return who lacks what, a row for each département and one for all.
def _by_area(demand: pd.DataFrame, needs: Needs, names: Mapping[str, str]) -> list[dict[str, Any]]:
    kinds = lacking(demand, needs)
    people = demand["people"]
    remaining = ~demand["served_after"].astype(bool) if "served_after" in demand else kinds["c-nt"]
    columns = {
        **{kind: people.where(which, 0) for kind, which in kinds.items()},
        "people": people,
        "after": people.where(remaining & ~kinds["c-nt"], 0),
        "undecided_after": people.where(remaining & kinds["c-nt"], 0),
    }
    table = pd.DataFrame(columns)
    sums = table.groupby(demand["departement"]).sum()
    named = [(names.get(str(code), str(code)), row) for code, row in sums.iterrows()]
    named.append(("", table.sum()))
    return [
        {
            "name": name,
            **{str(key): int(value) for key, value in row.items()},
            "white": int(row["c-etat"] + row["c-mairie"] + row["c-deux"]),
        }
        for name, row in named
    ]


# Draw the white zones by what is lacking (or those of one need), and the kiosks by rank.
@lru_cache(maxsize=16)
def _map(territory: Territory, file: Path, needs: Needs, chosen: str, changed: int) -> Drawing:
    kiosks = _layer(file, "kiosks")
    ranks: list[tuple[str, shapely.Point]] = []
    if kiosks is not None and "rank" in kiosks:
        told = zip(kiosks["rank"], kiosks.geometry, strict=True)
        ranks = [(str(rank or "+"), point) for rank, point in told if point is not None]
    return drawn(territory, zones_by_need(territory, file, needs, changed, chosen), squares=ranks)


# Return the codes of the communes of each class of the map, which their tiles are coloured by; none
# where people are not those of communes: their white zones are, in one class.
@lru_cache(maxsize=16)
def _communes(
    territory: Territory, file: Path, needs: Needs, chosen: str, changed: int
) -> dict[str, list[str]]:
    demand = people_of(file, needs, changed)
    communes = _layer(territory.data or file, "communes")
    if demand is None or communes is None:
        return {}
    known = demand["id"].isin(set(communes["code"]))
    if known.mean() < COMMUNES:
        return {}
    found = lacking(demand, needs, chosen).items()
    return {kind: demand["id"][which & known].tolist() for kind, which in found if which.any()}


# --- two studies ---------------------------------------------------------------------------------


def _comparison(site: Site, asked: Asked) -> dict[str, Any]:
    before, after = (
        asked_for(site, asked.viewer, asked.given[name]) for name in ("study", "other")
    )
    states = _state(before.folder), _state(after.folder)
    told, pictures = _compared(site.territory, before.folder, after.folder, states)
    document = {"before": _summed(site, before), "after": _summed(site, after), **told}
    if asked.form != "html":
        return document
    return {
        **document,
        **pictures,
        "rules": [_rule(before), _rule(after)],
        "moves": [(change, kind, words) for change, (kind, words) in _MOVES.items()],
    }


@lru_cache(maxsize=16)
def _compared(
    territory: Territory, before: Path, after: Path, _states: tuple[int, int]
) -> tuple[dict[str, Any], dict[str, Any]]:
    from geoguichet.coverage.compare import compare_sides, read_side

    try:
        found = compare_sides(read_side(before, kiosks=True), read_side(after, kiosks=True))
    except GeoguichetError as error:
        raise Refusal(400, str(error)) from error
    communes, areas = found.communes, found.areas
    shapes = _of_communes(territory, communes)
    changed = {
        kind: (communes["change"] == change).to_numpy() for change, (kind, _words) in _MOVES.items()
    }
    changed = {kind: which for kind, which in changed.items() if which.any()}
    layers = {kind: [shapely.union_all(shapes[which])] for kind, which in changed.items()}
    pictures = {
        "drawn": drawn(territory, layers),
        "communes": {kind: communes.index[which].tolist() for kind, which in changed.items()},
    }
    counted = ["people", "white_before", "white_after", "undecided_before", "undecided_after",
               "gained", "lost", "undecided"]  # fmt: skip
    people = areas[areas["group"] == "people"]
    rows = [
        {"name": str(row["name"]), **{key: int(row[key]) for key in counted}}
        for row in people[people["level"] == "departement"].to_dict("records")
    ]
    whole = people[people["level"] == "territory"].to_dict("records")[0]
    return {"total": {key: int(whole[key]) for key in counted}, "departements": rows}, pictures


# Return the outlines of communes in their order; their points where none is known.
def _of_communes(territory: Territory, communes: gpd.GeoDataFrame) -> Any:
    found = layer_of(territory, "communes")
    if found is None:
        return communes.geometry.array
    known = found.set_index("code").geometry
    return known.reindex(communes.index).fillna(communes.geometry).array


_TEXT = {"type": "string"}
_COUNT = {"type": "integer", "minimum": 0}
_SUMMED = {
    **dict.fromkeys(("id", "title", "abstract", "date", "version"), _TEXT),
    **dict.fromkeys(("people", "unserved", "undecided", "kiosks"), _COUNT),
}
_STUDIES = {"type": "array", "items": an_object(_SUMMED, "id", "title", "people", "unserved")}
_ROWS = {"type": "array", "items": {"type": "object"}}
PAGES: Sequence[Page] = (
    Page(
        path="/etudes",
        title=Message("Études"),
        summary="The studies that may be seen, the newest first",
        template="studies.html",
        document=_index,
        menu="main",
        schema="Studies",
        schemas={"Studies": an_object({"studies": _STUDIES}, "studies")},
    ),
    Page(
        path="/etudes/{study}",
        title=Message("Étude"),
        summary="A study: its figures, what is lacking where, its plan, its files",
        template="study.html",
        document=lambda _site, _viewer: {},
        parameters=("version", "besoin"),
        more=_study,
        schema="Study",
        schemas={
            "Study": an_object(
                {**_SUMMED, **dict.fromkeys(("lacking", "departements", "files"), _ROWS)}, "id", "title"
            )
        },
    ),
    Page(
        path="/etudes/{study}/comparer/{other}",
        title=Message("Comparaison"),
        summary="What changes for people from one study to another",
        template="comparison.html",
        document=lambda _site, _viewer: {},
        more=_comparison,
        schema="StudiesCompared",
        schemas={
            "StudiesCompared": an_object(
                {"before": {"type": "object"}, "after": {"type": "object"},
                 "total": {"type": "object"}, "departements": _ROWS},
                "before", "after", "total",
            )
        },
    ),
)  # fmt: skip
