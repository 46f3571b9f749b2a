"""The colours of a region: read by everybody, by day and by night."""

import re

import pytest

from geoguichet.floor.region import GROUNDS, Theme
from geoguichet.floor.words import speaking
from geoguichet.portal.theme import LEGIBLE, contrast, legible, stylesheet, told


def test_contrasts_are_those_of_the_standard() -> None:
    assert contrast("#000000", "#FFFFFF") == pytest.approx(21)
    assert contrast("#777777", "#FFFFFF") == pytest.approx(4.48, abs=0.01)
    assert contrast("#FFFFFF", "#1D5C54") == pytest.approx(7.7, abs=0.05)


def test_a_colour_too_pale_is_darkened_and_it_is_said() -> None:
    theme = Theme(principale="#7FB800")
    (sentence,) = told(theme)
    used = re.findall("#[0-9A-F]{6}", sentence)[1]
    assert sentence.startswith("principale = #7FB800 n'est pas assez contrastée (2,1:1)")
    assert contrast(used, "#F3F0E8") >= LEGIBLE > contrast("#7FB800", "#F3F0E8")
    with speaking("en"):
        assert "has too little contrast (2.1:1)" in next(told(theme))
    assert list(told(Theme())) == []
    assert legible("#1D5C54", ("#FFFFFF",)) == "#1D5C54"


@pytest.mark.parametrize("ground", GROUNDS)
@pytest.mark.parametrize(
    "colour", ["#7FB800", "#FFFF00", "#000000", "#FFFFFF", "#1F4FFF", "#D00070"]
)
def test_every_theme_is_legible(ground: str, colour: str) -> None:
    sheet = stylesheet(Theme(principale=colour, accent=colour, fond=ground))
    for block in re.findall(r"\{(color-scheme[^}]*)\}", sheet):
        token = dict(re.findall(r"--([\w-]+):([^;]+)", block))
        for ink in ("encre", "encre-2", "principal", "accent"):
            for under in ("fond", "surface", "surface-2"):
                assert contrast(token[ink], token[under]) >= LEGIBLE, (ink, under)
        for ink, under in (("sur-principal", "principal"), ("principal", "principal-doux"),
                           ("encre", "principal-doux"), ("ok", "ok-doux"), ("non", "non-doux"),
                           ("inc", "inc-doux"), ("encre", "inc-doux")):  # fmt: skip
            assert contrast(token[ink], token[under]) >= LEGIBLE, (ink, under)
        assert contrast(token["trait-fort"], token["surface"]) >= 3
        assert contrast(token["focus"], token["fond"]) >= 3
