"""INSEE's official geographic code: the history of communes (three published forms), the lists of
today's territories (Etalab, geo.api.gouv.fr), and chief places as points.
"""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import geopandas as gpd
import pandas as pd
import shapely
import yaml

from geoguichet.floor.errors import LayerError
from geoguichet.floor.files import refused
from geoguichet.floor.findings import Finding
from geoguichet.floor.words import Message
from geoguichet.referentials.directory.ground import axes_by_ground
from geoguichet.referentials.directory.placing import CANDIDATES, Axes, place_points
from geoguichet.referentials.directory.schema import Reading, blank, row_findings
from geoguichet.referentials.layers import LONLAT, METRIC, check_columns
from geoguichet.referentials.readers.column_names import FileMapping, folded
from geoguichet.referentials.readers.open_table import (
    feature_properties,
    feature_shape,
    geojson_features,
    read_gdal_layer,
)
from geoguichet.referentials.readers.tables_by_code import LEVELS, CodedColumns, make_table
from geoguichet.referentials.readers.text_tables import (
    csv_chunks,
    json_document,
    json_table,
    read_bytes,
)
from geoguichet.referentials.territories.code_history import (
    CommuneHistory,
    Kind,
    departement_of,
    movements_of,
)

type _Event = tuple[str, str, Kind, Sequence[str]]

_CODE = re.compile(r"  '?([0-9][0-9AB][0-9]{3})'?:$")
_DATE = re.compile(r"    '(\d{4}-\d{2}-\d{2})':$")
_PAIR = re.compile(r"(?<![^\s{},:])([^\s{},:]+): (\[[^\[\]]*\]|'(?:[^']|'')*'|[^,}]+)")
#: Events of a code that send it elsewhere; ``contribueA`` leaves a part behind.
_MOVES: Mapping[str, Kind] = {
    "fusionneDans": "merger",
    "devientDéléguéeDe": "merger",
    "sAssocieA": "merger",
    "changeDeCodePour": "renumbering",
    "seDissoutDans": "split",
    "contribueA": "transfer",
}
#: Events of a code that takes a part of another.
_SPLITS = ("seDétacheDe", "crééeCOMParScissionDe", "reçoitUnePartieDe")


def read_history(path: Path) -> CommuneHistory:
    """Read the history of commune codes since 1943 (``histo-communes-insee``, YAML, one event a
    line).

    The file is regular, one mapping a line: it is read by line, twenty times faster than by a YAML
    parser.

    Raises
    ------
    LayerError
        When the file is missing or has no code.
    """
    lines = read_bytes(path).decode("utf-8", errors="replace").splitlines()
    valid = next((line.split("'")[1] for line in lines[:10] if line.startswith("valid:")), "")
    events: list[_Event] = []
    states: dict[str, dict[str, bool]] = defaultdict(dict)
    code = date = ""
    for line in lines:
        if match := _CODE.match(line):
            code = match[1]
        elif match := _DATE.match(line):
            date = match[1]
            states[code][date] = False
        elif line.startswith("      évts:"):
            events.extend(_events(code, date, line))
        elif line.startswith("      état:"):
            states[code][date] = bool(re.search(r"statut: (COM|ARM)\b", line))
    if not states or not valid:
        raise LayerError(
            f"{path} : aucun code de commune ; l'histoire des communes (histo-communes-insee) est "
            "attendue."
        )
    return CommuneHistory(
        movements_of(events), {key: _periods(state) for key, state in states.items()}, valid
    )


def _events(code: str, date: str, line: str) -> Iterator[_Event]:
    for name, value in _PAIR.findall(line.partition("évts:")[2]):
        codes = re.findall(r"[0-9][0-9AB][0-9]{3}", value)
        if name in _SPLITS and codes:
            yield (
                date,
                codes[0],
                "transfer" if name == "reçoitUnePartieDe" else "split",
                [codes[0], code],
            )
        elif name == "contribueA":
            yield date, code, "transfer", [code, *codes]
        elif name in _MOVES and codes and codes != [code]:
            yield date, code, _MOVES[name], codes


# Return the periods when a code was a commune's, from its state at each date.
def _periods(state: Mapping[str, bool]) -> tuple[tuple[str, str], ...]:
    periods: list[tuple[str, str]] = []
    for first, last in pairwise([*sorted(state), "9999"]):
        if state[first] and periods and periods[-1][1] == first:
            periods[-1] = (periods[-1][0], last)
        elif state[first]:
            periods.append((first, last))
    return tuple(periods)


