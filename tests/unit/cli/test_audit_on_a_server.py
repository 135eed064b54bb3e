"""``bongsu audit`` asks a server as it asks a home: each command does there what it does here."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from api_places import ApiPlace
from cli_shell import Said, Shell
from governed_places import SENSITIVE
from live_api import served, sign_in

from bongsu.domain.audit import Author
from bongsu.domain.labels import OPEN
from bongsu.domain.people import Role
from bongsu.domain.tenants import Tenant
from bongsu.store.audit import append

As = Callable[..., Said]


@pytest.fixture
def place(tmp_path: Path) -> Iterator[ApiPlace]:
    folder = tmp_path / "server"
    folder.mkdir()
    made = ApiPlace(folder)
    made.permit_use()
    for number in range(4):
        made.now += 1
        made.run_of("kim", f"p-{number}", SENSITIVE if number == 1 else OPEN)
    yield made
    made.close()


@pytest.fixture
def ask(place: ApiPlace, shell: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[As]:
    """Runs ``bongsu audit`` as one of the staff."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "settings"))
    monkeypatch.delenv("BONGSU_HOME")
    with served(place) as url:

        def call(person: str, *words: str) -> Said:
            sign_in(tmp_path / "settings", url, person)
            return shell("audit", *words)

        yield call


def test_entries_are_listed_by_the_page_and_shown(ask: As) -> None:
    listed = ask("aud", "list", "--limit", "2")
    assert listed.status == 0, listed.error
    assert "run.submit  run:" in listed.out
    assert "Older ones: --before 3" in listed.out
    page = json.loads(ask("aud", "list", "--limit", "2", "--before", "3", "--json").out)
    assert [entry["position"] for entry in page["entries"]] == [2, 1]
    assert page["nextBefore"] == 1
    assert json.loads(ask("aud", "list", "--actor", "acc", "--json").out)["entries"][0]["position"] == 0
    assert "No such entries." in ask("aud", "list", "--until", "2020-01-01").out
    assert json.loads(ask("aud", "show", "0", "--json").out)["content"]["action"] == "use.register"
    assert "[audit.no-entry]" in ask("aud", "show", "7").error


def test_an_export_and_a_proof_from_a_server_verify_offline(ask: As, tmp_path: Path) -> None:
    key = ask("aud", "keys").out.strip()
    assert key.startswith("bongsu/mnd+")
    exported = ask("aud", "export", "log.jsonl")
    assert (exported.status, exported.out) == (0, "6 entries, to position 5, are in log.jsonl.\n")
    assert ask("aud", "show", "1", "--proof", "entry.tlog-proof").status == 0
    for file in ("log.jsonl", "entry.tlog-proof"):
        assert ask("aud", "verify", file, "--key", key).status == 0
    stored = ask("aud", "verify")
    assert stored.out.startswith("6 entries and 1 checkpoints agree"), stored.error


def test_a_second_ministry_witnesses_the_log_of_a_first(ask: As) -> None:
    key = ask("aud", "keys").out.strip()
    assert ask("aud", "checkpoint", "--since", "0", "-o", "request").status == 0
    witness = ("witness", "request", "--state", "w/memory", "--key", "w/key", "--name", "witness.army.example")
    signed = ask("army-aud", *witness, "--log-key", key, "-o", "cosigned")
    public = signed.error.split()[-1]
    assert "Kept the signature" in ask("aud", "accept", "cosigned", "--witness", public).out
    assert "was there before" in ask("aud", "accept", "cosigned", "--witness", public).out
    assert ask("aud", "export", "log.jsonl").status == 0
    assert ask("aud", "verify", "log.jsonl", "--key", key, "--witness", public).status == 0


def test_who_acts_in_several_ministries_says_whose_log_is_meant(ask: As, place: ApiPlace) -> None:
    place.add_role("aud", "army", Role.AUDITOR)
    assert "[access.several-ministries]" in ask("aud", "list").error
    assert ask("aud", "list", "--ministry", "mnd").status == 0
    assert "No such entries." in ask("aud", "list", "--ministry", "army").out
    foreign, none = (ask("army-aud", "list", "--ministry", name) for name in ("mnd", "nowhere"))
    assert (foreign.status, foreign.error.replace("mnd", "nowhere")) == (none.status, none.error)


