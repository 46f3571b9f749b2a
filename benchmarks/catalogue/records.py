"""French records by the thousand, always the same: words by Zipf's law, places of three sizes.

The first 10 000 of a million are the 10 000 of ten thousand.
"""

from __future__ import annotations

import itertools
import random
import tomllib
from bisect import bisect_left
from collections.abc import Iterator
from pathlib import Path
from typing import Any

_WORDS = tomllib.loads((Path(__file__).parent / "words.toml").read_text(encoding="utf-8"))
HEAD = _WORDS["head"]
SYLLABLES = _WORDS["syllables"]
DEPARTEMENTS = _WORDS["departements"]
KINDS = (
    "Département",
    "Communauté de communes",
    "Syndicat mixte",
    "DREAL",
    "DDT",
    "Parc naturel régional",
    "Ville",
)
THEMES = _WORDS["themes"]
STOP = _WORDS["stop"]


def _vocabulary() -> tuple[list[str], list[float]]:
    dice = random.Random(42)
    tail = {"".join(dice.choices(SYLLABLES, k=dice.randint(2, 4))) for _ in range(32_000)}
    head = list(dict.fromkeys(HEAD))
    dice.shuffle(head)
    words = head + sorted(tail)
    return words, list(itertools.accumulate(1 / (rank + 3) ** 1.07 for rank in range(len(words))))


def documents(count: int, start: int = 0) -> Iterator[dict[str, Any]]:
    """Yield records as GeoJSON."""
    words, weights = _vocabulary()
    for number in range(start, count):
        yield _document(number, words, weights)


def _document(number: int, words: list[str], weights: list[float]) -> dict[str, Any]:
    dice = random.Random(number * 1_000_003 + 7)

    def some(many: int) -> list[str]:
        return [words[bisect_left(weights, dice.random() * weights[-1])] for _ in range(many)]

    title = some(dice.randint(4, 7))
    abstract = " ".join(
        itertools.chain(*((dice.choice(STOP), word) for word in some(dice.randint(40, 75))))
    )
    size = dice.random()
    half = (
        0.02 + 0.15 * dice.random()
        if size < 0.6
        else 0.3 + 0.4 * dice.random()
        if size < 0.9
        else 1 + 3 * dice.random()
    )
    x, y = -4.5 + 12.5 * dice.random(), 42.5 + 8.3 * dice.random()
    west, south, east, north = (
        round(value, 4) for value in (x - half, y - half * 0.7, x + half, y + half * 0.7)
    )
    year = 2000 + int(24 * dice.random() ** 0.5)
    organization = (
        f"{dice.choice(KINDS)} {dice.choice(DEPARTEMENTS)} {int(200 * dice.random() ** 2)}"
    )
    identifier = f"fr-{number:08d}"
    day = f"{2015 + int(11 * dice.random() ** 0.6)}-{dice.randint(1, 12):02d}-{dice.randint(1, 28):02d}"
    return {
        "id": identifier,
        "type": "Feature",
        "geometry": {
            "type": "Polygon",
            "coordinates": [
                [[west, south], [east, south], [east, north], [west, north], [west, south]]
            ],
        },
        "time": {"interval": [f"{year}-01-01", f"{year + 1}-12-31"]},
        "properties": {
            "type": "dataset" if dice.random() < 0.85 else dice.choice(("service", "series")),
            "title": f"{title[0].capitalize()} {' '.join(title[1:])} ({dice.choice(DEPARTEMENTS)})",
            "description": f"{abstract.capitalize()}.",
            "keywords": sorted(set(some(dice.randint(3, 8)))),
            "language": {"code": "fr"},
            "created": f"{year}-06-01",
            "updated": f"{day}T08:00:00Z",
            "license": dice.choice(("etalab-2.0", "ODbL-1.0", "CC-BY-4.0")),
            "themes": [
                {
                    "concepts": [{"id": dice.choice(THEMES)}],
                    "scheme": "https://standards.iso.org/19115/topics",
                }
            ],
            "contacts": [{"organization": organization, "roles": ["pointOfContact"]}],
            "formats": [{"name": dice.choice(("GeoPackage", "GeoJSON", "CSV", "Shapefile"))}],
        },
        "links": [
            {
                "rel": "item",
                "href": f"https://example.org/data/{identifier}.zip",
                "type": "application/zip",
            }
        ],
    }
