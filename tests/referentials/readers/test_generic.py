"""Whatever a commune sends is understood and told, and no row is lost on the way."""

import csv
import io
import json
import zipfile
from pathlib import Path

import geopandas as gpd
import openpyxl
import pytest
import shapely
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from geoguichet.floor.errors import GeoguichetError, LayerError, UsageError
from geoguichet.floor.findings import count_by_rule
from geoguichet.referentials.directory.placing import detect_axes
from geoguichet.referentials.directory.schema import Reading, check_directory, join_readings
from geoguichet.referentials.readers import text_tables
from geoguichet.referentials.readers.column_names import (
    HEADINGS,
    FileMapping,
    parse_mapping,
    read_mapping,
    type_of_label,
    write_template,
)
from geoguichet.referentials.readers.column_tables import read_chunks

ROWS = [
    ("Mairie d'Auch", "mairie", "32013", 0.5860, 43.6460),
    ("Poste de Léguevin", "bureau de poste", "31291", 1.2330, 43.6003),
    ("MSAP de Luchon", "maison de services au public", "31042", 0.5950, 42.7890),
]
HEADER = ("Nom", "Type", "Code INSEE", "Longitude", "Latitude")


def text(
    rows: list[tuple[object, ...]] = ROWS,
    *,
    separator: str = ",",
    decimal: str = ".",
    header: object = HEADER,
) -> str:  # type: ignore[assignment]
    out = io.StringIO()
    writer = csv.writer(out, delimiter=separator)
    if header:
        writer.writerow(header)
    for row in rows:
        writer.writerow(
            [str(cell).replace(".", decimal) if isinstance(cell, float) else cell for cell in row]
        )
    return out.getvalue()


def read_file(path: Path, *, mapping: FileMapping | None = None) -> Reading:
    return join_readings(read_chunks(path, mapping=mapping))


def written(folder: Path, content: str | bytes, name: str = "liste.csv") -> Path:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def positions(reading: Reading) -> list[tuple[float, float]]:
    return [(round(point.x, 3), round(point.y, 3)) for point in reading.rows.geometry]


EXPECTED = [(0.586, 43.646), (1.233, 43.6), (0.595, 42.789)]


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16"])
@pytest.mark.parametrize("decimal", [".", ","])
def test_text_is_read_whatever_its_dialect(
    separator: str, encoding: str, decimal: str, tmp_path: Path
) -> None:
    content = text(separator=separator, decimal=decimal).encode(encoding)
    reading = read_file(written(tmp_path, content))
    check_directory(reading.rows)
    assert positions(reading) == EXPECTED
    assert reading.rows["name"].tolist() == [row[0] for row in ROWS]
    assert reading.rows["type"].tolist() == ["town_hall", "post_office", "msap"]
    assert any(encoding.removesuffix("-sig") in note for note in reading.notes)


@pytest.mark.parametrize("crs", [2154, 27572, 3943, 3857, 32631, 4326])
@pytest.mark.parametrize("swapped", [False, True])
def test_the_coordinate_system_and_axis_order_are_found(
    crs: int, swapped: bool, tmp_path: Path
) -> None:
    points = gpd.GeoSeries.from_xy(
        [row[3] for row in ROWS], [row[4] for row in ROWS], crs=4326
    ).to_crs(crs)
    rows = [
        (*row[:3], *((y, x) if swapped else (x, y)))
        for row, x, y in zip(ROWS, points.x, points.y, strict=True)
    ]
    reading = read_file(written(tmp_path, text(rows, header=(*HEADER[:3], "X", "Y"))))
    for found, expected in zip(positions(reading), EXPECTED, strict=True):
        assert found == pytest.approx(expected, abs=2e-3)
    assert any(
        ("latitude d'abord" if swapped else "longitude (x) d'abord") in note
        for note in reading.notes
    )


def test_both_coordinates_in_one_cell_are_read(tmp_path: Path) -> None:
    rows = [(row[0], f"{row[4]},{row[3]}") for row in ROWS]
    assert (
        positions(read_file(written(tmp_path, text(rows, header=("nom", "latlong"))))) == EXPECTED
    )
    wkt = [(row[0], f"POINT ({row[3]} {row[4]})") for row in ROWS]
    assert positions(read_file(written(tmp_path, text(wkt, header=("nom", "geom"))))) == EXPECTED


def test_title_lines_blank_lines_and_uneven_lines_are_told(tmp_path: Path) -> None:
    lines = text(separator=";").splitlines()
    content = "\n".join(
        [
            "Liste des services 2024;;;;",
            "",
            *lines,
            "",
            "Court;mairie",
            "Long;mairie;32013;0.6;43.6;;surplus",
        ]
    )
    reading = read_file(written(tmp_path, content))
    assert reading.rows_in == len(reading.rows) == 5
    assert count_by_rule(reading.findings)["ragged-row"] == 2
    assert any("Liste des services 2024" in note for note in reading.notes)


