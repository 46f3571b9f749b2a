"""The nearest right counters: what is asked for and from where, the order of the answer, and the
index that answers from beside a result, where no layer is read again.

Only what starts at once is imported: what reads layers takes ten times as long to load as an answer.
"""

import difflib
import json
import re
import sqlite3
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, suppress
from dataclasses import asdict, dataclass
from datetime import date
from functools import cache
from itertools import pairwise
from math import cos, inf, nan, radians
from pathlib import Path
from typing import Any, NamedTuple

from geoguichet.coverage.errors import OrientationError
from geoguichet.floor.files import sha256, whole
from geoguichet.floor.words import Message, Unit, _
from geoguichet.referentials.directory.hours import Moment, is_open, next_opening
from geoguichet.referentials.territories.gazetteer import Commune, find_communes, plain, resembling

# What someone comes for, in their own words: a need of the study, a type of counter, or a
# citizen's errand.

#: Words that do not tell one errand from another.
_IDLE = frozenset(
    [
        "a",
        "au",
        "aux",
        "d",
        "de",
        "des",
        "du",
        "en",
        "et",
        "l",
        "la",
        "le",
        "les",
        "ma",
        "mes",
        "mon",
        "nos",
        "notre",
        "ou",
        "par",
        "pour",
        "sa",
        "ses",
        "son",
        "sur",
        "un",
        "une",
        "faire",
        "refaire",
        "demander",
        "aller",
        "the",
        "an",
        "my",
        "for",
        "to",
        "of",
        "or",
        "get",
    ]
)


@dataclass(frozen=True, slots=True)
class Errand:
    """What is asked for, and what answers it: the study's needs of these keys, counters of these
    types.
    """

    label: str
    types: tuple[str, ...]
    #: Needs of the study that it is, or that the same types meet: what a kiosk must open.
    needs: tuple[str, ...]
    #: The need of the study itself, with its least hours; empty for a type or a citizen's errand.
    need: str = ""
    note: str = ""
    #: The moment that need asks to be open at.
    open_at: Moment | None = None

    def met_by(self, kind: str, needs: Sequence[str]) -> bool:
        """Return whether a counter of a type that meets (or a kiosk that opens) these needs answers,
        whatever the moment.
        """
        if kind == KIOSK:
            return not set(self.needs).isdisjoint(needs)
        return self.need in needs if self.need else kind in self.types


class Named(NamedTuple):
    """An errand under its key and its names; a citizen's is told apart from counters and needs."""

    key: str
    names: tuple[str, ...]
    errand: Errand
    citizen: bool = False


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """All that can be asked for, and the keys of the study's own needs."""

    known: tuple[Named, ...]
    needs: tuple[str, ...]

    def find(self, what: str) -> Errand:
        """Return what the words mean (`named`)."""
        return self.named(what).errand

    def named(self, what: str) -> Named:
        """Return what the words mean, under its key: a key, else words of a name.

        Raises
        ------
        OrientationError
            Nothing is called so, or several things are; the message lists them.
        """
        errands = {each.key: each for each in self.known}
        matches = [what] if what in errands else self._matching(what)
        if len(matches) == 1:
            return errands[matches[0]]
        names = [*self.needs, *errands]
        close = matches or difflib.get_close_matches(what, names, n=3, cutoff=0.5)
        remedy = ", ".join(dict.fromkeys((*self.needs, *close)))
        more = (
            "peut désigner plusieurs choses"
            if matches
            else "n'est ni un besoin de l'étude, ni un type, ni une démarche"
        )
        raise OrientationError(f"{what!r} {more} ; essayez : {remedy}.")

    # Return the keys of which a name is the text; else of which a name holds the text's words, even
    # half written.
    def _matching(self, what: str) -> list[str]:
        asked = plain(what)
        words = [word for word in asked.split() if word not in _IDLE]
        exact = [each.key for each in self.known if asked in map(plain, each.names)]
        if exact or not words:
            return exact
        held = [
            each
            for each in self.known
            if any(_holds(plain(name).split(), words) for name in each.names)
        ]
        errands = [each for each in held if each.citizen]
        return [each.key for each in (errands if len(errands) == 1 and len(words) > 1 else held)]


