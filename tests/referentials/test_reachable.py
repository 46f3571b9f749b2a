"""Whatever is registered is reached from a command, and whatever is defined or tested is used."""

import ast
import re
import tomllib
from collections import Counter
from inspect import signature
from pathlib import Path

import pytest

from geoguichet.commands.referentials import KINDS
from geoguichet.referentials.directory.schema import TEXT_COLUMNS
from geoguichet.referentials.directory.services import SERVICE_TYPES
from geoguichet.referentials.readers import registry
from geoguichet.referentials.readers.column_names import NAMES
from geoguichet.referentials.readers.column_tables import SERVICES, ColumnTable
from geoguichet.referentials.readers.conversions import CONVERSIONS
from geoguichet.referentials.readers.registry import FALLBACK, FORMATS, choose_reader
from geoguichet.referentials.readers.service_words import ANY_OTHER
from geoguichet.referentials.readers.tables_by_code import TABLES
from geoguichet.referentials.sources.fetch import official_sources, source_of

ROOT = Path(__file__).parents[2]
ROOMS = ("floor", "referentials", "catalogue", "coverage", "portal", "commands")


def tables_of_columns() -> dict[str, ColumnTable]:
    """The column tables of the formats that are nothing else."""
    reads = {key: kind.read for key, kind in FORMATS.items()}
    return {
        key: read.args[0]  # type: ignore[attr-defined]
        for key, read in reads.items()
        if isinstance(read.args[0], ColumnTable)  # type: ignore[attr-defined]
    }


def readers_by_name() -> set[str]:
    """``module.function`` of the formats that are no table of columns."""
    return {
        read.args[0]  # type: ignore[attr-defined]
        for read in (kind.read for kind in FORMATS.values())
        if isinstance(read.args[0], str)  # type: ignore[attr-defined]
    }


@pytest.mark.parametrize("key", FORMATS)
def test_a_format_is_read_by_a_command(key: str, tmp_path: Path) -> None:
    """``referentials import FILE --reader KEY`` takes it, and the kind of its rows has a schema."""
    kind = FORMATS[key].kind
    assert kind in {SERVICES, *TABLES}
    assert kind in KINDS, "« --as » does not offer it"
    assert choose_reader(tmp_path / "file", key=key).key == key
    recognised = FORMATS[key].recognised_by or FORMATS[key].first_line
    assert recognised or key in {*FALLBACK.values(), "chefs-lieux"}, "nothing leads to it"


def test_every_kind_has_a_reader_of_any_file() -> None:
    assert set(KINDS) == {SERVICES, *TABLES} == {SERVICES, *FALLBACK}


@pytest.mark.parametrize("name", sorted(readers_by_name()))
def test_a_reader_named_by_a_format_exists(name: str) -> None:
    module, _, function = name.partition(".")
    source = (Path(registry.__file__).parent / f"{module}.py").read_text(encoding="utf-8")
    defined = {node.name for node in ast.parse(source).body if isinstance(node, ast.FunctionDef)}
    assert function in defined


@pytest.mark.parametrize("key", tables_of_columns())
def test_a_table_of_columns_speaks_of_what_there_is(key: str) -> None:
    table = tables_of_columns()[key]
    schema = (
        {*NAMES, *TEXT_COLUMNS}
        if table.kind == SERVICES
        else {"x", "y", *TABLES[table.kind].text, *TABLES[table.kind].numbers}
    )
    assert set(table.columns) | set(table.defaults) | set(table.words) <= schema
    assert set(table.types.values()) <= set(SERVICE_TYPES)
    assert table.defaults.get("type", next(iter(SERVICE_TYPES))) in SERVICE_TYPES
    assert FORMATS[key].recognised_by <= {*table.required(), *FORMATS[key].recognised_by}
    for step in table.convert:
        options = set(step) - {"do"}
        assert options <= set(signature(CONVERSIONS[step["do"]]).parameters) - {"table", "journal"}


def test_every_conversion_is_asked_for() -> None:
    asked = {step["do"] for table in tables_of_columns().values() for step in table.convert}
    assert asked == set(CONVERSIONS)


def test_no_two_formats_are_recognised_alike() -> None:
    signs = Counter(
        (kind.recognised_by, kind.named_like, kind.first_line)
        for kind in FORMATS.values()
        if kind.recognised_by or kind.first_line
    )
    assert set(signs.values()) == {1}
    for table in tables_of_columns().values():
        assert not (table.labels and table.types.keys() - {ANY_OTHER}), "two vocabularies at once"


def test_publishers_are_those_of_the_official_sources() -> None:
    for key, kind in FORMATS.items():
        source = source_of(key)
        assert kind.publisher and kind.vintage, key
        if source is not None:
            assert (kind.publisher, kind.licence) == (source.publisher, source.licence), key
    named = {
        key for source in official_sources().values() for key in (source.reader, *source.earlier)
    }
    assert named <= {*FORMATS, registry.GENERIC, ""}


def test_the_guide_lists_every_format() -> None:
    text = (ROOT / "docs" / "referentials.md").read_text(encoding="utf-8")
    for key, kind in FORMATS.items():
        row = f"| `{key}` | {kind.title_fr} | {kind.publisher} | {kind.licence} | {kind.vintage} |"
        assert row in text, f"docs/referentials.md lacks the row\n{row}"


#: What makes a finding, its rule a literal among the arguments.
TELLING = {"Finding", "row_findings", "_of_rows", "tell", "tell_once"}


def test_the_guide_lists_every_rule() -> None:
    rules = set()
    for file in (ROOT / "referentials").rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and (
                getattr(node.func, "id", getattr(node.func, "attr", "")) in TELLING
            ):
                texts = [each.value for each in node.args if isinstance(each, ast.Constant)]
                rules |= {
                    text
                    for text in texts
                    if isinstance(text, str) and re.fullmatch(r"[a-z]+(-[a-z]+)*-[a-z]+", text)
                }
    text = (ROOT / "docs" / "referentials.md").read_text(encoding="utf-8")
    assert len(rules) > 50
    assert sorted(rule for rule in rules if f"`{rule}`" not in text) == []


def test_what_the_room_defines_is_used_by_the_product() -> None:
    """A function that only tests call is reached from no command (the reader of the BPE was)."""
    product = [file for room in ROOMS for file in (ROOT / room).rglob("*.py")]
    product += [
        ROOT / "cli.py",
        *(ROOT / "data").rglob("*.py"),
        *(ROOT / "notebooks").glob("*.ipynb"),
    ]
    product += (ROOT / "referentials").rglob("*.toml")
    words = Counter(
        word for file in product for word in re.findall(r"\w+", file.read_text(encoding="utf-8"))
    )
    for file in (ROOT / "referentials").rglob("*.py"):
        for node in ast.parse(file.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.FunctionDef | ast.ClassDef):
                assert words[node.name] > 1, f"{file.name}: {node.name} is named nowhere else"


def test_the_formats_are_lists_of_tables() -> None:
    """Each file of `formats/` is TOML whose tables are formats: a new list is a new table."""
    folder = ROOT / "referentials" / "readers" / "formats"
    tables = [tomllib.loads(file.read_text(encoding="utf-8")) for file in folder.glob("*.toml")]
    assert sorted(key for table in tables for key in table) == sorted(FORMATS)
