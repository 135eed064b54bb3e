"""Artifacts: what is known of one, its files, and new ones from a client's machine."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated

from anyio import CancelScope
from fastapi import APIRouter, Query, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import Response, StreamingResponse

from bongsu.api.answers import Fields, answer
from bongsu.api.asking import Asking, asks_for
from bongsu.api.openapi import only_as
from bongsu.domain.codes import api as codes
from bongsu.domain.labels import Label
from bongsu.domain.messages import N_
from bongsu.domain.phrases import phrase
from bongsu.domain.unseen import first_unseen
from bongsu.policy.access import Permission
from bongsu.service.artifacts import ArtifactDetails, open_file, show_artifact
from bongsu.service.platform import Platform
from bongsu.service.uploading import Uploaded, take_upload, upload_folder

router = APIRouter(prefix="/v1/ministries/{ministry}/artifacts", tags=["artifacts"])
MOST_BYTES = 1 << 40
_PIECE = 1 << 20
_BYTES = "application/octet-stream"
_ARCHIVE = {"requestBody": {"required": True, "content": {"application/x-tar": {"schema": {}}}}}


@router.get("/{digest}", **asks_for(Permission.ARTIFACT_READ, gives=ArtifactDetails))
def show(request: Request, asker: Asking, ministry: str, digest: str, fields: Fields = "") -> Response:
    """An artifact: type, size, label, who made it, its files with their digests."""
    return answer(request, show_artifact(asker.within(ministry), digest), fields)


@router.get("/{digest}/files/{path:path}", **only_as(_BYTES), **asks_for(Permission.ARTIFACT_READ))
def read(asker: Asking, ministry: str, digest: str, path: str) -> Response:
    """The bytes of one of its files."""
    file, size = open_file(asker.within(ministry), digest, path)

    def pieces() -> Iterator[bytes]:
        with file:
            while piece := file.read(_PIECE):
                yield piece

    headers = {"Content-Length": str(size), "ETag": f'"{digest}"', "Cache-Control": "private, no-cache"}
    return StreamingResponse(pieces(), media_type=_BYTES, headers=headers)


@router.post("", status_code=201, **asks_for(Permission.ARTIFACT_ADD, _ARCHIVE, gives=Uploaded))
async def upload(
    request: Request,
    asker: Asking,
    ministry: str,
    title: Annotated[str, Query(max_length=200, description="What the files are called on the client's machine.")],
    label: Annotated[str, Query(max_length=500, description="E.g. `S/logistics`; what cards say, if higher.")] = "",
    is_model: Annotated[bool, Query(alias="isModel")] = False,
) -> Response:
    """Take in files: the body is a tar archive without compression."""
    platform = await run_in_threadpool(asker.within, ministry)
    refuse_strange_title(title)
    try:
        stated = Label.parse(label) if label else None
    except ValueError:
        raise codes.BAD_REQUEST.error(place="query.label", detail=f"{label!r} is no label") from None
    async with folder_for_files(platform) as folder:
        archive = folder / "files.tar"
        await receive(request, archive)
        taken = await run_in_threadpool(take_upload, platform, archive, title, stated, is_model=is_model)
    return answer(request, taken, status=201)


@asynccontextmanager
async def folder_for_files(platform: Platform) -> AsyncIterator[Path]:
    """As :func:`bongsu.service.uploading.upload_folder`. It is made and deleted beside the event loop: what was
    unpacked into it may be very many files."""
    folder = upload_folder(platform)
    # A request that is given up still clears away what it had begun.
    with CancelScope(shield=True):
        path = await run_in_threadpool(folder.__enter__)
    try:
        yield path
    except BaseException as error:
        with CancelScope(shield=True):
            if not await run_in_threadpool(folder.__exit__, type(error), error, error.__traceback__):
                raise
    else:
        with CancelScope(shield=True):
            await run_in_threadpool(folder.__exit__, None, None, None)


async def receive(request: Request, place: Path) -> None:
    """Write the body into a new file. Raises ``api.too-large``."""
    seen = 0
    with place.open("xb") as file:
        async for piece in request.stream():
            seen += len(piece)
            if seen > MOST_BYTES:
                raise codes.TOO_LARGE.error(limit=MOST_BYTES)
            await run_in_threadpool(file.write, piece)


def refuse_strange_title(title: str) -> None:
    """Raises ``api.bad-request`` for what would not be seen as it is."""
    if unseen := first_unseen(title):
        words = phrase(N_("it holds {character}, which nobody sees"), character=unseen)
        raise codes.BAD_REQUEST.error(place="query.title", detail=words)
    if set(title) & set("\t\r\n"):
        raise codes.BAD_REQUEST.error(place="query.title", detail=phrase(N_("it is not one line")))
