"""Drafts reviewed over HTTP: submitted, commented, sent back, published, withdrawn; and the list of
those that wait. Each step is in the history of its record, with who took it.
"""

import json
from functools import partial
from typing import Any
from urllib.parse import quote

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from geoguichet.catalogue.errors import StaleRecordError
from geoguichet.catalogue.record import UNWRITABLE
from geoguichet.catalogue.search.audiences import MEMBER, Shown
from geoguichet.catalogue.search.contract import Stored
from geoguichet.catalogue.search.tables import Step
from geoguichet.floor.viewer import Viewer
from geoguichet.floor.words import _
from geoguichet.portal import answers
from geoguichet.portal.answers import HTML, JSON, Refusal, answer, link
from geoguichet.portal.api import sharing
from geoguichet.portal.api.editing import stale, utf8
from geoguichet.portal.people import accounts
from geoguichet.portal.people.store import People
from geoguichet.portal.site import COLLECTION, Site

#: The step that each word asks for.
STEPS: dict[str, Step] = {
    "submit": "submitted",
    "comment": "commented",
    "send_back": "sent_back",
    "publish": "published",
    "withdraw": "withdrawn",
}
#: Characters of a comment, and records that are listed, at most.
LONGEST_COMMENT, MOST = 4_000, 200
_TRIES = 20
PATH = "/a-relire"


def routes(site: Site) -> list[Route]:
    """Return the steps of a record and the list of those that wait; ahead of the records."""
    item = f"/collections/{COLLECTION}/items/{{identifier:path}}/review"
    return [
        Route(item, partial(_step, site), methods=["POST"]),
        Route(PATH, partial(_waiting, site)),
    ]


async def _step(site: Site, request: Request) -> Response:
    viewer = sharing.admitted(request, site)
    answers.parameters(request)
    asked = await answers.body_of(request, (JSON,), most=64_000)
    step, note, told = _read(asked)
    identifier = utf8(request.path_params["identifier"])
    for _try in range(_TRIES):
        now = await run_in_threadpool(site.store.stored, identifier, viewer=viewer)
        shown = _allowed(step, note, told, viewer, now)
        taken = partial(site.store.take_step, identifier, step, note=note, shown=shown)
        try:
            by = viewer.person or sharing.NO_PERSON
            await run_in_threadpool(taken, by=by, instead_of=now.document)
        except StaleRecordError:
            continue
        return answer(b"", JSON, status=204)
    raise stale("If-Match")


# Read what is asked: the step, what is said, to whom the record is to be shown.
def _read(asked: Any) -> tuple[Step, str, Any]:
    step = asked.get("step") if isinstance(asked, dict) else None
    if not isinstance(step, str) or step not in STEPS:
        raise Refusal(400, _("step : {known} est attendu.", known=", ".join(STEPS)))
    note, most = asked.get("comment", ""), str(LONGEST_COMMENT)
    if not isinstance(note, str) or len(note) > LONGEST_COMMENT or UNWRITABLE.search(note):
        told = _("comment : un texte de {most} caractères au plus est attendu.", most=most)
        raise Refusal(400, told)
    return STEPS[step], note.strip(), asked.get(MEMBER)


# Return to whom the step shows the record, None when to the same; refuse it where it is not theirs
# to take, or the record is not where it leads from.
def _allowed(step: Step, note: str, told: Any, viewer: Viewer, now: Stored) -> Shown | None:
    draft = sharing.is_draft(now.shown)
    if not sharing.may_change(viewer, now.shown) or (
        step in ("sent_back", "published", "withdrawn") and not sharing.reviews(viewer, now.shown)
    ):
        raise Refusal(403, _("Cette étape est celle d'un éditeur de l'organisme de la fiche."))
    if step == "commented" and not note:
        raise Refusal(400, _("comment : un texte est attendu."))
    fits = {
        "submitted": draft and not now.waiting,
        "commented": True,
        "sent_back": now.waiting,
        "published": draft and told != "draft",
        "withdrawn": not draft,
    }
    if not fits[step]:
        raise Refusal(409, _("La fiche n'est pas dans l'état d'où part cette étape."))
    if step in ("published", "withdrawn"):
        wanted = "public" if told is None else told
        return sharing.shown_now(viewer, "draft" if step == "withdrawn" else wanted, now.shown)
    return None


async def _waiting(site: Site, request: Request) -> Response:
    viewer = sharing.contributor(request)
    form = answers.wanted_form(request)
    answers.parameters(request)
    document = await run_in_threadpool(_listed, site, viewer)
    if form == "html":
        return await site.page("reviews.html", document)
    return answer(answers.to_json(document), JSON)


# Return the records that wait for who looks, each with its history.
def _listed(site: Site, viewer: Viewer) -> dict[str, Any]:
    rows, people = [], People(site.workspace)
    names = {}
    if people.exist:
        with people.read() as base:
            names = accounts.names(base)
    for body in site.store.waiting(viewer=viewer, most=MOST):
        record = json.loads(body)
        identifier = record["id"]
        history = [
            {"version": one.number, "at": one.at, "by": one.by, "name": names.get(one.by, one.by),
             "change": one.change, "comment": one.note}
            for one in site.store.history(identifier, viewer=viewer)
        ]  # fmt: skip
        rows.append(
            {
                "id": identifier,
                "title": record["properties"].get("title", ""),
                "visibility": record["properties"].get(MEMBER, "public"),
                "href": f"{site.home}/items/{quote(identifier, safe='')}",
                "history": history,
            }
        )
    here = f"{site.url}{PATH}?f="
    links = [link("self", f"{here}json", JSON), link("alternate", f"{here}html", HTML)]
    return {"records": rows, "links": links}
