"""The oddities of published files, by name: what `convert` may ask for in `formats/*.toml`.

Each takes a chunk of a file and returns it with columns of its own added, whose names begin with
"="; what it noticed is told to the journal. A conversion that leaves rows out tells each of them
(``refused-row``).
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import pandas as pd

from geoguichet.floor.findings import Finding, Severity
from geoguichet.floor.words import Message
from geoguichet.referentials.directory.ground import OVERSEAS
from geoguichet.referentials.directory.hours import WEEKDAYS_FR
from geoguichet.referentials.directory.placing import LAMBERT_93_BOX, numbers
from geoguichet.referentials.directory.schema import (
    REFUSED,
    address_of,
    damage_findings,
    hours_as_published,
    mended,
    row_findings,
    stable_id,
)
from geoguichet.referentials.readers.open_table import GEOMETRY_X, GEOMETRY_Y
from geoguichet.referentials.territories.code_history import departement_of

#: A column; a text with ``{columns}`` in it; or a list of parts that are joined by commas.
type Expression = str | Sequence[Expression]
_BRACED = re.compile(r"\{([^}]+)\}")


def value_of(table: pd.DataFrame, said: Expression) -> pd.Series:
    """Return what an expression is in each row of a table of text."""
    if not isinstance(said, str):
        return address_of(*(value_of(table, part) for part in said))
    if said in table.columns:
        return table[said]
    text = pd.Series("", index=table.index, dtype=object)
    for position, piece in enumerate(_BRACED.split(said)):
        text = text + (table[piece] if position % 2 else piece)
    return text


def columns_in(said: Expression) -> list[str]:
    """Return the columns that an expression is made of."""
    if not isinstance(said, str):
        return [column for part in said for column in columns_in(part)]
    return _BRACED.findall(said) or [said]


@dataclass(slots=True)
class Journal:
    """What conversions notice in a file, and what they remember from one chunk to the next."""

    source: str
    identifier: Expression
    #: Of the chunk at hand.
    findings: list[Finding] = field(default_factory=list)
    #: Identifiers of the chunks before.
    seen: set[str] = field(default_factory=set)

    def tell(
        self,
        table: pd.DataFrame,
        concerned: pd.Series,
        rule: str,
        say: Callable[[Any], str | Message],
        severity: Severity = "info",
        column: str = "",
        remedy: str | Message = "",
        item: Expression = "",
    ) -> None:
        """Report each row where `concerned` is true; `say` makes the sentence of a row number."""
        self.findings += row_findings(
            rule,
            self.source,
            concerned,
            value_of(table, item or self.identifier),
            say,
            severity,
            column,
            remedy,
        )

    def tell_once(
        self,
        rule: str,
        message: str | Message,
        severity: Severity,
        column: str = "",
        remedy: str | Message = "",
    ) -> None:
        """Report something of the whole file."""
        self.findings.append(
            Finding(rule, self.source, "", message, severity, column=column, remedy=remedy)
        )


# -- of several formats

_LOST_ZERO = {
    "code": "Code « {code} » sans son zéro : lu « {right} ».",
    "postcode": "Code postal « {code} » sans son zéro : lu « {right} ».",
    "departement": "Code de département « {code} » sans son zéro : lu « {right} ».",
    "number": "Code postal écrit comme un nombre (« {code} ») : lu « {right} ».",
}


def lost_zeros(
    table: pd.DataFrame,
    journal: Journal,
    column: str,
    what: str,
    width: int = 5,
    told_in: str = "",
    remedy: str | Message = "",
    silent: bool = False,
) -> pd.DataFrame:
    """Put back the zero that codes of `width` characters lost, where they have one less."""
    codes = table[column]
    right = codes.str.zfill(width).where(codes != "", "")
    journal.tell(
        table,
        (codes.str.len() == width - 1) & (not silent),
        "lost-zero",
        lambda row: _LOST_ZERO[what].format(code=codes[row], right=right[row]),
        column=told_in or column,
        remedy=remedy,
    )
    return table.assign(**{_made(column): right})


def stable_key(
    table: pd.DataFrame, journal: Journal, columns: Sequence[str], ranked: bool = False
) -> pd.DataFrame:
    """Make ``=key`` out of what some columns say: rows without a code keep their identifier as long
    as their text. `ranked` tells apart rows that are equal in everything.
    """
    parts = [table[column] for column in columns]
    if ranked:
        parts.append(table.groupby(list(table.columns)).cumcount().astype(str))
    return table.assign(
        **{
            "=key": pd.Series(
                [stable_id(*texts) for texts in zip(*parts, strict=True)], index=table.index
            )
        }
    )


def mended_text(table: pd.DataFrame, journal: Journal, column: str, oddity: str) -> pd.DataFrame:
    r"""Read in clear a column whose letters are ``escaped`` (``\x20``) or encoded ``twice``."""
    clear = pd.Series([mended(text) or text for text in table[column]], index=table.index)
    say = {
        "escaped": lambda row: (
            "Le commentaire contient des codes d'échappement (« \\x20 ») : il est lu en clair."
        ),
        "twice": lambda row: (
            f"« {table[column].loc[row]!s} » est codé deux fois : lu « {clear[row]} »."
        ),
    }[oddity]
    journal.tell(table, clear != table[column], "damaged-encoding", say, column=column)
    return table.assign(**{_made(column): clear})


def no_coordinates(table: pd.DataFrame, journal: Journal, facts: bool = False) -> pd.DataFrame:
    """Tell that no row has a position, of a format that has none."""
    if facts:
        journal.tell_once(
            "no-coordinates",
            (
                f"{len(table)} faits datés, sans coordonnées ; ce n'est pas une liste complète des "
                "points."
            ),
            "warning",
        )
    else:
        journal.tell_once(
            "no-coordinates",
            f"{len(table)} établissements sans coordonnées : le format n'en a pas.",
            "warning",
            remedy="« referentials export » place chacun à la mairie de sa commune.",
        )
    return table


def labels(
    table: pd.DataFrame, journal: Journal, column: str, labels: Mapping[str, str]
) -> pd.DataFrame:
    """Make ``=label``, the words of a code, and ``=type``, the code in small letters."""
    codes = table[column]
    return table.assign(**{"=label": codes.map(labels).fillna(codes), "=type": codes.str.lower()})


def _made(column: str) -> str:
    return f"={column.removeprefix('=')}"


# -- DILA, before its JSON


def bare_quotes(table: pd.DataFrame, journal: Journal) -> pd.DataFrame:
    """Tell the quotes that nothing doubles, in a text whose quotes are ordinary characters."""
    quoted = table["name"].str.contains('"', regex=False)
    quoted |= table["address"].str.contains('"', regex=False)
    journal.tell(
        table,
        quoted,
        "bare-quotes",
        lambda row: "Des guillemets ne sont pas doublés : lus comme des caractères ordinaires.",
        column="name",
    )
    return table


def dila_identifier_and_address(table: pd.DataFrame, journal: Journal) -> pd.DataFrame:
    """Take apart the identifier (``mairie-31555-01``: category, commune, rank), the address
    (``street, postal code, commune``) and the electronic address (a mail, or a site).
    """
    columns = (table[name].tolist() for name in ("id", "category", "address", "email"))
    made = zip(*map(_dila_row, *columns), strict=True)
    names = ("=category", "=commune", "=address", "=postcode", "=city", "=email", "=site")
    apart = {
        name: pd.Series(cells, table.index, dtype=object)
        for name, cells in zip(names, made, strict=True)
    }
    return table.assign(**apart, **{"=departement": departement_of(apart["=commune"])})


_DILA_ID = re.compile(r"-([0-9][0-9AB][0-9]{3})-[0-9]+\Z")


# Return category, commune, street, postal code, city, mail and site.
def _dila_row(identifier: str, category: str, address: str, mail: str) -> tuple[str, ...]:
    code = _DILA_ID.search(identifier)
    parts = address.rsplit(", ", 2)
    return (
        category or identifier.rsplit("-", 2)[0],
        code[1] if code else "",
        *(parts if len(parts) == 3 else (address, "", "")),
        mail if "@" in mail else "",
        mail if mail.startswith("http") else "",
    )


# -- France services and MSAP


def nominal_points(
    table: pd.DataFrame,
    journal: Journal,
    column: str,
    words: Sequence[str],
    stops: str,
    kind: str = "",
) -> pd.DataFrame:
    """Mark the counters that move: their only point stands for several places.

    Makes ``=itinerant``, ``=precision`` and ``=stops``, which is the column `stops` where they
    move.
    """
    moving, kinds = table[column].isin(list(words)), table[kind or column]
    journal.tell(
        table,
        moving,
        "nominal-point",
        lambda row: f"Service itinérant ou multisite ({kinds[row]}) : son seul point est nominal.",
        remedy="Remplacez-le par un point à chaque arrêt, avec ses horaires.",
    )
    return table.assign(
        **{
            "=itinerant": moving.map({True: "oui", False: "non"}),
            "=precision": moving.map({True: "commune", False: "address"}),
            "=stops": table[stops].where(moving, ""),
        }
    )


def french_dates(table: pd.DataFrame, journal: Journal, column: str) -> pd.DataFrame:
    """Write the date at the end of a text (``01/02/2020``, ``02/2020``) as ``2020-02-01``; blank
    where there is none.
    """
    parts = table[column].str.extract(r"(?:(\d{2})/)?(\d{2})/(\d{4})\s*$")
    date = parts[2] + "-" + parts[1] + "-" + parts[0].fillna("01")
    return table.assign(**{_made(column): date.fillna("")})


def untold_hours(table: pd.DataFrame, journal: Journal, words: Sequence[str]) -> pd.DataFrame:
    """Take words such as « Horaires non communiqués » for nothing said; ``=hours_raw`` keeps
    them.
    """
    days = table[[f"h_{day}" for day in WEEKDAYS_FR if f"h_{day}" in table.columns]]
    return table.assign(
        **days.where(~days.apply(lambda cells: cells.str.strip()).isin(list(words)), ""),
        **{"=hours_raw": hours_as_published(days)},
    )


def geocoder_query(table: pd.DataFrame, journal: Journal) -> pd.DataFrame:
    """Take apart what a geocoder was asked (``street, postal code city, France``)."""
    query = table["locatin"].str.replace(", France", "", regex=False)
    parts = query.str.extract(r"^(.*?),?\s*(\d{4,5})\s+([^,]*)$")
    return table.assign(
        **{
            "=query": query,
            "=address": parts[0].fillna(query),
            "=postcode": parts[1].fillna(""),
            "=place": parts[2].fillna(""),
        }
    )


def geocoder_answer(table: pd.DataFrame, journal: Journal) -> pd.DataFrame:
    """Tell the points that a geocoder put abroad, or beyond the ground of Lambert-93, where its
    metres are hundreds of metres wrong or worse. Makes ``=name``.
    """
    asked, found, country = table["=place"], table["city"], table["country"]
    west, south, east, north = LAMBERT_93_BOX
    x, y = numbers(table[GEOMETRY_X]), numbers(table[GEOMETRY_Y])
    journal.tell(
        table,
        ~(x.between(west, east) & y.between(south, north)),
        "outside-projection",
        lambda row: (
            f"Point en Lambert-93 hors de la métropole (x = {x[row]:.0f}) : converti, mais sans "
            "précision."
        ),
        "warning",
        f"{GEOMETRY_X} {GEOMETRY_Y}",
        "Demandez ce point en degrés ou dans la projection locale.",
    )
    journal.tell(
        table,
        ~country.isin(["France", ""]),
        "wrong-geocoding",
        lambda row: (
            f"« {asked[row]} » a été cherché, « {found[row]} » ({country[row]}) a été trouvé."
        ),
        "error",
        "country",
        "Géocodez de nouveau l'adresse.",
    )
    return table.assign(**{"=name": asked.where(asked != "", table["=city"])})


# -- schools, higher education, digital advisers


def legal_projection(table: pd.DataFrame, journal: Journal, column: str) -> pd.DataFrame:
    """Make ``=projection``, the legal one of the département whose code begins a column: a file in
    metres that does not say it.
    """
    place = table[column].str[:3]
    for code, (system, name) in OVERSEAS.items():
        if count := int((place == code).sum()):
            journal.tell_once(
                "assumed-crs",
                f"{count} établissements de {name} : projection non dite, {system} supposée.",
                "info",
                "X Y",
            )
    return table.assign(
        **{
            "=projection": place.map(
                {code: system for code, (system, _) in OVERSEAS.items()}
            ).fillna("EPSG:2154")
        }
    )


def misnamed_axes(table: pd.DataFrame, journal: Journal) -> pd.DataFrame:
    """Tell that ``GPS_X`` holds the latitude."""
    journal.tell_once(
        "misnamed-axes",
        "La colonne GPS_X contient la latitude et GPS_Y la longitude : elles sont lues ainsi.",
        "warning",
        "GPS_X GPS_Y",
        "Renommez ces colonnes.",
    )
    return table


def damaged_text(table: pd.DataFrame, journal: Journal, column: str) -> pd.DataFrame:
    """Tell the damaged texts of a column that the directory does not keep."""
    rows = pd.DataFrame(
        {
            "id": value_of(table, journal.identifier),
            "source_row": table.index,
            column: table[column],
        }
    )
    journal.findings += damage_findings(rows, [column], layer=journal.source)
    return table


def geocoder_score(table: pd.DataFrame, journal: Journal, column: str) -> pd.DataFrame:
    """Make ``=precision`` of a geocoder's score: an address from 0.7 up, else its street; unknown
    without.
    """
    score = pd.to_numeric(table[column], errors="coerce")
    return table.assign(
        **{
            "=precision": pd.Series("unknown", index=table.index)
            .mask(score >= 0.7, "address")
            .mask(score < 0.7, "street")
        }
    )


def lines_but_the_last(table: pd.DataFrame, journal: Journal, column: str) -> pd.DataFrame:
    """Leave out the last line of an address (postal code and city), and join the others."""
    return table.assign(
        **{
            _made(column): table[column]
            .str.rsplit("\n", n=1)
            .str[0]
            .str.replace("\n", ", ", regex=False)
        }
    )


# -- hospitals, stations


def one_row_an_establishment(table: pd.DataFrame, journal: Journal) -> pd.DataFrame:
    """Keep the first of the rows of an establishment (one a profession); its FINESS number begins
    with its département.
    """
    establishments = table["FI"]
    repeated = establishments.duplicated() | establishments.isin(list(journal.seen))
    journal.seen.update(establishments)
    journal.tell(
        table,
        repeated,
        REFUSED,
        lambda row: (
            f"Autre profession de l'établissement {establishments[row]}, déjà lu : cette ligne "
            "n'est pas un service de plus."
        ),
        column="PERSO",
        item="finess-{FI}",
    )
    return table[~repeated].assign(**{"=departement": departement_of(establishments)})


#: What FINESS calls the projections of its coordinates.
_OF_FINESS = {
    "L93": "EPSG:2154",
    "UTM_N20": "EPSG:5490",
    "UTM_N21": "EPSG:4467",
    "UTM_N22": "EPSG:2972",
    "UTM_S40": "EPSG:2975",
    "UTM_S38": "EPSG:4471",
}


def overseas_letters(table: pd.DataFrame, journal: Journal, column: str) -> pd.DataFrame:
    """Write the codes of communes overseas as INSEE does: FINESS has a letter, ``9D407`` for
    97407.
    """
    return table.assign(**{_made(column): table[column].str.replace(r"^9[A-F]", "97", regex=True)})


def finess_places(table: pd.DataFrame, journal: Journal, column: str) -> pd.DataFrame:
    """Make the code of the commune (three figures after the département, which has a letter overseas:
    9A), the postal code and the place of the last line of the address, the name and the projection
    (``1,ATLASANTE,96,BAN,L93_METROPOLE``) of an establishment of FINESS.
    """
    last = table["ligneacheminement"].str.extract(r"^\s*(\d{5})\s+(.*)$").fillna("")
    ground = overseas_letters(table, journal, "departement")["=departement"]
    said = table["sourcecoordet"].str.extract(f"({'|'.join(_OF_FINESS)})", expand=False)
    long_name = table["rslongue"]
    return table.assign(
        **{
            _made(column): (ground + table[column]).where(table[column] != "", ""),
            "=postcode": last[0],
            "=place": last[1],
            "=name": long_name.where(long_name != "", table["rs"]),
            "=projection": said.map(_OF_FINESS).fillna("EPSG:2154"),
        }
    )


def stations_only(table: pd.DataFrame, journal: Journal) -> pd.DataFrame:
    """Leave out the platforms: the station they belong to has its own row."""
    platform, parent = table["location_type"] != "1", table["parent_station"]
    journal.tell(
        table,
        platform,
        REFUSED,
        lambda row: f"Point d'arrêt de {parent[row]} : la gare est déjà lue.",
        column="location_type",
    )
    return table[~platform]


#: UIC code of each neighbour's railways; France is 87.
COUNTRIES: Mapping[str, str] = MappingProxyType(
    {
        "71": "Espagne",
        "80": "Allemagne",
        "82": "Luxembourg",
        "83": "Italie",
        "85": "Suisse",
        "88": "Belgique",
    }
)


def foreign_stations(table: pd.DataFrame, journal: Journal) -> pd.DataFrame:
    """Tell the stations of other countries, by the country that begins their UIC code."""
    country = table["stop_id"].str.extract(r"(\d{2})\d{6}$", expand=False).map(COUNTRIES)
    journal.tell(
        table,
        country.notna(),
        "foreign-row",
        lambda row: (
            f"Gare étrangère ({country[row]}, code UIC) : gardée, elle dessert aussi la frontière."
        ),
        column="stop_id",
    )
    return table


# -- territories


def place_of_a_postcode(table: pd.DataFrame, journal: Journal, column: str) -> pd.DataFrame:
    """Make ``=place``, what tells apart the rows of one postal code and commune."""
    place = table[column].str.strip()
    return table.assign(**{"=place": ("-" + place).where(place != "", "")})


def zoning_programmes(table: pd.DataFrame, journal: Journal) -> pd.DataFrame:
    """Make ``=programme`` and ``=category``; the paths of the publisher's own disk are told, and
    left out.
    """
    if private := int(table["path"].str.contains(r"^[A-Z]:/", regex=True).sum()):
        journal.tell_once(
            "private-path",
            f"{private} ligne(s) disent un chemin du disque de l'éditeur : il n'est pas gardé.",
            "info",
            "path",
        )
    return table.assign(
        **{
            "=programme": table["layer"].str.removesuffix(" zonage"),
            "=category": table["perimetre"].str.lower()
            + (" ; " + table["info1"]).where(table["info1"] != "", ""),
        }
    )


#: The conversions by name.
CONVERSIONS: Mapping[str, Callable[..., pd.DataFrame]] = MappingProxyType(
    {
        conversion.__name__: conversion
        for conversion in (
            bare_quotes,
            damaged_text,
            dila_identifier_and_address,
            finess_places,
            foreign_stations,
            french_dates,
            geocoder_answer,
            geocoder_query,
            geocoder_score,
            labels,
            legal_projection,
            lines_but_the_last,
            lost_zeros,
            mended_text,
            misnamed_axes,
            no_coordinates,
            overseas_letters,
            nominal_points,
            one_row_an_establishment,
            place_of_a_postcode,
            stable_key,
            stations_only,
            untold_hours,
            zoning_programmes,
        )
    }
)
