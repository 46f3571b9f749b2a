"""What a study chooses: the keys of ``[kiosks]`` that every siting model reads, ``[extensions]`` and
``[router]``.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, cast

from pydantic import Field
from pydantic_core import core_schema
from scipy import sparse

from geoguichet.coverage.routers.impedance import CostMatrix, Floats, Router, StraightLine
from geoguichet.coverage.routers.network import Network
from geoguichet.coverage.routers.road import (
    CLOSURES,
    MAX_ACCESS_M,
    WALK_KMH,
    Closure,
    RoadRouter,
    closed_edges,
    closures,
    closures_written,
)
from geoguichet.coverage.siting.problem import Capacity, KioskPlan, Quality, SiteRules
from geoguichet.coverage.study.hypotheses import Broadband, Programme, Reference, Throughput, Use
from geoguichet.floor.declaration import (
    About,
    BadKeyError,
    Json,
    Table,
    Taken,
    Written,
    amount,
    cost_written,
    flag,
    measured,
    number,
    one_of,
    quantity,
    read_at,
    text,
    texts,
    whole,
)
from geoguichet.floor.words import Cost, Message, Unit
from geoguichet.referentials.directory.services import SERVICE_TYPES

#: The model of a table that names none.
USUAL = "maximal_covering"


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
    #: What makes one plan better than another as good.
    quality: Quality
    #: Uses a year of each point, and those that each host and the desk can take; None for no limit.
    capacity: Capacity | None = None


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
    capacity = cast("Throughput | None", None)

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
        texts(names_of_needs),
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
    host_quality_within: Annotated[
        float,
        number(0.0, 1.0),
        About(
            "part de l'optimum cédée au plus pour des lieux d'accueil plus ouverts, puis de plus "
            "grandes communes, puis plus proches ; 0 : à égalité seulement"
        ),
    ] = 0.0
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
    floor_per_epci: Annotated[
        int,
        whole(0, 10_000),
        About("combien dans chaque intercommunalité qui a autant de lieux possibles, au moins"),
    ] = 0
    hours_count: Annotated[
        bool, flag(), About("un besoin qui demande des heures n'est offert qu'où le lieu les ouvre")
    ] = True
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
    use: Annotated[Use, About("l'usage supposé")] = field(default_factory=Use)
    programme: Annotated[
        Programme | None, About("en quelles phases ouvrir, et avec quel argent")
    ] = None
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
            given = {
                **given,
                "site_cost": {},
                "<site_cost.column>": read_at("site_cost.column", text(), costs["column"]),
            }
        return {"offers": asked.needs, **given}

    @classmethod
    def unread(cls, key: str) -> BadKeyError:
        """Return the refusal of a key that only other models read."""
        remedy = Message("retirez {key}", key=key)
        if key != "count":
            return BadKeyError(
                'le modèle "{model}" ne lit pas cette clé', remedy, key=key, model=cls.model
            )
        return BadKeyError(
            "{seeking} cherche combien de kiosques il faut",
            remedy,
            key=key,
            seeking="share" if cls.model == USUAL else f'model = "{cls.model}"',
        )

    @classmethod
    def lacking(cls, key: str, given: Json) -> BadKeyError:
        """Say how many kiosks one may ask for."""
        return (
            super().lacking(key, given)
            if key != "count"
            else BadKeyError(
                "cette clé est attendue et manque", Message("ajoutez count = 80"), key=key
            )
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
        self._check_capacity()
        self._check_programme()
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
        if self.floor_per_epci and (self.floor or self.floor_per_departement):
            raise BadKeyError(
                "des minimums sont demandés par intercommunalité et par département",
                Message("gardez l'un des deux"),
                key="floor_per_epci",
            )
        self._check_budget()

    # Refuse capacities that nobody would fill, or that nobody has.
    def _check_capacity(self) -> None:
        limit = self.capacity
        if limit is not None and limit.desk_uses_per_hour is not None and not self.experts:
            raise BadKeyError(
                "les postes d'experts ont une capacité, et il n'y en a aucun",
                Message("experts = 10, ou retirez cette clé"),
                key="capacity.desk_uses_per_hour",
            )
        if limit is not None and self.reference is not None:
            raise BadKeyError(
                "personne ne sait ce que les lieux du plan mené pouvaient prendre",
                Message("retirez [kiosks.capacity] ou [kiosks.reference]"),
                key="capacity",
            )
        if limit is not None and self.host_quality_within:
            raise BadKeyError(
                "des capacités choisissent déjà entre les lieux d'accueil",
                Message("host_quality_within = 0, ou retirez [kiosks.capacity]"),
                key="host_quality_within",
            )
        if limit is not None and not self.use.uses_per_person:
            raise BadKeyError(
                "des capacités sont données, et l'usage supposé est nul",
                Message("uses_per_person au-dessus de 0 dans [kiosks.use]"),
                key="capacity",
            )

    # Refuse phases that nothing costs, or that do not pay for what is asked.
    def _check_programme(self) -> None:
        if self.programme is None:
            return
        if not self.priced and not self.user_side_cost_eur:
            raise BadKeyError(
                "un programme attend ce que coûte un kiosque",
                'user_side_cost = "10000 EUR"',
                key="user_side_cost",
            )
        first, paid = self.programme.phases[0], self.programme.budget_eur
        euros = {"first": f"{first.budget_eur:.0f}", "paid": f"{paid:.0f}"}
        if self.experts_eur > first.budget_eur:
            raise BadKeyError(
                "la première phase paie {first} EUR et les postes d'experts, qu'il faut d'abord, "
                "en coûtent {cost}",
                Message("un plus grand budget à la première phase"),
                key="programme.phases",
                **euros | {"cost": f"{self.experts_eur:.0f}"},
            )
        if self.least_cost_eur + self.experts_eur > paid:
            raise BadKeyError(
                "les phases paient {paid} EUR en tout et le plan demandé en coûte {cost}",
                Message("augmentez le budget d'une phase, ou réduisez count"),
                key="programme.phases",
                **euros | {"cost": f"{self.least_cost_eur + self.experts_eur:.0f}"},
            )

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

    # Return the rules, and how long and how near the best the search goes.
    def _search(self, stakes: Stakes) -> Json:
        hosts = {} if self.capacity is not None else {"quality": stakes.quality}
        return hosts | {
            "rules": stakes.rules,
            "time_limit_s": self.time_limit_s,
            "gap": self.gap,
        }


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


# Which router a study asks for: its ``[router]`` table, checked, and the router itself.


@dataclass(frozen=True, slots=True)
class Asked:
    """What a key may depend on elsewhere in the file."""

    #: What the router counts in.
    unit: Unit = Unit.METRES
    #: Its kind.
    router: str = "straight_line"
    needs: tuple[str, ...] = ()
    #: Columns of the demand that count groups of people.
    groups: tuple[str, ...] = ()


def names_of_needs(asked: Asked) -> tuple[str, ...]:
    """Return the names of the needs that the study asks for."""
    return asked.needs


def threshold() -> Taken:
    """Take a distance or a time, in the unit of the study's router: ``"8 km"``, ``"20 min"``."""
    kinds = {Unit.METRES: "length", Unit.SECONDS: "minutes"}
    return Taken(
        lambda value, asked: Cost(amount(value, kinds[asked.unit]), asked.unit),
        measured(*kinds.values()),
        written=cost_written,
        kept=core_schema.nullable_schema(core_schema.is_instance_schema(Cost)),
    )


