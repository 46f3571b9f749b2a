"""No mutation of a list ends in a traceback, or in a version half written: seeded, a few in `make
test`, 500 in `make check-api` (``GEOGUICHET_MUTATIONS``).
"""

import bz2
import gzip
import io
import json
import os
import random
import sqlite3
import tarfile
import zipfile
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path

import geopandas as gpd
import openpyxl
import pytest
import shapely

from geoguichet import cli

RUNS = int(os.environ.get("GEOGUICHET_MUTATIONS", "40"))

HOSTILE: Sequence[bytes] = (
    *(
        b"", b"null", b"NaN", b"inf", b"-1e308", b"1e999", b"9" * 400, b"9" * 5000, b"\0", b'"', b"'",
        b";", b",", b"\t", b"\r", b"\xef\xbb\xbf", b"\xed\xa0\x80", b"\\ud800", b"\xff\xfe", b"\x85",
        b"{nom}", b"{", b"}", b"[" * 300, b"]", b"<e9>", b"\\x20", b"true", b"-0", b"00000", b"2a04",
    ),
    *(
        b"Lu-Ve 25:99-99:00", b"Mo-Su 20:00-30:00", b"1er mardi du mois", b"0.5,43.6",
        b"EPSG:9999999", b"POINT (1 2", b"POINT EMPTY", b"01/13/2024", b"45352", b"5,61E+08",
        b"\xc3\x83\xc2\xa9" * 20, b"e\xcc\x81" * 50, b"&amp;", b"<!DOCTYPE a [<!ENTITY b 'c'>]>",
    ),
    *(
        text.encode()
        for text in ("\u0967\u0968", "\u0661\u0662", "\u00b2", "31555\u00a0", "\u2028", "\u00bd")
    ),
)  # fmt: skip


def mutated(content: bytes, chance: random.Random) -> bytes:
    """The bytes of a text or a file, changed in one to three places."""
    out = bytearray(content)
    for _ in range(chance.randint(1, 3)):
        at = chance.randrange(len(out) + 1)
        size = min(len(out) - at, int(chance.expovariate(1 / 40)) + 1)
        token = chance.choice(HOSTILE)
        match chance.randrange(15):
            case 0:  # other bytes
                out[at : at + size] = chance.randbytes(size)
            case 1:  # cut short
                del out[at:]
            case 2:
                del out[at : at + size]
            case 3:
                out[at:at] = out[at : at + size] * chance.randint(1, 50)
            case 4:
                out[at:at] = token
            case 5 | 6 | 7 | 8 | 9 | 10 | 11 | 12 | 13:  # another cell
                first = max(out.rfind(sign, 0, at) for sign in b',;\t\n":>')
                ends = [found for sign in b',;\t\n"<' if (found := out.find(sign, at)) >= 0]
                out[first + 1 : min(ends, default=len(out))] = token
            case _:  # another encoding
                text = bytes(out).decode("utf-8", "replace")
                code = chance.choice(
                    ["latin-1", "utf-16", "utf-16-be", "utf-32", "utf-8-sig", "cp850"]
                )
                out = bytearray(text.encode(code, "replace"))
    return bytes(out)


#: What may stand on the right of a key of TOML.
VALUES = (
    *("1", "-3", "[]", "['a']", "{a = 1}", "true", "nan", "1979-05-27", "9" * 5000, "''"),
    *("'{'", "'{}'", "'{nom}{'", "';;'", "'\"'", "'EPSG:1'", "'base64'", "'undefined'", "'utf-16'"),
    *("'id'", "'longitude'", "'+proj=nope'", "'yx'", "'mairie'", "'other_service'", "'\\ud800'"),
)


def mapping_of(text: str, chance: random.Random) -> bytes:
    """A mapping with one to three of its lines changed, mostly to what is TOML still."""
    if chance.random() < 0.3:
        return mutated(text.encode(), chance)
    lines = text.strip().splitlines()
    for _ in range(chance.randint(1, 3)):
        at = chance.randrange(len(lines))
        key = lines[at].partition("=")[0].strip("[] ")
        lines[at] = f"{key} = {chance.choice(VALUES)}" if chance.random() < 0.9 else ""
    return "\n".join(lines).encode()


def in_zip(content: bytes, chance: random.Random) -> bytes:
    """A zip with one of its members changed."""
    packed = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(content)) as old,
        zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as new,
    ):
        chosen = chance.choice(old.namelist())
        for name in old.namelist():
            new.writestr(
                name, mutated(old.read(name), chance) if name == chosen else old.read(name)
            )
    return packed.getvalue()


def in_tar(content: bytes, chance: random.Random) -> bytes:
    """A tar with its members changed."""
    packed = io.BytesIO()
    with (
        tarfile.open(fileobj=io.BytesIO(content)) as old,
        tarfile.open(fileobj=packed, mode="w:bz2") as new,
    ):
        for member in old:
            file = old.extractfile(member)
            inside = mutated(file.read() if file else b"", chance)
            member.size = len(inside)
            new.addfile(member, io.BytesIO(inside))
    return packed.getvalue()


