"""``bongsu up`` as somebody tries it: sign in, submit the demo, see what came of it; another ministry sees nothing."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from confirming import confirm
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException
from runbook_demonstration import demonstrated
from test_command_line import Shell

ROOT = Path(__file__).parents[2]
DEMO = str(ROOT / "pipelines" / "demo.yaml")
MOST_MINUTES = 20
TOLD_S = 60.0


@dataclass
class Up:
    """A server that runs, and the passwords that it printed."""

    url: str
    passwords: dict[str, str]
    folder: Path

    def signed_in(self, login: str) -> Shell:
        """The commands of somebody who signed in by code, each on a machine of their own."""
        folder = self.folder / login.replace("/", "-")
        folder.mkdir(exist_ok=True)
        shell = Shell(folder)
        del shell.environment["BONGSU_HOME"]
        shell.environment |= {"XDG_CONFIG_HOME": str(folder), "HOME": str(folder)}
        asking = shell.start("login", self.url)
        assert asking.stdout is not None
        page = re.search(r"http\S+", asking.stdout.readline())
        assert page is not None
        confirm(page[0], login, self.passwords[login])
        assert asking.wait(60) == 0, asking.communicate()
        return shell


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    folder = tmp_path_factory.mktemp("up")
    with demonstrated(folder, started_in=ROOT) as found:
        yield Up(found.url, found.passwords, folder)


def _alias_follows(up: Up, engineer: Shell, client: MlflowClient, token: str) -> None:
    """An approval and a suspension reach MLflow although the server has nothing else to do."""

    def standing() -> str:
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("MLFLOW_TRACKING_TOKEN", token)
            try:
                return str(client.get_model_version_by_alias("axk1-nano-law", "production").version)
            except MlflowException:
                return ""

    until = (datetime.now(UTC) + timedelta(days=90)).date().isoformat()
    bound = ("--reason", "It is good", "--evidence-until", until)
    engineer("approvals", "propose", "promotion", "model:axk1-nano-law/1", "production", *bound)
    (proposal,) = engineer.json("approvals", "list")
    for approver in ("mnd/approver1", "mnd/approver2"):
        said = ("--digest", proposal["digest"], "--reason", "I have looked")
        up.signed_in(approver)("approvals", "approve", proposal["id"], *said)
    engineer("approvals", "apply", proposal["id"])
    _await(lambda: standing() == "1")
    up.signed_in("mnd/accreditor")("models", "suspend", "axk1-nano-law/1", "--reason", "It leaks")
    _await(lambda: standing() == "")


def _await(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + TOLD_S
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.5)


def test_the_demo_runs_by_submit_and_is_there_for_its_ministry_alone(up: Up) -> None:
    engineer, stranger = up.signed_in("mnd/engineer"), up.signed_in("army/engineer")
    engineer("submit", DEMO, "--watch", timeout_s=MOST_MINUTES * 60)
    run = engineer.json("show", "latest")
    assert run["run"]["state"] == "succeeded"
    measured = [one for one in run["variants"] if one["metrics"]]
    assert len(measured) == 6
    assert all(one["page"].startswith(f"{up.url}/mlflow/#/experiments/") for one in measured)
    assert all(one["page"].endswith("?workspace=mnd") and one["page"].count("?") == 1 for one in measured)
    (version,) = engineer.json("models")
    assert version["digest"] == min(measured, key=lambda one: int(one["weightsBytes"]))["digest"]
    assert "package:konlpy/konlpy/data/corpus" in engineer("lineage", "axk1-nano-law@1").stdout
    again = engineer("submit", DEMO, "--watch", timeout_s=300).stdout
    assert "cached" in again

    token = engineer("token").stdout.strip()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MLFLOW_TRACKING_TOKEN", token)
        client = MlflowClient(f"{up.url}/mlflow", registry_uri=f"{up.url}/mlflow")
        (found,) = client.search_model_versions("name = 'axk1-nano-law'")
        assert found.version == "1"
        patch.setenv("MLFLOW_TRACKING_TOKEN", stranger("token").stdout.strip())
        assert list(client.search_model_versions("name = 'axk1-nano-law'")) == []

    _alias_follows(up, engineer, client, token)
    assert stranger.json("runs") == stranger.json("models") == stranger.json("search", "axk1") == []
    hidden = stranger("show", run["run"]["id"], status=3).stderr
    nowhere = stranger("show", "r-00000000000z", status=3).stderr
    assert hidden.replace(run["run"]["id"], "r-00000000000z") == nowhere
    for path, goes_to in (("/mlflow", "/mlflow/"), ("/v1/runs/", None)):
        named = httpx.get(up.url + path, headers={"Host": "elsewhere.example"}, trust_env=False)
        assert named.headers.get("location") == goes_to, "never to the host that a request names"
