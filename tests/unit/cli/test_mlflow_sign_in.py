"""A program with MLflow's own client that goes on for longer than a token: signed in as commands are, and plainly."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from cli_shell import Shell
from lapsing_server import LapsingServer, lapsing_server
from live_api import sign_in
from login_server import FOUND, login_server

from bongsu.client.contexts import change_contexts, load_contexts

TOKEN_LIFE_S = 600
TRAINING = """
import sys, threading
import mlflow
from mlflow.exceptions import MlflowException

def log(step):
    mlflow.log_metric("loss", 1.0 / step, step=step, run_id=run.info.run_id)

def all_at_once(steps):
    raised = []
    def one(step):
        try:
            log(step)
        except MlflowException as error:
            raised.append(str(error))
    threads = [threading.Thread(target=one, args=(step,)) for step in steps]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return raised

mlflow.set_experiment("trials")
run = mlflow.start_run()
log(1)
print("begun", flush=True)
sys.stdin.readline()
raised = all_at_once(range(2, 8))
if not raised:
    open("weights.bin", "wb").write(b"w" * 3_000_000)
    mlflow.log_artifact("weights.bin")
    mlflow.end_run()
    history = mlflow.MlflowClient().get_metric_history(run.info.run_id, "loss")
    assert len({one.step for one in history}) == 7, history
print(raised[0].replace("\\n", " ") if raised else "whole", flush=True)
"""


class Training:
    """A program that has begun, and goes on when it is told."""

    def __init__(self, folder: Path, server: LapsingServer, **environment: str) -> None:
        folder.mkdir()
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("MLFLOW_")}
        given = {"MLFLOW_TRACKING_URI": f"{server.url}/mlflow", "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1"}
        self._process = subprocess.Popen(
            [sys.executable, "-c", TRAINING],
            cwd=folder,
            env=inherited | given | environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def begun(self) -> Training:
        assert self._process.stdout is not None
        while (line := self._process.stdout.readline()) != "begun\n":
            assert line, self._process.communicate()[1]
        return self

    def end(self) -> str:
        """What it says at its end."""
        told, errors = self._process.communicate("\n", timeout=120)
        said = [line for line in told.splitlines() if line and not line.startswith(("🏃", "🧪"))]
        return said[-1] if said else errors


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "settings"))
    monkeypatch.delenv("BONGSU_CONTEXT", raising=False)
    return tmp_path / "settings"


@pytest.fixture
def server(
    shell: Shell, settings: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[LapsingServer]:
    """Where this machine is signed in as ``mnd/ci``, an engineer, with the secret in BONGSU_SECRET."""
    home = tmp_path / "served"
    with login_server() as login:
        said = shell("--home", str(home), "ministries", *FOUND, "--issuer", login.url, "--subject", "op-1")
        assert said.status == 0, said.error
        with lapsing_server(home, login.url) as found:
            sign_in(settings, found.url, login.token("op-1"))
            assert shell("service-accounts", "add", "mnd/ci", "--name", "CI").status == 0
            assert shell("people", "give-role", "mnd/ci", "engineer").status == 0
            monkeypatch.setenv("BONGSU_SECRET", shell("service-accounts", "secret", "mnd/ci").out.strip())
            said = shell("login", found.url, "--service-account", "mnd/ci", "--name", "ci")
            assert said.status == 0, said.error
            yield found


def test_a_training_that_is_longer_than_a_token_goes_on_signed_in_and_plainly_does_not(
    server: LapsingServer, shell: Shell, tmp_path: Path
) -> None:
    told = json.loads(shell("mlflow", "--json").out)
    assert told["variables"] == {
        "MLFLOW_TRACKING_URI": f"{server.url}/mlflow",
        "MLFLOW_TRACKING_AUTH": "bongsu",
        "BONGSU_CONTEXT": "ci",
    }
    token = shell("token").out.strip()
    short = Training(tmp_path / "short", server, MLFLOW_TRACKING_TOKEN=token).begun()
    assert short.end() == "whole", "a token alone does while it lasts"
    signed = [
        Training(tmp_path / name, server, **told["variables"], MLFLOW_TRACKING_TOKEN="of no use").begun()
        for name in ("one", "two")
    ]
    plain = Training(tmp_path / "plain", server, MLFLOW_TRACKING_TOKEN=token).begun()
    # Whoever has signed in elsewhere meanwhile has not changed in whose name a program goes on.
    assert shell("context", "use", "local").status == 0
    server.go_on(TOKEN_LIFE_S + 60)
    assert "UNAUTHENTICATED" in plain.end()
    assert [one.end() for one in signed] == ["whole", "whole"]
    assert shell("--context", "ci", "token").out.strip() != token, "the newer one is kept for others"


def test_a_token_that_is_about_to_end_is_renewed_before_it_is_refused(
    server: LapsingServer, settings: Path, tmp_path: Path
) -> None:
    path = settings / "bongsu" / "contexts.json"
    held = load_contexts(path).known["ci"]
    assert held.sign_in is not None
    over = held.model_copy(update={"sign_in": held.sign_in.model_copy(update={"expires_at": 1.0})})
    change_contexts(path, lambda known: known.with_context("ci", over, is_current=True))
    training = Training(tmp_path / "one", server, MLFLOW_TRACKING_AUTH="bongsu").begun()
    assert training.end() == "whole"
    newer = load_contexts(path).known["ci"].sign_in
    assert newer is not None
    assert newer.access_token != held.sign_in.access_token


def test_nobody_else_is_given_the_token(server: LapsingServer, tmp_path: Path) -> None:
    elsewhere = {"MLFLOW_TRACKING_URI": "http://127.0.0.1:9/mlflow", "MLFLOW_TRACKING_AUTH": "bongsu"}
    with pytest.raises(AssertionError) as caught:
        Training(tmp_path / "one", server, **elsewhere).begun()
    assert "[client.other-server]" in str(caught.value)


def test_where_nobody_is_signed_in_the_program_is_told(server: LapsingServer, tmp_path: Path) -> None:
    with pytest.raises(AssertionError) as caught:
        Training(tmp_path / "one", server, MLFLOW_TRACKING_AUTH="bongsu", BONGSU_CONTEXT="local").begun()
    assert "[client.no-server-for-mlflow]" in str(caught.value)
