"""What we lean on in pygeoapi: these fail first when its pin moves."""

import inspect
from pathlib import Path

import jinja2
import pygeoapi
import pygeoapi.api
from babel.messages.mofile import read_mo
from babel.messages.pofile import read_po
from pygeoapi import util
from pygeoapi.api import itemtypes

from geoguichet.portal.engine import pygeoapi as engine


def test_the_pin_is_the_one_we_read() -> None:
    assert pygeoapi.__version__.startswith("0.24.")


def test_pygeoapi_still_does_what_we_replace() -> None:
    rendering = inspect.getsource(util.render_j2_template)
    assert "env = Environment(loader=FileSystemLoader(template_paths)" in rendering
    assert "env.install_gettext_translations(translations)" in rendering
    assert "bbox = transform_bbox(bbox, bbox_crs, storage_crs)" in inspect.getsource(itemtypes)
    assert "'exception.html', exception, SYSTEM_LOCALE" in inspect.getsource(pygeoapi.api)


def test_a_configuration_is_for_one_workspace(tmp_path: Path) -> None:
    config = engine.configuration(tmp_path, url="http://carte.example.org/geo")
    resources = config["resources"]
    assert config["server"]["url"] == "http://carte.example.org/geo"
    assert resources["catalogue"]["providers"][0]["data"] == str(tmp_path)
    assert [name for name, resource in resources.items() if resource["type"] == "collection"] == [
        "catalogue", "white-zones", "kiosks", "communes", "services",
    ]  # fmt: skip
    assert not config["server"].get("admin")


def test_the_box_is_left_alone_in_its_own_crs() -> None:
    crs84, lambert = (
        "http://www.opengis.net/def/crs/OGC/1.3/CRS84",
        "http://www.opengis.net/def/crs/EPSG/0/2154",
    )
    assert engine.bbox_between([1, 43, 2, 44], crs84, crs84) == [1, 43, 2, 44]
    assert engine.bbox_between([5e5, 6.2e6, 6e5, 6.3e6], lambert, crs84)[0] < 2


def test_templates_are_compiled_once(tmp_path: Path) -> None:
    (tmp_path / "page.html").write_text("{{ 1234.5 | number('fr') }} {{ '<' }}")
    loader = jinja2.FileSystemLoader([str(tmp_path)])

    def kept() -> engine.KeptEnvironment:
        return engine.KeptEnvironment(loader=loader, extensions=["jinja2.ext.i18n"])

    assert kept().get_template("page.html").render() == "1\u202f234 &lt;"
    assert kept().get_template("page.html") is kept().get_template("page.html")


def as_list(words: str | list[str] | tuple[str, ...]) -> list[str]:
    return [words] if isinstance(words, str) else list(words)


def test_the_compiled_translations_are_those_of_the_texts() -> None:
    for folder in (engine.ROOM / "locale").iterdir():
        texts, compiled = (folder / "LC_MESSAGES" / f"messages.{kind}" for kind in ("po", "mo"))
        with texts.open("rb") as po, compiled.open("rb") as mo:
            written = {
                m.id if isinstance(m.id, str) else m.id[0]: as_list(m.string)
                for m in read_po(po)
                if m.id
            }
            read = {
                m.id if isinstance(m.id, str) else m.id[0]: as_list(m.string)
                for m in read_mo(mo)
                if m.id
            }
        assert read == written
        assert all(written.values())
