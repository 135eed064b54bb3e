"""What the worker of an attempt asks with its own token: another token, and leave to read its inputs."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel

from bongsu.api.asking import AskedFirst, Asking, for_workers
from bongsu.domain.ids import AttemptId, Digest, RunId, StageId
from bongsu.domain.worker_leave import ReadLeave, WorkerToken
from bongsu.service.worker_access import leave_to_read, renewed_worker_token

router = APIRouter(prefix="/v1/attempts/{run}/{stage}/{number}", tags=["attempts"], route_class=AskedFirst)


def _attempt(run: str, stage: str, number: Annotated[int, Path(ge=1, le=1_000_000)]) -> AttemptId:
    return AttemptId(run_id=RunId(run), stage_id=StageId(stage), number=number)


Attempt = Annotated[AttemptId, Depends(_attempt)]


@router.post("/token", **for_workers(gives=WorkerToken))
def renew(asker: Asking, attempt: Attempt) -> Response:
    """Another token for the same attempt, and for how many seconds it holds."""
    return _told(renewed_worker_token(asker.plane.of_worker(asker.actor), asker.actor, attempt))


@router.get("/inputs/{digest}", **for_workers(gives=ReadLeave))
def leave(asker: Asking, attempt: Attempt, digest: str) -> Response:
    """Whether the attempt may read one of its inputs now; a no is an answer, with the rules that say so."""
    return _told(leave_to_read(asker.plane.of_worker(asker.actor), asker.actor, attempt, Digest(digest)))


def _told(document: BaseModel) -> Response:
    """With the words as they are translated later, by whoever reads why the attempt failed."""
    content: Any = document.model_dump(mode="json")
    return JSONResponse(content, headers={"Cache-Control": "no-store"})
