"""``bongsu up`` as somebody tries it: sign in, submit the demo, see what came of it; another ministry sees nothing."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from confirming import confirm
from mlflow import MlflowClient
from runbook_demonstration import demonstrated
from test_command_line import Shell

ROOT = Path(__file__).parents[2]
DEMO = str(ROOT / "pipelines" / "demo.yaml")
MOST_MINUTES = 20


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


def test_the_demo_runs_by_submit_and_is_there_for_its_ministry_alone(up: Up) -> None:
    engineer, stranger = up.signed_in("mnd/engineer"), up.signed_in("army/engineer")
    engineer("submit", DEMO, "--watch", timeout_s=MOST_MINUTES * 60)
    run = engineer.json("show", "latest")
    assert run["run"]["state"] == "succeeded"
    measured = [one for one in run["variants"] if one["metrics"]]
    assert len(measured) == 6
    assert all(one["page"].startswith(f"{up.url}/mlflow/#/experiments/") for one in measured)
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

    assert stranger.json("runs") == stranger.json("models") == stranger.json("search", "axk1") == []
    hidden = stranger("show", run["run"]["id"], status=3).stderr
    nowhere = stranger("show", "r-00000000000z", status=3).stderr
    assert hidden.replace(run["run"]["id"], "r-00000000000z") == nowhere
