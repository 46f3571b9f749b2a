"""Fetch an official source into the cache: resumed where it was cut, verified, tried again, never
over a whole file.
"""

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

from geoguichet.floor.errors import FetchError, GeoguichetError, UsageError
from geoguichet.floor.files import read_toml, refused, sha256
from geoguichet.floor.http import Client, HttpError, UnreachableError
from geoguichet.floor.words import Message

# The official sources: what each is, who publishes it, where it is taken from.

#: Those delivered with us.
SOURCES = Path(__file__).with_name("sources.toml")


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
    #: ``page`` when the address is a page to choose a file on, and nothing can be fetched alone.
    format: str
    #: Key of a published format, ``generic``, or empty.
    reader: str
    #: SHA-256, when the file never changes.
    digest: str = ""
    #: Keys of the formats this source was published in before.
    earlier: tuple[str, ...] = ()
    #: Where the publisher says what it is, and a person finds the file when its address changes.
    page: str = ""


def official_sources(path: Path | None = None) -> Mapping[str, OfficialSource]:
    """Return the sources by name, those delivered with us or those of a file in the same form.

    Raises
    ------
    UsageError
        The file is missing, is not TOML, or a source lacks a key or has one of another kind.
    """
    file = path or SOURCES
    try:
        document = read_toml(file, kind=UsageError)
        for name, entry in document.items():
            _check_kinds(file, name, entry)
        return {
            name: OfficialSource(name=name, **{**entry, "earlier": tuple(entry.get("earlier", ()))})
            for name, entry in document.items()
        }
    except FileNotFoundError as error:
        raise UsageError(
            Message(
                "{file} : cette liste de sources n'existe pas ; essayez sans --sources : celles "
                "livrées avec Géoguichet.",
                file=file,
            )
        ) from error
    except (AttributeError, TypeError) as error:
        expected = ", ".join(each.name for each in fields(OfficialSource) if each.name != "name")
        raise UsageError(
            Message(
                "{file} : une source est mal décrite ({error}) ; clés attendues : {expected}.",
                file=file,
                error=error,
                expected=expected,
            )
        ) from error


# Refuse a source whose name is no folder's, or a value of another kind than its key takes.
def _check_kinds(file: Path, name: str, entry: Mapping[str, object]) -> None:
    if not re.fullmatch(r"[\w-]+", name):
        raise UsageError(
            Message(
                "{file}, source « {name} » : un nom fait de lettres, de chiffres et de tirets est "
                "attendu ; essayez : [ma-source].",
                file=file,
                name=name,
            )
        )
    for key, value in entry.items():
        listed = key == "earlier"
        if isinstance(value, str) if not listed else _texts(value):
            continue
        raise UsageError(
            Message(
                "{file}, source « {name} », clé « {key} » : {expected}, {value} est donné ; "
                "essayez : {key} = {example}.",
                file=file,
                name=name,
                key=key,
                expected=Message("une liste de textes est attendue")
                if listed
                else Message("un texte est attendu"),
                value=repr(value)[:60],
                example='["…"]' if listed else '"…"',
            )
        )


def _texts(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(one, str) for one in value)


#: Readers of any table of communes and any outlines: they prove nothing of who made the file.
ANYBODY = frozenset({"generic", "populations", "limites"})


def source_of(reader: str, name: str = "") -> OfficialSource | None:
    """Return the official source of that name, else that which publishes, or published, a format;
    None when it is nobody's, or when anybody writes files that are read so.
    """
    sources = official_sources()
    found = (source for source in sources.values() if reader in {source.reader, *source.earlier})
    published = next(found, None) if reader and reader not in ANYBODY else None
    return sources.get(name, published)


