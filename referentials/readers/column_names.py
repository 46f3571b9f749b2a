"""What people call the columns of a list of services, and the file in which they say it
themselves.
"""

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import pandas as pd

from geoguichet.floor.errors import LayerError, UsageError
from geoguichet.floor.files import read_toml, refused
from geoguichet.floor.words import Message, unheaped
from geoguichet.referentials.directory.hours import WEEKDAYS_FR
from geoguichet.referentials.directory.services import SERVICE_TYPES, TYPE_OF_BPE, TYPE_OF_CATEGORY

if TYPE_CHECKING:
    from openpyxl.worksheet.worksheet import Worksheet

#: Folded names of each field, the most usual first. ``xy`` is both coordinates in one cell, ``wkt``
#: a geometry.
NAMES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "id": (
            "id",
            "identifiant",
            "ident",
            "identifiant du site",
            "id service",
            "ref",
            "reference",
            "siret",
            "uai",
            "finess",
        ),
        "category": (
            "type",
            "type de service",
            "categorie",
            "category",
            "nature",
            "type service",
            "typequ",
            "caracteristique du site",
            "caracteristique",
            "nature du site",
            "type de site",
            "type de structure",
            "type d etablissement",
            "service",
        ),
        "name": (
            "nom",
            "name",
            "libelle",
            "intitule",
            "raison sociale",
            "denomination",
            "designation",
            "nom du service",
            "nom de la structure",
            "etablissement",
            "structure",
            "libelle du site",
            "nomrs",
        ),
        "operator": ("operateur", "operator", "gestionnaire", "organisme", "porteur"),
        "address": ("adresse", "address", "voie", "rue", "adresse postale", "numero et voie"),
        "postcode": ("code postal", "cp", "postcode", "codepostal", "code post", "codpos"),
        "commune": (
            "code insee",
            "insee",
            "insee com",
            "com insee",
            "code commune",
            "codeinsee",
            "depcom",
            "codgeo",
            "citycode",
            "code insee commune",
            "insee commune",
        ),
        "commune_name": (
            "commune",
            "ville",
            "localite",
            "nom commune",
            "lib com",
            "nom com",
            "libcom",
            "libgeo",
            "nom de la commune",
            "city",
        ),
        "departement": ("departement", "dep", "code departement", "insee dep"),
        "x": (
            "longitude",
            "lon",
            "lng",
            "long",
            "x",
            "coord x",
            "coordonnee x",
            "gps x",
            "xcoord",
            "point x",
            "lambert x",
            "easting",
        ),
        "y": (
            "latitude",
            "lat",
            "y",
            "coord y",
            "coordonnee y",
            "gps y",
            "ycoord",
            "point y",
            "lambert y",
            "northing",
        ),
        "xy": (
            "latlong",
            "latlon",
            "lat lon",
            "geo point 2d",
            "geo point",
            "coordonnees",
            "coordonnees gps",
            "gps",
            "geopoint",
        ),
        "wkt": ("wkt", "geom", "geometry", "the geom", "geometrie"),
        "hours": (
            "horaires",
            "horaire",
            "heures d ouverture",
            "horaires d ouverture",
            "opening hours",
            "ouverture",
        ),
        "telephone": ("telephone", "tel", "phone", "numero de telephone", "n de telephone"),
        "email": ("email", "mail", "courriel", "e mail", "adresse mail", "adresse courriel"),
        "site": ("site", "site internet", "site web", "url", "web", "website"),
        "wheelchair": (
            "accessibilite",
            "pmr",
            "accessible",
            "accessible pmr",
            "wheelchair",
            "acces fauteuil roulant",
        ),
        "stops": ("arrets", "tournee", "itineraire", "stops", "points d arret"),
        "itinerant": ("itinerant", "itinerance", "mobile"),
        "valid_from": ("date d ouverture", "ouvert depuis", "valid from", "date debut"),
        "valid_to": ("date de fermeture", "ouvert jusqu au", "valid to", "date fin"),
        **{day: (day, f"h {day}", f"horaires {day}", f"horaires du {day}") for day in WEEKDAYS_FR},
    }
)

