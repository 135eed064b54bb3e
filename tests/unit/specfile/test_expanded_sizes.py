"""Files that are small as they are written, and would be large once aliases, templates and matrices are expanded."""

from __future__ import annotations

import time
from collections import Counter

import pytest

from bongsu.domain.pipeline import PipelineSpec
from bongsu.domain.problems import BongsuError
from bongsu.service.catalogue import InstalledStages
from bongsu.specfile import loads
from bongsu.specfile.draft import draft_of
from bongsu.specfile.shape import validate

_HEAD = """apiVersion: bongsu.dev/v1alpha1
kind: Pipeline
metadata: {name: sizes, ministry: mnd}
spec:
  purpose: {useClass: administration, statement: Draft and search documents}
"""
_NUMBERS = ",".join(map(str, range(999)))
_LONG = "x" * 10_000


def _stages(stages: str, parameters: str = "") -> str:
    return f"{_HEAD}{parameters}  stages:\n{stages}"


def _one(with_: str, more: str = "", parameters: str = "") -> str:
    return _stages(f"    - {{name: a, uses: container, with: {{command: [{with_}]}}{more}}}\n", parameters)


_P = f"  parameters: [{{name: p, default: {_LONG}}}]\n"

CASES = {
    "one text of many templates": (_one("'" + "${params.p}" * 60_000 + "'", parameters=_P), "spec.text-too-long"),
    "many texts of one template": (
        _one(",".join(["'${params.p}'"] * 1_000), parameters=_P),
        "spec.too-large-expanded",
    ),
    "a long text at many points": (
        _one("'" + "x" * 900_000 + "'", f", matrix: {{seed: [{_NUMBERS}]}}"),
        "spec.parameters-too-large",
    ),
    "many matrices": (
        _stages(
            "".join(
                f"    - {{name: s{i}, uses: container, with: {{command: ['${{matrix.a}}']}}, "
                f"matrix: {{a: {'&a' if i == 0 else '*a'}{f' [{_NUMBERS}]' if i == 0 else ''}}}}}\n"
                for i in range(60)
            )
        ),
        "spec.plan-too-large",
    ),
    "unknown keys": (_one("x") + "".join(f"key{i}: 1\n" for i in range(20_000)), "spec.more-unknown-keys"),
    "faulty templates in one text": (_one("'" + "${params.q}" * 60_000 + "'"), "spec.unknown-parameter"),
}


@pytest.mark.parametrize(("text", "code"), CASES.values(), ids=CASES)
def test_what_would_be_large_is_refused_before_it_is_made(text: str, code: str) -> None:
    began = time.process_time()
    with pytest.raises(BongsuError) as caught:
        loads(text, "f.yaml", InstalledStages())
    assert code in {problem.code.name for problem in caught.value.problems}
    assert time.process_time() - began < 20


def test_of_many_unknown_keys_the_first_thousand_are_told_and_the_rest_counted() -> None:
    with pytest.raises(BongsuError) as caught:
        loads(_one("x") + "".join(f"key{i}: 1\n" for i in range(1_500)), "f.yaml", InstalledStages())
    assert len(caught.value.problems) == 1_001
    (more,) = [problem for problem in caught.value.problems if problem.code.name == "spec.more-unknown-keys"]
    assert str(more.args["count"]) == "500"


def test_what_is_only_counted_is_not_worked_out() -> None:
    """Sixty thousand keys fit into a file: neither is each looked up for what it could mean, nor the rest drafted."""
    data = {f"k{i}": 1 for i in range(60_000)}
    _none, findings = validate(PipelineSpec, data)
    told = Counter(finding.code.name for finding in findings)
    assert (told["spec.unknown-key"], told["spec.more-unknown-keys"]) == (1_000, 1)
    assert draft_of(data, set())[0] is None


def test_texts_of_an_ordinary_size_are_filled_in_at_every_point() -> None:
    loaded = loads(_one("'${params.p} ${matrix.a}'", ", matrix: {a: [1, 2, 3]}", _P), "f.yaml", InstalledStages())
    assert loaded.spec.spec.stages[0].with_["command"] == [f"{_LONG} ${{matrix.a}}"]
