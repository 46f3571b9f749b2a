import csv
import io
import json
import re
from pathlib import Path

import pytest
import requests
import schemathesis
from rdflib import DCAT, DCTERMS, RDF, Graph, URIRef

from geoguichet.catalogue.formats import registry
from geoguichet.catalogue.formats.dcat.rdf import HYDRA
from geoguichet.catalogue.search import store
from geoguichet.floor.viewer import PUBLIC
from geoguichet.floor.words import speaking
from geoguichet.portal.api import openapi, records
from geoguichet.portal.api.records import ENCODINGS
from geoguichet.portal.site import Site

ITEMS = "/collections/catalogue/items"
WRITTEN_ONLY = ("mcf", "csv", "jsonld")


def test_pages_follow_their_next_links(url: str, http: requests.Session) -> None:
    for asked in ("sortby=-updated,title", "", "q=jeu,foret,zone", "bbox=0,42,1,43"):
        everything = http.get(f"{url}{ITEMS}?{asked}&limit=100").json()
        page, seen = http.get(f"{url}{ITEMS}?{asked}&limit=4").json(), []
        while True:
            seen += [record["id"] for record in page["features"]]
            further = [link["href"] for link in page["links"] if link["rel"] == "next"]
            if not further:
                break
            page = http.get(further[0]).json()
        assert seen == [record["id"] for record in everything["features"]], asked


def test_each_record_has_one_link_to_its_collection(url: str, http: requests.Session) -> None:
    listed = http.get(f"{url}{ITEMS}?limit=100").json()["features"]
    alone = [http.get(f"{url}{ITEMS}/{record['id']}").json() for record in listed]
    for record in (*listed, *alone):
        assert [link["href"] for link in record["links"] if link["rel"] == "collection"] == [
            f"{url}/collections/catalogue"
        ]
    assert "<1:25 000>" in http.get(f"{url}{ITEMS}/forets").text


@pytest.mark.parametrize(
    "path", ["/collections/catalogue", ITEMS, f"{ITEMS}/forets", f"{ITEMS}?q=foret&f=html"]
)
def test_what_did_not_change_is_not_sent_again(url: str, http: requests.Session, path: str) -> None:
    first = http.get(url + path)
    assert first.headers["Last-Modified"].endswith("GMT")
    again = http.get(url + path, headers={"If-None-Match": first.headers["ETag"]})
    assert again.status_code == 304 and again.content == b""
    other = http.get(
        url + path, headers={"If-None-Match": first.headers["ETag"], "Accept-Language": "en"}
    )
    assert other.status_code == 200


def test_an_edit_changes_the_tag(tmp_path, serve, editor: requests.Session) -> None:
    with serve(tmp_path, editable=True) as url:
        record = {
            "type": "Feature",
            "geometry": None,
            "properties": {"type": "dataset", "title": "Forêts"},
        }
        made = editor.post(url + ITEMS, json=record)
        assert made.status_code == 201
        address = made.headers["Location"]
        tag = editor.get(address).headers["ETag"]
        document = editor.get(address).json()
        assert editor.post(url + ITEMS, json=document).status_code == 409
        document["properties"]["title"] = "Bois"
        assert editor.put(address, json=document).status_code == 204
        changed = editor.get(address, headers={"If-None-Match": tag})
        assert changed.status_code == 200 and changed.json()["properties"]["title"] == "Bois"
        assert editor.put(f"{url}{ITEMS}/autre", json=document).status_code == 400
        assert (
            editor.put(f"{url}{ITEMS}/autre", json={**document, "id": "autre"}).status_code == 404
        )
        assert editor.delete(address).status_code == 204
        assert editor.delete(address).status_code == editor.get(address).status_code == 404


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400), (b"{", 400), (b"[]", 400), (b"null", 400), (b'"\\ud800"', 400), (b"\xff", 400),
        (b"[" * 20_000, 400), (b'{"type": "Feature"}', 400),
        (b'{"type": "Feature", "properties": {}}', 400),
        (b'{"type": "Feature", "properties": {"title": NaN}}', 400),
        (b'{"type": "Feature", "id": "a/b", "properties": {"title": "x", "type": "y"}}', 201),
        (b'{"type": "Feature", "properties": {"title": "x", "type": "y", "updated": "hier"}}', 400),
        (b" " * 5_000_001, 413),
    ],
)  # fmt: skip
def test_a_body_that_is_no_record_is_refused(
    tmp_path, serve, editor, body: bytes, status: int
) -> None:
    with serve(tmp_path, editable=True) as url:
        headers = {"Content-Type": "application/geo+json"}
        assert editor.post(url + ITEMS, data=body, headers=headers).status_code == status
        assert (
            editor.post(url + ITEMS, data=body, headers={"Content-Type": "text/csv"}).status_code
            == 415
        )


