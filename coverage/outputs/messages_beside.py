"""What stands beside the answer, in French then English: hours, law, the border, cells, measures of
access.
"""

from __future__ import annotations

MESSAGES: dict[str, tuple[str, str]] = {
    # The question
    "rule_all_and_at_least": (
        "Un habitant est desservi s’il trouve tout ce qui est obligatoire, et au moins {k} des "
        "autres services :",
        "An inhabitant is served who finds all that is mandatory, and at least {k} of the other "
        "services:",
    ),
    "need_required": ("{need} (obligatoire)", "{need} (mandatory)"),
    "need_open": (
        "{label}, à moins de {distance}, ouvert {moment}",
        "{label}, within {distance}, open on {moment}",
    ),
    "need_hours_open": (
        "{label}, à moins de {distance}, ouvert {moment} et au moins {hours} h par semaine",
        "{label}, within {distance}, open on {moment} and at least {hours} h a week",
    ),
    # Cells: said instead of the message of the same name when people are counted by cells
    "standing_served_cells": ("Carreau desservi", "Served cell"),
    "standing_kiosk_cells": (
        "Carreau desservi par un visioguichet",
        "Cell served by a video kiosk",
    ),
    "standing_unserved_cells": ("Carreau non desservi", "Unserved cell"),
    "legend_demand_cells": (
        "Carreau de population (surface selon la population)",
        "Population cell (area by people)",
    ),
    "layer_demand_cells": ("Carreaux, selon leur population", "Cells, by population"),
    "reason_not_located_cells": ("carreau non localisé", "cell not located"),
    "unserved_not_located_cells": ("carreau non localisé", "cell not located"),
    "map_limits_cells": (
        "Distances à vol d’oiseau, depuis le centre de chaque carreau de population ; le trajet "
        "par la route est "
        "plus long.",
        "Straight-line distances, from the centre of each population cell; the way by road is "
        "longer.",
    ),
    "map_limits_router_cells": (
        "Trajets sur le réseau de l’étude, depuis le centre de chaque carreau de population.",
        "Journeys on the study’s network, from the centre of each population cell.",
    ),
    "method_1_cells": (
        "Les habitants sont comptés par carreaux de population, chacun en son centre et dans la "
        "commune qui contient "
        "ce centre.",
        "Inhabitants are counted by population cells, each at its centre and in the commune that "
        "holds that centre.",
    ),
    "method_1_inside_cells": (
        "Les habitants sont comptés par carreaux de population, chacun en son centre et dans la "
        "commune qui contient "
        "ce centre.",
        "Inhabitants are counted by population cells, each at its centre and in the commune that "
        "holds that centre.",
    ),
    "method_3_cells": (
        "La règle de l’étude sépare les carreaux desservis des autres ; les carreaux voisins non "
        "desservis sont "
        "réunis en zones blanches. Là où personne n’habite, il n’y a ni carreau ni zone.",
        "The study’s rule parts the served cells from the others; neighbouring unserved cells "
        "make one white zone. "
        "Where nobody lives there is neither cell nor zone.",
    ),
    "limit_point_cells": (
        "Les chiffres d’un carreau seul sont incertains (l’INSEE y disperse les valeurs des "
        "petits groupes) : lisez "
        "les sommes par zone, par commune ou au-dessus.",
        "The figures of a single cell are uncertain (INSEE spreads those of small groups): read "
        "sums by zone, by "
        "commune or above.",
    ),
    # Hours
    "beside_hours": ("Ouvert à l’heure dite", "Open at the time asked"),
    "hours_told": (
        "« {need} », {moment} : {open} guichets ouverts, {closed} fermés (ou trop peu ouverts), "
        "{unknown} sans "
        "horaires connus.",
        "“{need}”, {moment}: {open} counters open, {closed} closed (or not open long enough), "
        "{unknown} without known "
        "hours.",
    ),
    "hours_closed": (
        "Les guichets sans horaires connus sont comptés comme fermés ; les compter comme ouverts "
        "changerait la réponse "
        "pour {people}.",
        "Counters without known hours count as closed; counting them as open would change the "
        "answer for {people}.",
    ),
    "hours_open": (
        "Les guichets sans horaires connus sont comptés comme ouverts ; les compter comme fermés "
        "changerait la réponse "
        "pour {people}.",
        "Counters without known hours count as open; counting them as closed would change the "
        "answer for {people}.",
    ),
    # Law
    "beside_legal": ("Ce que disent les règles", "What the rules say"),
    "legal_la_poste": (
        "La Poste (loi du 2 juillet 1990, article 6) : pas plus de 10 % des habitants d’un "
        "département à plus de 5 km "
        "et à plus de 20 minutes de voiture du point de contact le plus proche.",
        "La Poste (law of 2 July 1990, article 6): not more than 10% of the people of a "
        "département farther than 5 km "
        "and more than 20 minutes by car from the nearest contact point.",
    ),
    "legal_france_services_30": (
        "France services (circulaire du 1er juillet 2019) : tout habitant à moins de 30 minutes.",
        "France services (circular of 1 July 2019): everyone within 30 minutes.",
    ),
    "legal_france_services_20": (
        "France services, objectif de 20 minutes : tout habitant à moins de 20 minutes.",
        "France services, 20-minute target: everyone within 20 minutes.",
    ),
    "legal_pass": ("respectée", "kept"),
    "legal_fail": ("non respectée", "not kept"),
    "legal_undecided": ("non tranchée", "not decided"),
    "legal_no_car_times": (
        "Non tranchée : il faut des temps de trajet en voiture, et l’étude n’en a pas "
        "(router.kind = « road »). Une "
        "distance à vol d’oiseau ne remplace pas des minutes ; elle ne prouve que les cas sûrs.",
        "Not decided: car times are needed, and the study has none (router.kind = “road”). A "
        "straight line does not "
        "stand in for minutes; it only proves the cases that are certain.",
    ),
    "legal_not_measured": (
        "Non tranchée là où trop d’habitants n’ont pas pu être placés sur le réseau routier.",
        "Not decided where too many people could not be placed on the road network.",
    ),
    "legal_nobody": (
        "Non tranchée là où l’étude ne compte aucun habitant.",
        "Not decided where the study counts nobody.",
    ),
    "legal_partial": (
        "Non tranchée là où l’étude ne connaît qu’une partie du département : la règle compte le "
        "département entier.",
        "Not decided where the study knows only part of a département: the rule counts the whole "
        "of it.",
    ),
    "table_legal": (
        "Habitants au-delà, par département ; services : « {need} »",
        "People beyond, by département; services: “{need}”",
    ),
    "col_beyond": ("Au-delà, sûrement", "Beyond, surely"),
    "col_undecided": ("Non tranchés", "Not decided"),
    "col_beyond_share": ("Part", "Share"),
    "col_allowed": ("Part permise", "Share allowed"),
    "col_verdict": ("Règle", "Rule"),
    # Border
    "beside_edge": ("Ce que change la limite du territoire", "What the border changes"),
    "edge_counted": (
        "{people} ne sont desservis que grâce à un service situé hors du territoire.",
        "{people} are served only thanks to a service outside the territory.",
    ),
    "edge_not_counted": (
        "Aucun service n’est compté hors du territoire. Avec les {services} que les données y ont "
        "(à moins de "
        "{buffer}), {people} de plus seraient desservis.",
        "No service is counted outside the territory. With the {services} that the data have "
        "there (within {buffer}), "
        "{people} more would be served.",
    ),
    "edge_unknown": (
        "Aucun service n’est compté hors du territoire, et les données n’en ont pas : {people} "
        "non desservis vivent "
        "assez près de la limite pour l’être peut-être par un voisin.",
        "No service is counted outside the territory, and the data have none: {people} unserved "
        "live near enough to "
        "the border to be served perhaps by a neighbour.",
    ),
    "edge_exposed": (
        "{people} non desservis pourraient l’être par un service situé plus loin que ceux que "
        "l’étude compte.",
        "{people} unserved could be served by a service farther than those the study counts.",
    ),
    "table_edge": (
        "Habitants dont le service le plus proche est hors du territoire",
        "People whose nearest service lies outside the territory",
    ),
    "col_need": ("Besoin", "Need"),
    # Cells against communes
    "beside_aggregation": (
        "Ce que compter par commune aurait caché",
        "What counting by commune would have hidden",
    ),
    "aggregation_told": (
        "{people} ({share}) changent de réponse selon que l’on compte par carreau ou par commune "
        ": {hidden} sont en "
        "zone blanche alors que leur commune ne l’est pas, {alarmed} sont desservis alors que "
        "leur commune ne l’est "
        "pas.",
        "{people} ({share}) change answer between cells and communes: {hidden} live in a white "
        "zone while their "
        "commune does not, {alarmed} are served while their commune is not.",
    ),
    "aggregation_people": (
        "Les carreaux comptent {cells} habitants ; les communes où il y en a, {communes}.",
        "The cells count {cells} inhabitants; the communes that have any, {communes}.",
    ),
    "table_aggregation": (
        "Écart entre le point de la commune et le carreau où vit l’habitant",
        "Difference between the point of the commune and the cell where people live",
    ),
    "col_mean_absolute": ("Écart moyen, en valeur absolue", "Mean absolute difference"),
    "col_mean_signed": (
        "Écart moyen (commune moins carreau)",
        "Mean difference (commune minus cell)",
    ),
    "cells_outside": (
        "{people} vivent dans des carreaux à cheval sur la limite dont le centre est hors du "
        "territoire : ils ne sont "
        "pas comptés.",
        "{people} live in cells across the border whose centre lies outside the territory: they "
        "are not counted.",
    ),
    "cells_missing": (
        "{communes} sans aucun carreau habité ({people} d’après les communes) ne sont pas dans "
        "l’étude.",
        "{communes} without any inhabited cell ({people} by the communes) are not in the study.",
    ),
    # Measures
    "beside_measures": ("Mesures d’accessibilité", "Measures of access"),
    "measures_told": (
        "« À portée » compte les services sous le seuil ; le partage (2SFCA, E2SFCA) divise "
        "chacun entre les habitants "
        "qui l’ont à portée, pour 10 000 habitants, ceux d’au-delà de la limite n’étant pas "
        "comptés. Gini : 0 tous "
        "égaux, 1 un seul a tout. Palma : ce qu’a le dixième le mieux pourvu, sur ce qu’ont les "
        "quatre dixièmes les "
        "moins pourvus. Pauvreté : part des habitants sous {line} de la moyenne, et de combien en "
        "moyenne.",
        "“Within reach” counts services under the threshold; sharing (2SFCA, E2SFCA) divides each "
        "among the people "
        "within reach, for 10,000 people, those beyond the border not being counted. Gini: 0 all "
        "equal, 1 one has all. "
        "Palma: what the best-off tenth has, over what the four worst-off tenths have. Poverty: "
        "share of people under "
        "{line} of the mean, and how far under on average.",
    ),
    "measures_hours": (
        "L’offre d’un service est ce qu’il ouvre d’heures par semaine ; sans horaires connus elle "
        "est nulle.",
        "What a service supplies is its hours a week; without known hours it is nothing.",
    ),
    "table_measures": ("« {need} », par département", "“{need}”, by département"),
    "kind_cumulative": ("À portée", "Within reach"),
    "kind_2sfca": ("2SFCA", "2SFCA"),
    "kind_e2sfca": ("E2SFCA", "E2SFCA"),
    "col_kind": ("Mesure", "Measure"),
    "col_mean_access": ("Moyenne", "Mean"),
    "col_nothing": ("Habitants sans rien", "People with nothing"),
    "col_gini": ("Gini", "Gini"),
    "col_palma": ("Palma", "Palma"),
    "col_poverty": ("Pauvreté", "Poverty"),
    "col_poverty_depth": ("Profondeur", "Depth"),
}
