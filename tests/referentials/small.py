"""Small files made by hand in the forms of the published ones, each with its defects.

`write` lays them out as the shared folder is (`services/`, `admin/`, `cog/`, `population/`,
`network/`), under the same names: same columns, encodings, containers and oddities, invented rows.
Only codes and names of communes are real, so that the embedded sample is the ground they stand on.
"""

import bz2
import csv
import gzip
import io
import json
import zipfile
from functools import cache
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import openpyxl
import pyogrio
import rasterio
import shapely
from pyproj import Transformer

from geoguichet.referentials.layers import sample_path

type Cell = str | int | float | None

PARIS, ANDORRA, ABROAD = (2.35, 48.85), (1.52, 42.51), (30.0, 60.0)
LAMBERT_WITHOUT_CODE = (
    'PROJCS["Lambert_Conformal_Conic",GEOGCS["GCS_GRS 1980(IUGG, 1980)",DATUM["unknown",'
    'SPHEROID["GRS80",6378137,298.257222101]],PRIMEM["Greenwich",0],UNIT["Degree",'
    '0.0174532925199433]],PROJECTION["Lambert_Conformal_Conic_2SP"],PARAMETER["latitude_of_origin",'
    '46.5],PARAMETER["central_meridian",3],PARAMETER["standard_parallel_1",44],'
    'PARAMETER["standard_parallel_2",49],PARAMETER["false_easting",700000],'
    'PARAMETER["false_northing",6600000],UNIT["Meter",1]]'
)
"""Lambert-93 as some software writes it: with no EPSG code."""


@cache
def halls() -> dict[str, tuple[float, float]]:
    """Longitude and latitude of the town hall of each commune of the sample."""
    services = pyogrio.read_dataframe(sample_path(), layer="services")
    own = services[(services["type"] == "town_hall") & services.geometry.notna()]
    return {row.commune: (round(row.geometry.x, 6), round(row.geometry.y, 6))
            for row in own.drop_duplicates("commune").itertuples()}  # fmt: skip


@cache
def outlines() -> dict[str, Any]:
    """Outline of each commune of the sample, as GeoJSON."""
    communes = pyogrio.read_dataframe(sample_path(), layer="communes")
    known = communes[communes.geometry.notna()]
    return {
        row.code: json.loads(shapely.to_geojson(row.geometry.simplify(0.002)))
        for row in known.itertuples()
    }


def beside(code: str, metres: float) -> tuple[float, float]:
    """A point that far north of the town hall of a commune."""
    longitude, latitude = halls()[code]
    return longitude, round(latitude + metres / 111_200, 6)


def table(rows: list[list[Cell]], *, separator: str = ",", quoting: int = csv.QUOTE_MINIMAL) -> str:
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=separator, quoting=quoting, lineterminator="\n").writerows(rows)  # type: ignore[arg-type]
    return text.getvalue()


def save(path: Path, content: str | bytes, *, encoding: str = "utf-8") -> None:
    """Write a file, compressed as its name says."""
    path.parent.mkdir(parents=True, exist_ok=True)
    data = content.encode(encoding) if isinstance(content, str) else content
    packed = {".bz2": bz2.compress, ".gz": gzip.compress}.get(path.suffix, bytes)(data)
    path.write_bytes(packed)


def collection(features: list[tuple[dict[str, Any], Any]]) -> dict[str, Any]:
    return {
        "type": "FeatureCollection",
        "features": [
            {"type": "Feature", "properties": properties, "geometry": geometry}
            for properties, geometry in features
        ],
    }


def point(place: tuple[float, float]) -> dict[str, Any]:
    return {"type": "Point", "coordinates": list(place)}


def square(west: float, south: float, size: float = 0.2) -> dict[str, Any]:
    return json.loads(shapely.to_geojson(shapely.box(west, south, west + size, south + size)))


def write(folder: Path) -> Path:
    """Write all the files under a folder, and return it."""
    for part in (directories, posts, france_services, partners, schools, others, equipment):
        part(folder / "services")
    administrative(folder / "admin")
    codes(folder / "cog")
    populations(folder / "population")
    roads(folder / "network")
    return folder


# -- DILA


