"""What a study asks about its kiosks: its ``[kiosks]`` table, checked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from geoguichet.coverage.study.table import StudyTable
from geoguichet.floor.units import Cost, Unit
from geoguichet.referentials.directory.services import SERVICE_TYPES

type Model = Literal["maximal_covering", "set_covering", "p_median", "p_center", "backup"]
type Question = Literal["most", "budget", "share", "everyone", "backup", "median", "center"]
type OnePer = Literal["", "commune", "epci", "departement"]

MODELS: tuple[Model, ...] = ("maximal_covering", "set_covering", "p_median", "p_center", "backup")
ONE_PER: tuple[OnePer, ...] = ("", "commune", "epci", "departement")
_FARTHEST = 3.0
"""Without ``farthest``, p-median and p-center look so many times as far as the reach."""


@dataclass(frozen=True, slots=True)
class Use:
    """The use that is supposed, to tell what a kiosk saves in a year; docs/planning.md says where
    these come from.
    """

    uses_per_person: float = 0.03
    """Uses a year per inhabitant gained."""
    trips_avoided: float = 1.0
    """Round trips a use avoids."""
    detour: float = 1.0
    """Length of the way over the distance measured: 1 counts straight lines as they are, an
    underestimate.
    """
    co2_g_per_km: float = 192.0


@dataclass(frozen=True, slots=True)
class Reference:
    """A plan that was really carried out, to set against the best one."""

    label: str
    count: int
    cost_eur: float
    communes: tuple[str, ...] = ()
    """Where its kiosks stood (INSEE codes), when that is known."""


@dataclass(frozen=True, slots=True)
class Broadband:
    """The column of the services that says whether a host is connected well enough: true, or a
    number at least so.
    """

    column: str
    at_least: float | None = None


@dataclass(frozen=True, slots=True)
class KioskChoice:
    """How many visioguichets, in which hosts, offering what, reaching how far, at what cost, under
    which rules.

    Hosts are named by the INSEE code of their commune or by their identifier.
    """

    count: int | None
    candidates: tuple[str, ...]
    offers: tuple[str, ...]
    reach: Cost
    """How far a kiosk serves."""
    required: tuple[str, ...]
    excluded: tuple[str, ...]
    user_side_cost_eur: float
    expert_side_cost_eur: float
    experts: int
    budget_eur: float | None
    time_limit_s: float
    gap: float
    use: Use = Use()
    stop_below: float | None = None
    """The plan is said to be worth stopping where the next 10,000 EUR brings fewer people than
    this.
    """
    reference: Reference | None = None
    model: Model = "maximal_covering"
    share: float | None = None
    """Share of the territory's people to be served, counters and kiosks together, with the fewest
    kiosks.
    """
    weight: str = ""
    """The group of the demand that counts; empty for everyone."""
    second: float = 0.5
    """What a second kiosk within reach is worth beside the first (backup)."""
    farthest: Cost | None = None
    """How far p-median and p-center look for a kiosk; three reaches when it is not given."""
    existing: tuple[str, ...] = ()
    """Hosts where a kiosk already is: it costs nothing, is not counted in ``count``, and serves."""
    min_hours_per_week: float | None = None
    broadband: Broadband | None = None
    one_per: OnePer = ""
    spacing_m: float | None = None
    floor: tuple[tuple[str, int], ...] = ()
    """Least number of kiosks by département."""
    floor_per_departement: int = 0
    hours_count: bool = False
    """A kiosk opens a need that asks for hours only where its host is open that long."""
    site_cost: tuple[tuple[str, float], ...] = ()
    """Cost of a kiosk by type of host, in euros."""
    site_cost_column: str = ""
    """Column of the services that holds the cost of a kiosk there, in euros."""

    @property
    def search_radius(self) -> Cost:
        """How far p-median and p-center look for a kiosk."""
        return self.farthest or Cost(_FARTHEST * self.reach, self.reach.unit)

    @property
    def question(self) -> Question:
        """What the model and its keys ask."""
        if self.model == "maximal_covering":
            if self.share is not None:
                return "share"
            return "budget" if self.count is None or self.priced else "most"
        told: dict[Model, Question] = {
            "set_covering": "everyone",
            "backup": "backup",
            "p_median": "median",
            "p_center": "center",
        }
        return told[self.model]

    @property
    def priced(self) -> bool:
        """Whether hosts have costs of their own."""
        return bool(self.site_cost or self.site_cost_column)

    @property
    def experts_eur(self) -> float:
        """What the partners on the expert side cost."""
        return self.experts * self.expert_side_cost_eur

    @property
    def sites_budget_eur(self) -> float | None:
        """What is left of the budget for the kiosks once the expert side is paid; None without a
        budget.
        """
        return None if self.budget_eur is None else self.budget_eur - self.experts_eur


def read_kiosks(
    table: StudyTable, needs: Sequence[str], unit: Unit, groups: Sequence[str]
) -> KioskChoice:
    """Read and check the ``[kiosks]`` table of a study.

    Parameters
    ----------
    needs, groups
        Keys of the study's needs and columns of its groups of people.
    unit
        What the study counts in.

    Raises
    ------
    StudyError
        A key is unknown, of the wrong kind, or contradicts another; the message names it.
    """
    choice = KioskChoice(
        count=table.integer("count", low=1, high=100_000) if "count" in table.keys() else None,
        candidates=tuple(
            table.known(name, SERVICE_TYPES, "candidates")
            for name in table.texts("candidates", default=("town_hall",))
        ),
        offers=tuple(
            table.known(name, needs, "offers")
            for name in table.texts("offers", default=tuple(needs))
        ),
        reach=table.cost("reach", unit),
        required=table.texts("required", default=()),
        excluded=table.texts("excluded", default=()),
        user_side_cost_eur=table.quantity("user_side_cost", "money", default=0.0, zero=True),
        expert_side_cost_eur=table.quantity("expert_side_cost", "money", default=0.0, zero=True),
        experts=table.integer("experts", low=0, high=100_000, default=0),
        budget_eur=table.quantity("budget", "money", default=None),
        time_limit_s=table.quantity("time_limit", "duration", default=60.0),
        gap=_number(table.number("gap", low=0.0, high=1.0, default=0.0)),
        use=_use(table.table("use", optional=True)),
        stop_below=table.number("stop_below", low=0.0, high=1e9, default=None),
        reference=_reference(table.table("reference")) if "reference" in table.keys() else None,
        model=_one_of(table, "model", MODELS, "maximal_covering"),
        share=table.quantity("share", "share", default=None),
        weight=_group(table, groups),
        second=_number(table.number("second", low=0.0, high=1.0, default=0.5)),
        farthest=table.cost("farthest", unit, default=None),
        existing=table.texts("existing", default=()),
        min_hours_per_week=table.number("min_hours_per_week", low=0.0, high=168.0, default=None),
        broadband=_broadband(table.table("broadband")) if "broadband" in table.keys() else None,
        one_per=_one_of(table, "one_per", ONE_PER, ""),
        spacing_m=table.quantity("spacing", "length", default=None),
        floor=_floor(table.table("floor", optional=True)),
        floor_per_departement=table.integer("floor_per_departement", low=0, high=10_000, default=0),
        hours_count=table.flag("hours_count"),
        **_site_cost(table),
    )
    _check(table, choice)
    table.refuse_unknown()
    return choice


def _check(table: StudyTable, choice: KioskChoice) -> None:
    """Refuse keys that contradict each other."""
    _check_question(table, choice)
    for one, other in (
        ("excluded", "required"),
        ("excluded", "existing"),
        ("existing", "required"),
    ):
        both = sorted(set(getattr(choice, one)) & set(getattr(choice, other)))
        if both:
            raise table.error(
                one,
                f"{both[0]!r} est aussi dans {other}",
                "gardez-le dans une seule des deux listes",
            )
    if choice.count is not None and len(choice.required) > choice.count:
        what = f"{len(choice.required)} lieux imposés pour {choice.count} kiosques"
        raise table.error("required", what, "augmentez count")
    floors = sum(least for _, least in choice.floor)
    if choice.count is not None and floors > choice.count:
        what = (
            f"les minimums par département demandent {floors} kiosques, count en permet "
            f"{choice.count}"
        )
        raise table.error("floor", what, "augmentez count ou baissez les minimums")
    _check_budget(table, choice)


def _check_question(table: StudyTable, choice: KioskChoice) -> None:
    """Refuse a model without what it needs, or with what it does not read."""
    question, given = choice.question, set(table.keys())
    if question in ("share", "everyone") and choice.count is not None:
        wanted = "share cherche" if question == "share" else 'model = "set_covering" cherche'
        raise table.error("count", f"{wanted} combien de kiosques il faut", "retirez count")
    if question in ("most", "backup", "median", "center") and choice.count is None:
        raise table.error("count", "cette clé est attendue et manque", "ajoutez count = 80")
    if question == "budget" and choice.budget_eur is None:
        what = "ni count ni budget ne disent combien de kiosques ouvrir"
        if choice.priced and choice.count is not None:
            what = "des coûts par lieu sont donnés sans budget"
        raise table.error("budget", what, 'ajoutez budget = "800000 EUR"')
    if question == "budget" and not choice.priced and not choice.user_side_cost_eur:
        raise table.error(
            "user_side_cost",
            "un budget attend ce que coûte un kiosque",
            'user_side_cost = "10000 EUR"',
        )
    reads = {
        "share": choice.model == "maximal_covering",
        "second": choice.model == "backup",
        "farthest": choice.model in ("p_median", "p_center"),
        "weight": choice.model not in ("p_center", "set_covering"),
        "site_cost": question in ("budget", "share", "everyone"),
        "site_cost_column": question in ("budget", "share", "everyone"),
    }
    for key, read in reads.items():
        if key in given and not read:
            raise table.error(
                key, f'le modèle "{choice.model}" ne lit pas cette clé', f"retirez {key}"
            )
    if choice.search_radius < choice.reach:
        raise table.error("farthest", "moins loin que reach", "farthest au moins égal à reach")


def _check_budget(table: StudyTable, choice: KioskChoice) -> None:
    left = choice.sites_budget_eur
    if left is None:
        return
    if left < 0:
        what = (
            f"les {choice.experts} postes d'experts coûtent {choice.experts_eur:.0f} EUR, plus "
            "que le budget"
        )
        raise table.error("budget", what, "réduisez experts ou augmentez budget")
    if choice.question == "budget" or choice.count is None:
        return
    cost = choice.count * choice.user_side_cost_eur
    if cost > left:
        what = (
            f"{choice.count} kiosques et {choice.experts} postes d'experts coûtent "
            f"{cost + choice.experts_eur:.0f} EUR, plus que le budget de "
            f"{choice.budget_eur:.0f} EUR"
        )
        raise table.error("budget", what, "réduisez count ou augmentez budget")


def _use(table: StudyTable) -> Use:
    usual = Use()
    use = Use(
        uses_per_person=_number(
            table.number("uses_per_person", low=0.0, high=365.0, default=usual.uses_per_person)
        ),
        trips_avoided=_number(
            table.number("trips_avoided", low=0.0, high=10.0, default=usual.trips_avoided)
        ),
        detour=_number(table.number("detour", low=1.0, high=10.0, default=usual.detour)),
        co2_g_per_km=_number(
            table.number("co2_g_per_km", low=0.0, high=2000.0, default=usual.co2_g_per_km)
        ),
    )
    table.refuse_unknown()
    return use


def _reference(table: StudyTable) -> Reference:
    reference = Reference(
        label=table.text("label"),
        count=table.integer("count", low=1, high=100_000),
        cost_eur=table.quantity("cost", "money"),
        communes=table.texts("communes", default=()),
    )
    table.refuse_unknown()
    return reference


def _broadband(table: StudyTable) -> Broadband:
    broadband = Broadband(
        table.text("column"), table.number("at_least", low=0.0, high=1e9, default=None)
    )
    table.refuse_unknown()
    return broadband


def _floor(table: StudyTable) -> tuple[tuple[str, int], ...]:
    return tuple((code, table.integer(code, low=0, high=10_000)) for code in sorted(table.keys()))


def _site_cost(table: StudyTable) -> dict[str, Any]:
    """Read ``site_cost``: a cost by type of host, or ``{ column = "..." }``."""
    costs = table.table("site_cost", optional=True)
    if "column" in costs.keys():
        column = costs.text("column")
        costs.refuse_unknown()
        return {"site_cost_column": column}
    pairs = [
        (costs.known(key, SERVICE_TYPES, key), costs.quantity(key, "money", zero=True))
        for key in costs.keys()
    ]
    return {"site_cost": tuple(sorted(pairs))}


def _group(table: StudyTable, groups: Sequence[str]) -> str:
    group = table.text("weight", default="")
    if group and group not in groups:
        what = f"la colonne {group!r} n'est pas parmi les groupes de la demande"
        raise table.error("weight", what, f'groups = ["{group}"] dans [demand]')
    return group


def _one_of(table: StudyTable, key: str, values: tuple[Any, ...], default: str) -> Any:
    return table.known(table.text(key, default=default), values, key)


def _number(value: float | None) -> float:
    return 0.0 if value is None else value
