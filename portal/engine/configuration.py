"""pygeoapi's configuration for a workspace: the file at the root, which is the sample's, what the
region says of itself, and the referentials there are.

Nothing is written on disk, nor in the environment: stock pygeoapi serves the same file by itself.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from geoguichet.floor.region import Region
from geoguichet.floor.words import _
from geoguichet.portal.errors import PortalError
from geoguichet.portal.providers import referentials
from geoguichet.referentials.versions.store import COLLECTION_PREFIX

#: In a checkout and in an installed package alike, the configuration stands beside the rooms.
CONFIGURATION = Path(__file__).resolve().parents[2] / "pygeoapi-config.yml"


def configuration(workspace: Path, region: Region, *, url: str) -> dict[str, Any]:
    """Return the configuration of a workspace, and of whose it is, served at an address (without a
    slash at its end).
    """
    filled = {"GEOGUICHET_WORKSPACE": str(workspace.absolute()), "GEOGUICHET_URL": url}
    try:
        text = CONFIGURATION.read_text(encoding="utf-8")
        # A JSON string is a YAML string too, whatever characters the path has.
        text = re.sub(r"\$\{(\w+):-[^}]*\}", lambda found: json.dumps(filled[found[1]]), text)
        config: dict[str, Any] = yaml.safe_load(text)
    except (OSError, yaml.YAMLError) as error:
        told = _("{file} : configuration illisible ({error}).", file=CONFIGURATION, error=error)
        raise PortalError(told) from error
    _say_who(config["metadata"], region)
    config["resources"] = resources(config, workspace, url=url)
    return config


def _say_who(metadata: dict[str, Any], region: Region) -> None:
    """Put what the region says in the place of what the file at the root says."""
    about, name, contact = vars(region.portal), region.region.name, region.region.contact
    metadata["identification"] |= {key: told for key, told in about.items() if told is not None}
    if name is not None:
        metadata["provider"]["name"] = name
    if contact is not None:
        metadata["contact"] = {key: told for key, told in vars(contact).items() if told is not None}


def resources(config: Mapping[str, Any], workspace: Path, *, url: str) -> dict[str, Any]:
    """Return the resources of a configuration with the referentials there are now."""
    fixed = {
        name: one
        for name, one in config["resources"].items()
        if not name.startswith(COLLECTION_PREFIX)
    }
    found = {**fixed, **referentials.collections(workspace, url)}
    for resource in found.values():
        for provider in resource.get("providers", ()):
            provider.setdefault("options", {})["base_url"] = url
    return found


def in_language(told: Any, language: str, other: str) -> Any:
    """Return a configuration with each text told in several languages in one of them.

    ``other`` is the language of texts that are not told in the one asked for.
    """
    if isinstance(told, Mapping):
        if other in told and all(isinstance(text, str | list | tuple) for text in told.values()):
            return told.get(language, told[other])
        return {name: in_language(part, language, other) for name, part in told.items()}
    if isinstance(told, list):
        return [in_language(part, language, other) for part in told]
    return told
