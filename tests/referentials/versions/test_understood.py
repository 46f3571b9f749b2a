"""Words that are not understood, in the columns that place or close: counted, named with their rows, and
above a share the list is refused.
"""

from pathlib import Path

import pytest

from geoguichet import cli
from geoguichet.floor.errors import LayerError
from geoguichet.referentials.directory.schema import Reading, join_readings
from geoguichet.referentials.readers import text_tables
from geoguichet.referentials.readers.column_tables import read_chunks
from geoguichet.referentials.versions.proved import understood

HEAD = "id,nom,type,code insee,longitude,latitude,itinérant"


def written(folder: Path, odd: dict[str, str], rows: int, times: int = 1) -> Path:
    """A list of so many rows, the last `times` of which have odd cells."""
    right = {"type": "mairie", "code": "32013", "x": "0.586", "moves": "non"}
    lines = [HEAD]
    for number in range(rows):
        cell = {**right, **odd} if number >= rows - times else right
        lines.append(
            f"{number},M{number},{cell['type']},{cell['code']},{cell['x']},43.646,{cell['moves']}"
        )
    path = folder / "liste.csv"
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


def read(path: Path, most: float = 0.05) -> Reading:
    return join_readings(understood(read_chunks(path), most, where=path.name))


SAMPLES = [
    ({"type": "piscine"}, "type", "« piscine » (1, dont la ligne 10)", "unknown-type"),
    ({"type": "Conciergerie"}, "type", "« Conciergerie » (1,", "unknown-type"),
    ({"code": "AUCH"}, "code insee", "« AUCH » (1, dont la ligne 10)", "unknown-word"),
    ({"code": "320131"}, "code insee", "« 320131 »", "unknown-word"),
    ({"code": "3213X"}, "code insee", "« 3213X »", "unknown-word"),
    ({"x": "à venir"}, "longitude latitude", "« à venir 43.646 »", "unreadable-coordinates"),
    ({"x": "5860000"}, "longitude latitude", "« 5860000 43.646 »", "lost-decimal-point"),
    ({"x": "0.586 E"}, "longitude latitude", "« 0.586 E 43.646 »", "unreadable-coordinates"),
    ({"moves": "peut-être"}, "itinérant", "« peut-être » (1,", "unknown-word"),
]


@pytest.mark.parametrize(("odd", "column", "word", "rule"), SAMPLES)
def test_above_the_share_the_list_is_refused_with_its_words(
    odd: dict[str, str], column: str, word: str, rule: str, tmp_path: Path
) -> None:
    with pytest.raises(LayerError) as told:
        read(written(tmp_path, odd, 10))
    assert f"colonne « {column} »" in str(told.value) and word in str(told.value)
    assert "1 lignes sur 10" in str(told.value) and "--max-unknown" in str(told.value)


@pytest.mark.parametrize(("odd", "column", "word", "rule"), SAMPLES)
def test_below_the_share_the_words_are_counted_and_told_with_their_row(
    odd: dict[str, str], column: str, word: str, rule: str, tmp_path: Path
) -> None:
    reading = read(written(tmp_path, odd, 20))
    assert len(reading.rows) == 20
    assert [(each.rule, each.row) for each in reading.findings if each.rule == rule] == [(rule, 20)]


@pytest.mark.parametrize("chunk", [3, 7, 1000])
@pytest.mark.parametrize(("times", "refused"), [(2, False), (3, True)])
def test_the_share_is_of_the_whole_list_and_not_of_a_chunk(
    chunk: int, times: int, refused: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(text_tables, "CHUNK_ROWS", chunk)
    path = written(tmp_path, {"type": "piscine"}, 40, times)
    if refused:
        with pytest.raises(
            LayerError, match=r"3 lignes sur 40 .* « piscine » \(3, dont la ligne 38"
        ):
            read(path)
    else:
        assert len(read(path).rows) == 40


@pytest.mark.parametrize("chunk", [3, 1000])
def test_a_list_joined_of_its_chunks_keeps_the_words_that_are_not_understood(
    chunk: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(text_tables, "CHUNK_ROWS", chunk)
    heard = read(written(tmp_path, {"type": "piscine", "code": "AUCH"}, 40, 4), 0.1).heard
    assert heard is not None
    assert {(each.word, each.rows, each.line, each.of) for each in heard.unread} == {
        ("piscine", 4, 37, 40),
        ("AUCH", 4, 37, 40),
    }


@pytest.mark.parametrize("code", ["A101", "G104", "F307"])
def test_a_code_of_the_bpe_that_is_no_type_of_ours_is_understood(code: str, tmp_path: Path) -> None:
    assert len(read(written(tmp_path, {"type": code}, 4, 4)).rows) == 4


@pytest.mark.parametrize("nothing", ["", "null", "NaN"])
def test_what_says_nothing_is_not_a_word(nothing: str, tmp_path: Path) -> None:
    odd = {"type": nothing, "code": nothing, "x": nothing}
    assert len(read(written(tmp_path, odd, 4, 3)).rows) == 4


def test_the_command_refuses_and_keeps_nothing_unless_it_is_told_to(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = written(tmp_path, {"type": "piscine"}, 4)
    command = ["referentials", "import", str(path), "--name", "l", "--workspace", str(tmp_path)]
    for words in ([], ["--dry-run"]):
        assert cli.main([*command, *words]) == 1
        assert "« piscine » (1, dont la ligne 4)" in capsys.readouterr().err
    assert not list(tmp_path.glob("referentials/*/*"))
    assert cli.main([*command, "--max-unknown", "0.25"]) == 0
