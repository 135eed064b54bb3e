"""The built-in issuer behind a real server on loopback, with two people and a service account of a ministry."""

from __future__ import annotations

import re
import socket
import threading
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import uvicorn
from fastapi import FastAPI
from people_places import Ministries, new

from bongsu.api.issuer import issuer_router
from bongsu.domain.people import ActorKind, Role
from bongsu.identity.account_file import AccountFile
from bongsu.identity.accounts import Account, make_accounts
from bongsu.identity.codes import challenge_of
from bongsu.identity.key_file import KeyFile
from bongsu.identity.oauth import CLI, console_client
from bongsu.identity.secret_hashes import Cost, SecretHasher
from bongsu.service.authenticating import open_authenticator
from bongsu.service.issuing.issuer import ACCOUNTS, ATTEMPT_KEYS, Issuer, IssuerSettings, open_issuer
from bongsu.service.people import add_person, give_role
from bongsu.store.database import Database

QUICK = SecretHasher(Cost(log_n=4, r=1, p=1))
VERIFIER = "v" * 43
RETURN = "http://localhost:8501/oauth2callback"
DEVICE = "urn:ietf:params:oauth:grant-type:device_code"
_HIDDEN = re.compile(r'<input type="hidden" name="([^"]*)" value="([^"]*)">')


class IssuerServer:
    """``kim`` is an engineer of MND, ``lee`` a person whom nobody added; ``mnd/bot`` is a service account."""

    def __init__(self, database: Database, folder: Path, **settings: Any) -> None:
        self.people = Ministries(database, folder)
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}/issuer"
        accounts = [Account("kim", "mnd/kim", "김철수"), Account("lee", "mnd/lee", "이영희")]
        self.passwords = make_accounts(folder / ACCOUNTS, accounts, QUICK)
        clients = (CLI, console_client(RETURN, QUICK.hashed("console-secret")))
        chosen = IssuerSettings(**{"issuer": self.url, "clients": clients} | settings)
        opened = open_issuer(folder, database, chosen, lambda: self.people.now)
        self.accounts = AccountFile(folder / ACCOUNTS, QUICK)
        self.issuer: Issuer = replace(opened, accounts=self.accounts, hasher=QUICK)
        own = {"own_issuer": self.url, "issuers": (*self.people.platform.issuers, opened.trust().issuer)}
        self.people.platform = replace(self.people.platform, **own)
        self._add_people()
        attempt_keys = KeyFile(folder / ATTEMPT_KEYS, lambda: self.people.now, 86_400)
        self.door = open_authenticator(database, [self.issuer.trust()], attempt_keys)
        self._serve()
        self.http = httpx.Client(base_url=self.url, headers={"Accept-Language": "en"}, timeout=60)

    def close(self) -> None:
        self.http.close()
        self._server.should_exit = True
        self._thread.join(10)
        self._socket.close()

    def _add_people(self) -> None:
        operator, platform = self.people.actor("mnd/op"), self.people.platform
        kim = replace(new("mnd/kim"), issuer=self.url, subject="mnd/kim")
        bot = replace(new("mnd/bot", ActorKind.SERVICE), issuer=self.url, subject="mnd/bot")
        for one in (kim, bot):
            add_person(platform, operator, one)
            give_role(platform, operator, one.id, "mnd", Role.ENGINEER)

    def _serve(self) -> None:
        app = FastAPI()
        app.include_router(issuer_router(self.issuer), prefix=self.issuer.settings.path)
        self._server = uvicorn.Server(uvicorn.Config(app, log_level="error", lifespan="off"))
        self._thread = threading.Thread(target=self._server.run, kwargs={"sockets": [self._socket]}, daemon=True)
        self._thread.start()
        deadline = time.monotonic() + 20
        while not self._server.started and time.monotonic() < deadline:
            time.sleep(0.01)

    def token(self, **form: str) -> httpx.Response:
        return self.http.post("/token", data=form)

    def start_device(self, scope: str = "openid offline_access bongsu") -> dict[str, Any]:
        answer = self.http.post("/device_authorization", data={"client_id": "bongsu-cli", "scope": scope})
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def poll(self, device: Mapping[str, Any], **other: str) -> httpx.Response:
        form = {"grant_type": DEVICE, "client_id": "bongsu-cli", "device_code": str(device["device_code"])}
        return self.token(**form | other)

    def answer_device(
        self, user_code: str, login: str = "kim", password: str = "", answer: str = "allow"
    ) -> httpx.Response:
        page = self.http.get("/device", params={"user_code": user_code})
        form = hidden(page.text) | {"user_code": user_code, "login": login, "answer": answer}
        return self.http.post("/device", data=form | {"password": password or self.passwords[login]})

    def cli_tokens(self) -> dict[str, Any]:
        """What the command line has after somebody signed in."""
        device = self.start_device()
        assert self.answer_device(device["user_code"]).status_code == 200
        answer = self.poll(device)
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def browser_request(self, **other: str) -> dict[str, str]:
        usual = {
            "client_id": "bongsu-console",
            "redirect_uri": RETURN,
            "response_type": "code",
            "scope": "openid email profile offline_access bongsu",
            "state": "st&te",
            "nonce": "n-1",
            "code_challenge": challenge_of(VERIFIER),
            "code_challenge_method": "S256",
        }
        return {name: value for name, value in (usual | other).items() if value}

    def browser_signs_in(self, login: str = "kim", password: str = "", **other: str) -> httpx.Response:
        page = self.http.get("/authorize", params=self.browser_request(**other))
        assert page.status_code == 200, page.headers.get("location", page.text)
        form = hidden(page.text) | {"login": login, "password": password or self.passwords[login]}
        return self.http.post("/authorize", data=form)

    def code(self, **other: str) -> str:
        """A code that a browser took back."""
        return returned(self.browser_signs_in(**other))["code"]

    def exchange(self, code: str, **other: str) -> httpx.Response:
        form = {"grant_type": "authorization_code", "code": code, "redirect_uri": RETURN, "code_verifier": VERIFIER}
        whole = {name: value for name, value in (form | other).items() if value}
        return self.http.post("/token", data=whole, auth=("bongsu-console", "console-secret"))


def hidden(page: str) -> dict[str, str]:
    """Fields that the form of a page sends along."""
    return {name: value.replace("&amp;", "&") for name, value in _HIDDEN.findall(page)}


def returned(answer: httpx.Response) -> dict[str, str]:
    """What the browser takes back to the program."""
    assert answer.status_code == 303, answer.text
    return {name: values[0] for name, values in parse_qs(urlsplit(answer.headers["location"]).query).items()}
