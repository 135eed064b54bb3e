"""What is refused through MLflow says rule, fact and remedy, and is recorded; so is a forbidden use that a client
names."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest
from governed_ids import A2, FILES, WRITER, World
from governed_log import log_of
from governed_world import PEOPLE

from bongsu.policy.access import Permission

FORBIDDEN = "lethal autonomous weapon that selects and engages targets"


@pytest.fixture(scope="module")
def run(world: World) -> dict[str, str]:
    """A run of the writer, and the experiment that it is in."""
    name = {"name": f"refused-{uuid4().hex[:8]}"}
    experiment = world.server.ask("POST", f"{A2}/experiments/create", WRITER, json=name).json()["experiment_id"]
    begun = world.server.ask("POST", f"{A2}/runs/create", WRITER, json={"experiment_id": experiment}).json()["run"]
    return {"experiment_id": experiment, "run_id": begun["info"]["run_id"], "source": begun["info"]["artifact_uri"]}


def refused(world: World, method: str, path: str, token: str = WRITER, **rest: Any) -> tuple[str, dict[str, Any]]:
    """The message, and the entry that tells of it."""
    before = len(log_of(world, PEOPLE[token].id))
    answer = world.server.ask(method, path, token, **rest)
    assert (answer.status_code, answer.json()["error_code"]) == (403, "PERMISSION_DENIED"), answer.text
    found = [one for one in log_of(world, PEOPLE[token].id)[before:] if one["outcome"] == "refused"]
    assert len(found) == 1, found
    return str(answer.json()["message"]), found[0]


def test_what_is_sealed_says_so_and_the_attempt_is_recorded(world: World) -> None:
    ids = world.ids["secretword"]
    message, entry = refused(world, "POST", f"{A2}/runs/delete", "mnd-all", json={"run_id": ids.run})
    assert ("rule mlflow.sealed" in message, "(mlflow.sealed)" in message, ids.run in message) == (True, True, True)
    assert "a run or a model of your own" in message
    assert (entry["action"], entry["object"], entry["label"]) == ("mlflow.run.delete", f"mlflow-run:{ids.run}", "S")
    assert (entry["facts"]["codes"], entry["facts"]["rules"]) == (["mlflow.sealed"], ["mlflow.sealed"])


def test_who_only_looks_is_told_which_roles_would_let_them(world: World) -> None:
    tag = {"run_id": world.ids["plainword"].run, "key": "said", "value": "x"}
    message, entry = refused(world, "POST", f"{A2}/runs/set-tag", "mnd-reader", json=tag)
    assert (Permission.RUN_SUBMIT.value in message, "engineer" in message, "rule access.permission" in message) == (
        True,
    ) * 3
    assert (entry["action"], entry["object"]) == ("mlflow.run.tag", f"mlflow-run:{tag['run_id']}")
    assert entry["facts"]["codes"] == ["mlflow.only-look"]
    path = f"{FILES}/{world.ids['plainword'].file}"
    message, entry = refused(world, "GET", path, "mnd-manager")
    assert (Permission.ARTIFACT_READ.value in message, entry["facts"]["codes"]) == (True, ["mlflow.no-files"])


@pytest.mark.parametrize(("method", "verb"), [("POST", "set"), ("DELETE", "delete")])
def test_an_alias_is_a_promotion_and_is_told_how_it_is_proposed(world: World, method: str, verb: str) -> None:
    asked = {"name": "mine", "alias": "champ", "version": "1"}
    message, entry = refused(world, method, f"{A2}/registered-models/alias", json=asked)
    assert (
        "`bongsu approvals propose promotion model:mine/1 champ --reason WHY --evidence-until YYYY-MM-DD`"
        in message
    )
    assert ("rule model.approved" in message, "no lineage" in message) == (True, True)
    assert (entry["action"], entry["object"]) == (f"mlflow.alias.{verb}", "model:mine/1")
    assert entry["facts"]["codes"] == ["mlflow.alias"]


@pytest.mark.parametrize(
    ("method", "path", "asked", "action"),
    [
        ("POST", "registered-models/rename", {"name": "mine", "new_name": "other"}, "mlflow.model.rename"),
        ("DELETE", "registered-models/delete", {"name": "mine"}, "mlflow.model.delete"),
        ("DELETE", "model-versions/delete", {"name": "mine", "version": "1"}, "mlflow.version.delete"),
        ("POST", "experiments/update", {"experiment_id": "7", "new_name": "x"}, "mlflow.experiment.update"),
    ],
)
def test_what_would_decide_something_is_refused_with_what_does_it(
    world: World, method: str, path: str, asked: dict[str, str], action: str
) -> None:
    message, entry = refused(world, method, f"{A2}/{path}", json=asked)
    assert ("rule mlflow.closed" in message, entry["action"], entry["facts"]["codes"]) == (
        True,
        action,
        ["mlflow.closed"],
    )
    assert entry["object"] in ("model:mine", "model:mine/1", "mlflow-experiment:7")


def test_of_what_else_is_closed_it_is_told_why_and_in_the_language_that_is_asked_for(world: World) -> None:
    def told(path: str, **headers: str) -> tuple[int, str, str]:
        answer = world.server.ask("GET", path, WRITER, headers=headers)
        return answer.status_code, answer.json()["error_code"], answer.json()["message"]

    status, code, message = told("/ajax-api/3.0/mlflow/scorers/list")
    assert (status, code) == (404, "ENDPOINT_NOT_FOUND")
    assert ("runs code on the server" in message, "rule mlflow.closed" in message) == (True, True)
    assert "규칙" in told("/ajax-api/3.0/mlflow/scorers/list", **{"Accept-Language": "ko"})[2]
    assert told("/no/such/route") == (404, "ENDPOINT_NOT_FOUND", "There is nothing at this address.")


def test_who_is_nothing_in_a_ministry_is_told_nothing_of_what_is_closed_there(world: World) -> None:
    foreign = {"X-MLFLOW-WORKSPACE": "dapa"}
    path = f"{A2}/registered-models/alias"
    answer = world.server.ask("POST", path, WRITER, json={"name": "x"}, headers=foreign)
    assert (answer.status_code, answer.json()["error_code"]) == (404, "RESOURCE_DOES_NOT_EXIST")


def _naming(run: dict[str, str], word: str) -> list[tuple[str, str, dict[str, Any]]]:
    """Every way in which a client names or describes something."""
    of_run, of_experiment = {"run_id": run["run_id"]}, {"experiment_id": run["experiment_id"]}
    note, prompt = {"key": "mlflow.note.content", "value": word}, {"key": "mlflow.prompt.text", "value": word}
    is_prompt = {"key": "mlflow.prompt.is_prompt", "value": "true"}
    name = f"m-{uuid4().hex[:8]}"
    return [
        ("POST", "experiments/create", {"name": word}),
        ("POST", "experiments/create", {"name": f"e-{uuid4().hex}", "tags": [note]}),
        ("POST", "experiments/set-experiment-tag", {**of_experiment, **note}),
        ("POST", "runs/create", {**of_experiment, "run_name": word}),
        ("POST", "runs/create", {"experimentId": run["experiment_id"], "runName": word}),
        ("POST", "runs/create", {**of_experiment, "tags": [note]}),
        ("POST", "runs/update", {**of_run, "run_name": word}),
        ("POST", "runs/set-tag", {**of_run, **note}),
        ("POST", "runs/log-batch", {**of_run, "tags": [note]}),
        ("POST", "logged-models", {**of_experiment, "name": "model", "tags": [note]}),
        ("POST", "registered-models/create", {"name": word}),
        ("POST", "registered-models/create", {"name": name, "description": word}),
        ("POST", "registered-models/create", {"name": name, "tags": [note]}),
        ("POST", "registered-models/create", {"name": name}),
        ("POST", "registered-models/set-tag", {"name": name, **note}),
        ("POST", "model-versions/create", {"name": name, "source": run["source"], **of_run, "description": word}),
        ("POST", "model-versions/create", {"name": name, "source": "prompt-template", "tags": [prompt, is_prompt]}),
        ("POST", "model-versions/create", {"name": name, "source": run["source"], **of_run}),
        ("PATCH", "model-versions/update", {"name": name, "version": "1", "description": word}),
        ("POST", "model-versions/set-tag", {"name": name, "version": "1", **note}),
    ]


def test_a_forbidden_use_is_refused_wherever_a_client_names_or_describes_something(
    world: World, run: dict[str, str]
) -> None:
    wrong = {}
    for method, path, body in _naming(run, FORBIDDEN):
        if FORBIDDEN not in str(body):
            assert world.server.ask(method, f"{A2}/{path}", WRITER, json=body).status_code == 200
            continue
        message, entry = refused(world, method, f"{A2}/{path}", json=body)
        facts = entry["facts"]
        told = "rule purpose.lethal-autonomy" in message and "(policy.forbidden-use)" in message
        if not (told and facts["codes"] == ["policy.forbidden-use"] and facts["words"] and entry["object"]):
            wrong[f"{method} {path} {body}"] = (message, entry)
    assert wrong == {}


def test_tags_of_a_logged_model_are_read_too(world: World, run: dict[str, str]) -> None:
    made = {"experiment_id": run["experiment_id"], "name": "model"}
    model = world.server.ask("POST", f"{A2}/logged-models", WRITER, json=made).json()["model"]["info"]["model_id"]
    tags = {"model_id": model, "tags": [{"key": "mlflow.note.content", "value": FORBIDDEN}]}
    message, entry = refused(world, "PATCH", f"{A2}/logged-models/{model}/tags", json=tags)
    assert ("(policy.forbidden-use)" in message, entry["object"]) == (True, f"mlflow-model:{model}")


def test_what_names_no_such_use_passes(world: World, run: dict[str, str]) -> None:
    """One after the other, as a client would; no registered model has a description, whatever it says."""
    made = set()
    for method, path, body in _naming(run, "표적 항암 치료 문헌 번역과 정비 일정"):
        if path == "registered-models/create" and ("description" in body or body["name"] in made):
            continue
        made.add(body.get("name"))
        answer = world.server.ask(method, f"{A2}/{path}", WRITER, json=body)
        assert answer.status_code == 200, (path, body, answer.text)


def test_a_name_that_mlflow_draws_for_a_run_passes(world: World, run: dict[str, str]) -> None:
    """One in some thousands of them would be refused if people had thought of it."""
    for name, status in (("selective-ram-7", 200), ("selective ram 7", 403)):
        asked = {"experiment_id": run["experiment_id"], "run_name": name}
        assert world.server.ask("POST", f"{A2}/runs/create", WRITER, json=asked).status_code == status
