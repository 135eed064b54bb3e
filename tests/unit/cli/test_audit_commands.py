"""``bongsu audit``: what people did in a home, signed, witnessed, exported and verified by commands alone."""

from __future__ import annotations

import base64
import json
import os
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from cli_shell import Said, Shell
from small_plans import plan_of, stage

from bongsu.domain.run import RunState
from bongsu.domain.signed_notes import SignatureKind, SigningKey, VerifierKey
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


def test_an_entry_whose_text_was_destroyed_is_told_as_such_beside_the_others(worked: Shell, tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "home" / "bongsu.db")) as outside:
        outside.execute("DROP TRIGGER audit_entries_no_update")
        outside.execute("UPDATE audit_entries SET entry = '{' WHERE position = 0")
        outside.commit()
    shown = worked("audit", "list")
    assert shown.status == 0, shown.error
    assert "somebody changed it" in shown.out
    assert "label.raise" in shown.out


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
    public = signed.out.removesuffix("\n")
    assert VerifierKey.parse(public).kind is SignatureKind.WITNESS, "the key alone, for `> witness.pub`"
    assert public in signed.error
    kept = worked("audit", "accept", "cosigned", "--witness", public)
    assert kept.out == "Kept the signature of witness.msit.example under 2 entries.\n"
    assert "was there before" in worked("audit", "accept", "cosigned", "--witness", public).out
    assert worked("audit", "export", "log.jsonl").status == 0
    trusted = ("--key", key, "--witness", public, "--checkpoint", "cosigned")
    verified = " ".join(worked("audit", "verify", "log.jsonl", *trusted).out.split())
    assert f"The witness {public} saw the first 2 entries" in verified
    assert "The checkpoint of 2 entries that you hold is a beginning" in verified
    assert "[audit.other-start]" in worked(*witness).error, "the witness saw two entries since"
    assert worked("audit", "checkpoint", "--since", "2", "-o", "request2").status == 0
    assert worked("audit", "witness", "request2", *witness[3:], "-o", "cosigned2").status == 0


def test_what_was_signed_and_kept_is_said_and_written_for_machines(worked: Shell, tmp_path: Path) -> None:
    made = worked("audit", "checkpoint", "-o", "kept.checkpoint")
    origin = said_key(worked).split("+")[0]
    assert made.out == f"2 entries of {origin} are signed; the checkpoint is in kept.checkpoint.\n"
    asked = worked("audit", "checkpoint", "--since", "0", "-o", "request")
    assert asked.out == f"2 entries of {origin} are signed; the request for a witness is in request.\n"
    told = json.loads(worked("audit", "checkpoint", "--since", "0", "--json").out)
    assert (told["origin"], told["size"], told["since"], told["file"]) == (origin, 2, 0, None)
    assert told["text"] == (tmp_path / "request").read_text()
    assert json.loads(worked("audit", "checkpoint", "-o", "again", "--json").out)["file"] == "again"
    signing = ("audit", "witness", "request", "--state", "memory", "--key", "key", "--name", "w.example")
    signed = worked(*signing, "--log-key", said_key(worked))
    assert signed.out.startswith(f"{origin}\n2\n"), "without -o the checkpoint stands there, and nothing else"
    (tmp_path / "cosigned").write_text(signed.out)
    accept = ("audit", "accept", "cosigned", "--witness", signed.error.split()[-1], "--json")
    for is_new in (True, False):
        kept = json.loads(worked(*accept).out)
        assert kept == {
            "origin": origin,
            "size": 2,
            "signatures": [{"witness": "w.example", "isNew": is_new}],
        }


@pytest.mark.parametrize("text", ["", " \n\n"])
def test_a_file_that_names_no_key_is_refused_wherever_keys_are_read(
    worked: Shell, tmp_path: Path, text: str
) -> None:
    key = said_key(worked)
    worked("audit", "export", "log.jsonl")
    worked("audit", "checkpoint", "--since", "0", "-o", "request")
    witness = ("audit", "witness", "request", "--state", "memory", "--key", "key", "--name", "w.example")
    (tmp_path / "w.pub").write_text(worked(*witness, "--log-key", key, "-o", "cosigned").out)
    (tmp_path / "empty").write_text(text)
    for words in (
        ("verify", "log.jsonl", "--key", "empty"),
        ("verify", "log.jsonl", "--key", key, "--key", "empty"),
        ("verify", "log.jsonl", "--key", key, "--witness", "empty"),
        ("accept", "cosigned", "--witness", "empty"),
        ("witness", "request", "--state", "memory", "--key", "key", "--log-key", "empty"),
    ):
        refused = worked("audit", *words)
        assert (refused.status, refused.out) == (2, ""), words
        assert "empty names no key." in refused.error
        assert "[audit.no-keys]" in refused.error
    assert worked("audit", "verify", "log.jsonl", "--key", key).status == 0
    assert "Kept the signature" in worked("audit", "accept", "cosigned", "--witness", "w.pub").out


def test_all_that_is_wrong_with_keys_is_told_at_once_with_its_place_and_no_secret(
    worked: Shell, tmp_path: Path
) -> None:
    worked("audit", "export", "log.jsonl")
    (tmp_path / "empty").write_text("")
    (tmp_path / "several").write_text(f"{said_key(worked)}\n\n  x+y+z\n")
    said = worked("audit", "verify", "log.jsonl", "--key", "empty", "--key", "several", "--key", "home/audit.key")
    assert said.status == 2
    assert "[audit.no-keys]" in said.error
    assert "several:3:3: " in said.error
    assert said.error.count("[audit.bad-key]") == 2
    secret = (tmp_path / "home" / "audit.key").read_text().split("+")[-1].strip()
    assert secret not in said.error


