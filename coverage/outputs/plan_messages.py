"""What is said of the kiosks' model, its rules and its proof, in French then English; part of
``wording.MESSAGES``.
"""

from __future__ import annotations

PLAN_MESSAGES: dict[str, tuple[str, str]] = {
    "plan_already": (
        "{kiosks} existe déjà et sert {people} en zone blanche. | "
        "{kiosks} existent déjà et servent {people} en zone blanche.",
        "{kiosks} exists already and serves {people} in white zones. | "
        "{kiosks} exist already and serve {people} in white zones.",
    ),
    "plan_fewer": (
        "{asked} étaient demandés : au-delà du premier, aucun lieu permis n’ajoute personne. | "
        "{asked} étaient demandés : au-delà de {n}, aucun lieu permis n’ajoute personne.",
        "{asked} were asked for: beyond {n}, no place allowed adds anyone. | "
        "{asked} were asked for: beyond {n}, no place allowed adds anyone.",
    ),
    "kiosk_required": ("imposé", "required"),
    "plan_uncoverable": (
        "D’abord, ce qu’aucun plan ne peut : {people}, dans {communes}, n’ont à portée aucun lieu "
        "d’accueil qui puisse "
        "les servir ({names}).",
        "First, what no plan can do: {people}, in {communes}, have no host in reach that could "
        "serve them ({names}).",
    ),
    "group_population": ("habitants", "inhabitants"),
    "group_pop_65_plus": ("personnes de 65 ans et plus", "people of 65 and over"),
    "group_pop_under_20": ("personnes de moins de 20 ans", "people under 20"),
    "of_group": ("de {who}", "{who}"),
    "of_group_vowel": ("d’{who}", "{who}"),
    # The question asked to the model
    "ask_most": (
        "Où ouvrir {kiosks} pour que le plus possible {of_who} soient desservis ?",
        "Where should {kiosks} open so that as many {of_who} as possible are served?",
    ),
    "ask_budget": (
        "Où ouvrir des visioguichets, pour {budget} au plus, pour que le plus possible {of_who} "
        "soient desservis ?",
        "Where should video kiosks open, for {budget} at most, so that as many {of_who} as "
        "possible are served?",
    ),
    "ask_share": (
        "Combien de visioguichets faut-il au moins, et où, pour que {share} des {who} du "
        "territoire soient desservis ?",
        "How many video kiosks does it take at least, and where, so that {share} of the {who} are "
        "served?",
    ),
    "ask_everyone": (
        "Combien de visioguichets faut-il au moins, et où, pour que tout habitant à portée d’un "
        "lieu d’accueil soit "
        "desservi ?",
        "How many video kiosks does it take at least, and where, so that everyone in reach of a "
        "host is served?",
    ),
    "ask_backup": (
        "Où ouvrir {kiosks} pour que le plus possible {of_who} soient desservis, et si possible "
        "deux fois ? Un second "
        "visioguichet à portée compte pour {second} du premier.",
        "Where should {kiosks} open so that as many {of_who} as possible are served, twice if "
        "possible? A second kiosk "
        "in reach counts for {second} of the first.",
    ),
    "ask_median": (
        "Où ouvrir {kiosks} pour que les {who} des zones blanches aient ensemble le moins de "
        "chemin jusqu’au plus "
        "proche ? Au-delà de {farthest}, ce chemin compte pour {farthest}.",
        "Where should {kiosks} open so that the {who} of white zones travel least in all to the "
        "nearest? Beyond "
        "{farthest} the way counts for {farthest}.",
    ),
    "ask_center": (
        "Où ouvrir {kiosks} pour que, dans les zones blanches, la commune la plus éloignée d’un "
        "visioguichet le soit "
        "le moins possible ? On cherche jusqu’à {farthest}.",
        "Where should {kiosks} open so that, in white zones, the commune farthest from a kiosk is "
        "as near as possible? "
        "The search goes to {farthest}.",
    ),
    "ask_kiosk": (
        "Un visioguichet offre {offers} aux habitants situés à moins de {reach}. Lieux d’accueil "
        "possibles : {hosts}.",
        "A video kiosk offers {offers} to inhabitants within {reach}. Possible hosts: {hosts}.",
    ),
    # The model, by its name in the field
    "model_most": ("couverture maximale", "maximal covering"),
    "model_budget": ("couverture maximale sous un budget", "maximal covering within a budget"),
    "model_share": ("couverture d’une part des habitants", "partial covering"),
    "model_everyone": ("couverture de tous", "set covering"),
    "model_backup": ("couverture de secours", "backup covering"),
    "model_median": ("p-médiane", "p-median"),
    "model_center": ("p-centre", "p-center"),
    # What the plan is worth, and the proof
    "proof_most_optimal": (
        "Ce choix est prouvé optimal : aucun autre choix du même nombre de lieux ne dessert plus "
        "{of_who}.",
        "This choice is proved optimal: no other choice of as many places serves more {of_who}.",
    ),
    "proof_most_bound": (
        "Ce choix est proche du meilleur : il est prouvé qu’aucun autre choix du même nombre de "
        "lieux ne peut servir "
        "plus de {bound} {who} de plus, soit au mieux {missing} {who} de mieux ({gap}).",
        "This choice is close to the best: it is proved that no other choice of as many places "
        "can serve more than "
        "{bound} more {who}, that is at best {missing} better ({gap}).",
    ),
    "proof_budget_optimal": (
        "Ce choix est prouvé optimal : aucun autre qui tienne dans ce budget ne dessert plus "
        "{of_who}.",
        "This choice is proved optimal: no other within this budget serves more {of_who}.",
    ),
    "proof_budget_bound": (
        "Il est prouvé qu’aucun choix qui tienne dans ce budget ne peut servir plus de {bound} "
        "{who} de plus, soit au "
        "mieux {missing} {who} de mieux ({gap}).",
        "It is proved that no choice within this budget can serve more than {bound} more {who}, "
        "that is at best "
        "{missing} better ({gap}).",
    ),
    "proof_share_optimal": (
        "{told} suffisent, et il est prouvé que moins ne suffirait pas.",
        "{told} are enough, and it is proved that less would not do.",
    ),
    "proof_share_bound": (
        "{told} suffisent ; il est prouvé qu’il en faut au moins {bound} ({gap}).",
        "{told} are enough; it is proved that at least {bound} are needed ({gap}).",
    ),
    "proof_everyone_optimal": (
        "{told} suffisent, et il est prouvé que moins ne suffirait pas.",
        "{told} are enough, and it is proved that less would not do.",
    ),
    "proof_everyone_bound": (
        "{told} suffisent ; il est prouvé qu’il en faut au moins {bound} ({gap}).",
        "{told} are enough; it is proved that at least {bound} are needed ({gap}).",
    ),
    "proof_backup_optimal": (
        "Ce choix est prouvé optimal : aucun autre du même nombre ne vaut plus que {value} {who}, "
        "ceux qui sont "
        "desservis deux fois comptant {twice}.",
        "This choice is proved optimal: no other of as many is worth more than {value} {who}, "
        "those served twice "
        "counting {twice}.",
    ),
    "proof_backup_bound": (
        "Ce choix vaut {value} {who}, ceux qui sont desservis deux fois comptant {twice} ; il est "
        "prouvé qu’aucun "
        "autre du même nombre ne dépasse {bound} ({gap}).",
        "This choice is worth {value} {who}, those served twice counting {twice}; it is proved "
        "that no other of as "
        "many exceeds {bound} ({gap}).",
    ),
    "proof_median_optimal": (
        "En moyenne, le visioguichet le plus proche est à {value} ; il est prouvé qu’aucun autre "
        "choix ne fait mieux.",
        "On average the nearest kiosk is at {value}; it is proved that no other choice does "
        "better.",
    ),
    "proof_median_bound": (
        "En moyenne, le visioguichet le plus proche est à {value} ; il est prouvé qu’aucun autre "
        "choix ne descend sous "
        "{bound} ({gap}).",
        "On average the nearest kiosk is at {value}; it is proved that no other choice goes under "
        "{bound} ({gap}).",
    ),
    "proof_center_optimal": (
        "La commune la plus éloignée est à {value} d’un visioguichet ; il est prouvé qu’aucun "
        "autre choix ne fait "
        "mieux.",
        "The farthest commune is at {value} from a kiosk; it is proved that no other choice does "
        "better.",
    ),
    "proof_center_bound": (
        "La commune la plus éloignée est à {value} d’un visioguichet ; il est prouvé qu’aucun "
        "autre choix ne descend "
        "sous {bound} ({gap}).",
        "The farthest commune is at {value} from a kiosk; it is proved that no other choice goes "
        "under {bound} ({gap}).",
    ),
    "proof_group": ("Parmi eux, {value} {who}.", "Among them, {value} {who}."),
    "table_kiosks_model": (
        "Les visioguichets proposés, dans l’ordre du modèle ; chaque habitant est compté avec le "
        "premier qui le sert",
        "The proposed video kiosks, in the model’s order; an inhabitant is counted with the first "
        "that serves them",
    ),
    "report_model": ("Modèle : {model}", "Model: {model}"),
    "months": (
        "janvier février mars avril mai juin juillet août septembre octobre novembre décembre",
        "January February March April May June July August September October November December",
    ),
    "dated": ("Établi le {date}", "Drawn up on {date}"),
    "plan_gain": (
        "Les {kiosks} proposés serviraient {people} de plus, soit {share} des habitants en zone "
        "blanche.",
        "The {kiosks} proposed would serve {people} more, that is {share} of the people in white "
        "zones.",
    ),
    "plan_time_limit": (
        "La recherche s’est arrêtée au temps fixé par l’étude.",
        "The search stopped at the time set by the study.",
    ),
    "plan_gap_reached": (
        "La recherche s’est arrêtée à la précision demandée par l’étude.",
        "The search stopped at the precision the study asks for.",
    ),
    "plan_work_limit": (
        "La recherche a fait tout le travail prévu sans refermer cet écart.",
        "The search did all the work planned without closing this gap.",
    ),
    "plan_solver_lost": (
        "Le solveur s’est arrêté avant la fin ; le meilleur choix trouvé est gardé.",
        "The solver stopped before the end; the best choice found is kept.",
    ),
    "plan_interrupted": (
        "La recherche a été interrompue ; le meilleur choix trouvé est gardé.",
        "The search was interrupted; the best choice found is kept.",
    ),
    "plan_method": ("Calcul : {method}.", "Computation: {method}."),
    "plan_last": (
        "Le premier visioguichet sert {first} de plus, le dernier {last}.",
        "The first video kiosk serves {first} more, the last {last}.",
    ),
    "plan_half": (
        "La moitié de ce gain est atteinte avec le premier. | La moitié de ce gain est atteinte "
        "avec les {n} premiers.",
        "Half of this gain is reached with the first. | Half of this gain is reached with the "
        "first {n}.",
    ),
    "plan_left": (
        "{people} resteraient en zone blanche, dans {communes}, trop loin de tout lieu retenu.",
        "{people} would remain in a white zone, in {communes}, too far from every place chosen.",
    ),
    "figure_curve": (
        "Habitants desservis en plus selon le nombre de visioguichets, ouverts dans l’ordre du "
        "tableau",
        "More inhabitants served by number of video kiosks, opened in the order of the table",
    ),
    "curve_x": ("nombre de visioguichets", "number of video kiosks"),
    "curve_bound": (
        "maximum prouvé pour {kiosks} : {bound}",
        "proved maximum for {kiosks}: {bound}",
    ),
    "curve_stop": ("s’arrêter ici ? {kiosks}", "stop here? {kiosks}"),
    "curve_note_reached": (
        "En pointillé, ce qu’aucun choix d’autant de lieux ne peut dépasser : c’est prouvé, et "
        "atteint, pour chaque "
        "nombre.",
        "Dotted, what no choice of as many places can exceed: proved, and reached, for each "
        "number.",
    ),
    "curve_note": (
        "En pointillé, ce qu’aucun choix d’autant de lieux ne peut dépasser : c’est prouvé pour "
        "chaque nombre, et le "
        "meilleur choix connu en approche à {gap} au pire.",
        "Dotted, what no choice of as many places can exceed: proved for each number, and the "
        "best known choice comes "
        "within {gap} of it at worst.",
    ),
    "stop_at": (
        "Au-delà de {kiosks}, les {tranche} suivants gagnent moins de {people}.",
        "Beyond {kiosks}, the next {tranche} bring fewer than {people}.",
    ),
    "stop_never": (
        "Jusqu’au dernier, chaque tranche de {tranche} gagne au moins {people}.",
        "Up to the last, each {tranche} brings at least {people}.",
    ),
    "report_reference": ("Face à ce qui a été fait", "Against what was done"),
    "reference_cost": (
        "{label} : {kiosks} pour {cost}, soit {each} par visioguichet tout compris.",
        "{label}: {kiosks} for {cost}, that is {each} each, everything included.",
    ),
    "reference_known": (
        "Ils desservent {people} en zone blanche.",
        "They serve {people} in white zones.",
    ),
    "reference_unknown": (
        "Leurs emplacements ne sont pas dans les données. À défaut, {kiosks} placés dans les "
        "communes les plus "
        "peuplées des zones blanches desserviraient {people}.",
        "Their places are not in the data. Failing that, {kiosks} put in the most populated "
        "communes of the white "
        "zones would serve {people}.",
    ),
    "reference_enough": (
        "Le premier du plan en fait autant. | Les {n} premiers du plan en font autant.",
        "The first of the plan does as much. | The first {n} of the plan do as much.",
    ),
    "reference_best": (
        "{kiosks} bien placés desservent {people} ; il est prouvé qu’on ne peut dépasser {bound}.",
        "{kiosks} well placed serve {people}; it is proved that none can exceed {bound}.",
    ),
    "reference_proved": (
        "{kiosks} bien placés desservent {people} : c’est le maximum, prouvé.",
        "{kiosks} well placed serve {people}: that is the maximum, proved.",
    ),
    "reference_fewer": (
        "Le plan n’ouvre que {kiosks} et dessert {people} ; il est prouvé qu’avec {count} on ne "
        "peut dépasser {bound}.",
        "The plan opens no more than {kiosks} and serves {people}; it is proved that {count} "
        "cannot exceed {bound}.",
    ),
    "reference_per_head": (
        "Au même coût complet, le plan revient à {cost} par habitant gagné.",
        "At the same full cost, the plan comes to {cost} per inhabitant gained.",
    ),
    "report_use": ("Ce que cela évite en un an", "What it avoids in a year"),
    "use_saved": (
        "Sous l’usage supposé, {uses} recours par an éviteraient {km} de trajet et {co2} de CO₂.",
        "Under the use supposed, {uses} uses a year would avoid {km} of travel and {co2} of CO₂.",
    ),
    "use_stated": (
        "Usage supposé : {rate} recours par an et par habitant gagné, {trips} aller-retour évité "
        "par recours, "
        "{detour} fois la distance mesurée, {co2} de CO₂ par kilomètre. La distance évitée est "
        "celle du guichet "
        "manquant moins celle du visioguichet. Ce sont des hypothèses : elles sont dans l’étude, "
        "changez-les.",
        "Use supposed: {rate} uses a year per inhabitant gained, {trips} round trip avoided per "
        "use, {detour} times "
        "the distance measured, {co2} of CO₂ per kilometre. The distance avoided is that of the "
        "missing counter minus "
        "that of the video kiosk. These are assumptions: they stand in the study, change them.",
    ),
    "use_sources": ("Sources : {sources}.", "Sources: {sources}."),
    "use_source_rate": (
        "recours, les 143 appels par an et par point de visio-relais de la Manche, pour 4 794 "
        "habitants gagnés par "
        "visioguichet dans l’étude livrée",
        "uses, the 143 calls a year at each video relay point of the Manche, for 4,794 "
        "inhabitants gained by each "
        "kiosk of the shipped study",
    ),
    "use_source_co2": (
        "CO₂, voiture thermique, usage seul (Impact CO₂, ADEME)",
        "CO₂, petrol or diesel car, use alone (Impact CO₂, ADEME)",
    ),
    "report_unserved": ("Qui reste sans accès, et pourquoi", "Who stays without access, and why"),
    "table_unserved": (
        "Habitants encore en zone blanche une fois les visioguichets ouverts",
        "Inhabitants still in a white zone once the video kiosks are open",
    ),
    "unserved_none": (
        "Plus personne : le plan atteint toutes les communes.",
        "Nobody: the plan reaches every commune.",
    ),
    "col_reason": ("Raison", "Reason"),
    "col_count_communes": ("Communes", "Communes"),
    "col_most": ("Les plus peuplées", "Most populated"),
    "col_zones_served": ("Zones desservies", "Zones served"),
    "col_hours_week": ("Heures par semaine", "Hours a week"),
    "col_km": ("Km évités par an", "Km avoided a year"),
    "col_co2": ("CO₂ évité par an", "CO₂ avoided a year"),
    "report_costs": ("Coût d’équipement", "Equipment cost"),
    "cost_user": ("{kiosks} côté usager, à {cost} l’un", "{kiosks}, user side, at {cost} each"),
    "cost_expert": (
        "{n} poste côté expert, à {cost} l’un | {n} postes côté expert, à {cost} l’un",
        "{n} expert-side post, at {cost} each | {n} expert-side posts, at {cost} each",
    ),
    "cost_total": ("Total", "Total"),
    "cost_budget": ("Budget de l’étude", "Budget of the study"),
    "cost_left": ("Reste", "Left"),
    "cost_per_head": (
        "Soit {cost} par habitant desservi en plus. L’entretien, les agents et les liaisons ne "
        "sont pas comptés.",
        "That is {cost} per inhabitant gained. Upkeep, staff and lines are not counted.",
    ),
    # How the plan was searched for
    "step_reduced": (
        "{n1} points et {n2} lieux, réduits à {n3} et {n4}",
        "{n1} points and {n2} places, reduced to {n3} and {n4}",
    ),
    "step_pairs": ("{n1} trajets", "{n1} journeys"),
    "step_pairs_left": ("il reste {n1} trajets", "{n1} journeys left"),
    "step_too_many": ("trop pour le solveur exact", "too many for the exact solver"),
    "step_components": ("{n1} problèmes indépendants", "{n1} independent problems"),
    "step_bisection": ("dichotomie sur {n1} distances", "bisection over {n1} distances"),
    "step_coverings": ("{n1} couvertures résolues", "{n1} coverings solved"),
    "step_excluded": ("{n1} lieux exclus par la preuve", "{n1} places excluded by the proof"),
    "step_relaxed": ("relaxation linéaire", "linear relaxation"),
    "step_cuts": ("{n1} coupes en {n2} tours", "{n1} cuts in {n2} rounds"),
    "step_greedy": ("glouton {n1}", "greedy {n1}"),
    "step_swap": ("échanges {n1}", "swaps {n1}"),
    "step_search": ("recherche locale {n1}", "local search {n1}"),
    "step_together": ("réunis {n1}", "together {n1}"),
    "step_bound": ("borne {n1}", "bound {n1}"),
    "step_infeasible": ("{n1}, rien de mieux", "{n1}, nothing better"),
    "step_cancelled": ("{n1}, interrompu", "{n1}, called off"),
    "step_died": ("{n1}, arrêté avant la fin", "{n1}, stopped before the end"),
    "step_stopped": ("{n1}, arrêté au temps fixé", "{n1}, stopped at the time set"),
    "step_exact": ("solveur exact {n1}", "exact solver {n1}"),
    # The rules
    "report_rules": ("Modèle et règles", "Model and rules"),
    "map_rules": ("Règles : {rules}.", "Rules: {rules}."),
    "rule_existing": (
        "{n} lieu existe déjà | {n} lieux existent déjà",
        "{n} place exists | {n} places exist",
    ),
    "rule_required": (
        "{n} lieu est imposé | {n} lieux sont imposés",
        "{n} place is required | {n} places are required",
    ),
    "rule_excluded": (
        "{n} lieu ou commune est exclu | {n} lieux ou communes sont exclus",
        "{n} place or commune is excluded | {n} places or communes are excluded",
    ),
    "rule_hours": (
        "lieu d’accueil ouvert au moins {hours} h par semaine ({n} écarté) | "
        "lieu d’accueil ouvert au moins {hours} h par semaine ({n} écartés)",
        "host open at least {hours} h a week ({n} turned down) | host open at least {hours} h a "
        "week ({n} turned down)",
    ),
    "rule_broadband": (
        "lieu d’accueil assez bien raccordé, d’après la colonne « {column} » ({n} écarté) | "
        "lieu d’accueil assez bien raccordé, d’après la colonne « {column} » ({n} écartés)",
        "host connected well enough, by column “{column}” ({n} turned down) | "
        "host connected well enough, by column “{column}” ({n} turned down)",
    ),
    "rule_one_per_commune": ("un seul par commune", "at most one per commune"),
    "rule_one_per_epci": ("un seul par intercommunalité", "at most one per intercommunality"),
    "rule_one_per_departement": ("un seul par département", "at most one per département"),
    "rule_spacing": (
        "au moins {distance} à vol d’oiseau entre deux visioguichets",
        "at least {distance} in a straight line between two kiosks",
    ),
    "rule_floor": ("au moins {n} dans le {code}", "at least {n} in {code}"),
    "rule_floor_all": ("au moins {n} par département", "at least {n} per département"),
    "rule_hours_count": (
        "un besoin qui demande des heures d’ouverture n’est offert que là où le lieu d’accueil "
        "est ouvert autant",
        "a need that asks for opening hours is offered only where the host is open that long",
    ),
    "rule_costs": ("coût propre à chaque lieu d’accueil", "each host has its own cost"),
    "rule_costs_known": (
        "coût propre à chaque lieu d’accueil ({n} écarté, de coût inconnu) | "
        "coût propre à chaque lieu d’accueil ({n} écartés, de coût inconnu)",
        "each host has its own cost ({n} turned down, of unknown cost) | "
        "each host has its own cost ({n} turned down, of unknown cost)",
    ),
    "cost_sites": ("{kiosks} côté usager, selon le lieu d’accueil", "{kiosks}, user side, by host"),
    "unserved_host_closed": (
        "les lieux d’accueil à portée ne sont pas assez ouverts",
        "the hosts within reach are not open long enough",
    ),
    "unserved_host_refused": (
        "les lieux d’accueil à portée sont écartés par les conditions de l’étude (heures, débit "
        "ou coût)",
        "the hosts within reach are turned down by the study’s conditions (hours, broadband or "
        "cost)",
    ),
    "rank_existing": ("déjà", "open"),
    "mark_existing": ("•", "•"),
    "popup_kiosk_at_existing": (
        "Visioguichet existant ({name}) à {distance}",
        "Existing video kiosk ({name}) at {distance}",
    ),
    "popup_kiosk_existing": ("Visioguichet existant : {name}", "Existing video kiosk: {name}"),
    "legend_kiosk_existing": ("Visioguichet déjà ouvert", "Video kiosk open already"),
}
