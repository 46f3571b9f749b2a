"""What the resource is: its title, abstract, type, identifier, languages, category, theme and
keywords.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from geoguichet.catalogue.formats import codes
from geoguichet.catalogue.formats.mapping import INSPIRE_THEME, TOPIC_CATEGORY
from geoguichet.catalogue.quality.rules.rule import DATA, Context, Fault, Rule, Words, asked, needs
from geoguichet.catalogue.record import Record


def _title(record: Record, _: Context) -> Iterator[Words]:
    title = record.title.strip()
    if title and (len(title) < 8 or ("_" in title and " " not in title)):
        yield Words(
            f"le titre « {title[:60]} » ressemble à un nom de fichier ou de couche.",
            f"the title “{title[:60]}” looks like the name of a file or layer.",
        )
    elif len(title) > 20 and title.isupper():
        yield Words("le titre est tout en capitales.", "the title is all in capitals.")


_PLACEHOLDER = re.compile(
    r"^--|--$|lorem ipsum|\btodo\b|à compléter|a completer|\bxxx+\b|titre du jeu", re.IGNORECASE
)


def _placeholders(record: Record, _: Context) -> Iterator[Fault]:
    for member, fr, en, text in (
        ("title", "titre", "title", record.title),
        ("description", "résumé", "abstract", record.description),
    ):
        if _PLACEHOLDER.search(text):
            words = Words(
                f"le {fr} est resté celui d'un modèle : « {text[:60]} ».",
                f"the {en} is still that of a template: “{text[:60]}”.",
            )
            yield Fault(f"properties.{member}", words)


def _abstract(record: Record, _: Context) -> Iterator[Words]:
    text = record.description.strip()
    if text and text.casefold() == record.title.strip().casefold():
        yield Words(
            "le résumé ne fait que répéter le titre.", "the abstract only repeats the title."
        )
    elif text and len(text) < 40:
        yield Words(
            f"le résumé ({len(text)} caractères) est trop court pour dire ce que contient la "
            "ressource.",
            f"the abstract ({len(text)} characters) is too short to say what the resource holds.",
        )


def _resource_identifier(record: Record, _: Context) -> Iterator[Words]:
    if not record.external_ids:
        yield Words(
            "la ressource n'a pas d'identifiant unique.", "the resource has no unique identifier."
        )


def _topic(record: Record, _: Context) -> Iterator[Words | Fault]:
    topics = [
        (f"properties.themes[{at}].concepts[{number}]", concept.id)
        for at, theme in enumerate(record.themes)
        if theme.scheme == TOPIC_CATEGORY
        for number, concept in enumerate(theme.concepts)
    ]
    if not topics:
        yield Words("aucune catégorie thématique ISO 19115.", "no topic category of ISO 19115.")
    for path, topic in topics:
        if topic not in codes.TOPIC_CATEGORIES:
            words = Words(
                f"« {topic[:60]} » n'est pas une catégorie thématique ISO 19115.",
                f"“{topic[:60]}” is no topic category of ISO 19115.",
            )
            yield Fault(path, words)


def _theme(record: Record, _: Context) -> Iterator[Words | Fault]:
    themes = [
        (f"properties.themes[{at}].concepts[{number}]", concept)
        for at, theme in enumerate(record.themes)
        if theme.scheme == INSPIRE_THEME
        for number, concept in enumerate(theme.concepts)
    ]
    if not themes and not any(codes.inspire_theme(word) for word in record.keywords):
        yield Words("aucun thème INSPIRE.", "no INSPIRE theme.")
    for path, item in themes:
        if not codes.inspire_theme(item.id) and not codes.inspire_theme(item.title):
            name = (item.title or item.id)[:60]
            yield Fault(
                path,
                Words(
                    f"« {name} » n'est pas l'un des 34 thèmes INSPIRE.",
                    f"“{name}” is not one of the 34 INSPIRE themes.",
                ),
            )


def _keywords(record: Record, _: Context) -> Iterator[Words]:
    if not record.keywords and not record.themes:
        yield Words("aucun mot-clé.", "no keyword.")


RULES: tuple[Rule, ...] = (
    Rule(
        "title",
        Words("le titre", "the title"),
        "title",
        10,
        "error",
        needs("title", "la fiche n'a pas de titre.", "the record has no title."),
        asked("C.8", "Le titre est ce qu'on voit en premier", "The title is what is seen first"),
        Words(
            "Donner un titre court et parlant : quoi, où, quand.",
            "Give a short, telling title: what, where, when.",
        ),
    ),
    Rule(
        "title-readable",
        Words("un titre lisible", "a readable title"),
        "title",
        3,
        "warning",
        _title,
        Words(
            "Un titre que seul son auteur comprend n'est pas trouvé.",
            "A title that only its author understands is not found.",
        ),
        Words(
            "Écrire le titre en mots, avec le lieu.", "Write the title in words, with the place."
        ),
    ),
    Rule(
        "placeholder",
        Words("de vrais textes", "real texts"),
        "description",
        3,
        "error",
        _placeholders,
        Words(
            "Un texte de modèle trompe le lecteur.", "The text of a template misleads the reader."
        ),
        Words(
            "Remplacer le texte du modèle par le vrai.",
            "Replace the template's text with the real one.",
        ),
    ),
    Rule(
        "abstract",
        Words("le résumé", "the abstract"),
        "description",
        8,
        "error",
        needs("description", "la fiche n'a pas de résumé.", "the record has no abstract."),
        asked(
            "C.9",
            "Le résumé dit si la donnée convient",
            "The abstract says whether the data is fit for a use",
        ),
        Words(
            "Dire en quelques phrases le contenu, l'usage, le territoire et la source.",
            "Tell in a few sentences the content, the use, the territory and the source.",
        ),
    ),
    Rule(
        "abstract-long",
        Words("un résumé qui en dit assez", "an abstract that says enough"),
        "description",
        3,
        "warning",
        _abstract,
        Words(
            "Un résumé d'une ligne ne permet pas de choisir.",
            "A one-line abstract does not let a reader choose.",
        ),
        Words("Écrire au moins deux phrases.", "Write at least two sentences."),
    ),
    Rule(
        "type",
        Words("le type de ressource", "the type of resource"),
        "type",
        2,
        "error",
        needs(
            "type", "le type de ressource n'est pas dit.", "the type of the resource is not given."
        ),
        asked("1.1", "Le type décide des règles", "The type decides which rules apply"),
        Words("Choisir dataset, series ou service.", "Choose dataset, series or service."),
    ),
    Rule(
        "resource-identifier",
        Words("l'identifiant de la ressource", "the resource's identifier"),
        "externalIds",
        4,
        "warning",
        _resource_identifier,
        asked(
            "1.3",
            "L'identifiant relie la fiche à la donnée",
            "The identifier ties the record to the data",
        ),
        Words(
            "Donner un identifiant unique, de préférence une adresse.",
            "Give a unique identifier, preferably an address.",
        ),
        DATA,
    ),
    Rule(
        "resource-language",
        Words("la langue de la ressource", "the resource's language"),
        "resourceLanguages",
        1,
        "warning",
        needs(
            "resourceLanguages",
            "la langue de la ressource n'est pas dite.",
            "the resource's language is not given.",
        ),
        asked("1.6"),
        Words(
            "Donner la langue de la donnée, par exemple fre.",
            "Give the language of the data, for instance fre.",
        ),
        DATA,
    ),
    Rule(
        "topic-category",
        Words("la catégorie thématique", "the topic category"),
        "themes.topicCategory",
        3,
        "error",
        _topic,
        asked("1.5", "Les portails classent par catégorie", "Portals sort by category"),
        Words(
            "Choisir l'une des catégories ISO 19115, par exemple boundaries, environment, "
            "transportation.",
            "Choose one of the categories of ISO 19115, for instance boundaries, environment, "
            "transportation.",
        ),
        DATA,
    ),
    Rule(
        "inspire-theme",
        Words("le thème INSPIRE", "the INSPIRE theme"),
        "themes",
        3,
        "warning",
        _theme,
        asked(
            "1.4",
            "Pour les données des annexes de la directive",
            "For the data of the directive's annexes",
        ),
        Words(
            "Choisir le thème dans la liste INSPIRE (GEMET).",
            "Choose the theme in the INSPIRE list (GEMET).",
        ),
        DATA,
    ),
    Rule(
        "keywords",
        Words("les mots-clés", "the keywords"),
        "keywords",
        3,
        "warning",
        _keywords,
        Words("Les mots-clés font trouver la fiche.", "Keywords let the record be found."),
        Words("Ajouter les mots que taperait un usager.", "Add the words that a user would type."),
    ),
)
