"""Which trees a stage takes, once everything before it is over."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from bongsu.domain.artifact import ArtifactRef
from bongsu.domain.ids import Digest, StageId
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
        self._stages = {planned.id: planned for planned in plan.stages}

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
            return TakenTree(given.ref, f"inputs.{source.name}", given.uri)
        return TakenTree(stages[source.stage_id].outputs[source.name], self._stages[source.stage_id].title)


def has_output(source: Source, stages: Mapping[StageId, Standing]) -> bool:
    return source.stage_id is None or stages[source.stage_id].state.has_output
