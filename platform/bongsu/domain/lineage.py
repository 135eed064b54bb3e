"""What the lineage graph is made of."""

from __future__ import annotations

from enum import StrEnum


class NodeKind(StrEnum):
    INPUT = "input"
    ARTIFACT = "artifact"
    RUN_STAGE = "run-stage"
    MODEL_VERSION = "model-version"


class EdgeKind(StrEnum):
    """What happened between two nodes; an edge goes the way of the bytes."""

    RESOLVED = "resolved"  # an input, to an artifact
    USED = "used"  # an artifact, by a stage
    MADE = "made"  # an artifact, by a stage
    REUSED = "reused"  # an artifact that an earlier run had made, by a stage
    REGISTERED = "registered"  # a version, from an artifact and by a stage
