"""How unequally access is shared among people: Gini, Palma, and the poverty of access."""

from __future__ import annotations

import numpy as np

from geoguichet.coverage.errors import FrameError
from geoguichet.coverage.impedance import Floats


def gini(access: Floats, people: Floats) -> float:
    """Return the Gini index (1912), each place weighted by its people: 0 all equal, near 1 one place has all.

    Half the mean absolute difference between two people, over the mean. 0 when nobody has any access.
    """
    access, people = _checked(access, people)
    order = np.argsort(access, kind="stable")
    held, share = (access * people)[order], people[order] / people.sum()
    total = held.sum()
    if total == 0:
        return 0.0
    before = np.append(0.0, np.cumsum(held)[:-1]) / total
    return float(1.0 - np.sum(share * (2 * before + held / total)))


def palma(access: Floats, people: Floats) -> float:
    """Return what the tenth of people with most access has, over what the four tenths with least have (Palma 2011).

    People of a place at a border are divided. Infinite when the four tenths have nothing and the tenth something; 1
    when nobody has anything.
    """
    access, people = _checked(access, people)
    order = np.argsort(access, kind="stable")
    counted = np.append(0.0, np.cumsum(people[order])) / people.sum()
    held = np.append(0.0, np.cumsum((access * people)[order]))
    low = float(np.interp(0.4, counted, held))
    high = float(held[-1] - np.interp(0.9, counted, held))
    return high / low if low > 0 else (1.0 if high == 0 else np.inf)


def poverty(access: Floats, people: Floats, *, line: float, alpha: float = 0.0) -> float:
    """Return the poverty of access (Foster, Greer & Thorbecke 1984) under a line.

    ``alpha`` 0: the share of people whose access is below the line; 1: how far below on average, as a share of the line
    (0 for those above); 2: the same squared, so that the worst off count most.

    Raises
    ------
    FrameError
        The line is not positive.
    """
    access, people = _checked(access, people)
    if not line > 0:
        raise FrameError(f"un seuil positif est attendu, {line} est donné.")
    short = access < line
    gap = np.where(short, (line - access) / line, 0.0)
    return float(np.sum(people * np.where(short, gap**alpha, 0.0)) / people.sum())


def _checked(access: Floats, people: Floats) -> tuple[Floats, Floats]:
    access, people = np.asarray(access, dtype=np.float64), np.asarray(people, dtype=np.float64)
    if len(access) != len(people) or not (np.isfinite(access).all() and np.isfinite(people).all()):
        raise FrameError("un accès fini par lieu est attendu ; un lieu sans accès vaut 0, pas une valeur manquante.")
    if (access < 0).any() or (people < 0).any() or not people.sum() > 0:
        raise FrameError("des accès et des habitants positifs ou nuls sont attendus, et au moins un habitant.")
    return access, people
