"""What a harvester is told by CSW of a record, whatever its document says."""

import re
from typing import Any

import pytest

from geoguichet.catalogue.formats import registry
from geoguichet.catalogue.formats.iso import iso19139, profile
from geoguichet.catalogue.formats.xml import Element, parse
from geoguichet.catalogue.record import Contact, ContactPoint, ExternalId, Link, Record, Time


def test_a_resource_without_identifier_has_that_of_its_record_for_a_harvester() -> None:
    record = Record(id="a", type="dataset", title="A")
    whole = iso19139.write(record)
    bare = re.sub(rb"<gmd:identifier>.*?</gmd:identifier>", b"", whole)
    assert bare != whole and profile.profiled(whole, record) == whole
    mended = profile.profiled(bare, record)
    assert parse(mended).findtext(".//{*}citation//{*}identifier//{*}CharacterString") == "a"
    assert registry.read_document(bare).records == registry.read_document(mended).records


_HELD = """<gmd:MD_Metadata xmlns:gmd="http://www.isotc211.org/2005/gmd"
 xmlns:gco="http://www.isotc211.org/2005/gco"><gmd:fileIdentifier><gco:CharacterString>a
 </gco:CharacterString></gmd:fileIdentifier><gmd:language><gco:CharacterString>fra; CAN
 </gco:CharacterString></gmd:language><gmd:hierarchyLevel><gmd:MD_ScopeCode codeList="nap#IC_108"
 codeListValue="RI_622">dataset; jeuDonnées</gmd:MD_ScopeCode></gmd:hierarchyLevel>
 <gmd:identificationInfo><gmd:MD_DataIdentification><gmd:citation><gmd:CI_Citation><gmd:title>
 <gmd:PT_FreeText><gmd:textGroup><gmd:LocalisedCharacterString locale="#FR">Haies
 </gmd:LocalisedCharacterString></gmd:textGroup></gmd:PT_FreeText></gmd:title><gmd:date><gmd:CI_Date>
 <gmd:date><gco:Date>2004-09-03Z</gco:Date></gmd:date><gmd:dateType><gmd:CI_DateTypeCode codeList=""
 codeListValue="creation"/></gmd:dateType></gmd:CI_Date></gmd:date><gmd:identifier>
 <gmd:MD_Identifier><gmd:code/></gmd:MD_Identifier></gmd:identifier></gmd:CI_Citation></gmd:citation>
 <gmd:credit><gco:CharacterString>Ce que nul ne lit</gco:CharacterString></gmd:credit>
 <gmd:resourceConstraints><gmd:MD_Constraints><gmd:useLimitation><gco:CharacterString>Licence
 Ouverte 2.0</gco:CharacterString></gmd:useLimitation></gmd:MD_Constraints></gmd:resourceConstraints>
 </gmd:MD_DataIdentification></gmd:identificationInfo><gmd:distributionInfo><gmd:MD_Distribution>
 <gmd:transferOptions><gmd:MD_DigitalTransferOptions><gmd:onLine><gmd:CI_OnlineResource><gmd:linkage>
 <gmd:URL> http://a.fr/haies.zip </gmd:URL></gmd:linkage><gmd:protocol><gco:CharacterString>
 WWW:DOWNLOAD</gco:CharacterString></gmd:protocol></gmd:CI_OnlineResource></gmd:onLine>
 </gmd:MD_DigitalTransferOptions></gmd:transferOptions></gmd:MD_Distribution></gmd:distributionInfo>
 </gmd:MD_Metadata>"""


