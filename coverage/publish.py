"""A study and the layers it read become catalogue records that link to each other and to their
files.

The only file of this room that knows the catalogue.
"""

from dataclasses import replace
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pyogrio

from geoguichet.catalogue.errors import RecordNotFoundError
from geoguichet.catalogue.formats.codes import FRENCH, INSPIRE_THEMES, NOT_EVALUATED, OPEN_ACCESS
from geoguichet.catalogue.formats.mapping import INSPIRE_THEME, TOPIC_CATEGORY
from geoguichet.catalogue.record import (
    Concept,
    Contact,
    ContactPoint,
    Extent,
    ExternalId,
    Link,
    Record,
    Theme,
    Time,
    content_id,
)
from geoguichet.catalogue.search.audiences import EVERYONE, Shown
from geoguichet.catalogue.search.contract import RecordStore
from geoguichet.catalogue.search.store import SQLiteStore, store_path, with_edits
from geoguichet.coverage.manifest import CoverageResult, a_result
from geoguichet.coverage.outputs.folder import outputs_of
from geoguichet.coverage.outputs.plan_text import rule_sentences
from geoguichet.coverage.outputs.report import verdicts
from geoguichet.coverage.study.study import SAMPLE, StudyContact
from geoguichet.floor.files import digest_of
from geoguichet.floor.viewer import MACHINE, audience
from geoguichet.floor.words import number, speaking
from geoguichet.referentials.directory.hours import moment_told
from geoguichet.referentials.layers import sample_path
from geoguichet.referentials.territories import sample

#: Layers of the sample that the portal also serves as features, and the name of the collection.
COLLECTIONS = {"communes": "communes", "services": "services"}

_FEATURES = (("white-zones", "Zones blanches"), ("kiosks", "Visioguichets"))


def publish(
    result: CoverageResult, workspace: str | Path, *, audience_of_it: str = "", owner: str = ""
) -> tuple[str, ...]:
    """Write the records of a study's ``result`` and of the sample's layers to the catalogue of a
    ``workspace`` (a folder); return their ids. ``audience_of_it`` says who sees that of the study,
    where it is somebody's, and ``owner`` which organisation answers for it (SIREN).

    A record whose content has not changed keeps its dates and is not written again.

    Raises
    ------
    StoreError
        The catalogue cannot be written.

    Examples
    --------
    After the example of :func:`~geoguichet.run`:

    >>> publish(result, "workspace")[-1]
    'study-ariege'
    """
    result = a_result(result)
    with SQLiteStore(store_path(workspace)) as store:
        layers = sample_records(result.study.contact) if result.study.source == SAMPLE else ()
        asked = result.study.visibility
        everyone = EVERYONE._replace(owner=owner)
        seen = everyone if asked == "public" else Shown(audience_of_it or audience(asked), owner)
        written: list[str] = []
        for several, shown in ((layers, None), ((study_record(result),), seen)):
            # by people, and by a crawl
            records = [with_edits(record, store, by="geoguichet") for record in several]
            dated = [_dated(record, store) for record in records]
            store.bulk_upsert(dated, by="geoguichet", shown=shown)
            written += [record.id for record in records]
    return tuple(written)


def sample_records(contact: StudyContact | None = None) -> tuple[Record, ...]:
    """Return one record per layer of the embedded sample; ``contact`` is who gives it out here and
    keeps its record.
    """
    path = sample_path()
    digest = digest_of(path)
    return tuple(
        _layer_record(
            layer,
            _extent(path, layer.key),
            content_id(digest, layer.key),
            contact or StudyContact(),
        )
        for layer in sample.SAMPLE_LAYERS.values()
    )