def directories(folder: Path) -> None:
    foix, pamiers, auch, girons = (halls()[code] for code in ("09122", "09225", "32013", "09261"))
    head = ["id", "category", "name", "email", "phone", "wheelchair_access", "latitude",
            "longitude", "geoloc_precision", "address"]  # fmt: skip
    rows: list[list[Cell]] = [
        ["mairie-09122-01", "mairie", "Mairie - Essai", "mairie@essai.example", "05 00 00 00 01",
         "ACC", foix[1], foix[0], "8", "1 rue du Modèle, 09000, Foix"],
        ["gendarmerie-09122-01", "gendarmerie", "Brigade - Essai", "https://essai.example", "",
         "DEM", beside("09122", 900)[1], foix[0], "6", "Zone nouvelle, 09000, Foix"],
        ["caf-09122-01", "caf", "Caisse - Essai", "", "", "", "", "", "", "Rue basse, 09000, Foix"],
        # its point is that of the town hall of another commune
        ["cpam-09225-01", "cpam", "Caisse - Modèle", "", "", "NAC", foix[1], foix[0], "4",
         "2 place du Modèle, 09100, Pamiers"],
        ["mairie-09225-01", "mairie", "Mairie - Modèle", "", "", "", pamiers[1], pamiers[0], "8",
         "3 place du Modèle, 09100, Pamiers"],
        # the same counter, told twice
        ["mairie-09225-02", "mairie", "Mairie - Modèle", "", "", "", pamiers[1], pamiers[0], "8",
         "3 place du Modèle, 09100, Pamiers"],
        ["mairie-09261-01", "mairie", "Mairie - Exemple", "", "", "", girons[1], girons[0], "8",
         "4 rue haute, 09200, Saint-Girons"],
        ["prefecture-09122-01", "prefecture", "Préfecture - Essai", "", "", "", foix[1],
         foix[0], "8", "1 rue du Modèle, 09000, Foix"],
        ["mairie-32013-01", "mairie", "Mairie - Échantillon", "", "", "", auch[0], auch[1], "8",
         "Place basse, 32000, Auch"],  # axes swapped
        ["mairie-33063-01", "mairie", "Mairie - Ailleurs", "", "", "", "44.83", "-574000", "8",
         "Place haute, 33000, Bordeaux"],
        ["mairie-33063-02", "mairie", "Mairie - Nulle part", "", "", "", "95.5", "1.5", "8", ""],
        ["mairie-75056-01", "", "Mairie - Lointaine", "", "", "", ABROAD[1], ABROAD[0], "1", ""],
        ["mairie-31555-01", "mairie", "Mairie - Perdue", "", "", "", PARIS[1], PARIS[0], "2",
         "Place nulle, 31000, Toulouse"],
    ]  # fmt: skip
    quoted = table([head, *rows], quoting=csv.QUOTE_ALL)
    save(folder / "service-public-annuaire-local-2020-11.csv.bz2", quoted)
    far = beside("09122", 6_000)
    older = [
        ["mairie-09122-01", "mairie", "1 rue du Modèle, 09000, Foix", "ACC", "Mairie - Essai",
         far[1], far[0], "4"],  # the same address: its point was wrong
        ["gendarmerie-09122-01", "gendarmerie", "Caserne ancienne, 09000, Foix", "", "Brigade",
         foix[1], foix[0], "8"],
        ["tresorerie-09122-01", "tresorerie", "5 rue close, 09000, Foix", "", 'Trésorerie "close',
         foix[1], foix[0], "8"],
        ["mairie-09225-01", "mairie", "3 place du Modèle, 09100, Pamiers", "NAC",
         "Mairie - ModÃ¨le", pamiers[1], pamiers[0], "8"],
        ["mairie-31555-01", "mairie", "Place nulle, 31000, Toulouse", "", "Mairie - Perdue",
         PARIS[1], PARIS[0], "2"],
        ["mairie-75056-01", "mairie", "", "", "Mairie - Lointaine", ABROAD[1], ABROAD[0], "1"],
        ["mairie-46042-01", "mairie", "", "", "Mairie - Sans lieu", "", "", ""],
    ]  # fmt: skip
    lines = "".join("\t".join(map(str, row)) + "\n" for row in older)
    save(folder / "service-public-co-marquage-2013-06.tsv.bz2", lines)


# -- La Poste


def posts(folder: Path) -> None:
    foix, pamiers, auch = (halls()[code] for code in ("09122", "09225", "32013"))
    access = "Accessibilité_Entrée_autonome_en_fauteuil_roulant_possible"
    head: list[Cell] = ["#Identifiant", "Libellé_du_site", "Caractéristique_du_site", "Adresse",
            "Complément_d_adresse", "Lieu_dit", "Code_postal", "Localité", "Pays", "Latitude",
            "Longitude", "Précision_du_géocodage", "Numéro_de_téléphone", access]  # fmt: skip
    places: dict[str, tuple[str, str, tuple[float, float] | None]] = {
        "A1": ("FOIX ESSAI", "Bureau de poste", foix),
        "A2": ("PAMIERS ESSAI", "Bureau de poste", pamiers),
        "A3": ("ESSAI APC", "Agence postale commnunale", beside("09122", 700)),
        "A4": ("AUCH RELAIS", "Relais poste commerçant", auch),
        "A5": ("SANS LIEU", "Agence postale intercommunale", None),
        "A6": ("AU PAS", "Bureau de poste", ANDORRA),
    }
    towns = {"A2": ("09100", "PAMIERS"), "A4": ("32000", "AUCH")}
    rows: list[list[Cell]] = []
    for key, (name, kind, place) in places.items():
        postcode, town = towns.get(key, ("09000", "FOIX"))
        x, y = place or ("", "")
        autonomous = "Oui" if key == "A1" else "Non"
        rows.append([key, name, kind, "1 RUE DE L ESSAI", "", "BOURG", postcode, town, "FRANCE",
                     y, x, "Géocodé au numéro", "3631", autonomous])  # fmt: skip
    text = table([head, *rows], separator=";")
    save(folder / "laposte-points-de-contact-2015-07.csv.bz2", text, encoding="latin-1")

    head = ["#Identifiant_du_site", "Libellé_du_site", "Caractéristique_du_site",
            "Site_Acores_de_rattachement", "Adresse", "Complément_d_adresse", "Lieu_dit",
            "Code_postal", "Localité", "Code_INSEE", "Pays", "Latitude", "Longitude",
            "Précision_du_géocodage", "Numéro_de_téléphone", "latlong"]  # fmt: skip
    communes = {"PAMIERS": "09225", "AUCH": "32013", "FOIX": "09122"}
    now = {
        "A1": ("FOIX ESSAI", "Relais Poste commerçant", foix, "FOIX"),  # changed
        "A2": ("PAMIERS ESSAI", "Bureau de Poste", beside("09225", 800), "PAMIERS"),  # moved
        "A4": ("AUCH RELAIS", "Relais Poste commerçant", auch, "AUCH"),
        "A7": ("FOIX NEUF", "Agence postale communale", foix, "FOIX"),  # opened; A3 closed
        "A8": ("SANS LIEU", "Agence postale communale", None, "AUCH"),
    }
    rows = []
    for key, (name, kind, site, town) in now.items():
        x, y = site or ("", "")
        both = f"{y},{x}" if site else ""
        rows.append([key, name, kind, "", f"2 RUE DE L ESSAI {key}", "", "", "09000" if town ==
                     "FOIX" else "32000", town, communes[town], "FRANCE", y, x,
                     "Géocodé au milieu de la rue", "3631", both])  # fmt: skip
    save(folder / "laposte_poincont2-2020.csv.gz", table([head, *rows], separator=";"))


