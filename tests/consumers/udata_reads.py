"""What data.gouv.fr would read of a catalogue: its own harvesters (the package udata, on a MongoDB of
memory), run by the environment of `make consumers`.

    .consumers/bin/python tests/consumers/udata_reads.py BACKEND=ADDRESS ...

BACKEND is one of udata's: dcat, csw-iso-19139, csw-dcat. One JSON document is written, with each
backend's items: what became of each (done, skipped, failed, and why), and what was read in it. For the
route by ISO the stylesheet of SEMIC comes from the package too, whose tests hold it.
"""

import json
import logging
import sys
from pathlib import Path

import mongoengine
import mongomock
import udata

#: The licences that data.gouv.fr lists: identifier, title, address, other titles, other addresses.
LICENCES = (
    ("notspecified", "License Not Specified", "", (), ()),
    (
        "lov2",
        "Licence Ouverte / Open Licence version 2.0",
        "https://www.etalab.gouv.fr/licence-ouverte-open-licence",
        ("Licence Ouverte v2.0 (Etalab)", "etalab-2.0"),
        ("https://spdx.org/licenses/etalab-2.0",),
    ),
    (
        "fr-lo",
        "Licence Ouverte / Open Licence",
        "https://www.etalab.gouv.fr/wp-content/uploads/2014/05/Licence_Ouverte.pdf",
        (),
        (),
    ),
    (
        "odc-odbl",
        "Open Data Commons Open Database License (ODbL)",
        "http://opendatacommons.org/licenses/odbl/summary/",
        ("Open Database License (ODbL)",),
        ("http://opendatacommons.org/licenses/odbl/",),
    ),
    (
        "cc-by",
        "Creative Commons Attribution",
        "http://www.opendefinition.org/licenses/cc-by",
        ("Creative Commons Attribution 4.0",),
        ("https://creativecommons.org/licenses/by/4.0/",),
    ),
    (
        "cc-by-sa",
        "Creative Commons Attribution Share-Alike",
        "http://www.opendefinition.org/licenses/cc-by-sa",
        (),
        ("https://creativecommons.org/licenses/by-sa/4.0/",),
    ),
    (
        "cc-zero",
        "Creative Commons CCZero",
        "http://www.opendefinition.org/licenses/cc-zero",
        (),
        ("https://creativecommons.org/publicdomain/zero/1.0/",),
    ),
    ("other-open", "Other (Open)", "", (), ()),
)

STYLESHEET = Path(udata.__file__).parent / "harvest/tests/csw_dcat/iso-19139-to-dcat-ap.xsl"


def _application():
    client = mongoengine.connect

    def connect(*arguments, **options):  # udata names no class of client: ours keeps all in memory
        return client(*arguments, **options | {"mongo_client_class": mongomock.MongoClient})

    mongoengine.connect = connect
    from udata import settings
    from udata.app import create_app, standalone

    settings.Testing.SERVER_NAME = "local.test"
    settings.Testing.URLS_ALLOW_LOCAL = True
    settings.Testing.HARVESTER_BACKENDS = ["dcat", "csw*"]
    return standalone(create_app(settings.Defaults, override=settings.Testing))


def _day(value):
    return value.isoformat()[:10] if hasattr(value, "isoformat") else value


def _contacts(item):
    return [
        {"role": point.role, "name": point.name, "email": point.email}
        for point in item.contact_points
    ]


def _dataset(dataset):
    period, harvest = dataset.temporal_coverage, dataset.harvest
    return {
        "title": dataset.title,
        "description": dataset.description,
        "licence": dataset.license and dataset.license.id,
        "frequency": str(dataset.frequency or ""),
        "contacts": _contacts(dataset),
        "extent": dataset.spatial and dataset.spatial.geom,
        "period": period and [_day(period.start), _day(period.end)],
        "dates": {
            name: _day(getattr(harvest, f"{name}_at")) for name in ("created", "issued", "modified")
        },
        "tags": dataset.tags,
        "schema": dataset.schema and dataset.schema.url,
        "page": harvest.remote_url,
        "resources": [
            {
                "title": one.title,
                "url": one.url,
                "format": one.format,
                "mime": one.mime,
                "type": one.type,
            }
            for one in dataset.resources
        ],
        "extras": dataset.extras,
    }


def _dataservice(service):
    return {
        "title": service.title,
        "description": service.description,
        "licence": service.license and service.license.id,
        "contacts": _contacts(service),
        "endpoint": service.base_api_url,
        "documentation": service.machine_documentation_url,
        "serves": [dataset.title for dataset in service.datasets],
        "tags": service.tags,
    }


def read(routes):
    application = _application()
    with application.app_context():
        from udata.core.dataset.models import License

        application.config["HARVEST_ISO19139_XSLT_URL"] = STYLESHEET.as_uri()
        for identifier, title, url, titles, urls in LICENCES:
            License(
                id=identifier,
                title=title,
                url=url or None,
                alternate_titles=list(titles),
                alternate_urls=list(urls),
            ).save()
        return {name: _job(name, address) for name, address in routes}


def _job(name, address):
    from udata.core.dataservices.models import Dataservice
    from udata.core.dataset.models import Dataset
    from udata.core.organization.models import Organization
    from udata.harvest.backends import get_backend
    from udata.harvest.models import HarvestSource

    for kind in (Dataset, Dataservice):  # those of the route before: names are unique there
        kind.objects.delete()
    organization = Organization(name=f"Région d'essai, {name}", description="Région").save()
    source = HarvestSource(name=name, url=address, backend=name, organization=organization).save()
    kind = get_backend(name)

    class Local(kind):  # the stylesheet is a file of the package
        def get(self, url, **options):
            if url != STYLESHEET.as_uri():
                return super().get(url, **options)
            return type("Answer", (), {"text": STYLESHEET.read_text("utf-8")})

        def get_item(self, remote_id, item_class):  # each backend has a catalogue of its own
            item = item_class(organization=organization)
            item.set_harvested()
            return item

        def save_job(self):  # all of it at each item, which nobody reads there
            pass

    job = Local(source).harvest()
    return {
        "status": job.status,
        "errors": [error.message for error in job.errors],
        "items": [
            {
                "id": item.remote_id,
                "status": item.status,
                "errors": [error.message for error in item.errors],
                "logs": [log.message for log in item.logs],
                "dataset": item.dataset and _dataset(item.dataset),
                "dataservice": item.dataservice and _dataservice(item.dataservice),
            }
            for item in job.items
        ],
    }


if __name__ == "__main__":
    logging.disable(logging.CRITICAL)
    told = read([route.split("=", 1) for route in sys.argv[1:]])
    json.dump(told, sys.stdout, ensure_ascii=False, default=str)
