"""The point of a row proves its commune and its département where the row does not say them, and a row
that nothing places is named.
"""

from pathlib import Path

import geopandas as gpd
import pytest
import shapely

from geoguichet import cli
from geoguichet.referentials.directory.schema import Reading, join_readings
from geoguichet.referentials.readers.column_tables import read_chunks
from geoguichet.referentials.versions.proved import known_communes, proved
from geoguichet.referentials.versions.store import ReferentialStore

TOULOUSE, PAMIERS, PARIS = "1.4437,43.6043", "1.6106,43.1166", "2.35,48.85"


def read(folder: Path, *rows: str, head: str = "id,nom,type,longitude,latitude") -> Reading:
    path = folder / "liste.csv"
    path.write_text("\n".join([head, *rows]), encoding="utf-8")
    store = ReferentialStore(folder / "workspace" / "referentials")
    return join_readings(proved(read_chunks(path), lambda: known_communes(store)))


def places(reading: Reading) -> list[tuple[str | None, str | None]]:
    return list(zip(reading.rows["commune"], reading.rows["departement"], strict=True))


def told(reading: Reading, rule: str) -> list[tuple[int, str]]:
    return [(each.row, each.column) for each in reading.findings if each.rule == rule]


def test_the_point_says_what_the_row_does_not_and_it_is_told(tmp_path: Path) -> None:
    reading = read(
        tmp_path, f"1,A,mairie,{TOULOUSE}", f"2,B,mairie,{PAMIERS}", f"3,C,mairie,{PARIS}"
    )
    assert places(reading) == [("31555", "31"), ("09225", "09"), (None, None)]
    assert told(reading, "proved-by-point") == [
        (1, "commune"),
        (2, "commune"),
        (1, "departement"),
        (2, "departement"),
    ]
    assert reading.rows_in == len(reading.rows) == 3


@pytest.mark.parametrize(
    ("commune", "name", "postcode", "expected"),
    [
        ("09122", "", "", ("09122", "09")),  # a code is never changed
        ("", "TOULOUSE CEDEX 9", "", ("31555", "31")),
        ("", "Foix", "", (None, "31")),  # it names another: only the département is sure
        ("", "", "09000", (None, "09")),  # it says another département: nothing is sure
        ("", "", "31000", ("31555", "31")),
        ("31149", "", "", ("31149", "31")),
    ],
)
def test_what_the_row_says_is_never_changed(
    commune: str, name: str, postcode: str, expected: tuple[str | None, str | None], tmp_path: Path
) -> None:
    head = "id,nom,type,code insee,commune,code postal,longitude,latitude"
    reading = read(tmp_path, f"1,A,mairie,{commune},{name},{postcode},{TOULOUSE}", head=head)
    assert places(reading) == [expected]


def test_a_bus_is_not_of_the_commune_of_its_nominal_point(tmp_path: Path) -> None:
    head = "id,nom,type,itinérant,longitude,latitude"
    reading = read(tmp_path, f"1,A,msap,oui,{TOULOUSE}", f"2,B,msap,non,{TOULOUSE}", head=head)
    assert places(reading) == [(None, None), ("31555", "31")]


def test_a_row_that_nothing_places_is_named(tmp_path: Path) -> None:
    head = "id,nom,type,commune,longitude,latitude"
    reading = read(
        tmp_path, "1,A,mairie,,,", "2,B,mairie,Foix,,", f"3,C,mairie,,{TOULOUSE}", head=head
    )
    assert told(reading, "not-placed") == [(1, "")]
    assert len(reading.rows) == 3


def test_the_outlines_of_the_workspace_come_before_those_of_the_sample(tmp_path: Path) -> None:
    square = shapely.box(2.3, 48.8, 2.4, 48.9)
    frame = gpd.GeoDataFrame(
        {"insee_com": ["75056"], "nom_com": ["Paris"]}, geometry=[square], crs=4326
    )
    frame.to_file(tmp_path / "communes.gpkg")
    workspace = str(tmp_path / "workspace")
    command = ["referentials", "import", str(tmp_path / "communes.gpkg"), "--as", "territories"]
    assert cli.main([*command, "--workspace", workspace]) == 0
    reading = read(tmp_path, f"1,A,mairie,{PARIS}", f"2,B,mairie,{TOULOUSE}")
    assert places(reading) == [("75056", "75"), ("31555", "31")]


def test_the_command_keeps_what_points_prove(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "liste.csv"
    path.write_text(f"id,nom,type,longitude,latitude\n1,A,mairie,{PAMIERS}\n", encoding="utf-8")
    workspace = str(tmp_path / "w")
    assert cli.main(["referentials", "import", str(path), "--workspace", workspace]) == 0
    assert "proved-by-point" in capsys.readouterr().out
    store = ReferentialStore(tmp_path / "w" / "referentials")
    assert store.rows(store.find("liste"))["commune"].tolist() == ["09225"]
