"""What a format writes, it reads back: for records drawn at random, and for one that says
everything.
"""

from collections.abc import Iterable
from dataclasses import replace
from types import ModuleType
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from geoguichet.catalogue.formats import csv_table, registry, schema_org
from geoguichet.catalogue.formats.dcat import document
from geoguichet.catalogue.formats.dcat.rdf import Form
from geoguichet.catalogue.formats.iso import iso19115_3, iso19139
from geoguichet.catalogue.formats.iso.making import found
from geoguichet.catalogue.formats.iso.reading import licence_of, rights_of
from geoguichet.catalogue.formats.links import media_of, told_in_iso
from geoguichet.catalogue.formats.mapping import (
    INSPIRE_THEME,
    MEMBERS,
    TOPIC_CATEGORY,
    describe,
    said,
    with_members,
)
from geoguichet.catalogue.formats.xml import parse, serialize
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
)

ISO = [iso19139, iso19115_3]

letters = st.characters(categories=["L", "N", "P", "S"], include_characters=" ")
words = (
    st.text(letters, min_size=1, max_size=30).map(lambda text: " ".join(text.split())).filter(bool)
)
plain = (
    st.text("abcdefghij éèà'-", min_size=3, max_size=20)
    .map(lambda text: " ".join(text.split()))
    .filter(bool)
)
days = st.dates().map(lambda day: day.isoformat()).filter(lambda text: text > "1000")
addresses = st.text("abcdefgh/?=&", min_size=1, max_size=20).map(
    lambda path: f"https://exemple.fr/{path}"
)
codes_ = st.sampled_from(["fr", "en", "oc", "es"])


def unique(values: Any, **sizes: int) -> st.SearchStrategy[tuple[Any, ...]]:
    return st.lists(values, **({"max_size": 3} | sizes)).map(
        lambda items: tuple(dict.fromkeys(items))
    )


def some(**members: Any) -> st.SearchStrategy[dict[str, Any]]:
    """Some of the members, never a blank one."""
    return st.fixed_dictionaries({}, optional=members)


@st.composite
def extents(draw: st.DrawFn) -> Extent:
    sides = st.floats(-180, 180, allow_nan=False), st.floats(-90, 90, allow_nan=False)
    west, east = sorted(draw(st.lists(sides[0], min_size=2, max_size=2, unique=True)))
    south, north = sorted(draw(st.lists(sides[1], min_size=2, max_size=2, unique=True)))
    return Extent(west, south, east, north)


@st.composite
def geometries(draw: st.DrawFn) -> dict[str, Any]:
    boxes = draw(st.lists(extents(), min_size=1, max_size=3, unique=True))
    polygons = [box.as_geometry()["coordinates"] for box in boxes]
    if draw(st.booleans()):  # a triangle is no box
        polygons.append([[[0.5, 42.25], [2.5, 42.5], [1.5, 44.75], [0.5, 42.25]]])
    if len(polygons) == 1:
        return {"type": "Polygon", "coordinates": polygons[0]}
    return {"type": "MultiPolygon", "coordinates": polygons}


@st.composite
def times(draw: st.DrawFn) -> Time:
    start, end = sorted(draw(st.lists(days, min_size=2, max_size=2, unique=True)))
    form = draw(st.sampled_from([(start, end), (start, ".."), ("..", end), start]))
    return Time(date=form) if isinstance(form, str) else Time(interval=form)


links = st.builds(
    Link,
    addresses,
    st.just("related"),
    title=st.one_of(st.just(""), plain),
    extra=some(protocol=st.sampled_from(["WWW:LINK", "HTTP"]), description=plain),
)
contacts = st.builds(
    Contact,
    organization=plain,
    name=st.one_of(st.just(""), plain),
    position=st.one_of(st.just(""), plain),
    roles=st.sampled_from([("pointOfContact",), ("publisher",), ("custodian",)]),
    emails=unique(st.emails(), max_size=2).map(lambda texts: tuple(map(ContactPoint, texts))),
    phones=unique(st.just("+33 5 61 00 00 00"), max_size=1).map(
        lambda texts: tuple(map(ContactPoint, texts))
    ),
    extra=some(
        about=st.sampled_from(["metadata", "citation", "distribution"]),
        identifier=addresses,
        addresses=st.just(
            [{"deliveryPoint": ["1 place Saint-Étienne"], "city": "Toulouse", "country": "France"}]
        ),
    ),
)
themes = st.builds(
    Theme,
    unique(plain, min_size=1).map(lambda texts: tuple(Concept(text, text) for text in texts)),
    addresses,
    plain.map(lambda title: {"title": title, "date": "2010-01-13", "dateType": "publication"}),
)
constraints = some(
    limitations=st.lists(plain.map(lambda text: {"text": text}), min_size=1, max_size=2),
    other=st.lists(plain.map(lambda text: {"text": text}), min_size=1, max_size=2),
    access=st.just(["otherRestrictions"]),
).map(lambda constraint: {"kind": "legal", "use": ["license"]} | constraint)

