"""How the keys of a TOML file are declared: what each takes, how a wrong one is refused, what it
means.

A study, or a region, is dataclasses (:class:`Table`) whose fields are annotated: ``Annotated[float,
quantity("length"), About("…")]``. Pydantic reads them by two doors. From a file, under the names of
the keys, as people write them (``buffer = "40 km"``): what is wrong is said in one sentence. From a
manifest, under the names of the fields, as plain values (``buffer_m: 40000.0``).

What a key takes may depend on what stands elsewhere in the file: its reader gives that to
:func:`read` as ``asked``, an object of its own kind, and every key of it is handed that object.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, fields, is_dataclass
from datetime import date
from functools import cache, partial
from typing import TYPE_CHECKING, Any, ClassVar, cast, get_args, get_origin, get_type_hints

from geoguichet.floor.errors import UsageError
from geoguichet.floor.viewer import WORDS, VisibilityError, audience
from geoguichet.floor.words import Cost, Message, Unit, _

# Pydantic takes a fifth of a second to open: who only wants the defaults of a table does without.
if TYPE_CHECKING:
    from pydantic import (
        GetCoreSchemaHandler,
        GetJsonSchemaHandler,
        TypeAdapter,
        ValidationInfo,
        ValidatorFunctionWrapHandler,
    )
    from pydantic_core import CoreSchema

type Json = dict[str, Any]

#: Units of each kind of quantity, in metres, square metres, euros, seconds or shares of 1.
_UNITS = {
    "length": {"m": 1.0, "km": 1000.0},
    "area": {"ha": 1e4, "km2": 1e6, "km²": 1e6},
    "money": {"EUR": 1.0, "kEUR": 1000.0, "MEUR": 1_000_000.0},
    "duration": {"s": 1.0, "min": 60.0},
    "minutes": {"s": 1.0, "min": 60.0, "h": 3600.0},
    "share": {"%": 0.01},
}
_EXAMPLES = {
    "length": "8 km",
    "area": "5 km2",
    "money": "10000 EUR",
    "duration": "60 s",
    "minutes": "20 min",
    "share": "90 %",
}
_NUMBER = "[0-9]+(?:[ _][0-9]+)*(?:[.,][0-9]+)?"
_QUANTITY = re.compile(rf"({_NUMBER}) ?([A-Za-z]+[2²]?|%)")
_LONGEST_QUANTITY = 40
_EARTH_M = 20_004_000.0  # half a meridian: no place is farther


class BadKeyError(ValueError):
    """What is wrong with a value (a sentence and its fields), and what to try.

    ``key`` is set when it is inside the table at hand. The remedy may name the ``{key}``, its
    ``{table}`` and the whole ``{place}``.
    """

    def __init__(
        self, what: str, remedy: Message | str, /, *, key: str = "", **values: object
    ) -> None:
        super().__init__(what)
        self.what, self.remedy, self.key = Message(what, **values), remedy, key

    def at(self, file: str, *place: str) -> str:
        """Say the refusal: file, key, what was expected, what came, what to try."""
        place = (*place, *filter(None, self.key.split(".")))
        named = {
            "key": place[-1],
            "table": f"[{'.'.join(place[:-1])}]" if place[1:] else _("la racine du fichier"),
            "place": ".".join(place),
        }
        return refusal(
            file,
            named["place"],
            self.what,
            re.sub(r"\{(key|table|place)\}", lambda found: named[found[1]], str(self.remedy)),
        )


def refusal(file: str, key: str, what: object, remedy: object) -> str:
    """Return the sentence that says what is wrong at a key of a file, and what to try."""
    return _(
        "{file}, clé « {key} » : {what} ; essayez : {remedy}.",
        file=file,
        key=key,
        what=what,
        remedy=remedy,
    )


def read_at(place: str, taken: Taken, value: Any) -> Any:
    """Return a value that stands at a place inside the table at hand; the refusal names it."""
    try:
        return taken.read(value, None)
    except BadKeyError as wrong:
        wrong.key = place
        raise


def shortened(value: object) -> str:
    """Return a value as it can be quoted in a sentence."""
    told = repr(value)
    return told if len(told) <= 60 else f"{told[:57]}..."


#: Known values that a refusal tells.
_MOST_NAMED = 100


def known(name: str, names: Collection[str], *, key: str = "") -> str:
    """Return a name refused unless it is one of those known; the refusal tells the closest."""
    if name in names:
        return name
    close = difflib.get_close_matches(name, list(names), n=1)
    listed = [*names] if len(names) <= _MOST_NAMED else [*[*names][:_MOST_NAMED], "…"]
    every = Message("l'une des valeurs connues : {names}", names=", ".join(listed))
    raise BadKeyError(
        "{value} est inconnu", f'"{close[0]}"' if close else every, key=key, value=shortened(name)
    )


@dataclass(frozen=True, slots=True)
class About:
    """What a key means, in French: for editors, forms and the planner's guide."""

    text: str

    def __get_pydantic_json_schema__(self, core: CoreSchema, handler: GetJsonSchemaHandler) -> Json:
        return {**handler(core), "description": _(self.text)}


