"""Words, numbers and keys of sources of roads: read by what they mean, else counted and named."""

import tomllib
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from geoguichet.floor.errors import LayerError
from geoguichet.referentials.roads import words
from geoguichet.referentials.roads.network_file import CLASS_MODES, ROAD_CLASSES, read_network
from geoguichet.referentials.roads.sources import from_frame, make_network, parse_mapping
from geoguichet.referentials.roads.words import Reading, folded, quantities, vocabulary

#: TRONCON_DE_ROUTE as IGN delivers it (BD TOPO 3.x): every column, its true name, in its order.
_BDTOPO_3 = (
    "cleabs nature nom_collaboratif_gauche nom_collaboratif_droite importance fictif "
    "position_par_rapport_au_sol etat_de_l_objet date_creation date_modification date_d_apparition "
    "date_de_confirmation sources identifiants_sources methode_d_acquisition_planimetrique "
    "methode_d_acquisition_altimetrique precision_planimetrique precision_altimetrique "
    "nombre_de_voies largeur_de_chaussee itineraire_vert sens_de_circulation reserve_aux_bus urbain "
    "vitesse_moyenne_vl acces_vehicule_leger acces_pieton periode_de_fermeture "
    "nature_de_la_restriction restriction_de_hauteur restriction_de_poids_total "
    "restriction_de_poids_par_essieu restriction_de_largeur restriction_de_longueur "
    "matieres_dangereuses_interdites cpx_numero cpx_numero_route_europeenne "
    "cpx_classement_administratif cpx_gestionnaire cpx_toponyme_route_nommee"
)
BDTOPO_3 = list(filter(None, _BDTOPO_3.split(" ")))


def senses(field: str, words: list) -> list[str]:
    return Reading("t", np.arange(len(words)) + 1).words(field, field, words).tolist()


def lines(tmp_path: Path, name: str = "routes", **columns: list) -> Path:
    """Roads of 0.01 degree, one after the other, with these columns."""
    count = len(next(iter(columns.values())))
    geometry = [shapely.LineString([(1 + n / 100, 44), (1.01 + n / 100, 44)]) for n in range(count)]
    path = tmp_path / f"{name}.gpkg"
    gpd.GeoDataFrame(columns, geometry=geometry, crs="EPSG:4326").to_file(path)
    return path


def access(path: Path) -> list[int]:
    arrays = read_network(path)[0]
    order = np.argsort(arrays["shape_lon"][arrays["shape_start"][:-1]])
    return arrays["edge_access"][order].tolist()


@pytest.mark.parametrize(
    ("words", "right"),
    [
        (["F", "T", "B"], ["forward", "backward", "both"]),  # Geofabrik, HERE
        (["FT", "TF", "", "N"], ["forward", "backward", "", "closed"]),  # TomTom
        (["Y", "N"], ["forward", "both"]),
        (["oui", "Non", None], ["forward", "both", ""]),
        ([1, 0, -1], ["forward", "both", "backward"]),
        (["1.0", "2.0", "nan"], ["forward", "both", ""]),
        ([True, False], ["forward", "both"]),
        (["Sens Direct", "SENS INVERSE", "Double sens", "Sans objet"],
            ["forward", "backward", "both", "both"]),
        (["Unique", "Double", "Inverse"], ["forward", "both", "backward"]),  # ROUTE 500
        (["reversible", "alternating"], ["closed", "both"]),
        (["F", "F"], ["?", "?"]),  # alone, it may be "false" or "forward"
        (["T", "F"], ["?", "?"]),
        (["gauche"], ["?"]),
    ],
)  # fmt: skip
def test_one_way_words(words: list, right: list[str]) -> None:
    assert senses("oneway", words) == right


