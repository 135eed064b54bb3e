"""What a stage does to a model, as numbers: enough to work out its memory and its time before it runs."""

from __future__ import annotations

from enum import StrEnum

from pydantic import BaseModel, ConfigDict, Field


class WorkKind(StrEnum):
    """The families of work whose memory differs."""

    LIGHT = "light"  # no model in memory
    INFERENCE = "inference"  # weights and activations
    TRAIN_FULL = "train-full"  # weights, gradients, optimizer, activations
    TRAIN_LORA = "train-lora"  # frozen weights, small trainable matrices
    DISTILL = "distill"  # TRAIN_FULL plus the teacher's weights
    PRUNE_STREAMED = "prune-streamed"  # one decoder layer and its calibration activations
    QUANTIZE_STREAMED = "quantize-streamed"  # one layer, plus Hessians for GPTQ


class Workload(BaseModel):
    """Figures that a stage derives from its parameters.

    Attributes:
        micro_batch: sequences in one forward pass on one worker.
        sequence_length: tokens per sequence.
        tokens: tokens that one worker processes over the whole stage; every worker of a gang does as many. Where a
            stage takes several models, those that it processes with each of them. None if parameters do not tell.
        tokens_of_each: port of which ``tokens`` says how many one tree gives, where a stage goes through several. A
            plan has them multiplied already.
        weight_bytes: bytes per weight in memory (4 for fp32, 2 for bf16); None for what a model is loaded in
            where nothing else is said: bf16 on a GPU, fp32 on a CPU.
        activation_bytes: bytes per activation value; None for mixed precision: bf16 on a GPU, fp32 on a CPU.
        trainable_fraction: share of weights with gradients (LoRA without a rank: its own parameters over all).
        adapter_rank: rank of LoRA's matrices, from which their size follows; 0 where it is not said.
        adapts_experts: LoRA has matrices beside each routed expert too.
        optimizer_bytes: bytes of optimizer state per trainable weight (AdamW in fp32: 8).
        sharded: parameters, gradients and optimizer are split over the workers (FSDP).
        checkpoint_activations: activations are recomputed in the backward pass.
        hessians: GPTQ keeps one input Hessian per linear layer of the block.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: WorkKind = WorkKind.LIGHT
    micro_batch: int = Field(default=1, ge=1)
    sequence_length: int = Field(default=1, ge=1)
    tokens: int | None = Field(default=None, ge=0)
    tokens_of_each: str | None = None
    weight_bytes: float | None = Field(default=None, gt=0)
    activation_bytes: float | None = Field(default=None, gt=0)
    trainable_fraction: float = Field(default=1.0, ge=0, le=1)
    adapter_rank: int = Field(default=0, ge=0)
    adapts_experts: bool = False
    optimizer_bytes: float = Field(default=8.0, ge=0)
    sharded: bool = False
    checkpoint_activations: bool = False
    hessians: bool = False
