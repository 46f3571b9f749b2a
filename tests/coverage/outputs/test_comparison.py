"""The comparison on disk: a page that asks for nothing, layers another tool reads."""

from pathlib import Path

import pyogrio
import pytest

from geoguichet.coverage.compare import Comparison, altered, compare, side_of
from geoguichet.coverage.errors import OutputError
from geoguichet.coverage.outputs import comparison as written
from geoguichet.coverage.outputs.wording import NARROW, Wording
from geoguichet.coverage.run import find_white_zones
from geoguichet.coverage.study import Changes, Opening

CLOSE, OPEN = "sous-prefecture-092", Opening("town_hall", 1.2, 43.02, "Mo-Fr 08:00-18:00", "Mairie <neuve>")


@pytest.fixture(scope="module")
def change(small) -> Comparison:
    study = altered(small.study, Changes(open=(OPEN, Opening("prefecture", 1.6, 42.9)), close=(CLOSE,)))
    return compare(side_of(small, kiosks=False), side_of(find_white_zones(study), kiosks=False))


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
    assert communes["change"].value_counts().to_dict() == change.communes["change"].value_counts().to_dict()
    assert communes.crs.equals("EPSG:4326")
    first = layers.read_bytes()
    written.write(change, tmp_path / "ici")
    assert layers.read_bytes() == first


def test_thresholds_hours_and_idle_openings_are_told(small):
    study = altered(
        small.study,
        Changes(open=(Opening("town_hall", 1.6, 42.9),), hours=(("mairie-09122", "off"),)),
        within={"mairie": 9500.0},
    )
    told = written.changes_told(
        compare(side_of(small, kiosks=False), side_of(find_white_zones(study), kiosks=False)), Wording("fr")
    )
    assert told[0].startswith("ouverture sans effet") and "Mairie de Foix" in told[1] and "off" in told[1]
    assert told[2] == f"Mairie ouverte\u00a0: seuil de 8{NARROW}km à 9,5{NARROW}km"


def test_a_file_in_the_way(change, tmp_path: Path):
    (tmp_path / "ici").write_text("un fichier", encoding="utf-8")
    with pytest.raises(OutputError, match="--out"):
        written.write(change, tmp_path / "ici")
