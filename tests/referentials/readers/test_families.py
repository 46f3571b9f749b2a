"""Other vintages of the published families: FINESS, France Travail, INSEE's BPE of each year; and who is
told to have published a file.
"""

import json
from pathlib import Path

import pytest
from pyproj import Transformer

from geoguichet.referentials.directory.schema import Reading, join_readings
from geoguichet.referentials.readers.registry import choose_reader, recognise
from geoguichet.referentials.sources.fetch import source_of


def read(path: Path) -> Reading:
    return join_readings(choose_reader(path).read())


FINESS = (
    "nofinesset;nofinessej;rs;rslongue;complrs;numvoie;typvoie;voie;compvoie;lieuditbp;commune;"
    "departement;libdepartement;ligneacheminement;telephone;categetab;libcategetab;siret;dateouv;"
    "coordxet;coordyet;sourcecoordet"
)
PLACES = [
    ("310781406", "555", "31", "31059 TOULOUSE CEDEX 9", "355", (1.40, 43.61), 2154, "L93_METROPOLE", "31555"),
    ("970400024", "411", "9D", "97400 ST DENIS", "101", (55.45, -20.9), 2975, "UTM_S40_REUNION", "97411"),
    ("970100228", "120", "9A", "97110 POINTE A PITRE", "620", (-61.53, 16.24), 5490, "UTM_N20_GUADELOUPE", "97120"),
    ("2A0000014", "004", "2A", "20000 AJACCIO", "197", (8.73, 41.92), 2154, "L93_METROPOLE", "2A004"),
]  # fmt: skip


@pytest.mark.parametrize("separator", [";", ","])
def test_establishments_of_finess_are_placed_in_the_projection_they_say(
    separator: str, tmp_path: Path
) -> None:
    lines = [FINESS]
    for number, commune, departement, last, category, place, system, said, _code in PLACES:
        x, y = Transformer.from_crs(4326, system, always_xy=True).transform(*place)
        lines.append(
            f"{number};1;CH;CENTRE HOSPITALIER;;1;RUE;DU BAC;;;{commune.zfill(3)};{departement};D;{last};0561;"
            f"{category};Libellé;1;1979-02-13;{x:.1f};{y:.1f};1 ATLASANTE 96 BAN {said}"
        )
    path = tmp_path / "etablissements.csv"
    path.write_text("\n".join(lines).replace(";", separator), encoding="utf-8")
    assert recognise(path) == "finess"
    rows = read(path).rows
    assert rows["commune"].tolist() == [code for *_, code in PLACES]
    assert rows["type"].tolist() == ["hospital", "hospital", "pharmacy", "other_service"]
    assert rows["postcode"].tolist() == ["31059", "97400", "97110", "20000"]
    for point, (*_, place, _system, _said, _code) in zip(rows.geometry, PLACES, strict=True):
        assert (point.x, point.y) == pytest.approx(place, abs=1e-4)
    assert rows["valid_from"].tolist() == ["1979-02-13"] * 4


@pytest.mark.parametrize(
    ("written", "right"),
    [("9D407", "97407"), ("9A120", "97120"), ("9F611", "97611"), ("2A004", "2A004")],
)
def test_codes_with_the_letters_of_finess_overseas_are_those_of_insee(
    written: str, right: str, tmp_path: Path
) -> None:
    path = tmp_path / "ID_2023r.csv"
    head = "an;fi;rs;cat;rscom;NUMVOI;TYPVOI;NOMVOI;BP;CPO;COMINSEE;NOMCOM"
    path.write_text(f"{head}\n2023;1;CH;355;CH;1;R;B;;97400;{written};X\n", encoding="utf-8")
    assert recognise(path) == "sae-2023"
    rows = read(path).rows
    assert rows[["commune", "departement"]].iloc[0].tolist() == [
        right, right[:3] if right.startswith("97") else right[:2]
    ]  # fmt: skip


AGENCY = {
    "code": "MPY0001", "codeSafir": "31001", "libelle": "TOULOUSE", "libelleEtendu": "Agence Toulouse",
    "type": "APE", "typeAccueil": "3", "codeRegionINSEE": "76", "dispositifADEDA": True,
    "contact": {"telephonePublic": "3949", "email": "a@exemple.fr"}, "siret": "13000548100010",
    "adressePrincipale": {"ligne4": "1 RUE DU BAC", "ligne5": "", "ligne6": "31000 TOULOUSE",
                          "gpsLon": 1.44, "gpsLat": 43.6, "communeImplantation": "31555",
                          "bureauDistributeur": "31000"},
}  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "ours"),
    [("APE", "employment_agency"), ("APES", "employment_agency"), ("RPE", "employment_partner"),
     ("XYZ", "other_service")],
)  # fmt: skip
def test_agencies_of_france_travail_are_read_with_what_their_objects_say(
    kind: str, ours: str, tmp_path: Path
) -> None:
    path = tmp_path / "agences.json"
    path.write_text(json.dumps([{**AGENCY, "type": kind}]), encoding="utf-8")
    assert recognise(path) == "france-travail"
    row = read(path).rows.iloc[0]
    assert (row["type"], row["commune"], row["telephone"]) == (ours, "31555", "3949")
    assert (row.geometry.x, row.geometry.y, row["address"]) == (1.44, 43.6, "1 RUE DU BAC")


