"""How results look and are worded: colours, the styles QGIS applies by itself when it opens them,
the phrases that the map, the report and the terminal share.
"""

import base64
import math
import re
from collections.abc import Callable, Iterable
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any, Literal
from xml.sax.saxutils import quoteattr

from jinja2 import Environment, FunctionLoader, StrictUndefined
from markupsafe import Markup

from geoguichet.coverage.errors import OutputError
from geoguichet.coverage.study.study import Study
from geoguichet.floor.words import (
    Message,
    Unit,
    _,
    cost,
    day,
    mass,
    ngettext,
    number,
    percent,
    pgettext,
    spaced,
    speaking,
)
from geoguichet.referentials.directory.services import service_name

# Phrases that the map, the report, the styles and the terminal share.


_CELL_STANDINGS = {
    "served": Message("Carreau desservi"),
    "kiosk": Message("Carreau desservi par un visioguichet"),
    "unserved": Message("Carreau non desservi"),
    "undecided": Message("Carreau non tranché"),
}
COMMUNE_STANDINGS = {
    "served": Message("Commune desservie"),
    "kiosk": Message("Commune desservie par un visioguichet"),
    "unserved": Message("Commune non desservie"),
    "undecided": Message("Commune non tranchée"),
}
#: Why a need is not met, and why a point stays unserved, by the reasons that a result tells.
UNREACHED = {
    "no_service": Message("aucun à portée"),
    "not_snapped": Message("aucune route assez proche"),
    "closed": Message("la route est fermée"),
    "cut_off": Message("aucune route des données n’en sort"),
    "private_way": Message("seule une voie privée y mène"),
    "hours_unknown": Message("un guichet à portée, dont les horaires sont inconnus"),
    "no_path": Message("aucun trajet n’y mène"),
    "beyond_limit": Message("au-delà de la limite de calcul"),
}
UNSERVED = {
    "full": Message("les visioguichets à portée n’ont plus de place"),
    "not_chosen": Message(
        "un lieu d’accueil est à portée, mais il n’est pas parmi les plus utiles"
    ),
    "no_candidate": Message("aucun lieu d’accueil à portée"),
    "excluded": Message("seul un lieu exclu par l’étude est à portée"),
    "need_not_offered": Message("il y manque un service que les visioguichets n’offrent pas"),
    "host_closed": Message("les lieux d’accueil à portée ne sont pas assez ouverts"),
    "host_refused": Message(
        "les lieux d’accueil à portée sont écartés par les conditions de l’étude (heures, débit "
        "ou coût)"
    ),
}


def standings(study: Study) -> dict[str, Message]:
    """Return what a demand point is called, by where it stands: served, by a kiosk, or not."""
    return COMMUNE_STANDINGS if study.demand.cells is None else _CELL_STANDINGS


def why_unreached(reason: str, study: Study) -> str:
    """Say why a need is not met, by the reason that the routers give."""
    return str(UNREACHED[reason]) if reason in UNREACHED else _not_located(study)


def why_unserved(reason: str, study: Study) -> str:
    """Say why a point stays unserved once the kiosks are open."""
    return str(UNSERVED[reason]) if reason in UNSERVED else _not_located(study)


def _not_located(study: Study) -> str:
    return _("commune non localisée") if study.demand.cells is None else _("carreau non localisé")


def how_measured(study: Study) -> str:
    """Say from where and along what the map measures."""
    cells, straight = study.demand.cells is not None, study.router.kind == "straight_line"
    if straight and cells:
        return _(
            "Distances à vol d’oiseau, depuis le centre de chaque carreau de population ; le "
            "trajet par la route est plus long."
        )
    if straight:
        return _(
            "Distances à vol d’oiseau, depuis le point qui représente chaque commune ; le trajet "
            "par la route est plus long."
        )
    return (
        _("Trajets sur le réseau de l’étude, depuis le centre de chaque carreau de population.")
        if cells
        else _("Trajets sur le réseau de l’étude, depuis le point qui représente chaque commune.")
    )


def n_people(n: int) -> str:
    """Say how many people: ``1 234 habitants``."""
    return ngettext("{n} habitant", "{n} habitants", n)


def n_kiosks(n: int) -> str:
    """Say how many kiosks."""
    return ngettext("{n} visioguichet", "{n} visioguichets", n)


def n_communes(n: int) -> str:
    """Say how many communes."""
    return ngettext("{n} commune", "{n} communes", n)


def first_of(
    names: Iterable[str], shown: int = 5, whole: Callable[[list[str]], str] = ", ".join
) -> str:
    """Return the first of names and how many more there are.

    Where one more would be all of them, all are named, as ``whole`` lists them.
    """
    every = list(names)
    if len(every) <= shown + 1:
        return whole(every)
    return ngettext(
        "{names} et {n} autre",
        "{names} et {n} autres",
        len(every) - shown,
        names=", ".join(every[:shown]),
    )


def nonempty(*sentences: object) -> list[str]:
    """Return the sentences that are said: what is none, false or empty is left out."""
    return [sentence for sentence in sentences if isinstance(sentence, str) and sentence]


