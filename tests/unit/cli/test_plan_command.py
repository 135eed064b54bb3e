"""``bongsu plan`` and ``bongsu run``: what is said about a plan beside it."""

from __future__ import annotations

import json
from pathlib import Path

from cli_shell import Shell

PIPELINE = """apiVersion: bongsu.dev/v1alpha1
kind: Pipeline
metadata: {name: probes, ministry: mnd}
spec:
  purpose: {useClass: administration, statement: Try the platform on itself}
  stages:
    - {name: first, uses: probe, resources: {cpusPerWorker: 500}}
"""


def test_what_cannot_run_here_is_planned_and_not_run(shell: Shell, tmp_path: Path) -> None:
    (tmp_path / "p.yaml").write_text(PIPELINE)
    planned = shell("plan", "p.yaml")
    assert planned.status == 7, "as the run would end"
    assert "`bongsu run` would refuse this plan here:" in planned.out
    assert "[plan.beyond-executor]" in planned.out
    document = json.loads(shell("plan", "p.yaml", "--json").out)
    assert [problem["field"] for problem in document["obstacles"]] == ["spec.stages[0].resources.cpusPerWorker"]
    assert document["warnings"] == []
    refused = shell("run", "p.yaml")
    assert refused.status == 7
    assert "p.yaml:7:" in refused.error
    assert "[plan.beyond-executor]" in refused.error
    assert json.loads(shell("runs", "--json").out) == []


def test_one_of_a_thing_is_no_plural(shell: Shell, tmp_path: Path) -> None:
    (tmp_path / "one.yaml").write_text(PIPELINE)
    assert "1 stage, 1 to run, 0 from the cache" in shell("plan", "one.yaml").out
    assert "is right (1 stage)." in shell("validate", "one.yaml").out
    (tmp_path / "two.yaml").write_text(
        f"{PIPELINE}    - {{name: second, uses: probe, when: first.metrics.steps > 2}}\n"
    )
    told = " ".join(shell("plan", "two.yaml").out.split())
    assert "2 stages, 2 to run, 0 from the cache" in told
    assert "1 runs only if its condition holds." in told


CONDITIONS = """apiVersion: bongsu.dev/v1alpha1
kind: Pipeline
metadata: {name: probes, ministry: mnd}
spec:
  purpose: {useClass: administration, statement: Try the platform on itself}
  parameters: [{name: ship, default: false}]
  stages:
    - {name: first, uses: probe}
    - {name: checked, uses: probe, when: "first.metrics.steps > 2"}
    - {name: shipped, uses: probe, when: params.ship, inputs: {after: [first.files]}}
    - {name: told, uses: probe, inputs: {after: [shipped.files]}}
"""


def test_stages_that_are_skipped_or_conditional_are_shown_with_the_condition(shell: Shell, tmp_path: Path) -> None:
    (tmp_path / "p.yaml").write_text(CONDITIONS)
    said = shell("plan", "p.yaml").out
    assert "only if first.metrics.steps > 2" in said
    assert "skipped: params.ship is false" in said
    assert "skipped: it needs shipped" in said
    assert "1 runs only if its condition holds. 2 are skipped. No GPU." in " ".join(said.split())
    document = json.loads(shell("plan", "p.yaml", "--json").out)
    assert [(one["id"], one["when"], one["because"]) for one in document["skipped"]] == [
        ("shipped", "params.ship", []),
        ("told", None, ["shipped"]),
    ]
    all_run = json.loads(shell("plan", "p.yaml", "--set", "ship=true", "--json").out)
    assert all_run["skipped"] == []
    assert all_run["hash"] != document["hash"]
