"""`make audit`: what the lock holds as a bill of materials, and what is known against it.

    python data/source/audit.py TOOLS [FOLDER]

TOOLS is the folder of the programs of ``data/source/audit/requirements.lock``. Writes
``FOLDER/sbom.cdx.json`` (CycloneDX 1.6; ``build`` by default). Exit code 1 when an advisory is known
of a package, 0 when none is, or when nobody could be asked, which is said.
"""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
LOCK = ROOT / "requirements.lock"


def write_sbom(tools: Path, path: Path) -> int:
    """Write the bill of materials of the lock; return how many packages it names."""
    path.parent.mkdir(parents=True, exist_ok=True)
    making = (
        tools / "cyclonedx-py", "requirements", LOCK, "--pyproject", ROOT / "pyproject.toml",
        "--output-reproducible", "--spec-version", "1.6", "--output-file", path,
    )  # fmt: skip
    made = subprocess.run(making, capture_output=True, text=True, check=False)
    if made.returncode:
        sys.exit(made.stderr)
    return len(json.loads(path.read_bytes())["components"])


def advisories(tools: Path) -> dict[str, Any]:
    """Return what pip-audit says of each package of the lock, nothing when it cannot ask."""
    asking = (
        tools / "pip-audit", "--requirement", LOCK, "--no-deps", "--disable-pip",
        "--progress-spinner", "off", "--format", "json",
    )  # fmt: skip
    asked = subprocess.run(asking, capture_output=True, text=True, check=False)
    try:
        told: dict[str, Any] = json.loads(asked.stdout)
    except ValueError:  # it says why in its own words
        print(asked.stderr, file=sys.stderr)
        return {"dependencies": []}
    return told


def judged(told: dict[str, Any]) -> tuple[list[str], bool]:
    """Return what is to be said of the advisories, and whether there are some.

    pip-audit says that it found nothing, too, of packages that it could not look up.
    """
    looked_up = [one for one in told["dependencies"] if "skip_reason" not in one]
    left = len(told["dependencies"]) - len(looked_up)
    if not looked_up:
        return ["The source of advisories cannot be reached: no package was looked up, and nothing "
                "is known of them. Run make audit again where PyPI answers."], False  # fmt: skip
    lines = [
        f"{one['name']} {one['version']}: {known['id']}, mended in "
        f"{', '.join(known.get('fix_versions') or ['no version yet'])}"
        for one in looked_up
        for known in one.get("vulns", ())
    ]
    counted = f"{len(looked_up)} packages looked up, {len(lines)} advisories"
    return [*lines, f"{counted}; {left} could not be looked up." if left else f"{counted}."], bool(
        lines
    )


def main(tools: Path, folder: Path) -> int:
    """Write the bill of materials, and say what is known."""
    path = folder / "sbom.cdx.json"
    print(f"{write_sbom(tools, path)} packages in {path}")
    lines, are_known = judged(advisories(tools))
    print(*lines, sep="\n")
    return int(are_known)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), Path(*sys.argv[2:3] or ("build",))))