def _holds(name: Sequence[str], words: Iterable[str]) -> bool:
    return all(any(part.startswith(word) for part in name) for word in words)


# From where.

_SHOWN = 12
_DEGREES = re.compile(r"\s*(-?\d+(?:\.\d+)?)(?:\s*+[,;]\s*+|\s++)(-?\d+(?:\.\d+)?)\s*")


def degrees(text: str) -> tuple[float, float] | None:
    """Return the longitude and latitude of ``LON,LAT``; None of any other text."""
    match = _DEGREES.fullmatch(text)
    return None if match is None else (float(match[1]), float(match[2]))


def the_commune(communes: Sequence[Commune], text: str) -> Commune:
    """Return the one commune that a text means.

    Raises
    ------
    OrientationError
        No commune is called so, or several are: the message lists them.
    """
    found = find_communes(communes, text)
    if not found:
        raise OrientationError(
            Message(
                "aucune commune du territoire ne s'appelle {text} ; essayez : {close}.",
                text=repr(text),
                close=_(" ou ").join(resembling(communes, text))
                or _("un nom de commune, son code INSEE, ou LON,LAT"),
            )
        )
    if len(found) > 1:
        told = [f"{each.name} ({each.departement}, {each.code})" for each in found[:_SHOWN]]
        more = _(" et {n} autres", n=len(found) - _SHOWN) if len(found) > _SHOWN else ""
        raise OrientationError(
            Message(
                "{text} peut désigner {n} communes : {told}{more} ; essayez avec un nom plus "
                "complet ou le code INSEE.",
                text=repr(text),
                n=len(found),
                told=", ".join(told),
                more=more,
            )
        )
    return found[0]


def placed(commune: Commune, point: tuple[float, float] | None) -> tuple[float, float]:
    """Return where a commune's people are supposed. OrientationError where nobody knows."""
    if point is None:
        raise OrientationError(
            Message(
                "{name} n'a ni mairie localisée ni contour ; donnez LON,LAT en degrés.",
                name=commune.name,
            )
        )
    return point


# The order of the answer.

#: What stands in ``type`` for a visioguichet.
KIOSK = "kiosk"
_FIRST_LIMIT = {Unit.METRES: 20_000.0, Unit.SECONDS: 1_200.0}
_LAST_LIMIT = 2_000_000.0
_OPENING = {True: "open", False: "closed", None: "unknown"}
_UNSURE = ("unknown", "proposed")


class Candidate(NamedTuple):
    """A counter that answers: the cost of going there, its number, and what tells when it is open."""

    cost: float
    number: int
    hours: str | None
    departement: str
    #: Only proposed: open to nobody yet.
    planned: bool

    def state(self, at: Moment | None) -> str:
        """Return ``open``, ``closed``, ``unknown`` or ``proposed``; empty for what stands when no
        moment is asked.
        """
        told = "" if at is None else _OPENING[is_open(self.hours, at, self.departement)]
        return "proposed" if self.planned and told != "closed" else told

    def reopens(self, at: Moment | None) -> str:
        """Return when it opens next, as text; empty when no moment is asked, nobody knows, or it is
        only proposed.
        """
        if at is None or self.planned:
            return ""
        return str(next_opening(self.hours, at, self.departement) or "")


#: Return those that answer up to a cost, and whether they are all there are.
type Reach = Callable[[float], tuple[list[Candidate], bool]]


def limits(unit: Unit) -> list[float]:
    """Return the costs up to which counters are looked for, one after the other."""
    found = [_FIRST_LIMIT[unit]]
    while found[-1] <= _LAST_LIMIT:
        found.append(found[-1] * 3)
    return found


def nearest_first(reach: Reach, unit: Unit) -> Iterator[list[Candidate]]:
    """Yield the counters that a source reaches, the nearest first, those within each limit together:
    a source is asked farther only when those yielded are not enough.
    """
    for done, limit in pairwise((-1.0, *limits(unit))):
        found, all_of_them = reach(limit)
        told = [each for each in found if done < each.cost and (all_of_them or each.cost <= limit)]
        yield sorted(told, key=lambda each: each[:2])
        if all_of_them:
            return


