"""What a workspace says of its region: every key read, and what is wrong said in one sentence."""

import subprocess
import sys
from pathlib import Path

import pytest

from geoguichet.floor.errors import UsageError
from geoguichet.floor.region import (
    FILE,
    Ground,
    Limits,
    Region,
    Shown,
    Source,
    Theme,
    read_region,
)
from geoguichet.floor.words import speaking


def written(folder: Path, text: str) -> Path:
    (folder / FILE).write_text(text, encoding="utf-8")
    return folder


def test_without_a_file_nothing_is_said(tmp_path: Path) -> None:
    assert read_region(tmp_path) == Region() == read_region(tmp_path / "absent")
    assert read_region(written(tmp_path, "[visibility]\n[portal]\n")) == Region()


def test_every_key_is_read(tmp_path: Path) -> None:
    text = """
    [region]
    name = "Région Bretagne"
    contact = { name = "SIG", position.fr = "Référent", email = "sig@region.example", telephone = "05" }
    [portal]
    title = { fr = "Géobretagne", en = "Geobrittany" }
    description = "Les données de la région."
    keywords = { fr = ["mer", "services"] }
    languages = ["en", "fr"]
    flagship = "zones-2026"
    [territory]
    name = "Bretagne"
    data = "../b.gpkg"
    [collections.communes]
    shown = false
    layer = "c"
    title = "Communes"
    description.fr = "Toutes"
    id = "code"
    label = "nom"
    columns = { nom = "Nom", pop = { fr = "Habitants", en = "People" } }
    colour = "#0A0b0C"
    [theme]
    principale = "#7FB800"
    accent = "#000000"
    fond = "froid"
    arrondi = 0
    logo = "logo.svg"
    [licence]
    name = "ODbL"
    url = "https://opendatacommons.org/licenses/odbl/"
    [legal]
    publisher = "P"
    director = "D"
    host = "H"
    notice = "N"
    accessibility = "partiellement conforme"
    [[sources]]
    name = "IGN"
    url = "https://www.ign.fr"
    [[sources]]
    name = "INSEE"
    [limits]
    record_bytes = 2_000
    text_length = 300
    items = 20
    depth = 11
    """
    found = read_region(written(tmp_path, text))
    assert found.region.name == "Région Bretagne" and found.region.contact is not None
    assert vars(found.region.contact) == {
        "name": {"fr": "SIG"},
        "position": {"fr": "Référent"},
        "email": "sig@region.example",
        "telephone": "05",
        "url": None,
    }
    assert vars(found.portal) == {
        "title": {"fr": "Géobretagne", "en": "Geobrittany"},
        "description": {"fr": "Les données de la région."},
        "keywords": {"fr": ("mer", "services")},
        "languages": ("en", "fr"),
        "flagship": "zones-2026",
    }
    assert found.territory == Ground(name="Bretagne", data="../b.gpkg")
    assert found.collections == {
        "communes": Shown(
            shown=False,
            layer="c",
            title={"fr": "Communes"},
            description={"fr": "Toutes"},
            id="code",
            label="nom",
            columns={"nom": {"fr": "Nom"}, "pop": {"fr": "Habitants", "en": "People"}},
            colour="#0A0b0C",
        )
    }
    assert found.theme == Theme(
        principale="#7FB800", accent="#000000", fond="froid", arrondi=0, logo="logo.svg"
    )
    assert found.licence is not None and found.licence.name == "ODbL"
    assert vars(found.legal) == {
        "publisher": "P",
        "director": "D",
        "host": "H",
        "notice": {"fr": "N"},
        "accessibility": "partiellement conforme",
    }
    assert found.sources == (Source(name="IGN", url="https://www.ign.fr"), Source(name="INSEE"))
    assert found.limits == Limits(record_bytes=2000, text_length=300, items=20, depth=11)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[portail]", "clé « portail » : cette clé est inconnue ; essayez : portal."),
        ("[portal]\ntitel = 'G'", "clé « portal.titel » : cette clé est inconnue ; essayez : titl"),
        (
            "[visibility]\npublic = 1",
            "« visibility.public » : cette clé est inconnue ; essayez : les clés connues : collections",
        ),
        ("portal = 3", "clé « portal » : une table est attendue, 3 est donné"),
        ("[portal]\ntitle = 3", "clé « portal.title » : un texte est attendu, 3 est donné"),
        ("[portal]\ntitle.en = 'G'", "« portal.title » : le français est attendu et manque"),
        ("[portal]\ntitle = {fr = 'G', uk = 'G'}", "« portal.title » : 'uk' est inconnu"),
        ("[portal]\nkeywords = 'mer'", "une liste de textes est attendue, 'mer' est donné"),
        ("[region.contact]\nemail = 'a@b.c'", "« region.contact.name » : cette clé est attendue"),
        (
            "[region.contact]\nname = 'SIG'\nemail = 'sig'",
            "« region.contact.email » : une adresse électronique est attendue, 'sig' est donné ; "
            'essayez : email = "sig@region.example".',
        ),
        (
            "[region.contact]\nname = 'SIG'\nurl = 'javascript:alert(1)'",
            "« region.contact.url » : une adresse web est attendue",
        ),
        ("[limits]\nrecord_bytes = 3", "un entier de 1000 à 1000000000 est attendu, 3 est donné"),
        ("[limits]\ndepth = 5", "clé « limits.depth » : un entier de 10 à 200 est attendu, 5 est"),
        ("[limits]\nrecord_bytes = true", "clé « limits.record_bytes » : un entier"),
        ("[territory]\nname = 'B'", "« territory.data » : cette clé est attendue et manque"),
        ("[theme]\nprincipale = 'vert'", "une couleur #RRVVBB est attendue, 'vert' est donné"),
        ("[theme]\nfond = 'rose'", "« theme.fond » : 'rose' est inconnu"),
        ("[theme]\narrondi = 13", "un entier de 0 à 12 est attendu, 13 est donné"),
        ("[portal]\nlanguages = ['br']", "« portal.languages » : 'br' est inconnu"),
        ("[collections.C]\ntitle = 'x'", "un identifiant en minuscules"),
        ("collections = 3", "clé « collections » : une table est attendue, 3 est donné"),
        ("[collections.c]\ncolumns.a = 3", "« collections.c.columns.a » : un texte est attendu"),
        ("sources = 'IGN'", "clé « sources » : une liste de tables est attendue"),
        ("[visibility.collections]\nkiosks = 'secret'", "draft, partners, public ou une liste"),
        ("[visibility]\ncollections.kiosks = ['12']", "visibility.collections.kiosks"),
        ("[legal]\naccessibility = 'oui'", "« legal.accessibility » : 'oui' est inconnu"),
        ("[portal", "region.toml : ce n'est pas du TOML valide ("),
    ],
)
def test_what_is_wrong_is_one_sentence(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(UsageError) as refused:
        read_region(written(tmp_path, text))
    told = str(refused.value)
    assert told.startswith(str(tmp_path / FILE)) and said in told and "\n" not in told


def test_what_is_not_a_text_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / FILE).write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UsageError, match=r"region\.toml : fichier illisible"):
        read_region(tmp_path)
    (tmp_path / FILE).unlink()
    (tmp_path / FILE).mkdir()
    with speaking("en"), pytest.raises(UsageError, match=r"unreadable file .* is expected\."):
        read_region(tmp_path)


def test_the_defaults_are_known_without_opening_pydantic() -> None:
    code = (
        "import sys\nfrom geoguichet.floor.region import Limits\n"
        "sys.exit('pydantic' in sys.modules or Limits().depth != 50)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
