"""Drafts reviewed over HTTP: submitted, commented, sent back, published, withdrawn; and the list of
those that wait. Each step is in the history of its record, with who took it.

``/etudes/{study}/visibilite``: an editor says who sees a study (nobody else yet, partners, everyone). It
and its record are shown to the same people; what takes sight away is done first.
"""

import json
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import quote

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from geoguichet.catalogue.errors import RecordNotFoundError, StaleRecordError
from geoguichet.catalogue.record import UNWRITABLE
from geoguichet.catalogue.search.audiences import MEMBER, Shown
from geoguichet.catalogue.search.contract import Stored
from geoguichet.catalogue.search.tables import Step
from geoguichet.floor.files import write_whole
from geoguichet.floor.viewer import WORDS, Viewer
from geoguichet.floor.words import _
from geoguichet.portal import answers
from geoguichet.portal.answers import BY_STATUS, HTML, JSON, Refusal, answer, link
from geoguichet.portal.api import sharing
from geoguichet.portal.api.editing import stale, utf8
from geoguichet.portal.people import accounts, forms
from geoguichet.portal.people.store import People
from geoguichet.portal.providers.studies import folder_of, manifest_of
from geoguichet.portal.site import COLLECTION, Site
from geoguichet.portal.viewing import viewer_of

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
PATH, STUDY = "/a-relire", "/etudes/{study}/visibilite"


def routes(site: Site) -> list[Route]:
    """Return the steps of a record, the list of those that wait, and who sees a study; ahead of the
    records.
    """
    item = f"/collections/{COLLECTION}/items/{{identifier:path}}/review"
    return [
        Route(item, partial(_step, site), methods=["POST"]),
        Route(PATH, partial(_waiting, site)),
        Route(STUDY, partial(_shared, site), methods=["GET", "POST"]),
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


# Show who sees a study, and the form that changes it; or do what it asks.
async def _shared(site: Site, request: Request) -> Response:
    name, viewer = request.path_params["study"], viewer_of(request)
    folder, now = await run_in_threadpool(_theirs, site, name, viewer)
    if request.method == "POST":
        asked = (await forms.read(request, site)).get("visibilite", "")
        if asked not in WORDS:
            raise Refusal(400, _("visibilite : {known} est attendu.", known=", ".join(WORDS)))
        await run_in_threadpool(_show_to, site, folder, now, asked, viewer)
        return forms.onward(site, f"/etudes/{name}")
    told = manifest_of(folder)["study"]
    document = {
        "id": name,
        "title": told.get("title") or name,
        "visibility": told.get("visibility", "public"),
        "links": [link("self", f"{site.url}/etudes/{name}/visibilite?f=html", HTML)],
    }
    return await forms.page(request, site, "publication.html", document)


# Return the folder and the record of a study whose organisation is the viewer's to edit.
def _theirs(site: Site, name: str, viewer: Viewer) -> tuple[Path, Stored]:
    if (folder := folder_of(site.workspace, name, viewer)) is None:
        raise Refusal(404, BY_STATUS[404])
    try:
        now = site.store.stored(f"study-{name}", viewer=viewer)
    except RecordNotFoundError:
        now = None
    if now is None or not viewer.may("editor") or not sharing.reviews(viewer, now.shown):
        raise Refusal(403, _("Seul un éditeur de l'organisme de cette étude dit qui la voit."))
    return folder, now


def _show_to(site: Site, folder: Path, now: Stored, asked: str, viewer: Viewer) -> None:
    told, hides = manifest_of(folder), asked == "draft"
    document = {**told, "study": {**told["study"], "visibility": asked}}
    written = json.dumps(document, ensure_ascii=False, indent=2, sort_keys=True) + "\n"
    write = partial(write_whole, folder / "manifest.json", written.encode())
    if hides:
        write()
    try:
        site.store.take_step(
            f"study-{folder.name}",
            "withdrawn" if hides else "published",
            by=viewer.person or sharing.NO_PERSON,
            instead_of=now.document,
            shown=sharing.shown_now(viewer, asked, now.shown),
        )
    except StaleRecordError as error:
        raise stale("If-Match") from error
    if not hides:
        write()