def in_geopackage(content: bytes, chance: random.Random) -> bytes:
    """A GeoPackage with some cells changed, in its layers or in what it says of them."""
    with closing(sqlite3.connect(":memory:")) as base:
        base.deserialize(content)
        for name in ("IsEmpty", "MinX", "MaxX", "MinY", "MaxY"):
            base.create_function(f"ST_{name}", 1, lambda _: 0)
        tables = [
            row[0]
            for row in base.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
            if not row[0].startswith(("sqlite_", "rtree_"))
        ]
        for _ in range(chance.randint(1, 3)):
            table = chance.choice(tables)
            columns = [row[1] for row in base.execute(f'PRAGMA table_info("{table}")')]
            column, token = chance.choice(columns), chance.choice(HOSTILE)
            value = token if chance.random() < 0.5 else token.decode("utf-8", "replace")
            try:
                base.execute(f'UPDATE "{table}" SET "{column}" = ?', (value,))
            except sqlite3.Error:  # a constraint of the format: this change cannot be written
                continue
        base.commit()
        return base.serialize()


def in_bzip2(content: bytes, chance: random.Random) -> bytes:
    """A text or a tar with its content changed."""
    plain = bz2.decompress(content)
    return (
        in_tar(plain, chance)
        if plain[257:262] == b"ustar"
        else bz2.compress(mutated(plain, chance))
    )


#: First bytes of a container -> what changes what is inside.
INSIDE: Sequence[tuple[bytes, Callable[[bytes, random.Random], bytes]]] = (
    (b"PK\x03\x04", in_zip),
    (b"\x1f\x8b", lambda content, chance: gzip.compress(mutated(gzip.decompress(content), chance))),
    (b"BZh", in_bzip2),
    (b"SQLite", in_geopackage),
)


def mutant(content: bytes, chance: random.Random) -> bytes:
    """A file changed as a whole, or inside where it is a container."""
    inside = [change for head, change in INSIDE if content.startswith(head)]
    return (
        inside[0](content, chance) if inside and chance.random() < 0.9 else mutated(content, chance)
    )


# -- files to change

ROWS = (
    ("a1", "mairie", "Mairie d'Auch", "32013", "Auch", "0,586", "43,646", "Lu-Ve 9h-12h", "oui"),
    ("b2", "bureau de poste", "Poste", "31291", "Léguevin", "1,233", "43,600", "mardi 14h-17h", "non"),
    ("c3", "msap", "Relais", "31042", "Luchon", "0,595", "42,789", "sur rendez-vous", "partiel"),
)  # fmt: skip
HEAD = ("id", "type", "nom", "code insee", "commune", "longitude", "latitude", "horaires", "pmr")
MAPPING = """
[columns]
name = "nom"
category = "type"
x = "longitude"
y = "latitude"
commune = "code insee"
hours = "horaires"
address = "{commune} - {nom}"
[types]
"msap" = "msap"
[defaults]
operator = "Commune"
[file]
encoding = "utf-8"
separator = ";"
crs = "EPSG:4326"
axes = "xy"
header_row = 1
"""
ORGANISM = """<?xml version="1.0" encoding="UTF-8"?>
<Organisme id="mairie-32013-01" codeInsee="32013" pivotLocal="mairie"><Nom>Mairie - Auch</Nom>
<Adresse type="physique"><Ligne>1 place</Ligne><CodePostal>32000</CodePostal><NomCommune>Auch</NomCommune>
<Localisation><Latitude>43.646</Latitude><Longitude>0.586</Longitude></Localisation>
<Accessibilité type="ACC"/></Adresse><CoordonnéesNum><Téléphone>05 62 61 66 00</Téléphone></CoordonnéesNum>
<Ouverture><PlageJ début="lundi" fin="jeudi"><PlageH début="09:00:00" fin="12:00:00"/></PlageJ></Ouverture>
</Organisme>"""


def texts() -> dict[str, bytes]:
    """The same list in every form, and the directory of the DILA."""
    rows = [dict(zip(HEAD, row, strict=True)) for row in ROWS]
    csv = "\n".join(";".join(row) for row in (HEAD, *ROWS)).encode()
    features = [
        {"type": "Feature", "properties": row,
         "geometry": {"type": "Point", "coordinates": [0.5 + n, 43.6]}}
        for n, row in enumerate(rows)
    ]  # fmt: skip
    service = {
        "id": "7c1d", "nom": "Mairie - Auch",
        "pivot": [{"type_service_local": "mairie", "code_insee_commune": ["32013"]}],
        "adresse": [{"code_postal": "32000", "nom_commune": "Auch", "longitude": "0.586", "latitude": "43.646"}],
        "plage_ouverture": [{"nom_jour_debut": "Lundi", "nom_jour_fin": "Jeudi",
                             "valeur_heure_debut_1": "09:00:00", "valeur_heure_fin_1": "12:00:00"}],
    }  # fmt: skip
    return {
        "liste.csv": csv,
        "liste.json": json.dumps(rows).encode(),
        "liste.geojson": json.dumps({"type": "FeatureCollection", "features": features}).encode(),
        "annuaire.json": json.dumps({"service": [service, service]}).encode(),
        "organisme.xml": ORGANISM.encode(),
    }


