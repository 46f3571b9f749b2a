"""The links of a record, tried: which ones are dead, and why."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from queue import Empty, SimpleQueue
from threading import Thread
from typing import NamedTuple
from urllib.parse import urlsplit

from geoguichet.catalogue.errors import HarvestError
from geoguichet.catalogue.harvest.http import Client
from geoguichet.catalogue.record import Link, Record
from geoguichet.catalogue.validate import RecordFinding

PATIENCE = Client(timeout_s=10, total_s=20, tries=1, largest=2 * 1024 * 1024)
"""How long and how much a link is worth: enough to know that something is there."""

_WHY = "Un lien mort ou trompeur fait perdre l'usager."


def dead_links(
    record: Record, *, client: Client = PATIENCE, inner: bool = False, tried: dict[Target, Reason] | None = None
) -> tuple[RecordFinding, ...]:
    """Try every web link of a record; a finding says why one does not lead where it should.

    With ``tried``, a link that is in it is not tried again, and what is found is put there.

    Addresses inside the organisation's network are left alone unless ``inner`` says otherwise: a record is written by
    others, and must not make us ask our own machines.
    """
    links = [(at, link) for at, link in enumerate(record.links) if link.href.startswith(("http://", "https://"))]
    known = {} if tried is None else tried
    untried = dict.fromkeys(_target(link) for _, link in links if _target(link) not in known)
    known |= _together(lambda target: _reason(target, client, inner=inner), list(untried))
    return tuple(_found(record, links, known))


class Target(NamedTuple):
    """What of a link decides whether it leads where it should."""

    href: str
    rel: str
    type: str


type Reason = tuple[str, str]
"""A rule and the reason why a link fails; both empty when it does not."""


def _target(link: Link) -> Target:
    return Target(link.href, link.rel, link.type)


def _together(try_: Callable[[Target], Reason], links: Sequence[Target]) -> dict[Target, Reason]:
    """Try links four at a time, in threads that do not outlive an interruption."""
    waiting: SimpleQueue[Target] = SimpleQueue()
    tried: SimpleQueue[tuple[Target, Reason]] = SimpleQueue()
    for link in links:
        waiting.put(link)

    def work() -> None:
        with suppress(Empty):
            while True:
                link = waiting.get_nowait()
                tried.put((link, try_(link)))

    for _ in range(min(4, len(links))):
        Thread(target=work, daemon=True).start()
    return dict(tried.get() for _ in links)


def _found(record: Record, links: list[tuple[int, Link]], reasons: Mapping[Target, Reason]) -> Iterator[RecordFinding]:
    for at, link in links:
        rule, reason = reasons[_target(link)]
        if reason:
            severity = "info" if rule in ("link-cors", "link-inner", "link-moved") else "warning"
            finding = RecordFinding(rule, "catalogue", record.id, f"{link.href[:120]} : {reason}", "warning")
            finding = finding if severity == "warning" else replace(finding, severity="info")
            yield replace(
                finding, where=f"links[{at}].href", why=_WHY, remedy="Corriger l'adresse, ou retirer le lien."
            )


def _reason(link: Target, client: Client, *, inner: bool) -> Reason:
    """Return the rule and the reason why a link fails; empty when it does not."""
    try:
        if not inner and _is_inner(link.href):
            return "link-inner", "adresse d'un réseau interne, non essayée."
        response = client.get(link.href)
    except HarvestError as error:
        message = str(error).removeprefix(f"{link.href} : ")
        return _rule_of(message), message
    kind = response.headers.get("content-type", "").partition(";")[0]
    if link.rel in ("enclosure", "service") and kind == "text/html" and link.type != "text/html":
        return "link-content", "une page HTML est reçue à la place de la donnée."
    if link.rel == "service" and "access-control-allow-origin" not in response.headers:
        return (
            "link-cors",
            "le serveur n'autorise pas les pages d'autres sites (CORS) : une carte en ligne ne pourra pas l'afficher.",
        )
    return "", ""


def _rule_of(message: str) -> str:
    marks = {
        "DNS": "link-dns",
        "TLS": "link-tls",
        " 404": "link-404",
        "délai": "link-timeout",
        "autre hôte": "link-moved",
    }
    return next((rule for mark, rule in marks.items() if mark in message), "link-dead")


def _is_inner(address: str) -> bool:
    """Say whether an address leads to a private, local or reserved place."""
    host = urlsplit(address).hostname or ""
    try:
        found = {item[4][0] for item in socket.getaddrinfo(host, None)}
    except OSError:
        return False  # the client will say that the name does not exist
    return any(not ipaddress.ip_address(str(item).partition("%")[0]).is_global for item in found)
