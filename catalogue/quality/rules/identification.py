"""What the resource is: its title, abstract, type, identifier, languages, category, theme and
keywords.
"""

import re
from collections.abc import Iterator

from geoguichet.catalogue.formats import codes
from geoguichet.catalogue.formats.mapping import INSPIRE_THEME, TOPIC_CATEGORY
from geoguichet.catalogue.quality.rules.rule import DATA, Context, Fault, Rule, asked, needs
from geoguichet.catalogue.record import Record
from geoguichet.floor.words import Message


def _title(record: Record, _: Context) -> Iterator[Message]:
    title = record.title.strip()
    if title and (len(title) < 8 or ("_" in title and " " not in title)):
        yield Message(
            "le titre « {title} » ressemble à un nom de fichier ou de couche.", title=title[:60]
        )
    elif len(title) > 20 and title.isupper():
        yield Message("le titre est tout en capitales.")


_PLACEHOLDER = re.compile(
    r"^--|--$|lorem ipsum|\btodo\b|à compléter|a completer|\bxxx+\b|titre du jeu", re.IGNORECASE
)


def _placeholders(record: Record, _: Context) -> Iterator[Fault]:
    for member, text, still in (
        (
            "title",
            record.title,
            Message("le titre est resté celui d'un modèle : « {text} ».", text=record.title[:60]),
        ),
        (
            "description",
            record.description,
            Message(
                "le résumé est resté celui d'un modèle : « {text} ».", text=record.description[:60]
            ),
        ),
    ):
        if _PLACEHOLDER.search(text):
            yield Fault(f"properties.{member}", still)


def _abstract(record: Record, _: Context) -> Iterator[Message]:
    text = record.description.strip()
    if text and text.casefold() == record.title.strip().casefold():
        yield Message("le résumé ne fait que répéter le titre.")
    elif text and len(text) < 40:
        yield Message(
            "le résumé ({n} caractères) est trop court pour dire ce que contient la ressource.",
            n=len(text),
        )


def _resource_identifier(record: Record, _: Context) -> Iterator[Message]:
    if not record.external_ids:
        yield Message("la ressource n'a pas d'identifiant unique.")


def _topic(record: Record, _: Context) -> Iterator[Message | Fault]:
    topics = [
        (f"properties.themes[{at}].concepts[{number}]", concept.id)
        for at, theme in enumerate(record.themes)
        if theme.scheme == TOPIC_CATEGORY
        for number, concept in enumerate(theme.concepts)
    ]
    if not topics:
        yield Message("aucune catégorie thématique ISO 19115.")
    for path, topic in topics:
        if topic not in codes.TOPIC_CATEGORIES:
            unknown = Message(
                "« {topic} » n'est pas une catégorie thématique ISO 19115.", topic=topic[:60]
            )
            yield Fault(path, unknown)


def _theme(record: Record, _: Context) -> Iterator[Message | Fault]:
    themes = [
        (f"properties.themes[{at}].concepts[{number}]", concept)
        for at, theme in enumerate(record.themes)
        if theme.scheme == INSPIRE_THEME
        for number, concept in enumerate(theme.concepts)
    ]
    if not themes and not any(codes.inspire_theme(word) for word in record.keywords):
        yield Message("aucun thème INSPIRE.")
    for path, item in themes:
        if not codes.inspire_theme(item.id) and not codes.inspire_theme(item.title):
            name = (item.title or item.id)[:60]
            yield Fault(
                path, Message("« {name} » n'est pas l'un des 34 thèmes INSPIRE.", name=name)
            )


def _keywords(record: Record, _: Context) -> Iterator[Message]:
    if not record.keywords and not record.themes:
        yield Message("aucun mot-clé.")


RULES: tuple[Rule, ...] = (
    Rule(
        "title",
        Message("le titre"),
        "title",
        10,
        "error",
        needs("title", Message("la fiche n'a pas de titre.")),
        asked("C.8", Message("Le titre est ce qu'on voit en premier")),
        Message("Donner un titre court et parlant : quoi, où, quand."),
    ),
    Rule(
        "title-readable",
        Message("un titre lisible"),
        "title",
        3,
        "warning",
        _title,
        Message("Un titre que seul son auteur comprend n'est pas trouvé."),
        Message("Écrire le titre en mots, avec le lieu."),
    ),
    Rule(
        "placeholder",
        Message("de vrais textes"),
        "description",
        3,
        "error",
        _placeholders,
        Message("Un texte de modèle trompe le lecteur."),
        Message("Remplacer le texte du modèle par le vrai."),
    ),
    Rule(
        "abstract",
        Message("le résumé"),
        "description",
        8,
        "error",
        needs("description", Message("la fiche n'a pas de résumé.")),
        asked("C.9", Message("Le résumé dit si la donnée convient")),
        Message("Dire en quelques phrases le contenu, l'usage, le territoire et la source."),
    ),
    Rule(
        "abstract-long",
        Message("un résumé qui en dit assez"),
        "description",
        3,
        "warning",
        _abstract,
        Message("Un résumé d'une ligne ne permet pas de choisir."),
        Message("Écrire au moins deux phrases."),
    ),
    Rule(
        "type",
        Message("le type de ressource"),
        "type",
        2,
        "error",
        needs("type", Message("le type de ressource n'est pas dit.")),
        asked("1.1", Message("Le type décide des règles")),
        Message("Choisir dataset, series ou service."),
    ),
    Rule(
        "resource-identifier",
        Message("l'identifiant de la ressource"),
        "externalIds",
        4,
        "warning",
        _resource_identifier,
        asked("1.3", Message("L'identifiant relie la fiche à la donnée")),
        Message("Donner un identifiant unique, de préférence une adresse."),
        DATA,
    ),
    Rule(
        "resource-language",
        Message("la langue de la ressource"),
        "resourceLanguages",
        1,
        "warning",
        needs("resourceLanguages", Message("la langue de la ressource n'est pas dite.")),
        asked("1.6"),
        Message("Donner la langue de la donnée, par exemple fre."),
        DATA,
    ),
    Rule(
        "topic-category",
        Message("la catégorie thématique"),
        "themes.topicCategory",
        3,
        "error",
        _topic,
        asked("1.5", Message("Les portails classent par catégorie")),
        Message(
            "Choisir l'une des catégories ISO 19115, par exemple boundaries, environment, "
            "transportation."
        ),
        DATA,
    ),
    Rule(
        "inspire-theme",
        Message("le thème INSPIRE"),
        "themes",
        3,
        "warning",
        _theme,
        asked("1.4", Message("Pour les données des annexes de la directive")),
        Message("Choisir le thème dans la liste INSPIRE (GEMET)."),
        DATA,
    ),
    Rule(
        "keywords",
        Message("les mots-clés"),
        "keywords",
        3,
        "warning",
        _keywords,
        Message("Les mots-clés font trouver la fiche."),
        Message("Ajouter les mots que taperait un usager."),
    ),
)
