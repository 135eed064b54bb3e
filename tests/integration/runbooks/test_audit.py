"""docs/runbooks/audit.md, followed word for word by an auditor at a server of ``bongsu up``, and by a witness."""

from __future__ import annotations

import shutil

import pytest
from runbook_demonstration import Demonstration
from runbook_steps import Reader

PAGE = "audit.md"


def test_a_log_is_looked_at_given_away_and_witnessed(demonstration: Demonstration) -> None:
    auditor = demonstration.reader("auditor", {}, {"mnd": "mnd/auditor"})
    witness = demonstration.reader("witness", {}, {})
    auditor.follow(PAGE, "look")
    auditor.follow(PAGE, "who read what")
    auditor.run("bongsu audit checkpoint -o kept.checkpoint")
    auditor.follow(PAGE, "export")
    offline = _carried(auditor, witness, "log.jsonl", "log.key", "kept.checkpoint")
    assert "Proved" in offline.follow(PAGE, "offline")
    auditor.follow(PAGE, "proof")
    _carried(auditor, witness, "entry.tlog-proof")
    assert "Proved" in offline.follow(PAGE, "one entry")
    offline.follow(PAGE, "older")

    auditor.follow(PAGE, "request")
    _carried(auditor, witness, "request.txt")
    offline.follow(PAGE, "witness")
    _carried(witness, auditor, "cosigned.txt", "witness.pub")
    assert "witness.msit.example" in auditor.follow(PAGE, "accept")
    with pytest.raises(AssertionError, match=r"audit\."):
        auditor.run(
            "sed 's/mnd/mnx/' witnessed.jsonl > changed.jsonl; bongsu audit verify changed.jsonl --key log.key"
        )


def test_two_ministries_of_one_server_do_the_same(demonstration: Demonstration) -> None:
    auditor = demonstration.reader("auditor-of-two", {}, {"mnd": "mnd/auditor"})
    assert "witness.msit.example" in auditor.follow(PAGE, "two ministries")


def test_the_key_of_a_home_and_of_a_site_are_drawn_and_changed(demonstration: Demonstration) -> None:
    owner = demonstration.reader("owner", {}, {})
    owner.run("mkdir data; echo text > data/a.txt; bongsu datasets add data file:data --grade O")
    before = owner.run("bongsu audit keys").splitlines()
    new = owner.follow(PAGE, "rotate").splitlines()[-1]
    assert new not in before
    (owner.folder / "both.key").write_text("\n".join([*before, new]))
    owner.run("bongsu audit export log.jsonl\nbongsu audit verify log.jsonl --key both.key")
    owner.follow(PAGE, "site key")
    assert (owner.folder / "site.key").stat().st_mode & 0o777 == 0o600


def _carried(giver: Reader, taker: Reader, *files: str) -> Reader:
    """On a stick, from one machine to the other."""
    for name in files:
        shutil.copy2(giver.folder / name, taker.folder / name)
    return taker