# -- France services, MSAP, partners of Pôle emploi

DAYS = [f"h_{day}" for day in ("lundi", "mardi", "mercredi", "jeudi", "vendredi", "samedi")]
WEEK = ["13:30 - 17:00", *["09:00 - 12:00 / 13:30 - 17:00"] * 3, "09:00 - 12:00 / 13:30 - 16:00",
        ""]  # fmt: skip


def france_services(folder: Path) -> None:
    foix = halls()["09122"]
    head: list[Cell] = ["id_fs", "insee_dep", "lib_fs", "adresse", "complement_adresse",
            "insee_com", "code_postal", "lib_com", "latitude", "longitude", "mail", "telephone",
            *DAYS, "prise_rdv", "commentaire", "type_fs", "format_fs", "groupe_fs",
            "labellisation_fs"]  # fmt: skip

    def row(number: int, week: list[str], comment: str, kind: str, commune: str) -> list[Cell]:
        return [number, commune[:2], f"France services d'essai {number}", "1 rue du Modèle", "",
                commune, f"{commune[:2]}000", "ESSAI", foix[1], foix[0], "essai@essai.example",
                "05 00 00 00 00", *week, "Non", comment, "Principal", kind, "",
                "Espace labellisé 01/01/2020"]  # fmt: skip

    tour = (
        "lundis à Foix, mardis à Pamiers, mercredis à Mirepoix, jeudis à Lavelanet, vendredis à "
        "Varilhes"
    )
    rows = [
        row(1, WEEK, "", "Fixe", "01033"),
        row(2, WEEK, tour, "Bus_équivalent", "09122"),
        row(3, ["00:00 - 00:00", *WEEK[1:]], "sur\\x20rendez-vous", "Fixe", "09122"),
        row(459, [""] * 6, "Deux\\x20lieux", "Multisites", "32013"),
    ]
    save(folder / "liste-fs-20240801.csv", table([head, *rows], quoting=csv.QUOTE_ALL))
    common = {"lib_france_services": "d'essai", "ADRESSE": "1 rue du Modèle", "code_postal":
              "09000", "COMPLEMENT.D.ADRESSE": "", "lib_com": "ESSAI", "CONTACT.MAIL": "",
              "TELEPHONE": "", "Commentaire.horaires": "", "ITINERANCE": "",
              "Labellisation": "Espace labellisé 01/2020", "categorie": "FS",
              **dict(zip(DAYS, WEEK, strict=True))}  # fmt: skip
    told = "Horaires non communiqués"
    features = [
        {"MATRICULE": 1, "DEPARTEMENT": "1", "insee_com": "01033"},
        {"MATRICULE": 2, "DEPARTEMENT": "9", "insee_com": "09122", "h_lundi": "matin sur RDV"},
        {"MATRICULE": 3, "DEPARTEMENT": "32", "insee_com": "32013", "ITINERANCE": "Oui",
         "Commentaire.horaires": "Auch le lundi", **dict.fromkeys(DAYS, told)},
    ]  # fmt: skip
    document = collection([({**common, **each}, point(foix)) for each in features])
    save(folder / "france_services-2020-10.geojson", json.dumps(document, ensure_ascii=False))

    names = ["locatin", "osm_id", "city", "country", "osm_key"]
    places = [
        ("1 rue de l'Essai, 47600 Nerac, France", "NÃ©rac", "France", "building", (0.339, 44.136)),
        ("2 allee du Modele, 9000 Foix, France", "Foix", "France", "highway", foix),
        ("Place basse, 60360 Crevecoeur, France", "CrÃ¨vecÅ?ur", "France", "place", (2.08, 49.6)),
        ("Rue haute, 59000 Lille, France", "Mons", "Belgique", "highway", (30.0, 60.0)),
        ("Rue neuve, 97400 Saint-Denis, France", "Saint-Denis", "France", "place", (55.45, -20.9)),
    ]
    frame = gpd.GeoDataFrame(
        [[each[0], str(number), *each[1:4]] for number, each in enumerate(places)],
        columns=names,
        geometry=gpd.points_from_xy([each[4][0] for each in places], [each[4][1] for each in
        places]),
        crs=4326,
    ).to_crs(2154)  # fmt: skip
    shapefile(frame, folder / "msap-2018-06-27-shp", "msap")


