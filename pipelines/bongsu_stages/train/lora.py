"""Low-rank adapters (LoRA, arXiv:2106.09685) on linear layers and on fused experts, by peft."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch

from bongsu.domain.messages import N_
from bongsu.domain.phrases import phrase
from bongsu_stages.models.fingerprints import fingerprints_of
from bongsu_stages.models.sharding import blocks_of, prefix_of, whole
from bongsu_stages.runtime.stage import StageError
from bongsu_stages.train.lora_params import ALL_LINEAR, LoraParams


def add_adapter(model: Any, lora: LoraParams, seed: int) -> Any:
    """``model`` in peft's wrapper: its own weights frozen, the adapter's in fp32. Raises StageError."""
    from peft import LoraConfig, get_peft_model

    modules: Any = ALL_LINEAR if lora.target_modules == (ALL_LINEAR,) else list(lora.target_modules)
    config = LoraConfig(
        r=lora.rank,
        lora_alpha=lora.alpha,
        lora_dropout=lora.dropout,
        target_modules=modules,
        target_parameters=list(lora.target_parameters) or None,
        task_type="CAUSAL_LM",
    )
    torch.manual_seed(seed)
    try:
        return get_peft_model(model, config)
    except ValueError as error:
        raise StageError(
            phrase(N_("The adapter does not fit the model: {detail}"), detail=error), N_("Correct targetModules.")
        ) from error


def adapter_fingerprints(model: Any) -> dict[str, str]:
    """What the adapter's weights are in memory, by their names in its file."""
    from peft import get_peft_model_state_dict

    return fingerprints_of(get_peft_model_state_dict(model, state_dict=_own_state(model)).items())


@torch.no_grad()
def merged_in_parts(model: Any) -> Iterator[dict[str, torch.Tensor]]:
    """The weights of a sharded base with the adapter added to them, block by block on the CPU, by the names that the
    base has without an adapter. Every worker has to take every part."""
    from peft.tuners.lora import LoraLayer

    for name, block in blocks_of(model.get_base_model()):
        layers = {path: layer for path, layer in block.named_modules() if isinstance(layer, LoraLayer)}
        # A block may be such a layer itself, as the head is.
        adapted = {prefix_of(name) + path if path else name: layer for path, layer in layers.items()}
        part = {}
        for path, tensor in block.state_dict(prefix=prefix_of(name)).items():
            if ".lora_" in path:
                continue
            weight = whole(tensor).cpu()
            owner = adapted.pop(path.removesuffix(".base_layer.weight"), None)
            if owner is not None:
                weight = weight + owner.get_delta_weight("default").to(weight)
            part[path.replace(".base_layer.", ".")] = weight
        if adapted:
            raise StageError(
                phrase(N_("The adapter of {modules} has no weight to go to."), modules=", ".join(adapted)),
                N_("Set lora.mergeAtEnd to false."),
            )
        yield part


def _own_state(model: Any) -> dict[str, torch.Tensor]:
    """The adapter's weights alone: peft would ask all workers for those of a sharded base."""
    return {name: weight.detach() for name, weight in model.named_parameters() if ".lora_" in name}


def save_adapter(model: Any, directory: Path) -> None:
    """Write the adapter alone into ``directory``; the same weights give the same bytes."""
    config = model.peft_config["default"]
    # The place where this worker happened to read the base says nothing to anybody else.
    config.base_model_name_or_path = None
    model.save_pretrained(directory, state_dict=_own_state(model))
    (directory / "README.md").unlink(missing_ok=True)
    file = directory / "adapter_config.json"
    fields = json.loads(file.read_text())
    ordered = {key: sorted(value) if isinstance(value, list) else value for key, value in fields.items()}
    file.write_text(json.dumps(ordered, indent=2, sort_keys=True) + "\n")
