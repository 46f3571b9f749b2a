"""What those who harvest us read of our records, counted: records made by hand of the kinds of a real
catalogue, served as anybody gets them, and read by each consumer with its own code.

    .venv/bin/python tests/consumers/consumers.py [FOLDER]

writes the table of `docs/formats.md`; with a folder of documents, that of these, and prints what was
not read. A figure is what was read, of what the records hold. The harvesters of udata run in the environment of `make
consumers`, GDAL is the system's; a consumer that is not here keeps its row.
"""

import json
import re
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from queue import SimpleQueue
from threading import Thread
from typing import Any
from urllib.parse import unquote, urlsplit

from owslib.catalogue.csw2 import CatalogueServiceWeb

from geoguichet.catalogue.formats import codes, licences, links
from geoguichet.catalogue.formats.mapping import beyond
from geoguichet.catalogue.intake.exchange import every_record, import_files
from geoguichet.catalogue.record import (
    Concept,
    Contact,
    ContactPoint,
    Extent,
    Link,
    Record,
    Theme,
    Time,
)
from geoguichet.catalogue.search.store import SQLiteStore
from geoguichet.floor.viewer import MACHINE
from geoguichet.portal.app import serve

ROOT = Path(__file__).parents[2]
PYTHON = ROOT / ".consumers" / "bin" / "python"
PAGE = ROOT / "docs" / "formats.md"
#: Where the tables stand there: of the records made by hand, and of a folder.
MADE = ("<!-- consumers -->\n", "<!-- consumed -->\n\n")
REAL = ("<!-- of the real set -->\n", "<!-- consumed too -->\n\n")
MEMBERS = (
    "title",
    "licence",
    "resource",
    "format",
    "service",
    "contact",
    "extent",
    "dates",
    "frequency",
)

REGION = Contact(
    organization="Région d'essai",
    roles=("pointOfContact",),
    emails=(ContactPoint("sig@region-essai.fr"),),
)
PUBLISHER = Contact(
    organization="DREAL d'essai", roles=("publisher",), emails=(ContactPoint("sig@dreal.fr"),)
)
BOX = Extent(0.8, 42.5, 2.2, 43.3).as_geometry()
AT = "https://geo.region-essai.fr"
COMMON: Mapping[str, Any] = {
    "updated": "2025-03-01T08:00:00Z",
    "created": "2024-01-05T08:00:00Z",
    "contacts": (REGION, PUBLISHER),
    "geometry": BOX,
}


def _dates(**dates: str) -> list[dict[str, str]]:
    return [{"date": date, "type": kind} for kind, date in dates.items()]


def _more(frequency: str = "", **members: Any) -> dict[str, Any]:
    told: dict[str, Any] = {"language": {"code": "fr"}, "resourceLanguages": [{"code": "fr"}]}
    return told | ({"maintenance": {"frequency": frequency}} if frequency else {}) | members


