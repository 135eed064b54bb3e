"""docs/runbooks/incident.md, followed word for word: what had to stop has stopped, and what happened can be shown."""

from __future__ import annotations

import json
import time

import pytest
from runbook_models import promote, register_model
from runbook_site import OPERATOR, YEAR_S, Site

from bongsu.domain.documents import iso_time

PAGE = "incident.md"


def test_what_had_to_stop_has_stopped_and_what_happened_can_be_shown(site: Site) -> None:
    auditor = site.person("auditor")
    auditor.follow("backup.md", "checkpoint")
    made = site.submit("of-a-model", "echo model > $BONGSU_OUTPUTS/files/a.txt")
    site.await_state(made, "succeeded")
    _token_seen(site, made)
    _account_taken_over(site, made)
    _model_stopped(site, made)
    _label_raised(site)
    assert "The checkpoint of" in auditor.follow(PAGE, "log")
    _host_taken_over(site)
    assert "tokens.misuse" not in auditor.follow(PAGE, "tokens of a host"), "no token was tried elsewhere"
    assert "model.suspend" not in auditor.follow(PAGE, "afterwards"), "nobody was refused that"
    assert (auditor.folder / "afterwards.jsonl").stat().st_size


def _token_seen(site: Site, run: str) -> None:
    operator = site.person(OPERATOR)
    operator.run("bongsu people add mnd/park --name Park --subject park\nbongsu people give-role mnd/park engineer")
    site.ask("park", f"/v1/runs/{run}")
    operator.follow(PAGE, "roles")
    site.ask("park", f"/v1/runs/{run}", 404)
    assert "role.give" not in site.person("auditor").follow(PAGE, "what was done")
    operator.run("bongsu people give-role mnd/park engineer")
    site.ask("park", f"/v1/runs/{run}")


def _account_taken_over(site: Site, run: str) -> None:
    site.person(OPERATOR).follow(PAGE, "disable")
    site.ask("park", f"/v1/runs/{run}", 401)


def _model_stopped(site: Site, made: str) -> None:
    register_model(site, made, "axk1")
    promote(site, "axk1", "production")
    with site.run_under_way("with-a-model", '{model: "models:/axk1@production"}') as run:
        accreditor = site.person("accreditor")
        accreditor.follow(PAGE, "stop")
        site.await_state(run, "cancelled")
        assert "cancelled" in accreditor.follow(PAGE, "look")
    (model,) = [one for one in json.loads(accreditor.run("bongsu models list --json")) if one["name"] == "axk1"]
    assert model["aliases"] == []
    with pytest.raises(AssertionError, match=r"model\.suspended"):
        site.submit("again-with-a-model", "true", '{model: "models:/axk1/1"}')


def _host_taken_over(site: Site) -> None:
    with site.run_under_way("on-a-host") as run:
        engineer = site.person("engineer")
        told = engineer.called({**engineer.names, "RUN": run}).follow(PAGE, "runs of a host")
        assert run in told
        site.await_state(run, "cancelled")
    site.bongsu.follow(PAGE, "artifacts of a host")


def _label_raised(site: Site) -> None:
    custodian = site.person("data-custodian")
    (custodian.folder / "law").mkdir()
    (custodian.folder / "law" / "a.txt").write_text("Article 1")
    custodian.run("bongsu datasets add law file:law --grade O")
    now = iso_time(time.time())
    permit = {
        "ministry": "mnd",
        "name": "law",
        "version": 1,
        "useClasses": ["administration"],
        "card": "document:card-1",
    }
    times = {"reason": "Published", "beginsAt": now, "endsAt": iso_time(time.time() + YEAR_S)}
    site.tell("data-custodian", "/v1/data-permits", {**permit, **times})
    run = site.submit(
        "of-law", "cp $BONGSU_INPUTS/files/0/a.txt $BONGSU_OUTPUTS/files/a.txt", '{dataset: "datasets:/law/1"}'
    )
    site.await_state(run, "succeeded")
    custodian.follow(PAGE, "label")
    assert site.ask("engineer", f"/v1/runs/{run}")["run"]["label"] == "S"
    site.tell(OPERATOR, "/v1/people/mnd/engineer/clearance", {"clearance": "O", "reason": "Vetting ran out"})
    site.ask("engineer", f"/v1/runs/{run}", 404)
    site.tell(OPERATOR, "/v1/people/mnd/engineer/clearance", {"clearance": "S", "reason": "Vetted again"})
