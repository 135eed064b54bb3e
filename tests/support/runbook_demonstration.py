"""``bongsu up`` for the runbooks that begin at one: its ministries, and people who are signed in by code."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
from confirming import confirm
from ports import free_port
from runbook_steps import Block, Reader

from bongsu.client.contexts import Context, SignIn, change_contexts
from bongsu.client.login import begin, provider_of, wait
from bongsu.machine.processes import die_with_parent

BONGSU = Path(sys.executable).with_name("bongsu")
END_S = 60.0


class Demonstration:
    """Attributes:
    url: of the server.
    home: that it was given.
    passwords: by what people type to sign in.
    pages: address of MLflow's pages, as it was printed.
    """

    def __init__(self, url: str, home: Path, passwords: Mapping[str, str], folder: Path, pages: str = "") -> None:
        self.pages = pages
        self.url, self.home, self.passwords, self.folder = url, home, dict(passwords), folder
        self.followed: list[Block] = []
        self._signed_in: dict[str, SignIn] = {}

    def sign_in(self, login: str) -> SignIn:
        """By code, as ``bongsu login`` does it; once for each."""
        if login not in self._signed_in:
            provider = provider_of(self.url)
            code = begin(provider)
            confirm(code.whole_page, login, self.passwords[login])
            self._signed_in[login] = wait(provider, code, lambda _s: None)
        return self._signed_in[login]

    def reader(self, name: str, names: Mapping[str, str], contexts: Mapping[str, str]) -> Reader:
        """Somebody at a machine of their own.

        Args:
            name: of the machine.
            names: what pages call things, and what these are here.
            contexts: who is signed in there, by the names of their contexts; the last one is in use.
        """
        folder = self.folder / name
        folder.mkdir(exist_ok=True)
        file = folder / "settings" / "bongsu" / "contexts.json"
        for context, login in contexts.items():
            known = Context(url=self.url, sign_in=self.sign_in(login))
            change_contexts(file, lambda now, c=context, k=known: now.with_context(c, k, is_current=True))  # type: ignore[misc]
        path = os.pathsep.join([str(BONGSU.parent), os.environ["PATH"]])
        environment = {"PATH": path, "BONGSU_LANG": "en", "XDG_CONFIG_HOME": str(folder / "settings")}
        return Reader(folder, names, environment, self.followed)

    def ask(self, login: str, path: str, status: int = 200) -> Any:
        return self._asked("GET", login, path, status)

    def tell(self, login: str, path: str, document: Mapping[str, Any]) -> Any:
        return self._asked("POST", login, path, 0, json=document)

    def _asked(self, method: str, login: str, path: str, status: int, **body: Any) -> Any:
        headers = {"Authorization": f"Bearer {self.sign_in(login).access_token}", "Accept-Language": "en"}
        answer = httpx.request(method, self.url + path, headers=headers, trust_env=False, timeout=30, **body)
        assert answer.status_code == status if status else answer.is_success, answer.text
        return answer.json()


@contextmanager
def demonstrated(folder: Path, started_in: Path | None = None) -> Iterator[Demonstration]:
    """Until the end of the block, at which the server ends in order. ``started_in``: ``folder``, if it is not given."""
    port, home = free_port(), folder / "home"
    environment = {name: value for name, value in os.environ.items() if not name.startswith("BONGSU_")}
    with (folder / "server.log").open("w") as log:
        process = subprocess.Popen(
            [BONGSU, "--home", str(home), "up", "--port", str(port)],
            cwd=started_in or folder,
            env={**environment, "BONGSU_LANG": "en"},
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            preexec_fn=die_with_parent,  # noqa: PLW1509 (one call of the C library, without a lock)
        )
    assert process.stdout is not None
    passwords: dict[str, str] = {}
    pages = ""
    for line in process.stdout:
        told = line.split()
        if len(told) == 2 and "/" in told[0]:
            passwords[told[0]] = told[1]
        if line.startswith("MLflow's pages: "):
            pages = next(word for word in told if word.startswith("http"))
            break
    try:
        assert process.poll() is None, (folder / "server.log").read_text()
        yield Demonstration(f"http://localhost:{port}", home, passwords, folder, pages)
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(END_S) in (0, 128 + signal.SIGTERM), (folder / "server.log").read_text()
        process.stdout.close()


def await_until(asked: Any, seconds: float = 90.0) -> None:
    """Until a question is answered with something true."""
    deadline = time.monotonic() + seconds
    while not asked():
        assert time.monotonic() < deadline
        time.sleep(0.2)