@dataclass(frozen=True, slots=True)
class RouterKind:
    """What a study may write as ``router.kind``, and what that stands for."""

    #: Returns the router of a choice; the path is that of its file.
    open: Callable[[RouterChoice, Path], Router]
    #: What ``network`` may be, as written in a study; empty when the kind has none.
    example: str = ""
    unit: Unit = Unit.SECONDS
    #: Returns the rows and the licences of its file, for the lineage; None when it reads none.
    file_read: Callable[[Path], tuple[int, str]] | None = None
    #: Whether it may measure minutes by car.
    by_car: bool = False
    #: Whether it may measure metres instead (``metric = "length"``).
    by_length: bool = False
    #: Whether ``congestion`` slows its cars down.
    congested: bool = False
    #: Whether each question is a request to a server: a surface asks too many.
    distant: bool = False


def _straight_line(choice: RouterChoice, _: Path) -> Router:
    return StraightLine(detour=1.0 if choice.detour is None else choice.detour)


def _road(choice: RouterChoice, path: Path) -> Router:
    network = Network.open(path)
    return RoadRouter(
        network,
        mode=choice.mode,
        metric="length" if choice.metric == "length" else "time",
        congestion=choice.congestion,
        closed=closed_edges(choice.closed, network),
        access_kmh=choice.access_kmh,
        max_access_m=choice.max_access_m,
    )


# What reads relief and what asks servers is imported when a study has it.
def _relief(_: RouterChoice, path: Path) -> Router:
    from geoguichet.coverage.routers.friction import Relief, read_relief

    return Relief(read_relief(path))


# Return the kind of a server's router, by the name of its class.
def _server(router: str) -> RouterKind:
    def opened(choice: RouterChoice, _: Path) -> Router:
        from geoguichet.coverage.routers import remote

        made: type[remote.OsrmRouter] | type[remote.ValhallaRouter] = getattr(remote, router)
        return made(choice.network, mode=choice.mode, max_access_m=choice.max_access_m)

    return RouterKind(
        opened,
        example='"http://localhost:5000"',
        by_car=True,
        distant=True,
    )


def _roads_read(path: Path) -> tuple[int, str]:
    network = Network.open(path)
    return network.edges, ", ".join(
        sorted({source["licence"] for source in network.manifest["sources"]} - {""})
    )


