"""Figures of one day land on the communes of another; their sum is kept, and what is guessed is
told.
"""

from functools import cache
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geoguichet.floor.errors import LayerError
from geoguichet.floor.findings import count_by_rule
from geoguichet.referentials.readers import territories
from geoguichet.referentials.territories.code_history import CommuneHistory, Movement, in_order

END = "9999"


def history(*movements: Movement, **lives: tuple[tuple[str, str], ...]) -> CommuneHistory:
    return CommuneHistory(
        in_order(movements), {code[1:]: periods for code, periods in lives.items()}, "2020-01-01"
    )


MERGED = history(
    Movement("2016-01-01", "01002", ("01001",), "merger"),
    _01001=(("1943-01-01", END),),
    _01002=(("1943-01-01", "2016-01-01"),),
)
SPLIT = history(
    Movement("2000-01-01", "01001", ("01001", "01002"), "split"),
    _01001=(("1943-01-01", END),),
    _01002=(("2000-01-01", END),),
)


def test_a_merger_adds_up() -> None:
    landed = MERGED.land(pd.Series({"01001": 100, "01002": 50}), since="2012-01-01")
    assert landed.values.to_dict() == {"01001": 150}
    assert landed.findings == ()
    assert MERGED.successors("01002") == ("01001",)
    assert (MERGED.status("01002"), MERGED.status("01002", "2012-01-01")) == ("outdated", "current")


def test_a_split_is_shared_by_weight_and_told() -> None:
    weights = pd.Series({"01001": 300, "01002": 100})
    landed = SPLIT.land(pd.Series({"01001": 80}), since="1990-01-01", weights=weights)
    assert landed.values.to_dict() == {"01001": 60, "01002": 20}
    assert "75,0%" in landed.findings[0].message
    equal = SPLIT.land(pd.Series({"01001": 80}), since="1990-01-01")
    assert equal.values.to_dict() == {"01001": 40, "01002": 40}
    assert "à parts égales" in equal.findings[0].message


def test_a_commune_restored_gets_its_own_figures_back() -> None:
    restored = history(
        Movement("2005-01-01", "01002", ("01001",), "merger"),
        Movement("2010-01-01", "01001", ("01001", "01002"), "split"),
        _01001=(("1943-01-01", END),),
        _01002=(("1943-01-01", "2005-01-01"), ("2010-01-01", END)),
    )
    landed = restored.land(pd.Series({"01001": 100, "01002": 7}), since="2000-01-01")
    assert landed.values.to_dict() == {"01001": 100, "01002": 7}
    between = restored.land(pd.Series({"01001": 107}), since="2007-01-01")
    assert between.values.to_dict() == {"01001": 53.5, "01002": 53.5}


def test_a_change_of_code_and_a_merger_on_one_day_are_both_followed() -> None:
    chain = history(
        Movement("2018-01-01", "49144", ("44225",), "renumbering"),
        Movement("2018-01-01", "44225", ("44180",), "merger"),
        _49144=(("1943-01-01", "2018-01-01"),),
        _44225=(),
        _44180=(("2018-01-01", END),),
    )
    assert chain.land(pd.Series({"49144": 5}), since="2012-01-01").values.to_dict() == {"44180": 5}


def test_an_unknown_code_is_set_aside_and_an_outdated_one_followed() -> None:
    landed = MERGED.land(pd.Series({"01002": 5.0, "99999": 7.0}), since="2018-01-01")
    assert landed.values.to_dict() == {"01001": 5}
    assert landed.unplaced.to_dict() == {"99999": 7}
    assert count_by_rule(landed.findings) == {"outdated-commune": 1, "unknown-commune": 1}


@cache
def history_until_today(folder: Path) -> CommuneHistory:
    known = territories.read_history(folder / "histo-communes-insee.yaml.gz")
    return known.updated(territories.read_current(folder / "communes.json.gz"), date="2026-01-01")


@pytest.fixture
def france(data: Any) -> CommuneHistory:
    return history_until_today(data.folder / "cog")


