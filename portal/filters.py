"""What our pages need beside the data: figures and days in the language of the moment, links sorted
by what they are for.
"""

import json
from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from babel import Locale
from markupsafe import Markup

from geoguichet.catalogue.formats import codes
from geoguichet.catalogue.search.tables import QUERYABLES
from geoguichet.coverage.outputs.style import UNREACHED, UNSERVED
from geoguichet.floor import words
from geoguichet.floor.words import Message, _, language, languages
from geoguichet.referentials.directory.hours import hours_told
from geoguichet.referentials.directory.services import SERVICE_TYPES, service_name

# What codes and columns are called on pages; one that is not here is shown as it is.


LABELS: Mapping[str, Mapping[str, Message]] = {
    "column": {
        "access": Message("accès"),
        "address": Message("adresse"),
        "alternateTitles": Message("autres titres"),
        "area_km2": Message("surface (km²)"),
        "bound": Message("borne de l’optimum"),
        "category": Message("catégorie"),
        "co2_saved_kg_per_year": Message("CO2 évité (kg par an)"),
        "code": Message("code"),
        "commune": Message("code de la commune"),
        "commune_name": Message("commune"),
        "commune_names": Message("communes concernées"),
        "communes": Message("communes"),
        "conformity": Message("conformité"),
        "constraints": Message("contraintes"),
        "contacts": Message("contacts"),
        "cost_eur": Message("coût (€)"),
        "created": Message("créée le"),
        "crs": Message("systèmes de coordonnées"),
        "date": Message("date"),
        "dateType": Message("sorte de date"),
        "dates": Message("dates"),
        "departement": Message("département"),
        "departements": Message("départements"),
        "description": Message("description"),
        "distance": Message("distance"),
        "dwellings": Message("logements"),
        "email": Message("courriel"),
        "emptyGeometries": Message("géométries vides"),
        "epci": Message("EPCI"),
        "examples": Message("exemples"),
        "explanation": Message("explication"),
        "extentDescription": Message("lieu"),
        "externalIds": Message("autres identifiants"),
        "featureCatalogue": Message("catalogue d’attributs"),
        "features": Message("objets"),
        "fields": Message("attributs"),
        "file": Message("fichier"),
        "formulation": Message("formulation"),
        "frequency": Message("fréquence"),
        "gain": Message("gain"),
        "gap": Message("écart à la borne"),
        "geometry": Message("géométrie"),
        "geometryType": Message("type de géométrie"),
        "host": Message("lieu d’accueil"),
        "host_costs": Message("coût pour y aller, par lieu d’accueil"),
        "host_id": Message("identifiant du lieu d’accueil"),
        "host_names": Message("lieux d’accueil"),
        "hosts": Message("identifiants des lieux d’accueil"),
        "hours": Message("horaires"),
        "hours_per_week": Message("heures par semaine"),
        "hours_raw": Message("horaires bruts"),
        "href": Message("adresse"),
        "id": Message("identifiant"),
        "inside": Message("dans la région"),
        "itinerant": Message("itinérant"),
        "keywordTypes": Message("types des mots-clés"),
        "keywords": Message("mots-clés"),
        "kind": Message("sorte"),
        "kiosks": Message("visioguichets"),
        "km_saved_per_year": Message("kilomètres évités par an"),
        "length": Message("taille (octets)"),
        "license": Message("licence"),
        "legislation": Message("textes de loi"),
        "licenseStatus": Message("état de la licence"),
        "limitations": Message("limites d’usage"),
        "maintenance": Message("mises à jour"),
        "mean_m": Message("dépassement moyen (m)"),
        "mean_s": Message("dépassement moyen (s)"),
        "minor": Message("mineure"),
        "model": Message("modèle"),
        "name": Message("nom"),
        "needs": Message("besoins servis"),
        "note": Message("note"),
        "nullRate": Message("part de vides"),
        "operator": Message("organisme"),
        "other": Message("autres"),
        "parent": Message("fiche parente"),
        "pass": Message("conforme"),
        "path": Message("chemin"),
        "people": Message("habitants"),
        "people_added": Message("habitants ajoutés"),
        "people_after": Message("habitants restants"),
        "people_cumulated": Message("habitants cumulés"),
        "places": Message("lieux"),
        "plan": Message("plan"),
        "point_precision": Message("précision du point"),
        "point_raw": Message("point publié"),
        "point_source": Message("origine du point"),
        "pop_65_plus": Message("65 ans et plus"),
        "pop_under_20": Message("moins de 20 ans"),
        "population": Message("population"),
        "population_2021": Message("population 2021"),
        "population_2023": Message("population 2023"),
        "postcode": Message("code postal"),
        "purpose": Message("objet"),
        "quality": Message("qualité"),
        "rank": Message("rang"),
        "representation": Message("représentation"),
        "resolution": Message("résolution"),
        "resourceLanguages": Message("langues des données"),
        "rights": Message("droits"),
        "rows": Message("lignes"),
        "rules": Message("règles"),
        "scale": Message("échelle 1/"),
        "second_homes": Message("résidences secondaires"),
        "serviceType": Message("type de service"),
        "served": Message("desservi"),
        "served_after": Message("desservi avec le plan"),
        "share_cumulated": Message("part cumulée"),
        "site": Message("site web"),
        "source": Message("source"),
        "source_row": Message("ligne de la source"),
        "standing": Message("situation"),
        "status": Message("état"),
        "stops": Message("arrêts"),
        "study": Message("étude"),
        "telephone": Message("téléphone"),
        "text": Message("texte"),
        "themes": Message("thèmes"),
        "title": Message("titre"),
        "translations": Message("traductions"),
        "type": Message("type"),
        "undecided": Message("non tranché"),
        "unit": Message("unité"),
        "unreadable": Message("éléments illisibles"),
        "updated": Message("mise à jour le"),
        "use": Message("usage"),
        "uses_per_year": Message("usages par an"),
        "valid_from": Message("valable depuis"),
        "valid_to": Message("valable jusqu’au"),
        "value": Message("valeur du plan"),
        "version": Message("version"),
        "week_minutes": Message("minutes ouvertes par semaine"),
        "wheelchair": Message("accès en fauteuil roulant"),
        "worst_m": Message("pire dépassement (m)"),
        "worst_s": Message("pire dépassement (s)"),
        "zones": Message("zones blanches"),
    },
    "license": {
        "etalab-2.0": Message("Licence Ouverte 2.0"),
        "other": Message("Autre licence"),
    },
    "media": {
        "application/geo+json": Message("GeoJSON"),
        "application/geopackage+sqlite3": Message("GeoPackage"),
        "application/json": Message("JSON"),
        "application/pdf": Message("PDF"),
        "application/toml": Message("étude (TOML)"),
        "application/vnd.apache.parquet": Message("GeoParquet"),
        "application/x-parquet": Message("GeoParquet"),
        "text/csv": Message("CSV"),
        "text/html": Message("page web"),
    },
    "role": {
        "author": Message("Auteur"),
        "custodian": Message("Gestionnaire"),
        "distributor": Message("Diffuseur"),
        "originator": Message("À l'origine"),
        "owner": Message("Propriétaire"),
        "pointOfContact": Message("Contact"),
        "processor": Message("Responsable du traitement"),
        "producer": Message("Producteur"),
        "provider": Message("Fournisseur"),
        "publisher": Message("Éditeur"),
    },
    "type": {
        "dataset": Message("Jeu de données"),
        "document": Message("Document"),
        "features": Message("Objets géographiques"),
        "map": Message("Carte"),
        "process": Message("Traitement"),
        "records": Message("Fiches"),
        "report": Message("Rapport"),
        "series": Message("Série"),
        "service": Message("Service"),
        "study": Message("Étude"),
    },
    "visibility": {
        "draft": Message("Brouillon"),
        "partners": Message("Partenaires"),
        "public": Message("Publique"),
        "some": Message("Quelques organismes"),
    },
    "accessibility": {
        "totalement conforme": Message("totalement conforme"),
        "partiellement conforme": Message("partiellement conforme"),
        "non conforme": Message("non conforme"),
    },
    "severity": {
        "error": Message("erreur"),
        "info": Message("à savoir"),
        "warning": Message("avertissement"),
    },
}


