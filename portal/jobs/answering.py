"""How each process is answered, in a process of its own (`child`) or, where that is short, at once."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from geoguichet.floor.viewer import Viewer
from geoguichet.floor.words import _
from geoguichet.portal.errors import ParameterError
from geoguichet.portal.jobs.contract import Question, Result
from geoguichet.portal.jobs.grounds import Ground, study_of
from geoguichet.portal.jobs.inputs import router_study, study_asked, study_document
from geoguichet.portal.jobs.kinds import KINDS
from geoguichet.portal.providers.studies import audience_of_study, owned_by, owner_of_study

if TYPE_CHECKING:
    from geoguichet.coverage.manifest import CoverageResult

#: Told as an answer is made: how far it is (of 100), and what is done now.
type OnStep = Callable[[int, str], None]


# A question in hand, and the ground it is answered from.
@dataclass(slots=True)
class _Work:
    question: Question
    ground: Ground
    on_step: OnStep = lambda _progress, _said: None
    steps: int = field(default=0, init=False)

    @property
    def inputs(self) -> Mapping[str, Any]:
        return self.question.inputs

    @property
    def viewer(self) -> Viewer:
        return self.question.viewer

    # Return what is called with each step, of so many.
    def of(self, most: int) -> Callable[[str], None]:
        def step(said: str) -> None:
            self.steps += 1
            self.on_step(min(99, 100 * (self.steps - 1) // most), said)

        return step

    # Say how many records were done.
    def count(self, done: int, total: int | None, _more: object = None) -> None:
        share = min(99, 100 * done // total) if total else 0
        self.on_step(share, _("{n} fiches", n=done - done % 100))


def answer(question: Question, ground: Ground, on_step: OnStep) -> Result:
    """Return the answer to a question. GeoguichetError when it is refused, in a sentence."""
    made = _ANSWERS[question.process](_Work(question, ground, on_step))
    body = made if isinstance(made, bytes) else json.dumps(made, ensure_ascii=False).encode()
    return Result(KINDS[question.process].media, body)


def folder_of(question: Question, ground: Ground) -> Path:
    """Return where the files of a study are: among the studies when who asks contributes, else apart,
    under the digest of the question.
    """
    if question.viewer.may("contributor"):
        return ground.workspace / "studies" / str(question.inputs["study"]["id"])
    return ground.workspace / "jobs" / question.digest


def holds(question: Question, ground: Ground, result: Result) -> bool:
    """Say whether an answer that was kept is still true: of a study, its files are as it says."""
    if question.process != "study":
        return KINDS[question.process].repeats
    try:
        written = (folder_of(question, ground) / "manifest.json").read_bytes()
        return bool(json.loads(written)["outputs"] == json.loads(result.body)["outputs"])
    except (OSError, ValueError, LookupError, TypeError):
        return False


def check_free(question: Question, ground: Ground) -> None:
    """Refuse the name of a study that is somebody else's."""
    folder = folder_of(question, ground)
    is_own = (
        question.viewer.sees_all or owner_of_study(folder).get("person") == question.viewer.person
    )
    is_named = folder.parent == ground.workspace / "studies"  # what nobody known asked has no name
    if question.process == "study" and is_named and folder.exists() and not is_own:
        told = _("study.id : « {id} » est le nom d'une autre étude ; donnez-en un nouveau.",
                 id=folder.name)  # fmt: skip
        raise ParameterError(told)


# --- each process --------------------------------------------------------------------------------


def _white_zones(work: _Work) -> bytes:
    from geoguichet.coverage.run import STEPS, find_white_zones

    study = study_of(study_document(work.inputs), work.ground, viewer=work.viewer)
    work.of(len(STEPS))(str(STEPS[0]))
    return bytes(find_white_zones(study).drawn_zones.to_json().encode())


def _study(work: _Work) -> dict[str, Any]:
    from geoguichet.coverage.outputs.folder import OUTPUTS, write_all
    from geoguichet.coverage.run import STEPS, run

    workspace, question = work.ground.workspace, work.question
    study = study_asked(work.inputs, work.ground, work.viewer)
    check_free(question, work.ground)
    on_step = work.of(len(STEPS) + len(OUTPUTS) + 1)
    result = run(study, workspace=workspace, on_step=on_step)
    check_free(question, work.ground)
    folder, is_kept = folder_of(question, work.ground), work.viewer.may("contributor")
    owned = owned_by(work.viewer) if is_kept else {}  # it is never without: a killed run comes back
    write_all(result, folder, more=owned, on_step=on_step)
    if is_kept:
        on_step(_("publication au catalogue"))
        _publish(result, folder, work)
    told = json.loads((folder / "manifest.json").read_bytes())
    return {
        "study": study.id,
        "title": study.title,
        "kept": is_kept,
        "outputs": told["outputs"],
        "counters": told["counters"],
    }


# Make the record of a study.
def _publish(result: "CoverageResult", folder: Path, work: _Work) -> None:
    from geoguichet.coverage.publish import publish

    seen = audience_of_study(folder)
    owner = owner_of_study(folder).get("organisation", "")
    publish(result, work.ground.workspace, audience_of_it=seen, owner=owner)


