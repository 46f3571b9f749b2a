"""From files of roads to one network file: what is read, what is refused, and the same bytes
whatever the row order.
"""

import gzip
import json
import subprocess
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import osmium
import pyarrow as pa
import pytest
import shapely
from pyproj import Geod

from geoguichet.floor import files
from geoguichet.floor.errors import LayerError, UsageError
from geoguichet.referentials.roads.network_file import (
    COLUMNS,
    DEGREE,
    ROAD_CLASSES,
    TABLES,
    read_network,
)
from geoguichet.referentials.roads.sources import FIELDS, make_network, parse_mapping
from geoguichet.referentials.roads.words import Reading

OSM = """<?xml version="1.0"?><osm version="0.6">
<node id="1" lon="1.00" lat="44.00"/><node id="2" lon="1.01" lat="44.00"/>
<node id="3" lon="1.02" lat="44.00"/><node id="4" lon="1.01" lat="44.01"/>
<node id="5" lon="1.01" lat="43.99"/><node id="6" lon="1.03" lat="44.00"/>
<node id="7" lon="1.015" lat="44.0"/>
<way id="10"><nd ref="1"/><nd ref="2"/><nd ref="7"/><nd ref="3"/>
  <tag k="highway" v="primary"/><tag k="maxspeed" v="80"/><tag k="ref" v="D 1"/></way>
<way id="11"><nd ref="4"/><nd ref="2"/><nd ref="5"/>
  <tag k="highway" v="residential"/><tag k="oneway" v="yes"/></way>
<way id="12"><nd ref="3"/><nd ref="6"/><tag k="highway" v="service"/>
  <tag k="access" v="private"/><tag k="foot" v="yes"/></way>
<way id="13"><nd ref="1"/><nd ref="5"/><tag k="highway" v="footway"/></way>
<way id="14"><nd ref="5"/><nd ref="6"/><tag k="highway" v="construction"/></way>
<way id="15"><nd ref="4"/><nd ref="99"/><nd ref="6"/>
  <tag k="highway" v="tertiary"/><tag k="oneway" v="-1"/></way>
</osm>"""


def built(
    tmp_path: Path, *files: Path, **options: object
) -> tuple[dict[str, np.ndarray], list[str], dict]:
    make_network(list(files), tmp_path / "out.roads", **options)
    return read_network(tmp_path / "out.roads")


def by_ends(arrays: dict[str, np.ndarray]) -> dict[tuple[int, int], int]:
    """Return each road by the keys of its ends; the parts of a split junction have that of its place."""
    place = list(zip(arrays["node_lon"].tolist(), arrays["node_lat"].tolist(), strict=True))
    key = {at: k for at, k in zip(place, arrays["node_key"].tolist(), strict=True) if k >= 0}
    ends = zip(arrays["edge_from"], arrays["edge_to"], strict=True)
    return {
        (key[place[a]], key[place[b]]): e for e, (a, b) in enumerate(ends) if place[a] != place[b]
    }


def test_openstreetmap_ways_are_cut_where_they_meet(tmp_path: Path) -> None:
    path = tmp_path / "village.osm"
    path.write_text(OSM, encoding="utf-8")
    arrays, names, manifest = built(tmp_path, path)
    edges = by_ends(arrays)
    assert set(edges) == {(1, 2), (2, 3), (4, 2), (2, 5), (3, 6), (1, 5), (4, 6)}, (
        "node 7 is a shape point, not a junction"
    )
    assert manifest["skipped"] == {"highway_not_a_road": 1, "node_missing": 1}
    assert (
        manifest["counts"]["nodes"],
        manifest["counts"]["edges"],
        manifest["counts"]["components"],
    ) == (7, 8, 1), "two streets cross at node 2: it is two nodes, and a turn joins them"
    assert manifest["turns"] == 1
    first = edges[1, 2]
    length = Geod(ellps="WGS84").inv(1.00, 44.0, 1.01, 44.0)[2]
    assert arrays["edge_length_m"][first] == pytest.approx(length, abs=1e-8)
    assert arrays["edge_car_s"][first] == pytest.approx(length * 3.6 / (80 * 0.9), abs=1e-8), (
        "90 % of what is posted, and nothing where it goes straight on"
    )
    assert names[arrays["edge_name"][first]] == "D 1"
    access = {ends: int(arrays["edge_access"][e]) for ends, e in edges.items()}
    assert access[1, 2] == 0b111111
    assert access[4, 2] == 0b100111, "one-way for wheels, both ways on foot"
    assert access[3, 6] == 0b100100, "private, but people on foot may pass"
    assert access[1, 5] == 0b100100
    assert access[4, 6] == 0b111100, "one-way against its drawing"
    assert manifest["sources"][0]["licence"].startswith("ODbL")