def test_a_key_that_is_not_the_logs_proves_nothing_of_it(worked: Shell, tmp_path: Path) -> None:
    other = str(SigningKey("other.example/mnd", bytes([7]) * 32).public())
    assert worked("audit", "export", "log.jsonl").status == 0
    refused = worked("audit", "verify", "log.jsonl", "--key", other)
    assert refused.status == 8
    assert "[audit.unsigned]" in refused.error
    both = worked("audit", "verify", "log.jsonl", "--key", other, "--key", said_key(worked))
    assert both.status == 0, both.error


def test_a_file_of_entries_without_one_is_refused(worked: Shell, tmp_path: Path) -> None:
    worked("audit", "export", "log.jsonl")
    (tmp_path / "none").write_text("\n")
    refused = worked("audit", "verify", "log.jsonl", "--entry", "none")
    assert (refused.status, "[audit.no-entries]" in refused.error) == (2, True)
    (tmp_path / "one").write_text(json.loads(worked("audit", "show", "0", "--json").out)["text"])
    assert worked("audit", "verify", "log.jsonl", "--entry", "one").status == 0


def test_a_witness_goes_on_whatever_a_courier_put_below_a_request(worked: Shell, tmp_path: Path) -> None:
    key = said_key(worked)
    worked("audit", "checkpoint", "--since", "0", "-o", "request")
    with (tmp_path / "request").open("a") as request:
        request.writelines(f"— {'x' * 400} {base64.b64encode(bytes([line]) * 68).decode()}\n" for line in range(99))
    witness = ("--state", "memory", "--key", "key", "--name", "witness.msit.example", "--log-key", key)
    signed = worked("audit", "witness", "request", *witness, "-o", "cosigned")
    assert signed.status == 0, signed.error
    accepted = worked("audit", "accept", "cosigned", "--witness", signed.error.split()[-1])
    assert "Kept the signature" in accepted.out, accepted.error
    worked("audit", "checkpoint", "--since", "2", "-o", "request2")
    assert worked("audit", "witness", "request2", *witness).status == 0
    memory = json.loads((tmp_path / "memory").read_text())
    memory["logs"]["other.example/army"] = {"keys": [], "note": "gone", "refused": []}
    (tmp_path / "memory").write_text(json.dumps(memory))
    worked("audit", "checkpoint", "--since", "3", "-o", "request3")
    warned = worked("audit", "witness", "request3", *witness)
    assert warned.status == 0, "another log's part that cannot be read is told, and stands in no way"
    assert "[audit.bad-memory-of-log]" in warned.error
    assert "other.example/army" in warned.error


def test_a_log_that_was_restored_from_an_older_backup_is_told_from_its_own_and_goes_on_under_another_name(
    worked: Shell, tmp_path: Path
) -> None:
    """docs/runbooks/restore.md, 7: what its witness says, and what its owner then does."""
    stored, backup, key = tmp_path / "home" / "bongsu.db", tmp_path / "backup.db", said_key(worked)
    with closing(sqlite3.connect(stored)) as source, closing(sqlite3.connect(backup)) as target:
        source.backup(target)
    witness = ("--state", "memory", "--key", "key", "--name", "witness.msit.example")

    def witnessed(since: int, log_key: str = key) -> Said:
        asked = worked("audit", "checkpoint", "--since", str(since), "-o", f"request-{since}")
        assert asked.status == 0, asked.error
        given = ("--log-key", log_key, "-o", "cosigned")
        return worked("audit", "witness", f"request-{since}", *witness, *given)

    def add(name: str) -> None:
        assert worked("datasets", "add", name, "file:law.txt").status == 0

    add("after-the-backup")
    assert witnessed(0).status == 0
    with closing(sqlite3.connect(backup)) as source, closing(sqlite3.connect(stored)) as target:
        source.backup(target)
    assert worked("audit", "verify").status == 0, "it agrees with itself: only a witness can tell"
    said = worked("audit", "checkpoint", "--since", "3").error
    assert "[audit.no-such-size]" in said
    assert "restore.md" in said
    for code in ("shrunk", "fork", "inconsistent"):
        refused = witnessed(3 if code == "inconsistent" else 0)
        assert f"[audit.{code}]" in refused.error
        assert "restore.md" in refused.error
        assert refused.status == 8
        add(f"after-{code}")
    (tmp_path / "home" / "audit.key").rename(tmp_path / "old-audit.key")
    new = worked("audit", "keys").out.split()[-1]
    assert VerifierKey.parse(new).name != VerifierKey.parse(key).name
    signed = witnessed(0, new)
    assert signed.status == 0, signed.error
    public = next(word for word in signed.error.split() if word.startswith("witness.msit.example+"))
    assert worked("audit", "accept", "cosigned", "--witness", public).status == 0
    assert worked("audit", "export", "log.jsonl").status == 0
    verified = worked("audit", "verify", "log.jsonl", "--key", new, "--witness", public)
    assert verified.status == 0, verified.error
    memory = json.loads((tmp_path / "memory").read_text())["logs"]
    assert len(memory) == 2
    assert len(memory[VerifierKey.parse(key).name]["refused"]) == 3, "evidence of what was lost stays"


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
