"""The executor against a real API server on which nothing acts: what is asked of it, seen in it, and taken back."""

from __future__ import annotations

import itertools
import json
import re
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from local_kube.cluster import Cluster
from rendered_attempts import GIVEN, PLACE, PLAIN_SITE, RAY, attempt

from bongsu.artifacts.local import LocalStore
from bongsu.artifacts.segments import Segments
from bongsu.domain.attempt import AttemptSpec, Phase, events_stream, log_stream
from bongsu.domain.capacity import Capacity
from bongsu.domain.events import Message
from bongsu.domain.ids import AttemptId, RunId, StageId
from bongsu.executors.kuberay.api import SECRETS, Api, Kind
from bongsu.executors.kuberay.executor import EVENTS_S, KubeRayExecutor
from bongsu.executors.kuberay.watching import Watched

NAMESPACE = "bongsu-mnd"
SOON_S = 20.0
CONFIG_MAPS = Kind("/api/v1", "configmaps")
_numbers = itertools.count(1)


@pytest.fixture(scope="module")
def ministry(api_cluster: Cluster) -> Cluster:
    api_cluster.kubectl.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}})
    return api_cluster


@pytest.fixture
def api(ministry: Cluster) -> Iterator[Api]:
    made = Api.of_file(ministry.layout.kubeconfig)
    yield made
    made.close()


@pytest.fixture
def store(tmp_path: Any) -> LocalStore:
    return LocalStore(tmp_path / "store")


def executor_of(cluster: Cluster) -> KubeRayExecutor:
    return KubeRayExecutor(
        Api.of_file(cluster.layout.kubeconfig),
        PLAIN_SITE,
        ministries=lambda: ["mnd"],
        place=lambda _attempt: PLACE,
        passes=lambda _attempt: GIVEN,
        ray=RAY,
        capacity=lambda: Capacity(cpus=8, gpus=0, memory=2**35, runs_images=True),
    )


@pytest.fixture
def executor(ministry: Cluster) -> Iterator[KubeRayExecutor]:
    made = executor_of(ministry)
    yield made
    made.close()


def fresh(store: LocalStore, **changes: Any) -> AttemptSpec:
    named = AttemptId(run_id=RunId(f"r-api{next(_numbers):09d}"), stage_id=StageId("a"), number=1)
    return attempt("a", **{"id": named, "artifact_store": store.uri, **changes})


def soon(true: Callable[[], object], what: str) -> None:
    deadline = time.monotonic() + SOON_S
    while not true():
        assert time.monotonic() < deadline, what
        time.sleep(0.05)


def jobs_of(cluster: Cluster, spec: AttemptSpec) -> list[str]:
    kind = "rayjobs" if spec.distributed else "jobs"
    listed = cluster.kubectl.get("-n", NAMESPACE, kind)["items"]
    return [one["metadata"]["uid"] for one in listed if one["metadata"]["name"] == spec.id.job_name]


def config_map(name: str, **data: str) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": name, "namespace": NAMESPACE},
        "data": data,
    }


# -- the client --------------------------------------------------------------------------------------------------


def test_what_is_created_twice_is_created_once(api: Api) -> None:
    assert api.create(CONFIG_MAPS, config_map("once", a="1")) is not None
    assert api.create(CONFIG_MAPS, config_map("once", a="2")) is None
    found = api.get(CONFIG_MAPS, NAMESPACE, "once")
    assert found is not None
    assert found["data"] == {"a": "1"}
    assert api.delete(CONFIG_MAPS, NAMESPACE, "once") is not None
    found = api.get(CONFIG_MAPS, NAMESPACE, "once")
    assert found is not None, "it waits for its dependents, which nobody takes away here"
    assert found["metadata"]["deletionTimestamp"]
    assert api.delete(CONFIG_MAPS, NAMESPACE, "never") is None
    assert api.get(CONFIG_MAPS, NAMESPACE, "never") is None
    assert api.annotate(CONFIG_MAPS, NAMESPACE, "never", {"a": "b"}) is None