#: The routers that a study may ask for: another is a file of its own and a line here.
KINDS: dict[str, RouterKind] = {
    "straight_line": RouterKind(_straight_line, unit=Unit.METRES),
    "road": RouterKind(
        _road,
        example='"midi-pyrenees.roads"',
        file_read=_roads_read,
        by_car=True,
        by_length=True,
        congested=True,
    ),
    "relief": RouterKind(
        _relief,
        example='"mnt.tif"',
        file_read=lambda _: (0, ""),
    ),
    "osrm": _server("OsrmRouter"),
    "valhalla": _server("ValhallaRouter"),
}


@dataclass(frozen=True, slots=True)
class RouterChoice(Table):
    """How costs are measured. Only the keys of its kind are used."""

    kind: Annotated[
        str,
        one_of(KINDS),
        About("vol d'oiseau, réseau routier, marche sur le relief, ou un serveur"),
    ] = "straight_line"
    network: Annotated[
        str,
        text(blank=True),
        About("fichier du réseau (road) ou du relief, près de ce fichier ; adresse du serveur"),
    ] = ""
    mode: Annotated[
        str, one_of(("car", "bicycle", "foot")), About("en voiture, à vélo ou à pied")
    ] = "car"
    metric: Annotated[
        str, one_of(("time", "length")), About("temps ou longueur du chemin, par la route")
    ] = "time"
    congestion: Annotated[
        float, number(0.1, 10.0), About("ce qui multiplie les temps de voiture")
    ] = 1.0
    access_kmh: Annotated[
        float,
        number(0.1, 130.0),
        Field(alias="access_speed_kmh"),
        About("vitesse, en km/h, d'un point jusqu'à la route"),
    ] = WALK_KMH
    max_access_m: Annotated[
        float, quantity("length"), About("plus loin de toute route, un point n'a pas de chemin")
    ] = MAX_ACCESS_M
    detour: Annotated[
        float | None, number(1.0, 5.0), About("longueur des chemins sur celle du vol d'oiseau")
    ] = None
    closed: Annotated[
        tuple[Closure, ...],
        Taken(lambda value, _asked: closures(value), CLOSURES, written=closures_written),
        About("routes fermées, par leur numéro ou autour d'un lieu"),
    ] = ()

    @property
    def of_kind(self) -> RouterKind:
        """What its kind stands for."""
        return KINDS[self.kind]

    @property
    def unit(self) -> Unit:
        """The unit of the study's thresholds."""
        by_length = self.of_kind.by_length and self.metric == "length"
        return Unit.METRES if by_length else self.of_kind.unit

    @property
    def by_car(self) -> bool:
        """Whether it measures minutes by car."""
        return self.of_kind.by_car and self.unit is Unit.SECONDS and self.mode == "car"

    @property
    def file(self) -> str:
        """The file it reads, relative to the study's folder; empty when it reads none."""
        return self.network if self.of_kind.file_read is not None else ""

    def check(self, asked: Asked) -> None:
        """Refuse a router without what it reads."""
        if self.of_kind.example and not self.network:
            raise BadKeyError(
                "cette clé est attendue et manque",
                f"network = {self.of_kind.example}",
                key="network",
            )


def open_router(choice: RouterChoice, *, beside: Path | None = None) -> Router:
    """Return the router of a choice; its files are relative to ``beside``, the study's folder.

    Raises
    ------
    GeoguichetError
        The network is missing or unreadable, or a closed road is not in it.
    """
    return choice.of_kind.open(choice, (beside or Path()) / choice.network)


@dataclass(frozen=True, slots=True)
class ExtensionChoice(Table):
    """Which counters should open longer, for those who lack nothing but hours: ``[extensions]``."""

    need: Annotated[
        str,
        one_of(names_of_needs),
        About("le besoin dont il manque des heures (min_hours_per_week)"),
    ]
    count: Annotated[
        int | None, whole(1, 100_000), About("combien de guichets ouvrir plus longtemps, au plus")
    ] = None
    budget_eur: Annotated[
        float | None, quantity("money"), About("ce que leurs heures peuvent coûter en un an")
    ] = None
    hour_cost_eur: Annotated[
        float,
        quantity("money"),
        About("hypothèse : coût, en un an, d'une heure de plus par semaine"),
    ] = 1200.0
    hour_cost_low_eur: Annotated[
        float, quantity("money"), About("hypothèse : ce coût, au moins")
    ] = 800.0
    hour_cost_high_eur: Annotated[
        float, quantity("money"), About("hypothèse : ce coût, au plus")
    ] = 1800.0
    time_limit_s: Annotated[
        float, quantity("duration"), About("durée accordée à la recherche du meilleur choix")
    ] = 20.0

    def check(self, asked: Asked) -> None:
        """Refuse to choose nobody knows how many, and a cost outside its range."""
        if self.count is None and self.budget_eur is None:
            raise BadKeyError(
                "ni count ni budget ne disent combien de guichets ouvrir plus longtemps",
                Message("ajoutez count = 40"),
                key="count",
            )
        if not self.hour_cost_low_eur <= self.hour_cost_eur <= self.hour_cost_high_eur:
            raise BadKeyError(
                "le coût d'une heure est hors de sa plage",
                Message("hour_cost_low, hour_cost et hour_cost_high dans cet ordre"),
                key="hour_cost",
            )
