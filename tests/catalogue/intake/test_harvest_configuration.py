"""A file of sources: written to be completed, read with one sentence for what is wrong, harvested
by one command.
"""

import json
from pathlib import Path

import pytest

from geoguichet.catalogue.errors import HarvestError
from geoguichet.catalogue.formats.iso import iso19139
from geoguichet.catalogue.intake.harvest import run as harvest_run
from geoguichet.catalogue.intake.harvest.journal import Journal, journal_path
from geoguichet.catalogue.intake.harvest.kinds import Configured, read_sources, template
from geoguichet.catalogue.intake.harvest.source import Folder
from geoguichet.catalogue.record import Record
from geoguichet.cli import main

ROOT = Path(__file__).parents[3]


def source(**members: object) -> str:
    told = {"name": "ici", "kind": "folder", "url": "fiches"} | members
    return (
        "[[source]]\n"
        + "\n".join(f"{name} = {json.dumps(value)}" for name, value in told.items())
        + "\n"
    )


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """Two folders of metadata, one of which is not there."""
    (tmp_path / "fiches").mkdir()
    for number in range(3):
        record = Record(id=f"jeu-{number}", type="dataset", title=f"Jeu {number}")
        (tmp_path / "fiches" / f"{number}.xml").write_bytes(iso19139.write(record))
    path = tmp_path / "harvest.toml"
    path.write_text(source(name="absente", url="nulle-part") + source(), encoding="utf-8")
    return path


def test_the_file_it_writes_can_be_read(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "harvest.toml"
    assert main(["catalogue", "harvest", "--init", str(path)]) == 0
    assert read_sources(path) == (Configured("dossier", "folder", str(tmp_path / "fiches")),)
    assert "OnCalendar" in path.read_text(encoding="utf-8") and "30 2 * * *" in path.read_text(
        encoding="utf-8"
    )
    assert main(["catalogue", "harvest", "--init", str(path)]) == 1
    assert "existe déjà" in capsys.readouterr().err


def test_the_page_on_harvesting_shows_that_file() -> None:
    assert template() in (ROOT / "docs" / "harvesting.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "[[source]]"),
        ("source = 3", "[[source]]"),
        ("[[source]\n", "TOML valide"),
        (source(kind="ftp"), "kind « ftp »"),
        (source(name=""), "name est attendu"),
        (source(adresse="x"), "« adresse » est inconnu"),
        (source(active="oui"), "true ou false"),
        (source() + source(), "deux sources"),
        (source(kind="csw", url="https://moi:secret@exemple.fr/csw"), "environnement"),
    ],
)
def test_what_is_wrong_is_one_sentence(text: str, said: str, tmp_path: Path) -> None:
    (tmp_path / "harvest.toml").write_text(text, encoding="utf-8")
    with pytest.raises(HarvestError, match=said.replace("[", r"\[")):
        read_sources(tmp_path / "harvest.toml")


def test_one_source_that_fails_does_not_stop_the_others(
    config: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = [
        "catalogue",
        "harvest",
        "--all",
        "--config",
        str(config),
        "--workspace",
        str(tmp_path / "w"),
    ]
    assert main([*asked, "--json"]) == 1
    out, err = capsys.readouterr()
    assert [(one["source"], one["status"]) for one in json.loads(out)] == [
        ("absente", "failed"),
        ("ici", "complete"),
    ]
    assert "moisson échouée : absente" in err
    assert main([*asked, "--quiet"]) == 1
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("asked", [[], ["csw"], ["folder", "x", "--all"]])
def test_a_source_or_all_of_them(asked: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["catalogue", "harvest", *asked]) == 2
    assert "--all" in capsys.readouterr().err


def test_an_interruption_is_taken_up_where_it_was(
    config: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Ctrl-C after the first batch: the code says so, the journal too, and the rest alone is read
    afterwards; counts are of both parts."""
    monkeypatch.setattr(harvest_run, "BATCH", 1)
    asked = ["catalogue", "harvest", "folder", str(config.parent / "fiches"), "--name", "ici"]
    asked += ["--workspace", str(tmp_path / "w"), "--json"]
    whole = Folder.records

    def interrupted(self: Folder, *, cursor: str = ""):  # type: ignore[no-untyped-def]
        for number, item in enumerate(whole(self, cursor=cursor)):
            if number == 1:
                raise KeyboardInterrupt
            yield item

    with monkeypatch.context() as patched:
        patched.setattr(Folder, "records", interrupted)
        assert main(asked) == 130
    [(_, _, _, runs)] = Journal(journal_path(tmp_path / "w")).sources()
    assert runs[0].status == "interrupted" and runs[0].counts["new"] == 1
    capsys.readouterr()
    assert main(asked) == 0
    [done] = json.loads(capsys.readouterr().out)
    assert (done["status"], done["counts"]["read"], done["counts"]["new"]) == ("complete", 3, 3)
    assert done["counts"]["unchanged"] == 0
    assert main(["catalogue", "sources", "--json", "--workspace", str(tmp_path / "w")]) == 0
    [told] = json.loads(capsys.readouterr().out)
    assert (told["source"], [one["status"] for one in told["runs"]]) == ("ici", ["complete"])
