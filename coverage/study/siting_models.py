"""The siting models a study may ask, one class each: the keys it reads, the question it puts to
``siting``, what is said of its answer.

A new model is its mathematics in :mod:`geoguichet.coverage.siting`, a class here, and the English
of its sentences.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import Field, GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import CoreSchema, core_schema

from geoguichet.coverage.siting.capacitated import capacitated_covering, capacitated_median
from geoguichet.coverage.siting.covering import (
    backup_covering,
    budget_covering,
    maximal_covering,
    p_center,
    partial_covering,
    set_covering,
)
from geoguichet.coverage.siting.median import p_median
from geoguichet.coverage.siting.problem import KioskPlan
from geoguichet.coverage.study.choices import (
    MODELS,
    USUAL,
    Asked,
    KioskChoice,
    Stakes,
    by_name,
    model_of,
    siting_model,
    threshold,
)
from geoguichet.coverage.study.hypotheses import Throughput
from geoguichet.floor.declaration import (
    About,
    BadKeyError,
    Json,
    Taken,
    Written,
    key_of,
    mapping,
    number,
    one_of,
    quantity,
    read_at,
    text,
    whole,
)
from geoguichet.floor.words import Cost, Message, _, ngettext, percent
from geoguichet.referentials.directory.services import SERVICE_TYPES

#: Without ``farthest``, p-median and p-center look so many times as far as the reach.
_FARTHEST = 3.0


def _group(value: Any, asked: Asked) -> str:
    group: str = text(blank=True).read(value, asked)
    if group and group not in asked.groups:
        raise BadKeyError(
            "la colonne {group} n'est pas parmi les groupes de la demande",
            Message('groups = ["{group}"] dans [demand]', group=group),
            group=repr(group),
        )
    return group


# Keys that several models read.
Count = Annotated[int, whole(1, 100_000), About("combien en ouvrir, sans ceux qui existent")]
Group = Annotated[
    str,
    Taken(_group, {"type": "string"}),
    About("le groupe d'habitants qui compte (demand.groups)"),
]
SiteCost = Annotated[
    tuple[tuple[str, float], ...],
    Written(
        dict[Annotated[str, one_of(SERVICE_TYPES)], Annotated[float, quantity("money", zero=True)]],
        by_name,
        other={
            "type": "object",
            "properties": {"column": {"type": "string"}},
            "required": ["column"],
            "additionalProperties": False,
        },
    ),
    About("coût selon le type de lieu d'accueil, ou column, une colonne des services"),
]
SiteCostColumn = Annotated[str, Field(alias="<site_cost.column>")]
Limited = Annotated[
    Throughput | None, About("ce qu'un visioguichet, et les postes d'experts, peuvent prendre")
]


@siting_model
@dataclass(frozen=True, kw_only=True)
class MaximalCovering(KioskChoice):
    """The most people with so many kiosks (Church & ReVelle 1974)."""

    named = Message("couverture maximale")
    asks = Message("Où ouvrir {kiosks} pour que le plus possible {of_who} soient desservis ?")
    optimal = Message(
        "Ce choix est prouvé optimal : aucun autre choix du même nombre de lieux ne dessert "
        "plus {of_who}."
    )
    bounded = Message(
        "Ce choix est proche du meilleur : il est prouvé qu’aucun autre choix du même nombre "
        "de lieux ne peut servir plus de {bound} {who} de plus, soit au mieux {missing} "
        "{who} de mieux ({gap})."
    )
    fills_count = True

    model: Literal["maximal_covering"] = "maximal_covering"
    count: Count = field()
    weight: Group = ""
    capacity: Limited = None

    @classmethod
    def answers(cls, table: Mapping[str, Any]) -> bool:
        """Of the three that share this name: where a number is given, and nothing costs."""
        costs = table.get("site_cost") or table.get("site_cost_column")
        counted = table.get("count") is not None and table.get("share") is None
        return super().answers(table) and counted and not costs

    def solve(self, stakes: Stakes) -> KioskPlan:
        """Serve as many as ``count`` kiosks can, each taking so many at most if that is told."""
        if stakes.capacity is not None:
            return capacitated_covering(
                stakes.costs, stakes.weight, self.count, stakes.capacity, **self._search(stakes)
            )
        return maximal_covering(stakes.cover, stakes.weight, self.count, **self._search(stakes))


@siting_model
@dataclass(frozen=True, kw_only=True)
class PartialCovering(KioskChoice):
    """The fewest kiosks, or the cheapest, that serve a share of the territory's people."""

    named = Message("couverture d’une part des habitants")
    asks = Message(
        "Combien de visioguichets faut-il au moins, et où, pour que {share} des {who} du "
        "territoire soient desservis ?"
    )
    optimal = Message("{told} suffisent, et il est prouvé que moins ne suffirait pas.")
    bounded = Message("{told} suffisent ; il est prouvé qu’il en faut au moins {bound} ({gap}).")
    seeks = "sites"

    model: Literal["maximal_covering"] = "maximal_covering"
    share: Annotated[
        float, quantity("share"), About("part de tous les habitants à servir, guichets compris")
    ] = field()
    weight: Group = ""
    site_cost: SiteCost = ()
    site_cost_column: SiteCostColumn = ""

    @classmethod
    def answers(cls, table: Mapping[str, Any]) -> bool:
        """Of the three that share this name: where a share is given."""
        return super().answers(table) and table.get("share") is not None

    def solve(self, stakes: Stakes) -> KioskPlan:
        """Serve what counters do not serve yet of the share."""
        wanted, served = self.share * stakes.total, stakes.served
        if wanted <= served:
            raise BadKeyError(
                "{share} des habitants sont déjà desservis par les guichets",
                Message("une part plus grande"),
                key="share",
                share=percent(served / stakes.total, 1),
            )
        if wanted > served + stakes.reachable:
            raise BadKeyError(
                "guichets et lieux d'accueil possibles réunis desservent au plus {share} des "
                "habitants",
                Message("une part plus petite, ou d'autres types de lieux"),
                key="share",
                share=percent((served + stakes.reachable) / stakes.total, 1),
            )
        share, prices = (wanted - served) / float(stakes.weight.sum()), stakes.prices_eur
        return partial_covering(
            stakes.cover,
            stakes.weight,
            share,
            cost=prices if self.priced else None,
            **self._search(stakes),
        )

    def impossible(self, rules: str) -> str:
        """Name the rules that keep the share from being reached."""
        return _barred(rules, _("cette part des habitants"))


