"""Coordinates in any reference system: where they are, whatever the order of their axes."""

import time

import pytest
from lxml import etree
from pyproj import Transformer

from geoguichet.catalogue.errors import RecordError
from geoguichet.catalogue.formats import coordinates, registry
from geoguichet.catalogue.record import Extent, Record

TOULOUSE = (1.444, 43.604)
ISO = (
    '<gmd:MD_Metadata xmlns:gmd="http://www.isotc211.org/2005/gmd" '
    'xmlns:gco="http://www.isotc211.org/2005/gco" xmlns:gml="http://www.opengis.net/gml/3.2">'
    "<gmd:fileIdentifier><gco:CharacterString>x</gco:CharacterString></gmd:fileIdentifier>{}"
    "<gmd:identificationInfo><gmd:MD_DataIdentification><gmd:extent><gmd:EX_Extent>{}"
    "</gmd:EX_Extent></gmd:extent></gmd:MD_DataIdentification></gmd:identificationInfo>"
    "</gmd:MD_Metadata>"
)


def read(elements: str, systems: tuple[str, ...] = ()) -> Record:
    told = "".join(
        "<gmd:referenceSystemInfo><gmd:MD_ReferenceSystem><gmd:referenceSystemIdentifier>"
        f"<gmd:RS_Identifier><gmd:code><gco:CharacterString>{system}</gco:CharacterString>"
        "</gmd:code></gmd:RS_Identifier></gmd:referenceSystemIdentifier></gmd:MD_ReferenceSystem>"
        "</gmd:referenceSystemInfo>"
        for system in systems
    )
    [record] = registry.read_document(ISO.format(told, elements).encode()).records
    return record


def box(west: float, south: float, east: float, north: float, kind: str = "") -> str:
    code = f"<gmd:extentTypeCode><gco:Boolean>{kind}</gco:Boolean></gmd:extentTypeCode>"
    sides = {"west": west, "east": east, "south": south, "north": north}
    return (
        "<gmd:geographicElement><gmd:EX_GeographicBoundingBox>"
        + (code if kind else "")
        + "".join(
            f"<gmd:{side}Bound{'Longitude' if side in ('west', 'east') else 'Latitude'}>"
            f"<gco:Decimal>{value}</gco:Decimal>"
            f"</gmd:{side}Bound{'Longitude' if side in ('west', 'east') else 'Latitude'}>"
            for side, value in sides.items()
        )
        + "</gmd:EX_GeographicBoundingBox></gmd:geographicElement>"
    )


def polygon(gml: str) -> str:
    return (
        "<gmd:geographicElement><gmd:EX_BoundingPolygon><gmd:polygon>"
        f"{gml}</gmd:polygon></gmd:EX_BoundingPolygon></gmd:geographicElement>"
    )


@pytest.mark.parametrize(
    ("name", "system", "latitude_first"),
    [
        ("urn:ogc:def:crs:EPSG::4326", "EPSG:4326", True),
        ("http://www.opengis.net/def/crs/EPSG/0/4258", "EPSG:4258", True),
        ("urn:ogc:def:crs:EPSG:9.1:4171", "EPSG:4171", True),
        ("EPSG:4171", "EPSG:4171", False),
        ("http://www.opengis.net/gml/srs/epsg.xml#4326", "EPSG:4326", False),
        ("urn:ogc:def:crs:OGC:1.3:CRS84", "EPSG:4326", False),
        ("urn:ogc:def:crs:EPSG::3035", "EPSG:3035", True),
        ("EPSG:3035", "EPSG:3035", False),
        ("urn:ogc:def:crs:EPSG::3857", "EPSG:3857", False),
        ("http://www.opengis.net/def/crs/EPSG/0/2154", "EPSG:2154", False),
        ("urn:ogc:def:crs:EPSG::3943", "EPSG:3943", False),
        ("IGNF:LAMB93", "EPSG:2154", False),
        ("urn:ogc:def:crs:IGNF::LAMB93", "EPSG:2154", False),
    ],
)
def test_a_point_is_where_its_system_puts_it(name: str, system: str, latitude_first: bool) -> None:
    x, y = Transformer.from_crs("OGC:CRS84", system, always_xy=True).transform(*TOULOUSE)
    first, second = (y, x) if latitude_first else (x, y)
    point = etree.fromstring(
        f'<g:Point xmlns:g="http://www.opengis.net/gml/3.2" srsName="{name}">'
        f"<g:pos>{first} {second}</g:pos></g:Point>"
    )
    assert coordinates.from_gml(point)["coordinates"] == pytest.approx(TOULOUSE, abs=1e-7)
    told = coordinates.from_wkt(f"<{name}> POINT({first} {second})")
    assert told is not None and told["coordinates"] == pytest.approx(TOULOUSE, abs=1e-7)