RECORDS = (
    Record(
        id="forets-publiques",
        type="dataset",
        title="Forêts publiques",
        description="Parcelles des forêts domaniales et communales.",
        license="etalab-2.0",
        keywords=("forêt",),
        themes=(
            Theme(
                (Concept("http://inspire.ec.europa.eu/theme/lc", "Occupation des terres"),),
                "http://inspire.ec.europa.eu/theme",
            ),
        ),
        time=Time(interval=("2019-01-01", "2023-12-31")),
        links=(
            Link(f"{AT}/forets.gpkg", "enclosure", "application/geopackage+sqlite3", "Le fichier"),
            Link(f"{AT}/forets.shp.zip", "enclosure", "", "Forêts (Shapefile)"),
            Link(f"{AT}/ows?", "service", "", "forets", extra={"protocol": "OGC:WMS"}),
            Link(
                f"{AT}/ows?SERVICE=WFS&REQUEST=GetCapabilities",
                "service",
                "",
                "forets",
                extra={"protocol": "OGC:WFS"},
            ),
            Link(f"{AT}/forets.html", "about", "text/html", "La page"),
            Link(f"{AT}/vue.png", "preview", "image/png"),
        ),
        extra_properties=_more(
            "annually",
            dates=_dates(creation="2019-02-01", publication="2020-05-04", revision="2025-02-03"),
            crs=["EPSG:2154"],
            resolution=[{"scale": 25000}],
            representation=["vector"],
        ),
        **COMMON,
    ),
    Record(
        id="fr-120066022-jdd-carreaux",
        type="dataset",
        title="Carreaux de population",
        description="Population au carreau de 200 m.",
        license="ODbL-1.0",
        themes=(
            Theme(
                (Concept("http://data.europa.eu/bna/c_e1da4e07", "Statistiques"),),
                "http://data.europa.eu/bna/asd487ae75",
            ),
        ),
        links=(
            Link(f"{AT}/carreaux.parquet", "enclosure", "", "Carreaux (GeoParquet)"),
            Link(f"{AT}/carreaux.csv", "enclosure", "text/csv", "Carreaux (CSV)"),
            Link(f"{AT}/carreaux.geojson", "item", "application/geo+json", "Carreaux (GeoJSON)"),
            Link("https://www.insee.fr/fr/statistiques/1", "via", "", "Source : INSEE"),
            Link(f"{AT}/cgu", "license", "text/html", "Conditions"),
        ),
        extra_properties=_more(
            "quarterly",
            dates=_dates(publication="2024-06-01"),
            conformity=[
                {
                    "title": "Schéma des carreaux",
                    "href": "https://schema.data.gouv.fr/schemas/essai/carreaux",
                    "pass": True,
                    "date": "2024-01-01",
                }
            ],
        ),
        **COMMON,
    ),
    Record(
        id="wms-region",
        type="service",
        title="Service de cartes de la région",
        description="Les couches de la région en WMS.",
        license="etalab-2.0",
        links=(
            Link(
                f"{AT}/wms?SERVICE=WMS&REQUEST=GetCapabilities",
                "service",
                "",
                "WMS",
                extra={"protocol": "OGC:WMS"},
            ),
        ),
        extra_properties=_more(
            "continual", serviceType="view", dates=_dates(publication="2021-01-01")
        ),
        **COMMON,
    ),
    Record(
        id="telechargement-region",
        type="service",
        title="Service de téléchargement de la région",
        description="Les couches de la région en WFS.",
        license="CC-BY-4.0",
        links=(Link(f"{AT}/wfs", "service", "", "WFS", extra={"protocol": "OGC:WFS"}),),
        extra_properties=_more(serviceType="download", dates=_dates(publication="2021-01-01")),
        **COMMON,
    ),
    Record(
        id="orthophotos",
        type="series",
        title="Orthophotographies",
        description="Toutes les prises de vue.",
        license="CC0-1.0",
        links=(
            Link(f"{AT}/ortho.tif", "enclosure", "", "Mosaïque"),
            Link(
                f"{AT}/wmts?SERVICE=WMTS&REQUEST=GetCapabilities",
                "service",
                "",
                "ortho",
                extra={"protocol": "OGC:WMTS"},
            ),
        ),
        extra_properties=_more(
            "irregular",
            dates=_dates(revision="2023-09-01"),
            resolution=[{"distance": 0.2, "unit": "m"}],
            crs=["EPSG:2154"],
        ),
        **COMMON,
    ),
    Record(
        id="orthophotos-2023",
        type="dataset",
        title="Orthophotographie de 2023",
        description="La prise de vue de 2023.",
        license="CC-BY-4.0",
        links=(Link(f"{AT}/2023.jp2", "enclosure", "", "Dalle"),),
        extra_properties=_more(
            parent="orthophotos",
            dates=_dates(revision="2023-09-01"),
            formats=[{"name": "JPEG2000"}],
        ),
        **COMMON,
    ),
    Record(
        id="horaires",
        type="nonGeographicDataset",
        title="Horaires des mairies",
        description="Les heures d'ouverture.",
        license="etalab-2.0",
        links=(
            Link(f"{AT}/horaires.xlsx", "enclosure", "", "Horaires"),
            Link(f"{AT}/horaires.pdf", "enclosure", "application/pdf", "Notice"),
        ),
        extra_properties=_more("monthly", dates=_dates(revision="2025-01-15")),
        updated="2025-03-01T08:00:00Z",
        contacts=(REGION,),
    ),
    Record(
        id="zones-blanches",
        type="study",
        title="Zones blanches d'essai",
        description="Qui est loin d'un guichet.",
        license="etalab-2.0",
        links=(
            Link(f"{AT}/etude/result.gpkg", "enclosure", "", "Couches"),
            Link(f"{AT}/etude/map.html", "preview", "text/html", "Carte"),
            Link(f"{AT}/etude/report.html", "related", "text/html", "Rapport"),
        ),
        extra_properties=_more("notPlanned", dates=_dates(creation="2025-02-01")),
        **COMMON,
    ),
    Record(
        id="sans-identifiant-de-ressource",
        type="dataset",
        title="Réseau hydrographique",
        description="Tronçons des cours d'eau.",
        license="etalab-1.0",
        geometry={
            "type": "Polygon",
            "coordinates": [[[0.5, 43], [1.5, 42.8], [2, 43.6], [1, 44], [0.5, 43]]],
        },
        contacts=(REGION,),
        updated="2025-03-01T08:00:00Z",
        links=(
            Link(f"{AT}/eau.kml", "enclosure", "", "Tronçons"),
            Link(f"{AT}/api", "service", "", "API des cours d'eau"),
        ),
        extra_properties=_more("asNeeded", dates=_dates(publication="2018-03-02")),
    ),
    Record(
        id="ckan:comptages",
        type="dataset",
        title="Comptages routiers",
        description="",
        license="ODbL-1.0",
        contacts=(PUBLISHER,),
        updated="2025-03-01T08:00:00Z",
        links=(
            Link(f"{AT}/d/1", "enclosure", "", "Comptages", extra={"format": "CSV"}),
            Link(f"{AT}/d/2", "enclosure", "", "Postes", extra={"format": "GeoJSON"}),
        ),
        extra_properties=_more("daily", dates=_dates(creation="2022-02-02", revision="2025-02-28")),
    ),
)


