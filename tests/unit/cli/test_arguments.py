"""Odd arguments to every command: a coded error with a way out, never a crash, and nothing that steers a terminal."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from cli_shell import Shell
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

PIPELINE = """apiVersion: bongsu.dev/v1alpha1
kind: Pipeline
metadata: {name: probes, ministry: mnd}
spec:
  purpose: {useClass: administration, statement: Try the platform on itself}
  parameters: [{name: steps, default: 4}]
  stages:
    - {name: first, uses: probe, with: {steps: "${params.steps}"}}
"""
ESC = "\x1b"


@pytest.fixture
def pipeline(tmp_path: Path) -> str:
    (tmp_path / "p.yaml").write_text(PIPELINE)
    return "p.yaml"


def codes_of(shell: Shell, *words: str) -> list[str]:
    return [problem["code"] for problem in json.loads(shell(*words, "--json").out)["problems"]]


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("runz",), "cli.unknown-command"),
        (("runs", "--stat", "failed"), "cli.unknown-option"),
        (("runs", "extra"), "cli.extra-argument"),
        (("runs", "--limit", "0"), "cli.too-small"),
        (("runs", "--limit", "99999"), "cli.too-large"),
        (("runs", "--limit", "x"), "cli.not-a-number"),
        (("runs", "--state", "nope"), "cli.bad-choice"),
        (("runs", "--pipeline"), "cli.missing-value"),
        (("runs", "--lang"), "cli.missing-value"),
        (("lineage", "--", "--lang=ko"), "run.unknown-model"),
        (("logs",), "run.none-yet"),
        (("cancel",), "run.none-yet"),
        (("explain", "a", "b"), "cli.extra-argument"),
        (("lineage",), "cli.missing-argument"),
        (("show", ""), "run.unknown"),
        (("show", "a" * 100_000), "run.unknown"),
        (("lineage", "a" * 100_000), "run.unknown-model"),
        (("show", "\udcff"), "cli.undecodable-argument"),
        (("stages", "show", "🔥"), "cli.unknown-stage"),
        (("validate", "."), "spec.unreadable-file"),
        (("validate", "/dev/zero"), "spec.unreadable-file"),
        (("validate", "a" * 100_000), "spec.unreadable-file"),
    ],
)
def test_what_cannot_be_done_has_a_code(shell: Shell, words: tuple[str, ...], code: str) -> None:
    said = shell(*words)
    assert f"[{code}]" in said.error
    assert said.status in (2, 3)


def test_a_wrong_command_line_is_one_json_document_too(shell: Shell) -> None:
    assert codes_of(shell, "runs", "--limit", "0") == ["cli.too-small"]


def test_a_misspelt_command_is_told_the_one_that_was_meant(shell: Shell) -> None:
    assert "Did you mean resume?" in shell("resum").error


def test_no_command_at_all_is_answered_with_the_help(shell: Shell) -> None:
    said = shell()
    assert said.status == 2
    assert said.error.startswith("Usage: ")


def test_a_pipe_that_nobody_writes_to_is_not_waited_for(shell: Shell, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo.yaml")
    assert codes_of(shell, "validate", "fifo.yaml") == ["spec.unreadable-file"]


@pytest.mark.parametrize("words", [("init",), ("schema", "-o"), ("report", "latest", "-o")])
@pytest.mark.parametrize("place", ["missing/file", "/proc/file", "/dev/full"])
def test_a_file_that_cannot_be_written_is_told(shell: Shell, words: tuple[str, ...], place: str) -> None:
    if words[0] == "report":
        _run_something(shell)
    expected = "cli.file-exists" if (words[0], place) == ("init", "/dev/full") else "cli.cannot-write"
    said = shell(*words, place)
    assert (said.status, f"[{expected}]" in said.error) == (2, True)


def _run_something(shell: Shell) -> None:
    from small_plans import plan_of, stage

    from bongsu.service.embedded import open_home
    from bongsu.service.submitting import submit

    platform = open_home(Path(os.environ["BONGSU_HOME"]), os.environ)
    submit(platform, plan_of(stage("a")))
    platform.close()


@pytest.mark.parametrize(
    ("option", "value", "code"),
    [
        ("--name", "A B", "spec.bad-text"),
        ("--ministry", "", "spec.wrong-type"),
        ("--model", "nowhere", "spec.input-uri"),
        ("--dataset", f"file:{ESC}[31m", "spec.control-character"),
    ],
)
def test_init_writes_no_pipeline_that_is_wrong(
    shell: Shell, tmp_path: Path, option: str, value: str, code: str
) -> None:
    said = shell("init", "new.yaml", option, value)
    assert f"[{code}]" in said.error
    assert not (tmp_path / "new.yaml").exists()


def test_an_address_may_hold_quotes_and_backslashes(shell: Shell) -> None:
    assert shell("init", "new.yaml", "--model", 'file:a"b\\c').status == 0
    assert shell("validate", "new.yaml").status == 0


@pytest.mark.parametrize("name", ["a?b", "a#b", "a%20b", "a\x1bb"])
def test_a_home_whose_name_would_be_read_as_something_else_is_refused(shell: Shell, name: str) -> None:
    assert codes_of(shell, "--home", name, "runs") == ["run.home-name"]
    assert ESC not in shell("--home", name, "runs").error


def test_a_folder_that_was_deleted_is_told(shell: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("BONGSU_HOME")
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    assert codes_of(shell, "runs") == ["cli.folder-gone"]


def test_what_the_system_refuses_is_no_fault_of_bongsu(shell: Shell) -> None:
    assert codes_of(shell, "--home", "a" * 5000, "doctor") == ["cli.system-error"]


@pytest.mark.parametrize(
    "words",
    [
        ("--lang", "xx", "runs"),
        ("--lang=", "runs"),
        ("--lang", "kor", "runs"),
        ("runs", "--lang", "xx"),
        ("runs", "--lang="),
        ("stages", "--lang", "xx", "list"),
    ],
)
def test_a_language_without_texts_is_refused_with_the_choices(shell: Shell, words: tuple[str, ...]) -> None:
    said = shell(*words)
    assert said.status == 2
    assert "ko (Korean) or en (English)" in said.error


def test_the_environment_cannot_choose_a_language_without_texts(
    shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BONGSU_LANG", "fr")
    assert "[cli.unknown-language]" in shell("runs").error
    monkeypatch.setenv("BONGSU_LANG", "en_US.UTF-8")
    assert shell("runs").status == 0


def test_an_empty_home_is_not_the_current_folder(shell: Shell) -> None:
    refused = shell("--home", "", "runs")
    assert refused.status == 2
    assert "[cli.empty-home]" in refused.error


@pytest.mark.parametrize(
    "words",
    [
        ("show", f"{ESC}[2J"),
        (f"{ESC}[2J",),
        ("stages", "show", f"\x9b2J{ESC}]0;x\x07"),
        ("validate", f"{ESC}[1A\u202e"),
    ],
)
def test_messages_do_not_steer_the_terminal(shell: Shell, words: tuple[str, ...]) -> None:
    for more in ((), ("--json",)):
        said = shell(*words, *more)
        assert not set(said.out + said.error) & {ESC, "\x9b", "\x07", "\u202e"}
    assert "\\x" in shell(*words).error


def test_json_says_exactly_what_was_given(shell: Shell) -> None:
    name = f"{ESC}\x9b\u202e\u2028가"
    said = shell("show", name, "--json")
    assert name in json.loads(said.out)["problems"][0]["message"]


def test_a_parameter_takes_no_character_that_nobody_sees(shell: Shell, pipeline: str) -> None:
    for value in (f"{ESC}[31m", "4\u200b", "\u202e4", "4\x00"):
        assert codes_of(shell, "validate", pipeline, "--set", f"steps={value}") == ["spec.override-character"]
    assert codes_of(shell, "validate", pipeline, "--set", "steps=\udcff") == ["cli.undecodable-argument"]


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(word=st.text(max_size=30))
def test_no_argument_crashes_a_command(shell: Shell, word: str) -> None:
    for words in (("show",), ("logs", "latest"), ("lineage",), ("explain",), ("stages", "show"), ("validate",), ()):
        said = shell(*words, word)
        assert said.status in (0, 2, 3), said.error


def test_reading_less_than_everything_is_no_failure(shell: Shell) -> None:
    from bongsu.cli.printing import out

    with pytest.raises(BrokenPipeError):
        out().on_broken_pipe()


def test_stages_for_drills_are_listed_on_request(shell: Shell) -> None:
    assert "probe" not in shell("stages", "list").out
    assert "probe" in shell("stages", "list", "--all").out


def test_an_empty_choice_is_seen(shell: Shell) -> None:
    assert 'crash  "" | exit | kill' in shell("stages", "show", "probe").out


def test_the_starter_names_the_model_that_lies_near_it(shell: Shell, tmp_path: Path) -> None:
    said = shell("init", "alone.yaml")
    assert "There is no base model near it" in said.out
    model = tmp_path / "pipelines" / "assets" / "axk1-nano"
    model.mkdir(parents=True)
    (model / "config.json").write_text("{}")
    (tmp_path / "deep").mkdir()
    said = shell("init", "deep/near.yaml")
    assert "no base model" not in said.out
    assert "file:../pipelines/assets/axk1-nano" in (tmp_path / "deep" / "near.yaml").read_text()


def test_addresses_that_are_given_here_are_found_from_the_folder_of_the_file(shell: Shell, tmp_path: Path) -> None:
    for folder in ("base", "law", "deep"):
        (tmp_path / folder).mkdir()
    shell("init", "deep/given.yaml", "--model", "file:base", "--dataset", "file:law")
    written = (tmp_path / "deep" / "given.yaml").read_text()
    assert "model: file:../base" in written.replace('"', "")
    assert "dataset: file:../law" in written.replace('"', "")
    shell("init", "deep/elsewhere.yaml", "--model", "file:not/here")
    assert "file:not/here" in (tmp_path / "deep" / "elsewhere.yaml").read_text()
