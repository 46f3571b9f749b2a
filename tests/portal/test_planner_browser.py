"""A planner's six tasks in a browser, without a terminal: make a study, understand its estimate, stop
one, change an answer and compare, take the question away and find the same digests by command and by
process, publish it or keep it as a draft. No page says an error nor asks anything of another host.
"""

import json
import os
import re
import subprocess
import sys
import time
import tomllib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
import requests
from rasterio import Affine

from geoguichet.portal.people import accounts, passwords, tokens
from geoguichet.portal.people.store import People
from geoguichet.referentials.roads.sources import make_network

AXE = Path(__file__).parents[2] / "node_modules" / "axe-core" / "axe.min.js"
WHOLE = "GEOGUICHET_PAGES" in os.environ
whole = pytest.mark.skipif(not WHOLE, reason="GEOGUICHET_PAGES asks for all six tasks")
PHRASE = "trois vaches bleues dans un pré 42"
SIREN = "200053791"
HERE = "/etudes/nouvelle"
#: The question that is asked by the three doors.
ARIEGE = {
    "study": {"id": "ariege-par-les-trois-portes", "title": "Ariège par les trois portes", "visibility": "draft"},
    "contact": {"organization": "Essai"},
    "territory": {"name": "Ariège", "departements": ["09"], "buffer": "40 km"},
    "data": {"source": "sample"},
    "services": {"mairie": {"label": "Mairie", "types": ["town_hall"], "within": "6 km", "min_hours_per_week": 24.0}},
    "rule": {"all": ["mairie"]},
}  # fmt: skip


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace of the sample, with an editor and a contributor."""
    folder = tmp_path_factory.mktemp("planner")
    people = People(folder)
    people.create()
    with people.write() as base:
        accounts.add_organisation(base, SIREN, "Région Essai", "region", "73", by="machine")
        kept = passwords.hashed(PHRASE)
        for role in ("contributor", "editor"):
            accounts.add(
                base, f"{role}@essai.example", f"Anne {role}", kept, siren=SIREN, role=role
            )
    return folder


@pytest.fixture(scope="module")
def url(workspace: Path, serve: Callable[..., AbstractContextManager[str]]) -> Iterator[str]:
    with serve(workspace) as address:
        yield address


class Planner:
    """Somebody at a browser, and all that went wrong there."""

    def __init__(self, context: Any, url: str) -> None:
        self.by_keyboard = False
        self.url, self.page, self.wrong = url, context.new_page(), list[str]()
        self.page.on("console", lambda one: one.type == "error" and self.wrong.append(one.text))
        self.page.on("pageerror", lambda error: self.wrong.append(str(error)))
        self.page.on("request", lambda one: self._asked(one.url))

    def _asked(self, address: str) -> None:
        if not address.startswith((self.url, "data:", "blob:")):
            self.wrong.append(f"asked elsewhere: {address}")

    def sign_in(self, role: str) -> None:
        self.page.goto(f"{self.url}/connexion?lang=fr")
        self.page.locator("[name=email]").fill(f"{role}@essai.example")
        self.page.locator("[name=password]").fill(PHRASE)
        self.page.keyboard.press("Enter")
        self.page.wait_for_url("**/compte*")

    def push(self, place: Any, key: str = "Enter") -> None:
        """Activate a button, or tick a box."""
        if self.by_keyboard:
            place.press(key)
        else:
            place.click()

    def go_on(self) -> None:
        self.push(self.page.get_by_role("button", name=re.compile("^Continuer")))

    def ask_ariege(self, *, far: str = "6", title: str = "", by_road: bool = False) -> None:
        """Fill the four steps, up to the last."""
        page = self.page
        page.goto(f"{self.url}{HERE}?lang=fr")
        for name in (
            "Aveyron",
            "Haute-Garonne",
            "Gers",
            "Lot",
            "Hautes-Pyrénées",
            "Tarn (",
            "Tarn-et-Garonne",
        ):
            self.push(page.get_by_label(name), "Space")
        if by_road:
            page.get_by_label("Chemins", exact=True).select_option(
                label="Par la route, en minutes (ariege.roads)"
            )
            page.get_by_label("Où sont").select_option(label="Par carreaux (habitants.tif)")
        self.go_on()
        self.push(page.get_by_role("button", name="Retirer le besoin Guichet de l'État"))
        page.locator('[name="b2.seuil"]').fill(far)
        page.locator('[name="b2.heures"]').fill("24")
        self.go_on()
        self.push(page.get_by_label("Non : seulement dire"), "Space")
        self.go_on()
        if title:
            page.get_by_label("Titre de l'étude").fill(title)

    def ends(self, pattern: str, *, within_s: float = 90) -> None:
        self.page.wait_for_url(pattern, timeout=within_s * 1000)


@pytest.fixture
def planner(browser, url: str) -> Iterator[Callable[..., Planner]]:  # type: ignore[no-untyped-def]
    made: list[tuple[Any, Planner]] = []

    def come(role: str = "", **options: Any) -> Planner:
        context = browser.new_context(
            viewport={"width": 1280, "height": 900}, locale="fr-FR", **options
        )
        one = Planner(context, url)
        made.append((context, one))
        if role:
            one.sign_in(role)
        return one

    yield come
    for context, one in made:
        context.close()
        assert one.wrong == []


ROADS = (
    "LINESTRING (1.10 43.11, 1.35 43.05, 1.60 42.97, 1.61 43.12, 1.62 43.23)",
    "LINESTRING (1.60 42.97, 1.61 42.85, 1.77 42.79, 1.84 42.72)",
    "LINESTRING (1.14 42.98, 1.35 43.05)",
)
"""Of Saint-Girons, Foix, Pamiers, Tarascon and Ax, roughly."""


def put_roads_and_cells(workspace: Path) -> None:
    """Three roads of the Ariège, and its people by squares of 10 km, as a clerk puts them there."""
    lines = workspace / "routes.csv"
    rows = (f'"{line}",departementale,D{n}\n' for n, line in enumerate(ROADS))
    lines.write_text("trace,classe,nom\n" + "".join(rows), encoding="utf-8")
    fields = {"geometry": "trace", "class": "classe", "name": "nom"}
    make_network([lines], workspace / "ariege.roads", mapping=fields)
    people = (np.arange(81, dtype="float32").reshape(9, 9) * 37) % 500
    with rasterio.open(
        workspace / "habitants.tif", "w", driver="GTiff", width=9, height=9, count=1,
        dtype="float32", crs="EPSG:2154", transform=Affine(10_000, 0, 520_000, 0, -10_000, 6_250_000),
    ) as raster:  # fmt: skip
        raster.write(people, 1)


def digests(folder: Path) -> dict[str, str]:
    told = json.loads((folder / "manifest.json").read_bytes())["outputs"]
    return {name: one["sha256"] for name, one in told.items()}


@whole
def test_a_study_is_made_in_a_browser_and_its_estimate_is_understood(
    planner: Callable[..., Planner], workspace: Path
) -> None:
    one = planner("editor")
    one.ask_ariege(title="Mairies de l'Ariège à 6 km")
    aside = one.page.get_by_role("complementary")
    assert "Calcul estimé" in aside.inner_text()
    told = aside.locator(".chiffre").inner_text()
    assert one.page.get_by_label("Brouillon").is_checked()
    one.page.get_by_role("button", name="Lancer le calcul").click()
    one.ends("**/etudes/mairies-de-l-ariege-a-6-km*")
    assert told in one.page.locator(".chiffres").inner_text()
    assert "Brouillon" in one.page.locator("main").inner_text()
    assert (workspace / "studies" / "mairies-de-l-ariege-a-6-km" / "result.gpkg").is_file()
    with requests.Session() as nobody:
        assert nobody.get(f"{one.url}/etudes/mairies-de-l-ariege-a-6-km").status_code == 404


def test_what_is_typed_is_counted_at_once_and_the_slider_types_too(
    planner: Callable[..., Planner],
) -> None:
    one = planner()
    one.page.goto(f"{one.url}{HERE}?lang=fr")
    one.go_on()
    live, question = one.page.locator("#d-b2"), one.page.locator("#d-question .chiffre")
    before = question.inner_text()
    one.page.locator('[name="b2.seuil"]').fill("10")
    one.page.wait_for_url("**b2.seuil=10**")
    assert question.inner_text() != before
    assert "plus loin que 10" in live.inner_text()
    one.page.locator('[data-pour="b2.seuil"]').press("ArrowRight")
    assert one.page.locator('[name="b2.seuil"]').input_value() == "11"
    one.page.wait_for_url("**b2.seuil=11**")
    assert "plus loin que 11" in live.inner_text()
    missing = one.page.locator("#d-manque")
    assert "La Poste" in missing.inner_text()
    one.page.locator('[name="b2.seuil"]').fill("onze")
    one.page.wait_for_url("**b2.seuil=onze**")
    assert missing.inner_text() == "", "a question that does not read misses nothing"


@whole
def test_a_computation_is_stopped_and_its_question_taken_up_again(
    planner: Callable[..., Planner], workspace: Path
) -> None:
    one = planner("contributor", bypass_csp=True)  # for axe
    one.page.goto(f"{one.url}{HERE}?lang=fr")
    for _step in range(3):
        one.go_on()
    one.page.get_by_label("Titre de l'étude").fill("À arrêter")
    one.page.get_by_role("button", name="Lancer le calcul").click()
    stop = one.page.get_by_role("button", name="Arrêter le calcul")
    stop.wait_for()
    if AXE.is_file():
        one.page.evaluate(AXE.read_text("utf-8"))
        told = one.page.evaluate("axe.run(document)")["violations"]
        assert [rule["id"] for rule in told] == []
    stop.click()
    one.page.get_by_text("Vous avez arrêté ce calcul").wait_for()
    time.sleep(2)
    assert not (workspace / "studies" / "a-arreter").exists()
    one.page.get_by_role("link", name="Reprendre cette question").click()
    assert one.page.get_by_label("Ariège").is_checked()


@whole
def test_one_answer_is_changed_and_the_result_compared(planner: Callable[..., Planner]) -> None:
    one = planner("editor")
    one.ask_ariege(title="Avant")
    one.page.get_by_role("button", name="Lancer le calcul").click()
    one.ends("**/etudes/avant*")
    one.page.get_by_role("link", name="Changer une réponse et comparer").click()
    one.go_on()
    one.page.locator('[name="b1.seuil"]').fill("8")
    one.go_on()
    one.go_on()
    one.page.get_by_role("button", name="Lancer le calcul").click()
    one.ends("**/etudes/avant/comparer/avant-variante*")
    assert "Gagnent l'accès" in one.page.locator("main").inner_text()


@whole
@pytest.mark.parametrize("way", ["à vol d'oiseau", "par la route"])
def test_page_process_and_command_give_the_same_digests(
    way: str, planner: Callable[..., Planner], workspace: Path, tmp_path: Path
) -> None:
    one = planner("editor")
    by_road = way == "par la route"
    if by_road:
        put_roads_and_cells(workspace)
    one.ask_ariege(title=f"Trois portes {way}", far="12" if by_road else "6", by_road=by_road)
    with one.page.expect_download() as waiting:
        one.page.get_by_role("button", name="Télécharger la question (TOML)").click()
    name = waiting.value.suggested_filename.removesuffix(".toml")
    file = workspace / f"{name}.toml"  # where its first lines say that it is to be saved
    waiting.value.save_as(file)
    asked = tomllib.loads(file.read_text("utf-8"))
    if by_road:
        assert asked["router"] == {"kind": "road", "network": "ariege.roads"}
        assert asked["demand"]["cells"]["file"] == "habitants.tif"
        assert "ariege.roads, habitants.tif" in file.read_text("utf-8").partition("\n\n")[0]
    one.page.get_by_role("button", name="Lancer le calcul").click()
    one.ends(f"**/etudes/{name}*")
    by_page = digests(workspace / "studies" / name)

    command = [sys.executable, "-m", "geoguichet.cli", "coverage", "run", str(file)]
    out = tmp_path / "par-commande"
    subprocess.run([*command, "--out", str(out), "--quiet"], check=True, capture_output=True)
    assert digests(out) == by_page

    people = People(workspace)
    with people.write() as base:
        person = accounts.of_email(base, "editor@essai.example")
        assert person is not None
        bearer = tokens.make(base, person, "essai", "write", 30)
    with requests.Session() as session:
        session.headers["Authorization"] = f"Bearer {bearer}"
        other = f"autre-{name}"
        sent = {"inputs": {**asked, "study": {**asked["study"], "id": other}}}
        made = session.post(
            f"{one.url}/processes/study/execution", json=sent, headers={"Prefer": "respond-async"}
        )
        assert made.status_code == 201, made.text
        here = made.headers["Location"]
        while (told := session.get(here).json())["status"] in ("accepted", "running"):
            time.sleep(0.5)
        assert told["status"] == "successful", told
    by_process = digests(workspace / "studies" / other)
    again = workspace / f"{other}.toml"
    again.write_text(file.read_text("utf-8").replace(name, other), "utf-8")
    out = tmp_path / "autre"
    subprocess.run(
        [*command[:-1], str(again), "--out", str(out), "--quiet"], check=True, capture_output=True
    )
    assert digests(out) == by_process


@whole
def test_a_draft_is_published_by_an_editor_with_its_record_and_taken_back(
    planner: Callable[..., Planner],
) -> None:
    one = planner("editor")
    one.ask_ariege(title="À publier")
    one.page.get_by_role("button", name="Lancer le calcul").click()
    one.ends("**/etudes/a-publier*")
    record = f"{one.url}/collections/catalogue/items/study-a-publier"
    with requests.Session() as nobody:
        assert nobody.get(record).status_code == 404
        for whose, status in (("Tout le monde", 200), ("Brouillon", 404)):
            one.page.get_by_role("link", name="Qui la voit").click()
            one.page.get_by_label(whose).check()
            one.page.get_by_role("button", name="Enregistrer").click()
            one.ends("**/etudes/a-publier*")
            assert nobody.get(f"{one.url}/etudes/a-publier").status_code == status
            assert nobody.get(record).status_code == status


@whole
def test_all_of_it_is_done_by_keyboard_and_without_a_script(
    planner: Callable[..., Planner], workspace: Path
) -> None:
    one = planner("contributor", java_script_enabled=False)
    one.by_keyboard = True
    one.ask_ariege(far="5", title="Sans script")
    one.page.get_by_role("button", name="Lancer le calcul").press("Enter")
    until = time.monotonic() + 60
    while "/etudes/calcul/" in one.page.url and time.monotonic() < until:
        time.sleep(2)
        one.page.reload()
    assert one.page.url.startswith(f"{one.url}/etudes/sans-script")