def test_zeros_that_a_spreadsheet_ate_are_put_back(tmp_path: Path) -> None:
    reading = read_file(written(tmp_path, "nom,code postal,code insee\nMairie de Foix,9000,9122\n"))
    assert (reading.rows.loc[0, "postcode"], reading.rows.loc[0, "commune"]) == ("09000", "09122")
    assert reading.rows.loc[0, "departement"] == "09"
    assert count_by_rule(reading.findings)["lost-zero"] == 2


def test_hours_are_read_by_day_or_in_one_cell(tmp_path: Path) -> None:
    days = "nom;lundi;mardi;mercredi;jeudi;vendredi\nA;9h-12h;;;;14h-17h\nB;sur rendez-vous;;;;\n"
    reading = read_file(written(tmp_path, days))
    assert reading.rows["hours"].tolist()[0] == "Mo 09:00-12:00; Fr 14:00-17:00"
    assert count_by_rule(reading.findings)["unreadable-hours"] == 1
    one = read_file(written(tmp_path, "nom,horaires\nA,Mo-Fr 09:00-12:00\nB,le matin\n"))
    assert one.rows["hours_per_week"].tolist()[0] == 15
    assert count_by_rule(one.findings)["unreadable-hours"] == 1


def test_a_workbook_is_read_and_its_other_sheets_told(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    book.active.title = "Guichets"
    for row in [HEADER, *ROWS]:
        book.active.append(row)
    book.create_sheet("Archives").append(["vieux"])
    path = tmp_path / "liste.xlsx"
    book.save(path)
    reading = read_file(path)
    assert positions(reading) == EXPECTED
    assert count_by_rule(reading.findings)["unread-layer"] == 1
    with pytest.raises(LayerError, match="Feuilles présentes : Guichets, Archives"):
        read_file(path, mapping=FileMapping(layer="Absente"))


def test_the_template_is_understood_once_filled_in(tmp_path: Path) -> None:
    path = tmp_path / "modele.xlsx"
    write_template(path)
    with pytest.raises(LayerError, match="existe déjà"):
        write_template(path)
    with pytest.raises(LayerError, match="aucune ligne"):
        read_file(path)
    book = openpyxl.load_workbook(path)
    values = dict.fromkeys((heading for heading, _, _ in HEADINGS), "")
    values |= {
        "Identifiant": "g1",
        "Type": "mairie",
        "Nom": "Mairie d'Auch",
        "Code INSEE": "32013",
        "Lundi": "9h-12h",
    }
    values |= {
        "Longitude": 0.5864,
        "Latitude": 43.6465,
        "Accessible PMR": "oui",
        "Itinérant": "non",
    }
    for column, value in enumerate(values.values(), start=1):
        book["Services"].cell(row=2, column=column, value=value)
    book.save(path)
    reading = read_file(path)
    row = reading.rows.iloc[0]
    assert reading.findings == ()
    assert (row["type"], row["wheelchair"], row["itinerant"], row["hours_per_week"]) == (
        "town_hall",
        "yes",
        False,
        3,
    )


@pytest.mark.parametrize("name", ["liste.gpkg", "liste.geojson", "liste.shp", "liste.fgb"])
@pytest.mark.parametrize("crs", [4326, 2154])
def test_a_layer_is_read_in_its_crs(name: str, crs: int, tmp_path: Path) -> None:
    frame = gpd.GeoDataFrame(
        {"nom": [row[0] for row in ROWS], "type": [row[1] for row in ROWS]},
        geometry=gpd.points_from_xy([row[3] for row in ROWS], [row[4] for row in ROWS]),
        crs=4326,
    ).to_crs(crs)
    path = tmp_path / name
    frame.to_file(path)
    reading = read_file(path)
    assert sorted(positions(reading)) == sorted(EXPECTED)
    assert set(reading.rows["type"]) == {"town_hall", "post_office", "msap"}


def test_a_shapefile_without_projection_or_encoding_is_guessed_and_told(tmp_path: Path) -> None:
    frame = gpd.GeoDataFrame(
        {"nom": ["Mairie de Sévignac"]}, geometry=[shapely.Point(0.5860, 43.6460)], crs=4326
    ).to_crs(2154)
    frame.to_file(tmp_path / "liste.shp", encoding="ISO-8859-1")
    for suffix in (".prj", ".cpg"):
        (tmp_path / f"liste{suffix}").unlink()
    reading = read_file(tmp_path / "liste.shp")
    assert reading.rows.loc[0, "name"] == "Mairie de Sévignac"
    assert positions(reading) == EXPECTED[:1]
    assert count_by_rule(reading.findings)["assumed-crs"] == 1
    archive = tmp_path / "liste.zip"
    with zipfile.ZipFile(archive, "w") as zipped:
        for part in tmp_path.glob("liste.[sd]*"):
            zipped.write(part, part.name)
    assert len(read_file(archive).rows) == 1


def test_surfaces_missing_and_broken_geometries_are_told(tmp_path: Path) -> None:
    bow = {"type": "Polygon", "coordinates": [[[1, 43], [2, 44], [2, 43], [1, 44], [1, 43]]]}
    features = [
        {"type": "Feature", "properties": {"nom": "a"}, "geometry": bow},
        {"type": "Feature", "properties": {"nom": "b"}, "geometry": None},
        {
            "type": "Feature",
            "properties": None,
            "geometry": {"type": "Point", "coordinates": [1.4, 43.6]},
        },
    ]
    path = written(
        tmp_path, json.dumps({"type": "FeatureCollection", "features": features}), "liste.geojson"
    )
    reading = read_file(path)
    assert reading.rows_in == len(reading.rows) == 3
    rules = count_by_rule(reading.findings)
    assert (rules["polygon-as-point"], rules["invalid-geometry"], rules["no-point"]) == (1, 1, 1)


def test_a_wrong_declared_crs_is_told(tmp_path: Path) -> None:
    frame = gpd.GeoDataFrame({"nom": ["a"]}, geometry=[shapely.Point(574_357, 6_279_642)], crs=4326)
    frame.to_file(tmp_path / "liste.gpkg")
    reading = read_file(tmp_path / "liste.gpkg")
    assert positions(reading) == [(1.444, 43.605)]
    assert count_by_rule(reading.findings)["wrong-crs-declared"] == 1


def test_the_mapping_speaks_over_what_is_detected(tmp_path: Path) -> None:
    path = written(tmp_path, "Truc;Machin;a;b\nGuichet;Bidule;0.5864;43.6465\n")
    toml = tmp_path / "m.toml"
    toml.write_text(
        '[columns]\nname = "Truc"\ncategory = "Machin"\nx = "a"\ny = "b"\n'
        '[types]\n"Bidule" = "gendarmerie"\n[defaults]\noperator = "Commune"\n[file]\ncrs = '
        '"EPSG:4326"\naxes = "xy"\n',
        encoding="utf-8",
    )
    row = read_file(path, mapping=read_mapping(toml)).rows.iloc[0]
    assert (row["name"], row["type"], row["operator"]) == ("Guichet", "gendarmerie", "Commune")
    with pytest.raises(LayerError, match="colonne absente : Nom"):
        read_file(path, mapping=FileMapping(columns={"name": "Nom"}))


@pytest.mark.parametrize(
    "document",
    [
        {"colones": {}},
        {"columns": {"nom": "a"}},
        {"types": {"a": "mairie"}},
        {"file": {"codage": "x"}},
        {"defaults": {"type": "x"}},
    ],
)
def test_a_wrong_mapping_is_refused_with_what_is_expected(
    document: dict[str, dict[str, str]],
) -> None:
    with pytest.raises(UsageError, match="attendu : "):
        parse_mapping(document)


def test_labels_lead_to_types() -> None:
    assert type_of_label("Mairies") == "town_hall"
    assert type_of_label("A206") == "post_office"
    assert type_of_label("commissariat_police") == "police_station"
    assert type_of_label("piscine") is None


@pytest.mark.parametrize(
    ("content", "name", "said"),
    [
        (b"", "vide.csv", "vide"),
        (b"\xd0\xcf\x11\xe0 vieux", "vieux.xls", "ancien format"),
        (b"PK\x03\x04 rien", "faux.xlsx", "classeur illisible"),
        (b"SQLite format 3\0 rien", "faux.gpkg", "couche illisible"),
        (b"{rien", "faux.json", "JSON valide"),
        (b'{"a": 1}', "objet.json", "tableau d'objets"),
        (b"\x00\x01\x02\x03", "bruit.bin", "ni du texte"),
        (b"BZh9 rien", "faux.bz2", "abîmé"),
        (b"nom,type\n", "entete.csv", "aucune ligne"),
        (b"pomme,poire\n1,2\n", "fruits.csv", "aucune colonne reconnue"),
    ],
)
def test_what_is_no_list_is_refused_in_one_sentence(
    content: bytes, name: str, said: str, tmp_path: Path
) -> None:
    with pytest.raises(LayerError, match=said):
        read_file(written(tmp_path, content, name))


def test_a_big_file_is_streamed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(text_tables, "CHUNK_ROWS", 1000)
    path = tmp_path / "grand.csv"
    with path.open("w", encoding="utf-8") as file:
        file.write("id,nom,type,longitude,latitude\n")
        file.writelines(f"{number},Guichet {number},mairie,1.44,43.6\n" for number in range(2_500))
    chunks = read_chunks(path)
    assert [len(next(chunks).rows) for _ in range(3)] == [1000, 1000, 500]
    assert next(chunks, None) is None


# ------------------------------------------------------------------------------------------ any
# file at all

QUIET = settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
CELL = st.one_of(
    st.text(max_size=12),
    st.floats(allow_nan=True, allow_infinity=True).map(str),
    st.sampled_from(["mairie", "43,6", "1.44", "32013", "9h-12h", "", "oui"]),
)
NAMES = st.sampled_from(
    [*HEADER, "horaires", "lundi", "cp", "latlong", "geom", "itinérant", "Commune", "date", ""]
)


def read_or_refuse(path: Path) -> Reading | None:
    try:
        reading = read_file(path)
    except GeoguichetError as error:
        assert str(error).startswith(str(path)), error
        return None
    check_directory(reading.rows)
    return reading


@QUIET
@given(
    st.binary(max_size=400),
    st.sampled_from(
        [b"", b"nom;type\n", b"PK\x03\x04", b"{", b"[", b"\xef\xbb\xbf", b"\x1f\x8b", b"BZh"]
    ),
)
def test_no_bytes_crash_the_reader(tmp_path: Path, content: bytes, head: bytes) -> None:
    read_or_refuse(written(tmp_path, head + content, "quelconque"))


@QUIET
@given(
    st.lists(NAMES, min_size=1, max_size=6),
    st.lists(st.lists(CELL, max_size=8), max_size=8),
    st.sampled_from(",;\t"),
)
def test_no_row_of_a_table_is_lost(
    tmp_path: Path, header: list[str], rows: list[list[str]], separator: str
) -> None:
    out = io.StringIO()
    csv.writer(out, delimiter=separator).writerows([header, *rows])
    path = written(tmp_path, out.getvalue().encode("utf-8", errors="replace"), "table.csv")
    reading = read_or_refuse(path)
    if reading is not None and any(
        f"« {'tabulation' if separator == chr(9) else separator} »" in note
        for note in reading.notes
    ):
        again = list(
            csv.reader(io.StringIO(path.read_bytes().decode(), newline=""), delimiter=separator)
        )
        filled = sum(any(cell.strip() for cell in row) for row in again)
        titles = sum(int(note.split()[0]) for note in reading.notes if "de titre avant" in note)
        headed = not any("Pas de ligne de noms" in note for note in reading.notes)
        assert reading.rows_in == len(reading.rows) == filled - titles - headed


@QUIET
@given(
    st.lists(
        st.lists(
            st.one_of(CELL, st.none(), st.booleans(), st.integers(-(10**6), 10**6)),
            min_size=3,
            max_size=3,
        ),
        max_size=6,
    )
)
def test_no_row_of_a_workbook_is_lost(tmp_path: Path, rows: list[list[object]]) -> None:
    book = openpyxl.Workbook()
    book.active.append(["Nom", "Longitude", "Latitude"])
    kept = 0
    for row in rows:
        try:
            book.active.append(row)
        except openpyxl.utils.exceptions.IllegalCharacterError:
            continue
        kept += any(str(cell).strip() for cell in row if cell is not None)
    path = tmp_path / "hasard.xlsx"
    book.save(path)
    reading = read_or_refuse(path)
    if reading is not None:
        assert len(reading.rows) == reading.rows_in


@QUIET
@given(
    st.recursive(
        st.one_of(
            st.none(),
            st.booleans(),
            st.floats(allow_nan=False, allow_infinity=False),
            st.text(max_size=8),
        ),
        lambda inner: (
            st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner, max_size=4)
        ),
        max_leaves=12,
    ),
    st.booleans(),
)
def test_no_json_crashes_the_reader(tmp_path: Path, value: object, collection: bool) -> None:
    features = [value, {"type": "Feature", "properties": {"nom": "a"}, "geometry": value}]
    document = {"type": "FeatureCollection", "features": features} if collection else value
    path = written(tmp_path, json.dumps(document), "hasard.json")
    reading = read_or_refuse(path)
    if reading is not None and collection:
        assert len(reading.rows) == 2


def test_axes_of_nothing_are_degrees_without_certainty() -> None:
    import numpy as np

    axes = detect_axes(np.array([]), np.array([]))
    assert (axes.crs, axes.sure) == ("EPSG:4326", False)
