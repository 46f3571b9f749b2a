"""The command as a user meets it: what it prints, how it refuses, what it leaves on disk."""

import hashlib
import json
import os
import re
import resource
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from dataclasses import replace
from pathlib import Path

import geopandas as gpd
import pyogrio
import pytest
import shapely

from geoguichet.cli import main
from geoguichet.coverage.outputs import style
from geoguichet.coverage.siting import highs
from geoguichet.referentials.roads.sources import make_network

ROOT = Path(__file__).parents[1]


@pytest.fixture
def study(tmp_path: Path, small_path: Path) -> Path:
    """A copy of the small study and of its GeoPackage, to be changed at will."""
    shutil.copy(small_path.with_name("ariege.gpkg"), tmp_path)
    return Path(shutil.copy(small_path, tmp_path))


def replace_layer(path: Path, layer: str, frame: gpd.GeoDataFrame, **options: object) -> None:
    pyogrio.write_dataframe(frame, path, layer=layer, **options)


def run(study: Path, *options: str) -> int:
    return main(["coverage", "run", str(study), "--workspace", str(study.parent / "ws"), *options])


def refused(capsys: pytest.CaptureFixture[str], code: int, expected: int, *said: str) -> None:
    out, err = capsys.readouterr()
    assert code == expected, err
    assert (
        out == ""
        and err.startswith("geoguichet : ")
        and err.count("\n") == 1
        and "Traceback" not in err
    )
    for words in said:
        assert words in err


def snapshot(folder: Path) -> dict[str, str]:
    return {
        str(file.relative_to(folder)): hashlib.sha256(file.read_bytes()).hexdigest()
        for file in sorted(folder.rglob("*"))
        if file.is_file()
    }


# --- what it does
# -----------------------------------------------------------------------------------------------------


