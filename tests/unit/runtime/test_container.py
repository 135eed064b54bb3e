"""Any command as a stage."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import psutil
import pytest
import stage_runner
from stage_runner import StageRunner

from bongsu.artifacts.local import LocalStore
from bongsu.domain.artifact import ArtifactType
from bongsu.domain.attempt import AttemptResult, Failure
from bongsu.domain.events import Message
from bongsu.machine.processes import MARK
from bongsu_stages.runtime import container


@pytest.fixture
def store(tmp_path: Path) -> LocalStore:
    return LocalStore(tmp_path / "store")


def shell(script: str, **variables: str) -> dict[str, Any]:
    return {"command": ["sh", "-c", script], "variables": variables}


def failed(store: LocalStore, params: dict[str, Any]) -> Failure:
    outcome = StageRunner(store).run("container", params, {})
    assert isinstance(outcome, Failure)
    return outcome


def text(store: LocalStore, result: AttemptResult, path: str) -> str:
    return store.reader(result.outputs["files"].digest).open(path).read().decode()


def test_a_command_finds_its_context_and_its_output_becomes_the_tree(store: LocalStore) -> None:
    script = (
        'cp "$BONGSU_CONTEXT" "$BONGSU_OUTPUTS/files/context.json"; printf %s "$WORD" > "$BONGSU_OUTPUTS/files/w"'
    )
    result = StageRunner(store).made("container", shell(script, WORD="봉수"), {})
    assert text(store, result, "w") == "봉수"
    context = json.loads(text(store, result, "context.json"))
    assert context["attempt"] == result.id.key
    assert context["ministry"] == "mnd"
    assert context["inputs"] == {"files": []}


def test_input_trees_are_directories_in_the_order_of_the_file(store: LocalStore) -> None:
    runner = StageRunner(store)
    given = []
    for word in ("하나", "둘"):
        made = runner.made("probe", {"text": word}, {}).outputs["files"].digest
        given.append((word, ArtifactType.FILES, made))
    script = (
        'cat "$BONGSU_INPUTS"/files/0/probe.txt "$BONGSU_INPUTS"/files/1/probe.txt > "$BONGSU_OUTPUTS/files/all"'
    )
    result = runner.made("container", shell(script), {"files": given})
    assert text(store, result, "all") == "하나둘"
    for word, _, digest in given:
        assert store.reader(digest).open("probe.txt").read().decode() == word  # type: ignore[arg-type]


@pytest.mark.parametrize("end", ["true", "exit 3"])
@pytest.mark.parametrize("change", ["echo x >> $0/probe.txt", "rm $0/probe.txt", "echo x > $0/another"])
def test_a_command_that_changes_its_input_fails_and_the_input_is_set_aside(
    store: LocalStore, change: str, end: str
) -> None:
    runner = StageRunner(store)
    made = runner.made("probe", {"text": "하나"}, {}).outputs["files"].digest
    given = {"files": [("first", ArtifactType.FILES, made)]}
    script = f'chmod -R u+w "$BONGSU_INPUTS/files/0/"; {change}; touch "$BONGSU_OUTPUTS/files/done"; {end}'
    command = ["sh", "-c", f'set -- x; cd "$BONGSU_INPUTS/files/0"; {script.replace("$0", ".")}']
    outcome = runner.run("container", {"command": command}, given)
    assert isinstance(outcome, Failure)
    assert outcome.reason == "InputCorrupt"
    assert "bongsu resume" in str(outcome.fix)
    assert not store.has(made)


def test_an_argument_is_not_read_by_a_shell(store: LocalStore) -> None:
    code = "import os, sys; open(os.environ['BONGSU_OUTPUTS'] + '/files/a', 'w').write(sys.argv[1])"
    result = StageRunner(store).made("container", {"command": [sys.executable, "-c", code, "$(id); *"]}, {})
    assert text(store, result, "a") == "$(id); *"


def test_figures_are_read_and_bad_ones_are_told(store: LocalStore) -> None:
    write = 'echo x > "$BONGSU_OUTPUTS/files/x"; echo \'{}\' > "$BONGSU_OUTPUTS/metrics.json"'
    good = StageRunner(store).made("container", shell(write.replace("{}", '{"score": 2}')), {})
    assert good.metrics == {"score": 2.0}
    for bad, words in [
        ("[1]", "holds a list instead of an object"),
        ("{", "is no JSON"),
        ('{"score": "much"}', 'no figures with a name of at most 250 printable characters: "score"'),
        ('{"a": 1, "": 1, "b": null, "c": true}', "3 of 4 entries are no figures"),
        ('{"a": NaN, "b": -Infinity}', "2 of 2 entries are no figures"),
        (r'{"a\\u001b[2J": 1, "a\\u202eb": 2, "c": 3}', "2 of 3 entries are no figures"),
    ]:
        assert words in str(failed(store, shell(write.replace("{}", bad))).message)


def test_a_line_without_end_and_a_log_without_end_are_kept_in_parts_and_cut(
    store: LocalStore, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(container, "MAX_LOG_CHARACTERS", 200_000)
    code = "import os, sys; open(os.environ['BONGSU_OUTPUTS'] + '/files/a', 'w'); sys.stdout.write('x' * 300_000)"
    runner = StageRunner(store)
    runner.made("container", {"command": [sys.executable, "-c", code]}, {})
    assert 100_000 < capfd.readouterr().out.count("x") <= 200_000
    said = [event.text for event in runner.events if isinstance(event, Message)]
    assert any("the command printed 300,000" in text for text in said)


@pytest.mark.parametrize("make", ["mkfifo", "mkdir", "ln -s /dev/zero"])
def test_figures_that_are_no_plain_file_are_told_and_not_waited_for(store: LocalStore, make: str) -> None:
    script = f'echo x > "$BONGSU_OUTPUTS/files/x"; {make} "$BONGSU_OUTPUTS/metrics.json"'
    assert "metrics.json is no file" in str(failed(store, shell(script)).message)


def test_a_chain_of_processes_that_each_start_another_ends_with_the_command(store: LocalStore) -> None:
    chain = (
        "import os, time\nend = time.monotonic() + 60\nwhile time.monotonic() < end:\n    if os.fork(): os._exit(0)"
    )
    script = f"{sys.executable} -c '{chain}' & sleep 0.5; echo x > \"$BONGSU_OUTPUTS/files/x\""
    begun = time.monotonic()
    StageRunner(store).made("container", shell(script), {})
    assert time.monotonic() - begun < 50


def test_a_command_that_fails_is_quoted_with_its_last_words(store: LocalStore) -> None:
    failure = failed(store, shell("seq 1 1000; echo 마지막 말 >&2; exit 7"))
    assert failure.retryable
    assert "status 7" in str(failure.message)
    assert str(failure.message).endswith("마지막 말")
    assert len(str(failure.message)) < 2000


def test_a_command_that_fails_without_a_word_is_said_to_have_printed_nothing(store: LocalStore) -> None:
    assert str(failed(store, shell("exit 3")).message) == "The command ended with status 3 and printed nothing."


def test_a_command_that_is_killed_a_moment_before_its_worker_has_not_failed(
    store: LocalStore, tmp_path: Path
) -> None:
    """As Ray ends a worker: first what it started, then itself."""
    begun, ended = tmp_path / "begun", tmp_path / "ended"
    worker = (
        "import sys; from pathlib import Path; from stage_runner import StageRunner; from test_container import shell;"
        "from bongsu.artifacts.local import LocalStore; _, store, script, ended = sys.argv;"
        "print(StageRunner(LocalStore(Path(store))).run('container', shell(script), {}), file=open(ended, 'w'))"
    )
    script = f"echo $$ > {begun}; sleep 61.5"
    path = os.pathsep.join([str(Path(__file__).parent), str(Path(stage_runner.__file__).parent)])
    with subprocess.Popen(
        [sys.executable, "-c", worker, str(tmp_path / "store"), script, str(ended)],
        env={**os.environ, "PYTHONPATH": path},
    ) as process:
        deadline = time.monotonic() + 60
        while not (begun.exists() and begun.read_text().strip()) and time.monotonic() < deadline:
            time.sleep(0.05)
        psutil.Process(int(begun.read_text())).kill()
        time.sleep(1)
        process.kill()
    assert not ended.exists(), "what the worker told before it was killed"


def test_what_a_command_leaves_behind_ends_with_it(store: LocalStore) -> None:
    begun = time.monotonic()
    script = 'env -i setsid sleep 61.25 & echo x > "$BONGSU_OUTPUTS/files/x"'
    assert text(store, StageRunner(store).made("container", shell(script), {}), "x") == "x\n"
    assert time.monotonic() - begun < 50, "it waited for the process that holds its output open"
    left = [p for p in psutil.process_iter(["cmdline"]) if p.info["cmdline"] == ["sleep", "61.25"]]
    assert not [p for p in left if p.is_running() and p.status() != psutil.STATUS_ZOMBIE]


def test_a_command_that_does_not_exist_is_told(store: LocalStore) -> None:
    failure = failed(store, {"command": ["no-such-program"]})
    assert not failure.retryable
    assert "no-such-program cannot be started" in str(failure.message)


def test_a_pipeline_file_cannot_take_the_mark_of_its_attempt_away(
    store: LocalStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(MARK, "of the attempt")
    result = StageRunner(store).made("container", shell('env > "$BONGSU_OUTPUTS/files/env"', **{MARK: ""}), {})
    assert f"{MARK}=of the attempt" in text(store, result, "env").splitlines()


def test_a_command_that_writes_nothing_has_failed(store: LocalStore) -> None:
    failure = failed(store, shell("true"))
    assert (failure.reason, failure.retryable) == ("BadOutput", False)


def test_a_command_sees_no_secret_of_the_worker(store: LocalStore, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("BONGSU_MASKING_KEY", "AWS_SECRET_ACCESS_KEY", "GITHUB_TOKEN", "PGPASSWORD", "SOMETHING"):
        monkeypatch.setenv(name, "of the worker")
    monkeypatch.setenv("NCCL_DEBUG", "WARN")
    given = {"WORD": "봉수", "HF_TOKEN": "of the file"}
    result = StageRunner(store).made("container", shell('env > "$BONGSU_OUTPUTS/files/env"', **given), {})
    seen = text(store, result, "env")
    assert "of the worker" not in seen
    assert {"NCCL_DEBUG=WARN", "WORD=봉수", "HF_TOKEN=of the file"} <= set(seen.splitlines())
    assert "PATH=" in seen
