"""What an answer of MLflow tells of is known before it is given, so that it can be recorded; what everybody may see is
nothing to record."""

from __future__ import annotations

import json
from typing import Any

import pytest
from governed_attacks import reading
from governed_ids import A2, A3, FILES, OWNERS, World
from governed_server import UNRECORDABLE
from governed_world import BY_WORD, OPEN, PEOPLE

from bongsu.domain.labels import Label

PROTECTED = [word for word, told in BY_WORD.items() if told.label.is_protected]


def told(world: World) -> dict[str, Any]:
    """Of the request that was answered last."""
    return dict(json.loads((world.server.home / "shown.jsonl").read_text().splitlines()[-1]))


def shown(world: World, method: str, path: str, token: str = "mnd-all", **rest: Any) -> dict[str, str]:
    answer = world.server.ask(method, path, token, **rest)
    assert answer.status_code == 200, answer.text
    return dict(told(world)["shown"])


@pytest.mark.parametrize("word", PROTECTED)
def test_whatever_shows_a_thing_is_told_with_its_label(world: World, word: str) -> None:
    thing = BY_WORD[word]
    missed = {}
    for request in reading(world.ids[word]):
        answer = request.send(world.server, OWNERS[thing.ministry])
        if answer.status_code != 200 or word not in answer.text:
            continue
        seen = told(world)
        labels = [Label.parse(label) for _object, label in seen["shown"]]
        if seen["workspace"] != thing.ministry or not any(label.dominates(thing.label) for label in labels):
            missed[request.name] = seen
    assert missed == {}


@pytest.mark.parametrize("token", ["mnd-open", "mnd-all"])
def test_what_everybody_may_see_is_nothing_to_record(world: World, token: str) -> None:
    # They show things of other labels to who may see these; and rows of data sets do not say whose they are.
    others = ("experiments", "data sets") if token == "mnd-all" else ()
    told_of = {}
    for request in reading(world.ids["plainword"]):
        answer = request.send(world.server, token)
        shows_others = any(one in request.name for one in others) or any(word in answer.text for word in PROTECTED)
        if answer.status_code == 200 and not shows_others and (seen := told(world)["shown"]):
            told_of[request.name] = seen
    assert told_of == {}


def test_things_are_named_as_the_log_names_them(world: World) -> None:
    ids = world.ids["secretword"]
    run = shown(world, "GET", f"{A2}/runs/get", params={"run_id": ids.run})
    assert run[f"mlflow-run:{ids.run}"] == "S"
    version = {"name": ids.model, "version": ids.version}
    assert shown(world, "GET", f"{A2}/model-versions/get", params=version) == {
        f"model:{ids.model}/{ids.version}": "S"
    }
    assert shown(world, "GET", f"{FILES}/{ids.file}") == {f"model:{ids.model}/{ids.version}": "S"}
    history = {"run_ids": ids.run, "metric_key": "loss", "max_results": 10}
    assert shown(world, "GET", f"{A2}/metrics/get-history-bulk-interval", params=history) == {
        f"mlflow-run:{ids.run}": "S"
    }
    own = world.ids["ownword"]
    assert shown(world, "GET", f"{A3}/traces/{own.trace}")[f"mlflow-trace:{own.trace}"] == "C"


def test_of_many_things_the_list_is_told_with_the_highest_label_on_it(world: World) -> None:
    experiments = [ids.experiment for ids in world.ids.values() if ids.ministry == "mnd"]
    found = shown(world, "POST", f"{A2}/runs/search", json={"experiment_ids": experiments})
    assert found["list:mlflow-runs"] == "C/logistics"
    low = shown(world, "POST", f"{A2}/runs/search", "mnd-secret", json={"experiment_ids": experiments})
    assert set(low.values()) == {"S"}


def test_what_is_not_given_and_what_is_written_is_not_told(world: World) -> None:
    ids = world.ids["deepword"]
    answer = world.server.ask("GET", f"{A2}/runs/get", "mnd-secret", params={"run_id": ids.run})
    assert (answer.status_code, told(world)["shown"]) == (404, [])
    own = world.ids["ownword"]
    tag = {"run_id": own.run, "key": "seen", "value": "x"}
    answer = world.server.ask("POST", f"{A2}/runs/set-tag", "mnd-classified", json=tag)
    assert (answer.status_code, told(world)["shown"]) == (200, [])


def test_what_cannot_be_recorded_is_not_given(world: World) -> None:
    ids = world.ids["secretword"]
    asked = {"run_id": ids.run, "said": UNRECORDABLE}
    answer = world.server.ask("GET", f"{A2}/runs/get", "mnd-all", params=asked)
    assert (answer.status_code, answer.json()["error_code"]) == (503, "TEMPORARILY_UNAVAILABLE")
    assert "secretword" not in answer.text


def test_a_shared_model_is_told_of_in_the_workspace_of_whose_it_is(world: World) -> None:
    assert PEOPLE["mnd-guest"].shared
    assert BY_WORD["dapaopen"].label == OPEN
    there = {"X-MLFLOW-WORKSPACE": "dapa"}
    version = {"name": "dapa-model", "version": "1"}
    assert shown(world, "GET", f"{A2}/model-versions/get", "mnd-guest", params=version, headers=there) == {}
    assert told(world)["workspace"] == "dapa"
