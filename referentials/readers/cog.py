"""INSEE's official geographic code: the history of communes (three published forms) and the list of
today's.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

from geoguichet.floor.errors import LayerError
from geoguichet.referentials.readers.tables import csv_chunks, json_document, read_bytes
from geoguichet.referentials.territories.code_history import CommuneHistory, Kind, movements_of

type _Event = tuple[str, str, Kind, Sequence[str]]

_CODE = re.compile(r"  '?([0-9][0-9AB][0-9]{3})'?:$")
_DATE = re.compile(r"    '(\d{4}-\d{2}-\d{2})':$")
_PAIR = re.compile(r"([^\s{},:]+): (\[[^\]]*\]|'(?:[^']|'')*'|[^,}]+)")
_MOVES: Mapping[str, Kind] = {
    "fusionneDans": "merger",
    "devientDéléguéeDe": "merger",
    "sAssocieA": "merger",
    "changeDeCodePour": "renumbering",
    "seDissoutDans": "split",
    "contribueA": "transfer",
}
"""Events of a code that send it elsewhere; ``contribueA`` leaves a part behind."""
_SPLITS = ("seDétacheDe", "crééeCOMParScissionDe", "reçoitUnePartieDe")
"""Events of a code that takes a part of another."""


def read_history(path: Path) -> CommuneHistory:
    """Read the history of commune codes since 1943 (``histo-communes-insee``, YAML, one event a
    line).

    The file is regular, one mapping a line: it is read by line, twenty times faster than by a YAML
    parser.

    Raises
    ------
    LayerError
        When the file is missing or has no code.
    """
    lines = read_bytes(path).decode("utf-8", errors="replace").splitlines()
    valid = next((line.split("'")[1] for line in lines[:10] if line.startswith("valid:")), "")
    events: list[_Event] = []
    states: dict[str, dict[str, bool]] = defaultdict(dict)
    code = date = ""
    for line in lines:
        if match := _CODE.match(line):
            code = match[1]
        elif match := _DATE.match(line):
            date = match[1]
            states[code][date] = False
        elif line.startswith("      évts:"):
            events.extend(_events(code, date, line))
        elif line.startswith("      état:"):
            states[code][date] = bool(re.search(r"statut: (COM|ARM)\b", line))
    if not states or not valid:
        raise LayerError(
            f"{path} : aucun code de commune ; l'histoire des communes (histo-communes-insee) est "
            "attendue."
        )
    return CommuneHistory(
        movements_of(events), {key: _periods(state) for key, state in states.items()}, valid
    )


def _events(code: str, date: str, line: str) -> Iterator[_Event]:
    for name, value in _PAIR.findall(line.partition("évts:")[2]):
        codes = re.findall(r"[0-9][0-9AB][0-9]{3}", value)
        if name in _SPLITS and codes:
            yield (
                date,
                codes[0],
                "transfer" if name == "reçoitUnePartieDe" else "split",
                [codes[0], code],
            )
        elif name == "contribueA":
            yield date, code, "transfer", [code, *codes]
        elif name in _MOVES and codes and codes != [code]:
            yield date, code, _MOVES[name], codes


def _periods(state: Mapping[str, bool]) -> tuple[tuple[str, str], ...]:
    """Return the periods when a code was a commune's, from its state at each date."""
    dates = [*sorted(state), "9999"]
    periods: list[tuple[str, str]] = []
    for first, last in pairwise(dates):
        if not state[first]:
            continue
        if periods and periods[-1][1] == first:
            periods[-1] = (periods[-1][0], last)
        else:
            periods.append((first, last))
    return tuple(periods)


def read_movements(path: Path, *, current: Sequence[str] = (), valid: str = "") -> CommuneHistory:
    """Read INSEE's own table of events (``v_mvtcommune``: MOD, DATE_EFF, COM_AV, COM_AP ...; CSV
    ``,``).

    Parameters
    ----------
    current
        The codes in force at `valid`; those the table alone names are taken from it.

    Raises
    ------
    LayerError
        When the file is missing or is not that table.
    """
    wanted = ("MOD", "DATE_EFF", "TYPECOM_AV", "COM_AV", "TYPECOM_AP", "COM_AP")
    events: list[_Event] = []
    ends: dict[str, str] = {}
    starts: dict[str, str] = {}
    last = valid
    for table in csv_chunks(path, columns=wanted):
        communes = table[(table["TYPECOM_AV"] == "COM") & (table["TYPECOM_AP"] == "COM")]
        for (date, before), rows in communes.groupby(["DATE_EFF", "COM_AV"]):
            into = list(dict.fromkeys(rows["COM_AP"]))
            kind: Kind = "renumbering" if rows["MOD"].isin(["41", "50"]).all() else "merger"
            events.append((str(date), str(before), "split" if len(into) > 1 else kind, into))
            starts.setdefault(str(before), "1943-01-01")
            if str(before) not in into:
                ends[str(before)] = str(date)
            for code in into:
                starts.setdefault(code, "1943-01-01" if str(before) == code else str(date))
            last = max(last, str(date))
    codes = {*starts, *current}
    lives = {
        code: (
            (starts.get(code, "1943-01-01"), "9999" if code in current else ends.get(code, "9999")),
        )
        for code in codes
    }
    return CommuneHistory(movements_of(events), lives, last)


def read_current(path: Path) -> list[dict[str, Any]]:
    """Return the rows of Etalab's list of communes (JSON array: code, nom, type, departement,
    population ...).

    Raises
    ------
    LayerError
        When the file is missing or is not that array.
    """
    document = json_document(path)
    if not isinstance(document, list) or not all(
        isinstance(row, dict) and "code" in row for row in document
    ):
        raise LayerError(f"{path} : une liste d'objets avec « code » est attendue.")
    return document
