"""`make audit` says what is known against the packages of the lock, and when nobody could be asked."""

import importlib.util
import json
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
TOOLS = ROOT / ".audit" / "bin"


@pytest.fixture(scope="module")
def audit():
    spec = importlib.util.spec_from_file_location("audit", ROOT / "data" / "source" / "audit.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


SOUND = {"name": "affine", "version": "3.0", "vulns": []}
KNOWN = {"name": "jinja2", "version": "3.0", "vulns": [{"id": "PYSEC-1", "fix_versions": ["3.1"]}]}
UNMENDED = {"name": "h11", "version": "1", "vulns": [{"id": "PYSEC-2", "fix_versions": []}]}
SKIPPED = {"name": "shapely", "skip_reason": "Dependency not found on PyPI"}


@pytest.mark.parametrize(
    ("told", "last", "are_known"),
    [
        ([SKIPPED, SKIPPED], "The source of advisories cannot be reached", False),
        ([], "The source of advisories cannot be reached", False),
        ([SOUND], "1 packages looked up, 0 advisories.", False),
        ([SOUND, SKIPPED], "1 packages looked up, 0 advisories; 1 could not be looked up.", False),
        ([SOUND, KNOWN, UNMENDED], "3 packages looked up, 2 advisories.", True),
    ],
)
def test_what_could_not_be_asked_is_not_said_to_be_sound(audit, told, last, are_known) -> None:
    lines, known = audit.judged({"dependencies": told})
    assert lines[-1].startswith(last) and known is are_known
    if are_known:
        assert lines[0] == "jinja2 3.0: PYSEC-1, mended in 3.1"
        assert lines[1] == "h11 1: PYSEC-2, mended in no version yet"


def test_a_tool_that_fails_has_looked_up_nothing_and_says_why(
    audit, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("pip-audit", "cyclonedx-py"):
        tool = tmp_path / name
        tool.write_text(f"#!{sys.executable}\nraise SystemExit('no route to host')\n")
        tool.chmod(0o755)
    assert audit.judged(audit.advisories(tmp_path))[1] is False
    assert "no route to host" in capsys.readouterr().err
    with pytest.raises(SystemExit, match="no route to host"):
        audit.write_sbom(tmp_path, tmp_path / "sbom.cdx.json")


def test_the_bill_of_materials_names_every_package_of_the_lock(audit, tmp_path: Path) -> None:
    if not (TOOLS / "cyclonedx-py").exists():
        pytest.skip("cyclonedx-py (make audit installs it) is not here")
    count = audit.write_sbom(TOOLS, tmp_path / "sbom.cdx.json")
    told = json.loads((tmp_path / "sbom.cdx.json").read_text())
    assert (told["bomFormat"], told["specVersion"]) == ("CycloneDX", "1.6")
    pins = [line for line in audit.LOCK.read_text().splitlines() if "==" in line[:60]]
    assert count == len(pins) and all(one["purl"] for one in told["components"])
