"""Write docs/decisions/index.md from the decisions' own first lines (make docs)."""

import re
from pathlib import Path

DECISIONS = Path(__file__).parent / "decisions"


def decisions() -> list[tuple[str, str, str, str, str]]:
    """Return of each decision its file's name, number, title, status and day."""
    rows = []
    for file in sorted(DECISIONS.glob("[0-9]*.md")):
        head, status = file.read_text(encoding="utf-8").split("\n\n")[:2]
        title = re.fullmatch(r"# (\d{3})\. (.+)", head)
        said = re.fullmatch(
            r"Status: (accepted|superseded by \d{3}), (\d{4}-\d\d-\d\d)\.", status.strip()
        )
        if title is None or said is None:
            raise SystemExit(
                f"{file.name}: expected '# NNN. Title', an empty line, then 'Status: accepted, "
                f"YYYY-MM-DD.' or 'Status: superseded by NNN, YYYY-MM-DD.'; got {head!r} and "
                f"{status!r}"
            )
        rows.append((file.stem, *title.groups(), *said.groups()))
    return rows


def index() -> str:
    """Return the page that lists them all in the order of their numbers."""
    rows = decisions()
    table = "\n".join(
        f"| {number} | [{title}]({name}.md) | {status} | {day} |"
        for name, number, title, status, day in rows
    )
    names = "\n".join(name for name, *_ in rows)
    return (
        "# Decisions\n\n"
        "One page each: what was decided, why, and its price. `make docs` writes this page.\n\n"
        f"| Number | Decision | Status | Date |\n| --- | --- | --- | --- |\n{table}\n\n"
        f"```{{toctree}}\n:hidden:\n\n{names}\n```\n"
    )


if __name__ == "__main__":
    (DECISIONS / "index.md").write_text(index(), encoding="utf-8")