def test_of_secrets_nothing_but_their_metadata_comes(api: Api) -> None:
    secret = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "quiet", "namespace": NAMESPACE},
        "stringData": {"pass.json": "t0ken"},
    }
    assert api.create(SECRETS, secret) is not None
    looked = [api.get(SECRETS, NAMESPACE, "quiet"), *api.list(SECRETS, NAMESPACE).objects]
    assert looked[0] is not None
    assert not [one for one in looked if one and "data" in one]


def test_a_watch_tells_what_changes(api: Api) -> None:
    listed = api.list(CONFIG_MAPS, NAMESPACE)
    api.create(CONFIG_MAPS, config_map("watched"))
    api.annotate(CONFIG_MAPS, NAMESPACE, "watched", {"seen": "yes"})
    told = api.watch(CONFIG_MAPS, NAMESPACE, listed.version)
    assert [(what, one["metadata"]["name"]) for what, one in itertools.islice(told, 2)] == [
        ("ADDED", "watched"),
        ("MODIFIED", "watched"),
    ]


def test_a_server_that_does_not_answer_is_an_os_error(ministry: Cluster, tmp_path: Any) -> None:
    text = ministry.layout.kubeconfig.read_text()
    elsewhere = tmp_path / "kubeconfig"
    elsewhere.write_text(re.sub(r"https://[\d.:]+", "https://127.0.0.1:9", text))
    with pytest.raises(OSError, match="does not answer"):
        Api.of_file(elsewhere).list(CONFIG_MAPS, NAMESPACE)
    with pytest.raises(OSError, match="does not answer"):
        Api.of_file(tmp_path / "none")


def test_what_is_watched_is_what_there_is(ministry: Cluster, api: Api) -> None:
    changes: list[int] = []
    watched = Watched(api, CONFIG_MAPS, NAMESPACE, lambda: changes.append(1))
    watched.start()
    try:
        assert watched.await_list(SOON_S)
        api.create(CONFIG_MAPS, config_map("kept-up"))
        soon(lambda: watched.get("kept-up"), "it is seen")
        before = len(changes)
        ministry.kubectl("delete", "configmap", "-n", NAMESPACE, "kept-up")
        soon(lambda: watched.get("kept-up") is None, "it is gone")
        assert len(changes) > before
        assert watched.silent_s() == 0.0
    finally:
        watched.close()


# -- the executor ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("distributed", [False, True])
def test_an_attempt_is_asked_for_once_whoever_asks(
    ministry: Cluster, executor: KubeRayExecutor, store: LocalStore, distributed: bool
) -> None:
    spec = fresh(store, distributed=distributed)
    assert executor.observe([spec.id])[spec.id].phase is Phase.ABSENT
    executor.ensure(spec)
    assert executor.observe([spec.id])[spec.id].phase is Phase.QUEUED, "what was asked for is there at once"
    (uid,) = jobs_of(ministry, spec)
    other = executor_of(ministry)
    try:
        assert other.observe([spec.id])[spec.id].phase is Phase.QUEUED
        for one in (executor, other):
            one.ensure(spec)
        assert jobs_of(ministry, spec) == [uid]
    finally:
        other.close()


def test_what_somebody_deleted_is_lost_and_not_started_again(
    ministry: Cluster, executor: KubeRayExecutor, store: LocalStore
) -> None:
    spec = fresh(store)
    executor.ensure(spec)
    ministry.kubectl("delete", "job", "-n", NAMESPACE, spec.id.job_name)
    soon(lambda: executor.observe([spec.id])[spec.id].phase is Phase.LOST, "its loss is seen")
    executor.ensure(spec)
    assert jobs_of(ministry, spec) == []