def chosen(
    rings: Iterable[list[Candidate]], at: Moment | None, k: int, *, closed: int = 0
) -> list[tuple[Candidate, str]]:
    """Return the ``k`` first known to be open then, each with its state; and, when they are no farther
    than the last, up to ``k`` of which nobody can tell or that are only proposed, and so many closed.
    """
    told: list[tuple[Candidate, str]] = []
    left = {"sure": k, "unsure": k, "closed": closed}
    farthest = inf
    for ring in rings:
        for each in ring:
            if each.cost > farthest:
                break
            state = each.state(at)
            unsure = at is not None and state in _UNSURE
            kind = "unsure" if unsure else "closed" if state == "closed" else "sure"
            if left[kind]:
                left[kind] -= 1
                told.append((each, state))
                farthest = inf if left["sure"] else min(farthest, each.cost)
        if not left["sure"]:
            break
    return told


# What is kept beside a result.

#: The file, in the folder of the result.
KEPT = "nearest.sqlite"
#: Goes up when the tables, or how what they hold is made, change: those of before are made again.
_FORM = 1
_TABLES = """
CREATE TABLE files (path TEXT, sha256 TEXT);
CREATE TABLE told (told TEXT);
CREATE TABLE communes
    (code TEXT, name TEXT, departement TEXT, population REAL, plain TEXT, lon REAL, lat REAL);
CREATE TABLE counters
    (number INTEGER PRIMARY KEY, kind TEXT, needs TEXT, planned INTEGER,
     lon REAL, lat REAL, told TEXT);
CREATE VIRTUAL TABLE boxes USING rtree(number, west, east, south, north);
"""
#: Metres in a degree of latitude, at the least.
_DEGREE_M = 110_500.0
#: A map's distance may be this much longer than the ellipsoid's.
_MAP_SCALE = 1.01


class Answer(NamedTuple):
    """The counters found, as GeoJSON features, and what is said about them."""

    errand: Errand
    place: str
    at: Moment | None
    unit: Unit
    features: list[dict[str, Any]]
    #: Whether the kiosks of a result could be among them.
    with_kiosks: bool


class Counter(NamedTuple):
    """A counter to be kept: the needs it meets (a kiosk: opens), and its feature."""

    #: Comma-separated.
    needs: str
    planned: bool
    lon: float
    lat: float
    feature: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Kept:
    """What an index says of its study, beside communes and counters."""

    vocabulary: Vocabulary
    #: How many times the straight line is counted.
    detour: float
    #: Metres from a commune's point within which the study surely knows the counters.
    known_within: float
    #: Where straight lines are measured: west, south, east, north, in degrees.
    measured: tuple[tuple[float, float, float, float], ...]
    with_kiosks: bool

    @classmethod
    def of(cls, text: str) -> "Kept":
        """Read what `keep` wrote."""
        told = json.loads(text)
        words = told.pop("vocabulary")
        known = [
            Named(key, names, _errand(each), told) for key, names, each, told in words["known"]
        ]
        return cls(Vocabulary(tuple(known), tuple(words["needs"])), **told)


def _errand(told: dict[str, Any]) -> Errand:
    at = told.pop("open_at")
    on = at and at["on"] and date.fromisoformat(at["on"])
    return Errand(**told, open_at=at and Moment(at["minute"], on))


def known_within(buffer_m: float, tolerance_m: float) -> float:
    """Return how near its commune's point a place surely is in the ground of a study: the point may
    stand outside the commune, and the map may stretch.
    """
    return buffer_m / _MAP_SCALE - tolerance_m


