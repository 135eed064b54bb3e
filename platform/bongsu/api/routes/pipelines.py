"""Pipelines: checked, planned, submitted; and the stages that they are made of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Request
from fastapi.responses import Response
from pydantic import ConfigDict, Field
from pydantic.alias_generators import to_camel

from bongsu.api.answers import Fields, IdempotencyKey, Page, answer
from bongsu.api.asking import AskedFirst, Asking, asks_for, for_signed_in
from bongsu.api.bodies import Body
from bongsu.api.listing import Listing
from bongsu.api.openapi import as_well
from bongsu.domain.ids import Digest
from bongsu.language.problems import told
from bongsu.policy.access import Permission
from bongsu.service.documents import PlanDocument, plan_document
from bongsu.service.plane import PlanShown
from bongsu.service.stages_described import STAGES, StageDescribed, list_stages, show_stage
from bongsu.service.submissions import (
    MOST_BESIDE,
    MOST_BYTES_BESIDE,
    MOST_BYTES_OF_ALL_BESIDE,
    HandedIn,
    check_handed_in,
    prepare_handed_in,
    submit_handed_in,
)
from bongsu.store.records import PublicRun

router = APIRouter(prefix="/v1", tags=["pipelines"], route_class=AskedFirst)
DIGEST = r"^sha256-[0-9a-f]{64}$"


class PipelineRequest(Body):
    """A pipeline file, and what goes with it."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True)
    read_elsewhere = frozenset({"text", "overrides"})

    text: str = Field(max_length=1_500_000, description="The YAML text.")
    file: str = Field(default="pipeline.yaml", max_length=500, description="What it is called in messages.")
    overrides: dict[str, str] = Field(
        default_factory=dict, description="Values of parameters, as `--set` has them."
    )
    uploaded: dict[str, Annotated[str, Field(pattern=DIGEST)]] = Field(
        default_factory=dict,
        description="By input: the digest of the tree that was uploaded for its `file:` address.",
    )
    beside: dict[str, str] = Field(
        default_factory=dict,
        description="Requirements files and those that they include, by path relative to the pipeline: at most"
        f" {MOST_BESIDE} files, {MOST_BYTES_BESIDE:,} bytes each and {MOST_BYTES_OF_ALL_BESIDE:,} bytes together.",
    )

    def handed_in(self) -> HandedIn:
        uploaded = {name: Digest(digest) for name, digest in self.uploaded.items()}
        return HandedIn(self.text, self.file, self.overrides, uploaded, self.beside)


@dataclass(frozen=True)
class CheckedPipeline:
    """A file that is right on its own, and how many stages it has."""

    file: str
    name: str
    stages: int


@dataclass(frozen=True)
class SubmittedRun:
    """``created`` is False if an unfinished run of the same plan goes on."""

    run: PublicRun
    created: bool


@router.post("/pipelines/validate", **asks_for(Permission.PIPELINE_PLAN, gives=CheckedPipeline))
def validate(request: Request, asker: Asking, pipeline: PipelineRequest) -> Response:
    """Check a file on its own; inputs need not be there."""
    spec = check_handed_in(asker.plane, asker.actor, pipeline.handed_in())
    return answer(request, CheckedPipeline(pipeline.file, spec.metadata.name, len(spec.spec.stages)))


@router.post("/pipelines/plan", **asks_for(Permission.PIPELINE_PLAN, gives=PlanDocument))
def plan(request: Request, asker: Asking, pipeline: PipelineRequest) -> Response:
    """What a submit would do, without doing it."""
    _platform, prepared = prepare_handed_in(asker.plane, asker.actor, pipeline.handed_in())
    shown = PlanShown(prepared.plan, prepared.skipped, prepared.warnings, prepared.obstacles, prepared.grant)
    return answer(request, plan_document(shown, lambda problem: told(problem, asker.translate)))


@router.post(
    "/runs",
    status_code=201,
    tags=["runs"],
    **as_well("application/json"),
    **asks_for(Permission.RUN_SUBMIT, gives=SubmittedRun),
)
def submit(
    request: Request,
    asker: Asking,
    pipeline: PipelineRequest,
    idempotency_key: IdempotencyKey = "",
) -> Response:
    """Submit a pipeline. An unfinished run of the same plan goes on; a request that comes again with its
    ``Idempotency-Key`` is answered with the run that came of it."""
    submission = submit_handed_in(asker.plane, asker.actor, pipeline.handed_in(), idempotency_key)
    document = SubmittedRun(submission.run.public, submission.created)
    response = answer(request, document, status=201 if submission.created else 200)
    response.headers["Location"] = f"/v1/runs/{submission.run.id}"
    return response


@router.get("/stages", **for_signed_in(gives=Page[StageDescribed]))
def stages(asker: Asking, listing: Listing) -> Response:
    """The stages that pipelines of this server can use, by name."""
    return listing.answer(STAGES.page(list_stages(), listing.of(STAGES)), STAGES.key)


@router.get("/stages/{uses}", **for_signed_in(gives=StageDescribed))
def stage(request: Request, asker: Asking, uses: str, fields: Fields = "") -> Response:
    """Inputs, outputs and parameters of a stage."""
    return answer(request, show_stage(uses), fields)
