"""Publications in a real MLflow store (SQLite), read back with the plain client."""

from __future__ import annotations

import shutil
import sqlite3
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlparse

import pytest

from bongsu.domain.artifact import ArtifactRef, ArtifactType
from bongsu.domain.ids import Digest, digest_of
from bongsu.domain.labels import Grade, Label
from bongsu.domain.publication import (
    AliasChanged,
    LabelChanged,
    MetricPoint,
    PublishedTree,
    RegistrationRefused,
    RegistrationRequest,
    RunClosed,
    RunOpened,
    StageFinished,
    SuspensionChanged,
    VersionRegistered,
)
from bongsu.tracking.moving import follow_home
from bongsu.tracking.publisher import MlflowPublisher
from bongsu.tracking.settings import TrackingSettings

T0 = datetime(2026, 11, 1, 9, 0, tzinfo=UTC)
BASE = ArtifactRef(digest=Digest("sha256-" + "a" * 64), type=ArtifactType.MODEL, size=10)
TEXT = ArtifactRef(digest=Digest("sha256-" + "b" * 64), type=ArtifactType.TOKENS, label=Label(grade="S"), size=5)
MADE = ArtifactRef(digest=Digest("sha256-" + "c" * 64), type=ArtifactType.MODEL, label=Label(grade="S"), size=9)

OPENED = RunOpened(
    run_id="r-1",
    pipeline="axk1-law",
    ministry="mnd",
    plan_hash=Digest("sha256-" + "d" * 64),
    purpose="법령 문서 검색",
    use_class="administration",
    label=Label(grade="S"),
    parameters={"steps": 80},
    time=T0,
)
ADAPTED = StageFinished(
    run_id="r-1",
    stage_id="adapt",
    attempt=1,
    title="adapt",
    uses="train.continue",
    pipeline="axk1-law",
    state="succeeded",
    label=Label(grade="S"),
    params={"steps": 80, "mixture": [0.7, 0.3], "nested": {"a": 1}},
    metrics={"loss": 4.5, "perplexity.law/heal (keepFraction=0.75) 한글": 20.0},
    history=tuple(
        MetricPoint(name="loss", value=9 - n / 100, step=n, time=T0.timestamp() + n) for n in range(1500)
    ),
    inputs=(
        PublishedTree(port="model", title="inputs.base", ref=BASE, uri="file:///a"),
        PublishedTree(port="tokens", title="tokenize", ref=TEXT, uri="file:///b"),
    ),
    outputs=(PublishedTree(port="model", title="adapt", ref=MADE, uri="file:///c"),),
    started_at=T0,
    finished_at=T0 + timedelta(seconds=30),
)


@pytest.fixture(scope="module")
def publisher(tmp_path_factory: pytest.TempPathFactory) -> MlflowPublisher:
    home = tmp_path_factory.mktemp("home")
    publisher = MlflowPublisher(TrackingSettings.embedded(home))
    # Everything twice: a crash between writing and noting it down must not show.
    publisher.publish([OPENED, ADAPTED])
    MlflowPublisher(TrackingSettings.embedded(home)).publish([OPENED, ADAPTED])
    closed = RunClosed(run_id="r-1", pipeline="axk1-law", state="succeeded", time=T0 + timedelta(seconds=31))
    publisher.publish([closed, closed])
    return publisher


def test_one_parent_run_and_one_child_per_attempt(publisher: MlflowPublisher) -> None:
    experiment = publisher.client.get_experiment_by_name("axk1-law")
    runs = {run.info.run_name: run for run in publisher.client.search_runs([experiment.experiment_id])}
    assert set(runs) == {"axk1-law r-1", "adapt"}
    assert runs["adapt"].data.tags["mlflow.parentRunId"] == runs["axk1-law r-1"].info.run_id
    assert runs["axk1-law r-1"].info.status == "FINISHED"
    assert runs["adapt"].data.params == {"steps": "80", "mixture": "[0.7, 0.3]", "nested.a": "1"}


def test_metrics_keep_their_steps_and_end_with_the_final_figure(publisher: MlflowPublisher) -> None:
    run = publisher.client.search_runs(
        [publisher.client.get_experiment_by_name("axk1-law").experiment_id], "tags.`bongsu.stage` = 'adapt'"
    )[0]
    history = publisher.client.get_metric_history(run.info.run_id, "loss")
    assert len(history) == 1501
    assert run.data.metrics["loss"] == 4.5


