"""The plan: a pure function of the pipeline, its inputs, the installed stages and what is cached."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bongsu.domain.artifact import ArtifactRef, ArtifactType
from bongsu.domain.grants import GrantFacts
from bongsu.domain.ids import Digest, StageId
from bongsu.domain.labels import Label, high_water_mark
from bongsu.domain.messages import N_
from bongsu.domain.pipeline import PipelineSpec
from bongsu.domain.plan import ApprovalNeed, CacheReason, CacheVerdict, PlannedInput, PlannedStage, RunPlan, Source
from bongsu.domain.problems import BongsuError, Problem
from bongsu.domain.stages import Catalogue
from bongsu.domain.workload import WorkKind
from bongsu.planner.cache_key import cache_key, cache_parts, why_not
from bongsu.planner.config_shapes import shape_of
from bongsu.planner.cost import gpu_hours
from bongsu.planner.facts import CacheFacts, LostOutputs, ResolvedInput
from bongsu.planner.feasibility import check_feasible
from bongsu.planner.keeping import keep_points
from bongsu.planner.matrix import StagePoint, expand_matrix
from bongsu.planner.memory import estimate_memory
from bongsu.planner.model_shape import ModelShape
from bongsu.planner.port_types import check_port_types
from bongsu.policy.rules import check_plan

PROMOTION_APPROVERS = 2
ASSUMED_LENGTH = 2048
"""Tokens per sequence where no stage of the plan says how it packs them."""


def plan(
    spec: PipelineSpec,
    inputs: Mapping[str, ResolvedInput],
    catalogue: Catalogue,
    cache: CacheFacts | None = None,
    grant: GrantFacts | None = None,
    requirements: Mapping[str, Digest] | None = None,
) -> RunPlan:
    """What a submit would do. Same arguments, same plan, same hash.

    Args:
        spec: as ``specfile.load`` returned it.
        inputs: every input of the pipeline, resolved.
        catalogue: installed stages by name.
        cache: earlier work; nothing is cached if left out.
        grant: the grant that ``spec.grant`` names, if it is known.
        requirements: content of requirements files, by the path that stages name them with.

    Raises:
        BongsuError: policy refuses, or the plan cannot be carried out; all reasons together.
    """
    builder = _Builder(spec, inputs, catalogue, cache or CacheFacts(), requirements or {})
    points = keep_points(expand_matrix(spec, catalogue), catalogue).kept
    stages = tuple(map(builder.add, points))
    made = RunPlan(
        metadata=spec.metadata,
        purpose=spec.spec.purpose,
        grant=spec.spec.grant,
        floor=spec.spec.classification,
        parameters={parameter.name: parameter.default for parameter in spec.spec.parameters},
        inputs=tuple(
            PlannedInput(name=name, uri=given.uri, ref=inputs[name].ref) for name, given in spec.spec.inputs.items()
        ),
        stages=stages,
        approvals=tuple(_approvals(stages)),
    )
    types = {name: given.ref.type for name, given in inputs.items()}
    problems: list[Problem] = [
        *check_port_types(points, spec.spec.inputs, types, catalogue),
        *check_feasible(made),
        *check_plan(made, grant),
    ]
    if problems:
        raise BongsuError(problems)
    return made


class _Builder:
    """Goes through the points in order and remembers what each one gives to those behind it."""

    def __init__(
        self,
        spec: PipelineSpec,
        inputs: Mapping[str, ResolvedInput],
        catalogue: Catalogue,
        cache: CacheFacts,
        requirements: Mapping[str, Digest],
    ) -> None:
        self._spec = spec
        self._inputs = inputs
        self._catalogue = catalogue
        self._cache = cache
        self._requirements = requirements
        self._outputs: dict[StageId, Mapping[str, ArtifactRef]] = {}
        self._labels: dict[StageId, Label] = {}
        self._shapes: dict[StageId, dict[str, Any]] = {}
        self._lengths: dict[StageId, int] = {}

    def add(self, point: StagePoint) -> PlannedStage:
        signature = self._catalogue[point.stage.uses]
        params = signature.params.model_validate(point.params)
        config = self._config(point)
        workload = signature.workload(params, self._length(point))
        shape = shape_of(config) if config and workload.kind is not WorkKind.LIGHT else None
        environment = point.stage.environment
        planned = PlannedStage(
            id=point.id,
            stage=point.stage.name,
            point=point.point,
            uses=point.stage.uses,
            code=signature.code,
            params=params.model_dump(mode="json", by_alias=True),
            inputs=point.inputs,
            outputs={name: port.type for name, port in signature.outputs.items()},
            many_inputs=tuple(name for name, port in signature.inputs.items() if port.many),
            when=point.when,
            after=point.after,
            retries=point.stage.retries,
            timeout=point.stage.timeout,
            resources=point.stage.resources,
            environment=environment,
            requirements=self._requirements.get(environment.requirements or "") if environment else None,
            label=self._label(point),
            workload=workload,
            cache=CacheVerdict(hit=False, reason=CacheReason.FIRST_RUN),
            distributed=signature.distributed,
            cacheable=signature.cacheable,
        )
        update = {"cache": self._verdict(planned), **self._estimates(planned, shape, self._teacher(point))}
        planned = planned.model_copy(update=update)
        self._labels[planned.id] = planned.label
        self._lengths[planned.id] = signature.packed_length(params) or 0
        self._shapes[planned.id] = signature.model_effect(params, config) if config else {}
        return planned

    def _estimates(
        self, planned: PlannedStage, shape: ModelShape | None, teacher: ModelShape | None
    ) -> dict[str, Any]:
        if shape is None:
            return {}
        return {
            "memory": estimate_memory(shape, planned.workload, planned.resources, teacher),
            "gpu_hours": gpu_hours(shape, planned.workload, planned.resources, teacher) or None,
        }

    def _label(self, point: StagePoint) -> Label:
        sources = [source for group in point.inputs.values() for source in group]
        return high_water_mark((self._source_label(source) for source in sources), self._spec.spec.classification)

    def _source_label(self, source: Source) -> Label:
        return self._labels[source.stage_id] if source.stage_id else self._inputs[source.name].ref.label

    def _config(self, point: StagePoint) -> dict[str, Any]:
        """Configuration of the model that the stage works on: its first input that is one."""
        ports = ("model", "student", "models", *point.inputs)
        return next((config for port in ports if (config := self._config_at(point, port))), {})

    def _teacher(self, point: StagePoint) -> ModelShape | None:
        config = self._config_at(point, "teacher")
        return shape_of(config) if config else None

    def _config_at(self, point: StagePoint, port: str) -> dict[str, Any]:
        """Configuration of the first model at the port; empty if there is none."""
        for source in point.inputs.get(port, ()):
            config = self._shapes.get(source.stage_id, {}) if source.stage_id else self._inputs[source.name].config
            if config:
                return config
        return {}

    def _length(self, point: StagePoint) -> int:
        """Tokens per sequence of the longest tokens input, as far as stages of this plan pack them."""
        sources = [source.stage_id for group in point.inputs.values() for source in group if source.stage_id]
        return max((self._lengths[stage_id] for stage_id in sources), default=0) or ASSUMED_LENGTH

    def _verdict(self, planned: PlannedStage) -> CacheVerdict:
        if not planned.cacheable:
            return CacheVerdict(hit=False, reason=CacheReason.NOT_CACHEABLE)
        digests: dict[str, list[Digest]] = {}
        for port, sources in planned.inputs.items():
            for source in sources:
                ref = self._ref(source)
                if ref is None:
                    detail = str(source.stage_id)
                    return CacheVerdict(hit=False, reason=CacheReason.UPSTREAM_RUNS, detail=detail)
                digests.setdefault(port, []).append(ref.digest)
        parts = cache_parts(planned, digests)
        key = cache_key(parts)
        outputs = self._cache.outputs(key)
        if outputs is None:
            return why_not(parts, self._cache.last(planned.id))
        if isinstance(outputs, LostOutputs):
            return CacheVerdict(hit=False, reason=outputs.reason, key=key, detail=outputs.detail)
        if not all(planned.label.dominates(ref.label) for ref in outputs.values()):
            return CacheVerdict(hit=False, reason=CacheReason.LABEL_CHANGED, key=key)
        self._outputs[planned.id] = outputs
        return CacheVerdict(hit=True, reason=CacheReason.HIT, key=key)

    def _ref(self, source: Source) -> ArtifactRef | None:
        if source.stage_id is None:
            return self._inputs[source.name].ref
        return self._outputs.get(source.stage_id, {}).get(source.name)


def _approvals(stages: tuple[PlannedStage, ...]) -> list[ApprovalNeed]:
    """Promotions that the registrations of this plan will ask for before anything is served."""
    return [
        ApprovalNeed(
            kind="promotion",
            subject=f"{planned.params.get('name', planned.title)}@{planned.params.get('alias') or 'candidate'}",
            approvers=PROMOTION_APPROVERS,
            rule=N_("two people, neither of them the submitter, approve the same digests"),
        )
        for planned in stages
        if ArtifactType.REGISTRATION in planned.outputs.values()
    ]
