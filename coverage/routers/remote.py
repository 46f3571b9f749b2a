"""Times from a routing server: OSRM's table service and Valhalla's matrix, over HTTP or in this
process.
"""

import json
from abc import abstractmethod
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import geopandas as gpd
import numpy as np
import shapely

from geoguichet.coverage.errors import RoutingError
from geoguichet.coverage.routers.impedance import (
    CostMatrix,
    Floats,
    Nearest,
    Positions,
    Router,
    located_points,
)
from geoguichet.coverage.routers.road import MAX_ACCESS_M, WALK_KMH
from geoguichet.floor.http import Client, HttpError
from geoguichet.floor.words import Unit

#: From sources and targets (longitude, latitude) to the server's JSON document, errors included.
type Ask = Callable[[Floats, Floats], dict[str, Any]]

#: Points of one request, sources and targets together: the default limit of an OSRM server.
TABLE = 100

_CLIENT = Client(timeout_s=60.0, tries=1, any_status=True)


class _NotOnRoadError(Exception):
    """The server refuses a request because of one of its points: no road near it, or none that
    leads there.
    """


class _TableRouter(Router):
    """What both servers share: blocks, points without road, nearest and pairs within a limit."""

    unit = Unit.SECONDS

    def __init__(self, ask: Ask, *, block: int) -> None:
        self._ask, self._half = ask, max(1, block // 2)

    def nearest(
        self, origins: gpd.GeoSeries, destinations: gpd.GeoSeries, *, limit: float = np.inf
    ) -> Nearest:
        """Return the destination that is nearest from every origin, and why if none; every pair is
        asked for.

        Points in EPSG:4326. Equal costs go to the destination that comes first.

        Raises
        ------
        RoutingError
            A series has another CRS, or the server does not answer as it should.
        """
        start, end = located_points(origins), located_points(destinations)
        best, destination = np.full(len(origins), np.inf), np.full(len(origins), -1, dtype=np.int64)
        reason = np.full(len(origins), "not_located", dtype="U16")
        reason[start] = "no_path" if len(end) else "no_service"
        for i, j, cost in self._blocks(origins, start, destinations, end):
            column = np.where(np.isnan(cost), np.inf, cost).argmin(axis=1)
            metres = cost[np.arange(len(i)), column]
            nearer = metres < best[i]
            best[i[nearer]], destination[i[nearer]] = metres[nearer], j[column[nearer]]
        reason[np.isfinite(best)] = ""
        return Nearest.found(destination, best, reason, limit)

    # Return every pair whose cost is ``<= limit`` seconds. Same input and errors as
    # :meth:`nearest`.
    def costs(
        self, origins: gpd.GeoSeries, destinations: gpd.GeoSeries, *, limit: float
    ) -> CostMatrix:
        start, end = located_points(origins), located_points(destinations)
        found = []
        for i, j, cost in self._blocks(origins, start, destinations, end):
            row, column = np.nonzero(cost <= limit)
            found.append((i[row], j[column], cost[row, column]))
        return CostMatrix.of(found, (len(origins), len(destinations)))

    def _blocks(
        self, origins: gpd.GeoSeries, start: Positions, destinations: gpd.GeoSeries, end: Positions
    ) -> Iterator[tuple[Positions, Positions, Floats]]:
        here = shapely.get_coordinates(origins.to_numpy()[start])
        there = shapely.get_coordinates(destinations.to_numpy()[end])
        for a in range(0, len(start), self._half):
            for b in range(0, len(end), self._half):
                rows, columns = slice(a, a + self._half), slice(b, b + self._half)
                yield start[rows], end[columns], self._table(here[rows], there[columns])

    # Return seconds by pair; when a point has no road the request is cut in two until it stands
    # alone.
    def _table(self, here: Floats, there: Floats) -> Floats:
        try:
            return self._read(self._ask(here, there), (len(here), len(there)))
        except _NotOnRoadError:
            if len(here) == len(there) == 1:
                return np.full((1, 1), np.nan)
        if len(here) >= len(there):
            middle = len(here) // 2
            return np.vstack([self._table(here[:middle], there), self._table(here[middle:], there)])
        middle = len(there) // 2
        return np.hstack([self._table(here, there[:middle]), self._table(here, there[middle:])])

    @abstractmethod
    def _read(self, document: dict[str, Any], shape: tuple[int, int]) -> Floats:
        """Return the seconds of an answer, rows from ``here`` and columns to ``there``."""


class OsrmRouter(_TableRouter):
    """Car, bicycle or foot times of an OSRM server (API v1, service ``table``), the walk to the
    road included.

    Parameters
    ----------
    server Its address (``http://localhost:5000``), or what answers in this process
        (:func:`osrm_in_process`).
    mode
        ``car``, ``bicycle`` or ``foot``; a server usually knows one, whatever the name.
    max_access_m OSRM moves a point to the nearest road however far: beyond this the point is not on
        the network.
    """

    def __init__(
        self,
        server: str | Ask,
        *,
        mode: str = "car",
        max_access_m: float = MAX_ACCESS_M,
        block: int = TABLE,
    ) -> None:
        profile = {"car": "driving", "bicycle": "cycling", "foot": "walking"}[mode]
        if isinstance(server, str):
            server = partial(_osrm_over_http, server, profile)
        super().__init__(server, block=block)
        self._max_access_m = max_access_m

    def _read(self, document: dict[str, Any], shape: tuple[int, int]) -> Floats:
        if document.get("code") == "NoSegment":
            raise _NotOnRoadError
        if document.get("code") != "Ok":
            raise _refusal("OSRM", document.get("code"), document.get("message"))
        seconds = _numbers(document.get("durations"), shape, "OSRM")
        access = [
            _numbers([[at.get("distance") for at in document[side]]], (1, n), "OSRM")[0]
            for side, n in zip(("sources", "destinations"), shape, strict=True)
        ]
        metres = access[0][:, None] + access[1][None, :]
        return np.where(
            (access[0] <= self._max_access_m)[:, None] & (access[1] <= self._max_access_m)[None, :],
            seconds + metres * 3.6 / WALK_KMH,
            np.nan,
        )


#: Valhalla refuses the whole request when one location is in an unconnected region, has no road
#: near, or no path.
_VALHALLA_APART = (170, 171, 442)


class ValhallaRouter(_TableRouter):
    """Car, bicycle or foot times of a Valhalla server (action ``sources_to_targets``).

    Valhalla does not say how far a point is from its road: the walk to it is not included, only
    bounded.

    Parameters
    ----------
    server Its address (``http://localhost:8002``), or what answers in this process
        (:func:`valhalla_in_process`).
    mode
        ``car``, ``bicycle`` or ``foot``.
    max_access_m
        Roads are looked for no farther than this.
    """

    def __init__(
        self,
        server: str | Ask,
        *,
        mode: str = "car",
        max_access_m: float = MAX_ACCESS_M,
        block: int = TABLE,
    ) -> None:
        if isinstance(server, str):
            server = partial(_valhalla_over_http, server, mode, max_access_m)
        super().__init__(server, block=block)

    def _read(self, document: dict[str, Any], shape: tuple[int, int]) -> Floats:
        if document.get("error_code") in _VALHALLA_APART:
            raise _NotOnRoadError
        table = document.get("sources_to_targets")
        if table is None:
            raise _refusal("Valhalla", document.get("error_code"), document.get("error"))
        seconds = (
            table.get("durations")  # the answer to "verbose": false
            if isinstance(table, dict)
            else [[cell.get("time") for cell in row] for row in table]
        )
        return _numbers(seconds, shape, "Valhalla")


def valhalla_request(here: Floats, there: Floats, mode: str, max_access_m: float) -> dict[str, Any]:
    """Return the body of a ``sources_to_targets`` request."""
    costing = {"car": "auto", "bicycle": "bicycle", "foot": "pedestrian"}[mode]
    places = [
        [{"lon": float(lon), "lat": float(lat), "search_cutoff": max_access_m} for lon, lat in side]
        for side in (here, there)
    ]
    return {"sources": places[0], "targets": places[1], "costing": costing, "units": "kilometers"}


# --- over HTTP


def _osrm_over_http(server: str, profile: str, here: Floats, there: Floats) -> dict[str, Any]:
    places = ";".join(f"{lon:.6f},{lat:.6f}" for lon, lat in (*here, *there))
    sources, targets = (
        ";".join(map(str, part))
        for part in (range(len(here)), range(len(here), len(here) + len(there)))
    )
    asked = f"annotations=duration&sources={sources}&destinations={targets}"
    return _asked(server, f"/table/v1/{profile}/{places}?{asked}")


def _valhalla_over_http(
    server: str, mode: str, max_access_m: float, here: Floats, there: Floats
) -> dict[str, Any]:
    return _asked(server, "/sources_to_targets", valhalla_request(here, there, mode, max_access_m))


# Return the JSON document of a server, whatever its status: both servers explain their refusals in
# JSON.
def _asked(server: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
    address = urlsplit(server)
    if address.scheme not in ("http", "https") or not address.hostname:
        raise RoutingError(
            f'adresse de serveur {server!r} : "http://localhost:5000" est la forme attendue.'
        )
    where = server.rstrip("/") + path
    try:
        answer = (
            _CLIENT.get(where)
            if body is None
            else _CLIENT.post(where, json.dumps(body).encode(), content_type="application/json")
        )
        document = answer.json()
    except HttpError as error:
        raise RoutingError(
            f"{server} : le serveur d'itinéraires ne répond pas ({error.french}) ; est-il démarré ?"
        ) from error
    if not isinstance(document, dict):
        raise RoutingError(
            f"{server} : réponse inattendue ; une adresse OSRM ou Valhalla est attendue."
        )
    return document


# Return a table of numbers, NaN where the server says null; anything else is refused.
def _numbers(rows: Any, shape: tuple[int, int], server: str) -> Floats:
    try:
        table = np.array(
            [[np.nan if cell is None else float(cell) for cell in row] for row in rows],
            dtype=np.float64,
        )
    except (TypeError, ValueError) as error:
        raise RoutingError(f"{server} : la table reçue est illisible ({error}).") from error
    if table.shape != shape or (table < 0).any():
        raise RoutingError(
            f"{server} : une table de {shape[0]} × {shape[1]} est attendue, {table.shape} est "
            "reçue."
        )
    return table


def _refusal(server: str, code: Any, message: Any) -> RoutingError:
    return RoutingError(
        f"{server} refuse la demande ({code} : {message}) ; réduisez le nombre de points par "
        "demande."
    )


# --- in this process (optional extras)


def osrm_in_process(data: Path) -> Ask:
    """Return what answers from OSRM data prepared on disk (``.osrm``, algorithm MLD), without a
    server.

    Raises
    ------
    RoutingError
        The extra ``osrm`` is not installed, or the data is unreadable.
    """
    try:
        import osrm
    except ImportError as error:
        raise RoutingError(
            "osrm-bindings n'est pas installé ; pip install 'geoguichet[osrm]'."
        ) from error
    try:
        engine = osrm.OSRM(algorithm="MLD", storage_config=str(data), use_shared_memory=False)
    except RuntimeError as error:
        raise RoutingError(f"{data} : données OSRM illisibles ({error}).") from error

    def ask(here: Floats, there: Floats) -> dict[str, Any]:
        asked = osrm.TableParameters(
            coordinates=[(float(lon), float(lat)) for lon, lat in (*here, *there)],
            sources=list(range(len(here))),
            destinations=list(range(len(here), len(here) + len(there))),
        )
        try:
            found = engine.Table(asked)
        except RuntimeError as error:
            code, _, message = str(error).partition(" - ")
            return {"code": code, "message": message}
        return {
            "code": "Ok",
            "durations": [list(row) for row in found["durations"]],
            **{
                side: [{"distance": at["distance"]} for at in found[side]]
                for side in ("sources", "destinations")
            },
        }

    return ask


def valhalla_in_process(
    config: dict[str, Any], *, mode: str = "car", max_access_m: float = MAX_ACCESS_M
) -> Ask:
    """Return what answers from Valhalla tiles on disk, without a server; ``config`` is Valhalla's
    own.

    Raises
    ------
    RoutingError
        The extra ``valhalla`` is not installed.
    """
    try:
        import valhalla
    except ImportError as error:
        raise RoutingError(
            "pyvalhalla n'est pas installé ; pip install 'geoguichet[valhalla]'."
        ) from error
    actor = valhalla.Actor(config)

    def ask(here: Floats, there: Floats) -> dict[str, Any]:
        try:
            return dict(actor.matrix(valhalla_request(here, there, mode, max_access_m)))
        except valhalla.ValhallaError as error:
            return (
                dict(json.loads(str(error)))
                if str(error).startswith("{")
                else {"error": str(error), "error_code": error.code}
            )

    return ask
