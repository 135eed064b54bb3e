"""Accounts of the built-in issuer: names and hashes of passwords, in a file that `bongsu up` makes once."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from bongsu.artifacts.durable import create_once
from bongsu.domain.codes import identity as codes
from bongsu.domain.messages import N_
from bongsu.domain.phrases import Words, phrase
from bongsu.domain.problems import BongsuError
from bongsu.identity.private_files import UnusableFileError, private_document
from bongsu.identity.secret_hashes import SecretHasher

# Without letters and digits that look like others.
_ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"
_GROUPS, _GROUP = 4, 5


@dataclass(frozen=True)
class Account:
    """Attributes:
    login: what somebody types.
    subject: ``sub`` of their tokens.
    name: as people read it; it stands in their id tokens.
    """

    login: str
    subject: str
    name: str


@dataclass(frozen=True)
class Accounts:
    """Who can sign in, by what they type."""

    known: Mapping[str, Account]
    hashes: Mapping[str, str]
    hasher: SecretHasher

    def signed_in(self, login: str, password: str) -> Account | None:
        """Whose name and password these are; it takes as long for a name that there is not."""
        account = self.known.get(login)
        matches = self.hasher.matches(password, self.hashes.get(login))
        return account if matches else None

    def of_subject(self, subject: str) -> Account | None:
        return next((account for account in self.known.values() if account.subject == subject), None)


def make_accounts(path: Path, accounts: Iterable[Account], hasher: SecretHasher) -> Mapping[str, str]:
    """Write the file, unless it stands.

    Returns:
        Passwords by login, to be shown once: nothing keeps them. Empty if the file stood already.
    """
    listed = list(accounts)
    if path.exists():
        return {}
    passwords = {account.login: new_password() for account in listed}
    hashes = {account.login: hasher.hashed(passwords[account.login]) for account in listed}
    return passwords if create_once(path, written_accounts(listed, hashes)) else {}


def written_accounts(accounts: Iterable[Account], hashes: Mapping[str, str]) -> bytes:
    """What the file has of these accounts, with hashes of passwords by login."""
    rows = [
        {"login": one.login, "subject": one.subject, "name": one.name, "password": hashes[one.login]}
        for one in accounts
    ]
    return json.dumps({"accounts": rows}, ensure_ascii=False, indent=1).encode()


def read_accounts(path: Path, hasher: SecretHasher) -> Accounts:
    """Raises BongsuError, ``identity.account-file``."""
    try:
        rows = private_document(path)["accounts"]
        known = {row["login"]: Account(str(row["login"]), str(row["subject"]), str(row["name"])) for row in rows}
        return Accounts(known, {row["login"]: str(row["password"]) for row in rows}, hasher)
    except UnusableFileError as error:
        raise unusable(path, error.detail) from error
    except (TypeError, KeyError) as error:
        raise unusable(path, phrase(N_("it does not list accounts"))) from error


def new_password() -> str:
    """Four groups of five characters: 99 bits."""
    groups = ("".join(secrets.choice(_ALPHABET) for _ in range(_GROUP)) for _ in range(_GROUPS))
    return "-".join(groups)


def unusable(path: Path, detail: Words) -> BongsuError:
    """``identity.account-file``, of this file."""
    return codes.ACCOUNT_FILE.error(file=str(path), detail=detail)
