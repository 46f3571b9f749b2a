"""A second opinion on a result: people, ways, zones, kiosks, phases and their totals again, by SQL and
geodesics, from its folder and the data it was made of. Nothing of the engine is used here, on
purpose: two ways, one answer. What the search proved is only held to be in order; the border,
networks, measures, rules of law, people of unknown hours, where to stop and the plan carried out are
not recounted.
"""

import hashlib
import json
import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import accumulate
from pathlib import Path
from typing import Any

import numpy as np
import opening_hours
import shapely
from pyproj import Geod, Transformer

from geoguichet.coverage.errors import ManifestError
from geoguichet.floor.words import Message
from geoguichet.referentials.layers import sample_path

type Row = dict[str, Any]
type Table = list[Row]

_GEOD = Geod(ellps="WGS84")
#: Metres, or people, within which two ways of counting are the same.
_METRES, _RATIO = 0.01, 1e-6
_UNKNOWN = {"not_located", "not_snapped", "cut_off", "private_way"}


@dataclass(frozen=True, slots=True, order=True)
class Disagreement:
    """A figure of a result that a second count does not find."""

    layer: str
    row: str
    figure: str
    expected: str
    found: str


@dataclass(frozen=True, slots=True)
class Verification:
    """What was counted again: how many figures, those that differ, and what no second count can
    reach.
    """

    figures: int
    disagreements: tuple[Disagreement, ...]
    #: ``times`` (by road), ``moments`` (``open_at``), ``hours`` (unsure, and more than weekdays),
    #: ``source`` (the data are not here).
    unverified: tuple[str, ...]


