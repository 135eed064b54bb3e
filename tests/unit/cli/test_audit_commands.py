"""``bongsu audit``: what people did in a home, signed, witnessed, exported and verified by commands alone."""

from __future__ import annotations

import json
import os
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from cli_shell import Shell
from small_plans import plan_of, stage

from bongsu.domain.run import RunState
from bongsu.domain.signed_notes import SignatureKind, VerifierKey
from bongsu.service.cancelling import request_cancel
from bongsu.service.embedded import open_home
from bongsu.service.local_actor import user_name
from bongsu.service.submitting import submit


@pytest.fixture
def worked(shell: Shell, tmp_path: Path) -> Shell:
    """A home in which a data set was added, and given a higher label."""
    (tmp_path / "law.txt").write_text("제1조")
    for label in ((), ("--grade", "S")):
        assert shell("datasets", "add", "korean-law", "file:law.txt", *label).status == 0
    return shell


def said_key(shell: Shell) -> str:
    return shell("audit", "keys").out.strip()


def actions(shell: Shell, *options: str) -> list[tuple[str, str]]:
    entries = json.loads(shell("audit", "list", "--json", *options).out)["entries"]
    return [(entry["content"]["action"], entry["content"]["actor"]) for entry in reversed(entries)]


def test_what_was_done_is_listed_in_the_users_name(worked: Shell) -> None:
    me = f"local:{user_name()}"
    assert actions(worked) == [("dataset.add", me), ("label.raise", me)]
    assert actions(worked, "--action", "label.") == [("label.raise", me)]
    assert actions(worked, "--until", "2020-01-01") == []
    listed = worked("audit", "list").out
    assert "dataset.add  dataset:korean-law/1" in listed
    first = worked("audit", "list", "--limit", "1").out
    assert "Older ones: --before 1" in first
    assert json.loads(worked("audit", "show", "0", "--json").out)["content"]["object"] == "dataset:korean-law/1"
    assert "[audit.no-entry]" in worked("audit", "show", "7").error


def test_an_export_of_a_damaged_log_says_so_and_ends_as_verify_does(worked: Shell, tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "home" / "bongsu.db")) as outside:
        outside.execute("DROP TRIGGER audit_entries_no_update")
        outside.execute("UPDATE audit_entries SET actor = 'local:nobody' WHERE position = 0")
        outside.commit()
    exported, verified = worked("audit", "export", "log.jsonl"), worked("audit", "verify")
    assert exported.status == verified.status == 8
    assert "Entry 0 " in exported.error
    assert "[audit.columns-changed]" in exported.error
    assert (tmp_path / "log.jsonl").is_file()


def test_runs_that_are_submitted_and_cancelled_are_recorded_once(shell: Shell, tmp_path: Path) -> None:
    platform = open_home(tmp_path / "home", os.environ)
    run = submit(platform, plan_of(stage("a"))).run
    assert not submit(platform, plan_of(stage("a"))).created
    for _ in range(2):
        assert request_cancel(platform, run.id).state is RunState.CANCELLING
    platform.close()
    assert [action for action, _actor in actions(shell)] == ["run.submit", "run.cancel"]
    document = json.loads(shell("audit", "show", "0", "--json").out)["content"]
    assert (document["object"], document["facts"]["plan"]) == (f"run:{run.id}", run.plan_hash)


def test_a_home_in_which_nothing_happened_says_so(shell: Shell) -> None:
    assert "No such entries." in shell("audit", "list").out
    assert "[audit.empty]" in shell("audit", "checkpoint").error
    assert shell("audit", "verify").status == 0