_DBASE_TYPE = re.compile(r",[CDFLN],\d+(?:,\d+)?$")
#: Columns of the tables by code that a mapping may name, beside those of the services.
CODED = ("code", "level", "region", "epci", "arrondissement", "population", "year")
_CRS_WORDS = re.compile(
    r"(?<!\s)\s+(wgs ?84|l ?93|lambert ?93|rgf ?93|dd|4326|2154|degres?|metres?|m)$"
)


def folded(name: object) -> str:
    """Return a column name without accents, capitals or signs: ``Code_Postal`` -> ``code postal``;
    nor the type that some software writes after the name of a dBASE column.

    >>> folded("#Libellé_du_site"), folded("LON,N,19,11")
    ('libelle du site', 'lon')
    """
    plain = (
        unicodedata.normalize("NFKD", unheaped(_DBASE_TYPE.sub("", str(name))))
        .encode("ascii", "ignore")
        .decode()
        .lower()
    )
    return re.sub(r"[^a-z0-9]+", " ", plain).strip()


def match_columns(names: Iterable[str]) -> dict[str, str]:
    """Return the column of each field that is recognised by its name; a column serves one field
    only.
    """
    by_folded: dict[str, str] = {}
    for name in names:
        by_folded.setdefault(folded(name), name)
        by_folded.setdefault(_CRS_WORDS.sub("", folded(name)), name)
    found: dict[str, str] = {}
    for wanted, synonyms in NAMES.items():
        column = next(
            (
                by_folded[word]
                for word in synonyms
                if by_folded.get(word) not in {None, *found.values()}
            ),
            None,
        )
        if column is not None:
            found[wanted] = column
    return found


def find_column(table: pd.DataFrame, names: Iterable[str]) -> str:
    """Return the column of a table that bears the first of some folded names; empty when none
    does.
    """
    by_name = {folded(name): str(name) for name in table.columns}
    return next((by_name[name] for name in names if name in by_name), "")


def type_of_label(label: object) -> str | None:
    """Return the service type a label, key, DILA category or BPE code names; None when it is
    none.
    """
    labels = _types_by_label(len(SERVICE_TYPES))
    return labels.get(folded(label)) or TYPE_OF_BPE.get(str(label).strip().upper())


#: Words of real lists that are no label of the taxonomy.
_OTHER_WORDS = {
    "post_agency": (
        "agence postale",
        "agence postale commnunale",  # as La Poste's list of 2015 spells it
        "agence postale intercommunale",
        "agence postale militaire",
        "la poste agence communale",
        "apc",
        "lapac",
    ),
    "post_relay": (
        "relais commercant",
        "relais poste commercant",
        "la poste relais",
        "point poste",
        "rpc",
    ),
    "post_office": ("bdp",),
}


# Return the types by folded label; made anew when the workspace has added types of its own.
@cache
def _types_by_label(_count: int) -> Mapping[str, str]:
    others = {word: key for key, words in _OTHER_WORDS.items() for word in words}
    return (
        others
        | {folded(category): key for category, key in TYPE_OF_CATEGORY.items()}
        | {
            folded(label): kind.key
            for kind in SERVICE_TYPES.values()
            for label in (kind.key, kind.label_fr, kind.plural_fr, kind.label_en, kind.plural_en)
        }
    )


# -- FILE.toml of --mapping


