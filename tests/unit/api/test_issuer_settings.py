"""The built-in issuer answers to this machine alone unless told otherwise, and may give tokens to services alone."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient
from store_places import store_at

from bongsu.api.issuer import issuer_router
from bongsu.domain.problems import BongsuError
from bongsu.identity.accounts import Account, make_accounts
from bongsu.identity.secret_hashes import Cost, SecretHasher
from bongsu.language.translation import preferred_language
from bongsu.service.issuing.issuer import ACCOUNTS, Issuer, IssuerSettings, open_issuer
from bongsu.store.database import Database

NETWORK = "https://login.mnd.example/issuer"


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    made = store_at(tmp_path)
    yield made
    made.close()


def reached(issuer: Issuer, host: str, client: str = "10.0.0.7") -> int:
    app = FastAPI()
    app.include_router(issuer_router(issuer), prefix=issuer.settings.path)
    asking = TestClient(app, base_url=f"https://{host}", client=(client, 40_000))
    return asking.get(f"{issuer.settings.path}/jwks.json").status_code


@pytest.mark.parametrize(
    "issuer",
    ["http://login.mnd.example", NETWORK, "http://127.0.0.1:8080/issuer/", "127.0.0.1:8080", "file:///x", ""],
)
def test_an_address_that_is_not_of_this_machine_has_to_be_asked_for(issuer: str) -> None:
    with pytest.raises(BongsuError, match=r"identity\.setting"):
        IssuerSettings(issuer)


def test_on_the_network_it_has_to_be_https() -> None:
    assert IssuerSettings(NETWORK, network=True).path == "/issuer"
    with pytest.raises(BongsuError, match=r"identity\.setting"):
        IssuerSettings("http://login.mnd.example", network=True)


def test_it_answers_to_this_machine_alone(tmp_path: Path, database: Database) -> None:
    settings = IssuerSettings("http://127.0.0.1:8080/issuer")
    issuer = open_issuer(tmp_path, database, settings, lambda: 0.0, with_people=False)
    assert reached(issuer, "127.0.0.1:8080", "127.0.0.1") == 200
    assert reached(issuer, "localhost:8080", "::1") == 200
    assert reached(issuer, "127.0.0.1:8080", "10.0.0.7") == 421
    assert reached(issuer, "login.mnd.example", "127.0.0.1") == 421


def test_on_the_network_it_answers_to_its_name(tmp_path: Path, database: Database) -> None:
    issuer = open_issuer(tmp_path, database, IssuerSettings(NETWORK, network=True), lambda: 0.0, with_people=False)
    assert reached(issuer, "login.mnd.example") == 200
    assert reached(issuer, "other.example") == 421


def test_for_services_alone_there_are_no_pages(tmp_path: Path, database: Database) -> None:
    settings = IssuerSettings("http://127.0.0.1:8080/issuer")
    issuer = open_issuer(tmp_path, database, settings, lambda: 0.0, with_people=False)
    app = FastAPI()
    app.include_router(issuer_router(issuer), prefix="/issuer")
    asking = TestClient(app, base_url="http://127.0.0.1:8080", client=("127.0.0.1", 1))
    document = asking.get("/issuer/.well-known/openid-configuration").json()
    assert document["grant_types_supported"] == ["client_credentials"]
    for path in ("/authorize", "/device"):
        assert asking.get(f"/issuer{path}").status_code == 404
    form = {
        "grant_type": "urn:ietf:params:oauth:grant-type:device_code",
        "client_id": "bongsu-cli",
        "device_code": "x",
    }
    assert asking.post("/issuer/token", data=form).status_code == 400


def test_people_need_a_file_of_accounts(tmp_path: Path, database: Database) -> None:
    settings = IssuerSettings("http://127.0.0.1:8080/issuer")
    with pytest.raises(BongsuError, match=r"identity\.account-file"):
        open_issuer(tmp_path, database, settings, lambda: 0.0)
    make_accounts(tmp_path / ACCOUNTS, [Account("kim", "s", "김")], SecretHasher(Cost(log_n=4, r=1, p=1)))
    assert open_issuer(tmp_path, database, settings, lambda: 0.0).accounts is not None


@pytest.mark.parametrize(
    ("accept", "locales", "language"),
    [
        ("", "", "en"),
        ("ko", "", "ko"),
        ("ko-KR,ko;q=0.9,en-US;q=0.8", "", "ko"),
        ("en;q=0.9, ko;q=0.8", "", "en"),
        ("ko;q=0.5, en", "", "en"),
        ("ko;q=0", "", "en"),
        ("fr, de", "", "en"),
        ("en", "ko-KR en", "ko"),
        ("en", "fr", "en"),
        (";;;q=,,,", "", "en"),
        ("ko" * 10_000, "ko" * 10_000, "en"),
    ],
)
def test_the_language_is_what_the_reader_wishes(accept: str, locales: str, language: str) -> None:
    assert preferred_language(accept, "en", locales) == language
