"""The layers a study reads, with their digest and vintage: the beginning of its lineage."""

from collections.abc import Container
from dataclasses import dataclass
from pathlib import Path

import geopandas as gpd

from geoguichet.coverage.access.supply import changed, with_stops
from geoguichet.coverage.study.study import SAMPLE, Study
from geoguichet.floor.errors import ChoiceError
from geoguichet.floor.files import sha256
from geoguichet.floor.findings import Finding
from geoguichet.referentials.directory import quality
from geoguichet.referentials.directory.services import read_services
from geoguichet.referentials.layers import check_text, list_layers, read_layer, sample_path
from geoguichet.referentials.territories import sample
from geoguichet.referentials.territories.standing import standing_in
from geoguichet.referentials.territories.territory import (
    Choice,
    Territory,
    check_within,
    read_polygon,
    read_territory,
)


@dataclass(frozen=True, slots=True)
class InputLayer:
    """A layer the study read: its file and layer name, digest of the file, vintage and licence, for
    the lineage.
    """

    #: Short name, such as ``communes``; also the tail of its catalogue record's id.
    name: str
    #: File name, without its folder.
    file: str
    layer: str
    rows: int
    sha256: str
    vintage: str
    licence: str


@dataclass(frozen=True, slots=True)
class StudyData:
    """What was read for a study, and what was noticed while reading."""

    territory: Territory
    #: Every service of the layer, indexed by id; ``inside`` tells those of the territory.
    services: gpd.GeoDataFrame
    layers: tuple[InputLayer, ...]
    findings: tuple[Finding, ...]


def read(study: Study, *, judged: Container[str] = ()) -> StudyData:
    """Read the territory and the services of a study and check that they belong together.

    A file whose digest is among the ``judged`` is read without being judged again: no findings.

    Raises
    ------
    StudyError
        The study names a file, a layer or a département that is not there.
    LayerError A layer is unreadable, without CRS, empty, breaks its contract, or lies elsewhere
        than the territory.
    """
    path = source_path(study)
    _check_names(study, path)
    territory = territory_of(study, path)
    services = read_services(path, layer=study.services_layer)
    digest = sha256(path)
    known = digest in judged
    if not known:
        check_within(
            services,
            territory,
            buffer_m=study.territory.buffer_m,
            where=f"{path}, couche « {study.services_layer} »",
        )
    services, stops_read, stopped = with_stops(_placed(services, territory), study, path, territory)
    services = changed(services, study, territory)
    layers = tuple(
        _describe(study, path, layer, rows, digest)
        for layer, rows in (
            (study.demand.layer, len(territory.communes)),
            ("departements", len(territory.departements)),
            (study.services_layer, len(services)),
            *([(study.stops_layer, stops_read)] if study.stops_layer else []),
        )
    )
    layers += _polygon_input(study)
    if known:
        return StudyData(territory, services, layers, ())
    noticed = quality.service_findings(
        services.reset_index(),
        territory,
        buffer_m=study.territory.buffer_m,
        layer=study.services_layer,
    )
    return StudyData(
        territory,
        services,
        layers,
        (
            *quality.commune_findings(territory, layer=study.demand.layer),
            *noticed,
            *stopped,
        ),
    )


def epci_names(source: Path) -> dict[str, str]:
    """Return the names of the intercommunalities by code, where the source has them."""
    if "epci" not in list_layers(source):
        return {}
    names: dict[str, str] = (
        read_layer(source, layer="epci", columns=("code", "name"), empty=True)
        .set_index("code")["name"]
        .to_dict()
    )
    return names


def territory_of(study: Study, path: Path) -> Territory:
    """Return the territory of a study from the file of its communes: whole départements, or any
    union of communes.

    Raises
    ------
    StudyError
        A code is not in the file, the polygon is not there or holds no commune.
    LayerError
        A layer breaks its contract.
    """
    asked = study.territory
    if asked.of_departements:
        return read_territory(
            path,
            name=asked.name,
            departements=asked.departements,
            communes_layer=study.demand.layer,
        )
    choice = Choice(
        asked.name,
        asked.departements,
        asked.epci,
        read_polygon(polygon_path(study)) if asked.polygon else None,
        asked.arrondissements,
    )
    try:
        return read_territory(
            path, name=asked.name, choice=choice, communes_layer=study.demand.layer
        )
    except ChoiceError as error:
        raise study.refusal(
            ".".join(part for part in ("territory", error.key) if part), error.what, error.remedy
        ) from error


