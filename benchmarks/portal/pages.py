"""CPU of a server for every kind of page, here and at an earlier commit, by turns.

    git worktree add ../then 3a38662
    python benchmarks/portal/pages.py ../then WORKSPACE [--rounds 12] [--requests 10]

As `reading`: two servers of copies of one workspace (made by ``geoguichet demo``), each asked in
turn, the clock of its process read. Each page is asked for as a browser does, twice over: one that is
remembered (the same page asked for again within a minute), and one that is made anew (``then`` knows
no other). Prints the bytes of the page, both figures, the earlier one where it had such a page, and
the ratio of what is made anew to it.
"""

from reading import ITEMS, Server, arguments, both

PAGES = {
    "home": "/",
    "search": "/recherche?q=mairie",
    "records": ITEMS,
    "records, words": f"{ITEMS}?q=jeu",
    "record": f"{ITEMS}/jeu-7",
    "record, preview": f"{ITEMS}/study-STUDY",
    "collections": "/collections",
    "layer": "/collections/services/items",
    "layer, surfaces": "/collections/white-zones/items",
    "feature": "/collections/communes/items/09122",
    "counters": "/guichet?ou=09122&quoi=mairie&quand=sam-10:30",
    "counters' frame": "/guichet/widget?ou=09122&quand=sam-10:30",
    "commune": "/communes/09122",
    "studies": "/etudes",
    "study": "/etudes/STUDY",
    "quality": "/quality",
    "processes": "/processes",
}
_ANEW = {"If-None-Match": '"none"'}


def asked(server: Server, address: str, times: int, **headers: str) -> tuple[float, int]:
    """Return the CPU of a request in milliseconds, and the bytes of its page; 0 of both for none."""
    server.connection.close()  # a server hangs up on who says nothing for long
    before, size = server.cpu(), 0
    for _time in range(times):
        told = {"Accept": "text/html", "Accept-Language": "fr", **headers}
        server.connection.request("GET", address, headers=told)
        answer = server.connection.getresponse()
        size = len(answer.read())
        if answer.status != 200:
            return 0.0, 0
    return (server.cpu() - before) / times * 1000, size


def main() -> None:
    given = arguments(__doc__, rounds=12, requests=10)
    with both(given.then, given.workspace) as (now, then):
        for kind, told in PAGES.items():
            address = told.replace("STUDY", given.study)
            asks = [(now, {}), (now, _ANEW), (then, _ANEW)]
            best = [float("inf")] * 3
            for server, headers in asks:
                asked(server, address, 2, **headers)
            for _round in range(given.rounds):
                for place, (server, headers) in enumerate(asks):
                    took, _size = asked(server, address, given.requests, **headers)
                    best[place] = min(best[place], took)
            kept, anew, before = best
            ratio = f"{before:6.2f} then, {anew / before:.2f} times" if before else "none then"
            size = asked(now, address, 1)[1]
            print(
                f"{kind:<16} {size:>7} B {kept:6.2f} ms kept, {anew:6.2f} anew; {ratio}",
                flush=True,
            )


if __name__ == "__main__":
    main()
