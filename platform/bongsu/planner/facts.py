"""What the planner is told about the world."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from bongsu.domain.artifact import ArtifactRef
from bongsu.domain.ids import Digest
from bongsu.domain.plan import CacheReason
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


@dataclass(frozen=True)
class LostOutputs:
    """Outputs that a cache key stands for and that cannot be taken: they are gone, or ``detail`` is wrong with them."""

    reason: Literal[CacheReason.OUTPUT_GONE, CacheReason.OUTPUT_DAMAGED]
    detail: str = ""


@dataclass(frozen=True)
class CacheFacts:
    """What is known of earlier work.

    Attributes:
        outputs: outputs that a cache key stands for, or why they cannot be taken; None if it stands for none.
        last: parts of the key when the stage (by id) last ran in this pipeline.
    """

    outputs: Callable[[Digest], Mapping[str, ArtifactRef] | LostOutputs | None] = lambda _key: None
    last: Callable[[str], Parts | None] = lambda _stage: None
