"""From an empty home to a CI job: the first ministry, an operator who signs in elsewhere, an account with a secret."""

from __future__ import annotations

import io
import json
import socket
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from cli_shell import Shell
from live_api import served, sign_in
from login_server import FOUND, LoginServer, login_server
from postgres_server import PostgresServer
from service_places import Place
from small_plans import plan_of, stage

from bongsu.api.serving import application
from bongsu.client.contexts import SignIn, change_contexts, load_contexts
from bongsu.service.serving import ServerSettings, open_served, trusted
from bongsu.service.submitting import submit


@pytest.fixture
def login() -> Iterator[LoginServer]:
    with login_server() as found:
        yield found


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "settings"))
    monkeypatch.delenv("BONGSU_SECRET", raising=False)
    return tmp_path / "settings"


@pytest.fixture
def url(login: LoginServer, shell: Shell, settings: Path, tmp_path: Path) -> Iterator[str]:
    """A server as ``bongsu serve`` makes it, whose first ministry was founded before."""
    home = tmp_path / "served"
    said = shell("--home", str(home), "ministries", *FOUND, "--issuer", login.url, "--subject", "op-1")
    assert said.status == 0, said.error
    listening = socket.create_server(("127.0.0.1", 0))
    chosen = ServerSettings(
        home=home,
        issuers=trusted([f"mnd={login.url}"], "bongsu"),
        service_issuer=f"http://127.0.0.1:{listening.getsockname()[1]}/services",
        leads=False,
        mlflow=False,
    )
    with open_served(chosen, {}) as opened, served(SimpleNamespace(app=application(opened)), listening) as found:
        sign_in(settings, found, login.token("op-1"))
        yield found


def give_account(shell: Shell) -> str:
    """The secret of ``mnd/ci``, an engineer."""
    assert shell("service-accounts", "add", "mnd/ci", "--name", "CI").status == 0
    assert shell("people", "give-role", "mnd/ci", "engineer").status == 0
    return shell("service-accounts", "secret", "mnd/ci").out.strip()


def whoami(shell: Shell) -> str:
    said = shell("whoami", "--json")
    return str(json.loads(said.out)["id"]) if said.status == 0 else said.out


def test_the_operator_who_was_founded_is_let_in(url: str, shell: Shell) -> None:
    assert whoami(shell) == "mnd/op"
    assert json.loads(shell("ministries", "list", "--json").out)[0]["titleKo"] == "국방부"


@pytest.mark.parametrize("way", ["environment", "standard input"])
def test_a_service_account_signs_in_with_its_secret(
    url: str, shell: Shell, settings: Path, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    secret = give_account(shell)
    if way == "environment":
        monkeypatch.setenv("BONGSU_SECRET", secret)
    monkeypatch.setattr("sys.stdin", io.StringIO("" if way == "environment" else f"{secret}\n"))
    said = shell("login", url, "--service-account", "mnd/ci", "--name", "ci")
    assert said.status == 0, said.error
    assert said.out == f"Signed in at {url} as mnd/ci (mnd: engineer); commands speak to it now (context ci).\n"
    assert whoami(shell) == "mnd/ci"
    assert secret not in (settings / "bongsu" / "contexts.json").read_text()
    assert "[people.not-allowed]" in shell("people", "list").error


def test_whom_the_server_does_not_know_learns_it_at_once(
    url: str, shell: Shell, login: LoginServer, settings: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    unknown = SignIn(access_token=login.token("stranger"), token_endpoint=f"{login.url}/token")
    monkeypatch.setattr("bongsu.client.login.with_secret", lambda *_given: unknown)
    monkeypatch.setenv("BONGSU_SECRET", "x")
    said = shell("login", url, "--service-account", "mnd/ci", "--name", "ci")
    assert said.status == 0, "it is signed in at the provider, and may be added at the server yet"
    assert said.out == f"Signed in at {url}; commands speak to it now (context ci).\n"
    assert "warning" in said.error
    assert load_contexts(settings / "bongsu" / "contexts.json").current == "ci"


def test_a_token_that_ended_is_renewed_while_the_secret_is_there(
    url: str, shell: Shell, settings: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BONGSU_SECRET", give_account(shell))
    assert shell("login", url, "--service-account", "mnd/ci", "--name", "ci").status == 0
    path = settings / "bongsu" / "contexts.json"

    def end() -> None:
        """The token of the context."""
        held = load_contexts(path).known["ci"]
        assert held.sign_in is not None
        over = held.sign_in.model_copy(update={"expires_at": 1.0, "access_token": "over"})
        ended = held.model_copy(update={"sign_in": over})
        change_contexts(path, lambda known: known.with_context("ci", ended, is_current=True))

    end()
    assert whoami(shell) == "mnd/ci"
    end()
    monkeypatch.delenv("BONGSU_SECRET")
    assert "client.sign-in-again" in whoami(shell)
    monkeypatch.setenv("BONGSU_SECRET", "another")
    assert "client.secret-refused" in whoami(shell)


def test_a_secret_that_was_withdrawn_lets_nobody_in(
    url: str, shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = give_account(shell)
    known = json.loads(shell("service-accounts", "secrets", "mnd/ci", "--json").out)
    assert shell("service-accounts", "withdraw", "mnd/ci", known[0]["id"]).status == 0
    login = ("login", url, "--service-account", "mnd/ci")
    monkeypatch.setenv("BONGSU_SECRET", secret)
    refused = shell(*login)
    assert (refused.status, "[client.secret-refused]" in refused.error) == (4, True)
    monkeypatch.delenv("BONGSU_SECRET")
    monkeypatch.setattr("sys.stdin", io.StringIO(""))
    assert "[client.no-secret]" in shell(*login).error


def test_a_platform_is_founded_once(url: str, login: LoginServer, shell: Shell, tmp_path: Path) -> None:
    words = ("--home", str(tmp_path / "served"), "ministries", *FOUND, "--issuer", login.url, "--subject", "op-1")
    assert shell(*words).status == 0, "asked twice, it is done once"
    other = [word.replace("mnd", "navy") for word in words]
    assert "[people.founded]" in shell(*other).error


def test_a_platform_is_founded_on_this_machine_and_not_at_a_server(url: str, shell: Shell) -> None:
    words = ("ministries", *FOUND, "--subject", "s", "--issuer", "https://login.example")
    assert "bongsu ministries found" in shell("--context", "server", *words).error


def test_an_issuer_that_no_server_would_trust_is_refused(shell: Shell) -> None:
    words = ("ministries", *FOUND, "--subject", "s", "--issuer", "http://login.mnd.example")
    assert "[identity.setting]" in shell(*words).error


def test_a_home_in_which_somebody_works_alone_is_no_servers(shell: Shell, tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    place = Place(tmp_path / "home")
    submit(place.platform, plan_of(stage("a")))
    place.close()
    words = ("ministries", *FOUND, "--subject", "s", "--issuer", "https://login.example")
    assert "[people.somebodys-home]" in shell("--home", str(tmp_path / "home"), *words).error


def test_a_platform_is_founded_in_postgresql(shell: Shell, postgres: PostgresServer) -> None:
    address = postgres.new_database()
    words = ("ministries", *FOUND, "--subject", "s", "--issuer", "https://login.example", "--database", address)
    made = json.loads(shell(*words, "--json").out)
    assert (made["name"], made["closedAt"]) == ("mnd", None)
    postgres.drop_database(address)
