"""Everything we ask of pygeoapi's inside, in one file, so that a new version of it is checked in
one place.

All at run time, nothing on disk: its configuration for a workspace; its Starlette application,
built anew for each of ours; refusals always in JSON; and two costs taken away (templates compiled
for every page, the pyproj look-up of every bbox).
"""

from __future__ import annotations

import importlib.util
import logging
import os
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from copy import deepcopy
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Lock
from typing import Any, cast

import jinja2
import pygeoapi.api
import yaml
from pygeoapi import l10n
from pygeoapi import util as pygeoapi_util
from pygeoapi.api import itemtypes
from pygeoapi.crs import transform_bbox
from pygeoapi.openapi import get_oas
from starlette.types import ASGIApp, Receive, Scope, Send

from geoguichet.portal.api import referentials
from geoguichet.portal.errors import PortalError
from geoguichet.portal.pages.context import FILTERS, GLOBALS
from geoguichet.referentials.versions.store import COLLECTION_PREFIX as REFERENTIALS

ROOM = Path(__file__).resolve().parents[1]
CONFIGURATION = ROOM.parent / "pygeoapi-config.yml"
"""In a checkout and in an installed package alike, the configuration stands beside the rooms."""

_building = Lock()


def configuration(workspace: Path, *, url: str) -> dict[str, Any]:
    """Return pygeoapi's configuration for a workspace served at an address (without a slash at its
    end).
    """
    try:
        with _environment(GEOGUICHET_WORKSPACE=str(workspace.absolute()), GEOGUICHET_URL=url):
            text = CONFIGURATION.open(encoding="utf-8")
            with text:
                config = cast("dict[str, Any]", pygeoapi_util.yaml_load(text))
    except (OSError, yaml.YAMLError) as error:
        raise PortalError(f"{CONFIGURATION} : configuration illisible ({error}).") from error
    config["server"]["templates"] = {
        "path": str(ROOM / "templates"),
        "static": str(ROOM / "static"),
    }
    config["server"]["locale_dir"] = str(ROOM / "locale")
    config["resources"] = resources(config, workspace, url=url)
    return config


def resources(config: Mapping[str, Any], workspace: Path, *, url: str) -> dict[str, Any]:
    """Return the resources of a configuration with the referentials there are now in the
    workspace.
    """
    fixed = {
        name: one for name, one in config["resources"].items() if not name.startswith(REFERENTIALS)
    }
    found = {**fixed, **referentials.collections(workspace, url)}
    for resource in found.values():
        for provider in resource.get("providers", ()):
            provider.setdefault("options", {})["base_url"] = url
    return found


class Application:
    """pygeoapi's application, whose resources can be replaced while it serves."""

    def __init__(self, app: ASGIApp, api: pygeoapi.api.API) -> None:
        self.app = app
        self._api = api

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        await self.app(scope, receive, send)

    def replace_resources(self, resources: Mapping[str, Any]) -> None:
        """Serve these from now on; a request under way keeps those it began with."""
        self._api.config = {**self._api.config, "resources": deepcopy(dict(resources))}
        self._api.tpl_config = {**self._api.tpl_config, "resources": deepcopy(dict(resources))}
        l10n._cfg_cache.clear()


def application(config: Mapping[str, Any]) -> Application:
    """Return pygeoapi's own Starlette application for this configuration, debug off.

    Its module reads files named in the environment and keeps them for good; so it is executed anew
    each time, under no name, with a configuration and an OpenAPI document that are gone as soon as
    it has read them.
    """
    adapt()
    logging.getLogger("pygeoapi").setLevel(
        logging.CRITICAL
    )  # it logs every refused request with its traceback
    with _building, TemporaryDirectory(prefix="geoguichet-") as folder, warnings.catch_warnings():
        warnings.simplefilter(
            "ignore", DeprecationWarning
        )  # pygeoapi's models, as they are imported
        paths = {name: Path(folder) / f"{name}.yml" for name in ("config", "openapi")}
        documents = {
            "config": dict(config),
            "openapi": get_oas(config, fail_on_invalid_collection=False),
        }
        for name, path in paths.items():
            path.write_text(
                yaml.safe_dump(documents[name], allow_unicode=True, sort_keys=False),
                encoding="utf-8",
            )
        spec = importlib.util.find_spec("pygeoapi.starlette_app")
        if spec is None or spec.loader is None:
            raise PortalError(
                "pygeoapi.starlette_app est attendu et manque ; réinstallez geoguichet."
            )
        module = importlib.util.module_from_spec(spec)
        with _environment(
            PYGEOAPI_CONFIG=str(paths["config"]), PYGEOAPI_OPENAPI=str(paths["openapi"])
        ):
            spec.loader.exec_module(module)
    module.APP.debug = False
    return Application(module.APP, module.api_)