ATTEMPTS = 4
#: Bytes and seconds above which a download is given up.
LARGEST, LONGEST_S = 2 * 1024**3, 3600.0
#: Silence of the server after which an attempt is given up.
TIMEOUT_S = 30.0
HTML = (b"<!doctype html", b"<html")


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a download is."""

    name: str
    #: Bytes on disk.
    received: int
    #: Bytes announced; None when the server does not say.
    total: int | None
    #: The whole file, at the end.
    file: Path | None = None
    #: True at the end when this content is a new version.
    changed: bool = False


def fetch(
    source: OfficialSource,
    cache: Path,
    *,
    attempts: int = ATTEMPTS,
    timeout_s: float = TIMEOUT_S,
    wait_s: float = 1.0,
    largest: int = LARGEST,
    longest_s: float = LONGEST_S,
) -> Iterator[Progress]:
    """Fetch a source, yielding how far it is; the last one has the file.

    The file is ``<cache>/<name>/<digest>/<file name>``: a changed content is a new version beside
    the others. What was received of a cut download is kept and resumed, now or at the next call, if
    the server still has that content.

    Parameters
    ----------
    wait_s
        Seconds before the second attempt; doubled each time.
    largest, longest_s
        Bytes and seconds above which it is given up.

    Raises
    ------
    FetchError Nothing to fetch at that address, no network, an error page, a redirect loop, a wrong
        length or digest.
    """
    if source.format == "page" or urlsplit(source.address).scheme not in {"http", "https"}:
        raise FetchError(
            f"{source.name} : l'adresse est une page où choisir un fichier, {source.address} ; "
            "téléchargez-le, "
            "puis « geoguichet referentials import FICHIER »."
        )
    home = cache / source.name
    part = home / "download.part"
    client = Client(
        tries=attempts,
        timeout_s=timeout_s,
        total_s=longest_s,
        largest=largest,
        pause_s=wait_s,
        elsewhere=True,
    )
    with (
        refused(
            OSError,
            say=lambda error: (
                f"{home} : écriture impossible ({error.strerror or error}) ; vérifiez la place."
            ),
            kind=FetchError,
        ),
        refused(
            HttpError,
            say=lambda error: f"{source.name} : {_told(source, error, part, attempts)}",
            kind=FetchError,
        ),
    ):
        home.mkdir(parents=True, exist_ok=True)
        for received, total in client.download(source.address, part):
            yield Progress(source.name, received, total)
        yield _settle(source, part, home)


def fetch_each(
    sources: Iterable[OfficialSource], cache: Path, *, on_progress: Callable[[Progress], None]
) -> tuple[dict[str, Path], dict[str, GeoguichetError]]:
    """Fetch sources one after the other; return the files of those that came, and why the others
    did not, by name.
    """
    files, refusals = dict[str, Path](), dict[str, GeoguichetError]()
    for source in sources:
        try:
            for progress in fetch(source, cache):
                on_progress(progress)
                if progress.file is not None:
                    files[source.name] = progress.file
        except FetchError as refusal:
            refusals[source.name] = refusal
    return files, refusals


# Return what a download that fails means for who asked for it.
def _told(source: OfficialSource, error: HttpError, part: Path, attempts: int) -> str:
    reason = error.french.removesuffix(".")
    if isinstance(error, UnreachableError):
        host = urlsplit(source.address).hostname
        return (
            f"pas de réseau jusqu'à {host} ({reason}) ; hors ligne ou derrière un mandataire, "
            "téléchargez le fichier ailleurs puis importez-le. Les versions présentes restent "
            "utilisables."
        )
    if error.again:
        return (
            f"téléchargement interrompu {attempts} fois ({reason}) ; relancez, il reprendra à "
            f"{_size(part)} octets. Les versions présentes restent utilisables."
        )
    if 300 <= error.status < 400:
        return f"l'adresse renvoie sans fin vers une autre ({source.address})."
    return (
        f"le serveur répond {error.status} à {source.address} ; l'adresse a sans doute changé"
        + (f", voyez {source.page}." if source.page else ".")
        if error.status
        else error.french
    )


# Verify what was received and give it its place.
def _settle(source: OfficialSource, part: Path, home: Path) -> Progress:
    with part.open("rb") as file:
        head = file.read(512).lstrip().lower()
    digest = sha256(part)
    size = _size(part)
    kind = json.loads(part.with_suffix(".json").read_text(encoding="utf-8"))["type"]
    wrong = ""
    if size == 0:
        wrong = "le fichier reçu est vide"
    elif head.startswith(HTML) and source.format.lower() != "html":
        wrong = f"une page web a été reçue au lieu d'un fichier {source.format} ({kind})"
    elif source.digest and digest != source.digest:
        wrong = f"l'empreinte est {digest[:12]}, {source.digest[:12]} est attendue"
    if wrong:
        part.unlink()
        raise FetchError(
            f"{source.name} : {wrong} ; rien n'est gardé, les versions présentes restent "
            "utilisables."
        )
    folder = home / digest[:12]
    file_name = re.sub(r"[^\w.-]", "_", Path(urlsplit(source.address).path).name) or source.name
    changed = not (folder / file_name).exists()
    if changed:
        folder.mkdir(exist_ok=True)
        part.replace(folder / file_name)
        (folder / "fetched.json").write_text(
            json.dumps(
                asdict(
                    Fetched(
                        source.name,
                        digest,
                        file_name,
                        size,
                        datetime.now(UTC).isoformat(timespec="seconds"),
                    )
                ),
                ensure_ascii=False,
            ),
            encoding="utf-8",
        )
    part.unlink(missing_ok=True)
    return Progress(source.name, size, size, folder / file_name, changed)


@dataclass(frozen=True, slots=True)
class Fetched:
    """A whole file of the cache."""

    name: str
    digest: str
    file: str
    bytes: int
    #: When, in UTC.
    fetched: str


def cached(cache: Path) -> Mapping[str, list[Fetched]]:
    """Return the whole files of a cache by source, the oldest first."""
    found: dict[str, list[Fetched]] = {}
    for note in sorted(cache.glob("*/*/fetched.json")):
        try:
            entry = Fetched(**json.loads(note.read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError):
            continue
        found.setdefault(entry.name, []).append(entry)
    return {
        name: sorted(entries, key=lambda entry: entry.fetched) for name, entries in found.items()
    }


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0
