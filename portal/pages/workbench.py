"""``/etudes/nouvelle``: a planner asks a question in four steps, sees what it counts, and has it
computed. Without a script each step is a page; the whole question stands in the address.

``/etudes/calcul/{job}`` tells how far its computation is, in words; it can be stopped there, and leads to
the study once it is done. Without a script that page comes again by itself.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from statistics import median
from threading import BoundedSemaphore
from typing import Any
from urllib.parse import parse_qs, quote, urlencode

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from geoguichet.coverage import holdings
from geoguichet.coverage.holdings import Holdings
from geoguichet.coverage.manifest import study_of
from geoguichet.coverage.outputs.report import need_sentences, rule_sentence
from geoguichet.coverage.run import STEPS
from geoguichet.coverage.study.schema import document_of
from geoguichet.coverage.study.study import SAMPLE, Study, parse_study
from geoguichet.floor.errors import GeoguichetError
from geoguichet.floor.files import toml_text
from geoguichet.floor.viewer import Viewer
from geoguichet.floor.words import Message, _, language, ngettext, speaking
from geoguichet.portal import answers
from geoguichet.portal.answers import BY_STATUS, HTML, JSON, Refusal, answer, link
from geoguichet.portal.errors import PortalError
from geoguichet.portal.jobs import grounds
from geoguichet.portal.jobs.asking import ask
from geoguichet.portal.jobs.contract import Job
from geoguichet.portal.pages import questions
from geoguichet.portal.pages.questions import Document, Fields, Question
from geoguichet.portal.pages.studies import FILES, asked_for, of_another_version
from geoguichet.portal.people import forms
from geoguichet.portal.providers.studies import folder_of, manifest_of, owner_of_study, seen_first
from geoguichet.portal.site import Site
from geoguichet.portal.viewing import viewer_of

TOML = "application/toml"
HERE, COMPUTATION = "/etudes/nouvelle", "/etudes/calcul/{job}"
#: Fields of an address: more are no form of ours.
_MOST_FIELDS = 600
#: What a form starts from: a study, or what was asked of a computation.
_ORIGINS = ("depuis", "calcul")
#: What a form sends beside its fields: where it goes, and what it adds or takes away.
_MOVES = ("etape", "ajouter", "retirer", "f", "lang", "form", "question", *_ORIGINS)
#: What of a question is told in JSON.
_TOLD = ("study", "toml", "errors", "count", "seconds")
#: Seconds a commune to read, measure, draw and write, on two cores: a study of 2,944 communes took
#: 6 s as the crow flies and 70 s by road, as which others are taken. What studies took here is believed
#: rather.
_SECONDS_A_COMMUNE = {"straight_line": 0.002, "road": 0.025}
#: How many times what its manifest tells a study takes: its files are written after.
_WRITING = 1.6
#: Questions that are counted or wait for it at once: threads are left for who asks for other pages.
_counting = BoundedSemaphore(4)
#: Studies whose times are looked at.
_STUDIES = 20
#: The states of a job, as people say them, and the colour of their badge.
_STATES = {
    "accepted": (Message("En attente"), "inc"),
    "running": (Message("Calcul en cours"), "inc"),
    "successful": (Message("Terminé"), "ok"),
    "failed": (Message("Échoué"), "non"),
    "dismissed": (Message("Arrêté"), ""),
}


class Workbench:
    """The pages on which a study is asked for, and on which its computation is followed."""

    def __init__(self, site: Site) -> None:
        self.site = site

    def routes(self) -> list[Route]:
        """Return their addresses, which stand before those of the studies."""
        return [
            Route(HERE, self.answered, methods=["GET", "POST"]),
            Route(f"{HERE}/etude.toml", self.download),
            Route("/etudes/{study}/etude.toml", self.of_study),
            Route(COMPUTATION, self.computation, methods=["GET", "POST"]),
        ]

    async def answered(self, request: Request) -> Response:
        """Show a step of the question, or tell it in JSON with what it counts; or have it computed."""
        viewer, sent = viewer_of(request), _read(request.url.query)
        if request.method == "POST":
            fields = await forms.read(request, self.site)
            sent = _whole({name: [value] for name, value in fields.items()})
        document = await run_in_threadpool(self._document, sent, viewer)
        if request.method != "POST":
            return await self._page(request, "workbench.html", document, _TOLD)
        try:
            if not document["errors"]:
                asked = document["study"]
                job = await run_in_threadpool(ask, self.site, "study", asked, viewer=viewer)
                beside = f"?depuis={document['origin']}" if document["origin"] else ""
                return forms.onward(self.site, f"/etudes/calcul/{job.id}{beside}")
        except PortalError as error:
            document["errors"] = {"": str(error)}
        return await self._page(request, "workbench.html", document, _TOLD, status=400)

    # Answer a page, or in JSON what it tells, which pages of other sites may read.
    async def _page(
        self,
        request: Request,
        template: str,
        document: Mapping[str, Any],
        told: Iterable[str],
        *,
        status: int = 200,
    ) -> Response:
        if answers.wanted_form(request) == "json":
            body = answers.to_json({key: document[key] for key in told})
            return answer(body, JSON, status=status, headers=_OWN)
        return await forms.page(request, self.site, template, document, status=status)

    def download(self, request: Request) -> Response:
        """Give the study file that the form writes."""
        asked, _moves = self._asked(_whole(_read(request.url.query)), viewer_of(request))
        if asked.errors:
            raise Refusal(400, next(iter(asked.errors.values())))
        return _toml(asked.document, asked.study)

    def of_study(self, request: Request) -> Response:
        """Give the study file of a study."""
        name, held = request.path_params["study"], held_by(self.site)
        return _toml(self._of_study(name, held, viewer_of(request)))

    # --- the question ----------------------------------------------------------------------------

    # Give the study an identifier that no other question has, of those that the viewer may see: the
    # same question keeps its own.
    def _name(
        self, asked: Question, origin: Mapping[str, str], held: Holdings, viewer: Viewer
    ) -> None:
        own = asked.document["study"]
        first, at = own["id"], 1
        while own["id"] == origin.get("depuis") or not self._is_free(asked.document, held, viewer):
            at += 1
            own["id"] = f"{first}-{at}"

    def _is_free(self, document: Document, held: Holdings, viewer: Viewer) -> bool:
        folder = folder_of(self.site.workspace, document["study"]["id"], viewer)
        if folder is None:
            return True
        try:
            kept = _kept(manifest_of(folder), held)
        except (OSError, ValueError, LookupError, GeoguichetError):
            return False
        is_own = owner_of_study(folder).get("person", "") == viewer.person
        asked = questions.relocated(document_of(parse_study(document)), held)
        return is_own and _unseen(kept) == _unseen(asked)

    # Return what a form asks, and what it sends beside its fields.
    def _asked(self, sent: Fields, viewer: Viewer) -> tuple[Question, dict[str, str]]:
        moves = {name: sent[name][-1] for name in _MOVES if name in sent}
        held, origin = held_by(self.site), _origin(moves)
        base = self._base(origin, held, viewer)
        given = {
            name: [value[: questions.LONGEST] for value in values]
            for name, values in sent.items() if name not in _MOVES and len(name) < 20
        }  # fmt: skip
        usual = questions.fields_of(base)
        fields = given if given and "etape" in moves else usual | given
        _changed(fields, moves)
        asked = questions.asked_in(fields, base, held)
        if asked.study is not None:
            self._name(asked, origin, held, viewer)
        return asked, moves

    def _document(self, sent: Fields, viewer: Viewer) -> dict[str, Any]:
        asked, moves = self._asked(sent, viewer)
        held, origin = held_by(self.site), _origin(moves)
        step = int(moves["etape"]) if moves.get("etape") in ("2", "3", "4") else 1
        step = min(step, asked.wrong_step or step)
        counted, why = self._counted(asked, viewer)
        return {
            "step": step,
            "steps": [_("Territoire"), _("Besoins et règle"), _("Visioguichets"), _("Vérifier et lancer")],
            "fields": asked.fields,
            "one": asked.one,
            "carried": _carried(asked.fields, step, origin),
            "question": urlencode({**asked.fields, **origin}, doseq=True),
            "origin": origin.get("depuis", ""),
            "study": asked.document,
            "toml": _text(asked.document, asked.study) if asked.study else "",
            # What is not typed yet is not wrong, and what is asked later is said later.
            "errors": {
                name: told for name, told in asked.errors.items()
                if "etape" in moves and (not name or questions.step_of(name) == step)
            },
            "dropped": asked.dropped,
            "needs": questions.needs_of(asked.fields),
            "held": held,
            "here": {one.type: one for one in held.services if one.count},
            "absent": questions.networks_beyond(held.present),
            "missing": _missing(asked.study),
            "rule": rule_told(asked.study),
            "count": counted,
            "uncounted": why,
            "seconds": self._seconds(asked.study, held, viewer),
            "timed": questions.is_timed(asked.document),
            "may": "editor" if viewer.may("editor") else viewer.may("contributor"),
            "is_known": bool(viewer.person),
            "links": [link("self", f"{self.site.url}{HERE}?f=html", HTML),
                      link("alternate", f"{self.site.url}{HERE}?f=json", JSON)],
        }  # fmt: skip

    # Return the study file that the form starts from: the first question, that of a study, or what
    # was asked of a computation.
    def _base(self, origin: Mapping[str, str], held: Holdings, viewer: Viewer) -> Document:
        if "calcul" in origin:
            return self._of_job(origin["calcul"], viewer)
        if "depuis" in origin:
            base = self._of_study(origin["depuis"], held, viewer)
            base["study"]["title"] = _("{title} (variante)", title=base["study"]["title"])
            base["study"].pop("date", None)
        else:
            base, contact = questions.first_question(held), self.site.contact
            who = {"organization": contact.get("name", ""), "email": contact.get("email", "")}
            base["contact"] = {key: value for key, value in who.items() if value}
        if viewer.may("contributor"):
            base["study"]["visibility"] = "draft"
        return base

    # Return the study file that a job asks; JobNotFoundError.
    def _of_job(self, name: str, viewer: Viewer) -> Document:
        asked = self.site.jobs.question(name, viewer=viewer)
        if asked.process != "study":
            raise Refusal(404, BY_STATUS[404])
        return grounds.completed(asked.inputs, self._ground)

    def _of_study(self, name: str, held: Holdings, viewer: Viewer) -> Document:
        try:
            return _kept(asked_for(self.site, viewer, name).manifest, held)
        except (ValueError, LookupError, GeoguichetError) as error:
            raise of_another_version(name) from error

    @property
    def _ground(self) -> grounds.Ground:
        return grounds.Ground(self.site.workspace, self.site.region, self.site.territory)

    # Return who a question leaves out, or why that is told only once it is computed.
    def _counted(self, asked: Question, viewer: Viewer) -> tuple[dict[str, Any] | None, str]:
        if asked.study is None:
            return None, ""
        if not holdings.can_count(asked.study):
            return None, _("Par la route ou par carreaux, les habitants sont comptés au calcul.")
        if not _counting.acquire(blocking=False):
            return None, _(
                "D'autres questions sont comptées en ce moment : réessayez dans un instant."
            )
        try:
            if grounds.files_of(asked.study):  # those that who asks may not read are refused
                grounds.study_of(asked.document, self._ground, viewer=viewer)
            study = replace(asked.study, path=self.site.workspace / "etude.toml")
            return asdict(holdings.head_count(study)), ""
        except GeoguichetError as error:
            return None, self._ground.bare(str(error))
        finally:
            _counting.release()

    # Return about how many seconds a question takes, from what studies of its kind took here, and
    # from how many of them that is known.
    def _seconds(self, study: Study | None, held: Holdings, viewer: Viewer) -> tuple[int, int]:
        if study is None:
            return 0, 0
        chosen = {*study.territory.departements}
        communes = sum(area.communes for area in held.areas if area.code in chosen or not chosen)
        folders = seen_first(self.site.workspace, None, viewer)[:_STUDIES]
        rates = [rate for folder in folders for rate in _rate(folder, study)]
        usual = _SECONDS_A_COMMUNE.get(study.router.kind, _SECONDS_A_COMMUNE["road"])
        return max(1, round((median(rates) if rates else usual) * communes)), len(rates)

    # --- its computation -------------------------------------------------------------------------

    async def computation(self, request: Request) -> Response:
        """Show how far it is, or stop it; what is done leads to its study."""
        name, viewer = request.path_params["job"], viewer_of(request)
        if request.method == "POST":
            await forms.read(request, self.site)
            await run_in_threadpool(self.site.jobs.dismiss, name, viewer=viewer)
            return forms.onward(self.site, f"/etudes/calcul/{name}")
        document = await run_in_threadpool(self._followed, name, viewer)
        if answers.wanted_form(request) == "html" and document["study"] and document["kept"]:
            origin = request.query_params.get("depuis", "")
            beside = f"/etudes/{quote(origin, safe='')}/comparer/" if origin else "/etudes/"
            return forms.onward(self.site, beside + document["study"])
        return await self._page(request, "computing.html", document, document)

    def _followed(self, name: str, viewer: Viewer) -> dict[str, Any]:
        jobs, here = self.site.jobs, f"{self.site.url}/etudes/calcul/{name}"
        asked, job = self._of_job(name, viewer), jobs.job(name, viewer=viewer)
        found = jobs.result(name, viewer=viewer)
        told = json.loads(found.body) if found is not None and job.state == "successful" else {}
        state, colour = _STATES[job.state]
        return {
            "job": job.id,
            "state": job.state,
            "state_told": str(state),
            "colour": colour,
            "progress": job.progress,
            "message": job.message,
            "title": asked["study"].get("title", ""),
            # What is kept among no studies is seen by who has its address.
            "visibility": asked["study"].get("visibility", "public") if viewer.may("contributor") else "",
            "began": max(0, round(time.time() - (job.started or job.created))),
            "steps": _steps(job, jobs.log(name, viewer=viewer)),
            "question": _question(asked),
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


def held_by(site: Site) -> Holdings:
    """Return what a study of a portal can be asked of; Refusal where it has no data."""
    data, ground = site.territory.data, site.region.territory
    if data is None:
        raise Refusal(404, _("Ce portail n'a pas de données sur lesquelles calculer une étude."))
    try:
        return holdings.holdings(
            data,
            name=site.territory.name,
            source=ground.data if ground else SAMPLE,
            folder=site.workspace,
        )
    except (OSError, GeoguichetError) as error:
        raise Refusal(503, _("Les données du territoire ne se lisent pas en ce moment.")) from error


def _rate(folder: Path, study: Study) -> list[float]:
    try:
        told = manifest_of(folder)
        alike = told["study"]["router"]["kind"] == study.router.kind
        alike &= (told["study"].get("kiosks") is None) == (study.kiosks is None)
        seconds = sum(value for key, value in told["timings"].items() if key != "plan_seconds")
        return [seconds * _WRITING / told["counters"]["communes"]] if alike else []
    except (OSError, ValueError, LookupError, TypeError, ZeroDivisionError):
        return []


# Return the study file of a result by its manifest, its files told from the workspace.
def _kept(manifest: Mapping[str, Any], held: Holdings) -> Document:
    return questions.relocated(document_of(study_of(manifest["study"])), held)


# Return a study file without what a question does not depend on: who sees its answer, and what it is
# called.
def _unseen(document: Document) -> Document:
    told = {k: v for k, v in document["study"].items() if k not in ("id", "visibility")}
    return {**document, "study": told}


# Return what an address or a form of ours holds.
def _read(query: str) -> Fields:
    try:
        return parse_qs(query, keep_blank_values=True, max_num_fields=_MOST_FIELDS)
    except ValueError as error:
        raise Refusal(400, _("Ce formulaire ne se lit pas.")) from error


# Return what the last step sends: the question that it carries whole, under what is typed there.
def _whole(sent: Fields) -> Fields:
    typed: Fields = {name: sent[name] for name in ("titre", "visibilite") if name in sent}
    return {**(_read(sent.get("question", [""])[0]) or sent), **typed, "etape": ["4"]}


# Add a need to a form, or take one away, as its buttons ask.
def _changed(fields: Fields, moves: Mapping[str, str]) -> None:
    names = questions.needs_of(fields)
    if moves.get("ajouter") and len(names) < questions.MOST_NEEDS:
        fresh = f"b{max((int(name[1:]) for name in names), default=0) + 1}"
        fields |= {f"{fresh}.nom": [""], f"{fresh}.seuil": ["8"], f"{fresh}.heures": [""]}
    if (gone := moves.get("retirer")) in names:
        for name in [name for name in fields if name.startswith(f"{gone}.")]:
            del fields[name]


# Return the fields that the page of a step does not show: it carries them.
def _carried(fields: Fields, step: int, origin: Mapping[str, str]) -> list[tuple[str, str]]:
    carried = [
        (name, value) for name, values in fields.items() for value in values
        if questions.step_of(name) != step or name.endswith(".cle")
    ]  # fmt: skip
    return [*carried, *origin.items()]


def _origin(moves: Mapping[str, str]) -> dict[str, str]:
    return {name: moves[name] for name in _ORIGINS if moves.get(name)}


def _missing(study: Study | None) -> list[str]:
    types = {kind for need in study.needs for kind in need.types} if study else set()
    return questions.networks_beyond(types) if types else []


def rule_told(study: Study | None) -> list[str]:
    """Say the rule of a study, then each of its needs."""
    if study is None:
        return []
    with speaking(language(), typeset=True):  # a distance stays on one line
        return [rule_sentence(study), *need_sentences(study)]


# What is asked by one is kept nowhere.
_OWN = {"Cache-Control": "private, no-store"}


def _text(document: Document, study: Study | None = None) -> str:
    """Return a study file (of a study that is read already, or not), its first lines saying how it is
    run.
    """
    files = grounds.files_of(study or parse_study(document)).values()
    name = document["study"]["id"]
    told = _("# Calculer cette étude : geoguichet coverage run {name}.toml", name=name)
    if files:
        told += "\n" + _(
            "# Ses fichiers ({source}) sont cherchés à partir du dossier de celui-ci : "
            "enregistrez-le dans l'espace de travail du portail.", source=", ".join(files),
        )  # fmt: skip
    return f"{told}\n\n{toml_text(document)}"


def _toml(document: Document, study: Study | None = None) -> Response:
    told = {"Content-Disposition": f'attachment; filename="{document["study"]["id"]}.toml"'}
    return answer(_text(document, study).encode(), TOML, headers=_OWN | told)


# Return what was done and what is to come: sentences, each with its seconds once it is over.
def _steps(job: Job, said: Sequence[tuple[float, str]]) -> list[dict[str, Any]]:
    lines: list[tuple[float, str]] = []
    for moment, sentence in said:
        if sentence and (not lines or lines[-1][1] != sentence):
            lines.append((moment, sentence))
    if job.has_ended:  # its last word is told by itself
        lines = [line for line in lines if line[1] != job.message]
    ends = [moment for moment, _sentence in lines[1:]] + [job.finished]
    last = "fait" if job.state == "successful" else "arret"
    done = [
        {
            "told": f"{FILES[sentence][0]} ({sentence})" if sentence in FILES else sentence,
            "state": "cours" if end is None else last if (at, sentence) == lines[-1] else "fait",
            "seconds": end and round(end - at, 1),
        }
        for (at, sentence), end in zip(lines, ends, strict=False)  # nothing was said yet
    ]
    begun = {sentence for _at, sentence in lines}
    ahead = [] if job.has_ended else [str(step) for step in STEPS if str(step) not in begun]
    return [*done, *({"told": step, "state": "", "seconds": None} for step in ahead)]


# Say a question again: the territory, the rule and its needs (a name, then none), the kiosks.
def _question(inputs: Any) -> list[tuple[str, str]]:
    try:
        study = parse_study(inputs)
    except GeoguichetError:
        return []
    rule, first, *others = rule_told(study)
    told = [(_("Territoire"), study.territory.name), (rule, first)]
    told += [("", need) for need in others]
    if study.kiosks is not None:
        count = study.kiosks.count
        kiosks = ngettext("{n} lieu", "{n} lieux", count) if count else _("autant qu'il en faut")
        told.append((_("Visioguichets"), kiosks))
    return told
