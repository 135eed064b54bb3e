"""Passwords and secrets as they are kept, and the file of the demonstration's accounts."""

from __future__ import annotations

import re
import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bongsu.domain.problems import BongsuError
from bongsu.identity.account_file import AccountFile
from bongsu.identity.accounts import Account, make_accounts, new_password, read_accounts
from bongsu.identity.secret_hashes import Cost, SecretHasher

QUICK = SecretHasher(Cost(log_n=4, r=1, p=1))
KIM = Account("kim", "s-kim", "김철수")
LEE = Account("lee", "s-lee", "이영희")


@given(st.text(max_size=60), st.text(max_size=60))
def test_a_secret_matches_its_hash_and_no_other_does(secret: str, other: str) -> None:
    kept = QUICK.hashed(secret)
    assert QUICK.matches(secret, kept)
    assert QUICK.matches(other, kept) is (other == secret)


def test_two_hashes_of_one_secret_differ() -> None:
    assert QUICK.hashed("x") != QUICK.hashed("x")


def test_a_hash_made_with_another_cost_still_matches() -> None:
    assert SecretHasher(Cost(log_n=5, r=2, p=1)).matches("x", QUICK.hashed("x"))


@pytest.mark.parametrize(
    "kept", ["", "x", "scrypt$4$1$1$AAAA$BBBB", "scrypt$99$99$99$" + "A" * 22 + "$" + "A" * 43]
)
def test_a_hash_that_is_none_matches_nothing(kept: str) -> None:
    assert not QUICK.matches("", kept)
    assert not QUICK.matches("x", kept)


def test_nobody_has_no_secret() -> None:
    assert not QUICK.matches("", None)
    assert not QUICK.matches("x" * 2000, QUICK.hashed("x" * 2000))


def test_passwords_are_random_and_can_be_read_aloud() -> None:
    found = {new_password() for _ in range(100)}
    assert len(found) == 100
    assert all(re.fullmatch(r"(?:[a-hj-km-np-z2-9]{5}-){3}[a-hj-km-np-z2-9]{5}", one) for one in found)


def test_accounts_are_made_once_and_their_passwords_shown_once(tmp_path: Path) -> None:
    path = tmp_path / "accounts.json"
    shown = make_accounts(path, [KIM, LEE], QUICK)
    assert list(shown) == ["kim", "lee"]
    assert make_accounts(path, [KIM], QUICK) == {}
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert not any(password in path.read_text() for password in shown.values())
    accounts = read_accounts(path, QUICK)
    assert accounts.signed_in("kim", shown["kim"]) == KIM
    assert accounts.signed_in("kim", shown["lee"]) is None
    assert accounts.signed_in("nobody", shown["kim"]) is None
    assert accounts.of_subject("s-lee") == LEE
    assert accounts.of_subject("kim") is None


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"accounts": [1]}', '{"accounts": [{"login": "x"}]}'])
def test_a_damaged_file_of_accounts_is_told(tmp_path: Path, content: str) -> None:
    path = tmp_path / "accounts.json"
    path.touch(0o600)
    path.write_text(content)
    with pytest.raises(BongsuError, match=r"identity\.account-file"):
        read_accounts(path, QUICK)


def test_accounts_that_others_can_read_are_not_used(tmp_path: Path) -> None:
    path = tmp_path / "accounts.json"
    make_accounts(path, [KIM], QUICK)
    path.chmod(0o644)
    with pytest.raises(BongsuError, match="others may get at it"):
        read_accounts(path, QUICK)
    with pytest.raises(BongsuError, match=r"identity\.account-file"):
        read_accounts(tmp_path / "none", QUICK)


def test_a_password_that_is_set_meanwhile_holds_in_a_process_that_runs(tmp_path: Path) -> None:
    path = tmp_path / "accounts.json"
    shown = make_accounts(path, [KIM, LEE], QUICK)
    running, beside = AccountFile(path, QUICK), AccountFile(path, QUICK)
    assert running.signed_in("kim", shown["kim"]) == KIM
    assert beside.keep("s-kim", "김영희", QUICK.hashed("new")) == Account("kim", "s-kim", "김영희")
    assert beside.keep("mnd/park", "박영희", QUICK.hashed("first")) == Account("mnd/park", "mnd/park", "박영희")
    assert running.signed_in("kim", shown["kim"]) is None
    assert running.signed_in("kim", "new") == Account("kim", "s-kim", "김영희")
    assert running.of_subject("mnd/park") == running.signed_in("mnd/park", "first")
    assert running.signed_in("lee", shown["lee"]) == LEE, "others keep theirs"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_file_of_accounts_that_went_away_is_told(tmp_path: Path) -> None:
    path = tmp_path / "accounts.json"
    make_accounts(path, [KIM], QUICK)
    running = AccountFile(path, QUICK)
    path.unlink()
    with pytest.raises(BongsuError, match=r"identity\.account-file"):
        running.signed_in("kim", "x")
    with pytest.raises(BongsuError, match=r"identity\.account-file"):
        running.keep("s-kim", "x", QUICK.hashed("x"))
