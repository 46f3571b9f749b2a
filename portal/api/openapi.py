"""The description of the whole interface as one OpenAPI 3.0 document that refers to no other."""

import re
from collections.abc import Iterable, Mapping, Sequence
from importlib.metadata import version
from typing import Any

from geoguichet.catalogue.search.cql2 import CRSS, LANGUAGES
from geoguichet.catalogue.search.query import MAXIMUM_LIMIT
from geoguichet.catalogue.search.tables import EXACT, FACETS, QUERYABLES, SORTABLES
from geoguichet.floor.viewer import PUBLIC, Viewer
from geoguichet.floor.words import Message
from geoguichet.portal.answers import (
    CATALOG,
    GEOJSON,
    HTML,
    JSON,
    JSON_LD,
    MERGE_PATCH,
    OPENAPI,
    SCHEMA,
)
from geoguichet.portal.answers import FACETS as FACETS_TYPE
from geoguichet.portal.api import collections, csw, reviewing, sitemap, tiles
from geoguichet.portal.api.downloads import FORMS
from geoguichet.portal.api.features import PARAMETERS
from geoguichet.portal.api.feeds import MAXIMUM_LIMIT as MAXIMUM_FEED
from geoguichet.portal.api.records import ENCODINGS, TOGETHER
from geoguichet.portal.api.served import RECORD_PROFILE
from geoguichet.portal.jobs.contract import STATES
from geoguichet.portal.jobs.kinds import Kind, kinds_for
from geoguichet.portal.pages import workbench
from geoguichet.portal.pages.registry import PAGES
from geoguichet.portal.providers.features import layer_fields
from geoguichet.portal.site import COLLECTION, Page, Site, an_object, ref
from geoguichet.portal.viewing import across
from geoguichet.referentials.directory.services import SERVICE_TYPES
from geoguichet.referentials.versions.store import FEEDS, SERVICES

type Json = dict[str, Any]