records = some(
    type=st.sampled_from(["dataset", "series", "nonGeographicDataset"]),
    title=words,
    alternateTitles=unique(plain, min_size=1).map(list),
    description=words,
    translations=st.fixed_dictionaries({"de": some(title=plain, description=plain).filter(bool)}),
    contacts=st.lists(contacts, min_size=1, max_size=3).map(tuple),
    geometry=geometries(),
    time=times(),
    dates=st.lists(
        st.fixed_dictionaries({"date": days, "type": st.sampled_from(["creation", "revision"])}),
        min_size=1,
        max_size=2,
    ),
    keywords=unique(plain, min_size=1),
    themes=st.lists(themes, min_size=1, max_size=2).map(tuple),
    constraints=st.lists(constraints, min_size=1, max_size=2),
    links=st.lists(links, min_size=1, max_size=3).map(tuple),
    formats=st.lists(
        st.fixed_dictionaries({"name": plain}, optional={"version": plain}), min_size=1, max_size=1
    ),
    lineage=words,
    processSteps=st.lists(
        some(description=plain, rationale=plain).filter(bool), min_size=1, max_size=2
    ),
    sources=st.lists(some(title=plain, description=plain).filter(bool), min_size=1, max_size=2),
    resolution=st.lists(
        st.one_of(
            st.integers(1, 10**7).map(lambda scale: {"scale": scale}),
            st.integers(1, 5000).map(lambda distance: {"distance": distance, "unit": "m"}),
        ),
        min_size=1,
        max_size=2,
    ),
    crs=unique(st.sampled_from(["EPSG:2154", "EPSG:4326", "Lambert local"]), min_size=1).map(list),
    conformity=st.lists(
        st.fixed_dictionaries(
            {"title": plain, "pass": st.sampled_from([True, False, None])},
            optional={"explanation": plain},
        ),
        min_size=1,
        max_size=2,
    ),
    maintenance=st.fixed_dictionaries(
        {"frequency": st.sampled_from(["annually", "asNeeded"])}, optional={"note": plain}
    ),
    parent=plain.map(lambda text: f"parent {text}"),
    language=st.fixed_dictionaries({"code": codes_}),
    resourceLanguages=unique(codes_, min_size=1).map(
        lambda texts: [{"code": text} for text in texts]
    ),
    purpose=plain,
    status=st.just(["onGoing"]),
    representation=st.just(["vector"]),
    updated=days.map(lambda day: f"{day}T00:00:00Z"),
    externalIds=st.lists(
        st.builds(ExternalId, plain, st.one_of(st.just(""), plain)), min_size=1, max_size=2
    ).map(tuple),
).flatmap(lambda members: plain.map(lambda identifier: describe(members | {"id": identifier})))