def keep(
    folder: Path,
    files: Iterable[Path],
    kept: Kept,
    communes: Iterable[tuple[Commune, tuple[float, float] | None]],
    counters: Iterable[Counter],
) -> None:
    """Write the index of a result's folder, with the digests of the files it was made of (the first
    two are the study's and the workspace's types): where one is another, `answer` is silent.

    A folder that cannot be written keeps none.
    """
    with (
        suppress(OSError, sqlite3.Error),
        whole(folder / KEPT) as draft,
        closing(sqlite3.connect(draft)) as base,
        base,
    ):
        base.executescript(f"{_TABLES} PRAGMA user_version = {_FORM};")
        base.executemany("INSERT INTO files VALUES (?, ?)", ((str(f), _digest(f)) for f in files))
        text = json.dumps(asdict(kept), ensure_ascii=False, default=str)
        base.execute("INSERT INTO told VALUES (?)", (text,))
        base.executemany(
            "INSERT INTO communes VALUES (?, ?, ?, ?, ?, ?, ?)",
            ((*commune, *(point or (None, None))) for commune, point in communes),
        )
        for number, each in enumerate(counters):
            told, place = json.dumps(each.feature, ensure_ascii=False), (each.lon, each.lat)
            kind = each.feature["properties"]["type"]
            row = (number, kind, each.needs, each.planned, *place, told)
            base.execute("INSERT INTO counters VALUES (?, ?, ?, ?, ?, ?, ?)", row)
            box = (number, each.lon, each.lon, each.lat, each.lat)
            base.execute("INSERT INTO boxes VALUES (?, ?, ?, ?, ?)", box)


# Return the digest of a file; empty when it is not there.
def _digest(file: Path) -> str:
    return sha256(file) if file.is_file() else ""


def answer(
    asked: Path, workspace: Path, place: str, what: str, *, at: Moment | None = None, k: int = 3
) -> Answer | None:
    """Return what the index beside a result answers; None where there is none, where it is not of
    these files any more, and for what it cannot tell.

    Parameters
    ----------
    asked
        The file of a study, whose result is in the workspace, or the folder of a result.

    Raises
    ------
    OrientationError
        The place or what is asked for is nothing known, or several things.
    """
    # what is written halfway, or by others, is as if it were not there: the study answers
    with suppress(sqlite3.Error):
        base = _opened(asked, workspace)
        if base is not None:
            with closing(base):
                return answer_of(base, place, what, at=at, k=k)
    return None


# Open the index of a study whose files are those it was made of; None without such a one.
def _opened(asked: Path, workspace: Path) -> sqlite3.Connection | None:
    file = asked / "manifest.json" if asked.is_dir() else asked
    folder = asked if asked.is_dir() else _result_of(asked, workspace)
    return None if folder is None else fresh(folder / KEPT, (file, workspace / "types.toml"))


def fresh(index: Path, first: Sequence[Path]) -> sqlite3.Connection | None:
    """Open an index to read it; None where there is none, or where the files it was made of (these
    first) are others now.
    """
    if not index.is_file():
        return None
    base = sqlite3.connect(f"{index.resolve().as_uri()}?mode=ro", uri=True)
    with ExitStack() as unless_fresh:
        unless_fresh.callback(base.close)
        files = base.execute("SELECT path, sha256 FROM files ORDER BY rowid").fetchall()
        if (
            base.execute("PRAGMA user_version").fetchone() != (_FORM,)
            or [path for path, _ in files[: len(first)]] != [str(each.resolve()) for each in first]
            or any(_digest(Path(path)) != digest for path, digest in files)
        ):
            return None
        unless_fresh.pop_all()
    return base


# Return the folder of a study's result; None where the file is no study.
def _result_of(study: Path, workspace: Path) -> Path | None:
    try:
        document = tomllib.loads(study.read_text(encoding="utf-8"))
        return workspace / "studies" / document["study"]["id"]
    except (OSError, ValueError, KeyError, TypeError):
        return None


def communes_of(base: sqlite3.Connection) -> dict[Commune, tuple[float, float] | None]:
    """Return the communes of an index, each with the point where its people are supposed."""
    found = {}
    for code, named, departement, people, folded, *point in base.execute("SELECT * FROM communes"):
        commune = Commune(code, named, departement, nan if people is None else people, folded)
        found[commune] = None if point[0] is None else (point[0], point[1])
    return found


