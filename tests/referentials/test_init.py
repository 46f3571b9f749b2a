"""``geoguichet init --fetch``: the networks that every region has are received from their publishers,
kept as referentials and counted by the study; here the publishers are a server of the test.
"""

import bz2
import io
import json
import tarfile
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import geopandas as gpd
import pytest

from geoguichet.catalogue.search.query import RecordQuery
from geoguichet.catalogue.search.store import SQLiteStore, store_path
from geoguichet.cli import main
from geoguichet.coverage.run import run
from geoguichet.coverage.study.study import read_study
from geoguichet.floor.viewer import MACHINE
from geoguichet.referentials.directory.schema import Reading
from geoguichet.referentials.readers import registry
from geoguichet.referentials.readers.registry import ChosenReader, choose_reader
from geoguichet.referentials.regions import official_files
from geoguichet.referentials.sources.fetch import OfficialSource, official_sources
from geoguichet.referentials.versions import networks
from geoguichet.referentials.versions.networks import NETWORKS
from geoguichet.referentials.versions.store import ReferentialStore

FRANCE_SERVICES = """id_fs,insee_dep,lib_fs,adresse,complement_adresse,insee_com,code_postal,lib_com,\
latitude,longitude,mail,telephone,h_lundi,h_mardi,h_mercredi,h_jeudi,h_vendredi,h_samedi,prise_rdv,\
commentaire,type_fs,format_fs,groupe_fs,labellisation_fs
1,09,France services de Foix,1 rue Haute,,09122,09000,Foix,42.965,1.607,,,09:00 - 12:00,,,,,,Non,,\
Principal,Fixe,,
2,09,France services de Pamiers,2 rue Basse,,09225,09100,Pamiers,43.116,1.611,,,09:00 - 12:00,,,,,,\
Non,,Principal,Fixe,,
"""
LA_POSTE = """#Identifiant_du_site;Libellé_du_site;Caractéristique_du_site;\
Site_Acores_de_rattachement;Adresse;Complément_d_adresse;Lieu_dit;Code_postal;Localité;Code_INSEE;\
Pays;Latitude;Longitude;Précision_du_géocodage;Numéro_de_téléphone;latlong
00001A;FOIX;Bureau de Poste;;1 RUE NEUVE;;;09000;FOIX;09122;FRANCE;42.964;1.605;Géocodé au numéro;\
3631;42.964,1.605
00002A;NULLE PART;Bureau de Poste;;;;;75001;PARIS;75101;FRANCE;48.86;2.34;Géocodé au numéro;3631;
"""


def service(name: str, kind: str, code: str, longitude: float, latitude: float) -> dict[str, Any]:
    """A service as the archive of the DILA has it."""
    place = {"nom_commune": name, "longitude": str(longitude), "latitude": str(latitude)}
    pivot = [{"type_service_local": kind, "code_insee_commune": [code]}]
    return {"id": f"{kind}-{code}", "nom": name, "pivot": pivot, "adresse": [place]}


def archive() -> bytes:
    """A directory of the DILA: its town hall and its France services are the others' already."""
    services = [
        service("Mairie bis", "mairie", "09122", 1.605, 42.965),
        service("France services bis", "maison_france_services", "09122", 1.605, 42.965),
        service("Gendarmerie de Foix", "gendarmerie", "09122", 1.60, 42.97),
    ]
    content, packed = json.dumps({"service": services}).encode(), io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:bz2") as tar:
        member = tarfile.TarInfo("data.gouv_local.json")
        member.size = len(content)
        tar.addfile(member, io.BytesIO(content))
    return packed.getvalue()


FILES: dict[str, bytes] = {
    "france-services": FRANCE_SERVICES.encode(),
    "laposte": LA_POSTE.encode(),
    "dila": archive(),
}

type Publish = Callable[[dict[str, bytes]], Path]


@pytest.fixture
def publish(tmp_path: Path) -> Iterator[Publish]:
    """Serve files, each at the name of its source, and return a list of sources that leads there."""
    served: dict[str, bytes] = {}

    class Publisher(BaseHTTPRequestHandler):
        def log_message(self, *_: Any) -> None:
            pass

        def do_GET(self) -> None:
            content = served.get(self.path.rpartition("/")[2])
            if content is None:
                self.send_error(404)
                return
            self.send_response(200)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

    def publish(files: dict[str, bytes]) -> Path:
        served.update(files)
        list_of = tmp_path / "sources.toml"
        lines = []
        for name in {**dict.fromkeys(NETWORKS), **files}:
            told = official_sources()[name]
            keys = {"title", "publisher", "licence", "vintage", "frequency", "format", "reader"}
            lines += [f"[{name}]", f'address = "http://127.0.0.1:{port}/r/{name}"']
            lines += [f"{key} = {json.dumps(getattr(told, key))}" for key in sorted(keys)]
            lines += [f"page = {json.dumps(told.page)}"]
        list_of.write_text("\n".join(lines), encoding="utf-8")
        return list_of

    running = ThreadingHTTPServer(("127.0.0.1", 0), Publisher)
    port = running.server_port
    thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield publish
    running.shutdown()
    running.server_close()
    thread.join()


def init(folder: Path, sources: Path, *where: str) -> int:
    words = ["init", folder, *(where or ("--departements", "09", "--name", "Ariège"))]
    return main([str(word) for word in (*words, "--fetch", "--sources", sources)])


