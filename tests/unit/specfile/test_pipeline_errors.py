"""Every mistake in a pipeline file: its code and its place. Long, because it is the table of all of them."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from bongsu.domain.problems import BongsuError
from bongsu.specfile import loads

sys.path.insert(0, str(Path(__file__).parent))
from pipeline_samples import CATALOGUE, HEAD

TRAIN = "{name: a, uses: train.continue, inputs: {model: inputs.base, tokens: inputs.law}, with: {steps: 1"
PRUNING = "{name: p, uses: compress.expert-prune, inputs: {model: inputs.base}"
PRUNE = PRUNING + ", matrix: {keepFraction: [0.75, 0.5]}}"


def problems_of(text: str, overrides: dict[str, str] | None = None) -> list[tuple[str, int, int, str]]:
    with pytest.raises(BongsuError) as caught:
        loads(text, "f.yaml", CATALOGUE, overrides)
    found = []
    for problem in caught.value.problems:
        assert problem.location is not None
        assert "None" not in str(problem)
        name = problem.code.name.removeprefix("spec.")
        found.append((name, problem.location.line, problem.location.column, problem.field_path))
    return found


def stage(*rows: str) -> str:
    return HEAD + "".join(f"    - {row}\n" for row in rows)


IN_STAGES: list[tuple[str, tuple[str, ...], list[str]]] = [
    # names and shapes
    ("missing name", ("§{uses: probe}",), ["missing-key"]),
    ("missing uses", ("§{name: a}",), ["missing-key"]),
    ("unknown key", ("{name: a, uses: probe, §retires: {limit: 1}}",), ["unknown-key"]),
    ("snake case", ("{name: a, uses: probe, resources: {§cpus_per_worker: 1}}",), ["unknown-key"]),
    ("bad name", ("{name: §A_b, uses: probe}",), ["bad-text"]),
    ("number as name", ("{name: §1.0, uses: probe}",), ["unquoted-text"]),
    ("reserved name", ("{name: §params, uses: probe}",), ["reserved-name"]),
    ("no mapping", ("§probe",), ["wrong-type"]),
    (
        "same name twice",
        (
            "{name: a, uses: probe}",
            "{name: §a, uses: probe}",
        ),
        ["duplicate-stage"],
    ),
    ("unknown stage kind", ("{name: a, uses: §prob}",), ["unknown-uses"]),
    ("empty inputs", ("{name: a, uses: probe, §inputs: }",), ["wrong-type"]),
    ("number as reference", ("{name: a, uses: probe, inputs: {one: §3}}",), ["wrong-type"]),
    ("list of numbers", ("{name: a, uses: probe, inputs: {after: [§3]}}",), ["wrong-type"]),
    ("true as condition", ("{name: a, uses: probe, when: §true}",), ["unquoted-text"]),
    # units and ranges
    ("timeout without unit", ("{name: a, uses: probe, timeout: §30}",), ["wrong-unit"]),
    ("endless timeout", ("{name: a, uses: probe, timeout: §99999999999999d}",), ["out-of-range"]),
    ("endless seconds", ("{name: a, uses: probe, timeout: §" + "9" * 400 + "s}",), ["out-of-range"]),
    ("foreign digits", ("{name: a, uses: probe, timeout: §١s}",), ["wrong-unit"]),
    ("endless backoff", ("{name: a, uses: probe, retries: {backoff: §3651d}}",), ["out-of-range"]),
    ("endless memory", ("{name: a, uses: probe, resources: {memory: §" + "9" * 400 + "Ti}}",), ["out-of-range"]),
    ("whole number beyond 64 bits", (TRAIN.replace("steps: 1", "steps: §1e300") + "}}",), ["wrong-type"]),
    ("zero timeout", ("{name: a, uses: probe, timeout: §0s}",), ["zero-timeout"]),
    ("retries", ("{name: a, uses: probe, retries: {limit: §99}}",), ["out-of-range"]),
    ("backoff", ("{name: a, uses: probe, retries: {backoff: §1min}}",), ["wrong-unit"]),
    (
        "first wait longer than the longest",
        ("{name: a, uses: probe, retries: {limit: 1, maxBackoff: 5m, backoff: §301s}}",),
        ["backoff-too-long"],
    ),
    (
        "first wait of an hour",
        ("{name: a, uses: probe, retries: {backoff: §1h}}",),
        ["backoff-too-long"],
    ),
    (
        "wait beside a broken one",
        ("{name: a, uses: probe, retries: {backoff: 1h, maxBackoff: §2hours}}",),
        ["wrong-unit"],
    ),
    ("memory unit", ("{name: a, uses: probe, resources: {memory: §4GB}}",), ["wrong-unit"]),
    ("memory bytes", ("{name: a, uses: probe, resources: {memory: §4}}",), ["memory-too-small"]),
    ("no workers", (TRAIN + "}, resources: {workers: §0}}",), ["out-of-range"]),
    ("quoted workers", (TRAIN + "}, resources: {workers: §'2'}}",), ["quoted-number"]),
    ("true workers", (TRAIN + "}, resources: {workers: §true}}",), ["wrong-type"]),
    # resources
    ("two workers", ("{name: a, uses: probe, resources: {workers: §2}}",), ["not-distributed"]),
    (
        "unknown accelerator",
        ("{name: a, uses: probe, resources: {accelerator: §H100-80G, gpusPerWorker: §1}}",),
        ["plan.unknown-accelerator", "gpu-without-grant"],
    ),
    ("accelerator alone", (TRAIN + "}, resources: {accelerator: §H100-80GB}}",), ["accelerator-without-gpu"]),
    ("gpus without grant", (TRAIN + "}, resources: {gpusPerWorker: §1}}",), ["gpu-without-grant"]),
    # environments
    (
        "two environments",
        ("{name: a, uses: probe, environment: §{interpreter: /x, requirements: r.txt}}",),
        ["several-environments"],
    ),
    ("floating image", ("{name: a, uses: probe, environment: {image: §x:latest}}",), ["image-not-pinned"]),
    ("variable name", ("{name: a, uses: probe, environment: {variables: {§a-b: x}}}",), ["variable-name"]),
    # references
    ("bad reference", ("{name: a, uses: probe, inputs: {one: §base}}",), ["bad-reference"]),
    ("unknown input", ("{name: a, uses: probe, inputs: {one: §inputs.bas}}",), ["unknown-input"]),
    ("unknown stage", ("{name: a, uses: probe, inputs: {one: §b.files}}",), ["unknown-stage"]),
    (
        "unknown output",
        (
            "{name: a, uses: probe}",
            "{name: b, uses: probe, inputs: {after: [§a.file]}}",
        ),
        ["unknown-output"],
    ),
    ("itself", ("{name: a, uses: probe, inputs: {one: §a.files}}",), ["self-reference"]),
    (
        "cycle",
        (
            "{name: a, uses: probe, inputs: {one: §b.files}}",
            "{name: b, uses: probe, inputs: {one: a.files}}",
        ),
        ["cycle"],
    ),
    ("wrong type", ("{name: q, uses: compress.quantize, inputs: {model: §inputs.law}}",), ["wrong-port-type"]),
    ("unknown port", ("{name: q, uses: compress.quantize, inputs: {§modle: inputs.base}}",), ["unknown-port"]),
    ("missing port", ("§{name: q, uses: compress.quantize}",), ["missing-port"]),
    (
        "list at single port",
        ("{name: q, uses: compress.quantize, inputs: {model: §[inputs.base]}}",),
        ["single-port"],
    ),
    (
        "gather at single port",
        (
            PRUNE,
            "{name: q, uses: compress.quantize, inputs: {model: §'p[*].model'}}",
        ),
        ["gather-at-single-port"],
    ),
    (
        "unknown axis",
        (
            PRUNE,
            "{name: q, uses: compress.quantize, inputs: {model: §'p[keep=1].model'}}",
        ),
        ["unknown-axis"],
    ),
    (
        "unknown point",
        (
            PRUNE,
            "{name: q, uses: compress.quantize, inputs: {model: §'p[keepFraction=1].model'}}",
        ),
        ["unknown-point"],
    ),
    # matrix
    ("axis is a number", ("{name: a, uses: probe, matrix: {k: §1}}",), ["matrix-axis"]),
    ("empty axis", ("{name: a, uses: probe, matrix: {k: §[]}}",), ["matrix-empty-axis"]),
    ("list as value", ("{name: a, uses: probe, matrix: {k: [§[1]]}}",), ["matrix-value"]),
    ("value twice", ("{name: a, uses: probe, matrix: {k: [1, §1.0]}}",), ["matrix-duplicate"]),
    ("axis name", ("{name: a, uses: probe, matrix: {§k-1: [1]}}",), ["matrix-axis-name"]),
    ("no axes", ("{name: a, uses: probe, matrix: §{}}",), ["matrix-no-axes"]),
    ("axis for nothing", ("{name: a, uses: probe, matrix: {§k: [1]}}",), ["matrix-unused-axis"]),
    (
        "unknown key in exclude",
        ("{name: a, uses: probe, matrix: {§k: [1], exclude: [{§q: 1}]}}",),
        ["matrix-unused-axis", "matrix-unknown-key"],
    ),
    (
        "what an unknown key in exclude does not hide",
        (
            "{name: a, uses: probe, matrix: {§k: [1], exclude: [{§q: 1}]}}",
            "{name: b, uses: probe, inputs: {one: §'a[l=1].files'}}",
        ),
        ["matrix-unused-axis", "matrix-unknown-key", "unknown-axis"],
    ),
    (
        "short include",
        ("{name: a, uses: probe, matrix: {k: [1], j: [2], include: [§{k: 3}]}}",),
        ["matrix-incomplete-include"],
    ),
    (
        "exclude without effect",
        (PRUNING + ", matrix: {keepFraction: [0.5], exclude: [§{keepFraction: 0.2}]}}",),
        ["matrix-excludes-nothing"],
    ),
    (
        "exclude without effect, an unused axis and a point that is not there",
        (
            PRUNING + ", matrix: {keepFraction: [0.5], §k: [1], exclude: [§{keepFraction: 0.2}]}}",
            '{name: b, uses: probe, inputs: {after: [§"p[keepFraction=0.2].model"]}}',
        ),
        ["matrix-unused-axis", "matrix-excludes-nothing", "unknown-point"],
    ),
    ("all excluded", ("{name: a, uses: probe, matrix: §{k: [1], exclude: [{k: 1}]}}",), ["matrix-empty"]),
    (
        "too many points",
        (f"{{name: a, uses: probe, matrix: §{{k: &l {list(range(40))}, j: *l}}}}",),
        ["matrix-too-large"],
    ),
    (
        "value out of range",
        (PRUNING + ", matrix: {keepFraction: [0.5, §7]}}",),
        ["out-of-range"],
    ),
    (
        "set twice",
        (PRUNING + ", matrix: {seed: [1]}, with: {keepFraction: 1, §seed: 2}}",),
        ["parameter-set-twice"],
    ),
    (
        "name of a point",
        (
            PRUNE,
            "{name: §p-2, uses: probe}",
        ),
        ["id-collision"],
    ),
    # parameters of stages
    (
        "missing parameter",
        ("§{name: a, uses: train.continue, inputs: {model: inputs.base, tokens: inputs.law}}",),
        ["missing-key"],
    ),
    ("unknown parameter", (TRAIN + ", §step: 2}}",), ["unknown-key"]),
    ("parameter in text", (TRAIN + ", learningRate: §'1e-3'}}",), ["quoted-number"]),
    ("parameter range", (TRAIN + ", learningRate: §5}}",), ["out-of-range"]),
    ("nested choice", (TRAIN + ", schedule: {kind: §cosin}}}",), ["not-allowed"]),
    ("nested key", (TRAIN + ", schedule: {§warmup: 1}}}",), ["unknown-key"]),
    ("parameter unit", (TRAIN + ", checkpointEvery: §5}}",), ["wrong-unit"]),
    # templates
    ("unknown template", (TRAIN + ", seed: '§${params.sed}'}}",), ["unknown-parameter"]),
    (
        "unknown key of an unknown template",
        (TRAIN + ", §sed: '§${params.sed}', §stps: '§${params.step}'}, resources: {§wrkers: '§${params.no}'}}",),
        ["unknown-key", "unknown-parameter"] * 3,
    ),
    (
        "misspelt key of an unknown template",
        (TRAIN.replace("steps: 1", "§stps: '§${params.step}'") + ", learningRate: 0.1}}",),
        ["unknown-key", "unknown-parameter"],
    ),
    ("no template", (TRAIN + ", seed: '§${seed}'}}",), ["bad-template"]),
    ("open template", (TRAIN + ", seed: 'x §${params.steps'}}",), ["bad-template"]),
    ("unknown axis name", (TRAIN + ", seed: '§${matrix.x}'}}",), ["unknown-matrix-name"]),
    ("number for a text", ("{name: §'${params.steps}', uses: probe}",), ["unquoted-value"]),
    (
        "numbers of an axis for a text",
        (
            "{name: e, uses: evaluate.perplexity, inputs: {models: inputs.base}, matrix: {k: [1, 2]},"
            " with: {names: [§'${matrix.k}']}}",
        ),
        ["unquoted-value"],
    ),
    (
        "number within a longer text",
        ("{name: a, uses: probe, environment: {variables: {A: 'x${params.steps}'}}, §x: 1}",),
        ["unknown-key"],
    ),
    (
        "text of an axis for a number",
        (TRAIN.replace("steps: 1", "steps: §'${matrix.k}'") + ", learningRate: 0.1}, matrix: {k: ['1', '2']}}",),
        ["quoted-value"],
    ),
    ("type of a template", (TRAIN + ", seed: §'${params.word}'}}",), ["wrong-type"]),
    (
        "matrix in a name",
        ("{name: '§${matrix.x}', uses: probe, matrix: {§x: [a]}}",),
        ["template-not-here", "matrix-unused-axis"],
    ),
    ("template as key", (TRAIN + ", §'${params.word}': 1}}",), ["template-not-here"]),
    # conditions
    ("syntax", ("{name: a, uses: probe, when: §params.steps >}",), ["condition-syntax"]),
    ("call", ("{name: a, uses: probe, when: params.register and §f(1)}",), ["condition-syntax"]),
    ("unknown name", ("{name: a, uses: probe, when: params.register and §x}",), ["condition-name"]),
    (
        "unknown parameter in a condition",
        ("{name: a, uses: probe, when: params.steps > 1 and §params.registr}",),
        ["unknown-parameter"],
    ),
    ("unknown stage in a condition", ("{name: a, uses: probe, when: not §b.metrics.x > 1}",), ["unknown-stage"]),
    ("itself in a condition", ("{name: a, uses: probe, when: §a.state == 'failed'}",), ["self-reference"]),
    ("number is no condition", ("{name: a, uses: probe, when: §params.steps}",), ["condition-type"]),
    (
        "no state",
        ("{name: b, uses: probe}", "{name: a, uses: probe, when: §b.state == 'succeded'}"),
        ["condition-state"],
    ),
    (
        "unlike things",
        ("{name: b, uses: probe}", "{name: a, uses: probe, when: §b.metrics.loss > 'much'}"),
        ["condition-type"],
    ),
    ("a word for a number", ("{name: a, uses: probe, when: §params.steps == 'x'}",), ["condition-type"]),
    (
        "a figure is no condition",
        ("{name: b, uses: probe}", "{name: a, uses: probe, when: §b.metrics.loss and params.register}"),
        ["condition-type"],
    ),
    ("braces", ("{name: a, uses: probe, when: '§${params.register}'}",), ["condition-template"]),
    (
        "cycle by a condition",
        (
            "{name: a, uses: probe, when: §b.metrics.x > 1}",
            "{name: b, uses: probe, inputs: {one: a.files}}",
        ),
        ["cycle"],
    ),
    (
        "several points",
        (
            PRUNE,
            "{name: a, uses: probe, when: §p.metrics.x > 1}",
        ),
        ["condition-not-one-point"],
    ),
]


@pytest.mark.parametrize(("rows", "codes"), [row[1:] for row in IN_STAGES], ids=[row[0] for row in IN_STAGES])
def test_mistake_in_a_stage(rows: tuple[str, ...], codes: list[str]) -> None:
    """A § stands in front of each place that is to be named, in the order of ``codes``."""
    places = []
    for number, row in enumerate(rows, 16):
        for count, part in enumerate(row.split("§")[:-1]):
            before = len("".join(row.split("§")[:count]) + part)
            places.append((number, len("    - ") + before + 1))
    found = problems_of(stage(*(row.replace("§", "") for row in rows)))
    assert [problem[:3] for problem in found] == [(code, *at) for code, at in zip(codes, places, strict=True)]


GOOD = stage("{name: a, uses: probe}")

IN_HEAD: list[tuple[str, str, str, list[tuple[str, int, int]]]] = [
    ("version", "v1alpha1", "v2", [("not-allowed", 1, 13)]),
    ("kind", "kind: Pipeline", "kind: Pipelin", [("not-allowed", 2, 7)]),
    ("no metadata", "metadata: {name: sample, ministry: mnd}\n", "", [("missing-key", 1, 1)]),
    ("no ministry", ", ministry: mnd", "", [("missing-key", 3, 1)]),
    ("use class", "administration", "gardening", [("not-allowed", 5, 23)]),
    ("use class outside", "administration", "lethal-autonomy", [("policy.forbidden-use", 5, 23)]),
    ("statement", "Draft and search documents", "Draft", [("length", 5, 50)]),
    (
        "no purpose",
        "  purpose: {useClass: administration, statement: Draft and search documents}\n",
        "",
        [("missing-key", 4, 1)],
    ),
    ("misspelt key", "purpose:", "purpos:", [("unknown-key", 5, 3)]),
    ("grade", "  inputs:", "  classification: X\n  inputs:", [("not-allowed", 11, 19)]),
    (
        "compartments",
        "  inputs:",
        "  classification: {grade: S, compartments: a}\n  inputs:",
        [("wrong-type", 11, 44)],
    ),
    (
        "spelling of compartments",
        "  inputs:",
        "  classification: {grade: S, compartments: [logistics, a/b, '']}\n  inputs:",
        [("bad-text", 11, 56), ("bad-text", 11, 61)],
    ),
    ("date", "  inputs:", "  classification: {grade: S, declassifyOn: soon}\n  inputs:", [("wrong-type", 11, 44)]),
    ("input without source", '{dataset: "datasets:/law/1"}', "{}", [("input-source", 13, 10)]),
    ("input with two", '{dataset: "datasets:/law/1"}', "{model: m, dataset: d}", [("input-source", 13, 10)]),
    ("scheme", "datasets:/law/1", "dataset:/law/1", [("input-uri", 13, 20)]),
    ("no version", "datasets:/law/1", "datasets:/law", [("input-uri", 13, 20)]),
    ("model as data", "datasets:/law/1", "models:/law/1", [("input-uri", 13, 20)]),
    ("digest", "datasets:/law/1", "artifact:sha256-1", [("input-uri", 13, 20)]),
    ("parameter twice", "name: share", "name: steps", [("duplicate-parameter", 8, 14)]),
    ("parameter list", "default: 0.5", "default: [1]", [("wrong-type", 8, 30)]),
    ("parameter name", "name: share", "name: sha-re", [("bad-text", 8, 14)]),
    ("parameter without default", ", default: 0.5", "", [("missing-key", 8, 7)]),
    ("template in a parameter", "default: law", "default: '${params.steps}'", [("template-not-here", 10, 30)]),
    ("template in metadata", "name: sample", "name: '${params.word}'", [("template-not-here", 3, 19)]),
    ("no stages", "    - {name: a, uses: probe}\n", "    []\n", [("length", 16, 5)]),
    ("stages left out", "  stages:\n    - {name: a, uses: probe}\n", "", [("missing-key", 4, 1)]),
    ("spec is a text", GOOD[GOOD.index("spec:") :], "spec: hello\n", [("wrong-type", 4, 7)]),
]


@pytest.mark.parametrize(("old", "new", "expected"), [row[1:] for row in IN_HEAD], ids=[row[0] for row in IN_HEAD])
def test_mistake_outside_of_stages(old: str, new: str, expected: list[tuple[str, int, int]]) -> None:
    assert old in GOOD
    assert [found[:3] for found in problems_of(GOOD.replace(old, new))] == expected


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("steps", "x", ("override-type", 7, 30)),
        ("steps", "1.5", ("override-type", 7, 30)),
        ("steps", "true", ("override-type", 7, 30)),
        ("steps", "", ("override-type", 7, 30)),
        ("share", ".inf", ("override-type", 8, 30)),
        ("register", "yes", ("override-type", 9, 33)),
        ("stpes", "1", ("unknown-override", 7, 5)),
    ],
)
def test_set_on_the_command_line(name: str, value: str, expected: tuple[str, int, int]) -> None:
    assert [found[:3] for found in problems_of(GOOD, {name: value})] == [expected]


def test_a_key_is_unknown_though_the_parameter_in_its_value_is_broken() -> None:
    text = stage(TRAIN + ", sed: '${params.steps}'}}").replace("{name: steps, default: 80}", "{name: steps}")
    assert [found[0] for found in problems_of(text)] == ["missing-key", "unknown-key"]


def test_parameters_are_listed_by_the_names_that_they_have() -> None:
    text = stage("{name: a, uses: probe, when: params.nope > 1}")
    text = text.replace("{name: steps, default: 80}", "{name: steps}").replace("{name: word,", "{nmae: word,")
    with pytest.raises(BongsuError) as caught:
        loads(text, "f.yaml", CATALOGUE)
    listed = [p.fix() for p in caught.value.problems if p.code.name == "spec.unknown-parameter"]
    assert all("unnamed" not in fix for fix in listed)
    kept = stage("{name: a, uses: probe, when: params.nope > 1}").replace(
        "{name: steps, default: 80}", "{name: steps}"
    )
    with pytest.raises(BongsuError) as caught:
        loads(kept, "f.yaml", CATALOGUE)
    (fix,) = [p.fix() for p in caught.value.problems if p.code.name == "spec.unknown-parameter"]
    assert "Parameters of this pipeline: steps, share, register, word." in fix


def test_consequences_of_a_mistake_are_not_reported() -> None:
    """A stage that is not known has outputs that are not known, and so on down the graph."""
    text = stage(
        "{name: a, uses: data.curat, inputs: {documents: inputs.law}}",
        "{name: b, uses: data.tokenize, inputs: {documents: a.documents}}",
        "{name: c, uses: compress.distill, inputs: {student: b.tokens}, with: {steps: '${params.no}'}}",
        "{name: D, uses: probe, inputs: {after: [c.model]}}",
        "{name: e, uses: probe, inputs: {after: [D.files]}, when: D.state == 'x'}",
    )
    assert [found[:2] for found in problems_of(text)] == [
        ("unknown-uses", 16),
        ("missing-port", 18),
        ("wrong-port-type", 18),
        ("unknown-parameter", 18),
        ("bad-text", 19),
        ("condition-name", 20),
    ]


def test_mistakes_of_every_kind_come_together_and_in_order() -> None:
    text = stage(
        "{name: a, uses: train.continue, inputs: {model: inputs.bas}, with: {steps: 0}, timeout: 5}",
        "{name: b, uses: probe, resources: {workers: x}, matrix: {k: 1}, when: f(1)}",
    ).replace("useClass: administration", "useClass: administratio")
    assert [found[0] for found in problems_of(text)] == [
        "not-allowed",
        "missing-port",
        "unknown-input",
        "out-of-range",
        "wrong-unit",
        "wrong-type",
        "matrix-axis",
        "condition-syntax",
    ]


def test_a_stage_that_cannot_be_loaded_is_named_at_each_use() -> None:
    class Broken(dict[str, object]):
        def __missing__(self, name: str) -> object:
            raise ImportError("libcuda.so is missing")

    with pytest.raises(BongsuError) as caught:
        loads(stage("{name: a, uses: probe}", "{name: b, uses: probe}"), "f.yaml", Broken())  # type: ignore[arg-type]
    assert [p.code.name for p in caught.value.problems] == ["spec.stage-not-loaded"] * 2
    assert caught.value.exit_code == 7


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("uses: prob}", "probe"),
        ("uses: probe, retires: {}}", "retries"),
        ("uses: probe, inputs: {onee: inputs.base}}", "one"),
        ("uses: probe, inputs: {one: inputs.bsae}}", "base"),
        ("uses: probe, inputs: {one: input.base}}", "inputs"),
        ("uses: probe, when: params.registre}", "register"),
        ("uses: probe, resources: {memory: 4GB}}", "4G"),
    ],
)
def test_suggestions(written: str, meant: str) -> None:
    with pytest.raises(BongsuError) as caught:
        loads(stage("{name: a, " + written), "f.yaml", CATALOGUE)
    assert f"Did you mean {meant}?" in str(caught.value)


# -- --set ---------------------------------------------------------------------------------------------------------

SETTABLE = stage("{name: a, uses: probe}")


@pytest.mark.parametrize("value", ["\x1b[31m", "4\u200b", "\u202e4", "4\x00", "\udcff"])
def test_a_parameter_takes_only_text_that_can_be_seen(value: str) -> None:
    assert [found[0] for found in problems_of(SETTABLE, {"steps": value})] == ["override-character"]


@pytest.mark.parametrize("value", ["1e300", "9" * 30, ".inf", "1.5", "x"])
def test_a_whole_number_is_one_that_can_be_kept(value: str) -> None:
    assert [found[0] for found in problems_of(SETTABLE, {"steps": value})] == ["override-type"]


# -- suggestions ---------------------------------------------------------------------------------------------------


def suggestions(text: str, overrides: dict[str, str] | None = None) -> list[str | None]:
    with pytest.raises(BongsuError) as caught:
        loads(text, "f.yaml", CATALOGUE, overrides)
    return [problem.args.get("suggestion") for problem in caught.value.problems]


ADAPT = TRAIN.replace("name: a,", "name: adapt,") + "}}"
CURATE = "{name: adopt, uses: data.curate, inputs: {documents: inputs.law}}"


def test_a_stage_is_suggested_only_if_its_output_would_be_taken() -> None:
    pruned = PRUNE.replace("inputs.base", "adept.model")
    assert suggestions(stage(ADAPT, CURATE, pruned)) == ["adapt"]
    assert suggestions(stage(CURATE, pruned)) == [None]


def test_an_output_is_suggested_only_if_it_fits_the_port() -> None:
    assert suggestions(stage(ADAPT, PRUNE.replace("inputs.base", "adapt.modle"))) == ["model"]
    assert suggestions(stage(CURATE, PRUNE.replace("inputs.base", "adopt.document"))) == [None]


def test_an_input_is_suggested_only_if_it_fits_the_port() -> None:
    assert suggestions(stage(PRUNE.replace("inputs.base", "inputs.bse"))) == ["base"]
    assert suggestions(stage(PRUNE.replace("inputs.base", "inputs.laws"))) == [None]


def test_what_the_port_takes_is_suggested_in_place_of_an_input_of_another_kind() -> None:
    wrong = stage("{name: q, uses: compress.quantize, inputs: {model: inputs.law}}")
    assert suggestions(wrong) == ["inputs.base"]
    alone = wrong.replace('model: "models:/base/1"', "dataset: file:other")
    assert alone != wrong
    assert suggestions(alone.replace("datasets:/law/1", "file:law")) == ["model: file:law"]


def test_a_key_that_is_there_already_is_not_suggested() -> None:
    assert suggestions(stage("{name: a, uses: probe, timeouts: 1h}")) == ["timeout"]
    assert suggestions(stage("{name: a, uses: probe, timeouts: 1h, timeout: 1h}")) == [None]


def test_an_address_is_suggested_whole_and_only_if_it_would_do() -> None:
    wrong = stage("{name: a, uses: probe}")
    base = "models:/base/1"
    assert base in wrong
    assert suggestions(wrong.replace(base, "model:/base/1")) == [base]
    assert suggestions(wrong.replace(base, "model:base")) == [None]


def test_a_parameter_is_suggested_only_for_a_value_of_its_type() -> None:
    assert suggestions(SETTABLE, {"step": "3"}) == ["steps"]
    assert suggestions(SETTABLE, {"step": "yes"}) == [None]


def test_quotes_help_where_the_value_is_written_that_a_template_fills_in() -> None:
    environment = "{name: a, uses: probe, environment: {variables: {N: '${params.steps}'}}}"
    axis = (
        "{name: e, uses: evaluate.perplexity, inputs: {models: inputs.base}, matrix: {k: [1]},"
        " with: {names: ['${matrix.k}']}}"
    )
    text = (
        TRAIN.replace("name: a", "name: t").replace("steps: 1", "steps: '${params.count}'")
        + ", learningRate: 0.1}}"
    )
    head = HEAD.replace("    - {name: word", '    - {name: count, default: "7"}\n    - {name: word')
    with pytest.raises(BongsuError) as caught:
        loads(head + "".join(f"    - {row}\n" for row in (environment, axis, text)), "f.yaml", CATALOGUE)
    assert [f"{problem.what()} {problem.fix()}" for problem in caught.value.problems] == [
        "${params.steps} stands for 80, which is a whole number, and this must be text."
        " Put the default of the parameter steps into quotes: '80'.",
        "${matrix.k} stands for 1, which is a whole number, and this must be text."
        " Put the values of the matrix axis k into quotes: '1'.",
        "${params.count} stands for 7 in quotes, which is text, and this must be a whole number."
        " Write the default of the parameter count without quotes.",
    ]
    loads(HEAD.replace("default: 80", 'default: "80"') + f"    - {environment}\n", "f.yaml", CATALOGUE)
