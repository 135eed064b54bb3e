"""What a stage asks of a machine, and the units it is written in."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer
from pydantic.alias_generators import to_camel
from pydantic_core import PydanticCustomError

_BYTES = re.compile(r"^([0-9]+(?:\.[0-9]+)?)(Ki|Mi|Gi|Ti|k|M|G|T|)$")
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
_DURATION = re.compile(r"^(?:([0-9]+)d)?(?:([0-9]+)h)?(?:([0-9]+)m)?(?:([0-9]+(?:\.[0-9]+)?)s)?$")
# What nobody means is refused as out of range, long before it overflows anything that counts with it.
MAX_BYTES = 2**50
MAX_DURATION = timedelta(days=3650)


def parse_bytes(value: Any) -> Any:
    """``512Mi``, ``80Gi``, ``2G`` (Kubernetes quantities) to bytes; numbers pass.

    What is beyond every machine becomes one more than MAX_BYTES, which the field then refuses.
    """
    if not isinstance(value, str):
        return value
    match = _BYTES.match(value.strip())
    if not match:
        raise ValueError("write a size with a unit, such as 512Mi or 80Gi")
    return int(min(float(match[1]) * _FACTORS[match[2]], MAX_BYTES + 1))


def parse_duration(value: Any) -> Any:
    """``90s``, ``15m``, ``1h30m``, ``2d`` to a timedelta; a bare number has no unit and is refused.

    What is beyond all counting becomes one day more than MAX_DURATION, which the field then refuses.
    """
    if isinstance(value, timedelta):
        return value
    match = _DURATION.match(value.strip()) if isinstance(value, str) else None
    if not match or not any(match.groups()):
        raise ValueError("write a duration with a unit, such as 90s, 15m or 1h30m")
    days, hours, minutes, seconds = (float(part or 0) for part in match.groups())
    total = ((days * 24 + hours) * 60 + minutes) * 60 + seconds
    return timedelta(seconds=min(total, (MAX_DURATION + timedelta(days=1)).total_seconds()))


def _within(limit: Any, written: str) -> AfterValidator:
    """An upper bound that is told as files write it; pydantic's own shows bare bytes, and Python's timedelta."""

    def check(value: Any) -> Any:
        if value > limit:
            raise PydanticCustomError("less_than_equal", "Input should be at most {le}", {"le": written})
        return value

    return AfterValidator(check)


def format_duration(value: timedelta) -> str:
    """In seconds, exactly: what :func:`parse_duration` reads as the same."""
    whole, parts = divmod(value, timedelta(seconds=1))
    return f"{whole}.{parts.microseconds:06d}".rstrip("0").rstrip(".") + "s" if parts else f"{whole}s"


Bytes = Annotated[
    int,
    BeforeValidator(parse_bytes),
    _within(MAX_BYTES, "1024Ti"),
    Field(
        gt=0,
        json_schema_extra={"anyOf": [{"type": "string", "pattern": _BYTES.pattern}, {"type": "integer"}]},
    ),
]
Duration = Annotated[
    timedelta,
    BeforeValidator(parse_duration),
    PlainSerializer(format_duration, return_type=str),
    _within(MAX_DURATION, "3650d"),
    Field(json_schema_extra={"type": "string", "pattern": _DURATION.pattern}),
]


class Resources(BaseModel):
    """Per-stage resources: a gang of ``workers`` equal workers that start together or not at all."""

    model_config = ConfigDict(frozen=True, extra="forbid", alias_generator=to_camel, populate_by_name=True)

    workers: int = Field(default=1, ge=1, le=4096, description="Equal workers that start together")
    cpus_per_worker: float = Field(default=1.0, gt=0, le=512, description="CPU cores per worker")
    gpus_per_worker: int = Field(default=0, ge=0, le=16, description="Whole GPUs per worker")
    accelerator: str | None = Field(
        default=None, description="GPU family or product, e.g. H100 or H100-80GB; needs gpusPerWorker"
    )
    memory: Bytes | None = Field(default=None, description="Memory per worker, e.g. 4Gi")

    @property
    def total_gpus(self) -> int:
        return self.workers * self.gpus_per_worker

    @property
    def total_cpus(self) -> float:
        return self.workers * self.cpus_per_worker
