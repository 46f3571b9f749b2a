"""Every address of the portal, in every form, for everyone who may look: nothing leaks.

A word is planted in whatever not everyone may see, and looked for in all that is answered to those
who may not: bodies, headers, errors. What is answered about it is what is answered about something
that does not exist; and who is not known is answered as by a portal that holds nothing else. A route
that is not in the matrix fails. GEOGUICHET_RIGHTS asks every viewer for every form.
"""

import asyncio
import io
import json
import os
import re
import shutil
import sqlite3
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote, urlsplit

import pytest
import requests
from pyarrow import parquet
from starlette.routing import BaseRoute, Mount, Route
from starlette.types import ASGIApp

from geoguichet.catalogue.intake.publish_referentials import publish_referential
from geoguichet.catalogue.record import Contact, Extent, ExternalId, Link, Record
from geoguichet.catalogue.search.audiences import Shown
from geoguichet.catalogue.search.store import Catalogue
from geoguichet.floor.viewer import MACHINE, audience
from geoguichet.portal.api.downloads import FORMS as DOWNLOADS
from geoguichet.portal.api.records import ENCODINGS
from geoguichet.portal.app import create_app
from geoguichet.portal.providers.records import store_of
from geoguichet.referentials.versions.store import ReferentialStore

HOST, OTHER, URL, TOKEN = "200053791", "130025265", "http://portail.example", "entier"
ALL = ("nobody", "partner", "contributor", "editor", "administrator", "neighbour", "token")
SEES: Mapping[str, set[str]] = {
    "alouette": set(ALL),
    "belette": {*ALL} - {"nobody"},
    "cigogne": {"neighbour", "token"},
    "dindon": {"contributor", "editor", "administrator", "token"},
    "faucon": {"editor", "administrator", "token"},
    "grillon": {"token"},
}
"""What is public, for partners, for a list, a draft of a record, a record that was public and was
withdrawn, a draft of a study: each with who sees it. Its name is told in addresses; its word, never.
"""
PAST = "zqpast"
"""The word of a draft that is public by now, otherwise told: nobody reads it."""
SHARED = {"alouette": "public", "belette": "partners", "cigogne": [OTHER], "grillon": "draft"}
"""Of which there are studies and referentials too."""
FORMS = ("json", "html", *dict.fromkeys((*ENCODINGS, *DOWNLOADS)))
WHOLE = bool(os.environ.get("GEOGUICHET_RIGHTS"))
VIEWERS = ALL if WHOLE else ("nobody", "neighbour")


def word(name: str) -> str:
    return f"zq{name[:3]}"


# --- what is planted -----------------------------------------------------------------------------


def planted(name: str, *, kind: str = "fiche", more: str = "") -> Record:
    told = f"{word(name)} mot{name} {more}"
    return Record(
        id=f"{kind}-{name}" if kind == "fiche" else f"study-etude-{name}",
        type="dataset" if kind == "fiche" else "study",
        title=f"Titre {told}",
        description=f"Résumé {told}",
        keywords=(word(name), f"mot{name}"),
        contacts=(Contact(organization=f"Service {told}"),),
        external_ids=(ExternalId(f"ext-{name}"),),
        geometry=Extent(1, 43, 2, 44).as_geometry(),
        updated="2024-05-06T07:08:09Z",
        links=(Link(f"studies/etude-{name}/result.gpkg", "enclosure", title=told),),
    )


