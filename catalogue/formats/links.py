"""What a link leads to: the service or the kind of file that its protocol, its type and its name
tell, as the vocabularies of DCAT and of ISO 19115 call them.
"""

import re
from dataclasses import replace
from typing import NamedTuple
from urllib.parse import parse_qsl, urljoin, urlsplit

from geoguichet.catalogue.formats import codes
from geoguichet.catalogue.record import Link, Record


class Kind(NamedTuple):
    """A kind of file or of service."""

    #: As people and portals call it: GPKG, CSV, WMS.
    name: str
    media: str = ""
    #: Its code in the EU's vocabulary of file types; empty when it has none.
    code: str = ""


#: Endings of names of files: the name of their kind, its media type, the EU's code where it differs
#: from the name (a dash: it has none).
_FILES = """
7z 7Z application/x-7z-compressed -;csv CSV text/csv;dbf DBF application/dbase
doc DOC application/msword;docx DOCX application/vnd.openxmlformats-officedocument.wordprocessingml.document
dwg DWG image/vnd.dwg -;dxf DXF image/vnd.dxf -;ecw ECW image/x-ecw -
fgb FGB application/flatgeobuf -;geojson GEOJSON application/geo+json;gml GML application/gml+xml
gpkg GPKG application/geopackage+sqlite3;gpx GPX application/gpx+xml -;gz GZIP application/gzip
htm HTML text/html;html HTML text/html;jp2 JPEG2000 image/jp2;jpeg JPEG image/jpeg
jpg JPEG image/jpeg;json JSON application/json;jsonld JSON-LD application/ld+json JSON_LD
kml KML application/vnd.google-earth.kml+xml;kmz KMZ application/vnd.google-earth.kmz
laz LAZ application/vnd.laszip -;mdb MDB application/x-msaccess;mif MIF application/x-mif -
ods ODS application/vnd.oasis.opendocument.spreadsheet;odt ODT application/vnd.oasis.opendocument.text
parquet PARQUET application/vnd.apache.parquet;pbf PBF application/x-protobuf -
pdf PDF application/pdf;png PNG image/png;qgs QGS application/x-qgis -;rdf RDF-XML application/rdf+xml RDF_XML
shp SHP application/vnd.shp;sqlite SQLITE application/vnd.sqlite3 -;tab TAB application/x-mapinfo -
tif TIFF image/tiff;tiff TIFF image/tiff;ttl TURTLE text/turtle RDF_TURTLE;txt TXT text/plain
xls XLS application/vnd.ms-excel;xml XML application/xml;zip ZIP application/zip
xlsx XLSX application/vnd.openxmlformats-officedocument.spreadsheetml.sheet
"""
FILES = {
    ending: Kind(name, media, ("".join(code) or name).replace("-", "") if code != ["-"] else "")
    for row in re.split(r"[;\n]", _FILES.strip())
    for ending, name, media, *code in [row.split()]
}
_MEDIA = {kind.media: kind for kind in FILES.values()} | {
    "application/vnd.geo+json": FILES["geojson"],
    "application/x-shapefile": FILES["shp"],
    "application/geopackage+vnd.sqlite3": FILES["gpkg"],
    "text/xml": FILES["xml"],
}
#: Words that stand for an ending where a request names its format.
_WORDS = {"shape-zip": "shp", "shapefile": "shp", "esri shapefile": "shp", "geopackage": "gpkg"}

#: The services of OGC, and the EU's code of those that it has.
SERVICES = {
    name: Kind(name, "", f"{name}_SRVC" if name in ("WMS", "WFS") else "")
    for name in ("WMS", "WMTS", "WFS", "WCS", "CSW", "WPS", "SOS", "TMS")
}
_SERVICE = re.compile(r"\b(WMTS|WMS|WFS|WCS|CSW|WPS|SOS|TMS)\b")
_PROTOCOL = "http://www.opengeospatial.org/standards/"
_OPERATION = "http://www.opengis.net/def/serviceType/ogc/"


# Return the path of an address; empty when it is none.
def _path(link: Link) -> str:
    try:
        return urlsplit(link.href).path
    except ValueError:
        return ""


