"""Progress as a stream of typed events. Losing some of them loses nothing but smoothness."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from bongsu.domain.metrics import Metrics
from bongsu.domain.stored_words import StoredWords

# A store's integers end there; so does everybody's patience.
MAX_STEP = 2**31 - 1
Step = Annotated[int, Field(ge=0, le=MAX_STEP)]


class _Event(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")

    time: Annotated[float, Field(allow_inf_nan=False)]
    """Seconds since the epoch, by the worker's clock."""


class Progress(_Event):
    """``step`` of ``total`` are done; ``metrics`` are the figures at this step (loss, tokens_per_second, ...)."""

    type: Literal["progress"] = "progress"
    step: Step
    total: Step | None = None
    metrics: Metrics = {}


class Message(_Event):
    """One sentence for the person who watches."""

    type: Literal["message"] = "message"
    text: str


class PhaseEntered(_Event):
    """The stage entered a part of its work, e.g. ``loading``, ``training``, ``saving``."""

    type: Literal["phase"] = "phase"
    name: StoredWords


class Checkpointed(_Event):
    """State up to ``step`` is safe; an attempt that follows starts there."""

    type: Literal["checkpoint"] = "checkpoint"
    step: Step


StageEvent = Annotated[Progress | Message | PhaseEntered | Checkpointed, Field(discriminator="type")]

_ADAPTER: TypeAdapter[Progress | Message | PhaseEntered | Checkpointed] = TypeAdapter(StageEvent)


def parse_event(line: str | bytes) -> Progress | Message | PhaseEntered | Checkpointed:
    """One JSON line to an event. Raises pydantic's ValidationError."""
    return _ADAPTER.validate_json(line)