def read_movements(path: Path, *, current: Sequence[str] = (), valid: str = "") -> CommuneHistory:
    """Read INSEE's own table of events (``v_mvtcommune``: MOD, DATE_EFF, COM_AV, COM_AP ...; CSV
    ``,``).

    Parameters
    ----------
    current
        The codes in force at `valid`; those the table alone names are taken from it.

    Raises
    ------
    LayerError
        When the file is missing or is not that table.
    """
    wanted = ("MOD", "DATE_EFF", "TYPECOM_AV", "COM_AV", "TYPECOM_AP", "COM_AP")
    events: list[_Event] = []
    ends: dict[str, str] = {}
    starts: dict[str, str] = {}
    last = valid
    for table in csv_chunks(path, columns=wanted):
        communes = table[(table["TYPECOM_AV"] == "COM") & (table["TYPECOM_AP"] == "COM")]
        for (date, before), rows in communes.groupby(["DATE_EFF", "COM_AV"]):
            into = list(dict.fromkeys(rows["COM_AP"]))
            kind: Kind = "renumbering" if rows["MOD"].isin(["41", "50"]).all() else "merger"
            events.append((str(date), str(before), "split" if len(into) > 1 else kind, into))
            starts.setdefault(str(before), "1943-01-01")
            if str(before) not in into:
                ends[str(before)] = str(date)
            for code in into:
                starts.setdefault(code, "1943-01-01" if str(before) == code else str(date))
            last = max(last, str(date))
    lives = {
        code: (
            (starts.get(code, "1943-01-01"), "9999" if code in current else ends.get(code, "9999")),
        )
        for code in {*starts, *current}
    }
    return CommuneHistory(movements_of(events), lives, last)


def read_any_history(path: Path) -> CommuneHistory:
    """Return the history of commune codes, in one of the two forms INSEE's events are found in."""
    return (
        read_history(path)
        if (".yaml" in path.name or ".yml" in path.name)
        else read_movements(path)
    )


def read_current(path: Path) -> list[dict[str, Any]]:
    """Return the rows of Etalab's list of communes (JSON array: code, nom, type, departement,
    population ...).

    Raises
    ------
    LayerError
        When the file is missing or is not that array.
    """
    document = json_document(path)
    if not isinstance(document, list) or not all(
        isinstance(row, dict) and "code" in row for row in document
    ):
        raise LayerError(f"{path} : une liste d'objets avec « code » est attendue.")
    return document


# -- the lists of Etalab

SOURCE = "cog-etalab"
LEVEL_OF_TYPE: Mapping[str, str] = {
    "commune-actuelle": "commune",
    "commune-deleguee": "delegated_commune",
    "commune-associee": "associated_commune",
    "arrondissement-municipal": "municipal_arrondissement",
}
#: Our column -> the keys of the published lists, and of geo.api.gouv.fr, for it.
KEYS: Mapping[str, tuple[str, ...]] = {
    "code": ("code",),
    "name": ("nom",),
    "category": ("type",),
    "commune": ("commune",),
    "departement": ("departement", "codeDepartement"),
    "region": ("region", "codeRegion"),
    "epci": ("epci", "codeEpci"),
    "arrondissement": ("arrondissement",),
    "seat": ("chefLieu",),
    "postcode": ("codesPostaux",),
    "former_codes": ("anciensCodes",),
    "population": ("population", "populationMunicipale"),
}


def read_lists(path: Path) -> Iterator[Reading]:
    """Yield the territories of one list: its keys say which.

    Rules, beside those of ``tables_by_code.make_table``: ``no-population`` (a commune without
    inhabitants told), ``sum-mismatch`` (an EPCI whose members do not add up to its population).

    Raises
    ------
    LayerError
        When the file is missing or is no array of objects with ``code``.
    """
    rows = read_current(path)
    table = pd.DataFrame(
        [{name: _cell(row, keys) for name, keys in KEYS.items()} for row in rows],
        index=pd.RangeIndex(1, len(rows) + 1),
        columns=list(KEYS),
        dtype=object,
    )
    level = pd.Series([_level(row) for row in rows], index=table.index, dtype=object)
    for own in ("commune", "departement", "region", "epci"):
        table[own] = table[own].where(level != own, table["code"])
    counted = any(key in row for row in rows for key in KEYS["population"])
    findings = row_findings(
        "no-population",
        SOURCE,
        table["population"].isna() & (level == "commune") & counted,
        "commune-" + table["code"],
        lambda row: Message("{name} : pas de population.", name=table["name"][row]),
        column="population",
    )
    kinds = ", ".join(f"{count} {kind}" for kind, count in level.value_counts().items())
    yield make_table(
        CodedColumns(
            "territories",
            SOURCE,
            {"level": level, **{str(name): table[name] for name in table}},
            findings=[*findings, *_sums(rows)],
            notes=(f"JSON, {len(rows)} lignes : {kinds}.",),
        )
    )


