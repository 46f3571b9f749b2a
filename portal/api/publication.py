"""``/etudes/{study}/visibilite``: an editor says who sees a study: nobody else yet, partners, everyone.

The study and its record are shown to the same people; what takes sight away is done first.
"""

import json
from pathlib import Path

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from geoguichet.catalogue.errors import RecordNotFoundError, StaleRecordError
from geoguichet.catalogue.search.contract import Stored
from geoguichet.floor.files import write_whole
from geoguichet.floor.viewer import WORDS, Viewer
from geoguichet.floor.words import _
from geoguichet.portal.answers import BY_STATUS, HTML, Refusal, link
from geoguichet.portal.api import sharing
from geoguichet.portal.api.editing import stale
from geoguichet.portal.people import forms
from geoguichet.portal.providers.studies import folder_of, manifest_of
from geoguichet.portal.site import Site
from geoguichet.portal.viewing import viewer_of


class Publication:
    """Who sees a study, and the form that changes it."""

    def __init__(self, site: Site) -> None:
        self.site = site

    def routes(self) -> list[Route]:
        """Return its address."""
        return [Route("/etudes/{study}/visibilite", self.answered, methods=["GET", "POST"])]

    async def answered(self, request: Request) -> Response:
        """Show the form, or do what it asks."""
        name, viewer = request.path_params["study"], viewer_of(request)
        folder, now = await run_in_threadpool(self._theirs, name, viewer)
        if request.method == "POST":
            fields = await forms.read(request, self.site)
            asked = fields.get("visibilite", "")
            if asked not in WORDS:
                raise Refusal(400, _("visibilite : {known} est attendu.", known=", ".join(WORDS)))
            await run_in_threadpool(self._show_to, folder, now, asked, viewer)
            return forms.onward(self.site, f"/etudes/{name}")
        told = manifest_of(folder)["study"]
        home = f"{self.site.url}/etudes/{name}/visibilite?f="
        document = {
            "id": name,
            "title": told.get("title") or name,
            "visibility": told.get("visibility", "public"),
            "links": [link("self", f"{home}html", HTML)],
        }
        return await forms.page(request, self.site, "publication.html", document)

    # Return the folder and the record of a study whose organisation is the viewer's to edit.
    def _theirs(self, name: str, viewer: Viewer) -> tuple[Path, Stored]:
        if (folder := folder_of(self.site.workspace, name, viewer)) is None:
            raise Refusal(404, BY_STATUS[404])
        try:
            now = self.site.store.stored(f"study-{name}", viewer=viewer)
        except RecordNotFoundError:
            now = None
        if now is None or not viewer.may("editor") or not sharing.reviews(viewer, now.shown):
            raise Refusal(403, _("Seul un éditeur de l'organisme de cette étude dit qui la voit."))
        return folder, now

    def _show_to(self, folder: Path, now: Stored, asked: str, viewer: Viewer) -> None:
        manifest, told = folder / "manifest.json", manifest_of(folder)
        document = {**told, "study": {**told["study"], "visibility": asked}}
        written = json.dumps(document, ensure_ascii=False, indent=2, sort_keys=True) + "\n"
        hides = asked == "draft"
        if hides:
            write_whole(manifest, written.encode())
        try:
            self.site.store.take_step(
                f"study-{folder.name}",
                "withdrawn" if hides else "published",
                by=viewer.person or sharing.NO_PERSON,
                instead_of=now.document,
                shown=sharing.shown_now(viewer, asked, now.shown),
            )
        except StaleRecordError as error:
            raise stale("If-Match") from error
        if not hides:
            write_whole(manifest, written.encode())
