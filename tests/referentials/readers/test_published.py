"""Every published format is read whole, and each of its known defects is found by a rule: on files
made by hand, and on the real ones where they are present.
"""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from geoguichet.floor.errors import LayerError
from geoguichet.floor.findings import count_by_rule
from geoguichet.referentials.directory.schema import Reading, check_directory
from geoguichet.referentials.readers.figures import grid_of_raster, grid_of_table, type_of_equipment
from geoguichet.referentials.readers.registry import FORMATS, read_published, recognise
from geoguichet.referentials.readers.tables_by_code import check_table

DILA_2020 = "service-public-annuaire-local-2020-11.csv.bz2"

SHARED: dict[str, tuple[str, int, int, dict[str, int]]] = {
    "dila-2020": (
        DILA_2020,
        61507,
        61507,
        {
            "no-point": 174,
            "swapped-axes": 7,
            "lost-decimal-point": 2,
            "impossible-point": 1,
            "outside-france": 45,
        },
    ),
    "dila-2013": (
        "service-public-co-marquage-2013-06.tsv.bz2",
        60208,
        60208,
        {"bare-quotes": 48, "no-point": 2, "outside-france": 93, "damaged-encoding": 14},
    ),
    "laposte-2015": ("laposte-points-de-contact-2015-07.csv.bz2", 17097, 17097, {"no-point": 35}),
    "laposte-2020": ("laposte_poincont2-2020.csv.gz", 17700, 17700, {"no-point": 26}),
    "france-services-2024": (
        "liste-fs-20240801.csv",
        2845,
        2845,
        {"nominal-point": 337, "empty-span": 30, "damaged-encoding": 7},
    ),
    "france-services-2020": (
        "france_services-2020-10.geojson",
        908,
        908,
        # two codes of Corsica have lost a figure, « 2B14 » for Morosaglia (2B169)
        {"lost-zero": 60, "unreadable-hours": 57, "nominal-point": 53, "unknown-word": 1},
    ),
    "msap-2018": (
        "msap-2018-06-27-shp",
        980,
        980,
        {
            "damaged-encoding": 212,
            "lost-zero": 58,
            "wrong-geocoding": 1,
            "outside-france": 1,
            "outside-projection": 4,
        },
    ),
    "pole-emploi-2018": (
        "pole-emploi-reseau-partenarial-2018-shp",
        1184,
        1184,
        {"polygon-as-point": 1},
    ),
    "ecoles-2015": (
        "education-etablissements-2015.csv.bz2",
        67145,
        67145,
        {"no-point": 240, "lost-zero": 4015, "assumed-crs": 6},
    ),
    "enseignement-superieur-2013": (
        "enseignement-superieur-2013.csv.bz2",
        4314,
        4314,
        {"misnamed-axes": 1, "no-point": 15},
    ),
    "conseillers-numeriques-2022": (
        "conseillers-numeriques-2022-06.json",
        1450,
        1450,
        {"damaged-encoding": 499, "lost-zero": 112, "no-point": 12, "null-word": 1},
    ),
    "justice-2023": ("point_justice.js", 1388, 1388, {"duplicate-id": 9}),
    "sae-2023": ("sae-2023/ID_2023r.csv", 3975, 3975, {"no-coordinates": 1}),
    "sae-2023-urgences": (
        "sae-2023/URGENCES_P_2023r.csv",
        4249,
        616,
        {"no-coordinates": 1, "refused-row": 3633},
    ),
    "sae-2023-maternites": (
        "sae-2023/PERINAT_P_2023r.csv",
        4456,
        610,
        {"no-coordinates": 1, "refused-row": 3846},
    ),
    "gares-ter-2015": (
        "gares-ter-2015.csv.bz2",
        5204,
        2601,
        {"foreign-row": 47, "outside-france": 19, "refused-row": 2603},
    ),
    "points-visio-2010": ("points-visio-public-faits.csv", 10, 10, {"no-coordinates": 1}),
}
"""Format: file, rows in, rows out, findings by rule."""
SMALL: dict[str, tuple[int, int, dict[str, int]]] = {
    "dila-2020": (
        13,
        13,
        {
            "no-point": 1,
            "swapped-axes": 1,
            "lost-decimal-point": 1,
            "impossible-point": 1,
            "outside-france": 1,
        },
    ),
    "dila-2013": (
        7,
        7,
        {"bare-quotes": 1, "no-point": 1, "outside-france": 1, "damaged-encoding": 1},
    ),
    "laposte-2015": (6, 6, {"no-point": 1}),
    "laposte-2020": (5, 5, {"no-point": 1}),
    "france-services-2024": (4, 4, {"nominal-point": 2, "empty-span": 1, "damaged-encoding": 2}),
    "france-services-2020": (3, 3, {"lost-zero": 2, "unreadable-hours": 1, "nominal-point": 1}),
    "msap-2018": (
        5,
        5,
        {
            "damaged-encoding": 2,
            "lost-zero": 1,
            "wrong-geocoding": 1,
            "outside-france": 1,
            "outside-projection": 2,
        },
    ),
    "pole-emploi-2018": (2, 2, {"polygon-as-point": 1}),
    "ecoles-2015": (7, 7, {"no-point": 1, "lost-zero": 1, "assumed-crs": 2}),
    "enseignement-superieur-2013": (3, 3, {"misnamed-axes": 1, "no-point": 1}),
    "conseillers-numeriques-2022": (2, 2, {"damaged-encoding": 3, "lost-zero": 1, "no-point": 1}),
    "justice-2023": (5, 5, {"duplicate-id": 1}),
    "sae-2023": (2, 2, {"no-coordinates": 1}),
    "sae-2023-urgences": (3, 2, {"no-coordinates": 1, "refused-row": 1}),
    "sae-2023-maternites": (3, 2, {"no-coordinates": 1, "refused-row": 1}),
    "gares-ter-2015": (3, 2, {"foreign-row": 1, "outside-france": 1, "refused-row": 1}),
    "points-visio-2010": (2, 2, {"no-coordinates": 1}),
}
"""The same of the files made by hand."""
STRAYED = {
    ("small", "dila-2020"): 1,
    ("small", "dila-2013"): 1,
    ("small", "france-services-2024"): 2,
    ("small", "france-services-2020"): 2,
    ("small", "justice-2023"): 1,
    ("shared", "dila-2020"): 320,
    ("shared", "dila-2013"): 1785,
    ("shared", "msap-2018"): 26,
    ("shared", "conseillers-numeriques-2022"): 4,
    ("shared", "justice-2023"): 1,
}
"""The points that are nowhere near the département of their row, mostly of namesakes."""


