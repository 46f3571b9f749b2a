"""A published file is recognised by how much of its format it holds, whatever the way it is written;
and what is not recognised can be said.
"""

import bz2
import gzip
import json
from pathlib import Path

import geopandas as gpd
import openpyxl
import pytest
import shapely

from geoguichet.floor.errors import LayerError, UsageError
from geoguichet.floor.findings import count_by_rule
from geoguichet.referentials.directory.schema import Reading, join_readings
from geoguichet.referentials.readers.registry import GENERIC, choose_reader, recognise

SCHOOLS = [
    ["numero_uai", "nature_uai", "lib_nature", "appellation_officielle_uai", "X", "Y"],
    ["0310001A", "151", "ECOLE", "Ecole A", "573900", "6279600"],
    ["9740001B", "340", "COLLEGE", "Collège B", "338600", "7691000"],
]


def read(path: Path) -> Reading:
    return join_readings(choose_reader(path).read())


def in_text(path: Path, separator: str, encoding: str) -> Path:
    path.write_bytes("\n".join(separator.join(row) for row in SCHOOLS).encode(encoding))
    return path


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
@pytest.mark.parametrize("encoding", ["utf-8", "latin-1", "utf-8-sig"])
def test_schools_are_read_whatever_their_text(
    separator: str, encoding: str, tmp_path: Path
) -> None:
    path = in_text(tmp_path / "ecoles.csv", separator, encoding)
    assert recognise(path) == "ecoles-2015"
    reading = read(path)
    assert reading.rows["type"].tolist() == ["primary_school", "college"]
    assert reading.rows["name"].tolist() == ["Ecole A", "Collège B"]
    assert reading.rows.geometry.x.round(1).tolist() == [1.4, 55.4]
    assert any("Colonnes absentes" in note for note in reading.notes)


@pytest.mark.parametrize("container", ["xlsx", "gz", "bz2", "capitals"])
def test_schools_are_read_in_any_container(container: str, tmp_path: Path) -> None:
    path = in_text(tmp_path / "ecoles.csv", ";", "utf-8")
    content = path.read_bytes()
    if container == "xlsx":
        book = openpyxl.Workbook()
        for row in SCHOOLS:
            book.active.append(row)
        path = tmp_path / "ecoles.xlsx"
        book.save(path)
    elif container == "capitals":
        path.write_bytes(
            content.replace(b"numero_uai", b"NUMERO UAI").replace(b"nature", b"Nature")
        )
    else:
        pack = gzip.compress if container == "gz" else bz2.compress
        path.write_bytes(pack(content))
    assert read(path).rows["type"].tolist() == ["primary_school", "college"]


@pytest.mark.parametrize(
    "names",
    [
        ["id", "nom", "pivot", "adresse", "latitude", "longitude"],
        ["identifiant", "nom", "localite", "adresse", "latitude", "longitude"],
        ["id", "lib", "perimetre", "adresse", "latitude", "longitude"],
    ],
)
def test_common_names_are_of_no_publisher(names: list[str], tmp_path: Path) -> None:
    row = dict(zip(names, ["1", "A", "x", "1 place", 43.6, 1.44], strict=True))
    path = tmp_path / "liste.json"
    path.write_text(json.dumps([row]), "utf-8")
    reader = choose_reader(path)
    assert reader.key == GENERIC
    assert join_readings(reader.read()).rows.geometry.notna().all()


def test_a_reader_that_finds_nothing_gives_way(tmp_path: Path) -> None:
    path = tmp_path / "liste.json"
    service = {
        "id": "1",
        "nom": "Mairie",
        "adresse": "1 place",
        "latitude": 43.6,
        "longitude": 1.44,
    }
    # the names and a value of DILA's directory, and none of its content
    path.write_text(
        json.dumps([{**service, "type": "mairie", "pivot": "type_service_local"}]), "utf-8"
    )
    assert recognise(path) == "dila"
    reader = choose_reader(path)
    assert reader.key == GENERIC
    (row,) = join_readings(reader.read()).rows.itertuples()
    assert (row.type, round(row.geometry.x, 2)) == ("town_hall", 1.44)


