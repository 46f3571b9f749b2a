"""What the map, the report and the sensitivity page say of white zones: French, English."""

ZONE_MESSAGES: dict[str, tuple[str, str]] = {
    "popup_zone_area": ("Étendue : {area}{narrow}km²", "Extent: {area}{narrow}km²"),
    "popup_zone_hosts": (
        "Lieux d’accueil les mieux placés : {hosts}",
        "Best placed hosts: {hosts}",
    ),
    "popup_zone_land": (
        "Aucun point de population n’y tombe : la terre est loin de tout, mais personne n’y est "
        "compté.",
        "No population point falls in it: the land is far from everything, but nobody is counted "
        "there.",
    ),
    "host_at": ("{name} ({cost} en moyenne)", "{name} ({cost} on average)"),
    "zones_people": (
        "Les habitants d’une zone sont ceux des communes non desservies ; son dessin ne les "
        "compte pas.",
        "The people of a zone are those of the unserved communes; its outline does not count them.",
    ),
    "zones_smooth": (
        "Le contour est la ligne où la marge au seuil s’annule, calculée tous les {cell} et "
        "quatre fois plus finement "
        "là où elle passe. Il ne suit donc pas les limites des communes : une mairie desservie "
        "peut avoir autour "
        "d’elle des terres qui ne le sont pas, et l’inverse.",
        "The outline is the line where the slack is nil, computed every {cell} and four times "
        "finer where it passes. "
        "So it does not follow the borders of communes: a served town hall may have unserved land "
        "around it, and the "
        "other way round.",
    ),
    "zones_single": (
        "{n} zone ({people}) tient à une seule commune, donc à un seul point : quelques centaines "
        "de mètres ou une "
        "minute peuvent la faire disparaître. | {n} zones ({people}) tiennent chacune à une seule "
        "commune, donc à un "
        "seul point : quelques centaines de mètres ou une minute peuvent les faire disparaître.",
        "{n} zone ({people}) rests on a single commune, so on a single point: a few hundred "
        "metres or one minute may "
        "make it vanish. | {n} zones ({people}) rest on a single commune each, so on a single "
        "point: a few hundred "
        "metres or one minute may make them vanish.",
    ),
    "zones_minor": (
        "{n} zone trop petite pour être montrée ({people}) reste dans les comptes et dans les "
        "fichiers. | {n} zones "
        "trop petites pour être montrées ({people}) restent dans les comptes et dans les fichiers.",
        "{n} zone too small to be shown ({people}) stays in the counts and in the files. | {n} "
        "zones too small to be "
        "shown ({people}) stay in the counts and in the files.",
    ),
    "zones_land": (
        "{n} étendue blanche ne contient aucun point de population : elle est dessinée, personne "
        "n’y est compté. | "
        "{n} étendues blanches ne contiennent aucun point de population : elles sont dessinées, "
        "personne n’y est "
        "compté.",
        "{n} white stretch of land holds no population point: it is drawn, nobody is counted "
        "there. | {n} white "
        "stretches of land hold no population point: they are drawn, nobody is counted there.",
    ),
    "zones_undrawn": (
        "{people} en zone blanche n’ont pas de contour à dessiner ; ils sont comptés.",
        "{people} in white zones have no outline to be drawn; they are counted.",
    ),
    "method_3_smooth": (
        "La règle de l’étude sépare les communes desservies des autres ; la même question, posée "
        "en chaque lieu du "
        "territoire, dessine les zones blanches.",
        "The study’s rule parts the served communes from the others; the same question, put at "
        "every place of the "
        "territory, draws the white zones.",
    ),
    "limit_point_smooth": (
        "Un point représente toute la commune pour compter ses habitants : ceux des hameaux "
        "éloignés de la mairie sont "
        "moins bien desservis que ne le dit l’étude. Le dessin des zones, lui, est celui du "
        "terrain.",
        "One point stands for the whole commune when its people are counted: those in hamlets far "
        "from the town hall "
        "are less well served than the study says. The outline of the zones is that of the ground.",
    ),
    "host_brief": ("{name} ({cost})", "{name} ({cost})"),
    "col_hosts": (
        "Lieux d’accueil les mieux placés, et à combien en moyenne",
        "Best placed hosts, and how far on average",
    ),
    "surface_slack": (
        "marge sous la règle, négative où elle manque",
        "slack under the rule, negative where it is lacking",
    ),
    "surface_served": ("règle tenue (1) ou non (0)", "rule met (1) or not (0)"),
    "surface_legend": (
        "négatif : zone blanche ; 0 : au seuil, desservi ; positif : desservi ; sans valeur : "
        "hors du territoire ou "
        "hors d’atteinte (voir la bande 2)",
        "negative: white zone; 0: at the threshold, served; positive: served; no data: outside "
        "the territory or out "
        "of reach (see band 2)",
    ),
    # Sensitivity
    "sensitivity_title": (
        "Zones blanches, à quel point est\u2011ce sûr : {territory}",
        "White zones, how sure: {territory}",
    ),
    "sensitivity_lead": (
        "Selon {scenarios} scénarios, de {low} à {high} habitants vivent en zone blanche ; "
        "l’étude en compte {base}.",
        "Over {scenarios} scenarios, {low} to {high} people live in a white zone; the study "
        "counts {base}.",
    ),
    "sensitivity_scenarios": (
        "Les seuils sont pris à {thresholds} de ceux de l’étude.",
        "Thresholds are taken at {thresholds} of the study’s.",
    ),
    "sensitivity_congestion": (
        "Les temps de voiture sont pris à {factors} ; chaque seuil est croisé avec chaque vitesse.",
        "Car times are taken at {factors}; every threshold meets every speed.",
    ),
    "sensitivity_study": ("Étude : {title}", "Study: {title}"),
    "sure_certain": (
        "Zone blanche certaine, dans tous les scénarios",
        "Certain white zone, in every scenario",
    ),
    "sure_likely": (
        "Zone blanche probable, dans la moitié au moins",
        "Likely white zone, in half of them or more",
    ),
    "sure_possible": ("Zone blanche possible, dans quelques-uns", "Possible white zone, in some"),
    "sure_never": ("Jamais en zone blanche", "Never in a white zone"),
    "layer_sure": ("Communes, selon les scénarios", "Communes, by scenarios"),
    "popup_sure": (
        "En zone blanche dans {share} des scénarios",
        "In a white zone in {share} of the scenarios",
    ),
    "popup_slack": (
        "Marge sous la règle de l’étude : {slack}",
        "Slack under the study’s rule: {slack}",
    ),
    "sure_people": ("{people} ({share})", "{people} ({share})"),
    "curve_rule_s": (
        "Habitants en zone blanche si tous les seuils changeaient d’autant de minutes",
        "People in white zones if every threshold changed by as many minutes",
    ),
    "curve_rule_m": (
        "Habitants en zone blanche si tous les seuils changeaient d’autant de kilomètres",
        "People in white zones if every threshold changed by as many kilometres",
    ),
    "curve_now": ("seuils de l’étude", "the study’s thresholds"),
    "curve_spread": (
        "La bande va de la circulation la plus fluide à la plus lente.",
        "The band goes from the freest traffic to the slowest.",
    ),
    "sensitivity_note": (
        "Une commune est dite « certaine » quand aucun des scénarios ne la dessert. Les scénarios "
        "ne sont pas des "
        "probabilités : ils disent ce que changent des hypothèses plausibles.",
        "A commune is “certain” when no scenario serves it. Scenarios are no probabilities: they "
        "tell what plausible "
        "assumptions change.",
    ),
    "sensitivity_files": (
        "curve.csv donne la courbe entière, pour la règle et pour chaque besoin ; "
        "sensitivity.gpkg les communes et les "
        "scénarios.",
        "curve.csv holds the whole curve, for the rule and for each need; sensitivity.gpkg the "
        "communes and the "
        "scenarios.",
    ),
}