def test_who_died_between_secret_and_job_is_gone_on_from(
    ministry: Cluster, executor: KubeRayExecutor, store: LocalStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = fresh(store)

    def die(*_given: object) -> None:
        raise OSError("killed")

    with monkeypatch.context() as patched:
        patched.setattr(Api, "apply", die)
        with pytest.raises(OSError, match="killed"):
            executor.ensure(spec)
    assert jobs_of(ministry, spec) == []
    soon(lambda: executor.observe([spec.id])[spec.id].phase is Phase.ABSENT, "nobody calls it lost")
    executor.ensure(spec)
    assert len(jobs_of(ministry, spec)) == 1


def test_what_is_stopped_is_over_and_not_started_again(
    ministry: Cluster, executor: KubeRayExecutor, store: LocalStore
) -> None:
    spec = fresh(store)
    executor.cancel(spec.id)
    assert executor.observe([spec.id])[spec.id].phase is Phase.ABSENT
    executor.ensure(spec)
    executor.cancel(spec.id)
    # Nobody is here who takes away what waits for its dependents.
    ministry.kubectl(
        "patch", "job", "-n", NAMESPACE, spec.id.job_name, "--type=merge", "-p", '{"metadata":{"finalizers":null}}'
    )
    soon(lambda: executor.observe([spec.id])[spec.id].phase is Phase.CANCELLED, "its end is seen")
    executor.ensure(spec)
    assert jobs_of(ministry, spec) == []


def test_what_workers_pass_on_is_read_from_where_one_stopped(executor: KubeRayExecutor, store: LocalStore) -> None:
    spec = fresh(store)
    assert executor.events(spec.id).events == ()
    assert list(executor.logs(spec.id)) == []
    executor.ensure(spec)
    assert executor.events(spec.id).events == ()
    said = Segments(store, events_stream(spec.id))
    said.append(Message(time=1.0, text="봉수").model_dump_json().encode() + b"\nno event\n")
    assert executor.events(spec.id).events == (), "who said nothing a moment ago is not asked at once"
    time.sleep(EVENTS_S)
    page = executor.events(spec.id)
    assert [event.text for event in page.events if isinstance(event, Message)] == ["봉수"]
    said.append(Message(time=2.0, text="둘").model_dump_json().encode() + b"\n")
    later = executor.events(spec.id, page.cursor)
    assert [event.text for event in later.events if isinstance(event, Message)] == ["둘"]
    assert executor.events(spec.id, later.cursor) == type(later)((), later.cursor)
    log = Segments(store, log_stream(spec.id))
    halves = "첫째 줄\n둘째 줄".encode()
    for piece in (halves[:8], halves[8:]):
        log.append(piece)
    assert list(executor.logs(spec.id)) == ["첫째 줄", "둘째 줄"]


def test_a_wait_ends_with_a_change_or_its_time(
    ministry: Cluster, executor: KubeRayExecutor, store: LocalStore
) -> None:
    spec = fresh(store)
    executor.ensure(spec)
    soon(lambda: quiet(executor), "it settles")
    began = time.monotonic()
    ministry.kubectl("annotate", "job", "-n", NAMESPACE, spec.id.job_name, "touched=yes")
    executor.wait(SOON_S)
    assert time.monotonic() - began < SOON_S


def quiet(executor: KubeRayExecutor) -> bool:
    executor.observe([])
    began = time.monotonic()
    executor.wait(0.3)
    return time.monotonic() - began >= 0.3


def test_the_worker_gets_its_attempt_and_its_pass(
    ministry: Cluster, executor: KubeRayExecutor, store: LocalStore
) -> None:
    spec = fresh(store)
    executor.ensure(spec)
    secret = ministry.kubectl.get("-n", NAMESPACE, "secret", spec.id.job_name)
    assert set(secret["data"]) == {"attempt.json", "pass.json"}
    assert json.loads(json.dumps(secret["metadata"]["labels"]))["bongsu.dev/run"] == spec.id.run_id