EVERYTHING = describe(
    {
        "id": "fr-cg31-guichets",
        "type": "dataset",
        "title": "Guichets d'accueil de la Haute-Garonne",
        "alternateTitles": ["guichets_31"],
        "description": "Les guichets où l'on est reçu.",
        "translations": {"en": {"title": "Counters of Haute-Garonne"}},
        "contacts": (
            Contact(
                organization="Département",
                roles=("pointOfContact",),
                emails=(ContactPoint("sig@cg31.fr"),),
            ),
            Contact(
                organization="Département", roles=("pointOfContact",), extra={"about": "metadata"}
            ),
            Contact(
                name="Anne Puig",
                organization="Département",
                roles=("author",),
                extra={
                    "about": "citation",
                    "identifier": "https://orcid.org/0000-0000-0000-0000",
                    "organizationIdentifier": "https://ror.org/000000000",
                },
            ),
            Contact(organization="PIGMA", roles=("distributor",), extra={"about": "distribution"}),
        ),
        "geometry": Extent(0.4, 42.6, 2.1, 43.9).as_geometry(),
        "places": [{"code": "31"}],
        "extentDescription": "Haute-Garonne",
        "time": Time(interval=("2019-01-01", "2020-01-01")),
        "dates": [{"date": "2020-02-01", "type": "creation"}],
        "keywords": ("guichet", "Toulouse"),
        "keywordTypes": {"Toulouse": "place"},
        "themes": (
            Theme(
                (
                    Concept(
                        f"{INSPIRE_THEME}/us", "Services d'utilité publique et services publics"
                    ),
                ),
                INSPIRE_THEME,
                {
                    "title": "GEMET - INSPIRE themes, version 1.0",
                    "date": "2008-06-01",
                    "dateType": "publication",
                },
            ),
            Theme((Concept("society"),), TOPIC_CATEGORY),
        ),
        "license": "etalab-2.0",
        "rights": "Licence Ouverte 2.0\nCiter la source",
        "constraints": [
            {
                "kind": "legal",
                "limitations": [{"text": "Citer la source"}],
                "use": ["license"],
                "other": [{"text": "Licence Ouverte 2.0"}],
            },
        ],
        "links": (
            Link(
                "https://exemple.fr/guichets.zip",
                "enclosure",
                "application/zip",
                "Le fichier",
                extra={"function": "download"},
            ),
            Link(
                "https://exemple.fr/wms",
                "service",
                extra={
                    "protocol": "OGC Web Map Service",
                    "protocolAddress": "http://www.opengis.net/def/serviceType/ogc/wms",
                },
            ),
            Link("https://exemple.fr/apercu.png", "preview", title="Aperçu"),
        ),
        "formats": [{"name": "Shapefile", "version": "1.0"}],
        "lineage": "Relevé en mairie.",
        "processSteps": [
            {"description": "Géocodage des adresses", "rationale": "Les placer sur la carte"}
        ],
        "sources": [{"title": "Annuaire des mairies", "description": "Tenu par le département"}],
        "resolution": [{"scale": 25000}],
        "crs": ["EPSG:2154"],
        "quality": [
            {
                "element": "DQ_CompletenessOmission",
                "rule": "no-point",
                "name": "sans coordonnées",
                "value": 3,
                "rate": 0.1,
            }
        ],
        "conformity": [
            {
                "title": "Règlement 1089/2010",
                "date": "2010-12-08",
                "dateType": "publication",
                "pass": True,
            }
        ],
        "maintenance": {"frequency": "annually"},
        "parent": "fr-cg31-services",
        "language": {"code": "fr"},
        "resourceLanguages": [{"code": "fr"}, {"code": "oc"}],
        "featureCatalogue": [
            {"id": "fc-1", "title": "Catalogue des guichets", "featureTypes": ["Guichet"]}
        ],
        "purpose": "Savoir où aller.",
        "status": ["onGoing"],
        "representation": ["vector"],
        "updated": "2024-05-02T10:00:00Z",
        "externalIds": (ExternalId("guichets", "https://exemple.fr/id"),),
    }
)

SERVICE = describe(
    {
        "id": "wms",
        "type": "service",
        "title": "WMS",
        "serviceType": "view",
        "links": (
            Link(
                "https://exemple.fr/wms",
                "service",
                extra={"operation": "GetCapabilities", "protocol": "OGC:WMS"},
            ),
            Link("https://exemple.fr/csw?id=1", "related", extra={"operatesOn": "1"}),
        ),
    }
)


def sorted_parts(value: Any) -> Any:
    """The same value whatever the order of what has none: keywords, and the parts of a geometry."""
    if isinstance(value, dict) and value.get("type") == "MultiPolygon":
        return value | {"coordinates": sorted(value["coordinates"])}
    return (
        sorted(value) if isinstance(value, tuple) and value and isinstance(value[0], str) else value
    )


def read(document: bytes) -> Record:
    [record] = registry.read_document(document).records
    return record


def differences(one: Record, other: Record, members: Iterable[str] = MEMBERS) -> dict[str, Any]:
    def told(record: Record, member: str) -> Any:
        value = said(record, member) or None
        return (
            sorted(value, key=lambda contact: contact.extra.get("about", ""))
            if member == "contacts" and value
            else sorted_parts(value)
        )

    return {
        name: (told(one, name), told(other, name))
        for name in members
        if told(one, name) != told(other, name)
    }


def canonical(record: Record) -> Record:
    """The record as a reader makes it: licence and rights come from constraints, translations need
    a text, links say their protocol and function, and its own identifier is no other.
    """
    constraints = said(record, "constraints") or []
    translated = {
        language: kept
        for language, texts in (said(record, "translations") or {}).items()
        if (
            kept := {
                name: text for name, text in texts.items() if said(record, name) not in ("", text)
            }
        )
    }
    told = tuple(map(told_in_iso, record.links))
    others = tuple(one for one in record.external_ids if one != ExternalId(record.id))
    record = with_members(record, translations=translated, links=told, externalIds=others)
    return with_members(record, license=licence_of(constraints), rights=rights_of(constraints))