class _Second:
    """The second count of one folder."""

    def __init__(self, folder: Path, source: Path | None) -> None:
        self.manifest = _manifest(folder)
        self.study: Row = self.manifest["study"]
        self.folder, self.source = folder, source
        self.figures, self.wrong = 0, list[Disagreement]()
        self.timed = any(need.get("within_s") for need in self.study["needs"])
        self.unit = "s" if self.timed else "m"
        self.unverified = ["times"] if self.timed else []
        with closing(sqlite3.connect(folder / "result.gpkg")) as database:
            database.row_factory = sqlite3.Row
            self.demand, self.services, self.zones, self.kiosks = (
                _rows(database, name) for name in ("demand", "services", "white_zones", "kiosks")
            )
            (bare,) = database.execute(
                "SELECT count(*) FROM sqlite_master WHERE name = 'without_outline'"
            ).fetchone()
            self.zones += _rows(database, "without_outline") if bare else []
            asked = self.study.get("extensions") is not None
            self.extensions = _rows(database, "extensions") if asked else []
        self.kiosks.sort(key=lambda row: (row["rank"], row["id"]))
        self.needs = {need["key"]: need for need in self.study["needs"]}
        #: Each row of a white zone, and the kiosks that serve it.
        self.serving: list[tuple[Row, set[str]]] = []
        self.within = {key: need[f"within_{self.unit}"] or 0.0 for key, need in self.needs.items()}

    # Hold a figure against what a second count gives.
    def hold(
        self, layer: str, row: object, figure: str, expected: Any, found: Any, near: float = 0.0
    ) -> None:
        self.figures += 1
        if isinstance(expected, float) or (isinstance(found, float) and expected is not None):
            one, other = (np.nan if value is None else float(value) for value in (expected, found))
            slack = max(near, _RATIO * abs(one) if np.isfinite(one) else 0.0)
            same = bool(abs(one - other) <= slack) or (np.isnan(one) and np.isnan(other))
        else:
            same = expected == found
        if not same:
            self.wrong.append(Disagreement(layer, str(row), figure, str(expected), str(found)))

    def run(self) -> Verification:
        self._files()
        self._people()
        if not self.timed:
            self._services()
            self._nearest()
        self._rule()
        self._zones()
        if self.study["kiosks"] is not None and not self.timed:
            self._plan()
            self._programme()
        if self.study["kiosks"] is not None:
            self._equity()
        if self.study.get("extensions") is not None and not self.timed:
            self._extensions()
        self._totals()
        self._lacking()
        return Verification(self.figures, tuple(sorted(self.wrong)), tuple(self.unverified))

    def _files(self) -> None:
        for name, told in self.manifest["outputs"].items():
            path = self.folder / name
            found = hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else "absent"
            self.hold("manifest", name, "sha256", told["sha256"], found)

    # The people of each commune, as the data of the study count them.
    def _people(self) -> None:
        asked = self.study["demand"]
        path = self.source or (sample_path() if self.study["source"] == "sample" else None)
        if path is None or not path.is_file() or asked["cells"]:
            self.unverified.append("source")
            return
        columns = ", ".join(f'"{name}"' for name in (asked["weight"], *asked["groups"]))
        with closing(sqlite3.connect(path)) as database:
            told = {
                code: values
                for code, *values in database.execute(
                    f'SELECT code, {columns} FROM "{asked["layer"]}"'
                )
            }
        for row in self.demand:
            counted = told.get(row["id"], [None])
            self.hold("demand", row["id"], "people", counted[0], row["people"])
            for name, value in zip(asked["groups"], counted[1:], strict=False):
                self.hold(
                    "demand",
                    row["id"],
                    name,
                    None if value is None else float(value),
                    row[name],
                    1e-3,
                )

    def _services(self) -> None:
        if any(need["open_at"] for need in self.needs.values()):
            self.unverified.append("moments")
            return
        for row in self.services:
            enough = {
                key: _open_enough(row, need)
                for key, need in self.needs.items()
                if row["type"] in need["types"]
            }
            if None in enough.values():
                self.unverified += ["hours"] * ("hours" not in self.unverified)
                continue
            met = [key for key, yes in enough.items() if yes]
            self.hold("services", row["id"], "needs", ",".join(met), row["needs"])

    def _nearest(self) -> None:
        for key, need in self.needs.items():
            able = [row for row in self.services if key in (row["needs"] or "").split(",")]
            place = {row["id"]: number for number, row in enumerate(able)}
            metres = _nearest(self.demand, able)
            for row, expected in zip(self.demand, metres, strict=True):
                self.hold("demand", row["id"], f"{key}_m", expected, row[f"{key}_m"], _METRES)
                if row[f"{key}_service"] and row[f"{key}_service"] not in place:
                    self.hold("demand", row["id"], f"{key}_service", key, row[f"{key}_service"])
                perhaps = row.get(f"{key}_perhaps_m")
                unsure = perhaps is not None and perhaps <= (need["within_m"] or 0.0)
                short = row[f"{key}_m"] is None or row[f"{key}_m"] > self.within[key]
                said = row[f"{key}_reason"] == "hours_unknown"
                self.hold("demand", row["id"], f"{key}_reason", unsure and short, said)

    # Return what is left of each threshold: missing where nothing is reached, endless where given.
    def _margins(self, row: Row, given: set[str]) -> dict[str, float]:
        cost = {key: row[f"{key}_{self.unit}"] for key in self.needs}
        return {
            key: np.inf
            if key in given
            else -np.inf
            if cost[key] is None
            else self.within[key] - cost[key]
            for key in self.needs
        }

    def _slack(self, row: Row, given: set[str]) -> float:
        rule, margins = self.study["rule"], self._margins(row, given)
        slack = sorted((margins[key] for key in rule["needs"]), reverse=True)[rule["k"] - 1]
        return min([slack, *(margins[key] for key in rule["required"])])

    def _rule(self) -> None:
        for row in self.demand:
            slack = self._slack(row, set())
            told = None if slack == -np.inf else slack
            name = f"slack_{self.unit}"
            self.hold("demand", row["id"], name, told, row[name], _METRES)
            self.hold("demand", row["id"], "served", slack >= 0, bool(row["served"]))
            unsure = {
                key for key in self.needs if row[f"{key}_reason"] in _UNKNOWN | {"hours_unknown"}
            }
            undecided = slack < 0 <= self._slack(row, unsure)
            self.hold("demand", row["id"], "undecided", undecided, bool(row["undecided"]))
            white = slack < 0 and not undecided
            self.hold("demand", row["id"], "zone", white, bool(row["zone"]))

    def _zones(self) -> None:
        groups = self.study["demand"]["groups"]
        slack, worst, mean = (f"{name}_{self.unit}" for name in ("slack", "worst", "mean"))
        for zone in self.zones:
            told = [row for row in self.demand if row["zone"] == zone["id"]]
            sums = {"people": sum(row["people"] for row in told), "communes": len(told)}
            sums["people_after"] = sum(row["people"] for row in told if not row["served_after"])
            for figure, expected in sums.items():
                self.hold("white_zones", zone["id"], figure, expected, zone[figure])
            for group in groups:
                counted = [row[group] for row in told if row[group] is not None]
                total = float(sum(counted)) if counted or not told else None
                self.hold("white_zones", zone["id"], group, total, zone[group], 0.01)
            if zone.get("geom") is not None:
                area = _area_km2(zone["geom"])
                self.hold("white_zones", zone["id"], "area_km2", area, zone["area_km2"], 1e-6)
            known = [(-row[slack], row["people"]) for row in told if row[slack] is not None]
            if known and sum(people for _, people in known):
                excess, people = np.array(known, dtype=float).T
                self.hold("white_zones", zone["id"], worst, float(excess.max()), zone[worst], 0.01)
                average = float(np.average(excess, weights=people))
                self.hold("white_zones", zone["id"], mean, average, zone[mean], 0.01)

    # Give each person of a white zone to the first kiosk of the list that serves them.
    def _plan(self) -> None:
        choice, least = self.study["kiosks"], self.study["kiosks"]["min_hours_per_week"]
        far, reach = _distances(self.demand, self.kiosks), choice["reach_m"]
        added, kilometres = np.zeros(len(self.kiosks)), np.zeros(len(self.kiosks))
        opened = [{key for key in (row["needs"] or "").split(",") if key} for row in self.kiosks]
        for place, row in enumerate(self.demand):
            white = not row["served"] and not row["undecided"]
            serving = [
                number
                for number in np.flatnonzero(far[place] <= reach)
                if white and self._slack(row, opened[number]) >= 0
            ]
            if choice.get("capacity"):  # each goes whole to one kiosk, or to none for want of room
                full = bool(serving) and row["unserved_reason"] == "full"
                serving = [
                    number
                    for number in serving
                    if not full and self.kiosks[number]["id"] == row["kiosk"]
                ]
            after = bool(row["served"]) or bool(serving)
            self.hold("demand", row["id"], "served_after", after, bool(row["served_after"]))
            if row["kiosk"]:
                number = next(i for i, one in enumerate(self.kiosks) if one["id"] == row["kiosk"])
                metres = float(far[place, number])
                self.hold("demand", row["id"], "kiosk_m", metres, row["kiosk_m"], _METRES)
            self.serving.append((row, {self.kiosks[number]["id"] for number in serving}))
            if serving:
                added[serving[0]] += row["people"]
                kilometres[serving[0]] += row["people"] * self._nearer(row) / 1000
        use, total = choice["use"], 0.0
        zones = sum(r["people"] for r in self.demand if not (r["served"] or r["undecided"]))
        for number, kiosk in enumerate(self.kiosks):
            total += added[number]
            uses = added[number] * use["uses_per_person"]
            km = kilometres[number] * use["uses_per_person"] * use["trips_avoided"] * use["detour"]
            expected = {
                "people_added": int(added[number]),
                "people_cumulated": int(total),
                "access_hours_per_week": float(added[number] * (kiosk["hours_per_week"] or 0.0)),
                "share_cumulated": total / zones if zones else 0.0,
                "uses_per_year": float(uses),
                "km_saved_per_year": float(2 * km),
                "co2_saved_kg_per_year": float(2 * km * use["co2_g_per_km"] / 1000),
                "rank": max(0, number + 1 - sum(one["rank"] == 0 for one in self.kiosks)),
            }
            for figure, value in expected.items():
                self.hold("kiosks", kiosk["id"], figure, value, kiosk[figure], 0.01 * (value > 1))
            for figure in ("value", "bound", "gap", "status"):
                told = self.manifest["plan"][figure]
                self.hold("kiosks", kiosk["id"], figure, told, kiosk[figure])
            if choice.get("capacity"):
                room = _room(kiosk, choice["capacity"])
                self.hold("kiosks", kiosk["id"], "capacity", True, uses <= room * (1 + _RATIO))
            if least is not None and kiosk["rank"]:
                enough = (kiosk["hours_per_week"] or 0) >= least
                self.hold("kiosks", kiosk["id"], "hours_per_week", True, enough)

        desk = (choice.get("capacity") or {}).get("desk_uses_per_hour")
        if desk:
            hours = choice["capacity"]["desk_hours_per_week"] * choice["capacity"]["weeks_per_year"]
            fits = added.sum() * use["uses_per_person"] <= choice["experts"] * desk * hours + 1e-6
            self.hold("manifest", "experts", "capacity", True, bool(fits))

    def _nearer(self, row: Row) -> float:
        ways = [
            max(0.0, row[f"{key}_m"] - row["kiosk_m"])
            for key in self.study["kiosks"]["offers"]
            if row[f"{key}_m"] is not None and row[f"{key}_m"] > self.within[key]
        ]
        return sum(ways) / len(ways) if ways else 0.0

    # Give each person who lacks nothing but hours to the first counter of the list that would serve
    # them, and count the hours that it would add and their cost.
    def _extensions(self) -> None:
        choice = self.study["extensions"]
        key, least = choice["need"], self.needs[choice["need"]]["min_hours_per_week"]
        self.extensions.sort(key=lambda row: row["rank"])
        far = _distances(self.demand, self.extensions)
        added, lacking = [0] * len(self.extensions), 0
        for place, row in enumerate(self.demand):
            if row["served"] or row["undecided"] or self._slack(row, {key}) < 0:
                continue
            lacking += row["people"]
            within = np.flatnonzero(far[place] <= self.within[key])
            if len(within):
                added[within[0]] += row["people"]
        self.hold(
            "extensions",
            "",
            "lacking",
            lacking,
            self.manifest["beside"]["extensions"]["lacking"],
        )
        told = list(accumulate(added))
        for number, row in enumerate(self.extensions):
            hours = float(least - row["hours_per_week"])
            expected = {
                "rank": number + 1,
                "people_added": added[number],
                "people_cumulated": told[number],
                "hours_to_add": hours,
                "cost_eur_per_year": hours * choice["hour_cost_eur"],
                "value": float(told[-1]),
                "gap": (row["bound"] - told[-1]) / row["bound"] if row["bound"] else 0.0,
            }
            for figure, value in expected.items():
                self.hold("extensions", row["id"], figure, value, row[figure], 1e-6)
        spent = sum(row["cost_eur_per_year"] for row in self.extensions)
        budget = choice["budget_eur"]
        self.hold("extensions", "", "budget", True, budget is None or spent <= budget + 0.01)
        count = choice["count"]
        self.hold("extensions", "", "count", True, count is None or len(self.extensions) <= count)

    def _totals(self) -> None:
        white = [row for row in self.demand if not (row["served"] or row["undecided"])]
        counters = self.manifest["counters"]
        expected = {
            "people": sum(row["people"] for row in self.demand),
            "people_undecided": sum(row["people"] for row in self.demand if row["undecided"]),
            "kiosks": len(self.kiosks),
            "white_zones": sum(zone["communes"] > 0 for zone in self.zones),
        }
        for figure, value in expected.items():
            self.hold("manifest", "counters", figure, value, counters[figure])
        unserved = next(
            name for name in ("communes_unserved", "cells_unserved") if name in counters
        )
        self.hold("manifest", "counters", unserved, len(white), counters[unserved])
        plan, choice = self.manifest["plan"], self.study["kiosks"]
        if plan is None:
            return
        new = [kiosk for kiosk in self.kiosks if kiosk["rank"]]
        self.hold("manifest", "plan", "sites", len(new), plan["sites"])
        if (
            choice["model"] == "maximal_covering"
            and not choice.get("weight")
            and "share" not in choice
        ):
            gained = float(sum(kiosk["people_added"] for kiosk in new))
            self.hold("manifest", "plan", "value", gained, float(plan["value"]))
            bound = float(plan["bound"])
            gap = (bound - gained) / bound if bound else 0.0
            self.hold("manifest", "plan", "gap", gap, float(plan["gap"]), 1e-9)
        self._hosts(plan, new)
        for key, told in (self.manifest["access_hours"] or {}).items():
            opening = [k for k in new if key in ("all", *(k["needs"] or "").split(","))]
            hours = float(sum(k["people_added"] * (k["hours_per_week"] or 0.0) for k in opening))
            self.hold("manifest", "access_hours", key, hours, float(told), 0.01)
        curve = self.manifest["ranking"]["curve"]
        self.hold("ranking", "", "kiosks", len(new), len(curve))
        for row, kiosk in zip(curve, new, strict=False):
            gained = float(sum(one["people_added"] for one in new[: row["kiosks"]]))
            self.hold("ranking", kiosk["id"], "people", gained, float(row["people"]))
            known, bound = float(row["best_known"]), float(row["bound"])
            in_order = gained - 0.01 <= known <= bound + 0.01
            self.hold("ranking", kiosk["id"], "bound", True, in_order)
            gap = (bound - known) / bound if bound else 0.0
            self.hold("ranking", kiosk["id"], "gap", gap, float(row["gap"]), 1e-9)
        left = [row for row in white if not row["served_after"]]
        for row in self.manifest["ranking"]["unserved"]:
            total = sum(r["people"] for r in left if r["unserved_reason"] == row["reason"])
            self.hold("ranking", row["reason"], "people", total, row["people"])

    # What each phase reaches and costs, by the phase of each kiosk and the people it is the first to
    # serve among those of the phases so far.
    def _programme(self) -> None:
        asked = (self.study["kiosks"] or {}).get("programme")
        if not asked:
            return
        choice, told = self.study["kiosks"], self.manifest["ranking"]["programme"]
        names, weight = [one["name"] for one in asked["phases"]], asked["priority"] or "people"
        old = {one["id"] for one in self.kiosks if not one["rank"]}
        spent = choice["experts"] * choice["expert_side_cost_eur"]
        value = 0.0
        for number, row in enumerate(told["phases"]):
            new = [one for one in self.kiosks if one["rank"] and one["phase"] == names[number]]
            spent += sum(one["cost_eur"] for one in new)
            paid = sum(one["budget_eur"] for one in asked["phases"][: number + 1])
            so_far = {
                o["id"] for o in self.kiosks if o["rank"] and o["phase"] in names[: number + 1]
            }
            reached = float(
                sum(
                    row_of[weight] or 0
                    for row_of, serving in self.serving
                    if serving & so_far and not serving & old
                )
            )
            value += reached
            for figure, expected in {
                "kiosks": len(new),
                "people": reached,
                "spent_eur": spent - sum(one["spent_eur"] for one in told["phases"][:number]),
            }.items():
                self.hold("programme", row["phase"], figure, expected, row[figure], 0.01)
            self.hold("programme", row["phase"], "budget", True, spent <= paid + 0.01)
        self.hold("programme", "", "value", value, float(told["value"]), 0.01)

    # How evenly intercommunalities are served: the mean difference between two people taken at
    # random, over twice the mean.
    def _equity(self) -> None:
        told = self.manifest["ranking"].get("equity")
        if told is None:
            return
        sums: dict[str, list[float]] = {}
        for row in self.demand:
            if row["epci"]:
                one = sums.setdefault(row["epci"], [0.0, 0.0, 0.0])
                for place, yes in enumerate((True, row["served"], row["served_after"])):
                    one[place] += row["people"] if yes else 0
        lived = {code: one for code, one in sums.items() if one[0]}
        codes = sorted(row["epci"] for row in told["epci"])
        self.hold("equity", "", "epci", sorted(lived), codes)
        for row in told["epci"]:
            people, *served = lived.get(row["epci"], [0.0, 0.0, 0.0])
            self.hold("equity", row["epci"], "people", int(people), row["people"])
            for when, count in zip(("before", "after"), served, strict=True):
                self.hold("equity", row["epci"], when, count / people if people else 0.0, row[when])
        counted = np.array(list(lived.values()), dtype=float).reshape(-1, 3).T
        living, everyone = counted[0], counted[0].sum()
        for when, count in zip(("before", "after"), counted[1:], strict=True):
            share, mean = count / living, count.sum() / everyone
            apart = (living[:, None] * living * np.abs(share[:, None] - share)).sum()
            index = float(apart / (2 * everyone**2 * mean)) if mean else 0.0
            self.hold("equity", "", f"gini_{when}", index, told[f"gini_{when}"], 1e-9)

    # The hosts chosen open the hours that are told, and give up no more than was allowed.
    def _hosts(self, plan: Row, new: Table) -> None:
        hosts = plan.get("hosts")
        if hosts is None:
            return
        lost = abs(float(hosts["best"]) - float(plan["value"]))
        allowed = lost <= hosts["within"] * float(hosts["best"]) + 1e-6 * max(1.0, hosts["best"])
        self.hold("manifest", "hosts", "within", True, allowed)
        for told in hosts["criteria"][:1]:
            hours = float(sum(kiosk["hours_per_week"] or 0.0 for kiosk in new))
            self.hold("manifest", "hosts", told["name"], hours, float(told["after"]))

    def _lacking(self) -> None:
        counted: dict[tuple[str, str, str], int] = {}
        for row in self.demand:
            if row["served"] or row["undecided"]:
                continue
            margins = self._margins(row, set())
            short = ",".join(key for key in self.needs if not margins[key] >= 0)
            for level, code in (
                ("territory", ""),
                ("departement", row["departement"]),
                ("epci", row["epci"] or ""),
            ):
                place = level, code, short
                counted[place] = counted.get(place, 0) + row["people"]
        told = {
            (row["level"], row["code"], row["lacking"]): row["people"]
            for row in self.manifest["beside"].get("lacking", [])
        }
        for level, code, short in sorted({*counted, *told}):
            place = level, code, short
            self.hold(
                "lacking", f"{level} {code}".strip(), short, counted.get(place, 0), told.get(place)
            )