# What a key takes.


@dataclass(frozen=True, slots=True, eq=False)  # hashed by typing before 3.12.2, whatever it holds
class Taken:
    """What a key takes: how it is read, and how that is told to a machine."""

    #: Makes the value of what is written, or raises :class:`BadKeyError`.
    read: Callable[[Any, Any], Any]
    #: JSON Schema of what is written.
    schema: Json
    #: Writes a value as in a file.
    written: Callable[[Any], Any] = lambda value: value
    #: How the value of a manifest is read; by the type of the field without it.
    kept: CoreSchema | None = None

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        from pydantic_core import core_schema

        return core_schema.with_info_wrap_validator_function(
            self._read, self.kept or handler(source), metadata={"written": self.written}
        )

    def _read(
        self, value: Any, plain: ValidatorFunctionWrapHandler, info: ValidationInfo[Any]
    ) -> Any:
        return plain(value) if info.context is None else self.read(value, info.context)

    def __get_pydantic_json_schema__(self, core: CoreSchema, handler: GetJsonSchemaHandler) -> Json:
        return dict(self.schema)


def text(*, blank: bool = False) -> Taken:
    """Take a text; ``blank``: it may be empty."""

    def read(value: Any, asked: Any) -> str:
        if not isinstance(value, str) or not (blank or value.strip()):
            raise BadKeyError(
                "un texte est attendu, {value} est donné", '{key} = "…"', value=shortened(value)
            )
        return value

    return Taken(read, {"type": "string"} | ({} if blank else {"minLength": 1}))


def slug(reserved: Collection[str] = ()) -> Taken:
    """Take an identifier fit for a folder's name or a column's."""
    form = "[a-z0-9][a-z0-9_-]{0,62}"

    def read(value: Any, asked: Any) -> str:
        if value in reserved:
            raise BadKeyError("ce nom de besoin est réservé", f'"{value}_public"')
        if not re.fullmatch(form, text().read(value, asked)):
            raise BadKeyError(
                "un identifiant en minuscules sans accent ni espace est attendu, {value} est donné",
                Message('par exemple "zones-blanches-2026"'),
                value=shortened(value),
            )
        return str(value)

    return Taken(read, {"type": "string", "pattern": f"^{form}$"})


#: Some names, which the rest of the file may give.
type Names = Collection[str] | Callable[[Any], Collection[str]]


def one_of(among: Names) -> Taken:
    """Take one of some names."""

    def read(value: Any, asked: Any) -> str:
        names = among(asked) if callable(among) else among
        return known(text(blank=True).read(value, asked), names)

    return Taken(read, _name(among))