def test_figures_and_notes_with_odd_names_arrive_and_their_run_ends(tmp_path: Path) -> None:
    publisher = MlflowPublisher(TrackingSettings.embedded(tmp_path))
    odd = {
        "metrics": {"": 1.0, "../loss": 2.0, "a?": 3.0, "a!": 4.0, "x" * 300: 5.0},
        "notes": {"what / is?": "this"},
        "params": {"variables": {"//": "1"}},
        "inputs": (),
        "outputs": (),
    }
    publisher.publish([OPENED, ADAPTED.model_copy(update=odd)])
    experiment = publisher.client.get_experiment_by_name("axk1-law").experiment_id
    (run,) = publisher.client.search_runs([experiment], "tags.`bongsu.stage` = 'adapt'")
    assert run.info.status == "FINISHED"
    assert {1.0, 2.0, 3.0, 4.0, 5.0} <= set(run.data.metrics.values())


def test_a_run_whose_beginning_was_told_by_half_is_told_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = MlflowPublisher(TrackingSettings.embedded(tmp_path))

    def die(*_given: object, **_named: object) -> None:
        raise ConnectionError("gone")

    monkeypatch.setattr(first.client, "log_batch", die)
    with pytest.raises(ConnectionError):
        first.publish([OPENED])
    second = MlflowPublisher(TrackingSettings.embedded(tmp_path))
    second.publish([OPENED])
    (run,) = second.client.search_runs([second.client.get_experiment_by_name("axk1-law").experiment_id])
    assert run.data.params == {"steps": "80"}


def test_figures_of_an_evaluation_stand_at_the_models_that_it_measured(tmp_path: Path) -> None:
    publisher = MlflowPublisher(TrackingSettings.embedded(tmp_path))
    models = (
        PublishedTree(port="models", title="adapt", ref=BASE, uri="file:///a"),
        PublishedTree(port="models", title="prune (keepFraction=0.5)", ref=MADE, uri="file:///c"),
    )
    figures = {f"perplexity.law/{tree.title}": 20.0 + n for n, tree in enumerate(models)} | {"seconds": 3.0}
    odd = {"stage_id": "measure", "metrics": figures, "inputs": models, "outputs": (), "history": ()}
    measured = ADAPTED.model_copy(update=odd)
    publisher.publish([OPENED, measured])
    publisher.publish([measured])
    experiment = publisher.client.get_experiment_by_name("axk1-law").experiment_id
    found = {
        model.tags["bongsu.digest"]: model.metrics for model in publisher.client.search_logged_models([experiment])
    }
    shown = {digest: [(m.key, m.value) for m in metrics or ()] for digest, metrics in found.items()}
    assert shown == {BASE.digest: [("perplexity.law", 20.0)], MADE.digest: [("perplexity.law", 21.0)]}


def test_inputs_and_outputs_carry_our_digests(publisher: MlflowPublisher) -> None:
    experiment = publisher.client.get_experiment_by_name("axk1-law").experiment_id
    found = publisher.client.search_runs([experiment], "tags.`bongsu.stage` = 'adapt'")[0]
    run = publisher.client.get_run(found.info.run_id)
    (dataset,) = run.inputs.dataset_inputs
    assert dataset.dataset.digest == "b" * 36
    assert {t.key: t.value for t in dataset.tags}["bongsu.label"] == "S"
    (given,) = run.inputs.model_inputs
    (made,) = run.outputs.model_outputs
    assert publisher.client.get_logged_model(given.model_id).tags["bongsu.digest"] == BASE.digest
    model = publisher.client.get_logged_model(made.model_id)
    assert model.tags["bongsu.digest"] == MADE.digest
    assert model.source_run_id == run.info.run_id


def test_every_model_of_a_stage_has_a_page_that_is_named_each_time(publisher: MlflowPublisher) -> None:
    pages = {page.digest: page.path for page in publisher.publish([ADAPTED])}
    again = {page.digest: page.path for page in publisher.publish([ADAPTED])}
    assert set(pages) == {BASE.digest, MADE.digest}
    assert pages == again
    for digest, path in pages.items():
        experiment, model = path.removeprefix("/#/experiments/").split("/models/")
        found = publisher.client.get_logged_model(model)
        assert (found.experiment_id, found.tags["bongsu.digest"]) == (experiment, digest)


def test_a_version_points_at_the_artifact_and_stores_nothing_twice(
    publisher: MlflowPublisher, tmp_path: Path
) -> None:
    import mlflow

    (tmp_path / "deep").mkdir()
    (tmp_path / "weights.bin").write_bytes(b"w" * 1000)
    (tmp_path / "deep" / "config.json").write_text("{}")
    request = RegistrationRequest(
        key="r-1/register",
        run_id="r-1",
        stage_id="register",
        pipeline="axk1-law",
        ministry="mnd",
        use_class="administration",
        name="axk1-law",
        alias="candidate",
        model=MADE,
        source_uri=tmp_path.as_uri(),
        card="# 카드",
        metrics={"perplexity.law": 105.0},
    )
    first = publisher.publish_registration(request)
    again = publisher.publish_registration(request)
    assert (first.version, again.version) == (1, 1)
    version = publisher.client.get_model_version_by_alias("axk1-law", "candidate")
    assert version.tags["bongsu.digest"] == MADE.digest
    assert version.description == "# 카드"
    mlflow.set_registry_uri(publisher.client.tracking_uri)
    mlflow.set_tracking_uri(publisher.client.tracking_uri)
    got = Path(mlflow.artifacts.download_artifacts("models:/axk1-law/1"))
    assert (got / "deep" / "config.json").read_text() == "{}"
    assert (got / "weights.bin").stat().st_ino == (tmp_path / "weights.bin").stat().st_ino
    assert sorted(p.name for p in tmp_path.iterdir()) == ["deep", "weights.bin"], "MLflow wrote into the artifact"