def study_record(result: CoverageResult) -> Record:
    """Return the record of a study: what it found, from which layers, in which files."""
    study = result.study
    files = [
        Link(
            f"studies/{study.id}/{name}",
            rel="preview" if output.media_type == "text/html" else "enclosure",
            type=output.media_type,
            title=output.title,
        )
        for name, output in outputs_of(result).items()
    ]
    files.sort(key=lambda link: link.rel != "preview")  # pages first
    features = [
        Link(
            f"collections/{name}/items?study={study.id}",
            rel="items",
            type="application/geo+json",
            title=title,
        )
        for name, title in _FEATURES
    ]
    west, south, east, north = result.territory.boundary.bounds
    return Record(
        id=f"study-{study.id}",
        type="study",
        title=study.title,
        description=_abstract(result),
        keywords=(
            "zone blanche",
            "services publics",
            "visioguichet",
            "accessibilité",
            study.territory.name,
        ),
        themes=(Theme((Concept("society"),), TOPIC_CATEGORY),),
        geometry=Extent(west, south, east, north).as_geometry(),
        contacts=_contacts(study.contact, "pointOfContact"),
        license="etalab-2.0" if study.source == SAMPLE else "",
        links=(*files, *features, *_lineage_links(result)),
        extra_properties={
            "lineage": _lineage(result),
            "language": {"code": study.language},
            "maintenance": {
                "frequency": "asNeeded",
                "note": "Recalculée quand ses données ou ses questions changent.",
            },
            **({"constraints": [OPEN_ACCESS]} if study.source == SAMPLE else {}),
            **_plan(result),
        },
    )


def _layer_record(
    layer: sample.SampleLayer, extent: Extent, content: ExternalId, contact: StudyContact
) -> Record:
    publishers = dict.fromkeys(source.publisher for source in layer.sources)
    first, last = layer.years
    links = [
        Link(
            sample.LICENCE_URL, rel="license", type="text/html", title=sample.LICENCE, hreflang="fr"
        )
    ]
    if layer.key in COLLECTIONS:
        address = f"collections/{COLLECTIONS[layer.key]}/items"
        links.append(Link(address, rel="items", type="application/geo+json", title=layer.title_fr))
    sources = {source.address: source for source in layer.sources if source.address}
    links += [
        Link(
            address, rel="via", title=f"Source : {source.title} ({source.publisher})", hreflang="fr"
        )
        for address, source in sources.items()
    ]
    return Record(
        id=layer_id(layer.key),
        type="dataset",
        title=layer.title_fr,
        description=layer.description_fr,
        keywords=layer.keywords_fr,
        themes=(
            Theme((Concept(layer.topic),), TOPIC_CATEGORY),
            Theme(
                (Concept(f"{INSPIRE_THEME}/{layer.inspire}", INSPIRE_THEMES[layer.inspire][0]),),
                INSPIRE_THEME,
            ),
        ),
        geometry=extent.as_geometry(),
        time=Time(interval=(f"{first}-01-01", f"{last}-12-31")),
        contacts=(
            *(Contact(organization=name, roles=("publisher",)) for name in publishers),
            *_contacts(contact, "distributor"),
        ),
        external_ids=(content,),
        license="etalab-2.0",
        links=tuple(links),
        extra_properties={
            "lineage": " ; ".join(
                f"{source.title} ({source.publisher}, {source.vintage})" for source in layer.sources
            ),
            "language": {"code": "fr"},
            "translations": {"en": {"title": layer.title_en, "description": layer.description_en}},
            "resourceLanguages": FRENCH,
            "dates": [{"date": f"{last}-01-01", "type": "revision"}],
            "crs": [sample.CRS],
            "formats": [{"name": "GeoPackage"}],
            "maintenance": {
                "frequency": "notPlanned",
                "note": "Échantillon livré avec le logiciel.",
            },
            "constraints": [OPEN_ACCESS],
            "conformity": [NOT_EVALUATED],
        },
    )


def layer_id(layer: str) -> str:
    """Return the identifier of the record of a layer of the sample."""
    return f"midi-pyrenees-{layer}"


def _extent(path: Path, layer: str) -> Extent:
    west, south, east, north = pyogrio.read_info(path, layer=layer, force_total_bounds=True)[
        "total_bounds"
    ]
    return Extent(float(west), float(south), float(east), float(north))


