"""Runs: lists, one in full, its plan, its metrics; cancelling and resuming one."""

from __future__ import annotations

from dataclasses import dataclass

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response

from bongsu.api.answers import Fields, IdempotencyKey, Page, answer
from bongsu.api.asking import AskedFirst, Asker, Asking, asks_for
from bongsu.api.listing import Listing
from bongsu.domain.documents import plain
from bongsu.domain.filters import FieldKind, OneOf
from bongsu.domain.paging import ShortList
from bongsu.domain.plan import RunPlan
from bongsu.domain.run import StageState
from bongsu.language.particles import settle_particles
from bongsu.language.problems import told
from bongsu.policy.access import Permission
from bongsu.service.cancelling import request_cancel
from bongsu.service.documents import RunDocument, StageDocument, run_document, stage_documents
from bongsu.service.repeating import request_key
from bongsu.service.report.collect import collect
from bongsu.service.report.page import render_page
from bongsu.service.resuming import resume
from bongsu.service.run_lists import page as page_of_runs
from bongsu.service.showing import MetricSeries, StageDetails, plan_of, run_metrics
from bongsu.service.summaries import RunSummary
from bongsu.service.variants import variants_of
from bongsu.service.watching import Look, RunProgress, watch_run
from bongsu.store.run_lists import RUNS

router = APIRouter(prefix="/v1/runs", tags=["runs"], route_class=AskedFirst)
_WORD, _TIME = FieldKind.WORD, FieldKind.TIME
STAGES = ShortList[StageDetails](
    key=lambda stage: (stage.record.position,),
    kinds=(int,),
    fields={
        "id": (_WORD, lambda stage: stage.planned.id),
        "title": (_WORD, lambda stage: stage.planned.title),
        "uses": (_WORD, lambda stage: stage.planned.uses),
        "label": (FieldKind.LABEL, lambda stage: str(stage.planned.label)),
        "state": (OneOf.of(StageState), lambda stage: stage.record.state),
        "startedAt": (_TIME, lambda stage: stage.record.started_at),
        "finishedAt": (_TIME, lambda stage: stage.record.finished_at),
    },
)
CURVES = ShortList[MetricSeries](
    key=lambda curve: (curve.stage_id, curve.name),
    kinds=(str, str),
    fields={"stageId": (_WORD, lambda curve: curve.stage_id), "name": (_WORD, lambda curve: curve.name)},
)


@dataclass(frozen=True)
class ServedRun(RunDocument):
    """A run, its stages in the plan's order, the models that came of it, why it did not succeed, and the id of who
    submitted it; empty where there was nobody to tell apart."""

    submitted_by: str


@router.get("", **asks_for(Permission.RUN_READ, gives=Page[RunSummary]))
def list_runs(asker: Asking, listing: Listing) -> Response:
    """Runs of the asker's ministries, newest first."""
    found = page_of_runs(asker.everywhere(), listing.of(RUNS))
    asker.note_list("list:runs", ((run.ministry, run.label) for run in listing.shown(found)))
    return listing.answer(found, RUNS.key)


@router.get("/{run}", **asks_for(Permission.RUN_READ, gives=ServedRun, about="run"))
def show(request: Request, asker: Asking, run: str, fields: Fields = "") -> Response:
    """A run, its stages with their attempts, and the models that came of it."""
    return answer(request, _document(asker, asker.look_closely(run)), fields, about="run")


@router.get("/{run}/stages", **asks_for(Permission.RUN_READ, gives=Page[StageDocument]))
def stages(asker: Asking, run: str, listing: Listing) -> Response:
    """Stages of a run with their attempts, in the plan's order."""
    wanted = listing.of(STAGES)
    look = asker.look_closely(run)
    found = STAGES.page(look.details.stages, wanted)
    return listing.answer(found, STAGES.key, lambda stage: plain(stage_documents([stage], look.progress)[0]))


@router.get("/{run}/stages/{stage}", **asks_for(Permission.RUN_READ, gives=StageDocument))
def one_stage(request: Request, asker: Asking, run: str, stage: str, fields: Fields = "") -> Response:
    """One stage with its attempts."""
    look = asker.look_closely(run)
    (document,) = stage_documents([look.details.stage(stage)], look.progress)
    return answer(request, document, fields)


@router.get("/{run}/plan", **asks_for(Permission.RUN_READ, gives=RunPlan))
def plan(request: Request, asker: Asking, run: str, fields: Fields = "") -> Response:
    """What the run does, as it was planned."""
    platform, record = asker.of_run(run)
    return answer(request, plan_of(platform, record.id), fields)


@router.get("/{run}/metrics", **asks_for(Permission.RUN_READ, gives=Page[MetricSeries]))
def metrics(asker: Asking, run: str, listing: Listing, stage: str | None = None) -> Response:
    """Curves: points of step, value and time, by stage and name."""
    wanted = listing.of(CURVES)
    platform, record = asker.of_run(run)
    return listing.answer(CURVES.page(run_metrics(platform, record.id, stage), wanted), CURVES.key)


@router.get("/{run}/progress", **asks_for(Permission.RUN_READ, gives=RunProgress))
def progress(request: Request, asker: Asking, run: str, fields: Fields = "") -> Response:
    """How far its stages are at this moment."""
    platform, record = asker.of_run(run)
    return answer(request, watch_run(platform, record.id), fields)


@router.get("/{run}/report", response_class=HTMLResponse, **asks_for(Permission.RUN_READ))
def report(asker: Asking, run: str) -> Response:
    """One self-contained HTML page about the run, in the reader's language."""
    platform, record = asker.of_run(run)
    page = render_page(collect(platform, record.id), asker.language, asker.translate, settle_particles)
    # Opened in a browser, nothing of it is run.
    headers = {"Content-Security-Policy": "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:"}
    return HTMLResponse(page, headers=headers | {"Cache-Control": "private, no-cache"})


@router.post("/{run}/cancel", status_code=202, **asks_for(Permission.RUN_CONTROL, gives=ServedRun))
def cancel(request: Request, asker: Asking, run: str, idempotency_key: IdempotencyKey = "") -> Response:
    """End a run. One that is being cancelled stays so; a request that comes again with its ``Idempotency-Key`` is no
    second one."""
    platform, record = asker.run_to_change(run, "run.cancel")
    request_cancel(platform, record.id, request_key(asker.actor.id, idempotency_key, "cancel", run))
    return answer(request, _document(asker, asker.look_closely(record.id)), status=202)


@router.post("/{run}/resume", status_code=202, **asks_for(Permission.RUN_CONTROL, gives=ServedRun))
def resume_it(request: Request, asker: Asking, run: str, idempotency_key: IdempotencyKey = "") -> Response:
    """Go on with a run that failed or was cancelled; a request that comes again with its ``Idempotency-Key`` is no
    second one."""
    platform, record = asker.run_to_change(run, "run.resume")
    resume(platform, record.id, request_key(asker.actor.id, idempotency_key, "resume", run))
    return answer(request, _document(asker, asker.look_closely(record.id)), status=202)


def _document(asker: Asker, look: Look) -> ServedRun:
    details = look.details
    problems = [told(details.problem, asker.translate)] if details.problem else []
    document = run_document(details, variants_of(look.platform, details), look.progress, problems)
    return ServedRun(**vars(document), submitted_by=look.record.submitted_by)
