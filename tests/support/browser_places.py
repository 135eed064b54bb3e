"""A server that people sign in to with a browser, at the issuer that it has itself, and pages that say who asks."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
from fastapi.testclient import TestClient
from issuer_server import QUICK, hidden
from people_places import Ministries, new
from sqlalchemy import Row, select
from starlette.types import Receive, Scope, Send

from bongsu.api.serving import application
from bongsu.domain.people import Actor, Role
from bongsu.domain.problems import BongsuError
from bongsu.identity.account_file import AccountFile
from bongsu.identity.accounts import Account, make_accounts
from bongsu.identity.key_file import KeyFile
from bongsu.identity.oauth import CLI, browser_client
from bongsu.identity.relying_party import IssuedTokens, Provider
from bongsu.service.authenticating import open_authenticator
from bongsu.service.browsers.providers import OwnProvider
from bongsu.service.browsers.settings import Browsers, BrowserSettings
from bongsu.service.control_plane import ControlPlane
from bongsu.service.issuing.issuer import ACCOUNTS, ATTEMPT_KEYS, Issuer, IssuerSettings, open_issuer
from bongsu.service.mlflow_mount import denial_of, identity_of
from bongsu.service.people import add_person, give_role
from bongsu.service.serving import Served, ServerSettings
from bongsu.store.database import Database
from bongsu.store.schema_identity import browser_sessions
from bongsu.store.scope import EVERYTHING

URL = "http://localhost:8755"
ISSUER = f"{URL}/issuer"
PAGE = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8", "Accept-Language": "en"}
OWN = {"Origin": URL, "Sec-Fetch-Site": "same-origin"}


class Counted:
    """A provider, how often it was asked for tokens, and those that it gave."""

    def __init__(self, provider: Provider) -> None:
        self._provider = provider
        self.endpoints = provider.endpoints
        self.revoke = provider.revoke
        self.forms: list[Mapping[str, str]] = []
        self.given: list[IssuedTokens] = []

    def tokens(self, form: Mapping[str, str]) -> IssuedTokens:
        self.forms.append(form)
        self.given.append(given := self._provider.tokens(form))
        return given


class BrowserPlace:
    """``kim`` is an engineer of MND, ``park`` one of MSIT; ``lee`` has an account, and nobody added them.

    Attributes:
        provider: that browsers are sent to.
    """

    def __init__(self, database: Database, folder: Path, **settings: Any) -> None:
        self.people = Ministries(database, folder)
        self._folder, self._database = folder, database
        self._chosen = BrowserSettings(URL, **settings)
        accounts = [Account(one.partition("/")[2], one, one) for one in ("mnd/kim", "msit/park", "mnd/lee")]
        self.passwords = make_accounts(folder / ACCOUNTS, accounts, QUICK)
        clients = (CLI, browser_client(self._chosen.redirect_uri))
        opened = open_issuer(folder, database, IssuerSettings(ISSUER, clients=clients), self.clock)
        self.issuer: Issuer = replace(opened, accounts=AccountFile(folder / ACCOUNTS, QUICK), hasher=QUICK)
        own = {"own_issuer": ISSUER, "issuers": (*self.people.platform.issuers, opened.trust().issuer)}
        self.people.platform = replace(self.people.platform, **own)
        for person, operator in (("mnd/kim", "mnd/op"), ("msit/park", "msit/op")):
            actor = self.people.actor(operator)
            add_person(self.people.platform, actor, replace(new(person), issuer=ISSUER, subject=person))
            give_role(self.people.platform, actor, person, person.partition("/")[0], Role.ENGINEER)
        self.provider = Counted(OwnProvider(self.issuer))
        self.served = self.replica()

    def clock(self) -> float:
        return self.people.now

    def sessions(self) -> list[Row[Any]]:
        """Rows of all that the store has."""
        with self.people.platform.database.read() as connection:
            return list(connection.execute(select(browser_sessions)))

    def replica(self) -> Served:
        """A process over the same store, which shares nothing else with the others but the issuer's keys."""
        keys = KeyFile(self._folder / ATTEMPT_KEYS, self.clock, 86_400)
        door = open_authenticator(self._database, [self.issuer.trust()], keys)
        base = replace(self.people.platform, scope=EVERYTHING)
        plane = ControlPlane(base, lambda token: door.actor(token, self.people.now))
        browsers = Browsers(
            self._chosen, {ISSUER: self.provider}, self._database, door.verifier, plane.identify, self.clock
        )
        pages = WhoAsks(plane, browsers)
        chosen = ServerSettings(self._folder, leads=False)
        return Served(plane, self.issuer, chosen, pages, browsers=browsers)

    def browser(self, served: Served | None = None, language: str = "en") -> Browser:
        return Browser(self, served or self.served, language)