def test_a_file_of_another_kind_is_still_refused(tmp_path: Path) -> None:
    path = tmp_path / "autre.csv"
    path.write_text("numero_uai;nature_uai\n0310001A;151\n", "utf-8")
    with pytest.raises(LayerError, match="X"):
        join_readings(choose_reader(path, key="ecoles-2015").read())


def districts(folder: Path) -> Path:
    shapes = [shapely.box(1.4, 43.5, 1.5, 43.6), shapely.box(1.5, 43.5, 1.6, 43.6)]
    frame = gpd.GeoDataFrame(
        {"Quart_No": ["A", "B"], "libquart": ["Centre", "Nord"]}, geometry=shapes, crs=4326
    )
    frame.to_file(folder / "quartiers.gpkg")
    return folder / "quartiers.gpkg"


@pytest.mark.parametrize("level", ["", "iris"])
def test_the_code_of_a_territory_can_be_chosen(level: str, tmp_path: Path) -> None:
    mapping = tmp_path / "m.toml"
    said = f'[defaults]\nlevel = "{level}"\n' if level else ""
    mapping.write_text(f'[columns]\ncode = "Quart_No"\nname = "libquart"\n{said}', "utf-8")
    reader = choose_reader(districts(tmp_path), kind="territories", mapping=mapping)
    reading = join_readings(reader.read())
    assert reading.rows[["code", "name"]].to_numpy().tolist() == [["A", "Centre"], ["B", "Nord"]]
    assert set(reading.rows["level"]) == {level or "zoning"}
    assert ("assumed-level" in count_by_rule(reading.findings)) is not bool(level)


def test_what_cannot_be_chosen_is_said(tmp_path: Path) -> None:
    mapping = tmp_path / "m.toml"
    mapping.write_text('[columns]\ncode = "absente"\n', "utf-8")
    layer = districts(tmp_path)
    with pytest.raises(LayerError, match="absente"):
        join_readings(choose_reader(layer, kind="territories", mapping=mapping).read())
    with pytest.raises(LayerError, match="code, dans"):
        join_readings(choose_reader(layer, kind="territories").read())
    with pytest.raises(UsageError, match="broadband"):
        choose_reader(layer, kind="broadband", mapping=mapping)


@pytest.mark.parametrize("name", ["COMINSEE", "Code_Insee_Commune", "CODINSEE", "LA_COMMUNE"])
def test_figures_are_read_under_another_name_of_code(name: str, tmp_path: Path) -> None:
    path, mapping = tmp_path / "table.csv", tmp_path / "m.toml"
    path.write_text(f"{name};Gendarmerie\n9122;1\n2a004;2\n", "utf-8")
    mapping.write_text(f'[columns]\ncode = "{name}"\n', "utf-8")
    chosen = mapping if name == "LA_COMMUNE" else None
    rows = join_readings(choose_reader(path, kind="populations", mapping=chosen).read()).rows
    assert rows[["code", "departement", "Gendarmerie"]].to_numpy().tolist() == [
        ["09122", "09", 1.0],
        ["2A004", "2A", 2.0],
    ]