@pytest.mark.parametrize(
    ("word", "right"),
    [
        ("AUTOROUTE", "motorway"),
        ("Type autoroutier", "motorway"),
        ("QUASI-AUTOROUTE", "trunk"),
        ("Nationale", "primary"),
        ("départementale", "secondary"),
        ("Liaison régionale", "secondary"),
        ("Motorway_Link", "motorway_link"),
        ("track_grade3", "track"),
        ("Route à 1 chaussée", "secondary"),
        ("ROUTE EMPIERREE", "track"),
        ("Bac ou liaison maritime", "ferry"),
        ("bac auto", "ferry"),
        ("Rond-point", "tertiary"),
        ("null", ""),
        ("S1200", "?"),
    ],
)
def test_class_words(word: str, right: str) -> None:
    assert senses("class", [word]) == [right]


@pytest.mark.parametrize(
    ("word", "right"),
    [
        ("Libre", "open"),
        ("A péage", "open"),
        ("Physiquement impossible", "closed"),
        ("Restreint aux ayants droit", "closed"),
        ("agricultural;forestry", "closed"),
        ("no;destination", "open"),
        ("forestry; delivery", "open"),
        ("agricultural;zzz", "?"),
        ("", ""),
    ],
)
def test_access_words_and_lists_of_them(word: str, right: str) -> None:
    assert senses("access", [word]) == [right]


@pytest.mark.parametrize(
    ("text", "field", "right"),
    [
        ("90 km/h", "speed_kmh", 90),
        ("90km/h", "speed_kmh", 90),
        ("90,5", "speed_kmh", 90.5),
        ("55 mph", "speed_kmh", 88.51392),
        ("10 m/s", "speed_kmh", 36),
        ("FR:zone:30", "speed_kmh", 30),
        ("1 000,5", "length_m", 1000.5),
        ("1.234,5 m", "length_m", 1234.5),
        ("1\u202f250 m", "length_m", 1250),
        ("2,5 km", "length_m", 2500),
        ("1,5 min", "seconds", 90),
        ("vite", "speed_kmh", None),
        ("90 noeuds", "speed_kmh", None),
    ],
)
def test_numbers_with_their_unit(text: str, field: str, right: float | None) -> None:
    (read,) = quantities([text], field)
    assert np.isnan(read) if right is None else read == pytest.approx(right)


def test_every_word_means_one_thing() -> None:
    table = tomllib.loads(Path(words.__file__).with_name("words.toml").read_text("utf-8"))
    for field in ("oneway", "class", "importance", "urban", "access", "state", "barrier"):
        meant = [sense for sense in vocabulary(field).values() if sense]
        assert len(set(meant)) > 1
        every = [word for known in table[field].values() for word in known]
        if field == "class":
            every += [folded(name) for name in ROAD_CLASSES]
        assert len(every) == len(set(every)) and not set(every) & set(table["unsaid"])
        assert every == [folded(word) for word in every], "as they are compared"
    assert set(table["ends"]["held"]) <= {*table["access"]["open"], *table["access"]["closed"]}
    assert set(vocabulary("class").values()) - {""} == set(ROAD_CLASSES) >= set(CLASS_MODES)


def test_an_unknown_word_is_named_and_refused_above_a_share(tmp_path: Path) -> None:
    path = lines(tmp_path, c=["primary"] * 3 + ["voie lactée"], s=["50", "70", "80 km/h", "vite"])
    mapping = {"class": "c", "speed_kmh": "s"}
    with pytest.raises(
        LayerError, match=r"routes\.gpkg, colonne « c » \(class\) : 1 lignes sur 4 .*« voie lactée » "
        r"\(1, dont la ligne 4\).*autoroute.*--max-unknown",
    ):  # fmt: skip
        make_network([path], tmp_path / "n.roads", mapping=mapping)
    assert not (tmp_path / "n.roads").exists()
    manifest = make_network([path], tmp_path / "n.roads", mapping=mapping, max_unknown=0.25)
    named = [(u["field"], u["word"], u["rows"], u["line"]) for u in manifest["unknown_words"]]
    assert named == [("class", "voie lactée", 1, 4), ("speed_kmh", "vite", 1, 4)]


