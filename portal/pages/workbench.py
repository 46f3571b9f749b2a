"""``/etudes/nouvelle``: a planner asks a question in four steps, sees what it counts, and has it
computed. Without a script each step is a page; the whole question stands in the address.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import asdict, replace
from pathlib import Path
from statistics import median
from threading import BoundedSemaphore
from typing import Any
from urllib.parse import parse_qsl, urlencode

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from geoguichet.coverage import holdings
from geoguichet.coverage.holdings import Holdings
from geoguichet.coverage.manifest import study_of
from geoguichet.coverage.outputs.report import need_sentences, rule_sentence
from geoguichet.coverage.study.schema import document_of
from geoguichet.coverage.study.study import SAMPLE, Study, parse_study
from geoguichet.floor.errors import GeoguichetError
from geoguichet.floor.files import toml_text
from geoguichet.floor.viewer import Viewer
from geoguichet.floor.words import _, language, speaking
from geoguichet.portal import answers
from geoguichet.portal.answers import BY_STATUS, HTML, JSON, Refusal, answer, link
from geoguichet.portal.errors import PortalError
from geoguichet.portal.jobs.asking import ask
from geoguichet.portal.jobs.contract import JobNotFoundError
from geoguichet.portal.pages import questions
from geoguichet.portal.pages.questions import Document, Fields, Question
from geoguichet.portal.pages.studies import asked_for, of_another_version
from geoguichet.portal.people import forms
from geoguichet.portal.providers.studies import folder_of, manifest_of, owner_of_study, seen_first
from geoguichet.portal.site import Site
from geoguichet.portal.viewing import viewer_of

type Pairs = list[tuple[str, str]]

TOML = "application/toml"
HERE = "/etudes/nouvelle"
#: Fields of an address: more are no form of ours.
_MOST_FIELDS = 600
#: What a form starts from: a study, or what was asked of a computation.
_ORIGINS = ("depuis", "calcul")
#: What a form sends beside its fields: where it goes, and what it adds or takes away.
_MOVES = ("etape", "ajouter", "retirer", "f", "lang", *_ORIGINS)
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


class Workbench:
    """The pages on which a study is asked for."""

    def __init__(self, site: Site) -> None:
        self.site = site

    def routes(self) -> list[Route]:
        """Return their addresses, which stand before those of the studies."""
        return [
            Route(HERE, self.answered, methods=["GET", "POST"]),
            Route(f"{HERE}/etude.toml", self.download),
            Route("/etudes/{study}/etude.toml", self.of_study),
        ]

    async def answered(self, request: Request) -> Response:
        """Show a step of the question, or tell it in JSON with what it counts; or have it computed."""
        if request.method == "POST":
            return await self._launch(request)
        pairs = request.query_params.multi_items()
        document = await run_in_threadpool(self._document, pairs, viewer_of(request))
        if answers.wanted_form(request) == "json":
            told = {key: document[key] for key in ("study", "toml", "errors", "count", "seconds")}
            return answer(
                answers.to_json(told), JSON, headers={"Cache-Control": "private, no-store"}
            )
        return await forms.page(request, self.site, "workbench.html", document)

    # Ask for the study, and lead to its computation; what refuses it is told on the form.
    async def _launch(self, request: Request) -> Response:
        fields = await forms.read(request, self.site)
        pairs = [*_whole(fields.items()), ("etape", "4")]
        document = await run_in_threadpool(self._document, pairs, viewer_of(request))
        if document["errors"]:
            return await forms.page(request, self.site, "workbench.html", document, status=400)
        try:
            study, viewer = document["study"], viewer_of(request)
            job = await run_in_threadpool(ask, self.site, "study", study, viewer=viewer)
        except PortalError as error:
            document["errors"] = {"": str(error)}
            return await forms.page(request, self.site, "workbench.html", document, status=400)
        beside = f"?depuis={document['origin']}" if document["origin"] else ""
        return forms.onward(self.site, f"/etudes/calcul/{job.id}{beside}")

    async def download(self, request: Request) -> Response:
        """Give the study file that the form writes."""
        pairs = [*_whole(request.query_params.multi_items()), ("etape", "4")]
        asked, _moves = await run_in_threadpool(self._asked, pairs, viewer_of(request))
        if asked.errors:
            raise Refusal(400, next(iter(asked.errors.values())))
        return _toml(self._text(asked.document), asked.document["study"]["id"])

    async def of_study(self, request: Request) -> Response:
        """Give the study file of a study."""
        name, viewer = request.path_params["study"], viewer_of(request)

        def text() -> str:
            return self._text(self._of_study(name, held_by(self.site), viewer))

        return _toml(await run_in_threadpool(text), name)

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
        if owner_of_study(folder).get("person", "") != viewer.person:
            return False
        try:
            kept = _kept(manifest_of(folder), held)
        except (OSError, ValueError, LookupError, GeoguichetError):
            return False
        asked = questions.relocated(document_of(parse_study(document)), held)
        return _unseen(kept) == _unseen(asked)

    # Return what a form asks, and what it sends beside its fields.
    def _asked(self, pairs: Pairs, viewer: Viewer) -> tuple[Question, dict[str, str]]:
        moves = {name: value for name, value in pairs if name in _MOVES}
        held, origin = held_by(self.site), _origin(moves)
        base = self._base(origin, held, viewer)
        given = _fields(pairs)
        usual = questions.fields_of(base)
        fields = given if given and "etape" in moves else usual | given
        _changed(fields, moves)
        asked = questions.asked_in(fields, base, held)
        if asked.study is not None:
            self._name(asked, origin, held, viewer)
        return asked, moves

    def _document(self, pairs: Pairs, viewer: Viewer) -> dict[str, Any]:
        asked, moves = self._asked(pairs, viewer)
        held, origin = held_by(self.site), _origin(moves)
        step = int(moves["etape"]) if moves.get("etape") in ("2", "3", "4") else 1
        wrong = asked.wrong_step
        step = wrong if 0 < wrong < step else step
        counted, why = _counted(asked, self.site)
        return {
            "step": step,
            "steps": [_("Territoire"), _("Besoins et règle"), _("Visioguichets"), _("Vérifier et lancer")],
            "fields": asked.fields,
            "one": asked.one,
            "carried": _carried(asked.fields, step, origin),
            "question": urlencode({**asked.fields, **origin}, doseq=True),
            "origin": origin.get("depuis", ""),
            "study": asked.document,
            "toml": self._text(asked.document) if asked.study else "",
            # What is not typed yet is not wrong, and what is asked later is said later.
            "errors": {
                name: told for name, told in asked.errors.items()
                if "etape" in moves and (not name or questions.step_of(name) == step)
            },
            "dropped": asked.dropped,
            "needs": asked.needs,
            "held": held,
            "here": {one.type: one for one in held.services if one.count},
            "absent": questions.networks_beyond(held.present),
            "missing": _missing(asked.study),
            "rule": rule_told(asked.study),
            "count": counted,
            "uncounted": why,
            "seconds": self._seconds(asked, held, viewer),
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
            base = questions.first_question(held)
            contact = self.site.contact
            who = {"organization": contact.get("name", ""), "email": contact.get("email", "")}
            base["contact"] = {key: value for key, value in who.items() if value}
        if viewer.may("contributor"):
            base["study"]["visibility"] = "draft"
        return base

    def _of_job(self, name: str, viewer: Viewer) -> Document:
        try:
            asked = self.site.jobs.question(name, viewer=viewer)
        except JobNotFoundError as error:
            raise Refusal(404, BY_STATUS[404]) from error
        if asked.process != "study":
            raise Refusal(404, BY_STATUS[404])
        return dict(asked.inputs)

    def _of_study(self, name: str, held: Holdings, viewer: Viewer) -> Document:
        try:
            return _kept(asked_for(self.site, viewer, name).manifest, held)
        except (ValueError, LookupError, GeoguichetError) as error:
            raise of_another_version(name) from error

    def _text(self, document: Document) -> str:
        """Return a study file, its first lines saying how it is run."""
        source = document.get("data", {}).get("source", SAMPLE)
        name = document["study"]["id"]
        told = [_("# Calculer cette étude : geoguichet coverage run {name}.toml", name=name)]
        if source != SAMPLE:
            told.append(
                _("# Ses fichiers ({source}) sont cherchés à partir du dossier de celui-ci : "
                  "enregistrez-le dans l'espace de travail du portail.", source=source)
            )  # fmt: skip
        return "\n".join(told) + "\n\n" + toml_text(document)

    # Return about how many seconds a question takes, from what studies of its kind took here, and
    # from how many of them that is known.
    def _seconds(self, asked: Question, held: Holdings, viewer: Viewer) -> tuple[int, int]:
        study = asked.study
        if study is None:
            return 0, 0
        chosen = {*study.territory.departements}
        communes = sum(area.communes for area in held.areas if area.code in chosen or not chosen)
        rates = []
        for folder in seen_first(self.site.workspace, None, viewer)[:_STUDIES]:
            rates += _rate(folder, study)
        rate = (
            median(rates)
            if rates
            else _SECONDS_A_COMMUNE.get(study.router.kind, _SECONDS_A_COMMUNE["road"])
        )
        return max(1, round(rate * communes)), len(rates)


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


# Return what the last step sends: the question that it carries whole, under what is typed there.
def _whole(sent: Collection[tuple[str, str]]) -> Pairs:
    given = dict(sent)
    own = [(name, given.pop(name)) for name in ("titre", "visibilite") if name in given]
    pairs = parse_qsl(given.pop("question", ""), keep_blank_values=True) or [*sent]
    named = {name for name, _value in own}
    return [(name, value) for name, value in pairs if name not in named | {"form"}] + own


# Return the fields of a form, each cut to what people type.
def _fields(pairs: Pairs) -> Fields:
    if len(pairs) > _MOST_FIELDS:
        raise Refusal(400, _("Ce formulaire ne se lit pas."))
    fields: Fields = {}
    for name, value in pairs:
        if name not in _MOVES and len(name) < 20:
            fields.setdefault(name, []).append(value[: questions.LONGEST])
    return fields


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


# Return who a question leaves out, or why that is told only once it is computed.
def _counted(asked: Question, site: Site) -> tuple[dict[str, Any] | None, str]:
    study = asked.study
    if study is None:
        return None, ""
    if not holdings.can_count(study):
        return None, _("Par la route ou par carreaux, les habitants sont comptés au calcul.")
    if not _counting.acquire(blocking=False):
        return None, _("D'autres questions sont comptées en ce moment : réessayez dans un instant.")
    try:
        found = holdings.head_count(replace(study, path=site.workspace / "etude.toml"))
    except GeoguichetError as error:
        return None, str(error)
    finally:
        _counting.release()
    return asdict(found), ""


def _missing(study: Study | None) -> list[str]:
    needs = study.needs if study else ()
    return (
        questions.networks_beyond({kind for need in needs for kind in need.types}) if needs else []
    )


def rule_told(study: Study | None) -> list[str]:
    """Say the rule of a study, then each of its needs."""
    if study is None:
        return []
    with speaking(language(), typeset=True):  # a distance stays on one line
        return [rule_sentence(study), *need_sentences(study)]


def _toml(text: str, name: str) -> Response:
    headers = {"Content-Disposition": f'attachment; filename="{name}.toml"'}
    headers["Cache-Control"] = "private, no-store"
    return answer(text.encode(), TOML, headers=headers)
