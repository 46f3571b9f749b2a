"""How the search for a plan is told: the steps of ``KioskPlan.method``, in the reader's words and numbers."""

from __future__ import annotations

import re
from itertools import groupby

from geoguichet.coverage.outputs.wording import Wording

_NUMBER = r"(-?[0-9.]+(?:e[+-]?[0-9]+)?)"
_STEPS = {
    "step_reduced": rf"{_NUMBER} x {_NUMBER} reduced to {_NUMBER} x {_NUMBER}",
    "step_pairs": rf"{_NUMBER} pairs",
    "step_pairs_left": rf"{_NUMBER} pairs left",
    "step_too_many": r"too many for the exact solver",
    "step_components": rf"{_NUMBER} components",
    "step_bisection": rf"bisection over {_NUMBER} distances",
    "step_coverings": rf"{_NUMBER} set coverings",
    "step_excluded": rf"{_NUMBER} candidates excluded",
    "step_relaxed": r"0 zero-half cuts in 0 rounds",
    "step_cuts": rf"{_NUMBER} zero-half (?:and disjunctive )?cuts in {_NUMBER} rounds",
    "step_greedy": rf"greedy {_NUMBER}",
    "step_swap": rf"swap {_NUMBER}",
    "step_search": rf"search {_NUMBER}",
    "step_together": rf"together {_NUMBER}",
    "step_bound": rf"bound {_NUMBER}",
    "step_exact": rf"exact {_NUMBER}",
    "step_infeasible": r"(.+): infeasible",
    "step_cancelled": r"(.+): cancelled",
    "step_died": r"(.+): its process died \(code .*\)",
    "step_stopped": r"(.+): stopped by the time limit",
}
"""Message and form of each step that ``siting`` writes; what has none (the name of a solver) is told as it is."""


def method_told(method: str, say: Wording) -> str:
    """Return the steps of a search in the language of the page.

    A step repeated without a change is told once, a bound that bounds nothing not at all.
    """
    parts = [part for part in re.split("; |, ", method) if part not in ("bound inf", "bound -inf")]
    return say.joined(_step(part, say) for part, _ in groupby(parts))


def _step(part: str, say: Wording) -> str:
    for key, form in _STEPS.items():
        found = re.fullmatch(form, part)
        if found:
            return say(key, **{f"n{place}": _number(told) for place, told in enumerate(found.groups(), start=1)})
    return part


def _number(told: str) -> float | str:
    return float(told) if re.fullmatch(_NUMBER, told) else told
