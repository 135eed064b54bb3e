"""What a cluster is asked for.

The files in ``golden`` are made anew by ``PYTHONPATH=tests/support python tests/support/rendered_attempts.py``; whoever
changes them reads what changed.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rendered_attempts import GIVEN, GOLDEN, PLACE, PLAIN_SITE, RAY, RICH_SITE, attempt, rendered, written

from bongsu.domain.attempt import AttemptSpec
from bongsu.domain.ids import AttemptId, RunId, StageId
from bongsu.domain.resources import Resources
from bongsu.domain.worker_leave import PASS
from bongsu.executors.kuberay.overlay import merged
from bongsu.executors.kuberay.rendering import asked_for


@pytest.mark.parametrize("name", sorted(rendered()))
def test_it_is_as_in_its_file(name: str) -> None:
    assert written(rendered()[name]) == (GOLDEN / f"{name}.json").read_text()


def test_no_file_is_of_nothing() -> None:
    assert {path.stem for path in GOLDEN.iterdir()} == set(rendered())


def pods(job: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Specifications of the pods of a job of either kind."""
    spec = job["spec"]
    if job["kind"] == "Job":
        yield spec["template"]["spec"]
        return
    yield spec["submitterPodTemplate"]["spec"]
    cluster = spec["rayClusterSpec"]
    yield cluster["headGroupSpec"]["template"]["spec"]
    yield from (group["template"]["spec"] for group in cluster["workerGroupSpecs"])


@pytest.mark.parametrize("name", sorted(rendered()))
def test_no_pod_may_more_than_it_needs(name: str) -> None:
    for pod in pods(rendered()[name].job):
        assert pod["securityContext"]["runAsNonRoot"]
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert pod["automountServiceAccountToken"] is False
        for container in pod["containers"]:
            assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}
            assert container["securityContext"]["allowPrivilegeEscalation"] is False
            assert container["securityContext"]["readOnlyRootFilesystem"]
            assert container["resources"]["requests"] == container["resources"]["limits"]


def test_a_token_is_in_the_secret_alone_and_goes_to_one_pod() -> None:
    asked = rendered()["gang"]
    assert GIVEN.token in json.dumps(asked.secret)
    assert GIVEN.token not in json.dumps(asked.job)
    with_pass = [pod for pod in pods(asked.job) if PASS in json.dumps(pod)]
    cluster = asked.job["spec"]["rayClusterSpec"]
    assert with_pass == [cluster["headGroupSpec"]["template"]["spec"]]


def test_who_only_submits_has_no_key_of_the_store() -> None:
    submitter, *others = pods(rendered()["gang"].job)
    assert "envFrom" not in submitter["containers"][0]
    assert all(pod["containers"][0]["envFrom"] for pod in others)


def test_what_a_worker_is_handed_can_be_read_again() -> None:
    spec = attempt("curate")
    handed = AttemptSpec.model_validate_json(
        asked_for(spec, None, PLACE, PLAIN_SITE, RAY).secret["stringData"]["attempt.json"]
    )
    assert handed.log_directory
    assert handed.passes_on, "nobody else reads the files of a pod"
    assert handed.artifact_cache
    assert handed.model_copy(update={"log_directory": None, "artifact_cache": None, "passes_on": False}) == spec


def test_of_a_type_that_the_site_does_not_know_nodes_are_found_by_its_name() -> None:
    wanted = Resources(gpus_per_worker=1, accelerator="B200")
    job = asked_for(attempt("adapt", resources=wanted), None, PLACE, RICH_SITE, RAY).job
    (pod,) = pods(job)
    assert pod["nodeSelector"] == {"bongsu.dev/accelerator": "B200"}


NAMES = st.from_regex(r"[a-z][a-z0-9-]{0,38}[a-z0-9]", fullmatch=True)


@given(stage=NAMES, number=st.integers(1, 99), workers=st.integers(1, 4096), is_gang=st.booleans())
def test_names_and_labels_are_such_as_kubernetes_takes(
    stage: str, number: int, workers: int, is_gang: bool
) -> None:
    one = AttemptId(run_id=RunId("r-0123456789ab"), stage_id=StageId(stage), number=number)
    spec = attempt("x", id=one, distributed=is_gang, resources=Resources(workers=workers if is_gang else 1))
    asked = asked_for(spec, GIVEN, PLACE, RICH_SITE, RAY)
    for thing in (asked.secret, asked.job):
        assert re.fullmatch(r"[a-z]([-a-z0-9]*[a-z0-9])?", thing["metadata"]["name"])
        assert len(thing["metadata"]["name"]) <= 47
        for value in thing["metadata"]["labels"].values():
            assert re.fullmatch(r"[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?", value)
    if is_gang:
        (group,) = asked.job["spec"]["rayClusterSpec"]["workerGroupSpecs"]
        assert {group["replicas"], group["minReplicas"], group["maxReplicas"]} == {workers}


def test_attempts_never_share_a_name() -> None:
    names = [
        asked_for(attempt(stage).model_copy(update={"id": one}), None, PLACE, PLAIN_SITE, RAY).job["metadata"][
            "name"
        ]
        for stage in ("a" * 40, "a" * 39 + "b")
        for one in (
            AttemptId(run_id=RunId("r-0123456789ab"), stage_id=StageId(stage), number=number) for number in (1, 11)
        )
    ]
    assert len(set(names)) == 4


@pytest.mark.parametrize(
    ("ours", "site", "found"),
    [
        ({"a": 1}, {"b": 2}, {"a": 1, "b": 2}),
        ({"a": {"b": 1, "c": 2}}, {"a": {"b": 3}}, {"a": {"b": 3, "c": 2}}),
        ({"a": 1, "b": 2}, {"a": None}, {"b": 2}),
        ({"a": [1, 2]}, {"a": [3]}, {"a": [3]}),
        (
            {"v": [{"name": "x", "a": 1}, {"name": "y"}]},
            {"v": [{"name": "z"}, {"name": "x", "b": 2}]},
            {"v": [{"name": "x", "a": 1, "b": 2}, {"name": "y"}, {"name": "z"}]},
        ),
        ({}, {"a": {"b": None, "c": 1}}, {"a": {"c": 1}}),
    ],
)
def test_what_a_site_says_is_merged(ours: Any, site: Any, found: Any) -> None:
    assert merged(ours, site) == found


VALUES = st.recursive(
    st.integers() | st.text(max_size=3),
    lambda inner: st.dictionaries(st.sampled_from("abcd"), inner, max_size=3) | st.lists(inner, max_size=3),
    max_leaves=8,
)
OBJECTS = st.dictionaries(st.sampled_from("abcd"), VALUES, max_size=4)


@given(ours=OBJECTS, site=OBJECTS)
def test_merging_twice_is_merging_once(ours: Any, site: Any) -> None:
    once = merged(ours, site)
    assert merged(once, site) == once
    assert merged(ours, {}) == ours