def test_a_kept_document_tells_a_harvester_what_it_lacks_and_keeps_the_rest() -> None:
    [record] = registry.read_document(_HELD.encode()).records
    assert (record.type, record.title) == ("dataset", "Haies")
    document = profile.profiled(_HELD.encode(), record)
    root = parse(document)
    assert profile.profiled(document, record) == document
    assert b"Ce que nul ne lit" in document and root.find(".//{*}LocalisedCharacterString") is None
    told = {
        ".//{*}hierarchyLevel/*": "dataset",
        ".//{*}language/*": "fre",
        ".//{*}citation//{*}title/*": "Haies",
        ".//{*}citation//{*}CI_Date/{*}date/*": "2004-09-03",
        ".//{*}citation//{*}identifier//{*}code/*": "a",
        ".//{*}function/*": "download",
        ".//{*}otherConstraints/*": "Licence Ouverte / Open Licence version 2.0",
    }
    assert {path: root.findtext(path) for path in told} == told
    [back] = registry.read_document(document).records
    assert (back.type, back.title, back.license) == (record.type, "Haies", "etalab-2.0")
    assert [link.rel for link in back.links] == [link.rel for link in record.links]


def test_a_document_of_a_profile_or_without_a_level_is_a_dataset_of_iso_for_a_harvester() -> None:
    record = Record(id="a", title="A")
    other = _HELD.replace("gmd:MD_Metadata", "gmi:MI_Metadata").replace(
        "xmlns:gco", 'xmlns:gmi="http://sdi.eurac.edu/metadata/iso19139-2/schema/gmi" xmlns:gco', 1
    )
    for document in (other.encode(), iso19139.write(record)):
        root = parse(profile.profiled(document, record))
        assert root.tag == "{http://www.isotc211.org/2005/gmd}MD_Metadata"
        assert root.findtext("{*}hierarchyLevel/*") == "dataset"


def test_what_has_not_the_shape_of_a_member_stops_no_answer() -> None:
    odd = {"language": "fr", "resourceLanguages": ["fr"], "dates": ["2020"], "constraints": "x"}
    record = Record(id="a", title="A", extra_properties=odd)
    document = registry.rewrite(record, "iso19139", b"")
    root = parse(profile.profiled(document, record))
    assert root.findtext("{*}hierarchyLevel/*") == "dataset"


def test_a_harvester_is_told_one_name_of_a_person_and_no_day_that_does_not_exist() -> None:
    """What stops SEMIC's stylesheet and udata on one record each of the real set."""
    contact = Contact(name="Anne", roles=("author",), emails=(ContactPoint("anne@a.fr"),))
    day = {"dates": [{"date": "2009", "type": "creation"}]}
    record = Record(id="a", type="dataset", title="A", contacts=(contact,), extra_properties=day)
    translated = "<gmd:PT_FreeText><gmd:textGroup/></gmd:PT_FreeText></gmd:individualName>"
    document = iso19139.write(record).replace(b"</gmd:individualName>", translated.encode())
    document = document.replace(b">2009<", b">2009-00-00<")
    root = parse(profile.profiled(document, record))
    [name] = root.iterfind(".//{*}pointOfContact//{*}individualName")
    assert [one.text for one in name] == ["Anne"]
    assert root.findtext(".//{*}citation//{*}CI_Date/{*}date/*") == "2009"


def test_the_locales_of_two_records_have_two_names_in_one_answer() -> None:
    """SEMIC's stylesheet looks for a locale in the whole answer."""
    told = {"translations": {"en": {"title": "Hedges"}}, "language": {"code": "fr"}}
    names = set()
    for identifier in ("a", "b"):
        record = Record(id=identifier, type="dataset", title="Haies", extra_properties=told)
        document = profile.profiled(iso19139.write(record), record)
        assert profile.profiled(document, record) == document
        root = parse(document)
        [locale] = root.iterfind(".//{*}PT_Locale")
        [text] = root.iterfind(".//{*}LocalisedCharacterString")
        assert text.get("locale") == f"#{locale.get('id')}"
        names.add(locale.get("id"))
        [back] = registry.read_document(document).records
        assert back.extra_properties["translations"] == told["translations"]
    assert len(names) == 2


def _profiled(record: Record, document: bytes = b"") -> Element:
    """Return what a harvester is told of a record; said twice, it is the same."""
    told = profile.profiled(document or iso19139.write(record), record)
    assert profile.profiled(told, record) == told
    [back] = registry.read_document(told).records
    assert (back.id, back.title, back.external_ids) == (
        record.id,
        record.title,
        record.external_ids,
    )
    return parse(told)