def registration(folder: Path, name: str, alias: str | None = None) -> RegistrationRequest:
    (folder / "weights.bin").write_bytes(b"v")
    return RegistrationRequest(
        key="r-2/register",
        run_id="r-2",
        stage_id="register",
        pipeline="axk1-law",
        ministry="mnd",
        use_class="administration",
        name=name,
        alias=alias,
        model=BASE,
        source_uri=folder.as_uri(),
    )


def test_another_request_gives_the_next_version(publisher: MlflowPublisher, tmp_path: Path) -> None:
    request = registration(tmp_path, name="axk1-law-other")
    assert publisher.publish_registration(request).version == 1
    assert publisher.publish_registration(request.model_copy(update={"key": "r-3/register"})).version == 2


def test_a_name_of_another_ministry_is_refused_for_good(publisher: MlflowPublisher, tmp_path: Path) -> None:
    request = registration(tmp_path, name="axk1-law-owned")
    assert publisher.publish_registration(request).version == 1
    other = request.model_copy(update={"key": "r-4/register", "ministry": "moi"})
    with pytest.raises(RegistrationRefused, match="another ministry"):
        publisher.publish_registration(other)


def test_other_bytes_of_a_resumed_run_are_another_version(publisher: MlflowPublisher, tmp_path: Path) -> None:
    request = registration(tmp_path, name="axk1-law-resumed")
    assert publisher.publish_registration(request).version == 1
    other = BASE.model_copy(update={"digest": digest_of(b"made again")})
    assert publisher.publish_registration(request.model_copy(update={"model": other})).version == 2
    assert publisher.publish_registration(request).version == 1


def test_a_name_that_the_registry_does_not_allow_is_refused_for_good(
    publisher: MlflowPublisher, tmp_path: Path
) -> None:
    request = registration(tmp_path, name="law", alias="v1")  # MLflow keeps such aliases to itself
    with pytest.raises(RegistrationRefused, match="alias"):
        publisher.publish_registration(request)


def test_a_database_that_does_not_answer_is_no_refusal(tmp_path: Path) -> None:
    publisher = MlflowPublisher(TrackingSettings.embedded(tmp_path / "home"))
    source = tmp_path / "source"
    source.mkdir()
    publisher.publish_registration(registration(source, name="before"))
    (database,) = (tmp_path / "home").rglob("mlflow.db")
    with sqlite3.connect(database) as connection:
        connection.execute("DROP TABLE registered_models")
    with pytest.raises(Exception, match="registered_models") as caught:
        publisher.publish_registration(registration(source, name="law"))
    assert not isinstance(caught.value, RegistrationRefused)


@pytest.mark.parametrize("is_copied", [False, True])
def test_a_model_of_a_home_that_was_moved_loads_from_where_it_is_now(tmp_path: Path, is_copied: bool) -> None:
    import mlflow

    before, now = tmp_path / "before", tmp_path / "now"
    source = before / "artifacts" / "tree"
    source.mkdir(parents=True)
    first = MlflowPublisher(TrackingSettings.embedded(before))
    first.publish([OPENED, ADAPTED])
    first.publish_registration(registration(source, name="moved"))
    shutil.copytree(before, now) if is_copied else before.rename(now)
    settings = TrackingSettings.embedded(now)
    assert follow_home(settings)
    assert not follow_home(settings), "it was done"
    client = MlflowPublisher(settings).client
    mlflow.set_registry_uri(settings.tracking_uri)
    mlflow.set_tracking_uri(settings.tracking_uri)
    assert Path(mlflow.artifacts.download_artifacts("models:/moved/1")).is_relative_to(now)
    (experiment,) = client.search_experiments(filter_string="name = 'axk1-law'")
    runs = client.search_runs([experiment.experiment_id])
    assert {urlparse(run.info.artifact_uri).path.startswith(f"{now}/") for run in runs} == {True}
    with sqlite3.connect(now / "mlflow.db") as connection:
        assert str(before) + "/" not in "\n".join(connection.iterdump())


