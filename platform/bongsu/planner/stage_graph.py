"""Which stage needs which: read from references and conditions before any matrix is expanded."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from bongsu.domain.artifact import ArtifactType
from bongsu.domain.axes import UNKNOWN, OwnPoints, own_points
from bongsu.domain.codes import spec as codes
from bongsu.domain.conditions import Condition, doubts, parse
from bongsu.domain.fieldpath import FieldPath, Finding
from bongsu.domain.links import Directory, Place, listed
from bongsu.domain.ordering import topological_order
from bongsu.domain.pipeline import PipelineSpec, Stage
from bongsu.domain.ports import Port
from bongsu.domain.stages import Catalogue, StageSignature
from bongsu.domain.suggest import closest
from bongsu.domain.templates import parse_template

_ANY_PORT = Port(ArtifactType.FILES, many=True)
"""Takes whatever it is given."""

MAX_PLANNED = 20_000
"""Planned stages of one run, all points counted."""
MAX_REFERENCE = 4096
"""Characters of a reference, filled in; none that leads anywhere is that long."""

_HEAD = re.compile(r"((?:\$\{[^{}]*\}|[^.\[])*)")


@dataclass
class StageGraph:
    """The stages of a file, what each of them names, and an order to go through them.

    Attributes:
        ignored: names of stages that stand in the file and cannot be used; with ``""``, one has no name at all.
        signatures, own, conditions: by index of the stage; None where absent or unknown.
        order: indices, each behind all it needs. Stages on a cycle are left out.
        findings: what is wrong with names, matrices, conditions and cycles.
        doubted: indices of stages whose conditions can be read, and make no sense.
        is_too_large: the stages' own matrices alone have more than ``MAX_PLANNED`` points; of the stages that come
            after these, the matrices are not multiplied out.
    """

    spec: PipelineSpec
    catalogue: Catalogue
    broken: Callable[[FieldPath], bool]
    ignored: frozenset[str] = frozenset()
    signatures: list[StageSignature | None] = field(default_factory=list)
    own: list[OwnPoints] = field(default_factory=list)
    conditions: list[Condition | None] = field(default_factory=list)
    order: list[int] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    doubted: set[int] = field(default_factory=set)
    is_too_large: bool = False

    def __post_init__(self) -> None:
        self.by_name: dict[str, int] = {}
        self._own_points = 0
        for index, stage in enumerate(self.stages):
            self._read(index, stage)
        names = {name: self.signatures[index] for name, index in self.by_name.items()}
        self.directory = Directory(self.spec.spec.inputs, names, "" in self.ignored, self.ignored)
        self.needs: dict[int, dict[int, FieldPath]] = {i: {} for i in range(len(self.stages))}
        for index, stage in enumerate(self.stages):
            self._check_ports(index, stage)
            self._read_needs(index, stage)
        self.order, cycles = topological_order(
            len(self.stages), {index: set(found) for index, found in self.needs.items()}
        )
        self.findings += map(self._cycle, cycles)

    @property
    def stages(self) -> tuple[Stage, ...]:
        return self.spec.spec.stages

    @staticmethod
    def path(index: int) -> FieldPath:
        return ("spec", "stages", index)

    def references(self, index: int) -> Iterator[tuple[Place, str]]:
        """Every reference of a stage with its place, in the order of the file.

        Where the port is not known, what it refers to still has to exist.
        """
        stage, signature = self.stages[index], self.signatures[index]
        for name, given in stage.inputs.items():
            port = _ANY_PORT if signature is None else signature.inputs.get(name, _ANY_PORT)
            path = (*self.path(index), "inputs", name)
            if self.broken(path):
                continue
            if isinstance(given, str):
                yield Place(stage.name, stage.uses, name, port, path), given
            else:
                for position, text in enumerate(given):
                    yield Place(stage.name, stage.uses, name, port, (*path, position), in_list=True), text

    def parameter_names(self, index: int) -> list[str]:
        """Names of the stage's parameters as they are written in files."""
        signature = self.signatures[index]
        fields = signature.params.model_fields if signature else {}
        return [field.alias or name for name, field in fields.items()]

    def is_whole(self, index: int) -> bool:
        """True if nothing about the inputs of this stage is unknown."""
        signature = self.signatures[index]
        path = (*self.path(index), "inputs")
        return (
            signature is not None
            and not self.broken(path)
            and not any(
                name not in signature.inputs or self.broken((*path, name)) for name in self.stages[index].inputs
            )
        )

    def _read(self, index: int, stage: Stage) -> None:
        path = self.path(index)
        if stage.name in self.by_name:
            if not self.broken((*path, "name")):
                self._find(codes.DUPLICATE_STAGE, (*path, "name"), name=stage.name)
        else:
            self.by_name[stage.name] = index
        signature = self.catalogue.get(stage.uses)
        if signature is None and not self.broken((*path, "uses")):
            suggestion = closest(stage.uses, self.catalogue)
            self._find(codes.UNKNOWN_USES, (*path, "uses"), name=stage.uses, suggestion=suggestion)
        self.signatures.append(signature)
        self.own.append(self._own(stage, path))
        self.conditions.append(self._condition(index, stage, (*path, "when")))

    def _own(self, stage: Stage, path: FieldPath) -> OwnPoints:
        if self.is_too_large:
            return UNKNOWN
        own = own_points(stage.matrix, (*path, "matrix"), stage.name)
        self.findings += own.findings
        self._own_points += len(own.points)
        self.is_too_large = self._own_points > MAX_PLANNED
        return UNKNOWN if self.broken((*path, "matrix")) else own

    def _condition(self, index: int, stage: Stage, path: FieldPath) -> Condition | None:
        if stage.when is None or self.broken(path):
            return None
        parsed = parse(stage.when)
        if isinstance(parsed, Condition):
            known = {parameter.name: parameter.default for parameter in self.spec.spec.parameters}
            found = doubts(parsed.expression, known)
            if found:
                self.doubted.add(index)
        else:
            found = parsed
        self.findings += [Finding(f.code, path, f.args, f.offset) for f in found]
        return parsed if isinstance(parsed, Condition) else None

    def _check_ports(self, index: int, stage: Stage) -> None:
        signature = self.signatures[index]
        path = (*self.path(index), "inputs")
        if signature is None or self.broken(path):
            return
        strange = [name for name in stage.inputs if name not in signature.inputs]
        free = [name for name in signature.inputs if name not in stage.inputs]
        meant = {name: closest(name, free) for name in strange}
        for name in strange:
            args: dict[str, Any] = {"uses": signature.name, "name": name, "known": listed(signature.inputs)}
            args["suggestion"] = meant[name]
            self.findings.append(Finding(codes.UNKNOWN_PORT, (*path, name), args, at_key=True))
        for name in free:
            port = signature.inputs[name]
            # A misspelt port is one mistake, not two.
            if not port.optional and name not in meant.values():
                self._find(codes.MISSING_PORT, path, uses=signature.name, name=name, type=port.type.value)
        for name, given in stage.inputs.items():
            port_found = signature.inputs.get(name)
            if port_found and given == () and not port_found.optional:
                self._find(
                    codes.MISSING_PORT, (*path, name), uses=signature.name, name=name, type=port_found.type.value
                )

    def _read_needs(self, index: int, stage: Stage) -> None:
        for place, text in self.references(index):
            for head in self._heads(index, text):
                self._need(index, head, place.path)
        condition = self.conditions[index]
        for name in condition.names if condition else ():
            path = (*self.path(index), "when")
            if not name.owner or name.owner in self.directory.ignored:
                continue
            if name.owner == stage.name:
                self._find(codes.SELF_REFERENCE, path, name.offset, stage=stage.name)
            elif name.owner in self.directory.stages:
                self._need(index, name.owner, path)
            elif not self.directory.unnamed:
                known = list(self.directory.stages)
                args: dict[str, Any] = {"known": listed(known), "suggestion": closest(name.owner, known)}
                self._find(codes.UNKNOWN_STAGE, path, name.offset, name=name.owner, **args)

    def _need(self, index: int, head: str, path: FieldPath) -> None:
        other = self.by_name.get(head)
        if other is not None and other != index:
            self.needs[index].setdefault(other, path)

    def _heads(self, index: int, text: str) -> set[str]:
        """Names of stages that the reference may lead to, at any point of the stage's own matrix."""
        match = _HEAD.match(text)
        head = match[1] if match else ""
        template = parse_template(head)
        if not template.holes:
            return {head}
        return self.fillings(index, head)

    def fillings(self, index: int, text: str) -> set[str]:
        """What a template becomes at the points of the stage's own matrix, as far as that can be said."""
        template = parse_template(text)
        filled: set[str] = set()
        if len(template.parts) > MAX_REFERENCE:
            return filled
        params = {parameter.name: parameter.default for parameter in self.spec.spec.parameters}
        for point in self.own[index].points:
            values = {"matrix": point, "params": params, "": {}}
            if template.length(values) > MAX_REFERENCE:
                continue
            try:
                filled.add(str(template.fill(values)))
            except KeyError:  # reported where the reference is resolved
                continue
        return filled

    def _cycle(self, cycle: list[int]) -> Finding:
        names = [self.stages[index].name for index in cycle]
        path = self.needs[cycle[0]][cycle[-1]]
        return Finding(codes.CYCLE, path, {"cycle": " -> ".join([*names, names[0]])})

    def _find(self, code: Any, path: FieldPath, offset: int | None = None, **args: Any) -> None:
        self.findings.append(Finding(code, path, args, offset))
