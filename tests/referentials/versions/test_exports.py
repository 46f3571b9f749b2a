"""What is given away for a study: each service in its commune, or named."""

from pathlib import Path

from geoguichet.floor.findings import Finding
from geoguichet.referentials.directory.schema import join_readings
from geoguichet.referentials.layers import sample_path
from geoguichet.referentials.readers.column_tables import read_chunks
from geoguichet.referentials.regions.region import read_layers
from geoguichet.referentials.versions.exports import join_to


def test_what_an_export_leaves_out_is_named(tmp_path: Path) -> None:
    path = tmp_path / "poste.csv"
    path.write_text(
        "id;Nom;Type;Code INSEE;Code postal;Commune;Longitude;Latitude\n"
        "1;Par son code;Bureau de poste;9122;;;;\n2;Par son nom;Bureau de poste;;31902;TOULOUSE CEDEX 9;;\n"
        "3;Par son point;Bureau de poste;;;;1.6053;42.9661\n4;Nulle part;Bureau de poste;;31000;Tolosa;;\n"
        "5;Rien de dit;Bureau de poste;;;;;\n6;Ailleurs;Bureau de poste;75056;75001;Paris;;\n",
        "utf-8",
    )
    told: list[Finding] = []
    rows = join_readings(read_chunks(path)).rows
    services = join_to(read_layers(sample_path()), [rows], types=["post_office"], told=told)[
        "services"
    ]
    posts = services[services["type"] == "post_office"].set_index("name")["commune"]
    assert posts.to_dict() == {
        "Par son code": "09122",
        "Par son nom": "31555",
        "Par son point": "09122",
    }
    named = [each.item for each in told if each.rule == "not-placed"]
    assert (named, len(posts) + len(named)) == (["4", "5"], 5)
    assert [each.rule for each in told if each.rule != "not-placed"] == ["outside-territory"]
