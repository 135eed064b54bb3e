"""docs/runbooks/bundles.md, followed word for word at a server of ``bongsu up``: MND gives a model to the army, which
takes it in there, and on a machine that has nothing but the file and the key."""

from __future__ import annotations

import json
import re
import shutil
import time

from runbook_demonstration import Demonstration, await_until
from runbook_models import register_in
from runbook_steps import Reader

from bongsu.service.home import DATABASE

PAGE = "bundles.md"
MODEL = "axk1-light"
GIVERS = ("engineer", "approver1", "approver2", "auditor")
PIPELINE = """\
apiVersion: bongsu.dev/v1alpha1
kind: Pipeline
metadata: {name: made, ministry: mnd}
spec:
  purpose: {useClass: administration, statement: Draft administrative documents}
  stages:
    - {name: a, uses: container, with: {command: [sh, -c, "echo model > $BONGSU_OUTPUTS/files/a.txt"]}}
"""


def test_a_model_goes_into_another_network(demonstration: Demonstration) -> None:
    names = {"2026-12-31": time.strftime("%Y-%m-%d", time.gmtime(time.time() + 60 * 86_400))}
    giver = demonstration.reader("giver", names, {f"mnd-{one}": f"mnd/{one}" for one in GIVERS})
    _made(demonstration, giver)
    giver.follow(PAGE, "key")
    proposed = giver.follow(PAGE, "propose")
    proposal = re.findall(r"p-[0-9a-f]{16}", proposed)[0]
    bound = demonstration.ask("mnd/engineer", f"/v1/ministries/mnd/approvals/{proposal}")["digest"]
    giver.called(names | {"PROPOSAL": proposal, "DIGEST": bound}).follow(PAGE, "approve")
    exported = giver.follow(PAGE, "export")
    assert "Given for: army" in exported
    assert "mnd/approver1, mnd/approver2" in exported

    contexts = {f"army-{one}": f"army/{one}" for one in ("auditor", "custodian")}
    taker = demonstration.reader("taker", names, contexts)
    closed = demonstration.reader("closed", names, {})
    for there in (taker, closed):
        for file in (f"{MODEL}.bundle", "mnd.key"):
            shutil.copy(giver.folder / file, there.folder / file)
    assert "with a key that you gave" in taker.follow(PAGE, "take in")
    environment = closed.environment | {"BONGSU_HOME": str(closed.folder / "home")}
    at_home = Reader(closed.folder, names, environment, demonstration.followed)
    home = at_home.follow(PAGE, "at home")
    (digest,) = set(re.findall(r"sha256-[0-9a-f]{64}", home))
    assert f"{MODEL}/1" in at_home.run(f"bongsu labels show artifact:{digest}")
    seen = demonstration.reader("both", names, contexts | {"mnd-auditor": "mnd/auditor"}).follow(PAGE, "see")
    assert "model.import" in seen
    assert "model.export" in seen


def _made(demonstration: Demonstration, engineer: Reader) -> None:
    """A model version that a run of the engineer's registered."""
    (engineer.folder / "made.yaml").write_text(PIPELINE)
    told = engineer.run("bongsu --context mnd-engineer submit made.yaml --json")
    run = json.loads(told)["runId"]
    path = f"/v1/runs/{run}"
    await_until(lambda: demonstration.ask("mnd/engineer", path)["run"]["state"] == "succeeded")
    home = demonstration.home / "shared"
    register_in(home, f"sqlite:///{home / DATABASE}", run, MODEL)
