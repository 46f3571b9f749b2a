"""Today's directory: an object of services whose lists are JSON, or JSON inside text in the flat
exports.
"""

import io
import json
import tarfile
from pathlib import Path

import pytest

from geoguichet.floor.errors import LayerError
from geoguichet.referentials.directory.hours import osm_week
from geoguichet.referentials.readers import dila, text_tables
from geoguichet.referentials.readers.registry import read_published, recognise

WEEK = [
    {
        "nom_jour_debut": "Lundi",
        "nom_jour_fin": "Jeudi",
        "valeur_heure_debut_1": "09:00:00",
        "valeur_heure_fin_1": "12:00:00",
        "valeur_heure_debut_2": "14:00:00",
        "valeur_heure_fin_2": "17:00:00",
    },
    {
        "nom_jour_debut": "Vendredi",
        "nom_jour_fin": "",
        "valeur_heure_debut_1": "09:00",
        "valeur_heure_fin_1": "12:00",
    },
]
SERVICE = {
    "id": "7c1d",
    "nom": "Mairie - Auch",
    "pivot": [{"type_service_local": "mairie", "code_insee_commune": ["32013"]}],
    "adresse": [
        {
            "numero_voie": "1 place de la Libération",
            "code_postal": "32000",
            "nom_commune": "Auch",
            "longitude": "0.586",
            "latitude": "43.646",
            "accessibilite": "ACC",
        }
    ],
    "telephone": [{"valeur": "05 62 61 66 00"}],
    "adresse_courriel": ["contact@mairie-auch.fr"],
    "site_internet": [{"valeur": "https://www.mairie-auch.fr"}],
    "plage_ouverture": WEEK,
}


@pytest.mark.parametrize("flat", [False, True])
def test_a_service_is_read_in_both_forms(flat: bool, tmp_path: Path) -> None:
    service = {
        name: json.dumps(value, ensure_ascii=False) if flat and isinstance(value, list) else value
        for name, value in SERVICE.items()
    }
    path = tmp_path / "annuaire.json"
    path.write_text(
        json.dumps([service] if flat else {"service": [service]}, ensure_ascii=False),
        encoding="utf-8",
    )
    assert recognise(path) == "dila"
    reading = read_published(path, key="dila")
    row = reading.rows.iloc[0]
    assert reading.findings == ()
    assert (row["type"], row["commune"], row["departement"], row["wheelchair"]) == (
        "town_hall",
        "32013",
        "32",
        "yes",
    )
    assert row["hours"] == "Mo-Th 09:00-12:00,14:00-17:00; Fr 09:00-12:00"
    assert row["hours_per_week"] == 27
    assert (row["telephone"], row["site"]) == ("05 62 61 66 00", "https://www.mairie-auch.fr")
    assert row["email"] == "contact@mairie-auch.fr"
    assert (row.geometry.x, row.geometry.y) == (0.586, 43.646)


def test_hours_that_cannot_be_read_are_unknown_and_told(tmp_path: Path) -> None:
    odd = {
        **SERVICE,
        "plage_ouverture": [{"nom_jour_debut": "Lundi", "valeur_heure_debut_1": "midi"}],
    }
    path = tmp_path / "annuaire.json"
    path.write_text(
        json.dumps([odd, {**SERVICE, "id": "8", "plage_ouverture": []}]), encoding="utf-8"
    )
    reading = read_published(path, key="dila")
    assert [finding.rule for finding in reading.findings] == ["unreadable-hours"]
    assert reading.rows["hours_per_week"].isna().all()
    assert "midi" in reading.rows.loc[0, "hours_raw"]


def test_words_of_access_that_are_not_known_are_told(tmp_path: Path) -> None:
    place = {**SERVICE["adresse"][0], "accessibilite": "par la cour"}
    path = tmp_path / "annuaire.json"
    path.write_text(json.dumps([{**SERVICE, "adresse": [place]}, SERVICE]), encoding="utf-8")
    reading = read_published(path, key="dila")
    assert reading.rows["wheelchair"].tolist() == ["unknown", "yes"]
    (told,) = (finding for finding in reading.findings if finding.rule == "unknown-word")
    assert "« par la cour » (1)" in str(told.message)
    assert told.column == "accessibilite"


