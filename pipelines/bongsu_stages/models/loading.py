"""From a model tree to a model and a tokenizer in memory."""

from __future__ import annotations

import math
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Literal

import torch

from bongsu.artifacts.base import TreeReader
from bongsu.domain.messages import N_
from bongsu.domain.model_config import routed_experts
from bongsu.domain.phrases import phrase
from bongsu_stages.models.activations import round_activations, rounds_activations
from bongsu_stages.models.configuration import read_config
from bongsu_stages.models.device import compute_dtype, pick_device
from bongsu_stages.models.mlmodel import ADAPTER, TOKENIZER_FILES
from bongsu_stages.models.placement import Room
from bongsu_stages.models.plain import write_plain
from bongsu_stages.models.precision import ExpertsImplementation
from bongsu_stages.models.silence import no_progress_bars
from bongsu_stages.runtime.memory import give_back
from bongsu_stages.runtime.stage import StageError

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerFast

    from bongsu_stages.runtime.context import StageContext


def load_model(
    source: TreeReader | Path,
    *,
    device: torch.device | None = None,
    dtype: torch.dtype | Literal["stored"] | None = None,
    experts_implementation: ExpertsImplementation | None = "grouped_mm",
    room: Room | None = None,
    shards: int = 1,
) -> PreTrainedModel:
    """Load a causal language model, in evaluation mode.

    An adapter that lies in the tree is added to the weights in memory.

    Args:
        source: a model tree or a directory in the layout of transformers.
        device: where it goes; the worker's GPU if it has one, else the CPU.
        dtype: of the weights in memory; ``stored`` for that of the files; None for what computes well on the
            device (bf16 on a GPU, fp32 on a CPU). The router's bias stays in fp32 in every case.
        experts_implementation: see :data:`ExpertsImplementation`; None: transformers chooses; dense models have none.
        room: what the worker has; a model that ``device`` cannot hold is spread over it, a quantised one as the plain
            weights that it stands for. None: ``device`` holds it.
        shards: workers that share the weights (FSDP2), all of which call this together; each reads what it keeps.

    Raises:
        StageError: the architecture is unknown to the installed transformers, weights are missing, or an adapter would
            have to be merged into weights that no device holds.
    """
    directory = source if isinstance(source, Path) else source.local()
    device = device or pick_device()
    chosen: Any = "auto" if dtype == "stored" else (dtype or compute_dtype(device))
    config = read_config(directory)
    spread = None if room is None or room.has_place_for(bytes_in_memory(directory, chosen)) else room
    if shards > 1 or spread is not None:
        _refuse_adapter(directory)
    if spread is not None:
        directory = _unpacked(directory, config, spread)
    model, report = read_model(
        directory, dtype=chosen, experts_implementation=experts_implementation, spread=spread, shards=shards
    )
    if report["missing_keys"]:
        missing = ", ".join(sorted(report["missing_keys"])[:5])
        raise StageError(
            phrase(
                N_("The model tree lacks {count} weights, among them {missing}."),
                count=len(report["missing_keys"]),
                missing=missing,
            ),
            N_("Check the stage that wrote it; its layout must be that of the model's config.json."),
        )
    if spread is not None and rounds_activations(config):  # its weights are plain ones, wherever they lie
        round_activations(model, config)
    if spread is None and shards == 1:  # else it lies where it is to lie
        model.to(device)
    adapted: PreTrainedModel = with_adapter(model, directory)
    return adapted.eval()


def read_model(
    directory: Path,
    *,
    dtype: Any,
    experts_implementation: ExpertsImplementation | None = "grouped_mm",
    spread: Room | None = None,
    shards: int = 1,
) -> tuple[Any, dict[str, Any]]:
    """The model below ``directory``, where its loader places it, and what the loader reports of its keys.

    Args:
        dtype: as transformers takes it; ``auto`` for that of the files.
        spread: what the worker has, for a model that one device cannot hold; such a model stays where it is placed.
        experts_implementation, shards: as for :func:`load_model`.

    Raises:
        StageError: the architecture is unknown, or weights have other shapes than ``config.json`` makes them.
    """
    config = read_config(directory)
    # Of weights of another shape, the loader tells more in its report than in the error that it raises otherwise.
    options: dict[str, Any] = {"dtype": dtype, "ignore_mismatched_sizes": True}
    if shards > 1:
        options |= sharding_options(shards)
    if experts_implementation is not None and has_experts(config):
        options["experts_implementation"] = experts_implementation
    if spread is not None:
        options |= spread.spread_options()
    with no_progress_bars():
        model, report = model_class(config).from_pretrained(
            directory, local_files_only=True, output_loading_info=True, **options
        )
    if report["mismatched_keys"]:
        name, stored, expected = min(report["mismatched_keys"])
        raise StageError(
            phrase(
                N_(
                    "{count} weights have other shapes than config.json makes them, among them {name}"
                    " with {stored} instead of {expected}."
                ),
                count=len(report["mismatched_keys"]),
                name=name,
                stored=list(stored),
                expected=list(expected),
            ),
            N_("Check the stage that wrote the model; its config.json and its weights belong to different models."),
        )
    return model, report