def _asked(link: Link) -> dict[str, str]:
    query = link.href.partition("#")[0].partition("?")[2]
    return {name.lower(): value for name, value in parse_qsl(query)}


def service_of(link: Link) -> Kind | None:
    """Return the service that a link is; None when it leads to a file or a page."""
    if link.rel in ("enclosure", "item") or _asked(link).get("request", "").lower() == "getfeature":
        return None
    told = f"{link.extra.get('protocol', '')} {link.extra.get('protocolAddress', '')}".upper()
    if told.startswith("WWW:DOWNLOAD"):
        return None
    asked = f"{told} {_asked(link).get('service', '').upper()}"
    if link.rel == "service":
        asked += f" {link.title.upper()} {_path(link).upper()}"
    found = _SERVICE.search(asked.replace("_", " "))
    return SERVICES[found[1]] if found else Kind("API") if link.rel == "service" else None


def standard_of(kind: Kind) -> str:
    """Return the address of the standard of a service; empty when it has none."""
    return f"{_OPERATION}{kind.name.lower()}" if kind.name in SERVICES else ""


def protocol_of(kind: Kind) -> str:
    """Return the address that GeoDCAT-AP 3 calls the protocol of a service by; empty when it has
    none.
    """
    called = {"CSW": "cat"}.get(kind.name, kind.name.lower())
    return f"{_PROTOCOL}{called}" if kind.name in SERVICES else ""


def kind_of(link: Link) -> Kind | None:
    """Return the kind of service or file that a link leads to, by its protocol, the format that is
    said of it, its type, the format that its address asks for, then the ending of its name; None
    when nothing tells.
    """
    if service := service_of(link):
        return service
    if said_there := str(link.extra.get("format", "")):
        return FILES.get(said_there.lower()) or Kind(said_there)
    media = link.type.partition(";")[0].strip().lower()
    asked = _asked(link)
    wanted = next(
        (asked[name].lower() for name in ("outputformat", "format", "f") if name in asked), ""
    )
    names = (wanted, _path(link), link.title)
    endings = (re.split(r"[./]", name.lower().removesuffix(".zip"))[-1].strip() for name in names)
    told = next((FILES[end] for end in (_WORDS.get(wanted, ""), *endings) if end in FILES), None)
    known = _MEDIA.get(media)
    zipped = link.href.lower().endswith(".zip")
    if known and not (told and known.name in ("ZIP", "XML", "JSON", "TXT")):
        return known
    return told or (FILES["zip"] if zipped else None) or _MEDIA.get(wanted)


def media_of(link: Link) -> str:
    """Return the media type of a link: its own, else that of its kind of file."""
    kind = None if link.type else kind_of(link)
    zipped = _path(link).lower().endswith(".zip")
    return link.type or (FILES["zip"].media if kind and zipped else kind.media if kind else "")


def absolute(base_url: str, href: str) -> str:
    """Resolve a relative link from the root of the portal; what is no address stays as it is."""
    try:
        return href if urlsplit(href).scheme else urljoin(f"{base_url}/", href)
    except ValueError:
        return href


#: Of an address of a host: the host, which is named by labels (the last one by letters, or all by
#: numbers; no registry gives a name with an underscore: ``15NOV_P002.TIF`` is a file), or an IPv6
#: address.
_HOST = re.compile(
    r"(?i)\s*(?:https?|ftp)://(?:[^/?#@]*@)?"
    r"(?:(?:[^\W_]|-)+\.?|(?:[\w-]+\.)*(?:[^\W_]|-)+\.(?:[^\W\d_]+|xn--[\w-]+|\d+)\.?|\[[\d:a-f.]+\])"
    r"(?:[:/?#\s]|$)"
)
_OF_HOSTS = re.compile(r"(?i)\s*(?:https?|ftp):")
#: Addresses inside a machine, a database or a store of objects.
_INSIDE = re.compile(
    r"(?i)\s*(?:file|jdbc|odbc|post(?:gis|gresql)[\w-]*|s3[an]?|gs|abfss?|wasbs?|hdfs):"
)


