"""What is said of what changes from one answer to another, in French then English; part of
``wording.MESSAGES``.
"""

from __future__ import annotations

CHANGE_MESSAGES: dict[str, tuple[str, str]] = {
    "compare_title": ("Ce qui change : {territory}", "What changes: {territory}"),
    "compare_lead": (
        "Sur {people}, {gained} gagnent l’accès et {lost} le perdent : {before} en zone blanche "
        "avant, {after} après.",
        "Of {people}, {gained} gain access and {lost} lose it: {before} in a white zone before, "
        "{after} after.",
    ),
    "compare_before": ("Avant : {title}", "Before: {title}"),
    "compare_after": ("Après : {title}", "After: {title}"),
    "compare_kiosks": ("ses visioguichets comptés", "its video kiosks counted"),
    "compare_counters": ("guichets seuls", "counters alone"),
    "change_gained": ("Gagne l’accès", "Gains access"),
    "change_lost": ("Perd l’accès", "Loses access"),
    "change_nearer": ("Plus près, sans changer de côté", "Nearer, on the same side"),
    "change_farther": ("Plus loin, sans changer de côté", "Farther, on the same side"),
    "change_same": ("Sans changement", "No change"),
    "layer_changes": ("Communes, selon le changement", "Communes, by change"),
    "layer_people_moved": (
        "Habitants qui gagnent ou perdent l’accès",
        "People who gain or lose access",
    ),
    "layer_opened": ("Guichets ouverts", "Counters opened"),
    "layer_kiosks_kept": ("Visioguichets des deux côtés", "Video kiosks on both sides"),
    "layer_kiosks_gone": ("Visioguichets d’avant seulement", "Video kiosks before only"),
    "layer_kiosks_new": ("Visioguichets d’après seulement", "Video kiosks after only"),
    "popup_kiosks_kept": (
        "Visioguichet des deux côtés : {host}",
        "Video kiosk on both sides: {host}",
    ),
    "popup_kiosks_gone": (
        "Visioguichet avant seulement : {host}",
        "Video kiosk before only: {host}",
    ),
    "popup_kiosks_new": ("Visioguichet après seulement : {host}", "Video kiosk after only: {host}"),
    "layer_closed": ("Guichets fermés", "Counters closed"),
    "popup_opened": ("Ouvert : {name}", "Opened: {name}"),
    "popup_closed": ("Fermé : {name}", "Closed: {name}"),
    "popup_change_need": ("{need} : {before}, puis {after}", "{need}: {before}, then {after}"),
    "compare_changes": ("Ce qui est changé", "What is changed"),
    "changed_close": ("fermeture de {name}", "{name} closes"),
    "changed_open": ("ouverture : {name}", "opening: {name}"),
    "changed_open_idle": (
        "ouverture sans effet : {name}, qui ne répond à aucun besoin (type, ou horaires inconnus "
        "ou trop courts)",
        "opening without effect: {name}, which meets no need (type, or hours unknown or too short)",
    ),
    "changed_hours": ("{name}, nouveaux horaires : {hours}", "{name}, new hours: {hours}"),
    "changed_within": (
        "{need} : seuil de {before} à {after}",
        "{need}: threshold from {before} to {after}",
    ),
}
