"""What a stage asks of a machine, and the units it is written in."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer
from pydantic.alias_generators import to_camel

_BYTES = re.compile(r"^(\d+(?:\.\d+)?)(Ki|Mi|Gi|Ti|k|M|G|T|)$")
_FACTORS = {
    "": 1,
    "k": 10**3,
    "M": 10**6,
    "G": 10**9,
    "T": 10**12,
    "Ki": 2**10,
    "Mi": 2**20,
    "Gi": 2**30,
    "Ti": 2**40,
}
_DURATION = re.compile(r"^(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+(?:\.\d+)?)s)?$")


def parse_bytes(value: Any) -> Any:
    """``512Mi``, ``80Gi``, ``2G`` (Kubernetes quantities) to bytes; numbers pass."""
    if not isinstance(value, str):
        return value
    match = _BYTES.match(value.strip())
    if not match:
        raise ValueError("write a size with a unit, such as 512Mi or 80Gi")
    return int(float(match[1]) * _FACTORS[match[2]])


def parse_duration(value: Any) -> Any:
    """``90s``, ``15m``, ``1h30m``, ``2d`` to a timedelta; a bare number has no unit and is refused."""
    if isinstance(value, timedelta):
        return value
    match = _DURATION.match(value.strip()) if isinstance(value, str) else None
    if not match or not any(match.groups()):
        raise ValueError("write a duration with a unit, such as 90s, 15m or 1h30m")
    days, hours, minutes, seconds = (float(part or 0) for part in match.groups())
    return timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)


def format_duration(value: timedelta) -> str:
    return f"{value.total_seconds():g}s"


Bytes = Annotated[
    int,
    BeforeValidator(parse_bytes),
    Field(
        gt=0,
        json_schema_extra={"anyOf": [{"type": "string", "pattern": _BYTES.pattern}, {"type": "integer"}]},
    ),
]
Duration = Annotated[
    timedelta,
    BeforeValidator(parse_duration),
    PlainSerializer(format_duration, return_type=str),
    Field(json_schema_extra={"type": "string", "pattern": _DURATION.pattern}),
]


class Resources(BaseModel):
    """Per-stage resources: a gang of ``workers`` equal workers that start together or not at all."""

    model_config = ConfigDict(frozen=True, extra="forbid", alias_generator=to_camel, populate_by_name=True)

    workers: int = Field(default=1, ge=1, le=4096, description="Equal workers that start together")
    cpus_per_worker: float = Field(default=1.0, gt=0, le=512, description="CPU cores per worker")
    gpus_per_worker: int = Field(default=0, ge=0, le=16, description="Whole GPUs per worker")
    accelerator: str | None = Field(default=None, description="GPU type, e.g. H100-80GB; needs gpusPerWorker")
    memory: Bytes | None = Field(default=None, description="Memory per worker, e.g. 4Gi")

    @property
    def total_gpus(self) -> int:
        return self.workers * self.gpus_per_worker

    @property
    def total_cpus(self) -> float:
        return self.workers * self.cpus_per_worker
