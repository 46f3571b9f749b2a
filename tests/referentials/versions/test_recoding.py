"""Figures of one year land on the communes of another, and nobody is lost on the way."""

from pathlib import Path
from typing import Any

import pytest

from geoguichet.floor.errors import LayerError
from geoguichet.floor.findings import count_by_rule
from geoguichet.referentials.layers import sample_path
from geoguichet.referentials.readers.registry import choose_reader
from geoguichet.referentials.readers.territories import read_any_history, read_current
from geoguichet.referentials.readers.territories import read_outlines as read_boundaries
from geoguichet.referentials.regions.region import read_layers
from geoguichet.referentials.territories.code_history import CommuneHistory, movements_of
from geoguichet.referentials.versions.exports import join_figures
from geoguichet.referentials.versions.recoding import read_weights, recode_file

HISTORY = CommuneHistory(
    movements_of([("2016-01-01", "46002", "merger", ["46001"]), ("2018-01-01", "46003", "split",
    ["46003", "46004"])]),
    {"46001": (("1943-01-01", "9999"),), "46002": (("1943-01-01", "2016-01-01"),),
     "46003": (("1943-01-01", "9999"),), "46004": (("2018-01-01", "9999"),)},
    "2020-01-01",
)  # fmt: skip


def test_sums_are_conserved_and_said(tmp_path: Path) -> None:
    path = tmp_path / "pop2012.csv"
    path.write_text(
        "CODGEO;PMUN;nom\n46001;100;A\n46002;50;B\n46003;30;C\n99999;7;?\n", encoding="utf-8"
    )
    recoded = recode_file(path, HISTORY, since="2012-01-01")
    assert recoded.table["PMUN"].to_dict() == {"46001": 150.0, "46003": 15.0, "46004": 15.0}
    assert recoded.sums.loc["PMUN"].to_dict() == {"before": 187.0, "after": 180.0, "unplaced": 7.0}
    assert count_by_rule(recoded.findings) == {"split-share": 1, "unknown-commune": 1}
    with pytest.raises(LayerError, match="colonne absente"):
        recode_file(path, HISTORY, since="2012-01-01", columns=("PTOT",))


def test_the_shares_of_a_split_follow_the_people_of_its_parts(tmp_path: Path) -> None:
    path, weights = tmp_path / "pop2012.csv", tmp_path / "pop2020.csv"
    path.write_text("CODGEO;PMUN\n46003;30\n", encoding="utf-8")
    weights.write_text("CODGEO;Population\n46003;400\n46004;100\n46001;9\n", encoding="utf-8")
    followed = recode_file(path, HISTORY, since="2012-01-01", weights=read_weights(weights))
    assert followed.table["PMUN"].to_dict() == {"46003": 24.0, "46004": 6.0}
    assert (followed.split, followed.sums.at["PMUN", "after"]) == ((1, 0), 30.0)
    assert "au prorata des poids" in followed.findings[0].message
    weights.write_text("CODGEO;Population\n46003;400\n46001;9\n", encoding="utf-8")
    half = recode_file(path, HISTORY, since="2012-01-01", weights=read_weights(weights))
    assert half.table["PMUN"].to_dict() == {"46003": 15.0, "46004": 15.0}, (
        "one part is not known: none is"
    )
    assert half.split == (0, 1) and "parts égales" in half.findings[0].message
    weights.write_text("CODGEO;logements\n46003;400\n", encoding="utf-8")
    with pytest.raises(LayerError, match="aucune population de commune"):
        read_weights(weights)


def test_the_communes_of_2014_land_on_those_of_today(data: Any, tmp_path: Path) -> None:
    history = read_any_history(data.folder / "cog" / "histo-communes-insee.yaml.gz")
    current = read_current(data.folder / "cog" / "communes.json.gz")
    outlines = data.folder / "admin" / "region73-avant-2016" / "communes.geojson"
    old = next(iter(read_boundaries(outlines))).rows
    path = tmp_path / "people.csv"
    path.write_text(
        "code,people\n" + "".join(f"{code},10\n" for code in old["code"]), encoding="utf-8"
    )
    updated = history.updated(current, date="2026-01-01")
    recoded = recode_file(path, updated, since="2015-01-01", until="2026-01-01")
    people, communes = {"small": (50, 4), "shared": (30200, 2944)}[data.edition]
    assert recoded.table["people"].sum() == pytest.approx(people)
    today = {row["code"] for row in current if row["type"] == "commune-actuelle"}
    assert set(recoded.table.index) <= today
    assert len(recoded.table) == communes


def test_broadband_reaches_the_hosts_of_a_study(tmp_path: Path) -> None:
    path = tmp_path / "commune_techno.csv"
    path.write_text("code_insee;nom_com;nbr;elig_ftth\n09122;Foix;100;80\n", encoding="utf-8")
    table = next(iter(choose_reader(path, kind="broadband").read())).rows
    layers, names = join_figures(read_layers(sample_path()), table)
    assert names == ("premises", "fibre_share")
    hosts = layers["services"].set_index("id")
    assert hosts.at["mairie-09122", "fibre_share"] == 0.8
    assert hosts["fibre_share"].notna().sum() == (hosts["commune"] == "09122").sum()
    assert layers["communes"].set_index("code").at["09122", "premises"] == 100