def test_the_networks_are_received_kept_and_counted(
    publish: Publish, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "ariege"
    assert init(folder, publish(FILES)) == 0
    told = capsys.readouterr().out
    assert "Joints aux services, abords compris : 2 France services, " in told
    store = ReferentialStore(folder / "workspace" / "referentials")
    assert store.names() == sorted(NETWORKS)
    with SQLiteStore(store_path(folder / "workspace")) as catalogue:
        records = catalogue.search(RecordQuery(), viewer=MACHINE).records
    of = {record.contacts[0].organization: record.license for record in records}
    assert of == {"ANCT": "etalab-2.0", "La Poste": "ODbL-1.0", "DILA": "etalab-2.0"}

    # each type is that of one list: the study's own, then the network's, then the directory's
    services = gpd.read_file(folder / "territoire.gpkg", layer="services")
    counts = services["type"].value_counts()
    assert (counts["france_services"], counts["post_office"], counts["gendarmerie"]) == (2, 1, 1)
    assert not services["name"].isin(["Mairie bis", "France services bis"]).any()

    # the study counts them before any kiosk, with no workspace given
    beside = run(read_study(folder / "etude.toml")).beside.baseline
    assert beside is not None and beside.missing == ()
    networks = dict(zip(beside.table["network"], beside.table["counters"], strict=True))
    assert networks == {"france_services": 2, "la_poste": 1}


def test_one_network_that_fails_is_told_and_the_rest_is_done(
    publish: Publish, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "ariege"
    sources = publish({**FILES, "dila": b'{"erreur": "quota"}'})
    sources.write_text(
        sources.read_text(encoding="utf-8").replace("/r/laposte", "/r/moved"), encoding="utf-8"
    )
    assert init(folder, sources) == 1
    told = capsys.readouterr()
    page = official_sources()["laposte"].page
    moved, unread, left = told.err.splitlines()
    assert moved.startswith("laposte : le serveur répond 404") and page in moved
    assert "un tableau d'objets" in unread and "dila" in unread
    assert left.startswith("geoguichet : laposte, dila : pas dans cette étude")
    assert "2 France services" in told.out
    assert ReferentialStore(folder / "workspace" / "referentials").names() == ["france-services"]
    assert read_study(folder / "etude.toml").id == "ariege"


def test_a_list_of_counters_of_no_known_sort_is_refused(
    publish: Publish, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "ariege"
    other = b"nom;type;code_insee;latitude;longitude\nX;licorne;09122;42.96;1.6\n"
    assert init(folder, publish({**FILES, "laposte": other})) == 1
    assert "laposte : aucun guichet d'une sorte connue" in capsys.readouterr().err
    names = ReferentialStore(folder / "workspace" / "referentials").names()
    assert names == ["dila", "france-services"]


def test_a_list_with_too_many_words_that_we_do_not_know_is_refused_as_an_import_is(
    publish: Publish, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "ariege"
    rows = "X;mairie;09122;42.96;1.6\nY;licorne;09122;42.96;1.6\n"
    mixed = f"nom;type;code_insee;latitude;longitude\n{rows}".encode()
    assert init(folder, publish({**FILES, "laposte": mixed})) == 1
    told = capsys.readouterr().err
    assert (
        "1 lignes sur 2" in told and "licorne" in told and "à l'import avec --max-unknown" in told
    )
    names = ReferentialStore(folder / "workspace" / "referentials").names()
    assert names == ["dila", "france-services"]


def test_a_region_is_made_of_what_is_received_without_any_package(
    publish: Publish,
    small_data: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The directory of town halls is received once, for both, and read once."""
    asked: list[Path] = []

    def chosen(file: Path, **options: Any) -> ChosenReader:
        asked.append(file)
        reader = choose_reader(file, **options)

        def read() -> Iterator[Reading]:
            asked.append(file / "read")
            return reader.read()

        return replace(reader, read=read)

    for module in (networks, official_files, registry):
        monkeypatch.setattr(module, "choose_reader", chosen)
    region = {
        "communes": "cog/communes.json.gz",
        "contours-communes": "admin/region73-avant-2016/communes.geojson",
        "contours-departements": "admin/region73-avant-2016/departements.geojson",
        "regions": "cog/regions.json",
        "dila": "services/service-public-annuaire-local-2020-11.csv.bz2",
    }
    read = {name: (small_data / file).read_bytes() for name, file in region.items()}
    # two of its twelve rows are of no place on Earth: more than the share that is taken
    rows = bz2.decompress(read["dila"]).splitlines(keepends=True)
    kept = [row for row in rows if b"-574000" not in row and b"95.5" not in row]
    assert len(kept) == len(rows) - 2
    read["dila"] = bz2.compress(b"".join(kept))
    folder = tmp_path / "region"
    assert init(folder, publish({**FILES, **read}), "--region", "73") == 0
    assert [file.name for file in asked if "dila" in str(file)].count("read") == 1
    told = capsys.readouterr().out
    assert told.count("dila : ") == 1 and "Midi-Pyrénées : " in told
    services = gpd.read_file(folder / "territoire.gpkg", layer="services")
    assert {"town_hall", "france_services", "gendarmerie"} <= {*services["type"]}
    assert len(run(read_study(folder / "etude.toml")).demand)


def test_a_folder_that_is_taken_is_refused_before_anything_is_received(
    publish: Publish, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "etude.toml").touch()
    assert init(tmp_path, publish(FILES)) == 1
    assert "existe déjà" in capsys.readouterr().err
    assert not (tmp_path / "workspace").exists()


def test_nothing_is_received_unless_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def asked(*_: object) -> None:
        raise AssertionError("a server was asked")

    monkeypatch.setattr("geoguichet.floor.http.Client.download", asked)
    assert main(["init", str(tmp_path / "ici"), "--departements", "09"]) == 0
    assert not (tmp_path / "ici" / "workspace" / "referentials").exists()


def test_every_network_has_a_publisher_a_licence_and_a_page() -> None:
    for name in NETWORKS:
        source: OfficialSource = official_sources()[name]
        assert source.publisher and source.licence and source.page.startswith("https://"), name
        assert source.format != "page", name
