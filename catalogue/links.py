"""The links of a record, tried: which ones are dead, and why."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from urllib.parse import urlsplit

from geoguichet.catalogue.errors import HarvestError
from geoguichet.catalogue.harvest.http import Client
from geoguichet.catalogue.record import Link, Record
from geoguichet.catalogue.validate import RecordFinding

PATIENCE = Client(timeout_s=10, total_s=20, tries=1, largest=2 * 1024 * 1024)
"""How long and how much a link is worth: enough to know that something is there."""

_WHY = "Un lien mort ou trompeur fait perdre l'usager."


def dead_links(record: Record, *, client: Client = PATIENCE, inner: bool = False) -> tuple[RecordFinding, ...]:
    """Try every web link of a record; a finding says why one does not lead where it should.

    Addresses inside the organisation's network are left alone unless ``inner`` says otherwise: a record is written by
    others, and must not make us ask our own machines.
    """
    links = [(at, link) for at, link in enumerate(record.links) if link.href.startswith(("http://", "https://"))]
    with ThreadPoolExecutor(max_workers=4) as pool:
        reasons = pool.map(lambda pair: _reason(pair[1], client, inner=inner), links)
        return tuple(_found(record, links, reasons))


def _found(
    record: Record, links: list[tuple[int, Link]], reasons: Iterator[tuple[str, str]]
) -> Iterator[RecordFinding]:
    for (at, link), (rule, reason) in zip(links, reasons, strict=True):
        if reason:
            severity = "info" if rule in ("link-cors", "link-inner", "link-moved") else "warning"
            finding = RecordFinding(rule, "catalogue", record.id, f"{link.href[:120]} : {reason}", "warning")
            finding = finding if severity == "warning" else replace(finding, severity="info")
            yield replace(
                finding, where=f"links[{at}].href", why=_WHY, remedy="Corriger l'adresse, ou retirer le lien."
            )


def _reason(link: Link, client: Client, *, inner: bool) -> tuple[str, str]:
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
