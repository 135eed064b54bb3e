"""docs/client.md: its example does what the page says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from api_places import ApiPlace
from bundle_places import Giver
from live_api import served, sign_in

import bongsu.client
from bongsu.domain.labels import Label
from bongsu.domain.people import Role
from bongsu.domain.tenants import Tenant

PAGE = Path(__file__).parents[3] / "docs" / "client.md"


def examples() -> list[str]:
    return re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)


def test_the_example_lists_the_runs_of_a_server(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    example = examples()[0]
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


def test_the_example_takes_a_model_out_of_a_server_and_into_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    class GivingApi(Giver, ApiPlace):
        pass

    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "settings"))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "server").mkdir()
    place = GivingApi(tmp_path / "server", Label.parse("S"))
    place.add_role("kim", "army", Role.DATA_CUSTODIAN)
    (tmp_path / "mnd.key").write_text(f"{place.plane.log_keys().public(Tenant('mnd'))[0]}\n")
    with served(place) as url:
        sign_in(tmp_path / "settings", url, "kim")
        exec(compile(examples()[1], "client.md", "exec"), {})
    place.close()
    assert capsys.readouterr().out == "axk1/1 S\n"


def test_each_name_that_it_offers_is_there() -> None:
    for name in bongsu.client.__all__:
        assert getattr(bongsu.client, name).__name__ == name