def verify(folder: Path, *, source: Path | None = None) -> Verification:
    """Count again the figures of a result, another way, and return those that differ.

    Parameters
    ----------
    folder
        What ``geoguichet coverage run`` wrote.
    source
        The GeoPackage of the study, when it is not the sample: it says how many people there are.

    Raises
    ------
    ManifestError
        The folder holds no result, or one of a version that lacks what is verified.
    """
    try:
        return _Second(folder, source).run()
    except (sqlite3.Error, KeyError, IndexError) as error:
        raise ManifestError(
            Message(
                "{folder} : ce résultat ne se vérifie pas ({why}) ; refaites-le avec « geoguichet "
                "coverage run ».",
                folder=folder,
                why=error,
            )
        ) from error


def _manifest(folder: Path) -> Row:
    path = folder / "manifest.json"
    try:
        found: Row = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ManifestError(
            Message(
                "{path} : le manifeste d'un résultat est attendu ici ({why}) ; donnez le dossier "
                "que « geoguichet coverage run » a écrit.",
                path=path,
                why=error,
            )
        ) from error
    return found


# Return the rows of a layer, with longitude and latitude where it has points.
def _rows(database: sqlite3.Connection, layer: str) -> Table:
    return [dict(row) for row in database.execute(f'SELECT * FROM "{layer}" ORDER BY fid')]


