"""Many people edit, review and publish the same records at once: nothing is lost, and each change
says whose it is. GEOGUICHET_SECONDS asks for 50 people, 1,000 records and so many seconds.
"""

import os
import random
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from pathlib import Path

import requests

from geoguichet.catalogue.record import Record
from geoguichet.catalogue.search.audiences import Shown
from geoguichet.catalogue.search.store import Catalogue
from geoguichet.floor.viewer import audience
from geoguichet.portal.people import accounts, tokens
from geoguichet.portal.people.store import People

HOST = "200053791"
SECONDS = float(os.environ.get("GEOGUICHET_SECONDS", "1.5"))
PEOPLE, RECORDS = (50, 1_000) if "GEOGUICHET_SECONDS" in os.environ else (6, 12)
MERGE = {"Content-Type": "application/merge-patch+json"}
STEPS = {
    "submit": "submitted",
    "comment": "commented",
    "send_back": "sent_back",
    "publish": "published",
    "withdraw": "withdrawn",
}
type Done = tuple[str, str, str, str]


def with_people(workspace: Path) -> dict[str, str]:
    """Open accounts, half of them editors; return the token of each by its pseudonym."""
    people, made = People(workspace), {}
    people.create()
    with people.write() as base:
        accounts.add_organisation(base, HOST, "Région Essai", "region", "73", by="machine")
        for number in range(PEOPLE):
            role: accounts.Role = "editor" if number % 2 else "contributor"
            email = f"p{number}@essai.example"
            person = accounts.add(base, email, f"Anne {number}", "-", siren=HOST, role=role)
            made[person.pseudonym] = tokens.make(base, person, "essai", "write", 30)
    return made


def work(items: str, who: str, token: str, seed: int) -> list[Done]:
    """Edit and review at random; return what was acknowledged: record, who, what, its title."""
    chance, done, end = random.Random(seed), list[Done](), time.monotonic() + SECONDS
    with requests.Session() as session:
        session.headers["Authorization"] = f"Bearer {token}"
        while time.monotonic() < end:
            name = f"r{chance.randrange(RECORDS)}"
            title = f"{who} {len(done)} {chance.random()}"
            if chance.random() < 0.6:
                patch = {"properties": {"title": title}}
                answer = session.patch(f"{items}/{name}", json=patch, headers=MERGE, timeout=60)
                told = (name, who, "updated", title)
            else:
                step = chance.choice([*STEPS])
                asked = {"step": step, "comment": title}
                answer = session.post(f"{items}/{name}/review", json=asked, timeout=60)
                told = (name, who, STEPS[step], title)
            if answer.status_code == 204:
                done.append(told)
            else:
                assert answer.status_code in (403, 404, 409, 412), answer.text
    return done


def test_nothing_is_lost_and_every_change_is_attributed(
    tmp_path: Path, serve: Callable[..., AbstractContextManager[str]]
) -> None:
    given = with_people(tmp_path)
    authors = [who for number, who in enumerate(given) if number % 2 == 0]
    with Catalogue(tmp_path) as store:
        for number in range(RECORDS):
            author = authors[number % len(authors)]
            keys = audience("draft", organisation=HOST, person=author)
            record = Record(id=f"r{number}", type="dataset", title="Au départ")
            store.upsert(record, by=author, shown=Shown(keys, HOST))
    with serve(tmp_path, editable=True) as url, ThreadPoolExecutor(PEOPLE) as pool:
        items = f"{url}/collections/catalogue/items"
        working = [
            pool.submit(work, items, who, token, seed)
            for seed, (who, token) in enumerate(given.items())
        ]
        done = Counter(one for worked in working for one in worked.result())
    kept: Counter[Done] = Counter()
    with Catalogue(tmp_path) as store:
        for number in range(RECORDS):
            history = store.history(f"r{number}")
            assert [version.number for version in history] == [*range(1, len(history) + 1)]
            for version in history[1:]:
                assert version.by in given and version.record is not None
                said = version.record.title if version.change == "updated" else version.note
                kept[f"r{number}", version.by, version.change, said] += 1
    print(f"{PEOPLE} people, {RECORDS} records, {SECONDS:.0f} s: {done.total()} changes")
    assert kept == done
    steps = {what for _name, _who, what, _title in done}
    assert "updated" in steps and steps <= {"updated", *STEPS.values()}
    if "GEOGUICHET_SECONDS" in os.environ:  # for long enough that each step was taken
        assert steps == {"updated", *STEPS.values()}