@dataclass(frozen=True, slots=True)
class FileMapping:
    """What the sender says of a file, over what would be detected."""

    #: Field of ``NAMES`` -> column of the file.
    columns: Mapping[str, str] = field(default_factory=dict)
    #: Value of the category column -> key of ``SERVICE_TYPES``.
    types: Mapping[str, str] = field(default_factory=dict)
    #: Field -> value for every row that has none (``type``, ``operator``, ``departement`` ...).
    defaults: Mapping[str, str] = field(default_factory=dict)
    encoding: str = ""
    separator: str = ""
    #: Line of the column names, the first being 1; 0 to detect it.
    header_row: int = 0
    #: Layer of a GeoPackage, or sheet of a workbook.
    layer: str = ""
    crs: str = ""
    #: ``xy`` (longitude first) or ``yx``; empty to detect it.
    axes: str = ""


def read_mapping(path: Path) -> FileMapping:
    """Read a mapping file: tables ``[columns]``, ``[types]``, ``[defaults]``, ``[file]``.

    Raises
    ------
    UsageError
        The file is missing, is not TOML, or names a field, a type or an option that does not exist.
    """
    try:
        document = read_toml(path, kind=UsageError)
    except FileNotFoundError as error:
        raise UsageError(
            Message(
                "{file} : ce fichier de correspondance n'existe pas ; essayez : --mapping et le "
                "chemin d'un fichier TOML.",
                file=path,
            )
        ) from error
    return parse_mapping(document, where=str(path))


def parse_mapping(document: Mapping[str, Any], *, where: str = "correspondance") -> FileMapping:
    """Check a mapping given as nested tables and return it.

    Raises
    ------
    UsageError
        As `read_mapping`.
    """
    options = {each.name for each in fields(FileMapping)} - {"columns", "types", "defaults"}
    tables = {"columns", "types", "defaults", "file"}
    _known(document, tables, "table", where)
    for name in tables & document.keys():
        _check_values(name, document[name], where)
    for table, names in (
        ("columns", {*NAMES, *CODED}),
        ("defaults", {*NAMES, *CODED, "type"}),
        ("file", options),
    ):
        _known(document.get(table, {}), names, f"clé de [{table}]", where)
    types = {str(label): str(key) for label, key in document.get("types", {}).items()}
    _known(
        [*types.values(), *filter(None, [document.get("defaults", {}).get("type")])],
        set(SERVICE_TYPES),
        "type de service",
        where,
    )
    file = dict(document.get("file", {}))
    return FileMapping(
        columns={str(key): str(value) for key, value in document.get("columns", {}).items()},
        types=types,
        defaults={str(key): str(value) for key, value in document.get("defaults", {}).items()},
        header_row=int(file.pop("header_row", 0)),
        **{key: str(value) for key, value in file.items()},
    )


# Raise UsageError unless a table of a mapping is one, and holds what is expected.
def _check_values(name: str, table: Any, where: str) -> None:
    for key, value in (table if isinstance(table, Mapping) else {"": table}).items():
        kind, expected = _EXPECTED.get(key, _TABLE if not key else _TEXT)
        is_one = type(value) in kind and key != ""
        if key == "separator" and is_one:
            is_one = len(value) == 1 and (value == "\t" or (value.isprintable() and value != '"'))
        if not is_one or (key == "header_row" and value < 0):
            raise UsageError(
                Message(
                    "{where} : [{table}] {key} = {value} ; {expected} est attendu.",
                    where=where,
                    table=name,
                    key=key,
                    value=str(value)[:60],
                    expected=expected,
                )
            )


_TABLE = (), Message("une table")
_TEXT = (str, int, float), Message("un texte entre guillemets")
_EXPECTED: Mapping[str, tuple[tuple[type, ...], Message]] = {
    "header_row": ((int,), Message("un numéro de ligne, la première étant 1,")),
    "separator": ((str,), Message("un seul signe entre guillemets")),
}


def _known(given: Iterable[str], expected: set[str], what: str, where: str) -> None:
    unknown = [name for name in given if name not in expected]
    if unknown:
        raise UsageError(
            f"{where} : {what} inconnue, « {unknown[0]} » ; attendu : "
            f"{', '.join(sorted(expected))}."
        )