@speaking("fr", typeset=True)
def _abstract(result: CoverageResult) -> str:
    whole = result.summary.iloc[-1]
    found = (
        f"{number(whole['white_before'])} habitants sur {number(whole['people'])} vivent en "
        "zone blanche, "
        f"dans {_counted(whole['zones'], 'zone', 'zones')}"
    )
    if result.plan is not None:
        kiosks = _counted(
            whole["kiosks"], "visioguichet en laisserait", "visioguichets en laisseraient"
        )
        found += f" ; {kiosks} {number(whole['white_after'])}"
    rules = verdicts(result)
    found += f". Règles : {rules}" if rules else ""
    return f"{' '.join(result.study.abstract.split())} {_asked(result)}Résultat : {found}.".strip()


# Say at what moments counters must be open, since that changes what the figures mean.
def _asked(result: CoverageResult) -> str:
    told = [
        f"« {need.label} » {moment_told(need.open_at)}"
        for need in result.study.needs
        if need.open_at is not None
    ]
    return f"Ouverture demandée : {' ; '.join(told)}. " if told else ""


# Return what a client may show of the plan without opening a file: its model, its proof, its rules.
@speaking("fr", typeset=True)
def _plan(result: CoverageResult) -> dict[str, Any]:
    plan, choice = result.plan, result.study.kiosks
    if plan is None or choice is None:
        return {}
    told = {
        "model": choice.model,
        "formulation": plan.model,
        "kiosks": len(plan.sites),
        "value": plan.value,
        "bound": plan.bound,
        "gap": plan.gap,
        "status": plan.status,
        "rules": rule_sentences(result),
    }
    return {"plan": told}


def _counted(count: int, one: str, many: str) -> str:
    return f"{number(count)} {one if count < 2 else many}"


def _lineage(result: CoverageResult) -> str:
    layers = ", ".join(
        f"{layer.name} ({layer.file}, sha256 {layer.sha256[:12]})" for layer in result.inputs
    )
    return (
        f"Calculé par geoguichet {version('geoguichet')} à partir de : {layers}. Le manifeste "
        "donne les paramètres."
    )


def _lineage_links(result: CoverageResult) -> list[Link]:
    if result.study.source != SAMPLE:
        return []
    return [
        Link(
            f"collections/catalogue/items/{layer_id(layer.layer)}",
            rel="via",
            type="application/geo+json",
            title=f"Source : {sample.SAMPLE_LAYERS[layer.layer].title_fr}",
        )
        for layer in result.inputs
        if layer.layer in sample.SAMPLE_LAYERS
    ]


# Return who is to be asked about the resource, in a role, and about its record; nobody when nobody
# is named.
def _contacts(contact: StudyContact, role: str) -> tuple[Contact, ...]:
    if not contact.organization and not contact.email:
        return ()
    resource = Contact(
        organization=contact.organization,
        emails=(ContactPoint(contact.email),) if contact.email else (),
        roles=(role,),
    )
    return resource, replace(resource, roles=("pointOfContact",), extra={"about": "metadata"})


# Give a record the dates it already has in the store when nothing else changed, else today's.
def _dated(record: Record, store: RecordStore) -> Record:
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    try:
        known = store.get(record.id, viewer=MACHINE)
    except RecordNotFoundError:
        return _with_dates(record, now, now)
    same = _with_dates(record, known.created or now, known.updated or now)
    return (
        same if same.digest() == known.digest() else _with_dates(record, known.created or now, now)
    )


# Say when a record was made and changed; the result of a study is as old as its record.
def _with_dates(record: Record, created: str, updated: str) -> Record:
    record = replace(record, created=created, updated=updated)
    if record.type != "study":
        return record
    dates = [{"date": created[:10], "type": "creation"}]
    if updated[:10] > created[:10]:
        dates.append({"date": updated[:10], "type": "revision"})
    return replace(record, extra_properties={**record.extra_properties, "dates": dates})