@pytest.mark.parametrize("iso", ISO)
@settings(max_examples=60, deadline=None)
@given(record=records)
def test_iso_round_trip(iso: ModuleType, record: Record) -> None:
    record = canonical(record)
    assert differences(read(iso.write(record)), record) == {}


@pytest.mark.parametrize("iso", ISO)
@pytest.mark.parametrize("record", [EVERYTHING, SERVICE], ids=["dataset", "service"])
def test_a_record_that_says_everything_survives(iso: ModuleType, record: Record) -> None:
    told = tuple(link if link.rel == "preview" else told_in_iso(link) for link in record.links)
    assert differences(read(iso.write(record)), with_members(record, links=told)) == {}


@pytest.mark.parametrize("iso", ISO)
def test_every_line_of_the_mapping_is_true(iso: ModuleType) -> None:
    """What a line says stands where it says, and is no longer read once it is taken away."""
    for row in iso.MAPPING:
        record = SERVICE if row.member in ("serviceType", "links.operations") else EVERYTHING
        record = replace(record, created="2020-01-01T00:00:00Z")
        root = parse(iso.write(record))
        elements = found(root, row.path)
        assert elements, f"{row.member}: nothing at {row.path}"
        for element in elements:
            element.getparent().remove(element)
        member = row.member.partition(".")[0]
        assert differences(read(serialize(root)), record, [member]), (
            f"{row.member} does not come from {row.path}"
        )


@pytest.mark.parametrize("iso", ISO)
@settings(max_examples=40, deadline=None)
@given(before=records, after=records)
def test_an_edited_document_says_the_new_record(
    iso: ModuleType, before: Record, after: Record
) -> None:
    before, after = canonical(before), replace(canonical(after), type=before.type)
    source = iso.write(before)
    after = replace(after, id=before.id)
    assert differences(read(iso.write(after, source=source)), after) == {}


DCAT_MEMBERS = (
    "id",
    "type",
    "title",
    "description",
    "alternateTitles",
    "geometry",
    "time",
    "keywords",
    "license",
    "links",
    "lineage",
    "language",
    "resourceLanguages",
    "parent",
    "updated",
    "externalIds",
    "maintenance",
)


@pytest.mark.parametrize("form", ["turtle", "xml", "json-ld"])
@pytest.mark.parametrize("role", ["pointOfContact", "publisher", "custodian"])
def test_dcat_keeps_all_of_a_contact(form: Form, role: str) -> None:
    postal = {
        "deliveryPoint": ["1 place Saint-Étienne"],
        "city": "Toulouse",
        "postalCode": "31000",
        "country": "France",
    }
    contact = Contact(
        name="Anne Puig",
        organization="Département",
        position="géomaticienne",
        roles=(role,),
        emails=(ContactPoint("sig@exemple.fr"),),
        phones=(ContactPoint("+33561000000"),),
        links=(Link("https://exemple.fr", "about", "text/html"),),
        extra={"identifier": "https://orcid.org/0", "addresses": [postal]},
    )
    [back] = registry.read_document(
        document.write(Record(id="a", title="A", contacts=(contact,)), form=form)
    ).records
    assert back.contacts == (contact,)


def test_dcat_reads_the_organization_that_a_person_is_a_member_of() -> None:
    graph = """@prefix dcat: <http://www.w3.org/ns/dcat#> . @prefix dct: <http://purl.org/dc/terms/> .
      @prefix foaf: <http://xmlns.com/foaf/0.1/> . @prefix org: <http://www.w3.org/ns/org#> .
      @prefix v: <http://www.w3.org/2006/vcard/ns#> .
      <urn:a> a dcat:Dataset ; dct:title "A" ;
        dct:publisher [ a foaf:Agent ; foaf:name "Anne Puig" ;
          org:memberOf [ a foaf:Organization ; foaf:name "DREAL" ] ] ;
        dcat:contactPoint [ a v:Organization ; v:org [ v:organisation-name "Géo2France" ] ] ."""
    [record] = registry.read_document(graph.encode()).records
    assert [(contact.organization, contact.name) for contact in record.contacts] == [
        ("Géo2France", ""),
        ("DREAL", "Anne Puig"),
    ]