@pytest.mark.parametrize(
    ("odd", "hours"),
    [
        (
            {"nom_jour_debut": "Mercredi", "valeur_heure_debut_1": "midi"},
            "Mo-Tu 09:00-12:00; We unknown",
        ),
        (
            {
                "nom_jour_debut": "mercredi",
                "valeur_heure_debut_1": "12:00:00",
                "valeur_heure_fin_1": "09:00:00",
            },
            "Mo-Tu 09:00-12:00; We unknown",
        ),
        # its day is not known: it may be any
        (
            {"nom_jour_debut": "jour férié"},
            "Mo-Tu unknown, Mo-Tu 09:00-12:00; We-Su unknown",
        ),
    ],
)
def test_one_odd_entry_leaves_the_other_days_as_read(
    tmp_path: Path, odd: dict[str, str], hours: str
) -> None:
    known = {
        "nom_jour_debut": "Lundi",
        "nom_jour_fin": "Mardi",
        "valeur_heure_debut_1": "09:00:00",
        "valeur_heure_fin_1": "12:00:00",
    }
    path = tmp_path / "annuaire.json"
    path.write_text(json.dumps([{**SERVICE, "plage_ouverture": [known, odd]}]), encoding="utf-8")
    reading = read_published(path, key="dila")
    assert osm_week(reading.rows.loc[0, "hours"]) == osm_week(hours)
    assert reading.rows.loc[0, "hours_per_week"] == 6
    (told,) = reading.findings
    assert told.rule == "unreadable-hours"
    assert odd["nom_jour_debut"] in str(told.message)
    assert "Lundi" not in str(told.message)


XML = """<?xml version="1.0" encoding="UTF-8"?>
<Organisme id="mairie-09122-01" codeInsee="09122" dateMiseAJour="2019-03-01" pivotLocal="mairie">
  <Nom>Mairie - Foix</Nom>
  <Adresse type="physique"><Ligne>45 cours Gabriel-Fauré</Ligne><Ligne>BP 7</Ligne>
    <CodePostal>09000</CodePostal><NomCommune>Foix</NomCommune>
    <Localisation><Latitude>42.9657</Latitude><Longitude>1.6070</Longitude>
      <Précision>8</Précision></Localisation>
    <Accessibilité type="ACC"></Accessibilité></Adresse>
  <CoordonnéesNum><Téléphone>05 61 05 42 00</Téléphone><Email>a@b.fr</Email><Url>https://foix.fr</Url></CoordonnéesNum>
  <Ouverture><PlageJ début="lundi" fin="vendredi"><PlageH début="08:00:00" fin="12:00:00"/>
    <PlageH début="13:30:00" fin="17:30:00"/></PlageJ></Ouverture>
</Organisme>
"""


def archive(path: Path, members: dict[str, bytes]) -> Path:
    with tarfile.open(path, "w:bz2") as file:
        for name, content in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            file.addfile(member, io.BytesIO(content))
    return path


def test_the_archive_published_today_is_read_without_unpacking(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(text_tables, "CHUNK_ROWS", 4)
    monkeypatch.setattr(dila, "_BLOCK", 300)  # shorter than a service: it is cut anywhere
    services = [
        {**SERVICE, "id": str(number), "nom": f"Mairie n°{number}, [Auch]"} for number in range(10)
    ]
    document = json.dumps({"service": services}, ensure_ascii=False).encode()
    path = archive(
        tmp_path / "all_latest.tar.bz2",
        {"all/2026-11-21-communes.zip": b"PK", "all/local.json": document},
    )
    assert recognise(path) == "dila"
    reading = read_published(path, key="dila")
    assert (reading.rows_in, reading.rows["id"].tolist()) == (
        10,
        [str(number) for number in range(10)],
    )
    assert reading.rows["source_row"].tolist() == list(range(1, 11))
    assert reading.rows["name"].iloc[9] == "Mairie n°9, [Auch]"
    assert [finding.rule for finding in reading.findings] == ["unread-layer"]


def test_the_xml_of_before_is_read(tmp_path: Path) -> None:
    path = archive(tmp_path / "all.tar.bz2", {"organismes/09/mairie-09122-01.xml": XML.encode()})
    row = read_published(path, key="dila").rows.iloc[0]
    assert (row["id"], row["type"], row["commune"], row["wheelchair"]) == (
        "mairie-09122-01",
        "town_hall",
        "09122",
        "yes",
    )
    assert (row["address"], row["postcode"], row["commune_name"]) == (
        "45 cours Gabriel-Fauré, BP 7",
        "09000",
        "Foix",
    )
    assert row["hours"] == "Mo-Fr 08:00-12:00,13:30-17:30"
    assert (row.geometry.x, row.geometry.y) == (1.607, 42.9657)


@pytest.mark.parametrize("kept", [0.2, 0.6, 0.95])
def test_an_archive_cut_short_is_refused(kept: float, tmp_path: Path) -> None:
    document = json.dumps(
        {"service": [{**SERVICE, "id": str(number)} for number in range(50)]}
    ).encode()
    path = archive(tmp_path / "all.tar.bz2", {"local.json": document})
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * kept)])
    with pytest.raises(LayerError, match=r"all\.tar\.bz2"):
        read_published(path, key="dila")
    plain = tmp_path / "local.json"
    plain.write_bytes(document[: int(len(document) * kept)])
    with pytest.raises(LayerError, match=r"local\.json"):
        read_published(plain, key="dila")
