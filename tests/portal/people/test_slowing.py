import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pytest
from starlette.requests import Request

from geoguichet.portal.people import slowing
from geoguichet.portal.people.slowing import FORGOTTEN_S, FREE, LONGEST_S
from geoguichet.portal.people.store import People, digest


def failures(base: sqlite3.Connection, kind: str, which: str) -> int:
    row = base.execute(
        "SELECT failures FROM tries WHERE digest = ?", (digest(f"{kind}:{which}"),)
    ).fetchone()
    return row[0] if row else 0


@pytest.mark.parametrize("kind", ["account", "address"])
def test_each_try_beyond_the_free_ones_waits_twice_as_long(
    people: People, kind: str, frozen
) -> None:
    with people.write() as base:
        for _try in range(FREE[kind]):
            assert slowing.wait_s(base, (kind, "x")) == 0
        for doubled in range(12):
            wait = slowing.wait_s(base, (kind, "x"))
            longest = min(2**doubled, LONGEST_S)
            assert longest - 1 <= wait <= longest
            base.execute("UPDATE tries SET last = last - ?", (longest,))
            assert slowing.wait_s(base, (kind, "x")) == 0
        assert slowing.wait_s(base, (kind, "other")) == 0


def test_a_hundred_an_hour_are_not_possible_on_one_account() -> None:
    """ASVS 2.2.1: the waits add up."""
    spent, tries = 0, FREE["account"]
    while spent < 3600:
        spent += min(2 ** (tries - FREE["account"]), LONGEST_S)
        tries += 1
    assert tries < 25


def test_a_success_forgives_the_account_and_its_own_try_of_the_address(people: People) -> None:
    tried = (("account", "x"), ("address", "y"))
    with people.write() as base:
        for _try in range(3):
            slowing.wait_s(base, *tried)
        slowing.forgive(base, *tried)
        assert (failures(base, "account", "x"), failures(base, "address", "y")) == (0, 2)
        base.execute("UPDATE tries SET last = last - ?", (FORGOTTEN_S + 1,))
        slowing.wait_s(base, ("account", "z"))
        assert failures(base, "address", "y") == 0, "forgotten after a day"


def test_tries_at_once_are_each_counted(people: People, frozen) -> None:
    def tried(_turn: int) -> int:
        with people.write() as base:
            return slowing.wait_s(base, ("account", "x"))

    with ThreadPoolExecutor(8) as pool:
        waits = list(pool.map(tried, range(40)))
    assert waits.count(0) == FREE["account"]


def test_the_count_outlives_a_restart_and_names_nobody(people: People, frozen) -> None:
    with people.write() as base:
        for _try in range(9):
            slowing.wait_s(base, ("account", "ada@region.example"))
    with People(people.path.parent).write() as base:
        assert slowing.wait_s(base, ("account", "ada@region.example")) > 0
    with closing(sqlite3.connect(people.path)) as base:
        assert b"ada" not in b"".join(row[0] for row in base.execute("SELECT digest FROM tries"))


@pytest.mark.parametrize(
    ("client", "address"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
        ("2001:db8:1:2:ffff::1", "2001:db8:1:2::"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("unix", "?"),
        ("", "?"),
    ],
)
def test_an_address_of_ipv6_counts_with_its_network(client: str, address: str) -> None:
    scope = {"type": "http", "client": (client, 1) if client else None, "headers": []}
    assert slowing.address_of(Request(scope)) == address