def answer_of(
    base: sqlite3.Connection,
    text: str,
    what: str,
    *,
    at: Moment | None,
    k: int,
    closed: int = 0,
    within: float = inf,
    kept: Kept | None = None,
    communes: Mapping[Commune, tuple[float, float] | None] | None = None,
    counters: Sequence[dict[str, Any]] | None = None,
) -> Answer | None:
    """Return what an open index answers; None for what it cannot tell.

    ``kept``, ``communes`` (the one that the text means may be enough) and ``counters`` (by number) are
    its own, where they are in memory already. ``closed`` counters that are so are told too (`chosen`);
    farther than ``within`` metres one is looked for only while none was found at all.
    """

    def metres(ends: Sequence[tuple[float, float]]) -> list[float]:
        lon, lat = ([here[axis]] * len(ends) for axis in (0, 1))
        return list(_geod().inv(lon, lat, [x for x, _ in ends], [y for _, y in ends])[2])

    kept = kept or Kept.of(*base.execute("SELECT told FROM told").fetchone())
    points = communes_of(base) if communes is None else communes
    given = degrees(text)
    if given is None:
        commune = the_commune(list(points), text)
        here = placed(commune, points[commune])
        name = f"{commune.name} ({commune.departement})"
    else:
        here, name = given, text.strip()
        near = any(w <= here[0] <= e and s <= here[1] <= n for w, s, e, n in kept.measured)
        known = [point for point in points.values() if point is not None]
        if not near or min(metres(known), default=inf) > kept.known_within:
            return None
    errand = kept.vocabulary.find(what)
    at = at if at is not None else errand.open_at
    told_of: dict[int, dict[str, Any]] = {}

    def reach(limit: float) -> tuple[list[Candidate], bool]:
        told = "NULL" if counters is not None else "told"
        rows, all_of_them = _around(base, here, limit / kept.detour, told)
        met = [row for row in rows if errand.met_by(row[1], row[2].split(","))]
        candidates = []
        for row, apart in zip(met, metres([row[4:6] for row in met]), strict=True):
            number, planned = row[0], bool(row[3])
            told_of[number] = json.loads(row[6]) if counters is None else counters[number]
            own = told_of[number]["properties"]
            hours, departement = own["hours"], own["departement"] or ""
            candidates.append(Candidate(apart * kept.detour, number, hours, departement, planned))
        inside = [each for each in candidates if each.cost <= limit]
        if limit >= within and inside:
            return inside, True
        return [each for each in candidates if each.cost <= farthest], all_of_them

    farthest = limits(Unit.METRES)[-1]
    found = chosen(nearest_first(reach, Unit.METRES), at, k, closed=closed)
    if not told_of:
        return None  # the study says why
    features = []
    for each, state in found:
        told, cost = told_of[each.number], Unit.METRES.column("cost")
        # Who asks for the closed ones too tells by itself when they open.
        reopens = "" if closed else each.reopens(at)
        more = {"opening": state, "reopens": reopens, cost: each.cost}
        features.append(told | {"properties": told["properties"] | more})
    return Answer(errand, name, at, Unit.METRES, features, kept.with_kiosks)


@cache
def _geod() -> Any:
    from pyproj import Geod

    return Geod(ellps="WGS84")


# Return the counters of a box that holds all those within so many metres, and whether it holds all
# there are.
def _around(
    base: sqlite3.Connection, here: tuple[float, float], metres: float, told: str
) -> tuple[list[tuple[Any, ...]], bool]:
    lon, lat = here
    high = metres / _DEGREE_M
    wide = high / cos(radians(abs(lat) + high)) if abs(lat) + high < 89 else 360.0
    # beyond the date line, or nearly: all around
    wide = 360.0 if abs(lon) + wide >= 180 else wide
    rows = base.execute(
        f"SELECT number, kind, needs, planned, lon, lat, {told} FROM boxes JOIN counters USING (number)"
        " WHERE east >= ? AND west <= ? AND north >= ? AND south <= ?",
        (lon - wide, lon + wide, lat - high, lat + high),
    ).fetchall()
    # They are numbered from 0: to count them would read them all.
    (every,) = base.execute("SELECT coalesce(max(number) + 1, 0) FROM counters").fetchone()
    return rows, len(rows) == every
