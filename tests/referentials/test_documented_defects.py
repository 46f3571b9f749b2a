"""Every defect that the README of the shared data tells is found by a rule: one line each, with its
count.

The counts of a table are those of the real files, where they are present; `SMALL` has those of the
files made by hand in their form.

Counts are of findings of the reader over the whole file (``checked``: of ``check``), or over the
rows of Midi-Pyrénées where the README counts those (``MP``). Where ours differs from the README's,
the remark says why.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import geopandas as gpd
import pytest

from geoguichet.floor.findings import Finding
from geoguichet.referentials.directory.ground import within_territory
from geoguichet.referentials.directory.quality import (
    absent_communes,
    directory_findings,
    table_findings,
)
from geoguichet.referentials.directory.schema import Reading, join_readings
from geoguichet.referentials.layers import sample_path
from geoguichet.referentials.readers import territories
from geoguichet.referentials.readers.registry import choose_reader
from geoguichet.referentials.territories.sample import DEPARTEMENTS
from geoguichet.referentials.territories.territory import Territory, read_territory


class Defect(NamedTuple):
    file: str
    key: str
    told: str
    """What the README says."""
    rule: str
    count: int
    where: str = "all"
    remark: str = ""


SMALL: dict[tuple[str, str, str], int] = {
    ("dila-2020", "outside-territory", "MP"): 2,
    ("dila-2020", "shared-point", "MP"): 3,
    ("dila-2013", "outside-territory", "MP"): 1,
    ("laposte-2015", "outside-territory", "MP"): 1,
    ("france-services-2024", "nominal-point", "all"): 2,
    ("france-services-2020", "lost-zero", "all"): 2,
    ("msap-2018", "damaged-encoding", "all"): 2,
    ("msap-2018", "outside-projection", "all"): 2,
    ("conseillers-numeriques-2022", "damaged-encoding", "all"): 3,
    ("justice-2023", "shared-point", "MP"): 4,
    ("justice-2023", "outside-commune", "MP"): 1,
    ("ecoles-2015", "assumed-crs", "all"): 2,
}
"""How often the files made by hand have a defect, where it is not once."""


DILA_2020, DILA_2013 = (
    "service-public-annuaire-local-2020-11.csv.bz2",
    "service-public-co-marquage-2013-06.tsv.bz2",
)
POST_2015, JUSTICE = "laposte-points-de-contact-2015-07.csv.bz2", "point_justice.js"
SCHOOLS, ADVISERS = "education-etablissements-2015.csv.bz2", "conseillers-numeriques-2022-06.json"
SERVICES = [
    Defect(DILA_2020, "dila-2020", "174 without coordinates", "no-point", 174),
    Defect(DILA_2020, "dila-2020", "(9 MP)", "no-point", 9, "MP"),
    Defect(DILA_2020, "dila-2020", ("a few values lost their decimal "
                                   "point"), "lost-decimal-point", 2),
    Defect(DILA_2020, "dila-2020", ("longitude down to "
                                   "-744 648"), "impossible-point", 1,
                                   remark="no shift is in France"),
    Defect(DILA_2020, "dila-2020", ("26 MP rows fall outside the "
                                   "region"), "outside-territory", 31, "MP",
           "the true border, not a box"),
    Defect(DILA_2020, "dila-2020", ("281 MP rows share a point with "
                                   "another"), "shared-point", 218, "MP",
           "not those of one address"),
    Defect(DILA_2013, "dila-2013", ("257 MP rows geocoded outside the "
                                   "region"), "outside-territory", 295, "MP",
           "the true border, not a box"),
    Defect(DILA_2013, "dila-2013", "quotes not escaped", "bare-quotes", 48),
    Defect(POST_2015, "laposte-2015", "35 no coordinates", "no-point", 35),
    Defect(POST_2015, "laposte-2015", "one MP office located outside", "outside-territory", 7, "MP",
           "all seven are in Andorra, under postal codes of the Ariège"),
    Defect("laposte_poincont2-2020.csv.gz", "laposte-2020", "26 no coordinates", "no-point", 26),
    Defect("liste-fs-20240801.csv", "france-services-2024", ("itinerant buses have one nominal "
                                                            "point"), "nominal-point",
           337),
    Defect("france_services-2020-10.geojson", "france-services-2020", ("codes lost their "
                                                                      "leading zero"), "lost-zero",
                                                                      60),
    Defect("msap-2018-06-27-shp", "msap-2018", "double-encoded UTF-8", "damaged-encoding", 212),
    Defect("msap-2018-06-27-shp", "msap-2018", ("one overseas point projected to x = -6 "
                                               "313 279"), "outside-projection",
           4, remark="four overseas points: three as far, one nearer"),
    Defect("pole-emploi-reseau-partenarial-2018-shp", "pole-emploi-2018", ("polygon layer of a "
                                                                          "point service"),
           "polygon-as-point", 1, remark="told once"),
    Defect(ADVISERS, "conseillers-numeriques-2022", ("literal <e9> in place of accents in 380 "
                                                    "places"),
           "damaged-encoding", 499, remark="cells, <e9> and the other letters"),
    Defect(ADVISERS, "conseillers-numeriques-2022", "12 no coordinates", "no-point", 12),
    Defect(ADVISERS, "conseillers-numeriques-2022", "postal code as number", "lost-zero", 112),
    Defect(JUSTICE, "justice-2023", ("several courts share one default "
                                    "point"), "shared-point", 71, "MP"),
    Defect(JUSTICE, "justice-2023", ("CODE_INSEE sometimes wrong for the "
                                    "point"), "code-against-postcode", 23, "checked",
           "Verdun, Saint-Omer, Chaumont ... with the postal code of a namesake; all 23 are wrong "
           "by Etalab's list"),
    Defect(JUSTICE, "justice-2023", ("CODE_INSEE sometimes wrong for the "
                                    "point"), "outside-commune", 0, "MP",
           "right for the 90 of the region"),
    Defect(SCHOOLS, "ecoles-2015", "240 no X/Y", "no-point", 240),
    Defect(SCHOOLS, "ecoles-2015", "(11 MP)", "no-point", 11, "MP"),
    Defect(SCHOOLS, "ecoles-2015", ("overseas rows in other UTM systems, no CRS "
                                   "column"), "assumed-crs", 6,
           remark="one a system"),
    Defect(SCHOOLS, "ecoles-2015", "postal code lost its leading zero", "lost-zero", 4015),
    Defect("enseignement-superieur-2013.csv.bz2", "enseignement-superieur-2013",
    "GPS_X is the latitude",
           "misnamed-axes", 1, remark="told once"),
    Defect("enseignement-superieur-2013.csv.bz2", "enseignement-superieur-2013",
    "15 no coordinates", "no-point", 15),
    Defect("gares-ter-2015.csv.bz2", "gares-ter-2015", "includes German stations", "foreign-row",
    47),
    Defect("sae-2023/ID_2023r.csv", "sae-2023", ("no coordinates: locate by "
                                                "COMINSEE"), "no-coordinates", 1),
    Defect("sae-2023/URGENCES_P_2023r.csv", "sae-2023-urgences", "no coordinates", "no-coordinates",
    1),
    Defect("sae-2023/PERINAT_P_2023r.csv", "sae-2023-maternites", "no coordinates",
    "no-coordinates", 1),
    Defect("points-visio-public-faits.csv", "points-visio-2010", "not a full list",
    "no-coordinates", 1),
]  # fmt: skip
TABLES = [
    Defect("admin/epci-anct-simplifie.geojson", "limites", ("overseas departments moved next to "
                                                           "the metropole"),
           "displaced-outline", 23),
    Defect("admin/ign-departement-shp/DEPARTEMENT.zip", "limites", "no .cpg", "assumed-encoding",
    1),
    Defect("cog/cheflieuwp.yaml.gz", "chefs-lieux", ("keys are percent-encoded "
                                                    "names"), "percent-encoded", 1),
    Defect("cog/communes.json.gz", "cog-etalab", ("population of every commune of MP "
                                                 "known"), "no-population", 6,
           remark="six austral and Pacific lands without inhabitants"),
]  # fmt: skip


@pytest.fixture(scope="module")
def region() -> Territory:
    return read_territory(sample_path(), name="Midi-Pyrénées", departements=DEPARTEMENTS)


def count_of(defect: Defect, edition: str) -> int:
    if edition == "shared":
        return defect.count
    return SMALL.get((defect.key, defect.rule, defect.where), 1)


@pytest.fixture(scope="module")
def found_in_the_region(
    region: Territory,
) -> Callable[[str, str, Reading], list[Finding]]:
    """Return what reader and check find in the rows of the region, once a file."""
    known: dict[tuple[str, str], list[Finding]] = {}

    def find(edition: str, key: str, reading: Reading) -> list[Finding]:
        if (edition, key) not in known:
            rows = gpd.GeoDataFrame(
                reading.rows[within_territory(reading.rows, region)].reset_index(drop=True)
            )
            ids = set(rows["id"])
            noticed = [finding for finding in reading.findings if finding.item in ids]
            checked = directory_findings(rows, territory=region, layer=key)
            known[edition, key] = [*noticed, *checked]
        return known[edition, key]

    return find


@pytest.mark.parametrize("defect", SERVICES, ids=lambda defect: f"{defect.key}: {defect.told}")
def test_a_defect_of_the_services_is_found(
    defect: Defect,
    data: Any,
    published: Callable[[str, str], Reading],
    found_in_the_region: Callable[[str, str, Reading], list[Finding]],
) -> None:
    reading = published(defect.key, defect.file)
    findings = list(reading.findings)
    if defect.where == "MP":
        findings = found_in_the_region(data.edition, defect.key, reading)
    elif defect.where == "checked":
        findings = directory_findings(reading.rows, layer=defect.key)
    found = sum(each.rule == defect.rule for each in findings)
    assert found == count_of(defect, data.edition)


@pytest.mark.parametrize("defect", TABLES, ids=lambda defect: f"{defect.file}: {defect.told}")
def test_a_defect_of_the_territories_is_found(defect: Defect, data: Any) -> None:
    reading = join_readings(choose_reader(data.folder / defect.file, key=defect.key).read())
    found = sum(finding.rule == defect.rule for finding in reading.findings)
    assert found == count_of(defect, data.edition)


def test_commune_lists_do_not_agree_across_vintages(data: Any, equipment_2013: Reading) -> None:
    """« 3 020, 2 969, 2 944 today », and « communes without equipment absent » from the BPE."""
    history = territories.read_history(data.folder / "cog" / "histo-communes-insee.yaml.gz")
    counts = {}
    for folder, pattern in (
        ("region73-avant-2016", "communes.geojson"),
        ("ign-2018", "communes-*.geojson"),
    ):
        files = sorted((data.folder / "admin" / folder).glob(pattern))
        rows = join_readings(
            part for file in files for part in choose_reader(file, kind="territories").read()
        ).rows
        outdated = [finding.rule for finding in table_findings(rows, history=history, layer=folder)]
        counts[folder] = (len(rows), outdated.count("outdated-commune"))
    expected, departements = {
        "small": ({"region73-avant-2016": (5, 1), "ign-2018": (5, 1)}, 1),
        "shared": ({"region73-avant-2016": (3020, 70), "ign-2018": (2969, 19)}, 84),
    }[data.edition]
    assert counts == expected
    absent = absent_communes(equipment_2013.rows["code"], history, date="2013-01-01", layer="bpe")
    assert len(absent) == departements
