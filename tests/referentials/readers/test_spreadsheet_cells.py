"""What a spreadsheet does to codes, dates and telephones is put right, or told."""

from pathlib import Path

import openpyxl
import pytest

from geoguichet.floor.findings import count_by_rule
from geoguichet.referentials.directory.schema import join_readings
from geoguichet.referentials.readers.column_tables import read_chunks
from geoguichet.referentials.readers.spreadsheet_cells import (
    mended_code,
    mended_date,
    mended_phone,
)


@pytest.mark.parametrize(
    ("text", "right"),
    [("2a041", "2A041"), ("31068 CEDEX 7", "31068"), ("31 000", "31000"), ("F-31000", "31000"),
     ("9122.0", "9122"), ("Toulouse", "Toulouse"), ("", "")],
)  # fmt: skip
def test_codes_are_read_without_what_is_around_them(text: str, right: str) -> None:
    assert mended_code(text) == right


@pytest.mark.parametrize(
    ("text", "right"),
    [("45352", "2024-03-01"), ("36526", "2000-01-01"), ("01/03/2024", "2024-03-01"),
     ("1.3.2024", "2024-03-01"), ("2024-03-01T00:00:00", "2024-03-01"), ("31/02/2024", None),
     ("mars 2024", None), ("12", None), ("01/03/24", None), ("24-03-01", None)],
)  # fmt: skip
def test_days_are_read_however_they_are_written(text: str, right: str | None) -> None:
    assert mended_date(text) == right


@pytest.mark.parametrize(
    ("text", "right"),
    [
        ("561222222", "0561222222"),
        ("561222222.0", "0561222222"),
        ("5.61222E+08", None),
        ("3939", "3939"),
    ],
)
def test_telephones_get_back_their_zero(text: str, right: str | None) -> None:
    assert mended_phone(text) == right


def test_what_was_put_right_is_told(tmp_path: Path) -> None:
    path = tmp_path / "liste.csv"
    path.write_text(
        "Nom;Type;Code INSEE;Code postal;Téléphone;Date d'ouverture\n"
        "A;Mairie;9122;9000;561222222;45352\nB;Mairie;2a004;20000;5,61E+08;jadis\n",
        "utf-8",
    )
    reading = join_readings(read_chunks(path))
    first, second = reading.rows.itertuples()
    assert (first.commune, first.postcode, first.telephone) == ("09122", "09000", "0561222222")
    assert (first.valid_from, first.departement) == ("2024-03-01", "09")
    assert (second.commune, second.departement, second.telephone) == ("2A004", "2A", None)
    rules = count_by_rule(reading.findings)
    assert (rules["lost-zero"], rules["mended-cell"], rules["unreadable-cell"]) == (2, 2, 2)


@pytest.mark.parametrize(
    ("merged", "types", "count"),
    [
        (("B2:B4",), ["town_hall"] * 3, 2),
        (("B2:B3",), ["town_hall", "town_hall", "msap"], 1),
        (("D2:D4", "B3:B4"), ["town_hall", "post_office", "post_office"], 1),
        (("C2:D2",), ["town_hall", "post_office", "msap"], 0),
    ],
)
def test_a_cell_merged_over_rows_is_said_by_each_of_them(
    merged: tuple[str, ...], types: list[str], count: int, tmp_path: Path
) -> None:
    book = openpyxl.Workbook()
    for row in (
        ("nom", "type", "code insee", "adresse"),
        ("A", "mairie", "32013", ""),
        ("B", "bureau de poste", "31291", ""),
        ("C", "msap", "31042", ""),
    ):
        book.active.append(row)
    for cells in merged:
        book.active.merge_cells(cells)
    book.save(tmp_path / "liste.xlsx")
    reading = join_readings(read_chunks(tmp_path / "liste.xlsx"))
    assert reading.rows["type"].tolist() == types
    told = [str(each.message) for each in reading.findings if each.rule == "merged-cells"]
    assert told == (
        [f"{count} cellule(s) fusionnées : leur texte vaut pour chaque ligne."] * bool(count)
    )