#: How the columns that a study makes of each of its needs end.
_ENDINGS: Mapping[str, Message] = {
    "_perhaps_m": Message("distance si les horaires inconnus conviennent (m)"),
    "_perhaps_s": Message("durée si les horaires inconnus conviennent (s)"),
    "_service": Message("guichet le plus proche"),
    "_reason": Message("pourquoi il est hors de portée"),
    "_m": Message("distance (m)"),
    "_s": Message("durée (s)"),
}


def label(name: object, group: str = "column") -> str:
    """Return what a code is called in the language of the moment."""
    told = str(name)
    if group == "column" and told not in LABELS[group]:
        for ending, message in _ENDINGS.items():
            if told.endswith(ending):
                return f"{told.removesuffix(ending)} : {message}"
    return str(LABELS[group].get(told, name))


#: Codes of columns, in the words of readers.
VALUES: Mapping[str, Mapping[str, Message]] = {
    "standing": {
        "existing": Message("Ouvert"),
        "required": Message("Demandé"),
        "proposed": Message("Proposé"),
    },
    "model": {
        "maximal_covering": Message("rapprocher le plus d'habitants"),
        "p_median": Message("réduire la distance moyenne"),
        "p_center": Message("réduire la plus grande distance"),
        "set_covering": Message("desservir avec le moins de lieux"),
        "backup": Message("desservir deux fois"),
    },
    "status": {
        "optimal": Message("optimum prouvé"),
        "gap_reached": Message("à peu près du meilleur choix"),
        "time_limit": Message("meilleur choix trouvé à temps"),
    },
    "point_source": {
        "directory": Message("position du répertoire"),
        "town_hall": Message("placé à la mairie"),
        "representative_point": Message("point de la commune"),
        "polygon": Message("point de la commune"),
        "none": Message("non placé"),
    },
    "kind": {
        "CC": Message("Communauté de communes"),
        "CA": Message("Communauté d'agglomération"),
        "CU": Message("Communauté urbaine"),
        "ME": Message("Métropole"),
    },
    "unserved_reason": UNSERVED,
}


