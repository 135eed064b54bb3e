"""``bongsu people password``: whoever runs the machine gives somebody a password at the built-in issuer."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from cli_shell import Shell
from issuer_server import IssuerServer
from people_places import new

from bongsu.domain.people import ActorKind
from bongsu.service.home import DATABASE
from bongsu.service.people import add_person, disable
from bongsu.store.database import open_database


@pytest.fixture
def server(tmp_path: Path) -> Iterator[IssuerServer]:
    """As ``bongsu up`` has it, in the home that ``bongsu --home`` names."""
    home = tmp_path / "home" / "shared"
    home.mkdir(parents=True)
    database = open_database(f"sqlite:///{home / DATABASE}")
    made = IssuerServer(database, home)
    for name, issuer in (("mnd/park", made.url), ("mnd/far", "https://login.example")):
        add_person(
            made.people.platform, made.people.actor("mnd/op"), replace(new(name), issuer=issuer, subject=name)
        )
    yield made
    made.close()
    database.close()


@pytest.fixture
def shell_there(shell: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shell:
    monkeypatch.setenv("BONGSU_HOME", str(tmp_path / "home"))
    return shell


def _signs_in(server: IssuerServer, login: str, password: str) -> bool:
    device = server.start_device()
    return server.answer_device(device["user_code"], login, password).status_code == 200


def test_somebody_who_was_added_later_signs_in_with_a_password_of_their_own(
    server: IssuerServer, shell_there: Shell
) -> None:
    assert not _signs_in(server, "mnd/park", "x")
    said = shell_there("people", "password", "mnd/park")
    assert said.status == 0, said.error
    password = said.out.strip()
    assert password not in said.error
    assert "mnd/park signs in with this." in said.error
    assert _signs_in(server, "mnd/park", password)
    assert not _signs_in(server, "kim", password)


def test_the_folder_that_the_server_says_it_keeps_things_in_will_do_as_well(
    server: IssuerServer, shell: Shell, tmp_path: Path
) -> None:
    said = shell("--home", str(tmp_path / "home" / "shared"), "people", "password", "mnd/park")
    assert said.status == 0, said.error
    assert _signs_in(server, "mnd/park", said.out.strip())


def test_a_new_password_ends_the_one_before_and_what_was_signed_in_with_it(
    server: IssuerServer, shell_there: Shell
) -> None:
    refresh = server.cli_tokens()["refresh_token"]
    made = json.loads(shell_there("people", "password", "mnd/kim", "--json").out)
    assert (made["person"], made["login"]) == ("mnd/kim", "kim")
    assert not _signs_in(server, "kim", server.passwords["kim"])
    assert _signs_in(server, "kim", made["password"])
    answer = server.token(grant_type="refresh_token", client_id="bongsu-cli", refresh_token=refresh)
    assert answer.json()["error"] == "invalid_grant"


def test_that_it_was_given_is_recorded_and_what_it_is_stands_nowhere(
    server: IssuerServer, shell_there: Shell, tmp_path: Path
) -> None:
    password = shell_there("people", "password", "mnd/park").out.strip()
    last = server.people.log("mnd")[-1]
    assert (last["actor"], last["action"], last["object"]) == ("system", "password.give", "person:mnd/park")
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert files
    assert not [path for path in files if password.encode() in path.read_bytes()]


def test_whom_the_built_in_issuer_does_not_know_gets_none(server: IssuerServer, shell_there: Shell) -> None:
    disable(server.people.platform, server.people.actor("mnd/op"), "mnd/park")
    server.people.add("mnd/ci", ActorKind.SERVICE)
    before = server.accounts.path.read_bytes()
    for person, code in (
        ("mnd/nobody", "people.unknown"),
        ("nobody", "people.unknown"),
        ("mnd/park", "people.disabled"),
        ("mnd/ci", "people.not-a-person"),
        ("mnd/far", "identity.signs-in-elsewhere"),
    ):
        assert f"[{code}]" in shell_there("people", "password", person).error, person
    assert server.accounts.path.read_bytes() == before


def test_where_people_sign_in_elsewhere_there_are_no_passwords(shell: Shell, tmp_path: Path) -> None:
    said = shell("--home", str(tmp_path / "served"), "people", "password", "mnd/kim")
    assert "[identity.no-passwords]" in said.error
    assert "bongsu up" in said.error
    assert not (tmp_path / "served").exists()