def test_two_records_of_one_resource_are_two_for_a_harvester_and_keep_its_identifier() -> None:
    """udata takes the first identifier of a resource for that of the record, and one record of each."""
    shared = (ExternalId("1300392329603", "CEH:EIDC:"),)
    for name in ("a", "b"):
        root = _profiled(Record(id=name, type="dataset", title="A", external_ids=shared))
        codes = [one.text for one in root.iterfind(".//{*}citation//{*}identifier/*/{*}code/*")]
        assert codes == [name, "1300392329603"]


@pytest.mark.parametrize(
    ("href", "protocol", "asked"),
    [
        ("http://a.fr/wms", "OGC:WMS", "http://a.fr/wms?service=WMS&request=GetCapabilities"),
        ("http://a.fr/?map=a", "OGC:WFS", "http://a.fr/?map=a&service=WFS&request=GetCapabilities"),
        ("http://a.fr/ows?SERVICE=WMS&", "", "http://a.fr/ows?SERVICE=WMS&request=GetCapabilities"),
        ("http://a.fr/ows?", "OGC:WMTS", "http://a.fr/ows?service=WMTS&request=GetCapabilities"),
        ("http://a.fr/wms?REQUEST=GetMap&layers=a", "OGC:WMS", ""),
        ("http://a.fr/tms/1.0.0", "OSGeo:TMS", ""),
        ("http://a.fr/api", "", ""),
        ("http://.../wms", "OGC:WMS", ""),
    ],
)
def test_a_service_is_asked_what_it_can_do_where_its_address_makes_no_request(
    href: str, protocol: str, asked: str
) -> None:
    """SEMIC's stylesheet knows a service by that request alone."""
    link = Link(href, "service", title="Haies", extra={"protocol": protocol} if protocol else {})
    root = _profiled(Record(id="a", type="dataset", title="A", links=(link,)))
    assert root.findtext(".//{*}onLine/*/{*}linkage/*") == (asked or href)


@pytest.mark.parametrize(
    ("href", "function"),
    [
        ("s3://seau/haies.tif", "information"),
        ("https://15NOV09180446_01_P002.TIF", "information"),
        ("http://atom.application.i2/a.zip", "information"),
        ("http://a.fr/haies.tif", "download"),
    ],
)
def test_an_address_that_leads_nobody_there_is_no_download_for_a_harvester(
    href: str, function: str
) -> None:
    """udata refuses the whole record for one resource whose address is none of the web."""
    link = Link(href, "enclosure", extra={"function": "download"})
    root = _profiled(Record(id="a", type="dataset", title="A", links=(link,)))
    assert root.findtext(".//{*}onLine/*/{*}function/*") == function
    assert root.findtext(".//{*}onLine/*/{*}linkage/*") == href


@pytest.mark.parametrize(
    ("href", "told", "function"),
    [
        ("https://a.fr/haies.zip", {}, "download"),
        ("https://a.fr/haies/exports", {"type": "text/csv"}, "download"),
        ("https://a.fr/d/7", {"extra": {"format": "GeoJSON"}}, "download"),
        ("https://a.fr/haies.png", {}, None),
        ("https://a.fr/notice.pdf", {}, None),
        ("https://a.fr/haies", {}, None),
        ("haies/haies.tif", {}, None),
        ("https://.../haies.tif", {}, None),
    ],
)
def test_a_file_of_data_is_a_download_for_a_harvester_though_nobody_says_so(
    href: str, told: dict[str, Any], function: str | None
) -> None:
    """DCAT has it as a distribution (an ``accessURL`` of a CSV); SEMIC's stylesheet has a page of what
    has no function, so that data.gouv.fr lost the resource.
    """
    link = Link(href, "related", **told)
    root = _profiled(Record(id="a", type="dataset", title="A", links=(link,)))
    if href.startswith("https://..."):
        function = "information"
    assert root.findtext(".//{*}onLine/*/{*}function/*") == function