def test_a_catalogue_is_read_only_unless_told_otherwise(url: str, http: requests.Session) -> None:
    for method, path in (
        ("POST", ITEMS),
        ("PUT", f"{ITEMS}/forets"),
        ("DELETE", f"{ITEMS}/forets"),
    ):
        assert http.request(method, url + path, json={}).status_code == 405
    assert "POST" not in http.options(url + ITEMS).headers["Allow"]


def test_refusals_speak_the_language_of_the_reader(url: str, http: requests.Session) -> None:
    french = http.get(f"{url}{ITEMS}?couleur=rouge").json()["description"]
    english = http.get(f"{url}{ITEMS}?couleur=rouge&lang=en").json()["description"]
    assert french.startswith("couleur : paramètre inconnu") and english.startswith(
        "couleur: unknown parameter"
    )
    assert "twice" in http.get(f"{url}{ITEMS}?q=a&q=b", headers={"Accept-Language": "en"}).text
    page = http.get(f"{url}{ITEMS}?limit=x", headers={"Accept": "text/html"})
    assert page.status_code == 400 and "<html" in page.text and "limit" in page.text


def test_facets_come_with_the_answer(url: str, http: requests.Session) -> None:
    told = http.get(f"{url}/collections/catalogue/facets")
    assert told.headers["Content-Type"] == "application/facets+json"
    facets = http.get(f"{url}{ITEMS}?facets=type,updated&limit=1").json()["facets"]
    assert facets["type"]["buckets"] == [
        {"value": "dataset", "count": 14},
        {"value": "study", "count": 1},
    ]
    assert facets["updated"]["buckets"][0] == {
        "min": "2020-01-01",
        "max": "2020-12-31",
        "count": 13,
    }


@pytest.mark.parametrize(
    "body", [b"[null, null]", b"\xda\xda", b"{", b"3", b'{"inputs": 3}', b'{"inputs": {"x": 1}}']
)
def test_a_process_refuses_what_is_no_request(
    url: str, http: requests.Session, body: bytes
) -> None:
    headers = {"Content-Type": "application/json"}
    assert (
        http.post(f"{url}/processes/white-zones/execution", data=body, headers=headers).status_code
        == 400
    )


def test_collections_are_searched(url: str, http: requests.Session) -> None:
    def found(**asked: str) -> list[str]:
        return [
            item["id"]
            for item in http.get(f"{url}/collections", params=asked).json()["collections"]
        ]

    assert found(q="visioguichet") == ["kiosks"]
    assert found(type="catalog") == ["catalogue"]
    assert found(filter="title LIKE 'Z%'") == ["white-zones"]
    assert found(bbox="10,50,11,51") == []
    assert len(found(limit="2")) == 2
    assert http.get(f"{url}/collections?couleur=1").status_code == 400
    assert http.get(f"{url}/collections/rien").status_code == 404


def test_the_api_document_is_whole(url: str, http: requests.Session) -> None:
    answer = http.get(f"{url}/openapi")
    assert answer.headers["Content-Type"].startswith("application/vnd.oai.openapi+json")
    assert (
        set(json.dumps(answer.json()).split('"$ref": "')[1:]) and '"$ref": "http' not in answer.text
    )


@pytest.mark.parametrize(
    "form", [form for form in ENCODINGS if form not in ("mcf", "csv", "jsonld")]
)
def test_a_record_is_given_in_the_formats_of_other_catalogues(
    url: str, http: requests.Session, form: str
) -> None:
    record = http.get(f"{url}{ITEMS}/forets").json()
    announced = {
        link["href"]: link["type"] for link in record["links"] if link["rel"] == "alternate"
    }
    got = http.get(f"{url}{ITEMS}/forets?f={form}")
    assert got.status_code == 200
    assert got.headers["Content-Type"].partition(";")[0] == announced[got.url] == ENCODINGS[form][0]
    (told,) = registry.read_document(got.content).records
    assert told.title == record["properties"]["title"]