@siting_model
@dataclass(frozen=True, kw_only=True)
class BudgetCovering(KioskChoice):
    """The most people for a sum, with so many kiosks at most."""

    named = Message("couverture maximale sous un budget")
    asks = Message(
        "Où ouvrir des visioguichets, pour {budget} au plus, pour que le plus possible "
        "{of_who} soient desservis ?"
    )
    optimal = Message(
        "Ce choix est prouvé optimal : aucun autre qui tienne dans ce budget ne dessert plus "
        "{of_who}."
    )
    bounded = Message(
        "Il est prouvé qu’aucun choix qui tienne dans ce budget ne peut servir plus de "
        "{bound} {who} de plus, soit au mieux {missing} {who} de mieux ({gap})."
    )
    needed = ("budget",)

    model: Literal["maximal_covering"] = "maximal_covering"
    count: Annotated[int | None, whole(1, 100_000), About("combien en ouvrir, au plus")] = None
    weight: Group = ""
    site_cost: SiteCost = ()
    site_cost_column: SiteCostColumn = ""

    def check(self, asked: Asked) -> None:
        """Refuse to open nobody knows how many, and a budget for kiosks that cost nothing."""
        if self.budget_eur is None:
            remedy = Message('ajoutez budget = "800000 EUR"')
            if self.count is None:
                raise BadKeyError(
                    "ni count ni budget ne disent combien de kiosques ouvrir", remedy, key="budget"
                )
            raise BadKeyError("des coûts par lieu sont donnés sans budget", remedy, key="budget")
        if not self.priced and not self.user_side_cost_eur:
            raise BadKeyError(
                "un budget attend ce que coûte un kiosque",
                'user_side_cost = "10000 EUR"',
                key="user_side_cost",
            )
        super().check(asked)

    @property
    def least_cost_eur(self) -> float:
        """What it may cost is what it seeks."""
        return 0.0

    def solve(self, stakes: Stakes) -> KioskPlan:
        """Serve as many as the budget pays for."""
        budget = self.sites_budget_eur or 0.0
        least = float(
            np.delete(stakes.prices_eur, list(stakes.rules.forbidden)).min(initial=np.inf)
        )
        if least > budget:
            raise BadKeyError(
                "il reste {budget} EUR pour les visioguichets et le moins cher coûte {least} EUR",
                Message('budget = "{least} EUR" ou plus', least=f"{least + self.experts_eur:.0f}"),
                key="budget",
                **{"budget": f"{budget:.0f}", "least": f"{least:.0f}"},
            )
        return budget_covering(
            stakes.cover,
            stakes.weight,
            stakes.prices_eur,
            budget,
            p=self.count,
            **self._search(stakes),
        )