def stored(records: Iterable[Record], workspace: Path) -> None:
    """Put records into a workspace."""
    with SQLiteStore(workspace / "catalogue.sqlite") as store:
        store.bulk_upsert(records)


def _served(workspace: Path) -> str:
    told = SimpleQueue[str]()
    options = {"port": 0, "on_ready": told.put}
    Thread(target=serve, args=(workspace,), kwargs=options, daemon=True).start()
    return told.get(timeout=60)


# What a record holds, in the words of its reader.

#: What data.gouv.fr calls our licences.
OF_UDATA = {
    "etalab-2.0": "lov2",
    "etalab-1.0": "fr-lo",
    "ODbL-1.0": "odc-odbl",
    "CC-BY-4.0": "cc-by",
    "CC-BY-SA-4.0": "cc-by-sa",
    "CC0-1.0": "cc-zero",
}
#: The frequencies of ISO 19115 as udata calls them, where it has another word.
FREQUENCIES = {
    "continual": "severalTimesADay",
    "fortnightly": "biweekly",
    "biannually": "semiannual",
    "annually": "annual",
    "biennially": "biennial",
    "asNeeded": "punctual",
}


def _plain(text: object) -> str:
    return re.sub(r"[^a-z0-9]", "", str(text or "").lower())


def _address(href: str) -> str:
    return unquote(href).strip()  # RDF holds it percent-encoded, ISO with the spaces around it


def distributed(record: Record) -> list[Link]:
    """Return the links that lead to the data: to files of a kind that is told, and to services."""
    return [
        link
        for link in record.links
        if links.function_of(link) == "download"
        and "operation" not in link.extra
        and urlsplit(link.href).scheme in ("http", "https")
        and links.leads_anyone(link)
    ]


def address_in(link: Link, route: str) -> str:
    """Return the address of a link as a route has it: `/csw` says of a service how it is asked."""
    return link.href if route == "dcat" else links.asking(link)


def is_service(link: Link) -> bool:
    """Say whether a link is a service that consumers know by its name."""
    kind = links.service_of(link)
    return kind is not None and kind.name in ("WMS", "WFS", "WMTS")


class Count:
    """What was read of each member, of what the records hold; and what was not."""

    def __init__(self) -> None:
        self.held: Counter[str] = Counter()
        self.read: Counter[str] = Counter()
        self.lost: list[tuple[str, str, str]] = []

    def __call__(self, member: str, record: Record, wanted: object, came: object = None) -> None:
        """Count one thing that a record holds; it was read when what came is what is wanted."""
        self.held[member] += 1
        if wanted == came:
            self.read[member] += 1
        else:
            self.lost.append((record.id, member, f"{wanted!r} : {came!r}"))

    def row(self, name: str) -> str:
        """Return its row of the table."""
        told = (
            f"{self.read[member]} / {self.held[member]}" if self.held[member] else ""
            for member in MEMBERS
        )
        return f"| {name} | {' | '.join(told)} |"


