"""What a harvester is told by CSW of a record, whatever its document says."""

import re

from geoguichet.catalogue.formats import registry
from geoguichet.catalogue.formats.iso import iso19139, profile
from geoguichet.catalogue.formats.xml import parse
from geoguichet.catalogue.record import Contact, ContactPoint, Record


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
