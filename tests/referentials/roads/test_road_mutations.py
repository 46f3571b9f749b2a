"""No mutation of a file of roads ends in a traceback, or in a network half written: seeded, a few in
`make test`, 500 in `make check-api` (``GEOGUICHET_MUTATIONS``).
"""

import importlib.util
import os
import random
from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path

import geopandas as gpd
import osmium
import pytest
import shapely

from geoguichet import cli
from geoguichet.coverage.routers.network import Network
from geoguichet.coverage.routers.road import RoadRouter
from geoguichet.floor.errors import GeoguichetError

RUNS = int(os.environ.get("GEOGUICHET_MUTATIONS", "40"))

PLACES = [(1.0 + n % 4 / 100, 44.0 + n // 4 / 100) for n in range(12)]
PAIRS = [(n, n + 1) for n in range(11) if n % 4 != 3] + [(n, n + 4) for n in range(8)]
CLASSES = ("autoroute", "nationale", "départementale", "chemin", "Bac")
ONEWAY, ACCESS = ("FT", "B", "TF", ""), ("Libre", "private", "", "destination")


def osm() -> str:
    """A small extract with all that is read of one."""
    nodes = [
        f'<node id="{n + 1}" version="1" lon="{x}" lat="{y}">{"<tag k='barrier' v='gate'/>" * (n == 5)}</node>'
        for n, (x, y) in enumerate(PLACES)
    ]
    ways = [
        f'<way id="{n + 1}" version="1"><nd ref="{a + 1}"/><nd ref="{b + 1}"/><tag k="highway" v="tertiary"/>'
        f'<tag k="oneway" v="{"yes" * (n == 3)}"/><tag k="maxspeed" v="{50 + n}"/>'
        f'<tag k="access" v="{ACCESS[n % 4]}"/></way>'
        for n, (a, b) in enumerate(PAIRS)
    ]
    turn = (
        '<relation id="1" version="1"><member type="way" ref="1" role="from"/><member type="node" ref="2" role="via"/>'
        '<member type="way" ref="2" role="to"/><tag k="restriction" v="no_left_turn"/></relation>'
    )
    return f'<osm version="0.6">{"".join(nodes)}\n{"".join(ways)}\n{turn}</osm>'.replace(
        "><", ">\n<"
    )


def write_roads(folder: Path) -> dict[str, list[str]]:
    """Write roads in every form; return the options of each file."""
    rows = [
        (a, b, CLASSES[n % 5], 30 + n, 800.5, ONEWAY[n % 4], ACCESS[n % 4])
        for n, (a, b) in enumerate(PAIRS)
    ]
    head = "u;v;class;kmh;m;way;access"
    table = "\n".join([head, *(";".join(map(str, row)) for row in rows)])
    (folder / "aretes.csv").write_text(table, encoding="utf-8")
    places = "\n".join(["id;x;y", *(f"{n};{x};{y}" for n, (x, y) in enumerate(PLACES))])
    (folder / "noeuds.csv").write_text(places, encoding="utf-8")
    lines = [shapely.LineString([PLACES[a], PLACES[b]]) for a, b in PAIRS]
    wkt = "\n".join(
        [
            "geom;" + head,
            *(
                f"{line.wkt};{';'.join(map(str, row))}"
                for line, row in zip(lines, rows, strict=True)
            ),
        ]
    )
    (folder / "wkt.csv").write_text(wkt, encoding="utf-8")
    frame = gpd.GeoDataFrame(rows, columns=head.split(";"), geometry=lines, crs=4326)
    frame.to_file(folder / "lignes.gpkg")
    frame.to_file(folder / "lignes.geojson")
    (folder / "plan.osm").write_text(osm(), encoding="utf-8")
    with osmium.SimpleWriter(str(folder / "plan.osm.pbf")) as writer:
        for found in osmium.FileProcessor(str(folder / "plan.osm")):
            writer.add(found)
    told = "class=class,speed_kmh=kmh,length_m=m,oneway=way,access=access"
    edges = ["--columns", f"from=u,to=v,{told}", "--nodes", str(folder / "noeuds.csv")]
    return {
        "aretes.csv": edges, "noeuds.csv": edges, "wkt.csv": ["--columns", f"geometry=geom,{told}"],
        "lignes.gpkg": ["--columns", told], "lignes.geojson": ["--columns", told],
        "plan.osm": [], "plan.osm.pbf": [],
    }  # fmt: skip


@pytest.fixture(scope="module")
def mutant() -> Callable[[bytes, random.Random], bytes]:
    """How the files of lists are changed too."""
    path = Path(__file__).parents[1] / "readers" / "test_mutations.py"
    spec = importlib.util.spec_from_file_location("mutations_of_lists", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.mutant


def made(file: Path, options: list[str], out: Path) -> int:
    """The exit code of the command that makes a network."""
    return cli.main(["referentials", "roads", str(file), "--out", str(out), *options])


def travelled(out: Path) -> str:
    """What becomes of a question put to a network."""
    points = gpd.GeoSeries(shapely.points(PLACES), crs=4326)
    try:
        for mode in ("car", "foot"):
            RoadRouter(Network.open(out), mode=mode).nearest(points, points.iloc[:2])
    except GeoguichetError:
        return "network refused"
    return "read"


def attempt(
    file: Path,
    options: list[str],
    folder: Path,
    change: Callable[[bytes], bytes],
    capsys: pytest.CaptureFixture[str],
) -> str:
    """What became of a mutation: ``read``, or ``refused`` in one sentence."""
    folder.mkdir()
    copy, out = folder / file.name, folder / "n.roads"
    copy.write_bytes(change(file.read_bytes()))
    source = copy
    if file.name == "noeuds.csv":
        source, options = file.with_name("aretes.csv"), [*options[:-1], str(copy)]
    if file.suffix == ".roads":
        return travelled(copy)
    code = made(source, options, out)
    said = capsys.readouterr().err.strip()
    if code == 0:
        return travelled(out)
    assert code in {1, 2} and sorted(folder.iterdir()) == [copy]
    assert said.startswith("geoguichet : ") and len(said.splitlines()) == 1, said
    return "refused"


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_no_mutation_of_roads_ends_in_a_traceback(
    mutant: Callable[[bytes, random.Random], bytes],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    options = write_roads(tmp_path)
    for name, given in options.items():
        assert (
            made(tmp_path / name.replace("noeuds", "aretes"), given, tmp_path / "whole.roads") == 0
        )
    options["whole.roads"] = []
    ends: Counter[str] = Counter()
    for number in range(RUNS):
        chance = random.Random(number)
        name = chance.choice(sorted(options))
        change = partial(mutant, chance=chance)
        try:
            end = attempt(tmp_path / name, options[name], tmp_path / str(number), change, capsys)
        except BaseException as error:
            error.add_note(f"mutation {number} of {name}")
            raise
        ends[end] += 1
    assert sum(ends.values()) == RUNS and min(ends["read"], ends["refused"]) > RUNS / 10, ends
