"""Every type has its words, every category one type, every need a counter, every code its label."""

import csv
import subprocess
import sys
from pathlib import Path

import pytest

from geoguichet.floor.errors import UsageError
from geoguichet.referentials.directory.services import (
    NEEDS,
    OTHER,
    SERVICE_TYPES,
    TYPE_OF_BPE,
    TYPE_OF_CATEGORY,
    add_types,
)


def test_the_types_studies_name_are_still_there() -> None:
    assert {"town_hall", "town_hall_annex", "prefecture", "sous_prefecture", OTHER} <= set(
        SERVICE_TYPES
    )


def test_a_category_or_code_belongs_to_one_type() -> None:
    kinds = SERVICE_TYPES.values()
    assert sum(len(kind.directory) for kind in kinds) == len(TYPE_OF_CATEGORY)
    assert sum(len(kind.bpe) for kind in kinds) == len(TYPE_OF_BPE)


def test_a_need_leads_to_counters_that_exist() -> None:
    for key, need in NEEDS.items():
        assert need.key == key
        assert need.label_fr
        assert need.label_en
        assert need.types
        assert set(need.types) <= set(SERVICE_TYPES)


def test_a_counter_tells_what_is_done_there() -> None:
    assert "family_allowance" in NEEDS["housing_benefit"].types
    assert NEEDS["identity_card"].types == ("town_hall",)
    assert not any(OTHER in need.types for need in NEEDS.values())


#: Code, the label that INSEE's own list of modalities gives it, its years, our type ("" for none).
MODALITIES = [
    ("A101", "Police", "2009-2024", "police_station"),
    ("A104", "Gendarmerie", "2009-2024", "gendarmerie"),
    ("A105", "Cour d'appel", "2009-2024", "court"),
    ("A108", "Conseil de prud'hommes", "2009-2024", "labour_court"),
    ("A109", "Tribunal de commerce", "2009-2024", "commercial_court"),
    ("A122", "Réseau de proximité Pôle emploi, France Travail", "2018-2024", "employment_agency"),
    ("A123", "Réseau partenarial Pôle emploi", "2018-2020", "employment_partner"),
    ("A124", "Maison de justice et du droit", "2018-2024", "legal_access"),
    ("A127", "Maison de services au public", "2019", "msap"),
    ("A128", "France services", "2021-2024", "france_services"),
    ("A129", "Mairie", "2024", "town_hall"),
    ("A131", "Tribunal judiciaire", "2024", "court"),
    ("A136", "Juridiction administrative", "2024", "administrative_court"),
    ("A201", "Bureau de poste", "2009", "post_office"),
    ("A203", "Banque, caisse d'épargne", "2009-2024", ""),
    ("A205", "Pompes funèbres, services funéraires", "2018-2024", ""),
    ("A206", "Bureau de poste", "2013-2024", "post_office"),
    ("A207", "Relais poste", "2013-2024", "post_relay"),
    ("A208", "Agence postale", "2013-2024", "post_agency"),
    ("A503", "Agence de travail temporaire", "2018-2024", ""),
    ("C104", "École élémentaire", "2018", "primary_school"),
    ("C107", "École maternelle", "2024", "nursery_school"),
    ("C108", "École primaire", "2024", "primary_school"),
    ("C109", "École élémentaire", "2024", "primary_school"),
    ("C201", "Collège", "2009-2024", "college"),
    ("C303", "Lycée technique ou professionnel agricole", "2009-2024", "lycee"),
    ("C701", "Résidence universitaire", "2024", ""),
    ("D106", "Urgences", "2009-2024", "emergency"),
    ("D107", "Maternité", "2009-2024", "maternity"),
    ("D108", "Centre de santé", "2024", ""),
    ("D115", "Services de santé maternelle et infantile", "2024", "maternal_health"),
    ("D205", "Spécialiste en gynécologie", "2009-2013", ""),
    ("D265", "Médecin généraliste", "2024", "general_practitioner"),
    ("D276", "Spécialiste en gynécologie médicale ou obstétrique", "2024", ""),
    ("D307", "Pharmacie", "2024", "pharmacy"),
    ("E108", "Gare de voyageurs d'intérêt régional", "2024", "rail_station"),
]


@pytest.mark.parametrize(("code", "label", "years", "key"), MODALITIES)
def test_a_code_of_the_bpe_is_what_insee_says(code: str, label: str, years: str, key: str) -> None:
    assert label
    assert years
    assert TYPE_OF_BPE.get(code, "") == key


def own(folder: Path, text: str) -> Path:
    (folder / "types.toml").write_text(text, "utf-8")
    return folder / "types.toml"


def test_a_workspace_adds_its_own_types(tmp_path: Path) -> None:
    own(
        tmp_path,
        '[types.cyber_base]\nfr = ["cyber-base", "cyber-bases"]\n[types.library]\n'
        'fr = ["médiathèque", "médiathèques"]\nen = ["library", "libraries"]\nbpe = ["F307"]\n',
    )
    table = tmp_path / "liste.csv"
    table.write_text(
        "Nom;Type;lon;lat\nA;Cyber-base;1.4;43.6\nB;F307;1.4;43.6\nC;tiers-lieu;1.4;43.6\n", "utf-8"
    )
    command = [sys.executable, "-m", "geoguichet.cli", "referentials"]
    here = ["--workspace", str(tmp_path)]
    known = ["--max-unknown", "0.5"]
    subprocess.run([*command, "import", str(table), "--name", "l", *known, *here], check=True)
    subprocess.run([*command, "export", "l", "--out", str(tmp_path / "l.csv"), *here], check=True)
    with (tmp_path / "l.csv").open(encoding="utf-8") as file:
        kinds = [row["type"] for row in csv.DictReader(file)]
    assert kinds == ["cyber_base", "library", "other_service"]


@pytest.mark.parametrize(
    "text",
    ['[types.town_hall]\nfr = ["mairie", "mairies"]', '[types.bureau]\nfr = ["a", "b"]\nbpe = ["A206"]',
     '[types.cyber]\nfr = ["a", "b"]\nbpe = "F307"', '[types.cyber]\nfr = ["a", "b"]\nbep = ["F307"]',
     '[type.cyber]\nfr = ["a", "b"]', "types = 3", "[types]\ncyber = 3",
     '[types.a]\nfr = ["a", "b"]\nbpe = ["F307"]\n[types.b]\nfr = ["a", "b"]\nbpe = ["F307"]',
     '[types.cyber]\nfr = "cyber-base"', '[types."Cyber base"]\nfr = ["a", "b"]', "[types"],
)  # fmt: skip
def test_a_type_that_is_ours_or_has_no_words_is_refused(text: str, tmp_path: Path) -> None:
    before = dict(SERVICE_TYPES)
    with pytest.raises(UsageError, match=r"types\.toml"):
        add_types(own(tmp_path, text))
    assert dict(SERVICE_TYPES) == before
