"""Today's directory: an object of services whose lists are JSON, or JSON inside text in the flat exports."""

import json
from pathlib import Path

import pytest

from geoguichet.referentials.readers.formats import read_published, recognise

WEEK = [
    {
        "nom_jour_debut": "Lundi",
        "nom_jour_fin": "Jeudi",
        "valeur_heure_debut_1": "09:00:00",
        "valeur_heure_fin_1": "12:00:00",
        "valeur_heure_debut_2": "14:00:00",
        "valeur_heure_fin_2": "17:00:00",
    },
    {"nom_jour_debut": "Vendredi", "nom_jour_fin": "", "valeur_heure_debut_1": "09:00", "valeur_heure_fin_1": "12:00"},
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
    path.write_text(json.dumps([service] if flat else {"service": [service]}, ensure_ascii=False), encoding="utf-8")
    assert recognise(path) == "dila"
    reading = read_published(path, key="dila")
    row = reading.rows.iloc[0]
    assert reading.findings == ()
    assert (row["type"], row["commune"], row["departement"], row["wheelchair"]) == ("town_hall", "32013", "32", "yes")
    assert row["hours"] == "Mo-Th 09:00-12:00,14:00-17:00; Fr 09:00-12:00"
    assert row["hours_per_week"] == 27
    assert (row["telephone"], row["site"]) == ("05 62 61 66 00", "https://www.mairie-auch.fr")
    assert row["email"] == "contact@mairie-auch.fr"
    assert (row.geometry.x, row.geometry.y) == (0.586, 43.646)


def test_hours_that_cannot_be_read_are_unknown_and_told(tmp_path: Path) -> None:
    odd = {**SERVICE, "plage_ouverture": [{"nom_jour_debut": "Lundi", "valeur_heure_debut_1": "midi"}]}
    path = tmp_path / "annuaire.json"
    path.write_text(json.dumps([odd, {**SERVICE, "id": "8", "plage_ouverture": []}]), encoding="utf-8")
    reading = read_published(path, key="dila")
    assert [finding.rule for finding in reading.findings] == ["unreadable-hours"]
    assert reading.rows["hours_per_week"].isna().all()
    assert "midi" in reading.rows.loc[0, "hours_raw"]
