"""Bundles: a model version as one file for another house, and models that come in from one."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import Response

from bongsu.api.answers import answer
from bongsu.api.asking import AskedFirst, Asker, Asking, asks_for
from bongsu.api.openapi import as_well, only_as
from bongsu.api.uploads import folder_for_files, intake_of, receive, refuse_strange_title
from bongsu.api.whole_reads import in_turn
from bongsu.domain.codes import audit
from bongsu.domain.model_bundles import House
from bongsu.domain.phrases import as_phrase
from bongsu.domain.signed_notes import VerifierKey
from bongsu.policy.access import Permission
from bongsu.service.model_bundles.exporting import Export, check_under_way, export_model
from bongsu.service.model_bundles.importing import Imported, import_bundle

router = APIRouter(prefix="/v1/ministries/{ministry}", tags=["models, data sets, lineage"], route_class=AskedFirst)
DOCUMENT = "Bongsu-Document"
_TAR = "application/x-tar"
_BUNDLE = {"requestBody": {"required": True, "content": {_TAR: {"schema": {}}}}}


@router.get("/models/{model}/{version}/bundle", **only_as(_TAR), **asks_for(Permission.ARTIFACT_READ))
async def export(
    request: Request,
    asker: Asking,
    ministry: str,
    model: str,
    version: str,
    target: Annotated[
        str, Query(max_length=300, description="The ministry that gets it, or its installation: `msit/SITE`.")
    ],
) -> Response:
    """A version of a model as one signed file, if its transfer is approved at this moment. All its bytes are read
    before; that it was given, to whom and for what, is in the log before the first of them. The header
    `Bongsu-Document` is the digest of what is signed."""
    reference = f"{model}@{version}"

    def make(now: Asker) -> Export:
        return export_model(now.of_member(ministry), now.plane.log_keys(), reference, target)

    def look_again(now: Asker) -> None:
        check_under_way(now.of_member(ministry), reference, target)

    with ExitStack() as held:
        held.enter_context(asker.reading())
        await run_in_threadpool(asker.of_member, ministry)
        made = await in_turn(request, asker, make)
        headers = {"Content-Length": str(made.size), "Cache-Control": "no-store", DOCUMENT: made.document}
        return asker.hand_out(made.pieces, _TAR, headers, look_again, held=held.pop_all())


@router.post(
    "/model-bundles",
    status_code=201,
    **as_well("application/json", status=200),
    **asks_for(Permission.MODEL_IMPORT, _BUNDLE, gives=Imported),
)
async def take_in(
    request: Request,
    asker: Asking,
    ministry: str,
    key: Annotated[
        list[str],
        Query(max_length=10, description="Public keys of the giver's log; one of them has to have signed."),
    ],
    title: Annotated[
        str, Query(max_length=200, description="What the file is called on the client's machine.")
    ] = "",
) -> Response:
    """Take in the model of a bundle: all of it with its label, or nothing. Once more changes nothing (200)."""
    platform = await run_in_threadpool(asker.within, ministry)
    refuse_strange_title(title)
    keys = [_key(one) for one in key]
    async with folder_for_files(platform) as folder:
        archive = folder / "bundle.tar"
        await receive(request, archive)
        here = House(ministry, asker.plane.site)

        def take(_has_left: Callable[[], bool]) -> Imported:
            return import_bundle(asker.within_still(ministry), archive, keys, here, title or "bundle")

        taken = await intake_of(request).take(request, asker.actor.id, take)
    return answer(request, taken, status=201 if taken.created else 200)


def _key(text: str) -> VerifierKey:
    try:
        return VerifierKey.parse(text)
    except ValueError as error:
        raise audit.BAD_KEY.error(None, "query.key", key=text, detail=as_phrase(str(error))) from None
