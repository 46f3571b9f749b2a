"""The report as a PDF, printed by the browser of the system: its print style sheet decides how it
looks.
"""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from geoguichet.coverage.errors import OutputError
from geoguichet.floor.words import Message, _

#: Names under which Debian and others install a browser that prints.
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
_SECONDS = 120


def write(page: Path, path: Path) -> None:
    """Print an HTML page to a PDF file; nothing is left behind when it cannot be done.

    Raises
    ------
    OutputError
        The page is not there, no browser is installed, or it did not print.
    """
    if not page.is_file():
        raise OutputError(
            Message(
                "{page} n'existe pas ; donnez le dossier d'un résultat, écrit par « geoguichet "
                "coverage run ».",
                page=page,
            )
        )
    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    if browser is None:
        raise OutputError(
            Message(
                "{path} : pour un PDF, le navigateur chromium est attendu et n'est pas installé ; "
                "essayez « apt install chromium », ou imprimez {page} depuis votre navigateur.",
                path=path,
                page=page.name,
            )
        )
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as scratch:
        printed = Path(scratch) / "page.pdf"
        said = _print(browser, page, printed, Path(scratch) / "profile")
        if not printed.is_file() or not printed.read_bytes().startswith(b"%PDF"):
            raise OutputError(
                Message(
                    "{path} : chromium n'a pas imprimé la page ({why}) ; imprimez {page} à la "
                    "main.",
                    path=path,
                    why=said,
                    page=page.name,
                )
            )
        try:
            shutil.copyfile(printed, path)
        except OSError as error:
            raise OutputError(
                Message(
                    "{path} ne peut pas être écrit ({why}) ; vérifiez le dossier.",
                    path=path,
                    why=error.strerror,
                )
            ) from error


# Run the browser and return the last thing it said, for the message.
def _print(browser: str, page: Path, printed: Path, profile: Path) -> str:
    command = [
        browser,
        "--headless",
        "--disable-gpu",
        "--no-first-run",
        "--no-pdf-header-footer",
        f"--user-data-dir={profile}",
        *(["--no-sandbox"] if os.geteuid() == 0 else []),  # chromium's sandbox refuses root
        f"--print-to-pdf={printed}",
        page.resolve().as_uri(),
    ]
    try:
        done = subprocess.run(  # noqa: S603 (the command is ours)
            command, capture_output=True, text=True, check=False, timeout=_SECONDS
        )
    except subprocess.TimeoutExpired:
        return _("plus de {n} s", n=_SECONDS)
    except OSError as error:
        return str(error.strerror)
    return (done.stderr.strip().splitlines() or [f"code {done.returncode}"])[-1]