# Read a geometry of GeoPackage: its WKB follows a header whose envelope has a coded size.
def _geometry(blob: bytes) -> shapely.Geometry:
    envelope = (0, 32, 48, 48, 64)[blob[3] >> 1 & 7]
    return shapely.from_wkb(blob[8 + envelope :])


def _area_km2(blob: bytes) -> float:
    return abs(float(_GEOD.geometry_area_perimeter(_geometry(blob))[0])) / 1e6


def _points(rows: Table) -> np.ndarray:
    return np.array(
        [
            (np.nan, np.nan) if row["geom"] is None else _geometry(row["geom"]).coords[0][:2]
            for row in rows
        ],
        dtype=float,
    ).reshape(-1, 2)


def _distances(origins: Table, destinations: Table) -> np.ndarray:
    one, other = _points(origins), _points(destinations)
    metres = np.full((len(one), len(other)), np.nan)
    for number, (lon, lat) in enumerate(other):
        far = np.full(len(one), lon), np.full(len(one), lat)
        metres[:, number] = _GEOD.inv(one[:, 0], one[:, 1], *far)[2]
    return metres


# Return the metres to the nearest: of the nearest few through the earth, the nearest on its
# surface; None where there is none.
def _nearest(origins: Table, destinations: Table) -> Iterator[float | None]:
    through = Transformer.from_crs("EPSG:4979", "EPSG:4978", always_xy=True)
    one, other = _points(origins), _points(destinations)
    there = np.column_stack(through.transform(other[:, 0], other[:, 1], np.zeros(len(other))))
    for lon, lat in one:
        if np.isnan(lon) or not len(other):
            yield None
            continue
        chord = ((there - through.transform(lon, lat, 0.0)) ** 2).sum(axis=1)
        few = other[np.argsort(chord)[:5]]
        yield float(min(_GEOD.inv(np.full(len(few), lon), np.full(len(few), lat), *few.T)[2]))


