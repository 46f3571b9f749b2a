"""What kinds of public counters there are, what each source calls them, and which one answers a
citizen's need: the tables of ``taxonomy.toml``.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from types import MappingProxyType


@dataclass(frozen=True, slots=True)
class ServiceType:
    """A kind of public counter."""

    #: What it is called in studies and layers.
    key: str
    label_fr: str
    plural_fr: str
    label_en: str
    plural_en: str
    #: Categories of the DILA directory (2013, 2020 or today's) that are this type.
    directory: tuple[str, ...]
    #: Equipment codes (TYPEQU) of INSEE's BPE, all years, that are this type.
    bpe: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CitizenNeed:
    """Something a citizen comes for, in the words they would use, and the counters where it is
    done.
    """

    key: str
    label_fr: str
    label_en: str
    #: Keys of ``SERVICE_TYPES`` where it can be done, the most direct first.
    types: tuple[str, ...]
    #: What the type alone does not say.
    note_fr: str


#: The type of a row whose category is in no list: kept, and said.
OTHER = "other_service"

_DECLARED = tomllib.loads(
    (resources.files("geoguichet.referentials.directory") / "taxonomy.toml").read_text("utf-8")
)

#: The taxonomy, by key. A commune has one ``town_hall``; former communes may keep a
#: ``town_hall_annex``.
SERVICE_TYPES: Mapping[str, ServiceType] = MappingProxyType(
    {
        key: ServiceType(
            key,
            label_fr=table["fr"][0],
            plural_fr=table["fr"][1],
            label_en=table["en"][0],
            plural_en=table["en"][1],
            directory=tuple(table.get("directory", ())),
            bpe=tuple(table.get("bpe", ())),
        )
        for key, table in _DECLARED["types"].items()
    }
)

#: The type of each category of the DILA directory; the rest are ``other_service``.
TYPE_OF_CATEGORY: Mapping[str, str] = MappingProxyType(
    {name: kind.key for kind in SERVICE_TYPES.values() for name in kind.directory}
)

#: The type of each BPE equipment code; the rest are not services of ours.
TYPE_OF_BPE: Mapping[str, str] = MappingProxyType(
    {code: kind.key for kind in SERVICE_TYPES.values() for code in kind.bpe}
)

#: What citizens come for, by key: a need leads to the types of counters where it is met.
NEEDS: Mapping[str, CitizenNeed] = MappingProxyType(
    {
        key: CitizenNeed(key, need["fr"], need["en"], tuple(need["types"]), need.get("note", ""))
        for key, need in _DECLARED["needs"].items()
    }
)