def write_files(folder: Path) -> list[Path]:
    """Write the list by hand in every form and container."""
    own = texts()
    for name, content in own.items():
        (folder / name).write_bytes(content)
    (folder / "liste.csv.gz").write_bytes(gzip.compress(own["liste.csv"]))
    (folder / "liste.csv.bz2").write_bytes(bz2.compress(own["liste.csv"]))
    with zipfile.ZipFile(folder / "liste.zip", "w") as archive:
        archive.writestr("liste.csv", own["liste.csv"])
    book = openpyxl.Workbook()
    for row in (HEAD, *ROWS):
        book.active.append(row)
    book.active.merge_cells("A2:A3")
    book.save(folder / "liste.xlsx")
    frame = gpd.GeoDataFrame(
        [dict(zip(HEAD, row, strict=True)) for row in ROWS],
        geometry=shapely.points([(0.586, 43.646), (1.233, 43.6), (0.595, 42.789)]),
        crs=4326,
    )
    frame.to_file(folder / "liste.gpkg")
    shapes = folder / "formes"
    shapes.mkdir()
    frame.to_file(shapes / "formes.shp", encoding="utf-8")
    with zipfile.ZipFile(folder / "formes.zip", "w") as archive:
        for part in sorted(shapes.iterdir()):
            archive.write(part, part.name)
    with tarfile.open(folder / "annuaire.tar.bz2", "w:bz2") as archive:
        for name in ("annuaire.json", "organisme.xml"):
            archive.add(folder / name, name)
    (folder / "organisme.xml").unlink()
    return sorted(file for file in folder.iterdir() if file.is_file())


def imported(file: Path, workspace: Path, *options: str) -> int:
    """The exit code of an import."""
    return cli.main(
        [
            "referentials",
            "import",
            str(file),
            "--name",
            "x",
            "--workspace",
            str(workspace),
            *options,
        ]
    )


def attempt(
    file: Path, number: int, folder: Path, capsys: pytest.CaptureFixture[str], mapping: str = ""
) -> str:
    """What became of the import of a mutation: ``read``, or ``refused`` in one sentence."""
    folder.mkdir()
    chance = random.Random(f"{file.name} {number}")
    options: list[str] = []
    if mapping:
        (folder / "m.toml").write_bytes(mapping_of(mapping, chance))
        options = ["--mapping", str(folder / "m.toml")]
    copy = folder / file.name
    copy.write_bytes(file.read_bytes() if mapping else mutant(file.read_bytes(), chance))
    code = imported(copy, folder / "workspace", *options)
    said = capsys.readouterr().err.strip()
    versions = list((folder / "workspace").glob("referentials/*/*"))
    if code == 0:
        assert [sorted(each.name for each in version.iterdir()) for version in versions] == [
            ["data.gpkg", "findings.jsonl", "manifest.json"]
        ]
        return "read"
    assert code in {1, 2} and not versions
    assert said.startswith("geoguichet : ") and len(said.splitlines()) == 1, said
    assert "incohérente" not in said
    return "refused"


@pytest.fixture(scope="module")
def lists(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    return write_files(tmp_path_factory.mktemp("lists"))


def test_the_lists_are_read_before_they_are_changed(
    lists: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    codes = {file.name: imported(file, tmp_path / file.name) for file in lists}
    assert set(codes.values()) == {0}, capsys.readouterr().err
    (tmp_path / "m.toml").write_text(MAPPING, encoding="utf-8")
    assert (
        imported(lists[0].with_name("liste.csv"), tmp_path, "--mapping", str(tmp_path / "m.toml"))
        == 0
    )


def test_no_mutation_of_a_list_ends_in_a_traceback(
    lists: list[Path], small_data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    published = [
        file
        for part in ("services", "cog", "population")
        for file in sorted((small_data / part).rglob("*"))
        if file.is_file() and file.stat().st_size < 60_000
    ]
    files = [*lists, *lists, *published]
    ends: Counter[str] = Counter()
    for number in range(RUNS):
        chance = random.Random(number)
        mapped = chance.random() < 0.2
        file = lists[0].with_name("liste.csv") if mapped else chance.choice(files)
        try:
            end = attempt(file, number, tmp_path / str(number), capsys, MAPPING if mapped else "")
        except BaseException as error:
            error.add_note(f"mutation {number} of {file.name}")
            raise
        ends[end] += 1
    assert sum(ends.values()) == RUNS and min(ends["read"], ends["refused"]) > RUNS / 10, ends
