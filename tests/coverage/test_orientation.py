"""Where to go from here, against sorting every counter by its distance."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from pyproj import Geod

from geoguichet.coverage.access import inputs
from geoguichet.coverage.errors import OrientationError
from geoguichet.coverage.manifest import CoverageResult
from geoguichet.coverage.orientation import (
    KIOSK,
    Directory,
    find_errand,
    find_place,
    nearest_counters,
    open_directory,
    study_and_result,
)
from geoguichet.coverage.outputs.folder import write_all
from geoguichet.referentials.directory.hours import Moment, is_open


@pytest.fixture(scope="module")
def folder(small: CoverageResult, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("ws") / "studies" / "petite"
    write_all(small, folder)
    return folder


@pytest.fixture(scope="module")
def directory(small: CoverageResult, folder: Path) -> Directory:
    return open_directory(small.study, folder)


def distance_m(place, points) -> np.ndarray:
    geod = Geod(ellps="WGS84")
    return np.array(
        [geod.inv(place.point.x, place.point.y, point.x, point.y)[2] for point in points]
    )


@pytest.mark.parametrize("at", [None, "mardi 10h30", "samedi 10h", "dimanche 3h"])
@pytest.mark.parametrize("place", ["Foix", "1.2,42.9"])
def test_town_halls_equal_a_sort_of_all(directory: Directory, place: str, at: str | None) -> None:
    here, when = find_place(directory, place), Moment.parse(at) if at else None
    found = nearest_counters(replace(directory, kiosks=None), here, "town_hall", at=when, k=4)
    halls = directory.services[
        (directory.services["type"] == "town_hall") & directory.services.geometry.notna()
    ]
    halls = halls.assign(d=distance_m(here, halls.geometry)).sort_values("d", kind="stable")
    if when is None:
        assert list(found.index) == list(halls.index[:4])
        return
    state = [is_open(hours, when) for hours in halls["hours"]]
    open_ = halls[[one is True for one in state]].head(4)
    unknown = halls[[one is None for one in state]].head(4)
    limit = open_["d"].max() if len(open_) == 4 else np.inf
    assert list(found.index[found["opening"] == "open"]) == list(open_.index)
    assert list(found.index[found["opening"] == "unknown"]) == list(
        unknown.index[unknown["d"] <= limit]
    )
    assert found["cost"].is_monotonic_increasing


def test_a_need_asks_for_its_hours(directory: Directory) -> None:
    found = nearest_counters(
        replace(directory, kiosks=None), find_place(directory, "09122"), "mairie", k=5
    )
    assert (found["hours_per_week"] >= 28).all() and len(found) == 5


def test_kiosks_stand_among_the_counters_they_replace(
    directory: Directory, small: CoverageResult
) -> None:
    kiosk = small.kiosks.iloc[0]
    found = nearest_counters(directory, find_place(directory, kiosk["commune"]), "etat", k=1)
    assert list(found["type"]) == [KIOSK] and kiosk["host"] in found["name"].iloc[0]
    assert found["commune_name"].iloc[0] == kiosk["name"] and found["cost"].iloc[0] < 1000
    assert KIOSK in set(
        nearest_counters(directory, find_place(directory, kiosk["commune"]), "prefecture")["type"]
    )
    only = small.study.kiosks and replace(
        small.study, kiosks=replace(small.study.kiosks, offers=("mairie",))
    )
    assert only
    assert KIOSK not in set(
        nearest_counters(replace(directory, study=only), find_place(directory, "Foix"), "etat")[
            "type"
        ]
    )


def test_unknown_hours_are_said(directory: Directory) -> None:
    counters = replace(directory, kiosks=None)
    found = nearest_counters(counters, find_place(directory, "Foix"), "etat", at=Moment(600))
    assert (
        set(found["opening"]) == {"unknown"} and (found["reopens"] == "").all() and len(found) == 3
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("saint", "communes : .*Saint-Girons.*essayez avec un nom plus complet"),
        ("Fox", "ne s'appelle 'Fox' ; essayez : Foix"),
        ("xxxxxxxx", "code INSEE"),
        ("42.966,1.605", "40 km du territoire.*longitude puis latitude"),
    ],
)
def test_a_place_nobody_can_tell(directory: Directory, text: str, said: str) -> None:
    with pytest.raises(OrientationError, match=said):
        find_place(directory, text)


def test_what_is_neither_need_nor_type(directory: Directory) -> None:
    with pytest.raises(OrientationError, match=r"'poste'.*essayez : etat, mairie, post"):
        nearest_counters(directory, find_place(directory, "Foix"), "poste")


@pytest.mark.parametrize(
    ("what", "types", "needs"),
    [
        ("etat", ("prefecture", "sous_prefecture"), ("etat",)),
        ("Guichet de l'État", ("prefecture", "sous_prefecture"), ("etat",)),
        ("sous_prefecture", ("sous_prefecture",), ("etat",)),
        ("Sous-préfectures", ("sous_prefecture",), ("etat",)),
        ("identity_card", ("town_hall",), ("mairie",)),
        ("refaire ma carte d’identité", ("town_hall",), ("mairie",)),
        ("titre de séjour", ("prefecture", "sous_prefecture"), ("etat",)),
        ("porter plainte", ("gendarmerie", "police_station"), ()),
        ("renew a passport", ("town_hall",), ("mairie",)),
    ],
)
def test_an_errand_is_told_in_the_citizens_words(
    small: CoverageResult, what: str, types: tuple[str, ...], needs: tuple[str, ...]
) -> None:
    errand = find_errand(small.study, what)
    assert (errand.types, errand.needs) == (types, needs) and errand.label


def test_an_errand_that_means_several_things_lists_them(directory: Directory) -> None:
    with pytest.raises(
        OrientationError, match=r"'carte' peut désigner plusieurs choses.*identity_card, vehicle"
    ):
        find_errand(directory.study, "carte")
    with pytest.raises(OrientationError, match="aucun guichet pour « porter plainte »"):
        nearest_counters(directory, find_place(directory, "Foix"), "porter plainte")
    halls = nearest_counters(directory, find_place(directory, "Foix"), "carte d'identité", k=2)
    assert halls["name"].iloc[0] == "Mairie de Foix"
    assert find_errand(directory.study, "carte d'identité").note


def test_a_kiosk_answers_only_for_what_it_opens(directory: Directory) -> None:
    assert directory.kiosks is not None
    closed = directory.kiosks.assign(
        needs=["etat", *["etat,mairie"] * (len(directory.kiosks) - 1)], standing="existing"
    )
    here = find_place(directory, "Foix")
    found = nearest_counters(replace(directory, kiosks=closed), here, "mairie", k=400)
    assert closed.index[0] not in found.index and closed.index[1] in found.index
    assert found["name"][closed.index[1]].startswith("Visioguichet existant, ")


def test_study_or_folder(small_path: Path, small: CoverageResult, folder: Path) -> None:
    assert study_and_result(small_path, folder.parents[1]) == (small.study, folder)
    assert study_and_result(folder, Path("ailleurs")) == (small.study, folder)
    assert open_directory(small.study, folder / "absent").kiosks is None


def test_what_a_result_was_made_of_is_not_judged_again(
    small: CoverageResult, folder: Path, directory: Directory, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: object, **__: object) -> None:
        raise AssertionError("judged again")

    whole = open_directory(small.study)
    monkeypatch.setattr(inputs.quality, "service_findings", refused)
    known = open_directory(small.study, folder)
    assert known.services.equals(whole.services) and known.services.equals(directory.services)
    with pytest.raises(AssertionError, match="judged again"):
        open_directory(small.study)
    path = folder / "manifest.json"
    written = path.read_text(encoding="utf-8")
    stale = json.loads(written)
    for layer in stale["inputs"]:
        layer["sha256"] = "0" * 64
    try:
        path.write_text(json.dumps(stale), encoding="utf-8")
        with pytest.raises(AssertionError, match="judged again"):
            open_directory(small.study, folder)
    finally:
        path.write_text(written, encoding="utf-8")


def test_a_proposed_kiosk_is_never_told_as_open(directory: Directory) -> None:
    here, then = find_place(directory, "Foix"), Moment.parse("mardi 10h")
    found = nearest_counters(directory, here, "etat", at=then, k=400)
    assert set(found.loc[found["type"] == KIOSK, "opening"]) == {"proposed"}
    assert directory.kiosks is not None
    standing = replace(directory, kiosks=directory.kiosks.assign(standing="existing"))
    found = nearest_counters(standing, here, "etat", at=then, k=400)
    assert "open" in set(found.loc[found["type"] == KIOSK, "opening"])


def test_a_proposed_kiosk_is_told_as_proposed_whatever_its_host_says(directory: Directory) -> None:
    assert directory.kiosks is not None
    here = find_place(directory, "Foix")
    for hours, at in (("24/7", ""), (None, "mardi 10h"), ("24/7", "mardi 10h")):
        planned = replace(directory, kiosks=directory.kiosks.assign(hours=hours))
        then = Moment.parse(at) if at else None
        found = nearest_counters(planned, here, "etat", at=then, k=400)
        kiosks = found[found["type"] == KIOSK]
        assert len(kiosks) and set(kiosks["opening"]) == {"proposed"}
        assert set(kiosks["reopens"]) == {""}