def strayed(kind: str, key: str) -> dict[str, int]:
    return {"point-against-code": STRAYED[kind, key]} if (kind, key) in STRAYED else {}


CASES = {
    "small": [
        (key, SHARED[key][0], read, kept, {**rules, **strayed("small", key)})
        for key, (read, kept, rules) in SMALL.items()
    ],
    "shared": [
        (key, file, read, kept, {**rules, **strayed("shared", key)})
        for key, (file, read, kept, rules) in SHARED.items()
    ],
}


def test_a_published_file_is_recognised_and_read_whole(
    case: tuple[str, str, int, int, dict[str, int]], data: Any
) -> None:
    key, file, rows_in, rows_out, rules = case
    path = data.folder / "services" / file
    assert recognise(path) == key
    reading = read_published(path, key=key)
    check_directory(reading.rows)
    assert (reading.rows_in, len(reading.rows)) == (rows_in, rows_out)
    assert count_by_rule(reading.findings) == dict(sorted(rules.items()))
    assert all(finding.message and finding.layer for finding in reading.findings)


def test_every_reader_of_a_shared_file_is_tried() -> None:
    services = {key for key, kind in FORMATS.items() if kind.kind == "services"}
    # today's JSON: see test_dila.py; the others: see test_recognised.py and test_families.py
    others = {"dila", "ecoles-2021", "laposte-2025", "mediation-numerique"}
    others |= {"finess", "france-travail"}
    assert services - set(SMALL) == others == services - set(SHARED)


ROW = '"mairie-{code}-{rank}","mairie","Mairie n°{rank}","","","",43.6,1.44,"8","Rue, 31000, Ici"'