def shapefile(frame: gpd.GeoDataFrame, folder: Path, name: str) -> None:
    """Write a shapefile in Latin-1, with a projection that has no code and no word of encoding."""
    folder.mkdir(parents=True, exist_ok=True)
    pyogrio.write_dataframe(frame, folder / f"{name}.shp", encoding="ISO-8859-1")
    (folder / f"{name}.cpg").unlink()
    (folder / f"{name}.prj").write_text(LAMBERT_WITHOUT_CODE, encoding="utf-8")


def partners(folder: Path) -> None:
    rows = [("09", code, "A123", "Réseau partenarial", 1, name)
            for code, name in (("09122", "Foix"), ("09225", "Pamiers"))]  # fmt: skip
    frame = gpd.GeoDataFrame(
        rows,
        columns=["DEP", "DEPCOM", "TYPEQU", "LIB_MOD", "nb_equip", "NOM_COM"],
        geometry=[shapely.geometry.shape(outlines()[row[1]]) for row in rows],
        crs=4326,
    ).to_crs(2154)
    shapefile(frame, folder / "pole-emploi-reseau-partenarial-2018-shp", "reseau")


# -- schools, advisers, courts, hospitals, stations, facts


def schools(folder: Path) -> None:
    def metres(place: tuple[float, float], system: int) -> list[Cell]:
        x, y = Transformer.from_crs(4326, system, always_xy=True).transform(*place)
        return [round(x, 1), round(y, 1)]

    head: list[Cell] = ["identifiant", "numero_uai", "appellation_officielle_uai",
            "secteur_public_prive", "adresse_uai", "lieu_dit_uai", "code_postal_uai",
            "localite_acheminement_uai", "X", "Y", "loc", "etat_etablissement", "nature_uai",
            "lib_nature"]  # fmt: skip
    toulouse, island = halls()["31555"], (55.45, -20.9)
    schools: list[tuple[str, str, str, list[Cell], str]] = [
        ("0310001A", "Collège d'essai", "31000", metres(toulouse, 2154), "340"),
        ("0310002B", "École d'essai", "31000", metres(toulouse, 2154), "151"),
        ("0090003C", "Lycée de la Forêt", "9000", metres(halls()["09122"], 2154), "300"),
        ("0320004D", "Maternelle d'essai", "32000", ["", ""], "101"),
        ("9740005E", "Collège de l'île", "97400", metres(island, 2975), "340"),
        ("9710006F", "Rectorat de l'île", "97100", metres((-61.5, 16.2), 5490), "803"),
        ("0310007G", "Centre d'essai", "31000", metres(toulouse, 2154), "999"),
    ]
    rows: list[list[Cell]] = [
        [number, uai, name, "PU", "1 rue du Modèle", "", postcode, "ESSAI", *place, "BATIMENT",
         "1", nature, "ESSAI"]
        for number, (uai, name, postcode, place, nature) in enumerate(schools)
    ]  # fmt: skip
    text = table([head, *rows])
    save(folder / "education-etablissements-2015.csv.bz2", text, encoding="latin-1")
    higher: list[list[Cell]] = [
        ["NOM_ETABLISSEMENT", "SIGLE_ETABLISSEMENT", "GPS_X", "GPS_Y", "STATUT_ETABLISSEMENT"],
        ["École d'essai", "", "43,6045", "1,4440", "Public"],
        ["Institut d'essai", "IE", "48,8432", "2,3312", "Privé hors contrat"],
        ["Faculté sans lieu", "", "", "", "Public"],
    ]
    save(folder / "enseignement-superieur-2013.csv.bz2", table(higher))