def test_the_spaces_of_an_address_are_escaped_for_a_harvester() -> None:
    link = Link("http://a.fr/les haies.zip", "enclosure")
    root = _profiled(Record(id="a", type="dataset", title="A", links=(link,)))
    assert root.findtext(".//{*}onLine/*/{*}linkage/*") == "http://a.fr/les%20haies.zip"


@pytest.mark.parametrize("pages", [(), (Link("http://a.fr/a.html", "about", title="Page"),)])
def test_a_service_begins_by_where_it_is_asked_though_only_an_operation_says_it(
    pages: tuple[Link, ...],
) -> None:
    """SEMIC's stylesheet takes the first address that is distributed for the endpoint."""
    told = {"operation": "GetCapabilities", "protocol": "OGC:WMS"}
    ways = (
        Link("http://a.fr/map", "service", extra={"operation": "GetMap", "protocol": "OGC:WMS"}),
        Link("http://a.fr/wms", "service", extra=told),
    )
    root = _profiled(Record(id="a", type="service", title="A", links=(*pages, *ways)))
    hrefs = [one.text for one in root.iterfind(".//{*}onLine/*/{*}linkage/*")]
    asked = "http://a.fr/wms?service=WMS&request=GetCapabilities"
    assert hrefs == [asked, *(page.href for page in pages)]
    assert len(root.findall(".//{*}connectPoint")) == 2


def test_the_endpoint_of_a_service_comes_before_its_page_for_a_harvester() -> None:
    page = Link("http://a.fr/a.html", "about", title="Page")
    way = Link("http://a.fr/wfs", "service", extra={"protocol": "OGC:WFS"})
    root = _profiled(Record(id="a", type="service", title="A", links=(page, way)))
    hrefs = [one.text for one in root.iterfind(".//{*}onLine/*/{*}linkage/*")]
    assert hrefs == ["http://a.fr/wfs?service=WFS&request=GetCapabilities", page.href]


@pytest.mark.parametrize("href", ["http://xxxx/wms", "http://.../wms", "wms"])
def test_an_operation_at_an_address_of_no_domain_is_no_endpoint(href: str) -> None:
    """A placeholder: udata refuses the service for it."""
    way = Link(href, "service", extra={"operation": "GetCapabilities", "protocol": "OGC:WMS"})
    root = _profiled(Record(id="a", type="service", title="A", links=(way,)))
    assert root.find(".//{*}onLine") is None


def test_a_day_with_a_zone_in_a_period_is_a_day_for_a_harvester() -> None:
    """SEMIC's stylesheet takes it for an instant, which udata refuses beside a day."""
    record = Record(id="a", type="dataset", title="A", time=Time(interval=("2013-11-01", "..")))
    zoned = iso19139.write(record).replace(b">2013-11-01<", b">2013-11-01Z<")
    root = _profiled(record, zoned)
    assert root.findtext(".//{*}beginPosition") == "2013-11-01"


def test_a_text_told_in_locales_alone_is_told_plainly_for_a_harvester() -> None:
    """SEMIC's stylesheet looks for the locale in the whole answer, and two of one language stop it."""
    record = Record(id="a", type="dataset", title="A", description="B")
    alone = (
        b'<gmd:abstract><!-- plain: none --><gmd:PT_FreeText><gmd:textGroup><gmd:LocalisedCharacterString locale="#FR">'
        b"Haies</gmd:LocalisedCharacterString></gmd:textGroup></gmd:PT_FreeText></gmd:abstract>"
    )
    document = re.sub(rb"<gmd:abstract>.*?</gmd:abstract>", alone, iso19139.write(record))
    root = _profiled(record, document)
    assert root.findtext(".//{*}abstract/{*}CharacterString") == "Haies"
    assert root.findtext(".//{*}abstract//{*}LocalisedCharacterString") == "Haies"