def test_the_readers_agree_with_pyosmium_itself(data: Any, tmp_path: Path) -> None:
    """Andorra: as many metres as a plain loop over the ways counts, and every road way is there; one
    node more where two streets cross, which the twin of ``benchmarks/coverage`` counts.
    """
    suffix, largest, with_speed = {
        "small": ("", 4, 2),
        "shared": (".pbf", 11_380 + 109, 1_804),
    }[data.edition]
    path = data.folder / "network" / "osm" / f"andorra-2025-01-19.osm{suffix}"
    arrays, _, manifest = built(tmp_path, path)
    geod, metres = Geod(ellps="WGS84"), 0.0
    for way in (
        osmium.FileProcessor(str(path))
        .with_locations()
        .with_filter(osmium.filter.KeyFilter("highway"))
    ):
        if way.is_way() and way.tags["highway"] in ROAD_CLASSES and way.tags.get("area") != "yes":
            places = [(node.lon, node.lat) for node in way.nodes]
            metres += geod.line_length(*zip(*places, strict=True)) if len(places) > 1 else 0.0
    assert arrays["edge_length_m"].sum() == pytest.approx(metres, rel=1e-9)
    assert manifest["counts"]["nodes_in_largest_component"] == largest
    assert manifest["speeds"]["edges_with_source_speed"] == with_speed


@pytest.mark.parametrize(
    ("text", "kmh"),
    [
        ("50", 50),
        ("30 mph", 48.28032),
        ("FR:urban", 50),
        ("FR:rural", 80),
        ("walk", 5),
        ("", None),
        ("signals", None),
        ("0", None),
    ],
)
def test_posted_limits(text: str, kmh: float | None) -> None:
    limit = Reading("map.osm", [1]).numbers("speed_kmh", "maxspeed", [text])[0]
    assert np.isnan(limit) if kmh is None else limit == pytest.approx(kmh)


def layer(tmp_path: Path, order: list[int]) -> Path:
    lines = [
        shapely.LineString([(1, 44), (1.005, 44.001), (1.01, 44)]),
        shapely.LineString([(1.01, 44), (1.02, 44)]),
        shapely.MultiLineString([[(1.02, 44), (1.03, 44)], [(1.02, 44), (1.02, 44.01)]]),
        shapely.LineString([(2, 45), (2.01, 45)]),
        None,
    ]
    frame = gpd.GeoDataFrame(
        {
            "nature": ["Route à 1 chaussée", "Type autoroutier", "Chemin", "Bretelle", "Chemin"],
            "numero": ["D1", "A20", None, "", None],
            "vitesse_moyenne_vl": [50, 110, 0, 40, 0],
            "sens_de_circulation": ["Double sens", "Sens direct", "Sans objet", "Sens inverse", ""],
        },
        geometry=lines,
        crs="EPSG:4326",
    ).to_crs("EPSG:2154")
    path = tmp_path / f"routes{''.join(map(str, order))}.gpkg"
    frame.iloc[order].to_file(path, layer="troncon_de_route")
    return path


def test_bd_topo_and_the_order_of_rows(tmp_path: Path) -> None:
    path = layer(tmp_path, [0, 1, 2, 3, 4])
    arrays, names, manifest = built(tmp_path, path, mapping=parse_mapping("bdtopo"))
    assert manifest["counts"] | {"length_km": 0} == {
        "nodes": 7,
        "edges": 5,
        "arcs": 9,
        "oneway_edges": 2,
        "components": 2,
        "nodes_in_largest_component": 5,
        "length_km": 0,
    }
    assert manifest["skipped"] == {"no_geometry": 1, "not_a_line": 0} and set(names) == {
        "",
        "A20",
        "D1",
    }
    road = int(np.flatnonzero(arrays["edge_name"] == names.index("D1"))[0])
    assert arrays["edge_car_s"][road] == pytest.approx(
        arrays["edge_length_m"][road] * 3.6 / 50, abs=1e-8
    )
    assert ROAD_CLASSES[arrays["edge_class"][road]] == "secondary"
    first = (tmp_path / "out.roads").read_bytes()
    other = layer(tmp_path, [3, 4, 1, 0, 2])
    built(tmp_path, other, mapping=parse_mapping("bdtopo"))
    again, second = read_network(tmp_path / "out.roads"), (tmp_path / "out.roads").read_bytes()
    assert all(again[0][column].tobytes() == arrays[column].tobytes() for column in arrays)
    assert len(first) == len(second), "only the digest of the source differs"


