"""The built-in issuer over HTTP, as programs and browsers meet it: every way to tokens, and every way that is none.

Long, because each grant type is tried with whatever of it can be wrong, at one server.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest
from issuer_server import RETURN, VERIFIER, IssuerServer, hidden, returned
from store_places import store_at

from bongsu.domain.people import ActorKind
from bongsu.domain.problems import BongsuError
from bongsu.identity.fetching import KeyFetcher
from bongsu.identity.settings import TrustedIssuer
from bongsu.identity.verifier import TokenVerifier, trusting
from bongsu.service.people import disable
from bongsu.service.service_accounts import list_secrets, new_secret, withdraw_secret


@pytest.fixture
def server(tmp_path: Path) -> Iterator[IssuerServer]:
    database = store_at(tmp_path)
    made = IssuerServer(database, tmp_path)
    yield made
    made.close()
    database.close()


def fault(answer: httpx.Response, status: int = 400) -> str:
    assert answer.status_code == status, answer.text
    assert answer.headers["cache-control"] == "no-store"
    return str(answer.json()["error"])


def test_whoever_trusts_the_issuer_finds_its_keys_and_believes_its_tokens(server: IssuerServer) -> None:
    client = httpx.Client(timeout=60)
    checking = TokenVerifier(
        trusting([KeyFetcher(TrustedIssuer(server.url, "bongsu", ministry_claim="ministry"), client)])
    )
    token = server.cli_tokens()["access_token"]
    assert checking.verify(token, server.people.now).subject == "mnd/kim"
    server.issuer.keys.rotate()
    newer = server.cli_tokens()["access_token"]
    assert checking.verify(newer, server.people.now + 20).subject == "mnd/kim"
    assert checking.verify(token, server.people.now + 20).subject == "mnd/kim"
    client.close()


def test_the_discovery_document_names_what_is_there(server: IssuerServer) -> None:
    document = server.http.get("/.well-known/openid-configuration").json()
    assert document["issuer"] == server.url
    for name in ("jwks_uri", "authorization_endpoint"):
        assert server.http.get(document[name]).status_code in (200, 400)
    for name in ("token_endpoint", "device_authorization_endpoint", "revocation_endpoint"):
        assert server.http.post(document[name]).status_code == 400
    assert document["code_challenge_methods_supported"] == ["S256"]
    assert "none" not in document["id_token_signing_alg_values_supported"]


# Devices


def test_a_device_gets_tokens_when_somebody_let_it(server: IssuerServer) -> None:
    device = server.start_device()
    assert fault(server.poll(device)) == "authorization_pending"
    page = server.answer_device(device["user_code"].lower().replace("-", " "))
    assert "connected" in page.text
    server.people.now += 5
    tokens = server.poll(device).json()
    assert tokens["token_type"] == "Bearer"
    assert server.door.actor(tokens["access_token"], server.people.now).id == "mnd/kim"
    assert server.people.log("mnd")[-1]["action"] == "session.begin"
    server.people.now += 5
    assert fault(server.poll(device)) == "invalid_grant"


def test_a_device_code_that_comes_twice_ends_what_was_given_for_it(server: IssuerServer) -> None:
    device = server.start_device()
    server.answer_device(device["user_code"])
    tokens = server.poll(device).json()
    for _ in range(2):
        assert fault(server.poll(device)) == "invalid_grant"
    assert fault(refresh(server, tokens["refresh_token"])) == "invalid_grant"
    actions = [(entry["action"], entry["outcome"]) for entry in server.people.log("mnd")]
    assert actions[-2:] == [("session.begin", "done"), ("session.reuse", "refused")]


def test_a_device_that_asks_too_fast_is_told_to_slow_down(server: IssuerServer) -> None:
    device = server.start_device()
    assert fault(server.poll(device)) == "authorization_pending"
    server.people.now += 1
    assert fault(server.poll(device)) == "slow_down"
    server.people.now += 6
    assert fault(server.poll(device)) == "slow_down"
    server.people.now += 15
    assert fault(server.poll(device)) == "authorization_pending"


def test_a_device_that_was_turned_away_gets_nothing(server: IssuerServer) -> None:
    device = server.start_device()
    assert "turned away" in server.answer_device(device["user_code"], answer="deny").text
    assert fault(server.poll(device)) == "access_denied"
    assert server.answer_device(device["user_code"]).status_code == 404


def test_a_device_s_code_ends(server: IssuerServer) -> None:
    device = server.start_device()
    server.people.now += 600
    assert fault(server.poll(device)) == "expired_token"
    assert server.answer_device(device["user_code"]).status_code == 404


def test_a_device_code_is_of_its_client(server: IssuerServer) -> None:
    device = server.start_device()
    server.answer_device(device["user_code"])
    assert fault(server.poll(device, client_id="bongsu-console"), 401) == "invalid_client"
    assert fault(server.poll(device, device_code="x")) == "invalid_grant"
    assert fault(server.poll(device, client_secret="x"), 401) == "invalid_client"


@pytest.mark.parametrize("client", ["nobody", "bongsu-console", "", "x" * 5000])
def test_a_client_that_may_not_wait_for_a_code_gets_none(server: IssuerServer, client: str) -> None:
    answer = server.http.post("/device_authorization", data={"client_id": client})
    assert answer.status_code in (400, 401)


# Browsers


def test_a_browser_goes_back_with_a_code_and_the_program_gets_tokens_for_it(server: IssuerServer) -> None:
    back = returned(server.browser_signs_in())
    assert (back["state"], back["iss"]) == ("st&te", server.url)
    tokens = server.exchange(back["code"]).json()
    assert server.door.actor(tokens["access_token"], server.people.now).id == "mnd/kim"
    with pytest.raises(BongsuError):  # the id token is for the program, and not for us
        server.door.actor(tokens["id_token"], server.people.now)
    client = httpx.Client(timeout=60)
    console = TokenVerifier(trusting([KeyFetcher(TrustedIssuer(server.url, "bongsu-console", ("mnd",)), client)]))
    assert console.verify(tokens["id_token"], server.people.now).subject == "mnd/kim"
    client.close()


@pytest.mark.parametrize(
    "address",
    [
        "http://localhost:8501/oauth2callback/",
        "http://localhost:8501/oauth2callback?x=1",
        "http://localhost:8501/",
        "http://LOCALHOST:8501/oauth2callback",
        "http://localhost:8502/oauth2callback",
        "http://127.0.0.1:8501/oauth2callback",
        "https://evil.example/oauth2callback",
        "http://localhost:8501@evil.example/oauth2callback",
        "javascript:alert(1)",
        "",
    ],
)
def test_nobody_is_sent_to_another_address(server: IssuerServer, address: str) -> None:
    answer = server.http.get("/authorize", params=server.browser_request(redirect_uri=address))
    assert answer.status_code == 400
    assert "location" not in answer.headers


def test_a_client_without_pages_sends_nobody_here(server: IssuerServer) -> None:
    for client in ("bongsu-cli", "nobody", ""):
        assert server.http.get("/authorize", params=server.browser_request(client_id=client)).status_code == 400


@pytest.mark.parametrize(
    ("other", "expected"),
    [
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"response_type": "code id_token"}, "unsupported_response_type"),
        ({"code_challenge": ""}, "invalid_request"),
        ({"code_challenge": "short"}, "invalid_request"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"code_challenge_method": ""}, "invalid_request"),
        ({"scope": "everything"}, "invalid_scope"),
        ({"nonce": "n" * 600}, "invalid_request"),
        ({"nonce": "a\u0000"}, "invalid_request"),
    ],
)
def test_another_mistake_is_told_to_the_program(server: IssuerServer, other: dict[str, str], expected: str) -> None:
    back = returned(server.http.get("/authorize", params=server.browser_request(**other)))
    assert (back["error"], back["state"]) == (expected, "st&te")
    assert "code" not in back


@pytest.mark.parametrize(
    "other",
    [
        {"code_verifier": "w" * 43},
        {"code_verifier": VERIFIER + "v"},
        {"redirect_uri": "http://localhost:8501/"},
    ],
)
def test_a_code_without_its_proof_is_worth_nothing(server: IssuerServer, other: dict[str, str]) -> None:
    code = server.code()
    assert fault(server.exchange(code, **other)) == "invalid_grant"
    assert fault(server.exchange(code[:-1], **other)) == "invalid_grant"


def test_a_code_needs_the_secret_of_its_client(server: IssuerServer) -> None:
    code = server.code()
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": RETURN, "code_verifier": VERIFIER}
    for secret in ("", "wrong", "console-secret2"):
        answer = server.http.post("/token", data=form, auth=("bongsu-console", secret))
        assert fault(answer, 401) == "invalid_client"
        assert answer.headers["www-authenticate"].startswith("Basic")
    assert fault(server.token(**form, client_id="bongsu-cli")) == "unauthorized_client"
    assert fault(server.exchange(code, code_verifier="")) == "invalid_request"
    assert server.exchange(code).status_code == 200


def test_a_code_is_over_after_a_minute(server: IssuerServer) -> None:
    code = server.code()
    server.people.now += 60
    assert fault(server.exchange(code)) == "invalid_grant"


def test_a_code_that_comes_twice_ends_what_was_given_for_it(server: IssuerServer) -> None:
    code = server.code()
    tokens = server.exchange(code).json()
    assert fault(server.exchange(code)) == "invalid_grant"
    form = {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"]}
    answer = server.http.post("/token", data=form, auth=("bongsu-console", "console-secret"))
    assert fault(answer) == "invalid_grant"
    assert server.people.log("mnd")[-1]["action"] == "session.reuse"
    assert server.people.log("mnd")[-1]["outcome"] == "refused"


# Refreshing


def refresh(server: IssuerServer, token: str, client: str = "bongsu-cli") -> httpx.Response:
    return server.token(grant_type="refresh_token", refresh_token=token, client_id=client)


def test_a_refresh_token_is_good_for_one_use(server: IssuerServer) -> None:
    first = server.cli_tokens()
    server.people.now += 3600
    second = refresh(server, first["refresh_token"]).json()
    assert server.door.actor(second["access_token"], server.people.now).id == "mnd/kim"
    assert second["refresh_token"] != first["refresh_token"]
    third = refresh(server, second["refresh_token"]).json()
    assert third["refresh_token"] not in (first["refresh_token"], second["refresh_token"])


def test_a_refresh_token_that_was_copied_ends_the_whole_session(server: IssuerServer) -> None:
    first = server.cli_tokens()
    second = refresh(server, first["refresh_token"]).json()
    assert fault(refresh(server, first["refresh_token"])) == "invalid_grant"
    assert fault(refresh(server, second["refresh_token"])) == "invalid_grant"
    assert [one["action"] for one in server.people.log("mnd")][-1] == "session.reuse"
    assert server.cli_tokens()["refresh_token"]  # another session of the same person is another one


def test_a_refresh_token_ends_when_nobody_uses_it_and_a_session_ends_in_any_case(server: IssuerServer) -> None:
    token = server.cli_tokens()["refresh_token"]
    server.people.now += 8 * 3600
    assert fault(refresh(server, token)) == "invalid_grant"
    token = server.cli_tokens()["refresh_token"]
    for _ in range(23):
        server.people.now += 7 * 3600
        token = refresh(server, token).json()["refresh_token"]
    server.people.now += 7 * 3600
    assert fault(refresh(server, token)) == "invalid_grant"


def test_a_refresh_token_is_of_its_client(server: IssuerServer) -> None:
    token = server.cli_tokens()["refresh_token"]
    form = {"grant_type": "refresh_token", "refresh_token": token}
    answer = server.http.post("/token", data=form, auth=("bongsu-console", "console-secret"))
    assert fault(answer) == "invalid_grant"
    assert refresh(server, token).status_code == 200


def test_without_offline_access_there_is_nothing_to_refresh(server: IssuerServer) -> None:
    device = server.start_device("bongsu")
    server.answer_device(device["user_code"])
    tokens = server.poll(device).json()
    assert "refresh_token" not in tokens
    assert "id_token" not in tokens


def test_whoever_signs_out_has_no_session_any_more(server: IssuerServer) -> None:
    token = server.cli_tokens()["refresh_token"]
    for _ in range(2):
        form = {"token": token, "client_id": "bongsu-cli"}
        assert server.http.post("/revoke", data=form).status_code == 200
    assert fault(refresh(server, token)) == "invalid_grant"
    assert server.http.post("/revoke", data={"token": "x", "client_id": "bongsu-cli"}).status_code == 200
    assert server.people.log("mnd")[-1]["action"] == "session.end"


def test_who_is_disabled_is_out_at_once(server: IssuerServer) -> None:
    tokens = server.cli_tokens()
    device = server.start_device()
    server.answer_device(device["user_code"])
    code = server.code()
    disable(server.people.platform, server.people.actor("mnd/op"), "mnd/kim")
    with pytest.raises(BongsuError, match=r"identity\.not-signed-in"):
        server.door.actor(tokens["access_token"], server.people.now)
    assert fault(refresh(server, tokens["refresh_token"])) == "invalid_grant"
    assert fault(server.poll(device)) == "invalid_grant"
    assert fault(server.exchange(code)) == "invalid_grant"
    assert server.answer_device(server.start_device()["user_code"]).status_code == 403


def at_once(call: Callable[[int], httpx.Response], times: int = 4) -> list[int]:
    """Statuses of several that come at the same moment, in order."""
    together = threading.Barrier(times)

    def asked(number: int) -> int:
        together.wait()
        return call(number).status_code

    with ThreadPoolExecutor(times) as threads:
        return sorted(threads.map(asked, range(times)))


def test_of_several_that_bring_the_same_at_once_one_gets_tokens(server: IssuerServer) -> None:
    device = server.start_device()
    server.answer_device(device["user_code"])
    assert at_once(lambda _: server.poll(device)) == [200, 400, 400, 400]
    code = server.code()
    assert at_once(lambda _: server.exchange(code)) == [200, 400, 400, 400]
    token = server.cli_tokens()["refresh_token"]
    assert at_once(lambda _: refresh(server, token)) == [200, 400, 400, 400]
    assert server.people.log("mnd")[-1]["action"] == "session.reuse"


# Signing in


def test_tries_that_come_at_once_are_counted_each(server: IssuerServer) -> None:
    pages = [hidden(server.http.get("/device").text) for _ in range(12)]

    def tried(number: int) -> httpx.Response:
        form = pages[number] | {"user_code": "BBBB-BBBB", "login": "kim", "password": "x", "answer": "allow"}
        return server.http.post("/device", data=form)

    assert at_once(tried, 12) == [403] * 5 + [429] * 7


def test_a_wrong_password_an_unknown_name_and_a_stranger_are_told_the_same(server: IssuerServer) -> None:
    device = server.start_device()
    pages = [
        server.answer_device(device["user_code"], "kim", "wrong"),
        server.answer_device(device["user_code"], "nobody", "wrong"),
        server.answer_device(device["user_code"], "lee"),  # has an account, and is nobody's person
        server.answer_device("BBBB-BBBB", "kim", "wrong"),
    ]
    assert {page.status_code for page in pages} == {403}
    assert all("The name or the password is not right." in page.text for page in pages)
    assert fault(server.poll(device)) == "authorization_pending"


def test_a_wrong_code_is_told_to_those_alone_who_signed_in(server: IssuerServer) -> None:
    for code in ("BBBB-BBBB", "", "x", "ÄÖ"):
        page = server.answer_device(code)
        assert page.status_code == 404
        assert "No device waits" in page.text


def test_after_some_failures_tries_are_slowed_down_even_right_ones(server: IssuerServer) -> None:
    device = server.start_device()
    for _ in range(5):
        assert server.answer_device(device["user_code"], "kim", "wrong").status_code == 403
    slowed = server.answer_device(device["user_code"])
    assert slowed.status_code == 429
    assert slowed.headers["retry-after"] == "1"
    server.people.now += 1
    assert server.answer_device(device["user_code"], "kim", "wrong").status_code == 403
    server.people.now += 1
    assert server.answer_device(device["user_code"]).status_code == 429
    server.people.now += 1
    assert server.answer_device(device["user_code"]).status_code == 200
    assert server.browser_signs_in("kim", "wrong").status_code == 403


def test_names_that_nobody_has_are_slowed_down_alike(server: IssuerServer) -> None:
    statuses = [server.answer_device("BBBB-BBBB", "nobody", "wrong").status_code for _ in range(6)]
    assert statuses == [403] * 5 + [429]


# Pages


def test_a_page_brings_nothing_from_elsewhere_and_is_framed_by_nobody(server: IssuerServer) -> None:
    for page in (server.http.get("/device"), server.http.get("/authorize", params=server.browser_request())):
        policy = page.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "script" not in policy
        assert "<script" not in page.text
        assert "//" not in page.text.replace(server.url, "").replace(RETURN, "").partition("<style")[0]
        assert page.headers["cache-control"] == "no-store"
    assert "form-action 'self' http://localhost:8501" in policy


def test_what_stands_in_the_address_is_text_on_the_page(server: IssuerServer) -> None:
    evil = '"><script>alert(1)</script>'
    page = server.http.get("/device", params={"user_code": evil, "login": evil, "ui_locales": evil})
    assert "<script" not in page.text
    page = server.http.get("/authorize", params=server.browser_request(state=evil, nonce=evil))
    assert "<script" not in page.text


def test_pages_are_in_the_reader_s_language(server: IssuerServer) -> None:
    assert '<html lang="ko">' in server.http.get("/device", headers={"Accept-Language": "ko-KR,ko;q=0.9"}).text
    assert '<html lang="en">' in server.http.get("/device", headers={"Accept-Language": "fr"}).text
    assert '<html lang="ko">' in server.http.get("/device", params={"ui_locales": "ko"}).text


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://[bad"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
def test_a_form_that_another_page_sends_does_nothing(server: IssuerServer, headers: dict[str, str]) -> None:
    device = server.start_device()
    page = server.http.get("/device")
    form = hidden(page.text) | {"user_code": device["user_code"], "login": "kim", "answer": "allow"}
    answer = server.http.post("/device", data=form | {"password": server.passwords["kim"]}, headers=headers)
    assert answer.status_code == 403
    assert fault(server.poll(device)) == "authorization_pending"


def test_a_form_without_its_key_does_nothing(server: IssuerServer) -> None:
    device = server.start_device()
    form = {
        "user_code": device["user_code"],
        "login": "kim",
        "answer": "allow",
        "password": server.passwords["kim"],
    }
    assert server.http.post("/device", data=form).status_code == 403  # no cookie, no key
    page = server.http.get("/device")
    assert server.http.post("/device", data=form | {"form_key": "x" * 43}).status_code == 403
    server.http.cookies.clear()
    assert server.http.post("/device", data=form | hidden(page.text)).status_code == 403
    assert server.http.post("/authorize", data=server.browser_request() | form).status_code == 403
    assert fault(server.poll(device)) == "authorization_pending"


def test_the_cookie_is_kept_from_scripts_and_other_sites(server: IssuerServer) -> None:
    cookie = server.http.get("/device").headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=strict" in cookie
    assert "path=/issuer" in cookie


# Service accounts


def test_a_service_account_gets_tokens_for_its_secret_until_it_is_withdrawn(server: IssuerServer) -> None:
    platform, operator = server.people.platform, server.people.actor("mnd/op")
    shown = new_secret(platform, operator, "mnd/bot")
    tokens = server.http.post(
        "/token", data={"grant_type": "client_credentials"}, auth=("mnd/bot", shown.secret)
    ).json()
    actor = server.door.actor(tokens["access_token"], server.people.now)
    assert (actor.id, actor.kind) == ("mnd/bot", ActorKind.SERVICE)
    assert "refresh_token" not in tokens
    withdraw_secret(platform, operator, "mnd/bot", shown.id)
    assert fault(client_credentials(server, "mnd/bot", shown.secret), 401) == "invalid_client"


def client_credentials(server: IssuerServer, client: str, secret: str) -> httpx.Response:
    return server.token(grant_type="client_credentials", client_id=client, client_secret=secret)


def test_two_secrets_hold_while_one_takes_the_other_s_place(server: IssuerServer) -> None:
    platform, operator = server.people.platform, server.people.actor("mnd/op")
    old = new_secret(platform, operator, "mnd/bot")
    newer = new_secret(platform, operator, "mnd/bot", overlap_s=3600)
    with pytest.raises(BongsuError, match=r"people\.too-many-secrets"):
        new_secret(platform, operator, "mnd/bot", overlap_s=3600)
    for one in (old, newer):
        assert client_credentials(server, "mnd/bot", one.secret).status_code == 200
    server.people.now += 3600
    assert fault(client_credentials(server, "mnd/bot", old.secret), 401) == "invalid_client"
    assert client_credentials(server, "mnd/bot", newer.secret).status_code == 200
    assert [one.id for one in list_secrets(platform, operator, "mnd/bot")] == [newer.id]
    assert not any(one.secret in str(server.people.log("mnd")) for one in (old, newer))


@pytest.mark.parametrize("client", ["mnd/bot", "mnd/kim", "mnd/nobody", "bongsu-cli", "x" * 3000, "mnd/bot\u0000"])
def test_no_other_secret_lets_a_service_in(server: IssuerServer, client: str) -> None:
    new_secret(server.people.platform, server.people.actor("mnd/op"), "mnd/bot")
    for secret in ("", "wrong", "x" * 3000):
        assert fault(client_credentials(server, client, secret), 401) == "invalid_client"


def test_a_disabled_account_gets_nothing(server: IssuerServer) -> None:
    platform, operator = server.people.platform, server.people.actor("mnd/op")
    shown = new_secret(platform, operator, "mnd/bot")
    token = client_credentials(server, "mnd/bot", shown.secret).json()["access_token"]
    disable(platform, operator, "mnd/bot")
    assert fault(client_credentials(server, "mnd/bot", shown.secret), 401) == "invalid_client"
    with pytest.raises(BongsuError):
        server.door.actor(token, server.people.now)
    with pytest.raises(BongsuError, match=r"people\.disabled"):
        new_secret(platform, operator, "mnd/bot")


def test_people_have_no_secrets_and_others_give_none(server: IssuerServer) -> None:
    platform = server.people.platform
    with pytest.raises(BongsuError, match=r"people\.not-a-service"):
        new_secret(platform, server.people.actor("mnd/op"), "mnd/kim")
    for person in ("mnd/kim", "msit/op"):
        with pytest.raises(BongsuError, match=r"people\.(not-allowed|unknown)"):
            new_secret(platform, server.people.actor(person), "mnd/bot")


# Whatever else comes


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"grant_type=x&grant_type=y&client_id=bongsu-cli", "application/x-www-form-urlencoded"),
        (b"{}", "application/json"),
        (b"a=" + b"x" * 20_000, "application/x-www-form-urlencoded"),
        (b"&".join(b"a%d=1" % one for one in range(60)), "application/x-www-form-urlencoded"),
        (b"", "application/x-www-form-urlencoded"),
        (b"client_id=bongsu-cli", "application/x-www-form-urlencoded"),
        (b"grant_type=refresh_token&client_id=bongsu-cli&refresh_token=", "application/x-www-form-urlencoded"),
        (b"\xff\xfe", "application/x-www-form-urlencoded"),
    ],
)
def test_a_request_that_is_none_is_told_so(server: IssuerServer, content: bytes, kind: str) -> None:
    answer = server.http.post("/token", content=content, headers={"Content-Type": kind})
    assert fault(answer) == "invalid_request"


def test_other_grants_are_not_there(server: IssuerServer) -> None:
    for grant in ("password", "implicit", "urn:ietf:params:oauth:grant-type:token-exchange"):
        answer = server.token(grant_type=grant, client_id="bongsu-cli", username="kim", password="x")
        assert fault(answer) == "unsupported_grant_type"


@pytest.mark.parametrize("header", ["Basic !!!", "Basic eA==", "Bearer x", "Basic " + "/w==", "Digest eDp5"])
def test_credentials_that_are_none_are_refused(server: IssuerServer, header: str) -> None:
    form = {"grant_type": "client_credentials"}
    assert fault(server.http.post("/token", data=form, headers={"Authorization": header}), 401) == "invalid_client"


def test_a_client_names_itself_once(server: IssuerServer) -> None:
    form = {"grant_type": "client_credentials", "client_secret": "x"}
    assert fault(server.http.post("/token", data=form, auth=("mnd/bot", "x"))) == "invalid_request"
    form = {"grant_type": "client_credentials", "client_id": "other"}
    assert fault(server.http.post("/token", data=form, auth=("mnd/bot", "x"))) == "invalid_request"


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:80", "10.0.0.1", "", "localhost.evil.example", "[bad"]
)
def test_another_name_for_this_machine_is_not_answered(server: IssuerServer, host: str) -> None:
    for path in ("/.well-known/openid-configuration", "/device"):
        assert server.http.get(path, headers={"Host": host}).status_code in (400, 421)
