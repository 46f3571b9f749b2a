"""What a link leads to, and how DCAT's consumers are told."""

import pytest
import rdflib
from rdflib import DCTERMS, FOAF, PROV, RDF, RDFS, URIRef

from geoguichet.catalogue.formats import codes, links, registry
from geoguichet.catalogue.formats.dcat import document as dcat
from geoguichet.catalogue.formats.dcat.rdf import DCAT, DCATAP, GEODCAT
from geoguichet.catalogue.record import Concept, Contact, Link, Record, Theme, Time

FILE_TYPE = "http://publications.europa.eu/resource/authority/file-type/"


@pytest.mark.parametrize(
    ("link", "name", "media"),
    [
        (Link("https://a.fr/x.gpkg", "enclosure"), "GPKG", "application/geopackage+sqlite3"),
        (Link("https://a.fr/x.SHP.zip", "enclosure"), "SHP", "application/zip"),
        (Link("https://a.fr/d", "enclosure", title="communes.csv"), "CSV", "text/csv"),
        (Link("https://a.fr/d", "enclosure", "application/geo+json"), "GEOJSON", "application/geo+json"),
        (Link("https://a.fr/d.zip", "enclosure", "application/zip", "c.gpkg"), "GPKG", "application/zip"),
        (Link("https://a.fr/api?f=geojson", "item"), "GEOJSON", "application/geo+json"),
        (
            Link("https://a.fr/ows?SERVICE=WFS&REQUEST=GetFeature&outputFormat=SHAPE-ZIP", "enclosure"),
            "SHP",
            "application/vnd.shp",
        ),
        (Link("https://a.fr/ows?service=WMS&request=GetCapabilities", "related"), "WMS", ""),
        (Link("https://a.fr/x", "related", extra={"protocol": "OGC:WFS-1.1.0-http-get-capabilities"}), "WFS", ""),
        (Link("https://a.fr/geoserver/wmts", "service"), "WMTS", ""),
        (Link("https://a.fr/service", "service"), "API", ""),
        (Link("https://a.fr/x.gpx", "related", extra={"protocol": "WWW:DOWNLOAD"}), "GPX", "application/gpx+xml"),
        (Link("http://[a/x", "enclosure"), "", ""),
        (Link("https://a.fr/sms", "related"), "", ""),
    ],
)  # fmt: skip
def test_a_link_is_what_its_protocol_its_type_or_its_name_tells(
    link: Link, name: str, media: str
) -> None:
    kind = links.kind_of(link)
    assert (kind.name if kind else "", links.media_of(link)) == (name, media)


def graph_of(*records: Record) -> rdflib.Graph:
    page = dcat.write_catalogue(records, title="C", publisher="P", base="https://c.fr/")
    return rdflib.Graph().parse(data=page, format="turtle")


RECORD = Record(
    id="a",
    type="dataset",
    title="A",
    license="etalab-2.0",
    links=(
        Link("https://a.fr/x.gpkg", "enclosure"),
        Link("https://a.fr/wms?", "service", title="x", extra={"protocol": "OGC:WMS"}),
        Link("https://a.fr/map.html", "preview", "text/html", "Carte"),
        Link("https://a.fr/vue.png", "preview", "image/png"),
        Link("https://insee.fr/cog", "via", title="Source : INSEE"),
        Link("https://a.fr/licence", "license", title="Licence"),
    ),
)


def test_a_distribution_says_its_format_and_its_service() -> None:
    graph = graph_of(RECORD)
    subject = URIRef("https://c.fr/a")
    told = {
        str(graph.value(part, DCAT.accessURL)): part for part in graph[subject : DCAT.distribution]
    }
    assert set(told) == {"https://a.fr/x.gpkg", "https://a.fr/wms?"}
    file, service = told["https://a.fr/x.gpkg"], told["https://a.fr/wms?"]
    assert graph.value(file, DCTERMS.format) == URIRef(FILE_TYPE + "GPKG")
    assert str(graph.value(URIRef(FILE_TYPE + "GPKG"), RDFS.label)) == "GPKG"
    assert str(graph.value(file, DCAT.mediaType)).endswith("geopackage+sqlite3")
    access = graph.value(service, DCAT.accessService)
    assert graph.value(access, DCAT.endpointURL) == URIRef("https://a.fr/wms?")
    assert str(graph.value(access, DCTERMS.conformsTo)).endswith("/serviceType/ogc/wms")
    assert graph.value(file, DCAT.accessService) is None


