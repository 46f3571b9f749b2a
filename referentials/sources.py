"""The official sources: what each is, who publishes it, where it is taken from."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from importlib import resources
from pathlib import Path

from geoguichet.referentials.errors import UsageError


@dataclass(frozen=True, slots=True)
class OfficialSource:
    """One line of ``sources.toml``."""

    name: str
    title: str
    publisher: str
    licence: str
    vintage: str
    frequency: str
    address: str
    format: str
    """``page`` when the address is a page to choose a file on, and nothing can be fetched alone."""
    reader: str
    """Key of a published format, ``generic``, or empty."""
    digest: str = ""
    """SHA-256, when the file never changes."""
    earlier: tuple[str, ...] = ()
    """Keys of the formats this source was published in before."""


def official_sources(path: Path | None = None) -> Mapping[str, OfficialSource]:
    """Return the sources by name, those delivered with us or those of a file in the same form.

    Raises
    ------
    UsageError
        The file is missing, is not TOML, or a source lacks a key.
    """
    where = str(path or "sources.toml")
    try:
        if path is None:
            text = (resources.files("geoguichet.referentials") / "sources.toml").read_text(encoding="utf-8")
        else:
            text = path.read_text(encoding="utf-8")
        document = tomllib.loads(text)
        return {
            name: OfficialSource(name=name, **{**entry, "earlier": tuple(entry.get("earlier", ()))})
            for name, entry in document.items()
        }
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{where} : liste des sources illisible ({error}) ; du TOML en UTF-8 est attendu.") from error
    except (tomllib.TOMLDecodeError, TypeError) as error:
        expected = ", ".join(each.name for each in fields(OfficialSource) if each.name != "name")
        raise UsageError(f"{where} : une source est mal décrite ({error}) ; clés attendues : {expected}.") from error


def source_of(reader: str) -> OfficialSource | None:
    """Return the official source that publishes, or published, a format; None when it is nobody's."""
    found = (source for source in official_sources().values() if reader in {source.reader, *source.earlier})
    return next(found, None) if reader and reader != "generic" else None
