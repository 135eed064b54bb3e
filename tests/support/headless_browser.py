"""A real browser without a window: Chromium, asked over its DevTools protocol."""

from __future__ import annotations

import base64
import itertools
import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
from websockets.sync.client import ClientConnection, connect

NAMES = ("chromium", "chromium-browser", "google-chrome")
START_S = 60.0
SEEN_S = 60.0
_SIZE = "1280,900"


def program() -> str | None:
    """Path of a browser of this machine; None if it has none."""
    return next((found for name in NAMES if (found := shutil.which(name))), None)


class RefusedError(Exception):
    """The browser did not carry out a command; it says why."""


class Tab:
    """One page of a browser that somebody looks at."""

    def __init__(self, connection: ClientConnection) -> None:
        self._connection = connection
        self._numbers = itertools.count(1)
        self.asked: list[str] = []
        """Addresses that pages have asked for so far."""
        self.tell("Page.enable")
        self.tell("Network.enable")

    def tell(self, method: str, **parameters: Any) -> dict[str, Any]:
        """One command of the protocol, and what it answers."""
        number = next(self._numbers)
        self._connection.send(json.dumps({"id": number, "method": method, "params": parameters}))
        while True:
            said = json.loads(self._connection.recv(timeout=SEEN_S))
            if said.get("method") == "Network.requestWillBeSent":
                self.asked.append(said["params"]["request"]["url"])
            if said.get("id") == number:
                if "error" in said:
                    raise RefusedError(said["error"]["message"])
                return dict(said["result"])

    def open(self, address: str) -> None:
        self.tell("Page.navigate", url=address)

    def run(self, script: str) -> Any:
        """The value of an expression of the page's JavaScript; None while a page is on its way."""
        try:
            said = self.tell("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        except RefusedError:
            return None  # the page went away meanwhile
        return said["result"].get("value") if "exceptionDetails" not in said else None

    @property
    def address(self) -> str:
        return str(self.run("location.href"))

    @property
    def text(self) -> str:
        """What somebody reads."""
        return str(self.run("document.body ? document.body.innerText : ''") or "")

    def shows(self, words: str, seconds: float = SEEN_S) -> str:
        """Wait until these words can be read; all that can be read then."""
        deadline = time.monotonic() + seconds
        while words not in (text := self.text):
            assert time.monotonic() < deadline, f"{words!r} is not to be read at {self.address}: {text[:2000]}"
            time.sleep(0.2)
        return text

    def awaits(self, script: str, seconds: float = SEEN_S) -> None:
        """Wait until an expression of the page's JavaScript is true."""
        deadline = time.monotonic() + seconds
        while self.run(script) is not True:
            assert time.monotonic() < deadline, f"{script} never became true at {self.address}: {self.text[:2000]}"
            time.sleep(0.2)

    def fill(self, name: str, value: str) -> None:
        """Type into a field of a form."""
        self.run(f"document.querySelector('input[name={name}]').value = {json.dumps(value)}")

    def press(self, selector: str) -> None:
        self.run(f"document.querySelector({json.dumps(selector)}).click()")

    def picture(self, file: Path) -> None:
        """As it looks, as a PNG."""
        file.write_bytes(base64.b64decode(self.tell("Page.captureScreenshot", format="png")["data"]))

    def cookies(self) -> list[dict[str, Any]]:
        """Of all addresses of the browser."""
        return list(self.tell("Storage.getCookies")["cookies"])


@contextmanager
def browser(folder: Path, language: str = "en") -> Iterator[Tab]:
    """Its first page, until the end of the block. It keeps everything in ``folder``, and asks nobody by itself."""
    found = program()
    assert found is not None, "there is no Chromium"
    folder.mkdir(parents=True, exist_ok=True)
    command = [found, "--headless=new", "--remote-debugging-port=0", f"--user-data-dir={folder / 'profile'}"]
    command += ["--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"]
    command += ["--disable-gpu", "--disable-dev-shm-usage", f"--window-size={_SIZE}", f"--accept-lang={language}"]
    # Root has no user namespace to hide in.
    command += ["--no-sandbox"] if os.geteuid() == 0 else []
    with (folder / "browser.log").open("wb") as log:
        process = subprocess.Popen(
            [*command, "about:blank"], stdout=log, stderr=log, start_new_session=True, env=_environment(folder)
        )
    try:
        with connect(_page(process, folder), max_size=2**27, open_timeout=START_S) as connection:
            yield Tab(connection)
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait(10)


def _environment(folder: Path) -> dict[str, str]:
    """Of whoever is asked by a proxy of this machine, nothing."""
    own = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
    return own | {"HOME": str(folder), "XDG_CONFIG_HOME": str(folder), "XDG_CACHE_HOME": str(folder)}


def _page(process: subprocess.Popen[bytes], folder: Path) -> str:
    deadline = time.monotonic() + START_S
    told = folder / "profile" / "DevToolsActivePort"
    while True:
        assert process.poll() is None, (folder / "browser.log").read_text()
        assert time.monotonic() < deadline, (folder / "browser.log").read_text()
        time.sleep(0.2)
        try:
            port = told.read_text().split()[0]
            pages = httpx.get(f"http://127.0.0.1:{port}/json", trust_env=False).json()
        except (OSError, IndexError, httpx.HTTPError):
            continue
        if found := [one for one in pages if one["type"] == "page"]:
            return str(found[0]["webSocketDebuggerUrl"])
