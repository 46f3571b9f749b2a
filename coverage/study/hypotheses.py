"""What a study says of its kiosks beside where they may stand: their use, the room they have, the
phases they open in, how well connected their hosts are, and the plan that was really carried out.
"""

from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
import numpy.typing as npt

from geoguichet.coverage.routers.impedance import Floats
from geoguichet.floor.declaration import (
    About,
    BadKeyError,
    Listed,
    Table,
    Written,
    number,
    quantity,
    text,
    texts,
    whole,
)
from geoguichet.floor.words import Message, percent

#: Weeks a year that kiosks are open: supposed, where a study does not say.
WEEKS_A_YEAR = 47.0


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
class Throughput(Table):
    """What a kiosk, and the desk behind all of them, can take: ``[kiosks.capacity]``."""

    uses_per_hour: Annotated[
        float, number(0.001, 1000.0), About("recours pris par heure d'ouverture du lieu d'accueil")
    ]
    desk_uses_per_hour: Annotated[
        float | None,
        number(0.001, 1000.0),
        About("recours pris par heure et par poste d'experts ; sans limite, sans cette clé"),
    ] = None
    desk_hours_per_week: Annotated[
        float, number(0.1, 168.0), About("heures par semaine d'un poste d'experts")
    ] = 35.0
    weeks_per_year: Annotated[float, number(1.0, 53.0), About("semaines ouvertes par an")] = (
        WEEKS_A_YEAR
    )

    def of_hosts(self, hours_per_week: npt.ArrayLike) -> Floats:
        """Return the uses a year that hosts open so many hours a week can take."""
        hours = np.asarray(hours_per_week, dtype=np.float64)
        return hours * self.uses_per_hour * self.weeks_per_year

    def of_desk(self, experts: int) -> float:
        """Return the uses a year that the desk can take; infinite where it has no limit."""
        if self.desk_uses_per_hour is None:
            return np.inf
        hours = self.desk_hours_per_week * self.weeks_per_year
        return experts * self.desk_uses_per_hour * hours


@dataclass(frozen=True, slots=True)
class Phase(Table):
    """One phase of a programme, a year often: what it may cost."""

    name: Annotated[str, text(), About("comment on l'appelle, comme 2027")]
    budget_eur: Annotated[float, quantity("money", zero=True), About("ce qu'elle paie, au plus")]


@dataclass(frozen=True, slots=True)
class Programme(Table):
    """When each kiosk opens: ``[kiosks.programme]``. What a phase leaves the next ones may spend."""

    phases: Annotated[tuple[Phase, ...], Listed(), About("les phases, dans leur ordre")]
    shares: Annotated[
        tuple[tuple[str, float], ...],
        Written(dict[str, Annotated[float, quantity("share")]], lambda table, _: (*table.items(),)),
        About('qui paie quelle part, comme Région = "40 %"'),
    ] = ()
    priority: Annotated[
        str,
        text(blank=True),
        About("le groupe d'habitants à servir d'abord (demand.groups) ; tous, sans cette clé"),
    ] = ""

    def check(self, asked: Any) -> None:
        """Refuse phases that contradict each other, shares that do not make a whole, and a group
        that the demand does not count.
        """
        names = [phase.name for phase in self.phases]
        if len(set(names)) < len(names) or not names:
            raise BadKeyError(
                "des phases de noms différents sont attendues, et une au moins",
                Message('[[kiosks.programme.phases]] avec name = "2027" et budget = "800000 EUR"'),
                key="phases",
            )
        whole_share = sum(share for _name, share in self.shares)
        if self.shares and abs(whole_share - 1.0) > 1e-6:
            raise BadKeyError(
                "les parts font {sum} en tout",
                Message("des parts qui fassent 100 %"),
                key="shares",
                sum=percent(whole_share, 1),
            )
        if self.priority and self.priority not in asked.groups:
            raise BadKeyError(
                "la colonne {group} n'est pas parmi les groupes de la demande",
                Message('groups = ["{group}"] dans [demand]', group=self.priority),
                key="priority",
                group=repr(self.priority),
            )

    @property
    def budget_eur(self) -> float:
        """What all phases pay."""
        return sum(phase.budget_eur for phase in self.phases)


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
