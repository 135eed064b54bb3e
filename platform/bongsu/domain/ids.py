"""Identifiers as types of their own, so that a digest is never passed for a run id."""

from __future__ import annotations

import hashlib
import re
from typing import NewType

from pydantic import BaseModel, ConfigDict, Field

RunId = NewType("RunId", str)
"""``r-`` and 12 lower-case base-32 characters; sorts by time of creation."""

StageId = NewType("StageId", str)
"""Name of a planned stage: the stage's name, and ``-N`` behind it for the Nth point of a matrix."""

Digest = NewType("Digest", str)
"""``sha256-`` and 64 hex digits: the digest of a tree, a plan or a cache key."""

DIGEST_PATTERN = re.compile(r"^sha256-[0-9a-f]{64}$")


def digest_of(data: bytes) -> Digest:
    return Digest("sha256-" + hashlib.sha256(data).hexdigest())


class AttemptId(BaseModel):
    """One try at one stage of one run. Names of jobs, logs and results derive from it and from nothing else."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    run_id: RunId
    stage_id: StageId
    number: int = Field(ge=1)

    @property
    def key(self) -> str:
        """Path-like key, e.g. ``r-0123/adapt/2``."""
        return f"{self.run_id}/{self.stage_id}/{self.number}"

    @property
    def job_name(self) -> str:
        """DNS-1035 name of at most 47 characters (what a RayJob allows), unique per attempt."""
        short = hashlib.sha256(self.key.encode()).hexdigest()[:10]
        stem = re.sub(r"[^a-z0-9-]", "-", f"{self.run_id}-{self.stage_id}".lower())[:34].strip("-")
        return f"b{stem}-{short}" if not stem[:1].isalpha() else f"{stem}-{short}"

    def __str__(self) -> str:
        return self.key
