"""What formats write differently and records write once: languages, dates, reference systems,
themes, shapes.
"""

import json
import math
import re
from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from functools import lru_cache
from typing import Any

from geoguichet.catalogue.errors import RecordError
from geoguichet.catalogue.formats.mapping import Conformity, Constraint, Language
from geoguichet.catalogue.record import UNWRITABLE, Extent, Record
from geoguichet.catalogue.text import fold, instant_keys

# What the records that we write ourselves say in the same words: access, conformity, languages.

#: A constraint: everybody may have it, as INSPIRE asks to be said (limitations on public access).
OPEN_ACCESS: Constraint = {
    "kind": "legal",
    "other": [{"text": "Pas de restriction d'accès public"}],
}

#: Conformity to the regulation on the interoperability of data, which nobody has evaluated.
NOT_EVALUATED: Conformity = {
    "title": "Règlement (UE) n° 1089/2010 de la Commission",
    "date": "2010-12-08",
    "dateType": "publication",
    "explanation": "Non évaluée.",
}

#: The languages of data in French.
FRENCH: list[Language] = [{"code": "fre"}]


_LANGUAGES = """fr fre fra;en eng;de ger deu;it ita;es spa;pt por;nl dut nld;ca cat;eu baq eus
br bre;oc oci;co cos;rm roh
bg bul;cs cze ces;da dan;et est;el gre ell;ga gle;hr hrv;lv lav;lt lit;hu hun;mt mlt;pl pol
ro rum ron;sk slo slk;sl slv
fi fin;sv swe;no nor;is ice isl;ru rus;uk ukr;tr tur;ar ara;zh chi zho;ja jpn;ko kor;lb ltz"""

_TWO_LETTERS = {
    code: codes.split()[0] for codes in re.split(r"[;\n]", _LANGUAGES) for code in codes.split()
}
_THREE_LETTERS = {codes.split()[0]: codes.split()[1] for codes in re.split(r"[;\n]", _LANGUAGES)}
_EU_LETTERS = {codes.split()[0]: codes.split()[-1] for codes in re.split(r"[;\n]", _LANGUAGES)}


def language(code: str) -> str:
    """Return a language as RFC 5646 writes it: ``fre``, ``fra``, ``FR``, an address ending in
    ``FRA`` are ``fr``.
    """
    last = re.split(r"[/#]", code.strip().rstrip("/"))[-1]
    main, dash, rest = re.split(r"[:;,\s]", last)[0].replace("_", "-").partition("-")
    return _TWO_LETTERS.get(main.lower(), main.lower()) + dash + rest


def language_iso(code: str) -> str:
    """Return a language as ISO 639-2/B writes it, which INSPIRE asks for: ``fr`` is ``fre``."""
    return _THREE_LETTERS.get(code.partition("-")[0], code)


def language_eu(code: str) -> str:
    """Return a language as the EU's vocabulary writes it (ISO 639-3, in capitals): ``fr`` is
    ``FRA``.
    """
    return _EU_LETTERS.get(language(code).partition("-")[0], code).upper()


_EPSG = re.compile(r"(?:EPSG|epsg)\D{0,3}?(?:[:/]{1,2}[\d.]*[:/]{1,2}|[:/ ])\s*(\d{4,6})\b")
_EPSG_ALONE = re.compile(r"\d{4,6}")


def crs(code: str, space: str = "") -> str:
    """Return a reference system as ``EPSG:2154`` when the code is EPSG's, else the text as it
    stands.
    """
    code = code.strip()
    if match := _EPSG.search(code):
        return f"EPSG:{match[1]}"
    if _EPSG_ALONE.fullmatch(code) and "epsg" in space.lower():
        return f"EPSG:{code}"
    return code


def crs_address(code: str) -> str:
    """Return the address that INSPIRE asks for; a system that is not EPSG's comes back as it is."""
    return f"http://www.opengis.net/def/crs/EPSG/0/{code[5:]}" if code.startswith("EPSG:") else code