def others(folder: Path) -> None:
    foix = halls()["09122"]
    advisers = [
        {"raison_sociale": "AGGLO D'ESSAI", "commune_insee": "Foix", "nb_cnfs": 2, "type":
         "publique", "adresse": "1 RUE DU MODELE\nBAT A\n09000 FOIX", "insee_com": "09122",
         "code_postal": 9000, "latitude": foix[1], "longitude": foix[0], "result_score": 0.97,
         "result_label": "1 Rue Ren<e9> Mod<e8>le", "id": 1, "insee_dep": "09",
         "date_de_validation_en_comité_de_sélection": "2021-05-19"},
        {"raison_sociale": "COMMUNE Ã©GALE", "commune_insee": "Auch", "nb_cnfs": 1, "type":
         "publique", "adresse": "PLACE BASSE\n32000 AUCH", "insee_com": "32013", "code_postal":
         32000, "latitude": None, "longitude": None, "result_score": 0.4, "result_label":
         "Place du March<e9>", "id": 2, "insee_dep": "32",
         "date_de_validation_en_comité_de_sélection": "2021-06-01"},
    ]  # fmt: skip
    document = json.dumps(advisers, ensure_ascii=False)
    save(folder / "conseillers-numeriques-2022-06.json", document)
    courts: list[tuple[dict[str, Any], Any]] = [
        ({"TYPE": kind, "CODE_INSEE": commune, "CODE_ORIG": 1, "NUM": number, "CODE_POSTAL":
          postcode}, point(foix))
        for kind, commune, number, postcode in (
            ("TGI", "09122", 1, 9000), ("CPH", "09122", 2, 9000), ("CPH", "09122", 2, 9000),
            ("CDAD", "09225", 3, 9100), ("ZZ", "55545", 4, 9310),
        )
    ]  # fmt: skip
    script = "var point_justice = " + json.dumps(collection(courts), indent=4) + ";\n"
    save(folder / "point_justice.js", script)

    head: list[Cell] = ["bor", "an", "fi", "rs", "rscom", "cat", "COMINSEE", "NOMCOM", "NUMVOI",
            "TYPVOI", "NOMVOI", "BP", "CPO"]  # fmt: skip
    sites: list[list[Cell]] = [
        ["ID", 2023, "090000001", "CH D'ESSAI", "Hôpital d'essai", 355, "09122", "FOIX", 1, "RUE",
         "DU MODELE", "", "09000"],
        ["ID", 2023, "320000002", "CLINIQUE", "", 128, "32013", "AUCH", 2, "RUE", "BASSE", "BP 1",
         "32000"],
    ]  # fmt: skip
    folder_sae = folder / "sae-2023"
    save(folder_sae / "ID_2023r.csv", table([head, *sites], separator=";"), encoding="latin-1")
    units = {"URGENCES_P": ["MOD", "COMSMUR"], "PERINAT_P": ["GARDED", "ASTDED"]}
    for name, last in units.items():
        lines: list[list[Cell]] = [["BOR", "AN", "FI", "RS", "FI_EJ", "PERSO", "ETPSAL", *last]]
        for fi, job in (("090000001", "M1"), ("090000001", "M2"), ("320000002", "M1")):
            lines.append([name, 2023, fi, "CH D'ESSAI", "1", job, 1.5, "", ""])
        text = table(lines, separator=";")
        save(folder_sae / f"{name}_2023r.csv", text, encoding="latin-1")

    stops: list[list[Cell]] = [
        ["stop_id", "stop_name", "stop_desc", "stop_lat", "stop_lon", "zone_id", "stop_url",
         "location_type", "parent_station"],
        ["StopArea:OCE87611244", "gare d'Essai", "", foix[1], foix[0], "", "", 1, ""],
        ["StopPoint:OCETrain-87611244", "gare d'Essai", "", foix[1], foix[0], "", "", 0,
         "StopArea:OCE87611244"],
        ["StopArea:OCE80194035", "gare de Musterstadt", "", "52.148", "11.641", "", "", 1, ""],
    ]  # fmt: skip
    save(folder / "gares-ter-2015.csv.bz2", table(stops))
    facts: list[list[Cell]] = [
        ["commune", "insee_dep", "date", "fait", "source"],
        ["Essai", "46", "2010-03-18", "Point d'essai", "écrit ici"],
        ["Modèle", "09", "2009-01-01", "Autre point d'essai", "écrit ici"],
    ]
    text = table(facts, separator=";", quoting=csv.QUOTE_ALL)
    save(folder / "points-visio-public-faits.csv", text)


def equipment(folder: Path) -> None:
    detail: list[list[Cell]] = [
        ["REG", "DEP", "DEPCOM", "DCIRIS", "AN", "TYPEQU", "SECT", "NB_EQUIP"],
        [76, "09", "09122", "09122_0101", 2018, "C201", "PU", 1],
        [76, "09", "09122", "09122_0102", 2018, "C201", "PR", 2],
        [76, "09", "09122", "09122_0102", 2018, "C101", "PU", 4],
        [76, "09", "09225", "09225", 2018, "C104", "PU", 1],
    ]
    save(folder / "bpe18_enseignement.csv.gz", table(detail, separator=";"))
    doctors: list[list[Cell]] = [
        ["CODGEO", "NB_D201", "id_noeud", "POPULATION"],
        ["09122", 24, "7", 9700],
        ["09225", 12, "8", 15000],
        ["09225", 3, "9", 15000],
    ]
    save(folder / "bpe-medecins-par-commune.csv", table(doctors, quoting=csv.QUOTE_NONNUMERIC))
    wards: list[list[Cell]] = [["CODGEO", "NB_D107"], ["09122", 1], ["31555", 4]]
    save(folder / "bpe-maternites-par-commune.csv", table(wards, quoting=csv.QUOTE_NONNUMERIC))
    book = openpyxl.Workbook()
    for row in (
        ["depcom", "Total de nb_equip", "Aéroport", "Bureau de poste", "Collège"],
        ["09122", 5, None, 2, 3],
        ["09225", 4, 1, 3, None],
        ["32013", 1, None, 1, None],
    ):
        book.active.append(row)
    book.save(folder / "bpe2013.xlsx")


# -- territories

TERRITORIES = {"09": ("Ariège", "09122"), "12": ("Aveyron", "12202"), "32": ("Gers", "32013")}


