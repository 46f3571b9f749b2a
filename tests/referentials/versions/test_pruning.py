"""Old versions go on demand: never the newest, never one a study stands on."""

import hashlib
import json
from pathlib import Path

import pytest

from geoguichet.floor.errors import StoreError, UsageError
from geoguichet.referentials.readers.registry import FORMATS
from geoguichet.referentials.versions.store import ReferentialStore, plan_pruning, prune

HEADER = (
    "id,category,name,email,phone,wheelchair_access,latitude,longitude,geoloc_precision,address\n"
)
ROW = (
    '"mairie-0912{0}-01","mairie","Mairie {0}","","","",42.9,1.6,"8","1 rue du Pont, 09000, Foix"\n'
)


@pytest.fixture
def store(tmp_path: Path) -> ReferentialStore:
    store = ReferentialStore(tmp_path / "referentials")
    for number in range(4):
        path = tmp_path / f"{number}.csv"
        path.write_text(HEADER + ROW.format(number), encoding="utf-8")
        store.put("annuaire", FORMATS["dila-2020"].read(path), origin=path, reader="dila-2020")
    return store


def study(folder: Path, **said: object) -> None:
    folder.mkdir(parents=True)
    (folder / "manifest.json").write_text(json.dumps(said), encoding="utf-8")


def test_the_newest_and_the_cited_stay(store: ReferentialStore, tmp_path: Path) -> None:
    versions, studies = store.versions("annuaire"), tmp_path / "studies"
    exported = tmp_path / "territoire.gpkg"
    exported.write_bytes(b"made of the second version")
    store.remember_export(exported, [versions[1]])
    study(studies / "one", source=f"referentials/annuaire/{versions[0].short}/data.gpkg")
    study(studies / "two", inputs=[{"sha256": hashlib.sha256(exported.read_bytes()).hexdigest()}])
    plan = plan_pruning(store, "annuaire", keep=1, studies=studies)
    assert plan.removed == (versions[2],)
    assert [why for _, why in plan.kept] == [
        "citée par une étude",
        "citée par une étude",
        "la plus récente",
    ]
    assert store.versions("annuaire") == versions  # a plan removes nothing
    prune(store, plan)
    assert store.versions("annuaire") == [versions[0], versions[1], versions[3]]
    assert not list((tmp_path / "referentials" / "annuaire").glob(".*"))
    assert plan_pruning(store, "annuaire", keep=1, studies=studies).removed == ()


def test_what_a_repaired_version_comes_from_stays(store: ReferentialStore, tmp_path: Path) -> None:
    base = store.versions("annuaire")[1]
    reading = list(FORMATS["dila-2020"].read(tmp_path / "1.csv"))
    store.put(
        "annuaire",
        reading,
        origin=store.path(base),
        reader="x",
        mapping="fix",
        derived_from=base.digest,
    )
    plan = plan_pruning(store, "annuaire", keep=1, studies=tmp_path / "none")
    assert base in [version for version, _ in plan.kept]
    assert len(plan.removed) == 3


def test_a_doubt_removes_nothing(store: ReferentialStore, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="--keep 0"):
        plan_pruning(store, "annuaire", keep=0, studies=tmp_path)
    study(tmp_path / "studies" / "one")
    (tmp_path / "studies" / "one" / "manifest.json").write_text("{", encoding="utf-8")
    with pytest.raises(StoreError, match="rien n'est supprimé"):
        plan_pruning(store, "annuaire", keep=1, studies=tmp_path / "studies")
