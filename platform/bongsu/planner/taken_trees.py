"""Which trees a stage takes, once everything before it is over."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bongsu.domain.artifact import ArtifactRef
from bongsu.domain.ids import Digest, StageId
from bongsu.domain.labels import Label, high_water_mark
from bongsu.domain.plan import PlannedStage, RunPlan, Source
from bongsu.planner.facts import Standing


@dataclass(frozen=True)
class TakenTree:
    """A tree at a port. ``title`` is readable; ``uri`` is where a pipeline input came from, else empty."""

    ref: ArtifactRef
    title: str
    uri: str = ""


class InputTrees:
    """Resolves the sources of a plan's stages against where its stages stand."""

    def __init__(self, plan: RunPlan) -> None:
        self._given = {entry.name: entry for entry in plan.inputs}
        self._titles = {planned.id: planned.title for planned in plan.stages}

    def of(self, planned: PlannedStage, stages: Mapping[StageId, Standing]) -> dict[str, tuple[TakenTree, ...]]:
        """Trees by port, in the order of the file; what was skipped is left out."""
        return {
            port: tuple(self._tree(source, stages) for source in sources if has_output(source, stages))
            for port, sources in planned.inputs.items()
        }

    def digests(self, planned: PlannedStage, stages: Mapping[StageId, Standing]) -> dict[str, list[Digest]]:
        """As :meth:`of`, digests alone: what the cache key is made of."""
        return {port: [tree.ref.digest for tree in trees] for port, trees in self.of(planned, stages).items()}

    def _tree(self, source: Source, stages: Mapping[StageId, Standing]) -> TakenTree:
        if source.stage_id is None:
            given = self._given[source.name]
            return TakenTree(given.ref, source.title(self._titles), given.uri)
        return TakenTree(stages[source.stage_id].outputs[source.name], source.title(self._titles))


def label_of(
    planned: PlannedStage,
    taken: Mapping[str, Sequence[TakenTree]],
    made: Mapping[str, ArtifactRef] | None = None,
) -> Label:
    """What the work of a stage carries: what its plan says, raised to what it really takes, and to what it made once it
    has: a worker may say of an output that it is worth more protection than was planned."""
    given = high_water_mark((tree.ref.label for trees in taken.values() for tree in trees), planned.label)
    return high_water_mark((ref.label for ref in (made or {}).values()), given)


def raised(outputs: Mapping[str, ArtifactRef], label: Label) -> dict[str, ArtifactRef]:
    """Outputs as a worker named them, none of them labelled below ``label``: it is not trusted to say less."""
    return {name: ref.model_copy(update={"label": label.join(ref.label)}) for name, ref in outputs.items()}


def has_output(source: Source, stages: Mapping[StageId, Standing]) -> bool:
    return source.stage_id is None or stages[source.stage_id].state.has_output
