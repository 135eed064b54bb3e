"""Every command is asked where it stands once commands speak to a server: a new one is not forgotten."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import typer
from api_places import PIPELINE, ApiPlace
from cli_shell import Shell
from live_api import served, sign_in
from typer.main import get_command

from bongsu.cli.app import app
from bongsu.domain.checkpoints import Checkpoint
from bongsu.domain.merkle import EMPTY_ROOT
from bongsu.domain.signed_notes import SignatureKind, SignedNote, SigningKey

LOG = SigningKey("log.example/mnd", bytes([1]) * 32)
BODY = Checkpoint(LOG.name, 0, EMPTY_ROOT).body
CHECKPOINT = str(SignedNote(BODY, (LOG.sign(BODY),)))
WITNESS = str(SigningKey("witness.example", bytes([2]) * 32).public(SignatureKind.WITNESS))
AT_A_SERVER = """
runs
show RUN
logs RUN
report RUN -o report.html
plan p.yaml
run p.yaml
submit p.yaml
validate p.yaml
cancel RUN
resume RUN
lineage axk1/1
search x
capacity
stages list
stages show train.continue
labels show axk1/1
labels raise axk1/1 --grade S --reason x
models list
models suspend axk1 --reason x
models lift axk1 --reason x
models suspensions
models export axk1/1 --to army -o axk1.bundle
models import FILE --key KEY
artifacts list
datasets list
datasets add law-2 package:konlpy/konlpy/data/corpus
uses list
uses register administration --statement x --owner lee --evidence document:x-1 --dated 2023-11-01 --until 2024-11-01
uses withdraw use-1 --reason x
permits list
permits give-data law 1 --use administration --card document:x-1 --reason x --from 2023-11-01 --until 2024-11-01
permits revoke-data permit-1 --reason x
permits give-access dataset:law/1 --to army --purpose administration --reason x --from 2023-11-01 --until 2024-11-01
permits revoke-access access-1
approvals list
approvals show p-1
approvals propose promotion model:axk1/1 production --reason x --evidence-until 2024-02-01
approvals approve p-1 --digest sha256-DIGEST
approvals reject p-1 --digest sha256-DIGEST --reason x
approvals withdraw p-1 --reason x
approvals apply p-1
approvals check serving model:axk1/1 front
grants list
grants show g
grants recount g
grants give g --giver mnd --receiver army --programme p --accelerator H --gpu-hours 1 --begins 20230101 --ends 20240101
grants adjust g --gpu-hours 1 --reason x
grants close g --reason x
grants reclaim g
showback
audit list
audit show 0
audit export log.jsonl
audit checkpoint
audit keys
audit accept FILE --witness KEY
audit verify
ministries list
ministries receivers
ministries register navy --title-ko x --title-en x --operator navy/op --operator-name x --subject x --issuer https://a.example
ministries close mnd
people list
people show mnd/kim
people add mnd/kim --name x --subject x --issuer https://a.example
people give-role mnd/kim engineer
people take-role mnd/kim engineer
people clearance mnd/kim S --reason x
people disable mnd/kim
people send mnd/kim army
people recall mnd/kim army
service-accounts add mnd/ci --name x --issuer https://a.example --subject x
service-accounts secret mnd/ci
service-accounts secrets mnd/ci
service-accounts withdraw mnd/ci x
whoami
policy explain
mlflow
doctor
token
"""
"""These ask the server of the context in force, and leave this machine's home alone."""

HERE_ALONE = {
    "serve",
    "up",
    "ministries found",
    "ministries gpus",
    "ministries operator",
    "people password",
    "database show",
    "database check",
    "database grades",
    "database migrate",
    "keys list",
    "keys rotate",
    "keys withdraw",
}
"""These mean nothing there, and say so to whoever names a server for them."""

OF_NO_CONTROL_PLANE = {
    "init",
    "schema",
    "explain",
    "audit witness",
    "audit site-key",
    "models inspect",
    "login",
    "logout",
    "context list",
    "context use",
}
"""These look at files, at what is installed here, or at the contexts themselves, whatever the context is."""

CALLS = {
    " ".join(word for word in words[:2] if not word.startswith("-")): words
    for words in (line.split() for line in AT_A_SERVER.strip().splitlines())
}


def commands(group: typer.core.TyperGroup, *above: str) -> Iterator[tuple[str, Callable[..., object]]]:
    """Each with its names, and the function that it calls."""
    for name, found in group.commands.items():
        if isinstance(found, typer.core.TyperGroup):
            yield from commands(found, *above, name)
        else:
            assert found.callback is not None
            yield " ".join((*above, name)), found.callback


def every_command() -> dict[str, Callable[..., object]]:
    group = get_command(app)
    assert isinstance(group, typer.core.TyperGroup)
    return dict(commands(group))


def listed() -> set[str]:
    """Names of the commands of :data:`AT_A_SERVER`."""
    known = every_command()
    two = (" ".join(words[:2]) for words in CALLS.values())
    return {name if name in known else name.split()[0] for name in two}


def test_each_command_stands_in_one_of_the_lists() -> None:
    places = [listed(), HERE_ALONE, OF_NO_CONTROL_PLANE]
    known = set(every_command())
    assert set.union(*places) - known == set(), "there is no such command any more"
    missing = known - set.union(*places)
    assert not missing, f"say of each of these how it works at a server: {sorted(missing)}"
    assert sum(map(len, places)) == len(known), "one stands in two lists"


@pytest.mark.parametrize("name", sorted(OF_NO_CONTROL_PLANE))
def test_what_is_of_no_control_plane_opens_none(name: str) -> None:
    module = inspect.getsource(every_command()[name])
    assert "plane(" not in module
    assert "platform(" not in module
    assert "either(" not in module


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiPlace]:
    made = ApiPlace(tmp_path_factory.mktemp("server"))
    made.register()
    yield made
    made.close()


@pytest.fixture(scope="module")
def url(place: ApiPlace) -> Iterator[str]:
    with served(place) as found:
        yield found


@pytest.mark.parametrize("words", CALLS.values(), ids=lambda words: " ".join(words[:2]))
def test_at_a_server_a_command_asks_the_server(
    shell: Shell, place: ApiPlace, url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: list[str]
) -> None:
    """It is asked by somebody whom the server does not know: the answer is the server's no, or says how to reach it,
    and no home is made on this machine."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "settings"))
    (tmp_path / "p.yaml").write_text(PIPELINE)
    (tmp_path / "FILE").write_text(CHECKPOINT)
    sign_in(tmp_path / "settings", url, "nobody")
    made = {"DIGEST": "0" * 64, "KEY": WITNESS, "RUN": "r-000000000001"}
    said = shell(*(_filled(word, made) for word in words))
    if words[0] in ("mlflow", "token"):
        assert said.status == 0
    elif words[0] == "doctor":
        assert "client.sign-in-again" in said.out
    else:
        assert "[client.sign-in-again]" in said.error, said
    assert not (tmp_path / "home").exists()


def _filled(word: str, made: dict[str, str]) -> str:
    for name, value in made.items():
        word = word.replace(name, value)
    return word