def texts(among: Names | None = None, *, empty: bool = True) -> Taken:
    """Take a list of texts, each given once; ``empty``: it may have none."""

    def read(value: Any, asked: Any) -> tuple[str, ...]:
        listed = isinstance(value, list | tuple) and all(isinstance(item, str) for item in value)
        if not listed or not (value or empty):
            told, remedy = shortened(value), '{key} = ["…", "…"]'
            raise BadKeyError(
                "une liste de textes est attendue, {value} est donné", remedy, value=told
            )
        seen: set[str] = set()
        for item in value:
            if item in seen:
                told, once = shortened(item), Message("gardez-le une fois")
                raise BadKeyError("{value} est donné deux fois", once, value=told)
            if among is not None:
                known(item, among(asked) if callable(among) else among)
            seen.add(item)
        return tuple(value)

    least = {} if empty else {"minItems": 1}
    return Taken(read, {"type": "array", "items": _name(among), "uniqueItems": True} | least)


def seen_by() -> Taken:
    """Take who sees what is published: a word, or a list of SIRENs."""

    def read(value: Any, asked: Any) -> str | tuple[str, ...]:
        try:
            audience(value)
        except VisibilityError as error:
            raise BadKeyError(
                "draft, partners, public ou une liste de SIREN est attendu, {value} est donné",
                '{key} = "partners"',
                value=shortened(value),
            ) from error
        return value if isinstance(value, str) else tuple(value)

    siren = {"type": "string", "pattern": "^[0-9]{9}$"}
    listed = {"type": "array", "items": siren, "minItems": 1}
    examples: list[Any] = [*WORDS, ["200053791"]]
    told = {"anyOf": [{"type": "string", "enum": list(WORDS)}, listed], "examples": examples}
    return Taken(read, told)


def _name(among: Names | None) -> Json:
    listed = {} if among is None or callable(among) else {"enum": list(among)}
    return {"type": "string", **listed}


