"""What kinds of public counters there are, what each source calls them, and which one answers a
citizen's need.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True, slots=True)
class ServiceType:
    """A kind of public counter."""

    key: str
    """What it is called in studies and layers."""
    label_fr: str
    plural_fr: str
    label_en: str
    plural_en: str
    directory: tuple[str, ...] = ()
    """Categories of the DILA directory (2013, 2020 or today's) that are this type."""
    bpe: tuple[str, ...] = ()
    """Equipment codes (TYPEQU) of INSEE's BPE, all years, that are this type."""


OTHER = "other_service"
"""The type of a row whose category is in no list: kept, and said."""

_TYPES = (
    # --- State and local government
    ServiceType(
        "town_hall",
        "mairie",
        "mairies",
        "town hall",
        "town halls",
        ("mairie", "mairie_com", "paris_mairie"),
        ("A129",),
    ),
    ServiceType(
        "town_hall_annex",
        "mairie déléguée",
        "mairies déléguées",
        "delegated town hall",
        "delegated town halls",
        ("mairie_deleguee",),
    ),
    ServiceType(
        "prefecture", "préfecture", "préfectures", "prefecture", "prefectures", ("prefecture",)
    ),
    ServiceType(
        "sous_prefecture",
        "sous-préfecture",
        "sous-préfectures",
        "sub-prefecture",
        "sub-prefectures",
        ("sous_pref",),
    ),
    ServiceType(
        "intercommunality",
        "siège d'intercommunalité",
        "sièges d'intercommunalité",
        "intercommunality seat",
        "intercommunality seats",
        ("epci",),
    ),
    ServiceType(
        "departement_council",
        "conseil départemental",
        "conseils départementaux",
        "departmental council",
        "departmental councils",
        ("cg", "cd"),
    ),
    ServiceType(
        "regional_council",
        "conseil régional",
        "conseils régionaux",
        "regional council",
        "regional councils",
        ("cr",),
    ),
    ServiceType(
        "france_services",
        "France services",
        "France services",
        "France services counter",
        "France services counters",
        ("france_services",),
        ("A128",),
    ),
    ServiceType(
        "msap",
        "maison de services au public",
        "maisons de services au public",
        "public service house",
        "public service houses",
        ("msap",),
    ),
    ServiceType(
        "visio_point",
        "point visio-public",
        "points visio-public",
        "video counter",
        "video counters",
    ),
    ServiceType(
        "digital_adviser",
        "structure d'accueil de conseillers numériques",
        "structures d'accueil de conseillers numériques",
        "digital advisers' host",
        "digital advisers' hosts",
        ("conseiller_numerique",),
    ),
    ServiceType(
        "post_office",
        "bureau de poste",
        "bureaux de poste",
        "post office",
        "post offices",
        ("la_poste",),
        ("A206", "A201"),
    ),
    ServiceType(
        "post_agency",
        "agence postale communale",
        "agences postales communales",
        "municipal post agency",
        "municipal post agencies",
        (),
        ("A208", "A203"),
    ),
    ServiceType(
        "post_relay",
        "relais poste",
        "relais poste",
        "post relay",
        "post relays",
        (),
        ("A207", "A202"),
    ),
    # --- safety
    ServiceType(
        "gendarmerie",
        "brigade de gendarmerie",
        "brigades de gendarmerie",
        "gendarmerie station",
        "gendarmerie stations",
        ("gendarmerie",),
        ("A104",),
    ),
    ServiceType(
        "police_station",
        "commissariat de police",
        "commissariats de police",
        "police station",
        "police stations",
        ("commissariat_police",),
        ("A101",),
    ),
    # --- money
    ServiceType(
        "tax_office",
        "service des impôts des particuliers",
        "services des impôts des particuliers",
        "tax office",
        "tax offices",
        ("sip", "sip_sie"),
        ("A119", "A120", "A121"),
    ),
    ServiceType(
        "business_tax_office",
        "service des impôts des entreprises",
        "services des impôts des entreprises",
        "business tax office",
        "business tax offices",
        ("sie",),
    ),
    ServiceType(
        "treasury",
        "trésorerie",
        "trésoreries",
        "public treasury",
        "public treasuries",
        ("tresorerie",),
    ),
    ServiceType(
        "land_registry",
        "service du cadastre ou de la publicité foncière",
        "services du cadastre ou de la publicité foncière",
        "land registry",
        "land registries",
        ("hypotheque", "centre_impots_fonciers", "cadastre"),
    ),
    ServiceType(
        "debt_office",
        "succursale de la Banque de France",
        "succursales de la Banque de France",
        "Banque de France branch",
        "Banque de France branches",
        ("banque_de_france",),
    ),
    # --- social protection
    ServiceType(
        "family_allowance",
        "caisse d'allocations familiales",
        "caisses d'allocations familiales",
        "family allowance office",
        "family allowance offices",
        ("caf",),
    ),
    ServiceType(
        "health_insurance",
        "caisse primaire d'assurance maladie",
        "caisses primaires d'assurance maladie",
        "health insurance office",
        "health insurance offices",
        ("cpam",),
    ),
    ServiceType(
        "farmers_insurance",
        "mutualité sociale agricole",
        "mutualités sociales agricoles",
        "farmers' insurance office",
        "farmers' insurance offices",
        ("msa",),
    ),
    ServiceType(
        "pension_office",
        "caisse de retraite",
        "caisses de retraite",
        "pension office",
        "pension offices",
        ("carsat", "cicas"),
    ),
    ServiceType(
        "contributions_office",
        "Urssaf",
        "Urssaf",
        "contributions office",
        "contributions offices",
        ("urssaf",),
    ),
    ServiceType(
        "disability_house",
        "maison départementale des personnes handicapées",
        "maisons départementales des personnes handicapées",
        "disability house",
        "disability houses",
        ("maison_handicapees", "mdph"),
    ),
    ServiceType(
        "elderly_centre",
        "point d'information des personnes âgées",
        "points d'information des personnes âgées",
        "elderly people's centre",
        "elderly people's centres",
        ("clic", "maia", "accompagnement_personnes_agees"),
    ),
    ServiceType(
        "maternal_health",
        "centre de protection maternelle et infantile",
        "centres de protection maternelle et infantile",
        "mother and child health centre",
        "mother and child health centres",
        ("pmi",),
        ("D205",),
    ),
    ServiceType(
        "family_information",
        "point info famille",
        "points info famille",
        "family information point",
        "family information points",
        ("pif", "cidf"),
    ),
    ServiceType(
        "housing_information",
        "agence d'information sur le logement",
        "agences d'information sur le logement",
        "housing information agency",
        "housing information agencies",
        ("adil", "anah"),
    ),
    # --- work, youth, school
    ServiceType(
        "employment_agency",
        "agence France Travail (Pôle emploi)",
        "agences France Travail (Pôle emploi)",
        "employment agency",
        "employment agencies",
        ("pole_emploi", "france_travail"),
        ("A122", "A110", "A111", "A112", "A115"),
    ),
    ServiceType(
        "employment_partner",
        "point partenaire de Pôle emploi",
        "points partenaires de Pôle emploi",
        "employment partner point",
        "employment partner points",
        (),
        ("A123",),
    ),
    ServiceType(
        "youth_employment",
        "mission locale",
        "missions locales",
        "youth employment office",
        "youth employment offices",
        ("mission_locale",),
    ),
    ServiceType(
        "disability_employment",
        "Cap emploi",
        "Cap emploi",
        "disability employment office",
        "disability employment offices",
        ("cap_emploi", "agefiph"),
    ),
    ServiceType(
        "training_centre",
        "centre de formation des adultes",
        "centres de formation des adultes",
        "adult training centre",
        "adult training centres",
        ("afpa", "greta", "epide"),
    ),
    ServiceType(
        "youth_information",
        "centre d'information jeunesse",
        "centres d'information jeunesse",
        "youth information centre",
        "youth information centres",
        ("cij",),
    ),
    ServiceType(
        "career_guidance",
        "centre d'information et d'orientation",
        "centres d'information et d'orientation",
        "career guidance centre",
        "career guidance centres",
        ("cio", "suio"),
    ),
    ServiceType(
        "nursery_school",
        "école maternelle",
        "écoles maternelles",
        "nursery school",
        "nursery schools",
        (),
        ("C101",),
    ),
    ServiceType(
        "primary_school",
        "école élémentaire",
        "écoles élémentaires",
        "primary school",
        "primary schools",
        (),
        ("C104", "C102", "C105"),
    ),
    ServiceType(
        "college",
        "collège",
        "collèges",
        "lower secondary school",
        "lower secondary schools",
        (),
        ("C201",),
    ),
    ServiceType(
        "lycee",
        "lycée",
        "lycées",
        "upper secondary school",
        "upper secondary schools",
        (),
        ("C301", "C302", "C303", "C304", "C305"),
    ),
    ServiceType(
        "higher_education",
        "établissement d'enseignement supérieur",
        "établissements d'enseignement supérieur",
        "higher education institution",
        "higher education institutions",
        (),
        ("C501", "C502", "C503", "C509", "C401", "C402", "C403", "C409", "C504"),
    ),
    ServiceType(
        "education_office",
        "rectorat ou inspection académique",
        "rectorats et inspections académiques",
        "education office",
        "education offices",
        ("inspection_academique", "rectorat"),
    ),
    ServiceType(
        "student_services",
        "Crous",
        "Crous",
        "student services office",
        "student services offices",
        ("crous",),
        ("C701",),
    ),
    # --- justice
    ServiceType(
        "court",
        "tribunal judiciaire",
        "tribunaux judiciaires",
        "court",
        "courts",
        ("tgi", "ti", "te", "cour_appel"),
        ("A105", "A106", "A107"),
    ),
    ServiceType(
        "labour_court",
        "conseil de prud'hommes",
        "conseils de prud'hommes",
        "labour court",
        "labour courts",
        ("prudhommes",),
        ("A108",),
    ),
    ServiceType(
        "commercial_court",
        "tribunal de commerce",
        "tribunaux de commerce",
        "commercial court",
        "commercial courts",
        ("tribunal_commerce",),
        ("A109",),
    ),
    ServiceType(
        "administrative_court",
        "tribunal administratif",
        "tribunaux administratifs",
        "administrative court",
        "administrative courts",
        ("ta", "caa"),
    ),
    ServiceType(
        "legal_access",
        "point d'accès au droit",
        "points d'accès au droit",
        "legal access point",
        "legal access points",
        ("mjd", "permanence_juridique", "cdad", "bav", "civi"),
    ),
    ServiceType(
        "prison",
        "établissement ou service pénitentiaire",
        "établissements et services pénitentiaires",
        "prison or probation service",
        "prisons and probation services",
        (
            "maison_arret",
            "centre_penitentiaire",
            "centre_detention",
            "maison_centrale",
            "csl",
            "esm",
            "spip",
        ),
    ),
    # --- health
    ServiceType(
        "hospital",
        "établissement de santé",
        "établissements de santé",
        "hospital",
        "hospitals",
        (),
        ("D101", "D102"),
    ),
    ServiceType(
        "emergency",
        "service d'urgences",
        "services d'urgences",
        "emergency department",
        "emergency departments",
        (),
        ("D106",),
    ),
    ServiceType(
        "maternity", "maternité", "maternités", "maternity ward", "maternity wards", (), ("D107",)
    ),
    ServiceType(
        "general_practitioner",
        "médecin généraliste",
        "médecins généralistes",
        "general practitioner",
        "general practitioners",
        (),
        ("D201", "D265"),
    ),
    ServiceType(
        "pharmacy", "pharmacie", "pharmacies", "pharmacy", "pharmacies", (), ("D301", "D307")
    ),
    # --- the rest
    ServiceType(
        "rail_station",
        "gare",
        "gares",
        "railway station",
        "railway stations",
        (),
        ("E106", "E107", "E108", "E109"),
    ),
    ServiceType(
        "customs_office",
        "bureau de douane",
        "bureaux de douane",
        "customs office",
        "customs offices",
        ("bureau_de_douane", "drddi"),
    ),
    ServiceType(
        "chamber",
        "chambre consulaire",
        "chambres consulaires",
        "chamber of commerce, trade or agriculture",
        "chambers of commerce, trade or agriculture",
        ("cci", "chambre_metier", "chambre_agriculture"),
    ),
    ServiceType(
        OTHER,
        "autre service public",
        "autres services publics",
        "other public service",
        "other public services",
    ),
)

SERVICE_TYPES: Mapping[str, ServiceType] = MappingProxyType({kind.key: kind for kind in _TYPES})
"""The taxonomy, by key. A commune has one ``town_hall``; former communes may keep a
``town_hall_annex``.
"""

TYPE_OF_CATEGORY: Mapping[str, str] = MappingProxyType(
    {name: kind.key for kind in _TYPES for name in kind.directory}
)
"""The type of each category of the DILA directory; the rest are ``other_service``."""

TYPE_OF_BPE: Mapping[str, str] = MappingProxyType(
    {code: kind.key for kind in _TYPES for code in kind.bpe}
)
"""The type of each BPE equipment code; the rest are not services of ours."""


@dataclass(frozen=True, slots=True)
class CitizenNeed:
    """Something a citizen comes for, in the words they would use, and the counters where it is
    done.
    """

    key: str
    label_fr: str
    label_en: str
    types: tuple[str, ...]
    """Keys of ``SERVICE_TYPES`` where it can be done, the most direct first."""
    note_fr: str = ""
    """What the type alone does not say."""


_EVERYDAY = ("france_services", "msap")

NEEDS: Mapping[str, CitizenNeed] = MappingProxyType(
    {
        need.key: need
        for need in (
            CitizenNeed(
                "identity_card",
                "refaire sa carte d'identité ou son passeport",
                "renew an identity card or passport",
                ("town_hall",),
                "Toutes les mairies n'ont pas de station de recueil des empreintes : vérifiez "
                "avant de vous déplacer.",
            ),
            CitizenNeed(
                "civil_status",
                "demander un acte d'état civil",
                "ask for a civil status record",
                ("town_hall", "town_hall_annex"),
            ),
            CitizenNeed(
                "vote", "s'inscrire sur les listes électorales", "register to vote", ("town_hall",)
            ),
            CitizenNeed(
                "vehicle",
                "faire une carte grise ou un permis de conduire",
                "register a vehicle or get a driving licence",
                _EVERYDAY,
                "La démarche se fait en ligne ; France services y aide.",
            ),
            CitizenNeed(
                "residence_permit",
                "demander un titre de séjour",
                "ask for a residence permit",
                ("prefecture", "sous_prefecture"),
            ),
            CitizenNeed(
                "housing_benefit",
                "demander une aide au logement",
                "apply for housing benefit",
                ("family_allowance", "farmers_insurance", *_EVERYDAY),
            ),
            CitizenNeed(
                "family_benefit",
                "demander des allocations familiales ou le RSA",
                "apply for family or income support",
                ("family_allowance", "farmers_insurance", "departement_council", *_EVERYDAY),
            ),
            CitizenNeed(
                "health_cover",
                "être remboursé de ses soins, demander la complémentaire santé solidaire",
                "be refunded for care",
                ("health_insurance", "farmers_insurance", *_EVERYDAY),
            ),
            CitizenNeed(
                "pension",
                "préparer sa retraite",
                "prepare for retirement",
                ("pension_office", "farmers_insurance", *_EVERYDAY),
            ),
            CitizenNeed(
                "tax",
                "déclarer ou payer ses impôts",
                "declare or pay taxes",
                ("tax_office", "treasury", *_EVERYDAY),
            ),
            CitizenNeed(
                "debt",
                "déposer un dossier de surendettement",
                "file for over-indebtedness",
                ("debt_office", *_EVERYDAY),
            ),
            CitizenNeed(
                "job",
                "s'inscrire comme demandeur d'emploi",
                "register as a jobseeker",
                ("employment_agency", "employment_partner", *_EVERYDAY),
            ),
            CitizenNeed(
                "first_job",
                "trouver un premier emploi ou une formation",
                "find a first job or training",
                ("youth_employment", "training_centre", "employment_agency"),
            ),
            CitizenNeed(
                "disability",
                "faire reconnaître un handicap",
                "have a disability recognised",
                ("disability_house",),
            ),
            CitizenNeed(
                "ageing",
                "organiser l'aide à une personne âgée",
                "arrange help for an elderly person",
                ("elderly_centre", "departement_council"),
            ),
            CitizenNeed(
                "infant",
                "faire suivre son jeune enfant",
                "have a young child followed",
                ("maternal_health",),
            ),
            CitizenNeed(
                "housing_rights",
                "connaître ses droits de locataire ou de propriétaire",
                "know one's housing rights",
                ("housing_information",),
            ),
            CitizenNeed(
                "legal_advice",
                "être conseillé sur ses droits",
                "get legal advice",
                ("legal_access", *_EVERYDAY),
            ),
            CitizenNeed(
                "complaint", "porter plainte", "file a complaint", ("gendarmerie", "police_station")
            ),
            CitizenNeed(
                "justice",
                "saisir la justice",
                "go to court",
                ("court", "labour_court", "commercial_court", "administrative_court"),
            ),
            CitizenNeed(
                "mail",
                "envoyer ou retirer un colis, un recommandé",
                "send or collect a parcel",
                ("post_office", "post_agency", "post_relay"),
            ),
            CitizenNeed(
                "cash",
                "retirer de l'argent au guichet de La Banque postale",
                "withdraw cash at a post counter",
                ("post_office", "post_agency"),
            ),
            CitizenNeed(
                "online_help",
                "être aidé pour une démarche en ligne",
                "get help with an online procedure",
                (*_EVERYDAY, "digital_adviser", "visio_point"),
            ),
            CitizenNeed(
                "land",
                "consulter le cadastre ou un acte foncier",
                "consult the land registry",
                ("land_registry", "town_hall"),
            ),
            CitizenNeed(
                "emergency_care", "être soigné en urgence", "get emergency care", ("emergency",)
            ),
            CitizenNeed(
                "doctor", "consulter un médecin", "see a doctor", ("general_practitioner",)
            ),
            CitizenNeed(
                "school",
                "inscrire son enfant à l'école",
                "enrol a child at school",
                ("town_hall", "primary_school", "nursery_school"),
            ),
        )
    }
)
"""What citizens come for, by key: a need leads to the types of counters where it is met."""