# The workbook a town clerk fills in: one line a counter, one column a thing to know, types to
# choose from a list.


#: Heading, what to write there, width of the column in characters.
HEADINGS: Sequence[tuple[str, str, int]] = (
    ("Identifiant", "un code à vous, qui ne change pas d'une année à l'autre", 14),
    ("Type", "à choisir dans la liste", 26),
    ("Nom", "comme sur la porte : « Mairie d'Auch »", 34),
    ("Gestionnaire", "qui le tient : commune, La Poste, CAF ...", 20),
    ("Adresse", "numéro et rue", 34),
    ("Code postal", "cinq chiffres, zéro compris", 12),
    ("Code INSEE", "code de la commune, cinq caractères", 12),
    ("Commune", "nom de la commune", 24),
    ("Longitude", "en degrés : 0,5864 (facultatif si l'adresse est là)", 12),
    ("Latitude", "en degrés : 43,6465", 12),
    *(
        (day.capitalize(), "09:00 - 12:00 / 14:00 - 17:00, ou rien si fermé", 26)
        for day in WEEKDAYS_FR
    ),
    ("Téléphone", "05 62 61 66 00", 16),
    ("Courriel", "mairie@exemple.fr", 26),
    ("Site internet", "https://...", 26),
    ("Accessible PMR", "oui, non ou partiel", 14),
    ("Itinérant", "oui si c'est un bus ou une permanence", 10),
    ("Arrêts", "si itinérant : lieux et jours", 30),
)
#: Lines that have the lists of choices.
ROWS = 2000


def write_template(path: Path) -> None:
    """Write the empty workbook (.xlsx).

    Raises
    ------
    LayerError
        When a file is already there, or it cannot be written.
    """
    if path.exists():
        raise LayerError(
            f"{path} : ce fichier existe déjà ; donnez un autre nom, rien n'est écrasé."
        )
    import openpyxl
    from openpyxl.styles import Font, PatternFill

    book = openpyxl.Workbook()
    sheet = book.active
    sheet.title = "Services"
    labels = [kind.label_fr for kind in SERVICE_TYPES.values()]
    choices = {
        "Type": f"=Types!$A$1:$A${len(labels)}",
        "Accessible PMR": '"oui,non,partiel"',
        "Itinérant": '"oui,non"',
    }
    for column, (heading, _, width) in enumerate(HEADINGS, start=1):
        cell = sheet.cell(row=1, column=column, value=heading)
        cell.font, cell.fill = Font(bold=True), PatternFill("solid", start_color="DDE7F3")
        sheet.column_dimensions[cell.column_letter].width = width
        if heading in {"Code postal", "Code INSEE", "Identifiant"}:
            for row in range(2, ROWS + 1):
                sheet.cell(row=row, column=column).number_format = "@"
        if heading in choices:
            _choices(sheet, cell.column_letter, choices[heading])
    sheet.freeze_panes = "A2"
    notice = book.create_sheet("Notice")
    notice.append(["Colonne", "Ce qu'on y écrit"])
    for heading, meaning, _ in HEADINGS:
        notice.append([heading, meaning])
    notice.column_dimensions["A"].width, notice.column_dimensions["B"].width = 20, 60
    types = book.create_sheet("Types")
    for label in labels:
        types.append([label])
    with refused(
        OSError,
        say=lambda error: (
            f"{path} : écriture impossible ({error.strerror}) ; vérifiez le dossier et la place."
        ),
    ):
        book.save(path)


def _choices(sheet: "Worksheet", letter: str, formula: str) -> None:
    from openpyxl.worksheet.datavalidation import DataValidation

    rule = DataValidation(type="list", formula1=formula, allow_blank=True)
    rule.error, rule.errorTitle = "Choisissez une valeur de la liste.", "Valeur inconnue"
    sheet.add_data_validation(rule)
    rule.add(f"{letter}2:{letter}{ROWS}")