def whole(low: int, high: int) -> Taken:
    """Take a whole number."""

    def read(value: Any, asked: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            raise BadKeyError(
                "un entier de {low} à {high} est attendu, {value} est donné",
                f"{{key}} = {low}",
                **{"low": str(low), "high": str(high), "value": shortened(value)},
            )
        return value

    return Taken(read, {"type": "integer", "minimum": low, "maximum": high})


def number(low: float, high: float) -> Taken:
    """Take a number."""

    def read(value: Any, asked: Any) -> float:
        of_numbers = isinstance(value, int | float) and not isinstance(value, bool)
        if not of_numbers or not low <= value <= high:
            raise BadKeyError(
                "un nombre de {low} à {high} est attendu, {value} est donné",
                f"{{key}} = {low:g}",
                **{"low": f"{low:g}", "high": f"{high:g}", "value": shortened(value)},
            )
        return float(value)

    return Taken(read, {"type": "number", "minimum": low, "maximum": high})


def flag() -> Taken:
    """Take true or false."""

    def read(value: Any, asked: Any) -> bool:
        if not isinstance(value, bool):
            raise BadKeyError(
                "true ou false est attendu, {value} est donné",
                "{key} = true",
                value=shortened(value),
            )
        return value

    return Taken(read, {"type": "boolean"})


def quantity(kind: str, *, zero: bool = False) -> Taken:
    """Take a positive number with its unit, such as ``"25 km"``: metres, square metres, euros,
    seconds, or a share of 1.
    """
    unit, size = next(iter(_UNITS[kind].items()))
    return Taken(
        lambda value, asked: amount(value, kind, zero=zero),
        measured(kind),
        written=lambda value: f"{_figure(value / size)} {unit}",
    )


def cost_written(cost: Cost) -> str:
    """Write a distance or a time in the unit in which people say it: ``8 km``, ``20 min``."""
    small, large, size = ("m", "km", 1000.0) if cost.unit is Unit.METRES else ("s", "min", 60.0)
    told = float(cost) / size
    in_large = float(cost) >= size and round(told, 3) * size == float(cost)
    return f"{_figure(told)} {large}" if in_large else f"{_figure(float(cost))} {small}"


# Write a number as a file has it: never with an exponent.
def _figure(value: float) -> str:
    return f"{value:.12f}".rstrip("0").rstrip(".")


def amount(value: Any, kind: str, *, zero: bool = False) -> float:
    """Return a number with its unit, in the first unit of its kind."""
    units, told = _UNITS[kind], {"value": shortened(value)}
    remedy = f'{{key}} = "{_EXAMPLES[kind]}"'
    short = isinstance(value, str) and len(value) <= _LONGEST_QUANTITY
    match = _QUANTITY.fullmatch(value.strip()) if short else None
    if match is None or match[2] not in units:
        raise BadKeyError(
            "un nombre suivi de son unité ({units}) est attendu, {value} est donné",
            remedy,
            **told | {"units": ", ".join(units)},
        )
    found = float(re.sub(r"[ _]", "", match[1]).replace(",", ".")) * units[match[2]]
    if kind == "length" and found > _EARTH_M:
        raise BadKeyError(
            "une longueur sur la Terre est attendue, {value} est donné", remedy, **told
        )
    if kind == "share" and found > 1:
        raise BadKeyError(
            "une part d'au plus 100 % est attendue, {value} est donné", remedy, **told
        )
    if found == 0 and not zero:
        raise BadKeyError(
            "une valeur supérieure à zéro est attendue, {value} est donné", remedy, **told
        )
    return found


def measured(*kinds: str) -> Json:
    """Return the JSON Schema of a number with its unit, of any of those kinds."""
    units = [unit for kind in kinds for unit in _UNITS[kind]]
    return {
        "type": "string",
        "pattern": f"^{_NUMBER} ?({'|'.join(units)})$",
        "examples": [_EXAMPLES[kind] for kind in kinds],
        "x-units": units,
    }


def day() -> Taken:
    """Take a day, given as a TOML date or as text."""

    def read(value: Any, asked: Any) -> str:
        try:
            return date.fromisoformat(str(value)).isoformat() if value != "" else ""
        except ValueError as error:
            told, remedy = shortened(value), "{key} = 2026-11-22"
            raise BadKeyError(
                "un jour est attendu, {value} est donné", remedy, value=told
            ) from error

    return Taken(read, {"type": "string", "format": "date"})


# Tables.


def key_of(field: str) -> str:
    """Return the key of a field: its name without the unit, which in a file goes with the value."""
    return re.sub(r"_(m2?|s|eur|layer)$", "", field)


class Table:
    """A table of a file: a dataclass whose fields say what their keys take."""

    __pydantic_config__: ClassVar[Json] = {"alias_generator": key_of}

    def check(self, asked: Any) -> None:
        """Raise :class:`BadKeyError` where keys contradict each other."""

    @classmethod
    def completed(cls, given: Json, asked: Any) -> Json:
        """Return the keys given with those that others imply."""
        return given

    @classmethod
    def unknown(cls, key: str, keys: Collection[str]) -> BadKeyError:
        """Return the refusal of a key that is none of its own."""
        close = difflib.get_close_matches(key, keys, n=1)
        listed = Message("les clés connues : {keys}", keys=", ".join(sorted(keys)))
        every = listed if keys else Message("retirez-la")
        return BadKeyError("cette clé est inconnue", close[0] if close else every, key=key)

    @classmethod
    def lacking(cls, key: str, given: Json) -> BadKeyError:
        """Return the refusal of a table without a key that it needs."""
        return BadKeyError(
            "cette clé est attendue et manque",
            Message("ajoutez {key} = … dans {table}", key=key, table="{table}"),
            key=key,
        )

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        from pydantic_core import core_schema

        built: Any = {**handler.resolve_ref_schema(handler(source))}
        keys = {
            one["validation_alias"]: one["schema"]["type"] != "default"
            for one in built["schema"]["fields"]
            if one["validation_alias"][0] != "<"
        }
        # What other tables refer to is the whole of it, not what is built alone.
        return core_schema.with_info_wrap_validator_function(
            partial(cls._read, keys), built, ref=built.pop("ref")
        )

    # Build the table; ``keys`` are its own, and whether each is needed.
    @classmethod
    def _read(
        cls,
        keys: Mapping[str, bool],
        value: Any,
        build: ValidatorFunctionWrapHandler,
        info: ValidationInfo[Any],
    ) -> Any:
        if info.context is None:
            return build(_with_costs(value) if isinstance(value, Mapping) else value)
        given = mapping(value)
        strange = [key for key in given if key not in keys]
        for key in keys:
            if keys[key] and key not in given:
                # Misspelt rather than missing, where what is there looks like it.
                meant = difflib.get_close_matches(key, strange, n=1)
                raise cls.unknown(meant[0], keys) if meant else cls.lacking(key, given)
        table = build(cls.completed(given, info.context))
        if strange:
            raise cls.unknown(strange[0], keys)
        table.check(info.context)
        return table


def mapping(value: Any) -> Json:
    """Return the keys of a table, refused when it is none."""
    if not isinstance(value, Mapping):
        raise BadKeyError(
            "une table est attendue, {value} est donné",
            Message("[{place}] suivi de ses clés", place="{place}"),
            value=shortened(value),
        )
    return dict(value)


# Return the values of a manifest, each cost whole: it has a key for each unit there (``within_m``,
# ``within_s``), null but for its own.
def _with_costs(values: Mapping[str, Any]) -> Json:
    metres = {key[:-2] for key in values if key.endswith("_m")}
    twins = [name for name in metres if f"{name}_s" in values]
    costs: Json = dict.fromkeys(twins)
    for name in twins:
        for unit in Unit:
            if (number := values[unit.column(name)]) is not None:
                costs[name] = Cost(number, unit)
    return {**values, **costs}


@dataclass(frozen=True, slots=True)
class Written:
    """What a file writes in another shape than it is kept in: as tables under names, for one."""

    #: The table, or the ``dict`` of them, that a file has.
    shape: Any
    #: Makes what is kept.
    build: Callable[[Any, Any], Any]
    #: JSON Schema of what may be written instead, when the table that holds it sees to it.
    other: Json | None = None
    #: Makes of what is kept the values of the shape: the inverse of ``build``.
    unbuilt: Callable[[Any], Any] = dict

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        from pydantic_core import core_schema

        table = core_schema.no_info_before_validator_function(
            mapping, handler.generate_schema(self.shape)
        )
        built = core_schema.with_info_after_validator_function(
            lambda value, info: self.build(value, info.context), table
        )
        doors = {"<file>": built, "<manifest>": handler(source)}
        return core_schema.with_info_before_validator_function(
            lambda value, info: ("<manifest>" if info.context is None else "<file>", value),
            core_schema.tagged_union_schema(
                {
                    door: core_schema.no_info_before_validator_function(
                        lambda marked: marked[1], schema
                    )
                    for door, schema in doors.items()
                },
                discriminator=lambda marked: marked[0],
            ),
        )

    def __get_pydantic_json_schema__(self, core: Any, handler: GetJsonSchemaHandler) -> Json:
        found = handler(core["schema"]["choices"]["<file>"])
        return {"anyOf": [found, self.other]} if self.other else found


@dataclass(frozen=True, slots=True)
class Listed:
    """A list of tables."""

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        from pydantic_core import core_schema

        return core_schema.no_info_before_validator_function(self._checked, handler(source))

    def _checked(self, value: Any) -> Any:
        tables = isinstance(value, list | tuple)
        if not tables or not all(isinstance(one, Mapping) for one in value):
            remedy, told = Message("[[{place}]] et ses clés", place="{place}"), shortened(value)
            raise BadKeyError(
                "une liste de tables est attendue, {value} est donné", remedy, value=told
            )
        return value


# Reading, and what is told of the keys.


@cache
def _reader(kind: Any) -> TypeAdapter[Any]:
    from pydantic import TypeAdapter

    return TypeAdapter(kind)


def read[T](
    kind: type[T], value: Any, asked: object, file: str, *tables: str, refused: type[UsageError]
) -> T:
    """Return what a file says in those tables, one inside the other; the whole file without any.

    Raises
    ------
    refused
        A key is unknown, missing, of the wrong kind or out of range; the message names it.
    """
    from pydantic_core import ValidationError

    try:
        found: T = _reader(cast("Any", kind)).validate_python(value, context=asked)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise refused(first["ctx"]["error"].at(file, *tables, *_inside(first["loc"]))) from error
    return found


def wrong_at(refused: UsageError) -> tuple[str, str]:
    """Return the place of the key that :func:`read` refused, dots between its tables, and what is
    wrong with it; no place, and the whole sentence, for another refusal.
    """
    cause: Any = refused.__cause__
    if not hasattr(cause, "errors"):
        return "", str(refused)
    first = cause.errors(include_url=False)[0]
    wrong: BadKeyError = first["ctx"]["error"]
    return ".".join([*_inside(first["loc"]), *filter(None, [wrong.key])]), str(wrong.what)


def read_plain[T](kind: type[T], values: Any) -> T:
    """Return what a manifest holds, under the names of the fields; it knows other keys or fewer.

    Raises
    ------
    ValueError
        A value is missing and has no default, or is of the wrong kind.
    """
    from pydantic_core import ValidationError

    try:
        found: T = _reader(cast("Any", kind)).validate_python(values, by_alias=False, by_name=True)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise ValueError(f"{'.'.join(_inside(first['loc']))} : {first['msg']}") from error
    return found


# Name a place: positions in a list are not told, nor what pydantic adds, which begins so.
def _inside(place: tuple[int | str, ...]) -> list[str]:
    return [part for part in place if isinstance(part, str) and part[0] not in "<["]


def as_written(table: Any) -> Json:
    """Return a table as a file writes it, what it says by default left out: :func:`read` makes the
    same of it.
    """
    written: Json = {}
    kinds = get_type_hints(type(table), include_extras=True)
    for one in fields(table):
        value, metadata = getattr(table, one.name), getattr(kinds[one.name], "__metadata__", ())
        usual = one.default_factory() if callable(one.default_factory) else one.default
        alias = next((told.alias for told in metadata if getattr(told, "alias", None)), "")
        key = alias.strip("<>") or key_of(one.name)
        if value == usual or (alias.startswith("<") and "." not in key):
            continue
        place = written
        *above, last = key.split(".")
        for name in above:
            place = place.setdefault(name, {})
        place[last] = _as_written(value, metadata)
    return written


# Return a value as a file writes it; what it is annotated with says how.
def _as_written(value: Any, metadata: Iterable[Any]) -> Any:
    for told in metadata:
        if isinstance(told, Taken):
            kept = told.written(value)
            return list(kept) if isinstance(kept, tuple) else kept
        if isinstance(told, Written):
            shaped = told.unbuilt(value)
            if get_origin(told.shape) is not dict:
                return as_written(shaped)
            inside = getattr(get_args(told.shape)[1], "__metadata__", ())
            return {key: _as_written(each, inside) for key, each in shaped.items()}
    if isinstance(value, tuple):
        return [_as_written(each, ()) for each in value]
    return as_written(value) if is_dataclass(value) else value


def as_plain(value: Any) -> Any:
    """Return what :func:`read_plain` reads, ready for JSON: each cost under a key a unit."""
    if isinstance(value, tuple):
        return [as_plain(one) for one in value]
    if not is_dataclass(value) or isinstance(value, type):
        return value
    plain: Json = {}
    kinds = get_type_hints(type(value))
    for one in fields(value):
        inside = getattr(value, one.name)
        if Cost in (kinds[one.name], *get_args(kinds[one.name])):
            number = {} if inside is None else {inside.unit: float(inside)}
            plain |= {unit.column(one.name): number.get(unit) for unit in Unit}
        else:
            plain[one.name] = as_plain(inside)
    return plain
