"""The free texts of a pipeline: everything in it that a person words, with its place.

References between stages and names of registered stages are left out: what they name is read where it is named.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from bongsu.domain.fieldpath import FieldPath
from bongsu.domain.labels import Label
from bongsu.domain.pipeline import Environment, Metadata, PipelineSpec, Purpose, Stage
from bongsu.domain.plan import RunPlan

USE_CLASS: FieldPath = ("spec", "purpose", "useClass")


@dataclass(frozen=True)
class Written:
    """A text and the path of its field.

    Attributes:
        at_key: it is the key that is the text.
        is_class: it is given for the name of a use class.
    """

    path: FieldPath
    text: str
    at_key: bool = False
    is_class: bool = False


def in_declaration(data: Mapping[str, Any]) -> Iterator[Written]:
    """Texts of what a pipeline declares, whatever shape the file has: metadata, and the purpose with its class.

    Args:
        data: the file as plain values; nothing of it is checked yet.
    """
    body = data.get("spec")
    purpose = body.get("purpose") if isinstance(body, Mapping) else None
    yield from _deep(data.get("metadata"), ("metadata",))
    for written in _deep(purpose, ("spec", "purpose")):
        yield replace(written, is_class=written.path[: len(USE_CLASS)] == USE_CLASS)


def in_spec(spec: PipelineSpec) -> Iterator[Written]:
    """Texts of a pipeline as it stands in its file."""
    body = spec.spec
    yield from _head(spec.metadata, body.purpose, body.grant, body.classification)
    for index, parameter in enumerate(body.parameters):
        path: FieldPath = ("spec", "parameters", index)
        yield Written((*path, "name"), parameter.name)
        yield Written((*path, "description"), parameter.description)
        yield from _deep(parameter.default, (*path, "default"))
    for name, source in body.inputs.items():
        yield Written(("spec", "inputs", name), name, at_key=True)
        yield Written(("spec", "inputs", name, "model" if source.model else "dataset"), source.uri)
        if source.label is not None:
            yield from _compartments(source.label, ("spec", "inputs", name, "label"))
    for index, stage in enumerate(body.stages):
        yield from _stage(stage, ("spec", "stages", index))


def in_plan(plan: RunPlan) -> Iterator[Written]:
    """Texts of a plan, templates filled in. Paths of stages begin with the name of the stage, as in other problems."""
    yield from _head(plan.metadata, plan.purpose, plan.grant, plan.floor)
    for name, value in plan.parameters.items():
        yield Written(("spec", "parameters"), name)
        yield from _deep(value, ("spec", "parameters"))
    for given in plan.inputs:
        yield Written(("spec", "inputs", given.name), given.name, at_key=True)
        yield Written(("spec", "inputs", given.name), given.uri)
    for planned in plan.stages:
        yield Written((planned.stage, "name"), planned.stage)
        yield from in_params(planned.params, (planned.stage, "with"))
        if planned.environment is not None:
            yield from _environment(planned.environment, (planned.stage, "environment"))


def in_params(params: Mapping[str, Any], path: FieldPath) -> Iterator[Written]:
    """Texts in the parameters of a stage. The names of parameters are the stage's, not the writer's."""
    for key, value in params.items():
        yield from _deep(value, (*path, key))


def _head(metadata: Metadata, purpose: Purpose, grant: str | None, floor: Label) -> Iterator[Written]:
    yield Written(("metadata", "name"), metadata.name)
    yield Written(("metadata", "ministry"), metadata.ministry)
    for key, value in metadata.labels.items():
        yield Written(("metadata", "labels", key), f"{key}: {value}")
    yield Written(("spec", "purpose", "statement"), purpose.statement)
    yield Written(("spec", "grant"), grant or "")
    yield from _compartments(floor, ("spec", "classification"))


def _compartments(label: Label, path: FieldPath) -> Iterator[Written]:
    for compartment in sorted(label.compartments):
        yield Written(path, compartment)


def _stage(stage: Stage, path: FieldPath) -> Iterator[Written]:
    yield Written((*path, "name"), stage.name)
    yield from in_params(stage.with_, (*path, "with"))
    yield Written((*path, "when"), stage.when or "")
    if stage.matrix is not None:
        points = {"include": stage.matrix.include, "exclude": stage.matrix.exclude}
        for key, value in (*stage.matrix.axes.items(), *points.items()):
            yield Written((*path, "matrix", key), key, at_key=True)
            yield from _deep(value, (*path, "matrix", key))
    if stage.environment is not None:
        yield from _environment(stage.environment, (*path, "environment"))


def _environment(own: Environment, path: FieldPath) -> Iterator[Written]:
    for key in ("interpreter", "requirements", "image"):
        yield Written((*path, key), getattr(own, key) or "")
    yield from _deep(own.variables, (*path, "variables"))


def _deep(value: Any, path: FieldPath) -> Iterator[Written]:
    """Every text in a value, and every key of a mapping in it."""
    if isinstance(value, str):
        yield Written(path, value)
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield Written((*path, key), str(key), at_key=True)
            yield from _deep(item, (*path, key))
    elif isinstance(value, list | tuple | set | frozenset):
        for index, item in enumerate(value):
            yield from _deep(item, (*path, index))
