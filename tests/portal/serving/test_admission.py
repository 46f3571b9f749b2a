"""Who is answered now, who waits, who is asked to come back."""

import asyncio

import pytest
import requests

from geoguichet.portal.serving.admission import Gate, kind_of

ITEMS = "/collections/catalogue/items"


@pytest.mark.parametrize(
    ("path", "query", "accept", "kind"),
    [
        (ITEMS, "limit=10", "", "light"),
        (ITEMS, "f=html", "text/turtle", "light"),
        (ITEMS, "limit=10000&f=dcat-rdf", "", "heavy"),
        (ITEMS, "", "application/rdf+xml", "heavy"),
        ("/collections/communes/items", "", "TEXT/CSV", "heavy"),
        ("/collections/communes/items", "f=gpkg", "", "heavy"),
        ("/csw", "", "", "heavy"),
        (f"{ITEMS}/forets", "f=dcat-rdf", "", "light"),
        ("/", "", "*/*", "light"),
    ],
)
def test_a_request_is_of_one_class(path: str, query: str, accept: str, kind: str) -> None:
    headers = [(b"accept", accept.encode())]
    scope = {"path": path, "query_string": query.encode(), "headers": headers}
    assert kind_of(scope) == kind


def test_a_gate_lets_some_through_has_some_wait_and_refuses_the_others() -> None:
    async def tried() -> None:
        gate = Gate(at_once=1, waiting=1, patience_s=5)
        assert await gate.enter()
        second = asyncio.create_task(gate.enter())
        await asyncio.sleep(0)
        assert not await gate.enter()
        gate.leave()
        assert await second
        gate.leave()
        assert gate.in_hand == 0

    asyncio.run(tried())


def test_nobody_waits_for_ever_at_a_gate() -> None:
    async def tried() -> None:
        gate = Gate(at_once=1, waiting=1, patience_s=0.01)
        assert await gate.enter()
        assert not await gate.enter()
        gate.leave()
        assert await gate.enter() and gate.in_hand == 1

    asyncio.run(tried())


def test_a_question_longer_than_any_is_refused_at_once(url: str, http: requests.Session) -> None:
    rule = {"any": ["etat"] * 100_000}
    answer = http.post(f"{url}/processes/white-zones/execution", json={"inputs": {"rule": rule}})
    assert answer.status_code == 413
