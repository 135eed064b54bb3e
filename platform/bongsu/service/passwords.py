"""Passwords at the built-in issuer, given by whoever runs the machine that it lies on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection

from bongsu.domain.audit import Author
from bongsu.domain.codes import identity as codes
from bongsu.domain.codes import people as people_codes
from bongsu.domain.people import PERSON_ID, ActorKind
from bongsu.domain.tenants import Tenant
from bongsu.identity.account_file import AccountFile
from bongsu.identity.accounts import Account, new_password
from bongsu.identity.secret_hashes import SecretHasher
from bongsu.service.embedded import open_home
from bongsu.service.entitlement import refuse_ended
from bongsu.service.issuing.issuer import ACCOUNTS
from bongsu.service.platform import Platform
from bongsu.store import audit
from bongsu.store import people as store
from bongsu.store.browser_sessions import end_browser_sessions_of
from bongsu.store.people import Person
from bongsu.store.sessions import end_families_of


@dataclass(frozen=True)
class ShownPassword:
    """Attributes:
    person: whose it is.
    login: what they type beside it.
    password: shown this once; a hash is kept.
    """

    person: str
    login: str
    password: str


def give_password_at(home: Path, environment: Mapping[str, str], person: str) -> ShownPassword:
    """Give somebody a new password at the issuer in a home. The one before holds no longer, and what they signed in to
    ends; that it was given, and never what it is, stands in the log of their ministry.

    Args:
        home: of a server with the built-in issuer, which may be running.
        environment: of the process.
        person: ``MINISTRY/NAME``.

    Raises:
        BongsuError: ``identity.no-passwords``, ``identity.signs-in-elsewhere``, ``identity.account-file``,
            ``people.unknown``, ``people.disabled``, ``people.not-a-person``; what
            :func:`bongsu.service.embedded.open_home` raises.
    """
    path = home / ACCOUNTS
    if not path.exists():
        raise codes.NO_PASSWORDS.error(home=str(home))
    hasher = SecretHasher()
    accounts, password = AccountFile(path, hasher), new_password()
    # Outside of the transaction: it takes a while, and others wait for the lock.
    hashed = hasher.hashed(password)
    platform = open_home(home, environment)
    try:
        account = _keep(platform, accounts, person, hashed)
    finally:
        platform.close()
    return ShownPassword(person, account.login, password)


def _keep(platform: Platform, accounts: AccountFile, person: str, hashed: str) -> Account:
    with platform.database.write() as connection:
        found = _person(connection, person)
        subject = _subject(connection, accounts, person)
        account = accounts.keep(subject, found.name, hashed)
        now = platform.clock()
        end_families_of(connection, subject, now)
        end_browser_sessions_of(connection, person)
        audit.append(connection, Author(Tenant(found.home)).did("password.give", f"person:{person}", now))
    return account


def _person(connection: Connection, person: str) -> Person:
    if PERSON_ID.fullmatch(person) is None:
        raise people_codes.UNKNOWN_PERSON.error(person=person)
    store.lock_person(connection, person)
    found = store.find_person(connection, person)
    if found is None:
        raise people_codes.UNKNOWN_PERSON.error(person=person)
    if found.kind is not ActorKind.PERSON:
        raise people_codes.NOT_A_PERSON.error(person=person)
    refuse_ended(found)
    return found


def _subject(connection: Connection, accounts: AccountFile, person: str) -> str:
    """What the built-in issuer calls them. The file does not say which issuer it is of; whoever is in it does."""
    built_in = store.issuers_with(connection, [one.subject for one in accounts.accounts().known.values()])
    known = store.issuers_of(connection, person)
    for issuer, subject in known:
        if issuer in built_in:
            return subject
    raise codes.SIGNS_IN_ELSEWHERE.error(person=person, issuer=", ".join(issuer for issuer, _ in known))
