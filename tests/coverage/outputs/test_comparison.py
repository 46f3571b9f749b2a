"""The comparison on disk: a page that asks for nothing, layers another tool reads."""

from dataclasses import replace
from pathlib import Path

import pyogrio
import pytest

from geoguichet.coverage.compare import Comparison, altered, compare_sides, read_side, side_of
from geoguichet.coverage.errors import OutputError
from geoguichet.coverage.outputs import comparison as written
from geoguichet.coverage.outputs.folder import write_all
from geoguichet.coverage.run import find_white_zones, run
from geoguichet.coverage.study.study import Changes, Opening
from geoguichet.floor.words import NARROW, Cost, Unit, speaking

CLOSE, OPEN = (
    "sous-prefecture-092",
    Opening("town_hall", 1.2, 43.02, "Mo-Fr 08:00-18:00", "Mairie <neuve>"),
)


@pytest.fixture(scope="module")
def change(small) -> Comparison:
    study = altered(
        small.study, Changes(open=(OPEN, Opening("prefecture", 1.6, 42.9)), close=(CLOSE,))
    )
    return compare_sides(
        side_of(small, kiosks=False), side_of(find_white_zones(study), kiosks=False)
    )


def test_the_page_tells_the_change_and_asks_for_nothing(change):
    page = written.render(change)
    assert f"{change.total['lost']:,}".replace(",", NARROW) in page
    assert "fermeture de Sous-préfecture de Pamiers" in page and "Mairie &lt;neuve&gt;" in page
    assert "Mairie \\u003cneuve>" in page and "src=" not in page.split("<body>")[1]
    assert written.render(change) == page


def test_the_layers_hold_every_commune_and_area(change, tmp_path: Path):
    page, layers = written.write(change, tmp_path / "ici")
    assert page.is_file()
    communes, areas = (pyogrio.read_dataframe(layers, layer=name) for name in ("changes", "areas"))
    assert len(communes) == len(change.communes) and len(areas) == len(change.areas)
    assert (
        communes["change"].value_counts().to_dict()
        == change.communes["change"].value_counts().to_dict()
    )
    assert communes.crs.equals("EPSG:4326")
    first = layers.read_bytes()
    written.write(change, tmp_path / "ici")
    assert layers.read_bytes() == first


def test_thresholds_hours_and_idle_openings_are_told(small):
    study = altered(
        small.study,
        Changes(open=(Opening("town_hall", 1.6, 42.9),), hours=(("mairie-09122", "off"),)),
        within={"mairie": Cost(9500.0, Unit.METRES)},
    )
    second = side_of(find_white_zones(study), kiosks=False)
    with speaking("fr", typeset=True):
        told = written.changes_told(compare_sides(side_of(small, kiosks=False), second))
    assert told[0].startswith("ouverture sans effet\u00a0: mairie (1,600\u202f; 42,900)")
    assert "Mairie de Foix" in told[1] and told[1].endswith("nouveaux horaires\u00a0: fermé")
    assert told[2] == f"Mairie ouverte\u00a0: seuil de 8{NARROW}km à 9,5{NARROW}km"


def test_a_file_in_the_way(change, tmp_path: Path):
    (tmp_path / "ici").write_text("un fichier", encoding="utf-8")
    with pytest.raises(OutputError, match="--out"):
        written.write(change, tmp_path / "ici")


def test_two_plans_show_the_kiosks_that_move(small, tmp_path: Path):
    """Folders and results alike; two studies of one title are told apart, a road study is not said
    to be straight.
    """
    assert small.study.kiosks is not None
    one, other = (
        small,
        run(
            replace(small.study, id="autre", kiosks=small.study.kiosks.asked_with(model="p_median"))
        ),
    )
    for result in (one, other):
        write_all(result, tmp_path / result.study.id)
    told = compare_sides(side_of(one, kiosks=True), side_of(other, kiosks=True))
    page = written.render(told)
    read = compare_sides(
        *(read_side(tmp_path / result.study.id, kiosks=True) for result in (one, other))
    )
    for side, result in ((read.before, one), (read.after, other)):
        assert side.placed is not None and set(side.placed["host_id"]) == set(
            result.kiosks["host_id"]
        )
        assert side.inputs == result.inputs
    hosts = [set(result.kiosks["host_id"]) for result in (one, other)]
    assert hosts[0] - hosts[1], "this test is about two plans that differ"
    assert "d’avant seulement" in page and ("des deux côtés" in page) == bool(hosts[0] & hosts[1])
    assert (
        "(petite, ses visioguichets comptés)" in page
        and "(autre, ses visioguichets comptés)" in page
    )
    assert "à vol d’oiseau" in page and small.inputs[0].name in page
    timed = replace(
        told.after.study, router=replace(told.after.study.router, kind="road"), date="2026-11-22"
    )
    page = written.render(replace(told, after=replace(told.after, study=timed)))
    assert "à vol d’oiseau" not in page and "22\u00a0novembre 2026" in page
    nobody = compare_sides(side_of(small, kiosks=False), side_of(small, kiosks=False))
    assert "seulement" not in written.render(nobody)


def test_a_failure_leaves_the_previous_comparison(
    change, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    written.write(change, tmp_path)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}

    def fail(*_: object) -> None:
        raise OSError(28, "plus de place")

    monkeypatch.setattr(written, "write_layers", fail)
    with pytest.raises(OutputError, match="plus de place"):
        written.write(change, tmp_path)
    assert before == {path.name: path.read_bytes() for path in tmp_path.iterdir()}