#: The 34 INSPIRE themes: code, name in French and in English.
INSPIRE_THEMES = {
    "ad": ("Adresses", "Addresses"),
    "au": ("Unités administratives", "Administrative units"),
    "rs": ("Référentiels de coordonnées", "Coordinate reference systems"),
    "gg": ("Systèmes de maillage géographique", "Geographical grid systems"),
    "cp": ("Parcelles cadastrales", "Cadastral parcels"),
    "gn": ("Dénominations géographiques", "Geographical names"),
    "hy": ("Hydrographie", "Hydrography"),
    "ps": ("Sites protégés", "Protected sites"),
    "tn": ("Réseaux de transport", "Transport networks"),
    "el": ("Altitude", "Elevation"),
    "ge": ("Géologie", "Geology"),
    "lc": ("Occupation des terres", "Land cover"),
    "oi": ("Ortho-imagerie", "Orthoimagery"),
    "af": ("Installations agricoles et aquacoles", "Agricultural and aquaculture facilities"),
    "am": (
        "Zones de gestion, de restriction ou de réglementation et unités de déclaration",
        "Area management/restriction/regulation zones and reporting units",
    ),
    "ac": ("Conditions atmosphériques", "Atmospheric conditions"),
    "br": ("Régions biogéographiques", "Bio-geographical regions"),
    "bu": ("Bâtiments", "Buildings"),
    "er": ("Sources d'énergie", "Energy resources"),
    "ef": ("Installations de suivi environnemental", "Environmental monitoring facilities"),
    "hb": ("Habitats et biotopes", "Habitats and biotopes"),
    "hh": ("Santé et sécurité des personnes", "Human health and safety"),
    "lu": ("Usage des sols", "Land use"),
    "mf": (
        "Caractéristiques géographiques météorologiques",
        "Meteorological geographical features",
    ),
    "mr": ("Ressources minérales", "Mineral resources"),
    "nz": ("Zones à risque naturel", "Natural risk zones"),
    "of": (
        "Caractéristiques géographiques océanographiques",
        "Oceanographic geographical features",
    ),
    "pd": ("Répartition de la population — démographie", "Population distribution — demography"),
    "pf": ("Lieux de production et sites industriels", "Production and industrial facilities"),
    "sr": ("Régions maritimes", "Sea regions"),
    "so": ("Sols", "Soil"),
    "sd": ("Répartition des espèces", "Species distribution"),
    "su": ("Unités statistiques", "Statistical units"),
    "us": ("Services d'utilité publique et services publics", "Utility and governmental services"),
}

_APART = re.compile(r"[\W_]+")


def _plain(text: str) -> str:
    return _APART.sub(" ", fold(text)).strip()


_THEME_NAMES = {
    _plain(label): code for code, labels in INSPIRE_THEMES.items() for label in labels
} | {
    "lieux de production et sites industriels": "pf",
    "repartition de la population demographie": "pd",
    "zones a risque naturel": "nz",
    "zones a risques naturels": "nz",
    "occupation du sol": "lc",
    "parcelle cadastrale": "cp",
    "sources d energie": "er",
    "services d utilite publique et services publics": "us",
}


@lru_cache(maxsize=4096)
def inspire_theme(text: str) -> str:
    """Return the two-letter code of the INSPIRE theme that a name or an address means; empty when
    none.
    """
    if "inspire.ec.europa.eu/theme/" in text:
        code = text.rstrip("/").rpartition("/")[2].lower()
        return code if code in INSPIRE_THEMES else ""
    return _THEME_NAMES.get(_plain(text), "")