def test_a_system_is_inherited_from_the_element_around() -> None:
    record = read(
        polygon(
            '<gml:MultiSurface srsName="urn:ogc:def:crs:EPSG::2154"><gml:surfaceMember>'
            "<gml:Polygon><gml:exterior><gml:LinearRing><gml:posList>570000 6270000 580000 6270000 "
            "580000 6280000 570000 6280000 570000 6270000</gml:posList></gml:LinearRing>"
            "</gml:exterior></gml:Polygon></gml:surfaceMember></gml:MultiSurface>"
        )
    )
    assert record.extent is not None
    assert record.extent.west == pytest.approx(1.388, abs=0.01)
    assert record.extent.north == pytest.approx(43.61, abs=0.02)


def test_a_polygon_without_a_system_is_in_that_of_the_record() -> None:
    ring = "570000,6270000 580000,6270000 580000,6280000 570000,6270000"
    gml = (
        "<gml:Polygon><gml:outerBoundaryIs><gml:LinearRing><gml:coordinates>{}</gml:coordinates>"
        "</gml:LinearRing></gml:outerBoundaryIs></gml:Polygon>"
    )
    assert read(polygon(gml.format(ring)), ("EPSG:2154",)).extent is not None
    unknown = read(polygon(gml.format(ring)))
    assert unknown.geometry is None
    assert "degrés" in unknown.extra_properties["unreadable"][0]["reason"]


def test_a_box_in_metres_is_in_the_one_system_of_the_record_that_it_can_be_of() -> None:
    sides = (570000, 6270000, 580000, 6280000)
    for systems in (("EPSG:2154",), ("EPSG:4326", "EPSG:27572", "EPSG:2154")):
        found = read(box(*sides), systems).extent
        assert found is not None and found.west == pytest.approx(1.388, abs=0.01)
    for systems in ((), ("EPSG:4326",), ("EPSG:27572",), ("projection locale",)):
        record = read(box(*sides), systems)
        assert record.geometry is None
        assert "emprise" in record.extra_properties["unreadable"][0]["reason"]


@pytest.mark.parametrize(
    ("gml", "reason"),
    [
        ('<gml:Point srsName="EPSG:999999"><gml:pos>1 43</gml:pos></gml:Point>', "inconnu"),
        ('<gml:Point srsName="EPSG:2154"><gml:pos>0 0</gml:pos></gml:Point>', "EPSG:2154"),
        ("<gml:Point><gml:pos>un deux</gml:pos></gml:Point>", "nombres"),
        ("<gml:Polygon/>", "polygone fermé"),
        (
            '<gml:Envelope srsName="EPSG:4326"><gml:lowerCorner>1 2</gml:lowerCorner></gml:Envelope>',
            "coins",
        ),
    ],
)
def test_what_is_nowhere_is_told(gml: str, reason: str) -> None:
    record = read(polygon(gml))
    assert record.geometry is None
    assert reason in record.extra_properties["unreadable"][0]["reason"]


def test_what_is_excluded_is_taken_away() -> None:
    assert read(box(1, 43, 2, 44) + box(1.5, 43, 2, 44, "false")).extent == Extent(1, 43, 1.5, 44)
    hole = read(box(1.4, 43.4, 1.6, 43.6, "0") + box(1, 43, 2, 44, "1")).geometry
    assert hole is not None and len(hole["coordinates"]) == 2  # an outside, and a hole
    beside = read(box(1, 43, 2, 44) + box(2, 43, 3, 44, "false"))
    assert beside.extent == Extent(1, 43, 2, 44)
    alone = read(box(1, 43, 2, 44, "false"))
    assert alone.geometry is None and "exclue" in str(alone.extra_properties["unreadable"])


def test_a_place_that_is_excluded_is_told_as_such() -> None:
    place = (
        "<gmd:geographicElement><gmd:EX_GeographicDescription><gmd:extentTypeCode><gco:Boolean>0"
        "</gco:Boolean></gmd:extentTypeCode><gmd:geographicIdentifier><gmd:MD_Identifier><gmd:code>"
        "<gco:CharacterString>Aran</gco:CharacterString></gmd:code></gmd:MD_Identifier>"
        "</gmd:geographicIdentifier></gmd:EX_GeographicDescription></gmd:geographicElement>"
    )
    record = read(place)
    assert "places" not in record.extra_properties
    assert record.extra_properties["extentDescription"] == "Sauf : Aran"


def test_an_srid_before_wkt_names_its_system() -> None:
    told = coordinates.from_wkt("SRID=2154;POINT(574357.8 6279642.9)")
    assert told is not None and told["coordinates"] == pytest.approx(TOULOUSE, abs=0.001)
    assert coordinates.from_wkt("POLYGON EMPTY") is None
    with pytest.raises(ValueError, match="WKT"):
        coordinates.from_wkt("POLYGON((1")


def test_the_box_of_another_system_holds_the_whole_of_its_sides() -> None:
    """The north side of a box in Lambert 93 bulges between its corners."""
    found = coordinates.box_in_degrees((200000, 6400000, 1200000, 7000000), ["EPSG:2154"])
    corners = Transformer.from_crs(2154, 4326, always_xy=True).transform(
        [200000, 1200000], [7e6] * 2
    )
    assert found.north > max(corners[1]) + 0.15
    with pytest.raises(RecordError, match="aucun"):
        coordinates.box_in_degrees((200000, 6400000, 1200000, 7000000), [])


