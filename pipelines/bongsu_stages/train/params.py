"""Parameters that every training stage has."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import Field, field_validator

from bongsu.domain.stages import Objection, Params, StageFacts
from bongsu_stages.models.precision import ExpertsImplementation, Precision
from bongsu_stages.runtime.objections import all_different, one_for_each

INCIDENTAL = frozenset({"checkpointEvery", "checkpointMinutes"})
"""Parameters of training that may change after a failure without losing what was done: see ``StageSignature``. Those
of evaluation may not, for the figures that a stage reports follow from them."""


class TrainingParams(Params):
    """Schedule, batches, optimizer and checkpoints of a training stage.

    One optimizer step sees ``workers x microBatch x gradientAccumulation`` sequences.
    """

    steps: int = Field(ge=1, description="Optimizer steps")
    micro_batch: int = Field(default=16, ge=1, description="Sequences in one forward pass of one worker")
    gradient_accumulation: int = Field(default=1, ge=1, description="Forward passes per optimizer step")
    learning_rate: float = Field(gt=0, le=1, description="Highest learning rate, reached after the warm-up")
    final_learning_rate: float = Field(
        default=0.1, ge=0, le=1, description="Learning rate at the last step, as a fraction of the highest"
    )
    warmup_steps: int = Field(default=10, ge=0, description="Steps over which the learning rate rises from 0")
    schedule: Literal["cosine", "linear", "constant"] = Field(
        default="cosine", description="How the learning rate falls after the warm-up"
    )
    weight_decay: float = Field(default=0.1, ge=0, description="Decoupled weight decay of matrices (AdamW)")
    clip_norm: float = Field(default=1.0, ge=0, description="Largest norm of the gradient; 0 does not clip")
    seed: int = Field(default=0, ge=0, lt=2**31, description="Seed of data order, initial weights and dropout")
    precision: Precision = Field(
        default=Precision.AUTO, description="Arithmetic; auto is bf16 or fp16 on a GPU and fp32 on a CPU"
    )
    checkpoint_every: int = Field(
        default=0,
        ge=0,
        description="Steps between checkpoints; 0: as often as checkpointMinutes says",
    )
    checkpoint_minutes: float = Field(
        default=10.0,
        ge=0,
        description="Least minutes between checkpoints that follow no step; 0 writes none of them",
    )
    evaluate_every: int = Field(default=0, ge=0, description="Steps between held-out losses; 0: at the end only")
    evaluate_sequences: int = Field(
        default=128, ge=0, description="Held-out sequences per input for the loss; 0 skips it"
    )
    balance_rate: float = Field(
        default=1e-3,
        ge=0,
        description="Step of the router bias that keeps experts equally loaded; 0 leaves the bias alone",
    )
    experts_implementation: ExpertsImplementation = Field(
        default="grouped_mm", description="Kernel of the fused experts"
    )
    freeze: tuple[str, ...] = Field(
        default=(), description="Weights that stay as they are: shell patterns of names, e.g. *.mlp.gate.*"
    )
    parallel: Literal["replicate", "shard"] = Field(
        default="replicate",
        description="Every worker holds the model (DDP), or the workers share it (FSDP2)",
    )
    recompute_activations: bool = Field(
        default=False, description="Compute activations again in the backward pass: less memory, more time"
    )

    @property
    def sequences_per_worker(self) -> int:
        """Sequences that one worker reads in one optimizer step."""
        return self.micro_batch * self.gradient_accumulation


class TokenTrainingParams(TrainingParams):
    """Parameters of training on packed token sequences."""

    mixture: tuple[Annotated[float, Field(ge=0)], ...] = Field(
        default=(),
        description="Share of each tokens input, in their order; empty: by their number of sequences",
    )
    names: tuple[str, ...] = Field(
        default=(), description="Names of the tokens inputs in metrics, in their order; empty: their titles"
    )
    sequence_length: int | None = Field(
        default=None, ge=8, description="Cut sequences to this many tokens; empty: as they were packed"
    )

    @field_validator("mixture")
    @classmethod
    def _some_share(cls, value: tuple[float, ...]) -> tuple[float, ...]:
        if value and not sum(value):
            raise ValueError("at least one share must be above 0")
        return value


def against_mixing(params: TokenTrainingParams, facts: StageFacts) -> Iterator[Objection]:
    """The check of stages that train on several tokens inputs."""
    yield from one_for_each("mixture", params.mixture, facts, "tokens")
    yield from one_for_each("names", params.names, facts, "tokens")
    yield from all_different("names", params.names)


def token_titles(params: TokenTrainingParams) -> frozenset[str]:
    """For ``titles`` of a stage: held-out figures are called by the titles of their trees unless they have names."""
    return frozenset() if params.names else frozenset({"tokens"})