def test_bd_topo_3_as_ign_delivers_it(tmp_path: Path) -> None:
    rows = [
        ("Route à 1 chaussée", "En service", "Double sens", 58, "Libre"),
        ("Route à 1 chaussée", "En service", "Double sens", 0, "Restreint aux ayants droit"),
        ("Type autoroutier", "En service", "Sens direct", 105, "A péage"),
        ("Route empierrée", "En service", "Sens inverse", 10, "Physiquement impossible"),
        ("Bac ou liaison maritime", "En service", "Double sens", 12, "Libre"),
        ("Route à 2 chaussées", "En construction", "Sens direct", 70, "Libre"),
        ("Sentier", "En service", "Sans objet", 0, None),
    ]
    given = ("nature", "etat_de_l_objet", "sens_de_circulation", "vitesse_moyenne_vl")
    table = pd.DataFrame(rows, columns=[*given, "acces_vehicule_leger"])
    table = table.reindex(columns=BDTOPO_3).assign(cpx_numero="D 12")
    path = lines(tmp_path, **{column: table[column].tolist() for column in BDTOPO_3})
    manifest = make_network([path], tmp_path / "n.roads", mapping=parse_mapping("bdtopo"))
    assert access(tmp_path / "n.roads") == [
        0b111111, 0b110110, 0b000001, 0b110100, 0b111111, 0b110110]  # fmt: skip
    arrays, names, _ = read_network(tmp_path / "n.roads")
    assert manifest["skipped"]["not_in_service"] == 1 and names == ["D 12"]
    assert (manifest["closed_to_cars"], manifest["unknown_words"]) == (2, [])
    order = np.argsort(arrays["shape_lon"][arrays["shape_start"][:-1]])
    assert arrays["edge_ends"][order].tolist() == [0, 0b001001, 0, 0, 0, 0], (
        "who lives there drives"
    )
    kmh = arrays["edge_length_m"][order[1]] / arrays["edge_car_s"][order[1]] * 3.6
    assert kmh == pytest.approx(15), "as on a service road, for its 0 km/h says nothing to him"
    ferry = arrays["edge_class"] == ROAD_CLASSES.index("ferry")
    kmh = arrays["edge_length_m"][ferry] / arrays["edge_car_s"][ferry] * 3.6
    assert kmh == pytest.approx(12)
    shapefile = path.with_suffix(".shp")  # its names have ten letters, and capitals
    short = {"nature": "NATURE", "sens_de_circulation": "SENS", "vitesse_moyenne_vl": "VIT_MOY_VL"}
    gpd.read_file(path)[[*short, "geometry"]].rename(columns=short).to_file(shapefile)
    assert (
        make_network([shapefile], tmp_path / "s.roads", mapping=parse_mapping("bdtopo"))["counts"][
            "edges"
        ]
        == 7
    )


def test_importance_and_town_of_bd_topo_say_what_a_road_is(tmp_path: Path) -> None:
    rows = [
        ("Route à 1 chaussée", "3", True, "secondary", 45.0),
        ("Route à 1 chaussée", "4", False, "tertiary", 50.0),
        ("Route à 1 chaussée", "4", True, "tertiary", 40.0),
        ("Route à 1 chaussée", "5", True, "unclassified", 30.0),
        ("Route à 2 chaussées", "2", False, "primary", 70.0),
        ("Route à 1 chaussée", None, None, "secondary", 60.0),
        ("Bretelle", "5", False, "primary_link", 45.0),
        ("Rond-point", "2", True, "primary", 45.0),
        ("Type autoroutier", "1", False, "motorway", 110.0),
        ("Route empierrée", "5", False, "track", 12.0),
    ]
    names = ("nature", "importance", "urbain")
    path = lines(tmp_path, **{name: [row[n] for row in rows] for n, name in enumerate(names)})
    manifest = make_network([path], tmp_path / "n.roads", mapping=parse_mapping("bdtopo"))
    arrays = read_network(tmp_path / "n.roads")[0]
    order = np.argsort(arrays["shape_lon"][arrays["shape_start"][:-1]])
    assert [ROAD_CLASSES[rank] for rank in arrays["edge_class"][order]] == [r[3] for r in rows]
    kmh = (arrays["edge_length_m"] / arrays["edge_car_s"] * 3.6)[order]
    assert kmh == pytest.approx([r[4] for r in rows]) and manifest["in_town"] == 4


