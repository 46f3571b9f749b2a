"""A refusal is told in the reader's language and form, also where pygeoapi refuses."""

import ast
import inspect

import pygeoapi.api
import pytest
import requests
from pygeoapi.api import itemtypes, processes
from pygeoapi.process import base as process_base
from pygeoapi.provider import base as provider_base

from geoguichet.floor.words import speaking
from geoguichet.portal.engine import said

OF_THE_CONFIGURATION = ("server.limit", "Configured times", "X")
"""What only a wrong configuration, or no sentence at all, can say."""


def said_by(module: object) -> set[str]:
    """Every sentence that a module of pygeoapi assigns to ``msg`` or ``default_msg``, its variables
    written X.
    """
    found = set()
    for node in ast.walk(ast.parse(inspect.getsource(module))):
        if isinstance(node, ast.Assign) and any(
            getattr(t, "id", "") in ("msg", "default_msg") for t in node.targets
        ):
            if isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
                found.add(node.value.value)
            elif isinstance(node.value, ast.JoinedStr):
                found.add(
                    "".join(
                        part.value if isinstance(part, ast.Constant) else "X"
                        for part in node.value.values
                    )
                )
        if (
            isinstance(node, ast.Raise)
            and isinstance(node.exc, ast.Call)
            and getattr(node.exc.func, "id", "") == "ValueError"
        ):
            found |= {arg.value for arg in node.exc.args if isinstance(arg, ast.Constant)}
    return found


@pytest.mark.parametrize(
    "module", [pygeoapi.api, itemtypes, processes, provider_base, process_base]
)
def test_every_sentence_of_pygeoapi_is_translated(module: object) -> None:
    for sentence in said_by(module):
        with speaking("fr"):
            french = said(sentence)
        with speaking("en"):
            english = said(sentence)
        assert sentence.startswith(OF_THE_CONFIGURATION) or sentence not in (french, english), (
            sentence
        )


def test_a_sentence_that_is_not_known_is_told_by_its_status() -> None:
    with speaking("en"):
        assert said("Not Found", 404) == "Nothing at this address."
        assert said("", 500) == "The portal could not answer."


@pytest.mark.parametrize(
    ("path", "status", "french", "english"),
    [
        ("/collections/white-zones/items?bbox=1,2", 400, "bbox : 4 nombres", "bbox: 4 numbers"),
        (
            "/collections/white-zones/items?limit=x",
            400,
            "limit : un nombre entier",
            "limit: a whole number",
        ),
        (
            "/collections/white-zones/items?zut=1",
            400,
            "zut : paramètre inconnu",
            "zut: unknown parameter",
        ),
        (
            "/collections/white-zones/items?crs=zut",
            400,
            "crs : 'zut' n'est pas servi",
            "crs: 'zut' is not served",
        ),
        (
            "/collections/communes/items?population=x",
            400,
            "population : un nombre",
            "population: a number",
        ),
        ("/collections/white-zones/items?datetime=x", 400, "datetime : ", "datetime: YYYY"),
        ("/collections/white-zones/items/zut", 404, "Aucun objet « zut »", "No feature “zut”"),
        ("/collections/zut/items", 404, "Aucune collection", "No collection"),
        ("/processes/zut", 404, "Rien ne porte", "Nothing has this identifier"),
        ("/zut", 404, "Rien à cette adresse", "Nothing at this address"),
    ],
)
def test_what_pygeoapi_refuses_is_told_as_our_refusals_are(
    url: str, http: requests.Session, path: str, status: int, french: str, english: str
) -> None:
    for lang, sentence in (("fr", french), ("en", english)):
        asked = {"Accept-Language": lang}
        told = http.get(url + path, headers=asked)
        assert (told.status_code, told.headers["Content-Type"]) == (status, "application/json"), (
            told.text
        )
        assert told.headers["Content-Language"] == lang
        document = told.json()
        assert document["description"].startswith(sentence) and document["status"] == status
        page = http.get(url + path, headers=asked | {"Accept": "text/html"})
        assert page.status_code == status and f'<html lang="{lang}"' in page.text
        assert sentence.split("'")[0].split("«")[0] in page.text
