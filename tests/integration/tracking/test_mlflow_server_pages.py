"""``bongsu mlflow`` shows what a home holds, to this machine only, and leaves nothing behind."""

from __future__ import annotations

import json
import socket
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import httpx
from mlflow_server import serving_pages

from bongsu.domain.artifact import ArtifactRef, ArtifactType
from bongsu.domain.ids import Digest
from bongsu.domain.publication import PublishedTree, RunOpened, StageFinished
from bongsu.tracking.publisher import MlflowPublisher
from bongsu.tracking.settings import TrackingSettings

STRANGE = (
    ("GET", "/"),
    ("GET", "/health"),
    ("GET", "/ajax-api/2.0/mlflow/experiments/search?max_results=1"),
    ("POST", "/api/2.0/mlflow/experiments/create"),
    ("POST", "/graphql"),
    ("POST", "/v1/traces"),
)
NOW = datetime(2026, 11, 1, 9, 0, tzinfo=UTC)
MADE = ArtifactRef(digest=Digest("sha256-" + "c" * 64), type=ArtifactType.MODEL, size=9)


def published(home: Path) -> str:
    """The path of the page of a model that a run made."""
    opened = RunOpened(
        run_id="r-1",
        pipeline="law",
        ministry="mnd",
        plan_hash=MADE.digest,
        purpose="문서 검색",
        use_class="administration",
        time=NOW,
    )
    adapted = StageFinished(
        run_id="r-1",
        stage_id="adapt",
        attempt=1,
        title="adapt",
        uses="train.continue",
        pipeline="law",
        state="succeeded",
        outputs=(PublishedTree(port="model", title="adapt", ref=MADE),),
        started_at=NOW,
        finished_at=NOW,
    )
    (page,) = MlflowPublisher(TrackingSettings.embedded(home)).publish([opened, adapted])
    return page.path


def test_the_pages_of_a_home_are_served_until_ctrl_c(tmp_path: Path) -> None:
    home, elsewhere = tmp_path / "home", tmp_path / "elsewhere"
    home.mkdir()
    elsewhere.mkdir()
    model = published(home).rpartition("/")[2]
    with serving_pages(home, elsewhere) as server:
        assert b"<html" in server.answer("/")
        found = server.answer(f"/api/2.0/mlflow/logged-models/{model}")
        tags = {tag["key"]: tag["value"] for tag in json.loads(found)["model"]["info"]["tags"]}
        assert tags["bongsu.digest"] == MADE.digest
        without = httpx.Client(base_url=server.address, trust_env=False)
        for method, path in STRANGE:
            assert without.request(method, path, json={"name": "x"}).status_code == 401, path
        shown = httpx.get(f"{server.address}/?key={server.key}", follow_redirects=True, trust_env=False)
        assert (shown.status_code, b"<html" in shown.content) == (200, True)
        assert httpx.get(f"{server.address}/?key=none", follow_redirects=True, trust_env=False).status_code == 401
        server.interrupt()
    assert not list(elsewhere.iterdir()), "nothing is left where it was started"
    with closing(socket.socket()) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind(("127.0.0.1", server.port))  # nobody listens any more
