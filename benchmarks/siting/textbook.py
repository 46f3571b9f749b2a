"""The plain model: every question written out as its textbook program, put to HiGHS as it comes.

Shares no code with the product: it is its twin in the benchmark and its judge.
"""

from __future__ import annotations

import highspy
import numpy as np
from scipy import sparse

type Data = dict[str, np.ndarray]


class Program:
    """Columns and rows gathered one block after the other."""

    def __init__(self) -> None:
        self.cost: list[np.ndarray] = []
        self.upper: list[np.ndarray] = []
        self.lower: list[np.ndarray] = []
        self.whole: list[np.ndarray] = []
        self.blocks: list[tuple[dict[int, sparse.csr_array], np.ndarray, np.ndarray]] = []

    def columns(
        self, cost: np.ndarray, lower: np.ndarray, upper: np.ndarray, *, whole: bool = False
    ) -> int:
        for kept, given in ((self.cost, cost), (self.lower, lower), (self.upper, upper)):
            kept.append(np.asarray(given, dtype=float))
        self.whole.append(np.full(len(cost), whole))
        return len(self.cost) - 1

    def rows(self, parts: dict[int, sparse.csr_array], low: float, high: float) -> None:
        count = next(iter(parts.values())).shape[0]
        if count:
            self.blocks.append((parts, np.full(count, low), np.full(count, high)))

    def solve(self, sense: highspy.ObjSense) -> float:
        matrix = sparse.csc_array(
            sparse.vstack(
                [
                    sparse.hstack(
                        [
                            parts.get(group, sparse.csr_array((len(low), len(cost))))
                            for group, cost in enumerate(self.cost)
                        ]
                    )
                    for parts, low, _ in self.blocks
                ]
            )
        )
        lp = highspy.HighsLp()
        lp.num_row_, lp.num_col_ = matrix.shape
        lp.sense_ = sense
        lp.col_cost_ = np.concatenate(self.cost)
        lp.col_lower_, lp.col_upper_ = np.concatenate(self.lower), np.concatenate(self.upper)
        lp.row_lower_ = np.concatenate([low for _, low, _ in self.blocks])
        lp.row_upper_ = np.concatenate([high for _, _, high in self.blocks])
        lp.a_matrix_.format_ = highspy.MatrixFormat.kColwise
        lp.a_matrix_.start_, lp.a_matrix_.index_ = matrix.indptr, matrix.indices
        lp.a_matrix_.value_ = matrix.data
        kinds = (highspy.HighsVarType.kContinuous, highspy.HighsVarType.kInteger)
        lp.integrality_ = [kinds[int(whole)] for whole in np.concatenate(self.whole)]
        solver = highspy.Highs()
        for option, setting in (("output_flag", False), ("threads", 1), ("mip_rel_gap", 0.0)):
            solver.setOptionValue(option, setting)
        solver.passModel(lp)
        solver.run()
        if solver.getModelStatus() != highspy.HighsModelStatus.kOptimal:
            raise SystemExit(solver.modelStatusToString(solver.getModelStatus()))
        return float(solver.getInfo().objective_function_value)


def solve(data: Data) -> float:
    """Return the best value of a question."""
    model = str(data["model"])
    program = Program()
    sites = _sites(program, data, priced=model in {"partial_covering", "set_covering"})
    if np.isfinite(data["room"]).any():
        return _with_room(program, sites, data)
    if model in {"p_median", "p_center"}:
        return _assign(program, sites, data, farthest=model == "p_center")
    rows = int(data["shape"][0])
    cover = _cover(data)
    if model == "set_covering":
        reached = cover[(np.diff(cover.indptr) > 0) & (data["weight"] > 0)]
        program.rows({sites: reached}, 1.0, np.inf)
        return program.solve(highspy.ObjSense.kMinimize)
    weight, eye = data["weight"], sparse.eye_array(rows, format="csr")
    gain = np.zeros(rows) if model == "partial_covering" else weight
    once = program.columns(gain, np.zeros(rows), np.ones(rows))
    linking = {sites: -cover, once: eye}
    if model == "backup_covering":
        second = float(data["second"]) * weight
        linking[program.columns(second, np.zeros(rows), np.ones(rows))] = eye
    program.rows(linking, -np.inf, 0.0)
    if model == "partial_covering":
        wanted = float(data["share"]) * float(weight.sum())
        program.rows({once: sparse.csr_array(weight[None, :])}, wanted, np.inf)
        return program.solve(highspy.ObjSense.kMinimize)
    return program.solve(highspy.ObjSense.kMaximize)


