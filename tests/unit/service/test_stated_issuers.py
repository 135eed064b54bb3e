"""Identity providers as they are stated where the server is started."""

from __future__ import annotations

from pathlib import Path

import pytest

from bongsu.domain.problems import BongsuError
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
