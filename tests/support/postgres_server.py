"""A real PostgreSQL server for tests: Debian's binaries, in a directory of its own, on a free port of this machine.

It listens on loopback alone, asks for a password, ends with the process that started it, and can be stopped hard and
started again in the middle of a test.
"""

from __future__ import annotations

import ctypes
import itertools
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
from needs import lacks
from ports import free_port

from bongsu.store.database import open_database

INSTALL = ".ci/install-postgresql.sh"
OWNER, PASSWORD = "owner", "correct horse"
START_S = 60.0
# linux/prctl.h
_PR_SET_PDEATHSIG = 1
# What was acknowledged may be lost with the machine's power, which no test cuts; a killed server loses nothing of it.
_CARELESS = {"fsync": "off", "full_page_writes": "off"}


class PostgresServer:
    """One server and the databases that tests make in it.

    Args:
        folder: for its data; its user may write there.
        careless: True for speed; False where it is to wait for the disk as it does in earnest.
    """

    def __init__(self, folder: Path, *, careless: bool = True) -> None:
        self._folder = folder
        self._settings = {
            # Kept from one start to the next, for clients that come back.
            "port": str(free_port()),
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": "",
            "max_connections": "100",
            "log_min_messages": "warning",
        } | (_CARELESS if careless else {})
        self._process: subprocess.Popen[bytes] | None = None
        self._numbers = itertools.count(1)
        self._template = ""

    def configure(self, lines: str) -> None:
        """Add lines to its ``postgresql.conf``, for its next start."""
        with (self.data / "postgresql.conf").open("a") as file:
            file.write(f"\n{lines}\n")

    def take_over(self, *paths: Path) -> None:
        """What somebody else made is its user's from now on."""
        account = _account()
        for path in paths:
            for one in (path, *path.rglob("*")) if account else ():
                os.chown(one, account["user"], account["group"])

    def initialise(self) -> None:
        """Make the directory of its data."""
        secret = self._folder / "password"
        secret.write_text(PASSWORD)
        account = _account()
        if account:
            for path in (self._folder, secret):
                os.chown(path, account["user"], account["group"])
        asked = ["--auth=scram-sha-256", f"--username={OWNER}", f"--pwfile={secret}"]
        asked += ["--encoding=UTF8", "--locale=C.UTF-8", "--no-sync", "--no-instructions"]
        subprocess.run(
            [_binary("initdb"), "-D", str(self.data), *asked],
            check=True,
            cwd=self._folder,
            capture_output=True,
            timeout=120,
            **account,
        )

    def start(self) -> None:
        """Begin to serve, and wait until it does."""
        settings = [word for name, value in self._settings.items() for word in ("-c", f"{name}={value}")]
        with (self._folder / "log.txt").open("ab") as log:
            self._process = subprocess.Popen(
                [_binary("postgres"), "-D", str(self.data), *settings],
                cwd=self._folder,
                stdout=log,
                stderr=log,
                preexec_fn=_end_with_the_parent,  # noqa: PLW1509 (one call of the C library, without a lock)
                **_account(),
            )
        deadline = time.monotonic() + START_S
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > deadline:
                said = (self._folder / "log.txt").read_text(errors="replace")[-2000:]
                raise RuntimeError(f"PostgreSQL does not start: {said}")
            time.sleep(0.05)

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """End it: in order, cutting who is connected (SIGINT), or at once without cleaning up (SIGQUIT)."""
        if self._process is not None:
            self._process.send_signal(how)
            try:
                self._process.wait(timeout=30)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait(timeout=30)
            self._process = None

    def restart(self) -> None:
        """As after a power cut: everybody is cut off, and it recovers from its log."""
        self.stop(signal.SIGQUIT)
        self.start()

    def url(self, database: str = "postgres", user: str = OWNER, password: str = PASSWORD) -> str:
        return f"postgresql+psycopg://{user}:{password.replace(' ', '%20')}@{self.address}/{database}"

    @property
    def address(self) -> str:
        """Host and port."""
        return f"127.0.0.1:{self._settings['port']}"

    def new_database(self, *, migrated: bool = True) -> str:
        """The URL of a fresh one: with the current schema, or empty."""
        if migrated and not self._template:
            self._template = "template_bongsu"
            self.execute(f"CREATE DATABASE {self._template}")
            open_database(self.url(self._template)).close()
        name = f"test_{os.getpid()}_{next(self._numbers)}"
        self.execute(f"CREATE DATABASE {name} TEMPLATE {self._template if migrated else 'template0'}")
        return self.url(name)

    def drop_database(self, url: str) -> None:
        """Whoever is still connected is cut off."""
        self.execute(f"DROP DATABASE IF EXISTS {url.rpartition('/')[2]} WITH (FORCE)")

    def execute(self, statement: str, database: str = "postgres") -> list[tuple[Any, ...]]:
        """As the server's owner, outside of any transaction."""
        with self._connect(database) as connection:
            cursor = connection.execute(statement)
            return cursor.fetchall() if cursor.description else []

    def end_lock_holders(self, url: str) -> int:
        """End the sessions of a database that hold an advisory lock; returns how many these were."""
        query = "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND granted"
        here = "database = (SELECT oid FROM pg_database WHERE datname = current_database())"
        return len(self.execute(f"{query} AND {here}", url.rpartition("/")[2]))

    @property
    def data(self) -> Path:
        """Where its files lie."""
        return self._folder / "data"

    def _connect(self, database: str = "postgres") -> psycopg.Connection[tuple[Any, ...]]:
        url = self.url(database).replace("postgresql+psycopg", "postgresql")
        return psycopg.connect(url, autocommit=True, connect_timeout=10)

    def _answers(self) -> bool:
        try:
            self._connect().close()
        except psycopg.OperationalError:
            return False
        return True


@contextmanager
def running_server(*, careless: bool = True) -> Iterator[PostgresServer]:
    """A server that is gone afterwards with all that it had. Skips where there is no PostgreSQL; CI may not lack it."""
    if not _has_postgres():
        lacks(f"PostgreSQL's server: bash {INSTALL}")
    folder = Path(tempfile.mkdtemp(prefix="bongsu-postgres-"))
    server = PostgresServer(folder, careless=careless)
    try:
        server.initialise()
        server.start()
        yield server
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)


def _has_postgres() -> bool:
    return bool(_found("postgres") and _found("initdb"))


def _binary(name: str) -> str:
    found = _found(name)
    assert found is not None
    return found


def _found(name: str) -> str | None:
    """Debian keeps the servers of each version in a directory of their own, outside of PATH; the newest is taken."""
    places = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name))
    path = os.pathsep.join([os.environ.get("PATH", ""), *map(str, reversed(places))])
    return shutil.which(name, path=path)


def _account() -> dict[str, Any]:
    """As whom the server runs: PostgreSQL refuses the superuser."""
    if os.geteuid() != 0:
        return {}
    known = {entry.pw_name: entry for entry in pwd.getpwall()}
    entry = known.get("postgres") or known["nobody"]
    return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}


def _end_with_the_parent() -> None:
    """A test run that is killed leaves no server behind."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGQUIT, 0, 0, 0)