@pytest.mark.parametrize(
    ("crs", "lower", "upper"),
    [
        ("urn:x-ogc:def:crs:EPSG:6.11:4326", "43 1", "44 2"),
        ("EPSG:4171", "43 1", "44 2"),
        ("urn:ogc:def:crs:OGC:1.3:CRS84", "1 43", "2 44"),
        ("urn:ogc:def:crs:OGC:2:84", "1 43", "2 44"),
        ("urn:ogc:def:crs:EPSG::2154", "537800 6214000", "620000 6325000"),
        # As GeoNetwork writes it: degrees, whatever the system, the eastern corner below.
        ("urn:ogc:def:crs:EPSG::RGF93 / Lambert-93", "2 43", "1 44"),
        ("urn:ogc:def:crs:::EPSG:2154", "2 43", "1 44"),
    ],
)
def test_the_box_of_dublin_core_is_in_its_system(crs: str, lower: str, upper: str) -> None:
    document = (
        '<csw:Record xmlns:csw="http://www.opengis.net/cat/csw/2.0.2" '
        'xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:ows="http://www.opengis.net/ows">'
        f'<dc:identifier>a</dc:identifier><ows:BoundingBox crs="{crs}"><ows:LowerCorner>{lower}'
        f"</ows:LowerCorner><ows:UpperCorner>{upper}</ows:UpperCorner></ows:BoundingBox>"
        "</csw:Record>"
    )
    [record] = registry.read_document(document.encode()).records
    assert record.extent is not None
    sides = (record.extent.west, record.extent.south, record.extent.east, record.extent.north)
    assert sides == pytest.approx((1, 43, 2, 44), abs=0.03)


def test_the_box_of_a_layer_of_qgis_is_in_its_system() -> None:
    document = (
        "<qgis><identifier>a</identifier><title>A</title><extent>"
        '<spatial crs="EPSG:2154" minx="570000" miny="6270000" maxx="580000" maxy="6280000"/>'
        "</extent></qgis>"
    )
    [record] = registry.read_document(document.encode()).records
    assert record.extent is not None and record.extent.west == pytest.approx(1.388, abs=0.01)


def test_an_envelope_across_the_antimeridian_stays_across() -> None:
    envelope = etree.fromstring(
        '<g:Envelope xmlns:g="http://www.opengis.net/gml/3.2"><g:lowerCorner>170 -20</g:lowerCorner>'
        "<g:upperCorner>-170 -10</g:upperCorner></g:Envelope>"
    )
    found = coordinates.from_gml(envelope)
    assert Extent.from_geometry(found) == Extent(170, -20, -170, -10)


def test_the_name_of_a_system_is_bounded() -> None:
    start = time.process_time()
    for name in ("EPSG" + ":" * 100_000, "EPSG:" + "1." * 100_000, "EPSG:" * 50_000):
        coordinates.system(name)
    assert time.process_time() - start < 1


@pytest.mark.parametrize(
    "box",
    [
        '<BoundingBox CRS="EPSG:2154" minx="500000" miny="6200000" maxx="600000" maxy="6300000"/>',
        '<BoundingBox SRS="EPSG:2154" minx="500000" miny="6200000" maxx="600000" maxy="6300000"/>',
        '<BoundingBox CRS="EPSG:4326" minx="42.9" miny="0.54" maxx="43.8" maxy="1.77"/>',
        '<BoundingBox SRS="EPSG:4326" minx="0.54" miny="42.9" maxx="1.77" maxy="43.8"/>',
        '<BoundingBox CRS="CRS:84" minx="0.54" miny="42.9" maxx="1.77" maxy="43.8"/>',
    ],
)
def test_a_layer_with_a_box_in_its_system_alone_is_on_the_map(box: str) -> None:
    document = (
        "<WMS_Capabilities><Service><Title>S</Title></Service><Capability><Layer>"
        f"<Layer><Name>a</Name><Title>A</Title>{box}</Layer></Layer></Capability></WMS_Capabilities>"
    )
    [_, layer] = registry.read_document(document.encode()).records
    extent = layer.geometry and Extent.from_geometry(layer.geometry)
    assert extent and (round(extent.west, 1), round(extent.south, 1)) == (0.5, 42.9)
    assert (round(extent.east, 1), round(extent.north, 1)) == (1.8, 43.8)


def test_a_box_that_is_not_of_its_system_is_told() -> None:
    document = (
        "<WMS_Capabilities><Layer><Name>a</Name>"
        '<BoundingBox CRS="EPSG:2154" minx="1" miny="2" maxx="3" maxy="x"/></Layer></WMS_Capabilities>'
    )
    [_, layer] = registry.read_document(document.encode()).records
    assert layer.geometry is None and layer.extra_properties["unreadable"]