def zone_class(low: int, high: int | None, unit: Unit) -> str:
    """Write a class of costs beyond the thresholds: under, from to, and over."""
    if high is None:
        return _("{low} et plus", low=cost(low, unit))
    return (
        _("moins de {high}", high=cost(high, unit))
        if low == 0
        else _("de {low} à {high}", low=cost(low, unit), high=cost(high, unit))
    )


def joined(parts: Iterable[str]) -> str:
    """Write parts of a sentence one after the other, as semicolons part them."""
    return _(" ; ").join(parts)


# The colours and classes that the map, the report and the QGIS styles share, safe for colour-
# blind readers.

#: Where a demand point stands: served already, served once the kiosks are open, not even then, or
#: nobody can tell.
type Standing = Literal["served", "kiosk", "unserved", "undecided"]

STANDING_COLOURS: dict[Standing, str] = {
    "served": "#9fb0b8",
    "kiosk": "#1f78b4",
    "unserved": "#b2182b",
    "undecided": "#c9a227",
}
SERVICE_COLOURS: dict[str, str] = {
    "prefecture": "#5b3a8c",
    "sous_prefecture": "#8f6bbd",
    "town_hall": "#4d7c5a",
    "town_hall_annex": "#7ea88a",
}
#: A commune's people between two answers; blue and red stay apart for colour-blind readers.
CHANGE_COLOURS: dict[str, str] = {
    "gained": "#5a9bd0",
    "nearer": "#c3ddee",
    "lost": "#cf5662",
    "farther": "#f6c8ae",
    "undecided": STANDING_COLOURS["undecided"],
    "same": "#eceeec",
}
#: The same for the circles that stand on them.
MOVED_COLOURS: dict[str, str] = CHANGE_COLOURS | {"gained": "#0c3f73", "lost": "#7d0f1d"}
#: What is lacking, the combination of needs that most people lack first; those that follow the last
#: share its colour.
LACKING_COLOURS = ("#dd8a3d", "#4f93a0", "#8e2f3c", "#9a7fb5", "#b9a53f", "#77787b")
#: How sure a white zone is: darker is surer.
SURENESS_COLOURS: dict[str, str] = {
    "certain": "#b3404a",
    "likely": "#e08a5b",
    "possible": "#f5d491",
    "never": "#eceeec",
}
OTHER_SERVICE = "#6b6b6b"
KIOSK = "#12355b"
LAND = "#fbfaf7"
BORDER = "#8b949b"
INK = "#1d2a33"

#: Mean excess beyond the thresholds at which a white zone changes colour; fixed, so that two
#: studies compare.
ZONE_BREAKS_M: tuple[int, ...] = (1_000, 2_500, 5_000)
ZONE_COLOURS: tuple[str, ...] = ("#fdf0c8", "#fbd993", "#f2b566", "#dc8a45")
ZONE_EDGE = "#8a4b1c"


#: The same for a study of times: 5, 10 and 20 minutes.
ZONE_BREAKS_S: tuple[int, ...] = (300, 600, 1_200)


def zone_colour(mean: float, unit: Unit = Unit.METRES) -> str:
    """Return the colour of a white zone that far beyond the thresholds on average (NaN: nothing
    reachable).
    """
    breaks = ZONE_BREAKS_S if unit is Unit.SECONDS else ZONE_BREAKS_M
    return (
        ZONE_COLOURS[-1]
        if math.isnan(mean)
        else ZONE_COLOURS[sum(mean >= limit for limit in breaks)]
    )


def zone_classes(unit: Unit = Unit.METRES) -> list[tuple[int, int | None, str]]:
    """Return the classes of white zones as (from, up to, colour), in metres or seconds; the last
    has no upper limit.
    """
    breaks = ZONE_BREAKS_S if unit is Unit.SECONDS else ZONE_BREAKS_M
    lows, highs = (0, *breaks), (*breaks, None)
    return list(zip(lows, highs, ZONE_COLOURS, strict=True))


def standing(*, served: bool, served_after: bool, undecided: bool = False) -> Standing:
    """Return where a demand point stands."""
    if served or undecided:
        return "served" if served else "undecided"
    return "kiosk" if served_after else "unserved"


# The templates of the pages, filled: one way for reports and for the panels of maps.

TEMPLATES = resources.files("geoguichet.coverage.outputs") / "templates"


def template_text(name: str) -> str:
    """Return a template as it stands."""
    return (TEMPLATES / name).read_text(encoding="utf-8")


def filled(name: str, **content: Any) -> str:
    """Return a template with its fields filled; what is told is escaped, and a field that is not
    given is an error.
    """
    return _environment().get_template(name).render(**content)


@cache
def _environment() -> Environment:
    environment = Environment(
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        loader=FunctionLoader(template_text),
    )
    environment.globals |= _WORDS
    environment.filters |= {"tenth": "{:.1f}".format, "quoted": _quoted}
    return environment