# Return the first of some keys that a row has; a list of codes with spaces between.
def _cell(row: Mapping[str, Any], keys: Sequence[str]) -> Any:
    value = next((row[key] for key in keys if key in row), None)
    return " ".join(map(str, value)) if isinstance(value, list) else value


def _level(row: Mapping[str, Any]) -> str:
    if "membres" in row:
        return "epci"
    if row.get("type") in LEVEL_OF_TYPE:
        return LEVEL_OF_TYPE[str(row["type"])]
    if "codeDepartement" in row:
        return "commune"
    if "departement" in row:
        return "arrondissement"
    return "departement" if "region" in row else "region"


# Report the EPCI whose members' inhabitants do not add up to the total it is given.
def _sums(rows: list[dict[str, Any]]) -> Iterator[Finding]:
    for number, row in enumerate(rows, start=1):
        members, total = row.get("membres"), row.get("populationMunicipale")
        if not isinstance(members, list) or total is None:
            continue
        found = sum(member.get("populationMunicipale") or 0 for member in members)
        if found != total:
            yield Finding(
                "sum-mismatch",
                SOURCE,
                f"epci-{row['code']}",
                Message(
                    "{name} : ses communes font {found} habitants, {total} sont annoncés.",
                    name=row.get("nom"),
                    found=str(found),
                    total=str(total),
                ),
                "error",
                number,
                "populationMunicipale",
                Message("Vérifiez le millésime et les communes membres."),
            )


# -- chief places

#: The compiled loader is ten times faster, and not everywhere.
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def read_seats(path: Path) -> Iterator[Reading]:
    """Yield the chief places of former and current communes (YAML: ``d09:`` then a name and its
    ``geo`` a line).

    Keys are names percent-encoded as in an address; they are decoded, and it is told
    (``percent-encoded``).

    Raises
    ------
    LayerError
        When the file is missing or is not such a list.
    """
    with refused(
        yaml.YAMLError,
        UnicodeDecodeError,
        say=lambda error: f"{path} : ce n'est pas du YAML valide ({error}) ; copiez-le de nouveau.",
    ):
        document = yaml.load(read_bytes(path).decode("utf-8"), Loader=_LOADER)  # noqa: S506 - a safe loader
    places = list(_places(document))
    if not places:
        raise LayerError(
            f"{path} : aucun chef-lieu ; une table par département (« d09: ») est attendue."
        )
    table = pd.DataFrame(
        places,
        columns=["departement", "key", "name", "x", "y"],
        index=pd.RangeIndex(1, len(places) + 1),
    )
    ids = "seat-" + table["departement"] + "-" + table["key"]
    placed = place_points(
        table["x"], table["y"], LONLAT, items=ids, layer="chefs-lieux", columns=("geo", "geo")
    )
    findings = []
    if encoded := int(table["key"].str.contains("%", regex=False).sum()):
        findings.append(
            Finding(
                "percent-encoded",
                "chefs-lieux",
                "",
                Message(
                    "{n} nom(s) écrits comme dans une adresse (« %C3%A9 ») : décodés.", n=encoded
                ),
                "info",
            )
        )
    yield make_table(
        CodedColumns(
            "territories",
            "chefs-lieux",
            {
                "id": ids,
                "level": pd.Series("seat", index=table.index),
                "code": blank(table.index),
                "name": table["name"],
                "category": table["key"].map(unquote),
                "departement": table["departement"],
            },
            placed.points,
            findings=[*findings, *placed.findings],
            notes=(f"YAML, {len(places)} chefs-lieux, WGS 84.",),
        )
    )


# Yield département, key, name and coordinates as text of each place.
def _places(document: Any) -> Iterator[tuple[str, str, str, str, str]]:
    for departement, places in (document if isinstance(document, Mapping) else {}).items():
        for key, entry in (places if isinstance(places, Mapping) else {}).items():
            place = entry if isinstance(entry, Mapping) else {}
            names, geo = place.get("names") or [], place.get("geo") or ["", ""]
            yield (
                str(departement).removeprefix("d"),
                str(key),
                str(names[0]) if names else unquote(str(key)).replace("_", " "),
                str(geo[0]),
                str(geo[1]),
            )