def polygon_path(study: Study) -> Path:
    """Return the file of the polygon of a study that has one."""
    path = (study.path.parent if study.path else Path()) / study.territory.polygon
    if not path.is_file():
        raise study.refusal(
            "territory.polygon", f"{path} n'existe pas", "un fichier de surfaces relatif à l'étude"
        )
    return path


# Return the polygon as one of the files the study read, when it asks for one.
def _polygon_input(study: Study) -> tuple[InputLayer, ...]:
    if not study.territory.polygon:
        return ()
    path = polygon_path(study)
    return (
        InputLayer(
            "polygon", path.name, list_layers(path)[0], len(read_layer(path)), sha256(path), "", ""
        ),
    )


def source_path(study: Study) -> Path:
    """Return the GeoPackage of a study: the embedded sample, or a path relative to the study's
    file.
    """
    if study.source == SAMPLE:
        return sample_path()
    beside = study.path.parent if study.path else Path()
    path = beside / study.source
    if not path.is_file():
        raise study.refusal(
            "data.source",
            f"{path} n'existe pas",
            f'un GeoPackage relatif au fichier d\'étude, ou "{SAMPLE}"',
        )
    return path


# Refuse the layers and départements the file does not have, naming the key of the study.
def _check_names(study: Study, path: Path) -> None:
    present = list_layers(path)
    for key, layer in (
        ("demand.layer", study.demand.layer),
        ("data.services", study.services_layer),
    ):
        if layer not in present:
            raise study.refusal(
                key, f"la couche {layer!r} n'existe pas dans {path.name}", ", ".join(present)
            )
    outlines = read_layer(path, layer="departements", columns=("code",))
    check_text(outlines, ("code",), where=f"{path}, couche « departements »")
    known = sorted(outlines["code"])
    for code in study.territory.departements:
        if code not in known:
            raise study.refusal(
                "territory.departements", f"le département {code!r} est inconnu", ", ".join(known)
            )


# Index the services by id, give those without a commune the one they stand in, say which are
# inside.
def _placed(services: gpd.GeoDataFrame, territory: Territory) -> gpd.GeoDataFrame:
    table = services.set_index("id").sort_index()
    outlines = territory.polygons.dropna()
    names = territory.communes.set_index("code")
    silent = table["commune"].isna() | (table["commune"] == "")
    if silent.any():
        standing = standing_in(table.geometry[silent], outlines).reindex(table.index)
        table["commune"] = table["commune"].where(~silent, standing).fillna("")
    if "commune_name" not in table.columns:
        table["commune_name"] = names["name"].reindex(table["commune"]).fillna("").to_numpy()
    if "departement" not in table.columns:
        table["departement"] = names["departement"].reindex(table["commune"]).fillna("").to_numpy()
    return table.assign(inside=territory.has(table["commune"]))


def _describe(study: Study, path: Path, layer: str, rows: int, digest: str) -> InputLayer:
    vintage = licence = ""
    if study.source == SAMPLE:
        sources = sample.SAMPLE_LAYERS[layer].sources
        vintage = " ; ".join(
            dict.fromkeys(
                f"{source.title} ({source.publisher}, {source.vintage})" for source in sources
            )
        )
        licence = " ; ".join(dict.fromkeys(source.licence for source in sources))
    return InputLayer(
        name=layer,
        file=path.name,
        layer=layer,
        rows=rows,
        sha256=digest,
        vintage=vintage,
        licence=licence,
    )


def network_layer(study: Study) -> tuple[InputLayer, ...]:
    """Return what the answer's lineage says of the network's file; nothing when the study reads
    none.
    """
    choice, read = study.router, study.router.of_kind.file_read
    path = (study.path.parent if study.path else Path()) / choice.network
    if read is None or not path.is_file():
        return ()
    rows, licences = read(path)
    return (InputLayer("network", path.name, choice.kind, rows, sha256(path), "", licences),)