#: The topic categories of ISO 19115, in French and in English.
TOPIC_CATEGORIES = {
    "farming": ("Agriculture", "Farming"),
    "biota": ("Faune et flore", "Biota"),
    "boundaries": ("Limites administratives", "Boundaries"),
    "climatologyMeteorologyAtmosphere": (
        "Climat, météorologie, atmosphère",
        "Climatology, meteorology, atmosphere",
    ),
    "economy": ("Économie", "Economy"),
    "elevation": ("Altitude", "Elevation"),
    "environment": ("Environnement", "Environment"),
    "geoscientificInformation": ("Sciences de la terre", "Geoscientific information"),
    "health": ("Santé", "Health"),
    "imageryBaseMapsEarthCover": (
        "Imagerie, cartes de base, occupation des terres",
        "Imagery, base maps, earth cover",
    ),
    "intelligenceMilitary": ("Renseignement, secteur militaire", "Intelligence, military"),
    "inlandWaters": ("Eaux intérieures", "Inland waters"),
    "location": ("Localisation", "Location"),
    "oceans": ("Océans", "Oceans"),
    "planningCadastre": ("Urbanisme, cadastre", "Planning, cadastre"),
    "society": ("Société", "Society"),
    "structure": ("Constructions et ouvrages", "Structure"),
    "transportation": ("Transports", "Transportation"),
    "utilitiesCommunication": (
        "Réseaux et services d'utilité publique",
        "Utilities, communication",
    ),
    "extraTerrestrial": ("Espace extraterrestre", "Extraterrestrial"),
    "disaster": ("Catastrophes", "Disaster"),
}


def theme_label(identifier: str, language: str) -> str:
    """Return what a reader calls a theme: a topic category or an INSPIRE theme by its name, an
    address by its end.
    """
    known = TOPIC_CATEGORIES.get(identifier) or INSPIRE_THEMES.get(
        inspire_theme(identifier) or identifier
    )
    if known:
        return known[language == "en"]
    if identifier.startswith(("http://", "https://")):
        return re.split("[/#]", identifier.rstrip("/#"))[-1]
    return identifier


_MOMENT = re.compile(
    r"(-?\d{4})(?:-?(\d{2})(?:-?(\d{2})"
    r"(?:[T ](\d{2}):(\d{2})(?::(\d{2})(\.\d+)?)?\s*([Zz]|[+-]\d{2}(?::?\d{2})?)?)?)?)?"
    r"(?:[Zz]|[+-]\d{2}:\d{2})?"
)


@lru_cache(maxsize=16384)
def moment(text: str) -> str:
    """Return a date or time as records write it (a time without a zone is taken as UTC); empty when
    it is none.

    As XML Schema 2 writes them: a date may carry a zone, which is left out, and 24:00:00 is the
    first instant of the next day.

    >>> moment("2019-05-02T10:00:00"), moment("20190502"), moment("mai 2019")
    ('2019-05-02T10:00:00Z', '2019-05-02', '')
    >>> moment("2019-05-02+02:00"), moment("2020-12-31T24:00:00")
    ('2019-05-02', '2021-01-01T00:00:00Z')
    """
    match = _MOMENT.fullmatch(text.strip())
    if match is None or match[1].startswith("-"):
        return ""
    year, month, day, hour, minute, second, fraction, zone = match.groups()
    if month == "00" or (day == "00" and not hour):  # a month or a day that is not known
        day, month = None, None if month == "00" else month
    written = "-".join(part for part in (year, month, day) if part)
    try:
        if hour == "24" and not (minute + (second or "") + (fraction or "")).strip("0."):
            written, hour = (date.fromisoformat(written) + timedelta(days=1)).isoformat(), "00"
        if hour:
            offset = "" if zone in (None, "z", "Z") else f"{zone.replace(':', '')}00"
            zone = f"{offset[:3]}:{offset[3:5]}" if offset.strip("+0") else "Z"
            written += f"T{hour}:{minute}:{second or '00'}{fraction or ''}{zone}"
        instant_keys(written)
    except (RecordError, ValueError, OverflowError):
        return ""
    return written


def timestamp(text: str) -> str:
    """Return a date or time as RFC 3339 with its time of day, the first of its day, month or year;
    empty when none.
    """
    written = moment(text)
    if not written or "T" in written:
        return written
    return written + "-01" * (2 - written.count("-")) + "T00:00:00Z"


def writable(text: str) -> str:
    """Return the text without the control characters that no XML document may hold."""
    return UNWRITABLE.sub("", text)


