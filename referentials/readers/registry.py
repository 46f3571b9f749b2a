"""The published formats we know by name: which reader takes a file, told by its columns."""

from __future__ import annotations

import csv
import io
import json
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from geoguichet.floor.errors import LayerError, UsageError
from geoguichet.referentials.directory.schema import Reading, join_readings
from geoguichet.referentials.readers import (
    boundaries,
    broadband,
    code_lists,
    digital_advisers,
    dila,
    dila_live,
    france_services,
    generic,
    higher_education,
    hospitals,
    justice,
    laposte,
    msap,
    pole_emploi,
    populations,
    postcodes,
    schools,
    seats,
    stations,
    visio_points,
    zonings,
)
from geoguichet.referentials.readers.column_names import read_mapping
from geoguichet.referentials.readers.tables import open_bytes

HEAD_BYTES = 65_536


@dataclass(frozen=True, slots=True)
class PublishedFormat:
    """A format that a source publishes."""

    key: str
    title_fr: str
    read: Callable[[Path], Iterator[Reading]]
    """Yields the file by chunks, so that a file of any size can be stored as it is read."""
    fields: frozenset[str]
    """Names found in the head of such a file, that no other format has together."""
    kind: str = "services"
    """What its rows are: ``services``, or a key of ``tables_by_code.TABLES``."""


def _format(
    key: str, title: str, read: Callable[[Path], Iterator[Reading]], *fields: str
) -> PublishedFormat:
    return PublishedFormat(key, title, read, frozenset(fields))


def _table(
    kind: str, key: str, title: str, read: Callable[[Path], Iterator[Reading]], *fields: str
) -> PublishedFormat:
    return PublishedFormat(key, title, read, frozenset(fields), kind)


FORMATS: Mapping[str, PublishedFormat] = MappingProxyType(
    {
        kind.key: kind
        for kind in (
            _format(
                "dila-2020",
                "annuaire DILA, CSV de 2020",
                dila.read_2020,
                "category",
                "geoloc_precision",
                "id",
            ),
            _format("dila-2013", "annuaire DILA, texte de 2013 sans en-tête", dila.read_2013),
            _format("dila", "annuaire DILA actuel", dila_live.read, "pivot", "adresse", "nom"),
            _format(
                "laposte-2015", "La Poste, 2015", laposte.read_2015, "#Identifiant", "Localité"
            ),
            _format(
                "laposte-2020",
                "La Poste, 2020",
                laposte.read_2020,
                "#Identifiant_du_site",
                "Code_INSEE",
            ),
            _format(
                "france-services-2024",
                "France services, liste",
                france_services.read_2024,
                "id_fs",
                "format_fs",
            ),
            _format(
                "france-services-2020",
                "France services, 2020",
                france_services.read_2020,
                "MATRICULE",
                "ITINERANCE",
            ),
            _format(
                "msap-2018", "maisons de services au public, 2018", msap.read, "locatin", "osm_key"
            ),
            _format(
                "pole-emploi-2018",
                "réseau partenarial de Pôle emploi, 2018",
                pole_emploi.read,
                "DEPCOM",
                "LIB_MOD",
            ),
            _format(
                "ecoles-2015",
                "établissements scolaires, 2015",
                schools.read,
                "numero_uai",
                "nature_uai",
            ),
            _format(
                "enseignement-superieur-2013",
                "enseignement supérieur, 2013",
                higher_education.read,
                "GPS_X",
                "GPS_Y",
            ),
            _format(
                "conseillers-numeriques-2022",
                "conseillers numériques, 2022",
                digital_advisers.read,
                "nb_cnfs",
                "raison_sociale",
            ),
            _format("justice-2023", "points-justice, 2023", justice.read, "CODE_ORIG", "NUM"),
            _format(
                "sae-2023", "établissements de santé (SAE), 2023", hospitals.read, "fi", "COMINSEE"
            ),
            _format(
                "sae-2023-urgences",
                "urgences (SAE), 2023",
                hospitals.read_emergency,
                "COMSMUR",
                "FI",
            ),
            _format(
                "sae-2023-maternites",
                "maternités (SAE), 2023",
                hospitals.read_maternity,
                "GARDED",
                "FI",
            ),
            _format("gares-ter-2015", "gares TER, 2015", stations.read, "stop_id", "stop_lat"),
            _format(
                "points-visio-2010",
                "points visio-public, 2006-2010",
                visio_points.read,
                "insee_dep",
                "fait",
            ),
            _table("territories", "limites", "contours de territoires", boundaries.read),
            _table(
                "territories",
                "cog-etalab",
                "code officiel géographique, Etalab",
                code_lists.read,
                "typeLiaison",
                "nom",
            ),
            _table(
                "territories",
                "communes-api",
                "communes, geo.api.gouv.fr",
                code_lists.read,
                "codeDepartement",
                "nom",
            ),
            _table(
                "territories",
                "epci-etalab",
                "intercommunalités, Etalab",
                code_lists.read,
                "modeFinancement",
                "membres",
            ),
            _table(
                "territories",
                "laposte-hexasmal",
                "codes postaux, La Poste",
                postcodes.read_hexasmal,
                *postcodes.HEXASMAL,
            ),
            _table(
                "territories",
                "codes-postaux",
                "codes postaux, BAN",
                postcodes.read_listed,
                *postcodes.LISTED,
            ),
            _table("territories", "chefs-lieux", "chefs-lieux, B. David", seats.read_yaml),
            _table(
                "territories",
                "chefs-lieux-anct",
                "chefs-lieux, ANCT",
                seats.read_layer,
                "CODGEO",
                "STATUT",
                "libgeom",
            ),
            _table("territories", "zonages-anct", "zonages, ANCT", zonings.read, *zonings.COLUMNS),
            _table("populations", "populations", "table par commune", populations.read_table),
            _table(
                "populations",
                "filosofi",
                "carreaux Filosofi",
                populations.read_grid,
                "x",
                "y",
                "Ind",
            ),
            _table(
                "broadband",
                "arcep",
                "Ma connexion internet",
                broadband.read,
                "code_insee",
                "nom_com",
                "nbr",
            ),
        )
    }
)
"""The formats, by key."""


