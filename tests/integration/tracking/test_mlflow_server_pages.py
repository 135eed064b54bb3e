"""``bongsu mlflow`` shows what a home holds, to this machine only, and leaves nothing behind."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

from bongsu.domain.artifact import ArtifactRef, ArtifactType
from bongsu.domain.ids import Digest
from bongsu.domain.publication import PublishedTree, RunOpened, StageFinished
from bongsu.tracking.publisher import MlflowPublisher
from bongsu.tracking.settings import TrackingSettings

NOW = datetime(2026, 11, 1, 9, 0, tzinfo=UTC)
MADE = ArtifactRef(digest=Digest("sha256-" + "c" * 64), type=ArtifactType.MODEL, size=9)
START_S = 120.0


def free_port() -> int:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


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


def answered(url: str, server: subprocess.Popen[bytes]) -> bytes:
    deadline = time.monotonic() + START_S
    while True:
        assert server.poll() is None, "the server ended"
        try:
            with urlopen(url, timeout=5) as answer:
                return bytes(answer.read())
        except (URLError, OSError):
            assert time.monotonic() < deadline, "nobody answers"
            time.sleep(0.2)


def test_the_pages_of_a_home_are_served_until_ctrl_c(tmp_path: Path) -> None:
    home, elsewhere = tmp_path / "home", tmp_path / "elsewhere"
    home.mkdir()
    elsewhere.mkdir()
    path = published(home)
    port = free_port()
    command = [sys.executable, "-m", "bongsu.cli.main", "--home", str(home), "mlflow", "--port", str(port)]
    server = subprocess.Popen(
        command, cwd=elsewhere, start_new_session=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        assert b"<html" in answered(f"http://127.0.0.1:{port}/", server)
        model = path.rpartition("/")[2]
        found = answered(f"http://127.0.0.1:{port}/api/2.0/mlflow/logged-models/{model}", server)
        tags = {tag["key"]: tag["value"] for tag in json.loads(found)["model"]["info"]["tags"]}
        assert tags["bongsu.digest"] == MADE.digest
        os.kill(server.pid, signal.SIGINT)
        server.wait(30)
    finally:
        if server.poll() is None:
            os.killpg(server.pid, signal.SIGKILL)
            server.wait(10)
    assert not list(elsewhere.iterdir()), "nothing is left where it was started"
    with closing(socket.socket()) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind(("127.0.0.1", port))  # nobody listens any more