#: Columns of several values, which commas part.
_SEVERAL = ("departement", "departements", "needs", "zones", "hosts", "host_names", "host_costs")
#: What a source wrote, which pages tell in words by other columns.
RAW = ("fid", "hours_raw")


def in_words(value: object, column: str, areas: Mapping[str, str] = MappingProxyType({})) -> str:
    """Return a value of a column as readers are told it: a number, a type of counter, hours, a code,
    départements by their names; others as it is.
    """
    if isinstance(value, bool):
        return _("oui") if value else _("non")
    if isinstance(value, int | float):
        return number(value)
    told = str(value)
    if column == "type" and told in SERVICE_TYPES:
        return capital(service_name(told))
    if column in _SEVERAL:
        return ", ".join(areas.get(one, one) for one in told.split(","))
    values = VALUES.get(column, UNREACHED if column.endswith("_reason") else {})
    if told in values:
        return str(values[told])
    return hours_told(told) if column == "hours" else told


def capital(text: str) -> str:
    """Return a text with its first letter in capital, the others as they are."""
    return f"{text[:1].upper()}{text[1:]}"


#: Columns that a page of features shows first, after the name; and those shown only when asked for.
FIRST_COLUMNS = (
    "type", "standing", "commune_name", "departement", "hours", "people", "population",
    "people_added", "hours_per_week", "communes", "people_after", "served", "undecided", "households",
)  # fmt: skip
_APART = (*RAW, "id", "source_row", "point_source", "point_raw", "week_minutes")
_SHOWN = 6


def key_columns(known: Iterable[str], named: str | None) -> list[str]:
    """Return the columns that a page shows first: the name, what readers look for, else the first."""
    there = [name for name in known if name not in _APART]
    first = [name for name in (named, *FIRST_COLUMNS) if name in there]
    rest = [name for name in there if name not in first] if len(first) < 3 else []
    return [*first, *rest][:_SHOWN]


def titled(columns: Iterable[str], told: Mapping[str, str]) -> list[tuple[str, str]]:
    """Return columns with what they are called at the head of a table, as the region tells them first."""
    return [(name, capital(told.get(name) or label(name))) for name in columns]


