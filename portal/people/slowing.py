"""Tries in vain, slowed: after a few, each waits twice as long as the one before.

They are counted by account and by address of machine, and the count outlives a restart. A try is
counted when it begins and forgiven when it succeeds, so that a hundred at once are a hundred.
"""

import ipaddress
import sqlite3

from starlette.requests import Request

from geoguichet.portal.people.store import digest, now

#: How many tries cost nothing: of one account; from one address, where a whole office may sit.
FREE = {"account": 5, "address": 20}
LONGEST_S = 900
#: After so long without a try in vain they are forgotten.
FORGOTTEN_S = 24 * 3600


def address_of(request: Request) -> str:
    """Return the address of the machine that asks; of IPv6, its network (/64), which one has whole.

    Behind a server that forwards, it is what that server says (X-Forwarded-For), when it stands on
    this machine.
    """
    host = request.client.host if request.client else ""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return "?"
    if address.version == 6 and address.ipv4_mapped:
        return str(address.ipv4_mapped)
    if address.version == 6:
        return str(ipaddress.ip_network((address, 64), strict=False).network_address)
    return str(address)


def left_s(base: sqlite3.Connection, *tried: tuple[str, str]) -> int:
    """Return the seconds to wait before trying again; what is ``tried`` is a kind (``account`` or
    ``address``) and which one.
    """
    left = 0
    for kind, which in tried:
        known = base.execute(
            "SELECT failures, last FROM tries WHERE digest = ?", (digest(f"{kind}:{which}"),)
        ).fetchone()
        beyond = known["failures"] - FREE[kind] if known else -1
        if beyond >= 0:
            left = max(left, known["last"] + min(2 ** min(beyond, 20), LONGEST_S) - now())
    return left


def wait_s(base: sqlite3.Connection, *tried: tuple[str, str]) -> int:
    """Return the same; with 0, the try is counted and may go on."""
    if left := left_s(base, *tried):
        return left
    base.execute("DELETE FROM tries WHERE last < ?", (now() - FORGOTTEN_S,))
    base.executemany(
        "INSERT INTO tries VALUES (?, 1, ?) ON CONFLICT DO UPDATE "
        "SET failures = failures + 1, last = excluded.last",
        [(digest(f"{kind}:{which}"), now()) for kind, which in tried],
    )
    return 0


def forgive(base: sqlite3.Connection, *tried: tuple[str, str]) -> None:
    """Take back a try that succeeded: an account's all, of an address that one."""
    for kind, which in tried:
        key = digest(f"{kind}:{which}")
        if kind == "account":
            base.execute("DELETE FROM tries WHERE digest = ?", (key,))
        else:
            base.execute("UPDATE tries SET failures = failures - 1 WHERE digest = ?", (key,))
