"""What the map, the report and the styles share, in French then English; ``one | many`` goes by
``n``.
"""

from __future__ import annotations

MESSAGES: dict[str, tuple[str, str]] = {
    # Words
    "and": ("et", "and"),
    "people": ("{n} habitant | {n} habitants", "{n} inhabitant | {n} inhabitants"),
    "zones": ("{n} zone blanche | {n} zones blanches", "{n} white zone | {n} white zones"),
    "kiosks": ("{n} visioguichet | {n} visioguichets", "{n} video kiosk | {n} video kiosks"),
    "communes": ("{n} commune | {n} communes", "{n} commune | {n} communes"),
    "class_under": ("moins de {high}", "under {high}"),
    "class_between": ("de {low} à {high}", "{low} to {high}"),
    "class_over": ("{low} et plus", "{low} and more"),
    "standing_served": ("Commune desservie", "Served commune"),
    "standing_kiosk": ("Commune desservie par un visioguichet", "Commune served by a video kiosk"),
    "standing_unserved": ("Commune non desservie", "Unserved commune"),
    "service_other": ("Autre service", "Other service"),
    "reason_no_service": ("aucun à portée", "none within reach"),
    "reason_not_snapped": ("aucune route assez proche", "no road near enough"),
    "reason_closed": ("la route est fermée", "the road is closed"),
    "reason_no_path": ("aucun trajet n’y mène", "no way leads there"),
    "reason_beyond_limit": ("au-delà de la limite de calcul", "beyond the limit of the search"),
    "reason_not_located": ("commune non localisée", "commune not located"),
    # Map
    "map_title": ("Zones blanches : {territory}", "White zones: {territory}"),
    "map_lead": (
        "Sur {people}, {before} ({before_share}) vivent en zone blanche ; {after} ({after_share}) "
        "après "
        "l’ouverture de {kiosks}.",
        "Of {people}, {before} ({before_share}) live in a white zone; {after} ({after_share}) "
        "once {kiosks} are open.",
    ),
    "map_lead_no_kiosk": (
        "Sur {people}, {before} ({before_share}) vivent en zone blanche.",
        "Of {people}, {before} ({before_share}) live in a white zone.",
    ),
    "map_limits": (
        "Distances à vol d’oiseau, depuis le point qui représente chaque commune ; le trajet par "
        "la route "
        "est plus long.",
        "Straight-line distances, from the point that stands for each commune; the way by road is "
        "longer.",
    ),
    "map_limits_router": (
        "Trajets sur le réseau de l’étude, depuis le point qui représente chaque commune.",
        "Journeys on the study’s network, from the point that stands for each commune.",
    ),
    "map_about": ("Règle, sources et limites", "Rule, sources and limits"),
    "map_layers": ("Couches", "Layers"),
    "map_aria": ("Carte interactive", "Interactive map"),
    "layer_zones": ("Zones blanches", "White zones"),
    "layer_demand": ("Communes, selon leur population", "Communes, by population"),
    "layer_reach": (
        "Rayon d’action des visioguichets ({distance})",
        "Reach of the video kiosks ({distance})",
    ),
    "layer_kiosks": ("Visioguichets, par rang", "Video kiosks, by rank"),
    "layer_services": ("Services : {type}", "Services: {type}"),
    "zoom_in": ("Agrandir", "Zoom in"),
    "zoom_out": ("Réduire", "Zoom out"),
    "legend": ("Légende", "Legend"),
    "zone": ("Zone blanche {id}", "White zone {id}"),
    "legend_zones": (
        "Zone blanche, selon l’écart moyen au seuil",
        "White zone, by mean excess beyond the threshold",
    ),
    "legend_demand": ("Commune (surface selon la population)", "Commune (area by population)"),
    "legend_kiosk": ("Visioguichet et son rang", "Video kiosk and its rank"),
    "legend_services": ("Services", "Services"),
    "north": ("Nord", "North"),
    "north_letter": ("N", "N"),
    "popup_nearest": ("{need} : {distance} ({service})", "{need}: {distance} ({service})"),
    "popup_nothing": ("{need} : {reason}", "{need}: {reason}"),
    "popup_kiosk_at": (
        "Visioguichet n° {rank} ({name}) à {distance}",
        "Video kiosk no. {rank} ({name}) at {distance}",
    ),
    "popup_zone_communes": ("Communes : {names}", "Communes: {names}"),
    "popup_zone_excess": (
        "Au-delà des seuils : {mean} en moyenne, {worst} au pire",
        "Beyond the thresholds: {mean} on average, {worst} at worst",
    ),
    "popup_zone_after": (
        "Encore non desservis une fois les visioguichets ouverts : {people}",
        "Still unserved once the video kiosks are open: {people}",
    ),
    "popup_more": (
        "{names} et {n} autre | {names} et {n} autres",
        "{names} and {n} other | {names} and {n} others",
    ),
    "popup_kiosk_title": ("Visioguichet n° {rank} : {name}", "Video kiosk no. {rank}: {name}"),
    "popup_kiosk_host": ("Lieu d’accueil : {host}", "Host: {host}"),
    "popup_kiosk_hours": ("Ouverture : {hours}", "Opening hours: {hours}"),
    "popup_kiosk_added": (
        "{people} de plus desservis ({cumulated} avec les précédents, soit {share} des habitants "
        "en zone blanche)",
        "{people} more served ({cumulated} with those before, that is {share} of the people in "
        "white zones)",
    ),
    "popup_kiosk_zones": ("Zones desservies : {zones}", "Zones served: {zones}"),
    "popup_kiosk_saved": (
        "Un an, selon l’usage supposé : {uses} recours, {km} évités, {co2} de CO₂",
        "A year, under the use supposed: {uses} uses, {km} avoided, {co2} of CO₂",
    ),
    "popup_unserved": ("Reste non desservie : {reason}", "Stays unserved: {reason}"),
    "unserved_not_chosen": (
        "un lieu d’accueil est à portée, mais il n’est pas parmi les plus utiles",
        "a host is within reach, but it is not among the most useful",
    ),
    "unserved_no_candidate": ("aucun lieu d’accueil à portée", "no host within reach"),
    "unserved_excluded": (
        "seul un lieu exclu par l’étude est à portée",
        "only a host the study excludes is within reach",
    ),
    "unserved_need_not_offered": (
        "il y manque un service que les visioguichets n’offrent pas",
        "it lacks a service the video kiosks do not offer",
    ),
    "unserved_not_located": ("commune non localisée", "commune not located"),
    "popup_hours_week": ("{hours} h par semaine", "{hours} h a week"),
    "popup_hours_unknown": ("horaires non publiés", "hours not published"),
    "popup_outside": ("hors du territoire étudié", "outside the territory studied"),
    # The question
    "rule_all": (
        "Un habitant est desservi s’il trouve à la fois :",
        "An inhabitant is served who finds all of:",
    ),
    "rule_any": (
        "Un habitant est desservi s’il trouve au moins l’un de ces services :",
        "An inhabitant is served who finds at least one of:",
    ),
    "rule_at_least": (
        "Un habitant est desservi s’il trouve au moins {k} de ces services :",
        "An inhabitant is served who finds at least {k} of:",
    ),
    "rule_one": ("Un habitant est desservi s’il trouve :", "An inhabitant is served who finds:"),
    "need": ("{label}, à moins de {distance}", "{label}, within {distance}"),
    "need_hours": (
        "{label}, à moins de {distance}, ouvert au moins {hours} h par semaine",
        "{label}, within {distance}, open at least {hours} h a week",
    ),
    # Report
    "report_kicker": ("Étude d’accès aux services publics", "Study of access to public services"),
    "report_question": ("La question", "The question"),
    "report_question_else": (
        "Tout autre habitant vit en zone blanche. Les services sont aussi cherchés jusqu’à "
        "{buffer} "
        "au-delà des limites "
        "du territoire.",
        "Every other inhabitant lives in a white zone. Services are also looked for up to "
        "{buffer} beyond the border.",
    ),
    "report_question_else_no_buffer": (
        "Tout autre habitant vit en zone blanche.",
        "Every other inhabitant lives in a white zone.",
    ),
    "offers_all": ("tous ces services", "all of these services"),
    "report_essentials": ("L’essentiel", "In short"),
    "key_people": ("habitants étudiés", "inhabitants studied"),
    "key_before": ("vivent en zone blanche, soit {share}", "live in a white zone, that is {share}"),
    "key_zones": (
        "zone blanche distincte | zones blanches distinctes",
        "distinct white zone | distinct white zones",
    ),
    "key_after": (
        "resteraient en zone blanche, soit {share}, une fois {kiosks} en service",
        "would remain in a white zone, that is {share}, once {kiosks} are open",
    ),
    "report_map": ("Carte", "Map"),
    "figure_map": (
        "Zones blanches et visioguichets proposés : {territory}. Les numéros sont ceux du tableau "
        "des visioguichets.",
        "White zones and proposed video kiosks: {territory}. Numbers are those of the table of "
        "video kiosks.",
    ),
    "figure_map_no_kiosk": ("Zones blanches : {territory}.", "White zones: {territory}."),
    "report_departements": ("Par département", "By département"),
    "table_departements": (
        "Habitants en zone blanche avant et après l’ouverture des visioguichets",
        "Inhabitants in white zones before and after the video kiosks open",
    ),
    "table_departements_note": (
        "Une zone qui s’étend sur plusieurs départements est comptée dans chacun d’eux, et une "
        "seule fois "
        "dans le total.",
        "A zone that spreads over several départements is counted in each, and only once in the "
        "total.",
    ),
    "col_departement": ("Département", "Département"),
    "col_people": ("Habitants", "Inhabitants"),
    "col_before": ("En zone blanche", "In white zones"),
    "col_after": ("Après les visioguichets", "After the kiosks"),
    "col_number": ("nombre", "number"),
    "col_share": ("part", "share"),
    "col_zones": ("Zones", "Zones"),
    "col_kiosks": ("Visio­guichets", "Video kiosks"),
    "report_zones": ("Les principales zones blanches", "The main white zones"),
    "table_zones": (
        "Les {n} zones blanches les plus peuplées, sur {total}",
        "The {n} most populated white zones, of {total}",
    ),
    "table_zones_all": (
        "La zone blanche, avec sa population | Les {n} zones blanches, les plus peuplées d’abord",
        "The white zone and its population | The {n} white zones, most populated first",
    ),
    "col_zone": ("Zone", "Zone"),
    "col_communes": ("Communes", "Communes"),
    "col_departements": ("Dép.", "Dép."),
    "col_mean": ("Écart moyen au seuil", "Mean excess"),
    "col_worst": ("Écart maximal", "Worst excess"),
    "col_people_after": ("Restant après", "Left after"),
    "no_zone": (
        "Aucune zone blanche : tous les habitants localisés sont desservis.",
        "No white zone: every inhabitant who could be located is served.",
    ),
    "report_kiosks": ("Où ouvrir les visioguichets", "Where to open the video kiosks"),
    "no_plan": (
        "L’étude ne demande pas de visioguichet : aucun lieu n’est proposé.",
        "The study asks for no video kiosk: no place is proposed.",
    ),
    "cost_item": ("Poste", "Item"),
    "cost_amount": ("Montant", "Amount"),
    "table_kiosks": (
        "Les visioguichets proposés, chacun ajoutant le plus d’habitants à ceux qui le précèdent",
        "The proposed video kiosks, each adding most inhabitants to those before it",
    ),
    "col_rank": ("Rang", "Rank"),
    "col_commune": ("Commune", "Commune"),
    "col_host": ("Lieu d’accueil", "Host"),
    "col_added": ("Habitants ajoutés", "Inhabitants added"),
    "col_cumulated": ("Cumul", "Cumulated"),
    "col_cumulated_share": ("Part des zones blanches", "Share of white zones"),
    "report_method": ("Méthode", "Method"),
    "method_1": (
        "Chaque commune est représentée par un point portant tous ses habitants : la mairie, "
        "quand sa "
        "position est plausible, "
        "sinon un point intérieur à la commune.",
        "Each commune is stood for by one point carrying all its inhabitants: the town hall "
        "where its "
        "position is plausible, "
        "else a point inside the commune.",
    ),
    "method_1_inside": (
        "Chaque commune est représentée par un point intérieur portant tous ses habitants.",
        "Each commune is stood for by one point inside it carrying all its inhabitants.",
    ),
    "method_2": (
        "Pour chaque service demandé, on mesure la distance à vol d’oiseau jusqu’au plus "
        "proche, sur "
        "l’ellipsoïde terrestre "
        "(WGS 84), y compris au-delà des limites du territoire.",
        "For each service asked for, the straight-line distance to the nearest is measured on the "
        "Earth’s "
        "ellipsoid (WGS 84), "
        "also beyond the border.",
    ),
    "method_2_router": (
        "Pour chaque service demandé, on mesure le trajet jusqu’au plus proche dans le sens de la "
        "marche, y compris "
        "au-delà des limites du territoire ; l’accès à la route et depuis la route compte.",
        "For each service asked for, the journey to the nearest is measured in the direction of "
        "travel, also beyond "
        "the border; the way to the road and from it counts.",
    ),
    "method_3": (
        "La règle de l’étude sépare les communes desservies des autres ; les communes voisines non "
        "desservies sont réunies en "
        "zones blanches.",
        "The study’s rule parts the served communes from the others; neighbouring unserved "
        "communes make "
        "one white zone.",
    ),
    "method_4": (
        "Les lieux des visioguichets sont choisis ensemble, par un calcul d’optimisation "
        "({model}), puis "
        "rangés, chacun ajoutant le plus à ceux qui le précèdent ; un habitant est compté avec le "
        "premier qui le sert.",
        "The places of the video kiosks are chosen together, by optimisation ({model}), then "
        "ranked, each adding most to those before it; an inhabitant is counted with the first "
        "that serves them.",
    ),
    "report_limits": ("Limites", "Limits"),
    "limit_straight": (
        "Les distances sont à vol d’oiseau : la route est toujours plus longue, beaucoup plus en "
        "montagne. Les zones "
        "blanches réelles sont donc au moins aussi étendues.",
        "Distances are straight lines: the road is always longer, much longer in mountains. Real "
        "white "
        "zones are at least as "
        "wide.",
    ),
    "limit_router": (
        "Les trajets suivent le réseau et les vitesses indiqués dans les paramètres, sans arrêt "
        "ni attente : un trajet "
        "réel peut être plus long.",
        "Journeys follow the network and speeds given in the parameters, with no stop or wait: a "
        "real one may be "
        "longer.",
    ),
    "limit_point": (
        "Un point représente toute la commune : les hameaux éloignés de la mairie sont moins bien "
        "desservis que ne le dit "
        "l’étude, et le dessin d’une zone suit les limites des communes.",
        "One point stands for the whole commune: hamlets far from the town hall are less well "
        "served than "
        "the study says, and "
        "zones follow the borders of communes.",
    ),
    "limit_hours": (
        "Un service dont les horaires ne sont pas publiés n’est pas réputé assez ouvert.",
        "A service whose hours are not published is not taken to be open long enough.",
    ),
    "limit_use": (
        "Être desservi n’est pas se servir : dans la Manche, 21 points de visio-relais ont reçu 3 "
        "000 appels "
        "par an, environ 143 chacun. La fréquentation, l’accueil et la qualité du réseau restent à "
        "étudier sur place.",
        "Being served is not using: in the Manche, 21 video relay points took 3,000 calls a year, "
        "about "
        "143 each. Use, "
        "reception and network quality remain to be studied on the spot.",
    ),
    "limit_place": (
        "Le calcul retient la commune la mieux placée, même petite ; une commune voisine mieux "
        "équipée "
        "peut servir "
        "presque autant d’habitants.",
        "The computation keeps the best placed commune, even a small one; a better equipped "
        "neighbour may "
        "serve almost as "
        "many inhabitants.",
    ),
    "limit_missing": (
        "{people} ne sont pas localisés, faute de coordonnées ; ils sont comptés comme non "
        "desservis.",
        "{people} could not be located, for want of coordinates; they count as unserved.",
    ),
    "report_findings": ("Ce qui a été remarqué dans les données", "What was noticed in the data"),
    "findings_lead": (
        "Ces défauts sont signalés et non corrigés en silence.",
        "These defects are reported, not silently repaired; the examples are told in French, as "
        "the data are.",
    ),
    "not_told": ("non indiqué", "not told"),
    "sure_told": ("{kind} : {people}", "{kind}: {people}"),
    "map_sources": ("Sources et limites", "Sources and limits"),
    "map_plan": ("Plan des visioguichets", "Video kiosk plan"),
    "map_curve": (
        "Habitants desservis en plus selon le nombre de visioguichets, dans l’ordre des rangs ; "
        "en pointillé, ce "
        "qu’aucun choix d’autant de lieux ne peut dépasser (prouvé).",
        "More inhabitants served by number of video kiosks, in the order of their ranks; dotted, "
        "what no choice of as "
        "many places can exceed (proved).",
    ),
    "unserved_row": ("{people}, {communes} : {reason}.", "{people}, {communes}: {reason}."),
    "table_findings": ("Remarques, par règle de contrôle", "Remarks, by rule of control"),
    "no_finding": ("Rien n’a été remarqué.", "Nothing was noticed."),
    "col_rule": ("Règle", "Rule"),
    "col_count": ("Nombre", "Number"),
    "col_example": ("Exemple", "Example"),
    "report_sources": ("Sources", "Sources"),
    "table_sources": ("Couches lues par l’étude", "Layers read by the study"),
    "col_layer": ("Couche", "Layer"),
    "col_rows": ("Lignes", "Rows"),
    "col_vintage": ("Millésime", "Vintage"),
    "col_licence": ("Licence", "Licence"),
    "col_digest": ("Empreinte (SHA-256)", "Digest (SHA-256)"),
    "report_replay": ("Refaire cette étude", "Do this study again"),
    "replay": (
        "La question tient dans un fichier (étude « {id} »). La même question posée aux mêmes "
        "données donne "
        "les mêmes fichiers, octet pour octet ; manifest.json garde les paramètres, les "
        "empreintes et les "
        "versions.",
        "The question stands in one file (study “{id}”). The same question put to the same data "
        "gives the "
        "same files, byte "
        "for byte; manifest.json keeps the parameters, digests and versions.",
    ),
    "answered_by": ("Responsable de l’étude : {name}", "Responsible for the study: {name}"),
    "made_with": ("Établi avec Géoguichet {version}", "Made with Géoguichet {version}"),
    "scale_km": ("{n} km", "{n} km"),
}