def _site_kiosks(work: _Work) -> dict[str, Any]:
    from geoguichet.coverage.run import STEPS, run

    study = study_asked(work.inputs, work.ground, work.viewer)
    result = run(study, workspace=work.ground.workspace, on_step=work.of(len(STEPS)))
    told: dict[str, Any] = json.loads(result.kiosks.to_json())
    names = ("model", "sense", "value", "bound", "gap", "status")
    return told | {"plan": {name: getattr(result.plan, name) for name in names}}


def _compare(work: _Work) -> dict[str, Any]:
    from geoguichet.coverage.compare import compare
    from geoguichet.coverage.run import STEPS, run

    on_step = work.of(2 * len(STEPS))

    def side(asked: Any) -> Any:
        if isinstance(asked, str):
            return work.ground.study(work.viewer, asked)
        study = study_asked(asked, work.ground, work.viewer)
        return run(study, workspace=work.ground.workspace, on_step=on_step)

    return compare(*(side(work.inputs[name]) for name in ("before", "after"))).as_dict()


def _sensitivity(work: _Work) -> dict[str, Any]:
    from geoguichet.coverage.sensitivity import CONGESTION, THRESHOLDS, sensitivity

    study = study_asked(work.inputs, work.ground, work.viewer, "thresholds", "congestion")
    thresholds = work.inputs.get("thresholds", THRESHOLDS)
    congestion = work.inputs.get("congestion", CONGESTION)
    on_step = work.of(6 + 2 * len(thresholds) * len(congestion))
    told = sensitivity(study, thresholds=thresholds, congestion=congestion, on_step=on_step)
    return told.as_dict()


def _isochrones(work: _Work) -> bytes:
    import geopandas as gpd

    from geoguichet.coverage.analysis.isochrones import isochrones
    from geoguichet.coverage.study.choices import open_router

    study = router_study(work.inputs, work.ground, work.viewer)
    router = open_router(study.router, beside=work.ground.workspace)
    points = gpd.GeoSeries(gpd.points_from_xy(*zip(*work.inputs["points"], strict=True)), crs=4326)
    asked = {"cell": work.inputs["cell"]} if "cell" in work.inputs else {}
    told = isochrones(points, work.inputs["within"], router=router, **asked)
    return bytes(told.polygons.to_json().encode())


def _nearest(work: _Work) -> dict[str, Any]:
    from geoguichet.portal.counters import answered
    from geoguichet.portal.kept import index_of

    ground = work.ground
    index = index_of(ground.workspace, ground.region, ground.territory, viewer=work.viewer)
    return answered(index, work.inputs)


def _harvest(work: _Work) -> dict[str, Any]:
    from geoguichet.catalogue.intake.harvest.kinds import open_source, read_sources
    from geoguichet.catalogue.intake.harvest.run import MAX_SHRINK, harvest

    known = {one.name: one for one in read_sources(work.ground.workspace / "harvest.toml")}
    if (name := work.inputs["source"]) not in known:
        told = _("source : {name} est inconnue ; attendu {names}.",
                 name=name, names=", ".join(known))  # fmt: skip
        raise ParameterError(told)
    source = known[name]
    done = harvest(
        open_source(source.kind, source.url, name),
        work.ground.workspace,
        name=name,
        kind=source.kind,
        max_shrink=MAX_SHRINK if source.max_shrink is None else source.max_shrink,
        on_progress=work.count,
    )
    findings = [finding.as_dict() for finding in done.findings]
    return {"status": done.status, "counts": dict(done.counts), "findings": findings}


def _import(work: _Work) -> dict[str, Any]:
    from geoguichet.catalogue.intake.exchange import import_files

    with TemporaryDirectory() as folder:
        file = Path(folder) / f"document{Path(work.inputs['name']).suffix}"
        file.write_text(work.inputs["document"], encoding="utf-8")
        done = import_files(
            file,
            work.ground.workspace,
            by=work.viewer.person or "import",
            on_progress=work.count,
        )
        findings = [finding.as_dict() for finding in done.findings]
    said = done.summary
    counts = {"read": said.total, "new": said.created, "changed": said.updated}
    return {"counts": {**counts, "unchanged": said.unchanged}, "findings": findings}


def _check(work: _Work) -> list[dict[str, Any]]:
    from geoguichet.catalogue.quality.judging import judge

    wanted = [work.inputs["id"]] if "id" in work.inputs else []
    judged = judge(
        work.ground.workspace,
        wanted,
        viewer=work.viewer,
        on_progress=work.count,
    )
    return [
        item.checked.as_dict() | {"organisation": item.organisation, "source": item.source}
        for item in judged
    ]


_ANSWERS: Mapping[str, Callable[[_Work], Any]] = {
    "white-zones": _white_zones,
    "study": _study,
    "site-kiosks": _site_kiosks,
    "compare": _compare,
    "sensitivity": _sensitivity,
    "isochrones": _isochrones,
    "nearest": _nearest,
    "harvest": _harvest,
    "import": _import,
    "check": _check,
}