def fill(
    workspace: Path,
    names: set[str],
    write_study: Callable[..., Path],
    put_directory: Callable[..., None],
) -> None:
    """Put into a workspace what has some of the names."""
    workspace.mkdir(parents=True, exist_ok=True)
    shares = {f"ref-{name}": SHARED[name] for name in SHARED if name in names}
    told = "".join(f"{name} = {json.dumps(value)}\n" for name, value in shares.items())
    (workspace / "region.toml").write_text(f"[visibility.referentials]\n{told}", encoding="utf-8")
    author = Shown(audience("draft", organisation=HOST, person="p2"), HOST)
    shown = {name: Shown(audience(value)) for name, value in SHARED.items()}
    public, withdrawn = shown["alouette"], Shown(audience("draft", organisation=HOST), HOST)
    with Catalogue(workspace) as store:
        if names != {"alouette"}:
            store.upsert(planted("alouette", more=PAST), shown=author)
        store.upsert(planted("alouette"), shown=public)
        for name in sorted({"belette", "cigogne", "grillon"} & names):
            store.upsert(planted(name), shown=shown[name])
        if "dindon" in names:
            store.upsert(planted("dindon"), shown=author)
            body = store.document("fiche-dindon", viewer=MACHINE)
            store.take_step(
                "fiche-dindon", "submitted", by="p2", note=word("dindon"), instead_of=body
            )
        if "faucon" in names:
            store.upsert(planted("faucon"), shown=public)
            body = store.document("fiche-faucon", viewer=MACHINE)
            store.take_step("fiche-faucon", "withdrawn", by="p3", instead_of=body, shown=withdrawn)
            store.upsert(planted("efface"), shown=author)
            store.delete("fiche-efface")
        for name in sorted(SHARED.keys() & names):
            store.upsert(planted(name, kind="study"), shown=shown[name])
    model = write_study(workspace / "model", "etude", zones=2, kiosks=2)
    for name in sorted(SHARED.keys() & names):
        folder = workspace / "studies" / f"etude-{name}"
        shutil.copytree(model.parent, folder)
        with closing(sqlite3.connect(folder / "result.gpkg")) as result, result:
            made = "SELECT name FROM sqlite_schema WHERE type = 'trigger'"
            for (trigger,) in result.execute(made).fetchall():  # they want functions of GDAL
                result.execute(f'DROP TRIGGER "{trigger}"')
            result.execute("UPDATE white_zones SET commune_names = ?", (word(name),))
            result.execute("UPDATE kiosks SET name = ?", (word(name),))
            for table in ("white_zones", "kiosks"):
                result.execute(f"UPDATE {table} SET study = ?", (f"etude-{name}",))
        manifest = {"study": {"id": f"etude-{name}", "visibility": SHARED[name]}, "who": word(name)}
        (folder / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
        (folder / "report.html").write_text(f"<p>{word(name)}</p>", encoding="utf-8")
        previous = folder.with_name(
            f".etude-{name}.previous"
        )  # what a killed run left half removed
        previous.mkdir()
        (previous / "report.html").write_text(f"<p>{word(name)}</p>", encoding="utf-8")
        put_directory(workspace, (word(name), 42.9), name=f"ref-{name}")
        put_directory(workspace, (word(name), 42.9), ("09123", 42.95), name=f"ref-{name}")
        publish_referential(ReferentialStore(workspace / "referentials"), f"ref-{name}", workspace)
    shutil.rmtree(workspace / "model")


# --- what is asked -------------------------------------------------------------------------------

ITEMS, FEATURES = "/collections/catalogue/items", "/collections/{collection}"
CSW = "/csw?service=CSW&version=2.0.2&request="
_COLLECTION = [f"/collections/{name}" for name in ("white-zones", "kiosks", "etude-NAME-kiosks")]
_REFERENTIAL = "/collections/referentiel-ref-NAME"
PAGES = (
    "/connexion", "/deconnexion", "/compte", "/administration", "/mentions-legales", "/developpeurs",
    "/accessibilite", "/donnees-personnelles", "/conformance", "/", "/openapi", "/quality",
    "/a-relire", "/robots.txt", "/theme.css", "/favicon.ico", "/logo", "/background.geojson",
    "/catalogue", "/donnees", "/processes", "/jobs", "/tileMatrixSets",
    "/tileMatrixSets/WebMercatorQuad", "/collections/catalogue/facets", "/collections/catalogue/queryables",
    "/collections/catalogue/sortables", "/collections/catalogue/schema",
)  # fmt: skip
#: Addresses of each route; NAME stands for each name of what is hidden.
MATRIX: Mapping[str, list[str]] = {
    **{path: [path] for path in PAGES},
    "/health": ["/health"],
    "/metrics": [],  # counts of requests, by class and status alone
    "/static": ["/static/style.css"],
    "/static/maplibre-gl": ["/static/maplibre-gl/maplibre-gl.mjs"],
    "/studies": [
        *(f"/studies/etude-NAME/{file}" for file in ("manifest.json", "result.gpkg", "")),
        "/studies/etude-NAME/report.html",
        "/studies/etude-NAME",
        "/studies/.etude-NAME.previous/report.html",
        "/studies/etude-alouette/../etude-NAME/manifest.json",
        "/studies/./etude-alouette/%2e%2e/etude-NAME/report.html",
        "/studies/../studies/etude-NAME/report.html",
        "/studies/",
    ],
    "/feeds/{name}.{form}": [
        f"/feeds/{name}.{form}{asked}"
        for name in ("ref-NAME", "ref-NAME@", "absent")
        for form in ("atom", "json", "csv")
        for asked in ("", "?since=2001-01-01")
    ],
    "/etudes": ["/etudes"],
    "/etudes/{study}": ["/etudes/etude-NAME", "/etudes/etude-NAME?version=1", "/etudes/absente"],
    "/etudes/{study}/comparer/{other}": [
        "/etudes/etude-alouette/comparer/etude-NAME", "/etudes/etude-NAME/comparer/etude-alouette",
    ],
    "/etudes/nouvelle": ["/etudes/nouvelle", "/etudes/nouvelle?depuis=etude-NAME", "/etudes/nouvelle?calcul=absent"],
    "/etudes/nouvelle/etude.toml": ["/etudes/nouvelle/etude.toml?depuis=etude-NAME"],
    "/etudes/{study}/etude.toml": ["/etudes/etude-NAME/etude.toml"],
    "/etudes/{study}/visibilite": ["/etudes/etude-NAME/visibilite"],
    "/etudes/calcul/{job}": ["/etudes/calcul/absent"],
    "/sitemap.xml": ["/sitemap.xml", "/sitemap.xml?part=1"],
    "/csw": [
        f"{CSW}GetCapabilities",
        f"{CSW}DescribeRecord",
        *(
            f"{CSW}GetRecords&resultType=results&ElementSetName=full&outputSchema={schema}{asked}"
            for schema in ("http://www.opengis.net/cat/csw/2.0.2",
                           "http://www.isotc211.org/2005/gmd")
            for asked in ("", "&maxRecords=1", "&constraintLanguage=CQL_TEXT&constraint="
                          + quote("AnyText LIKE '%motNAME%'"))
        ),
        f"{CSW}GetRecordById&ElementSetName=full&id=fiche-NAME",
        f"{CSW}GetDomain&PropertyName=Subject",
        f"{CSW}GetDomain&PropertyName=OrganisationName",
    ],
    "/acces/{key}": ["/acces/absente"],
    "/guichet": ["/guichet?ou=Foix&quoi=mairie", "/guichet?ou=nulle-part"],
    "/guichet/widget": ["/guichet/widget?ou=Foix"],
    "/communes": ["/communes?q=motNAME", "/communes?departement=09"],
    "/communes/{code}": ["/communes/09122", "/communes/motNAME"],
    "/communes/{code}/widget": ["/communes/09122/widget"],
    "/sitemap-communes.xml": ["/sitemap-communes.xml"],
    "/widget.js": ["/widget.js"],
    "/recherche": ["/recherche?q=motNAME", "/recherche?q=fiche", "/recherche?q=etude"],
    "/suggestions": ["/suggestions?q=motNAME", "/suggestions?q=titre"],
    ITEMS: [
        ITEMS,
        *(
            f"{ITEMS}?{asked}"
            for asked in (
                "q=motNAME", "q=motNAME&q-words=anywhere", "ids=fiche-NAME", "externalIds=ext-NAME",
                "keywords=motNAME", "organization=Service", "limit=1", "limit=2&sortby=title",
                "facets=type,keywords,organization,updated", "bbox=1,43,2,44", "resulttype=hits",
                "offset=1", "datetime=../2030-01-01", "q=titre", "properties=title,keywords",
                "filter=" + quote("title LIKE '%motNAME%'"), "filter=" + quote("type = 'dataset'"),
            )
        ),
    ],
    f"{ITEMS}/{{identifier:path}}": [
        f"{ITEMS}/fiche-NAME", f"{ITEMS}/study-etude-NAME", f"{ITEMS}/fiche-efface",
        f"{ITEMS}/absente",
    ],
    "/collections": ["/collections", "/collections?q=ref-NAME", "/collections?limit=1"],
    "/collections/{identifier}": [*_COLLECTION, _REFERENTIAL, "/collections/catalogue",
                                  "/collections/absente"],
    f"{FEATURES}/items": [
        *(f"{name}/items{asked}" for name in _COLLECTION
          for asked in ("", "?study=etude-NAME", "?limit=1", "?q=motNAME", "?resulttype=hits",
                        "?sortby=study", "?bbox=0,42,3,45")),
        f"{_REFERENTIAL}/items", f"{_REFERENTIAL}/items?limit=1", "/collections/absente/items",
    ],
    f"{FEATURES}/items/{{identifier:path}}": [
        "/collections/white-zones/items/etude-NAME.zb-001",
        "/collections/kiosks/items/etude-NAME.k-001",
        f"{_REFERENTIAL}/items/mairie-NAME-01",
    ],
    f"{FEATURES}/queryables": [*(f"{name}/queryables" for name in _COLLECTION),
                               f"{_REFERENTIAL}/queryables"],
    f"{FEATURES}/schema": [*(f"{name}/schema" for name in _COLLECTION), f"{_REFERENTIAL}/schema"],
    f"{FEATURES}/tiles": [f"{name}/tiles" for name in (*_COLLECTION, _REFERENTIAL)],
    f"{FEATURES}/tiles/WebMercatorQuad": [
        f"{name}/tiles/WebMercatorQuad{form}" for name in (*_COLLECTION, _REFERENTIAL)
        for form in ("", "?f=tilejson", "?f=style")
    ],
    f"{FEATURES}/tiles/WebMercatorQuad/{{z}}/{{y}}/{{x}}": [
        *(f"{name}/tiles/WebMercatorQuad/{tile}{asked}" for name in _COLLECTION
          for tile in ("0/0/0", "5/11/16")
          for asked in ("", "?study=etude-NAME", "?properties=commune_names,name,study")),
        f"{_REFERENTIAL}/tiles/WebMercatorQuad/0/0/0",
    ],
    "/processes/{process}": ["/processes/white-zones", "/processes/absent"],
    "/jobs/{job}": ["/jobs/absent"],
    "/jobs/{job}/results": ["/jobs/absent/results"],
    "/jobs/{job}/results/{file}": ["/jobs/absent/results/manifest.json"],
}  # fmt: skip
#: Routes that are asked by no GET: see `test_what_may_not_be_seen_may_not_be_changed`.
WRITTEN = {f"{ITEMS}/{{identifier:path}}/review", "/processes/{process}/execution"}


class Answer(NamedTuple):
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def text(self) -> str:
        """All that a reader could find in it, whatever the form."""
        kind, told = self.headers.get("content-type", ""), self.body
        if told[:2] == b"PK":
            with zipfile.ZipFile(io.BytesIO(told)) as held:
                told = b"".join(held.read(name) for name in held.namelist())
        elif told[:4] == b"PAR1":
            told = str(parquet.read_table(io.BytesIO(told)).to_pydict()).encode()
        return f"{kind} {self.headers} {told.decode('utf-8', 'replace')}"


class Portal:
    """An application, asked as a server asks it; who looks is told by a token."""

    def __init__(self, app: ASGIApp, headers: Mapping[str, str], loop: asyncio.Runner) -> None:
        self.app, self.bearing, self.loop = app, headers, loop

    def ask(self, who: str, address: str, method: str = "GET", body: bytes = b"") -> Answer:
        parts, sent = urlsplit(address), list[Mapping[str, Any]]()
        headers = [(b"host", b"portail.example"), (b"content-type", b"application/json")]
        if who in self.bearing:
            headers.append((b"authorization", self.bearing[who].encode()))
        scope = {
            "type": "http", "http_version": "1.1", "method": method, "scheme": "http",
            "path": requests.utils.unquote(parts.path), "raw_path": parts.path.encode(),
            "query_string": parts.query.encode(), "headers": headers, "root_path": "",
            "client": ("127.0.0.1", 1), "server": ("127.0.0.1", 80),
        }  # fmt: skip

        given = iter([{"type": "http.request", "body": body, "more_body": False}])

        async def receive() -> dict[str, Any]:
            if (event := next(given, None)) is None:
                await asyncio.Event().wait()  # who asks stays until it is answered
            return event or {}

        async def send(event: Mapping[str, Any]) -> None:
            sent.append(event)

        self.loop.run(self.app(scope, receive, send))  # type: ignore[arg-type]
        told = {k.decode(): v.decode("latin-1") for k, v in sent[0]["headers"]}
        return Answer(sent[0]["status"], told, b"".join(e.get("body", b"") for e in sent[1:]))


@pytest.fixture(scope="module")
def loop() -> Iterator[asyncio.Runner]:
    with asyncio.Runner() as runner:
        yield runner


@pytest.fixture(scope="module")
def opened(
    tmp_path_factory: pytest.TempPathFactory,
    loop: asyncio.Runner,
    write_study: Callable[..., Path],
    put_directory: Callable[..., None],
    open_accounts: Callable[[Path], dict[str, requests.Session]],
) -> Iterator[Callable[[set[str]], Portal]]:
    """What opens a portal that holds some of what there is to see, and who has an account there."""
    workspaces = []

    def make(held: set[str]) -> Portal:
        workspace = tmp_path_factory.mktemp("portal")
        workspaces.append(workspace.absolute())
        fill(workspace, held, write_study, put_directory)
        sessions = open_accounts(workspace)
        bearing = {name: str(one.headers["Authorization"]) for name, one in sessions.items()}
        for session in sessions.values():
            session.close()
        app = create_app(workspace, url=URL, editable=True, token=TOKEN)
        return Portal(app, bearing | {"token": f"Bearer {TOKEN}"}, loop)

    yield make
    for workspace in workspaces:
        store_of(workspace).close()


@pytest.fixture(scope="module")
def portal(opened: Callable[[set[str]], Portal]) -> Portal:
    return opened({*SEES})


@pytest.fixture(scope="module")
def twin(opened: Callable[[set[str]], Portal]) -> Portal:
    """A portal that holds what is public and nothing else."""
    return opened({"alouette"})


# --- what is looked for --------------------------------------------------------------------------


def routes(held: list[BaseRoute], at: str = "") -> Iterator[tuple[str, set[str]]]:
    for one in held:
        if isinstance(one, Mount) and one.routes:
            yield from routes(one.routes, at + one.path)
        elif isinstance(one, Mount):
            yield at + one.path, {"GET"}
        else:
            assert isinstance(one, Route), f"{one}: what is this?"
            yield at + one.path, set(one.methods or ())


def test_every_route_is_in_the_matrix(portal: Portal) -> None:
    found = dict(routes(portal.app.routes))  # type: ignore[attr-defined]
    reading = {path for path, methods in found.items() if "GET" in methods}
    assert sorted(reading - MATRIX.keys()) == [], "say what is asked there, in MATRIX"
    assert sorted(found.keys() - reading - WRITTEN) == [], "say what is asked there, in WRITTEN"
    assert sorted((MATRIX.keys() | WRITTEN) - found.keys()) == [], "no such route any more"


def asked(*, forms: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    """Addresses of every route, by form, each with its route; NAME is left in them."""
    for path, addresses in MATRIX.items():
        for address in addresses:
            yield path, address
            if not path.startswith(("/static", "/studies", "/csw")) and "f=" not in address:
                mark = "&" if "?" in address else "?"
                yield from ((path, f"{address}{mark}f={form}") for form in forms)


def test_nothing_that_is_hidden_is_in_any_answer(portal: Portal) -> None:
    leaks, shown, count = [], dict[str, set[str]](), 0
    for who in VIEWERS:
        for _path, address in asked(forms=FORMS if WHOLE else ("html",)):
            for name in SEES if "NAME" in address else ("",):
                if name and not (WHOLE or who in SEES[name]) and "f=" in address:
                    continue  # the small instance asks of hidden names in one form
                here = address.replace("NAME", name)
                text, count = portal.ask(who, here).text, count + 1
                for hidden, seeing in SEES.items():
                    if word(hidden) in text:
                        shown.setdefault(hidden, set()).add(who)
                    told = word(hidden) in text or (hidden not in here and hidden in text)
                    if told and who not in seeing:
                        leaks.append((who, here, hidden))
                if PAST in text:
                    leaks.append((who, here, PAST))
    print(f"{count} answers, {len(leaks)} leaks")
    assert leaks == []
    assert shown == {name: seeing & {*VIEWERS} for name, seeing in SEES.items()
                     if seeing & {*VIEWERS}}  # fmt: skip


# The number of a version tells how many there were before, and nothing of what they said.
_MOMENT = re.compile(
    rb"Version \d+|cursor=[\w-]+|\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|\+00:00)?"
)
_OWN = {"date", "etag", "last-modified", "content-length", "set-cookie"}


def plain(answer: Answer, name: str = "\0") -> tuple[int, dict[str, str], bytes]:
    """An answer without what tells when it was made, and under which name."""
    body = answer.body
    if body.startswith(b"PK"):  # a workbook says in each of its parts when it was made
        with zipfile.ZipFile(io.BytesIO(body)) as parts:
            body = b"".join(map(parts.read, sorted(parts.namelist())))
    body = _MOMENT.sub(b"", body)
    body = re.sub(rb'name="form" value="[^"]*"', b"", body).replace(name.encode(), b"NAME")
    told = {k: _MOMENT.sub(b"", v.encode()).decode() for k, v in answer.headers.items()}
    kept = {k: v.replace(name, "NAME") for k, v in told.items() if k not in _OWN}
    return answer.status, kept, body


def test_what_is_hidden_is_answered_as_what_does_not_exist(portal: Portal) -> None:
    forms = FORMS if WHOLE else ()
    for who in VIEWERS:
        for _path, address in asked(forms=forms):
            if "NAME" not in address:
                continue
            for name, seeing in SEES.items():
                if who not in seeing:
                    absent = "x" * len(name)
                    hidden = portal.ask(who, address.replace("NAME", name))
                    nothing = portal.ask(who, address.replace("NAME", absent))
                    assert plain(hidden, name) == plain(nothing, absent), (who, address, name)


def test_who_is_not_known_is_answered_as_if_there_were_nothing_else(
    portal: Portal, twin: Portal
) -> None:
    """Counts, facets, pages, statistics, descriptions: those of what is public, to the byte."""
    for _path, address in asked(forms=FORMS if WHOLE else ("html",)):
        here = address.replace("NAME", "alouette")
        if "gpkg" not in here and "result" not in here:  # a GeoPackage tells when it was written
            assert plain(portal.ask("nobody", here)) == plain(twin.ask("nobody", here)), here


def test_what_may_not_be_seen_may_not_be_changed(portal: Portal) -> None:
    for who in ALL:
        for name, seeing in SEES.items():
            if who in seeing:
                continue
            for method, path, body in (
                ("PUT", "", json.dumps(planted(name).to_geojson())),
                ("PATCH", "", '{"properties": {"title": "Pris"}}'),
                ("DELETE", "", ""),
                ("POST", "/review", '{"step": "publish"}'),
                ("POST", "/review", '{"step": "comment", "comment": "?"}'),
            ):
                absent = "x" * len(name)
                answers = [
                    portal.ask(who, f"{ITEMS}/fiche-{one}{path}", method,
                               body.replace(name, one).encode())
                    for one in (name, absent)
                ]  # fmt: skip
                assert answers[0].status in (401, 403, 404), (who, name, method)
                assert plain(answers[0], name) == plain(answers[1], absent)
    refused = portal.ask("nobody", "/processes/white-zones/execution", "POST", b"[]")
    assert refused.status == 400 and not any(word(name) in refused.text for name in SEES)


def test_what_is_answered_to_one_is_kept_for_no_other(portal: Portal) -> None:
    """No tag of one who sees more is known again to who sees less, nor the other way; what is
    made for who is known is private.
    """
    for address in (ITEMS, f"{ITEMS}?q=titre", "/quality", "/sitemap.xml", "/collections",
                    "/collections/kiosks/items", "/recherche?q=titre"):  # fmt: skip
        told: dict[str, bytes] = {}
        for who in ALL:
            answer = portal.ask(who, address)
            tag = answer.headers.get("etag", who)
            assert told.setdefault(tag, answer.body) == answer.body, (address, who)
        assert len(told) > 1, "all see the same there"
        for who in ALL:
            headers = portal.ask(who, address).headers
            assert "Authorization, Cookie" in headers["vary"]
            kept = headers.get("cache-control", "")
            assert ("public" in kept or not kept) if who == "nobody" else "private" in kept
