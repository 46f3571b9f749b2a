"""Maps of pages at web scale, in a headless Chromium: what the main thread does while a reader pans
over 61,507 points and 36,000 cells, and how long a study of 300,000 cells takes to open.

    python benchmarks/portal/maps.py [--workspace WORKSPACE] [--cells 36000] [--big 300000]

``--workspace`` is one that ``geoguichet demo`` filled, which is copied; made here otherwise. Cells are
squares; those of the study of 300,000, points, as studies write them. The tasks of the main thread
are those of Chromium's trace (``toplevel``): the longest by the clock, which a busy machine stretches,
and by its own CPU. WebGL is drawn without a graphics card, by the processor: the CPU of Chromium has it.
"""

import argparse
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pyogrio
import shapely

from geoguichet.benchmarks.portal.features import NAME, free, made, spent, started
from geoguichet.referentials.readers.registry import FORMATS
from geoguichet.referentials.versions.store import ReferentialStore

STUDY = "visioguichets"
#: Half the side of a cell (degrees, about 200 m).
_HALF = 0.001
#: The most that a task may take (milliseconds).
LONGEST = 200.0
CHROMIUM = ["--no-sandbox", "--disable-dev-shm-usage", "--use-angle=swiftshader",
            "--enable-unsafe-swiftshader"]  # fmt: skip


def celled(workspace: Path, study: str, cells: int, *, squares: bool) -> None:
    """Write a study of so many cells: the people of the one of the demo, again and again, each moved."""
    source, folder = workspace / "studies" / STUDY, workspace / "studies" / study
    shutil.copytree(source, folder, ignore=shutil.ignore_patterns("result.gpkg"))
    draw = np.random.default_rng(17)
    for layer in ("white_zones", "kiosks", "services", "demand"):
        rows = pyogrio.read_dataframe(source / "result.gpkg", layer=layer)
        if layer == "demand":
            rows = rows.iloc[draw.integers(0, len(rows), cells)].reset_index(drop=True)
            rows["id"] = [f"c-{number:06}" for number in range(cells)]
            points = shapely.get_coordinates(rows.geometry) + draw.normal(0, 0.02, (cells, 2))
            x, y = points.T
            shapes = shapely.box(x - _HALF, y - _HALF, x + _HALF, y + _HALF)
            rows.geometry = gpd.GeoSeries(shapes if squares else shapely.points(points), crs=4326)
        rows["study"] = study
        appended = layer != "white_zones"
        pyogrio.write_dataframe(rows, folder / "result.gpkg", layer=layer, append=appended)
    manifest = json.loads((folder / "manifest.json").read_text("utf-8"))
    manifest["study"] |= {"id": study, "title": f"{cells} carreaux"}
    (folder / "manifest.json").write_text(json.dumps(manifest), "utf-8")


def tasks(trace: bytes) -> Iterator[tuple[float, float]]:
    """Yield the tasks of the main threads of pages in a trace: milliseconds by the clock, of CPU."""
    events = json.loads(trace)["traceEvents"]
    mains = {
        (one["pid"], one["tid"])
        for one in events
        if one["name"] == "thread_name" and one["args"]["name"] == "CrRendererMain"
    }
    for one in events:
        if one["name"] == "ThreadControllerImpl::RunTask" and (one["pid"], one["tid"]) in mains:
            yield one.get("dur", 0) / 1000, one.get("tdur", 0) / 1000