# Outlines of territories as IGN, INSEE and ANCT publish them: GeoJSON, shapefile (zipped or not),
# GeoPackage.


OUTLINES = "limites"
#: Published column of the code -> level, the finest first; a plain ``code`` says no level.
CODES: Mapping[str, str] = {
    "code_iris": "iris",
    "siren_epci": "epci",
    "code_siren": "epci",
    "insee_com": "commune",
    "codgeo": "commune",
    "insee_can": "canton",
    "insee_arr": "arrondissement",
    "code_dept": "departement",
    "insee_dep": "departement",
    "code_reg": "region",
    "insee_reg": "region",
}
NAMES = (
    "nom_iris",
    "lib_epci",
    "nom_com",
    "libgeo",
    "nom_dept",
    "nom_reg",
    "nom_region",
    "nom",
    "nom_officiel",
    "libelle",
    "name",
)
BELONGS: Mapping[str, tuple[str, ...]] = {
    "commune": ("insee_com", "codgeo"),
    "departement": ("insee_dep", "code_dept", "departement"),
    "region": ("insee_reg", "code_reg", "region"),
    "epci": ("siren_epci", "code_siren", "epci"),
    "seat": ("code_chf",),
}
#: Words of a file's name that say its level, where its columns do not.
LEVELS_IN_NAMES = frozenset(
    {"commune", "iris", "canton", "arrondissement", "epci", "departement", "region"}
)
#: Characters of a code -> level, where nothing else says it.
LEVEL_OF_WIDTH: Mapping[int, str] = {9: "epci", 5: "commune", 3: "departement", 2: "departement"}
#: West, south, east, north, in degrees.
METROPOLE = (-6.0, 41.0, 10.5, 51.5)


def read_outlines(
    path: Path, *, level: str = "", mapping: FileMapping | None = None
) -> Iterator[Reading]:
    """Yield the territories of one layer of outlines, in EPSG:4326.

    Parameters
    ----------
    level
        What the rows are (a key of ``tables_by_code.LEVELS``); told by the columns, the file's
        name or the form of the codes when empty.
    mapping
        Columns and defaults that the sender names, over what is recognised: ``code``, ``name``,
        ``level`` ...

    Rules, beside those of ``tables_by_code.make_table``: ``assumed-encoding``,
    ``displaced-outline``, ``assumed-level`` (nothing says what the rows are).

    Raises
    ------
    LayerError
        When the file has no outlines, or nothing says which column is the code.
    """
    attributes, shapes, findings, notes = _opened(path)
    named = {str(name).lower(): attributes[name] for name in attributes.columns}
    mapping = mapping or FileMapping()
    chosen = {ours: theirs.lower() for ours, theirs in mapping.columns.items()}
    check_columns(pd.DataFrame(named), list(chosen.values()), where=str(path))
    column = chosen.get("code") or next((name for name in [*CODES, "code"] if name in named), None)
    if column is None:
        raise LayerError(
            f"{path} : aucune colonne de code ({', '.join([*CODES, 'code'])}) ; colonnes : "
            f"{', '.join(named)} ; nommez-la : code, dans [columns] de --mapping."
        )
    code = named[column]
    found = level or mapping.defaults.get("level") or CODES.get(column) or _level_of(path, code)
    if found is None:
        found = "zoning"
        findings.append(
            Finding(
                "assumed-level",
                OUTLINES,
                "",
                Message("Rien ne dit ce que sont ces territoires : tenus pour des zonages."),
                remedy=Message(
                    "Écrivez level dans [defaults] de --mapping : {levels}.",
                    levels=", ".join(LEVELS),
                ),
            )
        )
    if found not in LEVELS:
        raise LayerError(f"{path} : niveau inconnu « {found} » ; attendu : {', '.join(LEVELS)}.")
    values = {"code": code, "level": pd.Series(found, index=code.index)}
    for ours, published in {"name": NAMES, **BELONGS}.items():
        known = chosen.get(ours) or next((each for each in published if each in named), None)
        if known is not None:
            values[ours] = named[known]
    if "departement" not in values and found in {"commune", "iris", "canton", "arrondissement"}:
        values["departement"] = departement_of(code)
    if found in BELONGS:
        values[found] = code
    if "seat" in values:
        values["seat"] = values["departement"] + values["seat"]
    findings += _displaced(values, shapes)
    notes = (*notes, f"Niveau : {found} ; code = « {column} ».")
    yield make_table(
        CodedColumns(
            "territories", OUTLINES, values, shapes, findings=findings, notes=notes, outlined=True
        )
    )


