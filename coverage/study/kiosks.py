"""What a study asks about its kiosks: the keys of ``[kiosks]`` that every siting model reads."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Annotated, Any, ClassVar, Literal, cast

from scipy import sparse

from geoguichet.coverage.routers.impedance import CostMatrix, Floats
from geoguichet.coverage.siting.plan import KioskPlan
from geoguichet.coverage.siting.problem import SiteRules
from geoguichet.coverage.study.router import Asked, threshold
from geoguichet.floor.declaration import (
    About,
    BadKeyError,
    Json,
    Table,
    Written,
    flag,
    number,
    one_of,
    quantity,
    read_at,
    text,
    texts,
    whole,
)
from geoguichet.floor.units import Cost
from geoguichet.floor.words import Message
from geoguichet.referentials.directory.services import SERVICE_TYPES

#: The model of a table that names none.
USUAL = "maximal_covering"


@dataclass(frozen=True, slots=True)
class Use(Table):
    """The use that is supposed, to tell what a kiosk saves in a year; docs/planning.md says where
    these come from.
    """

    uses_per_person: Annotated[
        float, number(0.0, 365.0), About("recours par an et par habitant gagné")
    ] = 0.03
    trips_avoided: Annotated[
        float, number(0.0, 10.0), About("allers-retours évités par recours")
    ] = 1.0
    detour: Annotated[
        float,
        number(1.0, 10.0),
        About("longueur du trajet sur la distance mesurée ; 1 à vol d'oiseau est un minimum"),
    ] = 1.0
    co2_g_per_km: Annotated[float, number(0.0, 2000.0), About("grammes de CO2e par km")] = 192.0


@dataclass(frozen=True, slots=True)
class Reference(Table):
    """A plan that was really carried out, to set against the best one."""

    label: Annotated[str, text(), About("comment on l'appelle")]
    count: Annotated[int, whole(1, 100_000), About("ses visioguichets")]
    cost_eur: Annotated[float, quantity("money"), About("ce qu'il a coûté")]
    communes: Annotated[
        tuple[str, ...], texts(), About("où ils étaient (codes INSEE), quand on le sait")
    ] = ()


@dataclass(frozen=True, slots=True)
class Broadband(Table):
    """The column of the services that says whether a host is connected well enough: true, or a
    number at least so.
    """

    column: Annotated[str, text(), About("colonne des services : vrai, ou un débit")]
    at_least: Annotated[float | None, number(0.0, 1e9), About("débit, au moins")] = None


@dataclass(frozen=True, slots=True, eq=False)
class Stakes:
    """What a model decides upon: the points that some kiosk would serve, if near enough, and what
    each host would do for them.
    """

    #: People of each point, or of the group that counts.
    weight: Floats
    #: Points x hosts: who would serve whom.
    cover: sparse.csr_array
    #: The way from each point to each host that would serve it, however far.
    costs: CostMatrix
    #: What a kiosk costs in each host.
    prices_eur: Floats
    rules: SiteRules
    #: People of the whole territory, or of the group that counts.
    total: float
    #: Those whom counters serve already.
    served: float
    #: Those whom some host that may open would serve.
    reachable: float


def by_name[T](table: dict[str, T], asked: Asked) -> tuple[tuple[str, T], ...]:
    """Keep a table by the names of its keys, in their order."""
    return tuple(sorted(table.items()))


@dataclass(frozen=True, kw_only=True)
class KioskChoice(Table, ABC):
    """In which hosts, offering what, reaching how far, at what cost, under which rules: what every
    model asks.

    Hosts are named by the INSEE code of their commune or by their identifier.
    """

    # A model that reads one of these declares it; in the others it says nothing.
    count = cast("int | None", None)
    share = cast("float | None", None)
    weight = ""
    second = 0.0
    site_cost = cast("tuple[tuple[str, float], ...]", ())
    site_cost_column = ""

    # What is said of it: its name in the field, what is asked, what the plan is worth when it is
    # proved the best, and when it is not. ``outputs.plan_text`` fills their fields.
    named: ClassVar[Message]
    asks: ClassVar[Message]
    optimal: ClassVar[Message]
    bounded: ClassVar[Message]
    #: What the value of its plan counts: people served, people served with what a second kiosk is
    #: worth, kiosks or what they cost, the mean way, the longest way.
    seeks: ClassVar[Literal["people", "worth", "sites", "mean_way", "way"]] = "people"
    #: Whether it opens ``count`` kiosks as long as one more serves someone.
    fills_count: ClassVar[bool] = False
    #: Keys it cannot do without, for machines, beside those that have no default.
    needed: ClassVar[tuple[str, ...]] = ()

    model: str = USUAL
    candidates: Annotated[
        tuple[str, ...],
        texts(SERVICE_TYPES),
        About("types de lieux d'accueil ; de deux en un même point, le premier cité"),
    ] = ("town_hall",)
    offers: Annotated[
        tuple[str, ...],
        texts(lambda asked: asked.needs),
        About("les besoins qu'un visioguichet ouvre ; tous, sans cette clé"),
    ] = ()
    reach: Annotated[Cost, threshold(), About("jusqu'où il sert")]
    required: Annotated[
        tuple[str, ...], texts(), About("où il en faut un : codes INSEE ou identifiants de lieux")
    ] = ()
    excluded: Annotated[tuple[str, ...], texts(), About("où il n'en faut pas")] = ()
    existing: Annotated[
        tuple[str, ...],
        texts(),
        About("où il y en a déjà un : il sert, ne coûte rien, n'est pas compté dans count"),
    ] = ()
    min_hours_per_week: Annotated[
        float | None, number(0.0, 168.0), About("heures par semaine d'un lieu d'accueil, au moins")
    ] = None
    broadband: Annotated[Broadband | None, About("lieux d'accueil assez connectés")] = None
    one_per: Annotated[
        Literal["", "commune", "epci", "departement"],
        one_of(("", "commune", "epci", "departement")),
        About("un seul par commune, intercommunalité ou département"),
    ] = ""
    spacing_m: Annotated[
        float | None, quantity("length"), About("distance de deux d'entre eux, au moins")
    ] = None
    floor: Annotated[
        tuple[tuple[str, int], ...],
        Written(dict[str, Annotated[int, whole(0, 10_000)]], by_name),
        About("combien par département, au moins, comme 09 = 5"),
    ] = ()
    floor_per_departement: Annotated[
        int, whole(0, 10_000), About("combien dans chaque département, au moins")
    ] = 0
    hours_count: Annotated[
        bool, flag(), About("un besoin qui demande des heures n'est offert qu'où le lieu les ouvre")
    ] = False
    user_side_cost_eur: Annotated[
        float, quantity("money", zero=True), About("coût d'un poste côté usager")
    ] = 0.0
    expert_side_cost_eur: Annotated[
        float, quantity("money", zero=True), About("coût d'un poste côté opérateur")
    ] = 0.0
    experts: Annotated[int, whole(0, 100_000), About("postes côté opérateur")] = 0
    budget_eur: Annotated[
        float | None, quantity("money"), About("ce que tout peut coûter, opérateurs d'abord")
    ] = None
    time_limit_s: Annotated[
        float, quantity("duration"), About("durée accordée à la recherche du meilleur plan")
    ] = 60.0
    gap: Annotated[float, number(0.0, 1.0), About("écart à l'optimum accepté")] = 0.0
    stop_below: Annotated[
        float | None,
        number(0.0, 1e9),
        About("où s'arrêter : là où 10 000 EUR de plus gagnent moins d'habitants que cela"),
    ] = None
    use: Annotated[Use, About("l'usage supposé")] = Use()
    reference: Annotated[
        Reference | None, About("un plan vraiment mené, à mettre en regard du meilleur")
    ] = None

    @property
    def search_radius(self) -> Cost:
        """How far the model looks for a kiosk."""
        return self.reach

    @property
    def counts_people(self) -> bool:
        """Whether its value is the people that the plan gains, all of them."""
        return self.seeks == "people" and not self.weight

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

    @property
    def least_cost_eur(self) -> float:
        """What the kiosks asked for cost, as far as the study tells."""
        return (self.count or 0) * self.user_side_cost_eur

    def asked_with(self, **keys: Any) -> KioskChoice:
        """Return the same kiosks under other keys, asked of the model that these ask for.

        Keys are those of the fields; one that the model does not read is left out.
        """
        table = vars(self) | keys
        model = model_of(table)
        own = {one.name for one in fields(model)}
        return model(**{name: value for name, value in table.items() if name in own})

    @abstractmethod
    def solve(self, stakes: Stakes) -> KioskPlan:
        """Put the question to the solver; the sites of the plan are positions of hosts.

        Raises
        ------
        SitingError
            The rules contradict each other or the model's wish.
        BadKeyError
            What a key asks is out of reach, or reached already.
        """

    def impossible(self, rules: str) -> str:
        """Say why no choice of hosts serves as many as it must; ``rules`` are those that may bar
        it, named. Empty when that cannot be.
        """
        return ""

    @classmethod
    def answers(cls, table: Mapping[str, Any]) -> bool:
        """Whether the keys of a table (of a file or of a manifest) ask for this model."""
        return table.get("model", USUAL) == cls.model

    @classmethod
    def completed(cls, given: Json, asked: Asked) -> Json:
        """Offer every need where none is told, and read a column of costs."""
        costs = given.get("site_cost")
        if isinstance(costs, Mapping) and "column" in costs:
            for key in costs:
                if key != "column":
                    raise super().unknown(f"site_cost.{key}", ("column",))
            column = read_at("site_cost.column", text(), costs["column"])
            given = {**given, "site_cost": {}, "<site_cost.column>": column}
        return {"offers": asked.needs, **given}

    @classmethod
    def unread(cls, key: str) -> BadKeyError:
        """Return the refusal of a key that only other models read."""
        remedy = Message("retirez {key}", key=key)
        if key != "count":
            return BadKeyError(
                'le modèle "{model}" ne lit pas cette clé', remedy, key=key, model=cls.model
            )
        seeking = "share" if cls.model == USUAL else f'model = "{cls.model}"'
        return BadKeyError(
            "{seeking} cherche combien de kiosques il faut", remedy, key=key, seeking=seeking
        )

    @classmethod
    def lacking(cls, key: str, given: Json) -> BadKeyError:
        """Say how many kiosks one may ask for."""
        if key != "count":
            return super().lacking(key, given)
        return BadKeyError(
            "cette clé est attendue et manque", Message("ajoutez count = 80"), key=key
        )

    def check(self, asked: Asked) -> None:
        """Refuse keys that contradict each other."""
        named = ("excluded", "required"), ("excluded", "existing"), ("existing", "required")
        for one, other in named:
            both = sorted({*getattr(self, one)} & {*getattr(self, other)})
            if both:
                raise BadKeyError(
                    "{name} est aussi dans {other}",
                    Message("gardez-le dans une seule des deux listes"),
                    key=one,
                    **{"name": repr(both[0]), "other": other},
                )
        floors = sum(least for _code, least in self.floor)
        if self.count is not None and len(self.required) > self.count:
            raise BadKeyError(
                "{n} lieux imposés pour {count} kiosques",
                Message("augmentez count"),
                key="required",
                **{"n": str(len(self.required)), "count": str(self.count)},
            )
        if self.count is not None and floors > self.count:
            raise too_many_floors(floors, self.count, key="floor")
        self._check_budget()

    def _check_budget(self) -> None:
        left, cost = self.sites_budget_eur, self.least_cost_eur
        euros = {"experts": str(self.experts), "budget": f"{self.budget_eur or 0.0:.0f}"}
        if left is not None and left < 0:
            raise BadKeyError(
                "les {experts} postes d'experts coûtent {cost} EUR, plus que le budget",
                Message("réduisez experts ou augmentez budget"),
                key="budget",
                **euros | {"cost": f"{self.experts_eur:.0f}"},
            )
        if left is not None and cost > left:
            raise BadKeyError(
                "{count} kiosques et {experts} postes d'experts coûtent {cost} EUR, plus que le "
                "budget de {budget} EUR",
                Message("réduisez count ou augmentez budget"),
                key="budget",
                **euros | {"count": str(self.count), "cost": f"{cost + self.experts_eur:.0f}"},
            )

    def _search(self, stakes: Stakes) -> Json:
        """Return the rules, and how long and how near the best the search goes."""
        return {"rules": stakes.rules, "time_limit_s": self.time_limit_s, "gap": self.gap}


def too_many_floors(floors: int, count: int, *, key: str = "") -> BadKeyError:
    """Return the refusal of floors that ask for more kiosks than may open."""
    return BadKeyError(
        "les minimums par département demandent {floors} kiosques, count en permet {count}",
        Message("augmentez count ou baissez les minimums"),
        key=key,
        **{"floors": str(floors), "count": str(count)},
    )


#: The siting models a study may ask (:mod:`~geoguichet.coverage.study.siting_models`).
MODELS: list[type[KioskChoice]] = []


def siting_model[M: KioskChoice](model: type[M]) -> type[M]:
    """List a model among those that a study may ask."""
    MODELS.append(model)
    return model


def model_of(table: Mapping[str, Any]) -> type[KioskChoice]:
    """Return the model that the keys of a table ask for: of those that answer, the first listed."""
    return next(model for model in MODELS if model.answers(table))