def render(config: Mapping[str, Any], template: str, data: Mapping[str, Any], locale: str) -> str:
    """Fill one of our templates as pygeoapi fills them, in a language (``fr`` or ``en``)."""
    adapt()
    templates = config["server"]["templates"]
    page = pygeoapi_util.render_j2_template(
        config, templates, template, data, l10n.str2locale(locale)
    )
    return cast("str", page)


def adapt() -> None:
    """Replace the two costly things pygeoapi does for every request, and its error pages, of one
    language, by JSON.

    Done once or many times, it is the same. Configurations translated for an application built
    before are forgotten too.
    """
    pygeoapi.api.API.get_exception = exception_in_json
    pygeoapi_util.Environment = KeptEnvironment
    itemtypes.transform_bbox = bbox_between
    l10n._cfg_cache.clear()


_get_exception = pygeoapi.api.API.get_exception


def exception_in_json(
    api: pygeoapi.api.API,
    status: int,
    headers: dict[str, str],
    form: str | None,
    code: str,
    description: str,
) -> tuple[dict[str, str], int, str]:
    """Return a refusal of pygeoapi as JSON whatever the form asked for: the guard makes a page of
    it.
    """
    headers["Content-Type"] = "application/json"
    return cast(
        "tuple[dict[str, str], int, str]",
        _get_exception(api, status, headers, "json", code, description),
    )


def bbox_between(
    bbox: list[float], from_crs: str, to_crs: str, always_xy: bool = False
) -> list[float]:
    """Return the box in another CRS; in the same one it is what it was, and pyproj is not asked (15
    ms).
    """
    if from_crs == to_crs:
        return list(bbox)
    return cast("list[float]", transform_bbox(bbox, from_crs, to_crs, always_xy))


class KeptEnvironment:
    """Stands where pygeoapi makes a jinja environment for each page, and keeps one for each
    language.
    """

    def __init__(self, **options: Any) -> None:
        self.options = options
        self.filters: dict[str, Any] = {}
        self.globals: dict[str, Any] = {}
        self._translations: Any = None

    def install_gettext_translations(self, translations: Any) -> None:
        """Remember the language of this page."""
        self._translations = translations

    def get_template(self, name: str) -> jinja2.Template:
        """Return the template, compiled once for each language and folder."""
        key = (
            tuple(self.options["loader"].searchpath),
            tuple(map(str, getattr(self._translations, "files", ()))),
        )
        with _building_environment:
            environment = _environments().get(key)
            if environment is None:
                environment = _environments()[key] = self._made()
        return environment.get_template(name)

    def _made(self) -> jinja2.Environment:
        environment = jinja2.Environment(autoescape=True, **_without(self.options, "autoescape"))
        environment.filters.update(self.filters, **FILTERS)
        environment.globals.update(self.globals, **GLOBALS)
        if self._translations is not None:
            environment.install_gettext_translations(self._translations)  # type: ignore[attr-defined]
        return environment


_building_environment = Lock()


@cache
def _environments() -> dict[tuple[tuple[str, ...], tuple[str, ...]], jinja2.Environment]:
    return {}


def _without(options: Mapping[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in options.items() if key != name}


@contextmanager
def _environment(**variables: str) -> Iterator[None]:
    """Set environment variables for a while."""
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
