"""docs/runbooks/key-rotation.md, followed word for word while a run is under way."""

from __future__ import annotations

import json
import time
from secrets import token_hex

import httpx
import pytest
from runbook_site import OPERATOR, Site

from bongsu.domain.ids import AttemptId, RunId, StageId
from bongsu.identity.attempt_tokens import AttemptGrant, issue_attempt_token
from bongsu.service.signing_keys import KeyUse, signing_keys

PAGE = "key-rotation.md"
ACCOUNT = "mnd/ci"


def test_keys_and_secrets_are_changed_and_the_run_goes_on(site: Site) -> None:
    with site.run_under_way("over-a-rotation") as run:
        _tokens_of_workers(site, run)
        _audit_logs(site)
        _database_password(site)
        _service_accounts(site)
        site.await_state(run, "running")
    site.await_state(run, "succeeded")
    assert "agree" in site.person("auditor").run("bongsu audit verify")


def _tokens_of_workers(site: Site, run: str) -> None:
    attempt = AttemptId(run_id=RunId(run), stage_id=StageId("a"), number=1)
    ring = signing_keys(site.home, KeyUse.ATTEMPTS, time.time).ring()
    former, old = ring.signing.id, issue_attempt_token(ring, AttemptGrant(attempt, "mnd"), time.time())
    assert _renewed(site, attempt, old) is not None
    site.bongsu.follow(PAGE, "tokens")
    new = _renewed(site, attempt, old)
    assert new is not None, "the old key is believed for a day"
    names = {**site.names, "KEY": former}
    site.bongsu.called(names).follow(PAGE, "withdraw")
    assert _renewed(site, attempt, old) is None
    assert _renewed(site, attempt, new) is not None
    left = json.loads(site.bongsu.run("set -a; . etc/server.env; bongsu keys list attempts --json"))
    assert former not in [one["id"] for one in left]


def _renewed(site: Site, attempt: AttemptId, token: str) -> str | None:
    """Another token of the same attempt, of the second replica; None if this one is refused."""
    where = (
        f"http://127.0.0.1:{site.ports[1]}/v1/attempts/{attempt.run_id}/{attempt.stage_id}/{attempt.number}/token"
    )
    answer = httpx.post(where, headers={"Authorization": f"Bearer {token}"}, trust_env=False)
    assert answer.status_code in (200, 401), answer.text
    return str(answer.json()["token"]) if answer.status_code == 200 else None


def _audit_logs(site: Site) -> None:
    auditor = site.person("auditor")
    auditor.run("bongsu audit keys > former.key\nbongsu audit checkpoint -o former.checkpoint")
    site.bongsu.follow(PAGE, "site")
    auditor.follow(PAGE, "auditor")
    former, both = ((auditor.folder / name).read_text().splitlines() for name in ("former.key", "log.key"))
    assert set(former) < set(both)
    (new,) = set(both) - set(former)
    assert "Keys of bongsu.mnd.example" in (said := site.bongsu.follow(PAGE, "site after"))
    assert said.strip().split("`")[0].endswith(": 1. ")
    (auditor.folder / "new.key").write_text(new)
    auditor.run(
        "bongsu audit checkpoint -o new.checkpoint\n"
        "bongsu audit export whole.jsonl\n"
        "bongsu audit verify whole.jsonl --key log.key --checkpoint former.checkpoint\n"
        "bongsu audit verify whole.jsonl --key new.key --checkpoint new.checkpoint"
    )
    with pytest.raises(AssertionError, match=r"audit\."):
        auditor.run("bongsu audit verify whole.jsonl --key former.key")


def _database_password(site: Site) -> None:
    file, address = site.folder / "etc" / "server.env", site.settings["BONGSU_DATABASE"]
    former, new = address.split(":")[2].partition("@")[0], token_hex(8)
    site.superuser.follow(PAGE, "password", f"{new}\n" * 2)
    file.write_text(file.read_text().replace(f":{former}@", f":{new}@"))
    site.root.follow(PAGE, "restart")
    assert "Schema" in site.bongsu.run("set -a; . etc/server.env; bongsu database show")
    with pytest.raises(AssertionError, match=r"run\.database-refused"):
        site.bongsu.run(f"bongsu database show --database {address}")


def _service_accounts(site: Site) -> None:
    operator = site.person(OPERATOR)
    operator.run(f"bongsu service-accounts add {ACCOUNT} --name CI\nbongsu people give-role {ACCOUNT} engineer")
    old = operator.run(f"bongsu service-accounts secret {ACCOUNT}").strip()
    (former,) = json.loads(operator.run(f"bongsu service-accounts secrets {ACCOUNT} --json"))
    assert _comes_in(site, old)
    operator.follow(PAGE, "secret")
    new = (operator.folder / "ci.secret").read_text().strip()
    assert _comes_in(site, old)
    assert _comes_in(site, new)
    operator.called({**site.names, "SECRET": former["id"]}).follow(PAGE, "withdraw secret")
    assert not _comes_in(site, old)
    assert _comes_in(site, new)


def _comes_in(site: Site, secret: str) -> bool:
    """Whether the account gets a token for it at the address that the settings name."""
    form = {"grant_type": "client_credentials", "client_id": ACCOUNT, "client_secret": secret}
    with httpx.Client(verify=str(site.folder / "nginx" / "bongsu.pem"), trust_env=False) as http:
        answer = http.post(f"https://{site.proxy}/services/token", data=form)
    assert answer.status_code in (200, 401), answer.text
    return answer.status_code == 200