class WhoAsks:
    """In the place of MLflow: a page that says in whose name it was asked for, and how much they may see."""

    def __init__(self, plane: ControlPlane, browsers: Browsers) -> None:
        self._plane = plane
        self._browsers = browsers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        found = await identity_of(self._plane, scope, self._browsers)
        status, said = 401, {}
        if isinstance(found, Actor):
            status, said = 200, {"id": found.id, "clearance": str(found.clearance)}
        elif isinstance(found, BongsuError):
            status, said = denial_of(found).status, {"code": found.problems[0].code.name}
        headers = [(b"content-type", b"application/json")]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": json.dumps(said).encode()})


class Browser:
    """Keeps cookies, opens pages, and goes where it is sent one step at a time."""

    def __init__(self, place: BrowserPlace, served: Served, language: str) -> None:
        self.place = place
        app = application(served)
        self.http = TestClient(app, base_url=URL, client=("127.0.0.1", 50000), follow_redirects=False)
        self.http.headers |= {"Accept-Language": language}

    def open(self, address: str, **headers: str) -> httpx.Response:
        return self.http.get(
            address, headers=PAGE | {"Accept-Language": self.http.headers["accept-language"]} | headers
        )

    def leave(self, to: str = "/mlflow/") -> httpx.Response:
        """On the way to the issuer; the answer says where that is."""
        answer = self.http.get("/v1/session/login", params={"to": to, "fragment": ""}, headers=PAGE)
        assert answer.status_code == 303, answer.text
        return answer

    def sign_in_at(self, address: str, login: str = "kim") -> httpx.Response:
        """Fill in the form of the issuer; the answer sends the browser back."""
        page = self.open(address)
        assert page.status_code == 200, page.text
        fields = {name: html.unescape(value) for name, value in hidden(page.text).items()}
        form = fields | {"login": login, "password": self.place.passwords[login]}
        return self.http.post("/issuer/authorize", data=form, headers=OWN)

    def back(self, login: str = "kim", to: str = "/mlflow/") -> str:
        """Address with a code to which the issuer sends the browser."""
        answer = self.sign_in_at(self.leave(to).headers["location"], login)
        assert answer.status_code == 303, answer.text
        return str(answer.headers["location"])

    def sign_in(self, login: str = "kim", to: str = "/mlflow/") -> httpx.Response:
        answer = self.open(self.back(login, to))
        assert answer.status_code == 303, answer.text
        return answer

    def who(self, method: str = "GET", **headers: str) -> httpx.Response:
        """What a script of MLflow's pages gets."""
        return self.http.request(method, "/mlflow/api", headers=headers)

    def session_cookie(self) -> str:
        found = {one.value for one in self.http.cookies.jar if one.name == "bongsu-session"}
        (value,) = found
        assert value is not None
        return value


def query_of(address: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}


def code_in(answer: httpx.Response) -> str:
    """Of the error that a page tells of in a sentence, by the rule or the words of its text."""
    found = re.search(r'class="fault" role="alert">([^<]*)<', answer.text)
    return html.unescape(found[1]) if found else ""