def read_published(path: Path, *, key: str) -> Reading:
    """Read a whole file of a known format.

    Raises
    ------
    LayerError
        When the key is unknown, or the file is not of that format.
    """
    if key not in FORMATS:
        raise LayerError(f"format « {key} » inconnu ; formats connus : {', '.join(FORMATS)}.")
    return join_readings(FORMATS[key].read(path))


def recognise(path: Path) -> str | None:
    """Return the key of the published format of a file, by the names in its head; None when it is
    none of them.
    """
    if _is_archive(path):
        return "dila"
    names = head_names(path)
    if names is None:
        return None
    matching = [kind for kind in FORMATS.values() if kind.fields and kind.fields <= names]
    if matching:
        return max(matching, key=lambda kind: len(kind.fields)).key
    return "dila-2013" if _looks_like_2013(path) else None


def _is_archive(path: Path) -> bool:
    if path.is_dir():
        return False
    try:
        with open_bytes(path) as file:
            return dila_live.is_archive(file.read(512))
    except (OSError, EOFError, zlib.error, LayerError):
        return False


def head_names(path: Path) -> frozenset[str] | None:
    """Return the names in the head of a file: CSV header, JSON keys, shapefile columns; None when
    unreadable.
    """
    if path.is_dir() or path.suffix.lower() == ".shp":
        return _dbf_names(path)
    try:
        with open_bytes(path) as file:
            head = file.read(HEAD_BYTES)
    except (OSError, EOFError, zlib.error, LayerError):
        return None
    text = (
        head.decode("utf-8", errors="replace")
        if b"\xe9" not in head[:4096]
        else head.decode("latin-1")
    )
    if text.lstrip("\ufeff \r\n")[:1] in {"{", "["} or text.startswith("var "):
        return frozenset(_json_keys(text))
    line = text.lstrip("\ufeff").splitlines()[:1]
    separator = max(",;\t|", key=line[0].count) if line else ","
    return frozenset(
        name
        for row in csv.reader(io.StringIO("\n".join(line)), delimiter=separator)
        for name in row
    )


def _json_keys(text: str) -> Iterator[str]:
    """Yield the texts followed by a colon: the keys, whatever the depth."""
    position = 0
    decoder = json.JSONDecoder(strict=False)
    while (position := text.find('"', position)) >= 0:
        try:
            value, position = decoder.raw_decode(text, position)
        except json.JSONDecodeError:
            return
        if text[position : position + 2].lstrip().startswith(":"):
            yield value


