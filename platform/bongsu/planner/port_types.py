"""Whether what inputs turned out to be fits the ports that they are given to.

What a data set holds (files, documents, tokens) is not in its address: it is known once its files have been seen.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass

from bongsu.domain.artifact import ArtifactType
from bongsu.domain.codes import spec as codes
from bongsu.domain.links import IN_WORDS
from bongsu.domain.pipeline import Input, Stage
from bongsu.domain.problems import Problem
from bongsu.domain.stages import Catalogue, StageSignature
from bongsu.planner.matrix import StagePoint


@dataclass(frozen=True)
class _Step:
    """A stage that makes one type of another, with the ports that do it."""

    signature: StageSignature
    port: str
    output: str


def check_port_types(
    points: Iterable[StagePoint],
    inputs: Mapping[str, Input],
    types: Mapping[str, ArtifactType],
    catalogue: Catalogue,
) -> Iterator[Problem]:
    """Problems of inputs at ports that cannot take them, each once, at ``STAGE.inputs.PORT``.

    Args:
        points: stages as they are to run.
        inputs: of the pipeline, as written.
        types: what they are, as far as it is known.
        catalogue: installed stages; all of them are asked for once something is wrong.
    """
    seen = set()
    for point in points:
        for name, sources in point.inputs.items():
            port = catalogue[point.stage.uses].inputs[name]
            for source in sources:
                found = types.get(source.name) if source.stage_id is None else None
                key = (point.stage.name, name, source.name)
                if found is None or port.accepts(found) or key in seen:
                    continue
                seen.add(key)
                yield _problem(point.stage, name, port.type, source.name, inputs[source.name].uri, found, catalogue)


def _problem(
    stage: Stage, port: str, wanted: ArtifactType, name: str, uri: str, found: ArtifactType, catalogue: Catalogue
) -> Problem:
    reference = f"inputs.{name}"
    field = _field(stage, port, reference)
    args = {"port": port, "expected": IN_WORDS[wanted], "reference": reference, "found": IN_WORDS[found]}
    way = _way(found, wanted, catalogue)
    if not way:
        return codes.WRONG_PORT_TYPE.at(None, field, **args, uses=stage.uses)
    rows, output = _written(way, reference)
    return codes.INPUT_NEEDS_STAGE.at(None, field, **args, uri=uri, rows=", ".join(rows), output=output)


def _field(stage: Stage, port: str, reference: str) -> str:
    given = stage.inputs.get(port, ())
    listed = not isinstance(given, str) and reference in given
    return f"{stage.name}.inputs.{port}" + (f"[{given.index(reference)}]" if listed else "")


def _written(way: list[_Step], reference: str) -> tuple[list[str], str]:
    """The stages of the way as they are written in a file, and the reference to what the last one makes."""
    rows = []
    for step in way:
        name = step.signature.name.rpartition(".")[2]
        others = [
            port for port, needed in step.signature.inputs.items() if port != step.port and not needed.optional
        ]
        inputs = ", ".join([f"{step.port}: {reference}", *(f"{port}: ..." for port in others)])
        rows.append(f"{{name: {name}, uses: {step.signature.name}, inputs: {{{inputs}}}}}")
        reference = f"{name}.{step.output}"
    return rows, reference


def _way(found: ArtifactType, wanted: ArtifactType, catalogue: Catalogue) -> list[_Step]:
    """The shortest chain of stages from one type to the other; empty if there is none."""
    signatures = [signature for name in sorted(catalogue) if (signature := _loaded(catalogue, name))]
    ways: dict[ArtifactType, list[_Step]] = {found: []}
    waiting = [found]
    while waiting and wanted not in ways:
        here = waiting.pop(0)
        for step in _steps_from(here, signatures):
            there = step.signature.outputs[step.output].type
            if there not in ways:
                ways[there] = [*ways[here], step]
                waiting.append(there)
    return ways.get(wanted, [])


def _steps_from(type_: ArtifactType, signatures: Iterable[StageSignature]) -> Iterator[_Step]:
    for signature in signatures:
        for port, needed in signature.inputs.items():
            if needed.type is type_ and not needed.optional:
                yield from (_Step(signature, port, output) for output in signature.outputs)


def _loaded(catalogue: Catalogue, name: str) -> StageSignature | None:
    """The signature; None for drills, and for one that cannot be loaded: it is told where a file uses it."""
    with suppress(Exception):  # whatever its package raises
        return None if catalogue[name].for_drills else catalogue[name]
    return None
