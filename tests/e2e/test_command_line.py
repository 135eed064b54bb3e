"""The command line as a person uses it: whole processes, a fresh home, real Ray."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import psutil
import pytest

BONGSU = str(Path(sys.executable).with_name("bongsu"))
HEAD = """apiVersion: bongsu.dev/v1alpha1
kind: Pipeline
metadata: {name: probes, ministry: mnd}
spec:
  purpose: {useClass: administration, statement: Try the platform on itself}
  parameters: [{name: word, default: 안녕}]
  stages:
"""
CHAIN = (
    HEAD
    + """    - {name: first, uses: probe, with: {text: "${params.word}"}}
    - {name: fan, uses: probe, inputs: {after: first.files}, matrix: {way: ["1", "2"]}, with: {text: "${matrix.way}"}}
    - {name: last, uses: probe, inputs: {after: "fan[*].files"}, with: {text: end}}
"""
)
SLOW = (
    HEAD
    + """    - {name: first, uses: probe, with: {text: "1"}}
    - {name: slow, uses: probe, inputs: {after: first.files}, with: {text: "2", seconds: 60, steps: 600}}
"""
)


class Shell:
    """Runs ``bongsu`` in one folder with one home."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.environment = {
            **os.environ,
            "BONGSU_HOME": str(folder / "home"),
            "BONGSU_LANG": "en",
            "COLUMNS": "200",
        }

    def __call__(
        self, *words: str, status: int = 0, timeout_s: float = 180, **more: str
    ) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [BONGSU, *words],
            cwd=self.folder,
            env={**self.environment, **more},
            capture_output=True,
            text=True,
            timeout=timeout_s,
            check=False,
        )
        assert done.returncode == status, f"{words} ended with {done.returncode}:\n{done.stdout}\n{done.stderr}"
        return done

    def json(self, *words: str, status: int = 0) -> Any:
        return json.loads(self(*words, "--json", status=status).stdout)

    def start(self, *words: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [BONGSU, *words],
            cwd=self.folder,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    (tmp_path / "chain.yaml").write_text(CHAIN)
    (tmp_path / "slow.yaml").write_text(SLOW)
    return Shell(tmp_path)


def states(rows: Sequence[Any]) -> dict[str, str]:
    return {row["id"]: row["state"] for row in rows}


def test_a_run_and_what_can_be_seen_of_it(shell: Shell) -> None:
    planned = shell.json("plan", "chain.yaml")
    ran = shell.json("run", "chain.yaml")
    assert ran["run"]["state"] == "succeeded"
    assert ran["run"]["planHash"] == planned["hash"]
    assert states(ran["stages"]) == dict.fromkeys(["first", "fan-1", "fan-2", "last"], "succeeded")
    assert "probe: 안녕" in shell("logs", "latest", "first").stdout
    as_json = [json.loads(line) for line in shell("logs", "latest", "--json").stdout.splitlines()]
    assert any(one["stage"] == "first" and "probe: 안녕" in one["line"] for one in as_json)
    assert shell.json("show") == ran, "one shape, whichever command tells of it"
    assert shell.json("runs") == [ran["run"]]
    again = shell.json("run", "chain.yaml")
    assert set(states(again["stages"]).values()) == {"cached"}
    changed = shell.json("plan", "chain.yaml", "--set", "word=other")
    reasons = {stage["id"]: (stage["cache"]["reason"], stage["cache"]["detail"]) for stage in changed["stages"]}
    assert reasons["first"][0] == "params-changed"
    assert "other" in reasons["first"][1]
    assert reasons["last"][0] == "upstream-runs"
    page = shell.folder / "page.html"
    shell("report", "latest", "--output", str(page))
    assert "probes" in page.read_text()


def test_everything_wrong_is_told_at_once_with_its_place(shell: Shell) -> None:
    (shell.folder / "bad.yaml").write_text(
        CHAIN.replace("uses: probe, with", "uses: prob, with").replace('"${matrix.way}"', '"${matrix.wya}"')
    )
    problems = shell.json("validate", "bad.yaml", status=2)["problems"]
    assert len(problems) >= 2
    assert all(problem["file"] == "bad.yaml" and problem["line"] and problem["column"] for problem in problems)
    assert any("probe" in problem["fix"] for problem in problems)
    text = shell("validate", "bad.yaml", status=2).stderr
    assert "bad.yaml:8:" in text


def test_a_forbidden_purpose_is_refused(shell: Shell) -> None:
    (shell.folder / "forbidden.yaml").write_text(
        CHAIN.replace("Try the platform on itself", "드론이 스스로 표적을 선정하고 타격")
    )
    (problem,) = shell.json("plan", "forbidden.yaml", status=4)["problems"]
    assert problem["code"] == "policy.forbidden-use"
    assert problem["line"] == 5


def test_texts_are_korean_on_request(shell: Shell) -> None:
    assert "실행" in shell("--lang", "ko", "--help").stdout
    assert "실행" in shell("--help", BONGSU_LANG="ko").stdout
    assert "실행" not in shell("--help").stdout


def wait_until_running(shell: Shell, stage: str) -> None:
    deadline = time.monotonic() + 90
    while time.monotonic() < deadline:
        time.sleep(0.1)
        if not list(shell.folder.glob(f"home/logs/*/{stage}/*/process.json")):
            continue  # a command takes a core for a second, which what is waited for can use
        done = subprocess.run(
            [BONGSU, "show", "latest", "--json"],
            cwd=shell.folder,
            env=shell.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode == 0 and states(json.loads(done.stdout)["stages"]).get(stage) == "running":
            return
    raise AssertionError(f"{stage} did not start")


def workers_of(shell: Shell) -> list[psutil.Process]:
    """Live worker processes that attempts of this home wrote down."""
    from bongsu.machine.processes import find_process

    found = (find_process(path) for path in shell.folder.glob("home/logs/*/*/*/process.json"))
    return [process for process in found if process is not None]


def wait_until_gone(processes: list[psutil.Process]) -> None:
    _, alive = psutil.wait_procs(processes, timeout=20)
    assert not alive


def test_a_killed_run_goes_on_and_nothing_is_left_over(shell: Shell) -> None:
    with shell.start("run", "slow.yaml") as process:
        wait_until_running(shell, "slow")
        workers = workers_of(shell)
        assert workers
        process.kill()
    wait_until_gone(workers)
    (shell.folder / "slow.yaml").write_text(SLOW)
    with shell.start("resume", "latest") as process:
        deadline = time.monotonic() + 60
        attempts: list[Any] = []
        while time.monotonic() < deadline and len(attempts) < 2:
            rows = {row["id"]: row for row in shell.json("show", "latest")["stages"]}
            attempts = rows["slow"]["attempts"]
            time.sleep(0.5)
        assert [attempt["state"] for attempt in attempts][:1] == ["lost"]
        assert len(rows["first"]["attempts"]) == 1, "what succeeded is not run again"
        shell("cancel", "latest")
        process.wait(timeout=60)
    assert process.returncode == 6
    assert shell.json("runs")[0]["state"] == "cancelled"
    wait_until_gone(workers_of(shell))
    assert not list((shell.folder / "home" / "logs").rglob("scratch")), "what killed attempts left is cleared"


@pytest.mark.parametrize("kind", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_interrupting_by_hand_is_no_crash(shell: Shell, kind: signal.Signals) -> None:
    with shell.start("run", "slow.yaml") as process:
        wait_until_running(shell, "slow")
        process.send_signal(kind)
        said, errors = process.communicate(timeout=60)
    assert process.returncode == 128 + kind
    wait_until_gone(workers_of(shell))
    assert "***" not in said, "as a stack trace of Ray's begins"
    assert errors == "The run is interrupted; `bongsu resume` goes on with it.\n"


COMMAND = "(setsid sleep 917.5 &) ; test -e {done} || sleep 918.5; echo 1 > $BONGSU_OUTPUTS/files/x"


def sleepers() -> list[psutil.Process]:
    """What the command of :data:`COMMAND` started."""
    return [
        process
        for process in psutil.process_iter(["cmdline"])
        if process.info["cmdline"] in (["sleep", "917.5"], ["sleep", "918.5"])
    ]


@pytest.mark.parametrize("kind", [signal.SIGINT, signal.SIGHUP, signal.SIGKILL])
def test_a_command_ends_with_its_run_and_is_not_to_blame(shell: Shell, kind: signal.Signals) -> None:
    done = shell.folder / "done"
    words = json.dumps(["sh", "-c", COMMAND.format(done=done)])
    (shell.folder / "command.yaml").write_text(
        HEAD + f"    - {{name: long, uses: container, with: {{command: {words}}}}}\n"
    )
    with shell.start("run", "command.yaml") as process:
        wait_until_running(shell, "long")
        deadline = time.monotonic() + 30
        while len(started := sleepers()) < 2 and time.monotonic() < deadline:
            time.sleep(0.1)
        process.send_signal(kind)
        process.wait(timeout=60)
    assert len(started) == 2
    wait_until_gone(started)
    done.touch()
    shell("resume", "latest")
    (stage,) = shell.json("show", "latest")["stages"]
    assert [attempt["state"] for attempt in stage["attempts"]] == ["lost", "succeeded"]
    assert not sleepers()


def test_a_run_outlives_its_ray(shell: Shell) -> None:
    steps = HEAD + '    - {name: slow, uses: probe, with: {text: "1", seconds: 8, steps: 80}}\n'
    (shell.folder / "steps.yaml").write_text(steps)
    with shell.start("run", "steps.yaml") as process:
        wait_until_running(shell, "slow")
        started = psutil.Process(process.pid).children(recursive=True)
        (server,) = [child for child in started if child.name() == "gcs_server"]
        server.kill()
        _, said = process.communicate(timeout=120)
    assert process.returncode == 0, said
    (stage,) = shell.json("show", "latest")["stages"]
    assert [attempt["state"] for attempt in stage["attempts"]] == ["lost", "succeeded"]
    assert "gcs_server was ended by SIGKILL" in stage["attempts"][0]["failure"]["message"]
    wait_until_gone([child for child in started if child.is_running()])


def test_what_does_not_exist_is_said_plainly(shell: Shell) -> None:
    for words, status, code in (
        (("show", "r-none"), 3, "run.unknown"),
        (("lineage", "nothing@3"), 3, "run.unknown-model"),
        (("stages", "show", "train.continu"), 3, "cli.unknown-stage"),
        (("run", "absent.yaml"), 3, "spec.missing-file"),
        (("run", "chain.yaml", "--set", "word"), 2, "cli.bad-set"),
    ):
        problems = shell.json(*words, status=status)["problems"]
        assert [problem["code"] for problem in problems] == [code]
        assert problems[0]["fix"]


def test_a_run_says_what_it_leaves_out(shell: Shell) -> None:
    stages = """\
    - {name: a, uses: probe}
    - {name: b, uses: probe, when: "params.word == 'no'"}
    - {name: c, uses: probe, inputs: {after: [b.files]}}
"""
    (shell.folder / "partly.yaml").write_text(HEAD + stages)
    said = shell("run", "partly.yaml").stdout
    assert "– b: skipped: params.word == 'no' is false" in said
    assert "– c: skipped: it needs b" in said


def test_a_refusal_keeps_its_status_although_nobody_reads_it(shell: Shell) -> None:
    command = f"{BONGSU} validate nowhere.yaml 2>&1 | true; exit ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", command], cwd=shell.folder, env=shell.environment, timeout=60, check=False)
    assert done.returncode == 3


def test_a_failed_run_is_one_json_document_and_brackets_are_text(shell: Shell) -> None:
    shell_file = shell.folder / "fails.yaml"
    shell_file.write_text(HEAD + '    - {name: a, uses: probe, with: {text: "[/pair.cc:534] x", fail: true}}\n')
    ran = shell.json("run", "fails.yaml", status=5)
    assert ran["run"]["state"] == "failed"
    assert [problem["code"] for problem in ran["problems"]] == ["run.failed"]
    assert "failed" in shell("show", "latest").stdout


def test_a_run_goes_on_although_nobody_listens_any_more(shell: Shell) -> None:
    command = f"{BONGSU} run chain.yaml | head -n 1; exit ${{PIPESTATUS[0]}}"
    done = subprocess.run(
        ["bash", "-c", command],
        cwd=shell.folder,
        env=shell.environment,
        capture_output=True,
        timeout=180,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert shell.json("runs")[0]["state"] == "succeeded"


def _wait_until_it_answers_signals(process: subprocess.Popen[str]) -> None:
    """Python answers SIGINT by itself from its beginning; SIGHUP is the last of those that the program answers."""
    status = Path(f"/proc/{process.pid}/status")
    until = time.monotonic() + 60
    while time.monotonic() < until:
        caught = int(re.findall(r"^SigCgt:\s*(\w+)", status.read_text(), re.MULTILINE)[0], 16)
        if caught & 1 << signal.SIGHUP - 1:
            return
        time.sleep(0.001)
    raise AssertionError("the program answers no signal")


@pytest.mark.parametrize("kind", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_before_anything_has_begun_ends_without_a_word(shell: Shell, kind: signal.Signals) -> None:
    with shell.start("runs") as process:
        _wait_until_it_answers_signals(process)
        process.send_signal(kind)
        _, errors = process.communicate(timeout=60)
    assert process.returncode in (128 + kind, -kind, 0), "as it was still starting, or already done"
    assert errors == ""
