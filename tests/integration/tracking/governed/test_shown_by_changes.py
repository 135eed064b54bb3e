"""A change tells of what it changes too, in its answer or in why it is refused: that is read, and recorded."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import pytest
from governed_attacks import Request
from governed_ids import A2, A3, WRITER, World
from governed_world import PEOPLE

from bongsu.domain.labels import Label

WORD = "changedword"
CLEARANCE = PEOPLE[WRITER].clearance
TRACE = "tr-c0ffee" + "0" * 26


@dataclass(frozen=True)
class Own:
    """What a person made themselves, each thing with the word in it."""

    experiment: str
    run: str
    model: str
    assessment: str
    name: str = "changed-model"


@pytest.fixture(scope="module")
def own(world: World) -> Own:
    def post(path: str, body: dict[str, Any]) -> dict[str, Any]:
        answer = world.server.ask("POST", path, WRITER, json=body)
        assert answer.status_code == 200, (path, answer.text)
        return dict(answer.json())

    tag = {"key": "said", "value": WORD}
    experiment = post(f"{A2}/experiments/create", {"name": f"of {WORD}", "tags": [tag]})["experiment_id"]
    run = post(f"{A2}/runs/create", {"experiment_id": experiment, "run_name": WORD, "tags": [tag]})["run"]["info"]
    post(f"{A2}/runs/log-parameter", {"run_id": run["run_id"], **tag})
    made = {"experiment_id": experiment, "name": WORD, "source_run_id": run["run_id"], "tags": [tag]}
    model = post(f"{A2}/logged-models", made)["model"]["info"]["model_id"]
    post(f"{A2}/registered-models/create", {"name": Own.name, "tags": [tag]})
    version = {"name": Own.name, "source": run["artifact_uri"], "run_id": run["run_id"], "tags": [tag]}
    post(f"{A2}/model-versions/create", version)
    post(f"{A3}/traces", _trace(experiment))
    feedback = {"assessment_name": WORD, "source": {"source_type": "HUMAN"}, "feedback": {"value": WORD}}
    judged = post(f"{A3}/traces/{TRACE}/assessments", {"assessment": feedback | {"trace_id": TRACE}})
    return Own(experiment, run["run_id"], model, judged["assessment"]["assessment_id"])


def _trace(experiment: str) -> dict[str, Any]:
    location = {"type": "MLFLOW_EXPERIMENT", "mlflow_experiment": {"experiment_id": experiment}}
    when = {"request_time": "2026-11-01T09:00:00Z", "state": "OK"}
    info = {"trace_id": TRACE, "trace_location": location, **when, "request_preview": WORD, "tags": {"said": WORD}}
    return {"trace": {"trace_info": info}}


def _telling(own: Own) -> list[Request]:
    """Changes whose answers have the word in them."""
    other = {"key": "said", "value": "other"}
    run, version = {"run_id": own.run}, {"name": own.name, "version": "1"}
    judged = {"assessment": {"assessment_id": own.assessment, "trace_id": TRACE, "rationale": "x"}}
    mask = {"update_mask": "rationale"}
    ready = {"model_id": own.model, "status": "LOGGED_MODEL_READY"}
    trace = _trace(own.experiment)
    trace["trace"]["trace_info"]["tags"] = {}
    trace["trace"]["trace_info"]["request_preview"] = "x"
    return [
        Request("parameter", "POST", f"{A2}/runs/log-parameter", body=run | other),
        Request("batch", "POST", f"{A2}/runs/log-batch", body=run | {"params": [other]}),
        Request("end", "POST", f"{A2}/runs/update", body=run | {"status": "FINISHED"}),
        Request("end of model", "PATCH", f"{A2}/logged-models/{own.model}", body=ready),
        Request("text", "PATCH", f"{A2}/model-versions/update", body=version | {"description": "x"}),
        Request("trace once more", "POST", f"{A3}/traces", body=trace),
        Request("judgement", "PATCH", f"{A3}/traces/{TRACE}/assessments/{own.assessment}", body=judged | mask),
    ]


def _shown(world: World) -> dict[str, Any]:
    """What was told of the request that was answered last."""
    told = json.loads((world.server.home / "shown.jsonl").read_text().splitlines()[-1])
    return dict(told["shown"])


def test_what_a_change_tells_of_what_was_there_is_told_with_its_label(world: World, own: Own) -> None:
    silent, unrecorded = [], {}
    for request in _telling(own):
        answer = request.send(world.server, WRITER)
        if WORD not in answer.text:
            silent.append((request.name, answer.status_code, answer.text[:200]))
        elif not any(Label.parse(label).dominates(CLEARANCE) for label in _shown(world).values()):
            unrecorded[request.name] = f"{answer.status_code} {answer.text[:200]}"
    assert (silent, unrecorded) == ([], {})


def test_a_refused_change_names_the_run_whose_value_it_tells(world: World, own: Own) -> None:
    other = {"run_id": own.run, "key": "said", "value": "other"}
    answer = world.server.ask("POST", f"{A2}/runs/log-parameter", WRITER, json=other)
    assert (answer.status_code, WORD in answer.text) == (400, True)
    assert _shown(world) == {f"mlflow-run:{own.run}": str(CLEARANCE)}


def test_a_change_that_tells_nothing_leaves_no_entry(world: World, own: Own) -> None:
    metric = {"run_id": own.run, "key": "loss", "value": 1.0, "timestamp": 1, "step": 0}
    tag = {"run_id": own.run, "key": "seen", "value": "x"}
    for path, body in (("log-metric", metric), ("set-tag", tag), ("log-parameter", tag)):
        answer = world.server.ask("POST", f"{A2}/runs/{path}", WRITER, json=body)
        assert (answer.status_code, answer.json(), _shown(world)) == (200, {}, {})


def test_what_is_not_there_was_not_seen(world: World, own: Own) -> None:
    gone = {"run_id": "0" * 32, "key": "said", "value": "other"}
    assert world.server.ask("POST", f"{A2}/runs/log-parameter", WRITER, json=gone).status_code == 404
    assert _shown(world) == {}
