"""``bongsu ministries``, ``people``, ``service-accounts`` and ``whoami`` at a server, as its people ask it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from cli_shell import Said, Shell
from live_api import served, sign_in
from people_api import PeopleApi
from people_places import ISSUER
from store_places import store_at

from bongsu.domain.people import ActorKind, Role

As = Callable[..., Said]


@pytest.fixture
def place(tmp_path: Path) -> Iterator[PeopleApi]:
    database = store_at(tmp_path)
    made = PeopleApi(database, tmp_path)
    yield made
    database.close()


@pytest.fixture
def ask(place: PeopleApi, shell: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[As]:
    """Runs ``bongsu`` as somebody of the two ministries."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "settings"))
    monkeypatch.delenv("BONGSU_HOME")
    with served(place) as url:

        def call(person: str, *words: str) -> Said:
            sign_in(tmp_path / "settings", url, person)
            return shell(*words)

        yield call


def printed(said: Said) -> Any:
    assert said.status == 0, said.error
    return json.loads(said.out)


def told(said: Said) -> str:
    assert said.status == 0, said.error
    return said.out


def test_a_person_comes_is_made_something_cleared_and_goes(ask: As) -> None:
    vetted = ("--clearance", "S", "--reason", "V-1")
    added = ask("mnd/op", "people", "add", "mnd/kim", "--name", "김철수", "--subject", "s-1", *vetted)
    assert told(added).startswith("Added mnd/kim, cleared for S;")
    assert told(ask("mnd/op", "people", "give-role", "mnd/kim", "engineer")) == "Roles of mnd/kim: mnd: engineer.\n"
    words = ("people", "clearance", "mnd/kim", "C", "--compartment", "logistics", "--reason", "Vetted")
    assert told(ask("mnd/op", *words)) == "mnd/kim is cleared for C/logistics.\n"
    shown = told(ask("mnd/op", "people", "show", "mnd/kim"))
    assert "mnd/kim  김철수\n  mnd: engineer · Cleared for C/logistics\n" in shown
    assert told(ask("mnd/op", "people", "take-role", "mnd/kim", "engineer")) == "Roles of mnd/kim: no role.\n"
    assert "let in no longer" in told(ask("mnd/op", "people", "disable", "mnd/kim"))
    assert "disabled since" in told(ask("mnd/op", "people", "list"))
    again = ask("mnd/op", "people", "add", "mnd/kim", "--name", "Kim", "--subject", "s-2")
    assert "[people.exists]" in again.error


def test_the_servers_own_identity_provider_is_meant_if_none_is_named(ask: As, place: PeopleApi) -> None:
    told(ask("mnd/op", "people", "add", "mnd/kim", "--name", "Kim", "--subject", "sub-mnd/kim"))
    assert place.identify("mnd/kim").id == "mnd/kim", f"{ISSUER} was meant"
    other = ("people", "add", "mnd/lee", "--name", "Lee", "--subject", "sub-mnd/lee")
    told(ask("mnd/op", *other, "--issuer", "https://other.example"))
    assert place.ask("mnd/lee", "GET", "/v1/me").status_code == 401


def test_somebody_is_sent_and_recalled(ask: As) -> None:
    told(ask("mnd/op", "people", "add", "mnd/kim", "--name", "Kim", "--subject", "s-1"))
    told(ask("mnd/op", "people", "send", "mnd/kim", "msit"))
    assert "sent to msit" in told(ask("mnd/op", "people", "show", "mnd/kim"))
    assert told(ask("msit/op", "people", "give-role", "mnd/kim", "auditor")) == "Roles of mnd/kim: msit: auditor.\n"
    people = printed(ask("msit/op", "people", "list", "--json"))
    assert [(one["id"], one["roles"]) for one in people] == [
        ("mnd/kim", {"msit": ["auditor"]}),
        ("msit/op", {"msit": ["operator"]}),
    ]
    told(ask("mnd/op", "people", "recall", "mnd/kim", "msit"))
    assert "[people.unknown]" in ask("msit/op", "people", "show", "mnd/kim").error


def test_another_ministry_s_people_are_as_people_that_there_are_not(ask: As) -> None:
    there, nowhere = (ask("msit/op", "people", "show", one) for one in ("mnd/op", "mnd/no"))
    assert (there.status, there.error.replace("mnd/op", "mnd/no")) == (nowhere.status, nowhere.error)
    assert there.status == 3
    for strange in ("mnd", "../../v1/me", "mnd/op/secrets", "mnd/op?x=1"):
        said = ask("mnd/op", "people", "show", strange)
        assert "[people.unknown]" in said.error, strange
    assert "[people.unknown-ministry]" in ask("mnd/op", "people", "list", "--ministry", "../me").error


def test_a_ministry_is_registered_and_leaves(ask: As) -> None:
    words = ("ministries", "register", "navy", "--title-ko", "해군", "--title-en", "Navy", "--operator", "navy/op")
    said = ask("mnd/op", *words, "--operator-name", "Op", "--subject", "sub-navy/op")
    assert told(said) == "navy takes part now; navy/op is its operator.\n"
    assert "navy  해군 · Navy" in told(ask("navy/op", "ministries", "list"))
    assert [one["name"] for one in printed(ask("mnd/op", "ministries", "list", "--json"))] == ["mnd"]
    assert told(ask("navy/op", "ministries", "close", "navy")).startswith("navy has left.")
    assert "You may look in no ministry." in told(ask("navy/op", "ministries", "list"))
    assert "You are nothing in any ministry" in told(ask("navy/op", "whoami"))
    assert "[people.unknown-ministry]" in ask("mnd/op", "ministries", "close", "navy").error