def administrative(folder: Path) -> None:
    def save_geojson(name: str, document: dict[str, Any]) -> None:
        save(folder / name, json.dumps(document, ensure_ascii=False))

    bow = {"type": "Polygon", "coordinates": [[[1, 43], [2, 44], [2, 43], [1, 44], [1, 43]]]}
    epci = [
        ({"insee_dep": "09", "insee_reg": "76", "siren_epci": "200000001", "lib_epci": "CC A"},
         square(1.5, 43.0)),
        ({"insee_dep": "32", "insee_reg": "76", "siren_epci": "200000001", "lib_epci": "CC A"},
         square(1.7, 43.0)),
        ({"insee_dep": "974", "insee_reg": "04", "siren_epci": "249740001", "lib_epci": "CA I"},
         square(-4.0, 46.0)),
        ({"insee_dep": "09", "insee_reg": "76", "siren_epci": "", "lib_epci": "CC sans code"}, bow),
        ({"insee_dep": "", "insee_reg": "", "siren_epci": "", "lib_epci": ""}, None),
    ]  # fmt: skip
    save_geojson("epci-anct-simplifie.geojson", collection(epci))
    names = {"09122": "Foix", "09225": "Pamiers", "12076": "Conques", "12218": "Saint-Cyprien",
             "32013": "Auch"}  # fmt: skip
    shapes = {**outlines(), "12076": square(2.4, 44.6), "12218": square(2.4, 44.5)}
    by_departement = {"09": ("09122", "09225"), "12": ("12076", "12218"), "32": ("32013",)}
    for code, (name, _) in TERRITORIES.items():
        slug = f"{code}-{name.lower().replace('è', 'e')}"
        features = [
            ({"code": commune, "nom": names[commune]}, shapes[commune])
            for commune in by_departement[code]
        ]
        save_geojson(f"ign-2018/communes-{slug}.geojson", collection(features))
    whole = ({"code": "09", "nom": "Ariège"}, square(1.0, 42.6, 1.0))
    canton = ({"code": "0901", "nom": "Canton d'essai"}, square(1.5, 43.0))
    district = ({"code": "091", "nom": "Foix"}, square(1.5, 43.0))
    save_geojson("ign-2018/cantons-09-ariege.geojson", collection([canton]))
    save_geojson("ign-2018/arrondissements-09-ariege.geojson", collection([district]))
    alone = collection([whole])["features"][0]
    save_geojson("ign-2018/departement-09-ariege.geojson", alone)
    region = collection([({"code": "73", "nom": "Midi-Pyrénées"}, square(0.0, 43.0, 2.0))])
    save_geojson("regions-avant-redecoupage-2015.geojson", region)
    before = [({"code": code, "nom": name}, shapes[code]) for code, name in names.items()]
    save_geojson("region73-avant-2016/communes.geojson", collection(before))
    departements = [({"code": code, "nom": name}, square(1.0, 42.6 + rank, 1.0))
                    for rank, (code, (name, _)) in enumerate(TERRITORIES.items())]  # fmt: skip
    save_geojson("region73-avant-2016/departements.geojson", collection(departements))
    iris = [({"INSEE_COM": "09122", "NOM_COM": "Foix", "NOM_IRIS": "LabarriÃ¨re", "CODE_IRIS":
              "091220101"}, square(1.6, 42.9))]  # fmt: skip
    save_geojson("region73-avant-2016/iris-09.geojson.gz", collection(iris))
    frame = gpd.GeoDataFrame(
        [("31", "HAUTE-GARONNE", "555", "TOULOUSE", "73"), ("09", "ARIÈGE", "122", "FOIX", "73")],
        columns=["CODE_DEPT", "NOM_DEPT", "CODE_CHF", "NOM_CHF", "CODE_REG"],
        geometry=[shapely.box(500_000, 6_200_000, 600_000, 6_300_000),
                  shapely.box(550_000, 6_180_000, 610_000, 6_200_000)],
        crs=2154,
    )  # fmt: skip
    scratch = folder / "ign-departement-shp"
    shapefile(frame, scratch, "DEPARTEMENT")
    with zipfile.ZipFile(scratch / "DEPARTEMENT.zip", "w") as archive:
        for file in sorted(scratch.glob("DEPARTEMENT.???")):
            if file.suffix != ".zip":
                archive.write(file, file.name.upper())
                file.unlink()