# Return the level a file's name says, else the one its codes have the form of; None when neither.
def _level_of(path: Path, code: pd.Series) -> str | None:
    words = [word.rstrip("s") for word in re.findall(r"[a-z]+", folded(path.name))]
    said = next((word for word in words if word in LEVELS_IN_NAMES), "")
    width = int(code.str.len().median()) if len(code) else 0
    return said or LEVEL_OF_WIDTH.get(width)


# Return the attributes as text (index from 1), the shapes in EPSG:4326, and what was understood.
def _opened(path: Path) -> tuple[pd.DataFrame, gpd.GeoSeries, list[Finding], tuple[str, ...]]:
    if path.name.lower().endswith((".geojson", ".json", ".geojson.gz", ".json.gz")):
        return _of_geojson(path)
    frame, encoding, _, _ = read_gdal_layer(path)
    if not isinstance(frame, gpd.GeoDataFrame):
        raise LayerError(f"{path} : c'est une table sans géométrie ; des contours sont attendus.")
    findings = []
    if encoding:
        findings.append(
            Finding(
                "assumed-encoding",
                OUTLINES,
                "",
                Message(
                    "Rien ne dit le codage du texte (pas de .cpg) : lu en {encoding}.",
                    encoding=encoding,
                ),
                "info",
                remedy=Message("Ajoutez un fichier .cpg."),
            )
        )
    if frame.crs is None:
        axes = _axes_of(frame)
        frame = frame.set_crs(axes.crs)
        told = Message(
            "Système de coordonnées non dit : {label} ({crs}) supposé.",
            label=axes.label_fr,
            crs=axes.crs,
        )
        remedy = Message("Ajoutez le fichier .prj.")
        findings.append(Finding("assumed-crs", OUTLINES, "", told, "info", remedy=remedy))
    crs, shapes = str(frame.crs.name), frame.geometry
    attributes = frame.drop(columns="geometry")
    return (
        attributes.astype(object).where(attributes.notna(), "").astype(str),
        shapes.to_crs(LONLAT),
        findings,
        (f"Couche, {len(frame)} entités, {crs}.",),
    )


#: Levels whose codes begin with that of their département.
_BY_DEPARTEMENT = frozenset({"iris", "commune", "canton", "arrondissement", "departement"})


# Return the system of outlines that do not say it, by the départements of their codes; Lambert-93 when
# no system puts most of them where they should be.
def _axes_of(frame: gpd.GeoDataFrame) -> Axes:
    named = {str(name).lower(): frame[name] for name in frame.columns}
    coded = [name for name, level in CODES.items() if name in named and level in _BY_DEPARTEMENT]
    column = next(iter([*coded, *(["code"] if "code" in named else [])]), None)
    known = blank(frame.index) if column is None else departement_of(named[column].astype(str))
    middles = shapely.centroid(frame.geometry.array)
    axes, _ = axes_by_ground(shapely.get_x(middles), shapely.get_y(middles), known)
    return axes if axes.sure and not axes.swapped else Axes(METRIC, CANDIDATES[METRIC])


def _of_geojson(path: Path) -> tuple[pd.DataFrame, gpd.GeoSeries, list[Finding], tuple[str, ...]]:
    document = json_document(path)
    features = (
        [document]
        if (isinstance(document, dict) and document.get("type") == "Feature")
        else geojson_features(document, path)
    )
    table = json_table([feature_properties(feature) for feature in features], path=path)
    return (
        table,
        gpd.GeoSeries(
            [feature_shape(feature) for feature in features], index=table.index, crs=LONLAT
        ),
        [],
        (f"GeoJSON, {len(table)} entités, WGS 84.",),
    )


# Report the overseas territories drawn beside metropolitan France, as small maps do.
def _displaced(values: Mapping[str, pd.Series], shapes: gpd.GeoSeries) -> list[Finding]:
    departement = values.get("departement")
    if departement is None:
        return []
    west, south, east, north = METROPOLE
    points = shapes.representative_point()
    near = points.x.between(west, east) & points.y.between(south, north)
    return row_findings(
        "displaced-outline",
        OUTLINES,
        near & departement.str.startswith("97"),
        values["level"] + "-" + values["code"],
        lambda row: Message(
            "Territoire du département {departement} dessiné près de la métropole : ce n'est pas "
            "son lieu.",
            departement=departement[row],
        ),
        "error",
        "geometry",
        Message("Prenez son contour dans Admin Express."),
    )