@siting_model
@dataclass(frozen=True, kw_only=True)
class SetCovering(KioskChoice):
    """The fewest kiosks, or the cheapest, that serve everyone a host can (Toregas et al. 1971)."""

    named = Message("couverture de tous")
    asks = Message(
        "Combien de visioguichets faut-il au moins, et où, pour que tout habitant à portée "
        "d’un lieu d’accueil soit desservi ?"
    )
    optimal = Message("{told} suffisent, et il est prouvé que moins ne suffirait pas.")
    bounded = Message("{told} suffisent ; il est prouvé qu’il en faut au moins {bound} ({gap}).")
    seeks = "sites"

    model: Literal["set_covering"] = "set_covering"
    site_cost: SiteCost = ()
    site_cost_column: SiteCostColumn = ""

    def solve(self, stakes: Stakes) -> KioskPlan:
        """Serve everyone, but those out of every reach."""
        return set_covering(
            stakes.cover,
            weight=stakes.weight,
            cost=stakes.prices_eur if self.priced else None,
            **self._search(stakes),
        )

    def impossible(self, rules: str) -> str:
        """Name the rules that keep some from being served."""
        return _barred(rules, _("tous ceux qui peuvent l'être"))


@siting_model
@dataclass(frozen=True, kw_only=True)
class BackupCovering(KioskChoice):
    """The most people, those served twice counting more (Hogan & ReVelle 1986)."""

    named = Message("couverture de secours")
    asks = Message(
        "Où ouvrir {kiosks} pour que le plus possible {of_who} soient desservis, et si "
        "possible deux fois ? Un second visioguichet à portée compte pour {second} du "
        "premier."
    )
    optimal = Message(
        "Ce choix est prouvé optimal : aucun autre du même nombre ne vaut plus que {value} "
        "{who}, ceux qui sont desservis deux fois comptant {twice}."
    )
    bounded = Message(
        "Ce choix vaut {value} {who}, ceux qui sont desservis deux fois comptant {twice} ; "
        "il est prouvé qu’aucun autre du même nombre ne dépasse {bound} ({gap})."
    )
    seeks = "worth"
    fills_count = True

    model: Literal["backup"] = "backup"
    count: Count = field()
    weight: Group = ""
    second: Annotated[
        float, number(0.0, 1.0), About("ce que vaut un second visioguichet à portée")
    ] = 0.5

    def solve(self, stakes: Stakes) -> KioskPlan:
        """Serve as many as ``count`` kiosks can, twice if possible."""
        return backup_covering(
            stakes.cover, stakes.weight, self.count, second=self.second, **self._search(stakes)
        )


@dataclass(frozen=True, kw_only=True)
class _FarLooking(KioskChoice):
    """What looks beyond the reach."""

    count: Count = field()
    farthest: Annotated[
        Cost | None,
        threshold(),
        About("jusqu'où le plus proche est cherché ; trois fois reach sans cette clé"),
    ] = None

    # How far the model looks for a kiosk.
    @property
    def search_radius(self) -> Cost:
        return self.farthest or Cost(_FARTHEST * self.reach, self.reach.unit)

    # Refuse to look less far than a kiosk serves.
    def check(self, asked: Asked) -> None:
        if self.search_radius < self.reach:
            raise BadKeyError(
                "moins loin que reach", Message("farthest au moins égal à reach"), key="farthest"
            )
        super().check(asked)


