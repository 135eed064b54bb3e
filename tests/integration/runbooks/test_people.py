"""docs/runbooks/people.md, followed word for word at a server of ``bongsu up``."""

from __future__ import annotations

import json

import httpx
from confirming import confirm
from runbook_demonstration import Demonstration
from runbook_steps import Reader

PAGE = "people.md"


def test_people_and_systems_come_change_and_leave(demonstration: Demonstration) -> None:
    names = {"http://localhost:8791": demonstration.url}
    operator = demonstration.reader("people", names, {"operator": "mnd/operator"})
    operator.follow(PAGE, "first ministry")
    with_platform = operator.run("bongsu --context local --home server database check")
    assert "every row can be read" in with_platform
    operator.follow(PAGE, "further ministry")
    operator.follow(PAGE, "comes")
    _signs_in(demonstration, operator)
    operator.follow(PAGE, "changes")
    (here,) = demonstration.ask("mnd/park", "/v1/me")["ministries"].values()
    assert here["roles"] == ["approver"]
    operator.follow(PAGE, "elsewhere")
    _without_operator(demonstration)
    here = {**names, "server": str(demonstration.home / "shared")}
    assert "navy/choi" in operator.called(here).follow(PAGE, "named operator")
    _system(operator)
    operator.follow(PAGE, "leaves")
    headers = {"Authorization": f"Bearer {demonstration.sign_in('mnd/park').access_token}"}
    assert httpx.get(f"{demonstration.url}/v1/me", headers=headers, trust_env=False).status_code == 401


def _signs_in(demonstration: Demonstration, operator: Reader) -> None:
    """With the password of whoever runs the machine, at a machine of their own."""
    runs_it = demonstration.reader("runs-it", operator.names, {})
    at_home = {**runs_it.environment, "BONGSU_HOME": str(demonstration.home)}
    host = Reader(runs_it.folder, operator.names, at_home, operator.followed)
    password = host.follow(PAGE, "password").split()[-1]
    demonstration.passwords["mnd/park"] = password
    park = demonstration.reader("park", operator.names, {})
    park.sign_in(PAGE, "signs in", lambda page: confirm(page, "mnd/park", password))
    assert json.loads(park.run("bongsu whoami --json"))["ministries"]["mnd"]["roles"] == ["engineer"]


def _without_operator(demonstration: Demonstration) -> None:
    """The navy, whose only operator is called back by the ministry that sent them."""
    navy = {"ministry": "navy"}
    lent = "/v1/people/mnd/manager"
    choi = {"id": "navy/choi", "name": "Choi", "issuer": f"{demonstration.url}/issuer", "subject": "navy/choi"}
    demonstration.tell("navy/operator", "/v1/people", choi)
    demonstration.tell("mnd/operator", f"{lent}/secondments/send", navy)
    demonstration.tell("navy/operator", f"{lent}/roles/give", {**navy, "role": "operator"})
    demonstration.tell("mnd/manager", "/v1/people/navy/operator/roles/take", {**navy, "role": "operator"})
    demonstration.tell("mnd/operator", f"{lent}/secondments/recall", navy)


def _system(operator: Reader) -> None:
    operator.follow(PAGE, "system")
    (first,) = json.loads(operator.run("bongsu service-accounts secrets mnd/drafting-ci --json"))
    assert "mnd/drafting-ci" in operator.follow(PAGE, "system signs in")
    operator.run("bongsu context use operator")
    assert first["id"] in operator.follow(PAGE, "new secret")
    operator.called({**operator.names, "SECRET_ID": first["id"]}).follow(PAGE, "withdraw")
    (left,) = json.loads(operator.run("bongsu service-accounts secrets mnd/drafting-ci --json"))
    assert left["id"] != first["id"]