def leads_somewhere(link: Link) -> bool:
    """Say whether a link can be followed: ``http://...`` names no host."""
    return not _OF_HOSTS.match(link.href) or _HOST.match(link.href) is not None


#: A host of three labels or more, without its scheme.
_BARE_HOST = re.compile(r"(?i)(?:[\w-]+\.){2,}[a-z]{2,}(?::\d+)?[/?]")


def in_full(link: Link) -> str:
    """Return the address of a link; that of a service of OGC written from its host has the scheme
    that it lacks.
    """
    kind = service_of(link)
    bare = kind and kind.name != "API" and _BARE_HOST.match(link.href)
    return f"http://{link.href}" if bare else link.href


def leads_anyone(link: Link) -> bool:
    """Say whether others than its publisher can follow a link too: none into a machine, a database
    or a store of objects.
    """
    return leads_somewhere(link) and not _INSIDE.match(link.href)


def asking(link: Link) -> str:
    """Return the address of a link; that of a service of OGC whose address makes no request asks
    there what the service can do, which is how it is known for one (OGC 06-121r3, 7.2).
    """
    kind, asked = service_of(link), _asked(link)
    known = kind is not None and kind.name in SERVICES and kind.name != "TMS"
    if kind is None or not known or "request" in asked or not leads_anyone(link):
        return link.href
    address, mark, fragment = link.href.strip().partition("#")
    joint = "" if address.endswith(("?", "&")) else "&" if "?" in address else "?"
    service = "" if asked.get("service") else f"service={kind.name}&"
    return f"{address}{joint}{service}request=GetCapabilities{mark}{fragment}"


def with_whole_links(record: Record, url: str) -> Record:
    """Return a record with the addresses of its links in full: a document is read far from the
    portal, which is at ``url``; empty when there is none.
    """
    hrefs = [absolute(url, in_full(link)) if url else link.href for link in record.links]
    if hrefs == [link.href for link in record.links]:
        return record
    links = (replace(link, href=href) for link, href in zip(record.links, hrefs, strict=True))
    return replace(record, links=tuple(links))


#: The function of ISO 19115 of a link, by its relation.
FUNCTIONS = {
    **dict.fromkeys(("enclosure", "item", "items", "service"), "download"),
    **dict.fromkeys(("about", "describedby", "alternate", "license", "via"), "information"),
}
#: Kinds of files that are looked at, not data.
_SHOWN = frozenset({"HTML", "PDF", "PNG", "JPEG"})


def function_of(link: Link) -> str:
    """Return the function of ISO 19115 of a link: by its relation, else that of a download where it
    leads to a file of data; empty when neither tells.
    """
    kind = kind_of(link) if link.rel == "related" and _HOST.match(link.href) else None
    is_data = kind is not None and kind.media and kind.name not in _SHOWN
    return "download" if is_data else FUNCTIONS.get(link.rel, "")


_PROTOCOLS = {
    "download": "WWW:DOWNLOAD-1.0-http--download",
    "information": "WWW:LINK-1.0-http--link",
}


def told_in_iso(link: Link) -> Link:
    """Return a link with the function and the protocol of ISO 19115 that tell what it is, where it
    says none: portals leave out a link without a function, and GeoNetwork's list of protocols tells
    a service from a file.
    """
    function = str(link.extra.get("function", "")) or FUNCTIONS.get(link.rel, "")
    protocol = str(link.extra.get("protocol", ""))
    if not protocol:
        kind = service_of(link)
        known = f"OGC:{kind.name}" if kind and kind.name in SERVICES else ""
        known = known or ("OGC API Features" if link.rel == "items" else "")
        protocol = known or _PROTOCOLS.get(function if link.rel != "service" else "", "")
    extra = {**link.extra, **{"protocol": protocol, "function": function}}
    told = {name: text for name, text in extra.items() if text}
    told_apart = link.rel in ("enclosure", "service", "about", "related")
    # It is not told at the price of being read as something else.
    return link if told_apart and codes.relation(told) != link.rel else replace(link, extra=told)
