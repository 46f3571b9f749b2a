"""How the plan is said: its search, its use, the plan carried out, and those left, in both
languages.
"""

from dataclasses import replace

import numpy as np
import pytest

from geoguichet.commands.printing import print_blocks
from geoguichet.coverage.kiosks.ranking import ReferenceOutcome
from geoguichet.coverage.outputs.plan_text import (
    cost_rows,
    curve_note,
    fewer_sentences,
    further_sentences,
    method_told,
    reference_sentences,
    rule_sentences,
    unserved_sentences,
    use_sentences,
)
from geoguichet.coverage.outputs.summary import of_study
from geoguichet.coverage.run import run
from geoguichet.coverage.study.hypotheses import Reference, Use
from geoguichet.floor.words import speaking


def test_a_search_is_told_in_the_reader_s_words() -> None:
    method = (
        "1120 x 2866 reduced to 1062 x 748; greedy 374301; swap 378358; swap 378358; bound "
        "383818.0156; "
        "64 zero-half cuts in 3 rounds, bound 383495; HiGHS 1.15.1; exact 383495"
    )
    assert method_told(method) == (
        "1 120 points et 2 866 lieux, réduits à 1 062 et 748 ; glouton 374 301 ; échanges 378 358 "
        "; borne 383 818,0 ; "
        "64 coupes en 3 tours ; borne 383 495 ; HiGHS 1.15.1 ; solveur exact 383 495"
    )
    assert method_told("0 zero-half cuts in 0 rounds, bound 12") == "relaxation linéaire ; borne 12"
    assert method_told("42 zero-half and disjunctive cuts in 9 rounds") == "42 coupes en 9 tours"
    stopped = "search 5; HiGHS 1.15.1: stopped by the time limit, bound inf"
    assert method_told(stopped) == "recherche locale 5 ; HiGHS 1.15.1, arrêté au temps fixé"
    with speaking("en"):
        assert (
            method_told("HiGHS 1.15.1: its process died (code -9)")
            == "HiGHS 1.15.1, stopped before the end"
        )
        assert (
            "1,120 points and 2,866 places, reduced to 1,062 and 748; greedy 374,301; swaps"
            in method_told(method)
        )
    assert method_told("bisection over 17907 distances, 14 set coverings").startswith(
        "dichotomie sur 17 907"
    )


def test_hosts_of_unknown_cost_are_counted_in_the_rule(result) -> None:
    by_place = result.study.kiosks.asked_with(site_cost_column="prix")
    priced = replace(result.study, kiosks=by_place)
    told = rule_sentences(
        replace(result, study=priced, counters=result.counters | {"hosts_without_cost": 60})
    )
    assert told[-1].endswith("(60 écartés, de coût inconnu)")
    assert (
        rule_sentences(replace(result, study=priced))[-1] == "coût propre à chaque lieu d’accueil"
    )


@pytest.mark.parametrize(
    "model", ["maximal_covering", "p_median", "p_center", "backup", "set_covering"]
)
def test_every_step_of_every_model_has_its_words(small, model: str) -> None:
    assert small.study.kiosks is not None
    asked = small.study.kiosks.asked_with(model=model, count=12)
    plan = run(replace(small.study, kiosks=asked)).plan
    assert plan is not None
    told = method_told(plan.method).replace("HiGHS", "")
    assert not any(
        word in told
        for word in ("bound", "swap", "search", "greedy", "reduced", "pairs", "cuts", "over")
    )


def test_the_use_is_told_wherever_kilometres_are_known(result) -> None:
    choice = result.study.kiosks
    said = " ".join(use_sentences(result))
    assert "2 856 km" in said and "0,03 recours" in said and "Manche" in said and "ADEME" in said
    timed = replace(
        result, study=replace(result.study, router=replace(result.study.router, kind="road"))
    )
    assert timed.study.unit == "s" and use_sentences(timed) == use_sentences(result)
    blind = replace(
        result, kiosks=result.kiosks.assign(km_saved_per_year=np.nan, co2_saved_kg_per_year=np.nan)
    )
    assert use_sentences(blind) == []
    own = replace(choice, use=Use(uses_per_person=0.015, co2_g_per_km=100))
    study = replace(result.study, kiosks=own)
    said = " ".join(use_sentences(replace(result, study=study)))
    assert "0,015" in said and "ADEME" not in said and "Manche" not in said


def test_a_plan_carried_out_is_set_against_as_many_kiosks_or_told_to_be_larger(result) -> None:
    assert result.ranking is not None
    said = " ".join(reference_sentences(result.ranking))
    assert "desserviraient 1 900 habitants. Le premier du plan en fait autant." in said
    assert (
        "2 visioguichets bien placés desservent 2 840 habitants ; il est prouvé" in said
        and "2 900" in said
    )
    larger = ReferenceOutcome(
        Reference("Plus grand", 80, 2_400_000.0), 4_000.0, 3_900.0, 2_840.0, 4_679.0, None
    )
    said = " ".join(reference_sentences(replace(result.ranking, reference=larger)))
    assert (
        "Ils desservent 4 000 habitants" in said
        and "en font autant" not in said
        and "—" not in said
    )
    assert (
        "Le plan n’ouvre que 2 visioguichets et dessert 2 840 habitants" in said
        and "avec 80" in said
    )


def test_those_left_and_those_asked_for_in_vain(result) -> None:
    assert result.ranking is not None and result.plan is not None
    told = unserved_sentences(result)
    assert (
        told[0].startswith("1 719 habitants, 1 commune : un lieu d’accueil est à portée")
        and len(told) == 1
    )
    choice = result.study.kiosks
    assert fewer_sentences(choice, result.plan) == []
    assert (
        "au-delà de 2, aucun lieu permis"
        in fewer_sentences(replace(choice, count=50), result.plan)[0]
    )


def test_the_report_gives_those_left_the_reasons_that_the_terminal_gives(result) -> None:
    reasons = unserved_sentences(result)
    told = [line for line in further_sentences(result) if line.startswith("Resteraient")]
    assert reasons and [line.partition(" : ")[2] for line in told] == reasons


def test_a_curve_that_reaches_its_bound_is_not_within_nothing_of_it(result) -> None:
    assert result.ranking is not None
    with speaking("fr", typeset=True):
        assert "2,1\u202f% au pire" in curve_note(result.ranking)
    reached = replace(result.ranking, curve=result.ranking.curve.assign(gap=0.0))
    assert "atteint, pour chaque" in curve_note(reached)
    with speaking("en"):
        assert "%" not in curve_note(reached)


def test_no_expert_is_no_line(result) -> None:
    assert len(cost_rows(result)["rows"]) == 5
    study = replace(result.study, kiosks=replace(result.study.kiosks, experts=0))
    assert len(cost_rows(replace(result, study=study))["rows"]) == 4


def test_the_terminal_says_why_the_search_stopped(
    result, capsys: pytest.CaptureFixture[str]
) -> None:
    print_blocks(of_study(result))
    printed = capsys.readouterr().out
    assert (
        "au plus 2 900 possibles" in printed
        and "La recherche s’est arrêtée au temps fixé par l’étude." in printed
    )
    assert "Calcul en 1,2 s : " in printed and "Le premier du plan en fait autant." in printed
