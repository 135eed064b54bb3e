"""Codes of pipeline files: graph, matrix, templates and conditions. The text itself is in ``specfile``."""

from bongsu.domain.problems import Code

# References between stages.
BAD_REFERENCE = Code(
    "spec.bad-reference",
    "{reference} is not written like a reference.",
    "Write inputs.NAME, STAGE.OUTPUT, STAGE[*].OUTPUT or STAGE[axis=value].OUTPUT.",
)
UNKNOWN_INPUT = Code(
    "spec.unknown-input",
    "The pipeline has no input named {name}.",
    "Inputs of this pipeline: {known}.",
)
UNKNOWN_STAGE = Code(
    "spec.unknown-stage",
    "There is no stage named {name} in this pipeline.",
    "Stages of this pipeline: {known}.",
)
UNKNOWN_OUTPUT = Code(
    "spec.unknown-output",
    "The stage {stage} ({uses}) has no output named {name}.",
    "Its outputs: {known}.",
)
UNKNOWN_USES = Code(
    "spec.unknown-uses",
    "No stage named {name} is installed.",
    "`bongsu stages list` prints what is installed.",
)
DUPLICATE_STAGE = Code(
    "spec.duplicate-stage",
    "Two stages are named {name}.",
    "Give one of them another name.",
)
UNKNOWN_PORT = Code(
    "spec.unknown-port",
    "The stage {uses} has no input named {name}.",
    "Its inputs: {known}.",
)
MISSING_PORT = Code(
    "spec.missing-port",
    "The stage {uses} needs the input {name} ({type}).",
    "Add {name} under inputs.",
)
SELF_REFERENCE = Code(
    "spec.self-reference",
    "The stage {stage} takes its own output.",
    "Name the stage before it.",
)
CYCLE = Code(
    "spec.cycle",
    "These stages wait for each other: {cycle}.",
    "Take one of these references away.",
)
WRONG_PORT_TYPE = Code(
    "spec.wrong-port-type",
    "The input {port} takes {expected}, and {reference} is {found}.",
    "Give it {expected}; `bongsu stages show {uses}` prints the inputs and outputs of a stage.",
)
INPUT_NEEDS_STAGE = Code(
    "spec.input-needs-stage",
    "The input {port} takes {expected}, and {reference} ({uri}) is {found}.",
    "Add {rows} under stages, and write {output} here.",
)
SINGLE_PORT = Code(
    "spec.single-port",
    "The input {port} takes one artifact, and here is a list.",
    "Write one reference, without brackets.",
)
GATHER_AT_SINGLE_PORT = Code(
    "spec.gather-at-single-port",
    "{reference} gathers all points of a matrix, and the input {port} takes one artifact.",
    "Write {plain} to run this stage once for every point, or select one with {stage}[axis=value].",
)
SELECT_UNKNOWN_AXIS = Code(
    "spec.unknown-axis",
    "The stage {stage} has no matrix axis named {name}.",
    "Its axes: {known}.",
)
SELECT_UNKNOWN_POINT = Code(
    "spec.unknown-point",
    "The stage {stage} has no matrix point with {name}={value}.",
    "Values of {name}: {known}.",
)
STAGE_REFUSES = Code("spec.stage-refuses", "{uses} cannot run like this: {detail}.", "{hint}")