BPE = {
    "bpe": "DEPCOM;DCIRIS;AN;TYPEQU;NB_EQUIP\n09122;09122;2018;A206;2\n09122;09122;2018;D201;5\n"
    "09225;09225;2018;A203;1\n",
    "bpe-2023": "GEO;GEO_OBJECT;FACILITY_DOM;FACILITY_SDOM;FACILITY_TYPE;BPE_MEASURE;TIME_PERIOD;OBS_VALUE\n"
    "09122;COM;A;A2;A206;FACILITIES;2023;2\n09122;COM;D;D2;D201;FACILITIES;2023;5\n"
    "09225;COM;A;A2;A203;FACILITIES;2023;1\n09;DEP;A;A2;A206;FACILITIES;2023;70\n",
    "bpe-communes": "CODGEO,NB_A206,NB_D201,NB_A203\n09122,2,5,\n09225,,,1\n",
}


@pytest.mark.parametrize("key", BPE)
def test_the_bpe_of_each_form_gives_the_same_counts_and_tells_its_codes(
    key: str, tmp_path: Path
) -> None:
    path = tmp_path / "bpe.csv"
    path.write_text(BPE[key], encoding="utf-8")
    assert recognise(path) == key
    reading = read(path)
    rows = reading.rows.set_index("code")
    assert rows.loc["09122", ["A206", "D201"]].tolist() == [2, 5] and rows.loc["09225", "A203"] == 1
    assert "D'aucun de nos types (1) : A203 (1)." in reading.notes
    assert "Codes qui ont changé depuis (1) : D201 → D265 (5)." in reading.notes


#: A code of the BPE, the year and the list that give it, its label there; the code that its equipment
#: has later, with the year ("" where the code stayed).
RELATION, MODALITES = "J. Gravier, relation services publics - BPE, 2020", "INSEE, modalités"
CODES = [
    ("A110", 2013, RELATION, "agence de proximité pôle emploi", "A122", 2018),
    ("A111", 2013, RELATION, "relais de proximité pôle emploi", "A122", 2018),
    ("A112", 2013, RELATION, "permanence pôle emploi", "A122", 2018),
    ("A201", 2009, RELATION, "bureau de poste", "A206", 2013),
    ("C104", 2018, MODALITES, "école élémentaire", "C109", 2024),
    ("D201", 2017, MODALITES, "médecin omnipraticien", "D265", 2024),
    ("A203", 2018, MODALITES, "banque, caisse d'épargne", "", 2024),
    ("D205", 2013, MODALITES, "spécialiste en gynécologie", "", 2013),
    ("A206", 2018, RELATION, "bureau de poste", "", 2024),
]


@pytest.mark.parametrize(("code", "year", "source", "label", "later", "since"), CODES)
def test_an_import_tells_which_codes_are_of_no_type_and_which_have_changed(
    code: str, year: int, source: str, label: str, later: str, since: int, tmp_path: Path
) -> None:
    assert year <= since and source and label
    path = tmp_path / "bpe.csv"
    path.write_text(
        f"DEPCOM;DCIRIS;AN;TYPEQU;NB_EQUIP\n09122;09122;{year};{code};3\n", encoding="utf-8"
    )
    told = [note for note in read(path).notes if code in note]
    changed, unmapped = (
        [note for note in told if note.startswith(begin)]
        for begin in ("Codes qui ont changé", "D'aucun de nos types")
    )
    assert changed == (
        [f"Codes qui ont changé depuis (1) : {code} → {later} (3)."] if later else []
    )
    foreign = code in {"A203", "D205"}
    assert unmapped == ([f"D'aucun de nos types (1) : {code} (3)."] if foreign else [])


def test_a_list_of_post_offices_under_the_head_of_2012_is_read_like_that_of_2015(
    tmp_path: Path,
) -> None:
    path = tmp_path / "points.csv"
    path.write_text(
        "IDENTIFIANT;LIBELLE DU SITE;CARACTERISTIQUE DU SITE;ADRESSE;CODE POSTAL;LOCALITE;LATITUDE;"
        "LONGITUDE\n00001A;FOIX;Bureau de poste;1 RUE A;09000;FOIX;42.9661;1.6051\n"
        "00002A;PAMIERS;Agence postale commnunale;2 RUE B;09100;PAMIERS;43.1161;1.6112\n"
        "00003A;MEZERES;Relais commerçant;3 RUE C;09200;ST GIRONS;;\n",
        encoding="latin-1",
    )
    assert recognise(path) is None
    rows = read(path).rows
    assert rows["type"].tolist() == ["post_office", "post_agency", "post_relay"]
    assert rows.geometry.notna().tolist() == [True, True, False]
    assert rows["hours"].isna().all() and rows["id"].tolist() == ["00001A", "00002A", "00003A"]
    assert source_of(choose_reader(path).key) is None


@pytest.mark.parametrize("reader", ["generic", "populations", "limites", ""])
def test_a_reader_of_anybody_s_files_says_nothing_of_their_publisher(reader: str) -> None:
    assert source_of(reader) is None


@pytest.mark.parametrize(
    ("reader", "name", "publisher"),
    [("generic", "ecoles", "Ministère de l'Éducation nationale"), ("dila-2013", "", "DILA"),
     ("laposte-2015", "", "La Poste")],
)  # fmt: skip
def test_what_was_fetched_or_recognised_has_its_publisher(
    reader: str, name: str, publisher: str
) -> None:
    source = source_of(reader, name)
    assert source is not None and source.publisher == publisher
