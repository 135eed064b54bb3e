"""Signing in with a name and a password: slower after every few failures, and with one answer to whatever was wrong."""

from __future__ import annotations

import hashlib

from bongsu.domain.people import ActorKind
from bongsu.identity.accounts import Account
from bongsu.service.issuing.issuer import Issuer, known_subject
from bongsu.store.sign_ins import failures_at, set_failures

FREE_TRIES = 5
MOST_WAIT_S = 300
_FORGET_S = 900
_PLACES = 1024


class SignInRefusedError(Exception):
    """The name, the password or both are wrong, or the person is disabled: which of them, strangers are not told."""


class TooManyTriesError(Exception):
    """Args:
    wait_s: until another try is looked at.
    """

    def __init__(self, wait_s: int) -> None:
        super().__init__(f"wait {wait_s} s")
        self.wait_s = wait_s


def sign_in(issuer: Issuer, login: str, password: str) -> Account:
    """Whose name and password these are.

    Raises:
        TooManyTriesError: there were so many failures that this one is not looked at.
        SignInRefusedError: they are nobody's.
    """
    place = _place(login)
    _count_try(issuer, place)
    account = issuer.accounts.signed_in(login, password) if issuer.accounts is not None else None
    with issuer.database.write() as connection:
        actor = known_subject(issuer, connection, account.subject) if account is not None else None
        if account is None or actor is None or actor.kind is not ActorKind.PERSON:
            raise SignInRefusedError
        failures_at(connection, place)
        set_failures(connection, place, 0, issuer.clock())
    return account


def _count_try(issuer: Issuer, place: int) -> None:
    """Counted as a failure before it is looked at: many that come at once are many."""
    now = issuer.clock()
    with issuer.database.write() as connection:
        failures, last_at = failures_at(connection, place)
        is_forgotten = abs(now - last_at) > _FORGET_S
        wait_s = 0 if is_forgotten else _wait(failures) - abs(now - last_at)
        if wait_s <= 0:
            set_failures(connection, place, 1 if is_forgotten else failures + 1, now)
    if wait_s > 0:
        raise TooManyTriesError(max(1, round(wait_s)))


def _wait(failures: int) -> float:
    """Seconds from the last try to the next."""
    return 0 if failures < FREE_TRIES else min(2.0 ** min(failures - FREE_TRIES, 20), MOST_WAIT_S)


def _place(login: str) -> int:
    """Names share places: invented ones fill no table, and being slowed down does not say that a name is known."""
    return int.from_bytes(hashlib.sha256(login.encode("utf-8", "surrogatepass")).digest()[:4], "big") % _PLACES