def by_use(known: Iterable[str]) -> list[str]:
    """Return the columns of an object as a page tells them: those that only tools need come last."""
    return sorted((name for name in known if name not in RAW), key=lambda name: name in _APART)


_FILES = ("item", "items", "enclosure", "data", "download")
_RELATED = (
    "related", "derived-from", "derivedfrom", "wasderivedfrom", "source", "lineage",
    "predecessor-version", "successor-version", "via",
)  # fmt: skip
_MACHINERY = ("license", "self", "root", "collection", "next", "prev", "canonical", "profile")


#: No figure that a page sets in groups of digits is larger.
_LARGEST = 1e15


def number(value: object) -> str:
    """Return a number as it is written in the language (``12 345,6`` or ``12,345.6``), three
    decimals at most; other values as they are.
    """
    if isinstance(value, bool) or not isinstance(value, int | float) or abs(value) > _LARGEST:
        return str(value)
    if isinstance(value, int):
        return words.number(value)
    return words.given(round(value, 0 if abs(value) >= 100 else 3), 3)


def day(text: object) -> str:
    """Return an ISO date or timestamp as a day in words; anything else as it is."""
    try:
        return words.day(str(text)[:10])
    except ValueError:
        return str(text)


def period(time: Mapping[str, Any] | None) -> str:
    """Return the ``time`` of a record in words; empty when there is none."""
    if not time:
        return ""
    start, end = (time.get("interval") or [time.get("date") or time.get("timestamp")] * 2)[:2]
    if start == end:
        return day(start) if start else ""
    told = {"start": day(start), "end": day(end)}
    if max(len(str(end)), len(str(start))) == len("2024"):
        if end in ("..", ""):
            return _("depuis {start}", **told)
        return (
            _("jusqu'à {end}", **told) if start in ("..", "") else _("de {start} à {end}", **told)
        )
    if end in ("..", ""):
        return _("depuis le {start}", **told)
    return _("jusqu'au {end}", **told) if start in ("..", "") else _("du {start} au {end}", **told)


def followable(href: str) -> bool:
    """Say whether a link may be followed: a web or mail address, or one relative to us; never a
    script.
    """
    scheme, colon, _rest = href.strip().partition(":")
    return not colon or "/" in scheme or scheme.lower() in {"http", "https", "mailto", "ftp"}


def by_role(links: Iterable[Mapping[str, Any]] | None) -> dict[str, list[Mapping[str, Any]]]:
    """Return the links of a record as files, related records and web pages; those of the API itself
    left out. A record may say null or false of its links, for none.
    """
    roles: dict[str, list[Mapping[str, Any]]] = {"files": [], "related": [], "pages": []}
    for link in links or ():
        rel = str(link.get("rel", "")).lower().rpartition("/")[2].rpartition("#")[2]
        is_page = str(link.get("type", "")).startswith("text/html")
        if rel in _MACHINERY or (rel == "alternate" and "f=" in link["href"].partition("?")[2]):
            continue
        if rel in _RELATED:
            roles["related"].append(link)
        elif rel in _FILES and not is_page:
            roles["files"].append(link)
        else:
            roles["pages"].append(link)
    return roles


def json_link(links: Iterable[Mapping[str, Any]]) -> str:
    """Return the address of a page's own JSON; empty when it has none."""
    kinds = ("application/json", "application/geo+json")
    return next(
        (
            link["href"]
            for link in links
            if link.get("rel") == "alternate" and link.get("type") in kinds
        ),
        "",
    )


def parameters(address: str) -> dict[str, str]:
    """Return the parameters of an address."""
    return dict(parse_qsl(urlsplit(address).query))


