"""What people log through MLflow is labelled no lower than what they may have put into it, and only rises."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from governed_ids import World
from store_places import open_at

from bongsu.domain.grades import N2SF, GradeScheme, SchemeName
from bongsu.domain.labels import Grade
from bongsu.store.grades import set_grades

A2 = "/api/2.0/mlflow"
FILES = "/api/2.0/mlflow-artifacts/artifacts"
LABEL = "bongsu.label"
Post = Callable[..., Any]


@pytest.fixture
def post(world: World) -> Post:
    def send(token: str, path: str, expected: int = 200, **body: Any) -> Any:
        answer = world.server.ask("POST", f"{A2}/{path}", token, json=body)
        assert answer.status_code == expected, answer.text
        return answer.json()

    return send


def _experiment(post: Post, token: str) -> str:
    return str(post(token, "experiments/create", name=f"e-{uuid.uuid4().hex}")["experiment_id"])


def _run(post: Post, token: str, experiment: str, **rest: Any) -> str:
    return str(post(token, "runs/create", experiment_id=experiment, **rest)["run"]["info"]["run_id"])


def _label(world: World, token: str, run: str) -> str | None:
    """None if the run does not exist for the asker."""
    answer = world.server.ask("GET", f"{A2}/runs/get", token, params={"run_id": run})
    if answer.status_code != 200:
        assert answer.status_code == 404
        return None
    return str({tag["key"]: tag["value"] for tag in answer.json()["run"]["data"]["tags"]}[LABEL])


def test_a_new_run_has_its_writers_clearance(world: World, post: Post) -> None:
    experiment = _experiment(post, "mnd-open")
    assert _label(world, "mnd-open", _run(post, "mnd-open", experiment)) == "O"
    run = _run(post, "mnd-logistics", experiment)
    assert _label(world, "mnd-all", run) == "S/logistics"
    assert _label(world, "mnd-classified", run) is None


def test_a_label_may_be_declared_higher_and_never_lower(world: World, post: Post) -> None:
    experiment = _experiment(post, "mnd-open")
    low = _run(post, "mnd-secret", experiment, tags=[{"key": LABEL, "value": "O"}])
    assert _label(world, "mnd-all", low) == "S"
    post("mnd-open", "runs/create", 400, experiment_id=experiment, tags=[{"key": LABEL, "value": "C"}])
    post("mnd-open", "runs/create", 400, experiment_id=experiment, tags=[{"key": LABEL, "value": "nonsense"}])
    run = _run(post, "mnd-open", experiment)
    post("mnd-open", "runs/set-tag", 400, run_id=run, key=LABEL, value="S")
    post("mnd-secret", "runs/delete-tag", 400, run_id=low, key=LABEL)


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("runs/set-tag", {"key": "k", "value": "v"}),
        ("runs/log-metric", {"key": "m", "value": 1.0, "timestamp": 1, "step": 1}),
        ("runs/log-parameter", {"key": "p", "value": "v"}),
        ("runs/log-batch", {"tags": [{"key": "b", "value": "v"}]}),
        ("runs/update", {"run_name": "other"}),
    ],
)
def test_a_run_rises_to_what_somebody_writes_into_it(
    world: World, post: Post, path: str, body: dict[str, Any]
) -> None:
    experiment = _experiment(post, "mnd-open")
    run = _run(post, "mnd-open", experiment)
    post("mnd-secret", path, run_id=run, **body)
    assert _label(world, "mnd-secret", run) == "S"
    assert _label(world, "mnd-open", run) is None


def test_a_status_says_nothing_and_raises_nothing(world: World, post: Post) -> None:
    run = _run(post, "mnd-open", _experiment(post, "mnd-open"))
    post("mnd-secret", "runs/update", run_id=run, status="FINISHED", end_time=5)
    assert _label(world, "mnd-open", run) == "O"


def test_a_file_raises_the_run_that_it_is_logged_to(world: World, post: Post) -> None:
    experiment = _experiment(post, "mnd-open")
    run = _run(post, "mnd-open", experiment)
    path = f"{FILES}/workspaces/mnd/{experiment}/{run}/artifacts/a.txt"
    assert world.server.ask("PUT", path, "mnd-secret", content=b"secret").status_code == 200
    assert _label(world, "mnd-open", run) is None
    assert world.server.ask("GET", path, "mnd-open").status_code == 404
    assert world.server.ask("GET", path, "mnd-secret").text == "secret"


def test_inputs_raise_the_run_and_what_was_made_from_it(world: World, post: Post) -> None:
    experiment = _experiment(post, "mnd-open")
    run = _run(post, "mnd-open", experiment)
    model = post("mnd-open", "logged-models", experiment_id=experiment, name="m", source_run_id=run)
    model_id = model["model"]["info"]["model_id"]
    name = f"n-{uuid.uuid4().hex}"
    post("mnd-open", "registered-models/create", name=name)
    post(
        "mnd-open", "model-versions/create", name=name, source=f"models:/{model_id}", model_id=model_id, run_id=run
    )
    # Somebody who may see more declares an input that is labelled higher.
    secret = world.ids["secretword"].logged_model
    post("mnd-open", "runs/log-inputs", 404, run_id=run, models=[{"model_id": secret}])
    post("mnd-secret", "runs/log-inputs", run_id=run, models=[{"model_id": secret}])
    assert _label(world, "mnd-open", run) is None
    for path, params in (
        (f"logged-models/{model_id}", {}),
        ("model-versions/get", {"name": name, "version": "1"}),
    ):
        assert world.server.ask("GET", f"{A2}/{path}", "mnd-open", params=params).status_code == 404
        assert '"S"' in world.server.ask("GET", f"{A2}/{path}", "mnd-secret", params=params).text
    assert (
        world.server.ask("GET", f"{A2}/registered-models/get", "mnd-open", params={"name": name}).status_code == 200
    )


def test_a_child_is_labelled_like_its_parent_and_a_hidden_parent_is_none(world: World, post: Post) -> None:
    experiment = _experiment(post, "mnd-open")
    parent = _run(post, "mnd-open", experiment)
    post("mnd-secret", "runs/set-tag", run_id=parent, key="k", value="v")
    tags = [{"key": "mlflow.parentRunId", "value": parent}]
    post("mnd-open", "runs/create", 404, experiment_id=experiment, tags=tags)
    assert _label(world, "mnd-secret", _run(post, "mnd-secret", experiment, tags=tags)) == "S"


def test_an_experiment_is_there_for_those_who_may_see_what_its_maker_may(world: World, post: Post) -> None:
    ask = {"experiment_id": _experiment(post, "mnd-secret")}
    assert world.server.ask("GET", f"{A2}/experiments/get", "mnd-open", params=ask).status_code == 404
    assert world.server.ask("GET", f"{A2}/experiments/get", "mnd-classified", params=ask).status_code == 200


def test_notes_about_an_experiment_are_labelled_by_who_wrote_them(world: World, post: Post) -> None:
    experiment = _experiment(post, "mnd-open")
    post("mnd-secret", "experiments/set-experiment-tag", experiment_id=experiment, key="note", value="whispered")
    ask = {"experiment_id": experiment}
    low = world.server.ask("GET", f"{A2}/experiments/get", "mnd-open", params=ask)
    assert low.status_code == 200
    assert "whispered" not in low.text
    assert "whispered" in world.server.ask("GET", f"{A2}/experiments/get", "mnd-secret", params=ask).text


def test_figures_of_a_model_that_is_not_there_are_not_logged(world: World, post: Post) -> None:
    run = _run(post, "mnd-open", _experiment(post, "mnd-open"))
    for word in ("secretword", "ownword", "dapaopen"):
        metric = {"key": "m", "value": 1.0, "timestamp": 1, "step": 1, "model_id": world.ids[word].logged_model}
        post("mnd-open", "runs/log-batch", 404, run_id=run, metrics=[metric])
        outputs = [{"model_id": world.ids[word].logged_model, "step": 0}]
        post("mnd-open", "runs/outputs", 404, run_id=run, models=outputs)


def test_the_source_of_a_version_is_something_that_the_writer_sees(world: World, post: Post) -> None:
    experiment = _experiment(post, "mnd-open")
    run, name = _run(post, "mnd-open", experiment), f"n-{uuid.uuid4().hex}"
    post("mnd-open", "registered-models/create", name=name)
    own, tree, foreign = world.ids["ownword"], world.ids["deepword"], world.ids["dapaopen"]
    here = f"mlflow-artifacts:/workspaces/mnd/{experiment}/{run}/artifacts"
    sources = (
        f"mlflow-artifacts:/{own.place}",
        f"mlflow-artifacts:/{tree.place}",
        f"mlflow-artifacts:/{foreign.place}",
        f"mlflow-artifacts:/workspaces/mnd/{experiment}/{run}",
        "mlflow-artifacts:/workspaces/mnd",
        f"{here}/../../{own.run}/artifacts",
        f"mlflow-artifacts://elsewhere/workspaces/mnd/{experiment}/{run}/artifacts",
        f"models:/{own.logged_model}",
        f"models:/{tree.model}/{tree.version}",
        f"models:/{foreign.model}/{foreign.version}",
        f"runs:/{own.run}/x",
        "file:///etc",
        "/etc",
        "s3://bucket/of/somebody",
        "http://127.0.0.1:1/x",
        "https://example.invalid/x",
        "dbfs:/x",
        "bongsu-mount:/workspaces/mnd",
    )
    for source in sources:
        for more in ({"run_id": run}, {}):
            answer = world.server.ask(
                "POST", f"{A2}/model-versions/create", "mnd-open", json={"name": name, "source": source, **more}
            )
            assert answer.status_code in (400, 404), (source, answer.text)
    assert post("mnd-open", "model-versions/create", name=name, source=f"{here}/model", run_id=run)


def test_a_data_set_that_is_hidden_is_neither_met_nor_told_of(world: World, post: Post) -> None:
    experiment = _experiment(post, "mnd-open")
    low, high = _run(post, "mnd-open", experiment), _run(post, "mnd-secret", experiment)
    tags = [{"key": "mlflow.data.context", "value": "train"}]

    def log(token: str, run: str, source: str) -> None:
        dataset = {"name": "same", "digest": "0123", "source_type": "local", "source": source}
        post(token, "runs/log-inputs", run_id=run, datasets=[{"dataset": dataset, "tags": tags}])

    log("mnd-secret", high, "whispered")
    log("mnd-open", low, "said")
    text = world.server.ask("GET", f"{A2}/runs/get", "mnd-open", params={"run_id": low}).text
    assert "said" in text
    assert "whispered" not in text


def test_the_number_of_a_hidden_version_is_not_given_out_twice(world: World, post: Post) -> None:
    name = f"n-{uuid.uuid4().hex}"
    post("mnd-open", "registered-models/create", name=name)
    numbers = []
    for token in ("mnd-open", "mnd-secret", "mnd-open"):
        experiment = _experiment(post, token)
        run = _run(post, token, experiment)
        source = f"mlflow-artifacts:/workspaces/mnd/{experiment}/{run}/artifacts"
        made = post(token, "model-versions/create", name=name, source=source, run_id=run)
        numbers.append(made["model_version"]["version"])
    assert numbers == ["1", "2", "3"]
    found = world.server.ask("GET", f"{A2}/model-versions/search", "mnd-open", params={"filter": f"name='{name}'"})
    assert [version["version"] for version in found.json()["model_versions"]] == ["3", "1"]


def test_the_control_planes_tags_and_models_are_its_own(world: World, post: Post) -> None:
    experiment = _experiment(post, "mnd-all")
    run = _run(post, "mnd-all", experiment)
    for key in (
        "bongsu.digest",
        "bongsu.key",
        "bongsu.label",
        "Bongsu.label",
        "BONGSU.digest",
        "bongsu．label",
        "Ꮟ0ngsu .x",
    ):
        tag = {"key": key, "value": "O"}
        post("mnd-all", "runs/log-parameter", 400, run_id=run, **tag)
        post("mnd-all", "logged-models", 400, experiment_id=experiment, name="m", params=[tag])
        post("mnd-all", "runs/set-tag", 400, run_id=run, **tag)
        post("mnd-all", "runs/log-batch", 400, run_id=run, tags=[tag])
        post("mnd-all", "experiments/set-experiment-tag", 400, experiment_id=experiment, **tag)
        if key != LABEL:
            post("mnd-all", "runs/create", 400, experiment_id=experiment, tags=[tag])
            post("mnd-all", "logged-models", 400, experiment_id=experiment, name="m", tags=[tag])
    source = f"mlflow-artifacts:/workspaces/mnd/{experiment}/{run}/artifacts"
    post("mnd-all", "model-versions/create", 403, name="axk1-light", source=source, run_id=run)


def test_somebody_cleared_for_ii_sees_iii_and_ii_and_not_i(world: World) -> None:
    found = {
        token: world.server.ask(
            "GET", f"{A2}/model-versions/search", token, params={"filter": "name='axk1-plans'"}
        ).text
        for token in ("mnd-secret", "mnd-third", "mnd-second", "mnd-classified")
    }
    seen = {
        token: {word for word in ("thirdword", "secondword", "firstword") if word in text}
        for token, text in found.items()
    }
    assert seen == {
        "mnd-secret": set(),
        "mnd-third": {"thirdword"},
        "mnd-second": {"thirdword", "secondword"},
        "mnd-classified": {"thirdword", "secondword", "firstword"},
    }


@pytest.fixture
def at_a_military_site(world: World) -> Iterator[None]:
    """The server finds it out with the next request."""
    # Earlier servers of this home have left folders of their own.
    database = open_at(world.server.home / f"plane-{urlsplit(world.server.address).port}")
    with database.write() as connection:
        set_grades(connection, GradeScheme(SchemeName.MILITARY, Grade.SECRET_III), 1.0)
    yield
    with database.write() as connection:
        set_grades(connection, N2SF, 1.0)
    database.close()


@pytest.mark.usefixtures("at_a_military_site")
def test_labels_are_stated_in_grades_of_the_site_in_any_spelling(world: World, post: Post) -> None:
    experiment = _experiment(post, "mnd-open")

    def run_of(token: str, written: str, expected: int = 200) -> Any:
        tags = [{"key": LABEL, "value": written}]
        return post(token, "runs/create", expected, experiment_id=experiment, tags=tags)

    for written in ("대외비", "Ⅲ급", "III"):
        run = run_of("mnd-third", written)["run"]["info"]["run_id"]
        assert _label(world, "mnd-third", run) == "III"
    run = run_of("mnd-second", "군사 Ⅱ급 비밀")["run"]["info"]["run_id"]
    assert _label(world, "mnd-second", run) == "II"
    assert _label(world, "mnd-third", run) is None
    assert "above your clearance" in run_of("mnd-third", "2급", 400)["message"]
    assert "whose grades are O, S, III, II, I" in run_of("mnd-classified", "C", 400)["message"]


def test_a_grade_that_is_none_of_the_site_is_refused(world: World, post: Post) -> None:
    body = {"experiment_id": _experiment(post, "mnd-open"), "tags": [{"key": LABEL, "value": "II"}]}
    assert "whose grades are O, S, C" in post("mnd-classified", "runs/create", 400, **body)["message"]