def test_a_database_whose_making_was_killed_is_made_anew(tmp_path: Path) -> None:
    settings = TrackingSettings.embedded(tmp_path / "home")
    (tmp_path / "home").mkdir()
    with sqlite3.connect(tmp_path / "home" / "mlflow.db") as connection:
        connection.execute("CREATE TABLE jobs (id INTEGER)")
    publisher = MlflowPublisher(settings)
    publisher.publish([OPENED])
    assert len(publisher.client.search_experiments(filter_string="name = 'axk1-law'")) == 1


def test_versions_that_the_registry_lost_come_back_by_their_numbers(tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.mkdir()
    request = registration(source, name="axk1-law-lost", alias="best")
    told = [
        VersionRegistered(request=request.model_copy(update={"key": key}), version=version)
        for key, version in (("r-1/register", 2), ("r-2/register", 3))
    ]
    home = tmp_path / "home"
    assert MlflowPublisher(TrackingSettings.embedded(home)).is_blank()
    publisher = MlflowPublisher(TrackingSettings.embedded(home))
    publisher.publish([OPENED, *told])
    assert not publisher.is_blank()
    found = publisher.client.search_model_versions("name = 'axk1-law-lost'")
    assert {version.tags["bongsu.key"]: int(version.version) for version in found} == {
        "r-1/register": 2,
        "r-2/register": 3,
    }
    assert publisher.client.get_model_version_by_alias("axk1-law-lost", "best").version == 3
    publisher.client.set_registered_model_alias("axk1-law-lost", "best", "2")
    publisher.publish(told)
    assert publisher.client.get_model_version_by_alias("axk1-law-lost", "best").version == 2, "it was moved since"


def test_a_model_that_was_damaged_and_made_again_is_what_its_versions_show(tmp_path: Path) -> None:
    (tmp_path / "damaged").mkdir()
    request = registration(tmp_path / "damaged", name="axk1-law")
    publisher = MlflowPublisher(TrackingSettings.embedded(tmp_path / "home"))
    publisher.publish([OPENED])
    publisher.publish_registration(request)
    (shown,) = publisher.client.search_model_versions("name = 'axk1-law'")
    again = tmp_path / "again"
    again.mkdir()
    (again / "weights.bin").write_bytes(b"whole")
    made_again = PublishedTree(port="model", title="adapt", ref=request.model, uri=again.as_uri())
    publisher.publish([ADAPTED.model_copy(update={"outputs": (made_again,)})])
    view = Path(urlparse(shown.source).path)
    assert {path.name: path.read_bytes() for path in view.iterdir()} == {"weights.bin": b"whole"}


def test_an_alias_is_moved_and_taken_away_as_often_as_that_is_told(tmp_path: Path) -> None:
    publisher = MlflowPublisher(TrackingSettings.embedded(tmp_path / "home"))
    (tmp_path / "tree").mkdir()
    request = registration(tmp_path / "tree", name="law")
    publisher.publish([OPENED])
    publisher.publish_registration(request)
    given = AliasChanged(run_id="r-1", name="law", alias="production", version=1)
    for _twice in range(2):
        publisher.publish([given])
        assert int(publisher.client.get_model_version_by_alias("law", "production").version) == 1
    for _twice in range(2):
        publisher.publish([given.model_copy(update={"version": None})])
        assert "production" not in publisher.client.get_registered_model("law").aliases


def test_a_version_says_since_when_it_is_suspended_for_as_long_as_it_is(tmp_path: Path) -> None:
    publisher = MlflowPublisher(TrackingSettings.embedded(tmp_path / "home"))
    (tmp_path / "tree").mkdir()
    publisher.publish([OPENED])
    publisher.publish_registration(registration(tmp_path / "tree", name="law"))
    told = SuspensionChanged(run_id="r-1", name="law", version=1, suspended_at=1_700_000_000.0)
    for _twice in range(2):
        publisher.publish([told])
        version = publisher.client.get_model_version("law", "1")
        assert (version.tags["bongsu.suspended"], version.status) == ("2023-11-14T22:13:20.000Z", "READY")
    for _twice in range(2):
        publisher.publish([told.model_copy(update={"suspended_at": None})])
        assert "bongsu.suspended" not in publisher.client.get_model_version("law", "1").tags


def test_a_version_carries_the_label_that_it_is_told(tmp_path: Path) -> None:
    publisher = MlflowPublisher(TrackingSettings.embedded(tmp_path / "home"))
    (tmp_path / "tree").mkdir()
    publisher.publish([OPENED])
    publisher.publish_registration(registration(tmp_path / "tree", name="law"))
    told = LabelChanged(run_id="r-1", name="law", version=1, label=Label(grade=Grade.SENSITIVE))
    for _twice in range(2):
        publisher.publish([told])
        assert publisher.client.get_model_version("law", "1").tags["bongsu.label"] == "S"
