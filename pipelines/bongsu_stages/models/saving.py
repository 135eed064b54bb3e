"""From a model in memory to a model tree: hub layout, original configuration kept, same weights same bytes."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from bongsu.artifacts.base import TreeReader
from bongsu.domain.weights import INDEX
from bongsu_stages.models.configuration import keep_original_fields, read_config, write_config
from bongsu_stages.models.fingerprints import FINGERPRINTS, Fingerprints, fingerprints_of
from bongsu_stages.models.loading import copy_tokenizer
from bongsu_stages.models.mlmodel import write_mlmodel
from bongsu_stages.models.silence import no_progress_bars
from bongsu_stages.models.weight_header import encode_index

if TYPE_CHECKING:
    from transformers import PreTrainedModel

DTYPE_NAMES = {torch.float32: "float32", torch.bfloat16: "bfloat16", torch.float16: "float16"}


@dataclass(frozen=True)
class Origin:
    """What a model was made from, and its tree goes on to say.

    Attributes:
        config: ``config.json`` that the model was loaded from; fields that the new one lacks are kept.
        tokenizer: where the tokenizer's files are copied from; None for a model without one.
    """

    config: Mapping[str, Any]
    tokenizer: TreeReader | Path | None


def save_model(
    model: PreTrainedModel,
    origin: Origin,
    directory: Path,
    *,
    dtype: torch.dtype = torch.bfloat16,
    parts: Iterable[Mapping[str, torch.Tensor]] | None = None,
    shard_size: str = "5GB",
) -> None:
    """Write a model tree: weights, configuration, tokenizer, ``MLmodel`` and what the weights were in memory.

    Routed experts get one file entry per expert and projection, as on the hub. The same weights give the same
    bytes. The model in memory is not changed.

    Args:
        model: any causal language model of transformers, not wrapped (no DDP, no peft).
        directory: created if need be; files of the same name are overwritten.
        dtype: of the weights on disk; the router's bias stays in fp32.
        parts: the state dict in parts, one of which is in memory at a time, where ``model`` itself holds only its
            share of it. Each gets files of its own.
        shard_size: largest file of weights, as transformers writes it.
    """
    directory.mkdir(parents=True, exist_ok=True)
    if parts is None:
        cast = cast_weights(model, model.state_dict(), dtype)
        with no_progress_bars():
            # A copy: transformers takes entries out of what it is given while it writes.
            model.save_pretrained(directory, state_dict=dict(cast), max_shard_size=shard_size)
        recorded = fingerprints_of(cast.items())
    else:
        recorded = _save_parts(model, parts, directory, dtype, shard_size)
    saved = {**read_config(directory), "dtype": DTYPE_NAMES[dtype]}
    write_config(directory, keep_original_fields(saved, origin.config))
    if origin.tokenizer is not None:
        copy_tokenizer(origin.tokenizer, directory)
    write_mlmodel(directory)
    (directory / FINGERPRINTS).write_bytes(Fingerprints(state=recorded).encode())


def _save_parts(
    model: Any, parts: Iterable[Mapping[str, torch.Tensor]], directory: Path, dtype: torch.dtype, shard_size: str
) -> dict[str, str]:
    """Write configuration and weights of a model of which this process holds a share; returns fingerprints."""
    like = _without_weights(model)
    like.config.save_pretrained(directory)
    if like.can_generate():
        model.generation_config.save_pretrained(directory)
    recorded: dict[str, str] = {}
    files: list[dict[str, int]] = []
    for part in parts:
        cast = cast_weights(model, part, dtype)
        # While the next part comes, nothing of this one may stay.
        del part
        recorded |= fingerprints_of(cast.items())
        files += _save_part(like, cast, directory, len(files), shard_size)
        del cast
    places: dict[str, str] = {}
    for number, sizes in enumerate(files):
        name = f"model-{number + 1:05d}-of-{len(files):05d}.safetensors"
        (directory / f"part-{number}.safetensors").rename(directory / name)
        places |= dict.fromkeys(sizes, name)
    (directory / INDEX).write_bytes(encode_index(places, sum(sum(sizes.values()) for sizes in files)))
    return dict(sorted(recorded.items()))


def _save_part(
    like: Any, state: dict[str, torch.Tensor], directory: Path, first: int, shard_size: str
) -> list[dict[str, int]]:
    """Write files ``part-<first>.safetensors`` and on; returns the bytes of each one's weights by name."""
    from huggingface_hub import split_torch_state_dict_into_shards
    from safetensors.torch import save_file
    from transformers.core_model_loading import revert_weight_conversion

    on_hub = revert_weight_conversion(like, state)
    split = split_torch_state_dict_into_shards(on_hub, max_shard_size=shard_size)
    files = []
    for number, names in enumerate(split.filename_to_tensors.values(), start=first):
        tensors = {name: on_hub[name].contiguous() for name in names}
        save_file(tensors, directory / f"part-{number}.safetensors", metadata={"format": "pt"})
        files.append({name: tensor.nbytes for name, tensor in tensors.items()})
    return files


def cast_weights(
    model: PreTrainedModel, weights: Mapping[str, torch.Tensor], dtype: torch.dtype
) -> dict[str, torch.Tensor]:
    """``weights`` in ``dtype``, but for what the architecture wants in fp32 (the router's bias) and integers."""
    strict = tuple(getattr(model, "_keep_in_fp32_modules_strict", None) or ())
    out = {}
    for name, tensor in weights.items():
        keep = not tensor.is_floating_point() or any(part in name.split(".") for part in strict)
        out[name] = tensor if keep else tensor.to(dtype)
    return out


def _without_weights(model: Any) -> Any:
    """A model of the same class and configuration that no other worker shares."""
    config = copy.deepcopy(model.config)
    config.distributed_config = None
    # FSDP2 gives a model a class of its own in front of the one that it has.
    cls = next(kind for kind in type(model).__mro__ if not kind.__name__.startswith("FSDP"))
    with torch.device("meta"):
        return cls(config)
