"""Requirements files that come with a pipeline: kept for any replica, for nobody else, and nothing is read instead."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from api_places import PIPELINE
from governed_places import SENSITIVE, STAFF
from service_places import drive
from shared_places import SharedPlace

from bongsu.artifacts.local_writer import LocalWriter
from bongsu.domain.artifact import Manifest
from bongsu.domain.codes import artifact as codes
from bongsu.domain.ids import Digest, RunId
from bongsu.domain.labels import OPEN
from bongsu.domain.people import Role
from bongsu.domain.plan import RunPlan
from bongsu.domain.tenants import Tenant
from bongsu.reconciler.loading import load_facts
from bongsu.service.labels import raise_label
from bongsu.store.artifacts import find_owned

OWN = PIPELINE.replace("uses: probe,", "uses: probe, environment: {requirements: own.txt},")
FILES = {"own.txt": "-r below/more.txt\n", "below/more.txt": "-c ../bounds.txt\n", "bounds.txt": "one==1\n"}
SECRET_ONES = OWN.replace("  stages:", "  classification: {grade: C}\n  stages:")


@pytest.fixture
def place(tmp_path: Path) -> Iterator[SharedPlace]:
    made = SharedPlace(tmp_path)
    made.permit_use()
    yield made
    made.close()


def submitted(place: SharedPlace, text: str = OWN, **body: Any) -> RunPlan:
    answer = place.ask("kim", "POST", "/v1/runs", json={"text": text, "beside": FILES} | body)
    assert answer.status_code == 201, answer.text
    with place.platform.read() as connection:
        return load_facts(connection, RunId(answer.json()["run"]["id"])).plan


def tree_of(plan: RunPlan) -> Digest:
    tree = plan.stage("a").requirements_tree
    assert tree is not None
    return tree


def test_what_was_sent_is_a_tree_of_the_ministry_with_its_folders(place: SharedPlace) -> None:
    plan = submitted(place, beside=FILES | {"not-read.txt": "two==2\n"})
    reader = place.part(Tenant("mnd")).reader(tree_of(plan))
    reader.verify()
    kept = {entry.path: (reader.local() / entry.path).read_text() for entry in reader.manifest.files}
    assert kept == FILES
    environment = plan.stage("a").environment
    assert environment is not None
    assert environment.requirements == "own.txt"


def test_a_plan_leaves_nothing_and_is_of_the_run_that_a_submit_makes(place: SharedPlace) -> None:
    body = {"text": OWN, "beside": FILES}
    planned = place.ask("kim", "POST", "/v1/pipelines/plan", json=body)
    assert planned.status_code == 200, planned.text
    (stage,) = planned.json()["stages"]
    assert not place.part(Tenant("mnd")).has(Digest(stage["requirementsTree"]))
    assert tree_of(submitted(place)) == stage["requirementsTree"]


def test_what_was_sent_carries_the_label_of_the_declaration_and_is_not_there_for_another_ministry(
    place: SharedPlace,
) -> None:
    tree = tree_of(submitted(place))
    with place.platform.read() as connection:
        known = find_owned(connection, tree)
    assert known is not None
    assert (known.label, known.title) == ("O", "own.txt")
    path = f"/v1/ministries/{{}}/artifacts/{tree}"
    assert place.ask("kim", "GET", path.format("mnd")).status_code == 200
    foreign = place.ask("army-eng", "GET", path.format("army"))
    missing = place.ask("army-eng", "GET", path.format("army").replace(tree, "sha256-" + "0" * 64))
    assert (foreign.status_code, missing.status_code) == (404, 404)
    assert not place.part(Tenant("army")).has(tree)


def test_the_same_files_sent_with_a_secret_pipeline_stay_open_and_the_other_runs_go_on(place: SharedPlace) -> None:
    plan = submitted(place)
    assert tree_of(submitted(place, SECRET_ONES)) == tree_of(plan)
    with place.platform.read() as connection:
        known = find_owned(connection, tree_of(plan))
    assert known is not None
    assert known.label == "O", "whoever may submit a run raises nothing that others work with"
    again = submitted(place, OWN.replace("text: x", "text: y"))
    assert str(again.label) == "O"


@pytest.mark.parametrize("path", ["/v1/pipelines/plan", "/v1/runs"])
def test_bytes_that_are_known_for_more_are_not_sent_again_by_who_may_not_see_them(
    place: SharedPlace, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    tree = tree_of(submitted(place))
    raise_label(place.as_("kim"), f"artifact:{tree}", SENSITIVE, "It names what is installed there")
    monkeypatch.setitem(STAFF, "low", ("mnd", Role.ENGINEER))
    place.add_person("low", "mnd", Role.ENGINEER, clearance=OPEN)
    answer = place.ask("low", "POST", path, json={"text": OWN, "beside": FILES})
    assert (answer.status_code, answer.json()["code"]) == (403, "access.above-clearance"), answer.text
    other = FILES | {"bounds.txt": "one==2\n"}
    assert place.ask("low", "POST", path, json={"text": OWN, "beside": other}).status_code in (200, 201)


def test_a_run_with_bytes_that_are_known_for_more_carries_their_label(place: SharedPlace) -> None:
    tree = tree_of(submitted(place))
    raise_label(place.as_("kim"), f"artifact:{tree}", SENSITIVE, "It names what is installed there")
    plan = submitted(place, OWN.replace("text: x", "text: y"))
    assert (plan.label, plan.stage("a").label) == (SENSITIVE, SENSITIVE)


def test_what_a_run_reads_does_not_make_its_requirements_files_secret(place: SharedPlace) -> None:
    """Whoever submits says what they are; others go on sending the same ones."""
    place.add_dataset("plans", place.tree("plans"), SENSITIVE)
    place.permit_data(name="plans")
    taking = OWN.replace("  stages:", '  inputs: {plans: {dataset: "datasets:/plans/1"}}\n  stages:')
    plan = submitted(place, taking.replace("with: {", "inputs: {after: inputs.plans}, with: {"))
    with place.platform.read() as connection:
        known = find_owned(connection, tree_of(plan))
    assert known is not None
    assert (plan.label, known.label) == (SENSITIVE, str(OPEN))


def test_what_could_not_be_kept_leaves_nothing_half_written(
    place: SharedPlace, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_self: LocalWriter) -> Manifest:
        raise codes.NO_SPACE.error(store="", detail="")

    monkeypatch.setattr(LocalWriter, "commit", full)
    answer = place.ask("kim", "POST", "/v1/runs", json={"text": OWN, "beside": FILES})
    assert answer.json()["code"] == "artifact.no-space"
    assert not list(place.folder.rglob("staging/requirements/*.tree"))


@pytest.mark.parametrize(
    ("path", "beside"),
    [
        ("{file}", {}),
        ("../{name}", {}),
        ("own.txt", {"own.txt": "-r {file}\n"}),
    ],
)
def test_no_file_of_the_server_is_read_in_place_of_one_that_was_not_sent(
    place: SharedPlace, tmp_path: Path, path: str, beside: dict[str, str]
) -> None:
    file = tmp_path / "of-the-server.txt"
    file.write_text("one==1\n")
    names = {"file": str(file), "name": file.name}
    text = OWN.replace("own.txt", path.format(**names))
    sent = {name: content.format(**names) for name, content in beside.items()}
    answer = place.ask("kim", "POST", "/v1/pipelines/plan", json={"text": text, "beside": sent})
    assert (answer.status_code, answer.json()["code"]) == (404, "plan.requirements-unreadable"), answer.text


@pytest.mark.parametrize(
    ("beside", "code"),
    [
        ({"../own.txt": ""}, "run.unsafe-file"),
        ({"/own.txt": ""}, "run.unsafe-file"),
        ({"own.txt": "", "own.txt/b.txt": ""}, "artifact.unsafe-path"),
        ({"x" * 256 + "/own.txt": ""}, "artifact.unsafe-path"),
    ],
)
def test_paths_that_leave_the_folder_or_stand_in_each_others_way_are_refused(
    place: SharedPlace, beside: dict[str, str], code: str
) -> None:
    answer = place.ask("kim", "POST", "/v1/pipelines/plan", json={"text": OWN, "beside": beside})
    assert (answer.status_code, answer.json()["code"]) == (422, code)


@pytest.mark.parametrize(
    ("line", "named"),
    [
        ("-r file:///etc/passwd", "file:///etc/passwd"),
        ("-c https://example.org/x.txt", "https://example.org/x.txt"),
        ("-e /tmp", "/tmp"),
        ("--find-links /etc", "/etc"),
        ("--find=/etc", "/etc"),
        ("--extra-index-url FILE:///etc", "FILE:///etc"),
        ("-e git+file:///srv/one", "git+file:///srv/one"),
        ("./one", "./one"),
        ("one.whl", "one.whl"),
        ("one @ file:///srv/one.whl", "one @ file:///srv/one.whl"),
    ],
)
def test_a_line_that_names_something_of_a_worker_is_refused_with_its_place(
    place: SharedPlace, line: str, named: str
) -> None:
    beside = FILES | {"bounds.txt": f"one==1\n\n{line}  # a remark\n"}
    answer = place.ask("kim", "POST", "/v1/pipelines/plan", json={"text": OWN, "beside": beside})
    assert (answer.status_code, answer.json()["code"]) == (422, "plan.requirements-elsewhere"), answer.text
    assert f"Line 3 of bounds.txt, which the stage a installs from, names {named}," in answer.json()["title"]


def test_packages_of_an_index_and_of_addresses_are_taken(place: SharedPlace) -> None:
    text = (
        "--index-url https://example.org/simple\n--require-hashes\n"
        "one[more]==1 ; python_version > '3' \\\n    --hash=sha256:00\n"
        "two @ https://example.org/two.whl --hash=sha256:00\n-e git+https://example.org/three@v1#egg=three\n"
    )
    submitted(place, beside={"own.txt": text})


@pytest.mark.parametrize(
    ("beside", "told"),
    [
        ({"own.txt": "가" * 200_000}, "'own.txt' has 600,000 bytes"),
        ({f"{number}.txt": "x" * 400_000 for number in range(3)}, "3 files of 1,200,000 bytes"),
        ({f"{number}.txt": "" for number in range(201)}, "201 files of 0 bytes"),
    ],
)
def test_more_than_requirements_files_have_is_refused(
    place: SharedPlace, beside: dict[str, str], told: str
) -> None:
    answer = place.ask("kim", "POST", "/v1/pipelines/plan", json={"text": OWN, "beside": beside})
    assert (answer.status_code, answer.json()["code"]) == (422, "run.too-much-beside")
    assert told in answer.json()["title"]


def test_a_run_whose_requirements_are_gone_is_not_resumed(place: SharedPlace) -> None:
    plan = submitted(place)
    run = next(
        one["id"] for one in place.ask("kim", "GET", "/v1/runs").json()["items"] if one["pipeline"] == "checks"
    )
    place.fate = place.cluster.fail
    drive(place.of("mnd"), [RunId(run)])
    resumed = f"/v1/runs/{run}/resume"
    kept = place.part(Tenant("mnd")).reader(tree_of(plan)).local() / "own.txt"
    kept.chmod(0o600)
    kept.write_text("other==1\n")
    answer = place.ask("kim", "POST", resumed)
    assert (answer.status_code, answer.json()["code"]) == (500, "artifact.corrupt"), answer.text
    # Who sends them again mends them.
    assert place.ask("kim", "POST", "/v1/runs", json={"text": OWN, "beside": FILES}).status_code == 201
    assert place.ask("kim", "POST", resumed).status_code == 202