def test_two_sources_meet_where_their_coordinates_do(data: Any, tmp_path: Path) -> None:
    folder = data.folder / "network" / "travelmapping"
    together, alone_counts = {
        "small": ((6, 4), (5, 3)),
        "shared": ((16_788, 16_731), (12_629, 17_309)),
    }[data.edition]
    mapping = {"geometry": "geom_wkt", "class": "classe", "name": "routes", "length_m": "length_m"}
    files = [folder / f"{part}-edges.csv.gz" for part in ("midi-pyrenees", "voisins-11-47-48-15")]
    arrays, _, manifest = built(tmp_path, *files, mapping=mapping)
    counts = manifest["counts"]
    assert (counts["nodes"], counts["nodes_in_largest_component"]) == together
    alone = built(tmp_path, files[0], mapping=mapping)[2]["counts"]
    assert (alone["nodes"], alone["edges"]) == alone_counts
    assert (np.bincount(arrays["node_component"]).argmax(), len(manifest["sources"])) == (0, 2)


def test_the_file_is_mapped_versioned_and_says_where_it_comes_from(tmp_path: Path) -> None:
    path = layer(tmp_path, [0, 1, 2, 3, 4])
    arrays, _, manifest = built(tmp_path, path, mapping=parse_mapping("bdtopo"))
    assert not arrays["edge_length_m"].flags.owndata and not arrays["edge_length_m"].flags.writeable
    assert (manifest["format"], manifest["version"]) == ("geoguichet-roads", 1)
    assert (
        manifest["sources"][0]["name"] == path.name and len(manifest["sources"][0]["sha256"]) == 64
    )
    assert manifest["speeds"]["name"] in TABLES and manifest["speeds"]["version"] == "4"
    once = (tmp_path / "out.roads").read_bytes()
    built(tmp_path, path, mapping=parse_mapping("bdtopo"))
    assert (tmp_path / "out.roads").read_bytes() == once
    lon, lat = arrays["shape_lon"] / DEGREE, arrays["shape_lat"] / DEGREE
    assert (lon.min(), lat.max()) == (pytest.approx(1, abs=1e-6), pytest.approx(45, abs=1e-6))


def test_a_network_made_before_is_read_and_one_that_lacks_what_each_had_is_refused(
    tmp_path: Path,
) -> None:
    """Before private ways and turns were known, three columns were not there."""
    built(tmp_path, layer(tmp_path, [0, 1, 2]), mapping=parse_mapping("bdtopo"))
    arrays, _, manifest = read_network(tmp_path / "out.roads")
    with pa.OSFile(str(tmp_path / "out.roads")) as file:
        whole = pa.ipc.open_file(file).get_batch(0)

    def without(*columns: str, manifest: dict[str, Any] = manifest) -> Path:
        told = {"geoguichet-roads": json.dumps(manifest)}
        batch = whole.drop_columns(list(columns)).replace_schema_metadata(told)
        path = tmp_path / "other.roads"
        path.unlink(missing_ok=True)  # the last one may still be mapped
        with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, batch.schema) as writer:
            writer.write_batch(batch)
        return path

    later = ["edge_ends", "edge_back_from", "edge_back_to"]
    old = read_network(without(*later))[0]
    assert not old["edge_ends"].any() and set(old) == set(arrays)
    for column, same in (("edge_back_from", "edge_to"), ("edge_back_to", "edge_from")):
        assert old[column].tolist() == arrays[same].tolist()
    for column in set(COLUMNS) - set(later) | {"names"}:
        with pytest.raises(LayerError, match=rf"abîmé .*{column}"):
            read_network(without(column))
    slow = {**manifest, "speeds": {**manifest["speeds"], "foot_kmh": 0}}
    with pytest.raises(LayerError, match=r"abîmé .*foot_kmh"):
        read_network(without(manifest=slow))


