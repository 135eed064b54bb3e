"""``bongsu grants`` and ``bongsu showback`` in the home of one person, and at a server in the name of the giver."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from api_places import ApiPlace
from cli_shell import Said, Shell
from governed_places import STAFF
from sqlalchemy import insert

from bongsu.domain.people import Role
from bongsu.store.schema_people import ministries

BEGINS, ENDS = "2023-06-01", "2033-05-31"
GIVE = [
    *("grants", "give", "nap-2026-mnd-01", "--giver", "msit", "--receiver", "mnd", "--programme", "nap"),
    *("--accelerator", "H100-80GB", "--gpu-hours", "100", "--begins", BEGINS, "--ends", ENDS),
]
PIPELINE = """apiVersion: bongsu.dev/v1alpha1
kind: Pipeline
metadata: {name: probes, ministry: mnd}
spec:
  purpose: {useClass: administration, statement: Try the platform on itself}
  grant: nap-2026-mnd-01
  stages:
    - {name: first, uses: probe, timeout: 30h, resources: {gpusPerWorker: 4}}
"""


@pytest.fixture
def giver(place: ApiPlace, monkeypatch: pytest.MonkeyPatch) -> str:
    """A programme manager of msit."""
    values = {"name": "msit", "title_ko": "msit", "title_en": "msit", "created_at": place.now, "owns_gpus": True}
    with place.platform.write() as connection:
        connection.execute(insert(ministries).values(**values))
    monkeypatch.setitem(STAFF, "msit-pm", ("msit", Role.PROGRAMME_MANAGER))
    place.add_person("msit-pm", *STAFF["msit-pm"])
    return "msit-pm"


@pytest.fixture(params=["here", "at a server"])
def bongsu(request: pytest.FixtureRequest) -> Shell:
    """The same commands, whichever control plane they speak to."""
    if request.param == "here":
        shell: Shell = request.getfixturevalue("shell")
        # The clock is the machine's here, and the place's at a server: the grant is young at both.
        today = datetime.now(UTC).date()
        young = {BEGINS: str(today - timedelta(days=30)), ENDS: str(today + timedelta(days=3000))}
        return lambda *words: shell(*(young.get(word, word) for word in words))
    ask, giver = request.getfixturevalue("ask"), request.getfixturevalue("giver")
    return lambda *words: ask(giver, *words)


def flat(text: str) -> str:
    return " ".join(text.split())


def test_a_grant_is_given_listed_adjusted_and_closed(bongsu: Shell) -> None:
    assert "No grants yet" in bongsu("grants", "list").out
    assert bongsu(*GIVE).out == "mnd has the grant nap-2026-mnd-01 now.\n"
    assert (
        "entry 2" in bongsu("grants", "adjust", "nap-2026-mnd-01", "--gpu-hours", "-1.5", "--reason", "A slip.").out
    )
    (listed,) = json.loads(bongsu("grants", "list", "--json").out)
    assert (listed["state"], listed["available"]["gpuHours"], listed["useClasses"]) == ("open", 98.5, [])
    assert "98.50" in bongsu("grants", "list").out
    assert "closed" in bongsu("grants", "close", "nap-2026-mnd-01", "--reason", "It is over.").out
    shown = flat(bongsu("grants", "show", "nap-2026-mnd-01", "--recount").out)
    assert "98.50 GPU-hours given, 0.00 used (0.00 of them held now), 0.00 set aside, 98.50 left." in shown
    assert "A slip." in shown
    assert "Counted again from the logs of runs: 0.00 GPU-hours, as booked." in shown
    document = json.loads(bongsu("grants", "show", "nap-2026-mnd-01", "--recount", "--json").out)
    assert [entry["kind"] for entry in document["entries"]] == ["given", "adjusted"]
    assert document["recount"]["differing"] == []
    assert document["grant"]["closedAt"] is not None


def test_its_use_is_counted_again_by_a_command_of_its_own(bongsu: Shell) -> None:
    bongsu(*GIVE)
    told = bongsu("grants", "recount", "nap-2026-mnd-01")
    assert told.status == 0, told.error
    assert "Booked in the ledger 0.00" in flat(told.out)
    assert "Counted from the logs of runs 0.00" in flat(told.out)
    assert "0.00 GPU-hours, as booked." in flat(told.out)
    nothing = {"gpuMilliseconds": 0, "gpuHours": 0.0}
    document = json.loads(bongsu("grants", "recount", "nap-2026-mnd-01", "--json").out)
    assert document == {"booked": nothing, "counted": nothing, "differing": []}
    missing = bongsu("grants", "recount", "none")
    assert (missing.status, "[grants.unknown]" in missing.error) == (3, True)


def test_a_ledger_that_is_not_right_is_told_by_the_status_too(shell: Shell, tmp_path: Path) -> None:
    shell(*GIVE)
    with closing(sqlite3.connect(tmp_path / "home" / "bongsu.db")) as outside:
        outside.execute(
            "INSERT INTO grant_entries VALUES"
            " ('nap-2026-mnd-01', 2, 'metered', 'r-1/a/1', 7200000, 'r-1', 1, 2, 0, 3600, '', '')"
        )
        outside.commit()
    told = shell("grants", "recount", "nap-2026-mnd-01")
    assert told.status == 8
    assert "Booked in the ledger 2.00" in flat(told.out)
    assert "They differ in –." in flat(told.out), "of a run that is not here there is no name"
    asked = shell("grants", "recount", "nap-2026-mnd-01", "--json")
    assert (asked.status, json.loads(asked.out)["differing"]) == (8, [""])


def test_a_plan_shows_its_grant_before_and_after_and_what_is_lacking(shell: Shell, tmp_path: Path) -> None:
    (tmp_path / "p.yaml").write_text(PIPELINE)
    assert "is recorded, and not checked on this machine" in flat(shell("plan", "p.yaml").out)
    assert json.loads(shell("plan", "p.yaml", "--json").out)["grantStanding"] is None
    shell(*GIVE)
    told = flat(shell("plan", "p.yaml").out)
    assert (
        "Grant nap-2026-mnd-01: 100.00 GPU-hours given, 0.00 used, 0.00 set aside; this plan 120.00, left afterwards"
        " -20.00." in told
    )
    assert "[grants.exceeded]" in told
    assert "p.yaml:6:" in told
    standing = json.loads(shell("plan", "p.yaml", "--json").out)["grantStanding"]
    assert standing["leftAfterwards"]["gpuHours"] == -20.0
    assert {one["rule"]: one["allowed"] for one in standing["rules"]}["grants.amount"] is False
    shell("grants", "adjust", "nap-2026-mnd-01", "--gpu-hours", "20", "--reason", "It was agreed.")
    assert "[grants.exceeded]" not in shell("plan", "p.yaml").out


def test_a_reclaim_is_proposed_announced_carried_out_or_withdrawn(bongsu: Shell) -> None:
    bongsu(*GIVE)
    assert "Nothing is proposed" in bongsu("grants", "reclaim", "nap-2026-mnd-01").out
    asked = ("grants", "reclaim", "nap-2026-mnd-01")
    assert "10.00 GPU-hours" in bongsu(*asked, "--gpu-hours", "10", "--reason", "Unused.").out
    assert "10.00 GPU-hours" in bongsu(*asked).out
    refused = bongsu(*asked, "--carry-out")
    assert refused.status == 4
    assert "[grants.notice-runs]" in refused.error
    assert json.loads(bongsu(*asked, "--withdraw", "--json").out)["gpuHours"] == 10.0
    bongsu("grants", "close", "nap-2026-mnd-01", "--reason", "It is over.")
    bongsu(*asked, "--gpu-hours", "10", "--reason", "Unused.")
    assert "were taken back (entry 2)" in bongsu(*asked, "--carry-out").out
    assert bongsu(*asked, "--carry-out", "--withdraw").status == 2


def test_a_showback_is_shown_printed_and_written(bongsu: Shell, tmp_path: Path) -> None:
    bongsu(*GIVE)
    assert "Total" in bongsu("showback").out
    document = json.loads(bongsu("showback", "--from", "2026-01-01", "--to", "2026-02-01", "--json").out)
    assert document["by"] == ["ministry", "programme", "grant", "model"]
    assert document["total"]["used"]["gpuMilliseconds"] == 0
    assert bongsu("showback", "--by", "model", "--csv", "s.csv").out == "Wrote s.csv.\n"
    assert (tmp_path / "s.csv").read_bytes().startswith(b"\xef\xbb\xbfmodel,gpuHours")
    assert bongsu("showback", "--by", "person").status == 2


@pytest.mark.parametrize(
    ("words", "status", "code"),
    [
        (("grants", "show", "nobody"), 3, "grants.unknown"),
        ((*GIVE[:-1], "2019-01-01"), 2, "grants.bad-window"),
        ((*GIVE[:-1], "soon"), 2, "grants.bad-date"),
        (("showback", "--from", "2026-02-01", "--to", "2026-01-01"), 2, "grants.bad-period"),
    ],
)
def test_what_cannot_be_done_is_said_with_its_code(
    bongsu: Shell, words: tuple[str, ...], status: int, code: str
) -> None:
    refused = bongsu(*words)
    assert refused.status == status
    assert f"[{code}]" in refused.error


def test_at_a_server_both_sides_see_a_grant_and_nobody_else_does(
    ask: Callable[..., Said], giver: str, place: ApiPlace
) -> None:
    assert ask(giver, *GIVE).status == 0
    assert json.loads(ask("lee", "grants", "list", "--json").out)[0]["id"] == "nap-2026-mnd-01"
    assert "No grants yet" in ask("army-eng", "grants", "list").out
    foreign, none = (ask("army-eng", "grants", "show", name) for name in ("nap-2026-mnd-01", "nap-2026-mnd-02"))
    assert (foreign.status, foreign.error.replace("-01", "-02")) == (none.status, none.error)
    asked = ("grants", "adjust", "nap-2026-mnd-01", "--gpu-hours", "5", "--reason", "More.", "--key", "k-1")
    assert "[grants.forbidden]" in ask("lee", *asked).error
    for _ in range(2):
        assert "entry 2" in ask(giver, *asked).out, "under its key it is booked once"
    assert "[grants.key-reused]" in ask(giver, *asked[:4], "6", *asked[5:]).error


def test_at_a_server_a_plan_shows_what_it_would_leave_of_its_grant(
    ask: Callable[..., Said], giver: str, place: ApiPlace, tmp_path: Path
) -> None:
    place.permit_use()
    ask(giver, *GIVE)
    (tmp_path / "p.yaml").write_text(PIPELINE.replace("Try the platform on itself", "Draft documents"))
    planned = ask("kim", "plan", "p.yaml")
    assert "this plan 120.00, left afterwards -20.00." in flat(planned.out), planned.error
    assert "[grants.exceeded]" in planned.out
    standing = json.loads(ask("kim", "plan", "p.yaml", "--json").out)["grantStanding"]
    assert {one["rule"]: one["code"] for one in standing["rules"]}["grants.amount"] == "grants.exceeded"
