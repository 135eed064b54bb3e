"""Codes of plans that cannot be carried out."""

from bongsu.domain.problems import Code

UNKNOWN_ACCELERATOR = Code(
    "plan.unknown-accelerator",
    "The stage {stage} asks for an accelerator {name} that is not known.",
    "Known are: {known}.",
)
DOES_NOT_FIT = Code(
    "plan.does-not-fit",
    "A worker of {stage} needs about {needed}, and {gpus} hold {room}.",
    "Use more workers with parallel: shard, activation checkpointing, a smaller microBatch, LoRA, or larger GPUs.",
)
REQUIREMENTS_UNREADABLE = Code(
    "plan.requirements-unreadable",
    "The requirements file {path} of the stage {stage} cannot be read: {detail}.",
    "Check the path; it is relative to the pipeline file.",
    exit_code=3,
)
STAGE_FALLS_SHORT = Code("plan.stage-falls-short", "{uses} will do less than is asked for: {detail}.", "{hint}")