def _dbf_names(path: Path) -> frozenset[str] | None:
    """Return the column names in the header of the .dbf beside a .shp (dBase III: 32 bytes a
    field).
    """
    folder = path if path.is_dir() else path.parent
    stems = (
        [path.stem] if path.suffix else [shape.stem for shape in sorted(folder.glob("*.shp"))[:1]]
    )
    for stem in stems:
        for suffix in (".dbf", ".DBF"):
            table = folder / f"{stem}{suffix}"
            if table.is_file():
                head = table.read_bytes()[:HEAD_BYTES]
                fields = (head[start : start + 11] for start in range(32, len(head), 32))
                names = []
                for field in fields:
                    if field[:1] == b"\r":
                        break
                    names.append(field.split(b"\0")[0].decode("latin-1"))
                return frozenset(names)
    return None


def _looks_like_2013(path: Path) -> bool:
    """Return whether the first line is of the directory of 2013: eight fields, identifier made of
    the category.
    """
    try:
        with open_bytes(path) as file:
            fields = file.readline(4096).decode("utf-8", errors="replace").split("\t")
    except (OSError, EOFError, zlib.error, LayerError):
        return False
    return (
        len(fields) == 8
        and fields[0].startswith(f"{fields[1]}-")
        and fields[3] in {"", "ACC", "NAC", "DEM"}
    )


# Which reader takes a file: the format asked for, else the one its columns tell, else the generic
# one.

GENERIC = "generic"


@dataclass(frozen=True, slots=True)
class ChosenReader:
    """A file and the way it is read."""

    key: str
    title: str
    name: str
    """What the referential is called unless told otherwise: the format, or the file."""
    read: Callable[[], Iterator[Reading]]
    mapping: str = ""
    """Text of the mapping file; a change of it is a new version."""
    kind: str = "services"


FALLBACK: Mapping[str, str] = {
    "territories": "limites",
    "populations": "populations",
    "broadband": "arcep",
}
"""Kind of rows -> format that reads any file of that kind; services go to the generic reader."""


def choose_reader(
    path: Path, *, key: str | None = None, mapping: Path | None = None, kind: str | None = None
) -> ChosenReader:
    """Return how a file is read. A mapping asks for the generic reader.

    Parameters
    ----------
    kind What the rows are (``services`` or a key of ``tables_by_code.TABLES``); what the file is
        recognised as, else services, by default.

    Raises
    ------
    UsageError The format is unknown or of another kind, or a mapping is given with another format
        than the generic one.
    """
    if key not in {None, GENERIC, *FORMATS}:
        raise UsageError(
            f"format « {key} » inconnu ; formats connus : {GENERIC}, {', '.join(FORMATS)}."
        )
    if mapping is not None and key not in {None, GENERIC}:
        raise UsageError(
            f"--mapping ne va qu'avec le lecteur général, pas avec « {key} » ; ôtez l'un des deux."
        )
    if mapping is not None and kind not in {None, "services"}:
        raise UsageError(f"--mapping décrit des services, pas « {kind} » ; ôtez --as ou --mapping.")
    chosen = key or (None if mapping is not None else recognise(path))
    if (
        kind is not None
        and chosen is not None
        and chosen in FORMATS
        and FORMATS[chosen].kind != kind
    ):
        if key is not None:
            raise UsageError(
                f"le format « {key} » donne « {FORMATS[key].kind} », pas « {kind} » ; ôtez --as."
            )
        chosen = None
    chosen = chosen or FALLBACK.get(kind or "", GENERIC)
    if chosen != GENERIC:
        known = FORMATS[chosen]
        name = path.name.split(".")[0] if chosen in FALLBACK.values() else chosen
        return ChosenReader(chosen, known.title_fr, name, lambda: known.read(path), kind=known.kind)
    said = read_mapping(mapping) if mapping is not None else None
    text = mapping.read_text(encoding="utf-8") if mapping is not None else ""
    return ChosenReader(
        GENERIC,
        f"{path.name} (lecteur général)",
        path.stem,
        lambda: generic.read_chunks(path, mapping=said),
        text,
    )
