"""What processes of a stage's own see of the worker's environment."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from installed_code import code_of

from bongsu.artifacts.local import LocalStore
from bongsu.domain.artifact import ArtifactType
from bongsu.domain.attempt import AttemptResult, AttemptSpec
from bongsu.domain.ids import AttemptId, RunId, StageId
from bongsu.domain.labels import OPEN
from bongsu.domain.pipeline import Environment
from bongsu.domain.resources import Resources
from bongsu.machine.python import python_command
from bongsu_stages.runtime import isolated
from bongsu_stages.runtime.surroundings import inherited, to_install, to_reach_store
from bongsu_stages.runtime.testing import probe

SECRETS = [
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "GITHUB_TOKEN",
    "HF_TOKEN",
    "MLFLOW_TRACKING_PASSWORD",
    "PGPASSWORD",
    "BONGSU_MASKING_KEY",
    "BONGSU_API_TOKEN",
    "RAY_AUTH_TOKEN",
    "OPENAI_API_KEY",
    "SSH_AUTH_SOCK",
    "DATABASE_URL",
]
PLAIN = [
    "PATH",
    "HOME",
    "LANG",
    "LC_ALL",
    "TMPDIR",
    "CUDA_VISIBLE_DEVICES",
    "NCCL_SOCKET_IFNAME",
    "OMP_NUM_THREADS",
]
PLAIN += ["RAY_ADDRESS", "BONGSU_ATTEMPT_DIRECTORY", "TOKENIZERS_PARALLELISM", "LD_LIBRARY_PATH", "https_proxy"]


def spec(store: LocalStore, uses: str = "probe", **changes: Any) -> AttemptSpec:
    values: dict[str, Any] = {
        "id": AttemptId(run_id=RunId("r-000000000001"), stage_id=StageId("stage"), number=1),
        "uses": uses,
        "params": {},
        "inputs": {},
        "outputs": {"files": ArtifactType.FILES},
        "label": OPEN,
        "resources": Resources(),
        "artifact_store": store.uri,
        "checkpoint_key": "r/stage",
    }
    values |= changes
    return AttemptSpec(**{"code": code_of(values["uses"]), **values})


@pytest.mark.parametrize("name", SECRETS)
def test_a_secret_is_not_inherited(name: str) -> None:
    assert inherited({name: "x"}) == {}


@pytest.mark.parametrize("name", PLAIN)
def test_what_programs_need_is_inherited(name: str) -> None:
    assert inherited({name: "x"}) == {name: "x"}


def test_an_address_with_a_password_is_not_inherited() -> None:
    assert inherited({"HTTPS_PROXY": "http://me:word@proxy:3128", "RAY_STORAGE": "x://a:b@c"}) == {}
    assert inherited({"HTTPS_PROXY": "http://proxy:3128"}) == {"HTTPS_PROXY": "http://proxy:3128"}


@given(st.text("ABCDEF_", max_size=8), st.sampled_from(["SECRET", "TOKEN", "PASSWORD", "API_KEY", "CREDENTIALS"]))
def test_no_family_lets_a_secret_through(start: str, word: str) -> None:
    for family in ("", "BONGSU_", "RAY_", "CUDA_", "LC_"):
        assert inherited({f"{family}{start}_{word}": "x", f"{family}{word}_FILE": "x"}) == {}


def test_keys_of_the_store_go_only_to_those_that_open_it() -> None:
    keys = {"AWS_SECRET_ACCESS_KEY": "k", "AWS_REGION": "r", "OTHER_SECRET": "o"}
    assert to_reach_store("s3://bucket/a", keys) == {"AWS_SECRET_ACCESS_KEY": "k", "AWS_REGION": "r"}
    assert to_reach_store("file:///a", keys) == {}


def test_pip_gets_its_index_and_nothing_else() -> None:
    assert to_install({"PIP_INDEX_URL": "https://a:b@c", "AWS_SECRET_ACCESS_KEY": "k"}) == {
        "PIP_INDEX_URL": "https://a:b@c"
    }


def test_a_stage_under_its_own_interpreter_sees_no_secret(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in SECRETS:
        monkeypatch.setenv(name, "x://a:of-the-worker@b")
    store = LocalStore(tmp_path / "store")
    own = Environment(interpreter=sys.executable, variables={"HF_TOKEN": "of the file", "SUITE": "봉화"})
    command = ["sh", "-c", 'cat /proc/$PPID/environ | tr "\\0" "\\n" > "$BONGSU_OUTPUTS/files/env"']
    attempt = spec(store, "container", params={"command": command}, environment=own)
    outcome = isolated.run_isolated(attempt, tmp_path / "environments", os.environ)
    assert isinstance(outcome, AttemptResult), outcome
    seen = store.reader(outcome.outputs["files"].digest).open("env").read().decode()
    assert "of-the-worker" not in seen
    assert {"HF_TOKEN=of the file", "SUITE=봉화"} <= set(seen.splitlines())


def test_files_where_the_user_stands_are_not_taken_for_modules(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "random.py").write_text("raise SystemExit('this is not the library')")
    monkeypatch.chdir(mine)
    attempt = spec(LocalStore(tmp_path / "store"), environment=Environment(interpreter=sys.executable))
    outcome = isolated.run_isolated(attempt, tmp_path / "environments", os.environ)
    assert isinstance(outcome, AttemptResult), outcome
    done = subprocess.run(python_command("bongsu.service.delivering"), capture_output=True, text=True, check=False)
    assert "IndexError" in done.stderr, "it came to its arguments"


@pytest.mark.parametrize(("uses", "key"), [("data.curate", True), ("probe", False), ("acme.mask", True)])
def test_only_a_stage_that_declares_the_key_gets_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, uses: str, key: bool
) -> None:
    if uses == "acme.mask":
        other = replace(probe, signature=replace(probe.signature, secrets=("BONGSU_MASKING_KEY",)))
        monkeypatch.setattr(isolated, "load_stage", {uses: other}.__getitem__)
        monkeypatch.setattr(isolated, "lend_packages", lambda *_: None)
    monkeypatch.setenv("BONGSU_MASKING_KEY", "k")
    seen: list[dict[str, str]] = []
    ended: subprocess.CompletedProcess[bytes] = subprocess.CompletedProcess([], 1)
    monkeypatch.setattr(isolated.subprocess, "run", lambda *_a, env, **_k: (seen.append(env), ended)[1])
    own = Environment(interpreter=sys.executable)
    attempt = spec(LocalStore(tmp_path / "s"), environment=own).model_copy(update={"uses": uses})
    outcome = isolated.run_isolated(attempt, tmp_path, os.environ)
    assert isinstance(outcome, isolated.EndedWithoutRecord)
    assert outcome.failure.reason == "WorkerLost"
    assert ("BONGSU_MASKING_KEY" in seen[0]) is key


@pytest.mark.parametrize(
    "value",
    [
        "http://token@proxy.mil:3128",
        "https://me:word@proxy.mil",
        "socks5://me:w%2Frd@proxy.mil",
        "http://:x@proxy",
        "me:word@proxy.mil:3128",
        "//token@proxy.mil",
        "https://proxy.mil/?access_token=word",
        "https://proxy.mil/?a=b&X-Amz-Signature=word",
    ],
)
def test_addresses_with_something_to_log_in_with_stay_outside(value: str) -> None:
    assert inherited({"HTTPS_PROXY": value}) == {}
    assert to_install({"HTTPS_PROXY": value}) == {"HTTPS_PROXY": value}


def test_plain_addresses_are_passed_on() -> None:
    plain = {"HTTPS_PROXY": "http://proxy.mil:3128/a@b", "HTTP_PROXY": "proxy.mil:3128"}
    plain |= {"USER": "kim@army.mil", "HOME": "/home/kim@army.mil", "RAY_ADDRESS": "ray://head:10001?region=a"}
    assert inherited(plain) == plain