@pytest.mark.parametrize("form", ["turtle", "xml", "json-ld"])
@settings(max_examples=30, deadline=None)
@given(record=records)
@example(
    record=Record(
        id="aaa", title="a", type="dataset", links=(Link("https://exemple.fr/fgb", "related"),)
    )
)
def test_dcat_round_trip(form: Form, record: Record) -> None:
    record = canonical(record)
    # DCAT tells the type of a file whose address tells it.
    typed = tuple(replace(link, type=media_of(link)) for link in record.links)
    record = with_members(
        record,
        links=typed,
        type="dataset",
        license="etalab-2.0",
        constraints=None,
        rights="",
        maintenance={"frequency": "weekly"},
    )
    [back] = registry.read_document(document.write(record, form=form)).records
    assert differences(*map(unordered, (back, record)), DCAT_MEMBERS) == {}
    assert people(back) == people(record)
    assert concepts(back) == concepts(record)


@settings(max_examples=60, deadline=None)
@given(record=records)
def test_mcf_round_trip(record: Record) -> None:
    record = with_members(
        canonical(record), constraints=None, license="", rights="", conformity=None, formats=None
    )
    [back] = registry.read_document(registry.rewrite(record, "mcf", b"")).records
    told = (
        "id",
        "type",
        "title",
        "description",
        "translations",
        "alternateTitles",
        "time",
        "keywords",
        "links",
        "lineage",
        "crs",
        "language",
        "parent",
        "updated",
        "externalIds",
        "status",
        "representation",
    )
    assert differences(back, record, told) == {}
    assert [contact.organization for contact in back.contacts] == [
        contact.organization for contact in record.contacts
    ]


@settings(max_examples=60, deadline=None)
@given(record=records)
def test_dublin_core_round_trip(record: Record) -> None:
    record = with_members(
        record,
        type="dataset",
        themes=(),
        rights="",
        license="",
        constraints=None,
        language=None,
        translations=None,
    )
    [back] = registry.read_document(registry.rewrite(record, "dublin-core", b"")).records
    told = (
        "id",
        "type",
        "title",
        "description",
        "alternateTitles",
        "keywords",
        "lineage",
        "resourceLanguages",
        "parent",
        "updated",
        "time",
    )
    assert differences(back, record, told) == {}
    assert back.extent == record.extent


def unordered(record: Record) -> Record:
    """The record with what RDF does not keep in order put in one."""
    extra = dict(record.extra_properties)
    for name in ("alternateTitles", "resourceLanguages"):
        if name in extra:
            extra[name] = sorted(extra[name], key=str)
    by_address = sorted({repr(link): link for link in record.links}.items())
    identifiers = sorted({repr(item): item for item in record.external_ids}.items())
    return replace(
        record,
        links=tuple(link for _, link in by_address),
        external_ids=tuple(item for _, item in identifiers),
        extra_properties=extra,
    )


def people(record: Record) -> set[tuple[str, str, str]]:
    """Who answers for the resource; RDF only knows contact points of the record itself."""
    resource = [contact for contact in record.contacts if contact.extra.get("about") != "metadata"]
    return {("".join(contact.roles), contact.organization, contact.name) for contact in resource}


def concepts(record: Record) -> set[str]:
    return {item.id for theme in record.themes for item in theme.concepts}


def test_dcat_says_everything_it_can() -> None:
    [back] = registry.read_document(document.write(EVERYTHING)).records
    assert (
        differences(
            back,
            EVERYTHING,
            ("title", "translations", "geometry", "time", "dates", "license", "crs", "conformity"),
        )
        == {}
    )
    assert said(back, "resolution") == [{"scale": 25000}]
    assert concepts(back) == concepts(EVERYTHING)
    assert [link.href for link in back.links] == [link.href for link in EVERYTHING.links]


def test_a_dcat_catalogue_is_paged_and_read_back() -> None:
    page = document.write_catalogue(
        [EVERYTHING, SERVICE], title="Catalogue", publisher="Région", page=2, pages=3, total=5
    )
    assert b"page=3" in page and b"page=1" in page
    assert [record.id for record in registry.read_document(page).records] == [
        EVERYTHING.id,
        SERVICE.id,
    ]


def test_schema_org_says_where_and_what() -> None:
    made = schema_org.build(EVERYTHING, address="https://exemple.fr/1")
    assert made["@type"] == "Dataset" and made["name"] == EVERYTHING.title
    assert made["spatialCoverage"][0]["geo"]["box"] == "42.6 0.4 43.9 2.1"
    assert made["distribution"][0]["contentUrl"] == "https://exemple.fr/guichets.zip"
    assert made["license"].startswith("https://www.etalab")


def test_the_table_of_records_holds_no_formula() -> None:
    lines = (
        csv_table.write([EVERYTHING, Record(id="=1+1", title="@a")])
        .decode("utf-8-sig")
        .splitlines()
    )
    assert len(lines) == 3 and lines[2].startswith("'=1+1;;'@a")
