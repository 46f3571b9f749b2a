"""A table of a study's file being read: keys converted and checked, refusals that name the file and
the key.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from typing import Any

from geoguichet.coverage.errors import StudyError
from geoguichet.floor.units import Cost, Unit

_UNITS = {
    "length": {"m": 1.0, "km": 1000.0},
    "money": {"EUR": 1.0, "kEUR": 1000.0, "MEUR": 1_000_000.0},
    "duration": {"s": 1.0, "min": 60.0},
    "minutes": {"s": 1.0, "min": 60.0, "h": 3600.0},
    "share": {"%": 0.01},
}
_EXAMPLES = {
    "length": '"8 km"',
    "money": '"10000 EUR"',
    "duration": '"60 s"',
    "minutes": '"20 min"',
    "share": '"90 %"',
}
_QUANTITY = re.compile(r"([0-9]+(?:[ _][0-9]+)*(?:[.,][0-9]+)?) ?([A-Za-z]+|%)")
_LONGEST_QUANTITY = 40
_EARTH_M = 20_004_000.0  # half a meridian: no place is farther
_MISSING: Any = object()


def shortened(value: object) -> str:
    """Return a value as it can be quoted in a sentence."""
    told = repr(value)
    return told if len(told) <= 60 else f"{told[:57]}..."


class StudyTable:
    """One TOML table: it converts, checks, remembers what was asked of it, and names the file and
    the key in errors.
    """

    def __init__(self, values: Any, file: str, name: str) -> None:
        self._values: Mapping[str, Any] = values
        self._file = file
        self._name = name
        self._asked: set[str] = set()

    def keys(self) -> list[str]:
        """Return the keys of the table."""
        return list(self._values)

    def error(self, key: str, what: str, remedy: str) -> StudyError:
        """Return the refusal of a key: what is wrong, and what to try."""
        place = ".".join(part for part in (self._name, key) if part)
        return StudyError(f"{self._file}, clé « {place} » : {what} ; essayez : {remedy}.")

    def get(self, key: str, default: Any) -> Any:
        """Return a value as it stands."""
        self._asked.add(key)
        value = self._values.get(key, default)
        if value is _MISSING:
            raise self.error(
                key,
                "cette clé est attendue et manque",
                f"ajoutez {key} = … dans [{self._name or 'racine'}]",
            )
        return value

    def table(self, key: str, *, optional: bool = False) -> StudyTable:
        """Return a table inside this one; an optional one that is not there is empty."""
        value = self.get(key, {} if optional else _MISSING)
        name = ".".join(part for part in (self._name, key) if part)
        if not isinstance(value, Mapping):
            raise self.error(
                key,
                f"une table est attendue, {shortened(value)} est donné",
                f"[{name}] suivi de ses clés",
            )
        return StudyTable(value, self._file, name)

    def tables(self, key: str) -> list[StudyTable]:
        """Return a list of tables; empty when it is not there."""
        values = self.get(key, [])
        name = ".".join(part for part in (self._name, key) if part)
        if not isinstance(values, list) or not all(isinstance(value, Mapping) for value in values):
            raise self.error(
                key,
                f"une liste de tables est attendue, {shortened(values)} est donné",
                f"[[{name}]] et ses clés",
            )
        return [StudyTable(value, self._file, name) for value in values]

    def text(self, key: str, *, default: Any = _MISSING) -> str:
        """Return a text; only its default may be blank."""
        value = self.get(key, default)
        if not isinstance(value, str) or (not value.strip() and default is _MISSING):
            raise self.error(
                key, f"un texte est attendu, {shortened(value)} est donné", f'{key} = "…"'
            )
        return value

    def slug(self, key: str) -> str:
        """Return an identifier fit for a folder's name."""
        return self.check_slug(self.text(key), key)

    def check_slug(self, value: str, key: str | None = None) -> str:
        """Return a value refused unless it is an identifier; ``key`` is where it was given (None:
        as a key).
        """
        if not re.fullmatch(r"[a-z0-9][a-z0-9_-]{0,62}", value):
            raise self.error(
                value if key is None else key,
                "un identifiant en minuscules sans accent ni espace est attendu, "
                f"{shortened(value)} est donné",
                'par exemple "zones-blanches-2026"',
            )
        return value

    def texts(self, key: str, *, default: Any = _MISSING) -> tuple[str, ...]:
        """Return a list of texts, each given once."""
        value = self.get(key, default)
        if (
            not isinstance(value, list | tuple)
            or not all(isinstance(item, str) for item in value)
            or (not value and default is _MISSING)
        ):
            raise self.error(
                key,
                f"une liste de textes est attendue, {shortened(value)} est donné",
                f'{key} = ["…", "…"]',
            )
        doubled = [item for item in value if list(value).count(item) > 1]
        if doubled:
            raise self.error(
                key, f"{shortened(doubled[0])} est donné deux fois", "gardez-le une fois"
            )
        return tuple(value)

    def one_of(self, key: str, values: tuple[str, ...], *, default: str) -> str:
        """Return one of the values."""
        return self.known(self.text(key, default=default), values, key)

    def known(self, name: str, names: Any, key: str) -> str:
        """Return a name refused unless it is one of those known; the refusal tells the closest."""
        if name not in names:
            close = difflib.get_close_matches(name, list(names), n=1)
            remedy = f'"{close[0]}"' if close else "l'une des valeurs connues : " + ", ".join(names)
            raise self.error(key, f"{shortened(name)} est inconnu", remedy)
        return name

    def integer(self, key: str, *, low: int, high: int, default: Any = _MISSING) -> int:
        """Return a whole number."""
        value = self.get(key, default)
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            raise self.error(
                key,
                f"un entier de {low} à {high} est attendu, {shortened(value)} est donné",
                f"{key} = {low}",
            )
        return value

    def number(self, key: str, *, low: float, high: float, default: Any = _MISSING) -> float | None:
        """Return a number; None only when that is the default."""
        value = self.get(key, default)
        if value is None:
            return None
        if (
            isinstance(value, bool)
            or not isinstance(value, int | float)
            or not low <= value <= high
        ):
            raise self.error(
                key,
                f"un nombre de {low:g} à {high:g} est attendu, {shortened(value)} est donné",
                f"{key} = {low:g}",
            )
        return float(value)

    def flag(self, key: str, *, default: bool = False) -> bool:
        """Return true or false."""
        value = self.get(key, default)
        if not isinstance(value, bool):
            raise self.error(
                key, f"true ou false est attendu, {shortened(value)} est donné", f"{key} = true"
            )
        return value

    def quantity(self, key: str, kind: str, *, default: Any = _MISSING, zero: bool = False) -> Any:
        """Return a positive number with its unit, such as ``"25 km"``: metres, euros, seconds, or a
        share of 1.
        """
        value = self.get(key, default)
        if value is default and default is not _MISSING:
            return default
        units = _UNITS[kind]
        example = _EXAMPLES[kind]
        short = isinstance(value, str) and len(value) <= _LONGEST_QUANTITY
        match = _QUANTITY.fullmatch(value.strip()) if short else None
        if match is None or match[2] not in units:
            raise self.error(
                key,
                f"un nombre suivi de son unité ({', '.join(units)}) est attendu, "
                f"{shortened(value)} est donné",
                f"{key} = {example}",
            )
        amount = float(re.sub(r"[ _]", "", match[1]).replace(",", ".")) * units[match[2]]
        if kind == "length" and amount > _EARTH_M:
            raise self.error(
                key,
                f"une longueur sur la Terre est attendue, {shortened(value)} est donné",
                f"{key} = {example}",
            )
        if kind == "share" and amount > 1:
            raise self.error(
                key,
                f"une part d'au plus 100 % est attendue, {shortened(value)} est donné",
                f"{key} = {example}",
            )
        if amount < 0 or (amount == 0 and not zero):
            raise self.error(
                key,
                f"une valeur supérieure à zéro est attendue, {shortened(value)} est donné",
                f"{key} = {example}",
            )
        return amount

    def cost(self, key: str, unit: Unit, *, default: Any = _MISSING) -> Any:
        """Return the :class:`Cost` of a key: a distance for a router of distances (``"8 km"``), a
        time for a router of times (``"20 min"``).
        """
        kind = {Unit.METRES: "length", Unit.SECONDS: "minutes"}[unit]
        number = self.quantity(key, kind, default=default)
        return default if number is default else Cost(number, unit)

    def refuse_unknown(self) -> None:
        """Refuse the keys that were not asked for."""
        unknown = [key for key in self._values if key not in self._asked]
        if unknown:
            close = difflib.get_close_matches(unknown[0], sorted(self._asked), n=1)
            remedy = (
                f"{close[0]}" if close else "les clés connues : " + ", ".join(sorted(self._asked))
            )
            raise self.error(unknown[0], "cette clé est inconnue", remedy)
