"""What is refused at MLflow's door leaves nothing behind."""

from __future__ import annotations

import asyncio
import gc
import weakref
from pathlib import Path
from typing import Any

import pytest

from bongsu.domain.codes import identity as codes
from bongsu.domain.people import Actor
from bongsu.service.mlflow_mount import NO_TOKEN, denial_of
from bongsu.tracking.governed.settings import GovernedSettings
from bongsu.tracking.governed.shell import Shell
from bongsu.tracking.governed.viewer import Denial, Viewer

KIM = Viewer("mnd/kim", frozenset({"mnd"}), "mnd", Actor("mnd/kim", "Kim").clearance)


class Asked(dict[str, Any]):
    """A scope of which it can be told whether somebody keeps it."""


@pytest.mark.parametrize("found", [NO_TOKEN, KIM])
def test_a_request_is_let_go_of_with_its_token(found: Viewer | Denial, tmp_path: Path) -> None:
    async def who(_scope: object) -> Viewer | Denial:
        return found

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def nothing(*_given: object) -> None:
        raise AssertionError("nobody comes as far as that")

    said: list[dict[str, Any]] = []

    async def send(message: Any) -> None:
        said.append(message)

    def refused() -> weakref.ref[Asked]:
        headers = [(b"authorization", b"Bearer secret")]
        asked = Asked(type="http", method="GET", path="/no/such", query_string=b"", headers=headers, root_path="")
        asyncio.run(shell(asked, receive, send))
        return weakref.ref(asked)

    settings = GovernedSettings("sqlite://", tmp_path.as_uri(), trees=lambda _tenant: None)  # type: ignore[arg-type, return-value]
    shell = Shell(nothing, nothing, settings, who)  # type: ignore[arg-type]
    kept = [refused() for _ in range(3)]
    gc.collect()
    assert [one() for one in kept] == [None] * 3
    assert {message["status"] for message in said if "status" in message} <= {401, 404}


def test_a_refusal_of_ours_is_in_mlflows_form_and_names_our_code() -> None:
    found = denial_of(codes.FOREIGN_PAGE.error())
    assert (found.status, found.code) == (403, "PERMISSION_DENIED")
    assert found.message.endswith("see `bongsu mlflow`. (identity.foreign-page)")
