"""A command ends at a server with the status with which it ends in a home: each problem carries its own."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from api_places import ApiPlace
from cli_shell import Said, Shell

from bongsu.client.http import problem_of
from bongsu.domain.codes import all_codes

As = Callable[..., Said]
HEAD = """apiVersion: bongsu.dev/v1alpha1
kind: Pipeline
metadata: {name: probes, ministry: mnd}
spec:
  purpose: {useClass: administration, statement: Try the platform on itself}
"""
PLAIN = HEAD + "  stages: [{name: first, uses: probe}]\n"
BEYOND = HEAD + "  stages: [{name: first, uses: probe, resources: {cpusPerWorker: 500}}]\n"
TRAINED = """\
  inputs:
    base: {{model: "{base}"}}
    corpus: {{dataset: "file:here.txt"}}
  stages:
    - name: adapt
      uses: train.continue
      with: {{steps: 1{rate}}}
      resources: {{cpusPerWorker: 500}}
      inputs: {{model: inputs.base, tokens: inputs.corpus}}
"""
FAULTS = {
    "beyond the executor": (7, BEYOND),
    "a mistyped key": (2, BEYOND.replace("resources", "resourses")),
    "a mistyped key, and beyond the executor": (2, BEYOND.replace("first, ", "first, colour: red, ")),
    "GPUs without a grant": (2, BEYOND.replace("cpusPerWorker: 500", "gpusPerWorker: 8")),
    "a parameter, and a file that is here": (2, HEAD + TRAINED.format(base="file:model", rate="")),
    "a parameter, and a file that is not": (3, HEAD + TRAINED.format(base="file:gone.txt", rate="")),
    "a parameter, and a model that is not": (3, HEAD + TRAINED.format(base="models:/none/1", rate="")),
    "a model that is not": (3, HEAD + TRAINED.format(base="models:/none/1", rate=", learningRate: 1.0e-3")),
}
USING = """\
  inputs: {given: {dataset: "datasets:/law/1"}}
  stages: [{name: first, uses: probe, inputs: {after: [inputs.given]}}]
"""
UNPAID = """\
  grant: none
  stages: [{name: first, uses: probe, resources: {gpusPerWorker: 1}}]
"""


@pytest.mark.parametrize("fault", FAULTS)
def test_it_is_that_of_the_same_file_in_a_home(
    place: ApiPlace, ask: As, shell: Shell, tmp_path: Path, fault: str
) -> None:
    place.permit_use()
    status, text = FAULTS[fault]
    (tmp_path / "p.yaml").write_text(text)
    (tmp_path / "here.txt").write_text("text")
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "config.json").write_text("{}")
    here = shell("--home", "home", "--context", "local", "plan", "p.yaml", "--json")
    there = ask("kim", "plan", "p.yaml", "--json")
    assert (here.status, there.status) == (status, status)
    told = [json.loads(said.out) for said in (here, there)]
    one, other = (
        sorted((each["code"], each["exitStatus"]) for each in document.get("problems") or document["obstacles"])
        for document in told
    )
    assert one == other
    assert ask("kim", "submit", "p.yaml").status == status


@pytest.mark.parametrize(
    ("code", "text"),
    [
        ("use.not-permitted", PLAIN),
        ("data.not-permitted", HEAD + USING),
        ("grants.not-paid", HEAD + UNPAID),
    ],
)
def test_what_policy_refuses_ends_a_plan_as_it_ends_a_submission(
    place: ApiPlace, ask: As, tmp_path: Path, code: str, text: str
) -> None:
    if code != "use.not-permitted":
        place.permit_use()
    (tmp_path / "p.yaml").write_text(text)
    planned = ask("kim", "plan", "p.yaml")
    assert f"[{code}]" in planned.out + planned.error
    submitted = ask("kim", "submit", "p.yaml")
    assert f"[{code}]" in submitted.error
    assert (planned.status, submitted.status) == (4, 4)


def test_each_problem_of_a_document_has_the_status_of_its_code() -> None:
    for code in all_codes():
        document = {"message": "x", "fix": "y", "file": None, "field": None, "code": code.name, "rule": code.rule}
        assert problem_of({**document, "exitStatus": code.exit_code}).code.exit_code == code.exit_code
        assert problem_of(document).code.exit_code == 2, "of an older server"