def read_by_udata(url: str) -> dict[str, dict[str, Any]]:
    """Return what udata's harvesters make of a catalogue: one job each."""
    routes = {
        "dcat": f"{url}/collections/catalogue/items?f=dcat-rdf&limit=200",
        "csw-iso-19139": f"{url}/csw",
    }
    command = [str(PYTHON), str(Path(__file__).with_name("udata_reads.py"))]
    done = subprocess.run(
        [*command, *(f"{name}={address}" for name, address in routes.items())],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(done.stderr)
    jobs: dict[str, dict[str, Any]] = json.loads(done.stdout)
    return jobs


def items_of(job: dict[str, Any]) -> list[dict[str, Any]]:
    """Return what became of each item of a job."""
    items: list[dict[str, Any]] = job["items"]
    return items


def count_udata(records: list[Record], job: dict[str, Any], *, route: str) -> Count:
    """Count what udata read of records; one by one format of distribution where its route says it
    of each, else of the record where it says one alone.
    """
    count = Count()
    came = {
        item["id"]: item["dataset"] or item["dataservice"] or {}
        for item in job["items"]
        if item["status"] == "done"
    }
    count.lost = [
        (str(item["id"]), item["status"], " ".join(item["errors"])[:120])
        for item in job["items"]
        if item["status"] != "done"
    ]
    for record in records:
        others = (f"{one.scheme}/{one.value}" for one in record.external_ids)
        names = (record.id, *others, *(one.value for one in record.external_ids))
        named = next((came[name] for name in names if name in came), None)
        titled = (told for told in came.values() if told.get("title") == record.title)
        found = named or next(titled, {})  # udata makes one identifier of a code and its space
        _count_item(count, record, found, route)
    return count


def _count_item(count: Count, record: Record, came: dict[str, Any], route: str) -> None:
    service, told = record.type == "service", beyond(record)
    translated = told.get("translations", {}).values()
    if record.title:
        titles = (record.title, *(texts.get("title", "") for texts in translated))
        read = " ".join(str(came.get("title")).split())  # whitespace is one space there
        count("title", record, True, read in [" ".join(title.split()) for title in titles])
    licence = OF_UDATA.get(licences.asserted(record))
    if licence:
        count("licence", record, licence, came.get("licence"))
    resources: dict[str, list[dict[str, Any]]] = {}
    for one in came.get("resources") or ():
        resources.setdefault(_address(one["url"]), []).append(one)
    if service and any(map(is_service, record.links)):
        endpoint = (came.get("endpoint") or "").partition("?")[0]
        hrefs = {links.in_full(link).partition("?")[0] for link in record.links if is_service(link)}
        count("service", record, True, endpoint in hrefs)
    for link in [] if service else distributed(record):
        kind = links.kind_of(link)
        there = resources.get(_address(address_in(link, route)), [])
        count("resource", record, True, bool(there))
        if is_service(link) and kind:
            wanted = (kind.name.lower(), "api")
            count(
                "service", record, True, wanted in [(one["format"], one["type"]) for one in there]
            )
        elif kind and kind.name and route == "dcat":
            found = [_plain(one["format"]) for one in there]
            count("format", record, True, _plain(kind.name) in found)
    names = [one["name"] or "" for one in came.get("contacts") or ()]
    for contact in record.contacts:
        if contact.extra.get("about") != "metadata":
            said = list(filter(None, (contact.organization, contact.name)))
            read = any(one in name for name in names for one in said)
            count("contact", record, True, read)
    if not service:
        _count_dataset(count, record, came, told)


def _count_dataset(
    count: Count, record: Record, came: dict[str, Any], told: Mapping[str, Any]
) -> None:
    box = Extent.from_geometry(record.geometry) if record.geometry else None
    if box:
        shape = came.get("extent") and Extent.from_geometry(came["extent"])
        count("extent", record, _rounded(box), shape and _rounded(shape))
    of_kinds = {"creation": "created", "publication": "issued", "revision": "modified"}
    for item in told.get("dates", ()):
        if kind := of_kinds.get(item.get("type", "")):
            latest = max(one["date"] for one in told["dates"] if one.get("type") == item["type"])
            count("dates", record, latest[:10], (came.get("dates") or {}).get(kind))
    frequency = told.get("maintenance", {}).get("frequency", "")
    if frequency in codes.FREQUENCIES:
        count("frequency", record, FREQUENCIES.get(frequency, frequency), came.get("frequency"))


def _rounded(box: Extent) -> tuple[float, ...]:
    return tuple(round(side, 4) for side in (box.west, box.south, box.east, box.north))


def count_owslib(records: list[Record], url: str) -> Count:
    """Count what OWSLib reads of records by CSW, in ISO 19139."""
    count = Count()
    client = CatalogueServiceWeb(f"{url}/csw", timeout=30)
    schema = "http://www.isotc211.org/2005/gmd"
    for record in records:
        client.getrecordbyid([record.id], esn="full", outputschema=schema)
        came = next(iter(client.records.values()))
        [about] = came.identification
        count("title", record, record.title, about.title)
        if address := licences.address_of(licences.asserted(record)):
            count("licence", record, True, address in _texts(about))
        online = {one.url: one for one in came.distribution.online} if came.distribution else {}
        for link in distributed(record):
            one = online.get(address_in(link, "csw-iso-19139"))
            count("resource", record, True, one is not None)
            if is_service(link):
                told = links.service_of(link)
                count(
                    "service",
                    record,
                    True,
                    bool(one and told and told.name in (one.protocol or "")),
                )
            elif link.type:
                count("format", record, link.type, one and one.applicationprofile)
        names = {one.organization or one.name for one in about.contact}
        for contact in record.contacts:
            count("contact", record, True, (contact.organization or contact.name) in names)
        if box := Extent.from_geometry(record.geometry) if record.geometry else None:
            sides = (about.bbox.minx, about.bbox.miny, about.bbox.maxx, about.bbox.maxy)
            count("extent", record, _rounded(box), tuple(round(float(side), 4) for side in sides))
        dates = {(one.type, one.date) for one in about.date}
        for item in beyond(record).get("dates", ()):
            count("dates", record, True, (item["type"], item["date"]) in dates)
    return count


def _texts(about: Any) -> str:
    return " ".join(
        text
        for name in ("otherconstraints", "uselimitation", "uselimitation_url")
        for text in map(str, getattr(about, name))
    )


def count_gdal(records: list[Record], url: str) -> Count:
    """Count what GDAL's driver of CSW reads of records: Dublin Core, full, of which it has no field
    for the title.
    """
    done = subprocess.run(
        ["ogr2ogr", "-f", "GeoJSON", "/vsistdout/", f"CSW:{url}/csw",
         "-oo", "ELEMENTSETNAME=full", "--config", "GML_SKIP_CORRUPTED_FEATURES", "YES"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    features = json.loads(done.stdout)["features"]
    came = {one["properties"]["identifier"]: one for one in features}
    count = Count()
    for record in records:
        one = came.get(record.id) or {"properties": {}, "geometry": None}
        told = one["properties"]
        if licence := licences.asserted(record):
            count("licence", record, True, licences.title_of(licence) in str(told.get("rights")))
        if box := Extent.from_geometry(record.geometry) if record.geometry else None:
            shape = one["geometry"] and Extent.from_geometry(one["geometry"])
            count("extent", record, _rounded(box), shape and _rounded(shape))
        if record.updated:
            count("dates", record, record.updated[:10], str(told.get("modified"))[:10])
    return count


def counted(records: list[Record], url: str) -> dict[str, Count]:
    """Return what each consumer that is here reads of the records that are served at an address."""
    told: dict[str, Count] = {"OWSLib, CSW in ISO 19139": count_owslib(records, url)}
    if PYTHON.exists():
        told |= counted_by_udata(records, url)
    if shutil.which("ogr2ogr"):
        told["GDAL, CSW in Dublin Core"] = count_gdal(records, url)
    return told


def counted_by_udata(records: list[Record], url: str) -> dict[str, Count]:
    """Return what the harvesters of data.gouv.fr read, by each route."""
    return {
        f"udata 17, {route}": count_udata(records, job, route=route)
        for route, job in read_by_udata(url).items()
    }


def rows(told: Mapping[str, Count]) -> list[str]:
    """Return the rows of a table."""
    return [count.row(name) for name, count in sorted(told.items())]


def head() -> str:
    """Return the head of a table."""
    names = " | ".join(MEMBERS)
    return f"| consumer | {names} |\n| --- {'| --- ' * len(MEMBERS)}|"


def _write(told: Mapping[str, Count], start: str, end: str) -> None:
    page = PAGE.read_text("utf-8")
    before, _, rest = page.partition(start)
    held, _, after = rest.partition(end)
    kept = {row.split(" | ")[0]: row for row in held.splitlines() if row.startswith("| ")}
    kept |= {row.split(" | ")[0]: row for row in rows(told)}
    table = [row for name, row in sorted(kept.items()) if name not in ("| consumer", "| ---")]
    text = "\n".join([head(), *table])
    PAGE.write_text(f"{before}{start}\n{text}\n\n{end}{after}", "utf-8")


def main(folders: list[str]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        records = list(RECORDS)
        if folders:
            import_files(Path(folders[0]), place)
            with SQLiteStore(place / "catalogue.sqlite") as store:
                records = list(every_record(store, viewer=MACHINE))
        else:
            stored(records, place)
        told = (counted_by_udata if folders else counted)(records, _served(place))
        print(head(), *rows(told), sep="\n")
        for name, count in told.items():
            print(f"\n{name}", *(" ".join(one) for one in count.lost[:200]), sep="\n  ")
        _write(told, *(REAL if folders else MADE))


if __name__ == "__main__":
    main(sys.argv[1:])
