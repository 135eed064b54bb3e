"""Identity providers as they are stated where the server is started."""

from __future__ import annotations

from pathlib import Path

import pytest

from bongsu.domain.problems import BongsuError
from bongsu.identity.relying_party import RemoteProvider
from bongsu.service.browsers.settings import BrowserSettings
from bongsu.service.serving import ServerSettings, open_served, trusted

URL = "https://login.example"


def test_each_says_which_ministries_it_serves() -> None:
    stated = (f"army={URL}/army", f"mnd,msit={URL}/a=b", f"{URL}/any")
    found = trusted(stated, "bongsu", "org")
    assert [(one.issuer, one.ministries, one.ministry_claim) for one in found] == [
        (f"{URL}/army", ("army",), ""),
        (f"{URL}/a=b", ("mnd", "msit"), "org"),
        (f"{URL}/any", (), "org"),
    ]


@pytest.mark.parametrize("stated", [URL, f"mnd,msit={URL}", f"={URL}", f"army,={URL}", f"Army={URL}", "army="])
def test_one_whose_ministry_is_not_certain_is_refused(stated: str) -> None:
    with pytest.raises(BongsuError, match=r"identity\.setting"):
        trusted([stated], "bongsu")


def test_no_provider_is_stated_twice(tmp_path: Path) -> None:
    """Of which ministry its tokens are would be left to chance."""
    issuers = trusted([f"army={URL}", f"navy={URL}"], "bongsu")
    settings = ServerSettings(tmp_path / "home", issuers=issuers, leads=False, mlflow=False)
    with pytest.raises(BongsuError, match=r"twice"), open_served(settings, {}):
        pass
    own = "http://127.0.0.1:8700/services"
    settings = ServerSettings(
        tmp_path / "home", issuers=trusted([f"army={own}"], "bongsu"), service_issuer=own, leads=False, mlflow=False
    )
    with pytest.raises(BongsuError, match=r"twice"), open_served(settings, {}):
        pass


def test_each_provider_has_connections_of_its_own_for_each_purpose(tmp_path: Path) -> None:
    """One that takes up all of them locks nobody out elsewhere, nor do sign-ins the tokens of programs."""
    settings = ServerSettings(
        tmp_path / "home",
        issuers=trusted([f"army={URL}/army", f"navy={URL}/navy"], "bongsu"),
        browsers=BrowserSettings("http://localhost:8755"),
        leads=False,
        mlflow=False,
    )
    with open_served(settings, {}) as served:
        assert served.browsers is not None
        providers = served.browsers.providers.values()
        fetchers = [one.fetcher for one in providers if isinstance(one, RemoteProvider)]
        keys = [one.keys for one in vars(served.browsers.verifier)["_trusts"].values()]
        fetchers += [vars(one)["_fetch"] for one in keys]
        assert len(fetchers) == len({id(one.client) for one in fetchers}) == 4
