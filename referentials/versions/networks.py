"""The networks of counters that every region has (France services, La Poste, the DILA's directory):
imported from their fetched files, and joined to the services of a study.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

import geopandas as gpd

from geoguichet.floor.errors import LayerError
from geoguichet.floor.findings import MAX_UNKNOWN, Finding
from geoguichet.floor.words import Message
from geoguichet.referentials.directory.schema import Reading
from geoguichet.referentials.directory.services import OTHER
from geoguichet.referentials.readers.registry import ChosenReader, choose_reader
from geoguichet.referentials.regions.region import Layers
from geoguichet.referentials.versions.exports import join_to
from geoguichet.referentials.versions.proved import imported
from geoguichet.referentials.versions.store import ReferentialStore, Version

#: Names in ``sources.toml``, in the order in which a type of service is theirs: the list of a
#: network before the directory of all of them.
NETWORKS = ("france-services", "laposte", "dila")


def import_network(
    store: ReferentialStore, name: str, file: Path, reader: ChosenReader | None = None
) -> Version:
    """Import the fetched file of an official source as the referential of its name; ``reader`` reads
    it, where something else does too.

    Raises
    ------
    LayerError, StoreError
        The file is not read, holds no counter of a type that we know or too many words that we do
        not (`MAX_UNKNOWN` of a column's rows), or cannot be stored.
    """
    reader = reader or choose_reader(file, kind="services")
    return store.put(
        name,
        imported(_typed(name, reader.read()), store, MAX_UNKNOWN, where=str(file)),
        origin=file,
        reader=reader.key,
        mapping=reader.mapping,
        source=name,
    )


# Yield readings; refuse them at the end where no row was a counter that a study can count.
def _typed(name: str, readings: Iterator[Reading]) -> Iterator[Reading]:
    known = False
    for reading in readings:
        known = known or bool((reading.rows["type"] != OTHER).any())
        yield reading
    if not known:
        raise LayerError(
            Message(
                "{name} : aucun guichet d'une sorte connue dans ce fichier ; il a sans doute changé "
                "de forme : « geoguichet referentials import FICHIER --dry-run » dit ce qui est lu.",
                name=name,
            )
        )


def join_networks(
    layers: Layers, networks: Sequence[gpd.GeoDataFrame], told: list[Finding]
) -> Layers:
    """Return the layers of a territory with the services of networks.

    A type of service is that of the territory's own layer, else of the first network that has it:
    no counter is told twice. Those of no known type stay where they are. ``told`` is given what was
    left out (:func:`~geoguichet.referentials.versions.exports.join_to`).
    """
    taken, kept = {OTHER, *layers["services"]["type"]}, list[gpd.GeoDataFrame]()
    for rows in networks:
        kept.append(rows[~rows["type"].isin(taken)])
        taken |= {*rows["type"]}
    return join_to(layers, kept, told=told) if any(map(len, kept)) else layers
