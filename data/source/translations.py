"""``make words``: find again what is to be translated, write the catalogues, compile them.

For maintainers. ``python data/source/translations.py oc`` starts a language: its sentences then wait for
their translation in ``oc/LC_MESSAGES/geoguichet.po``.
"""

import argparse
import re
import sys
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path

from babel import Locale
from babel.messages import Catalog, Message
from babel.messages.extract import extract_from_file
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

ROOT = Path(__file__).resolve().parents[2]
LOCALE = ROOT / "floor" / "locale"
PRODUCT, ARGPARSE = "geoguichet", "argparse"
KEYWORDS = {"_": None, "ngettext": (1, 2), "pgettext": ((1, "c"), 2), "Message": None} | {
    "About": None,
    "BadKeyError": None,
}
SPEAKING = re.compile(r"geoguichet\.floor\.(words|declaration)")
ROOMS = ("floor", "referentials", "catalogue", "coverage", "portal", "commands")
PAGES = ("*.html", "*.svg")
TEMPLATES = (ROOT / "coverage" / "outputs" / "templates", ROOT / "portal" / "templates")
#: The date written in every catalogue, so that the same sentences give the same bytes.
_DATED = datetime(2026, 1, 1, tzinfo=UTC)


def sentences() -> Catalog:
    """Return every sentence of the code and of the templates, to be translated."""
    files = [ROOT / "cli.py", *(file for room in ROOMS for file in (ROOT / room).rglob("*.py"))]
    spoken = [file for file in files if SPEAKING.search(file.read_text("utf-8"))]
    found = Catalog()
    pages = [page for folder in TEMPLATES for kind in PAGES for page in folder.glob(kind)]
    for method, paths in (("python", spoken), ("jinja2", pages)):
        for path in sorted(paths):
            for _, text, _, context in extract_from_file(method, path, KEYWORDS):
                found.add(text, context=context)
    return found


def sentences_of_argparse() -> Catalog:
    """Return the sentences of this Python's argparse, which are English."""
    found = Catalog()
    for _, text, _, _ in extract_from_file("python", Path(argparse.__file__), KEYWORDS):
        found.add(text)
    return found


def place(language: str, domain: str) -> Path:
    """Return where the sentences of a language stand."""
    return LOCALE / language / "LC_MESSAGES" / f"{domain}.po"


def read(language: str, domain: str) -> Catalog:
    """Return a catalogue as it stands, empty where there is none."""
    if place(language, domain).exists():
        with place(language, domain).open("rb") as file:
            return read_po(file, locale=language, domain=domain)
    catalogue = Catalog(Locale.parse(language), domain, project=domain, charset="utf-8")
    catalogue.header_comment = f"# The sentences of {domain}.\n"
    catalogue.last_translator, catalogue.language_team = "Géoguichet", language
    return catalogue


def updated(language: str, domain: str) -> Catalog:
    """Return a catalogue with today's sentences.

    The product's loses those no longer said. Its French, the language of the code, is its plurals:
    they say where the singular ends. argparse's keeps those of other versions of Python.
    """
    catalogue = read(language, domain)
    if domain == ARGPARSE:
        for message in sentences_of_argparse():
            catalogue.add(message.id)
        return catalogue
    catalogue.update(sentences(), no_fuzzy_matching=True)
    catalogue.obsolete.clear()
    for message in list(catalogue) if language == "fr" else ():
        if message.id and not message.pluralizable:
            catalogue.delete(message.id, message.context)
        elif message.id:
            message.string = message.id
    return catalogue


def lacking(catalogue: Catalog) -> list[Message]:
    """Return the sentences that are not translated."""
    every = [message for message in catalogue if message.id]
    return [message for message in every if not message.string or not all(message.string)]


def written(catalogue: Catalog) -> bytes:
    """Return a catalogue as people read it, in the order of its sentences."""
    content = BytesIO()
    catalogue.creation_date = catalogue.revision_date = _DATED
    catalogue.fuzzy = False
    write_po(content, catalogue, width=100, no_location=True, sort_output=True)
    return content.getvalue()


def compiled(catalogue: Catalog) -> bytes:
    """Return a catalogue as gettext reads it."""
    content = BytesIO()
    write_mo(content, catalogue)
    return content.getvalue()


def main(started: list[str]) -> None:
    """Write and compile every catalogue; say which sentences wait for a translation."""
    languages = {"fr", "en", *(file.parts[-3] for file in LOCALE.glob("*/*/*.po")), *started}
    every = [(language, domain) for language in languages for domain in (PRODUCT, ARGPARSE)]
    for language, domain in sorted(set(every) - {("en", ARGPARSE)}):  # argparse speaks English
        catalogue, path = updated(language, domain), place(language, domain)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(written(catalogue))
        path.with_suffix(".mo").write_bytes(compiled(catalogue))
        for message in lacking(catalogue):
            print(f"{path}: {message.id!r}", file=sys.stderr)


if __name__ == "__main__":
    main(sys.argv[1:])
