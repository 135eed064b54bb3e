"""A sign-in is renewed by one command at a time: a refresh token is good for one use, and a second one ends it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest
import requests
from issuer_server import IssuerServer
from store_places import store_at

from bongsu.client.contexts import Context, Contexts, SignIn, change_contexts, load_contexts, save_contexts
from bongsu.client.mlflow_sign_in import SignedRequests
from bongsu.client.opening import Tokens, access_token
from bongsu.domain.problems import BongsuError

URL = "http://127.0.0.1:1"
COMMANDS = 4
COMMAND = """
import sys
from pathlib import Path
from bongsu.client.contexts import load_contexts
from bongsu.client.opening import access_token
path = Path(sys.argv[1])
context = load_contexts(path).known["mnd"]
print("ready", flush=True)
sys.stdin.readline()
print(access_token(path, "mnd", context))
"""


@pytest.fixture
def server(tmp_path: Path) -> Iterator[IssuerServer]:
    made = IssuerServer(store_at(tmp_path), tmp_path)
    yield made
    made.close()


def signed_in(server: IssuerServer, path: Path) -> Context:
    """A context whose token has ended."""
    told = server.cli_tokens()
    tokens = {name: told[name] for name in ("access_token", "refresh_token")}
    sign_in = SignIn(**tokens, expires_at=1.0, token_endpoint=f"{server.url}/token", client_id="bongsu-cli")
    context = Context(url=URL, sign_in=sign_in)
    save_contexts(path, Contexts("mnd", {"mnd": context}))
    return context


def test_commands_that_begin_at_once_renew_it_once(server: IssuerServer, tmp_path: Path) -> None:
    path = tmp_path / "settings" / "contexts.json"
    context = signed_in(server, path)
    commands = [
        subprocess.Popen(
            [sys.executable, "-c", COMMAND, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        for _ in range(COMMANDS)
    ]
    for command in commands:
        assert command.stdout is not None
        assert command.stdout.readline() == "ready\n"
    for command in commands:
        assert command.stdin is not None
        command.stdin.write("\n")
        command.stdin.flush()
    tokens = {command.communicate(timeout=60)[0].strip() for command in commands}
    assert [command.returncode for command in commands] == [0] * COMMANDS
    known = load_contexts(path).known["mnd"].sign_in
    assert known is not None
    assert tokens == {known.access_token}, "all of them go on with the one that one of them fetched"
    assert known != context.sign_in
    change_contexts(path, lambda now: now.with_context("mnd", context_of(known), is_current=True))
    assert access_token(path, "mnd", load_contexts(path).known["mnd"]), "nothing ended the sign-in"


def test_threads_whose_token_was_refused_renew_it_once(server: IssuerServer, tmp_path: Path) -> None:
    path = tmp_path / "contexts.json"
    context = signed_in(server, path)
    assert context.sign_in is not None
    tokens = Tokens(path, "mnd", context)
    with ThreadPoolExecutor(COMMANDS) as threads:
        found = set(threads.map(tokens.instead_of, [context.sign_in.access_token] * COMMANDS))
    (newer,) = found
    assert newer != context.sign_in.access_token
    assert tokens.instead_of("an older one still") == newer, "it was not refused"
    assert tokens.instead_of(newer) != newer


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_provider_that_is_away_has_ended_no_sign_in(
    server: IssuerServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, status: int
) -> None:
    path = tmp_path / "contexts.json"
    context = signed_in(server, path)
    with monkeypatch.context() as away:
        away.setattr("bongsu.client.login._sent", lambda *_: httpx.Response(status))
        with pytest.raises(BongsuError) as caught:
            access_token(path, "mnd", context)
    assert caught.value.problems[0].code.name == "client.unreachable"
    assert access_token(path, "mnd", context)


def test_a_program_waits_for_a_provider_that_is_away(server: IssuerServer, tmp_path: Path) -> None:
    path = tmp_path / "contexts.json"
    context = signed_in(server, path)
    assert context.sign_in is not None
    known = context.sign_in.model_copy(update={"token_endpoint": "http://127.0.0.1:1/token"})
    save_contexts(path, Contexts("mnd", {"mnd": context.model_copy(update={"sign_in": known})}))
    waited: list[float] = []

    def sleep(seconds: float) -> None:
        waited.append(seconds)
        if len(waited) == 2:  # it is back
            save_contexts(path, Contexts("mnd", {"mnd": context}))

    signed = SignedRequests("mnd", URL, Tokens(path, "mnd", context_of(known)), sleep)
    request = signed(requests.Request("GET", f"{URL}/mlflow/health").prepare())
    assert request.headers["Authorization"].startswith("Bearer ")
    assert waited == [1.0, 2.0]


def context_of(known: SignIn) -> Context:
    return Context(url=URL, sign_in=known.model_copy(update={"expires_at": 1.0}))


@pytest.mark.parametrize(
    "after",
    [
        Contexts(),
        Contexts("mnd", {"mnd": Context(url="https://other.example", sign_in=SignIn(access_token="theirs"))}),
    ],
    ids=["signed out", "another server"],
)
def test_a_sign_in_that_is_gone_meanwhile_does_not_come_back(
    server: IssuerServer, tmp_path: Path, after: Contexts
) -> None:
    path = tmp_path / "contexts.json"
    context = signed_in(server, path)
    save_contexts(path, after)
    with pytest.raises(BongsuError) as caught:
        access_token(path, "mnd", context)
    assert caught.value.problems[0].code.name == "client.sign-in-again"
    assert load_contexts(path) == after
