"""Requirements files that were sent to one replica: what another launches has them, with the first one's home gone."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import pytest
from postgres_server import PostgresServer
from replicas import DEADLINE_S, PIPELINE, Site, site_over

from bongsu.artifacts.open import open_store
from bongsu.domain.attempt import AttemptResult, AttemptSpec
from bongsu.domain.ids import RunId
from bongsu_stages.runtime import isolated
from bongsu_stages.runtime.isolated import run_isolated

FILES = {"own.txt": "-r below/more.txt\n", "below/more.txt": "# nothing more is needed\n"}
TEXT = PIPELINE.format(name="sent").replace("{name: a,", "{name: a, environment: {requirements: own.txt},")


def submitted_to_one_that_is_gone(site: Site) -> RunId:
    """A run that its replica took in while the leader stood still, so that nobody has launched anything of it."""
    leader = site.await_leader()
    (other,) = (one for one in site.replicas if one is not leader)
    leader.send(signal.SIGSTOP)
    try:
        answer = site.ask_once(other, "kim", "POST", "/v1/runs", {"text": TEXT, "beside": FILES})
        other.kill()
        assert answer.status_code == 201, answer.text
        assert not site.cluster.jobs
        shutil.rmtree(other.home)
    finally:
        leader.send(signal.SIGCONT)
    site.replicas.remove(other)
    return RunId(answer.json()["run"]["id"])


def launched(site: Site) -> AttemptSpec:
    """The first attempt that the cluster was asked for."""
    deadline = time.monotonic() + DEADLINE_S
    while not site.cluster.jobs:
        assert time.monotonic() < deadline, "nothing is launched"
        time.sleep(0.02)
    return next(iter(site.cluster.jobs.values())).spec


def test_another_replica_launches_what_was_sent_to_one_whose_home_is_gone(
    postgres: PostgresServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    installed: dict[str, str] = {}

    def install(command: list[str], _surrounding: Mapping[str, str]) -> None:
        """In place of pip, which would need an index: note what it would read, in an environment that is this one."""
        if "-r" not in command:
            subprocess.run([sys.executable, "-m", "venv", "--without-pip", command[-1]], check=True)
            (site_packages,) = Path(command[-1]).glob("lib/python*/site-packages")
            (site_packages / "these.pth").write_text("\n".join(sys.path[1:]))
            return
        first = Path(command[-1])
        for name in FILES:
            installed[name] = (first.parent / name).read_text()

    monkeypatch.setattr(isolated, "_call", install)
    with site_over(postgres.new_database(), tmp_path) as site:
        run = submitted_to_one_that_is_gone(site)
        spec = launched(site)
        assert spec.id.run_id == run
        assert site.await_end(run, "succeeded", "failed") == "succeeded"
    # What a worker does with it; in a store of its own, where no result stands yet.
    mine = (tmp_path / "mine").as_uri()
    shutil.copytree(open_store(spec.artifact_store, None).uri.removeprefix("file://"), tmp_path / "mine")
    shutil.rmtree(tmp_path / "mine" / "records")
    outcome = run_isolated(spec.model_copy(update={"artifact_store": mine}), tmp_path / "made", os.environ)
    assert isinstance(outcome, AttemptResult), outcome
    assert installed == FILES
