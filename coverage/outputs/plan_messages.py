"""What is said of the kiosks' model, its rules and its proof, in French then English; part of ``messages.MESSAGES``."""

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
        "D’abord, ce qu’aucun plan ne peut : {people}, dans {communes}, n’ont à portée aucun lieu d’accueil qui puisse "
        "les servir ({names}).",
        "First, what no plan can do: {people}, in {communes}, have no host in reach that could serve them ({names}).",
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
        "Où ouvrir des visioguichets, pour {budget} au plus, pour que le plus possible {of_who} soient desservis ?",
        "Where should video kiosks open, for {budget} at most, so that as many {of_who} as possible are served?",
    ),
    "ask_share": (
        "Combien de visioguichets faut-il au moins, et où, pour que {share} des {who} du territoire soient desservis ?",
        "How many video kiosks does it take at least, and where, so that {share} of the {who} are served?",
    ),
    "ask_everyone": (
        "Combien de visioguichets faut-il au moins, et où, pour que tout habitant à portée d’un lieu d’accueil soit "
        "desservi ?",
        "How many video kiosks does it take at least, and where, so that everyone in reach of a host is served?",
    ),
    "ask_backup": (
        "Où ouvrir {kiosks} pour que le plus possible {of_who} soient desservis, et si possible deux fois ? Un second "
        "visioguichet à portée compte pour {second} du premier.",
        "Where should {kiosks} open so that as many {of_who} as possible are served, twice if possible? A second kiosk "
        "in reach counts for {second} of the first.",
    ),
    "ask_median": (
        "Où ouvrir {kiosks} pour que les {who} des zones blanches aient ensemble le moins de chemin jusqu’au plus "
        "proche ? Au-delà de {farthest}, ce chemin compte pour {farthest}.",
        "Where should {kiosks} open so that the {who} of white zones travel least in all to the nearest? Beyond "
        "{farthest} the way counts for {farthest}.",
    ),
    "ask_center": (
        "Où ouvrir {kiosks} pour que, dans les zones blanches, la commune la plus éloignée d’un visioguichet le soit "
        "le moins possible ? On cherche jusqu’à {farthest}.",
        "Where should {kiosks} open so that, in white zones, the commune farthest from a kiosk is as near as possible? "
        "The search goes to {farthest}.",
    ),
    "ask_kiosk": (
        "Un visioguichet offre {offers} aux habitants situés à moins de {reach}. Lieux d’accueil possibles : {hosts}.",
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
        "Ce choix est prouvé optimal : aucun autre choix du même nombre de lieux ne dessert plus {of_who}.",
        "This choice is proved optimal: no other choice of as many places serves more {of_who}.",
    ),
    "proof_most_bound": (
        "Ce choix est proche du meilleur : il est prouvé qu’aucun autre choix du même nombre de lieux ne peut servir "
        "plus de {bound} {who} de plus, soit au mieux {missing} {who} de mieux ({gap}).",
        "This choice is close to the best: it is proved that no other choice of as many places can serve more than "
        "{bound} more {who}, that is at best {missing} better ({gap}).",
    ),
    "proof_budget_optimal": (
        "Ce choix est prouvé optimal : aucun autre qui tienne dans ce budget ne dessert plus {of_who}.",
        "This choice is proved optimal: no other within this budget serves more {of_who}.",
    ),
    "proof_budget_bound": (
        "Il est prouvé qu’aucun choix qui tienne dans ce budget ne peut servir plus de {bound} {who} de plus, soit au "
        "mieux {missing} {who} de mieux ({gap}).",
        "It is proved that no choice within this budget can serve more than {bound} more {who}, that is at best "
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
        "Ce choix est prouvé optimal : aucun autre du même nombre ne vaut plus que {value} {who}, ceux qui sont "
        "desservis deux fois comptant {twice}.",
        "This choice is proved optimal: no other of as many is worth more than {value} {who}, those served twice "
        "counting {twice}.",
    ),
    "proof_backup_bound": (
        "Ce choix vaut {value} {who}, ceux qui sont desservis deux fois comptant {twice} ; il est prouvé qu’aucun "
        "autre du même nombre ne dépasse {bound} ({gap}).",
        "This choice is worth {value} {who}, those served twice counting {twice}; it is proved that no other of as "
        "many exceeds {bound} ({gap}).",
    ),
    "proof_median_optimal": (
        "En moyenne, le visioguichet le plus proche est à {value} ; il est prouvé qu’aucun autre choix ne fait mieux.",
        "On average the nearest kiosk is at {value}; it is proved that no other choice does better.",
    ),
    "proof_median_bound": (
        "En moyenne, le visioguichet le plus proche est à {value} ; il est prouvé qu’aucun autre choix ne descend sous "
        "{bound} ({gap}).",
        "On average the nearest kiosk is at {value}; it is proved that no other choice goes under {bound} ({gap}).",
    ),
    "proof_center_optimal": (
        "La commune la plus éloignée est à {value} d’un visioguichet ; il est prouvé qu’aucun autre choix ne fait "
        "mieux.",
        "The farthest commune is at {value} from a kiosk; it is proved that no other choice does better.",
    ),
    "proof_center_bound": (
        "La commune la plus éloignée est à {value} d’un visioguichet ; il est prouvé qu’aucun autre choix ne descend "
        "sous {bound} ({gap}).",
        "The farthest commune is at {value} from a kiosk; it is proved that no other choice goes "
        "under {bound} ({gap}).",
    ),
    "proof_group": ("Parmi eux, {value} {who}.", "Among them, {value} {who}."),
    "table_kiosks_model": (
        "Les visioguichets proposés, dans l’ordre du modèle ; chaque habitant est compté avec le premier qui le sert",
        "The proposed video kiosks, in the model’s order; an inhabitant is counted with the first that serves them",
    ),
    "report_model": ("Modèle : {model}", "Model: {model}"),
    "months": (
        "janvier février mars avril mai juin juillet août septembre octobre novembre décembre",
        "January February March April May June July August September October November December",
    ),
    "dated": ("Établi le {date}", "Drawn up on {date}"),
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
    "step_exact": ("solveur exact {n1}", "exact solver {n1}"),
    # The rules
    "report_rules": ("Modèle et règles", "Model and rules"),
    "map_rules": ("Règles : {rules}.", "Rules: {rules}."),
    "rule_existing": ("{n} lieu existe déjà | {n} lieux existent déjà", "{n} place exists | {n} places exist"),
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
        "host open at least {hours} h a week ({n} turned down) | host open at least {hours} h a week ({n} turned down)",
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
        "un besoin qui demande des heures d’ouverture n’est offert que là où le lieu d’accueil est ouvert autant",
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
        "les lieux d’accueil à portée sont écartés par les conditions de l’étude (heures, débit ou coût)",
        "the hosts within reach are turned down by the study’s conditions (hours, broadband or cost)",
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
