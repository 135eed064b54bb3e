"""A model whose label rises, and falls, after the fact, in a process of its own: prints what MLflow shows to whom."""

from __future__ import annotations

import json
import sys
import time
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest.mock import patch

from governed_places import GovernedPlace
from reconciler_world import registering_stage, registration_inputs
from service_places import drive
from small_plans import plan_of
from sqlalchemy import update
from starlette.testclient import TestClient

from bongsu.domain.approval import ProposalKind
from bongsu.domain.labels import Grade, Label
from bongsu.domain.people import Role
from bongsu.domain.publication import Publication, RunRelabelled
from bongsu.service.control_plane import ControlPlane
from bongsu.service.driving import open_driver
from bongsu.service.governance.carrying_out import carry_out
from bongsu.service.governance.deciding import approve
from bongsu.service.governance.proposing import ProposalRequest, propose
from bongsu.service.labels import raise_label
from bongsu.service.labels_in_force import AGAIN_S
from bongsu.service.mlflow_mount import mounted, publisher_of, settings_of
from bongsu.service.submitting import submit
from bongsu.store import outbox
from bongsu.store.scope import EVERYTHING
from bongsu.tracking.governed.publisher import GovernedPublisher

BLUE = Label(grade=Grade.SENSITIVE, compartments=frozenset({"blue"}))
SENSITIVE = Label(grade=Grade.SENSITIVE)
A2 = "/api/2.0/mlflow"


class Rising:
    """``all`` may see everything, ``low`` what is S at most."""

    def __init__(self, home: Path, database: str) -> None:
        self.place = GovernedPlace(home)
        everything = Label(grade=Grade.CLASSIFIED, compartments=frozenset({"blue"}))
        for person, role, clearance in (
            ("all", Role.ENGINEER, everything),
            ("low", Role.ENGINEER, SENSITIVE),
            ("cus", Role.DATA_CUSTODIAN, everything),
            ("app-1", Role.APPROVER, everything),
            ("app-2", Role.APPROVER, everything),
        ):
            self.place.add_person(person, "mnd", role, clearance)
        given = settings_of(self.place.platform, database)
        self.place.platform = replace(self.place.platform, publisher=publisher_of(given))
        plane = ControlPlane(replace(self.place.platform, scope=EVERYTHING), self.place.actor)
        self._undo = ExitStack()
        self.http = TestClient(self._undo.enter_context(mounted(plane, given)))

    def close(self) -> None:
        self._undo.close()

    def ask(self, person: str, method: str, path: str, **rest: Any) -> Any:
        headers = {"Authorization": f"Bearer {person}"} | rest.pop("headers", {})
        return self.http.request(method, path, headers=headers, **rest)

    def register(self) -> None:
        place = self.place
        place.permit_use()
        base, proof = registration_inputs(place.platform.artifacts)  # type: ignore[arg-type]
        place.add_dataset("proof", proof.ref.digest)
        place.permit_data(name="proof")
        plan = plan_of(registering_stage("register"), inputs=(base, proof))
        run = submit(replace(place.as_("kim"), publisher=place.platform.publisher), plan).run.id
        assert drive(place.platform, [run]).runs[0].state.value == "succeeded"
        found = self.ask("all", "GET", f"{A2}/model-versions/get", params={"name": "light", "version": "1"})
        uri = found.json()["model_version"]["source"]
        self.file = f"/api/2.0/mlflow-artifacts/artifacts/{uri.partition(':/')[2]}/config.json"

    def shown(self, person: str) -> dict[str, list[str]]:
        """Labels of what somebody finds, by what it is."""
        post = "POST"
        experiments = self.ask(person, post, f"{A2}/experiments/search", json={"max_results": 100}).json()
        ids = [one["experiment_id"] for one in experiments.get("experiments", [])] or ["1"]
        runs = self.ask(person, post, f"{A2}/runs/search", json={"experiment_ids": ids}).json()
        models = self.ask(person, post, f"{A2}/logged-models/search", json={"experiment_ids": ids}).json()
        version = self.ask(person, "GET", f"{A2}/model-versions/get", params={"name": "light", "version": "1"})
        versions = [version.json()["model_version"]] if version.status_code == 200 else []
        return {
            "runs": [_label(one["data"]["tags"]) for one in runs.get("runs", [])],
            "models": [_label(one["info"]["tags"]) for one in models.get("models", [])],
            "versions": [_label(one["tags"]) for one in versions],
            "files": [str(self.ask(person, "GET", self.file).status_code)],
        }

    def tell_of(self, ministry: str) -> None:
        """A label of a run of the ministry changed."""
        with self.place.platform.database.write(EVERYTHING) as connection:
            outbox.put(connection, "r-army", RunRelabelled(run_id="r-army", ministry=ministry, pipeline="none"))

    def deliver(self) -> None:
        with open_driver(self.place.platform) as driving:
            assert driving.delivery.drain(20) == 0

    def raise_it(self, label: Label) -> None:
        raise_label(self.place.as_("dc"), "models:/light/1", label, "It is worth more")

    def damage(self, **values: str) -> None:
        """What waits in the outbox."""
        with self.place.platform.database.write(EVERYTHING) as connection:
            waiting = outbox.outbox.c.done.is_(False)
            connection.execute(update(outbox.outbox).where(waiting).values(**values))

    def statuses(self) -> dict[str, int]:
        """What people of two ministries are answered who look into their own, and one who looks into the other."""
        where = {"all": "", "army-eng": "", "kim": "army"}
        return {
            person: self.ask(
                person, "GET", f"{A2}/registered-models/search", headers={"X-MLFLOW-WORKSPACE": ministry}
            ).status_code
            for person, ministry in where.items()
        }

    def lower_it(self, label: Label) -> None:
        place, who = self.place.platform, self.place.actor
        wish = ProposalRequest("mnd", ProposalKind.DOWNGRADE, "model:light/1", str(label), "It is old")
        proposal = propose(place, who("cus"), wish)
        for person in ("app-1", "app-2"):
            approve(place, who(person), proposal.id, proposal.binding.digest)
        carry_out(place, who("cus"), proposal.id)


def _label(tags: list[dict[str, str]]) -> str:
    return {tag["key"]: tag["value"] for tag in tags}["bongsu.label"]


def main(home: Path, database: str) -> None:
    world = Rising(home, database)
    found = {}

    def look(when: str) -> None:
        found[when] = {person: world.shown(person) for person in ("low", "all")}

    world.register()
    look("before")
    world.raise_it(BLUE)
    look("risen")
    world.deliver()
    look("risen, and told")
    world.lower_it(Label())
    look("lowered")
    world.deliver()
    look("lowered, and told")
    world.raise_it(BLUE)
    world.damage(body='{"ty')
    look("risen, and unreadable")
    world.damage(body='{"type":"run-opened"}')
    answered = {"before": world.statuses()}
    with patch.object(GovernedPublisher, "catch_up", _refuses_the_army):
        world.tell_of("army")
        answered["what the army has cannot be labelled"] = world.statuses()
    time.sleep(AGAIN_S)
    answered["and can again"] = world.statuses()
    world.tell_of("army")
    world.damage(run_id="r-nobodys", body="{}")
    answered["nobody knows whose it is"] = world.statuses()
    world.close()
    print(json.dumps({**found, "answered": answered}))


def _refuses_the_army(_publisher: GovernedPublisher, item: Publication) -> None:
    assert isinstance(item, RunRelabelled)
    if item.ministry == "army":
        raise OSError("the disk is full")


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