# Return whether a counter is open enough for a need; None where what it may be open decides, and its
# hours say more than weekdays.
def _open_enough(row: Row, need: Row) -> bool | None:
    least, weekly = need["min_hours_per_week"], row["hours_per_week"]
    if least is None or (weekly is not None and weekly >= least):
        return True
    if need["unknown_hours"] != "open":
        return False
    text = row["hours"] or ""
    if not _WEEKDAYS.fullmatch(text):
        return None
    unsure = _unsure_hours(text) if text else 0.0
    return (weekly is None and not unsure) or bool((weekly or 0.0) + unsure >= least)


#: Hours of weekdays, those that are unsure among them, and nothing else.
_WEEKDAYS = re.compile(r"(?:Mo|Tu|We|Th|Fr|Sa|Su|PH|unknown|off|24/7|[\d:,; -])*")


# Return the hours of a week that are unsure.
def _unsure_hours(text: str) -> float:
    calendar = opening_hours.OpeningHours(text, auto_country=False, auto_timezone=False)
    monday = datetime(2026, 1, 5)
    return sum(
        (end - start) / timedelta(hours=1)
        for start, end, state, _ in calendar.intervals(monday, monday + timedelta(weeks=1))
        if state == opening_hours.State.UNKNOWN
    )


# Return the uses a year that a kiosk can take.
def _room(kiosk: Row, capacity: Row) -> float:
    hours = (kiosk["hours_per_week"] or 0.0) * capacity["weeks_per_year"]
    return float(hours * capacity["uses_per_hour"])