def test_a_small_study_from_file_to_catalogue(
    study: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(study) == 0
    out, err = capsys.readouterr()
    assert (
        "Petite étude de l'Ariège" in out
        and "09 Ariège" in out
        and "optimum prouvé" in out
        and err == ""
    )
    folder = study.parent / "ws" / "studies" / "petite"
    assert sorted(file.name for file in folder.iterdir()) == [
        "manifest.json",
        "map.html",
        "report.html",
        "result.gpkg",
        "zones.parquet",
    ]
    assert main(["catalogue", "search", "ariege", "--workspace", str(study.parent / "ws")]) == 0
    assert "study-petite" in capsys.readouterr().out
    assert main(["catalogue", "show", "study-petite", "--workspace", str(study.parent / "ws")]) == 0
    assert "studies/petite/map.html" in capsys.readouterr().out


def test_without_leaflet_all_but_the_maps_is_made_and_the_command_says_so(
    study: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace = study.parent / "ws"
    monkeypatch.setattr(style, "LEAFLET", study.parent / "never-taken")
    style.leaflet_js.cache_clear()
    style.leaflet_css.cache_clear()
    assert run(study) == 0
    out, err = capsys.readouterr()
    assert "optimum prouvé" in out and "map.html" not in out
    assert err.count("\n") == 1 and "Leaflet" in err and "make front-end" in err
    assert not (workspace / "studies" / "petite" / "map.html").exists()
    assert main(["catalogue", "show", "study-petite", "--workspace", str(workspace)]) == 0
    shown = capsys.readouterr().out
    assert "studies/petite/report.html" in shown and "map.html" not in shown
    change = ["coverage", "compare", str(study), "--within", "etat=30km"]
    refused(capsys, main([*change, "--workspace", str(workspace)]), 1, "Leaflet", "make front-end")
    assert not list((workspace / "comparisons").rglob("*.html"))


def test_json_says_what_the_table_says(study: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(study, "--json", "--quiet") == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["summary"][-1]["name"] == "Ariège" and answer["plan"]["status"] == "optimal"
    assert (
        answer["summary"][-1]["white_before"] - answer["summary"][-1]["white_after"]
        == answer["plan"]["value"]
    )
    assert all(Path(file).is_file() for file in answer["files"])
    assert (
        answer["plan"]["seconds"] >= 0
        and answer["plan"]["method"]
        and answer["plan"]["bound"] >= answer["plan"]["value"]
    )
    assert answer["use"]["uses_per_person"] == 0.03
    assert answer["use"]["km_saved_per_year"] == pytest.approx(
        sum(k["km_saved_per_year"] for k in answer["kiosks"])
    )


def test_the_terminal_tells_how_where_to_stop_and_who_is_left(
    study: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = study.read_text(encoding="utf-8")
    study.write_text(text.replace("count = 3", 'count = 3\nrequired = ["09225"]'), encoding="utf-8")
    assert run(study, "--quiet") == 0
    printed = capsys.readouterr().out
    for said in (
        "Calcul en ",
        " points et ",
        "Sous l’usage supposé, ",
        "Encore sans accès : ",
        " (09), imposé",
    ):
        assert said in printed, said
    assert "(s)" not in printed and "\u202f" not in printed


def test_the_same_study_gives_the_same_bytes(study: Path, tmp_path: Path) -> None:
    for name in ("one", "two"):
        assert run(study, "--quiet", "--out", str(tmp_path / name)) == 0
    one, two = (snapshot(tmp_path / name) for name in ("one", "two"))
    manifests = [
        json.loads((tmp_path / name / "manifest.json").read_text()) for name in ("one", "two")
    ]
    assert {name: digest for name, digest in one.items() if name != "manifest.json"} == {
        name: digest for name, digest in two.items() if name != "manifest.json"
    }
    for manifest in manifests:
        del manifest["timings"]
    assert manifests[0] == manifests[1]
    assert not (tmp_path / "ws").exists()  # --out publishes nothing


def test_a_second_run_leaves_the_record_as_it_was(
    study: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shown = []
    for _ in range(2):
        assert run(study, "--quiet") == 0
        capsys.readouterr()
        assert (
            main(
                [
                    "catalogue",
                    "show",
                    "study-petite",
                    "--json",
                    "--workspace",
                    str(study.parent / "ws"),
                ]
            )
            == 0
        )
        shown.append(capsys.readouterr().out)
    assert shown[0] == shown[1]


def test_init_gives_a_study_that_runs_and_never_overwrites(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from geoguichet.coverage.study.study import read_study

    path = tmp_path / "mienne.toml"
    for file, name in ((path, "mienne"), (tmp_path / "Étude du Lot (2).toml", "etude-du-lot-2")):
        assert main(["coverage", "init", str(file)]) == 0
        assert read_study(file).id == name
    path.write_text("# à moi", encoding="utf-8")
    capsys.readouterr()
    for words in (["coverage", "init"], ["catalogue", "harvest", "--init"]):
        refused(capsys, main([*words, str(path)]), 1, "existe déjà", "mienne.toml")
        nowhere = str(tmp_path / "absent" / "x.toml")
        refused(capsys, main([*words, nowhere]), 1, "choisissez un autre dossier", "x.toml")
        assert main(words) == 2
        capsys.readouterr()
    assert path.read_text(encoding="utf-8") == "# à moi"
    refused(
        capsys,
        main(["coverage", "init", str(tmp_path / "absent" / "x.toml")]),
        1,
        "ne peut pas être écrit",
    )


def test_the_workspace_can_come_from_the_environment(
    study: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GEOGUICHET_WORKSPACE", str(tmp_path / "elsewhere"))
    assert main(["coverage", "run", str(study), "--quiet"]) == 0
    assert (tmp_path / "elsewhere" / "studies" / "petite" / "map.html").is_file()


def test_versions_are_shown_and_restored(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from geoguichet.catalogue.record import Record
    from geoguichet.catalogue.search.store import SQLiteStore, store_path

    with SQLiteStore(store_path(tmp_path)) as store:
        store.upsert(Record(id="a", title="Un"), by="anne")
        store.upsert(Record(id="a", title="Deux"), by="paul")
    workspace = ["--workspace", str(tmp_path)]
    assert main(["catalogue", "restore", "a", "1", *workspace]) == 0
    assert main(["catalogue", "history", "a", *workspace]) == 0
    shown = capsys.readouterr().out
    assert "modifiée par paul : properties.title" in shown and "   3  " in shown
    assert main(["catalogue", "history", "a", "--json", *workspace]) == 0
    assert [version["by"] for version in json.loads(capsys.readouterr().out)][:2] == [
        "anne",
        "paul",
    ]
    refused(capsys, main(["catalogue", "restore", "a", "9", *workspace]), 1, "version 9")
    refused(capsys, main(["catalogue", "history", "rien", *workspace]), 1, "rien")
    refused(capsys, main(["catalogue", "conformance", "http://127.0.0.1:9"]), 1, "ne répond pas")


def test_an_empty_catalogue_answers_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["catalogue", "search", "forêt", "--workspace", str(tmp_path)]) == 0
    assert capsys.readouterr().out.startswith("0 fiche")
    refused(capsys, main(["catalogue", "show", "rien", "--workspace", str(tmp_path)]), 1, "rien")


def test_help_is_quick() -> None:
    seconds = []
    for _ in range(5):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        command = [sys.executable, "-m", "geoguichet.cli", "--help"]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        seconds.append(after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime)
        assert "commandes" in done.stdout
    assert min(seconds) < 0.3  # of processor: the clock also counts what else the machine is doing


def test_readme_shows_what_the_command_prints(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["demo", "--workspace", str(tmp_path / "workspace"), "--quiet"]) == 0
    printed = capsys.readouterr().out.replace(str(tmp_path) + os.sep, "")
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    spent = r"(?<=Calcul en ).*?(?= s :)"  # the only figure that another machine prints otherwise
    printed, readme = (re.sub(spent, "0,6", text) for text in (printed, readme))
    readme = re.sub(r"HiGHS [\d.]+", f"HiGHS {highs.version()}", readme)  # the lowest allowed too
    assert printed.partition("\nPour parcourir")[0].strip() in readme
    assert (
        "\nPour parcourir le catalogue (6 fiches)" in printed
        and "\nPour parcourir le catalogue (6 fiches)" in readme
    )
    assert main(["catalogue", "search", "--workspace", str(tmp_path / "workspace")]) == 0
    held = {line.split()[0].partition("-")[0] for line in capsys.readouterr().out.splitlines()[:-1]}
    assert held == {
        "study",
        "midi",
    }  # the study and the layers of the sample, which the crawl of data/ filled in
    assert (
        main(
            [
                "catalogue",
                "show",
                "midi-pyrenees-communes",
                "--json",
                "--workspace",
                str(tmp_path / "workspace"),
            ]
        )
        == 0
    )
    shown = capsys.readouterr().out
    assert (
        '"features": 2944' in shown
        and str(tmp_path) not in shown
        and str(ROOT) not in shown
        and "file:" not in shown
    )


# --- how it refuses
# ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "il manque : COMMANDE"),
        (["cover"], "inconnu"),
        (["coverage", "run"], "il manque : ETUDE.toml"),
        (["coverage", "run", "absent.toml"], "geoguichet coverage init"),
        (["coverage", "run", "x.toml", "--workspce", "y"], "argument inconnu : --workspce"),
        (["catalogue", "search", "--bbox", "1,2,3"], "ouest,sud,est,nord"),
        (["catalogue", "search", "--bbox", "1,50,2,40"], "emprise"),
        (["catalogue", "search", "--limit", "0"], "au moins 1"),
        (["serve", "--port", "99999"], "de 1 à 65535"),
        (["init", "x", "--wheel", "y.whl"], "--wheel va avec --region"),
        (["referentials", "roads", "x.csv", "--out", "y", "--max-unknown", "5"], "de 0 à 1"),
        (["referentials", "roads", "x.csv", "--out", "y", "--max-unknown", "nan"], "de 0 à 1"),
        (["serve", "--host", "0.0.0.0"], "--url"),
        (["catalogue", "search", "--bbox", "-1,50,2,40"], "--bbox : "),
        (["catalogue", "search", "--workspace", "nulle-part"], "nulle-part"),
    ],
)
def test_usage(arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    refused(capsys, main(arguments), 2, said)


@pytest.mark.parametrize(
    ("old", "new", "code", "said"),
    [
        (
            'types = ["town_hall"]',
            'types = ["townhall"]',
            2,
            ["services.mairie.types", '"town_hall"'],
        ),
        ('within = "8 km"', 'within = "0 km"', 2, ["services.mairie.within", "supérieure à zéro"]),
        ('within = "8 km"', 'within = "8 lieues"', 2, ["services.mairie.within", "unité"]),
        (
            'groups = ["pop_65_plus"]',
            'groups = ["pop_85_plus"]',
            2,
            ["demand.groups", "pop_85_plus", "pop_65_plus"],
        ),
        (
            'groups = ["pop_65_plus"]',
            'weight = "habitants"',
            2,
            ["demand.weight", "habitants", "population"],
        ),
        (
            'groups = ["pop_65_plus"]',
            'layer = "comunes"',
            2,
            ["demand.layer", "comunes", "communes"],
        ),
        ("ariege.gpkg", "autre.gpkg", 2, ["data.source", "autre.gpkg"]),
        (
            'departements = ["09"]',
            'departements = ["99"]',
            2,
            ["territory.departements", "99", "09"],
        ),
        ('reach = "8 km"', 'reach = "8 km"\nrequired = ["31555"]', 2, ["kiosks.required", "31555"]),
    ],
)
def test_a_study_that_names_what_is_not_there(
    study: Path, old: str, new: str, code: int, said: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    text = study.read_text(encoding="utf-8")
    assert old in text
    study.write_text(text.replace(old, new), encoding="utf-8")
    refused(capsys, run(study), code, str(study), *said)
    assert not (study.parent / "ws").exists()


@pytest.mark.parametrize(
    ("layer", "column"), [("communes", "code"), ("departements", "code"), ("services", "commune")]
)
def test_insee_codes_as_numbers(
    layer: str, column: str, study: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = study.parent / "ariege.gpkg"
    frame = pyogrio.read_dataframe(path, layer=layer)
    frame[column] = frame[column].astype(int)
    replace_layer(path, layer, frame)
    refused(capsys, run(study), 1, layer, column, "du texte est attendu")


def test_services_that_do_not_say_their_commune(
    study: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = study.parent / "ariege.gpkg"
    assert run(study, "--json", "--quiet") == 0
    whole = json.loads(capsys.readouterr().out)
    services = pyogrio.read_dataframe(path, layer="services")
    few = services[["id", "type", "name", "hours", "geometry"]]
    replace_layer(path, "services", few[few.geometry.notna()], geometry_type="Point")
    assert run(study, "--json", "--quiet") == 0
    alone = json.loads(capsys.readouterr().out)
    assert abs(alone["summary"][-1]["white_before"] - whole["summary"][-1]["white_before"]) < 3000
    assert alone["plan"]["status"] == "optimal" and alone["summary"][-1]["kiosks"] == 3


def test_a_truncated_geopackage(study: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = study.parent / "ariege.gpkg"
    path.write_bytes(path.read_bytes()[:50_000])
    refused(capsys, run(study), 1, "ariege.gpkg", "tronqué")


def test_an_empty_services_layer(study: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = study.parent / "ariege.gpkg"
    services = pyogrio.read_dataframe(path, layer="services")
    replace_layer(path, "services", services.iloc[:0], geometry_type="Point")
    refused(capsys, run(study), 1, "services", "aucune ligne")


@pytest.mark.filterwarnings("ignore:'crs' was not provided")
def test_a_layer_without_crs(study: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = study.parent / "ariege.gpkg"
    services = pyogrio.read_dataframe(path, layer="services")
    replace_layer(
        path, "services", services.set_crs(None, allow_override=True), geometry_type="Point"
    )
    refused(capsys, run(study), 1, "services", "CRS")


def test_latitude_first(study: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = study.parent / "ariege.gpkg"
    services = pyogrio.read_dataframe(path, layer="services")
    services.geometry = services.geometry.map(
        lambda point: point and shapely.Point(point.y, point.x)
    )
    replace_layer(path, "services", services, geometry_type="Point")
    refused(capsys, run(study), 1, "services", "inversées")


def test_services_of_another_place(study: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = study.parent / "ariege.gpkg"
    services = pyogrio.read_dataframe(path, layer="services")
    services.geometry = services.geometry.translate(yoff=5)
    replace_layer(path, "services", services, geometry_type="Point")
    refused(capsys, run(study), 1, "services", "territoire")


def test_something_stands_where_the_result_should_go(
    study: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (study.parent / "ws").write_text("un fichier, pas un dossier", encoding="utf-8")
    refused(capsys, run(study), 1, "ws", "n'a pas été écrit")


def test_a_full_disk_leaves_the_previous_result(
    study: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run(study, "--quiet") == 0
    before = snapshot(study.parent / "ws")
    capsys.readouterr()
    from geoguichet.coverage.outputs import folder, report

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    output = replace(folder.OUTPUTS["report.html"], write=full)
    monkeypatch.setitem(folder.OUTPUTS, "report.html", output)
    refused(capsys, run(study), 1, "petite", "intact")
    assert snapshot(study.parent / "ws") == before
    assert report.render is not full


@pytest.mark.parametrize("after", ["distances", "result.gpkg", "report.html"])
def test_ctrl_c_leaves_the_previous_result(after: str, study: Path) -> None:
    assert run(study, "--quiet") == 0
    before = snapshot(study.parent / "ws")
    code = (
        "import os, signal, sys\n"
        # a job in the background inherits it ignored
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "import geoguichet.cli as cli, geoguichet.commands.coverage as commands\n"
        "from contextlib import contextmanager\n"
        "@contextmanager\n"
        "def progress(*, quiet):\n"
        f"    yield lambda name: os.kill(os.getpid(), signal.SIGINT) if name == {after!r} else "
        "None\n"
        "commands.progress = progress\n"
        f"sys.exit(cli.main(['coverage', 'run', {str(study)!r}, '--workspace', "
        f"{str(study.parent / 'ws')!r}]))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 130 and "interrompu" in done.stderr and "Traceback" not in done.stderr
    assert snapshot(study.parent / "ws") == before


def test_ctrl_c_while_solving_stops_at_once(tmp_path: Path) -> None:
    code = (
        "import signal\nsignal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "import numpy as np\nfrom scipy import sparse\n"
        "from geoguichet.coverage.siting.covering import maximal_covering\n"
        "rng = np.random.default_rng(7)\npoints = rng.random((3000, 2))\n"
        "cover = sparse.csr_array(np.hypot(*(points[:, None] - points[None]).transpose(2, 0, 1)) "
        "< 0.09)\n"
        "print('solving', flush=True)\n"
        "maximal_covering(cover, rng.integers(1, 1000, 3000).astype(float), 25, time_limit_s=120)\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as child:
        assert child.stdout is not None and child.stdout.readline() == "solving\n"
        time.sleep(3)
        child.send_signal(signal.SIGINT)
        started = time.monotonic()
        child.wait(timeout=30)
        assert time.monotonic() - started < 5 and child.returncode != 0


def test_a_port_in_use(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        refused(
            capsys,
            main(["serve", "--port", str(port), "--workspace", str(tmp_path)]),
            2,
            str(port),
            "déjà utilisé",
        )


def test_serve_says_where_and_stops_cleanly(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "geoguichet.cli", "serve", "--port", str(free_port())]
    command += ["--workspace", str(tmp_path)]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as server:
        assert server.stdout is not None and server.stderr is not None
        try:
            address = server.stdout.readline().split()[3]
            page = answer(address)
            server.send_signal(signal.SIGINT)
            code = server.wait(timeout=20)
        finally:
            server.kill()
        assert b'"links"' in page and code == 0 and server.stderr.read() == ""


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def answer(address: str) -> bytes:
    for _ in range(100):
        try:
            with urllib.request.urlopen(address, timeout=20) as response:
                return bytes(response.read())
        except ConnectionError:
            time.sleep(0.1)
    raise AssertionError(f"{address} does not answer")


# --- what the planner reads
# -------------------------------------------------------------------------------------------


def test_compare_tells_who_loses_and_writes_the_change(
    study: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    close = [
        "coverage",
        "compare",
        str(study),
        "--close",
        "sous-prefecture-092",
        "--workspace",
        str(study.parent / "ws"),
    ]
    assert main(close) == 0
    out = capsys.readouterr().out
    assert (
        "fermeture de Sous-préfecture de Pamiers" in out
        and "0 gagnent l’accès" in out
        and "Intercommunalité" in out
    )
    assert {file.name for file in (study.parent / "ws" / "comparisons" / "petite").iterdir()} == {
        "compare.html",
        "compare.gpkg",
    }
    assert main([*close, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (
        told["areas"][0]["lost"]
        == sum(row["people"] for row in told["communes"] if row["change"] == "lost")
        > 0
    )


def test_nearest_tells_where_to_go(study: Path, capsys: pytest.CaptureFixture[str]) -> None:
    asked = ["coverage", "nearest", "st girons", "sous_prefecture", "--study", str(study)]
    assert main([*asked, "--workspace", str(study.parent / "ws")]) == 0
    out = capsys.readouterr().out
    assert (
        "depuis Saint-Girons (09)" in out
        and "sous-prefecture-093" in out
        and "Sans visioguichets" in out
    )
    assert run(study, "--quiet") == 0
    capsys.readouterr()
    assert (
        main([*asked, "--json", "--at", "mardi 10h", "--workspace", str(study.parent / "ws")]) == 0
    )
    found = json.loads(capsys.readouterr().out)["features"]
    told = {feature["properties"]["opening"] for feature in found}
    assert found and told <= {"open", "unknown", "proposed"}
    assert main([*asked, "--at", "mardi 10h", "--workspace", str(study.parent / "ws")]) == 0
    out = capsys.readouterr().out
    assert "Horaires inconnus" in out and "proposé, pas encore ouvert" in out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["compare"], "il manque : AVANT"),
        (["compare", "absent.toml"], "rien à quoi comparer"),
        (
            ["compare", "{study}", "--close", "personne"],
            "aucun service n'a l'identifiant 'personne'",
        ),
        (["compare", "{study}", "--kiosks", "deux"], "'deux' est inconnu"),
        (["nearest", "Foix"], "il manque : QUOI"),
        (["nearest", "Foix", "mairie", "--at", "demain"], "mardi 10h30"),
        (["nearest", "saint", "mairie", "--study", "{study}"], "communes"),
        (["nearest", "Foix", "poste", "--study", "{study}"], "etat, mairie"),
    ],
)
def test_usage_of_the_planner(
    arguments: list[str], said: str, study: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    told = [one.format(study=study) for one in arguments]
    refused(capsys, main(["coverage", *told, "--workspace", str(tmp_path / "ws")]), 2, said)


def test_nearest_by_road_asks_where_the_network_is(
    study: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A result's folder holds no network: ``--beside`` names its folder."""
    timed = re.sub(
        r'(within|reach) = "\d+ km"', r'\1 = "20 min"', study.read_text(encoding="utf-8")
    )
    study.write_text(timed + '[router]\nkind = "road"\nnetwork = "r.roads"\n', encoding="utf-8")
    asked = ["coverage", "nearest", "Foix", "mairie", "--study", str(study)]
    refused(capsys, main(asked), 2, "--beside et le dossier")
    beside = study.parent / "roads"
    beside.mkdir()
    line = shapely.LineString([(1.55, 42.9658), (1.6075, 42.9658), (1.66, 42.9658)])
    gpd.GeoDataFrame({"class": ["primary"]}, geometry=[line], crs="EPSG:4326").to_file(
        beside / "lines.gpkg"
    )
    make_network([beside / "lines.gpkg"], beside / "r.roads", mapping={"class": "class"})
    assert main([*asked, "--beside", str(beside)]) == 0
    assert "Mairie de Foix" in capsys.readouterr().out