HISTORY = """title: 'Une histoire écrite ici'
valid: '2020-01-01'
contents:
  '09122':
    '1943-01-01':
      état: {statut: COM, name: Foix}
    '1975-01-01':
      évts: {contribueA: ['09225']}
      état: {statut: COM, name: Foix}
  '09225':
    '1943-01-01':
      état: {statut: COM, name: Pamiers}
  '32013':
    '1943-01-01':
      état: {statut: COM, name: Auch}
  '31555':
    '1943-01-01':
      état: {statut: COM, name: Toulouse}
  12076:
    '1943-01-01':
      état: {statut: COM, name: Conques}
    '2016-01-01':
      évts: {devientDéléguéeDe: '12218'}
      état: {statut: COMD, name: Conques, crat: '12218'}
  12218:
    '1943-01-01':
      état: {statut: COM, name: Saint-Cyprien-sur-Dourdou}
    '2016-01-01':
      évts: {prendPourDéléguées: [12076], aPourDéléguées: [12218]}
      état: {statut: COM, name: Conques-en-Rouergue}
  '09001':
    '1943-01-01':
      état: {statut: COM, name: Ancienne}
    '1970-01-01':
      évts: {fusionneDans: '32013'}
  '09002':
    '1943-01-01':
      état: {statut: COM, name: Scindée}
    '1990-01-01':
      évts: {détacheCommeSimples: ['09003']}
      état: {statut: COM, name: Scindée}
  '09003':
    '1990-01-01':
      évts: {crééeCOMParScissionDe: '09002'}
      état: {statut: COM, name: Nouvelle}
  '09004':
    '1943-01-01':
      état: {statut: COM, name: Renommée}
    '1985-01-01':
      évts: {changeDeCodePour: '09005'}
  '09005':
    '1985-01-01':
      évts: {changeDeCodeDepuis: '09004'}
      état: {statut: COM, name: Renommée}
"""


def codes(folder: Path) -> None:
    def save_json(name: str, rows: list[dict[str, Any]]) -> None:
        save(folder / name, json.dumps(rows, ensure_ascii=False))

    def commune(
        code: str, name: str, district: str, region: str, people: int | None, **more: Any
    ) -> dict[str, Any]:
        row = {"code": code, "nom": name, "typeLiaison": 0, "zone": "metro", "arrondissement":
               district, "departement": code[:2], "region": region, "type": "commune-actuelle",
               "siren": f"21{code}", "codesPostaux": [f"{code[:2]}000", f"{code[:2]}100"],
               **more}  # fmt: skip
        return row | ({} if people is None else {"population": people})

    save(folder / "histo-communes-insee.yaml.gz", HISTORY)
    communes = [
        commune("09122", "Foix", "091", "76", 9_700),
        commune("09225", "Pamiers", "092", "76", 15_700),
        commune("09261", "Saint-Girons", "093", "76", 6_300),
        commune("12218", "Conques-en-Rouergue", "121", "76", 1_600, anciensCodes=["12076"]),
        commune("31555", "Toulouse", "313", "76", 500_000),
        commune("32013", "Auch", "321", "76", 22_000),
        *(commune(f"{code}001", f"Bourg d'essai {code}", f"{code}1", "53", 100)
          for code in ("22", "29", "35", "56")),
        commune("97411", "Saint-Denis", "9741", "04", 150_000) | {"departement": "974"},
        commune("09002", "Scindée", "091", "76", 60),
        commune("09003", "Nouvelle", "091", "76", None),
        commune("09005", "Renommée", "091", "76", 40),
        {"code": "12076", "nom": "Conques", "typeLiaison": 0, "departement": "12", "region": "76",
         "type": "commune-deleguee", "chefLieu": "12218"},
        {"code": "09999", "nom": "Associée", "typeLiaison": 0, "departement": "09", "region": "76",
         "type": "commune-associee", "chefLieu": "09122"},
        {"code": "75101", "nom": "Paris 1er", "typeLiaison": 0, "departement": "75", "region":
         "11", "type": "arrondissement-municipal", "commune": "75056"},
    ]  # fmt: skip
    save_json("communes.json.gz", communes)
    members = [{"code": "09122", "populationMunicipale": 9_700},
               {"code": "09225", "populationMunicipale": 15_700}]  # fmt: skip
    epci = [{"code": "200000001", "nom": "CC d'essai", "type": "CC", "modeFinancement": "FPU",
             "populationTotale": 26_000, "populationMunicipale": 25_400, "membres": members},
            {"code": "200000002", "nom": "CC fausse", "type": "CC", "modeFinancement": "FPU",
             "populationTotale": 99, "populationMunicipale": 98, "membres": members}]  # fmt: skip
    save_json("epci.json.gz", epci)
    save_json("arrondissements.json", [
        {"code": "091", "departement": "09", "region": "76", "chefLieu": "09122", "nom": "Foix",
         "typeLiaison": 0}])  # fmt: skip
    save_json("departements.json", [
        {"code": code, "region": "76", "chefLieu": seat, "nom": name, "typeLiaison": 0}
        for code, (name, seat) in TERRITORIES.items()])  # fmt: skip
    regions = {"53": "Bretagne", "76": "Occitanie", "04": "La Réunion"}
    save_json("regions.json", [
        {"code": code, "chefLieu": "00000", "nom": name, "typeLiaison": 0, "zone": "metro"}
        for code, name in regions.items()])  # fmt: skip
    save_json("codes-postaux.json.gz", [
        {"codePostal": "09000", "codeCommune": code, "nomCommune": name, "libelleAcheminement":
         name.upper()} for code, name in (("09122", "Foix"), ("09002", "Scindée"))])  # fmt: skip
    postal: list[list[Cell]] = [
        ["#Code_commune_INSEE", "Nom_de_la_commune", "Code_postal", "Libellé_d_acheminement",
         "Ligne_5"],
        ["09122", "FOIX", "09000", "FOIX", ""],
        ["12218", "CONQUES EN ROUERGUE", "12320", "CONQUES EN ROUERGUE", "GRAND VABRE"],
        ["12218", "CONQUES EN ROUERGUE", "12320", "CONQUES EN ROUERGUE", "NOAILHAC"],
        ["12218", "CONQUES EN ROUERGUE", "12320", "CONQUES EN ROUERGUE", "NOAILHAC"],
    ]  # fmt: skip
    text = table(postal, separator=";")
    save(folder / "laposte-hexasmal.csv.gz", text, encoding="latin-1")
    seats = """title: communes renseignées ici
d09:
    Foix: { names: [Foix], geo: [1.6070, 42.9657] }
    B%C3%A9d%C3%A9: { names: [Bédé], geo: [1.5, 42.9] }
    Sans-lieu:
    Sans%C3%A9_(Essai): { geo: [1.4, 42.9] }
"""
    save(folder / "cheflieuwp.yaml.gz", seats)
    places = [({"CODGEO": code, "STATUT": status, "libgeom": name}, point(halls()[code]))
              for code, status, name in (("09122", "préfecture", "Foix"),
                                         ("09225", "sous-préfecture", "Pamiers"))]  # fmt: skip
    save(folder / "cheflieux-anct.geojson", json.dumps(collection(places), ensure_ascii=False))
    path = "N:/DST/Carto/essai/acv.topojson|layername=zonage"
    zonings: list[list[Cell]] = [
        ["id", "lib", "perimetre", "nbcom", "info1", "info2", "info3", "layer", "path"],
        ["acv001", "Foix", "Commune", "1", "", "", "", "acv zonage", path],
        ["acv001", "Pamiers", "Commune", "1", "phase 2", "", "", "acv zonage", path],
        ["frr001", "CC d'essai", "EPCI", "12", "", "", "", "frr zonage", ""],
    ]
    save(folder / "zonages-anct.csv.gz", table(zonings))


