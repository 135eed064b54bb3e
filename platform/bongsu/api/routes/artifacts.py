"""Artifacts: which there are, what is known of one, its files, and new ones from a client's machine."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import Response

from bongsu.api.answers import Fields, Ministry, Page, answer
from bongsu.api.asking import AskedFirst, Asker, Asking, asks_for
from bongsu.api.listing import Listing
from bongsu.api.openapi import only_as
from bongsu.api.uploads import folder_for_files, intake_of, receive, refuse_strange_title
from bongsu.artifacts.sending import PIECE
from bongsu.domain.codes import api as codes
from bongsu.domain.labels import Label
from bongsu.policy.access import Permission
from bongsu.service.artifacts import ArtifactDetails, ListedArtifact, list_artifacts, open_file, show_artifact
from bongsu.service.uploading import Uploaded, take_upload
from bongsu.store.artifact_lists import ARTIFACTS, artifact_key

router = APIRouter(prefix="/v1", tags=["artifacts"], route_class=AskedFirst)
_ONE = "/ministries/{ministry}/artifacts/{digest}"
_BYTES = "application/octet-stream"
_ARCHIVE = {"requestBody": {"required": True, "content": {"application/x-tar": {"schema": {}}}}}


@router.get("/artifacts", **asks_for(Permission.ARTIFACT_READ, gives=Page[ListedArtifact]))
def artifacts(asker: Asking, listing: Listing, ministry: Ministry = None) -> Response:
    """Artifacts of the asker's ministries, newest first."""
    platform = asker.everywhere() if ministry is None else asker.within(ministry)
    found = list_artifacts(platform, listing.of(ARTIFACTS))
    asker.note_list("list:artifacts", ((one.ministry, one.label) for one in listing.shown(found)))
    return listing.answer(found, artifact_key)


@router.get(_ONE, **asks_for(Permission.ARTIFACT_READ, gives=ArtifactDetails))
def show(request: Request, asker: Asking, ministry: str, digest: str, fields: Fields = "") -> Response:
    """An artifact: type, size, label, who made it, its files with their digests."""
    return answer(request, show_artifact(asker.within(ministry), digest), fields)


@router.get(_ONE + "/files/{path:path}", **only_as(_BYTES), **asks_for(Permission.ARTIFACT_READ))
def read(asker: Asking, ministry: str, digest: str, path: str) -> Response:
    """The bytes of one of its files."""
    asker.check_reading()
    file, size = open_file(asker.within(ministry), digest, path)
    headers = {"Content-Length": str(size), "ETag": f'"{digest}"', "Cache-Control": "private, no-cache"}

    def look_again(now: Asker) -> object:
        return show_artifact(now.within(ministry), digest)

    return asker.hand_out(iter(partial(file.read, PIECE), b""), _BYTES, headers, look_again, file.close)


@router.post(
    "/ministries/{ministry}/artifacts",
    status_code=201,
    **asks_for(Permission.ARTIFACT_ADD, _ARCHIVE, gives=Uploaded),
)
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

        def take(has_left: Callable[[], bool]) -> Uploaded:
            now = asker.within_still(ministry)
            return take_upload(now, archive, title, stated, is_model=is_model, has_left=has_left)

        taken = await intake_of(request).take(request, asker.actor.id, take)
    return answer(request, taken, status=201)
