"""The processes: what each takes, who may ask it, what it may take of the machine. One row a process."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from geoguichet.floor.viewer import Role, Viewer
from geoguichet.floor.words import Message
from geoguichet.portal.jobs import inputs as taken
from geoguichet.portal.jobs.contract import Budget
from geoguichet.portal.jobs.grounds import Ground, files_of, study_of

_GB = 1 << 30
GEOJSON, JSON = "application/geo+json", "application/json"


@dataclass(frozen=True, slots=True)
class Kind:
    """A process. ``answering`` holds what makes its answer, under the same name."""

    name: str
    title: Message
    about: Message
    #: Its inputs, each told in the language of the moment; what checks them beyond their shape.
    inputs: Callable[[], dict[str, Any]]
    check: taken.Check
    budget: Budget
    #: That of who is nobody known.
    anonymous: Budget | None = None
    media: str = JSON
    #: Whether one may wait for its answer; whether that is so short that no job is made of it.
    waits: bool = False
    at_once: bool = False
    #: Who may ask it; empty: everyone.
    role: Role | None = None
    #: Whether equal questions have equal answers: it reads, or writes the same.
    repeats: bool = True
    #: Whether it leaves something in the workspace: who may only read does not ask it.
    writes: bool = False
    #: Whether its answer is made from the studies of the portal too.
    of_studies: bool = False
    example: Mapping[str, Any] | None = None
    #: Bytes of a question.
    longest: int = 100_000

    def is_for(self, viewer: Viewer, host: str = "") -> bool:
        """Say whether a viewer may ask it; ``host`` is the organisation whose portal this is (SIREN),
        whose administrators alone may bring in records of any other.
        """
        if self.role != "administrator" or viewer.sees_all:
            return self.role is None or viewer.may(self.role)
        return bool(host) and viewer.may(self.role, host)

    def budget_of(self, viewer: Viewer) -> Budget:
        """Return what it may take for who asks."""
        known = viewer.sees_all or viewer.person
        return self.budget if known or self.anonymous is None else self.anonymous

    def files(self, inputs: Mapping[str, Any], ground: Ground, viewer: Viewer) -> Mapping[str, str]:
        """Return the files that inputs name, by the key that names them; ParameterError, or another of
        ours, for inputs that are off.
        """
        taken.check_shape(inputs, self.inputs())
        return self.check(inputs, ground, viewer)

    def summary(self) -> dict[str, Any]:
        """Return how it is told in a list."""
        modes = ["async-execute", *(["sync-execute"] if self.waits else [])]
        return {
            "id": self.name,
            "version": "1.0.0",
            "title": str(self.title),
            "description": str(self.about),
            "jobControlOptions": [*modes, "dismiss"],
            "outputTransmission": ["value"],
        }

    def description(self) -> dict[str, Any]:
        """Return all that is told of it."""
        schema = {"type": "object", "contentMediaType": self.media}
        output = {"title": str(self.title), "description": str(self.about), "schema": schema}
        told = {**self.summary(), "inputs": self.inputs(), "outputs": {self.name: output}}
        return told if self.example is None else {**told, "example": {"inputs": self.example}}


_NEED = {"mairie": {"types": ["town_hall"], "min_hours_per_week": 20}}
_STUDY = {
    "study": {"id": "mairies", "title": "Mairies à 8 km"},
    "services": {"mairie": {"types": ["town_hall"], "within": "8 km"}},
    "rule": {"all": ["mairie"]},
}
_WHERE = {
    "ou": (Message("Lieu"), Message("Une commune, son code, une adresse du répertoire, ou LON,LAT."), 1),
    "quoi": (Message("Besoin"), Message("Un besoin en mots, ou sa clé (« mairie »)."), 0),
    "quand": (Message("Moment"), Message("« sam-10:30 » ; maintenant sans cette entrée."), 0),
}  # fmt: skip
_SOURCE = {"source": (Message("Source"), Message("Le nom d'une source de harvest.toml."), 1)}
_RECORDS = {
    "name": (Message("Fichier"), Message("Un nom, dont la fin dit la forme : fiche.xml, fiches.ttl…"), 1),
    "document": (Message("Document"), Message("Le texte du fichier."), 1),
}  # fmt: skip
_ID = {
    "id": (Message("Fiche"), Message("Son identifiant ; toutes les fiches sans cette entrée."), 0)
}
_FEW = Budget(120, 2 * _GB)

KINDS: Mapping[str, Kind] = {
    kind.name: kind
    for kind in (
        Kind(
            "white-zones",
            Message("Calculer les zones blanches"),
            Message(
                "Où sont les habitants de la région qui ne trouvent pas les services demandés à la "
                "distance demandée (à vol d'oiseau, sur l'ellipsoïde WGS 84)."
            ),
            taken.white_zone_inputs,
            lambda inputs, ground, viewer: files_of(
                study_of(taken.study_document(inputs), ground, viewer=viewer)
            ),
            Budget(120, 2 * _GB),
            media=GEOJSON,
            waits=True,
            example={
                "services": _NEED,
                "thresholds": {"mairie": "10 km"},
                "rule": {"all": ["mairie"]},
            },
        ),
        Kind(
            "study",
            Message("Calculer une étude"),
            Message(
                "Une étude entière : qui a accès à quoi, les zones blanches, le plan. De qui "
                "contribue, elle est gardée parmi les études ; de toute autre personne, sept jours."
            ),
            lambda: taken.study_inputs("study", "services", "rule"),
            taken.check_study,
            Budget(1_800, 4 * _GB),
            _FEW,
            writes=True,
            example=_STUDY,
        ),
        Kind(
            "site-kiosks",
            Message("Placer des visioguichets"),
            Message("Où ouvrir des visioguichets : la liste classée, et la preuve du plan."),
            lambda: taken.study_inputs("services", "rule", "kiosks"),
            lambda *asked: files_of(taken.study_asked(*asked)),
            Budget(1_800, 4 * _GB),
            _FEW,
            media=GEOJSON,
            example={
                "services": {
                    "etat": {"types": ["prefecture", "sous_prefecture"], "within": "25 km"}
                },
                "rule": {"all": ["etat"]},
                "kiosks": {"count": 10, "reach": "8 km", "offers": ["etat"]},
            },
        ),
        Kind(
            "compare",
            Message("Comparer deux études"),
            Message("Qui gagne et qui perd d'une étude à l'autre, commune par commune."),
            taken.compare_inputs,
            taken.check_compared,
            Budget(1_800, 4 * _GB),
            _FEW,
            waits=True,
            of_studies=True,
        ),
        Kind(
            "sensitivity",
            Message("Éprouver une étude"),
            Message("Ce qui tient des zones blanches quand seuils et vitesses changent."),
            taken.sensitivity_inputs,
            lambda *asked: files_of(taken.study_asked(*asked, "thresholds", "congestion")),
            Budget(3_600, 4 * _GB),
            _FEW,
        ),
        Kind(
            "isochrones",
            Message("Tracer des isochrones"),
            Message("Le terrain d'où l'on atteint un lieu dans une distance ou un temps."),
            taken.isochrone_inputs,
            lambda *asked: files_of(taken.router_study(*asked)),
            Budget(300, 4 * _GB),
            Budget(60, 2 * _GB),
            media=GEOJSON,
            waits=True,
            example={"points": [[1.605, 42.966]], "within": ["4 km"]},
        ),
        Kind(
            "nearest",
            Message("Trouver un guichet"),
            Message(
                "Les guichets les plus proches d'un lieu pour un besoin, à un moment : ceux qui sont "
                "sûrement ouverts, ceux dont nul ne sait, les fermés. Un visioguichet proposé n'en est "
                "jamais un."
            ),
            lambda: taken.texts_of(_WHERE),
            lambda *_asked: {},
            Budget(60, 2 * _GB),
            waits=True,
            at_once=True,
            repeats=False,
            example={"ou": "2.35,48.85", "quoi": "mairie", "quand": "sam-10:30"},
        ),
        Kind(
            "harvest",
            Message("Moissonner une source"),
            Message("Les fiches d'une source déclarée dans harvest.toml, reprises au catalogue."),
            lambda: taken.texts_of(_SOURCE),
            lambda *_asked: {},
            Budget(7_200, 4 * _GB),
            role="administrator",
            repeats=False,
            writes=True,
        ),
        Kind(
            "import",
            Message("Importer des fiches"),
            Message("Les fiches d'un document (ISO, DCAT, CKAN…), mises au catalogue."),
            lambda: taken.texts_of(_RECORDS, taken.MOST_IMPORTED),
            lambda *_asked: {},
            Budget(1_800, 4 * _GB),
            role="administrator",
            repeats=False,
            writes=True,
            longest=taken.MOST_IMPORTED * 2,
        ),
        Kind(
            "check",
            Message("Vérifier des fiches"),
            Message("Ce qui manque ou cloche dans une fiche, ou dans toutes celles que l'on voit."),
            lambda: taken.texts_of(_ID, 1_000),
            lambda *_asked: {},
            Budget(1_800, 4 * _GB),
            role="editor",
            repeats=False,
        ),
    )
}


def kinds_for(viewer: Viewer, *, has_territory: bool, host: str = "") -> dict[str, Kind]:
    """Return the processes that a viewer may ask; without a territory, none of those about one."""
    return {
        name: kind
        for name, kind in KINDS.items()
        if kind.is_for(viewer, host) and (has_territory or kind.role is not None)
    }
