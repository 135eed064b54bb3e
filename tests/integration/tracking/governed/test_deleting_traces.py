"""Traces are deleted by those who may change them, and to nobody else is there anything to delete."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from governed_ids import A2, A3, FILES, World
from governed_log import changes_of
from governed_world import PEOPLE
from httpx import Response
from plain_client import run_client
from sqlalchemy import create_engine, text

TOKEN = "mnd-secret"
ABOVE = "mnd-classified"
"""What they log is labelled above :data:`TOKEN`."""
BOTH = [f"{api}/traces/delete-traces" for api in (A2, A3)]
MIDNIGHT_S = 1_793_491_200
NOON_MS = (MIDNIGHT_S + 12 * 3600) * 1000
LATER_MS = 2_000_000_000_000
_PARTS = {
    "trace_info": "request_id",
    "trace_tags": "request_id",
    "trace_request_metadata": "request_id",
    "spans": "trace_id",
    "assessments": "trace_id",
}


@dataclass
class Traces:
    """Of one experiment that two people write to."""

    world: World
    experiment: str

    def try_to_begin(self, token: str, trace: str, hour: int = 9) -> Response:
        location = {"type": "MLFLOW_EXPERIMENT", "mlflow_experiment": {"experiment_id": self.experiment}}
        time = f"2026-11-01T{hour:02}:00:00Z"
        info = {"trace_id": trace, "trace_location": location, "request_time": time, "state": "OK"}
        body = {"trace": {"trace_info": info | {"tags": {"said": "x"}}}}
        return self.world.server.ask("POST", f"{A3}/traces", token, json=body)

    def begin(self, token: str = TOKEN, *, hour: int = 9, trace: str = "") -> str:
        """With a span and an assessment; the earlier its hour, the older it is."""
        trace = trace or f"tr-{uuid4().hex}"
        begun = self.try_to_begin(token, trace, hour)
        assert begun.status_code == 200, begun.text
        began_ns = (MIDNIGHT_S + hour * 3600) * 10**9
        when = {"startTimeUnixNano": str(began_ns), "endTimeUnixNano": str(began_ns + 1)}
        span = {"traceId": trace.removeprefix("tr-"), "spanId": uuid4().hex[:16], "name": "span", **when}
        spans = {"resourceSpans": [{"scopeSpans": [{"spans": [span]}]}]}
        self.ask("/v1/traces", token, spans, headers={"x-mlflow-experiment-id": self.experiment})
        judged = {"assessment_name": "judged", "source": {"source_type": "HUMAN"}, "feedback": {"value": "good"}}
        self.ask(f"{A3}/traces/{trace}/assessments", token, {"assessment": judged})
        return trace

    def ask(self, path: str, token: str, body: dict[str, Any], **rest: Any) -> dict[str, Any]:
        answer = self.world.server.ask("POST", path, token, json=body, **rest)
        assert answer.status_code == 200, (path, answer.text)
        return dict(answer.json()) if answer.text.startswith("{") else {}

    def delete(self, token: str = TOKEN, path: str = BOTH[0], **which: Any) -> int:
        """How many were deleted, as they are told."""
        return int(self.ask(path, token, {"experiment_id": self.experiment, **which})["traces_deleted"])

    def is_there(self, trace: str, token: str = ABOVE) -> bool:
        return self.world.server.ask("GET", f"{A3}/traces/{trace}", token).status_code == 200

    def rows(self, trace: str) -> dict[str, int]:
        """Of it in MLflow's database, by table, whoever may see them."""
        engine = create_engine(self.world.database)
        with engine.connect() as connection:
            return {
                table: connection.execute(
                    text(f"SELECT count(*) FROM {table} WHERE {column} = :trace"), {"trace": trace}
                ).scalar_one()
                for table, column in _PARTS.items()
            }


@pytest.fixture
def traces(world: World) -> Traces:
    named = {"name": f"asked-{uuid4().hex[:8]}"}
    made = world.server.ask("POST", f"{A2}/experiments/create", TOKEN, json=named)
    return Traces(world, made.json()["experiment_id"])


