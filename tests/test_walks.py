"""How many files of ours a reader crosses to follow a study or a record from end to end."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SAMPLES = ROOT / "tests" / "catalogue" / "formats" / "samples"

# Runs a command under a profiler and prints the files it enters, imports aside.
WALK = """
import pathlib, sys, threading
import geoguichet.cli as cli

root, entered = pathlib.Path(cli.__file__).resolve().parent, set()

def importing(frame):
    while frame and frame.f_code.co_name != "<module>":
        frame = frame.f_back
    return frame is not None and frame.f_globals.get("__name__") != "__main__"

def noticed(code, _offset):
    if code.co_filename not in entered:
        if importing(sys._getframe(1)) or threading.current_thread() is not threading.main_thread():
            return None
        entered.add(code.co_filename)
    return watching.DISABLE  # this code is not told again

watching = sys.monitoring
watching.use_tool_id(watching.PROFILER_ID, "walk")
watching.register_callback(watching.PROFILER_ID, watching.events.PY_START, noticed)
watching.set_events(watching.PROFILER_ID, watching.events.PY_START)
code = cli.main(sys.argv[1:])
watching.set_events(watching.PROFILER_ID, 0)
ours = {pathlib.Path(name).resolve() for name in entered if name.endswith(".py")}
ours = {str(file.relative_to(root)) for file in ours if file.is_relative_to(root)}
print(*sorted(name for name in ours if not name.startswith((".", "commands", "cli"))), sep="\\n")
sys.exit(code)
"""


def walk(*words: str) -> list[str]:
    run = subprocess.run(
        [sys.executable, "-c", WALK, *words],
        capture_output=True,
        text=True,
        check=True,
        env=os.environ | {"PYTHONWARNINGS": "ignore"},
    )
    return [line for line in run.stdout.splitlines() if line.endswith(".py")]


@pytest.mark.parametrize(("sample", "most"), [("geojson.json", 9), ("iso19139.xml", 15)])
def test_a_record_crosses_few_files(sample: str, most: int, tmp_path: Path) -> None:
    files = walk("catalogue", "import", str(SAMPLES / sample), "--workspace", str(tmp_path))
    assert "catalogue/search/store.py" in files and len(files) <= most, files


def test_a_study_crosses_few_files(tmp_path: Path) -> None:
    study = ROOT / "data" / "studies" / "visioguichets.toml"
    files = walk("coverage", "run", str(study), "--workspace", str(tmp_path))
    assert "coverage/run.py" in files and len(files) <= 44, files
