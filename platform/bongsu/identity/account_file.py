"""The file of accounts as a running issuer has it: a password that is set meanwhile holds from the next sign-in on."""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path

from bongsu.artifacts.durable import write_whole
from bongsu.identity.accounts import Account, Accounts, read_accounts, unusable, written_accounts
from bongsu.identity.private_files import alone_with
from bongsu.identity.secret_hashes import SecretHasher


class AccountFile:
    """Accounts that all processes at one file share; it is read again whenever it has changed. Safe for threads.

    Args:
        path: of the file, which is there.
        hasher: of passwords.
    """

    def __init__(self, path: Path, hasher: SecretHasher) -> None:
        self.path = path
        self._hasher = hasher
        self._lock = threading.Lock()
        self._read: tuple[tuple[int, int, int], Accounts] | None = None

    def accounts(self) -> Accounts:
        """Those of now. Raises BongsuError, ``identity.account-file``."""
        with self._lock:
            try:
                state = self.path.stat()
            except OSError as error:
                raise unusable(self.path, error.strerror or str(error)) from error
            stamp = (state.st_ino, state.st_mtime_ns, state.st_size)
            if self._read is None or self._read[0] != stamp:
                self._read = (stamp, read_accounts(self.path, self._hasher))
            return self._read[1]

    def signed_in(self, login: str, password: str) -> Account | None:
        """Whose name and password these are. Raises BongsuError, ``identity.account-file``."""
        return self.accounts().signed_in(login, password)

    def of_subject(self, subject: str) -> Account | None:
        """Raises BongsuError, ``identity.account-file``."""
        return self.accounts().of_subject(subject)

    def keep(self, subject: str, name: str, hashed: str) -> Account:
        """Let whose tokens have this ``sub`` sign in with the password of this hash, and with no other any more.

        Returns:
            The account, made if there was none.

        Raises:
            BongsuError: ``identity.account-file``.
        """
        try:
            with alone_with(self.path):
                now = self.accounts()
                known = now.of_subject(subject)
                account = replace(known, name=name) if known is not None else Account(subject, subject, name)
                listed = {**now.known, account.login: account}
                write_whole(self.path, written_accounts(listed.values(), {**now.hashes, account.login: hashed}))
        except OSError as error:
            raise unusable(self.path, error.strerror or str(error)) from error
        return account
