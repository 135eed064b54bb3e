"""docs/client.md: its example does what the page says."""

from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from api_places import ApiPlace
from bundle_places import Giver
from live_api import served, sign_in

import bongsu.client
from bongsu.domain.approval import ProposalKind
from bongsu.domain.labels import Label
from bongsu.domain.people import Role
from bongsu.domain.tenants import Tenant
from bongsu.service.governance.proposing import propose

ROOT = Path(__file__).parents[3]
PAGE = ROOT / "docs" / "client.md"


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


def test_the_example_asks_what_is_proposed_and_what_may_be_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "settings"))
    (tmp_path / "server").mkdir()
    place = ApiPlace(tmp_path / "server")
    place.permit_use()
    place.permit_data()
    place.register()
    approved = place.promoted()
    wished = replace(place.wish("model:axk1/1"), kind=ProposalKind.SERVING, target="office")
    waiting = propose(place.platform, place.actor("lee"), wished)
    with served(place) as url:
        sign_in(tmp_path / "settings", url, "kim")
        exec(compile(examples()[2], "client.md", "exec"), {})
    place.close()
    lines = [f"{waiting.id} model:axk1/1 -> office", f"model:axk1/1 {approved.binding.content}"]
    assert capsys.readouterr().out.splitlines() == lines


def test_each_name_that_it_offers_is_there() -> None:
    for name in bongsu.client.__all__:
        assert getattr(bongsu.client, name).__name__ == name


RIGHT = "from bongsu.client import " + ", ".join(bongsu.client.__all__) + "\n"
WRONG = """\
from bongsu.client import RemoteGovernance, RemoteGovernment, Server


def count(server: Server) -> int:
    return RemoteGovernance(server, "mnd").uses()
"""


def test_a_checker_of_types_knows_each_name_and_no_other(tmp_path: Path) -> None:
    (tmp_path / "right.py").write_text(RIGHT)
    (tmp_path / "wrong.py").write_text(WRONG)
    given = ["--strict", "--follow-imports=silent", "--no-error-summary", *map(str, sorted(tmp_path.glob("*.py")))]
    command = [sys.executable, "-m", "mypy", *given]
    checked = subprocess.run(command, check=False, cwd=ROOT, capture_output=True, text=True)
    told = re.findall(r"(\w+\.py):(\d+): error: (.*)", checked.stdout)
    assert [one[:2] for one in told] == [("wrong.py", "1"), ("wrong.py", "5")], checked
    assert "RemoteGovernment" in told[0][2]