@siting_model
@dataclass(frozen=True, kw_only=True)
class PMedian(_FarLooking):
    """The least travel in all to the nearest kiosk (Hakimi 1964)."""

    named = Message("p-médiane")
    asks = Message(
        "Où ouvrir {kiosks} pour que les {who} des zones blanches aient ensemble le moins de "
        "chemin jusqu’au plus proche ? Au-delà de {farthest}, ce chemin compte pour "
        "{farthest}."
    )
    optimal = Message(
        "En moyenne, le visioguichet le plus proche est à {value} ; il est prouvé qu’aucun "
        "autre choix ne fait mieux."
    )
    bounded = Message(
        "En moyenne, le visioguichet le plus proche est à {value} ; il est prouvé qu’aucun "
        "autre choix ne descend sous {bound} ({gap})."
    )
    seeks = "mean_way"

    model: Literal["p_median"] = "p_median"
    weight: Group = ""
    capacity: Limited = None

    def solve(self, stakes: Stakes) -> KioskPlan:
        """Beyond ``farthest``, or without room, the way counts for that."""
        asked = self._search(stakes) | {"beyond": self.search_radius}
        if stakes.capacity is not None:
            return capacitated_median(
                stakes.costs, stakes.weight, self.count, stakes.capacity, **asked
            )
        return p_median(stakes.costs, stakes.weight, self.count, **asked)


@siting_model
@dataclass(frozen=True, kw_only=True)
class PCenter(_FarLooking):
    """The farthest point as near a kiosk as may be (Hakimi 1965)."""

    named = Message("p-centre")
    asks = Message(
        "Où ouvrir {kiosks} pour que, dans les zones blanches, la commune la plus éloignée "
        "d’un visioguichet le soit le moins possible ? On cherche jusqu’à {farthest}."
    )
    optimal = Message(
        "La commune la plus éloignée est à {value} d’un visioguichet ; il est prouvé "
        "qu’aucun autre choix ne fait mieux."
    )
    bounded = Message(
        "La commune la plus éloignée est à {value} d’un visioguichet ; il est prouvé "
        "qu’aucun autre choix ne descend sous {bound} ({gap})."
    )
    seeks = "way"

    model: Literal["p_center"] = "p_center"

    def solve(self, stakes: Stakes) -> KioskPlan:
        """Look as far as ``farthest``."""
        return p_center(
            stakes.costs,
            self.count,
            rules=stakes.rules,
            time_limit_s=self.time_limit_s,
            quality=stakes.quality,
        )

    def impossible(self, rules: str) -> str:
        """Say that the search stops too near, whatever the rules."""
        return ngettext(
            "{n} visioguichet ne suffit pas pour que toute commune en ait un à moins de {far} ; "
            "augmentez count ou farthest.",
            "{n} visioguichets ne suffisent pas pour que toute commune en ait un à moins de {far} "
            "; augmentez count ou farthest.",
            self.count,
            far=self.search_radius.told,
        )


def _barred(rules: str, wish: str) -> str:
    return (
        _(
            "aucun choix de lieux qui respecte {rules} ne dessert {wish} ; assouplissez la règle, "
            "ou baissez share.",
            rules=rules,
            wish=wish,
        )
        if rules
        else ""
    )


@dataclass(frozen=True, slots=True)
class AnyModel:
    """Reads ``[kiosks]`` by the siting model that its keys ask for."""

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        chosen = core_schema.tagged_union_schema(
            {f"<{model.__name__}>": handler.generate_schema(model) for model in MODELS},
            discriminator=lambda table: f"<{model_of(table).__name__}>",
        )
        return core_schema.with_info_before_validator_function(
            lambda value, info: value if info.context is None else self._checked(value),
            core_schema.nullable_schema(chosen),
        )

    # Refuse a model that nobody knows, and keys that only other models read.
    def _checked(self, value: Any) -> Json:
        table = mapping(value)
        names = dict.fromkeys(model.model for model in MODELS)
        read_at("model", one_of(names), table.get("model", USUAL))
        model = model_of(table)
        elsewhere = {key for other in MODELS for key in _keys(other)} - _keys(model)
        for key in table:
            if key in elsewhere:
                raise model.unread(key)
        return table

    def __get_pydantic_json_schema__(self, core: Any, handler: GetJsonSchemaHandler) -> Json:
        found = handler(core)
        for place, model in zip(found["anyOf"], MODELS, strict=True):
            table = handler.resolve_ref_schema(place)
            table["title"] = str(model.named)
            table["properties"]["model"]["description"] = _("le modèle de localisation")
            table["required"] = [
                *([] if model.model == USUAL else ["model"]),
                *table["required"],
                *model.needed,
            ]
        return found


def _keys(model: type[KioskChoice]) -> set[str]:
    return {key_of(one.name) for one in fields(model)}