def as_dataset(document: dict) -> Graph:
    """Read schema.org's JSON-LD, its context (an address) said in place."""
    document = {**document, "@context": {"@vocab": "https://schema.org/"}}
    return Graph().parse(data=json.dumps(document), format="json-ld")


@pytest.mark.filterwarnings("ignore:ConjunctiveGraph is deprecated")  # rdflib's own reader
def test_a_record_is_given_as_search_engines_read_it(url: str, http: requests.Session) -> None:
    got = http.get(f"{url}{ITEMS}/forets?f=jsonld")
    assert got.headers["Content-Type"] == "application/ld+json"
    graph, about = as_dataset(got.json()), URIRef(f"{url}{ITEMS}/forets")
    told = {str(p).rpartition("/")[2]: str(o) for p, o in graph.predicate_objects(about)}
    assert told["name"] == "Forêts publiques de l'Ariège <1:25 000>"
    assert told["22-rdf-syntax-ns#type"].endswith("Dataset")
    assert told["description"] and told["license"].startswith("http")
    page = http.get(f"{url}{ITEMS}/forets?f=html").text
    embedded = page.split('<script type="application/ld+json">')[1].split("</script>")[0]
    assert json.loads(embedded) == got.json() and "<1:25" not in embedded
    by_header = http.get(f"{url}{ITEMS}/forets", headers={"Accept": "application/ld+json"})
    assert by_header.json() == got.json()


def test_the_catalogue_is_given_as_search_engines_read_it(url: str, http: requests.Session) -> None:
    for path in (ITEMS, "/collections", "/collections/communes", "/"):
        got = http.get(f"{url}{path}?f=jsonld")
        assert got.headers["Content-Type"] == "application/ld+json"
        document = got.json()
        assert document["@type"] == "DataCatalog" and document["name"]
        assert all(one["name"] for one in document.get("dataset", ()))
    records = http.get(f"{url}{ITEMS}?f=jsonld&limit=4").json()["dataset"]
    assert len(records) == 4
    assert [http.get(one["url"]).status_code for one in records] == [200] * 4


@pytest.mark.parametrize(
    "path", ["/", "/conformance", "/quality", "/collections", "/collections/catalogue", ITEMS,
             f"{ITEMS}/forets", "/collections/catalogue/queryables", "/collections/communes",
             "/collections/communes/items", "/collections/communes/items/31555", "/processes",
             "/collections/communes/queryables", "/processes/white-zones", "/jobs", "/openapi"]
)  # fmt: skip
def test_a_form_that_is_accepted_is_the_form_of_the_answer(
    url: str, http: requests.Session, path: str
) -> None:
    for form in ("json", "html", "xls", *ENCODINGS):
        got = http.get(f"{url}{path}?f={form}")
        kind = got.headers["Content-Type"].partition(";")[0]
        if got.status_code == 400:
            assert form not in ("json", "html") and "f : " in got.json()["description"]
        elif form == "json":
            assert kind.endswith("json") and kind != "application/ld+json"
        else:
            assert kind == ENCODINGS.get(form, ("text/html",))[0]


def test_an_accept_header_asks_for_a_graph(url: str, http: requests.Session) -> None:
    got = http.get(f"{url}{ITEMS}/forets", headers={"Accept": "text/turtle"})
    assert got.headers["Content-Type"].startswith("text/turtle") and b"dcat:Dataset" in got.content
    assert http.get(f"{url}{ITEMS}?f=iso19139").status_code == 400  # one record a document


