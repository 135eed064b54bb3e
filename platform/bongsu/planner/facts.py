"""What the planner is told about the world."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from bongsu.domain.artifact import ArtifactRef
from bongsu.domain.ids import Digest
from bongsu.domain.labels import OPEN, Label
from bongsu.domain.plan import CacheReason
from bongsu.domain.run import StageState
from bongsu.planner.cache_key import Parts


@dataclass(frozen=True)
class ResolvedInput:
    """A pipeline input as it was found.

    Attributes:
        ref: digest, type, label, size.
        config: content of ``config.json`` if it is a model, else empty.
    """

    ref: ArtifactRef
    config: dict[str, Any] = field(default_factory=dict)


class Standing(Protocol):
    """Where a stage stands; outputs and figures are empty until it has some."""

    @property
    def state(self) -> StageState: ...
    @property
    def outputs(self) -> Mapping[str, ArtifactRef]: ...
    @property
    def metrics(self) -> Mapping[str, float]: ...


@dataclass(frozen=True)
class EarlierWork:
    """What a cache key stands for: trees by port, and the figures that were reported when they were made.

    Attributes:
        label: what the stage that did it carries now.
    """

    outputs: Mapping[str, ArtifactRef]
    metrics: Mapping[str, float] = field(default_factory=dict)
    label: Label = OPEN

    def under(self, label: Label) -> EarlierWork | None:
        """The same work as a stage of this label would have done it; None if the label does not cover all of it."""
        if not all(label.dominates(one) for one in (self.label, *(ref.label for ref in self.outputs.values()))):
            return None
        relabelled = {name: ref.model_copy(update={"label": label}) for name, ref in self.outputs.items()}
        return EarlierWork(relabelled, self.metrics, label)


@dataclass(frozen=True)
class LostOutputs:
    """Outputs that a cache key stands for and that cannot be taken: they are gone, or ``detail`` is wrong with them."""

    reason: Literal[CacheReason.OUTPUT_GONE, CacheReason.OUTPUT_DAMAGED]
    detail: str = ""


@dataclass(frozen=True)
class CacheFacts:
    """What is known of earlier work.

    Attributes:
        work: what a cache key stands for, or why that cannot be taken; None if it stands for nothing.
        last: parts of the key when the stage (by id) last ran in this pipeline.
    """

    work: Callable[[Digest], EarlierWork | LostOutputs | None] = lambda _key: None
    last: Callable[[str], Parts | None] = lambda _stage: None