def test_secrets_of_a_service_account(ask: As, place: PeopleApi) -> None:
    assert "Added mnd/ci." in told(ask("mnd/op", "service-accounts", "add", "mnd/ci", "--name", "CI"))
    assert place.log("mnd")[-1]["facts"]["issuer"] == f"{ISSUER}/services"
    first = ask("mnd/op", "service-accounts", "secret", "mnd/ci")
    assert len(told(first).strip()) == 43, "alone on standard output, for a pipe"
    second = printed(ask("mnd/op", "service-accounts", "secret", "mnd/ci", "--overlap-seconds", "60", "--json"))
    held = printed(ask("mnd/op", "service-accounts", "secrets", "mnd/ci", "--json"))
    assert {one["id"] for one in held} > {second["id"]}
    (old,) = {one["id"] for one in held} - {second["id"]}
    assert old in first.error
    assert "holds until" in told(ask("mnd/op", "service-accounts", "secrets", "mnd/ci"))
    assert (
        told(ask("mnd/op", "service-accounts", "withdraw", "mnd/ci", old)) == f"The secret {old} holds no longer.\n"
    )
    left = printed(ask("mnd/op", "service-accounts", "withdraw", "mnd/ci", second["id"], "--json"))
    assert left == []
    assert "nobody comes in" in told(ask("mnd/op", "service-accounts", "secrets", "mnd/ci"))
    assert "holds no longer" in told(ask("mnd/op", "service-accounts", "withdraw", "mnd/ci", old)), "asked twice"
    assert "[people.unknown-secret]" in ask("mnd/op", "service-accounts", "withdraw", "mnd/ci", "none").error


def test_an_account_whose_tokens_somebody_else_gives_is_named_as_they_call_it(ask: As, place: PeopleApi) -> None:
    words = ("service-accounts", "add", "mnd/ci", "--name", "CI", "--issuer", "https://other.example")
    assert "[client.no-service-issuer]" in ask("mnd/op", *words).error
    told(ask("mnd/op", *words, "--subject", "4711"))
    assert place.log("mnd")[-1]["facts"]["issuer"] == "https://other.example"


def test_whoever_may_not_is_told_who_may(ask: As, place: PeopleApi) -> None:
    place.add("mnd/kim", mnd=Role.ENGINEER)
    said = ask("mnd/kim", "people", "list")
    assert (said.status, "auditor, operator" in said.error) == (4, True)
    assert "[people.not-allowed]" in ask("mnd/kim", "ministries", "close", "mnd").error
    assert "[people.own-rights]" in ask("mnd/op", "people", "give-role", "mnd/op", "approver").error


def test_whoami_tells_where_and_who(ask: As, shell: Shell, tmp_path: Path) -> None:
    me = printed(ask("mnd/op", "whoami", "--json"))
    assert (me["context"], me["id"], me["clearance"], me["home"]) == ("server", "mnd/op", "O", None)
    assert me["ministries"]["mnd"]["roles"] == ["operator"]
    assert "mnd: operator" in told(ask("mnd/op", "whoami"))
    here = printed(shell("--home", "home", "whoami", "--json"))
    assert (here["context"], here["server"], here["clearance"]) == ("local", None, None)
    assert here["home"] == str(tmp_path / "home")
    assert "speak to no server" in told(shell("--home", "home", "whoami"))


@pytest.mark.parametrize(
    "words",
    [
        ("ministries", "list"),
        ("people", "list"),
        ("people", "disable", "mnd/kim"),
        ("service-accounts", "secret", "mnd/ci"),
    ],
)
def test_without_a_server_there_is_nobody(shell: Shell, words: tuple[str, ...]) -> None:
    said = shell(*words)
    assert "[people.no-server]" in said.error
    assert "bongsu login" in said.error
    assert "bongsu ministries found" in said.error


@pytest.mark.parametrize(
    ("words", "found", "other"),
    [
        (("people", "show", "mnd/o"), "mnd/op", "msit/op"),
        (("service-accounts", "secret", "m"), "mnd/ci", "mnd/op"),
        (("ministries", "close", "m"), "mnd", "msit"),
    ],
    ids=lambda words: " ".join(words) if isinstance(words, tuple) else words,
)
def test_who_there_is_for_the_asker_is_completed(
    ask: As, place: PeopleApi, tmp_path: Path, words: tuple[str, ...], found: str, other: str
) -> None:
    place.add("mnd/ci", ActorKind.SERVICE)
    ask("mnd/op", "context", "list")
    asked = {"_BONGSU_COMPLETE": "complete_zsh", "_TYPER_COMPLETE_ARGS": " ".join(("bongsu", *words))}
    code = "import sys; sys.argv = ['bongsu']; from bongsu.cli.main import main; main()"
    home = {"XDG_CONFIG_HOME": str(tmp_path / "settings"), "BONGSU_HOME": str(tmp_path / "home")}
    said = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, env=os.environ | asked | home
    )
    assert (said.stderr, f'"{found}"' in said.stdout, f'"{other}"' in said.stdout) == ("", True, False)