def _cover(data: Data) -> sparse.csr_array:
    return sparse.csr_array(
        (np.ones(len(data["row"])), (data["row"], data["column"])), shape=tuple(data["shape"])
    )


# A column a host, and every rule on hosts; those that exist are open and not counted.
def _sites(program: Program, data: Data, *, priced: bool) -> int:
    hosts = int(data["shape"][1])
    new = np.ones(hosts)
    new[data["existing"]] = 0.0
    fixed = np.isin(np.arange(hosts), np.concatenate([data["existing"], data["required"]]))
    barred = np.zeros(hosts, dtype=bool)
    sets = [data["one_per"] == label for label in np.unique(data["one_per"]) if label]
    sets += [np.isin(np.arange(hosts), pair) for pair in data["apart"]]
    for members in sets:
        if (members & (new == 0)).any():
            barred |= members & (new == 1)
    upper = np.where(barred, 0.0, 1.0)
    sites = program.columns(new if priced else 0 * new, fixed.astype(float), upper, whole=True)
    free = [members for members in sets if not (members & (new == 0)).any()]
    if free:
        program.rows({sites: sparse.csr_array(np.array(free, dtype=float))}, -np.inf, 1.0)
    if data["p"] >= 0:
        program.rows({sites: sparse.csr_array(new[None, :])}, -np.inf, float(data["p"]))
    if np.isfinite(data["budget"]):
        spent = sparse.csr_array((new * data["price"])[None, :])
        program.rows({sites: spent}, -np.inf, float(data["budget"]))
    labels = [label for label in np.unique(data["floor_of"]) if label]
    if labels:
        inside = np.array([data["floor_of"] == label for label in labels], dtype=float)
        program.rows({sites: sparse.csr_array(inside)}, float(data["floor"]), np.inf)
    return sites


# A column a pair: who is served by whom, at most once, only where a site is open.
def _assign(program: Program, sites: int, data: Data, *, farthest: bool) -> float:
    pairs, (rows, hosts) = len(data["row"]), data["shape"]
    number = np.arange(pairs)
    paid = data["metres"] * (1.0 if farthest else data["weight"][data["row"]])
    served = program.columns(0 * paid if farthest else paid, 0 * paid, np.ones(pairs))
    of_row = sparse.csr_array((np.ones(pairs), (data["row"], number)), shape=(rows, pairs))
    opened = sparse.csr_array((np.ones(pairs), (number, data["column"])), shape=(pairs, hosts))
    program.rows({served: sparse.eye_array(pairs, format="csr"), sites: -opened}, -np.inf, 0.0)
    if not farthest:
        unserved = program.columns(
            data["weight"] * float(data["beyond"]), np.zeros(rows), np.ones(rows)
        )
        whole = {served: of_row, unserved: sparse.eye_array(rows, format="csr")}
        program.rows(whole, 1.0, 1.0)
        return program.solve(highspy.ObjSense.kMinimize)
    reached = of_row[np.diff(of_row.indptr) > 0]
    radius = program.columns(np.ones(1), np.zeros(1), np.full(1, np.inf))
    program.rows({served: reached}, 1.0, 1.0)
    travelled = sparse.csr_array(reached * data["metres"][None, :])
    ones = sparse.csr_array(np.ones((reached.shape[0], 1)))
    program.rows({served: travelled, radius: -ones}, -np.inf, 0.0)
    return program.solve(highspy.ObjSense.kMinimize)


# A column a pair, whole: who goes to which site with room, at most one; what is served, or saved of
# the ways.
def _with_room(program: Program, sites: int, data: Data) -> float:
    pairs, (rows, hosts) = len(data["row"]), data["shape"]
    number, people = np.arange(pairs), data["weight"][data["row"]]
    median = str(data["model"]) == "p_median"
    beyond = float(data["beyond"])
    worth = people * (beyond - data["metres"]) if median else people
    served = program.columns(worth, 0 * worth, np.ones(pairs), whole=True)
    of_row = sparse.csr_array((np.ones(pairs), (data["row"], number)), shape=(rows, pairs))
    opened = sparse.csr_array((np.ones(pairs), (number, data["column"])), shape=(pairs, hosts))
    taken = sparse.csr_array((people, (data["column"], number)), shape=(hosts, pairs))
    program.rows({served: sparse.eye_array(pairs, format="csr"), sites: -opened}, -np.inf, 0.0)
    program.rows({served: of_row}, -np.inf, 1.0)
    rooms = sparse.csr_array(sparse.diags_array(-data["room"]))
    program.rows({served: taken, sites: rooms}, -np.inf, 0.0)
    saved = program.solve(highspy.ObjSense.kMaximize)
    return float(data["weight"].sum()) * beyond - saved if median else saved
