"""What training costs, for the planner: derived from parameters alone, without torch."""

from __future__ import annotations

from bongsu.domain.workload import WorkKind, Workload
from bongsu_stages.train.params import TokenTrainingParams, TrainingParams


def full_training(params: TokenTrainingParams, packed: int) -> Workload:
    """Every weight has a gradient and two AdamW moments, all in fp32; ``tokens`` is for one worker."""
    return training(params, params.sequence_length or packed)


def training(params: TrainingParams, length: int) -> Workload:
    return Workload(
        kind=WorkKind.TRAIN_FULL,
        micro_batch=params.micro_batch,
        sequence_length=length,
        tokens=params.steps * params.sequences_per_worker * length,
        weight_bytes=4.0,
        sharded=params.parallel == "shard",
        checkpoint_activations=params.recompute_activations,
    )