def _unpacked(directory: Path, config: dict[str, Any], room: Room) -> Path:
    """Where the plain weights lie. The loader of quantised models unpacks all of them in memory."""
    if not config.get("quantization_config"):
        return directory
    try:
        write_plain(directory, room.disk / "plain")
    except ValueError as error:
        raise StageError(
            phrase(
                N_(
                    "The model does not fit into the memory of one device, and cannot be unpacked onto the disk: "
                    "{detail}."
                ),
                detail=error,
            ),
            N_("Give the stage enough memory to hold the model in one place."),
        ) from error
    return room.disk / "plain"


@contextmanager
def loaded(ctx: StageContext, tree: TreeReader) -> Iterator[PreTrainedModel]:
    """The model of ``tree`` for evaluation, wherever this worker has room for it."""
    # What the last model left does not count as taken.
    give_back()
    with TemporaryDirectory(prefix="layers-", dir=ctx.scratch) as folder:
        yield load_model(tree, room=Room.of_worker(Path(folder), ctx.spec.resources.memory))


def has_experts(config: Mapping[str, Any]) -> bool:
    """True for a mixture of experts; transformers lets nobody choose a kernel for other models."""
    return routed_experts(config) is not None


def has_adapter(directory: Path) -> bool:
    """True if a low-rank adapter lies in the tree that is not merged into the weights."""
    return (directory / ADAPTER / "adapter_config.json").is_file()


def _refuse_adapter(directory: Path) -> None:
    if has_adapter(directory):
        raise StageError(
            N_("The model has an adapter that is not merged, and no device here holds all of its weights."),
            N_("Merge it where it is trained (lora.mergeAtEnd: true), or give the worker more memory."),
        )


def with_adapter(model: Any, directory: Path) -> Any:
    """``model`` with the adapter that lies in the tree at ``directory`` added to its weights, if there is one."""
    if not has_adapter(directory):
        return model
    from peft import PeftModel

    return PeftModel.from_pretrained(model, directory / ADAPTER).merge_and_unload()


def bytes_in_memory(directory: Path, dtype: Any) -> int:
    """Of all weights below ``directory`` once they are loaded as ``dtype``, or as they are stored for ``auto``.

    Packed and scaled weights count as what they stand for, for loading unpacks them.
    """
    from safetensors import safe_open

    total = 0
    for path in directory.glob("*.safetensors"):
        with safe_open(path, "pt") as file:
            for name in list(file.keys()):
                if name.endswith(".weight_packed"):
                    continue
                if name.endswith(".weight_shape"):  # of what was packed, in however few bits
                    numbers, width = math.prod(file.get_tensor(name).tolist()), 2
                else:
                    piece = file.get_slice(name)
                    numbers, width = math.prod(piece.get_shape()), 4 if piece.get_dtype() == "F32" else 2
                total += numbers * (width if dtype == "auto" else dtype.itemsize)
    return total


def sharding_options(workers: int) -> dict[str, Any]:
    """Options of ``from_pretrained`` with which each of ``workers`` processes loads its share (FSDP2)."""
    from transformers.distributed import DistributedConfig

    return {"distributed_config": DistributedConfig(fsdp_size=workers)}


def model_class(config: dict[str, Any]) -> Any:
    """The transformers class of ``config['architectures'][0]``. Raises StageError if there is none."""
    import transformers

    names = config.get("architectures") or []
    found = getattr(transformers, names[0], None) if names else None
    if found is None:
        named = names[0] if names else phrase(N_("(none named)"))
        raise StageError(
            phrase(
                N_("transformers {version} has no architecture {named}."),
                version=transformers.__version__,
                named=named,
            ),
            N_("Name one that it has under architectures in config.json, such as AXK1ForCausalLM."),
        )
    return found


def load_tokenizer(source: TreeReader | Path) -> PreTrainedTokenizerFast:
    """The tokenizer of a model tree. Raises StageError if the tree has none."""
    from transformers import PreTrainedTokenizerFast

    with TemporaryDirectory(prefix="tokenizer-") as folder:
        copy_tokenizer(source, Path(folder))
        if not (Path(folder) / "tokenizer.json").is_file():
            raise StageError(N_("The model tree has no tokenizer.json."), N_("Use a tree that holds a tokenizer."))
        return PreTrainedTokenizerFast.from_pretrained(folder, local_files_only=True)


def copy_tokenizer(source: TreeReader | Path, directory: Path) -> None:
    """Copy the tokenizer's files, byte for byte, and nothing else of the tree. Raises OSError."""
    directory.mkdir(parents=True, exist_ok=True)
    if isinstance(source, Path):
        for name in TOKENIZER_FILES:
            if (source / name).is_file():
                shutil.copyfile(source / name, directory / name)
        return
    for entry in source.manifest.files:
        if entry.path not in TOKENIZER_FILES:
            continue
        with source.open(entry.path) as incoming, (directory / entry.path).open("wb") as file:
            shutil.copyfileobj(incoming, file)
