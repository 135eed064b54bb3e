"""One planned stage after another, out of the points of a pipeline."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from bongsu.domain.artifact import ArtifactRef, ArtifactType
from bongsu.domain.fieldpath import Finding
from bongsu.domain.ids import Digest, StageId
from bongsu.domain.labels import Label, high_water_mark
from bongsu.domain.pipeline import PipelineSpec, Scalar
from bongsu.domain.plan import CacheReason, CacheVerdict, PlannedStage, Source
from bongsu.domain.ports import Role
from bongsu.domain.run import StageState
from bongsu.domain.stages import Catalogue, StageSignature
from bongsu.domain.workload import WorkKind, Workload
from bongsu.planner.cache_key import cache_key, cache_parts, why_not
from bongsu.planner.config_shapes import shape_of
from bongsu.planner.cost import gpu_hours, gpu_hours_of_all
from bongsu.planner.facts import CacheFacts, LostOutputs, ResolvedInput
from bongsu.planner.matrix import StagePoint
from bongsu.planner.memory import estimate_memory
from bongsu.planner.model_shape import ModelShape
from bongsu.planner.objections import objections
from bongsu.planner.readiness import readiness_of
from bongsu.planner.taken_trees import has_output

ASSUMED_LENGTH = 2048
"""Tokens per sequence where no stage of the plan says how it packs them."""


@dataclass(frozen=True)
class Settled:
    """Where a stage will stand without working: its outputs are in the cache, or it is skipped."""

    state: StageState
    outputs: Mapping[str, ArtifactRef] = field(default_factory=dict)
    metrics: Mapping[str, float] = field(default_factory=dict)


class PlanBuilder:
    """Goes through the points in order and remembers what each one gives to those behind it.

    Attributes:
        parameters: values of the pipeline's parameters by name.
        findings: what stages have to say against how they are used; paths begin with a stage's name.
    """

    def __init__(
        self,
        spec: PipelineSpec,
        inputs: Mapping[str, ResolvedInput],
        catalogue: Catalogue,
        cache: CacheFacts,
        requirements: Mapping[str, Digest],
        secrets: Callable[[str], str],
        labels: Mapping[str, Label],
    ) -> None:
        self._spec = spec
        self._inputs = inputs
        self._catalogue = catalogue
        self._cache = cache
        self._requirements = requirements
        self._secrets = secrets
        self._requirement_labels = labels
        self.parameters: dict[str, Scalar] = {entry.name: entry.default for entry in spec.spec.parameters}
        self._settled: dict[StageId, Settled] = {}
        self._labels: dict[StageId, Label] = {}
        self._titles: dict[StageId, str] = {}
        self._shapes: dict[StageId, dict[str, Any]] = {}
        self._lengths: dict[StageId, int] = {}
        self.findings: list[Finding] = []

    def add(self, point: StagePoint) -> PlannedStage:
        signature = self._catalogue[point.stage.uses]
        params = signature.params.model_validate(point.params)
        configs = {port: config for port in point.inputs if (config := self._config_at(point, port))}
        self.findings += objections(signature, params, point, (point.stage.name,), configs)
        config = self._config(point)
        takes_model = any(port.type is ArtifactType.MODEL for port in signature.inputs.values())
        made = signature.model_effect(params, config) if config or not takes_model else {}
        workload = _over_all(signature.workload(params, self._length(point)), point)
        # What takes no model works on the one that it makes.
        shape = shape_of(config if takes_model else made) if workload.kind is not WorkKind.LIGHT else None
        planned = self._planned(point, signature, params, workload)
        update = {"cache": self._verdict(planned), **self._estimates(planned, point, shape)}
        planned = planned.model_copy(update=update)
        self._labels[planned.id] = planned.label
        self._titles[planned.id] = planned.title
        self._lengths[planned.id] = signature.packed_length(params) or 0
        self._shapes[planned.id] = made
        return planned

    def _planned(
        self, point: StagePoint, signature: StageSignature, params: Any, workload: Workload
    ) -> PlannedStage:
        """The stage, before it is known what it takes and whether it has to run."""
        environment, label = point.stage.environment, self._label(point)
        return PlannedStage(
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
            label=label,
            workload=workload,
            cache=CacheVerdict(hit=False, reason=CacheReason.FIRST_RUN),
            distributed=signature.distributed,
            cacheable=signature.cacheable and point.stage.cache,
            roles=signature.roles,
            compresses=signature.compresses,
            incidental=tuple(sorted(signature.incidental)),
            titles=self._titles_at(point, signature.titles(params)),
            signed=self._signed(label) if signature.signs else {},
            secrets={name: value for name in signature.secrets if (value := self._secrets(name))},
            measures_machine=signature.measures_machine,
        )

    def _estimates(self, planned: PlannedStage, point: StagePoint, shape: ModelShape | None) -> dict[str, Any]:
        if shape is None:
            return {}
        work, resources, teacher = planned.workload, planned.resources, self._teacher(point)
        if work.kind is WorkKind.INFERENCE:
            hours = gpu_hours_of_all(self._examined(point), work, resources)
        else:
            hours = gpu_hours(shape, work, resources, teacher)
        memory = estimate_memory(shape, work, resources, teacher)
        return {"memory": memory, "gpu_hours": hours if resources.total_gpus else None}

    def _examined(self, point: StagePoint) -> list[ModelShape | None]:
        """All models that the stage works on, one after another; None in place of one that is not known."""
        ports = self._ports(point, Role.SUBJECT, Role.BASELINE)
        sources = [source for port in ports for source in point.inputs.get(port, ())]
        return [shape_of(self._config_of(source)) for source in sources]

    def _label(self, point: StagePoint) -> Label:
        sources = [source for group in point.inputs.values() for source in group]
        environment, lowest = point.stage.environment, self._spec.spec.classification
        installed = self._requirement_labels.get(environment.requirements or "") if environment else None
        return high_water_mark(
            (self._source_label(source) for source in sources), lowest.join(installed) if installed else lowest
        )

    def _titles_at(self, point: StagePoint, ports: frozenset[str] | None) -> dict[str, tuple[str, ...]]:
        """Readable names as a worker is given them."""
        return {
            port: tuple(source.title(self._titles) for source in sources)
            for port, sources in point.inputs.items()
            if ports is None or port in ports
        }

    def _signed(self, label: Label) -> dict[str, str]:
        metadata, purpose = self._spec.metadata, self._spec.spec.purpose
        return {
            "pipeline": metadata.name,
            "ministry": metadata.ministry,
            "useClass": purpose.use_class.value,
            "label": str(label),
        }

    def _source_label(self, source: Source) -> Label:
        return self._labels[source.stage_id] if source.stage_id else self._inputs[source.name].ref.label

    def _config(self, point: StagePoint) -> dict[str, Any]:
        """Configuration of the model that the stage works on, or else of the first model that it is given."""
        ports = (*self._ports(point, Role.SUBJECT), *point.inputs)
        return next((config for port in ports if (config := self._config_at(point, port))), {})

    def _teacher(self, point: StagePoint) -> ModelShape | None:
        configs = (self._config_at(point, port) for port in self._ports(point, Role.TEACHER))
        return next((shape_of(config) for config in configs if config), None)

    def _ports(self, point: StagePoint, *roles: Role) -> list[str]:
        return [port for port, role in self._catalogue[point.stage.uses].roles.items() if role in roles]

    def _config_at(self, point: StagePoint, port: str) -> dict[str, Any]:
        """Configuration of the first model at the port; empty if there is none."""
        for source in point.inputs.get(port, ()):
            if config := self._config_of(source):
                return config
        return {}

    def _config_of(self, source: Source) -> dict[str, Any]:
        return self._shapes.get(source.stage_id, {}) if source.stage_id else self._inputs[source.name].config

    def _length(self, point: StagePoint) -> int:
        """Tokens per sequence of the longest tokens input, as far as stages of this plan pack them."""
        sources = [source.stage_id for group in point.inputs.values() for source in group if source.stage_id]
        return max((self._lengths[stage_id] for stage_id in sources), default=0) or ASSUMED_LENGTH

    def _verdict(self, planned: PlannedStage) -> CacheVerdict:
        if all(name in self._settled for name in planned.upstream):
            ready = readiness_of(planned, self.parameters, self._settled)
            if ready is not None and ready.state is StageState.SKIPPED:
                self._settled[planned.id] = Settled(StageState.SKIPPED)
                if ready.because:
                    return CacheVerdict(hit=False, reason=CacheReason.INPUT_SKIPPED, detail=ready.because)
                return CacheVerdict(hit=False, reason=CacheReason.CONDITION_FALSE, detail=planned.when or "")
        if not planned.cacheable:
            return CacheVerdict(hit=False, reason=CacheReason.NOT_CACHEABLE)
        digests: dict[str, list[Digest]] = {}
        for port, sources in planned.inputs.items():
            for source in sources:
                if source.stage_id and source.stage_id not in self._settled:
                    return CacheVerdict(hit=False, reason=CacheReason.UPSTREAM_RUNS, detail=source.stage_id)
                if has_output(source, self._settled):
                    digests.setdefault(port, []).append(self._ref(source).digest)
        parts = cache_parts(planned, digests)
        key = cache_key(parts)
        found = self._cache.work(key)
        if found is None:
            return why_not(parts, self._cache.last(planned.id))
        if isinstance(found, LostOutputs):
            return CacheVerdict(hit=False, reason=found.reason, key=key, detail=found.detail)
        taken = found.under(planned.label)
        if taken is None:
            return CacheVerdict(hit=False, reason=CacheReason.LABEL_CHANGED, key=key)
        self._settled[planned.id] = Settled(StageState.CACHED, taken.outputs, taken.metrics)
        return CacheVerdict(hit=True, reason=CacheReason.HIT, key=key)

    def _ref(self, source: Source) -> ArtifactRef:
        if source.stage_id is None:
            return self._inputs[source.name].ref
        return self._settled[source.stage_id].outputs[source.name]


def _over_all(work: Workload, point: StagePoint) -> Workload:
    """With tokens of all trees at the port that they are said of, now that it is known how many there are."""
    if work.tokens_of_each is None:
        return work
    count = len(point.inputs.get(work.tokens_of_each, ()))
    tokens = None if work.tokens is None else work.tokens * count
    return work.model_copy(update={"tokens": tokens, "tokens_of_each": None})