def test_a_servers_key_is_not_changed_from_here(ask: As, shell: Shell) -> None:
    assert "[audit.servers-key]" in ask("aud", "checkpoint", "--rotate-key").error
    assert "[audit.forbidden]" in ask("kim", "list").error
    here = shell("--home", "home", "audit", "list", "--ministry", "mnd")
    assert "[audit.unknown-log]" in here.error


def test_an_operator_draws_and_changes_the_key_of_a_server(
    ask: As, place: ApiPlace, shell: Shell, tmp_path: Path
) -> None:
    file = place.folder / "site.key"
    assert "Keys of bongsu in " in shell("audit", "site-key", str(file), "--name", "bongsu").out
    drawn = file.read_text()
    old = ask("aud", "keys").out.strip()
    assert ask("aud", "checkpoint").status == 0
    assert shell("audit", "site-key", str(file), "--name", "other").out.startswith("Keys of bongsu in ")
    assert file.read_text() == drawn, "one that is there stays"
    assert shell("audit", "site-key", str(file), "--begin-rotation").status == 0
    assert ask("aud", "checkpoint").out.count("— bongsu/mnd ") == 2
    assert ": 1. " in shell("audit", "site-key", str(file), "--end-rotation").out
    first, new = ask("aud", "keys").out.split()
    assert (first, new != old) == (old, True)
    assert ask("aud", "export", "log.jsonl").status == 0
    assert ask("aud", "verify", "log.jsonl", "--key", new).status == 0
    assert "[audit.key-unreadable]" in shell("audit", "site-key", str(tmp_path / "none")).error


def test_the_operator_of_a_home_verifies_the_log_of_every_ministry_in_it(
    place: ApiPlace, shell: Shell, tmp_path: Path
) -> None:
    home = tmp_path / "operated"
    home.mkdir()
    with place.platform.write() as connection:
        append(connection, Author(Tenant("army")).did("ministry.register", "ministry:army", 1.0))
    with (
        closing(sqlite3.connect(place.folder / "bongsu.db")) as there,
        closing(sqlite3.connect(home / "bongsu.db")) as db,
    ):
        there.backup(db)
    verify = ("--home", str(home), "audit", "verify")
    sound = shell(*verify)
    assert sound.status == 0, sound.error
    assert [line.partition(" entries")[0] for line in sound.out.splitlines()] == [
        "this home: 0",
        "army: 1",
        "mnd: 5",
    ]
    logs = json.loads(shell(*verify, "--json").out)["logs"]
    assert [(log["ministry"], log["size"]) for log in logs] == [(None, 0), ("army", 1), ("mnd", 5)]
    assert json.loads(shell(*verify, "--ministry", "mnd", "--json").out)["size"] == 5
    assert "[audit.unknown-log]" in shell(*verify, "--ministry", "navy").error
    with closing(sqlite3.connect(home / "bongsu.db")) as outside:
        outside.execute("DROP TRIGGER audit_entries_no_update")
        outside.execute("UPDATE audit_entries SET actor = 'nobody' WHERE position = 1 AND tenant = 'mnd'")
        outside.commit()
    for said in (shell(*verify), shell(*verify, "--ministry", "mnd")):
        assert said.status == 8
        assert "audit:mnd: Entry 1" in said.error
    assert shell(*verify, "--ministry", "army").status == 0
    with closing(sqlite3.connect(home / "bongsu.db")) as outside:
        for table in ("audit_entries", "audit_nodes", "audit_logs"):
            outside.execute(f"DROP TRIGGER {table}_no_delete")
            outside.execute(f"DELETE FROM {table} WHERE tenant = 'army'")
        outside.commit()
    gone = shell(*verify, "--ministry", "army")
    assert (gone.status, "it has no entry" in gone.error) == (8, True), "a log that is gone as a whole"
