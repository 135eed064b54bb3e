"""Codes of plans that cannot be carried out, or not as they are meant."""

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
    "{cure}; or {larger}.",
    exit_code=7,
)
EXECUTOR_AWAY = Code(
    "plan.executor-away",
    "What runs stages does not answer, so it is not known what there is room for: {detail}.",
    "The pipeline is not at fault: ask again when it is back. The operator looks at the Ray that BONGSU_RAY_ADDRESS"
    " names; where commands run here, `bongsu doctor` does, and without BONGSU_RAY_ADDRESS this machine runs stages.",
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
REQUIREMENTS_ELSEWHERE = Code(
    "plan.requirements-elsewhere",
    "Line {line} of {file}, which the stage {stage} installs from, names {named}, which does not come with the"
    " pipeline.",
    "Put files that it includes beside the pipeline, by paths relative to it; name packages of an index, or by"
    " addresses that begin with https://.",
)
STAGE_FALLS_SHORT = Code("plan.stage-falls-short", "{uses} will do less than is asked for: {detail}.", "{hint}")
MEMORY_BELOW_ESTIMATE = Code(
    "plan.memory-below-estimate",
    "A worker of {stage} asks for {asked} of memory, and the plan expects it to need about {needed}.",
    "Ask for memory: {enough}; or use a smaller microBatch, recomputeActivations, or parallel: shard.",
)
MEMORY_BEYOND_EXECUTOR = Code(
    "plan.memory-beyond-executor",
    "The plan expects {stage} to need about {needed} of memory, and there are {there} here.",
    "Use a smaller microBatch, recomputeActivations, LoRA, or a larger machine.",
)
IDLE_GPUS = Code(
    "plan.idle-gpus",
    "{stage} computes on one GPU of each worker, and asks for {gpus}: the others would be idle.",
    "Write workers: {workers} and gpusPerWorker: 1; parallel: shard splits a model that no single GPU holds.",
)
IDLE_GPUS_OF_ONE_WORKER = Code(
    "plan.idle-gpus-of-one-worker",
    "{stage} computes on one GPU, and asks for {gpus}: the others would be idle.",
    "Write gpusPerWorker: 1.",
)
NAME_OF_ANOTHER_MINISTRY = Code(
    "plan.name-of-another-ministry",
    "Models named {name} are registered by another ministry than {ministry}.",
    "Give with.name a name of its own, such as {ministry}-{name}.",
)
