"""A console signs its people in at the issuer of a server as ``bongsu up`` makes it."""

from __future__ import annotations

import html
import re
import socket
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from live_api import served

from bongsu.api.serving import application
from bongsu.domain.problems import BongsuError
from bongsu.identity.accounts import Account, make_accounts
from bongsu.identity.codes import challenge_of
from bongsu.identity.secret_hashes import SecretHasher
from bongsu.service.home import CONSOLE_SECRET
from bongsu.service.issuing.issuer import ACCOUNTS
from bongsu.service.ministries import NewMinistry, found_platform
from bongsu.service.people import NewPerson
from bongsu.service.serving import ServerSettings, open_served

CONSOLE = "http://localhost:8501"
VERIFIER = "v" * 43
_HIDDEN = re.compile(r'<input type="hidden" name="([^"]*)" value="([^"]*)">')


def test_a_console_gets_a_person_s_token_by_the_secret_in_the_home(tmp_path: Path) -> None:
    passwords = make_accounts(tmp_path / ACCOUNTS, [Account("kim", "mnd/kim", "김철수")], SecretHasher())
    listening = socket.create_server(("127.0.0.1", 0))
    issuer = f"http://127.0.0.1:{listening.getsockname()[1]}/issuer"
    chosen = ServerSettings(tmp_path, built_in_issuer=issuer, console_url=CONSOLE, leads=False, mlflow=False)
    asked = {
        "client_id": "bongsu-console",
        "redirect_uri": f"{CONSOLE}/oauth2callback",
        "response_type": "code",
        "scope": "openid bongsu",
        "state": "s",
        "nonce": "n",
        "code_challenge": challenge_of(VERIFIER),
        "code_challenge_method": "S256",
    }
    with (
        open_served(chosen, {}) as opened,
        served(SimpleNamespace(app=application(opened)), listening),
        httpx.Client(trust_env=False) as http,
    ):
        kim = NewPerson("mnd/kim", "Kim", issuer=issuer, subject="mnd/kim")
        found_platform(opened.plane.base, NewMinistry("mnd", "국방부", "Ministry of National Defence"), kim)
        page = http.get(f"{issuer}/authorize", params=asked)
        form = {name: html.unescape(value) for name, value in _HIDDEN.findall(page.text)}
        form |= {"login": "kim", "password": passwords["kim"]}
        back = http.post(f"{issuer}/authorize", data=form, headers={"Origin": issuer.removesuffix("/issuer")})
        assert back.is_redirect, back.text
        code = parse_qs(urlsplit(back.headers["location"]).query)["code"][0]
        exchange = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": asked["redirect_uri"],
            "code_verifier": VERIFIER,
        }
        secret = (tmp_path / CONSOLE_SECRET).read_text()
        assert http.post(f"{issuer}/token", data=exchange, auth=("bongsu-console", "guessed")).status_code == 401
        tokens = http.post(f"{issuer}/token", data=exchange, auth=("bongsu-console", secret)).json()
    assert {"access_token", "id_token"} <= tokens.keys()
    assert (tmp_path / CONSOLE_SECRET).stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("url", ["http://console.example", "javascript:alert(1)", "localhost:8501", ""])
def test_a_console_at_an_unsafe_address_is_refused(tmp_path: Path, url: str) -> None:
    make_accounts(tmp_path / ACCOUNTS, [], SecretHasher())
    chosen = ServerSettings(
        tmp_path, built_in_issuer="http://127.0.0.1:1/issuer", console_url=url, leads=False, mlflow=False
    )
    with pytest.raises(BongsuError, match="https://"), open_served(chosen, {}):
        pass