# Matrix.
MATRIX_AXIS_NAME = Code(
    "spec.matrix-axis-name",
    "{name} cannot be the name of a matrix axis.",
    "Use letters and digits, starting with a letter, such as keepFraction.",
)
MATRIX_AXIS = Code(
    "spec.matrix-axis",
    "The matrix axis {name} is {found}; it must be a list of values.",
    "Write for example {name}: [0.75, 0.5].",
)
MATRIX_EMPTY_AXIS = Code(
    "spec.matrix-empty-axis",
    "The matrix axis {name} has no value.",
    "Give it at least one value, or take the axis away.",
)
MATRIX_VALUE = Code(
    "spec.matrix-value",
    "A value of the matrix axis {name} is {found}.",
    "Values are texts, numbers, true or false.",
)
MATRIX_DUPLICATE = Code(
    "spec.matrix-duplicate",
    "The matrix has the point {point} twice.",
    "Every point runs once: take the second one away.",
)
MATRIX_NO_AXES = Code(
    "spec.matrix-no-axes",
    "The matrix has no axis.",
    "Add one, such as keepFraction: [0.75, 0.5], or take the matrix away.",
)
MATRIX_UNKNOWN_KEY = Code(
    "spec.matrix-unknown-key",
    "The matrix has no axis named {name}.",
    "Its axes: {known}.",
)
MATRIX_INCOMPLETE_INCLUDE = Code(
    "spec.matrix-incomplete-include",
    "This point leaves out {missing}.",
    "A point under include names a value for every axis.",
)
MATRIX_EXCLUDES_NOTHING = Code(
    "spec.matrix-excludes-nothing",
    "No point of the matrix matches {point}.",
    "Correct the values, or take the line away.",
)
MATRIX_EMPTY = Code(
    "spec.matrix-empty",
    "Every point of the matrix is excluded.",
    "Leave at least one.",
)
MATRIX_TOO_LARGE = Code(
    "spec.matrix-too-large",
    "The stage {stage} would run at more than {limit} points.",
    "Use fewer values, or select points of the stages before it with STAGE[axis=value].",
)
PLAN_TOO_LARGE = Code(
    "spec.plan-too-large",
    "The pipeline would run more than {limit} stages, all matrix points counted.",
    "Use fewer values, or split the pipeline.",
)
PARAMETERS_TOO_LARGE = Code(
    "spec.parameters-too-large",
    "Written out for every point of the matrix, the parameters have more than {limit} characters.",
    "Use fewer points, or put long texts into a data set.",
)
MATRIX_NO_PARTNER = Code(
    "spec.matrix-no-partner",
    "The points of {stage} have no values of {axes} in common with the stages before it.",
    "Axes of the same name are joined by value: use the same values, or another name.",
)
MATRIX_LOST_POINT = Code(
    "spec.matrix-lost-point",
    "The point {point} of the stage {stage} has no partner in the stages before it.",
    "Axes of the same name are joined by value: use values that the stages before have, or another name.",
)
MATRIX_UNEVEN = Code(
    "spec.matrix-uneven",
    "The points of the stage {stage} do not have the same axes: {axes}.",
    "Let every template in its inputs lead to stages with the same axes, or select points with STAGE[axis=value].",
)
MATRIX_UNUSED_AXIS = Code(
    "spec.matrix-unused-axis",
    "The matrix axis {name} changes nothing: {uses} has no such parameter, and nothing uses ${{matrix.{name}}}.",
    "Parameters of {uses}: {known}.",
)
PARAMETER_SET_TWICE = Code(
    "spec.parameter-set-twice",
    "The matrix sets the parameter {name}, and so does this line.",
    "Keep one of the two.",
)
ID_COLLISION = Code(
    "spec.id-collision",
    "The stage {stage} and a matrix point of the stage {other} would both be called {id}.",
    "Give one of the two stages another name.",
)

# Templates.
BAD_TEMPLATE = Code(
    "spec.bad-template",
    "{text} is not a template.",
    "Write ${{params.NAME}} or ${{matrix.AXIS}}; write $${{ for a literal ${{.",
)
UNKNOWN_PARAMETER = Code(
    "spec.unknown-parameter",
    "The pipeline has no parameter named {name}.",
    "Parameters of this pipeline: {known}.",
)
UNKNOWN_MATRIX_NAME = Code(
    "spec.unknown-matrix-name",
    "The stage {stage} has no matrix axis named {name} here.",
    "Its axes: {known}.",
)
TEMPLATE_NOT_HERE = Code(
    "spec.template-not-here",
    "The template {text} cannot stand here.",
    "Matrix values can be used in with, inputs and when of a stage. No template can stand in a key, in parameters"
    " or in metadata.",
)

# Conditions.
CONDITION_SYNTAX = Code(
    "spec.condition-syntax",
    "The condition cannot be read here: {detail}.",
    "Write for example `perplexity.metrics['perplexity.law'] < 120 and params.register`.",
)
CONDITION_NAME = Code(
    "spec.condition-name",
    "The condition uses {name}, which is neither a parameter, a matrix axis nor a stage.",
    "Use params.NAME, matrix.AXIS, STAGE.metrics['NAME'] or STAGE.state.",
)
CONDITION_TYPE = Code(
    "spec.condition-type",
    "The condition cannot be decided: {detail}.",
    "Compare numbers with numbers and texts with texts; `and`, `or` and `not` take what is true or false.",
)
CONDITION_STATE = Code(
    "spec.condition-state",
    "No stage is ever {value}.",
    "States that a condition can ask for: {known}. What came from the cache has succeeded.",
)
CONDITION_METRIC = Code(
    "spec.condition-metric",
    "{stage} measures no {metric}, so the condition can never be decided.",
    "It measures {known}.",
)
CONDITION_MISSING = Code(
    "spec.condition-missing",
    "The condition needs {name}, and the stage reported no such figure.",
    "Figures that it reported: {known}.",
    exit_code=5,
)
CONDITION_NOT_ONE_POINT = Code(
    "spec.condition-not-one-point",
    "The condition names the stage {stage}, and {count} of its points belong to a point of this stage.",
    "A condition sees exactly one point. Name it, as in `{example}.metrics.loss < 3`.",
)
