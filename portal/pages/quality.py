"""How good the records are: totals by organisation and by source, and what is found most often."""

from collections.abc import Mapping
from threading import Lock
from typing import Any
from urllib.parse import urlencode
from weakref import WeakKeyDictionary

from geoguichet.catalogue.quality import judging
from geoguichet.floor.viewer import Viewer
from geoguichet.floor.words import Message
from geoguichet.portal.answers import link
from geoguichet.portal.site import Page, Site, an_object, ref

#: The totals of the last states that were asked for, each with what its viewer may see.
_judged: WeakKeyDictionary[Site, dict[object, dict[str, Any]]] = WeakKeyDictionary()
_KEPT = 8
_judging = Lock()


# Return the totals of the catalogue as it is now, with their links.
def _document(site: Site, viewer: Viewer) -> dict[str, Any]:
    found = _totals(site, viewer)
    return {
        **found,
        "byRule": judging.mending(found["byRule"]),
        "links": [*PAGE.links(site), link("collection", f"{site.home}/items")],
    }


# Judge the catalogue unless this state of it was judged before; who asks meanwhile waits for the
# answer.
def _totals(site: Site, viewer: Viewer) -> dict[str, Any]:
    store = site.store
    with _judging:
        kept = _judged.setdefault(site, {})
        state = store.sight(viewer=viewer), store.generation(viewer=viewer)
        kept[state] = kept.pop(state) if state in kept else _judge(site, viewer)
        while len(kept) > _KEPT:
            del kept[next(iter(kept))]
        return kept[state]


def _judge(site: Site, viewer: Viewer) -> dict[str, Any]:
    judged = list(judging.judge(site.workspace, viewer=viewer))
    scores = [item.checked.score.value for item in judged]
    found = judging.summaries(judged)
    return {
        "records": len(judged),
        "score": round(sum(scores) / len(scores)) if scores else None,
        "byOrganization": [_searchable(row, site.home) for row in found["organisation"]],
        "bySource": found["source"],
        "byRule": judging.by_rule(judged),
    }


# Return the totals of an organisation with the address of its records; of no one, there is no such
# search.
def _searchable(row: Mapping[str, Any], home: str) -> dict[str, Any]:
    asked = urlencode({"organization": row["group"]})
    return {**row, "href": f"{home}/items?{asked}"} if row["group"] else dict(row)


def _as_csv(_: Site, document: Mapping[str, Any]) -> bytes:
    found = {"organisation": document["byOrganization"], "source": document["bySource"]}
    return judging.as_csv(found)


_TEXT = {"type": "string"}
_COUNT = {"type": "integer", "minimum": 0}
_PERCENT = {**_COUNT, "maximum": 100}
_SEVERITY = {"type": "string", "enum": ["error", "warning", "info"]}
_GROUPS = {"type": "array", "items": ref("schemas", "QualityOfGroup")}

PAGE = Page(
    path="/quality",
    title=Message("Qualité des fiches"),
    summary="How good the records are, by organisation, source and rule",
    template="quality.html",
    document=_document,
    tables={"csv": ("text/csv", _as_csv)},
    of_records=True,
    menu="tools",
    tag="records",
    schema="Quality",
    schemas={
        "Quality": an_object(
            {
                "records": _COUNT,
                "score": {**_PERCENT, "nullable": True},
                "links": {"type": "array", "items": ref("schemas", "Link")},
                "byOrganization": _GROUPS,
                "bySource": _GROUPS,
                "byRule": {"type": "array", "items": ref("schemas", "QualityOfRule")},
            },
            "records", "score", "byOrganization", "bySource", "byRule", "links",
        ),
        "QualityOfGroup": an_object(
            {
                **dict.fromkeys(("group", "href"), _TEXT),
                **dict.fromkeys(("records", "errors", "warnings"), _COUNT),
                "score": _PERCENT,
            },
            "group", "records", "score", "errors", "warnings",
        ),
        "QualityOfRule": an_object(
            {
                **dict.fromkeys(("rule", "label", "member", "why", "remedy"), _TEXT),
                **dict.fromkeys(("weight", "records"), _COUNT),
                "severity": _SEVERITY,
            },
            "rule", "records", "why", "remedy",
        ),
    },
)  # fmt: skip