@pytest.mark.parametrize("path", BOTH)
def test_a_trace_is_deleted_with_all_that_is_of_it(traces: Traces, path: str) -> None:
    gone, left = traces.begin(), traces.begin()
    before = traces.rows(gone)
    assert min(before.values()) >= 1
    assert traces.delete(path=path, request_ids=[gone]) == 1
    assert traces.rows(gone) == dict.fromkeys(_PARTS, 0)
    assert traces.rows(left) == before
    assert traces.delete(path=path, request_ids=[gone]) == 0


def test_a_hidden_trace_is_answered_as_one_that_never_was(traces: Traces) -> None:
    hidden, own = traces.begin(ABOVE), traces.begin()
    before = traces.rows(hidden)
    none = f"tr-{uuid4().hex}"
    for path in BOTH:
        told = [
            traces.world.server.ask(
                "POST", path, TOKEN, json={"experiment_id": traces.experiment, "request_ids": [one]}
            )
            for one in (hidden, none)
        ]
        assert told[0].text == told[1].text
        assert told[0].json()["traces_deleted"] == 0
    assert traces.delete(request_ids=[hidden, own, none]) == 1
    assert traces.rows(hidden) == before
    assert not traces.is_there(own)


def test_up_to_a_time_only_what_is_there_for_them_is_deleted_and_counted(traces: Traces) -> None:
    hidden = [traces.begin(ABOVE, hour=hour) for hour in (1, 3, 5)]
    early, late = traces.begin(hour=2), traces.begin(hour=20)
    assert traces.delete(max_timestamp_millis=NOON_MS) == 1
    assert [traces.is_there(one) for one in (*hidden, early, late)] == [True, True, True, False, True]
    assert traces.delete(max_timestamp_millis=LATER_MS) == 1
    assert all(traces.is_there(one) for one in hidden)
    assert traces.delete(ABOVE, max_timestamp_millis=LATER_MS) == 3


def test_the_oldest_are_those_that_are_there_for_them(traces: Traces) -> None:
    """Hidden ones that are older take no place among so many."""
    hidden = [traces.begin(ABOVE, hour=hour) for hour in (1, 2)]
    own = [traces.begin(hour=hour) for hour in (3, 4, 5)]
    assert traces.delete(max_timestamp_millis=LATER_MS, max_traces=2) == 2
    assert [traces.is_there(one) for one in (*hidden, *own)] == [True, True, False, False, True]
    assert traces.delete(max_timestamp_millis=LATER_MS, max_traces=9) == 1
    assert all(traces.is_there(one) for one in hidden)


def test_who_may_only_look_or_is_of_another_ministry_deletes_none(traces: Traces) -> None:
    own = traces.begin()
    body = {"experiment_id": traces.experiment, "request_ids": [own]}
    for path in BOTH:
        assert traces.world.server.ask("POST", path, "mnd-reader", json=body).status_code == 403
        other = traces.world.server.ask("POST", path, "dapa-all", json=body)
        assert (other.status_code, other.json()["traces_deleted"]) == (200, 0)
    assert traces.is_there(own)


def test_an_id_that_is_used_again_keeps_its_label(traces: Traces) -> None:
    """Joined with that of whoever uses it: nobody finds more than both would have found."""
    raised, kept = traces.begin(), traces.begin(ABOVE)
    assert traces.delete(request_ids=[raised]) == 1
    assert traces.delete(ABOVE, request_ids=[kept]) == 1
    for trace in (raised, kept):
        traces.begin(ABOVE, trace=trace)
        assert traces.is_there(trace, ABOVE)
        assert not traces.is_there(trace, TOKEN)
    own = traces.begin()
    assert traces.delete(ABOVE, request_ids=[own]) == 1
    traces.begin(trace=own)
    assert traces.is_there(own, TOKEN)


def test_the_id_of_a_hidden_trace_that_was_deleted_is_none(traces: Traces) -> None:
    """Whoever begins it anew would have its files, which are kept."""
    hidden = traces.begin(ABOVE)
    path = f"{FILES}/workspaces/mnd/{traces.experiment}/traces/{hidden}/artifacts/attachments/a.txt"
    assert traces.world.server.ask("PUT", path, ABOVE, content=b"hidden").status_code == 200
    assert traces.delete(ABOVE, request_ids=[hidden]) == 1
    assert traces.world.server.ask("GET", path, ABOVE).status_code == 404
    taken, none = (traces.try_to_begin(TOKEN, one) for one in (hidden, "tr-none"))
    assert (taken.status_code, taken.text) == (400, none.text)
    for token in (TOKEN, ABOVE):
        assert traces.world.server.ask("GET", path, token).status_code == 404