def asked(links: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """Return the parameters a page was asked with, read from its own address; format and language
    left out.
    """
    own = next((link["href"] for link in links if link.get("rel") == "self"), "")
    return {name: value for name, value in parameters(own).items() if name not in ("f", "lang")}


def query(values: Mapping[str, object], **changes: object) -> str:
    """Return ``?name=value...`` with some values changed; those that are empty are left out."""
    kept = {name: value for name, value in {**values, **changes}.items() if value not in ("", None)}
    return f"?{urlencode(kept)}" if kept else "?"


def with_query(address: str, **changes: object) -> str:
    """Return an address with some of its parameters changed."""
    home, _mark, _rest = address.partition("?")
    told = query(parameters(address), **changes)
    return home if told == "?" else f"{home}{told}"


def size(length: object) -> str:
    """Return a number of bytes as it is read; empty when there is none."""
    return words.size(length) if isinstance(length, int) and length > 0 else ""


def pretty(value: object) -> str:
    """Return a value as JSON to be read by people."""
    return json.dumps(value, ensure_ascii=False, indent=2)


def property_title(name: str) -> str:
    """Return the name of a property of a record for readers."""
    return str(QUERYABLES[name].title)


def spoken(properties: Mapping[str, Any]) -> Markup:
    """Return the ``lang`` attribute of a record's own text where its language is not that of the
    page.

    A record that says nothing of its language is taken to speak French, as the catalogue does.
    """
    told = properties.get("language")
    return foreign(str((told.get("code") if isinstance(told, Mapping) else told) or "fr"))


def translated(properties: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the properties with title and description in the page's language, where the record has
    them in it.
    """
    others, code = properties.get("translations"), language()
    texts = others.get(code) if isinstance(others, Mapping) else None
    found = (
        {name: texts[name] for name in ("title", "description") if texts.get(name)}
        if isinstance(texts, Mapping)
        else {}
    )
    return {**properties, **found, "language": {"code": code}} if found else properties


def foreign(spoken_in: str) -> Markup:
    """Return the ``lang`` attribute of a text in a language where that is not the page's."""
    code = codes.language(spoken_in).lower().partition("-")[0]
    is_code = code.isascii() and code.isalpha() and len(code) in (2, 3)
    return Markup(' lang="{}"').format(code) if is_code and code != language() else Markup("")


def worst_first(rows: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Return totals of quality with the lowest scores first: where there is most to mend."""
    return sorted(rows, key=lambda row: (row["score"], -row["records"], row["group"]))


def theme(identifier: str) -> str:
    """Return the name of a theme."""
    return codes.theme_label(identifier, language())


def value_name(value: str, name: str) -> str:
    """Return a value of a property of a record as readers are told it."""
    labels = QUERYABLES[name].labels
    if labels == "theme":
        return theme(value)
    return label(value, labels) if labels else value


def visibility(told: object) -> str:
    """Return to whom something is shown, in words."""
    named = told if isinstance(told, str) else "some"
    return label(named, "visibility")


def a_week(hours: float) -> str:
    """Return hours of a week in hours and minutes: ``14 h``, ``9 h 30``."""
    whole, minutes = divmod(round(hours * 60), 60)
    return words.spaced(f"{whole} h {minutes:02d}" if minutes else f"{whole} h")


def quantity(written: str) -> str:
    """Write a number with its unit, as a file has it: « 40 km »."""
    value, _space, unit = written.partition(" ")
    return words.measure(float(value), unit, len(value.partition(".")[2]))


def in_seconds(seconds: float) -> str:
    """Write a short time in seconds, a longer one in minutes."""
    return words.measure(seconds, "s") if seconds < 90 else words.duration(seconds)


#: The filters our templates may use, beside those of jinja.
FILTERS: Mapping[str, Callable[..., Any]] = {
    "number": number,
    "day": day,
    "period": period,
    "by_role": by_role,
    "json_link": json_link,
    "asked": asked,
    "query": query,
    "with_query": with_query,
    "bytes": size,
    "pretty": pretty,
    "followable": followable,
    "property_title": property_title,
    "spoken": spoken,
    "translated": translated,
    "foreign": foreign,
    "theme": theme,
    "value_name": value_name,
    "worst_first": worst_first,
    "label": label,
    "in_words": in_words,
    "key_columns": key_columns,
    "by_use": by_use,
    "titled": titled,
    "capital": capital,
    "spaced": words.spaced,
    "visibility": visibility,
    "percent": words.percent,
    "signed": words.signed,
    "euros": words.money,
    "hours": a_week,
    "far": words.distance,
    "quantity": quantity,
    "seconds": in_seconds,
    "service": service_name,
}

#: The languages of the pages, each by its own name.
LANGUAGES = {code: str(Locale.parse(code).display_name).capitalize() for code in languages()}
