"""The report on paper, and what is said when nothing can print it."""

import shutil
import subprocess
from pathlib import Path

import pytest

from geoguichet.cli import main
from geoguichet.coverage.errors import OutputError
from geoguichet.coverage.outputs import pdf, report

HERE = any(map(shutil.which, pdf.BROWSERS))


@pytest.fixture
def folder(result, tmp_path: Path) -> Path:
    (tmp_path / "report.html").write_text(report.render(result), encoding="utf-8")
    return tmp_path


@pytest.mark.skipif(not HERE, reason="chromium is not here (Debian: apt install chromium)")
def test_the_report_is_printed(folder: Path, capsys: pytest.CaptureFixture[str]):
    assert main(["coverage", "pdf", str(folder)]) == 0
    assert capsys.readouterr().out.strip() == str(folder / "report.pdf")
    assert (folder / "report.pdf").read_bytes().startswith(b"%PDF") and (
        folder / "report.pdf"
    ).stat().st_size > 20_000
    if shutil.which("pdftotext"):
        told = subprocess.run(
            ["pdftotext", str(folder / "report.pdf"), "-"],
            capture_output=True,
            text=True,
            check=True,
        )
        assert "Visioguichets autour de Cahors" in told.stdout


def test_without_a_browser_one_sentence(folder: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(pdf.shutil, "which", lambda _: None)
    with pytest.raises(OutputError, match="apt install chromium"):
        pdf.write(folder / "report.html", folder / "report.pdf")
    assert not (folder / "report.pdf").exists()


def test_a_browser_that_fails_leaves_nothing(folder: Path, monkeypatch: pytest.MonkeyPatch):
    useless = shutil.which("false")
    monkeypatch.setattr(pdf.shutil, "which", lambda _: useless)
    with pytest.raises(OutputError, match="n'a pas imprimé"):
        pdf.write(folder / "report.html", folder / "report.pdf")
    assert not (folder / "report.pdf").exists()


def test_a_folder_without_report(tmp_path: Path):
    with pytest.raises(OutputError, match="n'existe pas"):
        pdf.write(tmp_path / "report.html", tmp_path / "report.pdf")