# -- people and roads


def populations(folder: Path) -> None:
    cells = [(3_630_500, 2_383_500, 23.0), (3_629_500, 2_384_500, 24.5)]
    text = table([["x", "y", "Ind"], *([x, y, people] for x, y, people in cells)],
                 quoting=csv.QUOTE_NONNUMERIC)  # fmt: skip
    save(folder / "filosofi2015-1km-lot.csv", text)
    people = np.full((2, 3), np.nan, dtype="float32")
    people[1, 1], people[0, 0], people[0, 2] = 23.0, 24.5, 7.0
    transform = rasterio.transform.from_origin(3_629_000, 2_385_000, 1000, 1000)
    options = {"driver": "GTiff", "width": 3, "height": 2, "count": 1, "dtype": "float32"}
    raster = folder / "filosofi2015-1km-lot50km.tif"
    with rasterio.open(
        raster, "w", crs="EPSG:3035", transform=transform, nodata=np.nan, **options
    ) as file:
        file.write(people, 1)
    rates: list[list[Cell]] = [
        ["INSEE_COM", "ACT", "IND", "SACT"],
        ["46042", 99.5, 4.9, 19.1],
        ["46102", 28.8, 0, 42.9],
    ]
    text = table(rates, quoting=csv.QUOTE_NONNUMERIC)
    save(folder / "lot46-actifs-communes.csv", text)


OSM = """<?xml version="1.0"?><osm version="0.6">
<node id="1" lon="1.500" lat="42.50"/><node id="2" lon="1.510" lat="42.50"/>
<node id="3" lon="1.520" lat="42.51"/><node id="4" lon="1.510" lat="42.52"/>
<node id="5" lon="1.600" lat="42.60"/><node id="6" lon="1.610" lat="42.60"/>
<way id="10"><nd ref="1"/><nd ref="2"/><nd ref="3"/>
  <tag k="highway" v="primary"/><tag k="maxspeed" v="60"/></way>
<way id="11"><nd ref="4"/><nd ref="2"/><tag k="highway" v="residential"/></way>
<way id="12"><nd ref="5"/><nd ref="6"/><tag k="highway" v="track"/></way>
<way id="13"><nd ref="1"/><nd ref="4"/><nd ref="3"/><nd ref="1"/>
  <tag k="highway" v="pedestrian"/><tag k="area" v="yes"/></way>
</osm>"""


def roads(folder: Path) -> None:
    save(folder / "osm" / "andorra-2025-01-19.osm", OSM)
    head = ["from", "to", "length_m", "classe", "routes", "geom_wkt"]

    def line(number: int, start: str, stop: str, kind: str, name: str) -> list[Cell]:
        return [number, number + 1, 1_000.5, kind, name, f"LINESTRING({start}, {stop})"]

    here = [line(0, "1.0 43.0", "1.1 43.0", "autoroute", "A9"),
            line(1, "1.1 43.0", "1.2 43.1", "departementale", "D1"),
            line(2, "1.5 43.5", "1.6 43.5", "nationale", "N2")]  # fmt: skip
    near = [line(0, "1.2 43.1", "1.3 43.1", "departementale", "D7")]
    names = {"midi-pyrenees": here, "voisins-11-47-48-15": near}
    for name, lines in names.items():
        text = table([head, *lines], separator=";")  # type: ignore[list-item]
        save(folder / "travelmapping" / f"{name}-edges.csv.gz", text)
