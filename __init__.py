"""A region's geographic catalogue, and where its public services are out of reach.

These are the names to write against; whatever stands deeper may move between two versions. Each is
imported when it is first asked for, so that ``import geoguichet`` costs nothing.
"""
# ruff: noqa: I001  (the names of a module stand together)

from importlib import import_module
from typing import TYPE_CHECKING

#: Where each public name is defined; type checkers and editors are told the same below.
_HOMES = {
    "Study": "coverage.study.study",
    "read_study": "coverage.study.study",
    "parse_study": "coverage.study.study",
    "run": "coverage.run",
    "find_white_zones": "coverage.run",
    "CoverageResult": "coverage.manifest",
    "white_zones": "coverage.analysis.questions",
    "nearest": "coverage.analysis.questions",
    "reach": "coverage.analysis.questions",
    "site_kiosks": "coverage.analysis.questions",
    "WhiteZones": "coverage.analysis.answers",
    "SitedKiosks": "coverage.analysis.answers",
    "Reach": "coverage.analysis.answers",
    "isochrones": "coverage.analysis.isochrones",
    "Isochrones": "coverage.analysis.isochrones",
    "catchments": "coverage.analysis.isochrones",
    "compare": "coverage.compare",
    "sensitivity": "coverage.sensitivity",
    "replay": "coverage.replay",
    "map_picture": "coverage.outputs.page",
    "gain_curve": "coverage.outputs.page",
    "write": "coverage.outputs.summary",
    "publish": "coverage.publish",
    "Catalogue": "catalogue.search.store",
    "Record": "catalogue.record",
    "Extent": "catalogue.record",
    "RecordQuery": "catalogue.search.query",
    "read_document": "catalogue.formats.registry",
    "import_files": "catalogue.intake.exchange",
    "crawl": "catalogue.intake.crawl",
    "open_source": "catalogue.intake.harvest.kinds",
    "harvest": "catalogue.intake.harvest.run",
    "check": "catalogue.quality.judging",
    "export_all": "catalogue.intake.exchange",
    "Territory": "referentials.territories.territory",
    "territory_of": "referentials.territories.territory",
    "read_published": "referentials.readers.registry",
    "compare_directories": "referentials.versions.differences",
    "directory_findings": "referentials.directory.quality",
    "draw_changes": "referentials.versions.differences",
    "write_study_data": "referentials.versions.exports",
    "make_network": "referentials.roads.sources",
    "GeoguichetError": "floor.errors",
}

__all__ = list(_HOMES)

if TYPE_CHECKING:
    from geoguichet.catalogue.formats.registry import read_document as read_document
    from geoguichet.catalogue.intake.crawl import crawl as crawl
    from geoguichet.catalogue.intake.exchange import (
        export_all as export_all,
        import_files as import_files,
    )
    from geoguichet.catalogue.intake.harvest.kinds import open_source as open_source
    from geoguichet.catalogue.intake.harvest.run import harvest as harvest
    from geoguichet.catalogue.quality.judging import check as check
    from geoguichet.catalogue.record import (
        Extent as Extent,
        Record as Record,
    )
    from geoguichet.catalogue.search.query import RecordQuery as RecordQuery
    from geoguichet.catalogue.search.store import Catalogue as Catalogue
    from geoguichet.coverage.analysis.answers import (
        Reach as Reach,
        SitedKiosks as SitedKiosks,
        WhiteZones as WhiteZones,
    )
    from geoguichet.coverage.analysis.isochrones import (
        Isochrones as Isochrones,
        catchments as catchments,
        isochrones as isochrones,
    )
    from geoguichet.coverage.analysis.questions import (
        nearest as nearest,
        reach as reach,
        site_kiosks as site_kiosks,
        white_zones as white_zones,
    )
    from geoguichet.coverage.compare import compare as compare
    from geoguichet.coverage.manifest import CoverageResult as CoverageResult
    from geoguichet.coverage.outputs.page import (
        gain_curve as gain_curve,
        map_picture as map_picture,
    )
    from geoguichet.coverage.outputs.summary import write as write
    from geoguichet.coverage.publish import publish as publish
    from geoguichet.coverage.replay import replay as replay
    from geoguichet.coverage.run import (
        find_white_zones as find_white_zones,
        run as run,
    )
    from geoguichet.coverage.sensitivity import sensitivity as sensitivity
    from geoguichet.coverage.study.study import (
        Study as Study,
        parse_study as parse_study,
        read_study as read_study,
    )
    from geoguichet.floor.errors import GeoguichetError as GeoguichetError
    from geoguichet.referentials.directory.quality import directory_findings as directory_findings
    from geoguichet.referentials.readers.registry import read_published as read_published
    from geoguichet.referentials.roads.sources import make_network as make_network
    from geoguichet.referentials.territories.territory import (
        Territory as Territory,
        territory_of as territory_of,
    )
    from geoguichet.referentials.versions.differences import (
        compare_directories as compare_directories,
        draw_changes as draw_changes,
    )
    from geoguichet.referentials.versions.exports import write_study_data as write_study_data
else:

    def __getattr__(name: str) -> object:
        if name not in _HOMES:
            raise AttributeError(f"module 'geoguichet' has no attribute {name!r}")
        home = import_module(f"geoguichet.{_HOMES[name]}")
        return globals().setdefault(name, getattr(home, name))

    def __dir__() -> list[str]:
        return sorted({*globals(), *_HOMES})