def test_the_catalogue_is_a_paged_graph_whose_addresses_lead_somewhere(
    url: str, http: requests.Session
) -> None:
    everything = {record["id"] for record in http.get(f"{url}{ITEMS}?limit=100").json()["features"]}
    seen, address, pages = set(), f"{url}{ITEMS}?f=dcat-ttl&limit=4", 0
    while address:
        graph = Graph().parse(data=http.get(address).content, format="turtle")
        seen |= {str(told) for told in graph.objects(None, DCTERMS.identifier)}
        for subject in graph.subjects(RDF.type, DCAT.Dataset):
            assert http.get(str(subject)).status_code == 200
        address = next(map(str, graph.objects(None, HYDRA.nextPage)), "")
        pages += 1
    assert seen == everything and pages == -(-len(everything) // 4)


def test_the_catalogue_is_a_table(url: str, http: requests.Session) -> None:
    got = http.get(f"{url}{ITEMS}?f=csv&limit=100")
    count = http.get(f"{url}{ITEMS}?resulttype=hits").json()["numberMatched"]
    assert (
        len(list(csv.reader(io.StringIO(got.content.decode("utf-8-sig")), delimiter=";")))
        == count + 1
    )


def test_a_document_far_from_the_portal_has_whole_addresses(
    url: str, http: requests.Session
) -> None:
    for record in http.get(f"{url}{ITEMS}?limit=100").json()["features"]:
        got = http.get(f"{url}{ITEMS}/{record['id']}?f=dcat-jsonld")
        assert b'"studies/' not in got.content and b'"collections/' not in got.content


@pytest.mark.parametrize("editable", [False, True])
@pytest.mark.parametrize("lang", ["fr", "en"])
def test_the_api_document_is_openapi_3(workspace: Path, editable: bool, lang: str) -> None:
    """By the JSON schema of OpenAPI 3.0, as schemathesis carries it; every reference leads
    somewhere.
    """
    site = Site(workspace, url="http://127.0.0.1:5000", editable=editable)
    with speaking(lang):
        document = openapi.document(site, PUBLIC)
    schemathesis.openapi.from_dict(document).validate()
    for reference in re.findall(r'"\$ref": "#/([^"]+)"', json.dumps(document)):
        found = document
        for step in reference.split("/"):
            found = found[step]
    names = [
        operation["operationId"]
        for path in document["paths"].values()
        for operation in path.values()
    ]
    assert len(set(names)) == len(names)
    with pytest.raises(Exception, match="info"):
        schemathesis.openapi.from_dict({**document, "info": 3}).validate()


def test_a_heavy_answer_is_bounded_and_made_once(
    workspace: Path, url: str, http: requests.Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A page of RDF is shorter than was asked for, says what follows, and is made once for each
    state of the catalogue; a table is whole.
    """
    monkeypatch.setattr(records, "_MOST_OF_RDF", 4)
    made: list[str] = []
    written = records.TOGETHER["dcat-ttl"]
    told = {**records.TOGETHER, "dcat-ttl": lambda *a, **k: made.append("") or written(*a, **k)}
    monkeypatch.setattr(records, "TOGETHER", told)
    asked = {"f": "dcat-ttl", "limit": "5000", "q": "jeu"}
    first = http.get(f"{url}{ITEMS}", params=asked)
    assert http.get(f"{url}{ITEMS}", params=asked).content == first.content and len(made) == 1
    assert first.text.count("a dcat:Dataset") == 4 and 'rel="next"' in first.headers["Link"]
    assert http.get(f"{url}{ITEMS}", params={**asked, "lang": "en"}).ok and len(made) == 2
    table = http.get(f"{url}{ITEMS}", params={"f": "csv", "q": "jeu"})
    assert len(table.text.strip().splitlines()) == 14


def test_hydra_goes_on_where_a_page_of_so_many_bytes_ends(
    url: str, http: requests.Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "PAGE_BYTES", 400)
    everything = http.get(f"{url}{ITEMS}?limit=0&q=jeu").json()["numberMatched"]
    seen, address = 0, f"{url}{ITEMS}?limit=6&q=jeu&f=dcat-ttl"
    while address:
        page = http.get(address).text
        seen += page.count("a dcat:Dataset")
        found = re.search(r"hydra:nextPage[^<\"]*[<\"]([^>\"]+)[>\"]", page)
        address = found[1] if found else ""
    assert seen == everything > 6


def test_a_page_has_so_many_bytes_and_the_next_goes_on(
    url: str, http: requests.Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    everything = {one["id"] for one in http.get(f"{url}{ITEMS}?limit=100").json()["features"]}
    monkeypatch.setattr(store, "PAGE_BYTES", 1_000)
    for order in ("&sortby=title", "&q=jeu", ""):
        seen, address = list[str](), f"{url}{ITEMS}?limit=100{order}"
        while address:
            page = http.get(address).json()
            assert 0 < page["numberReturned"] < 12
            seen += [one["id"] for one in page["features"]]
            address = next((x["href"] for x in page["links"] if x["rel"] == "next"), "")
        assert len(seen) == len(set(seen)) == page["numberMatched"]
        assert order == "&q=jeu" or set(seen) == everything
