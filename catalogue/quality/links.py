"""The links of a record, tried: which ones are dead, and why."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from queue import Empty, SimpleQueue
from threading import Thread
from typing import NamedTuple
from urllib.parse import urlsplit

from geoguichet.catalogue.quality.rules.rule import Told
from geoguichet.catalogue.quality.validate import RecordFinding
from geoguichet.catalogue.record import Link, Record
from geoguichet.floor.http import Client, HttpError
from geoguichet.floor.words import Message

#: How long and how much a link is worth: enough to know that something is there.
PATIENCE = Client(timeout_s=10, total_s=20, tries=1, enough=64 * 1024)


def dead_links(
    record: Record,
    *,
    client: Client = PATIENCE,
    inner: bool = False,
    tried: dict[Target, Reason | None] | None = None,
) -> tuple[RecordFinding, ...]:
    """Try every web link of a record; a finding says why one does not lead where it should.

    With ``tried``, a link that is in it is not tried again, and what is found is put there.

    Addresses inside the organisation's network are left alone unless ``inner`` says otherwise: a
    record is written by others, and must not make us ask our own machines.
    """
    links = [
        (at, link)
        for at, link in enumerate(record.links)
        if link.href.startswith(("http://", "https://"))
    ]
    known = {} if tried is None else tried
    untried = dict.fromkeys(_target(link) for _, link in links if _target(link) not in known)
    known |= _together(lambda target: _reason(target, client, inner=inner), list(untried))
    return tuple(_found(record, links, known))


class Target(NamedTuple):
    """What of a link decides whether it leads where it should."""

    href: str
    rel: str
    type: str


class Reason(NamedTuple):
    """The rule that a link breaks, and how."""

    rule: str
    said: Message | Told


def _target(link: Link) -> Target:
    return Target(link.href, link.rel, link.type)


def _together(
    try_: Callable[[Target], Reason | None], links: Sequence[Target]
) -> dict[Target, Reason | None]:
    """Try links four at a time, in threads that do not outlive an interruption."""
    waiting: SimpleQueue[Target] = SimpleQueue()
    tried: SimpleQueue[tuple[Target, Reason | Exception | None]] = SimpleQueue()
    for link in links:
        waiting.put(link)

    def work() -> None:
        with suppress(Empty):
            while True:
                link = waiting.get_nowait()
                try:
                    tried.put((link, try_(link)))
                except Exception as error:  # noqa: BLE001 (who waits for the answer must have one)
                    tried.put((link, error))

    for _ in range(min(4, len(links))):
        Thread(target=work, daemon=True).start()
    found: dict[Target, Reason | None] = {}
    for _ in links:
        link, reason = tried.get()
        if isinstance(reason, Exception):
            raise reason
        found[link] = reason
    return found


def _found(
    record: Record,
    links: list[tuple[int, Link]],
    reasons: Mapping[Target, Reason | None],
) -> Iterator[RecordFinding]:
    for at, link in links:
        reason = reasons[_target(link)]
        if reason is not None:
            yield RecordFinding(
                reason.rule,
                "catalogue",
                record.id,
                Message("{href} : {reason}", href=link.href[:120], reason=reason.said),
                "info" if reason.rule in _ALIVE else "warning",
                where=f"links[{at}].href",
                why=_WHY_ALIVE if reason.rule in _ALIVE else _WHY,
                remedy=_REMEDIES.get(reason.rule, _REMEDY),
            )


def _reason(link: Target, client: Client, *, inner: bool) -> Reason | None:
    """Return why a link fails; None when it does not."""
    try:
        if not inner and _is_inner(link.href):
            return Reason("link-inner", Message("adresse d'un réseau interne, non essayée."))
        response = client.get(link.href)
    except HttpError as error:
        return Reason(f"link-{error.kind or 'dead'}", Told(error.french, error.english))
    kind = response.media_type
    if link.rel in ("enclosure", "service") and kind == "text/html" and link.type != "text/html":
        return Reason("link-content", Message("une page HTML est reçue à la place de la donnée."))
    if link.rel == "service" and "access-control-allow-origin" not in response.headers:
        return Reason(
            "link-cors",
            Message(
                "le serveur n'autorise pas les pages d'autres sites (CORS) : une carte en ligne "
                "ne l'affichera pas."
            ),
        )
    return None


#: What is told of a link that may well be alive.
_ALIVE = frozenset({"link-cors", "link-inner", "link-moved"})

_WHY = Message("Un lien mort ou trompeur fait perdre l'usager.")
_WHY_ALIVE = Message("Le lien peut être bon, mais il ne servira pas à tous.")
_REMEDY = Message("Corriger l'adresse, ou retirer le lien.")
_REMEDIES = {
    "link-cors": Message(
        "Demander au gestionnaire du service d'envoyer l'en-tête Access-Control-Allow-Origin."
    ),
    "link-moved": Message("Écrire l'adresse d'arrivée dans la fiche."),
    "link-inner": Message("Donner une adresse que tous peuvent atteindre, ou retirer le lien."),
    "link-timeout": Message(
        "Essayer plus tard ; si le serveur reste muet, corriger l'adresse ou retirer le lien."
    ),
    "link-content": Message("Donner l'adresse de la donnée elle-même."),
}


def _is_inner(address: str) -> bool:
    """Say whether an address leads to a private, local or reserved place."""
    try:
        host = urlsplit(address).hostname or ""
        found = {item[4][0] for item in socket.getaddrinfo(host, None)}
    except (OSError, ValueError):
        return False  # the client will say that the name does not exist, or that this is no address
    return any(not ipaddress.ip_address(str(item).partition("%")[0]).is_global for item in found)