def directory(folder: Path) -> tuple[Path, int]:
    """A directory as long as the real one."""
    path = folder / "annuaire.csv"
    columns = "id,category,name,email,phone,wheelchair_access,latitude,longitude"
    with path.open("w", encoding="utf-8") as file:
        file.write(f"{columns},geoloc_precision,address\n")
        for rank in range(61_507):
            file.write(ROW.format(code=f"{31001 + rank % 500}", rank=rank) + "\n")
    return path, 61_507


@pytest.mark.skipif(
    not Path("/proc/self/status").exists(), reason="the peak of a process is told by Linux's /proc"
)
def test_the_directory_is_read_in_500_megabytes(data: Any, tmp_path: Path) -> None:
    """In a process of its own; getrusage would count what the tests held when they started it."""
    code = (
        "import re, sys; from pathlib import Path\n"
        "from geoguichet.referentials.readers.registry import read_published\n"
        "rows = read_published(Path(sys.argv[1]), key='dila-2020').rows\n"
        "print(len(rows), re.search(r'VmHWM:\\s+(\\d+) kB', "
        "Path('/proc/self/status').read_text())[1])"
    )
    shared = (data.folder / "services" / DILA_2020, 61_507)
    path, expected = shared if data.edition == "shared" else directory(tmp_path)
    said = subprocess.run(
        [sys.executable, "-c", code, path], capture_output=True, text=True, check=True
    ).stdout
    rows, peak_kb = map(int, said.split())
    assert rows == expected
    assert peak_kb < 500_000


def test_what_the_source_says_reaches_the_schema(
    data: Any, published: Callable[[str, str], Reading]
) -> None:
    rows = published("france-services-2024", "liste-fs-20240801.csv").rows
    moving, with_stops = {"small": (2, 2), "shared": (337, 101)}[data.edition]
    bus = (
        rows.set_index("id").loc["fs-459"]
        if "fs-459" in set(rows["id"])
        else rows[rows["itinerant"]].iloc[0]
    )
    assert bus["type"] == "france_services"
    assert rows["itinerant"].sum() == moving
    first = rows.iloc[0]
    assert (
        first["hours"]
        == "Mo 13:30-17:00; Tu-Th 09:00-12:00,13:30-17:00; Fr 09:00-12:00,13:30-16:00"
    )
    assert first["week_minutes"].startswith("810-1020 1980-2160")
    assert first["hours_per_week"] == 28.5
    assert first["hours_raw"].startswith("lundi 13:30 - 17:00; mardi")
    assert (first["valid_from"], first["commune"], first["departement"]) == (
        "2020-01-01",
        "01033",
        "01",
    )
    assert rows["stops"].notna().sum() >= with_stops


def test_departements_get_back_their_zero(published: Callable[[str, str], Reading]) -> None:
    rows = published("france-services-2020", "france_services-2020-10.geojson").rows
    assert rows["departement"].str.len().min() == 2
    assert set(rows["departement"]) >= {"01", "09"}


def test_double_encoded_names_are_read_in_clear(published: Callable[[str, str], Reading]) -> None:
    reading = published("msap-2018", "msap-2018-06-27-shp")
    assert "Nérac" in set(reading.rows["commune_name"])
    lossy = [finding for finding in reading.findings if "perdus" in str(finding.remedy)]
    assert lossy  # « Å?ur »: letters that no decoding can bring back


def test_the_literal_codes_are_counted_one_by_one(data: Any) -> None:
    path = data.folder / "services" / "conseillers-numeriques-2022-06.json"
    codes = {"small": 2, "shared": 380}[data.edition]
    assert path.read_text(encoding="utf-8").count("<e9>") == codes


def test_the_latin_1_columns_are_read(data: Any, published: Callable[[str, str], Reading]) -> None:
    rows = published("laposte-2015", SHARED["laposte-2015"][0]).rows
    types, access = {
        "small": (
            {"post_office": 3, "post_agency": 2, "post_relay": 1},
            {"no": 5, "yes": 1},
        ),
        "shared": (
            {"post_office": 9511, "post_agency": 5365, "post_relay": 2221},
            {"no": 11306, "yes": 5791},
        ),
    }[data.edition]
    assert rows["type"].value_counts().to_dict() == types
    assert rows["wheelchair"].value_counts().to_dict() == access