def test_maps_sources_and_licences_are_no_distribution() -> None:
    graph = graph_of(RECORD)
    subject = URIRef("https://c.fr/a")
    pages = set(map(str, graph[subject : FOAF.page]))
    assert pages == {"https://a.fr/map.html", "https://a.fr/licence"}
    assert [str(node) for node in graph[subject : FOAF.depiction]] == ["https://a.fr/vue.png"]
    assert [str(node) for node in graph[subject : PROV.wasDerivedFrom]] == ["https://insee.fr/cog"]
    [back] = registry.read_document(dcat.write(RECORD)).records
    assert {link.href for link in back.links} == {link.href for link in RECORD.links}
    assert {link.rel for link in back.links if link.href == "https://insee.fr/cog"} == {"via"}


def test_a_licence_that_no_list_holds_is_a_link_and_not_a_distribution() -> None:
    record = Record(
        id="a", license="other", links=(Link("https://a.fr/cgu", "license", title="CGU"),)
    )
    graph = graph_of(record)
    assert not list(graph.subjects(RDF.type, DCAT.Distribution))
    [back] = registry.read_document(dcat.write(record)).records
    assert back.license == "other"
    assert [(link.href, link.rel, link.title) for link in back.links] == [
        ("https://a.fr/cgu", "license", "CGU")
    ]


@pytest.mark.parametrize("form", ["turtle", "xml", "json-ld"])
def test_a_service_with_layers_is_no_series(form: dcat.Form) -> None:
    service = Record(
        id="s", type="service", title="S", links=(Link("https://a.fr/wms", "service"),)
    )
    layer = Record(
        id="s-routes",
        type="dataset",
        title="Routes",
        links=(Link("https://a.fr/wms", "service", title="routes"),),
        extra_properties={"parent": "s"},
    )
    member = Record(id="m", type="dataset", title="M", extra_properties={"parent": "serie"})
    page = dcat.write_catalogue([service, layer, member], title="C", publisher="P", form=form)
    back = {record.id: record for record in registry.read_document(page).records}
    assert {name: record.type for name, record in back.items()} == {
        "s": "service",
        "s-routes": "dataset",
        "m": "dataset",
    }
    assert back["s-routes"].extra_properties["parent"] == "s"
    assert back["m"].extra_properties["parent"] == "serie"
    assert back["s"].description == ""
    graph = graph_of(service, layer, member)
    assert (URIRef("https://c.fr/s"), DCAT.servesDataset, URIRef("https://c.fr/s-routes")) in graph
    assert (URIRef("https://c.fr/m"), DCAT.inSeries, URIRef("https://c.fr/serie")) in graph
    alone = rdflib.Graph().parse(data=dcat.write(layer), format="turtle")
    assert not list(alone.subjects(RDF.type, DCAT.DatasetSeries))


def test_a_high_value_dataset_says_its_category_and_the_regulation() -> None:
    category = "http://data.europa.eu/bna/c_ac64a52d"
    record = Record(id="a", title="A", themes=(Theme((Concept(category, "Géospatial"),)),))
    graph = graph_of(record)
    subject = URIRef("https://c.fr/a")
    assert list(graph[subject : DCATAP.hvdCategory]) == [URIRef(category)]
    law = "http://data.europa.eu/eli/reg_impl/2023/138/oj"
    assert list(graph[subject : DCATAP.applicableLegislation]) == [URIRef(law)]
    [back] = registry.read_document(dcat.write(record)).records
    assert [item.id for theme in back.themes for item in theme.concepts] == [category]
    assert back.extra_properties["legislation"] == [law]
    assert dcat.write(back).decode().count(law) == dcat.write(record).decode().count(law)


@pytest.mark.parametrize(
    ("link", "protocol", "function"),
    [
        (Link("https://a.fr/x.zip", "enclosure"), "WWW:DOWNLOAD-1.0-http--download", "download"),
        (Link("https://a.fr/wms?", "service"), "OGC:WMS", "download"),
        (Link("https://a.fr/ows?service=WFS", "service"), "OGC:WFS", "download"),
        (Link("https://a.fr/p", "about"), "WWW:LINK-1.0-http--link", "information"),
        (Link("https://a.fr/p", "related"), "", ""),
        (Link("https://a.fr/x", "service", extra={"protocol": "ESRI:REST"}), "ESRI:REST", ""),
        (
            Link("https://a.fr/x", "enclosure", extra={"protocol": "HTTP", "function": "download"}),
            "HTTP",
            "download",
        ),
    ],
)
@pytest.mark.parametrize("form", ["iso19139", "iso19115-3"])
def test_a_link_says_its_protocol_and_its_function_in_iso(
    form: str, link: Link, protocol: str, function: str
) -> None:
    record = Record(id="a", type="dataset", title="A", links=(link,))
    [back] = registry.read_document(registry.rewrite(record, form, b"")).records
    [told] = back.links
    assert (told.href, told.rel) == (link.href, link.rel)
    assert (told.extra.get("protocol", ""), told.extra.get("function", "")) == (protocol, function)


