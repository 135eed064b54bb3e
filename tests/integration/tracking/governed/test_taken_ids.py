"""Ids that clients make themselves: one that a hidden thing has is as one that is none."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from governed_ids import A2, A3, TRACE, WRITER, World
from httpx import Response

SPAN = {
    "spanId": "0123456789abcdef",
    "name": "own",
    "startTimeUnixNano": "1000000000",
    "endTimeUnixNano": "1000000001",
}


@pytest.fixture(scope="module")
def experiments(world: World) -> dict[str, str]:
    """One of their own for each of some people."""
    made = {}
    for token in ("dapa-all", "mnd-open", WRITER):
        answer = world.server.ask("POST", f"{A2}/experiments/create", token, json={"name": f"ids of {token}"})
        made[token] = answer.json()["experiment_id"]
    return made


def test_ids_of_experiments_are_drawn_and_not_counted(world: World, experiments: dict[str, str]) -> None:
    """Counted, each would tell how many were made by others since the last."""
    found = sorted(map(int, experiments.values()))
    assert found[0] >= 1_000_000_000
    assert all(later - earlier > 1 for earlier, later in pairwise(found))


def _begin(world: World, token: str, experiment: str, trace: str, **more: Any) -> Response:
    location = {"type": "MLFLOW_EXPERIMENT", "mlflow_experiment": {"experiment_id": experiment}}
    info = {"trace_id": trace, "trace_location": location, "request_time": "2026-11-01T09:00:00Z", "state": "OK"}
    info |= more
    return world.server.ask("POST", f"{A3}/traces", token, json={"trace": {"trace_info": info}})


def _log_span(world: World, token: str, experiment: str, trace: str) -> Response:
    span: dict[str, Any] = SPAN | {"traceId": trace.removeprefix("tr-")}
    body = {"resourceSpans": [{"scopeSpans": [{"spans": [span]}]}]}
    return world.server.ask("POST", "/v1/traces", token, json=body, headers={"x-mlflow-experiment-id": experiment})


@pytest.mark.parametrize("token", ["dapa-all", "mnd-open"])
def test_a_hidden_traces_id_is_refused_in_the_words_for_what_is_none(
    world: World, experiments: dict[str, str], token: str
) -> None:
    taken = _begin(world, token, experiments[token], TRACE)
    none = _begin(world, token, experiments[token], "no id")
    assert (taken.status_code, taken.text) == (none.status_code, none.text)
    assert (taken.status_code, taken.json()["error_code"]) == (400, "INVALID_PARAMETER_VALUE")
    logged = _log_span(world, token, experiments[token], TRACE)
    assert (logged.status_code, logged.json()["message"]) == (400, taken.json()["message"])
    before = world.server.ask("GET", f"{A3}/traces/get", WRITER, params={"trace_id": TRACE})
    assert before.status_code == 200
    assert '"own"' not in before.text


def test_a_hidden_assessments_id_is_refused_in_the_words_for_what_is_none(
    world: World, experiments: dict[str, str]
) -> None:
    (hidden,) = world.server.ask("GET", f"{A3}/traces/{TRACE}", WRITER).json()["trace"]["trace_info"]["assessments"]
    trace = "tr-" + "6" * 32
    assert _begin(world, "dapa-all", experiments["dapa-all"], trace).status_code == 200

    said = {"assessment_name": "a", "source": {"source_type": "HUMAN"}, "feedback": {"value": 1}, "trace_id": trace}

    def judged(id_: str) -> Response:
        body = {"assessment": said | {"assessment_id": id_}}
        return world.server.ask("POST", f"{A3}/traces/{trace}/assessments", "dapa-all", json=body)

    taken, none = judged(hidden["assessment_id"]), judged("no id")
    assert (taken.status_code, taken.text) == (none.status_code, none.text)
    assert (taken.status_code, taken.json()["error_code"]) == (400, "INVALID_PARAMETER_VALUE")
    own = "a-" + "6" * 32
    assert judged(own).status_code == 200
    assert judged(own).status_code == 400
    # With a trace, as clients send it that have judged while it went on; and once more.
    for id_, status in ((own, 200), (hidden["assessment_id"], 400)):
        assessments = [said | {"assessment_id": id_}]
        begun = _begin(world, "dapa-all", experiments["dapa-all"], trace, assessments=assessments)
        assert begun.status_code == status, begun.text


def test_a_trace_of_ones_own_is_begun_once_more(world: World, experiments: dict[str, str]) -> None:
    """Its spans may come first, and make it; and a client may try again."""
    trace = "tr-" + "5" * 32
    assert _log_span(world, WRITER, experiments[WRITER], trace).status_code == 200
    for _ in range(2):
        begun = _begin(world, WRITER, experiments[WRITER], trace)
        assert begun.status_code == 200, begun.text
        assert begun.json()["trace"]["trace_info"]["trace_id"] == trace