#: Update frequencies of ISO 19115: the code of the EU vocabulary, the days between updates (0 when
#: not said).
FREQUENCIES = {
    "continual": ("CONT", 1),
    "daily": ("DAILY", 1),
    "weekly": ("WEEKLY", 7),
    "fortnightly": ("BIWEEKLY", 14),
    "monthly": ("MONTHLY", 31),
    "quarterly": ("QUARTERLY", 92),
    "biannually": ("ANNUAL_2", 183),
    "annually": ("ANNUAL", 366),
    "biennially": ("BIENNIAL", 732),
    "asNeeded": ("AS_NEEDED", 0),
    "irregular": ("IRREG", 0),
    "notPlanned": ("NOT_PLANNED", 0),
    "unknown": ("UNKNOWN", 0),
}


def frequency(text: str) -> str:
    """Return the ISO code of a frequency: of its EU address, or of udata's and CKAN's words."""
    return _FREQUENCY_WORDS.get(re.split(r"[/#]", text.strip().rstrip("/"))[-1].lower(), "")


_FREQUENCY_WORDS = {
    "annual": "annually",
    "semiannual": "biannually",
    "punctual": "notPlanned",
    "never": "notPlanned",
    "biweekly": "fortnightly",
    "continuous": "continual",
    "update_cont": "continual",
    "other": "irregular",
    "triennial": "irregular",
    "as_needed": "asNeeded",
    **{eu.lower(): code for code, (eu, _) in FREQUENCIES.items()},
    **{code.lower(): code for code in FREQUENCIES},
}


def number(text: str) -> int | float | None:
    """Return the finite number that a text writes, with a comma or a point; None when it writes
    none.
    """
    try:
        written = float(text.replace(",", ".").replace(" ", ""))
    except ValueError:
        return None
    if not math.isfinite(written):
        return None
    return int(written) if written == int(written) else written


#: The levels of ISO 19115 (MD_ScopeCode of 2003 and of 2014).
_SCOPES = """attribute attributeType collectionHardware collectionSession dataset series software
nonGeographicDataset dimensionGroup feature featureType propertyType fieldSession service model tile"""
_SCOPES_2014 = """metadata initiative sample document repository aggregate product collection coverage
application"""
SCOPES_2003 = frozenset(_SCOPES.split())
SCOPES = SCOPES_2003 | frozenset(_SCOPES_2014.split())
#: The types of records that are none of them: datasets there, and named so.
OWN_TYPES = ("study",)


def scope(kind: str) -> str:
    """Return the level of ISO 19115 of a type of record; harvesters leave out any other."""
    return kind if kind in SCOPES else "dataset" if kind else ""


def scope_2003(kind: str) -> str:
    """Return the level that ISO 19115:2003 lists of a type of record; its default is dataset."""
    return kind if kind in SCOPES_2003 else "dataset"


def relation(extra: Mapping[str, str]) -> str:
    """Return the relation of a link from its ISO function and protocol; an address says the
    protocol best.
    """
    return _relation(
        extra.get("protocolAddress") or extra.get("protocol", ""), extra.get("function", "")
    )


#: Protocols of a service itself, not of one of its answers (``OGC:WFS-1.1.0-http-get-feature``).
_ENDPOINT = re.compile(
    r"OGC:(?:WMS|WMTS|WFS|WCS|CSW|WPS|SOS|TMS)(?:-[\d.]+)?(?:-HTTP-GET-(?:CAPABILITIES|MAP))?"
)


@lru_cache(maxsize=4096)
def _relation(protocol: str, function: str) -> str:
    protocol = protocol.upper()
    if _ENDPOINT.fullmatch(protocol):  # a service that data are got from is one all the same
        return "service"
    if function in ("download", "fileAccess") or "DOWNLOAD" in protocol:
        return "enclosure"
    if protocol.startswith(("OGC:", "ESRI:", "GLG:")) or "OPENGIS.NET/DEF/SERVICETYPE" in protocol:
        return "service"
    return "about" if function == "information" else "related"