def test_an_export_is_verified_without_the_home(
    worked: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = said_key(worked)
    assert worked("audit", "export", "log.jsonl").status == 0
    assert (tmp_path / "log.jsonl").stat().st_mode & 0o077 == 0
    assert "[cli.file-exists]" in worked("audit", "export", "log.jsonl").error
    monkeypatch.setenv("BONGSU_HOME", str(tmp_path / "elsewhere"))
    verified = worked("audit", "verify", "log.jsonl", "--key", key)
    assert verified.status == 0, verified.error
    assert "Proved" in verified.out
    assert "Not proved" in verified.out
    assert not (tmp_path / "elsewhere").exists(), "nothing is opened but the file"
    document = json.loads(worked("audit", "verify", "log.jsonl", "--json").out)
    assert (document["holds"], document["size"]) == (True, 3)
    text = (tmp_path / "log.jsonl").read_text().replace("korean-law", "other-law")
    (tmp_path / "log.jsonl").write_text(text)
    broken = worked("audit", "verify", "log.jsonl", "--key", key)
    assert broken.status == 8
    assert "Entry 0 does not have the hash that stands beside it" in broken.error
    assert "Proved" not in broken.out.replace("Not proved", "")


def test_a_proof_of_one_entry_is_verified_and_a_changed_one_is_not(worked: Shell, tmp_path: Path) -> None:
    key = said_key(worked)
    assert worked("audit", "show", "1", "--proof", "entry.tlog-proof").status == 0
    assert worked("audit", "verify", "entry.tlog-proof", "--key", key).status == 0
    assert "[audit.unsigned]" in worked("audit", "verify", "entry.tlog-proof").error
    proof = (tmp_path / "entry.tlog-proof").read_text()
    (tmp_path / "entry.tlog-proof").write_text(proof.replace("index 1", "index 0"))
    assert "[audit.not-included]" in worked("audit", "verify", "entry.tlog-proof", "--key", key).error


def test_a_witness_signs_offline_and_its_signature_comes_with_the_next_export(
    worked: Shell, tmp_path: Path
) -> None:
    key = said_key(worked)
    assert worked("audit", "checkpoint", "--since", "0", "-o", "request").status == 0
    witness = ("audit", "witness", "request", "--state", "w/memory", "--key", "w/key")
    assert "[audit.key-unreadable]" in worked(*witness).error, "a new witness needs a name"
    named = (*witness, "--name", "witness.msit.example")
    assert "[audit.unknown-origin]" in worked(*named).error
    signed = worked(*named, "--log-key", key, "-o", "cosigned")
    assert signed.status == 0, signed.error
    public = signed.error.split()[-1]
    assert VerifierKey.parse(public).kind is SignatureKind.WITNESS
    assert "Kept the signature" in worked("audit", "accept", "cosigned", "--witness", public).out
    assert "was there before" in worked("audit", "accept", "cosigned", "--witness", public).out
    assert worked("audit", "export", "log.jsonl").status == 0
    trusted = ("--key", key, "--witness", public, "--checkpoint", "cosigned")
    verified = " ".join(worked("audit", "verify", "log.jsonl", *trusted).out.split())
    assert f"The witness {public} saw the first 2 entries" in verified
    assert "The checkpoint of 2 entries that you hold is a beginning" in verified
    assert "[audit.other-start]" in worked(*witness).error, "the witness saw two entries since"
    assert worked("audit", "checkpoint", "--since", "2", "-o", "request2").status == 0
    assert worked("audit", "witness", "request2", *witness[3:], "-o", "cosigned2").status == 0


def test_a_new_key_signs_beside_the_old_one_once(worked: Shell) -> None:
    old = said_key(worked)
    worked("audit", "checkpoint")
    both = worked("audit", "checkpoint", "--rotate-key").out
    assert both.count("— bongsu-home/") == 2
    first, new = worked("audit", "keys").out.split()
    assert (first, new != old) == (old, True)
    worked("audit", "export", "log.jsonl")
    assert worked("audit", "verify", "log.jsonl", "--key", new).status == 0
    assert "[audit.unsigned]" in worked("audit", "verify", "log.jsonl", "--key", old).error


def test_files_that_are_something_else_are_refused(worked: Shell, tmp_path: Path) -> None:
    (tmp_path / "it").write_text("something else\n")
    (tmp_path / "folder").mkdir()
    for file in ("it", "absent", "folder"):
        assert "[audit.malformed]" in worked("audit", "verify", file).error
        assert "[audit.malformed]" in worked("audit", "witness", file, "--state", "s", "--key", "k").error
        assert "[audit.malformed]" in worked("audit", "accept", file, "--witness", said_key(worked)).error
    assert "[audit.bad-key]" in worked("audit", "verify", "it", "--key", "it").error
