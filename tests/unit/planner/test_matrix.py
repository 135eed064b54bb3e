"""Matrix expansion: points, joins, gathers, selections and what cannot be expanded."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from bongsu.domain.problems import BongsuError
from bongsu.planner.matrix import StagePoint, expand_matrix

sys.path.insert(0, str(Path(__file__).parents[1] / "specfile"))
from pipeline_samples import CATALOGUE, spec_of

PRUNE = {"name": "prune", "uses": "compress.expert-prune", "inputs": {"model": "inputs.base"}}


def points_of(*stages: dict[str, Any]) -> dict[str, StagePoint]:
    return {point.id: point for point in expand_matrix(spec_of(list(stages)), CATALOGUE)}


def sources(point: StagePoint, port: str) -> list[str]:
    return [f"{source.stage_id or 'inputs'}.{source.name}" for source in point.inputs[port]]


def codes_of(*stages: dict[str, Any]) -> list[tuple[str, str]]:
    with pytest.raises(BongsuError) as caught:
        points_of(*stages)
    return [(p.code.name.removeprefix("spec."), p.field_path) for p in caught.value.problems]


def quantize(**more: Any) -> dict[str, Any]:
    return {"name": "quantize", "uses": "compress.quantize", "inputs": {"model": "prune.model"}, **more}


def test_axis_that_is_a_parameter_sets_it() -> None:
    points = points_of({**PRUNE, "matrix": {"keepFraction": [0.75, 0.5]}})
    assert {name: point.params for name, point in points.items()} == {
        "prune-1": {"keepFraction": 0.75},
        "prune-2": {"keepFraction": 0.5},
    }


def test_plain_reference_fans_out_and_own_matrix_multiplies() -> None:
    points = points_of({**PRUNE, "matrix": {"keepFraction": [0.75, 0.5]}}, quantize(matrix={"groupSize": [32, 64]}))
    assert [(p.id, p.point, sources(p, "model")) for p in points.values() if p.stage.name == "quantize"] == [
        ("quantize-1", {"keepFraction": 0.75, "groupSize": 32}, ["prune-1.model"]),
        ("quantize-2", {"keepFraction": 0.75, "groupSize": 64}, ["prune-1.model"]),
        ("quantize-3", {"keepFraction": 0.5, "groupSize": 32}, ["prune-2.model"]),
        ("quantize-4", {"keepFraction": 0.5, "groupSize": 64}, ["prune-2.model"]),
    ]


def test_inherited_axis_does_not_set_a_parameter_of_the_follower() -> None:
    points = points_of(
        {**PRUNE, "matrix": {"seed": [1, 2]}, "with": {"keepFraction": 0.5}},
        {**PRUNE, "name": "again", "with": {"keepFraction": 0.25}, "inputs": {"model": "prune.model"}},
    )
    assert points["again-2"].point == {"seed": 2}
    assert points["again-2"].params == {"keepFraction": 0.25}


@pytest.mark.parametrize("reference", ["prune.model", "prune[*].model"])
def test_port_that_takes_many_gathers_all_points(reference: str) -> None:
    points = points_of(
        {**PRUNE, "matrix": {"keepFraction": [0.75, 0.5]}},
        {"name": "ppl", "uses": "evaluate.perplexity", "inputs": {"models": ["inputs.base", reference]}},
    )
    assert sources(points["ppl"], "models") == ["inputs.base", "prune-1.model", "prune-2.model"]


def test_sources_with_a_common_axis_are_joined_and_others_multiplied() -> None:
    matrix = {"keepFraction": [0.75, 0.5], "seed": [1, 2]}
    points = points_of(
        {**PRUNE, "matrix": matrix},
        {**PRUNE, "name": "other", "matrix": {"seed": [2, 1]}, "with": {"keepFraction": 0.1}},
        {
            "name": "heal",
            "uses": "compress.distill",
            "inputs": {"student": "prune.model", "teacher": "other.model"},
            "with": {"steps": 1},
        },
    )
    heal = [p for p in points.values() if p.stage.name == "heal"]
    assert [p.point for p in heal] == [p.point for p in points.values() if p.stage.name == "prune"]
    assert [sources(p, "teacher")[0] for p in heal] == [
        "other-2.model",
        "other-1.model",
        "other-2.model",
        "other-1.model",
    ]


def test_selection_drops_the_axis_and_leaves_the_others() -> None:
    points = points_of(
        {**PRUNE, "matrix": {"keepFraction": [0.75, 0.5], "seed": [1, 2]}},
        quantize(inputs={"model": "prune[keepFraction=0.50].model"}),
    )
    found = [p for p in points.values() if p.stage.name == "quantize"]
    assert [(p.point, sources(p, "model")) for p in found] == [
        ({"seed": 1}, ["prune-3.model"]),
        ({"seed": 2}, ["prune-4.model"]),
    ]


def test_include_and_exclude() -> None:
    matrix = {
        "keepFraction": [0.75, 0.5],
        "seed": [1, 2],
        "exclude": [{"keepFraction": 0.75, "seed": 2}],
        "include": [{"keepFraction": 0.25, "seed": 9}],
    }
    points = points_of({**PRUNE, "matrix": matrix})
    assert [(p.point["keepFraction"], p.point["seed"]) for p in points.values()] == [
        (0.75, 1),
        (0.5, 1),
        (0.5, 2),
        (0.25, 9),
    ]


def test_include_alone_pairs_values() -> None:
    pairs = [{"keepFraction": 0.75, "seed": 1}, {"keepFraction": 0.5, "seed": 2}]
    assert [p.point for p in points_of({**PRUNE, "matrix": {"include": pairs}}).values()] == pairs


def test_template_in_an_input_is_resolved_for_every_point() -> None:
    points = points_of(
        {
            "name": "curate",
            "uses": "data.curate",
            "matrix": {"domain": ["law", "general"]},
            "inputs": {"documents": "inputs.${matrix.domain}"},
        },
        {"name": "tokenize", "uses": "data.tokenize", "inputs": {"documents": "curate.documents"}},
        {
            "name": "adapt",
            "uses": "train.continue",
            "inputs": {"model": "inputs.base", "tokens": "tokenize.tokens"},
            "with": {"steps": "${params.steps}"},
        },
    )
    assert sources(points["curate-2"], "documents") == ["inputs.general"]
    assert points["tokenize-2"].point == {"domain": "general"}
    assert sources(points["adapt"], "tokens") == ["tokenize-1.tokens", "tokenize-2.tokens"]
    assert points["adapt"].params == {"steps": 80}


def test_template_may_use_an_inherited_axis() -> None:
    points = points_of(
        {**PRUNE, "matrix": {"keepFraction": [0.75, 0.5]}},
        {
            "name": "heal",
            "uses": "compress.distill",
            "inputs": {"student": "prune.model", "teacher": "prune[keepFraction=${matrix.keepFraction}].model"},
            "with": {"steps": 1},
        },
    )
    assert [sources(points[f"heal-{n}"], "teacher") for n in (1, 2)] == [["prune-1.model"], ["prune-2.model"]]


def test_own_axis_with_the_name_of_an_inherited_one_picks_from_it() -> None:
    points = points_of(
        {**PRUNE, "matrix": {"keepFraction": [0.75, 0.5]}},
        {**PRUNE, "name": "again", "matrix": {"keepFraction": [0.5]}, "inputs": {"model": "prune.model"}},
    )
    assert sources(points["again-1"], "model") == ["prune-2.model"]
    assert "again-2" not in points


def test_condition_is_decided_where_it_can_be_and_names_points_otherwise() -> None:
    points = points_of(
        {**PRUNE, "matrix": {"keepFraction": [0.75, 0.5]}},
        quantize(when="prune.metrics.loss < 3 and (matrix.keepFraction < 0.6 or params.steps > 100)"),
        {"name": "never", "uses": "probe", "when": "not params.register"},
        {"name": "always", "uses": "probe", "when": "params.register"},
    )
    assert points["quantize-1"].when == "false"
    assert points["quantize-2"].when == "prune-2.metrics.loss < 3"
    assert points["quantize-2"].after == ("prune-2",)
    assert (points["never"].when, points["always"].when) == ("false", None)


def test_order_puts_every_point_behind_its_sources() -> None:
    points = points_of(
        quantize(),
        {"name": "report", "uses": "probe", "when": "quantize.state == 'succeeded'"},
        {**PRUNE, "with": {"keepFraction": 0.5}},
    )
    assert list(points) == ["prune", "quantize", "report"]


@pytest.mark.parametrize(
    ("stages", "expected"),
    [
        ([{**PRUNE, "inputs": {}, "with": {"keepFraction": 1}}], [("missing-port", "spec.stages[0].inputs")]),
        ([{**PRUNE, "inputs": {"modle": "inputs.base"}}], [("unknown-port", "spec.stages[0].inputs.modle")]),
        ([{**PRUNE, "inputs": {"model": "prune.model"}}], [("self-reference", "spec.stages[0].inputs.model")]),
        ([{**PRUNE, "inputs": {"model": ["inputs.base"]}}], [("single-port", "spec.stages[0].inputs.model")]),
        ([{**PRUNE, "uses": "compress.prune"}], [("unknown-uses", "spec.stages[0].uses")]),
        ([PRUNE, PRUNE], [("duplicate-stage", "spec.stages[1].name")]),
        (
            [{**PRUNE, "matrix": {"keepFractoin": [0.5]}}],
            [("matrix-unused-axis", "spec.stages[0].matrix.keepFractoin")],
        ),
        (
            [{**PRUNE, "matrix": {"keepFraction": [1]}, "with": {"keepFraction": 1}}],
            [("parameter-set-twice", "spec.stages[0].with.keepFraction")],
        ),
        (
            [{**PRUNE, "matrix": {"keepFraction": [0.5]}}, {"name": "prune-1", "uses": "probe"}],
            [("id-collision", "spec.stages[1].name")],
        ),
        (
            [
                {**PRUNE, "matrix": {"keepFraction": [0.5]}},
                quantize(matrix={"keepFraction": [0.4], "groupSize": [1]}, **{"with": {"groupSize": 2}}),
            ],
            [
                ("matrix-no-partner", "spec.stages[1].matrix"),
                ("matrix-unused-axis", "spec.stages[1].matrix.keepFraction"),
                ("parameter-set-twice", "spec.stages[1].with.groupSize"),
            ],
        ),
        (
            [
                {**PRUNE, "matrix": {"seed": list(range(40))}, "with": {"keepFraction": 1}},
                quantize(matrix={"groupSize": list(range(1, 27))}),
            ],
            [("matrix-too-large", "spec.stages[1].matrix")],
        ),
        (
            [{**PRUNE, "matrix": {"seed": [1]}}, quantize(inputs={"model": "prune[sed=1].model"})],
            [("unknown-axis", "spec.stages[1].inputs.model")],
        ),
        (
            [{**PRUNE, "matrix": {"seed": [1]}}, quantize(inputs={"model": "prune[seed=2].model"})],
            [("unknown-point", "spec.stages[1].inputs.model")],
        ),
        (
            [PRUNE, quantize(when="prune.metrics.x < 1 or prun.state == 'failed' or matrix.x == 1")],
            [("unknown-stage", "spec.stages[1].when"), ("unknown-matrix-name", "spec.stages[1].when")],
        ),
        (
            [
                {**PRUNE, "matrix": {"keepFraction": [0.5, 1]}},
                {**quantize(inputs={"model": "inputs.base"}), "name": "plain"},
                {**PRUNE, "name": "other", "matrix": {"keepFraction": [0.5, 1]}},
                {
                    "name": "heal",
                    "uses": "compress.distill",
                    "matrix": {"src": ["prune", "plain"]},
                    "with": {"steps": 1},
                    "inputs": {
                        "student": "${matrix.src}.model",
                        "teacher": "other[keepFraction=${matrix.keepFraction}].model",
                    },
                },
            ],
            [("matrix-uneven", "spec.stages[3].inputs")],
        ),
        ([quantize(inputs={"model": "prune.model"})], [("unknown-stage", "spec.stages[0].inputs.model")]),
        (
            [quantize(inputs={"model": "${matrix.x}.model"})],
            [("unknown-matrix-name", "spec.stages[0].inputs.model")],
        ),
    ],
)
def test_what_cannot_be_expanded_is_named_once(
    stages: list[dict[str, Any]], expected: list[tuple[str, str]]
) -> None:
    assert sorted(codes_of(*stages)) == sorted(expected)


def test_every_cycle_is_named() -> None:
    def probe(name: str, after: str) -> dict[str, Any]:
        return {"name": name, "uses": "probe", "inputs": {"after": f"{after}.files"}}

    with pytest.raises(BongsuError) as caught:
        points_of(
            probe("a", "c"), probe("b", "a"), probe("c", "b"), probe("x", "y"), probe("y", "x"), probe("z", "y")
        )
    assert [p.args["cycle"] for p in caught.value.problems] == ["a -> b -> c -> a", "x -> y -> x"]