# Geometries of GeoJSON taken apart and put together: the boxes and shapes that formats write one
# by one.


def as_pieces(box: Extent) -> Iterator[dict[str, Any]]:
    """Yield the polygons of a box (two across the antimeridian), or its point when it is flat."""
    if (box.west, box.south) == (box.east, box.north):
        yield {"type": "Point", "coordinates": [box.west, box.south]}
        return
    yield from map(dict, simple(box.as_geometry()))


def simple(geometry: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Yield the points, lines and polygons that a geometry is made of."""
    kind = geometry["type"]
    if kind == "GeometryCollection":
        for part in geometry["geometries"]:
            yield from simple(part)
    elif kind.startswith("Multi"):
        for coordinates in geometry["coordinates"]:
            yield {"type": kind.removeprefix("Multi"), "coordinates": coordinates}
    else:
        yield geometry


def checked(geometry: Any) -> dict[str, Any]:
    """Return a GeoJSON geometry that is one, in degrees; RecordError says why it is not."""
    try:
        json.dumps(geometry, allow_nan=False)
    except (ValueError, TypeError) as error:
        raise RecordError("geometry : des nombres finis sont attendus.") from error
    if not isinstance(geometry, dict) or Record(id="-", geometry=geometry).extent is None:
        raise RecordError("geometry : une géométrie GeoJSON avec des positions est attendue.")
    return geometry


def gathered(pieces: list[dict[str, Any]]) -> dict[str, Any] | None:
    """Return one geometry made of points, lines and polygons; None when there are none."""
    if len(pieces) < 2:
        return pieces[0] if pieces else None
    kinds = {piece["type"] for piece in pieces}
    if len(kinds) == 1:
        return {
            "type": f"Multi{kinds.pop()}",
            "coordinates": [piece["coordinates"] for piece in pieces],
        }
    return {"type": "GeometryCollection", "geometries": pieces}


def boxes_and_shapes(geometry: Mapping[str, Any] | None) -> list[Extent | Mapping[str, Any]]:
    """Return the parts of a geometry, rectangles as boxes; two halves cut at the antimeridian are
    one box.
    """
    parts = () if geometry is None else simple(geometry)
    shapes: list[Extent | Mapping[str, Any]] = [_rectangle(part) or part for part in parts]
    match shapes:
        case [Extent(east=180) as first, Extent(west=-180) as second] if (
            first.south,
            first.north,
        ) == (second.south, second.north):
            return [Extent(first.west, first.south, second.east, first.north)]
    return shapes


def boxes(geometry: Mapping[str, Any] | None) -> list[Extent]:
    """Return the boxes around the parts of a geometry; two halves cut at the antimeridian are
    one.
    """
    found = (
        part if isinstance(part, Extent) else Extent.from_geometry(part)
        for part in boxes_and_shapes(geometry)
    )
    return [box for box in found if box is not None]


# Return the box that a polygon is; None for any other shape.
def _rectangle(part: Mapping[str, Any]) -> Extent | None:
    if (
        part["type"] != "Polygon"
        or len(part["coordinates"]) != 1
        or len(part["coordinates"][0]) != 5
    ):
        return None
    ring = [tuple(position[:2]) for position in part["coordinates"][0]]
    xs, ys = {x for x, _ in ring}, {y for _, y in ring}
    if ring[0] != ring[-1] or len(xs) > 2 or len(ys) > 2 or len(set(ring)) != len(xs) * len(ys):
        return None
    return Extent(min(xs), min(ys), max(xs), max(ys))


def as_wkt(geometry: Mapping[str, Any]) -> str:
    """Write a point, line or polygon with every digit of its numbers."""

    def written(held: Any) -> str:
        if held and isinstance(held[0], int | float):  # a position
            return f"{float(held[0])!r} {float(held[1])!r}"
        return f"({', '.join(map(written, held))})"

    kind, coordinates = geometry["type"], geometry["coordinates"]
    return f"{kind.upper()} {written([coordinates] if kind == 'Point' else coordinates)}"
