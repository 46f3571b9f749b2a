"""From distances to an answer: how much slack a rule leaves at each demand point, and so who is served."""

from __future__ import annotations

import numpy as np

from geoguichet.coverage.impedance import Floats
from geoguichet.coverage.study import Rule


def slack_under(rule: Rule, margins: dict[str, Floats]) -> Floats:
    """Return the slack of a rule at each demand point: the k-th largest margin among its needs, or, where it is
    smaller, the smallest margin of those required.

    ``margins[need]`` is the threshold minus the cost at each point (NaN when unreachable), so a point is served
    exactly when its slack is ``>= 0``. With "all" the slack is the smallest margin, with "any" the largest. The
    result is NaN where the rule cannot be met at any threshold (fewer than k needs reachable, or a required one not).
    """
    slack = _kth_largest([margins[need] for need in rule.needs], rule.k)
    if rule.required:
        slack = np.minimum(slack, _kth_largest([margins[need] for need in rule.required], len(rule.required)))
    slack[np.isneginf(slack)] = np.nan
    return slack


def _kth_largest(margins: list[Floats], k: int) -> Floats:
    """Return the k-th largest of the margins at each point, what is missing counted below all others."""
    table = np.column_stack(margins)
    ordered: Floats = np.sort(np.where(np.isnan(table), -np.inf, table), axis=1)[:, ::-1]
    return ordered[:, k - 1].copy()


def is_served(slack: Floats) -> np.ndarray:
    """Return True where the slack is known and not negative: a point exactly at its threshold is served."""
    return np.asarray(slack >= 0)


def met_with(rule: Rule, margins: dict[str, Floats], offered: frozenset[str]) -> np.ndarray:
    """Return the points where the rule would hold if the ``offered`` needs were met on the spot."""
    given = {need: np.full_like(margin, np.inf) if need in offered else margin for need, margin in margins.items()}
    return is_served(slack_under(rule, given))