def test_a_service_that_data_are_got_from_is_read_as_a_service() -> None:
    assert codes.relation({"protocol": "OGC:WMS-1.3.0", "function": "download"}) == "service"
    assert codes.relation({"protocol": "OGC:WFS", "function": "download"}) == "service"
    answer = {"protocol": "OGC:WFS-1.1.0-http-get-feature", "function": "download"}
    assert codes.relation(answer) == "enclosure"


def test_the_format_that_a_distribution_says_is_said_again() -> None:
    graph = (
        "@prefix dcat: <http://www.w3.org/ns/dcat#> . @prefix dct: <http://purl.org/dc/terms/> . "
        '<urn:a> a dcat:Dataset ; dct:title "A" ; dcat:distribution '
        '[ dcat:downloadURL <https://a.fr/1> ; dct:format "EDIGEO" ], '
        f"[ dcat:downloadURL <https://a.fr/2> ; dct:format <{FILE_TYPE}SHP> ], "
        '[ dcat:downloadURL <https://a.fr/3.csv> ; dct:format "csv" ] .'
    )
    [record] = registry.read_document(graph.encode()).records
    assert [link.extra.get("format") for link in record.links] == ["EDIGEO", "SHP", None]
    told = rdflib.Graph().parse(data=dcat.write(record), format="turtle")
    labels = {
        str(told.value(part, DCAT.downloadURL)): str(
            told.value(told.value(part, DCTERMS.format), RDFS.label)
        )
        for part in told.subjects(RDF.type, DCAT.Distribution)
    }
    assert labels == {
        "https://a.fr/1": "EDIGEO",
        "https://a.fr/2": "SHP",
        "https://a.fr/3.csv": "CSV",
    }


def test_the_one_format_of_a_record_is_that_of_its_downloads() -> None:
    formats = {"formats": [{"name": "MapInfo TAB"}]}
    record = Record(id="a", links=(Link("https://a.fr/x", "enclosure"),), extra_properties=formats)
    assert "MapInfo TAB" in dcat.write(record).decode()
    several = Record(
        id="a",
        links=(Link("https://a.fr/x", "enclosure"),),
        extra_properties={"formats": [{"name": "TAB"}, {"name": "SHP"}]},
    )
    assert "dct:format" not in dcat.write(several).decode()


def test_a_role_that_geodcat_has_a_property_for_is_told_by_it() -> None:
    contacts = tuple(
        Contact(organization=f"O {role}", roles=(role,))
        for role in ("pointOfContact", "custodian", "distributor", "sponsor")
    )
    told = rdflib.Graph().parse(data=dcat.write(Record(id="a", contacts=contacts)), format="turtle")
    for role in ("custodian", "distributor"):
        [agent] = told.objects(None, GEODCAT[role])
        assert str(told.value(agent, FOAF.name)) == f"O {role}"
    assert len(list(told.subjects(RDF.type, PROV.Attribution))) == 3
    [back] = registry.read_document(dcat.write(Record(id="a", contacts=contacts))).records
    assert sorted(back.contacts, key=str) == sorted(contacts, key=str)


def test_a_shape_has_its_box_beside_it_and_is_read_as_the_shape() -> None:
    triangle = {"type": "Polygon", "coordinates": [[[0, 42], [2, 42], [1, 44], [0, 42]]]}
    document = dcat.write(Record(id="a", geometry=triangle))
    told = rdflib.Graph().parse(data=document, format="turtle")
    assert len(list(told.objects(None, DCAT.bbox))) == 1
    [back] = registry.read_document(document).records
    assert back.geometry == triangle


@pytest.mark.parametrize("form", ["iso19139", "iso19115-3"])
def test_a_study_is_a_dataset_of_the_list_of_iso_and_is_read_as_a_study(form: str) -> None:
    document = registry.rewrite(Record(id="a", type="study", title="A"), form, b"")
    assert b'codeListValue="dataset"' in document and b'codeListValue="study"' not in document
    [back] = registry.read_document(document).records
    assert (back.type, back.external_ids) == ("study", ())


@pytest.mark.parametrize("form", ["iso19139", "iso19115-3"])
def test_a_link_says_its_name_as_a_text_and_its_media_type(form: str) -> None:
    link = Link("https://a.fr/x", "enclosure", "text/csv; charset=utf-8", "Le tableau")
    document = registry.rewrite(Record(id="a", title="A", links=(link,)), form, b"")
    assert ":CharacterString>Le tableau</" in document.decode()
    [back] = registry.read_document(document).records
    assert (back.links[0].type, back.links[0].title) == (link.type, link.title)
    [named] = registry.read_document(
        document.replace(b"text/csv; charset=utf-8", b"http://a.fr/profil")
    ).records
    assert (named.links[0].type, named.links[0].extra["applicationProfile"]) == (
        "",
        "http://a.fr/profil",
    )


