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


def test_a_feed_says_what_changed_and_pruning_removes_only_what_it_is_told_to(
    workspace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = workspace / "liste.csv"
    said(capsys, "referentials", "import", file, "--name", "guichets")
    file.write_text(LIST.replace("Poste d'Auch", "Nouvelle poste"), encoding="cp1252")
    said(capsys, "referentials", "import", file, "--name", "guichets")
    feed = workspace / "flux.csv"
    whole = said(capsys, "referentials", "feed", "guichets", "--format", "csv", "--out", feed)
    assert whole == f"4 entrées.\n{feed}\n"
    assert "Nouvelle poste" in feed.read_text(encoding="utf-8-sig")
    only = ("--types", "post_office", "--format", "atom", "--out", workspace / "flux.xml")
    assert said(capsys, "referentials", "feed", "guichets", *only).startswith("2 entrées.")
    nowhere = file / "flux.xml"  # under a file that is no folder
    assert "choisissez un autre dossier" in said(
        capsys, "referentials", "feed", "guichets", "--out", nowhere, code=2
    )
    prune = ("referentials", "prune", "guichets", "--keep", "1")
    dry = said(capsys, *prune)
    assert "partirait" in dry and "Rien n'est retiré sans --yes." in dry
    assert "retirée" in said(capsys, *prune, "--yes")
    assert "Rien à retirer." in said(capsys, *prune, "--yes")


def test_figures_of_another_year_are_carried_and_what_is_lost_is_said(
    workspace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    history = workspace / "v_mvtcommune.csv"
    history.write_text(
        "MOD,DATE_EFF,TYPECOM_AV,COM_AV,TNCC_AV,NCC_AV,TYPECOM_AP,COM_AP\n"
        "32,2016-01-01,COM,46002,0,B,COM,46001\n32,2016-01-01,COM,46001,0,A,COM,46001\n"
        "21,2018-01-01,COM,46003,0,C,COM,46003\n21,2018-01-01,COM,46003,0,C,COM,46004\n",
        encoding="utf-8",
    )
    people = workspace / "pop2012.csv"
    people.write_text("CODGEO;PMUN\n46001;100\n46002;50\n46003;30\n99999;7\n", encoding="utf-8")
    out = workspace / "pop2020.csv"
    recode = ("referentials", "recode", people, "--history", history, "--out", out)
    told = said(capsys, *recode, "--vintage", "2012", "--to", "2020-01-01")
    assert "PMUN : 187 avant, 180 après, 7 sans commune." in told
    assert "à parts égales (--weights suit les habitants) : 1." in told
    assert out.read_text(encoding="utf-8").splitlines()[1].split(",")[0] == "46001"
    weights = workspace / "poids.csv"
    weights.write_text("code;population\n46003;20\n46004;10\n", encoding="utf-8")
    shared = said(capsys, *recode, "--vintage", "2012", "--to", "2020", "--weights", weights)
    assert f"partagées selon les habitants de {weights} : 1." in shared
    wrong = said(capsys, *recode, "--vintage", "12", code=2)
    assert "n'est ni une année ni un jour" in wrong


def test_a_territory_is_started_from_the_sample(
    workspace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = workspace / "metropole"
    done = said(capsys, "init", folder, "--epci", "243100518", "--name", "Toulouse Métropole")
    assert done.startswith("Toulouse Métropole : 37 communes, 771 132 habitants")
    study = read_study(folder / "etude.toml")
    assert study.kiosks is not None and study.kiosks.offers == ("etat",)
    assert study.kiosks.hours_count, "no kiosk lengthens the hours of a town hall"
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