def test_2012_lands_on_the_communes_of_today(france: CommuneHistory, data: Any) -> None:
    rows = territories.read_current(data.folder / "cog" / "communes.json.gz")
    today = {
        row["code"]: row.get("population", 0)
        for row in rows
        if row["type"].endswith(("actuelle", "municipal"))
    }
    values = pd.Series(
        1.0, index=[code for code in france.lives if france.in_force(code, "2012-01-01")]
    )
    landed = france.land(values, since="2012-01-01", weights=pd.Series(today))
    communes = {"small": 9, "shared": 36_745}[data.edition]
    assert len(values) == communes
    assert landed.values.sum() == pytest.approx(communes)
    assert set(landed.values.index) <= set(today)
    assert landed.shares.groupby("code")["share"].sum().between(1 - 1e-9, 1 + 1e-9).all()
    assert count_by_rule(landed.findings).get("split-share", 0) < 20


def test_known_mergers_of_the_region_are_followed(france: CommuneHistory, data: Any) -> None:
    assert france.successors("12076") == ("12218",)  # Conques, whose seat moved
    assert france.in_force("12218", "2026-01-01")
    assert [france.status(code) for code in ("31555", "12076", "99999")] == [
        "current",
        "outdated",
        "unknown",
    ]
    communes = {"small": 8, "shared": 34_968 + 45}[data.edition]
    assert sum(france.in_force(code, "2020-01-01") for code in france.lives) == communes


def test_mergers_transfers_splits_and_new_codes_are_read(small_data: Path) -> None:
    known = territories.read_history(small_data / "cog" / "histo-communes-insee.yaml.gz")
    kinds = {move.kind for move in known.movements}
    assert kinds == {"merger", "transfer", "split", "renumbering"}
    assert known.successors("09001") == ("32013",)
    assert known.successors("09004") == ("09005",)
    landed = known.land(pd.Series({"09002": 10.0}), since="1980-01-01")
    assert landed.values.to_dict() == {"09002": 5.0, "09003": 5.0}


@settings(deadline=None, max_examples=50)
@given(
    st.lists(st.floats(0, 1e6), min_size=3, max_size=3),
    st.sampled_from(["1990-01-01", "2001-01-01", "2017-01-01"]),
)
def test_the_sum_is_kept(values: list[float], since: str) -> None:
    mixed = history(
        Movement("2000-01-01", "01001", ("01001", "01003"), "split"),
        Movement("2005-01-01", "01002", ("01003",), "merger"),
        Movement("2016-01-01", "01003", ("01004",), "renumbering"),
        _01001=(("1943-01-01", END),),
        _01002=(("1943-01-01", "2005-01-01"),),
        _01003=(("2000-01-01", "2016-01-01"),),
        _01004=(("2016-01-01", END),),
    )
    landed = mixed.land(pd.Series(values, index=["01001", "01002", "01003"]), since=since)
    assert landed.values.sum() == pytest.approx(sum(values))


def test_insee_s_own_table_of_events_is_read(tmp_path: Path) -> None:
    head = "MOD,DATE_EFF,TYPECOM_AV,COM_AV,TNCC_AV,NCC_AV,TYPECOM_AP,COM_AP\n"
    rows = [
        "32,2016-01-01,COM,12076,0,CONQUES,COM,12218",
        "32,2016-01-01,COM,12218,0,SAINT-CYPRIEN,COM,12218",
        "21,2000-01-01,COM,01001,0,A,COM,01001",
        "21,2000-01-01,COM,01001,0,A,COM,01002",
        "10,1990-01-01,COM,01001,0,AA,COM,01001",
        "32,2016-01-01,COM,12076,0,CONQUES,COMD,12076",
    ]
    path = tmp_path / "v_mvtcommune.csv"
    path.write_text(head + "\n".join(rows) + "\n", encoding="utf-8")
    known = territories.read_movements(
        path, current=["12218", "01001", "01002"], valid="2024-01-01"
    )
    assert known.successors("12076") == ("12218",)
    assert known.land(pd.Series({"01001": 10}), since="1999-01-01").values.to_dict() == {
        "01001": 5,
        "01002": 5,
    }


def test_another_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "autre.yaml"
    path.write_text("bonjour: monde\n", encoding="utf-8")
    with pytest.raises(LayerError, match="aucun code de commune"):
        territories.read_history(path)
    with pytest.raises(LayerError, match="JSON"):
        territories.read_current(path)