def test_lambert_and_overseas_columns_become_degrees(
    published: Callable[[str, str], Reading],
) -> None:
    rows = published("ecoles-2015", SHARED["ecoles-2015"][0]).rows
    overseas = rows[rows["id"].str.startswith("uai-974")]
    assert overseas.geometry.dropna().x.between(55.1, 55.9).all()
    assert rows[rows["departement"] == "31"].geometry.dropna().y.between(42, 44.5).mean() > 0.999


EQUIPMENT: dict[str, list[tuple[str, int, str, int]]] = {
    "small": [
        ("bpe18_enseignement.csv.gz", 4, "college", 3),
        ("bpe-medecins-par-commune.csv", 3, "general_practitioner", 39),
        ("bpe-maternites-par-commune.csv", 2, "maternity", 5),
        ("bpe2013.xlsx", 3, "post_office", 6),
    ],
    "shared": [
        ("bpe18_enseignement.csv.gz", 68294, "college", 7222),
        ("bpe-medecins-par-commune.csv", 9529, "general_practitioner", 58034),
        ("bpe-maternites-par-commune.csv", 421, "maternity", 516),
        ("bpe2013.xlsx", 35190, "post_office", 9819),
    ],
}
"""File, rows in, kind of equipment, how many of it."""


@pytest.mark.parametrize("rank", range(4))
def test_equipment_is_counted_by_commune(rank: int, data: Any, equipment_2013: Reading) -> None:
    file, rows_in, kind, count = EQUIPMENT[data.edition][rank]
    path = data.folder / "services" / file
    key = recognise(path)
    assert key is not None
    reading = equipment_2013 if file == "bpe2013.xlsx" else read_published(path, key=key)
    check_table(reading.rows, "equipment")
    assert reading.rows_in == rows_in == len(reading.rows) + reading.gathered
    assert reading.findings == ()
    ours = [name for name in reading.rows.columns if type_of_equipment(name) == kind]
    assert reading.rows[ours].sum().sum() == count


def test_what_counts_no_equipment_is_refused_or_told(tmp_path: Path) -> None:
    path = tmp_path / "equipements.csv"
    path.write_text("DEPCOM;TYPEQU;NB_EQUIP\n09122;A206;deux\n;A206;1\n09122;A203;1\n", "utf-8")
    assert recognise(path) == "bpe"
    reading = read_published(path, key="bpe")
    assert (reading.rows_in, len(reading.rows), reading.gathered) == (3, 1, 0)
    assert count_by_rule(reading.findings) == {"refused-row": 2, "unreadable-number": 1}
    assert reading.rows.loc[0, ["code", "A203", "equipment_total"]].tolist() == ["09122", 1, 1]
    path.write_text("DEPCOM;nom\n09122;Foix\n", encoding="utf-8")
    with pytest.raises(LayerError, match="aucun compte d'équipements"):
        read_published(path, key="bpe")


def test_the_grid_is_read_as_a_table_and_as_a_raster(data: Any) -> None:
    folder = data.folder / "population"
    table = grid_of_table(folder / "filosofi2015-1km-lot.csv")
    raster = grid_of_raster(folder / "filosofi2015-1km-lot50km.tif")
    cells, people, all_cells, everyone = {
        "small": (2, 47.5, 3, 54),
        "shared": (4595, 175098, 33603, 1809692),
    }[data.edition]
    assert (len(table.cells), table.rows_in, table.cells["inhabitants"].sum()) == (
        cells,
        cells,
        people,
    )
    found = (len(raster.cells), round(raster.cells["inhabitants"].sum()))
    assert found == (all_cells, everyone)
    both = table.cells.merge(raster.cells.drop(columns="geometry"), on="id")
    assert len(both) == cells  # the same cells have the same names
    assert (both["inhabitants_x"] - both["inhabitants_y"]).abs().max() < 0.01


@pytest.mark.parametrize("key", FORMATS)
def test_another_file_is_refused_in_one_sentence(key: str, tmp_path: Path) -> None:
    path = tmp_path / "letter.csv"
    path.write_text("Monsieur le Préfet,\nveuillez agréer\n", encoding="utf-8")
    with pytest.raises(LayerError, match="letter"):
        read_published(path, key=key)
    assert recognise(path) is None
