"""``bongsu grants`` and ``bongsu showback`` in the home of one person."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from cli_shell import Shell

GIVE = [
    *("grants", "give", "nap-2026-mnd-01", "--giver", "msit", "--receiver", "mnd", "--programme", "nap"),
    *("--accelerator", "H100-80GB", "--gpu-hours", "100", "--begins", "2020-01-01", "--ends", "2200-01-01"),
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


def flat(text: str) -> str:
    return " ".join(text.split())


def test_a_grant_is_given_listed_adjusted_and_closed(shell: Shell) -> None:
    assert "No grants yet" in shell("grants", "list").out
    assert shell(*GIVE).out == "mnd has the grant nap-2026-mnd-01 now.\n"
    assert (
        "entry 2" in shell("grants", "adjust", "nap-2026-mnd-01", "--gpu-hours", "-1.5", "--reason", "A slip.").out
    )
    (listed,) = json.loads(shell("grants", "list", "--json").out)
    assert (listed["state"], listed["available"]["gpuHours"], listed["useClasses"]) == ("open", 98.5, [])
    assert "98.50" in shell("grants", "list").out
    assert "closed" in shell("grants", "close", "nap-2026-mnd-01", "--reason", "It is over.").out
    shown = flat(shell("grants", "show", "nap-2026-mnd-01", "--recount").out)
    assert "98.50 GPU-hours given, 0.00 used (0.00 of them held now), 0.00 set aside, 98.50 left." in shown
    assert "A slip." in shown
    assert "Counted again from the logs of runs: 0.00 GPU-hours, as booked." in shown
    document = json.loads(shell("grants", "show", "nap-2026-mnd-01", "--recount", "--json").out)
    assert [entry["kind"] for entry in document["entries"]] == ["given", "adjusted"]
    assert document["recount"]["differing"] == []
    assert document["grant"]["closedAt"] is not None


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


def test_a_reclaim_is_proposed_announced_carried_out_or_withdrawn(shell: Shell) -> None:
    shell(*GIVE)
    assert "Nothing is proposed" in shell("grants", "reclaim", "nap-2026-mnd-01").out
    asked = ("grants", "reclaim", "nap-2026-mnd-01")
    assert "10.00 GPU-hours" in shell(*asked, "--gpu-hours", "10", "--reason", "Unused.").out
    assert "10.00 GPU-hours" in shell(*asked).out
    refused = shell(*asked, "--carry-out")
    assert refused.status == 4
    assert "[grants.notice-runs]" in refused.error
    assert json.loads(shell(*asked, "--withdraw", "--json").out)["gpuHours"] == 10.0
    shell("grants", "close", "nap-2026-mnd-01", "--reason", "It is over.")
    shell(*asked, "--gpu-hours", "10", "--reason", "Unused.")
    assert "were taken back (entry 2)" in shell(*asked, "--carry-out").out
    assert shell(*asked, "--carry-out", "--withdraw").status == 2


def test_a_showback_is_shown_printed_and_written(shell: Shell, tmp_path: Path) -> None:
    shell(*GIVE)
    assert "Total" in shell("showback").out
    document = json.loads(shell("showback", "--from", "2026-01-01", "--to", "2026-02-01", "--json").out)
    assert document["by"] == ["ministry", "programme", "grant", "model"]
    assert document["total"]["used"]["gpuMilliseconds"] == 0
    assert shell("showback", "--by", "model", "--csv", "s.csv").out == "Wrote s.csv.\n"
    assert (tmp_path / "s.csv").read_bytes().startswith(b"\xef\xbb\xbfmodel,gpuHours")
    assert shell("showback", "--by", "person").status == 2


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
    shell: Shell, words: tuple[str, ...], status: int, code: str
) -> None:
    refused = shell(*words)
    assert refused.status == status
    assert f"[{code}]" in refused.error