def test_only_the_columns_that_are_read_count_in_the_budget_of_a_layer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """BD TOPO has 80 columns: a region of it is over the budget, what is read of it is not."""
    wide = {f"c{n}": ["x"] * 3 for n in range(70)} | {"NATURE": ["Route à 1 chaussée"] * 3}
    lines = [shapely.LineString([(1, 44 + n), (1.01, 44 + n)]) for n in range(3)]
    gpd.GeoDataFrame(wide, geometry=lines, crs="EPSG:4326").to_file(tmp_path / "r.gpkg")
    monkeypatch.setattr(files, "BUDGET", files.Budget(cells=20))
    arrays = built(tmp_path, tmp_path / "r.gpkg", mapping={"class": "nature"})[0]
    assert {ROAD_CLASSES[rank] for rank in arrays["edge_class"]} == {"secondary"}
    with pytest.raises(LayerError, match="cellules au plus"):
        built(
            tmp_path,
            tmp_path / "r.gpkg",
            mapping={f"{f}": f"c{n}" for n, f in enumerate(FIELDS[:8])},
        )
    monkeypatch.undo()
    row = b"1;" + b"2" * 60 + b"\n"
    (tmp_path / "e.csv.gz").write_bytes(gzip.compress(b"a;b\n" + row * (11 << 17), 1))
    with pytest.raises(LayerError, match="compressés donnent plus de"):
        built(tmp_path, tmp_path / "e.csv.gz", mapping={"from": "a", "to": "b"})


def test_what_is_no_road_is_refused_in_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(LayerError, match="introuvable"):
        make_network([tmp_path / "absent.osm.pbf"], tmp_path / "out.roads")
    (tmp_path / "bad.osm.pbf").write_bytes(b"not a pbf")
    with pytest.raises(LayerError, match="pas un fichier OpenStreetMap"):
        make_network([tmp_path / "bad.osm.pbf"], tmp_path / "out.roads")
    (tmp_path / "edges.csv").write_text("a;b\n1;2\n", encoding="utf-8")
    with pytest.raises(LayerError, match=r"colonne absente : from\. Colonnes présentes : a, b"):
        make_network(
            [tmp_path / "edges.csv"], tmp_path / "out.roads", mapping={"from": "from", "to": "b"}
        )
    with pytest.raises(LayerError, match="table de nœuds"):
        make_network(
            [tmp_path / "edges.csv"], tmp_path / "out.roads", mapping={"from": "a", "to": "b"}
        )
    (tmp_path / "nodes.csv").write_text("id,lon,lat\n1,1.0,44.0\n", encoding="utf-8")
    with pytest.raises(LayerError, match="nœud absent, dont la ligne 2"):
        make_network(
            [tmp_path / "edges.csv"],
            tmp_path / "out.roads",
            mapping={"from": "a", "to": "b"},
            nodes=tmp_path / "nodes.csv",
        )
    points = gpd.GeoDataFrame(geometry=[shapely.Point(1, 44)], crs="EPSG:4326")
    points.to_file(tmp_path / "points.gpkg")
    with pytest.raises(LayerError, match="aucune ligne"):
        make_network([tmp_path / "points.gpkg"], tmp_path / "out.roads")
    with pytest.raises(UsageError, match="par exemple class=nature"):
        parse_mapping("vitesse")


def test_the_command_makes_a_network(tmp_path: Path) -> None:
    import sys

    (tmp_path / "village.osm").write_text(OSM, encoding="utf-8")
    command = [
        sys.executable,
        "-m",
        "geoguichet.cli",
        "referentials",
        "roads",
        str(tmp_path / "village.osm"),
    ]
    done = subprocess.run(
        [*command, "--out", str(tmp_path / "v.roads")], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "7 routes" in done.stdout and json.dumps(read_network(tmp_path / "v.roads")[2])
    refused = subprocess.run([*command, "--out", str(tmp_path / "v.roads"), "--columns", "x"],
    capture_output=True, text=True, check=False)  # fmt: skip
    assert refused.returncode == 2 and refused.stderr.count("\n") == 1