def panned(page: Any, turns: int = 8) -> None:
    """Drag the map of a page about, nearer at each two turns, as a reader would."""
    canvas = page.locator(".map canvas")
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    middle = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    for turn in range(turns):
        page.mouse.move(*middle)
        page.mouse.down()
        for step in range(1, 21):
            along = step * 10 * (-1) ** (turn // 2)
            page.mouse.move(middle[0] + along * (turn % 2), middle[1] + along * (1 - turn % 2))
            page.wait_for_timeout(16)
        page.mouse.up()
        page.wait_for_timeout(600)
        if turn % 2:
            canvas.focus()
            page.keyboard.press("+")
            page.wait_for_timeout(600)


@contextmanager
def opened(address: str, **options: Any) -> Iterator[tuple[Any, Any]]:
    from playwright.sync_api import sync_playwright

    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    with sync_playwright() as engine:
        browser = engine.chromium.launch(executable_path=chromium, args=CHROMIUM)
        page = browser.new_page(viewport={"width": 1280, "height": 900}, locale="fr-FR")
        page.goto(address, **options)
        yield browser, page
        browser.close()


def ready(page: Any) -> None:
    page.locator(".map").first.scroll_into_view_if_needed()
    page.locator(".map[data-ready]").first.wait_for(timeout=120_000)


def traced(address: str, turns: int = 8) -> Mapping[str, float]:
    """Return what the main thread of a page does while its map is panned."""
    with opened(address) as (browser, page):
        ready(page)
        browser.start_tracing(page=page, categories=["toplevel"])
        panned(page, turns)
        found = list(tasks(browser.stop_tracing()))
        seen = page.evaluate("document.querySelector('.map').map.queryRenderedFeatures().length")
    return {
        "tasks": len(found),
        "longest": max(clock for clock, _own in found),
        "longest_cpu": max(own for _clock, own in found),
        "over_50": sum(clock > 50 for clock, _own in found),
        "over": sum(clock > LONGEST for clock, _own in found),
        "seen": seen,
    }


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--workspace", type=Path)
    parser.add_argument("--cells", type=int, default=36_000)
    parser.add_argument("--big", type=int, default=300_000)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        workspace = Path(scratch) / "workspace"
        if given.workspace:
            shutil.copytree(given.workspace, workspace)
        else:
            from geoguichet.cli import main as geoguichet

            geoguichet(["demo", "--workspace", str(workspace)])
        source = made(Path(scratch) / "annuaire.csv")
        store = ReferentialStore(workspace / "referentials")
        store.put(NAME, FORMATS["dila-2020"].read(source), origin=source, reader="dila-2020")
        celled(workspace, "carreaux", given.cells, squares=True)
        celled(workspace, "grande", given.big, squares=False)
        port = free()
        url = f"http://127.0.0.1:{port}"
        serving = [sys.executable, "-m", "geoguichet.cli", "serve", "--workspace", workspace,
                   "--port", port]  # fmt: skip
        with started(url, *serving) as process:
            print(f"{'panned':44}{'tasks':>8}{'longest':>10}{'of CPU':>8}{'> 50':>6}{'> 200':>6}")
            for name in (f"referentiel-{NAME}", "carreaux-demand"):
                before = spent(process)
                told = traced(f"{url}/collections/{name}/items")
                row = f"{told['tasks']:>8}{told['longest']:>7.0f} ms{told['longest_cpu']:>5.0f} ms"
                row += f"{told['over_50']:>6}{told['over']:>6}"
                print(f"{name:44}{row}   server {spent(process) - before:.1f} s", flush=True)
            start = opening("about:blank", process)
            for path in ("/etudes/grande", "/collections/grande-demand/items"):
                for when in ("first", "again"):
                    told = opening(url + path, process)
                    own = told["browser"] - start["browser"]
                    print(f"{path:34}{when:7}{told['paint']:.1f} s by the clock to its drawing, "
                          f"{told['clock']:.1f} to its map, of CPU: "
                          f"{told['server']:.1f} s of the server, {own:.1f} s of Chromium", flush=True)  # fmt: skip


def opening(address: str, process: int) -> Mapping[str, float]:
    """Return what it takes to open a page until its map moves: seconds by the clock of the page, to what
    is first seen of it (its drawing is there) and to that; of CPU of the server, and of all that the
    browser is made of, its start included.
    """
    before = spent(process)
    with opened(address, wait_until="commit") as (_browser, page):
        if address != "about:blank":
            ready(page)
        clock = page.evaluate("performance.now()") / 1000
        paint = page.evaluate(
            "performance.getEntriesByType('paint').reduce((last, one) => one.startTime, 0)"
        )
        told = sum(family(each) for each in children(os.getpid()) if each != process)
    return {
        "clock": clock,
        "paint": paint / 1000,
        "server": spent(process) - before,
        "browser": told,
    }


def children(process: int) -> list[int]:
    files = Path(f"/proc/{process}/task").glob("*/children")
    return [int(one) for file in files for one in file.read_text().split()]


def family(process: int) -> float:
    """Return the CPU of a process and of all that come from it, as they live (seconds)."""
    return spent(process) + sum(family(one) for one in children(process))


if __name__ == "__main__":
    main()