def document(site: Site, viewer: Viewer) -> Json:
    """Return the document of a portal, in the language of the moment."""
    about, collections = site.told["metadata"], site.collections_of(viewer)
    paths = {**_root_paths(), **_record_paths(editable=site.editable)}
    with across(viewer):
        for name, resource in collections.items():
            if resource["type"] == "collection" and name != COLLECTION:
                paths.update(_feature_paths(name, layer_fields(resource["providers"][0])))
    paths.update(_feed_paths(_directories(collections)))
    return {
        "openapi": "3.0.3",
        "info": {
            "title": about["identification"]["title"],
            "description": about["identification"]["description"],
            "version": version("geoguichet"),
            # A name alone is nothing to write to.
            **({"contact": site.contact} if len(site.contact) > 1 else {}),
            "license": {"name": about["license"]["name"], "url": about["license"]["url"]},
        },
        "servers": [{"url": site.url}],
        "tags": [
            {"name": name} for name in ("portal", "records", "features", "feeds", "processes")
        ],
        "paths": paths,
        "components": {
            "parameters": _parameters(),
            "schemas": _schemas(),
            "responses": _responses(),
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    }


PAGE = Page(
    path="/openapi",
    title=Message("Description de l’API (OpenAPI)"),
    summary="The description of the interface",
    template="openapi.html",
    document=document,
    schema="OpenAPI",
    schemas={"OpenAPI": {"type": "object"}},
    media=OPENAPI,
    parameters=("ui",),
)


# Return a GET: its parameters are names of ours or whole ones, its answers a schema by media type.
def _operation(
    summary: str,
    tag: str,
    name: str,
    parameters: Sequence[str | Json],
    answers: Mapping[str, Json | str],
    *,
    form: str | Json = "f",
) -> Json:
    given = [
        ref("parameters", one) if isinstance(one, str) else one
        for one in (*parameters, form, "lang")
    ]
    content = {
        kind: {"schema": ref("schemas", schema) if isinstance(schema, str) else schema}
        for kind, schema in answers.items()
    }
    refusals = {"400": ref("responses", "Refused"), "404": ref("responses", "Refused")}
    return {
        "operationId": name,
        "summary": summary,
        "tags": [tag],
        "parameters": given,
        "responses": {"200": {"description": summary, "content": content}, **refusals},
    }


_PAGE: Mapping[str, Json] = {HTML: {"type": "string"}}


def _root_paths() -> Json:
    processes: Mapping[str, Json | str] = {JSON: {"type": "object"}, **_PAGE}
    listed: Mapping[str, Json | str] = {JSON: "Collections", **_PAGE}
    matrices: Mapping[str, Json | str] = {JSON: {"type": "object"}}
    gets = [
        (page.path, page.summary, page.tag, _asked(page), _forms_of(page), _f(page))
        for page in (*PAGES, PAGE)
    ] + [
        ("/collections", "The collections", "portal", collections.PARAMETERS, listed, "f"),
        ("/processes", "The processes", "processes", (), processes, "f"),
        *((f"/processes/{name}", f"The process {name}", "processes", (), processes, "f") for name in _OPEN),
        (reviewing.PATH, "The records that wait to be reviewed, for who contributes", "records", (),
         processes, "f"),
        ("/tileMatrixSets", "The tile matrix sets", "features", (), matrices, "f"),
        (f"/tileMatrixSets/{tiles.MATRIX}", "How tiles part the world", "features", (), matrices,
         "f"),
    ]  # fmt: skip
    paths: Json = {
        path: {
            "get": _operation(
                summary, tag, f"get{path.replace('/', '_')}", parameters, content, form=form
            )
        }
        for path, summary, tag, parameters, content, form in gets
    }
    paths |= {
        f"/processes/{kind.name}/execution": {"post": _execution(kind)} for kind in _OPEN.values()
    }
    paths |= _job_paths(processes)
    refused = {code: ref("responses", "Refused") for code in ("401", "403")}
    paths[reviewing.PATH]["get"]["responses"] |= refused
    asked = {"content": {"application/xml": {"schema": {"type": "string"}}}}
    by_post = {"operationId": "csw_by_post", "parameters": [], "requestBody": asked}
    paths[csw.PATH] = {"get": _csw(), "post": _csw() | by_post}
    part = _query("part", {"type": "integer", "minimum": 1, "maximum": 100_000})
    paths |= {
        "/sitemap.xml": _told("sitemap", "The pages of all records", "application/xml", part),
        sitemap.COMMUNES: _told("sitemap_communes", "The pages of communes", "application/xml"),
        "/robots.txt": _told("robots", "What robots leave alone", "text/plain"),
        "/health": _told("health", "Whether it answers as it should", JSON),
        "/metrics": _told("metrics", "What was answered, counted (Prometheus)", "text/plain"),
        "/background.geojson": _told("background", "The outlines of the territory", GEOJSON),
        "/studies/{study}/{file}": _told(
            "get_study_output", "A file that a study wrote", "*/*", *map(_place, ("study", "file"))
        ),
    }
    return paths


# Return what search engines read: a GET of one form.
def _told(name: str, summary: str, kind: str, *parameters: Json) -> Json:
    schema: Json = {"type": "object" if kind.endswith("json") else "string"}
    told = _operation(summary, "portal", name, (), {kind: schema})
    return {"get": told | {"parameters": list(parameters)}}


def _csw() -> Json:
    content = {"application/xml": {"schema": {"type": "string"}}}
    choices = {"service": ["CSW"], "request": csw.DOMAINS}
    return {
        "operationId": "csw",
        "summary": "The catalogue by CSW 2.0.2 (OGC 07-006r1), read only; as XML by POST too",
        "tags": ["records"],
        "parameters": [
            _query(name, {"type": "string", "enum": list(known)}) | {"required": True}
            for name, known in choices.items()
        ],
        "responses": {
            "200": {"description": "The answer to the operation", "content": content},
            "400": {"description": "What was expected, as ows:ExceptionReport", "content": content},
        },
    }


# Return what a page is asked: what stands in its path, then its parameters, each a text.
def _asked(page: Page) -> list[Json]:
    path = map(_place, re.findall(r"{(\w+)}", page.path))
    return [*path, *(_query(name, {"type": "string"}) for name in page.parameters)]


# Return the forms of a page: a schema by media type.
def _forms_of(page: Page) -> Mapping[str, Json | str]:
    others = {
        kind.partition(";")[0]: {} if "json" in kind else {"type": "string"}
        for kind, _write in page.tables.values()
    }
    return {page.media: page.schema, **others, **_PAGE}


# Return what ``f`` may ask of a page.
def _f(page: Page) -> str | Json:
    forms = {"type": "string", "enum": ["json", "html", *page.tables]}
    return _query("f", forms) if page.tables else "f"


#: The processes that anyone may ask.
_OPEN = kinds_for(PUBLIC, has_territory=True)


def _execution(kind: Kind) -> Json:
    inputs = {"type": "object", "properties": {"inputs": {"type": "object"}}}
    job = {"description": "Its job", "headers": _LOCATION}
    answers = {"201": {**job, "content": {JSON: {"schema": {"type": "object"}}}}}
    if kind.waits:
        content = {kind.media: {"schema": {"type": "object"}}}
        answers = {"200": {"description": "The answer", "content": content}, **answers}
    prefer = {"name": "Prefer", "in": "header", "schema": {"type": "string"}}
    return {
        "operationId": f"execute_{kind.name.replace('-', '_')}",
        "summary": f"Put a question to {kind.name}",
        "tags": ["processes"],
        "parameters": [prefer],
        "requestBody": {"content": {"application/json": {"schema": inputs}}},
        "responses": {
            **answers,
            **{status: ref("responses", "Refused") for status in ("400", "413", "415", "503")},
        },
    }


_LOCATION: Json = {"Location": {"schema": {"type": "string", "format": "uri"}}}


# Return what is asked of jobs; of a study that is not computed yet, and of its file.
def _job_paths(forms: Mapping[str, Json | str]) -> Json:
    whole = {"type": "integer", "minimum": 0, "maximum": 999_999_999}
    asked: Json = {
        **dict.fromkeys(("minDuration", "maxDuration", "offset"), whole),
        "limit": whole | {"minimum": 1},
        **{name: {"type": "string"} for name in ("type", "processID", "datetime")},
        "status": {"type": "string", "enum": list(STATES)},
    }
    listed = [_query(name, schema) for name, schema in asked.items()]
    origin = _query("depuis", {"type": "string", "description": "The study it starts from"})
    job, study, file = map(_place, ("job", "study", "file"))

    def told(
        summary: str, name: str, content: Mapping[str, Json | str], *given: Json, f: bool = False
    ) -> Json:
        made = _operation(summary, "processes", name, (), content)
        return made | {"parameters": [*(made["parameters"] if f else ()), *given]}

    question = (
        "A question for a study, what it counts and its file; its form's fields are parameters"
    )
    return {
        "/jobs": {"get": told("The jobs of who asks", "get_jobs", forms, *listed, f=True)},
        "/jobs/{job}": {
            "get": told("Where a job stands", "get_job", forms, job, f=True),
            "delete": told("A job is dismissed, or forgotten", "dismiss", {JSON: {}}, job),
        },
        "/jobs/{job}/results": {
            "get": told("The answer to a job", "get_results", {JSON: {}, GEOJSON: {}}, job)
        },
        "/jobs/{job}/results/{file}": {
            "get": told("A file of a study", "get_file", {"*/*": {}}, job, file)
        },
        workbench.HERE: {"get": told(question, "get_question", forms, origin, f=True)},
        workbench.COMPUTATION: {
            "get": told("How far a computation is", "get_computation", forms, job, f=True)
        },
        f"{workbench.HERE}/etude.toml": _told(
            "get_question_file", "The study file that a question writes", workbench.TOML, origin
        ),
        "/etudes/{study}/etude.toml": _told(
            "get_study_file", "The study file of a study", workbench.TOML, study
        ),
    }


# Return the answers in the formats of other catalogues, by media type.
def _encoded(forms: Iterable[str]) -> Mapping[str, Json]:
    kinds = [ENCODINGS[form][0] for form in forms]
    return {kind: {} if kind.endswith(("json", "yaml")) else {"type": "string"} for kind in kinds}


def _record_paths(*, editable: bool) -> Json:
    home = f"/collections/{COLLECTION}"
    searching = ("q", "q-words", "bbox", "datetime", "type", "ids", "externalIds", *EXACT, "filter",
    "filter-lang",
                 "filter-crs", "sortby", "facets", "limit", "offset", "cursor", "profile",
                 "properties", "skipGeometry",
                 "resulttype")  # fmt: skip
    schema: Mapping[str, Json | str] = {SCHEMA: {"type": "object"}, **_PAGE}
    facets: Mapping[str, Json | str] = {FACETS_TYPE: {"type": "object"}}
    paths: Json = {
        home: {"get": _operation("The catalogue", "records", "catalogue", ("profile",),
        {CATALOG: "Catalog", **_PAGE})},
        f"{home}/items": {
            "get": _operation("Records that match", "records", "records", searching,
                              {GEOJSON: "Records", **_PAGE, **_encoded(TOGETHER)},
                              form="f-records")
        },
        f"{home}/items/{{recordId}}": {
            "get": _operation("One record", "records", "record", ("recordId", "profile"),
                              {GEOJSON: "Record", **_PAGE, **_encoded(ENCODINGS)}, form="f-record")
        },
        f"{home}/facets": {"get": _operation("What can be counted", "records", "facets", (),
        facets)},
        **{
            f"{home}/{kind}": {"get": _operation(f"The {kind} of records", "records", kind, (),
            schema)}
            for kind in ("queryables", "sortables", "schema")
        },
    }  # fmt: skip
    if editable:
        paths[f"{home}/items"]["post"] = _edit(
            "create", "Create a record", "201", ("organisation",), has_body=True
        )
        paths[f"{home}/items/{{recordId}}/review"] = {"post": _review()}
        paths[f"{home}/items/{{recordId}}"]["put"] = _edit(
            "replace", "Replace a record", "204", ("recordId", "If-Match"), has_body=True,
            has_before=True,
        )  # fmt: skip
        patch = {MERGE_PATCH: {"schema": {"type": "object"}}}
        change = _edit(
            "change", "Change some members of a record", "204", ("recordId", "If-Match"),
            has_before=True,
        )  # fmt: skip
        paths[f"{home}/items/{{recordId}}"]["patch"] = {**change, "requestBody": {"content": patch}}
        paths[f"{home}/items/{{recordId}}"]["delete"] = _edit(
            "delete", "Delete a record", "204", ("recordId", "If-Match")
        )
    return paths


#: What tells who wrote without a precondition which state was overwritten.
_OVERWRITTEN: Json = {
    name: {"description": told, "schema": {"type": "string"}}
    for name, told in {
        "Previous-Version": "Without a precondition: the number of the version that was overwritten; "
        "the history of the record keeps it",
        "Previous-ETag": "Without a precondition: the tag of the state that was overwritten",
    }.items()
}


def _edit(
    name: str, summary: str, status: str, parameters: Sequence[str], *, has_body: bool = False,
    has_before: bool = False,
) -> Json:  # fmt: skip
    refusals = ("400", "401", "403", "404", "409", "412", "413", "415")
    return {
        "operationId": name,
        "summary": summary,
        "tags": ["records"],
        "security": [{}, {"token": []}],
        "parameters": [ref("parameters", one) for one in parameters],
        "responses": {
            status: {"description": summary, "headers": _OVERWRITTEN if has_before else {}},
            **{code: ref("responses", "Refused") for code in refusals},
        },
        **(
            {"requestBody": {"content": {GEOJSON: {"schema": ref("schemas", "Record")}}}}
            if has_body
            else {}
        ),
    }


#: Who sees a record: a word, or the SIRENs of organisations.
_VISIBILITY: Json = {
    "anyOf": [
        {"type": "string", "enum": ["draft", "partners", "public"]},
        {"type": "array", "items": {"type": "string", "pattern": "^[0-9]{9}$"}, "minItems": 1},
    ]
}


# What people do about a record beside writing it.
def _review() -> Json:
    asked = an_object(
        {
            "step": {"type": "string", "enum": list(reviewing.STEPS)},
            "comment": {"type": "string", "maxLength": reviewing.LONGEST_COMMENT},
            "visibility": _VISIBILITY,
        },
        "step",
    )
    told = _edit("review", "Submit, comment, send back, publish or withdraw", "204", ("recordId",))
    return told | {"requestBody": {"content": {JSON: {"schema": asked}}}}


def _feature_paths(name: str, fields: Mapping[str, Mapping[str, str]]) -> Json:
    home = f"/collections/{name}"
    columns = [
        {"name": column, "in": "query", "required": False, "schema": dict(field)}
        for column, field in fields.items()
        if column not in PARAMETERS
    ]
    searching: Sequence[str | Json] = (
        "bbox", "bbox-crs", "crs", "datetime", "q", "filter", "filter-lang", "filter-crs",
        "limit", "offset", "cursor", "skipGeometry", "resulttype", *columns,
        _listed("sortby", [sign + column for column in fields for sign in ("", "-")]),
        _listed("properties", list(fields)),
    )  # fmt: skip
    features: Mapping[str, Json | str] = {GEOJSON: {"type": "object"}, **_PAGE}
    files = {one.media.partition(";")[0]: {"type": "string"} for one in FORMS.values()}
    forms = {"type": "string", "enum": ["json", "html", "jsonld", *FORMS]}
    described: Mapping[str, Json | str] = {"application/json": {"type": "object"}, **_PAGE}
    schema: Mapping[str, Json | str] = {SCHEMA: {"type": "object"}, **_PAGE}
    return {
        home: {"get": _operation(f"About {name}", "features", f"{name}_about", (), described)},
        f"{home}/items": {
            "get": _operation(
                f"Features of {name}",
                "features",
                f"{name}_items",
                searching,
                {JSON_LD: {"type": "object"}, **files, **features},
                form=_query("f", forms),
            )
        },
        f"{home}/items/{{featureId}}": {
            "get": _operation(
                f"One of {name}", "features", f"{name}_item", ("featureId", "crs"), features
            )
        },
        **_tile_paths(name, columns),
        **{
            f"{home}/{kind}": {
                "get": _operation(f"The {kind} of {name}", "features", f"{name}_{kind}", (), schema)
            }
            for kind in ("queryables", "schema")
        },
    }


# Return the tiles of a collection: what is asked of items may be asked of them.
def _tile_paths(name: str, columns: Sequence[Json]) -> Json:
    home = f"/collections/{name}/tiles"
    asked: Sequence[str | Json] = ("q", "filter", "filter-lang", "filter-crs", *columns)
    document: Mapping[str, Json | str] = {JSON: {"type": "object"}}
    tile: Mapping[str, Json | str] = {tiles.MVT: {"type": "string", "format": "binary"}}
    forms = {"type": "string", "enum": ["json", "tilejson", "style"]}
    most = {"type": "integer", "minimum": 0}
    place: list[Json] = [
        {"name": one, "in": "path", "required": True, "schema": most} for one in ("z", "y", "x")
    ]
    made = _operation(f"A tile of {name}", "features", f"{name}_tile", [*place, *asked], tile)
    made["responses"]["204"] = {"description": "Nothing is there"}
    return {
        home: {"get": _operation(f"Tiles of {name}", "features", f"{name}_tiles", (), document)},
        f"{home}/{tiles.MATRIX}": {
            "get": _operation(
                f"The tile set of {name}, its TileJSON, a style", "features", f"{name}_tileset",
                asked, {**document, tiles.STYLE: {"type": "object"}}, form=_query("f", forms),
            )
        },
        f"{home}/{tiles.MATRIX}/{{z}}/{{y}}/{{x}}": {"get": made},
    }  # fmt: skip


# Return the names of the referentials that are directories of services.
def _directories(resources: Mapping[str, Any]) -> list[str]:
    first = [
        resource["providers"][0] for resource in resources.values() if resource.get("providers")
    ]
    return [
        one["referential"] for one in first if "referential" in one and one["table"] == SERVICES
    ]


# Return the feeds of changes: one path a form, for the form is the end of the address.
def _feed_paths(names: Sequence[str]) -> Json:
    text: Json = {"type": "string", "minLength": 1}
    directory = {"name": "directory", "in": "path", "required": True,
                 "schema": {**text, "enum": list(names)} if names else text}  # fmt: skip
    integer = {"type": "integer", "minimum": 0, "maximum": 10_000_000, "default": 0}
    asked: list[Json] = [
        directory,
        _query("since", {"type": "string", "format": "date"}),
        _listed("departement", ()),
        _listed("commune", ()),
        _listed("type", list(SERVICE_TYPES)),
        _query("limit", {"type": "integer", "minimum": 1, "maximum": MAXIMUM_FEED}),
        _query("offset", integer),
        ref("parameters", "lang"),
        {"name": "If-None-Match", "in": "header", "required": False, "schema": {"type": "string"}},
    ]
    paths: Json = {}
    for suffix, media, label in FEEDS:
        schema = {"type": "object"} if suffix == "json" else {"type": "string"}
        responses = {
            "200": {
                "description": "Changes, the newest first",
                "content": {media: {"schema": schema}},
            },
            "304": {"description": "The reader already has this answer"},
            **{status: ref("responses", "Refused") for status in ("400", "404")},
        }
        paths[f"/feeds/{{directory}}.{suffix}"] = {
            "get": {
                "operationId": f"feed_{suffix}",
                "summary": f"What changed in a directory of services ({label})",
                "tags": ["feeds"],
                "parameters": asked,
                "responses": responses,
            }
        }
    return paths


def _listed(name: str, values: Sequence[str], **more: Any) -> Json:
    schema = {
        "type": "array",
        "items": {"type": "string", **({"enum": list(values)} if values else {})},
        **more,
    }
    return {
        "name": name,
        "in": "query",
        "required": False,
        "schema": schema,
        "style": "form",
        "explode": False,
    }


# Return what stands in a path: a text.
def _place(name: str) -> Json:
    return {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}


def _query(name: str, schema: Json) -> Json:
    return {"name": name, "in": "query", "required": False, "schema": schema}


# Return the parameters by the names that operations call them by.
def _parameters() -> Json:
    numbers = {"type": "array", "minItems": 4, "maxItems": 6, "items": {"type": "number"}}
    integer = {"type": "integer", "minimum": 0}
    crs = {"type": "string", "format": "uri", "enum": list(CRSS[:2])}
    pattern = "[A-Za-z_]+(:[0-9]*(:(value_asc|value_desc|count_asc|count_desc)?)?)?"
    signed = [sign + name for name in SORTABLES for sign in ("", "+", "-")]
    simple: dict[str, Json] = {
        "f": {"type": "string", "enum": ["json", "html"]},
        "lang": {"type": "string", "enum": ["fr", "en"]},
        "datetime": {"type": "string"},
        "q-words": {"type": "string", "enum": ["together", "anywhere"], "default": "together"},
        "filter": {"type": "string"},
        "filter-lang": {"type": "string", "enum": list(LANGUAGES), "default": LANGUAGES[0]},
        "filter-crs": {"type": "string", "format": "uri", "enum": list(CRSS)},
        "bbox-crs": crs,
        "crs": crs,
        "limit": {"type": "integer", "minimum": 1, "maximum": MAXIMUM_LIMIT, "default": 10},
        "offset": {**integer, "default": 0},
        "cursor": {"type": "string"},
        "organisation": {"type": "string", "pattern": "^[0-9]{9}$"},
        "skipGeometry": {"type": "boolean", "default": False},
        "resulttype": {"type": "string", "enum": ["results", "hits"], "default": "results"},
        **{name: {"type": "string"} for name in EXACT},
    }
    return {
        **{name: _query(name, schema) for name, schema in simple.items()},
        "bbox": {**_listed("bbox", ()), "schema": numbers},
        **{name: _listed(name, ()) for name in ("q", "ids", "externalIds")},
        "type": {**_listed("type", ()), "schema": {"type": "array", "items": {"type": "string",
        "maxLength": 64}}},
        "sortby": _listed("sortby", signed, uniqueItems=True),
        "properties": _listed("properties", list(QUERYABLES)),
        "profile": _listed("profile", (RECORD_PROFILE, "ogc-record")),
        "facets": {**_listed("facets", ()), "description": ", ".join(FACETS),
                   "schema": {"type": "array", "items": {"type": "string",
                   "pattern": f"^{pattern}$"}}},
        "f-records": _query("f", {"type": "string", "enum": ["json", "html", *TOGETHER]}),
        "f-record": _query("f", {"type": "string", "enum": ["json", "html", *ENCODINGS]}),
        "If-Match": {"name": "If-Match", "in": "header", "required": False,
        "schema": {"type": "string"}},
        **{name: {"name": name, "in": "path", "required": True, "schema": {"type": "string",
        "minLength": 1}}
           for name in ("recordId", "featureId")},
    }  # fmt: skip


def _responses() -> Json:
    content = {
        "application/json": {"schema": ref("schemas", "Exception")},
        **{k: {"schema": v} for k, v in _PAGE.items()},
    }
    return {
        "Refused": {
            "description": "The request is refused; why is told in one sentence",
            "content": content,
        }
    }


def _schemas() -> Json:
    text = {"type": "string"}
    links = {"type": "array", "items": ref("schemas", "Link")}
    texts = {"type": "array", "items": text}
    count: Json = {"type": "integer", "minimum": 0}
    nullable = {"type": "object", "nullable": True}
    return {
        "Exception": an_object({"code": text, "description": text}, "code"),
        "Link": an_object(
            dict.fromkeys(("href", "rel", "type", "title", "hreflang"), text), "href"
        ),
        "LandingPage": an_object({"title": text, "description": text, "links": links}, "links"),
        "Conformance": an_object({"conformsTo": texts}, "conformsTo"),
        "Catalog": an_object(
            {"id": text, "type": _only("Collection"), "links": links, "title": text},
            "id", "type", "links",
        ),
        "Collections": an_object({"links": links, "collections": {"type": "array",
        "items": {"type": "object"}}},
                               "links", "collections"),
        "Record": an_object({"id": text, "type": _only("Feature"), "links": links,
        "geometry": nullable, "time": nullable,
                           "properties": {"type": "object"}}, "id", "type", "geometry",
                           "properties"),
        "Records": an_object({"type": _only("FeatureCollection"), "links": links,
                            "numberMatched": count, "numberReturned": count,
                            "facets": {"type": "object"},
                            "features": {"type": "array", "items": ref("schemas", "Record")}},
                           "type", "features", "links"),
        **{name: schema for page in (*PAGES, PAGE) for name, schema in page.schemas.items()},
    }  # fmt: skip


def _only(value: str) -> Json:
    return {"type": "string", "enum": [value]}
