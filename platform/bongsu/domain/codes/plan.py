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
BEYOND_EXECUTOR = Code(
    "plan.beyond-executor",
    "The stage {stage} can never start here: {reason}.",
    "{cure}; or set BONGSU_RAY_ADDRESS to a Ray cluster that has as much.",
    exit_code=7,
)
IMAGE_NOT_RUN = Code(
    "plan.image-not-run",
    "The stage {stage} asks for the image {image}, and what runs stages here runs no images.",
    "Give it an interpreter or a requirements file in place of image.",
    exit_code=7,
)
INTERPRETER_MISSING = Code(
    "plan.interpreter-missing",
    "The stage {stage} asks for the interpreter {path}, and there is no such program on this machine.",
    "Check the path, or give it a requirements file, of which an environment is made.",
    exit_code=3,
)
REQUIREMENTS_UNREADABLE = Code(
    "plan.requirements-unreadable",
    "The requirements file {path} of the stage {stage} cannot be read: {detail}.",
    "Check the path; it is relative to the pipeline file.",
    exit_code=3,
)
STAGE_FALLS_SHORT = Code("plan.stage-falls-short", "{uses} will do less than is asked for: {detail}.", "{hint}")
