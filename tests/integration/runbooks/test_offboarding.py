"""docs/runbooks/offboarding-a-ministry.md, followed word for word at a server of ``bongsu up``: the army leaves."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass

import httpx
from confirming import confirm
from runbook_demonstration import Demonstration, await_until
from runbook_steps import Reader

PAGE = "offboarding-a-ministry.md"
PEOPLE = (
    *(f"army/{name}" for name in ("operator", "custodian", "auditor", "accreditor", "engineer")),
    *(f"mnd/{name}" for name in ("auditor", "custodian", "operator")),
    "msit/manager",
)
PIPELINE = """\
apiVersion: bongsu.dev/v1alpha1
kind: Pipeline
metadata: {name: endless, ministry: army}
spec:
  purpose: {useClass: administration, statement: Draft administrative documents}
  stages:
    - {name: a, uses: container, with: {command: [sleep, "600"]}}
"""
# What the army has, each line by who may.
SHARING = """\
mkdir maps law
echo hills > maps/a.txt
echo articles > law/a.txt
bongsu --context army-custodian datasets add maps file:maps --grade O
bongsu --context army-custodian permits give-access dataset:maps/1 --to mnd --purpose administration \
  --reason Exercise --from 2026-01-01 --until 2035-01-01 --json > given.json
bongsu --context mnd-custodian datasets add articles file:law --grade O
bongsu --context mnd-custodian permits give-access dataset:articles/1 --to army --purpose administration \
  --reason Exercise --from 2026-01-01 --until 2035-01-01 --json > received.json
bongsu --context msit-manager grants give nap-army --giver msit --receiver army --programme nap \
  --accelerator H100 --gpu-hours 10 --begins 2026-01-01 --ends 2035-01-01
"""
STAFF = """\
bongsu --context army-operator service-accounts add army/ci --name CI
bongsu --context army-operator service-accounts secret army/ci > ci.secret
bongsu --context mnd-operator people add mnd/kim --name Kim --subject mnd/kim
"""


@dataclass(frozen=True)
class Army:
    """What it has that commands name."""

    run: str
    given: str
    received: str
    use: str
    secret: str


def test_a_ministry_leaves_and_its_log_stays_readable_by_its_witness(demonstration: Demonstration) -> None:
    names = {"http://localhost:8791": demonstration.url}
    somebody = demonstration.reader("offboarding", names, {})
    somebody.sign_in(
        PAGE, "sign in", lambda page: confirm(page, "army/operator", demonstration.passwords["army/operator"])
    )
    contexts = {login.replace("/", "-"): login for login in PEOPLE if login != "army/operator"}
    army = _army(demonstration, demonstration.reader("offboarding", names, contexts))
    names |= {"RUN": army.run, "ACCESS_GIVEN": army.given, "ACCESS_RECEIVED": army.received, "USE": army.use}
    everybody = somebody.called(names)

    looked = everybody.follow(PAGE, "what there is")
    assert all(one in looked for one in (army.run, army.given, army.received, army.use, "army/ci", "nap-army"))
    everybody.follow(PAGE, "runs")
    await_until(lambda: demonstration.ask("army/engineer", f"/v1/runs/{army.run}")["run"]["state"] == "cancelled")
    assert _comes_in(demonstration, army.secret)
    everybody.follow(PAGE, "service accounts")
    assert not _comes_in(demonstration, army.secret)
    everybody.follow(PAGE, "people")
    assert "mnd" not in demonstration.ask("army/engineer", "/v1/me")["ministries"]
    everybody.follow(PAGE, "shared")
    everybody.follow(PAGE, "grants")
    assert demonstration.ask("msit/manager", "/v1/grants/nap-army")["grant"]["closedAt"]
    assert "total" in (everybody.folder / "showback-army.csv").read_text()
    everybody.follow(PAGE, "uses")
    everybody.follow(PAGE, "witness")
    (key,) = set(re.findall(r"witness\.mnd\.example\+\S+", everybody.told[-1]))
    whoever = everybody.called({**names, "WITNESS_KEY": key})
    assert "witness.mnd.example" in whoever.follow(PAGE, "take along")
    exported = len((everybody.folder / "army.jsonl").read_text().splitlines())
    assert exported > 20
    whoever.follow(PAGE, "compare")
    whoever.follow(PAGE, "close")

    whoever.follow(PAGE, "over")
    assert "people.unknown-ministry" in whoever.refused(PAGE, "gone")
    assert "ministry.close" in whoever.follow(PAGE, "log")
    _is_over(demonstration, army)


def _army(demonstration: Demonstration, everybody: Reader) -> Army:
    everybody.run(STAFF)
    for operator, person, act, held in (
        ("army/operator", "army/ci", "roles/give", {"ministry": "army", "role": "engineer"}),
        ("army/operator", "army/engineer", "secondments/send", {"ministry": "mnd"}),
        ("mnd/operator", "army/engineer", "roles/give", {"ministry": "mnd", "role": "engineer"}),
        ("mnd/operator", "mnd/kim", "secondments/send", {"ministry": "army"}),
        ("army/operator", "mnd/kim", "roles/give", {"ministry": "army", "role": "auditor"}),
    ):
        demonstration.tell(operator, f"/v1/people/{person}/{act}", held)
    everybody.run(SHARING)
    (everybody.folder / "endless.yaml").write_text(PIPELINE)
    run = json.loads(everybody.run("bongsu --context army-engineer submit endless.yaml --json"))["runId"]
    await_until(lambda: demonstration.ask("army/engineer", f"/v1/runs/{run}")["run"]["state"] == "running")
    given, received = (
        json.loads((everybody.folder / f"{one}.json").read_text())["id"] for one in ("given", "received")
    )
    (use,) = [
        one["id"] for one in demonstration.ask("army/accreditor", "/v1/uses")["items"] if one["ministry"] == "army"
    ]
    return Army(run, given, received, use, (everybody.folder / "ci.secret").read_text().strip())


def _comes_in(demonstration: Demonstration, secret: str) -> bool:
    form = {"grant_type": "client_credentials", "client_id": "army/ci", "client_secret": secret}
    answer = httpx.post(f"{demonstration.url}/issuer/token", data=form, trust_env=False)
    assert answer.status_code in (200, 401), answer.text
    return answer.status_code == 200


def _is_over(demonstration: Demonstration, army: Army) -> None:
    """Its people are nothing and find nothing; its log is there for whom it was left to, and for nobody else."""
    assert demonstration.ask("army/operator", "/v1/me")["ministries"] == {}
    demonstration.ask("army/engineer", f"/v1/runs/{army.run}", 404)
    assert demonstration.ask("army/engineer", "/v1/runs")["items"] == []
    log = "/v1/ministries/army/audit/entries"
    assert demonstration.ask("mnd/auditor", log)["items"]
    demonstration.ask("mnd/engineer", log, 404)
    demonstration.ask("msit/auditor", log, 404)
