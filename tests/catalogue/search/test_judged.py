"""What French officers type over records, real ones and ours: the right one among the first three, however the
words are written.
"""

import json
import math
import re
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from geoguichet.catalogue import text
from geoguichet.catalogue.formats import registry
from geoguichet.catalogue.record import Record
from geoguichet.catalogue.search.query import RecordQuery
from geoguichet.catalogue.search.store import SQLiteStore
from geoguichet.floor.viewer import MACHINE

HERE = Path(__file__).parent


class Judged(NamedTuple):
    """A store of records, and each question with the beginnings of the identifiers that are right."""

    store: SQLiteStore
    queries: dict[str, list[str]]


@pytest.fixture(scope="module")
def judged(
    made_or_real: str, metadata: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Judged]:
    """The real records of every format, of two with one identifier the first; or ours."""
    name = "judged.toml" if made_or_real == "real" else "judged_made.toml"
    told = tomllib.loads((HERE / name).read_text("utf-8"))
    if made_or_real == "real":
        files = sorted(file for file in metadata.rglob("*") if file.is_file())
        read = [r for f in files for r in registry.read_document(f.read_bytes()).records]
    else:
        read = [
            Record(id=key, type="dataset", title=title, description=text, keywords=tuple(words))
            for key, (title, text, words) in told["records"].items()
        ]
    with SQLiteStore(tmp_path_factory.mktemp(made_or_real) / "catalogue.sqlite") as store:
        store.bulk_upsert({record.id: record for record in reversed(read)}.values())
        yield Judged(store, told["queries"])


def rank(store: SQLiteStore, asked: str, right: list[str]) -> int | None:
    """The place of the first right record, as the page and the command line search: words apart if
    not side by side.
    """
    query = RecordQuery(q=asked, limit=20)
    page = store.search(query, viewer=MACHINE)
    if not page.number_matched and (wider := query.loosened()):
        page = store.search(wider, viewer=MACHINE)
    ids = [json.loads(item)["id"] for item in page.items]
    return next((place for place, found in enumerate(ids) if found.startswith(tuple(right))), None)


def test_the_right_record_is_among_the_first_three(made_or_real: str, judged: Judged) -> None:
    store, queries = judged
    assert len(queries) >= (40 if made_or_real == "real" else 25)
    ranks = {asked: rank(store, asked, right) for asked, right in queries.items()}
    assert not {asked: place for asked, place in ranks.items() if place is None or place > 2}
    gain = sum(1 / math.log2(place + 2) for place in ranks.values() if place is not None) / len(
        ranks
    )
    assert gain > 0.95


_OWN = """abbeville auvergne avrigny bretagne brest charmes compiegne corse guadeloupe hauts haute insee longueau naours
normandie paris picardie plus pprn rennes rhone saint aulaire santerre scot vienne wallonie"""
NAMES = frozenset(_OWN.split())
"""Words that have no other number."""


def plural(word: str) -> str:
    return word if len(word) < 4 or word[-1] in "sxz" or text.fold(word) in NAMES else f"{word}s"


def singular(word: str) -> str:
    return word[:-1] if len(word) > 4 and word[-1] == "s" and text.fold(word) not in NAMES else word


def elided(word: str) -> str:
    return f"l’{word}" if text.fold(word)[0] in "aeiou" and len(word) > 2 else word


def typed(word: str) -> str:
    return text.fold(word)


@pytest.mark.parametrize("written", [typed, str.upper, str.title, plural, singular, elided])
def test_no_way_of_writing_it_misses(judged: Judged, written: Callable[[str], str]) -> None:
    missed = {}
    store, queries = judged
    for asked, right in queries.items():
        variant = re.sub(r"[^\W\d_]+(?!['’])", lambda word: written(word[0]), asked)
        if (place := rank(store, variant, right)) is None or place > 2:
            missed[variant] = place
    assert not missed