@pytest.mark.parametrize(
    ("href", "follows"),
    [
        ("http://...", False),
        ("https:///chemin", False),
        ("https://{s}.tuiles.fr/{z}", False),
        ("http://atom.geo-ide.application.i2/a", False),
        ("https://15NOV09180446_01_P002.TIF", False),
        ("http://Resource_Distribution_Linkage", False),
        ("http://my_tiles.a.fr/a", True),
        ("http://10.0.0.1/a", True),
        ("http://été.xn--fiqs8s/a", True),
        ("http://a.fr", True),
        ("ftp://moi:mot@serveur:21/a", True),
        ("https://[::1]/a", True),
        ("http://localhost:80/a b", True),
        ("urn:a", True),
        ("/catalogue/a.zip", True),
    ],
)
def test_an_address_without_a_host_is_no_distribution_of_rdf_and_its_record_stays_whole(
    href: str, follows: bool
) -> None:
    record = Record(id="a", type="dataset", title="A", links=(Link(href, "enclosure", title="L"),))
    assert links.leads_somewhere(record.links[0]) is follows
    written = registry.rewrite(record, "dcat-ttl", b"").decode()
    assert ("dcat:Distribution" in written, "foaf:page" in written) == (follows, not follows)


@pytest.mark.parametrize(
    "href",
    ["file:///C:/donnees/a.shp", "postgis-bdu:bdu:limite_admin.v_comite_sect", "s3://seau/a.tif"],
)
def test_an_address_inside_a_machine_is_no_distribution_of_rdf(href: str) -> None:
    record = Record(id="a", type="dataset", title="A", links=(Link(href, "enclosure"),))
    assert links.leads_somewhere(record.links[0]) and not links.leads_anyone(record.links[0])
    written = registry.rewrite(record, "dcat-ttl", b"").decode()
    assert "dcat:Distribution" not in written and "foaf:page" in written


@pytest.mark.parametrize(
    ("licence", "label"),
    [("etalab-2.0", "Licence Ouverte / Open Licence version 2.0"), ("CC-BY-4.0", "None")],
)
def test_a_licence_is_labelled_by_a_title_that_data_gouv_fr_lists_or_read_by_its_address(
    licence: str, label: str
) -> None:
    told = rdflib.Graph().parse(data=dcat.write(Record(id="a", license=licence)), format="turtle")
    [address] = set(told.objects(None, DCTERMS.license))
    assert str(told.value(address, RDFS.label)) == label
    [back] = registry.read_document(told.serialize(format="turtle").encode()).records
    assert back.license == licence


def test_the_ends_of_a_period_of_rdf_are_of_one_kind() -> None:
    """One a day and the other an instant, udata compares them and drops the record."""
    time = Time(interval=("1900-01-01", "2999-01-01T00:00:00Z"))
    record = Record(id="a", type="dataset", title="A", time=time)
    [read] = registry.read_document(registry.rewrite(record, "dcat-ttl", b"")).records
    assert read.time is not None and read.time.ends == ("1900-01-01", "2999-01-01")


def test_services_at_one_address_under_one_title_stay_apart_in_rdf() -> None:
    """data.gouv.fr knows a resource by its address and, of a service, its title."""
    at = "https://a.fr/ows?MAP=a.qgz"
    both = tuple(
        Link(at, "service", title="scot", extra={"protocol": kind})
        for kind in ("OGC:WMS", "OGC:WFS")
    )
    record = Record(id="a", type="dataset", title="A", links=(*both, Link(f"{at}&x", "item")))
    graph = rdflib.Graph().parse(data=registry.rewrite(record, "dcat-ttl", b""))
    things = graph.subjects(RDF.type, DCAT.Distribution)
    titles = {str(title) for thing in things for title in graph.objects(thing, DCTERMS.title)}
    assert titles == {"scot (WMS)", "scot (WFS)"}


@pytest.mark.parametrize(
    ("href", "told"),
    [
        ("cartes.a.fr/wfs?service=wfs", "http://cartes.a.fr/wfs?service=wfs"),
        ("cartes/wfs.php?service=wfs", "cartes/wfs.php?service=wfs"),
        ("https://a.fr/wfs", "https://a.fr/wfs"),
    ],
)
def test_a_service_written_from_its_host_is_given_in_full_by_a_portal(href: str, told: str) -> None:
    link = Link(href, "service", extra={"protocol": "OGC:WFS"})
    assert links.in_full(link) == told
    record = Record(id="a", type="service", title="A", links=(link,))
    [whole] = links.with_whole_links(record, "https://portail.fr").links
    assert whole.href == (told if told.startswith("http") else f"https://portail.fr/{href}")
