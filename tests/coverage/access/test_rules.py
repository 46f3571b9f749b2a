"""Slack, compared with a reading of the rule in plain words."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from geoguichet.coverage.access.rules import is_served, met_with, slack_under
from geoguichet.coverage.study.study import Rule

margin = st.one_of(st.floats(-1e5, 1e5), st.just(float("nan")), st.just(0.0))
margins = st.lists(st.tuples(margin, margin, margin), min_size=1, max_size=8).map(
    lambda rows: {
        key: np.array(column, dtype=float)
        for key, column in zip("abc", zip(*rows, strict=True), strict=True)
    }
)


def rule(k: int) -> Rule:
    return Rule("at_least", k, ("a", "b", "c"))


@given(margins, st.integers(1, 3))
def test_served_is_k_needs_met(table: dict[str, np.ndarray], k: int) -> None:
    naive = [sum(table[key][i] >= 0 for key in "abc") >= k for i in range(len(table["a"]))]
    assert is_served(slack_under(rule(k), table)).tolist() == naive


@given(margins)
def test_asking_for_more_needs_never_adds_slack(table: dict[str, np.ndarray]) -> None:
    one, two, three = (np.nan_to_num(slack_under(rule(k), table), nan=-np.inf) for k in (1, 2, 3))
    assert (one >= two).all() and (two >= three).all()


@given(margins, st.integers(1, 3), st.floats(0, 1e4))
def test_a_wider_threshold_never_unserves(
    table: dict[str, np.ndarray], k: int, more: float
) -> None:
    wider = {key: column + more for key, column in table.items()}
    assert (is_served(slack_under(rule(k), wider)) >= is_served(slack_under(rule(k), table))).all()


@given(margins, st.integers(1, 3))
def test_offering_every_need_serves_everyone_and_none_changes_nothing(
    table: dict[str, np.ndarray], k: int
) -> None:
    assert met_with(rule(k), table, frozenset("abc")).all()
    assert (met_with(rule(k), table, frozenset()) == is_served(slack_under(rule(k), table))).all()


def test_exactly_at_the_threshold_is_served_and_unreachable_is_missing() -> None:
    table = {"a": np.array([0.0, -0.1, np.nan])}
    slack = slack_under(Rule("all", 1, ("a",)), table)
    assert is_served(slack).tolist() == [True, False, False]
    assert np.isnan(slack[2])


mixed = st.tuples(st.sets(st.sampled_from("abc"), min_size=1, max_size=2), st.integers(1, 2))


@given(margins, mixed)
def test_mandatory_plus_optional_is_both(
    table: dict[str, np.ndarray], asked: tuple[set[str], int]
) -> None:
    required = tuple(sorted(asked[0]))
    others = tuple(key for key in "abc" if key not in required)
    k = min(asked[1], len(others))
    slack = slack_under(Rule("all_and_at_least", k, others, required), table)
    met = {key: table[key] >= 0 for key in "abc"}
    naive = [
        all(met[key][i] for key in required) and sum(met[key][i] for key in others) >= k
        for i in range(len(slack))
    ]
    assert is_served(slack).tolist() == naive
    wider = {key: column + 1000.0 for key, column in table.items()}
    again = slack_under(Rule("all_and_at_least", k, others, required), wider)
    assert np.allclose(again, slack + 1000.0, equal_nan=True), (
        "slack is the one figure behind every threshold"
    )


def test_without_what_is_mandatory_nothing_serves() -> None:
    table = {
        "a": np.array([np.nan, -1.0, 1.0]),
        "b": np.array([5.0, 5.0, 5.0]),
        "c": np.array([5.0, 5.0, np.nan]),
    }
    slack = slack_under(Rule("all_and_at_least", 1, ("b", "c"), ("a",)), table)
    assert np.isnan(slack[0]) and slack[1:].tolist() == [-1.0, 1.0]
    assert met_with(Rule("all_and_at_least", 1, ("b", "c"), ("a",)), table, frozenset("a")).all()
