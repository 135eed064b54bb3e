"""What the command line does beside runs, grants and governance once it speaks to a server."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from api_places import PIPELINE, ApiPlace
from cli_shell import Said, Shell
from live_api import served, sign_in

from bongsu import __version__
from bongsu.client.contexts import Context, Contexts, SignIn, save_contexts
from bongsu.service import stages_described

As = Callable[..., Said]
NOWHERE = "http://127.0.0.1:1"


def settings(tmp_path: Path) -> Path:
    return tmp_path / "settings" / "bongsu" / "contexts.json"


# -- completion ------------------------------------------------------------------------------------------------


@pytest.fixture
def address(place: ApiPlace) -> Iterator[str]:
    place.register()
    place.permit_use()
    place.run_of("kim", "light")
    with served(place) as url:
        yield url


def completed(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    asked = {"_BONGSU_COMPLETE": "complete_zsh", "_TYPER_COMPLETE_ARGS": " ".join(("bongsu", *words))}
    home = {"XDG_CONFIG_HOME": str(folder / "settings"), "BONGSU_HOME": str(folder / "home")}
    code = "import sys; sys.argv = ['bongsu']; from bongsu.cli.main import main; main()"
    command = [sys.executable, "-c", code]
    return subprocess.run(command, capture_output=True, text=True, check=False, env=os.environ | asked | home)


@pytest.mark.parametrize(
    ("words", "found"),
    [
        (("show", ""), "latest"),
        (("logs", "latest", ""), "a"),
        (("runs", "--pipeline", "l"), "light"),
        (("models", "list", "a"), "axk1"),
        (("lineage", "a"), "axk1/1"),
        (("datasets", "list", "l"), "law"),
    ],
    ids=lambda words: " ".join(words) if isinstance(words, tuple) else words,
)
def test_values_are_completed_from_the_server(
    address: str, tmp_path: Path, words: tuple[str, ...], found: str
) -> None:
    sign_in(tmp_path / "settings", address, "kim")
    said = completed(tmp_path, *words)
    assert (said.stderr, f'"{found}"' in said.stdout) == ("", True)
    sign_in(tmp_path / "settings", address, "army-eng")
    other = completed(tmp_path, *words)
    assert (other.stderr, f'"{found}"' in other.stdout) == ("", False), "what another ministry has does not exist"
    assert not (tmp_path / "home").exists()


@pytest.mark.parametrize("case", ["nobody there", "refused", "token over", "signed out", "broken file"])
def test_where_there_is_no_answer_there_is_silence(address: str, tmp_path: Path, case: str) -> None:
    over = SignIn(access_token="kim", refresh_token="r", expires_at=1.0, token_endpoint=f"{NOWHERE}/token")
    contexts = {
        "nobody there": Context(url=NOWHERE, sign_in=SignIn(access_token="kim")),
        "refused": Context(url=address, sign_in=SignIn(access_token="nobody")),
        "token over": Context(url=address, sign_in=over),
        "signed out": Context(url=address),
        "broken file": Context(url=address),
    }
    save_contexts(settings(tmp_path), Contexts("server", {"server": contexts[case]}))
    if case == "broken file":
        settings(tmp_path).write_text("{")
    began = time.monotonic()
    said = completed(tmp_path, "show", "")
    assert (said.stderr, '"' in said.stdout) == ("", False)
    assert time.monotonic() - began < 20, "nobody waits for a sign-in"


# -- doctor ----------------------------------------------------------------------------------------------------


def findings(said: Said) -> dict[str, tuple[str, str]]:
    return {one["subject"]: (one["level"], one["fact"]) for one in json.loads(said.out)}


def test_doctor_tells_of_the_server_and_the_sign_in(ask: As, tmp_path: Path) -> None:
    found = findings(ask("kim", "doctor", "--json"))
    assert found["Server"][0] == "ok"
    assert found["Version of the server"] == ("ok", __version__)
    assert found["Signed in as"] == ("ok", "kim (mnd: engineer)")
    assert found["Home of this machine"] == ("ok", "not looked at: commands speak to the server")
    assert not {"State directory", "Database of runs", "mlflow"} & found.keys()
    assert found["Clock of the server"][0] == "ok"
    assert found["End of the sign-in"][0] == "ok"
    refused = ask("nobody", "doctor", "--json")
    assert refused.status == 7
    assert findings(refused)["Signed in as"] == ("problem", "client.sign-in-again")


def test_doctor_tells_of_a_server_that_is_not_there(
    shell: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "settings"))
    sign_in(tmp_path / "settings", NOWHERE, "kim")
    said = shell("doctor", "--json")
    assert (said.status, findings(said)["Server"][0]) == (7, "problem")
    assert "Server" not in findings(shell("--context", "local", "doctor", "--json"))


@pytest.mark.parametrize(
    ("url", "code", "words"),
    [
        ("http://127.0.0.1:9", "client.nobody-there", "nothing listens there"),
        ("https://nowhere.invalid", "client.nobody-there", "no machine is known by this name"),
        ("http://[bad", "client.bad-server-url", ""),
        ("https://127.0.0.1:x", "client.bad-server-url", ""),
    ],
)
def test_a_sign_in_where_nobody_answers_says_what_to_look_at(shell: Shell, url: str, code: str, words: str) -> None:
    said = shell("login", url)
    assert f"[{code}]" in said.error
    assert words in said.error
    assert "Errno" not in said.error
    assert "context list" not in said.error, "there is no context yet"


def test_doctor_tells_of_a_clock_that_is_wrong(place: ApiPlace, tmp_path: Path) -> None:
    from bongsu.client.examining import examine_context

    with served(place) as url:
        sign_in(tmp_path / "settings", url, "kim")
        context = Context(url=url, sign_in=SignIn(access_token="kim"))
        found = examine_context(settings(tmp_path), "server", context, "en", lambda: time.time() - 90)
    (clock,) = [one for one in found if one.subject == "Clock of the server"]
    assert clock.level == "warning"
    assert 85 <= float(str(clock.fact).split()[0]) <= 95


# -- a token, and MLflow ---------------------------------------------------------------------------------------


def test_mlflow_s_own_clients_are_told_how_to_reach_the_server(ask: As) -> None:
    told = ask("kim", "--in=mnd", "mlflow").out
    assert "MLFLOW_TRACKING_URI=http://127.0.0.1:" in told
    assert "/mlflow\n" in told
    assert 'MLFLOW_TRACKING_TOKEN="$(bongsu --context server token)"' in told
    assert "export MLFLOW_TRACKING_AUTH=bongsu\n  export BONGSU_CONTEXT=server\n" in told
    assert "MLFLOW_WORKSPACE=mnd" in told
    document = json.loads(ask("kim", "--in=mnd", "mlflow", "--json").out)
    assert all(f"export {name}={value}\n" in told for name, value in document["variables"].items())
    assert 'mlflow.set_experiment("NAME")' in told
    assert ask("kim", "token").out == "kim\n"
    document = json.loads(ask("kim", "token", "--json").out)
    assert (document["token"], document["expiresAt"]) == ("kim", None)


def test_a_browser_is_told_where_to_sign_in_if_it_can(ask: As, place: ApiPlace) -> None:
    assert "--public-url" in ask("kim", "--in=mnd", "mlflow").out
    place.app.state.plane = replace(place.plane, pages="https://bongsu.example/mlflow/")
    told = ask("kim", "--in=mnd", "mlflow").out
    assert "open https://bongsu.example/mlflow/ and sign in" in told
    assert "--public-url" not in told


def test_in_a_home_nobody_has_a_token(shell: Shell) -> None:
    assert "[cli.no-token-here]" in shell("token").error


# -- pipelines and names ---------------------------------------------------------------------------------------


def test_files_are_checked_by_the_server(ask: As, tmp_path: Path) -> None:
    (tmp_path / "p.yaml").write_text(PIPELINE)
    assert "checks is right (1 stage)" in ask("kim", "validate", "p.yaml").out
    (tmp_path / "q.yaml").write_text(PIPELINE.replace("uses: probe", "uses: prob"))
    assert "[spec.unknown-uses]" in ask("kim", "validate", "q.yaml").error
    assert "[client.sign-in-again]" in ask("nobody", "validate", "p.yaml").error
    there = json.loads(ask("kim", "validate", "p.yaml", "--json").out)
    here = json.loads(ask("kim", "--context", "local", "validate", "p.yaml", "--json").out)
    assert there == here


def test_files_that_a_faulty_pipeline_names_are_looked_for_on_this_machine(ask: As, tmp_path: Path) -> None:
    (tmp_path / "law.txt").write_text("law")
    inputs = '  inputs: {law: {dataset: "file:law.txt"}, gone: {dataset: "file:gone.txt"}}\n  stages:'
    faulty = PIPELINE.replace("useClass: administration", "useClass: adminstration").replace("  stages:", inputs)
    (tmp_path / "p.yaml").write_text(faulty)
    for command in ("plan", "submit"):
        told = json.loads(ask("kim", command, "p.yaml", "--json").out)["problems"]
        found = {(one["code"], one["field"]) for one in told}
        assert ("spec.not-allowed", "spec.purpose.useClass") in found
        missing = [one for one in told if one["code"] == "run.input-missing"]
        assert [one["field"] for one in missing] == ["spec.inputs.gone"], "what lies beside the file is not missing"
        assert "gone.txt does not exist" in missing[0]["message"]


@pytest.mark.parametrize("command", ["submit", "run"])
def test_what_the_register_of_uses_refuses_is_recorded_and_a_look_at_the_plan_is_not(
    ask: As, place: ApiPlace, tmp_path: Path, command: str
) -> None:
    text = PIPELINE.replace("useClass: administration", "useClass: logistics-resupply")
    (tmp_path / "p.yaml").write_text(text)
    size = len(place.log())
    ask("kim", "plan", "p.yaml")
    assert len(place.log()) == size
    refused = ask("kim", command, "p.yaml")
    assert (refused.status, "[use.not-permitted]" in refused.error) == (4, True)
    entry = json.loads(place.log()[-1][2])
    assert len(place.log()) == size + 1
    assert (entry["actor"], entry["action"], entry["object"]) == ("kim", "run.submit", "pipeline:checks")
    assert (entry["outcome"], entry["facts"]) == (
        "refused",
        {"codes": ["use.not-permitted"], "rules": ["use.permitted"]},
    )


def test_a_ministry_is_chosen_with_each_command(ask: As, place: ApiPlace) -> None:
    from bongsu.domain.people import Role

    place.add_role("dc", "army", Role.DATA_CUSTODIAN)
    assert json.loads(ask("dc", "datasets", "list", "--ministry", "army", "--json").out) == []
    assert json.loads(ask("dc", "datasets", "list", "--ministry", "mnd", "--json").out)[0]["name"] == "law"
    digest = f"artifact:{place.law}"
    assert "[access.several-ministries]" in ask("dc", "datasets", "add", "law-2", digest).error
    assert ask("dc", "datasets", "add", "law-2", digest, "--ministry", "mnd").status == 0


@pytest.mark.parametrize("words", [("stages", "list", "--all"), ("stages", "show", "train.continue")])
def test_stages_are_those_of_the_server_and_told_as_in_a_home(
    ask: As, shell: Shell, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...]
) -> None:
    here = [shell("--context", "local", *words, *way).out for way in ((), ("--json",))]
    monkeypatch.setattr(stages_described, "list_stages", None)
    monkeypatch.setattr(stages_described, "show_stage", None)
    assert [ask("army-eng", *words, *way).out for way in ((), ("--json",))] == here


@pytest.mark.parametrize("words", [("datasets", "list"), ("models", "list"), ("lineage", "x/1")])
def test_a_home_has_no_ministries_to_choose_from(shell: Shell, words: tuple[str, ...]) -> None:
    assert "[cli.no-ministries]" in shell(*words, "--ministry", "mnd").error


@pytest.mark.parametrize("command", ["serve", "up"])
def test_what_works_here_alone_says_so(ask: As, shell: Shell, command: str) -> None:
    ask("kim", "runs")
    refused = shell("--context", "server", command)
    assert (refused.status, "[cli.only-here]" in refused.error) == (2, True)


def test_the_database_of_this_machine_is_not_taken_for_the_servers(ask: As, shell: Shell) -> None:
    ask("kim", "runs")
    assert shell("--context", "local", "runs").status == 0
    for words in (("database", "show"), ("database", "check"), ("database", "grades")):
        told = shell(*words)
        assert (told.status, "not that of the server server, http://127.0.0.1:" in told.error) == (0, True), told
        assert "on this machine" in told.error
    assert json.loads(shell("database", "show", "--json").out).keys() == {"found", "known"}
    assert shell("--context", "local", "database", "show").error == ""
    assert "[cli.only-here]" in shell("--context", "server", "database", "show").error


def test_a_custodian_gives_a_name_to_files_of_their_own_machine(ask: As, tmp_path: Path) -> None:
    (tmp_path / "law.txt").write_text("제1조")
    said = ask("dc", "datasets", "add", "own-law", "file:law.txt", "--grade", "S")
    assert said.status == 0, said.error
    assert "datasets:/own-law/1" in said.out
    assert "[access.forbidden]" in ask("lee", "datasets", "add", "own-law", "file:law.txt").error