#: What the templates say words and figures with.
_WORDS: dict[str, Callable[..., str]] = {
    "_": _,
    "ngettext": ngettext,
    "pgettext": pgettext,
    "spaced": spaced,
    "n_kiosks": n_kiosks,
    "n_people": n_people,
    "day": day,
    "mass": mass,
    "number": number,
    "percent": percent,
}


# Write an attribute of XML with its quotes.
def _quoted(value: object) -> Markup:
    return Markup(quoteattr(str(value)))  # noqa: S704  escaped here


_STANDING = (
    """CASE WHEN "served" THEN 'served' WHEN "undecided" THEN 'undecided' """
    """WHEN "served_after" THEN 'kiosk' ELSE 'unserved' END"""
)
#: Area in proportion to the people, so that Toulouse does not hide its neighbours.
_SIZE_MM = 'coalesce(scale_exp("people", 0, 500000, 0.6, 12, 0.5), 0.6)'

#: Where nothing at all is reachable the mean is missing: the darkest class.
_EXCESS = 'coalesce("mean_{unit}", 999999)'


def layer_styles(language: str, unit: Unit = Unit.METRES) -> dict[str, str]:
    """Return the QML document of each layer of ``result.gpkg``."""
    with speaking(language, typeset=True):
        layers: dict[str, dict[str, Any]] = {
            "demand": {
                "kind": "categorizedSymbol",
                "attribute": _STANDING,
                "size": _SIZE_MM,
                "classes": [
                    (key, COMMUNE_STANDINGS[key], _marker(colour, 1.2, "circle"))
                    for key, colour in STANDING_COLOURS.items()
                ],
            },
            "services": {
                "kind": "categorizedSymbol",
                "attribute": "type",
                "classes": [
                    *(
                        (
                            key,
                            service_name(key).capitalize(),
                            _marker(colour, 3.0 if "prefecture" in key else 1.8, "square"),
                        )
                        for key, colour in SERVICE_COLOURS.items()
                    ),
                    ("", _("Autre service"), _marker(OTHER_SERVICE, 1.8, "square")),
                ],
            },
            "white_zones": {
                "kind": "graduatedSymbol",
                "attribute": _EXCESS.format(unit=unit),
                "classes": [
                    ((low, high), zone_class(low, high, unit), _fill(colour))
                    for low, high, colour in zone_classes(unit)
                ],
            },
            "kiosks": {
                "kind": "singleSymbol",
                "attribute": "",
                "classes": [("", "", _marker(KIOSK, 5.0, "circle"))],
                "labels": True,
            },
        }
        blank = {"size": "", "labels": False}
        return {
            name: f"{_DOCTYPE}\n{filled('style.qml', **blank | layer).replace('\n', '')}\n"
            for name, layer in layers.items()
        }


_DOCTYPE = "<!DOCTYPE qgis PUBLIC 'http://mrcc.com/qgis.dtd' 'SYSTEM'>"


# Return the properties of a symbol, by QGIS's names.
def _marker(colour: str, size: float, shape: str) -> dict[str, str]:
    return {
        "color": _rgba(colour),
        "name": shape,
        "outline_color": "255,255,255,255",
        "outline_width": "0.15",
        "outline_width_unit": "MM",
        "outline_style": "solid",
        "size": str(size),
        "size_unit": "MM",
        "scale_method": "diameter",
    }


def _fill(colour: str) -> dict[str, str]:
    return {
        "color": _rgba(colour, alpha=205),
        "style": "solid",
        "outline_color": _rgba(INK, alpha=150),
        "outline_style": "solid",
        "outline_width": "0.2",
        "outline_width_unit": "MM",
    }


def _rgba(colour: str, alpha: int = 255) -> str:
    return ",".join(str(int(colour[start : start + 2], 16)) for start in (1, 3, 5)) + f",{alpha}"


# Leaflet as text that needs no other file, for pages that open with no network. Its files are those of
# the npm package, taken at set-up (``make front-end``) and kept out of git.

VENDOR = Path(str(resources.files("geoguichet.coverage.outputs") / "vendor"))
LEAFLET = VENDOR / "leaflet"
NO_LEAFLET = Message(
    "les cartes d'un seul fichier ne sont pas écrites : Leaflet n'est pas installé ; "
    "essayez : make front-end, là où npm atteint son registre, puis recommencez."
)


def leaflet_present() -> bool:
    """Whether Leaflet was taken, so that maps can be written."""
    return (LEAFLET / "leaflet.js").is_file()


@cache
def leaflet_js() -> str:
    """Return Leaflet's script, without the line that points at its source map."""
    return _text("leaflet.js").rsplit("//# sourceMappingURL=", 1)[0].rstrip()


@cache
def leaflet_css() -> str:
    """Return Leaflet's style sheet with its images inside."""

    def inline(match: re.Match[str]) -> str:
        image = (LEAFLET / match[1]).read_bytes()
        return f"url(data:image/png;base64,{base64.b64encode(image).decode('ascii')})"

    return re.sub(
        r"url\((images/[\w-]+\.png)\)", inline, _text("leaflet.css").replace("\r\n", "\n")
    )


def _text(name: str) -> str:
    try:
        return (LEAFLET / name).read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise OutputError(NO_LEAFLET) from error
