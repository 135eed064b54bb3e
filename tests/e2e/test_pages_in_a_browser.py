"""MLflow's pages of ``bongsu up`` in a real browser: open the address that it prints, sign in, see one's own runs."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from headless_browser import Tab, browser, program
from mlflow import MlflowClient
from needs import lacks
from PIL import Image
from runbook_demonstration import Demonstration, demonstrated

LOSS = (3.0, 2.5, 2.25)
SIGN_IN = "input[name=login]"


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demonstration]:
    if program() is None:
        lacks("Chromium: bash .ci/install-browser.sh")
    with demonstrated(tmp_path_factory.mktemp("up")) as found:
        yield found


def _log_run(up: Demonstration, login: str) -> str:
    """Path of the page of a run that somebody logs with MLflow's own client."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MLFLOW_TRACKING_TOKEN", up.sign_in(login).access_token)
        client = MlflowClient(f"{up.url}/mlflow")
        experiment = client.create_experiment(f"trials of {login}")
        run = client.create_run(experiment, run_name=f"run of {login}").info.run_id
        for step, value in enumerate(LOSS):
            client.log_metric(run, "loss", value, step=step)
        client.log_text(run, "words in a file", "notes/said.txt")
        client.log_text(run, "document.title = 'taken over'", "page.mjs")
        client.log_image(run, Image.new("RGB", (7, 5)), "dot.png")
        client.set_terminated(run)
    return f"{up.url}/mlflow/#/experiments/{experiment}/runs/{run}"


def _sign_in(up: Demonstration, tab: Tab, login: str) -> None:
    tab.shows("User name")
    tab.fill("login", login)
    tab.fill("password", up.passwords[login])
    tab.press("button")


def test_whoever_opens_the_printed_address_signs_in_and_sees_their_own_runs(
    up: Demonstration, tmp_path: Path
) -> None:
    own, foreign = _log_run(up, "mnd/engineer"), _log_run(up, "army/engineer")
    with browser(tmp_path) as tab:
        tab.open(f"{own}?workspace=mnd")
        _sign_in(up, tab, "mnd/engineer")
        text = tab.shows("run of mnd/engineer")
        assert tab.address == f"{own}?workspace=mnd"
        assert "2.25" in text
        tab.picture(tmp_path / "run.png")
        assert (tmp_path / "run.png").read_bytes().startswith(b"\x89PNG")

        for workspace, words in (("mnd", "does not exist"), ("army", "status code 404")):
            tab.open("about:blank")
            tab.open(f"{foreign}?workspace={workspace}")
            assert "run of army/engineer" not in tab.shows(words)
        tab.open("about:blank")
        tab.open(f"{up.url}/mlflow/#/experiments?workspace=mnd")
        assert "trials of army/engineer" not in tab.shows("trials of mnd/engineer")

        # Scripts of pages see no cookie; nothing was asked of anybody else.
        assert tab.run("document.cookie") == ""
        assert {one["name"] for one in tab.cookies() if one["httpOnly"]} >= {"bongsu-session"}
        assert [one for one in tab.asked if not one.startswith((up.url, "data:", "blob:", "about:"))] == []
        _refuses_what_pages_may_not(up, tab)
        _shows_files_and_runs_none(up, tab, own)

        # MLflow's pages lead to where somebody signs out.
        tab.press('a[href="/v1/session"]')
        # The page that one leaves shows the same words, and has buttons of its own.
        tab.awaits("location.pathname === '/v1/session' && document.readyState === 'complete'")
        assert "mnd/engineer" in tab.shows("Sign out")
        tab.press("button")
        tab.shows("You are not signed in")
        tab.open(up.pages)
        _sign_in(up, tab, "army/engineer")
        assert "trials of mnd/engineer" not in tab.shows("trials of army/engineer")
        assert tab.address.endswith("/mlflow/#/experiments?workspace=army")


def _refuses_what_pages_may_not(up: Demonstration, tab: Tab) -> None:
    """The cookie is nothing to the API, and a page of another site changes nothing with it."""
    (cookie,) = {one["value"] for one in tab.cookies() if one["name"] == "bongsu-session"}
    kept = {"Cookie": f"bongsu-session={cookie}"}
    assert httpx.get(f"{up.url}/v1/me", headers=kept, trust_env=False).status_code == 401
    searched = f"{up.url}/mlflow/ajax-api/2.0/mlflow/experiments/search"
    created = f"{up.url}/mlflow/ajax-api/2.0/mlflow/experiments/create"
    assert httpx.post(searched, headers=kept, json={"max_results": 1}, trust_env=False).status_code == 403
    foreign = kept | {"Origin": "https://elsewhere.example", "Sec-Fetch-Site": "cross-site"}
    assert httpx.post(created, headers=foreign, json={"name": "forged"}, trust_env=False).status_code == 403
    shown = httpx.get(searched, params={"max_results": 100}, headers=kept, trust_env=False)
    assert re.findall(r'"name": "([^"]*)"', shown.text) == ["trials of mnd/engineer"]


_LOADED = """new Promise((done) => {
  const made = document.createElement("script");
  made.type = KIND;
  made.onload = () => done("ran");
  made.onerror = () => done("refused");
  made.src = ADDRESS;
  document.head.append(made);
})"""


def _shows_files_and_runs_none(up: Demonstration, tab: Tab, page: str) -> None:
    """What somebody logged is seen on MLflow's page, and is no script of it."""
    run = page.rpartition("/")[2]
    tab.open(f"{page}/artifacts/notes/said.txt?workspace=mnd")
    tab.shows("words in a file")
    tab.open("about:blank")
    tab.open(f"{page}/artifacts/dot.png?workspace=mnd")
    tab.awaits("[...document.images].some((one) => one.naturalWidth === 7)")
    logged = f"{up.url}/mlflow/get-artifact?run_id={run}&path=page.mjs"
    for kind in ("module", "text/javascript"):
        asked = _LOADED.replace("KIND", json.dumps(kind)).replace("ADDRESS", json.dumps(logged))
        assert tab.run(asked) == "refused"
    assert tab.run("document.title") != "taken over"


def test_the_sign_in_is_korean_for_who_reads_korean(up: Demonstration, tmp_path: Path) -> None:
    with browser(tmp_path, language="ko") as tab:
        tab.open(up.pages)
        tab.shows("사용자 이름")
        tab.fill("login", "mnd/manager")
        tab.fill("password", "wrong")
        tab.press("button")
        tab.shows("비밀번호")
        assert "/issuer/authorize" in tab.address
        tab.shows("맞지 않습니다")
        tab.open(f"{up.url}/v1/session/callback?state=x&code=y")
        tab.shows("다시 로그인")
