"""docs/client.md: its example does what the page says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from api_places import ApiPlace
from live_api import served, sign_in

import bongsu.client

PAGE = Path(__file__).parents[3] / "docs" / "client.md"


def test_the_example_lists_the_runs_of_a_server(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (example,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "settings"))
    with pytest.raises(SystemExit, match="Sign in first"):
        exec(compile(example, "client.md", "exec"), {})
    (tmp_path / "server").mkdir()
    place = ApiPlace(tmp_path / "server")
    place.permit_use()
    run = place.run_of("kim")
    with served(place) as url:
        sign_in(tmp_path / "settings", url, "kim")
        exec(compile(example, "client.md", "exec"), {})
    place.close()
    assert capsys.readouterr().out.splitlines() == [f"{run} pending", "kim"]


def test_each_name_that_it_offers_is_there() -> None:
    for name in bongsu.client.__all__:
        assert getattr(bongsu.client, name).__name__ == name
