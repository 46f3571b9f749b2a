"""What the reader of two answers may give: a study file, a result's folder, or one study and what changes in it."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Literal

from geoguichet.coverage.compare import Comparison, Side, altered, compare, read_side, side_of
from geoguichet.coverage.errors import StudyError
from geoguichet.coverage.run import run
from geoguichet.coverage.study import Changes, Opening, Study, read_study, threshold_of
from geoguichet.referentials.services import SERVICE_TYPES

type Kiosks = Literal["none", "both", "after"]


def compared(
    before: Path,
    after: Path | None,
    *,
    close: Sequence[str] = (),
    open_: Sequence[str] = (),
    hours: Sequence[str] = (),
    within: Sequence[str] = (),
    kiosks: Kiosks | None = None,
    on_step: Callable[[str], None] = lambda _: None,
) -> Comparison:
    """Compare two studies or results given by their paths; the second may be the first with changes.

    Parameters
    ----------
    before, after
        A study file (it is computed) or the folder or manifest of a result (it is read). Without ``after``, it is
        the first one, changed.
    close, open_, hours, within
        What changes on the second side, as written on the command line: ``ID``, ``TYPE,LON,LAT[,HOURS]``,
        ``ID=HOURS``, ``NEED=LENGTH`` (``NEED=TIME`` in a study of times).
    kiosks
        The sides whose kiosks count as open: by default both when two are given, none when one is changed. Changing
        one study with ``both`` keeps the kiosks of the first side where they are.

    Raises
    ------
    GeoguichetError
        A path, a change or the two sides together are refused.
    """
    changes, limits = _changes(close, open_, hours), _limits(within)
    changing = changes != Changes() or bool(limits)
    if after is None and not changing and kiosks != "after":
        raise StudyError(
            f"{before} : il n'y a rien à quoi comparer ; donnez une seconde étude, ou --close, --open, --hours, "
            "--within, ou --kiosks after pour voir ce que le plan change."
        )
    counted: Kiosks = kiosks or ("none" if after is None else "both")
    first = _side(before, kiosks=counted == "both", on_step=on_step)
    if after is not None and not changing:
        return compare(first, _side(after, kiosks=counted != "none", on_step=on_step))
    study = _study_of(after) if after is not None else _kept(first) if counted == "both" else _study_of(before)
    thresholds = {need: threshold_of(need, text, "--within", unit=study.unit) for need, text in limits.items()}
    second = run(_asked(altered(study, changes, within=thresholds), kiosks=counted != "none"), on_step=on_step)
    return compare(first, side_of(second, kiosks=counted != "none"))


def _side(path: Path, *, kiosks: bool, on_step: Callable[[str], None]) -> Side:
    if path.is_dir() or path.suffix == ".json":
        return read_side(path, kiosks=kiosks)
    return side_of(run(_asked(read_study(path), kiosks=kiosks), on_step=on_step), kiosks=kiosks)


def _asked(study: Study, *, kiosks: bool) -> Study:
    """Leave the siting out when its kiosks do not count."""
    return study if kiosks else replace(study, kiosks=None)


def _study_of(path: Path) -> Study:
    if path.is_dir() or path.suffix == ".json":
        raise StudyError(
            f"{path} : un résultat est déjà calculé et ne se change pas ; donnez le fichier .toml de l'étude."
        )
    return read_study(path)


def _kept(side: Side) -> Study:
    """Return the study of a side with its kiosks required where its plan put them, whatever model chose them."""
    choice = side.study.kiosks
    if choice is None or not side.plan_hosts:
        return side.study
    kept = replace(
        choice,
        required=side.plan_hosts,
        excluded=(),
        count=len(side.plan_hosts),
        model="maximal_covering",
        weight="",
        share=None,
        budget_eur=None,
        one_per="",
        spacing_m=None,
        floor=(),
        floor_per_departement=0,
        site_cost=(),
        site_cost_column="",
    )
    return replace(side.study, kiosks=kept)


def _changes(close: Sequence[str], open_: Sequence[str], hours: Sequence[str]) -> Changes:
    return Changes(
        open=tuple(opening(text) for text in open_),
        hours=tuple(_pair(text, "--hours", "mairie-09122=Mo-Fr 09:00-12:00") for text in hours),
        close=tuple(close),
    )


def opening(text: str) -> Opening:
    """Read ``TYPE,LON,LAT[,HOURS]``; the hours may hold commas.

    >>> opening("town_hall,1.605,42.966,Mo 09:00-12:00,14:00-17:00").hours
    'Mo 09:00-12:00,14:00-17:00'
    """
    kind, *rest = text.split(",", 3)
    if kind not in SERVICE_TYPES:
        close = difflib.get_close_matches(kind, list(SERVICE_TYPES), n=3, cutoff=0.4) or ["town_hall", "prefecture"]
        raise StudyError(f"--open : le type de service {kind!r} est inconnu ; essayez : {', '.join(close)}.")
    try:
        lon, lat = float(rest[0]), float(rest[1])
    except (IndexError, ValueError) as error:
        raise StudyError(
            f"--open : TYPE,LON,LAT[,HORAIRES] est attendu, {text!r} est donné ; "
            "essayez : town_hall,1.605,42.966,Mo-Fr 09:00-17:00."
        ) from error
    return Opening(kind, lon, lat, rest[2].strip() if len(rest) > 2 else "")


def _pair(text: str, option: str, example: str) -> tuple[str, str]:
    match = re.fullmatch(r"\s*([^=]+?)\s*=\s*(.+?)\s*", text)
    if match is None:
        raise StudyError(f'{option} : NOM=VALEUR est attendu, {text!r} est donné ; essayez : {option} "{example}".')
    return match[1], match[2]


def _limits(within: Sequence[str]) -> dict[str, str]:
    return dict(_pair(text, "--within", "mairie=10 km") for text in within)
