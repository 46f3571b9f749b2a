"""The workbook a town clerk fills in: one line a counter, one column a thing to know, types to
choose from a list.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import openpyxl
from openpyxl.styles import Font, PatternFill
from openpyxl.worksheet.datavalidation import DataValidation

from geoguichet.floor.errors import LayerError
from geoguichet.referentials.directory.hours import WEEKDAYS_FR
from geoguichet.referentials.directory.taxonomy import SERVICE_TYPES

#: Heading, what to write there, width of the column in characters.
HEADINGS: Sequence[tuple[str, str, int]] = (
    ("Identifiant", "un code à vous, qui ne change pas d'une année à l'autre", 14),
    ("Type", "à choisir dans la liste", 26),
    ("Nom", "comme sur la porte : « Mairie d'Auch »", 34),
    ("Gestionnaire", "qui le tient : commune, La Poste, CAF ...", 20),
    ("Adresse", "numéro et rue", 34),
    ("Code postal", "cinq chiffres, zéro compris", 12),
    ("Code INSEE", "code de la commune, cinq caractères", 12),
    ("Commune", "nom de la commune", 24),
    ("Longitude", "en degrés : 0,5864 (facultatif si l'adresse est là)", 12),
    ("Latitude", "en degrés : 43,6465", 12),
    *(
        (day.capitalize(), "09:00 - 12:00 / 14:00 - 17:00, ou rien si fermé", 26)
        for day in WEEKDAYS_FR
    ),
    ("Téléphone", "05 62 61 66 00", 16),
    ("Courriel", "mairie@exemple.fr", 26),
    ("Site internet", "https://...", 26),
    ("Accessible PMR", "oui, non ou partiel", 14),
    ("Itinérant", "oui si c'est un bus ou une permanence", 10),
    ("Arrêts", "si itinérant : lieux et jours", 30),
)
#: Lines that have the lists of choices.
ROWS = 2000


def write_template(path: Path) -> None:
    """Write the empty workbook (.xlsx).

    Raises
    ------
    LayerError
        When a file is already there, or it cannot be written.
    """
    if path.exists():
        raise LayerError(
            f"{path} : ce fichier existe déjà ; donnez un autre nom, rien n'est écrasé."
        )
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.title = "Services"
    labels = [kind.label_fr for kind in SERVICE_TYPES.values()]
    for column, (heading, _, width) in enumerate(HEADINGS, start=1):
        cell = sheet.cell(row=1, column=column, value=heading)
        cell.font, cell.fill = Font(bold=True), PatternFill("solid", start_color="DDE7F3")
        sheet.column_dimensions[cell.column_letter].width = width
        if heading in {"Code postal", "Code INSEE", "Identifiant"}:
            for row in range(2, ROWS + 1):
                sheet.cell(row=row, column=column).number_format = "@"
    sheet.freeze_panes = "A2"
    _choices(sheet, "B", f"=Types!$A$1:$A${len(labels)}")
    _choices(
        sheet,
        sheet.cell(row=1, column=_position("Accessible PMR")).column_letter,
        '"oui,non,partiel"',
    )
    _choices(sheet, sheet.cell(row=1, column=_position("Itinérant")).column_letter, '"oui,non"')
    notice = book.create_sheet("Notice")
    notice.append(["Colonne", "Ce qu'on y écrit"])
    for heading, meaning, _ in HEADINGS:
        notice.append([heading, meaning])
    notice.column_dimensions["A"].width, notice.column_dimensions["B"].width = 20, 60
    types = book.create_sheet("Types")
    for label in labels:
        types.append([label])
    try:
        book.save(path)
    except OSError as error:
        raise LayerError(
            f"{path} : écriture impossible ({error.strerror}) ; vérifiez le dossier et la place."
        ) from error


def _choices(sheet: openpyxl.worksheet.worksheet.Worksheet, letter: str, formula: str) -> None:
    rule = DataValidation(type="list", formula1=formula, allow_blank=True)
    rule.error, rule.errorTitle = "Choisissez une valeur de la liste.", "Valeur inconnue"
    sheet.add_data_validation(rule)
    rule.add(f"{letter}2:{letter}{ROWS}")


def _position(heading: str) -> int:
    return [name for name, _, _ in HEADINGS].index(heading) + 1
