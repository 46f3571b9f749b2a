"""``/etudes/calcul/{job}``: how far the computation of a study is, in words; it can be stopped, and
leads to the study once it is done. Without a script the page comes again by itself.
"""

import json
import time
from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from geoguichet.coverage.run import STEPS
from geoguichet.coverage.study.study import parse_study
from geoguichet.floor.errors import GeoguichetError
from geoguichet.floor.viewer import Viewer
from geoguichet.floor.words import Message, _, ngettext
from geoguichet.portal import answers
from geoguichet.portal.answers import BY_STATUS, HTML, JSON, Refusal, answer, link
from geoguichet.portal.jobs.contract import Job, JobNotFoundError
from geoguichet.portal.pages.studies import FILES
from geoguichet.portal.pages.workbench import rule_told
from geoguichet.portal.people import forms
from geoguichet.portal.site import Site
from geoguichet.portal.viewing import viewer_of

HERE = "/etudes/calcul/{job}"
#: The states of a job, as people say them, and the colour of their badge.
_STATES = {
    "accepted": (Message("En attente"), "inc"),
    "running": (Message("Calcul en cours"), "inc"),
    "successful": (Message("Terminé"), "ok"),
    "failed": (Message("Échoué"), "non"),
    "dismissed": (Message("Arrêté"), ""),
}


class Computing:
    """The page of a computation."""

    def __init__(self, site: Site) -> None:
        self.site = site

    def routes(self) -> list[Route]:
        """Return its address, which stands before those of the studies."""
        return [Route(HERE, self.answered, methods=["GET", "POST"])]

    async def answered(self, request: Request) -> Response:
        """Show how far it is, or stop it; what is done leads to its study."""
        if request.method == "POST":
            return await self._stop(request)
        name, viewer = request.path_params["job"], viewer_of(request)
        document = await run_in_threadpool(self._document, name, viewer)
        form = answers.wanted_form(request)
        if form == "html" and document["study"] and document["kept"]:
            origin = request.query_params.get("depuis", "")
            beside = f"/etudes/{quote(origin, safe='')}/comparer/" if origin else "/etudes/"
            return forms.onward(self.site, beside + document["study"])
        if form == "json":
            return answer(
                answers.to_json(document), JSON, headers={"Cache-Control": "private, no-store"}
            )
        return await forms.page(request, self.site, "computing.html", document)

    async def _stop(self, request: Request) -> Response:
        await forms.read(request, self.site)
        name, viewer = request.path_params["job"], viewer_of(request)
        try:
            await run_in_threadpool(self.site.jobs.dismiss, name, viewer=viewer)
        except JobNotFoundError as error:
            raise Refusal(404, BY_STATUS[404]) from error
        return forms.onward(self.site, f"/etudes/calcul/{name}")

    def _document(self, name: str, viewer: Viewer) -> dict[str, Any]:
        jobs, here = self.site.jobs, f"{self.site.url}/etudes/calcul/{name}"
        try:
            job, said = jobs.job(name, viewer=viewer), jobs.log(name, viewer=viewer)
            asked = jobs.question(name, viewer=viewer)
            found = jobs.result(name, viewer=viewer)
        except JobNotFoundError as error:
            raise Refusal(404, BY_STATUS[404]) from error
        if asked.process != "study":
            raise Refusal(404, BY_STATUS[404])
        told = json.loads(found.body) if found is not None and job.state == "successful" else {}
        state, colour = _STATES[job.state]
        return {
            "job": job.id,
            "state": job.state,
            "state_told": str(state),
            "colour": colour,
            "progress": job.progress,
            "message": job.message,
            "title": asked.inputs.get("study", {}).get("title", ""),
            "visibility": asked.inputs.get("study", {}).get("visibility", "public"),
            "began": max(0, round(time.time() - (job.started or job.created))),
            "steps": _steps(job, said),
            "question": _question(asked.inputs),
            "study": told.get("study", ""),
            "kept": told.get("kept", False),
            "files": self._files(job, told),
            "ended": job.has_ended,
            "links": [link("self", f"{here}?f=html", HTML), link("alternate", f"{here}?f=json", JSON)],
        }  # fmt: skip

    # Return the files of an answer that is in no study of the portal.
    def _files(self, job: Job, told: Any) -> list[dict[str, str]]:
        home = f"{self.site.url}/jobs/{job.id}/results"
        return [
            {"href": f"{home}/{name}", "title": str(title), "form": form}
            for name, (title, form) in FILES.items()
            if name in told.get("outputs", ()) and not told.get("kept")
        ]


# Return what was done and what is to come: sentences, each with its seconds once it is over.
def _steps(job: Job, said: Sequence[tuple[float, str]]) -> list[dict[str, Any]]:
    lines: list[tuple[float, str]] = []
    for moment, sentence in said:
        if sentence and (not lines or lines[-1][1] != sentence):
            lines.append((moment, sentence))
    ends = [moment for moment, _sentence in lines[1:]] + [job.finished]
    done = [
        {
            "told": sentence,
            "state": "fait" if end else "cours",
            "seconds": end and round(end - at, 1),
        }
        for (at, sentence), end in zip(lines, ends, strict=False)  # nothing was said yet
    ]
    begun = {sentence for _at, sentence in lines}
    ahead = [] if job.has_ended else [str(step) for step in STEPS if str(step) not in begun]
    return [*done, *({"told": step, "state": "", "seconds": None} for step in ahead)]


# Say a question again: the territory, the rule and its needs, the kiosks.
def _question(inputs: Any) -> list[tuple[str, str]]:
    try:
        study = parse_study(inputs)
    except GeoguichetError:
        return []
    rule, *needs = rule_told(study)
    told = [(_("Territoire"), study.territory.name), (rule, " ; ".join(needs))]
    if study.kiosks is not None:
        count = study.kiosks.count
        kiosks = ngettext("{n} lieu", "{n} lieux", count) if count else _("autant qu'il en faut")
        told.append((_("Visioguichets"), kiosks))
    return told
