"""From a model in memory to a model tree: hub layout, original configuration kept, same weights same bytes."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from bongsu.artifacts.base import TreeReader
from bongsu_stages.models.configuration import keep_original_fields, read_config, write_config
from bongsu_stages.models.fingerprints import FINGERPRINTS, Fingerprints, fingerprints_of
from bongsu_stages.models.mlmodel import TOKENIZER_FILES, write_mlmodel
from bongsu_stages.models.silence import no_progress_bars

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
    weights: Mapping[str, torch.Tensor] | None = None,
    shard_size: str = "5GB",
) -> None:
    """Write a model tree: weights, configuration, tokenizer, ``MLmodel`` and what the weights were in memory.

    Routed experts get one file entry per expert and projection, as on the hub. The same weights give the same
    bytes. The model in memory is not changed.

    Args:
        model: any causal language model of transformers, not wrapped (no DDP, no peft).
        directory: created if need be; files of the same name are overwritten.
        dtype: of the weights on disk; the router's bias stays in fp32.
        weights: the whole state dict, where ``model`` itself holds only a part of it (sharded over workers).
        shard_size: largest file of weights, as transformers writes it.
    """
    directory.mkdir(parents=True, exist_ok=True)
    cast = cast_weights(model, dtype, weights)
    with no_progress_bars():
        _whole(model).save_pretrained(directory, state_dict=cast, max_shard_size=shard_size)
    saved = {**read_config(directory), "dtype": DTYPE_NAMES[dtype]}
    write_config(directory, keep_original_fields(saved, origin.config))
    if origin.tokenizer is not None:
        copy_tokenizer(origin.tokenizer, directory)
    write_mlmodel(directory)
    (directory / FINGERPRINTS).write_bytes(Fingerprints(state=fingerprints_of(cast)).encode())


def cast_weights(
    model: PreTrainedModel, dtype: torch.dtype, weights: Mapping[str, torch.Tensor] | None = None
) -> dict[str, torch.Tensor]:
    """The state dict in ``dtype``, but for what the architecture wants in fp32 (the router's bias) and integers."""
    strict = tuple(getattr(model, "_keep_in_fp32_modules_strict", None) or ())
    out = {}
    for name, tensor in (weights or model.state_dict()).items():
        keep = not tensor.is_floating_point() or any(part in name.split(".") for part in strict)
        out[name] = tensor if keep else tensor.to(dtype)
    return out


def _whole(model: PreTrainedModel) -> PreTrainedModel:
    """``model``, or one of its class without weights if it is sharded: saving that would wait for the others."""
    if not any(hasattr(weight, "full_tensor") for weight in model.parameters()):
        return model
    with torch.device("meta"):
        return type(model)(model.config)


def copy_tokenizer(source: TreeReader | Path, directory: Path) -> None:
    """Copy the tokenizer's files, byte for byte. Raises OSError."""
    origin = source if isinstance(source, Path) else source.local()
    directory.mkdir(parents=True, exist_ok=True)
    for name in TOKENIZER_FILES:
        if (origin / name).is_file():
            shutil.copyfile(origin / name, directory / name)