def test_nothing_more_is_said_of_a_deleted_trace(traces: Traces) -> None:
    trace = traces.begin()
    assert traces.delete(request_ids=[trace]) == 1
    judged = {"assessment_name": "judged", "source": {"source_type": "HUMAN"}, "feedback": {"value": "good"}}
    for method, path, body in (
        ("PATCH", f"{A2}/traces/{trace}/tags", {"key": "said", "value": "y"}),
        ("PATCH", f"{A3}/traces/{trace}/tags", {"key": "said", "value": "y"}),
        ("DELETE", f"{A2}/traces/{trace}/tags", {"key": "said"}),
        ("POST", f"{A3}/traces/{trace}/assessments", {"assessment": judged}),
    ):
        told = traces.world.server.ask(method, path, TOKEN, json=body)
        assert (told.status_code, told.json()["error_code"]) == (404, "RESOURCE_DOES_NOT_EXIST"), path


def test_a_deletion_is_one_entry_of_the_log_with_the_traces_that_were_deleted(traces: Traces) -> None:
    hidden, own = traces.begin(ABOVE), sorted(traces.begin() for _ in range(2))
    before = len(changes_of(traces.world, PEOPLE[TOKEN].id))
    assert traces.delete(request_ids=[hidden]) == 0
    assert len(changes_of(traces.world, PEOPLE[TOKEN].id)) == before
    assert traces.delete(request_ids=[hidden, *own]) == 2
    (entry,) = changes_of(traces.world, PEOPLE[TOKEN].id)[before:]
    assert (entry["action"], entry["object"]) == ("mlflow.trace.delete", f"mlflow-experiment:{traces.experiment}")
    assert (entry["outcome"], entry["label"]) == ("done", str(PEOPLE[TOKEN].clearance))
    assert entry["facts"] == {"count": 2, "traces": own}


_USE = """
import sys
import mlflow
from mlflow import MlflowClient

client = MlflowClient()
mlflow.set_experiment(experiment_id=sys.argv[1])
hidden = sys.argv[2]

@mlflow.trace
def asked(x):
    return x + 1

for number in range(4):
    asked(number)
mlflow.flush_trace_async_logging()

def found():
    return [one.info.trace_id for one in mlflow.search_traces(locations=[sys.argv[1]], return_type="list")]

first, *others = found()
assert len(others) == 3
client.set_trace_tag(first, "colour", "blue")
assert client.get_trace(first).info.tags["colour"] == "blue"
client.delete_trace_tag(first, "colour")
assert "colour" not in client.get_trace(first).info.tags
assert client.delete_traces(sys.argv[1], trace_ids=[first, hidden]) == 1
assert sorted(found()) == sorted(others)
assert client.delete_traces(sys.argv[1], max_timestamp_millis=2_000_000_000_000, max_traces=1) == 1
assert client.delete_traces(sys.argv[1], max_timestamp_millis=2_000_000_000_000) == 2
assert found() == []
print("used")
"""


def test_mlflows_own_client_tags_and_deletes_traces(traces: Traces, tmp_path: Path) -> None:
    hidden = traces.begin(ABOVE)
    before = len(changes_of(traces.world, PEOPLE[TOKEN].id))
    done = run_client(traces.world, tmp_path, _USE, traces.experiment, hidden, token=TOKEN)
    assert "used" in done.stdout, done.stdout + done.stderr
    assert traces.is_there(hidden)
    entries = changes_of(traces.world, PEOPLE[TOKEN].id)[before:]
    deleted = [entry["facts"]["count"] for entry in entries if entry["action"] == "mlflow.trace.delete"]
    assert deleted == [1, 1, 2]
    assert {"mlflow.trace.tag", "mlflow.trace.untag"} <= {entry["action"] for entry in entries}