def test_names_with_their_dbase_types_are_read(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_text(
        "IDENT,N,9,0;LIBELLE,C,254;TYPEQU,C,4;LON,N,19,11;LAT,N,19,11\n1;Poste;A206;1.6;43\n",
        "utf-8",
    )
    (row,) = read(path).rows.itertuples()
    assert (row.id, row.name, row.type, row.geometry.x) == ("1", "Poste", "post_office", 1.6)


PLACE = {
    "id": "A1", "pivot": "00000000000000", "nom": "Lieu", "commune": "Foix", "code_postal": 9000, "code_insee": "09122",
    "adresse": "1 place", "latitude": 42.9661, "longitude": 1.6051, "typologie": "RFS", "horaires": "Tu-Fr 09:00-12:00",
    "itinerance": "Itinérant", "date_maj": "2024-05-02", "courriels": "a@exemple.fr",
}  # fmt: skip


@pytest.mark.parametrize("form", ["json", "lists", "csv"])
def test_places_of_digital_mediation_are_read(form: str, tmp_path: Path) -> None:
    path = tmp_path / "lieux"
    lists = {"typologie": ["RFS"], "itinerance": ["Itinérant"]} if form == "lists" else {}
    several = {**PLACE, "id": "A2", "typologie": "RFS|TIERS_LIEUX", "itinerance": ""}
    if form == "csv":
        rows = [",".join(map(str, row.values())) for row in (PLACE, several)]
        path.write_text("\n".join([",".join(PLACE), *rows]), "utf-8")
    else:
        path.write_text(json.dumps([{**PLACE, **lists}, several]), "utf-8")
    assert recognise(path) == "mediation-numerique"
    reading = read(path)
    first, second = reading.rows.itertuples()
    assert (first.type, first.commune, first.postcode, first.departement) == (
        "france_services",
        "09122",
        "09000",
        "09",
    )
    assert (first.hours_per_week, first.itinerant, second.itinerant) == (12, True, False)
    assert second.type == "other_service"
    assert count_by_rule(reading.findings)["unknown-type"] == 1


def test_a_word_of_itinerance_that_is_not_known_is_told(tmp_path: Path) -> None:
    path = tmp_path / "lieux"
    words = ["Itinérant", "Fixe", "parfois"]
    places = [{**PLACE, "id": f"A{n}", "itinerance": word} for n, word in enumerate(words)]
    path.write_text(json.dumps(places), "utf-8")
    reading = read(path)
    assert reading.rows["itinerant"].tolist() == [True, False, False]
    (told,) = (finding for finding in reading.findings if finding.rule == "unknown-word")
    assert "« parfois » (1)" in str(told.message) and told.column == "itinerance"


def test_schools_since_2016_are_read(tmp_path: Path) -> None:
    path = tmp_path / "adresses.csv"
    path.write_text(
        "numero_uai;appellation_officielle;secteur_public_prive_libe;adresse_uai;lieu_dit_uai;code_postal_uai;"
        "localite_acheminement_uai;libelle_commune;coordonnee_x;coordonnee_y;epsg;latitude;longitude;localisation;"
        "nature_uai;nature_uai_libe;code_commune;date_ouverture\n"
        "0380004Y;Collège A;Public;19 avenue;;38630;AVENIERES;Les Avenières;900580.1;6507116.4;EPSG:2154;45.634;5.575;"
        "Numéro de rue;340;COLLEGE;38022;1975-09-01\n",
        "utf-8",
    )
    assert recognise(path) == "ecoles-2021"
    (row,) = read(path).rows.itertuples()
    assert (row.type, row.operator, row.commune, row.point_precision) == (
        "college",
        "public",
        "38022",
        "address",
    )
    assert (round(row.geometry.x, 3), row.valid_from) == (5.575, "1975-09-01")


@pytest.mark.parametrize("separator", [",", ";"])
def test_contact_points_of_the_post_are_read(separator: str, tmp_path: Path) -> None:
    path = tmp_path / "poste.csv"
    head = "identifiant_a,libelle_du_site,caracteristique_du_site,adresse,code_postal,localite,"
    head += "code_insee,latitude,longitude"
    rows = ["100A,FOIX BP,Bureau de Poste,1 RUE A,9000,FOIX,09122,42.9661,1.6051",
            "101A,FOIX RP,Relais poste commerçant,1 RUE A,9000,FOIX,09122,42.9661,1.6051"]  # fmt: skip
    path.write_text("\n".join([head, *rows]).replace(",", separator), "utf-8")
    assert recognise(path) == "laposte-2025"
    found = read(path).rows
    assert found["type"].tolist() == ["post_office", "post_relay"]
    assert set(found["postcode"]) == {"09000"}