def test_0_kmh_closes_a_road_but_an_unknown_limit_does_not(tmp_path: Path) -> None:
    for column, right in (("vitesse", 0b110110), ("maxspeed", 0b111111), ("VL", 0b110110)):
        path = lines(tmp_path, column, **{column: [0, 50], "c": ["primary"] * 2})
        manifest = make_network(
            [path], tmp_path / "n.roads", mapping={"class": "c", "speed_kmh": column}
        )
        assert access(tmp_path / "n.roads") == [right, 0b111111]
        assert manifest["closed_to_cars"] == (right != 0b111111)
        assert manifest["unsaid"] == ({"speed_kmh": 1} if column == "maxspeed" else {})


def test_a_column_may_be_several_and_may_be_missing() -> None:
    frame = gpd.GeoDataFrame(
        {"NUMERO": ["D1"]}, geometry=[shapely.LineString([(1, 44), (1.1, 44)])], crs=4326
    )
    read = from_frame(frame, mapping={"name": "cpx_numero|numero", "oneway": "sens|"}, where="t")
    assert read.name.tolist() == ["D1"]
    with pytest.raises(LayerError, match=r"colonne absente : sens\. Colonnes présentes : NUMERO"):
        from_frame(frame, mapping={"oneway": "sens"}, where="t")


def edges(tmp_path: Path, nodes: str, rows: str = "a;b\n1;2\n2;3\n") -> dict:
    (tmp_path / "edges.csv").write_text(rows, encoding="utf-8")
    (tmp_path / "nodes.csv").write_text(nodes, encoding="utf-8")
    return make_network(
        [tmp_path / "edges.csv"],
        tmp_path / "n.roads",
        mapping={"from": "a", "to": "b"},
        nodes=tmp_path / "nodes.csv",
    )["counts"]


def test_keys_of_nodes_are_numbers_or_text(tmp_path: Path) -> None:
    places = [";1.0;44.0\n", ";1,01;44,0\n", ";1.02;44.0\n"]
    for keys in (("1", "2", "3"), ("1.0", "2.0", "3.0"), ("N1", "N2", "É3"), ("1", "2", "2A004"),
                 ("10000000000000000001", "2", "3")):  # fmt: skip
        nodes = "id;lon;lat\n" + "".join(map("".join, zip(keys, places, strict=True)))
        plain = [key.removesuffix(".0") for key in keys]
        counts = edges(tmp_path, nodes, f"a;b\n{plain[0]};{plain[1]}\n{plain[1]};{plain[2]}\n")
        assert (counts["nodes"], counts["edges"], counts["components"]) == (3, 2, 1), keys


@pytest.mark.parametrize(
    ("nodes", "said"),
    [
        ("id;lon;lat\n1;1;44\n2;1.1;44\n3;1.2;44\n2;1.3;44\n", "« 2 ».*lignes 3, 5"),
        ("id;lon;lat\n1;1;44\n2;est;44\n3;1.2;44\n", "« lon », ligne 3 : « est » n'est pas un nombre"),
        ("id;x;y\n1;574000;6279000\n2;574100;6279000\n3;574200;6279000\n", "n'est pas en degrés"),
        ("id;lon\n1;1\n2;1\n3;1\n", "trois colonnes"),
    ],
)  # fmt: skip
def test_wrong_nodes_are_told_by_line(tmp_path: Path, nodes: str, said: str) -> None:
    with pytest.raises(LayerError, match=said):
        edges(tmp_path, nodes)


def test_the_same_node_twice_at_one_place_is_one_node(tmp_path: Path) -> None:
    counts = edges(tmp_path, "id;lon;lat\n1;1;44\n2;1.1;44\n2;1.1;44\n3;1.2;44\n")
    assert counts["nodes"] == 3
